/* The table of device classes that test_laws.c holds to the laws of every device: add a row and a
 * construct function. */
#ifndef TESTS_DEV_CLASSES_H
#define TESTS_DEV_CLASSES_H

#include "devices/bus/fwcfg.h"
#include "devices/bus/i440fx.h"
#include "devices/bus/piix3.h"
#include "devices/bus/piix4pm.h"
#include "devices/char/debugcon.h"
#include "devices/char/exitdev.h"
#include "devices/char/lpt.h"
#include "devices/char/post.h"
#include "devices/char/uart16550.h"
#include "devices/disk/fdc.h"
#include "devices/disk/ide.h"
#include "devices/input/i8042.h"
#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"
#include "devices/input/vmmouse.h"
#include "devices/irq/i8237.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "devices/time/i8254.h"
#include "devices/time/mc146818.h"
#include "devices/video/cirrus.h"
#include "tests/dev/memblk.h"
#include "tests/dev/rig.h"

enum { LAW_WIRES = 16 };

/* One device under test. construct fills it; everything else belongs to the test. */
struct law {
    struct rig *rig;
    struct dev *dev;             /* started and reset */
    struct irq *wire[LAW_WIRES]; /* its outputs */
    unsigned wires;
    void *extra; /* freed after the device */
};

struct law_class {
    const struct dev_class *cls;
    void (*construct)(struct law *law); /* make, wire and start law->dev */
    void (*stimulate)(struct law *law,
                      u32 r); /* something from outside, chosen by the random number; may be NULL */
};

static inline void law_wire(struct law *law, struct irq *irq)
{
    law->wire[law->wires++] = irq;
}

/* Make the device; set props and wires; then law_start. */
static inline void *law_new(struct law *law, const struct dev_class *cls)
{
    return law->dev = rig_new(law->rig, cls, cls->name);
}

/* ---- interrupt controllers ---- */

static void law_i8259(struct law *law)
{
    struct i8259 *pic = law_new(law, &i8259_class);

    law_wire(law, &pic->out);
    rig_start(pic);
}

static void law_i8259_poke(struct law *law, u32 r)
{
    struct i8259 *pic = (struct i8259 *)law->dev;

    if (r & 0x100)
        i8259_ack(pic, NULL);
    else
        i8259_set_irq(pic, r & 7, r >> 4 & 1);
}

static void law_lapic(struct law *law)
{
    struct lapic *apic = law_new(law, &lapic_class);

    apic->bus = law->extra = calloc(1, sizeof(*apic->bus));
    law_wire(law, &apic->intr);
    rig_start(apic);
}

static void law_lapic_poke(struct law *law, u32 r)
{
    struct lapic *apic = (struct lapic *)law->dev;
    u64 v;

    switch (r & 7) {
    case 0: lapic_ack(apic); break;
    case 1: lapic_set_lint(apic, r >> 4, r >> 3 & 1); break;
    case 2: lapic_set_cr8(apic, r >> 4 & 15); break;
    case 3:
        lapic_msr_write(apic, MSR_APIC_BASE,
                        (r & 0x800) | 0xfee00000 | (u64)(r & 1) << (r >> 16 & 63));
        break;
    case 4: lapic_msr_read(apic, r & 8 ? MSR_APIC_BASE : r >> 8, &v); break;
    case 5: lapic_msr_write(apic, MSR_APIC_BASE, 0xfee00900); break;
    default: apic_msi(apic->bus, 0xfee00000 | (r & 0xffffc), r >> 8); break;
    }
}

static void law_ioapic(struct law *law)
{
    struct ioapic *io = law_new(law, &ioapic_class);

    rig_start(io);
}

static void law_ioapic_poke(struct law *law, u32 r)
{
    ioapic_set_irq(law->dev, r & 31, r >> 8 & 1);
}

static void law_i8237(struct law *law)
{
    rig_start(law_new(law, &i8237_class));
}

static void law_i8237_poke(struct law *law, u32 r)
{
    struct i8237 *dma = (struct i8237 *)law->dev;
    static u8 buf[4096];
    bool tc;

    i8237_set_dreq(dma, r & 7, r >> 3 & 1);
    i8237_transfer(dma, r >> 4 & 7, buf, r >> 8 & 4095, r >> 20 & 1, &tc);
}

/* ---- time ---- */

static void law_i8254(struct law *law)
{
    struct i8254 *pit = law_new(law, &i8254_class);

    law_wire(law, &pit->out0);
    rig_start(pit);
}

static void law_mc146818(struct law *law)
{
    struct mc146818 *rtc = law_new(law, &mc146818_class);

    law_wire(law, &rtc->out);
    law_wire(law, &rtc->nmi_mask);
    rig_start(rtc);
}

