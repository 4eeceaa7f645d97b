/* What is about to be overwritten for the first time is kept as it was at the beginning; at each
 * point the pages written since the last one are read back. */
#include "frontend/reverse/disks.h"

#include "frontend/host/drive.h"
#include "frontend/host/drive_state.h"

#include <stdlib.h>
#include <string.h>

enum { BEGINNING = 0 }; /* serial of what was there first; points have larger ones */

/* The page, zeros behind the end of the image. */
static bool read_page(struct image *im, u64 page, u8 buf[HIST_PAGE])
{
    u64 off = page * HIST_PAGE, n = MIN((u64)HIST_PAGE, im->size - off);

    memset(buf + n, 0, HIST_PAGE - n);
    return !image_read(im, off, buf, (size_t)n);
}

/* In a thread of the host, while the machine's does not look at us. */
static void written(void *arg, struct image *im, u64 off, u64 n)
{
    struct hist_disk *d = arg;
    u8 buf[HIST_PAGE];
    u64 end = MIN(off + n, im->size);

    if (off >= im->size)
        return;
    for (u64 page = off / HIST_PAGE; page * HIST_PAGE < end; page++) {
        if (!numset_add(&d->dirty, page) || pages_find(&d->pages, page, BEGINNING))
            continue;
        if (read_page(im, page, buf))
            pages_put(&d->pages, NULL, page, BEGINNING, buf);
        else
            d->bad = true;
    }
}

bool hist_disk_begin(struct hist_disk *d, struct blk *blk)
{
    const char *path = blk ? drive_path(blk) : NULL;

    *d = (struct hist_disk){.blk = blk};
    if (!blk)
        return true;
    d->real = drive_medium(blk);
    d->path = strdup(path ? path : "");
    drive_tap(blk, written, d);
    return d->path;
}

void hist_disk_end(struct hist_disk *d)
{
    if (d->blk)
        drive_tap(d->blk, NULL, NULL);
    pages_clear(&d->pages);
    numset_free(&d->dirty);
    free(d->path);
    *d = (struct hist_disk){0};
}

bool hist_disk_changed(const struct hist_disk *d)
{
    const char *path = d->blk ? drive_path(d->blk) : NULL;

    if (!d->blk || d->over)
        return false;
    return drive_medium(d->blk) != d->real || strcmp(path ? path : "", d->path);
}

bool hist_disk_keep(struct hist_disk *d, struct page_list *list, u64 serial)
{
    struct image *im = d->blk ? drive_medium(d->blk) : NULL;
    u8 buf[HIST_PAGE];

    for (u32 i = 0; im && i < d->dirty.cap; i++) {
        u64 page = d->dirty.slot[i] - 1;

        if (!d->dirty.slot[i])
            continue;
        if (read_page(im, page, buf))
            pages_put(&d->pages, list, page, serial, buf);
        else
            d->bad = true;
    }
    d->bad |= d->dirty.all || d->pages.lost;
    numset_empty(&d->dirty);
    return !d->bad;
}

static bool put_page(struct hist_disk *d, u64 page, u64 serial)
{
    const u8 *data = pages_find(&d->pages, page, serial);
    u64 off = page * HIST_PAGE;

    return !data || off >= d->over->size ||
           !image_write(d->over, off, data, (size_t)MIN((u64)HIST_PAGE, d->over->size - off));
}

bool hist_disk_go(struct hist_disk *d, struct page_list *const *lists, u32 n, u64 serial,
                  struct err *err)
{
    struct image *im = d->blk ? drive_medium(d->blk) : NULL;
    bool ok = true;

    if (!im || d->blk->read_only)
        return true;
    if (!d->over) {
        d->over = image_memory_over(im);
        if (!d->over)
            return err_set(err, "There is no memory for a disk of the past.");
        drive_swap_overlay(d->blk, d->over);
    }
    for (u32 i = 0; i < d->dirty.cap && ok; i++)
        if (d->dirty.slot[i])
            ok = put_page(d, d->dirty.slot[i] - 1, serial);
    for (u32 k = 0; k < n && ok; k++)
        for (u32 i = 0; i < lists[k]->n && ok; i++)
            ok = put_page(d, lists[k]->v[i]->key, serial);
    numset_empty(&d->dirty);
    return ok || err_set(err, "A disk of the past cannot be made: the host's memory or the image "
                              "fails.");
}

void hist_disk_present(struct hist_disk *d)
{
    if (!d->over)
        return;
    drive_medium(d->blk); /* nothing runs any more */
    drive_swap_overlay(d->blk, d->real);
    image_memory_drop(d->over);
    d->over = NULL;
    numset_empty(&d->dirty);
}
