/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of every test program, and the count of lost mbufs.
 *
 * Check forks a child per test, but EAL's memory without huge pages is a shared mapping: what one child did to the heap,
 * the next would find, while the heap's own head is private to each. So the parent maps that memory anew, privately,
 * before the first fork: each test starts from the same heap, whatever happened to the one before.
 *
 * rte_mempool_free is wrapped at link time: whoever frees a pool, it is looked at just before.
 */
#include "rig/rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_memory.h>
#include <rte_mempool.h>

static unsigned leaks;

void __real_rte_mempool_free(struct rte_mempool *mp);
void __wrap_rte_mempool_free(struct rte_mempool *mp);

void
__wrap_rte_mempool_free(struct rte_mempool *mp)
{
	unsigned missing;

	if (mp) {
		missing = mp->size - rte_mempool_avail_count(mp);
		if (missing > 0)
			fprintf(stderr, "rig: pool %s is freed with %u of %u mbufs out\n", mp->name, missing, mp->size);
		leaks += missing;
	}
	__real_rte_mempool_free(mp);
}

unsigned
rig_leaks(void)
{
	return leaks;
}

/* Put a private mapping of the same memory in the place of the shared one. */
static int
make_private(const struct rte_memseg_list *msl, void *arg)
{
	const struct rte_memseg *ms = rte_mem_virt2memseg(msl->base_va, msl);
	int fd;

	(void)arg;
	if (msl->external || !ms)
		return 0;
	fd = rte_memseg_get_fd_thread_unsafe(ms);
	if (fd < 0)
		return -1;
	if (mmap(msl->base_va, msl->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, fd, 0) ==
	    MAP_FAILED)
		return -1;
	return 0;
}

int
rig_main(int argc, char **argv, Suite *(*make_suite)(void))
{
	char *eal[] = {argv[0], "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256", "--log-level=lib.eal:4",
	               "--lcores=0", NULL};
	SRunner *sr;
	int failed;

	(void)argc;
	if (rte_eal_init(9, eal) < 0)
		return 2;
	if (rte_memseg_list_walk(make_private, NULL) < 0) {
		fprintf(stderr, "rig: cannot make the memory private to each test: %s\n", strerror(errno));
		return 2;
	}
	sr = srunner_create(make_suite());
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
