/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file
 * TCP: congestion control by name, values of options. Part of <millrace.h>.
 */
#ifndef MR_API_TCP_H
#define MR_API_TCP_H

#ifdef __cplusplus
extern "C" {
#endif

/** Explicit congestion notification: with whom. */
enum mr_tcp_ecn {
	MR_TCP_ECN_OFF,    /**< with nobody */
	MR_TCP_ECN_ASK,    /**< own SYNs ask for it, and who asks gets it */
	MR_TCP_ECN_ACCEPT, /**< who asks gets it; the default */
};

/** SYN cookies: answers to SYNs that need no memory here. They keep the peer's MSS in steps; window scale, SACK and ECN
 *  only if it has timestamps; and no SYN-ACK is sent again. */
enum mr_tcp_syncookies {
	MR_TCP_SYNCOOKIES_NEVER,   /**< under pressure the oldest half-open connection makes room instead */
	MR_TCP_SYNCOOKIES_PRESSED, /**< of a listener with many half-open connections (MR_OPT_TCP_SYN_BACKLOG), and of all when
	                            *   the stack's are used up; the default */
	MR_TCP_SYNCOOKIES_ALWAYS,  /**< instead of half-open connections */
};

/** Name of congestion control algorithm `i`, its number in MR_OPT_TCP_CC; NULL: there are no more. Context: any thread. */
const char *mr_tcp_cc_name(unsigned i);
/** Number of the algorithm of this name. Context: any thread. @return 0 or more, -ENOENT. */
int mr_tcp_cc_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
