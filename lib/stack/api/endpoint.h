/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Endpoints: what an application holds, its calls, options and events. Part of <millrace.h>.
 */
#ifndef MR_API_ENDPOINT_H
#define MR_API_ENDPOINT_H

#include <sys/types.h>
#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct rte_mbuf;
struct mr_stack;
struct mr_ep;

/** Readiness (level) and events (told once a turn). */
#define MR_EV_IN (1u << 0)   /**< data, a connection to accept, or end of stream */
#define MR_EV_OUT (1u << 1)  /**< room to send, or connected */
#define MR_EV_ERR (1u << 2)  /**< an error waits: mr_ep_error() */
#define MR_EV_HUP (1u << 3)  /**< the connection is over; the last event of an endpoint */
#define MR_EV_PRI (1u << 4)  /**< there is urgent data to be read (MR_OPT_TCP_URGENT), or more of it than before */

/** One listener for an endpoint's events; the memory is the caller's and must outlive the registration. */
struct mr_waiter {
	struct mr_waiter *next; /**< private */
	uint32_t mask;  /**< MR_EV_* to be told of */
	/** Called on the owning core between input and output. Any endpoint call is allowed in it, also mr_ep_close. */
	void (*fn)(struct mr_ep *ep, uint32_t events, void *arg);
	void *arg;  /**< passed on to fn */
};

/** Options of endpoints and protocols, all int64_t. Units in the name or the comment. */
enum mr_opt {
	MR_OPT_SNDBUF = 1,        /**< bytes of send queue; protocol-wide: what new endpoints get (SS-17). TCP's grow by themselves
	                           *   with the congestion window, to MR_OPT_SNDBUF_MAX at most, until one is set by hand */
	MR_OPT_RCVBUF,            /**< the same for receive queues; TCP's grow with what the application reads in a round trip */
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
	MR_OPT_TCP_QUICKACK,      /**< bool: no delayed ACK. Set to 0: no ACK at once after a loss either, which is the default */
	MR_OPT_TCP_MAXSEG,        /**< bytes: upper bound of the MSS, offered and used, before connect or listen; protocol-wide: of
	                           *   new endpoints, for ways with tunnels */
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
	MR_OPT_TCP_WSCALE,        /**< bool: offer window scale, before connect or listen, if the protocol's is on too; of a
	                           *   connection: agreed. Default on */
	MR_OPT_TCP_TIMESTAMPS,    /**< the same for timestamps */
	MR_OPT_TCP_SACK,          /**< the same for selective acknowledgement (RFC 2018) */
	MR_OPT_TCP_STATE,         /**< read only: RFC 9293 state, enum mr_tcp_state */
	MR_OPT_ICMP_ERR_RATE,     /**< network protocol: ICMP errors a second; default 1000; 0 none */
	MR_OPT_UDP_NO_CHECKSUM,   /**< bool: IPv4 only */
	MR_OPT_DEFAULT_TTL,       /**< network protocol: 1..255; default 64 */
	MR_OPT_MULTICAST_LOOP,    /**< bool: members of the group on this host get a copy; default on */
	MR_OPT_SNDBUF_MIN,        /**< TCP, protocol-wide: least that an endpoint's may be; default 2 KiB (B-17) */
	MR_OPT_SNDBUF_MAX,        /**< most that it may be, set or grown; default 4 MiB. 0 < min <= default <= max at any time */
	MR_OPT_RCVBUF_MIN,        /**< the same as for send queues */
	MR_OPT_RCVBUF_MAX,        /**< default 6 MiB, at most 1 GiB. The window scale that TCP offers follows from it, or from a
	                           *   MR_OPT_RCVBUF set by hand */
	MR_OPT_TCP_CC,            /**< congestion control by number (mr_tcp_cc_find); protocol-wide: of new endpoints */
	MR_OPT_HDRINCL,           /**< raw IPv4 endpoints, bool: what is sent begins with its IPv4 header. Filled in are total
	                           *   length and checksum, source and identification if they are 0 */
	MR_OPT_PACKET_OUTGOING,   /**< packet endpoints, bool: frames that leave are heard as well; default off */
	MR_OPT_ICMP_ECHO,         /**< network protocol, bool: echo requests are answered; default on. Off: by nobody, or by an
	                           *   application with a raw endpoint (mr_ep_create_raw) */
	MR_OPT_TCP_ECN,           /**< enum mr_tcp_ecn, before connect or listen; protocol-wide: of new endpoints (RFC 3168) */
	MR_OPT_TCP_SYNCOOKIES,    /**< protocol-wide: enum mr_tcp_syncookies (RFC 4987) */
	MR_OPT_TCP_SYN_BACKLOG,   /**< protocol-wide: half-open connections of a listener from which on it is pressed; default
	                           *   half of mr_stack_opts.max_half_open */
	MR_OPT_TCP_BIND_NO_PORT,  /**< bool: a bind to port 0 takes the address alone; connect picks a port, which connections to
	                           *   different peers may share (RFC 9293 3.3.1: the tuple is what is unique) */
	MR_OPT_TCP_DEFER_ACCEPT_NS, /**< listeners: a connection is accepted when its first data or its end has come, or after
	                           *   this time; 0 (default) to 31 s, rounded up to 1, 3, 7, 15 or 31 s. Not with SYN cookies */
	MR_OPT_TCP_WINDOW_CLAMP,  /**< bytes: most that our window may be, whatever the buffer; 48 to 1 GiB (default). Of a
	                           *   connection: no more than the window scale has room for. What was told is not taken back */
	MR_OPT_TCP_URGENT,        /**< read only: bytes that are to be read until the end of urgent data, which is among what
	                           *   mr_ep_recv gives (RFC 6093); 0: none is */
	MR_OPT_TCP_MTU_PROBING,   /**< protocol-wide: enum mr_tcp_mtu_probing (RFC 4821) */
	MR_OPT_TCP_BASE_MSS,      /**< protocol-wide, bytes: segments that nearly every path takes, where probing begins; 48 to
	                           *   65495, default 1024. IPv6 packets of 1280 bytes are never too large */
	MR_OPT_TCP_MTU_PROBE_NS,  /**< protocol-wide: so long what is known of a path MTU counts before larger packets are tried
	                           *   again; at least 300 s, default 600 s (RFC 1191 6.3, RFC 8201 4) */
	MR_OPT_TCP_FASTOPEN,      /**< data in SYNs (RFC 7413); 0 (default): none. Only for applications that do not mind if a request
	                           *   comes twice (6.1). A listener's: how many connections, at most 65535, may be accepted, with
	                           *   data to be read, and answered before their handshake is complete. Of an endpoint before it
	                           *   connects, not 0: it may be written to from mr_ep_connect on, and the SYN, at the end of the
	                           *   turn, carries what was written by then if the peer has given a cookie before */
};

