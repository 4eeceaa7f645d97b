/* The USB host controller of the PIIX3: a PCI function with two ports (UHCI 1.1). */
#ifndef DEVICES_USB_UHCI_H
#define DEVICES_USB_UHCI_H

#include "devices/bus/pci.h"
#include "devices/usb/usb.h"

struct uhci_regs {
    u8 cfg[PCI_CFG_SIZE];
    u64 frame_at; /* ns at which the next frame begins; CLOCK_NEVER: stopped */
    u32 base;     /* frame list */
    u16 cmd, sts, intr, frame;
    u16 port[USB_PORTS];
    u8 sof;
    u8 cause; /* of the interrupt bit of sts: completion, short packet */
    u8 pad[6];
};

struct uhci {
    struct dev dev;
    struct uhci_regs r;
    struct pci_func fn;
    struct usb_bus bus;
    struct timer timer;
    u64 quiet_till; /* the CPU sleeps, and frames that begin before this change nothing; else 0 */
};

extern const struct dev_class uhci_class;
bool uhci_plug(struct dev *dev, const struct plug *plug, struct err *err);

/* uhci_frame.c: walk the schedule of one frame. */
void uhci_frame(struct uhci *hc);
/* Until when would the frame with this number change nothing that can be seen, if nobody acts? 0: it does. */
u64 uhci_frame_quiet(struct uhci *hc, u16 frame);

enum {
    UHCI_STS_INT = 1,
    UHCI_STS_ERROR = 2,
    UHCI_STS_RESUME = 4,
    UHCI_STS_HOST = 8,
    UHCI_STS_PROCESS = 0x10,
    UHCI_STS_HALTED = 0x20
};
enum { UHCI_CAUSE_IOC = 1, UHCI_CAUSE_SHORT = 2 };
enum { UHCI_CMD_RUN = 1 };
enum { UHCI_PORT_CONNECTED = 1, UHCI_PORT_ENABLED = 4, UHCI_PORT_SUSPENDED = 0x1000 };

#endif
