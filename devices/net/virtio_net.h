/* virtio-net: a network adapter for guests that know virtio (VIRTIO 1.1, section 5.1). */
#ifndef DEVICES_NET_VIRTIO_NET_H
#define DEVICES_NET_VIRTIO_NET_H

#include "devices/net/nic.h"
#include "devices/virtio/virtio.h"

enum { VNET_TABLE = 64, VNET_VLANS = 128 };

struct virtio_net_regs {
    struct virtio_regs v;
    u32 vlan[VNET_VLANS]; /* a bit per tag that is let in */
    u8 mac[MAC_LEN];
    u8 rx[6]; /* by command: promiscuous, all multicast, all unicast, no multicast, no unicast, no broadcast */
    u8 uni, multi;           /* addresses in the table: first those of adapters, then those of groups */
    u8 uni_over, multi_over; /* there were more than it holds: all are let in */
    u8 table[VNET_TABLE * MAC_LEN];
    u8 link_down; /* the cable is out */
    u8 pad[7];
};

struct virtio_net {
    struct virtio v;
    struct virtio_net_regs r;
    struct net *net;
    struct nic_rom rom;
    char *mac_text;
    u8 mac[MAC_LEN];
    u8 buf[NIC_FRAME_MAX]; /* the frame at hand; nothing between calls */
};

extern const struct dev_class virtio_net_class;
bool virtio_net_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
