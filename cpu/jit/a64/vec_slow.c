/* The way out of line for vector operations whose operands or results are none that the host treats
 * like x86: exec does them, between two operations of the block, and the block goes on. They raise
 * no exceptions: all are masked where translated code has vector operations. */
#include "cpu/jit/a64/vec.h"

void em_vec_slow(const struct vop *o, u8 *from, u8 *from2)
{
    const struct opnd *d = &o->insn->o[0];
    u32 what = o->insn->op | (u32)o->imm << BE_VEC_IMM;
    if (d->kind == OPND_GPR)
        what |= BE_VEC_GPR | (d->size == 8 ? BE_VEC_WIDE : 0u);
    else
        what |= (d->reg & 15u) << BE_VEC_D;
    what |= o->s == V_MEM ? BE_VEC_MEM : (o->s - V_XMM) << BE_VEC_S;
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
    em_call_stub(e, e->stubs->vec_slow);
    if (c->reg == XZR)
        em_flags_in(&e->a);
    else if (c->reg != NOREG && c->reg != SCR)
        as_mov(&e->a, true, c->reg, SCR);
    as_b_to(&e->a, c->back);
}
