/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses, prefixes and link addresses as values: both families, text both ways, and what must be refused. Also the
 * library's names for itself and for its counters.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "stack/log.h"
#include "stack/rng.h"

static struct mr_addr
addr(const char *text)
{
	struct mr_addr a;

	ck_assert_msg(mr_addr_parse(text, &a) == 0, "%s", text);
	return a;
}

static struct mr_subnet
subnet(const char *text)
{
	struct mr_subnet s;

	ck_assert_msg(mr_subnet_parse(text, &s) == 0, "%s", text);
	return s;
}

START_TEST(v4_is_held_mapped)
{
	static const uint8_t want[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1};
	struct mr_addr a = mr_addr_v4(0x0a000001), b = addr("10.0.0.1"), c = addr("::ffff:10.0.0.1");

	ck_assert_mem_eq(a.b, want, 16);
	ck_assert(mr_addr_equal(&a, &b));
	ck_assert(mr_addr_equal(&a, &c));
	ck_assert(mr_addr_is_v4(&a));
	ck_assert_uint_eq(mr_addr_net(&a), MR_NET_IPV4);
}
END_TEST

static const struct {
	const char *text;
	bool v4, any, multicast, linklocal, loopback;
} classes[] = {
	{"0.0.0.0", .v4 = true, .any = true},
	{"::", .any = true},
	{"0.0.0.1", .v4 = true},
	{"::1", .loopback = true},
	{"::2"},
	{"::101"},
	{"1::1"},
	{"::7f00:1"},
	{"127.0.0.1", .v4 = true, .loopback = true},
	{"127.255.255.255", .v4 = true, .loopback = true},
	{"126.255.255.255", .v4 = true},
	{"128.0.0.1", .v4 = true},
	{"223.255.255.255", .v4 = true},
	{"224.0.0.0", .v4 = true, .multicast = true},
	{"239.255.255.255", .v4 = true, .multicast = true},
	{"240.0.0.0", .v4 = true},
	{"255.255.255.255", .v4 = true},
	{"169.254.1.1", .v4 = true},
	{"fe7f:ffff::1"},
	{"fe80::1", .linklocal = true},
	{"febf:ffff::1", .linklocal = true},
	{"fec0::1"},
	{"feff::1"},
	{"ff00::", .multicast = true},
	{"ff02::1", .multicast = true},
	{"2001:db8::e000:1"},
	{"::fffe:10.0.0.1"},
	{"0:0:1::ffff:a00:1"},
};

START_TEST(classes_of_addresses)
{
	struct mr_addr a = addr(classes[_i].text);

	ck_assert_int_eq(mr_addr_is_v4(&a), classes[_i].v4);
	ck_assert_int_eq(mr_addr_is_any(&a), classes[_i].any);
	ck_assert_int_eq(mr_addr_is_multicast(&a), classes[_i].multicast);
	ck_assert_int_eq(mr_addr_is_linklocal(&a), classes[_i].linklocal);
	ck_assert_int_eq(mr_addr_is_loopback(&a), classes[_i].loopback);
	ck_assert_uint_eq(mr_addr_net(&a), classes[_i].v4 ? MR_NET_IPV4 : MR_NET_IPV6);
}
END_TEST

