/* The table of device classes that test_laws.c holds to the laws of every device: add a row and a
 * construct function. */
#ifndef TESTS_DEV_CLASSES_H
#define TESTS_DEV_CLASSES_H

#include "devices/audio/adlib.h"
#include "devices/audio/es1370.h"
#include "devices/audio/pcspk.h"
#include "devices/audio/sb16_int.h"
#include "devices/bus/fwcfg.h"
#include "devices/bus/i440fx.h"
#include "devices/bus/piix3.h"
#include "devices/bus/piix4pm.h"
#include "devices/char/debugcon.h"
#include "devices/char/exitdev.h"
#include "devices/char/lpt.h"
#include "devices/char/post.h"
#include "devices/char/uart16550.h"
#include "devices/input/i8042.h"
#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"
#include "devices/input/vmmouse.h"
#include "devices/irq/i8237.h"
#include "devices/irq/i8259.h"
#include "devices/irq/ioapic.h"
#include "devices/irq/lapic.h"
#include "devices/time/i8254.h"
#include "devices/time/hpet.h"
#include "devices/time/mc146818.h"
#include "devices/usb/uhci.h"
#include "devices/usb/usb_hid.h"
#include "devices/usb/usb_storage.h"
#include "devices/watchdog/i6300esb.h"
#include "devices/watchdog/ib700.h"
#include "devices/video/cirrus.h"
#include "tests/dev/rig.h"

enum { LAW_WIRES = 16 };

