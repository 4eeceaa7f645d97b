/* A CPU with 64 KiB of memory, a device page behind it, and just enough around it to evaluate IR
 * blocks: handlers of two operations and the ways out for faults. The stand-ins are weak: the real
 * ones win when they are linked in. */
#ifndef TESTS_IR_ENV_H
#define TESTS_IR_ENV_H

#include "cpu/exec/exec.h"
#include "cpu/ir/eval.h"
#include "devices/core/err.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

enum { ENV_RAM = 0x10000, ENV_DEVICE = 0x20000 };

__attribute__((weak)) void exec_BSWAP(struct cpu *cpu, const struct insn *insn)
{
    reg_write(cpu, insn->o[0].reg, 4, __builtin_bswap32((u32)cpu->gpr[insn->o[0].reg & 15]));
}

__attribute__((weak)) void exec_JMP(struct cpu *cpu, const struct insn *insn)
{
    cpu->next_rip = (u32)(cpu->next_rip + insn->imm);
}

__attribute__((weak)) exec_fn *const exec_table[OP__COUNT] = {
    [OP_BSWAP] = exec_BSWAP,
    [OP_JMP] = exec_JMP,
};

__attribute__((weak)) NORETURN void cpu_raise_pf(struct cpu *cpu, const struct mmu_fault *fault)
{
    cpu->exc_vector = EXC_PF;
    cpu->exc_error = fault->error;
    cpu->cr2 = fault->addr;
    cpu_unwind(cpu, CPU_UNWIND_EXCEPTION);
}

__attribute__((weak)) void seg_check(struct cpu *cpu, unsigned s, u64 off, unsigned size,
                                     bool write)
{
    cpu->exc_vector = s == SEG_SS ? EXC_SS : EXC_GP;
    cpu_unwind(cpu, CPU_UNWIND_EXCEPTION);
}

struct env {
    struct cpu cpu;
    struct ram_space space;
    struct bus bus;
    struct ram ram;
    struct region ram_region, dev_region;
    u64 dev_reads, dev_writes;
};

static inline u64 env_dev_read(void *arg, u64 off, unsigned size)
{
    struct env *env = arg;
    return ++env->dev_reads;
}

static inline void env_dev_write(void *arg, u64 off, u64 v, unsigned size)
{
    struct env *env = arg;
    env->dev_writes++;
}

static const struct region_ops env_dev_ops = {env_dev_read, env_dev_write, 1, 4};

/* 32-bit protected mode without paging, flat segments; ES ends at 64 KiB. */
static inline struct env *env_new(void)
{
    struct env *env = calloc(1, sizeof(*env));
    struct cpu *cpu = &env->cpu;
    bus_init(&env->bus, "memory", BIT64(32), NULL);
    if (!ram_init(&env->ram, &env->space, ENV_RAM, NULL))
        abort();
    env->ram_region = (struct region){.name = "ram", .size = ENV_RAM, .ram = &env->ram};
    env->dev_region = (struct region){
        .name = "dev", .base = ENV_DEVICE, .size = 0x1000, .ops = &env_dev_ops, .dev = env};
    bus_map(&env->bus, &env->ram_region);
    bus_map(&env->bus, &env->dev_region);
    mmu_init(&cpu->mmu, &env->bus, &env->space, NULL);
    cpu->code_bits = 32;
    cpu->stack_bits = 32;
    cpu->cr0 = CR0_PE;
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        cpu->seg[s].limit = s == SEG_ES ? 0xffff : 0xffffffffu;
        cpu->seg[s].end_r = cpu->seg[s].end_w = (u64)cpu->seg[s].limit + 1;
        cpu->seg[s].attr =
            DA_P | DA_S | DA_WRITE | DA_ACCESSED | DA_DB | (s == SEG_CS ? DA_CODE : 0);
    }
    return env;
}

static inline void env_free(struct env *env)
{
    mmu_free(&env->cpu.mmu);
    bus_free(&env->bus);
    ram_free(&env->ram);
    ram_space_free(&env->space);
    free(env);
}

/* What came of one run. */
struct outcome {
    int left; /* enum ir_left, or -1: a fault left */
    u32 done;
    u64 gpr[16], rip;
    u32 aflags, eflags, ahead;
    u8 vector, xmm[16 * 16];
};

/* Run `b`; insns as for ir_eval. */
static inline void env_run(struct env *env, const struct ir_block *b,
                           const struct insn *const *insns, struct outcome *out)
{
    struct cpu *cpu = &env->cpu;
    struct ir_run *volatile run = calloc(1, sizeof(*run));
    memset(out, 0, sizeof(*out));
    cpu->exc_vector = 0;
    cpu->ahead = 0;
    out->left = -1;
    if (!unwind_here(&cpu->unwind))
        out->left = ir_eval(cpu, b, insns, run);
    out->done = run->done;
    out->ahead = (u32)cpu->ahead;
    memcpy(out->gpr, cpu->gpr, sizeof(out->gpr));
    out->rip = cpu->rip;
    out->aflags = cpu_aflags(cpu);
    out->eflags = cpu->eflags;
    out->vector = cpu->exc_vector;
    memcpy(out->xmm, cpu->xmm, sizeof(out->xmm));
    free(run);
}

/* Parse text that must be right; prints why not. */
static inline bool env_parse(struct ir_block *b, const char *text)
{
    struct err err = {{0}};
    if (ir_parse(b, text, &err) && ir_check(b, &err))
        return true;
    fprintf(stderr, "%s\n", err.msg);
    return false;
}

/* Pseudo-random numbers (xorshift). */
static inline u64 rnd(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Numbers as programs have them: small ones, single bits, borders, anything. */
static inline u64 rnd_value(u64 *seed)
{
    u64 r = rnd(seed);
    switch (r >> 60) {
    case 0:
    case 1:
    case 2:
    case 3: return r & 0xff;
    case 4: return BIT64(r & 63);
    case 5: return BIT64(r & 63) - 1;
    case 6: return 0 - (r & 0xff);
    case 7: return 0;
    case 8:
    case 9:
    case 10: return r & 0xffff;
    default: return rnd(seed);
    }
}

#endif
