/* What -device, -global and -parallel do to struct options: drivers by name, those that have
 * options of their own and those of the board's table. */
#include "frontend/opts.h"

#include "devices/video/vga.h"

#include <string.h>

/* -device ide-hd,drive=id,bus=ide.N,unit=N plugs in a drive of -drive if=none. */
static bool device_drive(struct options *opt, const char *driver, const char *rest, struct err *err)
{
    static const char *const keys[] = {"drive", "bus", "unit", "id", "bootindex", NULL};
    struct opt_drive_request *q = NULL;
    char key[64], v[64];
    int bus = -1, unit = -1;
    bool has_key;
    u64 n;

    while (opts_next(&rest, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!strcmp(key, "drive")) {
            for (unsigned i = 0; i < opt->ndrives; i++) {
                if (opt->drives[i].kind == DRIVE_NONE && !strcmp(opt->drives[i].drive.id, v))
                    q = &opt->drives[i];
            }
            if (!q)
                return err_set(
                    err,
                    "-device %s names drive '%.60s', but no -drive if=none before it has that id.",
                    driver, v);
        } else if (!strcmp(key, "bus")) {
            if (strncmp(v, "ide.", 4) || !opts_number(v + 4, 1, &n))
                return err_set(err, "-device %s: bus is ide.0 or ide.1, not '%.60s'.", driver, v);
            bus = (int)n;
        } else if (!strcmp(key, "unit")) {
            if (!opts_number(v, 1, &n))
                return err_set(err, "-device %s: unit is 0 or 1, not '%.60s'.", driver, v);
            unit = (int)n;
        } else if (strcmp(key, "id") && strcmp(key, "bootindex")) {
            return opts_bad_key("device", has_key ? key : v, keys, err);
        }
    }
    if (!q) {
        if (strcmp(driver, "ide-cd"))
            return err_set(err, "-device %s needs drive= with the id of a -drive if=none.", driver);
        q = opts_new_drive(opt, err);
        if (!q)
            return false;
        opt->ndrives++;
    }
    q->kind = !strcmp(driver, "floppy") ? DRIVE_FLOPPY : DRIVE_IDE;
    q->drive.cdrom = !strcmp(driver, "ide-cd");
    if (bus >= 0 || unit >= 0)
        q->index = MAX(bus, 0) * 2 + MAX(unit, 0);
    return true;
}

static bool exit_property(struct options *opt, const char *key, const char *v, struct err *err)
{
    static const char *const keys[] = {"iobase", "iosize", NULL};
    u64 n;

    if (strcmp(key, "iobase") && strcmp(key, "iosize"))
        return opts_bad_key("device isa-debug-exit", key, keys, err);
    if (!opts_number(v, 0xffff, &n))
        return err_set(err, "isa-debug-exit: %s is a number up to 0xffff, not '%.60s'.", key, v);
    if (key[3] == 'a')
        opt->exit_port = (u16)n;
    return true;
}

static bool device_exit(struct options *opt, const char *rest, struct err *err)
{
    char key[64], v[64];
    bool has_key;

    opt->exitdev = true;
    while (opts_next(&rest, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!exit_property(opt, has_key ? key : v, v, err))
            return false;
    }
    return true;
}

