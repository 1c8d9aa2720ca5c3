/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything goes to stdout but the bar, which is written over and over, to a terminal only.
 */
#include "app/bench/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define NS 1e-9
#define BAR 40

static bool bar_shown;

/* A number with three or four digits that matter, and its unit's prefix. */
static const char *
scaled(double value, char *buf, size_t size)
{
	static const char *const prefixes[] = {"", " k", " M", " G", " T"};
	unsigned i = 0;

	for (; value >= 1000 && i < 4; i++)
		value /= 1000;
	snprintf(buf, size, "%.*f%s", value < 10 ? 3 : value < 100 ? 2 : 1, value, prefixes[i]);
	return buf;
}

static void
bar_hide(void)
{
	if (bar_shown)
		fprintf(stderr, "\r\033[K");
	bar_shown = false;
}

static void
bar_show(uint64_t at_ns, uint64_t of_ns)
{
	char bar[BAR + 1];
	unsigned full = (unsigned)((unsigned __int128)at_ns * BAR / of_ns);

	for (unsigned i = 0; i < BAR; i++)
		bar[i] = i < full ? '#' : '.';
	bar[BAR] = 0;
	fprintf(stderr, "[%s] %.0f of %.0f s", bar, (double)at_ns * NS, (double)of_ns * NS);
	bar_shown = true;
}

static void
side_line(const char *role, const struct interval *v)
{
	double busy = v->busy_tsc + v->idle_tsc ? 100.0 * (double)v->busy_tsc / (double)(v->busy_tsc + v->idle_tsc) : 0;

	printf("  %s", role);
	if (v->ops)
		printf(" %.0f cyc/op", (double)v->busy_tsc / (double)v->ops);
	if (v->packets)
		printf(" %.0f cyc/pkt", (double)v->busy_tsc / (double)v->packets);
	printf(" %.0f%% busy", busy);
}

static void
line_end(uint64_t at_ns, uint64_t of_ns)
{
	putchar('\n');
	fflush(stdout);
	if (of_ns && isatty(STDOUT_FILENO) && isatty(STDERR_FILENO))
		bar_show(at_ns, of_ns);
}

void
report_interval(const char *const *roles, const struct interval *sides, unsigned n, uint64_t at_ns, uint64_t of_ns)
{
	double seconds = sides[0].seconds > 0 ? sides[0].seconds : 1;
	char ops[32], pps[32];

	bar_hide();
	printf("%7.1f s  %sops/s  %.3f Gbit/s  %spps", (double)at_ns * NS, scaled((double)sides[0].ops / seconds, ops, sizeof(ops)),
	       (double)sides[0].bytes * 8e-9 / seconds, scaled((double)sides[0].packets / seconds, pps, sizeof(pps)));
	for (unsigned i = 0; i < n; i++)
		side_line(roles[i], &sides[i]);
	line_end(at_ns, of_ns);
}

void
report_forward(const struct report_ways *ways, const struct interval *v, uint64_t at_ns, uint64_t of_ns)
{
	double s = v->seconds > 0 ? v->seconds : 1;
	char rx[32], tx[32];

	bar_hide();
	printf("%7.1f s  rx %spps %.3f Gbit/s  tx %spps %.3f Gbit/s ", (double)at_ns * NS,
	       scaled((double)ways->rx_packets / s, rx, sizeof(rx)), (double)ways->rx_bytes * 8e-9 / s,
	       scaled((double)ways->tx_packets / s, tx, sizeof(tx)), (double)ways->tx_bytes * 8e-9 / s);
	side_line("", v);
	line_end(at_ns, of_ns);
}

void
report_interval_end(void)
{
	bar_hide();
}

static void
latency_print(const struct hist *h)
{
	if (h->n == 0)
		return;
	printf("  latency     p50 %.2f us, p90 %.2f, p99 %.2f, p99.9 %.2f, max %.2f\n", (double)hist_quantile(h, 0.5) / 1e3,
	       (double)hist_quantile(h, 0.9) / 1e3, (double)hist_quantile(h, 0.99) / 1e3,
	       (double)hist_quantile(h, 0.999) / 1e3, (double)h->max / 1e3);
}

static void
drops_print(const struct result *r)
{
	printf("  drops       %" PRIu64 "\n", result_drops(r));
	for (unsigned i = 0; i < r->n_drops; i++)
		printf("    %-26s %12" PRIu64 "  %s\n", r->drops[i].name, r->drops[i].n, r->drops[i].help);
}

void
report_result(const struct result *r)
{
	char ops[32], pps[32];

	printf("\n%s, %s, %s", r->mode, r->role, r->wire);
	if (r->connections)
		printf(", %" PRIu64 " connection%s", r->connections, r->connections == 1 ? "" : "s");
	putchar('\n');
	printf("  rate        %sops/s, %.3f Gbit/s, %spps\n", scaled(r->ops_per_s, ops, sizeof(ops)), r->gbit_per_s,
	       scaled(r->pps, pps, sizeof(pps)));
	printf("  cost        %.0f cycles per operation, %.0f per packet; busy %.1f%%\n", r->cycles_per_op,
	       r->cycles_per_packet, 100 * r->busy);
	latency_print(&r->latency);
	printf("  operations  %" PRIu64 ", %" PRIu64 " without an answer; connections failed: %" PRIu64 "; retransmits: %" PRIu64
	       "\n", r->ops, r->lost, r->failed, r->retransmits);
	if (r->floods)
		printf("  flood       %" PRIu64 " SYN cookies; honest operations: %" PRIu64 "\n", r->syn_cookies, r->honest);
	drops_print(r);
	if (r->bytes_per_connection > 0)
		printf("  memory      %.0f bytes per connection\n", r->bytes_per_connection);
	printf("  limited by  %s\n", r->limited_by);
	fflush(stdout);
}
