/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test is given back before the client is told that its results are complete: whoever is told that a test is over
 * can begin the next one at once, on whichever core.
 *
 * Every state has its deadline, so a client that is there but says nothing does not keep the service from others. What
 * becomes of one that is gone is for its connection to say, which is kept alive (iperf3.c).
 */
#include "app/millrace/iperf3_control.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <rte_byteorder.h>

#define SEC_NS UINT64_C(1000000000)
#define STEP_NS (30 * SEC_NS)   /* for the client to take its next step */
#define BUSY_NS (SEC_NS / 2)    /* for the test before to be over, whose end another core may be about to see */
#define STUCK_NS (120 * SEC_NS) /* a test in which nothing moves for so long is over */
#define GRACE_S 40u             /* for a test of known length to come to its end */

/* ---- sending */

static void
out_add(struct iperf3_control *c, const void *data, size_t len)
{
	char *out = realloc(c->out, c->out_len + len);

	if (!out) {
		/* The client cannot be told anything any more. */
		c->state = IPERF3_CTL_OVER;
		return;
	}
	c->out = out;
	memcpy(out + c->out_len, data, len);
	c->out_len += len;
}

static void
out_message(struct iperf3_control *c, enum iperf3_message m)
{
	int8_t byte = m;

	out_add(c, &byte, 1);
}

void
iperf3_control_sent(struct iperf3_control *c, size_t n)
{
	c->out_len -= n;
	memmove(c->out, c->out + n, c->out_len);
}

/* ---- from state to state */

static void
enter(struct iperf3_control *c, enum iperf3_control_state state, size_t want, uint64_t deadline_ns)
{
	free(c->json);
	c->json = NULL;
	c->state = state;
	c->want = want;
	c->got = 0;
	c->deadline_ns = deadline_ns;
}

static void
give_back(struct iperf3_control *c)
{
	if (c->owner)
		iperf3_test_release(c->test);
	c->owner = false;
}

static void
over(struct iperf3_control *c)
{
	give_back(c);
	enter(c, IPERF3_CTL_OVER, 0, UINT64_MAX);
}

static void
fail(struct iperf3_control *c, enum iperf3_error e)
{
	rte_be32_t code[2] = {rte_cpu_to_be_32(e), 0};

	out_message(c, IPERF3_SERVER_ERROR);
	out_add(c, code, sizeof(code));
	over(c);
}

/* ---- before the test */

/* @return false: the test is somebody else's */
static bool
claim(struct iperf3_control *c, uint64_t now_ns)
{
	c->owner = iperf3_test_claim(c->test);
	if (!c->owner)
		return false;
	out_message(c, IPERF3_PARAM_EXCHANGE);
	enter(c, IPERF3_CTL_PARAMS, sizeof(c->head), now_ns + STEP_NS);
	return true;
}

static void
cookie_come(struct iperf3_control *c, uint64_t now_ns)
{
	c->stream = iperf3_test_join(c->test, c->cookie);
	if (c->stream)
		enter(c, IPERF3_CTL_STREAM, 0, UINT64_MAX);
	else if (!claim(c, now_ns))
		enter(c, IPERF3_CTL_WAIT, 0, now_ns + BUSY_NS);
}

static void
params_come(struct iperf3_control *c, uint64_t now_ns)
{
	struct iperf3_params p;
	enum iperf3_error e = iperf3_params_parse(c->json, c->want, &p);

	if (e != IPERF3_OK) {
		fail(c, e);
		return;
	}
	iperf3_test_offer(c->test, c->cookie, &p, &c->peer);
	out_message(c, IPERF3_CREATE_STREAMS);
	enter(c, IPERF3_CTL_JOIN, 1, now_ns + STEP_NS);
}

static void
cpu_seconds(double out[2])
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	out[0] = u.ru_utime.tv_sec + u.ru_utime.tv_usec * 1e-6;
	out[1] = u.ru_stime.tv_sec + u.ru_stime.tv_usec * 1e-6;
}

static void
begin(struct iperf3_control *c, uint64_t now_ns)
{
	const struct iperf3_params *p = &c->test->params;
	uint64_t length_ns = (p->omit_s + p->duration_s + GRACE_S) * SEC_NS;

	cpu_seconds(c->cpu);
	enter(c, IPERF3_CTL_RUN, 1, p->duration_s ? now_ns + length_ns : UINT64_MAX);
	iperf3_test_run(c->test, now_ns);
	out_message(c, IPERF3_TEST_START);
	out_message(c, IPERF3_TEST_RUNNING);
}

