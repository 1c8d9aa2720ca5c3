/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NICs, local addresses, dispatch and the transmit queue, on protocols and links of the test's own.
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
	ck_assert_uint_eq(rte_pktmbuf_data_room_size(a->tx_pool), 2048 + RTE_PKTMBUF_HEADROOM);
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

/* ---- addresses */

START_TEST(addr_errors)
{
	struct mr_subnet bad = {.addr = fk_addr("10.0.0.9"), .plen = 33};
	struct mr_addr a = fk_addr("10.0.0.9");

	fk_nic(1);
	ck_assert_int_eq(fk_add(9, "10.0.0.1/24", 0), -ENODEV);
	ck_assert_int_eq(fk_add(1, "0.0.0.0/24", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "::/64", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "224.0.0.1/24", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "ff02::1/64", 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "255.255.255.255/32", 0), -EINVAL);
	ck_assert_int_eq(mr_addr_add(fk.s, 1, &bad, 0), -EINVAL);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), -EEXIST);
	ck_assert_int_eq(fk_add(1, "10.0.0.1/16", 0), -EEXIST);
	ck_assert_int_eq(mr_addr_remove(fk.s, 9, &a), -ENODEV);
	ck_assert_int_eq(mr_addr_remove(fk.s, 1, &a), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 0, &a), 0);
	a = fk_addr("10.0.0.1");
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 0, &a), 1);
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 1, &a), 1);
	ck_assert_int_eq(mr_stack_check_local_address(fk.s, 2, &a), 0);
}
END_TEST

START_TEST(addr_without_protocol)
{
	const char *const nets[] = {"fk4", "fkctl", NULL};
	struct mr_stack_opts o = fk_opts();
	struct fk_link *k = fk_link_make();
	struct mr_subnet six = fk_subnet("fd00::1/64"), four = fk_subnet("10.0.0.1/24");
	struct mr_addr group = fk_addr("ff02::5");
	struct mr_stack *s;

	o.net_protos = nets;
	ck_assert_int_eq(mr_stack_create(&o, &s), 0);
	ck_assert_int_eq(mr_nic_create(s, 1, "x", &k->link), 0);
	ck_assert_int_eq(mr_addr_add(s, 1, &six, 0), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_subnet_add(s, 1, &six), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_group_join(s, 1, &group), -EPROTONOSUPPORT);
	ck_assert_int_eq(mr_addr_add(s, 1, &four, 0), 0);
	mr_stack_destroy(s);
}
END_TEST

/* A protocol that does not want the address leaves nothing behind. */
START_TEST(addr_open_fails)
{
	struct fk_link *k = fk_nic(1);
	struct mr_nic_info i;
	struct mr_route_entry row;
	struct mr_addr bcast = fk_addr("10.0.0.255");

	fk.open_err = -EDOM;
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), -EDOM);
	mr_nic_info(fk.s, 1, &i);
	ck_assert_uint_eq(i.n_addrs, 0);
	ck_assert_uint_eq(mr_route_table_get(fk.s, &row, 1), 0);
	ck_assert(!mr_nic_is_broadcast(mr_nic_find(fk.s, 1), &bcast));
	ck_assert(!fk_receives(k, "10.0.0.1"));
	ck_assert_uint_eq(fk.s->netep_pool.used, 0);
	fk.open_err = 0;
	ck_assert_int_eq(fk_add(1, "10.0.0.1/24", 0), 0);
	ck_assert(fk_receives(k, "10.0.0.1"));
}
END_TEST

/* B-4 */
START_TEST(b4_remove_stops_reception)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r;
	unsigned neteps;

	fk_add(1, "10.0.0.1/24", 0);
	fk_add(1, "10.0.0.2/24", 0);
	ck_assert(fk_receives(k, "10.0.0.1"));
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &r), 0);
	neteps = fk.s->netep_pool.used;
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), 0);
	ck_assert_int_eq(fk.closed, 1);
	ck_assert(!fk_receives(k, "10.0.0.1"));
	ck_assert(fk_receives(k, "10.0.0.2"));
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), -EADDRNOTAVAIL);
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps);
	mr_route_release(&r);
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps - 1);
	mr_route_release(&r);
}
END_TEST

