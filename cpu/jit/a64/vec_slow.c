/* The way out of line for vector operations whose operands or results are none that the host treats
 * like x86: exec does them, between two operations of the block, and the block goes on. They raise
 * no exceptions: all are masked where translated code has vector operations. */
#include "cpu/exec/exec.h"
#include "cpu/jit/a64/vec.h"

/* What the stub hands on: operation, registers, immediate, and how operands are. */
enum {
    SLOW_D = 11,
    SLOW_S = 15,
    SLOW_IMM = 19,
    SLOW_MEM = 1 << 27,  /* the source is in V_MEM */
    SLOW_GPR = 1 << 28,  /* the result is a general register's */
    SLOW_WIDE = 1 << 29, /* ... of 64 bits */
};
_Static_assert(OP__COUNT <= 1 << SLOW_D, "an operation's number has its place");

static u64 slow(struct cpu *cpu, const union xmm *mem, u64 unused, u32 what)
{
    struct insn insn = {.op = (u16)(what & ((1u << SLOW_D) - 1)), .nopnd = 2};
    unsigned d = what >> SLOW_D & 15, s = what >> SLOW_S & 15;
    u64 gpr = cpu->gpr[0], result;
    union xmm keep;
    insn.imm = what >> SLOW_IMM & 0xff;
    if (what & SLOW_MEM)
        s = (d + 1) & 7;
    keep = cpu->xmm[s];
    if (what & SLOW_MEM)
        cpu->xmm[s] = *mem;
    insn.o[0] = what & SLOW_GPR ? (struct opnd){OPND_GPR, 0, what & SLOW_WIDE ? 8 : 4}
                                : (struct opnd){OPND_XMM, (u8)d, 16};
    insn.o[1] = (struct opnd){OPND_XMM, (u8)s, 16};
    exec_table[insn.op](cpu, &insn);
    if (what & SLOW_MEM)
        cpu->xmm[s] = keep;
    result = cpu->gpr[0];
    if (what & SLOW_GPR)
        cpu->gpr[0] = gpr;
    return result;
}

const void *em_vec_slow_helper(void)
{
    return (const void *)(uintptr_t)slow;
}

void em_vec_slow(const struct vop *o, u8 *from, u8 *from2)
{
    const struct opnd *d = &o->insn->o[0];
    u32 what = o->insn->op | (u32)o->imm << SLOW_IMM;
    if (d->kind == OPND_GPR)
        what |= SLOW_GPR | (d->size == 8 ? SLOW_WIDE : 0u);
    else
        what |= (d->reg & 15u) << SLOW_D;
    what |= o->s == V_MEM ? SLOW_MEM : (o->s - V_XMM) << SLOW_S;
    em_cold(o->e, COLD_VEC, o->i, from, NULL, what);
    if (o->e->ncold)
        o->e->cold[o->e->ncold - 1].from2 = from2;
}

/* The result is in a general register, NOREG: none; or the flags are one (XZR). */
void em_vec_slow_back(const struct vop *o, unsigned r)
{
    for (u32 k = o->e->ncold; k-- > 0;) {
        struct cold *c = &o->e->cold[k];
        if (c->kind != COLD_VEC || c->back)
            break;
        c->back = o->a->p;
        c->reg = (u8)r;
    }
}

void em_vec_cold(struct em *e, const struct cold *c)
{
    as_mov_imm(&e->a, SCR2, c->arg);
    as_bl_to(&e->a, codebuf_rw(e->buf, e->stubs->vec_slow));
    if (c->reg == XZR)
        em_flags_in(&e->a);
    else if (c->reg != NOREG && c->reg != SCR)
        as_mov(&e->a, true, c->reg, SCR);
    as_b_to(&e->a, c->back);
}
