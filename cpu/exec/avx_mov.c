/* Moves of XMM and YMM registers by VEX instructions: whole, scalar, halves, masked, broadcast; the
 * state (SDM vol. 1 sections 14.1.1 and 14.6, vol. 2 ch. 5). */
#include "cpu/exec/avx.h"

/* ---- whole registers ---- */
static void check_alignment(struct cpu *cpu, const struct insn *insn)
{
    if (mem_address(cpu, insn->seg, ea(cpu, insn)) & (insn->vl - 1u))
        cpu_raise_err(cpu, EXC_GP, 0);
}

static void move_whole(struct cpu *cpu, const struct insn *insn, bool aligned)
{
    union ymm v;
    avx_begin(cpu);
    if (aligned && (insn->o[0].kind == OPND_MEM || insn->o[1].kind == OPND_MEM))
        check_alignment(cpu, insn);
    v = avx_read(cpu, insn, 1);
    if (insn->o[0].kind != OPND_MEM)
        avx_write(cpu, insn, &v);
    else if (insn->vl == 32)
        ymm_store(cpu, insn->seg, ea(cpu, insn), &v);
    else
        vec_store(cpu, insn->seg, ea(cpu, insn), v.h[0]);
}

#define MOVE(op, aligned)                                                                          \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        move_whole(cpu, insn, aligned);                                                            \
    }

MOVE(VMOVAPS, true)
MOVE(VMOVAPD, true)
MOVE(VMOVDQA, true)
MOVE(VMOVNTPS, true)
MOVE(VMOVNTPD, true)
MOVE(VMOVNTDQ, true)
MOVE(VMOVNTDQA, true)
MOVE(VMOVUPS, false)
MOVE(VMOVUPD, false)
MOVE(VMOVDQU, false)
MOVE(VLDDQU, false)

/* ---- scalars: a load clears the rest of the register, three registers merge ---- */
static void move_scalar(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    union xmm d = {.q = {0, 0}};
    avx_begin(cpu);
    if (insn->o[0].kind == OPND_MEM) {
        opnd_write(cpu, insn, 0, cpu->xmm[insn->o[1].reg & 15].q[0] & size_mask(size));
        return;
    }
    if (insn->nopnd == 3) {
        d = cpu->xmm[insn->o[1].reg & 15];
        memcpy(&d, &cpu->xmm[insn->o[2].reg & 15], size);
    } else {
        d.q[0] = opnd_read(cpu, insn, 1);
    }
    xmm_set(cpu, insn->o[0].reg, d);
}

void exec_VMOVSS(struct cpu *cpu, const struct insn *insn)
{
    move_scalar(cpu, insn, 4);
}

void exec_VMOVSD_X(struct cpu *cpu, const struct insn *insn)
{
    move_scalar(cpu, insn, 8);
}

/* Half `to` of the destination is half `from` of a register, or eight bytes of memory; the other
 * half is that of the first source. */
static void move_half(struct cpu *cpu, const struct insn *insn, unsigned to, unsigned from)
{
    union xmm d;
    avx_begin(cpu);
    if (insn->o[0].kind == OPND_MEM) {
        opnd_write(cpu, insn, 0, cpu->xmm[insn->o[1].reg & 15].q[from]);
        return;
    }
    d = cpu->xmm[insn->o[1].reg & 15];
    d.q[to] = insn->o[2].kind == OPND_MEM ? opnd_read(cpu, insn, 2)
                                          : cpu->xmm[insn->o[2].reg & 15].q[from];
    xmm_set(cpu, insn->o[0].reg, d);
}

#define HALF(op, to, from)                                                                         \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        move_half(cpu, insn, to, from);                                                            \
    }

HALF(VMOVLPS, 0, 0)
HALF(VMOVLPD, 0, 0)
HALF(VMOVHPS, 1, 1)
HALF(VMOVHPD, 1, 1)
HALF(VMOVHLPS, 0, 1)
HALF(VMOVLHPS, 1, 0)

/* Between vector registers, general registers and memory. */
static void move_low(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    union xmm v = {.q = {0, 0}};
    avx_begin(cpu);
    v.q[0] = s->kind == OPND_XMM ? cpu->xmm[s->reg & 15].q[0] : opnd_read(cpu, insn, 1);
    v.q[0] &= size_mask(size);
    if (d->kind == OPND_XMM)
        xmm_set(cpu, d->reg, v);
    else
        opnd_write(cpu, insn, 0, v.q[0]);
}

void exec_VMOVD(struct cpu *cpu, const struct insn *insn)
{
    move_low(cpu, insn, 4);
}

void exec_VMOVQ(struct cpu *cpu, const struct insn *insn)
{
    move_low(cpu, insn, 8);
}

/* ---- duplications ---- */
LANE_FN duplicate_low(union xmm *d, const union xmm *s, unsigned n)
{
    d->q[0] = d->q[1] = s->q[0];
}

LANE_FN duplicate_odd(union xmm *d, const union xmm *s, unsigned n)
{
    *d = (union xmm){.d = {s->d[1], s->d[1], s->d[3], s->d[3]}};
}

