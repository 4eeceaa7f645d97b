/* Looking at faults from inside a .COM program: a handler that notes where the fault was and goes
 * on elsewhere. */
#ifndef ROMS_DOS_LIB_TRAP_H
#define ROMS_DOS_LIB_TRAP_H

#include "roms/dos/lib/far.h"

enum { TRACE_MAX = 32 };

/* What the handler saw: number of interrupts, and the last one's return address and flags. */
extern volatile u16 trap_count, trap_ip, trap_cs, trap_flags;
/* Where to go on; 0: where the interrupt was. */
extern volatile u16 trap_resume;
/* The address that FAULT's instruction has. */
extern volatile u16 trap_want;
/* The first return addresses, for single steps. */
extern volatile u16 trap_trace[TRACE_MAX];

void trap_handler(void);
/* Point the vector at the handler; returns what it was. */
u32 trap_install(u8 vector);

/* Execute one instruction that may fault, with `setup` before; then trap_count, trap_ip and so on
 * tell what happened. Both are assembly text; they may use EAX, ECX, EDX and EBX. */
#define FAULT(setup, instruction)                                                                  \
    do {                                                                                           \
        trap_count = 0;                                                                            \
        __asm__ volatile("movw $772f, trap_resume\n\tmovw $771f, trap_want\n\t" setup              \
                         "\n771:\t" instruction "\n772:\n"                                         \
                         :                                                                         \
                         :                                                                         \
                         : "eax", "ecx", "edx", "ebx", "memory", "cc");                            \
    } while (0)

#endif
