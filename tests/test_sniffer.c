/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures: the file is read back here, block by block, by the rules of the format and not by what the writer does; and
 * a link that is captured behaves like one that is not, disk full or not.
 */
#include "rig/rig.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_version.h>

#include "link_frames.h"
#include "logged.h"
#include "stack/log.h"

static struct rte_mempool *pa, *pb;
static struct mr_link *a, *b; /* a is captured */
static char path[32];

static void
new_path(void)
{
	int fd;

	strcpy(path, "/tmp/test_sniffer_XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
make(uint32_t snaplen, uint32_t depth)
{
	struct mr_link *inner;

	new_path();
	pa = lf_pool("sniffer_a", 255, 2048);
	pb = lf_pool("sniffer_b", 255, 2048);
	ck_assert_int_eq(mr_pair_create(pa, pb, 1500, depth, &inner, &b), 0);
	ck_assert_int_eq(mr_sniffer_wrap(inner, path, snaplen, &a), 0);
}

static void
done(void)
{
	a->ops->close(a);
	b->ops->close(b);
	lf_pool_done(pa);
	lf_pool_done(pb);
}

/* The whole file; the caller frees it. The file goes. */
static uint8_t *
slurp(size_t *len)
{
	FILE *f = fopen(path, "rb");
	uint8_t *buf;

	ck_assert_ptr_nonnull(f);
	fseek(f, 0, SEEK_END);
	*len = ftell(f);
	rewind(f);
	buf = malloc(*len + 1);
	ck_assert_uint_eq(fread(buf, 1, *len, f), *len);
	fclose(f);
	unlink(path);
	return buf;
}

static uint32_t
u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint16_t
u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* A file that is being read. */
struct reader {
	uint8_t *buf;
	size_t len, off;
	const uint8_t *body; /* of the block at hand */
	uint32_t body_len;
};

static uint32_t
block_next(struct reader *r)
{
	const uint8_t *p = r->buf + r->off;
	uint32_t len;

	ck_assert_uint_le(r->off + 12, r->len);
	len = u32(p + 4);
	ck_assert_uint_eq(len % 4, 0);
	ck_assert_uint_ge(len, 12);
	ck_assert_uint_le(r->off + len, r->len);
	ck_assert_uint_eq(u32(p + len - 4), len);
	r->body = p + 8;
	r->body_len = len - 12;
	r->off += len;
	return u32(p);
}

/* Value of an option among those that start at `off` of the body; the end mark must be there, at the body's end. */
static const uint8_t *
option(const struct reader *r, uint32_t off, uint16_t code, uint16_t *len)
{
	const uint8_t *found = NULL;

	for (;; off += 4 + RTE_ALIGN_CEIL(u16(r->body + off + 2), 4)) {
		ck_assert_uint_le(off + 4, r->body_len);
		if (!u16(r->body + off))
			break;
		if (u16(r->body + off) == code) {
			found = r->body + off + 4;
			*len = u16(r->body + off + 2);
		}
	}
	ck_assert_uint_eq(u16(r->body + off + 2), 0);
	ck_assert_uint_eq(off + 4, r->body_len);
	return found;
}

static void
expect_option(const struct reader *r, uint32_t off, uint16_t code, const void *value, uint16_t value_len)
{
	uint16_t len;
	const uint8_t *v = option(r, off, code, &len);

	ck_assert_msg(v != NULL, "no option %u", code);
	ck_assert_uint_eq(len, value_len);
	ck_assert_mem_eq(v, value, value_len);
}

static struct reader
file_open(uint16_t linktype, uint32_t snaplen)
{
	struct reader r = {0};

	r.buf = slurp(&r.len);
	ck_assert_uint_eq(block_next(&r), 0x0a0d0d0a);
	ck_assert_uint_eq(u32(r.body), 0x1a2b3c4d);
	ck_assert_uint_eq(u16(r.body + 4), 1);
	ck_assert_uint_eq(u16(r.body + 6), 0);
	ck_assert_mem_eq(r.body + 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	expect_option(&r, 16, 3, rte_version(), strlen(rte_version()));
	ck_assert_uint_eq(block_next(&r), 1);
	ck_assert_uint_eq(u16(r.body), linktype);
	ck_assert_uint_eq(u16(r.body + 2), 0);
	ck_assert_uint_eq(u32(r.body + 4), snaplen);
	expect_option(&r, 8, 9, "\x09", 1); /* nanoseconds */
	return r;
}

/* The next block is frame `nr`, of which `cap` bytes are kept. */
static void
expect_frame(struct reader *r, uint64_t now_ns, uint32_t direction, uint32_t nr, uint32_t len, uint32_t cap)
{
	ck_assert_uint_eq(block_next(r), 6);
	ck_assert_uint_eq(u32(r->body), 0);
	ck_assert_uint_eq((uint64_t)u32(r->body + 4) << 32 | u32(r->body + 8), now_ns);
	ck_assert_uint_eq(u32(r->body + 12), cap);
	ck_assert_uint_eq(u32(r->body + 16), len);
	for (uint32_t i = 0; i < cap; i++)
		ck_assert_uint_eq(r->body[20 + i], lf_expect(nr, i));
	for (uint32_t i = cap; i % 4; i++)
		ck_assert_uint_eq(r->body[20 + i], 0);
	expect_option(r, 20 + RTE_ALIGN_CEIL(cap, 4), 2, &direction, 4);
}

static void
file_done(struct reader *r)
{
	ck_assert_uint_eq(r->off, r->len);
	free(r->buf);
}

START_TEST(both_directions)
{
	uint64_t late = 0x123456789abcdefull;
	uint8_t addr[6];
	struct reader r;
	struct rte_mbuf *m;

	make(0, 8);
	memcpy(addr, a->lladdr.b, 6);
	lf_send(a, 5, lf_frame(pa, 1, 64));
	lf_send(b, 6, lf_frame(pb, 2, 65));
	ck_assert_uint_eq(lf_rx(a, 7, &m, 1), 1);
	lf_check(m, 2, 65);
	lf_send(a, late, lf_frame_segs(pa, 3, 1514, 100));
	ck_assert_uint_eq(lf_rx(b, late, &m, 1), 1);
	lf_check(m, 1, 64);
	ck_assert_uint_eq(lf_rx(b, late, &m, 1), 1);
	lf_check(m, 3, 1514);
	done();
	r = file_open(1, 0);
	expect_option(&r, 8, 6, addr, 6);
	expect_option(&r, 8, 2, "pair.0", 6);
	expect_frame(&r, 5, 2, 1, 64, 64);
	expect_frame(&r, 7, 1, 2, 65, 65);
	expect_frame(&r, late, 2, 3, 1514, 1514);
	file_done(&r);
}
END_TEST

START_TEST(snaplen)
{
	struct reader r;

	make(50, 8);
	lf_send(a, 1, lf_frame_segs(pa, 1, 200, 30));
	lf_send(a, 2, lf_frame(pa, 2, 50));
	lf_send(a, 3, lf_frame(pa, 3, 49));
	lf_send(a, 4, lf_frame(pa, 4, 51));
	done();
	r = file_open(1, 50);
	expect_frame(&r, 1, 2, 1, 200, 50);
	expect_frame(&r, 2, 2, 2, 50, 50);
	expect_frame(&r, 3, 2, 3, 49, 49);
	expect_frame(&r, 4, 2, 4, 51, 50);
	file_done(&r);
}
END_TEST

/* What the inner link refuses stays with the caller and is written when it is taken, once. */
START_TEST(refused_frames)
{
	struct rte_mbuf *p[100], *q[100];
	struct reader r;

	make(0, 70); /* more than one burst of the sniffer's */
	for (uint32_t i = 0; i < 100; i++)
		p[i] = lf_frame(pa, i, 60);
	ck_assert_uint_eq(lf_tx(a, 1, p, 100), 70);
	ck_assert_uint_eq(lf_tx(a, 2, p + 70, 30), 0);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(p[70]), 1);
	ck_assert_uint_eq(lf_rx(b, 3, q, 100), 70);
	ck_assert_uint_eq(lf_tx(a, 4, p + 70, 30), 30);
	ck_assert_uint_eq(lf_rx(b, 4, q + 70, 100), 30);
	for (uint32_t i = 0; i < 100; i++)
		lf_check(q[i], i, 60);
	done();
	r = file_open(1, 0);
	for (uint32_t i = 0; i < 100; i++)
		expect_frame(&r, i < 70 ? 1 : 4, 2, i, 60, 60);
	file_done(&r);
}
END_TEST

/* A frame that the sender shares is written, sent, and still the sender's. */
START_TEST(shared_frame)
{
	struct reader r;
	struct rte_mbuf *m;

	make(0, 8);
	m = lf_frame_segs(pa, 1, 100, 40);
	rte_pktmbuf_refcnt_update(m, 1);
	lf_send(a, 1, m);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m), 1);
	ck_assert_uint_eq(rte_mbuf_refcnt_read(m->next), 1);
	lf_check(m, 1, 100);
	done();
	r = file_open(1, 0);
	expect_frame(&r, 1, 2, 1, 100, 100);
	file_done(&r);
}
END_TEST

