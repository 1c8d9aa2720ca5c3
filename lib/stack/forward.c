/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders: requests made of packets for nobody.
 *
 * A request is the packets of one tuple, parked: TCP's SYN, UDP's first datagrams. They hold their local address, which on
 * a promiscuous NIC lives only as long as somebody does. Requests are found by the packet's flow hash; they are not in the
 * flow table, so an endpoint that comes meanwhile takes what comes from then on.
 *
 * The application hears of requests in the event stage, through an endpoint that is the forwarder's own, and answers by
 * values: an index and a serial number, so that one that has timed out is not found any more.
 *
 * Not here: which packets begin something and what an endpoint is (the transport's struct mr_forward_ops).
 * Invariant: `waiting` is in order of age, and so of deadlines; those from `untold` on have not been told.
 */
#include "stack/forward.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "stack/context.h"
#include "stack/stack.h"

#define DEFAULT_REQUESTS 256
#define DEFAULT_TIMEOUT_NS (30ull * 1000000000)
#define MAX_REQUESTS (1u << 20)

struct request {
	TAILQ_ENTRY(request) link;  /* in `waiting` or `unused` */
	struct request *chain;      /* of its bucket */
	struct mr_pktq pkts;        /* the first says whose it is */
	uint32_t held;              /* mbufs of them */
	uint32_t serial;            /* 0: unused */
	uint32_t note;
	uint64_t deadline_ns;
};

struct mr_forwarder {
	struct mr_ep ep;            /* has requests told; no application sees it */
	struct mr_waiter waiter;
	struct mr_transproto *tp;
	struct mr_forwarder_opts opts;
	TAILQ_HEAD(, request) waiting, unused;
	struct request *untold;     /* the first one; NULL: all are told */
	struct mr_timer timer;      /* armed at or before the first deadline */
	uint32_t serial;            /* of the last one */
	uint32_t mask;              /* buckets - 1 */
	struct request **buckets;
	struct request requests[];  /* opts.max_requests */
};

static const struct mr_ep_ops no_ops;

/* ---- requests ------------------------------------------------------------------------------------------------ */

static struct request **
bucket(struct mr_forwarder *f, const struct rte_mbuf *m)
{
	return &f->buckets[mr_pkt(m)->hash & f->mask];
}

static struct request *
request_of(struct mr_forwarder *f, const struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);
	struct request *r = *bucket(f, m);

	for (; r; r = r->chain) {
		const struct mr_pkt *q = mr_pkt(r->pkts.head);

		if (q->sport_be == p->sport_be && q->dport_be == p->dport_be && q->netep == p->netep &&
		    mr_addr_equal(&q->src, &p->src))
			break;
	}
	return r;
}

/* The packets were counted when they were parked, and are not any more. */
static void
request_unhold(struct mr_forwarder *f, struct request *r)
{
	f->ep.stack->rx_held -= r->held;
	r->held = 0;
}

/* Take a request out of the lists; its packets are gone, and `at` is the bucket that they were in. */
static void
request_end(struct mr_forwarder *f, struct request *r, struct request **at)
{
	while (*at != r)
		at = &(*at)->chain;
	*at = r->chain;
	if (f->untold == r)
		f->untold = TAILQ_NEXT(r, link);
	TAILQ_REMOVE(&f->waiting, r, link);
	TAILQ_INSERT_HEAD(&f->unused, r, link);
	r->serial = 0;
}

static void
request_refuse(struct mr_forwarder *f, struct request *r, bool tell)
{
	struct request **at = bucket(f, r->pkts.head);
	struct mr_netep *local = mr_pkt(r->pkts.head)->netep;
	struct rte_mbuf *m;

	request_unhold(f, r);
	while ((m = mr_pktq_pop(&r->pkts))) {
		if (tell)
			f->tp->ops->unknown_dst(f->tp, m);
		else
			mr_drop(f->ep.stack, m, MR_DROP_FORWARD_REFUSED);
	}
	request_end(f, r, at);
	mr_netep_release(local);
}

