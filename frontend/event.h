/* What happens to the machine, told to whoever asked for it. Devices and commands know nothing of
 * those who listen. */
#ifndef FRONTEND_EVENT_H
#define FRONTEND_EVENT_H

#include "devices/core/types.h"

struct vm;

enum vm_event_id {
#define EVENT(id, name, fields) VM_EVENT_##id,
#include "frontend/event.def"
#undef EVENT
    VM_EVENT__COUNT
};

struct event_row {
    const char *name, *fields;
};
extern const struct event_row event_rows[VM_EVENT__COUNT];

/* A fact about an event. "part.key" is `key` of the object `part`. A row without a key ends them.
 */
struct event_field {
    const char *key;
    enum { EVENT_INT, EVENT_BOOL, EVENT_STR } type;
    s64 i;
    const char *s;
};

#define EVENT_END                                                                                  \
    {                                                                                              \
        NULL, EVENT_INT, 0, NULL                                                                   \
    }

/* One that listens; owned by the listener and in place until taken out. It is called on the
 * machine's thread and must not change the machine. */
struct event_sink {
    void (*tell)(void *arg, enum vm_event_id id, const struct event_field *fields);
    void *arg;
    struct event_sink *next;
};

void vm_listen(struct vm *vm, struct event_sink *sink);
void vm_unlisten(struct vm *vm, struct event_sink *sink); /* no-op when it does not listen */
/* It happened. `fields` NULL: there is nothing to say about it. */
void vm_event(struct vm *vm, enum vm_event_id id, const struct event_field *fields);

/* What is looked at between two runs of the processor, so that devices need not tell. */
struct vm_watch {
    bool known; /* the rest is what was seen last */
    u64 trays;  /* a bit per drive: its tray is open */
    u64 balloon;
    s64 rtc_offset;
    u32 bites;
};
/* Tell what changed since the last call, when anybody listens. Cheap. */
void vm_look(struct vm *vm);

#endif
