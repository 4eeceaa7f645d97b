/* The common half of the test ROMs: result, traps, descriptor tables (Intel SDM volume 3). */
#include "roms/test/lib/test.h"
#include "roms/lib/apic.h"

enum { DEBUG_PORT = 0xe9, EXIT_PORT = 0x501, USER_STACK = 0x9f000, KERNEL_STACK = 0x98000 };

struct table_reg {
    u16 limit;
    u32 base;
} __attribute__((packed));

struct trap last;
struct tss32 main_tss;
u64 gdt[GDT_SIZE] __attribute__((aligned(8)));
u64 idt[VEC_COUNT] __attribute__((aligned(8)));
volatile u32 page_directory[1024] __attribute__((aligned(4096)));
static volatile u32 page_tables[2][1024] __attribute__((aligned(4096)));

static void (*hooks[VEC_COUNT])(struct frame *);
static void (*user_fn)(void);

extern const u8 intr_entries[];
extern u32 trap_esp;

void test_main(void);
void trap_dispatch(struct frame *f);

void say(const char *s)
{
    for (; *s != 0; s++)
        outb(DEBUG_PORT, (u8)*s);
}

void say_hex(u32 v)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        outb(DEBUG_PORT, (u8) "0123456789abcdef"[v >> shift & 15]);
}

static void say_number(u32 v)
{
    if (v >= 10)
        say_number(v / 10);
    outb(DEBUG_PORT, (u8)('0' + v % 10));
}

__attribute__((noreturn)) static void finish(u8 code)
{
    outb(EXIT_PORT, code);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void test_fail(int line)
{
    /* A failure may come while paging or odd segments are on; port output needs none of them. */
    say("FAIL line ");
    say_number((u32)line);
    say("\n");
    finish(1);
}

void test_eq(int line, u32 got, u32 want)
{
    if (got == want)
        return;
    say("got ");
    say_hex(got);
    say(" want ");
    say_hex(want);
    say(" ");
    test_fail(line);
}

static void unexpected(const struct frame *f)
{
    say("unexpected trap ");
    say_hex(f->vector);
    say(" error ");
    say_hex(f->error);
    say(" at ");
    say_hex(f->cs);
    say(":");
    say_hex(f->eip);
    say(" cr2 ");
    say_hex(last.cr2);
    say(" ");
    test_fail(0);
}

void trap_hook(u32 vector, void (*hook)(struct frame *f))
{
    hooks[vector] = hook;
}

void trap_dispatch(struct frame *f)
{
    last.f = *f;
    last.cr2 = read_cr2();
    last.count++;
    if (hooks[f->vector] != NULL)
        hooks[f->vector](f);
    else if (trap_esp != 0)
        trap_unwind(f->vector);
    else
        unexpected(f);
}

static void to_user(void)
{
    enter_user(user_fn, USER_STACK);
}

u32 user_run(void (*fn)(void))
{
    user_fn = fn;
    return trap_run(to_user);
}

u64 make_segment(u32 base, u32 limit, u8 access, u8 flags)
{
    return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)access << 40 |
           (u64)(limit >> 16 & 15) << 48 | (u64)flags << 52 | (u64)(base >> 24) << 56;
}

u64 make_gate(u16 selector, u32 offset, u8 access, u8 params)
{
    return (offset & 0xffff) | (u32)selector << 16 | (u64)params << 32 | (u64)access << 40 |
           (u64)(offset >> 16) << 48;
}

void set_gdt(u16 selector, u64 descriptor)
{
    gdt[selector >> 3] = descriptor;
}

void set_gate(u32 vector, u8 access)
{
    idt[vector] = make_gate(SEL_CODE, (u32)intr_entries + 16 * vector, access, 0);
}

static void load_tables(void)
{
    struct table_reg g = {sizeof(gdt) - 1, (u32)gdt}, i = {sizeof(idt) - 1, (u32)idt};

    set_gdt(SEL_CODE, make_segment(0, 0xfffff, ACC_CODE, SEG_32 | SEG_PAGES));
    set_gdt(SEL_DATA, make_segment(0, 0xfffff, ACC_DATA, SEG_32 | SEG_PAGES));
    set_gdt(SEL_CODE3, make_segment(0, 0xfffff, ACC_CODE | ACC_DPL3, SEG_32 | SEG_PAGES));
    set_gdt(SEL_DATA3, make_segment(0, 0xfffff, ACC_DATA | ACC_DPL3, SEG_32 | SEG_PAGES));
    set_gdt(SEL_TSS, make_segment((u32)&main_tss, sizeof(main_tss) - 1, ACC_TSS32, 0));
    for (u32 v = 0; v < VEC_COUNT; v++)
        set_gate(v, v == VEC_USER ? ACC_INT_GATE | ACC_DPL3 : ACC_INT_GATE);
    main_tss.ss0 = SEL_DATA;
    main_tss.esp0 = KERNEL_STACK;
    main_tss.iomap = offsetof(struct tss32, bitmap);
    memset(main_tss.bitmap, 0xff, sizeof(main_tss.bitmap));
    __asm__ volatile("lgdt %0\n\t"
                     "lidt %1\n\t"
                     "ljmp %3, $1f\n"
                     "1:\n\t"
                     "mov %2, %%ds\n\t"
                     "mov %2, %%es\n\t"
                     "mov %2, %%fs\n\t"
                     "mov %2, %%gs\n\t"
                     "mov %2, %%ss\n\t"
                     "ltr %w4"
                     :
                     : "m"(g), "m"(i), "r"(SEL_DATA), "i"(SEL_CODE), "r"(SEL_TSS)
                     : "memory");
}

volatile u32 *pte(u32 address)
{
    return &page_tables[address >> 22 & 1][address >> 12 & 1023];
}

void paging_on(void)
{
    memset((void *)page_directory, 0, sizeof(page_directory));
    memset((void *)page_tables[1], 0, sizeof(page_tables[1]));
    for (u32 i = 0; i < 1024; i++)
        page_tables[0][i] = i << 12 | PTE_P | PTE_W | PTE_U;
    page_directory[0] = (u32)page_tables[0] | PTE_P | PTE_W | PTE_U;
    page_directory[1] = (u32)page_tables[1] | PTE_P | PTE_W | PTE_U;
    write_cr3((u32)page_directory);
    write_cr0(read_cr0() | 0x80010000u);
}

void paging_off(void)
{
    write_cr0(read_cr0() & ~0x80010000u);
}

/* The interrupt controllers: our vectors, everything masked. */
static void pic_init(void)
{
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, VEC_IRQ0);
    outb(0xa1, VEC_IRQ0 + 8);
    outb(0x21, 4);
    outb(0xa1, 2);
    outb(0x21, 1);
    outb(0xa1, 1);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);
}

void test_main(void)
{
    load_tables();
    pic_init();
    apic_transparent();
    run_test();
    say("PASS\n");
    finish(0);
}
