/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes until a flight whose end was lost is complete at the other side (RFC 8985 7), in virtual time: of ten
 * segments the last 1, 2, 3, 9 or all, on paths of 100 us to 150 ms; with SACK and without, and with the probe lost too.
 *
 * The probe goes out two round trips (500 us at least) after the last ACK, or after the flight if there is none; later by the
 * peer's delayed ACK if a single segment is missing (7.2). Half a round trip later it has arrived. What else is missing its
 * SACK tells, and PRR sends that again in rounds of 1, 2, 4 ... segments (RFC 9937): log2 of what was lost. No retransmission
 * timeout, which would be ten and more round trips on most paths.
 *
 * Without SACK there is no probe (RFC 8985 3). Then, and when the probe is lost, the timer has to do it once, and slow start
 * the rest; its first segment may be answered by a delayed ACK.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdio.h>

#include <rte_common.h>

#include "proto/tcp/tcp.h"

#define SEGS 10
#define PORT 7000
#define MIN_RTO_NS (200 * RIG_MS)
#define DELACK_NS (40 * RIG_MS)

static struct rig_duo duo;
static struct mr_ep *listener, *ep[2];
static struct mr_impair_cfg line[2];
static uint32_t first_seq, mss;
static unsigned copies[SEGS];               /* transmissions of each segment; */
static unsigned lose_from, lose_last;       /* lost is the first of these and all behind it, of the last so many */
static uint64_t sent_ns, again_ns, got;     /* the flight; the first that is sent again */

static bool
loses(struct rig_duo *d, unsigned i, const struct rig_frame *f, void *arg)
{
	unsigned n;

	(void)arg;
	if (i != 0 || f->kind != RIG_TCP || f->payload_len == 0 || mss == 0)
		return false;
	n = (f->seq - first_seq) / mss;
	if (n >= SEGS)
		return false;
	if (copies[n] > 0 && again_ns == 0)
		again_ns = d->now;
	return copies[n]++ < (n == SEGS - 1 ? lose_last : 1) && n >= lose_from;
}

static void
begin(uint64_t rtt_ns, bool sack, bool timestamps)
{
	struct rig_duo_opts o = {.impair = {&line[0], &line[1]}, .neigh = true};
	struct mr_sockaddr sa = {.port = PORT, .addr = rig_addr("0.0.0.0")};
	struct mr_tcp_info in;

	for (unsigned i = 0; i < 2; i++)
		line[i] = (struct mr_impair_cfg){.delay_ns = rtt_ns / 2, .rate_bps = 10000000000};
	rig_duo_init(&duo, &o);
	duo.loses = loses;
	ck_assert_int_eq(mr_ep_create(duo.end[1].stack, MR_TRANS_TCP, MR_NET_IPV4, &listener), 0);
	ck_assert_int_eq(mr_ep_bind(listener, &sa), 0);
	ck_assert_int_eq(mr_ep_listen(listener, 1), 0);
	ck_assert_int_eq(mr_ep_create(duo.end[0].stack, MR_TRANS_TCP, MR_NET_IPV4, &ep[0]), 0);
	ck_assert_int_eq(mr_ep_setopt(ep[0], MR_OPT_TCP_SACK, sack), 0);
	ck_assert_int_eq(mr_ep_setopt(ep[0], MR_OPT_TCP_TIMESTAMPS, timestamps), 0);
	sa.addr = duo.end[1].addr4;
	ck_assert_int_eq(mr_ep_connect(ep[0], &sa), -EINPROGRESS);
	rig_duo_run(&duo, 2 * rtt_ns, NULL, NULL);
	ck_assert_int_eq(mr_ep_accept(listener, &ep[1]), 0);
	ck_assert_int_eq(mr_tcp_info(ep[0], &in), 0);
	ck_assert(in.sack == sack && in.timestamps == timestamps);
	/* A round trip was measured, and its variation is small. */
	ck_assert_uint_ge(in.srtt_ns, rtt_ns);
	first_seq = tcp_conn(ep[0])->snd_nxt;
	mss = in.snd_mss;
}

static bool
complete(struct rig_duo *d, void *arg)
{
	uint8_t buf[4096];
	ssize_t k;

	(void)d;
	(void)arg;
	while ((k = mr_ep_recv(ep[1], buf, sizeof(buf), NULL)) > 0)
		got += (uint64_t)k;
	return got == SEGS * mss;
}

/* The flight goes out at once; @return how long after that all of it has arrived */
static uint64_t
flight(unsigned lost, unsigned copies_of_last)
{
	lose_from = SEGS - lost;
	lose_last = copies_of_last;
	sent_ns = duo.now;
	ck_assert_int_eq(rig_ep_send(ep[0], 0, SEGS * mss), (ssize_t)(SEGS * mss));
	ck_assert(rig_duo_run(&duo, 60 * RIG_S, complete, NULL));
	return duo.now - sent_ns;
}

static void
end(void)
{
	mr_ep_abort(ep[0]);
	mr_ep_abort(ep[1]);
	mr_ep_close(listener);
	rig_duo_fini(&duo);
}

static uint64_t
counter(enum mr_counter c)
{
	return mr_stack_counter(duo.end[0].stack, c);
}