/* ---- input ---- */

static int law_take(void *dev)
{
    return ((struct law *)dev)->rig->now & 64 ? -1 : (int)(((struct law *)dev)->rig->now & 0xff);
}
static void law_accept(void *dev, u8 v) {}

static void law_i8042(struct law *law)
{
    struct i8042 *kbc = law_new(law, &i8042_class);

    kbc->port[I8042_KBD] = kbc->port[I8042_AUX] = (struct ps2_dev){law, law_accept, law_take};
    law_wire(law, &kbc->irq1);
    law_wire(law, &kbc->irq12);
    law_wire(law, &kbc->a20);
    rig_start(kbc);
}

static void law_i8042_poke(struct law *law, u32 r)
{
    i8042_set_ready(law->dev, r & 1, r >> 1 & 1);
}

static void law_ps2kbd(struct law *law)
{
    struct ps2kbd *kbd = law_new(law, &ps2kbd_class);

    law_wire(law, &kbd->ready);
    rig_start(kbd);
}

static void law_ps2kbd_poke(struct law *law, u32 r)
{
    struct ps2kbd *kbd = (struct ps2kbd *)law->dev;
    struct ps2_dev port = ps2kbd_port(kbd);

    if (r & 1)
        port.write(kbd, r & 2 ? (u8)(0xe8 + (r >> 8) % 24) : (u8)(r >> 8));
    else if (r & 4)
        port.take(kbd);
    else
        ps2kbd_key(kbd, (u16)(r >> 8 & (r & 16 ? 0xffff : 0x7f)) | (r & 32 ? 0xe000 : 0),
                   r >> 3 & 1);
}

static void law_ps2mouse(struct law *law)
{
    struct ps2mouse *mouse = law_new(law, &ps2mouse_class);

    law_wire(law, &mouse->ready);
    rig_start(mouse);
}

static void law_ps2mouse_poke(struct law *law, u32 r)
{
    struct ps2mouse *mouse = (struct ps2mouse *)law->dev;
    struct ps2_dev port = ps2mouse_port(mouse);

    if (r & 1)
        port.write(mouse, r & 2 ? (u8)(0xe6 + (r >> 8) % 26) : (u8)(r >> 8));
    else if (r & 4)
        port.take(mouse);
    else
        ps2mouse_move(mouse, (s32)r >> (r & 31), (s32)(r << 3), (s32)(r << 7) >> 28, r >> 5);
}

static u32 law_vmmouse_get(void *arg, enum vmmouse_reg reg)
{
    struct law *law = arg;
    u64 t = law->rig->now;

    /* the magic, some command, some count or command word */
    switch (reg) {
    case VMMOUSE_EAX: return t & 7 ? 0x564d5868 : 1;
    case VMMOUSE_ECX: return 38 + (t >> 3 & 3);
    case VMMOUSE_EBX: return t & 64 ? 0x45414552 : t & 128 ? 0x53424152 : (u32)(t >> 4 & 7);
    default: return (u32)t;
    }
}
static void law_vmmouse_set(void *arg, enum vmmouse_reg reg, u32 v) {}

static void law_vmmouse(struct law *law)
{
    struct vmmouse *m = law_new(law, &vmmouse_class);

    m->wiring = (struct vmmouse_wiring){.get = law_vmmouse_get, .set = law_vmmouse_set, .arg = law};
    rig_start(m);
}

static void law_vmmouse_poke(struct law *law, u32 r)
{
    struct tablet_sink s = vmmouse_sink((struct vmmouse *)law->dev);

    if (r & 1)
        s.point(s.dev, r >> 4, r >> 8, (int)(r >> 1 & 3) - 1, r >> 3 & 7);
    else
        bus_read(&law->rig->io, 0x5658, 4);
}

/* ---- characters ---- */

static void law_uart16550(struct law *law)
{
    struct uart16550 *u = law_new(law, &uart16550_class);

    u->chr = law->extra = calloc(1, sizeof(*u->chr));
    u->realtime = true;
    law_wire(law, &u->out);
    rig_start(u);
}

static void law_uart16550_poke(struct law *law, u32 r)
{
    struct uart16550 *u = (struct uart16550 *)law->dev;
    u8 data[32] = {0};

    if (r & 1)
        u->chr->take(u->chr->arg, data, r >> 8 & 31);
    else
        u->chr->event(u->chr->arg, r >> 1 & 3);
}

static void law_debugcon(struct law *law)
{
    rig_start(law_new(law, &debugcon_class));
}
static void law_post(struct law *law)
{
    rig_start(law_new(law, &post_class));
}
static void law_exitdev(struct law *law)
{
    rig_start(law_new(law, &exitdev_class));
}

