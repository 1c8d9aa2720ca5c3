/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-2-4 over whole 64-bit words: the keyed function of RFC 6528 (initial sequence numbers) and its relatives. */
#ifndef MR_PROTO_SIPHASH_H
#define MR_PROTO_SIPHASH_H

#include <stdint.h>

struct siphash_key {
	uint64_t k0, k1;
};

static inline uint64_t
siphash_rotl(uint64_t x, int b)
{
	return (x << b) | (x >> (64 - b));
}

static inline void
siphash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = siphash_rotl(v[1], 13) ^ v[0];
	v[0] = siphash_rotl(v[0], 32);
	v[2] += v[3];
	v[3] = siphash_rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = siphash_rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = siphash_rotl(v[1], 17) ^ v[2];
	v[2] = siphash_rotl(v[2], 32);
}

/* The three parts of it: the hash of what is begun here may be gone on with from a copy of `v`, in several ways. */
static inline void
siphash_begin(const struct siphash_key *key, uint64_t v[4])
{
	v[0] = key->k0 ^ 0x736f6d6570736575u;
	v[1] = key->k1 ^ 0x646f72616e646f6du;
	v[2] = key->k0 ^ 0x6c7967656e657261u;
	v[3] = key->k1 ^ 0x7465646279746573u;
}

static inline void
siphash_word(uint64_t v[4], uint64_t w)
{
	v[3] ^= w;
	siphash_round(v);
	siphash_round(v);
	v[0] ^= w;
}

/* @param n words, all in all */
static inline uint64_t
siphash_end(uint64_t v[4], unsigned n)
{
	siphash_word(v, (uint64_t)(n * 8) << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		siphash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* Hash of n words, host order; equals the reference function over the same 8n bytes on a little-endian machine. */
static inline uint64_t
siphash_words(const struct siphash_key *key, const uint64_t *words, unsigned n)
{
	uint64_t v[4];

	siphash_begin(key, v);
	for (unsigned i = 0; i < n; i++)
		siphash_word(v, words[i]);
	return siphash_end(v, n);
}

#endif
