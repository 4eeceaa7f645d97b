/* The loudspeaker behind counter 2 of the 8254 and bit 1 of port 0x61. */
#ifndef DEVICES_AUDIO_PCSPK_H
#define DEVICES_AUDIO_PCSPK_H

#include "devices/core/dev.h"
#include "devices/core/ports.h"

struct i8254;

enum { PCSPK_RATE = 48000, PCSPK_TAPS = 16, PCSPK_PHASES = 32, PCSPK_CHUNK = 480 };

struct pcspk_regs {
    u8 level; /* of the membrane's wire, as last heard */
    u8 pad[7];
};

struct pcspk {
    struct dev dev;
    struct pcspk_regs r;
    struct i8254 *pit; /* set before dev_start */
    struct audio_voice *voice;
    struct timer timer;
    bool sounding; /* the timer runs */
    u64 seen;      /* edges before this time are in `step` */
    u64 frame;     /* the next frame to give away */
    s64 sum;       /* of the steps so far, which leaks */
    s32 step[PCSPK_CHUNK + 2 * PCSPK_TAPS]; /* from `frame` on */
    s32 kernel[PCSPK_PHASES][PCSPK_TAPS];   /* of a band-limited step's slope; each row sums to 1 << 15 */
};

extern const struct dev_class pcspk_class;

/* Wire it before it is started: the timer whose edges are heard, and where they are. */
void pcspk_wire(struct dev *dev, struct i8254 *pit, struct audio_out *out);

#endif
