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

/* @return NULL: no memory */
struct lend *lend_create(uint32_t bytes);
/* Let go of it; NULL: nothing happens. */
void lend_drop(struct lend *l);
/* mr_ep_send of a part of it, by reference. */
ssize_t lend_send(struct lend *l, struct mr_ep *ep, const uint8_t *data, uint32_t len);

#endif
