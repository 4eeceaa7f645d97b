/* The registers of whoever called an interrupt or far-call handler of ours (handler.inc). */
#ifndef ROMS_DOS_LIB_FRAME_H
#define ROMS_DOS_LIB_FRAME_H

#include "roms/dos/lib/far.h"

/* As pushed by handler.inc. For a far call there are no flags behind the return address. */
struct frame16 {
    u16 gs, fs, es, ds;
    union {
        struct {
            u32 edi, esi, ebp, esp, ebx, edx, ecx, eax;
        };
        struct {
            u16 di, di_high, si, si_high, bp, bp_high, sp, sp_high;
            u16 bx, bx_high, dx, dx_high, cx, cx_high, ax, ax_high;
        };
        struct {
            u8 skip[16], bl, bh, b2, b3, dl, dh, d2, d3, cl, ch, c2, c3, al, ah;
        };
    };
    u16 ip, cs, flags;
} PACKED;

/* Where the caller's stack was when the handler took over. The handler may change it: the kernel
 * leaves to another program that way. */
extern u16 caller_ss, caller_sp;

/* Called by the entry code: copies the frame in, calls fn, copies it back to where
 * caller_ss:caller_sp points then. */
void handler_call(void (*fn)(struct frame16 *f));

#endif
