/* The core that both NE2000 adapters share: a DP8390 with its buffer memory. */
#ifndef DEVICES_NET_NE2000_INT_H
#define DEVICES_NET_NE2000_INT_H

#include "devices/core/bits.h"
#include "devices/net/ne2000.h"
#include "devices/net/nic.h"

enum { NE_PORTS = 0x20, NE_MEM_START = 0x4000, NE_MEM_END = 0xc000 };

struct ne2000_regs {
    u8 cfg[PCI_CFG_SIZE]; /* of the PCI one */
    u8 cr, pstart, pstop, bnry, tpsr, tsr, isr, imr, rcr, tcr, dcr, rsr, curr, missed;
    u8 par[MAC_LEN], mar[8];
    u16 tbcr, rsar, rbcr, crda;
    u8 eecr;
    u8 link_down; /* the cable is out */
    u8 pad[2];
    u8 mem[NE_MEM_END - NE_MEM_START];
};

struct ne2000 {
    struct dev dev;
    struct ne2000_regs r;
    struct net *net;
    char *mac_text;
    u8 mac[MAC_LEN];
    bool pci; /* which of them it is */
    struct pci_func fn;
    struct nic_rom rom;
    struct irq out; /* ISA */
    u32 base, irq;
    struct region io;
};

extern const struct field ne2000_fields[];
extern const struct region_ops ne2000_ops;

bool ne2000_core_init(struct ne2000 *n, struct err *err);
void ne2000_core_reset(struct ne2000 *n);
void ne2000_core_loaded(struct ne2000 *n);
void ne2000_core_free(struct ne2000 *n);

#endif
