/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TCP sends from the application's own memory (mr_ep_send_mbuf with an external buffer): what leaves the link is what leaves
 * it when the same is copied, byte for byte; the memory is never written to, and is given back when nothing needs it any more,
 * each piece once.
 */
#include "tcp_wire.h"

#include <sys/mman.h>

#define PIECE 60000u /* of a write: an mbuf's lengths have 16 bits */

/* A written piece of memory, read-only from then on. */
struct piece {
	struct rte_mbuf_ext_shared_info info;
	uint8_t *b;
	size_t size;
};

static unsigned out; /* pieces that are not back yet */

static void
piece_back(void *addr, void *piece)
{
	struct piece *p = piece;

	ck_assert_ptr_eq(addr, p->b);
	ck_assert_uint_gt(out, 0);
	out--;
	munmap(p->b, p->size);
	free(p);
}

static struct rte_mbuf *
piece_make(uint32_t off, uint32_t n)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(mr_stack_tx_pool(rig.stack));
	struct piece *p = calloc(1, sizeof(*p));

	ck_assert(m && p);
	p->size = n;
	p->b = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(p->b, MAP_FAILED);
	rig_pattern_fill(p->b, off, n);
	mprotect(p->b, n, PROT_READ);
	p->info.free_cb = piece_back;
	p->info.fcb_opaque = p;
	rte_mbuf_ext_refcnt_set(&p->info, 1);
	rte_pktmbuf_attach_extbuf(m, p->b, 0, (uint16_t)n, &p->info);
	m->pkt_len = m->data_len = (uint16_t)n;
	out++;
	return m;
}

static void
write_external(uint32_t off, uint32_t n)
{
	struct rte_mbuf *head = NULL;

	for (uint32_t k; n > 0; off += k, n -= k) {
		struct rte_mbuf *m;

		k = RTE_MIN(n, PIECE);
		m = piece_make(off, k);
		if (!head)
			head = m;
		else
			ck_assert_int_eq(rte_pktmbuf_chain(head, m), 0);
	}
	n = head->pkt_len;
	ck_assert_int_eq(mr_ep_send_mbuf(t.ep, head, NULL), n);
}

static void
setup(void)
{
	write_once = write_external;
	out = 0;
	start(TSO_V4, 64, false, false, false);
}

/* By bits: IPv6, timestamps, ECN, no checksums by the link; and whether it cuts segments. */
START_TEST(same_wire)
{
	bool v6 = _i & 1, ts = _i & 2, ecn = _i & 4;
	uint32_t caps = _i & 8 ? 0 : _i & 16 ? TSO_V4 : TSO_V4 & ~MR_LINK_CAP_TX_TSO;

	rig_teardown();
	start(caps, 64, v6, ts, ecn);
	play(&with);
	rig_teardown();
	ck_assert_uint_eq(out, 0);
	write_once = write_copied;
	start(caps, 64, v6, ts, ecn);
	play(&without);
	rig_teardown();
	ck_assert_uint_gt(with.n, 150000);
	ck_assert_uint_eq(with.n, without.n);
	ck_assert_int_eq(memcmp(with.b, without.b, with.n), 0);
	write_once = write_external;
	start(TSO_V4, 64, false, false, false);
}
END_TEST

/* A device reads where the application wrote: of ten full segments nothing is copied. */
START_TEST(nothing_is_copied)
{
	rig.hold = true;
	write_external(0, 10 * MSS);
	ck_assert_uint_eq(out, 1);
	rig_poll(&rig);
	rig_discard(&rig);
	/* Acknowledged: but the link still reads. */
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 10 * MSS, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(out, 1);
	rig_let_go(&rig);
	ck_assert_uint_eq(out, 0);
}
END_TEST

/* It is the peer's word that counts, piece by piece, not that it left. */
START_TEST(back_when_acknowledged)
{
	write_external(0, 5 * MSS);
	write_external(5 * MSS, 3 * MSS + 100);
	rig_poll(&rig);
	rig_discard(&rig);
	ck_assert_uint_eq(out, 2);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 4 * MSS + 7, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(out, 2);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 5 * MSS, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(out, 1);
	rig_tcp_push(&t, RIG_ACK, 1, 1 + 8 * MSS, 0); /* the rest was copied */
	rig_poll(&rig);
	ck_assert_uint_eq(out, 0);
}
END_TEST

/* A connection that ends, and a write that is refused. */
START_TEST(back_when_it_ends)
{
	write_external(0, 5 * MSS);
	rig_poll(&rig);
	if (_i)
		write_external(5 * MSS, 5 * MSS);
	rig_tcp_push(&t, RIG_RST, 1, 0, 0);
	rig_poll(&rig);
	ck_assert_uint_eq(out, 0);
	ck_assert_int_eq(mr_ep_send_mbuf(t.ep, piece_make(0, 5 * MSS), NULL), -ECONNRESET);
	ck_assert_uint_eq(out, 0);
}
END_TEST

/* Transmit mbufs end in the middle: the count tells how much was taken, and the rest can be sent again. */
START_TEST(short_of_mbufs)
{
	static struct rte_mbuf *all[1 << 16];
	struct rte_mempool *pool = mr_stack_tx_pool(rig.stack);
	struct rte_mbuf *m = piece_make(0, 40 * MSS);
	uint32_t n = 0;
	ssize_t taken;

	while ((all[n] = rte_pktmbuf_alloc(pool)))
		n++;
	for (unsigned i = 0; i < 10; i++)
		rte_pktmbuf_free(all[--n]);
	taken = mr_ep_send_mbuf(t.ep, m, NULL);
	ck_assert_int_gt(taken, 0);
	ck_assert_int_lt(taken, 40 * MSS);
	rte_pktmbuf_free_bulk(all, n);
	for (uint32_t sent = 0; sent < 40 * MSS;) {
		const struct rig_frame *f;

		rig_poll(&rig);
		if (sent == taken)
			write_external(sent, 40 * MSS - sent);
		rig_poll(&rig);
		while ((f = rig_next(&rig))) {
			ck_assert_uint_eq(rig_tcp_seq(&t, f), 1 + sent);
			ck_assert_uint_eq(rig_pattern_check(f->payload, sent, f->payload_len), f->payload_len);
			sent += f->payload_len;
		}
		rig_tcp_push(&t, RIG_ACK, 1, 1 + sent, 0);
	}
	rig_poll(&rig);
	ck_assert_uint_eq(out, 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_external");
	TCase *tc = rig_case(s, "external", setup, rig_teardown);

	tcase_add_loop_test(tc, same_wire, 0, 32);
	tcase_add_test(tc, nothing_is_copied);
	tcase_add_test(tc, back_when_acknowledged);
	tcase_add_loop_test(tc, back_when_it_ends, 0, 2);
	tcase_add_test(tc, short_of_mbufs);
	return s;
}

RIG_MAIN(suite)
