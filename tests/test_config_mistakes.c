/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files: for each way to be wrong the one line that says so, and files that are none. Messages are compared
 * in full, because they are what the user gets.
 */
#include "config_file.h"

#include <errno.h>
#include <sys/stat.h>

static void
bad(const char *text, const char *want)
{
	struct mr_config *c;

	file_write(text, strlen(text));
	ck_assert_int_eq(load_file(&c), -EINVAL);
	ck_assert_ptr_null(c);
	ck_assert_str_eq(said, want);
}

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

/* ---- files that are none, or too much of one */

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

static Suite *
suite(void)
{
	Suite *s = suite_create("config_mistakes");
	TCase *t = rig_case(s, "mistakes", config_setup, config_teardown);

	tcase_add_loop_test(t, mistake, 0, sizeof(mistakes) / sizeof(mistakes[0]));
	tcase_add_test(t, impairment_is_checked);
	tcase_add_test(t, all_mistakes_are_told);
	tcase_add_test(t, nothing_is_cut);
	tcase_add_test(t, bytes_that_are_no_text);
	tcase_add_test(t, file_that_is_not_there);
	tcase_add_test(t, directory_is_no_file);
	tcase_add_test(t, damaged_files);
	return s;
}

RIG_MAIN(suite)
