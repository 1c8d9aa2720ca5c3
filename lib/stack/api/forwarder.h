/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * Forwarders: connections and datagrams to addresses and ports that no endpoint has, offered to the application one by
 * one. What transparent proxies are made of. Part of <millrace.h>.
 */
#ifndef MR_API_FORWARDER_H
#define MR_API_FORWARDER_H

#include "addr.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mr_stack;
struct mr_ep;
struct mr_forwarder;

/** Somebody wants to talk to an address and port where nobody listens. A value: copy it, and answer when you like. */
struct mr_forward_req {
	struct mr_forwarder *forwarder; /**< whose request it is */
	struct mr_sockaddr local;    /**< whom they want; `nic`: where they came in */
	struct mr_sockaddr remote;   /**< who they are */
	uint64_t id;                 /**< private */
};

/** Zero fields: the default. */
struct mr_forwarder_opts {
	/** Called once for each request, in the event stage of the turn in which it came; any call is allowed in it, also the
	 *  end of the forwarder. Not NULL. */
	void (*fn)(const struct mr_forward_req *req, void *arg);
	void *arg;                   /**< passed on to fn */
	uint32_t max_requests;       /**< that may wait for an answer; default 256. Each holds a receive buffer or more */
	uint64_t timeout_ns;         /**< unanswered ones are forgotten after it; default 30 s */
	uint32_t rcvbuf;             /**< MR_OPT_RCVBUF of the endpoints; TCP's window follows from it. Default: the protocol's */
};

/**
 * Have what is for nobody offered: TCP's SYNs, UDP's datagrams. Needs a NIC that lets foreign addresses in: promiscuous
 * (S-42) or with an accepted subnet (S-34); answers leave with the address that was asked for. It is the transport's
 * default handler (S-57), so only what no endpoint wants comes here (B-16). The stack's end is its end too.
 * On a host each stack has its own. Context: own core.
 * @param trans MR_TRANS_TCP or MR_TRANS_UDP.
 * @return 0, -EPROTONOSUPPORT (no such transport, or it cannot), -EBUSY (it has a default handler), -EINVAL, -ENOMEM.
 */
int mr_forwarder_create(struct mr_stack *s, uint8_t trans, const struct mr_forwarder_opts *o, struct mr_forwarder **out);
/** Turn down what waits, without a word, and end; also from its own callback. Endpoints made of its requests live on.
 *  Context: own core. */
void mr_forwarder_destroy(struct mr_forwarder *f);
/**
 * Take a request: an endpoint between its two addresses, the caller's.
 * TCP: the handshake goes on as a passive open by the options of the SYN; MR_EV_OUT tells that it is complete, MR_EV_ERR
 * that it is not. UDP: it is connected, and has the datagrams that waited. Context: own core.
 * @return 0, -ENOENT (timed out or answered), -EADDRINUSE (the addresses are connected meanwhile), -ENOBUFS, or why there
 * is no way back: as mr_ep_connect. The request stays after all but -ENOENT.
 */
int mr_forwarder_accept(const struct mr_forward_req *req, struct mr_ep **out);
/** Turn a request down. Context: own core. @param tell with a reset (TCP) or port unreachable (UDP); else they find out
 *  by themselves.
 *  @return 0, -ENOENT. */
int mr_forwarder_reject(const struct mr_forward_req *req, bool tell);

#ifdef __cplusplus
}
#endif
#endif
