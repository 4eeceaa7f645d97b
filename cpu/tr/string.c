/* String instructions (SDM vol. 2 "MOVS", "STOS", "LODS", "SCAS", "CMPS"): single ones are loads,
 * stores and sums; repeated ones are exec's, run after run. */
#include "cpu/tr/build.h"

/* The offset in index register `reg`, zero-extended from the address size. */
static u8 offset(struct tr *t, const struct insn *insn, u8 reg)
{
    u8 v;
    if (insn->asz == (tr_long(t) ? 8 : 4))
        return reg;
    v = tr_temp(t);
    tr_emit(t, insn->asz == 2 ? IR_ZX16 : IR_MOV, I32, v, reg, IR_NONE, 0);
    return v;
}

static struct tr_addr element(struct tr *t, const struct insn *insn, u8 reg, bool write)
{
    unsigned seg = reg == REG_DI ? SEG_ES : insn->seg;
    return tr_linear(t, seg, offset(t, insn, reg), insn->o[0].size, write);
}

static u8 load(struct tr *t, const struct insn *insn, u8 reg)
{
    struct tr_addr ad = element(t, insn, reg, false);
    u8 v = tr_temp(t);
    tr_emit(t, IR_LD, tr_type(insn->o[0].size), v, ad.a, IR_NONE, ad.imm);
    return v;
}

/* What is to be taken off `size` more for the way that DF says: twice the size, or nothing. */
static u8 backward(struct tr *t, const struct insn *insn)
{
    unsigned size = insn->o[0].size, shift = (unsigned)__builtin_ctz(FL_DF / (2 * size));
    u8 v = tr_temp(t);
    tr_emit(t, IR_LDS, I32, v, IR_NONE, IR_NONE, (s64)offsetof(struct cpu, eflags));
    tr_emit(t, IR_SHR, I32, v, v, IR_NONE, shift)->flags_out = 0;
    tr_emit(t, IR_AND, I32, v, v, IR_NONE, 2 * size)->flags_out = 0;
    return v;
}

/* The next place of index register `reg`; flags stay as they are. */
static u8 next(struct tr *t, const struct insn *insn, u8 reg, u8 back)
{
    enum ir_type type = tr_type(insn->asz);
    u8 v = tr_temp(t);
    tr_emit(t, IR_LEA, type, v, reg, IR_NONE, insn->o[0].size);
    tr_emit(t, IR_SUB, type, v, v, back, 0)->flags_out = 0;
    return v;
}

static void set(struct tr *t, const struct insn *insn, u8 reg, u8 v)
{
    tr_emit(t, IR_MOV, tr_type(insn->asz), reg, v, IR_NONE, 0);
}

static bool repeated(struct tr *t)
{
    tr_mode(t, MK_SEGS); /* the back end looks at them */
    tr_emit(t, IR_EXECR, I32, IR_NONE, IR_NONE, IR_NONE, 0);
    return true;
}

bool tr_MOVS(struct tr *t, const struct insn *insn)
{
    struct tr_addr ad;
    u8 v, back;
    if (insn->rep)
        return repeated(t);
    v = load(t, insn, REG_SI);
    ad = element(t, insn, REG_DI, true);
    tr_emit(t, IR_ST, tr_type(insn->o[0].size), IR_NONE, ad.a, v, ad.imm);
    back = backward(t, insn);
    set(t, insn, REG_SI, next(t, insn, REG_SI, back));
    set(t, insn, REG_DI, next(t, insn, REG_DI, back));
    return true;
}

bool tr_STOS(struct tr *t, const struct insn *insn)
{
    struct tr_addr ad;
    if (insn->rep)
        return repeated(t);
    ad = element(t, insn, REG_DI, true);
    tr_emit(t, IR_ST, tr_type(insn->o[0].size), IR_NONE, ad.a, REG_AX, ad.imm);
    set(t, insn, REG_DI, next(t, insn, REG_DI, backward(t, insn)));
    return true;
}

bool tr_LODS(struct tr *t, const struct insn *insn)
{
    struct tr_addr ad;
    if (insn->rep)
        return repeated(t);
    ad = element(t, insn, REG_SI, false);
    tr_emit(t, IR_LD, tr_type(insn->o[0].size), REG_AX, ad.a, IR_NONE, ad.imm);
    set(t, insn, REG_SI, next(t, insn, REG_SI, backward(t, insn)));
    return true;
}

/* The flags last: they stay in the host's for who reads them. */
bool tr_SCAS(struct tr *t, const struct insn *insn)
{
    u8 v, di;
    if (insn->rep)
        return repeated(t);
    v = load(t, insn, REG_DI);
    di = next(t, insn, REG_DI, backward(t, insn));
    tr_emit(t, IR_CMP, tr_type(insn->o[0].size), IR_NONE, REG_AX, v, 0);
    set(t, insn, REG_DI, di);
    return true;
}

bool tr_CMPS(struct tr *t, const struct insn *insn)
{
    u8 a, b, back, si, di;
    if (insn->rep)
        return repeated(t);
    a = load(t, insn, REG_SI);
    b = load(t, insn, REG_DI);
    back = backward(t, insn);
    si = next(t, insn, REG_SI, back);
    di = next(t, insn, REG_DI, back);
    tr_emit(t, IR_CMP, tr_type(insn->o[0].size), IR_NONE, a, b, 0);
    set(t, insn, REG_SI, si);
    set(t, insn, REG_DI, di);
    return true;
}

/* Ports: single ones are for exec as IN and OUT are. */
bool tr_INS(struct tr *t, const struct insn *insn)
{
    return insn->rep && repeated(t);
}
bool tr_OUTS(struct tr *t, const struct insn *insn)
{
    return insn->rep && repeated(t);
}
