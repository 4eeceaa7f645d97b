/* Floppy controller 82077AA: registers, command and result phases, seeks, resets (Intel 290166,
 * sections 2 to 6). */
#include "devices/disk/fdc_int.h"

enum { PORT_BASE = 0x3f0, PORT_DIR = 0x3f7 };
enum { REG_SRA, REG_SRB, REG_DOR, REG_TDR, REG_MSR, REG_FIFO };
enum { MSR_RQM = 0x80, MSR_DIO = 0x40, MSR_NDMA = 0x20, MSR_CB = 0x10 };
enum { DSR_RESET = 0x80, DIR_CHANGED = 0x80, SEEK_NS = 1000000 };
enum { RATE_500 = 1, RATE_300 = 2, RATE_250 = 4, RATE_1000 = 8 }; /* masks of the rate codes 0..3 */

#define FIELDS_OF struct fdc_regs
#define FDC_DRIVE_ROWS(n) \
    F(drv[n].track, FT_U8, 0, "track"), \
    F(drv[n].changed, FT_U8, 1, "disk change line"), \
    F(drv[n].st0, FT_U8, 0, "status to be sensed"), \
    F(drv[n].pending, FT_U8, 0, "a status waits to be sensed"), \
    F(drv[n].seeking, FT_U8, 0, "seek under way"), \
    F(drv[n].perpendicular, FT_U8, 0, "perpendicular recording"), \
    F(drv[n].pad, FT_BYTES, 0, "unused")
static const struct field fdc_fields[] = {
    FDC_DRIVE_ROWS(0),
    FDC_DRIVE_ROWS(1),
    F(seek_done, FT_U64, CLOCK_NEVER, "when the seek ends"),
    F(pos, FT_U32, 0, "place in the sector"),
    F(end, FT_U32, 0, "bytes of the transfer"),
    F(dor, FT_U8, 0, "digital output"),
    F(tdr, FT_U8, 0, "tape drive"),
    F(dsr, FT_U8, 2, "data rate select"),
    F(ccr, FT_U8, 2, "configuration control"),
    F(phase, FT_U8, FP_COMMAND, "phase"),
    F(kind, FT_U8, FK_READ, "kind of transfer"),
    F(cmd, FT_BYTES, 0, "command"),
    F(cmd_pos, FT_U8, 0, "command bytes taken"),
    F(cmd_len, FT_U8, 0, "command bytes wanted"),
    F(res, FT_BYTES, 0, "result"),
    F(res_pos, FT_U8, 0, "result bytes given"),
    F(res_len, FT_U8, 0, "result bytes"),
    F(intr, FT_U8, 0, "interrupt"),
    F(polled, FT_U8, 0, "drives to be sensed after a reset"),
    F(config, FT_U8, CFG_EFIFO, "CONFIGURE"),
    F(precomp, FT_U8, 0, "precompensation track"),
    F(locked, FT_U8, 0, "LOCK"),
    F(srt_hut, FT_U8, 0, "SPECIFY, first byte"),
    F(hlt_nd, FT_U8, 0, "SPECIFY, second byte"),
    F(unit, FT_U8, 0, "drive of the transfer"),
    F(cyl, FT_U8, 0, "cylinder"),
    F(head, FT_U8, 0, "head"),
    F(sector, FT_U8, 0, "sector"),
    F(eot, FT_U8, 0, "last sector of the track"),
    F(multi, FT_U8, 0, "both sides"),
    F(st1, FT_U8, 0, "status 1"),
    F(st2, FT_U8, 0, "status 2"),
    F(tc, FT_U8, 0, "terminal count"),
    F(count, FT_U8, 0, "sectors"),
    F(retries, FT_U8, 0, "waits for DMA"),
    F(last, FT_U8, 0, "last byte read"),
    F(pad, FT_BYTES, 0, "unused"),
    F(buf, FT_BYTES, 0, "sector"),
    F(cmp, FT_BYTES, 0, "bytes to compare with"),
    FIELDS_END,
};
#undef FIELDS_OF

