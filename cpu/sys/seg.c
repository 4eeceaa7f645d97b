/* Segment registers: the hidden part, access checks and loads (SDM vol. 3 sections 3.4, 3.5, 5.3
 * to 5.7). */
#include "cpu/sys/seg.h"
#include "cpu/sys/quick.h"
#include "cpu/mem.h"

bool desc_read(struct cpu *cpu, unsigned sel, struct desc *d)
{
    unsigned off = sel & 0xfff8;
    u64 base = cpu->gdt.base, v;
    if (sel & 4) {
        if (!(cpu->ldt.attr & DA_P) || off + 7 > cpu->ldt.limit)
            return false;
        base = cpu->ldt.base;
    } else if (off + 7 > cpu->gdt.limit) {
        return false;
    }
    d->la = base + off;
    v = sys_read(cpu, d->la, 8);
    d->lo = (u32)v;
    d->hi = (u32)(v >> 32);
    return true;
}

u64 desc_high(struct cpu *cpu, unsigned sel, const struct desc *d)
{
    u32 limit = sel & 4 ? cpu->ldt.limit : cpu->gdt.limit;
    if ((sel & 0xfff8) + 15 > limit)
        cpu_raise_err(cpu, EXC_GP, sel & 0xfffc);
    return sys_read(cpu, d->la + 8, 8);
}

void desc_touch(struct cpu *cpu, struct desc *d)
{
    if (d->hi & DA_ACCESSED)
        return;
    d->hi |= DA_ACCESSED;
    sys_write(cpu, d->la + 5, 1, d->hi >> 8 & 0xff);
}

/* Set the ends of segment register s, which holds just this base, limit and attr: what was stored
 * a moment ago is not loaded again in another width. */
static inline void put_ends(struct cpu *cpu, unsigned s, u64 base, u32 limit, u32 attr)
{
    u64 end = (u64)limit + 1, r = 0, w = 0;
    bool flat, open;
    if (cpu->code_bits == 64) {
        /* Only the lower canonical half has the fast form; the rest goes through seg_check. */
        u64 from = s >= SEG_FS ? base : 0;
        if (from < BIT64(47))
            r = w = BIT64(47) - from;
    } else if (!(attr & DA_P)) {
        ;
    } else if (!cpu_pe(cpu) || cpu_v86(cpu)) {
        r = w = end; /* no rights in real mode, whatever the register held before */
    } else if (attr & DA_CODE) {
        r = attr & DA_READ ? end : 0;
    } else if (!(attr & DA_EXPDOWN)) {
        r = end;
        w = attr & DA_WRITE ? end : 0;
    }
    cpu->seg_raw[s] = 0;
    cpu->seg[s].end_r = r;
    cpu->seg[s].end_w = w;
    flat = !base && r == BIT64(32) && (s == SEG_CS || w == BIT64(32));
    open = !flat && r == BIT64(32) && w == BIT64(32);
    cpu->seg_flat = (u8)((cpu->seg_flat & ~BIT(s)) | (u32)flat << s);
    cpu->seg_open = (u8)((cpu->seg_open & ~BIT(s)) | (u32)open << s);
}

void seg_update(struct cpu *cpu, unsigned s)
{
    const struct seg *seg = &cpu->seg[s];
    put_ends(cpu, s, seg->base, seg->limit, seg->attr);
}

void seg_update_all(struct cpu *cpu)
{
    for (unsigned s = 0; s < SEG__COUNT; s++)
        seg_update(cpu, s);
}

static bool within(const struct seg *seg, u64 off, unsigned size, bool expand_down)
{
    u64 last = off + size - 1;
    if (expand_down)
        return off > seg->limit && last <= (seg->attr & DA_DB ? 0xffffffffu : 0xffffu);
    /* A 4 GiB segment wraps around at its end, as the processors since the P6 do. */
    return last <= seg->limit || (seg->limit == 0xffffffffu && off <= 0xffffffffu);
}

void seg_check(struct cpu *cpu, unsigned s, u64 off, unsigned size, bool write)
{
    const struct seg *seg = &cpu->seg[s];
    bool ok;
    if (cpu->code_bits == 64) {
        u64 la = s >= SEG_FS ? seg->base + off : off;
        ok = cpu_canonical(la) && cpu_canonical(la + size - 1);
    } else if (!(seg->attr & DA_P)) {
        ok = false;
    } else {
        bool code = seg->attr & DA_CODE;
        ok = within(seg, off, size, !code && (seg->attr & DA_EXPDOWN));
        if (cpu_pm(cpu)) {
            if (write)
                ok = ok && !code && (seg->attr & DA_WRITE);
            else
                ok = ok && (!code || (seg->attr & DA_READ));
        }
    }
    if (!ok)
        cpu_raise_err(cpu, s == SEG_SS ? EXC_SS : EXC_GP, 0);
}

