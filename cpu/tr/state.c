/* Flags as data, selectors read, and what does nothing here (SDM vol. 2 "SAHF", "PUSHF", "MOV",
 * "PUSH"). */
#include "cpu/tr/build.h"

bool tr_SAHF(struct tr *t, const struct insn *insn)
{
    u8 v = tr_temp(t);
    struct ir_ins *i;
    tr_emit(t, IR_GETH, I32, v, REG_AX, IR_NONE, 0);
    i = tr_emit(t, IR_SETF, I32, IR_NONE, v, IR_NONE, 0);
    i->flags_out = IRF_ALL & ~IRF_O;
    return true;
}

/* V86 mode has rules of its own. RF is not set in translated code. */
bool tr_PUSHF(struct tr *t, const struct insn *insn)
{
    u8 f, v;
    if (tr_mode(t, MK_VM))
        return false;
    f = tr_temp(t);
    v = tr_temp(t);
    tr_emit(t, IR_GETF, I32, f, IR_NONE, IR_NONE, 0);
    tr_emit(t, IR_LDS, I32, v, IR_NONE, IR_NONE, (s64)offsetof(struct cpu, eflags));
    tr_emit(t, IR_OR, I32, v, v, f, 0)->flags_out = 0;
    tr_emit(t, IR_OR, I32, v, v, IR_NONE, FL_ONE)->flags_out = 0;
    tr_push(t, insn->osz, v, 0);
    return true;
}

static u8 selector(struct tr *t, unsigned seg)
{
    u8 v = tr_temp(t);
    tr_emit(t, IR_LDS, I16, v, IR_NONE, IR_NONE,
            (s64)(offsetof(struct cpu, seg) + seg * sizeof(struct seg) +
                  offsetof(struct seg, sel)));
    return v;
}

/* Only the selector's two bytes are written when a 32-bit operand size moves SP by four; eight are
 * all written. */
bool tr_PUSHSEG(struct tr *t, const struct insn *insn)
{
    u8 v = selector(t, insn->o[0].reg);
    tr_push_part(t, insn->osz, insn->osz == 8 ? I64 : I16, v);
    return true;
}

bool tr_MOVSEG(struct tr *t, const struct insn *insn)
{
    struct tr_addr ad;
    if (insn->o[0].kind == OPND_GPR) {
        tr_emit(t, IR_MOV, tr_type(insn->o[0].size), insn->o[0].reg, selector(t, insn->o[1].reg),
                IR_NONE, 0);
        return true;
    }
    if (insn->o[0].kind != OPND_MEM)
        return false;
    ad = tr_ea(t, insn, 2, true);
    tr_emit(t, IR_ST, I16, IR_NONE, ad.a, selector(t, insn->o[1].reg), ad.imm);
    return true;
}

bool tr_XLAT(struct tr *t, const struct insn *insn)
{
    struct tr_addr ad;
    u8 al = tr_temp(t), off = tr_temp(t);
    tr_emit(t, IR_ZX8, tr_long(t) ? I64 : I32, al, REG_AX, IR_NONE, 0);
    tr_emit(t, IR_LEA, tr_type(insn->asz), off, REG_BX, al, 0);
    ad = tr_linear(t, insn->seg, off, 1, false);
    tr_emit(t, IR_LD, I8, REG_AX, ad.a, IR_NONE, ad.imm);
    return true;
}

bool tr_MOVBE(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->osz);
    struct tr_addr ad;
    u8 v = tr_temp(t);
    if (type < I32)
        return false;
    if (insn->o[0].kind == OPND_GPR) {
        ad = tr_ea(t, insn, insn->osz, false);
        tr_emit(t, IR_LD, type, v, ad.a, IR_NONE, ad.imm);
        tr_emit(t, IR_BSWAP, type, insn->o[0].reg, v, IR_NONE, 0);
        return true;
    }
    ad = tr_ea(t, insn, insn->osz, true);
    tr_emit(t, IR_BSWAP, type, v, insn->o[1].reg, IR_NONE, 0);
    tr_emit(t, IR_ST, type, IR_NONE, ad.a, v, ad.imm);
    return true;
}

bool tr_MOVNTI(struct tr *t, const struct insn *insn)
{
    return tr_MOV(t, insn);
}

bool tr_LFENCE(struct tr *t, const struct insn *insn)
{
    return true;
}
bool tr_MFENCE(struct tr *t, const struct insn *insn)
{
    return true;
}
bool tr_SFENCE(struct tr *t, const struct insn *insn)
{
    return true;
}
bool tr_PREFETCH(struct tr *t, const struct insn *insn)
{
    return true;
}
