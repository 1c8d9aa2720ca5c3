/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stack mode is: a name, defaults, and what each end does on its connections. Modes are const tables; the client
 * (client.h) opens connections and decides when an operation may start, the server (server.h) accepts them.
 */
#ifndef BENCH_MODE_H
#define BENCH_MODE_H

#include <stdint.h>

#define MODE_F_PIPELINE (1u << 0) /* several operations at a time on a connection make sense */
#define MODE_F_EACH (1u << 1)     /* each operation opens a connection of its own, and closes it */
#define MODE_F_MAY_LOSE (1u << 2) /* datagrams: an operation without an answer is given up and started again */
#define MODE_F_PUSH (1u << 3)     /* operations have no answer: in every turn as many start as the link takes */
#define MODE_F_HOLD (1u << 4)     /* the operation is to open a connection, which is then held */
#define MODE_F_FLOOD (1u << 5)    /* the operation is a SYN beside the connections (flood.h), whose own are counted apart */
#define MODE_F_LENDS (1u << 6)    /* much is sent: --zero-copy makes sense */

#define MODE_INFLIGHT_DEFAULT 4096
#define MODE_MESSAGE_MAX 65000u   /* of a datagram */
#define MODE_SCRATCH 65536u

struct args;
struct client;
struct conn;
struct served;

/* The client's end of a mode. All run on the core that owns the connection, inside a turn. */
struct client_ops {
	/* Begin an operation on an open connection. @return 0, or -errno: the connection is of no use */
	int (*start)(struct client *cl, struct conn *c);
	/* There is room to send again; NULL: of no interest. */
	void (*output)(struct client *cl, struct conn *c);
	/* Something arrived. Calls client_done for each operation that ended, and client_lost if the connection did. */
	void (*input)(struct client *cl, struct conn *c);
};

/* The server's end: what has arrived, or room for what is owed. Calls served_close when the connection has ended. */
struct server_ops {
	/* A connection was accepted; may be NULL. */
	void (*open)(struct served *v);
	void (*event)(struct served *v, uint32_t events);
};

struct mode {
	const char *name, *help;
	uint8_t trans;           /* MR_TRANS_* */
	uint16_t service;        /* default port */
	uint32_t flags;          /* MODE_F_* */
	uint32_t request, response; /* default bytes */
	uint32_t request_min, response_min, request_max, response_max; /* 0: no such bound */
	/* What is sent, of exactly this many bytes; NULL: any bytes will do. */
	void (*request_build)(uint8_t *buf, uint32_t len);
	void (*response_build)(uint8_t *buf, uint32_t len);
	const struct client_ops *client;
	const struct server_ops *server;
};

extern const struct mode tcp_rr_mode, udp_rr_mode, tcp_crr_mode, http_mode, tcp_stream_mode, tcp_maerts_mode, udp_stream_mode,
	tcp_cc_mode, syn_flood_mode;
/* Ends of a request and its response over TCP (rr.c). */
#define RR_REQUEST_MAX (256u << 10) /* fits a send queue: a request is written in one piece */
extern const struct client_ops rr_tcp_client;
extern const struct server_ops rr_tcp_server;
/* Ends with NULL. */
extern const struct mode *const modes[];

#endif
