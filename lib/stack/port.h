/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The port manager, from inside: which (protocol, port) pairs are reserved, for which addresses. A wildcard conflicts with
 * every address of its families, both ways (SS-24); reservations that all say so may share (reuse). Ephemeral ports come
 * from a random start and then step by one (RFC 6056 3.3.2 with a keyed start); on a host of several stacks only those
 * are taken whose return packets this core owns. Its calls are public: api/port.h.
 */
#ifndef MR_STACK_PORT_H
#define MR_STACK_PORT_H

#include "stack/millrace.h"

int mr_port_table_init(struct mr_stack *s);
void mr_port_table_fini(struct mr_stack *s);

#endif
