/* R8 to R15 of 64-bit guests: at home in struct cpu, and for a part of a block in host registers
 * that temporaries and groups leave free. A register comes in where it is worth it and is written
 * back when nobody writes it once more; what is not written back yet is stored in front of ways
 * out, and out of line where an access is refused. */
#include "cpu/jit/x64/group.h"
#include "cpu/ir/shape.h"

enum { FIRST = 8, NEVER = 0xffff, SLOTS = 3, CHAIN = 8 };

static struct mem home(unsigned k)
{
    return MEM(STATE, ST_OFF(gpr) + (s32)(8 * (FIRST + k)));
}

/* Operand `slot` (dst, a, b) of i when it is one of the registers: its number from 0, else -1. */
static int operand(const struct ir_ins *i, unsigned slot, bool *reads, bool *writes)
{
    unsigned use = ir_op_info[i->op].use;
    u8 v = slot == 0 ? i->dst : slot == 1 ? i->a : i->b;
    if ((u8)(v - FIRST) >= IR_T0 - FIRST)
        return -1;
    switch (slot) {
    case 0:
        *writes = use & IRU_WRITES_DST;
        *reads = use & IRU_READS_DST || (*writes && ir_result_type(i) < I32);
        break;
    case 1:
        *writes = use & IRU_WRITES_A;
        *reads = use & IRU_READS_A;
        break;
    default:
        *writes = use & IRU_WRITES_B;
        *reads = use & IRU_READS_B && use & IRU_VALUE_B;
        break;
    }
    return *reads || *writes ? v - FIRST : -1;
}

u32 em_upper_uses(const struct em *e, u32 first, u32 last)
{
    bool reads, writes;
    u32 uses = 0;
    for (u32 n = first; n <= last; n++)
        for (unsigned s = 0; s < SLOTS; s++)
            uses += operand(&e->in->ir->ins[n], s, &reads, &writes) >= 0;
    return uses;
}

/* May one of i's operands be one of the registers? */
static inline bool names_any(const struct ir_ins *i)
{
    return (u8)(i->dst - FIRST) < IR_T0 - FIRST || (u8)(i->a - FIRST) < IR_T0 - FIRST ||
           (u8)(i->b - FIRST) < IR_T0 - FIRST;
}

void em_upper_plan(struct em *e)
{
    const struct ir_block *b = e->in->ir;
    u16 next[8];
    bool reads, writes;
    e->uppers = false;
    if (!b->long_mode || e->in->off_techniques & JIT_OFF(UPPER))
        return;
    memset(next, 0xff, sizeof(next));
    for (u32 n = b->n; n-- > 0;) {
        if (ir_calls_exec(b->ins[n].op))
            memset(next, 0xff, sizeof(next));
        if (!names_any(&b->ins[n]))
            continue;
        e->uppers = true;
        for (unsigned s = 0; s < SLOTS; s++) {
            int k = operand(&b->ins[n], s, &reads, &writes);
            e->next_use[n][s] = k < 0 ? NEVER : next[k];
        }
        for (unsigned s = 0; s < SLOTS; s++) {
            int k = operand(&b->ins[n], s, &reads, &writes);
            if (k >= 0)
                next[k] = (u16)n;
        }
    }
}

/* How operation n uses register k: whether it writes it without reading, and where the next use is.
 */
static u16 next_of(const struct em *e, u32 n, int k, bool *over, bool *written)
{
    u16 next = NEVER;
    bool reads, writes, any = false;
    *written = false;
    for (unsigned s = 0; s < SLOTS; s++)
        if (operand(&e->in->ir->ins[n], s, &reads, &writes) == k) {
            next = e->next_use[n][s];
            any |= reads;
            *written |= writes;
        }
    *over = *written && !any;
    return next;
}

/* How many operations from `at` on, up to 2, read register k before one writes all of it. */
static unsigned count_uses(const struct em *e, u16 at, int k)
{
    unsigned reads = 0;
    bool over, written;
    while (at != NEVER && reads < 2) {
        u16 next = next_of(e, at, k, &over, &written);
        if (over)
            break;
        reads++;
        at = next;
    }
    return reads;
}

