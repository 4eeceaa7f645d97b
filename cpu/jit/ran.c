/* Which code ran: each block clears a byte of cpu->idle when it is entered, one store. From the
 * bytes follow the blocks, and from these the lines, when somebody asks, or when blocks go. A block
 * that was left in the middle counts whole. */
#include "cpu/jit/block.h"
#include "cpu/sys/ran.h"

enum { MASK = CPU_IDLES - 1 };
_Static_assert(CPU_IDLES / REGIONS % sizeof(u64) == 0, "words of marks end where stretches do");

/* b ran. Only the beginnings of instructions matter, which lie on its first page. */
static void note(struct ran *ran, const struct block *b)
{
    u64 lines[RAN_WORDS] = {0};
    for (u32 k = 0; k < b->nparts; k++)
        ran_mark(lines, b->parts[k].lo, MIN((u32)b->parts[k].hi, PAGE_SIZE));
    /* A block of a code segment with a base may run at several linear addresses. */
    if (jit_exact(b->mode_key))
        ran_lines(ran, b->rip, lines);
    else
        ran_any(ran, lines);
}

void jit_region_ran(struct jit *jit, const struct code_region *r)
{
    const u8 *idle = jit->cpu->idle;
    u32 first = jit_idle_at((u32)(r - jit->regions) << REGION_ID_BITS);
    if (!jit->cpu->ran || !jit->config.ran)
        return;
    for (u32 n = 0; n < r->nblocks; n += sizeof(u64)) {
        u64 eight;
        memcpy(&eight, idle + ((first + n) & MASK), sizeof(eight));
        if (LIKELY(eight == ~(u64)0))
            continue;
        for (u32 i = n; i < MIN(n + (u32)sizeof(u64), r->nblocks); i++)
            if (!idle[(first + i) & MASK])
                note(jit->cpu->ran, r->blocks[i]);
    }
}

/* Nothing of r ran from now on. */
static void forget(struct jit *jit, const struct code_region *r)
{
    u8 *idle = jit->cpu->idle;
    u32 first = jit_idle_at((u32)(r - jit->regions) << REGION_ID_BITS),
        n = MIN(r->nblocks, CPU_IDLES);
    u32 straight = MIN(n, CPU_IDLES - first);
    memset(idle + first, 0xff, straight);
    memset(idle, 0xff, n - straight);
}

void jit_ran(struct cpu *cpu)
{
    struct jit *jit = cpu->jit;
    if (!jit || !jit->config.ran)
        return;
    for (u32 k = 0; k < jit->nregions; k++) /* all of them first: some share marks */
        jit_region_ran(jit, &jit->regions[k]);
    for (u32 k = 0; k < jit->nregions; k++)
        forget(jit, &jit->regions[k]);
}