/* Links without a link header are told apart by the link type. */
START_TEST(raw_link)
{
	struct mr_link_cfg cfg = {.n_queues = 1, .rx_pools = &pb};
	struct mr_link *inner;
	struct rte_mbuf *m;
	struct reader r;

	new_path();
	pa = lf_pool("sniffer_a", 63, 2048);
	pb = lf_pool("sniffer_b", 63, 2048);
	ck_assert_int_eq(mr_link_open("loopback", &cfg, &inner), 1);
	ck_assert_int_eq(mr_sniffer_wrap(inner, path, 0, &a), 0);
	lf_send(a, 1, lf_frame(pa, 1, 64));
	ck_assert_uint_eq(lf_rx(a, 2, &m, 1), 1);
	lf_check(m, 1, 64);
	a->ops->close(a);
	lf_pool_done(pa);
	lf_pool_done(pb);
	r = file_open(101, 0);
	expect_frame(&r, 1, 2, 1, 64, 64);
	expect_frame(&r, 2, 1, 1, 64, 64);
	file_done(&r);
}
END_TEST

START_TEST(stop_completes_the_file)
{
	struct reader r;
	struct stat st;

	make(0, 8);
	lf_send(a, 1, lf_frame(pa, 1, 64));
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_gt(st.st_size, 0); /* the header is there from the start */
	a->ops->stop(a);
	r = file_open(1, 0);
	expect_frame(&r, 1, 2, 1, 64, 64);
	file_done(&r);
	done();
}
END_TEST