/** Who finds out which packets a path takes, where no router tells (RFC 4821). */
enum mr_tcp_mtu_probing {
	MR_TCP_MTU_PROBING_OFF,
	MR_TCP_MTU_PROBING_BLACK_HOLES, /**< a connection whose large segments are lost while a small one arrives */
	MR_TCP_MTU_PROBING_ALWAYS,      /**< every connection begins with segments of MR_OPT_TCP_BASE_MSS */
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

#define MR_SHUT_RD 1u  /**< nothing more is read */
#define MR_SHUT_WR 2u  /**< nothing more is sent */

/** A new, unbound endpoint, the caller's until mr_ep_close or mr_ep_abort. Context: own core. @param net MR_NET_IPV4 or
 *  MR_NET_IPV6 (dual stack unless V6ONLY).
 *
 *  MR_TRANS_ICMP (IPv4) and MR_TRANS_ICMPV6 (IPv6) make ping endpoints (SS-14). Their port is the echo identifier; peers
 *  have none. Sent are echo requests, header included, with identifier and checksum filled in; anything else is -EINVAL.
 *  Received are replies to the identifier, as they came. What ICMP tells about the requests is mr_ep_error: -EHOSTUNREACH
 *  (time exceeded as well), -ENETUNREACH, -ECONNREFUSED, -EPROTO, -EMSGSIZE. On a host of several stacks replies come to
 *  the core that owns addresses and identifier: connect and the first send pick one that comes home.
 *  @return 0, -EPROTONOSUPPORT, -ENOMEM (or -ENOBUFS: max_endpoints). (S-58) */
int mr_ep_create(struct mr_stack *s, uint8_t trans, uint16_t net, struct mr_ep **out);
/** Bind. Port 0 picks one. Context: own core. @return 0, -EINVAL (bound already), -EADDRINUSE, -EADDRNOTAVAIL, -EAGAIN
 *  (no port left). */
int mr_ep_bind(struct mr_ep *ep, const struct mr_sockaddr *local);
/** Accept connections. Context: own core. @param backlog how many may wait for mr_ep_accept. @return 0, -EINVAL,
 *  -EOPNOTSUPP. */
int mr_ep_listen(struct mr_ep *ep, int backlog);
/** Take an established connection. Context: own core. @return 0, -EAGAIN, -EINVAL. The new endpoint is the caller's. */
int mr_ep_accept(struct mr_ep *ep, struct mr_ep **out);
/** Start to connect. Context: own core. @return 0 (UDP), -EINPROGRESS (TCP; then MR_EV_OUT or MR_EV_ERR), -EALREADY,
 *  -EISCONN, -EHOSTUNREACH, -EADDRNOTAVAIL, -EAGAIN. */
int mr_ep_connect(struct mr_ep *ep, const struct mr_sockaddr *remote);
/** Copy data in. Context: own core. @return bytes taken (may be short), -EAGAIN, -EPIPE, -ENOTCONN, or the connection's
 *  error. */
ssize_t mr_ep_send(struct mr_ep *ep, const void *buf, size_t len);
/** Datagram to an address (`to` NULL: the connected peer). Context: own core. @return len, -EAGAIN, -EMSGSIZE,
 *  -EDESTADDRREQ, -EHOSTUNREACH, -ENOBUFS. */
ssize_t mr_ep_sendto(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to);
/** Send a packet chain without copying; consumes `m` on every path. It must be of the stack's tx pool, or one that
 *  mr_ep_recv_mbuf gave, and for datagrams have headroom. Context: own core.
 *
 *  TCP takes as it is what is a single mbuf of the tx pool, no longer than a segment; of an external buffer
 *  (rte_pktmbuf_attach_extbuf) it takes full segments by reference: the buffer must not change, and devices must be able to
 *  read it, until its callback is called, which is when the peer has acknowledged the last of it and no device sends it any
 *  more. The rest it copies. The buffer's count of references is used by the own core only.
 *  @return as mr_ep_sendto; for TCP it may be short while memory is, and what is beyond the count is to be sent again. */
ssize_t mr_ep_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to);
/** Send datagrams as mr_ep_send_mbuf does one after the other, at less cost for each (sendmmsg(2)). Those that were sent are
 *  consumed; one that cannot be sent ends the burst, and it and what comes behind it stay the caller's. Context: own core.
 *  @param to one address for each; NULL: all to the connected peer. @param n at least 1.
 *  @return how many were sent; if none, why not the first: errors as mr_ep_sendto, and -EINVAL as mr_ep_send_mbuf. -EOPNOTSUPP: no endpoint of datagrams. */
