/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of the adaptor that lets packetdrill play its scripts against a Millrace stack:
 *
 *   main.c    the start (EAL, stack, address), the table of functions, the end     flags.c  the words of --so_flags
 *   getopt.c  why EAL can read its options
 *   wire.c    the link: packets from the script in, the stack's packets out         clock.c  virtual time, and turns
 *   call.c    system calls that wait                                                sock.c   descriptors and endpoints
 *   conn.c    socket, bind, listen, accept, connect, shutdown, close                data.c   reading and writing
 *   option.c  socket options, fcntl, ioctl                                          ready.c  poll and epoll
 *
 * There is one world to a process: one stack, one link, one lock, which each function of the interface takes. Time is
 * virtual: it passes when packetdrill sleeps, when it waits for a packet or for a call, and by a microsecond each time that
 * it reads the clock, since it waits for a moment by reading it over and over.
 */
#ifndef PACKETDRILL_PD_H
#define PACKETDRILL_PD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include <millrace.h>

#include "interface.h"

#define US 1000ull
#define MS 1000000ull
#define SEC 1000000000ull

/* ---- the world */

#define PD_MAX_SWITCHES 32

/* An option of Millrace that --so_flags sets, of the protocol or of each new endpoint. */
struct pd_switch {
	int opt;
	int64_t value;
	bool of_endpoint;
};

struct pd_config {
	struct mr_addr local, gateway; /* gateway all zero: what is sent is on-link */
	uint16_t mtu;
	bool v6;
	bool extra_at_end; /* more packets than the script expects are no failure at its end */
	unsigned n_switches;
	struct pd_switch switches[PD_MAX_SWITCHES];
};

struct pd_call;

struct pd_world {
	struct pd_config cfg;
	pthread_mutex_t lock;
	pthread_t main;              /* the thread whose calls let time pass */
	struct mr_stack *stack;
	uint64_t now_ns;
	TAILQ_HEAD(, pd_call) calls; /* that wait, of other threads */
};
extern struct pd_world pd;

static inline void
pd_lock(void)
{
	pthread_mutex_lock(&pd.lock);
}

/* The end of a function of the interface: unlock. @param rc 0, positive, or -errno. @return what the script gets */
ssize_t pd_return(ssize_t rc);
/* The same for calls that have told an endpoint something: what it sends, it sends now. */
ssize_t pd_return_settled(ssize_t rc);

/* Say what is wrong on stderr, and end the process: the script has failed. */
void pd_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* flags.c: read --so_flags. */
void pd_flags(const char *flags, struct pd_config *cfg);

/* ---- wire.c */

struct mr_link *pd_wire_open(uint16_t mtu);
/* A packet to the stack, which takes it in its next turn. */
void pd_wire_push(const void *packet, size_t len);
/* The oldest packet of the stack. @return false: none waits */
bool pd_wire_pop(void *buf, size_t *len, uint64_t *sent_ns);
bool pd_wire_has_packet(void);
/* Segments and datagrams that the stack has sent before the last packet to it, and that nobody took. */
unsigned pd_wire_left(void);
void pd_wire_clear(void);

/* ---- clock.c */

/* Turns of the stack and attempts of the calls that wait, until nothing more is to be done at this time. */
void pd_settle(void);
/* Let time pass until then; what is due on the way happens at its own time. */
void pd_run_until(uint64_t t_ns);
/* Go to the next time when something is due. @return false: nothing is until `limit_ns`, where time now is */
bool pd_step(uint64_t limit_ns);

int pd_netdev_send(void *ud, const void *packet, size_t len);
int pd_netdev_receive(void *ud, void *buf, size_t *len, long long *sent_usecs);
int pd_usleep(void *ud, useconds_t usecs);
int pd_gettimeofday(void *ud, struct timeval *tv, struct timezone *tz);

/* ---- call.c */

/* A system call under way. What it works on is in the struct around it. */
struct pd_call {
	ssize_t (*attempt)(struct pd_call *c); /* -EAGAIN: not yet */
	struct pd_sock *sock;                  /* whose end is its end; NULL: none */
	uint64_t deadline_ns;                  /* when it ends with 0 without success; 0: it waits for ever */
	ssize_t result;
	bool done;
	uint64_t done_ns;
	pthread_cond_t cond;
	TAILQ_ENTRY(pd_call) link;
};