/* -device isa-serial,chardev=id[,index=n] and isa-debugcon,chardev=id. */
static bool device_char(struct options *opt, const char *driver, const char *rest, struct err *err)
{
    static const char *const keys[] = {"chardev", "index", "iobase", "id", NULL};
    char key[64], v[64], spec[80] = "";
    bool has_key;
    u64 n = opt->nserial;

    while (opts_next(&rest, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!strcmp(key, "chardev"))
            snprintf(spec, sizeof(spec), "chardev:%s", v);
        else if (!strcmp(key, "index") && !opts_number(v, PC_SERIALS - 1, &n))
            return err_set(err, "-device %s: index is 0 to 3, not '%.60s'.", driver, v);
        else if (!strcmp(key, "iobase") && strcmp(v, "0xe9"))
            return err_set(err, "-device %s: iobase is 0xe9, not '%.60s'.", driver, v);
        else if (strcmp(key, "index") && strcmp(key, "iobase") && strcmp(key, "id"))
            return opts_bad_key("device", has_key ? key : v, keys, err);
    }
    if (!spec[0])
        return err_set(err, "-device %s needs chardev= with the id of a -chardev.", driver);
    if (!strcmp(driver, "isa-debugcon"))
        return opts_copy(opt->debugcon, sizeof(opt->debugcon), spec);
    if (n >= PC_SERIALS)
        return err_set(err, "There are %d serial ports at most.", PC_SERIALS);
    opt->nserial = MAX(opt->nserial, (unsigned)n + 1);
    return opts_copy(opt->serial[n], OPT_PATH, spec);
}

/* ---- drivers of the board's table ---- */

/* "0x5" or "5", a slot; functions other than 0 belong to whole devices. */
static bool parse_slot(const char *v, int *devfn)
{
    char slot[16];
    size_t n = strcspn(v, ".");
    u64 x;

    if (n >= sizeof(slot) || (v[n] && strcmp(v + n, ".0")))
        return false;
    memcpy(slot, v, n);
    slot[n] = 0;
    /* as people write it: hexadecimal, with or without 0x */
    if (strncmp(slot, "0x", 2)) {
        char hex[20];

        snprintf(hex, sizeof(hex), "0x%s", slot);
        if (!opts_number(hex, 31, &x))
            return false;
    } else if (!opts_number(slot, 31, &x)) {
        return false;
    }
    *devfn = (int)x << 3;
    return true;
}

bool opts_addon_prop(struct opt_addon *a, const char *key, const char *v)
{
    size_t n = strlen(a->props);
    int k = snprintf(a->props + n, sizeof(a->props) - n, "%s%s=", n ? "," : "", key);

    if (k < 0 || n + (size_t)k >= sizeof(a->props))
        return false;
    for (n += (size_t)k; *v; v++) {
        if (n + 3 > sizeof(a->props))
            return false;
        a->props[n++] = *v;
        if (*v == ',')
            a->props[n++] = ',';
    }
    a->props[n] = 0;
    return true;
}

struct opt_addon *opts_new_addon(struct options *opt, const char *driver, struct err *err)
{
    struct opt_addon *a = &opt->addons[opt->naddons];

    if (opt->naddons >= PC_MAX_ADDONS) {
        err_set(err, "There are more than %d devices.", PC_MAX_ADDONS);
        return NULL;
    }
    opt->naddons++;
    memset(a, 0, sizeof(*a));
    snprintf(a->driver, sizeof(a->driver), "%.31s", driver);
    a->devfn = -1;
    a->drive = -1;
    return a;
}

/* The -drive if=none called `id` goes to the device. */
static bool take_drive(struct options *opt, struct opt_addon *a, const char *id, struct err *err)
{
    for (unsigned i = 0; i < opt->ndrives; i++) {
        struct opt_drive_request *q = &opt->drives[i];

        if (q->kind != DRIVE_NONE || strcmp(q->drive.id, id))
            continue;
        q->kind = DRIVE_ADDON;
        a->drive = (int)i;
        return true;
    }
    return err_set(err,
                   "-device %s names drive '%.60s', but no -drive if=none before it has that id.",
                   a->driver, id);
}

static bool has_prop(const struct plug_class *c, const char *name)
{
    for (const struct prop *p = c->cls->props; p && p->type != PT_END; p++) {
        if (!strcmp(p->name, name))
            return true;
    }
    return false;
}

