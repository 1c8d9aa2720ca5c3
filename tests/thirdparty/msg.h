/* SPDX-License-Identifier: Apache-2.0 */
/* What programs know of the message protocol: an endpoint is bound, connected to a peer, and sends one message at a
 * time. */
#ifndef THIRDPARTY_MSG_H
#define THIRDPARTY_MSG_H

#define MSG_PROTO 253 /* RFC 3692: for experiments */

#endif
