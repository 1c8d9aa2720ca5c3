/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fast Open, a listener's half (RFC 7413): who gets a cookie, and which one is good.
 *
 * Requirements by number: FO-n of RFC 7413.
 */
#include <rte_common.h>

#include "fastopen.h"

/* FO-01: a listener that has not asked for it gives no cookies and takes no data from SYNs. */
START_TEST(off_by_default)
{
	int64_t v;

	setup_for(true, 4);
	learn_cookie();
	ck_assert_int_eq(mr_ep_setopt(t.listener, MR_OPT_TCP_FASTOPEN, 0), 0);
	ck_assert_int_eq(mr_ep_getopt(t.listener, MR_OPT_TCP_FASTOPEN, &v), 0);
	ck_assert_int_eq(v, 0);
	rig_mark(&rig);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	ck_assert(!expect_syn_ack(1)->has_fo);
	another();
	push_syn(100);
	ck_assert(!expect_syn_ack(1)->has_fo);
	rig_tcp_push(&t, RIG_ACK, 1, 1, 100);
	rig_poll(&rig);
	ck_assert_int_eq(mr_ep_accept(t.listener, &t.ep), 0);
	rig_ep_recv(t.ep, 0, 100);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 0);
}
END_TEST

/* FO-02: 4 to 16 bytes, the same for all ports of an address and another for each address; in a SYN|ACK only if asked for. */
START_TEST(cookie_given)
{
	uint8_t first[COOKIE];
	const struct rig_frame *f;

	setup_for(_i, 4);
	learn_cookie();
	ck_assert_uint_eq(cookie_len, COOKIE);
	memcpy(first, cookie, COOKIE);
	learn_cookie();
	ck_assert_mem_eq(first, cookie, COOKIE);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0);
	ck_assert(!expect_syn_ack(1)->has_fo);
	/* Again, as the record stands for it. */
	another();
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	expect_syn_ack(1);
	rig_tcp_push(&t, RIG_SYN, 0, 0, 0, .ask_fo = true);
	f = expect_syn_ack(1);
	ck_assert(f->has_fo && memcmp(f->fo, first, COOKIE) == 0);
}
END_TEST

/* FO-02: another address has another cookie, and that of one is no good for the other. */
START_TEST(cookie_is_of_an_address)
{
	struct rig_tcphdr h = {.ip.src = rig_addr("10.0.0.3"), .sport = 7000, .dport = 80, .seq = 1, .flags = RIG_SYN, .wnd = 1000,
	                       .opts = (uint8_t[]){34, 2}, .opts_len = 2};
	struct mr_addr other = rig_addr("10.0.0.3");
	struct mr_lladdr mac = {{2, 0, 0, 0, 0, 2}, 6};
	const struct rig_frame *f;
	uint8_t opts[2 + COOKIE] = {34, 2 + COOKIE};

	ck_assert_int_eq(mr_neigh_add(rig.stack, RIG_NIC, &other, &mac), 0);
	learn_cookie();
	rig_push_tcphdr_spec(&rig, &h);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert(f->has_fo && f->fo_len == COOKIE && memcmp(f->fo, cookie, COOKIE) != 0);
	h.sport++;
	h.opts = opts;
	h.opts_len = sizeof(opts);
	h.len = 10;
	memcpy(opts + 2, cookie, COOKIE);
	rig_mark(&rig);
	rig_push_tcphdr_spec(&rig, &h);
	f = rig_expect(&rig, RIG_TCP);
	ck_assert_uint_eq(f->ack, 2);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_BAD_COOKIE), 1);
	/* It gets its own with the answer. */
	ck_assert(f->has_fo && memcmp(f->fo, cookie, COOKIE) != 0);
}
END_TEST

