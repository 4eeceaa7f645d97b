/* The world around a random program: mode, segments, page tables, interrupt handlers that skip what
 * faulted, and data. */
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/seg.h"
#include "tests/lock/gen.h"

#include <string.h>

enum {
    SEL_CODE0 = 0x08,
    SEL_DATA0 = 0x10,
    SEL_CODE3 = 0x1b,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_CODE16 = 0x30,
    SEL_STACK16 = 0x38,
    SEL_SMALL = 0x43,
    SEL_DOWN32 = 0x4b,
    SEL_DOWN16 = 0x53,
    SEL_CONFORM = 0x58,
    SEL_READ = 0x63,
    SEL_CODE16_3 = 0x6b,
    SEL_STACK16_3 = 0x73,
    SEL_ABSENT = 0x7b,
    SEL_XONLY = 0x80,
    SEL_GATE = 0x8b,
    SEL_STACK32 = 0x90,
    SEL_STACK32_3 = 0x9b,
    SEL_SHORT16 = 0xa0,
    SEL_SHORT32 = 0xab,
    GDT_SIZE = 0x100, /* from B0h on: those of 64-bit worlds (long.c) */
};

struct want {
    u16 sel;
    u32 base, limit; /* limit in pages with DA_G */
    u32 attr;
};

/* Descriptor tables are filled from this; SMALL's place and size change with the seed. */
static void descriptors(const struct lock_prog *p, struct want w[24], u32 *n)
{
    enum { CODE = DA_P | DA_S | DA_CODE | DA_READ, DATA = DA_P | DA_S | DA_WRITE, R3 = DA_DPL };
    u64 s = p->seed ^ 0x5e65;
    u32 base = LOCK_DATA + lock_below(&s, 0x3000), limit = 0x100 + lock_below(&s, 0x2000);
    const struct want all[] = {
        {SEL_CODE0, 0, 0xfffff, CODE | DA_G | DA_DB},
        {SEL_DATA0, 0, 0xfffff, DATA | DA_G | DA_DB},
        {SEL_CODE3, 0, 0xfffff, CODE | DA_G | DA_DB | R3},
        {SEL_DATA3, 0, 0xfffff, DATA | DA_G | DA_DB | R3},
        {SEL_TSS, LOCK_TSS, 0x110, DA_P | 0xb00},
        {SEL_CODE16, LOCK_CODE, 0xffff, CODE},
        {SEL_STACK16, LOCK_DATA, 0xffff, DATA},
        {SEL_SMALL, base, limit, DATA | R3 | DA_DB},
        {SEL_DOWN32, base, 0x80 + (limit & 0xff), DATA | R3 | DA_DB | DA_EXPDOWN},
        {SEL_DOWN16, base, 0x80 + (limit & 0xff), DATA | R3 | DA_EXPDOWN},
        {SEL_CONFORM, 0, 0xfffff, CODE | DA_G | DA_DB | DA_CONFORM},
        {SEL_READ, 0, 0xfffff, DA_P | DA_S | DA_G | DA_DB | R3},
        {SEL_CODE16_3, LOCK_CODE, 0xffff, CODE | R3},
        {SEL_STACK16_3, LOCK_DATA, 0xffff, DATA | R3},
        {SEL_ABSENT, 0, 0xfffff, (DATA | R3 | DA_G) & ~(u32)DA_P},
        {SEL_XONLY, 0, 0xfffff, (CODE | DA_G | DA_DB) & ~(u32)DA_READ},
        {SEL_STACK32, LOCK_STACK, 0x7fff, DATA | DA_DB},
        {SEL_STACK32_3, LOCK_STACK, 0x7fff, DATA | DA_DB | R3},
        {SEL_SHORT16, LOCK_CODE, 0xfff, CODE},
        {SEL_SHORT32, 0, LOCK_CODE + 0xff8, CODE | DA_DB | R3},
    };
    memcpy(w, all, sizeof(all));
    *n = ARRAY_LEN(all);
}

static void put_gate(u8 *p, unsigned sel, u32 off, unsigned type, unsigned dpl)
{
    st32(p, sel << 16 | (off & 0xffff));
    st32(p + 4, (off & 0xffff0000) | DA_P | dpl << 13 | type << 8);
}

