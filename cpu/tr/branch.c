/* Stack operations and near branches (SDM vol. 2). Segment limits of CS were looked at when the
 * mode was chosen: a 16-bit segment reaches 64 KiB, a 32-bit one 4 GiB, so only targets beyond 64
 * KiB from 16-bit code are left to exec_. */
#include "cpu/tr/build.h"

bool tr_PUSH(struct tr *t, const struct insn *insn)
{
    u8 b;
    s64 imm;
    unsigned size = insn->osz;
    if (insn->o[0].kind == OPND_IMM && !t->soft.imm_n) {
        tr_push(t, size, IR_NONE, (s64)insn->imm);
        return true;
    }
    if (insn->o[0].kind == OPND_IMM)
        b = tr_soft_imm(t, tr_type(size));
    else
        tr_source(t, insn, 0, &b, &imm);
    tr_push(t, size, b, 0);
    return true;
}

bool tr_POP(struct tr *t, const struct insn *insn)
{
    struct tr_addr ad;
    unsigned size = insn->osz;
    u8 v;
    if (insn->o[0].kind == OPND_MEM) {
        if (insn->base == REG_SP) /* addressed with the stack pointer already moved */
            return false;
        ad = tr_top(t, 0, size);
        v = tr_temp(t);
        tr_emit(t, IR_LD, tr_type(size), v, ad.a, IR_NONE, ad.imm);
        ad = tr_ea(t, insn, size, true);
        tr_emit(t, IR_ST, tr_type(size), IR_NONE, ad.a, v, ad.imm);
        tr_pop_commit(t, size);
        return true;
    }
    if (insn->o[0].kind != OPND_GPR)
        return false;
    ad = tr_top(t, 0, size);
    if (insn->o[0].reg != REG_SP) {
        tr_emit(t, IR_LD, tr_type(size), insn->o[0].reg, ad.a, IR_NONE, ad.imm);
        tr_pop_commit(t, size);
    } else {
        v = tr_temp(t);
        tr_emit(t, IR_LD, tr_type(size), v, ad.a, IR_NONE, ad.imm);
        tr_pop_commit(t, size);
        tr_emit(t, IR_MOV, tr_type(size), REG_SP, v, IR_NONE, 0);
    }
    return true;
}

bool tr_LEAVE(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->osz);
    u8 v;
    if (tr_long(t) ? insn->osz != 8
                   : tr_mode(t, MK_STACK) != MK_STACK32 || !tr_flat(t, SEG_SS) || insn->osz != 4)
        return false;
    v = tr_temp(t);
    tr_emit(t, IR_LD, type, v, REG_BP, IR_NONE, 0);
    tr_emit(t, IR_LEA, type, REG_SP, REG_BP, IR_NONE, insn->osz);
    tr_emit(t, IR_MOV, type, REG_BP, v, IR_NONE, 0);
    return true;
}

/* Target of a relative branch cut to the operand size; false where it would leave a 16-bit segment
 * or the canonical addresses. */
static bool relative(struct tr *t, const struct insn *insn, u64 *target)
{
    *target = (t->behind + insn->imm) & size_mask(insn->osz);
    if (tr_long(t))
        return cpu_canonical(*target);
    return tr_mode(t, MK_CODE) != 0 || *target <= 0xffff;
}

/* Nothing is pushed or popped yet when a target turns out not to be canonical, or to be beyond the
 * limit of a 16-bit segment. */
static void check_target(struct tr *t, const struct insn *insn, u8 v)
{
    if (tr_long(t))
        tr_emit(t, IR_CANON, I64, IR_NONE, v, IR_NONE, 0);
    else if (!tr_mode(t, MK_CODE) && insn->osz == 4)
        tr_emit(t, IR_SEG, I32, IR_NONE, v, SEG_CS, 1);
}

/* The target of a relative branch whose displacement is read at run time. */
static u8 patched(struct tr *t)
{
    enum ir_type type = tr_long(t) ? I64 : I32;
    u8 v = tr_soft_imm(t, type), next = tr_temp(t), to = tr_temp(t);
    tr_emit(t, IR_MOVI, type, next, IR_NONE, IR_NONE, (s64)t->behind);
    tr_emit(t, IR_LEA, type, to, v, next, 0);
    if (tr_long(t))
        tr_emit(t, IR_CANON, I64, IR_NONE, to, IR_NONE, 0);
    return to;
}

/* An indirect target as a value of which all 32 or 64 bits count. */
static u8 indirect(struct tr *t, const struct insn *insn)
{
    u8 v = tr_read(t, insn, 0), w;
    check_target(t, insn, v);
    if (insn->osz != 2 || insn->o[0].kind == OPND_MEM)
        return v; /* loads of 16 bits are zero-extended */
    w = tr_temp(t);
    tr_emit(t, IR_ZX16, I32, w, v, IR_NONE, 0);
    return w;
}

/* From 16-bit code a 32-bit indirect target may lie beyond the limit. In protected mode CS may not
 * be readable, so that its limit is not what is checked for reading. */
