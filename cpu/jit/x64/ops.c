/* x86-64 code for the IR's register operations: almost one host instruction per operation, since
 * the IR is shaped like the host and guest registers are host registers. */
#include "cpu/jit/x64/group.h"
#include "cpu/ir/shape.h"

const u8 em_pin[8] = {RBX, RCX, RDX, R12, R13, R14, RSI, RDI};

/* 0F-map opcodes for as_rr/as_rm. */
enum {
    X_MOVZX8 = 0x1b6,
    X_MOVZX16 = 0x1b7,
    X_MOVSX8 = 0x1be,
    X_MOVSX16 = 0x1bf,
    X_IMUL = 0x1af,
    X_SETCC = 0x190,
    X_CMOV = 0x140,
    X_BT = 0x1a3,
    X_BTI = 0x1ba,
    X_MOVSXD = 0x63,
    X_XCHG = 0x87,
    X_XCHG8 = 0x86
};

struct loc em_loc(const struct em *e, u8 v)
{
    if (v < 8)
        return (struct loc){true, em_pin[v], 0};
    if (v < 16 && e->upper.reg[v - 8])
        return (struct loc){true, e->upper.reg[v - 8], 0};
    if (v < 16)
        return (struct loc){false, 0, (s32)(offsetof(struct cpu, gpr) + 8u * v) - STATE_BIAS};
    if (e->temp[v] & 0x80)
        return (struct loc){
            false, 0, (s32)(offsetof(struct cpu, slots) + 8u * (e->temp[v] & 0x7f)) - STATE_BIAS};
    return (struct loc){true, e->temp[v], 0};
}

/* ---- operands ---- */
unsigned em_use(struct em *e, u8 v, unsigned size, unsigned scratch)
{
    struct loc l = em_loc(e, v);
    if (l.reg)
        return l.r;
    as_load(&e->a, size < 4 ? 4 : size, scratch, MEM(STATE, l.disp));
    return scratch;
}

/* opc reg, operand for an opcode of the form "r, r/m". */
static void op_r_loc(struct em *e, unsigned opc, unsigned size, unsigned reg, struct loc l)
{
    if (l.reg)
        as_rr(&e->a, opc, size, reg, l.r);
    else
        as_rm(&e->a, opc, size, reg, MEM(STATE, l.disp));
}

/* Copy v into host register r, all 4 or 8 bytes (never a partial register). */
void em_load_to(struct em *e, unsigned r, u8 v, unsigned size)
{
    struct loc l = em_loc(e, v);
    size = size < 4 ? 4 : size;
    if (l.reg && l.r != r)
        as_mov_rr(&e->a, size, r, l.r);
    else if (!l.reg)
        as_load(&e->a, size, r, MEM(STATE, l.disp));
}

/* Write host register r to value dst with the merge rules of `size`: 32-bit results clear the upper
 * half. */
static void store_from(struct em *e, u8 dst, unsigned r, unsigned size)
{
    struct loc d = em_loc(e, dst);
    if (d.reg) {
        if (d.r != r)
            as_mov_rr(&e->a, size, d.r, r);
    } else if (size == 4) {
        /* r was written by a 32-bit operation: its upper half is clear. */
        as_store(&e->a, 8, r, MEM(STATE, d.disp));
    } else {
        as_store(&e->a, size, r, MEM(STATE, d.disp));
    }
}

void em_alu_to(struct em *e, const struct ir_ins *i, unsigned n, unsigned r)
{
    unsigned size = ir_bytes(i->type), opc = n << 3 | (size == 1 ? 2 : 3);
    s64 imm = i->imm;
    if (i->b != IR_NONE) {
        op_r_loc(e, opc, size, r, em_loc(e, i->b));
    } else if (imm == (s32)imm || size <= 4) {
        as_alu_ri(&e->a, n, size, r, size == 1 ? (s8)imm : size == 2 ? (s16)imm : (s32)imm);
    } else {
        as_mov_ri(&e->a, SCR2, (u64)imm);
        as_rr(&e->a, opc, size, r, SCR2);
    }
}