/* ---- media ---- */

/* Formats by their exact size; data rates are those at which drives of the time read them. */
static const struct fdc_geometry formats[] = {
    {163840, 40, 1, 8, RATE_250 | RATE_300},   {184320, 40, 1, 9, RATE_250 | RATE_300},
    {327680, 40, 2, 8, RATE_250 | RATE_300},   {368640, 40, 2, 9, RATE_250 | RATE_300},
    {409600, 40, 2, 10, RATE_250 | RATE_300},  {655360, 80, 2, 8, RATE_250 | RATE_300},
    {737280, 80, 2, 9, RATE_250 | RATE_300},   {819200, 80, 2, 10, RATE_250 | RATE_300},
    {839680, 82, 2, 10, RATE_250 | RATE_300},  {1228800, 80, 2, 15, RATE_500},
    {1474560, 80, 2, 18, RATE_500},            {1638400, 80, 2, 20, RATE_500},
    {1720320, 80, 2, 21, RATE_500},            {1763328, 82, 2, 21, RATE_500},
    {1802240, 80, 2, 22, RATE_500},            {2949120, 80, 2, 36, RATE_1000},
    {3194880, 80, 2, 39, RATE_1000},
};

bool fdc_geometry(const struct fdc *f, unsigned unit, struct fdc_geometry *g)
{
    const struct blk *blk = fdc_blk(f, unit);
    size_t i;

    if (!blk || !blk->size || blk->tray_open)
        return false;
    for (i = 0; i < ARRAY_LEN(formats); i++) {
        if (formats[i].bytes == blk->size) {
            *g = formats[i];
            return true;
        }
    }
    /* Any other size is the beginning of a disk of the smallest common kind that holds it. */
    *g = blk->size <= 1474560 ? formats[10] : formats[15];
    return true;
}

static void medium_changed(void *arg)
{
    struct fdc *f = arg;
    unsigned i;

    for (i = 0; i < 2; i++) {
        if (!fdc_blk(f, i))
            continue;
        f->r.drv[i].changed = 1;
    }
}

/* ---- interrupt and phases ---- */

void fdc_update_irq(struct fdc *f)
{
    irq_set(&f->w.irq, f->r.intr && (f->r.dor & DOR_DMA));
}

void fdc_interrupt(struct fdc *f)
{
    f->r.intr = 1;
    fdc_update_irq(f);
}

static void lower_interrupt(struct fdc *f)
{
    f->r.intr = 0;
    fdc_update_irq(f);
}

static void to_command(struct fdc *f)
{
    f->r.phase = FP_COMMAND;
    f->r.cmd_pos = f->r.cmd_len = 0;
}

void fdc_result(struct fdc *f, unsigned n)
{
    f->r.phase = FP_RESULT;
    f->r.res_pos = 0;
    f->r.res_len = (u8)MIN(n, (unsigned)FDC_RES_MAX);
}

void fdc_invalid(struct fdc *f)
{
    f->r.res[0] = ST0_INVALID;
    fdc_result(f, 1);
}

/* ---- reset ---- */

/* By DOR, DSR or the bus: drives stay where they are; FIFO settings too when locked. */
static void soft_reset(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    int i;

    fdc_cancel(f);
    timer_cancel(&f->seek_timer);
    r->seek_done = CLOCK_NEVER;
    to_command(f);
    if (!r->locked) {
        r->config = CFG_EFIFO;
        r->precomp = 0;
    }
    for (i = 0; i < 2; i++) {
        r->drv[i].pending = r->drv[i].seeking = 0;
        r->drv[i].perpendicular = 0;
    }
    r->polled = 0;
    lower_interrupt(f);
}

/* Out of reset the controller polls its four drives, and each wants to be sensed. */
static void leave_reset(struct fdc *f)
{
    f->r.polled = 4;
    fdc_interrupt(f);
}

/* ---- seeks ---- */

