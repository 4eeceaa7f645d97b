/* PIIX3 IDE function 8086:7010: task file registers, drive selection, reset, interrupts
 * (ATA/ATAPI-6 chapters 7, 9). */
#include "devices/disk/ide_int.h"

#include <errno.h>

static const u16 cmd_base[2] = {0x1f0, 0x170}, ctl_base[2] = {0x3f6, 0x376};

static const struct pci_ident ide_ident = {
    .vendor = 0x8086, .device = 0x7010, .class_code = 0x010180,
};

#define FIELDS_OF struct ide_regs
#define DRIVE_ROWS(n) \
    F(drv[n].error, FT_U8, 1, "error"), \
    F(drv[n].feature, FT_U8, 0, "features"), \
    F(drv[n].nsector, FT_U8, 1, "sector count"), \
    F(drv[n].sector, FT_U8, 1, "sector number, LBA 0-7"), \
    F(drv[n].lcyl, FT_U8, 0, "cylinder low, LBA 8-15"), \
    F(drv[n].hcyl, FT_U8, 0, "cylinder high, LBA 16-23"), \
    F(drv[n].select, FT_U8, SEL_FIXED, "device and head"), \
    F(drv[n].status, FT_U8, ST_DRDY | ST_DSC, "status"), \
    F(drv[n].hob_feature, FT_U8, 0, "previous features"), \
    F(drv[n].hob_nsector, FT_U8, 0, "previous sector count"), \
    F(drv[n].hob_sector, FT_U8, 0, "LBA 24-31"), \
    F(drv[n].hob_lcyl, FT_U8, 0, "LBA 32-39"), \
    F(drv[n].hob_hcyl, FT_U8, 0, "LBA 40-47"), \
    F(drv[n].cmd, FT_U8, 0, "command under way"), \
    F(drv[n].phase, FT_U8, PH_IDLE, "phase"), \
    F(drv[n].kind, FT_U8, KIND_NONE, "kind of transfer"), \
    F(drv[n].dma, FT_U8, 0, "transfer by bus master"), \
    F(drv[n].write, FT_U8, 0, "transfer to the drive"), \
    F(drv[n].lba48, FT_U8, 0, "48-bit command"), \
    F(drv[n].mult, FT_U8, 0, "sectors per block"), \
    F(drv[n].heads, FT_U8, 16, "heads"), \
    F(drv[n].spt, FT_U8, 63, "sectors per track"), \
    F(drv[n].xfer_mode, FT_U8, 0x0c, "transfer mode"), \
    F(drv[n].wcache, FT_U8, 1, "write cache on"), \
    F(drv[n].smart_on, FT_U8, 1, "SMART on"), \
    F(drv[n].power, FT_U8, 0xff, "power mode"), \
    F(drv[n].block, FT_U8, 1, "sectors per PIO block"), \
    F(drv[n].sense, FT_U8, 0, "sense key"), \
    F(drv[n].asc, FT_U8, 0, "additional sense code"), \
    F(drv[n].ascq, FT_U8, 0, "additional sense qualifier"), \
    F(drv[n].attention, FT_U8, 0, "medium change to report"), \
    F(drv[n].event, FT_U8, 0, "media event"), \
    F(drv[n].cd_flags, FT_U8, 0x10, "parts of a raw sector"), \
    F(drv[n].packet, FT_BYTES, 0, "packet command"), \
    F(drv[n].pad0, FT_BYTES, 0, "unused"), \
    F(drv[n].cyls, FT_U32, 0, "cylinders"), \
    F(drv[n].left, FT_U32, 0, "sectors left"), \
    F(drv[n].in_buf, FT_U32, 0, "sectors in the buffer"), \
    F(drv[n].pos, FT_U32, 0, "place in the buffer"), \
    F(drv[n].end, FT_U32, 0, "end in the buffer"), \
    F(drv[n].limit, FT_U32, 2, "bytes per PIO block"), \
    F(drv[n].block_end, FT_U32, 0, "end of the PIO block"), \
    F(drv[n].cd_len, FT_U32, CD_SECTOR, "bytes per sector"), \
    F(drv[n].lba, FT_U64, 0, "sector"), \
    F(drv[n].buf, FT_BYTES, 0, "sector buffer")
