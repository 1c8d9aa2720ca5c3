/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: what a good one becomes, and for each way to be wrong the one line that says so. Files are
 * written to a temporary path per test; messages are compared in full, because they are what the user gets.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORT "[port p0]\ndevice = net_tap0\naddress = 10.0.0.2/24\n"

static const struct mr_config_key echo_keys[] = {
	{"port", MR_CONFIG_NUMBER, MR_CONFIG_REQUIRED, .min = 1, .max = 65535, .help = "port number"},
	{"proto", MR_CONFIG_WORDS, .words = "tcp|udp", .def = "tcp,udp", .help = "protocols"},
	{"level", MR_CONFIG_NUMBER, .def = "5", .help = "a number"},
	{"tag", MR_CONFIG_TEXT, MR_CONFIG_LIST, .help = "some words"},
	{NULL},
};

static void
echo_check(struct mr_config *c, const struct mr_config_section *s)
{
	if (mr_config_int(s, "level") == 13)
		mr_config_error(c, s, "level", "%d is unlucky; take 14", 13);
}

static const struct mr_config_schema app[] = {
	{"echo", true, "echo service", echo_keys, echo_check},
	{"plain", false, "a section without a name", echo_keys, NULL},
	{NULL},
};

static char path[] = "/tmp/mr-test-config-XXXXXX";
static char *said; /* what the last load has reported, without the file name in front of each line */

static void
setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void
teardown(void)
{
	unlink(path);
	free(said);
	said = NULL;
}

static void
file_write(const char *text, size_t len)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, len, f), len);
	fclose(f);
}

/* Load what is in the file; `said` gets the report, each line checked to begin with the file's name. */
static int
load_file(struct mr_config **out)
{
	char *report = NULL, *save = NULL, *lines;
	size_t size, prefix = strlen(path);
	FILE *err = open_memstream(&report, &size), *clean;
	int r;

	*out = NULL;
	r = mr_config_load(path, app, err, out);
	fclose(err);
	free(said);
	clean = open_memstream(&said, &size);
	lines = report;
	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		ck_assert_msg(strncmp(line, path, prefix) == 0 && strncmp(line + prefix, ": ", 2) == 0, "%s", line);
		fprintf(clean, "%s\n", line + prefix + 2);
	}
	fclose(clean);
	free(report);
	return r;
}

static struct mr_config *
good(const char *text)
{
	struct mr_config *c;
	int r;

	file_write(text, strlen(text));
	r = load_file(&c);
	ck_assert_msg(r == 0, "%d: %s", r, said);
	ck_assert_str_eq(said, "");
	ck_assert_ptr_nonnull(c);
	return c;
}

static void
bad(const char *text, const char *want)
{
	struct mr_config *c;

	file_write(text, strlen(text));
	ck_assert_int_eq(load_file(&c), -EINVAL);
	ck_assert_ptr_null(c);
	ck_assert_str_eq(said, want);
}

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

/* ---- one mistake, one line */

