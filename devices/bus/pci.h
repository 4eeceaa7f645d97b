/* PCI local bus: configuration mechanism 1, type 0 functions with base address registers, INTx
 * routing (PCI 2.1 spec). */
#ifndef DEVICES_BUS_PCI_H
#define DEVICES_BUS_PCI_H

#include "devices/core/types.h"
#include "devices/core/dev.h"
#include "mmu/bus.h"

/* Configuration space offsets and bits of the type 0 header (PCI 2.1 section 6.1). */
enum {
    PCI_VENDOR = 0x00,
    PCI_DEVICE = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION = 0x08,
    PCI_CLASS = 0x09,
    PCI_CACHE_LINE = 0x0c,
    PCI_LATENCY = 0x0d,
    PCI_HEADER = 0x0e,
    PCI_BAR0 = 0x10,
    PCI_SUB_VENDOR = 0x2c,
    PCI_SUB_ID = 0x2e,
    PCI_ROM_BAR = 0x30,
    PCI_CAP_PTR = 0x34,
    PCI_INT_LINE = 0x3c,
    PCI_INT_PIN = 0x3d,
    PCI_CFG_SIZE = 256,
};
enum {
    PCI_CMD_IO = 1,
    PCI_CMD_MEM = 2,
    PCI_CMD_MASTER = 4,
    PCI_CMD_PARITY = 0x40,
    PCI_CMD_SERR = 0x100,
    PCI_CMD_INTX_OFF = 0x400,
    PCI_STATUS_INTX = 8,
    PCI_STATUS_CAPS = 0x10,
    PCI_STATUS_MEDIUM = 0x200,
};

enum { PCI_BARS = 7, PCI_BAR_ROM = 6 };
enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEM, PCI_BAR_MEM_PREF, PCI_BAR_EXPROM };

struct pci_bus;
struct pci_func;

/* One base address register. The device fills region (name, ops + dev or ram, prio); base, size and
 * mapping are PCI's. */
struct pci_bar {
    enum pci_bar_kind kind;
    u32 size; /* bytes, a power of two */
    struct region region;
};

/* What a function says about itself. */
struct pci_ident {
    u16 vendor, device;
    u32 class_code; /* 24 bits: base class, sub class, interface */
    u8 revision;
    u16 sub_vendor, sub_id; /* 0, 0: the platform's (1af4:1100) */
    u8 pin;                 /* 1..4: INTA..INTD, 0: none */
    bool multi;             /* function 0 of a device with several functions */
};

/* One function: embedded in the device's instance. `cfg` points at PCI_CFG_SIZE bytes in the
 * device's saved state. */
struct pci_func {
    struct pci_bus *bus; /* wiring: set with devfn before dev_start; NULL: unreachable by
                            configuration accesses */
    u8 devfn;
    struct dev *dev;
    u8 *cfg;
    const struct pci_ident *ident;
    u8 wmask[PCI_CFG_SIZE]; /* bits that configuration writes change */
    u8 w1c[PCI_CFG_SIZE];   /* bits that writing one clears */
    struct pci_bar bar[PCI_BARS];
    void (*wrote)(struct pci_func *fn, unsigned off,
                  unsigned size); /* after the bytes changed; may be NULL */
    void (*reading)(struct pci_func *fn, unsigned off,
                    unsigned size); /* bring cfg up to date; may be NULL */
    u8 level; /* of its INTx output before the command register's mask */
};

/* The bus behind a host bridge. */
struct pci_bus {
    struct bus *mem, *io;
    struct log *log;
    struct pci_func *fn[256]; /* by devfn */
    void (*set_pirq)(void *arg, int pirq,
                     int level); /* four wires to the ISA bridge; may be NULL */
    void *arg;
    u8 pirq_level[4];
    /* messages that are interrupts, to the local APICs; NULL: functions offer none */
    void (*msi)(void *arg, u64 addr, u32 data);
    void *msi_arg;
};

void pci_bus_init(struct pci_bus *bus, struct bus *mem, struct bus *io, struct log *log);

/* A configuration access: `addr` is the address register (bit 31 enable, bus, devfn, register),
 * `off` (0..3) and `size` (1, 2, 4, aligned) the place in the data port. What nobody answers reads
 * as ones. */
u32 pci_cfg_read(struct pci_bus *bus, u32 addr, unsigned off, unsigned size);
void pci_cfg_write(struct pci_bus *bus, u32 addr, unsigned off, u32 v, unsigned size);

/* From a device's init, after the BARs (kind, size, region) are filled: set up masks and put the
 * function on its bus. */
void pci_func_init(struct pci_func *fn, struct dev *dev, u8 *cfg, const struct pci_ident *ident);
/* From a device's reset: header to its reset values, BARs unmapped; device-specific bytes (0x40 up)
 * are left alone. */
void pci_func_reset(struct pci_func *fn);
/* From a device's loaded: force read-only header bytes back to the truth and map what the restored
 * registers say. */
void pci_func_loaded(struct pci_func *fn);
/* From a device's free. */
void pci_func_free(struct pci_func *fn);

/* Drive the function's interrupt pin; a repeat is dropped. */
void pci_set_intx(struct pci_func *fn, int level);

/* Is bus mastering on? Devices do DMA only then. */
static inline bool pci_master(const struct pci_func *fn)
{
    return fn->cfg[PCI_COMMAND] & PCI_CMD_MASTER;
}

/* Which of the four PIRQ wires (0..3) pin 1..4 of a slot drives: the rotation of the i440FX boards.
 */
static inline unsigned pci_pirq(u8 devfn, u8 pin) { return ((devfn >> 3) - 1u + pin - 1u) & 3; }

#define PCI_DEVFN(dev, fn) ((u8)((dev) << 3 | (fn)))

#endif
