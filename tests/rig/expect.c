/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expectations: what a stack has sent, and what it has counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rig/priv.h"

const struct rig_frame *
rig_peek(struct rig *rig)
{
	rig_poll(rig);
	return TAILQ_FIRST(&rig->tx);
}

const struct rig_frame *
rig_next(struct rig *rig)
{
	struct rig_frame *f;

	rig_poll(rig);
	f = TAILQ_FIRST(&rig->tx);
	if (!f)
		return NULL;
	TAILQ_REMOVE(&rig->tx, f, link);
	TAILQ_INSERT_TAIL(&rig->seen, f, link);
	return f;
}

unsigned
rig_pending(struct rig *rig)
{
	struct rig_frame *f;
	unsigned n = 0;

	rig_poll(rig);
	TAILQ_FOREACH(f, &rig->tx, link)
		n++;
	return n;
}

void
rig_discard(struct rig *rig)
{
	while (rig_next(rig))
		continue;
}

static const char *const kind_names[] = {"other", "ARP", "IP", "ICMP", "ICMPv6", "NDP", "UDP", "TCP", "IGMP", "MLD"};

const struct rig_frame *
rig_expect_at(struct rig *rig, enum rig_kind kind, const char *file, int line)
{
	const struct rig_frame *f = rig_next(rig);

	if (!f || f->kind != kind)
		ck_abort_msg("%s:%d: expected %s, got %s", file, line, kind_names[kind], rig_frame_text(f));
	return f;
}

void
rig_expect_none_at(struct rig *rig, const char *file, int line)
{
	const struct rig_frame *f = rig_next(rig);

	if (f)
		ck_abort_msg("%s:%d: expected nothing, got %s", file, line, rig_frame_text(f));
}

const struct rig_frame *
rig_expect_arp(struct rig *rig, uint16_t op)
{
	const struct rig_frame *f = rig_expect(rig, RIG_ARP);

	ck_assert_msg(f->arp_op == op, "expected ARP operation %u, got %s", op, rig_frame_text(f));
	return f;
}

const struct rig_frame *
rig_expect_ndp(struct rig *rig, uint8_t type)
{
	const struct rig_frame *f = rig_expect(rig, RIG_NDP);

	ck_assert_msg(f->type == type, "expected NDP type %u, got %s", type, rig_frame_text(f));
	return f;
}

const struct rig_frame *
rig_expect_icmp(struct rig *rig, bool v6, uint8_t type, uint8_t code)
{
	const struct rig_frame *f = rig_expect(rig, v6 ? RIG_ICMP6 : RIG_ICMP);

	ck_assert_msg(f->type == type && f->code == code, "expected type %u code %u, got %s", type, code, rig_frame_text(f));
	return f;
}

const struct rig_frame *
rig_expect_group(struct rig *rig, uint8_t type, const char *group)
{
	struct mr_addr a = rig_addr(group);
	const struct rig_frame *f = rig_expect(rig, mr_addr_is_v4(&a) ? RIG_IGMP : RIG_MLD);

	ck_assert_msg(f->type == type && mr_addr_equal(&f->target, &a), "expected type %u about %s, got %s", type, group,
	              rig_frame_text(f));
	return f;
}

const struct rig_frame *
rig_expect_udp(struct rig *rig, uint16_t sport, uint16_t dport, const void *data, uint32_t len)
{
	const struct rig_frame *f = rig_expect(rig, RIG_UDP);

	ck_assert_msg(f->sport == sport && f->dport == dport && f->payload_len == len,
	              "expected UDP %u > %u len %u, got %s", sport, dport, len, rig_frame_text(f));
	if (data && len > 0)
		ck_assert_mem_eq(f->payload, data, len);
	return f;
}

void
rig_mark(struct rig *rig)
{
	for (unsigned c = 0; c < MR_CNT_MAX; c++)
		rig->mark[c] = mr_stack_counter(rig->stack, c);
}

uint64_t
rig_moved(struct rig *rig, enum mr_counter c)
{
	rig_poll(rig);
	return mr_stack_counter(rig->stack, c) - rig->mark[c];
}

void
rig_expect_drop_at(struct rig *rig, enum mr_counter want, uint64_t n, const char *file, int line)
{
	rig_poll(rig);
	for (enum mr_counter c = 0; c < MR_CNT_MAX; c++) {
		uint64_t moved = rig_moved(rig, c), should = c == want ? n : 0;

		if (mr_counter_is_drop(c) && moved != should)
			ck_abort_msg("%s:%d: %s moved by %" PRIu64 ", expected %" PRIu64, file, line, mr_counter_name(c), moved,
			             should);
	}
}

struct mr_sockaddr
rig_local(const struct rig *rig, bool v6, uint16_t port)
{
	return (struct mr_sockaddr){.addr = v6 ? rig->addr6 : rig->addr4, .port = port};
}

struct mr_sockaddr
rig_peer(const struct rig *rig, bool v6, uint16_t port)
{
	return (struct mr_sockaddr){.addr = v6 ? rig->peer6 : rig->peer4, .port = port};
}

ssize_t
rig_ep_send(struct mr_ep *ep, uint64_t off, size_t len)
{
	uint8_t buf[4096];
	size_t done = 0;

	while (done < len) {
		size_t n = len - done < sizeof(buf) ? len - done : sizeof(buf);
		ssize_t k;

		rig_pattern_fill(buf, off + done, n);
		k = mr_ep_send(ep, buf, n);
		if (k < 0)
			return done ? (ssize_t)done : k;
		done += (size_t)k;
		if ((size_t)k < n)
			break;
	}
	return (ssize_t)done;
}

void
rig_ep_recv(struct mr_ep *ep, uint64_t off, size_t len)
{
	uint8_t buf[4096];
	size_t done = 0;

	while (done < len) {
		size_t n = len - done < sizeof(buf) ? len - done : sizeof(buf), good;
		ssize_t k = mr_ep_recv(ep, buf, n, NULL);

		ck_assert_msg(k > 0, "received %zu of %zu bytes, then %zd", done, len, k);
		good = rig_pattern_check(buf, off + done, (size_t)k);
		ck_assert_msg(good == (size_t)k, "byte %zu of the stream is wrong", (size_t)off + done + good);
		done += (size_t)k;
	}
}
