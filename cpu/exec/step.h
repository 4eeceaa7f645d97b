/* The interpreter's loop: fetch, decode (through a cache), execute, one guest instruction after
 * another. */
#ifndef CPU_EXEC_STEP_H
#define CPU_EXEC_STEP_H

#include "cpu/cpu.h"

/* Run instructions in exec until the budget is used up or cpu_attention() holds; with `until_jump`
 * also stop behind the first instruction that jumps or changes mode; at most `max`. Faults go to
 * cpu->unwind. */
void exec_run(struct cpu *cpu, u32 max, bool until_jump);

/* -d exec, -d cpu: is one of them on for what is at cpu->rip? Its lines; `what` is "exec" or "block". */
static inline bool exec_logged(const struct cpu *cpu)
{
    u64 la = cpu->code_bits == 64 ? cpu->rip : (u32)(cpu->seg[SEG_CS].base + cpu->rip);
    return UNLIKELY(cpu->log && cpu->log->mask & (BIT(LOGA_EXEC) | BIT(LOGA_CPU))) &&
           (!cpu->log->nranges || log_in_range(cpu->log, la));
}
void exec_log(struct cpu *cpu, const char *what);

/* Fetch and decode the instruction at cpu->rip. Raises what the fetch or the decode raises. The
 * result stays valid until the next call. */
const struct insn *exec_fetch(struct cpu *cpu);

/* Does the run loop have something to do before the next instruction? */
static inline bool cpu_attention(const struct cpu *cpu)
{
    return __atomic_load_n(&cpu->exit_request, __ATOMIC_RELAXED) || cpu->halted ||
           (cpu->intr && (cpu->eflags & FL_IF) && !cpu->shadow) ||
           (cpu->smi_pending && !cpu->in_smm) || (cpu->nmi_pending && !cpu->nmi_blocked) ||
           (cpu->init_pending && !cpu->in_smm);
}

/* Behind an instruction: nothing waits, and translated code may go on in the present mode. When it
 * is false cpu_attention() and cpu_needs_exec() say what it is, if anything. */
static inline bool cpu_straight(const struct cpu *cpu)
{
    return !(__atomic_load_n(&cpu->exit_request, __ATOMIC_RELAXED) | cpu_waits(cpu) |
             cpu->db_pending | (cpu->eflags & (FL_TF | FL_RF)) |
             (cpu->mode_key & (MK_DEBUG | MK_AC | MK_TF | MK_LIMIT)));
}

/* The next instruction comes at once, whatever runs it: does it have to be exec? Translated code
 * knows nothing of single steps, breakpoints, interrupt shadows and odd code segments. */
static inline bool cpu_needs_exec(struct cpu *cpu)
{
    /* An instruction clears RF when it begins; breakpoints are all that RF is about. */
    if (UNLIKELY((cpu->eflags & FL_RF) && !(cpu->mode_key & MK_DEBUG)))
        cpu->eflags &= ~(u32)FL_RF;
    return (cpu->eflags & (FL_TF | FL_RF)) ||
           (cpu->mode_key & (MK_DEBUG | MK_AC | MK_TF | MK_LIMIT)) || cpu->shadow ||
           cpu->db_pending;
}

bool exec_cache_new(struct cpu *cpu);
void exec_cache_free(struct cpu *cpu);

#endif