static const struct {
	const char *text, *said;
} mistakes[] = {
	{"", "there is no [port NAME]; add one with 'device = ' and the DPDK port, and 'address = ADDRESS/LENGTH'\n"},
	/* lines */
	{PORT "mtu 1500\n", "line 4: 'mtu 1500' is neither [section] nor key = value; an '=' may be missing\n"},
	{"mtu=1500\n" PORT, "line 1: mtu stands in front of the first section; put it below a line like [host]\n"},
	{PORT "mtu=\n", "line 4: mtu has no value; give one, or remove the line to have the default\n"},
	{PORT "mtu= ; 1500\n", "line 4: mtu has no value; give one, or remove the line to have the default\n"},
	{PORT "=1500\n", "line 4: no key in front of '= 1500'; write KEY = 1500\n"},
	{PORT "[tcp\ndelack=x\n", "line 4: '[tcp' lacks its closing bracket; write [tcp]\n"},
	{PORT "[tcp] delack=1ms\n",
	 "line 4: '[tcp] delack=1ms' has text behind the bracket; move it to a line of its own\n"},
	{PORT "[ ]\n", "line 4: [] names no section; write [host], [port NAME], ...\n"},
	{PORT "capture=a\\;b\n", "line 4: ';' starts a comment, also behind a backslash: values cannot have one\n"},
	/* sections */
	{PORT "[tpc]\n", "[tpc]: there is no section of this kind; did you mean tcp?\n"},
	{PORT "[weather]\nwind=1\n",
	 "[weather]: there is no section of this kind; known are host, ip, tcp, port, route, echo, plain\n"},
	{PORT "[tcp x]\n", "[tcp x]: this section has no name; write [tcp]\n"},
	{PORT "[route]\nto=0.0.0.0/0\n", "[route]: this kind of section has a name; write [route NAME]\n"},
	{PORT "[tcp]\n[tcp]\n", "[tcp]: is there twice; put all its keys into one\n"},
	{PORT "[port  p0]\n", "[port  p0]: is there twice; give each a name of its own\n"},
	/* keys */
	{PORT "adress=10.0.0.3/24\n",
	 "[port p0] adress: there is no such key in this section; did you mean address?\n"},
	{PORT "MTU=1500\n", "[port p0] MTU: there is no such key in this section; did you mean mtu?\n"},
	{PORT "[ip]\nwindspeed=3\n",
	 "[ip] windspeed: there is no such key in this section; known are ttl, icmp_error_rate, forwarding\n"},
	{PORT "mtu=1500\nmtu=1500\n", "[port p0] mtu: is there twice; remove one\n"},
	{"[port p0]\ndevice=net_tap0\n", "[port p0] address: is missing; add 'address = ' and its list of "
	                                 "address/length (with the length of the network's "
	                                 "prefix)\n"},
	{"[port p0]\naddress=10.0.0.2/24\n",
	 "[port p0] device: is missing; add 'device = ' and the DPDK port, like net_tap0 or 0000:01:00.0\n"},
	/* values */
	{PORT "mtu=575\n", "[port p0] mtu: 575 is out of range; give 576 to 65535\n"},
	{PORT "mtu=65536\n", "[port p0] mtu: 65536 is out of range; give 576 to 65535\n"},
	{PORT "mtu=1k\n", "[port p0] mtu: '1k' is no number; write decimal digits\n"},
	{PORT "mtu=-1\n", "[port p0] mtu: '-1' is no number; write decimal digits\n"},
	{PORT "mtu=99999999999999999999\n", "[port p0] mtu: 99999999999999999999 is too large\n"},
	{PORT "promiscuous=maybe\n", "[port p0] promiscuous: 'maybe' is neither yes nor no; write one of these\n"},
	{PORT "[tcp]\ndelack=40\n",
	 "[tcp] delack: '40' is no duration; write a whole number and ns, us, ms or s, like 200ms\n"},
	{PORT "[tcp]\ndelack=1.5s\n",
	 "[tcp] delack: '1.5s' is no duration; write a whole number and ns, us, ms or s, like 200ms\n"},
	{PORT "[tcp]\ndelack=500ms\n", "[tcp] delack: 500ms is out of range; give 0s to 499ms\n"},
	{PORT "[tcp]\nmin_rto=9223372036s\n", "[tcp] min_rto: 9223372036s is out of range; give 1ms to 60s\n"},
	{PORT "[tcp]\nmin_rto=9223372037s\n", "[tcp] min_rto: 9223372037s is too large\n"},
	{PORT "[tcp]\nsndbuf=64kb\n",
	 "[tcp] sndbuf: '64kb' is no size; write a whole number, with k, m or g if you like, like 64k\n"},
	{PORT "[tcp]\nsndbuf=2g\n", "[tcp] sndbuf: 2g is out of range; give 4k to 1g\n"},
	{PORT "[tcp]\nsndbuf=1m\nsndbuf_max=512k\n", "[tcp] sndbuf: is not between sndbuf_min and sndbuf_max; change one of them\n"},
	{PORT "[tcp]\nrcvbuf_min=1m\n", "[tcp] rcvbuf: is not between rcvbuf_min and rcvbuf_max; change one of them\n"},
	{PORT "[host]\nidle=slep\n", "[host] idle: 'slep' is not one of busy|yield|sleep; did you mean sleep?\n"},
	{PORT "[host]\nidle=never\n", "[host] idle: 'never' is not one of busy|yield|sleep; choose one of these\n"},
	{PORT "[host]\nmbufs=8k\nrx_mbufs=4k\n",
	 "[host] mbufs: is split into halves; give either it or rx_mbufs and tx_mbufs\n"},
	{PORT "address=10.0.0.3\n", "[port p0] address: 10.0.0.3 lacks its prefix length; write 10.0.0.3/32, or "
	                            "shorter than that for a network\n"},
	{PORT "address=10.0.0.300/24\n",
	 "[port p0] address: '10.0.0.300/24' is no address prefix; write one like 10.0.0.2/24 or fd00::2/64\n"},
	{PORT "address=10.0.0.3/33\n",
	 "[port p0] address: '10.0.0.3/33' is no address prefix; write one like 10.0.0.2/24 or fd00::2/64\n"},
	{PORT "address=10.0.0.3/24,,10.0.0.4/24\n",
	 "[port p0] address: an item of the list is empty; remove a comma\n"},
	{PORT "address=224.0.0.1/24\n",
	 "[port p0] address: 224.0.0.1/24 is no address of a host; give one of the network's\n"},
	{PORT "address=fd00::1/64\nmtu=1279\n",
	 "[port p0] mtu: 1279 is too small for IPv6 (fd00::1/64); give 1280 or more\n"},
	{PORT "address=10.0.0.2/16\n", "[port p0] address: 10.0.0.2/16 is there already, in [port p0]; remove one\n"},
	{PORT "[port p1]\ndevice=x\naddress=10.0.0.2/24\n",
	 "[port p1] address: 10.0.0.2/24 is there already, in [port p0]; remove one\n"},
	{PORT "neighbour=10.0.0.1\n",
	 "[port p0] neighbour: '10.0.0.1' is no neighbour; write ADDRESS MAC, like 10.0.0.1 02:00:00:00:00:01\n"},
	{PORT "neighbour=10.0.0.1 02:00:00:00:00:01 x\n",
	 "[port p0] neighbour: '10.0.0.1 02:00:00:00:00:01 x' is no neighbour; write ADDRESS MAC, like 10.0.0.1 "
	 "02:00:00:00:00:01\n"},
	/* routes */
	{PORT "[route r]\nvia=10.0.0.1\n",
	 "[route r] to: is missing; add 'to = ' and its address/length (destinations; 0.0.0.0/0 or ::/0 is the default "
	 "route)\n"},
	{PORT "[route r]\nto=10.9.0.1/16\nvia=10.0.0.1\n",
	 "[route r] to: 10.9.0.1/16 has bits behind its prefix; write 10.9.0.0/16\n"},
	{PORT "[route r]\nto=fd00::/7\nvia=fd00::1\nport=p0\n",
	 "[route r] to: fd00::/7 has bits behind its prefix; write fc00::/7\n"},
	{PORT "[route r]\nto=::/0\nvia=10.0.0.1\n",
	 "[route r] via: 10.0.0.1 is of the other family than ::/0; give a gateway of the same\n"},
	{PORT "[route r]\nto=::/0\nport=p0\nsrc=10.0.0.2\n",
	 "[route r] src: 10.0.0.2 is of the other family than ::/0; give an address of the same\n"},
	{PORT "[route r]\nto=::/0\n",
	 "[route r] port: is missing, and so is via; add 'via = GATEWAY' or 'port = NAME'\n"},
	{PORT "[route r]\nto=0.0.0.0/0\nvia=10.0.1.1\n", "[route r] via: 10.0.1.1 is in no port's network; add 'port = "
	                                                 "NAME', or an address of that network to a port\n"},
	{PORT "[route r]\nto=0.0.0.0/0\nport=p1\n", "[route r] port: there is no [port p1]; did you mean p0?\n"},
	{PORT "[route r]\nto=0.0.0.0/0\nport=uplink\n",
	 "[route r] port: there is no [port uplink]; name one that there is, or add it\n"},
	{PORT "[route r]\nto=0.0.0.0/0\nvia=10.0.0.1\nsrc=10.0.0.3\n",
	 "[route r] src: 10.0.0.3 is no address of [port p0]; add it there, or leave src out\n"},
	/* a port that is wrong is not also missed */
	{"[port p0]\ndevice=a\naddress=1.2.3.4\n[port p1]\ndevice=b\naddress=10.0.0.2/24\n"
	 "[route r]\nto=::/0\nport=p0\n",
	 "[port p0] address: 1.2.3.4 lacks its prefix length; write 1.2.3.4/32, or shorter than that for a network\n"},
	/* the application's */
	{PORT "[echo e]\n", "[echo e] port: is missing; add 'port = ' and its number 1 to 65535 (port number)\n"},
	{PORT "[echo e]\nport=7\nproto=tcp,upd\n", "[echo e] proto: 'upd' is not one of tcp|udp; did you mean udp?\n"},
	{PORT "[echo e]\nport=7\nlevel=13\n", "[echo e] level: 13 is unlucky; take 14\n"},
};

