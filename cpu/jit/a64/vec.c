/* AArch64 code for vector operations: guest XMM registers are host registers from the first vector
 * operation on until something calls C code (cpu->vec_live). A table says which template emits an
 * operation; here its operands are brought to registers. MMX registers are cpu->fpu's (SDM vol. 1
 * ch. 9 to 12). */
#include "cpu/jit/a64/vec.h"

static const struct vec_row rows[OP__COUNT] = {
#define VEC(host, op, fn, code) [OP_##op] = {vt_##fn, code, HOST_##host},
#include "cpu/jit/a64/vec.def"
#undef VEC
};

const struct vec_row *em_vec_row(unsigned op)
{
    return &rows[op];
}

void be_vector_ops(u8 mask[(OP__COUNT + 7) / 8])
{
    bool has[HOST__COUNT];
    memset(mask, 0, (OP__COUNT + 7) / 8);
    for (unsigned h = 0; h < HOST__COUNT; h++)
        has[h] = em_vec_has(h);
    for (unsigned op = 0; op < OP__COUNT; op++)
        if (rows[op].fn && has[rows[op].host])
            mask[op / 8] |= (u8)BIT(op & 7);
    em_avx_ops(mask);
    for (unsigned op = 0; op < OP__COUNT; op++) {
        struct x87_does does;
        if (op == OP_WAIT || x87_does(&(const struct insn){.op = (u16)op}, &does))
            mask[op / 8] |= (u8)BIT(op & 7);
    }
}

/* ---- general registers ---- */
unsigned em_vec_result(const struct vop *o)
{
    return em_target(o->e, o->i->dst, 4, SCR);
}
void em_vec_put(const struct vop *o, unsigned r)
{
    em_put(o->e, o->i->dst, r, ir_bytes(o->i->type) < 4 ? 4 : ir_bytes(o->i->type));
}

void em_vec_flags(const struct vop *o)
{
    o->e->recipe.kind = RECIPE_NONE;
    o->e->carry = CARRY_INVERTED;
}

/* ---- MMX: from and to the fraction of an x87 register, whose exponent becomes all ones ---- */
static s64 mmx_home(unsigned reg)
{
    return ST(fpu.st) + (s64)(sizeof(struct f80) * (reg & 7));
}
static void mmx_move(struct em *e, unsigned v, unsigned reg, bool write)
{
    s64 off = mmx_home(reg) + (s64)offsetof(struct f80, frac);
    _Static_assert(offsetof(struct cpu, fpu) + sizeof(struct fpu) < 8 << 12, "a short offset");
    em_place_vec(e, 8, v, (struct em_place){STATE, NOREG, false, (s32)off}, write);
}
static void mmx_get(struct em *e, unsigned v, unsigned reg)
{
    mmx_move(e, v, reg, false);
}
static void mmx_put(struct em *e, unsigned v, unsigned reg)
{
    mmx_move(e, v, reg, true);
    as_mov_imm(&e->a, SCR, 0xffff);
    em_state(&e->a, A_STORE, 2, SCR, mmx_home(reg) + (s64)offsetof(struct f80, se));
}
/* The stack is a register file now; behind EMMS an empty one. */
static void mmx_commit(struct em *e, bool empty)
{
    _Static_assert(offsetof(struct fpu, empty) == offsetof(struct fpu, top) + 1, "one store");
    if (empty)
        as_mov_imm(&e->a, SCR, 0xff00);
    em_state(&e->a, A_STORE, 2, empty ? SCR : XZR, ST(fpu.top));
}
void vt_emms(const struct vop *o)
{
    mmx_commit(o->e, true);
}

/* ---- operands ---- */
static unsigned xmm(const struct opnd *r)
{
    return V_XMM + (r->reg & 15u);
}

/* Registers hold 16 bytes; a memory operand comes to V_MEM, what it does not fill is zero. */
static unsigned source(struct em *e, const struct ir_ins *i, const struct opnd *s)
{
    if (i->op == IR_VECL || i->op == IR_VECLF) {
        struct em_place p = em_access(e, i, false);
        em_place_vec(e, ir_bytes(i->type), V_MEM, p, false);
        return V_MEM;
    }
    if (s->kind == OPND_MMX) {
        mmx_get(e, V_MEM, s->reg);
        return V_MEM;
    }
    return xmm(s);
}

