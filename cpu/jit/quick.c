/* Shorter ways through exec for what every system call does: loads of segment registers, VERW, RDTSC,
 * SYSENTER, SYSCALL and their returns, INT and IRET. They do what help_exec() does around exec's own
 * handlers, but know which parts of it matter, and hand the code that comes next to their stub. */
#include "cpu/jit/block.h"
#include "cpu/exec/exec.h"
#include "cpu/exec/step.h"

static inline void begin(struct cpu *cpu, const struct be_exec *x)
{
    cpu->rip = x->rip;
    cpu->next_rip = x->next;
    cpu->ahead = x->ahead;
}

/* The instruction is done and the block is left: the code at cpu->next_rip. */
static inline const void *onward(struct cpu *cpu, const struct be_exec *x)
{
    struct jit *jit = cpu->jit;
    const void *host;
    cpu->rip = cpu->next_rip;
    if (UNLIKELY(!cpu_straight(cpu) || cpu->budget + x->ahead <= 1))
        jit_leave_behind(cpu, x);
    if (x->ahead)
        cpu->budget += x->ahead - 1;
    cpu->ahead = 0;
    jc_refresh(jit);
    host = jc_probe(jit);
    return host ? host : jit->stubs.leave;
}

/* On in the block, unless the instruction changed what that was made for or a device that it read
 * wants something. */
static inline const void *behind(struct cpu *cpu, const struct be_exec *x, u32 gen)
{
    if (UNLIKELY(cpu->mode_key != x->mode_key || *x->dead || cpu->mmu.gen != gen ||
                 !jit_goes_on(cpu)))
        return onward(cpu, x);
    cpu->ahead = 0;
    return NULL;
}

/* These change registers and flags, and seldom the mode. */
static const void *plain(struct cpu *cpu, const struct be_exec *x)
{
    u32 gen = cpu->mmu.gen;
    begin(cpu, x);
    x->fn(cpu, &x->insn);
    return behind(cpu, x, gen);
}

/* These go elsewhere, mostly in another mode. */
static const void *transfer(struct cpu *cpu, const struct be_exec *x)
{
    if (UNLIKELY(cpu->x87_site))
        jit_x87_place(cpu); /* by CS as it is */
    begin(cpu, x);
    x->fn(cpu, &x->insn);
    return onward(cpu, x);
}

const void *(*jit_quick(const struct insn *insn))(struct cpu *cpu, const struct be_exec *x)
{
    switch (insn->op) {
    case OP_MOVSEG:
    case OP_POPSEG: /* SS holds off interrupts */
        return insn->o[0].kind == OPND_SEG && insn->o[0].reg != SEG_SS ? plain : NULL;
    case OP_VERR:
    case OP_VERW:
    case OP_RDTSC:
    case OP_SWAPGS: return plain;
    case OP_SYSENTER:
    case OP_SYSEXIT:
    case OP_SYSCALL:
    case OP_SYSRET:
    case OP_INT:
    case OP_IRET: return transfer;
    default: return NULL;
    }
}

u8 jit_quick_same(const struct jit *jit, const struct insn *insn)
{
    return insn->op == OP_MOVSEG && jit_quick(insn) && insn->o[0].reg != SEG_CS &&
                   insn->o[1].kind == OPND_GPR &&
                   !(jit->config.off & JIT_OFF(SYSTEM)) && cpu_pm(jit->cpu) && !cpu_long(jit->cpu)
               ? insn->o[0].reg
               : SEG_CS;
}
