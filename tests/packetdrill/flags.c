/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of --so_flags: packetdrill's own about addresses, and switches for the policies on which scripts differ.
 * An unknown word fails the script, or a typing error would test something else.
 */
#include "pd.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Numbers, and which option of Millrace they are. */
static const struct word {
	const char *name;
	int opt;
	int64_t unit;
	bool of_endpoint;
} words[] = {
	{"init_cwnd", MR_OPT_TCP_INIT_CWND, 1, false},
	{"wscale", MR_OPT_TCP_WSCALE, 1, false},
	{"timestamps", MR_OPT_TCP_TIMESTAMPS, 1, false},
	{"sack", MR_OPT_TCP_SACK, 1, false},
	{"ecn", MR_OPT_TCP_ECN, 1, false}, /* enum mr_tcp_ecn */
	{"syncookies", MR_OPT_TCP_SYNCOOKIES, 1, false}, /* enum mr_tcp_syncookies */
	{"delack_ms", MR_OPT_TCP_DELACK_NS, MS, false},
	{"min_rto_ms", MR_OPT_TCP_MIN_RTO_NS, MS, false},
	{"timewait_ms", MR_OPT_TCP_TIMEWAIT_NS, MS, false},
	{"quickack", MR_OPT_TCP_QUICKACK, 1, true},
};

static int64_t
number(const char *name, const char *value)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(value, &end, 10);
	if (!isdigit((unsigned char)*value) || *end || errno)
		pd_die("--%s=%s: not a number", name, value);
	return v;
}

static void
add(struct pd_config *cfg, int opt, int64_t value, bool of_endpoint)
{
	if (cfg->n_switches == PD_MAX_SWITCHES)
		pd_die("more than %d switches", PD_MAX_SWITCHES);
	cfg->switches[cfg->n_switches++] = (struct pd_switch){opt, value, of_endpoint};
}

static bool
add_number(struct pd_config *cfg, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const struct word *w = &words[i];

		if (strcmp(w->name, name) != 0)
			continue;
		add(cfg, w->opt, number(name, value) * w->unit, w->of_endpoint);
		return true;
	}
	return false;
}

/* Of new endpoints and at most, so that none grows; the window scale follows from it. */
static void
add_buffer(struct pd_config *cfg, int opt, int opt_max, int64_t bytes)
{
	add(cfg, opt_max, 1 << 30, false); /* whatever the default is */
	add(cfg, opt, bytes, false);
	add(cfg, opt_max, bytes, false);
}

static struct mr_addr
address(const char *name, const char *value)
{
	struct mr_addr a;

	if (mr_addr_parse(value, &a) < 0)
		pd_die("--%s=%s: not an address", name, value);
	return a;
}

static void
ip_version(struct pd_config *cfg, const char *value)
{
	if (strcmp(value, "ipv4") != 0 && strcmp(value, "ipv6") != 0 && strcmp(value, "ipv4-mapped-ipv6") != 0)
		pd_die("--ip_version=%s: ipv4, ipv6 or ipv4-mapped-ipv6", value);
	cfg->v6 = strcmp(value, "ipv6") == 0;
}

static void
take(struct pd_config *cfg, const char *name, const char *value)
{
	if (strcmp(name, "ip_version") == 0) {
		ip_version(cfg, value);
	} else if (strcmp(name, "local_ip") == 0) {
		cfg->local = address(name, value);
	} else if (strcmp(name, "gateway_ip") == 0) {
		cfg->gateway = address(name, value);
	} else if (strcmp(name, "remote_ip") == 0) {
		address(name, value);
	} else if (strcmp(name, "mtu") == 0) {
		cfg->mtu = (uint16_t)number(name, value);
	} else if (strcmp(name, "extra_at_end") == 0) {
		cfg->extra_at_end = number(name, value);
	} else if (strcmp(name, "rcvbuf") == 0) {
		add_buffer(cfg, MR_OPT_RCVBUF, MR_OPT_RCVBUF_MAX, number(name, value));
	} else if (strcmp(name, "sndbuf") == 0) {
		add_buffer(cfg, MR_OPT_SNDBUF, MR_OPT_SNDBUF_MAX, number(name, value));
	} else if (strcmp(name, "cc") == 0) {
		int cc = mr_tcp_cc_find(value);

		if (cc < 0)
			pd_die("--cc=%s: no congestion control of this name", value);
		add(cfg, MR_OPT_TCP_CC, cc, false);
	} else if (!add_number(cfg, name, value)) {
		pd_die("--%s: unknown", name);
	}
}

void
pd_flags(const char *flags, struct pd_config *cfg)
{
	char *copy = strdup(flags ? flags : ""), *save, *word;

	*cfg = (struct pd_config){.mtu = 1500};
	if (!copy)
		pd_die("no memory");
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');

		if (strncmp(word, "--", 2) != 0 || !value)
			pd_die("%s: not of the form --NAME=VALUE", word);
		*value++ = '\0';
		take(cfg, word + 2, value);
	}
	free(copy);
	if (mr_addr_is_any(&cfg->local))
		pd_die("--so_flags must have --local_ip: the interface does not tell it");
	if (mr_addr_is_v4(&cfg->local) == cfg->v6)
		pd_die("--local_ip is not of --ip_version");
}
