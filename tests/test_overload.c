/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overload: small pools, sixteen bulk senders over a line that loses and reorders, receive windows that together are many
 * times the pool. Stacks have died of this for good: out-of-order data pins every receive mbuf, the segment that would
 * fill the hole finds none, and with it ARP and ping are gone.
 *
 * Here nothing may get stuck: every byte arrives, and all the while both ends answer ARP and ping. A probe of each kind
 * goes to each end ten times a second, past the bad line; from one answer to the next no second may pass.
 */
#include "rig/fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_mempool.h>

#include "stack/stack.h"

#define FLOWS 16
#define PROBE_NS (RIG_S / 10)
#define PATIENCE_NS RIG_S

enum kind { PING, ARP, N_KINDS };

struct watch {
	struct rig_duo *d;
	struct rig as[2];        /* addresses for frames to end i */
	uint64_t last_ns[2][N_KINDS];
	uint64_t sent[2][N_KINDS], answered[2][N_KINDS];
	uint64_t worst_ns;
	uint32_t most_held[2];
	uint32_t least_free[2];  /* receive mbufs */
};

static void
watch_init(struct watch *w, struct rig_duo *d)
{
	memset(w, 0, sizeof(*w));
	w->d = d;
	for (unsigned i = 0; i < 2; i++) {
		struct rig *as = &w->as[i];

		as->addr4 = d->end[i].addr4;
		as->peer4 = d->end[!i].addr4;
		memcpy(as->mac, d->end[i].link->lladdr.b, 6);
		memcpy(as->peer_mac, d->end[!i].link->lladdr.b, 6);
		w->last_ns[i][PING] = w->last_ns[i][ARP] = d->now;
		w->least_free[i] = UINT32_MAX;
	}
}

static void
check_patience(struct watch *w, unsigned i, enum kind k)
{
	uint64_t gap = w->d->now - w->last_ns[i][k];

	if (gap > w->worst_ns)
		w->worst_ns = gap;
	ck_assert_msg(gap <= PATIENCE_NS, "stack %c has not answered %s for %.3f s", 'a' + i, k == PING ? "a ping" : "ARP",
	              gap / 1e9);
}

static void
probe(struct mr_stack *s, void *arg)
{
	struct watch *w = arg;
	struct rig_buf b;

	(void)s;
	for (unsigned i = 0; i < 2; i++) {
		rig_build_icmp(&w->as[i], &b, &(struct rig_icmp){.echo = true, .id = 77, .len = 32});
		w->sent[i][PING] += rig_duo_inject(w->d, i, &b);
		rig_build_arp(&w->as[i], &b, &(struct rig_arp){.op = 1});
		w->sent[i][ARP] += rig_duo_inject(w->d, i, &b);
		check_patience(w, i, PING);
		check_patience(w, i, ARP);
	}
}

static void
on_frame(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg)
{
	struct watch *w = arg;
	enum kind k;

	if (f->kind == RIG_ICMP && f->type == 0 && f->id == 77)
		k = PING;
	else if (f->kind == RIG_ARP && f->arp_op == 2)
		k = ARP;
	else
		return;
	w->answered[i][k]++;
	w->last_ns[i][k] = d->now;
}

static void
beside(struct rig_duo *d, void *arg)
{
	struct watch *w = arg;

	for (unsigned i = 0; i < 2; i++) {
		const struct mr_stack *s = d->end[i].stack;
		uint32_t free = rte_mempool_avail_count(s->rx_pool);

		ck_assert_uint_le(s->rx_held, s->rx_held_max);
		ck_assert_uint_le(s->tx_held, s->tx_held_max);
		w->most_held[i] = RTE_MAX(w->most_held[i], s->rx_held);
		w->least_free[i] = RTE_MIN(w->least_free[i], free);
	}
}

