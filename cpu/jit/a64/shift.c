/* AArch64 code for shifts, rotations and single bits. What a shift was made of is kept where its flags
 * may be wanted, so that they are made only when they are (SDM vol. 2; cpu/ir/README.md for what
 * manuals leave open). */
#include "cpu/jit/a64/em.h"

/* a as `size` bytes zero- or sign-extended to a word, in `scratch` or where it is. */
static unsigned extended(struct em *e, u8 v, unsigned size, bool sign, unsigned scratch)
{
    unsigned r = em_use(e, v, scratch);
    if (size >= 4)
        return r;
    if (sign)
        as_sbfx(&e->a, false, scratch, r, 0, 8 * size);
    else
        as_ubfx(&e->a, false, scratch, r, 0, 8 * size);
    return scratch;
}

/* d = n shifted by a constant; n is extended as the kind of shift wants it. */
static void by_constant(struct em *e, unsigned op, bool wide, unsigned d, unsigned n, unsigned count)
{
    unsigned bits = wide ? 64 : 32;
    if (op == IR_SHL)
        as_lsl(&e->a, wide, d, n, count % bits);
    else if (op == IR_SHR)
        as_lsr(&e->a, wide, d, n, count % bits);
    else
        as_asr(&e->a, wide, d, n, count % bits);
}

/* The host register that keeps what is shifted: its own when the result goes elsewhere. NOREG: none
 * lasts. */
static unsigned keep(struct em *e, const struct ir_ins *i, u8 v)
{
    struct loc l = em_loc(e, v);
    if (l.reg && v != i->dst)
        return l.r;
    if (e->in->ir->long_mode)
        return NOREG;
    em_flags_guard(e, i, KEPT);
    as_mov(&e->a, false, KEPT, em_use(e, v, KEPT));
    return KEPT;
}

static void note(struct em *e, const struct ir_ins *i, unsigned source, unsigned res, u8 want)
{
    e->recipe = (struct recipe){.kind = RECIPE_SHIFT,
                                .op = i->op,
                                .size = (u8)ir_bytes(i->type),
                                .nzcv = true,
                                .res = (u8)res,
                                .a = (u8)source,
                                .b = NOREG,
                                .imm = i->imm};
    e->carry = CARRY_DIRECT;
    want &= i->flags_out;
    if (e->recipe.size >= 4)
        e->recipe.zero = (u8)res;
    /* what reads less than all makes less: cond.c */
    if (want && want & (u8)~(IRF_Z | IRF_S) && want != IRF_C)
        em_flags_nzcv(e);
}

/* Flags at once, where source or result do not last: both are in scratch registers that making
 * them leaves alone. */
static void flags_now(struct em *e, const struct ir_ins *i, unsigned source, unsigned res)
{
    note(e, i, source, res, IRF_ALL);
    em_flags_make(e);
}

static void shift_constant(struct em *e, const struct ir_ins *i, u8 live, u8 want)
{
    unsigned size = ir_bytes(i->type), r, d, source;
    struct loc dl = em_loc(e, i->dst);
    bool flags = live & i->flags_out, wide = size == 8;
    if (flags && dl.reg && (source = keep(e, i, i->a)) != NOREG) {
        r = extended(e, i->a, size, i->op == IR_SAR, SCR);
        d = ir_is_guest(i->dst) && size < 4 ? SCR : dl.r;
        by_constant(e, i->op, wide, d, r, (unsigned)i->imm);
        em_put(e, i->dst, d, size);
        note(e, i, source, dl.r, want);
        return;
    }
    r = em_use(e, i->a, SCR);
    if (flags) { /* X30 and ADDR are free here */
        as_mov(&e->a, true, X30, r);
        r = extended(e, i->a, size, i->op == IR_SAR, SCR);
        by_constant(e, i->op, wide, ADDR, r, (unsigned)i->imm);
        flags_now(e, i, X30, ADDR);
        em_put(e, i->dst, ADDR, size);
        return;
    }
    r = i->op == IR_SHL ? r : extended(e, i->a, size, i->op == IR_SAR, SCR);
    d = em_target(e, i->dst, size, SCR);
    by_constant(e, i->op, wide, d, r, (unsigned)i->imm);
    em_put(e, i->dst, d, size);
}

