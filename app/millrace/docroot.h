/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents below a directory. The kernel itself keeps the path inside (openat2 with RESOLVE_BENEATH), whatever dots,
 * slashes and symbolic links it is made of.
 */
#ifndef APP_DOCROOT_H
#define APP_DOCROOT_H

#include <stdint.h>

/* @return a file descriptor for docroot_open, or -errno; -ENOSYS: the kernel (before 5.6) cannot keep paths inside */
int docroot_open_root(const char *dir);
/* Open the regular file that a request target names; a directory means its index.html.
 * @param target origin form, with %XX and query. @return HTTP status: 200 with *fd and *size, 400, 403, 404, 500 */
int docroot_open(int root_fd, const char *target, int *fd, uint64_t *size);
/* Content-Type of a target, by the end of its name. */
const char *docroot_type(const char *target);

#endif
