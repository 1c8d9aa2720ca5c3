/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generators: txonly sends UDP over IPv4, flowgen also takes in what comes back, and answers ARP for its addresses.
 *
 * Flow i has client address i mod --client-addresses and its own source port. Frames are of --txpkts segments. Their pool
 * is zeroed at the start and nobody else writes into its packets, so a frame costs its headers alone, and its checksums are
 * right: the UDP one is a sum known beforehand and what differs from frame to frame. Behind the headers are a mark and the
 * time: what returns tells how long it took.
 *
 * A frame that the port does not take is offered again in the next turn; nothing is lost here.
 */
#include "app/bench/fwd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_udp.h>

#define FLOW_PORT 1024u
#define FLOWS_BY_ADDRESS 64000u
#define CATCH_UP_MS 10 /* of a rate, at most */

/* Lies behind the UDP header if there is room, and as it comes to lie. */
struct stamp {
	uint8_t mark[8], tsc[8];
};

struct headers {
	struct rte_ether_hdr eth;
	struct rte_ipv4_hdr ip;
	struct rte_udp_hdr udp;
	struct stamp stamp;
};

_Static_assert(sizeof(struct headers) - sizeof(struct stamp) == ARGS_TXPKT_LEAST, "the headers fit any frame");

static const uint8_t mark[8] = {'m', 'i', 'l', 'l', 'r', 'a', 'c', 'e'};

struct fwd_gen {
	struct headers template;
	uint32_t ip_sum, udp_sum;    /* of what is the same in all frames; neither folded nor inverted */
	uint16_t header_bytes;       /* of the first segment that are written */
	bool stamped;
	uint16_t first_bytes;        /* segments */
	uint32_t first_address;
	uint32_t flow, flows;
	struct rte_mbuf *left[FWD_BURST_MOST]; /* made, and not taken yet */
	uint16_t n_left;
	/* rate: packets may be sent as time passes */
	double wanted_rate, rate;    /* as another core asks for, as it is */
	uint64_t since_tsc, sent;
	double per_tsc, ns_per_tsc;
	bool forget;                 /* another core asks for a new histogram */
	struct hist latency;
};

/* ---- sums */

static uint32_t
sum_add(uint32_t sum, const void *data, size_t bytes)
{
	return sum + rte_raw_cksum(data, bytes);
}

static rte_be16_t
sum_finish(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (rte_be16_t)~sum;
}

/* ---- a frame */

static void
template_make(struct fwd_gen *g, const struct fwd_stream *s, uint32_t bytes)
{
	struct headers *t = &g->template;
	rte_be16_t proto = RTE_BE16(IPPROTO_UDP);

	t->eth.src_addr = s->own;
	t->eth.dst_addr = s->peer;
	t->eth.ether_type = RTE_BE16(RTE_ETHER_TYPE_IPV4);
	t->ip = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.total_length = rte_cpu_to_be_16((uint16_t)(bytes - sizeof(t->eth))),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_UDP,
		.dst_addr = s->args->server.addr.w[3],
	};
	t->udp.dst_port = rte_cpu_to_be_16(s->args->service);
	t->udp.dgram_len = rte_cpu_to_be_16((uint16_t)(bytes - sizeof(t->eth) - sizeof(t->ip)));
	if (g->stamped)
		memcpy(t->stamp.mark, mark, sizeof(mark));
	g->ip_sum = sum_add(0, &t->ip, sizeof(t->ip));
	/* The pseudo header has the length once more. */
	g->udp_sum = sum_add(0, &t->udp, sizeof(t->udp)) + proto + t->udp.dgram_len + sum_add(0, &t->ip.dst_addr, 4) +
	             sum_add(0, t->stamp.mark, sizeof(t->stamp.mark));
}

static void
flow_next(struct fwd_gen *g, const struct fwd_stream *s, struct headers *h)
{
	uint32_t addresses = s->args->client_addresses, i = g->flow;

	g->flow = i + 1 < g->flows ? i + 1 : 0;
	h->ip.src_addr = rte_cpu_to_be_32(g->first_address + (addresses > 1 ? i % addresses : 0));
	h->udp.src_port = rte_cpu_to_be_16((uint16_t)(FLOW_PORT + (addresses > 1 ? i / addresses : i) % FLOWS_BY_ADDRESS));
}