static bool addon_bad_key(const struct plug_class *c, const char *key, struct err *err)
{
    static const char *const hosts[] = {[PLUG_NET] = "netdev",
                                        [PLUG_BLK] = "drive",
                                        [PLUG_CHR] = "chardev",
                                        [PLUG_AUDIO] = "audiodev",
                                        [PLUG_SHARE] = "fsdev"};
    const char *names[40] = {"id"};
    size_t n = 1;

    if (c->host != PLUG_NOTHING)
        names[n++] = hosts[c->host];
    if (c->bus == PLUG_PCI)
        names[n++] = "addr", names[n++] = "romfile";
    for (const struct prop *p = c->cls->props; p && p->type != PT_END && n < 39; p++)
        names[n++] = p->name;
    return opts_bad_key(c->driver, key, names, err);
}

static bool addon_key(struct options *opt, struct opt_addon *a, const struct plug_class *c,
                      const char *key, const char *v, struct err *err)
{
    if (!strcmp(key, "id"))
        return opts_copy(a->id, sizeof(a->id), v) || err_set(err, "The id of -device is too long.");
    if (!strcmp(key, "bus") && (c->bus != PLUG_ISA || !strcmp(v, "isa.0")))
        return true; /* there is one of each */
    if (!strcmp(key, "addr") && c->bus == PLUG_PCI)
        return parse_slot(v, &a->devfn) ||
               err_set(err, "-device %s: addr is a slot from 0 to 1f, not '%.60s'.", c->driver, v);
    if (!strcmp(key, "romfile") && c->bus == PLUG_PCI) {
        a->no_rom = !v[0];
        return opts_copy(a->rom, sizeof(a->rom), v) ||
               err_set(err, "The romfile of -device %s is too long.", c->driver);
    }
    if (!strcmp(key, "drive") && c->host == PLUG_BLK)
        return take_drive(opt, a, v, err);
    if (!strcmp(key, "chardev") && c->host == PLUG_CHR) {
        snprintf(a->host, sizeof(a->host), "chardev:%.63s", v);
        return true;
    }
    if ((!strcmp(key, "netdev") && c->host == PLUG_NET) ||
        (!strcmp(key, "fsdev") && c->host == PLUG_SHARE) ||
        (!strcmp(key, "audiodev") && c->host == PLUG_AUDIO))
        return opts_copy(a->host, sizeof(a->host), v) ||
               err_set(err, "The id in -device %s is too long.", c->driver);
    if (!has_prop(c, key))
        return addon_bad_key(c, key, err);
    return opts_addon_prop(a, key, v) || err_set(err, "-device %s has too many properties.", c->driver);
}

static bool device_addon(struct options *opt, const struct plug_class *c, const char *rest,
                         struct err *err)
{
    struct opt_addon *a = opts_new_addon(opt, c->driver, err);
    char key[64], v[OPT_PATH];
    bool has_key;

    if (!a)
        return false;
    while (opts_next(&rest, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!addon_key(opt, a, c, has_key ? key : v, has_key ? v : "on", err))
            return false;
    }
    return true;
}

bool opt_set_PARALLEL(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct opt_addon *a;

    if (!strcmp(val, "none"))
        return true;
    if (!opts_check_dev(flag, val, err))
        return false;
    a = opts_new_addon(opt, "isa-parallel", err);
    if (!a)
        return false;
    return opts_copy(a->host, sizeof(a->host), val) ||
           err_set(err, "The value of -parallel is too long.");
}

const char *const opts_own_devices[OPT_OWN_DEVICES] = {
    "isa-debug-exit", "isa-debugcon", "isa-serial", "ide-hd", "ide-cd", "floppy", "VGA"};

