/* Descriptor tables, the two interrupt controllers and the dispatch to C (Intel SDM volume 3,
 * chapter 6; 8259A data sheet). */
#include "roms/demo/intr.h"
#include "roms/demo/console.h"
#include "roms/lib/io.h"
#include "roms/lib/power.h"

enum {
    SEL_CODE = 0x08,
    GATE_INTERRUPT = 0x8e00, /* present, ring 0, 32-bit interrupt gate */
    PIC1 = 0x20,
    PIC2 = 0xa0,
    PIC_EOI = 0x20,
    PIC_READ_ISR = 0x0b,
};

struct table_reg {
    u16 limit;
    u32 base;
} __attribute__((packed));

/* An interrupt comes without arguments, so the tables it needs have one fixed place. */
static struct {
    u64 gdt[3];
    u64 idt[VEC_COUNT];
    intr_fn *fn[VEC_COUNT];
} intr;

extern const u8 intr_entries[];

static void load_gdt(void)
{
    struct table_reg r = {sizeof(intr.gdt) - 1, (u32)intr.gdt};

    intr.gdt[1] = 0x00cf9b000000ffffull;
    intr.gdt[2] = 0x00cf93000000ffffull;
    __asm__ volatile("lgdt %0\n\t"
                     "ljmp $0x08, $1f\n"
                     "1:\n\t"
                     "mov %1, %%ds\n\t"
                     "mov %1, %%es\n\t"
                     "mov %1, %%fs\n\t"
                     "mov %1, %%gs\n\t"
                     "mov %1, %%ss"
                     :
                     : "m"(r), "r"(0x10)
                     : "memory");
}

static void load_idt(void)
{
    struct table_reg r = {sizeof(intr.idt) - 1, (u32)intr.idt};

    for (u32 v = 0; v < VEC_COUNT; v++) {
        u32 at = (u32)intr_entries + 16 * v;

        intr.idt[v] =
            (u64)((at & 0xffff0000u) | GATE_INTERRUPT) << 32 | SEL_CODE << 16 | (at & 0xffff);
    }
    __asm__ volatile("lidt %0" : : "m"(r));
}

void intr_init(void)
{
    cpu_cli();
    load_gdt();
    load_idt();
    outb(PIC1, 0x11);
    outb(PIC2, 0x11);
    outb(PIC1 + 1, VEC_IRQ0);
    outb(PIC2 + 1, VEC_IRQ0 + 8);
    outb(PIC1 + 1, 0x04);
    outb(PIC2 + 1, 0x02);
    outb(PIC1 + 1, 0x01);
    outb(PIC2 + 1, 0x01);
    outb(PIC1 + 1, 0xff);
    outb(PIC2 + 1, 0xff);
}

void intr_handle(unsigned vector, intr_fn *fn)
{
    if (vector < VEC_COUNT)
        intr.fn[vector] = fn;
}

void intr_unmask(unsigned irq)
{
    u16 port = (irq & 8) != 0 ? PIC2 + 1 : PIC1 + 1;

    outb(port, (u8)(inb(port) & ~(1u << (irq & 7))));
    if ((irq & 8) != 0)
        outb(PIC1 + 1, inb(PIC1 + 1) & 0xfb);
}

/* A line that went away before it was acknowledged shows up as line 7 with no bit in service: not
 * to be answered. */
static bool spurious(unsigned irq)
{
    u16 port = irq == 15 ? PIC2 : PIC1;

    if (irq != 7 && irq != 15)
        return false;
    outb(port, PIC_READ_ISR);
    if ((inb(port) & 0x80) != 0)
        return false;
    if (irq == 15)
        outb(PIC1, PIC_EOI);
    return true;
}

static void unexpected(const struct regs *r)
{
    print("\nunexpected exception %u, error %x\n", r->vector, r->error);
    print("eip %x cs %x eflags %x cr2 %x\n", r->eip, r->cs, r->eflags, read_cr2());
    print("eax %x ebx %x ecx %x edx %x\n", r->eax, r->ebx, r->ecx, r->edx);
    print("esi %x edi %x ebp %x esp %x\n", r->esi, r->edi, r->ebp, r->esp);
    exit_device(0x7f);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void intr_dispatch(struct regs *r)
{
    bool irq = r->vector >= VEC_IRQ0 && r->vector < VEC_IRQ0 + 16;

    if (irq && spurious(r->vector - VEC_IRQ0))
        return;
    if (r->vector < VEC_COUNT && intr.fn[r->vector] != NULL)
        intr.fn[r->vector](r);
    else
        unexpected(r);
    if (irq) {
        if (r->vector >= VEC_IRQ0 + 8)
            outb(PIC2, PIC_EOI);
        outb(PIC1, PIC_EOI);
    }
}
