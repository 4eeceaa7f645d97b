/* AArch64 code for sums, differences and logic: of 32 and 64 bits one instruction that sets NZCV, too,
 * of 8 and 16 bits on top of a register where NZCV is wanted (SDM vol. 2, Arm ARM C6). */
#include "cpu/jit/a64/em.h"

static unsigned reg_or_none(const struct em *e, u8 v)
{
    struct loc l = em_loc(e, v);
    return l.reg ? l.r : NOREG;
}

/* What the flags of i can be made from behind it: the result in `res` (NOREG: nowhere that lasts),
 * operands that it did not write over. */
static struct recipe recipe_of(const struct em *e, const struct ir_ins *i, unsigned kind, unsigned res)
{
    struct recipe k = {.kind = (u8)kind,
                       .op = i->op,
                       .size = (u8)ir_bytes(i->type),
                       .res = (u8)res,
                       .a = NOREG,
                       .b = NOREG};
    if (i->a != IR_NONE && i->a != i->dst)
        k.a = (u8)reg_or_none(e, i->a);
    if (i->op == IR_NEG) {
        k.b = k.a, k.a = XZR;
    } else if (i->op == IR_INC || i->op == IR_DEC) {
        k.has_imm = true, k.imm = 1;
    } else if (i->b == IR_NONE) {
        k.has_imm = true, k.imm = i->imm;
    } else if (i->b != i->dst) {
        k.b = (u8)reg_or_none(e, i->b);
    }
    return k;
}

/* Is enough of it left? */
static bool possible(const struct ir_ins *i, const struct recipe *k)
{
    bool res = k->res != NOREG, a = k->a != NOREG, b = k->b != NOREG || k->has_imm;
    switch (k->kind) {
    case RECIPE_LOGIC: return res;
    case RECIPE_TEST: return a && b;
    case RECIPE_ADD: return (res && (a || b || (i->a == i->b && i->dst == i->a && k->size >= 4))) || (a && b);
    default: return (res && (a || b)) || (a && b);
    }
}

static bool sets(u8 live, const struct ir_ins *i, u8 which)
{
    return live & i->flags_out & which;
}

static u32 plain_op(unsigned op)
{
    switch (op) {
    case IR_ADD:
    case IR_INC: return A_ADD;
    case IR_AND:
    case IR_TEST: return A_AND;
    case IR_OR: return A_ORR;
    case IR_XOR: return A_EOR;
    default: return A_SUB;
    }
}
static bool is_logic(unsigned op)
{
    return op == IR_AND || op == IR_OR || op == IR_XOR || op == IR_TEST;
}
static unsigned kind_of(unsigned op)
{
    return is_logic(op) ? (op == IR_TEST ? RECIPE_TEST : RECIPE_LOGIC)
           : plain_op(op) == A_ADD ? RECIPE_ADD
                                   : RECIPE_SUB;
}

/* The constant operand, which INC and DEC have, too. */
static bool constant(const struct ir_ins *i, s64 *imm)
{
    *imm = i->op == IR_INC || i->op == IR_DEC ? 1 : i->imm;
    return i->op == IR_INC || i->op == IR_DEC || (i->b == IR_NONE && i->op != IR_NEG);
}

/* a ^ b into ADJUST, before the operation. */
static void adjust_now(struct em *e, unsigned a, const struct ir_ins *i, unsigned b)
{
    s64 imm;
    if (!constant(i, &imm))
        as_rrr(&e->a, A_EOR, false, ADJUST, a, b);
    else if (imm & 0x10)
        as_logic_imm(&e->a, A_EOR, false, ADJUST, a, 0x10, SCR3);
    else
        as_mov(&e->a, false, ADJUST, a);
}

