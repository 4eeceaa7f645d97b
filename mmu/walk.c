/* The page-table walk: 2-level, PAE and 4-level (SDM vol. 3 ch. 4). */
#include "mmu/walk.h"

enum {
    PTE_P = 1,
    PTE_W = 2,
    PTE_U = 4,
    PTE_A = 32,
    PTE_D = 64,
    PTE_PS = 128,
    PTE_G = 256,
    ERR_P = 1,
    ERR_W = 2,
    ERR_U = 4,
    ERR_RSVD = 8,
    ERR_I = 16,
    MODE_WP = 0x10000,
    MODE_PSE = 0x10,
    MODE_PAE = 0x20,
    MODE_PGE = 0x80,
    MODE_SMEP = 0x100000,
    MODE_LMA = 0x400,
    MODE_NXE = 0x800,
};
#define MODE_PG   0x80000000u
#define PTE_NX    BIT64(63)
#define ADDR_MASK 0x000ffffffffff000ull

/* A table entry of `size` 4 or 8 bytes at physical address pa; tables outside of memory read as the
 * bus answers. */
static u64 entry_read(struct mmu *mmu, u64 pa, unsigned size)
{
    const struct region *r;
    pa &= mmu->a20_mask;
    r = mmu_memory(mmu, pa, size, 0);
    if (LIKELY(r))
        return ld_le(r->ram->host + r->ram_off + (pa - r->base), size);
    return bus_read(mmu->mem, pa, size);
}

static void entry_set_bits(struct mmu *mmu, u64 pa, u32 bits)
{
    const struct region *r;
    pa &= mmu->a20_mask;
    r = mmu_memory(mmu, pa, 4, 1);
    if (LIKELY(r)) {
        u64 off = r->ram_off + (pa - r->base);
        u8 *p = r->ram->host + off;
        ram_wrote(r->ram, off, 4);
        st32(p, ld32(p) | bits);
    } else {
        bus_write(mmu->mem, pa, (u32)bus_read(mmu->mem, pa, 4) | bits, 4);
    }
}

static bool fault_at(struct mmu *mmu, int m, u64 la, int access, u32 error, struct mmu_fault *fault)
{
    bool has_nx = (mmu->mode.efer & MODE_NXE) && (mmu->mode.cr4 & MODE_PAE);
    bool smep = mmu->mode.cr4 & MODE_SMEP;
    error |= m == MMU_USER ? ERR_U : 0;
    error |= access == TLB_WR ? ERR_W : 0;
    error |= access == TLB_EX && (has_nx || smep) ? ERR_I : 0;
    fault->addr = la;
    fault->error = error;
    return false;
}

bool walk_load_pdptes(struct mmu *mmu, const struct mmu_mode *mode, u64 out[4])
{
    u64 base = mode->cr3 & 0xffffffe0u;
    for (unsigned i = 0; i < 4; i++) {
        out[i] = entry_read(mmu, base + i * 8, 8);
        /* Reserved: bits 1-2, 5-8 and everything above the physical address width. */
        if ((out[i] & PTE_P) && (out[i] & (0x1e6 | ~(mmu->phys_mask | PAGE_MASK))))
            return false;
    }
    return true;
}

/* The levels' shared state: where the entry was, for setting A and D when the walk is known to
 * succeed. */
struct levels {
    u64 at[4];
    u64 e[4];
    unsigned n;
};

static bool walk_rights(struct mmu *mmu, int m, u64 la, int access, const struct walk *w,
                        struct mmu_fault *fault)
{
    bool ok;
    if (m == MMU_USER)
        ok = w->user && (access != TLB_WR || w->write);
    else
        ok = access != TLB_WR || w->write || !(mmu->mode.cr0 & MODE_WP);
    if (access == TLB_EX && (!w->exec || (m == MMU_SUP && w->user && (mmu->mode.cr4 & MODE_SMEP))))
        ok = false;
    return ok || fault_at(mmu, m, la, access, ERR_P, fault);
}

/* Follow the tables down; fills w->phys/rights/global/large/dirty from the leaf. */
static bool walk_32(struct mmu *mmu, int m, u64 la, int access, struct levels *l, struct walk *w,
                    struct mmu_fault *fault)
{
    u32 pde, pte;
    l->at[0] = (mmu->mode.cr3 & 0xfffff000u) + (la >> 22 & 0x3ff) * 4;
    l->e[0] = pde = (u32)entry_read(mmu, l->at[0], 4);
    l->n = 1;
    if (!(pde & PTE_P))
        return fault_at(mmu, m, la, access, 0, fault);
    w->user = pde & PTE_U, w->write = pde & PTE_W, w->exec = true;
    if ((pde & PTE_PS) && (mmu->mode.cr4 & MODE_PSE)) {
        u64 high = (u64)(pde >> 13 & 0xff) << 32; /* PSE-36 */
        if ((pde & BIT(21)) || (high & ~mmu->phys_mask))
            return fault_at(mmu, m, la, access, ERR_P | ERR_RSVD, fault);
        w->phys = high | (pde & 0xffc00000u) | (la & 0x3ff000);
        w->large = 22;
    } else {
        l->at[1] = (pde & 0xfffff000u) + (la >> 12 & 0x3ff) * 4;
        l->e[1] = pte = (u32)entry_read(mmu, l->at[1], 4);
        l->n = 2;
        if (!(pte & PTE_P))
            return fault_at(mmu, m, la, access, 0, fault);
        w->user &= !!(pte & PTE_U), w->write &= !!(pte & PTE_W);
        w->phys = pte & 0xfffff000u;
    }
    return true;
}