/* Attempt it, and wait for its success if `wait`. @return its result, 0 at the deadline, -EDEADLK: nothing will happen
 * any more that could end it */
ssize_t pd_call(struct pd_call *c, bool wait);
/* Attempt those that wait. @return whether one has ended */
bool pd_calls_retry(void);
/* A socket goes: those that wait for it end with -EBADF. */
void pd_calls_cancel(const struct pd_sock *s);
/* Earliest deadline, UINT64_MAX: none. */
uint64_t pd_calls_next_ns(void);
/* The calling thread's last call has ended in another's turn: when. Once; then 0. */
uint64_t pd_call_ended_ns(void);

/* ---- sock.c */

enum pd_kind {
	PD_SOCKET,
	PD_EPOLL,
};

/* What a descriptor stands for. The number is a real descriptor's: packetdrill closes what the script has left open. */
struct pd_sock {
	enum pd_kind kind;
	int fd;
	bool nonblock;
	bool stream;                   /* TCP */
	uint16_t net;                  /* MR_NET_* of the socket call: how addresses are told */
	struct mr_ep *ep;              /* of PD_SOCKET */
	bool connecting;               /* connect has begun, and its end has not been told */
	TAILQ_ENTRY(pd_sock) link;
};

/* A new descriptor. @param ep taken over; NULL with PD_EPOLL */
struct pd_sock *pd_sock_new(enum pd_kind kind, struct mr_ep *ep, uint16_t net);
/* @return NULL: not open */
struct pd_sock *pd_sock_find(int fd);
/* @return NULL: not an open socket */
struct pd_sock *pd_sock_of(int fd);
/* Close endpoint and descriptor. What waits for it ends with -EBADF. */
void pd_sock_free(struct pd_sock *s);
/* Addresses as the interface has them. */
int pd_addr_in(const struct sockaddr *sa, socklen_t len, struct mr_sockaddr *out);
void pd_addr_out(const struct mr_sockaddr *a, uint16_t net, struct sockaddr *sa, socklen_t *len);

/* ---- conn.c, data.c, option.c, ready.c: the interface's functions */

int pd_socket(void *ud, int domain, int type, int protocol);
int pd_bind(void *ud, int fd, const struct sockaddr *addr, socklen_t len);
int pd_listen(void *ud, int fd, int backlog);
int pd_accept(void *ud, int fd, struct sockaddr *addr, socklen_t *len);
int pd_connect(void *ud, int fd, const struct sockaddr *addr, socklen_t len);
int pd_close(void *ud, int fd);
int pd_shutdown(void *ud, int fd, int how);

ssize_t pd_read(void *ud, int fd, void *buf, size_t len);
ssize_t pd_readv(void *ud, int fd, const struct iovec *iov, int n);
ssize_t pd_recv(void *ud, int fd, void *buf, size_t len, int flags);
ssize_t pd_recvfrom(void *ud, int fd, void *buf, size_t len, int flags, struct sockaddr *addr, socklen_t *addr_len);
ssize_t pd_recvmsg(void *ud, int fd, struct msghdr *msg, int flags);
ssize_t pd_write(void *ud, int fd, const void *buf, size_t len);
ssize_t pd_writev(void *ud, int fd, const struct iovec *iov, int n);
ssize_t pd_send(void *ud, int fd, const void *buf, size_t len, int flags);
ssize_t pd_sendto(void *ud, int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                  socklen_t addr_len);
ssize_t pd_sendmsg(void *ud, int fd, const struct msghdr *msg, int flags);

int pd_getsockopt(void *ud, int fd, int level, int name, void *value, socklen_t *len);
int pd_setsockopt(void *ud, int fd, int level, int name, const void *value, socklen_t len);
int pd_fcntl(void *ud, int fd, int cmd, ...);
int pd_ioctl(void *ud, int fd, unsigned long request, ...);

int pd_poll(void *ud, struct pollfd *fds, nfds_t n, int timeout_ms);
int pd_epoll_create(void *ud, int size);
int pd_epoll_ctl(void *ud, int epfd, int op, int fd, struct epoll_event *event);
int pd_epoll_wait(void *ud, int epfd, struct epoll_event *events, int max, int timeout_ms);
/* A socket or an epoll descriptor is closed: forget who watches and what is watched. */
void pd_unwatch(const struct pd_sock *s);

#endif