static void put_tables(struct lock_prog *p)
{
    struct want w[24];
    u64 s = p->seed ^ 0x1d7;
    u32 n;
    u8 *tss = p->image + LOCK_TSS;
    descriptors(p, w, &n);
    for (u32 i = 0; i < n; i++) {
        u8 *d = p->image + LOCK_GDT + (w[i].sel & 0xfff8u);
        u32 accessed = (w[i].attr & DA_S) && lock_chance(&s, 70) ? DA_ACCESSED : 0;
        st32(d, w[i].base << 16 | (w[i].limit & 0xffff));
        st32(d + 4, (w[i].base & 0xff000000) | (w[i].base >> 16 & 0xff) | (w[i].limit & 0xf0000) |
                        w[i].attr | accessed);
    }
    /* A call gate to the second instruction, one parameter. */
    put_gate(p->image + LOCK_GDT + (SEL_GATE & 0xfff8), SEL_CODE0,
             LOCK_CODE + (p->n > 1 ? p->at[1] : 0), SYS_CALL32, 3);
    p->image[LOCK_GDT + (SEL_GATE & 0xfff8) + 4] = 1;
    for (unsigned v = 0; v < 256; v++) {
        bool error = v == 8 || (v >= 10 && v <= 14) || v == 17;
        unsigned type = lock_chance(&s, 30) ? SYS_TRAP32 : SYS_INT32,
                 dpl = v < 32 && lock_chance(&s, 20) ? 0 : 3;
        put_gate(p->image + LOCK_IDT + 8 * v, SEL_CODE0, LOCK_HANDLERS + (error ? 2 : 0), type,
                 dpl);
        st16(p->image + 4 * v, LOCK_HANDLERS + 0x200); /* the real-mode vectors */
        st16(p->image + 4 * v + 2, 0);
    }
    st32(tss + 4, LOCK_STACK0);
    st16(tss + 8, SEL_DATA0);
    st16(tss + 0x66, 0x88); /* ports; the redirection map of VME lies in the 32 bytes below */
    for (unsigned i = 0x68; i < 0x108; i++)
        tss[i] = i < 0x88 ? (u8)lock_rnd(&s) : (u8)(lock_rnd(&s) & lock_rnd(&s));
    tss[0x108] = 0xff;
}

/* Handlers: look up where the program goes on behind the saved EIP, put that into the frame,
 * return. Behind its end: halt. They use CS and the stack only, so any data segments do. */
static void put_handlers(struct lock_prog *p)
{
    static const u8 h32[] = {
        0x6a, 0x00,                               /* push 0 (no error code) */
        0x50,                                     /* 2: push eax */
        0x8b, 0x44, 0x24, 0x08,                   /* mov eax, [esp+8] */
        0x2d, 0,    0,    0,    0,                /* sub eax, START */
        0x3d, 0,    0,    0,    0,                /* cmp eax, SIZE */
        0x73, 24,                                 /* jae halt */
        0x2e, 0x0f, 0xb7, 0x84, 0x00, 0, 0, 0, 0, /* movzx eax, word cs:[eax+eax+TABLE] */
        0x05, 0,    0,    0,    0,                /* add eax, START */
        0x36, 0x89, 0x44, 0x24, 0x08,             /* mov ss:[esp+8], eax */
        0x58,                                     /* pop eax */
        0x83, 0xc4, 0x04,                         /* add esp, 4 */
        0xcf,                                     /* iretd */
        0xf4, 0xeb, 0xfd,                         /* halt: hlt; jmp halt */
    };
    static const u8 h16[] = {
        0x55, 0x89, 0xe5, 0x50,       /* push bp; mov bp, sp; push ax */
        0x8b, 0x46, 0x02,             /* mov ax, [bp+2] */
        0x2d, 0,    0,                /* 7: sub ax, START */
        0x3d, 0,    0,                /* 10: cmp ax, SIZE */
        0x73, 20,                     /* jae halt */
        0x53, 0x89, 0xc3, 0x01, 0xdb, /* push bx; mov bx, ax; add bx, bx */
        0x2e, 0x8b, 0x87, 0,    0,    /* 20: mov ax, cs:[bx+TABLE] */
        0x05, 0,    0,                /* 25: add ax, START */
        0x89, 0x46, 0x02,             /* mov [bp+2], ax */
        0x5b, 0x58, 0x5d, 0xcf,       /* pop bx, ax, bp; iret */
        0xf4, 0xeb, 0xfd,             /* halt */
    };
    u8 *a = p->image + LOCK_HANDLERS, *b = a + 0x200;
    memcpy(a, h32, sizeof(h32));
    st32(a + 8, (u32)p->start);
    st32(a + 13, p->at[p->n]);
    st32(a + 24, LOCK_TABLE);
    st32(a + 29, (u32)p->start);
    memcpy(b, h16, sizeof(h16));
    st16(b + 8, (u16)p->start);
    st16(b + 11, p->at[p->n]);
    st16(b + 23, LOCK_TABLE);
    st16(b + 26, (u16)p->start);
    for (u32 i = 0, k = 0; i < p->code_len; i++) {
        while (k < p->n && p->at[k] <= i)
            k++;
        st16(p->image + LOCK_TABLE + 2 * i, p->at[k]);
    }
}