int mr_ep_send_burst(struct mr_ep *ep, struct rte_mbuf **pkts, const struct mr_sockaddr *to, uint16_t n);
/** Copy data out. Context: own core. @return bytes; 0 at end of stream; -EAGAIN, -ENOTCONN, or the connection's error
 *  once drained. For datagrams the rest of a longer one is lost. @param from may be NULL. */
ssize_t mr_ep_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from);
/** Like mr_ep_recv, leaving the data queued. Context: own core. @return as mr_ep_recv. */
ssize_t mr_ep_peek(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from);
/** Take the next received piece as a packet chain, payload only; the caller owns it and frees it soon: it is a receive
 *  buffer. Context: own core. @return bytes; 0 at end of stream; errors as mr_ep_recv. */
ssize_t mr_ep_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from);
/** Take up to `n` received datagrams (recvmmsg(2)), each as mr_ep_recv_mbuf gives it; empty ones count like others. Context: own
 *  core. @param from where each came from; may be NULL. @param n at least 1.
 *  @return how many; 0 at the end (mr_ep_shutdown); errors as mr_ep_recv. -EOPNOTSUPP: no endpoint of datagrams. */
int mr_ep_recv_burst(struct mr_ep *ep, struct rte_mbuf **pkts, struct mr_sockaddr *from, uint16_t n);
/** End one direction or both. Context: own core. @param how MR_SHUT_RD, MR_SHUT_WR or both. @return 0, -ENOTCONN. */
int mr_ep_shutdown(struct mr_ep *ep, unsigned how);
/** End the handle: it is invalid afterwards. Queued data is still sent, then FIN; unread data makes it a reset (RFC
 *  2525 2.17). Context: own core. */
void mr_ep_close(struct mr_ep *ep);
/** Reset the connection and end the handle. Context: own core. */
void mr_ep_abort(struct mr_ep *ep);
/** Set an option. Context: own core. @param opt enum mr_opt, which tells the units. @return 0, -ENOPROTOOPT,
 *  -EINVAL. */
int mr_ep_setopt(struct mr_ep *ep, int opt, int64_t value);
/** Read one. Context: own core. @return 0, -ENOPROTOOPT. */
int mr_ep_getopt(struct mr_ep *ep, int opt, int64_t *value);
/** The local address and port. Context: own core. @return 0, -ENOTCONN (not bound). */
int mr_ep_local_name(struct mr_ep *ep, struct mr_sockaddr *out);
/** The peer's. Context: own core. @return 0, -ENOTCONN. */
int mr_ep_remote_name(struct mr_ep *ep, struct mr_sockaddr *out);
/** What is ready now. Context: own core. @return MR_EV_*. */
uint32_t mr_ep_readiness(struct mr_ep *ep);
/** Take the pending error (0 or a negative errno) and clear it. Context: own core. */
int mr_ep_error(struct mr_ep *ep);
/** Register for events. What is ready already is told in the next turn. Context: own core. */
void mr_ep_wait(struct mr_ep *ep, struct mr_waiter *w);
/** Take a waiter back; it is not called any more. Context: own core. */
void mr_ep_unwait(struct mr_ep *ep, struct mr_waiter *w);
/** The stack that owns an endpoint. Context: any thread. */
struct mr_stack *mr_ep_stack(struct mr_ep *ep);

#ifdef __cplusplus
}
#endif
#endif