static void seek_ended(void *arg, u64 now)
{
    struct fdc *f = arg;
    int i;

    f->r.seek_done = CLOCK_NEVER;
    for (i = 0; i < 2; i++) {
        struct fdc_drive_regs *d = &f->r.drv[i];

        if (!d->seeking)
            continue;
        d->seeking = 0;
        d->pending = 1;
        fdc_interrupt(f);
    }
}

static void seek(struct fdc *f, unsigned unit, u8 track, u8 head)
{
    struct fdc_drive_regs *d;

    to_command(f);
    if (unit > 1) { /* no such drive: no track 0 is found */
        f->r.drv[0].st0 = (u8)(ST0_ABNORMAL | ST0_SEEK | ST0_EC | unit);
        f->r.drv[0].pending = 1;
        fdc_interrupt(f);
        return;
    }
    d = &f->r.drv[unit];
    d->st0 = (u8)(ST0_SEEK | (head ? ST0_HEAD : 0) | unit);
    if (!fdc_blk(f, unit))
        d->st0 |= ST0_ABNORMAL | ST0_EC;
    else if (fdc_blk(f, unit)->size)
        d->changed = 0; /* a step pulse with a disk in the drive resets the line */
    d->track = MIN(track, (u8)85);
    d->seeking = 1;
    f->r.seek_done = clock_now(f->dev.env.clock) + SEEK_NS;
    timer_set(&f->seek_timer, f->r.seek_done);
}

static void sense_interrupt(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    int i;

    if (r->polled) {
        u8 unit = (u8)(4 - r->polled--);

        r->res[0] = ST0_POLLED | unit;
        r->res[1] = unit < 2 ? r->drv[unit].track : 0;
        lower_interrupt(f);
        fdc_result(f, 2);
        return;
    }
    for (i = 0; i < 2; i++) {
        struct fdc_drive_regs *d = &r->drv[i];

        if (!d->pending)
            continue;
        d->pending = 0;
        r->res[0] = d->st0;
        r->res[1] = d->track;
        lower_interrupt(f);
        if (r->drv[0].pending || r->drv[1].pending)
            fdc_interrupt(f);
        fdc_result(f, 2);
        return;
    }
    fdc_invalid(f);
}

/* ---- commands without data ---- */

static void sense_drive(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    u8 unit = r->cmd[1] & 3;
    const struct blk *blk = fdc_blk(f, unit);
    struct fdc_geometry g = {.heads = 2};

    fdc_geometry(f, unit, &g);
    r->res[0] = (u8)((r->cmd[1] & 7) | 0x20); /* drives of this kind are always "ready" */
    if (blk && blk->read_only)
        r->res[0] |= 0x40;
    if (blk && r->drv[unit].track == 0)
        r->res[0] |= 0x10;
    if (g.heads > 1)
        r->res[0] |= 0x08;
    fdc_result(f, 1);
}

static u8 perpendicular_bits(const struct fdc *f)
{
    return (u8)(f->r.drv[0].perpendicular << 2 | f->r.drv[1].perpendicular << 3);
}

static void dump_registers(struct fdc *f)
{
    struct fdc_regs *r = &f->r;
    u8 res[10] = {r->drv[0].track, r->drv[1].track, 0, 0, r->srt_hut, r->hlt_nd, r->eot,
                  (u8)(r->locked << 7 | perpendicular_bits(f)), r->config, r->precomp};

    memcpy(r->res, res, sizeof res);
    fdc_result(f, sizeof res);
}

static void configure(struct fdc *f)
{
    f->r.config = f->r.cmd[2] & 0x7f;
    f->r.precomp = f->r.cmd[3];
    to_command(f);
}

static void perpendicular(struct fdc *f)
{
    u8 v = f->r.cmd[1];

    if (v & 0x80) { /* only with "overwrite" are the drive bits taken */
        f->r.drv[0].perpendicular = v >> 2 & 1;
        f->r.drv[1].perpendicular = v >> 3 & 1;
    }
    to_command(f);
}

