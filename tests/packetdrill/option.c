/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket options. Most are a row of a table: an integer on one side, an option of Millrace on the other.
 */
#include "pd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static const struct row {
	int level, name, opt;
	int64_t unit; /* of the socket option, in the endpoint's */
} rows[] = {
	{SOL_SOCKET, SO_REUSEADDR, MR_OPT_REUSEADDR, 1},
	{SOL_SOCKET, SO_REUSEPORT, MR_OPT_REUSEPORT, 1},
	{SOL_SOCKET, SO_KEEPALIVE, MR_OPT_TCP_KEEPALIVE, 1},
	{SOL_SOCKET, SO_SNDBUF, MR_OPT_SNDBUF, 1},
	{SOL_SOCKET, SO_RCVBUF, MR_OPT_RCVBUF, 1},
	{SOL_SOCKET, SO_BROADCAST, MR_OPT_BROADCAST, 1},
	{IPPROTO_IP, IP_TTL, MR_OPT_TTL, 1},
	{IPPROTO_IP, IP_TOS, MR_OPT_TOS, 1},
	{IPPROTO_IPV6, IPV6_UNICAST_HOPS, MR_OPT_TTL, 1},
	{IPPROTO_IPV6, IPV6_TCLASS, MR_OPT_TOS, 1},
	{IPPROTO_IPV6, IPV6_V6ONLY, MR_OPT_V6ONLY, 1},
	{IPPROTO_TCP, TCP_NODELAY, MR_OPT_TCP_NODELAY, 1},
	{IPPROTO_TCP, TCP_CORK, MR_OPT_TCP_CORK, 1},
	{IPPROTO_TCP, TCP_QUICKACK, MR_OPT_TCP_QUICKACK, 1},
	{IPPROTO_TCP, TCP_MAXSEG, MR_OPT_TCP_MAXSEG, 1},
	{IPPROTO_TCP, TCP_KEEPIDLE, MR_OPT_TCP_KEEPIDLE_NS, SEC},
	{IPPROTO_TCP, TCP_KEEPINTVL, MR_OPT_TCP_KEEPINTVL_NS, SEC},
	{IPPROTO_TCP, TCP_KEEPCNT, MR_OPT_TCP_KEEPCNT, 1},
	{IPPROTO_TCP, TCP_USER_TIMEOUT, MR_OPT_TCP_USER_TIMEOUT_NS, MS},
};

static const struct row *
row_find(int level, int name)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].level == level && rows[i].name == name)
			return &rows[i];
	}
	return NULL;
}

/* ---- set */

static int
linger_set(struct mr_ep *ep, const void *value, socklen_t len)
{
	struct linger l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, value, sizeof(l));
	return mr_ep_setopt(ep, MR_OPT_LINGER_NS, l.l_onoff ? (int64_t)l.l_linger * (int64_t)SEC : -1);
}

