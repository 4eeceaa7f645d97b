/* Software interrupts from C: load all registers, INT n, store them again. */
#ifndef ROMS_DOS_LIB_INT_H
#define ROMS_DOS_LIB_INT_H

#include "roms/dos/lib/far.h"

/* In the order in which int.S pushes and pops them. */
struct cpu_regs {
    u16 ds, es;
    union {
        struct {
            u32 edi, esi, ebp, unused, ebx, edx, ecx, eax;
        };
        struct {
            u16 di, di_high, si, si_high, bp, bp_high, u0, u1;
            u16 bx, bx_high, dx, dx_high, cx, cx_high, ax, ax_high;
        };
        struct {
            u8 skip[16], bl, bh, b2, b3, dl, dh, d2, d3, cl, ch, c2, c3, al, ah;
        };
    };
    u16 flags;
} PACKED;

/* Execute INT n with the registers of *r and put back what it left. DS and ES of *r of value 0 mean
 * the caller's own segment. */
void cpu_int(u8 n, struct cpu_regs *r);

/* Call segment:offset (segment in the upper half) with the same conventions; it returns by RETF. */
void cpu_far_call(u32 far_address, struct cpu_regs *r);

#endif
