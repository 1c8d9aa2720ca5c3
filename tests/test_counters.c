/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every counter of counters.def has a scenario here that raises it, and a counter without one fails the suite. A drop
 * must go up by exactly one while no other drop moves; another counter must go up by what the table says.
 *
 * `with` names the drop that rightly goes with a counter (a reset is sent because a segment is dropped).
 */
#include "counters_ep.h"
#include "counters_link.h"
#include "counters_net.h"
#include "counters_tcp.h"
#include "counters_transit.h"

struct scenario {
	enum mr_counter c;
	void (*run)(struct rig *r);
	uint64_t n;           /* how far the counter goes; 0: 1 */
	enum mr_counter with;
	struct rig_opts opts;
};

#define NO_NEIGH .opts = {.no_neigh = true}
#define FEW_NEIGH .opts = {.no_neigh = true, .stack = {.max_neighbours = 8}}
#define FEW_MBUFS .opts = {.stack = {.rx_mbufs = 512}}

static const struct scenario scenarios[] = {
	{MR_CNT_NIC_RX_PACKETS, an_arp_request},
	{MR_CNT_NIC_RX_BYTES, an_arp_request, 42},
	{MR_CNT_NIC_TX_PACKETS, an_arp_request},
	{MR_CNT_NIC_TX_BYTES, an_arp_request, 42},
	{MR_CNT_NIC_TX_BUSY, tx_busy},
	{MR_CNT_LOOP_PACKETS, to_ourselves},
	{MR_DROP_NIC_DISABLED, nic_disabled, .opts = {.no_addr = true}},
	{MR_DROP_NIC_TXQ_FULL, txq_full},
	{MR_DROP_LOOP_FULL, loop_full},
	{MR_DROP_ETHER_SHORT, short_frame},
	{MR_DROP_ETHER_NOT_OURS, foreign_frame},
	{MR_DROP_ETHER_BAD_SRC, frame_from_us},
	{MR_DROP_NET_UNKNOWN_PROTO, unknown_ethertype},
	{MR_DROP_NET_SHORT, short_packet},
	{MR_DROP_NO_RX_MBUF, no_rx_mbuf},
	{MR_DROP_NO_TX_MBUF, no_tx_mbuf},
	{MR_CNT_STEER_OUT, steer_out},
	{MR_CNT_STEER_IN, steer_in},
	{MR_DROP_STEER_RING_FULL, steer_ring_full},
	{MR_DROP_STEER_NO_MBUF, steer_no_mbuf},
	{MR_CNT_NEIGH_REQUESTS, ask_for_peer, NO_NEIGH},
	{MR_CNT_NEIGH_EVICTED, neigh_evicted, FEW_NEIGH},
	{MR_CNT_NEIGH_TABLE_FULL, neigh_table_full, FEW_NEIGH},
	{MR_DROP_NEIGH_QUEUE_FULL, neigh_queue_full, NO_NEIGH},
	{MR_DROP_NEIGH_FAILED, neigh_failed, NO_NEIGH},
	{MR_CNT_ARP_RX_REQUESTS, an_arp_request},
	{MR_CNT_ARP_RX_REPLIES, an_arp_reply},
	{MR_CNT_ARP_TX_REQUESTS, ask_for_peer, NO_NEIGH},
	{MR_CNT_ARP_TX_REPLIES, an_arp_request},
	{MR_CNT_ARP_CONFLICTS, arp_conflict},
	{MR_DROP_ARP_MALFORMED, arp_malformed},
	{MR_CNT_IP_RX_PACKETS, an_echo},
	{MR_CNT_IP_RX_DELIVERED, an_echo},
	{MR_CNT_IP_TX_PACKETS, an_echo},
	{MR_DROP_IP_BAD_VERSION, ip_bad_version},
	{MR_DROP_IP_BAD_LENGTH, ip_bad_length},
	{MR_DROP_IP_BAD_CKSUM, ip_bad_cksum},
	{MR_DROP_IP_BAD_OPTIONS, ip_bad_options},
	{MR_DROP_IP_UNKNOWN_OPTION, ip_unknown_option},
	{MR_DROP_IP_SOURCE_ROUTE, ip_source_route},
	{MR_DROP_IP_BAD_SRC, ip_bad_src},
	{MR_DROP_IP_BAD_DST, ip_bad_dst},
	{MR_DROP_IP_NOT_OURS, ip_not_ours},
	{MR_CNT_IP_FORWARDED, forwarded},
	{MR_DROP_IP_FWD_NO_ROUTE, forward_no_route},
	{MR_DROP_IP_FWD_SCOPE, forward_scope},
	{MR_DROP_IP_FWD_TTL, forward_ttl},
	{MR_DROP_IP_FWD_TOO_BIG, forward_too_big},
	{MR_DROP_IP_FRAGMENT, ip_fragment},
	{MR_DROP_IP_EXT_HDR, ip_ext_hdr},
	{MR_DROP_IP_TOO_BIG, ip_too_big},
	{MR_DROP_IP_NO_ROUTE, ip_no_route},
	{MR_DROP_IP_LINK_BCAST, ip_link_bcast},
	{MR_DROP_THIRD_PARTY, third_party},
	{MR_DROP_TRANS_UNKNOWN_PROTO, unknown_transport},
	{MR_CNT_ICMP_RX_ECHO, an_echo},
	{MR_CNT_ICMP_TX_ECHO_REPLY, an_echo},
	{MR_CNT_ICMP_RX_ERRORS, icmp_rx_error},
	{MR_CNT_ICMP_TX_ERRORS, udp_no_port, .with = MR_DROP_UDP_NO_PORT},
	{MR_CNT_ICMP_TX_LIMITED, icmp_limited, .with = MR_DROP_UDP_NO_PORT},
	{MR_CNT_NDP_RX_NS, a_solicitation},
	{MR_CNT_NDP_RX_NA, an_advertisement},
	{MR_CNT_NDP_TX_NS, ask_for_peer_v6, NO_NEIGH},
	{MR_CNT_NDP_TX_NA, a_solicitation},
	{MR_DROP_ICMP_MALFORMED, icmp_malformed},
	{MR_DROP_ICMP_BAD_CKSUM, icmp_bad_cksum},
	{MR_DROP_ICMP_IGNORED, icmp_ignored},
	{MR_DROP_NDP_INVALID, ndp_invalid},
	{MR_CNT_PING_RX_REPLIES, ping_reply},
	{MR_CNT_PING_TX_REQUESTS, ping_request},
	{MR_DROP_PING_QUEUE_FULL, ping_queue_full},
	{MR_DROP_PING_NO_MEMORY, ping_no_memory, FEW_MBUFS},
	{MR_CNT_GROUP_RX_QUERIES, a_group_query},
	{MR_CNT_GROUP_RX_REPORTS, a_group_report},
	{MR_CNT_GROUP_TX_REPORTS, group_joined},
	{MR_CNT_GROUP_TX_LEAVES, group_left},
	{MR_DROP_GROUP_INVALID, group_invalid},
	{MR_DROP_IGMP_BAD_CKSUM, igmp_bad_cksum},
	{MR_DROP_IGMP_IGNORED, igmp_ignored},
	{MR_CNT_FORWARD_REQUESTS, forward_request},
	{MR_DROP_FORWARD_FULL, forward_full},
	{MR_DROP_FORWARD_PENDING, forward_pending},
	{MR_DROP_FORWARD_REFUSED, forward_refused},
	{MR_CNT_RAW_RX_PACKETS, raw_received},
	{MR_CNT_RAW_TX_PACKETS, raw_sent},
	{MR_DROP_RAW_QUEUE_FULL, raw_queue_full},
	{MR_DROP_RAW_NO_MEMORY, raw_no_memory, FEW_MBUFS},
	{MR_CNT_PACKET_RX_FRAMES, packet_received},
	{MR_CNT_PACKET_TX_FRAMES, packet_sent},
	{MR_DROP_PACKET_QUEUE_FULL, packet_queue_full},
	{MR_DROP_PACKET_NO_MEMORY, packet_no_memory, FEW_MBUFS},
	{MR_CNT_UDP_RX_DATAGRAMS, udp_received},
	{MR_CNT_UDP_TX_DATAGRAMS, udp_sent},
	{MR_DROP_UDP_MALFORMED, udp_malformed},
	{MR_DROP_UDP_BAD_CKSUM, udp_bad_cksum},
	{MR_DROP_UDP_NO_PORT, udp_no_port},
	{MR_DROP_UDP_QUEUE_FULL, udp_queue_full},
	{MR_DROP_UDP_NO_MEMORY, udp_no_memory, FEW_MBUFS},
	{MR_CNT_TCP_RX_SEGMENTS, tcp_segment},
	{MR_CNT_TCP_TX_SEGMENTS, tcp_send_one},
	{MR_CNT_TCP_RETRANSMITS, tcp_timeout_once},
	{MR_CNT_TCP_FAST_RETRANSMITS, tcp_first_lost},
	{MR_CNT_TCP_TAIL_PROBES, tcp_tail_probe},
	{MR_CNT_TCP_RECOVERIES_UNDONE, tcp_first_not_lost},
	{MR_CNT_TCP_RTO, tcp_timeout_once},
	{MR_CNT_TCP_BLACK_HOLES, tcp_black_hole},
	{MR_CNT_TCP_MTU_PROBES, tcp_mtu_probe},
	{MR_CNT_TCP_MTU_PROBES_LOST, tcp_mtu_probe_lost},
	{MR_CNT_TCP_ACTIVE_OPENS, tcp_active},
	{MR_CNT_TCP_PASSIVE_OPENS, tcp_passive},
	{MR_CNT_TCP_ESTABLISHED, tcp_passive},
	{MR_CNT_TCP_CLOSED, tcp_ends},
	{MR_CNT_TCP_RESETS_RX, tcp_reset_received},
	{MR_CNT_TCP_RESETS_TX, tcp_reset_sent},
	{MR_CNT_TCP_TIMEOUTS, tcp_nobody_answers},
	{MR_CNT_TCP_CHALLENGE_ACKS, tcp_syn_in_conn, .with = MR_DROP_TCP_SYN_IN_CONN},
	{MR_CNT_TCP_OOO_SEGMENTS, tcp_out_of_order},
	{MR_CNT_TCP_DELAYED_ACKS, tcp_delayed_ack},
	{MR_CNT_TCP_ZERO_WINDOW_PROBES, tcp_window_probe},
	{MR_CNT_TCP_URGENT, tcp_urgent},
	{MR_CNT_TCP_KEEPALIVES, tcp_keepalive},
	{MR_CNT_TCP_ECN_MARKS, tcp_ecn_mark},
	{MR_CNT_TCP_ECN_REDUCTIONS, tcp_ecn_reduction},
	{MR_CNT_TCP_SYNCOOKIES_SENT, tcp_syn_with_cookies},
	{MR_CNT_TCP_SYNCOOKIES_TAKEN, tcp_cookie_taken},
	{MR_CNT_TCP_FASTOPEN_PASSIVE, tcp_fastopen_passive},
	{MR_CNT_TCP_FASTOPEN_BAD_COOKIE, tcp_fastopen_bad_cookie},
	{MR_CNT_TCP_FASTOPEN_LIMITED, tcp_fastopen_limited},
	{MR_CNT_TCP_FASTOPEN_ACTIVE, tcp_fastopen_active},
	{MR_CNT_TCP_FASTOPEN_FAILED, tcp_fastopen_failed},
	{MR_CNT_TCP_TIME_WAIT_REUSED, tcp_time_wait_reused},
	{MR_CNT_TCP_TIME_WAIT_EVICTED, tcp_time_wait_evicted, .opts = {.stack = {.max_time_wait = 1}}},
	{MR_DROP_TCP_MALFORMED, tcp_malformed},
	{MR_DROP_TCP_BAD_CKSUM, tcp_bad_cksum},
	{MR_DROP_TCP_NO_PORT, tcp_no_port},
	{MR_DROP_TCP_BAD_ADDR, tcp_bad_addr},
	{MR_DROP_TCP_LISTEN_IGNORED, tcp_listen_ignored},
	{MR_DROP_TCP_BAD_COOKIE, tcp_bad_cookie},
	{MR_DROP_TCP_BACKLOG_FULL, tcp_backlog_full},
	{MR_DROP_TCP_NO_CONN, tcp_no_conn, .opts = {.stack = {.max_conns = 1}}},
	{MR_DROP_TCP_OUT_OF_WINDOW, tcp_out_of_window},
	{MR_DROP_TCP_PAWS, tcp_paws},
	{MR_DROP_TCP_BAD_ACK, tcp_bad_ack},
	{MR_DROP_TCP_BAD_RST, tcp_bad_rst},
	{MR_DROP_TCP_SYN_IN_CONN, tcp_syn_in_conn},
	{MR_DROP_TCP_DUPLICATE, tcp_duplicate},
	{MR_DROP_TCP_OOO_FULL, tcp_ooo_full, FEW_MBUFS},
	{MR_DROP_TCP_NO_MEMORY, tcp_no_memory, FEW_MBUFS},
	{MR_DROP_TCP_AFTER_CLOSE, tcp_after_close},
	{MR_DROP_TCP_TIME_WAIT, tcp_in_time_wait},
	{MR_DROP_TCP_SYN_SENT_IGNORED, tcp_syn_sent_ignored},
};