static void relative_seek(struct fdc *f)
{
    u8 unit = f->r.cmd[1] & 3, by = f->r.cmd[2], at = unit < 2 ? f->r.drv[unit].track : 0;

    if (f->r.cmd[0] & 0x40)
        at = (u8)MIN(at + by, 85);
    else
        at = at > by ? (u8)(at - by) : 0;
    seek(f, unit, at, f->r.cmd[1] & 4);
}

/* Bytes of a command, from its first: 0 for those that do not exist. */
static u8 command_length(u8 c)
{
    switch (c) {
    case 0x03: return 3; /* SPECIFY */
    case 0x04: return 2; /* SENSE DRIVE STATUS */
    case 0x07: return 2; /* RECALIBRATE */
    case 0x08: return 1; /* SENSE INTERRUPT STATUS */
    case 0x0e: return 1; /* DUMPREG */
    case 0x0f: return 3; /* SEEK */
    case 0x10: return 1; /* VERSION */
    case 0x12: return 2; /* PERPENDICULAR MODE */
    case 0x13: return 4; /* CONFIGURE */
    case 0x14: case 0x94: return 1; /* UNLOCK, LOCK */
    case 0x8f: case 0xcf: return 3; /* RELATIVE SEEK */
    default: break;
    }
    if ((c & 0xbf) == 0x0a)
        return 2; /* READ ID */
    if ((c & 0xbf) == 0x0d)
        return 6; /* FORMAT TRACK */
    if ((c & 0x9f) == 0x02)
        return 9; /* READ TRACK */
    if ((c & 0x3f) == 0x05 || (c & 0x3f) == 0x09)
        return 9; /* WRITE DATA, WRITE DELETED DATA */
    switch (c & 0x1f) {
    case 0x06: case 0x0c: /* READ DATA, READ DELETED DATA */
    case 0x11: case 0x19: case 0x1d: /* SCAN */
    case 0x16: return 9; /* VERIFY */
    default: return 0;
    }
}

static void simple_command(struct fdc *f, u8 c)
{
    struct fdc_regs *r = &f->r;

    switch (c) {
    case 0x03:
        r->srt_hut = r->cmd[1];
        r->hlt_nd = r->cmd[2];
        to_command(f);
        break;
    case 0x04: sense_drive(f); break;
    case 0x07: seek(f, r->cmd[1] & 3, 0, 0); break;
    case 0x08: sense_interrupt(f); break;
    case 0x0e: dump_registers(f); break;
    case 0x0f: seek(f, r->cmd[1] & 3, r->cmd[2], r->cmd[1] & 4); break;
    case 0x10:
        r->res[0] = 0x90; /* enhanced controller */
        fdc_result(f, 1);
        break;
    case 0x12: perpendicular(f); break;
    case 0x13: configure(f); break;
    case 0x14: case 0x94:
        r->locked = c >> 7;
        r->res[0] = (u8)(r->locked << 4);
        fdc_result(f, 1);
        break;
    case 0x8f: case 0xcf: relative_seek(f); break;
    default: fdc_invalid(f); break;
    }
}

static void execute(struct fdc *f)
{
    u8 c = f->r.cmd[0];

    if ((c & 0xbf) == 0x0a) {
        fdc_read_id(f);
        return;
    }
    if ((c & 0xbf) == 0x0d) {
        fdc_start_format(f);
        return;
    }
    if (command_length(c) != 9) {
        simple_command(f, c);
        return;
    }
    switch (c & 0x1f) {
    case 0x02: case 0x06: case 0x0c: fdc_start_data(f, FK_READ); break;
    case 0x05: case 0x09: fdc_start_data(f, FK_WRITE); break;
    case 0x16: fdc_start_data(f, FK_VERIFY); break;
    default: fdc_start_data(f, FK_SCAN); break;
    }
}

/* ---- data register ---- */