/* dst = a op b|imm: n is the group number of the immediate form. */
static void alu(struct em *e, const struct ir_ins *i, unsigned n)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst);
    bool in_place = i->dst == i->a;
    bool direct = d.reg && (in_place || (size >= 4 && (i->b == IR_NONE || i->b != i->dst)));
    unsigned r = direct ? d.r : SCR;
    s64 imm = i->imm;
    if (in_place && !d.reg && i->b == IR_NONE && imm == (s32)imm && size != 4) {
        as_alu_mi(&e->a, n, size, MEM(STATE, d.disp), (s32)imm);
        return;
    }
    if (in_place && !d.reg && size == 8 && i->b != IR_NONE && em_loc(e, i->b).reg) {
        as_rm(&e->a, n << 3 | 1, 8, em_loc(e, i->b).r, MEM(STATE, d.disp));
        return;
    }
    if (!(direct && in_place))
        em_load_to(e, r, i->a, size);
    em_alu_to(e, i, n, r);
    if (r != d.r || !d.reg)
        store_from(e, i->dst, r, size);
}

void em_compare(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    bool test = i->op == IR_TEST;
    struct loc a = em_loc(e, i->a);
    unsigned r;
    if (!test && !a.reg && i->b == IR_NONE && i->imm == (s32)i->imm) {
        as_alu_mi(&e->a, 7, size, MEM(STATE, a.disp), (s32)i->imm);
        return;
    }
    r = em_use(e, i->a, size, SCR);
    if (i->b != IR_NONE) {
        struct loc b = em_loc(e, i->b);
        if (test && b.reg)
            as_rr(&e->a, size == 1 ? 0x84 : 0x85, size, b.r, r);
        else if (test)
            as_rm(&e->a, size == 1 ? 0x84 : 0x85, size, r, MEM(STATE, b.disp));
        else
            op_r_loc(e, size == 1 ? 0x3a : 0x3b, size, r, b);
    } else if (i->imm == (s32)i->imm || size <= 4) {
        s32 imm = size == 1 ? (s8)i->imm : size == 2 ? (s16)i->imm : (s32)i->imm;
        if (!test) {
            as_alu_ri(&e->a, 7, size, r, imm);
            return;
        }
        as_rr(&e->a, size == 1 ? 0xf6 : 0xf7, size, 0, r);
        for (unsigned k = 0; k < (size > 4 ? 4 : size); k++)
            as8(&e->a, (u8)(imm >> (8 * k)));
    } else {
        as_mov_ri(&e->a, SCR2, (u64)i->imm);
        as_rr(&e->a, test ? 0x85 : 0x3b, size, test ? SCR2 : r, test ? r : SCR2);
    }
}

/* One-operand group F6/F7 and FE/FF, and shifts: `emit` on a register that holds a copy or dst
 * itself. */
static void unary(struct em *e, const struct ir_ins *i, unsigned opc, unsigned n)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst);
    bool direct = d.reg && (i->dst == i->a || size >= 4);
    unsigned r = direct ? d.r : SCR;
    if (!(direct && i->dst == i->a))
        em_load_to(e, r, i->a, size);
    as_rr(&e->a, size == 1 ? opc - 1 : opc, size, n, r);
    if (!direct)
        store_from(e, i->dst, r, size);
}

static void shift(struct em *e, const struct ir_ins *i, unsigned n)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst);
    bool by_cl = i->b != IR_NONE;
    bool direct = d.reg && (i->dst == i->a ||
                            (size >= 4 && !(by_cl && (i->dst == REG_CX || i->dst == i->b))));
    unsigned r = direct ? d.r : SCR2;
    if (!(direct && i->dst == i->a))
        em_load_to(e, r, i->a, size);
    if (!by_cl) {
        if (i->imm == 1) {
            as_rr(&e->a, size == 1 ? 0xd0 : 0xd1, size, n, r);
        } else {
            as_rr(&e->a, size == 1 ? 0xc0 : 0xc1, size, n, r);
            as8(&e->a, (u8)i->imm);
        }
    } else if (i->b == REG_CX) {
        as_rr(&e->a, size == 1 ? 0xd2 : 0xd3, size, n, r);
    } else { /* the count is elsewhere: borrow CL; r is not RCX unless it is dst in place */
        unsigned t = r == RCX ? SCR2 : r;
        if (r == RCX)
            as_mov_rr(&e->a, 8, SCR2, RCX);
        as_mov_rr(&e->a, 8, SCR, RCX);
        em_load_to(e, RCX, i->b, 4);
        as_rr(&e->a, size == 1 ? 0xd2 : 0xd3, size, n, t);
        as_mov_rr(&e->a, 8, RCX, SCR);
        if (r == RCX)
            as_mov_rr(&e->a, size, RCX, SCR2);
    }
    if (!direct)
        store_from(e, i->dst, r, size);
}

