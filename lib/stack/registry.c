/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registries: link drivers, decorators, framings, network and transport protocols by name, links by number.
 *
 * Filled by constructors (RTE_INIT) of whoever implements something, so nothing here may need initialisation: fixed
 * tables of static memory. The last registration of a name wins, in the place of the first. Names stay the caller's and
 * must live as long as the program.
 *
 * Not here: locking. Registration happens before stacks run, opening and closing of links on the control core.
 */
#include "stack/registry.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "stack/link.h"
#include "stack/log.h"

#define REGISTRY_SLOTS 32
#define LINK_SLOTS 1024

struct registry {
	unsigned n;
	struct {
		const char *name;
		const void *entry; /* functions are kept by address */
	} slot[REGISTRY_SLOTS];
};

static struct registry drivers, decorators, framings, netprotos, transprotos;
static struct mr_link *links[LINK_SLOTS];

static int
registry_set(struct registry *r, const char *name, const void *entry)
{
	unsigned i;

	if (!name || !*name || !entry)
		return -EINVAL;
	for (i = 0; i < r->n && strcmp(r->slot[i].name, name) != 0; i++)
		;
	if (i == REGISTRY_SLOTS)
		return -ENOSPC;
	r->slot[i].name = name;
	r->slot[i].entry = entry;
	r->n = RTE_MAX(r->n, i + 1);
	return 0;
}

static const void *
registry_get(const struct registry *r, const char *name)
{
	for (unsigned i = 0; name && i < r->n; i++) {
		if (strcmp(r->slot[i].name, name) == 0)
			return r->slot[i].entry;
	}
	return NULL;
}

/* ---- protocols */

int
mr_netproto_register(const char *name, mr_netproto_factory f)
{
	return registry_set(&netprotos, name, (const void *)(uintptr_t)f);
}

mr_netproto_factory
mr_netproto_at(unsigned i)
{
	return i < netprotos.n ? (mr_netproto_factory)(uintptr_t)netprotos.slot[i].entry : NULL;
}

mr_netproto_factory
mr_netproto_find(const char *name)
{
	return (mr_netproto_factory)(uintptr_t)registry_get(&netprotos, name);
}

int
mr_transproto_register(const char *name, mr_transproto_factory f)
{
	return registry_set(&transprotos, name, (const void *)(uintptr_t)f);
}

mr_transproto_factory
mr_transproto_at(unsigned i)
{
	return i < transprotos.n ? (mr_transproto_factory)(uintptr_t)transprotos.slot[i].entry : NULL;
}

mr_transproto_factory
mr_transproto_find(const char *name)
{
	return (mr_transproto_factory)(uintptr_t)registry_get(&transprotos, name);
}

/* ---- framings and drivers */

int
mr_framing_register(const struct mr_framing *f)
{
	return f ? registry_set(&framings, f->name, f) : -EINVAL;
}

const struct mr_framing *
mr_framing_find(const char *name)
{
	return registry_get(&framings, name);
}

int
mr_decorator_register(const struct mr_decorator *d)
{
	return d ? registry_set(&decorators, d->name, d) : -EINVAL;
}

const struct mr_decorator *
mr_decorator_find(const char *name)
{
	return registry_get(&decorators, name);
}

int
mr_link_driver_register(const char *name, mr_link_open_fn open)
{
	return registry_set(&drivers, name, (const void *)(uintptr_t)open);
}

int
mr_link_open(const char *driver, const struct mr_link_cfg *cfg, struct mr_link **out)
{
	mr_link_open_fn open = (mr_link_open_fn)(uintptr_t)registry_get(&drivers, driver);

	if (!cfg || !out)
		return -EINVAL;
	if (!open) {
		MR_LOG(ERR, "link driver \"%s\" is unknown: name one that is linked into this program", driver ? driver : "");
		return -ENODEV;
	}
	return open(cfg, out);
}

void
mr_link_close(struct mr_link *l)
{
	if (l->id)
		links[l->id - 1] = NULL;
	l->id = 0;
	l->ops->close(l);
}

/* ---- links by number */

int
mr_link_register(struct mr_link *l, uint32_t *id)
{
	if (!l || l->id)
		return -EINVAL;
	for (uint32_t i = 0; i < LINK_SLOTS; i++) {
		if (links[i])
			continue;
		links[i] = l;
		*id = l->id = i + 1;
		return 0;
	}
	return -ENOSPC;
}

struct mr_link *
mr_link_find(uint32_t id)
{
	return id > 0 && id <= LINK_SLOTS ? links[id - 1] : NULL;
}
