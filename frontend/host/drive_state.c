/* Drives in snapshots. A request that is under way has its end kept with it: the same completion
 * comes at the same virtual time, with the data that were read already. */
#include "frontend/host/drive_state.h"

#include "frontend/host/drive_int.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_JOBS = 4096, MAX_JOB = 64 << 20, MAX_PATH_LEN = 4096 };
enum { ST_INSERTED = 1, ST_TRAY_OPEN = 2, ST_LOCKED = 4, ST_OVERLAY = 8, ST_ALL = 15 };
enum { JOB_DONE = 1, JOB_DATA = 2 };

/* ---- saving ---- */

static void save_job(const struct drive *d, const struct job *job, struct snap *snap)
{
    const struct blk_req *req = job->req;
    bool data = job->done && req->op == BLK_READ && job->bounce && !job->status;
    /* What was read straight to its place is read again. */
    bool done = job->done && (req->op != BLK_READ || data || job->status) && !d->halted;

    snap_put_u64(snap, req->op);
    snap_put_u64(snap, req->off);
    snap_put_u64(snap, req->len);
    snap_put_u64(snap, job->due);
    snap_put_u64(snap, (u64)(u32)job->status);
    snap_put_u64(snap, (done ? JOB_DONE : 0) | (done && data ? JOB_DATA : 0));
    if (done && data)
        snap_put(snap, job->bounce, req->len);
}

void drive_save(struct blk *blk, struct snap *snap)
{
    struct drive *d = drive_of(blk);
    size_t n = d->path ? MIN(strlen(d->path), (size_t)MAX_PATH_LEN) : 0;
    u64 jobs = 0;

    drive_drain(d);
    snap_put_u64(snap, (blk->inserted ? ST_INSERTED : 0) | (blk->tray_open ? ST_TRAY_OPEN : 0) |
                           (blk->locked ? ST_LOCKED : 0) | (drive_overlay(blk) ? ST_OVERLAY : 0));
    snap_put_u64(snap, blk->media_gen);
    snap_put_u64(snap, blk->size);
    snap_put_u64(snap, n);
    snap_put(snap, d->path, n);
    snap_put_u64(snap, d->ops.until);
    snap_put_u64(snap, d->bytes.until);
    for (const struct job *job = d->first; job; job = job->next)
        jobs++;
    snap_put_u64(snap, jobs);
    for (const struct job *job = d->first; job; job = job->next)
        save_job(d, job, snap);
}

/* ---- loading ---- */

static bool damaged(const char *name, const char *field, struct err *err)
{
    return err_set(err, "the snapshot is damaged: drive %s, %s", name, field);
}

static bool read_job(struct kept_job *k, const char *name, struct snap *snap, struct err *err)
{
    u64 op = snap_get_u64(snap), flags;

    k->off = snap_get_u64(snap);
    k->len = snap_get_u64(snap);
    k->due = snap_get_u64(snap);
    k->status = (int)(snap_get_u64(snap) & 0xffff);
    flags = snap_get_u64(snap);
    if (snap->bad || op > BLK_DISCARD)
        return damaged(name, "kind of a request", err);
    if (flags & ~(u64)(JOB_DONE | JOB_DATA))
        return damaged(name, "flags of a request", err);
    k->op = (enum blk_op)op;
    k->done = flags & JOB_DONE;
    if (!(flags & JOB_DATA))
        return true;
    if (k->len > MAX_JOB || k->len > snap->len - snap->pos || op != BLK_READ)
        return damaged(name, "length of a request", err);
    k->data = malloc(k->len + 1);
    if (!k->data)
        return err_set(err, "no memory for the requests of drive %s", name);
    snap_get(snap, k->data, k->len);
    return true;
}

static bool read_jobs(struct drive_state *s, const char *name, struct snap *snap, struct err *err)
{
    u64 n = snap_get_u64(snap);

    if (snap->bad || n > MAX_JOBS)
        return damaged(name, "number of requests", err);
    s->jobs = calloc(n + 1, sizeof(*s->jobs));
    if (!s->jobs)
        return err_set(err, "no memory for the requests of drive %s", name);
    while (s->njobs < n)
        if (!read_job(&s->jobs[s->njobs++], name, snap, err))
            return false;
    return (!snap->bad && snap->pos == snap->len) || damaged(name, "length", err);
}