/* ---- paging: pages of the first 256 KiB one to one, aliases, the rest absent ---- */
enum { PG_P = 1, PG_W = 2, PG_U = 4, PG_A = 0x20, PG_D = 0x40, PG_LARGE = 0x80, PG_GLOBAL = 0x100 };

static u32 page_rights(u64 *s, u32 phys)
{
    u32 r = PG_P | PG_W | PG_U, k = lock_below(s, 100);
    if (lock_chance(s, 50))
        r |= PG_A | PG_D;
    if (phys >= LOCK_PAGING && phys < LOCK_PAGING + 0x5000)
        return 0; /* programs must not change translations that TLBs hold */
    if (phys < LOCK_CODE || phys >= LOCK_STACK + LOCK_STACK_SIZE)
        return phys == LOCK_MMIO ? r : r & ~(u32)PG_U;
    if (phys < LOCK_DATA)
        return k < 15 ? r & ~(u32)PG_W : r;
    if (phys >= LOCK_STACK)
        return k < 5 ? r & ~(u32)PG_W : r;
    return k < 10 ? 0 : k < 25 ? r & ~(u32)PG_W : k < 35 ? r & ~(u32)PG_U : r;
}

static void put_entry(struct lock_prog *p, u32 table, unsigned i, u64 v)
{
    if (p->paging == PAGING_PAE)
        st64(p->image + table + 8 * i, v);
    else
        st32(p->image + table + 4 * i, (u32)v);
}

static void put_paging(struct lock_prog *p)
{
    bool pae = p->paging == PAGING_PAE;
    u32 dir = pae ? LOCK_PAGING + 0x1000 : LOCK_PAGING, table = dir + 0x1000, global, percent;
    u64 s = p->seed ^ 0x9a6e, group = p->seed >> 5;
    memset(p->image + LOCK_PAGING, 0, 0x5000);
    if (p->paging == PAGING_OFF)
        return;
    if (pae)
        st64(p->image + LOCK_PAGING, dir | PG_P);
    put_entry(p, dir, 0, table | PG_P | PG_W | PG_U);
    /* All or few, for 32 seeds alike: translators live that long, and they note that all are. */
    percent = lock_rnd(&group) & 1 ? 100 : 30;
    global = percent == 100 || lock_chance(&s, 40) ? PG_GLOBAL : 0;
    if (p->pse)
        put_entry(p, dir, pae ? 2 : 1, PG_P | PG_W | PG_U | PG_LARGE | global);
    for (u32 i = 0; i < LOCK_RAM >> PAGE_BITS; i++) {
        u32 rights = page_rights(&s, i << PAGE_BITS);
        put_entry(p, table, i,
                  rights ? i << PAGE_BITS | rights | (lock_chance(&s, percent) ? global : 0) : 0);
    }
    for (u32 i = 0; i < 16; i++) {
        u32 phys = i < 4 ? LOCK_CODE + ((i & 1) << PAGE_BITS) : LOCK_DATA + ((i & 7) << PAGE_BITS);
        put_entry(p, table, (LOCK_ALIAS >> PAGE_BITS) + i, phys | PG_P | PG_W | PG_U);
    }
}

