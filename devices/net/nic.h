/* What network adapters have in common: their address, the hash of multicast addresses, checksums,
 * and their boot ROM. */
#ifndef DEVICES_NET_NIC_H
#define DEVICES_NET_NIC_H

#include "devices/bus/pci.h"
#include "devices/core/plug.h"
#include "mmu/ram.h"

enum { MAC_LEN = 6, ETH_HEADER = 14, ETH_MIN = 60, ETH_MAX = 1514, ETH_FCS = 4, ETH_VLAN = 4 };
/* The largest frame that is ever handed to the host's end at once. */
enum { NIC_FRAME_MAX = 65536 + 64 };

/* "52:54:00:12:34:56"; NULL is that very address. Refuses what is none, and groups' addresses. */
bool nic_parse_mac(const char *text, u8 mac[MAC_LEN], struct err *err);
/* Are these the six bytes of an Ethernet broadcast? */
bool nic_broadcast(const u8 *addr);
/* The CRC of IEEE 802.3 over n bytes, first bit of the wire in bit 31: its upper bits choose a bit
 * of multicast filters. */
u32 nic_crc(const u8 *p, size_t n);

/* One's complement sum of n bytes as 16-bit big-endian words, added to `sum`; the result is not
 * inverted and fits 16 bits. An odd last byte counts as the upper one. */
u16 nic_sum(u32 sum, const u8 *p, size_t n);

/* What checksums of a received frame are found right. */
struct nic_csum {
    bool ip, ip_ok; /* an IPv4 header was there; its sum is right */
    bool l4, l4_ok; /* a whole TCP or UDP segment with a sum was there; its sum is right */
    bool tcp;       /* else UDP */
};
struct nic_csum nic_check(const u8 *frame, size_t n);

/* A frame to the host; NULL: nobody there. */
static inline void nic_send(struct net *net, const u8 *frame, size_t n)
{
    if (net && net->ops)
        net->ops->send(net, frame, n);
}
/* The device can take frames again. Frames come later, not inside. */
static inline void nic_ready(struct net *net)
{
    if (net && net->ready)
        net->ready(net);
}

/* The device goes away. */
static inline void nic_leave(struct net *net)
{
    net->take = NULL, net->can_take = NULL;
    net->set_link = NULL, net->link = NULL;
}

/* The boot ROM of `plug` as the function's expansion ROM: before pci_func_init. */
struct nic_rom {
    struct ram_space *space;
    const u8 *data;
    size_t len;
    struct ram ram;
};
void nic_rom_wire(struct nic_rom *rom, const struct plug *plug);
bool nic_rom_init(struct nic_rom *rom, struct pci_func *fn, const char *name,
                  const struct pci_ident *ident, struct err *err);
void nic_rom_free(struct nic_rom *rom);

#endif
