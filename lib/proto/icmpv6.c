/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ICMPv6 (RFC 4443): which message is what; the work is shared with ICMP (icmp.c), or is neighbour discovery (ndp.c) or
 * multicast listener discovery (mld.c).
 *
 * Not here: router discovery and redirects, which are counted as ignored.
 */
#include "proto/icmp.h"

#include <string.h>

#include "proto/cksum.h"
#include "proto/ip.h"
#include "proto/ipv6.h"
#include "proto/ipv6_ext.h"
#include "proto/mld.h"
#include "proto/ndp.h"

#define TYPE_UNREACH 1
#define TYPE_TOO_BIG 2
#define TYPE_TIME_EXCEEDED 3
#define TYPE_PARAM_PROBLEM 4
#define TYPE_ERROR_LAST 127
#define CODE_NO_ROUTE 0
#define CODE_ADDR 3
#define CODE_PORT 4
#define CODE_NEXT_HEADER 1
#define CODE_OPTION 2
#define MTU_MIN 1280
#define QUOTE_MAX (MTU_MIN - MR_IPV6_HDR_BYTES - MR_ICMP_HDR_BYTES) /* RFC 4443 2.4 c */

void
mr_icmpv6_error(struct mr_netproto *np, struct rte_mbuf *m, enum mr_net_error e)
{
	static const uint8_t code[] = {
		[MR_NET_ERR_PORT_UNREACH] = CODE_PORT, [MR_NET_ERR_HOST_UNREACH] = CODE_ADDR,
		[MR_NET_ERR_NET_UNREACH] = CODE_NO_ROUTE,
	};

	if (e == MR_NET_ERR_PROTO_UNREACH)
		mr_icmp_send_error(np, m, TYPE_PARAM_PROBLEM, CODE_NEXT_HEADER, mr_ipv6_ext_next_off(m), QUOTE_MAX);
	else
		mr_icmp_send_error(np, m, TYPE_UNREACH, code[e], 0, QUOTE_MAX);
}

void
mr_icmpv6_bad_option(struct mr_netproto *np, struct rte_mbuf *m, uint32_t pointer)
{
	mr_icmp_send_error(np, m, TYPE_PARAM_PROBLEM, CODE_OPTION, pointer, QUOTE_MAX);
}

static enum mr_ctrl_type
error_type(uint8_t type, uint8_t code)
{
	static const enum mr_ctrl_type unreach[] = {
		[0] = MR_CTRL_NET_UNREACH, [1] = MR_CTRL_ADMIN_PROHIBITED, [2] = MR_CTRL_HOST_UNREACH,
		[3] = MR_CTRL_HOST_UNREACH, [4] = MR_CTRL_PORT_UNREACH, [5] = MR_CTRL_ADMIN_PROHIBITED,
		[6] = MR_CTRL_NET_UNREACH,
	};

	switch (type) {
	case TYPE_UNREACH:
		return code < RTE_DIM(unreach) ? unreach[code] : MR_CTRL_UNKNOWN;
	case TYPE_TOO_BIG:
		return MR_CTRL_PKT_TOO_BIG;
	case TYPE_TIME_EXCEEDED:
		return MR_CTRL_TIME_EXCEEDED;
	case TYPE_PARAM_PROBLEM:
		return code == CODE_NEXT_HEADER ? MR_CTRL_PROTO_UNREACH : MR_CTRL_PARAM_PROBLEM;
	default:
		return MR_CTRL_UNKNOWN;
	}
}

static void
icmpv6_rx_error(struct mr_nic *nic, struct rte_mbuf *m)
{
	struct mr_icmp_quote q;
	uint8_t h[MR_ICMP_HDR_BYTES];
	enum mr_counter why;
	uint32_t word;

	memcpy(h, rte_pktmbuf_mtod(m, const void *), sizeof(h));
	memcpy(&word, h + 4, sizeof(word));
	word = rte_be_to_cpu_32(word);
	why = mr_icmp_quote_v6(m, MR_ICMP_HDR_BYTES, &q);
	/* No link of IPv6 has a smaller MTU: such a report is forged, or wants atomic fragments (RFC 8021). */
	if (why == MR_CNT_MAX && h[0] == TYPE_TOO_BIG && word < MTU_MIN)
		why = MR_DROP_ICMP_IGNORED;
	if (why != MR_CNT_MAX)
		mr_drop(nic->stack, m, why);
	else
		mr_icmp_deliver_error(nic, m, &q, error_type(h[0], h[1]), word);
}

static void
icmpv6_rx_echo(struct mr_nic *nic, struct rte_mbuf *m)
{
	struct mr_pkt *p = mr_pkt(m);
	struct mr_netep *local = p->netep;

	mr_count(nic->stack, MR_CNT_ICMP_RX_ECHO);
	if (mr_addr_is_any(&p->src)) {
		mr_drop(nic->stack, m, MR_DROP_ICMP_IGNORED);
		return;
	}
	if (p->flags & MR_PKT_F_NET_MULTICAST)
		local = mr_nic_netep_primary(nic, &p->src);
	if (local)
		mr_icmp_echo_reply(local, m, MR_ICMPV6_ECHO_REPLY);
	else
		mr_drop(nic->stack, m, MR_DROP_IP_NO_ROUTE);
}

/* @return true: it is an echo reply and still the caller's. All else is consumed. */
static bool
icmpv6_rx(struct mr_nic *nic, struct rte_mbuf *m)
{
	const struct mr_pkt *p = mr_pkt(m);
	uint8_t type;

	if (p->trans_len < MR_ICMP_HDR_BYTES || !mr_pkt_linear(m, MR_ICMP_HDR_BYTES)) {
		mr_drop(nic->stack, m, MR_DROP_ICMP_MALFORMED);
		return false;
	}
	if (!mr_cksum_rx_soft_ok(m, p->phdr_sum)) {
		mr_drop(nic->stack, m, MR_DROP_ICMP_BAD_CKSUM);
		return false;
	}
	type = *rte_pktmbuf_mtod(m, const uint8_t *);
	if (type == MR_ICMPV6_ECHO_REPLY && !(p->flags & MR_PKT_F_NET_MULTICAST))
		return true;
	if (type == MR_ICMPV6_ECHO)
		icmpv6_rx_echo(nic, m);
	else if (type == MR_NDP_NS || type == MR_NDP_NA)
		mr_ndp_input(nic, m);
	else if (type == MR_MLD_QUERY || type == MR_MLD_REPORT)
		mr_mld_input(nic, m);
	else if (type <= TYPE_ERROR_LAST)
		icmpv6_rx_error(nic, m);
	else
		mr_drop(nic->stack, m, MR_DROP_ICMP_IGNORED);
	return false;
}

void
mr_icmpv6_input(struct mr_netproto *np, struct mr_nic *nic, struct rte_mbuf **pkts, uint16_t n)
{
	uint16_t replies = 0;

	mr_count_n(np->stack, MR_CNT_IP_RX_DELIVERED, n);
	for (uint16_t i = 0; i < n; i++) {
		if (icmpv6_rx(nic, pkts[i]))
			pkts[replies++] = pkts[i];
	}
	mr_icmp_deliver_replies(np->stack, MR_TRANS_ICMPV6, pkts, replies);
}
