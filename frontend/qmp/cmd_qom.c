/* The machine as a tree of objects: devices under their kinds, their saved fields as properties. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "cpu/sys/cpuid.h"
#include "devices/core/plug.h"

#include <string.h>

/* ---- kinds ---- */

static void add_kind(json_t *list, const char *name, const char *parent)
{
    json_array_append_new(list, json_pack("{s:s,s:s}", "name", name, "parent", parent));
}

json_t *qmp_QOM_LIST_TYPES(struct qmp_session *s, json_t *args)
{
    const char *kind = qmp_string(args, "implements");
    bool all = !kind || !strcmp(kind, "object");
    json_t *list = json_array();

    if (all || !strcmp(kind, "accel"))
        add_kind(list, "tcg-accel", "accel");
    if (all || !strcmp(kind, "machine"))
        add_kind(list, QMP_MACHINE "-machine", "machine");
    if (all || !strcmp(kind, "device")) {
        for (const struct plug_class *c = pc_addon_classes; c->driver; c++)
            add_kind(list, c->driver, "device");
        for (unsigned i = 0; i < OPT_OWN_DEVICES; i++)
            add_kind(list, opts_own_devices[i], "device");
    }
    if (all || !strcmp(kind, "cpu")) {
#define MODEL(name, vendor, family, model, stepping, phys, brand, feats)                           \
    add_kind(list, name "-cpu", "cpu");
#include "cpu/sys/models.def"
#undef MODEL
    }
    return list;
}

static const char *prop_kind(u8 type)
{
    switch (type) {
    case PT_U32: return "uint32";
    case PT_U64: return "uint64";
    case PT_BOOL: return "bool";
    }
    return "str";
}

json_t *qmp_DEVICE_LIST_PROPERTIES(struct qmp_session *s, json_t *args)
{
    const struct plug_class *c = pc_addon_class(qmp_string(args, "typename"));
    json_t *list = json_array();

    if (!c) {
        json_decref(list);
        return qmp_fail_as(s, "DeviceNotFound", "Device '%.80s' not found",
                           qmp_string(args, "typename"));
    }
    for (const struct prop *p = c->cls->props; p && p->type != PT_END; p++)
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s}", "name", p->name, "type",
                                        prop_kind(p->type), "description", p->help ? p->help : ""));
    return list;
}

/* Only devices have any. Clients ask about kinds they know of themselves, and one of them takes an
 * error for a list: what is not there has no properties, either. */
json_t *qmp_QOM_LIST_PROPERTIES(struct qmp_session *s, json_t *args)
{
    if (pc_addon_class(qmp_string(args, "typename")))
        return qmp_DEVICE_LIST_PROPERTIES(s, args);
    return json_array();
}

/* ---- the tree ---- */

/* The name that -device has for the kind, when it has one. */
static const char *kind_of(const struct dev *dev)
{
    for (const struct plug_class *c = pc_addon_classes; c->driver; c++) {
        if (c->cls == dev->cls)
            return c->driver;
    }
    return dev->cls->name;
}

/* Is the device one that -device named with an id? Those are peripherals. */
static bool has_id(const struct vm *vm, const struct dev *dev)
{
    for (unsigned i = 0; i < vm->opt->naddons; i++) {
        if (vm->opt->addons[i].id[0] && !strcmp(vm->opt->addons[i].id, dev->id))
            return true;
    }
    return false;
}

/* The device at the end of a path: "/machine/peripheral/ID", "/machine/unattached/ID" or
 * "/machine/ID". */
static struct dev *find(struct vm *vm, const char *path)
{
    static const char *const folders[] = {"/machine/peripheral/", "/machine/unattached/",
                                          "/machine/"};

    for (unsigned i = 0; vm->pc && i < ARRAY_LEN(folders); i++) {
        size_t n = strlen(folders[i]);

        if (!strncmp(path, folders[i], n))
            return dev_find(&vm->pc->devs, path + n);
    }
    return NULL;
}

static void add_property(json_t *list, const char *name, const char *type)
{
    json_array_append_new(list, json_pack("{s:o,s:s}", "name", qmp_text(name), "type", type));
}