/* Has the constant operand no short form? */
static bool is_long(const struct ir_ins *i, s64 *imm)
{
    bool wide = ir_bytes(i->type) == 8;
    switch (i->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_CMP:
        *imm = wide ? i->imm : (s64)(u32)i->imm;
        return i->b == IR_NONE && ir_bytes(i->type) >= 4 && !as_add_fits(wide, i->imm);
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_TEST:
        *imm = wide ? i->imm : (s64)(u32)i->imm;
        return i->b == IR_NONE && ir_bytes(i->type) >= 4 && !as_logic_fits(wide, (u64)i->imm);
    default: return false;
    }
}

void em_plan_constant(struct em *e)
{
    const struct ir_block *b = e->in->ir;
    u32 regs = e->free_regs & (0xffu << FIRST_HIGH);
    bool seen = false;
    s64 first = 0, imm;
    if (b->long_mode || __builtin_popcount(regs) < 2)
        return;
    for (u32 n = 0; n < b->n; n++) {
        if (ir_calls_exec(b->ins[n].op))
            return;
        if (!is_long(&b->ins[n], &imm))
            continue;
        if (seen && imm == first)
            e->constant_reg = (u8)(31 - __builtin_clz(regs));
        first = seen ? first : imm;
        seen = true;
    }
    e->constant = first;
    if (e->constant_reg)
        e->free_regs &= ~(u32)BIT(e->constant_reg);
}

/* The register that keeps the constant operand from its first use on, or NOREG. */
static unsigned kept(struct em *e, const struct ir_ins *i)
{
    s64 imm;
    if (!e->constant_reg || !is_long(i, &imm) || imm != e->constant)
        return NOREG;
    if (!e->constant_made)
        as_mov_imm(&e->a, e->constant_reg, (u64)imm);
    e->constant_made = true;
    return e->constant_reg;
}

/* d = a op b (or the constant) with `size` at least 4; `s`: NZCV, too. */
static void wide_op(struct em *e, const struct ir_ins *i, u32 op, unsigned d, unsigned a, unsigned b,
                    bool s)
{
    bool wide = ir_bytes(i->type) == 8;
    s64 imm;
    bool by_imm = constant(i, &imm);
    if (by_imm && (b = kept(e, i)) != NOREG)
        by_imm = false;
    if (is_logic(i->op)) {
        bool test = i->op == IR_TEST || i->op == IR_AND;
        bool self = i->op == IR_TEST && !by_imm && a == b;
        if (s && self) {
            e->carry = em_sign_and_zero(e, a, wide ? 8 : 4);
            return;
        }
        if (by_imm)
            as_logic_imm(&e->a, test && s ? A_ANDS : op, wide, d, a, (u64)imm, SCR3);
        else
            as_rrr(&e->a, test && s ? A_ANDS : op, wide, d, a, b);
        if (s)
            e->carry = test ? CARRY_DIRECT : em_sign_and_zero(e, d, wide ? 8 : 4);
        return;
    }
    if (s)
        op |= A_ADDS ^ A_ADD;
    if (by_imm)
        as_add_imm(&e->a, op, wide, d, a, imm, SCR3);
    else
        as_rrr(&e->a, op, wide, d, a, b);
}

/* Of 8 and 16 bits with NZCV: on top of SCR. */
static void narrow_flags(struct em *e, const struct ir_ins *i, unsigned a, unsigned b)
{
    unsigned up = 32 - 8 * ir_bytes(i->type);
    s64 imm;
    bool by_imm = constant(i, &imm);
    u32 op = plain_op(i->op);
    unsigned d = i->op == IR_TEST || i->op == IR_CMP ? XZR : SCR;
    if (is_logic(i->op)) {
        if (by_imm)
            as_logic_imm(&e->a, op, false, SCR, a, (u64)imm & size_mask(ir_bytes(i->type)), SCR3);
        else if (op != A_AND || a != b)
            as_rrr(&e->a, op, false, SCR, a, b);
        else
            as_lsl(&e->a, false, SCR, a, up);
        if (by_imm || op != A_AND || a != b)
            as_lsl(&e->a, false, SCR, SCR, up);
        as_rrr(&e->a, A_ANDS, false, XZR, SCR, SCR);
        e->carry = CARRY_DIRECT;
        return;
    }
    op |= A_ADDS ^ A_ADD;
    if (a == XZR)
        as_mov(&e->a, false, SCR, XZR);
    else
        as_lsl(&e->a, false, SCR, a, up);
    if (by_imm && !(imm & (s64)size_mask(ir_bytes(i->type)))) {
        as_add_imm(&e->a, op, false, d, SCR, 0, NOREG);
    } else if (by_imm) {
        as_mov_imm(&e->a, SCR3, (u32)imm << up);
        as_rrr(&e->a, op, false, d, SCR, SCR3);
    } else {
        as_rrrs(&e->a, op, false, d, SCR, b, LSL, up);
    }
}