/* SS-8: what flows hold drains, and is the same object when the address comes back. */
START_TEST(ss8_expired_and_promoted)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r, again;
	struct mr_subnet main_addr;
	struct fk_net h;
	uint16_t id;

	fk_add(1, "10.0.0.1/24", 0);
	fk_add(1, "10.0.0.2/24", 0);
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &r), 0);
	id = r.local->id;
	fk_remove(1, "10.0.0.1");
	ck_assert_int_eq(r.local->kind, MR_NETEP_EXPIRED);
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &again), -EADDRNOTAVAIL);
	/* Still a source for those who hold it. */
	mr_neigh_add(fk.s, 1, &r.remote, &(struct mr_lladdr){.b = {1}, .len = 6});
	ck_assert_int_eq(fk_send(&r, 1, 2, 3), 0);
	fk_poll();
	h = fk_tx_net(k, 0);
	ck_assert_mem_eq(h.src, &r.local->addr, 16);
	/* Added again: promoted, with the new place in the order of sources. */
	ck_assert_int_eq(fk_add(1, "10.0.0.1/16", MR_PEB_FIRST_PRIMARY), 0);
	ck_assert_int_eq(r.local->kind, MR_NETEP_PERMANENT);
	ck_assert_uint_eq(r.local->id, id);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &main_addr), 0);
	ck_assert_addr(&main_addr.addr, "10.0.0.1");
	ck_assert_uint_eq(main_addr.plen, 16);
	ck_assert(fk_receives(k, "10.0.0.1"));
	ck_assert_int_eq(mr_route_check(fk.s, &r), 0);
	mr_route_release(&r);
	ck_assert(fk_receives(k, "10.0.0.1"));
}
END_TEST

/* Ids are not given to others while someone holds the address. */
START_TEST(ids_are_not_reused)
{
	struct mr_route r;
	uint16_t id;

	fk_nic(1);
	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.0.9", &r), 0);
	id = r.local->id;
	fk_remove(1, "10.0.0.1");
	for (unsigned i = 2; i < 50; i++) {
		struct mr_subnet n = {.addr = mr_addr_v4(0x0a000000 + i), .plen = 32};

		ck_assert_int_eq(mr_addr_add(fk.s, 1, &n, 0), 0);
		ck_assert_uint_ne(mr_nic_netep_find(mr_nic_find(fk.s, 1), &n.addr)->id, id);
	}
	ck_assert_ptr_eq(mr_netep_by_id(fk.s, id), r.local);
	mr_route_release(&r);
	ck_assert_ptr_null(mr_netep_by_id(fk.s, id));
	ck_assert_ptr_null(mr_netep_by_id(fk.s, 0));
}
END_TEST

/* B-5, SS-6 */
START_TEST(b5_promiscuous)
{
	struct fk_link *k = fk_nic(1);
	unsigned neteps;
	struct mr_subnet main_addr;

	fk_add(1, "10.0.0.1/24", 0);
	neteps = fk.s->netep_pool.used;
	ck_assert(!fk_receives(k, "10.7.7.7"));
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 1, true), 0);
	ck_assert(k->promisc);
	ck_assert(fk_receives(k, "10.7.7.7"));
	ck_assert_addr(&fk.seen[fk.n_seen - 1].addr, "10.7.7.7");
	ck_assert_int_eq(fk.seen[fk.n_seen - 1].kind, MR_NETEP_TEMPORARY);
	ck_assert(fk_receives(k, "fd00::7"));
	/* Groups that nobody joined stay out, and no broadcast becomes an address. */
	ck_assert(!fk_receives(k, "224.0.0.7"));
	ck_assert(fk_receives(k, "10.0.0.255"));
	ck_assert_addr(&fk.seen[fk.n_seen - 1].addr, "10.0.0.1");
	/* Gone with the turn; never a source of choice, even meanwhile. */
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps);
	ck_assert_int_eq(fk_remove(1, "10.0.0.1"), 0);
	ck_assert(fk_receives(k, "10.7.7.7"));
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &main_addr), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 1, false), 0);
	ck_assert(!k->promisc);
	ck_assert(!fk_receives(k, "10.7.7.7"));
	k->promisc_err = -EIO;
	ck_assert_int_eq(mr_nic_set_promisc(fk.s, 1, true), -EIO);
	ck_assert(!fk_receives(k, "10.7.7.7"));
}
END_TEST

/* A flow that was made by a received packet holds the foreign address and answers from it. */
static struct mr_route held;

static void
hold_route(struct mr_netep *ep)
{
	struct mr_addr remote = fk_addr("10.0.0.9");

	if (held.local)
		return;
	/* As a transport does it: the address is held by the flow, and a configured one would be found. */
	held = (struct mr_route){.local = ep, .remote = remote};
	mr_netep_hold(ep);
}

