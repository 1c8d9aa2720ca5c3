/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Millrace: a TCP/IP stack on DPDK. The one public header.
 *
 * A `struct mr_stack` is one core's whole instance and is single-threaded: every call that takes a stack, an
 * endpoint or a route must be made on the lcore that polls it. A `struct mr_host` is N such stacks that are one
 * host. Times are nanoseconds in uint64_t (suffix _ns). API calls return 0 or a positive count, or -errno, and
 * change nothing when they fail. Ports in this header are in host byte order.
 *
 * Not here: the contracts for drivers and protocols (millrace/link.h, network.h, transport.h).
 */
#ifndef MILLRACE_H
#define MILLRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mbuf;
struct rte_mempool;
struct mr_stack;
struct mr_host;
struct mr_link;
struct mr_nic;
struct mr_ep;
struct mr_config;

/** Library version, "MAJOR.MINOR.PATCH". */
const char *mr_version(void);

/* ---- addresses --------------------------------------------------------------------------------------------- */

/**
 * An IPv4 or IPv6 address in network byte order. IPv4 is held in its v4-mapped form (::ffff:a.b.c.d), so one
 * 16-byte compare serves both families. All zero is the unspecified address and, in a socket address, the
 * dual-stack wildcard.
 */
struct mr_addr {
	union {
		uint8_t b[16];
		uint32_t w[4];
		uint64_t d[2];
	};
};

/** A link-layer address (6 bytes for Ethernet; len 0 means none). */
struct mr_lladdr {
	uint8_t b[6];
	uint8_t len;
};

/** An address prefix. `plen` counts from the start of the family's own address: 0..32 or 0..128. */
struct mr_subnet {
	struct mr_addr addr;
	uint8_t plen;
};

/** A transport address. `nic` 0 means any NIC. */
struct mr_sockaddr {
	struct mr_addr addr;
	uint16_t port;
	uint16_t nic;
};

/** Network protocol numbers (EtherTypes) and transport protocol numbers (IANA). */
#define MR_NET_IPV4 0x0800
#define MR_NET_ARP 0x0806
#define MR_NET_IPV6 0x86dd
#define MR_TRANS_ICMP 1
#define MR_TRANS_TCP 6
#define MR_TRANS_UDP 17
#define MR_TRANS_ICMPV6 58

/** Text buffer sizes that always suffice. */
#define MR_ADDR_STRLEN 46
#define MR_SOCKADDR_STRLEN 56

/** IPv4 address from its four bytes in host order (0x0a000001 is 10.0.0.1). */
struct mr_addr mr_addr_v4(uint32_t host_order);
/** True for a v4-mapped (IPv4) address. */
bool mr_addr_is_v4(const struct mr_addr *a);
/** True for ::, and for 0.0.0.0. */
bool mr_addr_is_any(const struct mr_addr *a);
/** True for 224.0.0.0/4 and ff00::/8. */
bool mr_addr_is_multicast(const struct mr_addr *a);
/** True for fe80::/10. (169.254/16 is treated as an ordinary prefix.) */
bool mr_addr_is_linklocal(const struct mr_addr *a);
/** True for 127.0.0.0/8 and ::1. */
bool mr_addr_is_loopback(const struct mr_addr *a);
bool mr_addr_equal(const struct mr_addr *a, const struct mr_addr *b);
/** MR_NET_IPV4 or MR_NET_IPV6. */
uint16_t mr_addr_net(const struct mr_addr *a);
/** Parse dotted quad or RFC 4291 text. @return 0 or -EINVAL. */
int mr_addr_parse(const char *text, struct mr_addr *out);
/** RFC 5952 text. @return buf. @param size at least MR_ADDR_STRLEN. */
const char *mr_addr_format(const struct mr_addr *a, char *buf, size_t size);
/** Parse "ADDR/LEN"; a bare address is a host prefix. Host bits are kept in `addr`. @return 0 or -EINVAL. */
int mr_subnet_parse(const char *text, struct mr_subnet *out);
/** True if `a` is of the subnet's family and inside it. */
bool mr_subnet_contains(const struct mr_subnet *s, const struct mr_addr *a);
/** Parse "aa:bb:cc:dd:ee:ff". @return 0 or -EINVAL. */
int mr_lladdr_parse(const char *text, struct mr_lladdr *out);

