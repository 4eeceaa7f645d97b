/* The i440FX host bridge as a board sees it: PCI bus, shadow RAM (PAM) and SMRAM control. */
#ifndef DEVICES_BUS_I440FX_H
#define DEVICES_BUS_I440FX_H

#include "devices/bus/pci.h"
#include "mmu/ram.h"

extern const struct dev_class i440fx_class;

/* Between dev_new and dev_start: the RAM below 4 GiB, whose bytes 0xA0000-0xFFFFF the bridge maps.
 */
void i440fx_wire(struct dev *dev, struct ram *low);

/* Byte accesses to port 0xCF9, which lies inside the address register, belong to the ISA bridge. */
void i440fx_connect_rcr(struct dev *dev, u8 (*read)(void *arg), void (*write)(void *arg, u8 v),
                        void *arg);

/* The bus; valid after dev_new, so that functions can be created before the bridge is started. */
struct pci_bus *i440fx_bus(struct dev *dev);

/* A CPU entered (1) or left (0) system management mode: SMRAM opens for it when the guest enabled
 * that. */
void i440fx_set_smm(struct dev *dev, int in_smm);

#endif
