/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From where a call may be made: in a debug build each public call of a stack from another lcore than its own, and each
 * of a host from another than the main one or in an event, ends the program and says which call it was; in others it does
 * not. The calls are made in processes of their own. tests/contexts sees to it that no public call is left out.
 */
#include "rig/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_mbuf.h>

#include "stack/context.h"
#include "stack/services.h"
#include "stack/transport.h"

#define ELSEWHERE 5 /* an lcore that nobody is on */

/* Whatever a call may want. */
static struct mr_stack *s;
static struct mr_ep *ep;
static struct mr_route route;
static struct mr_alarm *alarms;
static struct mr_forwarder *forwarder;
static struct mr_addr addr;
static struct mr_subnet sn;
static struct mr_lladdr ll;
static struct mr_neigh_waiter nw;
static struct mr_route_entry row;
static struct mr_port_req port;
static struct mr_sockaddr sa;
static struct mr_waiter waiter;
static struct mr_tcp_info tcp_info;
static struct mr_stack_memory memory;
static struct mr_bound bound;
static struct mr_nic_info info;
static struct mr_ep *made;
static struct rte_mbuf *m;
static int64_t v;
static char buf[8];
static uint64_t counts[MR_CNT_MAX];
static struct mr_forward_req request;
static struct mr_host *host, *another;
static struct mr_config *config;
static FILE *null;
static struct mr_host_opts host_opts = {.n_workers = 1, .stack = {.rx_mbufs = 128, .tx_mbufs = 128, .max_conns = 16,
                                                                  .max_half_open = 16, .max_time_wait = 16}};
static struct mr_host_port host_port = {.nic = 9, .name = "x", .driver = "none"};

static void
on_alarm(struct mr_stack *st, void *arg)
{
	(void)st, (void)arg;
}

static void
on_request(const struct mr_forward_req *req, void *arg)
{
	(void)req, (void)arg;
}

static void
on_told(struct mr_stack *st, int result, const struct mr_lladdr *l, void *arg)
{
	(void)st, (void)result, (void)l, (void)arg;
}

static void
on_segment(const struct mr_tcp_ep_state *state, void *arg)
{
	(void)state, (void)arg;
}

static void
on_pool(const char *pool, unsigned n, unsigned total, void *arg)
{
	(void)pool, (void)n, (void)total, (void)arg;
}

static int
on_core(struct mr_stack *st, unsigned core, void *arg)
{
	(void)st, (void)core, (void)arg;
	return 0;
}

static void
undo(struct mr_stack *st, unsigned core, void *arg)
{
	(void)st, (void)core, (void)arg;
}

/* Calls that an event may not make. */
#define BETWEEN_TURNS(X) \
	X(mr_stack_poll, (s, rig.now)) \
	X(mr_stack_destroy, (s)) \
	X(mr_host_create, (&host_opts, &another)) \
	X(mr_host_destroy, (host)) \
	X(mr_host_add_port, (host, &host_port)) \
	X(mr_host_remove_port, (host, 9)) \
	X(mr_host_call, (host, on_core, NULL)) \
	X(mr_host_change, (host, on_core, undo, NULL)) \
	X(mr_host_start, (host)) \
	X(mr_host_poll, (host)) \
	X(mr_host_stop, (host)) \
	X(mr_host_on_pool, (host, on_pool, NULL)) \
	X(mr_host_steering, (host)) \
	X(mr_host_addr_add, (host, 9, &sn, MR_PEB_CAN_BE_PRIMARY)) \
	X(mr_host_addr_remove, (host, 9, &addr)) \
	X(mr_host_subnet_add, (host, 9, &sn)) \
	X(mr_host_subnet_remove, (host, 9, &sn)) \
	X(mr_host_group_join, (host, 9, &addr)) \
	X(mr_host_group_leave, (host, 9, &addr)) \
	X(mr_host_route_add, (host, &row)) \
	X(mr_host_route_remove, (host, &row)) \
	X(mr_host_route_table_set, (host, NULL, 0)) \
	X(mr_host_neigh_add, (host, 9, &addr, &ll)) \
	X(mr_host_neigh_remove, (host, 9, &addr)) \
	X(mr_host_nic_enable, (host, 9)) \
	X(mr_host_nic_disable, (host, 9)) \
	X(mr_host_nic_set_promisc, (host, 9, true)) \
	X(mr_host_nic_set_spoofing, (host, 9, true)) \
	X(mr_host_set_forwarding, (host, true)) \
	X(mr_host_netproto_setopt, (host, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 9)) \
	X(mr_host_transproto_setopt, (host, MR_TRANS_UDP, MR_OPT_RCVBUF, 9999)) \
	X(mr_host_transproto_set_handler, (host, MR_TRANS_UDP, NULL, NULL)) \
	X(mr_host_port_reserve, (host, &port)) \
	X(mr_host_port_release, (host, &port)) \
	X(mr_host_tcp_probe_add, (host, on_segment, NULL)) \
	X(mr_host_tcp_probe_remove, (host)) \
	X(mr_config_apply, (config, null, &another))

