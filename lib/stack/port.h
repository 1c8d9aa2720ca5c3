/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port manager: which (protocol, port) pairs are reserved, for which addresses. A wildcard conflicts with every
 * address of its families, both ways (SS-24); reservations that all say so may share (reuse). Ephemeral ports come from
 * a random start and then step by one (RFC 6056 3.3.2 with a keyed start); on a host of several stacks only those are
 * taken whose return packets this core owns.
 */
#ifndef MR_STACK_PORT_H
#define MR_STACK_PORT_H

#include <stdint.h>

#include "stack/millrace.h"

#define MR_PORT_EPHEMERAL_FIRST 16384 /* RFC 6056 3.2, leaving room for services */
#define MR_PORT_EPHEMERAL_LAST 65535

struct mr_port_req {
	uint8_t proto;
	bool v4, v6;         /* families; a v6 wildcard without V6ONLY has both */
	struct mr_addr addr; /* all zero: any */
	uint16_t port;       /* host order */
	uint16_t nic;        /* 0: any */
	bool reuse;          /* may share with others that say so */
};

int mr_port_table_init(struct mr_stack *s);
void mr_port_table_fini(struct mr_stack *s);
bool mr_port_is_available(struct mr_stack *s, const struct mr_port_req *r);
/* @return 0, -EADDRINUSE, -ENOMEM */
int mr_port_reserve(struct mr_stack *s, const struct mr_port_req *r);
void mr_port_release(struct mr_stack *s, const struct mr_port_req *r);
/* Pick an ephemeral port that is available and that `ok` accepts (NULL: any) and write it to r->port, not yet reserved.
 * `ok` adds what the caller knows: whether this core owns the tuple, whether the tuple is free. @return 0 or -EAGAIN */
int mr_port_pick_ephemeral(struct mr_stack *s, struct mr_port_req *r, bool (*ok)(uint16_t port, void *arg), void *arg);

#endif
