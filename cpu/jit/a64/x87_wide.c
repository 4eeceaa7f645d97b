/* AArch64 code for x87 operations with 64 bits of precision: moves and what only looks at signs is done
 * here, the rest by stubs, on registers in fpu.st (SDM vol. 1 section 8.3). What those refuse goes to exec,
 * which has the instruction anew. */
#include "cpu/jit/a64/vec.h"
#include "cpu/jit/a64/x87_wide.h"

enum { LDR_Q = 0x3dc00000, STR_Q = 0x3d800000 };

static s64 home(unsigned p)
{
    return ST(fpu.st) + (s64)sizeof(struct f80) * p;
}

static void place(const struct x87_op *o, unsigned r, s64 off)
{
    _Static_assert(offsetof(struct cpu, x87_dbl) < 4096 - 16, "one instruction");
    as_add_imm(o->a, A_ADD, true, r, STATE, off, NOREG);
}

static void whole(const struct x87_op *o, u32 code, unsigned v, unsigned p)
{
    _Static_assert(offsetof(struct cpu, fpu.st) % 16 == 0 && sizeof(struct f80) == 16, "as LDR has it");
    as32(o->a, code | (u32)(home(p) / 16) << 10 | STATE << 5 | v);
}

static void call(const struct x87_op *o, enum be_x87_wide stub)
{
    as_bl_to(o->a, codebuf_rw(o->e->buf, o->e->stubs->x87_wide[stub]));
}

static void call_or_leave(const struct x87_op *o, enum be_x87_wide stub)
{
    call(o, stub);
    em_x87_bail(o->e, o->i, as_cbz(o->a, true, SCR));
}

/* The register that is pushed becomes ST(0). */
static unsigned below(const struct em *e)
{
    return (e->x87.top - 1) & 7;
}
static void push(struct em *e)
{
    e->x87.top = (u8)below(e);
    em_x87_fill(e, e->x87.top);
}

/* A number from memory, in the format of registers, to `off`. */
static void fetch(const struct x87_op *o, bool integer, s64 off)
{
    unsigned size = o->insn->o[0].size;
    struct em_place p = em_access(o->e, o->i, false);
    em_place_general(o->e, integer && size < 8 ? A_LOAD_SX64 : A_LOAD, size, SCR2, p);
    em_x87_note_memory(o, p);
    place(o, SCR, off);
    call_or_leave(o, integer ? WIDE_LOAD_INT : size == 8 ? WIDE_LOAD8 : WIDE_LOAD4);
}

/* [p] as one register, with ten bytes behind it. */
static unsigned address(const struct x87_op *o, struct em_place p)
{
    if (p.index == NOREG)
        as_add_imm(o->a, A_ADD, true, SCR, p.base, p.disp, SCR2);
    else if (p.word) /* add x, base, w index, uxtw */
        as32(o->a, 0x8b204000 | (u32)p.index << 16 | (u32)p.base << 5 | SCR);
    else
        as_rrr(o->a, A_ADD, true, SCR, p.base, p.index);
    return SCR;
}

/* ---- loads ---- */
static void load_ten(const struct x87_op *o)
{
    struct em_place p = em_access(o->e, o->i, false);
    unsigned r = address(o, p), to = below(o->e);
    as_mem(o->a, A_LOAD, 8, SCR2, r, 0);
    as_mem(o->a, A_LOAD, 2, SCR, r, 8);
    as_mem(o->a, A_STORE, 8, SCR2, STATE, home(to));
    as_mem(o->a, A_STORE, 2, SCR, STATE, home(to) + 8);
    em_x87_note_memory(o, p);
}

