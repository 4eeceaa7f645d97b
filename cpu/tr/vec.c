/* Vector operations on XMM registers: they stay as they are, for the back end to make host
 * instructions of; only their address, their general register and their flags are spelled out
 * (SDM vol. 1 ch. 10-12). */
#include "cpu/tr/build.h"

static enum ir_type vec_type(unsigned size)
{
    return size == 16 ? I128 : tr_type(size);
}

static bool has_mmx(const struct insn *insn)
{
    for (unsigned n = 0; n < insn->nopnd; n++)
        if (insn->o[n].kind == OPND_MMX)
            return true;
    return false;
}

/* Sixteen bytes in memory must be aligned but for the moves that say otherwise. */
static bool wants_alignment(const struct insn *insn, unsigned size)
{
    return size == 16 && insn->op != OP_MOVUPS && insn->op != OP_MOVUPD && insn->op != OP_MOVDQU &&
           insn->op != OP_LDDQU;
}

static bool memory(struct tr *t, const struct insn *insn, unsigned n)
{
    unsigned size = insn->o[n].size;
    bool store = n == 0;
    enum ir_op op = store                                 ? IR_VECS
                    : op_info[insn->op].writes & F_ALL ? IR_VECLF
                                                          : IR_VECL;
    struct tr_addr ad;
    /* Exec looks at the alignment first and at limits then. */
    if (!size || (wants_alignment(insn, size) && !tr_flat(t, insn->seg)))
        return false;
    ad = tr_ea(t, insn, size, store);
    tr_emit(t, op, vec_type(size), IR_NONE, ad.a, IR_NONE, ad.imm)->b =
        wants_alignment(insn, size) ? 1 : 0;
    return true;
}

bool tr_vector(struct tr *t, const struct insn *insn)
{
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    if (!(t->mode_key & MK_VEC) || has_mmx(insn))
        return false;
    if (d->kind == OPND_MEM && s->kind == OPND_XMM)
        return memory(t, insn, 0);
    if (d->kind == OPND_GPR && s->kind == OPND_XMM) {
        tr_emit(t, IR_VECD, tr_type(d->size), d->reg, IR_NONE, IR_NONE, 0);
        return d->size >= 4;
    }
    if (d->kind != OPND_XMM)
        return false;
    switch (s->kind) {
    case OPND_XMM:
    case OPND_IMM:
        tr_emit(t, op_info[insn->op].writes & F_ALL ? IR_VECF : IR_VEC, I128, IR_NONE, IR_NONE,
                IR_NONE, 0);
        return true;
    case OPND_MEM: return memory(t, insn, 1);
    case OPND_GPR:
        tr_emit(t, IR_VECG, tr_type(s->size < 4 ? 4 : s->size), IR_NONE, s->reg, IR_NONE, 0);
        return true;
    default: return false;
    }
}