static unsigned shift_number(const struct ir_ins *i)
{
    return i->op == IR_ROL   ? 0
           : i->op == IR_ROR ? 1
           : i->op == IR_SHL ? 4
           : i->op == IR_SHR ? 5
                             : 7;
}

static void move(struct em *e, const struct ir_ins *i);

/* A count known at run time only, with flags wanted. Rotations leave to the host what a count of 0
 * means; for shifts, whose AF is to be mended, flags go to memory before, and new ones over them
 * unless the count is 0. */
static void shift_keeping_flags(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), count;
    u8 *zero, *done;
    if (i->op == IR_ROL || i->op == IR_ROR) {
        if (e->mend)
            em_flags_commit(e);
        em_flags_load(e);
        shift(e, i, shift_number(i));
        e->flags = FLAGS_HOST;
        return;
    }
    em_flags_commit(e);
    count = em_use(e, i->b, 4, SCR);
    as_rr(&e->a, 0xf6, 1, 0, count); /* test count, mask */
    as8(&e->a, size == 8 ? 63 : 31);
    zero = as_jcc(&e->a, CC_E);
    shift(e, i, shift_number(i));
    e->flags = FLAGS_HOST;
    e->mend = MEND_SHIFT;
    em_flags_save(e);
    if (e->a.full)
        return;
    if (i->dst == i->a && !(size == 4 && e->in->ir->long_mode)) {
        as_patch(zero, e->a.p);
        return;
    }
    done = as_jmp(&e->a);
    if (e->a.full)
        return;
    as_patch(zero, e->a.p);
    move(e, i);
    as_patch(done, e->a.p);
}

static void bits(struct em *e, const struct ir_ins *i, unsigned n)
{
    unsigned size = ir_bytes(i->type);
    bool test = i->op == IR_BT;
    unsigned r = SCR;
    if (test)
        r = em_use(e, i->a, size, SCR);
    else
        em_load_to(e, SCR, i->a, size);
    if (i->b == IR_NONE) {
        as_rr(&e->a, X_BTI, size, n, r);
        as8(&e->a, (u8)i->imm);
    } else {
        unsigned b = em_use(e, i->b, size, SCR2);
        as_rr(&e->a, X_BT + ((n - 4) << 3), size, b, r);
    }
    if (!test)
        store_from(e, i->dst, r, size);
}

static void imul(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst);
    bool direct = d.reg && (size >= 4 || i->dst >= IR_T0);
    unsigned r = direct ? d.r : SCR;
    if (i->b == IR_NONE) {
        bool small = i->imm == (s8)i->imm;
        op_r_loc(e, small ? 0x6b : 0x69, size, r, em_loc(e, i->a));
        for (unsigned k = 0; k < (small ? 1 : size == 2 ? 2 : 4); k++)
            as8(&e->a, (u8)(i->imm >> (8 * k)));
    } else {
        u8 first = i->dst == i->b ? i->b : i->a; /* the product is the same */
        em_load_to(e, r, first, size);
        op_r_loc(e, X_IMUL, size, r, em_loc(e, first == i->a ? i->b : i->a));
    }
    if (!direct)
        store_from(e, i->dst, r, size);
}

static void move(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst), s = em_loc(e, i->a);
    if (d.reg && s.reg) {
        if (d.r != s.r || size == 4)
            as_mov_rr(&e->a, size, d.r, s.r);
    } else if (d.reg) {
        as_load(&e->a, size, d.r, MEM(STATE, s.disp));
    } else {
        em_load_to(e, SCR, i->a, size);
        store_from(e, i->dst, SCR, size);
    }
}

