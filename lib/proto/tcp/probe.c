/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probe: who gets it, and the picture of a connection that it is shown. What the engine holds in bytes and the record
 * in packets is divided by the segment size of the moment.
 *
 * A probe is an object of its own, counted, so that an endpoint keeps the one it was made with (SS-16).
 */
#include "proto/tcp/tcp.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/context.h"

#define MS 1000000ull

struct tcp_probe {
	mr_tcp_probe_fn fn;
	void *arg;
	uint32_t users; /* connections, and the protocol while it is the current one */
};

static void
probe_release(struct tcp_probe *p)
{
	if (p && --p->users == 0)
		free(p);
}

void
tcp_probe_attach(struct tcp_conn *c)
{
	struct tcp_probe *p = tcp_of(c->ep.stack)->probe;

	if (!p)
		return;
	p->users++;
	tcp_rare_own(c)->probe = p;
	c->flags |= TCP_F_PROBE;
}

void
tcp_probe_detach(struct tcp_conn *c)
{
	if (!c->rare->probe)
		return;
	probe_release(c->rare->probe);
	c->rare->probe = NULL;
	c->flags &= ~TCP_F_PROBE;
}

/* ---- the picture --------------------------------------------------------------------------------------------- */

static void
show_rcv(const struct tcp_conn *c, struct mr_tcp_rcv_state *s)
{
	s->rcv_nxt = c->rcv_nxt;
	s->rcv_acc = c->rcv_adv;
	s->rcv_wscale = c->rcv_wscale;
	s->pending_used = c->rcvq.ooo_bytes;
	s->pending_size = c->rcv_adv - c->rcv_nxt;
}

static void
show_recovery(const struct tcp_conn *c, struct mr_tcp_fr_state *s)
{
	s->active = c->flags & TCP_F_RECOVERY;
	if (!s->active)
		return;
	s->first = c->snd_una;
	s->last = c->recover - 1;
	/* With SACK what is in flight is known, and nothing is added for a duplicate. */
	s->max_cwnd = c->cc.ssthresh / c->mss;
	if (!(c->flags & TCP_F_SACK))
		s->max_cwnd += (c->recover - c->snd_una) / c->mss + TCP_DUPTHRESH;
}

static void
show_cubic(const struct tcp_conn *c, struct mr_tcp_cubic_state *s)
{
	uint64_t now_ns = c->ep.stack->now_ns;
	struct tcp_cubic_view v;
	double mss = c->mss;

	if (c->cc.ops != &tcp_cubic || !tcp_cubic_view(&c->cc, &v))
		return;
	s->w_last_max = v.w_max_before / mss;
	s->w_max = v.w_max / mss;
	/* Kept as 32 bits of milliseconds. */
	s->t_ns = now_ns - (uint64_t)((uint32_t)(now_ns / MS) - v.reduced_ms) * MS - now_ns % MS;
	s->since_ns = v.t_us * 1000ull;
	s->c = TCP_CUBIC_C;
	s->k_ns = v.k_us * 1000ull;
	s->beta = TCP_CUBIC_BETA;
	s->w_c = v.w_cubic / mss;
	s->w_est = v.w_est / mss;
}

static void
show_snd(const struct tcp_conn *c, struct mr_tcp_snd_state *s)
{
	const struct rte_mbuf *first = c->sendq->thead;

	s->last_send_ns = c->last_tx_ns;
	s->dup_acks = c->dupacks;
	s->cwnd = c->cc.cwnd / c->mss;
	s->ssthresh = c->cc.ssthresh == UINT32_MAX ? MR_TCP_SSTHRESH_NONE : c->cc.ssthresh / c->mss;
	s->ca_acks = c->cc.acked / c->mss;
	s->outstanding = (c->sendq->in_flight + c->mss - 1) / c->mss;
	s->snd_wnd = c->snd_wnd;
	s->snd_una = c->snd_una;
	s->snd_nxt = c->snd_nxt;
	s->rtt_seq = first ? tcp_seg(first)->seq : c->snd_nxt;
	s->rtt_time_ns = first ? tcp_seg(first)->sent_ns : 0;
	s->closed = c->flags & TCP_F_SHUT_WR;
	s->srtt_ns = c->rtt.srtt_ns;
	s->rttvar_ns = c->rtt.rttvar_ns;
	s->rto_ns = tcp_rto_ns(c);
	s->srtt_inited = c->rtt.srtt_ns != 0;
	s->max_payload = c->mss;
	s->snd_wscale = c->snd_wscale;
	s->max_sent_ack = c->last_ack_sent;
	show_recovery(c, &s->fr);
	show_cubic(c, &s->cubic);
}

