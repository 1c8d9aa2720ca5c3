/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What packetdrill asks of a stack that it loads as a shared object: it looks one function up, hands it a struct of
 * zeros, and calls the functions that it finds there afterwards. Each gets `userdata` first, and answers as the system
 * call of its name: -1 with errno set if it failed. The order of the members is the interface.
 */
#ifndef PACKETDRILL_INTERFACE_H
#define PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
	void *userdata;
	void (*free)(void *ud); /* at the end of a script that has passed, and only then */

	int (*socket)(void *ud, int domain, int type, int protocol);
	int (*bind)(void *ud, int fd, const struct sockaddr *addr, socklen_t len);
	int (*listen)(void *ud, int fd, int backlog);
	int (*accept)(void *ud, int fd, struct sockaddr *addr, socklen_t *len);
	int (*connect)(void *ud, int fd, const struct sockaddr *addr, socklen_t len);
	ssize_t (*read)(void *ud, int fd, void *buf, size_t len);
	ssize_t (*readv)(void *ud, int fd, const struct iovec *iov, int n);
	ssize_t (*recv)(void *ud, int fd, void *buf, size_t len, int flags);
	ssize_t (*recvfrom)(void *ud, int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len);
	ssize_t (*recvmsg)(void *ud, int fd, struct msghdr *msg, int flags);
	ssize_t (*write)(void *ud, int fd, const void *buf, size_t len);
	ssize_t (*writev)(void *ud, int fd, const struct iovec *iov, int n);
	ssize_t (*send)(void *ud, int fd, const void *buf, size_t len, int flags);
	ssize_t (*sendto)(void *ud, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
	                  socklen_t addr_len);
	ssize_t (*sendmsg)(void *ud, int fd, const struct msghdr *msg, int flags);
	int (*fcntl)(void *ud, int fd, int cmd, ...);
	int (*ioctl)(void *ud, int fd, unsigned long request, ...);
	int (*close)(void *ud, int fd);
	int (*shutdown)(void *ud, int fd, int how);
	int (*getsockopt)(void *ud, int fd, int level, int name, void *value, socklen_t *len);
	int (*setsockopt)(void *ud, int fd, int level, int name, const void *value, socklen_t len);
	int (*poll)(void *ud, struct pollfd *fds, nfds_t n, int timeout_ms);

	/* The wire: packets without link header. */
	int (*netdev_send)(void *ud, const void *packet, size_t len);                    /* to the stack */
	int (*netdev_receive)(void *ud, void *buf, size_t *len, long long *sent_usecs);  /* from the stack */

	/* The clock. */
	int (*usleep)(void *ud, useconds_t usecs);
	int (*gettimeofday)(void *ud, struct timeval *tv, struct timezone *tz);

	int (*epoll_create)(void *ud, int size);
	int (*epoll_ctl)(void *ud, int epfd, int op, int fd, struct epoll_event *event);
	int (*epoll_wait)(void *ud, int epfd, struct epoll_event *events, int max, int timeout_ms);
	int (*pipe)(void *ud, int fds[2]);
	int (*splice)(void *ud, int fd_in, loff_t *off_in, int fd_out, loff_t *off_out, size_t len, unsigned flags);
};
_Static_assert(sizeof(struct packetdrill_interface) == 33 * sizeof(void *), "one pointer to data, 32 to functions");

/* @param flags the text of --so_flags, NULL without it */
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *ifc);

#endif
