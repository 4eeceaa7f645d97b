/* The usual interrupt and IRET of a 32-bit kernel in one piece: flat or at least plain segments of
 * the GDT, tables and stacks that the TLB has, nothing that faults (SDM vol. 3 section 6.12; vol. 2
 * "IRET"). Each looks at everything before it changes anything and leaves what is not like that to
 * intr.c and iret.c, whose rules these are. */
#include "cpu/sys/quick.h"
#include "cpu/mem.h"

/* Host address of n bytes that are plain memory, NULL else. */
static inline u8 *plain(struct cpu *cpu, int mode, u64 la, unsigned n, bool write)
{
    const struct tlb_entry *e = &cpu->mmu.tlb[mode].e[tlb_index(la)];
    if (UNLIKELY(!tlb_hit(write ? e->wr : e->rd, la, n)))
        return NULL;
    return (u8 *)(uintptr_t)(la + e->addend);
}

/* The descriptor of `sel` in the GDT, when it is present and accessed and of the kind that `want`
 * says of the bits in `mask`. */
static inline bool descriptor(struct cpu *cpu, unsigned sel, u32 mask, u32 want, struct desc *d)
{
    unsigned off = sel & 0xfff8;
    u64 la = cpu->gdt.base + off, v;
    const u8 *p;
    if (UNLIKELY((sel & 4) || !off || off + 7 > cpu->gdt.limit) ||
        !(p = plain(cpu, MMU_SUP, cpu_lma(cpu) ? la : (u32)la, 8, false)))
        return false;
    v = ld64(p);
    d->lo = (u32)v;
    d->hi = (u32)(v >> 32);
    return (d->hi & mask) == want;
}

static inline bool code_at(struct cpu *cpu, unsigned sel, u64 off, struct desc *d)
{
    return descriptor(cpu, sel, DA_P | DA_S | DA_CODE | DA_CONFORM | DA_ACCESSED,
                      DA_P | DA_S | DA_CODE | DA_ACCESSED, d) &&
           off <= desc_limit(d);
}

static inline bool stack_in(struct cpu *cpu, unsigned sel, unsigned cpl, struct desc *d)
{
    const u32 kind = DA_P | DA_S | DA_WRITE | DA_ACCESSED | DA_DB;
    return (sel & 3) == cpl && descriptor(cpu, sel, kind | DA_CODE | DA_EXPDOWN, kind, d) &&
           desc_dpl(d) == cpl;
}

/* Host address of n bytes at offset off of a stack segment. */
static inline u8 *stack_bytes(struct cpu *cpu, int mode, u64 base, u32 limit, u32 off, unsigned n,
                              bool write)
{
    if (UNLIKELY((u64)off + n - 1 > limit || cpu->watch || cpu->align_check))
        return NULL;
    return plain(cpu, mode, (u32)base + off, n, write);
}

/* Is SS, as it is loaded, a plain 32-bit stack? */
static inline bool plain_stack(const struct seg *ss)
{
    return (ss->attr & (DA_P | DA_CODE | DA_EXPDOWN | DA_DB)) == (DA_P | DA_DB);
}

static inline bool usual(const struct cpu *cpu)
{
    return cpu_pm(cpu) && !cpu_lma(cpu);
}

bool quick_load(struct cpu *cpu, unsigned s, unsigned sel)
{
    const u32 kind = DA_P | DA_S | DA_ACCESSED;
    struct seg *seg = &cpu->seg[s];
    struct desc d;
    unsigned level = MAX(sel & 3, cpu->cpl);
    if (UNLIKELY(!cpu_pm(cpu)))
        return false;
    if (sel_null(sel)) {
        if (!seg->attr && seg->sel == sel && !seg->base && !seg->limit)
            return true;
        seg_put_null(cpu, s, sel);
    } else {
        if (!descriptor(cpu, sel, kind, kind, &d) || (d.hi & (DA_CODE | DA_READ)) == DA_CODE ||
            (level > desc_dpl(&d) && !desc_is_conforming(&d)))
            return false;
        if (seg->sel == sel && seg->attr == (d.hi & 0x00f0ff00) && seg->base == desc_base(&d) &&
            seg->limit == desc_limit(&d)) {
            if (desc_dpl(&d) == 3)
                cpu->seg_raw[s] = (u64)d.hi << 32 | d.lo;
            return true;
        }
        seg_put_desc(cpu, s, sel, &d);
    }
    cpu->mode_key = (cpu->mode_key & ~MK_SEGS) | cpu_seg_key(cpu);
    return true;
}