static void move_imm(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst);
    u64 v = (u64)i->imm & size_mask(size);
    if (d.reg && (size >= 4 || i->dst >= IR_T0)) {
        as_mov_ri(&e->a, d.r, v);
    } else if (d.reg) { /* a narrow guest register keeps its upper bits */
        as_mov_ri(&e->a, SCR, v);
        as_mov_rr(&e->a, size, d.r, SCR);
    } else {
        as_mov_ri(&e->a, SCR, v);
        store_from(e, i->dst, SCR, size);
    }
}

/* MOVZX/MOVSX family. The result type is I16 (merging) or wider. */
static void extend(struct em *e, const struct ir_ins *i)
{
    static const u16 opc[] = {[IR_ZX8 - IR_ZX8] = X_MOVZX8,
                              [IR_ZX16 - IR_ZX8] = X_MOVZX16,
                              [IR_SX8 - IR_ZX8] = X_MOVSX8,
                              [IR_SX16 - IR_ZX8] = X_MOVSX16,
                              [IR_SX32 - IR_ZX8] = X_MOVSXD};
    unsigned size = ir_bytes(i->type), o = opc[i->op - IR_ZX8];
    bool byte = i->op == IR_ZX8 || i->op == IR_SX8;
    struct loc d = em_loc(e, i->dst), s = em_loc(e, i->a);
    bool direct = d.reg && (size >= 4 || i->dst >= IR_T0);
    unsigned r = direct ? d.r : SCR, wide = size < 4 ? 4 : size;
    if (s.reg && byte)
        as_rr8(&e->a, o, wide, r, s.r);
    else
        op_r_loc(e, o, wide, r, s);
    if (!direct)
        store_from(e, i->dst, r, size);
}

/* Bits 15..8 without touching flags: AH, CH, DH, BH of the host can be named only without REX, so
 * go through RAX. */
static void get_high(struct em *e, const struct ir_ins *i)
{
    struct loc s = em_loc(e, i->a), d = em_loc(e, i->dst);
    unsigned r = s.reg && s.r < 4 ? s.r : RAX, to = d.reg && d.r < 8 ? d.r : RAX;
    if (r == RAX)
        em_load_to(e, RAX, i->a, 4);
    /* movzx to, {a,c,d,b}h: register numbers 4..7 without REX */
    as8(&e->a, 0x0f);
    as8(&e->a, 0xb6);
    as8(&e->a, (u8)(0xc0 | to << 3 | (r + 4)));
    store_from(e, i->dst, to, 4);
}

static void set_high(struct em *e, const struct ir_ins *i)
{
    struct loc d = em_loc(e, i->dst);
    unsigned r = d.reg ? d.r : SCR2;
    em_load_to(e, RAX, i->a, 4);
    if (!d.reg)
        as_load(&e->a, 8, SCR2, MEM(STATE, d.disp));
    if (r >= 4) /* lend it RBX, which has a high byte */
        as_rr(&e->a, X_XCHG, 8, RBX, r);
    as8(&e->a, 0x88); /* mov {c,d,b}h, al */
    as8(&e->a, (u8)(0xc0 | RAX << 3 | ((r >= 4 ? RBX : r) + 4)));
    if (r >= 4)
        as_rr(&e->a, X_XCHG, 8, RBX, r);
    if (!d.reg)
        as_store(&e->a, 8, SCR2, MEM(STATE, d.disp));
}