static void
show(const struct tcp_conn *c, struct mr_tcp_ep_state *s)
{
	const struct mr_flow *flow = &c->ep.flow;
	bool gone = c->ep.flags & MR_EP_F_CLOSED;

	*s = (struct mr_tcp_ep_state){
		.id = {
			.lport = rte_be_to_cpu_16(flow->lport_be), .rport = rte_be_to_cpu_16(flow->rport_be),
			.laddr = c->route.local->addr, .raddr = flow->raddr,
		},
		.seg_time_ns = c->ep.stack->now_ns,
		.rcv_buf_size = c->rcv_buf,
		.rcv_buf_used = c->rcvq.bytes,
		.rcv_closed = gone || c->flags & (TCP_F_SHUT_RD | TCP_F_FIN_RCVD),
		.send_ts_ok = c->flags & TCP_F_TS,
		.recent_ts = c->ts_recent,
		.ts_offset = c->ts_offset,
		.sack_permitted = c->flags & TCP_F_SACK,
		.snd_buf_size = c->snd_buf,
		.snd_buf_used = c->sendq->bytes,
		.snd_closed = gone || c->flags & TCP_F_SHUT_WR,
		.snd_buf_in_queue = tcp_unsent_bytes(c),
		.pkt_too_big_count = c->too_big,
		.snd_mtu = c->pmtu,
	};
	s->sack.n = (uint8_t)tcp_reasm_blocks(c, 0, s->sack.blocks, MR_TCP_MAX_SACK);
	show_rcv(c, &s->rcv);
	show_snd(c, &s->snd);
}

void
tcp_probe_show(const struct tcp_conn *c)
{
	struct mr_tcp_ep_state state;

	show(c, &state);
	c->rare->probe->fn(&state, c->rare->probe->arg);
}

/* ---- the application ----------------------------------------------------------------------------------------- */

static struct tcp *
tcp_in(struct mr_stack *s)
{
	return mr_stack_has_transproto(s, MR_TRANS_TCP) ? tcp_of(s) : NULL;
}

static int
probe_make(struct mr_stack *s, mr_tcp_probe_fn fn, void *arg, struct tcp_probe **out)
{
	if (!tcp_in(s))
		return -EPROTONOSUPPORT;
	if (!fn)
		return -EINVAL;
	*out = malloc(sizeof(**out));
	if (!*out)
		return -ENOMEM;
	**out = (struct tcp_probe){.fn = fn, .arg = arg, .users = 1};
	return 0;
}

int
mr_tcp_probe_add(struct mr_stack *s, mr_tcp_probe_fn fn, void *arg)
{
	struct tcp_probe *p;
	int r;

	MR_OWN_CORE(s);
	r = probe_make(s, fn, arg, &p);
	if (r < 0)
		return r;
	probe_release(tcp_of(s)->probe);
	tcp_of(s)->probe = p;
	return 0;
}

mr_tcp_probe_fn
mr_tcp_probe_get(struct mr_stack *s, void **arg)
{
	const struct tcp *t = tcp_in(s);

	MR_OWN_CORE(s);
	if (!t || !t->probe)
		return NULL;
	if (arg)
		*arg = t->probe->arg;
	return t->probe->fn;
}

void
mr_tcp_probe_remove(struct mr_stack *s)
{
	struct tcp *t = tcp_in(s);

	MR_OWN_CORE(s);
	if (!t)
		return;
	probe_release(t->probe);
	t->probe = NULL;
}

/* ---- the same on a host */

struct host_probe {
	mr_tcp_probe_fn fn;
	void *arg;
	struct tcp_probe *made[MR_HOST_MAX_WORKERS]; /* what each core is going to have */
};

static int
probe_make_on_core(struct mr_stack *s, unsigned core, void *arg)
{
	struct host_probe *hp = arg;

	return probe_make(s, hp->fn, hp->arg, &hp->made[core]);
}

static void
probe_drop_on_core(struct mr_stack *s, unsigned core, void *arg)
{
	struct host_probe *hp = arg;

	(void)s;
	probe_release(hp->made[core]);
}

/* Cannot fail any more. */
static int
probe_put_on_core(struct mr_stack *s, unsigned core, void *arg)
{
	struct host_probe *hp = arg;

	probe_release(tcp_of(s)->probe);
	tcp_of(s)->probe = hp->made[core];
	return 0;
}

int
mr_host_tcp_probe_add(struct mr_host *h, mr_tcp_probe_fn fn, void *arg)
{
	struct host_probe hp = {.fn = fn, .arg = arg};
	int r;

	MR_MAIN_LCORE();
	r = mr_host_change(h, probe_make_on_core, probe_drop_on_core, &hp);
	return r < 0 ? r : mr_host_call(h, probe_put_on_core, &hp);
}

static int
probe_remove_on_core(struct mr_stack *s, unsigned core, void *arg)
{
	(void)core, (void)arg;
	mr_tcp_probe_remove(s);
	return 0;
}

void
mr_host_tcp_probe_remove(struct mr_host *h)
{
	MR_MAIN_LCORE();
	mr_host_call(h, probe_remove_on_core, NULL);
}
