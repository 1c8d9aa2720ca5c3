/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The adaptor through its interface, without packetdrill: loaded as the tool loads it, a handshake each way, calls that
 * wait, and the clock. Check forks for each test, so each has a world of its own.
 *
 * Usage: test_packetdrill FILE.so
 */
#include "interface.h"

#include <arpa/inet.h>
#include <check.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define HOW (RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) /* sanitizers do not work with RTLD_DEEPBIND */
#else
#define HOW (RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE | RTLD_DEEPBIND)
#endif
#define FLAGS "--ip_version=ipv4 --local_ip=192.168.0.1 --remote_ip=192.0.2.1 --gateway_ip=192.168.0.2"
#define LOCAL "192.168.0.1"
#define REMOTE "192.0.2.1"
#define PORT 8080
#define ISS 1000u /* the peer's */

static const char *so_file;
static struct packetdrill_interface ifc;
static uint16_t local_port; /* of the stack, as its last packet told */
static uint32_t next_seq;   /* what the stack sends next */

/* ---- the world */

static void
load(const char *flags)
{
	void (*init)(const char *, struct packetdrill_interface *);
	void *so = dlopen(so_file, HOW);

	ck_assert_msg(so != NULL, "%s", dlerror());
	init = (void (*)(const char *, struct packetdrill_interface *))dlsym(so, "packetdrill_interface_init");
	ck_assert_ptr_nonnull(init);
	init(flags, &ifc);
}

static void
setup(void)
{
	load(FLAGS);
}

static void
teardown(void)
{
	ifc.free(ifc.userdata);
}

static long long
now_usecs(void)
{
	struct timeval tv;

	ck_assert_int_eq(ifc.gettimeofday(ifc.userdata, &tv, NULL), 0);
	return tv.tv_sec * 1000000ll + tv.tv_usec;
}

static struct sockaddr_in
name_of(const char *addr, uint16_t port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = inet_addr(addr)};

	return in;
}

/* ---- packets */

struct packet {
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t rest[1500];
};

