/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second process of a wire without the kernel: a client on a stack of its own, opposite the services of
 * app/millrace. Makes its checks against each address given, one line of result each, says how many segments it has sent
 * again, and ends with 0 or 1.
 *
 *	wire_client [EAL arguments] -- ADDRESS [ADDRESS]
 *
 * It uses the first DPDK port, as 10.66.0.1/24 and fd66::1/64, and polls endpoints instead of waiting for events.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_eal.h>

#include "millrace.h"
#include "../app/millrace/pattern.h"

#define BULK_BYTES (256u << 20)
#define ECHO_BYTES (32u << 20)
#define CONNECTIONS 2000
#define UDP_MOST 1452
#define PATIENCE_NS 30000000000ull

static struct mr_stack *stack;
static int failed;

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void
turn(void)
{
	mr_stack_poll(stack, now_ns());
}

__attribute__((format(printf, 2, 3))) static void
result(bool ok, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf(ok ? "ok " : "FAIL ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	failed |= !ok;
}

/* Turns until the endpoint is ready for one of the events. @return the readiness, 0 after PATIENCE_NS without. */
static uint32_t
wait_for(struct mr_ep *ep, uint32_t events)
{
	uint64_t end = now_ns() + PATIENCE_NS;

	do {
		uint32_t ready = mr_ep_readiness(ep);

		if (ready & (events | MR_EV_ERR | MR_EV_HUP))
			return ready;
		turn();
	} while (now_ns() < end);
	return 0;
}

/* A connection, or NULL with the error in *err. */
static struct mr_ep *
dial(const struct mr_addr *to, uint16_t port, int *err)
{
	struct mr_sockaddr sa = {.addr = *to, .port = port};
	struct mr_ep *ep;

	*err = mr_ep_create(stack, MR_TRANS_TCP, mr_addr_net(to), &ep);
	if (*err < 0)
		return NULL;
	*err = mr_ep_connect(ep, &sa);
	if (*err == -EINPROGRESS) {
		uint32_t ready = wait_for(ep, MR_EV_OUT);

		*err = ready == 0 ? -ETIMEDOUT : mr_ep_error(ep);
	}
	if (*err == 0)
		return ep;
	mr_ep_close(ep);
	return NULL;
}

static bool
send_all(struct mr_ep *ep, const void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = mr_ep_send(ep, (const char *)buf + done, len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n != -EAGAIN || !(wait_for(ep, MR_EV_OUT) & MR_EV_OUT))
			return false;
		turn();
	}
	return true;
}

/* The next bytes; 0 at the end of the stream, negative on error. */
static ssize_t
receive(struct mr_ep *ep, void *buf, size_t len)
{
	ssize_t n;

	while ((n = mr_ep_recv(ep, buf, len, NULL)) == -EAGAIN)
		if (!wait_for(ep, MR_EV_IN))
			return -ETIMEDOUT;
	turn();
	return n;
}

/* GET /bytes/N: header and N bytes of the pattern. @return bytes of the body that were right, in order. */
static uint64_t
http_bytes(struct mr_ep *ep, uint64_t n)
{
	static char buf[65536];
	char request[96];
	uint64_t got = 0;
	size_t head = 0;
	char *body = NULL;
	ssize_t k;

	snprintf(request, sizeof(request), "GET /bytes/%" PRIu64 " HTTP/1.1\r\nHost: wire\r\n\r\n", n);
	if (!send_all(ep, request, strlen(request)))
		return 0;
	while (!body && head < sizeof(buf) - 1 && (k = receive(ep, buf + head, sizeof(buf) - 1 - head)) > 0) {
		head += (size_t)k;
		buf[head] = 0;
		body = strstr(buf, "\r\n\r\n");
	}
	if (!body || strncmp(buf, "HTTP/1.1 200", 12) != 0)
		return 0;
	body += 4;
	k = (ssize_t)(head - (size_t)(body - buf));
	while (k > 0) {
		if (memcmp(body, pattern_at(got), (size_t)k) != 0)
			return got;
		got += (uint64_t)k;
		if (got >= n)
			break;
		body = buf;
		k = receive(ep, buf, sizeof(buf) < n - got ? sizeof(buf) : n - got);
	}
	return got;
}

