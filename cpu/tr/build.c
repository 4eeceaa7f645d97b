/* Appending IR and reaching operands: registers are values, memory is an address and a load or
 * store. */
#include "cpu/tr/build.h"

struct ir_ins *tr_emit(struct tr *t, enum ir_op op, enum ir_type type, u8 dst, u8 a, u8 b, s64 imm)
{
    struct ir_ins *i = &t->ir->ins[t->ir->n < IR_MAX_INS ? t->ir->n++ : IR_MAX_INS - 1];
    *i = (struct ir_ins){
        .op = (u8)op, .type = (u8)type, .dst = dst, .a = a, .b = b, .at = t->at, .imm = imm};
    i->flags_out = ir_op_info[op].fout & IRF_ALL;
    return i;
}

u8 tr_temp(struct tr *t)
{
    u8 v = t->next_temp < IR_MAX_VALUE - 1 ? t->next_temp++ : t->next_temp;
    t->ir->ntemps = (u32)(t->next_temp - IR_T0);
    return v;
}

bool tr_flat(const struct tr *t, unsigned seg)
{
    return tr_mode(t, MK_FLAT(seg));
}

u8 tr_offset(struct tr *t, const struct insn *insn)
{
    u8 base = insn->base < 16 ? insn->base : IR_NONE,
       index = insn->index < 16 ? insn->index : IR_NONE, v;
    unsigned natural = tr_long(t) ? 8 : 4;
    u64 disp = (u64)insn->disp;
    if (UNLIKELY(t->soft.disp_n))
        return tr_soft_offset(t, insn);
    if (base != IR_NONE && index == IR_NONE && !disp && insn->asz == natural)
        return base;
    v = tr_temp(t);
    if (insn->base == REG_IP)
        disp += t->behind;
    if (base == IR_NONE && index == IR_NONE)
        tr_emit(t, IR_MOVI, natural == 8 ? I64 : I32, v, IR_NONE, IR_NONE,
                (s64)(disp & size_mask(insn->asz)));
    else
        tr_emit(t, IR_LEA, tr_type(insn->asz), v, base, index,
                (s64)((u64)insn->scale << 32 | (u32)disp));
    return v;
}

/* Code segments are flat for reading only. */
static bool plain(const struct tr *t, unsigned seg, bool write)
{
    return tr_flat(t, seg) && !(write && seg == SEG_CS);
}

