/* What the parts of the IDE controller share: registers of drives and channels, and the steps of a
 * transfer. */
#ifndef DEVICES_DISK_IDE_INT_H
#define DEVICES_DISK_IDE_INT_H

#include "devices/disk/ide.h"
#include "devices/core/bits.h"

enum { ST_ERR = 1, ST_DRQ = 8, ST_DSC = 0x10, ST_DF = 0x20, ST_DRDY = 0x40, ST_BSY = 0x80 };
enum { ER_ABRT = 4, ER_IDNF = 0x10, ER_UNC = 0x40 };
enum { SEL_SLAVE = 0x10, SEL_LBA = 0x40, SEL_FIXED = 0xa0 };
enum { CTL_NIEN = 2, CTL_SRST = 4, CTL_HOB = 0x80 };
enum { CMD_TRIM = 0x06 }; /* DATA SET MANAGEMENT */
enum { REASON_CD = 1, REASON_IO = 2 }; /* ATAPI interrupt reason, in the sector count register */

enum {
    IDE_BUF = 65536,
    IDE_SECTOR = 512,
    IDE_CHUNK = IDE_BUF / IDE_SECTOR,
    IDE_MULT_MAX = 16,
    IDE_TRIM_BLOCKS = 8, /* of ranges, in one command */
    CD_SECTOR = 2048
};

/* Where a drive is in a command. */
enum ide_phase {
    PH_IDLE,
    PH_PIO_IN,   /* buffer has bytes for the guest */
    PH_PIO_OUT,  /* buffer awaits bytes from the guest */
    PH_PACKET,   /* the same for the twelve bytes of a packet command */
    PH_READ,     /* a block read is under way */
    PH_WRITE,    /* a block write is under way */
    PH_FLUSH,    /* a block flush is under way */
    PH_DMA_IN,   /* buffer has bytes for the bus master, which is not started yet */
    PH_DMA_OUT,  /* buffer awaits bytes from the bus master, which is not started yet */
    PH_TRIM,     /* a block discard is under way */
    PH__COUNT,
};

/* What kind of transfer the command is. */
enum ide_kind {
    KIND_NONE,
    KIND_ATA,
    KIND_ATA_ONCE /* one block that is no sector: IDENTIFY, SMART */,
    KIND_CD,
    KIND_CD_ONCE,
    KIND__COUNT
};

struct ide_drive_regs {
    u8 error, feature, nsector, sector, lcyl, hcyl, select, status;
    /* previous contents, for 48-bit commands */
    u8 hob_feature, hob_nsector, hob_sector, hob_lcyl, hob_hcyl;
    u8 cmd, phase, kind, dma, write, lba48;
    u8 mult, heads, spt;      /* sectors per block (0: off), current translation */
    u8 xfer_mode;             /* as SET FEATURES 3 gave it */
    u8 wcache, smart_on, power;
    u8 block;                 /* sectors per PIO block of this command */
    u8 sense, asc, ascq;      /* CD: sense data */
    u8 attention;             /* CD: the medium was changed and nobody was told */
    u8 event;                 /* CD: pending media event code */
    u8 cd_flags; /* CD: which parts of a raw sector READ CD wants, 0x10: the user data only */
    u8 packet[12];
    u8 pad0[3];
    u32 cyls;
    u32 left;                 /* sectors still to transfer, behind those in the buffer */
    u32 in_buf;               /* sectors in the buffer; TRIM: in the range that is under way */
    u32 pos, end;             /* place and end of the bytes in the buffer */
    u32 limit;                /* CD: bytes per PIO block */
    u32 block_end;            /* CD: end of the present PIO block in the buffer */
    u32 cd_len;               /* CD: bytes per sector as transferred */
    u64 lba;                  /* of the first sector in the buffer or the next one */
    u8 buf[IDE_BUF];
};

struct ide_channel_regs {
    u8 unit;                  /* selected drive */
    u8 ctl;                   /* device control */
    u8 intrq;                 /* interrupt pending */
    u8 bm_cmd, bm_status, prd_last;
    u8 pad[2];
    u32 bm_table, bm_cur;     /* as written; the next descriptor */
    u32 prd_addr, prd_len;    /* what is left of the present descriptor */
};

struct ide_regs {
    u8 cfg[PCI_CFG_SIZE];
    struct ide_channel_regs ch[2];
    struct ide_drive_regs drv[4];
};