static const struct overload {
	const char *what;
	uint64_t bytes[2];
	uint32_t mbufs, loss_ppm;
	uint64_t stall_ns;
	bool v6;
	bool must_press; /* the receive budget must have been used up: otherwise this tests nothing */
} overloads[] = {
	{"one way", {1 << 20, 0}, 2048, 20000},
	{"both ways", {1 << 19, 1 << 19}, 2048, 20000},
	{"both ways, IPv6, much loss", {1 << 17, 1 << 17}, 2048, 100000, .v6 = true},
	{"readers that sleep", {1 << 20, 0}, 2048, 20000, .stall_ns = 30 * RIG_S, .must_press = true},
	{"readers that sleep, tiny pools", {1 << 18, 1 << 18}, 512, 20000, .stall_ns = 30 * RIG_S, .must_press = true},
	{"no loss, readers that sleep", {1 << 20, 1 << 18}, 1024, 0, .stall_ns = 10 * RIG_S, .must_press = true},
};

START_TEST(never_stuck)
{
	const struct overload *v = &overloads[_i];
	struct mr_impair_cfg line[2];
	struct mr_stack_opts so = {.rx_mbufs = v->mbufs, .tx_mbufs = v->mbufs};
	struct rig_bulk_opts o = {.flows = FLOWS, .bytes = {v->bytes[0], v->bytes[1]}, .v6 = v->v6, .rcvbuf = 4 << 20,
	                          .sndbuf = 1 << 20, .deadline_ns = 3600 * RIG_S, .stall_ns = v->stall_ns, .beside = beside};
	struct rig_bulk_result r;
	struct mr_alarm *alarm;
	struct rig_duo d;
	struct watch w;

	for (unsigned i = 0; i < 2; i++)
		line[i] = (struct mr_impair_cfg){.seed = i + 1, .loss_ppm = v->loss_ppm, .reorder_ppm = 10000, .delay_ns = RIG_MS,
		                                 .rate_bps = 1000000000, .reorder_ns = 5 * RIG_MS};
	rig_duo_init(&d, &(struct rig_duo_opts){.impair = {&line[0], &line[1]}, .stack = {so, so}, .depth = 128, .neigh = true});
	watch_init(&w, &d);
	d.on_frame = on_frame;
	d.arg = &w;
	o.arg = &w;
	ck_assert_int_eq(mr_alarm_start(d.end[0].stack, PROBE_NS, probe, &w, &alarm), 0);
	r = rig_duo_bulk(&d, &o);
	mr_alarm_stop(alarm);
	printf("%-32s %8.3f s, receive budget used to %u and %u of %u, receive mbufs free: %u and %u, silent for %.3f s\n",
	       v->what, r.duration_ns / 1e9, w.most_held[0], w.most_held[1], d.end[0].stack->rx_held_max, w.least_free[0],
	       w.least_free[1], w.worst_ns / 1e9);
	fflush(stdout);
	ck_assert_msg(r.done && r.err == 0, "%llu bytes after %.0f s, error %d", (unsigned long long)r.bytes,
	              (d.now - RIG_START_NS) / 1e9, r.err);
	ck_assert_uint_eq(r.bytes, FLOWS * (v->bytes[0] + v->bytes[1]));
	for (unsigned i = 0; i < 2; i++)
		for (enum kind k = 0; k < N_KINDS; k++)
			ck_assert_uint_ge(w.answered[i][k] * 10, w.sent[i][k] * 9);
	if (v->must_press)
		ck_assert_uint_ge(w.most_held[1], d.end[1].stack->rx_held_max / 2);
	d.on_frame = NULL;
	rig_duo_fini(&d);
}
END_TEST

/* ---- one stack against sixteen scripted peers */

#define SEG 1448u
#define SEGS 45u /* fit in the window of a fresh connection */

static struct rig_tcp peers[FLOWS];
static uint32_t acked[FLOWS]; /* offsets that the stack has acknowledged */

static void
peers_up(uint32_t mbufs)
{
	rig_init(&rig, &(struct rig_opts){.stack = {.rx_mbufs = mbufs, .tx_mbufs = mbufs}});
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_RCVBUF, 4 << 20), 0);
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_SNDBUF, 4 << 20), 0);
	for (unsigned i = 0; i < FLOWS; i++) {
		rig_tcp_init(&peers[i], &rig, i & 1);
		peers[i].peer_port = (uint16_t)(5000 + i);
		peers[i].port = (uint16_t)(80 + i);
		rig_tcp_establish_passive(&peers[i]);
		acked[i] = 1;
	}
}