/* The base of `seg`: 64 bits in long mode, else the low half of the state's member. */
static u8 seg_base(struct tr *t, unsigned seg)
{
    u8 base = tr_temp(t);
    size_t at = offsetof(struct cpu, seg) + seg * sizeof(struct seg) + offsetof(struct seg, base);
    if (!tr_long(t) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
        at += sizeof(u32);
    tr_emit(t, IR_LDS, tr_long(t) ? I64 : I32, base, IR_NONE, IR_NONE, (s64)at);
    return base;
}

struct tr_addr tr_linear(struct tr *t, unsigned seg, u8 off, unsigned size, bool write)
{
    u8 base, la;
    if (plain(t, seg, write))
        return (struct tr_addr){off, 0};
    if (tr_long(t)) { /* FS and GS: a base and nothing else */
        base = seg_base(t, seg), la = tr_temp(t);
        tr_emit(t, IR_LEA, I64, la, off, base, 0);
        return (struct tr_addr){la, 0};
    }
    tr_emit(t, IR_SEG, I32, IR_NONE, off, (u8)seg, (s64)(size | (write ? 0x100 : 0)));
    base = seg_base(t, seg), la = tr_temp(t);
    tr_emit(t, IR_LEA, I32, la, off, base, 0);
    return (struct tr_addr){la, 0};
}

/* An offset that is known, in a segment of which only the base counts: FS and GS of kernels and
 * thread libraries. */
static bool known_offset(const struct tr *t, const struct insn *insn, unsigned size)
{
    if (insn->base < 16 || insn->base == REG_IP || insn->index < 16)
        return false;
    if (tr_long(t))
        return insn->seg >= SEG_FS && insn->asz == 8 && (s64)insn->disp == (s32)insn->disp;
    return tr_mode(t, MK_OPEN(insn->seg)) &&
           ((u64)insn->disp & size_mask(insn->asz)) + size <= BIT64(32) &&
           (insn->asz == 4 || (u64)insn->disp < 0x8000);
}

struct tr_addr tr_ea(struct tr *t, const struct insn *insn, unsigned size, bool write)
{
    /* The common form needs no address arithmetic of its own: the probe adds the displacement. */
    if (UNLIKELY(t->soft.disp_n))
        return tr_linear(t, insn->seg, tr_soft_offset(t, insn), size, write);
    if (insn->asz == (tr_long(t) ? 8 : 4) && plain(t, insn->seg, write) &&
        insn->base < 16 && insn->index >= 16)
        return (struct tr_addr){insn->base, (s32)insn->disp};
    if (known_offset(t, insn, size))
        return (struct tr_addr){seg_base(t, insn->seg), (s32)insn->disp};
    return tr_linear(t, insn->seg, tr_offset(t, insn), size, write);
}

u8 tr_read(struct tr *t, const struct insn *insn, unsigned n)
{
    const struct opnd *o = &insn->o[n];
    struct tr_addr ad;
    u8 v;
    switch (o->kind) {
    case OPND_GPR: return o->reg;
    case OPND_GPRH:
        v = tr_temp(t);
        tr_emit(t, IR_GETH, I32, v, o->reg, IR_NONE, 0);
        return v;
    default:
        ad = tr_ea(t, insn, o->size, false);
        v = tr_temp(t);
        tr_emit(t, o->size < 4 ? IR_LDZ : IR_LD, tr_type(o->size), v, ad.a, IR_NONE, ad.imm);
        return v;
    }
}

void tr_source(struct tr *t, const struct insn *insn, unsigned n, u8 *b, s64 *imm)
{
    *imm = 0;
    if (insn->o[n].kind == OPND_IMM && UNLIKELY(t->soft.imm_n)) {
        *b = tr_soft_imm(t, tr_type(insn->o[n].size));
    } else if (insn->o[n].kind == OPND_IMM) {
        *b = IR_NONE;
        *imm = sext(insn->imm, insn->o[n].size ? insn->o[n].size * 8u : 64);
    } else {
        *b = tr_read(t, insn, n);
    }
}

struct tr_dest tr_dest_read(struct tr *t, const struct insn *insn, unsigned n)
{
    const struct opnd *o = &insn->o[n];
    struct tr_dest d = {.kind = o->kind, .reg = o->reg};
    if (o->kind == OPND_MEM) {
        struct tr_addr ad = tr_ea(t, insn, o->size, true);
        d.v = tr_temp(t);
        d.place = tr_temp(t);
        tr_emit(t, IR_LDW, tr_type(o->size), d.v, ad.a, d.place, ad.imm);
    } else {
        d.v = tr_read(t, insn, n);
    }
    return d;
}

u8 tr_dest_target(struct tr *t, const struct tr_dest *d)
{
    return d->kind == OPND_GPR ? d->reg : tr_temp(t);
}

void tr_dest_write(struct tr *t, const struct tr_dest *d, enum ir_type type, u8 v)
{
    if (d->kind == OPND_MEM)
        tr_emit(t, IR_STW, type, IR_NONE, v, d->place, 0);
    else if (d->kind == OPND_GPRH)
        tr_emit(t, IR_SETH, I32, d->reg, v, IR_NONE, 0);
    else if (v != d->reg)
        tr_emit(t, IR_MOV, type, d->reg, v, IR_NONE, 0);
}

/* ---- stack ---- */
static bool stack_flat(const struct tr *t)
{
    return tr_long(t) || (tr_mode(t, MK_STACK) == MK_STACK32 && tr_flat(t, SEG_SS));
}

static enum ir_type stack_type(const struct tr *t)
{
    return tr_long(t) ? I64 : tr_mode(t, MK_STACK) == MK_STACK32 ? I32 : I16;
}

/* Offset of ESP + disp in the stack segment, as wide as the stack is. */
static u8 stack_offset(struct tr *t, s32 disp)
{
    u8 v = tr_temp(t);
    tr_emit(t, IR_LEA, stack_type(t), v, REG_SP, IR_NONE, (s64)(u32)disp);
    return v;
}

static void stack_set(struct tr *t, u8 off)
{
    tr_emit(t, IR_MOV, stack_type(t), REG_SP, off, IR_NONE, 0);
}

void tr_push(struct tr *t, unsigned size, u8 b, s64 imm)
{
    struct tr_addr ad = {REG_SP, -(s32)size};
    u8 off = IR_NONE;
    if (b == IR_NONE && imm != (s32)imm && size == 8) { /* a return address above 2 GiB */
        b = tr_temp(t);
        tr_emit(t, IR_MOVI, I64, b, IR_NONE, IR_NONE, imm);
    }
    if (!stack_flat(t)) {
        off = stack_offset(t, -(s32)size);
        ad = tr_linear(t, SEG_SS, off, size, true);
    }
    if (b == IR_NONE)
        tr_emit(t, IR_STI, tr_type(size), IR_NONE, ad.a, IR_NONE,
                (s64)((u64)imm << 32 | (u32)ad.imm));
    else
        tr_emit(t, IR_ST, tr_type(size), IR_NONE, ad.a, b, ad.imm);
    if (off != IR_NONE)
        stack_set(t, off);
    else
        tr_emit(t, IR_LEA, stack_type(t), REG_SP, REG_SP, IR_NONE, (s64)(u32) - (s32)size);
}

void tr_push_part(struct tr *t, unsigned size, enum ir_type type, u8 b)
{
    struct tr_addr ad = {REG_SP, -(s32)size};
    u8 off = IR_NONE;
    if (!stack_flat(t)) {
        off = stack_offset(t, -(s32)size);
        ad = tr_linear(t, SEG_SS, off, ir_bytes(type), true);
    }
    tr_emit(t, IR_ST, type, IR_NONE, ad.a, b, ad.imm);
    if (off != IR_NONE)
        stack_set(t, off);
    else
        tr_emit(t, IR_LEA, stack_type(t), REG_SP, REG_SP, IR_NONE, (s64)(u32) - (s32)size);
}

struct tr_addr tr_top(struct tr *t, unsigned at, unsigned size)
{
    if (stack_flat(t))
        return (struct tr_addr){REG_SP, (s32)at};
    return tr_linear(t, SEG_SS, stack_offset(t, (s32)at), size, false);
}

void tr_pop_commit(struct tr *t, unsigned bytes)
{
    if (stack_flat(t))
        tr_emit(t, IR_LEA, stack_type(t), REG_SP, REG_SP, IR_NONE, (s64)bytes);
    else
        stack_set(t, stack_offset(t, (s32)bytes));
}
