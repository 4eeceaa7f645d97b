/* Gathers: elements from addresses that a vector of indexes names (SDM vol. 2, VGATHERDPS and the
 * like).
 *
 * The mask says which elements are still to be loaded. Each one that has arrived is written and its
 * mask element cleared before the next is tried, lowest first: after a fault the instruction begins
 * again and goes on where it stopped. At the end the mask and everything above the elements is
 * zero. */
#include "cpu/exec/avx.h"

/* Offset of the element with index i, whose indexes have `isize` bytes. */
static u64 address(const struct cpu *cpu, const struct insn *insn, const union ymm *index,
                   unsigned i, unsigned isize)
{
    s64 x = isize == 4 ? (s32)index->d[i & 7] : (s64)index->q[i & 3];
    u64 a = (u64)insn->disp + ((u64)x << insn->scale);
    if (insn->base < 16)
        a += cpu->gpr[insn->base];
    return a & size_mask(insn->asz);
}

static void gather(struct cpu *cpu, const struct insn *insn, unsigned isize, unsigned size)
{
    union xmm zero = {.q = {0, 0}};
    unsigned n = insn->vl / MAX(isize, size), dest, mask;
    union ymm index, d, m;
    avx_begin(cpu);
    dest = insn->o[0].reg & 15;
    mask = insn->o[2].reg & 15;
    index = ymm_get(cpu, insn->index);
    d = ymm_get(cpu, dest);
    m = ymm_get(cpu, mask);
    for (unsigned i = 0; i < n; i++) {
        if (m.b[i * size + size - 1] >> 7) /* as bytes: gathers raise no #AC */
            mem_read_bytes(cpu, insn->seg, address(cpu, insn, &index, i, isize), &d.b[i * size],
                           size);
        memset(&m.b[i * size], 0, size); /* also of what was left out */
        ymm_set(cpu, dest, &d);
        ymm_set(cpu, mask, &m);
    }
    memset(&d.b[n * size], 0, sizeof(d) - n * size);
    ymm_set(cpu, dest, &d);
    cpu->xmm[mask] = cpu->ymmh[mask] = zero;
}

#define GATHER(op, isize, size)                                                                    \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        gather(cpu, insn, isize, size);                                                            \
    }

GATHER(VPGATHERDD, 4, 4)
GATHER(VPGATHERDQ, 4, 8)
GATHER(VPGATHERQD, 8, 4)
GATHER(VPGATHERQQ, 8, 8)
GATHER(VGATHERDPS, 4, 4)
GATHER(VGATHERDPD, 4, 8)
GATHER(VGATHERQPS, 8, 4)
GATHER(VGATHERQPD, 8, 8)
