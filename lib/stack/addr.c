/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and prefixes as values: tests, text in, text out.
 *
 * An IPv4 address is held v4-mapped everywhere inside; the mapped form never appears in text that is written, but is
 * read as what it means. Which addresses are ours, and which are broadcast, is not known here (nic.h).
 */
#include "stack/millrace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <rte_byteorder.h>

struct mr_addr
mr_addr_v4(uint32_t host_order)
{
	struct mr_addr a = {.w = {0, 0, RTE_BE32(0xffff), rte_cpu_to_be_32(host_order)}};

	return a;
}

bool
mr_addr_is_linklocal(const struct mr_addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool
mr_addr_is_loopback(const struct mr_addr *a)
{
	return mr_addr_is_v4(a) ? a->b[12] == 127 : a->d[0] == 0 && a->d[1] == RTE_BE64(1);
}

int
mr_addr_parse(const char *text, struct mr_addr *out)
{
	struct in_addr v4;
	struct mr_addr a;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = mr_addr_v4(rte_be_to_cpu_32(v4.s_addr));
		return 0;
	}
	if (inet_pton(AF_INET6, text, a.b) == 1) {
		*out = a;
		return 0;
	}
	return -EINVAL;
}

const char *
mr_addr_format(const struct mr_addr *a, char *buf, size_t size)
{
	const char *text = mr_addr_is_v4(a) ? inet_ntop(AF_INET, &a->b[12], buf, size) : inet_ntop(AF_INET6, a->b, buf, size);

	if (!text && size > 0)
		buf[0] = '\0';
	return buf;
}

/* Decimal, no sign, no blanks, at most three digits. @return -1 if it is not that. */
static int
plen_parse(const char *text)
{
	int v = 0, digits = 0;

	for (; *text >= '0' && *text <= '9' && digits < 3; text++, digits++)
		v = v * 10 + (*text - '0');
	return digits == 0 || *text != '\0' ? -1 : v;
}

int
mr_subnet_parse(const char *text, struct mr_subnet *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char addr_text[MR_ADDR_STRLEN];
	struct mr_addr a;
	int plen, max;

	if (len >= sizeof(addr_text))
		return -EINVAL;
	memcpy(addr_text, text, len);
	addr_text[len] = '\0';
	if (mr_addr_parse(addr_text, &a) < 0)
		return -EINVAL;
	max = mr_addr_is_v4(&a) ? 32 : 128;
	plen = slash ? plen_parse(slash + 1) : max;
	/* "::ffff:10.0.0.0/104" counts from the start of the text's own form. */
	if (slash && mr_addr_is_v4(&a) && strchr(addr_text, ':'))
		plen -= 96;
	if (plen < 0 || plen > max)
		return -EINVAL;
	out->addr = a;
	out->plen = (uint8_t)plen;
	return 0;
}

/* Do the first `bits` bits of two 64-bit words in network order agree? */
static bool
word_prefix_equal(uint64_t a_be, uint64_t b_be, unsigned bits)
{
	if (bits == 0)
		return true;
	return bits >= 64 ? a_be == b_be : (rte_be_to_cpu_64(a_be ^ b_be) >> (64 - bits)) == 0;
}

bool
mr_subnet_contains(const struct mr_subnet *s, const struct mr_addr *a)
{
	unsigned bits = s->plen;

	if (mr_addr_is_v4(&s->addr) != mr_addr_is_v4(a))
		return false;
	if (mr_addr_is_v4(a))
		bits += 96;
	return word_prefix_equal(s->addr.d[0], a->d[0], bits) &&
	       word_prefix_equal(s->addr.d[1], a->d[1], bits > 64 ? bits - 64 : 0);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
mr_lladdr_parse(const char *text, struct mr_lladdr *out)
{
	struct mr_lladdr ll = {.len = 6};

	if (strlen(text) != 17)
		return -EINVAL;
	for (int i = 0; i < 6; i++, text += 3) {
		int hi = hex_digit(text[0]), lo = hex_digit(text[1]);

		if (hi < 0 || lo < 0 || text[2] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		ll.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*out = ll;
	return 0;
}