static void lea(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), wide = size < 4 ? 4 : size;
    s32 disp = (s32)((u32)i->imm + (u32)e->extra[e->now]);
    unsigned scale = (unsigned)(i->imm >> 32) & 3;
    struct loc d = em_loc(e, i->dst);
    bool direct = d.reg && size >= 4;
    unsigned r = direct ? d.r : SCR;
    unsigned base = i->a != IR_NONE ? em_use(e, i->a, 8, SCR) : NOREG;
    unsigned index = i->b != IR_NONE ? em_use(e, i->b, 8, SCR2) : NOREG;
    if (base == NOREG && index == NOREG)
        as_mov_ri(&e->a, r, wide == 4 ? (u32)disp : (u64)(s64)disp);
    else if (index == NOREG && !disp)
        (r != base || wide == 4) ? as_mov_rr(&e->a, wide, r, base) : (void)0;
    else
        as_lea(&e->a, wide, r, ((struct mem){(u8)base, (u8)index, (u8)scale, disp}));
    if (size == 2 && i->dst >= IR_T0) {
        as_rr(&e->a, X_MOVZX16, 4, r, r);
        size = 4;
    }
    if (!direct)
        store_from(e, i->dst, r, size);
}

static void exchange(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst), s = em_loc(e, i->a);
    if (d.reg && s.reg && size != 4) {
        as_rr(&e->a, size == 1 ? X_XCHG8 : X_XCHG, size, d.r, s.r);
        return;
    }
    em_load_to(e, SCR, i->dst, size);
    em_load_to(e, SCR2, i->a, size);
    store_from(e, i->dst, SCR2, size);
    store_from(e, i->a, SCR, size);
}

static void set_cc(struct em *e, const struct ir_ins *i)
{
    struct loc d = em_loc(e, i->dst);
    if (d.reg)
        as_rr8(&e->a, X_SETCC + i->b, 1, 0, d.r);
    else
        as_rm(&e->a, X_SETCC + i->b, 4, 0, MEM(STATE, d.disp));
}

static void cmov(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct loc d = em_loc(e, i->dst);
    unsigned r = d.reg ? d.r : SCR;
    if (!d.reg)
        em_load_to(e, SCR, i->dst, size);
    op_r_loc(e, X_CMOV + i->b, size, r, em_loc(e, i->a));
    if (!d.reg)
        store_from(e, i->dst, r, size);
}

/* ---- flags as data: they are in memory, and the host's are spoiled ---- */
static void get_flags(struct em *e, const struct ir_ins *i)
{
    em_flags_commit(e);
    as_rm(&e->a, X_MOVZX8, 4, SCR, ST(af.szapc));
    as_alu_ri(&e->a, 4, 4, SCR, F_SZAPC);
    as_rm(&e->a, X_MOVZX8, 4, SCR2, ST(af.of));
    as_rr(&e->a, 0xc1, 4, 4, SCR2);
    as8(&e->a, 11);
    as_rr(&e->a, 0x0b, 4, SCR, SCR2);
    store_from(e, i->dst, SCR, 4);
}

static void set_flags(struct em *e, const struct ir_ins *i)
{
    em_load_to(e, SCR, i->a, 4);
    as_mov_rr(&e->a, 4, SCR2, SCR);
    as_rr(&e->a, 0xc1, 4, 5, SCR2);
    as8(&e->a, 11);
    as_alu_ri(&e->a, 4, 4, SCR2, 1);
    as_store(&e->a, 1, SCR, ST(af.szapc));
    as_store(&e->a, 1, SCR2, ST(af.of));
    e->flags = FLAGS_MEM;
}

static void state_op(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type);
    struct mem m = ST_AT(i->op == IR_LDS || i->op == IR_STS ? i->imm : (s64)(u32)i->imm);
    if (i->op == IR_LDC) {
        as_mov_ri(&e->a, SCR, (u64)i->imm);
        m = MEM(SCR, 0);
    }
    if (i->op == IR_LDS || i->op == IR_LDC) {
        struct loc d = em_loc(e, i->dst);
        unsigned r = d.reg && (size >= 4 || i->dst >= IR_T0) ? d.r : SCR;
        if (size >= 4)
            as_load(&e->a, size, r, m);
        else
            as_rm(&e->a, size == 1 ? X_MOVZX8 : X_MOVZX16, 4, r, m);
        if (r == SCR)
            store_from(e, i->dst, SCR, size < 4 && i->dst >= IR_T0 ? 4 : size);
    } else if (i->op == IR_STS) {
        as_store(&e->a, size, em_use(e, i->a, size, SCR), m);
    } else {
        em_flags_spoil(e, true);
        as_alu_mi(&e->a, i->op == IR_ANDS ? 4 : 1, 4, m, (s32)(i->imm >> 32));
    }
}

