/* The monitor's start: descriptor tables, the task state segment, page tables, then into V86 mode
 * where EMM.COM left off. */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

enum {
    IDT_GATE = 0x8e00,
    IDT_USER = 0x6000,
    SEL_TSS = 0x18,
    SEL_LDT = 0x20,
    SEL_CODE16 = 0x28,
    SEL_DATA16 = 0x30,
    GDT_SIZE = 16
};

struct monitor mon;
struct tss tss;
u64 gdt[GDT_SIZE];
static u64 idt[256];

struct table_register {
    u16 limit;
    u32 base;
} __attribute__((packed));

u64 make_descriptor(u32 base, u32 limit, u32 rights)
{
    u32 low = base << 16 | (limit & 0xffff);
    u32 high = (base & 0xff000000) | (base >> 16 & 0xff) | (limit & 0xf0000) | rights;

    return (u64)high << 32 | low;
}

static void make_gdt(void)
{
    gdt[SEL_CODE / 8] = make_descriptor(0, 0xfffff, 0x00c09b00);
    gdt[SEL_DATA / 8] = make_descriptor(0, 0xfffff, 0x00c09300);
    gdt[SEL_TSS / 8] = make_descriptor((u32)&tss, sizeof(tss) - 1, 0x00008900);
    gdt[SEL_LDT / 8] = make_descriptor((u32)ldt, sizeof(ldt) - 1, 0x00008200);
    gdt[SEL_CODE16 / 8] = make_descriptor(mon.info.cs * 16u, 0xffff, 0x00009b00);
    gdt[SEL_DATA16 / 8] = make_descriptor(0, 0xffff, 0x00009300);
}

/* Interrupt gates that only the processor and devices may use; INT3 and INTO come from V86 mode and
 * do not ask IOPL, so their gates are open to ring 3. */
static void make_idt(void)
{
    u32 i;

    for (i = 0; i < 256; i++) {
        u32 at = (u32)vectors[i];
        u32 rights = IDT_GATE | (i == 3 || i == 4 ? IDT_USER : 0);

        idt[i] = (u64)((at & 0xffff0000) | rights) << 32 | (u32)SEL_CODE << 16 | (at & 0xffff);
    }
}

static void make_tss(void)
{
    tss.esp0 = (u32)stack_top;
    tss.ss0 = SEL_DATA;
    tss.iomap = offsetof(struct tss, bitmap);
    memset(tss.bitmap, 0, sizeof(tss.bitmap));
    tss.end = 0xff;
    memset(tss.redirect, 0, sizeof(tss.redirect));
    tss.redirect[0x15 / 8] |= 1 << (0x15 & 7); /* INT 15h AH=87h is ours */
    tss.redirect[0x2f / 8] |= 1 << (0x2f & 7); /* and INT 2Fh AX=1687h */
}

void monitor_main(const struct monitor_info *info)
{
    struct table_register gdtr = {GDT_SIZE * 8 - 1, (u32)gdt}, idtr = {sizeof(idt) - 1, (u32)idt};
    struct frame f;

    mon.info = *info;
    make_gdt();
    make_idt();
    make_tss();
    pages_init();
    load_tables(&gdtr, &idtr, SEL_TSS);
    __asm__ volatile("lldt %w0" : : "r"(SEL_LDT));
    ports_init();
    ems_init();

    memset(&f, 0, sizeof(f));
    f.eip = info->ip;
    f.cs = info->cs;
    f.esp = info->sp;
    f.ss = info->ss;
    f.v_ds = f.v_es = f.v_fs = f.v_gs = info->ds;
    f.ds = f.es = f.fs = f.gs = SEL_DATA;
    f.eflags = EF_VM | 2; /* interrupts off, as they were */
    set_mode(&f, MODE_PLAIN);
    enter_v86(&f);
}
