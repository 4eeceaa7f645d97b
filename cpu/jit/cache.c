/* The tables of translated blocks: found by place and mode, linked to each other, dropped when
 * their bytes change. */
#include "cpu/jit/block.h"

#include <stdlib.h>

/* EIP counts: a library's page lies at another address in every process. */
u32 block_hash(u32 page, u32 off, u64 rip, u64 mode_key)
{
    u64 h = (((u64)page << PAGE_BITS | off) ^ rip << 20) * 0x9e3779b97f4a7c15ull ^
            mode_key * 0xff51afd7ed558ccdull;
    return (u32)(h >> (64 - HASH_BITS));
}

struct block *block_find(struct jit *jit, u32 page, u32 off, u64 rip, u64 mode_key)
{
    struct block *b = jit->hash[block_hash(page, off, rip, mode_key)];
    while (b && !(b->page0 == page && b->off == off && b->rip == rip && b->mode_key == mode_key))
        b = b->hash_next;
    return b;
}

/* The bytes of `page` that part k of b lies on. */
static bool part_on(const struct block *b, u32 k, u32 page, u32 *first, u32 *end)
{
    const struct part *part = &b->parts[k];
    if (page == b->page0) {
        *first = part->lo;
        *end = part->hi;
        return true;
    }
    *first = 0;
    *end = part->hi - (u32)PAGE_SIZE;
    return part->hi > PAGE_SIZE;
}

/* Does b have bytes in [off, off+len) of page? */
bool block_overlaps(const struct block *b, u32 page, u32 off, u32 len)
{
    u32 first, end;
    for (u32 k = 0; k < b->nparts; k++)
        if (part_on(b, k, page, &first, &end) && off < end && off + len > first &&
            !soft_only(b, page, MAX(first, off), MIN(end, off + len)))
            return true;
    return false;
}

/* The 64-byte lines of `page` that b's bytes lie on. */
static u64 lines_of(const struct block *b, u32 page)
{
    u64 lines = 0;
    for (u32 k = 0; k < b->nparts; k++) {
        u32 first, end;
        if (part_on(b, k, page, &first, &end)) {
            u32 lo = first >> 6, hi = (MIN(end, PAGE_SIZE) - 1) >> 6;
            lines |= (~(u64)0 >> (63 - (hi - lo))) << lo;
        }
    }
    return lines;
}

static void page_add(struct jit *jit, u32 page, struct block *b, int k)
{
    struct ram_space *space = jit->cpu->mmu.space;
    b->page_next[k] = jit->pages[page];
    jit->pages[page] = b;
    if (!space->code_lines[page])
        mmu_protect_page(&jit->cpu->mmu, page);
    ram_code_added(space, page, lines_of(b, page));
    mmu_forget_besides(&jit->cpu->mmu);
}

void block_insert(struct jit *jit, struct block *b)
{
    u32 h = block_hash(b->page0, b->off, b->rip, b->mode_key);
    b->hash_next = jit->hash[h];
    jit->hash[h] = b;
    page_add(jit, b->page0, b, 0);
    if (b->page1 != RAM_NO_PAGE && b->page1 != b->page0)
        page_add(jit, b->page1, b, 1);
    if (log_probe(jit->cpu->log))
        block_show_made(jit, b);
}

struct block **block_page_next(struct block *b, u32 page)
{
    return &b->page_next[page == b->page0 ? 0 : 1];
}

static void page_remove(struct jit *jit, u32 page, struct block *b)
{
    struct block **p = &jit->pages[page];
    u64 lines = 0;
    while (*p && *p != b)
        p = block_page_next(*p, page);
    if (*p)
        *p = *block_page_next(b, page);
    for (struct block *o = jit->pages[page]; o; o = *block_page_next(o, page))
        lines |= lines_of(o, page);
    jit->cpu->mmu.space->code_lines[page] = lines;
}

/* Take out of a page's list all that are leaving. */
static void page_sweep(struct jit *jit, u32 page)
{
    struct block **p = &jit->pages[page];
    u64 lines = 0;
    while (*p) {
        struct block *b = *p;
        struct block **next = block_page_next(b, page);
        if (b->leaving) {
            b->unlisted |= page == b->page0 ? 1 : 2;
            *p = *next;
        } else {
            lines |= lines_of(b, page);
            p = next;
        }
    }
    jit->cpu->mmu.space->code_lines[page] = lines;
}

