/* The slow path of the software TLB: fills, flushes, page crossings, device accesses and writes to
 * watched pages. */
#include "mmu/mmu.h"
#include "mmu/walk.h"
#include "mmu/watch.h"

#include <stdlib.h>

enum { EFER_LONG = 0x400, /* LMA */
       CR0_PG_BIT = 31 };

struct region *mmu_memory_find(struct mmu *mmu, u64 phys, unsigned n, int dir)
{
    const struct bus_range *r = bus_find(mmu->mem, phys, dir);
    if (!r || !r->region->ram || r->end - phys < n)
        return NULL;
    mmu->window[dir] = (struct mmu_window){r->start, r->end - r->start, r->region};
    return r->region;
}

static u64 *tag_of(struct tlb_entry *e, int access)
{
    return access == TLB_RD ? &e->rd : access == TLB_WR ? &e->wr : &e->ex;
}

/* Does this tag translate the page of la (perhaps with flags)? */
static bool tag_maps(u64 tag, u64 la)
{
    return (tag & PAGE_MASK) != TLB_INVALID && !((tag ^ la) & ~(u64)PAGE_MASK);
}

static void entry_clear(struct tlb_entry *e)
{
    e->rd = e->wr = e->ex = TLB_NONE;
}

/* A number of 0, which is what memory starts with, is right in entry 0 only; and a sum beyond the
 * last page comes to 0. flatmem_new sets those two. */
static void wide_set(const struct mmu *mmu, int m, const struct tlb_entry *e, u64 la)
{
    u64 page = la >> PAGE_BITS;
    u8 *at = mmu->flat.base + (page & (FLAT_PAGES - 1)) * sizeof(u64);
    la &= ~(u64)PAGE_MASK;
    st64(at + wide_offset(m, WIDE_RD), e->rd == la ? page : WIDE_NONE);
    st64(at + wide_offset(m, WIDE_WR), e->wr == la ? page : WIDE_NONE);
    st64(at + wide_offset(m, WIDE_ADDEND), e->addend);
}

/* Bring the flat tables in step with entry i of mode m, which maps the page at la (or did). */
static void flat_set(struct mmu *mmu, int m, const struct tlb_entry *e, u64 la)
{
    u64 page = la >> PAGE_BITS;
    u8 *at = mmu->flat.base;
    if (!at)
        return;
    if (mmu->mode.efer & EFER_LONG)
        wide_set(mmu, m, e, la);
    if (page >= FLAT_PAGES)
        return;
    la &= ~(u64)PAGE_MASK;
    at += page * sizeof(u64);
    st64(at + flat_offset(m, false), e->rd == la ? e->addend : 0);
    st64(at + flat_offset(m, true), e->wr == la ? e->addend : 0);
}

void mmu_forget_besides(struct mmu *mmu)
{
    if (!mmu->besides)
        return;
    mmu->besides = false;
    for (int m = 0; m < MMU__MODES; m++)
        for (unsigned i = 0; i < TLB_BESIDES; i++)
            mmu->beside[m][i].below = ~(u64)0;
}

/* Writes of `len` bytes at la, through e, whose page has translated code elsewhere: remember where
 * that is. */
static void note_beside(struct mmu *mmu, int m, const struct tlb_entry *e, u64 la, u32 len)
{
    struct tlb_beside *b = &mmu->beside[m][tlb_beside_index(la)];
    u64 page_la = la & ~(u64)PAGE_MASK;
    u32 lo, hi;
    if (la > b->below && la + len - 1 <= b->last)
        return;
    /* At the top of the address space sums wrap. */
    if (e->wr != (page_la | TLB_CODE) || page_la == ~(u64)PAGE_MASK ||
        !ram_free_at(mmu->space, mmu->tlb[m].cold[tlb_index(la)].page, (u32)(la & PAGE_MASK), len,
                     &lo, &hi))
        return;
    *b = (struct tlb_beside){
        .below = page_la + lo - (page_la + lo != 0),
        .last = page_la + hi - 1,
        .addend = e->addend,
    };
    mmu->besides = true;
}

