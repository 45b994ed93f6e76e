/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_BREAKER_H
#define _VEXIPC_BREAKER_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <linux/vexipc.h>

struct vexipc_config_entry;
struct vexipc_service;

enum {
	VEXIPC_BREAKER_SECONDS	= 10,	/* of the window */
	/* Half-open: so many at once; so many failures open it, good ones in a row close it. */
	VEXIPC_BREAKER_PROBES	= 5,
	/* Settings that a service can have of its own. */
	VEXIPC_BREAKER_FIRST	= VEXIPC_CONFIG_BREAKER_FAILURES,
	VEXIPC_BREAKER_LIMITS	= VEXIPC_CONFIG_BREAKER_MAX_EJECTION_MS -
				  VEXIPC_BREAKER_FIRST + 1,
};

/**
 * struct vexipc_breaker - keeps requests from a service that fails
 * @state:	enum vexipc_breaker_state; read without the lock
 * @held:	somebody has set it: it stays
 * @until_ns:	when it is half-open, if it is open; read without the lock
 * @since_ns:	when @state began
 * @ejections:	how often it has opened since a probe was answered last
 * @failures:	in a row
 * @successes:	in a row, half-open
 * @probes_failed: half-open
 * @second:	of the newest part of the window
 * @window:	what came of attempts, by second
 * @window_failed: of them all; read without the lock, as is @window_all
 * @window_all: of them all
 * @own:	settings in place of the instance's
 * @own_mask:	which of them count
 *
 * Under the service's lock.
 */
struct vexipc_breaker {
	u32 state;
	bool held;
	u64 until_ns;
	u64 since_ns;
	u32 ejections;
	u32 failures;
	u32 successes;
	u32 probes_failed;
	u64 second;
	struct {
		u32 succeeded, failed;
	} window[VEXIPC_BREAKER_SECONDS];
	u32 window_failed, window_all;
	u32 own[VEXIPC_BREAKER_LIMITS];
	u32 own_mask;
};

void vexipc_breaker_note(struct vexipc_service *svc, bool failed, u64 sent_ns, u64 now_ns);
void vexipc_breaker_tell(struct vexipc_service *svc, u32 before, u32 now);
void vexipc_breaker_set(struct vexipc_service *svc, u32 op);
u32 vexipc_breaker_limit(const struct vexipc_service *svc, u32 field);
int vexipc_breaker_configure(struct vexipc_service *svc,
			     const struct vexipc_config_entry *entries, u32 count,
			     u32 *refused);
bool vexipc_breaker_look(struct vexipc_service *svc, u64 now_ns);
bool vexipc_breaker_admits(struct vexipc_service *svc);
u32 vexipc_breaker_failed_permille(const struct vexipc_breaker *b, u64 now_ns);

/* vexipc_breaker_error_permille() - how many of the latest attempts failed, in 1/1000 */
static inline u32 vexipc_breaker_error_permille(const struct vexipc_breaker *b, u64 now_ns)
{
	return likely(!READ_ONCE(b->window_failed)) ? 0 :
	       vexipc_breaker_failed_permille(b, now_ns);
}

#endif
