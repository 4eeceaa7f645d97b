/* XSAVE and its family: the extended state of the processor to memory and back, XCR0 (SDM vol. 1
 * ch. 13).
 *
 * Components: 0 x87, 1 SSE, 2 AVX. The area: 512 bytes as of FXSAVE, a header of 64, the upper
 * halves of the YMM registers; in the compacted form AVX is at the same place, being the first. A
 * component counts as in use when its registers differ from their initial values, and is not
 * otherwise tracked. */
#include "cpu/exec/sse.h"

enum {
    COMP_X87 = 1,
    COMP_SSE = 2,
    COMP_AVX = 4,
};
enum { AT_MXCSR = 24, AT_ST = 32, AT_XMM = 160, AT_HEADER = 512, AT_AVX = 576 };
enum { HEADER_SIZE = 64, YMMH_SIZE = 256 };
#define COMPACT BIT64(63)

/* ---- XCR0 ---- */
static u64 edx_eax(const struct cpu *cpu)
{
    return (u64)(u32)cpu->gpr[REG_DX] << 32 | (u32)cpu->gpr[REG_AX];
}

static void need_osxsave(struct cpu *cpu)
{
    if (!(cpu->cr4 & CR4_OSXSAVE))
        cpu_raise(cpu, EXC_UD);
}

static bool all_zero(const union xmm *v)
{
    u64 any = 0;
    for (unsigned i = 0; i < 16; i++)
        any |= v[i].q[0] | v[i].q[1];
    return !any;
}

static bool x87_initial(const struct cpu *cpu)
{
    const struct fpu *f = &cpu->fpu;
    u64 any = f->sw | f->top | f->fop | f->fcs | f->fds | f->fip | f->fdp;
    for (unsigned i = 0; i < 8; i++)
        any |= f->st[i].frac | f->st[i].se;
    return !any && f->cw == CW_INIT && f->empty == 0xff;
}

/* The components that are not in their initial state. */
static u64 in_use(const struct cpu *cpu)
{
    return (x87_initial(cpu) ? 0 : COMP_X87) | (all_zero(cpu->xmm) ? 0 : COMP_SSE) |
           (all_zero(cpu->ymmh) ? 0 : COMP_AVX);
}

void exec_XGETBV(struct cpu *cpu, const struct insn *insn)
{
    u32 n = (u32)cpu->gpr[REG_CX];
    u64 v = cpu->xcr0;
    need_osxsave(cpu);
    if (n > (cpu_has(cpu, FEAT_XGETBV1) ? 1u : 0u))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (n)
        v &= in_use(cpu);
    cpu->gpr[REG_AX] = (u32)v;
    cpu->gpr[REG_DX] = v >> 32;
}

void exec_XSETBV(struct cpu *cpu, const struct insn *insn)
{
    u64 v = edx_eax(cpu);
    u64 known = COMP_X87 | COMP_SSE | (cpu_has(cpu, FEAT_AVX) ? COMP_AVX : 0);
    need_osxsave(cpu);
    if (cpu->cpl)
        cpu_raise_err(cpu, EXC_GP, 0);
    if ((u32)cpu->gpr[REG_CX] || !(v & COMP_X87) || v & ~known ||
        (v & (COMP_SSE | COMP_AVX)) == COMP_AVX)
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu->xcr0 = v;
    cpu_update_mode(cpu);
}

/* ---- the area ---- */
/* The checks every instruction begins with, and the offset of the area. */
static u64 begin(struct cpu *cpu, const struct insn *insn)
{
    u64 off = ea(cpu, insn);
    need_osxsave(cpu);
    if (cpu->cr0 & CR0_TS)
        cpu_raise(cpu, EXC_NM);
    if (mem_address(cpu, insn->seg, off) & 63)
        cpu_raise_err(cpu, EXC_GP, 0);
    return off;
}

/* Outside 64-bit mode half of the vector registers cannot be reached. */
static unsigned vectors(const struct cpu *cpu)
{
    return cpu_long(cpu) ? 16 : 8;
}

static void store_vectors(u8 *m, const union xmm *v, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        st64(m + 16 * i, v[i].q[0]);
        st64(m + 16 * i + 8, v[i].q[1]);
    }
}

/* From the image, or the initial zeroes where it has none. */
static void load_vectors(union xmm *v, const u8 *m, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        v[i].q[0] = m ? ld64(m + 16 * i) : 0;
        v[i].q[1] = m ? ld64(m + 16 * i + 8) : 0;
    }
}

