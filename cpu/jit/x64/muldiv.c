/* x86-64 code for multiplications and divisions with one operand (SDM vol. 2 "MUL", "IMUL", "DIV",
 * "IDIV"). The guest's EDX is the host's; EAX comes into RAX and goes back. Divisions that the
 * host would refuse, or might, are left to exec before anything changes. */
#include "cpu/jit/x64/em.h"

enum { X_GROUP3 = 0xf7, X_GROUP3_8 = 0xf6, N_MUL = 4, N_IMUL, N_DIV, N_IDIV };

static void shift_imm(struct as *a, unsigned n, unsigned size, unsigned r, unsigned count)
{
    as_rr(a, 0xc1, size, n, r);
    as8(a, (u8)count);
}

static void bail_if(struct em *e, const struct ir_ins *i, unsigned cc)
{
    em_cold(e, COLD_BAIL, i, as_jcc(&e->a, cc), NULL, 0);
}

/* The low half of the double-width operand; bytes have both halves there. */
static void get_ax(struct em *e, unsigned size)
{
    as_mov_rr(&e->a, size < 4 ? 4 : size, RAX, em_pin[REG_AX]);
}

static void put_ax(struct em *e, unsigned size)
{
    as_mov_rr(&e->a, size == 1 ? 2 : size, em_pin[REG_AX], RAX);
}

static void group3(struct em *e, unsigned n, unsigned size, unsigned r)
{
    as_rr(&e->a, size == 1 ? X_GROUP3_8 : X_GROUP3, size, n, r);
}

static void multiply(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, size, SCR2);
    get_ax(e, size);
    group3(e, i->op == IR_MULU ? N_MUL : N_IMUL, size, r);
    put_ax(e, size);
}

/* The quotient fits when the upper half is below the divisor, which also keeps 0 out. */
static void divide_unsigned(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, size, SCR2);
    if (size == 1) {
        as_rr(&e->a, 0x1b7, 4, RAX, em_pin[REG_AX]); /* movzx */
        as_mov_rr(&e->a, 4, ADDR, RAX);
        shift_imm(&e->a, 5, 4, ADDR, 8);
        as_rr(&e->a, 0x3a, 1, ADDR, r);
    } else {
        as_rr(&e->a, 0x3b, size, em_pin[REG_DX], r);
    }
    bail_if(e, i, CC_AE);
    if (size > 1)
        get_ax(e, size);
    group3(e, N_DIV, size, r);
    put_ax(e, size);
}

/* 8 and 16 bits: dividend and divisor as 32 bits, then the quotient is looked at. */
static void divide_small(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, 4, SCR2);
    struct as *a = &e->a;
    if (size == 1) {
        as_rr8(a, 0x1be, 4, SCR2, r); /* movsx */
        as_rr(a, 0x1bf, 4, RAX, em_pin[REG_AX]);
    } else {
        as_rr(a, 0x1bf, 4, SCR2, r);
        as_rr(a, 0x1b7, 4, RAX, em_pin[REG_AX]);
        as_mov_rr(a, 4, ADDR, em_pin[REG_DX]);
        shift_imm(a, 4, 4, ADDR, 16);
        as_rr(a, 0x0b, 4, RAX, ADDR);
        as_alu_ri(a, 7, 4, RAX, INT32_MIN); /* no divisor of 16 bits is enough; -1 would trap */
        bail_if(e, i, CC_E);
    }
    as_rr(a, 0x85, 4, SCR2, SCR2);
    bail_if(e, i, CC_E);
    as_mov_rr(a, 8, ADDR, RDX);
    as8(a, 0x99); /* cdq */
    group3(e, N_IDIV, 4, SCR2);
    if (size == 1)
        as_rr8(a, 0x1be, 4, SCR2, RAX);
    else
        as_rr(a, 0x1bf, 4, SCR2, RAX);
    as_rr(a, 0x3b, 4, SCR2, RAX);
    as_rr(a, 0x87, 8, RDX, ADDR); /* EDX as it was, should exec be asked; the remainder in ADDR */
    bail_if(e, i, CC_NE);
    if (size == 1) { /* AL quotient, AH remainder */
        as_rr8(a, 0x1b6, 4, RAX, RAX);
        shift_imm(a, 4, 4, ADDR, 8);
        as_rr(a, 0x0b, 4, RAX, ADDR);
    } else {
        as_mov_rr(a, 2, RDX, ADDR);
    }
    put_ax(e, size);
}

/* With a dividend that is the sign-extended low half (CDQ before it) only divisors 0 and -1 are
 * special. Others of 32 bits are divided as 64 bits; of 64 bits they are for exec. */
static void divide_signed(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, size, SCR2);
    struct as *a = &e->a;
    u8 *wide, *minus_one, *done;
    as_mov_rr(a, size, RAX, em_pin[REG_AX]);
    shift_imm(a, 7, size, RAX, 8 * size - 1);
    as_rr(a, 0x3b, size, RAX, RDX);
    if (size == 8) {
        bail_if(e, i, CC_NE);
        as_lea(a, 8, RAX, MEM(r, 1));
        as_alu_ri(a, 7, 8, RAX, 1);
        bail_if(e, i, CC_BE);
        get_ax(e, 8);
        group3(e, N_IDIV, 8, r);
        put_ax(e, 8);
        return;
    }
    wide = as_jcc(a, CC_NE);
    as_lea(a, 4, RAX, MEM(r, 1));
    as_alu_ri(a, 7, 4, RAX, 1);
    minus_one = as_jcc(a, CC_BE);
    get_ax(e, 4);
    group3(e, N_IDIV, 4, r);
    put_ax(e, 4);
    done = as_jmp(a);
    if (a->full)
        return;
    as_patch(wide, a->p);
    as_patch(minus_one, a->p);
    as_rr(a, 0x63, 8, SCR2, r); /* movsxd */
    as_rr(a, 0x85, 8, SCR2, SCR2);
    bail_if(e, i, CC_E);
    as_alu_ri(a, 7, 4, RDX, INT32_MIN); /* never fits; the least of 64 bits over -1 would trap */
    bail_if(e, i, CC_E);
    as_mov_rr(a, 8, ADDR, RDX);
    as_mov_rr(a, 4, RAX, RDX);
    shift_imm(a, 4, 8, RAX, 32);
    as_mov_rr(a, 4, RDX, em_pin[REG_AX]);
    as_rr(a, 0x0b, 8, RAX, RDX);
    as8(a, 0x48); /* cqo */
    as8(a, 0x99);
    group3(e, N_IDIV, 8, SCR2);
    as_rr(a, 0x63, 8, SCR2, RAX);
    as_rr(a, 0x3b, 8, SCR2, RAX);
    as_rr(a, 0x87, 8, RDX, ADDR);
    bail_if(e, i, CC_NE);
    as_mov_rr(a, 4, RDX, ADDR);
    put_ax(e, 4);
    if (!a->full)
        as_patch(done, a->p);
}

void em_muldiv_op(struct em *e, const struct ir_ins *i)
{
    if (i->op == IR_MULU || i->op == IR_MULS) {
        multiply(e, i);
        return;
    }
    em_flags_spoil(e, true);
    if (i->op == IR_DIVU)
        divide_unsigned(e, i);
    else if (i->type >= I32)
        divide_signed(e, i);
    else
        divide_small(e, i);
}
