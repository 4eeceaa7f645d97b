/* The 82077AA floppy controller with two drives, as a board sees it. */
#ifndef DEVICES_DISK_FDC_H
#define DEVICES_DISK_FDC_H

#include "devices/core/dev.h"
#include "devices/core/ports.h"
#include "mmu/bus.h"

struct i8237;

extern const struct dev_class fdc_class;

struct fdc_wiring {
    struct irq irq;       /* out: ISA interrupt 6 */
    struct i8237 *dma;    /* channel 2; NULL: polled mode only */
    struct blk *drive[2]; /* NULL: no drive */
};

/* Between dev_new and dev_start. */
void fdc_wire(struct dev *dev, const struct fdc_wiring *wiring);

#endif
