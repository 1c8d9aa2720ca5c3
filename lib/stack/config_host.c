/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's own sections: their tables, and the structs that are made of them once the whole file is read. What
 * spans sections is checked here: a port for every route, no address twice.
 *
 * Not here: anything that needs a device (config_apply.c).
 */
#include "stack/config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "stack/link.h"

#define MS INT64_C(1000000)
#define SEC (1000 * MS)

static const struct mr_config_key host_keys[] = {
	{"workers", MR_CONFIG_NUMBER, .max = 64, .help = "cores that work; 0: one for each lcore that EAL was given"},
	{"idle", MR_CONFIG_WORD, .words = "busy|yield|sleep", .def = "yield",
	 .help = "what a worker without work does"},
	{"mbufs", MR_CONFIG_SIZE, .min = 512, .max = 1 << 24,
	 .help = "packets of each worker, half to receive, half to send"},
	{"rx_mbufs", MR_CONFIG_SIZE, .min = 256, .max = 1 << 23, .help = "packets to receive, instead of mbufs"},
	{"tx_mbufs", MR_CONFIG_SIZE, .min = 256, .max = 1 << 23, .help = "packets to send, instead of mbufs"},
	{"max_connections", MR_CONFIG_SIZE, .min = 1, .max = 1 << 24, .help = "TCP connections of each worker"},
	{"max_half_open", MR_CONFIG_SIZE, .min = 1, .max = 1 << 24, .help = "connections in SYN-RECEIVED, each worker"},
	{"max_time_wait", MR_CONFIG_SIZE, .min = 1, .max = 1 << 24, .help = "connections in TIME-WAIT, each worker"},
	{"max_endpoints", MR_CONFIG_SIZE, .min = 1, .max = 1 << 20,
	 .help = "listeners and UDP endpoints of each worker"},
	{"max_neighbours", MR_CONFIG_SIZE, .min = 1, .max = 1 << 20, .help = "neighbours of each port"},
	{"seed", MR_CONFIG_NUMBER, .help = "of all randomness, to repeat a run; 0: from the kernel"},
	{NULL},
};

static const struct mr_config_key ip_keys[] = {
	{"ttl", MR_CONFIG_NUMBER, .min = 1, .max = 255, .help = "TTL and hop limit of what is sent"},
	{"icmp_error_rate", MR_CONFIG_NUMBER, .max = 1000000, .help = "ICMP errors a second, each family; 0: none"},
	{"forwarding", MR_CONFIG_BOOL, .help = "send on what is for others, from port to port"},
	{NULL},
};

static const struct mr_config_key tcp_keys[] = {
	{"timewait", MR_CONFIG_DURATION, .max = 600 * SEC, .help = "length of TIME-WAIT"},
	{"finwait2", MR_CONFIG_DURATION, .min = SEC, .max = 600 * SEC, .help = "how long a closed FIN-WAIT-2 is kept"},
	{"min_rto", MR_CONFIG_DURATION, .min = MS, .max = 60 * SEC, .help = "shortest retransmission timeout"},
	{"delack", MR_CONFIG_DURATION, .max = 499 * MS, .help = "longest delay of an acknowledgement"},
	{"init_cwnd", MR_CONFIG_NUMBER, .min = 1, .max = 100, .help = "initial congestion window, segments"},
	{"max_segment", MR_CONFIG_NUMBER, .min = 48, .max = 65495, .help = "most payload of a segment, for ways with tunnels"},
	{"mtu_probing", MR_CONFIG_WORD, .words = "off|black_holes|always", .help = "find path MTUs that no router tells of"},
	{"base_mss", MR_CONFIG_NUMBER, .min = 48, .max = 65495, .help = "payload of segments that any path takes"},
	{"mtu_probe_interval", MR_CONFIG_DURATION, .min = 300 * SEC, .max = 86400 * SEC,
	 .help = "how long a path MTU counts before larger ones are tried"},
	{"timestamps", MR_CONFIG_BOOL, .help = "offer timestamps"},
	{"wscale", MR_CONFIG_BOOL, .help = "offer window scale"},
	{"sack", MR_CONFIG_BOOL, .help = "offer selective acknowledgement"},
	{"ecn", MR_CONFIG_WORD, .words = "off|ask|accept", .help = "congestion notification: with whom"},
	{"syn_cookies", MR_CONFIG_WORD, .words = "never|pressed|always", .help = "answer SYNs without memory"},
	{"syn_backlog", MR_CONFIG_SIZE, .min = 1, .max = 1 << 24,
	 .help = "half-open connections of a listener that make it pressed"},
	{"sndbuf", MR_CONFIG_SIZE, .def = "512k", .min = 4096, .max = 1 << 30, .help = "send buffer of a new connection"},
	{"sndbuf_min", MR_CONFIG_SIZE, .def = "2k", .min = 1, .max = 1 << 30, .help = "least that an application may set"},
	{"sndbuf_max", MR_CONFIG_SIZE, .def = "4m", .min = 4096, .max = 1 << 30,
	 .help = "most that it may set, and that the buffer grows to by itself"},
	{"rcvbuf", MR_CONFIG_SIZE, .def = "512k", .min = 4096, .max = 1 << 30, .help = "receive buffer of a new connection"},
	{"rcvbuf_min", MR_CONFIG_SIZE, .def = "2k", .min = 1, .max = 1 << 30, .help = "least that an application may set"},
	{"rcvbuf_max", MR_CONFIG_SIZE, .def = "6m", .min = 4096, .max = 1 << 30,
	 .help = "most that it may set, and that the buffer grows to by itself"},
	{NULL},
};