static void fifo_write(struct fdc *f, u8 v)
{
    struct fdc_regs *r = &f->r;

    if (!(r->dor & DOR_RUN))
        return;
    if (r->phase == FP_IN && fdc_polled(f)) {
        fdc_data_put(f, v);
        return;
    }
    if (r->phase != FP_COMMAND) {
        log_guest_error(f->dev.env.log, f->dev.id, "command byte %02x while one is executed", v);
        return;
    }
    if (r->cmd_pos == 0) {
        r->cmd_len = command_length(v);
        if (!r->cmd_len) {
            fdc_invalid(f);
            return;
        }
    }
    r->cmd[r->cmd_pos++ % FDC_CMD_MAX] = v;
    if (r->cmd_pos >= r->cmd_len)
        execute(f);
}

static u8 fifo_read(struct fdc *f)
{
    struct fdc_regs *r = &f->r;

    if (r->phase == FP_OUT && fdc_polled(f)) {
        r->last = fdc_data_byte(f);
    } else if (r->phase == FP_RESULT) {
        if (r->res_pos == 0 && r->res_len > 2)
            lower_interrupt(f); /* reading the result acknowledges the end of the command */
        r->last = r->res[r->res_pos++ % FDC_RES_MAX];
        if (r->res_pos >= r->res_len)
            to_command(f);
    }
    return r->last;
}

/* ---- other registers ---- */

static u8 main_status(const struct fdc *f)
{
    const struct fdc_regs *r = &f->r;
    u8 v = (u8)(r->drv[0].seeking | r->drv[1].seeking << 1);

    if (!(r->dor & DOR_RUN))
        return 0;
    switch (r->phase) {
    case FP_COMMAND: return (u8)(v | MSR_RQM | (r->cmd_pos ? MSR_CB : 0));
    case FP_RESULT: return v | MSR_RQM | MSR_DIO | MSR_CB;
    case FP_OUT: return (u8)(v | MSR_CB | (fdc_polled(f) ? MSR_RQM | MSR_DIO | MSR_NDMA : 0));
    case FP_IN: return (u8)(v | MSR_CB | (fdc_polled(f) ? MSR_RQM | MSR_NDMA : 0));
    default: return v | MSR_CB;
    }
}

static void write_dor(struct fdc *f, u8 v)
{
    u8 old = f->r.dor;

    f->r.dor = v;
    if ((old & DOR_RUN) && !(v & DOR_RUN))
        soft_reset(f);
    else if (!(old & DOR_RUN) && (v & DOR_RUN))
        leave_reset(f);
    fdc_update_irq(f);
}

static u64 reg_read(void *dev, u64 off, unsigned size)
{
    struct fdc *f = dev;

    switch (off) {
    case REG_SRA: return (u64)(f->r.intr << 7);
    case REG_SRB: return (u64)(0xc0 | (f->r.dor >> 4 & 3) | (f->r.dor & 1) << 5);
    case REG_DOR: return f->r.dor;
    case REG_TDR: return f->r.tdr;
    case REG_MSR: return main_status(f);
    default: return fifo_read(f);
    }
}

static void reg_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct fdc *f = dev;

    switch (off) {
    case REG_DOR: write_dor(f, (u8)v); break;
    case REG_TDR: f->r.tdr = v & 3; break;
    case REG_MSR:
        f->r.dsr = v & 0x7f;
        if ((v & DSR_RESET) && (f->r.dor & DOR_RUN)) {
            soft_reset(f);
            leave_reset(f);
        }
        break;
    case REG_FIFO: fifo_write(f, (u8)v); break;
    default: break;
    }
}

static u64 dir_read(void *dev, u64 off, unsigned size)
{
    struct fdc *f = dev;
    unsigned unit = f->r.dor & 3;
    bool motor = f->r.dor >> (4 + unit) & 1;

    /* The line is of the drive that is selected and turning; with none there it is high. */
    if (!motor)
        return 0;
    return unit > 1 || !fdc_blk(f, unit) || f->r.drv[unit].changed ? DIR_CHANGED : 0;
}

