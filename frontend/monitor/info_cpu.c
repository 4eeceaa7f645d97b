/* 'info' about the processor: registers, page tables, interrupts, translator. */
#include "frontend/monitor/monitor.h"

#include "cpu/jit/jit.h"

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

/* ---- page tables (SDM vol. 3 ch. 4) ---- */

struct tables {
    struct monitor *m;
    bool merge;      /* info mem: ranges; else every page */
    unsigned levels; /* 2, 3 or 4 */
    u64 nx;          /* the bit that forbids execution, 0 when it is not on */
    u64 start, end;  /* the range that is growing */
    u32 rights;
    u32 lines;
};

enum {
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_A = 0x20,
    PTE_D = 0x40,
    PTE_PS = 0x80,
    PTE_G = 0x100,
    RIGHT_X = 8,
    MAX_LINES = 20000
};

static void print_range(struct tables *t)
{
    if (t->rights && t->lines++ < MAX_LINES)
        mon_printf(t->m, "%016llx-%016llx %016llx %c%c%c%c\n", (unsigned long long)t->start,
                   (unsigned long long)t->end, (unsigned long long)(t->end - t->start),
                   t->rights & PTE_U ? 'u' : '-', 'r', t->rights & PTE_W ? 'w' : '-',
                   t->rights & RIGHT_X ? 'x' : '-');
    t->rights = 0;
}

static void leaf(struct tables *t, u64 la, u64 size, u64 entry, u64 phys, u32 rights)
{
    if (t->merge) {
        if (t->rights != rights || t->end != la) {
            print_range(t);
            t->start = la;
            t->rights = rights;
        }
        t->end = la + size;
        return;
    }
    if (t->lines++ < MAX_LINES)
        mon_printf(t->m, "%016llx: %016llx %c%c%c%c%c%c%c\n", (unsigned long long)la,
                   (unsigned long long)phys, rights & RIGHT_X ? 'X' : '-',
                   entry & PTE_G ? 'G' : '-', size > 4096 ? 'P' : '-', entry & PTE_D ? 'D' : '-',
                   entry & PTE_A ? 'A' : '-', rights & PTE_U ? 'U' : '-',
                   rights & PTE_W ? 'W' : '-');
}

/* One table: `level` 1 maps 4 KiB pages. */
static void table(struct tables *t, unsigned level, u64 base, u64 la0, u32 rights0)
{
    bool wide = t->levels > 2;
    unsigned bits = wide ? 9 : 10, shift = 12 + bits * (level - 1);
    unsigned n = wide && t->levels == 3 && level == 3 ? 4 : 1u << bits;
    struct bus *mem = &t->m->vm->pc->mem;

    for (unsigned i = 0; i < n && t->lines < MAX_LINES; i++) {
        u64 e = wide ? bus_read(mem, base + 8ull * i, 8) : bus_read(mem, base + 4ull * i, 4);
        u64 la = la0 + ((u64)i << shift), phys = e & 0x000ffffffffff000ull;
        u32 rights = rights0;

        if (!(e & PTE_P))
            continue;
        if (t->levels != 3 || level != 3) { /* PDPTEs of PAE have no rights */
            rights &= (u32)e | ~(u32)(PTE_W | PTE_U);
            if (e & t->nx)
                rights &= ~(u32)RIGHT_X;
        }
        if (t->levels == 4 && level == 4 && (la >> 47 & 1))
            la |= 0xffff000000000000ull;
        if (level == 1)
            leaf(t, la, 4096, e, phys, rights);
        else if ((e & PTE_PS) && level == 2)
            leaf(t, la, 1ull << shift, e, phys & ~((1ull << shift) - 1), rights);
        else
            table(t, level - 1, phys, la, rights);
    }
}

static bool walk_tables(struct monitor *m, bool merge)
{
    const struct cpu *cpu = vm_cpu(m->vm);
    struct tables t = {.m = m, .merge = merge};
    u64 base = cpu->cr3;

    if (!(cpu->cr0 & CR0_PG)) {
        mon_printf(m, "Paging is off.\n");
        return true;
    }
    t.levels = cpu_lma(cpu) ? 4 : cpu->cr4 & CR4_PAE ? 3 : 2;
    t.nx = t.levels > 2 && (cpu->efer & EFER_NXE) ? BIT64(63) : 0;
    base &= t.levels == 3 ? 0xffffffe0ull : 0x000ffffffffff000ull;
    table(&t, t.levels, base, 0, PTE_P | PTE_W | PTE_U | RIGHT_X);
    print_range(&t);
    if (t.lines >= MAX_LINES)
        mon_printf(m, "... (cut at %d lines)\n", MAX_LINES);
    return true;
}

bool info_MEM(struct monitor *m, const char *args)
{
    return walk_tables(m, true);
}

bool info_TLB(struct monitor *m, const char *args)
{
    return walk_tables(m, false);
}