static const struct mr_config_key port_keys[] = {
	{"device", MR_CONFIG_TEXT, .help = "name or number of the DPDK port, like net_tap0 or 0000:01:00.0"},
	{"driver", MR_CONFIG_TEXT, .def = "ethdev", .help = "ethdev for any DPDK port; or loopback"},
	{"args", MR_CONFIG_TEXT, .help = "the driver's own arguments"},
	{"mtu", MR_CONFIG_NUMBER, .min = 576, .max = 65535,
	 .help = "bytes of the largest packet; default: the device's"},
	{"address", MR_CONFIG_PREFIX, MR_CONFIG_REQUIRED | MR_CONFIG_LIST,
	 .help = "with the length of the network's prefix"},
	{"neighbour", MR_CONFIG_TEXT, MR_CONFIG_LIST, .help = "static neighbours, each ADDRESS MAC"},
	{"queues", MR_CONFIG_NUMBER, .min = 1, .max = MR_HOST_MAX_WORKERS, .help = "queue pairs; default: one for each worker"},
	{"rxd", MR_CONFIG_NUMBER, .min = 32, .max = 32768, .help = "receive descriptors of a queue"},
	{"txd", MR_CONFIG_NUMBER, .min = 32, .max = 32768, .help = "transmit descriptors of a queue"},
	{"promiscuous", MR_CONFIG_BOOL, .help = "also take frames for other MAC addresses"},
	{"impair", MR_CONFIG_TEXT,
	 .help = "loss=1%,delay=20ms,jitter=2ms,dup=0.1%,reorder=5%,rate=100mbit,queue=100,seed=7"},
	{"capture", MR_CONFIG_TEXT, .help = "pcapng file of all frames"},
	{NULL},
};

static const struct mr_config_key route_keys[] = {
	{"to", MR_CONFIG_PREFIX, MR_CONFIG_REQUIRED, .help = "destinations; 0.0.0.0/0 or ::/0 is the default route"},
	{"via", MR_CONFIG_ADDR, .help = "gateway; absent: on-link"},
	{"port", MR_CONFIG_TEXT, .help = "name of the port; default: the one whose network has the gateway"},
	{"src", MR_CONFIG_ADDR, .help = "source address; default: the port's first"},
	{NULL},
};

/* ---- one section at a time */

static void
host_check(struct mr_config *c, const struct mr_config_section *s)
{
	if (mr_config_has(s, "mbufs") && (mr_config_has(s, "rx_mbufs") || mr_config_has(s, "tx_mbufs")))
		mr_config_error(c, s, "mbufs", "is split into halves; give either it or rx_mbufs and tx_mbufs");
}

static void
port_check_addresses(struct mr_config *c, const struct mr_config_section *s)
{
	const struct mr_subnet *a;

	for (unsigned i = 0; (a = mr_config_addr(s, "address", i)); i++) {
		const char *text = mr_config_text(s, "address", i);

		if (mr_addr_is_any(&a->addr) || mr_addr_is_multicast(&a->addr))
			mr_config_error(c, s, "address", "%s is no address of a host; give one of the network's", text);
		if (!mr_addr_is_v4(&a->addr) && mr_config_has(s, "mtu") && mr_config_int(s, "mtu") < 1280)
			mr_config_error(c, s, "mtu", "%" PRId64 " is too small for IPv6 (%s); give 1280 or more",
			                mr_config_int(s, "mtu"), text);
	}
}

