/* 'info' about the processor: registers, page tables, interrupts, translator. */
#include "frontend/monitor/monitor.h"

#include "cpu/jit/jit.h"
#include "devices/irq/lapic.h"

#include <stdlib.h>

bool info_REGISTERS(struct monitor *m, const char *args)
{
    char buf[4096];

    mon_printf(m, "%s", cpu_dump(vm_cpu(m->vm), buf, sizeof(buf)));
    mon_printf(m, "\n");
    return true;
}

bool info_CPUS(struct monitor *m, const char *args)
{
    for (unsigned i = 0; i < m->vm->pc->ncpus; i++) {
        const struct cpu *cpu = m->vm->pc->cpu[i];

        mon_printf(m, "%c CPU #%u: pc=0x%016llx%s icount=%llu\n", i ? ' ' : '*', i,
                   (unsigned long long)(cpu->seg[SEG_CS].base + cpu->rip),
                   cpu->halted ? " (halted)" : "", (unsigned long long)cpu_icount(cpu));
    }
    return true;
}

bool info_IRQ(struct monitor *m, const char *args)
{
    const struct cpu *cpu = vm_cpu(m->vm);

    mon_printf(m, "interrupts delivered: %llu\n", (unsigned long long)cpu->stat_intr);
    for (unsigned i = 0; i < ARRAY_LEN(cpu->stat_exc); i++) {
        if (cpu->stat_exc[i])
            mon_printf(m, "exception %2u: %llu\n", i, (unsigned long long)cpu->stat_exc[i]);
    }
    return true;
}

/* Which operations translated code has exec run, the most frequent first. */
static void print_exec_ops(struct monitor *m, const struct jit_stats *s)
{
    enum { MOST = 16 };
    bool shown[OP__COUNT] = {false};
    for (unsigned n = 0; n < MOST; n++) {
        unsigned top = OP__COUNT;
        for (unsigned op = 0; op < OP__COUNT; op++)
            if (!shown[op] && s->exec_ops[op] &&
                (top == OP__COUNT || s->exec_ops[op] > s->exec_ops[top]))
                top = op;
        if (top == OP__COUNT)
            return;
        shown[top] = true;
        mon_printf(m, "  %-17s %llu\n", op_info[top].name, (unsigned long long)s->exec_ops[top]);
    }
}

/* How blocks are left, per 1000 guest instructions, when translated code counts that. */
static void print_exits(struct monitor *m, const struct cpu *cpu)
{
    struct jit_exits x;
    jit_exits(cpu, &x);
    if (!x.insns)
        return;
    mon_printf(m, "per 1000 instructions of translated code:\n");
#define ROW(name, value)                                                                           \
    mon_printf(m, "%-19s %.3f\n", name, 1000.0 * (double)(value) / (double)x.insns)
    ROW("linked jumps", x.linked);
    ROW("jump table hits", x.table);
    ROW("jump table misses", x.missed);
    ROW("paired returns", x.paired);
    ROW("unpaired returns", x.unpaired);
    ROW("exits not linked", x.unlinked);
    ROW("interrupt polls", x.polls);
    ROW("exec and out", x.exec);
    ROW("exec and on", x.in_exec);
    ROW("faults", x.faults);
#undef ROW
}

