// SPDX-License-Identifier: GPL-2.0-only
/* The configuration of an instance: ranges, defaults, live changes. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/nospec.h>

#include "admission.h"
#include "cache.h"
#include "config.h"
#include "health.h"
#include "instance.h"

#define ROW(field_, min_, max_, initial_) \
	[VEXIPC_CONFIG_##field_] = { min_, max_, initial_, U32_MAX }
#define ROW_UNBUILT(field_, min_, max_, initial_, built_) \
	[VEXIPC_CONFIG_##field_] = { min_, max_, initial_, built_ }

static const struct vexipc_config_row rows[VEXIPC_CONFIG_MAX + 1] = {
	ROW(MAX_CONCURRENT_REQUESTS,	1, VEXIPC_MAX_REQUESTS, 10000),
	ROW(MAX_CONCURRENT_PER_SERVICE,	1, VEXIPC_MAX_REQUESTS, 100),
	ROW(REQUEST_TIMEOUT_MS,		1, VEXIPC_MAX_TIMEOUT_MS, 30000),
	ROW(MAX_QUEUE_SIZE,		1, VEXIPC_MAX_REQUESTS, 1000),
	ROW(DISCOVERY_INTERVAL_SEC,	1, 3600, 30),
	ROW(HEALTH_CHECK_INTERVAL_SEC,	1, 3600, 30),
	ROW(MAX_RETRY_ATTEMPTS,		0, 10, 3),
	ROW(RETRY_BACKOFF_BASE_MS,	1, 60000, 1000),
	ROW(ENABLE_AUTHENTICATION,	0, 1, 1),
	ROW_UNBUILT(ENABLE_ENCRYPTION,	0, 1, 0, 0),
	ROW_UNBUILT(ENABLE_COMPRESSION,	0, 1, 0, 0),
	ROW(TRANSPORT_TYPE, VEXIPC_TRANSPORT_NETLINK, VEXIPC_TRANSPORT_RING,
	    VEXIPC_TRANSPORT_RING),
	ROW(BUFFER_SIZE,		64 << 10, 64 << 20, 256 << 10),
	ROW(CONNECTION_TIMEOUT_MS,	1, 60000, 5000),
	ROW(MAX_RETRIES,		0, 100, 3),
	ROW(ALGORITHM, VEXIPC_ALGORITHM_ROUND_ROBIN, VEXIPC_ALGORITHMS - 1,
	    VEXIPC_ALGORITHM_ROUND_ROBIN),
	ROW(PROBE_TIMEOUT_MS,		1, 60000, 5000),
	ROW(UNHEALTHY_AFTER,		1, 100, 3),
	ROW(HEALTHY_AFTER,		1, 100, 2),
	ROW(SLOW_START_SEC,		0, 3600, 10),
	ROW(STICKY_TIMEOUT_SEC,		0, 86400, 300),
	ROW(BREAKER_FAILURES,		0, 1000, 5),
	ROW(BREAKER_ERROR_PERCENT,	0, 100, 50),
	ROW(BREAKER_MIN_VOLUME,		1, 100000, 20),
	ROW(BREAKER_EJECTION_MS,	1, 3600000, 5000),
	ROW(BREAKER_MAX_EJECTION_MS,	1, 3600000, 60000),
	ROW(BREAKER_PANIC_PERCENT,	0, 100, 50),
	ROW(RETRY_BUDGET_PERCENT,	0, 100, 20),
	ROW(STALL_TIMEOUT_MS,		0, 3600000, 10000),
	ROW(QUEUE_AGEING_MS,		0, 3600000, 5000),
	ROW(MAX_SERVICE_QUEUE,		1, VEXIPC_MAX_REQUESTS, 256),
	ROW(QUEUE_BACKPRESSURE_PERCENT,	1, 100, 70),
	ROW(QUEUE_SHED_PERCENT,		1, 100, 90),
	ROW(CODEL_TARGET_MS,		0, 3600000, 0),
	ROW(CODEL_INTERVAL_MS,		1, 3600000, 1000),
	ROW(DYNAMIC_BATCHING,		0, 1, 0),
	ROW(BATCH_MAX_BYTES,		1 << 10, 1 << 20, 64 << 10),
	ROW(BATCH_DELAY_US,		0, 100000, 0),
	ROW(LIMIT_INSTANCE_REQUESTS,	0, 1000000, 0),
	ROW(LIMIT_INSTANCE_BYTES,	0, U32_MAX, 0),
	ROW(LIMIT_INSTANCE_BURST_MS,	1, 3600000, 1000),
	ROW(LIMIT_USER_REQUESTS,	0, 1000000, 0),
	ROW(LIMIT_USER_BYTES,		0, U32_MAX, 0),
	ROW(LIMIT_USER_BURST_MS,	1, 3600000, 1000),
	ROW(LIMIT_SESSION_REQUESTS,	0, 1000000, 0),
	ROW(LIMIT_SESSION_BYTES,	0, U32_MAX, 0),
	ROW(LIMIT_SESSION_BURST_MS,	1, 3600000, 1000),
	ROW(LIMIT_SERVICE_REQUESTS,	0, 1000000, 0),
	ROW(LIMIT_SERVICE_BYTES,	0, U32_MAX, 0),
	ROW(LIMIT_SERVICE_BURST_MS,	1, 3600000, 1000),
	ROW(LIMIT_MODULE_REQUESTS,	0, 1000000, 0),
	ROW(LIMIT_MODULE_BYTES,		0, U32_MAX, 0),
	ROW(LIMIT_MODULE_BURST_MS,	1, 3600000, 1000),
	ROW(ADAPTIVE_RATES,		0, 1, 0),
	ROW(ADAPTIVE_CONCURRENCY,	0, 1, 0),
	ROW(MAX_BYTES,			0, U32_MAX, 1 << 30),
	ROW(MAX_BYTES_PER_USER,		0, U32_MAX, 0),
	ROW(MAX_REQUESTS_PER_USER,	0, VEXIPC_MAX_REQUESTS, 0),
	ROW(MAX_BYTES_MODULE,		0, U32_MAX, 0),
	ROW(MAX_REQUESTS_MODULE,	0, S32_MAX, 0),
	ROW(CACHE_ENABLED,		0, 1, 0),
	ROW(CACHE_TTL_SEC,		1, 86400, 300),
	ROW(CACHE_MAX_ENTRIES,		1, 1 << 20, 1000),
	ROW(CACHE_MAX_BYTES,		64 << 10, 1 << 30, 16 << 20),
	ROW(CACHE_PER_USER,		0, 1, 0),
	ROW(COALESCE,			0, 1, 0),
	ROW(HEDGE_PERCENTILE,		0, 99, 0),
	ROW(HEDGE_BUDGET_PERCENT,	0, 100, 10),
	ROW(SLOW_AFTER_MS,		0, 3600000, 0),
};

void vexipc_config_init(struct vexipc_settings *s)
{
	for (u32 i = 0; i <= VEXIPC_CONFIG_MAX; i++)
		s->value[i] = rows[i].initial;
}

/**
 * vexipc_config_row() - the description of a field
 * @field: as user space named it
 *
 * Return: the row, or NULL when there is no such field.
 */
