/* SPDX-License-Identifier: GPL-2.0-only */
/* What the scenes of abi-faults share; see faults.c. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdatomic.h>

#include "abi.h"

enum { BATCH = 4, FAULT_ERRORS = 256 };

/* Who is there, by what transports; how long contents are, and vectors. */
extern struct peer *client[2], *service[2];
extern uint32_t client_transport, service_transport;
extern size_t size;
extern uint32_t dims;
/* Room for a message that came, and for one that goes. */
extern struct msg m, a;
/* Requests are hedged: an answer may come too late. */
extern bool hedging;

/* This round's fault has happened; how often which error was seen. */
extern atomic_bool fired;
extern unsigned int errors[FAULT_ERRORS];

void around(const struct peer *p, bool before);
int call_of(const struct peer *p, unsigned long number, void *arg);
void calm(void);
bool by_fault(int err);
int came_of(int err);
void sweep(void (*scene)(unsigned int n));

void config(uint32_t field, uint64_t value);
struct peer *open_one(uint32_t transport);
void open_all(unsigned int clients, unsigned int services);
void close_all(void);
bool take(struct peer *p);
void answer(struct peer *p, struct msg *request);
bool serve(struct peer *p);
char *content_of(unsigned int number);

int ask(struct peer *by, unsigned int number);
void serve_until_done(void);
void settle(enum vexipc_error error);
void forget_all(void);

int tokens(uint32_t op, struct vexipc_tokens *arg);
void revoke_token(uint64_t which);
struct vexipc_token_entry token_now(uint32_t *total);

void scene_request(void);
void scene_batch_request(void);
void scene_carried(void);
void scene_cached(void);
void scene_coalesced(void);
void scene_overflow(void);
void scene_refused(void);
void scene_hedged(void);
void scene_batch(void);
void scene_batch_room(void);
void scene_submission(void);
void scene_uring(void);
void scene_life(void);
void scene_life_by_message(void);
void scene_admin_tokens(void);
void scene_admin_rules(void);
void scene_admin_config(void);
void scene_look(void);

#endif
