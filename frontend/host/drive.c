/* Drives: requests are queued in order, run by a thread of the pool, and completed by a timer at a
 * virtual time that follows from their length alone. */
#define _GNU_SOURCE
#include "frontend/host/drive_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a request takes in virtual time: a fixed part and a part by length, about a fast disk of the
 * period's end. */
enum { DELAY_NS = 20000, NS_PER_KIB = 1000 };
/* With a loop, completions follow the host's own speed: what is left is for drivers that are not
 * ready for an answer at once. */
enum { FAST_DELAY_NS = 2000, FAST_NS_PER_KIB = 50 };
/* A limited drive may run ahead by this long. */
enum { BURST_NS = 100000000 };

/* ---- one request ---- */

static int perform(struct drive *d, struct job *job)
{
    const struct blk_req *req = job->req;
    u8 *buf = job->bounce ? job->bounce : req->buf;
    int rc = 0;

    job->host_failed = false;
    if (req->op == BLK_FLUSH && (!d->im || d->blk.read_only))
        return 0;
    if (!d->im)
        return ENOMEDIUM;
    if (req->op != BLK_FLUSH &&
        (req->off > d->blk.size || req->len > d->blk.size - req->off))
        return EIO;
    if (d->blk.read_only && (req->op == BLK_WRITE || req->op == BLK_DISCARD))
        return EROFS;
    if (d->tap && (req->op == BLK_WRITE || req->op == BLK_DISCARD))
        d->tap(d->tap_arg, d->im, req->off, req->len);
    switch (req->op) {
    case BLK_READ: rc = image_read(d->im, req->off, buf, req->len); break;
    case BLK_WRITE: rc = image_write(d->im, req->off, buf, req->len); break;
    case BLK_FLUSH: rc = image_flush(d->im); break;
    case BLK_DISCARD: rc = d->opt.discard ? image_discard(d->im, req->off, req->len) : 0; break;
    }
    job->host_failed = rc != 0;
    return rc;
}

/* A failed fsync is never tried again: the host has forgotten what it could not write. */
static bool for_good(const struct drive *d)
{
    for (const struct image *im = d->im; im; im = im->backing) {
        if (im->file && im->file->poisoned)
            return true;
    }
    return false;
}

/* Does this error stop the machine? */
static bool stops(const struct drive *d, const struct job *job)
{
    enum drive_error how = job->req->op == BLK_READ ? d->opt.rerror : d->opt.werror;

    if (!job->host_failed || !d->opt.stop || for_good(d))
        return false;
    if (how == DRIVE_ERR_DEFAULT)
        how = job->req->op == BLK_READ ? DRIVE_ERR_REPORT : DRIVE_ERR_ENOSPC;
    return how == DRIVE_ERR_STOP || (how == DRIVE_ERR_ENOSPC && job->status == ENOSPC);
}

static void run_job(struct drive *d, struct job *job)
{
    job->error = job->status = perform(d, job);
    if (job->status && job->host_failed && !for_good(d) &&
        (job->req->op == BLK_READ ? d->opt.rerror : d->opt.werror) == DRIVE_ERR_IGNORE)
        job->status = 0;
}

/* ---- in a thread of the pool ---- */

static void work(void *arg)
{
    struct drive *d = arg;

    pthread_mutex_lock(&d->lock);
    while (d->next && !d->halted) {
        struct job *job = d->busy = d->next;

        pthread_mutex_unlock(&d->lock);
        run_job(d, job);
        pthread_mutex_lock(&d->lock);
        d->busy = NULL;
        for (d->next = job->next; d->next && d->next->done;)
            d->next = d->next->next;
        job->done = true;
        d->halted = stops(d, job); /* those behind it wait, too */
        if (d->late && job == d->first) {
            u64 one = 1;

            d->late = false;
            if (write(d->wake.fd, &one, sizeof(one)) != sizeof(one))
                d->late = false; /* the counter is full: it is awake anyway */
        }
        pthread_cond_broadcast(&d->idle);
    }
    d->posted = false;
    pthread_cond_broadcast(&d->idle);
    pthread_mutex_unlock(&d->lock);
}

/* With the lock held. */
static void post(struct drive *d)
{
    if (!d->opt.pool || d->posted || !d->next || d->halted)
        return;
    d->posted = true;
    if (!pool_add(d->opt.pool, &d->pool_job))
        d->posted = false, d->opt.pool = NULL; /* no threads here: in ours, then */
}

/* ---- in the machine's thread ---- */