void blocks_unlist(struct jit *jit, struct block **blocks, u32 n)
{
    for (u32 i = 0; i < n; i++)
        blocks[i]->leaving = !blocks[i]->dead;
    for (u32 i = 0; i < n; i++) {
        struct block *b = blocks[i];
        if (!b->leaving)
            continue;
        if (!(b->unlisted & 1))
            page_sweep(jit, b->page0);
        if (!(b->unlisted & 2) && b->page1 != RAM_NO_PAGE && b->page1 != b->page0)
            page_sweep(jit, b->page1);
    }
}

/* Point the jump at `place` of b to `to`. */
static void patch(struct jit *jit, const struct block *b, u32 place, const void *to)
{
    be_patch(&jit->buf, codebuf_rw(&jit->buf, block_code(b, place)), to);
}

void block_unpatch(struct jit *jit, const struct block *b, const struct link *l)
{
    codebuf_begin(&jit->buf);
    if (l->rel)
        patch(jit, b, l->rel, block_code(b, l->unlinked));
    if (l->skip)
        patch(jit, b, l->skip, block_code(b, l->keep));
    if (l->poll)
        patch(jit, b, l->poll_rel, block_code(b, l->unlinked));
    codebuf_end(&jit->buf);
}

static void unlink_exit(struct jit *jit, struct link *l)
{
    if (!l->target)
        return;
    *l->pprev = l->next;
    if (l->next)
        l->next->pprev = l->pprev;
    l->target = 0;
    block_unpatch(jit, jit_block(jit, l->from), l);
    jit->stats.unlinks++;
}

/* Every loop has a jump to a lower address (or an indirect one), and these look at exit_request:
 * the others need not. */
void block_link(struct jit *jit, struct block *b, struct link *from, struct block *to)
{
    bool forward = from->rip > b->rip && !from->polled;
    const void *host = forward ? block_code(to, to->forward) : to->host;
    const void *looked = block_code(to, to == b ? to->inner : to->forward);
    if (from->target || !from->rel)
        return;
    from->target = to->id + 1;
    from->next = to->incoming;
    from->pprev = &to->incoming;
    if (to->incoming)
        to->incoming->pprev = &from->next;
    to->incoming = from;
    codebuf_begin(&jit->buf);
    if (to->checked) {
        patch(jit, b, from->rel, block_code(to, to->checked));
    } else if (from->skip && (forward ? to->flags_unwanted : to->flags_dead)) {
        patch(jit, b, from->skip, to == b ? block_code(to, to->inner) : host);
    } else if (from->poll && to->flags_unwanted) {
        patch(jit, b, from->poll_rel, looked);
        patch(jit, b, from->skip, block_code(b, from->poll));
    } else {
        patch(jit, b, from->rel, from->looked && to == b ? looked : host);
    }
    codebuf_end(&jit->buf);
    jit->stats.links++;
}

/* No link and no jump table entry leads to b any more. */
static void close_entries(struct jit *jit, struct block *b)
{
    u32 jc = jc_index(b->rip, b->mode_key & ~MK_PLAIN);
    while (b->incoming)
        unlink_exit(jit, b->incoming);
    if (jit->cpu->jc[jc].host == b->host)
        jit->cpu->jc[jc].tag = JC_NO_TAG;
}

/* Take b out of every table. Its memory and code stay until their region is needed: it may be
 * running. */
void block_kill(struct jit *jit, struct block *b)
{
    struct block **p = &jit->hash[block_hash(b->page0, b->off, b->rip, b->mode_key)];
    if (b->dead)
        return;
    b->dead = true;
    while (*p && *p != b)
        p = &(*p)->hash_next;
    if (*p)
        *p = b->hash_next;
    if (!b->leaving) {
        page_remove(jit, b->page0, b);
        if (b->page1 != RAM_NO_PAGE && b->page1 != b->page0)
            page_remove(jit, b->page1, b);
    }
    codebuf_begin(&jit->buf);
    close_entries(jit, b);
    for (u32 i = 0; i < b->nlinks; i++)
        unlink_exit(jit, &b->links[i]);
    codebuf_end(&jit->buf);
    jit->stats.invalidated++;
    if (log_probe(jit->cpu->log) && jit->cpu->log->probe->block_dropped)
        jit->cpu->log->probe->block_dropped(jit->cpu->log->probe->arg, b->id);
}

/* Nothing shall enter b any more. It may be running and go on, so that its bytes stay watched: what
 * finds it next, with nothing running, kills it. */
void block_retire(struct jit *jit, struct block *b)
{
    codebuf_begin(&jit->buf);
    close_entries(jit, b);
    codebuf_end(&jit->buf);
    b->retired = true;
}

void block_free(struct block *b)
{
    if (!b)
        return;
    free(b->ir);
    free(b->ir_insns);
}

