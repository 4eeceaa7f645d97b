/* Events: the list of listeners, and what is found by looking rather than by being told. */
#include "frontend/event.h"

#include "frontend/vm.h"

const struct event_row event_rows[VM_EVENT__COUNT] = {
#define EVENT(id, name, fields) {name, fields},
#include "frontend/event.def"
#undef EVENT
};

void vm_listen(struct vm *vm, struct event_sink *sink)
{
    sink->next = vm->sinks;
    vm->sinks = sink;
}

void vm_unlisten(struct vm *vm, struct event_sink *sink)
{
    for (struct event_sink **p = &vm->sinks; *p; p = &(*p)->next) {
        if (*p == sink) {
            *p = sink->next;
            return;
        }
    }
}

void vm_event(struct vm *vm, enum vm_event_id id, const struct event_field *fields)
{
    static const struct event_field none = EVENT_END;

    for (struct event_sink *s = vm->sinks; s; s = s->next)
        s->tell(s->arg, id, fields ? fields : &none);
}

/* ---- looking ---- */

static struct vm_watch now(struct vm *vm)
{
    struct vm_watch w = {.known = true, .bites = vm->pc->watchdog_bites};
    struct balloon_info info;

    for (unsigned i = 0; i < VM_DRIVES; i++) {
        const struct blk *blk = vm_drive(vm, i);

        if (blk && blk->tray_open)
            w.trays |= BIT64(i);
    }
    if (vm->pc->balloon.set) {
        vm->pc->balloon.info(vm->pc->balloon.dev, &info);
        w.balloon = info.actual;
    }
    w.rtc_offset = pc_rtc_offset(vm->pc);
    return w;
}

static void tell_tray(struct vm *vm, unsigned i, bool open)
{
    vm_event(vm, VM_EVENT_DEVICE_TRAY_MOVED,
             (struct event_field[]){{"device", EVENT_STR, 0, vm_drive_name(vm, i)},
                                    {"id", EVENT_STR, 0, vm_drive_name(vm, i)},
                                    {"tray-open", EVENT_BOOL, open, NULL},
                                    EVENT_END});
}

void vm_look(struct vm *vm)
{
    struct vm_watch w, *old = &vm->watch;

    if (!vm->pc || !vm->sinks) {
        old->known = false;
        return;
    }
    w = now(vm);
    if (old->known) {
        for (unsigned i = 0; i < VM_DRIVES; i++) {
            if ((w.trays ^ old->trays) >> i & 1)
                tell_tray(vm, i, w.trays >> i & 1);
        }
        if (w.balloon != old->balloon)
            vm_event(
                vm, VM_EVENT_BALLOON_CHANGE,
                (struct event_field[]){{"actual", EVENT_INT, (s64)w.balloon, NULL}, EVENT_END});
        if (w.rtc_offset != old->rtc_offset)
            vm_event(vm, VM_EVENT_RTC_CHANGE,
                     (struct event_field[]){{"offset", EVENT_INT, w.rtc_offset, NULL},
                                            {"qom-path", EVENT_STR, 0, "/machine/rtc"},
                                            EVENT_END});
        if (w.bites != old->bites)
            vm_event(vm, VM_EVENT_WATCHDOG,
                     (struct event_field[]){
                         {"action", EVENT_STR, 0, opts_watchdog_names[vm->pc->cfg.watchdog]},
                         EVENT_END});
    }
    *old = w;
}
