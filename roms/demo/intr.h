/* Interrupts and exceptions of the demo: descriptor tables, and a C function for each vector. */
#ifndef ROMS_DEMO_INTR_H
#define ROMS_DEMO_INTR_H

#include "devices/core/types.h"

enum {
    VEC_DIVIDE = 0,
    VEC_BREAKPOINT = 3,
    VEC_PAGE_FAULT = 14,
    VEC_IRQ0 = 0x20, /* sixteen hardware lines follow */
    VEC_DEMO = 0x30, /* a vector for INT n */
    VEC_COUNT = 0x31,
};

/* The registers as intr.S pushes them; what a handler changes takes effect when it returns. */
struct regs {
    u32 edi, esi, ebp, esp, ebx, edx, ecx, eax;
    u32 vector, error;
    u32 eip, cs, eflags;
};

typedef void intr_fn(struct regs *r);

/* Load our own descriptor tables and move the hardware interrupts to VEC_IRQ0, all masked. */
void intr_init(void);
/* Call `fn` for that vector (NULL: an unexpected one, which stops the demo with a dump). */
void intr_handle(unsigned vector, intr_fn *fn);
/* Let hardware line `irq` through. */
void intr_unmask(unsigned irq);
/* Entered from intr.S. */
void intr_dispatch(struct regs *r);

#endif