void mmu_init(struct mmu *mmu, struct bus *mem, struct ram_space *space, struct log *log)
{
    mmu->mem = mem;
    mmu->space = space;
    mmu->log = log;
    mmu->a20_mask = ~(u64)0;
    mmu->phys_mask = BIT64(36) - 1;
    for (unsigned k = 0; k < MMU_RAWS; k++)
        mmu->raw[k] = (struct mmu_raw){.base = 1};
    for (int m = 0; m < MMU__MODES; m++)
        for (unsigned i = 0; i < TLB_SIZE; i++)
            entry_clear(&mmu->tlb[m].e[i]);
    mmu->besides = true;
    mmu_forget_besides(mmu);
}

void mmu_free(struct mmu *mmu)
{
    free(mmu->writable);
    mmu->writable = NULL;
    mmu->nwritable = 0;
}

/* Drop what is listed; of list 0, without `global`, what has become global stays. */
static void flush_list(struct mmu *mmu, int m, unsigned list, bool global)
{
    struct tlb *t = &mmu->tlb[m];
    for (u32 k = 0; k < t->nused[list]; k++) {
        u16 i = t->used[list][k];
        struct tlb_cold *c = &t->cold[i];
        c->used &= (u8)~BIT(list);
        if (!global && c->global)
            continue;
        entry_clear(&t->e[i]);
        flat_set(mmu, m, &t->e[i], c->la);
        c->fetched = 0;
    }
    t->nused[list] = 0;
}

void mmu_flush(struct mmu *mmu, bool global)
{
    mmu->gen++;
    mmu->flushes++;
    mmu_forget_besides(mmu);
    if (global) {
        mmu->gen_global++;
        mmu->global_lo = ~(u64)0, mmu->global_hi = 0;
        mmu->window[0].len = mmu->window[1].len = 0;
        mmu_raw_close(mmu);
    }
    for (int m = 0; m < MMU__MODES; m++)
        for (unsigned list = 0; list < (global ? 2u : 1u); list++)
            flush_list(mmu, m, list, global);
    if (log_on(mmu->log, LOGA_MMU))
        log_line(mmu->log, LOGA_MMU, "flush%s", global ? " all" : "");
}

/* Make large pages go whole: the architecture drops every entry of the page, and we hold it in 4
 * KiB pieces. */
static void invlpg_large(struct mmu *mmu, int m, u64 la)
{
    struct tlb *t = &mmu->tlb[m];
    for (unsigned list = 0; list < 2; list++)
        for (u32 k = 0; k < t->nused[list]; k++) {
            struct tlb_entry *e = &t->e[t->used[list][k]];
            struct tlb_cold *c = &t->cold[t->used[list][k]];
            if (c->large && !((c->la ^ la) >> c->large)) {
                entry_clear(e);
                flat_set(mmu, m, e, c->la);
            }
        }
}

void mmu_invlpg(struct mmu *mmu, u64 la)
{
    bool code = la >= mmu->large_lo && la <= mmu->large_hi;
    mmu_forget_besides(mmu);
    for (int m = 0; m < MMU__MODES; m++)
        code |= mmu->tlb[m].cold[tlb_index(la)].fetched;
    if (la >= mmu->global_lo && la <= mmu->global_hi) {
        mmu->gen_global++;
        code = true;
    }
    mmu->gen += code;
    for (int m = 0; m < MMU__MODES; m++) {
        struct tlb *t = &mmu->tlb[m];
        struct tlb_entry *e = &t->e[tlb_index(la)];
        if (tag_maps(e->rd, la) || tag_maps(e->wr, la) || tag_maps(e->ex, la)) {
            entry_clear(e);
            flat_set(mmu, m, e, la);
        }
        if (la >= mmu->large_lo && la <= mmu->large_hi)
            invlpg_large(mmu, m, la);
    }
}