static void law_lpt(struct law *law)
{
    struct lpt *l = law_new(law, &lpt_class);

    law_wire(law, &l->out);
    rig_start(l);
}

/* ---- buses ---- */

static void law_i440fx(struct law *law)
{
    struct dev *host = law_new(law, &i440fx_class);

    i440fx_wire(host, &law->rig->ram);
    rig_start(host);
}

static void law_i440fx_poke(struct law *law, u32 r)
{
    struct pci_bus *bus = i440fx_bus(law->dev);

    if (r & 1)
        pci_cfg_write(bus, 0x80000000u | (r & 0xfc00), 0, r, 4);
    else if (r & 2)
        i440fx_set_smm(law->dev, r >> 2 & 1);
    else
        pci_cfg_write(bus, 0x80000058u | (r >> 4 & 0x24), r >> 8 & 3, r >> 16, 1);
}

static void law_piix3(struct law *law)
{
    static const struct piix3_wiring w;
    struct dev *isa = law_new(law, &piix3_class);

    piix3_wire(isa, NULL, &w);
    rig_start(isa);
}

static void law_piix3_poke(struct law *law, u32 r)
{
    if (r & 1)
        piix3_set_pirq(law->dev, r >> 1 & 3, r >> 3 & 1);
    else if (r & 2)
        piix3_rcr_write(law->dev, (u8)(r >> 8));
    else
        piix3_kbd_a20(law->dev, 0, r >> 2 & 1);
}

/* The bus that a function of its own sits on, so that configuration reaches it. */
static struct pci_bus *law_pci(struct law *law)
{
    struct pci_bus *bus = law->extra = calloc(1, sizeof(*bus));

    pci_bus_init(bus, &law->rig->mem, &law->rig->io, NULL);
    return bus;
}

static void law_config_poke(struct law *law, u32 r)
{
    unsigned fn = !strcmp(law->dev->cls->name, "ide") ? 1 : 3;

    pci_cfg_write(law->extra, 0x80000800u | fn << 8 | (r & 0xfc), 0, r >> 8 & 0xffff, 4);
}

static void law_piix4pm(struct law *law)
{
    static const struct piix4pm_wiring w;
    struct dev *pm = law_new(law, &piix4pm_class);

    piix4pm_wire(pm, law_pci(law), &w);
    rig_start(pm);
    pci_cfg_write(law->extra, 0x80000b40, 0, 0x601, 4);
    pci_cfg_write(law->extra, 0x80000b80, 0, 1, 1);
}

static void law_piix4pm_poke(struct law *law, u32 r)
{
    if (r & 1)
        piix4pm_button(law->dev);
    else
        law_config_poke(law, r);
}

static void law_fwcfg(struct law *law)
{
    struct dev *fw = law_new(law, &fwcfg_class);

    rig_start(fw);
    fwcfg_file(fw, "etc/some", "some bytes of a file", 20, true);
}

/* ---- display ---- */

static void law_display(struct law *law, const struct dev_class *cls)
{
    struct dev *vga = law_new(law, cls);
    struct vga_wiring w = {.space = &law->rig->space, .vram = MIB, .pci = law_pci(law), .devfn = 16};

    vga_wire(vga, &w);
    rig_start(vga);
    pci_cfg_write(law->extra, 0x80001010, 0, 0xe0000000, 4);
    pci_cfg_write(law->extra, 0x80001014, 0, 0xe4000000, 4);
    pci_cfg_write(law->extra, 0x80001018, 0, 0xe5000000, 4);
    pci_cfg_write(law->extra, 0x80001004, 0, 3, 2);
}

static void law_vga(struct law *law)
{
    law_display(law, &vga_class);
}

static void law_cirrus(struct law *law)
{
    law_display(law, &cirrus_class);
    bus_write(&law->rig->io, 0x3c4, 0x0107, 2);
}

static void law_vga_poke(struct law *law, u32 r)
{
    static const u16 ports[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4, 0x1ce};
    struct bus *mem = &law->rig->mem, *io = &law->rig->io;

    switch (r & 7) {
    case 0:
    case 1: bus_write(io, ports[(r >> 3) % 4], r >> 8 & 0xffff, 2); break;
    case 2:
        bus_write(io, 0x1ce, (r >> 8) % 12, 2);
        bus_write(io, 0x1cf, r >> 16 & 0x7ff, 2);
        break;
    case 3: bus_write(mem, 0xa0000 + (r >> 8 & 0x1ffff), r, 1u << (r >> 3 & 3)); break;
    case 4: bus_write(mem, 0xe0000000 + (r >> 8 & 0x1ffffff), r, 1u << (r >> 3 & 3)); break;
    case 5: bus_write(mem, 0xe4000000 + (r >> 8 & 0x1ff), r, 1); break;
    case 6: bus_write(io, 0x3c0 + (r >> 8 & 31), r >> 16 & 0xff, 1); break;
    default:
        if (!(r & 0x3f0)) /* pictures take time */
            vga_display(law->dev)->update(law->dev, r >> 10 & 1);
        else
            bus_read(mem, 0xa0000 + (r >> 8 & 0x1ffff), 1);
        break;
    }
}