void drive_drain(struct drive *d)
{
    pthread_mutex_lock(&d->lock);
    while (d->posted)
        pthread_cond_wait(&d->idle, &d->lock);
    pthread_mutex_unlock(&d->lock);
}

/* Virtual time from asking to the answer, at the soonest. */
static u64 delay(const struct drive *d, size_t len)
{
    return d->opt.loop ? FAST_DELAY_NS + len / 1024 * FAST_NS_PER_KIB
                       : DELAY_NS + len / 1024 * NS_PER_KIB;
}

static u64 limit(struct bucket *b, u64 now, u64 cost)
{
    if (!b->rate)
        return now;
    b->until = MAX(b->until, now > BURST_NS ? now - BURST_NS : 0) +
               muldiv64(cost, NS_PER_SEC, b->rate);
    return MAX(b->until, now);
}

static void arm(struct drive *d)
{
    if (d->first && !d->told && !timer_pending(&d->timer))
        timer_set(&d->timer, MAX(d->first->due, clock_now(d->opt.clock)));
}

static void free_job(struct job *job)
{
    free(job->bounce);
    free(job);
}

static void pop(struct drive *d, struct job *job)
{
    struct job **p = &d->first;

    while (*p != job)
        p = &(*p)->next;
    *p = job->next;
    if (!*p)
        d->last = p;
    if (d->next == job)
        d->next = job->next;
}

/* The first request has ended, and so is out of the list. */
static void complete(struct drive *d, struct job *job)
{
    struct blk_req *req = job->req;

    if (job->host_failed && d->opt.failed)
        d->opt.failed(d->opt.stop_arg, &d->blk, req->op == BLK_READ, job->error,
                      job->status ? "report" : "ignore");
    req->status = job->status;
    if (job->bounce && req->op == BLK_READ && !job->status)
        memcpy(req->buf, job->bounce, req->len);
    free_job(job);
    if (d->first) {
        d->first->due = MAX(d->first->due, clock_now(d->opt.clock) + delay(d, d->first->req->len));
        arm(d);
    }
    req->done(req);
}

static void halt(struct drive *d, const struct job *job)
{
    char why[512];

    snprintf(why, sizeof(why), "%s the image '%.300s' failed: %s; the machine is stopped, 'cont' "
                               "tries again",
             job->req->op == BLK_READ ? "reading" : "writing", d->path ? d->path : "",
             job->status == ENOSPC ? "the host's disk is full" : strerror(job->status));
    if (d->opt.failed)
        d->opt.failed(d->opt.stop_arg, &d->blk, job->req->op == BLK_READ, job->status, "stop");
    d->opt.stop(d->opt.stop_arg, why);
}

static void fire(void *arg, u64 now)
{
    struct drive *d = arg;
    struct job *job;

    pthread_mutex_lock(&d->lock);
    job = d->first;
    if (!job) {
        pthread_mutex_unlock(&d->lock);
        return;
    }
    if (!job->done && !d->opt.pool) {
        run_job(d, job);
        job->done = true;
        d->next = job->next;
        d->halted = stops(d, job);
    }
    while (!job->done && (!d->opt.loop || !d->opt.pool))
        pthread_cond_wait(&d->idle, &d->lock);
    if (!job->done) {
        d->late = true;
        pthread_mutex_unlock(&d->lock);
        return;
    }
    if (stops(d, job)) {
        job->done = false;
        d->next = job;
        d->halted = d->told = true;
        pthread_mutex_unlock(&d->lock);
        halt(d, job);
        return;
    }
    pop(d, job);
    pthread_mutex_unlock(&d->lock);
    complete(d, job);
}

/* What was late is done. */
static void awake(void *arg, short revents)
{
    struct drive *d = arg;
    u64 count;

    if (read(d->wake.fd, &count, sizeof(count)) == sizeof(count) && d->first)
        timer_set(&d->timer, clock_now(d->opt.clock));
}

static void submit(struct blk *blk, struct blk_req *req)
{
    struct drive *d = drive_of(blk);
    struct job *job = calloc(1, sizeof(*job));
    u64 now = clock_now(d->opt.clock), ops, bytes;

    if (!job)
        BUG("no memory for a request of a disk");
    req->next = NULL;
    job->req = req;
    /* Equal runs must not see data earlier or later. */
    if (req->op == BLK_READ && d->opt.pool && !d->opt.loop)
        job->bounce = malloc(req->len + 1);
    ops = limit(&d->ops, now, req->op != BLK_FLUSH);
    bytes = limit(&d->bytes, now, req->op == BLK_READ || req->op == BLK_WRITE ? req->len : 0);
    job->due = MAX(ops, bytes) + delay(d, req->len);
    if (d->nkept)
        drive_take_kept(d, job);
    pthread_mutex_lock(&d->lock);
    *d->last = job;
    d->last = &job->next;
    if (!d->next && !job->done)
        d->next = job;
    post(d);
    pthread_mutex_unlock(&d->lock);
    arm(d);
}

