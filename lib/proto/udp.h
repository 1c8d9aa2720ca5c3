/* SPDX-License-Identifier: Apache-2.0 */
/* UDP inside: the protocol object and the endpoint, shared by udp.c (packets), udp_ep.c and udp_send.c (calls). */
#ifndef MR_PROTO_UDP_H
#define MR_PROTO_UDP_H

#include <stdint.h>
#include <sys/queue.h>

#include <rte_byteorder.h>

#include "stack/demux.h"
#include "stack/endpoint.h"
#include "stack/pkt.h"
#include "stack/pool.h"
#include "stack/port.h"
#include "stack/route.h"
#include "stack/stack.h"
#include "stack/transport.h"

#define UDP_HDR_BYTES 8
#define UDP_PENDING 32            /* datagrams that wait for the output stage; one burst to the link */
#define UDP_RCVBUF_DEFAULT (256 * 1024)
#define UDP_PKT_OVERHEAD 256      /* charged to the receive buffer beside the payload */

/* Flags of an endpoint, in mr_ep.flags. */
#define UDP_F_BOUND (MR_EP_F_USER << 0)     /* has a port */
#define UDP_F_CONNECTED (MR_EP_F_USER << 1) /* has a peer: in the flow table instead of the wildcard registrations */
#define UDP_F_SHUT_RD (MR_EP_F_USER << 2)
#define UDP_F_SHUT_WR (MR_EP_F_USER << 3)

struct udp_ep {
	struct mr_ep ep;
	/* receive */
	struct mr_pktq rxq;       /* payload only; mr_pkt has source and port, and the NIC in `seq` */
	uint32_t rx_bytes, rx_max;
	uint16_t net;             /* as created */
	/* send */
	uint16_t n_pending;
	struct mr_route *pending_route; /* of all that wait: &route or &other */
	struct rte_mbuf *pending[UDP_PENDING];
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
	LIST_ENTRY(udp_ep) link;
};

struct udp {
	struct mr_transproto tp;
	struct mr_pool pool;
	LIST_HEAD(, udp_ep) eps;
	uint32_t rx_max; /* default of endpoints */
};

static inline uint16_t
udp_peer_port(const struct udp_ep *u)
{
	return rte_be_to_cpu_16(u->ep.flow.rport_be);
}

/* ---- udp_ep.c */

int udp_ep_create(struct mr_transproto *tp, uint16_t net, struct mr_ep **out);
/* Throw away what waits and free it. */
void udp_ep_destroy(struct udp_ep *u);
/* A port for an endpoint that sends before it was bound; u->other is the route to `to`. @return as bind */
int udp_autobind(struct udp_ep *u, const struct mr_sockaddr *to);

/* ---- udp_send.c */

void udp_ep_output(struct mr_transproto *tp, struct mr_ep *ep);
ssize_t udp_ep_send(struct mr_ep *ep, const void *buf, size_t len, const struct mr_sockaddr *to);
ssize_t udp_ep_send_mbuf(struct mr_ep *ep, struct rte_mbuf *m, const struct mr_sockaddr *to);
/* Hand over what waits. */
void udp_send_pending(struct udp_ep *u);
/* Does the endpoint speak the family of `a`, and may its own address be used with it? */
bool udp_family_fits(const struct udp_ep *u, const struct mr_addr *a);
/* Route from the endpoint to a destination. @return 0, -EINVAL (family, port 0), -EACCES (broadcast), or as
 * mr_route_find */
int udp_find_route(struct udp_ep *u, const struct mr_sockaddr *to, struct mr_route *out);
void udp_forget_other(struct udp_ep *u);

#endif
