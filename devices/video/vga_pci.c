/* The VGA as PCI function 1234:1111: BAR0 linear frame buffer, BAR2 registers in memory, expansion
 * ROM. */
#include "devices/video/vga_int.h"
#include "devices/video/edid.h"

#include <string.h>

/* Layout of BAR2: the display's description at 0, VGA ports 3C0-3DF at 400, dispi registers at 500,
 * two more registers at 600. */
enum {
    MMIO_SIZE = 0x1000,
    MMIO_VGA = 0x400,
    MMIO_VBE = 0x500,
    MMIO_EXT = 0x600,
    EXT_SIZE = 8,
};
#define ENDIAN_LITTLE 0x1e1e1e1eu

static const struct pci_ident ident = {
    .vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .revision = 2};

static u64 mmio_read(void *dev, u64 off, unsigned size)
{
    struct vga *v = dev;

    if (off < EDID_SIZE)
        return edid_block[off];
    if (off >= MMIO_VGA && off < MMIO_VGA + 0x20)
        return vga_port_read(v, 0x3c0 + (u32)off - MMIO_VGA);
    if (off >= MMIO_VBE && off < MMIO_VBE + 2 * VBE_NREGS) {
        u16 val = vbe_read(v, ((u32)off - MMIO_VBE) / 2);
        return off & 1 ? val >> 8 : val & 0xff;
    }
    if (off >= MMIO_EXT && off < MMIO_EXT + EXT_SIZE) {
        u32 val = off < MMIO_EXT + 4 ? EXT_SIZE : ENDIAN_LITTLE;
        return val >> (8 * (off & 3)) & 0xff;
    }
    return 0xff;
}

static void mmio_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct vga *v = dev;

    if (off >= MMIO_VGA && off < MMIO_VGA + 0x20)
        vga_port_write(v, 0x3c0 + (u32)off - MMIO_VGA, (u8)val);
    if (off < MMIO_VBE || off >= MMIO_VBE + 2 * VBE_NREGS)
        return;
    if (off & 1) /* as at the ports: the register takes its value with the high byte */
        vbe_write(v, ((u32)off - MMIO_VBE) / 2, (u16)(v->r.vbe_low | val << 8));
    else
        v->r.vbe_low = (u8)val;
}

static const struct region_ops mmio_ops = {mmio_read, mmio_write, 1, 1};

static u32 pow2_at_least(size_t n)
{
    u32 p = 0x800;

    while (p < n)
        p <<= 1;
    return p;
}

bool vga_pci_rom(struct vga *v, struct err *err)
{
    u32 size = MAX(pow2_at_least(v->wiring.rom_len), PAGE_SIZE);

    if (!v->wiring.rom_len || v->wiring.rom_len > MIB)
        return true;
    if (!ram_init(&v->rom, v->wiring.space, size, err))
        return false;
    memcpy(v->rom.host, v->wiring.rom, v->wiring.rom_len);
    v->pci.bar[PCI_BAR_ROM] = (struct pci_bar){
        PCI_BAR_EXPROM, size,
        {.name = "vga.rom", .ram = &v->rom, .dirs = REGION_READ, .prio = 1}};
    return true;
}

bool vga_pci_init(struct vga *v, struct err *err)
{
    struct pci_func *fn = &v->pci;

    if (!v->wiring.pci)
        return true;
    fn->bus = v->wiring.pci;
    fn->devfn = v->wiring.devfn;
    fn->bar[0] = (struct pci_bar){
        PCI_BAR_MEM_PREF, v->vram.size, {.name = "vga.vram", .ram = &v->vram, .prio = 1}};
    fn->bar[2] = (struct pci_bar){
        PCI_BAR_MEM, MMIO_SIZE, {.name = "vga.mmio", .ops = &mmio_ops, .dev = v, .prio = 1}};
    if (!vga_pci_rom(v, err))
        return false;
    pci_func_init(fn, &v->dev, v->r.cfg, &ident);
    return true;
}

void vga_pci_free(struct vga *v)
{
    if (v->wiring.pci)
        pci_func_free(&v->pci);
    if (v->rom.host)
        ram_free(&v->rom);
}
