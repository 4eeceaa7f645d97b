/* Raw disk, floppy and CD images: a struct blk over a host file, with a memory overlay for
 * throw-away writes. */
#ifndef FRONTEND_HOST_RAW_H
#define FRONTEND_HOST_RAW_H

#include "devices/core/clock.h"
#include "devices/core/err.h"
#include "devices/core/ports.h"

struct raw_options {
    const char *path;    /* NULL: a drive with no medium in it */
    struct clock *clock; /* completions are delivered from its events; required */
    bool read_only;
    bool snapshot;       /* writes are kept in memory and forgotten at close; the file is opened for
                            reading only */
    bool cdrom;          /* a CD: read-only, 2048-byte sectors, removable */
    bool removable;
    u64 max_size;        /* refuse larger images (0: no limit): a floppy drive passes 2.88 MiB */
};

/* Open. The file is locked (exclusively when it can be written) until closed, so that no two
 * machines share a disk. NULL with a sentence in *err. */
struct blk *raw_open(const struct raw_options *opt, struct err *err);

/* Close; pending requests are dropped without a call to done. NULL is fine. */
void raw_close(struct blk *blk);

/* Put another image into a removable drive (path NULL: take the medium out). The device is told
 * through blk.changed. False with *err when the drive is not removable, locked by the guest (and
 * not force), or the image cannot be opened: then the old medium stays. */
bool raw_change(struct blk *blk, const char *path, bool force, struct err *err);

/* The path of the image in the drive, or NULL. */
const char *raw_path(const struct blk *blk);

#endif
