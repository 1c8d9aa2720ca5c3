/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of the atomic accesses is what keeps cores apart: a stream that joins announces itself (attached) before it
 * looks at the phase, who claims looks at attached after the phase was taken back, both in the one order of all cores.
 */
#include "app/millrace/iperf3_test.h"

#include <string.h>

#include <rte_byteorder.h>

#define SEC_NS UINT64_C(1000000000)
#define USEC_NS UINT64_C(1000)

static void
phase_set(struct iperf3_test *t, enum iperf3_phase phase)
{
	atomic_store_explicit(&t->phase, phase, memory_order_seq_cst);
}

/* ---- control */

bool
iperf3_test_claim(struct iperf3_test *t)
{
	uint32_t idle = IPERF3_IDLE;

	if (!atomic_compare_exchange_strong(&t->phase, &idle, IPERF3_SETUP))
		return false;
	if (atomic_load(&t->attached) == 0)
		return true;
	phase_set(t, IPERF3_IDLE);
	return false;
}

void
iperf3_test_offer(struct iperf3_test *t, const char *cookie, const struct iperf3_params *p, const struct mr_addr *peer)
{
	memcpy(t->cookie, cookie, sizeof(t->cookie));
	t->params = *p;
	t->peer = *peer;
	atomic_store(&t->joined, 0);
	atomic_store(&t->receivers, 0);
	memset(t->streams, 0, sizeof(t->streams));
	phase_set(t, IPERF3_JOIN);
}

bool
iperf3_test_complete(const struct iperf3_test *t)
{
	return atomic_load(&t->joined) >= iperf3_params_streams(&t->params);
}

void
iperf3_test_run(struct iperf3_test *t, uint64_t now_ns)
{
	t->start_ns = now_ns;
	atomic_store(&t->progress_ns, now_ns);
	phase_set(t, IPERF3_RUN);
}

void
iperf3_test_stop(struct iperf3_test *t, uint64_t now_ns)
{
	t->end_ns = now_ns;
	phase_set(t, IPERF3_STOP);
}

bool
iperf3_test_left(const struct iperf3_test *t)
{
	return atomic_load(&t->attached) == 0;
}

void
iperf3_test_release(struct iperf3_test *t)
{
	phase_set(t, IPERF3_IDLE);
}

/* When what counts began. */
static uint64_t
counted_from(const struct iperf3_test *t)
{
	return t->start_ns + t->params.omit_s * SEC_NS;
}

/* Once the time that does not count is over: begin anew. */
static void
stream_omit(const struct iperf3_test *t, struct iperf3_stream *s, uint64_t now_ns)
{
	if (s->omitted || t->params.omit_s == 0 || now_ns < counted_from(t))
		return;
	s->omitted = true;
	s->omitted_packets = s->packets;
	s->omitted_errors = s->errors;
	s->omitted_retransmits = s->retransmits;
	s->max_cwnd = 0;
	s->bytes = 0;
	s->jitter_s = 0;
}

static struct iperf3_stream_result
stream_result(const struct iperf3_test *t, const struct iperf3_stream *s)
{
	uint64_t from_ns = counted_from(t);

	return (struct iperf3_stream_result){
		.sender = s->role != IPERF3_RECEIVER,
		.bytes = s->bytes,
		.jitter_s = s->jitter_s,
		.packets = s->packets,
		.errors = s->errors,
		.omitted_packets = s->omitted_packets,
		.omitted_errors = s->omitted_errors,
		.retransmits = s->tcp ? (int64_t)s->retransmits - s->omitted_retransmits : -1,
		.max_cwnd = s->max_cwnd,
		.srtt_ns = s->srtt_ns,
		.seconds = t->end_ns > from_ns ? (t->end_ns - from_ns) * 1e-9 : 0,
	};
}

unsigned
iperf3_test_results(struct iperf3_test *t, struct iperf3_stream_result out[IPERF3_STREAMS_MAX])
{
	unsigned joined = iperf3_params_streams(&t->params), n = 0;

	/* Clients make the streams that they send on first, and number them all 1, 3, 4, 5 ... */
	for (unsigned sender = 0; sender <= 1; sender++) {
		for (unsigned i = 0; i < joined; i++) {
			if ((t->streams[i].role != IPERF3_RECEIVER) != sender)
				continue;
			stream_omit(t, &t->streams[i], t->end_ns);
			out[n] = stream_result(t, &t->streams[i]);
			out[n].id = n ? n + 2 : 1;
			n++;
		}
	}
	return n;
}

/* ---- streams: coming and going */

static struct iperf3_stream *
join(struct iperf3_test *t, bool udp, const char *cookie, const struct mr_addr *from)
{
	uint32_t i;

	atomic_fetch_add(&t->attached, 1);
	if (atomic_load(&t->phase) != IPERF3_JOIN || t->params.udp != udp)
		goto refused;
	if (cookie ? memcmp(t->cookie, cookie, sizeof(t->cookie)) != 0 : !mr_addr_equal(&t->peer, from))
		goto refused;
	i = atomic_load(&t->joined);
	do {
		if (i >= iperf3_params_streams(&t->params))
			goto refused;
	} while (!atomic_compare_exchange_weak(&t->joined, &i, i + 1));
	t->streams[i].role = t->params.bidir ? IPERF3_UNKNOWN : t->params.reverse ? IPERF3_SENDER : IPERF3_RECEIVER;
	return &t->streams[i];
refused:
	atomic_fetch_sub(&t->attached, 1);
	return NULL;
}

