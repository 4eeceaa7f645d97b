/* Exchanges that LOCK is made for (one processor: it changes nothing), and bits of memory by a
 * register (SDM vol. 2 "XADD", "CMPXCHG", "BT"). */
#include "cpu/tr/build.h"

/* The register first: when both are the same, the sum wins. */
bool tr_XADD(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->o[0].size);
    struct tr_dest d = tr_dest_read(t, insn, 0), r = tr_dest_read(t, insn, 1);
    u8 v = tr_temp(t), old = d.v;
    if (d.kind == OPND_GPR) { /* it is about to be written */
        old = tr_temp(t);
        tr_emit(t, IR_MOV, type, old, d.v, IR_NONE, 0);
    }
    tr_emit(t, IR_ADD, type, v, d.v, r.v, 0);
    if (d.kind == OPND_MEM) {
        tr_dest_write(t, &d, type, v);
        tr_dest_write(t, &r, type, old);
    } else {
        tr_dest_write(t, &r, type, old);
        tr_dest_write(t, &d, type, v);
    }
    return true;
}

/* v zero-extended as wide as a register is; flags stay. */
static u8 widened(struct tr *t, enum ir_type type, u8 v)
{
    u8 w = tr_temp(t);
    enum ir_op op = type == I8 ? IR_ZX8 : type == I16 ? IR_ZX16 : IR_MOV;
    tr_emit(t, op, type == I64 ? I64 : I32, w, v, IR_NONE, 0);
    return w;
}

/* The destination keeps or takes a value, the accumulator too: conditional moves as wide as
 * registers, so that what a 32-bit form does not write keeps its upper half. Narrow ones are put
 * together in a temporary first. */
bool tr_CMPXCHG(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->o[0].size), wide = tr_long(t) ? I64 : I32;
    struct tr_dest d = tr_dest_read(t, insn, 0);
    u8 old, src, v, acc;
    if (d.kind == OPND_GPRH || insn->o[1].kind == OPND_GPRH)
        return false;
    old = widened(t, type, d.v);
    src = widened(t, type, insn->o[1].reg);
    tr_emit(t, IR_CMP, type, IR_NONE, REG_AX, old, 0);
    if (d.kind == OPND_GPR && type >= I32) {
        tr_emit(t, IR_CMOV, wide, REG_AX, old, CC_NE, 0);
        if (d.reg == REG_AX) /* compared with itself: equal */
            tr_emit(t, IR_MOV, type, REG_AX, src, IR_NONE, 0);
        else
            tr_emit(t, IR_CMOV, wide, d.reg, src, CC_E, 0);
        return true;
    }
    v = tr_temp(t);
    tr_emit(t, IR_MOV, wide, v, old, IR_NONE, 0);
    tr_emit(t, IR_CMOV, wide, v, src, CC_E, 0);
    if (type >= I32) {
        tr_emit(t, IR_CMOV, wide, REG_AX, old, CC_NE, 0);
        tr_dest_write(t, &d, type, v);
        return true;
    }
    acc = tr_temp(t);
    tr_emit(t, IR_MOV, wide, acc, REG_AX, IR_NONE, 0);
    tr_emit(t, IR_CMOV, wide, acc, old, CC_NE, 0);
    tr_emit(t, IR_MOV, type, REG_AX, acc, IR_NONE, 0);
    tr_dest_write(t, &d, type, v);
    return true;
}

/* CMPXCHG8B and CMPXCHG16B: both halves are checked for writing before anything changes, the second
 * behind the first as exec does. Of the flags only Z changes. */
