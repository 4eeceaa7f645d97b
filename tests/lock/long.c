/* The world around a random 64-bit program: four-level page tables that show the first 2 MiB four
 * times, 16-byte gates, a 64-bit TSS and handlers that skip what faulted (SDM vol. 3 ch. 2, 4, 5,
 * 6). */
#include "cpu/sys/seg.h"
#include "tests/lock/gen.h"

#include <string.h>

enum {
    SEL_TSS64 = 0xb0, /* two places */
    SEL_CODE64 = 0xc0,
    SEL_DATA64 = 0xc8,
    SEL_COMPAT_3 = 0xd3,
    SEL_DATA64_3 = 0xdb,
    SEL_CODE64_3 = 0xe3,
};
enum { PG_P = 1, PG_W = 2, PG_U = 4 };

/* Low, the last 2 MiB of the lower half, the first of the upper half, and where kernels live. */
const u64 lock_views[LOCK_VIEWS] = {0, 0x7fffffe00000ull, 0xffff800000000000ull,
                                    0xffffffffc0000000ull};

void lock_choose64(struct lock_prog *p, u64 *s)
{
    u32 k = lock_below(s, 100);
    p->bits = 64;
    p->start = lock_views[k < 40 ? 0 : k < 50 ? 1 : k < 65 ? 2 : 3] + p->code_at;
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        p->sel[i] = p->user ? SEL_DATA64_3 : SEL_DATA64;
        p->base[i] = 0;
    }
    p->sel[SEG_CS] = p->user ? SEL_CODE64_3 : SEL_CODE64;
    p->base[SEG_FS] = lock_views[lock_below(s, LOCK_VIEWS)] + lock_below(s, 0x1000);
    p->base[SEG_GS] = lock_chance(s, 20) ? 0 : lock_views[3] + LOCK_DATA;
    for (unsigned r = 0; r < 16; r++)
        p->gpr[r] = lock_chance(s, 40)   ? lock_rnd(s)
                    : lock_chance(s, 50) ? lock_rnd(s) & 0xffff
                    : lock_chance(s, 60)
                        ? lock_views[lock_below(s, LOCK_VIEWS)] + LOCK_DATA + lock_below(s, 0x7000)
                        : 0 - (u64)lock_below(s, 3);
    p->gpr[REG_CX] = lock_below(s, 20);
    p->gpr[REG_SP] = lock_views[lock_below(s, LOCK_VIEWS)] + LOCK_STACK + LOCK_STACK_SIZE - 0x400 +
                     (lock_chance(s, 10) ? lock_below(s, 8) : 0);
}

static void put_desc(u8 *gdt, unsigned sel, u32 attr)
{
    st32(gdt + (sel & ~7u), 0xffff);
    st32(gdt + (sel & ~7u) + 4, 0xf0000 | DA_P | DA_G | DA_ACCESSED | attr);
}

static void put_gate64(u8 *p, unsigned sel, u64 off, unsigned type, unsigned dpl, unsigned ist)
{
    st32(p, sel << 16 | (u32)(off & 0xffff));
    st32(p + 4, (u32)(off & 0xffff0000) | DA_P | dpl << 13 | type << 8 | ist);
    st32(p + 8, (u32)(off >> 32));
    st32(p + 12, 0);
}

static void put_tables64(struct lock_prog *p, u64 *s)
{
    enum { CODE = DA_S | DA_CODE | DA_READ, DATA = DA_S | DA_WRITE | DA_DB };
    u8 *gdt = p->image + LOCK_GDT, *tss = p->image + LOCK_TSS;
    u64 handlers = lock_views[lock_chance(s, 50) ? 0 : 3] + LOCK_HANDLERS;
    st32(gdt + SEL_TSS64, LOCK_TSS << 16 | 0x110);
    st32(gdt + SEL_TSS64 + 4, DA_P | 0xb00);
    put_desc(gdt, SEL_CODE64, CODE | DA_L);
    put_desc(gdt, SEL_DATA64, DATA);
    put_desc(gdt, SEL_COMPAT_3, CODE | DA_DB | DA_DPL);
    put_desc(gdt, SEL_DATA64_3, DATA | DA_DPL);
    put_desc(gdt, SEL_CODE64_3, CODE | DA_L | DA_DPL);
    for (unsigned v = 0; v < 256; v++) {
        bool error = v == 8 || (v >= 10 && v <= 14) || v == 17;
        put_gate64(p->image + LOCK_IDT + 16 * v, SEL_CODE64, handlers + (error ? 2 : 0),
                   lock_chance(s, 30) ? 15 : 14, v < 32 && lock_chance(s, 20) ? 0 : 3,
                   lock_chance(s, 15) ? 1 + lock_below(s, 2) : 0);
    }
    st64(tss + 4, LOCK_STACK0);
    st64(tss + 0x24, lock_views[2] + LOCK_STACK0 - 0x400);
    st64(tss + 0x2c, lock_views[3] + LOCK_STACK0 - 0x800);
}

