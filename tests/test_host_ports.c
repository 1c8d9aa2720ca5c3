/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports of hosts: a NIC in every stack, whatever number of queues the device has, what is wrapped around its links, and the
 * descriptors that the pools have room for. Threads and the real clock as in test_host.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host_fakes.h"

START_TEST(port_in_every_stack)
{
	host_make(3);
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_uint_eq(opened.n_queues, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct mr_nic_info info;

		ck_assert_ptr_eq(opened_pools[i], mr_stack_rx_pool(mr_host_stack(host, i)));
		ck_assert_int_eq(mr_nic_info(mr_host_stack(host, i), NIC, &info), 0);
		ck_assert_str_eq(info.name, "port");
		ck_assert_ptr_eq(mr_nic_find(mr_host_stack(host, i), NIC)->link, &fakes[i]->link);
		ck_assert_uint_eq(fakes[i]->started, 1);
	}
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), -EEXIST);
	ck_assert_uint_eq(fake_links_open, 3);
}
END_TEST

/* Of a device that has more, as many queues as are wanted, and never more than there are workers. */
START_TEST(port_with_so_many_queues)
{
	static const struct {
		uint16_t wanted, opened;
		const char *steering;
	} cases[] = {
		{1, 1, "software Toeplitz, 3 workers; port: 2 of them send through 1"},
		{2, 2, "software Toeplitz, 3 workers; port: 1 of them send through 2"},
		{3, 3, "software Toeplitz, 3 workers"},
		{9, 3, "software Toeplitz, 3 workers"},
	};
	struct mr_host_port p = fake_port;

	p.link.n_queues = cases[_i].wanted;
	host_make(3);
	ck_assert_int_eq(mr_host_add_port(host, &p), 0);
	ck_assert_uint_eq(opened.n_queues, cases[_i].opened);
	ck_assert_uint_eq(fake_links_open, cases[_i].opened);
	ck_assert_str_eq(mr_host_steering(host), cases[_i].steering);
}
END_TEST

static int
nic_is_there(struct mr_stack *s, unsigned core, void *arg)
{
	(void)core;
	return mr_nic_find(s, *(const uint16_t *)arg) ? 0 : -ENODEV;
}

/* Ports come and go, before the start and while all cores poll, and with them what is counted and said of them. */
START_TEST(port_comes_and_goes)
{
	static const char alone[] = "software Toeplitz, 4 workers";
	static const char with[] = "software Toeplitz, 4 workers; second: 3 of them send through 1";
	struct mr_host_port other = fake_port;
	uint16_t nic = NIC + 1;

	other.nic = nic;
	other.name = "second";
	host_make_with_port(4, 4);
	device_queues = 1;
	for (unsigned i = 0; i < 6; i++) {
		if (i == 3)
			ck_assert_int_eq(mr_host_start(host), 0);
		ck_assert_int_eq(mr_host_add_port(host, &other), 0);
		ck_assert_uint_eq(opened.rx_desc_most, 128); /* each time what the first port has left */
		ck_assert_int_eq(mr_host_add_port(host, &other), -EEXIST);
		ck_assert_int_eq(mr_host_call(host, nic_is_there, &nic), 0);
		ck_assert_str_eq(mr_host_steering(host), with);
		ck_assert_uint_eq(fake_links_open, 4 + 1);
		mr_host_poll(host);
		ck_assert_int_eq(mr_host_remove_port(host, nic), 0);
		ck_assert_int_eq(mr_host_remove_port(host, nic), -ENODEV);
		ck_assert_int_eq(mr_host_call(host, nic_is_there, &nic), -ENODEV);
		ck_assert_str_eq(mr_host_steering(host), alone);
		ck_assert_uint_eq(fake_links_open, 4);
	}
	nic = NIC;
	ck_assert_int_eq(mr_host_call(host, nic_is_there, &nic), 0);
}
END_TEST

START_TEST(port_errors_change_nothing)
{
	struct mr_host_port bad[] = {fake_port, fake_port, fake_port, fake_port, fake_port, fake_port};
	static const int expect[] = {-EINVAL, -EINVAL, -ENODEV, -EINVAL, -ENOENT, -EPROTONOSUPPORT};

	bad[0].nic = 0;
	bad[1].name = NULL;
	bad[2].link.device = "absent";
	bad[3].impair = "loss=banana";
	bad[4].capture = "/no/such/folder/file.pcapng";
	device_queues = 2; /* one relay takes part in the unwinding */
	if (_i == 5)
		bad_queue = 1; /* worker 0 has its NIC already */
	host_make(3);
	ck_assert_int_eq(mr_host_add_port(host, &bad[_i]), expect[_i]);
	ck_assert_uint_eq(fake_links_open, 0);
	bad_queue = -1;
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_uint_eq(opened.rx_desc_most, 256); /* the failed one holds no descriptors */
}
END_TEST

