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
        if (string_stops(cpu, i + 1 < r.n))
            break;
    }
    string_end(cpu, insn);
}

/* ---- STOS ---- */

/* n quadwords. The host's own string store writes whole lines without reading them first. */
static void fill_quads(u8 *d, u64 v, size_t n)
{
#if defined(__x86_64__)
    __asm__ volatile("rep stosq" : "+D"(d), "+c"(n) : "a"(v) : "memory");
#else
    struct {
        u64 q[4];
    } w = {{v, v, v, v}};
    for (; n >= 4; n -= 4, d += sizeof(w))
        memcpy(d, &w, sizeof(w));
    for (; n; n--, d += 8)
        memcpy(d, &v, 8);
#endif
}

static void fill_run(u8 *d, u64 v, const struct run *r)
{
    static const u64 ones[] = {0x0101010101010101u, 0x0001000100010001u, 0x0000000100000001u, 1};
    size_t bytes = (size_t)r->n * r->size, i;
    u64 all = v * ones[r->shift & 3];
    u8 raw[8];
    if (all == (u8)all * ones[0]) {
        memset(d, (int)(u8)all, bytes);
        return;
    }
    st_le(raw, 8, all);
    memcpy(&all, raw, 8); /* as it lies in memory */
    fill_quads(d, all, bytes / 8);
    for (i = bytes & ~(size_t)7; i < bytes; i += r->size)
        st_le(d + i, r->size, v);
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
        if (string_stops(cpu, i + 1 < r.n))
            break;
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
        if (string_stops(cpu, i + 1 < r.n))
            break;
    }
    string_end(cpu, insn);
}

/* ---- CMPS, SCAS: REPE goes on while equal, REPNE while not ---- */

/* How many of the elements of `size` bytes at p are looked at, forwards, up to and with the first
 * that equals v (`equal`) or differs from it. */
#define SCAN(name, type)                                                                           \
    static u32 name(const u8 *p, u64 v, u32 n, bool equal)                                         \
    {                                                                                              \
        type e, want = (type)v;                                                                    \
        u32 i = 0;                                                                                 \
        while (i < n) {                                                                            \
            memcpy(&e, p + i * sizeof(e), sizeof(e));                                              \
            i++;                                                                                   \
            if ((e == want) == equal)                                                              \
                break;                                                                             \
        }                                                                                          \
        return i;                                                                                  \
    }
SCAN(scan8, u8)
SCAN(scan16, u16)
SCAN(scan32, u32)
SCAN(scan64, u64)

/* Elements are compared for being equal only, so v goes into the byte order of memory once. */
static u32 scan_forward(const u8 *p, u64 v, const struct run *r, bool equal)
{
    u8 raw[8];
    u16 v16;
    u32 v32;
    u64 v64;
    const u8 *hit;
    st_le(raw, r->size, v);
    switch (r->size) {
    case 1:
        if (!equal)
            return scan8(p, v, r->n, false);
        hit = memchr(p, (u8)v, r->n);
        return hit ? (u32)(hit - p) + 1 : r->n;
    case 2: memcpy(&v16, raw, 2); return scan16(p, v16, r->n, equal);
    case 4: memcpy(&v32, raw, 4); return scan32(p, v32, r->n, equal);
    default: memcpy(&v64, raw, 8); return scan64(p, v64, r->n, equal);
    }
}

/* Elements of two strings, forwards, up to and with the first that differ. */
static u32 same_forward(const u8 *s, const u8 *d, const struct run *r)
{
    u32 bytes = r->n * r->size, i = 0;
    while (i + 8 <= bytes && ld64(s + i) == ld64(d + i))
        i += 8;
    while (i < bytes && s[i] == d[i])
        i++;
    return i < bytes ? (i >> r->shift) + 1 : r->n;
}

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

/* Would the run's elements at s:reg be compared as a block, were it not for watched bytes on the
 * page? A read of the first has been made. */
static bool but_for_watch(const struct cpu *cpu, const struct insn *insn, const struct run *r,
                          unsigned s, unsigned reg)
{
    u64 la = mem_address(cpu, s, reg_read(cpu, reg, insn->asz));
    const struct tlb_entry *e = &cpu->mmu.tlb[cpu->mmu_mode].e[tlb_index(la)];
    return cpu->mmu.nwatch && r->n > 1 && (la & PAGE_MASK) + r->size <= PAGE_SIZE &&
           tlb_hit(e->rd & ~(u64)TLB_WATCH, la, r->size);
}

/* One element was compared of a run that watched bytes keep from being done at once: it is an
 * instruction in the count only if it is the last one that would have been. */
static void compared_part(struct cpu *cpu)
{
    if (cpu->next_rip == cpu->rip)
        cpu->budget++;
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
        bool part;
        a = read_at(cpu, insn, &r, insn->seg, REG_SI);
        b = read_at(cpu, insn, &r, SEG_ES, REG_DI);
        part = but_for_watch(cpu, insn, &r, insn->seg, REG_SI) &&
               but_for_watch(cpu, insn, &r, SEG_ES, REG_DI);
        string_step(cpu, insn, &r, REG_SI, 1);
        compared(cpu, insn, &r, a, b, 1);
        if (UNLIKELY(part))
            compared_part(cpu);
        return;
    }
    i = 0;
    if (!r.back && insn->rep == REP_E)
        i = same_forward(s, d, &r) - 1; /* the last one again, for its values */
    while (i < r.n) {
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
        bool part;
        b = read_at(cpu, insn, &r, SEG_ES, REG_DI);
        part = but_for_watch(cpu, insn, &r, SEG_ES, REG_DI);
        compared(cpu, insn, &r, a, b, 1);
        if (UNLIKELY(part))
            compared_part(cpu);
        return;
    }
    i = r.back ? 0 : scan_forward(d, a, &r, insn->rep != REP_E) - 1;
    while (i < r.n) {
        b = ld_le(d + (r.back ? r.n - 1 - i : i) * r.size, r.size);
        i++;
        if (!goes_on(insn, a, b))
            break;
    }
    compared(cpu, insn, &r, a, b, i);
}
