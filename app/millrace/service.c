/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the configuration to listeners on every core, and their end. A service without addresses listens on all of them,
 * in both families.
 */
#include "app/millrace/service.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "app/millrace/conn.h"
#include "app/millrace/docroot.h"
#include "app/millrace/listener.h"
#include "app/millrace/pattern.h"

#define SWEEP_NS UINT64_C(1000000000)
#define MAX_CORES 64

struct services {
	struct mr_host *host;
	struct service *list;
	unsigned n;
	struct core *cores[MAX_CORES];
};

/* ---- configuration */

static const struct service_ops *const types[] = {&echo_ops, &discard_ops, &chargen_ops, &http_ops, &iperf3_ops};

static const struct mr_config_key service_keys[] = {
	{"type", MR_CONFIG_WORD, MR_CONFIG_REQUIRED, .words = "echo|discard|chargen|http|iperf3",
	 .help = "what it does"},
	{"proto", MR_CONFIG_WORDS, .words = "tcp|udp", .help = "default: all that the type can be offered over"},
	{"port", MR_CONFIG_NUMBER, .min = 1, .max = 65535, .help = "default: 7, 9, 19, 80 and 5201, as the type is"},
	{"address", MR_CONFIG_ADDR, MR_CONFIG_LIST, .help = "where to listen; default: all addresses"},
	{"idle_timeout", MR_CONFIG_DURATION, .max = INT64_C(86400000000000),
	 .help = "ends connections without progress; 0: never; default: 60s for http, 30s for iperf3, else 0"},
	{"backlog", MR_CONFIG_NUMBER, .min = 1, .max = 65535, .def = "4096",
	 .help = "connections that wait to be taken"},
	{"fastopen", MR_CONFIG_NUMBER, .min = 0, .max = 65535, .def = "0",
	 .help = "connections that a SYN with data may make before the handshake is complete (RFC 7413); 0: none"},
	{"root", MR_CONFIG_TEXT, .help = "http: directory of documents"},
	{NULL},
};

static unsigned
section_protos(const struct mr_config_section *s)
{
	return mr_config_has(s, "proto") ? mr_config_int(s, "proto") : types[mr_config_int(s, "type")]->protos;
}

static uint16_t
section_port(const struct mr_config_section *s)
{
	return mr_config_has(s, "port") ? mr_config_int(s, "port") : types[mr_config_int(s, "type")]->port;
}

/* Would both listen at the same place? One without addresses is everywhere. */
static bool
sections_collide(const struct mr_config_section *a, const struct mr_config_section *b)
{
	const struct mr_subnet *x, *y;

	if (section_port(a) != section_port(b) || !(section_protos(a) & section_protos(b)))
		return false;
	if (!mr_config_has(a, "address") || !mr_config_has(b, "address"))
		return true;
	for (unsigned i = 0; (x = mr_config_addr(a, "address", i)); i++) {
		for (unsigned j = 0; (y = mr_config_addr(b, "address", j)); j++) {
			if (mr_addr_equal(&x->addr, &y->addr))
				return true;
		}
	}
	return false;
}

static void
section_check(struct mr_config *c, const struct mr_config_section *s)
{
	const struct service_ops *ops = types[mr_config_int(s, "type")];
	const struct mr_config_section *other = NULL;
	const char *root = mr_config_text(s, "root", 0);
	int fd;

	if (section_protos(s) & ~ops->protos)
		mr_config_error(c, s, "proto", "%s is not offered over udp; write proto = tcp, or remove the line",
		                ops->name);
	if (root && ops != &http_ops)
		mr_config_error(c, s, "root", "%s has no documents; remove the line, or write type = http", ops->name);
	if (root && ops == &http_ops) {
		fd = docroot_open_root(root);
		if (fd < 0)
			mr_config_error(c, s, "root", "%s: %s; name a directory that can be read", root, strerror(-fd));
		else
			close(fd);
	}
	while ((other = mr_config_next(c, "service", other)) && other != s) {
		if (sections_collide(s, other))
			mr_config_error(c, s, "port",
			                "%u is taken by [service %s]; give another port, proto or address",
			                section_port(s), mr_config_name(other));
	}
}

const struct mr_config_schema service_schema[] = {
	{"service", true, "something that is served", service_keys, section_check},
	{NULL},
};

