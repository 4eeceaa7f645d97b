/* Commands that say what there is: the program, the machine, its processors and host ends. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "cpu/sys/cpuid.h"
#include "devices/bus/pci.h"
#include "devices/core/bits.h"
#include "frontend/vnc/vnc.h"

#include <string.h>

/* ---- program ---- */

json_t *qmp_QUERY_NAME(struct qmp_session *s, json_t *args)
{
    const char *name = s->vm->opt->name;

    return name[0] ? json_pack("{s:o}", "name", qmp_text(name)) : json_object();
}

json_t *qmp_QUERY_UUID(struct qmp_session *s, json_t *args)
{
    const u8 *u = s->vm->opt->uuid;
    char text[40];

    snprintf(text, sizeof(text),
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
    return json_pack("{s:s}", "UUID", text);
}

json_t *qmp_QUERY_TARGET(struct qmp_session *s, json_t *args)
{
    return json_pack("{s:s}", "arch", "x86_64");
}

json_t *qmp_QUERY_KVM(struct qmp_session *s, json_t *args)
{
    return json_pack("{s:b,s:b}", "enabled", 0, "present", 0);
}

json_t *qmp_QUERY_MACHINES(struct qmp_session *s, json_t *args)
{
    return json_pack("[{s:s,s:s,s:b,s:i,s:b,s:b,s:b,s:s},{s:s,s:i,s:b,s:b,s:b}]", "name",
                     QMP_MACHINE, "alias", "pc", "is-default", 1, "cpu-max", 1, "hotpluggable-cpus",
                     0, "numa-mem-supported", 0, "deprecated", 0, "default-cpu-type",
                     CPU_DEFAULT_MODEL "-cpu", "name", "none", "cpu-max", 1, "hotpluggable-cpus", 0,
                     "numa-mem-supported", 0, "deprecated", 0);
}

json_t *qmp_QUERY_CPU_DEFINITIONS(struct qmp_session *s, json_t *args)
{
    json_t *list = json_array();

#define MODEL(name, vendor, family, model, stepping, phys, brand, feats)                           \
    json_array_append_new(list, json_pack("{s:s,s:s,s:b,s:b,s:b,s:[]}", "name", name, "typename",  \
                                          name "-cpu", "static", 1, "migration-safe", 1,           \
                                          "deprecated", 0, "unavailable-features"));
#include "cpu/sys/models.def"
#undef MODEL
    return list;
}

/* There are none: a machine's state goes by files of its own. */
json_t *qmp_QUERY_MIGRATE_CAPABILITIES(struct qmp_session *s, json_t *args)
{
    return json_array();
}

/* Disks have a pool of threads that nobody can name. */
json_t *qmp_QUERY_IOTHREADS(struct qmp_session *s, json_t *args)
{
    return json_array();
}

/* ---- run state ---- */

/* The protocol's word for the state that people are told. */
static const char *status(const struct vm *vm)
{
    static const struct {
        const char *ours, *theirs;
    } names[] = {{"running", "running"},
                 {"prelaunch", "prelaunch"},
                 {"shutdown", "shutdown"},
                 {"paused (watchdog)", "watchdog"},
                 {"paused (debug)", "debug"},
                 {"paused (io-error)", "io-error"},
                 {"paused (internal-error)", "internal-error"}};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (!strcmp(vm->state, names[i].ours))
            return names[i].theirs;
    }
    return "paused";
}

json_t *qmp_QUERY_STATUS(struct qmp_session *s, json_t *args)
{
    return json_pack("{s:b,s:b,s:s}", "running", s->vm->running, "singlestep", 0, "status",
                     status(s->vm));
}

json_t *qmp_QUERY_CPUS_FAST(struct qmp_session *s, json_t *args)
{
    json_t *list = json_array();
    char path[64];

    for (unsigned i = 0; i < s->vm->pc->ncpus; i++) {
        snprintf(path, sizeof(path), "/machine/unattached/cpu%u", i);
        json_array_append_new(
            list, json_pack("{s:i,s:s,s:I,s:s,s:{s:i,s:i,s:i}}", "cpu-index", (int)i, "qom-path",
                            path, "thread-id", (json_int_t)s->vm->thread, "target", "x86_64",
                            "props", "core-id", 0, "thread-id", 0, "socket-id", (int)i));
    }
    return list;
}

