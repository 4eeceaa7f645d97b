/* The run loop: events between instructions, exceptions, and the choice of the engine (SDM vol. 3
 * section 6.9, table 6-2). */
#include "cpu/cpu.h"
#include "cpu/exec/step.h"
#include "cpu/jit/jit.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/intr.h"
#include "cpu/sys/smm.h"
#include "cpu/sys/stop.h"

void cpu_set_intr(struct cpu *cpu, int level)
{
    cpu->intr = !!level;
    if (level)
        cpu_recheck(cpu);
}

void cpu_nmi(struct cpu *cpu)
{
    cpu->nmi_pending = true;
    cpu_recheck(cpu);
}

void cpu_smi(struct cpu *cpu)
{
    cpu->smi_pending = true;
    cpu_recheck(cpu);
}

void cpu_set_a20(struct cpu *cpu, bool open)
{
    mmu_set_a20(&cpu->mmu, open);
    cpu_recheck(cpu);
}

u64 cpu_icount(const struct cpu *cpu)
{
    return cpu->icount + (u64)((s64)cpu->run_budget - cpu->budget - cpu->ahead);
}

/* Deliver what waits, highest priority first (SDM table 6-2). True when an interrupt ended the HALT
 * state or was delivered. */
static void events(struct cpu *cpu)
{
    /* The shadow of STI and MOV SS holds off everything: an SMI in between would lose it, and with
     * it the next instruction's protection. */
    if (cpu->shadow || cpu->quiet)
        return;
    if (cpu->smi_pending && !cpu->in_smm) {
        smm_enter(cpu); /* clears smi_pending and halted, once it has saved them */
        return;
    }
    if (cpu->init_pending && !cpu->in_smm) {
        cpu->init_pending = false;
        cpu->halted = false;
        cpu_init_signal(cpu);
        return;
    }
    if (cpu->nmi_pending && !cpu->nmi_blocked) {
        cpu->nmi_pending = false;
        cpu->nmi_blocked = true;
        cpu->halted = false;
        intr_deliver(cpu, EXC_NMI, INTR_HW, false, 0);
        return;
    }
    if (cpu->intr && (cpu->eflags & FL_IF)) {
        int vector = cpu->hooks.intr_ack ? cpu->hooks.intr_ack(cpu->hooks.arg) : -1;
        if (vector < 0)
            return;
        cpu->halted = false;
        if (log_on(cpu->log, LOGA_INT))
            log_line(cpu->log, LOGA_INT, "interrupt %02x at %04x:%08llx icount %llu",
                     (unsigned)vector, cpu->seg[SEG_CS].sel, (unsigned long long)cpu->rip,
                     (unsigned long long)cpu_icount(cpu));
        intr_deliver(cpu, (unsigned)vector, INTR_HW, false, 0);
    }
}

void cpu_unwound(struct cpu *cpu)
{
    cpu->budget += cpu->ahead;
    cpu->ahead = 0;
    jit_x87_spill(cpu);
}

/* Something unwound to the run loop. False: the CPU shuts down. */
static bool unwound(struct cpu *cpu)
{
    cpu_unwound(cpu);
    if (UNLIKELY(cpu->stops))
        stop_undone(cpu);
    if (cpu->unwind_why == CPU_UNWIND_SHUTDOWN) { /* RSM met a state that cannot be */
        log_line(cpu->log, LOGA_INT, "shutdown (RSM)");
        return false;
    }
    if (!intr_exception(cpu)) {
        log_line(cpu->log, LOGA_INT, "shutdown (triple fault) at %04x:%08llx",
                 cpu->seg[SEG_CS].sel, (unsigned long long)cpu->rip);
        return false;
    }
    /* A delivered fault counts as an instruction, so a guest that only faults still uses up its
     * budget. */
    cpu->budget--;
    return true;
}

/* The loop re-enters through unwind_here: what it needs lives in *cpu, not in registers. */
static __attribute__((noinline)) enum cpu_exit loop(struct cpu *cpu, enum cpu_engine engine)
{
    if (unwind_here(&cpu->unwind) && !unwound(cpu))
        return stop_shutdown(cpu) ? CPU_EXIT_DEBUG : CPU_EXIT_SHUTDOWN;
    for (;;) {
        /* Left by an instruction in translated code or by the frame of a delivery; goes before
         * anything else. The frame of a debug trap can hit again: each counts as an instruction. */
        if (UNLIKELY(cpu->db_pending && !cpu->shadow_ss))
            debug_trap(cpu);
        while (UNLIKELY(cpu->db_pending && !cpu->shadow_ss) && cpu->budget > 0) {
            cpu->budget--;
            debug_trap(cpu);
        }
        if (UNLIKELY(__atomic_load_n(&cpu->exit_request, __ATOMIC_RELAXED))) {
            u32 asked = __atomic_exchange_n(&cpu->exit_request, 0, __ATOMIC_ACQUIRE);
            if (asked & EXIT_STOP)
                return CPU_EXIT_DEBUG;
            if (asked & EXIT_RETURN)
                return cpu->halted && !(cpu->intr && (cpu->eflags & FL_IF)) ? CPU_EXIT_HALT
                                                                            : CPU_EXIT_BUDGET;
        }
        if (cpu->budget <= 0)
            return CPU_EXIT_BUDGET;
        events(cpu);
        if (cpu->halted)
            return CPU_EXIT_HALT;
        if (UNLIKELY((cpu->db_pending && !cpu->shadow_ss) || cpu->stop_noted))
            continue;
        if (engine == ENGINE_EXEC || !cpu->jit)
            exec_run(cpu, ~0u, false);
        else if (cpu_attention(cpu) || /* a second event waits: one instruction, as exec does */
                 cpu_needs_exec(cpu))
            exec_run(cpu, 1, false);
        else
            switch (jit_run(cpu, engine == ENGINE_EVAL)) {
            case JIT_AGAIN: break;
            case JIT_EXEC: exec_run(cpu, 1, false); break;
            case JIT_COLD: exec_run(cpu, ~0u, true); break;
            }
    }
}

enum cpu_exit cpu_run(struct cpu *cpu, enum cpu_engine engine, u32 insns)
{
    enum cpu_exit why;
    if (insns > 0x7fffffff)
        insns = 0x7fffffff;
    cpu->run_budget = insns;
    cpu->budget = (s32)insns;
    cpu->ahead = 0;
    if (UNLIKELY(cpu->stops)) {
        stop_begin(cpu);
        jit_stops(cpu);
    }
    why = loop(cpu, engine);
    cpu->icount += (u64)((s64)insns - cpu->budget);
    cpu->run_budget = 0;
    cpu->budget = 0;
    return why;
}
