/* The table's entry for an access, or a guess that it will be what it was (cpu/jit/guess.h). */
#include "cpu/jit/x64/group.h"

void em_count_runs(struct em *e)
{
    s64 heat = (s64)offsetof(struct cpu, heat) + 4 * (s64)(e->in->block_id % CPU_HEATS);
    u8 *often;
    if (!guess_worth_effort(e->stubs, e->in, e->follows))
        return;
    _Static_assert(offsetof(struct cpu, heat) > 1024, "a displacement of 32 bits");
    as_alu_mi(&e->a, 5, 4, ST_AT(heat), 1);
    em_fix(e, BE_FIX_HEAT, 5);
    often = as_jcc(&e->a, CC_S);
    em_cold(e, COLD_HOT, NULL, often, e->a.p, 0);
}

/* Where the guess of this number is kept. */
static struct mem place(const struct em *e, u32 guess)
{
    if (guess == GUESS_RAW)
        return ST_AT(offsetof(struct cpu, mmu.raw) + (e->in->raw - 1u) * sizeof(struct mmu_raw) +
                     offsetof(struct mmu_raw, base));
    return ST_AT(offsetof(struct cpu, guess) + 8u * (guess - 1u));
}

u8 *em_entry(struct em *e, s32 table)
{
    if (e->guess) {
        as_load(&e->a, 8, SCR2, place(e, e->guess));
        as_rm(&e->a, 0x3b, 8, SCR2, MEMX(STATE, SCR, 3, table));
        return as_jcc(&e->a, CC_NE);
    }
    as_load(&e->a, 8, SCR, MEMX(STATE, SCR, 3, table));
    as_rr(&e->a, 0x85, 8, SCR, SCR);
    return as_jcc(&e->a, CC_E);
}

/* The entry has the addend, unless it is 0: then all goes on as without guesses. */
void em_guess_wrong(struct em *e, const struct cold *c)
{
    u8 *none;
    as_load(&e->a, 8, SCR, MEMX(STATE, SCR, 3, c->table));
    as_rr(&e->a, 0x85, 8, SCR, SCR);
    none = as_jcc(&e->a, CC_E);
    if (c->guess == GUESS_RAW) {
        as_mov_rr(&e->a, 8, SCR2, SCR);
    } else {
        as_store(&e->a, 8, SCR, place(e, c->guess));
        em_call_stub(e, e->stubs->guess);
    }
    as_jmp_to(&e->a, c->guess_back);
    if (!e->a.full)
        as_patch(none, e->a.p);
}
