/* EMMTEST.COM: expanded memory and the V86 monitor behind it: page mapping, DMA through it, virtual
 * interrupt flag, trapped ports, instructions that the monitor does. */
#include "roms/dos/emm/vendor.h"
#include "roms/dos/lib/check.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

static u16 frame; /* segment of the page frame */

/* INT 67h; returns the status. */
static u8 ems(u16 ax, u16 bx, u16 dx, struct cpu_regs *out)
{
    struct cpu_regs r = {.eax = ax, .ebx = bx, .edx = dx};

    cpu_int(0x67, &r);
    if (out != NULL)
        *out = r;
    return r.ah;
}

static const char *present(void)
{
    struct cpu_regs r;
    u16 seg = (u16)(get_vector(0x67) >> 16);
    char name[9];

    far_read(name, seg, 10, 8);
    name[8] = 0;
    CHECK(same_text(name, "EMMXXXX0"), "name in the driver's header");
    CHECK_EQ(ems(0x4000, 0, 0, NULL), 0, "status");
    CHECK_EQ(ems(0x4600, 0, 0, &r), 0, "version");
    CHECK_EQ(r.al, 0x40, "version 4.0");
    CHECK_EQ(ems(0x4100, 0, 0, &r), 0, "page frame");
    frame = r.bx;
    CHECK(frame >= 0xc000, "page frame's segment");
    CHECK_EQ(ems(0x9900, 0, 0, NULL), 0x84, "unknown function");
    return NULL;
}

static const char *mapping(void)
{
    struct cpu_regs r;
    u16 h, other, before, i;

    ems(0x4200, 0, 0, &r);
    before = r.bx;
    CHECK(r.dx >= 16, "pages");
    CHECK_EQ(ems(0x4300, 8, 0, &r), 0, "allocate");
    h = r.dx;
    CHECK_EQ(ems(0x4300, 2, 0, &r), 0, "allocate another");
    other = r.dx;
    ems(0x4200, 0, 0, &r);
    CHECK_EQ(r.bx, before - 10, "free pages");
    CHECK_EQ(ems(0x4300, 9999, 0, NULL), 0x87, "more than there are");
    CHECK_EQ(ems(0x4300, 0, 0, NULL), 0x89, "none");
    CHECK_EQ(ems(0x4c00, 0, h, &r), 0, "pages of a handle");
    CHECK_EQ(r.bx, 8, "number of them");
    for (i = 0; i < 8; i++) {
        CHECK_EQ(ems((u16)(0x4400 | i % 4), i, h, NULL), 0, "map");
        poke16(frame, i % 4 * 0x4000u, (u16)(0x1100 + i));
        poke16(frame, i % 4 * 0x4000u + 0x3ffe, (u16)(0x2200 + i));
    }
    for (i = 0; i < 8; i++) {
        CHECK_EQ(ems(0x4402, i, h, NULL), 0, "map elsewhere");
        CHECK_EQ(peek16(frame, 0x8000), 0x1100 + i, "its first word");
        CHECK_EQ(peek16(frame, 0xbffe), 0x2200 + i, "its last word");
    }
    /* One page in two windows at once. */
    ems(0x4400, 5, h, NULL);
    ems(0x4401, 5, h, NULL);
    poke16(frame, 0x123, 0xabcd);
    CHECK_EQ(peek16(frame, 0x4123), 0xabcd, "the same page twice");
    /* Code there, which changes with the mapping. */
    for (i = 0; i < 2; i++) {
        ems(0x4403, i, h, NULL);
        poke32(frame, 0xc100, 0xcb0000b8 | (u32)(i + 1) << 8); /* mov $i + 1, %ax; lret */
    }
    for (i = 0; i < 10; i++) {
        ems(0x4403, i & 1, h, NULL);
        r.eax = 0;
        cpu_far_call((u32)frame << 16 | 0xc100, &r);
        CHECK_EQ(r.ax, (i & 1) + 1, "code in the page frame");
    }
    CHECK_EQ(ems(0x4404, 0, h, NULL), 0x8b, "no such window");
    CHECK_EQ(ems(0x4400, 8, h, NULL), 0x8a, "no such page");
    CHECK_EQ(ems(0x4400, 0, 99, NULL), 0x83, "no such handle");
    /* Save, change, restore. */
    CHECK_EQ(ems(0x4700, 0, h, NULL), 0, "save");
    CHECK_EQ(ems(0x4700, 0, h, NULL), 0x8d, "save twice");
    ems(0x4400, 1, other, NULL);
    CHECK_EQ(ems(0x4500, 0, h, NULL), 0x86, "free while saved");
    CHECK_EQ(ems(0x4800, 0, h, NULL), 0, "restore");
    CHECK_EQ(peek16(frame, 0x123), 0xabcd, "mapping is back");
    CHECK_EQ(ems(0x5100, 12, h, NULL), 0, "grow");
    CHECK_EQ(ems(0x4400, 11, h, NULL), 0, "a new page");
    CHECK_EQ(ems(0x4500, 0, h, NULL), 0, "free");
    CHECK_EQ(ems(0x4500, 0, h, NULL), 0x83, "free twice");
    CHECK_EQ(ems(0x4500, 0, other, NULL), 0, "free the other");
    ems(0x4200, 0, 0, &r);
    CHECK_EQ(r.bx, before, "all is back");
    return NULL;
}

