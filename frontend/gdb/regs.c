/* Values of the registers that gdb is shown (manual of gdb, appendix G, section i386 Features). */
#include "frontend/gdb/regs.h"

#include "cpu/exec/x87.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/msr.h"
#include "cpu/sys/seg.h"
#include "devices/core/bits.h"

#include <stdio.h>
#include <string.h>

static const char *const names32[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
static const char *const names64[] = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp"};
static const u8 order64[] = {REG_AX, REG_BX, REG_CX, REG_DX, REG_SI, REG_DI, REG_BP, REG_SP};
static const char *const seg_names[] = {"cs", "ss", "ds", "es", "fs", "gs"};
static const u8 seg_order[] = {SEG_CS, SEG_SS, SEG_DS, SEG_ES, SEG_FS, SEG_GS};
static const char *const fpu_names[] = {"fctrl", "fstat", "ftag",  "fiseg",
                                        "fioff", "foseg", "fooff", "fop"};
static const u8 control[] = {0, 2, 3, 4, 8};
static const u8 debug[] = {0, 1, 2, 3, 6, 7};
enum { T_GDT_BASE, T_GDT_LIMIT, T_IDT_BASE, T_IDT_LIMIT, T_LDT, T_LDT_BASE, T_TR, T_TR_BASE };

/* ---- the list ---- */

static void add(struct gdb_regs *regs, unsigned feature, enum gdb_reg_kind kind, unsigned i,
                unsigned bits, const char *type, const char *name)
{
    struct gdb_reg *r = &regs->r[regs->n++];
    memcpy(r->name, name, MIN(strlen(name), sizeof(r->name) - 1)); /* the list began as zeros */
    r->type = type;
    r->bits = (u16)bits;
    r->kind = (u8)kind;
    r->i = (u8)i;
    r->feature = (u8)feature;
}

static void add_numbered(struct gdb_regs *regs, unsigned feature, enum gdb_reg_kind kind,
                         unsigned n, unsigned bits, const char *type, const char *fmt_before,
                         const char *behind)
{
    char name[24];
    for (unsigned i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "%s%u%s", fmt_before, i, behind);
        add(regs, feature, kind, i, bits, type, name);
    }
}

static void add_core(struct gdb_regs *regs)
{
    bool wide = regs->wide;
    char name[8];
    for (unsigned i = 0; i < 8; i++)
        if (wide)
            add(regs, GF_CORE, GR_GPR, order64[i], 64, i >= 6 ? "data_ptr" : "int64", names64[i]);
        else
            add(regs, GF_CORE, GR_GPR, i, 32, i == REG_SP || i == REG_BP ? "data_ptr" : "int32",
                names32[i]);
    for (unsigned i = 8; wide && i < 16; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        add(regs, GF_CORE, GR_GPR, i, 64, "int64", name);
    }
    add(regs, GF_CORE, GR_PC, 0, wide ? 64 : 32, "code_ptr", wide ? "rip" : "eip");
    add(regs, GF_CORE, GR_FLAGS, 0, 32, "i386_eflags", "eflags");
    for (unsigned i = 0; i < ARRAY_LEN(seg_names); i++)
        add(regs, GF_CORE, GR_SEL, seg_order[i], 32, "int32", seg_names[i]);
    add_numbered(regs, GF_CORE, GR_ST, 8, 80, "i387_ext", "st", "");
    for (unsigned i = 0; i < ARRAY_LEN(fpu_names); i++)
        add(regs, GF_CORE, GR_FPU, i, 32, "int", fpu_names[i]);
}