/* One run of a lossy line, captured: what is in the file depends on the seed alone. */
static uint8_t *
capture(uint64_t seed, size_t *len)
{
	struct mr_impair_cfg cfg = {.seed = seed, .loss_ppm = 200000, .delay_ns = 1000, .jitter_ns = 5000};
	struct mr_link *inner, *line;
	struct rte_mbuf *m;

	new_path();
	pa = lf_pool("sniffer_a", 255, 2048);
	pb = lf_pool("sniffer_b", 255, 2048);
	ck_assert_int_eq(mr_pair_create(pa, pb, 1500, 64, &inner, &b), 0);
	memcpy(inner->lladdr.b, "\x02\0\0\0\0\1", 6); /* addresses are counted on within one process */
	ck_assert_int_eq(mr_sniffer_wrap(inner, path, 0, &a), 0);
	ck_assert_int_eq(mr_impair_wrap(a, &cfg, &line), 0);
	for (uint32_t i = 0; i < 200; i++) {
		lf_send(line, i * 1000, lf_frame(pa, i, 64 + i));
		while (lf_rx(b, i * 1000, &m, 1))
			rte_pktmbuf_free(m);
	}
	line->ops->close(line);
	b->ops->close(b);
	lf_pool_done(pa);
	lf_pool_done(pb);
	return slurp(len);
}

