/* Saving and loading a machine. What is loaded is read and checked first, memory into a place of
 * its own; then the machine's own state is kept, so that devices that refuse theirs get it back. */
#include "frontend/state/vmstate.h"

#include "cpu/cpu.h"
#include "cpu/sys/cpuid.h"
#include "devices/core/hostmem.h"
#include "frontend/host/drive_state.h"
#include "frontend/net/netdev_state.h"
#include "frontend/replay/replay.h"
#include "frontend/reverse/reverse.h"
#include "frontend/state/parts.h"
#include "frontend/state/verify.h"
#include "frontend/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* MAX_MAPS: pieces of a file in memory; hosts have bounds (Linux: 65530). */
enum { PLAIN_VERSION = 1, MAX_RAMS = 64, MAX_MAPS = 16384 };

static struct ram *ram_at(const struct vm *vm, unsigned i)
{
    struct ram *ram = vm->pc->space.first;

    while (ram && i--)
        ram = ram->next;
    return ram;
}

/* ---- saving ---- */

static void put_snap(struct sf_writer *w, const char *name, const char *instance, struct snap *snap)
{
    sf_put(w, name, instance, PLAIN_VERSION, snap->data, snap->len);
    snap_free(snap);
}

/* Runs of pages that are not zero. */
static void put_ram(struct sf_writer *w, const struct ram *ram, unsigned index)
{
    char id[16];
    u64 at = 0;

    snprintf(id, sizeof(id), "%u", index);
    if (w->pages) {
        sf_pages(w, "ram", id, PLAIN_VERSION, ram->host, ram->size);
        return;
    }
    sf_extents_begin(w, "ram", id, PLAIN_VERSION);
    while (at < ram->size && !w->failed) {
        u64 end = at;

        while (end < ram->size && end - at < SF_CHUNK &&
               !image_all_zero(ram->host + end, PAGE_SIZE))
            end += PAGE_SIZE;
        if (end > at)
            sf_extent(w, at, ram->host + at, (u32)(end - at));
        at = end - at < SF_CHUNK ? end + PAGE_SIZE : end;
    }
    sf_extents_end(w);
}

static void put_overlay(struct sf_writer *w, struct image *over, const char *name)
{
    u8 *buf = malloc(SF_CHUNK);
    u64 at = 0, run;
    enum image_map kind;

    sf_extents_begin(w, "overlay", name, PLAIN_VERSION);
    while (buf && at < over->size && !image_map(over, at, over->size - at, &run, &kind)) {
        u32 n = (u32)MIN(run, (u64)SF_CHUNK);

        if (kind == MAP_DATA) {
            if (image_read(over, at, buf, n))
                break;
            sf_extent(w, at, buf, n);
            at += n;
        } else {
            at += run;
        }
    }
    if (at < over->size && !w->failed) {
        err_set(&w->err, "Cannot read what drive %s keeps in memory.", name);
        w->failed = true;
    }
    sf_extents_end(w);
    free(buf);
}

static void put_drives(struct vm *vm, struct sf_writer *w)
{
    for (unsigned i = 0; i < VM_DRIVES; i++) {
        struct blk *blk = vm_drive(vm, i);
        struct snap snap = {0};
        char id[SF_INSTANCE];

        if (!blk)
            continue;
        snprintf(id, sizeof(id), "%u", i);
        drive_save(blk, &snap);
        put_snap(w, "drive", id, &snap);
        if (drive_overlay(blk))
            put_overlay(w, drive_overlay(blk), id);
    }
}

static void put_all(struct vm *vm, struct sf_writer *w, const char *config)
{
    struct snap snap = {0};
    unsigned i = 0;

    sf_put(w, "config", "", PLAIN_VERSION, config, strlen(config));
    vm_time_save(vm, &snap);
    put_snap(w, "time", "", &snap);
    put_drives(vm, w);
    for (struct netdev *d = vm->nets_ready ? vm->nets.first : NULL; d; d = d->next) {
        netdev_save(d, &snap);
        put_snap(w, "net", d->id, &snap);
    }
    for (unsigned k = 0; pc_part_name(vm->pc, k); k++) {
        pc_save_part(vm->pc, k, &snap);
        put_snap(w, "part", pc_part_name(vm->pc, k), &snap);
    }
    vm_timers_save(vm, &snap);
    put_snap(w, "timers", "", &snap);
    for (const struct ram *ram = vm->pc->space.first; ram; ram = ram->next)
        put_ram(w, ram, i++);
}

static u64 cpu_model_hash(const struct vm *vm)
{
    return sf_hash(vm_cpu(vm)->model->name) ^ vm_cpu(vm)->feats;
}

