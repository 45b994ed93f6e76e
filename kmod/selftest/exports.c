// SPDX-License-Identifier: GPL-2.0-only
/* What the suites reach of the module; part of vexipc.ko where there is KUnit. */
#include <kunit/visibility.h>

#include "availability.h"
#include "batch.h"
#include "config.h"
#include "endpoint.h"
#include "error.h"
#include "histogram.h"
#include "instance.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "slots.h"
#include "spec.h"
#include "stats.h"

EXPORT_SYMBOL_IF_KUNIT(vexipc_availability_init);
EXPORT_SYMBOL_IF_KUNIT(vexipc_availability_set);
EXPORT_SYMBOL_IF_KUNIT(vexipc_availability_share);

EXPORT_SYMBOL_IF_KUNIT(vexipc_batch_check_items);
EXPORT_SYMBOL_IF_KUNIT(vexipc_batch_check_results);

EXPORT_SYMBOL_IF_KUNIT(vexipc_config_init);
EXPORT_SYMBOL_IF_KUNIT(vexipc_config_row);
EXPORT_SYMBOL_IF_KUNIT(vexipc_config_check);
EXPORT_SYMBOL_IF_KUNIT(vexipc_config_write);

EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_init);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_put);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_close);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_remove);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_complete);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_cancel);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_reply);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_take);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_untake);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_done);
EXPORT_SYMBOL_IF_KUNIT(vexipc_out_image);
EXPORT_SYMBOL_IF_KUNIT(vexipc_endpoint_service);

EXPORT_SYMBOL_IF_KUNIT(vexipc_error_name);

EXPORT_SYMBOL_IF_KUNIT(vexipc_histogram_add);
EXPORT_SYMBOL_IF_KUNIT(vexipc_histogram_percentile);

EXPORT_SYMBOL_IF_KUNIT(vexipc_instance_of);
EXPORT_SYMBOL_IF_KUNIT(vexipc_instance_prepare);

EXPORT_SYMBOL_IF_KUNIT(vexipc_image_open);
EXPORT_SYMBOL_IF_KUNIT(vexipc_image_seal);
EXPORT_SYMBOL_IF_KUNIT(vexipc_image_copy);
EXPORT_SYMBOL_IF_KUNIT(vexipc_header_check);
EXPORT_SYMBOL_IF_KUNIT(vexipc_message_check);
EXPORT_SYMBOL_IF_KUNIT(vexipc_type_known);
EXPORT_SYMBOL_IF_KUNIT(vexipc_negotiate);
EXPORT_SYMBOL_IF_KUNIT(vexipc_vector_bytes);
EXPORT_SYMBOL_IF_KUNIT(vexipc_string_check);
EXPORT_SYMBOL_IF_KUNIT(vexipc_string_list_check);

EXPORT_SYMBOL_IF_KUNIT(vexipc_queue_next);
EXPORT_SYMBOL_IF_KUNIT(vexipc_queue_ready);
EXPORT_SYMBOL_IF_KUNIT(vexipc_queue_unsend);
EXPORT_SYMBOL_IF_KUNIT(vexipc_queue_give_up);

EXPORT_SYMBOL_IF_KUNIT(vexipc_registry_add);
EXPORT_SYMBOL_IF_KUNIT(vexipc_registry_remove);
EXPORT_SYMBOL_IF_KUNIT(vexipc_registry_drain);
EXPORT_SYMBOL_IF_KUNIT(vexipc_registry_leave_when_idle);
EXPORT_SYMBOL_IF_KUNIT(vexipc_registry_by_id);
EXPORT_SYMBOL_IF_KUNIT(vexipc_registry_by_handle);
EXPORT_SYMBOL_IF_KUNIT(vexipc_registry_next);
EXPORT_SYMBOL_IF_KUNIT(vexipc_service_state);
EXPORT_SYMBOL_IF_KUNIT(vexipc_service_free);

EXPORT_SYMBOL_IF_KUNIT(vexipc_request_alloc);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_put);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_submit);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_wake);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_wait);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_finish);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_answer);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_again);
EXPORT_SYMBOL_IF_KUNIT(vexipc_request_image);

EXPORT_SYMBOL_IF_KUNIT(vexipc_slots_init);
EXPORT_SYMBOL_IF_KUNIT(vexipc_slots_free);
EXPORT_SYMBOL_IF_KUNIT(vexipc_slots_take);
EXPORT_SYMBOL_IF_KUNIT(vexipc_slots_publish);
EXPORT_SYMBOL_IF_KUNIT(vexipc_slots_release);
EXPORT_SYMBOL_IF_KUNIT(vexipc_slots_find);

EXPORT_SYMBOL_IF_KUNIT(vexipc_spec_check);
EXPORT_SYMBOL_IF_KUNIT(vexipc_spec_matches);
EXPORT_SYMBOL_IF_KUNIT(vexipc_spec_text);

EXPORT_SYMBOL_IF_KUNIT(vexipc_stats_instance);
EXPORT_SYMBOL_IF_KUNIT(vexipc_stats_service);