START_TEST(b5_reply_from_foreign)
{
	struct fk_link *k = fk_nic(1);
	unsigned neteps;
	struct fk_net h;

	fk_add(1, "10.0.0.1/24", 0);
	neteps = fk.s->netep_pool.used;
	mr_nic_set_promisc(fk.s, 1, true);
	fk.on_input = hold_route;
	ck_assert(fk_receives(k, "10.7.7.7"));
	fk.on_input = NULL;
	ck_assert_uint_eq(fk.s->netep_pool.used, neteps + 1);
	mr_neigh_add(fk.s, 1, &held.remote, &(struct mr_lladdr){.b = {1}, .len = 6});
	ck_assert_int_eq(fk_send(&held, 1, 2, 0), 0);
	fk_poll();
	h = fk_tx_net(k, 0);
	ck_assert_mem_eq(h.src, fk_addr("10.7.7.7").b, 16);
	/* The mode goes off: held or not, nothing comes in. */
	mr_nic_set_promisc(fk.s, 1, false);
	ck_assert(!fk_receives(k, "10.7.7.7"));
	/* Made a configured address, the same object is permanent. */
	ck_assert_int_eq(fk_add(1, "10.7.7.7/32", 0), 0);
	ck_assert_int_eq(held.local->kind, MR_NETEP_PERMANENT);
	mr_route_release(&held);
	ck_assert(fk_receives(k, "10.7.7.7"));
}
END_TEST

/* B-7 */
START_TEST(b7_subnets)
{
	struct fk_link *k = fk_nic(1);
	struct mr_subnet n = fk_subnet("10.5.0.77/16"), six = fk_subnet("fd05::/16"), bad = {.addr = n.addr, .plen = 40};

	ck_assert_int_eq(mr_subnet_add(fk.s, 9, &n), -ENODEV);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &bad), -EINVAL);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &n), 0);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &n), 0);
	ck_assert_int_eq(mr_subnet_add(fk.s, 1, &six), 0);
	ck_assert(fk_receives(k, "10.5.1.2"));
	ck_assert(fk_receives(k, "fd05::3"));
	ck_assert(!fk_receives(k, "10.6.1.2"));
	ck_assert(!fk_receives(k, "fd06::3"));
	ck_assert_uint_eq(fk.s->netep_pool.used, 0);
	/* Removes all equal ones; host bits do not count; absent is no error. */
	n = fk_subnet("10.5.0.0/16");
	ck_assert_int_eq(mr_subnet_remove(fk.s, 9, &n), -ENODEV);
	ck_assert_int_eq(mr_subnet_remove(fk.s, 1, &n), 0);
	ck_assert(!fk_receives(k, "10.5.1.2"));
	ck_assert(fk_receives(k, "fd05::3"));
	ck_assert_int_eq(mr_subnet_remove(fk.s, 1, &n), 0);
}
END_TEST

/* B-8, SS-4, SS-5: one that is never primary is named when there is no other, and not before. */
START_TEST(b8_main_address)
{
	struct mr_subnet a;

	fk_nic(1);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 9, MR_NET_IPV4, &a), -ENODEV);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), -EADDRNOTAVAIL);
	fk_add(1, "10.0.0.1/24", MR_PEB_NEVER_PRIMARY);
	fk_add(1, "fd00::1/64", MR_PEB_CAN_BE_PRIMARY);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), 0);
	ck_assert_addr(&a.addr, "10.0.0.1");
	fk_add(1, "10.0.0.2/24", MR_PEB_CAN_BE_PRIMARY);
	fk_add(1, "10.0.0.3/25", MR_PEB_CAN_BE_PRIMARY);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), 0);
	ck_assert_addr(&a.addr, "10.0.0.2");
	ck_assert_uint_eq(a.plen, 24);
	fk_add(1, "10.0.0.4/24", MR_PEB_FIRST_PRIMARY);
	fk_add(1, "10.0.0.5/24", MR_PEB_FIRST_PRIMARY);
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.5");
	fk_remove(1, "10.0.0.5");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.4");
	fk_remove(1, "10.0.0.4");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.2");
	fk_remove(1, "10.0.0.2");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.3");
	ck_assert_uint_eq(a.plen, 25);
	fk_remove(1, "10.0.0.3");
	mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a);
	ck_assert_addr(&a.addr, "10.0.0.1");
	fk_remove(1, "10.0.0.1");
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV4, &a), -EADDRNOTAVAIL);
	ck_assert_int_eq(mr_nic_main_address(fk.s, 1, MR_NET_IPV6, &a), 0);
	ck_assert_addr(&a.addr, "fd00::1");
}
END_TEST