const struct vexipc_config_row *vexipc_config_row(u32 field)
{
	if (!field || field > VEXIPC_CONFIG_MAX)
		return NULL;
	return &rows[array_index_nospec(field, VEXIPC_CONFIG_MAX + 1)];
}

/**
 * vexipc_config_check() - may this field have this value?
 * @field: as user space named it
 * @value: as user space wants it
 *
 * Return: 0; -ENOENT no such field; -ERANGE out of its range; -EOPNOTSUPP a
 * value that is known but not built.
 */
int vexipc_config_check(u32 field, u64 value)
{
	const struct vexipc_config_row *row = vexipc_config_row(field);

	if (!row)
		return -ENOENT;
	if (value < row->min || value > row->max)
		return -ERANGE;
	if (value > row->unbuilt)
		return -EOPNOTSUPP;
	return 0;
}

static bool of_module(u32 field)
{
	switch (field) {
	case VEXIPC_CONFIG_LIMIT_MODULE_REQUESTS:
	case VEXIPC_CONFIG_LIMIT_MODULE_BYTES:
	case VEXIPC_CONFIG_LIMIT_MODULE_BURST_MS:
	case VEXIPC_CONFIG_MAX_BYTES_MODULE:
	case VEXIPC_CONFIG_MAX_REQUESTS_MODULE:
		return true;
	default:
		return false;
	}
}

/**
 * vexipc_config_write() - change fields, all or none
 * @inst: the instance
 * @entries: fields and their new values
 * @count: how many
 * @refused: index of the entry that was refused, when one was
 *
 * Context: may sleep.
 * Return: 0; the error of vexipc_config_check() for the first entry refused;
 * -EPERM a field of the whole module, and @inst is not that of init_net.
 */
int vexipc_config_write(struct vexipc_instance *inst,
			const struct vexipc_config_entry *entries, u32 count,
			u32 *refused)
{
	for (u32 i = 0; i < count; i++) {
		int err = vexipc_config_check(entries[i].field, entries[i].value);

		/* What is above the namespaces is set in the first one. */
		if (!err && inst->net != &init_net && of_module(entries[i].field))
			err = -EPERM;
		if (err) {
			*refused = i;
			return err;
		}
	}

	mutex_lock(&inst->config_lock);
	for (u32 i = 0; i < count; i++) {
		u32 field = array_index_nospec(entries[i].field,
					       VEXIPC_CONFIG_MAX + 1);

		WRITE_ONCE(inst->settings.value[field], entries[i].value);
	}
	vexipc_admission_refresh(inst);
	mutex_unlock(&inst->config_lock);

	vexipc_health_reschedule(inst);
	/* There may be room now for those who wait for it. */
	vexipc_pressure_eased(&inst->pressure, inst);
	vexipc_cache_configured(inst);
	return 0;
}
