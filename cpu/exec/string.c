/* String instructions (SDM vol. 1 section 7.3.9; vol. 2 "REP", "MOVS", "CMPS", "SCAS", "LODS",
 * "STOS").
 *
 * One call of a handler moves a run: the elements from the present one to the end of the page of
 * either string, of the segment, of the address size or of the count, whichever is nearest, and at
 * least one. The length of a run depends on architectural state only, so that counted time is the
 * same on every host. If elements are left the instruction restarts, which lets interrupts in. */
#include "cpu/exec/string.h"
#include "cpu/flags.h"

#include <string.h>

void string_begin(struct cpu *cpu, const struct insn *insn, struct run *r)
{
    u64 count = insn->rep ? reg_read(cpu, REG_CX, insn->asz) : 1;
    r->size = insn->o[0].size;
    r->shift = (unsigned)__builtin_ctz(r->size);
    r->back = cpu->eflags & FL_DF;
    r->n = (u32)MIN(count, PAGE_SIZE);
    /* Every element is an event of its own when stepping or comparing addresses. */
    r->single = cpu->watch || cpu->align_check;
    if (r->n > 1 && (r->single || (cpu->eflags & FL_TF)))
        r->n = 1;
}

void string_limit(struct cpu *cpu, const struct insn *insn, struct run *r, unsigned s, unsigned reg,
                  bool write)
{
    const struct seg *seg = &cpu->seg[s];
    u64 off = reg_read(cpu, reg, insn->asz), mask = size_mask(insn->asz), n;
    u32 in_page = (u32)mem_address(cpu, s, off) & PAGE_MASK;
    bool limited = cpu->code_bits != 64;
    if (r->n <= 1)
        return;
    if (r->back) {
        n = MIN((in_page >> r->shift) + 1u, (off >> r->shift) + 1);
        if (in_page + r->size > PAGE_SIZE ||
            (limited && off + r->size > (write ? seg->end_w : seg->end_r)))
            n = 1;
    } else {
        n = (PAGE_SIZE - in_page) >> r->shift;
        if (mask - off < PAGE_SIZE)
            n = MIN(n, (mask - off + 1) >> r->shift);
        if (limited) {
            u64 end = write ? seg->end_w : seg->end_r;
            n = off < end ? MIN(n, (end - off) >> r->shift) : 0;
        }
    }
    r->n = MIN(r->n, n ? (u32)n : 1);
}

void string_step(struct cpu *cpu, const struct insn *insn, const struct run *r, unsigned reg, u32 n)
{
    u64 bytes = (u64)n * r->size;
    reg_write(cpu, reg, insn->asz, reg_read(cpu, reg, insn->asz) + (r->back ? 0 - bytes : bytes));
}

void string_count(struct cpu *cpu, const struct insn *insn, u32 n)
{
    if (insn->rep)
        reg_write(cpu, REG_CX, insn->asz, reg_read(cpu, REG_CX, insn->asz) - n);
}

void string_end(struct cpu *cpu, const struct insn *insn)
{
    if (!insn->rep || !reg_read(cpu, REG_CX, insn->asz))
        return;
    cpu->next_rip = cpu->rip;
    /* Whatever comes in the middle pushes RF, and an instruction breakpoint does not hit again on
     * return (SDM vol. 3 section 17.3.1.1). The restart clears it. */
    cpu->eflags |= FL_RF;
}

/* Host address of the run's lowest byte, or NULL when the elements must be moved one by one. */
static u8 *span(struct cpu *cpu, const struct insn *insn, const struct run *r, unsigned s,
                unsigned reg, int access)
{
    struct mmu_fault fault;
    u64 first = mem_linear(cpu, s, reg_read(cpu, reg, insn->asz), r->size, access == TLB_WR);
    u64 la = r->back ? first - (u64)(r->n - 1) * r->size : first;
    u32 len = r->n * r->size;
    u8 *p;
    const struct tlb_entry *e = &cpu->mmu.tlb[cpu->mmu_mode].e[tlb_index(la)];
    if ((first & PAGE_MASK) + r->size > PAGE_SIZE)
        return NULL;
    if (LIKELY(tlb_hit(access == TLB_WR ? e->wr : e->rd, la, len)))
        return (u8 *)(uintptr_t)(la + e->addend);
    p = mmu_span(&cpu->mmu, cpu->mmu_mode, la, access, &len, &fault);
    if (p)
        return len == r->n * r->size ? p : NULL;
    if (fault.error == ~0u)
        return NULL;
    fault.addr = first; /* the page is the same, the element that faults is the first */
    cpu_raise_pf(cpu, &fault);
}