/* The lowest bits of SCR's top to dst. */
static void put_top(struct em *e, u8 dst, unsigned size)
{
    struct loc d = em_loc(e, dst);
    if (d.reg && ir_is_guest(dst)) {
        as_bfxil(&e->a, true, d.r, SCR, 32 - 8 * size, 8 * size);
    } else if (d.reg) {
        as_lsr(&e->a, false, d.r, SCR, 32 - 8 * size);
    } else {
        as_lsr(&e->a, false, SCR, SCR, 32 - 8 * size);
        em_put(e, dst, SCR, size);
    }
}

/* ADC and SBB of 8 and 16 bits with FlagM: of sign-extended operands SETF8 and SETF16 give S, Z and
 * O; C is what came into the bit above, where operands and result differ. */
static void narrow_carry_flagm(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, a, b;
    bool add = i->op == IR_ADC;
    em_flags_carry(e, add ? CARRY_DIRECT : CARRY_INVERTED);
    a = em_use(e, i->a, SCR);
    as_sbfx(&e->a, false, SCR, a, 0, bits);
    if (i->b == IR_NONE) {
        as_mov_imm(&e->a, SCR2, (u32)(size == 1 ? (s32)(s8)i->imm : (s32)(s16)i->imm));
    } else {
        b = em_use(e, i->b, SCR2);
        as_sbfx(&e->a, false, SCR2, b, 0, bits);
    }
    as_rrr(&e->a, A_EOR, false, ADJUST, SCR, SCR2);
    as_rrr(&e->a, add ? A_ADC : A_SBC, false, PARITY, SCR, SCR2);
    as_rrr(&e->a, A_EOR, false, SCR2, ADJUST, PARITY);
    as32(&e->a, (size == 1 ? 0x3a00080du : 0x3a00480du) | (u32)PARITY << 5); /* setf8, setf16 */
    as32(&e->a, 0xba000400 | ((bits - 1) & 63) << 15 | SCR2 << 5 | 2u); /* rmif: that bit to C */
    e->carry = CARRY_DIRECT;
    e->recipe.kind = RECIPE_NONE;
    em_put(e, i->dst, PARITY, size);
}

/* ADC and SBB of 8 and 16 bits: zero-extended, then each flag by hand. */
static void narrow_carry(struct em *e, const struct ir_ins *i, bool flags)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, a, b;
    bool add = i->op == IR_ADC;
    if (flags && e->stubs->flagm) {
        narrow_carry_flagm(e, i);
        return;
    }
    em_flags_carry(e, CARRY_DIRECT); /* spoils scratch registers */
    a = em_use(e, i->a, SCR);
    as_ubfx(&e->a, false, SCR, a, 0, bits);
    if (i->b == IR_NONE) {
        as_mov_imm(&e->a, SCR2, (u64)i->imm & size_mask(size));
    } else {
        b = em_use(e, i->b, SCR2);
        as_ubfx(&e->a, false, SCR2, b, 0, bits);
    }
    as_cset(&e->a, SCR3, A_CS);
    as_rrr(&e->a, A_ADD, false, SCR3, SCR3, SCR2);
    as_rrr(&e->a, add ? A_ADD : A_SUB, false, SCR3, SCR, SCR3); /* bit `bits`: carry or borrow */
    if (flags) {
        as_rrr(&e->a, A_EOR, false, ADJUST, SCR, SCR2);
        as_mov(&e->a, false, PARITY, SCR3);
        /* O: the operands agree (differ) in sign and the result does not agree with the first */
        as_rrr(&e->a, add ? A_EON : A_EOR, false, X30, SCR, SCR2);
        as_rrr(&e->a, A_EOR, false, SCR, SCR, SCR3);
        as_rrr(&e->a, A_AND, false, X30, X30, SCR);
        as_lsr(&e->a, false, X30, X30, bits - 1);
        as_lsl(&e->a, false, SCR, SCR3, 32 - bits);
        as_rrr(&e->a, A_ANDS, false, XZR, SCR, SCR);
        em_flags_insert(e, X30, true);
        as_lsr(&e->a, false, SCR, SCR3, bits);
        em_flags_insert(e, SCR, false);
        e->carry = CARRY_DIRECT;
        e->recipe.kind = RECIPE_NONE;
    }
    as_mov(&e->a, false, SCR, SCR3); /* SCR3 is for addresses of slots */
    em_put(e, i->dst, SCR, size);
}

