/* Integer arithmetic, logic, shifts and bit operations (SDM vol. 2). */
#include "cpu/tr/build.h"

/* dst op= src, for register and memory destinations; `write` is false for CMP and TEST. */
static bool binary(struct tr *t, const struct insn *insn, enum ir_op op, bool write)
{
    enum ir_type type = tr_type(insn->o[0].size);
    struct tr_dest d;
    u8 b, v;
    s64 imm;
    if (!write) {
        u8 a = tr_read(t, insn, 0);
        tr_source(t, insn, 1, &b, &imm);
        tr_emit(t, op, type, IR_NONE, a, b, imm);
        return true;
    }
    if (insn->o[0].kind ==
        OPND_MEM) { /* the source is a register or immediate: no order of faults to keep */
        d = tr_dest_read(t, insn, 0);
        tr_source(t, insn, 1, &b, &imm);
    } else {
        tr_source(t, insn, 1, &b, &imm);
        d = tr_dest_read(t, insn, 0);
    }
    v = tr_dest_target(t, &d);
    tr_emit(t, op, type, v, d.v, b, imm);
    tr_dest_write(t, &d, type, v);
    return true;
}

#define BINARY(id, write)                                                                          \
    bool tr_##id(struct tr *t, const struct insn *insn)                                            \
    {                                                                                              \
        return binary(t, insn, IR_##id, write);                                                    \
    }
BINARY(ADD, true)
BINARY(OR, true)
BINARY(ADC, true)
BINARY(SBB, true)
BINARY(AND, true)
BINARY(SUB, true)
BINARY(XOR, true)
BINARY(CMP, false)
BINARY(TEST, false)

static bool unary(struct tr *t, const struct insn *insn, enum ir_op op)
{
    enum ir_type type = tr_type(insn->o[0].size);
    struct tr_dest d = tr_dest_read(t, insn, 0);
    u8 v = tr_dest_target(t, &d);
    tr_emit(t, op, type, v, d.v, IR_NONE, 0);
    tr_dest_write(t, &d, type, v);
    return true;
}

bool tr_INC(struct tr *t, const struct insn *insn)
{
    return unary(t, insn, IR_INC);
}
bool tr_DEC(struct tr *t, const struct insn *insn)
{
    return unary(t, insn, IR_DEC);
}
bool tr_NEG(struct tr *t, const struct insn *insn)
{
    return unary(t, insn, IR_NEG);
}
bool tr_NOT(struct tr *t, const struct insn *insn)
{
    return unary(t, insn, IR_NOT);
}

static bool shift(struct tr *t, const struct insn *insn, enum ir_op op)
{
    enum ir_type type = tr_type(insn->o[0].size);
    bool by_cl = insn->o[1].kind == OPND_GPR;
    s64 count = (s64)(insn->imm & (insn->o[0].size == 8 ? 63 : 31));
    struct tr_dest d;
    u8 v;
    if (!by_cl && !count)
        return false;
    d = tr_dest_read(t, insn, 0);
    v = tr_dest_target(t, &d);
    tr_emit(t, op, type, v, d.v, by_cl ? REG_CX : IR_NONE, by_cl ? 0 : count);
    tr_dest_write(t, &d, type, v);
    return true;
}

bool tr_SHL(struct tr *t, const struct insn *insn)
{
    return shift(t, insn, IR_SHL);
}
bool tr_SHR(struct tr *t, const struct insn *insn)
{
    return shift(t, insn, IR_SHR);
}
bool tr_SAR(struct tr *t, const struct insn *insn)
{
    return shift(t, insn, IR_SAR);
}
bool tr_ROL(struct tr *t, const struct insn *insn)
{
    return shift(t, insn, IR_ROL);
}
bool tr_ROR(struct tr *t, const struct insn *insn)
{
    return shift(t, insn, IR_ROR);
}

/* Rotates through carry: by one only, where O is defined. */
static bool carry_rotate(struct tr *t, const struct insn *insn, enum ir_op op)
{
    if (insn->o[1].kind == OPND_GPR || (insn->imm & (insn->o[0].size == 8 ? 63 : 31)) != 1)
        return false;
    return unary(t, insn, op);
}

bool tr_RCL(struct tr *t, const struct insn *insn)
{
    return carry_rotate(t, insn, IR_RCL1);
}
bool tr_RCR(struct tr *t, const struct insn *insn)
{
    return carry_rotate(t, insn, IR_RCR1);
}

static bool bit(struct tr *t, const struct insn *insn, enum ir_op op)
{
    enum ir_type type = tr_type(insn->o[0].size);
    bool mem = insn->o[0].kind == OPND_MEM, imm_form = insn->o[1].kind == OPND_IMM;
    s64 n = (s64)(insn->imm & (insn->o[0].size * 8u - 1));
    struct tr_dest d;
    u8 v, b = imm_form ? IR_NONE : insn->o[1].reg;
    if (mem && !imm_form) /* the bit may lie anywhere around the operand */
        return tr_bit_memory(t, insn, op);
    if (op == IR_BT) {
        tr_emit(t, op, type, IR_NONE, tr_read(t, insn, 0), b, imm_form ? n : 0);
        return true;
    }
    d = tr_dest_read(t, insn, 0);
    v = tr_dest_target(t, &d);
    tr_emit(t, op, type, v, d.v, b, imm_form ? n : 0);
    tr_dest_write(t, &d, type, v);
    return true;
}

bool tr_BT(struct tr *t, const struct insn *insn)
{
    return bit(t, insn, IR_BT);
}
bool tr_BTS(struct tr *t, const struct insn *insn)
{
    return bit(t, insn, IR_BTS);
}
bool tr_BTR(struct tr *t, const struct insn *insn)
{
    return bit(t, insn, IR_BTR);
}
bool tr_BTC(struct tr *t, const struct insn *insn)
{
    return bit(t, insn, IR_BTC);
}
