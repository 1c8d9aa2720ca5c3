/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks, registries, NICs and dispatch, on protocols and links of the test's own. Addresses: test_nic_addr.c; the transmit
 * queue: test_nic_queue.c.
 */
#include "fakestack.h"

/* ---- stacks */

START_TEST(stack_unknown_protocol)
{
	const char *const nets[] = {"fk4", "no-such", NULL}, *const trans[] = {"fkt", "no-such", NULL};
	struct mr_stack_opts o = fk_opts();
	struct mr_stack *s = NULL;

	o.net_protos = nets;
	ck_assert_int_eq(mr_stack_create(&o, &s), -EPROTONOSUPPORT);
	ck_assert_ptr_null(s);
	ck_assert_uint_eq(fk.net_destroyed, 1);
	o.net_protos = fk_nets;
	o.trans_protos = trans;
	ck_assert_int_eq(mr_stack_create(&o, &s), -EPROTONOSUPPORT);
	ck_assert_uint_eq(fk.net_destroyed, 4);
	ck_assert_uint_eq(fk.trans_destroyed, 1);
}
END_TEST

START_TEST(stack_bad_options)
{
	struct mr_stack_opts o = fk_opts();
	struct mr_stack *s = NULL;

	o.rx_reserve_mbufs = o.rx_mbufs;
	ck_assert_int_eq(mr_stack_create(&o, &s), -EINVAL);
	o = fk_opts();
	o.tx_reserve_mbufs = o.tx_mbufs + 1;
	ck_assert_int_eq(mr_stack_create(&o, &s), -EINVAL);
}
END_TEST

START_TEST(stack_defaults)
{
	struct mr_stack_opts o = {.net_protos = fk_nets, .trans_protos = fk_trans};
	struct mr_stack *a, *b;

	ck_assert_int_eq(mr_stack_create(&o, &a), 0);
	ck_assert_int_eq(mr_stack_create(&o, &b), 0);
	ck_assert_uint_eq(a->rx_pool->size, 8192);
	ck_assert_uint_eq(a->tx_pool->size, 8192);
	ck_assert_uint_eq(a->rx_held_max, 6144);
	ck_assert_uint_eq(a->tx_held_max, 6144);
	ck_assert_uint_eq(rte_pktmbuf_data_room_size(a->rx_pool), 2048 + RTE_PKTMBUF_HEADROOM);
	ck_assert_uint_eq(rte_pktmbuf_data_room_size(a->tx_pool), 1536 + RTE_PKTMBUF_HEADROOM);
	/* Seed 0 is fresh randomness each time; a number is the same each time. */
	ck_assert_uint_ne(mr_rng_u64(&a->rng), mr_rng_u64(&b->rng));
	mr_stack_destroy(a);
	mr_stack_destroy(b);
	o = fk_opts();
	ck_assert_int_eq(mr_stack_create(&o, &a), 0);
	ck_assert_int_eq(mr_stack_create(&o, &b), 0);
	ck_assert_uint_eq(mr_rng_u64(&a->rng), mr_rng_u64(&b->rng));
	mr_stack_destroy(a);
	mr_stack_destroy(b);
}
END_TEST

