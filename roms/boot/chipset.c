/* Minimal set-up of an i440FX/PIIX3 PC (Intel 82441FX, 82371SB and 82371AB data sheets, PCI 2.1
 * section 6.2.5). */
#include "roms/boot/chipset.h"
#include "roms/lib/apic.h"
#include "roms/lib/io.h"
#include "roms/lib/pci.h"
#include "roms/lib/power.h"

enum {
    PORT92_A20 = 0x02,
    PORT92_RESET = 0x01,

    PCI_COMMAND = 0x04,
    PCI_BAR0 = 0x10,
    PCI_INTERRUPT_LINE = 0x3c,
    CMD_IO = 1,
    CMD_MEM = 2,

    PIIX_PIRQ_A = 0x60,
    ELCR2 = 0x4d1,
};

/* Windows for the base address registers: above any RAM below 4 GiB, and above the ports of the ISA
 * devices. */
#define MEM_WINDOW 0xe0000000u
#define IO_WINDOW  0xc000u

/* PIRQ A..D; what the common BIOSes choose, and what leaves ISA interrupts alone. */
static const u8 pirq[4] = {10, 10, 11, 11};

void chipset_init(void)
{
    outb(0x92, (u8)((inb(0x92) | PORT92_A20) & ~PORT92_RESET));

    /* Both 8259As: edge triggered, cascaded on line 2, 8086 mode; then every line masked. */
    outb(0x20, 0x11);
    outb(0xa0, 0x11);
    outb(0x21, 0x08);
    outb(0xa1, 0x70);
    outb(0x21, 0x04);
    outb(0xa1, 0x02);
    outb(0x21, 0x01);
    outb(0xa1, 0x01);
    outb(0x21, 0xff);
    outb(0xa1, 0xff);

    apic_transparent();

    /* Timer 0: mode 2, divisor 65536 (written as 0). */
    outb(0x43, 0x34);
    outb(0x40, 0);
    outb(0x40, 0);

    /* A PC's BIOS leaves the port of COM1 in its data area, and programs look there for it. */
    *(volatile u16 *)0x400 = 0x3f8;
    /* The top of conventional memory in KiB. */
    *(volatile u16 *)0x413 = 639;
}

/* Give one function's registers addresses that are multiples of their sizes. */
static void assign_bars(u32 dev, u32 *mem, u32 *io)
{
    u16 command = pci_read16(dev, PCI_COMMAND);

    pci_write16(dev, PCI_COMMAND, (u16)(command & ~(CMD_IO | CMD_MEM)));
    for (u8 reg = PCI_BAR0; reg < PCI_BAR0 + 24; reg = (u8)(reg + 4)) {
        u32 mask, size;

        pci_write32(dev, reg, 0xffffffff);
        mask = pci_read32(dev, reg);
        if (mask == 0)
            continue;
        if ((mask & 1) != 0) {
            size = ~((mask & ~3u) | 0xffff0000u) + 1;
            *io = (*io + size - 1) & ~(size - 1);
            pci_write32(dev, reg, *io);
            *io += size;
            command |= CMD_IO;
        } else {
            size = ~(mask & ~15u) + 1;
            *mem = (*mem + size - 1) & ~(size - 1);
            pci_write32(dev, reg, *mem);
            *mem += size;
            command |= CMD_MEM;
            /* A 64-bit register takes two places; its upper half is zero. */
            if ((mask & 6) == 4) {
                reg = (u8)(reg + 4);
                pci_write32(dev, reg, 0);
            }
        }
    }
    pci_write16(dev, PCI_COMMAND, command);
}

void pci_init(void)
{
    u32 mem = MEM_WINDOW, io = IO_WINDOW, dev, isa;

    for (u32 n = 0; n < 256; n++) {
        u8 pin;

        if (!pci_at(n, &dev))
            continue;
        /* Header type 0 only: bridges have their window registers where others have base addresses.
         */
        if ((pci_read32(dev, 0x0c) >> 16 & 0x7f) != 0)
            continue;
        assign_bars(dev, &mem, &io);
        pin = (u8)(pci_read32(dev, PCI_INTERRUPT_LINE) >> 8);
        /* The board rotates the four lines by slot: pin A of slot s is PIRQ (s - 1) modulo 4. */
        if (pin != 0)
            pci_write8(dev, PCI_INTERRUPT_LINE, pirq[((n >> 3) + pin - 2) & 3]);
    }
    if (pci_find_id(0x8086, 0x7000, &isa)) {
        for (u8 i = 0; i < 4; i++)
            pci_write8(isa, (u8)(PIIX_PIRQ_A + i), pirq[i]);
        /* PCI interrupts are level triggered: lines 10 and 11. */
        outb(ELCR2, 0x0c);
    }
    if (pm_enable() != 0 && pci_find_id(0x8086, 0x7113, &dev))
        pci_write8(dev, PCI_INTERRUPT_LINE, 9);
}
