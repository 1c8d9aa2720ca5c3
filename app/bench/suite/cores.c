/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far two cores are from each other: nanoseconds for a cache line to go from one to the other and back. A hypervisor
 * may move what it calls cores, from one cache they share to two of their own; that is a factor of five here, and a
 * stack that talks to another core is then measured on another machine. So the suite asks before and after each run.
 *
 * Prints one number, the least of many rounds: what else ran meanwhile does not count.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 40
#define TRIPS 2000

static _Alignas(128) atomic_uint there;
static _Alignas(128) atomic_uint back;

static int
pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(core, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *
echo(void *arg)
{
	unsigned v = 0;

	if (pin(*(int *)arg) != 0) {
		fprintf(stderr, "millrace-cores: no core %d here\n", *(int *)arg);
		exit(1);
	}
	while (v < ROUNDS * TRIPS) {
		while (atomic_load_explicit(&there, memory_order_acquire) == v)
			;
		atomic_store_explicit(&back, ++v, memory_order_release);
	}
	return NULL;
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int
main(int argc, char **argv)
{
	int cores[2] = {argc > 1 ? atoi(argv[1]) : 0, argc > 2 ? atoi(argv[2]) : 1};
	uint64_t least = UINT64_MAX;
	pthread_t other;
	unsigned v = 0;

	if (pin(cores[0]) != 0 || pthread_create(&other, NULL, echo, &cores[1]) != 0) {
		fprintf(stderr, "millrace-cores: no core %d here\n", cores[0]);
		return 1;
	}
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t start = now_ns(), ns;

		for (int i = 0; i < TRIPS; i++) {
			atomic_store_explicit(&there, ++v, memory_order_release);
			while (atomic_load_explicit(&back, memory_order_acquire) != v)
				;
		}
		ns = now_ns() - start;
		least = ns < least ? ns : least;
	}
	pthread_join(other, NULL);
	printf("%.0f\n", (double)least / TRIPS);
	return 0;
}