static bool indirect_ok(const struct tr *t, const struct insn *insn)
{
    return tr_mode(t, MK_CODE) != 0 || insn->osz == 2 || !tr_mode(t, MK_PE) ||
           tr_mode(t, MK_VM);
}

bool tr_JMP(struct tr *t, const struct insn *insn)
{
    u64 target;
    if (t->soft.imm_n) {
        tr_emit(t, IR_GOTOI, I32, IR_NONE, patched(t), IR_NONE, 0);
    } else if (insn->o[0].kind == OPND_REL) {
        if (!relative(t, insn, &target))
            return false;
        if (tr_again(t, target) || tr_follow(t, target))
            return true;
        tr_emit(t, IR_GOTO, I32, IR_NONE, IR_NONE, IR_NONE, (s64)target);
    } else {
        if (!indirect_ok(t, insn))
            return false;
        tr_emit(t, IR_GOTOI, I32, IR_NONE, indirect(t, insn), IR_NONE, 0);
    }
    t->done = true;
    return true;
}

bool tr_CALL(struct tr *t, const struct insn *insn)
{
    u64 target;
    u8 v, w;
    if (t->soft.imm_n) {
        v = patched(t);
        tr_push(t, insn->osz, IR_NONE, (s64)t->behind);
        tr_emit(t, IR_CALLI, I32, IR_NONE, v, IR_NONE, 0);
    } else if (insn->o[0].kind == OPND_REL) {
        if (!relative(t, insn, &target))
            return false;
        tr_push(t, insn->osz, IR_NONE, (s64)t->behind);
        if (t->nrets < ARRAY_LEN(t->rets) && insn->osz == (tr_long(t) ? 8 : 4) &&
            tr_leaf(t, target) && tr_follow(t, target)) {
            t->rets[t->nrets++] = t->behind;
            return true;
        }
        tr_emit(t, IR_CALL, I32, IR_NONE, IR_NONE, IR_NONE, (s64)target);
    } else {
        if (!indirect_ok(t, insn))
            return false;
        v = indirect(t, insn);
        if (v == REG_SP) { /* the target is ESP before the push */
            w = tr_temp(t);
            tr_emit(t, IR_MOV, tr_long(t) ? I64 : I32, w, v, IR_NONE, 0);
            v = w;
        }
        tr_push(t, insn->osz, IR_NONE, (s64)t->behind);
        tr_emit(t, IR_CALLI, I32, IR_NONE, v, IR_NONE, 0);
    }
    t->done = true;
    return true;
}

bool tr_RET(struct tr *t, const struct insn *insn)
{
    unsigned size = insn->osz, extra = insn->nopnd ? (unsigned)insn->imm & 0xffff : 0;
    struct tr_addr ad;
    u8 v;
    if (!indirect_ok(t, insn))
        return false;
    ad = tr_top(t, 0, size);
    v = tr_temp(t);
    tr_emit(t, size == 2 ? IR_LDZ : IR_LD, tr_type(size), v, ad.a, IR_NONE, ad.imm);
    check_target(t, insn, v);
    tr_pop_commit(t, size + extra);
    /* Back to the caller, when it is the one that the block came from. */
    t->returns = true;
    if (t->nrets && size == (tr_long(t) ? 8 : 4) && tr_follow(t, t->rets[t->nrets - 1])) {
        t->nrets--;
        tr_emit(t, IR_BRNI, tr_type(size), IR_NONE, v, IR_NONE, (s64)t->target);
        return true;
    }
    tr_emit(t, IR_RET, I32, IR_NONE, v, IR_NONE, 0);
    t->done = true;
    return true;
}

bool tr_JCC(struct tr *t, const struct insn *insn)
{
    u64 target;
    if (!relative(t, insn, &target))
        return false;
    if (tr_again(t, target)) {
        tr_emit(t, IR_JCC, I32, IR_NONE, IR_NONE, insn->cc ^ 1, (s64)t->behind);
        return true;
    }
    tr_emit(t, IR_JCC, I32, IR_NONE, IR_NONE, insn->cc, (s64)target);
    t->jumps++;
    return true;
}

bool tr_LOOP(struct tr *t, const struct insn *insn)
{
    enum ir_type type = tr_type(insn->asz);
    u64 target;
    u8 v;
    if (!relative(t, insn, &target))
        return false;
    if (type != I16) {
        tr_emit(t, IR_LEA, type, REG_CX, REG_CX, IR_NONE, (s64)0xffffffff);
    } else {
        v = tr_temp(t);
        tr_emit(t, IR_LEA, I16, v, REG_CX, IR_NONE, (s64)0xffffffff);
        tr_emit(t, IR_MOV, I16, REG_CX, v, IR_NONE, 0);
    }
    tr_emit(t, IR_BRNZ, type, IR_NONE, REG_CX, IR_NONE, (s64)target);
    t->jumps++;
    return true;
}

bool tr_JCXZ(struct tr *t, const struct insn *insn)
{
    u64 target;
    if (!relative(t, insn, &target))
        return false;
    tr_emit(t, IR_BRZ, tr_type(insn->asz), IR_NONE, REG_CX, IR_NONE, (s64)target);
    t->jumps++;
    return true;
}