/* "ADDRESS MAC" */
static bool
neigh_parse(const char *text, struct mr_config_neigh *n)
{
	char addr[MR_ADDR_STRLEN], mac[18], rest;

	return sscanf(text, "%45s %17s %c", addr, mac, &rest) == 2 && mr_addr_parse(addr, &n->addr) == 0 &&
	       mr_lladdr_parse(mac, &n->ll) == 0;
}

static void
port_check(struct mr_config *c, const struct mr_config_section *s)
{
	const char *text = mr_config_text(s, "impair", 0);
	const struct mr_decorator *impair = mr_decorator_find("impair");
	struct mr_config_neigh neigh;
	char err[128] = "";

	if (strlen(mr_config_name(s)) >= MR_NIC_NAMESIZE)
		mr_config_error(c, s, NULL, "the name is too long; use at most %d characters", MR_NIC_NAMESIZE - 1);
	if (!mr_config_has(s, "device") && strcmp(mr_config_text(s, "driver", 0), "ethdev") == 0)
		mr_config_error(c, s, "device",
		                "is missing; add 'device = ' and the DPDK port, like net_tap0 or 0000:01:00.0");
	port_check_addresses(c, s);
	if (text && impair && impair->check(text, err, sizeof(err)) < 0)
		mr_config_error(c, s, "impair", "%s; write it like loss=1%%,delay=20ms", err);
	for (unsigned i = 0; (text = mr_config_text(s, "neighbour", i)); i++) {
		if (!neigh_parse(text, &neigh))
			mr_config_error(c, s, "neighbour",
			                "'%s' is no neighbour; write ADDRESS MAC, like 10.0.0.1 02:00:00:00:00:01",
			                text);
	}
}

/* The network of an address with host bits. */
static struct mr_subnet
subnet_of(const struct mr_subnet *p)
{
	struct mr_subnet out = *p;
	unsigned bits = p->plen + (mr_addr_is_v4(&p->addr) ? 96 : 0);

	for (unsigned i = 0; i < 16; i++) {
		unsigned keep = bits > 8 * i ? RTE_MIN(bits - 8 * i, 8u) : 0;

		out.addr.b[i] &= 0xff << (8 - keep);
	}
	return out;
}

static void
route_check(struct mr_config *c, const struct mr_config_section *s)
{
	const struct mr_subnet *to = mr_config_addr(s, "to", 0), *via = mr_config_addr(s, "via", 0);
	const struct mr_subnet *src = mr_config_addr(s, "src", 0);
	struct mr_subnet net = subnet_of(to);
	char text[MR_ADDR_STRLEN];

	if (!mr_addr_equal(&net.addr, &to->addr))
		mr_config_error(c, s, "to", "%s has bits behind its prefix; write %s/%u", mr_config_text(s, "to", 0),
		                mr_addr_format(&net.addr, text, sizeof(text)), to->plen);
	if (via && mr_addr_is_v4(&via->addr) != mr_addr_is_v4(&to->addr))
		mr_config_error(c, s, "via", "%s is of the other family than %s; give a gateway of the same",
		                mr_config_text(s, "via", 0), mr_config_text(s, "to", 0));
	if (src && mr_addr_is_v4(&src->addr) != mr_addr_is_v4(&to->addr))
		mr_config_error(c, s, "src", "%s is of the other family than %s; give an address of the same",
		                mr_config_text(s, "src", 0), mr_config_text(s, "to", 0));
	if (!via && !mr_config_has(s, "port"))
		mr_config_error(c, s, "port", "is missing, and so is via; add 'via = GATEWAY' or 'port = NAME'");
}

const struct mr_config_schema mr_config_own[] = {
	{"host", false, "what all cores have in common; sizes and numbers are for each core", host_keys, host_check},
	{"ip", false, "IPv4 and IPv6", ip_keys, NULL},
	{"tcp", false, "TCP", tcp_keys, NULL},
	{"port", true, "a NIC: a device and its addresses", port_keys, port_check},
	{"route", true, "a route beyond the networks of the ports", route_keys, route_check},
	{NULL},
};

