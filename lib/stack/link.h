/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * The link contract: frames in, frames out. A link is one queue pair of one device, used by one stack.
 *
 * Packets are mbufs made by mr_pktpool_create; a driver calls mr_pkt_init on each frame it delivers and sets the
 * RTE_MBUF_F_RX_* checksum flags it can vouch for, no others. Frames given to tx_burst carry RTE_MBUF_F_TX_* flags
 * (with l2_len, l3_len, l4_len, as rte_ethdev wants them) only for the offloads that `caps` announces; such a frame may
 * be shared (refcnt > 1): a driver never writes to it, and one that passes mbufs on by pointer copies shared ones.
 * One that passes frames on to another core takes MR_PORT_HELD and MR_PORT_ALONE (pkt.h) out of m->port.
 *
 * A frame with RTE_MBUF_F_TX_TCP_SEG is cut by the link into segments of tso_segsz bytes of payload. All its headers are in
 * its first mbuf, which is not shared: there a driver may write what its device wants of a checksum field. PSH and FIN
 * are those of the last segment; CWR does not occur.
 *
 * A driver is registered by name and opened with mr_link_open; a decorator wraps another link (mr_link.inner).
 */
#ifndef MR_STACK_LINK_H
#define MR_STACK_LINK_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "stack/millrace.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What a link has counted since it was opened. */
struct mr_link_stats {
	uint64_t rx_packets; /**< frames delivered */
	uint64_t rx_bytes;   /**< bytes of them */
	uint64_t tx_packets; /**< frames taken */
	uint64_t tx_bytes;   /**< bytes of them */
	uint64_t rx_missed;  /**< lost by the device for want of descriptors or mbufs */
	uint64_t rx_errors;  /**< bad frames */
	uint64_t tx_errors;  /**< frames that were taken and could not be sent */
};

/** What a driver does. Context: the core of the stack that uses the link; open, start, stop and close: control. */
struct mr_link_ops {
	/** Up to n frames, in order. The caller owns them. */
	uint16_t (*rx_burst)(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n);
	/** Takes the first k frames and returns k; the caller keeps the rest. They carry their link header already
	 *  (S-111). */
	uint16_t (*tx_burst)(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n);
	/** Begin to deliver: the NIC was attached (S-112). @return 0 or -errno: it was not */
	int (*start)(struct mr_link *l);
	/** Forget the frames that wait: afterwards nothing but the device's own queues refers to a pool. */
	void (*stop)(struct mr_link *l);
	/** Let in all frames, or no more; NULL: it always does. @return 0 or -errno */
	int (*set_promisc)(struct mr_link *l, bool on);
	/** The whole list of multicast link addresses to let in; NULL: all are. @return 0 or -errno */
	int (*set_mcast)(struct mr_link *l, const struct mr_lladdr *list, unsigned n);
	void (*stats)(struct mr_link *l, struct mr_link_stats *out); /**< read the counters */
	bool (*is_up)(struct mr_link *l);                            /**< is there a carrier? */
	/** Earliest time at which rx_burst or an own transmission will have work, UINT64_MAX if unknown; may be NULL. */
	uint64_t (*next_ns)(struct mr_link *l);
	/** Stopped or not. The receive pools are still there: a device gives its buffers back now, not at the stop. */
	void (*close)(struct mr_link *l);
};

/** A link; a driver has it first in a struct of its own, and fills it in before it returns it. */
struct mr_link {
	const struct mr_link_ops *ops; /**< the driver's */
	const char *driver;       /**< driver's name */
	const char *framing;      /**< "ether", or "none": packets start with the network header */
	uint32_t caps;            /**< MR_LINK_CAP_* (S-108) */
	uint16_t mtu;             /**< bytes of network packet (S-107) */
	uint16_t tso_segs;        /**< with MR_LINK_CAP_TX_TSO: most mbufs of payload in a frame to be cut */
	uint16_t queue;           /**< which queue pair of the device */
	struct mr_lladdr lladdr;  /**< len 0: it has none (S-110) */
	struct mr_link *inner;    /**< of a decorator: what it wraps and closes */
	struct mr_nic *nic;       /**< set by the stack: who uses it (S-113: attached) */
	uint32_t id;              /**< set by mr_link_register; 0 not registered */
};

/** A driver opens a device and makes cfg->n_queues links, or fewer if the device has fewer queues.
 *  @return links made, or -errno. Whatever it logs names the device and the fix. */
typedef int (*mr_link_open_fn)(const struct mr_link_cfg *cfg, struct mr_link **links);
/** Register a driver (RTE_INIT); the last registration of a name wins. Context of all registrations here: any one
 *  thread, before stacks run. @param name stays the caller's. @return 0, -EINVAL, -ENOSPC. */
int mr_link_driver_register(const char *name, mr_link_open_fn open);

/** A decorator, as a port asks for it: by name, with its arguments as text. */
struct mr_decorator {
	const char *name; /**< what a port calls it */
	/** Are the arguments good? Opens nothing. @return 0, or -EINVAL with `err` filled; NULL: any text will do */
	int (*check)(const char *args, char *err, size_t err_size);
	/** Wrap a link, which the wrapper then owns. @param worker what the wrappers of a port differ by: seed, file */
	int (*wrap)(struct mr_link *inner, const char *args, unsigned worker, struct mr_link **out);
};
/** Register a decorator, which stays the caller's. @return 0, -EINVAL, -ENOSPC. */
int mr_decorator_register(const struct mr_decorator *d);
/** Find it; NULL: unknown. */
const struct mr_decorator *mr_decorator_find(const char *name);

/** What the link header of a frame says. */
struct mr_frame {
	struct mr_lladdr src; /**< len 0: it says nothing of it */
	uint16_t type;        /**< EtherType, or whatever stands in its place */
	enum mr_frame_kind kind; /**< whom it is for */
};

/** How frames of a kind of link are read and written; one per framing name, registered by a protocol. */
struct mr_framing {
	const char *name;  /**< as in mr_link.framing */
	uint8_t hdr_bytes; /**< most that push prepends (S-109) */
	/** Validate and strip the link header of each frame, set net_proto, net_off and the LINK flags; drop what is not
	 *  for us (other unicast addresses, unless the NIC is promiscuous) or malformed. Compacts pkts. @return what is
	 *  left. */
	uint16_t (*pull)(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n);
	/** Read the header of a frame, whoever it is for, and leave it as it is. @return false: it has none */
	bool (*look)(const struct mr_nic *nic, const struct rte_mbuf *m, struct mr_frame *out);
	/** Prepend the header to each packet; headroom is there. */
	void (*push)(struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n, const struct mr_lladdr *dst, uint16_t net_proto);
};
/** Register a framing, which stays the caller's. @return 0, -EINVAL, -ENOSPC. */
int mr_framing_register(const struct mr_framing *f);
/** Find it; NULL: unknown. */
const struct mr_framing *mr_framing_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