/* Zeroed, from the start of a cache line, to be freed with rte_free; of no bytes it is NULL. */
static int
memory_make(size_t bytes, void **out)
{
	*out = bytes ? rte_zmalloc("service", bytes, RTE_CACHE_LINE_SIZE) : NULL;
	return bytes && !*out ? -ENOMEM : 0;
}

static int
service_init(struct service *v, const struct mr_config_section *s)
{
	*v = (struct service){
		.name = mr_config_name(s),
		.ops = types[mr_config_int(s, "type")],
		.section = s,
		.protos = section_protos(s),
		.port = section_port(s),
		.backlog = mr_config_int(s, "backlog"),
		.fastopen = mr_config_int(s, "fastopen"),
		.root = mr_config_text(s, "root", 0),
		.root_fd = -1,
	};
	v->idle_ns = mr_config_has(s, "idle_timeout") ? (uint64_t)mr_config_int(s, "idle_timeout") : v->ops->idle_ns;
	if (v->root)
		v->root_fd = docroot_open_root(v->root);
	if (v->root && v->root_fd < 0) {
		fprintf(stderr, "millrace: service %s: root %s: %s\n", v->name, v->root, strerror(-v->root_fd));
		return v->root_fd;
	}
	return memory_make(v->ops->shared_bytes, &v->shared);
}

/* ---- listeners */

/* The bound address; all zero is the wildcard of both families. */
static struct mr_sockaddr
listener_address(const struct service *v, unsigned i)
{
	const struct mr_subnet *a = mr_config_addr(v->section, "address", i);
	struct mr_sockaddr sa = {.port = v->port};

	if (a)
		sa.addr = a->addr;
	return sa;
}

static unsigned
service_listeners(const struct service *v)
{
	unsigned n = 0;

	while (mr_config_text(v->section, "address", n))
		n++;
	return RTE_MAX(n, 1u) * __builtin_popcount(v->protos);
}

static int
instance_listen(struct instance *inst)
{
	struct core *core = inst->core;

	for (unsigned proto = SERVICE_TCP; proto <= SERVICE_UDP; proto <<= 1) {
		if (!(inst->service->protos & proto))
			continue;
		for (unsigned i = 0; i == 0 || mr_config_text(inst->service->section, "address", i); i++) {
			struct mr_sockaddr sa = listener_address(inst->service, i);
			int r = listener_open(&core->listeners[core->n_listeners], inst, proto, &sa);

			if (r < 0) {
				fprintf(stderr, "millrace: service %s cannot listen on %s port %u: %s\n",
				        inst->service->name, proto == SERVICE_TCP ? "tcp" : "udp", inst->service->port,
				        strerror(-r));
				return r;
			}
			core->n_listeners++;
		}
	}
	return 0;
}

/* ---- cores */

static void
core_second(struct mr_stack *stack, void *arg)
{
	struct core *core = arg;
	time_t t = time(NULL);
	struct tm tm;

	strftime(core->date, sizeof(core->date), "%a, %d %b %Y %T GMT", gmtime_r(&t, &tm));
	for (unsigned i = 0; i < core->n_insts; i++)
		conn_sweep(&core->insts[i], mr_stack_now_ns(stack));
}

static struct core *
core_create(struct mr_stack *stack, const struct services *s)
{
	struct core *core = calloc(1, sizeof(*core));
	unsigned listeners = 0;

	if (!core)
		return NULL;
	for (unsigned i = 0; i < s->n; i++)
		listeners += service_listeners(&s->list[i]);
	core->stack = stack;
	core->insts = calloc(s->n + 1, sizeof(*core->insts));
	core->listeners = calloc(listeners + 1, sizeof(*core->listeners));
	for (unsigned i = 0; core->insts && core->listeners && i < s->n; i++) {
		core->insts[i].service = &s->list[i];
		core->insts[i].core = core;
		TAILQ_INIT(&core->insts[i].conns);
		if (memory_make(s->list[i].ops->local_bytes, &core->insts[i].local) < 0)
			break;
		core->n_insts++;
	}
	return core;
}

static int
core_start(struct mr_stack *stack, unsigned nr, void *arg)
{
	struct services *s = arg;
	struct core *core = s->cores[nr] = core_create(stack, s);
	int r;

	if (!core || core->n_insts < s->n)
		return -ENOMEM;
	r = mr_alarm_start(stack, SWEEP_NS, core_second, core, &core->second);
	for (unsigned i = 0; r == 0 && i < s->n; i++)
		r = instance_listen(&core->insts[i]);
	core_second(stack, core);
	return r;
}

