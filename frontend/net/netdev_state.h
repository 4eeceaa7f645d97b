/* Frames that wait between an adapter and its network, in snapshots. */
#ifndef FRONTEND_NET_NETDEV_STATE_H
#define FRONTEND_NET_NETDEV_STATE_H

#include "devices/core/snap.h"
#include "frontend/net/netdev.h"

void netdev_save(struct netdev *d, struct snap *snap);
/* What waited is forgotten for what was saved, as far as that is sound. */
void netdev_load(struct netdev *d, struct snap *snap);

#endif
