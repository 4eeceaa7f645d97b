/* Vector operations with VEX prefixes by halves: lower halves are where XMM registers are, upper ones
 * stay in cpu->ymmh. The template of the form without a prefix does each half (SDM vol. 2 section 2.3). */
#include "cpu/jit/a64/vec.h"

static const struct avx_row {
    u16 op; /* whose template it has; 0: not done here */
    u8 step;
} avx[OP__COUNT] = {
#define AVX(op, as, step) [OP_##op] = {OP_##as, step},
#include "cpu/jit/a64/avx.def"
#undef AVX
};

/* What is in scratch here while a template is at work on the upper half. */
enum { V_UPPER = 0 };

void em_avx_ops(u8 mask[(OP__COUNT + 7) / 8])
{
    bool afp = em_vec_has(HOST_AFP);
    for (unsigned op = 0; op < OP__COUNT; op++) {
        const struct vec_row *row = em_vec_row(avx[op].op);
        if (afp && avx[op].op && (row->host == HOST_AVX || em_vec_has(row->host)))
            mask[op / 8] |= (u8)BIT(op & 7);
    }
}

bool em_vec_access_is_wide(const struct insn *insn)
{
    for (unsigned n = 0; n < insn->nopnd; n++)
        if (insn->o[n].kind == OPND_MEM)
            return insn->o[n].size == 32;
    return false;
}

static void upper(const struct vop *o, unsigned v, unsigned reg, bool write)
{
    s64 off = ST(ymmh) + 16 * (s64)(reg & 15);
    _Static_assert(offsetof(struct cpu, ymmh) + 256 < 16 << 12, "a short offset");
    em_place_vec(o->e, 16, v, (struct em_place){STATE, NOREG, false, (s32)off}, write);
}
static void clear_upper(const struct vop *o, unsigned reg)
{
    v_zero(o->a, 2);
    upper(o, 2, reg, true);
}

/* Operand k without immediates; how many there are. */
static unsigned count(const struct insn *insn)
{
    unsigned n = insn->nopnd;
    while (n && insn->o[n - 1].kind == OPND_IMM)
        n--;
    return n;
}
static unsigned lower(const struct opnd *x)
{
    return V_XMM + (x->reg & 15u);
}

/* Half `h` of 32 bytes at [ADDR]. */
static void half(const struct vop *o, unsigned v, unsigned h, bool write)
{
    em_place_vec(o->e, 16, v, (struct em_place){ADDR, NOREG, false, 16 * (s32)h}, write);
}
static void address(const struct vop *o, bool write)
{
    struct em_place p = em_access(o->e, o->i, write);
    if (p.word) /* add x1, base, w index, uxtw */
        as32(o->a, 0x8b204000 | (u32)p.index << 16 | (u32)p.base << 5 | ADDR);
    else
        as_rrr(o->a, A_ADD, true, ADDR, p.base, p.index);
}

/* ---- what there is with VEX prefixes only ---- */
void vt_broadcast(const struct vop *o)
{
    v_dup(o->a, o->code, o->d, o->s, 0);
}
void vt_insert_half(const struct vop *o)
{
    unsigned d = o->insn->o[0].reg, n = o->insn->o[1].reg;
    if (o->imm & 1) {
        upper(o, o->s, d, true);
        v_mov(o->a, o->d, lower(&o->insn->o[1]));
        return;
    }
    if (d != n) {
        upper(o, 2, n, false);
        upper(o, 2, d, true);
    }
    v_mov(o->a, o->d, o->s);
}
void vt_extract_half(const struct vop *o)
{
    unsigned s = o->insn->o[1].reg;
    if (o->imm & 1)
        upper(o, o->d, s, false);
    else
        v_mov(o->a, o->d, o->s);
}
void vt_zero_upper(const struct vop *o)
{
    v_zero(o->a, 2);
    as_add_imm(o->a, A_ADD, true, SCR, STATE, ST(ymmh), SCR2);
    for (unsigned r = 0; r < 16; r += 2)
        as32(o->a, 0xad000000 | r << 15 | 2 << 10 | SCR << 5 | 2);
}

/* ---- the common way ---- */
static void stores(struct vop *o, unsigned op)
{
    unsigned s = o->insn->o[1].reg;
    o->s = lower(&o->insn->o[1]);
    if (em_vec_row(op)->fn == vt_extract_half) {
        struct em_place p = em_access(o->e, o->i, true);
        if (o->imm & 1)
            upper(o, 2, s, false);
        em_place_vec(o->e, 16, o->imm & 1 ? 2 : o->s, p, true);
    } else if (em_vec_access_is_wide(o->insn)) {
        address(o, true);
        upper(o, 2, s, false);
        half(o, o->s, 0, true);
        half(o, 2, 1, true);
    } else {
        em_vec_store(o, op);
    }
}