/* ---- stack ------------------------------------------------------------------------------------------------- */

/** Construction parameters; zero each field you do not care about: 0 and NULL mean the default. */
struct mr_stack_opts {
	const char *name;               /**< for logs and pools; default "stack" */
	const char *const *net_protos;  /**< NULL-terminated names; default: every registered one (S-3) */
	const char *const *trans_protos; /**< the same for transport protocols (S-4) */
	uint64_t seed;                  /**< all randomness of this stack; 0: from the kernel. Tests pass a number */
	int socket_id;                  /**< NUMA node for memory; 0 by default, -1 any */
	uint32_t rx_mbufs;              /**< packets in the receive pool; default 8192 */
	uint32_t tx_mbufs;              /**< packets in the transmit pool; default 8192 */
	uint32_t mbuf_data_bytes;       /**< data room of one packet without headroom; default 2048 */
	uint32_t rx_reserve_mbufs;      /**< receive mbufs that queues may never hold: what the drivers' rings need; default 1/4 */
	uint32_t tx_reserve_mbufs;      /**< transmit mbufs that send queues may never hold: ACKs, ARP, ICMP, rings; default 1/4 */
	uint32_t max_conns;             /**< connection records (TCBs); default 16384 */
	uint32_t max_half_open;         /**< SYN-RECEIVED records; default 4096 */
	uint32_t max_time_wait;         /**< TIME-WAIT records, oldest is reused when full; default 16384 */
	uint32_t max_endpoints;         /**< other endpoints (UDP, listeners ...); default 1024 */
	uint32_t max_neighbours;        /**< neighbour entries per NIC; default 512 */
	uint16_t core;                  /**< index of this stack in its host */
	uint16_t n_cores;               /**< stacks in the host; default 1 */
};

/** Create a stack. @param opts may be NULL. @return 0, -EPROTONOSUPPORT for an unknown protocol name,
 *  -EINVAL (a reserve is not less than its pool), -ENOMEM. (S-7) */
int mr_stack_create(const struct mr_stack_opts *opts, struct mr_stack **out);
/** Reset what is open, free every buffer, timer and port, detach the NICs. Waiters are not called. */
void mr_stack_destroy(struct mr_stack *s);
/**
 * One turn: rx burst, dispatch, mailbox, timers, application events, output of dirty endpoints, tx flush, reap.
 * @param now_ns a monotonic time, never less than in the turn before. @return packets and events handled (0: idle).
 */
unsigned mr_stack_poll(struct mr_stack *s, uint64_t now_ns);
/** Time of the running (or last) turn. (S-61) */
uint64_t mr_stack_now_ns(const struct mr_stack *s);
/** Earliest time at which mr_stack_poll will have something to do on its own; UINT64_MAX if never. */
uint64_t mr_stack_next_ns(const struct mr_stack *s);
/** The packet pools, for drivers and for zero-copy senders. */
struct rte_mempool *mr_stack_rx_pool(struct mr_stack *s);
struct rte_mempool *mr_stack_tx_pool(struct mr_stack *s);
/** Is the protocol in this stack? (S-50) */
bool mr_stack_has_netproto(const struct mr_stack *s, uint16_t net);
bool mr_stack_has_transproto(const struct mr_stack *s, uint8_t trans);
/** Protocol-wide options (S-53..S-56). @return 0, -EPROTONOSUPPORT, -ENOPROTOOPT, -EINVAL. */
int mr_netproto_setopt(struct mr_stack *s, uint16_t net, int opt, int64_t value);
int mr_netproto_getopt(struct mr_stack *s, uint16_t net, int opt, int64_t *value);
int mr_transproto_setopt(struct mr_stack *s, uint8_t trans, int opt, int64_t value);
int mr_transproto_getopt(struct mr_stack *s, uint8_t trans, int opt, int64_t *value);

/* ---- NICs, addresses, routes, neighbours -------------------------------------------------------------------- */

#define MR_NIC_F_UP (1u << 0)       /**< not disabled */
#define MR_NIC_F_RUNNING (1u << 1)  /**< the link delivers */
#define MR_NIC_F_PROMISC (1u << 2)
#define MR_NIC_F_LOOPBACK (1u << 3)
#define MR_NIC_F_SPOOFING (1u << 4)
#define MR_NIC_NAMESIZE 32