static void with_carry(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), a, b, d;
    bool add = i->op == IR_ADC, wide = size == 8, flags = live & i->flags_out;
    if (size < 4) {
        narrow_carry(e, i, flags);
        return;
    }
    em_flags_carry(e, add ? CARRY_DIRECT : CARRY_INVERTED);
    a = em_use(e, i->a, SCR);
    if (i->b == IR_NONE && !(wide ? (u64)i->imm : (u32)i->imm)) {
        b = XZR;
    } else if (i->b == IR_NONE) {
        as_mov_imm(&e->a, SCR2, wide ? (u64)i->imm : (u32)i->imm);
        b = SCR2;
    } else {
        b = em_use(e, i->b, SCR2);
    }
    d = em_target(e, i->dst, size, SCR);
    if (sets(live, i, IRF_P | IRF_A))
        as_rrr(&e->a, A_EOR, false, ADJUST, a, b);
    as_rrr(&e->a, (add ? A_ADC : A_SBC) | (flags ? A_ADDS ^ A_ADD : 0u), wide, d, a, b);
    if (sets(live, i, IRF_P | IRF_A))
        as_mov(&e->a, false, PARITY, d);
    if (flags) {
        e->recipe.kind = RECIPE_NONE;
        e->carry = add ? CARRY_DIRECT : CARRY_INVERTED;
    }
    em_put(e, i->dst, d, size);
}

/* The C that INC and DEC leave alone, in X30, and back. */
static void carry_out(struct em *e)
{
    as_cset(&e->a, X30, A_CS);
}

/* INC and DEC whose flags only faults and exits would see: C stays where it is. */
static void step(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), a = em_use(e, i->a, SCR), d = em_target(e, i->dst, size, SCR);
    as_add_imm(&e->a, plain_op(i->op), size == 8, d, a, 1, NOREG);
    em_put(e, i->dst, d, size);
    e->recipe = recipe_of(e, i, kind_of(i->op), em_loc(e, i->dst).r);
    e->recipe.nzcv = e->recipe.keeps_c = true;
    e->recipe.a = NOREG;
    if (size >= 4)
        e->recipe.zero = e->recipe.res;
}

/* TEST and CMP of which only Z is read, by a branch on a register: nothing now. */
static bool put_off(struct em *e, const struct ir_ins *i, struct recipe *k, unsigned a, u8 read)
{
    bool self = i->op == IR_TEST && i->b == i->a, none = i->op == IR_CMP && k->has_imm && !k->imm;
    if ((!self && !none) || k->a == NOREG || read & (u8)~(IRF_Z | IRF_S) ||
        (read && !em_branch_by_zero(e)))
        return false;
    if (k->size < 4 && (read & IRF_S || !em_is_short(e, i->a, k->size)))
        return false;
    k->nzcv = true;
    k->zero = (u8)a;
    return true;
}

/* CMP and TEST of 8 and 16 bits as far as they are read: C and Z are those of the zero-extended
 * operands. */