/* B-14 */
START_TEST(b14_broadcast)
{
	struct fk_link *k = fk_nic(1);
	static const struct {
		const char *addr, *bcast;
		bool is;
	} rows[] = {
		{"10.0.0.1/24", "10.0.0.255", true}, {"10.1.0.1/30", "10.1.0.3", true},    {"10.2.0.0/31", "10.2.0.1", false},
		{"10.3.0.1/32", "10.3.0.1", false},  {"10.4.0.1/16", "10.4.0.255", false}, {"10.5.0.1/16", "10.5.255.255", true},
		{"10.6.0.1/9", "10.127.255.255", true},
	};
	struct mr_nic *nic = mr_nic_find(fk.s, 1);
	struct mr_addr limited = fk_addr("255.255.255.255");

	ck_assert(mr_nic_is_broadcast(nic, &limited));
	ck_assert(!fk_receives(k, "255.255.255.255"));
	for (unsigned i = 0; i < RTE_DIM(rows); i++) {
		struct mr_addr b = fk_addr(rows[i].bcast);

		ck_assert_int_eq(fk_add(1, rows[i].addr, 0), 0);
		ck_assert_int_eq(mr_nic_is_broadcast(nic, &b), rows[i].is);
	}
	ck_assert(fk_receives(k, "255.255.255.255"));
	ck_assert_addr(&fk.seen[0].addr, "10.0.0.1");
	ck_assert_uint_eq(fk.seen[0].flags, MR_PKT_F_NET_BROADCAST);
	ck_assert(fk_receives(k, "10.1.0.3"));
	ck_assert_addr(&fk.seen[1].addr, "10.1.0.1");
	ck_assert(!fk_receives(k, "10.2.0.1"));
	/* Two addresses of one subnet: it is a broadcast until both have gone. */
	fk_add(1, "10.0.0.2/24", 0);
	fk_remove(1, "10.0.0.1");
	ck_assert(fk_receives(k, "10.0.0.255"));
	fk_remove(1, "10.0.0.2");
	ck_assert(!fk_receives(k, "10.0.0.255"));
}
END_TEST

/* ---- groups */

START_TEST(groups)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr a = fk_addr("224.1.2.3"), same_ll = fk_addr("225.1.2.3"), six = fk_addr("ff02::5"), uni = fk_addr("10.0.0.1");

	ck_assert_int_eq(mr_group_join(fk.s, 9, &a), -ENODEV);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &uni), -EINVAL);
	ck_assert_int_eq(mr_group_leave(fk.s, 9, &a), -ENODEV);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), -EADDRNOTAVAIL);
	ck_assert(!fk_receives(k, "224.1.2.3"));
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_uint_eq(k->n_mcast, 1);
	ck_assert_mem_eq(k->mcast[0].b, ((uint8_t[]){0x33, 0x33, 224, 1, 2, 3}), 6);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &six), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &same_ll), 0);
	ck_assert_uint_eq(k->n_mcast, 3);
	ck_assert(fk_receives(k, "224.1.2.3"));
	ck_assert_int_eq(fk.seen[0].kind, MR_NETEP_GROUP);
	ck_assert_addr(&fk.seen[0].addr, "224.1.2.3");
	ck_assert(fk_receives(k, "ff02::5"));
	/* Joined twice, left twice; a group is no address of ours. */
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert(fk_receives(k, "224.1.2.3"));
	ck_assert_uint_eq(mr_stack_check_local_address(fk.s, 0, &a), 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert_uint_eq(k->n_mcast, 2);
	ck_assert(!fk_receives(k, "224.1.2.3"));
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), -EADDRNOTAVAIL);
	/* A link that refuses. */
	k->mcast_err = -ENOSPC;
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), -ENOSPC);
	ck_assert(!fk_receives(k, "224.1.2.3"));
	ck_assert_uint_eq(fk.s->netep_pool.used, 2);
}
END_TEST

/* B-43: each taker gets the packet, headers and all; the rest of the burst keeps its order. */
START_TEST(group_copies)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr g = fk_addr("224.1.2.3");
	struct fk_ep *any = fk_ep(NULL, 7, 0), *on_group = fk_ep("224.1.2.3", 7, 0), *on_nic = fk_ep(NULL, 7, 1),
	             *other = fk_ep(NULL, 8, 0), *elsewhere = fk_ep("10.0.0.1", 7, 0);

	fk_add(1, "10.0.0.1/24", 0);
	mr_group_join(fk.s, 1, &g);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 8, 1);
	fk_push_pkt(k, "10.0.0.9", 1, "224.1.2.3", 7, 2);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.1", 8, 3);
	fk_push_pkt(k, "10.0.0.9", 1, "224.1.2.3", 7, 4);
	fk_push_pkt(k, "10.0.0.9", 1, "224.1.2.3", 9, 5);
	fk_poll();
	for (struct fk_ep **e = (struct fk_ep *[]){any, on_group, on_nic, NULL}; *e; e++) {
		ck_assert_uint_eq((*e)->rx, 2);
		ck_assert_uint_eq((*e)->tags[0], 2);
		ck_assert_uint_eq((*e)->tags[1], 4);
	}
	ck_assert_uint_eq(other->rx, 2);
	ck_assert_uint_eq(other->tags[0], 1);
	ck_assert_uint_eq(other->tags[1], 3);
	ck_assert_uint_eq(elsewhere->rx, 0);
	ck_assert_uint_eq(fk.n_unknown, 1);
	/* Broadcast too. */
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.255", 7, 6);
	fk_poll();
	ck_assert_uint_eq(any->rx, 3);
	ck_assert_uint_eq(on_nic->rx, 3);
	ck_assert_uint_eq(on_group->rx, 2);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_RX_MBUF), 0);
}
END_TEST

