/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: what a good one becomes, read and applied. For the ways to be wrong see test_config_mistakes.c.
 */
#include "config_file.h"

#include <errno.h>

/* ---- what a good file becomes */

START_TEST(smallest_file)
{
	struct mr_config *c = good(PORT);
	const struct mr_config_port *p;
	const struct mr_host_opts *h = mr_config_host(c);

	ck_assert_uint_eq(mr_config_ports(c, &p), 1);
	ck_assert_uint_eq(p->port.nic, 1);
	ck_assert_str_eq(p->port.name, "p0");
	ck_assert_str_eq(p->port.driver, "ethdev");
	ck_assert_str_eq(p->port.link.device, "net_tap0");
	ck_assert_uint_eq(p->port.link.mtu, 0);
	ck_assert_ptr_null(p->port.impair);
	ck_assert_ptr_null(p->port.capture);
	ck_assert_uint_eq(p->n_addrs, 1);
	ck_assert_uint_eq(p->addrs[0].plen, 24);
	ck_assert_uint_eq(h->n_workers, 0);
	ck_assert_int_eq(h->idle, MR_IDLE_YIELD);
	ck_assert_uint_eq(h->stack.rx_mbufs, 0);
	mr_config_free(c);
}
END_TEST

START_TEST(host_section)
{
	struct mr_config *c = good("[host]\nworkers = 2\nidle = sleep\nmbufs = 16k\nmax_connections = 100k\n"
	                           "max_half_open = 7\nmax_time_wait = 8\nmax_endpoints = 9\nmax_neighbours = 10\n"
	                           "seed = 9223372036854775807\n" PORT);
	const struct mr_host_opts *h = mr_config_host(c);

	ck_assert_uint_eq(h->n_workers, 2);
	ck_assert_int_eq(h->idle, MR_IDLE_SLEEP);
	ck_assert_uint_eq(h->stack.rx_mbufs, 8192);
	ck_assert_uint_eq(h->stack.tx_mbufs, 8192);
	ck_assert_uint_eq(h->stack.max_conns, 102400);
	ck_assert_uint_eq(h->stack.max_half_open, 7);
	ck_assert_uint_eq(h->stack.max_time_wait, 8);
	ck_assert_uint_eq(h->stack.max_endpoints, 9);
	ck_assert_uint_eq(h->stack.max_neighbours, 10);
	ck_assert(h->stack.seed == INT64_MAX);
	mr_config_free(c);

	c = good("[host]\nrx_mbufs = 1024\ntx_mbufs=2048\nidle=busy\n" PORT);
	h = mr_config_host(c);
	ck_assert_uint_eq(h->stack.rx_mbufs, 1024);
	ck_assert_uint_eq(h->stack.tx_mbufs, 2048);
	ck_assert_int_eq(h->idle, MR_IDLE_BUSY);
	mr_config_free(c);
}
END_TEST

START_TEST(port_section)
{
	struct mr_config *c =
	        good("[port a]\ndevice=0\naddress = 10.0.0.2/24 , fd00::2/64\naddress = 10.0.1.2/32\nmtu=1400\n"
	             "queues=3\nrxd=512\ntxd=256\npromiscuous=on\nimpair = loss=1%,delay=20ms\ncapture=/tmp/x.pcapng\n"
	             "neighbour = 10.0.0.1 02:00:00:00:00:01, fd00::1 02:00:00:00:00:02\n"
	             "[port lo]\ndriver=loopback\naddress=127.0.0.1/8\n");
	const struct mr_config_port *p;
	char text[MR_ADDR_STRLEN];

	ck_assert_uint_eq(mr_config_ports(c, &p), 2);
	ck_assert_str_eq(p[0].port.link.device, "0");
	ck_assert_uint_eq(p[0].n_addrs, 3);
	ck_assert_str_eq(mr_addr_format(&p[0].addrs[0].addr, text, sizeof(text)), "10.0.0.2");
	ck_assert_str_eq(mr_addr_format(&p[0].addrs[1].addr, text, sizeof(text)), "fd00::2");
	ck_assert_uint_eq(p[0].addrs[1].plen, 64);
	ck_assert_str_eq(mr_addr_format(&p[0].addrs[2].addr, text, sizeof(text)), "10.0.1.2");
	ck_assert_uint_eq(p[0].port.link.mtu, 1400);
	ck_assert_uint_eq(p[0].port.link.n_queues, 3);
	ck_assert_uint_eq(p[1].port.link.n_queues, 0);
	ck_assert_uint_eq(p[0].port.link.rx_desc, 512);
	ck_assert_uint_eq(p[0].port.link.tx_desc, 256);
	ck_assert(p[0].port.link.promisc);
	ck_assert_str_eq(p[0].port.impair, "loss=1%,delay=20ms");
	ck_assert_str_eq(p[0].port.capture, "/tmp/x.pcapng");
	ck_assert_uint_eq(p[1].port.nic, 2);
	ck_assert_str_eq(p[1].port.driver, "loopback");
	ck_assert_ptr_null(p[1].port.link.device);
	mr_config_free(c);
}
END_TEST