struct ide;
struct ide_channel;

struct ide_drive {
    struct ide *ide;
    struct ide_channel *ch;
    struct ide_drive_regs *r;
    struct blk *blk;       /* NULL: no drive */
    unsigned index;        /* 0..3 */
    struct blk_req req;
    bool inflight;
    u32 gen, req_gen;      /* a completion of an older generation is dropped */
};

struct ide_channel {
    struct ide *ide;
    struct ide_channel_regs *r;
    struct ide_drive drive[2];
    struct region cmd_ports, ctl_port;
    unsigned index;
};

struct ide {
    struct dev dev;
    struct ide_regs r;
    struct pci_func fn;
    struct ide_channel ch[2];
    struct ide_wiring w;
};

static inline bool drive_is_cd(const struct ide_drive *d) { return d->blk && d->blk->cdrom; }
static inline u64 drive_sectors(const struct ide_drive *d)
{
    return d->blk ? d->blk->size / IDE_SECTOR : 0;
}

/* ide.c */
void ide_irq(struct ide_drive *d);                    /* the drive wants attention */
void ide_update_irq(struct ide_channel *ch);          /* recompute the wire */
void ide_done(struct ide_drive *d);                   /* end of command: ready, interrupt */
void ide_fail(struct ide_drive *d, u8 error);         /* end of command with an error */
void ide_signature(struct ide_drive *d);              /* the registers as after a reset */
void ide_cancel(struct ide_drive *d);                 /* drop the request under way */
void ide_submit(struct ide_drive *d,
                enum ide_phase phase);                /* start the block request of the phase */
void ide_drive_reset(struct ide_drive *d);            /* software reset of one drive */
void ide_pio_in(struct ide_drive *d, u32 len);        /* buf[0..len) is for the guest */

/* ide_ata.c */
void ata_command(struct ide_drive *d, u8 cmd);
void ata_io_done(struct ide_drive *d, int status);    /* a block request ended */
void ata_pio_end(struct ide_drive *d); /* the guest took or gave the whole PIO block */
void ata_dma_moved(struct ide_drive *d);              /* the bus master moved the buffer */
void ata_want_data(struct ide_drive *d);              /* ask for the next of r->left sectors */

/* ide_trim.c */
void ata_trim(struct ide_drive *d);                   /* DATA SET MANAGEMENT */
void ata_trim_list(struct ide_drive *d);              /* its ranges are in the buffer */
void ata_trim_done(struct ide_drive *d, int status);  /* one of them was discarded */

/* ide_identify.c */
void ata_identify(struct ide_drive *d);               /* fill buf with 512 bytes */
void atapi_identify(struct ide_drive *d);
void ata_smart(struct ide_drive *d);                  /* the SMART command, whole */

/* ide_atapi.c: the transfer of packet commands */
void atapi_packet_begin(struct ide_drive *d); /* PACKET was written to the command register */
void atapi_packet(struct ide_drive *d);               /* the twelve bytes are there */
void atapi_io_done(struct ide_drive *d, int status);
void atapi_pio_end(struct ide_drive *d);
void atapi_dma_moved(struct ide_drive *d);
void atapi_changed(struct ide_drive *d);              /* the medium was changed or ejected */
/* ... and its ends, for the commands */
void atapi_reply(struct ide_drive *d, u32 len, u32 max); /* buf[0..min(len, max)) is the answer */
void atapi_ok(struct ide_drive *d);
void atapi_fail(struct ide_drive *d, u8 sense, u8 asc, u8 ascq);
void atapi_read(struct ide_drive *d, u64 lba, u32 n,
                u8 flags); /* n sectors, parts as in cd_flags */

/* ide_mmc.c: the packet commands themselves */
void mmc_command(struct ide_drive *d);
u32 mmc_sector_len(u8 flags);                         /* bytes of a sector with these parts */
void mmc_expand(struct ide_drive *d); /* user data in buf to sectors with headers, in place */

/* piix_bmdma.c */
extern const struct region_ops bmdma_ops;
bool bmdma_active(const struct ide_channel *ch);
void bmdma_kick(struct ide_drive *d);                 /* ready for the bus master: move if started */
void bmdma_end(struct ide_channel *ch);               /* the command is over */
void bmdma_loaded(struct ide_channel *ch);

#endif
