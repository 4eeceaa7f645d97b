/* ATA commands of a disk and the few a packet drive shares (ATA/ATAPI-6, T13/1410D, chapter 8). */
#include "devices/disk/ide_int.h"

/* ---- addresses ---- */

/* The sector the registers name, or false when the CHS address is impossible. */
static bool get_lba(struct ide_drive *d, u64 *lba)
{
    const struct ide_drive_regs *r = d->r;
    u32 cyl = (u32)r->hcyl << 8 | r->lcyl;

    if (r->lba48) {
        *lba = (u64)r->hob_hcyl << 40 | (u64)r->hob_lcyl << 32 | (u64)r->hob_sector << 24 |
               (u64)r->hcyl << 16 | (u64)r->lcyl << 8 | r->sector;
        return true;
    }
    if (r->select & SEL_LBA) {
        *lba = (u64)(r->select & 15) << 24 | (u64)cyl << 8 | r->sector;
        return true;
    }
    if (r->sector == 0 || r->sector > r->spt || (r->select & 15) >= r->heads)
        return false;
    *lba = ((u64)cyl * r->heads + (r->select & 15)) * r->spt + r->sector - 1;
    return true;
}

static void set_lba(struct ide_drive *d, u64 lba)
{
    struct ide_drive_regs *r = d->r;

    if (r->lba48) {
        r->hob_hcyl = (u8)(lba >> 40);
        r->hob_lcyl = (u8)(lba >> 32);
        r->hob_sector = (u8)(lba >> 24);
    } else if (r->select & SEL_LBA) {
        r->select = (u8)((r->select & 0xf0) | (lba >> 24 & 15));
    } else {
        u64 track = lba / r->spt, cyl = track / r->heads;

        r->sector = (u8)(lba % r->spt + 1);
        r->select = (u8)((r->select & 0xf0) | (track % r->heads & 15));
        r->lcyl = (u8)cyl;
        r->hcyl = (u8)(cyl >> 8);
        return;
    }
    r->hcyl = (u8)(lba >> 16);
    r->lcyl = (u8)(lba >> 8);
    r->sector = (u8)lba;
}

static u32 get_count(const struct ide_drive *d)
{
    u32 n;

    if (d->r->lba48) {
        n = (u32)d->r->hob_nsector << 8 | d->r->nsector;
        return n ? n : 65536;
    }
    return d->r->nsector ? d->r->nsector : 256;
}

/* ---- transfers ---- */

/* Take the next block of sectors: as many as one PIO block, or the buffer, holds. */
static void next_block(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    r->in_buf = MIN(r->left, r->dma ? (u32)IDE_CHUNK : r->block);
    r->left -= r->in_buf;
    r->pos = 0;
    r->end = r->in_buf * IDE_SECTOR;
}

void ata_want_data(struct ide_drive *d)
{
    next_block(d);
    d->r->status = ST_DRDY | ST_DSC | ST_DRQ;
    d->r->phase = d->r->dma ? PH_DMA_OUT : PH_PIO_OUT;
}

static void finish(struct ide_drive *d)
{
    set_lba(d, d->r->lba);
    d->r->nsector = 0;
    if (d->r->lba48)
        d->r->hob_nsector = 0;
    if (d->r->dma)
        bmdma_end(d->ch);
    ide_done(d);
}

static void fail_here(struct ide_drive *d, u8 error)
{
    u32 left = d->r->left + d->r->in_buf;

    set_lba(d, d->r->lba);
    d->r->nsector = (u8)left;
    if (d->r->lba48)
        d->r->hob_nsector = (u8)(left >> 8);
    if (d->r->dma)
        bmdma_end(d->ch);
    ide_fail(d, error);
}

void ata_io_done(struct ide_drive *d, int status)
{
    struct ide_drive_regs *r = d->r;

    if (r->phase == PH_TRIM) {
        ata_trim_done(d, status);
        return;
    }
    if (status) {
        fail_here(d, r->phase == PH_READ ? ER_UNC : r->phase == PH_WRITE ? ER_IDNF : ER_ABRT);
        return;
    }
    if (r->phase == PH_FLUSH) {
        if (r->kind == KIND_ATA)
            finish(d);
        else
            ide_done(d);
    } else if (r->phase == PH_READ && r->dma) {
        r->phase = PH_DMA_IN;
        r->status = ST_DRDY | ST_DSC | ST_DRQ;
        bmdma_kick(d);
    } else if (r->phase == PH_READ) {
        ide_pio_in(d, r->in_buf * IDE_SECTOR);
    } else {
        r->lba += r->in_buf;
        r->in_buf = 0;
        if (!r->left) {
            if (r->wcache)
                finish(d);
            else
                ide_submit(d, PH_FLUSH);
        } else {
            ata_want_data(d);
            if (r->dma)
                bmdma_kick(d);
            else
                ide_irq(d);
        }
    }
}