/** How an address takes part in source address choice (S-82). */
enum mr_peb {
	MR_PEB_CAN_BE_PRIMARY,
	MR_PEB_FIRST_PRIMARY,
	MR_PEB_NEVER_PRIMARY,
};

/** Snapshot of one NIC (S-20). */
struct mr_nic_info {
	uint16_t id;
	char name[MR_NIC_NAMESIZE];
	struct mr_lladdr lladdr;
	uint32_t flags;
	uint16_t mtu;
	uint16_t n_addrs;
};

/** Make and attach a NIC on a link (S-14, S-15). `link` stays the caller's. @param id not 0.
 *  @return 0, -EINVAL, -EEXIST (id in use), -EBUSY (link has a NIC), -EPROTONOSUPPORT (framing unknown), -ENOMEM. */
int mr_nic_create(struct mr_stack *s, uint16_t id, const char *name, struct mr_link *link);
/** The same without attaching: it delivers nothing until mr_nic_enable (S-16, S-17). */
int mr_nic_create_disabled(struct mr_stack *s, uint16_t id, const char *name, struct mr_link *link);
int mr_nic_enable(struct mr_stack *s, uint16_t id);   /**< 0, -ENODEV (S-18) */
int mr_nic_disable(struct mr_stack *s, uint16_t id);  /**< 0, -ENODEV */
int mr_nic_remove(struct mr_stack *s, uint16_t id);   /**< with its routes and addresses; 0, -ENODEV */
int mr_nic_info(struct mr_stack *s, uint16_t id, struct mr_nic_info *out);
int mr_nic_set_promisc(struct mr_stack *s, uint16_t id, bool on);
int mr_nic_set_spoofing(struct mr_stack *s, uint16_t id, bool on);

/** Give a NIC an address, with its on-link prefix. A prefix shorter than the host's also adds the connected route.
 *  @return 0, -ENODEV, -EPROTONOSUPPORT, -EEXIST, -EINVAL (any, multicast, bad prefix), -ENOMEM. (S-31, S-32) */
int mr_addr_add(struct mr_stack *s, uint16_t nic, const struct mr_subnet *addr, enum mr_peb peb);
/** Stop accepting and using an address; flows that hold it drain (SS-8). @return 0, -ENODEV, -EADDRNOTAVAIL. (S-33) */
int mr_addr_remove(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr);
int mr_subnet_add(struct mr_stack *s, uint16_t nic, const struct mr_subnet *subnet);     /**< accept all in it (S-34) */
int mr_subnet_remove(struct mr_stack *s, uint16_t nic, const struct mr_subnet *subnet);  /**< (S-35) */
int mr_group_join(struct mr_stack *s, uint16_t nic, const struct mr_addr *group);        /**< (S-39) */
int mr_group_leave(struct mr_stack *s, uint16_t nic, const struct mr_addr *group);       /**< (S-40) */
/** First primary address of a protocol. @return 0, -ENODEV, -EADDRNOTAVAIL. (S-38) */
int mr_nic_main_address(struct mr_stack *s, uint16_t nic, uint16_t net, struct mr_subnet *out);
/** NIC that owns an address, 0 if none; `nic` not 0 restricts the search. (S-41) */
uint16_t mr_stack_check_local_address(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr);

/** A row of the route table. Gateway all zero: on-link. `src` all zero: the NIC's primary address. */
struct mr_route_entry {
	struct mr_subnet dest;
	struct mr_addr gateway;
	struct mr_addr src;
	uint16_t nic;
};
/** Longest prefix wins; among equals the first added (S-44..S-46, B-3). @return 0, -EINVAL, -ENODEV, -EEXIST, -ENOMEM. */
int mr_route_add(struct mr_stack *s, const struct mr_route_entry *e);
int mr_route_remove(struct mr_stack *s, const struct mr_route_entry *e); /**< 0, -ENOENT */
/** Copy up to n rows, longest prefix first. @return rows in the table. */
size_t mr_route_table_get(struct mr_stack *s, struct mr_route_entry *rows, size_t n);