/* ---- one operation ---- */
static void emit_ins(struct em *e, const struct ir_ins *i, u8 live)
{
    em_flags_before(e, i, live);
    if (live & i->flags_out)
        em_recipe_before(e, i);
    if (i->b != IR_NONE && i->op >= IR_SHL && i->op <= IR_ROR && live & i->flags_out) {
        shift_keeping_flags(e, i);
        return;
    }
    switch (i->op) {
    case IR_MOV: move(e, i); break;
    case IR_MOVI: move_imm(e, i); break;
    case IR_ZX8:
    case IR_ZX16:
    case IR_SX8:
    case IR_SX16:
    case IR_SX32: extend(e, i); break;
    case IR_GETH: get_high(e, i); break;
    case IR_SETH: set_high(e, i); break;
    case IR_LEA: lea(e, i); break;
    case IR_BSWAP: {
        unsigned size = ir_bytes(i->type);
        struct loc d = em_loc(e, i->dst);
        unsigned r = d.reg ? d.r : SCR;
        em_load_to(e, r, i->a, size);
        if (size == 8 || r >= 8)
            as8(&e->a, (u8)(0x40 | (size == 8 ? 8 : 0) | r >> 3));
        as8(&e->a, 0x0f);
        as8(&e->a, (u8)(0xc8 | (r & 7)));
        store_from(e, i->dst, r, size);
        break;
    }
    case IR_XCHG: exchange(e, i); break;
    case IR_ADD: alu(e, i, 0); break;
    case IR_OR: alu(e, i, 1); break;
    case IR_ADC: alu(e, i, 2); break;
    case IR_SBB: alu(e, i, 3); break;
    case IR_AND: alu(e, i, 4); break;
    case IR_SUB: alu(e, i, 5); break;
    case IR_XOR: alu(e, i, 6); break;
    case IR_CMP:
    case IR_TEST: em_compare(e, i); break;
    case IR_INC: unary(e, i, 0xff, 0); break;
    case IR_DEC: unary(e, i, 0xff, 1); break;
    case IR_NOT: unary(e, i, 0xf7, 2); break;
    case IR_NEG: unary(e, i, 0xf7, 3); break;
    case IR_IMUL: imul(e, i); break;
    case IR_MULU:
    case IR_MULS: em_muldiv_op(e, i); break;
    case IR_DIVU:
    case IR_DIVS: em_muldiv_op(e, i); return;
    case IR_SHLD:
    case IR_SHRD:
        if (em_double_shift(e, i, live))
            return;
        break;
    case IR_BSF:
    case IR_BSR:
    case IR_TZCNT:
    case IR_LZCNT:
    case IR_POPCNT: em_scan_op(e, i, live); return;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR: shift(e, i, shift_number(i)); break;
    case IR_RCL1: unary(e, i, 0xd1, 2); break;
    case IR_RCR1: unary(e, i, 0xd1, 3); break;
    case IR_BT: bits(e, i, 4); break;
    case IR_BTS: bits(e, i, 5); break;
    case IR_BTR: bits(e, i, 6); break;
    case IR_BTC: bits(e, i, 7); break;
    case IR_SETCC: set_cc(e, i); break;
    case IR_CMOV: cmov(e, i); break;
    case IR_CLC: as8(&e->a, 0xf8); break;
    case IR_STC: as8(&e->a, 0xf9); break;
    case IR_CMC: as8(&e->a, 0xf5); break;
    case IR_VECL:
    case IR_VECLF:
    case IR_VECS: em_vector_op(e, i, live); return;
    case IR_VEC:
    case IR_VECF:
    case IR_VECG:
    case IR_VECD: em_vector_op(e, i, live); break;
    case IR_GETF: get_flags(e, i); return;
    case IR_SETF:
        if (i->flags_out & IRF_O)
            set_flags(e, i);
        else
            em_set_szapc(e, i, live);
        return;
    case IR_LDS:
    case IR_LDC:
    case IR_STS:
    case IR_ANDS:
    case IR_ORS: state_op(e, i); return;
    case IR_SEG:
    case IR_CANON:
    case IR_BAIL:
    case IR_LD:
    case IR_LDZ:
    case IR_LDX:
    case IR_ST:
    case IR_STI:
    case IR_LDW:
    case IR_STW:
    case IR_EXEC:
    case IR_EXECX:
    case IR_EXECR: em_mem_op(e, i); return;
    default: em_exit_op(e, i); return;
    }
    em_flags_behind(e, i, live);
}