/* In mmu->writable[]: no entry has a write tag for the page; any number may; else one, and which. */
enum { WRITABLE_NONE, WRITABLE_MANY, WRITABLE_ONE };
_Static_assert(WRITABLE_ONE + MMU__MODES * TLB_SIZE < BIT(31), "which entry");

static void protect_entry(struct mmu *mmu, int m, u32 i, u32 page)
{
    struct tlb *t = &mmu->tlb[m];
    const struct tlb_cold *c = &t->cold[i];
    u64 *wr = &t->e[i].wr;
    /* The translation stays, only the fast path goes: what a guest can reach must not depend on
     * what was translated. The next write finds out which flags are true. */
    if (c->page == page && tag_maps(*wr, c->la) && !(*wr & TLB_IO)) {
        *wr |= TLB_CODE | TLB_DIRTY;
        flat_set(mmu, m, &t->e[i], c->la);
    }
}

void mmu_protect_page(struct mmu *mmu, u32 page)
{
    u32 which = page < mmu->nwritable   ? mmu->writable[page]
                : mmu->writable_lost ? WRITABLE_MANY
                                     : WRITABLE_NONE;
    mmu_forget_besides(mmu);
    if (page < mmu->nwritable)
        mmu->writable[page] = WRITABLE_NONE;
    if (which >= WRITABLE_ONE) {
        which -= WRITABLE_ONE;
        protect_entry(mmu, (int)(which / TLB_SIZE), which % TLB_SIZE, page);
        return;
    }
    for (int m = 0; which && m < MMU__MODES; m++) {
        const struct tlb *t = &mmu->tlb[m];
        for (u32 k = 0; k < t->nused[0]; k++)
            protect_entry(mmu, m, t->used[0][k], page);
        for (u32 k = 0; k < t->nused[1]; k++)
            protect_entry(mmu, m, t->used[1][k], page);
    }
}

/* The entry noted for a page may be another page's by now, or void. */
static bool still_writable(const struct mmu *mmu, u32 which, u32 page)
{
    const struct tlb *t = &mmu->tlb[which / TLB_SIZE];
    const struct tlb_cold *c = &t->cold[which % TLB_SIZE];
    return c->page == page && tag_maps(t->e[which % TLB_SIZE].wr, c->la);
}

/* Remember that page got a write tag that mmu_protect_page has to find: one without TLB_CODE or
 * without TLB_DIRTY, in entry i of mode m. */
static void note_writable(struct mmu *mmu, u32 page, int m, u32 i)
{
    u32 *w, now = WRITABLE_ONE + (u32)m * TLB_SIZE + i;
    if (UNLIKELY(page >= mmu->nwritable)) {
        u32 n = mmu->space->npages;
        u32 *p = page < n ? realloc(mmu->writable, n * sizeof(*p)) : NULL;
        if (!p) {
            mmu->writable_lost = true; /* pages beyond nwritable are always searched for */
            return;
        }
        for (u32 k = mmu->nwritable; k < n; k++)
            p[k] = mmu->writable_lost ? WRITABLE_MANY : WRITABLE_NONE;
        mmu->writable = p;
        mmu->nwritable = n;
    }
    w = &mmu->writable[page];
    if (*w == WRITABLE_NONE || (*w >= WRITABLE_ONE && !still_writable(mmu, *w - WRITABLE_ONE, page)))
        *w = now;
    else if (*w != now)
        *w = WRITABLE_MANY;
}

