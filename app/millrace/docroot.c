/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files are read on the polling core: the document root is for small things that are in the page cache.
 */
#include "app/millrace/docroot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_common.h>

#define PATH_BYTES 1100 /* of the longest target and "index.html" */

static int
open_beneath(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int
docroot_open_root(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), probe;

	if (fd < 0)
		return -errno;
	probe = open_beneath(fd, ".");
	if (probe < 0) {
		close(fd);
		return probe;
	}
	close(probe);
	return fd;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The path of a target, relative to the root: leading slashes gone, %XX decoded, the query cut. */
static bool
path_decode(const char *target, char *path, size_t size)
{
	size_t n = 0;

	target += strspn(target, "/");
	for (; *target && *target != '?' && *target != '#'; target++) {
		int c = (unsigned char)*target;

		if (c == '%') {
			int hi = hex(target[1]), lo = hi < 0 ? -1 : hex(target[2]);

			c = lo < 0 ? 0 : hi << 4 | lo;
			target += 2;
		}
		if (c == 0 || n + 1 >= size)
			return false;
		path[n++] = c;
	}
	path[n] = '\0';
	return true;
}

static int
status_of(int err)
{
	switch (err) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -ENXIO:
		return 404;
	case -EACCES:
	case -EPERM:
	case -EXDEV:
	case -ELOOP:
		return 403;
	default:
		return 500;
	}
}

int
docroot_open(int root_fd, const char *target, int *fd, uint64_t *size)
{
	char path[PATH_BYTES];
	struct stat st;
	int f, index;

	if (!path_decode(target, path, sizeof(path)))
		return 400;
	f = open_beneath(root_fd, *path ? path : ".");
	if (f >= 0 && fstat(f, &st) == 0 && S_ISDIR(st.st_mode)) {
		index = openat(f, "index.html", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
		if (index < 0)
			index = -errno;
		close(f);
		f = index;
	}
	if (f < 0)
		return status_of(f);
	if (fstat(f, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(f);
		return 403;
	}
	*fd = f;
	*size = st.st_size;
	return 200;
}

const char *
docroot_type(const char *target)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"}, {".txt", "text/plain; charset=utf-8"}, {".css", "text/css"},
		{".js", "text/javascript"}, {".json", "application/json"}, {".png", "image/png"},
		{".jpg", "image/jpeg"}, {".svg", "image/svg+xml"},
	};
	size_t len = strcspn(target, "?#");

	if (len == 0 || target[len - 1] == '/')
		return types[0][1];
	for (unsigned i = 0; i < RTE_DIM(types); i++) {
		size_t n = strlen(types[i][0]);

		if (len > n && strncasecmp(target + len - n, types[i][0], n) == 0)
			return types[i][1];
	}
	return "application/octet-stream";
}