/** Add or refresh a static neighbour entry (S-66). @return 0, -ENODEV, -EINVAL, -ENOMEM. */
int mr_neigh_add(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr, const struct mr_lladdr *ll);
int mr_neigh_remove(struct mr_stack *s, uint16_t nic, const struct mr_addr *addr); /**< 0, -ENODEV, -ENOENT */

/* ---- endpoints ---------------------------------------------------------------------------------------------- */

/** Readiness (level) and events (told once a turn). */
#define MR_EV_IN (1u << 0)   /**< data, a connection to accept, or end of stream */
#define MR_EV_OUT (1u << 1)  /**< room to send, or connected */
#define MR_EV_ERR (1u << 2)  /**< an error waits: mr_ep_error() */
#define MR_EV_HUP (1u << 3)  /**< the connection is over; the last event of an endpoint */

/** One listener for an endpoint's events; the memory is the caller's and must outlive the registration. */
struct mr_waiter {
	struct mr_waiter *next; /**< private */
	uint32_t mask;
	/** Called on the owning core between input and output. Any endpoint call is allowed in it, also mr_ep_close. */
	void (*fn)(struct mr_ep *ep, uint32_t events, void *arg);
	void *arg;
};

/** Options of endpoints, all int64_t. Units in the name or the comment. */
enum mr_opt {
	MR_OPT_SNDBUF = 1,        /**< bytes of send queue */
	MR_OPT_RCVBUF,            /**< bytes of receive queue */
	MR_OPT_REUSEADDR,         /**< bool */
	MR_OPT_REUSEPORT,         /**< bool */
	MR_OPT_V6ONLY,            /**< bool */
	MR_OPT_TTL,               /**< 1..255: unicast TTL or hop limit */
	MR_OPT_TOS,               /**< DSCP and ECN byte; TCP owns the ECN bits */
	MR_OPT_BROADCAST,         /**< bool: may send to broadcast */
	MR_OPT_BINDNIC,           /**< NIC id; 0 any */
	MR_OPT_MULTICAST_TTL,     /**< 0..255; default 1 */
	MR_OPT_LINGER_NS,         /**< -1 off; 0: reset at close; else time to drain */
	MR_OPT_TCP_NODELAY,       /**< bool: no Nagle (RFC 9293 3.7.4) */
	MR_OPT_TCP_CORK,          /**< bool: only full segments until uncorked */
	MR_OPT_TCP_QUICKACK,      /**< bool: no delayed ACK */
	MR_OPT_TCP_MAXSEG,        /**< bytes: upper bound of the MSS, before connect or listen */
	MR_OPT_TCP_KEEPALIVE,     /**< bool (RFC 9293 3.8.4) */
	MR_OPT_TCP_KEEPIDLE_NS,   /**< idle time before the first probe; default 2 h */
	MR_OPT_TCP_KEEPINTVL_NS,  /**< between probes; default 75 s */
	MR_OPT_TCP_KEEPCNT,       /**< probes; default 9 */
	MR_OPT_TCP_USER_TIMEOUT_NS, /**< R2: unacknowledged data may wait so long; 0: by retransmission count */
	MR_OPT_TCP_TIMEWAIT_NS,   /**< protocol-wide: TIME-WAIT; default 60 s */
	MR_OPT_TCP_FINWAIT2_NS,   /**< protocol-wide: orphaned FIN-WAIT-2; default 60 s */
	MR_OPT_TCP_MIN_RTO_NS,    /**< protocol-wide; default 200 ms */
	MR_OPT_TCP_DELACK_NS,     /**< protocol-wide; default 40 ms */
	MR_OPT_TCP_INIT_CWND,     /**< protocol-wide: segments; default 10 (RFC 6928) */
	MR_OPT_TCP_WSCALE,        /**< protocol-wide bool: offer window scale; default on */
	MR_OPT_TCP_TIMESTAMPS,    /**< protocol-wide bool: offer timestamps; default on */
	MR_OPT_TCP_STATE,         /**< read only: RFC 9293 state, enum mr_tcp_state */
	MR_OPT_ICMP_ERR_RATE,     /**< network protocol: ICMP errors a second; default 1000; 0 none */
	MR_OPT_UDP_NO_CHECKSUM,   /**< bool: IPv4 only */
	MR_OPT_DEFAULT_TTL,       /**< network protocol: 1..255; default 64 */
	MR_OPT_MULTICAST_LOOP,    /**< bool: members of the group on this host get a copy; default on */
};