/* ---- disks ---- */

/* The controller with its medium in one allocation that outlives the device. */
struct law_disk {
    struct pci_bus bus;
    struct memblk blk;
    u8 data[32768];
};

static struct law_disk *law_disk(struct law *law, bool cd)
{
    struct law_disk *d = law->extra = calloc(1, sizeof(*d));

    pci_bus_init(&d->bus, &law->rig->mem, &law->rig->io, NULL);
    memblk_init(&d->blk, &law->rig->clock, d->data, sizeof(d->data));
    d->blk.blk.removable = d->blk.blk.cdrom = d->blk.blk.read_only = cd;
    return d;
}

static void law_ide(struct law *law)
{
    struct ide_wiring w = {.drive = {NULL}};
    struct dev *ide = law_new(law, &ide_class);
    struct law_disk *d = law_disk(law, true);

    w.drive[0] = &d->blk.blk;
    ide_wire(ide, &d->bus, &w);
    rig_start(ide);
    pci_cfg_write(&d->bus, 0x80000920, 0, 0xc000, 4);
    pci_cfg_write(&d->bus, 0x80000904, 0, 5, 2);
}

static void law_ide_poke(struct law *law, u32 r)
{
    struct law_disk *d = law->extra;

    if (r & 1)
        bus_write(&law->rig->io, 0x1f7, r & 2 ? 0xa0 : 0x08, 1);
    else if (r & 2)
        bus_write(&law->rig->io, 0x1f0, r >> 8 & 0x3f, 2);
    else if ((r & 0x3c) == 4)
        d->blk.blk.changed(d->blk.blk.changed_arg);
}

static void law_fdc(struct law *law)
{
    struct fdc_wiring w = {.dma = NULL};
    struct dev *fdc = law_new(law, &fdc_class);

    w.drive[0] = &law_disk(law, false)->blk.blk;
    fdc_wire(fdc, &w);
    rig_start(fdc);
}

static void law_fdc_poke(struct law *law, u32 r)
{
    static const u8 cmds[] = {0x46, 0xe6, 0x45, 0x4d, 0x16, 0x11, 0x0f, 0x07, 0x08, 0x0e, 0x94, 0x12};

    if (r & 1)
        bus_write(&law->rig->io, 0x3f2, 0x1c, 1);
    else
        bus_write(&law->rig->io, 0x3f5, r & 2 ? cmds[(r >> 8) % ARRAY_LEN(cmds)] : r >> 8 & 3, 1);
}

#include "tests/dev/classes_net.h"

static const struct law_class law_classes[] = {
    LAW_NIC_CLASSES,
    {&i440fx_class, law_i440fx, law_i440fx_poke},
    {&piix3_class, law_piix3, law_piix3_poke},
    {&piix4pm_class, law_piix4pm, law_piix4pm_poke},
    {&fwcfg_class, law_fwcfg, NULL},
    {&ide_class, law_ide, law_ide_poke},
    {&fdc_class, law_fdc, law_fdc_poke},
    {&vga_class, law_vga, law_vga_poke},
    {&cirrus_class, law_cirrus, law_vga_poke},
    {&i8259_class, law_i8259, law_i8259_poke},
    {&lapic_class, law_lapic, law_lapic_poke},
    {&ioapic_class, law_ioapic, law_ioapic_poke},
    {&i8237_class, law_i8237, law_i8237_poke},
    {&i8254_class, law_i8254, NULL},
    {&mc146818_class, law_mc146818, NULL},
    {&i8042_class, law_i8042, law_i8042_poke},
    {&ps2kbd_class, law_ps2kbd, law_ps2kbd_poke},
    {&ps2mouse_class, law_ps2mouse, law_ps2mouse_poke},
    {&vmmouse_class, law_vmmouse, law_vmmouse_poke},
    {&uart16550_class, law_uart16550, law_uart16550_poke},
    {&debugcon_class, law_debugcon, NULL},
    {&post_class, law_post, NULL},
    {&exitdev_class, law_exitdev, NULL},
    {&lpt_class, law_lpt, NULL},
};

#endif
