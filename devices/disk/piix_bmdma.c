/* Bus master of the PIIX IDE function: descriptor tables (82371SB data sheet section 2.7;
 * SFF-8038i). */
#include "devices/disk/ide_int.h"

enum { BM_START = 1, BM_TO_MEM = 8 };
enum { BMS_ACTIVE = 1, BMS_ERROR = 2, BMS_INT = 4, BMS_CAPABLE = 0x60 };

bool bmdma_active(const struct ide_channel *ch)
{
    return ch->r->bm_cmd & BM_START && ch->r->bm_status & BMS_ACTIVE;
}

/* Fetch descriptors until there are bytes to move; false at the end of the table. */
static bool next_prd(struct ide_channel *ch)
{
    struct ide_channel_regs *r = ch->r;
    u8 prd[8];

    if (r->prd_len)
        return true;
    if (r->prd_last)
        return false;
    bus_copy(ch->ide->dev.env.mem, r->bm_cur, prd, sizeof prd, false);
    r->prd_addr = ld32(prd) & ~1u;
    r->prd_len = ld16(prd + 4) & 0xfffe;
    if (!r->prd_len)
        r->prd_len = 0x10000;
    r->prd_last = prd[7] >> 7;
    /* The table does not cross a 64 KiB boundary: only the low half of the address counts. */
    r->bm_cur = (r->bm_cur & 0xffff0000u) | ((r->bm_cur + 8) & 0xffff);
    return true;
}

/* Move the drive's buffer. False when the descriptors ended before the bytes did. At most 64 KiB,
 * so at most 32 Ki descriptors are looked at. */
static bool move(struct ide_drive *d)
{
    struct ide_channel *ch = d->ch;
    struct ide_channel_regs *r = ch->r;
    bool to_mem = d->r->phase == PH_DMA_IN;

    while (d->r->pos < d->r->end) {
        u32 n;

        if (!next_prd(ch))
            return false;
        n = MIN(d->r->end - d->r->pos, r->prd_len);
        bus_copy(ch->ide->dev.env.mem, r->prd_addr, d->r->buf + d->r->pos, n, to_mem);
        d->r->pos += n;
        r->prd_addr += n;
        r->prd_len -= n;
    }
    return true;
}

void bmdma_kick(struct ide_drive *d)
{
    struct ide_channel *ch = d->ch;
    bool to_mem = d->r->phase == PH_DMA_IN;

    if (!bmdma_active(ch) || !pci_master(&ch->ide->fn) || &ch->drive[ch->r->unit] != d)
        return;
    if (!!(ch->r->bm_cmd & BM_TO_MEM) != to_mem) {
        log_guest_error(ch->ide->dev.env.log, ch->ide->dev.id,
                        "bus master started in the wrong direction");
        return;
    }
    if (!move(d)) {
        /* Descriptors too short: the engine goes idle, the drive waits in vain and tells nobody. */
        ch->r->bm_status &= (u8)~BMS_ACTIVE;
        return;
    }
    if (d->r->kind == KIND_CD || d->r->kind == KIND_CD_ONCE)
        atapi_dma_moved(d);
    else
        ata_dma_moved(d);
}

void bmdma_end(struct ide_channel *ch)
{
    /* With descriptors left over the engine stays active, which tells the driver of a short
     * transfer. */
    if (ch->r->prd_last && !ch->r->prd_len)
        ch->r->bm_status &= (u8)~BMS_ACTIVE;
}

static void write_cmd(struct ide_channel *ch, u8 v)
{
    struct ide_channel_regs *r = ch->r;
    struct ide_drive *d = &ch->drive[r->unit];
    bool was = r->bm_cmd & BM_START;

    r->bm_cmd = v & (BM_START | BM_TO_MEM);
    if (!(v & BM_START)) {
        r->bm_status &= (u8)~BMS_ACTIVE;
        return;
    }
    if (was)
        return;
    r->bm_cur = r->bm_table;
    r->prd_len = 0;
    r->prd_last = 0;
    r->bm_status |= BMS_ACTIVE;
    if (d->blk && (d->r->phase == PH_DMA_IN || d->r->phase == PH_DMA_OUT))
        bmdma_kick(d);
}

static u64 bm_read(void *dev, u64 off, unsigned size)
{
    struct ide *ide = dev;
    const struct ide_channel_regs *r = ide->ch[off >> 3 & 1].r;

    switch (off & 7) {
    case 0: return r->bm_cmd;
    case 2: return r->bm_status;
    case 4:
    case 5:
    case 6:
    case 7: return r->bm_table >> 8 * (off & 3) & 0xff;
    default: return 0xff;
    }
}

static void bm_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct ide *ide = dev;
    struct ide_channel *ch = &ide->ch[off >> 3 & 1];

    switch (off & 7) {
    case 0: write_cmd(ch, (u8)v); break;
    case 2:
        ch->r->bm_status = (u8)((ch->r->bm_status & ~BMS_CAPABLE & ~(v & (BMS_ERROR | BMS_INT))) |
                                (v & BMS_CAPABLE));
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        ch->r->bm_table = (u32)bits_put(ch->r->bm_table, 8 * (off & 3), 8, v) & ~3u;
        break;
    default: break;
    }
}

void bmdma_loaded(struct ide_channel *ch)
{
    ch->r->bm_cmd &= BM_START | BM_TO_MEM;
    ch->r->bm_status &= BMS_ACTIVE | BMS_ERROR | BMS_INT | BMS_CAPABLE;
    ch->r->prd_len = MIN(ch->r->prd_len, 0x10000u);
    ch->r->prd_last = !!ch->r->prd_last;
}

const struct region_ops bmdma_ops = {bm_read, bm_write, 1, 1};
