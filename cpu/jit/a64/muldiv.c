/* AArch64 code for multiplications and divisions (SDM vol. 2 "MUL", "IMUL", "DIV", "IDIV"). Divisions
 * by 0 and quotients that do not fit are left to exec before anything changes; dividends of 128 bits
 * only where their upper half says nothing. */
#include "cpu/jit/a64/em.h"

enum { RAX = FIRST_LOW + REG_AX, RDX = FIRST_LOW + REG_DX };

static void bail(struct em *e, const struct ir_ins *i, u8 *from)
{
    em_cold(e, COLD_BAIL, i, from, NULL, 0);
}

/* The low bytes of v sign- or zero-extended to 64 bits. */
static unsigned extended(struct em *e, unsigned r, unsigned size, bool sign, unsigned scratch)
{
    if (size == 8)
        return r;
    if (sign)
        as_sbfx(&e->a, true, scratch, r, 0, 8 * size);
    else
        as_ubfx(&e->a, true, scratch, r, 0, 8 * size);
    return scratch;
}

/* Flags by the whole product in register r: kept for later where that is possible. */
static void product_flags(struct em *e, const struct ir_ins *i, unsigned r)
{
    e->recipe = (struct recipe){.kind = RECIPE_PRODUCT,
                                .op = i->op,
                                .size = (u8)ir_bytes(i->type),
                                .nzcv = true,
                                .res = NOREG,
                                .a = (u8)r,
                                .b = NOREG};
    e->carry = CARRY_DIRECT;
    if (r != KEPT || e->in->ir->long_mode)
        em_flags_make(e);
}

/* C and O when the upper half of 128 bits in `high` is not what the lower one says. */
static void wide_flags(struct em *e, unsigned low, unsigned high, bool sign)
{
    if (sign)
        as_rrrs(&e->a, A_SUBS, true, XZR, high, low, ASR, 63);
    else
        as_add_imm(&e->a, A_SUBS, true, XZR, high, 0, SCR3);
    as_cset(&e->a, SCR3, A_NE);
    as_rrrs(&e->a, A_ORR, false, SCR3, SCR3, SCR3, LSL, 1);
    as_lsl(&e->a, false, SCR3, SCR3, 28);
    as_set_nzcv(&e->a, SCR3);
    e->recipe = (struct recipe){.kind = RECIPE_CLEAR, .res = NOREG, .a = NOREG, .b = NOREG};
    e->carry = CARRY_DIRECT;
}

/* The product of two values of up to 32 bits, whole, in the register that keeps it. */
static unsigned whole_product(struct em *e, const struct ir_ins *i, unsigned a, unsigned b, bool sign)
{
    unsigned size = ir_bytes(i->type), r = e->in->ir->long_mode ? X30 : KEPT;
    if (!e->in->ir->long_mode)
        em_flags_guard(e, i, KEPT);
    if (size < 4) {
        a = extended(e, a, size, sign, SCR), b = extended(e, b, size, sign, SCR2);
    }
    as_rrr(&e->a, sign ? A_SMULL : A_UMULL, false, r, a, b);
    return r;
}

static void multiply_two(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), a, b, d;
    bool flags = live & i->flags_out;
    if (flags && !e->in->ir->long_mode)
        em_flags_guard(e, i, KEPT);
    a = em_use(e, i->a, SCR);
    if (i->b == IR_NONE) {
        as_mov_imm(&e->a, SCR2, size == 8 ? (u64)i->imm : (u32)i->imm);
        b = SCR2;
    } else {
        b = em_use(e, i->b, SCR2);
    }
    d = em_target(e, i->dst, size, SCR);
    if (!flags) {
        as_madd(&e->a, size == 8, d, a, b, XZR);
        em_put(e, i->dst, d, size);
    } else if (size == 8) {
        as_rrr(&e->a, A_SMULH, false, X30, a, b);
        as_madd(&e->a, true, ADDR, a, b, XZR);
        wide_flags(e, ADDR, X30, true);
        em_put(e, i->dst, ADDR, 8);
    } else {
        unsigned r = whole_product(e, i, a, b, true);
        em_put(e, i->dst, r, size);
        product_flags(e, i, r);
    }
}