bool lock_remap(const struct lock_prog *p, struct lock_machine *m, u32 la)
{
    bool pae = p->paging == PAGING_PAE;
    u32 at = LOCK_PAGING + (pae ? 0x2000 + 8 * (la >> PAGE_BITS) : 0x1000 + 4 * (la >> PAGE_BITS));
    u8 *entry = m->ram.host + at;
    /* The two versions are LOCK_CODE2 - LOCK_CODE = 8000h apart, for data as well. */
    st32(entry, ld32(entry) ^ (LOCK_CODE2 - LOCK_CODE));
    ram_wrote(&m->ram, at, 4);
    return ld32(entry) & PG_GLOBAL;
}

void lock_image(struct lock_prog *p)
{
    u64 s = p->seed ^ 0xda7a;
    memset(p->image, 0, LOCK_RAM);
    for (u32 i = 0; i < LOCK_DATA_SIZE; i += 8)
        st64(p->image + LOCK_DATA + i, i & 64 ? lock_rnd(&s) : lock_rnd(&s) & 0x7f000000ffull);
    /* What a stray RET finds: small numbers, and places in the program. */
    for (u32 i = 0; i < LOCK_STACK_SIZE; i += 4)
        st32(p->image + LOCK_STACK + i, (u32)p->start + p->at[lock_below(&s, p->n + 1)]);
    st32(p->image + LOCK_SMM, 0xaa0f4140); /* inc ax; inc cx; rsm */
    put_tables(p);
    put_handlers(p);
    put_paging(p);
    if (p->kind == LOCK_LONG)
        lock_image64(p);
    memcpy(p->image + p->code_at, p->code, p->code_len);
    memcpy(p->image + LOCK_CODE2, p->image + LOCK_CODE, 2 * PAGE_SIZE);
    for (u32 k = 0; k < p->n; k++)
        if (lock_chance(&s, 15))
            memset(p->image + LOCK_CODE2 - LOCK_CODE + p->code_at + p->at[k], 0x90,
                   p->insns[k].len);
}

/* ---- the state at the start ---- */
static void choose_segments(struct lock_prog *p, u64 *s)
{
    static const u16 any[] = {SEL_DATA3,     SEL_SMALL,     SEL_DOWN32, SEL_DOWN16, SEL_READ,
                              SEL_STACK16_3, SEL_STACK32_3, SEL_DATA3,  0};
    u16 code, stack, flat = p->user ? SEL_DATA3 : SEL_DATA0;
    switch (p->kind) {
    case LOCK_REAL:
    case LOCK_V86:
        for (unsigned i = 0; i < SEG__COUNT; i++)
            p->sel[i] = (u16)(LOCK_DATA / 16 + lock_below(s, 0x100));
        p->sel[SEG_CS] = LOCK_CODE / 16;
        p->sel[SEG_FS] = LOCK_CODE / 16;
        p->sel[SEG_SS] = LOCK_STACK / 16;
        return;
    case LOCK_SEG32:
        code = p->user ? SEL_CODE3 : SEL_CODE0;
        stack = p->user ? SEL_STACK32_3 : SEL_STACK32;
        if (lock_chance(s, 40))
            stack = p->user ? SEL_STACK16_3 : SEL_STACK16;
        break;
    case LOCK_PM16:
        code = p->user ? SEL_CODE16_3 : SEL_CODE16;
        stack = p->user ? SEL_STACK16_3 : SEL_STACK16;
        if (lock_chance(s, 40))
            stack = flat;
        break;
    default:
        code = p->user ? SEL_CODE3 : SEL_CODE0;
        for (unsigned i = 0; i < SEG__COUNT; i++)
            p->sel[i] = flat;
        p->sel[SEG_CS] = code;
        return;
    }
    for (unsigned i = 0; i < SEG__COUNT; i++)
        p->sel[i] = lock_chance(s, 35) ? flat : any[lock_below(s, ARRAY_LEN(any))];
    if (lock_chance(s, 8) && (p->kind == LOCK_SEG32) == p->user)
        code = p->user ? SEL_SHORT32 : SEL_SHORT16;
    p->sel[SEG_CS] = code;
    p->sel[SEG_SS] = stack;
}

/* Bases and limits, for addresses that mean something. */
static void note_bases(struct lock_prog *p)
{
    struct want w[24];
    u32 n;
    descriptors(p, w, &n);
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        p->base[i] = p->kind == LOCK_REAL || p->kind == LOCK_V86 ? p->sel[i] * 16u : 0;
        p->limit[i] = 0xffff;
        for (u32 k = 0; p->kind != LOCK_REAL && p->kind != LOCK_V86 && k < n; k++)
            if ((w[k].sel & 0xfff8) == (p->sel[i] & 0xfff8)) {
                p->base[i] = w[k].base;
                p->limit[i] = w[k].attr & DA_G ? ~0u : w[k].limit;
            }
    }
    p->code_base = p->base[SEG_CS];
}

