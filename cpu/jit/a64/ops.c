/* AArch64 code for the IR's moves, addresses and state, and the walk over a block's operations. */
#include "cpu/jit/a64/em.h"

/* ---- where values are ---- */
struct loc em_loc(const struct em *e, u8 v)
{
    if (v < 8)
        return (struct loc){true, (u8)(FIRST_LOW + v), 0};
    if (v < 16)
        return (struct loc){true, (u8)(FIRST_HIGH + v - 8), 0};
    if (e->temp[v] & 0x80)
        return (struct loc){false, 0, (u32)(offsetof(struct cpu, slots) + 8u * (e->temp[v] & 0x7f))};
    return (struct loc){true, e->temp[v], 0};
}

void em_state(struct as *a, unsigned what, unsigned size, unsigned t, s64 off)
{
    if (as_mem_fits(size, off)) {
        as_mem(a, what, size, t, STATE, off);
        return;
    }
    as_mov_imm(a, SCR3, (u64)off);
    as_mem_reg(a, what, size, t, STATE, SCR3, false, false);
}

unsigned em_use(struct em *e, u8 v, unsigned scratch)
{
    struct loc l = em_loc(e, v);
    if (l.reg)
        return l.r;
    em_state(&e->a, A_LOAD, 8, scratch, l.off);
    return scratch;
}

unsigned em_target(struct em *e, u8 dst, unsigned size, unsigned scratch)
{
    struct loc l = em_loc(e, dst);
    return l.reg && (size >= 4 || ir_is_temp(dst)) ? l.r : scratch;
}

void em_put(struct em *e, u8 dst, unsigned r, unsigned size)
{
    struct loc l = em_loc(e, dst);
    if (!l.reg)
        em_state(&e->a, A_STORE, 8, r, l.off); /* only temporaries are in memory */
    else if (l.r == r)
        return;
    else if (size < 4 && ir_is_guest(dst))
        as_bfi(&e->a, true, l.r, r, 0, 8 * size);
    else
        as_mov(&e->a, size == 8, l.r, r);
}

/* ---- moves ---- */
static void move(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, SCR);
    struct loc d = em_loc(e, i->dst);
    if (d.reg && d.r == r && size == 4)
        as_mov(&e->a, false, r, r); /* clears the upper half */
    else
        em_put(e, i->dst, r, size);
}

static void move_imm(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), d = em_target(e, i->dst, size, SCR);
    u64 v = (u64)i->imm & size_mask(size);
    if (v == 0 && d == SCR && em_loc(e, i->dst).reg)
        d = XZR;
    else
        as_mov_imm(&e->a, d, v);
    em_put(e, i->dst, d, size);
}

/* MOVZX and MOVSX. */
static void extend(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r = em_use(e, i->a, SCR), d = em_target(e, i->dst, size, SCR);
    unsigned bits = i->op == IR_ZX8 || i->op == IR_SX8 ? 8 : i->op == IR_SX32 ? 32 : 16;
    if (i->op == IR_ZX8 || i->op == IR_ZX16)
        as_ubfx(&e->a, false, d, r, 0, bits);
    else
        as_sbfx(&e->a, size == 8, d, r, 0, bits);
    em_put(e, i->dst, d, size);
}

static void lea(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), d = em_target(e, i->dst, size < 4 ? 4 : size, SCR), r = XZR;
    bool wide = size == 8, narrow_guest = size == 2 && ir_is_guest(i->dst);
    s32 disp = (s32)((u32)i->imm + (u32)e->extra[e->now]);
    unsigned scale = (unsigned)(i->imm >> 32) & 3;
    bool made = false; /* d has the sum but for disp */
    unsigned base = i->a != IR_NONE ? em_use(e, i->a, SCR) : NOREG;
    unsigned index = i->b != IR_NONE ? em_use(e, i->b, SCR2) : NOREG;
    if (narrow_guest)
        d = SCR;
    if (base != NOREG && index != NOREG) {
        as_rrrs(&e->a, A_ADD, wide, d, base, index, LSL, scale);
        r = d, made = true;
    } else if (base != NOREG) {
        r = base;
    } else if (index != NOREG && scale) {
        as_lsl(&e->a, wide, d, index, scale);
        r = d, made = true;
    } else if (index != NOREG) {
        r = index;
    }
    if (r == XZR)
        as_mov_imm(&e->a, d, wide ? (u64)(s64)disp : (u32)disp);
    else if (disp)
        as_add_imm(&e->a, A_ADD, wide, d, r, disp, SCR3);
    else if (!made && (r != d || !wide))
        as_mov(&e->a, wide, d, r);
    if (size == 2 && !narrow_guest)
        as_ubfx(&e->a, false, d, d, 0, 16);
    em_put(e, i->dst, d, narrow_guest ? 2 : 8);
}

