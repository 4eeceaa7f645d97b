/* Leaving nested calls for a place further up, as exceptions of the guest do: what setjmp and
 * longjmp do, without their care for signals and mangled pointers where the compilers can. */
#ifndef CPU_UNWIND_H
#define CPU_UNWIND_H

#include "devices/core/types.h"

#ifdef __x86_64__

struct unwind {
    void *at[5];
};
/* 0 now, and 1 when unwind_to() comes back here. The function must not be inlined and its
 * variables must not change in between. */
#define unwind_here(u) __builtin_setjmp((u)->at)
/* Not from the function that called unwind_here(). */
NORETURN static __attribute__((noinline, unused)) void unwind_to(struct unwind *u)
{
    __builtin_longjmp(u->at, 1);
}

#else

#include <setjmp.h>

struct unwind {
    jmp_buf at;
};
#define unwind_here(u) setjmp((u)->at)
NORETURN static inline void unwind_to(struct unwind *u)
{
    longjmp(u->at, 1);
}

#endif
#endif