START_TEST(stack_protocols)
{
	int64_t v;

	ck_assert(mr_stack_has_netproto(fk.s, MR_NET_IPV4));
	ck_assert(mr_stack_has_netproto(fk.s, FK_CTL));
	ck_assert(!mr_stack_has_netproto(fk.s, MR_NET_ARP));
	ck_assert(mr_stack_has_transproto(fk.s, FK_TRANS));
	ck_assert(!mr_stack_has_transproto(fk.s, MR_TRANS_TCP));
	ck_assert_int_eq(mr_netproto_setopt(fk.s, MR_NET_ARP, 1, 1), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_netproto_setopt(fk.s, MR_NET_IPV4, 1, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_netproto_getopt(fk.s, MR_NET_ARP, 1, &v), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_netproto_getopt(fk.s, MR_NET_IPV4, 1, &v), -ENOPROTOOPT);
	ck_assert_int_eq(mr_transproto_setopt(fk.s, MR_TRANS_TCP, 1, 1), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_transproto_setopt(fk.s, FK_TRANS, 1, 1), -ENOPROTOOPT);
	ck_assert_int_eq(mr_transproto_getopt(fk.s, MR_TRANS_TCP, 1, &v), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_transproto_getopt(fk.s, FK_TRANS, 1, &v), -ENOPROTOOPT);
	ck_assert_uint_eq(mr_stack_counter(fk.s, MR_CNT_MAX), 0);
}
END_TEST

START_TEST(stack_next_time)
{
	struct fk_link *k;
	struct mr_route r;

	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	k = fk_nic(1);
	k->next_ns = fk.now + 77;
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now + 77);
	mr_nic_disable(fk.s, 1);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	mr_nic_enable(fk.s, 1);
	k->next_ns = UINT64_MAX;
	/* Something waits for the next turn: in the loop, then in the transmit queue. */
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.1", &r), 0);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), 0);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now);
	fk_poll();
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	mr_route_release(&r);
	ck_assert_int_eq(fk_find(1, NULL, "224.0.0.9", &r), 0);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), 0);
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), fk.now);
	fk_poll();
	ck_assert_uint_eq(mr_stack_next_ns(fk.s), UINT64_MAX);
	ck_assert_uint_eq(mr_stack_now_ns(fk.s), fk.now);
	mr_route_release(&r);
}
END_TEST

/* ---- registries */

START_TEST(registry_links)
{
	struct fk_link *k = fk_link_make();
	struct mr_link_cfg cfg = {0};
	struct mr_link *l;
	uint32_t id = 0, id2;

	ck_assert_int_eq(mr_link_open("no-such-driver", &cfg, &l), -ENODEV);
	ck_assert_ptr_null(mr_link_find(0));
	ck_assert_int_eq(mr_link_register(&k->link, &id), 0);
	ck_assert_uint_ne(id, 0);
	ck_assert_ptr_eq(mr_link_find(id), &k->link);
	ck_assert_ptr_null(mr_link_find(id + 1));
	ck_assert_int_eq(mr_link_register(&k->link, &id2), -EINVAL);
	mr_link_close(&k->link);
	ck_assert(k->closed);
	ck_assert_ptr_null(mr_link_find(id));
}
END_TEST

static int
other_make(struct mr_stack *s, struct mr_netproto **out)
{
	(void)s, (void)out;
	return -EDOM;
}

/* The last registration of a name wins (S-3). */
START_TEST(registry_last_wins)
{
	struct mr_stack_opts o = fk_opts();
	struct mr_stack *s;

	ck_assert_int_eq(mr_netproto_register("fk6", other_make), 0);
	ck_assert_int_eq(mr_stack_create(&o, &s), -EDOM);
	ck_assert_int_eq(mr_netproto_register("fk6", fk6_make), 0);
	ck_assert_int_eq(mr_stack_create(&o, &s), 0);
	mr_stack_destroy(s);
	ck_assert_int_eq(mr_netproto_register("", fk6_make), -EINVAL);
	ck_assert_int_eq(mr_netproto_register("x", NULL), -EINVAL);
}
END_TEST

/* ---- making NICs */

START_TEST(nic_create_errors)
{
	struct fk_link *a = fk_link_make(), *b = fk_link_make();

	ck_assert_int_eq(mr_nic_create(fk.s, 0, "x", &a->link), -EINVAL);
	ck_assert_int_eq(mr_nic_create(fk.s, 1, "x", NULL), -EINVAL);
	ck_assert_int_eq(mr_nic_create(fk.s, 1, "x", &a->link), 0);
	ck_assert_int_eq(mr_nic_create(fk.s, 1, "x", &b->link), -EEXIST);
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "x", &a->link), -EBUSY);
	b->link.framing = "no-such";
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "x", &b->link), -EPROTONOSUPPORT);
	b->link.framing = "fk";
	b->start_err = -EIO;
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "x", &b->link), -EIO);
	ck_assert_ptr_null(b->link.nic);
	ck_assert_ptr_null(mr_nic_find(fk.s, 2));
	b->start_err = 0;
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "x", &b->link), 0);
}
END_TEST