/* One device under test. construct fills it; everything else belongs to the test. */
struct law {
    struct rig *rig;
    struct dev *dev;             /* started and reset */
    struct irq *wire[LAW_WIRES]; /* its outputs */
    unsigned wires;
    void *extra; /* freed after the device */
    struct pci_bus *pci;             /* the bus it sits on, if any, for its configuration space */
    u32 cfg;                         /* its address there */
    u32 bar[6];                      /* where its windows go; 0: there is none */
    void (*ready)(struct law *law);  /* what a driver does first after a reset; may be NULL */
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

/* Bring a device that was reset to where a driver reaches it. */
static inline void law_map(struct law *law)
{
    for (unsigned i = 0; law->pci && i < ARRAY_LEN(law->bar); i++)
        if (law->bar[i])
            pci_cfg_write(law->pci, law->cfg + PCI_BAR0 + 4 * i, 0, law->bar[i], 4);
    if (law->pci)
        pci_cfg_write(law->pci, law->cfg + PCI_COMMAND, 0,
                      PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER, 2);
    if (law->ready)
        law->ready(law);
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

static void law_hpet(struct law *law)
{
    struct hpet *h = law_new(law, &hpet_class);

    h->routes = 0xf00104;
    law_wire(law, &h->legacy[0]);
    law_wire(law, &h->legacy[1]);
    law_wire(law, &h->gsi[2]);
    law_wire(law, &h->gsi[20]);
    rig_start(h);
}

static void law_hpet_poke(struct law *law, u32 r)
{
    static const u16 regs[] = {0x10, 0x100, 0x108, 0x120, 0x128, 0x140, 0x148, 0xf0};

    if (r & 1)
        hpet_set_legacy(law->dev, r >> 1 & 1, r >> 2 & 1);
    else
        bus_write(&law->rig->mem, HPET_BASE + regs[r >> 1 & 7], r >> 8, 4);
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

/* ---- sound ---- */

static void law_pcspk(struct law *law)
{
    struct i8254 *pit = rig_new(law->rig, &i8254_class, "pit");
    struct dev *dev = law_new(law, &pcspk_class);

    rig_start(pit);
    pcspk_wire(dev, pit, NULL);
    rig_start(dev);
}

/* Somewhere for sound to go. */
static void law_samples(struct audio_voice *voice, u64 when, const s16 *stereo, size_t frames,
                        u32 rate)
{
}

static struct audio_voice *law_voice(struct law *law)
{
    struct audio_voice *v = law->extra ? law->extra : (law->extra = calloc(1, sizeof(*v)));

    v->samples = law_samples;
    return v;
}

static void law_adlib(struct law *law)
{
    struct plug none = {.audio = NULL};
    struct dev *dev = law_new(law, &adlib_class);

    adlib_plug(dev, &none, NULL);
    rig_start(dev);
}

/* What wakes the processor of the card. */
static void law_sb16_ready(struct law *law)
{
    bus_write(&law->rig->io, 0x226, 1, 1);
    bus_write(&law->rig->io, 0x226, 0, 1);
}

static void law_sb16(struct law *law)
{
    struct i8237 *dma = rig_new(law->rig, &i8237_class, "dma");
    struct sb16 *s = law_new(law, &sb16_class);

    rig_start(dma);
    s->dma = dma;
    s->voice = s->direct_voice = s->opl.voice = law_voice(law);
    for (unsigned i = 0; i < SB_IRQS; i++)
        law_wire(law, &s->line[i]);
    law->ready = law_sb16_ready;
    rig_start(s);
}

static void law_sb16_poke(struct law *law, u32 r)
{
    static const u8 cmds[] = {0x14, 0x1c, 0x75, 0x77, 0x17, 0x80, 0xb6, 0xc6, 0xb0, 0xc8, 0x41, 0x10};
    struct bus *io = &law->rig->io;

    if (r & 1) {
        bus_write(io, 0x22c, r & 2 ? cmds[(r >> 8) % ARRAY_LEN(cmds)] : r >> 8, 1);
    } else if (r & 2) { /* a channel that is open */
        bus_write(io, 0xd6, 0xc0, 1), bus_write(io, 0xd4, 0, 1);
        bus_write(io, 0x0b, 0x59, 1), bus_write(io, 0x0a, 1, 1);
        bus_write(io, 0xd6, 0x59, 1), bus_write(io, 0xd4, 1, 1);
    } else { /* notes */
        bus_write(io, 0x388, 0x60 + (r >> 8 & 0x5f), 1);
        bus_write(io, 0x389, r >> 16 | 0x20, 1);
    }
}

/* ---- buses ---- */

static void law_i440fx(struct law *law)
{
    struct dev *host = law_new(law, &i440fx_class);

    i440fx_wire(host, &law->rig->ram);
    rig_start(host);
    law->pci = i440fx_bus(host);
    law->cfg = 0x80000000u;
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

/* The bus that a function of its own sits on, so that configuration reaches it. */
static struct pci_bus *law_pci(struct law *law, unsigned devfn)
{
    struct pci_bus *bus = law->extra = calloc(1, sizeof(*bus));

    pci_bus_init(bus, &law->rig->mem, &law->rig->io, NULL);
    law->pci = bus;
    law->cfg = 0x80000000u | devfn << 8;
    return bus;
}

static void law_piix3(struct law *law)
{
    static const struct piix3_wiring w;
    struct dev *isa = law_new(law, &piix3_class);

    piix3_wire(isa, law_pci(law, PCI_DEVFN(1, 0)), &w);
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

static void law_es1370(struct law *law)
{
    struct es1370 *e = law_new(law, &es1370_class);

    e->pci.bus = law_pci(law, PCI_DEVFN(1, 3));
    e->pci.devfn = PCI_DEVFN(1, 3);
    law->bar[0] = 0xc000;
    rig_start(e);
}

/* Buffers in RAM, across its end and beyond; channels that run at some rate. */
static void law_es1370_poke(struct law *law, u32 r)
{
    struct bus *io = &law->rig->io;

    switch (r & 7) {
    case 0:
    case 1: bus_write(io, 0xc00c, 0xc + (r >> 8 & 1), 1); break;
    case 2: bus_write(io, 0xc030 + (r >> 8 & 8), r & 0x10 ? r >> 9 : r >> 12 | 0xff000, 4); break;
    case 3: bus_write(io, 0xc034 + (r >> 8 & 8), r >> 12 & (r & 0x10 ? 0xff : 0xfffff), 4); break;
    case 4: bus_write(io, 0xc024 + (r >> 8) % 3 * 4, r >> 16 & 0xff, 4); break;
    case 5: bus_write(io, 0xc020, r >> 8, 4); break;
    case 6: law->rig->now += r >> 8; break;
    default: bus_write(io, 0xc000, r | 0x70, 4); break;
    }
}

static void law_piix4pm_ready(struct law *law)
{
    pci_cfg_write(law->pci, law->cfg + 0x40, 0, 0x601, 4);
    pci_cfg_write(law->pci, law->cfg + 0x80, 0, 1, 1);
    pci_cfg_write(law->pci, law->cfg + 0x90, 0, 0x701, 4);
    pci_cfg_write(law->pci, law->cfg + 0xd0, 2, 9, 1);
}

static void law_piix4pm(struct law *law)
{
    static const struct piix4pm_wiring w;
    struct dev *pm = law_new(law, &piix4pm_class);

    piix4pm_wire(pm, law_pci(law, PCI_DEVFN(1, 3)), &w);
    law->ready = law_piix4pm_ready;
    rig_start(pm);
}

static void law_piix4pm_poke(struct law *law, u32 r)
{
    if (r & 1)
        piix4pm_button(law->dev);
    else
        bus_write(&law->rig->io, 0x600 + (r >> 1 & 0x3e), r >> 8 & 0xffff, 2);
}

static void law_fwcfg(struct law *law)
{
    struct dev *fw = law_new(law, &fwcfg_class);

    rig_start(fw);
    fwcfg_file(fw, "etc/some", "some bytes of a file", 20, true);
}

/* DMA commands in RAM, whose descriptors and buffers also lie across its end and nowhere. */
static void law_fwcfg_poke(struct law *law, u32 r)
{
    struct bus *mem = &law->rig->mem;
    u32 at = r & 0x10 ? r >> 12 : 0x1000, item = (u32[]){0, 1, 5, 0x19, 0x20, 0xffff}[(r >> 5) % 6];
    u8 cmd[16];

    be32_put(cmd, item << 16 | (r & 15) << 1);
    be32_put(cmd + 4, r & 0x800 ? r : r >> 24);
    be32_put(cmd + 8, r & 0x1000 ? ~0u : 0);
    be32_put(cmd + 12, r & 0x2000 ? 0xffff8 : r);
    bus_copy(mem, at, cmd, sizeof(cmd), true);
    bus_write(&law->rig->io, 0x514, 0, 4);
    bus_write(&law->rig->io, 0x518, __builtin_bswap32(at), 4);
    if (!(r & 0x300))
        bus_write(&law->rig->io, 0x510, item, 2);
}

/* ---- display ---- */

static void law_display(struct law *law, const struct dev_class *cls)
{
    struct dev *vga = law_new(law, cls);
    struct vga_wiring w = {
        .space = &law->rig->space, .vram = MIB, .pci = law_pci(law, 16), .devfn = 16};

    vga_wire(vga, &w);
    memcpy(law->bar, (u32[]){0xe0000000, 0xe4000000, 0xe5000000}, 12);
    rig_start(vga);
}

static void law_vga(struct law *law)
{
    law_display(law, &vga_class);
}

/* Unlock the extensions; 256 colours in one window. */
static void law_cirrus_ready(struct law *law)
{
    bus_write(&law->rig->io, 0x3c4, 0x1206, 2);
    bus_write(&law->rig->io, 0x3c4, 0x0107, 2);
}

static void law_cirrus(struct law *law)
{
    law_display(law, &cirrus_class);
    law->ready = law_cirrus_ready;
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

#include "tests/dev/classes_disk.h"
#include "tests/dev/classes_usb.h"
#include "tests/dev/classes_virtio.h"
#include "tests/dev/classes_net.h"

/* A class from outside of this tree: a header with its construct function and LAW_EXTRA_ROW. */
#ifdef LAW_EXTRA
#include LAW_EXTRA
#endif

static const struct law_class law_classes[] = {
#ifdef LAW_EXTRA
    LAW_EXTRA_ROW,
#endif
    LAW_NIC_CLASSES,
    {&i440fx_class, law_i440fx, law_i440fx_poke},
    {&piix3_class, law_piix3, law_piix3_poke},
    {&piix4pm_class, law_piix4pm, law_piix4pm_poke},
    {&fwcfg_class, law_fwcfg, law_fwcfg_poke},
    {&ide_class, law_ide, law_ide_poke},
    {&fdc_class, law_fdc, law_fdc_poke},
    {&vga_class, law_vga, law_vga_poke},
    {&cirrus_class, law_cirrus, law_vga_poke},
    {&i8259_class, law_i8259, law_i8259_poke},
    {&lapic_class, law_lapic, law_lapic_poke},
    {&ioapic_class, law_ioapic, law_ioapic_poke},
    {&i8237_class, law_i8237, law_i8237_poke},
    {&i8254_class, law_i8254, NULL},
    {&hpet_class, law_hpet, law_hpet_poke},
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
    {&pcspk_class, law_pcspk, NULL},
    {&adlib_class, law_adlib, NULL},
    {&sb16_class, law_sb16, law_sb16_poke},
    {&es1370_class, law_es1370, law_es1370_poke},
    {&uhci_class, law_uhci, law_uhci_poke},
    {&usb_kbd_class, law_usb_kbd, law_usb_hid_poke},
    {&usb_mouse_class, law_usb_mouse, law_usb_hid_poke},
    {&usb_tablet_class, law_usb_tablet, law_usb_hid_poke},
    {&usb_storage_class, law_usb_storage, law_usb_storage_poke},
    {&ib700_class, law_ib700, NULL},
    {&i6300esb_class, law_i6300esb, law_i6300esb_poke},
    {&virtio_rng_class, law_virtio_rng, law_virtio_poke},
    {&virtio_blk_class, law_virtio_blk, law_virtio_blk_poke},
    {&virtio_p9_class, law_virtio_p9, law_virtio_poke},
    {&virtio_balloon_class, law_virtio_balloon, law_virtio_balloon_poke},
    {&virtio_serial_class, law_virtio_serial, law_virtio_serial_poke},
    {&virtconsole_class, law_virtio_console, law_virtio_serial_poke},
    {&virtserialport_class, law_virtio_port, law_virtio_serial_poke},
};

#endif
