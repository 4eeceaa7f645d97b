/* What of a drive belongs to the state of the machine: its medium by name, tray and lock, and the
 * requests that are under way. What is on the medium is not in it. */
#ifndef FRONTEND_HOST_DRIVE_STATE_H
#define FRONTEND_HOST_DRIVE_STATE_H

#include "devices/core/snap.h"
#include "frontend/host/drive.h"

/* As read from a snapshot. */
struct drive_state {
    bool inserted, tray_open, locked, overlay;
    u32 media_gen;
    u64 size, ops_until, bytes_until;
    struct kept_job *jobs;
    u32 njobs;
};

/* Wait until nothing runs in a thread, and append the state to `snap`. */
void drive_save(struct blk *blk, struct snap *snap);
/* Read what drive_save wrote for a drive called `name` (for messages) and see that this drive can
 * take it over. False with *err: a damaged state, or another medium; the drive is untouched. */
bool drive_state_read(struct drive_state *s, const struct blk *blk, const char *name,
                      struct snap *snap, struct err *err);
/* The drive is in this state from now on; devices are loaded after it, and what they ask for again
 * ends as it would have. */
void drive_state_put(struct blk *blk, struct drive_state *s);
/* Devices are loaded: what none of them asked for again is forgotten. */
void drive_state_settle(struct blk *blk);
void drive_state_free(struct drive_state *s);

/* The image in the drive, with no request in it; NULL: there is none. */
struct image *drive_medium(struct blk *blk);
/* The image in which writes are kept in memory, or NULL: they go to a file, or there are none. */
struct image *drive_overlay(struct blk *blk);
/* Writes are kept in `over` from now on, an image over the same backing image; gives what kept them
 * before, which has none any more (image_memory_drop). */
struct image *drive_swap_overlay(struct blk *blk, struct image *over);
/* `tap` is called in front of every change of n bytes at `off` of the medium, in whatever thread
 * makes it, one at a time; NULL: no more. Waits until nothing runs. */
typedef void drive_tap_fn(void *arg, struct image *im, u64 off, u64 n);
void drive_tap(struct blk *blk, drive_tap_fn *tap, void *arg);

#endif