static bool narrow_part(struct em *e, const struct ir_ins *i, struct recipe *k, unsigned a,
                        unsigned b, u8 read)
{
    unsigned size = k->size;
    u64 mask = size_mask(size), imm = (u64)k->imm & mask;
    bool is_short = em_is_short(e, i->a, size);
    if (!read) { /* a fault or an exit makes them */
        k->nzcv = true;
        return true;
    }
    if (i->op == IR_TEST) {
        if (read & IRF_S && (!k->has_imm || imm >> (8 * size - 1)))
            return false;
        e->carry = CARRY_DIRECT;
        if (k->has_imm && !(imm >> (8 * size - 1))) { /* S is 0, as N */
            as_logic_imm(&e->a, A_ANDS, false, XZR, a, imm, SCR3);
            return true;
        }
        if (k->has_imm)
            as_logic_imm(&e->a, A_ANDS, false, XZR, a, imm, SCR3);
        else if (i->a == i->b)
            as_logic_imm(&e->a, A_ANDS, false, XZR, a, mask, SCR3);
        else
            as_rrr(&e->a, A_AND, false, SCR, a, b),
                as_logic_imm(&e->a, A_ANDS, false, XZR, SCR, mask, SCR3);
        k->nzcv = true, k->have = IRF_C | IRF_Z | IRF_O;
        return true;
    }
    if (read & (IRF_S | IRF_O) || (!is_short && !k->has_imm))
        return false;
    if (!is_short) {
        as_ubfx(&e->a, false, SCR, a, 0, 8 * size);
        a = SCR;
    }
    if (k->has_imm)
        as_add_imm(&e->a, A_SUBS, false, XZR, a, (s64)imm, SCR3);
    else /* subs wzr, a, b, uxtb or uxth */
        as32(&e->a, 0x6b200000 | b << 16 | (size - 1) << 13 | a << 5 | XZR);
    k->nzcv = true, k->have = IRF_C | IRF_Z;
    return true;
}

/* Logic of 8 and 16 bits with a constant: the host's on the whole register leaves the rest as is. */
static bool in_place(struct em *e, const struct ir_ins *i)
{
    u64 mask = size_mask(ir_bytes(i->type)), imm = (u64)i->imm & mask;
    if (!is_logic(i->op) || i->op == IR_TEST || i->b != IR_NONE || i->a != i->dst ||
        !em_loc(e, i->dst).reg)
        return false;
    if (i->op == IR_AND)
        imm |= ~mask;
    return as_logic_fits(true, imm);
}