/* ---- all sections together */

/* Room for the next element of an array, zeroed. @param array address of the array's pointer
 * @return NULL: out of memory, noted */
static void *
array_add(struct mr_config *c, void *array, unsigned *n, size_t bytes)
{
	void *old, *more;

	memcpy(&old, array, sizeof(old));
	more = realloc(old, (*n + 1) * bytes);
	if (!more) {
		c->no_memory = true;
		return NULL;
	}
	memcpy(array, &more, sizeof(more));
	memset((char *)more + *n * bytes, 0, bytes);
	return (char *)more + (*n)++ * bytes;
}

static void
host_build(struct mr_config *c, const struct mr_config_section *s)
{
	struct mr_stack_opts *o = &c->host.stack;
	uint32_t half = mr_config_int(s, "mbufs") / 2;

	c->host.n_workers = mr_config_int(s, "workers");
	c->host.idle = s ? mr_config_int(s, "idle") : MR_IDLE_YIELD;
	o->rx_mbufs = half ? half : mr_config_int(s, "rx_mbufs");
	o->tx_mbufs = half ? half : mr_config_int(s, "tx_mbufs");
	o->max_conns = mr_config_int(s, "max_connections");
	o->max_half_open = mr_config_int(s, "max_half_open");
	o->max_time_wait = mr_config_int(s, "max_time_wait");
	o->max_endpoints = mr_config_int(s, "max_endpoints");
	o->max_neighbours = mr_config_int(s, "max_neighbours");
	o->seed = mr_config_int(s, "seed");
	o->socket_id = -1;
}

static void
opt_add(struct mr_config *c, uint16_t proto, uint16_t opt, int64_t v, const struct mr_config_section *s, const char *key)
{
	struct mr_config_opt *o = array_add(c, &c->opts, &c->n_opts, sizeof(*o));

	if (o)
		*o = (struct mr_config_opt){proto, opt, v, s, key};
}

/* Keys and options of a buffer. */
struct bufs {
	const char *key, *key_min, *key_max;
	uint16_t opt, opt_min, opt_max;
};

/* As the range holds at any time, it is opened wide before it gets its bounds. */
static void
bufs_build(struct mr_config *c, const struct mr_config_section *s, const struct bufs *b)
{
	int64_t def, min, max;

	if (!s || s->bad || (!mr_config_has(s, b->key) && !mr_config_has(s, b->key_min) && !mr_config_has(s, b->key_max)))
		return;
	def = mr_config_int(s, b->key);
	min = mr_config_int(s, b->key_min);
	max = mr_config_int(s, b->key_max);
	if (!mr_config_has(s, b->key_max))
		max = RTE_MAX(max, def);
	if (min > def || def > max) {
		mr_config_error(c, s, b->key, "is not between %s and %s; change one of them", b->key_min, b->key_max);
		return;
	}
	opt_add(c, MR_TRANS_TCP, b->opt_max, 1 << 30, s, b->key_max);
	opt_add(c, MR_TRANS_TCP, b->opt_min, 1, s, b->key_min);
	opt_add(c, MR_TRANS_TCP, b->opt, def, s, b->key);
	opt_add(c, MR_TRANS_TCP, b->opt_min, min, s, b->key_min);
	opt_add(c, MR_TRANS_TCP, b->opt_max, max, s, b->key_max);
}