/* VMOVMSK and VPMOVMSKB of 32 bytes. */
static void signs(struct vop *o)
{
    unsigned r = em_vec_result(o);
    struct vop hi = *o;
    upper(o, V_UPPER, o->insn->o[1].reg, false);
    hi.s = V_UPPER;
    em_vec_signs(&hi, SCR3);
    em_vec_signs(o, SCR);
    as_rrrs(o->a, A_ORR, false, r, SCR, SCR3, LSL, 16u >> o->code);
    em_vec_put(o, r);
}

/* The upper half, in front of the lower one, whose result may be an operand of both. */
static void upper_half(const struct vop *o, const struct avx_row *row, const struct opnd *n,
                       const struct opnd *s)
{
    vec_fn *fn = em_vec_row(row->op)->fn;
    struct vop hi = *o;
    bool shared = fn == vt_broadcast || (s && s->kind == OPND_XMM) ||
                  (s && s->kind == OPND_MEM && s->size < 32);
    hi.d = hi.n = V_UPPER;
    hi.imm = (u8)(o->imm >> row->step);
    if (n != &o->insn->o[0])
        upper(o, V_UPPER, n->reg, false);
    if (fn == vt_widen) {
        unsigned bytes = 16u >> ((o->code & 3) - (o->code >> 4 & 3));
        v_ext(o->a, 6, o->s, o->s, bytes);
        hi.s = 6;
    } else if (s && s->kind == OPND_MEM && !shared) {
        half(o, V_MEM, 1, false);
    } else if (s && !shared) {
        upper(o, V_MEM, s->reg, false);
        hi.s = V_MEM;
    }
    if (fn == vt_blendv) {
        upper(o, 5, o->insn->o[3].reg, false);
        v2(o->a, V2(0, o->code, 10), 2, 5);
        v3(o->a, V_BSL, 2, hi.s, hi.n);
        v_mov(o->a, V_UPPER, 2);
    } else {
        fn(&hi);
    }
    upper(o, V_UPPER, o->insn->o[0].reg, true);
    if (s && s->kind == OPND_MEM && !shared)
        half(o, V_MEM, 0, false);
}

void em_avx_op(struct vop *o)
{
    const struct insn *insn = o->insn;
    const struct avx_row *row = &avx[insn->op];
    vec_fn *fn = em_vec_row(row->op)->fn;
    unsigned k = count(insn);
    const struct opnd *d = &insn->o[0], *n = k >= 3 ? &insn->o[1] : d, *s = NULL;
    bool memory = o->i->op == IR_VECL || o->i->op == IR_VECLF, wide = d->kind == OPND_YMM;
    o->code = em_vec_row(row->op)->code;
    if (fn == vt_zero_upper) {
        fn(o);
        return;
    }
    if (o->i->op == IR_VECS) {
        stores(o, row->op);
        return;
    }
    o->d = lower(d), o->n = lower(n);
    if (k == 2 && insn->nopnd == 3 && (fn == vt_shift_left || fn == vt_shift_right ||
                                       fn == vt_shift_arith || fn == vt_shift_bytes))
        n = &insn->o[1], o->n = lower(n); /* by a constant */
    else if (o->i->op != IR_VECG)
        s = &insn->o[k >= 3 ? 2 : 1];
    if (memory && em_vec_access_is_wide(insn)) {
        address(o, false);
        half(o, V_MEM, 0, false);
        o->s = V_MEM;
    } else if (memory) {
        em_place_vec(o->e, ir_bytes(o->i->type), V_MEM, em_access(o->e, o->i, false), false);
        o->s = V_MEM;
    } else if (s) {
        o->s = lower(s);
    }
    if (o->i->op == IR_VECD && insn->o[1].kind == OPND_YMM) {
        signs(o);
        return;
    }
    if (wide && fn != vt_insert_half)
        upper_half(o, row, n, s);
    if ((o->i->op == IR_VECG || o->i->op == IR_VECD) && em_vec_move_general(o, row->op))
        s = NULL;
    else if (memory && k == 2 && em_vec_plain_load(row->op))
        v_mov(o->a, o->d, o->s);
    else
        fn(o);
    if (d->kind == OPND_XMM && !(o->i->flags_out))
        clear_upper(o, d->reg);
}
