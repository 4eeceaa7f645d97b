/* Debug console: each byte written to a port goes to a character backend. */
#ifndef DEVICES_CHAR_DEBUGCON_H
#define DEVICES_CHAR_DEBUGCON_H

#include "devices/core/dev.h"
#include "devices/core/ports.h"
#include "mmu/bus.h"

struct debugcon_regs {
    u8 last; /* last byte written */
};

struct debugcon {
    struct dev dev;
    struct debugcon_regs r;
    struct chr *chr;
    struct region io;
    u32 base; /* prop: 0xe9 of Bochs, 0x402 of SeaBIOS */
};

extern const struct dev_class debugcon_class;

#endif
