/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers are read as real ones: clients write them either way, and as large as they like. Bytes beyond ASCII can only
 * be in texts that nobody here reads (a title), in whatever encoding the client's user has: they are made harmless
 * first.
 */
#include "app/millrace/iperf3_msg.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define MAX_SECONDS 86400
#define MAX_OMIT_SECONDS 600
#define MAX_BLOCK (1024 * 1024)
#define MAX_DATAGRAM 65507          /* over IPv4; the longest that are in use are shorter */
#define MAX_WINDOW (512 * 1024 * 1024)
#define MAX_RATE 1e15
#define TCP_BLOCK (128 * 1024)      /* by default */
#define UDP_BLOCK 1460
#define WIDE_HEADER 16              /* of a datagram: seconds, microseconds, number */
#define NARROW_HEADER 12

static json_t *
object_load(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	json_t *j = NULL;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < len; i++)
		copy[i] = (unsigned char)text[i] < 0x80 ? text[i] : '?';
	j = json_loadb(copy, len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
	free(copy);
	if (j && !json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* A number of the object, or what stands in for one that is not there. */
static double
number_get(const json_t *j, const char *key, double missing)
{
	const json_t *v = json_object_get(j, key);

	return json_is_number(v) ? json_number_value(v) : missing;
}

/* Flags are written as true; a number other than 0 is one as well. */
static bool
flag_get(const json_t *j, const char *key)
{
	return json_is_true(json_object_get(j, key)) || number_get(j, key, 0) != 0;
}

/* @return false: the number is out of the range */
static bool
range_get(const json_t *j, const char *key, double missing, double min, double max, uint32_t *out)
{
	double v = number_get(j, key, missing);

	if (!(v >= min && v <= max))
		return false;
	*out = v;
	return true;
}

static enum iperf3_error
block_get(const json_t *j, struct iperf3_params *p)
{
	double standard = p->udp ? UDP_BLOCK : TCP_BLOCK;
	double min = !p->udp ? 1 : p->wide ? WIDE_HEADER : NARROW_HEADER;

	/* 0 is what a client writes that leaves the choice to us. */
	if (number_get(j, "len", 0) == 0) {
		p->block = standard;
		return IPERF3_OK;
	}
	if (range_get(j, "len", standard, min, p->udp ? MAX_DATAGRAM : MAX_BLOCK, &p->block))
		return IPERF3_OK;
	return p->udp ? IPERF3_ERR_UDP_BLOCK : IPERF3_ERR_BLOCK;
}

static void
text_get(const json_t *j, const char *key, char *out, size_t size)
{
	const json_t *v = json_object_get(j, key);

	if (json_is_string(v) && json_string_length(v) < size)
		memcpy(out, json_string_value(v), json_string_length(v));
}

/* The lower one of two limits, of which 0 is none. */
static double
limit(double a, double b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static enum iperf3_error
params_get(const json_t *j, struct iperf3_params *p)
{
	double rate = limit(number_get(j, "bandwidth", 0), number_get(j, "fqrate", 0));

	*p = (struct iperf3_params){
		.udp = flag_get(j, "udp"),
		.reverse = flag_get(j, "reverse") && !flag_get(j, "bidirectional"),
		.bidir = flag_get(j, "bidirectional"),
		.nodelay = flag_get(j, "nodelay"),
		.wide = flag_get(j, "udp_counters_64bit"),
		.server_output = flag_get(j, "get_server_output"),
	};
	text_get(j, "congestion", p->congestion, sizeof(p->congestion));
	/* Linux and we have different names for it. */
	if (strcmp(p->congestion, "reno") == 0)
		strcpy(p->congestion, "newreno");
	if (flag_get(j, "sctp"))
		return IPERF3_ERR_SCTP;
	if (!(rate >= 0 && rate <= MAX_RATE))
		return IPERF3_ERR_PARAMS;
	p->rate = rate;
	if (!range_get(j, "parallel", 1, 1, IPERF3_PARALLEL_MAX, &p->parallel))
		return IPERF3_ERR_STREAMS;
	if (!range_get(j, "omit", 0, 0, MAX_OMIT_SECONDS, &p->omit_s))
		return IPERF3_ERR_OMIT;
	if (!range_get(j, "time", 0, 0, MAX_SECONDS, &p->duration_s))
		return IPERF3_ERR_DURATION;
	if (!range_get(j, "window", 0, 0, MAX_WINDOW, &p->window))
		return IPERF3_ERR_WINDOW;
	if (!range_get(j, "TOS", 0, 0, 255, &p->tos))
		return IPERF3_ERR_TOS;
	return block_get(j, p);
}

enum iperf3_error
iperf3_params_parse(const char *text, size_t len, struct iperf3_params *out)
{
	json_t *j = object_load(text, len);
	enum iperf3_error e;

	if (!j)
		return IPERF3_ERR_PARAMS;
	e = params_get(j, out);
	json_decref(j);
	return e;
}

bool
iperf3_results_parse(const char *text, size_t len, struct iperf3_client_results *out)
{
	json_t *j = object_load(text, len), *streams = j ? json_object_get(j, "streams") : NULL, *s;
	bool ok = json_is_array(streams) && json_array_size(streams) <= IPERF3_STREAMS_MAX;
	size_t i;

	out->n = 0;
	if (ok) {
		json_array_foreach(streams, i, s) {
			struct iperf3_client_stream *c = &out->streams[out->n++];

			if (!range_get(s, "id", 0, 1, UINT32_MAX, &c->id))
				ok = false;
			c->bytes = number_get(s, "bytes", 0);
		}
	}
	json_decref(j);
	return ok;
}

static int
ours_compare(const void *a, const void *b)
{
	const struct iperf3_stream_result *x = a, *y = b;

	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int
client_compare(const void *a, const void *b)
{
	const struct iperf3_client_stream *x = a, *y = b;

	return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

/* The streams of one direction. */
static void
match_some(struct iperf3_stream_result *ours, unsigned n, struct iperf3_client_stream *client)
{
	qsort(ours, n, sizeof(*ours), ours_compare);
	qsort(client, n, sizeof(*client), client_compare);
	for (unsigned i = 0; i < n; i++)
		ours[i].id = client[i].id;
}

void
iperf3_results_match(struct iperf3_stream_result *ours, unsigned n, struct iperf3_client_results *client)
{
	unsigned receivers = 0;

	if (client->n != n)
		return;
	while (receivers < n && !ours[receivers].sender)
		receivers++;
	match_some(ours, receivers, client->streams);
	match_some(ours + receivers, n - receivers, client->streams + receivers);
}

static json_t *
stream_pack(const struct iperf3_stream_result *s)
{
	return json_pack("{s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:I, s:f, s:f}", "id", (json_int_t)s->id, "bytes",
	                 (json_int_t)s->bytes, "retransmits", (json_int_t)s->retransmits, "jitter", s->jitter_s, "errors",
	                 (json_int_t)s->errors, "omitted_errors", (json_int_t)s->omitted_errors, "packets",
	                 (json_int_t)s->packets, "omitted_packets", (json_int_t)s->omitted_packets, "start_time", 0.0,
	                 "end_time", s->seconds);
}

char *
iperf3_results_format(const struct iperf3_results *r)
{
	json_t *streams = json_array(), *j;
	char *text = NULL;
	bool ok = streams != NULL, resent = false;

	for (unsigned i = 0; ok && i < r->n; i++) {
		ok = json_array_append_new(streams, stream_pack(&r->streams[i])) == 0;
		resent |= r->streams[i].retransmits >= 0;
	}
	j = json_pack("{s:f, s:f, s:f, s:i, s:s*, s:s*, s:o}", "cpu_util_total", r->cpu_total, "cpu_util_user",
	              r->cpu_user, "cpu_util_system", r->cpu_system, "sender_has_retransmits", resent, "congestion_used",
	              r->congestion, "server_output_text", r->output, "streams", streams);
	if (j && ok)
		text = json_dumps(j, JSON_COMPACT);
	json_decref(j);
	return text;
}
