/* Power-off through the PIIX4's ACPI registers (Intel 82371AB data sheet, section 7) and the
 * emulator's exit device. */
#include "roms/lib/power.h"
#include "roms/lib/io.h"
#include "roms/lib/pci.h"

enum {
    PIIX4_PMBASE = 0x40,
    PIIX4_PMREGMISC = 0x80,
    PMREGMISC_PMIOSE = 0x01,
    PM1_CNT = 4,
    PM1_SLP_EN = 0x2000, /* sleep type 0 is "soft off" */
    EXIT_PORT = 0x501,
};

u16 pm_enable(void)
{
    u32 dev;
    u16 base;

    if (!pci_find_id(0x8086, 0x7113, &dev))
        return 0;
    base = pci_read16(dev, PIIX4_PMBASE) & 0xffc0;
    if (base == 0) {
        base = PM_BASE;
        pci_write32(dev, PIIX4_PMBASE, base | 1);
    }
    pci_write8(dev, PIIX4_PMREGMISC, PMREGMISC_PMIOSE);
    return base;
}

void power_off(void)
{
    u16 base = pm_enable();

    if (base != 0)
        outw((u16)(base + PM1_CNT), PM1_SLP_EN);
}

void exit_device(u8 v)
{
    outb(EXIT_PORT, v);
}
