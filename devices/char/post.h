/* The POST card at port 0x80: the last progress code that firmware wrote. */
#ifndef DEVICES_CHAR_POST_H
#define DEVICES_CHAR_POST_H

#include "devices/core/dev.h"
#include "mmu/bus.h"

struct post_regs {
    u8 code;
};

struct post {
    struct dev dev;
    struct post_regs r;
    struct region io;
    void (*changed)(void *arg, u8 code); /* a code was written; may be NULL */
    void *arg;
};

extern const struct dev_class post_class;

#endif
