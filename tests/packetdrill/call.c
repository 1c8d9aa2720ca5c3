/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that wait. packetdrill makes those that a script lets overlap with packets in a thread of their own, and
 * goes on when it sees that thread asleep. Such a call is left here; whoever moves the clock attempts it after each turn,
 * and notes the time of its end: the thread that made it may wake much later. A call of the main thread has only time to
 * wait for, so it moves the clock itself.
 */
#include "pd.h"

#include <errno.h>

static __thread uint64_t ended_ns;

/* @return whether it has ended */
static bool
attempt(struct pd_call *c)
{
	c->result = c->attempt(c);
	if (c->result == -EAGAIN && c->deadline_ns && pd.now_ns >= c->deadline_ns)
		c->result = 0;
	c->done = c->result != -EAGAIN;
	return c->done;
}

static void
wake(struct pd_call *c)
{
	TAILQ_REMOVE(&pd.calls, c, link);
	c->done_ns = pd.now_ns;
	pthread_cond_signal(&c->cond);
}

bool
pd_calls_retry(void)
{
	struct pd_call *c, *next;
	bool any = false;

	for (c = TAILQ_FIRST(&pd.calls); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (attempt(c)) {
			wake(c);
			any = true;
		}
	}
	return any;
}

void
pd_calls_cancel(const struct pd_sock *s)
{
	struct pd_call *c, *next;

	for (c = TAILQ_FIRST(&pd.calls); c; c = next) {
		next = TAILQ_NEXT(c, link);
		if (c->sock != s)
			continue;
		c->result = -EBADF;
		c->done = true;
		wake(c);
	}
}

uint64_t
pd_calls_next_ns(void)
{
	const struct pd_call *c;
	uint64_t next = UINT64_MAX;

	TAILQ_FOREACH(c, &pd.calls, link) {
		if (c->deadline_ns && c->deadline_ns < next)
			next = c->deadline_ns;
	}
	return next;
}

uint64_t
pd_call_ended_ns(void)
{
	uint64_t t = ended_ns;

	ended_ns = 0;
	return t;
}

static void
wait_for_time(struct pd_call *c)
{
	uint64_t limit_ns = c->deadline_ns ? c->deadline_ns : UINT64_MAX - SEC;

	while (!c->done) {
		bool more = pd_step(limit_ns);

		if (!attempt(c) && !more) {
			c->result = -EDEADLK;
			return;
		}
	}
}

static void
wait_for_main(struct pd_call *c)
{
	pthread_cond_init(&c->cond, NULL);
	TAILQ_INSERT_TAIL(&pd.calls, c, link);
	while (!c->done)
		pthread_cond_wait(&c->cond, &pd.lock);
	pthread_cond_destroy(&c->cond);
	ended_ns = c->done_ns;
}

ssize_t
pd_call(struct pd_call *c, bool wait)
{
	bool ended = attempt(c);

	pd_settle();
	if (!ended && wait) {
		if (pthread_equal(pthread_self(), pd.main))
			wait_for_time(c);
		else
			wait_for_main(c);
	}
	return c->result;
}