bool mmu_set_mode(struct mmu *mmu, const struct mmu_mode *mode, bool cr3_written)
{
    enum { PSE = 0x10, PAE = 0x20, PGE = 0x80, WP = 0x10000, SMEP = 0x100000, SMAP = 0x200000 };
    const u32 pg = 0x80000000u;
    u32 d0 = mode->cr0 ^ mmu->mode.cr0, d4 = mode->cr4 ^ mmu->mode.cr4;
    bool all =
        (d0 & (pg | WP)) || (d4 & (PSE | PAE | PGE | SMEP | SMAP)) || mode->efer != mmu->mode.efer;
    bool pae = (mode->cr0 & pg) && (mode->cr4 & PAE) && !(mode->efer & EFER_LONG);
    if (pae && (cr3_written || all || (d0 & (BIT(30) | BIT(29))))) {
        u64 pdpte[4];
        if (!walk_load_pdptes(mmu, mode, pdpte))
            return false;
        for (int i = 0; i < 4; i++)
            mmu->pdpte[i] = pdpte[i];
    }
    if (all)
        mmu->large_lo = ~(u64)0, mmu->large_hi = 0;
    /* Before the mode changes: it says which tables have to be kept in step. */
    if (all || (cr3_written && (mode->cr0 & pg)))
        mmu_flush(mmu, all || !(mode->cr4 & PGE));
    mmu->mode = *mode;
    return true;
}

void mmu_set_a20(struct mmu *mmu, bool open)
{
    u64 mask = open ? ~(u64)0 : ~BIT64(20);
    if (mask == mmu->a20_mask)
        return;
    mmu->a20_mask = mask;
    mmu_flush(mmu, true);
}

/* The memory that answers the whole page at `phys` in direction dir, or NULL. */
static struct region *page_memory(struct mmu *mmu, u64 phys, int dir)
{
    struct region *region = mmu_memory(mmu, phys, PAGE_SIZE, dir);
    if (!region || ((region->ram_off + (phys - region->base)) & PAGE_MASK))
        return NULL;
    return region;
}

static struct ram *page_ram(const struct region *region, u64 phys, u32 *index)
{
    *index = (u32)((region->ram_off + (phys - region->base)) >> PAGE_BITS);
    return region->ram;
}

/* The tag for writing: plain only when no code is on the page and all dirty bits are set. */
static u64 write_tag(struct mmu *mmu, u64 page_la, const struct ram *ram, u32 index, int m, u32 i)
{
    u64 tag = page_la;
    if (mmu->space->code_lines[ram->page0 + index])
        tag |= TLB_CODE;
    if (ram->dirty[index] != DIRTY_ALL)
        tag |= TLB_DIRTY;
    if ((tag & (TLB_CODE | TLB_DIRTY)) != (TLB_CODE | TLB_DIRTY))
        note_writable(mmu, ram->page0 + index, m, i);
    return tag;
}

/* ---- watched pages ---- */

/* Which accesses to the page are to be seen? */
static u8 watched_page(const struct mmu *mmu, u64 page_la)
{
    u8 what = 0;
    for (u32 i = 0; i < mmu->nwatch; i++)
        if (mmu->watch[i].first <= (page_la | PAGE_MASK) && mmu->watch[i].last >= page_la)
            what |= mmu->watch[i].what;
    return what;
}

/* Set or clear TLB_WATCH in the tags of e, which maps the page (or does not, for some accesses).
 * What reads, changes and writes may look at the write tag only. */
static void watch_tags(const struct mmu *mmu, struct tlb_entry *e, u64 page_la)
{
    u8 what = watched_page(mmu, page_la);
    if (tag_maps(e->rd, page_la))
        e->rd = (e->rd & ~(u64)TLB_WATCH) | (what & WATCH_READ ? TLB_WATCH : 0);
    if (tag_maps(e->wr, page_la))
        e->wr = (e->wr & ~(u64)TLB_WATCH) | (what ? TLB_WATCH : 0);
}

void mmu_watch(struct mmu *mmu, const struct mmu_watch *list, u32 n,
               void (*seen)(void *arg, u64 la, unsigned size, bool write), void *arg)
{
    mmu->watch = list;
    mmu->nwatch = n;
    mmu->seen = seen;
    mmu->seen_arg = arg;
    mmu_forget_besides(mmu);
    mmu_raw_close(mmu);
    /* What is translated stays so: a guest must not find out by a flush. */
    for (int m = 0; m < MMU__MODES; m++)
        for (u32 i = 0; i < TLB_SIZE; i++)
            if (mmu->tlb[m].cold[i].used) {
                watch_tags(mmu, &mmu->tlb[m].e[i], mmu->tlb[m].cold[i].la);
                flat_set(mmu, m, &mmu->tlb[m].e[i], mmu->tlb[m].cold[i].la);
            }
}