static void
check_download(const struct mr_addr *to, const char *text)
{
	int err;
	struct mr_ep *ep = dial(to, 80, &err);
	uint64_t start = now_ns(), got = ep ? http_bytes(ep, BULK_BYTES) : 0;

	result(got == BULK_BYTES, "%s GET /bytes/%u: %" PRIu64 " bytes as documented, %.2f Gbit/s (%d)", text, BULK_BYTES, got,
	       (double)got * 8 / (double)(now_ns() - start), err);
	if (ep)
		mr_ep_close(ep);
}

static void
check_discard(const struct mr_addr *to, const char *text)
{
	int err;
	struct mr_ep *ep = dial(to, 9, &err);
	uint64_t start = now_ns(), sent = 0;
	char c;

	while (ep && sent < BULK_BYTES && send_all(ep, pattern_at(sent), PATTERN_CHUNK))
		sent += PATTERN_CHUNK;
	/* All of it has arrived when the server has seen the end and answers with its own. */
	if (ep)
		mr_ep_shutdown(ep, MR_SHUT_WR);
	result(ep && sent == BULK_BYTES && receive(ep, &c, 1) == 0, "%s discard: %" PRIu64 " bytes, %.2f Gbit/s (%d)", text, sent,
	       (double)sent * 8 / (double)(now_ns() - start), err);
	if (ep)
		mr_ep_close(ep);
}

static void
check_echo(const struct mr_addr *to, const char *text)
{
	static char buf[PATTERN_CHUNK];
	int err;
	struct mr_ep *ep = dial(to, 7, &err);
	uint64_t sent = 0, got = 0, end = now_ns() + PATIENCE_NS;
	ssize_t n = 0;

	while (ep && got < ECHO_BYTES && now_ns() < end) {
		if (sent < ECHO_BYTES) {
			n = mr_ep_send(ep, pattern_at(sent), PATTERN_CHUNK - sent % PATTERN_CHUNK);
			sent += n > 0 ? (uint64_t)n : 0;
		}
		n = mr_ep_recv(ep, buf, sizeof(buf), NULL);
		if (n > 0 && memcmp(buf, pattern_at(got), (size_t)n) == 0)
			got += (uint64_t)n;
		else if (n != -EAGAIN)
			break;
		turn();
	}
	result(got == ECHO_BYTES, "%s echo: %" PRIu64 " of %u bytes came back (%d, %zd)", text, got, ECHO_BYTES, err, n);
	if (ep)
		mr_ep_close(ep);
}

static void
check_udp(const struct mr_addr *to, const char *text)
{
	struct mr_sockaddr sa = {.addr = *to, .port = 7};
	unsigned right = 0;
	char buf[UDP_MOST];
	struct mr_ep *ep;
	int err = mr_ep_create(stack, MR_TRANS_UDP, mr_addr_net(to), &ep);

	if (err < 0) {
		result(false, "%s UDP endpoint: %s", text, strerror(-err));
		return;
	}
	err = mr_ep_connect(ep, &sa);
	for (unsigned len = 1; err == 0 && len <= UDP_MOST; len++) {
		ssize_t n = mr_ep_send(ep, pattern_at(len), len);

		if (n == (ssize_t)len && (wait_for(ep, MR_EV_IN) & MR_EV_IN))
			n = mr_ep_recv(ep, buf, sizeof(buf), NULL);
		if (n == (ssize_t)len && memcmp(buf, pattern_at(len), len) == 0)
			right++;
		else
			break;
	}
	result(right == UDP_MOST, "%s UDP echo: %u of %u sizes came back (%d)", text, right, UDP_MOST, err);
	mr_ep_close(ep);
}