/** RFC 9293 3.3.2. */
enum mr_tcp_state {
	MR_TCP_CLOSED,
	MR_TCP_LISTEN,
	MR_TCP_SYN_SENT,
	MR_TCP_SYN_RECEIVED,
	MR_TCP_ESTABLISHED,
	MR_TCP_FIN_WAIT_1,
	MR_TCP_FIN_WAIT_2,
	MR_TCP_CLOSE_WAIT,
	MR_TCP_CLOSING,
	MR_TCP_LAST_ACK,
	MR_TCP_TIME_WAIT,
};

#define MR_SHUT_RD 1u
#define MR_SHUT_WR 2u

/** A new, unbound endpoint. @param net MR_NET_IPV4 or MR_NET_IPV6 (dual stack unless V6ONLY).
 *  @return 0, -EPROTONOSUPPORT, -ENOMEM (or -ENOBUFS: max_endpoints). (S-58) */
int mr_ep_create(struct mr_stack *s, uint8_t trans, uint16_t net, struct mr_ep **out);
/** Bind. Port 0 picks one. @return 0, -EINVAL (bound already), -EADDRINUSE, -EADDRNOTAVAIL, -EAGAIN (no port left). */
int mr_ep_bind(struct mr_ep *ep, const struct mr_sockaddr *local);
/** @param backlog connections that may wait for accept. @return 0, -EINVAL, -EOPNOTSUPP. */
int mr_ep_listen(struct mr_ep *ep, int backlog);
/** Take an established connection. @return 0, -EAGAIN, -EINVAL. The new endpoint is the caller's. */
int mr_ep_accept(struct mr_ep *ep, struct mr_ep **out);
/** Start to connect. @return 0 (UDP), -EINPROGRESS (TCP; then MR_EV_OUT or MR_EV_ERR), -EALREADY, -EISCONN,
 *  -EHOSTUNREACH, -EADDRNOTAVAIL, -EAGAIN. */
int mr_ep_connect(struct mr_ep *ep, const struct mr_sockaddr *remote);
/** Copy data in. @return bytes taken (may be short), -EAGAIN, -EPIPE, -ENOTCONN, or the connection's error. */
ssize_t mr_ep_send(struct mr_ep *ep, const void *buf, size_t len);
/** Datagram to an address (`to` NULL: the connected peer). @return len, -EAGAIN, -EMSGSIZE, -EDESTADDRREQ, -EHOSTUNREACH, -ENOBUFS. */
ssize_t mr_ep_sendto(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to);
/** Send a packet chain without copying; consumes `m` on every path. It must be of the stack's tx pool, with headroom.
 *  @return as mr_ep_sendto. */
ssize_t mr_ep_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to);
/** Copy data out. @return bytes; 0 at end of stream; -EAGAIN, -ENOTCONN, or the connection's error once drained.
 *  For datagrams the rest of a longer one is lost. @param from may be NULL. */
ssize_t mr_ep_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from);
/** Like mr_ep_recv, leaving the data queued. */
ssize_t mr_ep_peek(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from);
/** Take the next received piece as a packet chain, payload only; the caller owns it and frees it soon: it is a receive
 *  buffer. @return bytes; 0 at end of stream; errors as mr_ep_recv. */
ssize_t mr_ep_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from);
/** @param how MR_SHUT_RD, MR_SHUT_WR or both. @return 0, -ENOTCONN. */
int mr_ep_shutdown(struct mr_ep *ep, unsigned how);
/** End the handle: it is invalid afterwards. Queued data is still sent, then FIN; unread data makes it a reset (RFC 2525 2.17). */
void mr_ep_close(struct mr_ep *ep);
/** Reset the connection and end the handle. */
void mr_ep_abort(struct mr_ep *ep);
int mr_ep_setopt(struct mr_ep *ep, int opt, int64_t value);         /**< 0, -ENOPROTOOPT, -EINVAL */
int mr_ep_getopt(struct mr_ep *ep, int opt, int64_t *value);        /**< 0, -ENOPROTOOPT */
int mr_ep_local_name(struct mr_ep *ep, struct mr_sockaddr *out);    /**< 0, -ENOTCONN (not bound) */
int mr_ep_remote_name(struct mr_ep *ep, struct mr_sockaddr *out);   /**< 0, -ENOTCONN */
/** What is ready now. */
uint32_t mr_ep_readiness(struct mr_ep *ep);
/** Take the pending error (0 or a negative errno) and clear it. */
int mr_ep_error(struct mr_ep *ep);
/** Register for events. What is ready already is told in the next turn. */
void mr_ep_wait(struct mr_ep *ep, struct mr_waiter *w);
void mr_ep_unwait(struct mr_ep *ep, struct mr_waiter *w);
/** The stack that owns an endpoint. */
struct mr_stack *mr_ep_stack(struct mr_ep *ep);

