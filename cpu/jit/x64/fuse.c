/* Operations on memory in one host instruction: a load that feeds only the operation behind it, and
 * a load, an operation and a store to the same place. They save the temporary, which is worth most
 * where no register is left for it. */
#include "cpu/jit/x64/group.h"
#include "cpu/ir/shape.h"

/* The number of the host's group of arithmetic instructions, or NOT_ALU. */
enum { NOT_ALU = 8 };

static unsigned alu_number(unsigned op)
{
    switch (op) {
    case IR_ADD: return 0;
    case IR_OR: return 1;
    case IR_AND: return 4;
    case IR_SUB: return 5;
    case IR_XOR: return 6;
    case IR_CMP: return 7;
    default: return NOT_ALU;
    }
}

/* Nothing but flags that i sets anew is wanted behind it, so that nothing is to be done before. */
static bool flags_ok(const struct em *e, const struct ir_ins *i, u32 n)
{
    return !(e->live[n] & (u8)~i->flags_out);
}

/* A recipe could read the temporary: worth more than it when that spares saving the flags, or when
 * they may stay unsaved on the way back to a loop's beginning. */
static bool recipe_first(struct em *e, const struct ir_ins *i, u32 n, unsigned regs)
{
    const struct ir_block *b = e->in->ir;
    const struct ir_ins *next = &b->ins[MIN(n + 1, b->n - 1)];
    u32 now = e->now;
    bool useful;
    if (!(e->live[n] & i->flags_out) || (unsigned)__builtin_popcount(e->free_regs) < regs)
        return false;
    e->now = n;
    useful = em_recipe_useful(e, i) ||
             (next->op == IR_JCC && (u64)next->imm <= b->rip + (u64)(s64)b->off[i->at]);
    e->now = now;
    return useful;
}

static bool is_pinned(const struct em *e, u8 v)
{
    if (v >= IR_MAX_VALUE || (v >= IR_T0 && !e->temp[v]))
        return false;
    return em_loc(e, v).reg;
}

/* R8 to R15 as the load at n and the operation behind it want them. The operation's come first:
 * what it names is used so soon that the load's do not push it out. It must read all that it names:
 * what is only written comes without its value, which the load may want. */
static void uppers_before(struct em *e, u32 n)
{
    const struct ir_ins *ld = &e->in->ir->ins[n];
    e->now = n + 1;
    e->fused = true;
    em_upper_before(e, ld + 1);
    e->fused = false;
    e->now = n;
    em_upper_before(e, ld);
}

static void uppers_behind(struct em *e, u32 n)
{
    const struct ir_ins *ld = &e->in->ir->ins[n];
    e->now = n;
    em_upper_behind(e, ld);
    e->now = n + 1;
    em_upper_behind(e, ld + 1);
}

/* opc [m], reg or imm of group operation k. */
static void alu_to_memory(struct em *e, unsigned k, const struct ir_ins *i, struct mem m)
{
    unsigned size = ir_bytes(i->type);
    s32 imm = size == 1 ? (s8)i->imm : size == 2 ? (s16)i->imm : (s32)i->imm;
    if (i->b != IR_NONE)
        as_rm(&e->a, k << 3 | (size > 1), size, em_loc(e, i->b).r, m);
    else
        as_alu_mi(&e->a, k, size, m, imm);
}

static bool second_ok(const struct em *e, const struct ir_ins *i)
{
    return i->b == IR_NONE ? ir_bytes(i->type) <= 4 || i->imm == (s32)i->imm : is_pinned(e, i->b);
}

/* LD or LDZ t; OP r, r, t or CMP r, t or CMP t, r|imm of the same width. */
static bool load_and_operate(struct em *e, u32 n)
{
    const struct ir_ins *ld = &e->in->ir->ins[n], *i = ld + 1;
    unsigned k = alu_number(i->op), size = ir_bytes(ld->type);
    bool second = i->b == ld->dst, logic = k == 1 || k == 4 || k == 6;
    struct mem m;
    if (k == NOT_ALU || i->type != ld->type || !flags_ok(e, i, n + 1))
        return false;
    if (second ? i->a == ld->dst || (k != 7 && i->dst != i->a) : k != 7 || i->a != ld->dst)
        return false;
    uppers_before(e, n);
    if (second ? !is_pinned(e, i->a) : !second_ok(e, i))
        return false;
    if (!logic && recipe_first(e, i, n + 1, 1))
        return false;
    m = em_access(e, ld, false);
    e->now = n + 1;
    if (second)
        as_rm(&e->a, k << 3 | (size > 1 ? 3 : 2), size, em_loc(e, i->a).r, m);
    else
        alu_to_memory(e, k, i, m);
    e->fused = !logic;
    em_flags_behind(e, i, e->live[n + 1]);
    e->fused = false;
    uppers_behind(e, n);
    return true;
}

/* LDW t, p; OP t, t, r|imm; STW t, p. */
static bool change_memory(struct em *e, u32 n)
{
    const struct ir_ins *ld = &e->in->ir->ins[n], *i = ld + 1, *st = ld + 2;
    unsigned k = alu_number(i->op), size = ir_bytes(ld->type);
    bool alone = i->op == IR_INC || i->op == IR_DEC || i->op == IR_NOT || i->op == IR_NEG;
    struct mem m;
    if ((k >= 7 && !alone) || st->op != IR_STW || st->a != i->dst || st->b != ld->b ||
        st->type != ld->type || i->type != ld->type || i->a != ld->dst || e->last[ld->b] != n + 2 ||
        e->last[i->dst] != n + 2 || !ir_is_temp(i->dst) || !flags_ok(e, i, n + 1))
        return false;
    if (e->last[ld->dst] != (i->dst == ld->dst ? n + 2 : n + 1))
        return false;
    if (!alone && i->b == ld->dst)
        return false;
    uppers_before(e, n);
    if ((!alone && !second_ok(e, i)) || recipe_first(e, i, n + 1, 2))
        return false;
    m = em_access(e, ld, true);
    e->now = n + 1;
    if (!alone)
        alu_to_memory(e, k, i, m);
    else if (i->op == IR_INC || i->op == IR_DEC)
        as_rm(&e->a, size == 1 ? 0xfe : 0xff, size, i->op == IR_DEC, m);
    else
        as_rm(&e->a, size == 1 ? 0xf6 : 0xf7, size, i->op == IR_NEG ? 3 : 2, m);
    e->fused = true;
    em_flags_behind(e, i, e->live[n + 1]);
    e->fused = false;
    uppers_behind(e, n);
    return true;
}

u32 em_fuse(struct em *e, u32 n)
{
    const struct ir_block *b = e->in->ir;
    const struct ir_ins *i = &b->ins[n];
    if (e->in->off_techniques & JIT_OFF(FUSE))
        return 0;
    if ((i->op == IR_LD || i->op == IR_LDZ) && n + 1 < b->n && ir_is_temp(i->dst) &&
        e->last[i->dst] == n + 1 && i[1].at == i->at && load_and_operate(e, n))
        return 2;
    if (i->op == IR_LDW && n + 2 < b->n && i[1].at == i->at && change_memory(e, n))
        return 3;
    return 0;
}