/* A cookie of the wrong length, or with a wrong bit, is none: the handshake is the ordinary one, and brings the right one. */
START_TEST(wrong_cookie)
{
	static const uint8_t lens[] = {4, 6, 10, 16};
	const struct rig_frame *f;
	uint8_t bad[16] = {0};

	learn_cookie();
	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		memcpy(bad, cookie, COOKIE);
		rig_tcp_push(&t, RIG_SYN, 0, 0, 100, .fo = bad, .fo_len = lens[i]);
		f = expect_syn_ack(1);
		ck_assert(f->has_fo && memcmp(f->fo, cookie, COOKIE) == 0);
		another();
	}
	for (unsigned bit = 0; bit < COOKIE * 8; bit += 7) {
		memcpy(bad, cookie, COOKIE);
		bad[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rig_tcp_push(&t, RIG_SYN, 0, 0, 100, .fo = bad, .fo_len = COOKIE);
		expect_syn_ack(1);
		another();
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 0);
	begin(100);
}
END_TEST

/* RFC 7413 2: an option of an impossible length is as if it were not there. */
START_TEST(impossible_length)
{
	static const uint8_t lens[] = {3, 4, 5, 7, 17, 19, 20};
	uint8_t opts[20] = {34};

	for (unsigned i = 0; i < RTE_DIM(lens); i++) {
		opts[1] = lens[i];
		rig_tcp_push(&t, RIG_SYN, 0, 0, 100, .opts = opts, .opts_len = lens[i]);
		ck_assert(!expect_syn_ack(1)->has_fo);
		another();
	}
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_BAD_COOKIE), 0);
}
END_TEST

/* FO-02: the key is another one every day; what was good yesterday is so today, and a new one comes with the answer. */
START_TEST(key_of_the_day)
{
	uint8_t old[COOKIE];
	const struct rig_frame *f;

	learn_cookie();
	memcpy(old, cookie, COOKIE);
	rig_advance(&rig, 86400 * RIG_S);
	rig_discard(&rig);
	rig_mark(&rig);
	push_syn(100);
	f = expect_syn_ack(101);
	ck_assert(f->has_fo && f->fo_len == COOKIE && memcmp(f->fo, old, COOKIE) != 0);
	memcpy(cookie, f->fo, COOKIE);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 1);
	another();
	push_syn(100);
	ck_assert(!expect_syn_ack(101)->has_fo);
	another();
	rig_advance(&rig, 86400 * RIG_S);
	rig_discard(&rig);
	begin(100);
	another();
	memcpy(cookie, old, COOKIE);
	expect_ordinary();
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_BAD_COOKIE), 1);
}
END_TEST

/* The stacks of a host take each other's: they have one secret. Others have not. */
START_TEST(secret)
{
	struct mr_stack_opts o = {.seed = 77, .secret = {5, 6}};
	uint8_t first[COOKIE];

	for (unsigned i = 0; i < 3; i++) {
		o.seed += i;
		o.secret[1] += i == 2;
		setup_with(&o);
		learn_cookie();
		if (i == 0)
			memcpy(first, cookie, COOKIE);
		else
			ck_assert_int_eq(memcmp(first, cookie, COOKIE) == 0, i == 1);
	}
}
END_TEST

/* While SYNs get SYN cookies there is no Fast Open, and no cookie of it. */
START_TEST(not_with_syn_cookies)
{
	const struct rig_frame *f;

	learn_cookie();
	ck_assert_int_eq(mr_transproto_setopt(rig.stack, MR_TRANS_TCP, MR_OPT_TCP_SYNCOOKIES, MR_TCP_SYNCOOKIES_ALWAYS), 0);
	push_syn(100);
	f = expect_syn_ack(1);
	ck_assert(!f->has_fo);
	ck_assert_uint_eq(rig_moved(&rig, MR_CNT_TCP_FASTOPEN_PASSIVE), 0);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("tcp_fastopen_cookie");
	TCase *tc = rig_case(s, "cookie", setup, rig_teardown);

	tcase_add_test(tc, off_by_default);
	tcase_add_loop_test(tc, cookie_given, 0, 2);
	tcase_add_test(tc, cookie_is_of_an_address);
	tcase_add_test(tc, wrong_cookie);
	tcase_add_test(tc, impossible_length);
	tcase_add_test(tc, key_of_the_day);
	tcase_add_test(tc, secret);
	tcase_add_test(tc, not_with_syn_cookies);
	return s;
}

RIG_MAIN(suite)