/** Run `fn` in the next turn and then every `period_ns` until cancelled; for applications. @return 0, -ENOMEM. */
struct mr_alarm;
int mr_alarm_start(struct mr_stack *s, uint64_t period_ns, void (*fn)(struct mr_stack *s, void *arg), void *arg,
                   struct mr_alarm **out);
void mr_alarm_stop(struct mr_alarm *a);

/* ---- counters ----------------------------------------------------------------------------------------------- */

/** Every counter and drop reason; the list is lib/stack/counters.def. */
enum mr_counter {
#define MR_COUNTER(id, name, help) MR_CNT_##id,
#define MR_DROP(id, name, help) MR_DROP_##id,
#include "counters.def"
#undef MR_COUNTER
#undef MR_DROP
	MR_CNT_MAX
};
/** Name of a counter ("tcp_rx_segments"), and whether it is a drop reason. */
const char *mr_counter_name(enum mr_counter c);
const char *mr_counter_help(enum mr_counter c);
bool mr_counter_is_drop(enum mr_counter c);
uint64_t mr_stack_counter(const struct mr_stack *s, enum mr_counter c);

/* ---- links -------------------------------------------------------------------------------------------------- */

/** What a link driver is asked for (mr_link_open). Zero means default. */
struct mr_link_cfg {
	const char *device;             /**< ethdev: port name or number */
	const char *args;               /**< driver's own "key=value,..." */
	uint16_t mtu;                   /**< default: the device's */
	uint16_t rx_desc, tx_desc;      /**< descriptors per queue; default 1024, clamped to the device's limits */
	bool promisc;
	uint16_t n_queues;              /**< queue pairs wanted */
	struct rte_mempool *const *rx_pools; /**< one per queue */
};
#define MR_LINK_MAX_QUEUES 64
/** Open a device through a named driver ("ethdev", "loopback"): one link per queue pair.
 *  @param links room for cfg->n_queues. @return links made (1..n_queues), or -ENODEV, -EINVAL, driver errors. */
int mr_link_open(const char *driver, const struct mr_link_cfg *cfg, struct mr_link **links);
/** Close a link. It must have no NIC. */
void mr_link_close(struct mr_link *l);
/** Register a link by number, and find it (S-1, S-2). */
int mr_link_register(struct mr_link *l, uint32_t *id);
struct mr_link *mr_link_find(uint32_t id);

/** Two joined in-memory links; frames are copied into the receiver's pool, so the two may belong to any two stacks of
 *  one thread. @param depth frames in flight each way. @return 0, -ENOMEM. */
int mr_pair_create(struct rte_mempool *pool_a, struct rte_mempool *pool_b, uint16_t mtu, uint32_t depth,
                   struct mr_link **a, struct mr_link **b);

/** What `impair` does to the frames that are sent through it. Shares in parts per million. */
struct mr_impair_cfg {
	uint64_t seed;
	uint32_t loss_ppm, dup_ppm, reorder_ppm, corrupt_ppm;
	uint64_t delay_ns, jitter_ns;    /**< each frame waits delay + uniform(0..jitter) */
	uint64_t reorder_ns;             /**< extra wait of a reordered frame; default: delay_ns, at least 1 ms */
	uint64_t rate_bps;               /**< 0 no limit */
	uint32_t queue_frames;           /**< frames held; more are lost; default 1000 */
};
/** Wrap a link: impairs what is transmitted. The wrapper owns `inner`. @return 0, -ENOMEM, -EINVAL. */
int mr_impair_wrap(struct mr_link *inner, const struct mr_impair_cfg *cfg, struct mr_link **out);
/** Parse "loss=1%,delay=20ms,jitter=2ms,dup=0.1%,reorder=5%,rate=100mbit,queue=100,seed=7". @return 0 or -EINVAL with `err` filled. */
int mr_impair_parse(const char *text, struct mr_impair_cfg *out, char *err, size_t err_size);
/** Wrap a link: writes both directions to a pcapng file, nanosecond times of the loop's clock.
 *  @param snaplen bytes kept per frame; 0: all. The wrapper owns `inner`. @return 0, -errno of the file. */