static void cancel(struct blk *blk, struct blk_req *req)
{
    struct drive *d = drive_of(blk);
    struct job *job;

    pthread_mutex_lock(&d->lock);
    for (job = d->first; job && job->req != req; job = job->next)
        ;
    while (job && d->busy == job)
        pthread_cond_wait(&d->idle, &d->lock);
    if (job) {
        if (job == d->first)
            d->late = false;
        if (job == d->first && d->halted)
            d->halted = d->told = false;
        pop(d, job);
        free_job(job);
        post(d);
    }
    pthread_mutex_unlock(&d->lock);
    timer_cancel(&d->timer);
    arm(d);
}

static const struct blk_ops drive_ops = {submit, cancel};

void drive_resume(struct blk *blk)
{
    struct drive *d = blk ? drive_of(blk) : NULL;

    if (!d)
        return;
    pthread_mutex_lock(&d->lock);
    if (d->halted) {
        d->halted = d->told = false;
        d->next = d->first;
        if (d->first) {
            d->first->done = false;
            d->first->due = clock_now(d->opt.clock) + DELAY_NS;
        }
        post(d);
    }
    pthread_mutex_unlock(&d->lock);
    arm(d);
}

/* ---- media ---- */

int drive_medium_out(struct drive *d)
{
    int rc = image_close(d->im);

    d->im = NULL;
    free(d->path);
    d->path = NULL;
    d->blk.size = 0;
    d->blk.inserted = false;
    return rc;
}

static struct image *open_image(struct drive *d, const char *path, const char *format,
                                struct err *err)
{
    /* What is written to a folder's disk is forgotten. */
    bool over_it = (d->opt.snapshot || image_is_folder(path)) && !d->opt.cdrom;
    bool write = !d->opt.read_only && !d->opt.cdrom && !over_it;
    u64 sector = d->opt.cdrom ? 2048 : 512;
    struct image *im = image_open(path, format, write ? IMAGE_WRITE : 0, err), *over;

    if (!im)
        return NULL;
    if (!im->size)
        err_set(err, "the image '%.300s' is empty: create it with the size wanted first", path);
    else if (d->opt.max_size && im->size > d->opt.max_size)
        err_set(err, "the image '%.300s' has %llu bytes, this drive takes at most %llu", path,
                (unsigned long long)im->size, (unsigned long long)d->opt.max_size);
    if (!im->size || (d->opt.max_size && im->size > d->opt.max_size)) {
        image_close(im);
        return NULL;
    }
    /* Whole sectors: a raw file reads as zeros behind its end, and grows. */
    im->size = im->drv == &image_raw ? (im->size + sector - 1) & ~(sector - 1)
                                     : im->size & ~(sector - 1);
    if (!over_it)
        return im;
    over = image_memory_over(im);
    if (!over) {
        err_set(err, "no memory for the overlay of '%.300s'", path);
        image_close(im);
    }
    return over;
}

/* Is it the file that is in the drive? Its own lock and its own tables must not be in the way. */
static bool same_file(const struct drive *d, const char *path)
{
    struct stat st;

    return d->im && d->im->file && !stat(path, &st) && d->im->file->ino == st.st_ino &&
           d->im->file->dev == (S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev);
}

static bool medium_in(struct drive *d, const char *path, const char *format, struct err *err)
{
    struct image *im;
    struct stat st;
    char *name;

    /* A folder in a CD drive is a CD. */
    if (d->opt.cdrom && !stat(path, &st) && S_ISDIR(st.st_mode)) {
        if (asprintf(&name, "iso:%s", path) < 0)
            name = NULL;
    } else {
        name = strdup(path);
    }
    if (!name)
        return err_set(err, "no memory");
    path = name;
    if (same_file(d, path))
        drive_medium_out(d);
    im = open_image(d, path, format, err);
    if (!im) {
        free(name);
        return false;
    }
    drive_medium_out(d);
    d->im = im;
    d->path = name;
    d->blk.size = im->size;
    d->blk.inserted = true;
    return true;
}

