/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a checked configuration to a host, through the public interface alone: stacks, options, ports, addresses,
 * neighbours, routes, in this order, before any core polls. The first thing that cannot be done ends it.
 */
#include "stack/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "stack/context.h"

/* One call for all stacks; they are applied in place, one after the other, so the first failure is told once. */
struct apply {
	const struct mr_config *c;
	FILE *err;
	bool told;
};

static void __attribute__((format(printf, 4, 5)))
apply_error(struct apply *a, const struct mr_config_section *s, const char *key, const char *fmt, ...)
{
	va_list ap;

	if (a->told)
		return;
	a->told = true;
	fprintf(a->err, "%s: ", a->c->file);
	if (s)
		fprintf(a->err, "[%s%s%s]%s%s: ", s->schema->name, *s->name ? " " : "", s->name, key ? " " : "",
		        key ? key : "");
	va_start(ap, fmt);
	vfprintf(a->err, fmt, ap);
	va_end(ap);
	fputc('\n', a->err);
}

static int
apply_options(struct apply *a, struct mr_stack *s)
{
	const struct mr_config *c = a->c;

	for (unsigned i = 0; i < c->n_opts; i++) {
		const struct mr_config_opt *o = &c->opts[i];
		int r = o->proto == MR_TRANS_TCP ? mr_transproto_setopt(s, o->proto, o->opt, o->value) :
		                                   mr_netproto_setopt(s, o->proto, o->opt, o->value);

		if (r == 0)
			continue;
		apply_error(a, o->section, o->key,
		            "is refused (%s); give another value, or remove the line for the default", strerror(-r));
		return r;
	}
	return 0;
}

static int
apply_forwarding(struct apply *a, struct mr_stack *s)
{
	int r = a->c->forwarding ? mr_stack_set_forwarding(s, true) : 0;

	if (r < 0)
		apply_error(a, mr_config_next(a->c, "ip", NULL), "forwarding", "is refused (%s)", strerror(-r));
	return r;
}

static int
apply_addresses(struct apply *a, struct mr_stack *s)
{
	const struct mr_config *c = a->c;

	for (unsigned i = 0; i < c->n_ports; i++) {
		const struct mr_config_port *p = &c->ports[i];

		for (unsigned j = 0; j < p->n_addrs; j++) {
			int r = mr_addr_add(s, p->port.nic, &p->addrs[j], MR_PEB_CAN_BE_PRIMARY);

			if (r == 0)
				continue;
			apply_error(a, c->port_sections[i], "address", "%s is refused (%s)",
			            mr_config_text(c->port_sections[i], "address", j), strerror(-r));
			return r;
		}
	}
	for (unsigned i = 0; i < c->n_neighs; i++) {
		const struct mr_config_neigh *n = &c->neighs[i];
		int r = mr_neigh_add(s, n->nic, &n->addr, &n->ll);

		if (r == 0)
			continue;
		apply_error(a, c->port_sections[n->nic - 1], "neighbour", "is refused (%s)", strerror(-r));
		return r;
	}
	return 0;
}

static int
apply_routes(struct apply *a, struct mr_stack *s)
{
	const struct mr_config *c = a->c;

	for (unsigned i = 0; i < c->n_routes; i++) {
		int r = mr_route_add(s, &c->routes[i]);

		if (r == 0)
			continue;
		apply_error(a, c->route_sections[i], NULL, "is refused (%s)%s", strerror(-r),
		            r == -EEXIST ? "; there is such a route already: remove one" : "");
		return r;
	}
	return 0;
}

static int
apply_stack(struct mr_stack *s, unsigned core, void *arg)
{
	struct apply *a = arg;
	int r = apply_options(a, s);

	(void)core;
	if (r == 0)
		r = apply_forwarding(a, s);
	if (r == 0)
		r = apply_addresses(a, s);
	if (r == 0)
		r = apply_routes(a, s);
	return r;
}

static int
apply_ports(struct apply *a, struct mr_host *h)
{
	const struct mr_config *c = a->c;

	for (unsigned i = 0; i < c->n_ports; i++) {
		const struct mr_host_port *p = &c->ports[i].port;
		int r = mr_host_add_port(h, p);

		if (r == 0)
			continue;
		if (r == -ENODEV)
			apply_error(a, c->port_sections[i], "device",
			            "%s: there is no such device; give EAL one, like --vdev=net_tap0 or -a "
			            "0000:01:00.0, or correct the name",
			            p->link.device ? p->link.device : p->driver);
		else
			apply_error(a, c->port_sections[i], NULL, "cannot be opened: %s (the log says more)",
			            strerror(-r));
		return r;
	}
	return 0;
}

int
mr_config_apply(const struct mr_config *c, void *err, struct mr_host **out)
{
	struct apply a = {.c = c, .err = err};
	struct mr_host *h;
	int r;

	MR_MAIN_LCORE();
	r = mr_host_create(&c->host, &h);
	if (r < 0) {
		apply_error(&a, mr_config_next(c, "host", NULL), NULL, "%s",
		            r == -EINVAL   ? "more workers than lcores; lower workers, or give EAL more lcores (-l)"
		            : r == -ENOMEM ? "not enough memory; lower mbufs and max_connections, or give EAL more "
		                             "(-m, huge pages)"
		                           : strerror(-r));
		return r;
	}
	r = apply_ports(&a, h);
	if (r == 0)
		r = mr_host_call(h, apply_stack, &a);
	if (r < 0) {
		mr_host_destroy(h);
		return r;
	}
	*out = h;
	return 0;
}