static void
show(const char *what, uint64_t rtt_ns, unsigned lost, uint64_t took_ns)
{
	printf("%-16s round trip %7.2f ms, last %2u of %u lost: again after %5.2f round trips, complete after %6.2f (%.2f ms)\n", what,
	       rtt_ns / 1e6, lost, SEGS, (double)(again_ns - sent_ns) / rtt_ns, (double)took_ns / rtt_ns, took_ns / 1e6);
}

static const uint64_t rtts[] = {100000, RIG_MS, 20 * RIG_MS, 150 * RIG_MS};
static const unsigned losts[] = {1, 2, 3, 9, 10};
#define N_RTTS (sizeof(rtts) / sizeof(rtts[0]))
#define N_LOSTS (sizeof(losts) / sizeof(losts[0]))

static unsigned
log2_up(unsigned n)
{
	unsigned l = 0;

	while (1u << l < n)
		l++;
	return l;
}

/* Serialisation, and ticks of the wheel. */
static uint64_t
slack(uint64_t rtt_ns)
{
	return rtt_ns / 10 + 30000;
}

/* When the probe goes out at the latest: an ACK delayed at the peer moves it, and the smoothed round trip; but the time of the
 * timeout does not pass without (7.2), as it would for a single segment on a long path. */
static uint64_t
probe_bound(uint64_t rtt_ns, unsigned lost)
{
	uint64_t pto_ns = RTE_MAX(2 * rtt_ns, TCP_PTO_MIN_NS), rto_ns = rtt_ns + MIN_RTO_NS;

	if (lost == SEGS)
		return pto_ns;
	if (lost == 1)
		return rtt_ns + RTE_MIN(pto_ns + (1u << TCP_ACK_DELAY_LOG2), rto_ns);
	return rtt_ns + pto_ns + (lost % 2 == 0 ? DELACK_NS + DELACK_NS / 4 : 0);
}

START_TEST(with_sack)
{
	uint64_t rtt_ns = rtts[_i % N_RTTS], took_ns;
	unsigned lost = losts[_i / N_RTTS];

	begin(rtt_ns, true, _i % 2);
	took_ns = flight(lost, 1);
	show("SACK", rtt_ns, lost, took_ns);
	ck_assert_uint_ge(again_ns - sent_ns, 2 * rtt_ns);
	ck_assert_uint_le(again_ns - sent_ns, probe_bound(rtt_ns, lost) + slack(rtt_ns));
	ck_assert_uint_le(took_ns, again_ns - sent_ns + rtt_ns / 2 + log2_up(lost) * rtt_ns + slack(rtt_ns));
	ck_assert_uint_eq(counter(MR_CNT_TCP_RTO), 0);
	ck_assert_uint_eq(counter(MR_CNT_TCP_TAIL_PROBES), 1);
	ck_assert_uint_eq(counter(MR_CNT_TCP_RETRANSMITS), lost);
	end();
}
END_TEST

/* The timer is srtt + max(200 ms, 4 rttvar) from the last ACK; a delayed one raises both. */
START_TEST(without_sack)
{
	uint64_t rtt_ns = rtts[_i % N_RTTS], took_ns, rto_ns = rtt_ns + RTE_MAX(MIN_RTO_NS, 2 * rtt_ns);
	unsigned lost = losts[_i / N_RTTS];

	begin(rtt_ns, false, _i % 2);
	took_ns = flight(lost, 1);
	show("no SACK", rtt_ns, lost, took_ns);
	ck_assert_uint_ge(again_ns - sent_ns, MIN_RTO_NS);
	ck_assert_uint_le(again_ns - sent_ns, rtt_ns + rto_ns + DELACK_NS * 5 / 4 + slack(rtt_ns));
	ck_assert_uint_le(took_ns, again_ns - sent_ns + DELACK_NS + (log2_up(lost) + 1) * rtt_ns + slack(rtt_ns));
	ck_assert_uint_eq(counter(MR_CNT_TCP_RTO), 1);
	ck_assert_uint_eq(counter(MR_CNT_TCP_TAIL_PROBES), 0);
	end();
}
END_TEST

/* RK-13: then the timer, once, from the probe on. */
START_TEST(probe_lost)
{
	uint64_t rtt_ns = rtts[_i % N_RTTS], rto_ns = rtt_ns + RTE_MAX(MIN_RTO_NS, 2 * rtt_ns), took_ns;
	unsigned lost = losts[_i / N_RTTS];

	begin(rtt_ns, true, _i % 2);
	took_ns = flight(lost, 2);
	show("probe lost", rtt_ns, lost, took_ns);
	ck_assert_uint_le(took_ns, probe_bound(rtt_ns, lost) + rto_ns + DELACK_NS * 5 / 4 +
	                           (log2_up(lost) + 1) * rtt_ns + slack(rtt_ns));
	ck_assert_uint_eq(counter(MR_CNT_TCP_TAIL_PROBES), 1);
	ck_assert_uint_eq(counter(MR_CNT_TCP_RTO), 1);
	end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_tail");
	TCase *tc = rig_case(s, "tail", NULL, NULL);

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, with_sack, 0, N_RTTS * N_LOSTS);
	tcase_add_loop_test(tc, without_sack, 0, N_RTTS * N_LOSTS);
	tcase_add_loop_test(tc, probe_lost, 0, N_RTTS * N_LOSTS);
	return s;
}

RIG_MAIN(suite)
