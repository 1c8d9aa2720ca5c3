/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames as a line of text, for messages of failing tests.
 */
#include "rig/rig.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct line {
	char text[400];
	size_t n;
};

static void __attribute__((format(printf, 2, 3)))
add(struct line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->n, sizeof(l->text) - l->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		l->n += (size_t)n;
	if (l->n >= sizeof(l->text))
		l->n = sizeof(l->text) - 1;
}

const char *
rig_flags_text(unsigned flags)
{
	static const char letters[] = "FSRP.UEW";
	static char buf[4][16];
	static unsigned turn;
	char *p = buf[turn++ & 3], *start = p;

	for (unsigned i = 0; i < 8; i++)
		if (flags & 1u << i)
			*p++ = letters[i];
	if (p == start)
		*p++ = '-';
	*p = '\0';
	return start;
}

static void
add_addr(struct line *l, const struct mr_addr *a, bool v6)
{
	char buf[INET6_ADDRSTRLEN];

	add(l, "%s", inet_ntop(v6 ? AF_INET6 : AF_INET, v6 ? a->b : a->b + 12, buf, sizeof(buf)));
}

static void
add_tcp(struct line *l, const struct rig_frame *f)
{
	add(l, " TCP %u > %u %s seq %u ack %u win %u len %u", f->sport, f->dport, rig_flags_text(f->flags), f->seq, f->ack,
	    f->wnd, f->payload_len);
	if (f->has_mss)
		add(l, " mss %u", f->mss);
	if (f->has_ws)
		add(l, " wscale %u", f->ws);
	if (f->has_sackok)
		add(l, " sackOK");
	if (f->has_ts)
		add(l, " TS %u %u", f->tsval, f->tsecr);
	for (unsigned i = 0; i < f->n_sack; i++)
		add(l, " sack %u:%u", f->sack[i][0], f->sack[i][1]);
}

static void
add_ip(struct line *l, const struct rig_frame *f)
{
	add(l, "%s ", f->v6 ? "IPv6" : "IPv4");
	add_addr(l, &f->src, f->v6);
	add(l, " > ");
	add_addr(l, &f->dst, f->v6);
	if (f->kind == RIG_TCP)
		add_tcp(l, f);
	else if (f->kind == RIG_UDP)
		add(l, " UDP %u > %u len %u", f->sport, f->dport, f->payload_len);
	else if (f->kind == RIG_IP)
		add(l, " protocol %u, %u bytes", f->proto, f->payload_len);
	else if (f->kind == RIG_IGMP || f->kind == RIG_MLD)
		add(l, " %s type %u", f->kind == RIG_IGMP ? "IGMP" : "MLD", f->type);
	else
		add(l, " %s type %u code %u rest %08x len %u", f->kind == RIG_NDP ? "NDP" : "ICMP", f->type, f->code, f->rest,
		    f->payload_len);
	if ((f->kind == RIG_NDP && f->type >= 135) || f->kind == RIG_IGMP || f->kind == RIG_MLD) {
		add(l, f->kind == RIG_NDP ? " target " : " group ");
		add_addr(l, &f->target, f->v6);
	}
	if (f->mf || f->frag_off)
		add(l, " fragment at %u%s", f->frag_off, f->mf ? ", more" : "");
}

const char *
rig_frame_text(const struct rig_frame *f)
{
	static struct line lines[4];
	static unsigned turn;
	struct line *l = &lines[turn++ & 3];

	l->n = 0;
	if (!f)
		return "no frame";
	add(l, "[%.6f s] ", (double)(int64_t)(f->time_ns - RIG_START_NS) / 1e9);
	if (f->kind == RIG_ARP) {
		add(l, "ARP %s ", f->arp_op == 1 ? "who-has" : "reply");
		add_addr(l, f->arp_op == 1 ? &f->dst : &f->src, false);
		add(l, " from ");
		add_addr(l, &f->src, false);
	} else if (f->kind == RIG_OTHER) {
		add(l, "EtherType %04x, %u bytes", f->eth_type, f->len);
	} else {
		add_ip(l, f);
	}
	return l->text;
}
