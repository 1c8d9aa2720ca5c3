/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of how TCP connections are taken: what the listener has for accept.
 */
#ifndef TESTS_ACCEPT_H
#define TESTS_ACCEPT_H

#include "rig/fixture.h"

static inline void
expect_accept(int rc)
{
	struct mr_ep *ep;

	ck_assert_int_eq(mr_ep_accept(t.listener, &ep), rc);
	if (rc == 0)
		mr_ep_abort(ep);
	rig_discard(&rig);
}

#endif