/* ---- after the test */

/* A line of words, for the client that asks for the server's. */
static void
output_format(const struct iperf3_test *t, const struct iperf3_stream_result *s, unsigned n, char *out, size_t size)
{
	uint64_t bytes[2] = {0}, packets = 0, errors = 0, resent = 0, srtt_ns = 0;
	uint32_t cwnd = 0;
	int len;

	for (unsigned i = 0; i < n; i++) {
		bytes[s[i].sender] += s[i].bytes;
		packets += s[i].sender ? 0 : s[i].packets - s[i].omitted_packets;
		errors += s[i].sender ? 0 : s[i].errors - s[i].omitted_errors;
		resent += RTE_MAX(s[i].retransmits, 0);
		cwnd = RTE_MAX(cwnd, s[i].max_cwnd);
		srtt_ns = RTE_MAX(srtt_ns, s[i].srtt_ns);
	}
	len = snprintf(out, size,
	               "Millrace %s: %s, %u stream(s), %.3f s, received %" PRIu64 " bytes, sent %" PRIu64 " bytes",
	               mr_version(), t->params.udp ? "UDP" : "TCP", n, n ? s[0].seconds : 0, bytes[0], bytes[1]);
	if (t->params.udp)
		snprintf(out + len, size - len, ", missed %" PRIu64 " of %" PRIu64 " datagrams", errors, packets);
	else if (cwnd)
		snprintf(out + len, size - len,
		         ", %" PRIu64 " segments again, window up to %" PRIu32 " bytes, round trip %.3f ms", resent, cwnd,
		         srtt_ns * 1e-6);
	strcat(out, "\n");
}

static char *
results_format(struct iperf3_control *c, struct iperf3_client_results *client)
{
	struct iperf3_test *t = c->test;
	struct iperf3_stream_result *streams = calloc(IPERF3_STREAMS_MAX, sizeof(*streams));
	double wall = (t->end_ns - t->start_ns) * 1e-9, cpu[2];
	struct iperf3_results r = {.streams = streams};
	char output[256], *text;

	if (!streams)
		return NULL;
	r.n = iperf3_test_results(t, streams);
	/* Datagrams are answered before the client makes the next stream; cookies of connections may overtake each other on
	 * their way, by queues and cores. */
	if (!t->params.udp)
		iperf3_results_match(streams, r.n, client);
	cpu_seconds(cpu);
	r.cpu_user = wall > 0 ? (cpu[0] - c->cpu[0]) / wall * 100 : 0;
	r.cpu_system = wall > 0 ? (cpu[1] - c->cpu[1]) / wall * 100 : 0;
	r.cpu_total = r.cpu_user + r.cpu_system;
	if (!t->params.udp)
		r.congestion = mr_tcp_cc_find(t->params.congestion) >= 0 ? t->params.congestion : c->congestion;
	if (t->params.server_output) {
		output_format(t, streams, r.n, output, sizeof(output));
		r.output = output;
	}
	text = iperf3_results_format(&r);
	free(streams);
	return text;
}

static void
results_come(struct iperf3_control *c, uint64_t now_ns)
{
	struct iperf3_client_results client;
	rte_be32_t len;
	char *text;

	if (!iperf3_results_parse(c->json, c->want, &client)) {
		fail(c, IPERF3_ERR_RESULTS);
		return;
	}
	text = results_format(c, &client);
	if (!text) {
		fail(c, IPERF3_ERR_MEMORY);
		return;
	}
	give_back(c);
	len = rte_cpu_to_be_32(strlen(text));
	out_add(c, &len, sizeof(len));
	out_add(c, text, strlen(text));
	out_message(c, IPERF3_DISPLAY_RESULTS);
	free(text);
	enter(c, IPERF3_CTL_SHOWN, 1, now_ns + STEP_NS);
}

/* ---- input */

/* The length of a JSON text has come. */
static void
length_come(struct iperf3_control *c)
{
	bool params = c->state == IPERF3_CTL_PARAMS;
	rte_be32_t len;
	uint32_t want;

	memcpy(&len, c->head, sizeof(len));
	want = rte_be_to_cpu_32(len);
	if (want == 0 || want > (params ? IPERF3_PARAMS_BYTES_MAX : IPERF3_RESULTS_BYTES_MAX)) {
		fail(c, params ? IPERF3_ERR_PARAMS : IPERF3_ERR_RESULTS);
		return;
	}
	c->json = malloc(want);
	if (!c->json) {
		fail(c, IPERF3_ERR_MEMORY);
		return;
	}
	c->want = want;
	c->got = 0;
}