static void seen(struct mmu *mmu, u64 tag, u64 la, unsigned size, bool write)
{
    if (UNLIKELY(tag & TLB_WATCH) && mmu->seen)
        mmu->seen(mmu->seen_arg, la, size, write);
}

/* Somebody may write to the page of la by this address from now on, without more being told. */
static void note_writing(const struct mmu *mmu, u64 page_la)
{
    if (UNLIKELY(mmu->notes != NULL))
        mmu->notes->write(mmu->notes->arg, page_la);
}

struct tlb_entry *mmu_enter(struct mmu *mmu, int m, u64 la, const struct walk *w, unsigned rights)
{
    unsigned i = tlb_index(la);
    struct tlb *t = &mmu->tlb[m];
    struct tlb_entry *e = &t->e[i];
    struct tlb_cold *c = &t->cold[i];
    struct region *rd, *wr;
    u64 page_la = la & ~(u64)PAGE_MASK, phys = w->phys, inside;
    u32 rindex = 0, windex = 0;
    rd = page_memory(mmu, phys, 0);
    wr = page_memory(mmu, phys, 1);
    if (c->la == page_la)
        mmu_forget_besides(mmu);
    entry_clear(e);
    if (c->used && c->la != page_la)
        flat_set(mmu, m, e, c->la);
    if (!(c->used & BIT(w->global))) {
        c->used |= (u8)BIT(w->global);
        t->used[w->global][t->nused[w->global]++] = (u16)i;
    }
    c->la = page_la;
    c->phys = phys;
    c->global = w->global;
    c->large = w->large;
    c->page = RAM_NO_PAGE;
    /* Whole pages: INVLPG of any address in a large one drops all of it. */
    inside = BIT64(w->large ? w->large : PAGE_BITS) - 1;
    if (w->global) {
        mmu->global_lo = MIN(mmu->global_lo, la & ~inside);
        mmu->global_hi = MAX(mmu->global_hi, la | inside);
    }
    if (w->large) {
        mmu->large_lo = MIN(mmu->large_lo, la & ~inside);
        mmu->large_hi = MAX(mmu->large_hi, la | inside);
    }
    if (rd) {
        struct ram *ram = page_ram(rd, phys, &rindex);
        if (UNLIKELY(!(mmu->mode.cr0 >> CR0_PG_BIT)))
            mmu_raw_open(mmu, phys);
        e->addend = (u64)(uintptr_t)(ram->host + ((u64)rindex << PAGE_BITS)) - page_la;
        c->page = ram->page0 + rindex;
    }
    if (rights & BIT(TLB_RD))
        e->rd = page_la | (rd ? 0 : TLB_IO);
    if (rights & BIT(TLB_EX)) {
        e->ex = page_la | (rd ? 0 : TLB_IO) | (mmu->notes ? TLB_WATCH : 0);
        c->fetched = 1;
    }
    if (rights & BIT(TLB_WR)) {
        struct ram *ram = wr ? page_ram(wr, phys, &windex) : NULL;
        /* Reads and writes that reach different memory (PAM) cannot share one addend: write through
         * the bus. */
        bool same = ram && rd && ram->page0 + windex == c->page;
        e->wr = same ? write_tag(mmu, page_la, ram, windex, m, i) : page_la | TLB_IO;
        if (same)
            c->ram = ram, c->ram_index = windex;
        if (!(e->wr & TLB_DIRTY))
            note_writing(mmu, page_la);
    }
    if (UNLIKELY(mmu->nwatch))
        watch_tags(mmu, e, page_la);
    flat_set(mmu, m, e, page_la);
    return e;
}