static void load(const struct x87_op *o, bool integer)
{
    struct em *e = o->e;
    if (!em_x87_is_memory(o)) {
        whole(o, LDR_Q, 0, em_x87_phys(e, o->insn->o[0].reg));
        whole(o, STR_Q, 0, below(e));
    } else if (o->insn->o[0].size == 10) {
        load_ten(o);
    } else {
        fetch(o, integer, home(below(e)));
    }
    push(e);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

static void constant(const struct x87_op *o, bool one)
{
    s64 to = home(below(o->e));
    if (one) {
        as_mov_imm(o->a, SCR, BIT64(63));
        as_mov_imm(o->a, SCR2, 16383);
    }
    as_mem(o->a, A_STORE, 8, one ? SCR : XZR, STATE, to);
    as_mem(o->a, A_STORE, 2, one ? SCR2 : XZR, STATE, to + 8);
    push(o->e);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

/* ---- stores: when the access is granted nothing can go wrong but that the stub refuses ---- */
static void store_ten(const struct x87_op *o, struct em_place p, unsigned from)
{
    unsigned r = address(o, p);
    as_mem(o->a, A_LOAD, 8, SCR2, STATE, home(from));
    as_mem(o->a, A_LOAD, 2, SCR3, STATE, home(from) + 8);
    as_mem(o->a, A_STORE, 8, SCR2, r, 0);
    as_mem(o->a, A_STORE, 2, SCR3, r, 8);
}

/* The image in SCR2. */
static void image(const struct x87_op *o, enum be_x87_wide stub, unsigned size)
{
    place(o, SCR2, home(o->e->x87.top));
    if (stub == WIDE_STORE_INT || stub == WIDE_STORE_TRUNC)
        as_mov_imm(o->a, SCR3, 16383 + 8 * size - 2);
    call(o, stub);
    em_x87_bail(o->e, o->i, as_cbz(o->a, true, SCR3));
}

static void store_memory(const struct x87_op *o, enum be_x87_wide stub, unsigned pops)
{
    struct em *e = o->e;
    unsigned size = o->insn->o[0].size;
    struct em_place p = em_access(e, o->i, true);
    if (size == 10) {
        store_ten(o, p, e->x87.top);
    } else {
        image(o, stub, size);
        em_place_general(e, A_STORE, size, SCR2, p);
    }
    em_x87_note_memory(o, p);
    em_x87_note(o, size == 10 ? C1_CLEAR : C1_KNOWN, 0, 0);
    em_x87_pop(e, pops);
}

static void store(const struct x87_op *o, unsigned pops)
{
    unsigned to;
    if (em_x87_is_memory(o)) {
        store_memory(o, o->insn->o[0].size == 4 ? WIDE_STORE4 : WIDE_STORE8, pops);
        return;
    }
    to = em_x87_phys(o->e, o->insn->o[0].reg);
    if (to != o->e->x87.top) {
        whole(o, LDR_Q, 0, o->e->x87.top);
        whole(o, STR_Q, 0, to);
    }
    em_x87_fill(o->e, to);
    em_x87_note(o, C1_CLEAR, 0, 0);
    em_x87_pop(o->e, pops);
}

/* ---- arithmetic ---- */
static void arith(const struct x87_op *o, enum be_x87_wide stub, bool integer, unsigned pops)
{
    struct em *e = o->e;
    unsigned to = em_x87_phys(e, 0);
    s64 by = ST(x87_dbl); /* no register is a double here */
    if (em_x87_is_memory(o)) {
        fetch(o, integer, by);
    } else if (stub != WIDE_SQRT) {
        to = em_x87_phys(e, o->insn->o[0].reg);
        by = home(em_x87_phys(e, o->insn->o[1].reg));
    }
    place(o, SCR, home(to));
    if (stub != WIDE_SQRT)
        place(o, ADDR, by);
    call_or_leave(o, stub);
    em_x87_fill(e, to);
    em_x87_note(o, C1_KNOWN, 0, 0);
    em_x87_pop(e, pops);
}

static void sign(const struct x87_op *o, bool clear)
{
    s64 at = home(o->e->x87.top) + 8;
    as_mem(o->a, A_LOAD, 2, SCR, STATE, at);
    as_logic_imm(o->a, clear ? A_AND : A_EOR, false, SCR, SCR, clear ? 0x7fff : 0x8000, NOREG);
    as_mem(o->a, A_STORE, 2, SCR, STATE, at);
    em_x87_fill(o->e, o->e->x87.top);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

static void exchange(const struct x87_op *o)
{
    unsigned p = o->e->x87.top, q = em_x87_phys(o->e, o->insn->o[0].reg);
    whole(o, LDR_Q, 0, p);
    whole(o, LDR_Q, 2, q);
    whole(o, STR_Q, 0, q);
    whole(o, STR_Q, 2, p);
    em_x87_fill(o->e, p);
    em_x87_fill(o->e, q);
    em_x87_note(o, C1_CLEAR, 0, 0);
}

/* ---- comparison ---- */
/* With what: ST(i), memory, or with `zero` that. */
static void compare(const struct x87_op *o, unsigned i, bool integer, bool zero)
{
    struct em *e = o->e;
    s64 by = ST(x87_dbl);
    if (zero) {
        as_mem(o->a, A_STORE, 8, XZR, STATE, by);
        as_mem(o->a, A_STORE, 2, XZR, STATE, by + 8);
    } else if (em_x87_is_memory(o)) {
        fetch(o, integer, by);
    } else {
        by = home(em_x87_phys(e, i));
    }
    place(o, SCR, home(e->x87.top));
    place(o, ADDR, by);
    call(o, WIDE_ORDER);
    em_x87_bail(e, o->i, as_tbnz(o->a, SCR, WIDE_REFUSED_BIT));
}

static void order(const struct x87_op *o, unsigned i, bool integer, bool zero, unsigned pops)
{
    compare(o, i, integer, zero);
    em_state(o->a, A_LOAD, 2, SCR2, ST(fpu.sw));
    as_logic_imm(o->a, A_AND, false, SCR2, SCR2, 0xbaff, SCR3);
    as_rrr(o->a, A_ORR, false, SCR, SCR, SCR2);
    em_state(o->a, A_STORE, 2, SCR, ST(fpu.sw));
    em_x87_note(o, C1_CLEAR, 0, 0);
    em_x87_pop(o->e, pops);
}

/* To Z, P and C; C1 stays as it is. */
static void order_flags(const struct x87_op *o, unsigned pops)
{
    struct em *e = o->e;
    compare(o, o->insn->o[1].reg, false, false);
    as_mov_imm(o->a, PARITY, 1);
    as_mov_imm(o->a, ADJUST, 1);
    as_mov_imm(o->a, SCR2, 1u << 29); /* C0 at bit 8, inverted, and C3 at bit 14 to where NZCV has C and Z */
    as_rrrs(o->a, A_EOR, false, SCR2, SCR2, SCR, LSL, 29 - 8);
    as_rrrs(o->a, A_ORR, false, SCR2, SCR2, SCR, LSL, 30 - 14);
    as_logic_imm(o->a, A_AND, false, SCR2, SCR2, 3u << 29, NOREG);
    as_set_nzcv(o->a, SCR2);
    e->recipe.kind = RECIPE_NONE;
    e->carry = CARRY_INVERTED;
    e->x87.site = (u8)(o->i->at + 1);
    em_x87_pop(e, pops);
}

static void root(const struct x87_op *o)
{
    arith(o, WIDE_SQRT, false, 0);
}

static void store_int(const struct x87_op *o, bool trunc, unsigned pops)
{
    store_memory(o, trunc ? WIDE_STORE_TRUNC : WIDE_STORE_INT, pops);
}

const struct x87_way em_x87_wide = {arith,       root,  sign,     exchange, order,
                                    order_flags, load,  constant, store,    store_int};
