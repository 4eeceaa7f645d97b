/* A USB disk: bulk-only transport with a SCSI direct-access device behind it. */
#ifndef DEVICES_USB_USB_STORAGE_H
#define DEVICES_USB_USB_STORAGE_H

#include "devices/usb/usb.h"

enum { MSD_BUF = 16384, MSD_BLOCK = 512, MSD_CDB = 16 };

struct usb_storage_regs {
    struct usb_regs usb;
    u64 off;      /* of the image: where the next chunk is */
    u32 tag;      /* of the command */
    u32 expect;   /* bytes that the host means to move */
    u32 moved;    /* that were */
    u32 left;     /* bytes of the image that are still to be moved by chunks */
    u32 pos, len; /* of the buffer */
    u8 phase, to_host, status, op;
    u8 cdb[MSD_CDB];
    u8 sense_key, sense_asc;
    u8 busy;      /* a request of the image is on its way: 1 read, 2 write, 3 flush */
    u8 attention; /* tell of the medium at the next command */
    u8 buf[MSD_BUF];
};

struct usb_storage {
    struct dev dev;
    struct usb_storage_regs r;
    struct usb_dev usb;
    struct usb_bus *bus;
    struct blk *blk;
    struct blk_req req;
    bool removable; /* property */
};

extern const struct dev_class usb_storage_class;
bool usb_storage_plug(struct dev *dev, const struct plug *plug, struct err *err);

/* usb_scsi.c: begin the command in r.cdb. Fills the buffer and r.len (to the host), or r.off and
 * r.left for the image, or r.status and the sense. */
void usb_scsi_command(struct usb_storage *s);
void usb_scsi_sense(struct usb_storage *s, u8 key, u8 asc);
enum {
    SENSE_NOT_READY = 2,
    SENSE_MEDIUM = 3,
    SENSE_ILLEGAL = 5,
    SENSE_ATTENTION = 6,
    SENSE_PROTECT = 7
};
enum { MSD_READ = 1, MSD_WRITE, MSD_FLUSH };

#endif