static void
headers_write(struct fwd_gen *g, const struct fwd_stream *s, struct rte_mbuf *m, uint64_t tsc)
{
	struct headers *h = rte_pktmbuf_mtod(m, struct headers *);
	uint32_t address, sum;

	memcpy(h, &g->template, g->header_bytes);
	flow_next(g, s, h);
	address = sum_add(0, &h->ip.src_addr, sizeof(h->ip.src_addr));
	h->ip.hdr_checksum = sum_finish(g->ip_sum + address);
	sum = g->udp_sum + address + h->udp.src_port;
	if (g->stamped) {
		memcpy(h->stamp.tsc, &tsc, sizeof(tsc));
		sum += sum_add(0, &tsc, sizeof(tsc));
	}
	h->udp.dgram_cksum = sum_finish(sum);
	if (h->udp.dgram_cksum == 0)
		h->udp.dgram_cksum = 0xffff;
}

/* The segments after the first. @return false: the pool is empty */
static bool
segments_add(const struct fwd_stream *s, struct rte_mbuf *m)
{
	const struct args *a = s->args;
	struct rte_mbuf *last = m;

	for (unsigned i = 1; i < a->n_txpkts; i++) {
		last->next = rte_pktmbuf_alloc(s->pool);
		if (!last->next)
			return false;
		last = last->next;
		last->data_len = (uint16_t)a->txpkts[i];
		m->pkt_len += a->txpkts[i];
		m->nb_segs++;
	}
	return true;
}

/* Fill up what is offered to `want` frames. */
static void
frames_make(struct fwd_gen *g, struct fwd_stream *s, uint16_t want)
{
	uint64_t tsc = rte_rdtsc();
	uint16_t n = g->n_left;

	if (n >= want || rte_pktmbuf_alloc_bulk(s->pool, g->left + n, want - n) < 0)
		return;
	for (; g->n_left < want; g->n_left++) {
		struct rte_mbuf *m = g->left[g->n_left];

		m->data_len = g->first_bytes;
		m->pkt_len = g->first_bytes;
		if (!segments_add(s, m)) {
			rte_pktmbuf_free_bulk(g->left + g->n_left, want - g->n_left);
			return;
		}
		headers_write(g, s, m, tsc);
	}
}

/* ---- turns */

static void
rate_begin(struct fwd_gen *g, double rate, uint64_t now)
{
	g->rate = rate;
	g->per_tsc = rate / (double)rte_get_tsc_hz();
	g->since_tsc = now;
	g->sent = 0;
}

/* How many may leave now. */
static uint16_t
rate_allows(struct fwd_gen *g, const struct fwd_stream *s)
{
	uint64_t now;
	double wanted, due;

	__atomic_load(&g->wanted_rate, &wanted, __ATOMIC_RELAXED);
	if (wanted == 0)
		return s->burst;
	now = rte_rdtsc();
	due = (double)(now - g->since_tsc) * g->per_tsc - (double)g->sent;
	/* What could not be sent for long is forgiven: a rate is no debt. */
	if (wanted != g->rate || due > g->per_tsc * (double)(rte_get_tsc_hz() / 1000 * CATCH_UP_MS) + s->burst) {
		rate_begin(g, wanted, now);
		return 0;
	}
	return due < 1 ? 0 : due < s->burst ? (uint16_t)due : s->burst;
}

static unsigned
turn_send(struct fwd_stream *s)
{
	struct fwd_gen *g = s->gen;
	uint16_t want = rate_allows(g, s), n, sent;
	uint32_t bytes;

	frames_make(g, s, want);
	n = RTE_MIN(want, g->n_left);
	if (n == 0)
		return 0;
	bytes = g->left[0]->pkt_len;
	sent = rte_eth_tx_burst(s->tx_port, s->queue, g->left, n);
	g->sent += sent;
	s->count.tx_packets += sent;
	s->count.tx_bytes += (uint64_t)sent * bytes;
	g->n_left -= sent;
	memmove(g->left, g->left + sent, g->n_left * sizeof(g->left[0]));
	return sent;
}

