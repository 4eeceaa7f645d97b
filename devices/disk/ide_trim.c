/* DATA SET MANAGEMENT with TRIM: the guest names sectors whose contents it gives up (ATA/ATAPI
 * Command Set 2, T13/2015-D, section 7.10). Drives have it when their host takes discards. */
#include "devices/disk/ide_int.h"

enum { FEATURE_TRIM = 1, ENTRY = 8, COUNT_SHIFT = 48 };

/* The next range of the list in the buffer, behind r->pos; false: there is none. */
static bool next_range(struct ide_drive *d, u64 *lba, u32 *n)
{
    struct ide_drive_regs *r = d->r;

    while (r->pos + ENTRY <= r->end) {
        u64 entry = ld64(r->buf + r->pos);

        r->pos += ENTRY;
        *lba = entry & (BIT64(COUNT_SHIFT) - 1);
        *n = (u32)(entry >> COUNT_SHIFT);
        if (*n) /* entries without sectors fill the block up */
            return true;
    }
    return false;
}

static void end_trim(struct ide_drive *d, u8 error)
{
    bmdma_end(d->ch);
    if (error)
        ide_fail(d, error);
    else
        ide_done(d);
}

static void trim_next(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;

    if (next_range(d, &r->lba, &r->in_buf))
        ide_submit(d, PH_TRIM);
    else
        end_trim(d, 0);
}

void ata_trim(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u32 blocks = (u32)r->hob_nsector << 8 | r->nsector;

    if (!d->blk->discard || d->blk->read_only || r->feature != FEATURE_TRIM || !blocks ||
        blocks > IDE_TRIM_BLOCKS) {
        ide_fail(d, ER_ABRT);
        return;
    }
    r->kind = KIND_ATA;
    r->power = 0xff;
    r->dma = r->write = 1;
    r->lba = 0;
    r->left = blocks;
    r->block = 1;
    ata_want_data(d);
    bmdma_kick(d);
}

void ata_trim_list(struct ide_drive *d)
{
    struct ide_drive_regs *r = d->r;
    u64 lba, total = drive_sectors(d);
    u32 n;

    r->in_buf = r->left = 0;
    /* Nothing is given up when one of the ranges cannot be. */
    r->pos = 0;
    while (next_range(d, &lba, &n)) {
        if (lba >= total || n > total - lba) {
            end_trim(d, ER_IDNF);
            return;
        }
    }
    r->pos = 0;
    trim_next(d);
}

void ata_trim_done(struct ide_drive *d, int status)
{
    if (status)
        end_trim(d, ER_ABRT);
    else
        trim_next(d);
}
