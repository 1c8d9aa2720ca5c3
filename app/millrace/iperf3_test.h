/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test that an iperf3 service runs, one at a time, shared by all cores: control connection and streams have
 * tuples of their own and so may live on different cores.
 *
 * Nothing is locked. The phase is written by the core of the control connection alone, and by who claims a test that
 * is free. What a phase publishes (cookie, parameters, start) was written before it. A stream's record is written by
 * its core alone, from join to leave, and read by the control core after all have left; a record cannot change hands
 * under a stream, for nobody can claim the test before that either.
 *
 *   IDLE -claim-> SETUP -offer-> JOIN -run-> RUN -stop-> STOP -release-> IDLE
 *
 * release may come in any phase. For a stream the test is over in every phase but JOIN and RUN.
 *
 * Streams look at the phase when data comes, and once a tick (iperf3.c), which is also how cores hear of each other.
 */
#ifndef APP_IPERF3_TEST_H
#define APP_IPERF3_TEST_H

#include <stdatomic.h>

#include <rte_common.h>

#include <millrace.h>

#include "app/millrace/iperf3_msg.h"

#define IPERF3_COOKIE_BYTES 37u /* 36 characters and a zero */
#define IPERF3_DATAGRAM_HEADER 16u /* at most */

enum iperf3_phase {
	IPERF3_IDLE,
	IPERF3_SETUP,
	IPERF3_JOIN,
	IPERF3_RUN,
	IPERF3_STOP,
};

/* Of one stream, as we see it. When both sides send, data that comes tells which streams are the client's to send on:
 * the order in which they were joined need not be the one in which the client made them. */
enum iperf3_role {
	IPERF3_UNKNOWN,
	IPERF3_RECEIVER,
	IPERF3_SENDER,
};

struct iperf3_stream {
	enum iperf3_role role;
	bool omitted;             /* the time that does not count is over */
	bool any;                 /* a datagram has come */
	uint64_t bytes;           /* that count */
	uint64_t sent;            /* bytes, all of them: for the rate */
	uint64_t packets, errors; /* highest number of a datagram seen or sent; missing ones */
	uint64_t omitted_packets, omitted_errors;
	double jitter_s, transit_s;
	/* Of a connection, if we send on it. */
	bool tcp;
	uint32_t retransmits, omitted_retransmits; /* segments */
	uint32_t max_cwnd;
	uint64_t srtt_ns;
} __rte_cache_aligned;

struct iperf3_test {
	_Atomic uint32_t phase;
	_Atomic uint32_t joined;      /* streams, in all */
	_Atomic uint32_t receivers;   /* both ways: streams that have turned out to be the client's */
	char cookie[IPERF3_COOKIE_BYTES];
	struct iperf3_params params;
	struct mr_addr peer;          /* the client, from which datagrams are taken */
	uint64_t start_ns, end_ns;
	/* Written now and then by all cores, so not beside what all of them read. */
	_Atomic uint32_t attached __rte_cache_aligned; /* streams that have not left */
	_Atomic uint64_t progress_ns; /* when something was last sent or received */
	struct iperf3_stream streams[IPERF3_STREAMS_MAX];
};

static inline enum iperf3_phase
iperf3_test_phase(const struct iperf3_test *t)
{
	return (enum iperf3_phase)atomic_load_explicit(&t->phase, memory_order_acquire);
}

/* Is the test over for a stream that has joined it? */
static inline bool
iperf3_test_over(const struct iperf3_test *t)
{
	enum iperf3_phase p = iperf3_test_phase(t);

	return p != IPERF3_JOIN && p != IPERF3_RUN;
}

/* ---- control */

/* Begin a test. @return false: there is one, or streams of the last one have not left */
bool iperf3_test_claim(struct iperf3_test *t);
/* Let streams join. */
void iperf3_test_offer(struct iperf3_test *t, const char *cookie, const struct iperf3_params *p,
                       const struct mr_addr *peer);
/* Have all streams joined that are to? */
bool iperf3_test_complete(const struct iperf3_test *t);
void iperf3_test_run(struct iperf3_test *t, uint64_t now_ns);
void iperf3_test_stop(struct iperf3_test *t, uint64_t now_ns);
/* Have all streams left? */
bool iperf3_test_left(const struct iperf3_test *t);
/* The results of all streams, receivers first, with the identifiers that the client gives in the order in which it
 * makes them; after iperf3_test_left. @return how many */
unsigned iperf3_test_results(struct iperf3_test *t, struct iperf3_stream_result out[IPERF3_STREAMS_MAX]);
void iperf3_test_release(struct iperf3_test *t);

/* ---- streams */

/* Take part in the test of this cookie, over TCP. @return NULL: there is none to be joined */
struct iperf3_stream *iperf3_test_join(struct iperf3_test *t, const char *cookie);
/* The same with datagrams from an address. */
struct iperf3_stream *iperf3_test_join_udp(struct iperf3_test *t, const struct mr_addr *from);
/* The stream is touched no more. */
void iperf3_test_leave(struct iperf3_test *t);
/* Bytes were received; counted while the test runs. */
void iperf3_stream_received(struct iperf3_test *t, struct iperf3_stream *s, size_t len, uint64_t now_ns);
/* The same, of a datagram: its number tells of loss, its time of jitter. */
void iperf3_stream_datagram(struct iperf3_test *t, struct iperf3_stream *s, const uint8_t *data, size_t len,
                            uint64_t now_ns);
/* Is it time to send the next block? */
bool iperf3_stream_may_send(struct iperf3_test *t, struct iperf3_stream *s, uint64_t now_ns);
/* Bytes were sent. */
void iperf3_stream_sent(struct iperf3_test *t, struct iperf3_stream *s, size_t len, uint64_t now_ns);
/* What the connection below a stream that is being sent knows of itself, now. */
void iperf3_stream_connection(struct iperf3_test *t, struct iperf3_stream *s, const struct mr_tcp_info *info,
                              uint64_t now_ns);
/* Write the header of the next datagram of a stream; it counts once iperf3_stream_sent_datagram says so. */
void iperf3_stream_header(const struct iperf3_test *t, const struct iperf3_stream *s, uint8_t *out, uint64_t now_ns);
void iperf3_stream_sent_datagram(struct iperf3_test *t, struct iperf3_stream *s, size_t len, uint64_t now_ns);

#endif