bool info_JIT(struct monitor *m, const char *args)
{
    const struct cpu *cpu = vm_cpu(m->vm);
    const struct jit_stats *s;

    mon_printf(m, "engine              %s\n",
               m->vm->engine == ENGINE_EXEC   ? "exec"
               : m->vm->engine == ENGINE_EVAL ? "eval"
                                              : "jit");
    mon_printf(m, "speed               %u million instructions per second\n", vm_speed(m->vm));
    mon_printf(m, "TLB                 %llu refills, %llu flushes, %llu slow accesses\n",
               (unsigned long long)cpu->mmu.refills, (unsigned long long)cpu->mmu.flushes,
               (unsigned long long)cpu->mmu.slow);
    if (!cpu->jit)
        return true;
    s = jit_stats(cpu);
#define ROW(name, value) mon_printf(m, "%-19s %llu\n", name, (unsigned long long)(value))
    ROW("blocks", s->blocks);
    ROW("copies", s->clones);
    ROW("guest instructions", s->guest_insns);
    ROW("guest bytes", s->guest_bytes);
    ROW("host bytes", s->host_bytes);
    ROW("IR operations", s->ir_ops);
    ROW("translation (ms)", s->translate_ns / 1000000);
    ROW("flushes", s->flushes);
    ROW("evictions", s->evictions);
    ROW("evicted", s->evicted);
    ROW("invalidated", s->invalidated);
    ROW("revived", s->revived);
    ROW("soft immediates", s->softened);
    ROW("left to exec", s->demoted);
    ROW("links", s->links);
    ROW("unlinks", s->unlinks);
    ROW("exits to link", s->exits_link);
    ROW("exits indirect", s->exits_indirect);
    ROW("exits at entry", s->exits_entry);
    ROW("searches", s->lookups);
    ROW("renewed jumps", s->renewals);
    ROW("made with another", s->near_made);
    ROW("cold pieces", s->cold_made);
    ROW("cold drops", s->cold_drops);
    ROW("cold runs", s->cold_runs);
    ROW("exits in a block", s->exits_bail);
    ROW("exits to exec", s->exits_exec);
    print_exec_ops(m, s);
    print_exits(m, cpu);
#undef ROW
    return true;
}

/* ---- local APIC (SDM vol. 3 ch. 10) ---- */

static void show_lvt(struct monitor *m, const char *name, u32 v)
{
    static const char *const modes[8] = {"fixed", "lowest", "SMI", "3", "NMI", "INIT", "6", "ExtINT"};

    mon_printf(m, "%-8s 0x%08x %s vec %u%s%s%s%s\n", name, v, modes[v >> 8 & 7], v & 0xff,
               v >> 15 & 1 ? " level" : " edge", v >> 13 & 1 ? " active-low" : "",
               v >> 12 & 1 ? " pending" : "", v >> 16 & 1 ? " masked" : "");
}

static void show_vectors(struct monitor *m, const char *name, const u32 *bits)
{
    bool any = false;

    mon_printf(m, "%-8s", name);
    for (unsigned i = 0; i < 256; i++) {
        if (bits[i / 32] >> (i % 32) & 1) {
            mon_printf(m, " %u", i);
            any = true;
        }
    }
    mon_printf(m, any ? "\n" : " (none)\n");
}

bool info_LAPIC(struct monitor *m, const char *args)
{
    static const char *const lvts[LVT_COUNT] = {"LVTT", "LVTTHMR", "LVTPC", "LVT0", "LVT1", "LVTERR"};
    bool any = false;

    for (struct dev *d = m->vm->pc->devs.first; d; d = d->next) {
        const struct lapic_regs *r;

        if (d->cls != &lapic_class)
            continue;
        any = true;
        r = &container_of(d, struct lapic, dev)->r;
        mon_printf(m, "local APIC %u at 0x%llx%s\n", r->id >> 24,
                   (unsigned long long)(r->base_msr & ~0xfffull),
                   r->base_msr & BIT(11) ? "" : " (off)");
        for (unsigned i = 0; i < LVT_COUNT; i++)
            show_lvt(m, lvts[i], r->lvt[i]);
        mon_printf(m, "timer    initial 0x%08x divide 0x%x\n", r->initial, r->divide);
        mon_printf(m, "SPIV     0x%08x %s, spurious vec %u\n", r->svr,
                   r->svr & 0x100 ? "APIC enabled" : "APIC disabled", r->svr & 0xff);
        mon_printf(m, "ICR      0x%08x%08x\n", r->icr_hi, r->icr_lo);
        mon_printf(m, "ESR 0x%x TPR 0x%x LDR 0x%08x DFR 0x%08x\n", r->esr, r->tpr, r->ldr, r->dfr);
        show_vectors(m, "ISR", r->isr);
        show_vectors(m, "IRR", r->irr);
        show_vectors(m, "TMR", r->tmr);
    }
    return any || err_set(&m->err, "This CPU model has no local APIC.");
}