int mr_sniffer_wrap(struct mr_link *inner, const char *file, uint32_t snaplen, struct mr_link **out);

/* ---- host --------------------------------------------------------------------------------------------------- */

/** What a worker does when a turn found nothing to do. */
enum mr_idle {
	MR_IDLE_BUSY,   /**< poll again at once */
	MR_IDLE_YIELD,  /**< sched_yield() after a while without work */
	MR_IDLE_SLEEP,  /**< sleep 50 us after a while without work */
};

struct mr_host_opts {
	struct mr_stack_opts stack; /**< for each stack; core, n_cores and name are filled in */
	uint16_t n_workers;         /**< 0: one per EAL lcore, the main lcore included */
	enum mr_idle idle;
};

/** A port of the host: the same NIC in every stack, on its own queue pair. */
struct mr_host_port {
	uint16_t nic;               /**< NIC id */
	const char *name;
	const char *driver;         /**< NULL: "ethdev" */
	struct mr_link_cfg link;    /**< n_queues and rx_pools are filled in */
	const char *impair;         /**< NULL or mr_impair_parse text */
	const char *capture;        /**< NULL or a pcapng file; ".N" is added for worker N > 0 */
};

/** Create the stacks. Context: main lcore, after rte_eal_init. @return 0, -EINVAL (more workers than lcores), -ENOMEM. */
int mr_host_create(const struct mr_host_opts *opts, struct mr_host **out);
/** Stop if running, destroy the stacks, close the links. */
void mr_host_destroy(struct mr_host *h);
/** Open a device and make its NIC in every stack; before mr_host_start. @return 0 or the driver's error. */
int mr_host_add_port(struct mr_host *h, const struct mr_host_port *p);
/**
 * Run `fn` on every stack, on its own core, between two turns; before the start, in place. Returns when all have
 * answered. @return 0, or the first negative result of `fn`. Context: main lcore, not from an event.
 */
int mr_host_call(struct mr_host *h, int (*fn)(struct mr_stack *s, unsigned core, void *arg), void *arg);
/** Start the workers on their lcores (all but the main one's). */
int mr_host_start(struct mr_host *h);
/** One turn of the main lcore's own stack, if it has one; otherwise control work only. Call in a loop on the main lcore. */
unsigned mr_host_poll(struct mr_host *h);
/** Ask the workers to end and wait for them. The stacks stay readable. */
void mr_host_stop(struct mr_host *h);
/** Have mr_host_destroy tell of each packet pool ("w0 rx"), when everything is closed and only a leak holds a packet. */
void mr_host_on_pool(struct mr_host *h, void (*fn)(const char *pool, unsigned free, unsigned total, void *arg), void *arg);
unsigned mr_host_workers(const struct mr_host *h);
struct mr_stack *mr_host_stack(struct mr_host *h, unsigned core);
/** Sum over the cores. Exact after mr_host_stop; while running each core's value is a moment old. */
uint64_t mr_host_counter(const struct mr_host *h, enum mr_counter c);
/** How packets reach the core that owns them, e.g. "software Toeplitz, 2 workers" (one line). */
const char *mr_host_steering(const struct mr_host *h);

/* ---- configuration ------------------------------------------------------------------------------------------ */

/** Type of a key's value. */
enum mr_config_type {
	MR_CONFIG_BOOL,     /**< yes, no, on, off, true, false, 1, 0 */
	MR_CONFIG_NUMBER,   /**< decimal, not negative */
	MR_CONFIG_SIZE,     /**< the same with an optional k, m or g (powers of 1024) */
	MR_CONFIG_DURATION, /**< with ns, us, ms or s; read as nanoseconds */
	MR_CONFIG_WORD,     /**< one of `words`; read as its index */
	MR_CONFIG_WORDS,    /**< a comma-separated set of `words`; read as a bit mask of indices */
	MR_CONFIG_TEXT,
	MR_CONFIG_ADDR,     /**< IPv4 or IPv6 address */
	MR_CONFIG_PREFIX,   /**< address and prefix length */
};

