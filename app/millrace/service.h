/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Services: what a [service NAME] section says, and what each core makes of it. A core has its own listeners,
 * connections and memory for each service; nothing is shared but the section's struct, which nobody writes, and what a
 * type asks for by shared_bytes.
 *
 * Life of a connection: made by accept, ended by conn_close, conn_give_up or conn_abort, each of which ends the
 * endpoint's handle; who calls one of them touches the connection no more.
 */
#ifndef APP_SERVICE_H
#define APP_SERVICE_H

#include <sys/queue.h>

#include <millrace.h>

#define SERVICE_TCP 1u /* as the words of the key proto */
#define SERVICE_UDP 2u
#define SERVICE_SCRATCH 65536u

struct conn;
struct core;
struct listener;

/* What a type of service does. Each function runs on the core that owns the connection. */
struct service_ops {
	const char *name;
	uint16_t port;            /* by default */
	unsigned protos;          /* SERVICE_*: what it can be offered over */
	uint64_t idle_ns;         /* by default: a connection without progress ends; 0: never */
	size_t conn_bytes;        /* of its struct, which starts with struct conn and comes zeroed */
	size_t local_bytes;       /* of instance.local, which comes zeroed */
	size_t shared_bytes;      /* of service.shared, which all cores may write and which comes zeroed */
	void (*open)(struct conn *c);                     /* accepted; may be NULL */
	void (*event)(struct conn *c, uint32_t events);   /* IN or OUT */
	void (*drain)(struct conn *c);                    /* the program ends: come to an end soon; may be NULL */
	void (*fini)(struct conn *c);                     /* release what the struct holds; may be NULL */
	/* A datagram of len bytes; `reply` takes one of up to SERVICE_SCRATCH bytes. @return its length, -1: none */
	ssize_t (*datagram)(struct listener *l, const struct mr_sockaddr *from, const uint8_t *data, size_t len,
	                    uint8_t *reply);
};

extern const struct service_ops echo_ops, discard_ops, chargen_ops, http_ops, iperf3_ops;

/* One [service NAME]. */
struct service {
	const char *name;
	const struct service_ops *ops;
	const struct mr_config_section *section;
	unsigned protos;
	uint16_t port;
	uint64_t idle_ns;
	int backlog;
	int64_t fastopen;         /* MR_OPT_TCP_FASTOPEN */
	const char *root;         /* http: document root, or NULL */
	int root_fd;
	void *shared;             /* by all cores; NULL: its type needs nothing */
};

/* A service on one core. */
struct instance {
	const struct service *service;
	struct core *core;
	TAILQ_HEAD(conn_list, conn) conns; /* by visit_ns */
	unsigned n_conns;
	struct conn *free;
	void **slabs;             /* chain of what `free` was cut from */
	void *local;              /* NULL: its type needs nothing */
};

struct listener {
	struct mr_waiter waiter;
	struct instance *inst;
	struct mr_ep *ep;         /* NULL: closed */
};

/* All services on one core. */
struct core {
	struct mr_stack *stack;
	struct instance *insts;
	unsigned n_insts;
	struct listener *listeners;
	unsigned n_listeners;
	struct mr_alarm *second;  /* once a second: idle connections, the date */
	bool draining;
	char date[32];            /* of HTTP */
	uint64_t refused;         /* connections for want of memory */
	uint32_t chargen_seq;     /* datagrams made */
	uint8_t scratch[SERVICE_SCRATCH];
	uint8_t reply[SERVICE_SCRATCH];
};

struct conn {
	struct mr_waiter waiter;
	struct mr_ep *ep;
	struct instance *inst;
	uint64_t active_ns;       /* last progress */
	uint64_t visit_ns;        /* when the sweep last looked, or the start */
	TAILQ_ENTRY(conn) link;
};

/* Sections of the configuration file that belong to the program; for mr_config_load. */
extern const struct mr_config_schema service_schema[];

struct services;

/* Make the services of a configuration, and listen on every core of the host. @return 0 or -errno, told on stderr */
int services_start(struct mr_host *h, const struct mr_config *cfg, struct services **out);
/* One line per service. */
void services_print(const struct services *s);
/* Stop listening, and have every connection come to an end. */
void services_drain(struct services *s);
/* Connections that are left. */
unsigned services_connections(struct services *s);
/* Reset what is left. */
void services_abort(struct services *s);
/* Release; the host has stopped and has no more events to tell. */
void services_free(struct services *s);

void conn_close(struct conn *c);
void conn_abort(struct conn *c);
/* Close, and wait only a little for a peer that does not take what is queued for it. */
void conn_give_up(struct conn *c);

/* The connection makes progress. */
static inline void
conn_touch(struct conn *c)
{
	c->active_ns = mr_stack_now_ns(c->inst->core->stack);
}

#endif
