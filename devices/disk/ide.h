/* The PIIX3 IDE controller as a board sees it: two channels with two drives each, PCI function 1.1.
 */
#ifndef DEVICES_DISK_IDE_H
#define DEVICES_DISK_IDE_H

#include "devices/bus/pci.h"
#include "devices/core/ports.h"

extern const struct dev_class ide_class;

struct ide_wiring {
    struct irq irq[2];    /* out: ISA interrupts 14 and 15 */
    struct blk *drive[4]; /* primary master and slave, secondary master and slave; NULL: none */
};

/* Between dev_new and dev_start: the bus to sit on (may be NULL) and the wires. */
void ide_wire(struct dev *dev, struct pci_bus *bus, const struct ide_wiring *wiring);

#endif