/* Is there a write to k in operation `at` or behind? */
static bool write_follows(const struct em *e, u16 at, int k)
{
    bool over, writes;
    for (unsigned c = 0; at != NEVER && c < CHAIN; c++) {
        u16 next = next_of(e, at, k, &over, &writes);
        if (writes)
            return true;
        at = next;
    }
    return at != NEVER;
}

static void put_back(struct em *e, unsigned k)
{
    if (e->upper.dirty >> k & 1)
        as_store(&e->a, 8, e->upper.reg[k], home(k));
    e->upper.dirty &= (u8)~BIT(k);
}

static void let_go(struct em *e, unsigned k)
{
    unsigned r = e->upper.reg[k];
    put_back(e, k);
    if (r != ADDR && !(e->group_regs >> r & 1))
        e->free_regs |= (u16)BIT(r);
    e->upper.reg[k] = 0;
    e->upper.mapped &= (u8)~BIT(k);
}

/* Whatever host register r has goes. SCR (a group without a register) never has anything. */
static void clear_register(struct em *e, unsigned r)
{
    for (unsigned k = 0; k < 8; k++)
        if (r != SCR && e->upper.reg[k] == r)
            let_go(e, k);
}

void em_upper_flush(struct em *e)
{
    for (unsigned m = e->upper.dirty; m; m &= m - 1)
        put_back(e, (unsigned)__builtin_ctz(m));
}

void em_upper_leave(struct em *e)
{
    for (unsigned m = e->upper.mapped; m; m &= m - 1)
        let_go(e, (unsigned)__builtin_ctz(m));
}

void em_upper_again(struct em *e, unsigned r)
{
    for (unsigned k = 0; k < 8; k++)
        if (e->upper.reg[k] == r)
            as_load(&e->a, 8, r, home(k));
}

/* The one of those in registers `of` whose next use, behind `behind`, is the farthest; 8: none.
 * `busy`: not these. */
static unsigned farthest(const struct em *e, unsigned busy, u16 behind, unsigned of)
{
    unsigned worst = 8;
    u16 far = behind;
    for (unsigned k = 0; k < 8; k++)
        if (e->upper.reg[k] && of >> e->upper.reg[k] & 1 && !(busy >> k & 1) &&
            e->upper.next[k] > far) {
            far = e->upper.next[k];
            worst = k;
        }
    return worst;
}

void em_upper_give_way(struct em *e)
{
    unsigned k;
    if (e->free_regs || !e->uppers)
        return;
    k = farthest(e, 0, 0, ~(unsigned)(e->group_regs | BIT(ADDR)));
    if (k < 8)
        let_go(e, k);
}

/* Has a group host register r between now and operation `until`? An operation with an operand in
 * memory takes it from the access in front, so that group is not over yet. */
static bool group_has(const struct em *e, unsigned r, u32 until)
{
    for (u32 k = 0; k < e->ngroups; k++)
        if (e->groups[k].reg == r && e->groups[k].first <= until &&
            e->groups[k].last + (u32)e->fused >= e->now)
            return true;
    return false;
}

static bool taken(const struct em *e, unsigned r)
{
    for (unsigned k = 0; k < 8; k++)
        if (e->upper.reg[k] == r)
            return true;
    return false;
}

/* A host register for what is used next by operation `next`, or NOREG. Those that temporaries
 * cannot have come first. */
static unsigned choose(struct em *e, unsigned busy, u16 next, bool addr)
{
    unsigned k, r;
    if (addr && !taken(e, ADDR))
        return ADDR;
    for (unsigned m = e->group_regs; m; m &= m - 1) {
        r = (unsigned)__builtin_ctz(m);
        if (!taken(e, r) && !group_has(e, r, next))
            return r;
    }
    if (e->free_regs) {
        r = (unsigned)__builtin_ctz(e->free_regs);
        e->free_regs &= (u16)~BIT(r);
        return r;
    }
    k = farthest(e, busy, next, ~0u);
    if (k == 8)
        return NOREG;
    r = e->upper.reg[k];
    let_go(e, k);
    e->free_regs &= (u16)~BIT(r);
    return r;
}

bool em_upper_any(const struct em *e)
{
    return e->upper.mapped;
}

/* Does the template load this operand to a register anyway? */
static bool needs_register(const struct ir_ins *i)
{
    return ir_op_info[i->op].attrs & IRA_MEM || i->op == IR_LEA;
}