START_TEST(nic_info)
{
	struct fk_link *k = fk_link_make();
	struct mr_nic_info i;

	ck_assert_int_eq(mr_nic_info(fk.s, 3, &i), -ENODEV);
	/* D-2: a disabled NIC keeps its name. */
	ck_assert_int_eq(mr_nic_create_disabled(fk.s, 3, "name", &k->link), 0);
	ck_assert_int_eq(mr_nic_info(fk.s, 3, &i), 0);
	ck_assert_str_eq(i.name, "name");
	ck_assert_uint_eq(i.id, 3);
	ck_assert_uint_eq(i.flags, 0);
	ck_assert_uint_eq(i.mtu, 1500);
	ck_assert_uint_eq(i.lladdr.len, 6);
	ck_assert_mem_eq(i.lladdr.b, k->link.lladdr.b, 6);
	ck_assert_uint_eq(k->starts, 0);
	ck_assert_int_eq(mr_nic_enable(fk.s, 3), 0);
	ck_assert_int_eq(mr_nic_enable(fk.s, 3), 0);
	ck_assert_uint_eq(k->starts, 1);
	ck_assert_int_eq(fk_add(3, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(3, "fd00::1/64", 0), 0);
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 3, true), 0);
	ck_assert_int_eq(mr_nic_set_spoofing(fk.s, 3, true), 0);
	mr_nic_info(fk.s, 3, &i);
	ck_assert_uint_eq(i.flags, MR_NIC_F_UP | MR_NIC_F_RUNNING | MR_NIC_F_PROMISC | MR_NIC_F_SPOOFING);
	ck_assert_uint_eq(i.n_addrs, 2);
	k->down = true;
	mr_nic_set_promisc(fk.s, 3, false);
	mr_nic_set_spoofing(fk.s, 3, false);
	mr_nic_info(fk.s, 3, &i);
	ck_assert_uint_eq(i.flags, MR_NIC_F_UP);
	mr_nic_disable(fk.s, 3);
	mr_nic_info(fk.s, 3, &i);
	ck_assert_uint_eq(i.flags, 0);
	ck_assert_uint_eq(k->stops, 1);
	for (int op = 0; op < 5; op++) {
		int (*const ops[])(struct mr_stack *, uint16_t) = {mr_nic_enable, mr_nic_disable, mr_nic_remove};

		ck_assert_int_eq(op < 3 ? ops[op](fk.s, 9) : op == 3 ? mr_nic_set_promisc(fk.s, 9, true) :
		                                                         mr_nic_set_spoofing(fk.s, 9, true), -ENODEV);
	}
}
END_TEST

START_TEST(nic_loopback_flag)
{
	struct fk_link *k = fk_link_make();
	struct mr_nic_info i;

	k->link.caps = MR_LINK_CAP_LOOPBACK;
	ck_assert_int_eq(mr_nic_create(fk.s, 1, NULL, &k->link), 0);
	mr_nic_info(fk.s, 1, &i);
	ck_assert_uint_eq(i.flags, MR_NIC_F_UP | MR_NIC_F_RUNNING | MR_NIC_F_LOOPBACK);
	ck_assert_str_eq(i.name, "");
}
END_TEST

/* ---- dispatch */