bool jit_covers(void *arg, u32 page, u32 off, u32 len, u32 *lo, u32 *hi)
{
    struct cpu *cpu = arg;
    struct jit *jit = cpu->jit;
    if (!jit || page >= jit->npages)
        return false;
    for (struct block *b = jit->pages[page]; b; b = *block_page_next(b, page)) {
        for (u32 k = 0; k < b->nparts; k++) {
            u32 first, end;
            if (!part_on(b, k, page, &first, &end))
                continue;
            if (off < end && off + len > first) {
                const struct part *hole = soft_hole(b, page, off, len);
                if (!hole)
                    return true;
                *lo = MAX(*lo, hole->lo);
                *hi = MIN(*hi, hole->hi);
            } else if (end <= off)
                *lo = MAX(*lo, end);
            else
                *hi = MIN(*hi, first);
        }
    }
    return false;
}

void jc_wipe(struct cpu *cpu)
{
    for (u32 i = 0; i < JC_SIZE; i++)
        cpu->jc[i].tag = JC_NO_TAG;
}

void jit_flush(struct cpu *cpu)
{
    struct jit *jit = cpu->jit;
    if (!jit)
        return;
    for (u32 i = 0; i < jit->npages; i++)
        if (jit->pages[i]) {
            jit->pages[i] = NULL;
            cpu->mmu.space->code_lines[i] = 0;
        }
    grave_forget(jit);
    memset(jit->donors, 0, sizeof(jit->donors));
    regions_drop(jit);
    memset(jit->hash, 0, sizeof(jit->hash));
    jc_wipe(cpu);
    jit->stats.flushes++;
}

/* Other memory may lie at the other end of links between pages now. */
static void unlink_pages(struct jit *jit)
{
    codebuf_begin(&jit->buf);
    for (u32 k = 0; k < jit->nregions; k++)
        for (u32 n = 0; n < jit->regions[k].nblocks; n++) {
            struct block *b = jit->regions[k].blocks[n];
            for (u32 i = 0; i < b->nlinks; i++)
                if (b->links[i].target && jit_block(jit, b->links[i].target - 1)->page0 != b->page0)
                    unlink_exit(jit, &b->links[i]);
        }
    codebuf_end(&jit->buf);
}

/* ---- the jump table's tags ---- */
enum { SUP_LOCAL_MAX = 256 };

void jc_forget_modes(struct jit *jit)
{
    jit->jc_nmodes = 0;
    memset(jit->jc_memo, 0xff, sizeof(jit->jc_memo)); /* a key that is none */
}

static u32 new_mode_number(struct jit *jit, u64 mode_key, u64 base)
{
    for (u32 i = 0; i < jit->jc_nmodes; i++)
        if (jit->jc_modes[i].mode_key == mode_key && jit->jc_modes[i].base == base)
            return i;
    if (jit->jc_nmodes == (jit->jc_wide ? JC_MODES_WIDE : JC_MODES)) {
        /* numbers are used up: all tags so far become void */
        jc_forget_modes(jit);
        jit->jc_gen[0] = jit->jc_gen[1] = jit->jc_floor = MAX(jit->jc_gen[0], jit->jc_gen[1]) + 1;
    }
    jit->jc_modes[jit->jc_nmodes].mode_key = mode_key;
    jit->jc_modes[jit->jc_nmodes].base = base;
    return jit->jc_nmodes++;
}

static inline u32 mode_number(struct jit *jit, u64 mode_key, u64 base)
{
    struct jc_memo *m = &jit->jc_memo[((mode_key ^ base) * 0x9e3779b97f4a7c15ull) >> 58];
    if (UNLIKELY(m->mode_key != mode_key || m->base != base)) {
        u32 n = new_mode_number(jit, mode_key, base);
        *m = (struct jc_memo){mode_key, base, n};
    }
    return m->n;
}

/* The kernel's code usually lies in global pages, which a CR3 write leaves alone: its tags then
 * follow the generation of global translations only (class 1), so that they survive a change of
 * process. */
static unsigned tag_class(const struct jit *jit)
{
    const struct cpu *cpu = jit->cpu;
    return (jit->sup_global || jit->sup_gen != cpu->mmu.gen_global) && !(cpu->mode_key & MK_CPL3) &&
           (cpu->cr4 & CR4_PGE) && (cpu->mode_key & MK_PG);
}

/* A canonical EIP has 48 bits that say all, others have 32: the rest of a tag is room for the mode's
 * number, the class, and from bit gen_at() on the generation. */
