/* x86-64 code for SHLD and SHRD, SAHF, and for scans and counts of bits (SDM vol. 2). What manuals
 * and processors leave open of flags is put right here: cpu/ir/README.md. */
#include "cpu/jit/x64/em.h"

enum { X_BSF = 0x1bc, X_BSR = 0x1bd, X_CMOV = 0x140, X_SETCC = 0x190, X_MOVZX8 = 0x1b6 };

static void load(struct em *e, unsigned r, u8 v, unsigned size)
{
    unsigned from = em_use(e, v, size, r);
    if (from != r)
        as_mov_rr(&e->a, size < 4 ? 4 : size, r, from);
}

/* Host register r, whose upper half is clear if `size` is 4, to value dst. */
static void store(struct em *e, u8 dst, unsigned r, unsigned size)
{
    struct loc d = em_loc(e, dst);
    if (!d.reg)
        as_store(&e->a, size == 4 ? 8 : size, r, MEM(STATE, d.disp));
    else if (d.r != r)
        as_mov_rr(&e->a, size, d.r, r);
}

/* The shift itself: the value in ADDR, bits from `from`. A count in a register comes through CL. */
static void double_shift(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), opc = i->op == IR_SHLD ? 0x1a4 : 0x1ac, from;
    bool by_cl = i->b != IR_NONE, swap = by_cl && i->b != REG_CX;
    load(e, ADDR, i->dst, size);
    from = em_use(e, i->a, size, SCR2);
    if (swap) {
        if (from == RCX) {
            as_mov_rr(&e->a, 8, SCR2, RCX);
            from = SCR2;
        }
        as_mov_rr(&e->a, 8, SCR, RCX);
        load(e, RCX, i->b, 4);
    }
    as_rr(&e->a, by_cl ? opc + 1 : opc, size, from, ADDR);
    if (!by_cl)
        as8(&e->a, (u8)i->imm);
    if (swap)
        as_mov_rr(&e->a, 8, RCX, SCR);
    store(e, i->dst, ADDR, size);
}

bool em_double_shift(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), count;
    u8 *zero, *done;
    if (i->b == IR_NONE || !live) {
        double_shift(e, i);
        return false;
    }
    /* A count of 0 leaves flags alone, so the old ones go to memory and new ones over them. */
    em_flags_spoil(e, true);
    count = em_use(e, i->b, 4, SCR);
    as_rr(&e->a, 0xf6, 1, 0, count); /* test count, mask */
    as8(&e->a, size == 8 ? 63 : 31);
    zero = as_jcc(&e->a, CC_E);
    double_shift(e, i);
    e->flags = FLAGS_HOST;
    e->mend = MEND_SHIFT;
    em_flags_save(e);
    done = as_jmp(&e->a);
    if (e->a.full)
        return true;
    as_patch(zero, e->a.p);
    if (size == 4) { /* the upper half goes all the same */
        load(e, ADDR, i->dst, 4);
        store(e, i->dst, ADDR, 4);
    }
    as_patch(done, e->a.p);
    return true;
}

/* The flags byte is in AH, OF is to be clear: to memory and into the host's. */
static void flags_from_ah(struct em *e)
{
    as8(&e->a, 0xb0); /* mov al, 0 */
    as8(&e->a, 0);
    as_store(&e->a, 2, RAX, ST(af));
    as_rr(&e->a, 0x84, 1, RAX, RAX); /* test al, al: OF = 0 */
    as8(&e->a, 0x9e);                /* sahf */
    e->flags = FLAGS_BOTH;
    e->mend = MEND_NONE;
}

static void shl_imm(struct em *e, unsigned r, unsigned count)
{
    as_rr(&e->a, 0xc1, 4, 4, r);
    as8(&e->a, (u8)count);
}

/* BSF, BSR: nothing is written when there is no bit. */
static void scan(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, size, SCR2);
    struct loc d = em_loc(e, i->dst);
    unsigned old = d.reg ? d.r : ADDR;
    if (!d.reg)
        as_load(&e->a, 8, ADDR, MEM(STATE, d.disp));
    as_rr(&e->a, i->op == IR_BSF ? X_BSF : X_BSR, size, SCR, r);
    /* The number has its upper bits clear where bits were found: as wide as a register. */
    as_rr(&e->a, X_CMOV + CC_NE, size == 2 ? 2 : 8, old, SCR);
    if (!d.reg)
        as_store(&e->a, 8, ADDR, MEM(STATE, d.disp));
    if (!(live & i->flags_out))
        return;
    as_mov_ri(&e->a, SCR2, 0);
    as_rr8(&e->a, X_SETCC + CC_E, 1, 0, SCR2);
    as_mov_rr(&e->a, 4, RAX, SCR2);
    shl_imm(e, RAX, 14); /* ZF is bit 6 of AH */
    flags_from_ah(e);
}

