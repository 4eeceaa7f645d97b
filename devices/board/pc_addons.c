/* Devices that are added to those every machine has: their class by name, a place on their bus, the
 * host's end behind them. */
#include "devices/board/pc_int.h"

#include "devices/bus/pci.h"
#include "devices/char/lpt.h"
#include "devices/net/e1000.h"
#include "devices/net/ne2000.h"
#include "devices/net/rtl8139.h"

#include <stdio.h>
#include <string.h>

/* Slots 0 to 2 have the bridges and the display adapter. */
enum { FIRST_SLOT = 3, SLOTS = 32 };

const struct plug_class pc_addon_classes[] = {
#define ADDON(driver, cls, bus, host, wire) {driver, &cls, PLUG_##bus, PLUG_##host, wire},
#include "devices/board/addons.def"
#undef ADDON
    {NULL, NULL, PLUG_ISA, PLUG_NOTHING, NULL},
};

const struct plug_class *pc_addon_class(const char *driver)
{
    for (const struct plug_class *c = pc_addon_classes; c->driver; c++) {
        if (!strcmp(c->driver, driver))
            return c;
    }
    return NULL;
}

/* Each addition is a source of its own: what shares a line does not pull down another's level. */
static struct irq addon_irq(void *arg, unsigned n)
{
    struct pc *pc = arg;
    unsigned source = IRQ_ADDON + pc->parts->addon_wires++ % PC_MAX_ADDONS;

    return pc_irq_wire(pc, n, (enum pc_irq_source)source);
}

static bool find_slot(struct pc *pc, const struct pc_addon *a, u8 *devfn, struct err *err)
{
    if (a->devfn >= 0) {
        if (a->devfn > 0xff || (a->devfn & 7))
            return err_set(err, "%s: a place on the PCI bus is a slot from 0 to 0x1f", a->driver);
        if (pc->pci->fn[a->devfn])
            return err_set(err, "%s: slot 0x%x of the PCI bus is taken", a->driver,
                           (unsigned)a->devfn >> 3);
        *devfn = (u8)a->devfn;
        return true;
    }
    for (unsigned slot = FIRST_SLOT; slot < SLOTS; slot++) {
        if (!pc->pci->fn[PCI_DEVFN(slot, 0)]) {
            *devfn = PCI_DEVFN(slot, 0);
            return true;
        }
    }
    return err_set(err, "%s: all slots of the PCI bus are taken", a->driver);
}

static bool check_host(const struct plug_class *c, const struct pc_addon *a, struct err *err)
{
    static const char *const needs[] = {
        [PLUG_NET] = "netdev= with the id of a -netdev",
        [PLUG_BLK] = "drive= with the id of a -drive if=none",
        [PLUG_CHR] = "chardev= with the id of a -chardev",
        [PLUG_AUDIO] = "audiodev= with the id of an -audiodev",
    };
    const void *const have[] = {
        [PLUG_NET] = a->net, [PLUG_BLK] = a->blk, [PLUG_CHR] = a->chr, [PLUG_AUDIO] = a->audio};

    return c->host == PLUG_NOTHING || have[c->host] ||
           err_set(err, "-device %s needs %s", a->driver, needs[c->host]);
}

static bool create(struct pc *pc, const struct pc_addon *a, unsigned n, struct err *err)
{
    const struct plug_class *c = pc_addon_class(a->driver);
    struct plug plug = {
        .space = &pc->space, .isa_irq = addon_irq, .arg = pc, .dma = pc->parts->dma,
        .usb = &pc->parts->usb, .net = a->net, .blk = a->blk, .chr = a->chr, .audio = a->audio,
        .keyboard = &pc->keyboard, .mouse = &pc->mouse, .tablet = &pc->tablet,
    };
    struct dev *dev;
    char id[64];

    if (!c)
        return err_set(err, "there is no device '%.60s'", a->driver);
    if (!check_host(c, a, err))
        return false;
    if (c->bus == PLUG_PCI) {
        plug.pci = pc->pci;
        plug.rom = a->rom;
        plug.rom_len = a->rom_len;
        if (!find_slot(pc, a, &plug.devfn, err))
            return false;
    }
    if (c->bus == PLUG_USB && !*plug.usb)
        return err_set(err, "-device %s needs a USB controller: add -usb before it", a->driver);
    snprintf(id, sizeof(id), "%s%u", c->cls->name, n);
    if (dev_find(&pc->devs, a->id ? a->id : id))
        return err_set(err, "there are two devices with the id '%.60s'", a->id ? a->id : id);
    dev = pc_dev(pc, c->cls, a->id ? a->id : id);
    return props_set(c->cls->props, dev, a->props, err) && c->wire(dev, &plug, err) &&
           dev_start(dev, err);
}

static unsigned pass_of(const struct pc_addon *a)
{
    const struct plug_class *c = pc_addon_class(a->driver);

    return c && c->bus == PLUG_USB ? 2 : a->devfn < 0;
}

bool pc_addons_create(struct pc *pc, struct err *err)
{
    /* Those whose place is given first, so that others find what is left; a controller before what
     * hangs on it. */
    for (unsigned pass = 0; pass < 3; pass++) {
        for (unsigned i = 0; i < pc->cfg.naddons; i++) {
            const struct pc_addon *a = &pc->cfg.addon[i];

            if (pass_of(a) == pass && !create(pc, a, i, err))
                return false;
        }
    }
    return true;
}
