/* Disk controllers as test_laws.c makes them; a part of classes.h. */
#ifndef TESTS_DEV_CLASSES_DISK_H
#define TESTS_DEV_CLASSES_DISK_H

#include "devices/disk/fdc.h"
#include "devices/disk/ide.h"
#include "tests/dev/memblk.h"

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

static void law_disk_fail(struct law *law, int error)
{
    ((struct law_disk *)law->extra)->blk.fail = error;
}

/* A CD and a disk, each the master of a channel. */
struct law_ide_disks {
    struct pci_bus bus;
    struct memblk cd, hd;
    u8 data[2][65536];
};

static void law_ide(struct law *law)
{
    struct ide_wiring w = {.drive = {NULL}};
    struct dev *ide = law_new(law, &ide_class);
    struct law_ide_disks *d = law->extra = calloc(1, sizeof(*d));

    pci_bus_init(&d->bus, &law->rig->mem, &law->rig->io, NULL);
    memblk_init(&d->cd, &law->rig->clock, d->data[0], sizeof(d->data[0]));
    memblk_init(&d->hd, &law->rig->clock, d->data[1], sizeof(d->data[1]));
    d->cd.blk.removable = d->cd.blk.cdrom = d->cd.blk.read_only = true;
    w.drive[0] = &d->cd.blk;
    w.drive[2] = &d->hd.blk;
    ide_wire(ide, &d->bus, &w);
    law->pci = &d->bus;
    law->cfg = 0x80000900;
    law->bar[4] = 0xc000;
    rig_start(ide);
}

/* A command with its registers, to either channel. */
static void law_ide_command(struct bus *io, u32 r)
{
    static const u8 ops[] = {0x20, 0x24, 0x25, 0x30, 0x34, 0x35, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xec,
                             0xef, 0x29, 0x39, 0x40, 0x42, 0x91, 0xe7, 0xea, 0x08, 0x90, 0xf8, 0x27,
                             0xa1, 0xda, 0xe5, 0x06, 0xb0, 0x10, 0x70, 0xe0};
    u16 at = r & 1 ? 0x1f0 : 0x170;

    bus_write(io, at + 6, r & 0x100 ? 0xe0 : 0xa0, 1);
    bus_write(io, at + 2, r >> 9 & 15, 1);
    bus_write(io, at + 3, r >> 13 & (r & 0x200 ? 0x7f : 0xff), 1);
    bus_write(io, at + 4, r & 0x400 ? 0 : r >> 21, 1);
    bus_write(io, at + 5, r & 0x800 ? 0 : r >> 24, 1);
    bus_write(io, at + 7, ops[(r >> 3) % ARRAY_LEN(ops)], 1);
}

/* A packet to the CD: 12 bytes through the data port. */
static void law_ide_packet(struct law *law, u32 r)
{
    static const u8 ops[] = {0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x3c, 0x42, 0x43,
                             0x44, 0x46, 0x4a, 0x51, 0x52, 0x55, 0x5a, 0xa4, 0xa8, 0xad, 0xb9, 0xbb,
                             0xbd, 0xbe, 0x45, 0x4b, 0x35, 0xac};
    struct bus *io = &law->rig->io;
    static const u8 pages[] = {0, 1, 0x0e, 0x2a, 0x3f, 0x30};
    u8 op = ops[(r >> 3) % ARRAY_LEN(ops)], count = r >> 24 & (r & 0x40000 ? 3 : 0xff);
    u8 page = (op & 0xf0) == 0x50 || op == 0x1a ? pages[(r >> 11) % ARRAY_LEN(pages)] : 0;
    u8 packet[12] = {op, (u8)(r >> 8 & 3), page, 0, (u8)(op < 0x20 ? r >> 24 & 3 : 0),
                     (u8)(r >> 8 & (op == 0xbe ? 7 : 31)), 0, (u8)(op == 0xad ? r >> 20 & 7 : 0),
                     count, (u8)(r >> 20), (u8)(op == 0xad ? 255 : 0), 0};

    bus_write(io, 0x1f6, 0xa0, 1);
    bus_write(io, 0x1f1, r >> 30 & 1, 1);
    bus_write(io, 0x1f4, r & 0x100 ? 0xfe : r >> 8, 1);
    bus_write(io, 0x1f5, r & 0x100 ? 0xff : r >> 16, 1);
    bus_write(io, 0x1f7, 0xa0, 1);
    law->rig->now += 1000000;
    clock_run(&law->rig->clock);
    for (unsigned i = 0; i < sizeof(packet); i += 2)
        bus_write(io, 0x1f0, packet[i] | packet[i + 1] << 8, 2);
}

/* A table of descriptors at 4 KiB, mostly well formed, and the bus master started. */
static void law_ide_dma(struct law *law, u32 r)
{
    struct bus *io = &law->rig->io, *mem = &law->rig->mem;
    u16 at = r & 1 ? 0xc000 : 0xc008;

    for (unsigned i = 0; i < 4; i++) {
        bus_write(mem, 0x1000 + 8 * i, r & 2 ? (r >> i & 0xffff0) : r * 2654435761u, 4);
        bus_write(mem, 0x1004 + 8 * i, (r >> 8 & 0xffe) | (i == 3 && r & 4 ? 0x80000000u : 0), 4);
    }
    bus_write(io, at + 4, r & 0x30 ? 0x1000 : r, 4);
    bus_write(io, at + 2, 0x66, 1);
    bus_write(io, at, r & 0x40 ? 9 : 1, 1);
}