#define CHANNEL_ROWS(n) \
    F(ch[n].unit, FT_U8, 0, "selected drive"), \
    F(ch[n].ctl, FT_U8, 0, "device control"), \
    F(ch[n].intrq, FT_U8, 0, "interrupt pending"), \
    F(ch[n].bm_cmd, FT_U8, 0, "bus master command"), \
    F(ch[n].bm_status, FT_U8, 0, "bus master status"), \
    F(ch[n].prd_last, FT_U8, 0, "last descriptor taken"), \
    F(ch[n].pad, FT_BYTES, 0, "unused"), \
    F(ch[n].bm_table, FT_U32, 0, "descriptor table"), \
    F(ch[n].bm_cur, FT_U32, 0, "next descriptor"), \
    F(ch[n].prd_addr, FT_U32, 0, "descriptor's address"), \
    F(ch[n].prd_len, FT_U32, 0, "descriptor's bytes left")

static const struct field ide_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    CHANNEL_ROWS(0),
    CHANNEL_ROWS(1),
    DRIVE_ROWS(0),
    DRIVE_ROWS(1),
    DRIVE_ROWS(2),
    DRIVE_ROWS(3),
    FIELDS_END,
};
#undef FIELDS_OF

/* ---- interrupts and ends of commands ---- */

void ide_update_irq(struct ide_channel *ch)
{
    irq_set(&ch->ide->w.irq[ch->index], ch->r->intrq && !(ch->r->ctl & CTL_NIEN));
}

void ide_irq(struct ide_drive *d)
{
    struct ide_channel *ch = d->ch;

    ch->r->intrq = 1;
    if (!(ch->r->ctl & CTL_NIEN))
        ch->r->bm_status |= 4;
    ide_update_irq(ch);
}

void ide_done(struct ide_drive *d)
{
    d->r->phase = PH_IDLE;
    d->r->kind = KIND_NONE;
    d->r->status = ST_DRDY | ST_DSC;
    ide_irq(d);
}

void ide_fail(struct ide_drive *d, u8 error)
{
    d->r->phase = PH_IDLE;
    d->r->kind = KIND_NONE;
    d->r->status = ST_DRDY | ST_ERR | (drive_is_cd(d) ? 0 : ST_DSC);
    d->r->error = error;
    ide_irq(d);
}

void ide_pio_in(struct ide_drive *d, u32 len)
{
    d->r->phase = PH_PIO_IN;
    d->r->pos = 0;
    d->r->end = len;
    d->r->status = ST_DRDY | ST_DSC | ST_DRQ;
    ide_irq(d);
}

/* ---- block requests ---- */

static void request_done(struct blk_req *req)
{
    struct ide_drive *d = req->arg;

    d->inflight = false;
    if (d->req_gen != d->gen)
        return;
    if (d->r->kind == KIND_CD)
        atapi_io_done(d, req->status);
    else
        ata_io_done(d, req->status);
}

void ide_cancel(struct ide_drive *d)
{
    d->gen++;
    if (d->inflight)
        blk_cancel(d->blk, &d->req);
    d->inflight = false;
}

void ide_submit(struct ide_drive *d, enum ide_phase phase)
{
    struct ide_drive_regs *r = d->r;
    u32 unit = r->kind == KIND_CD ? CD_SECTOR : IDE_SECTOR;

    r->phase = (u8)phase;
    r->status = (u8)(ST_BSY | (r->status & (ST_DRDY | ST_DSC)));
    d->req = (struct blk_req){
        .op = phase == PH_READ    ? BLK_READ
              : phase == PH_WRITE ? BLK_WRITE
              : phase == PH_TRIM  ? BLK_DISCARD
                                  : BLK_FLUSH,
        .off = phase == PH_FLUSH ? 0 : r->lba * unit,
        .len = phase == PH_FLUSH ? 0 : (size_t)r->in_buf * unit,
        .buf = r->buf, .done = request_done, .arg = d,
    };
    d->req_gen = d->gen;
    d->inflight = true;
    blk_submit(d->blk, &d->req);
}

/* ---- resets ---- */

void ide_signature(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    r->select &= SEL_FIXED | SEL_SLAVE;
    r->nsector = 1;
    r->sector = 1;
    r->lcyl = drive_is_cd(d) ? 0x14 : 0;
    r->hcyl = drive_is_cd(d) ? 0xeb : 0;
}

void ide_drive_reset(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    ide_cancel(d);
    r->phase = PH_IDLE;
    r->kind = KIND_NONE;
    r->pos = r->end = r->block_end = r->left = r->in_buf = 0;
    r->mult = drive_is_cd(d) ? 0 : IDE_MULT_MAX;
    r->error = 1; /* diagnostic code: passed */
    r->status = drive_is_cd(d) ? 0 : ST_DRDY | ST_DSC;
    ide_signature(d);
}

