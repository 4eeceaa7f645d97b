/* savevm, loadvm and delvm. Disks go together: a snapshot of some of them would be of none. */
#include "frontend/state/savevm.h"

#include "frontend/host/drive_state.h"
#include "frontend/replay/replay.h"
#include "frontend/state/vmstate.h"
#include "frontend/vm.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define UNDO "dragoman-undo"

struct disks {
    struct image *im[VM_DRIVES]; /* the first holds the machine's state */
    const char *name[VM_DRIVES];
    unsigned n, changed; /* changed: so many went to `to` */
    const char *to;
    bool undo; /* there are snapshots UNDO */
};

/* All disks that the guest can change in files. False with *err when one cannot be kept. */
static bool collect(struct vm *vm, struct disks *d, struct err *err)
{
    *d = (struct disks){0};
    if (!replay_present(vm, "a snapshot", err))
        return false;
    for (unsigned i = 0; i < VM_DRIVES; i++) {
        struct blk *blk = vm_drive(vm, i);
        struct image *im = blk && blk->inserted && !blk->read_only ? drive_medium(blk) : NULL;

        if (!im || drive_overlay(blk)) /* what is in memory is part of the machine's state */
            continue;
        if (!im->drv->vm_keep)
            return err_set(err,
                           "Drive %s ('%.200s') is of format %s, which cannot hold snapshots: "
                           "convert it to qcow2, or use 'migrate file:path'.",
                           vm_drive_name(vm, i), im->path, im->drv->name);
        d->name[d->n] = vm_drive_name(vm, i);
        d->im[d->n++] = im;
    }
    return d->n || err_set(err, "The machine has no qcow2 disk to keep a snapshot in; 'migrate "
                                "file:path' writes its state to a file.");
}

static bool has(struct image *im, const char *name, struct image_snapshot *out, struct err *err)
{
    struct image_snapshots list = {NULL, 0};
    bool found = false;

    if (!im->drv->snap_list(im, &list, err))
        return false;
    /* By name before by number, as the image does. */
    for (unsigned pass = 0; pass < 2 && !found; pass++)
        for (u32 i = 0; i < list.n && !found; i++)
            if (!strcmp(pass ? list.v[i].id : list.v[i].name, name)) {
                *out = list.v[i];
                found = true;
            }
    free(list.v);
    return found;
}

/* ---- the state inside of an image ---- */

struct inside {
    struct state_io io;
    struct image *im;
    const char *name; /* of the snapshot, for reading */
};

static int inside_write(struct state_io *io, u64 off, const void *buf, size_t n)
{
    struct inside *in = container_of(io, struct inside, io);
    int rc = in->im->drv->vm_write(in->im, off, buf, n);

    io->size = MAX(io->size, off + n);
    return rc;
}

static int inside_read(struct state_io *io, u64 off, void *buf, size_t n)
{
    struct inside *in = container_of(io, struct inside, io);

    return in->im->drv->vm_read(in->im, in->name, off, buf, n);
}

/* ---- saving ---- */

static void delete_in(struct disks *d, unsigned first, unsigned end, const char *name)
{
    for (unsigned i = first; i < end; i++)
        d->im[i]->drv->snap_delete(d->im[i], name, NULL);
}

static bool keep_all(struct vm *vm, struct disks *d, struct image_snapshot *as, struct err *err)
{
    struct inside in = {.io = {.write = inside_write, .name = d->im[0]->path}, .im = d->im[0]};
    const struct image_driver *drv = d->im[0]->drv;
    unsigned made = 1;
    bool ok = vm_state_save(vm, &in.io, sf_best_pack(), err);

    as->clock = clock_now(&vm->clock);
    as->icount = vm_counted(vm) ? cpu_icount(vm_cpu(vm)) : ~0ull;
    while (ok && made < d->n) {
        ok = d->im[made]->drv->vm_keep(d->im[made], as, err);
        made += ok;
    }
    as->vm_size = in.io.size;
    ok = ok && drv->vm_keep(d->im[0], as, err);
    drv->vm_drop(d->im[0], in.io.size);
    if (!ok)
        delete_in(d, 1, made, as->name);
    return ok;
}