static void law_ide_poke(struct law *law, u32 r)
{
    struct law_ide_disks *d = law->extra;

    switch (r & 15) {
    case 0:
    case 1:
    case 2:
    case 3: law_ide_command(&law->rig->io, r >> 4); break;
    case 4:
    case 5: law_ide_packet(law, r >> 4); break;
    case 6:
    case 7: law_ide_dma(law, r >> 4); break;
    case 8:
        if (!(r & 0xf0))
            d->cd.blk.changed(d->cd.blk.changed_arg);
        else if (r & 0x80)
            d->cd.blk.tray_open = d->cd.blk.locked = false;
        break;
    case 9: (r & 16 ? &d->cd : &d->hd)->fail = r & 0xe0 ? 0 : 5; break;
    case 10: law->rig->now += 10000000; break;
    default: /* data */
        for (unsigned n = r >> 4 & 255; n; n--)
            if (r & 0x1000)
                bus_read(&law->rig->io, r & 0x2000 ? 0x1f0 : 0x170, r & 0x4000 ? 4 : 2);
            else
                bus_write(&law->rig->io, r & 0x2000 ? 0x1f0 : 0x170, r, 2);
        break;
    }
}

static void law_fdc(struct law *law)
{
    struct fdc_wiring w = {.dma = rig_new(law->rig, &i8237_class, "dma")};
    struct dev *fdc = law_new(law, &fdc_class);

    rig_start(w.dma);
    w.drive[0] = &law_disk(law, false)->blk.blk;
    fdc_wire(fdc, &w);
    rig_start(fdc);
}

/* Channel 2 programmed as drivers do, with too little or too much, in the right way or not. */
static void law_fdc_dma(struct bus *io, u32 r)
{
    bus_write(io, 0xd6, 0xc0, 1), bus_write(io, 0xd4, 0, 1);
    bus_write(io, 0x0a, 6, 1);
    bus_write(io, 0x0c, 0, 1);
    bus_write(io, 0x0b, (r & 0xc0) | (r & 4 ? 0x46 : 0x4a) | (r & 8 ? 0x10 : 0), 1);
    bus_write(io, 0x04, r >> 8, 1), bus_write(io, 0x04, r >> 16, 1);
    bus_write(io, 0x05, r & 1 ? 0xff : r >> 8, 1), bus_write(io, 0x05, r & 1 ? 1 : r >> 16 & 31, 1);
    bus_write(io, 0x81, r >> 24 & 15, 1);
    bus_write(io, 0x0a, 2, 1);
}

/* A whole command with plausible parameters. */
static void law_fdc_command(struct bus *io, u32 r)
{
    static const u8 cmds[][2] = {{0x46, 9}, {0xe6, 9}, {0x45, 9}, {0x4d, 6}, {0x16, 9}, {0x11, 9},
                                 {0x0f, 3}, {0x07, 2}, {0x08, 1}, {0x0e, 1}, {0x94, 2}, {0x12, 2},
                                 {0x4a, 2}, {0x42, 9}, {0x04, 2}, {0x03, 3}, {0x13, 4}, {0x10, 1},
                                 {0x49, 9}, {0x4c, 9}, {0x59, 9}, {0x5d, 9}, {0x8f, 3}, {0xcf, 3}};
    unsigned i = r % ARRAY_LEN(cmds);
    u8 p[9] = {cmds[i][0], (u8)(r >> 5 & 5), (u8)(r >> 8 & 3), (u8)(r >> 5 >> 2 & 1),
               (u8)(r >> 11 & 31), 2, (u8)(r & 0x10000 ? 18 : r >> 17), 0x1b, 0xff};

    if (cmds[i][0] == 0x4d)
        p[2] = 2, p[3] = (u8)(r >> 11 & 31), p[5] = (u8)r;
    for (unsigned n = 0; n < cmds[i][1]; n++)
        bus_write(io, 0x3f5, p[n], 1);
}

static void law_fdc_poke(struct law *law, u32 r)
{
    struct law_disk *d = law->extra;
    struct bus *io = &law->rig->io;

    switch (r & 15) {
    case 0: bus_write(io, 0x3f2, r & 0x100 ? 0x1c : 0x14, 1); break;
    case 1:
    case 2:
    case 3:
    case 4: law_fdc_command(io, r >> 4); break;
    case 5:
    case 6: law_fdc_dma(io, r >> 4); break;
    case 7: law_disk_fail(law, r & 0xf0 ? 0 : 5); break;
    case 8:
        if (!(r & 0x70))
            d->blk.blk.changed(d->blk.blk.changed_arg);
        break;
    case 9:
    case 10: law->rig->now += r >> 4; break;
    case 11: bus_write(io, 0x3f2, r & 0x70 ? 0x1c : 0, 1); break;
    default: bus_read(io, r & 0x10 ? 0x3f5 : 0x3f4, 1); break;
    }
}

#endif