static inline void set(struct cpu *cpu, unsigned s, unsigned sel, u64 base, u32 limit, u32 attr)
{
    struct seg *seg = &cpu->seg[s];
    seg->base = base;
    seg->limit = limit;
    seg->attr = attr;
    seg->sel = (u16)sel;
    put_ends(cpu, s, base, limit, attr);
}

void seg_set(struct cpu *cpu, unsigned s, unsigned sel, u64 base, u32 limit, u32 attr)
{
    set(cpu, s, sel, base, limit, attr);
}

void seg_put_flat(struct cpu *cpu, unsigned cs, unsigned ss, unsigned cpl, u32 size)
{
    enum {
        CODE = DA_P | DA_S | DA_CODE | DA_READ | DA_ACCESSED | DA_G,
        DATA = DA_P | DA_S | DA_WRITE | DA_ACCESSED | DA_G | DA_DB
    };
    set(cpu, SEG_CS, (cs & 0xfffc) | cpl, 0, 0xffffffffu, CODE | cpl << 13 | size);
    set(cpu, SEG_SS, (ss & 0xfffc) | cpl, 0, 0xffffffffu, DATA | cpl << 13);
}

void seg_put_null(struct cpu *cpu, unsigned s, unsigned sel)
{
    seg_set(cpu, s, sel, 0, 0, 0);
}

void seg_put_real(struct cpu *cpu, unsigned s, unsigned sel)
{
    struct seg *seg = &cpu->seg[s];
    seg->sel = (u16)sel;
    seg->base = (u64)sel << 4;
    if (!(seg->attr & DA_P))
        seg->limit = 0xffff;
    if (s == SEG_CS || !(seg->attr & DA_P))
        seg->attr = (seg->attr & (DA_G | DA_DB | DA_AVL)) | DA_P | DA_S | DA_WRITE | DA_ACCESSED;
    seg_update(cpu, s);
}

void seg_put_v86(struct cpu *cpu, unsigned s, unsigned sel)
{
    seg_set(cpu, s, sel, (u64)sel << 4, 0xffff, DA_P | DA_DPL | DA_S | DA_WRITE | DA_ACCESSED);
}

void seg_check_stack(struct cpu *cpu, unsigned sel, unsigned cpl, unsigned vector, unsigned ext,
                     struct desc *d)
{
    u32 error = (sel & 0xfffc) | ext;
    if (sel_null(sel) || !desc_read(cpu, sel, d) || (sel & 3) != cpl || !desc_is_wdata(d) ||
        desc_dpl(d) != cpl)
        cpu_raise_err(cpu, vector, error);
    if (!desc_present(d))
        cpu_raise_err(cpu, EXC_SS, error);
}

/* DS, ES, FS, GS in protected mode. */
static void check_data(struct cpu *cpu, unsigned sel, struct desc *d)
{
    u32 error = sel & 0xfffc;
    if (!desc_read(cpu, sel, d) || !desc_is_readable(d))
        cpu_raise_err(cpu, EXC_GP, error);
    if (!desc_is_conforming(d) && ((sel & 3) > desc_dpl(d) || cpu->cpl > desc_dpl(d)))
        cpu_raise_err(cpu, EXC_GP, error);
    if (!desc_present(d))
        cpu_raise_err(cpu, EXC_NP, error);
}

/* Does segment register s hold just what loading `sel` with descriptor d would give? */
static inline bool loaded(const struct cpu *cpu, unsigned s, unsigned sel, const struct desc *d)
{
    const struct seg *seg = &cpu->seg[s];
    return seg->sel == sel && (d->hi & DA_ACCESSED) && seg->attr == (d->hi & 0x00f0ff00) &&
           seg->base == desc_base(d) && seg->limit == desc_limit(d);
}

/* A data segment register changed, nothing else of the mode. */
static void update_key(struct cpu *cpu, unsigned s)
{
    if (s == SEG_SS)
        cpu_update_mode(cpu);
    else
        cpu->mode_key = (cpu->mode_key & ~MK_SEGS) | cpu_seg_key(cpu);
}

void seg_load(struct cpu *cpu, unsigned s, unsigned sel)
{
    struct desc d;
    if (s != SEG_SS && LIKELY(quick_load(cpu, s, sel)))
        return;
    if (!cpu_pm(cpu)) {
        if (cpu_v86(cpu))
            seg_put_v86(cpu, s, sel);
        else
            seg_put_real(cpu, s, sel);
    } else if (sel_null(sel)) {
        /* In 64-bit mode SS may be null below CPL 3. */
        if (s == SEG_SS && !(cpu->code_bits == 64 && cpu->cpl < 3 && (sel & 3) == cpu->cpl))
            cpu_raise_err(cpu, EXC_GP, 0);
        seg_put_null(cpu, s, sel);
        if (s == SEG_SS)
            cpu->seg[s].attr = (u32)cpu->cpl << 13;
    } else {
        if (s == SEG_SS)
            seg_check_stack(cpu, sel, cpu->cpl, EXC_GP, 0, &d);
        else
            check_data(cpu, sel, &d);
        if (loaded(cpu, s, sel, &d))
            return;
        desc_touch(cpu, &d);
        set(cpu, s, sel, desc_base(&d), desc_limit(&d), d.hi & 0x00f0ff00);
    }
    update_key(cpu, s);
}

