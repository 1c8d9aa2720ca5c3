/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syn_flood: how a server fares under SYNs that nobody stands behind. The operation is one of them; beside it the mode's
 * connections go on as in tcp_crr, paced by --think, and show whether honest clients still get in.
 *
 * It is made so that it can do no harm elsewhere. Sources are of the networks for benchmarks, 198.18.0.0/15 (RFC 2544) and
 * 2001:2::/48 (RFC 5180), which nobody routes; it begins when an honest connection of the same core has been served, so at
 * a server of ours that expects it; it is never faster than --rate, and over when --warmup and --duration are.
 *
 * SYN i is from source i mod --sources, whose port goes up by one each time around, with a random sequence number and an MSS
 * as its only option. Frames go past the stack, by a packet endpoint. What comes back is for nobody here, and dropped as
 * such (drop_ip_not_ours).
 */
#include "app/bench/flood.h"

#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_random.h>
#include <rte_tcp.h>

#include "app/bench/client.h"

#define SOURCES_V4 "198.18.0.0/15"
#define SOURCES_V6 "2001:2::/48"
#define HEARS_NOTHING 0x88b5 /* an EtherType for experiments */
#define FIRST_PORT 1024u
#define PORTS (65536u - FIRST_PORT)
#define MSS 1460
#define TICK_NS UINT64_C(10000)
#define BURST 256u                       /* in a tick */
#define CATCH_UP_NS UINT64_C(10000000)   /* a rate is no debt: what could not be sent for longer is forgiven */

struct syn {
	struct rte_tcp_hdr tcp;
	uint8_t mss[4]; /* option */
};

struct frame_v4 {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct syn syn;
};

struct frame_v6 {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	struct syn syn;
};

_Static_assert(sizeof(struct frame_v4) == 14 + 20 + 24 && sizeof(struct frame_v6) == 14 + 40 + 24, "as on the wire");

struct flood {
	struct client *cl;
	struct mr_ep *ep;
	struct mr_alarm *alarm;
	bool aimed;              /* the frame has its addresses */
	double per_ns;           /* SYNs */
	uint64_t since_ns, end_ns;
	uint64_t sent;           /* since then, or forgiven */
	uint64_t next, stride;   /* SYNs of this core: next, next + stride, ... */
	uint64_t tx_busy;        /* its counter at the last tick */
	struct mr_addr network;  /* of the sources */
	union {
		struct frame_v4 v4;
		struct frame_v6 v6;
	} frame;
};

static struct mr_subnet
sources(bool v6)
{
	struct mr_subnet s;

	mr_subnet_parse(v6 ? SOURCES_V6 : SOURCES_V4, &s);
	return s;
}

int
flood_route_add(struct mr_stack *s, const struct args *a, uint16_t nic)
{
	struct mr_route_entry e = {.dest = sources(a->v6), .gateway = a->client.addr, .nic = nic};

	return mr_route_add(s, &e);
}

uint32_t
flood_wire_frames(const struct args *a)
{
	return (uint32_t)RTE_MIN(a->flood_rate / 20, UINT64_C(8192));
}

/* ---- a frame */

static void
syn_init(struct syn *syn, const struct args *a)
{
	*syn = (struct syn){
		.tcp = {
			.dst_port = rte_cpu_to_be_16(a->service),
			.data_off = sizeof(*syn) / 4 << 4,
			.tcp_flags = RTE_TCP_SYN_FLAG,
			.rx_win = RTE_BE16(65535),
		},
		.mss = {2, 4, MSS >> 8, MSS & 0xff},
	};
}

/* What is the same in all frames. */
static void
frame_init(struct flood *f, const struct rte_ether_hdr *eth)
{
	const struct args *a = f->cl->args;

	memset(&f->frame, 0, sizeof(f->frame));
	f->frame.v4.eth = *eth;
	if (a->v6) {
		f->frame.v6.ip = (struct rte_ipv6_hdr){
			.vtc_flow = RTE_BE32(6u << 28),
			.payload_len = RTE_BE16(sizeof(struct syn)),
			.proto = IPPROTO_TCP,
			.hop_limits = 64,
		};
		memcpy(f->frame.v6.ip.src_addr, f->network.b, 16);
		memcpy(f->frame.v6.ip.dst_addr, a->server.addr.b, 16);
		syn_init(&f->frame.v6.syn, a);
	} else {
		f->frame.v4.ip = (struct rte_ipv4_hdr){
			.version_ihl = RTE_IPV4_VHL_DEF,
			.total_length = RTE_BE16(sizeof(struct frame_v4) - sizeof(*eth)),
			.time_to_live = 64,
			.next_proto_id = IPPROTO_TCP,
			.dst_addr = a->server.addr.w[3],
		};
		syn_init(&f->frame.v4.syn, a);
	}
}

