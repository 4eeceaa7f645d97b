/* Reading the command line against the option table, and giving drives their places. */
#include "frontend/opts.h"

#include <stdio.h>
#include <string.h>

const struct opt_row opt_rows[OPT__COUNT] = {
#define OPT(id, flag, arg, section, help) {flag, arg, SEC_##section, help},
#include "frontend/opts.def"
#undef OPT
};

/* The row called name[0..len), or -1. */
static int find_row(const char *name, size_t len)
{
    for (int i = 0; i < OPT__COUNT; i++) {
        if (strlen(opt_rows[i].flag) == len && !memcmp(opt_rows[i].flag, name, len))
            return i;
    }
    return -1;
}

static bool unknown_option(const char *arg, struct err *err)
{
    const char *names[OPT__COUNT + 1];
    const char *near;
    char word[64];
    size_t n = 0;

    for (int i = 0; i < OPT__COUNT; i++) {
        if (opt_rows[i].section != SEC_HIDDEN)
            names[n++] = opt_rows[i].flag;
    }
    names[n] = NULL;
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg + strspn(arg, "-"), "="),
             arg + strspn(arg, "-"));
    near = opts_nearest(word, names);
    if (near)
        return err_set(err, "Option '%.80s' is not known; the nearest that is is '-%s'.", arg,
                       near);
    return err_set(err, "Option '%.80s' is not known; 'dragoman -help' lists those that are.", arg);
}

static bool take_image(struct options *opt, const char *arg, struct err *err)
{
    if (opt->image[0] || opt->demo)
        return err_set(
            err,
            "Only one image can be given without an option, but there is '%.200s' too; use -hda, "
            "-fda, -cdrom or -kernel for each.",
            arg);
    if (!strcmp(arg, "demo")) {
        opt->demo = true;
        return true;
    }
    if (!opts_copy(opt->image, sizeof(opt->image), arg) || !*arg)
        return err_set(err, "The image's name is empty or too long.");
    return true;
}

bool opts_parse(struct options *opt, int argc, char **argv, struct err *err)
{
    memset(opt, 0, sizeof(*opt));
    opt->cpus = 1;
    opt->ram_size = 128 * MIB;
    opt->icount_shift = -1;
    opt->no_hpet = true; /* guests that find one boot slower than with the ACPI timer */
    opt->icount_sleep = true;
    opt->reverse_mem = 512 * MIB;
    opt->engine = OPT_ENGINE_DEFAULT;
    opt->exit_port = 0x501;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *name, *eq, *val = "";
        int row;

        if (arg[0] != '-' || !arg[1]) {
            if (!take_image(opt, arg, err))
                return false;
            continue;
        }
        name = arg + 1 + (arg[1] == '-');
        eq = strchr(name, '=');
        row = find_row(name, eq ? (size_t)(eq - name) : strlen(name));
        if (row < 0)
            return unknown_option(arg, err);
        if (opt_rows[row].arg) {
            if (eq)
                val = eq + 1;
            else if (i + 1 < argc)
                val = argv[++i];
            else
                return err_set(err, "Option '-%s' needs a value: %s.", opt_rows[row].flag,
                               opt_rows[row].arg);
        } else if (eq) {
            return err_set(err, "Option '-%s' takes no value, but was given '%.80s'.",
                           opt_rows[row].flag, eq + 1);
        }
        if (!opt_fns[row](opt, opt_rows[row].flag, val, err))
            return false;
        if (opt->start != START_RUN)
            return true;
    }
    return true;
}

/* -drive if=virtio: a device of its own; without an id the drive is called virtio0 and so on. */
static bool place_virtio(struct options *opt, struct err *err)
{
    unsigned n = 0;

    for (unsigned i = 0; i < opt->ndrives; i++) {
        struct opt_addon *a;

        if (opt->drives[i].kind != DRIVE_VIRTIO)
            continue;
        a = opts_new_addon(opt, "virtio-blk-pci", err);
        if (!a)
            return false;
        a->drive = (int)i;
        opt->drives[i].kind = DRIVE_ADDON;
        if (!opt->drives[i].drive.id[0])
            snprintf(opt->drives[i].drive.id, sizeof(opt->drives[i].drive.id), "virtio%u", n);
        n++;
    }
    return true;
}

/* Two drives of one name could not be told apart. */
static bool ids_differ(const struct options *opt, struct err *err)
{
    for (unsigned i = 0; i < opt->ndrives; i++) {
        const char *id = opt->drives[i].drive.id;

        for (unsigned k = 0; *id && k < i; k++) {
            if (!strcmp(opt->drives[k].drive.id, id))
                return err_set(err, "Two drives have the id '%s'.", id);
        }
    }
    return true;
}

bool opts_place_drives(struct options *opt, struct err *err)
{
    if (!place_virtio(opt, err) || !ids_differ(opt, err))
        return false;
    /* Those with an index first, so that the others find what is left. */
    for (int pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < opt->ndrives; i++) {
            struct opt_drive_request *q = &opt->drives[i];
            struct opt_drive *table = q->kind == DRIVE_FLOPPY ? opt->fd : opt->ide;
            int places = q->kind == DRIVE_FLOPPY ? PC_FLOPPIES : PC_IDE, at = q->index;

            if ((at >= 0) != (pass == 0) || q->kind == DRIVE_NONE ||
                q->kind == DRIVE_ADDON)
                continue;
            for (int k = 0; at < 0 && k < places; k++) {
                if (!table[k].used)
                    at = k;
            }
            if (at < 0 || at >= places)
                return err_set(err, "There is no place for drive '%.200s': the controller has %d.",
                               q->drive.path, places);
            if (table[at].used)
                return err_set(
                    err,
                    "Two drives are asked for at the same place (%s %d): '%.150s' and '%.150s'.",
                    q->kind == DRIVE_FLOPPY ? "floppy" : "ide", at, table[at].path, q->drive.path);
            table[at] = q->drive;
        }
    }
    for (unsigned i = 0; i < PC_IDE; i++)
        opt->ide[i].snapshot |= opt->snapshot;
    for (unsigned i = 0; i < PC_FLOPPIES; i++)
        opt->fd[i].snapshot |= opt->snapshot;
    for (unsigned i = 0; i < opt->ndrives; i++)
        opt->drives[i].drive.snapshot |= opt->snapshot;
    if ((opt->initrd[0] || opt->have_append) && !opt->kernel[0])
        return err_set(err, "%s is for a kernel given with -kernel; there is none.",
                       opt->initrd[0] ? "-initrd" : "-append");
    return true;
}