/* B-1 */
START_TEST(b1_address_instance)
{
	struct fk_link *k = fk_nic(1);

	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "10.0.0.2/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "fd00::1/64", 0), 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.2", 2, 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 2, 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 2, 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.3", 2, 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.2", 2, 0);
	fk_push_pkt(k, "fd00::9", 1, "fd00::1", 2, 0);
	ck_assert_uint_eq(fk_poll(), 6);
	ck_assert_uint_eq(fk.n_seen, 5);
	ck_assert_addr(&fk.seen[0].addr, "10.0.0.2");
	ck_assert_addr(&fk.seen[1].addr, "10.0.0.1");
	ck_assert_addr(&fk.seen[2].addr, "10.0.0.1");
	ck_assert_addr(&fk.seen[3].addr, "10.0.0.2");
	ck_assert_addr(&fk.seen[4].addr, "fd00::1");
	ck_assert_uint_ne(fk.seen[0].id, fk.seen[1].id);
	ck_assert_uint_eq(fk.seen[0].id, fk.seen[3].id);
	ck_assert_ptr_eq(mr_netep_by_id(fk.s, fk.seen[0].id), fk.seen[0].netep);
	ck_assert_uint_eq(fk_counter(MR_DROP_IP_NOT_OURS), 1);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_RX_PACKETS), 6);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_RX_BYTES), 6 * (14 + 36 + 5));
	/* One call for each protocol of the burst, whatever the order. */
	ck_assert_uint_eq(fk.n_input, 2);
}
END_TEST

START_TEST(b1_unknown_and_short)
{
	struct fk_link *k = fk_nic(1);
	uint8_t b[64] = {0};

	fk_add(1, "10.0.0.1/24", 0);
	fk_push_raw(k, 0x1234, b, 64);
	fk_poll();
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_UNKNOWN_PROTO), 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_SHORT), 0);
	fk_push_raw(k, MR_NET_IPV4, b, sizeof(struct fk_net) - 1);
	fk_push_raw(k, MR_NET_IPV4, b, 0);
	fk_push_raw(k, FK_CTL, b, 3);
	fk_poll();
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_UNKNOWN_PROTO), 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_SHORT), 3);
	/* Protocols without addresses get theirs directly. */
	fk_push_raw(k, FK_CTL, b, 4);
	fk_poll();
	ck_assert_uint_eq(fk.n_ctl, 1);
	/* A transport that the stack does not have is the network protocol's to answer. */
	b[32] = FK_TRANS + 1;
	memcpy(b + 16, &(struct mr_addr){.b = {[10] = 0xff, 0xff, 10, 0, 0, 1}}, 16);
	fk_push_raw(k, MR_NET_IPV4, b, 64);
	fk_poll();
	ck_assert_uint_eq(fk_counter(MR_DROP_TRANS_UNKNOWN_PROTO), 1);
}
END_TEST

/* Short transport packets are the transport's to judge (S-144). */
START_TEST(transport_short)
{
	struct fk_link *k = fk_nic(1);
	struct fk_net h = {.trans = FK_TRANS, .len_be = rte_cpu_to_be_16(3)};
	struct mr_addr a = fk_addr("10.0.0.1");
	uint8_t b[sizeof(h) + 3] = {0};

	fk_add(1, "10.0.0.1/24", 0);
	memcpy(h.dst, &a, 16);
	memcpy(h.src, &a, 16);
	memcpy(b, &h, sizeof(h));
	fk_push_raw(k, MR_NET_IPV4, b, sizeof(b));
	fk_poll();
	ck_assert_uint_eq(fk_counter(MR_DROP_UDP_MALFORMED), 1);
}
END_TEST

/* SS-18: headers that a driver scattered are brought together before anybody reads them. */
START_TEST(rx_chains_are_joined)
{
	struct fk_link *k = fk_nic(1);
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct rte_mbuf *whole, *head = NULL;

	fk_add(1, "10.0.0.1/24", 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 7, 0x5a);
	whole = k->rx[k->rx_head];
	for (uint16_t off = 0; off < whole->data_len; off += 15) {
		uint16_t n = RTE_MIN(whole->data_len - off, 15);
		struct rte_mbuf *seg = rte_pktmbuf_alloc(fk.s->rx_pool);

		mr_pkt_init(seg);
		memcpy(rte_pktmbuf_append(seg, n), rte_pktmbuf_mtod_offset(whole, char *, off), n);
		if (head)
			rte_pktmbuf_chain(head, seg);
		else
			head = seg;
	}
	rte_pktmbuf_free(whole);
	k->rx[k->rx_head] = head;
	fk_poll();
	ck_assert_uint_eq(e->rx, 1);
}
END_TEST