/* Writes the components of `which`, and MXCSR when asked to. Everything was checked before. */
static void save_components(struct cpu *cpu, const struct insn *insn, u64 off, u64 which,
                            bool mxcsr)
{
    unsigned n = vectors(cpu);
    u8 m[AT_AVX];
    if (which & COMP_X87) {
        x87_image_store(cpu, insn->osz == 8, m);
        mem_write_bytes(cpu, insn->seg, off, m, AT_MXCSR);
        mem_write_bytes(cpu, insn->seg, off + AT_ST, m + AT_ST, AT_XMM - AT_ST);
    }
    if (mxcsr) {
        mem_write(cpu, insn->seg, off + AT_MXCSR, 4, cpu->mxcsr);
        mem_write(cpu, insn->seg, off + AT_MXCSR + 4, 4, mxcsr_mask(cpu));
    }
    if (which & COMP_SSE) {
        store_vectors(m, cpu->xmm, n);
        mem_write_bytes(cpu, insn->seg, off + AT_XMM, m, 16 * n);
    }
    if (which & COMP_AVX) {
        store_vectors(m, cpu->ymmh, n);
        mem_write_bytes(cpu, insn->seg, off + AT_AVX, m, 16 * n);
    }
}

static unsigned area_size(u64 components)
{
    return components & COMP_AVX ? AT_AVX + YMMH_SIZE : AT_AVX;
}

/* XSAVE and XSAVEOPT: the standard form. The header's other bytes are not written. */
static void save(struct cpu *cpu, const struct insn *insn, bool only_used)
{
    u64 off = begin(cpu, insn), want = edx_eax(cpu) & cpu->xcr0, used = in_use(cpu), bv;
    mem_check_write(cpu, insn->seg, off, area_size(want));
    bv = mem_read(cpu, insn->seg, off + AT_HEADER, 8);
    save_components(cpu, insn, off, only_used ? want & used : want, want & (COMP_SSE | COMP_AVX));
    mem_write(cpu, insn->seg, off + AT_HEADER, 8, (bv & ~want) | (want & used));
}

void exec_XSAVE(struct cpu *cpu, const struct insn *insn)
{
    save(cpu, insn, false);
}

void exec_XSAVEOPT(struct cpu *cpu, const struct insn *insn)
{
    save(cpu, insn, true);
}

/* The compacted form. MXCSR belongs to the SSE component here. */
void exec_XSAVEC(struct cpu *cpu, const struct insn *insn)
{
    u64 off = begin(cpu, insn), want = edx_eax(cpu) & cpu->xcr0, used = in_use(cpu);
    if (cpu->mxcsr != MXCSR_INIT)
        used |= COMP_SSE;
    used &= want;
    mem_check_write(cpu, insn->seg, off, area_size(want));
    save_components(cpu, insn, off, used, used & COMP_SSE);
    mem_write(cpu, insn->seg, off + AT_HEADER, 8, used);
    mem_write(cpu, insn->seg, off + AT_HEADER + 8, 8, want | COMPACT);
}

/* Is the header of an image acceptable? */
static bool good_header(const struct cpu *cpu, const u8 *h, bool compact)
{
    u64 bv = ld64(h), comp = ld64(h + 8), rest = 0;
    if (!compact)
        return !(bv & ~cpu->xcr0) && !comp && !ld64(h + 16);
    for (unsigned i = 16; i < HEADER_SIZE; i += 8)
        rest |= ld64(h + i);
    return cpu_has(cpu, FEAT_XSAVEC) && !rest && !(comp & ~COMPACT & ~cpu->xcr0) && !(bv & ~comp);
}

void exec_XRSTOR(struct cpu *cpu, const struct insn *insn)
{
    u64 off = begin(cpu, insn), want = edx_eax(cpu) & cpu->xcr0, bv;
    unsigned n = vectors(cpu);
    u8 m[AT_AVX + YMMH_SIZE];
    u32 mxcsr = cpu->mxcsr;
    bool compact;
    if (off + area_size(want) > cpu->seg[insn->seg].end_r) /* also of what is not read below */
        seg_check(cpu, insn->seg, off, area_size(want), false);
    mem_read_bytes(cpu, insn->seg, off, m, AT_AVX);
    compact = ld64(m + AT_HEADER + 8) & COMPACT;
    if (!good_header(cpu, m + AT_HEADER, compact))
        cpu_raise_err(cpu, EXC_GP, 0);
    bv = ld64(m + AT_HEADER);
    if (compact ? want & bv & COMP_SSE : want & (COMP_SSE | COMP_AVX))
        mxcsr = ld32(m + AT_MXCSR);
    else if (compact && want & COMP_SSE)
        mxcsr = MXCSR_INIT;
    if (mxcsr & ~mxcsr_mask(cpu))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (want & bv & COMP_AVX)
        mem_read_bytes(cpu, insn->seg, off + AT_AVX, m + AT_AVX, 16 * n);

    mxcsr_set(cpu, mxcsr);
    if (want & bv & COMP_X87)
        x87_image_load(cpu, insn->osz == 8, m);
    else if (want & COMP_X87) {
        memset(&cpu->fpu.st, 0, sizeof(cpu->fpu.st));
        x87_init(cpu);
    }
    if (want & COMP_SSE)
        load_vectors(cpu->xmm, bv & COMP_SSE ? m + AT_XMM : NULL, n);
    if (want & COMP_AVX)
        load_vectors(cpu->ymmh, bv & COMP_AVX ? m + AT_AVX : NULL, n);
}