/* Loads that are the whole operation: what memory does not fill is zero. */
bool em_vec_plain_load(unsigned op)
{
    const struct vec_row *row = &rows[op];
    return row->fn == vt_move || row->fn == vt_move_low || op == OP_MOVSS || op == OP_MOVSD_X;
}

/* Stores: the lowest bytes, but for what names a lane. */
void em_vec_store(const struct vop *o, unsigned op)
{
    const struct opnd *s = &o->insn->o[1];
    unsigned size = ir_bytes(o->i->type), v = o->s, lane = 0;
    struct em_place p = em_access(o->e, o->i, true);
    if (rows[op].fn == vt_extract)
        lane = o->imm & (((o->mmx ? 8u : 16u) >> o->code) - 1);
    else if (op == OP_MOVHPS || op == OP_MOVHPD)
        lane = 1;
    if (s->kind == OPND_MMX) {
        em_state(o->a, A_LOAD, size, SCR2, mmx_home(s->reg) + (s64)offsetof(struct f80, frac));
        em_place_general(o->e, A_STORE, size, SCR2, p);
    } else if (lane) {
        v_umov(o->a, (unsigned)__builtin_ctz(size), SCR2, v, lane);
        em_place_general(o->e, A_STORE, size, SCR2, p);
    } else {
        em_place_vec(o->e, size, v, p, true);
    }
}

/* MOVD and MOVQ with a general register. */
bool em_vec_move_general(const struct vop *o, unsigned op)
{
    bool wide = o->insn->o[o->i->op == IR_VECG ? 1 : 0].size == 8;
    unsigned r;
    if (op != OP_MOVD && op != OP_MOVQ)
        return false;
    if (o->i->op == IR_VECG) {
        v_from_general(o->a, wide, o->d, em_use(o->e, o->i->a, SCR));
    } else {
        r = em_vec_result(o);
        v_to_general(o->a, wide, r, o->s);
        em_put(o->e, o->i->dst, r, wide ? 8 : 4);
    }
    return true;
}

bool em_vec_wants(const struct insn *insn)
{
    return insn_units(insn) & UNIT_VEC;
}

void em_vector_op(struct em *e, const struct ir_ins *i, u8 live)
{
    const struct insn *insn = &e->in->insns[i->at];
    const struct vec_row *row = &rows[insn->op];
    const struct opnd *d = &insn->o[0];
    struct vop o = {.e = e,
                    .a = &e->a,
                    .i = i,
                    .insn = insn,
                    .code = row->code,
                    .imm = (u8)insn->imm,
                    .live = live};
    if (insn->vl) {
        em_avx_op(&o);
        return;
    }
    o.mmx = insn_units(insn) & UNIT_X87;
    if (o.mmx)
        em_x87_leave(e, i);
    if (row->fn == vt_emms) {
        vt_emms(&o);
        return;
    }
    if (i->op == IR_VECS) {
        o.s = xmm(&insn->o[1]);
        em_vec_store(&o, insn->op);
    } else {
        if (i->op == IR_VECL && em_vec_plain_load(insn->op) && !o.mmx) {
            struct em_place p = em_access(e, i, false);
            em_place_vec(e, ir_bytes(i->type), xmm(d), p, false);
            return;
        }
        if (insn->o[1].kind != OPND_IMM && i->op != IR_VECG)
            o.s = source(e, i, &insn->o[1]);
        o.d = d->kind == OPND_MMX ? 0 : xmm(d);
        o.n = o.d;
        if (d->kind == OPND_MMX && !(op_info[insn->op].attrs & OPA_STORE))
            mmx_get(e, 0, d->reg);
        if ((i->op != IR_VECG && i->op != IR_VECD) || !em_vec_move_general(&o, insn->op)) {
            if (i->op == IR_VECL && em_vec_plain_load(insn->op))
                v_mov(o.a, o.d, o.s);
            else
                row->fn(&o);
        }
        if (d->kind == OPND_MMX)
            mmx_put(e, 0, d->reg);
    }
    if (o.mmx)
        mmx_commit(e, false);
}