static void read_on(struct ide_drive *d)
{
    d->r->lba += d->r->in_buf;
    d->r->in_buf = 0;
    if (!d->r->left) {
        finish(d);
        return;
    }
    next_block(d);
    ide_submit(d, PH_READ);
}

void ata_pio_end(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    if (r->kind == KIND_ATA_ONCE) {
        bool out = r->phase == PH_PIO_OUT;

        r->phase = PH_IDLE;
        r->kind = KIND_NONE;
        r->status = ST_DRDY | ST_DSC;
        if (out)
            ide_irq(d);
    } else if (r->phase == PH_PIO_OUT) {
        ide_submit(d, PH_WRITE);
    } else if (r->left) {
        read_on(d);
    } else {
        /* The last block of a PIO read was announced when it was ready: its end gives no interrupt.
         */
        r->lba += r->in_buf;
        r->in_buf = 0;
        set_lba(d, r->lba);
        r->nsector = 0;
        r->phase = PH_IDLE;
        r->kind = KIND_NONE;
        r->status = ST_DRDY | ST_DSC;
    }
}

void ata_dma_moved(struct ide_drive *d)
{
    if (d->r->phase == PH_DMA_OUT && d->r->cmd == CMD_TRIM)
        ata_trim_list(d);
    else if (d->r->phase == PH_DMA_OUT)
        ide_submit(d, PH_WRITE);
    else
        read_on(d);
}

enum { RW_WRITE = 1, RW_DMA = 2, RW_MULT = 4, RW_EXT = 8, RW_VERIFY = 16 };

static void read_write(struct ide_drive *d, unsigned how)
{
    struct ide_drive_regs *r = d->r;
    u64 lba, total = drive_sectors(d);
    u32 n;

    r->lba48 = !!(how & RW_EXT);
    r->dma = !!(how & RW_DMA);
    r->write = !!(how & RW_WRITE);
    if (((how & RW_MULT) && !r->mult) || ((how & RW_WRITE) && d->blk->read_only)) {
        ide_fail(d, ER_ABRT);
        return;
    }
    n = get_count(d);
    if (!get_lba(d, &lba) || lba >= total || n > total - lba) {
        ide_fail(d, ER_IDNF);
        return;
    }
    if (how & RW_VERIFY) {
        set_lba(d, lba + n);
        ide_done(d);
        return;
    }
    r->kind = KIND_ATA;
    r->power = 0xff;
    r->lba = lba;
    r->left = n;
    r->block = how & RW_MULT ? r->mult : 1;
    if (how & RW_WRITE) {
        ata_want_data(d);
        if (r->dma)
            bmdma_kick(d);
    } else {
        next_block(d);
        ide_submit(d, PH_READ);
    }
}

/* ---- other commands ---- */

static void set_features(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    switch (r->feature) {
    case 0x02: r->wcache = 1; break;
    case 0x82: r->wcache = 0; break;
    case 0x03: /* transfer mode: PIO 0-4, multiword DMA 0-2, ultra DMA 0-5 */
        if (r->nsector >= 0x10 && !(r->nsector >= 0x20 && r->nsector <= 0x22) &&
            !(r->nsector >= 0x40 && r->nsector <= 0x45)) {
            ide_fail(d, ER_ABRT);
            return;
        }
        r->xfer_mode = r->nsector;
        break;
    case 0x05: case 0x85: /* advanced power management */
    case 0x42: case 0xc2: /* acoustics */
    case 0x55: case 0xaa: /* look-ahead */
    case 0x66: case 0xcc: /* defaults over reset */
    case 0x5d: case 0xdd: case 0x5e: case 0xde: /* release and service interrupts */
        break;
    default:
        ide_fail(d, ER_ABRT);
        return;
    }
    ide_done(d);
}

static void set_multiple(struct ide_drive *d)
{
    u8 n = d->r->nsector;

    if (n > IDE_MULT_MAX || (n & (n - 1))) {
        ide_fail(d, ER_ABRT);
        return;
    }
    d->r->mult = n;
    ide_done(d);
}

static void init_params(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u64 cyls;

    if (!r->nsector) {
        ide_fail(d, ER_ABRT);
        return;
    }
    r->heads = (u8)((r->select & 15) + 1);
    r->spt = r->nsector;
    cyls = drive_sectors(d) / ((u32)r->heads * r->spt);
    r->cyls = (u32)MIN(cyls, 65535u);
    ide_done(d);
}

static void native_max(struct ide_drive *d, bool ext)
{
    u64 last = drive_sectors(d) - 1;

    d->r->lba48 = ext;
    if (!ext) {
        d->r->select |= SEL_LBA;
        last = MIN(last, 0x0fffffffull);
    }
    set_lba(d, last);
    ide_done(d);
}

