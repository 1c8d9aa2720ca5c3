/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of every test program, and the count of lost mbufs.
 *
 * Check forks a child per test, but EAL's memory without huge pages is a shared mapping: what one child did to the heap,
 * the next would find, while the heap's own head is private to each. So the parent puts private memory in its place
 * before the first fork: each test starts from the same heap, whatever happened to the one before.
 *
 * rte_mempool_free is wrapped at link time: whoever frees a pool, it is looked at just before.
 */
#include "rig/rig.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_memory.h>
#include <rte_mempool.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

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

/* Copy what is there of the old memory, extent by extent: what was never written to stays that way. */
static int
copy_extents(int fd, char *to, off_t len)
{
	for (off_t at = lseek(fd, 0, SEEK_DATA), end; at >= 0 && at < len; at = lseek(fd, end, SEEK_DATA)) {
		end = RTE_MIN(lseek(fd, at, SEEK_HOLE), len);
		for (ssize_t n; at < end; at += n) {
			n = pread(fd, to + at, (size_t)(end - at), at);
			if (n <= 0)
				return -1;
		}
	}
	return 0;
}

/* Put private memory with the same content in the place of the shared one: in large pages, if there are any, as each test
 * touches thousands of small ones to make its packet pools. */
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
	if (mmap(msl->base_va, msl->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) ==
	    MAP_FAILED)
		return -1;
	(void)madvise(msl->base_va, msl->len, MADV_HUGEPAGE);
	return copy_extents(fd, msl->base_va, (off_t)msl->len);
}

static int
run(Suite *suite, enum fork_status how)
{
	SRunner *sr = srunner_create(suite);
	int failed;

	srunner_set_fork_status(sr, how);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#ifdef __SANITIZE_ADDRESS__
/* Of sanitizer/allocator_interface.h, which gcc does not install. */
size_t __sanitizer_get_current_allocated_bytes(void);

#define CHECK_STREAM_BYTES 4096 /* what Check itself keeps in a child: the buffer of its stream to the parent */

static size_t bytes_at_fork;

static void
remember_bytes(void)
{
	bytes_at_fork = __sanitizer_get_current_allocated_bytes();
}

/* Look for leaks where there is more than there was: to search takes longer than most tests. */
static void
check_leaks(void)
{
	if (__sanitizer_get_current_allocated_bytes() > bytes_at_fork + CHECK_STREAM_BYTES)
		__lsan_do_leak_check();
}
#else
static void
remember_bytes(void)
{
}

static void
check_leaks(void)
{
}
#endif

static pid_t parent;

/* A test's process is done: the destructors of a hundred and fifty libraries would only copy their pages. */
static void
leave(int status, void *arg)
{
	(void)arg;
	if (getpid() == parent)
		return;
	fflush(NULL);
	check_leaks();
	_exit(status);
}

static void
children_leave_at_once(void)
{
	parent = getpid();
	pthread_atfork(NULL, NULL, remember_bytes);
	on_exit(leave, NULL);
}

static bool
eal_start(char *program, const char *lcores)
{
	char lcores_arg[64];
	char *eal[] = {program, "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256", "--log-level=lib.eal:4",
	               lcores_arg, NULL};

	snprintf(lcores_arg, sizeof(lcores_arg), "--lcores=%s", lcores);
	return rte_eal_init(RTE_DIM(eal) - 1, eal) >= 0;
}

int
rig_main(int argc, char **argv, Suite *(*make_suite)(void))
{
	cpu_set_t cpus;

	(void)argc;
	/* EAL ties its main lcore to processor 0: programs that run side by side would all be there. */
	if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0 || !eal_start(argv[0], "0") ||
	    sched_setaffinity(0, sizeof(cpus), &cpus) < 0)
		return 2;
	if (rte_memseg_list_walk(make_private, NULL) < 0) {
		fprintf(stderr, "rig: cannot make the memory private to each test: %s\n", strerror(errno));
		return 2;
	}
	children_leave_at_once();
	return run(make_suite(), CK_FORK_GETENV);
}

int
rig_main_lcores(int argc, char **argv, Suite *(*make_suite)(void))
{
	(void)argc;
	return eal_start(argv[0], "0@0,1@0,2@0,3@0") ? run(make_suite(), CK_NOFORK) : 2;
}

TCase *
rig_case(Suite *s, const char *name, SFun setup, SFun teardown)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 60); /* of a test that hangs; a slow machine is no fault */
	if (setup || teardown)
		tcase_add_checked_fixture(tc, setup, teardown);
	suite_add_tcase(s, tc);
	return tc;
}