START_TEST(raises)
{
	const struct scenario *s = &scenarios[_i];
	bool drop = mr_counter_is_drop(s->c);
	uint64_t want = s->n ? s->n : 1;
	struct rig r;

	rig_init(&r, &s->opts);
	s->run(&r);
	ck_assert_msg(rig_moved(&r, s->c) == want, "%s moved by %llu, expected %llu", mr_counter_name(s->c),
	              (unsigned long long)rig_moved(&r, s->c), (unsigned long long)want);
	if (drop)
		rig_expect_drop(&r, s->c);
	else if (s->with)
		rig_expect_drop(&r, s->with);
	else
		rig_expect_no_drop(&r);
	give_back();
	rig_fini(&r);
}
END_TEST

START_TEST(has_a_scenario)
{
	for (unsigned i = 0; i < RTE_DIM(scenarios); i++)
		if (scenarios[i].c == (enum mr_counter)_i)
			return;
	ck_abort_msg("no scenario raises %s", mr_counter_name((enum mr_counter)_i));
}
END_TEST

START_TEST(nothing_moves_by_itself)
{
	struct rig r;

	rig_init(&r, NULL);
	rig_advance(&r, 3600 * RIG_S);
	for (enum mr_counter c = 0; c < MR_CNT_MAX; c++)
		ck_assert_msg(rig_moved(&r, c) == 0, "%s", mr_counter_name(c));
	rig_fini(&r);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("counters");
	TCase *tc = rig_case(s, "counters", NULL, NULL);

	tcase_add_loop_test(tc, has_a_scenario, 0, MR_CNT_MAX);
	tcase_add_loop_test(tc, raises, 0, (int)RTE_DIM(scenarios));
	tcase_add_test(tc, nothing_moves_by_itself);
	return s;
}

RIG_MAIN(suite)
