// SPDX-License-Identifier: GPL-2.0-only
/* What the suites reach of the module; part of vexipc.ko where there is KUnit. */
#include <kunit/visibility.h>

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