/* Walk and enter the translation; the entry that now maps la for `access`, or NULL with *fault. */
static struct tlb_entry *fill(struct mmu *mmu, int m, u64 la, int access, struct mmu_fault *fault)
{
    u64 page_la = la & ~(u64)PAGE_MASK;
    struct walk w;
    struct tlb_entry *e;
    unsigned rights = access == TLB_EX ? BIT(TLB_EX) : 0;
    mmu->refills++;
    if (!walk(mmu, m, la, access, false, &w, fault))
        return NULL;
    w.phys &= mmu->a20_mask;
    if (m == MMU_SUP || w.user) {
        rights |= BIT(TLB_RD);
        if (w.dirty && (w.write || (m == MMU_SUP && !(mmu->mode.cr0 & 0x10000))))
            rights |= BIT(TLB_WR);
    }
    e = mmu_enter(mmu, m, la, &w, rights);
    if (log_at(mmu->log, LOGA_MMU, page_la))
        log_line(mmu->log, LOGA_MMU, "fill %c%c %llx -> %llx", m == MMU_USER ? 'u' : 's',
                 "rwx"[access], (unsigned long long)page_la, (unsigned long long)w.phys);
    if (log_probe(mmu->log) && mmu->log->probe->fill)
        mmu->log->probe->fill(mmu->log->probe->arg, page_la, w.phys, m == MMU_USER,
                              (unsigned)access);
    return e;
}

static struct tlb_entry *lookup(struct mmu *mmu, int m, u64 la, int access, struct mmu_fault *fault)
{
    struct tlb_entry *e = &mmu->tlb[m].e[tlb_index(la)];
    if (LIKELY(tag_maps(*tag_of(e, access), la)))
        return e;
    return fill(mmu, m, la, access, fault);
}

static struct tlb_cold *cold_of(struct mmu *mmu, int m, const struct tlb_entry *e)
{
    return &mmu->tlb[m].cold[e - mmu->tlb[m].e];
}

/* A write of n bytes at la within one page of memory is about to happen through a flagged tag. */
static void write_notice(struct mmu *mmu, int m, struct tlb_entry *e, u64 la, u32 n)
{
    struct tlb_cold *c = cold_of(mmu, m, e);
    u64 page_la = la & ~(u64)PAGE_MASK;
    if (e->wr & TLB_DIRTY)
        note_writing(mmu, page_la);
    ram_wrote(c->ram, ((u64)c->ram_index << PAGE_BITS) | (la & PAGE_MASK), n);
    /* Invalidating code may have protected or unprotected pages: the entry itself stays mapped. */
    if (tag_maps(e->wr, la)) {
        e->wr = write_tag(mmu, page_la, c->ram, c->ram_index, m, tlb_index(la)) |
                (e->wr & TLB_WATCH);
        flat_set(mmu, m, e, page_la);
    }
}

/* One access within a page, through an entry that maps it. */
static u64 read_in_page(struct mmu *mmu, int m, const struct tlb_entry *e, u64 la, unsigned size)
{
    if (LIKELY(!(e->rd & TLB_IO)))
        return ld_le((const void *)(uintptr_t)(la + e->addend), size);
    return bus_read(mmu->mem, cold_of(mmu, m, e)->phys | (la & PAGE_MASK), size);
}

static void write_in_page(struct mmu *mmu, int m, struct tlb_entry *e, u64 la, unsigned size, u64 v)
{
    if (UNLIKELY(e->wr & TLB_IO)) {
        note_writing(mmu, la & ~(u64)PAGE_MASK);
        bus_write(mmu->mem, cold_of(mmu, m, e)->phys | (la & PAGE_MASK), v, size);
        return;
    }
    if (e->wr & (TLB_CODE | TLB_DIRTY))
        write_notice(mmu, m, e, la, size);
    if (e->wr & TLB_CODE)
        note_beside(mmu, m, e, la, size);
    st_le((void *)(uintptr_t)(la + e->addend), size, v);
}

static bool crosses(u64 la, unsigned size)
{
    return (la & PAGE_MASK) + size > PAGE_SIZE;
}

/* The linear address behind la + n, wrapping as the address width does. */
static u64 la_add(const struct mmu *mmu, u64 la, unsigned n)
{
    return mmu->mode.efer & 0x400 ? la + n : (u32)(la + n);
}

