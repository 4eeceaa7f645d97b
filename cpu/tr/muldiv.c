/* Multiplication and division with one operand, double shifts, scans and counts of bits (SDM vol.
 * 2). */
#include "cpu/tr/build.h"

/* MUL, DIV, IDIV and the short form of IMUL: rDX:rAX is implied. */
static bool one_operand(struct tr *t, const struct insn *insn, enum ir_op op)
{
    tr_emit(t, op, tr_type(insn->o[0].size), IR_NONE, tr_read(t, insn, 0), IR_NONE, 0);
    return true;
}

bool tr_MUL(struct tr *t, const struct insn *insn)
{
    return one_operand(t, insn, IR_MULU);
}
bool tr_DIV(struct tr *t, const struct insn *insn)
{
    return one_operand(t, insn, IR_DIVU);
}
bool tr_IDIV(struct tr *t, const struct insn *insn)
{
    return one_operand(t, insn, IR_DIVS);
}

bool tr_IMUL(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->o[0].size);
    u8 reg = insn->o[0].reg, b;
    s64 imm;
    if (insn->nopnd == 1)
        return one_operand(t, insn, IR_MULS);
    if (insn->nopnd == 2) {
        tr_source(t, insn, 1, &b, &imm);
        tr_emit(t, IR_IMUL, type, reg, reg, b, imm);
    } else {
        b = tr_read(t, insn, 1);
        imm = sext(insn->imm, insn->o[2].size * 8u);
        tr_emit(t, IR_IMUL, type, reg, b, IR_NONE, imm);
    }
    return true;
}

/* CWD, CDQ, CQO: copies of the sign */
bool tr_CWD(struct tr *t, const struct insn *insn)
{
    tr_emit(t, IR_SAR, tr_type(insn->osz), REG_DX, REG_AX, IR_NONE, 8 * insn->osz - 1)->flags_out =
        0;
    return true;
}

/* 16 bits are for exec, which knows what counts above 16 do. */
static bool double_shift(struct tr *t, const struct insn *insn, enum ir_op op)
{
    enum ir_type type = tr_type(insn->o[0].size);
    bool by_cl = insn->o[2].kind == OPND_GPR;
    s64 count = (s64)(insn->imm & (insn->o[0].size == 8 ? 63 : 31));
    struct tr_dest d;
    if (type < I32 || (!by_cl && !count))
        return false;
    d = tr_dest_read(t, insn, 0);
    tr_emit(t, op, type, d.v, insn->o[1].reg, by_cl ? REG_CX : IR_NONE, by_cl ? 0 : count);
    tr_dest_write(t, &d, type, d.v);
    return true;
}

bool tr_SHLD(struct tr *t, const struct insn *insn)
{
    return double_shift(t, insn, IR_SHLD);
}
bool tr_SHRD(struct tr *t, const struct insn *insn)
{
    return double_shift(t, insn, IR_SHRD);
}

static bool scan(struct tr *t, const struct insn *insn, enum ir_op op)
{
    u8 v = tr_read(t, insn, 1);
    tr_emit(t, op, tr_type(insn->o[0].size), insn->o[0].reg, v, IR_NONE, 0);
    return true;
}

bool tr_BSF(struct tr *t, const struct insn *insn)
{
    return scan(t, insn, IR_BSF);
}
bool tr_BSR(struct tr *t, const struct insn *insn)
{
    return scan(t, insn, IR_BSR);
}
bool tr_TZCNT(struct tr *t, const struct insn *insn)
{
    return scan(t, insn, IR_TZCNT);
}
bool tr_LZCNT(struct tr *t, const struct insn *insn)
{
    return scan(t, insn, IR_LZCNT);
}
bool tr_POPCNT(struct tr *t, const struct insn *insn)
{
    return scan(t, insn, IR_POPCNT);
}

/* VEX encodings are for protected mode; exec raises the exception. */
static bool vex_allowed(const struct tr *t)
{
    return tr_mode(t, MK_PE) && !tr_mode(t, MK_VM);
}

bool tr_ANDN(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->osz);
    u8 v, n;
    if (!vex_allowed(t))
        return false;
    v = tr_read(t, insn, 2);
    n = tr_temp(t);
    tr_emit(t, IR_NOT, type, n, insn->o[1].reg, IR_NONE, 0);
    tr_emit(t, IR_AND, type, insn->o[0].reg, n, v, 0);
    return true;
}

/* MUL around which AX and DX are put aside. The high half last: it wins when both destinations are
 * one register. */
bool tr_MULX(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->osz), wide = tr_long(t) ? I64 : I32;
    u8 v, ax, dx, lo, hi;
    if (!vex_allowed(t))
        return false;
    v = tr_read(t, insn, 2);
    ax = tr_temp(t);
    dx = tr_temp(t);
    lo = tr_temp(t);
    hi = tr_temp(t);
    tr_emit(t, IR_MOV, wide, ax, REG_AX, IR_NONE, 0);
    tr_emit(t, IR_MOV, wide, dx, REG_DX, IR_NONE, 0);
    if (v != REG_AX)
        tr_emit(t, IR_MOV, type, REG_AX, v, IR_NONE, 0);
    tr_emit(t, IR_MULU, type, IR_NONE, REG_DX, IR_NONE, 0)->flags_out = 0;
    tr_emit(t, IR_MOV, type, lo, REG_AX, IR_NONE, 0);
    tr_emit(t, IR_MOV, type, hi, REG_DX, IR_NONE, 0);
    tr_emit(t, IR_MOV, wide, REG_AX, ax, IR_NONE, 0);
    tr_emit(t, IR_MOV, wide, REG_DX, dx, IR_NONE, 0);
    tr_emit(t, IR_MOV, type, insn->o[1].reg, lo, IR_NONE, 0);
    tr_emit(t, IR_MOV, type, insn->o[0].reg, hi, IR_NONE, 0);
    return true;
}

/* Shifts of BMI2: no flags, counts in any register. */
static bool plain_shift(struct tr *t, const struct insn *insn, enum ir_op op)
{
    u8 v;
    if (!vex_allowed(t))
        return false;
    v = tr_read(t, insn, 1);
    tr_emit(t, op, tr_type(insn->osz), insn->o[0].reg, v, insn->o[2].reg, 0)->flags_out = 0;
    return true;
}

bool tr_SHLX(struct tr *t, const struct insn *insn)
{
    return plain_shift(t, insn, IR_SHL);
}
bool tr_SHRX(struct tr *t, const struct insn *insn)
{
    return plain_shift(t, insn, IR_SHR);
}
bool tr_SARX(struct tr *t, const struct insn *insn)
{
    return plain_shift(t, insn, IR_SAR);
}
bool tr_RORX(struct tr *t, const struct insn *insn)
{
    unsigned n = insn->imm & (8u * insn->osz - 1);
    u8 v;
    if (!n || !vex_allowed(t))
        return false;
    v = tr_read(t, insn, 1);
    tr_emit(t, IR_ROR, tr_type(insn->osz), insn->o[0].reg, v, IR_NONE, n)->flags_out = 0;
    return true;
}