static void
opts_build(struct mr_config *c)
{
	static const struct bufs snd = {"sndbuf", "sndbuf_min", "sndbuf_max", MR_OPT_SNDBUF, MR_OPT_SNDBUF_MIN,
	                                MR_OPT_SNDBUF_MAX};
	static const struct bufs rcv = {"rcvbuf", "rcvbuf_min", "rcvbuf_max", MR_OPT_RCVBUF, MR_OPT_RCVBUF_MIN,
	                                MR_OPT_RCVBUF_MAX};
	static const struct {
		const char *section, *key;
		uint16_t proto, opt;
	} table[] = {
		{"ip", "ttl", MR_NET_IPV4, MR_OPT_DEFAULT_TTL},
		{"ip", "ttl", MR_NET_IPV6, MR_OPT_DEFAULT_TTL},
		{"ip", "icmp_error_rate", MR_NET_IPV4, MR_OPT_ICMP_ERR_RATE},
		{"ip", "icmp_error_rate", MR_NET_IPV6, MR_OPT_ICMP_ERR_RATE},
		{"tcp", "timewait", MR_TRANS_TCP, MR_OPT_TCP_TIMEWAIT_NS},
		{"tcp", "finwait2", MR_TRANS_TCP, MR_OPT_TCP_FINWAIT2_NS},
		{"tcp", "min_rto", MR_TRANS_TCP, MR_OPT_TCP_MIN_RTO_NS},
		{"tcp", "delack", MR_TRANS_TCP, MR_OPT_TCP_DELACK_NS},
		{"tcp", "init_cwnd", MR_TRANS_TCP, MR_OPT_TCP_INIT_CWND},
		{"tcp", "max_segment", MR_TRANS_TCP, MR_OPT_TCP_MAXSEG},
		{"tcp", "mtu_probing", MR_TRANS_TCP, MR_OPT_TCP_MTU_PROBING},
		{"tcp", "base_mss", MR_TRANS_TCP, MR_OPT_TCP_BASE_MSS},
		{"tcp", "mtu_probe_interval", MR_TRANS_TCP, MR_OPT_TCP_MTU_PROBE_NS},
		{"tcp", "timestamps", MR_TRANS_TCP, MR_OPT_TCP_TIMESTAMPS},
		{"tcp", "wscale", MR_TRANS_TCP, MR_OPT_TCP_WSCALE},
		{"tcp", "sack", MR_TRANS_TCP, MR_OPT_TCP_SACK},
		{"tcp", "ecn", MR_TRANS_TCP, MR_OPT_TCP_ECN},
		{"tcp", "syn_cookies", MR_TRANS_TCP, MR_OPT_TCP_SYNCOOKIES},
		{"tcp", "syn_backlog", MR_TRANS_TCP, MR_OPT_TCP_SYN_BACKLOG},
	};

	const struct mr_config_section *ip = mr_config_next(c, "ip", NULL);

	c->forwarding = ip && mr_config_int(ip, "forwarding");
	for (unsigned i = 0; i < RTE_DIM(table); i++) {
		const struct mr_config_section *s = mr_config_next(c, table[i].section, NULL);

		if (s && mr_config_has(s, table[i].key))
			opt_add(c, table[i].proto, table[i].opt, mr_config_int(s, table[i].key), s, table[i].key);
	}
	bufs_build(c, mr_config_next(c, "tcp", NULL), &snd);
	bufs_build(c, mr_config_next(c, "tcp", NULL), &rcv);
}

static void
port_check_twice(struct mr_config *c, const struct mr_config_section *s)
{
	const struct mr_subnet *a, *b;

	for (unsigned i = 0; (a = mr_config_addr(s, "address", i)); i++) {
		const struct mr_config_section *other = NULL;

		while ((other = mr_config_next(c, "port", other))) {
			for (unsigned j = 0; (b = mr_config_addr(other, "address", j)) && (other != s || j < i); j++) {
				if (mr_addr_equal(&a->addr, &b->addr))
					mr_config_error(c, s, "address",
					                "%s is there already, in [port %s]; remove one",
					                mr_config_text(s, "address", i), mr_config_name(other));
			}
			if (other == s)
				break;
		}
	}
}

static void
port_add(struct mr_config *c, const struct mr_config_section *s)
{
	struct mr_config_port *p = array_add(c, &c->ports, &c->n_ports, sizeof(*p));
	unsigned n = c->n_ports - 1;
	const struct mr_config_section **ps = array_add(c, &c->port_sections, &n, sizeof(*ps));
	struct mr_config_neigh neigh = {.nic = c->n_ports}, *np;
	const char *text;

	if (!p || !ps)
		return;
	*ps = s;
	p->port = (struct mr_host_port){
		.nic = c->n_ports,
		.name = mr_config_name(s),
		.driver = mr_config_text(s, "driver", 0),
		.link.device = mr_config_text(s, "device", 0),
		.link.args = mr_config_text(s, "args", 0),
		.link.mtu = mr_config_int(s, "mtu"),
		.link.n_queues = mr_config_int(s, "queues"),
		.link.rx_desc = mr_config_int(s, "rxd"),
		.link.tx_desc = mr_config_int(s, "txd"),
		.link.promisc = mr_config_int(s, "promiscuous"),
		.impair = mr_config_text(s, "impair", 0),
		.capture = mr_config_text(s, "capture", 0),
	};
	p->addrs = mr_config_addr(s, "address", 0);
	while (mr_config_addr(s, "address", p->n_addrs))
		p->n_addrs++;
	for (unsigned i = 0; (text = mr_config_text(s, "neighbour", i)) && neigh_parse(text, &neigh); i++) {
		np = array_add(c, &c->neighs, &c->n_neighs, sizeof(*np));
		if (np)
			*np = neigh;
	}
}

