/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decorator sniffer: writes what passes a link, both ways, to a pcapng file with the times of the loop's clock.
 *
 * A frame is in the file when the inner link has delivered it or taken it; one that it refuses is written when it takes
 * it at last. Frames whose checksum is left to the NIC are written as they are, with the checksum not yet there.
 *
 * A capture never disturbs what it watches: after a write error the link works on, and the error is reported once, when
 * the link stops or is closed. The file is complete after a stop; writing is stdio's and may block on a slow disk.
 */
#include "stack/millrace.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "stack/link.h"
#include "stack/log.h"

#include "decorator.h"
#include "pcapng.h"

#define SNIFFER_BURST 64

struct sniffer {
	struct mr_link link;
	struct mr_pcapng *file;
	char *name;
	bool reported;
};

static uint16_t
sniffer_rx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct sniffer *s = (struct sniffer *)l;
	uint16_t got = l->inner->ops->rx_burst(l->inner, now_ns, pkts, n);

	for (uint16_t i = 0; i < got; i++)
		mr_pcapng_write(s->file, pkts[i], now_ns, MR_PCAPNG_IN);
	return got;
}

/* A reference keeps each frame readable until it is known whether the inner link took it. */
static uint16_t
burst_send(struct sniffer *s, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	struct rte_mbuf *seen[SNIFFER_BURST];
	uint16_t sent;

	for (uint16_t i = 0; i < n; i++) {
		seen[i] = pkts[i];
		rte_pktmbuf_refcnt_update(pkts[i], 1);
	}
	sent = s->link.inner->ops->tx_burst(s->link.inner, now_ns, pkts, n);
	for (uint16_t i = 0; i < n; i++) {
		if (i < sent)
			mr_pcapng_write(s->file, seen[i], now_ns, MR_PCAPNG_OUT);
		rte_pktmbuf_free(seen[i]);
	}
	return sent;
}

static uint16_t
sniffer_tx_burst(struct mr_link *l, uint64_t now_ns, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t sent = 0, part, k;

	do {
		part = RTE_MIN(n - sent, SNIFFER_BURST);
		k = burst_send((struct sniffer *)l, now_ns, pkts + sent, part);
		sent += k;
	} while (k == part && sent < n);
	return sent;
}

static void
file_flush(struct sniffer *s)
{
	uint64_t missing;
	int rc = mr_pcapng_flush(s->file, &missing);

	if (!rc || s->reported)
		return;
	s->reported = true;
	MR_LOG(ERR, "capture %s: %s; at least %" PRIu64 " frames are missing at its end: use a larger disk",
	       s->name, strerror(-rc), missing);
}

static void
sniffer_stop(struct mr_link *l)
{
	mr_decorator_stop(l);
	file_flush((struct sniffer *)l);
}

static void
sniffer_close(struct mr_link *l)
{
	struct sniffer *s = (struct sniffer *)l;

	l->inner->ops->close(l->inner);
	file_flush(s);
	mr_pcapng_close(s->file);
	free(s->name);
	free(s);
}

static const struct mr_link_ops sniffer_ops = {
	.rx_burst = sniffer_rx_burst,
	.tx_burst = sniffer_tx_burst,
	.start = mr_decorator_start,
	.stop = sniffer_stop,
	.set_promisc = mr_decorator_set_promisc,
	.set_mcast = mr_decorator_set_mcast,
	.stats = mr_decorator_stats,
	.is_up = mr_decorator_is_up,
	.next_ns = mr_decorator_next_ns,
	.close = sniffer_close,
};

int
mr_sniffer_wrap(struct mr_link *inner, const char *file, uint32_t snaplen, struct mr_link **out)
{
	struct sniffer *s;
	int rc = -ENOMEM;

	if (inner->nic)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	mr_decorator_init(&s->link, &sniffer_ops, "sniffer", inner);
	s->name = strdup(file);
	if (s->name)
		rc = mr_pcapng_create(file, inner, snaplen, &s->file);
	if (rc) {
		free(s->name);
		free(s);
		return rc;
	}
	*out = &s->link;
	return 0;
}

/* A file for each worker. */
static int
sniffer_wrap_port(struct mr_link *inner, const char *args, unsigned worker, struct mr_link **out)
{
	char file[PATH_MAX];
	int n = worker ? snprintf(file, sizeof(file), "%s.%u", args, worker) : snprintf(file, sizeof(file), "%s", args);

	return n < (int)sizeof(file) ? mr_sniffer_wrap(inner, file, 0, out) : -ENAMETOOLONG;
}

static const struct mr_decorator sniffer_decorator = {
	.name = "sniffer",
	.wrap = sniffer_wrap_port,
};

RTE_INIT(sniffer_register)
{
	mr_decorator_register(&sniffer_decorator);
}
