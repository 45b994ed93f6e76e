// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the suites reach of the module, in one list rather than in every file;
 * part of vexipc.ko where there is KUnit.
 */
#include <kunit/visibility.h>

#include "access.h"
#include "admission.h"
#include "availability.h"
#include "batch.h"
#include "breaker.h"
#include "bucket.h"
#include "carrier.h"
#include "codel.h"
#include "cache.h"
#include "config.h"
#include "endpoint.h"
#include "error.h"
#include "gradient.h"
#include "health.h"
#include "histogram.h"
#include "instance.h"
#include "latency.h"
#include "order.h"
#include "policy.h"
#include "pressure.h"
#include "protocol.h"
#include "queue.h"
#include "registry.h"
#include "request.h"
#include "rules.h"
#include "slots.h"
#include "spec.h"
#include "stats.h"
#include "token.h"

/* Each is defined, and has its kernel-doc, in the file of its header. */
#define TESTED(symbol) EXPORT_SYMBOL_IF_KUNIT(symbol)

TESTED(vexipc_access_admin);
TESTED(vexipc_access_embed);
TESTED(vexipc_access_look);
TESTED(vexipc_access_open);
TESTED(vexipc_access_ping);
TESTED(vexipc_admission_refresh);
TESTED(vexipc_admission_share);

TESTED(vexipc_availability_init);
TESTED(vexipc_availability_set);
TESTED(vexipc_availability_share);

TESTED(vexipc_batch_check_items);
TESTED(vexipc_batch_check_results);

TESTED(vexipc_carrier_gather);
TESTED(vexipc_carrier_sent);
TESTED(vexipc_carrier_unsend);
TESTED(vexipc_carrier_answer);

TESTED(vexipc_breaker_configure);
TESTED(vexipc_breaker_note);
TESTED(vexipc_breaker_look);
TESTED(vexipc_breaker_set);

TESTED(vexipc_bucket_cost);
TESTED(vexipc_bucket_wait);
TESTED(vexipc_bucket_take);
TESTED(vexipc_bucket_charge);
TESTED(vexipc_bucket_give);

TESTED(vexipc_codel_drops);
TESTED(vexipc_cache_configured);
TESTED(vexipc_cache_flush);
TESTED(vexipc_cache_key);

TESTED(vexipc_config_init);
TESTED(vexipc_config_row);
TESTED(vexipc_config_check);
TESTED(vexipc_config_write);

TESTED(vexipc_endpoint_init);
TESTED(vexipc_endpoint_put);
TESTED(vexipc_endpoint_close);
TESTED(vexipc_endpoint_remove);
TESTED(vexipc_endpoint_complete);
TESTED(vexipc_endpoint_cancel);
TESTED(vexipc_endpoint_reply);
TESTED(vexipc_endpoint_take);
TESTED(vexipc_endpoint_untake);
TESTED(vexipc_endpoint_done);
TESTED(vexipc_out_image);
TESTED(vexipc_endpoint_service);

TESTED(vexipc_error_name);

TESTED(vexipc_gradient_answer);
TESTED(vexipc_gradient_drop);
TESTED(vexipc_gradient_limit);

TESTED(vexipc_health_heartbeat);
TESTED(vexipc_health_score);

TESTED(vexipc_histogram_add);
TESTED(vexipc_histogram_percentile);

TESTED(vexipc_instance_of);
TESTED(vexipc_instance_prepare);

TESTED(vexipc_latency_add);

TESTED(vexipc_image_open);
TESTED(vexipc_image_seal);
TESTED(vexipc_image_copy);
TESTED(vexipc_header_check);
TESTED(vexipc_message_check);
TESTED(vexipc_type_known);
TESTED(vexipc_negotiate);
TESTED(vexipc_vector_bytes);
TESTED(vexipc_string_check);
TESTED(vexipc_string_list_check);

TESTED(vexipc_order_init);
TESTED(vexipc_order_add);
TESTED(vexipc_order_add_front);
TESTED(vexipc_order_remove);
TESTED(vexipc_order_charge);
TESTED(vexipc_order_first);

TESTED(vexipc_policy_name);
TESTED(vexipc_policy_use);
TESTED(vexipc_policy_at);
TESTED(vexipc_policy_validate);
TESTED(vexipc_policy_add);
TESTED(vexipc_policy_remove);
TESTED(vexipc_policy_replace);

TESTED(vexipc_pressure_writable);

TESTED(vexipc_queue_next);
TESTED(vexipc_queue_ready);
TESTED(vexipc_queue_unsend);
TESTED(vexipc_queue_give_up);

TESTED(vexipc_registry_add);
TESTED(vexipc_registry_remove);
TESTED(vexipc_registry_drain);
TESTED(vexipc_registry_leave_when_idle);
TESTED(vexipc_registry_by_id);
TESTED(vexipc_registry_by_handle);
TESTED(vexipc_registry_next);
TESTED(vexipc_registry_count);
TESTED(vexipc_service_state);
TESTED(vexipc_service_entry_fill);
TESTED(vexipc_service_free);

TESTED(vexipc_request_alloc);
TESTED(vexipc_request_put);
TESTED(vexipc_request_submit);
TESTED(vexipc_request_wake);
TESTED(vexipc_request_wait);
TESTED(vexipc_request_finish);
TESTED(vexipc_request_answer);
TESTED(vexipc_request_again);
TESTED(vexipc_request_image);

TESTED(vexipc_rule_add);
TESTED(vexipc_rule_at);
TESTED(vexipc_rule_remove);
TESTED(vexipc_rules_clear);

TESTED(vexipc_slots_init);
TESTED(vexipc_slots_free);
TESTED(vexipc_slots_take);
TESTED(vexipc_slots_publish);
TESTED(vexipc_slots_release);
TESTED(vexipc_slots_find);

TESTED(vexipc_spec_check);
TESTED(vexipc_spec_matches);
TESTED(vexipc_spec_text);

TESTED(vexipc_stats_instance);
TESTED(vexipc_stats_service);

TESTED(vexipc_token_claim);
TESTED(vexipc_token_issue);
TESTED(vexipc_token_next);
TESTED(vexipc_token_release);
TESTED(vexipc_token_revoke);