/* Flags of a shift by a count that is not 0: the result in ADDR, the last bit shifted out in SCR3. */
static void variable_flags(struct em *e, unsigned op, unsigned size)
{
    unsigned bits = 8 * size;
    if (size < 4) {
        as_lsl(&e->a, false, SCR, ADDR, 32 - bits);
        as_rrr(&e->a, A_ANDS, false, XZR, SCR, SCR);
    } else {
        as_rrr(&e->a, A_ANDS, size == 8, XZR, ADDR, ADDR);
    }
    em_flags_insert(e, SCR3, false);
    if (op == IR_SHL || op == IR_SHLD) {
        as_ubfx(&e->a, true, SCR, ADDR, bits - 1, 1);
        as_rrr(&e->a, A_EOR, false, SCR, SCR, SCR3);
        em_flags_insert(e, SCR, true);
    } else if (op != IR_SAR) {
        as_rrrs(&e->a, A_EOR, true, SCR, ADDR, ADDR, LSR, 1);
        as_ubfx(&e->a, true, SCR, SCR, bits - 2, 1);
        em_flags_insert(e, SCR, true);
    }
    as_mov(&e->a, false, PARITY, ADDR);
    as_logic_imm(&e->a, A_EOR, false, ADJUST, ADDR, 0x10, SCR);
}

/* The count is known at run time: flags change unless it is 0. */
static void shift_variable(struct em *e, const struct ir_ins *i, u8 live)
{
    static const u32 ops[] = {A_LSLV, A_LSRV, A_ASRV};
    unsigned size = ir_bytes(i->type), bits = 8 * size, r, d, count;
    bool wide = size == 8, flags = live & i->flags_out;
    u32 op = ops[i->op - IR_SHL];
    u8 *zero;
    if (!flags) {
        r = i->op == IR_SHL ? em_use(e, i->a, SCR) : extended(e, i->a, size, i->op == IR_SAR, SCR);
        count = em_use(e, i->b, SCR2);
        d = em_target(e, i->dst, size, SCR);
        as_rrr(&e->a, op, wide, d, r, count);
        em_put(e, i->dst, d, size);
        return;
    }
    em_flags_make(e);
    em_flags_carry(e, CARRY_DIRECT);
    r = extended(e, i->a, size, i->op == IR_SAR, SCR);
    count = em_use(e, i->b, SCR2);
    as_logic_imm(&e->a, A_AND, false, X30, count, wide ? 63 : 31, SCR3);
    as_rrr(&e->a, op, wide, ADDR, r, X30); /* the whole result: C of SHL lies above it */
    zero = as_cbz(&e->a, false, X30);
    /* C: the last bit shifted out */
    if (i->op == IR_SHL && size < 4) {
        as_rrr(&e->a, A_LSLV, true, SCR3, r, X30);
        as_lsr(&e->a, true, SCR3, SCR3, bits);
    } else if (i->op == IR_SHL) {
        as_rrr(&e->a, A_SUB, false, SCR3, XZR, X30);
        as_rrr(&e->a, A_LSRV, wide, SCR3, r, SCR3); /* by bits - count */
    } else {
        as_add_imm(&e->a, A_SUB, false, SCR3, X30, 1, NOREG);
        as_rrr(&e->a, i->op == IR_SAR ? A_ASRV : A_LSRV, wide, SCR3, r, SCR3);
    }
    variable_flags(e, i->op, size);
    as_patch(&e->a, zero);
    em_put(e, i->dst, ADDR, size);
}

/* d = n rotated to the right by register m or, NOREG, a constant. */
static void rotate_right(struct em *e, unsigned size, unsigned d, unsigned n, unsigned m,
                         unsigned count)
{
    bool wide = size == 8;
    if (size == 1) { /* the byte four times over */
        as_ubfx(&e->a, false, SCR3, n, 0, 8);
        as_rrrs(&e->a, A_ORR, false, SCR3, SCR3, SCR3, LSL, 8);
    } else if (size == 2) {
        as_ubfx(&e->a, false, SCR3, n, 0, 16);
    }
    if (size < 4) {
        as_rrrs(&e->a, A_ORR, false, SCR3, SCR3, SCR3, LSL, 16);
        n = SCR3;
    }
    if (m != NOREG)
        as_rrr(&e->a, A_RORV, wide, d, n, m);
    else
        as_extr(&e->a, wide, d, n, n, count % (wide ? 64 : 32));
}

