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
    if (v < FIRST || v >= IR_T0)
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

void em_upper_plan(struct em *e)
{
    const struct ir_block *b = e->in->ir;
    u16 next[8];
    bool reads, writes;
    e->uppers = b->long_mode && !(e->in->off_techniques & JIT_OFF(UPPER));
    if (!e->uppers)
        return;
    memset(next, 0xff, sizeof(next));
    for (u32 n = b->n; n-- > 0;) {
        if (ir_calls_exec(b->ins[n].op))
            memset(next, 0xff, sizeof(next));
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
    put_back(e, k);
    e->free_regs |= (u16)BIT(e->upper.reg[k]);
    e->upper.reg[k] = 0;
}

void em_upper_flush(struct em *e)
{
    for (unsigned k = 0; k < 8; k++)
        put_back(e, k);
}

void em_upper_leave(struct em *e)
{
    for (unsigned k = 0; k < 8; k++)
        if (e->upper.reg[k])
            let_go(e, k);
}

/* Let the register go whose next use, behind `behind`, is the farthest; `busy`: not these. */
static bool evict(struct em *e, unsigned busy, u16 behind)
{
    unsigned worst = 8;
    u16 far = behind;
    for (unsigned k = 0; k < 8; k++)
        if (e->upper.reg[k] && !(busy >> k & 1) && e->upper.next[k] > far) {
            far = e->upper.next[k];
            worst = k;
        }
    if (worst == 8)
        return false;
    let_go(e, worst);
    return true;
}

void em_upper_give_way(struct em *e)
{
    if (!e->free_regs)
        evict(e, 0, 0);
}

bool em_upper_any(const struct em *e)
{
    for (unsigned k = 0; k < 8; k++)
        if (e->upper.reg[k])
            return true;
    return false;
}

/* Does the template load this operand to a register anyway? */
static bool needs_register(const struct ir_ins *i)
{
    return ir_op_info[i->op].attrs & IRA_MEM || i->op == IR_LEA;
}

static void bring(struct em *e, const struct ir_ins *i, unsigned k, bool reads, bool writes,
                  unsigned busy)
{
    bool over, written;
    u16 next = next_of(e, e->now, (int)k, &over, &written);
    unsigned r;
    if (e->upper.reg[k] || next == NEVER)
        return;
    if (!writes && count_uses(e, next, (int)k) < (needs_register(i) ? 1u : 2u))
        return;
    if (!e->free_regs && !evict(e, busy, next))
        return;
    r = (unsigned)__builtin_ctz(e->free_regs);
    e->free_regs &= (u16)~BIT(r);
    e->upper.reg[k] = (u8)r;
    if (reads)
        as_load(&e->a, 8, r, home(k));
}

void em_upper_before(struct em *e, const struct ir_ins *i)
{
    unsigned read = 0, written = 0;
    if (!e->uppers)
        return;
    if (ir_calls_exec(i->op)) {
        em_upper_leave(e);
        return;
    }
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
        bring(e, i, k, read >> k & 1, written >> k & 1, read | written);
    }
}

void em_upper_behind(struct em *e, const struct ir_ins *i)
{
    bool reads, writes;
    if (!e->uppers)
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
