/* The fault handler of the test programs. */
#include "roms/dos/lib/trap.h"

volatile u16 trap_count, trap_ip, trap_cs, trap_flags, trap_resume, trap_want;
volatile u16 trap_trace[TRACE_MAX];

/* Any data segment may be loaded when it is called, so everything is addressed through CS. */
__asm__(".globl trap_handler\n"
        "trap_handler:\n\t"
        "pushw %bp\n\t"
        "movw %sp, %bp\n\t"
        "pushw %ax\n\t"
        "pushw %bx\n\t"
        "movw 2(%bp), %ax\n\t"
        "movw %ax, %cs:trap_ip\n\t"
        "movw %cs:trap_count, %bx\n\t"
        "andw $31, %bx\n\t"
        "addw %bx, %bx\n\t"
        "movw %ax, %cs:trap_trace(%bx)\n\t"
        "movw 4(%bp), %ax\n\t"
        "movw %ax, %cs:trap_cs\n\t"
        "movw 6(%bp), %ax\n\t"
        "movw %ax, %cs:trap_flags\n\t"
        "incw %cs:trap_count\n\t"
        "movw %cs:trap_resume, %ax\n\t"
        "testw %ax, %ax\n\t"
        "jz 1f\n\t"
        "movw %ax, 2(%bp)\n"
        "1:\tpopw %bx\n\t"
        "popw %ax\n\t"
        "popw %bp\n\t"
        "iretw\n");

u32 trap_install(u8 vector)
{
    u32 old = get_vector(vector);

    set_vector(vector, far_code(trap_handler));
    return old;
}