/* PAE (from level 1: PDPTEs are in registers) and 4-level (from level 3). */
static bool walk_64(struct mmu *mmu, int m, u64 la, int access, struct levels *l, struct walk *w,
                    struct mmu_fault *fault)
{
    bool lma = mmu->mode.efer & MODE_LMA;
    u64 rsvd = ~mmu->phys_mask & ADDR_MASK;
    u64 table, e = 0;
    int level;
    if (!(mmu->mode.efer & MODE_NXE))
        rsvd |= PTE_NX;
    w->user = w->write = w->exec = true;
    if (lma) {
        if ((u64)sext(la, 48) != la) /* only a debugger asks: the CPU raised #GP before */
            return fault_at(mmu, m, la, access, 0, fault);
        table = mmu->mode.cr3 & ADDR_MASK;
        level = 3;
    } else {
        u64 pdpte = mmu->pdpte[la >> 30 & 3];
        if (!(pdpte & PTE_P))
            return fault_at(mmu, m, la, access, 0, fault);
        table = pdpte & ADDR_MASK;
        level = 1;
    }
    for (;; level--) {
        l->at[l->n] = table + (la >> (12 + 9 * level) & 0x1ff) * 8;
        l->e[l->n] = e = entry_read(mmu, l->at[l->n], 8);
        l->n++;
        if (!(e & PTE_P))
            return fault_at(mmu, m, la, access, 0, fault);
        if (e & (rsvd | (!lma ? 0x7ff0000000000000ull : 0)) ||
            ((e & PTE_PS) && level >= (mmu->gib_pages ? 3 : 2)))
            return fault_at(mmu, m, la, access, ERR_P | ERR_RSVD, fault);
        w->user &= !!(e & PTE_U), w->write &= !!(e & PTE_W), w->exec &= !(e & PTE_NX);
        if (!level || ((e & PTE_PS) && level < 3))
            break;
        table = e & ADDR_MASK;
    }
    if (level) {
        u64 offset = (BIT64(12 + 9 * level) - 1) & ~(u64)PAGE_MASK;
        if (e & ADDR_MASK & offset & ~(u64)0x1000) /* bit 12 is PAT */
            return fault_at(mmu, m, la, access, ERR_P | ERR_RSVD, fault);
        w->phys = (e & ADDR_MASK & ~offset) | (la & offset);
        w->large = (u8)(12 + 9 * level);
    } else {
        w->phys = e & ADDR_MASK;
    }
    return true;
}

/* For who looks inside: what was found on the way. */
static void tell(struct mmu *mmu, int m, u64 la, int access, const struct levels *l,
                 const struct walk *w, const struct mmu_fault *fault)
{
    bool pae = mmu->mode.cr4 & MODE_PAE, regs = pae && !(mmu->mode.efer & MODE_LMA);
    struct probe_walk p = {.la = la,
                           .cr3 = mmu->mode.cr3,
                           .size = pae ? 8 : 4,
                           .access = (u8)access,
                           .user = m == MMU_USER,
                           .fault = fault,
                           .error = fault ? fault->error : 0,
                           .phys = w->phys,
                           .large = w->large};
    if (regs) {
        p.at[0] = ~0ull;
        p.e[0] = mmu->pdpte[la >> 30 & 3];
        p.n = 1;
    }
    for (unsigned i = 0; i < l->n; i++, p.n++) {
        p.at[p.n] = l->at[i];
        p.e[p.n] = l->e[i];
    }
    mmu->log->probe->walk(mmu->log->probe->arg, &p);
}

static bool walk_paged(struct mmu *mmu, int m, u64 la, int access, bool peek, struct walk *w,
                       struct levels *l, struct mmu_fault *fault)
{
    if (!((mmu->mode.cr4 & MODE_PAE) ? walk_64 : walk_32)(mmu, m, la, access, l, w, fault))
        return false;
    w->phys &= mmu->phys_mask;
    w->dirty = l->e[l->n - 1] & PTE_D;
    w->global = (l->e[l->n - 1] & PTE_G) && (mmu->mode.cr4 & MODE_PGE);
    if (peek)
        return true;
    if (!walk_rights(mmu, m, la, access, w, fault))
        return false;
    /* A and D are set only now: a walk that faults leaves the tables alone. */
    for (unsigned i = 0; i < l->n; i++) {
        u32 want = PTE_A | (i == l->n - 1 && access == TLB_WR ? PTE_D : 0);
        if ((l->e[i] & want) != want)
            entry_set_bits(mmu, l->at[i], want);
    }
    if (access == TLB_WR)
        w->dirty = true;
    return true;
}

bool walk(struct mmu *mmu, int m, u64 la, int access, bool peek, struct walk *w,
          struct mmu_fault *fault)
{
    struct levels l = {.n = 0};
    bool ok;
    *w = (struct walk){0};
    if (!(mmu->mode.cr0 & MODE_PG)) {
        w->phys = la & 0xfffff000u;
        w->user = w->write = w->exec = w->dirty = true;
        return true;
    }
    ok = walk_paged(mmu, m, la, access, peek, w, &l, fault);
    if (UNLIKELY(!peek && log_probe(mmu->log) && mmu->log->probe->walk))
        tell(mmu, m, la, access, &l, w, ok ? NULL : fault);
    return ok;
}