static void add_system(struct gdb_regs *regs)
{
    static const char *const tables[] = {"gdtr_base", "gdtr_limit", "idtr_base", "idtr_limit",
                                         "ldtr",      "ldtr_base",  "tr",        "tr_base"};
    unsigned w = regs->wide ? 64 : 32;
    const char *word = regs->wide ? "int64" : "int32";
    char name[12];
    /* Those of FS and GS are in a feature that gdb knows when the layout is the wide one. */
    for (unsigned i = 0; i < (regs->wide ? 4u : 6u); i++) {
        snprintf(name, sizeof(name), "%s_base", seg_names[i]);
        add(regs, GF_SYSTEM, GR_BASE, seg_order[i], w, word, name);
    }
    for (unsigned i = 0; i < ARRAY_LEN(control); i++) {
        snprintf(name, sizeof(name), "cr%u", control[i]);
        add(regs, GF_SYSTEM, GR_CR, control[i], w,
            !control[i]       ? "x86_cr0"
            : control[i] == 4 ? "x86_cr4"
                              : word,
            name);
    }
    add(regs, GF_SYSTEM, GR_EFER, 0, w, "x86_efer", "efer");
    for (unsigned i = 0; i < ARRAY_LEN(debug); i++) {
        snprintf(name, sizeof(name), "dr%u", debug[i]);
        add(regs, GF_SYSTEM, GR_DR, debug[i], w, word, name);
    }
    for (unsigned i = 0; i < ARRAY_LEN(tables); i++) {
        bool half = i == T_GDT_LIMIT || i == T_IDT_LIMIT || i == T_LDT || i == T_TR;
        add(regs, GF_SYSTEM, GR_TABLE, i, half ? 32 : w, half ? "int32" : word, tables[i]);
    }
}

void gdb_regs_init(struct gdb_regs *regs, const struct cpu *cpu, bool wide)
{
    unsigned xmms = wide ? 16 : 8;
    memset(regs, 0, sizeof(*regs));
    regs->wide = wide;
    add_core(regs);
    /* gdb knows no i386 without these; what the model lacks reads as it is in the state: zero. */
    add_numbered(regs, GF_SSE, GR_XMM, xmms, 128, "vec128", "xmm", "");
    add(regs, GF_SSE, GR_MXCSR, 0, 32, "i386_mxcsr", "mxcsr");
    if (wide) {
        add(regs, GF_SEGMENTS, GR_BASE, SEG_FS, 64, "int64", "fs_base");
        add(regs, GF_SEGMENTS, GR_BASE, SEG_GS, 64, "int64", "gs_base");
    }
    if (cpu_has(cpu, FEAT_AVX))
        add_numbered(regs, GF_AVX, GR_YMMH, xmms, 128, "uint128", "ymm", "h");
    add_system(regs);
}

/* ---- reading ---- */

static u64 fpu_value(const struct cpu *cpu, unsigned i)
{
    const struct fpu *f = &cpu->fpu;
    switch (i) {
    case 0: return f->cw;
    case 1: return x87_status(cpu);
    case 2: return x87_tags(cpu);
    case 3: return f->fcs;
    case 4: return (u32)f->fip;
    case 5: return f->fds;
    case 6: return (u32)f->fdp;
    default: return f->fop;
    }
}

static u64 table_value(const struct cpu *cpu, unsigned i)
{
    switch (i) {
    case T_GDT_BASE: return cpu->gdt.base;
    case T_GDT_LIMIT: return cpu->gdt.limit;
    case T_IDT_BASE: return cpu->idt.base;
    case T_IDT_LIMIT: return cpu->idt.limit;
    case T_LDT: return cpu->ldt.sel;
    case T_LDT_BASE: return cpu->ldt.base;
    case T_TR: return cpu->tr.sel;
    default: return cpu->tr.base;
    }
}

static u64 control_value(const struct cpu *cpu, unsigned i)
{
    switch (i) {
    case 0: return cpu->cr0;
    case 2: return cpu->cr2;
    case 3: return cpu->cr3;
    case 4: return cpu->cr4;
    default: return cpu->hooks.tpr_read ? cpu->hooks.tpr_read(cpu->hooks.arg) : cpu->cr8;
    }
}