static void
message_come(struct iperf3_control *c, int8_t m, uint64_t now_ns)
{
	if (c->state == IPERF3_CTL_SHOWN || m == IPERF3_CLIENT_TERMINATE) {
		over(c);
	} else if (c->state == IPERF3_CTL_RUN && m == IPERF3_TEST_END) {
		iperf3_test_stop(c->test, now_ns);
		enter(c, IPERF3_CTL_STOP, 1, now_ns + STEP_NS);
	} else {
		fail(c, IPERF3_ERR_MESSAGE);
	}
}

/* All of what was wanted has come. */
static void
piece_come(struct iperf3_control *c, uint64_t now_ns)
{
	switch (c->state) {
	case IPERF3_CTL_COOKIE:
		cookie_come(c, now_ns);
		break;
	case IPERF3_CTL_PARAMS:
	case IPERF3_CTL_RESULTS:
		if (!c->json)
			length_come(c);
		else if (c->state == IPERF3_CTL_PARAMS)
			params_come(c, now_ns);
		else
			results_come(c, now_ns);
		break;
	default:
		message_come(c, c->head[0], now_ns);
		break;
	}
}

size_t
iperf3_control_input(struct iperf3_control *c, const char *data, size_t len, uint64_t now_ns)
{
	size_t at = 0;

	while (at < len && c->state != IPERF3_CTL_STREAM && c->state != IPERF3_CTL_OVER) {
		char *into = c->state == IPERF3_CTL_COOKIE ? c->cookie : c->json ? c->json : c->head;
		size_t n = RTE_MIN(len - at, c->want - c->got);

		/* Nobody has anything to say before it is his turn. */
		if (c->state == IPERF3_CTL_WAIT) {
			over(c);
			break;
		}
		memcpy(into + c->got, data + at, n);
		c->got += n;
		at += n;
		if (c->got == c->want)
			piece_come(c, now_ns);
	}
	return c->state == IPERF3_CTL_OVER ? len : at;
}

/* ---- time */

static void
expire(struct iperf3_control *c)
{
	if (c->owner) {
		fail(c, c->state == IPERF3_CTL_RUN ? IPERF3_ERR_EXPIRED : IPERF3_ERR_STUCK);
		return;
	}
	/* Before the cookie and after the results there is nobody to be told. */
	if (c->state == IPERF3_CTL_WAIT)
		out_message(c, IPERF3_ACCESS_DENIED);
	over(c);
}

void
iperf3_control_tick(struct iperf3_control *c, uint64_t now_ns)
{
	struct iperf3_test *t = c->test;

	if (now_ns >= c->deadline_ns) {
		expire(c);
	} else if (c->state == IPERF3_CTL_WAIT) {
		claim(c, now_ns);
	} else if (c->state == IPERF3_CTL_JOIN && iperf3_test_complete(t)) {
		begin(c, now_ns);
	} else if (c->state == IPERF3_CTL_RUN && now_ns >= atomic_load(&t->progress_ns) + STUCK_NS) {
		fail(c, IPERF3_ERR_STUCK);
	} else if (c->state == IPERF3_CTL_STOP && iperf3_test_left(t)) {
		out_message(c, IPERF3_EXCHANGE_RESULTS);
		enter(c, IPERF3_CTL_RESULTS, sizeof(c->head), now_ns + STEP_NS);
	}
}

/* ---- beginning and end */

void
iperf3_control_init(struct iperf3_control *c, struct iperf3_test *t, const struct mr_addr *peer, uint64_t now_ns)
{
	*c = (struct iperf3_control){.test = t, .peer = *peer};
	enter(c, IPERF3_CTL_COOKIE, sizeof(c->cookie), now_ns + STEP_NS);
}

void
iperf3_control_leave(struct iperf3_control *c)
{
	if (c->stream)
		iperf3_test_leave(c->test);
	c->stream = NULL;
}

void
iperf3_control_fini(struct iperf3_control *c)
{
	iperf3_control_leave(c);
	give_back(c);
	free(c->json);
	free(c->out);
}

void
iperf3_control_drain(struct iperf3_control *c)
{
	if (c->owner)
		out_message(c, IPERF3_SERVER_TERMINATE);
	over(c);
}