static void ccr_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct fdc *f = dev;

    f->r.ccr = v & 3;
    f->r.dsr = (u8)((f->r.dsr & ~3) | (v & 3));
}

static const struct region_ops reg_ops = {reg_read, reg_write, 1, 1};
static const struct region_ops dir_ops = {dir_read, ccr_write, 1, 1};

/* ---- life ---- */

void fdc_wire(struct dev *dev, const struct fdc_wiring *wiring)
{
    ((struct fdc *)dev)->w = *wiring;
}

static bool fdc_init(struct dev *dev, struct err *err)
{
    struct fdc *f = (struct fdc *)dev;
    unsigned i;

    timer_init(&f->seek_timer, dev->env.clock, seek_ended, f, "floppy-seek");
    timer_init(&f->dma_timer, dev->env.clock, fdc_dma_retry, f, "floppy-dma");
    for (i = 0; i < 2; i++) {
        if (!f->w.drive[i])
            continue;
        f->w.drive[i]->changed = medium_changed;
        f->w.drive[i]->changed_arg = f;
    }
    f->ports =
        (struct region){.name = "fdc", .base = PORT_BASE, .size = 6, .ops = &reg_ops, .dev = f};
    f->dir_port =
        (struct region){.name = "fdc-dir", .base = PORT_DIR, .size = 1, .ops = &dir_ops, .dev = f};
    bus_map(dev->env.io, &f->ports);
    bus_map(dev->env.io, &f->dir_port);
    return true;
}

static void fdc_reset(struct dev *dev)
{
    struct fdc *f = (struct fdc *)dev;

    fdc_cancel(f);
    timer_cancel(&f->seek_timer);
    fdc_update_irq(f);
}

static bool fdc_loaded(struct dev *dev, struct err *err)
{
    struct fdc *f = (struct fdc *)dev;
    struct fdc_regs *r = &f->r;
    int i;

    fdc_cancel(f);
    if (r->phase >= FP__COUNT || r->kind >= FK__COUNT)
        return err_set(err, "%s: the saved phase is impossible", dev->id);
    r->cmd_pos = MIN(r->cmd_pos, (u8)FDC_CMD_MAX);
    r->cmd_len = MIN(r->cmd_len, (u8)FDC_CMD_MAX);
    r->res_len = MIN(r->res_len, (u8)FDC_RES_MAX);
    r->res_pos = MIN(r->res_pos, r->res_len);
    r->polled = MIN(r->polled, (u8)4);
    r->intr = !!r->intr;
    r->locked = !!r->locked;
    for (i = 0; i < 2; i++) {
        r->drv[i].seeking = !!r->drv[i].seeking;
        r->drv[i].perpendicular = !!r->drv[i].perpendicular;
    }
    timer_cancel(&f->seek_timer);
    if (r->seek_done != CLOCK_NEVER)
        timer_set(&f->seek_timer, r->seek_done);
    fdc_data_loaded(f);
    fdc_update_irq(f);
    return true;
}

static void fdc_free(struct dev *dev)
{
    struct fdc *f = (struct fdc *)dev;
    unsigned i;

    fdc_cancel(f);
    timer_cancel(&f->seek_timer);
    for (i = 0; i < 2; i++)
        if (f->w.drive[i] && f->w.drive[i]->changed_arg == f)
            f->w.drive[i]->changed = NULL;
    bus_unmap(dev->env.io, &f->ports);
    bus_unmap(dev->env.io, &f->dir_port);
}

const struct dev_class fdc_class = {
    .name = "fdc",
    .help = "82077AA floppy controller",
    .size = sizeof(struct fdc),
    .saved_at = offsetof(struct fdc, r),
    .saved_size = sizeof(struct fdc_regs),
    .version = 1,
    .fields = fdc_fields,
    .init = fdc_init,
    .reset = fdc_reset,
    .loaded = fdc_loaded,
    .free = fdc_free,
};
