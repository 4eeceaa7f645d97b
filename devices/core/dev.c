/* Life of devices: made, started, reset, saved, loaded and freed through their class. */
#include "devices/core/dev.h"

#include <stdlib.h>
#include <string.h>

void dev_list_init(struct dev_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

struct dev *dev_new(struct dev_list *list, const struct dev_class *cls, const char *id,
                    const struct dev_env *env)
{
    struct dev *dev = calloc(1, cls->size);
    char *name = strdup(id);

    if (!dev || !name)
        BUG("no memory for device %s", id);
    dev->cls = cls;
    dev->id = name;
    dev->env = *env;
    props_default(cls->props, dev);
    fields_reset(cls->fields, dev_saved(dev), true);
    *list->last = dev;
    list->last = &dev->next;
    return dev;
}

bool dev_start(struct dev *dev, struct err *err)
{
    return !dev->cls->init || dev->cls->init(dev, err);
}

void dev_reset(struct dev *dev)
{
    fields_reset(dev->cls->fields, dev_saved(dev), false);
    if (dev->cls->reset)
        dev->cls->reset(dev);
}

void dev_save(struct dev *dev, struct snap *snap)
{
    if (dev->cls->saving)
        dev->cls->saving(dev);
    snap_save_fields(snap, dev->cls->name, dev->id, dev->cls->version, dev->cls->fields,
                     dev_saved(dev));
}

bool dev_load(struct dev *dev, struct snap *snap, struct err *err)
{
    if (!snap_load_fields(snap, dev->cls->name, dev->id, dev->cls->version, dev->cls->fields,
                          dev_saved(dev), err))
        return false;
    if (!dev->cls->loaded || dev->cls->loaded(dev, err))
        return true;
    /* Fields that failed validation must not stay where a handler could use them. */
    fields_reset(dev->cls->fields, dev_saved(dev), true);
    dev_reset(dev);
    return false;
}

void dev_list_reset(struct dev_list *list)
{
    for (struct dev *dev = list->first; dev; dev = dev->next)
        dev_reset(dev);
}

void dev_list_free(struct dev_list *list)
{
    /* All let go of buses and of each other before any memory goes: they look at each other's regions and wires. */
    for (struct dev *dev = list->first; dev; dev = dev->next)
        if (dev->cls->free)
            dev->cls->free(dev);
    while (list->first) {
        struct dev *dev = list->first;

        list->first = dev->next;
        if (dev->env.clock)
            clock_forget(dev->env.clock, dev, dev->cls->size);
        props_free(dev->cls->props, dev);
        free((char *)dev->id);
        free(dev);
    }
    dev_list_init(list);
}

struct dev *dev_find(struct dev_list *list, const char *id)
{
    struct dev *dev = list->first;

    while (dev && strcmp(dev->id, id))
        dev = dev->next;
    return dev;
}