bool vm_state_save(struct vm *vm, struct state_io *io, enum sf_pack pack, struct err *err)
{
    char *config = vm_config_text(vm);
    struct sf_header head = {.machine = "pc"};
    struct sf_writer w;
    bool was = vm->running;
    const char *state = vm->state;

    if (!config)
        return err_set(err, "No memory for a snapshot.");
    if (!replay_present(vm, "a snapshot", err)) {
        free(config);
        return false;
    }
    vm_stop(vm, state);
    head.icount = cpu_icount(vm_cpu(vm));
    head.clock = clock_now(&vm->clock);
    head.cpu_hash = cpu_model_hash(vm);
    head.config_hash = sf_hash(config);
    sf_begin(&w, io, &head, pack);
    put_all(vm, &w, config);
    free(config);
    if (was)
        vm_cont(vm);
    vm->state = state;
    return sf_end(&w, err);
}

bool vm_state_save_file(struct vm *vm, const char *path, enum sf_pack pack, struct err *err)
{
    struct state_file f;

    if (!state_file_create(&f, path, err))
        return false;
    if (vm_state_save(vm, &f.io, pack, err))
        return state_file_publish(&f, err);
    state_file_close(&f);
    return false;
}

/* ---- what is loaded, checked and not yet in the machine; or what was in it ---- */

struct staged {
    struct snap parts, timers;
    struct vm_time time;
    u64 icount;
    u8 *ram[MAX_RAMS];
    struct sf_pages pages[MAX_RAMS]; /* to be mapped; none: all is in `ram` */
    struct drive_state drive[VM_DRIVES];
    struct image *overlay[VM_DRIVES];
};

static void staged_free(struct vm *vm, struct staged *s)
{
    snap_free(&s->parts);
    snap_free(&s->timers);
    for (unsigned i = 0; i < MAX_RAMS; i++) {
        if (s->ram[i])
            host_unmap(s->ram[i], ram_at(vm, i)->size);
        sf_pages_close(&s->pages[i]);
    }
    for (unsigned i = 0; i < VM_DRIVES; i++) {
        drive_state_free(&s->drive[i]);
        image_memory_drop(s->overlay[i]);
    }
    free(s);
}

static const struct sf_section *need(struct sf_reader *r, const char *name, const char *instance,
                                     struct err *err)
{
    const struct sf_section *s = sf_find(r, name, instance);

    if (!s)
        err_set(err, "The snapshot '%.300s' is damaged: it has no section '%s'%s%s.", r->io->name,
                name, *instance ? " of " : "", instance);
    else if (s->version > PLAIN_VERSION) {
        err_set(err, "The snapshot '%.300s' has version %u of section '%s'; this program knows %u.",
                r->io->name, s->version, name, (u32)PLAIN_VERSION);
        s = NULL;
    }
    return s;
}

static bool get_plain(struct sf_reader *r, const char *name, const char *instance,
                      struct snap *snap, struct err *err)
{
    const struct sf_section *s = need(r, name, instance, err);

    return s && sf_get(r, s, snap, err);
}

static bool check_config(struct vm *vm, struct sf_reader *r, struct err *err)
{
    char *here = vm_config_text(vm);
    struct snap saved = {0};
    bool ok = false;

    if (strcmp(r->head.machine, "pc")) {
        err_set(err, "The snapshot '%.300s' is of a machine '%.31s', not 'pc'.", r->io->name,
                r->head.machine);
    } else if (!here) {
        err_set(err, "No memory for a snapshot.");
    } else if (get_plain(r, "config", "", &saved, err)) {
        snap_put(&saved, "", 1);
        ok = vm_config_same(here, (char *)saved.data, err);
        if (ok && (r->head.config_hash != sf_hash(here) || r->head.cpu_hash != cpu_model_hash(vm)))
            ok = err_set(err, "The snapshot '%.300s' is damaged: the hash of the configuration.",
                         r->io->name);
    }
    free(here);
    snap_free(&saved);
    return ok;
}

/* Memory that can be mapped is left where it is, or read now. */
static bool stage_pages(struct sf_reader *r, const struct sf_section *section, u64 size,
                        struct staged *s, unsigned i, struct err *err)
{
    struct sf_pages *p = &s->pages[i];
    bool ok = sf_pages_open(p, r, section, size, err);

    if (ok && r->io->map)
        return true;
    for (u32 k = 0; ok && k < p->n; k++)
        if (sf_pages_there(p, k))
            ok = sf_pages_read(p, r, k, s->ram[i] + (u64)k * SF_PAGES_CHUNK, err);
    sf_pages_close(p);
    return ok;
}

