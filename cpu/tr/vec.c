/* Vector, MMX and x87 operations: they stay as they are, for the back end to make host instructions
 * of; only their address, their general register and their flags are spelled out (SDM vol. 1
 * ch. 8-12). */
#include "cpu/tr/build.h"

static enum ir_type vec_type(unsigned size)
{
    return size == 16 ? I128 : tr_type(size);
}

/* Sixteen bytes in memory must be aligned but for the moves that say otherwise. */
static bool wants_alignment(const struct insn *insn, unsigned size)
{
    return size == 16 && insn->op != OP_MOVUPS && insn->op != OP_MOVUPD && insn->op != OP_MOVDQU &&
           insn->op != OP_LDDQU;
}

/* Operand n: 0, a destination in memory; 1, a source (the only operand of x87 operations). */
static bool memory(struct tr *t, const struct insn *insn, unsigned n)
{
    bool store = n == 0;
    unsigned size = insn->o[insn->o[n].kind == OPND_MEM ? n : 0].size;
    enum ir_op op = store                                 ? IR_VECS
                    : op_info[insn->op].writes & F_ALL ? IR_VECLF
                                                          : IR_VECL;
    struct tr_addr ad;
    u8 kind = wants_alignment(insn, size) ? IR_ACCESS_ALIGNED : size == 10 ? IR_ACCESS_TEN : 0;
    /* Exec looks at the alignment first and at limits then. */
    if (!size || (wants_alignment(insn, size) && !tr_flat(t, insn->seg)))
        return false;
    ad = tr_ea(t, insn, size, store);
    tr_emit(t, op, size == 10 ? I128 : vec_type(size), IR_NONE, ad.a, IR_NONE, ad.imm)->b = kind;
    return true;
}

static bool stores(unsigned op)
{
    switch (op) {
    case OP_FST:
    case OP_FSTP:
    case OP_FIST:
    case OP_FISTP:
    case OP_FISTTP:
    case OP_FBSTP:
    case OP_FNSTCW:
    case OP_FNSTSW: return true;
    default: return false;
    }
}

/* The pointer to the operand that the unit keeps is an offset: where that is not the address, exec
 * notes it. */
static bool x87(struct tr *t, const struct insn *insn)
{
    const struct opnd *o = &insn->o[0];
    bool flags = op_info[insn->op].writes & F_ALL;
    if (!tr_mode(t, MK_X87))
        return false;
    if (o->kind == OPND_MEM) {
        if (!tr_flat(t, insn->seg) || insn->seg == SEG_CS)
            return false;
        return memory(t, insn, stores(insn->op) ? 0 : 1);
    }
    if (o->kind == OPND_GPR) /* FNSTSW AX */
        tr_emit(t, t->leaves ? IR_VECXD : IR_VECD, I16, o->reg, IR_NONE, IR_NONE, 0);
    else
        tr_emit(t, t->leaves ? (flags ? IR_VECXF : IR_VECX) : flags ? IR_VECF : IR_VEC, I128, IR_NONE, IR_NONE,
                IR_NONE, 0);
    return true;
}

static bool is_vector(const struct opnd *o)
{
    return o->kind == OPND_XMM || o->kind == OPND_MMX;
}

/* MMX operations ask of the unit what x87 operations do: no exception pending, EM and TS clear. */
bool tr_vector(struct tr *t, const struct insn *insn)
{
    unsigned units = insn_units(insn);
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    if (insn->op == OP_WAIT) /* nothing can be pending */
        return tr_mode(t, MK_X87);
    if (op_info[insn->op].attrs & OPA_X87)
        return x87(t, insn);
    if (insn->vl)
        return tr_avx(t, insn);
    if ((units & UNIT_VEC && !tr_mode(t, MK_VEC)) ||
        (units & UNIT_X87 && !tr_mode(t, MK_X87)))
        return false;
    if (d->kind == OPND_MEM && is_vector(s))
        return memory(t, insn, 0);
    if (d->kind == OPND_GPR && is_vector(s)) {
        tr_emit(t, IR_VECD, tr_type(d->size), d->reg, IR_NONE, IR_NONE, 0);
        return d->size >= 4;
    }
    if (!is_vector(d) && insn->op != OP_EMMS)
        return false;
    /* With memory these leave the x87 unit alone in exec, but not on every processor. */
    if (s->kind == OPND_MEM && (insn->op == OP_CVTPI2PS || insn->op == OP_CVTPI2PD))
        return false;
    switch (s->kind) {
    case OPND_NONE:
    case OPND_MMX:
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
