/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to an iperf3 service, as a machine: bytes in, bytes out, time as an argument. It begins with a cookie.
 * That of the test which is waiting for streams makes it one of them; any other one makes it the control connection of
 * a new test, or, while there is a test, of a client that is told to come back later.
 *
 * Not here: endpoints, and what streams carry (iperf3.c).
 */
#ifndef APP_IPERF3_CONTROL_H
#define APP_IPERF3_CONTROL_H

#include "app/millrace/iperf3_test.h"

/* Messages of one byte. */
enum iperf3_message {
	IPERF3_SERVER_ERROR = -2,
	IPERF3_ACCESS_DENIED = -1,
	IPERF3_TEST_START = 1,
	IPERF3_TEST_RUNNING = 2,
	IPERF3_TEST_END = 4,
	IPERF3_PARAM_EXCHANGE = 9,
	IPERF3_CREATE_STREAMS = 10,
	IPERF3_SERVER_TERMINATE = 11,
	IPERF3_CLIENT_TERMINATE = 12,
	IPERF3_EXCHANGE_RESULTS = 13,
	IPERF3_DISPLAY_RESULTS = 14,
	IPERF3_DONE = 16,
};

enum iperf3_control_state {
	IPERF3_CTL_COOKIE,  /* what is this connection? */
	IPERF3_CTL_WAIT,    /* for another test to be over */
	IPERF3_CTL_PARAMS,
	IPERF3_CTL_JOIN,    /* for streams to come */
	IPERF3_CTL_RUN,
	IPERF3_CTL_STOP,    /* for streams to leave */
	IPERF3_CTL_RESULTS,
	IPERF3_CTL_SHOWN,   /* for the client to be done */
	IPERF3_CTL_OVER,    /* to be closed when what is in `out` is sent */
	IPERF3_CTL_STREAM,
};

struct iperf3_control {
	enum iperf3_control_state state;
	struct iperf3_test *test;
	struct mr_addr peer;
	bool owner;             /* the test is this connection's */
	uint64_t deadline_ns;   /* of the state */
	double cpu[2];          /* seconds of the process at the start: user, system */
	struct iperf3_stream *stream; /* state STREAM, until it has left */
	const char *congestion; /* of connections by default, for the results; NULL: not known */
	char cookie[IPERF3_COOKIE_BYTES];
	char head[4];           /* a message, or the length of JSON */
	char *json;             /* being received, behind its length */
	size_t want, got;       /* bytes of what is being received */
	char *out;              /* to be sent */
	size_t out_len;
};

void iperf3_control_init(struct iperf3_control *c, struct iperf3_test *t, const struct mr_addr *peer, uint64_t now_ns);
/* The stream takes part no more. */
void iperf3_control_leave(struct iperf3_control *c);
/* Leave the test, or end it; free memory. */
void iperf3_control_fini(struct iperf3_control *c);
/* Bytes have come. @return how many were taken: fewer if the connection is a stream, whose data the others are */
size_t iperf3_control_input(struct iperf3_control *c, const char *data, size_t len, uint64_t now_ns);
/* See what other cores and the clock have done. */
void iperf3_control_tick(struct iperf3_control *c, uint64_t now_ns);
/* The program ends. */
void iperf3_control_drain(struct iperf3_control *c);
/* n bytes of `out` are sent. */
void iperf3_control_sent(struct iperf3_control *c, size_t n);

#endif