/* The number of zero bits by BSF or BSR, which every host has; ADDR has it, SCR2 whether a was 0.
 */
static void count_zeros(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), bits = 8 * size, wide = size < 4 ? 4 : size;
    bool low = i->op == IR_TZCNT;
    load(e, SCR2, i->a, size);
    if (size == 2)
        as_rr(&e->a, 0x1b7, 4, SCR2, SCR2);
    /* For leading zeros a number n counts as bits - 1 - n, which is n ^ (bits - 1). */
    as_mov_ri(&e->a, ADDR, low ? bits : 2 * bits - 1);
    as_rr(&e->a, low ? X_BSF : X_BSR, wide, SCR, SCR2);
    as_mov_ri(&e->a, SCR2, 0);
    as_rr8(&e->a, X_SETCC + CC_E, 1, 0, SCR2);
    as_rr(&e->a, X_CMOV + CC_NE, 4, ADDR, SCR);
    if (!low)
        as_alu_ri(&e->a, 6, 4, ADDR, (s32)bits - 1);
}

/* Without POPCNT, which not every host has: sums of neighbours in ADDR, by halves. */
static void count_ones(struct em *e, const struct ir_ins *i)
{
    static const u64 masks[3] = {0x5555555555555555u, 0x3333333333333333u, 0x0f0f0f0f0f0f0f0fu};
    unsigned size = ir_bytes(i->type);
    load(e, ADDR, i->a, size);
    if (size == 2)
        as_rr(&e->a, 0x1b7, 4, ADDR, ADDR);
    for (unsigned k = 0; k < 3; k++) {
        as_mov_ri(&e->a, SCR, masks[k]);
        as_mov_rr(&e->a, 8, SCR2, ADDR);
        as_rr(&e->a, 0xc1, 8, 5, SCR2);
        as8(&e->a, (u8)BIT(k));
        as_rr(&e->a, 0x23, 8, ADDR, SCR);
        as_rr(&e->a, 0x23, 8, SCR2, SCR);
        as_rr(&e->a, 0x03, 8, ADDR, SCR2);
    }
    as_mov_ri(&e->a, SCR, 0x0101010101010101u);
    as_rr(&e->a, 0x1af, 8, ADDR, SCR); /* imul */
    as_rr(&e->a, 0xc1, 8, 5, ADDR);
    as8(&e->a, 56);
    as_mov_ri(&e->a, SCR2, 0);
}

void em_scan_op(struct em *e, const struct ir_ins *i, u8 live)
{
    unsigned size = ir_bytes(i->type);
    if (!(live & i->flags_out)) /* flags that nobody wants of this, but perhaps of before */
        em_flags_spoil(e, live & (u8)~i->flags_out);
    else
        em_flags_spoil(e, false);
    if (i->op == IR_BSF || i->op == IR_BSR) {
        scan(e, i, live);
        return;
    }
    if (i->op == IR_POPCNT)
        count_ones(e, i);
    else
        count_zeros(e, i);
    store(e, i->dst, ADDR, size);
    if (!(live & i->flags_out))
        return;
    as_mov_ri(&e->a, SCR, 0);
    as_rr(&e->a, 0x85, 4, ADDR, ADDR);
    as_rr8(&e->a, X_SETCC + CC_E, 1, 0, SCR);
    shl_imm(e, SCR, 6);
    as_rr(&e->a, 0x0b, 4, SCR, SCR2); /* CF is bit 0 */
    shl_imm(e, SCR, 8);
    flags_from_ah(e);
}

void em_set_szapc(struct em *e, const struct ir_ins *i, u8 live)
{
    em_flags_spoil(e, live & IRF_O);
    load(e, SCR, i->a, 4);
    as_rr(&e->a, 0xc1, 4, 4, SCR);
    as8(&e->a, 8);
    as_load(&e->a, 1, SCR, ST(af.of));
    as_alu_ri(&e->a, 0, 1, RAX, 0x7f); /* OF by an addition that overflows */
    as8(&e->a, 0x9e);                  /* sahf */
    e->flags = FLAGS_HOST;
}
