/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poll and epoll. Levels are asked of the endpoint; for edges each watch collects the endpoint's events.
 */
#include "pd.h"

#include <errno.h>
#include <stdlib.h>

/* Who of an epoll descriptor watches which socket for what. */
struct watch {
	TAILQ_ENTRY(watch) link;
	struct pd_sock *epoll, *sock;
	struct epoll_event event;
	struct mr_waiter waiter;
	bool fresh;               /* something has happened since an edge was told */
};

static TAILQ_HEAD(, watch) watches = TAILQ_HEAD_INITIALIZER(watches);

/* The peer has ended its stream. */
static bool
peer_is_done(struct mr_ep *ep)
{
	int64_t state;

	if (mr_ep_getopt(ep, MR_OPT_TCP_STATE, &state) < 0)
		return false;
	return state == MR_TCP_CLOSE_WAIT || state >= MR_TCP_CLOSING;
}

/* What is ready, as EPOLL* (and POLL*, which are the same bits). */
static uint32_t
ready(struct mr_ep *ep)
{
	uint32_t r = mr_ep_readiness(ep), out = 0;

	if (r & MR_EV_IN)
		out |= EPOLLIN | EPOLLRDNORM;
	if (r & MR_EV_OUT)
		out |= EPOLLOUT | EPOLLWRNORM;
	if (r & MR_EV_ERR)
		out |= EPOLLERR;
	if (r & MR_EV_HUP)
		out |= EPOLLHUP;
	if (peer_is_done(ep))
		out |= EPOLLRDHUP;
	return out;
}

static uint64_t
deadline(int timeout_ms)
{
	return timeout_ms < 0 ? 0 : pd.now_ns + (uint64_t)timeout_ms * MS;
}

/* ---- poll */

struct poll_call {
	struct pd_call call;
	struct pollfd *fds;
	nfds_t n;
};

static ssize_t
poll_attempt(struct pd_call *call)
{
	struct poll_call *p = (struct poll_call *)call;
	ssize_t n = 0;

	for (nfds_t i = 0; i < p->n; i++) {
		struct pollfd *f = &p->fds[i];
		const struct pd_sock *s = f->fd >= 0 ? pd_sock_of(f->fd) : NULL;

		f->revents = 0;
		if (s)
			f->revents = (short)(ready(s->ep) & (uint32_t)(f->events | POLLERR | POLLHUP));
		else if (f->fd >= 0)
			f->revents = POLLNVAL;
		n += f->revents != 0;
	}
	return n > 0 ? n : -EAGAIN;
}

int
pd_poll(void *ud, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct poll_call p = {.call.attempt = poll_attempt, .fds = fds, .n = n};
	ssize_t rc;

	(void)ud;
	pd_lock();
	p.call.deadline_ns = deadline(timeout_ms);
	rc = pd_call(&p.call, timeout_ms != 0);
	return (int)pd_return(rc == -EAGAIN ? 0 : rc);
}

/* ---- epoll */

static struct watch *
watch_find(const struct pd_sock *epoll, const struct pd_sock *sock)
{
	struct watch *w;

	TAILQ_FOREACH(w, &watches, link) {
		if (w->epoll == epoll && w->sock == sock)
			return w;
	}
	return NULL;
}

static void
on_event(struct mr_ep *ep, uint32_t events, void *arg)
{
	(void)ep, (void)events;
	((struct watch *)arg)->fresh = true;
}

static int
watch_add(struct pd_sock *epoll, struct pd_sock *sock, const struct epoll_event *event)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct watch){.epoll = epoll, .sock = sock, .event = *event, .fresh = true};
	w->waiter = (struct mr_waiter){.mask = MR_EV_IN | MR_EV_OUT | MR_EV_ERR | MR_EV_HUP, .fn = on_event, .arg = w};
	mr_ep_wait(sock->ep, &w->waiter);
	TAILQ_INSERT_TAIL(&watches, w, link);
	return 0;
}

static void
watch_free(struct watch *w)
{
	mr_ep_unwait(w->sock->ep, &w->waiter);
	TAILQ_REMOVE(&watches, w, link);
	free(w);
}

void
pd_unwatch(const struct pd_sock *s)
{
	struct watch *w, *next;

	for (w = TAILQ_FIRST(&watches); w; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->sock == s || w->epoll == s)
			watch_free(w);
	}
}

int
pd_epoll_create(void *ud, int size)
{
	(void)ud, (void)size;
	pd_lock();
	return (int)pd_return(pd_sock_new(PD_EPOLL, NULL, 0)->fd);
}

static int
epoll_change(struct pd_sock *epoll, int op, struct pd_sock *sock, const struct epoll_event *event)
{
	struct watch *w = watch_find(epoll, sock);

	switch (op) {
	case EPOLL_CTL_ADD:
		return w ? -EEXIST : watch_add(epoll, sock, event);
	case EPOLL_CTL_MOD:
		if (!w)
			return -ENOENT;
		w->event = *event;
		w->fresh = true;
		return 0;
	case EPOLL_CTL_DEL:
		if (!w)
			return -ENOENT;
		watch_free(w);
		return 0;
	default:
		return -EINVAL;
	}
}

int
pd_epoll_ctl(void *ud, int epfd, int op, int fd, struct epoll_event *event)
{
	struct pd_sock *epoll, *sock;
	int rc = -EBADF;

	(void)ud;
	pd_lock();
	epoll = pd_sock_find(epfd);
	sock = pd_sock_of(fd);
	if (epoll && sock)
		rc = epoll->kind == PD_EPOLL ? epoll_change(epoll, op, sock, event) : -EINVAL;
	return (int)pd_return_settled(rc);
}

struct epoll_call {
	struct pd_call call;
	struct epoll_event *events;
	int max;
};

/* What this watch has to tell; 0: nothing. */
static uint32_t
watch_take(struct watch *w)
{
	uint32_t events = ready(w->sock->ep) & (w->event.events | EPOLLERR | EPOLLHUP);

	if (!(w->event.events & EPOLLET))
		return events;
	if (!w->fresh || !events)
		return 0;
	w->fresh = false;
	return events;
}

static ssize_t
epoll_attempt(struct pd_call *call)
{
	struct epoll_call *e = (struct epoll_call *)call;
	struct watch *w;
	int n = 0;

	TAILQ_FOREACH(w, &watches, link) {
		uint32_t events = w->epoll == call->sock && n < e->max ? watch_take(w) : 0;

		if (events) {
			e->events[n] = w->event;
			e->events[n++].events = events;
		}
	}
	return n > 0 ? n : -EAGAIN;
}

int
pd_epoll_wait(void *ud, int epfd, struct epoll_event *events, int max, int timeout_ms)
{
	struct epoll_call e = {.call.attempt = epoll_attempt, .events = events, .max = max};
	ssize_t rc;

	(void)ud;
	pd_lock();
	e.call.sock = pd_sock_find(epfd);
	e.call.deadline_ns = deadline(timeout_ms);
	if (!e.call.sock || e.call.sock->kind != PD_EPOLL)
		return (int)pd_return(-EBADF);
	rc = pd_call(&e.call, timeout_ms != 0);
	return (int)pd_return(rc == -EAGAIN ? 0 : rc);
}