/* Calls of a stack. */
#define CALLS(X) \
	X(mr_stack_now_ns, (s)) \
	X(mr_stack_next_ns, (s)) \
	X(mr_stack_memory, (s, &memory)) \
	X(mr_stack_stats_copy, (s, counts)) \
	X(mr_stack_forwarding, (s)) \
	X(mr_stack_set_forwarding, (s, true)) \
	X(mr_netproto_setopt, (s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, 9)) \
	X(mr_netproto_getopt, (s, MR_NET_IPV4, MR_OPT_DEFAULT_TTL, &v)) \
	X(mr_transproto_setopt, (s, MR_TRANS_UDP, MR_OPT_RCVBUF, 9999)) \
	X(mr_transproto_getopt, (s, MR_TRANS_UDP, MR_OPT_RCVBUF, &v)) \
	X(mr_transproto_set_handler, (s, MR_TRANS_UDP, NULL, NULL)) \
	X(mr_transep_register, (s, &bound)) \
	X(mr_transep_unregister, (s, &bound)) \
	X(mr_alarm_start, (s, 1, on_alarm, NULL, &alarms)) \
	X(mr_alarm_stop, (alarms)) \
	X(mr_nic_create, (s, 7, "x", &rig.link)) \
	X(mr_nic_create_disabled, (s, 7, "x", &rig.link)) \
	X(mr_nic_enable, (s, RIG_NIC)) \
	X(mr_nic_disable, (s, RIG_NIC)) \
	X(mr_nic_remove, (s, RIG_NIC)) \
	X(mr_nic_info, (s, RIG_NIC, &info)) \
	X(mr_stack_nics, (s, &info, 1)) \
	X(mr_nic_set_promisc, (s, RIG_NIC, true)) \
	X(mr_nic_set_spoofing, (s, RIG_NIC, true)) \
	X(mr_addr_add, (s, RIG_NIC, &sn, MR_PEB_CAN_BE_PRIMARY)) \
	X(mr_addr_remove, (s, RIG_NIC, &addr)) \
	X(mr_nic_addresses, (s, RIG_NIC, NULL, 0)) \
	X(mr_subnet_add, (s, RIG_NIC, &sn)) \
	X(mr_subnet_remove, (s, RIG_NIC, &sn)) \
	X(mr_nic_has_subnet, (s, RIG_NIC, &sn)) \
	X(mr_nic_subnets, (s, RIG_NIC, NULL, 0)) \
	X(mr_group_join, (s, RIG_NIC, &addr)) \
	X(mr_group_leave, (s, RIG_NIC, &addr)) \
	X(mr_nic_main_address, (s, RIG_NIC, MR_NET_IPV4, &sn)) \
	X(mr_stack_check_local_address, (s, 0, &addr)) \
	X(mr_route_add, (s, &row)) \
	X(mr_route_remove, (s, &row)) \
	X(mr_route_table_set, (s, NULL, 0)) \
	X(mr_route_table_get, (s, NULL, 0)) \
	X(mr_route_find, (s, 0, NULL, &rig.peer4, 0, &route)) \
	X(mr_route_check, (s, &route)) \
	X(mr_route_clone, (&route, &route)) \
	X(mr_route_release, (&route)) \
	X(mr_route_output, (&route, &m, 0, &(struct mr_ip_params){.trans_proto = 99})) \
	X(mr_route_remote_ll, (&route, &ll)) \
	X(mr_route_needs_resolve, (&route)) \
	X(mr_route_resolve, (&route, NULL, &ll)) \
	X(mr_route_resolve_cancel, (&route, &nw)) \
	X(mr_route_local, (&route)) \
	X(mr_route_local_ll, (&route)) \
	X(mr_route_net, (&route)) \
	X(mr_route_nic, (&route)) \
	X(mr_route_mtu, (&route)) \
	X(mr_route_headroom, (&route)) \
	X(mr_route_default_ttl, (&route)) \
	X(mr_route_caps, (&route)) \
	X(mr_route_phdr_sum, (&route, MR_TRANS_UDP)) \
	X(mr_route_stats, (&route)) \
	X(mr_neigh_add, (s, RIG_NIC, &addr, &ll)) \
	X(mr_neigh_remove, (s, RIG_NIC, &addr)) \
	X(mr_neigh_get, (s, RIG_NIC, &addr, NULL, NULL, &ll)) \
	X(mr_neigh_cancel, (&nw)) \
	X(mr_neigh_list, (s, RIG_NIC, NULL, 0)) \
	X(mr_port_is_available, (s, &port)) \
	X(mr_port_reserve, (s, &port)) \
	X(mr_port_release, (s, &port)) \
	X(mr_port_pick_ephemeral, (s, &port, NULL, NULL)) \
	X(mr_forwarder_create, (s, MR_TRANS_TCP, &(struct mr_forwarder_opts){.fn = on_request}, &forwarder)) \
	X(mr_forwarder_destroy, (forwarder)) \
	X(mr_forwarder_accept, (&request, &made)) \
	X(mr_forwarder_reject, (&request, false)) \
	X(mr_tcp_probe_add, (s, on_segment, NULL)) \
	X(mr_tcp_probe_get, (s, NULL)) \
	X(mr_tcp_probe_remove, (s)) \
	X(mr_ep_create, (s, MR_TRANS_UDP, MR_NET_IPV4, &made)) \
	X(mr_ep_create_raw, (s, 99, MR_NET_IPV4, &made)) \
	X(mr_ep_create_packet, (s, RIG_NIC, 0, &made)) \
	X(mr_ep_bind, (ep, &sa)) \
	X(mr_ep_listen, (ep, 1)) \
	X(mr_ep_accept, (ep, &made)) \
	X(mr_ep_connect, (ep, &sa)) \
	X(mr_ep_send, (ep, buf, 1)) \
	X(mr_ep_sendto, (ep, buf, 1, &sa)) \
	X(mr_ep_send_mbuf, (ep, m, &sa)) \
	X(mr_ep_send_burst, (ep, &m, &sa, 1)) \
	X(mr_ep_recv, (ep, buf, sizeof(buf), NULL)) \
	X(mr_ep_peek, (ep, buf, sizeof(buf), NULL)) \
	X(mr_ep_recv_mbuf, (ep, &m, NULL)) \
	X(mr_ep_recv_burst, (ep, &m, NULL, 1)) \
	X(mr_ep_shutdown, (ep, MR_SHUT_RD)) \
	X(mr_ep_close, (ep)) \
	X(mr_ep_abort, (ep)) \
	X(mr_ep_setopt, (ep, MR_OPT_TTL, 9)) \
	X(mr_ep_getopt, (ep, MR_OPT_TTL, &v)) \
	X(mr_ep_local_name, (ep, &sa)) \
	X(mr_ep_remote_name, (ep, &sa)) \
	X(mr_ep_readiness, (ep)) \
	X(mr_ep_error, (ep)) \
	X(mr_ep_wait, (ep, &waiter)) \
	X(mr_ep_unwait, (ep, &waiter)) \
	X(mr_tcp_info, (ep, &tcp_info)) \
	X(mr_tcp_send_urgent, (ep, buf, 1))