/* The floppy's DMA must find the pages' real place: read the boot sector into the page frame, and
 * write nothing anywhere else. */
static const char *dma(void)
{
    static u8 table[64], buf[512];
    struct cpu_regs r;
    u16 h, i;

    CHECK_EQ(ems(0x4300, 4, 0, &r), 0, "allocate");
    h = r.dx;
    for (i = 0; i < 4; i++)
        ems((u16)(0x4400 | i), 3 - i, h, NULL);
    memset(buf, 0, sizeof(buf));
    far_write(frame, 0x5000, buf, 512);
    memset(&r, 0, sizeof(r));
    r.eax = 0x0201;
    r.ebx = 0x5000;
    r.ecx = 0x0001;
    r.es = frame;
    cpu_int(0x13, &r);
    CHECK((r.flags & FLAG_CF) == 0, "INT 13h");
    CHECK_EQ(peek16(frame, 0x51fe), 0xaa55, "boot sector's last word");
    CHECK_EQ(peek32(frame, 0x5003), 0x47415244, "its name");
    /* The BIOS's block move must see the mapping, too. */
    *(u32 *)(table + 16) = 0x0000ffff | (frame * 16u + 0x5000) << 16;
    *(u32 *)(table + 20) = ((frame * 16u + 0x5000) >> 16) | 0x9300;
    *(u32 *)(table + 24) = 0x0000ffff | (own_seg() * 16u + (u32)buf) << 16;
    *(u32 *)(table + 28) = ((own_seg() * 16u + (u32)buf) >> 16) | 0x9300;
    memset(&r, 0, sizeof(r));
    r.eax = 0x8700;
    r.ecx = 256;
    r.esi = (u32)table;
    cpu_int(0x15, &r);
    CHECK((r.flags & FLAG_CF) == 0, "INT 15h AH=87h");
    CHECK_EQ(buf[510] | buf[511] << 8, 0xaa55, "block moved out of the page frame");
    CHECK_EQ(ems(0x4500, 0, h, NULL), 0, "free");
    return NULL;
}

static volatile u16 ticks;
static volatile u32 chain;
void emm_tick(void);
__asm__("emm_tick:\n\tincw %cs:ticks\n\tljmpw *%cs:chain\n");

/* Wait on the timer's own count until at least one interrupt must have been asked for. */
static void spin_a_tick(void)
{
    u16 last, now;
    u32 passed = 0;

    outb(0x43, 0);
    last = inb(0x40);
    last |= (u16)(inb(0x40) << 8);
    while (passed < 270000) { /* mode 3 counts by two: two periods, or four */
        outb(0x43, 0);
        now = inb(0x40);
        now |= (u16)(inb(0x40) << 8);
        passed += (u16)(last - now);
        last = now;
    }
}

/* CLI keeps interrupts away, and each way of setting IF lets the one that waits in at once. */
static const char *virtual_if(void)
{
    struct cpu_regs before, after;
    const char *why = NULL;
    u32 way;

    chain = get_vector(8);
    set_vector(8, far_code(emm_tick));
    ems(EMM_VENDOR | VENDOR_QUEUED, 0, 0, &before);
    for (way = 0; way < 4 && why == NULL; way++) {
        u16 seen, flags;

        __asm__ volatile("cli");
        ticks = 0;
        spin_a_tick();
        seen = ticks;
        __asm__ volatile("pushfw; popw %0" : "=r"(flags));
        if (seen != 0)
            why = "an interrupt between CLI and STI";
        if ((flags & FLAG_IF) != 0)
            why = "IF set after CLI";
        switch (way) {
        case 0: __asm__ volatile("sti; nop; nop" : : : "memory"); break;
        case 1:
            __asm__ volatile("pushw %0; popfw; nop"
                             :
                             : "r"((u16)(flags | FLAG_IF))
                             : "memory", "cc");
            break;
        case 2:
            __asm__ volatile("pushw %0; pushw %%cs; pushw $1f; iretw; 1: nop"
                             :
                             : "r"((u16)(flags | FLAG_IF))
                             : "memory", "cc");
            break;
        default:
            __asm__ volatile("pushfl; popl %%eax; orl $0x200, %%eax; pushl %%eax; popfl; nop"
                             :
                             :
                             : "eax", "memory", "cc");
            break;
        }
        if (ticks == 0 && why == NULL)
            why = way == 0   ? "no interrupt after STI"
                  : way == 1 ? "no interrupt after POPF"
                  : way == 2 ? "no interrupt after IRET"
                             : "no interrupt after POPFD";
    }
    set_vector(8, chain);
    __asm__ volatile("sti");
    if (why != NULL)
        return why;
    ems(EMM_VENDOR | VENDOR_QUEUED, 0, 0, &after);
    if (cpu_mode() == MODE_VME)
        CHECK_EQ(after.ebx - before.ebx >= 4, 1, "VME: interrupts that waited for VIF");
    return NULL;
}

