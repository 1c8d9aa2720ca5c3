/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here comes from the counters, whose names and texts are the library's.
 */
#include "app/millrace/summary.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

uint64_t
summary_open_connections(const struct mr_host *h)
{
	uint64_t closed = mr_host_counter(h, MR_CNT_TCP_CLOSED), opened = mr_host_counter(h, MR_CNT_TCP_ESTABLISHED);

	return opened > closed ? opened - closed : 0;
}

static uint64_t
drops_total(const struct mr_host *h)
{
	uint64_t n = 0;

	for (enum mr_counter c = 0; c < MR_CNT_MAX; c++) {
		if (mr_counter_is_drop(c))
			n += mr_host_counter(h, c);
	}
	return n;
}

void
summary_print_rates(const struct mr_host *h, struct summary_mark *mark, uint64_t now_ns)
{
	struct summary_mark m = {
		.time_ns = now_ns,
		.rx_packets = mr_host_counter(h, MR_CNT_NIC_RX_PACKETS),
		.rx_bytes = mr_host_counter(h, MR_CNT_NIC_RX_BYTES),
		.tx_packets = mr_host_counter(h, MR_CNT_NIC_TX_PACKETS),
		.tx_bytes = mr_host_counter(h, MR_CNT_NIC_TX_BYTES),
		.opened = mr_host_counter(h, MR_CNT_TCP_ESTABLISHED),
	};
	double s = (now_ns - mark->time_ns) / 1e9;

	printf("rx %.0f packets/s %.1f Mbit/s, tx %.0f packets/s %.1f Mbit/s, TCP %.0f opened/s, %" PRIu64
	       " open, %" PRIu64 " packets dropped\n",
	       (m.rx_packets - mark->rx_packets) / s, (m.rx_bytes - mark->rx_bytes) * 8e-6 / s,
	       (m.tx_packets - mark->tx_packets) / s, (m.tx_bytes - mark->tx_bytes) * 8e-6 / s,
	       (m.opened - mark->opened) / s, summary_open_connections(h), drops_total(h));
	fflush(stdout);
	*mark = m;
}

static void
counters_print(const struct mr_host *h, bool drops)
{
	bool any = false;

	for (enum mr_counter c = 0; c < MR_CNT_MAX; c++) {
		uint64_t n = mr_host_counter(h, c);

		if (n == 0 || mr_counter_is_drop(c) != drops)
			continue;
		printf("  %-26s %14" PRIu64 "  %s\n", mr_counter_name(c), n, mr_counter_help(c));
		any = true;
	}
	if (!any)
		printf("  none\n");
}

/* What testpmd prints with --record-core-cycles, over all workers; a turn that found nothing costs nothing. */
static void
cycles_print(const struct mr_host *h)
{
	uint64_t busy = 0, all = 0, packets = mr_host_counter(h, MR_CNT_NIC_RX_PACKETS);

	for (unsigned i = 0; i < mr_host_workers(h); i++) {
		struct mr_host_load load;

		mr_host_load(h, i, &load);
		busy += load.busy_tsc;
		all += load.busy_tsc + load.idle_tsc;
	}
	if (packets > 0 && all > 0)
		printf("\n  CPU cycles/packet=%.2f (busy cycles=%" PRIu64 " / total RX packets=%" PRIu64 "), busy %.1f %%\n",
		       (double)busy / packets, busy, packets, 100.0 * busy / all);
}

void
summary_print(const struct mr_host *h)
{
	cycles_print(h);
	printf("\n  +++++++++++++++ Counters over %u worker(s) +++++++++++++++\n", mr_host_workers(h));
	counters_print(h, false);
	printf("\n  +++++++++++++++ Dropped packets +++++++++++++++\n");
	counters_print(h, true);
	printf("\n  TCP-opened: %-14" PRIu64 " TCP-closed: %-13" PRIu64 " TCP-resets-sent: %-9" PRIu64
	       " TCP-retransmits: %" PRIu64 "\n",
	       mr_host_counter(h, MR_CNT_TCP_ESTABLISHED), mr_host_counter(h, MR_CNT_TCP_CLOSED),
	       mr_host_counter(h, MR_CNT_TCP_RESETS_TX), mr_host_counter(h, MR_CNT_TCP_RETRANSMITS));
}
