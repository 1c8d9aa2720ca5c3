/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Links: devices opened by name, pairs in memory, and what may be wrapped round them. How a driver is written is in
 * stack/link.h. Part of <millrace.h>.
 */
#ifndef MR_API_LINK_H
#define MR_API_LINK_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mempool;
struct mr_link;

/** Capabilities of links (S-114..S-119). */
#define MR_LINK_CAP_TX_IPV4_CKSUM (1u << 0)
#define MR_LINK_CAP_TX_TCP_CKSUM (1u << 1)  /**< computes TCP checksums */
#define MR_LINK_CAP_TX_UDP_CKSUM (1u << 2)  /**< computes UDP checksums */
#define MR_LINK_CAP_RX_CKSUM (1u << 3)   /**< sets RX checksum flags; informative, the flags decide */
#define MR_LINK_CAP_TX_MULTI_SEGS (1u << 4) /**< takes chains; otherwise the NIC layer linearises */
#define MR_LINK_CAP_TX_TSO (1u << 5)     /**< cuts TCP segments */
#define MR_LINK_CAP_RESOLVE (1u << 6)    /**< needs ARP and ND */
#define MR_LINK_CAP_LOOPBACK (1u << 7)   /**< nothing leaves this host */

/** What a link driver is asked for (mr_link_open). Zero means default. */
struct mr_link_cfg {
	const char *device;             /**< ethdev: port name or number */
	const char *args;               /**< driver's own "key=value,..." */
	uint16_t mtu;                   /**< default: the device's */
	uint16_t rx_desc;               /**< descriptors of a receive queue; default 1024, virtio's 256; clamped to the
	                                 *   device's limits */
	uint16_t rx_desc_most;          /**< bound of that default; default none */
	uint16_t tx_desc;               /**< the same of a transmit queue; default 1024, virtio's 512 */
	bool promisc;                   /**< take frames for others */
	uint16_t n_queues;              /**< queue pairs wanted */
	struct rte_mempool *const *rx_pools; /**< one per queue */
};
/** Most queue pairs of one device. */
#define MR_LINK_MAX_QUEUES 64
/** Open a device through a named driver ("ethdev", "loopback"): one link per queue pair. Context: one thread.
 *  @param links room for cfg->n_queues. @return links made (1..n_queues), or -ENODEV, -EINVAL, driver errors. */
int mr_link_open(const char *driver, const struct mr_link_cfg *cfg, struct mr_link **links);
/** Close a link. It must have no NIC. Context: one thread. */
void mr_link_close(struct mr_link *l);
/** Give a link a number, 1 or more; it keeps it until it is closed. Context: one thread. @return 0, -EINVAL (it has
 *  one), -ENOSPC. (S-1) */
int mr_link_register(struct mr_link *l, uint32_t *id);
/** The link with a number; NULL: none has it. (S-2) Context: one thread. */
struct mr_link *mr_link_find(uint32_t id);

/** Two joined in-memory links; frames are copied into the receiver's pool, so the two may belong to any two stacks of
 *  one thread. Context: one thread. @param depth frames in flight each way. @return 0, -ENOMEM. */
int mr_pair_create(struct rte_mempool *pool_a, struct rte_mempool *pool_b, uint16_t mtu, uint32_t depth,
                   struct mr_link **a, struct mr_link **b);

/** What `impair` does to the frames that are sent through it. Shares in parts per million. */
struct mr_impair_cfg {
	uint64_t seed;                   /**< of all chance in it: one seed, one run */
	uint32_t loss_ppm;               /**< frames that vanish */
	uint32_t dup_ppm;                /**< frames that come twice */
	uint32_t reorder_ppm;            /**< frames that wait longer than those behind them */
	uint32_t corrupt_ppm;            /**< frames with a bit turned */
	uint64_t delay_ns;               /**< each frame waits delay + uniform(0..jitter) */
	uint64_t jitter_ns;              /**< see delay_ns */
	uint64_t reorder_ns;             /**< extra wait of a reordered frame; default: delay_ns, at least 1 ms */
	uint64_t rate_bps;               /**< 0 no limit */
	uint32_t queue_frames;           /**< frames held for any reason; more are lost; default 1000 */
	uint64_t buffer_bytes;           /**< bytes that may wait for their turn at the rate; more are lost; 0: no limit */
};
/** Wrap a link: impairs what is transmitted. The wrapper owns `inner`. Context: one thread. @return 0, -ENOMEM,
 *  -EINVAL. */
int mr_impair_wrap(struct mr_link *inner, const struct mr_impair_cfg *cfg, struct mr_link **out);
/** Parse "loss=1%,delay=20ms,jitter=2ms,dup=0.1%,reorder=5%,rate=100mbit,queue=100,buffer=64000,seed=7". Context: any thread.
 *  @return 0, or -EINVAL with `err` filled. */
int mr_impair_parse(const char *text, struct mr_impair_cfg *out, char *err, size_t err_size);
/** Wrap a link: writes both directions to a pcapng file, nanosecond times of the loop's clock. Context: one thread.
 *  @param snaplen bytes kept per frame; 0: all. The wrapper owns `inner`. @return 0, -errno of the file. */
int mr_sniffer_wrap(struct mr_link *inner, const char *file, uint32_t snaplen, struct mr_link **out);

#ifdef __cplusplus
}
#endif
#endif
