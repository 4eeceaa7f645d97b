/* What the options about disks and devices do to struct options. */
#include "frontend/opts.h"

#include <string.h>

static struct opt_drive_request *new_drive(struct options *opt, struct err *err)
{
    struct opt_drive_request *q;

    if (opt->ndrives >= OPT_MAX_DRIVES) {
        err_set(err, "There are more than %d drives.", OPT_MAX_DRIVES);
        return NULL;
    }
    q = &opt->drives[opt->ndrives];
    memset(q, 0, sizeof(*q));
    q->index = -1;
    q->drive.used = true;
    return q;
}

/* -hda and its like. */
static bool simple_drive(struct options *opt, const char *flag, const char *val, int kind,
                         int index, bool cdrom, struct err *err)
{
    struct opt_drive_request *q = new_drive(opt, err);

    if (!q)
        return false;
    if (!*val || !opts_copy(q->drive.path, sizeof(q->drive.path), val))
        return err_set(err, "-%s takes the name of an image; this one is empty or too long.", flag);
    q->kind = kind;
    q->index = index;
    q->drive.cdrom = cdrom;
    opt->ndrives++;
    return true;
}

bool opt_set_FDA(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return simple_drive(opt, flag, val, DRIVE_FLOPPY, 0, false, err);
}

bool opt_set_FDB(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return simple_drive(opt, flag, val, DRIVE_FLOPPY, 1, false, err);
}

bool opt_set_HDA(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return simple_drive(opt, flag, val, DRIVE_IDE, 0, false, err);
}

bool opt_set_HDB(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return simple_drive(opt, flag, val, DRIVE_IDE, 1, false, err);
}

bool opt_set_HDC(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return simple_drive(opt, flag, val, DRIVE_IDE, 2, false, err);
}

bool opt_set_HDD(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return simple_drive(opt, flag, val, DRIVE_IDE, 3, false, err);
}

bool opt_set_CDROM(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return simple_drive(opt, flag, val, DRIVE_IDE, 2, true, err);
}

bool opt_set_SNAPSHOT(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->snapshot = true;
    return true;
}

struct drive_parts {
    int bus, unit;
    bool media_given;
};

/* One key=value of -drive. */
static bool drive_key(struct opt_drive_request *q, struct drive_parts *parts, const char *key,
                      const char *v, struct err *err)
{
    static const char *const keys[] = {"file",   "if",       "index",    "bus", "unit",  "media",
                                       "format", "snapshot", "readonly", "id",  "cache", NULL};
    static const char *const kinds[] = {"ide", "floppy", "none", NULL};
    static const char *const media[] = {"disk", "cdrom", NULL};
    static const char *const formats[] = {"raw", NULL};
    u64 n;

    if (!strcmp(key, "file"))
        return opts_copy(q->drive.path, sizeof(q->drive.path), v) ||
               err_set(err, "The name in -drive file= is too long.");
    if (!strcmp(key, "if")) {
        for (int i = 0; kinds[i]; i++) {
            if (!strcmp(v, kinds[i])) {
                q->kind = i;
                return true;
            }
        }
        return opts_bad_value("drive if", v, kinds, err);
    }
    if (!strcmp(key, "index") || !strcmp(key, "bus") || !strcmp(key, "unit")) {
        if (!opts_number(v, 3, &n))
            return err_set(err, "-drive %s takes a small number, not '%.60s'.", key, v);
        *(key[0] == 'i' ? &q->index : key[0] == 'b' ? &parts->bus : &parts->unit) = (int)n;
        return true;
    }
    if (!strcmp(key, "media")) {
        q->drive.cdrom = !strcmp(v, "cdrom");
        return q->drive.cdrom || !strcmp(v, "disk") || opts_bad_value("drive media", v, media, err);
    }
    if (!strcmp(key, "format"))
        return !strcmp(v, "raw") || opts_bad_value("drive format", v, formats, err);
    if (!strcmp(key, "snapshot"))
        return opts_bool(v, &q->drive.snapshot) ||
               err_set(err, "-drive snapshot is on or off, not '%.60s'.", v);
    if (!strcmp(key, "readonly") || !strcmp(key, "read-only"))
        return opts_bool(v, &q->drive.read_only) ||
               err_set(err, "-drive readonly is on or off, not '%.60s'.", v);
    if (!strcmp(key, "id"))
        return opts_copy(q->drive.id, sizeof(q->drive.id), v) ||
               err_set(err, "The id of -drive is too long.");
    if (!strcmp(key, "cache")) /* flushes always reach the disk, which every mode that may be asked
                                  for allows */
        return !strcmp(v, "writeback") || !strcmp(v, "none") || !strcmp(v, "writethrough") ||
               !strcmp(v, "unsafe") ||
               err_set(err, "-drive cache is writeback, none, writethrough or unsafe, not '%.60s'.",
                       v);
    return opts_bad_key("drive", key, keys, err);
}

bool opt_set_DRIVE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct opt_drive_request *q = new_drive(opt, err);
    struct drive_parts parts = {-1, -1, false};
    char key[64], v[OPT_PATH];
    bool has_key;

    if (!q)
        return false;
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!drive_key(q, &parts, has_key ? key : "file", v, err))
            return false;
    }
    if (parts.bus >= 0 || parts.unit >= 0)
        q->index = MAX(parts.bus, 0) * 2 + MAX(parts.unit, 0);
    if (q->kind == DRIVE_NONE && !q->drive.id[0])
        return err_set(err, "-drive if=none needs an id=, for a -device to name it.");
    if (!q->drive.path[0] && !q->drive.cdrom && q->kind != DRIVE_FLOPPY)
        return err_set(err, "-drive needs file= with the image of a disk.");
    opt->ndrives++;
    return true;
}

/* ---- -device and -global ---- */

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
        q = new_drive(opt, err);
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

bool opt_set_DEVICE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const drivers[] = {"isa-debug-exit", "isa-debugcon", "isa-serial", "ide-hd",
                                          "ide-cd",         "floppy",       "VGA",        NULL};
    char driver[64];
    size_t n = strcspn(val, ",");
    const char *rest = val[n] ? val + n + 1 : val + n;

    snprintf(driver, sizeof(driver), "%.*s", (int)MIN(n, sizeof(driver) - 1), val);
    if (!strcmp(driver, "help")) {
        opt->start = START_LIST;
        return opts_copy(opt->list, sizeof(opt->list), "device");
    }
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
    return opts_bad_value(flag, driver, drivers, err);
}

bool opt_set_GLOBAL(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const known[] = {"isa-debug-exit.iobase", "isa-debug-exit.iosize",
                                        "VGA.vgamem_mb", NULL};
    const char *eq = strchr(val, '=');
    char name[80];
    u64 n;

    if (!eq)
        return err_set(err, "-global takes driver.property=value, not '%.80s'.", val);
    snprintf(name, sizeof(name), "%.*s", (int)MIN((size_t)(eq - val), sizeof(name) - 1), val);
    if (!strncmp(name, "isa-debug-exit.", 15))
        return exit_property(opt, name + 15, eq + 1, err);
    if (strcmp(name, "VGA.vgamem_mb"))
        return opts_bad_value(flag, name, known, err);
    if (!opts_number(eq + 1, 16, &n) || n != 16)
        return err_set(err, "VGA.vgamem_mb is 16, not '%.60s'.", eq + 1);
    opt->vga_mem = (u32)(n * MIB);
    return true;
}