#define DEFINE(name, args) static void call_##name(void) { (void)name args; }
BETWEEN_TURNS(DEFINE)
CALLS(DEFINE)

static const struct {
	const char *name;
	void (*call)(void);
} calls[] = {
#define LIST(name, args) {#name, call_##name},
	BETWEEN_TURNS(LIST)
	CALLS(LIST)
};

#ifdef RTE_ENABLE_ASSERT
#define COUNT(name, args) +1
static const int n_between_turns = BETWEEN_TURNS(COUNT);
#endif

static void
config_make(void)
{
	char file[] = "/tmp/test-context-XXXXXX";
	int fd = mkstemp(file);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(dprintf(fd, "[host]\nmbufs = 512\n[port x]\ndevice = none\naddress = 10.0.0.1/24\n"), 0);
	close(fd);
	ck_assert_int_eq(mr_config_load(file, NULL, stderr, &config), 0);
	unlink(file);
}

static void
setup(void)
{
	rig_init(&rig, NULL);
	s = rig.stack;
	addr = rig.addr4;
	ll = (struct mr_lladdr){.len = 6};
	sn = (struct mr_subnet){.addr = mr_addr_v4(0x0a010001), .plen = 24};
	row = (struct mr_route_entry){.dest = sn, .nic = RIG_NIC};
	port = (struct mr_port_req){.proto = MR_TRANS_UDP, .v4 = true, .port = 4000};
	sa = rig_peer(&rig, false, 9);
	waiter.mask = 0;
	ck_assert_int_eq(mr_ep_create(s, MR_TRANS_UDP, MR_NET_IPV4, &ep), 0);
	ck_assert_int_eq(mr_route_find(s, 0, NULL, &rig.peer4, 0, &route), 0);
	ck_assert_int_eq(mr_alarm_start(s, RIG_S, on_alarm, NULL, &alarms), 0);
	ck_assert_int_eq(mr_forwarder_create(s, MR_TRANS_TCP, &(struct mr_forwarder_opts){.fn = on_request}, &forwarder), 0);
	bound = (struct mr_bound){.ep = ep, .v4 = true, .proto = 99};
	nw.fn = on_told;
	addr = mr_addr_v4(0x0a0000fe);
	ck_assert_int_eq(mr_neigh_get(s, RIG_NIC, &addr, NULL, &nw, &ll), -EINPROGRESS);
	addr = rig.addr4;
	m = mr_stack_tx_alloc(s);
	request.forwarder = forwarder;
	null = fopen("/dev/null", "w");
	config_make();
	ck_assert_int_eq(mr_host_create(&host_opts, &host), 0);
}

