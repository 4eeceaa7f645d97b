/* A guest machine with the user-mode world of oracle cases: the same LDT, pages present and absent
 * at the same linear addresses, CPL 3; in 32-bit PAE paging, or in long mode. */
#include "tests/lock/oracle.h"
#include "cpu/exec/step.h"
#include "cpu/exec/x87.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/intr.h"
#include "cpu/sys/seg.h"
#include "tests/lock/machine.h"

#include <stdlib.h>
#include <string.h>

/* Physical places in the machine's memory, and where the kernel's page is seen. */
enum {
    AT_TABLES = 0x1000, /* page tables */
    AT_KERNEL = 0x8000, /* GDT, IDT, LDT, TSS, handlers, stack */
    AT_CODE = 0x10000,
    AT_DATA = 0x14000,
    K_GDT = 0,
    K_LDT = 0x100,
    K_TSS = 0x200,
    K_HANDLER = 0x300, /* HLT for vector 0..255 */
    K_IDT = 0x1000,
    K_STACK = 0x3ff0,
    K_SIZE = 0x4000,
    K_CODE0 = 0x10,
    K_DATA0 = 0x18,
    K_TR = 0x40,
    K_LDTR = 0x50,
    K_GDT_LIMIT = 0x7f,
};
#define K_BASE32 0xf5a40000ull
#define K_BASE64 0xffffc900f5a40000ull
enum { PG_P = 1, PG_W = 2, PG_U = 4, PG_AD = 0x60 };
#define PG_NX BIT64(63)

struct ora_guest {
    struct lock_machine *m;
    enum cpu_engine engine;
    bool lma;
    u64 kernel; /* linear */
    struct seg ldt[ORA_LDT], gdt[16], kcs;
    u8 *pattern;
    u32 code_at, ncode; /* what the code pages hold beside the filler */
    /* of the running case, across setjmp */
    struct ora_out *out;
    const struct ora_case *now;
};

static u8 *at(struct ora_guest *g, u32 phys)
{
    return g->m->ram.host + phys;
}

static void put_desc(u8 *p, u32 base, u32 limit, u32 attr)
{
    st32(p, base << 16 | (limit & 0xffff));
    st32(p + 4, (base & 0xff000000) | (base >> 16 & 0xff) | (limit & 0xf0000) | attr);
}

/* Where the page table entry of `la` stands, in tables that hold nothing else: one per top-level
 * region. */
static void map(struct ora_guest *g, u64 la, u32 phys, u64 bits)
{
    u32 table = AT_TABLES;
    for (int level = g->lma ? 3 : 2; level > 0; level--) {
        unsigned shift = 12 + 9 * (unsigned)level;
        u8 *e = at(g, table + 8 * (u32)(la >> shift & (level == 2 && !g->lma ? 3 : 511)));
        if (!ld64(e)) {
            u32 next = ld32(at(g, AT_TABLES - 8));
            st32(at(g, AT_TABLES - 8), next + PAGE_SIZE);
            st64(e, next | PG_P | (level == 2 && !g->lma ? 0 : PG_W | PG_U | PG_AD));
        }
        table = (u32)ld64(e) & 0xfffff000;
    }
    st64(at(g, table + 8 * (u32)(la >> 12 & 511)), phys | bits);
}

/* Each level takes a page of its own above AT_DATA. */
static void make_pages(struct ora_guest *g)
{
    st32(at(g, AT_TABLES - 8), 0x20000);
    for (u32 i = 0; i < ORA_CODE_SIZE; i += PAGE_SIZE)
        map(g, ORA_CODE + i, AT_CODE + i, PG_P | PG_U | PG_AD);
    for (u32 i = 0; i < ORA_DATA_SIZE; i += PAGE_SIZE)
        map(g, ORA_DATA + i, AT_DATA + i,
            PG_P | PG_U | PG_AD | PG_NX | (i < ORA_RW_SIZE ? PG_W : 0));
    for (u32 i = 0; i < K_SIZE; i += PAGE_SIZE)
        map(g, g->kernel + i, AT_KERNEL + i, PG_P | PG_W | PG_AD);
}

static void make_gate(u8 *idt, bool lma, unsigned v, u64 off)
{
    u8 *p = idt + (lma ? 16 : 8) * v;
    u32 dpl = v == 3 || v == 4 ? DA_DPL : 0;
    st32(p, K_CODE0 << 16 | (off & 0xffff));
    st32(p + 4, ((u32)off & 0xffff0000) | DA_P | dpl | 0xe00);
    if (lma) {
        st32(p + 8, (u32)(off >> 32));
        st32(p + 12, 0);
    }
}