bool quick_deliver(struct cpu *cpu, const struct quick_intr *v)
{
    const struct seg *old = &cpu->seg[SEG_SS];
    struct desc code, ss = {0};
    unsigned cpl = cpu->cpl, cs, ss_sel = 0, n = v->has_err ? 4 : 3;
    u32 lo, hi, off, esp;
    const u8 *p;
    u8 *to;
    if (UNLIKELY(!usual(cpu) || v->vector * 8 + 7 > cpu->idt.limit) ||
        !(p = plain(cpu, MMU_SUP, (u32)cpu->idt.base + v->vector * 8, 8, false)))
        return false;
    lo = ld32(p);
    hi = ld32(p + 4);
    /* A 32-bit interrupt or trap gate that may be used. */
    if ((hi & (DA_P | DA_S | 0xe00)) != (DA_P | 0xe00) || (v->by_program && (hi >> 13 & 3) < cpl))
        return false;
    cs = lo >> 16;
    off = (lo & 0xffff) | (hi & 0xffff0000);
    if (!code_at(cpu, cs, off, &code))
        return false;
    if (desc_dpl(&code) == cpl) {
        esp = (u32)cpu->gpr[REG_SP];
        if (!plain_stack(old))
            return false;
        esp -= 4 * n;
        to = stack_bytes(cpu, cpu->mmu_mode, old->base, old->limit, esp, 4 * n, true);
    } else {
        if (desc_dpl(&code) || (cpu->tr.attr & (DA_P | 0x800)) != (DA_P | 0x800) ||
            cpu->tr.limit < 11 || !(p = plain(cpu, MMU_SUP, (u32)cpu->tr.base + 4, 8, false)))
            return false;
        ss_sel = ld16(p + 4);
        if (!stack_in(cpu, ss_sel, 0, &ss))
            return false;
        n += 2;
        esp = ld32(p) - 4 * n;
        to = stack_bytes(cpu, MMU_SUP, desc_base(&ss), desc_limit(&ss), esp, 4 * n, true);
    }
    if (!to)
        return false;
    if (v->has_err) {
        st32(to, v->err);
        to += 4;
    }
    st32(to, (u32)v->ret);
    st32(to + 4, cpu->seg[SEG_CS].sel);
    st32(to + 8, v->eflags);
    if (desc_dpl(&code) != cpl) {
        st32(to + 12, (u32)cpu->gpr[REG_SP]);
        st32(to + 16, old->sel);
        cpl = 0;
        cpu->cpl = 0;
        seg_put_desc(cpu, SEG_SS, ss_sel, &ss);
    }
    cpu->eflags &= ~(u32)(FL_TF | FL_RF | FL_NT | (hi & 0x100 ? 0 : FL_IF));
    seg_put_desc(cpu, SEG_CS, (cs & 0xfffc) | cpl, &code);
    cpu_update_transfer(cpu);
    cpu->gpr[REG_SP] = esp;
    cpu->next_rip = off;
    return true;
}

bool quick_return(struct cpu *cpu)
{
    const struct seg *old = &cpu->seg[SEG_SS];
    unsigned cs, rpl, ss_sel = 0, cpl = cpu->cpl;
    u32 ip, flags, sp, mask = F_ALL | FL_TF | FL_DF | FL_NT | FL_RF | FL_AC | FL_ID;
    struct desc code, ss;
    const u8 *p;
    sp = (u32)cpu->gpr[REG_SP];
    if (UNLIKELY(!usual(cpu) || (cpu->eflags & FL_NT) || !plain_stack(old)) ||
        !(p = stack_bytes(cpu, cpu->mmu_mode, old->base, old->limit, sp, 12, false)))
        return false;
    ip = ld32(p);
    cs = ld16(p + 4);
    flags = ld32(p + 8);
    rpl = cs & 3;
    if ((flags & FL_VM) || rpl < cpl || !code_at(cpu, cs, ip, &code) || desc_dpl(&code) != rpl)
        return false;
    sp += 12;
    if (rpl != cpl) {
        if (!(p = stack_bytes(cpu, cpu->mmu_mode, old->base, old->limit, sp, 8, false)))
            return false;
        sp = ld32(p);
        ss_sel = ld16(p + 4);
        if (!stack_in(cpu, ss_sel, rpl, &ss))
            return false;
        seg_put_desc(cpu, SEG_SS, ss_sel, &ss);
    }
    if (cpl <= cpu_iopl(cpu))
        mask |= FL_IF;
    if (!cpl)
        mask |= FL_IOPL | FL_VIF | FL_VIP;
    cpu_set_eflags(cpu, (cpu_eflags(cpu) & ~mask) | (flags & mask));
    cpu->cpl = (u8)rpl;
    seg_put_desc(cpu, SEG_CS, cs, &code);
    if (rpl != cpl)
        seg_null_inner(cpu);
    cpu_update_transfer(cpu);
    cpu->gpr[REG_SP] = sp;
    cpu->next_rip = ip;
    return true;
}
