/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a socket: made, named, connected or accepted, shut down, closed.
 */
#include "pd.h"

#include <errno.h>
#include <netinet/in.h>

static int
socket_open(int domain, int type, int protocol)
{
	uint16_t net = domain == AF_INET ? MR_NET_IPV4 : MR_NET_IPV6;
	struct pd_sock *s;
	struct mr_ep *ep;
	int rc;

	if (domain != AF_INET && domain != AF_INET6)
		return -EAFNOSUPPORT;
	if (protocol == 0)
		protocol = (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
	rc = mr_ep_create(pd.stack, (uint8_t)protocol, net, &ep);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < pd.cfg.n_switches && protocol == IPPROTO_TCP; i++) {
		const struct pd_switch *w = &pd.cfg.switches[i];

		if (w->of_endpoint && mr_ep_setopt(ep, w->opt, w->value) < 0)
			pd_die("an endpoint refuses option %d with value %lld", w->opt, (long long)w->value);
	}
	s = pd_sock_new(PD_SOCKET, ep, net);
	s->nonblock = type & SOCK_NONBLOCK;
	s->stream = protocol == IPPROTO_TCP;
	return s->fd;
}

int
pd_socket(void *ud, int domain, int type, int protocol)
{
	(void)ud;
	pd_lock();
	return (int)pd_return(socket_open(domain, type, protocol));
}

int
pd_bind(void *ud, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct mr_sockaddr local;
	struct pd_sock *s;
	int rc;

	(void)ud;
	pd_lock();
	s = pd_sock_of(fd);
	rc = s ? pd_addr_in(addr, len, &local) : -EBADF;
	return (int)pd_return_settled(rc < 0 ? rc : mr_ep_bind(s->ep, &local));
}

int
pd_listen(void *ud, int fd, int backlog)
{
	struct pd_sock *s;

	(void)ud;
	pd_lock();
	s = pd_sock_of(fd);
	return (int)pd_return_settled(s ? mr_ep_listen(s->ep, backlog) : -EBADF);
}

/* ---- accept */

struct accept_call {
	struct pd_call call;
	struct sockaddr *addr;
	socklen_t *len;
};

static ssize_t
accept_attempt(struct pd_call *call)
{
	struct accept_call *a = (struct accept_call *)call;
	struct mr_sockaddr remote;
	struct pd_sock *s;
	struct mr_ep *ep;
	int rc = mr_ep_accept(call->sock->ep, &ep);

	if (rc < 0)
		return rc;
	if (mr_ep_remote_name(ep, &remote) == 0)
		pd_addr_out(&remote, call->sock->net, a->addr, a->len);
	s = pd_sock_new(PD_SOCKET, ep, call->sock->net);
	s->stream = true;
	return s->fd;
}

int
pd_accept(void *ud, int fd, struct sockaddr *addr, socklen_t *len)
{
	struct accept_call a = {.call.attempt = accept_attempt, .addr = addr, .len = len};

	(void)ud;
	pd_lock();
	a.call.sock = pd_sock_of(fd);
	return (int)pd_return(a.call.sock ? pd_call(&a.call, !a.call.sock->nonblock) : -EBADF);
}

/* ---- connect */

struct connect_call {
	struct pd_call call;
	struct mr_sockaddr remote;
};

/* Begin, or see what has become of it. Its end is told once, as its success or as its error. */
static ssize_t
connect_attempt(struct pd_call *call)
{
	struct connect_call *c = (struct connect_call *)call;
	struct pd_sock *s = call->sock;
	int64_t state;
	int rc;

	if (!s->connecting) {
		rc = mr_ep_connect(s->ep, &c->remote);
		s->connecting = rc == -EINPROGRESS;
		return s->connecting ? -EAGAIN : rc;
	}
	rc = mr_ep_error(s->ep);
	if (rc == 0 && mr_ep_getopt(s->ep, MR_OPT_TCP_STATE, &state) == 0 && state <= MR_TCP_SYN_RECEIVED)
		rc = state == MR_TCP_CLOSED ? -ECONNABORTED : -EAGAIN;
	s->connecting = rc == -EAGAIN;
	return rc;
}

static ssize_t
connect_run(struct connect_call *c)
{
	bool began = c->call.sock->connecting;
	ssize_t rc = pd_call(&c->call, !c->call.sock->nonblock);

	if (rc == -EAGAIN)
		return began ? -EALREADY : -EINPROGRESS;
	return rc;
}

int
pd_connect(void *ud, int fd, const struct sockaddr *addr, socklen_t len)
{
	struct connect_call c = {.call.attempt = connect_attempt};
	ssize_t rc;

	(void)ud;
	pd_lock();
	c.call.sock = pd_sock_of(fd);
	rc = c.call.sock ? pd_addr_in(addr, len, &c.remote) : -EBADF;
	return (int)pd_return(rc < 0 ? rc : connect_run(&c));
}

/* ---- the end */

int
pd_shutdown(void *ud, int fd, int how)
{
	static const unsigned ways[] = {[SHUT_RD] = MR_SHUT_RD, [SHUT_WR] = MR_SHUT_WR, [SHUT_RDWR] = MR_SHUT_RD | MR_SHUT_WR};
	struct pd_sock *s;
	int rc;

	(void)ud;
	pd_lock();
	s = pd_sock_of(fd);
	if (!s)
		rc = -EBADF;
	else if (how < SHUT_RD || how > SHUT_RDWR)
		rc = -EINVAL;
	else
		rc = mr_ep_shutdown(s->ep, ways[how]);
	return (int)pd_return_settled(rc);
}

int
pd_close(void *ud, int fd)
{
	struct pd_sock *s;

	(void)ud;
	pd_lock();
	s = pd_sock_find(fd);
	if (s)
		pd_sock_free(s);
	return (int)pd_return_settled(s ? 0 : -EBADF);
}
