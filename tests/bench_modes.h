/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the benchmark's modes: client and server on two stacks in one thread, a turn of both takes a microsecond.
 */
#ifndef TESTS_BENCH_MODES_H
#define TESTS_BENCH_MODES_H

#include "rig/rig.h"
#include "rig/duo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/bench/client.h"
#include "app/bench/server.h"
#include "app/millrace/http_parse.h"

#define DIM(a) (sizeof(a) / sizeof((a)[0]))
#define TURN_NS 1000

static struct rig_duo duo;
static struct args args;

static struct client *cl;
static struct server *sv;

static inline void
turns(unsigned n)
{
	while (n-- > 0) {
		duo.now += TURN_NS;
		mr_stack_poll(duo.end[0].stack, duo.now);
		mr_stack_poll(duo.end[1].stack, duo.now);
	}
}

/* Until it is so, or for `most` turns. */
#define turns_until(so, most) \
	for (unsigned left = (most); !(so) && left > 0; left--) \
		turns(1)

static inline void
begin(const char *options, const struct mr_impair_cfg *impair)
{
	char *argv[32] = {(char *)"bench", (char *)"--", (char *)"--self", (char *)"--mode"}, words[512];
	struct rig_duo_opts o = {.impair = {impair, impair}};
	int argc = 4;

	snprintf(words, sizeof(words), "%s", options);
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	ck_assert_int_eq(args_parse(argc, argv, &args), ARGS_RUN);
	for (unsigned i = 0; i < 2; i++) {
		o.stack[i].max_conns = o.stack[i].max_half_open = o.stack[i].max_endpoints = 2048;
		/* Memory that is touched is looked through for leaks: no more than needed. */
		if (args.request > 10000 || args.response > 10000)
			o.stack[i].rx_mbufs = o.stack[i].tx_mbufs = 8192;
	}
	rig_duo_init(&duo, &o);
	for (uint32_t i = 0; i < args.client_addresses && args.client_addresses > 1; i++) {
		struct mr_subnet a = {.addr = args_client_address(&args, i), .plen = args.v6 ? 64 : 24};

		ck_assert_int_eq(mr_addr_add(duo.end[0].stack, RIG_NIC, &a, MR_PEB_CAN_BE_PRIMARY), 0);
	}
	ck_assert_int_eq(mr_transproto_setopt(duo.end[0].stack, MR_TRANS_TCP, MR_OPT_TCP_TIMEWAIT_NS, 10000), 0);
	ck_assert_int_eq(client_create(&args, duo.end[0].stack, 0, 1, &cl), 0);
	ck_assert_int_eq(server_create(&args, duo.end[1].stack, 1, &sv), 0);
}

static inline void
end(void)
{
	client_stop(cl);
	server_stop(sv);
	turns(100);
	ck_assert_uint_eq(cl->open, 0);
	ck_assert_uint_eq(sv->open, 0);
	rig_duo_fini(&duo);
	client_destroy(cl);
	server_destroy(sv);
}

#endif
