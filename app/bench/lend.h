/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message that is sent over and over from where it lies (--zero-copy): each packet of it holds a reference to its memory, and
 * the last to let go, be it a device that is closed after everything else, frees it.
 */
#ifndef BENCH_LEND_H
#define BENCH_LEND_H

#include <rte_mbuf.h>

#include "stack/millrace.h"

struct lend {
	struct rte_mbuf_ext_shared_info info;
	uint8_t *mem; /* of EAL: devices read it */
	rte_iova_t iova;
};

/* A message of so many zero bytes. @param lent it is sent from where it lies: *l is what lends it then, else NULL.
 * @return NULL: no memory */
uint8_t *message_alloc(uint32_t bytes, bool lent, struct lend **l);
void message_free(uint8_t *message, struct lend *l);
/* mr_ep_send of a part of what is lent, by reference. */
ssize_t lend_send(struct lend *l, struct mr_ep *ep, const uint8_t *data, uint32_t len);

/* Send a part of a message. @param l what lends it; NULL: it is copied */
static inline ssize_t
message_send(struct lend *l, struct mr_ep *ep, const uint8_t *data, uint32_t len)
{
	return l ? lend_send(l, ep, data, len) : mr_ep_send(ep, data, len);
}

#endif
