/* String instructions with REP from translated code: exec's runs one after another, until the count
 * is used up or something wants the run loop. */
#include "cpu/jit/block.h"
#include "cpu/exec/step.h"

void jit_help_rep(struct cpu *cpu, const struct be_exec *x)
{
    u32 gen = cpu->mmu.gen;
    bool done;
    cpu->rip = x->rip;
    cpu->ahead = x->ahead;
    for (;;) {
        cpu->next_rip = x->next;
        x->fn(cpu, &x->insn);
        done = cpu->next_rip == x->next;
        if (UNLIKELY(*x->dead || cpu->mode_key != x->mode_key || cpu->mmu.gen != gen ||
                     cpu->db_pending || cpu_attention(cpu)))
            break;
        if (done) {
            cpu->rip = x->next;
            cpu->ahead = 0;
            return;
        }
        /* Every run is an instruction of its own, which RF does not outlive. */
        if (cpu->budget <= 0)
            break;
        cpu->budget--;
        cpu->eflags &= ~(u32)FL_RF;
    }
    cpu->rip = cpu->next_rip;
    jit_leave_behind(cpu, x);
}
