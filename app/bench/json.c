/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys are a promise to scripts: mode role wire connections ops_per_s gbit_per_s pps cycles_per_op cycles_per_packet
 * busy latency_ns{p50,p90,p99,p999,max} retransmits syn_cookies honest_ops drops{} bytes_per_connection limited_by, always
 * all of them. What is not known, or is not of the mode, is null. `drops` has the reasons that occurred, by their counters' names.
 */
#include "app/bench/json.h"

#include <errno.h>
#include <inttypes.h>

static void
string_write(FILE *f, const char *key, const char *text)
{
	fprintf(f, "\"%s\": \"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(f, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(f, "\\u%04x", (unsigned char)*text);
		else
			fputc(*text, f);
	}
	fputc('"', f);
}

/* A number that is known if it is not zero. */
static void
number_write(FILE *f, const char *key, double value, int decimals)
{
	if (value > 0)
		fprintf(f, "\"%s\": %.*f", key, decimals, value);
	else
		fprintf(f, "\"%s\": null", key);
}

static void
latency_write(FILE *f, const struct hist *h)
{
	if (h->n == 0) {
		fprintf(f, "\"latency_ns\": null");
		return;
	}
	fprintf(f,
	        "\"latency_ns\": {\"p50\": %" PRIu64 ", \"p90\": %" PRIu64 ", \"p99\": %" PRIu64 ", \"p999\": %" PRIu64
	        ", \"max\": %" PRIu64 "}",
	        hist_quantile(h, 0.5), hist_quantile(h, 0.9), hist_quantile(h, 0.99), hist_quantile(h, 0.999), h->max);
}

static void
drops_write(FILE *f, const struct result *r)
{
	fprintf(f, "\"drops\": {");
	for (unsigned i = 0; i < r->n_drops; i++)
		fprintf(f, "%s\"%s\": %" PRIu64, i ? ", " : "", r->drops[i].name, r->drops[i].n);
	fprintf(f, "}");
}

static void
result_write(FILE *f, const struct result *r)
{
	fprintf(f, "  {");
	string_write(f, "mode", r->mode);
	fprintf(f, ", ");
	string_write(f, "role", r->role);
	fprintf(f, ", ");
	string_write(f, "wire", r->wire);
	fprintf(f, ", \"connections\": %" PRIu64 ", \"ops_per_s\": %.1f, \"gbit_per_s\": %.6f, \"pps\": %.1f, ",
	        r->connections, r->ops_per_s, r->gbit_per_s, r->pps);
	number_write(f, "cycles_per_op", r->cycles_per_op, 1);
	fprintf(f, ", ");
	number_write(f, "cycles_per_packet", r->cycles_per_packet, 1);
	fprintf(f, ", \"busy\": %.4f, ", r->busy);
	latency_write(f, &r->latency);
	fprintf(f, ", \"retransmits\": %" PRIu64 ", \"syn_cookies\": %" PRIu64 ", \"honest_ops\": ", r->retransmits,
	        r->syn_cookies);
	if (r->floods)
		fprintf(f, "%" PRIu64 ", ", r->honest);
	else
		fprintf(f, "null, ");
	drops_write(f, r);
	fprintf(f, ", ");
	number_write(f, "bytes_per_connection", r->bytes_per_connection, 1);
	fprintf(f, ", ");
	string_write(f, "limited_by", r->limited_by);
	fprintf(f, "}");
}

void
json_write(FILE *f, const struct result *results, unsigned n)
{
	fprintf(f, "[\n");
	for (unsigned i = 0; i < n; i++) {
		result_write(f, &results[i]);
		fprintf(f, i + 1 < n ? ",\n" : "\n");
	}
	fprintf(f, "]\n");
}

int
json_write_file(const char *file, const struct result *results, unsigned n)
{
	FILE *f = fopen(file, "w");
	int r = 0;

	if (!f)
		return -errno;
	json_write(f, results, n);
	if (ferror(f))
		r = -EIO;
	if (fclose(f) != 0 && r == 0)
		r = -errno;
	return r;
}
