/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bad wire between two DPDK ports: what comes in at the first leaves at the second through `impair`, and back the same
 * way. It looks into no frame, so it is the same wire for whoever is at its ends. For scripts/matrix-kernel.
 *
 *	wire_bad [EAL arguments] -- FORTH BACK [MBUFS]
 *
 * FORTH and BACK are mr_impair_parse texts of what is sent to the second and to the first port. Says "Ready", polls until
 * SIGINT or SIGTERM, and then prints for each direction the frames that were taken and those of them that were lost.
 *
 * DPDK's tap driver has the kernel send a signal for each frame, and does not look before one has come. Whoever sends pays for
 * the signal, and on another processor than ours many times as much as on ours, which is where a kernel's TCP sends when it
 * answers what we deliver. So that all are alike, nobody sends one: we tell the driver to look.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "stack/link.h"
#include "stack/millrace.h"
#include "stack/pkt.h"

#define BURST 32
#define MBUFS 65536
#define TURNS_PER_LOOK 64

static volatile sig_atomic_t ended;

static void
end(int sig)
{
	(void)sig;
	ended = 1;
}

/* ---- taps without signals */

static int tap_signal; /* 0: there is no tap */
static void (*tap_look)(int sig);

static bool
is_tap(int fd)
{
	char path[64], file[32] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, file, sizeof(file) - 1) > 0 && strcmp(file, "/dev/net/tun") == 0;
}

static void
taps_quiet(void)
{
	DIR *fds = opendir("/proc/self/fd");
	struct sigaction driver;

	for (struct dirent *e; fds && (e = readdir(fds));) {
		int fd = atoi(e->d_name), flags = is_tap(fd) ? fcntl(fd, F_GETFL) : 0;

		if (flags & O_ASYNC && fcntl(fd, F_SETFL, flags & ~O_ASYNC) == 0)
			tap_signal = fcntl(fd, F_GETSIG);
	}
	if (fds)
		closedir(fds);
	if (tap_signal > 0 && sigaction(tap_signal, NULL, &driver) == 0)
		tap_look = driver.sa_handler;
}

/* ---- the wire */

static uint64_t
now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* A port, and what happens to frames that are sent there. NULL: told */
static struct mr_link *
port_open(const char *device, const char *impair, struct rte_mempool *pool)
{
	struct mr_link_cfg cfg = {.device = device, .n_queues = 1, .rx_pools = &pool, .promisc = true};
	struct mr_impair_cfg bad;
	struct mr_link *inner, *l;
	char why[256];
	int r;

	if (mr_impair_parse(impair, &bad, why, sizeof(why)) < 0) {
		fprintf(stderr, "wire_bad: %s\n", why);
		return NULL;
	}
	if (mr_link_open("ethdev", &cfg, &inner) < 1)
		return NULL;
	r = mr_impair_wrap(inner, &bad, &l);
	if (r == 0)
		r = l->ops->start(l);
	if (r == 0 && l->ops->set_promisc)
		r = l->ops->set_promisc(l, true);
	if (r == 0)
		return l;
	fprintf(stderr, "wire_bad: port %s: error %d\n", device, -r);
	return NULL;
}

static void
pass(struct mr_link *from, struct mr_link *to, uint64_t now)
{
	struct rte_mbuf *pkts[BURST];
	uint16_t n = from->ops->rx_burst(from, now, pkts, BURST);

	/* What the receiver knows of a frame is no order to the sender. */
	for (uint16_t i = 0; i < n; i++)
		pkts[i]->ol_flags = 0;
	if (n > 0)
		to->ops->tx_burst(to, now, pkts, n); /* takes them all */
}

static void
tell(const char *way, struct mr_link *l)
{
	struct mr_link_stats st;

	l->ops->stats(l, &st);
	printf("%s %" PRIu64 " frames, lost %" PRIu64 "\n", way, st.tx_packets, st.tx_errors);
}

static int
run(char **arg, uint32_t mbufs)
{
	struct rte_mempool *pool = mr_pktpool_create("wire", mbufs, 2048, SOCKET_ID_ANY);
	struct mr_link *first, *second;

	if (!pool) {
		fprintf(stderr, "wire_bad: no pool of %u packets: give EAL more memory (-m)\n", mbufs);
		return 1;
	}
	first = port_open("0", arg[1], pool);
	second = first ? port_open("1", arg[0], pool) : NULL;
	if (!second)
		return 1;
	taps_quiet();
	printf("Ready\n");
	fflush(stdout);
	while (!ended) {
		for (unsigned i = 0; i < TURNS_PER_LOOK; i++) {
			if (tap_look)
				tap_look(tap_signal);
			pass(first, second, now_ns());
			pass(second, first, now_ns());
		}
	}
	tell("forth", second);
	tell("back", first);
	mr_link_close(first);
	mr_link_close(second);
	return 0;
}

int
main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv);
	uint32_t mbufs = used > 0 && argc - used == 4 ? (uint32_t)strtoul(argv[used + 3], NULL, 10) : MBUFS;

	if (used < 0)
		return 1;
	if (argc - used < 3 || argc - used > 4 || mbufs == 0) {
		fprintf(stderr, "usage: wire_bad [EAL arguments] -- FORTH BACK [MBUFS]\n");
		return 2;
	}
	signal(SIGINT, end);
	signal(SIGTERM, end);
	return run(argv + used + 1, mbufs);
}