static void add_child(json_t *list, const char *name, const char *kind)
{
    json_t *type = json_sprintf("child<%s>", kind);

    json_array_append_new(list, json_pack("{s:o,s:o}", "name", qmp_text(name), "type", type));
}

static const char *cpu_kind(const struct vm *vm, char *buf, size_t size)
{
    snprintf(buf, size, "%s-cpu", vm_cpu(vm)->model->name);
    return buf;
}

/* Does the path name a processor of the machine? */
static bool is_cpu(const struct vm *vm, const char *path)
{
    char name[64];

    for (unsigned i = 0; vm->pc && i < vm->pc->ncpus; i++) {
        snprintf(name, sizeof(name), "/machine/unattached/cpu%u", i);
        if (!strcmp(path, name))
            return true;
    }
    return false;
}

static json_t *list_devices(struct vm *vm, bool peripherals)
{
    json_t *list = json_array();
    char name[32], kind[64];

    add_property(list, "type", "string");
    for (unsigned i = 0; vm->pc && !peripherals && i < vm->pc->ncpus; i++) {
        snprintf(name, sizeof(name), "cpu%u", i);
        add_child(list, name, cpu_kind(vm, kind, sizeof(kind)));
    }
    for (const struct dev *d = vm->pc ? vm->pc->devs.first : NULL; d; d = d->next) {
        if (has_id(vm, d) == peripherals)
            add_child(list, d->id, kind_of(d));
    }
    return list;
}

json_t *qmp_QOM_LIST(struct qmp_session *s, json_t *args)
{
    const char *path = qmp_string(args, "path");
    struct dev *dev = find(s->vm, path);
    json_t *list;

    if (!strcmp(path, "/machine/peripheral"))
        return list_devices(s->vm, true);
    if (!strcmp(path, "/machine/unattached"))
        return list_devices(s->vm, false);
    list = json_array();
    add_property(list, "type", "string");
    if (!strcmp(path, "/")) {
        add_child(list, "machine", QMP_MACHINE "-machine");
    } else if (!strcmp(path, "/machine")) {
        add_child(list, "peripheral", "container");
        add_child(list, "unattached", "container");
    } else if (dev) {
        for (const struct field *f = dev->cls->fields; f && f->type != FT_END; f++)
            add_property(list, f->name, f->count > 1 ? "list" : "int");
    } else if (!is_cpu(s->vm, path)) {
        json_decref(list);
        return qmp_fail_as(s, "DeviceNotFound", "Device '%.80s' not found", path);
    }
    return list;
}

static json_t *field_values(struct dev *dev, const struct field *f)
{
    json_t *list = json_array();

    if (f->count == 1) {
        json_decref(list);
        return json_integer((json_int_t)field_get(f, dev_saved(dev), 0));
    }
    for (u32 i = 0; i < MIN(f->count, 4096u); i++)
        json_array_append_new(list, json_integer((json_int_t)field_get(f, dev_saved(dev), i)));
    return list;
}

json_t *qmp_QOM_GET(struct qmp_session *s, json_t *args)
{
    const char *path = qmp_string(args, "path"), *name = qmp_string(args, "property");
    struct dev *dev = find(s->vm, path);
    bool is_type = !strcmp(name, "type");
    char kind[64];

    if (!strcmp(path, "/machine") && is_type)
        return json_string(s->vm->pc ? QMP_MACHINE "-machine" : "none-machine");
    if ((!strcmp(path, "/") || !strcmp(path, "/machine/peripheral") ||
         !strcmp(path, "/machine/unattached")) &&
        is_type)
        return json_string("container");
    if (is_type && is_cpu(s->vm, path))
        return json_string(cpu_kind(s->vm, kind, sizeof(kind)));
    if (!dev)
        return qmp_fail_as(s, "DeviceNotFound", "Device '%.80s' not found", path);
    if (is_type)
        return json_string(kind_of(dev));
    for (const struct field *f = dev->cls->fields; f && f->type != FT_END; f++) {
        if (!strcmp(f->name, name))
            return field_values(dev, f);
    }
    return qmp_fail(s, "Property '%.60s.%.60s' not found", kind_of(dev), name);
}
#endif
