/* Run one program in two engines side by side and find where they part (tests/lock/README.md). */
#ifndef TESTS_LOCK_LOCKSTEP_H
#define TESTS_LOCK_LOCKSTEP_H

#include "tests/lock/gen.h"

#include <stdio.h>

/* Where two runs parted. */
struct lock_diff {
    bool differ;
    u32 slices; /* slices that ran alike */
    u64 icount; /* instructions at the end of those */
    u32 length; /* of the slice after which they differed */
    bool unseen; /* they did not; code ran in the first at `ran`, and the second does not know of it
                  */
    u64 ran;
    enum cpu_exit exit_a, exit_b;
};

/* Run p in a and b, slice by slice, comparing all state behind each. *insns (may be NULL) +=
 * instructions run. */
struct lock_diff lock_compare(const struct lock_prog *p, struct lock_machine *a,
                              struct lock_machine *b, u64 *insns);
/* Replace what the difference does not need by NOPs. */
void lock_minimise(struct lock_prog *p, struct lock_machine *a, struct lock_machine *b);
/* Say everything about a difference: program, last instructions, both states. */
void lock_report(const struct lock_prog *p, struct lock_machine *a, struct lock_machine *b,
                 FILE *out);

/* Generate the program of `seed`, compare a with b; on a difference report the smallest program
 * that shows it. */
bool lock_check(struct lock_prog *p, u64 seed, const struct lock_options *options,
                struct lock_machine *a, struct lock_machine *b, u64 *insns, FILE *out);

/* Vary how the translator of m works: block length, passes, chaining, operations left out. */
void lock_vary(struct lock_machine *m, u64 seed);

#endif
