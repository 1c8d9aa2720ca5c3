/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors. Each number that a script gets is that of a real descriptor, an eventfd that nobody uses: packetdrill
 * closes those that the script has left open, and tells nobody.
 */
#include "pd.h"

#include <netinet/in.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static TAILQ_HEAD(, pd_sock) socks = TAILQ_HEAD_INITIALIZER(socks);

struct pd_sock *
pd_sock_new(enum pd_kind kind, struct mr_ep *ep, uint16_t net)
{
	struct pd_sock *s = calloc(1, sizeof(*s));

	if (!s)
		pd_die("no memory");
	s->kind = kind;
	s->ep = ep;
	s->net = net;
	s->fd = eventfd(0, EFD_CLOEXEC);
	if (s->fd < 0)
		pd_die("no descriptor: %s", strerror(errno));
	TAILQ_INSERT_TAIL(&socks, s, link);
	return s;
}

struct pd_sock *
pd_sock_find(int fd)
{
	struct pd_sock *s;

	TAILQ_FOREACH(s, &socks, link) {
		if (s->fd == fd)
			return s;
	}
	return NULL;
}

struct pd_sock *
pd_sock_of(int fd)
{
	struct pd_sock *s = pd_sock_find(fd);

	return s && s->kind == PD_SOCKET ? s : NULL;
}

void
pd_sock_free(struct pd_sock *s)
{
	pd_unwatch(s);
	pd_calls_cancel(s);
	if (s->ep)
		mr_ep_close(s->ep);
	close(s->fd);
	TAILQ_REMOVE(&socks, s, link);
	free(s);
}

/* ---- addresses */

static struct mr_addr
addr_from_v6(const struct in6_addr *in)
{
	struct mr_addr a;

	memcpy(a.b, in, sizeof(a.b));
	return a;
}

int
pd_addr_in(const struct sockaddr *sa, socklen_t len, struct mr_sockaddr *out)
{
	*out = (struct mr_sockaddr){0};
	if (!sa || len < sizeof(sa->sa_family))
		return -EINVAL;
	if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		out->addr = mr_addr_v4(ntohl(in->sin_addr.s_addr));
		out->port = ntohs(in->sin_port);
		return 0;
	}
	if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)sa;

		out->addr = addr_from_v6(&in->sin6_addr);
		out->port = ntohs(in->sin6_port);
		return 0;
	}
	return sa->sa_family == AF_INET || sa->sa_family == AF_INET6 ? -EINVAL : -EAFNOSUPPORT;
}

void
pd_addr_out(const struct mr_sockaddr *a, uint16_t net, struct sockaddr *sa, socklen_t *len)
{
	struct sockaddr_storage ss = {0};
	socklen_t n;

	if (!sa || !len)
		return;
	if (net == MR_NET_IPV4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&ss;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, &a->addr.b[12], sizeof(in->sin_addr));
		n = sizeof(*in);
	} else {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)&ss;

		in->sin6_family = AF_INET6;
		in->sin6_port = htons(a->port);
		memcpy(&in->sin6_addr, a->addr.b, sizeof(in->sin6_addr));
		n = sizeof(*in);
	}
	memcpy(sa, &ss, n < *len ? n : *len);
	*len = n;
}
