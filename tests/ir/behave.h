/* What a block does from a given state: to compare two versions of it. */
#ifndef TESTS_IR_BEHAVE_H
#define TESTS_IR_BEHAVE_H

#include "tests/ir/env.h"

/* Registers, flags and memory that follow from a seed. */
static inline void load_state(struct env *env, u64 seed, bool long_mode)
{
    struct cpu *cpu = &env->cpu;
    for (unsigned g = 0; g < 16; g++)
        cpu->gpr[g] = rnd(&seed) & 1 ? rnd(&seed) & 0x7fff
                                     : rnd_value(&seed) & (long_mode ? ~(u64)0 : 0xffffffffu);
    for (u32 k = 0; k < ENV_RAM; k += 8)
        st64(env->ram.host + k, k & 64 ? rnd(&seed) : k);
    for (unsigned x = 0; x < 16; x++)
        cpu->xmm[x].q[0] = rnd(&seed), cpu->xmm[x].q[1] = rnd(&seed);
    cpu->code_bits = long_mode ? 64 : 32;
    cpu_set_aflags(cpu, (u32)rnd(&seed) & F_ALL);
}

static inline u64 hash_ram(const struct env *env)
{
    u64 h = 1469598103934665603ull;
    for (u32 k = 0; k < ENV_RAM; k += 8)
        h = (h ^ ld64(env->ram.host + k)) * 1099511628211ull;
    return h;
}

/* What a run of `b` from the state that `seed` stands for leaves behind. */
static inline u64 behaviour(struct env *env, const struct ir_block *b, u64 seed,
                            struct outcome *out)
{
    static const struct insn swap = {
        .op = OP_BSWAP, .len = 2, .osz = 4, .nopnd = 1, .o = {{OPND_GPR, 3, 4}}};
    const struct insn *insns[IR_MAX_GUEST];
    for (unsigned k = 0; k < IR_MAX_GUEST; k++)
        insns[k] = &swap;
    load_state(env, seed, b->long_mode);
    env_run(env, b, insns, out);
    return hash_ram(env);
}

#endif
