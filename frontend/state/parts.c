/* The smaller parts of a machine's state: how it is built, its time, the order of its timers. */
#define _GNU_SOURCE
#include "frontend/state/parts.h"

#include "cpu/sys/cpuid.h"
#include "frontend/host/drive.h"
#include "frontend/replay/replay.h"
#include "frontend/vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- how it is built ---- */

char *vm_config_text(const struct vm *vm)
{
    const struct cpu *cpu = vm->pc->cpu[0];
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    unsigned i = 0;

    if (!f)
        return NULL;
    fprintf(f, "processors: %u of model %s with features %016llx\n", vm->pc->ncpus,
            cpu->model->name, (unsigned long long)cpu->feats);
    for (const struct ram *ram = vm->pc->space.first; ram; ram = ram->next)
        fprintf(f, "memory %u: %llu bytes\n", i++, (unsigned long long)ram->size);
    for (const struct dev *dev = vm->pc->devs.first; dev; dev = dev->next)
        fprintf(f, "device %s: %s\n", dev->id, dev->cls->name);
    fclose(f);
    return text;
}

bool vm_config_same(const char *here, const char *saved, struct err *err)
{
    while (*here || *saved) {
        size_t n = strcspn(here, "\n"), k = strcspn(saved, "\n");

        if (n != k || memcmp(here, saved, n))
            return err_set(
                err,
                "The snapshot is of another machine: it has '%.*s', this one has '%.*s'; "
                "start with the options that it was made with.",
                (int)MIN(k, (size_t)120), k ? saved : "nothing more", (int)MIN(n, (size_t)120),
                n ? here : "nothing more");
        here += n + (here[n] != 0);
        saved += k + (saved[k] != 0);
    }
    return true;
}

/* ---- time ---- */

#define FIELDS_OF struct vm_time
static const struct field time_rows[] = {
    F(clock, FT_U64, 0, "virtual time"),
    FA(key_when, FT_U64, 0, "keys to be pressed: when"),
    FA(key_code, FT_U16, 0, "which"),
    FA(key_down, FT_U8, 0, "down or up"),
    F(nkeys, FT_U32, 0, "how many"),
    F(buttons, FT_U32, 0, "mouse buttons that the monitor holds"),
    FA(log, FT_U64, 0, "place in the log of a recorded run"),
    FIELDS_END,
};
#undef FIELDS_OF

_Static_assert(VM_KEYS == 128, "as many as struct vm_time has");

void vm_time_take(struct vm *vm, struct vm_time *t)
{
    *t = (struct vm_time){
        .clock = clock_now(&vm->clock), .nkeys = vm->nkeys, .buttons = vm->mouse_buttons};
    for (unsigned i = 0; i < vm->nkeys; i++) {
        t->key_when[i] = vm->keys[i].when;
        t->key_code[i] = vm->keys[i].code;
        t->key_down[i] = vm->keys[i].down;
    }
}

void vm_time_save(struct vm *vm, struct snap *snap)
{
    struct vm_time t;

    vm_time_take(vm, &t);
    replay_saved(vm, t.log);
    snap_save_fields(snap, "time", "vm", 1, time_rows, &t);
}

bool vm_time_read(struct vm_time *t, struct snap *snap, struct err *err)
{
    if (!snap_load_fields(snap, "time", "vm", 1, time_rows, t, err))
        return false;
    return (t->nkeys <= VM_KEYS && t->clock >> 62 == 0) ||
           err_set(err, "The snapshot is damaged: %s.",
                   t->nkeys > VM_KEYS ? "the number of keys" : "the time");
}

void vm_time_put(struct vm *vm, const struct vm_time *t, u64 icount)
{
    vm->mouse_buttons = t->buttons;
    vm->nkeys = t->nkeys;
    for (unsigned i = 0; i < vm->nkeys; i++)
        vm->keys[i] = (struct vm_key){t->key_when[i], t->key_code[i], t->key_down[i]};
    vm_set_clock(vm, t->clock, icount);
    timer_set(&vm->key_timer, vm->nkeys ? vm->keys[0].when : CLOCK_NEVER);
}

/* ---- timers ---- */

enum { OWNER = 64, MAX_TIMERS = 4096 };

static bool inside(const struct timer *t, const void *mem, size_t size)
{
    return (uintptr_t)t - (uintptr_t)mem < size;
}

/* Whose timer it is, "" when it is of no part of the machine. */
static void owner_of(const struct vm *vm, const struct timer *t, char out[OWNER])
{
    out[0] = 0;
    for (const struct dev *dev = vm->pc->devs.first; dev; dev = dev->next)
        if (inside(t, dev, dev->cls->size)) {
            snprintf(out, OWNER, "%s", dev->id);
            return;
        }
    for (unsigned i = 0; i < VM_DRIVES; i++)
        if (vm_drive(vm, i) && drive_timer(vm_drive(vm, i)) == t)
            snprintf(out, OWNER, "drive %s", vm_drive_name(vm, i));
    if (t == &vm->key_timer)
        snprintf(out, OWNER, "vm");
}

static int by_turn(const void *a, const void *b)
{
    const struct timer *x = *(struct timer *const *)a, *y = *(struct timer *const *)b;

    if (x->when != y->when)
        return x->when < y->when ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* All that are set, in the order in which they fire; malloc. */
static struct timer **in_turn(const struct vm *vm)
{
    u32 n = vm->clock.n;
    struct timer **t = calloc(n + 1, sizeof(*t));

    if (!t)
        return NULL;
    if (n)
        memcpy(t, vm->clock.heap + 1, n * sizeof(*t));
    qsort(t, n, sizeof(*t), by_turn);
    return t;
}

static void put_text(struct snap *snap, const char *text)
{
    char room[OWNER] = {0};

    snprintf(room, sizeof(room), "%s", text);
    snap_put(snap, room, sizeof(room));
}

void vm_timers_save(struct vm *vm, struct snap *snap)
{
    struct timer **t = in_turn(vm);
    char owner[OWNER];

    for (u32 i = 0; t && i < vm->clock.n; i++) {
        owner_of(vm, t[i], owner);
        if (!owner[0])
            continue;
        put_text(snap, owner);
        put_text(snap, t[i]->name);
        snap_put_u64(snap, t[i]->when);
    }
    free(t);
}

enum { ROW = 2 * OWNER + 8 };

bool vm_timers_check(struct snap *snap, struct err *err)
{
    return (snap->len % ROW == 0 && snap->len / ROW <= MAX_TIMERS) ||
           err_set(err, "The snapshot is damaged: the length of the list of timers.");
}

/* The state of the devices says which timers run; the list, when and in which turn. */
void vm_timers_put(struct vm *vm, struct snap *snap)
{
    u32 n = vm->clock.n;
    struct timer **t = in_turn(vm);

    for (size_t at = 0; t && at + ROW <= snap->len; at += ROW) {
        const char *owner = (const char *)snap->data + at, *name = owner + OWNER;
        char own[OWNER];

        for (u32 i = 0; i < n; i++) {
            if (!t[i] || strncmp(t[i]->name, name, OWNER))
                continue;
            owner_of(vm, t[i], own);
            if (strncmp(own, owner, OWNER))
                continue;
            timer_set(t[i], ld64(snap->data + at + 2 * OWNER));
            t[i] = NULL;
            break;
        }
    }
    free(t);
}
