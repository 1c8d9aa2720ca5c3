/* SPDX-License-Identifier: Apache-2.0 */
/* What IP and ICMP ask of raw endpoints, if there are any (mr_ip.raws). */
#ifndef MR_PROTO_RAW_H
#define MR_PROTO_RAW_H

#include "proto/ip.h"

/* Let the raw endpoints hear up to a burst of packets of one protocol, data at the transport header.
 * @return bit i: pkts[i] is for one of them */
uint32_t mr_raw_hear(struct mr_ip *ip, uint8_t proto, struct rte_mbuf **pkts, uint16_t n);
/* Tell them what became of a packet of ours. @return true if it concerned one */
bool mr_raw_control(struct mr_ip *ip, const struct mr_addr *local, const struct mr_addr *remote, uint8_t trans,
                    enum mr_ctrl_type type, uint32_t extra);

#endif
