/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Datagram endpoints: what UDP, ping and raw endpoints have in common, which is nearly all of them. A kind adds its header
 * (push) and says in a struct mr_dgram_kind how it differs; its protocol object begins with a struct mr_dgram_proto, its
 * endpoints with a struct mr_dgram. The functions with the signatures of struct mr_ep_ops stand in the kinds' tables.
 *
 * dgram.c has the protocol object, receiving and options, dgram_port.c binding and connecting by port numbers,
 * dgram_send.c the way out. What arrives, and what ICMP tells, is the kind's: udp.c, ping.c, raw.c.
 */
#ifndef MR_PROTO_DGRAM_H
#define MR_PROTO_DGRAM_H

#include <stdint.h>
#include <sys/queue.h>

#include <rte_byteorder.h>

#include "stack/demux.h"
#include "stack/endpoint.h"
#include "stack/pool.h"
#include "stack/port.h"
#include "stack/route.h"
#include "stack/rxq.h"
#include "stack/transport.h"

#define MR_DGRAM_PENDING 32 /* messages that wait for the output stage; one burst to the link */

/* Flags of an endpoint, in mr_ep.flags. */
#define MR_DGRAM_F_BOUND (MR_EP_F_USER << 0)     /* has a port, or an address of its own */
#define MR_DGRAM_F_CONNECTED (MR_EP_F_USER << 1) /* has a peer */
#define MR_DGRAM_F_SHUT_WR (MR_EP_F_USER << 2)

struct mr_dgram;

struct mr_dgram_kind {
	struct mr_rxq_counters rx;
	enum mr_counter sent;
	uint8_t hdr_bytes;   /* that push puts in front */
	bool ports;          /* peers have ports: 0 is no destination */
	/* Make what the application wrote packets of the protocol, data at the transport header; all go by `r`, to[i] has
	 * the port of packet i's peer, without `to` it is the endpoint's. Consumes none. @return how many (1 to n), or why
	 * the first can't be sent, -errno */
	int (*push)(struct mr_dgram *d, struct rte_mbuf **pkts, uint16_t n, const struct mr_route *r,
	            const struct mr_sockaddr *to);
};

/* push of a kind that makes one packet at a time: `one` returns 0 or -errno. */
static inline int
mr_dgram_push_each(struct mr_dgram *d, struct rte_mbuf **pkts, uint16_t n, const struct mr_route *r,
                   int (*one)(struct mr_dgram *d, struct rte_mbuf *m, const struct mr_route *r))
{
	for (uint16_t i = 0; i < n; i++) {
		int rc = one(d, pkts[i], r);

		if (rc < 0)
			return i > 0 ? i : rc;
	}
	return n;
}

struct mr_dgram {
	struct mr_ep ep;
	struct mr_rxq rxq;
	const struct mr_dgram_kind *kind;
	uint16_t net;             /* as created */
	/* send */
	uint8_t wire_proto;       /* of packets sent */
	bool own_header;          /* what is written begins with its network header */
	uint16_t n_pending;
	struct mr_route *pending_route; /* of all that wait: &route or &other */
	struct rte_mbuf *pending[MR_DGRAM_PENDING];
	struct mr_route route;    /* to the peer, while connected */
	struct mr_route other;    /* to the last destination that was named, if other_known */
	struct mr_sockaddr other_to;
	bool other_known;
	uint16_t peer_mtu;        /* of the path to the peer as ICMP told it; 0 not told */
	/* options */
	uint8_t ttl, tos, mcast_ttl;
	bool v6only, broadcast, no_cksum, reuse_addr, reuse_port, mcast_loop;
	uint16_t nic;             /* MR_OPT_BINDNIC */
	/* name */
	struct mr_sockaddr local; /* as bound; port in host order */
	struct mr_bound bound;
	struct mr_port_req port_req;
	LIST_ENTRY(mr_dgram) link;
};

struct mr_dgram_proto {
	struct mr_transproto tp;
	struct mr_pool pool;
	LIST_HEAD(, mr_dgram) eps;
	uint32_t rx_max; /* default of endpoints */
};

static inline struct mr_dgram *
mr_dgram_of(struct mr_ep *ep)
{
	return (struct mr_dgram *)ep;
}

static inline uint16_t
mr_dgram_peer_port(const struct mr_dgram *d)
{
	return rte_be_to_cpu_16(d->ep.flow.rport_be);
}

/* ---- dgram.c: protocol objects. Endpoints of ep_bytes, of the stack's max_endpoints at most. */