static void exchange(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), a = em_use(e, i->dst, SCR), b = em_use(e, i->a, SCR2);
    as_mov(&e->a, true, SCR3, a);
    em_put(e, i->dst, b, size);
    if (a == b && size == 4)
        as_mov(&e->a, false, a, a);
    em_put(e, i->a, SCR3, size);
}

static void set_cc(struct em *e, const struct ir_ins *i)
{
    bool parity;
    unsigned cc = em_condition(e, i->b, &parity), d = em_target(e, i->dst, 1, SCR2);
    const struct ir_ins *next = e->now + 1 < e->in->ir->n && !e->skip[e->now + 1] ? i + 1 : NULL;
    /* MOVZX of it follows: the bit alone does for both */
    if (next && next->op == IR_ZX8 && next->dst == i->dst && next->a == i->dst && em_loc(e, i->dst).reg) {
        d = em_loc(e, i->dst).r;
        e->skip[e->now + 1] = ir_bytes(next->type) >= 4;
        d = e->skip[e->now + 1] ? d : em_target(e, i->dst, 1, SCR2);
    }
    if (parity && cc == A_EQ)
        as_logic_imm(&e->a, A_EOR, false, d, SCR, 1, NOREG);
    else if (parity)
        as_mov(&e->a, false, d, SCR);
    else
        as_cset(&e->a, d, cc);
    em_put(e, i->dst, d, 1);
}

static void cmov(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), d, s;
    bool parity, wide = size == 8;
    unsigned cc = em_condition(e, i->b, &parity);
    if (parity) { /* NZCV stays: the choice by a mask, all ones where SCR is 1 */
        as_rrr(&e->a, A_SUB, true, SCR, XZR, SCR);
        if (cc == A_EQ)
            as_rrr(&e->a, A_ORN, true, SCR, XZR, SCR);
        d = em_use(e, i->dst, SCR2), s = em_use(e, i->a, ADDR);
        as_rrr(&e->a, A_EOR, true, ADDR, d, s);
        as_rrr(&e->a, A_AND, true, ADDR, ADDR, SCR);
        as_rrr(&e->a, A_EOR, wide, ADDR, ADDR, d);
        em_put(e, i->dst, ADDR, size);
        return;
    }
    d = em_use(e, i->dst, SCR), s = em_use(e, i->a, SCR2);
    if (size >= 4 && em_loc(e, i->dst).reg) {
        as_csel(&e->a, wide, d, s, d, cc);
        return;
    }
    as_csel(&e->a, wide, SCR, s, d, cc);
    em_put(e, i->dst, SCR, size);
}

static void change_carry(struct em *e, const struct ir_ins *i)
{
    em_flags_nzcv(e);
    if (i->op == IR_CMC) {
        e->carry = e->carry == CARRY_DIRECT ? CARRY_INVERTED : CARRY_DIRECT;
        return;
    }
    as_mov_imm(&e->a, SCR, i->op == IR_STC);
    em_flags_insert(e, SCR, false);
    e->carry = CARRY_DIRECT;
}

static void state_op(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), d;
    s64 off = i->op == IR_LDS || i->op == IR_STS ? i->imm : (s64)(u32)i->imm;
    if (i->op == IR_LDC) {
        d = em_target(e, i->dst, size, SCR);
        as_mov_imm(&e->a, SCR2, (u64)i->imm);
        as_mem(&e->a, A_LOAD, size, d, SCR2, 0);
        em_put(e, i->dst, d, size);
    } else if (i->op == IR_LDS) {
        d = em_target(e, i->dst, size, SCR);
        em_state(&e->a, A_LOAD, size, d, off);
        em_put(e, i->dst, d, size);
    } else if (i->op == IR_STS) {
        em_state(&e->a, A_STORE, size, em_use(e, i->a, SCR), off);
    } else {
        em_state(&e->a, A_LOAD, 4, SCR, off);
        as_logic_imm(&e->a, i->op == IR_ANDS ? A_AND : A_ORR, false, SCR, SCR, (u32)(i->imm >> 32),
                     SCR2);
        em_state(&e->a, A_STORE, 4, SCR, off);
    }
}

