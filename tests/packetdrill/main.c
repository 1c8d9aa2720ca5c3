/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start and the end: EAL without hardware, one stack with one address on one link, the table of functions.
 *
 * packetdrill locks all memory that is and will be mapped. A stack reserves address space by the gigabyte and touches
 * what it needs, so the lock is taken off first.
 */
#include "pd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>

#define NIC 1
#define START_NS (1000000 * SEC) /* no script tells time of day */
#define MAX_MBUF_BYTES 65000     /* an mbuf's length and headroom are 16 bits */

struct pd_world pd = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.calls = TAILQ_HEAD_INITIALIZER(pd.calls),
	.now_ns = START_NS,
};

void
pd_die(const char *fmt, ...)
{
	va_list ap;

	fputs("millrace_packetdrill: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	fflush(NULL);
	_exit(1); /* in the middle of the stack: nothing is taken down */
}

ssize_t
pd_return(ssize_t rc)
{
	pthread_mutex_unlock(&pd.lock);
	if (rc >= 0)
		return rc;
	errno = (int)-rc;
	return -1;
}

ssize_t
pd_return_settled(ssize_t rc)
{
	pd_settle();
	return pd_return(rc);
}

/* What must not fail. */
static void
must(int rc, const char *what)
{
	if (rc < 0)
		pd_die("%s: %s", what, strerror(-rc));
}

/* ---- calls that no stack of ours answers */

static int
no_pipe(void *ud, int fds[2])
{
	(void)ud, (void)fds;
	errno = ENOSYS;
	return -1;
}

static int
no_splice(void *ud, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out, size_t len, unsigned flags)
{
	(void)ud, (void)fd_in, (void)off_in, (void)fd_out, (void)off_out, (void)len, (void)flags;
	errno = ENOSYS;
	return -1;
}

/* ---- start and end */

static void
eal_init(void)
{
	char *args[] = {"packetdrill", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256",
	                "--lcores=0", "--log-level=lib.eal:4", NULL};

	munlockall();
	if (rte_eal_init(RTE_DIM(args) - 1, args) < 0)
		pd_die("EAL does not start: %s", rte_strerror(rte_errno));
}

static void
stack_init(const struct pd_config *cfg)
{
	struct mr_subnet addr = {cfg->local, mr_addr_is_v4(&cfg->local) ? 32 : 128};
	struct mr_route_entry all = {.gateway = cfg->gateway, .nic = NIC};
	uint32_t data_bytes = RTE_MIN(RTE_MAX(cfg->mtu + 64u, 2048u), (unsigned)MAX_MBUF_BYTES);
	struct mr_stack_opts o = {
		.name = "packetdrill", .seed = 1, .mbuf_data_bytes = data_bytes,
		.rx_mbufs = data_bytes > 16384 ? 512 : 8192, .tx_mbufs = data_bytes > 16384 ? 512 : 8192,
	};

	must(mr_stack_create(&o, &pd.stack), "no stack");
	mr_stack_poll(pd.stack, pd.now_ns);
	must(mr_nic_create(pd.stack, NIC, "wire", pd_wire_open(cfg->mtu)), "no NIC");
	must(mr_addr_add(pd.stack, NIC, &addr, MR_PEB_CAN_BE_PRIMARY), "--local_ip");
	if (mr_addr_is_v4(&cfg->local))
		all.dest.addr = mr_addr_v4(0);
	must(mr_route_add(pd.stack, &all), "--gateway_ip");
	for (unsigned i = 0; i < cfg->n_switches; i++) {
		const struct pd_switch *w = &cfg->switches[i];

		if (!w->of_endpoint)
			must(mr_transproto_setopt(pd.stack, MR_TRANS_TCP, w->opt, w->value), "a switch of --so_flags");
	}
	pd_settle();
}

static void
world_free(void *ud)
{
	unsigned left;

	(void)ud;
	pd_lock();
	left = pd.cfg.extra_at_end ? 0 : pd_wire_left();
	mr_stack_destroy(pd.stack);
	pd_wire_clear();
	pd_return(0);
	if (left > 0)
		pd_die("the stack has sent %u packet%s that the script does not expect", left, left == 1 ? "" : "s");
}

static const struct packetdrill_interface functions = {
	.free = world_free,
	.socket = pd_socket,
	.bind = pd_bind,
	.listen = pd_listen,
	.accept = pd_accept,
	.connect = pd_connect,
	.read = pd_read,
	.readv = pd_readv,
	.recv = pd_recv,
	.recvfrom = pd_recvfrom,
	.recvmsg = pd_recvmsg,
	.write = pd_write,
	.writev = pd_writev,
	.send = pd_send,
	.sendto = pd_sendto,
	.sendmsg = pd_sendmsg,
	.fcntl = pd_fcntl,
	.ioctl = pd_ioctl,
	.close = pd_close,
	.shutdown = pd_shutdown,
	.getsockopt = pd_getsockopt,
	.setsockopt = pd_setsockopt,
	.poll = pd_poll,
	.netdev_send = pd_netdev_send,
	.netdev_receive = pd_netdev_receive,
	.usleep = pd_usleep,
	.gettimeofday = pd_gettimeofday,
	.epoll_create = pd_epoll_create,
	.epoll_ctl = pd_epoll_ctl,
	.epoll_wait = pd_epoll_wait,
	.pipe = no_pipe,
	.splice = no_splice,
};

__attribute__((visibility("default"))) void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc)
{
	if (pd.stack)
		pd_die("one script to a process");
	pd_flags(flags, &pd.cfg);
	pd.main = pthread_self();
	eal_init();
	stack_init(&pd.cfg);
	*ifc = functions;
}
