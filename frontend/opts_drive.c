/* What the options about disks do to struct options. */
#include "frontend/opts.h"

#include <string.h>

struct opt_drive_request *opts_new_drive(struct options *opt, struct err *err)
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
    struct opt_drive_request *q = opts_new_drive(opt, err);

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

static bool known(const char *v, const char *const *names)
{
    while (*names && strcmp(*names, v))
        names++;
    return *names != NULL;
}

/* What an error of the host does: the place in enum drive_error. */
static bool error_action(int *to, const char *key, const char *v, struct err *err)
{
    static const char *const names[] = {"report", "stop", "enospc", "ignore", NULL};

    for (int i = 0; names[i]; i++) {
        if (!strcmp(v, names[i]) && (*key == 'w' || i != 2)) {
            *to = i + 1;
            return true;
        }
    }
    return opts_bad_value(*key == 'w' ? "drive werror" : "drive rerror", v, names, err);
}

/* One key=value of -drive. */
static bool drive_key(struct opt_drive_request *q, struct drive_parts *parts, const char *key,
                      const char *v, struct err *err)
{
    static const char *const keys[] = {
        "file",     "if",     "index",  "bus",    "unit",    "media",
        "format",   "snapshot", "readonly", "id", "cache",   "werror",
        "rerror",   "discard", "aio",   "throttling.iops-total", "throttling.bps-total", NULL};
    static const char *const kinds[] = {"ide", "floppy", "none", NULL};
    static const char *const media[] = {"disk", "cdrom", NULL};
    static const char *const formats[] = {"raw", "qcow2", "vpc", "vmdk", "vdi", NULL};
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
        return (known(v, formats) && opts_copy(q->drive.format, sizeof(q->drive.format), v)) ||
               opts_bad_value("drive format", v, formats, err);
    if (!strcmp(key, "werror") || !strcmp(key, "rerror"))
        return error_action(*key == 'w' ? &q->drive.werror : &q->drive.rerror, key, v, err);
    if (!strcmp(key, "discard")) {
        static const char *const how[] = {"ignore", "unmap", "off", "on", NULL};

        q->drive.discard = !strcmp(v, "unmap") || !strcmp(v, "on");
        return known(v, how) || opts_bad_value("drive discard", v, how, err);
    }
    if (!strcmp(key, "aio"))
        return !strcmp(v, "threads") ||
               err_set(err, "-drive aio is threads, not '%.60s': disks are read and written by "
                            "threads on every host.",
                       v);
    if (!strcmp(key, "throttling.iops-total") || !strcmp(key, "throttling.bps-total"))
        return opts_size(v, 1, strstr(key, "iops") ? &q->drive.iops : &q->drive.bps) ||
               err_set(err, "-drive %s takes a number a second, not '%.60s'.", key, v);
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
    struct opt_drive_request *q = opts_new_drive(opt, err);
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