/* Which instructions trap depends on the mode. */
static const char *traps(void)
{
    struct cpu_regs a, b;
    u32 i, expect;

    ems(EMM_VENDOR | VENDOR_COUNTS, 0, 0, &a);
    __asm__ volatile("cli"); /* no BIOS interrupt handlers in between */
    for (i = 0; i < 100; i++)
        __asm__ volatile("cli; pushfw; popfw" : : : "memory", "cc");
    __asm__ volatile("sti");
    ems(EMM_VENDOR | VENDOR_COUNTS, 0, 0, &b);
    expect = cpu_mode() == MODE_PLAIN ? 300 : 0;
    CHECK(b.ebx - a.ebx >= expect && b.ebx - a.ebx < expect + 100,
          "number of #GP for CLI, PUSHF, POPF");
    return NULL;
}

static const char *trapped_ports(void)
{
    static u8 bytes[4];
    const u8 *source;
    struct cpu_regs a, b;
    u16 word, msw;
    u32 cr0, wide;

    ems(EMM_VENDOR | VENDOR_COUNTS, 0, 0, &a);
    __asm__ volatile("inb $0x92, %%al; movb %%al, %%ah; inb $0x92, %%al" : "=a"(word));
    CHECK_EQ(word & 0xff, word >> 8, "port 0x92 twice");
    __asm__ volatile("movw $0x91, %%dx; inw (%%dx), %%ax; movw %%ax, %0"
                     : "=r"(word)
                     :
                     : "eax", "edx");
    CHECK_EQ(word >> 8, inb(0x92), "word whose second byte is port 0x92");
    __asm__ volatile("movw $0x80, %%dx; inl (%%dx), %%eax"
                     : "=a"(wide)
                     :
                     : "edx"); /* 0x81: DMA page */
    CHECK_EQ(wide >> 8 & 0xff, inb(0x81), "doubleword over port 0x81");
    /* Strings to the keyboard controller's command port: 0xae enables what is enabled. */
    memset(bytes, 0xae, 4);
    source = bytes;
    __asm__ volatile("movw $0x64, %%dx; movw $2, %%cx; cld; rep outsb"
                     : "+S"(source)
                     :
                     : "ecx", "edx", "memory");
    CHECK_EQ(source - bytes, 2, "SI after REP OUTSB");
    ems(EMM_VENDOR | VENDOR_COUNTS, 0, 0, &b);
    CHECK(b.edx - a.edx >= 8, "number of trapped ports");
    __asm__ volatile("smsw %0; movl %%cr0, %1" : "=r"(msw), "=r"(cr0));
    CHECK_EQ(msw, cr0 & 0xffff, "CR0 against SMSW");
    CHECK((cr0 & 0x80000001) == 0x80000001, "CR0 has paging and protection");
    return NULL;
}

/* HLT waits for the next interrupt, which is handled before the next instruction. */
static const char *halting(void)
{
    u32 i;

    chain = get_vector(8);
    set_vector(8, far_code(emm_tick));
    ticks = 0;
    for (i = 0; i < 50 && ticks < 2; i++)
        __asm__ volatile("sti; hlt" : : : "memory");
    set_vector(8, chain);
    CHECK(ticks >= 2, "timer interrupts during HLT");
    return NULL;
}

static const char *flags(void)
{
    u32 wide, back;
    u16 f;

    __asm__ volatile("sti; pushfw; popw %0" : "=r"(f));
    CHECK_EQ(f & 0x3200, 0x3200, "PUSHF: IF and IOPL 3");
    __asm__ volatile("pushfl; popl %0" : "=r"(wide));
    CHECK_EQ(wide & 0x30000, 0, "PUSHFD: neither VM nor RF");
    __asm__ volatile("pushfl; popl %%eax; xorl $0x200000, %%eax; movl %%eax, %1; pushl %%eax; "
                     "popfl; pushfl; popl %0"
                     : "=r"(back), "=&r"(wide)
                     :
                     : "eax", "cc");
    CHECK_EQ((back ^ wide) & 0x200000, 0, "POPFD changes ID");
    __asm__ volatile("std; pushfw; cld; popw %0; pushw %0; popfw; pushfw; cld; popw %0"
                     : "=r"(f)
                     :
                     : "cc");
    CHECK((f & FLAG_DF) != 0, "POPF restores DF");
    return NULL;
}

int main(void);

int main(void)
{
    static const struct test tests[] = {
        {"emm-present", present},       {"emm-mapping", mapping}, {"emm-dma", dma},
        {"emm-virtual-if", virtual_if}, {"emm-traps", traps},     {"emm-ports", trapped_ports},
        {"emm-halt", halting},          {"emm-flags", flags},
    };

    dos_shrink();
    return run_tests(tests, ARRAY_LEN(tests));
}
