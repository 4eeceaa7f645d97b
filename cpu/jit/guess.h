/* Guesses: a load waits for the table's entry before it can start. Where the addend is guessed, to be
 * what the same instruction found last, only the comparison waits, which the host's branch prediction takes out
 * of the way: a chain of pointers then costs one load a link instead of two. Wrong guesses cost a mispredicted
 * branch; blocks where they are common are made anew without (jit.c). What of it needs no host. */
#ifndef CPU_JIT_GUESS_H
#define CPU_JIT_GUESS_H

#include "cpu/jit/backend.h"
#include "cpu/jit/plan.h"

/* Note for each access whether it may guess: never, when it checks for a group, always. Nothing is
 * written where there are no guesses. */
enum guess_want { GUESS_NO, GUESS_LEAD, GUESS_YES };
void guess_plan(const struct be_stubs *stubs, const struct be_in *in, u8 *wanted);
/* May access n guess? 1 + the number of its guess, 0: no. `lead`: it checks for a group. */
u32 guess_take(const struct be_stubs *stubs, const struct be_in *in, struct be_out *out, const u8 *wanted,
               u32 n, bool lead);
/* Is there, as far as one look says, anything to be won by more effort, so that runs are counted? */
bool guess_worth_effort(const struct be_stubs *stubs, const struct be_in *in, const bool *follows);

#endif