/* Many more frames than a burst, of both protocols by turns: all arrive, in order, within the bounds of a turn. */
START_TEST(rx_order_and_bounds)
{
	struct fk_link *k = fk_nic(1);
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	unsigned next4 = 0, next6 = 0;

	fk_add(1, "10.0.0.1/24", 0);
	fk_add(1, "fd00::1/64", 0);
	for (unsigned i = 0; i < 200; i++) {
		if (i % 2)
			fk_push_pkt(k, "fd00::9", 1, "fd00::1", 7, i);
		else
			fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 7, i);
	}
	ck_assert_uint_eq(fk_poll(), 4 * MR_BURST);
	ck_assert_uint_eq(k->rx_n, 200 - 4 * MR_BURST);
	ck_assert_uint_eq(fk_poll(), 200 - 4 * MR_BURST);
	ck_assert_uint_eq(e->rx, 200);
	for (unsigned i = 0; i < 200; i++) {
		unsigned *next = fk.seen[i].net_proto == MR_NET_IPV4 ? &next4 : &next6;

		ck_assert_uint_eq(fk.seen[i].tag, 2 * (*next)++ + (next == &next6));
	}
}
END_TEST

/* B-9: a registration for the NIC beats a global one; a second of the same id fails. */
START_TEST(b9_nic_specific)
{
	struct fk_link *a = fk_nic(1), *b = fk_nic(2);
	struct fk_ep *global = fk_ep(NULL, 7, 0), *own = fk_ep(NULL, 7, 1);
	struct mr_bound again = {.ep = &own->ep, .lport_be = rte_cpu_to_be_16(7), .nic = 1, .proto = FK_TRANS, .v4 = true};

	fk_add(1, "10.0.0.1/24", 0);
	fk_add(2, "10.0.1.1/24", 0);
	fk_push_pkt(a, "10.0.0.9", 1, "10.0.0.1", 7, 0);
	fk_push_pkt(b, "10.0.1.9", 1, "10.0.1.1", 7, 0);
	fk_poll();
	ck_assert_uint_eq(own->rx, 1);
	ck_assert_uint_eq(global->rx, 1);
	ck_assert_int_eq(mr_demux_bind(fk.s, &again), -EADDRINUSE);
}
END_TEST

/* B-15: an error goes to the endpoint of the inner tuple and to nobody else. */
START_TEST(b15_control)
{
	struct fk_link *k = fk_nic(1);
	struct mr_nic *nic = mr_nic_find(fk.s, 1);
	struct fk_ep *e = fk_ep(NULL, 7, 0), *other = fk_ep(NULL, 9, 0);
	struct mr_addr local = fk_addr("10.0.0.1"), remote = fk_addr("10.0.0.9"), foreign = fk_addr("10.0.0.3");
	uint16_t quoted[4] = {rte_cpu_to_be_16(7), rte_cpu_to_be_16(1)};

	(void)k;
	fk_add(1, "10.0.0.1/24", 0);
	ck_assert(mr_nic_deliver_control(fk.s, nic, &local, &remote, FK_TRANS, MR_CTRL_PORT_UNREACH, 0, quoted, 8));
	ck_assert_uint_eq(e->controls, 1);
	ck_assert_int_eq(e->control, MR_CTRL_PORT_UNREACH);
	ck_assert_uint_eq(other->controls, 0);
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &local, &remote, FK_TRANS, MR_CTRL_PORT_UNREACH, 0, quoted, 7));
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &foreign, &remote, FK_TRANS, MR_CTRL_PORT_UNREACH, 0, quoted, 8));
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &local, &remote, MR_TRANS_TCP, MR_CTRL_PORT_UNREACH, 0, quoted, 8));
	quoted[0] = rte_cpu_to_be_16(8);
	ck_assert(!mr_nic_deliver_control(fk.s, nic, &local, &remote, FK_TRANS, MR_CTRL_PORT_UNREACH, 0, quoted, 8));
	ck_assert_uint_eq(e->controls + other->controls, 1);
}
END_TEST