LANE_FN duplicate_even(union xmm *d, const union xmm *s, unsigned n)
{
    *d = (union xmm){.d = {s->d[0], s->d[0], s->d[2], s->d[2]}};
}

#define LANES_OP(op, fn)                                                                           \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        avx_op(cpu, insn, fn);                                                                     \
    }

LANES_OP(VMOVDDUP, duplicate_low)
LANES_OP(VMOVSHDUP, duplicate_odd)
LANES_OP(VMOVSLDUP, duplicate_even)

/* The low `size` bytes of the source everywhere. */
static void broadcast(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    union ymm s, d;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    for (unsigned i = 0; i < 32; i += size)
        memcpy(&d.b[i], s.b, size);
    avx_write(cpu, insn, &d);
}

#define BROADCAST(op, size)                                                                        \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        broadcast(cpu, insn, size);                                                                \
    }

BROADCAST(VBROADCASTSS, 4)
BROADCAST(VBROADCASTSD, 8)
BROADCAST(VBROADCASTF128, 16)
BROADCAST(VBROADCASTI128, 16)
BROADCAST(VPBROADCASTB, 1)
BROADCAST(VPBROADCASTW, 2)
BROADCAST(VPBROADCASTD, 4)
BROADCAST(VPBROADCASTQ, 8)

/* ---- sign masks ---- */
void exec_VMOVMSKPS(struct cpu *cpu, const struct insn *insn)
{
    u32 mask = 0;
    union ymm s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    for (unsigned i = 0; i < insn->vl / 4u; i++)
        mask |= s.d[i] >> 31 << i;
    opnd_write(cpu, insn, 0, mask);
}

void exec_VMOVMSKPD(struct cpu *cpu, const struct insn *insn)
{
    u64 mask = 0;
    union ymm s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    for (unsigned i = 0; i < insn->vl / 8u; i++)
        mask |= s.q[i] >> 63 << i;
    opnd_write(cpu, insn, 0, mask);
}

/* ---- masked by the sign bits of the elements of a register: the other elements are not touched,
 * and cannot fault. Blocks of bytes, because these never raise #AC. ---- */
static bool element_on(const union ymm *mask, unsigned i, unsigned size)
{
    return mask->b[i * size + size - 1] >> 7;
}

static void masked_move(struct cpu *cpu, const struct insn *insn, unsigned size)
{
    u64 off = ea(cpu, insn), limit = size_mask(insn->asz);
    union ymm mask, v;
    avx_begin(cpu);
    mask = ymm_get(cpu, insn->o[1].reg);
    if (insn->o[0].kind == OPND_MEM) {
        v = ymm_get(cpu, insn->o[2].reg);
        for (unsigned i = 0; i < insn->vl / size; i++)
            if (element_on(&mask, i, size))
                for (unsigned j = 0; j < size; j++)
                    mem_check_write(cpu, insn->seg, (off + i * size + j) & limit, 1);
        for (unsigned i = 0; i < insn->vl / size; i++)
            if (element_on(&mask, i, size))
                mem_write_bytes(cpu, insn->seg, (off + i * size) & limit, &v.b[i * size], size);
        return;
    }
    memset(&v, 0, sizeof(v));
    for (unsigned i = 0; i < insn->vl / size; i++)
        if (element_on(&mask, i, size))
            mem_read_bytes(cpu, insn->seg, (off + i * size) & limit, &v.b[i * size], size);
    avx_write(cpu, insn, &v);
}

#define MASKED(op, size)                                                                           \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        masked_move(cpu, insn, size);                                                              \
    }

MASKED(VMASKMOVPS, 4)
MASKED(VMASKMOVPD, 8)
MASKED(VPMASKMOVD, 4)
MASKED(VPMASKMOVQ, 8)

void exec_VMASKMOVDQU(struct cpu *cpu, const struct insn *insn)
{
    avx_begin(cpu);
    masked_store(cpu, insn, cpu->xmm[insn->o[0].reg & 15], cpu->xmm[insn->o[1].reg & 15], 16);
}

/* ---- state ---- */
void exec_VLDMXCSR(struct cpu *cpu, const struct insn *insn)
{
    u32 v;
    avx_begin(cpu);
    v = (u32)opnd_read(cpu, insn, 0);
    if (v & ~mxcsr_mask(cpu))
        cpu_raise_err(cpu, EXC_GP, 0);
    mxcsr_set(cpu, v);
}

void exec_VSTMXCSR(struct cpu *cpu, const struct insn *insn)
{
    avx_begin(cpu);
    opnd_write(cpu, insn, 0, cpu->mxcsr);
}

/* Outside 64-bit mode registers 8 to 15 stay as they are. */
void exec_VZEROUPPER(struct cpu *cpu, const struct insn *insn)
{
    avx_begin(cpu);
    memset(cpu->ymmh, 0, cpu_long(cpu) ? sizeof(cpu->ymmh) : sizeof(cpu->ymmh) / 2);
}

void exec_VZEROALL(struct cpu *cpu, const struct insn *insn)
{
    exec_VZEROUPPER(cpu, insn);
    memset(cpu->xmm, 0, cpu_long(cpu) ? sizeof(cpu->xmm) : sizeof(cpu->xmm) / 2);
}