static bool stage_ram(struct vm *vm, struct sf_reader *r, struct staged *s, struct err *err)
{
    const struct ram *ram = vm->pc->space.first;

    for (unsigned i = 0; ram && i < MAX_RAMS; ram = ram->next, i++) {
        const struct sf_section *section;
        char id[16];

        snprintf(id, sizeof(id), "%u", i);
        section = need(r, "ram", id, err);
        if (!section)
            return false;
        s->ram[i] = host_map(NULL, ram->size, HOST_PAGE_MAX, HOST_RW);
        if (!s->ram[i])
            return err_set(err, "The host has no memory for what the snapshot holds.");
        host_huge(s->ram[i], ram->size, true);
        if (!(section->flags == SF_PAGES
                  ? stage_pages(r, section, ram->size, s, i, err)
                  : sf_get_extents(r, section, ram->size, s->ram[i], NULL, NULL, err)))
            return false;
    }
    return !ram || err_set(err, "The machine has more memories than a snapshot can hold.");
}

static bool take_overlay(void *arg, u64 off, const u8 *data, u32 n, struct err *err)
{
    return !image_write(arg, off, data, n) ||
           err_set(err, "No memory for what the snapshot holds.");
}

static bool stage_drive(struct vm *vm, struct sf_reader *r, struct staged *s, unsigned i,
                        struct err *err)
{
    struct blk *blk = vm_drive(vm, i);
    const struct sf_section *section;
    struct snap snap = {0};
    char id[16];
    bool ok;

    snprintf(id, sizeof(id), "%u", i);
    if (!get_plain(r, "drive", id, &snap, err))
        return false;
    ok = drive_state_read(&s->drive[i], blk, vm_drive_name(vm, i), &snap, err);
    snap_free(&snap);
    if (!ok || !s->drive[i].overlay)
        return ok;
    if (!drive_overlay(blk))
        return err_set(err,
                       "The snapshot has what drive %s wrote to memory: start with snapshot=on "
                       "for it.",
                       vm_drive_name(vm, i));
    section = need(r, "overlay", id, err);
    if (!section)
        return false;
    s->overlay[i] = image_memory_over(drive_overlay(blk)->backing);
    if (!s->overlay[i])
        return err_set(err, "No memory for what the snapshot holds.");
    return sf_get_extents(r, section, s->overlay[i]->size, NULL, take_overlay, s->overlay[i], err);
}

static bool stage(struct vm *vm, struct sf_reader *r, struct staged *s, struct err *err)
{
    struct snap time = {0};
    bool ok;

    if (!check_config(vm, r, err) || !get_plain(r, "time", "", &time, err))
        return false;
    ok = vm_time_read(&s->time, &time, err);
    snap_free(&time);
    s->icount = r->head.icount;
    if (!ok || !get_plain(r, "timers", "", &s->timers, err) || !vm_timers_check(&s->timers, err))
        return false;
    for (u32 i = 0; i < r->n; i++)
        if (!strcmp(r->section[i].name, "part") && !sf_get(r, &r->section[i], &s->parts, err))
            return false;
    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (vm_drive(vm, i) && !stage_drive(vm, r, s, i, err))
            return false;
    return stage_ram(vm, r, s, err);
}

/* The machine as it is, but for memory and overlays, which are exchanged. */
static bool keep(struct vm *vm, struct staged *s, struct err *err)
{
    struct snap time = {0};
    bool ok;

    vm_time_save(vm, &time);
    ok = vm_time_read(&s->time, &time, err);
    snap_free(&time);
    s->icount = cpu_icount(vm_cpu(vm));
    vm_timers_save(vm, &s->timers);
    for (unsigned i = 0; ok && i < VM_DRIVES; i++) {
        struct snap snap = {0};

        if (!vm_drive(vm, i))
            continue;
        drive_save(vm_drive(vm, i), &snap);
        ok = drive_state_read(&s->drive[i], vm_drive(vm, i), vm_drive_name(vm, i), &snap, err);
        snap_free(&snap);
    }
    for (unsigned i = 0; pc_part_name(vm->pc, i); i++)
        pc_save_part(vm->pc, i, &s->parts);
    return ok;
}

/* Memory and overlays of `s` and of the machine change places. */
static void exchange(struct vm *vm, struct staged *s)
{
    for (unsigned i = 0; i < MAX_RAMS && s->ram[i]; i++)
        ram_exchange(ram_at(vm, i), s->ram[i]);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (s->overlay[i])
            s->overlay[i] = drive_swap_overlay(vm_drive(vm, i), s->overlay[i]);
}

/* Runs of chunks that are there are mapped where memory is zero so far; what the host does not map is
 * read and checked. */
static bool map_ram(struct ram *ram, struct sf_reader *r, const struct sf_pages *p, unsigned *maps,
                    struct err *err)
{
    for (u32 k = 0, end; k < p->n; k = end) {
        u64 off = (u64)k * SF_PAGES_CHUNK, last;

        end = k + 1;
        if (!sf_pages_there(p, k))
            continue;
        while (end < p->n && sf_pages_there(p, end))
            end++;
        last = MIN((u64)end * SF_PAGES_CHUNK, p->size);
        if (*maps < MAX_MAPS && r->io->map(r->io, p->at + off, ram->host + off, last - off)) {
            ram->pieces = true;
            ++*maps;
            continue;
        }
        for (; k < end; k++)
            if (!sf_pages_read(p, r, k, ram->host + (u64)k * SF_PAGES_CHUNK, err))
                return false;
    }
    return true;
}

