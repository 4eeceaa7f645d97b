/* The PIIX4 power management function as a board sees it: SCI, SMI, power-off and the power button.
 */
#ifndef DEVICES_BUS_PIIX4PM_H
#define DEVICES_BUS_PIIX4PM_H

#include "devices/bus/pci.h"

extern const struct dev_class piix4pm_class;

/* Where the firmware puts the register blocks; the ACPI tables say the same. */
enum { PIIX4_PM_BASE = 0x600, PIIX4_SMB_BASE = 0x700, PIIX4_SCI_IRQ = 9 };

struct piix4pm_wiring {
    struct irq sci;             /* out: to ISA interrupt 9 */
    void (*smi)(void *arg);     /* out: a system management interrupt */
    void (*off)(void *arg);     /* out: the guest switched the machine off (S5) */
    void *arg;
    bool no_smm; /* tell the firmware that SMM is set up already, so that it does not try */
};

/* Between dev_new and dev_start: the bus to sit on (function 1.3; may be NULL) and the wires. */
void piix4pm_wire(struct dev *dev, struct pci_bus *bus, const struct piix4pm_wiring *wiring);

/* Press the power button. */
void piix4pm_button(struct dev *dev);

#endif