START_TEST(port_wrapped)
{
	struct mr_host_port p = fake_port;
	char dir[] = "/tmp/test-host-XXXXXX", file[64], name[80];

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/cap", dir);
	p.capture = file;
	p.impair = "loss=1%";
	device_queues = 2;
	host_make(4);
	ck_assert_int_eq(mr_host_add_port(host, &p), 0);
	for (unsigned i = 0; i < 4; i++) {
		struct mr_link *l = mr_nic_find(mr_host_stack(host, i), NIC)->link;

		/* capture, impairment, then the device, a hub around it, or a relay */
		ck_assert_ptr_nonnull(l->inner);
		ck_assert_ptr_nonnull(l->inner->inner);
		ck_assert_str_eq(l->inner->inner->driver, i < 2 ? "relay-hub" : "relay");
		ck_assert_uint_eq(l->queue, i % 2);
	}
	ck_assert_str_eq(mr_host_steering(host), "software Toeplitz, 4 workers; port: 2 of them send through 2");
	host_end();
	for (unsigned i = 0; i < 4; i++) {
		if (i)
			snprintf(name, sizeof(name), "%s.%u", file, i);
		else
			snprintf(name, sizeof(name), "%s", file);
		ck_assert_msg(unlink(name) == 0, "no capture file %s", name);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* Reserve 512, less 64 of a turn: 448. */
START_TEST(port_descriptors_fit)
{
	struct mr_host_port p[5];

	for (unsigned i = 0; i < 5; i++) {
		p[i] = fake_port;
		p[i].nic = 10 + i;
	}
	host_make(2);
	p[0].link.rx_desc = 449;
	log_begin();
	ck_assert_int_eq(mr_host_add_port(host, &p[0]), -ENOBUFS);
	/* The line names what to change, and by how much. */
	ck_assert_ptr_nonnull(strstr(log_end(), "port port: 449 receive descriptors (rxd of [port port]) do not fit"));
	ck_assert_ptr_nonnull(strstr(log_text, "at most 448, or raise rx_mbufs or mbufs of [host]"));
	ck_assert_uint_eq(fake_links_open, 0);
	p[0].link.rx_desc = 0;
	ck_assert_int_eq(mr_host_add_port(host, &p[0]), 0);
	ck_assert_uint_eq(opened.rx_desc_most, 256);
	ck_assert_int_eq(mr_host_add_port(host, &p[1]), 0);
	ck_assert_uint_eq(opened.rx_desc_most, 128);
	p[2].link.rx_desc = 65;
	ck_assert_int_eq(mr_host_add_port(host, &p[2]), -ENOBUFS);
	/* A loopback device fills no descriptors. */
	device_caps = MR_LINK_CAP_LOOPBACK;
	ck_assert_int_eq(mr_host_add_port(host, &p[3]), 0);
	device_caps = 0;
	p[2].link.rx_desc = 64;
	ck_assert_int_eq(mr_host_add_port(host, &p[2]), 0);
	ck_assert_int_eq(mr_host_add_port(host, &p[4]), -ENOBUFS);
}
END_TEST

START_TEST(port_descriptors_default)
{
	struct mr_host_opts o = host_opts(1);

	o.stack.rx_mbufs = 8192;
	o.stack.rx_reserve_mbufs = 0;
	ck_assert_int_eq(mr_host_create(&o, &host), 0);
	ck_assert_int_eq(mr_host_add_port(host, &fake_port), 0);
	ck_assert_uint_eq(opened.rx_desc_most, 1024);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("host_ports");
	TCase *tc = host_case(s, "host_ports");

	tcase_add_test(tc, port_in_every_stack);
	tcase_add_loop_test(tc, port_with_so_many_queues, 0, 4);
	tcase_add_test(tc, port_comes_and_goes);
	tcase_add_loop_test(tc, port_errors_change_nothing, 0, 6);
	tcase_add_test(tc, port_wrapped);
	tcase_add_test(tc, port_descriptors_fit);
	tcase_add_test(tc, port_descriptors_default);
	return s;
}

RIG_MAIN_LCORES(suite)