bool em_alu_op(struct em *e, const struct ir_ins *i, u8 live, u8 want)
{
    unsigned size = ir_bytes(i->type), a, b = NOREG, d, res;
    bool values = sets(live, i, IRF_P | IRF_A), dest = i->op != IR_CMP && i->op != IR_TEST, lazy;
    bool nzcv = sets(live, i, IRF_C | IRF_Z | IRF_S | IRF_O), keeps_c, eager;
    u8 read = want & i->flags_out & (IRF_C | IRF_Z | IRF_S | IRF_O);
    u32 op = plain_op(i->op);
    struct recipe k;
    switch (i->op) {
    case IR_ADC:
    case IR_SBB: with_carry(e, i, live); return true;
    case IR_NOT:
        a = em_use(e, i->a, SCR);
        d = em_target(e, i->dst, size, SCR);
        as_rrr(&e->a, A_ORN, size == 8, d, XZR, a);
        em_put(e, i->dst, d, size);
        return true;
    case IR_ADD:
    case IR_SUB:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_CMP:
    case IR_TEST:
    case IR_INC:
    case IR_DEC:
    case IR_NEG: break;
    default: return false;
    }
    keeps_c = nzcv && (i->op == IR_INC || i->op == IR_DEC) && live & IRF_C;
    if (keeps_c && !(e->recipe.nzcv && e->recipe.keeps_c)) /* whose C is in place */
        em_flags_nzcv(e);
    if (keeps_c && em_loc(e, i->dst).reg &&
        (!read || (size >= 4 && !(read & (u8)~(IRF_Z | IRF_S)) && em_branch_by_zero(e)))) {
        step(e, i);
        return true;
    }
    if (nzcv && !keeps_c && live & (u8)~i->flags_out & (IRF_C | IRF_Z | IRF_S | IRF_O))
        em_flags_nzcv(e); /* part of what is there stays: never seen but for INC and DEC */
    a = i->op == IR_NEG ? XZR : em_use(e, i->a, SCR);
    if (i->op == IR_NEG)
        b = em_use(e, i->a, SCR2);
    else if (i->b != IR_NONE && i->op != IR_INC && i->op != IR_DEC)
        b = i->b == i->a ? a : em_use(e, i->b, SCR2);
    res = dest && em_loc(e, i->dst).reg ? em_loc(e, i->dst).r : NOREG;
    k = recipe_of(e, i, kind_of(i->op), res);
    lazy = (values || nzcv) && possible(i, &k);
    eager = values && !lazy;
    if (eager && !is_logic(i->op))
        adjust_now(e, a, i, b);
    if (eager && !dest) { /* the result is wanted for its parity alone */
        wide_op(e, i, op, PARITY, a, b, false);
        if (is_logic(i->op))
            as_mov(&e->a, false, ADJUST, PARITY);
    }
    if (keeps_c)
        carry_out(e);
    if (size >= 4) {
        d = dest ? em_target(e, i->dst, size, SCR) : XZR;
        if (lazy && nzcv && (i->op == IR_OR || i->op == IR_XOR) &&
            (!read || (!(read & (u8)~(IRF_Z | IRF_S)) && em_branch_by_zero(e))))
            k.nzcv = true, k.zero = k.res; /* takes an instruction of its own */
        if (dest || (nzcv && !(lazy && put_off(e, i, &k, a, read))))
            wide_op(e, i, op, d, a, b, nzcv && !k.nzcv);
    } else if (nzcv && lazy && !dest &&
               (put_off(e, i, &k, a, read) || narrow_part(e, i, &k, a, b, read))) {
        d = SCR;
    } else if (in_place(e, i) && (lazy || !nzcv)) {
        u64 mask = size_mask(size);
        d = em_loc(e, i->dst).r;
        as_logic_imm(&e->a, op, true, d, d,
                     i->op == IR_AND ? (u64)i->imm | ~mask : (u64)i->imm & mask, NOREG);
        k.nzcv = nzcv;
    } else if (nzcv && (!lazy || read & (u8)~(dest ? IRF_Z : 0) || keeps_c || !dest)) {
        narrow_flags(e, i, a, b);
        if (dest && is_logic(i->op))
            as_lsr(&e->a, false, SCR, SCR, 32 - 8 * size), em_put(e, i->dst, SCR, size);
        else if (dest)
            put_top(e, i->dst, size);
        d = SCR;
    } else if (!dest) {
        d = SCR; /* for a fault alone: the recipe has it */
    } else {
        d = ir_is_guest(i->dst) ? SCR : em_target(e, i->dst, 4, SCR);
        wide_op(e, i, op, d, a, b, false);
        k.nzcv = nzcv;
        em_put(e, i->dst, d, d == SCR ? size : 4);
    }
    if (eager && dest) {
        unsigned shown = size < 4 && res != NOREG ? res : d;
        as_mov(&e->a, false, PARITY, shown);
        if (is_logic(i->op))
            as_mov(&e->a, false, ADJUST, shown);
    }
    if (keeps_c)
        em_flags_insert(e, X30, false);
    else if (nzcv && !is_logic(i->op))
        e->carry = k.kind == RECIPE_SUB ? CARRY_INVERTED : CARRY_DIRECT;
    if (nzcv || values) {
        e->recipe = k;
        if (!lazy)
            e->recipe.kind = RECIPE_NONE;
    }
    if (size >= 4 && dest)
        em_put(e, i->dst, d, size);
    return true;
}
