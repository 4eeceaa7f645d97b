/* Moves, extensions, addresses, exchanges, conditional moves and flag instructions (SDM vol. 2). */
#include "cpu/tr/build.h"

bool tr_MOV(struct tr *t, const struct insn *insn)
{
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    enum ir_type type = tr_type(d->size);
    struct tr_addr ad;
    u8 v;
    if (d->kind == OPND_MEM) {
        if (s->kind == OPND_IMM && !t->soft.imm_n) {
            ad = tr_ea(t, insn, d->size, true);
            tr_emit(t, IR_STI, type, IR_NONE, ad.a, IR_NONE, (s64)(insn->imm << 32 | (u32)ad.imm));
            return true;
        }
        v = s->kind == OPND_IMM ? tr_soft_imm(t, type) : tr_read(t, insn, 1);
        ad = tr_ea(t, insn, d->size, true);
        tr_emit(t, IR_ST, type, IR_NONE, ad.a, v, ad.imm);
        return true;
    }
    if (s->kind == OPND_IMM && !t->soft.imm_n) {
        if (d->kind == OPND_GPRH) {
            v = tr_temp(t);
            tr_emit(t, IR_MOVI, I32, v, IR_NONE, IR_NONE, (s64)(insn->imm & 0xff));
            tr_emit(t, IR_SETH, I32, d->reg, v, IR_NONE, 0);
        } else {
            tr_emit(t, IR_MOVI, type, d->reg, IR_NONE, IR_NONE,
                    (s64)(insn->imm & size_mask(d->size)));
        }
        return true;
    }
    if (s->kind == OPND_MEM && d->kind == OPND_GPR) {
        ad = tr_ea(t, insn, s->size, false);
        tr_emit(t, IR_LD, type, d->reg, ad.a, IR_NONE, ad.imm);
        return true;
    }
    v = s->kind == OPND_IMM ? tr_soft_imm(t, type) : tr_read(t, insn, 1);
    if (d->kind == OPND_GPRH)
        tr_emit(t, IR_SETH, I32, d->reg, v, IR_NONE, 0);
    else
        tr_emit(t, IR_MOV, type, d->reg, v, IR_NONE, 0);
    return true;
}

static bool extend(struct tr *t, const struct insn *insn, bool sign)
{
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    enum ir_op reg_op = s->size == 1 ? (sign ? IR_SX8 : IR_ZX8) : (sign ? IR_SX16 : IR_ZX16);
    u8 v;
    if (s->kind == OPND_MEM && !(sign && d->size == 8)) {
        struct tr_addr ad = tr_ea(t, insn, s->size, false);
        v = d->size == 4 ? d->reg : tr_temp(t);
        tr_emit(t, sign ? IR_LDX : IR_LDZ, tr_type(s->size), v, ad.a, IR_NONE, ad.imm);
        if (v != d->reg)
            tr_emit(t, IR_MOV, tr_type(d->size), d->reg, v, IR_NONE, 0);
        return true;
    }
    v = tr_read(t, insn, 1);
    tr_emit(t, reg_op, tr_type(d->size), d->reg, v, IR_NONE, 0);
    return true;
}

bool tr_MOVZX(struct tr *t, const struct insn *insn)
{
    return extend(t, insn, false);
}
bool tr_MOVSX(struct tr *t, const struct insn *insn)
{
    return extend(t, insn, true);
}

bool tr_MOVSXD(struct tr *t, const struct insn *insn)
{
    const struct opnd *d = &insn->o[0];
    u8 v;
    if (insn->o[1].size != 4 || d->size < 4)
        return false;
    v = tr_read(t, insn, 1);
    tr_emit(t, d->size == 8 ? IR_SX32 : IR_MOV, tr_type(d->size), d->reg, v, IR_NONE, 0);
    return true;
}

bool tr_LEA(struct tr *t, const struct insn *insn)
{
    unsigned width = MIN(insn->o[0].size, insn->asz);
    u8 off, base = insn->base < 16 ? insn->base : IR_NONE,
            index = insn->index < 16 ? insn->index : IR_NONE;
    if (insn->o[1].kind != OPND_MEM)
        return false;
    if (width >= 4 && !t->soft.disp_n && (base != IR_NONE || index != IR_NONE)) {
        tr_emit(t, IR_LEA, tr_type(width), insn->o[0].reg, base, index,
                (s64)((u64)insn->scale << 32 | (u32)insn->disp));
        return true;
    }
    off = tr_offset(t, insn);
    tr_emit(t, IR_MOV, tr_type(insn->o[0].size), insn->o[0].reg, off, IR_NONE, 0);
    return true;
}

