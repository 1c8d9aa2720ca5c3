/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of modes. What each is lies in the file that does it.
 */
#include "app/bench/mode.h"

#include <stddef.h>

const struct mode *const modes[] = {
	&udp_rr_mode, &udp_stream_mode, &tcp_rr_mode, &tcp_crr_mode, &tcp_stream_mode, &tcp_maerts_mode, &tcp_cc_mode, &http_mode,
	&syn_flood_mode, NULL,
};
