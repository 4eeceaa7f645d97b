/* The table's entry for an access, or a guess that it will be what it was (cpu/jit/guess.h). */
#include "cpu/jit/a64/em.h"

_Static_assert(offsetof(struct cpu, guess) + sizeof(u64[CPU_GUESSES]) <= sizeof(u64) << 12,
               "guesses have short offsets");

static s64 place(u32 guess)
{
    return ST(guess) + (s64)sizeof(u64) * (guess - 1);
}

u8 *em_entry(struct em *e, unsigned table)
{
    if (e->guess) {
        as_mem_reg(&e->a, A_LOAD, 8, SCR3, table, SCR, false, true);
        as_mem(&e->a, A_LOAD, 8, SCR, STATE, place(e->guess));
        as_rrr(&e->a, A_SUB, true, SCR3, SCR3, SCR);
        return as_cbnz(&e->a, true, SCR3);
    }
    as_mem_reg(&e->a, A_LOAD, 8, SCR, table, SCR, false, true);
    return as_cbz(&e->a, true, SCR);
}

/* The entry, which is the guess and the difference, has the addend, unless it is 0: then all goes on as
 * without guesses. */
void em_guess_wrong(struct em *e, const struct cold *c)
{
    u8 *none;
    as_rrr(&e->a, A_ADD, true, SCR, SCR, SCR3);
    none = as_cbz(&e->a, true, SCR);
    as_mem(&e->a, A_STORE, 8, SCR, STATE, place(c->guess));
    em_call_stub(e, e->stubs->guess);
    as_b_to(&e->a, c->guess_back);
    as_patch(&e->a, none);
}

void em_count_runs(struct em *e)
{
    if (!guess_worth_effort(e->stubs, e->in, e->follows))
        return;
    em_heat(e, SCR3);
    as_mem_reg(&e->a, A_LOAD, 4, SCR, STATE, SCR3, false, false);
    as_add_imm(&e->a, A_SUB, false, SCR, SCR, 1, NOREG);
    as_mem_reg(&e->a, A_STORE, 4, SCR, STATE, SCR3, false, false);
    as_lsr(&e->a, false, SCR, SCR, 31);
    em_cold(e, COLD_HOT, NULL, as_cbnz(&e->a, false, SCR), NULL, 0);
    if (e->ncold)
        e->cold[e->ncold - 1].back = e->a.p;
}
