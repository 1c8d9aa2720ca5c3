/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the options mean together: defaults that follow from the mode and from others, and what cannot be.
 */
#include "app/bench/args.h"

#include <stdio.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "app/bench/flood.h"
#include "app/bench/fwd.h"
#include "app/bench/mode.h"

#define HONEST_THINK_NS UINT64_C(10000000) /* beside a flood */
#define FORWARD_SERVICE 9 /* discard, as testpmd */

/* ---- defaults */

static void
address_default(struct mr_subnet *s, bool v6, const char *v4_text, const char *v6_text)
{
	if (mr_addr_is_any(&s->addr))
		mr_subnet_parse(v6 ? v6_text : v4_text, s);
}

/* The rate is that of the SYNs, and the connections beside them take their time. */
static void
defaults_of_flood(struct args *out)
{
	out->flood_rate = out->rate ? out->rate : FLOOD_RATE_DEFAULT;
	out->rate = 0;
	if (!out->sources)
		out->sources = FLOOD_SOURCES_DEFAULT;
	if (!out->think_ns)
		out->think_ns = HONEST_THINK_NS;
}

/* What is left open by the command line follows from the mode, and from the rest of it. */
static void
defaults_of_stack(struct args *out)
{
	uint64_t under_way = (uint64_t)out->connections * out->pipeline;

	if (!out->request)
		out->request = out->mode->request;
	if (!out->response)
		out->response = out->mode->response;
	if (!out->service)
		out->service = out->mode->service;
	if (!out->inflight)
		out->inflight = (uint32_t)(under_way < MODE_INFLIGHT_DEFAULT ? under_way : MODE_INFLIGHT_DEFAULT);
	if (!out->port)
		out->port = "0";
	if (out->mode->flags & MODE_F_FLOOD)
		defaults_of_flood(out);
}

static void
defaults_of_forwarding(struct args *out)
{
	if (!out->service)
		out->service = FORWARD_SERVICE;
	if (!out->flows)
		out->flows = out->fwd->flows ? out->fwd->flows : 1;
}

static void
defaults_after(struct args *out)
{
	if (out->mode)
		defaults_of_stack(out);
	else
		defaults_of_forwarding(out);
	if (out->duration_ns && out->interval_ns > out->duration_ns)
		out->interval_ns = out->duration_ns;
	if (out->client_addresses == 1) {
		address_default(&out->server, out->v6, "10.0.0.2/24", "fd00::2/64");
		address_default(&out->client, out->v6, "10.0.0.1/24", "fd00::1/64");
	} else {
		address_default(&out->server, out->v6, "10.0.0.2/8", "fd00::2/64");
		address_default(&out->client, out->v6, "10.1.0.1/8", "fd00::1:0:1/64");
	}
}

struct mr_addr
args_client_address(const struct args *a, uint32_t i)
{
	struct mr_addr addr = a->client.addr;

	addr.w[3] = rte_cpu_to_be_32(rte_be_to_cpu_32(addr.w[3]) + i);
	return addr;
}

/* What is wrong with the addresses; NULL: nothing. */
static const char *
addresses_conflict(const struct args *a)
{
	struct mr_addr last = args_client_address(a, a->client_addresses - 1);
	uint32_t server = rte_be_to_cpu_32(a->server.addr.w[3]), first = rte_be_to_cpu_32(a->client.addr.w[3]);

	if (mr_addr_is_v4(&a->server.addr) != mr_addr_is_v4(&a->client.addr))
		return "--server-address, --client-address: one is IPv4 and one IPv6; give both of one family";
	if (!mr_subnet_contains(&a->client, &last) || rte_be_to_cpu_32(last.w[3]) < first)
		return "--client-addresses: there are not so many in the prefix; lower it, or give a shorter prefix";
	if (!memcmp(&a->server.addr, &last, 12) && server - first < a->client_addresses)
		return "--client-address: the server's is one of them; give each end its own";
	return NULL;
}

/* ---- conflicts */

/* What is wrong between options; NULL: nothing. */
static const char *
stack_conflict(const struct args *a)
{
	if (a->role == ROLE_NONE)
		return "no role: give --self, --server or --client";
	if (a->sources && !(a->mode->flags & MODE_F_FLOOD))
		return "--sources: only a flood has them; choose syn_flood, or leave it out";
	if (a->mode->flags & MODE_F_FLOOD && !a->duration_ns)
		return "--duration: a flood has an end; give more than 0";
	if (a->find_max && (a->rate || a->mode->flags & (MODE_F_HOLD | MODE_F_FLOOD)))
		return "--find-max: it sets the rate itself, of operations that repeat; leave out --rate, or choose another mode";
	if (a->pipeline > 1 && !(a->mode->flags & MODE_F_PIPELINE))
		return "--pipeline: this mode has one operation at a time on a connection; leave it out";
	if (a->zero_copy && !(a->mode->flags & MODE_F_LENDS))
		return "--zero-copy: this mode sends little; choose tcp_stream, tcp_maerts or http, or leave it out";
	if (a->held && (a->mode->trans != MR_TRANS_TCP || a->mode->flags & MODE_F_HOLD))
		return "--held: for TCP modes with operations; leave it out, or give --connections";
	if ((uint32_t)a->service + a->services - 1 > 65535)
		return "--services: there are not so many ports from --service on; lower one of them";
	return NULL;
}

static const char *
forward_conflict(const struct args *a)
{
	if ((a->rate || a->find_max) && !(a->fwd->flags & FWD_F_GENERATES))
		return "--rate, --find-max: only generators have one; choose txonly or flowgen, or leave it out";
	if (a->find_max && (a->rate || !(a->fwd->flags & FWD_F_ANSWERED)))
		return "--find-max: it counts what comes back, and sets the rate itself; choose flowgen, and leave out --rate";
	if (!mr_addr_is_v4(&a->server.addr))
		return "--server-address, --client-address: generators are IPv4 only; give IPv4 addresses";
	return NULL;
}

/* A size within the mode's bounds? @return false: told */
static bool
size_check(const char *program, const char *name, uint32_t size, uint32_t min, uint32_t max)
{
	if (size >= min && (!max || size <= max))
		return true;
	fprintf(stderr, "%s: --%s %u: this mode takes ", program, name, size);
	if (max)
		fprintf(stderr, "%u to %u bytes\n", RTE_MAX(min, 1u), max);
	else
		fprintf(stderr, "at least %u bytes\n", min);
	return false;
}

bool
args_settle(const char *program, struct args *out)
{
	const char *what;

	defaults_after(out);
	what = addresses_conflict(out);
	if (!what)
		what = out->mode ? stack_conflict(out) : forward_conflict(out);
	if (what)
		fprintf(stderr, "%s: %s\n", program, what);
	out->v6 = !mr_addr_is_v4(&out->server.addr);
	if (what || !out->mode)
		return !what;
	return size_check(program, "request", out->request, out->mode->request_min, out->mode->request_max) &&
	       size_check(program, "response", out->response, out->mode->response_min, out->mode->response_max);
}