bool tr_CMPXCHG8B(struct tr *t, const struct insn *insn)
{
    unsigned half = insn->osz == 8 ? 8 : 4;
    enum ir_type type = tr_type(half), wide = tr_long(t) ? I64 : I32;
    static const u8 old_reg[2] = {REG_AX, REG_DX}, new_reg[2] = {REG_BX, REG_CX};
    u8 v[2], place[2], to[2], x[2], flags, z;
    struct tr_addr ad;
    if (insn->o[0].kind != OPND_MEM || insn->asz != (tr_long(t) ? 8 : 4)) /* halves may go round */
        return false;
    ad = tr_ea(t, insn, 2 * half, true);
    if (ad.imm > INT32_MAX - (s32)half) /* the second half's has no room */
        return false;
    if (half == 8) {
        z = tr_temp(t);
        tr_emit(t, IR_LEA, I64, z, ad.a, IR_NONE, (s64)(u32)ad.imm);
        tr_emit(t, IR_BAIL, I32, IR_NONE, z, IR_NONE, 15);
    }
    for (unsigned n = 0; n < 2; n++) {
        v[n] = tr_temp(t);
        place[n] = tr_temp(t);
        tr_emit(t, IR_LDW, type, v[n], ad.a, place[n], ad.imm + (s32)(n * half));
    }
    flags = tr_temp(t);
    tr_emit(t, IR_GETF, I32, flags, IR_NONE, IR_NONE, 0);
    for (unsigned n = 0; n < 2; n++) {
        v[n] = widened(t, type, v[n]);
        x[n] = tr_temp(t);
        tr_emit(t, IR_XOR, type, x[n], v[n], old_reg[n], 0)->flags_out = 0;
    }
    tr_emit(t, IR_OR, type, x[0], x[0], x[1], 0);
    for (unsigned n = 0; n < 2; n++) {
        to[n] = tr_temp(t);
        tr_emit(t, IR_MOV, wide, to[n], v[n], IR_NONE, 0);
        tr_emit(t, IR_CMOV, wide, to[n], new_reg[n], CC_E, 0);
        tr_emit(t, IR_CMOV, wide, old_reg[n], v[n], CC_NE, 0);
    }
    z = tr_temp(t);
    tr_emit(t, IR_SETCC, I8, z, IR_NONE, CC_E, 0);
    for (unsigned n = 0; n < 2; n++)
        tr_emit(t, IR_STW, type, IR_NONE, to[n], place[n], 0);
    tr_emit(t, IR_ZX8, I32, x[1], z, IR_NONE, 0);
    tr_emit(t, IR_SHL, I32, x[1], x[1], IR_NONE, 6)->flags_out = 0;
    tr_emit(t, IR_AND, I32, flags, flags, IR_NONE, F_ALL & ~F_Z)->flags_out = 0;
    tr_emit(t, IR_OR, I32, flags, flags, x[1], 0)->flags_out = 0;
    tr_emit(t, IR_SETF, I32, IR_NONE, flags, IR_NONE, 0);
    return true;
}

/* The memory operand moved by whole words of bit offset, which is signed. */
static struct tr_addr bit_place(struct tr *t, const struct insn *insn, bool write)
{
    unsigned size = insn->o[0].size, shift = (unsigned)__builtin_ctz(size);
    enum ir_type wide = tr_long(t) ? I64 : I32;
    u8 off = tr_offset(t, insn), n = tr_temp(t), v = tr_temp(t);
    enum ir_op op = size == 2 ? IR_SX16 : size == 4 && wide == I64 ? IR_SX32 : IR_MOV;
    tr_emit(t, op, wide, n, insn->o[1].reg, IR_NONE, 0);
    tr_emit(t, IR_SAR, wide, n, n, IR_NONE, 3 + shift)->flags_out = 0;
    tr_emit(t, IR_LEA, tr_type(insn->asz), v, off, n, (s64)((u64)shift << 32));
    return tr_linear(t, insn->seg, v, size, write);
}

bool tr_bit_memory(struct tr *t, const struct insn *insn, enum ir_op op)
{
    enum ir_type type = tr_type(insn->o[0].size);
    struct tr_addr ad = bit_place(t, insn, op != IR_BT);
    u8 v = tr_temp(t), place = op != IR_BT ? tr_temp(t) : IR_NONE;
    if (op == IR_BT) {
        tr_emit(t, IR_LD, type, v, ad.a, IR_NONE, ad.imm);
        tr_emit(t, IR_BT, type, IR_NONE, v, insn->o[1].reg, 0);
        return true;
    }
    tr_emit(t, IR_LDW, type, v, ad.a, place, ad.imm);
    tr_emit(t, op, type, v, v, insn->o[1].reg, 0);
    tr_emit(t, IR_STW, type, IR_NONE, v, place, 0);
    return true;
}
