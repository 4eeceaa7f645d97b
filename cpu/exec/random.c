/* RDRAND and RDSEED (SDM vol. 1 section 7.3.17).
 *
 * A machine must be repeatable, so no entropy of the host enters: the numbers are a sequence that
 * each CPU owns (`cpu->random`, part of its state), begun by the seed of the machine and the number
 * of the CPU. Two machines that start alike see the same numbers. They are always ready. */
#include "cpu/exec/exec.h"

/* SplitMix64: a Weyl sequence through a bijection; every 64-bit state gives another number. */
static u64 next(struct cpu *cpu)
{
    u64 v = cpu->random + 0x9e3779b97f4a7c15ull;
    cpu->random = v;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9ull;
    v = (v ^ v >> 27) * 0x94d049bb133111ebull;
    return v ^ v >> 31;
}

static void give_random(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, next(cpu));
    cpu_set_aflags(cpu, F_C);
}

void exec_RDRAND(struct cpu *cpu, const struct insn *insn)
{
    give_random(cpu, insn);
}

void exec_RDSEED(struct cpu *cpu, const struct insn *insn)
{
    give_random(cpu, insn);
}