/* As the handlers of other worlds: look up where the program goes on, put it into the frame. */
static void put_handlers64(struct lock_prog *p)
{
    static const u8 h64[] = {
        0x6a, 0x00,                                   /* push 0 (no error code) */
        0x50,                                         /* 2: push rax */
        0x48, 0x8b, 0x44, 0x24, 0x10,                 /* mov rax, [rsp+16] */
        0x48, 0x2b, 0x05, 45,   0,    0, 0,           /* 8: sub rax, [rip+LITERAL] */
        0x48, 0x3d, 0,    0,    0,    0,              /* 15: cmp rax, SIZE */
        0x73, 27,                                     /* 21: jae halt */
        0x0f, 0xb7, 0x04, 0x45, 0,    0, 0, 0,        /* 23: movzx eax, word [rax*2+TABLE] */
        0x48, 0x03, 0x05, 22,   0,    0, 0,           /* 31: add rax, [rip+LITERAL] */
        0x48, 0x89, 0x44, 0x24, 0x10,                 /* 38: mov [rsp+16], rax */
        0x58,                                         /* 43: pop rax */
        0x48, 0x83, 0xc4, 0x08,                       /* 44: add rsp, 8 */
        0x48, 0xcf,                                   /* 48: iretq */
        0xf4, 0xeb, 0xfd,                             /* 50: halt: hlt; jmp halt */
        0,    0,    0,    0,    0,    0, 0,           /* 60: LITERAL: START */
    };
    static const u8 syscall_entry[] = {
        0x0f, 0x01, 0xf8,             /* swapgs */
        0x48, 0xff, 0x05, 0, 0, 0, 0, /* inc qword [rip]: code that changes itself */
        0x48, 0x0f, 0x07,             /* sysretq */
    };
    u8 *a = p->image + LOCK_HANDLERS;
    memcpy(a, h64, sizeof(h64));
    st32(a + 17, p->at[p->n]);
    st32(a + 27, LOCK_TABLE);
    st64(a + 60, p->start);
    memcpy(a + 0x300, syscall_entry, sizeof(syscall_entry));
    a[0x304] = 0x90, a[0x305] = 0x90, a[0x303] = 0x90;
    memset(a + 0x306, 0x90, 4);
}

/* The PAE tables that are there already show memory at 0: hang them under a fourth level, four
 * times. */
static void put_paging64(struct lock_prog *p)
{
    u8 *top = p->image + LOCK_PML4, *pointers = p->image + LOCK_PAGING,
       *dir = p->image + LOCK_PAGING + 0x1000, *table = p->image + LOCK_PAGING + 0x2000;
    u64 rights = PG_P | PG_W | PG_U;
    memset(top, 0, PAGE_SIZE);
    st64(top + 8 * 0, LOCK_PAGING | rights);
    st64(top + 8 * 255, LOCK_PAGING | rights);
    st64(top + 8 * 256, LOCK_PAGING | rights);
    st64(top + 8 * 511, LOCK_PAGING | rights);
    st64(pointers, (LOCK_PAGING + 0x1000) | rights);
    st64(pointers + 8 * 511, (LOCK_PAGING + 0x1000) | rights);
    st64(dir + 8 * 511, ld64(dir));
    st64(table + 8 * 511, LOCK_DATA | rights); /* so that the end of the lower half is there */
}

void lock_image64(struct lock_prog *p)
{
    u64 s = p->seed ^ 0x64b1;
    for (u32 i = 0; i < LOCK_STACK_SIZE; i += 8)
        st64(p->image + LOCK_STACK + i, p->start + p->at[lock_below(&s, p->n + 1)]);
    put_tables64(p, &s);
    put_handlers64(p);
    put_paging64(p);
}

void lock_enter64(const struct lock_prog *p, struct cpu *cpu)
{
    u64 s = p->seed ^ 0xe64;
    cpu->efer = EFER_LME | EFER_LMA | (lock_chance(&s, 90) ? EFER_SCE : 0) |
                (lock_chance(&s, 50) ? EFER_NXE : 0);
    cpu->cr0 |= CR0_PE | CR0_PG;
    cpu->cr4 |= CR4_PAE;
    cpu->cr3 = LOCK_PML4;
    cpu->idt = (struct dtable){LOCK_IDT, 0xfff};
    cpu->tr = (struct seg){.base = LOCK_TSS, .limit = 0x110, .attr = DA_P | 0xb00, .sel = SEL_TSS64};
    cpu->star = (u64)SEL_CODE64 << 32 | (u64)SEL_COMPAT_3 << 48;
    cpu->lstar = cpu->cstar = lock_views[3] + LOCK_HANDLERS + 0x300;
    cpu->sfmask = lock_chance(&s, 50) ? FL_TF | FL_IF | FL_DF : 0;
    cpu->kernel_gs_base = lock_views[2] + LOCK_DATA + 0x3000;
}

void lock_segments64(const struct lock_prog *p, struct cpu *cpu)
{
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        struct seg v = {.sel = p->sel[i],
                        .base = p->base[i],
                        .limit = ~0u,
                        .attr = DA_P | DA_S | DA_G | DA_ACCESSED | (p->user ? (u32)DA_DPL : 0u) |
                                (i == SEG_CS ? DA_CODE | DA_READ | DA_L : DA_WRITE | DA_DB)};
        seg_put(cpu, i, &v);
    }
}