static void
core_stop_listening(struct core *core)
{
	for (unsigned i = 0; i < core->n_listeners; i++) {
		if (core->listeners[i].ep)
			mr_ep_close(core->listeners[i].ep);
		core->listeners[i].ep = NULL;
	}
}

static int
core_drain(struct mr_stack *stack, unsigned nr, void *arg)
{
	struct services *s = arg;
	struct core *core = s->cores[nr];

	(void)stack;
	if (!core)
		return 0;
	core->draining = true;
	core_stop_listening(core);
	for (unsigned i = 0; i < core->n_insts; i++)
		conn_drain_all(&core->insts[i]);
	return 0;
}

static int
core_abort(struct mr_stack *stack, unsigned nr, void *arg)
{
	struct services *s = arg;
	struct core *core = s->cores[nr];

	(void)stack;
	if (!core)
		return 0;
	core_stop_listening(core);
	for (unsigned i = 0; i < core->n_insts; i++)
		conn_abort_all(&core->insts[i]);
	if (core->second)
		mr_alarm_stop(core->second);
	core->second = NULL;
	return 0;
}

struct count {
	struct services *s;
	unsigned n[MAX_CORES];
};

static int
core_count(struct mr_stack *stack, unsigned nr, void *arg)
{
	struct count *count = arg;
	const struct core *core = count->s->cores[nr];

	(void)stack;
	for (unsigned i = 0; i < core->n_insts; i++)
		count->n[nr] += core->insts[i].n_conns;
	return 0;
}

/* ---- all of it */

static int
services_load(struct services *s, const struct mr_config *cfg)
{
	const struct mr_config_section *sec = NULL;
	int r;

	while ((sec = mr_config_next(cfg, "service", sec)))
		s->n++;
	s->list = calloc(s->n + 1, sizeof(*s->list));
	if (!s->list)
		return -ENOMEM;
	for (unsigned i = 0; i < s->n; i++)
		s->list[i].root_fd = -1;
	for (unsigned i = 0; i < s->n; i++) {
		sec = mr_config_next(cfg, "service", sec);
		r = service_init(&s->list[i], sec);
		if (r < 0)
			return r;
	}
	return 0;
}

int
services_start(struct mr_host *h, const struct mr_config *cfg, struct services **out)
{
	struct services *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	pattern_init();
	s->host = h;
	r = services_load(s, cfg);
	if (r == 0)
		r = mr_host_call(h, core_start, s);
	if (r < 0) {
		mr_host_call(h, core_abort, s);
		services_free(s);
		return r;
	}
	*out = s;
	return 0;
}

void
services_print(const struct services *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		const struct service *v = &s->list[i];
		const char *addr;

		printf("Service %s: %s, %s port %u", v->name, v->ops->name,
		       v->protos == SERVICE_TCP ? "tcp" : v->protos == SERVICE_UDP ? "udp" : "tcp and udp", v->port);
		for (unsigned j = 0; (addr = mr_config_text(v->section, "address", j)); j++)
			printf("%s %s", j ? "," : " on", addr);
		if (v->idle_ns)
			printf(", idle timeout %" PRIu64 " ms", v->idle_ns / 1000000);
		if (v->root)
			printf(", root %s", v->root);
		putchar('\n');
	}
}

void
services_drain(struct services *s)
{
	mr_host_call(s->host, core_drain, s);
}

unsigned
services_connections(struct services *s)
{
	struct count count = {.s = s};
	unsigned n = 0;

	mr_host_call(s->host, core_count, &count);
	for (unsigned i = 0; i < MAX_CORES; i++)
		n += count.n[i];
	return n;
}

void
services_abort(struct services *s)
{
	mr_host_call(s->host, core_abort, s);
}

void
services_free(struct services *s)
{
	for (unsigned i = 0; i < MAX_CORES && s->cores[i]; i++) {
		struct core *core = s->cores[i];

		for (unsigned j = 0; j < core->n_insts; j++) {
			conn_slabs_free(&core->insts[j]);
			rte_free(core->insts[j].local);
		}
		free(core->insts);
		free(core->listeners);
		free(core);
	}
	for (unsigned i = 0; s->list && i < s->n; i++) {
		if (s->list[i].root_fd >= 0)
			close(s->list[i].root_fd);
		rte_free(s->list[i].shared);
	}
	free(s->list);
	free(s);
}
