/* Disks in history: what they held at each point, and a view of the past over the image, which
 * itself always holds the present. */
#ifndef FRONTEND_REVERSE_DISKS_H
#define FRONTEND_REVERSE_DISKS_H

#include "devices/core/err.h"
#include "frontend/image/image.h"
#include "frontend/reverse/pages.h"

struct blk;

struct hist_disk {
    struct blk *blk;
    struct image *real; /* the medium when history began */
    char *path;         /* ... and its name */
    struct image *over; /* the past; NULL: the machine is in the present */
    struct pages pages;
    struct numset dirty; /* pages written since the point where the machine was last */
    bool bad;            /* the image could not be read once */
};

/* History begins; blk may be NULL: no drive there. False: no memory. */
bool hist_disk_begin(struct hist_disk *d, struct blk *blk);
/* And ends. In the present only. */
void hist_disk_end(struct hist_disk *d);
/* Is it another medium than at the beginning? */
bool hist_disk_changed(const struct hist_disk *d);
/* The machine is at a point: keep what was written since the last one. False: the image fails. */
bool hist_disk_keep(struct hist_disk *d, struct page_list *list, u64 serial);
/* Go to what the disk held at point `serial`; lists[0..n): those of the points between there and
 * where the machine was last. False with *err. */
bool hist_disk_go(struct hist_disk *d, struct page_list *const *lists, u32 n, u64 serial,
                  struct err *err);
/* Back to the present. */
void hist_disk_present(struct hist_disk *d);

#endif
