/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The TCP protocol of a stack: its registration and memory; the validation of a burst and its distribution to
 * connections, listeners and small records; ICMP's news; what is freed at the end of a turn.
 *
 * Nothing that a burst may still point to is freed within the turn: ended connections and records are marked and freed by
 * reap. A pointer that went out of date within the burst is looked up again.
 */
#include "proto/tcp/tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <rte_tcp.h>

#include "proto/cksum.h"

#define MIN_BUF 2048u
#define DEFAULT_BUF (512u << 10)
#define MAX_SND_BUF (4u << 20)
#define MAX_RCV_BUF (6u << 20)
#define SPARE_RECORDS 1024 /* ended records wait for the end of the turn */

/* ---- a burst ------------------------------------------------------------------------------------------------- */

/* @return 0, or the reason to drop the segment. */
static enum mr_counter
segment_check(struct rte_mbuf *m)
{
	struct mr_pkt *p = mr_pkt(m);
	const struct rte_tcp_hdr *h;
	unsigned hdr_len;

	if (p->flags & (MR_PKT_F_LINK_BROADCAST | MR_PKT_F_LINK_MULTICAST | MR_PKT_F_NET_BROADCAST | MR_PKT_F_NET_MULTICAST))
		return MR_DROP_TCP_BAD_ADDR;
	if (p->trans_len < TCP_HDR_BYTES || !mr_pkt_linear(m, TCP_HDR_BYTES))
		return MR_DROP_TCP_MALFORMED;
	h = rte_pktmbuf_mtod(m, const struct rte_tcp_hdr *);
	hdr_len = (h->data_off >> 4) * 4u;
	if (hdr_len < TCP_HDR_BYTES || hdr_len > p->trans_len || !mr_pkt_linear(m, hdr_len))
		return MR_DROP_TCP_MALFORMED;
	h = rte_pktmbuf_mtod(m, const struct rte_tcp_hdr *);
	if (h->src_port == 0 || h->dst_port == 0)
		return MR_DROP_TCP_MALFORMED;
	if (!mr_cksum_rx_ok(m))
		return MR_DROP_TCP_BAD_CKSUM;
	p->sport_be = h->src_port;
	p->dport_be = h->dst_port;
	p->trans_hdr_len = (uint8_t)hdr_len;
	p->tcp_flags = h->tcp_flags;
	p->seq = rte_be_to_cpu_32(h->sent_seq);
	p->ack = rte_be_to_cpu_32(h->recv_ack);
	return 0;
}

static uint16_t
tcp_parse(struct mr_transproto *tp, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		enum mr_counter reason = segment_check(pkts[i]);

		if (reason)
			mr_drop(tp->stack, pkts[i], reason);
		else
			pkts[kept++] = pkts[i];
	}
	mr_count_n(tp->stack, MR_CNT_TCP_RX_SEGMENTS, kept);
	return kept;
}

struct mr_flow *
tcp_flow_again(struct tcp *t, const struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);

	return mr_demux_lookup(t->tp.stack, MR_TRANS_TCP, p->netep, &p->src, p->sport_be, p->dport_be);
}

static struct tcp_bind *
flow_listener(struct mr_flow *f)
{
	struct tcp_conn *c = (struct tcp_conn *)f;

	return f->kind == TCP_KIND_CONN && c->state == MR_TCP_LISTEN && c->bind->listening ? c->bind : NULL;
}

struct tcp_bind *
tcp_listener_for(struct tcp *t, const struct rte_mbuf *m)
{
	struct mr_flow *f = tcp_flow_again(t, m);

	return f ? flow_listener(f) : NULL;
}

/* Has an earlier packet of the burst made this answer out of date? */
static bool
flow_is_stale(const struct mr_flow *f, const struct rte_mbuf *m)
{
	const struct tcp_conn *c = (const struct tcp_conn *)f;

	if (f->kind == TCP_KIND_DEAD)
		return true;
	if (f->kind != TCP_KIND_CONN)
		return false;
	if (c->state == MR_TCP_LISTEN)
		return !(mr_pkt(m)->tcp_flags & TCP_SYN);
	return c->state == MR_TCP_CLOSED || (c->flags & TCP_F_DETACHED);
}

static void
segment_input(struct tcp *t, struct mr_flow *f, struct rte_mbuf *m)
{
	if (flow_is_stale(f, m))
		f = tcp_flow_again(t, m);
	if (!f) {
		mr_nic_deliver_nobody(&t->tp, m);
		return;
	}
	switch (f->kind) {
	case TCP_KIND_SYN_RCVD:
		tcp_syn_rcvd_input(t, (struct tcp_syn_rcvd *)f, m);
		return;
	case TCP_KIND_TIME_WAIT:
		tcp_time_wait_input(t, (struct tcp_time_wait *)f, m);
		return;
	default:
		if (flow_listener(f))
			tcp_listen_input(t, flow_listener(f), m, NULL);
		else if (((struct tcp_conn *)f)->state >= MR_TCP_SYN_SENT)
			tcp_conn_input((struct tcp_conn *)f, m);
		else
			tcp_reset_reply(t, m, MR_DROP_TCP_NO_PORT);
	}
}

