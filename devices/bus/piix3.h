/* The PIIX3 ISA bridge as a board sees it: interrupt routing, reset control and the fast A20 gate.
 */
#ifndef DEVICES_BUS_PIIX3_H
#define DEVICES_BUS_PIIX3_H

#include "devices/bus/pci.h"

extern const struct dev_class piix3_class;

struct piix3_wiring {
    struct irq isa[16];              /* out: PCI interrupts as routed to ISA lines */
    void (*a20)(void *arg, int open); /* out: the gate changed */
    void (*reset)(void *arg, const char *why); /* out: reset of the machine wanted */
    void *arg;
};

/* Between dev_new and dev_start: the bus to sit on (function 1.0; may be NULL) and the wires. */
void piix3_wire(struct dev *dev, struct pci_bus *bus, const struct piix3_wiring *wiring);

/* A PIRQ wire of the PCI bus changed; the type fits pci_bus.set_pirq (arg: the device). */
void piix3_set_pirq(void *dev, int pirq, int level);

/* The keyboard controller's A20 output changed; fits struct irq (sink: the device). The last writer
 * of the two wins. */
void piix3_kbd_a20(void *dev, int n, int level);

/* Port 0xCF9, which the host bridge decodes. */
u8 piix3_rcr_read(void *dev);
void piix3_rcr_write(void *dev, u8 v);

/* Is A20 open? */
bool piix3_a20(struct dev *dev);

#endif
