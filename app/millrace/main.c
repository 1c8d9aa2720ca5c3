/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: a DPDK primary process that polls ethdev queues and serves real clients. This file is its life, from the
 * command line to the exit code; the main lcore runs it and, if EAL gives it no core to spare, a stack beside.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>

#include <millrace.h>

#include "app/millrace/args.h"
#include "app/millrace/ports.h"
#include "app/millrace/service.h"
#include "app/millrace/summary.h"

#define SEC_NS UINT64_C(1000000000)
#define DRAIN_NS (2 * SEC_NS)   /* for connections to finish */
#define LOOK_NS (SEC_NS / 50)   /* between two looks at what is left of them */
#define LAST_WORDS_NS (SEC_NS / 100) /* for resets to leave */

struct server {
	const struct args *args;
	struct mr_config *config;
	struct mr_host *host;
	struct services *services;
	unsigned leaked; /* packets */
};

static volatile sig_atomic_t signals;

static void
on_signal(int nr)
{
	(void)nr;
	signals++;
}

static void
signals_setup(void)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static uint64_t
clock_ns(void)
{
	static uint64_t base;
	uint64_t ticks = rte_get_timer_cycles();

	if (!base)
		base = ticks;
	return (unsigned __int128)(ticks - base) * SEC_NS / rte_get_timer_hz();
}

/* ---- running */

static void
server_announce(const struct server *s)
{
	printf("Millrace %s, %u worker(s), huge pages: %s\n", mr_version(), mr_host_workers(s->host),
	       rte_eal_has_hugepages() ? "yes" : "no");
	ports_print(s->host, s->config);
	printf("Steering: %s\n", mr_host_steering(s->host));
	services_print(s->services);
	printf("Ready\n");
	fflush(stdout);
}

static void
server_serve(struct server *s)
{
	uint64_t stats_ns = s->args->stats_s * SEC_NS, end_ns = s->args->duration_s * SEC_NS;
	uint64_t start_ns = clock_ns();
	struct summary_mark mark = {.time_ns = start_ns};

	while (!signals) {
		uint64_t now_ns = clock_ns();

		mr_host_poll(s->host);
		if (end_ns && now_ns - start_ns >= end_ns)
			break;
		if (stats_ns && now_ns - mark.time_ns >= stats_ns)
			summary_print_rates(s->host, &mark, now_ns);
	}
}

static void
server_poll_for(struct server *s, uint64_t ns, int signals_max)
{
	uint64_t end_ns = clock_ns() + ns;

	while (clock_ns() < end_ns && signals <= signals_max)
		mr_host_poll(s->host);
}

/* Stop accepting, let connections finish, reset those that don't; a signal more than there were cuts it short. */
static void
server_drain(struct server *s)
{
	int signals_max = signals;
	uint64_t end_ns = clock_ns() + DRAIN_NS;
	unsigned left;

	printf("Ending: connections have %u seconds to finish\n", (unsigned)(DRAIN_NS / SEC_NS));
	fflush(stdout);
	services_drain(s->services);
	do {
		server_poll_for(s, LOOK_NS, signals_max);
		left = services_connections(s->services);
	} while ((left || summary_open_connections(s->host)) && clock_ns() < end_ns && signals <= signals_max);
	if (left)
		printf("%u connection(s) reset\n", left);
	services_abort(s->services);
	server_poll_for(s, LAST_WORDS_NS, INT32_MAX);
}

/* ---- beginning and end */

static void
on_pool(const char *pool, unsigned free, unsigned total, void *arg)
{
	struct server *s = arg;

	printf("  Pool %s: %u of %u free\n", pool, free, total);
	s->leaked += total - free;
}

static int
server_start(struct server *s)
{
	int r = mr_config_apply(s->config, stderr, &s->host);

	if (r < 0)
		return 2;
	r = services_start(s->host, s->config, &s->services);
	if (r < 0)
		return 2;
	r = mr_host_start(s->host);
	if (r < 0) {
		fprintf(stderr, "millrace: the workers do not start: %s\n", strerror(-r));
		return 1;
	}
	return 0;
}

static void
server_summary(const struct server *s)
{
	ports_print_stats(s->config);
	summary_print(s->host);
	putchar('\n');
}

/* Take everything down; nothing but a leak holds a packet afterwards. */
static void
server_end(struct server *s, bool tell)
{
	if (!s->host)
		return;
	mr_host_stop(s->host);
	if (tell) {
		server_summary(s);
		mr_host_on_pool(s->host, on_pool, s);
	}
	mr_host_destroy(s->host);
	if (s->services)
		services_free(s->services);
	if (s->leaked)
		printf("  Leaked: %u packet(s)\n", s->leaked);
}

static int
server_run(const struct args *args, struct mr_config *config)
{
	struct server s = {.args = args, .config = config};
	int code = server_start(&s);

	if (code == 0) {
		server_announce(&s);
		server_serve(&s);
		server_drain(&s);
	}
	server_end(&s, code == 0);
	return code == 0 && s.leaked && args->strict_leaks ? 1 : code;
}

int
main(int argc, char **argv)
{
	struct mr_config *config;
	struct args args;
	int code = args_parse(argc, argv, &args);

	if (code != ARGS_RUN)
		return code;
	if (mr_config_load(args.config, service_schema, stderr, &config) < 0)
		return 2;
	if (args.check_config) {
		printf("%s: no errors\n", args.config);
		mr_config_free(config);
		return 0;
	}
	rte_set_application_usage_hook(args_usage);
	if (rte_eal_init(args.eal_argc, argv) < 0) {
		fprintf(stderr, "millrace: EAL does not start: %s\n", rte_strerror(rte_errno));
		return 1;
	}
	signals_setup();
	code = server_run(&args, config);
	mr_config_free(config);
	rte_eal_cleanup();
	return code;
}