START_TEST(routes_and_options_are_taken)
{
	mr_config_free(
	        good("[ip]\nttl=64\nicmp_error_rate=0\nforwarding=no\n"
	             "[tcp]\ntimewait=0\nfinwait2=10s\nmin_rto=200ms\ndelack=500us\ninit_cwnd=10\ntimestamps=no\n"
	             "wscale=TRUE\nsack=1\necn=ask\nsyn_cookies=pressed\nsyn_backlog=2k\nsndbuf=1m\nsndbuf_min=64k\nsndbuf_max=1m\nrcvbuf=64K\n"
	             "rcvbuf_min=1\nrcvbuf_max=1g\n" PORT
	             "[route default]\nto=0.0.0.0/0\nvia=10.0.0.1\nsrc=10.0.0.2\n"
	             "[route net]\nto=10.9.0.0/16\nport=p0\n"));
}
END_TEST

START_TEST(comments_and_blanks)
{
	char long_comment[700];
	char text[1000];

	memset(long_comment, 'c', sizeof(long_comment));
	long_comment[sizeof(long_comment) - 1] = '\0';
	snprintf(text, sizeof(text),
	         "# %s\n; another\n\n\t \n  [ port\tp0 ]  ; heading\r\n "
	         "device=net_tap0;comment\n\taddress\t=\t10.0.0.2/24\r\n"
	         "  # indented",
	         long_comment);
	mr_config_free(good(text));
}
END_TEST

START_TEST(application_sections)
{
	struct mr_config *c =
	        good("[echo one]\nport=7\ntag=a , b\ntag=c\n" PORT "[echo two]\nport=8\nproto=udp\nlevel=1\n");
	const struct mr_config_section *s = mr_config_next(c, "echo", NULL);

	ck_assert_str_eq(mr_config_name(s), "one");
	ck_assert_int_eq(mr_config_int(s, "port"), 7);
	ck_assert_int_eq(mr_config_int(s, "proto"), 3);
	ck_assert_int_eq(mr_config_int(s, "level"), 5);
	ck_assert(mr_config_has(s, "port"));
	ck_assert(!mr_config_has(s, "level"));
	ck_assert_str_eq(mr_config_text(s, "tag", 0), "a");
	ck_assert_str_eq(mr_config_text(s, "tag", 1), "b");
	ck_assert_str_eq(mr_config_text(s, "tag", 2), "c");
	ck_assert_ptr_null(mr_config_text(s, "tag", 3));
	s = mr_config_next(c, "echo", s);
	ck_assert_str_eq(mr_config_name(s), "two");
	ck_assert_int_eq(mr_config_int(s, "proto"), 2);
	ck_assert_int_eq(mr_config_int(s, "level"), 1);
	ck_assert_ptr_null(mr_config_text(s, "tag", 0));
	ck_assert_ptr_null(mr_config_next(c, "echo", s));
	ck_assert_ptr_null(mr_config_next(c, "plain", NULL));
	ck_assert_int_eq(mr_config_int(NULL, "level"), 0);
	ck_assert_ptr_null(mr_config_text(NULL, "tag", 0));
	mr_config_free(c);
}
END_TEST

