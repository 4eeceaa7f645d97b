/* Vector operations with VEX prefixes: as in vec.c, with three or four operands of which one may be
 * memory or a general register (SDM vol. 1 ch. 14). */
#include "cpu/tr/build.h"

static bool wants_alignment(unsigned op)
{
    switch (op) {
    case OP_VMOVAPS:
    case OP_VMOVAPD:
    case OP_VMOVDQA:
    case OP_VMOVNTPS:
    case OP_VMOVNTPD:
    case OP_VMOVNTDQ:
    case OP_VMOVNTDQA: return true;
    default: return false;
    }
}

static bool memory(struct tr *t, const struct insn *insn, unsigned n)
{
    bool flags = op_info[insn->op].writes & F_ALL, align = wants_alignment(insn->op);
    unsigned size = insn->o[n].size;
    struct tr_addr ad;
    /* Exec looks at the alignment first and at limits then. */
    if (!size || (align && !tr_flat(t, insn->seg) && !tr_long(t)))
        return false;
    ad = tr_ea(t, insn, size, n == 0);
    /* The back end knows accesses of 32 bytes from the instruction. */
    tr_emit(t, n == 0 ? IR_VECS : flags ? IR_VECLF : IR_VECL, size >= 16 ? I128 : tr_type(size),
            IR_NONE, ad.a, IR_NONE, ad.imm)
        ->b = align ? IR_ACCESS_ALIGNED : IR_ACCESS_ANY;
    return true;
}

bool tr_avx(struct tr *t, const struct insn *insn)
{
    bool flags = op_info[insn->op].writes & F_ALL;
    if (!tr_mode(t, MK_AVX))
        return false;
    /* Outside of 64-bit code eight registers are meant, which the host cannot say. */
    if ((insn->op == OP_VZEROUPPER || insn->op == OP_VZEROALL) && !tr_long(t))
        return false;
    for (unsigned n = 0; n < insn->nopnd; n++)
        if (insn->o[n].kind == OPND_MEM) /* not from memory to a general register */
            return insn->o[0].kind != OPND_GPR && memory(t, insn, n);
    for (unsigned n = 0; n < insn->nopnd; n++) {
        const struct opnd *o = &insn->o[n];
        if (o->kind == OPND_GPR && n == 0) {
            tr_emit(t, IR_VECD, tr_type(o->size), o->reg, IR_NONE, IR_NONE, 0);
            return o->size >= 4;
        }
        if (o->kind == OPND_GPR) {
            tr_emit(t, IR_VECG, tr_type(o->size < 4 ? 4 : o->size), IR_NONE, o->reg, IR_NONE, 0);
            return true;
        }
    }
    tr_emit(t, flags ? IR_VECF : IR_VEC, I128, IR_NONE, IR_NONE, IR_NONE, 0);
    return true;
}