void lock_choose(struct lock_prog *p, u64 *s)
{
    u32 at;
    p->bits = p->kind >= LOCK_PM16 ? 16 : 32;
    p->user = p->kind == LOCK_USER32 || p->kind == LOCK_V86 ||
              ((p->kind == LOCK_SEG32 || p->kind == LOCK_PM16 || p->kind == LOCK_LONG) && lock_chance(s, 50));
    choose_segments(p, s);
    note_bases(p);
    at = lock_chance(s, 60) ? lock_below(s, 0x800) : 0x1000 - lock_below(s, 200);
    p->code_at = LOCK_CODE + at;
    p->start = p->code_at - p->code_base;
    for (unsigned r = 0; r < 8; r++)
        p->gpr[r] = lock_chance(s, 50)   ? (u32)lock_rnd(s)
                    : lock_chance(s, 50) ? (u32)(lock_rnd(s) & 0xff)
                                         : 0u - lock_below(s, 3);
    p->gpr[REG_CX] = lock_below(s, 20);
    p->gpr[REG_SP] = LOCK_STACK + LOCK_STACK_SIZE - 0x400 - p->base[SEG_SS] +
                     (lock_chance(s, 10) ? lock_below(s, 4) : 0);
    if (p->base[SEG_SS] == LOCK_DATA)
        p->gpr[REG_SP] = 0x7c00;
    if (p->bits == 16 && lock_chance(s, 80))
        p->gpr[REG_SP] &= p->base[SEG_SS] || p->kind == LOCK_REAL ? 0xffff : ~0u;
    p->eflags = (u32)lock_rnd(s) & (F_ALL | FL_IF);
    p->eflags |= lock_chance(s, 15) ? FL_DF : 0;
    p->eflags |= p->user && lock_chance(s, 60) ? FL_IOPL : 0;
    p->eflags |= p->kind == LOCK_V86 ? FL_VM : 0;
    p->eflags |= !p->simple && lock_chance(s, 3) ? FL_AC : 0;
    if (!p->simple && lock_chance(s, 2))
        p->eflags |= FL_TF;
    if (p->kind == LOCK_LONG)
        lock_choose64(p, s);
}

static void put_segments(const struct lock_prog *p, struct cpu *cpu)
{
    struct want w[24];
    u32 n;
    descriptors(p, w, &n);
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        struct seg v = {.sel = p->sel[i]};
        if (p->kind == LOCK_V86 || p->kind == LOCK_REAL) {
            p->kind == LOCK_V86 ? seg_put_v86(cpu, i, p->sel[i]) : seg_put_real(cpu, i, p->sel[i]);
            continue;
        }
        for (u32 k = 0; k < n; k++)
            if ((w[k].sel & 0xfff8) == (p->sel[i] & 0xfff8)) {
                v.base = w[k].base;
                v.limit = w[k].attr & DA_G ? w[k].limit << 12 | 0xfff : w[k].limit;
                v.attr = w[k].attr | DA_ACCESSED;
            }
        seg_put(cpu, i, &v);
    }
}

/* In some programs what 53 bits of precision leave, and a stack with something on it and room. */
static void put_doubles(struct fpu *f, u64 s)
{
    if (!lock_chance(&s, 35))
        return;
    f->cw = 0x27f;
    f->sw = lock_chance(&s, 70) ? 0x20 : 0;
    f->empty = 0;
    for (unsigned i = 0; i < 8; i++) {
        if (i > 4)
            f->empty |= (u8)BIT((f->top + i) & 7);
        if (lock_chance(&s, 90))
            f->st[i] = (struct f80){(lock_rnd(&s) | BIT64(63)) & ~0x7ffull,
                                    (u16)(0x3ff8 + lock_below(&s, 16) + (lock_below(&s, 2) << 15))};
    }
}