struct iperf3_stream *
iperf3_test_join(struct iperf3_test *t, const char *cookie)
{
	return join(t, false, cookie, NULL);
}

struct iperf3_stream *
iperf3_test_join_udp(struct iperf3_test *t, const struct mr_addr *from)
{
	return join(t, true, NULL, from);
}

void
iperf3_test_leave(struct iperf3_test *t)
{
	atomic_fetch_sub_explicit(&t->attached, 1, memory_order_release);
}

/* ---- streams: counting */

static void
stream_count(struct iperf3_test *t, struct iperf3_stream *s, size_t len, uint64_t now_ns)
{
	s->bytes += len;
	if (atomic_load_explicit(&t->progress_ns, memory_order_relaxed) < now_ns)
		atomic_store_explicit(&t->progress_ns, now_ns, memory_order_relaxed);
}

void
iperf3_stream_received(struct iperf3_test *t, struct iperf3_stream *s, size_t len, uint64_t now_ns)
{
	if (iperf3_test_phase(t) != IPERF3_RUN)
		return;
	if (s->role == IPERF3_UNKNOWN) {
		s->role = IPERF3_RECEIVER;
		atomic_fetch_add(&t->receivers, 1);
	}
	if (s->role != IPERF3_RECEIVER)
		return;
	stream_omit(t, s, now_ns);
	stream_count(t, s, len, now_ns);
}

/* RFC 3550 6.4.1; the two clocks need not agree. */
static void
jitter_update(struct iperf3_stream *s, double transit_s)
{
	double d = s->any ? transit_s - s->transit_s : 0;

	s->transit_s = transit_s;
	s->jitter_s += ((d < 0 ? -d : d) - s->jitter_s) / 16;
	s->any = true;
}

static uint32_t
be32_get(const uint8_t *p)
{
	rte_be32_t v;

	memcpy(&v, p, sizeof(v));
	return rte_be_to_cpu_32(v);
}

static uint64_t
number_get(const uint8_t *p, bool wide)
{
	return wide ? (uint64_t)be32_get(p) << 32 | be32_get(p + 4) : be32_get(p);
}

void
iperf3_stream_datagram(struct iperf3_test *t, struct iperf3_stream *s, const uint8_t *data, size_t len, uint64_t now_ns)
{
	bool wide = t->params.wide;
	uint64_t number;

	if (iperf3_test_phase(t) != IPERF3_RUN || len < (wide ? 16 : 12))
		return;
	iperf3_stream_received(t, s, len, now_ns);
	if (s->role != IPERF3_RECEIVER)
		return;
	number = number_get(data + 8, wide);
	if (number > s->packets) {
		s->errors += number - s->packets - 1;
		s->packets = number;
	} else if (s->errors > 0) {
		/* It was taken for lost. */
		s->errors--;
	}
	jitter_update(s, now_ns * 1e-9 - (be32_get(data) + be32_get(data + 4) * 1e-6));
}

bool
iperf3_stream_may_send(struct iperf3_test *t, struct iperf3_stream *s, uint64_t now_ns)
{
	uint64_t rate = t->params.rate, elapsed_ns;

	if (iperf3_test_phase(t) != IPERF3_RUN)
		return false;
	elapsed_ns = now_ns > t->start_ns ? now_ns - t->start_ns : 0;
	if (s->role == IPERF3_UNKNOWN && atomic_load(&t->receivers) >= t->params.parallel)
		s->role = IPERF3_SENDER;
	if (s->role != IPERF3_SENDER)
		return false;
	return rate == 0 || (unsigned __int128)s->sent * 8 * SEC_NS <= (unsigned __int128)rate * elapsed_ns;
}

void
iperf3_stream_sent(struct iperf3_test *t, struct iperf3_stream *s, size_t len, uint64_t now_ns)
{
	stream_omit(t, s, now_ns);
	s->sent += len;
	stream_count(t, s, len, now_ns);
}

void
iperf3_stream_connection(struct iperf3_test *t, struct iperf3_stream *s, const struct mr_tcp_info *info, uint64_t now_ns)
{
	if (s->role != IPERF3_SENDER)
		return;
	stream_omit(t, s, now_ns);
	s->tcp = true;
	s->retransmits = info->retransmitted_segs;
	s->max_cwnd = RTE_MAX(s->max_cwnd, info->snd_cwnd);
	if (info->srtt_ns)
		s->srtt_ns = info->srtt_ns;
}

static void
be32_put(uint8_t *p, uint32_t v)
{
	rte_be32_t be = rte_cpu_to_be_32(v);

	memcpy(p, &be, sizeof(be));
}

void
iperf3_stream_header(const struct iperf3_test *t, const struct iperf3_stream *s, uint8_t *out, uint64_t now_ns)
{
	uint64_t number = s->packets + 1;

	be32_put(out, now_ns / SEC_NS);
	be32_put(out + 4, now_ns % SEC_NS / USEC_NS);
	if (t->params.wide) {
		be32_put(out + 8, number >> 32);
		be32_put(out + 12, number);
	} else {
		be32_put(out + 8, number);
	}
}

void
iperf3_stream_sent_datagram(struct iperf3_test *t, struct iperf3_stream *s, size_t len, uint64_t now_ns)
{
	iperf3_stream_sent(t, s, len, now_ns);
	s->packets++;
}