int mr_dgram_proto_create(struct mr_stack *s, const struct mr_transproto_ops *ops, size_t ep_bytes,
                          struct mr_transproto **out);
int mr_dgram_proto_setopt(struct mr_transproto *tp, int opt, int64_t value);
int mr_dgram_proto_getopt(struct mr_transproto *tp, int opt, int64_t *value);
void mr_dgram_proto_destroy(struct mr_transproto *tp);
/* A new endpoint. @return 0, -EPROTONOSUPPORT (no such network protocol), -ENOBUFS */
int mr_dgram_create(struct mr_transproto *tp, uint16_t net, const struct mr_ep_ops *ops,
                    const struct mr_dgram_kind *kind, struct mr_dgram **out);
/* Connected no more. */
void mr_dgram_forget_peer(struct mr_dgram *d);
/* An ICMP error about a message of the endpoint; `err` is what it is told, 0: nothing. */
void mr_dgram_control(struct mr_dgram *d, enum mr_ctrl_type type, uint32_t extra, int err);
/* What the types mean to a sender of datagrams; 0: nothing. Hints all of them, the endpoint goes on (IC-07). */
int mr_dgram_control_errno(enum mr_ctrl_type type);

/* ---- dgram.c: the handle */

ssize_t mr_dgram_recv(struct mr_ep *ep, void *buf, size_t len, struct mr_sockaddr *from, bool peek);
ssize_t mr_dgram_recv_mbuf(struct mr_ep *ep, struct rte_mbuf **out, struct mr_sockaddr *from);
int mr_dgram_recv_burst(struct mr_ep *ep, struct rte_mbuf **pkts, struct mr_sockaddr *from, uint16_t n);
int mr_dgram_shutdown(struct mr_ep *ep, unsigned how);
void mr_dgram_close(struct mr_ep *ep, bool abort);
int mr_dgram_name(struct mr_ep *ep, struct mr_sockaddr *out, bool remote);
uint32_t mr_dgram_readiness(struct mr_ep *ep);
int mr_dgram_setopt(struct mr_ep *ep, int opt, int64_t value);
int mr_dgram_getopt(struct mr_ep *ep, int opt, int64_t *value);

/* What the kinds' tables have in common. */
#define MR_DGRAM_EP_OPS \
	.send = mr_dgram_send, .send_mbuf = mr_dgram_send_mbuf, .send_burst = mr_dgram_send_burst, \
	.recv = mr_dgram_recv, .recv_mbuf = mr_dgram_recv_mbuf, .recv_burst = mr_dgram_recv_burst, \
	.shutdown = mr_dgram_shutdown, .setopt = mr_dgram_setopt, .getopt = mr_dgram_getopt, .name = mr_dgram_name, \
	.readiness = mr_dgram_readiness

/* ---- dgram_port.c */

int mr_dgram_bind(struct mr_ep *ep, const struct mr_sockaddr *local);
int mr_dgram_connect(struct mr_ep *ep, const struct mr_sockaddr *remote);
/* Connect a new endpoint as the other end of a received packet: it is the packet's tuple for good, and reserves no port.
 * @return 0, -EADDRINUSE, or as mr_route_back */
int mr_dgram_connect_back(struct mr_dgram *d, const struct mr_pkt *p);
/* A port for an endpoint that sends by `r` before it was bound. @return as bind; 0 also if it is bound */
int mr_dgram_autobind(struct mr_dgram *d, const struct mr_route *r, uint16_t dport);
/* May the endpoint be bound to this address? @return 0, -EINVAL (family), -EADDRNOTAVAIL */
int mr_dgram_check_local(const struct mr_dgram *d, const struct mr_addr *a, uint16_t nic);

/* ---- dgram_send.c */

void mr_dgram_output(struct mr_transproto *tp, struct mr_ep *ep);
ssize_t mr_dgram_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to);
ssize_t mr_dgram_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to);
int mr_dgram_send_burst(struct mr_ep *ep, struct rte_mbuf **pkts, const struct mr_sockaddr *to, uint16_t n);
/* Hand over what waits. */
void mr_dgram_send_pending(struct mr_dgram *d);
/* Does the endpoint speak the family of `a`, and may its own address be used with it? */
bool mr_dgram_family_fits(const struct mr_dgram *d, const struct mr_addr *a);
/* Route from the endpoint to a destination. @return 0, -EINVAL (family, port 0), -EACCES (broadcast), or as
 * mr_route_find */
int mr_dgram_find_route(struct mr_dgram *d, const struct mr_sockaddr *to, struct mr_route *out);
void mr_dgram_forget_other(struct mr_dgram *d);

#endif