/* ---- temporaries: linear scan over the block ---- */
#ifdef CONFIG_TORTURE
#define TEMP_REGS (BIT(R10) | BIT(R15))
#else
#define TEMP_REGS (BIT(R10) | BIT(R11) | BIT(R15))
#endif

static void temp_give(struct em *e, u8 v)
{
    if (v >= IR_T0 && v < IR_MAX_VALUE && !e->temp[v])
        em_upper_give_way(e);
    em_temp_give(e, v);
}

static void kept_take_back(struct em *e, u32 n)
{
    u32 left = 0;
    for (u32 k = 0; k < e->nkept; k++)
        if (e->kept[k].until == n)
            em_temp_take_back(e, e->kept[k].v, n);
        else
            e->kept[left++] = e->kept[k];
    e->nkept = left;
}

/* Behind operation n: those that it named last. */
static void temps_take_back(struct em *e, const struct ir_ins *i, u32 n)
{
    em_temps_take_back(e, i, n);
    if (e->nkept)
        kept_take_back(e, n);
}

/* A loaded value may lie where its address was, when no other register is left. */
static void temp_inherit(struct em *e, const struct ir_ins *i, u32 n)
{
    if ((i->op != IR_LD && i->op != IR_LDZ && i->op != IR_LDX) || e->free_regs || e->uppers ||
        !ir_is_temp(i->dst) || !ir_is_temp(i->a) || e->last[i->a] != n || e->temp[i->a] & 0x80 ||
        e->temp[i->dst])
        return;
    e->temp[i->dst] = e->temp[i->a];
    e->last[i->a] = 0; /* is not taken back */
}

void be_emit_block(struct codebuf *buf, const struct be_stubs *stubs, const struct be_in *in,
                   struct be_out *out)
{
    struct em em, *e = &em;
    const struct ir_block *b = in->ir;
    u32 poll, fused;
    em_begin(e, buf, stubs, in, out);
    e->flags = FLAGS_MEM;
    e->free_regs = TEMP_REGS;
    em_upper_plan(e);
    em_plan_groups(e);
    guess_plan(stubs, in, e->guesses);
    em_scan_uses(e);
    poll = em_emit_entry(e);
    em_tally(e, TALLY_BLOCKS, 1);
    em_tally(e, TALLY_INSNS, (s32)b->nguest);
    em_count_runs(e);
    if (e->last_vec)
        em_vector_enter(e);
    if (e->last_x87)
        em_x87_enter(e);
    for (u32 n = 0; n < b->n; n++) {
        const struct ir_ins *i = &b->ins[n];
        u8 use = ir_op_info[i->op].use;
        e->now = n;
        if (e->skip[n])
            continue;
        if (n && n == poll)
            em_poll(e, i->at);
        if ((fused = em_fuse(e, n)) != 0) {
            for (; fused > 1; fused--, n++)
                temps_take_back(e, &b->ins[n], n);
            temps_take_back(e, &b->ins[n], n);
            continue;
        }
        temp_inherit(e, i, n);
        if (use & IRU_SETS_DST)
            temp_give(e, i->dst);
        if (use & IRU_WRITES_B)
            temp_give(e, i->b);
        em_upper_before(e, i);
        emit_ins(e, i, e->live[n]);
        em_upper_behind(e, i);
        if ((i->op == IR_EXEC || i->op == IR_EXECR) && n < e->last_vec)
            em_vector_enter(e);
        if ((i->op == IR_EXEC || i->op == IR_EXECR) && n < e->last_x87)
            em_x87_enter(e);
        temps_take_back(e, i, n);
        if (UNLIKELY(e->a.full))
            break;
    }
    em_finish(e);
}