bool opt_set_DEVICE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    const char *drivers[80];
    const struct plug_class *c;
    char driver[64];
    size_t n = strcspn(val, ","), k = OPT_OWN_DEVICES;
    const char *rest = val[n] ? val + n + 1 : val + n;

    snprintf(driver, sizeof(driver), "%.*s", (int)MIN(n, sizeof(driver) - 1), val);
    c = pc_addon_class(driver);
    if (!strcmp(driver, "help") || (c && !strcmp(rest, "help"))) {
        opt->start = START_LIST;
        return opts_copy(opt->list, sizeof(opt->list), c ? driver : "device");
    }
    if (c)
        return device_addon(opt, c, rest, err);
    if (!strcmp(driver, "isa-debug-exit"))
        return device_exit(opt, rest, err);
    if (!strcmp(driver, "isa-debugcon") || !strcmp(driver, "isa-serial"))
        return device_char(opt, driver, rest, err);
    if (!strcmp(driver, "ide-hd") || !strcmp(driver, "ide-cd") || !strcmp(driver, "floppy"))
        return device_drive(opt, driver, rest, err);
    if (!strcmp(driver, "VGA")) {
        opt->vga = PC_VGA_STD;
        return true;
    }
    memcpy(drivers, opts_own_devices, sizeof(opts_own_devices));
    for (c = pc_addon_classes; c->driver && k < ARRAY_LEN(drivers) - 1; c++)
        drivers[k++] = c->driver;
    drivers[k] = NULL;
    return opts_bad_value(flag, driver, drivers, err);
}

/* -global of a driver of the table: kept for those that come, before their own properties. */
static bool global_addon(struct options *opt, const struct plug_class *c, const char *name,
                         const char *v, struct err *err)
{
    struct opt_global *g = &opt->globals[opt->nglobals];

    if (!has_prop(c, name))
        return addon_bad_key(c, name, err);
    if (opt->nglobals >= OPT_MAX_GLOBALS)
        return err_set(err, "There are more than %d -global options.", OPT_MAX_GLOBALS);
    snprintf(g->driver, sizeof(g->driver), "%.31s", c->driver);
    if (!opts_copy(g->name, sizeof(g->name), name) || !opts_copy(g->value, sizeof(g->value), v))
        return err_set(err, "The value of -global %s.%s is too long.", c->driver, name);
    opt->nglobals++;
    return true;
}

bool opts_apply_globals(struct options *opt, struct err *err)
{
    for (unsigned i = 0; i < opt->naddons; i++) {
        struct opt_addon *a = &opt->addons[i], own = *a;

        a->props[0] = 0;
        for (unsigned k = 0; k < opt->nglobals; k++) {
            const struct opt_global *g = &opt->globals[k];

            if (!strcmp(g->driver, a->driver) && !opts_addon_prop(a, g->name, g->value))
                return err_set(err, "-device %s has too many properties.", a->driver);
        }
        if (strlen(a->props) + strlen(own.props) + 2 > sizeof(a->props))
            return err_set(err, "-device %s has too many properties.", a->driver);
        if (own.props[0] && a->props[0])
            strcat(a->props, ",");
        strcat(a->props, own.props);
    }
    return true;
}

bool opt_set_GLOBAL(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const known[] = {"isa-debug-exit.iobase", "isa-debug-exit.iosize",
                                        "VGA.vgamem_mb", NULL};
    const char *eq = strchr(val, '=');
    const struct plug_class *c;
    char name[80];
    char *dot;
    u64 n;

    if (!eq)
        return err_set(err, "-global takes driver.property=value, not '%.80s'.", val);
    snprintf(name, sizeof(name), "%.*s", (int)MIN((size_t)(eq - val), sizeof(name) - 1), val);
    dot = strrchr(name, '.');
    if (dot) {
        *dot = 0;
        c = pc_addon_class(name);
        if (c)
            return global_addon(opt, c, dot + 1, eq + 1, err);
        *dot = '.';
    }
    if (!strncmp(name, "isa-debug-exit.", 15))
        return exit_property(opt, name + 15, eq + 1, err);
    if (strcmp(name, "VGA.vgamem_mb"))
        return opts_bad_value(flag, name, known, err);
    if (!opts_number(eq + 1, VGA_VRAM_MAX / MIB, &n) || !n || (n & (n - 1)))
        return err_set(err, "VGA.vgamem_mb is 1, 2, 4 and so on up to %u, not '%.60s'.",
                       (unsigned)(VGA_VRAM_MAX / MIB), eq + 1);
    opt->vga_mem = (u32)(n * MIB);
    return true;
}