START_TEST(mistake)
{
	bad(mistakes[_i].text, mistakes[_i].said);
}
END_TEST

START_TEST(impairment_is_checked)
{
	struct mr_config *c;

	file_write(PORT "impair = loss=lots\n", strlen(PORT "impair = loss=lots\n"));
	ck_assert_int_eq(load_file(&c), -EINVAL);
	ck_assert_msg(strncmp(said, "[port p0] impair: ", 18) == 0, "%s", said);
	ck_assert_ptr_eq(strchr(said, '\n'), said + strlen(said) - 1);
}
END_TEST

START_TEST(all_mistakes_are_told)
{
	bad("mtu=1\n[host]\nidle=slep\nworkers=65\nnonsense\n[port p0]\ndevice=net_tap0\naddress=1.2.3.4\ntxq=3\n"
	    "[echo e]\nlevel=13\n[rout r]\n",
	    "line 1: mtu stands in front of the first section; put it below a line like [host]\n"
	    "line 5: 'nonsense' is neither [section] nor key = value; an '=' may be missing\n"
	    "[host] idle: 'slep' is not one of busy|yield|sleep; did you mean sleep?\n"
	    "[host] workers: 65 is out of range; give 0 to 64\n"
	    "[port p0] address: 1.2.3.4 lacks its prefix length; write 1.2.3.4/32, or shorter than that for a network\n"
	    "[port p0] txq: there is no such key in this section; did you mean txd?\n"
	    "[echo e] port: is missing; add 'port = ' and its number 1 to 65535 (port number)\n"
	    "[rout r]: there is no section of this kind; did you mean route?\n");
}
END_TEST