static void
teardown(void)
{
	mr_host_destroy(host);
	mr_config_free(config);
	fclose(null);
	mr_context_set(s, LCORE_ID_ANY);
	mr_neigh_cancel(&nw);
	rte_pktmbuf_free(m);
	mr_route_release(&route);
	mr_forwarder_destroy(forwarder);
	mr_alarm_stop(alarms);
	mr_ep_close(ep);
	rig_fini(&rig);
}

/* Make a call in a process of its own, on this lcore, and read what it says. @return how it ended, as of waitpid */
static int
call_apart(void (*call)(void), uint32_t lcore, char *said, size_t size)
{
	int fds[2], status;
	size_t n = 0;
	ssize_t k;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		rte_openlog_stream(fdopen(fds[1], "w"));
		RTE_PER_LCORE(_lcore_id) = lcore;
		call();
		_exit(0);
	}
	close(fds[1]);
	while (n < size - 1 && (k = read(fds[0], said + n, size - 1 - n)) > 0)
		n += k;
	said[n] = '\0';
	close(fds[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(from_another_lcore)
{
	char said[4096], want[128];
	int status;

	mr_context_set(s, rte_lcore_id());
	status = call_apart(calls[_i].call, ELSEWHERE, said, sizeof(said));
	snprintf(want, sizeof(want), "%s: called on lcore %u, but ", calls[_i].name, ELSEWHERE);
#ifdef RTE_ENABLE_ASSERT
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s did not abort", calls[_i].name);
	ck_assert_msg(strstr(said, want), "%s says: %s", calls[_i].name, said);
#else
	ck_assert_msg(WIFEXITED(status), "%s ended by signal %d", calls[_i].name, WTERMSIG(status));
	ck_assert_ptr_null(strstr(said, want));
#endif
}
END_TEST

/* Its own lcore may call, and whoever has a stack that is not running. */
START_TEST(from_the_own_lcore)
{
	char said[4096];

	mr_context_set(s, _i ? rte_lcore_id() : LCORE_ID_ANY);
	for (unsigned i = 0; i < RTE_DIM(calls); i++) {
		int status = call_apart(calls[i].call, rte_lcore_id(), said, sizeof(said));

		ck_assert_msg(WIFEXITED(status), "%s ended by signal %d: %s", calls[i].name, WTERMSIG(status), said);
	}
}
END_TEST

#ifdef RTE_ENABLE_ASSERT
static void (*in_event)(void);

static void
call_in_event(struct mr_stack *st, void *arg)
{
	(void)st, (void)arg;
	in_event();
}

static void
turn_with_an_event(void)
{
	struct mr_alarm *a;

	if (mr_alarm_start(s, RIG_S, call_in_event, NULL, &a) == 0)
		mr_stack_poll(s, rig.now);
}

/* A function of mr_host_call is as an event. */
static int
call_in_call(struct mr_stack *st, unsigned core, void *arg)
{
	(void)st, (void)core, (void)arg;
	in_event();
	return 0;
}

static void
call_with_a_call(void)
{
	mr_host_call(host, call_in_call, NULL);
}

START_TEST(in_an_event)
{
	char said[4096], want[128];
	const char *name = calls[_i].name;
	void (*outer[])(void) = {turn_with_an_event, call_with_a_call};

	in_event = calls[_i].call;
	for (unsigned i = 0; i < RTE_DIM(outer); i++) {
		int status = call_apart(outer[i], rte_lcore_id(), said, sizeof(said));

		snprintf(want, sizeof(want), "%s: called in an event of stack ", name);
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s did not abort", name);
		ck_assert_msg(strstr(said, want), "%s says: %s", name, said);
	}
}
END_TEST
#endif

static uint32_t owner_in_turn;

static void
look(struct mr_stack *st, void *arg)
{
	(void)arg;
	owner_in_turn = st->owner;
}

/* A stack that is polled by hand is the poller's for the turn; one that has an owner keeps it. */
START_TEST(by_hand)
{
	struct mr_alarm *a;

	ck_assert_int_eq(mr_alarm_start(s, RIG_S, look, NULL, &a), 0);
	rig_poll(&rig);
#ifdef RTE_ENABLE_ASSERT
	ck_assert_uint_eq(owner_in_turn, rte_lcore_id() + 1);
#else
	ck_assert_uint_eq(owner_in_turn, 0);
#endif
	ck_assert_uint_eq(s->owner, 0);
	mr_context_set(s, rte_lcore_id());
	rig_advance(&rig, RIG_S);
	ck_assert_uint_eq(owner_in_turn, rte_lcore_id() + 1);
	ck_assert_uint_eq(s->owner, rte_lcore_id() + 1);
	mr_alarm_stop(a);
}
END_TEST

static Suite *
suite(void)
{
	Suite *su = suite_create("context");
	TCase *tc = rig_case(su, "context", setup, teardown);

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, from_another_lcore, 0, RTE_DIM(calls));
	tcase_add_loop_test(tc, from_the_own_lcore, 0, 2);
#ifdef RTE_ENABLE_ASSERT
	tcase_add_loop_test(tc, in_an_event, 0, n_between_turns);
#endif
	tcase_add_test(tc, by_hand);
	return su;
}

RIG_MAIN(suite)