/* ---- ups and downs */

/* B-11 */
START_TEST(b11_disabled)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr g = fk_addr("224.1.2.3");
	struct rte_mbuf *m = rte_pktmbuf_alloc(fk.s->rx_pool);
	struct mr_route r, none;
	struct mr_nic *nic = mr_nic_find(fk.s, 1);

	fk_add(1, "10.0.0.1/24", 0);
	fk_add(1, "fd00::1/64", 0);
	mr_group_join(fk.s, 1, &g);
	ck_assert_int_eq(fk.opened, 2);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.9", &r), 0);
	mr_neigh_add(fk.s, 1, &r.remote, &(struct mr_lladdr){.b = {1}, .len = 6});
	ck_assert_int_eq(mr_nic_disable(fk.s, 1), 0);
	ck_assert_int_eq(mr_nic_disable(fk.s, 1), 0);
	ck_assert_uint_eq(k->stops, 1);
	ck_assert_int_eq(fk.closed, 2);
	/* Nothing in: not from the link, nor from elsewhere. */
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 8, 1);
	fk_poll();
	ck_assert_uint_eq(k->rx_n, 1);
	mr_pkt_init(m);
	mr_nic_rx(nic, &m, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_DISABLED), 1);
	/* Nothing out: no route, and what is handed to the NIC is dropped. */
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.9", &none), -EHOSTUNREACH);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), -EHOSTUNREACH);
	ck_assert_uint_eq(fk_counter(MR_DROP_IP_NO_ROUTE), 1);
	m = mr_stack_tx_alloc(fk.s);
	mr_nic_output_ll(nic, m, &k->link.lladdr, FK_CTL);
	m = mr_stack_tx_alloc(fk.s);
	mr_nic_loop(nic, m, MR_NET_IPV4);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_DISABLED), 3);
	/* Up again: addresses are opened anew, the link learns the groups, the old route works. */
	k->n_mcast = 0;
	ck_assert_int_eq(mr_nic_enable(fk.s, 1), 0);
	ck_assert_int_eq(fk.opened, 4);
	ck_assert_uint_eq(k->n_mcast, 1);
	fk_poll();
	ck_assert_uint_eq(fk.n_seen, 1);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), 0);
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 1);
	mr_route_release(&r);
}
END_TEST

/* Frames that wait for a busy link when the NIC goes down are lost and counted, and so are looped packets. */
START_TEST(b11_disabled_with_queue)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route out, self;

	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(1, NULL, "224.0.0.9", &out), 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.1", &self), 0);
	k->tx_room = 0;
	for (unsigned i = 0; i < 5; i++)
		fk_send(&out, 1, 2, i);
	fk_send(&self, 1, 2, 0);
	mr_nic_disable(fk.s, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_DISABLED), 5);
	fk_poll();
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_DISABLED), 6);
	ck_assert_uint_eq(fk.n_seen, 0);
	mr_route_release(&out);
	mr_route_release(&self);
}
END_TEST