START_TEST(equal_looks_at_every_byte)
{
	struct mr_addr a = addr("2001:db8::1"), b;

	for (unsigned bit = 0; bit < 128; bit++) {
		b = a;
		ck_assert(mr_addr_equal(&a, &b));
		b.b[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		ck_assert(!mr_addr_equal(&a, &b));
	}
}
END_TEST

/* In, and out in the form of RFC 5952 section 4. */
static const char *const texts[][2] = {
	{"10.0.0.1", "10.0.0.1"},
	{"255.255.255.255", "255.255.255.255"},
	{"0.0.0.0", "0.0.0.0"},
	{"::ffff:192.0.2.7", "192.0.2.7"},
	{"::ffff:c000:207", "192.0.2.7"},
	{"::", "::"},
	{"::1", "::1"},
	{"2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"},
	{"2001:DB8::A", "2001:db8::a"},
	{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
	{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
	{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
	{"1:2:3:4:5:6::", "1:2:3:4:5:6::"},
	{"::3:4:5:6:7:8", "::3:4:5:6:7:8"},
	{"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
	{"fe80::0001", "fe80::1"},
};

START_TEST(text_in_and_out)
{
	char buf[MR_ADDR_STRLEN];
	struct mr_addr a = addr(texts[_i][0]), b;

	ck_assert_ptr_eq(mr_addr_format(&a, buf, sizeof(buf)), buf);
	ck_assert_str_eq(buf, texts[_i][1]);
	b = addr(buf);
	ck_assert(mr_addr_equal(&a, &b));
}
END_TEST

static const char *const bad_addrs[] = {
	"", " ", "10.0.0", "10.0.0.256", "10.0.0.1.2", "10.0.0.1 ", " 10.0.0.1", "0x0a.0.0.1", "10.0.0.-1", "10..0.1", "a",
	"1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "g::", ":", ":::", "::1%eth0", "::1/64",
	"::ffff:10.0.0.256", "fe80::1%1", "10.0.0.1:80", "[::1]",
};

START_TEST(bad_addresses_are_refused)
{
	struct mr_addr a = addr("192.0.2.1"), before = a;

	ck_assert_int_eq(mr_addr_parse(bad_addrs[_i], &a), -EINVAL);
	ck_assert(mr_addr_equal(&a, &before));
}
END_TEST

START_TEST(format_never_writes_past_its_buffer)
{
	struct mr_addr a = addr("2001:db8:1:2:3:4:5:6");
	char buf[8];

	for (size_t size = 0; size < sizeof(buf); size++) {
		memset(buf, 'x', sizeof(buf));
		ck_assert_ptr_eq(mr_addr_format(&a, buf, size), buf);
		if (size > 0)
			ck_assert_str_eq(buf, "");
		for (size_t i = size; i < sizeof(buf); i++)
			ck_assert_int_eq(buf[i], 'x');
	}
}
END_TEST

START_TEST(subnets_are_parsed)
{
	struct mr_subnet s = subnet("10.1.2.3/8");
	struct mr_addr a = addr("10.1.2.3");

	ck_assert_uint_eq(s.plen, 8);
	ck_assert(mr_addr_equal(&s.addr, &a)); /* host bits stay */
	ck_assert_uint_eq(subnet("10.0.0.1").plen, 32);
	ck_assert_uint_eq(subnet("2001:db8::1").plen, 128);
	ck_assert_uint_eq(subnet("0.0.0.0/0").plen, 0);
	ck_assert_uint_eq(subnet("::/0").plen, 0);
	ck_assert_uint_eq(subnet("::/128").plen, 128);
	ck_assert_uint_eq(subnet("::ffff:10.0.0.0/104").plen, 8);
	ck_assert_uint_eq(subnet("::ffff:10.0.0.0").plen, 32);
}
END_TEST

static const char *const bad_subnets[] = {
	"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8", "10.0.0.0/8 ",
	"10.0.0.0/8/8",
	"10.0.0.0/0008", "10.0.0.0/256", "10.0.0.0/264", "10.0.0.0/4294967304", "10.0.0.0/x", "10.0.0/8", "::/129",
	"::ffff:10.0.0.0/24", "::ffff:10.0.0.0/129", "g::/64",
	"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64",
};

START_TEST(bad_subnets_are_refused)
{
	struct mr_subnet s = subnet("192.0.2.0/24");

	ck_assert_int_eq(mr_subnet_parse(bad_subnets[_i], &s), -EINVAL);
	ck_assert_uint_eq(s.plen, 24);
}
END_TEST

static bool
contains(const char *net, const char *a)
{
	struct mr_subnet s = subnet(net);
	struct mr_addr b = addr(a);

	return mr_subnet_contains(&s, &b);
}

START_TEST(subnets_contain)
{
	ck_assert(contains("10.1.0.0/16", "10.1.255.255"));
	ck_assert(!contains("10.1.0.0/16", "10.2.0.0"));
	ck_assert(contains("10.1.2.3/31", "10.1.2.2"));
	ck_assert(!contains("10.1.2.3/32", "10.1.2.2"));
	ck_assert(contains("0.0.0.0/0", "255.255.255.255"));
	ck_assert(!contains("0.0.0.0/0", "::1"));
	ck_assert(!contains("::/0", "10.0.0.1")); /* the families are apart, though the inner form would match */
	ck_assert(contains("::/0", "ffff::"));
	ck_assert(contains("2001:db8::/64", "2001:db8::ffff:0:0:1"));
	ck_assert(!contains("2001:db8::/64", "2001:db8:0:1::"));
	ck_assert(contains("2001:db8::8/125", "2001:db8::f"));
	ck_assert(!contains("2001:db8::8/125", "2001:db8::10"));
}
END_TEST

/* Against the definition: the first plen bits agree. */
START_TEST(subnets_contain_by_definition)
{
	struct mr_rng r;

	mr_rng_seed(&r, 1);
	for (int n = 0; n < 20000; n++) {
		bool v4 = mr_rng_below(&r, 2);
		unsigned bits = v4 ? 32 : 128, plen = mr_rng_below(&r, bits + 1), same = 0;
		struct mr_addr a = v4 ? mr_addr_v4(mr_rng_u32(&r)) : addr("2001:db8::");
		struct mr_subnet s = {.addr = a, .plen = (uint8_t)plen};
		unsigned flip = 128 - bits + mr_rng_below(&r, bits);

		if (!v4)
			a.w[3] = s.addr.w[3] = mr_rng_u32(&r);
		a.b[flip / 8] ^= (uint8_t)(0x80 >> (flip % 8));
		same = flip - (128 - bits);
		ck_assert_int_eq(mr_subnet_contains(&s, &a), same >= plen);
		ck_assert(mr_subnet_contains(&s, &s.addr));
	}
}
END_TEST

START_TEST(lladdrs_are_parsed)
{
	static const uint8_t want[6] = {0x02, 0x00, 0x5e, 0xab, 0xcd, 0xef};
	static const char *const bad[] = {
		"", "02:00:5e:ab:cd", "02:00:5e:ab:cd:e", "02:00:5e:ab:cd:ef:", "02:00:5e:ab:cd:ef:00", "02-00-5e-ab-cd-ef",
		"2:0:5e:ab:cd:ef", "02:00:5e:ab:cd:eg", "0x:00:5e:ab:cd:ef", "+2:00:5e:ab:cd:ef", " 2:00:5e:ab:cd:ef",
		"02005eabcdef", "02:00:5e:ab:cd.ef", "02:00:5e:ab:cd:\xcf\x41",
	};
	struct mr_lladdr ll = {.len = 0};

	ck_assert_int_eq(mr_lladdr_parse("02:00:5e:aB:Cd:EF", &ll), 0);
	ck_assert_uint_eq(ll.len, 6);
	ck_assert_mem_eq(ll.b, want, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(mr_lladdr_parse(bad[i], &ll) == -EINVAL, "%s", bad[i]);
		ck_assert_mem_eq(ll.b, want, 6);
	}
}
END_TEST

START_TEST(names)
{
	unsigned major, minor, patch;
	char rest;

	ck_assert_int_eq(sscanf(mr_version(), "%u.%u.%u%c", &major, &minor, &patch, &rest), 3);
	ck_assert_int_ge(mr_logtype, 0);
	for (unsigned i = 0; i < MR_CNT_MAX; i++) {
		const char *name = mr_counter_name(i);

		ck_assert_int_eq(mr_counter_is_drop(i), strncmp(name, "drop_", 5) == 0);
		ck_assert_int_gt((int)strlen(mr_counter_help(i)), 0);
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(mr_counter_name(j), name);
	}
	ck_assert_str_eq(mr_counter_name(MR_CNT_TCP_RX_SEGMENTS), "tcp_rx_segments");
	ck_assert_str_eq(mr_counter_name(MR_DROP_UDP_NO_PORT), "drop_udp_no_port");
	ck_assert_ptr_null(mr_counter_name(MR_CNT_MAX));
	ck_assert_ptr_null(mr_counter_help(MR_CNT_MAX));
	ck_assert(!mr_counter_is_drop(MR_CNT_MAX));
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

static Suite *
suite(void)
{
	Suite *s = suite_create("addr");
	TCase *tc = rig_case(s, "addr", NULL, NULL);

	tcase_add_test(tc, v4_is_held_mapped);
	tcase_add_loop_test(tc, classes_of_addresses, 0, N(classes));
	tcase_add_test(tc, equal_looks_at_every_byte);
	tcase_add_loop_test(tc, text_in_and_out, 0, N(texts));
	tcase_add_loop_test(tc, bad_addresses_are_refused, 0, N(bad_addrs));
	tcase_add_test(tc, format_never_writes_past_its_buffer);
	tcase_add_test(tc, subnets_are_parsed);
	tcase_add_loop_test(tc, bad_subnets_are_refused, 0, N(bad_subnets));
	tcase_add_test(tc, subnets_contain);
	tcase_add_test(tc, subnets_contain_by_definition);
	tcase_add_test(tc, lladdrs_are_parsed);
	tcase_add_test(tc, names);
	return s;
}

RIG_MAIN(suite)
