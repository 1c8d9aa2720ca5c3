/* SPDX-License-Identifier: Apache-2.0 */
#ifndef APP_LISTENER_H
#define APP_LISTENER_H

#include "app/millrace/service.h"

/* Listen on an address over one of SERVICE_*. @return 0 or -errno; l->ep is then NULL */
int listener_open(struct listener *l, struct instance *inst, unsigned proto, const struct mr_sockaddr *sa);

#endif