static void diagnose(struct ide_channel *ch)
{
    int i;

    for (i = 0; i < 2; i++)
        ide_drive_reset(&ch->drive[i]);
    ch->r->unit = 0;
    ide_irq(&ch->drive[0]);
}

static void once_in(struct ide_drive *d)
{
    d->r->kind = KIND_ATA_ONCE;
    ide_pio_in(d, IDE_SECTOR);
}

static void write_buffer(struct ide_drive *d)
{
    d->r->kind = KIND_ATA_ONCE;
    d->r->phase = PH_PIO_OUT;
    d->r->pos = 0;
    d->r->end = IDE_SECTOR;
    d->r->status = ST_DRDY | ST_DSC | ST_DRQ;
}

/* Commands that both kinds of drive know. False: not one of them. */
static bool common_command(struct ide_drive *d, u8 cmd)
{
    switch (cmd) {
    case 0x00: ide_fail(d, ER_ABRT); break; /* NOP always ends so */
    case 0x90: diagnose(d->ch); break;
    case 0x94: case 0x96: case 0xe0: case 0xe2: /* STANDBY */
        d->r->power = 0x00;
        ide_done(d);
        break;
    case 0x95: case 0x97: case 0xe1: case 0xe3: /* IDLE */
        d->r->power = 0xff;
        ide_done(d);
        break;
    case 0x98: case 0xe5: /* CHECK POWER MODE */
        d->r->nsector = d->r->power;
        ide_done(d);
        break;
    case 0x99: case 0xe6: /* SLEEP */
        d->r->power = 0x00;
        ide_done(d);
        break;
    case 0xef: set_features(d); break;
    default: return false;
    }
    return true;
}

static void packet_drive_command(struct ide_drive *d, u8 cmd)
{
    if (common_command(d, cmd))
        return;
    switch (cmd) {
    case 0x08: /* DEVICE RESET: no interrupt */
        ide_drive_reset(d);
        break;
    case 0xa0: atapi_packet_begin(d); break;
    case 0xa1:
        atapi_identify(d);
        once_in(d);
        break;
    case 0x20: case 0x21: case 0xec: /* these tell who we are by failing with the signature */
        ide_signature(d);
        ide_fail(d, ER_ABRT);
        break;
    case 0xe7: case 0xea: ide_done(d); break;
    default: ide_fail(d, ER_ABRT); break;
    }
}

static void flush(struct ide_drive *d)
{
    d->r->kind = KIND_NONE;
    ide_submit(d, PH_FLUSH);
}

void ata_command(struct ide_drive *d, u8 cmd)
{
    if (drive_is_cd(d)) {
        packet_drive_command(d, cmd);
        return;
    }
    if (common_command(d, cmd))
        return;
    switch (cmd) {
    case CMD_TRIM: ata_trim(d); break;
    case 0x20: case 0x21: read_write(d, 0); break;
    case 0x24: read_write(d, RW_EXT); break;
    case 0x25: read_write(d, RW_DMA | RW_EXT); break;
    case 0x29: read_write(d, RW_MULT | RW_EXT); break;
    case 0x30: case 0x31: case 0x3c: read_write(d, RW_WRITE); break;
    case 0x34: read_write(d, RW_WRITE | RW_EXT); break;
    case 0x35: case 0x3d: read_write(d, RW_WRITE | RW_DMA | RW_EXT); break;
    case 0x39: case 0xce: read_write(d, RW_WRITE | RW_MULT | RW_EXT); break;
    case 0x40: case 0x41: read_write(d, RW_VERIFY); break;
    case 0x42: read_write(d, RW_VERIFY | RW_EXT); break;
    case 0xc4: read_write(d, RW_MULT); break;
    case 0xc5: read_write(d, RW_WRITE | RW_MULT); break;
    case 0xc8: case 0xc9: read_write(d, RW_DMA); break;
    case 0xca: case 0xcb: read_write(d, RW_WRITE | RW_DMA); break;
    case 0x27: native_max(d, true); break;
    case 0xf8: native_max(d, false); break;
    case 0x91: init_params(d); break;
    case 0xb0: ata_smart(d); break;
    case 0xc6: set_multiple(d); break;
    case 0xe4: once_in(d); break;
    case 0xe8: write_buffer(d); break;
    case 0xe7: case 0xea: flush(d); break;
    case 0xec:
        ata_identify(d);
        once_in(d);
        break;
    default:
        if ((cmd & 0xf0) == 0x10 || (cmd & 0xf0) == 0x70)
            ide_done(d); /* RECALIBRATE, SEEK */
        else
            ide_fail(d, ER_ABRT);
        break;
    }
}
