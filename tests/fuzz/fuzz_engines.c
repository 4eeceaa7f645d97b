/* Fuzz target: any bytes as a program of all three engines. They must agree, end within the budget
 * and touch nothing but their machine. */
#include "tests/fuzz/fuzz.h"
#include "tests/lock/lockstep.h"

#include <stdlib.h>

static void compare(struct lock_prog *p, struct lock_machine *a, struct lock_machine *b)
{
    if (!lock_compare(p, a, b, NULL).differ)
        return;
    lock_minimise(p, a, b);
    lock_report(p, a, b, stderr);
    abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    static struct lock_machine *m[3];
    static struct lock_prog *p;
    if (!p) { /* machines are reused: making them costs more than a program */
        p = malloc(sizeof(*p));
        for (int i = 0; i < 3; i++)
            m[i] = lock_machine_new("max",
                                    (enum cpu_engine[]){ENGINE_EXEC, ENGINE_EVAL, ENGINE_JIT}[i]);
        if (!p || !m[0] || !m[1] || !m[2])
            abort();
    }
    if (n < 5)
        return 0;
    lock_gen_raw(p, data, n, m[0]->cpu->feats);
    compare(p, m[0], m[2]);
    compare(p, m[0], m[1]);
    return 0;
}