#define MR_CONFIG_REQUIRED (1u << 0)
#define MR_CONFIG_LIST (1u << 1) /**< TEXT, ADDR, PREFIX: comma-separated; the key may be repeated and adds to the list */

/** One key of a section. */
struct mr_config_key {
	const char *name;
	enum mr_config_type type;
	uint32_t flags;      /**< MR_CONFIG_* */
	int64_t min, max;    /**< of numbers, bytes or ns; max 0: no limit */
	const char *words;   /**< of WORD and WORDS: "busy|yield|sleep" */
	const char *def;     /**< value of an absent key, as it would be written; NULL: 0 or nothing */
	const char *help;    /**< one line */
};

struct mr_config_section;

/** One kind of section: [NAME], at most once, or [NAME INSTANCE], any number. */
struct mr_config_schema {
	const char *name;
	bool instances;
	const char *help;
	const struct mr_config_key *keys; /**< ends with a NULL name */
	/** What the table cannot say, by mr_config_error; called for sections whose keys are right. May be NULL. */
	void (*check)(struct mr_config *c, const struct mr_config_section *s);
};

/**
 * Read and check an INI file: [host], [ip], [tcp], [port NAME], [route NAME], and the sections of `app`. Opens no device.
 * Every error of the file is written to `err` as one line: FILE: [section] key: what is wrong, and the fix.
 * @param app kinds of section that the application adds; ends with a NULL name; NULL: none. Must outlive the result.
 * @param err stdio stream (FILE *). @return 0, -EINVAL (errors written), -errno of the file (written), -ENOMEM.
 */
int mr_config_load(const char *file, const struct mr_config_schema *app, void *err, struct mr_config **out);
void mr_config_free(struct mr_config *c);
/** Next section of a kind in the file's order, after `prev` (NULL: the first). NULL: no more. */
const struct mr_config_section *mr_config_next(const struct mr_config *c, const char *kind,
                                               const struct mr_config_section *prev);
/** INSTANCE of [KIND INSTANCE]; "" for a kind without. */
const char *mr_config_name(const struct mr_config_section *s);
/** Is the key in the file? */
bool mr_config_has(const struct mr_config_section *s, const char *key);
/** Value, or its default, of BOOL, NUMBER, SIZE, DURATION, WORD and WORDS. `s` NULL (no such section): the default, 0. */
int64_t mr_config_int(const struct mr_config_section *s, const char *key);
/** Item i of a value as it is written (i is 0 for what is no list); NULL: no more. Valid until mr_config_free. */
const char *mr_config_text(const struct mr_config_section *s, const char *key, unsigned i);
/** Item i of an ADDR or PREFIX; NULL: no more. */
const struct mr_subnet *mr_config_addr(const struct mr_config_section *s, const char *key, unsigned i);
/** Report an error from a check. @param s may be NULL. @param key may be NULL. */
void mr_config_error(struct mr_config *c, const struct mr_config_section *s, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/** Write a reference of all sections and keys: type, range, default, help. @param out stdio stream (FILE *) */
void mr_config_describe(const struct mr_config_schema *app, void *out);

/** A [port NAME] as it was checked. NIC ids count from 1 in the file's order. */
struct mr_config_port {
	struct mr_host_port port;
	const struct mr_subnet *addrs;
	unsigned n_addrs;
};
/** The ports. @return how many. */
unsigned mr_config_ports(const struct mr_config *c, const struct mr_config_port **out);
/** The [host] section. */
const struct mr_host_opts *mr_config_host(const struct mr_config *c);
/** Create the host with the ports, addresses, neighbours, routes and options of the file; not started.
 *  Context: main lcore, after rte_eal_init. @param err stdio stream (FILE *) for one line about what failed.
 *  @return 0, or what failed; then nothing is left. */
int mr_config_apply(const struct mr_config *c, void *err, struct mr_host **out);

#ifdef __cplusplus
}
#endif
#endif