static void
forward_timer(struct mr_timer *t, uint64_t now_ns)
{
	struct mr_forwarder *f = container_of(t, struct mr_forwarder, timer);
	struct request *r;

	while ((r = TAILQ_FIRST(&f->waiting)) && r->deadline_ns <= now_ns)
		request_refuse(f, r, false);
	if (r)
		mr_timer_arm(&f->ep.stack->wheel, t, r->deadline_ns, forward_timer);
}

/* ---- packets ------------------------------------------------------------------------------------------------- */

static void
request_park(struct mr_forwarder *f, struct request *r, struct rte_mbuf *m)
{
	r->held += m->nb_segs;
	f->ep.stack->rx_held += m->nb_segs;
	mr_pktq_push(&r->pkts, m);
}

static void
request_begin(struct mr_forwarder *f, struct request *r, struct rte_mbuf *m, uint32_t note)
{
	struct mr_stack *s = f->ep.stack;
	struct request **at = bucket(f, m);

	TAILQ_REMOVE(&f->unused, r, link);
	TAILQ_INSERT_TAIL(&f->waiting, r, link);
	if (!f->untold)
		f->untold = r;
	if (++f->serial == 0)
		f->serial = 1;
	r->serial = f->serial;
	r->note = note;
	r->deadline_ns = s->now_ns + f->opts.timeout_ns;
	r->chain = *at;
	*at = r;
	mr_netep_hold(mr_pkt(m)->netep);
	request_park(f, r, m);
	if (!mr_timer_armed(&f->timer))
		mr_timer_arm(&s->wheel, &f->timer, r->deadline_ns, forward_timer);
	mr_count(s, MR_CNT_FORWARD_REQUESTS);
	mr_ep_event(&f->ep, MR_EV_IN);
}

bool
mr_forward_offer(struct mr_forwarder *f, struct rte_mbuf *m, uint32_t note)
{
	const struct mr_forward_ops *fw = f->tp->ops->forward;
	struct mr_stack *s = f->ep.stack;
	struct request *r;

	if (!fw->wants(m))
		return false;
	r = request_of(f, m);
	if (r && (r->pkts.n >= fw->hold || !mr_stack_rx_room(s))) {
		mr_drop(s, m, MR_DROP_FORWARD_PENDING);
	} else if (r) {
		request_park(f, r, m);
	} else if ((r = TAILQ_FIRST(&f->unused)) && mr_stack_rx_room(s)) {
		request_begin(f, r, m, note);
	} else {
		mr_drop(s, m, MR_DROP_FORWARD_FULL);
	}
	return true;
}

static bool
default_handler(struct mr_transproto *tp, struct rte_mbuf *m, void *arg)
{
	(void)tp;
	return mr_forward_offer(arg, m, 0);
}

/* ---- the application ----------------------------------------------------------------------------------------- */

static void
request_show(struct mr_forwarder *f, const struct request *r, struct mr_forward_req *out)
{
	const struct mr_pkt *p = mr_pkt(r->pkts.head);
	uint16_t nic = p->netep->nic->id;

	*out = (struct mr_forward_req){
		.forwarder = f,
		.local = {.addr = p->netep->addr, .port = rte_be_to_cpu_16(p->dport_be), .nic = nic},
		.remote = {.addr = p->src, .port = rte_be_to_cpu_16(p->sport_be), .nic = nic},
		.id = (uint64_t)r->serial << 32 | (uint64_t)(r - f->requests),
	};
}

static struct request *
request_shown(const struct mr_forward_req *req)
{
	struct mr_forwarder *f = req->forwarder;
	uint32_t i = (uint32_t)req->id, serial = (uint32_t)(req->id >> 32);

	return i < f->opts.max_requests && serial && f->requests[i].serial == serial ? &f->requests[i] : NULL;
}

static void
forward_tell(struct mr_ep *ep, uint32_t events, void *arg)
{
	struct mr_stack *s = ep->stack;
	struct mr_forwarder *f = arg;

	(void)events;
	/* The application may end any request, and the forwarder: then nobody is being told any more. */
	while (s->telling == ep && f->untold) {
		struct mr_forward_req req;

		request_show(f, f->untold, &req);
		f->untold = TAILQ_NEXT(f->untold, link);
		f->opts.fn(&req, f->opts.arg);
	}
}