static u64 value(const struct gdb_regs *regs, const struct cpu *cpu, const struct gdb_reg *r)
{
    switch (r->kind) {
    case GR_GPR: return cpu->gpr[r->i];
    case GR_PC: return cpu->rip + (regs->linear_pc ? cpu->seg[SEG_CS].base : 0);
    case GR_FLAGS: return cpu_eflags(cpu);
    case GR_SEL: return cpu->seg[r->i].sel;
    case GR_BASE: return cpu->seg[r->i].base;
    case GR_FPU: return fpu_value(cpu, r->i);
    case GR_MXCSR: return cpu->mxcsr;
    case GR_CR: return control_value(cpu, r->i);
    case GR_EFER: return cpu->efer;
    case GR_DR: return cpu->dr[r->i];
    default: return table_value(cpu, r->i);
    }
}

static void put_xmm(u8 *out, const union xmm *x)
{
    st64(out, x->q[0]);
    st64(out + 8, x->q[1]);
}

void gdb_reg_read(const struct gdb_regs *regs, struct cpu *cpu, const struct gdb_reg *r, u8 *out)
{
    u8 raw[8];
    struct f80 st;
    switch (r->kind) {
    case GR_ST:
        st = st_get(cpu, r->i);
        st64(out, st.frac);
        st16(out + 8, st.se);
        return;
    case GR_XMM: put_xmm(out, &cpu->xmm[r->i]); return;
    case GR_YMMH: put_xmm(out, &cpu->ymmh[r->i]); return;
    default:
        st64(raw, value(regs, cpu, r));
        memcpy(out, raw, gdb_reg_size(r));
        return;
    }
}

/* ---- writing ---- */

/* What the processor does for an instruction at level 0, and may refuse by an exception. */
static bool do_control(struct cpu *cpu, unsigned n, u64 v)
{
    ctrl_write_cr(cpu, n, v);
    return true;
}

static bool do_efer(struct cpu *cpu, unsigned n, u64 v)
{
    return msr_write(cpu, 0xc0000080u, v);
}

static bool do_segment(struct cpu *cpu, unsigned s, u64 sel)
{
    seg_load(cpu, s, (unsigned)sel);
    cpu_update_mode(cpu);
    return true;
}

/* fn, or false when it raises an exception: nothing of it is done then. */
static __attribute__((noinline)) bool
guarded(struct cpu *cpu, bool (*fn)(struct cpu *cpu, unsigned n, u64 v), unsigned n, u64 v)
{
    if (unwind_here(&cpu->unwind))
        return false;
    return fn(cpu, n, v);
}

static bool write_selector(struct cpu *cpu, unsigned s, u16 sel)
{
    if (sel == cpu->seg[s].sel)
        return true;
    if (!cpu_pm(cpu)) {
        if (cpu_v86(cpu))
            seg_put_v86(cpu, s, sel);
        else
            seg_put_real(cpu, s, sel);
        cpu_update_mode(cpu);
        return true;
    }
    /* CS changes with the privilege level, by transfers of control only. */
    return s != SEG_CS && guarded(cpu, do_segment, s, sel);
}

static bool write_base(struct cpu *cpu, unsigned s, u64 v)
{
    if (cpu_lma(cpu) && !cpu_canonical(v))
        return false;
    cpu->seg[s].base = cpu_lma(cpu) ? v : (u32)v;
    seg_update_all(cpu);
    cpu_update_mode(cpu);
    return true;
}

static bool write_fpu(struct cpu *cpu, unsigned i, u64 v)
{
    struct fpu *f = &cpu->fpu;
    u8 image[512];
    u8 full = 0;
    switch (i) {
    case 3: f->fcs = (u16)v; return true;
    case 4: f->fip = (u32)v; return true;
    case 5: f->fds = (u16)v; return true;
    case 6: f->fdp = (u32)v; return true;
    case 7: f->fop = v & 0x7ff; return true;
    }
    x87_image_store(cpu, true, image);
    if (i == 0)
        st16(image, (u16)v);
    if (i == 1)
        st16(image + 2, (u16)v);
    for (unsigned k = 0; k < 8; k++)
        full |= (u8)((v >> 2 * k & 3) != 3) << k;
    if (i == 2)
        image[4] = full;
    st64(image + 8, f->fip);
    {
        u16 fcs = f->fcs, fds = f->fds;
        x87_image_load(cpu, true, image);
        f->fcs = fcs;
        f->fds = fds;
    }
    return true;
}

