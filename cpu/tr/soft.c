/* Immediates and displacements that the guest patches again and again: read from its memory when
 * the instruction runs, so that they are no part of what was translated. */
#include "cpu/tr/build.h"

#include <string.h>

/* Would another byte at `k` change nothing but immediate or displacement? Then *disp says which. */
static bool is_field(const struct insn *insn, const u8 *p, unsigned k, u64 feats, bool *disp)
{
    struct insn other;
    u8 buf[16];
    memcpy(buf, p, insn->len);
    buf[k] ^= 0xff;
    if (decode(&other, buf, insn->len, insn->mode, feats) != DEC_OK || other.len != insn->len ||
        (other.imm != insn->imm) == (other.disp != insn->disp))
        return false;
    *disp = other.disp != insn->disp;
    other.imm = insn->imm;
    other.disp = insn->disp;
    return !memcmp(&other, insn, sizeof(other));
}

/* Operations whose immediate tr_soft_imm() stands for. */
static bool immediate_of(const struct insn *insn)
{
    switch (insn->op) {
    case OP_MOV:
    case OP_ADD:
    case OP_OR:
    case OP_ADC:
    case OP_SBB:
    case OP_AND:
    case OP_SUB:
    case OP_XOR:
    case OP_CMP:
    case OP_TEST:
    case OP_PUSH: return true;
    case OP_JMP:
    case OP_CALL:
        return insn->o[0].kind == OPND_REL && insn->osz == insn->mode / 8u && insn->osz > 2;
    default: return false;
    }
}

void tr_fields(struct tr_fields *f, const struct insn *insn, const u8 *p, u64 feats)
{
    enum { VECTORS = OPA_X87 | OPA_MMX | OPA_SSE | OPA_AVX };
    bool disp, imm_ok = immediate_of(insn), disp_ok = !(op_info[insn->op].attrs & VECTORS);
    *f = (struct tr_fields){0};
    for (unsigned k = 1; k < insn->len; k++) {
        if (!is_field(insn, p, k, feats, &disp))
            continue;
        if (disp && disp_ok) {
            f->disp_at = f->disp_n ? f->disp_at : (u8)k;
            f->disp_n++;
        } else if (!disp && imm_ok) {
            f->imm_at = f->imm_n ? f->imm_at : (u8)k;
            f->imm_n++;
        }
    }
    /* All of it or nothing, in one piece. */
    if (f->imm_n & (f->imm_n - 1) || f->imm_at + f->imm_n != (f->imm_n ? insn->len : 0))
        f->imm_n = 0;
    if (f->disp_n & (f->disp_n - 1) || f->disp_n > 8)
        f->disp_n = 0;
}

/* The value of `n` bytes, `at` from the instruction's beginning, sign-extended to `type`. */
static u8 load(struct tr *t, unsigned at, unsigned n, enum ir_type type)
{
    u8 v = tr_temp(t), w;
    unsigned have = MIN(n, ir_bytes(type));
    tr_emit(t, IR_LDC, tr_type(have), v, IR_NONE, IR_NONE, (s64)(uintptr_t)(t->bytes + at));
    if (have == ir_bytes(type))
        return v;
    w = tr_temp(t);
    tr_emit(t, have == 1 ? IR_SX8 : have == 2 ? IR_SX16 : IR_SX32, type, w, v, IR_NONE, 0);
    return w;
}

u8 tr_soft_imm(struct tr *t, enum ir_type type)
{
    t->softened |= TR_SOFT_IMM;
    return load(t, t->soft.imm_at, t->soft.imm_n, type);
}

u8 tr_soft_offset(struct tr *t, const struct insn *insn)
{
    u8 base = insn->base < 16 ? insn->base : IR_NONE,
       index = insn->index < 16 ? insn->index : IR_NONE, d, v;
    enum ir_type type = tr_type(insn->asz);
    t->softened |= TR_SOFT_DISP;
    d = load(t, t->soft.disp_at, t->soft.disp_n, type);
    if (insn->base == REG_IP) {
        base = tr_temp(t);
        tr_emit(t, IR_MOVI, I64, base, IR_NONE, IR_NONE, (s64)t->behind);
    }
    if (index != IR_NONE) {
        v = tr_temp(t);
        tr_emit(t, IR_LEA, type, v, base, index, (s64)((u64)insn->scale << 32));
        base = v;
    }
    v = tr_temp(t);
    tr_emit(t, IR_LEA, type, v, d, base, 0);
    return v;
}

/* Bytes [lo, hi) of the instruction under way are read when it runs. */
static void add_hole(struct tr *t, struct tr_result *out, s32 lo, s32 hi)
{
    t->softs |= BIT64(t->at);
    for (u32 k = 0; k < out->nholes; k++)
        if (out->holes[k].lo == lo && out->holes[k].hi == hi)
            return;
    out->holes[out->nholes].lo = lo;
    out->holes[out->nholes].hi = hi;
    out->holes[out->nholes++].at = t->ir->off[t->at];
}

/* Another instruction of the block may lie on the same bytes, or the same one once more as it
 * is. */
void tr_soft_check(const struct tr *t, struct tr_result *out)
{
    const struct ir_block *ir = t->ir;
    for (u32 k = out->nholes; k-- > 0;)
        for (u32 i = 0; i < ir->nguest; i++)
            if (ir->off[i] < out->holes[k].hi &&
                ir->off[i] + out->insns[i].len > out->holes[k].lo &&
                !(ir->off[i] == out->holes[k].at && t->softs >> i & 1)) {
                out->holes[k] = out->holes[--out->nholes];
                break;
            }
}

void tr_soft_begin(struct tr *t, const struct tr_result *out, s32 pos)
{
    u32 at = t->src->before + (u32)pos;
    t->softened = 0;
    t->soft = (struct tr_fields){0};
    if (!t->src->soft || !(t->src->soft[at / 64] >> (at & 63) & 1) ||
        pos + t->insn->len > (s32)t->src->len || out->nholes + 2 > TR_HOLES)
        return;
    t->bytes = t->src->code + pos;
    tr_fields(&t->soft, t->insn, t->bytes, t->cpu->feats);
}

void tr_soft_end(struct tr *t, struct tr_result *out, s32 pos)
{
    const struct tr_fields *f = &t->soft;
    s32 disp = pos + f->disp_at, imm = pos + f->imm_at;
    switch (t->softened) {
    case TR_SOFT_DISP | TR_SOFT_IMM:
        if (disp + f->disp_n == imm) {
            add_hole(t, out, disp, imm + f->imm_n);
            break;
        }
        add_hole(t, out, imm, imm + f->imm_n);
        /* fall through */
    case TR_SOFT_DISP: add_hole(t, out, disp, disp + f->disp_n); break;
    case TR_SOFT_IMM: add_hole(t, out, imm, imm + f->imm_n); break;
    }
}
