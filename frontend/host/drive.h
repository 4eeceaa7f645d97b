/* Disk, floppy and CD drives: a struct blk over an image, whose reads and writes run in threads of a
 * pool and whose completions come from the event queue. */
#ifndef FRONTEND_HOST_DRIVE_H
#define FRONTEND_HOST_DRIVE_H

#include "devices/core/clock.h"
#include "devices/core/err.h"
#include "devices/core/ports.h"
#include "frontend/host/pool.h"
#include "frontend/image/image.h"

struct loop;

/* What an error of the host does. */
enum drive_error {
    DRIVE_ERR_DEFAULT, /* writes: ENOSPC; reads: REPORT */
    DRIVE_ERR_REPORT,  /* the guest is told */
    DRIVE_ERR_STOP,    /* the guest stops, and the request is tried again when it goes on */
    DRIVE_ERR_ENOSPC,  /* STOP when the host's disk is full, else REPORT */
    DRIVE_ERR_IGNORE,  /* the guest is told that all went well */
};

struct drive_options {
    const char *path;    /* NULL: a drive with no medium in it */
    const char *format;  /* NULL: as the name says */
    struct clock *clock; /* completions are delivered from its events; required */
    struct pool *pool;   /* NULL: requests run when they are due, in the machine's thread */
    /* With a loop, a request that is not done when it is due completes as soon as it is. Without,
     * the machine waits for it, so that equal runs stay equal. */
    struct loop *loop;
    bool read_only;
    bool snapshot;  /* writes are kept in memory and forgotten at close; the file is opened for
                       reading only */
    bool cdrom;     /* a CD: read-only, 2048-byte sectors, removable */
    bool removable;
    bool discard;   /* what the guest gives back is given back to the host */
    u64 max_size;   /* refuse larger images (0: no limit): a floppy drive passes 2.88 MiB */
    u64 iops, bps;  /* requests and bytes a second; 0: no limit */
    enum drive_error werror, rerror;
    /* Stop the machine, saying why; drive_resume follows when it goes on. NULL: errors are
     * reported. */
    void (*stop)(void *arg, const char *why);
    /* The host could not do it: what follows is "report", "ignore" or "stop". Before `stop`, between
     * instructions or in an event; may be NULL. */
    void (*failed)(void *arg, struct blk *blk, bool read, int error, const char *action);
    void *stop_arg; /* of both */
};

/* Open. The file is locked (exclusively when it can be written) until closed, so that no two
 * machines share a disk. NULL with a sentence in *err. */
struct blk *drive_open(const struct drive_options *opt, struct err *err);

/* Close; pending requests are dropped without a call to done. False when the last writes did not
 * reach the file. NULL is fine. */
bool drive_close(struct blk *blk);

/* Put another image into a removable drive (path NULL: take the medium out; format NULL: as the
 * name says). The device is told through blk.changed. False with *err when the drive is not
 * removable, locked by the guest (and not force), or the image cannot be opened: then the old medium
 * stays. */
bool drive_change(struct blk *blk, const char *path, const char *format, bool force,
                  struct err *err);

/* Move the tray of a CD drive (other drives have none: nothing happens). False with *err when the
 * guest has locked it and not `force`. */
bool drive_tray(struct blk *blk, bool open, bool force, struct err *err);

/* Requests and bytes a second from now on; 0: no limit. */
void drive_limit(struct blk *blk, u64 iops, u64 bps);

/* Write what differs into the backing file, or into the file under a snapshot. */
bool drive_commit(struct blk *blk, struct err *err);

/* The machine goes on: requests that stopped it are tried again. */
void drive_resume(struct blk *blk);

/* The path of the image in the drive, or NULL. */
const char *drive_path(const struct blk *blk);
/* The image itself, to be looked at while no request is pending; NULL without a medium. */
const struct image *drive_image(struct blk *blk);
/* The timer by which its requests end. */
const struct timer *drive_timer(const struct blk *blk);
const struct drive_options *drive_options(const struct blk *blk);

#endif
