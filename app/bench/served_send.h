/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending what a connection is owed: answers of args->response bytes each, one after the other. What finds no room waits
 * for MR_EV_OUT.
 */
#ifndef BENCH_SERVED_SEND_H
#define BENCH_SERVED_SEND_H

#include <errno.h>

#include "app/bench/lend.h"
#include "app/bench/server.h"

/* @return false: the connection was over, and is closed */
static inline bool
served_send(struct served *v)
{
	uint32_t len = v->server->args->response;

	while (v->owed > 0) {
		/* Of the answer that has begun, `part` is still owed. */
		uint32_t part = v->owed <= len ? (uint32_t)v->owed : (uint32_t)((v->owed - 1) % len + 1);
		ssize_t n = message_send(v->server->lend, v->ep, v->server->response + (len - part), part);

		if (n == -EAGAIN)
			return true;
		if (n < 0) {
			served_abort(v);
			return false;
		}
		v->owed -= (uint64_t)n;
	}
	return true;
}

#endif