struct blk *drive_open(const struct drive_options *opt, struct err *err)
{
    struct drive *d = calloc(1, sizeof(*d));

    if (!d) {
        err_set(err, "no memory");
        return NULL;
    }
    d->opt = *opt;
    d->opt.path = d->opt.format = NULL;
    d->last = &d->first;
    d->pool_job = (struct pool_job){.run = work, .arg = d};
    d->ops.rate = opt->iops;
    d->bytes.rate = opt->bps;
    d->blk.ops = &drive_ops;
    d->blk.cdrom = opt->cdrom;
    d->blk.removable = opt->removable || opt->cdrom;
    d->blk.read_only = opt->read_only || opt->cdrom;
    d->blk.discard = opt->discard && !d->blk.read_only;
    d->wake = (struct loop_src){-1, POLLIN, awake, d};
    if (opt->path && !medium_in(d, opt->path, opt->format, err)) {
        free(d);
        return NULL;
    }
    if (opt->loop && opt->pool) {
        d->wake.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (d->wake.fd < 0)
            d->opt.loop = NULL; /* none to be had: the machine waits for its disk */
        else
            loop_add(opt->loop, &d->wake);
    }
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->idle, NULL);
    timer_init(&d->timer, opt->clock, fire, d, "disk");
    return &d->blk;
}

bool drive_close(struct blk *blk)
{
    struct drive *d;
    int rc;

    if (!blk)
        return true;
    d = drive_of(blk);
    pthread_mutex_lock(&d->lock);
    d->next = NULL;
    pthread_mutex_unlock(&d->lock);
    timer_cancel(&d->timer);
    drive_drain(d);
    while (d->first) {
        struct job *job = d->first;

        pop(d, job);
        free_job(job);
    }
    if (d->wake.fd >= 0) {
        loop_remove(d->opt.loop, &d->wake);
        close(d->wake.fd);
    }
    drive_forget_kept(d);
    rc = drive_medium_out(d);
    pthread_cond_destroy(&d->idle);
    pthread_mutex_destroy(&d->lock);
    free(d);
    return rc == 0;
}

bool drive_change(struct blk *blk, const char *path, const char *format, bool force,
                  struct err *err)
{
    struct drive *d = drive_of(blk);
    bool ok = true, had = d->im;

    if (!blk->removable)
        return err_set(err, "the drive's medium cannot be changed: it is a fixed disk");
    if (blk->locked && !force)
        return err_set(
            err, "the guest has locked the drive: eject the medium in the guest, or force it");
    drive_drain(d);
    if (d->im)
        image_flush(d->im);
    if (path)
        ok = medium_in(d, path, format, err);
    else
        drive_medium_out(d);
    if (!ok && (d->im || !had))
        return false;
    if (ok && path)
        blk->tray_open = false;
    if (force)
        blk->locked = false;
    blk->media_gen++;
    if (blk->changed)
        blk->changed(blk->changed_arg);
    return ok;
}

bool drive_tray(struct blk *blk, bool open, bool force, struct err *err)
{
    if (!blk->removable)
        return err_set(err, "the drive's medium cannot be changed: it is a fixed disk");
    if (!blk->cdrom || blk->tray_open == open)
        return true;
    if (open && blk->locked && !force)
        return err_set(
            err, "the guest has locked the drive: eject the medium in the guest, or force it");
    if (open)
        blk->locked = false;
    blk->tray_open = open;
    blk->media_gen++;
    if (blk->changed)
        blk->changed(blk->changed_arg);
    return true;
}

void drive_limit(struct blk *blk, u64 iops, u64 bps)
{
    struct drive *d = drive_of(blk);

    d->opt.iops = iops;
    d->opt.bps = bps;
    d->ops = (struct bucket){.rate = iops};
    d->bytes = (struct bucket){.rate = bps};
}

bool drive_commit(struct blk *blk, struct err *err)
{
    struct drive *d = drive_of(blk);

    if (!d->im)
        return err_set(err, "there is no medium in the drive");
    drive_drain(d);
    return image_commit(d->im, err);
}

const char *drive_path(const struct blk *blk)
{
    return container_of(blk, const struct drive, blk)->path;
}

const struct image *drive_image(struct blk *blk)
{
    drive_drain(drive_of(blk));
    return drive_of(blk)->im;
}

const struct timer *drive_timer(const struct blk *blk)
{
    return &container_of(blk, const struct drive, blk)->timer;
}

const struct drive_options *drive_options(const struct blk *blk)
{
    return &container_of(blk, const struct drive, blk)->opt;
}
