/* SPDX-License-Identifier: Apache-2.0 */
/* What IPv4 asks of ARP beside resolution. */
#ifndef MR_PROTO_ARP_H
#define MR_PROTO_ARP_H

#include "stack/nic.h"

/* Tell the link that we have this address, now and once more after two seconds (RFC 5227 2.3); on a host of several cores
 * one does. */
void mr_arp_announce(struct mr_netep *ep);

#endif