static void write_flags(struct cpu *cpu, u32 v)
{
    /* Whether a program runs in V86 mode is not changed by a register write. */
    v = (v & ~(u32)FL_VM) | (cpu->eflags & FL_VM);
    cpu_set_eflags(cpu, v);
    cpu_update_mode(cpu);
}

static bool write_table(struct cpu *cpu, unsigned i, u64 v)
{
    if (v == table_value(cpu, i))
        return true;
    switch (i) {
    case T_GDT_BASE: cpu->gdt.base = v; return true;
    case T_GDT_LIMIT: cpu->gdt.limit = (u16)v; return true;
    case T_IDT_BASE: cpu->idt.base = v; return true;
    case T_IDT_LIMIT: cpu->idt.limit = (u16)v; return true;
    default: return false; /* LDTR and TR come with descriptors */
    }
}

static bool write_control(struct cpu *cpu, unsigned i, u64 v)
{
    if (v == control_value(cpu, i))
        return true;
    if (i == 2) {
        cpu->cr2 = v;
        return true;
    }
    return (i != 8 || cpu_has(cpu, FEAT_LM)) && guarded(cpu, do_control, i, v);
}

static bool write_debug(struct cpu *cpu, unsigned i, u64 v)
{
    if (i == 7)
        v = (v & 0xffff23ff) | 0x400;
    else if (i == 6)
        v = (v & 0xe00f) | 0xffff0ff0;
    cpu->dr[i] = v;
    debug_update(cpu);
    return true;
}

static void write_xmm(union xmm *x, const u8 *in)
{
    x->q[0] = ld64(in);
    x->q[1] = ld64(in + 8);
}

bool gdb_reg_write(const struct gdb_regs *regs, struct cpu *cpu, const struct gdb_reg *r,
                   const u8 *in)
{
    u8 raw[8] = {0};
    u64 v;
    memcpy(raw, in, MIN(gdb_reg_size(r), 8u));
    v = ld64(raw);
    switch (r->kind) {
    case GR_GPR: cpu->gpr[r->i] = v; return true;
    case GR_PC:
        v -= regs->linear_pc ? cpu->seg[SEG_CS].base : 0;
        if (cpu_long(cpu) && !cpu_canonical(v))
            return false;
        if (v != cpu->rip)
            cpu->halted = false;
        cpu->rip = cpu->next_rip = cpu_long(cpu) ? v : (u32)v;
        return true;
    case GR_FLAGS: write_flags(cpu, (u32)v); return true;
    case GR_SEL: return write_selector(cpu, r->i, (u16)v);
    case GR_BASE: return v == cpu->seg[r->i].base || write_base(cpu, r->i, v);
    case GR_ST: {
        unsigned p = st_phys(cpu, r->i);
        cpu->fpu.st[p].frac = v;
        cpu->fpu.st[p].se = ld16(in + 8);
        return true;
    }
    case GR_FPU: return v == fpu_value(cpu, r->i) || write_fpu(cpu, r->i, v);
    case GR_XMM: write_xmm(&cpu->xmm[r->i], in); return true;
    case GR_YMMH: write_xmm(&cpu->ymmh[r->i], in); return true;
    case GR_MXCSR:
        if (v & ~(u64)0xffff)
            return false;
        cpu->mxcsr = (u32)v;
        cpu_update_mode(cpu);
        return true;
    case GR_CR: return write_control(cpu, r->i, v);
    case GR_EFER: return v == cpu->efer || guarded(cpu, do_efer, 0, v);
    case GR_DR: return v == cpu->dr[r->i] || write_debug(cpu, r->i, v);
    default: return write_table(cpu, r->i, v);
    }
}
