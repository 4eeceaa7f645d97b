/* The PACKET protocol of a CD drive: packet, data blocks by PIO or bus master, status (ATA/ATAPI-6
 * section 9.8). */
#include "devices/disk/ide_int.h"

#include <errno.h>

enum { PACKET_LEN = 12, FEATURE_DMA = 1 };

/* ---- ends ---- */

void atapi_ok(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    if (r->dma)
        bmdma_end(d->ch);
    r->error = 0;
    r->nsector = REASON_IO | REASON_CD;
    ide_done(d);
}

void atapi_fail(struct ide_drive *d, u8 sense, u8 asc, u8 ascq)
{
    struct ide_drive_regs *r = d->r;

    if (r->dma)
        bmdma_end(d->ch);
    r->sense = sense;
    r->asc = asc;
    r->ascq = ascq;
    r->nsector = REASON_IO | REASON_CD;
    ide_fail(d, (u8)(sense << 4 | ER_ABRT));
}

/* ---- data ---- */

/* Announce the next PIO block of what is in the buffer, in the direction of the command. */
static void pio_block(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u32 n = MIN(r->end - r->pos, r->limit);

    r->block_end = r->pos + n;
    r->lcyl = (u8)n;
    r->hcyl = (u8)(n >> 8);
    r->nsector = r->write ? 0 : REASON_IO;
    r->status = ST_DRDY | ST_DSC | ST_DRQ;
    r->phase = r->write ? PH_PIO_OUT : PH_PIO_IN;
    ide_irq(d);
}

/* The buffer is full of data for the guest. */
static void data_in(struct ide_drive *d, u32 len)
{
    struct ide_drive_regs *r = d->r;

    r->pos = 0;
    r->end = len;
    if (!r->dma) {
        pio_block(d);
        return;
    }
    r->phase = PH_DMA_IN;
    r->nsector = REASON_IO;
    r->status = ST_DRDY | ST_DSC | ST_DRQ;
    bmdma_kick(d);
}

void atapi_reply(struct ide_drive *d, u32 len, u32 max)
{
    len = MIN(len, max);
    d->r->kind = KIND_CD_ONCE;
    d->r->left = 0;
    d->r->write = 0;
    if (len)
        data_in(d, len);
    else
        atapi_ok(d);
}

/* Read the next sectors: as many as the buffer holds, or by PIO as one block takes, so that blocks
 * are whole sectors. */
static void read_next(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u32 max = IDE_BUF / MAX(r->cd_len, (u32)CD_SECTOR);

    if (!r->dma && r->cd_len)
        max = MAX(1u, MIN(max, r->limit / r->cd_len));
    r->in_buf = MIN(r->left, max);
    r->left -= r->in_buf;
    r->pos = r->end = r->block_end = 0;
    ide_submit(d, PH_READ);
}

void atapi_read(struct ide_drive *d, u64 lba, u32 n, u8 flags)
{
    struct ide_drive_regs *r = d->r;
    u64 total = d->blk->size / CD_SECTOR;

    if (lba > total || n > total - lba) {
        atapi_fail(d, 5, 0x21, 0);
        return;
    }
    r->cd_flags = flags & 0xf8;
    r->cd_len = mmc_sector_len(r->cd_flags);
    if (!n || !r->cd_len) {
        atapi_ok(d);
        return;
    }
    r->kind = KIND_CD;
    r->write = 0;
    r->lba = lba;
    r->left = n;
    read_next(d);
}

void atapi_io_done(struct ide_drive *d, int status)
{
    struct ide_drive_regs *r = d->r;

    if (status == ENOMEDIUM) {
        atapi_fail(d, 2, 0x3a, 0);
        return;
    }
    if (status) {
        atapi_fail(d, 3, 0x11, 0);
        return;
    }
    mmc_expand(d);
    data_in(d, r->in_buf * r->cd_len);
}

/* The guest has the whole buffer. */
static void buffer_over(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    if (r->kind == KIND_CD) {
        r->lba += r->in_buf;
        r->in_buf = 0;
        if (r->left) {
            read_next(d);
            return;
        }
    }
    atapi_ok(d);
}

void atapi_pio_end(struct ide_drive *d)
{
    if (d->r->pos < d->r->end)
        pio_block(d);
    else
        buffer_over(d);
}

void atapi_dma_moved(struct ide_drive *d)
{
    buffer_over(d);
}

/* ---- packets ---- */

void atapi_packet_begin(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u32 limit = (u32)r->hcyl << 8 | r->lcyl;

    if (r->feature & 2) { /* overlapped */
        ide_fail(d, ER_ABRT);
        return;
    }
    if (limit == 0 || limit == 0xffff)
        limit = 0xfffe;
    r->limit = MAX(2u, limit & ~1u);
    r->dma = r->feature & FEATURE_DMA;
    r->nsector = REASON_CD;
    r->status = ST_DRDY | ST_DSC | ST_DRQ;
    r->phase = PH_PACKET;
    r->kind = KIND_NONE;
    r->pos = 0;
    r->end = PACKET_LEN;
}

void atapi_packet(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    memcpy(r->packet, r->buf, PACKET_LEN);
    r->pos = r->end = r->block_end = 0;
    r->phase = PH_IDLE;
    r->status = ST_DRDY | ST_DSC;
    mmc_command(d);
}

void atapi_changed(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    /* A read under way is of a medium that is gone. */
    if (r->kind == KIND_CD) {
        ide_cancel(d);
        atapi_fail(d, 6, 0x28, 0);
    }
    r->attention = 1;
    r->event = d->blk->inserted ? 2 : 3;
}
