/* Where frames of translated code lie, for debuggers. */
#ifndef CPU_JIT_FRAME_H
#define CPU_JIT_FRAME_H

#include "devices/core/types.h"

/* What translated code of a CPU keeps of its caller: the caller's stack pointer lies in memory at the
 * register `state` + held, all the time. Below it lie the `n` registers of `saved` in the order in
 * which they were pushed, and on top of them the return address. Registers by their DWARF numbers
 * (System V ABI for AMD64, figure 3.36). */
struct jit_frame {
    u64 stubs, stubs_size; /* what is no block */
    bool known;            /* false: only these two */
    u8 state, n, saved[16];
    s32 held;
};

#endif