/* B-12 */
START_TEST(b12_remove)
{
	struct fk_link *k = fk_nic(1), *k2 = fk_nic(2);
	struct mr_addr g = fk_addr("224.1.2.3");
	struct mr_route r, clone;
	struct mr_route_entry rows[8];

	(void)k2;
	fk_add(1, "10.0.0.1/24", 0);
	fk_add(2, "10.0.1.1/24", 0);
	fk_row("10.8.0.0/16", "10.0.0.2", 1);
	mr_group_join(fk.s, 1, &g);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.9", &r), 0);
	mr_route_clone(&clone, &r);
	fk_send(&r, 1, 2, 0); /* waits for its neighbour */
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 8), 3);
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), -ENODEV);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 1);
	ck_assert_uint_eq(mr_route_table_get(fk.s, rows, 8), 1);
	ck_assert_uint_eq(rows[0].nic, 2);
	ck_assert_ptr_null(k->link.nic);
	ck_assert_uint_eq(k->stops, 1);
	ck_assert_uint_eq(mr_nic_find(fk.s, 1) != NULL, 0);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), -ENODEV);
	ck_assert_int_eq(fk_send(&r, 1, 2, 0), -ENODEV);
	ck_assert_uint_eq(fk_counter(MR_DROP_IP_NO_ROUTE), 2);
	ck_assert_uint_eq(mr_route_caps(&r), 0);
	/* The id and the link can be used again while the old NIC is still referred to. */
	ck_assert_int_eq(mr_nic_create(fk.s, 1, "again", &k->link), 0);
	fk_add(1, "10.0.0.1/24", 0);
	ck_assert(fk_receives(k, "10.0.0.1"));
	ck_assert_int_eq(mr_route_check(fk.s, &r), -ENODEV);
	ck_assert(!TAILQ_EMPTY(&fk.s->dead_nics));
	mr_route_release(&r);
	mr_route_release(&clone);
	ck_assert(TAILQ_EMPTY(&fk.s->dead_nics));
}
END_TEST

/* A stack goes with everything still there: frames waiting, packets pending and looped, routes held. */
START_TEST(destroy_with_everything)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r, self, out;
	struct mr_alarm *a;

	fk_add(1, "10.0.0.1/24", 0);
	mr_nic_set_promisc(fk.s, 1, true);
	fk_ep(NULL, 7, 0);
	fk_find(0, NULL, "10.0.0.9", &r);
	fk_find(0, NULL, "10.0.0.1", &self);
	fk_find(1, NULL, "224.0.0.9", &out);
	k->tx_room = 0;
	fk_send(&r, 1, 2, 0);
	fk_send(&self, 1, 2, 0);
	fk_send(&out, 1, 2, 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.5.5.5", 8, 1);
	mr_alarm_start(fk.s, 10, (void (*)(struct mr_stack *, void *))(uintptr_t)fk_poll, NULL, &a);
	mr_stack_destroy(fk.s);
	fk.s = NULL;
	ck_assert_uint_eq(fk.net_destroyed, 3);
	ck_assert_uint_eq(fk.trans_destroyed, 1);
	ck_assert_int_eq(fk.closed, fk.opened);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("nic");
	TCase *tc = rig_case(s, "stack", fk_setup, fk_teardown);

	tcase_add_test(tc, stack_unknown_protocol);
	tcase_add_test(tc, stack_bad_options);
	tcase_add_test(tc, stack_defaults);
	tcase_add_test(tc, stack_protocols);
	tcase_add_test(tc, stack_next_time);
	tcase_add_test(tc, registry_links);
	tcase_add_test(tc, registry_last_wins);
	tc = rig_case(s, "nic", fk_setup, fk_teardown);
	tcase_add_test(tc, nic_create_errors);
	tcase_add_test(tc, nic_info);
	tcase_add_test(tc, nic_loopback_flag);
	tcase_add_test(tc, b11_disabled);
	tcase_add_test(tc, b11_disabled_with_queue);
	tcase_add_test(tc, b12_remove);
	tcase_add_test(tc, destroy_with_everything);
	tc = rig_case(s, "dispatch", fk_setup, fk_teardown);
	tcase_add_test(tc, b1_address_instance);
	tcase_add_test(tc, b1_unknown_and_short);
	tcase_add_test(tc, transport_short);
	tcase_add_test(tc, rx_chains_are_joined);
	tcase_add_test(tc, rx_order_and_bounds);
	tcase_add_test(tc, b9_nic_specific);
	tcase_add_test(tc, b15_control);
	return s;
}

RIG_MAIN(suite)