static void
answers_everyone(void)
{
	rig_discard(&rig);
	rig_push_icmp(&rig, .echo = true);
	rig_expect_icmp(&rig, false, 0, 0);
	rig_push_arp(&rig, .op = 1);
	rig_expect_arp(&rig, 2);
	rig_push_ndp(&rig, .type = 135);
	rig_expect_ndp(&rig, 136);
}

static void
note_acks(void)
{
	const struct rig_frame *f;

	while ((f = rig_next(&rig)) != NULL)
		if (f->kind == RIG_TCP)
			acked[f->dport - 5000] = f->ack - peers[f->dport - 5000].iss;
}

/* Read what is there of stream i, from offset *got on. */
static void
read_some(unsigned i, uint32_t *got)
{
	uint8_t buf[8192];
	ssize_t k;

	while ((k = mr_ep_recv(peers[i].ep, buf, sizeof(buf), NULL)) > 0) {
		ck_assert_uint_eq(rig_pattern_check(buf, *got, (size_t)k), (size_t)k);
		*got += (uint32_t)k;
	}
	ck_assert_int_eq(k, -EAGAIN);
}

/* Every stream lacks its first segment and has sent the rest. */
START_TEST(holes_do_not_pin_the_pool)
{
	uint32_t got[FLOWS] = {0};

	peers_up(1024);
	for (unsigned i = 0; i < FLOWS; i++) {
		for (unsigned k = 1; k < SEGS; k++)
			rig_tcp_push(&peers[i], RIG_ACK, 1 + k * SEG, 1, SEG);
		rig_poll(&rig);
	}
	ck_assert_uint_gt(mr_stack_counter(rig.stack, MR_DROP_TCP_OOO_FULL), 0);
	ck_assert_uint_eq(rig.stats.rx_missed, 0);
	answers_everyone();
	/* The peers send again from where they were told, and all of it arrives. */
	for (unsigned turn = 0; turn < SEGS; turn++) {
		for (unsigned i = 0; i < FLOWS; i++)
			if (acked[i] < 1 + SEGS * SEG)
				rig_tcp_push(&peers[i], RIG_ACK, acked[i], 1, SEG);
		note_acks();
		rig_advance(&rig, RIG_S);
		note_acks();
		for (unsigned i = 0; i < FLOWS; i++)
			read_some(i, &got[i]);
	}
	for (unsigned i = 0; i < FLOWS; i++)
		ck_assert_uint_eq(got[i], SEGS * SEG);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	ck_assert_uint_eq(mr_stash_avail(&rig.stack->rx_stash), 1024);
	rig_fini(&rig);
}
END_TEST

/* The same, given up: everything is returned at once. */
START_TEST(aborted_holes_are_returned)
{
	peers_up(1024);
	for (unsigned i = 0; i < FLOWS; i++) {
		for (unsigned k = 1; k < SEGS; k++)
			rig_tcp_push(&peers[i], RIG_ACK, 1 + k * SEG, 1, SEG);
		rig_poll(&rig);
	}
	ck_assert_uint_gt(rig.stack->rx_held, 300);
	for (unsigned i = 0; i < FLOWS; i++)
		mr_ep_abort(peers[i].ep);
	rig_discard(&rig);
	ck_assert_uint_eq(rig.stack->rx_held, 0);
	ck_assert_uint_eq(mr_stash_avail(&rig.stack->rx_stash), 1024);
	rig_fini(&rig);
}
END_TEST

/* Sixteen peers acknowledge nothing while the application sends all it may. */
START_TEST(unacknowledged_data_leaves_room_to_answer)
{
	peers_up(1024);
	for (unsigned i = 0; i < FLOWS; i++)
		while (rig_ep_send(peers[i].ep, 0, 65536) == 65536)
			rig_poll(&rig);
	ck_assert_uint_gt(rig.stack->tx_held, rig.stack->tx_held_max / 2);
	ck_assert_uint_le(rig.stack->tx_held, rig.stack->tx_held_max);
	answers_everyone();
	rig_advance(&rig, 10 * RIG_S);
	answers_everyone();
	for (unsigned i = 0; i < FLOWS; i++)
		mr_ep_abort(peers[i].ep);
	rig_discard(&rig);
	ck_assert_uint_eq(rig.stack->tx_held, 0);
	ck_assert_uint_eq(mr_stash_avail(&rig.stack->tx_stash), 1024);
	rig_fini(&rig);
}
END_TEST