static void write_ctl(struct ide_channel *ch, u8 v)
{
    u8 old = ch->r->ctl;
    int i;

    ch->r->ctl = v & (CTL_NIEN | CTL_SRST | CTL_HOB);
    for (i = 0; i < 2; i++) {
        struct ide_drive *d = &ch->drive[i];

        if (!(old & CTL_SRST) && (v & CTL_SRST)) {
            ide_drive_reset(d);
            d->r->status = ST_BSY | ST_DSC;
        } else if ((old & CTL_SRST) && !(v & CTL_SRST)) {
            ide_drive_reset(d);
        }
    }
    if (v & CTL_SRST) {
        ch->r->unit = 0;
        ch->r->intrq = 0;
        bmdma_end(ch);
    }
    ide_update_irq(ch);
}

/* ---- data port ---- */

static void pio_block_over(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    if (r->phase == PH_PACKET)
        atapi_packet(d);
    else if (r->kind == KIND_CD || r->kind == KIND_CD_ONCE)
        atapi_pio_end(d);
    else
        ata_pio_end(d);
}

/* Where the present block of bytes ends: for CD data that is less than what the buffer holds. */
static u32 pio_limit(const struct ide_drive_regs *r)
{
    bool cd = r->kind == KIND_CD || r->kind == KIND_CD_ONCE;

    return cd && r->phase != PH_PACKET ? r->block_end : r->end;
}

static u64 data_read(struct ide_drive *d, unsigned size)
{
    struct ide_drive_regs *r = d->r;
    u32 limit = pio_limit(r);
    u64 v = 0;
    unsigned i;

    if (r->phase != PH_PIO_IN)
        return 0;
    for (i = 0; i < size && r->pos < limit; i++) /* an odd tail is padded with zeros */
        v |= (u64)r->buf[r->pos++] << 8 * i;
    if (r->pos >= limit)
        pio_block_over(d);
    return v;
}

static void data_write(struct ide_drive *d, u64 v, unsigned size)
{
    struct ide_drive_regs *r = d->r;
    u32 limit = pio_limit(r);

    if (r->phase != PH_PIO_OUT && r->phase != PH_PACKET)
        return;
    for (; size && r->pos < limit; size--, v >>= 8)
        r->buf[r->pos++] = (u8)v;
    if (r->pos >= limit)
        pio_block_over(d);
}

/* ---- task file ---- */

static bool nobody(const struct ide_channel *ch)
{
    return !ch->drive[ch->r->unit].blk;
}

static u8 reg_read(struct ide_channel *ch, unsigned reg)
{
    const struct ide_drive_regs *r = ch->drive[ch->r->unit].r;
    bool hob = ch->r->ctl & CTL_HOB;

    /* With no drive to answer, the other one's pull-downs give zeros: no BSY, no DRDY. */
    if (nobody(ch))
        return 0;
    switch (reg) {
    case 1: return hob ? r->hob_feature : r->error;
    case 2: return hob ? r->hob_nsector : r->nsector;
    case 3: return hob ? r->hob_sector : r->sector;
    case 4: return hob ? r->hob_lcyl : r->lcyl;
    case 5: return hob ? r->hob_hcyl : r->hcyl;
    case 6: return r->select;
    default:
        ch->r->intrq = 0;
        ide_update_irq(ch);
        return r->status;
    }
}

/* Both drives of a cable see every register write. */
static void reg_write_drive(struct ide_drive_regs *r, unsigned reg, u8 v)
{
    switch (reg) {
    case 1:
        r->hob_feature = r->feature;
        r->feature = v;
        break;
    case 2:
        r->hob_nsector = r->nsector;
        r->nsector = v;
        break;
    case 3:
        r->hob_sector = r->sector;
        r->sector = v;
        break;
    case 4:
        r->hob_lcyl = r->lcyl;
        r->lcyl = v;
        break;
    case 5:
        r->hob_hcyl = r->hcyl;
        r->hcyl = v;
        break;
    default: r->select = v | SEL_FIXED; break;
    }
}

static void command(struct ide_channel *ch, u8 cmd)
{
    struct ide_drive *d = &ch->drive[ch->r->unit];
    struct ide_drive_regs *r = d->r;

    ch->r->intrq = 0;
    ide_update_irq(ch);
    if (!d->blk)
        return;
    /* Only DEVICE RESET reaches a busy drive, and only a packet one knows it. */
    if ((r->status & (ST_BSY | ST_DRQ)) && !(cmd == 0x08 && drive_is_cd(d)))
        return;
    r->cmd = cmd;
    r->error = 0;
    r->dma = r->write = r->lba48 = 0;
    ata_command(d, cmd);
}

