/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of a core: their memory, accept, and the sweep for idle ones.
 */
#ifndef APP_CONN_H
#define APP_CONN_H

#include "app/millrace/service.h"

/* Take all connections that a listener has. A waiter's function; arg is the struct listener. */
void conn_accept(struct mr_ep *ep, uint32_t events, void *arg);
/* End the connections of an instance that made no progress for its idle time. */
void conn_sweep(struct instance *inst, uint64_t now_ns);
void conn_drain_all(struct instance *inst);
void conn_abort_all(struct instance *inst);
/* Free the memory; no connection is left. */
void conn_slabs_free(struct instance *inst);

#endif
