/* Ensoniq AudioPCI ES1370: two DACs and an ADC that hears nothing. */
#ifndef DEVICES_AUDIO_ES1370_H
#define DEVICES_AUDIO_ES1370_H

#include "devices/bus/pci.h"
#include "devices/core/dev.h"
#include "devices/core/plug.h"

enum { ES_CHANNELS = 3 }; /* DAC1, DAC2, ADC */

/* One direction of sound: a buffer in memory that is gone through again and again. */
struct es1370_chan {
    u64 start;  /* ns at which `frames` was 0 */
    u64 frames; /* since then */
    u32 addr, pos; /* of the buffer, and the place in it, in bytes */
    u32 rate;      /* Hz while it runs; 0: it stands */
    u16 size;      /* dwords of the buffer - 1 */
    u16 count, left; /* frames - 1 between interrupts; of them still to come */
    u8 ended;      /* at the buffer's end in stop mode */
    u8 pad[5];
};

struct es1370_regs {
    u8 cfg[PCI_CFG_SIZE];
    struct es1370_chan chan[ES_CHANNELS];
    u32 control, serial, page;
    u8 codec[32];
    u8 pending; /* interrupts, as the low bits of the status register */
    u8 pad[3];
};

struct es1370 {
    struct dev dev;
    struct es1370_regs r;
    struct pci_func pci;
    struct audio_voice *voice[2];
    struct timer timer;
};

extern const struct dev_class es1370_class;

bool es1370_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