/* One of ours that has come back? */
static bool
stamp_read(struct fwd_gen *g, const struct rte_mbuf *m, uint64_t now)
{
	const struct headers *h = rte_pktmbuf_mtod(m, const struct headers *);
	uint64_t tsc;

	if (rte_pktmbuf_data_len(m) < sizeof(*h) || h->eth.ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) ||
	    memcmp(h->stamp.mark, mark, sizeof(mark)) != 0)
		return false;
	memcpy(&tsc, h->stamp.tsc, sizeof(tsc));
	hist_add(&g->latency, (uint64_t)((double)(now - tsc) * g->ns_per_tsc));
	return true;
}

static unsigned
turn_receive(struct fwd_stream *s)
{
	struct rte_mbuf *pkts[FWD_BURST_MOST];
	uint16_t n = rte_eth_rx_burst(s->rx_port, s->queue, pkts, s->burst);
	uint64_t now = n ? rte_rdtsc() : 0;

	s->count.rx_packets += n;
	for (uint16_t i = 0; i < n; i++) {
		s->count.rx_bytes += pkts[i]->pkt_len;
		if (s->gen->stamped && stamp_read(s->gen, pkts[i], now)) {
			rte_pktmbuf_free(pkts[i]);
		} else if (fwd_arp_answer(s, pkts[i], s->gen->first_address, s->args->client_addresses)) {
			fwd_send(s, &pkts[i], 1);
		} else {
			s->count.unwanted += s->gen->stamped;
			rte_pktmbuf_free(pkts[i]);
		}
	}
	return n;
}

static unsigned
turn_flowgen(struct fwd_stream *s)
{
	unsigned n;

	if (__atomic_load_n(&s->gen->forget, __ATOMIC_RELAXED)) {
		hist_reset(&s->gen->latency);
		__atomic_store_n(&s->gen->forget, false, __ATOMIC_RELAXED);
	}
	n = turn_receive(s);
	return n + turn_send(s);
}

/* ---- life */

static void
pool_zero(struct rte_mempool *mp, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;

	(void)mp, (void)arg, (void)i;
	memset(m->buf_addr, 0, m->buf_len);
}

int
fwd_gen_create(struct fwd_stream *s)
{
	struct fwd_gen *g = calloc(1, sizeof(*g));
	uint32_t bytes = 0;

	if (!g)
		return -ENOMEM;
	rte_mempool_obj_iter(s->pool, pool_zero, NULL);
	for (unsigned i = 0; i < s->args->n_txpkts; i++)
		bytes += s->args->txpkts[i];
	g->first_bytes = (uint16_t)s->args->txpkts[0];
	g->stamped = g->first_bytes >= sizeof(struct headers);
	g->header_bytes = g->stamped ? sizeof(struct headers) : ARGS_TXPKT_LEAST;
	g->first_address = rte_be_to_cpu_32(s->args->client.addr.w[3]);
	g->flows = s->args->flows;
	/* Queues take different flows first. */
	g->flow = g->flows / 2 * s->queue % g->flows;
	g->ns_per_tsc = 1e9 / (double)rte_get_tsc_hz();
	template_make(g, s, bytes);
	s->gen = g;
	return 0;
}

void
fwd_gen_destroy(struct fwd_gen *g)
{
	if (!g)
		return;
	if (g->n_left > 0)
		rte_pktmbuf_free_bulk(g->left, g->n_left);
	free(g);
}

void
fwd_gen_set_rate(struct fwd_gen *g, double rate)
{
	__atomic_store(&g->wanted_rate, &rate, __ATOMIC_RELAXED);
}

void
fwd_gen_forget(struct fwd_gen *g)
{
	__atomic_store_n(&g->forget, true, __ATOMIC_RELAXED);
}

const struct hist *
fwd_gen_latency(struct fwd_gen *g)
{
	return g && g->stamped ? &g->latency : NULL;
}

const struct fwd_mode fwd_txonly = {
	.name = "txonly",
	.help = "send UDP of --txpkts and --flows",
	.flags = FWD_F_GENERATES,
	.turn = turn_send,
};
const struct fwd_mode fwd_flowgen = {
	.name = "flowgen",
	.help = "the same, and take in what comes back",
	.flags = FWD_F_GENERATES | FWD_F_ANSWERED,
	.flows = 1024,
	.turn = turn_flowgen,
};