static unsigned rip_bits(const struct jit *jit)
{
    return jit->jc_wide ? 48 : 32;
}
static unsigned gen_at(const struct jit *jit)
{
    return jit->jc_wide ? 48 + 4 + 1 : 32 + 6 + 1;
}

/* Recompute the tag of the present mode and address space. */
void jc_refresh(struct jit *jit)
{
    struct cpu *cpu = jit->cpu;
    u64 base = cpu->seg[SEG_CS].base;
    unsigned cls = tag_class(jit);
    u32 gen = cls ? cpu->mmu.gen_global : cpu->mmu.gen, n;
    if (jit->gen_seen[cls] == gen && jit->mode_seen == cpu->mode_key && jit->base_seen == base &&
        jit->class_seen == cls)
        return;
    if (jit->gen_seen[cls] != gen)
        jit->jc_gen[cls]++;
    if (jit->a20_seen != cpu->mmu.a20_mask) {
        jit->a20_seen = cpu->mmu.a20_mask;
        unlink_pages(jit);
    }
    if (cls && !jit->sup_global)
        jit->sup_global = true, jit->sup_local = 0;
    jit->gen_seen[cls] = gen;
    jit->mode_seen = cpu->mode_key;
    jit->base_seen = base;
    jit->class_seen = cls;
    if (jit->jc_wide != cpu_lma(cpu)) {
        jit->jc_wide = cpu_lma(cpu);
        jc_forget_modes(jit);
        jc_wipe(cpu);
    }
    n = mode_number(jit, cpu->mode_key, base);
    if (jit->jc_gen[cls] >= BIT(64 - gen_at(jit)) - 2) {
        /* the generation wraps: old tags must not come alive again */
        jit->jc_gen[0] = jit->jc_gen[1] = jit->jc_floor = 1;
        jc_wipe(cpu);
    }
    cpu->jc_tag = (u64)jit->jc_gen[cls] << gen_at(jit) | (u64)cls << (gen_at(jit) - 1) |
                  (u64)n << rip_bits(jit);
}

/* May the code at `la` have tags of the present class? */
static bool class_fits(struct jit *jit, u64 la, bool two_pages)
{
    struct cpu *cpu = jit->cpu;
    if (!jit->class_seen)
        return true;
    if (mmu_is_global(&cpu->mmu, cpu->mmu_mode, la) &&
        (!two_pages || mmu_is_global(&cpu->mmu, cpu->mmu_mode, jit_la_next(cpu, la)))) {
        jit->sup_local = 0;
        return true;
    }
    /* Not a page that survives a CR3 write: stays out of the table. A kernel with nothing but such
     * pages goes back to one generation for all, until the next change of global translations. */
    if (++jit->sup_local > SUP_LOCAL_MAX) {
        jit->sup_global = false;
        jit->sup_gen = cpu->mmu.gen_global;
    }
    return false;
}

void jc_put(struct jit *jit, struct block *b)
{
    struct cpu *cpu = jit->cpu;
    u32 at = jc_index(b->rip, b->mode_key & ~MK_PLAIN);
    bool two_pages = b->page1 != RAM_NO_PAGE;
    if (!class_fits(jit, jit_la(cpu, b->rip), two_pages))
        return;
    cpu->jc[at].tag = cpu->jc_tag ^ b->rip;
    cpu->jc[at].host = b->host;
    cpu->jc_page[at] = two_pages ? RAM_NO_PAGE : b->page0;
}

/* The entry for cpu->rip, made in an earlier generation: it is good again when the page is still
 * where it was. Its host code, or NULL. */
const void *jc_again(struct jit *jit)
{
    struct cpu *cpu = jit->cpu;
    u32 at = jc_index(cpu->rip, cpu->mode_key), len, page;
    u64 old = cpu->jc[at].tag ^ cpu->rip, la = jit_la(cpu, cpu->rip);
    struct mmu_fault fault;
    if ((old ^ cpu->jc_tag) & (BIT64(gen_at(jit)) - 1) || old >> gen_at(jit) < jit->jc_floor ||
        cpu->jc[at].tag == JC_NO_TAG || cpu->jc_page[at] == RAM_NO_PAGE || !cpu_canonical(la))
        return NULL;
    if (!mmu_fetch(&cpu->mmu, cpu->mmu_mode, la, &len, &page, &fault) ||
        page != cpu->jc_page[at] || !class_fits(jit, la, false))
        return NULL;
    jit->stats.renewals++;
    cpu->jc[at].tag = cpu->jc_tag ^ cpu->rip;
    return cpu->jc[at].host;
}
