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

/** Name of congestion control algorithm `i`, its number in MR_OPT_TCP_CC; NULL: there are no more. Context: any thread. */
const char *mr_tcp_cc_name(unsigned i);
/** Number of the algorithm of this name. Context: any thread. @return 0 or more, -ENOENT. */
int mr_tcp_cc_find(const char *name);

#ifdef __cplusplus
}
#endif
#endif