bool mmu_read_slow(struct mmu *mmu, int m, u64 la, unsigned size, u64 *v, struct mmu_fault *fault)
{
    struct tlb_entry *e;
    mmu->slow++;
    if (UNLIKELY(crosses(la, size))) {
        u64 next = la_add(mmu, la, PAGE_SIZE - (la & PAGE_MASK));
        unsigned n = PAGE_SIZE - (unsigned)(la & PAGE_MASK);
        if (!lookup(mmu, m, la, TLB_RD, fault) || !lookup(mmu, m, next, TLB_RD, fault))
            return false;
        *v = 0;
        for (unsigned i = 0; i < size; i++) {
            u64 a = i < n ? la + i : next + (i - n);
            /* Looked up anew: with a tiny TLB both pages may share an entry. */
            e = lookup(mmu, m, a, TLB_RD, fault);
            if (!e)
                return false;
            *v |= read_in_page(mmu, m, e, a, 1) << (8 * i);
            seen(mmu, e->rd, a, 1, false);
        }
        return true;
    }
    e = lookup(mmu, m, la, TLB_RD, fault);
    if (!e)
        return false;
    *v = read_in_page(mmu, m, e, la, size);
    seen(mmu, e->rd, la, size, false);
    return true;
}

bool mmu_write_slow(struct mmu *mmu, int m, u64 la, unsigned size, u64 v, struct mmu_fault *fault)
{
    struct tlb_entry *e;
    mmu->slow++;
    if (UNLIKELY(crosses(la, size))) {
        u64 next = la_add(mmu, la, PAGE_SIZE - (la & PAGE_MASK));
        unsigned n = PAGE_SIZE - (unsigned)(la & PAGE_MASK);
        if (!lookup(mmu, m, la, TLB_WR, fault) || !lookup(mmu, m, next, TLB_WR, fault))
            return false;
        for (unsigned i = 0; i < size; i++) {
            u64 a = i < n ? la + i : next + (i - n);
            e = lookup(mmu, m, a, TLB_WR, fault);
            if (!e)
                return false;
            write_in_page(mmu, m, e, a, 1, v >> (8 * i) & 0xff);
            seen(mmu, e->wr, a, 1, true);
        }
        return true;
    }
    e = lookup(mmu, m, la, TLB_WR, fault);
    if (!e)
        return false;
    write_in_page(mmu, m, e, la, size, v);
    seen(mmu, e->wr, la, size, true);
    return true;
}

static bool check(struct mmu *mmu, int m, u64 la, unsigned size, int access,
                  struct mmu_fault *fault)
{
    if (!lookup(mmu, m, la, access, fault))
        return false;
    if (!crosses(la, size))
        return true;
    return lookup(mmu, m, la_add(mmu, la, PAGE_SIZE - (la & PAGE_MASK)), access, fault) != NULL;
}

bool mmu_check_write(struct mmu *mmu, int m, u64 la, unsigned size, struct mmu_fault *fault)
{
    return check(mmu, m, la, size, TLB_WR, fault);
}

bool mmu_check_read(struct mmu *mmu, int m, u64 la, unsigned size, struct mmu_fault *fault)
{
    return check(mmu, m, la, size, TLB_RD, fault);
}

/* One page's part of mmu_prepare. */
static enum mmu_place prepare_page(struct mmu *mmu, int m, u64 la, unsigned n, int access,
                                   struct mmu_fault *fault)
{
    struct tlb_entry *e = lookup(mmu, m, la, access, fault);
    u64 tag;
    if (!e)
        return MMU_FAULT;
    tag = *tag_of(e, access);
    if (tag & (TLB_IO | TLB_WATCH))
        return MMU_SPECIAL;
    if (access == TLB_WR && (tag & TLB_CODE) &&
        ram_code_at(mmu->space, cold_of(mmu, m, e)->page, (u32)(la & PAGE_MASK), n))
        return MMU_SPECIAL;
    if (access == TLB_WR && (tag & TLB_DIRTY))
        write_notice(mmu, m, e, la, n);
    if (access == TLB_WR && (tag & TLB_CODE))
        note_beside(mmu, m, e, la, n);
    return MMU_PLAIN;
}