static void make_tables(struct ora_guest *g)
{
    static const u32 flat = DA_P | DA_S | DA_G | DA_DB | DA_ACCESSED;
    u8 *k = at(g, AT_KERNEL);
    u32 code0 = DA_P | DA_S | DA_G | DA_CODE | DA_READ | DA_ACCESSED | (g->lma ? DA_L : DA_DB);
    memset(k, 0, K_SIZE);
    put_desc(k + 0x08, 0, 0xfffff, flat | DA_CODE | DA_READ);
    put_desc(k + K_CODE0, 0, 0xfffff, code0);
    put_desc(k + K_DATA0, 0, 0xfffff, flat | DA_WRITE);
    put_desc(k + 0x20, 0, 0xfffff, flat | DA_CODE | DA_READ | DA_DPL);
    put_desc(k + 0x28, 0, 0xfffff, flat | DA_WRITE | DA_DPL);
    put_desc(k + 0x30, 0, 0xfffff,
             DA_P | DA_S | DA_G | DA_CODE | DA_READ | DA_ACCESSED | DA_L | DA_DPL);
    put_desc(k + 0x78, 0, 0,
             DA_P | DA_S | DA_DPL | DA_DB | DA_ACCESSED |
                 DA_EXPDOWN); /* the kernel keeps a number there */
    put_desc(k + K_TR, (u32)g->kernel + K_TSS, 0x67, DA_P | 0xb00);
    put_desc(k + K_LDTR, (u32)g->kernel + K_LDT, ORA_LDT * 8 - 1, DA_P | 0x200);
    if (g->lma) {
        st32(k + K_TR + 8, (u32)(g->kernel >> 32));
        st32(k + K_LDTR + 8, (u32)(g->kernel >> 32));
    }
    for (u32 i = 1; i < ORA_LDT; i++) {
        const struct ora_desc *t = &ora_ldt[i];
        put_desc(k + K_LDT + 8 * i, t->base, t->limit,
                 DA_S | DA_DPL | DA_ACCESSED | (u32)t->type << 9 | (t->absent ? 0 : DA_P) |
                     (t->big ? DA_DB : 0) | (t->pages ? DA_G : 0));
    }
    if (g->lma) {
        st64(k + K_TSS + 4, g->kernel + K_STACK);
        st16(k + K_TSS + 0x66, 0x68);
    } else {
        st32(k + K_TSS + 4, (u32)g->kernel + K_STACK);
        st16(k + K_TSS + 8, K_DATA0);
        st16(k + K_TSS + 0x66, 0x68);
    }
    memset(k + K_HANDLER, 0xf4, 256);
    for (unsigned v = 0; v < 256; v++)
        make_gate(k + K_IDT, g->lma, v, g->kernel + K_HANDLER + v);
}

static struct seg cached(const u8 *p, unsigned sel)
{
    struct desc d = {.lo = ld32(p), .hi = ld32(p + 4)};
    return seg_make(sel, &d);
}

static void make_registers(struct ora_guest *g, u64 feats)
{
    struct cpu *cpu = g->m->cpu;
    u8 *k = at(g, AT_KERNEL);
    /* All that we can do, whether or not a model claims it. */
    cpu->feats = feats & FEAT_ALL;
    cpu->cr0 = CR0_PE | CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_AM;
    cpu->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (cpu_has(cpu, FEAT_FSGSBASE))
        cpu->cr4 |= CR4_FSGSBASE;
    if (cpu_has(cpu, FEAT_XSAVE)) {
        cpu->cr4 |= CR4_OSXSAVE;
        cpu->xcr0 = 7;
    }
    cpu->efer = EFER_NXE | EFER_SCE | (g->lma ? EFER_LME | EFER_LMA : 0);
    cpu->cr3 = AT_TABLES;
    cpu->gdt.base = g->kernel + K_GDT;
    cpu->gdt.limit = K_GDT_LIMIT;
    cpu->idt.base = g->kernel + K_IDT;
    cpu->idt.limit = (u16)(256 * (g->lma ? 16 : 8) - 1);
    cpu->ldt = cached(k + K_LDTR, K_LDTR);
    cpu->ldt.base = g->kernel + K_LDT;
    cpu->tr = cached(k + K_TR, K_TR);
    cpu->tr.base = g->kernel + K_TSS;
    ctrl_push_mode(cpu);
    for (u32 i = 1; i < ORA_LDT; i++)
        g->ldt[i] = cached(k + K_LDT + 8 * i, 8 * i + 7);
    for (u32 i = 1; i < 16; i++)
        g->gdt[i] = cached(k + K_GDT + 8 * i, 8 * i + 3);
}