static void rotate(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, r, d, m = NOREG, count = 0;
    bool left = i->op == IR_ROL, flags = live & i->flags_out;
    u8 *zero = NULL;
    if (flags) {
        em_flags_nzcv(e);
        em_flags_carry(e, CARRY_DIRECT);
    }
    r = em_use(e, i->a, SCR);
    if (i->b == IR_NONE) {
        count = left ? (64u - (unsigned)i->imm) % (size == 8 ? 64 : 32) : (unsigned)i->imm;
    } else {
        m = em_use(e, i->b, SCR2);
        if (flags) {
            as_logic_imm(&e->a, A_AND, false, X30, m, size == 8 ? 63 : 31, SCR3);
        }
        if (left) {
            as_rrr(&e->a, A_SUB, false, SCR2, XZR, m);
            m = SCR2;
        }
    }
    d = em_target(e, i->dst, size, ADDR);
    if (flags)
        d = ADDR;
    rotate_right(e, size, d, r, m, count);
    if (flags) {
        if (m != NOREG)
            zero = as_cbz(&e->a, false, X30);
        as_ubfx(&e->a, true, SCR, ADDR, left ? 0 : bits - 1, 1);
        as_ubfx(&e->a, true, SCR3, ADDR, left ? bits - 1 : bits - 2, 1);
        em_flags_insert(e, SCR, false);
        as_rrr(&e->a, A_EOR, false, SCR, SCR, SCR3);
        em_flags_insert(e, SCR, true);
        if (zero)
            as_patch(&e->a, zero);
    }
    em_put(e, i->dst, d, size);
}

/* By one through C. */
static void rotate_carry(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, r;
    bool wide = size == 8, left = i->op == IR_RCL1;
    em_flags_carry(e, CARRY_DIRECT);
    r = em_use(e, i->a, SCR);
    as_cset(&e->a, SCR2, A_CS);
    as_ubfx(&e->a, true, X30, r, left ? bits - 1 : 0, 1);
    if (left) {
        as_rrrs(&e->a, A_ORR, wide, ADDR, SCR2, r, LSL, 1);
    } else {
        as_ubfx(&e->a, true, ADDR, r, 1, bits - 1);
        as_bfi(&e->a, true, ADDR, SCR2, bits - 1, 1);
    }
    if (live & i->flags_out) {
        if (left) {
            as_ubfx(&e->a, true, SCR, ADDR, bits - 1, 1);
            as_rrr(&e->a, A_EOR, false, SCR, SCR, X30);
        } else {
            as_rrrs(&e->a, A_EOR, true, SCR, ADDR, ADDR, LSR, 1);
            as_ubfx(&e->a, true, SCR, SCR, bits - 2, 1);
        }
        em_flags_insert(e, X30, false);
        em_flags_insert(e, SCR, true);
    }
    em_put(e, i->dst, ADDR, size);
}

/* SHLD and SHRD of 32 and 64 bits. */
static void shift_double(struct em *e, const struct ir_ins *i, u8 live, u8 want)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, r, from, source = NOREG, count;
    bool wide = size == 8, left = i->op == IR_SHLD, flags = live & i->flags_out;
    struct loc dl = em_loc(e, i->dst);
    u8 *zero;
    if (i->b == IR_NONE) {
        if (flags && dl.reg)
            source = keep(e, i, i->dst);
        r = em_use(e, i->dst, SCR);
        from = em_use(e, i->a, SCR2);
        if (flags && source == NOREG)
            as_mov(&e->a, true, X30, r);
        if (left)
            as_extr(&e->a, wide, ADDR, r, from, (bits - (unsigned)i->imm) % bits);
        else
            as_extr(&e->a, wide, ADDR, from, r, (unsigned)i->imm % bits);
        em_put(e, i->dst, ADDR, size);
        if (flags && source != NOREG)
            note(e, i, source, dl.r, want);
        else if (flags)
            flags_now(e, i, X30, ADDR);
        return;
    }
    if (flags) {
        em_flags_make(e);
        em_flags_carry(e, CARRY_DIRECT);
    }
    count = em_use(e, i->b, SCR2);
    as_logic_imm(&e->a, A_AND, false, X30, count, bits - 1, SCR3);
    r = em_use(e, i->dst, SCR);
    if (size == 4)
        as_mov(&e->a, false, ADDR, r); /* its upper half goes also when the count is 0 */
    else
        as_mov(&e->a, true, ADDR, r);
    zero = as_cbz(&e->a, false, X30);
    from = em_use(e, i->a, SCR3);
    as_rrr(&e->a, A_SUB, false, SCR2, XZR, X30);
    as_rrr(&e->a, left ? A_LSRV : A_LSLV, wide, SCR3, from, SCR2);
    as_rrr(&e->a, left ? A_LSLV : A_LSRV, wide, ADDR, r, X30);
    as_rrr(&e->a, A_ORR, wide, ADDR, ADDR, SCR3);
    if (flags) {
        if (left) {
            as_rrr(&e->a, A_LSRV, wide, SCR3, r, SCR2);
        } else {
            as_add_imm(&e->a, A_SUB, false, X30, X30, 1, NOREG);
            as_rrr(&e->a, A_LSRV, wide, SCR3, r, X30);
        }
        variable_flags(e, i->op, size);
    }
    as_patch(&e->a, zero);
    em_put(e, i->dst, ADDR, size);
}

