/* Stop points and translations: a block ends in front of an instruction that has one, and none
 * begins there, so that exec comes to it and looks (cpu/sys/stop.h). Translated code does nothing
 * for them. */
#include "cpu/jit/block.h"
#include "cpu/sys/stop.h"

bool jit_stop_at(const struct cpu *cpu, u64 la)
{
    return stop_place(cpu, jit_exact(cpu->mode_key), la);
}

const u64 *jit_stop_map(struct jit *jit, u64 la)
{
    struct cpu *cpu = jit->cpu;
    const u64 *any = stop_offsets(cpu);
    bool ex = jit_exact(cpu->mode_key);
    la &= ~(u64)PAGE_MASK;
    for (u32 i = 0; i < PAGE_SIZE / 64; i++) {
        jit->stop_map[i] = any[i];
        for (u64 left = any[i]; left && ex; left &= left - 1) {
            u32 bit = (u32)__builtin_ctzll(left);
            if (!stop_place(cpu, true, la + i * 64 + bit))
                jit->stop_map[i] &= ~BIT64(bit);
        }
    }
    return jit->stop_map;
}

/* Does b go over a stop point? Only those on the page of its beginning are begun by instructions of
 * it. */
static bool goes_over(const struct cpu *cpu, const struct block *b, const u64 *any)
{
    u64 la = b->rip - b->off;
    for (u32 k = 0; k < b->nparts; k++)
        for (u32 i = b->parts[k].lo; i < MIN((u32)b->parts[k].hi, PAGE_SIZE);) {
            u64 left = any[i >> 6] >> (i & 63);
            if (!left) {
                i = (i | 63) + 1;
                continue;
            }
            i += (u32)__builtin_ctzll(left);
            if (i < b->parts[k].hi && stop_place(cpu, jit_exact(b->mode_key), la + i))
                return true;
            i++;
        }
    return false;
}

void jit_stops(struct cpu *cpu)
{
    struct jit *jit = cpu->jit;
    const u64 *any;
    if (!jit || !stop_news(cpu))
        return;
    any = stop_offsets(cpu);
    if (jit->buf.size)
        codebuf_thread(&jit->buf);
    codebuf_begin(&jit->buf);
    for (u32 k = 0; k < jit->nregions; k++)
        for (u32 n = 0; n < jit->regions[k].nblocks; n++) {
            struct block *b = jit->regions[k].blocks[n];
            if (!b->dead && goes_over(cpu, b, any))
                block_kill(jit, b);
        }
    codebuf_end(&jit->buf);
    grave_forget(jit);
    if (jit->cold)
        cold_forget(jit);
}