#define AHEAD 3 /* segments between steps of the prefetch */

/* The connection, but for its first line, which the lookup has fetched. */
static inline void
conn_prefetch(const struct mr_flow *f)
{
	if (f->kind != TCP_KIND_CONN)
		return;
	for (size_t at = RTE_CACHE_LINE_SIZE; at < TCP_CONN_HOT_BYTES; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0((const char *)f + at);
}

/* What is in flight. */
static inline void
sendq_prefetch(const struct mr_flow *f)
{
	const struct tcp_conn *c = (const struct tcp_conn *)f;

	if (f->kind != TCP_KIND_CONN)
		return;
	for (size_t at = 0; at < TCP_SENDQ_HOT_BYTES; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0((const char *)c->sendq + at);
}

/* The segment that will be acknowledged: the head of its mbuf and its record. */
static inline void
segment_prefetch(const struct mr_flow *f)
{
	const struct tcp_conn *c = (const struct tcp_conn *)f;
	const struct rte_mbuf *m;

	if (f->kind != TCP_KIND_CONN)
		return;
	m = c->sendq->head;
	if (!m)
		return;
	rte_prefetch0(tcp_seg(m));
	if (!tcp_is_small(c->sendq, m)) {
		rte_prefetch0(m);
		rte_prefetch0(&m->next);
	}
}

static void
tcp_input(struct mr_transproto *tp, struct mr_flow **flows, struct rte_mbuf **pkts, uint16_t n)
{
	struct tcp *t = (struct tcp *)tp;

	for (uint16_t i = 0; i < RTE_MIN(n, 3 * AHEAD); i++)
		conn_prefetch(flows[i]);
	for (uint16_t i = 0; i < n; i++) {
		if (i + 3 * AHEAD < n)
			conn_prefetch(flows[i + 3 * AHEAD]);
		if (i + 2 * AHEAD < n)
			sendq_prefetch(flows[i + 2 * AHEAD]);
		if (i + AHEAD < n)
			segment_prefetch(flows[i + AHEAD]);
		segment_input(t, flows[i], pkts[i]);
	}
}

static void
tcp_unknown_dst(struct mr_transproto *tp, struct rte_mbuf *m)
{
	tcp_reset_reply((struct tcp *)tp, m, MR_DROP_TCP_NO_PORT);
}

/* ---- ICMP ---------------------------------------------------------------------------------------------------- */

static int
unreachable_errno(enum mr_ctrl_type type)
{
	switch (type) {
	case MR_CTRL_PORT_UNREACH:
		return -ECONNREFUSED;
	case MR_CTRL_PROTO_UNREACH:
		return -ENOPROTOOPT;
	case MR_CTRL_NET_UNREACH:
		return -ENETUNREACH;
	case MR_CTRL_HOST_UNREACH:
	case MR_CTRL_ADMIN_PROHIBITED:
		return -EHOSTUNREACH;
	default:
		return 0;
	}
}

static void
tcp_control(struct mr_transproto *tp, struct mr_flow *f, enum mr_ctrl_type type, uint32_t extra, const void *quoted,
            uint16_t quoted_bytes)
{
	struct tcp_conn *c = (struct tcp_conn *)f;
	uint32_t seq_be, seq;

	(void)tp;
	if (f->kind != TCP_KIND_CONN || c->state < MR_TCP_SYN_SENT || (c->flags & TCP_F_DETACHED) || quoted_bytes < 8)
		return;
	memcpy(&seq_be, (const char *)quoted + 4, 4);
	seq = rte_be_to_cpu_32(seq_be);
	/* It must be about something that is in flight (RFC 5927 4.1). */
	if (seq_lt(seq, c->snd_una) || !seq_lt(seq, c->snd_nxt))
		return;
	if (type == MR_CTRL_PKT_TOO_BIG)
		tcp_path_too_big(c, extra);
	else if (c->state == MR_TCP_SYN_SENT && unreachable_errno(type))
		tcp_conn_end(c, unreachable_errno(type));
	else if (unreachable_errno(type) && c->sendq != &tcp_sendq_none)
		c->sendq->soft_err = unreachable_errno(type); /* later on these are only hints (RFC 5461) */
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

struct tcp_conn *
tcp_conn_new(struct tcp *t)
{
	struct tcp_conn *c = mr_pool_get(&t->conns);

	if (!c)
		return NULL;
	mr_ep_init(&c->ep, t->tp.stack, MR_TRANS_TCP, &tcp_ep_ops);
	tcp_rare_init(c);
	tcp_probe_attach(c);
	c->cc.ops = t->cc;
	c->ecn_mode = t->ecn_mode;
	tcp_sendq_init(c);
	c->rack.ack_delay_log2 = TCP_ACK_DELAY_LOG2;
	tcp_rtt_init(&c->rtt);
	c->snd_buf = t->snd_range.def;
	c->rcv_buf = t->rcv_range.def;
	c->rcv_most = TCP_WINDOW_LIMIT;
	if (t->user_mss)
		tcp_rare_own(c)->user_mss = t->user_mss;
	return c;
}

#define INHERITED_FLAGS \
	(TCP_F_NODELAY | TCP_F_CORK | TCP_F_QUICKACK | TCP_F_KEEPALIVE | TCP_F_LINGER | TCP_F_SNDBUF_SET | TCP_F_RCVBUF_SET)

void
tcp_conn_inherit(struct tcp_conn *c, const struct tcp_conn *l)
{
	c->cc.ops = l->cc.ops;
	c->ecn_mode = l->ecn_mode;
	c->snd_buf = l->snd_buf;
	c->rcv_buf = l->rcv_buf;
	c->rcv_most = l->rcv_most;
	tcp_rare_inherit(c, l);
	c->ttl = l->ttl;
	c->tos = l->tos;
	c->flags |= l->flags & INHERITED_FLAGS;
}

static void
conn_bury(struct tcp_conn *c)
{
	struct tcp *t = tcp_of(c->ep.stack);

	if (c->flags & TCP_F_DEAD)
		return;
	c->flags |= TCP_F_DEAD;
	c->ep.waiters = NULL;
	tcp_bind_free(c);
	tcp_probe_detach(c);
	tcp_rare_free(c);
	tcp_sendq_free(c);
	tcp_rcvq_free(c);
	tcp_cc_stop(c);
	c->next = t->reap;
	t->reap = c;
}

void
tcp_conn_release(struct tcp_conn *c)
{
	bool over = c->state == MR_TCP_CLOSED || c->state == MR_TCP_TIME_WAIT;

	if (!over)
		return;
	if (c->flags & TCP_F_IN_ACCEPT) {
		tcp_accept_queue_remove(c);
		c->ep.flags |= MR_EP_F_CLOSED;
	}
	if (!(c->flags & TCP_F_DETACHED)) {
		c->flags |= TCP_F_DETACHED;
		if (c->ep.flow.flags & MR_FLOW_F_INSERTED)
			mr_flow_remove(&c->ep.stack->flows, &c->ep.flow);
	}
	if (c->ep.flags & MR_EP_F_CLOSED)
		conn_bury(c);
}

/* Return the memory of what ended in this turn: nothing points to it any more. */
static void
tcp_reap(struct mr_transproto *tp)
{
	struct tcp *t = (struct tcp *)tp;
	struct mr_stack *s = tp->stack;

	while (t->reap) {
		struct tcp_conn *c = t->reap;

		t->reap = c->next;
		mr_timer_cancel(&s->wheel, &c->timer);
		mr_ep_fini(&c->ep);
		mr_route_release(&c->route);
		mr_pool_put(&t->conns, c);
	}
	while (t->dead_records) {
		struct tcp_record *r = mr_arena_obj(&s->arena, t->dead_records);

		t->dead_records = r->next;
		mr_pool_put(r->deadline_ms == TCP_KIND_SYN_RCVD ? &t->syn_rcvds : &t->time_waits, r);
	}
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

static void
conn_destroy(void *obj, void *arg)
{
	struct tcp_conn *c = obj;
	struct tcp *t = arg;

	/* A listener has taken those with it that waited for accept. */
	if (c->flags & TCP_F_DEAD)
		return;
	if (c->state == MR_TCP_LISTEN)
		tcp_listen_close(t, c->bind);
	else
		tcp_reset_conn(c);
	c->ep.flags |= MR_EP_F_CLOSED;
	tcp_timer_stop(c);
	tcp_state_set(c, MR_TCP_CLOSED);
	tcp_conn_release(c);
}

static void
tcp_free(struct tcp *t)
{
	free(t->cookies_used);
	free(t->paths);
	free(t->fo_peers);
	free(t);
}

static void
tcp_destroy(struct mr_transproto *tp)
{
	struct tcp *t = (struct tcp *)tp;

	tcp_reap(tp);
	mr_pool_each(&t->conns, conn_destroy, t);
	while (t->tw_fifo.head)
		tcp_time_wait_end(t, mr_arena_obj(&tp->stack->arena, t->tw_fifo.head));
	tcp_reap(tp);
	mr_tcp_probe_remove(tp->stack);
	tcp_free(t);
}

static const struct mr_transproto_ops tcp_ops = {
	.name = "tcp",
	.number = MR_TRANS_TCP,
	.min_bytes = TCP_HDR_BYTES,
	.parse = tcp_parse,
	.input = tcp_input,
	.unknown_dst = tcp_unknown_dst,
	.control = tcp_control,
	.output = tcp_output,
	.output_ahead = tcp_output_ahead,
	.ep_create = tcp_ep_create,
	.forward = &tcp_forward_ops,
	.setopt = tcp_setopt,
	.getopt = tcp_getopt,
	.reap = tcp_reap,
	.destroy = tcp_destroy,
};

static int
pools_init(struct tcp *t, struct mr_stack *s)
{
	const struct mr_stack_opts *o = &s->opts;
	int rc;

	if ((rc = mr_pool_init(&t->conns, &s->arena, "tcp_conns", sizeof(struct tcp_conn), o->max_conns)) < 0 ||
	    (rc = mr_pool_init(&t->binds, &s->arena, "tcp_binds", sizeof(struct tcp_bind), o->max_endpoints)) < 0 ||
	    (rc = mr_pool_init(&t->syn_rcvds, &s->arena, "tcp_syn_rcvds", sizeof(struct tcp_syn_rcvd),
	                       o->max_half_open + SPARE_RECORDS)) < 0 ||
	    (rc = mr_pool_init(&t->sendqs, &s->arena, "tcp_sendqs", sizeof(struct tcp_sendq), o->max_conns)) < 0 ||
	    (rc = mr_pool_init(&t->rares, &s->arena, "tcp_rares", sizeof(struct tcp_rare), o->max_conns)) < 0 ||
	    (rc = mr_pool_init(&t->cc_blocks, &s->arena, "tcp_cc_blocks", TCP_CC_BLOCK_BYTES, o->max_conns)) < 0)
		return rc;
	return mr_pool_init(&t->time_waits, &s->arena, "tcp_time_waits", sizeof(struct tcp_time_wait),
	                    o->max_time_wait + SPARE_RECORDS);
}

static int
tcp_create(struct mr_stack *s, struct mr_transproto **out)
{
	struct tcp *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return -ENOMEM;
	t->cookies_used_mask = rte_align32pow2(s->opts.max_half_open) - 1;
	t->cookies_used = calloc(t->cookies_used_mask + 1, sizeof(*t->cookies_used));
	t->paths = tcp_paths_new();
	t->fo_peers = tcp_fastopen_peers_new();
	rc = t->cookies_used && t->paths && t->fo_peers ? pools_init(t, s) : -ENOMEM;
	if (rc < 0) {
		tcp_free(t);
		return rc;
	}
	t->tp.ops = &tcp_ops;
	t->tp.stack = s;
	t->isn_key = (struct siphash_key){mr_rng_u64(&s->rng), mr_rng_u64(&s->rng)};
	t->ts_key = (struct siphash_key){mr_rng_u64(&s->rng), mr_rng_u64(&s->rng)};
	t->cookie_key = (struct siphash_key){mr_rng_u64(&s->rng), mr_rng_u64(&s->rng)};
	t->fo_secret = (struct siphash_key){s->opts.secret[0], s->opts.secret[1]};
	for (int i = 0; i <= TCP_SYNACK_RETRIES; i++)
		t->syn_fifo[i].tcp = t;
	t->tw_fifo.tcp = t;
	t->start_ns = s->now_ns;
	t->time_wait_ns = 60000000000;
	t->fin_wait2_ns = 60000000000;
	t->min_rto_ns = 200000000;
	t->delack_ns = 40000000;
	t->snd_range = (struct tcp_buf_range){MIN_BUF, DEFAULT_BUF, MAX_SND_BUF};
	t->rcv_range = (struct tcp_buf_range){MIN_BUF, DEFAULT_BUF, MAX_RCV_BUF};
	t->cc = tcp_cc_at(0);
	t->init_cwnd = 10;
	t->syncookies = MR_TCP_SYNCOOKIES_PRESSED;
	t->syn_backlog = (s->opts.max_half_open + 1) / 2;
	t->ecn_mode = MR_TCP_ECN_ACCEPT;
	t->mtu_probing = MR_TCP_MTU_PROBING_BLACK_HOLES;
	t->base_mss = 1024;
	t->mtu_probe_ns = 600000000000;
	t->offers = TCP_OPT_WS | TCP_OPT_TS | TCP_OPT_SACK_PERM;
	*out = &t->tp;
	return 0;
}

RTE_INIT(tcp_register)
{
	mr_transproto_register("tcp", tcp_create);
}
