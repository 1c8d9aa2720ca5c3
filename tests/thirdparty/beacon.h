/* SPDX-License-Identifier: Apache-2.0 */
/* What programs know of the beacon protocol. */
#ifndef THIRDPARTY_BEACON_H
#define THIRDPARTY_BEACON_H

#define BEACON_ETHERTYPE 0x88b5 /* IEEE 802: for local experiments */
#define BEACON_MAGIC 0x6d696c6cu
#define BEACON_OPT_HEARD 10001  /* read only: beacons of others */

#endif