/* ---- values */

static const struct {
	const char *text;
	int64_t delack_ns;
} durations[] = {
	{"0", 0},           {"0ms", 0}, {"999ns", 999}, {"1us", 1000}, {"40ms", 40000000}, {"499 ms", 499000000},
	{"40MS", 40000000},
};

START_TEST(duration_units)
{
	char text[200];
	struct mr_config *c;

	snprintf(text, sizeof(text), "[tcp]\ndelack=%s\n" PORT, durations[_i].text);
	c = good(text);
	ck_assert_int_eq(mr_config_int(mr_config_next(c, "tcp", NULL), "delack"), durations[_i].delack_ns);
	mr_config_free(c);
}
END_TEST

static const struct {
	const char *text;
	int64_t bytes;
} sizes[] = {{"4096", 4096}, {"64k", 65536}, {"64K", 65536}, {"2m", 2 << 20}, {"1g", 1 << 30}, {"1024 m", 1 << 30}};

START_TEST(size_units)
{
	char text[200];
	struct mr_config *c;

	snprintf(text, sizeof(text), "[tcp]\nsndbuf=%s\n" PORT, sizes[_i].text);
	c = good(text);
	ck_assert_int_eq(mr_config_int(mr_config_next(c, "tcp", NULL), "sndbuf"), sizes[_i].bytes);
	mr_config_free(c);
}
END_TEST

START_TEST(reference_names_every_key)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	mr_config_describe(app, f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(text, "[port NAME]  a NIC: a device and its addresses\n"));
	ck_assert_ptr_nonnull(strstr(text, "  mtu              number 576 to 65535: bytes of the largest packet"));
	ck_assert_ptr_nonnull(strstr(text, "  address          list of address/length: "));
	ck_assert_ptr_nonnull(strstr(text, "; required\n"));
	ck_assert_ptr_nonnull(strstr(
	        text, "  idle             one of busy|yield|sleep: what a worker without work does; default yield\n"));
	ck_assert_ptr_nonnull(strstr(text, "  min_rto          duration 1ms to 60s: "));
	ck_assert_ptr_nonnull(strstr(text, "[echo NAME]  echo service\n"));
	free(text);
}
END_TEST

/* ---- applying, on links that need no device */

#define LOOP "[port lo]\ndriver=loopback\naddress=127.0.0.1/8\n"

static int
apply(const char *text, struct mr_host **host)
{
	struct mr_config *c = good(text);
	size_t size;
	FILE *err;
	int r;

	free(said);
	err = open_memstream(&said, &size);
	r = mr_config_apply(c, err, host);
	fclose(err);
	mr_config_free(c);
	return r;
}

START_TEST(apply_makes_the_host)
{
	struct mr_route_entry rows[8];
	struct mr_host *h;
	struct mr_addr a;
	int64_t ttl = 0;
	size_t n;

	ck_assert_int_eq(apply("[host]\nmbufs=2k\nmax_connections=64\n[ip]\nttl=77\nforwarding=yes\n" LOOP
	                       "[route r]\nto=10.9.0.0/16\nport=lo\n", &h), 0);
	ck_assert_str_eq(said, "");
	ck_assert_uint_eq(mr_host_workers(h), 1);
	mr_addr_parse("127.0.0.1", &a);
	ck_assert_uint_eq(mr_stack_check_local_address(mr_host_stack(h, 0), 0, &a), 1);
	ck_assert_int_eq(mr_netproto_getopt(mr_host_stack(h, 0), MR_NET_IPV4, MR_OPT_DEFAULT_TTL, &ttl), 0);
	ck_assert_int_eq(ttl, 77);
	ck_assert(mr_stack_forwarding(mr_host_stack(h, 0)));
	n = mr_route_table_get(mr_host_stack(h, 0), rows, 8);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(rows[0].dest.plen, 16);
	ck_assert_uint_eq(rows[0].nic, 1);
	mr_host_destroy(h);
}
END_TEST