bool tr_XCHG(struct tr *t, const struct insn *insn)
{
    const struct opnd *d = &insn->o[0], *s = &insn->o[1];
    enum ir_type type = tr_type(d->size);
    if (s->kind != OPND_GPR || d->kind == OPND_GPRH)
        return false;
    if (d->kind == OPND_MEM) {
        struct tr_dest m = tr_dest_read(t, insn, 0);
        tr_emit(t, IR_STW, type, IR_NONE, s->reg, m.place, 0);
        tr_emit(t, IR_MOV, type, s->reg, m.v, IR_NONE, 0);
    } else if (d->reg != s->reg) {
        tr_emit(t, IR_XCHG, type, d->reg, s->reg, IR_NONE, 0);
    } else if (d->size == 4) {
        tr_emit(t, IR_MOV, I32, d->reg, d->reg, IR_NONE, 0);
    }
    return true;
}

bool tr_BSWAP(struct tr *t, const struct insn *insn)
{
    if (insn->o[0].size < 4)
        return false;
    tr_emit(t, IR_BSWAP, tr_type(insn->o[0].size), insn->o[0].reg, insn->o[0].reg, IR_NONE, 0);
    return true;
}

/* CBW, CWDE, CDQE */
bool tr_CBW(struct tr *t, const struct insn *insn)
{
    enum ir_op op = insn->osz == 2 ? IR_SX8 : insn->osz == 4 ? IR_SX16 : IR_SX32;
    tr_emit(t, op, tr_type(insn->osz), REG_AX, REG_AX, IR_NONE, 0);
    return true;
}

bool tr_SETCC(struct tr *t, const struct insn *insn)
{
    const struct opnd *d = &insn->o[0];
    struct tr_addr ad;
    u8 v;
    if (d->kind == OPND_GPR) {
        tr_emit(t, IR_SETCC, I8, d->reg, IR_NONE, insn->cc, 0);
        return true;
    }
    /* The condition first: the address needs host flags. */
    v = tr_temp(t);
    tr_emit(t, IR_SETCC, I8, v, IR_NONE, insn->cc, 0);
    if (d->kind == OPND_GPRH) {
        tr_emit(t, IR_SETH, I32, d->reg, v, IR_NONE, 0);
        return true;
    }
    ad = tr_ea(t, insn, 1, true);
    tr_emit(t, IR_ST, I8, IR_NONE, ad.a, v, ad.imm);
    return true;
}

bool tr_CMOVCC(struct tr *t, const struct insn *insn)
{
    u8 v = tr_read(t, insn, 1);
    tr_emit(t, IR_CMOV, tr_type(insn->o[0].size), insn->o[0].reg, v, insn->cc, 0);
    return true;
}

bool tr_CLC(struct tr *t, const struct insn *insn)
{
    tr_emit(t, IR_CLC, I32, IR_NONE, IR_NONE, IR_NONE, 0);
    return true;
}
bool tr_STC(struct tr *t, const struct insn *insn)
{
    tr_emit(t, IR_STC, I32, IR_NONE, IR_NONE, IR_NONE, 0);
    return true;
}
bool tr_CMC(struct tr *t, const struct insn *insn)
{
    tr_emit(t, IR_CMC, I32, IR_NONE, IR_NONE, IR_NONE, 0);
    return true;
}
bool tr_CLD(struct tr *t, const struct insn *insn)
{
    tr_emit(t, IR_ANDS, I32, IR_NONE, IR_NONE, IR_NONE,
            (s64)((u64)(u32)~FL_DF << 32 | offsetof(struct cpu, eflags)));
    return true;
}
bool tr_STD(struct tr *t, const struct insn *insn)
{
    tr_emit(t, IR_ORS, I32, IR_NONE, IR_NONE, IR_NONE,
            (s64)((u64)FL_DF << 32 | offsetof(struct cpu, eflags)));
    return true;
}

bool tr_LAHF(struct tr *t, const struct insn *insn)
{
    u8 f = tr_temp(t), v = tr_temp(t);
    tr_emit(t, IR_GETF, I32, f, IR_NONE, IR_NONE, 0);
    tr_emit(t, IR_LEA, I32, v, f, IR_NONE,
            FL_ONE); /* bit 1 is set in AH; adding it spares the flags */
    tr_emit(t, IR_SETH, I32, REG_AX, v, IR_NONE, 0);
    return true;
}

bool tr_NOP(struct tr *t, const struct insn *insn)
{
    return true;
}
bool tr_PAUSE(struct tr *t, const struct insn *insn)
{
    return true;
}
