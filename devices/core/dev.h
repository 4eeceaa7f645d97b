/* A device: a const class with its field table, and an instance that a board creates and wires. */
#ifndef DEVICES_CORE_DEV_H
#define DEVICES_CORE_DEV_H

#include "devices/core/types.h"
#include "devices/core/err.h"
#include "devices/core/field.h"
#include "devices/core/clock.h"
#include "devices/core/irq.h"
#include "devices/core/log.h"
#include "devices/core/prop.h"
#include "devices/core/snap.h"

struct bus;
struct dev;

/* What every device is given: the machine's buses, clock and log. */
struct dev_env {
    struct bus *mem, *io;
    struct clock *clock;
    struct log *log;
};

struct dev_class {
    const char *name, *help;
    size_t size;                 /* of the instance struct, whose first member is struct dev */
    size_t saved_at, saved_size; /* the saved struct inside it */
    u32 version;
    const struct field *fields;
    const struct prop *props; /* may be NULL; offsets into the instance */
    /* claim regions, init timers; props are set, wires connected later */
    bool (*init)(struct dev *dev, struct err *err);
    /* after the fields got their reset values; may be NULL */
    void (*reset)(struct dev *dev);
    /* bring saved fields up to date (timers to fields); may be NULL */
    void (*saving)(struct dev *dev);
    /* validate untrusted fields, re-arm timers, recompute lines */
    bool (*loaded)(struct dev *dev, struct err *err);
    void (*free)(struct dev *dev); /* may be NULL */
};

struct dev {
    const struct dev_class *cls;
    const char *id; /* unique in the machine; owned by the device list */
    struct dev_env env;
    struct dev *next;
};

/* All devices of one machine in creation order. */
struct dev_list {
    struct dev *first, **last;
};

void dev_list_init(struct dev_list *list);
/* Allocate (zeroed), set props to defaults, fields to power-on values, and append; call dev_start
 * when props are set. */
struct dev *dev_new(struct dev_list *list, const struct dev_class *cls, const char *id,
                    const struct dev_env *env);
bool dev_start(struct dev *dev, struct err *err); /* runs class init */
/* fields to reset values, then the class's reset */
void dev_reset(struct dev *dev);
void dev_save(struct dev *dev, struct snap *snap);
bool dev_load(struct dev *dev, struct snap *snap, struct err *err);
void dev_list_reset(struct dev_list *list);
/* The devices' timers are cancelled; their regions stay on the buses, which go with them. */
void dev_list_free(struct dev_list *list);
struct dev *dev_find(struct dev_list *list, const char *id);
static inline void *dev_saved(struct dev *dev)
{
    return (char *)dev + dev->cls->saved_at;
}

#endif