START_TEST(group_copies_no_mbuf)
{
	struct fk_link *k = fk_nic(1);
	struct fk_ep *a = fk_ep(NULL, 7, 0), *b = fk_ep(NULL, 7, 1);
	struct rte_mbuf *all[4096];
	unsigned n = 0;

	fk_add(1, "10.0.0.1/24", 0);
	fk_push_pkt(k, "10.0.0.9", 1, "10.0.0.255", 7, 6);
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(fk.s->rx_pool)))
		n++;
	fk_poll();
	ck_assert_uint_eq(a->rx + b->rx, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_RX_MBUF), 1);
	rte_pktmbuf_free_bulk(all, n);
}
END_TEST

/* The protocol hears of groups that a NIC which is up begins or ceases to listen to (B-11); one that has nobody to tell
 * need not (fk6). */
START_TEST(groups_and_their_protocol)
{
	struct fk_link *k = fk_nic(1);
	struct mr_addr a = fk_addr("224.1.2.3"), b = fk_addr("224.1.2.4"), six = fk_addr("ff02::5");

	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &b), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &six), 0);
	ck_assert(fk.joined == 2 && fk.left == 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert_int_eq(fk.left, 0);
	ck_assert_int_eq(mr_nic_disable(fk.s, 1), 0);
	ck_assert(fk.joined == 2 && fk.left == 2);
	/* While it is down nothing is said, and what has changed by then is not news afterwards. */
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &a), 0);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &a), 0);
	ck_assert(fk.joined == 2 && fk.left == 2);
	ck_assert_int_eq(mr_nic_enable(fk.s, 1), 0);
	ck_assert(fk.joined == 3 && fk.left == 2);
	ck_assert_int_eq(mr_group_leave(fk.s, 1, &b), 0);
	ck_assert(fk.joined == 3 && fk.left == 3);
	/* A group that the link refuses is not joined. */
	k->mcast_err = -ENOSPC;
	ck_assert_int_eq(mr_group_join(fk.s, 1, &b), -ENOSPC);
	k->mcast_err = 0;
	ck_assert(fk.joined == 3 && fk.left == 3);
	ck_assert_int_eq(mr_group_join(fk.s, 1, &b), 0);
	ck_assert_int_eq(mr_nic_remove(fk.s, 1), 0);
	ck_assert(fk.joined == 4 && fk.left == 4);
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

/* ---- the way out */

START_TEST(tx_partial)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r;

	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(1, NULL, "224.0.0.9", &r), 0);
	k->tx_room = 3;
	for (unsigned i = 0; i < 10; i++)
		fk_send(&r, 1, 2, i);
	ck_assert_uint_eq(k->tx_n, 0); /* nothing before the flush of the turn */
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BUSY), 1);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_PACKETS), 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BYTES), 3 * (14 + 36 + 5));
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 3);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BUSY), 2);
	fk_send(&r, 1, 2, 10);
	k->tx_room = -1;
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 11);
	for (unsigned i = 0; i < 11; i++)
		ck_assert_uint_eq(fk_tx_tag(k, i), i);
	ck_assert_mem_eq(k->tx[0].b, ((uint8_t[]){0x33, 0x33, 224, 0, 0, 9}), 6);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BYTES), 11 * (14 + 36 + 5));
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_TX_BUSY), 2);
	mr_route_release(&r);
}
END_TEST