bool em_shift_op(struct em *e, const struct ir_ins *i, u8 live, u8 want)
{
    switch (i->op) {
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
        if (i->b == IR_NONE)
            shift_constant(e, i, live, want);
        else
            shift_variable(e, i, live);
        return true;
    case IR_ROL:
    case IR_ROR: rotate(e, i, live); return true;
    case IR_SHLD:
    case IR_SHRD: shift_double(e, i, live, want); return true;
    case IR_RCL1:
    case IR_RCR1: rotate_carry(e, i, live); return true;
    }
    return false;
}

/* ---- single bits and scans ---- */
static void bit_test(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, r, d;
    bool wide = size == 8;
    if (live & i->flags_out)
        em_flags_nzcv(e);
    r = em_use(e, i->a, SCR);
    if (i->b == IR_NONE) {
        as_ubfx(&e->a, true, SCR3, r, (unsigned)i->imm % bits, 1);
        if (i->op != IR_BT)
            as_mov_imm(&e->a, SCR2, BIT64((unsigned)i->imm % bits));
    } else {
        unsigned b = em_use(e, i->b, SCR2);
        if (size < 4) { /* larger counts are taken modulo the width anyway */
            as_logic_imm(&e->a, A_AND, false, X30, b, bits - 1, NOREG);
            b = X30;
        }
        as_rrr(&e->a, A_LSRV, wide, SCR3, r, b);
        if (i->op != IR_BT) {
            as_mov_imm(&e->a, ADDR, 1);
            as_rrr(&e->a, A_LSLV, wide, SCR2, ADDR, b);
        }
    }
    if (i->op != IR_BT) {
        d = em_target(e, i->dst, size, SCR);
        as_rrr(&e->a, i->op == IR_BTS ? A_ORR : i->op == IR_BTR ? A_BIC : A_EOR, wide, d, r, SCR2);
        em_put(e, i->dst, d, size);
    }
    if (live & i->flags_out) {
        em_flags_insert(e, SCR3, false);
        e->carry = CARRY_DIRECT;
    }
}

/* NZCV = Z from a comparison and C from SCR3's lowest bit, or 0. */
static void zero_only(struct em *e, bool with_carry)
{
    as_cset(&e->a, SCR, A_EQ);
    as_lsl(&e->a, false, SCR, SCR, 30);
    if (with_carry)
        as_bfi(&e->a, false, SCR, SCR3, 29, 1);
    as_set_nzcv(&e->a, SCR);
    e->recipe = (struct recipe){.kind = RECIPE_CLEAR, .res = NOREG, .a = NOREG, .b = NOREG};
    e->carry = CARRY_DIRECT;
}

