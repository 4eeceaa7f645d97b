/* Moves of MMX and XMM registers, masked and non-temporal stores, MXCSR (SDM vol.
 * 1, 9.4.1, 10.4.1, 11.4.1). */
#include "cpu/exec/sse.h"

/* ---- whole registers ---- */
/* By halves: a host waits when it reads sixteen bytes of which eight were just written. */
static void xmm_copy(union xmm *d, const union xmm *s)
{
    u64 low = s->q[0], high = s->q[1];
    __asm__("" : "+r"(low)); /* or compilers make one move of it */
    d->q[0] = low;
    d->q[1] = high;
}

static void move16(struct cpu *cpu, const struct insn *insn, bool aligned)
{
    union xmm v;
    u64 off;
    sse_begin(cpu);
    if (insn->o[0].kind == OPND_XMM && insn->o[1].kind == OPND_XMM) {
        xmm_copy(&cpu->xmm[insn->o[0].reg & 15], &cpu->xmm[insn->o[1].reg & 15]);
        return;
    }
    if (insn->o[0].kind == OPND_MEM) {
        off = aligned ? vec_aligned(cpu, insn) : ea(cpu, insn);
        vec_store(cpu, insn->seg, off, vec_read(cpu, insn, 1));
        return;
    }
    if (insn->o[1].kind == OPND_MEM && !aligned)
        v = vec_load(cpu, insn->seg, ea(cpu, insn));
    else
        v = vec_read(cpu, insn, 1);
    vec_write(cpu, insn, 0, v);
}

#define MOVE(op, aligned)                                                                          \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        move16(cpu, insn, aligned);                                                                \
    }

MOVE(MOVAPS, true)
MOVE(MOVAPD, true)
MOVE(MOVDQA, true)
MOVE(MOVNTPS, true)
MOVE(MOVNTPD, true)
MOVE(MOVNTDQ, true)
MOVE(MOVNTDQA, true)
MOVE(MOVUPS, false)
MOVE(MOVUPD, false)
MOVE(MOVDQU, false)
MOVE(LDDQU, false)

/* ---- scalars: a load clears the rest of the register, a move between registers keeps it ---- */
static void move_scalar(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    sse_begin(cpu);
    if (d->kind == OPND_MEM) {
        opnd_write(cpu, insn, 0, cpu->xmm[s->reg & 15].q[0] & size_mask(size));
    } else if (s->kind == OPND_XMM) {
        union xmm *x = &cpu->xmm[d->reg & 15];
        x->q[0] = (x->q[0] & ~size_mask(size)) | (cpu->xmm[s->reg & 15].q[0] & size_mask(size));
    } else {
        u64 v = opnd_read(cpu, insn, 1);
        cpu->xmm[d->reg & 15].q[0] = v;
        cpu->xmm[d->reg & 15].q[1] = 0;
    }
}

void exec_MOVSS(struct cpu *cpu, const struct insn *insn)
{
    move_scalar(cpu, insn, 4);
}

void exec_MOVSD_X(struct cpu *cpu, const struct insn *insn)
{
    move_scalar(cpu, insn, 8);
}

/* Half `half` of an XMM register from or to memory. */
static void move_half(struct cpu *cpu, const struct insn *insn, unsigned half)
{
    u64 v;
    sse_begin(cpu);
    if (insn->o[0].kind == OPND_MEM) {
        opnd_write(cpu, insn, 0, vec_read(cpu, insn, 1).q[half]);
        return;
    }
    v = opnd_read(cpu, insn, 1);
    cpu->xmm[insn->o[0].reg & 15].q[half] = v;
}

void exec_MOVLPS(struct cpu *cpu, const struct insn *insn)
{
    move_half(cpu, insn, 0);
}

void exec_MOVLPD(struct cpu *cpu, const struct insn *insn)
{
    move_half(cpu, insn, 0);
}

void exec_MOVHPS(struct cpu *cpu, const struct insn *insn)
{
    move_half(cpu, insn, 1);
}

void exec_MOVHPD(struct cpu *cpu, const struct insn *insn)
{
    move_half(cpu, insn, 1);
}

void exec_MOVHLPS(struct cpu *cpu, const struct insn *insn)
{
    sse_begin(cpu);
    cpu->xmm[insn->o[0].reg & 15].q[0] = vec_read(cpu, insn, 1).q[1];
}

void exec_MOVLHPS(struct cpu *cpu, const struct insn *insn)
{
    sse_begin(cpu);
    cpu->xmm[insn->o[0].reg & 15].q[1] = vec_read(cpu, insn, 1).q[0];
}

