/* What the two halves of the floppy controller share: registers, drives, and the state of a
 * command. */
#ifndef DEVICES_DISK_FDC_INT_H
#define DEVICES_DISK_FDC_INT_H

#include "devices/disk/fdc.h"
#include "devices/core/bits.h"

enum { FDC_SECTOR = 512, FDC_CMD_MAX = 9, FDC_RES_MAX = 10, FDC_MAX_SPT = 40 };
enum {
    ST0_HEAD = 4,
    ST0_NOT_READY = 8,
    ST0_EC = 0x10,
    ST0_SEEK = 0x20,
    ST0_ABNORMAL = 0x40,
    ST0_INVALID = 0x80,
    ST0_POLLED = 0xc0
};
enum { ST1_MA = 1, ST1_NW = 2, ST1_ND = 4, ST1_OR = 0x10, ST1_DE = 0x20, ST1_EN = 0x80 };
enum { ST2_SN = 4, ST2_SH = 8, ST2_WC = 0x10 };
enum { DOR_RUN = 4, DOR_DMA = 8 };
enum { CFG_EIS = 0x40, CFG_EFIFO = 0x20, CFG_POLL_OFF = 0x10 };

enum fdc_phase {
    FP_COMMAND,  /* idle or collecting parameters */
    FP_READ,     /* a block read is under way */
    FP_WRITE,    /* a block write is under way */
    FP_OUT,      /* sector buffer is for the guest: DMA being retried, or polled */
    FP_IN,       /* sector buffer awaits bytes from the guest */
    FP_RESULT,
    FP__COUNT,
};
enum fdc_kind { FK_READ, FK_WRITE, FK_FORMAT, FK_SCAN, FK_VERIFY, FK__COUNT };

struct fdc_drive_regs {
    u8 track;       /* where the head is */
    u8 changed;     /* disk change line */
    u8 st0;         /* what SENSE INTERRUPT STATUS will say, when pending */
    u8 pending;
    u8 seeking;     /* busy bit */
    u8 perpendicular;
    u8 pad[2];
};

struct fdc_regs {
    struct fdc_drive_regs drv[2];
    u64 seek_done;  /* ns; CLOCK_NEVER: no seek under way */
    u32 pos, end;   /* in the sector buffer */
    u8 dor, tdr, dsr, ccr;
    u8 phase, kind;
    u8 cmd[FDC_CMD_MAX], cmd_pos, cmd_len;
    u8 res[FDC_RES_MAX], res_pos, res_len;
    u8 intr;        /* interrupt output before the DMA gate bit */
    u8 polled;      /* drives whose status after a reset is still to be sensed */
    u8 config, precomp, locked;
    u8 srt_hut, hlt_nd;
    u8 unit, cyl, head, sector, eot; /* of the transfer under way */
    u8 multi;       /* it goes on with the second side */
    u8 st1, st2;
    u8 tc;          /* terminal count was reached with the bytes in the buffer */
    u8 count;       /* VERIFY: sectors left; FORMAT: sectors done */
    u8 retries;     /* waiting for the DMA controller */
    u8 last;        /* last byte read */
    u8 pad[8];
    u8 buf[FDC_SECTOR];
    u8 cmp[FDC_SECTOR]; /* SCAN: what to compare with; FORMAT: the sector ids */
};

struct fdc_geometry {
    u32 bytes;
    u8 cyls, heads, spt;
    u8 rates; /* mask of data rate codes that read it */
};

struct fdc {
    struct dev dev;
    struct fdc_regs r;
    struct fdc_wiring w;
    struct region ports, dir_port;
    struct timer seek_timer, dma_timer;
    struct blk_req req;
    bool inflight;
    u32 gen, req_gen;
};

static inline struct blk *fdc_blk(const struct fdc *f, unsigned unit)
{
    return unit < 2 ? f->w.drive[unit] : NULL;
}
static inline bool fdc_polled(const struct fdc *f) { return f->r.hlt_nd & 1 || !f->w.dma; }

/* fdc.c */
void fdc_update_irq(struct fdc *f);
void fdc_interrupt(struct fdc *f);
void fdc_result(struct fdc *f, unsigned n);     /* res[0..n) is the result, without interrupt */
void fdc_invalid(struct fdc *f);
/* Format of the medium in a drive; false: nothing in it. */
bool fdc_geometry(const struct fdc *f, unsigned unit, struct fdc_geometry *g);

/* fdc_data.c: commands that move sectors */
void fdc_start_data(struct fdc *f, enum fdc_kind kind);
void fdc_start_format(struct fdc *f);
void fdc_read_id(struct fdc *f);
u8 fdc_data_byte(struct fdc *f);                /* polled mode */
void fdc_data_put(struct fdc *f, u8 v);
void fdc_dma_retry(void *arg, u64 now);
void fdc_cancel(struct fdc *f);
void fdc_data_loaded(struct fdc *f);

#endif
