/* Commands of the floppy controller that move sectors (82077AA data sheet, Intel 290166,
 * section 6.1). */
#include "devices/disk/fdc_int.h"

#include "devices/irq/i8237.h"

enum { DMA_CHANNEL = 2, DMA_RETRY_NS = 1000000, DMA_RETRIES = 200 };

static void sector_ready(struct fdc *f);
static void next_sector(struct fdc *f);

/* ---- results ---- */

static u8 st0_of(const struct fdc *f, u8 bits)
{
    return (u8)(bits | (f->r.head ? ST0_HEAD : 0) | f->r.unit);
}

/* End of the command: seven result bytes and an interrupt. */
static void finish(struct fdc *f, u8 st0, u8 st1, u8 st2)
{
    struct fdc_regs *r = &f->r;
    u8 res[7] = {st0_of(f, st0), st1, st2, r->cyl, r->head, r->sector, 2};

    timer_cancel(&f->dma_timer);
    memcpy(r->res, res, sizeof res);
    fdc_result(f, sizeof res);
    fdc_interrupt(f);
}

static void fail(struct fdc *f, u8 st1, u8 st2)
{
    finish(f, ST0_ABNORMAL, st1, st2);
}

/* ---- block requests ---- */

static void request_done(struct blk_req *req)
{
    struct fdc *f = req->arg;

    f->inflight = false;
    if (f->req_gen != f->gen)
        return;
    if (req->status)
        fail(f, f->r.phase == FP_WRITE ? ST1_NW : ST1_DE, 0);
    else if (f->r.phase == FP_READ)
        sector_ready(f);
    else
        next_sector(f);
}

void fdc_cancel(struct fdc *f)
{
    f->gen++;
    if (f->inflight)
        blk_cancel(fdc_blk(f, f->r.unit), &f->req);
    f->inflight = false;
    timer_cancel(&f->dma_timer);
}

/* Check the address of the present sector and start reading or writing it. False: the command was
 * ended. */
static bool submit(struct fdc *f, enum fdc_phase phase)
{
    struct fdc_regs *r = &f->r;
    struct blk *blk = fdc_blk(f, r->unit);
    struct fdc_geometry g;
    u64 off;

    if (!fdc_geometry(f, r->unit, &g)) {
        fail(f, ST1_MA, 0);
        return false;
    }
    if (r->cyl >= g.cyls || r->head >= g.heads || r->sector == 0 || r->sector > g.spt) {
        fail(f, ST1_ND, 0);
        return false;
    }
    off = (((u64)r->cyl * g.heads + r->head) * g.spt + r->sector - 1) * FDC_SECTOR;
    r->phase = (u8)phase;
    /* An image shorter than its format ends in blank sectors. */
    if (off + FDC_SECTOR > blk->size && phase == FP_READ) {
        memset(r->buf, 0, sizeof r->buf);
        sector_ready(f);
        return true;
    }
    f->req = (struct blk_req){.op = phase == FP_READ ? BLK_READ : BLK_WRITE,
                              .off = off,
                              .len = FDC_SECTOR,
                              .buf = r->buf,
                              .done = request_done,
                              .arg = f};
    f->req_gen = f->gen;
    f->inflight = true;
    blk_submit(blk, &f->req);
    return true;
}

/* ---- moving bytes ---- */

/* Sector bytes to or from the guest by DMA. False: the channel is not open yet. */
static bool dma_move(struct fdc *f, u8 *bytes, u32 end, bool to_mem)
{
    struct fdc_regs *r = &f->r;
    bool tc = false;
    size_t n;

    if (!i8237_ready(f->w.dma, DMA_CHANNEL))
        return false;
    n = i8237_transfer(f->w.dma, DMA_CHANNEL, bytes + r->pos, end - r->pos, to_mem, &tc);
    r->pos += (u32)n;
    r->tc |= tc;
    return n != 0 || tc;
}

static void wait_for_dma(struct fdc *f)
{
    if (f->r.retries++ >= DMA_RETRIES) {
        fail(f, ST1_OR, 0);
        return;
    }
    timer_set(&f->dma_timer, clock_now(f->dev.env.clock) + DMA_RETRY_NS);
}