/* The queue is a ring, and full is full: the newest frames are lost, the order is kept across the seam. */
START_TEST(tx_queue_full)
{
	struct fk_link *k = fk_nic(1);
	struct mr_route r;
	unsigned sent = 0;

	fk_add(1, "10.0.0.1/24", 0);
	fk_find(1, NULL, "224.0.0.9", &r);
	for (unsigned round = 0; round < 3; round++) {
		uint64_t full = fk_counter(MR_DROP_NIC_TXQ_FULL);

		k->tx_room = 0;
		for (unsigned i = 0; i < MR_NIC_TXQ + 9; i++)
			fk_send(&r, 1, 2, sent + i);
		ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL) - full, 9);
		k->tx_room = 100 + round;
		fk_poll();
		k->tx_room = -1;
		fk_poll();
		ck_assert_uint_eq(k->tx_n, (round + 1) * MR_NIC_TXQ);
		for (unsigned i = 0; i < MR_NIC_TXQ; i++)
			ck_assert_uint_eq(fk_tx_tag(k, round * MR_NIC_TXQ + i), (uint8_t)(sent + i));
		sent += 7;
	}
	/* A link that keeps up is handed a full queue within the turn, and nothing is lost. */
	for (unsigned i = 0; i < MR_NIC_TXQ + 9; i++)
		fk_send(&r, 1, 2, i);
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_TXQ_FULL), 27);
	fk_poll();
	ck_assert_uint_eq(k->tx_n, 4 * MR_NIC_TXQ + 9);
	mr_route_release(&r);
}
END_TEST

static struct rte_mbuf *
chain(uint16_t first, uint16_t second)
{
	struct rte_mbuf *a = mr_stack_tx_alloc(fk.s), *b = mr_stack_tx_alloc(fk.s);

	memset(rte_pktmbuf_append(a, first), 1, first);
	memset(rte_pktmbuf_append(b, second), 2, second);
	ck_assert_int_eq(rte_pktmbuf_chain(a, b), 0);
	return a;
}

START_TEST(tx_linearise)
{
	struct fk_link *a = fk_nic(1), *b = fk_link_make();
	struct rte_mbuf *shared = chain(100, 50);

	b->link.caps &= ~MR_LINK_CAP_TX_MULTI_SEGS;
	ck_assert_int_eq(mr_nic_create(fk.s, 2, "b", &b->link), 0);
	mr_nic_output_ll(mr_nic_find(fk.s, 1), chain(100, 50), &a->link.lladdr, FK_CTL);
	mr_nic_output_ll(mr_nic_find(fk.s, 2), chain(100, 50), &a->link.lladdr, FK_CTL);
	/* Held by someone else too: left as it is, a copy is sent. */
	rte_mbuf_refcnt_update(shared, 1);
	rte_mbuf_refcnt_update(shared->next, 1);
	mr_nic_output_ll(mr_nic_find(fk.s, 2), shared, &a->link.lladdr, FK_CTL);
	fk_poll();
	ck_assert_uint_eq(a->tx[0].segs, 2);
	ck_assert_uint_eq(b->tx_n, 2);
	for (unsigned i = 0; i < 2; i++) {
		ck_assert_uint_eq(b->tx[i].segs, 1);
		ck_assert_uint_eq(b->tx[i].len, 164);
		ck_assert_uint_eq(b->tx[i].b[14 + 99], 1);
		ck_assert_uint_eq(b->tx[i].b[14 + 100], 2);
	}
	ck_assert_uint_eq(shared->nb_segs, 2);
	ck_assert_uint_eq(shared->pkt_len, 150);
	rte_pktmbuf_free(shared);
	/* What fits no single buffer is lost, and counted. */
	mr_nic_output_ll(mr_nic_find(fk.s, 2), chain(2000, 1000), &a->link.lladdr, FK_CTL);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_TX_MBUF), 1);
}
END_TEST