static u64 read_at(struct cpu *cpu, const struct insn *insn, const struct run *r, unsigned s,
                   unsigned reg)
{
    return mem_read(cpu, s, reg_read(cpu, reg, insn->asz), r->size);
}

static void write_at(struct cpu *cpu, const struct insn *insn, const struct run *r, u64 v)
{
    mem_write(cpu, SEG_ES, reg_read(cpu, REG_DI, insn->asz), r->size, v);
}

/* ---- MOVS ---- */

/* d and s are the lowest bytes of the strings. Where the strings overlap against the direction,
 * elements written early are read again later: a pattern repeats. */
static void copy_run(u8 *d, const u8 *s, const struct run *r)
{
    u32 bytes = r->n * r->size;
    uintptr_t da = (uintptr_t)d, sa = (uintptr_t)s;
    bool plain = r->back ? da >= sa || da + bytes <= sa : da <= sa || da >= sa + bytes;
    if (plain) {
        memmove(d, s, bytes);
        return;
    }
    for (u32 i = 0; i < r->n; i++) {
        u32 at = (r->back ? r->n - 1 - i : i) * r->size;
        st_le(d + at, r->size, ld_le(s + at, r->size));
    }
}

void exec_MOVS(struct cpu *cpu, const struct insn *insn)
{
    struct run r;
    string_begin(cpu, insn, &r);
    if (!r.n)
        return;
    string_limit(cpu, insn, &r, insn->seg, REG_SI, false);
    string_limit(cpu, insn, &r, SEG_ES, REG_DI, true);
    if (r.n > 1) {
        u8 *s = span(cpu, insn, &r, insn->seg, REG_SI, TLB_RD);
        u8 *d = span(cpu, insn, &r, SEG_ES, REG_DI, TLB_WR);
        if (s && d) {
            copy_run(d, s, &r);
            string_step(cpu, insn, &r, REG_SI, r.n);
            string_step(cpu, insn, &r, REG_DI, r.n);
            string_count(cpu, insn, r.n);
            string_end(cpu, insn);
            return;
        }
    }
    for (u32 i = 0; i < r.n; i++) {
        write_at(cpu, insn, &r, read_at(cpu, insn, &r, insn->seg, REG_SI));
        string_step(cpu, insn, &r, REG_SI, 1);
        string_step(cpu, insn, &r, REG_DI, 1);
        string_count(cpu, insn, 1);
    }
    string_end(cpu, insn);
}

/* ---- STOS ---- */

static void fill_run(u8 *d, u64 v, const struct run *r)
{
    if (r->size == 1 || v == 0) {
        memset(d, (int)(v & 0xff), (size_t)r->n * r->size);
        return;
    }
    if (r->size == 4) { /* the size known: the compiler makes wide stores of it */
        for (u32 i = 0; i < r->n; i++)
            st32(d + i * 4, (u32)v);
        return;
    }
    for (u32 i = 0; i < r->n; i++)
        st_le(d + i * r->size, r->size, v);
}

void exec_STOS(struct cpu *cpu, const struct insn *insn)
{
    struct run r;
    u64 v;
    string_begin(cpu, insn, &r);
    if (!r.n)
        return;
    v = reg_read(cpu, REG_AX, r.size);
    string_limit(cpu, insn, &r, SEG_ES, REG_DI, true);
    if (r.n > 1) {
        u8 *d = span(cpu, insn, &r, SEG_ES, REG_DI, TLB_WR);
        if (d) {
            fill_run(d, v, &r);
            string_step(cpu, insn, &r, REG_DI, r.n);
            string_count(cpu, insn, r.n);
            string_end(cpu, insn);
            return;
        }
    }
    for (u32 i = 0; i < r.n; i++) {
        write_at(cpu, insn, &r, v);
        string_step(cpu, insn, &r, REG_DI, 1);
        string_count(cpu, insn, 1);
    }
    string_end(cpu, insn);
}