/* Is what the snapshot says of the medium true here? An empty drive can always be had. */
static bool same_medium(const struct drive_state *s, const struct blk *blk, const char *name,
                        const char *path, struct err *err)
{
    const char *here = drive_path(blk);

    if (!s->inserted)
        return blk->removable || !blk->inserted ||
               err_set(err, "the snapshot has no drive %s; this machine has", name);
    if (!blk->inserted)
        return err_set(err,
                       "the snapshot has '%.300s' in drive %s, which is empty: insert it first",
                       path, name);
    if (s->size != blk->size)
        return err_set(err,
                       "the snapshot has %llu bytes in drive %s; '%.300s' has %llu: it is another "
                       "image",
                       (unsigned long long)s->size, name, here ? here : "",
                       (unsigned long long)blk->size);
    /* A file may be called otherwise today, a medium that can be changed tells by its name which it
     * was. */
    return !blk->removable || (here && !strcmp(here, path)) ||
           err_set(err, "the snapshot has '%.300s' in drive %s, not '%.300s': insert it first",
                   path, name, here ? here : "");
}

bool drive_state_read(struct drive_state *s, const struct blk *blk, const char *name,
                      struct snap *snap, struct err *err)
{
    char path[MAX_PATH_LEN + 1];
    u64 flags = snap_get_u64(snap), gen = snap_get_u64(snap), n;

    *s = (struct drive_state){0};
    s->media_gen = (u32)gen;
    s->size = snap_get_u64(snap);
    n = snap_get_u64(snap);
    if (snap->bad || flags & ~(u64)ST_ALL)
        return damaged(name, "flags", err);
    if (n > MAX_PATH_LEN)
        return damaged(name, "length of the medium's name", err);
    snap_get(snap, path, n);
    path[n] = 0;
    s->inserted = flags & ST_INSERTED;
    s->tray_open = flags & ST_TRAY_OPEN;
    s->locked = flags & ST_LOCKED;
    s->overlay = flags & ST_OVERLAY;
    s->ops_until = snap_get_u64(snap);
    s->bytes_until = snap_get_u64(snap);
    return read_jobs(s, name, snap, err) && same_medium(s, blk, name, path, err);
}

void drive_state_put(struct blk *blk, struct drive_state *s)
{
    struct drive *d = drive_of(blk);

    drive_drain(d);
    /* The image is let go when all is settled: a failed load puts it back. */
    blk->inserted = s->inserted && d->im;
    blk->size = blk->inserted ? d->im->size : 0;
    blk->tray_open = s->tray_open;
    blk->locked = s->locked;
    blk->media_gen = s->media_gen;
    d->ops.until = s->ops_until;
    d->bytes.until = s->bytes_until;
    drive_forget_kept(d);
    d->kept = s->jobs;
    d->nkept = s->njobs;
    s->jobs = NULL;
    s->njobs = 0;
}

void drive_state_settle(struct blk *blk)
{
    struct drive *d = drive_of(blk);

    drive_forget_kept(d);
    if (!blk->inserted && d->im)
        drive_medium_out(d);
}

static void free_jobs(struct kept_job *jobs, u32 n)
{
    for (u32 i = 0; i < n; i++)
        free(jobs[i].data);
    free(jobs);
}

void drive_state_free(struct drive_state *s)
{
    free_jobs(s->jobs, s->njobs);
    *s = (struct drive_state){0};
}

/* ---- requests that come again ---- */

void drive_forget_kept(struct drive *d)
{
    free_jobs(d->kept, d->nkept);
    d->kept = NULL;
    d->nkept = 0;
}

void drive_take_kept(struct drive *d, struct job *job)
{
    const struct blk_req *req = job->req;
    struct kept_job *k = d->kept, *end = k + d->nkept;

    while (k < end && (k->taken || k->op != req->op || k->off != req->off || k->len != req->len))
        k++;
    if (k == end)
        return;
    k->taken = true;
    job->due = k->due;
    if (!k->done || (k->op == BLK_READ && !k->status && !k->data))
        return;
    job->done = true;
    job->status = k->status;
    if (!k->data)
        return;
    if (!job->bounce)
        job->bounce = malloc(req->len + 1);
    if (job->bounce)
        memcpy(job->bounce, k->data, req->len);
    else
        job->done = false; /* read again */
}

/* ---- images ---- */

struct image *drive_medium(struct blk *blk)
{
    drive_drain(drive_of(blk));
    return drive_of(blk)->im;
}

struct image *drive_overlay(struct blk *blk)
{
    struct drive *d = drive_of(blk);

    return d->im && d->im->drv == &image_memory ? d->im : NULL;
}

struct image *drive_swap_overlay(struct blk *blk, struct image *over)
{
    struct drive *d = drive_of(blk);
    struct image *old = d->im;

    drive_drain(d);
    d->im = over;
    return old;
}

void drive_tap(struct blk *blk, drive_tap_fn *tap, void *arg)
{
    struct drive *d = drive_of(blk);

    drive_drain(d);
    d->tap = tap;
    d->tap_arg = arg;
}