int
mr_forwarder_accept(const struct mr_forward_req *req, struct mr_ep **out)
{
	struct mr_forwarder *f = req->forwarder;
	struct request *r = request_shown(req);
	uint32_t held = r ? r->held : 0;
	struct request **at;
	struct mr_netep *local;
	int rc;

	MR_OWN_CORE(req->forwarder->ep.stack);
	if (!r)
		return -ENOENT;
	at = bucket(f, r->pkts.head);
	local = mr_pkt(r->pkts.head)->netep;
	request_unhold(f, r);
	rc = f->tp->ops->forward->accept(f->tp, &r->pkts, f->opts.rcvbuf, r->note, out);
	if (rc < 0) {
		r->held = held;
		f->ep.stack->rx_held += held;
		return rc;
	}
	request_end(f, r, at);
	mr_netep_release(local);
	return 0;
}

int
mr_forwarder_reject(const struct mr_forward_req *req, bool tell)
{
	struct request *r = request_shown(req);

	MR_OWN_CORE(req->forwarder->ep.stack);
	if (!r)
		return -ENOENT;
	request_refuse(req->forwarder, r, tell);
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

static int
opts_fill(struct mr_forwarder_opts *o, const struct mr_forwarder_opts *from, const struct mr_transproto *tp)
{
	*o = *from;
	if (!o->max_requests)
		o->max_requests = DEFAULT_REQUESTS;
	if (!o->timeout_ns)
		o->timeout_ns = DEFAULT_TIMEOUT_NS;
	if (!o->fn || o->max_requests > MAX_REQUESTS || o->timeout_ns > INT64_MAX ||
	    (o->rcvbuf && !tp->ops->forward->rcvbuf_ok(tp, o->rcvbuf)))
		return -EINVAL;
	return 0;
}

static struct mr_forwarder *
forwarder_alloc(struct mr_transproto *tp, const struct mr_forwarder_opts *o)
{
	struct mr_forwarder *f = calloc(1, sizeof(*f) + o->max_requests * sizeof(f->requests[0]));
	uint32_t n_buckets = rte_align32pow2(o->max_requests);

	if (!f)
		return NULL;
	f->buckets = calloc(n_buckets, sizeof(f->buckets[0]));
	if (!f->buckets) {
		free(f);
		return NULL;
	}
	f->mask = n_buckets - 1;
	f->tp = tp;
	f->opts = *o;
	TAILQ_INIT(&f->waiting);
	TAILQ_INIT(&f->unused);
	for (uint32_t i = 0; i < o->max_requests; i++)
		TAILQ_INSERT_TAIL(&f->unused, &f->requests[i], link);
	return f;
}

int
mr_forwarder_create(struct mr_stack *s, uint8_t trans, const struct mr_forwarder_opts *opts, struct mr_forwarder **out)
{
	struct mr_transproto *tp = mr_stack_transproto(s, trans);
	struct mr_forwarder_opts o;
	struct mr_forwarder *f;
	int rc;

	MR_OWN_CORE(s);
	if (!tp || !tp->ops->forward)
		return -EPROTONOSUPPORT;
	if (tp->default_handler)
		return -EBUSY;
	rc = opts_fill(&o, opts, tp);
	if (rc < 0)
		return rc;
	f = forwarder_alloc(tp, &o);
	if (!f)
		return -ENOMEM;
	mr_ep_init(&f->ep, s, trans, &no_ops);
	f->waiter = (struct mr_waiter){.mask = MR_EV_IN, .fn = forward_tell, .arg = f};
	mr_ep_wait(&f->ep, &f->waiter);
	tp->default_handler = default_handler;
	tp->default_arg = f;
	tp->forwarder = f;
	*out = f;
	return 0;
}

void
mr_forwarder_destroy(struct mr_forwarder *f)
{
	struct request *r;

	MR_OWN_CORE(f->ep.stack);
	while ((r = TAILQ_FIRST(&f->waiting)))
		request_refuse(f, r, false);
	mr_timer_cancel(&f->ep.stack->wheel, &f->timer);
	mr_ep_fini(&f->ep);
	f->tp->default_handler = NULL;
	f->tp->default_arg = NULL;
	f->tp->forwarder = NULL;
	free(f->buckets);
	free(f);
}