static bool compare(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    u8 how = r->cmd[0] & 0x1f;
    bool equal = true;
    int i;

    for (i = 0; i < FDC_SECTOR; i++) {
        u8 disk = r->buf[i], want = r->cmp[i];

        if (want == 0xff || disk == want) /* ones match anything */
            continue;
        equal = false;
        if (how == 0x11 || (how == 0x19 && disk > want) || (how == 0x1d && disk < want))
            return false;
    }
    r->st2 = (u8)(equal ? ST2_SH : 0);
    return true;
}

/* All bytes of the buffer are over, or terminal count was reached within. */
static void moved(struct fdc *f)
{
    struct fdc_regs *r = &f->r;

    timer_cancel(&f->dma_timer);
    switch (r->kind) {
    case FK_WRITE:
        /* The rest of a sector that was cut off is zeros. */
        memset(r->buf + r->pos, 0, sizeof r->buf - r->pos);
        submit(f, FP_WRITE);
        break;
    case FK_FORMAT: next_sector(f); break;
    case FK_SCAN:
        if (compare(f)) {
            finish(f, 0, 0, r->st2);
            break;
        }
        r->st2 = ST2_SN;
        next_sector(f);
        break;
    default: next_sector(f); break;
    }
}

/* Try to move what is to be moved now by DMA. */
static void transfer(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    bool to_guest = r->phase == FP_OUT;
    u8 *bytes = r->kind == FK_SCAN || r->kind == FK_FORMAT ? r->cmp : r->buf;

    if (r->pos < r->end && !dma_move(f, bytes, r->end, to_guest)) {
        wait_for_dma(f);
        return;
    }
    if (r->pos >= r->end || r->tc)
        moved(f);
    else
        wait_for_dma(f);
}

void fdc_dma_retry(void *arg, u64 now)
{
    struct fdc *f = arg;

    if (f->r.phase == FP_OUT || f->r.phase == FP_IN)
        transfer(f);
}

static void start_transfer(struct fdc *f, enum fdc_phase phase, u32 end)
{
    struct fdc_regs *r = &f->r;

    r->phase = (u8)phase;
    r->pos = 0;
    r->end = end;
    r->retries = 0;
    if (fdc_polled(f))
        fdc_interrupt(f);
    else
        transfer(f);
}

u8 fdc_data_byte(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    u8 v;

    if (r->pos >= r->end)
        return 0;
    v = r->buf[r->pos++ & (FDC_SECTOR - 1)];
    r->intr = r->pos < r->end;
    fdc_update_irq(f);
    if (r->pos >= r->end)
        moved(f);
    return v;
}

void fdc_data_put(struct fdc *f, u8 v)
{
    struct fdc_regs *r = &f->r;
    u8 *bytes = r->kind == FK_SCAN || r->kind == FK_FORMAT ? r->cmp : r->buf;

    if (r->pos >= r->end)
        return;
    bytes[r->pos++ & (FDC_SECTOR - 1)] = v;
    r->intr = r->pos < r->end;
    fdc_update_irq(f);
    if (r->pos >= r->end)
        moved(f);
}

/* ---- sectors in turn ---- */

static void sector_ready(struct fdc *f)
{
    if (f->r.kind == FK_VERIFY)
        next_sector(f);
    else
        start_transfer(f, f->r.kind == FK_SCAN ? FP_IN : FP_OUT, FDC_SECTOR);
}

/* The address behind the present sector; false when that was the last one of the command. */
static bool advance(struct fdc *f)
{
    struct fdc_regs *r = &f->r;

    if (r->sector != r->eot) {
        r->sector++;
        return true;
    }
    r->sector = 1;
    if (r->multi && !r->head) {
        r->head = 1;
        return true;
    }
    /* What the result then names is the beginning of the next cylinder. */
    if (r->multi)
        r->head = 0;
    r->cyl++;
    return false;
}

static void start_sector(struct fdc *f)
{
    if (f->r.kind == FK_WRITE)
        start_transfer(f, FP_IN, FDC_SECTOR);
    else
        submit(f, FP_READ);
}

static void format_next(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    const u8 *id = r->cmp + 4 * (r->count % FDC_MAX_SPT);

    if (r->count >= r->eot) {
        finish(f, 0, 0, 0);
        return;
    }
    r->cyl = id[0];
    r->head = id[1];
    r->sector = id[2];
    r->count++;
    if (id[3] != 2) {
        fail(f, ST1_ND, 0);
        return;
    }
    memset(r->buf, r->cmd[5], sizeof r->buf);
    submit(f, FP_WRITE);
}