json_t *qmp_QUERY_BALLOON(struct qmp_session *s, json_t *args)
{
    const struct balloon_sink *b = &s->vm->pc->balloon;
    struct balloon_info info;

    if (!b->set)
        return qmp_fail_as(s, "DeviceNotActive", "No balloon device has been activated");
    b->info(b->dev, &info);
    return json_pack("{s:I}", "actual", (json_int_t)info.actual);
}

json_t *qmp_QUERY_MICE(struct qmp_session *s, json_t *args)
{
    const struct pc *pc = s->vm->pc;
    bool tablet = pointer_absolute(&s->vm->pointer);
    json_t *list = json_array();

    if (pc->mouse.move)
        json_array_append_new(list, json_pack("{s:s,s:i,s:b,s:b}", "name", "Mouse", "index", 0,
                                              "current", !tablet, "absolute", 0));
    if (pc->tablet.point)
        json_array_append_new(list, json_pack("{s:s,s:i,s:b,s:b}", "name", "Tablet", "index", 1,
                                              "current", tablet, "absolute", 1));
    return list;
}

/* ---- PCI ---- */

static json_t *pci_regions(const struct pci_func *fn)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *bar = &fn->bar[i];
        bool io = bar->kind == PCI_BAR_IO;
        json_t *r;

        if (bar->kind == PCI_BAR_NONE)
            continue;
        r = json_pack("{s:i,s:s,s:I,s:I}", "bar", (int)i, "type", io ? "io" : "memory", "address",
                      bar->region.mapped ? (json_int_t)bar->region.base : -1, "size",
                      (json_int_t)bar->size);
        if (!io) {
            json_object_set_new(r, "prefetch", json_boolean(bar->kind == PCI_BAR_MEM_PREF));
            json_object_set_new(r, "mem_type_64", json_false());
        }
        json_array_append_new(list, r);
    }
    return list;
}

static json_t *pci_device(const struct pci_func *fn, unsigned devfn)
{
    json_t *d = json_pack(
        "{s:i,s:i,s:i,s:{s:i},s:{s:i,s:i},s:s,s:o}", "bus", 0, "slot", (int)(devfn >> 3),
        "function", (int)(devfn & 7), "class_info", "class", (int)(fn->ident->class_code >> 8),
        "id", "device", (int)ld16(fn->cfg + PCI_DEVICE), "vendor", (int)ld16(fn->cfg + PCI_VENDOR),
        "qdev_id", fn->dev ? fn->dev->id : "", "regions", pci_regions(fn));

    if (fn->ident->pin) {
        json_object_set_new(d, "irq", json_integer(fn->cfg[PCI_INT_LINE]));
        json_object_set_new(d, "irq_pin", json_integer(fn->ident->pin));
    }
    return d;
}

json_t *qmp_QUERY_PCI(struct qmp_session *s, json_t *args)
{
    const struct pci_bus *bus = s->vm->pc->pci;
    json_t *list = json_array();

    for (unsigned devfn = 0; bus && devfn < 256; devfn++) {
        if (bus->fn[devfn])
            json_array_append_new(list, pci_device(bus->fn[devfn], devfn));
    }
    return json_pack("[{s:i,s:o}]", "bus", 0, "devices", list);
}

/* ---- host ends ---- */

json_t *qmp_QUERY_CHARDEV(struct qmp_session *s, json_t *args)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < s->vm->nchardevs; i++) {
        const struct chardev *c = s->vm->chardevs[i];

        json_array_append_new(list, json_pack("{s:o,s:o,s:b}", "label", qmp_text(c->id), "filename",
                                              qmp_text(c->label), "frontend-open", c->mux.n > 0));
    }
    return list;
}

json_t *qmp_QUERY_VNC(struct qmp_session *s, json_t *args)
{
    struct vnc_info info;
    json_t *clients = json_array();
    char port[16];

    if (!s->vm->vnc) {
        json_decref(clients);
        return json_pack("{s:b}", "enabled", 0);
    }
    vnc_info(s->vm->vnc, &info);
    for (unsigned i = 0; i < info.nclients; i++)
        json_array_append_new(clients,
                              json_pack("{s:o,s:s,s:s,s:b}", "host", qmp_text(info.client[i].host),
                                        "service", info.client[i].service, "family",
                                        info.client[i].ipv6 ? "ipv6" : "ipv4", "websocket", 0));
    snprintf(port, sizeof(port), "%u", info.port);
    return json_pack("{s:b,s:o,s:s,s:s,s:s,s:o}", "enabled", 1, "host", qmp_text(info.host),
                     "service", port, "family", info.ipv6 ? "ipv6" : "ipv4", "auth",
                     info.password ? "vnc" : "none", "clients", clients);
}
#endif