static void bring(struct em *e, const struct ir_ins *i, unsigned k, bool reads, bool writes,
                  unsigned busy, bool addr)
{
    bool over, written;
    u16 next = next_of(e, e->now, (int)k, &over, &written);
    unsigned r;
    if (e->upper.reg[k] || next == NEVER)
        return;
    if (!writes && count_uses(e, next, (int)k) < (needs_register(i) ? 1u : 2u))
        return;
    r = choose(e, busy, next, addr);
    if (r == NOREG)
        return;
    e->upper.reg[k] = (u8)r;
    e->upper.next[k] = (u16)e->now;
    e->upper.mapped |= (u8)BIT(k);
    if (reads)
        as_load(&e->a, 8, r, home(k));
}

/* Does the template of i leave ADDR alone, as long as an address is in a register? */
static bool keeps_addr(const struct em *e, const struct ir_ins *i)
{
    const struct insn *insn = &e->in->insns[i->at];
    if (!em_wide(e))
        return false;
    if (ir_op_info[i->op].attrs & IRA_MEM && !em_wide_disp((s32)i->imm))
        return false;
    switch (i->op) {
    case IR_DIVU:
    case IR_DIVS:
    case IR_SHLD:
    case IR_SHRD:
    case IR_BSF:
    case IR_BSR:
    case IR_TZCNT:
    case IR_LZCNT:
    case IR_POPCNT: return false;
    case IR_VEC:
    case IR_VECL:
    case IR_VECS: return !(op_info[insn->op].attrs & OPA_X87) && !insn->vl;
    case IR_MULU:
    case IR_MULS:
    case IR_JCC:
    case IR_LD:
    case IR_LDZ:
    case IR_LDX:
    case IR_ST:
    case IR_STI:
    case IR_LDW:
    case IR_STW: return true;
    default: return i->op <= IR_CMC;
    }
}

/* ... and is it? */
static bool address_ready(const struct em *e, const struct ir_ins *i)
{
    bool access = ir_op_info[i->op].attrs & IRA_MEM && i->op != IR_STW;
    return !access || em_follows(e, e->now) || em_loc(e, i->a).reg;
}

void em_upper_before(struct em *e, const struct ir_ins *i)
{
    unsigned read = 0, written = 0;
    bool addr;
    if (!e->uppers)
        return;
    if (ir_calls_exec(i->op)) {
        em_upper_leave(e);
        return;
    }
    if (e->upper.mapped && e->group[e->now] && !em_follows(e, e->now))
        clear_register(e, e->groups[e->group[e->now] - 1].reg);
    if (!names_any(i) && !e->upper.mapped)
        return;
    addr = keeps_addr(e, i);
    if (!addr)
        clear_register(e, ADDR);
    for (unsigned s = 0; s < SLOTS; s++) {
        bool reads, writes;
        int k = operand(i, s, &reads, &writes);
        if (k < 0)
            continue;
        read |= (unsigned)reads << k;
        written |= (unsigned)writes << k;
    }
    for (unsigned m = read | written; m; m &= m - 1) {
        unsigned k = (unsigned)__builtin_ctz(m);
        bring(e, i, k, read >> k & 1, written >> k & 1, read | written, addr);
    }
    if (addr && !address_ready(e, i))
        clear_register(e, ADDR);
}

void em_upper_behind(struct em *e, const struct ir_ins *i)
{
    bool reads, writes;
    if (!e->uppers || !e->upper.mapped || !names_any(i))
        return;
    for (unsigned s = 0; s < SLOTS; s++) {
        int k = operand(i, s, &reads, &writes);
        if (k < 0 || !e->upper.reg[k])
            continue;
        e->upper.next[k] = e->next_use[e->now][s];
        if (writes)
            e->upper.dirty |= (u8)BIT(k);
    }
    for (unsigned s = 0; s < SLOTS; s++) {
        int k = operand(i, s, &reads, &writes);
        if (k < 0 || !e->upper.reg[k])
            continue;
        if (e->upper.next[k] == NEVER)
            let_go(e, (unsigned)k);
        else if (!write_follows(e, e->upper.next[k], k))
            put_back(e, (unsigned)k);
    }
}