bool savevm(struct vm *vm, const char *name, struct err *err)
{
    struct image_snapshot as = {.icount = ~0ull}, there;
    time_t now = time(NULL);
    struct disks d;
    bool was = vm->running, ok;
    const char *state = vm->state;
    struct tm tm;

    if (name && (!*name || strlen(name) >= sizeof(as.name)))
        return err_set(err, "A snapshot's name has 1 to 255 characters.");
    if (name)
        memcpy(as.name, name, strlen(name));
    else if (localtime_r(&now, &tm))
        strftime(as.name, sizeof(as.name), "vm-%Y%m%d%H%M%S", &tm);
    if (!collect(vm, &d, err))
        return false;
    for (unsigned i = 0; i < d.n; i++)
        if (has(d.im[i], as.name, &there, err))
            return err_set(err, "Drive %s has a snapshot '%.100s' already; 'delvm' deletes it.",
                           d.name[i], as.name);
    vm_stop(vm, state);
    ok = keep_all(vm, &d, &as, err);
    if (was)
        vm_cont(vm);
    vm->state = state;
    return ok;
}

/* ---- loading ---- */

/* Nothing is lost before the machine runs from the snapshot: the disks as they are get one, too. */
static bool change_disks(void *arg, struct err *err)
{
    struct disks *d = arg;

    for (unsigned i = 0; i < d->n; i++)
        if (!d->im[i]->drv->snap_create(d->im[i], UNDO, err)) {
            delete_in(d, 0, i, UNDO);
            return false;
        }
    d->undo = true;
    for (d->changed = 0; d->changed < d->n; d->changed++)
        if (!d->im[d->changed]->drv->snap_apply(d->im[d->changed], d->to, err)) {
            d->changed++;
            return false;
        }
    return true;
}

static void undo_disks(void *arg)
{
    struct disks *d = arg;

    for (unsigned i = 0; i < d->changed; i++)
        d->im[i]->drv->snap_apply(d->im[i], UNDO, NULL);
    d->changed = 0;
}

bool loadvm(struct vm *vm, const char *name, struct err *err)
{
    struct image_snapshot there = {.icount = 0};
    struct inside in = {.io = {.read = inside_read}};
    struct vm_state_disks change = {.change = change_disks, .undo = undo_disks};
    struct disks d;
    bool ok;

    if (!collect(vm, &d, err))
        return false;
    for (unsigned i = d.n; i-- > 0;)
        if (!has(d.im[i], name, &there, err))
            return err_set(err, "Drive %s has no snapshot '%.100s'; 'info snapshots' lists them.",
                           d.name[i], name);
    if (!there.vm_size)
        return err_set(err, "The snapshot '%.100s' is of disks only: it has no state of a machine.",
                       name);
    d.to = name;
    in.im = d.im[0];
    in.name = name;
    in.io.name = name;
    in.io.size = there.vm_size;
    change.arg = &d;
    ok = vm_state_load_with(vm, &in.io, &change, err);
    if (!ok)
        undo_disks(&d);
    if (d.undo)
        delete_in(&d, 0, d.n, UNDO);
    return ok;
}

bool delvm(struct vm *vm, const char *name, struct err *err)
{
    struct image_snapshot there;
    struct disks d;
    bool any = false;

    if (!collect(vm, &d, err))
        return false;
    /* The one with the state first: what is left of an interrupted deletion is not offered. */
    for (unsigned i = 0; i < d.n; i++) {
        if (!has(d.im[i], name, &there, NULL))
            continue;
        any = true;
        if (!d.im[i]->drv->snap_delete(d.im[i], name, err))
            return false;
    }
    return any || err_set(err, "There is no snapshot '%.100s'.", name);
}

bool listvm(struct vm *vm, struct image_snapshots *list, struct err *err)
{
    struct image_snapshot there;
    struct disks d;
    u32 n = 0;

    *list = (struct image_snapshots){NULL, 0};
    if (!collect(vm, &d, err) || !d.im[0]->drv->snap_list(d.im[0], list, err))
        return false;
    for (u32 i = 0; i < list->n; i++) {
        bool all = list->v[i].vm_size;

        for (unsigned k = 1; k < d.n; k++)
            all = all && has(d.im[k], list->v[i].name, &there, NULL);
        if (all)
            list->v[n++] = list->v[i];
    }
    list->n = n;
    return true;
}