static bool move_op(struct em *e, const struct ir_ins *i)
{
    unsigned size = ir_bytes(i->type), r, d;
    switch (i->op) {
    case IR_MOV: move(e, i); return true;
    case IR_MOVI: move_imm(e, i); return true;
    case IR_ZX8:
    case IR_ZX16:
    case IR_SX8:
    case IR_SX16:
    case IR_SX32: extend(e, i); return true;
    case IR_GETH:
        r = em_use(e, i->a, SCR), d = em_target(e, i->dst, 4, SCR);
        as_ubfx(&e->a, false, d, r, 8, 8);
        em_put(e, i->dst, d, 4);
        return true;
    case IR_SETH:
        r = em_use(e, i->a, SCR), d = em_use(e, i->dst, SCR2);
        as_bfi(&e->a, true, d, r, 8, 8);
        em_put(e, i->dst, d, 8);
        return true;
    case IR_LEA: lea(e, i); return true;
    case IR_BSWAP:
        r = em_use(e, i->a, SCR), d = em_target(e, i->dst, size, SCR);
        as_rr(&e->a, A_REV, size == 8, d, r);
        em_put(e, i->dst, d, size);
        return true;
    case IR_XCHG: exchange(e, i); return true;
    case IR_SETCC: set_cc(e, i); return true;
    case IR_CMOV: cmov(e, i); return true;
    case IR_CLC:
    case IR_STC:
    case IR_CMC: change_carry(e, i); return true;
    case IR_GETF: em_getf(e, i); return true;
    case IR_LDC:
    case IR_LDS:
    case IR_STS:
    case IR_ANDS:
    case IR_ORS: state_op(e, i); return true;
    }
    return false;
}

static void guard(struct em *e, const struct ir_ins *i)
{
    u8 use = ir_op_info[i->op].use;
    struct loc l;
    if (e->recipe.kind == RECIPE_NONE)
        return;
    if (use & (IRU_SETS_DST | IRU_WRITES_DST) && (l = em_loc(e, i->dst)).reg)
        em_flags_guard(e, i, l.r);
    if (use & IRU_WRITES_A && (l = em_loc(e, i->a)).reg)
        em_flags_guard(e, i, l.r);
    if (use & IRU_WRITES_B && (l = em_loc(e, i->b)).reg)
        em_flags_guard(e, i, l.r);
}


static void emit_ins(struct em *e, const struct ir_ins *i)
{
    u8 live = e->live[e->now], want = e->want[e->now];
    if (e->recipe.kind != RECIPE_NONE && !em_flags_wanted(e, i))
        e->recipe.kind = RECIPE_NONE;
    guard(e, i);
    if (ir_calls_exec(i->op)) {
        em_x87_forget(e);
        e->x87_guess = (u8)((e->x87_guess + x87_step(&e->in->insns[i->at])) & 7);
    } else if (ir_op_info[i->op].attrs & IRA_EXIT || ir_is_branch(i->op))
        em_x87_flush(e);
    if (move_op(e, i) || em_alu_op(e, i, live, want) || em_shift_op(e, i, live, want) ||
        em_bits_op(e, i, live) || em_muldiv_op(e, i, live))
        return;
    if (i->op >= IR_VEC && i->op <= IR_VECS && op_info[e->in->insns[i->at].op].attrs & OPA_X87)
        em_x87_op(e, i);
    else if (i->op >= IR_VEC && i->op <= IR_VECS)
        em_vector_op(e, i, live);
    else if (i->op == IR_SETF)
        em_setf(e, i, live);
    else if ((ir_op_info[i->op].attrs & IRA_MEM) || i->op == IR_SEG || i->op == IR_CANON ||
             i->op == IR_BAIL)
        em_mem_op(e, i);
    else
        em_exit_op(e, i);
}

/* ---- temporaries: linear scan over the block ---- */
static u32 temp_regs(const struct em *e)
{
    u32 regs = BIT(X3) | BIT(X4) | BIT(X5);
#ifndef CONFIG_TORTURE
    if (!e->in->ir->long_mode) /* R8 to R15 are nobody's */
        for (unsigned r = FIRST_HIGH; r < FIRST_HIGH + 8; r++)
            regs |= BIT(r);
#endif
    return regs;
}

static void note_use(struct em *e, u8 v, u32 n)
{
    if (v >= IR_T0 && v < IR_MAX_VALUE && !e->last[v])
        e->last[v] = (u16)n;
}

/* Flags wanted before i by others than those that can make them anew. */
static u8 wanted_before(const struct ir_ins *i, u8 behind)
{
    if ((ir_op_info[i->op].attrs & IRA_EXIT) || ir_calls_exec(i->op))
        return 0; /* the exit's code makes them */
    if (ir_may_keep_flags(i))
        return behind | ir_flags_in(i);
    return (u8)((behind & ~i->flags_out) | ir_flags_in(i));
}

/* One walk from the end: flags wanted behind each operation, the last uses of temporaries, and sums
 * that nobody asks for since an access behind a check takes another way. */
