/* Guesses: a load through a pointer that was itself just loaded waits for the table's entry before it
 * can start. Where the addend is guessed, to be what the same instruction found last, only the
 * comparison waits, which the host's branch prediction takes out of the way: a chain of pointers then
 * costs one load a link instead of two. Wrong guesses cost a mispredicted branch; blocks where they
 * are common are made anew without (jit.c). */
#include "cpu/jit/x64/group.h"

/* The stack's address is known early. */
bool em_may_guess(const struct em *e, const struct ir_ins *i)
{
    return e->in->guess && e->stubs->flat && !e->in->ir->long_mode && i->a != REG_SP &&
           e->out->nguesses < CPU_GUESSES;
}

u8 *em_entry(struct em *e, s32 table)
{
    if (e->guess) {
        as_load(&e->a, 8, SCR2, ST_AT(offsetof(struct cpu, guess) + 8u * (e->guess - 1u)));
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
    as_store(&e->a, 8, SCR, ST_AT(offsetof(struct cpu, guess) + 8u * (c->guess - 1u)));
    as_call_to(&e->a, codebuf_rw(e->buf, e->stubs->guess));
    as_jmp_to(&e->a, c->guess_back);
    if (!e->a.full)
        as_patch(none, e->a.p);
}