/* ---- MOVD and MOVQ: between MMX or XMM registers, general registers and memory ---- */
static void move_low(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    union xmm v = {.q = {0, 0}};
    bool mmx = uses_mmx(insn);
    simd_begin(cpu, insn);
    if (s->kind == OPND_XMM || s->kind == OPND_MMX)
        v.q[0] = vec_read(cpu, insn, 1).q[0];
    else
        v.q[0] = opnd_read(cpu, insn, 1);
    v.q[0] &= size_mask(size);
    if (d->kind != OPND_XMM && d->kind != OPND_MMX)
        opnd_write(cpu, insn, 0, v.q[0]);
    else
        vec_write(cpu, insn, 0, v);
    if (mmx)
        mmx_commit(cpu);
}

void exec_MOVD(struct cpu *cpu, const struct insn *insn)
{
    move_low(cpu, insn, 4);
}

void exec_MOVQ(struct cpu *cpu, const struct insn *insn)
{
    move_low(cpu, insn, 8);
}

void exec_MOVNTQ(struct cpu *cpu, const struct insn *insn)
{
    move_low(cpu, insn, 8);
}

/* MOVQ2DQ and MOVDQ2Q have an operand in each register file. */
static void move_between(struct cpu *cpu, const struct insn *insn)
{
    union xmm v = {.q = {0, 0}};
    sse_begin(cpu);
    mmx_begin(cpu);
    v.q[0] = vec_read(cpu, insn, 1).q[0];
    mmx_commit(cpu);
    vec_write(cpu, insn, 0, v);
}

void exec_MOVQ2DQ(struct cpu *cpu, const struct insn *insn)
{
    move_between(cpu, insn);
}

void exec_MOVDQ2Q(struct cpu *cpu, const struct insn *insn)
{
    move_between(cpu, insn);
}

/* ---- duplications ---- */
void exec_MOVDDUP(struct cpu *cpu, const struct insn *insn)
{
    union xmm v;
    sse_begin(cpu);
    v = vec_read(cpu, insn, 1);
    v.q[1] = v.q[0];
    vec_write(cpu, insn, 0, v);
}

void exec_MOVSHDUP(struct cpu *cpu, const struct insn *insn)
{
    union xmm v;
    sse_begin(cpu);
    v = vec_read(cpu, insn, 1);
    v.d[0] = v.d[1];
    v.d[2] = v.d[3];
    vec_write(cpu, insn, 0, v);
}

void exec_MOVSLDUP(struct cpu *cpu, const struct insn *insn)
{
    union xmm v;
    sse_begin(cpu);
    v = vec_read(cpu, insn, 1);
    v.d[1] = v.d[0];
    v.d[3] = v.d[2];
    vec_write(cpu, insn, 0, v);
}

/* ---- sign masks ---- */
void exec_MOVMSKPS(struct cpu *cpu, const struct insn *insn)
{
    u32 mask = 0;
    union xmm s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    for (unsigned i = 0; i < 4; i++)
        mask |= s.d[i] >> 31 << i;
    opnd_write(cpu, insn, 0, mask);
}

void exec_MOVMSKPD(struct cpu *cpu, const struct insn *insn)
{
    union xmm s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    opnd_write(cpu, insn, 0, s.q[0] >> 63 | s.q[1] >> 63 << 1);
}

/* ---- byte-masked stores to [rDI] ---- */
void exec_MASKMOVQ(struct cpu *cpu, const struct insn *insn)
{
    mmx_begin(cpu);
    masked_store(cpu, insn, vec_read(cpu, insn, 0), vec_read(cpu, insn, 1), 8);
    mmx_commit(cpu);
}

void exec_MASKMOVDQU(struct cpu *cpu, const struct insn *insn)
{
    sse_begin(cpu);
    masked_store(cpu, insn, vec_read(cpu, insn, 0), vec_read(cpu, insn, 1), 16);
}

/* ---- state ---- */
void exec_LDMXCSR(struct cpu *cpu, const struct insn *insn)
{
    u32 v;
    sse_begin(cpu);
    v = (u32)opnd_read(cpu, insn, 0);
    if (v & ~mxcsr_mask(cpu))
        cpu_raise_err(cpu, EXC_GP, 0);
    mxcsr_set(cpu, v);
}

void exec_STMXCSR(struct cpu *cpu, const struct insn *insn)
{
    sse_begin(cpu);
    opnd_write(cpu, insn, 0, cpu->mxcsr);
}

void exec_EMMS(struct cpu *cpu, const struct insn *insn)
{
    mmx_begin(cpu);
    cpu->fpu.top = 0;
    cpu->fpu.empty = 0xff;
}
