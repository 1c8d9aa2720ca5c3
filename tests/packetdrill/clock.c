/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time is a number that packetdrill's own waiting moves on. Between two of its calls none passes, so a script plays the
 * same on any machine under any load, and hours of it take moments.
 */
#include "pd.h"

#include <rte_common.h>

#define MAX_TURNS 64               /* at one time: an application that keeps the stack busy must not stop the clock */
#define GIVE_UP_NS (4 * 3600 * SEC) /* a packet that has not come by then will not come */

void
pd_settle(void)
{
	unsigned i = 0;

	do
		mr_stack_poll(pd.stack, pd.now_ns);
	while ((pd_calls_retry() || mr_stack_next_ns(pd.stack) <= pd.now_ns) && ++i < MAX_TURNS);
}

static uint64_t
next_ns(void)
{
	return RTE_MIN(mr_stack_next_ns(pd.stack), pd_calls_next_ns());
}

bool
pd_step(uint64_t limit_ns)
{
	uint64_t t = RTE_MAX(next_ns(), pd.now_ns + US);

	/* Also with nothing due: what the stack knows of the time is its last turn's. */
	pd.now_ns = RTE_MAX(pd.now_ns, RTE_MIN(t, limit_ns));
	pd_settle();
	return t <= limit_ns;
}

void
pd_run_until(uint64_t t_ns)
{
	while (pd_step(t_ns))
		;
}

int
pd_netdev_send(void *ud, const void *packet, size_t len)
{
	(void)ud;
	pd_lock();
	pd_wire_push(packet, len);
	pd_settle();
	return (int)pd_return(0);
}

/* An empty packet says that there is none: packetdrill takes an error for a reason to ask again. */
int
pd_netdev_receive(void *ud, void *buf, size_t *len, long long *sent_usecs)
{
	uint64_t limit_ns, sent_ns;

	(void)ud;
	pd_lock();
	limit_ns = pd.now_ns + GIVE_UP_NS;
	while (!pd_wire_has_packet() && pd_step(limit_ns))
		;
	if (pd_wire_pop(buf, len, &sent_ns)) {
		*sent_usecs = (long long)(sent_ns / US);
	} else {
		*len = 0;
		*sent_usecs = (long long)(pd.now_ns / US);
	}
	return (int)pd_return(0);
}

int
pd_usleep(void *ud, useconds_t usecs)
{
	(void)ud;
	pd_lock();
	pd_run_until(pd.now_ns + usecs * US);
	return (int)pd_return(0);
}

int
pd_gettimeofday(void *ud, struct timeval *tv, struct timezone *tz)
{
	uint64_t t_ns;

	(void)ud, (void)tz;
	pd_lock();
	t_ns = pd_call_ended_ns();
	if (!t_ns) {
		pd_run_until(pd.now_ns + US);
		t_ns = pd.now_ns;
	}
	tv->tv_sec = (time_t)(t_ns / SEC);
	tv->tv_usec = (suseconds_t)(t_ns % SEC / US);
	return (int)pd_return(0);
}
