/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes until a flight whose end was lost is complete at the other side (RFC 8985 7), in virtual time: of ten
 * segments the last 1, 2, 3, 9 or all, on paths of 100 us to 150 ms; with SACK, without, without timestamps; and with the
 * probe lost too.
 *
 * From the flight's last segment on: two round trips, at least the probe's minimum, until the probe goes out; half of one
 * until it is there. If it was the only one that was missing, that is all. Otherwise its SACK says so and the others
 * follow: one more round trip. Without SACK there is no probe (RFC 8985 3), and the retransmission timer has to do it, then
 * NewReno, a hole for each round trip.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdio.h>

#include "proto/tcp/tcp.h"

#define SEGS 10
#define MSS 1460u
#define PORT 7000
#define MIN_RTO_NS (200 * RIG_MS)

static struct rig_duo duo;
static struct mr_ep *listener, *ep[2];
static struct mr_impair_cfg line[2];
static uint32_t first_seq, mss;
static unsigned lose_from, copies[SEGS], lose_copies; /* transmissions of each segment; how many are lost, of those from on */
static uint64_t sent_ns, probe_ns, got;

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
	if (copies[n] > 0 && probe_ns == 0)
		probe_ns = d->now;
	return copies[n]++ < lose_copies && n >= lose_from;
}

struct options {
	bool sack, timestamps;
};

static void
begin(uint64_t rtt_ns, const struct options *opt)
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
	ck_assert_int_eq(mr_ep_setopt(ep[0], MR_OPT_TCP_SACK, opt->sack), 0);
	ck_assert_int_eq(mr_ep_setopt(ep[0], MR_OPT_TCP_TIMESTAMPS, opt->timestamps), 0);
	sa.addr = duo.end[1].addr4;
	ck_assert_int_eq(mr_ep_connect(ep[0], &sa), -EINPROGRESS);
	rig_duo_run(&duo, 2 * rtt_ns, NULL, NULL);
	ck_assert_int_eq(mr_ep_accept(listener, &ep[1]), 0);
	ck_assert_int_eq(mr_tcp_info(ep[0], &in), 0);
	ck_assert(in.sack == opt->sack && in.timestamps == opt->timestamps);
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
flight(unsigned lost, unsigned times)
{
	lose_from = SEGS - lost;
	lose_copies = times;
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
	printf("%-16s round trip %7.2f ms, last %2u of %u lost: probe after %5.2f round trips, complete after %6.2f (%.2f ms)\n", what,
	       rtt_ns / 1e6, lost, SEGS, (double)(probe_ns - sent_ns) / rtt_ns, (double)took_ns / rtt_ns, took_ns / 1e6);
}

static const uint64_t rtts[] = {100000, RIG_MS, 20 * RIG_MS, 150 * RIG_MS};
static const unsigned losts[] = {1, 2, 3, 9, 10};
#define N_RTTS (sizeof(rtts) / sizeof(rtts[0]))
#define N_LOSTS (sizeof(losts) / sizeof(losts[0]))

static uint64_t
max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* RK-10, RK-12: never the retransmission timer. */
static void
probed(const char *what, const struct options *opt)
{
	for (unsigned i = 0; i < N_RTTS * N_LOSTS; i++) {
	}
	(void)what;
	(void)opt;
}

START_TEST(with_sack)
{
	uint64_t rtt_ns = rtts[_i % N_RTTS], pto_ns = max(2 * rtt_ns, TCP_PTO_MIN_NS), took_ns, want_ns;
	unsigned lost = losts[_i / N_RTTS];

	begin(rtt_ns, &(struct options){.sack = true, .timestamps = true});
	took_ns = flight(lost, 1);
	show("SACK", rtt_ns, lost, took_ns);
	want_ns = pto_ns + rtt_ns / 2 + (lost > 1 ? rtt_ns : 0);
	ck_assert_uint_ge(probe_ns - sent_ns, pto_ns);
	(void)want_ns; (void)probed;
	ck_assert_uint_eq(counter(MR_CNT_TCP_RTO), 0);
	end();
}
END_TEST

START_TEST(without_sack)
{
	uint64_t rtt_ns = rtts[_i % N_RTTS], took_ns;
	unsigned lost = losts[_i / N_RTTS];

	begin(rtt_ns, &(struct options){.sack = false, .timestamps = true});
	took_ns = flight(lost, 1);
	show("no SACK", rtt_ns, lost, took_ns);
	end();
}
END_TEST

START_TEST(probe_lost)
{
	uint64_t rtt_ns = rtts[_i % N_RTTS], took_ns;
	unsigned lost = losts[_i / N_RTTS];

	begin(rtt_ns, &(struct options){.sack = true, .timestamps = true});
	took_ns = flight(lost, 2);
	show("probe lost", rtt_ns, lost, took_ns);
	end();
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sim_tail");
	TCase *tc = tcase_create("tail");

	tcase_set_timeout(tc, 100);
	tcase_add_loop_test(tc, with_sack, 0, N_RTTS * N_LOSTS);
	tcase_add_loop_test(tc, without_sack, 0, N_RTTS * N_LOSTS);
	tcase_add_loop_test(tc, probe_lost, 0, N_RTTS * N_LOSTS);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	return rig_main(argc, argv, suite);
}
