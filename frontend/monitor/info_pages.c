/* 'info' about page tables (SDM vol. 3 ch. 4): ranges, every page, and the tables themselves. */
#include "frontend/monitor/monitor.h"

#include <stdio.h>
#include <string.h>

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

static u64 read_entry(const struct tables *t, u64 base, unsigned i)
{
    struct bus *mem = &t->m->vm->pc->mem;

    return t->levels > 2 ? bus_read(mem, base + 8ull * i, 8) : bus_read(mem, base + 4ull * i, 4);
}

/* A table at `level` (1 maps 4 KiB pages): what the address of its entry 0 is shifted by, and how
 * many entries it has. */
static unsigned shape(const struct tables *t, unsigned level, unsigned *shift)
{
    unsigned bits = t->levels > 2 ? 9 : 10;

    *shift = 12 + bits * (level - 1);
    return t->levels == 3 && level == 3 ? 4 : 1u << bits;
}

static u64 canonical(const struct tables *t, unsigned level, u64 la)
{
    return t->levels == 4 && level == 4 && (la >> 47 & 1) ? la | 0xffff000000000000ull : la;
}

/* Does the entry map a large page? */
static bool is_large(const struct tables *t, unsigned level, u64 e)
{
    return level > 1 && level < 4 && (e & PTE_PS) && (level == 2 || t->levels == 4);
}

/* One table. */
static void table(struct tables *t, unsigned level, u64 base, u64 la0, u32 rights0)
{
    unsigned shift, n = shape(t, level, &shift);

    for (unsigned i = 0; i < n && t->lines < MAX_LINES; i++) {
        u64 e = read_entry(t, base, i);
        u64 la = canonical(t, level, la0 + ((u64)i << shift)), phys = e & 0x000ffffffffff000ull;
        u32 rights = rights0;

        if (!(e & PTE_P))
            continue;
        if (t->levels != 3 || level != 3) { /* PDPTEs of PAE have no rights */
            rights &= (u32)e | ~(u32)(PTE_W | PTE_U);
            if (e & t->nx)
                rights &= ~(u32)RIGHT_X;
        }
        if (level == 1)
            leaf(t, la, 4096, e, phys, rights);
        else if (is_large(t, level, e))
            leaf(t, la, 1ull << shift, e, phys & ~((1ull << shift) - 1), rights);
        else
            table(t, level - 1, phys, la, rights);
    }
}

/* The tables that CR3 points to. False: paging is off, and that was said. */
static bool open_tables(struct tables *t, struct monitor *m, u64 *base)
{
    const struct cpu *cpu = vm_cpu(m->vm);

    *t = (struct tables){.m = m};
    if (!(cpu->cr0 & CR0_PG)) {
        mon_printf(m, "Paging is off.\n");
        return false;
    }
    t->levels = cpu_lma(cpu) ? 4 : cpu->cr4 & CR4_PAE ? 3 : 2;
    t->nx = t->levels > 2 && (cpu->efer & EFER_NXE) ? BIT64(63) : 0;
    *base = cpu->cr3 & (t->levels == 3 ? 0xffffffe0ull : 0x000ffffffffff000ull);
    return true;
}

static bool walk_tables(struct monitor *m, bool merge)
{
    struct tables t;
    u64 base;

    if (!open_tables(&t, m, &base))
        return true;
    t.merge = merge;
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

/* ---- info pg: the tables as they are ---- */

static const char *const level_names[] = {"", "PTE", "PDE", "PDPE", "PML4E"};

/* Names of the rights and notes of an entry, in the order of their bits from 8 down. */
static const char *flags(char *buf, u64 e, bool nx)
{
    static const char letters[] = "GSDACTUWP";

    for (unsigned i = 0; i < 9; i++)
        buf[i] = e >> (8 - i) & 1 ? letters[i] : '-';
    buf[9] = nx ? 'X' : '-';
    buf[10] = 0;
    return buf;
}

/* May entry b behind a be shown in one line with it? Tables are told apart by where they are, pages
 * must go on where those before them end. */
static bool same_run(const struct tables *t, unsigned level, u64 a, u64 b, u64 steps, u64 size)
{
    u64 frame = 0x000ffffffffff000ull, notes = PTE_A | PTE_D;

    if (!(b & PTE_P) || (level > 1 && !is_large(t, level, a)))
        return false;
    return !((a ^ b) & ~frame & ~notes) && (b & frame) == (a & frame) + steps * size;
}

static void print_run(struct tables *t, unsigned level, unsigned first, unsigned last, u64 la,
                      u64 e)
{
    unsigned shift, indent = 2 * (t->levels - level);
    unsigned digits = t->levels == 4 ? 13 : 5;
    u64 size, pages, phys = (e & 0x000ffffffffff000ull) >> 12;
    char text[12], where[24];

    shape(t, level, &shift);
    size = 1ull << shift;
    pages = (last - first + 1) * (size >> 12);
    snprintf(where, sizeof(where), first == last ? "%s[%03x]" : "%s[%03x-%03x]", level_names[level],
             first, last);
    mon_printf(t->m, "%*s[%0*llx-%0*llx] %-14s %s", (int)indent, "", (int)digits,
               (unsigned long long)(la >> 12), (int)digits,
               (unsigned long long)((la >> 12) + pages - 1), where,
               flags(text, e, t->nx && (e & t->nx)));
    if (level == 1 || is_large(t, level, e))
        mon_printf(t->m, " %05llx-%05llx", (unsigned long long)phys,
                   (unsigned long long)(phys + pages - 1));
    mon_printf(t->m, "\n");
    t->lines++;
}

static void print_table(struct tables *t, unsigned level, u64 base, u64 la0)
{
    unsigned shift, n = shape(t, level, &shift);

    for (unsigned i = 0, last; i < n && t->lines < MAX_LINES; i = last + 1) {
        u64 e = read_entry(t, base, i), la = canonical(t, level, la0 + ((u64)i << shift));

        last = i;
        if (!(e & PTE_P))
            continue;
        while (last + 1 < n &&
               same_run(t, level, e, read_entry(t, base, last + 1), last + 1 - i, 1ull << shift))
            last++;
        print_run(t, level, i, last, la, e);
        if (level > 1 && !is_large(t, level, e))
            print_table(t, level - 1, e & 0x000ffffffffff000ull, la);
    }
}

bool info_PG(struct monitor *m, const char *args)
{
    struct tables t;
    u64 base;

    if (!open_tables(&t, m, &base))
        return true;
    mon_printf(m, "pages, entries, flags (global, size, dirty, accessed, cache off, write-through, "
                  "user, writable, present, no execution), physical pages\n");
    print_table(&t, t.levels, base, 0);
    if (t.lines >= MAX_LINES)
        mon_printf(m, "... (cut at %d lines)\n", MAX_LINES);
    return true;
}