static void reg_write(struct ide_channel *ch, unsigned reg, u8 v)
{
    const struct ide_drive *d = &ch->drive[ch->r->unit];

    ch->r->ctl &= (u8)~CTL_HOB;
    if (ch->r->ctl & CTL_SRST)
        return;
    if (reg == 7) {
        command(ch, v);
        return;
    }
    if (d->blk && (d->r->status & (ST_BSY | ST_DRQ)))
        return;
    reg_write_drive(ch->drive[0].r, reg, v);
    reg_write_drive(ch->drive[1].r, reg, v);
    if (reg == 6)
        ch->r->unit = !!(v & SEL_SLAVE);
}

static u64 cmd_read(void *dev, u64 off, unsigned size)
{
    struct ide_channel *ch = dev;
    u64 v = 0;
    unsigned i;

    if (off == 0)
        return nobody(ch) ? size_mask(size) : data_read(&ch->drive[ch->r->unit], size);
    for (i = 0; i < size; i++)
        v |= (u64)reg_read(ch, (unsigned)off + i) << 8 * i;
    return v;
}

static void cmd_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct ide_channel *ch = dev;
    unsigned i;

    if (off == 0) {
        data_write(&ch->drive[ch->r->unit], v, size);
        return;
    }
    for (i = 0; i < size; i++)
        reg_write(ch, (unsigned)off + i, (u8)(v >> 8 * i));
}

static u64 ctl_read(void *dev, u64 off, unsigned size)
{
    struct ide_channel *ch = dev;

    return nobody(ch) ? 0 : ch->drive[ch->r->unit].r->status;
}

static void ctl_write(void *dev, u64 off, u64 v, unsigned size)
{
    write_ctl(dev, (u8)v);
}

static const struct region_ops cmd_ops = {cmd_read, cmd_write, 1, 4};
static const struct region_ops ctl_ops = {ctl_read, ctl_write, 1, 1};

/* ---- life ---- */

static void medium_changed(void *arg)
{
    atapi_changed(arg);
}

void ide_wire(struct dev *dev, struct pci_bus *bus, const struct ide_wiring *wiring)
{
    struct ide *ide = (struct ide *)dev;

    ide->fn.bus = bus;
    ide->w = *wiring;
}

static void init_channel(struct ide *ide, unsigned n)
{
    struct ide_channel *ch = &ide->ch[n];
    unsigned i;

    ch->ide = ide;
    ch->r = &ide->r.ch[n];
    ch->index = n;
    for (i = 0; i < 2; i++) {
        struct ide_drive *d = &ch->drive[i];

        d->ide = ide;
        d->ch = ch;
        d->index = 2 * n + i;
        d->r = &ide->r.drv[d->index];
        d->blk = ide->w.drive[d->index];
        if (d->blk && d->blk->removable) {
            d->blk->changed = medium_changed;
            d->blk->changed_arg = d;
        }
    }
    ch->cmd_ports = (struct region){
        .name = n ? "ide1" : "ide0", .base = cmd_base[n], .size = 8, .ops = &cmd_ops, .dev = ch};
    ch->ctl_port = (struct region){.name = n ? "ide1-ctl" : "ide0-ctl",
                                   .base = ctl_base[n],
                                   .size = 1,
                                   .ops = &ctl_ops,
                                   .dev = ch};
    bus_map(ide->dev.env.io, &ch->cmd_ports);
    bus_map(ide->dev.env.io, &ch->ctl_port);
}

static bool ide_init(struct dev *dev, struct err *err)
{
    struct ide *ide = (struct ide *)dev;

    ide->fn.devfn = PCI_DEVFN(1, 1);
    ide->fn.bar[4].kind = PCI_BAR_IO;
    ide->fn.bar[4].size = 16;
    ide->fn.bar[4].region = (struct region){.name = "bmdma", .ops = &bmdma_ops, .dev = ide};
    pci_func_init(&ide->fn, dev, ide->r.cfg, &ide_ident);
    init_channel(ide, 0);
    init_channel(ide, 1);
    return true;
}

