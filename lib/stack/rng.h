/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * xoshiro256**: the randomness of one stack, reproducible from its seed. Not for secrets on its own: keys are drawn
 * from it once at creation, and then its seed comes from the kernel unless the user fixed it.
 */
#ifndef MR_STACK_RNG_H
#define MR_STACK_RNG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A generator. */
struct mr_rng {
	uint64_t s[4]; /**< private */
};

/** Seed by SplitMix64, so that any seed is good. */
static inline void
mr_rng_seed(struct mr_rng *r, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15u);

		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
		z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
		r->s[i] = z ^ (z >> 31);
	}
}

/** 64 random bits. */
static inline uint64_t
mr_rng_u64(struct mr_rng *r)
{
	uint64_t *s = r->s, x = s[1] * 5, t = s[1] << 17;
	uint64_t out = ((x << 7) | (x >> 57)) * 9;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = (s[3] << 45) | (s[3] >> 19);
	return out;
}

/** 32 random bits. */
static inline uint32_t
mr_rng_u32(struct mr_rng *r)
{
	return (uint32_t)(mr_rng_u64(r) >> 32);
}

/** Uniform in [0, n), n > 0. */
static inline uint32_t
mr_rng_below(struct mr_rng *r, uint32_t n)
{
	return (uint32_t)(((uint64_t)mr_rng_u32(r) * n) >> 32);
}

#ifdef __cplusplus
}
#endif
#endif