/* NIC of a route; 0 if there is none, reported. */
static uint16_t
route_nic(struct mr_config *c, const struct mr_config_section *s)
{
	const struct mr_subnet *via = mr_config_addr(s, "via", 0);
	const char *name = mr_config_text(s, "port", 0);
	const char *names[64], *near;
	unsigned n = RTE_MIN(c->n_ports, RTE_DIM(names));

	for (unsigned i = 0; i < c->n_ports; i++) {
		const struct mr_config_port *p = &c->ports[i];

		if (name && strcmp(name, p->port.name) == 0)
			return p->port.nic;
		for (unsigned j = 0; !name && j < p->n_addrs; j++) {
			if (mr_subnet_contains(&p->addrs[j], &via->addr))
				return p->port.nic;
		}
	}
	if (!name) {
		mr_config_error(
		        c, s, "via",
		        "%s is in no port's network; add 'port = NAME', or an address of that network to a port",
		        mr_config_text(s, "via", 0));
		return 0;
	}
	for (unsigned i = 0; i < n; i++)
		names[i] = c->ports[i].port.name;
	near = mr_config_near(name, names, n);
	if (near)
		mr_config_error(c, s, "port", "there is no [port %s]; did you mean %s?", name, near);
	else
		mr_config_error(c, s, "port", "there is no [port %s]; name one that there is, or add it", name);
	return 0;
}

/* May the NIC use the address as a source? */
static bool
port_has_address(const struct mr_config_port *p, const struct mr_addr *a)
{
	for (unsigned i = 0; i < p->n_addrs; i++) {
		if (mr_addr_equal(&p->addrs[i].addr, a))
			return true;
	}
	return false;
}

static void
route_add(struct mr_config *c, const struct mr_config_section *s)
{
	const struct mr_subnet *via = mr_config_addr(s, "via", 0), *src = mr_config_addr(s, "src", 0);
	uint16_t nic = route_nic(c, s);
	unsigned n = c->n_routes;
	const struct mr_config_section **rs = array_add(c, &c->route_sections, &n, sizeof(*rs));
	struct mr_route_entry *e = array_add(c, &c->routes, &c->n_routes, sizeof(*e));

	if (!nic || !rs || !e)
		return;
	*rs = s;
	e->dest = *mr_config_addr(s, "to", 0);
	e->nic = nic;
	if (via)
		e->gateway = via->addr;
	if (!src)
		return;
	e->src = src->addr;
	if (!port_has_address(&c->ports[nic - 1], &src->addr))
		mr_config_error(c, s, "src", "%s is no address of [port %s]; add it there, or leave src out",
		                mr_config_text(s, "src", 0), c->ports[nic - 1].port.name);
}

void
mr_config_host_build(struct mr_config *c)
{
	const struct mr_config_section *s = NULL;
	bool bad_port = false;

	host_build(c, mr_config_next(c, "host", NULL));
	opts_build(c);
	if (!mr_config_next(c, "port", NULL))
		mr_config_error(c, NULL, NULL,
		                "there is no [port NAME]; add one with 'device = ' and the DPDK port, and 'address = "
		                "ADDRESS/LENGTH'");
	while ((s = mr_config_next(c, "port", s))) {
		port_check_twice(c, s);
		bad_port |= s->bad;
		if (!s->bad)
			port_add(c, s);
	}
	/* Where a port is wrong, that it is not found would be an error too many. */
	while (!bad_port && c->n_ports && (s = mr_config_next(c, "route", s))) {
		if (!s->bad)
			route_add(c, s);
	}
}

unsigned
mr_config_ports(const struct mr_config *c, const struct mr_config_port **out)
{
	*out = c->ports;
	return c->n_ports;
}

const struct mr_host_opts *
mr_config_host(const struct mr_config *c)
{
	return &c->host;
}