/* Mostly with all exceptions masked, as programs have it, and with values of all kinds. */
static void put_fpu(struct cpu *cpu, u64 *s)
{
    struct fpu *f = &cpu->fpu;
    if (lock_chance(s, 20))
        return;
    f->cw = (u16)(0x7f | (lock_chance(s, 60) ? 0x300 : lock_below(s, 4) << 8) |
                  (lock_chance(s, 70) ? 0 : lock_below(s, 4) << 10));
    f->top = (u8)lock_below(s, 8);
    f->empty = lock_chance(s, 50) ? 0xff : (u8)lock_rnd(s);
    for (unsigned i = 0; i < 8; i++) {
        u32 k = lock_below(s, 10);
        f->st[i].frac = lock_rnd(s) | (k < 8 ? BIT64(63) : 0);
        f->st[i].se = (u16)(k < 6   ? 0x3fff + lock_below(s, 40) - 20 + (lock_below(s, 2) << 15)
                            : k < 8 ? 0x7fff
                                    : lock_rnd(s));
    }
    put_doubles(f, *s ^ 53);
    cpu->mxcsr = 0x1f80 | (lock_chance(s, 30) ? lock_below(s, 4) << 13 : 0) |
                 (lock_chance(s, 10) ? 0x8000 : 0);
    if (lock_chance(s, 5))
        cpu->mxcsr &= ~BIT(7 + lock_below(s, 6));
    for (unsigned i = 0; i < 16; i++) {
        cpu->xmm[i].q[0] = lock_chance(s, 50) ? lock_rnd(s) : 0x3ff0000000000000ull + lock_rnd(s) % 9999;
        cpu->xmm[i].q[1] = lock_chance(s, 50) ? lock_rnd(s) : 0x3f8000003f800001ull;
    }
}

void lock_enter(const struct lock_prog *p, struct lock_machine *m)
{
    struct cpu *cpu = m->cpu;
    u64 s = p->seed ^ 0xf9;
    lock_machine_reset(m, p->image);
    for (unsigned r = 0; r < 16; r++)
        cpu->gpr[r] = p->gpr[r];
    cpu->gdt = (struct dtable){LOCK_GDT, GDT_SIZE - 1};
    cpu->idt = (struct dtable){p->kind == LOCK_REAL ? 0 : LOCK_IDT, 0x7ff};
    cpu->tr = (struct seg){.base = LOCK_TSS, .limit = 0x110, .attr = DA_P | 0xb00, .sel = SEL_TSS};
    cpu->sysenter_cs = SEL_CODE0, cpu->sysenter_esp = LOCK_STACK0, cpu->sysenter_eip = LOCK_CODE;
    if (cpu_has(cpu, FEAT_SSE) && lock_chance(&s, 90))
        cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (p->kind == LOCK_V86 && cpu_has(cpu, FEAT_VME) && lock_chance(&s, 40))
        cpu->cr4 |= CR4_VME;
    if (p->paging == PAGING_PAE)
        cpu->cr4 |= CR4_PAE;
    if (p->pse)
        cpu->cr4 |= CR4_PSE;
    if (p->pse && cpu_has(cpu, FEAT_PGE))
        cpu->cr4 |= CR4_PGE;
    put_fpu(cpu, &s);
    cpu->cr3 = LOCK_PAGING;
    cpu->cr0 = CR0_ET | (lock_chance(&s, 80) ? CR0_NE : 0) | (lock_chance(&s, 5) ? CR0_TS : 0) |
               (p->wp ? CR0_WP : 0);
    if (p->kind != LOCK_REAL)
        cpu->cr0 |= CR0_PE | (p->paging ? CR0_PG : 0);
    if (!p->simple && lock_chance(&s, 30))
        cpu->cr0 |= CR0_AM;
    cpu_set_eflags(cpu, (u32)p->eflags);
    if (p->kind == LOCK_LONG)
        lock_enter64(p, cpu);
    ctrl_push_mode(cpu);
    cpu->cpl = p->user ? 3 : 0;
    p->kind == LOCK_LONG ? lock_segments64(p, cpu) : put_segments(p, cpu);
    cpu->rip = cpu->next_rip = p->start;
    cpu_update_mode(cpu);
    seg_update_all(cpu);
    cpu_update_mode(cpu);
    debug_update(cpu);
    if (lock_chance(&s, 50))
        for (u32 i = 0; i < LOCK_RAM >> PAGE_BITS; i++)
            if (lock_chance(&s, 50))
                ram_test_clear_dirty(&m->ram, i, DIRTY_SNAP);
}