struct ora_guest *ora_guest_new(enum cpu_engine engine, bool lma, u64 feats)
{
    struct ora_guest *g = calloc(1, sizeof(*g));
    u8 *image = calloc(1, LOCK_RAM);
    if (!g || !image || !(g->m = lock_machine_new("max", engine)) ||
        !(g->pattern = malloc(ORA_DATA_SIZE))) {
        free(image);
        ora_guest_free(g);
        return NULL;
    }
    lock_machine_reset(g->m, image);
    free(image);
    g->engine = engine;
    g->lma = lma;
    g->kernel = lma ? K_BASE64 : K_BASE32;
    make_pages(g);
    make_tables(g);
    memset(at(g, AT_CODE), ORA_FILL, ORA_CODE_SIZE);
    for (u32 i = 0; i < ORA_DATA_SIZE; i++)
        g->pattern[i] = ora_pattern(i);
    memcpy(at(g, AT_DATA), g->pattern, ORA_DATA_SIZE);
    ram_wrote(&g->m->ram, 0, LOCK_RAM);
    make_registers(g, feats);
    return g;
}

void ora_guest_free(struct ora_guest *g)
{
    if (!g)
        return;
    lock_machine_free(g->m);
    free(g->pattern);
    free(g);
}

u64 ora_guest_feats(const struct ora_guest *g)
{
    return g->m->cpu->feats;
}

u64 ora_guest_blocks(const struct ora_guest *g)
{
    return g && g->m->cpu->jit ? jit_stats(g->m->cpu)->blocks : 0;
}

/* ---- state in ---- */
static void put_segment(struct ora_guest *g, unsigned s, unsigned sel)
{
    struct cpu *cpu = g->m->cpu;
    unsigned i = sel >> 3;
    if (sel_null(sel))
        seg_put_null(cpu, s, sel);
    else if (sel & 4)
        seg_put(cpu, s, &g->ldt[i < ORA_LDT ? i : 0]);
    else
        seg_put(cpu, s, &g->gdt[i & 15]);
    cpu->seg[s].sel = (u16)sel;
}

static void put_fpu(struct cpu *cpu, const u8 *fx)
{
    struct fpu *f = &cpu->fpu;
    u16 sw = ld16(fx + 2);
    f->cw = ld16(fx);
    f->sw = (u16)(sw & ~SW_TOP);
    f->top = sw >> 11 & 7;
    f->empty = (u8)~fx[4];
    f->fop = ld16(fx + 6);
    f->fip = ld64(fx + 8);
    f->fdp = ld64(fx + 16);
    f->fcs = f->fds = 0;
    cpu->mxcsr = ld32(fx + 24);
    for (unsigned i = 0; i < 8; i++) {
        struct f80 *st = &f->st[(f->top + i) & 7];
        st->frac = ld64(fx + 32 + 16 * i);
        st->se = ld16(fx + 40 + 16 * i);
    }
    for (unsigned i = 0; i < 16; i++) {
        cpu->xmm[i].q[0] = ld64(fx + 160 + 16 * i);
        cpu->xmm[i].q[1] = ld64(fx + 168 + 16 * i);
    }
}

static void put_code(struct ora_guest *g, const struct ora_case *c)
{
    u32 la = (u32)((c->mode == 64 ? 0 : ora_base(c->in.sel[SEG_CS])) + c->in.rip) - ORA_CODE;
    u32 n = la < ORA_CODE_SIZE ? MIN((u32)c->ncode, ORA_CODE_SIZE - la) : 0;
    if (g->ncode) {
        memset(at(g, AT_CODE + g->code_at), ORA_FILL, g->ncode);
        ram_wrote(&g->m->ram, AT_CODE + g->code_at, g->ncode);
    }
    memcpy(at(g, AT_CODE + la), c->code, n);
    ram_wrote(&g->m->ram, AT_CODE + la, n);
    g->code_at = la;
    g->ncode = n;
}

static void put_state(struct ora_guest *g, const struct ora_case *c)
{
    struct cpu *cpu = g->m->cpu;
    memcpy(cpu->gpr, c->in.gpr, sizeof(cpu->gpr));
    cpu->rip = c->in.rip;
    cpu_set_eflags(cpu, (u32)c->in.flags | FL_IF);
    /* CS first: what the others may do depends on the mode it says. */
    cpu->cpl = 3;
    put_segment(g, SEG_CS, c->in.sel[SEG_CS]);
    cpu_update_mode(cpu);
    for (unsigned s = 0; s < SEG__COUNT; s++)
        if (s != SEG_CS)
            put_segment(g, s, c->in.sel[s]);
    if (c->mode == 64) {
        cpu->seg[SEG_FS].base = c->in.fsbase;
        cpu->seg[SEG_GS].base = c->in.gsbase;
    }
    seg_update_all(cpu);
    put_fpu(cpu, c->in.fx);
    for (unsigned i = 0; i < 16; i++)
        memcpy(&cpu->ymmh[i], c->in.ymmh[i], 16);
    cpu->shadow = cpu->shadow_ss = cpu->halted = false;
    cpu->db_pending = 0;
    cpu->exit_request = 0;
    cpu->cr2 = 0;
    cpu_update_mode(cpu);
}