/* ---- LODS ---- */

void exec_LODS(struct cpu *cpu, const struct insn *insn)
{
    struct run r;
    string_begin(cpu, insn, &r);
    if (!r.n)
        return;
    string_limit(cpu, insn, &r, insn->seg, REG_SI, false);
    if (r.n > 1) {
        u8 *s = span(cpu, insn, &r, insn->seg, REG_SI, TLB_RD);
        if (s) {
            reg_write(cpu, REG_AX, r.size, ld_le(s + (r.back ? 0 : (r.n - 1) * r.size), r.size));
            string_step(cpu, insn, &r, REG_SI, r.n);
            string_count(cpu, insn, r.n);
            string_end(cpu, insn);
            return;
        }
    }
    for (u32 i = 0; i < r.n; i++) {
        reg_write(cpu, REG_AX, r.size, read_at(cpu, insn, &r, insn->seg, REG_SI));
        string_step(cpu, insn, &r, REG_SI, 1);
        string_count(cpu, insn, 1);
    }
    string_end(cpu, insn);
}

/* ---- CMPS, SCAS: REPE goes on while equal, REPNE while not ---- */

static bool goes_on(const struct insn *insn, u64 a, u64 b)
{
    return (a == b) == (insn->rep == REP_E);
}

/* Behind `done` elements, the last of which compared a with b. */
static void compared(struct cpu *cpu, const struct insn *insn, const struct run *r, u64 a, u64 b,
                     u32 done)
{
    cpu_set_aflags(cpu, flags_sub(a, b, (a - b) & size_mask(r->size), r->size));
    string_step(cpu, insn, r, REG_DI, done);
    string_count(cpu, insn, done);
    if (goes_on(insn, a, b))
        string_end(cpu, insn);
}

void exec_CMPS(struct cpu *cpu, const struct insn *insn)
{
    const u8 *s = NULL, *d = NULL;
    u64 a = 0, b = 0;
    struct run r;
    u32 i;
    string_begin(cpu, insn, &r);
    if (!r.n)
        return;
    string_limit(cpu, insn, &r, insn->seg, REG_SI, false);
    string_limit(cpu, insn, &r, SEG_ES, REG_DI, false);
    if (r.n > 1) {
        s = span(cpu, insn, &r, insn->seg, REG_SI, TLB_RD);
        d = span(cpu, insn, &r, SEG_ES, REG_DI, TLB_RD);
    }
    if (!s || !d) {
        /* One element: the rest of the run is found again at the restart. */
        a = read_at(cpu, insn, &r, insn->seg, REG_SI);
        b = read_at(cpu, insn, &r, SEG_ES, REG_DI);
        string_step(cpu, insn, &r, REG_SI, 1);
        compared(cpu, insn, &r, a, b, 1);
        return;
    }
    for (i = 0; i < r.n;) {
        u32 at = (r.back ? r.n - 1 - i : i) * r.size;
        a = ld_le(s + at, r.size);
        b = ld_le(d + at, r.size);
        i++;
        if (!goes_on(insn, a, b))
            break;
    }
    string_step(cpu, insn, &r, REG_SI, i);
    compared(cpu, insn, &r, a, b, i);
}

void exec_SCAS(struct cpu *cpu, const struct insn *insn)
{
    const u8 *d = NULL;
    struct run r;
    u64 a, b = 0;
    u32 i;
    string_begin(cpu, insn, &r);
    if (!r.n)
        return;
    a = reg_read(cpu, REG_AX, r.size);
    string_limit(cpu, insn, &r, SEG_ES, REG_DI, false);
    if (r.n > 1)
        d = span(cpu, insn, &r, SEG_ES, REG_DI, TLB_RD);
    if (!d) {
        compared(cpu, insn, &r, a, read_at(cpu, insn, &r, SEG_ES, REG_DI), 1);
        return;
    }
    for (i = 0; i < r.n;) {
        b = ld_le(d + (r.back ? r.n - 1 - i : i) * r.size, r.size);
        i++;
        if (!goes_on(insn, a, b))
            break;
    }
    compared(cpu, insn, &r, a, b, i);
}
