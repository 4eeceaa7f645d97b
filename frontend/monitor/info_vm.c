/* 'info' about the machine around the processor: buses, devices, drives, characters, and the
 * program itself. */
#include "frontend/monitor/monitor.h"

#include "devices/bus/pci.h"
#include "devices/core/bits.h"
#include "frontend/host/drive.h"
#include "frontend/vnc/vnc.h"

#include <string.h>

bool info_STATUS(struct monitor *m, const char *args)
{
    mon_printf(m, "VM status: %s\n", m->vm->state);
    return true;
}

bool info_VNC(struct monitor *m, const char *args)
{
    char text[1024];

    vnc_describe(m->vm->vnc, text, sizeof(text));
    mon_printf(m, "%s", text);
    return true;
}

bool info_VERSION(struct monitor *m, const char *args)
{
    mon_printf(m, "%s\n", DRAGOMAN_VERSION);
    return true;
}

bool info_HISTORY(struct monitor *m, const char *args)
{
    for (unsigned i = 0; i < m->nhistory; i++)
        mon_printf(m, "%u: '%s'\n", i, m->history[i]);
    return true;
}

bool info_NAME(struct monitor *m, const char *args)
{
    mon_printf(m, "%s\n", m->vm->opt->name);
    return true;
}

bool info_UUID(struct monitor *m, const char *args)
{
    const u8 *u = m->vm->opt->uuid;

    mon_printf(m, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", u[0],
               u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
               u[14], u[15]);
    return true;
}

/* ---- buses ---- */

static void show_bus(struct monitor *m, const struct bus *bus)
{
    mon_printf(m, "%s\n", bus->name);
    for (u32 i = 0; i < bus->n; i++) {
        const struct region *r = bus->regions[i];

        mon_printf(m, "  %016llx-%016llx (prio %d, %s%s): %s\n", (unsigned long long)r->base,
                   (unsigned long long)(r->base + r->size - 1), r->prio, r->ram ? "ram" : "i/o",
                   r->dirs == REGION_READ    ? ", read"
                   : r->dirs == REGION_WRITE ? ", write"
                                             : "",
                   r->name ? r->name : "?");
    }
    mon_printf(m, "%s, flat view of reads\n", bus->name);
    for (u32 i = 0; i < bus->map[0].n; i++) {
        const struct bus_range *r = &bus->map[0].r[i];

        mon_printf(m, "  %016llx-%016llx: %s\n", (unsigned long long)r->start,
                   (unsigned long long)(r->end - 1),
                   r->region && r->region->name ? r->region->name : "?");
    }
}

bool info_MTREE(struct monitor *m, const char *args)
{
    show_bus(m, &m->vm->pc->mem);
    show_bus(m, &m->vm->pc->io);
    return true;
}

bool info_PCI(struct monitor *m, const char *args)
{
    const struct pci_bus *bus = m->vm->pc->pci;

    if (!bus)
        return err_set(&m->err, "The machine has no PCI bus.");
    for (unsigned devfn = 0; devfn < 256; devfn++) {
        const struct pci_func *fn = bus->fn[devfn];

        if (!fn)
            continue;
        mon_printf(m, "  Bus  0, device %3u, function %u: %04x:%04x class %06x%s%s\n", devfn >> 3,
                   devfn & 7, ld16(fn->cfg + PCI_VENDOR), ld16(fn->cfg + PCI_DEVICE),
                   fn->ident->class_code, fn->dev ? ", id " : "", fn->dev ? fn->dev->id : "");
        if (fn->ident->pin)
            mon_printf(m, "    IRQ %u, pin %c\n", fn->cfg[PCI_INT_LINE], 'A' + fn->ident->pin - 1);
        for (unsigned i = 0; i < PCI_BARS; i++) {
            const struct pci_bar *bar = &fn->bar[i];

            if (bar->kind == PCI_BAR_NONE)
                continue;
            mon_printf(m, "    BAR%u: %s, 0x%x bytes", i,
                       bar->kind == PCI_BAR_IO ? "I/O" : "memory", bar->size);
            if (bar->region.mapped)
                mon_printf(m, " at 0x%llx\n", (unsigned long long)bar->region.base);
            else
                mon_printf(m, ", not mapped\n");
        }
    }
    return true;
}

/* ---- devices ---- */

enum { SHOWN_ELEMENTS = 16 };