static bool map_in(struct vm *vm, struct sf_reader *r, struct staged *s, struct err *err)
{
    unsigned maps = 0;

    for (unsigned i = 0; i < MAX_RAMS; i++)
        if (s->pages[i].table && !map_ram(ram_at(vm, i), r, &s->pages[i], &maps, err))
            return false;
    return true;
}

/* Memory that was to be mapped is zero again, and of one piece. */
static void map_out(struct vm *vm, struct staged *s)
{
    for (unsigned i = 0; i < MAX_RAMS; i++) {
        struct ram *ram = s->pages[i].table ? ram_at(vm, i) : NULL;

        if (!ram)
            continue;
        host_renew(ram->host, ram->size);
        ram->pieces = false;
    }
}

static bool put_in(struct vm *vm, struct staged *s, struct err *err)
{
    bool ok;

    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (vm_drive(vm, i))
            drive_state_put(vm_drive(vm, i), &s->drive[i]);
    vm_time_put(vm, &s->time, s->icount);
    s->parts.pos = 0;
    ok = pc_load(vm->pc, &s->parts, err);
    if (ok && cpu_icount(vm_cpu(vm)) != s->icount)
        ok = err_set(err, "The snapshot is damaged: the number of instructions.");
    if (ok)
        vm_timers_put(vm, &s->timers);
    return ok;
}

static bool commit(struct vm *vm, struct sf_reader *r, struct staged *s,
                   const struct vm_state_disks *disks, struct err *err)
{
    struct staged *old = calloc(1, sizeof(*old));
    struct err again;
    bool ok = old && keep(vm, old, err);

    if (!old)
        return err_set(err, "No memory for a snapshot.");
    if (ok && disks)
        ok = disks->change(disks->arg, err);
    if (ok) {
        exchange(vm, s);
        ok = map_in(vm, r, s, err) && put_in(vm, s, err);
        if (!ok) {
            if (disks)
                disks->undo(disks->arg);
            map_out(vm, s);
            exchange(vm, s);
            if (!put_in(vm, old, &again))
                BUG("the machine does not take back its own state: %s", again.msg);
        }
        for (unsigned i = 0; i < VM_DRIVES; i++)
            if (vm_drive(vm, i))
                drive_state_settle(vm_drive(vm, i));
    }
    for (struct netdev *d = ok && vm->nets_ready ? vm->nets.first : NULL; d; d = d->next) {
        struct snap snap = {0};
        const struct sf_section *section = sf_find(r, "net", d->id);

        /* Frames that wait are no part of the machine: what is damaged is lost on the way. */
        if (section && sf_get(r, section, &snap, NULL))
            netdev_load(d, &snap);
        snap_free(&snap);
    }
    staged_free(vm, old);
    return ok;
}

bool vm_state_load(struct vm *vm, struct state_io *io, struct err *err)
{
    return vm_state_load_with(vm, io, NULL, err);
}

bool vm_state_load_with(struct vm *vm, struct state_io *io, const struct vm_state_disks *disks,
                        struct err *err)
{
    struct staged *s = calloc(1, sizeof(*s));
    struct sf_reader r;
    bool was = vm->running, ok = false;
    const char *state = vm->state;

    if (!s)
        return err_set(err, "No memory for a snapshot.");
    if (!replay_present(vm, "a snapshot", err)) {
        free(s);
        return false;
    }
    vm_stop(vm, state);
    if (sf_open(&r, io, err)) {
        ok = stage(vm, &r, s, err) && commit(vm, &r, s, disks, err);
        sf_close(&r);
    }
    ok = ok && replay_loaded(vm, s->time.log, err);
    staged_free(vm, s);
    if (ok) {
        verify_end(vm);
        vm_state_loaded(vm);
        reverse_forget(vm);
    }
    if (was)
        vm_cont(vm);
    vm->state = state;
    return ok;
}

bool vm_state_load_file(struct vm *vm, const char *path, struct err *err)
{
    struct state_file f;
    bool ok;

    if (!state_file_open(&f, path, err))
        return false;
    ok = vm_state_load(vm, &f.io, err);
    state_file_close(&f);
    return ok;
}

bool vm_state_map_file(struct vm *vm, const char *path, struct err *err)
{
    struct state_file f;

    if (!state_file_open(&f, path, err))
        return false;
    state_file_allow_map(&f);
    if (vm_state_load(vm, &f.io, err) && verify_start(vm, &f, err))
        return true;
    state_file_close(&f);
    return false;
}