/* ---- state out ---- */
static void take_fpu(const struct cpu *cpu, u8 *fx)
{
    const struct fpu *f = &cpu->fpu;
    memset(fx, 0, 512);
    st16(fx, f->cw);
    st16(fx + 2, x87_status(cpu));
    fx[4] = (u8)~f->empty;
    st16(fx + 6, f->fop);
    st64(fx + 8, f->fip);
    st64(fx + 16, f->fdp);
    st32(fx + 24, cpu->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        const struct f80 *st = &f->st[(f->top + i) & 7];
        st64(fx + 32 + 16 * i, st->frac);
        st16(fx + 40 + 16 * i, st->se);
    }
    for (unsigned i = 0; i < 16; i++) {
        st64(fx + 160 + 16 * i, cpu->xmm[i].q[0]);
        st64(fx + 168 + 16 * i, cpu->xmm[i].q[1]);
    }
}

static void take_state(struct ora_guest *g, const struct ora_case *c, struct ora_out *o)
{
    struct cpu *cpu = g->m->cpu;
    memcpy(o->r.gpr, cpu->gpr, sizeof(o->r.gpr));
    o->r.rip = cpu->rip;
    o->r.flags = cpu_eflags(cpu);
    for (unsigned s = 0; s < SEG__COUNT; s++)
        o->r.sel[s] = cpu->seg[s].sel;
    o->r.fsbase = cpu->seg[SEG_FS].base;
    o->r.gsbase = cpu->seg[SEG_GS].base;
    take_fpu(cpu, o->r.fx);
    for (unsigned i = 0; i < 16; i++)
        memcpy(o->r.ymmh[i], &cpu->ymmh[i], 16);
    if (cpu->cpl == 0) {
        /* A software interrupt went through its gate: the program's state is in the frame. */
        u32 w = g->lma ? 8 : 4;
        const u8 *f = at(g, AT_KERNEL + K_STACK - 5 * w);
        u64 v =
            cpu->rip - g->kernel - K_HANDLER - cpu->halted; /* translated code goes on to the HLT */
        o->vector = (u8)v;
        o->r.rip = g->lma ? ld64(f) : ld32(f);
        o->r.sel[SEG_CS] = ld16(f + w);
        o->r.flags = ld32(f + 2 * w);
        o->r.gpr[REG_SP] = g->lma ? ld64(f + 3 * w) : ld32(f + 3 * w);
        o->r.sel[SEG_SS] = ld16(f + 4 * w);
    }
    ora_mem_collect(c, at(g, AT_DATA), g->pattern, o);
}

/* As the run loop does, but faults are taken as they are raised instead of being delivered. */
static void run(struct ora_guest *g)
{
    struct cpu *cpu = g->m->cpu;
    struct ora_out *o = g->out;
    cpu->run_budget = 20000;
    cpu->budget = 20000;
    cpu->ahead = 0;
    if (unwind_here(&cpu->unwind)) {
        cpu_unwound(cpu);
        o->vector = cpu->exc_vector;
        o->error = cpu->exc_has_error ? cpu->exc_error : 0;
        o->cr2 = o->vector == EXC_PF ? cpu->cr2 : 0;
        return;
    }
    while (cpu->budget > 0 && cpu->cpl) {
        cpu->exit_request = 0;
        if (cpu->db_pending && !cpu->shadow_ss)
            debug_trap(cpu);
        if (g->engine == ENGINE_EXEC || cpu_needs_exec(cpu)) {
            exec_run(cpu, 1, false);
            continue;
        }
        switch (jit_run(cpu, g->engine == ENGINE_EVAL)) {
        case JIT_AGAIN: break;
        case JIT_EXEC: exec_run(cpu, 1, false); break;
        case JIT_COLD: exec_run(cpu, 1, true); break;
        }
    }
    if (cpu->cpl)
        o->status = ORA_TIMEOUT;
}

void ora_guest_run(struct ora_guest *g, const struct ora_case *c, struct ora_out *out)
{
    if (c->npatch) {
        memcpy(at(g, AT_DATA + c->patch_at - ORA_DATA), c->patch, c->npatch);
        ram_wrote(&g->m->ram, AT_DATA + c->patch_at - ORA_DATA, c->npatch);
    }
    put_code(g, c);
    put_state(g, c);
    g->out = out;
    g->now = c;
    out->status = ORA_OK;
    out->vector = 0;
    out->error = 0;
    out->cr2 = 0;
    run(g);
    take_state(g, g->now, g->out);
}
