/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Forwarders from inside (api/forwarder.h): what a transport has to bring along to be forwarded, and how it hands over
 * packets that find their way here other than through the demuxer.
 */
#ifndef MR_STACK_FORWARD_H
#define MR_STACK_FORWARD_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/millrace.h"
#include "stack/pkt.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_transproto;

/** A transport's part in being forwarded. */
struct mr_forward_ops {
	uint16_t hold; /**< packets of one request that wait with it; more are dropped */
	/** May this packet begin something? (TCP: a SYN and nothing else.) */
	bool (*wants)(const struct rte_mbuf *m);
	/** Is it a receive buffer for endpoints? */
	bool (*rcvbuf_ok)(const struct mr_transproto *tp, uint32_t bytes);
	/** An endpoint for the tuple of these packets, with this receive buffer (0: default). It gets the packets.
	 *  @return 0, or what mr_forwarder_accept shall return: then nothing was consumed */
	int (*accept)(struct mr_transproto *tp, struct mr_pktq *pkts, uint32_t rcvbuf, uint32_t note, struct mr_ep **out);
};

/** A packet for nobody, facts and hash set. @param note comes back in `accept`, if the packet makes a request.
 *  @return false: not wanted, nothing was consumed */
bool mr_forward_offer(struct mr_forwarder *f, struct rte_mbuf *m, uint32_t note);

#ifdef __cplusplus
}
#endif
#endif
