/* What the handlers of VEX-encoded vector instructions share: availability, operands of 16 and 32
 * bytes (SDM vol. 1 ch. 14, vol. 2 section 2.4). A vector is its two halves; most operations work on
 * each half alike, with the lane functions of their SSE forms. */
#ifndef CPU_EXEC_AVX_H
#define CPU_EXEC_AVX_H

#include "cpu/exec/sse.h"

/* XCR0 bits that must be on: SSE and AVX. */
enum { XCR0_YMM = 6 };

static inline void avx_begin(struct cpu *cpu)
{
    if (UNLIKELY(!cpu_pm(cpu) || !(cpu->cr4 & CR4_OSXSAVE) ||
                 (cpu->xcr0 & XCR0_YMM) != XCR0_YMM))
        cpu_raise(cpu, EXC_UD);
    if (UNLIKELY(cpu->cr0 & CR0_TS))
        cpu_raise(cpu, EXC_NM);
}

#endif