/* AX and DX (AX alone for bytes) = AX * a. */
static void multiply_one(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), a, r;
    bool flags = live & i->flags_out, sign = i->op == IR_MULS;
    em_flags_guard(e, i, RAX);
    em_flags_guard(e, i, RDX);
    if (!e->in->ir->long_mode)
        em_flags_guard(e, i, KEPT);
    a = em_use(e, i->a, SCR2);
    if (size == 8) {
        as_rrr(&e->a, sign ? A_SMULH : A_UMULH, false, X30, RAX, a);
        as_madd(&e->a, true, RAX, RAX, a, XZR);
        as_mov(&e->a, true, RDX, X30);
        if (flags)
            wide_flags(e, RAX, RDX, sign);
        return;
    }
    r = whole_product(e, i, RAX, a, sign);
    if (size == 1) {
        as_bfi(&e->a, true, RAX, r, 0, 16);
    } else if (size == 2) {
        as_bfi(&e->a, true, RAX, r, 0, 16);
        as_bfxil(&e->a, true, RDX, r, 16, 16);
    } else {
        as_mov(&e->a, false, RAX, r);
        as_lsr(&e->a, true, RDX, r, 32);
    }
    if (flags)
        product_flags(e, i, r);
}

/* Bail when the quotient in ADDR has bits beyond `size`, as signed or not. */
static void quotient_fits(struct em *e, const struct ir_ins *i, unsigned size, bool sign)
{
    if (sign) {
        as_sbfx(&e->a, true, SCR3, ADDR, 0, 8 * size);
        as_rrr(&e->a, A_EOR, true, SCR3, SCR3, ADDR);
    } else {
        as_lsr(&e->a, true, SCR3, ADDR, 8 * size);
    }
    bail(e, i, as_cbnz(&e->a, true, SCR3));
}

static void divide(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), by;
    bool sign = i->op == IR_DIVS;
    em_flags_guard(e, i, RAX);
    em_flags_guard(e, i, RDX);
    by = extended(e, em_use(e, i->a, SCR2), size, sign, SCR2);
    bail(e, i, as_cbz(&e->a, true, by));
    if (size == 8) {
        if (sign) {
            as_rrrs(&e->a, A_EOR, true, SCR3, RDX, RAX, ASR, 63);
            bail(e, i, as_cbnz(&e->a, true, SCR3));
            as_add_imm(&e->a, A_ADD, true, SCR3, by, 1, NOREG); /* -1 may overflow */
            bail(e, i, as_cbz(&e->a, true, SCR3));
        } else {
            bail(e, i, as_cbnz(&e->a, true, RDX));
        }
        as_rrr(&e->a, sign ? A_SDIV : A_UDIV, true, ADDR, RAX, by);
        as_msub(&e->a, true, RDX, ADDR, by, RAX);
        as_mov(&e->a, true, RAX, ADDR);
        return;
    }
    if (size == 1) {
        if (sign)
            as_sbfx(&e->a, true, SCR, RAX, 0, 16);
        else
            as_ubfx(&e->a, true, SCR, RAX, 0, 16);
    } else if (size == 2) {
        as_ubfx(&e->a, true, SCR, RAX, 0, 16);
        as_bfi(&e->a, true, SCR, RDX, 16, 16);
        if (sign)
            as_sbfx(&e->a, true, SCR, SCR, 0, 32);
        else
            as_mov(&e->a, false, SCR, SCR);
    } else {
        as_mov(&e->a, false, SCR, RAX);
        as_bfi(&e->a, true, SCR, RDX, 32, 32);
    }
    as_rrr(&e->a, sign ? A_SDIV : A_UDIV, true, ADDR, SCR, by);
    quotient_fits(e, i, size, sign);
    as_msub(&e->a, true, SCR, ADDR, by, SCR);
    if (size == 4) {
        as_mov(&e->a, false, RAX, ADDR);
        as_mov(&e->a, false, RDX, SCR);
    } else if (size == 1) {
        as_bfi(&e->a, true, RAX, ADDR, 0, 8);
        as_bfi(&e->a, true, RAX, SCR, 8, 8);
    } else {
        as_bfi(&e->a, true, RAX, ADDR, 0, 16);
        as_bfi(&e->a, true, RDX, SCR, 0, 16);
    }
}

bool em_muldiv_op(struct em *e, const struct ir_ins *i, u8 live)
{
    switch (i->op) {
    case IR_IMUL: multiply_two(e, i, live); return true;
    case IR_MULU:
    case IR_MULS: multiply_one(e, i, live); return true;
    case IR_DIVU:
    case IR_DIVS: divide(e, i); return true;
    }
    return false;
}