static void scan(struct em *e, const struct ir_ins *i, bool flags, bool kept)
{
    unsigned size = ir_bytes(i->type), r, old;
    bool wide = size == 8;
    struct loc d = em_loc(e, i->dst);
    r = em_use(e, i->a, SCR2);
    if (size == 2) {
        as_ubfx(&e->a, false, SCR2, r, 0, 16);
        r = SCR2;
    }
    if (i->op == IR_BSF) {
        as_rr(&e->a, A_RBIT, wide, ADDR, r);
        as_rr(&e->a, A_CLZ, wide, ADDR, ADDR);
    } else {
        as_rr(&e->a, A_CLZ, wide, ADDR, r);
        as_logic_imm(&e->a, A_EOR, false, ADDR, ADDR, wide ? 63 : 31, SCR3);
    }
    if (kept)
        as_get_nzcv(&e->a, X30);
    as_add_imm(&e->a, A_SUBS, wide, XZR, r, 0, SCR3);
    old = d.reg ? d.r : SCR3;
    if (!d.reg)
        em_state(&e->a, A_LOAD, 8, SCR3, d.off);
    if (size == 2 && ir_is_guest(i->dst)) { /* the number in the lowest 16 bits */
        as_mov(&e->a, true, SCR2, old);
        as_bfi(&e->a, true, SCR2, ADDR, 0, 16);
        as_csel(&e->a, true, old, old, SCR2, A_EQ);
    } else {
        as_csel(&e->a, true, old, old, ADDR, A_EQ);
    }
    if (!d.reg)
        em_state(&e->a, A_STORE, 8, old, d.off);
    if (flags)
        zero_only(e, false);
    else if (kept)
        as_set_nzcv(&e->a, X30);
}

static void count(struct em *e, const struct ir_ins *i, bool flags, bool kept)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, r;
    bool wide = size == 8;
    r = em_use(e, i->a, SCR2);
    if (size == 2) {
        as_ubfx(&e->a, false, SCR2, r, 0, 16);
        r = SCR2;
    }
    if (flags || kept) {
        if (kept)
            as_get_nzcv(&e->a, X30);
        as_add_imm(&e->a, A_SUBS, wide, XZR, r, 0, SCR3);
        as_cset(&e->a, SCR3, A_EQ); /* the operand is 0 */
    }
    if (i->op == IR_POPCNT) {
        as32(&e->a, (wide ? 0x9e670000u : 0x1e270000u) | r << 5); /* fmov d0 or s0, r */
        as32(&e->a, 0x0e205800);                                 /* cnt v0.8b, v0.8b */
        as32(&e->a, 0x0e31b800);                                 /* addv b0, v0.8b */
        as32(&e->a, 0x1e260000 | ADDR);                          /* fmov w, s0 */
    } else if (i->op == IR_TZCNT) {
        if (size == 2) {
            as_logic_imm(&e->a, A_ORR, false, ADDR, r, 0x10000, SCR);
            as_rr(&e->a, A_RBIT, false, ADDR, ADDR);
        } else {
            as_rr(&e->a, A_RBIT, wide, ADDR, r);
        }
        as_rr(&e->a, A_CLZ, wide, ADDR, ADDR);
    } else {
        as_rr(&e->a, A_CLZ, wide, ADDR, r);
        if (size == 2)
            as_add_imm(&e->a, A_SUB, false, ADDR, ADDR, 32 - (s64)bits, NOREG);
    }
    if (flags) {
        if (i->op == IR_POPCNT) { /* Z: the operand is 0 */
            as_lsl(&e->a, false, SCR, SCR3, 30);
            as_set_nzcv(&e->a, SCR);
            e->recipe = (struct recipe){.kind = RECIPE_CLEAR, .res = NOREG, .a = NOREG, .b = NOREG};
            e->carry = CARRY_DIRECT;
        } else {
            as_add_imm(&e->a, A_SUBS, wide, XZR, ADDR, 0, SCR);
            zero_only(e, true);
        }
    } else if (kept) {
        as_set_nzcv(&e->a, X30);
    }
    em_put(e, i->dst, ADDR, size);
}

bool em_bits_op(struct em *e, const struct ir_ins *i, u8 live)
{
    bool flags = live & i->flags_out, kept = !flags && live;
    switch (i->op) {
    case IR_BT:
    case IR_BTS:
    case IR_BTR:
    case IR_BTC: bit_test(e, i, live); return true;
    case IR_BSF:
    case IR_BSR: scan(e, i, flags, kept); return true;
    case IR_TZCNT:
    case IR_LZCNT:
    case IR_POPCNT: count(e, i, flags, kept); return true;
    }
    return false;
}
