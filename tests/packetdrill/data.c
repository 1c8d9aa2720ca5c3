/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing. All calls are one of two, over a vector of pieces: a read ends with the first bytes there are
 * (MSG_WAITALL: with all), a write when all of it is queued.
 */
#include "pd.h"

#include <errno.h>

struct io {
	struct pd_call call;
	const struct iovec *iov;
	size_t n_iov;
	int flags;                /* MSG_* */
	size_t len, done;         /* bytes in all, and so far */
	struct mr_sockaddr name;  /* who sent it; where to */
	bool has_name;
};

static int
io_check(struct io *io)
{
	io->len = 0;
	for (size_t i = 0; i < io->n_iov; i++) {
		if (!io->iov[i].iov_base && io->iov[i].iov_len > 0)
			return -EFAULT;
		io->len += io->iov[i].iov_len;
	}
	return 0;
}

/* The rest of the piece that byte `at` of the vector is in. */
static struct iovec
piece_at(const struct io *io, size_t at)
{
	for (size_t i = 0; i < io->n_iov; i++) {
		const struct iovec *v = &io->iov[i];

		if (at < v->iov_len)
			return (struct iovec){(char *)v->iov_base + at, v->iov_len - at};
		at -= v->iov_len;
	}
	return (struct iovec){0};
}

static ssize_t
io_run(struct io *io, int fd)
{
	ssize_t rc;

	pd_lock();
	io->call.sock = pd_sock_of(fd);
	rc = io->call.sock ? io_check(io) : -EBADF;
	if (rc == 0)
		rc = pd_call(&io->call, !io->call.sock->nonblock && !(io->flags & MSG_DONTWAIT));
	return pd_return_settled(rc == -EAGAIN && io->done > 0 ? (ssize_t)io->done : rc);
}

/* ---- reading */

static ssize_t
read_attempt(struct pd_call *call)
{
	struct io *io = (struct io *)call;
	struct mr_ep *ep = call->sock->ep;
	ssize_t n;

	if (io->flags & MSG_OOB)
		return -EINVAL;
	do {
		struct iovec v = piece_at(io, io->done);

		/* A second look would show the same bytes again: one piece is all that is looked at. */
		n = io->flags & MSG_PEEK ? mr_ep_peek(ep, v.iov_base, v.iov_len, &io->name)
		                         : mr_ep_recv(ep, v.iov_base, v.iov_len, &io->name);
		io->done += n > 0 ? (size_t)n : 0;
	} while (n > 0 && io->done < io->len && !(io->flags & MSG_PEEK));
	if (n == -EAGAIN && io->done > 0 && !(io->flags & MSG_WAITALL))
		return (ssize_t)io->done;
	return n == -EAGAIN || io->done == 0 ? n : (ssize_t)io->done;
}

ssize_t
pd_recvmsg(void *ud, int fd, struct msghdr *msg, int flags)
{
	struct io io = {.call.attempt = read_attempt, .iov = msg->msg_iov, .n_iov = msg->msg_iovlen, .flags = flags};
	struct pd_sock *s;
	ssize_t n = io_run(&io, fd);

	(void)ud;
	msg->msg_flags = 0;
	msg->msg_controllen = 0;
	pd_lock();
	s = pd_sock_of(fd);
	if (s && n >= 0 && msg->msg_name)
		pd_addr_out(&io.name, s->net, msg->msg_name, &msg->msg_namelen);
	return pd_return(n < 0 ? -errno : n);
}

ssize_t
pd_readv(void *ud, int fd, const struct iovec *iov, int n)
{
	struct io io = {.call.attempt = read_attempt, .iov = iov, .n_iov = (size_t)n};

	(void)ud;
	return io_run(&io, fd);
}

ssize_t
pd_recvfrom(void *ud, int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len)
{
	struct iovec v = {buf, len};
	struct msghdr msg = {.msg_iov = &v, .msg_iovlen = 1, .msg_name = addr, .msg_namelen = addr_len ? *addr_len : 0};
	ssize_t n = pd_recvmsg(ud, fd, &msg, flags);

	if (addr_len)
		*addr_len = msg.msg_namelen;
	return n;
}

ssize_t
pd_recv(void *ud, int fd, void *buf, size_t len, int flags)
{
	return pd_recvfrom(ud, fd, buf, len, flags, NULL, NULL);
}

ssize_t
pd_read(void *ud, int fd, void *buf, size_t len)
{
	return pd_recv(ud, fd, buf, len, 0);
}

/* ---- writing */

static ssize_t
write_attempt(struct pd_call *call)
{
	struct io *io = (struct io *)call;
	struct mr_ep *ep = call->sock->ep;
	ssize_t n;

	do {
		struct iovec v = piece_at(io, io->done);

		/* A stream knows where to, and does not look. */
		n = io->has_name && !call->sock->stream ? mr_ep_sendto(ep, v.iov_base, v.iov_len, &io->name)
		                                        : mr_ep_send(ep, v.iov_base, v.iov_len);
		io->done += n > 0 ? (size_t)n : 0;
	} while (n > 0 && io->done < io->len);
	return n == -EAGAIN || io->done == 0 ? n : (ssize_t)io->done;
}

ssize_t
pd_sendmsg(void *ud, int fd, const struct msghdr *msg, int flags)
{
	struct io io = {.call.attempt = write_attempt, .iov = msg->msg_iov, .n_iov = msg->msg_iovlen, .flags = flags};
	int rc = msg->msg_name ? pd_addr_in(msg->msg_name, msg->msg_namelen, &io.name) : 0;

	(void)ud;
	if (rc < 0) {
		errno = -rc;
		return -1;
	}
	io.has_name = msg->msg_name;
	return io_run(&io, fd);
}

ssize_t
pd_writev(void *ud, int fd, const struct iovec *iov, int n)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};

	return pd_sendmsg(ud, fd, &msg, 0);
}

ssize_t
pd_sendto(void *ud, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr, socklen_t addr_len)
{
	struct iovec v = {(void *)(uintptr_t)buf, len};
	struct msghdr msg = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_name = (void *)(uintptr_t)addr, .msg_namelen = addr_len};

	return pd_sendmsg(ud, fd, &msg, flags);
}

ssize_t
pd_send(void *ud, int fd, const void *buf, size_t len, int flags)
{
	return pd_sendto(ud, fd, buf, len, flags, NULL, 0);
}

ssize_t
pd_write(void *ud, int fd, const void *buf, size_t len)
{
	return pd_send(ud, fd, buf, len, 0);
}