void seg_null_inner(struct cpu *cpu)
{
    static const u8 data[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
        struct seg *seg = &cpu->seg[data[i]];
        bool conforming = (seg->attr & (DA_CODE | DA_CONFORM)) == (DA_CODE | DA_CONFORM);
        if ((seg->attr & DA_P) && !conforming && seg_dpl(seg) < cpu->cpl)
            seg_put_null(cpu, data[i], 0);
    }
}

/* ---- stacks under construction ---- */

static u64 stack_linear(struct cpu *cpu, const struct stack *st, u64 off, unsigned size,
                        bool write)
{
    const struct seg *seg = st->seg;
    u64 la;
    if (!seg) {
        if (!cpu_canonical(off) || !cpu_canonical(off + size - 1))
            cpu_raise_err(cpu, EXC_SS, st->error);
        la = off;
    } else {
        if (!(seg->attr & DA_P) ||
            !within(seg, off, size, (seg->attr & (DA_CODE | DA_EXPDOWN)) == DA_EXPDOWN))
            cpu_raise_err(cpu, EXC_SS, st->error);
        la = (u32)(seg->base + off);
    }
    /* Frames are accesses like others: aligned when level 3 asks for it, seen by breakpoints. */
    if (UNLIKELY(cpu->align_check && st->mode == MMU_USER && (la & (size - 1))))
        mem_raise_ac(cpu);
    if (UNLIKELY(cpu->watch))
        mem_seen(cpu, la, size, write);
    return la;
}

void stack_push(struct cpu *cpu, struct stack *st, unsigned size, u64 v)
{
    struct mmu_fault fault;
    u64 off = (st->sp - size) & st->mask;
    u64 la = stack_linear(cpu, st, off, size, true);
    if (!mmu_write(&cpu->mmu, st->mode, la, size, v, &fault))
        cpu_raise_pf(cpu, &fault);
    st->sp = (st->sp & ~st->mask) | off;
}

u64 stack_pop(struct cpu *cpu, struct stack *st, unsigned size)
{
    struct mmu_fault fault;
    u64 off = st->sp & st->mask, v;
    u64 la = stack_linear(cpu, st, off, size, false);
    if (!mmu_read(&cpu->mmu, st->mode, la, size, &v, &fault))
        cpu_raise_pf(cpu, &fault);
    st->sp = (st->sp & ~st->mask) | ((off + size) & st->mask);
    return v;
}

/* Host address of n bytes at offset `off` of the stack when a look at the TLB says that they are
 * all there: no faults, no devices, nobody who watches. Else NULL, and access by access decides. */
static u8 *stack_plain(struct cpu *cpu, const struct stack *st, u64 off, unsigned n, bool write)
{
    const struct seg *seg = st->seg;
    const struct tlb_entry *e;
    u64 la = off;
    if (off + n - 1 > st->mask) /* goes round */
        return NULL;
    if (seg) {
        if ((seg->attr & (DA_P | DA_CODE | DA_EXPDOWN)) != DA_P || off + n - 1 > seg->limit)
            return NULL;
        la = (u32)(seg->base + off);
    }
    e = &cpu->mmu.tlb[st->mode].e[tlb_index(la)];
    if (!tlb_hit(write ? e->wr : e->rd, la, n) || cpu->watch || cpu->align_check)
        return NULL;
    return (u8 *)(uintptr_t)(la + e->addend);
}

void stack_push_words(struct cpu *cpu, struct stack *st, unsigned size, const u64 *v, unsigned n)
{
    u64 off = (st->sp - n * size) & st->mask;
    u8 *p = stack_plain(cpu, st, off, n * size, true);
    if (UNLIKELY(!p)) {
        for (unsigned i = 0; i < n; i++)
            stack_push(cpu, st, size, v[i]);
        return;
    }
    for (unsigned i = n; i-- > 0; p += size)
        if (LIKELY(size == 4))
            st32(p, (u32)v[i]);
        else
            st_le(p, size, v[i]);
    st->sp = (st->sp & ~st->mask) | off;
}

void stack_pop_words(struct cpu *cpu, struct stack *st, unsigned size, u64 *v, unsigned n)
{
    u64 off = st->sp & st->mask;
    u8 *p = stack_plain(cpu, st, off, n * size, false);
    if (UNLIKELY(!p)) {
        for (unsigned i = 0; i < n; i++)
            v[i] = stack_pop(cpu, st, size);
        return;
    }
    for (unsigned i = 0; i < n; i++, p += size)
        v[i] = LIKELY(size == 4) ? ld32(p) : ld_le(p, size);
    st->sp = (st->sp & ~st->mask) | ((off + n * size) & st->mask);
}