/* rte_cfgfile cuts these without a word. */
START_TEST(nothing_is_cut)
{
	char text[1000], want[1000], value[300], name[100];
	struct mr_config *c;

	memset(value, 'v', sizeof(value));
	value[255] = '\0';
	snprintf(text, sizeof(text), PORT "capture=%s\n", value);
	c = good(text);
	ck_assert_str_eq(mr_config_text(mr_config_next(c, "port", NULL), "capture", 0), value);
	mr_config_free(c);
	value[255] = 'v';
	value[256] = '\0';
	snprintf(text, sizeof(text), PORT "capture=%s\n", value);
	bad(text,
	    "line 4: capture has a value of 256 characters; use at most 255 (a list may go on in a second 'capture =' "
	    "line)\n");

	memset(name, 'n', sizeof(name));
	name[58] = '\0';
	snprintf(text, sizeof(text), PORT "[echo %s]\nport=7\n", name);
	c = good(text);
	ck_assert_str_eq(mr_config_name(mr_config_next(c, "echo", NULL)), name);
	mr_config_free(c);
	name[58] = 'n';
	name[59] = '\0';
	snprintf(text, sizeof(text), PORT "[echo %s]\nport=7\n", name);
	bad(text, "line 4: section name of 64 characters; use at most 63\n");

	name[59] = 'n';
	name[64] = '\0';
	snprintf(text, sizeof(text), PORT "%s=1\n", name);
	bad(text, "line 4: key of 64 characters; there is none longer than 63\n");
	name[63] = '\0';
	snprintf(text, sizeof(text), PORT "%s=1\n", name);
	snprintf(want, sizeof(want),
	         "[port p0] %s: there is no such key in this section; known are device, driver, args, mtu, address, "
	         "neighbour, queues, rxd, txd, promiscuous, impair, capture\n",
	         name);
	bad(text, want);

	name[32] = '\0';
	snprintf(text, sizeof(text), "[port %s]\ndevice=net_tap0\naddress=10.0.0.2/24\n", name);
	snprintf(want, sizeof(want), "[port %s]: the name is too long; use at most 31 characters\n", name);
	bad(text, want);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
	static const char text[] = PORT "mtu=15\0" "00\n";
	struct mr_config *c;

	file_write(text, sizeof(text) - 1);
	ck_assert_int_eq(load_file(&c), -EINVAL);
	ck_assert_str_eq(said, "line 4: a NUL byte: this is no text file\n");
}
END_TEST