/* What peers have got of streams in order, as offsets, and that they acknowledge it. */
static void
take_and_ack(uint32_t *got, unsigned n)
{
	const struct rig_frame *f;

	while ((f = rig_next(&rig)) != NULL) {
		unsigned i = f->dport - 5000;

		if (f->kind == RIG_TCP && i < n && f->seq - peers[i].irs == got[i])
			got[i] += f->payload_len;
	}
	for (unsigned i = 0; i < n; i++)
		rig_tcp_push(&peers[i], RIG_ACK, 1, got[i], 0);
	rig_poll(&rig);
}

static void
send_all_there_is_room_for(struct mr_ep *ep, uint32_t events, void *arg)
{
	uint64_t *at = arg;
	ssize_t k;

	(void)events;
	while ((k = rig_ep_send(ep, *at, 4096)) > 0)
		*at += (uint64_t)k;
}

/* Applications that each want more than the pool: what comes free goes round, also where one was there first. */
START_TEST(memory_goes_round)
{
	struct mr_waiter waiters[4];
	uint32_t got[4] = {1, 1, 1, 1};
	uint64_t sent[4] = {0}, all = 0;

	peers_up(1024);
	for (unsigned i = 0; i < RTE_DIM(waiters); i++) {
		waiters[i] = (struct mr_waiter){.mask = MR_EV_OUT, .fn = send_all_there_is_room_for, .arg = &sent[i]};
		mr_ep_wait(peers[i].ep, &waiters[i]);
		send_all_there_is_room_for(peers[i].ep, MR_EV_OUT, &sent[i]);
	}
	for (unsigned turn = 0; turn < 2000; turn++) {
		rig_advance(&rig, RIG_MS);
		take_and_ack(got, RTE_DIM(got));
	}
	for (unsigned i = 0; i < RTE_DIM(got); i++)
		all += got[i];
	for (unsigned i = 0; i < RTE_DIM(got); i++)
		ck_assert_msg(got[i] > all / 4 / 2, "%u: %u of %llu bytes", i, got[i], (unsigned long long)all);
	for (unsigned i = 0; i < FLOWS; i++)
		mr_ep_abort(peers[i].ep);
	rig_fini(&rig);
}
END_TEST

/* Too little comes free to wake who waits: it is not for who holds nearly everything, but for who holds nothing. */
START_TEST(a_share_while_others_wait)
{
	uint32_t got[2] = {1, 1};
	uint64_t at = 0;

	peers_up(1024);
	send_all_there_is_room_for(peers[0].ep, MR_EV_OUT, &at);
	ck_assert_int_le(rig_ep_send(peers[1].ep, 0, 4096), 0);
	rig_poll(&rig);
	take_and_ack(got, 1);
	ck_assert_uint_gt(got[0], 1);
	ck_assert(mr_stack_tx_room(rig.stack));
	ck_assert_int_le(rig_ep_send(peers[0].ep, at, 4096), 0);
	ck_assert_int_eq(rig_ep_send(peers[1].ep, 0, 4096), 4096);
	for (unsigned i = 0; i < FLOWS; i++)
		mr_ep_abort(peers[i].ep);
	rig_fini(&rig);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("overload");
	TCase *tc = rig_case(s, "overload", NULL, NULL);

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, never_stuck, 0, (int)RTE_DIM(overloads));
	tcase_add_test(tc, holes_do_not_pin_the_pool);
	tcase_add_test(tc, aborted_holes_are_returned);
	tcase_add_test(tc, unacknowledged_data_leaves_room_to_answer);
	tcase_add_test(tc, memory_goes_round);
	tcase_add_test(tc, a_share_while_others_wait);
	return s;
}

RIG_MAIN(suite)