static int
congestion_set(struct mr_ep *ep, const char *value, socklen_t len)
{
	char name[16] = "";
	int cc;

	memcpy(name, value, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
	cc = mr_tcp_cc_find(name);
	return cc < 0 ? cc : mr_ep_setopt(ep, MR_OPT_TCP_CC, cc);
}

static int
opt_set(struct mr_ep *ep, int level, int name, const void *value, socklen_t len)
{
	const struct row *r = row_find(level, name);
	int v;

	if (!value)
		return -EFAULT;
	if (level == SOL_SOCKET && name == SO_LINGER)
		return linger_set(ep, value, len);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return congestion_set(ep, value, len);
	if (!r)
		return -ENOPROTOOPT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	return mr_ep_setopt(ep, r->opt, v * r->unit);
}

int
pd_setsockopt(void *ud, int fd, int level, int name, const void *value, socklen_t len)
{
	struct pd_sock *s;

	(void)ud;
	pd_lock();
	s = pd_sock_of(fd);
	return (int)pd_return_settled(s ? opt_set(s->ep, level, name, value, len) : -EBADF);
}

/* ---- get */

static int
put(const void *from, size_t n, void *value, socklen_t *len)
{
	if (*len > n)
		*len = (socklen_t)n;
	memcpy(value, from, *len);
	return 0;
}

static int
linger_get(struct mr_ep *ep, void *value, socklen_t *len)
{
	struct linger l = {0};
	int64_t v;
	int rc = mr_ep_getopt(ep, MR_OPT_LINGER_NS, &v);

	if (rc < 0)
		return rc;
	l.l_onoff = v >= 0;
	l.l_linger = v >= 0 ? (int)(v / (int64_t)SEC) : 0;
	return put(&l, sizeof(l), value, len);
}

static int
congestion_get(struct mr_ep *ep, void *value, socklen_t *len)
{
	char name[16] = "";
	int64_t cc;
	int rc = mr_ep_getopt(ep, MR_OPT_TCP_CC, &cc);

	if (rc < 0)
		return rc;
	strncpy(name, mr_tcp_cc_name((unsigned)cc), sizeof(name) - 1);
	return put(name, sizeof(name), value, len);
}

static int
number_get(struct mr_ep *ep, int level, int name, int *out)
{
	const struct row *r = row_find(level, name);
	int64_t v;
	int rc;

	if (level == SOL_SOCKET && name == SO_ERROR) {
		*out = -mr_ep_error(ep);
		return 0;
	}
	rc = r ? mr_ep_getopt(ep, r->opt, &v) : -ENOPROTOOPT;
	if (rc == 0)
		*out = (int)(v / r->unit);
	return rc;
}

static int
opt_get(struct mr_ep *ep, int level, int name, void *value, socklen_t *len)
{
	int v, rc;

	if (!value || !len)
		return -EFAULT;
	if (level == SOL_SOCKET && name == SO_LINGER)
		return linger_get(ep, value, len);
	if (level == IPPROTO_TCP && name == TCP_CONGESTION)
		return congestion_get(ep, value, len);
	rc = number_get(ep, level, name, &v);
	return rc < 0 ? rc : put(&v, sizeof(v), value, len);
}

int
pd_getsockopt(void *ud, int fd, int level, int name, void *value, socklen_t *len)
{
	struct pd_sock *s;

	(void)ud;
	pd_lock();
	s = pd_sock_of(fd);
	return (int)pd_return(s ? opt_get(s->ep, level, name, value, len) : -EBADF);
}

/* ---- descriptor flags, and what waits */

static int
fcntl_do(struct pd_sock *s, int cmd, int arg)
{
	switch (cmd) {
	case F_GETFL:
		return O_RDWR | (s->nonblock ? O_NONBLOCK : 0);
	case F_SETFL:
		s->nonblock = arg & O_NONBLOCK;
		return 0;
	case F_GETFD:
	case F_SETFD:
		return 0;
	default:
		return -EINVAL;
	}
}

int
pd_fcntl(void *ud, int fd, int cmd, ...)
{
	struct pd_sock *s;
	va_list ap;
	int arg;

	(void)ud;
	va_start(ap, cmd);
	arg = cmd == F_GETFL || cmd == F_GETFD ? 0 : va_arg(ap, int);
	va_end(ap);
	pd_lock();
	s = pd_sock_of(fd);
	return (int)pd_return(s ? fcntl_do(s, cmd, arg) : -EBADF);
}

/* Bytes that a read would find. */
static int
inq(struct mr_ep *ep, int *out)
{
	int64_t room = 0;
	ssize_t n;
	char *buf;

	mr_ep_getopt(ep, MR_OPT_RCVBUF, &room);
	buf = malloc((size_t)room + 1);
	if (!buf)
		return -ENOMEM;
	n = mr_ep_peek(ep, buf, (size_t)room, NULL);
	free(buf);
	if (n < 0 && n != -EAGAIN)
		return (int)n;
	*out = n > 0 ? (int)n : 0;
	return 0;
}

int
pd_ioctl(void *ud, int fd, unsigned long request, ...)
{
	struct pd_sock *s;
	va_list ap;
	int *arg;

	(void)ud;
	va_start(ap, request);
	arg = va_arg(ap, int *);
	va_end(ap);
	pd_lock();
	s = pd_sock_of(fd);
	if (!s)
		return (int)pd_return(-EBADF);
	return (int)pd_return(request == SIOCINQ ? inq(s->ep, arg) : -EINVAL);
}