enum mmu_place mmu_prepare(struct mmu *mmu, int m, u64 la, unsigned size, int access,
                           struct mmu_fault *fault)
{
    unsigned n = PAGE_SIZE - (unsigned)(la & PAGE_MASK);
    enum mmu_place first;
    mmu->slow++;
    if (LIKELY(n >= size))
        return prepare_page(mmu, m, la, size, access, fault);
    first = prepare_page(mmu, m, la, n, access, fault);
    if (first == MMU_FAULT)
        return first;
    switch (prepare_page(mmu, m, la_add(mmu, la, n), size - n, access, fault)) {
    case MMU_FAULT: return MMU_FAULT;
    case MMU_SPECIAL: return MMU_SPECIAL;
    default: return first;
    }
}

u8 *mmu_span(struct mmu *mmu, int m, u64 la, int access, u32 *len, struct mmu_fault *fault)
{
    struct tlb_entry *e = lookup(mmu, m, la, access, fault);
    u32 room = PAGE_SIZE - (u32)(la & PAGE_MASK);
    u64 tag;
    if (!e)
        return NULL;
    if (*len > room)
        *len = room;
    tag = *tag_of(e, access);
    if (UNLIKELY(access == TLB_WR && (tag & (TLB_DIRTY | TLB_CODE)) && !(tag & TLB_IO)) &&
        !(tag & TLB_CODE && ram_code_at(mmu->space, cold_of(mmu, m, e)->page,
                                        (u32)(la & PAGE_MASK), *len))) {
        if (tag & TLB_DIRTY)
            write_notice(mmu, m, e, la, *len);
        if (tag & TLB_CODE)
            note_beside(mmu, m, e, la, *len);
        tag = e->wr & ~(u64)TLB_CODE;
    }
    if (tag & (TLB_IO | TLB_CODE | TLB_WATCH)) {
        fault->error = ~0u;
        return NULL;
    }
    return (u8 *)(uintptr_t)(la + e->addend);
}

const u8 *mmu_fetch(struct mmu *mmu, int m, u64 la, u32 *len, u32 *page, struct mmu_fault *fault)
{
    struct tlb_entry *e = lookup(mmu, m, la, TLB_EX, fault);
    if (!e)
        return NULL;
    if (UNLIKELY(e->ex & TLB_WATCH)) {
        e->ex &= ~(u64)TLB_WATCH;
        if (mmu->notes)
            mmu->notes->fetch(mmu->notes->arg,
                              mmu->mode.cr0 & 0x80000000u ? la & ~(u64)PAGE_MASK : ~(u64)0);
    }
    *len = PAGE_SIZE - (u32)(la & PAGE_MASK);
    if (e->ex & TLB_IO) {
        *page = RAM_NO_PAGE;
        return (const u8 *)""; /* a valid pointer that no caller reads through */
    }
    *page = cold_of(mmu, m, e)->page;
    return (const u8 *)(uintptr_t)(la + e->addend);
}

unsigned mmu_fetch_bytes(struct mmu *mmu, int m, u64 la, u8 *buf, unsigned n,
                         struct mmu_fault *fault)
{
    unsigned done = 0;
    while (done < n) {
        u64 a = la_add(mmu, la, done);
        u32 len, page;
        const u8 *p = mmu_fetch(mmu, m, a, &len, &page, fault);
        if (!p)
            break;
        len = MIN(len, n - done);
        for (u32 i = 0; i < len; i++) {
            u64 phys = mmu->tlb[m].cold[tlb_index(a)].phys | ((a + i) & PAGE_MASK);
            buf[done + i] = page == RAM_NO_PAGE ? (u8)bus_read(mmu->mem, phys, 1) : p[i];
        }
        done += len;
    }
    return done;
}
