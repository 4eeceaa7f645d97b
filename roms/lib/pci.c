/* PCI configuration mechanism 1 (PCI Local Bus Specification 2.1, section 3.7.4.1). */
#include "roms/lib/pci.h"
#include "roms/lib/io.h"

enum { PCI_ADDRESS = 0xcf8, PCI_DATA = 0xcfc };

#define PCI_ENABLE 0x80000000u

u32 pci_read32(u32 dev, u8 reg)
{
    outl(PCI_ADDRESS, PCI_ENABLE | dev | (reg & 0xfc));
    return inl(PCI_DATA);
}

void pci_write32(u32 dev, u8 reg, u32 v)
{
    outl(PCI_ADDRESS, PCI_ENABLE | dev | (reg & 0xfc));
    outl(PCI_DATA, v);
}

u16 pci_read16(u32 dev, u8 reg)
{
    outl(PCI_ADDRESS, PCI_ENABLE | dev | (reg & 0xfc));
    return inw((u16)(PCI_DATA + (reg & 2)));
}

void pci_write16(u32 dev, u8 reg, u16 v)
{
    outl(PCI_ADDRESS, PCI_ENABLE | dev | (reg & 0xfc));
    outw((u16)(PCI_DATA + (reg & 2)), v);
}

void pci_write8(u32 dev, u8 reg, u8 v)
{
    outl(PCI_ADDRESS, PCI_ENABLE | dev | (reg & 0xfc));
    outb((u16)(PCI_DATA + (reg & 3)), v);
}

bool pci_at(u32 n, u32 *dev)
{
    *dev = n << 8;
    /* Functions above 0 exist only where function 0 says that the device has several. */
    if ((n & 7) != 0 && (pci_read32((n & ~7u) << 8, 0x0c) >> 16 & 0x80) == 0)
        return false;
    return pci_read16(*dev, 0) != 0xffff;
}

bool pci_find_class(u16 class_code, u32 *dev)
{
    for (u32 n = 0; n < 256; n++) {
        if (pci_at(n, dev) && pci_read16(*dev, 0x0a) == class_code)
            return true;
    }
    return false;
}

bool pci_find_id(u16 vendor, u16 device, u32 *dev)
{
    for (u32 n = 0; n < 256; n++) {
        if (pci_at(n, dev) && pci_read32(*dev, 0) == ((u32)device << 16 | vendor))
            return true;
    }
    return false;
}

u32 pci_bar(u32 dev, unsigned bar)
{
    u32 v = pci_read32(dev, (u8)(0x10 + 4 * bar));

    return (v & 1) != 0 ? 0 : v & ~15u;
}