/* Source, sequence number and checksums of SYN i. @return bytes of the frame */
static size_t
frame_next(struct flood *f, uint64_t i)
{
	uint32_t n = f->cl->args->sources;
	rte_be32_t host = rte_cpu_to_be_32((uint32_t)(i % n) + 1);
	rte_be16_t port = rte_cpu_to_be_16((uint16_t)(FIRST_PORT + i / n % PORTS));
	struct frame_v4 *v4 = &f->frame.v4;
	struct frame_v6 *v6 = &f->frame.v6;
	struct rte_tcp_hdr *tcp = f->cl->args->v6 ? &v6->syn.tcp : &v4->syn.tcp;

	tcp->src_port = port;
	tcp->sent_seq = (rte_be32_t)rte_rand();
	tcp->cksum = 0;
	if (f->cl->args->v6) {
		memcpy(v6->ip.src_addr + 12, &host, sizeof(host));
		tcp->cksum = rte_ipv6_udptcp_cksum(&v6->ip, tcp);
		return sizeof(*v6);
	}
	v4->ip.src_addr = f->network.w[3] | host;
	v4->ip.hdr_checksum = 0;
	v4->ip.hdr_checksum = rte_ipv4_cksum(&v4->ip);
	tcp->cksum = rte_ipv4_udptcp_cksum(&v4->ip, tcp);
	return sizeof(*v4);
}

/* ---- ticks */

/* Where to. @return false: the server has not served anybody yet */
static bool
aim(struct flood *f)
{
	struct mr_stack *s = f->cl->stack;
	struct rte_ether_hdr eth;
	struct mr_nic_info own; /* the only NIC */
	struct mr_lladdr peer;

	if (f->cl->count.ops == 0 || mr_stack_nics(s, &own, 1) == 0 ||
	    mr_neigh_get(s, own.id, &f->cl->args->server.addr, NULL, NULL, &peer) < 0)
		return false;
	memcpy(eth.src_addr.addr_bytes, own.lladdr.b, RTE_ETHER_ADDR_LEN);
	memcpy(eth.dst_addr.addr_bytes, peer.b, RTE_ETHER_ADDR_LEN);
	eth.ether_type = rte_cpu_to_be_16(mr_addr_net(&f->cl->args->server.addr));
	frame_init(f, &eth);
	f->since_ns = mr_stack_now_ns(s);
	f->end_ns = f->since_ns + f->cl->args->warmup_ns + f->cl->args->duration_ns;
	return true;
}

/* Has the link kept up since the last tick? If it has not, what waits for it may be of honest connections. */
static bool
link_keeps_up(struct flood *f)
{
	uint64_t busy = mr_stack_counter(f->cl->stack, MR_CNT_NIC_TX_BUSY), before = f->tx_busy;

	f->tx_busy = busy;
	return busy == before;
}

/* How many may leave now. */
static uint64_t
due(struct flood *f, uint64_t now_ns)
{
	uint64_t all = (uint64_t)((double)(now_ns - f->since_ns) * f->per_ns), most = (uint64_t)(CATCH_UP_NS * f->per_ns) + 1;

	if (all - f->sent > most)
		f->sent = all - most;
	return RTE_MIN(all - f->sent, BURST);
}

static void
tick(struct mr_stack *s, void *arg)
{
	struct flood *f = arg;
	uint64_t now_ns = mr_stack_now_ns(s);

	if (!f->aimed)
		f->aimed = aim(f);
	if (!f->aimed || now_ns >= f->end_ns || !link_keeps_up(f))
		return;
	for (uint64_t n = due(f, now_ns); n > 0; n--) {
		/* No room in the link's queue: later, or never. */
		if (mr_ep_send(f->ep, &f->frame, frame_next(f, f->next)) < 0)
			return;
		f->next += f->stride;
		f->sent++;
		f->cl->count.syns++;
	}
}

/* ---- life */

int
flood_create(struct client *cl, unsigned core, unsigned n_cores, struct flood **out)
{
	struct flood *f = rte_zmalloc("flood", sizeof(*f), RTE_CACHE_LINE_SIZE);
	struct mr_nic_info nic;

	if (!f)
		return -ENOMEM;
	*out = f;
	f->cl = cl;
	f->next = core;
	f->stride = n_cores;
	f->per_ns = (double)cl->args->flood_rate / n_cores / 1e9;
	f->network = sources(cl->args->v6).addr;
	if (mr_stack_nics(cl->stack, &nic, 1) == 0)
		return -ENODEV;
	return mr_ep_create_packet(cl->stack, nic.id, HEARS_NOTHING, &f->ep);
}

void
flood_go(struct flood *f)
{
	mr_alarm_start(f->cl->stack, TICK_NS, tick, f, &f->alarm);
}

void
flood_stop(struct flood *f)
{
	if (f->alarm)
		mr_alarm_stop(f->alarm);
	if (f->ep)
		mr_ep_close(f->ep);
	f->alarm = NULL;
	f->ep = NULL;
}

void
flood_destroy(struct flood *f)
{
	rte_free(f);
}

const struct mode syn_flood_mode = {
	.name = "syn_flood",
	.help = "SYNs that nobody stands behind, and honest connections beside them",
	.trans = MR_TRANS_TCP,
	.service = 7,
	.flags = MODE_F_EACH | MODE_F_FLOOD,
	.request = 1,
	.response = 1,
	.request_max = RR_REQUEST_MAX,
	.client = &rr_tcp_client,
	.server = &rr_tcp_server,
};
