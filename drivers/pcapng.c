/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small pcapng writer over buffered stdio (the format is draft-ietf-opsawg-pcapng).
 *
 * Why not rte_pcapng: in DPDK 22.11 it stamps frames with the TSC, turns that into wall-clock time, needs an ethdev
 * port for each frame, and writes every port's hardware name. A capture here has the times that the loop passes down
 * and nothing else of the machine, so one seed gives one file, byte for byte.
 *
 * Blocks are in host byte order, which the section header tells. Every block and option starts at a multiple of 4.
 */
#include "pcapng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_version.h>

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_PACKET 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1
#define LINKTYPE_RAW 101 /* starts with an IPv4 or IPv6 header */

#define OPT_END 0
#define OPT_SHB_HARDWARE 2
#define OPT_SHB_OS 3
#define OPT_SHB_USERAPPL 4
#define OPT_IF_NAME 2
#define OPT_IF_MACADDR 6
#define OPT_IF_TSRESOL 9
#define OPT_EPB_FLAGS 2

#define HEADER_MAX 512
#define FILE_BUFFER (256 * 1024)

struct mr_pcapng {
	FILE *f;
	uint32_t snaplen;
	int err;          /* first error, -errno */
	uint64_t missing;
};

/* A header block under construction. */
struct block {
	uint32_t len;
	uint8_t b[HEADER_MAX];
};

struct packet_block {
	uint32_t type, len;
	uint32_t interface;
	uint32_t time_high, time_low;
	uint32_t cap_len, orig_len;
};

struct packet_trailer {
	uint16_t opt_flags, opt_flags_len;
	uint32_t flags;
	uint16_t opt_end, opt_end_len;
	uint32_t len; /* of the block, once more */
};

static void
block_add(struct block *b, const void *data, uint32_t len)
{
	memcpy(b->b + b->len, data, len);
	b->len += len;
}

static void
block_option(struct block *b, uint16_t code, const void *data, uint16_t len)
{
	const uint16_t head[2] = {code, len};

	block_add(b, head, sizeof(head));
	if (len)
		block_add(b, data, len);
	while (b->len % 4)
		b->b[b->len++] = 0;
}

static void
block_start(struct block *b, uint32_t type)
{
	const uint32_t head[2] = {type, 0};

	b->len = 0;
	block_add(b, head, sizeof(head));
}

/* Write a block with its length at both ends. */
static void
block_end(struct mr_pcapng *p, struct block *b)
{
	uint32_t len = b->len + sizeof(len);

	memcpy(b->b + sizeof(uint32_t), &len, sizeof(len));
	block_add(b, &len, sizeof(len));
	if (!p->err && fwrite(b->b, b->len, 1, p->f) != 1)
		p->err = -errno;
}

static void
section_write(struct mr_pcapng *p, const struct mr_link *l)
{
	const uint32_t magic = BYTE_ORDER_MAGIC;
	const uint16_t version[2] = {1, 0};
	const int64_t section_len = -1; /* to the end of the file */
	struct block b;
	char text[64];
	int n;

	block_start(&b, BLOCK_SECTION);
	block_add(&b, &magic, sizeof(magic));
	block_add(&b, version, sizeof(version));
	block_add(&b, &section_len, sizeof(section_len));
	n = snprintf(text, sizeof(text), "%.40s link", l->driver);
	block_option(&b, OPT_SHB_HARDWARE, text, n);
	n = snprintf(text, sizeof(text), "%.60s", rte_version());
	block_option(&b, OPT_SHB_OS, text, n);
	n = snprintf(text, sizeof(text), "Millrace %.40s", mr_version());
	block_option(&b, OPT_SHB_USERAPPL, text, n);
	block_option(&b, OPT_END, NULL, 0);
	block_end(p, &b);
}

static void
interface_write(struct mr_pcapng *p, const struct mr_link *l)
{
	const uint16_t linktype[2] = {strcmp(l->framing, "ether") ? LINKTYPE_RAW : LINKTYPE_ETHERNET, 0};
	const uint8_t tsresol = 9; /* 10^-9 s */
	struct block b;
	char text[64];
	int n;

	block_start(&b, BLOCK_INTERFACE);
	block_add(&b, linktype, sizeof(linktype));
	block_add(&b, &p->snaplen, sizeof(p->snaplen));
	n = snprintf(text, sizeof(text), "%.40s.%u", l->driver, l->queue);
	block_option(&b, OPT_IF_NAME, text, n);
	if (l->lladdr.len == 6)
		block_option(&b, OPT_IF_MACADDR, l->lladdr.b, 6);
	block_option(&b, OPT_IF_TSRESOL, &tsresol, sizeof(tsresol));
	block_option(&b, OPT_END, NULL, 0);
	block_end(p, &b);
}

int
mr_pcapng_create(const char *file, const struct mr_link *l, uint32_t snaplen, struct mr_pcapng **out)
{
	struct mr_pcapng *p = calloc(1, sizeof(*p));
	int rc;

	if (!p)
		return -ENOMEM;
	p->snaplen = snaplen;
	p->f = fopen(file, "wbe");
	if (!p->f) {
		rc = -errno;
		free(p);
		return rc;
	}
	setvbuf(p->f, NULL, _IOFBF, FILE_BUFFER);
	section_write(p, l);
	interface_write(p, l);
	rc = mr_pcapng_flush(p, NULL);
	if (rc) {
		mr_pcapng_close(p);
		return rc;
	}
	*out = p;
	return 0;
}

static bool
frame_write(FILE *f, const struct rte_mbuf *m, uint32_t len)
{
	for (; len; m = m->next) {
		uint32_t part = RTE_MIN(len, (uint32_t)m->data_len);

		if (part && fwrite(rte_pktmbuf_mtod(m, const void *), part, 1, f) != 1)
			return false;
		len -= part;
	}
	return true;
}

void
mr_pcapng_write(struct mr_pcapng *p, const struct rte_mbuf *m, uint64_t now_ns, uint32_t direction)
{
	static const uint8_t zero[4];
	uint32_t cap = p->snaplen ? RTE_MIN(p->snaplen, m->pkt_len) : m->pkt_len, pad = -cap & 3;
	uint32_t len = sizeof(struct packet_block) + cap + pad + sizeof(struct packet_trailer);
	const struct packet_block head = {
		.type = BLOCK_PACKET,
		.len = len,
		.time_high = now_ns >> 32,
		.time_low = (uint32_t)now_ns,
		.cap_len = cap,
		.orig_len = m->pkt_len,
	};
	const struct packet_trailer tail = {
		.opt_flags = OPT_EPB_FLAGS, .opt_flags_len = 4, .flags = direction, .opt_end = OPT_END, .len = len};

	if (p->err) {
		p->missing++;
		return;
	}
	if (fwrite(&head, sizeof(head), 1, p->f) != 1 || !frame_write(p->f, m, cap) ||
	    (pad && fwrite(zero, pad, 1, p->f) != 1) || fwrite(&tail, sizeof(tail), 1, p->f) != 1) {
		p->err = -errno;
		p->missing++;
	}
}

int
mr_pcapng_flush(struct mr_pcapng *p, uint64_t *missing)
{
	if (!p->err && fflush(p->f))
		p->err = -errno;
	if (missing)
		*missing = p->missing;
	return p->err;
}

void
mr_pcapng_close(struct mr_pcapng *p)
{
	fclose(p->f);
	free(p);
}