static void show_fields(struct monitor *m, struct dev *dev)
{
    mon_printf(m, "dev: %s, id \"%s\"\n", dev->cls->name, dev->id);
    if (!dev->cls->fields)
        return;
    for (const struct field *f = dev->cls->fields; f->type != FT_END; f++) {
        u32 shown = MIN(f->count, (u32)SHOWN_ELEMENTS);

        mon_printf(m, "  %-18s =", f->name);
        for (u32 i = 0; i < shown; i++)
            mon_printf(m, " %0*llx", (int)field_width(f->type) * 2,
                       (unsigned long long)field_get(f, dev_saved(dev), i));
        mon_printf(m, "%s\n", shown < f->count ? " ..." : "");
    }
}

bool info_QTREE(struct monitor *m, const char *args)
{
    char word[64] = "";

    mon_word(&args, word, sizeof(word));
    for (struct dev *d = m->vm->pc->devs.first; d; d = d->next) {
        if (!word[0] || strstr(d->id, word) || strstr(d->cls->name, word))
            show_fields(m, d);
    }
    return true;
}

bool info_PIC(struct monitor *m, const char *args)
{
    static const char *const names[] = {"8259", "pic", "apic"};

    for (struct dev *d = m->vm->pc->devs.first; d; d = d->next) {
        for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
            if (strstr(d->cls->name, names[i]) || strstr(d->id, names[i])) {
                show_fields(m, d);
                break;
            }
        }
    }
    return true;
}

bool info_QOM_TREE(struct monitor *m, const char *args)
{
    mon_printf(m, "/machine\n");
    for (const struct dev *d = m->vm->pc->devs.first; d; d = d->next)
        mon_printf(m, "  /%s (%s)\n", d->id, d->cls->name);
    return true;
}

static void show_rom(struct monitor *m, const char *name, const struct pc_blob *rom)
{
    if (rom->len)
        mon_printf(m, "size=0x%06zx name=\"%s\"\n", rom->len, name);
}

bool info_ROMS(struct monitor *m, const char *args)
{
    const struct pc_config *cfg = &m->vm->pc->cfg;

    show_rom(m, cfg->bios.name ? cfg->bios.name : "bios", &cfg->bios);
    show_rom(m, cfg->vga_bios.name ? cfg->vga_bios.name : "vga bios", &cfg->vga_bios);
    for (unsigned i = 0; i < cfg->nroms; i++)
        show_rom(m, cfg->rom[i].name, &cfg->rom[i]);
    for (unsigned i = 0; i < cfg->naddons; i++) {
        struct pc_blob rom = {cfg->addon[i].id, cfg->addon[i].rom, cfg->addon[i].rom_len};

        show_rom(m, cfg->addon[i].driver, &rom);
    }
    return true;
}

/* ---- the host side ---- */

bool info_BLOCK(struct monitor *m, const char *args)
{
    for (unsigned i = 0; i < VM_DRIVES; i++) {
        struct blk *blk = vm_drive(m->vm, i);
        const struct image *im = blk ? drive_image(blk) : NULL;

        if (!blk)
            continue;
        mon_printf(m, "%s: %s", vm_drive_name(m->vm, i), im ? drive_path(blk) : "[not inserted]");
        if (im)
            mon_printf(m, " (%s%s%s, %llu bytes)",
                       drive_options(blk)->snapshot && im->backing ? im->backing->drv->name
                                                                   : im->drv->name,
                       drive_options(blk)->snapshot ? ", snapshot" : "",
                       blk->read_only ? ", read-only" : "", (unsigned long long)blk->size);
        mon_printf(m, "%s%s%s\n", blk->removable ? ", removable" : "",
                   blk->locked ? ", locked" : "", blk->tray_open ? ", tray open" : "");
        if (im && im->drv == &image_memory)
            im = im->backing;
        for (im = im ? im->backing : NULL; im; im = im->backing)
            mon_printf(m, "    Backing file:     %s (%s)\n", im->path, im->drv->name);
    }
    return true;
}

bool info_CHARDEV(struct monitor *m, const char *args)
{
    for (unsigned i = 0; i < m->vm->nchardevs; i++) {
        const struct chardev *c = m->vm->chardevs[i];

        mon_printf(m, "%s: filename=%s%s", c->id, c->label, c->want_mux ? ", shared" : "");
        if (c->listen_fd >= 0)
            mon_printf(m, ", %s", c->in_fd >= 0 ? "connected" : "listening");
        if (c->dropped)
            mon_printf(m, ", %llu bytes dropped", (unsigned long long)c->dropped);
        mon_printf(m, "\n");
    }
    return true;
}
