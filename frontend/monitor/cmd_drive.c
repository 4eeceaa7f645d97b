/* Monitor commands about drives: media, trays, limits, what is written back. */
#include "frontend/monitor/monitor.h"

#include "frontend/host/drive.h"

#include <string.h>

static struct blk *find_drive(struct monitor *m, const char *name)
{
    int i = vm_find_drive(m->vm, name);
    struct blk *blk = i < 0 ? NULL : vm_drive(m->vm, (unsigned)i);

    if (i < 0)
        err_set(&m->err, "There is no drive '%s'; 'info block' lists them.", name);
    else if (!blk)
        err_set(&m->err, "The machine has no drive '%s'.", name);
    return blk;
}

/* The drive that comes next, by its name; with `force` a -f may stand in front. NULL with an error. */
static struct blk *next_drive(struct monitor *m, const char **args, char name[64], bool *force)
{
    bool any = mon_word(args, name, 64);

    if (force) {
        *force = any && !strcmp(name, "-f");
        if (*force)
            any = mon_word(args, name, 64);
    }
    if (any)
        return find_drive(m, name);
    err_set(&m->err, "Which drive? 'info block' lists them.");
    return NULL;
}

static bool change(struct monitor *m, const char *args, bool eject)
{
    char word[64], path[OPT_PATH], format[16] = "";
    bool force;
    struct blk *blk = next_drive(m, &args, word, &force);

    if (!blk)
        return false;
    if (!eject && !mon_word(&args, path, sizeof(path)))
        return err_set(&m->err, "Which image? 'change %s file' takes its name.", word);
    mon_word(&args, format, sizeof(format));
    return drive_change(blk, eject ? NULL : path, *format ? format : NULL, force, &m->err);
}

bool cmd_CHANGE(struct monitor *m, const char *args)
{
    return change(m, args, false);
}

bool cmd_EJECT(struct monitor *m, const char *args)
{
    return change(m, args, true);
}

bool cmd_TRAY(struct monitor *m, const char *args)
{
    char what[16], word[64];
    struct blk *blk;
    bool force;

    if (!mon_word(&args, what, sizeof(what)) || (strcmp(what, "open") && strcmp(what, "close")))
        return err_set(&m->err, "tray takes 'open' or 'close' and the drive.");
    blk = next_drive(m, &args, word, &force);
    return blk && drive_tray(blk, !strcmp(what, "open"), force, &m->err);
}

bool cmd_THROTTLE(struct monitor *m, const char *args)
{
    static const char *const parts[] = {"bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"};
    u64 v[ARRAY_LEN(parts)];
    char word[64];
    struct blk *blk = next_drive(m, &args, word, NULL);

    if (!blk)
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(parts); i++) {
        if (!mon_number(m, &args, &v[i]))
            return false;
        if (v[i] && i % 3)
            return err_set(&m->err, "%s is 0: a drive has one limit for both ways.", parts[i]);
    }
    drive_limit(blk, v[3], v[0]);
    return true;
}

bool cmd_COMMIT(struct monitor *m, const char *args)
{
    char word[64];
    struct blk *blk;
    bool any = false;

    if (!mon_word(&args, word, sizeof(word)))
        return err_set(&m->err, "Which drive? 'info block' lists them; 'all' is every one.");
    if (strcmp(word, "all")) {
        blk = find_drive(m, word);
        return blk && drive_commit(blk, &m->err);
    }
    for (unsigned i = 0; i < VM_DRIVES; i++) {
        blk = vm_drive(m->vm, i);
        if (!blk || !drive_image(blk) || !drive_image(blk)->backing)
            continue;
        any = true;
        if (!drive_commit(blk, &m->err))
            return false;
    }
    return any || err_set(&m->err, "No drive has a backing file to commit to.");
}