/* A link that resolves needs a neighbour; one that does not gets the packet as it is. */
START_TEST(tx_without_neighbour)
{
	struct fk_link *a = fk_nic(1), *b = fk_link_make();
	struct rte_mbuf *m = mr_stack_tx_alloc(fk.s);
	struct mr_route r;

	(void)a;
	mr_nic_output_burst(mr_nic_find(fk.s, 1), NULL, &m, 1, MR_NET_IPV4);
	ck_assert_uint_eq(fk_counter(MR_DROP_NEIGH_FAILED), 1);
	b->link.caps &= ~MR_LINK_CAP_RESOLVE;
	mr_nic_create(fk.s, 2, "b", &b->link);
	fk_add(2, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.9", &r), 0);
	ck_assert_ptr_null(r.neigh);
	fk_send(&r, 1, 2, 9);
	fk_poll();
	ck_assert_uint_eq(fk_tx_tag(b, 0), 9);
	ck_assert_uint_eq(fk.n_req, 0);
	mr_route_release(&r);
}
END_TEST

/* ---- the loop */

START_TEST(loop_delivers_next_turn)
{
	struct fk_link *k = fk_nic(1);
	struct fk_ep *e = fk_ep(NULL, 7, 0);
	struct mr_route r;

	fk_add(1, "10.0.0.1/24", 0);
	ck_assert_int_eq(fk_find(0, NULL, "10.0.0.1", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	for (unsigned i = 0; i < 40; i++)
		fk_send(&r, 1, 7, i);
	ck_assert_uint_eq(e->rx, 0);
	/* Held in receive buffers: the sender's are back already. */
	mr_stash_flush(&fk.s->tx_stash);
	ck_assert(rte_mempool_full(fk.tx_pool));
	ck_assert_uint_eq(fk_poll(), 40);
	ck_assert_uint_eq(e->rx, 40);
	for (unsigned i = 0; i < 40; i++)
		ck_assert_uint_eq(fk.seen[i].tag, i);
	ck_assert_uint_eq(fk.seen[0].flags, MR_PKT_F_LOCAL | MR_PKT_F_L4_CKSUM_OK);
	ck_assert_uint_eq(fk_counter(MR_CNT_LOOP_PACKETS), 40);
	ck_assert_uint_eq(fk_counter(MR_CNT_NIC_RX_PACKETS), 0);
	ck_assert_uint_eq(k->tx_n, 0);
	mr_route_release(&r);
}
END_TEST

static struct mr_route ping;

static void
send_again(struct mr_netep *ep)
{
	(void)ep;
	fk_send(&ping, 1, 7, 0);
}

/* SS-20: who answers himself goes round once a turn, not for ever within one. */
START_TEST(loop_is_finite)
{
	fk_nic(1);
	fk_add(1, "10.0.0.1/24", 0);
	fk_find(0, NULL, "10.0.0.1", &ping);
	fk.on_input = send_again;
	fk_send(&ping, 1, 7, 0);
	for (unsigned i = 1; i <= 5; i++) {
		ck_assert_uint_eq(fk_poll(), 1);
		ck_assert_uint_eq(fk.n_seen, i);
	}
	mr_route_release(&ping);
}
END_TEST

START_TEST(loop_bounds)
{
	struct rte_mbuf *all[4096];
	struct mr_route r;
	unsigned n = 0;

	fk_nic(1);
	fk_add(1, "10.0.0.1/24", 0);
	fk_find(0, NULL, "10.0.0.1", &r);
	for (unsigned i = 0; i < MR_LOOP_QUEUE + 5; i++)
		fk_send(&r, 1, 7, 0);
	ck_assert_uint_eq(fk_counter(MR_DROP_LOOP_FULL), 5);
	ck_assert_uint_eq(fk_poll(), MR_LOOP_QUEUE);
	while (n < RTE_DIM(all) && (all[n] = rte_pktmbuf_alloc(fk.s->rx_pool)))
		n++;
	fk_send(&r, 1, 7, 0);
	ck_assert_uint_eq(fk_counter(MR_DROP_NO_RX_MBUF), 1);
	rte_pktmbuf_free_bulk(all, n);
	/* The NIC goes between the turns. */
	fk_send(&r, 1, 7, 0);
	mr_nic_remove(fk.s, 1);
	fk_poll();
	ck_assert_uint_eq(fk_counter(MR_DROP_NIC_DISABLED), 1);
	mr_route_release(&r);
}
END_TEST

/* Weak host within, strong host without: an own address on another NIC is reached through the loop and not from a wire. */
START_TEST(loop_weak_host)
{
	struct fk_link *a = fk_nic(1);
	struct fk_ep *e = fk_ep("10.0.1.1", 7, 0);
	struct mr_route r;

	fk_nic(2);
	fk_add(1, "10.0.0.1/24", 0);
	fk_add(2, "10.0.1.1/24", 0);
	ck_assert(!fk_receives(a, "10.0.1.1"));
	ck_assert_int_eq(fk_find(0, "10.0.0.1", "10.0.1.1", &r), 0);
	ck_assert_uint_eq(r.flags, MR_ROUTE_F_LOCAL);
	ck_assert_uint_eq(r.local->nic->id, 1);
	fk_send(&r, 1, 7, 0);
	fk_poll();
	ck_assert_uint_eq(e->rx, 1);
	ck_assert_addr(&fk.seen[0].addr, "10.0.1.1");
	/* Not to one whose NIC is down. */
	fk_send(&r, 1, 7, 0);
	mr_nic_disable(fk.s, 2);
	fk_poll();
	ck_assert_uint_eq(e->rx, 1);
	mr_route_release(&r);
}
END_TEST

/* From another core, looped packets and those of a wire come in one burst: each by its own rule. */
START_TEST(parsed_mixed_burst)
{
	struct mr_addr to = fk_addr("10.0.1.1"), dst[4] = {to, to, to, to};
	struct rte_mbuf *pkts[4];

	fk_nic(1);
	fk_nic(2);
	fk_add(1, "10.0.0.1/24", 0);
	fk_add(2, "10.0.1.1/24", 0);
	for (unsigned i = 0; i < 4; i++) {
		struct mr_pkt *p;

		pkts[i] = rte_pktmbuf_alloc(fk.s->rx_pool);
		memset(rte_pktmbuf_append(pkts[i], sizeof(struct fk_net) + 4), 0, sizeof(struct fk_net) + 4);
		mr_pkt_init(pkts[i]);
		p = mr_pkt(pkts[i]);
		p->flags = i % 2 ? MR_PKT_F_LOCAL : 0;
		p->net_proto = MR_NET_IPV4;
		p->trans_proto = FK_TRANS + 1;
		p->net_off = pkts[i]->data_off;
		p->trans_off = p->net_off + sizeof(struct fk_net);
		p->trans_len = 4;
	}
	mr_nic_deliver_parsed(mr_nic_find(fk.s, 1), MR_NET_IPV4, pkts, dst, 4);
	ck_assert_uint_eq(fk.n_seen, 2);
	ck_assert_uint_eq(fk_counter(MR_DROP_IP_NOT_OURS), 2);
	ck_assert_uint_eq(fk_counter(MR_DROP_TRANS_UNKNOWN_PROTO), 2);
	/* A protocol that only the other core has. */
	pkts[0] = rte_pktmbuf_alloc(fk.s->rx_pool);
	mr_pkt_init(pkts[0]);
	mr_nic_deliver_parsed(mr_nic_find(fk.s, 1), 0x1234, pkts, dst, 1);
	ck_assert_uint_eq(fk_counter(MR_DROP_NET_UNKNOWN_PROTO), 1);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("nic");
	TCase *tc = fk_tcase(s, "stack");

	tcase_add_test(tc, stack_unknown_protocol);
	tcase_add_test(tc, stack_bad_options);
	tcase_add_test(tc, stack_defaults);
	tcase_add_test(tc, stack_protocols);
	tcase_add_test(tc, stack_next_time);
	tcase_add_test(tc, registry_links);
	tcase_add_test(tc, registry_last_wins);
	tc = fk_tcase(s, "nic");
	tcase_add_test(tc, nic_create_errors);
	tcase_add_test(tc, nic_info);
	tcase_add_test(tc, nic_loopback_flag);
	tcase_add_test(tc, b11_disabled);
	tcase_add_test(tc, b11_disabled_with_queue);
	tcase_add_test(tc, b12_remove);
	tcase_add_test(tc, destroy_with_everything);
	tc = fk_tcase(s, "dispatch");
	tcase_add_test(tc, b1_address_instance);
	tcase_add_test(tc, b1_unknown_and_short);
	tcase_add_test(tc, transport_short);
	tcase_add_test(tc, rx_chains_are_joined);
	tcase_add_test(tc, rx_order_and_bounds);
	tcase_add_test(tc, b9_nic_specific);
	tcase_add_test(tc, b15_control);
	tc = fk_tcase(s, "addresses");
	tcase_add_test(tc, addr_errors);
	tcase_add_test(tc, addr_without_protocol);
	tcase_add_test(tc, addr_open_fails);
	tcase_add_test(tc, b4_remove_stops_reception);
	tcase_add_test(tc, ss8_expired_and_promoted);
	tcase_add_test(tc, ids_are_not_reused);
	tcase_add_test(tc, b5_promiscuous);
	tcase_add_test(tc, b5_reply_from_foreign);
	tcase_add_test(tc, b7_subnets);
	tcase_add_test(tc, b8_main_address);
	tcase_add_test(tc, b14_broadcast);
	tcase_add_test(tc, groups);
	tcase_add_test(tc, group_copies);
	tcase_add_test(tc, group_copies_no_mbuf);
	tcase_add_test(tc, groups_and_their_protocol);
	tc = fk_tcase(s, "output");
	tcase_add_test(tc, tx_partial);
	tcase_add_test(tc, tx_queue_full);
	tcase_add_test(tc, tx_linearise);
	tcase_add_test(tc, tx_without_neighbour);
	tcase_add_test(tc, loop_delivers_next_turn);
	tcase_add_test(tc, loop_is_finite);
	tcase_add_test(tc, loop_bounds);
	tcase_add_test(tc, loop_weak_host);
	tcase_add_test(tc, parsed_mixed_burst);
	return s;
}

RIG_MAIN(suite)