static void scan_uses(struct em *e, const struct ir_block *b)
{
    u8 live = IRF_ALL, want = 0;
    for (u32 n = b->n; n-- > 0;) {
        const struct ir_ins *i = &b->ins[n];
        if (i->op >= IR_VEC && i->op <= IR_VECS && !e->last_vec &&
            em_vec_wants(&e->in->insns[i->at]))
            e->last_vec = n + 1;
        e->live[n] = live;
        e->want[n] = want;
        if (e->drop && i->op == IR_LEA && ir_is_temp(i->dst) && !e->last[i->dst]) {
            e->skip[n] = true;
            continue;
        }
        if (!e->follows[n]) {
            live = ir_flags_before(i, live);
            want = wanted_before(i, want);
        }
        note_use(e, i->dst, n);
        if (!e->follows[n])
            note_use(e, i->a, n);
        if (ir_op_info[i->op].use & IRU_VALUE_B)
            note_use(e, i->b, n);
    }
    e->live_in = live;
}

u8 *em_request(struct em *e)
{
    em_state(&e->a, A_LOAD, 4, SCR, ST(exit_request));
    return as_cbnz(&e->a, false, SCR);
}

u8 *em_charge_entry(struct em *e)
{
    em_charge(e, -(s32)e->in->ir->nguest);
    as_lsr(&e->a, false, SCR, SCR, 31); /* TBNZ might not reach */
    return as_cbnz(&e->a, false, SCR);
}

bool em_has_inner(const struct em *e)
{
    const struct be_in *in = e->in;
    if (in->counted || in->tally || in->heats || !e->last_vec || e->x87_too)
        return false;
    for (u32 n = e->last_vec; n < in->ir->n; n++)
        if (ir_calls_exec(in->ir->ins[n].op))
            return false;
    return true;
}

void be_emit_block(struct codebuf *buf, const struct be_stubs *stubs, const struct be_in *in,
                   struct be_out *out)
{
    struct em em, *e = &em;
    const struct ir_block *b = in->ir;
    u32 poll;
    em_begin(e, buf, stubs, in, out);
    e->x87_guess = in->x87_top;
    e->free_regs = temp_regs(e);
    for (u32 k = 0; k < b->nguest; k++) /* where the last one was is a constant that copies do not change */
        e->x87_too |= (insn_units(&in->insns[k]) & UNIT_X87) != 0;
    out->fixed = e->x87_too;
    em_plan_groups(e);
    em_plan_constant(e);
    guess_plan(stubs, in, e->guesses);
    scan_uses(e, b);
    poll = em_emit_entry(e);
    em_count_runs(e);
    em_tally(e, TALLY_BLOCKS, 1);
    em_tally(e, TALLY_INSNS, (s32)b->nguest);
    if (e->last_vec)
        em_vector_enter(e);
    if (em_has_inner(e))
        out->entry_inner = codebuf_rx(buf, e->a.p);
    for (u32 n = 0; n < b->n && !e->a.full; n++) {
        const struct ir_ins *i = &b->ins[n];
        u8 use = ir_op_info[i->op].use;
        e->now = n;
        if (e->skip[n])
            continue;
        if (n && n == poll)
            em_poll(e, i->at);
        if (use & IRU_SETS_DST)
            em_temp_give(e, i->dst);
        if (use & IRU_WRITES_B)
            em_temp_give(e, i->b);
        emit_ins(e, i);
        if ((i->op == IR_EXEC || i->op == IR_EXECR) && n < e->last_vec)
            em_vector_enter(e);
        em_temps_take_back(e, i, n);
    }
    em_finish(e);
    if (!out->full)
        __builtin___clear_cache((char *)(uintptr_t)codebuf_rx(buf, out->code),
                                (char *)(uintptr_t)codebuf_rx(buf, out->end));
}

/* The conditional branch that leads to the branch at `rel`, whose word in front says where: one of
 * the permanently undefined ones, which no instruction is. */
static u8 *branch_to(u8 *rel)
{
    u32 back = ld32(rel - 4);
    return back && back == (u16)back ? rel - 4 * (s64)back : NULL;
}

static void point(struct codebuf *buf, u8 *branch, const u8 *to)
{
    const u8 *at = codebuf_rx(buf, branch);
    codebuf_write(buf, branch, 4);
    if (as_branch(branch, branch + (to - at)))
        __builtin___clear_cache((char *)(uintptr_t)at, (char *)(uintptr_t)(at + 4));
}

void be_patch(struct codebuf *buf, u8 *rel, const u8 *to)
{
    u8 *branch = branch_to(rel);
    point(buf, rel, to);
    if (!branch)
        return;
    point(buf, branch, codebuf_rx(buf, rel)); /* should it not reach */
    point(buf, branch, to);
}