static void ide_reset(struct dev *dev)
{
    struct ide *ide = (struct ide *)dev;
    unsigned i;

    pci_func_reset(&ide->fn);
    memset(ide->r.cfg + 0x40, 0, sizeof ide->r.cfg - 0x40);
    st16(ide->r.cfg + PCI_STATUS, PCI_STATUS_MEDIUM | 0x80);
    for (i = 0; i < 4; i++) {
        struct ide_drive *d = &ide->ch[i / 2].drive[i & 1];
        u64 cyls = drive_sectors(d) / (16 * 63);

        ide_drive_reset(d);
        d->r->cyls = (u32)MIN(cyls, 16383u);
        if (d->blk)
            d->blk->locked = false;
    }
    ide_update_irq(&ide->ch[0]);
    ide_update_irq(&ide->ch[1]);
}

/* Restored numbers index the buffer: bring what cannot be into bounds, and start the request again
 * that was under way. */
static void drive_loaded(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    bool cd = r->kind == KIND_CD || r->kind == KIND_CD_ONCE;
    u32 unit = r->kind == KIND_CD ? CD_SECTOR : IDE_SECTOR;

    ide_cancel(d);
    r->end = MIN(r->end, (u32)IDE_BUF);
    r->block_end = MIN(r->block_end, r->end);
    r->pos = MIN(r->pos, r->end);
    if (r->phase == PH_PIO_IN || r->phase == PH_PIO_OUT)
        r->pos = MIN(r->pos, pio_limit(r));
    r->in_buf = MIN(r->in_buf, r->phase == PH_TRIM ? 0xffffu : IDE_BUF / unit);
    r->limit = MIN(MAX(r->limit, 2u), 0xfffeu);
    r->mult = MIN(r->mult, (u8)IDE_MULT_MAX);
    r->block = MAX((u8)1, MIN(r->block, (u8)IDE_MULT_MAX));
    r->heads = MAX(r->heads, (u8)1);
    r->spt = MAX(r->spt, (u8)1);
    r->cd_flags = r->cd_flags & 0xf8;
    r->cd_len = mmc_sector_len(r->cd_flags);
    if (r->kind == KIND_CD)
        r->in_buf = MIN(r->in_buf, IDE_BUF / MAX(r->cd_len, (u32)CD_SECTOR));
    r->lba &= 0xffffffffffffull;
    if (!d->blk) { /* an absent drive only remembers what was written to it */
        r->phase = PH_IDLE;
        return;
    }
    if (r->phase >= PH__COUNT || r->kind >= KIND__COUNT || (cd && !drive_is_cd(d)) ||
        (r->phase == PH_TRIM && r->kind != KIND_ATA) ||
        (r->phase == PH_IDLE && (r->status & (ST_BSY | ST_DRQ)) && !(d->ch->r->ctl & CTL_SRST)))
        ide_drive_reset(d);
    if (r->phase == PH_READ || r->phase == PH_WRITE || r->phase == PH_FLUSH || r->phase == PH_TRIM)
        ide_submit(d, r->phase);
}

static bool ide_loaded(struct dev *dev, struct err *err)
{
    struct ide *ide = (struct ide *)dev;
    unsigned i;

    pci_func_loaded(&ide->fn);
    for (i = 0; i < 2; i++) {
        struct ide_channel *ch = &ide->ch[i];

        ch->r->unit &= 1;
        ch->r->intrq = !!ch->r->intrq;
        ch->r->ctl &= CTL_NIEN | CTL_SRST | CTL_HOB;
        bmdma_loaded(ch);
        drive_loaded(&ch->drive[0]);
        drive_loaded(&ch->drive[1]);
        ide_update_irq(ch);
    }
    return true;
}

static void ide_free(struct dev *dev)
{
    struct ide *ide = (struct ide *)dev;
    unsigned i;

    for (i = 0; i < 2; i++) {
        bus_unmap(dev->env.io, &ide->ch[i].cmd_ports);
        bus_unmap(dev->env.io, &ide->ch[i].ctl_port);
    }
    for (i = 0; i < 4; i++) {
        struct ide_drive *d = &ide->ch[i / 2].drive[i & 1];

        ide_cancel(d);
        if (d->blk && d->blk->changed_arg == d)
            d->blk->changed = NULL;
    }
    pci_func_free(&ide->fn);
}

const struct dev_class ide_class = {
    .name = "ide",
    .help = "PIIX3 IDE",
    .size = sizeof(struct ide),
    .saved_at = offsetof(struct ide, r),
    .saved_size = sizeof(struct ide_regs),
    .version = 1,
    .fields = ide_fields,
    .init = ide_init,
    .reset = ide_reset,
    .loaded = ide_loaded,
    .free = ide_free,
};
