/* Random mixtures of pieces of guest code, in exec and in another engine side by side. */
#ifndef TESTS_INSN_MIXTURE_H
#define TESTS_INSN_MIXTURE_H

#include "tests/insn/suite.h"

enum { MIXTURE_LENGTH = 24 };

struct piece {
    const unsigned char *begin, *end;
};
#define PIECE(n) {p##n##_begin, p##n##_end}

struct mixture {
    const struct piece *pieces;
    u32 n, trials;
    u64 seed;
    void (*start)(struct machine *m, u32 trial); /* state and memory in front of a program */
    void (*compare)(struct machine *const *m, u32 trial, u32 part); /* asserts equal states */
};

static inline void mixture_load(const struct mixture *x, struct machine *m, const u8 *program)
{
    u32 at = AT_CODE;
    for (unsigned i = 0; i < MIXTURE_LENGTH; i++) {
        const struct piece *p = &x->pieces[program[i]];
        machine_load(m, at, p->begin, (size_t)(p->end - p->begin));
        at += (u32)(p->end - p->begin);
    }
    machine_load(m, at, "\xeb\xfe", 2);
}

/* Each program runs in two parts, so that state is also looked at in its middle. */
static inline void mixture_run(const struct mixture *x, enum cpu_engine engine)
{
    struct machine *m[2] = {machine_new("max", ENGINE_EXEC), machine_new("max", engine)};
    u64 seed = x->seed;
    u8 program[MIXTURE_LENGTH];
    for (u32 t = 0; t < x->trials; t++) {
        const u32 insns[2] = {1 + t % 40, 100};
        for (unsigned i = 0; i < MIXTURE_LENGTH; i++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            program[i] = (u8)((seed >> 33) % x->n);
        }
        for (unsigned k = 0; k < 2; k++) {
            x->start(m[k], t);
            mixture_load(x, m[k], program);
        }
        for (u32 part = 0; part < 2; part++) {
            for (unsigned k = 0; k < 2; k++)
                machine_run(m[k], insns[part]);
            x->compare(m, t, part);
        }
    }
    machine_free(m[0]);
    machine_free(m[1]);
}

#endif
