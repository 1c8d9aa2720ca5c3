/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What iperf3's client and server say to each other in JSON: the parameters of a test, and its results. Both sides of a
 * test may be of any version: keys that are not known are passed over, keys that are missing have their default.
 *
 * Not here: when which of them is said (iperf3_control.c).
 */
#ifndef APP_IPERF3_MSG_H
#define APP_IPERF3_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IPERF3_PARALLEL_MAX 128u           /* streams of one direction */
#define IPERF3_STREAMS_MAX (2u * IPERF3_PARALLEL_MAX)
#define IPERF3_PARAMS_BYTES_MAX (8u * 1024u)
#define IPERF3_RESULTS_BYTES_MAX (64u * 1024u) /* 256 streams of about 200 bytes */
#define IPERF3_CC_NAME_MAX 16u

/* Errors as the client numbers them, to tell its user. */
enum iperf3_error {
	IPERF3_OK,
	IPERF3_ERR_DURATION = 5,
	IPERF3_ERR_STREAMS = 6,
	IPERF3_ERR_BLOCK = 7,
	IPERF3_ERR_WINDOW = 8,
	IPERF3_ERR_OMIT = 12,
	IPERF3_ERR_SCTP = 18,
	IPERF3_ERR_UDP_BLOCK = 20,
	IPERF3_ERR_TOS = 21,
	IPERF3_ERR_MESSAGE = 110,
	IPERF3_ERR_PARAMS = 114,
	IPERF3_ERR_MEMORY = 115,
	IPERF3_ERR_RESULTS = 117,
	IPERF3_ERR_STUCK = 144,
	IPERF3_ERR_EXPIRED = 160,
};

/* What the client wants. */
struct iperf3_params {
	bool udp;
	bool reverse;             /* we send */
	bool bidir;               /* each side sends on half of the streams */
	bool nodelay;
	bool wide;                /* datagrams are counted with 64 bits */
	bool server_output;       /* the client wants words with the results */
	uint32_t parallel;        /* streams of one direction */
	uint32_t block;           /* bytes of one write or datagram */
	uint32_t omit_s;          /* time at the beginning that does not count */
	uint32_t duration_s;      /* 0: the client ends it by another measure */
	uint64_t rate;            /* bits a second of each stream; 0: no limit */
	uint32_t window;          /* bytes of socket buffers; 0: the default */
	uint32_t tos;
	char congestion[IPERF3_CC_NAME_MAX]; /* empty: the default */
};

/* One stream's part of the results. */
struct iperf3_stream_result {
	uint32_t id;
	bool sender;              /* ours */
	uint64_t bytes;
	double jitter_s;
	uint64_t packets, errors; /* with those of the omitted time */
	uint64_t omitted_packets, omitted_errors;
	double seconds;
	int64_t retransmits;      /* segments sent again; -1: not known here */
	uint32_t max_cwnd;        /* largest congestion window seen, bytes; 0: none, like */
	uint64_t srtt_ns;         /* the round-trip time at the end */
};

/* What the client has counted. */
struct iperf3_client_results {
	unsigned n;               /* in the order in which they were made: those that it sends on first */
	struct iperf3_client_stream {
		uint32_t id;
		double bytes;
	} streams[IPERF3_STREAMS_MAX];
};

struct iperf3_results {
	double cpu_total, cpu_user, cpu_system; /* percent of one processor */
	const char *congestion;   /* NULL: not known */
	const char *output;       /* words for the client's user, or NULL */
	const struct iperf3_stream_result *streams;
	unsigned n;
};

/* Streams of a test in all. */
static inline unsigned
iperf3_params_streams(const struct iperf3_params *p)
{
	return p->bidir ? 2 * p->parallel : p->parallel;
}

/* @return IPERF3_OK, or what is wrong with them; *out is then not to be used */
enum iperf3_error iperf3_params_parse(const char *text, size_t len, struct iperf3_params *out);
/* The client's results, of up to IPERF3_STREAMS_MAX streams; what else they say is for its own user. @return false:
 * they are none */
bool iperf3_results_parse(const char *text, size_t len, struct iperf3_client_results *out);
/* Give our streams, receivers in front, the identifiers of the client's. Which is which is told by the bytes that both
 * sides have counted: the one that sent most is the one that received most. */
void iperf3_results_match(struct iperf3_stream_result *ours, unsigned n, struct iperf3_client_results *client);
/* Our results as text to be freed; NULL: out of memory. */
char *iperf3_results_format(const struct iperf3_results *r);

#endif
