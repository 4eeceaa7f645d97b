/* The watchdog of the Intel 6300ESB I/O controller hub: a PCI function with two stages. */
#ifndef DEVICES_WATCHDOG_I6300ESB_H
#define DEVICES_WATCHDOG_I6300ESB_H

#include "devices/bus/pci.h"
#include "devices/core/plug.h"

struct i6300esb_regs {
    u8 cfg[PCI_CFG_SIZE];
    u64 deadline; /* ns of the present stage's end; CLOCK_NEVER: it stands */
    u32 preload[2];
    u8 stage;     /* 0 or 1 */
    u8 unlock;    /* how much of the sequence was seen: 0, 1 or 2 */
    u8 fired;     /* stage 1 raised its interrupt and it was not cleared */
    u8 timed_out; /* stage 2 ended: outlives the reset that follows */
    u8 on;        /* it was enabled when the register was written last */
    u8 pad[3];
};

struct i6300esb {
    struct dev dev;
    struct i6300esb_regs r;
    struct pci_func fn;
    void (*expired)(void *arg);
    void *arg;
    struct timer timer;
};

extern const struct dev_class i6300esb_class;
bool i6300esb_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