START_TEST(same_seed_same_bytes)
{
	size_t n1, n2, n3;
	uint8_t *f1 = capture(1, &n1), *f2 = capture(1, &n2), *f3 = capture(2, &n3);

	ck_assert_uint_gt(n1, 10000);
	ck_assert_uint_eq(n1, n2);
	ck_assert_mem_eq(f1, f2, n1);
	ck_assert(n1 != n3 || memcmp(f1, f3, n1));
	free(f1);
	free(f2);
	free(f3);
}
END_TEST

START_TEST(file_errors)
{
	struct mr_link *inner, *out = NULL;

	pa = lf_pool("sniffer_a", 63, 2048);
	pb = lf_pool("sniffer_b", 63, 2048);
	ck_assert_int_eq(mr_pair_create(pa, pb, 1500, 8, &inner, &b), 0);
	ck_assert_int_eq(mr_sniffer_wrap(inner, "/nowhere/at/all", 0, &out), -ENOENT);
	ck_assert_int_eq(mr_sniffer_wrap(inner, "/tmp", 0, &out), -EISDIR);
	ck_assert_int_eq(mr_sniffer_wrap(inner, "/dev/full", 0, &out), -ENOSPC);
	ck_assert_ptr_null(out);
	a = inner; /* still the caller's */
	lf_send(a, 0, lf_frame(pa, 1, 64));
	done();
}
END_TEST

/* The disk fills up in the middle: the link works on, and it is told once, with how much is missing. */
START_TEST(disk_full)
{
	struct rlimit lim, old;
	struct rte_mbuf *m;
	const char *text;

	make(0, 8);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	lim = old;
	lim.rlim_cur = 1024 * 1024;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &lim), 0);
	log_begin();
	for (uint32_t i = 0; i < 2000; i++) {
		lf_send(a, i, lf_frame(pa, i, 1514));
		ck_assert_uint_eq(lf_rx(b, i, &m, 1), 1);
		lf_check(m, i, 1514);
	}
	ck_assert_str_eq(logged(), ""); /* nothing is logged on the packet path */
	a->ops->stop(a);
	a->ops->stop(a);
	done();
	text = log_end();
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_ptr_nonnull(strstr(text, path));
	ck_assert_ptr_nonnull(strstr(text, "File too large"));
	ck_assert_ptr_nonnull(strstr(text, "frames are missing"));
	ck_assert_ptr_null(strstr(strstr(text, "capture ") + 1, "capture "));
	unlink(path);
}
END_TEST

START_TEST(shows_the_inner_link)
{
	make(0, 8);
	ck_assert_str_eq(a->driver, "sniffer");
	ck_assert_str_eq(a->inner->driver, "pair");
	ck_assert_str_eq(a->framing, "ether");
	ck_assert_uint_eq(a->caps, a->inner->caps);
	ck_assert_uint_eq(a->mtu, 1500);
	ck_assert_mem_eq(&a->lladdr, &a->inner->lladdr, sizeof(a->lladdr));
	ck_assert_int_eq(a->ops->start(a), 0);
	ck_assert(a->ops->is_up(a));
	ck_assert_uint_eq(a->ops->next_ns(a), UINT64_MAX);
	lf_send(b, 0, lf_frame(pb, 1, 64));
	ck_assert_uint_eq(a->ops->next_ns(a), 0);
	lf_send(a, 0, lf_frame(pa, 1, 64));
	ck_assert_uint_eq(lf_stats(a).tx_packets, 1);
	done();
	unlink(path);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("sniffer");
	TCase *t = rig_case(s, "file", NULL, NULL);

	lf_private_memory();
	tcase_add_test(t, both_directions);
	tcase_add_test(t, snaplen);
	tcase_add_test(t, refused_frames);
	tcase_add_test(t, shared_frame);
	tcase_add_test(t, raw_link);
	tcase_add_test(t, stop_completes_the_file);
	tcase_add_test(t, same_seed_same_bytes);
	tcase_add_test(t, file_errors);
	tcase_add_test(t, disk_full);
	tcase_add_test(t, shows_the_inner_link);
	return s;
}

RIG_MAIN(suite)