static void next_sector(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    bool more;

    if (r->kind == FK_FORMAT) {
        format_next(f);
        return;
    }
    more = advance(f);
    if (r->kind == FK_VERIFY && (r->cmd[1] & 0x80) && --r->count == 0)
        finish(f, 0, 0, 0);
    else if (r->kind == FK_VERIFY && !more)
        finish(f, 0, 0, 0);
    else if (r->tc)
        finish(f, 0, 0, r->st2);
    else if (!more)
        fail(f, ST1_EN, r->st2); /* the end of the cylinder without a terminal count */
    else
        start_sector(f);
}

/* ---- starts ---- */

/* Drive, medium and data rate; false: the command was ended. */
static bool check_drive(struct fdc *f, bool write)
{
    struct fdc_regs *r = &f->r;
    struct fdc_geometry g;

    if (!fdc_geometry(f, r->unit, &g)) {
        fail(f, ST1_MA, 0);
        return false;
    }
    if (!(g.rates >> (r->dsr & 3) & 1)) { /* no address mark can be made out at the wrong rate */
        fail(f, ST1_MA, 0);
        return false;
    }
    if (write && fdc_blk(f, r->unit)->read_only) {
        fail(f, ST1_NW, 0);
        return false;
    }
    return true;
}

void fdc_start_data(struct fdc *f, enum fdc_kind kind)
{
    struct fdc_regs *r = &f->r;
    const u8 *c = r->cmd;
    struct fdc_drive_regs *d;

    r->kind = (u8)kind;
    r->unit = c[1] & 3;
    r->cyl = c[2];
    r->head = c[3];
    r->sector = c[4];
    r->eot = c[6];
    r->multi = c[0] >> 7;
    r->tc = r->st1 = r->st2 = 0;
    r->count = c[8];
    if ((c[0] & 0x1f) == 0x02) { /* READ TRACK begins behind the index hole */
        r->sector = 1;
        r->multi = 0;
    }
    if (!check_drive(f, kind == FK_WRITE))
        return;
    d = &r->drv[r->unit];
    if (r->config & CFG_EIS)
        d->track = r->cyl;
    if (c[5] != 2 || r->head != (c[1] >> 2 & 1)) {
        fail(f, ST1_ND, 0);
        return;
    }
    if (d->track != r->cyl) {
        fail(f, ST1_ND, ST2_WC);
        return;
    }
    start_sector(f);
}

void fdc_start_format(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    const u8 *c = r->cmd;

    r->kind = FK_FORMAT;
    r->unit = c[1] & 3;
    r->head = c[1] >> 2 & 1;
    r->cyl = r->unit < 2 ? r->drv[r->unit].track : 0;
    r->sector = 1;
    r->eot = MIN(c[3], (u8)FDC_MAX_SPT);
    r->count = 0;
    r->tc = r->st1 = r->st2 = 0;
    if (!check_drive(f, true))
        return;
    if (c[2] != 2 || !r->eot) {
        fail(f, ST1_ND, 0);
        return;
    }
    start_transfer(f, FP_IN, 4u * r->eot);
}

void fdc_read_id(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    struct fdc_geometry g;

    r->unit = r->cmd[1] & 3;
    r->head = r->cmd[1] >> 2 & 1;
    r->cyl = r->unit < 2 ? r->drv[r->unit].track : 0;
    r->sector = 1;
    r->kind = FK_READ;
    if (!check_drive(f, false))
        return;
    fdc_geometry(f, r->unit, &g);
    if (r->cyl >= g.cyls || r->head >= g.heads)
        fail(f, ST1_MA, 0);
    else
        finish(f, 0, 0, 0);
}

void fdc_data_loaded(struct fdc *f)
{
    struct fdc_regs *r = &f->r;

    r->pos = MIN(r->pos, (u32)FDC_SECTOR);
    r->end = MIN(r->end, (u32)FDC_SECTOR);
    r->unit &= 3;
    r->eot = r->kind == FK_FORMAT ? MIN(r->eot, (u8)FDC_MAX_SPT) : r->eot;
    if (r->phase == FP_READ || r->phase == FP_WRITE)
        submit(f, r->phase);
    else if ((r->phase == FP_OUT || r->phase == FP_IN) && !fdc_polled(f))
        timer_set(&f->dma_timer, clock_now(f->dev.env.clock) + DMA_RETRY_NS);
}
