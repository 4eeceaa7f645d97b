/* AArch64 code for conditions: of flags that are not made yet only those that a condition reads. */
#include "cpu/jit/a64/em.h"

enum {
    NZCV = IRF_C | IRF_Z | IRF_S | IRF_O,
    LOOK = 6,
    NEAR = 200 /* operations of a block whose code TBZ reaches from end to end */
};

static u8 reads(unsigned cc)
{
    static const u8 flags[8] = {IRF_O, IRF_C, IRF_Z,         IRF_C | IRF_Z,
                                IRF_S, IRF_P, IRF_S | IRF_O, IRF_Z | IRF_S | IRF_O};
    return flags[cc >> 1 & 7];
}

bool em_branch_by_zero(const struct em *e)
{
    const struct ir_block *b = e->in->ir;
    for (u32 n = e->now + 1; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        if (i->op == IR_JCC && reads(i->b) & NZCV)
            return i->b >> 1 == CC_E >> 1 || (i->b >> 1 == CC_S >> 1 && b->n <= NEAR);
        if (ir_flags_in(i) & NZCV || i->flags_out & IRF_Z)
            return false;
    }
    return false;
}

bool em_is_short(const struct em *e, u8 v, unsigned size)
{
    const struct ir_block *b = e->in->ir;
    for (u32 n = e->now, looked = 0; n-- > 0 && looked < LOOK; looked++) {
        const struct ir_ins *i = &b->ins[n];
        u8 use = ir_op_info[i->op].use;
        if ((use & IRU_WRITES_A && i->a == v) || (use & IRU_WRITES_B && i->b == v) ||
            ir_calls_exec(i->op) || e->skip[n])
            return false;
        if (!(use & (IRU_SETS_DST | IRU_WRITES_DST)) || i->dst != v) {
            if (ir_op_info[i->op].attrs & IRA_SIDE) /* may write registers that it does not name */
                return false;
            continue;
        }
        switch (i->op) {
        case IR_LDZ: return ir_bytes(i->type) <= size;
        case IR_LD:
        case IR_LDW: return ir_is_temp(v) && ir_bytes(i->type) <= size && em_loc(e, v).reg;
        case IR_ZX8: return ir_bytes(i->type) >= 4;
        case IR_ZX16: return ir_bytes(i->type) >= 4 && size == 2;
        default: return false;
        }
    }
    return false;
}

/* Of what the recipe has open make what `need` asks for, if that is less than all. */
static bool part(struct em *e, u8 need)
{
    struct recipe *k = &e->recipe;
    if (!(need & ~k->have))
        return true;
    if (k->keeps_c || k->res == NOREG)
        return false;
    if (need == IRF_Z && k->kind != RECIPE_PRODUCT && k->kind != RECIPE_TEST) {
        if (k->size == 8)
            as_rrr(&e->a, A_ANDS, true, XZR, k->res, k->res);
        else
            as_logic_imm(&e->a, A_ANDS, false, XZR, k->res, size_mask(k->size), SCR);
        k->have = IRF_Z;
        return true;
    }
    if (!(need & (u8) ~(IRF_Z | IRF_S)) && k->kind == RECIPE_SHIFT) {
        em_sign_and_zero(e, k->res, k->size);
        k->have = IRF_Z | IRF_S;
        return true;
    }
    if (need == IRF_C && k->kind == RECIPE_SHIFT) {
        em_flags_shifted(e, k);
        e->carry = CARRY_DIRECT;
        k->have |= IRF_C;
        return true;
    }
    return false;
}

unsigned em_condition(struct em *e, unsigned cc, bool *by_parity)
{
    static const u8 host[16] = {A_VS, A_VC, A_CS, A_CC, A_EQ, A_NE, A_LS, A_HI,
                                A_MI, A_PL, A_EQ, A_NE, A_LT, A_GE, A_LE, A_GT};
    *by_parity = cc == CC_P || cc == CC_NP;
    if (*by_parity) {
        em_flags_make(e);
        as_rrrs(&e->a, A_EOR, false, SCR, PARITY, PARITY, LSR, 4);
        as_rrrs(&e->a, A_EOR, false, SCR, SCR, SCR, LSR, 2);
        as_rrrs(&e->a, A_EOR, false, SCR, SCR, SCR, LSR, 1);
        as_logic_imm(&e->a, A_AND, false, SCR, SCR, 1, SCR2);
        return cc == CC_P ? A_EQ : A_NE;
    }
    if (e->recipe.kind != RECIPE_NONE && e->recipe.nzcv && !part(e, reads(cc)))
        em_flags_nzcv(e);
    if ((cc == CC_BE || cc == CC_A) && e->carry != CARRY_INVERTED)
        em_flags_carry(e, CARRY_INVERTED);
    if ((cc == CC_B || cc == CC_AE) && e->carry == CARRY_INVERTED)
        return host[cc] ^ 1;
    return host[cc];
}

u8 *em_branch(struct em *e, unsigned cc)
{
    const struct recipe *k = &e->recipe;
    bool parity, open = k->kind != RECIPE_NONE && k->nzcv && k->zero;
    unsigned host, sign = 8u * k->size - 1;
    if (open && cc >> 1 == CC_S >> 1 && k->size >= 4 && !(k->have & IRF_S) && e->in->ir->n <= NEAR)
        return cc == CC_S ? as_tbnz(&e->a, k->zero, sign) : as_tbz(&e->a, k->zero, sign);
    if (open && cc >> 1 == CC_E >> 1 && !(k->have & IRF_Z))
        return cc == CC_E ? as_cbz(&e->a, k->size == 8, k->zero)
                          : as_cbnz(&e->a, k->size == 8, k->zero);
    host = em_condition(e, cc, &parity);
    if (!parity)
        return as_bcond(&e->a, host);
    return host == A_EQ ? as_cbz(&e->a, false, SCR) : as_cbnz(&e->a, false, SCR);
}