/* What the tables allow, the protocols take: both ends of each range. */
static const char *const bounds[] = {
	"[ip]\nttl=1\nicmp_error_rate=0\n[tcp]\ntimewait=0\nfinwait2=1s\nmin_rto=1ms\ndelack=0\ninit_cwnd=1\nmax_segment=48\n"
	"mtu_probing=off\nbase_mss=48\nmtu_probe_interval=300s\ntimestamps=no\nwscale=no\nsack=no\necn=off\nsyn_cookies=never\nsyn_backlog=1\nsndbuf=4k\nrcvbuf=4k\n"
	"sndbuf_min=1\nrcvbuf_min=1\nsndbuf_max=4k\nrcvbuf_max=4k\n",
	"[ip]\nttl=255\nicmp_error_rate=1000000\n[tcp]\ntimewait=600s\nfinwait2=600s\nmin_rto=60s\ndelack=499ms\n"
	"init_cwnd=100\nmax_segment=65495\nmtu_probing=always\nbase_mss=65495\nmtu_probe_interval=86400s\ntimestamps=yes\nwscale=yes\nsack=yes\necn=accept\nsyn_cookies=always\nsyn_backlog=16m\nsndbuf=1g\n"
	"rcvbuf=1g\nsndbuf_min=1g\nrcvbuf_min=1g\nsndbuf_max=1g\nrcvbuf_max=1g\n",
	"[tcp]\nrcvbuf=7m\n", /* takes its bound along */
};

START_TEST(apply_takes_all_that_is_allowed)
{
	struct mr_host *h = NULL;
	char text[1000];

	snprintf(text, sizeof(text), "[host]\nmbufs=2k\nmax_connections=64\n%s" LOOP, bounds[_i]);
	ck_assert_msg(apply(text, &h) == 0, "%s", said);
	mr_host_destroy(h);
}
END_TEST

static const struct {
	const char *text;
	int error;
	const char *said;
} refusals[] = {
	{PORT, -ENODEV,
	 "[port p0] device: net_tap0: there is no such device; give EAL one, like --vdev=net_tap0 or -a 0000:01:00.0, "
	 "or "
	 "correct the name\n"},
	{"[host]\nworkers=2\n" LOOP, -EINVAL,
	 "[host]: more workers than lcores; lower workers, or give EAL more lcores (-l)\n"},
	{LOOP "[route a]\nto=10.9.0.0/16\nport=lo\n[route b]\nto=10.9.0.0/16\nport=lo\n", -EEXIST,
	 "[route b]: is refused (File exists); there is such a route already: remove one\n"},
};

START_TEST(apply_refuses)
{
	struct mr_host *h = NULL;
	size_t prefix = strlen(path) + 2;

	ck_assert_int_eq(apply(refusals[_i].text, &h), refusals[_i].error);
	ck_assert_ptr_null(h);
	ck_assert_uint_gt(strlen(said), prefix);
	ck_assert_str_eq(said + prefix, refusals[_i].said);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("config");
	TCase *t = rig_case(s, "config", config_setup, config_teardown);

	tcase_add_test(t, smallest_file);
	tcase_add_test(t, host_section);
	tcase_add_test(t, port_section);
	tcase_add_test(t, routes_and_options_are_taken);
	tcase_add_test(t, comments_and_blanks);
	tcase_add_test(t, application_sections);
	tcase_add_loop_test(t, duration_units, 0, sizeof(durations) / sizeof(durations[0]));
	tcase_add_loop_test(t, size_units, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_test(t, reference_names_every_key);
	tcase_add_test(t, apply_makes_the_host);
	tcase_add_loop_test(t, apply_takes_all_that_is_allowed, 0, sizeof(bounds) / sizeof(bounds[0]));
	tcase_add_loop_test(t, apply_refuses, 0, sizeof(refusals) / sizeof(refusals[0]));
	return s;
}

RIG_MAIN(suite)