static void
check_connections(const struct mr_addr *to, const char *text)
{
	uint64_t start = now_ns();
	unsigned n = 0;
	int err = 0;

	for (; n < CONNECTIONS; n++) {
		struct mr_ep *ep = dial(to, 80, &err);
		bool ok = ep && http_bytes(ep, 64) == 64;

		if (ep)
			mr_ep_close(ep);
		turn();
		if (!ok)
			break;
	}
	result(n == CONNECTIONS, "%s %u of %u connections one after another, %.0f a second (%d)", text, n, CONNECTIONS,
	       n * 1e9 / (double)(now_ns() - start), err);
	if (dial(to, 4, &err) || err != -ECONNREFUSED)
		result(false, "%s closed port: %s", text, strerror(-err));
	else
		result(true, "%s closed port: refused", text);
}

/* The server may start after us: its echo must answer within PATIENCE_NS. */
static bool
server_answers(const struct mr_addr *to)
{
	struct mr_sockaddr sa = {.addr = *to, .port = 7};
	uint64_t end = now_ns() + PATIENCE_NS, again = 0;
	bool answered = false;
	struct mr_ep *ep;
	char c = 'x';

	if (mr_ep_create(stack, MR_TRANS_UDP, mr_addr_net(to), &ep) < 0 || mr_ep_connect(ep, &sa) < 0)
		return false;
	while (!answered && now_ns() < end) {
		if (now_ns() >= again) {
			mr_ep_send(ep, &c, 1);
			again = now_ns() + 200000000;
		}
		turn();
		answered = mr_ep_recv(ep, &c, 1, NULL) == 1;
	}
	/* Answers to the other tries may still come. */
	for (end = now_ns() + 300000000; answered && now_ns() < end;)
		turn();
	mr_ep_close(ep);
	return answered;
}

static int
wire_open(struct mr_link **link)
{
	struct rte_mempool *pool;
	struct mr_link_cfg cfg = {.device = "0", .n_queues = 1, .rx_desc = 512, .tx_desc = 512, .rx_pools = &pool};
	struct mr_subnet a4, a6;
	int rc = mr_stack_create(NULL, &stack);

	if (rc < 0)
		return rc;
	pool = mr_stack_rx_pool(stack);
	rc = mr_link_open("ethdev", &cfg, link);
	if (rc < 0)
		return rc;
	mr_subnet_parse("10.66.0.1/24", &a4);
	mr_subnet_parse("fd66::1/64", &a6);
	if ((rc = mr_nic_create(stack, 1, "wire", *link)) < 0 || (rc = mr_addr_add(stack, 1, &a4, MR_PEB_CAN_BE_PRIMARY)) < 0)
		return rc;
	return mr_addr_add(stack, 1, &a6, MR_PEB_CAN_BE_PRIMARY);
}

static void
check_address(const char *text)
{
	struct mr_addr to;

	if (mr_addr_parse(text, &to) < 0) {
		result(false, "%s is no address", text);
		return;
	}
	if (!server_answers(&to)) {
		result(false, "%s does not answer", text);
		return;
	}
	check_udp(&to, text);
	check_download(&to, text);
	check_discard(&to, text);
	check_echo(&to, text);
	check_connections(&to, text);
}

int
main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), rc;
	struct mr_link *link;

	if (used < 0 || argc - used < 2) {
		fprintf(stderr, "usage: wire_client [EAL arguments] -- ADDRESS [ADDRESS]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN); /* a vhost peer that goes first */
	pattern_init();
	rc = wire_open(&link);
	if (rc < 0) {
		fprintf(stderr, "wire_client: the wire cannot be opened: %s\n", strerror(-rc));
		return 2;
	}
	for (int i = used + 1; i < argc; i++)
		check_address(argv[i]);
	printf("tcp_retransmits %" PRIu64 "\n", mr_stack_counter(stack, MR_CNT_TCP_RETRANSMITS));
	mr_stack_destroy(stack);
	mr_link_close(link);
	rte_eal_cleanup();
	return failed;
}
