/* What the monitor does to a network of the kind "user". */
#ifndef FRONTEND_NET_SLIRP_H
#define FRONTEND_NET_SLIRP_H

#include "frontend/net/netdev.h"

#ifdef CONFIG_SLIRP
/* Forward by a rule as of hostfwd=; take that back by its part before the '-'. False with *err. */
bool slirp_forward(struct netdev *d, const char *rule, struct err *err);
bool slirp_unforward(struct netdev *d, const char *rule, struct err *err);
/* Text to be freed. */
char *slirp_connections(const struct netdev *d);
#endif

#endif