static uint32_t
sum(const void *data, size_t len, uint32_t s)
{
	const uint8_t *b = data;

	for (size_t i = 0; i < len; i++)
		s += i % 2 ? b[i] : (uint32_t)b[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void
push(uint8_t flags, uint32_t seq, uint32_t ack, uint16_t len)
{
	uint16_t tcp_len = (uint16_t)(sizeof(struct tcphdr) + len);
	struct packet p = {
		.ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .tot_len = htons(sizeof(p.ip) + tcp_len),
		       .saddr = inet_addr(REMOTE), .daddr = inet_addr(LOCAL)},
		.tcp = {.source = htons(PORT), .dest = htons(local_port), .seq = htonl(seq), .ack_seq = htonl(ack), .doff = 5,
		        .window = htons(65535)},
	};

	p.tcp.th_flags = flags;
	p.ip.check = htons((uint16_t)~sum(&p.ip, sizeof(p.ip), 0));
	p.tcp.check = htons((uint16_t)~sum(&p.tcp, tcp_len, sum(&p.ip.saddr, 8, IPPROTO_TCP + tcp_len)));
	ck_assert_int_eq(ifc.netdev_send(ifc.userdata, &p, sizeof(p.ip) + tcp_len), 0);
}

/* The stack's next packet; its payload is `len` bytes. @return when it was sent */
static long long
expect(uint8_t flags, uint32_t ack, unsigned len)
{
	struct packet p;
	long long usecs;
	size_t n = sizeof(p);

	ck_assert_int_eq(ifc.netdev_receive(ifc.userdata, &p, &n, &usecs), 0);
	ck_assert_uint_ge(n, sizeof(p.ip) + sizeof(p.tcp));
	ck_assert_uint_eq(p.ip.saddr, inet_addr(LOCAL));
	ck_assert_uint_eq(p.ip.daddr, inet_addr(REMOTE));
	ck_assert_uint_eq(sum(&p.ip, sizeof(p.ip), 0), 0xffff);
	ck_assert_uint_eq(p.tcp.th_flags, flags);
	ck_assert_uint_eq(n - sizeof(p.ip) - p.tcp.doff * 4, len);
	if (flags & TH_ACK)
		ck_assert_uint_eq(ntohl(p.tcp.ack_seq), ack);
	local_port = ntohs(p.tcp.source);
	next_seq = ntohl(p.tcp.seq) + len + !!(flags & (TH_SYN | TH_FIN));
	return usecs;
}

static void
expect_nothing(void)
{
	char buf[100];
	size_t n = sizeof(buf);
	long long usecs;

	ck_assert_int_eq(ifc.netdev_receive(ifc.userdata, buf, &n, &usecs), 0);
	ck_assert_uint_eq(n, 0);
}

/* ---- sockets */

static int
socket_new(void)
{
	int fd = ifc.socket(ifc.userdata, AF_INET, SOCK_STREAM, IPPROTO_TCP);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(fcntl(fd, F_GETFD), 0); /* a real one */
	return fd;
}

static int
so_error(int fd)
{
	socklen_t len = sizeof(int);
	int err;

	ck_assert_int_eq(ifc.getsockopt(ifc.userdata, fd, SOL_SOCKET, SO_ERROR, &err, &len), 0);
	ck_assert_uint_eq(len, sizeof(int));
	return err;
}

static int
connect_to_peer(int fd)
{
	struct sockaddr_in peer = name_of(REMOTE, PORT);

	return ifc.connect(ifc.userdata, fd, (struct sockaddr *)&peer, sizeof(peer));
}

static int
connected(void)
{
	int fd = socket_new();

	ck_assert_int_eq(ifc.fcntl(ifc.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	ck_assert_int_eq(connect_to_peer(fd), -1);
	ck_assert_int_eq(errno, EINPROGRESS);
	expect(TH_SYN, 0, 0);
	push(TH_SYN | TH_ACK, ISS, next_seq, 0);
	expect(TH_ACK, ISS + 1, 0);
	ck_assert_int_eq(so_error(fd), 0);
	return fd;
}

static int
listening(void)
{
	struct sockaddr_in local = name_of(LOCAL, PORT);
	int fd = socket_new();

	ck_assert_int_eq(ifc.bind(ifc.userdata, fd, (struct sockaddr *)&local, sizeof(local)), 0);
	ck_assert_int_eq(ifc.listen(ifc.userdata, fd, 1), 0);
	local_port = PORT;
	return fd;
}

/* ---- tests */

/* The tool calls what it finds, without a look. */
START_TEST(all_functions_are_there)
{
	void *members[33];

	memcpy(members, &ifc, sizeof(ifc));
	for (unsigned i = 1; i < 33; i++)
		ck_assert_msg(members[i] != NULL, "member %u", i);
}
END_TEST

START_TEST(active_open_data_and_close)
{
	int fd = connected();
	char buf[100] = "";

	ck_assert_int_eq(ifc.write(ifc.userdata, fd, buf, 10), 10);
	expect(TH_PUSH | TH_ACK, ISS + 1, 10);
	push(TH_PUSH | TH_ACK, ISS + 1, next_seq, 20);
	ck_assert_int_eq(ifc.read(ifc.userdata, fd, buf, sizeof(buf)), 20);
	ck_assert_int_eq(ifc.read(ifc.userdata, fd, buf, sizeof(buf)), -1);
	ck_assert_int_eq(errno, EAGAIN);
	expect(TH_ACK, ISS + 21, 0);
	ck_assert_int_eq(ifc.close(ifc.userdata, fd), 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), -1);
	expect(TH_FIN | TH_ACK, ISS + 21, 0);
	push(TH_FIN | TH_ACK, ISS + 21, next_seq, 0);
	expect(TH_ACK, ISS + 22, 0);
}
END_TEST

START_TEST(passive_open)
{
	int fd = listening(), conn;
	struct sockaddr_storage ss;
	struct sockaddr_in *in = (struct sockaddr_in *)&ss;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	socklen_t len = sizeof(ss);

	ck_assert_int_eq(ifc.poll(ifc.userdata, &p, 1, 0), 0);
	push(TH_SYN, ISS, 0, 0);
	expect(TH_SYN | TH_ACK, ISS + 1, 0);
	push(TH_ACK, ISS + 1, next_seq, 0);
	ck_assert_int_eq(ifc.poll(ifc.userdata, &p, 1, 0), 1);
	ck_assert_int_eq(p.revents, POLLIN);
	conn = ifc.accept(ifc.userdata, fd, (struct sockaddr *)&ss, &len);
	ck_assert_int_ge(conn, 0);
	ck_assert_uint_eq(len, sizeof(*in));
	ck_assert_uint_eq(in->sin_addr.s_addr, inet_addr(REMOTE));
	ck_assert_uint_eq(in->sin_port, htons(PORT));
	push(TH_RST, ISS + 1, 0, 0);
	ck_assert_int_eq(so_error(conn), ECONNRESET);
}
END_TEST

/* A packet of a timer has the timer's time, to the microsecond, and hours are moments. */
START_TEST(time_is_virtual)
{
	int fd = socket_new();
	long long first, again;

	ck_assert_int_eq(ifc.fcntl(ifc.userdata, fd, F_SETFL, O_RDWR | O_NONBLOCK), 0);
	ck_assert_int_eq(connect_to_peer(fd), -1);
	first = expect(TH_SYN, 0, 0);
	again = expect(TH_SYN, 0, 0);
	ck_assert_int_eq(again - first, 1000000);
	ck_assert_int_ge(now_usecs(), again);
	ck_assert_int_le(now_usecs(), again + 10);
	ck_assert_int_eq(ifc.usleep(ifc.userdata, 1500000), 0);
	ck_assert_int_eq(expect(TH_SYN, 0, 0) - again, 2000000);
}
END_TEST

START_TEST(nothing_to_receive)
{
	listening();
	expect_nothing();
}
END_TEST

/* What the script has not asked for is not passed over at its end. */
START_TEST(packet_left_at_the_end)
{
	connected();
	push(TH_FIN | TH_ACK, ISS + 1, next_seq, 0);
	push(TH_ACK, ISS + 2, next_seq, 0);
	ifc.free(ifc.userdata);
}
END_TEST

struct waiter {
	int fd, result;
	long long ended_usecs;
	pid_t tid;
};

static void *
connect_and_wait(void *arg)
{
	struct waiter *w = arg;

	__atomic_store_n(&w->tid, gettid(), __ATOMIC_RELEASE);
	w->result = connect_to_peer(w->fd);
	w->ended_usecs = now_usecs();
	return NULL;
}

/* As the tool does: it goes on when the thread sleeps. */
static void
await_sleep(const struct waiter *w)
{
	char file[64], state = 'R';

	while (__atomic_load_n(&w->tid, __ATOMIC_ACQUIRE) == 0)
		;
	snprintf(file, sizeof(file), "/proc/self/task/%d/stat", w->tid);
	while (state != 'S') {
		FILE *f = fopen(file, "r");

		ck_assert_ptr_nonnull(f);
		ck_assert_int_eq(fscanf(f, "%*d %*s %c", &state), 1);
		fclose(f);
	}
}

/* A call that waits ends when what it waits for has come, however long after that its thread wakes. */
START_TEST(blocking_connect)
{
	struct waiter w = {.fd = socket_new(), .result = -2};
	long long came;
	pthread_t t;

	ck_assert_int_eq(pthread_create(&t, NULL, connect_and_wait, &w), 0);
	await_sleep(&w);
	expect(TH_SYN, 0, 0);
	ck_assert_int_eq(ifc.usleep(ifc.userdata, 300000), 0);
	came = now_usecs();
	if (_i == 0)
		push(TH_SYN | TH_ACK, ISS, next_seq, 0);
	else
		push(TH_RST | TH_ACK, 0, next_seq, 0);
	ck_assert_int_eq(ifc.usleep(ifc.userdata, 500000), 0);
	ck_assert_int_eq(pthread_join(t, NULL), 0);
	ck_assert_int_eq(w.result, _i == 0 ? 0 : -1);
	ck_assert_int_eq(w.ended_usecs, came);
}
END_TEST

START_TEST(epoll_waits_for_its_time)
{
	int fd = connected(), ep = ifc.epoll_create(ifc.userdata, 1);
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.fd = fd}, got;
	long long before;

	ck_assert_int_ge(ep, 0);
	ck_assert_int_eq(ifc.epoll_ctl(ifc.userdata, ep, EPOLL_CTL_ADD, fd, &e), 0);
	before = now_usecs();
	ck_assert_int_eq(ifc.epoll_wait(ifc.userdata, ep, &got, 1, 250), 0);
	ck_assert_int_ge(now_usecs() - before, 250000);
	ck_assert_int_le(now_usecs() - before, 250010);
	push(TH_PUSH | TH_ACK, ISS + 1, next_seq, 5);
	ck_assert_int_eq(ifc.epoll_wait(ifc.userdata, ep, &got, 1, 0), 1);
	ck_assert_uint_eq(got.events, EPOLLIN);
	ck_assert_int_eq(got.data.fd, fd);
	ck_assert_int_eq(ifc.epoll_wait(ifc.userdata, ep, &got, 1, 0), 0); /* an edge is told once */
}
END_TEST

START_TEST(options)
{
	int fd = socket_new(), v = 1;
	socklen_t len = sizeof(v);

	ck_assert_int_eq(ifc.setsockopt(ifc.userdata, fd, SOL_SOCKET, SO_REUSEADDR, &v, sizeof(v)), 0);
	v = 1100;
	ck_assert_int_eq(ifc.setsockopt(ifc.userdata, fd, IPPROTO_TCP, TCP_MAXSEG, &v, sizeof(v)), 0);
	v = 0;
	ck_assert_int_eq(ifc.getsockopt(ifc.userdata, fd, IPPROTO_TCP, TCP_MAXSEG, &v, &len), 0);
	ck_assert_int_eq(v, 1100);
	ck_assert_int_eq(ifc.setsockopt(ifc.userdata, fd, SOL_SOCKET, 12345, &v, sizeof(v)), -1);
	ck_assert_int_eq(errno, ENOPROTOOPT);
	ck_assert_int_eq(ifc.listen(ifc.userdata, 12345, 1), -1);
	ck_assert_int_eq(errno, EBADF);
}
END_TEST

START_TEST(flags_are_checked)
{
	static const char *const flags[] = {
		NULL, "--local_ip=192.168.0.1 --nonsense=1", "--local_ip=192.168.0.1 --mtu=abc", "--local_ip=192.168.0",
		"--local_ip=192.168.0.1 --ip_version=ipv6", "--local_ip=192.168.0.1 --cc=nothing",
		"--local_ip=192.168.0.1 --init_cwnd=0",
	};

	load(flags[_i]);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *s = suite_create("packetdrill");
	TCase *world = tcase_create("world"), *start = tcase_create("start");
	SRunner *sr = srunner_create(s);
	int failed;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FILE.so\n", argv[0]);
		return 2;
	}
	so_file = argv[1];
	tcase_add_checked_fixture(world, setup, teardown);
	tcase_add_test(world, all_functions_are_there);
	tcase_add_test(world, active_open_data_and_close);
	tcase_add_test(world, passive_open);
	tcase_add_test(world, time_is_virtual);
	tcase_add_test(world, nothing_to_receive);
	tcase_add_exit_test(world, packet_left_at_the_end, 1);
	tcase_add_loop_test(world, blocking_connect, 0, 2);
	tcase_add_test(world, epoll_waits_for_its_time);
	tcase_add_test(world, options);
	suite_add_tcase(s, world);
	tcase_add_loop_exit_test(start, flags_are_checked, 1, 0, 7);
	suite_add_tcase(s, start);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