START_TEST(file_that_is_not_there)
{
	struct mr_config *c;

	unlink(path);
	ck_assert_int_eq(load_file(&c), -ENOENT);
	ck_assert_str_eq(said, "cannot be read: No such file or directory\n");
}
END_TEST

START_TEST(directory_is_no_file)
{
	struct mr_config *c;

	unlink(path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_lt(load_file(&c), 0);
	ck_assert_msg(strncmp(said, "cannot be read: ", 16) == 0, "%s", said);
	rmdir(path);
}
END_TEST

/* Cut short, and with one byte changed: anything but a crash; a report whenever it is refused. */
START_TEST(damaged_files)
{
	static const char text[] =
	        "[host]\nidle=sleep\n[tcp]\ndelack=40ms\n" PORT "neighbour=10.0.0.1 02:00:00:00:00:01\n"
	        "[route r]\nto=0.0.0.0/0\nvia=10.0.0.1\n[echo e]\nport=7\nproto=tcp\n";
	static const char junk[] = "\n[]=;,/|\\ \xff""0z";
	char copy[sizeof(text)];
	struct mr_config *c;

	for (size_t i = 0; i < sizeof(text) * sizeof(junk); i++) {
		size_t at = i / sizeof(junk), len = sizeof(text) - 1;

		memcpy(copy, text, sizeof(text));
		if (i % sizeof(junk) == sizeof(junk) - 1)
			len = at;
		else if (at < len)
			copy[at] = junk[i % sizeof(junk)];
		file_write(copy, len);
		if (load_file(&c) == 0)
			ck_assert_str_eq(said, "");
		else
			ck_assert_str_ne(said, "");
		mr_config_free(c);
	}
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
	TCase *t = rig_case(s, "config", setup, teardown);

	tcase_add_test(t, smallest_file);
	tcase_add_test(t, host_section);
	tcase_add_test(t, port_section);
	tcase_add_test(t, routes_and_options_are_taken);
	tcase_add_test(t, comments_and_blanks);
	tcase_add_test(t, application_sections);
	tcase_add_loop_test(t, duration_units, 0, sizeof(durations) / sizeof(durations[0]));
	tcase_add_loop_test(t, size_units, 0, sizeof(sizes) / sizeof(sizes[0]));
	tcase_add_loop_test(t, mistake, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(t, impairment_is_checked);
	tcase_add_test(t, all_mistakes_are_told);
	tcase_add_test(t, nothing_is_cut);
	tcase_add_test(t, bytes_that_are_no_text);
	tcase_add_test(t, file_that_is_not_there);
	tcase_add_test(t, directory_is_no_file);
	tcase_add_test(t, damaged_files);
	tcase_add_test(t, reference_names_every_key);
	tcase_add_test(t, apply_makes_the_host);
	tcase_add_loop_test(t, apply_takes_all_that_is_allowed, 0, sizeof(bounds) / sizeof(bounds[0]));
	tcase_add_loop_test(t, apply_refuses, 0, sizeof(refusals) / sizeof(refusals[0]));
	return s;
}

RIG_MAIN(suite)
