/* Single steps of a machine that a debugger stands in. */
#include "frontend/vm.h"

#include "frontend/gdb/server.h"
#include "frontend/replay/replay.h"

/* One instruction; of a string instruction all runs of it, unless something else comes up. An
 * instruction that a kick kept from running is tried again. */
static enum cpu_exit one(struct vm *vm)
{
    enum { RUNS = 1 << 16, TRIES = 1000 };
    struct cpu *cpu = vm_cpu(vm);
    u64 rip = cpu->rip, base = cpu->seg[SEG_CS].base, before = cpu_icount(cpu);
    enum cpu_exit why = CPU_EXIT_BUDGET;

    for (unsigned i = 0; i < RUNS; i++) {
        unsigned tries = 0;
        u64 count;

        do {
            count = cpu_icount(cpu);
            why = cpu_run(cpu, ENGINE_EXEC, 1);
            if (!replay_past(vm))
                state_hash_note(&vm->hash, cpu, &vm->pc->low);
        } while (why == CPU_EXIT_BUDGET && cpu_icount(cpu) == count && ++tries < TRIES);
        /* RF and the place say that a string instruction has more to do. */
        if (why != CPU_EXIT_BUDGET || cpu->rip != rip || cpu->seg[SEG_CS].base != base ||
            !(cpu->eflags & FL_RF))
            break;
    }
    if (why == CPU_EXIT_HALT && cpu_icount(cpu) != before)
        return CPU_EXIT_BUDGET; /* it was HLT that ran */
    return why;
}

enum cpu_exit vm_step_run(struct vm *vm)
{
    struct cpu *cpu = vm_cpu(vm);
    enum cpu_exit why;

    if (vm->replay) {
        /* What is recorded goes on as if nobody looked: timers and what comes from outside have
         * their turn between the runs of a string instruction, too. */
        u64 before = cpu_icount(cpu);

        why = cpu_run(cpu, ENGINE_EXEC, 1);
        return why == CPU_EXIT_HALT && cpu_icount(cpu) != before ? CPU_EXIT_BUDGET : why;
    }
    /* Who sleeps needs an interrupt to go on at all. */
    cpu->quiet = vm->step_quiet && !cpu->halted;
    why = one(vm);
    cpu->quiet = false;
    return why;
}

bool vm_step_done(const struct vm *vm)
{
    const struct cpu *cpu = vm_cpu(vm);

    return !vm->replay || (cpu_icount(cpu) != vm->step_at &&
                           (!(cpu->eflags & FL_RF) || cpu->rip != vm->step_rip ||
                            cpu->seg[SEG_CS].base != vm->step_base));
}

void vm_step(struct vm *vm, bool irqs, bool timers)
{
    struct cpu *cpu = vm_cpu(vm);

    vm->step_quiet = !irqs;
    vm->step_at = cpu_icount(cpu);
    vm->step_rip = cpu->rip;
    vm->step_base = cpu->seg[SEG_CS].base;
    if (timers || cpu->halted || vm->replay) { /* by the run loop, with time going on */
        vm_cont(vm);
        vm->step_pending = vm->running; /* it may be refused */
        return;
    }
    if (vm_ran(vm, vm_step_run(vm)))
        gdb_server_stopped(vm->gdb, true);
}
