/* Reading the command line against the option table, and finding out what a bare file name is. */
#include "frontend/opts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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
    opt->icount_sleep = true;
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

/* ---- what is this file? ---- */

static bool is_floppy_size(u64 size)
{
    static const u32 kib[] = {160,  180,  320,  360,  640,  720,  800,  820,  830,
                              1040, 1120, 1200, 1440, 1476, 1494, 1600, 1680, 1722,
                              1743, 1760, 1840, 1920, 2880, 3200, 3520, 3840};

    for (size_t i = 0; i < ARRAY_LEN(kib); i++) {
        if (size == kib[i] * KIB)
            return true;
    }
    return false;
}

static u32 le32(const u8 *p)
{
    return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

static bool has_multiboot_header(const u8 *p, size_t n)
{
    for (size_t i = 0; i + 12 <= n && i < 8192; i += 4) {
        if (le32(p + i) == 0x1badb002 &&
            (u32)(le32(p + i) + le32(p + i + 4) + le32(p + i + 8)) == 0)
            return true;
    }
    return false;
}

/* Put the image into a drive by the rules of -drive. */
static bool guess_drive(struct options *opt, int kind, bool cdrom, struct err *err)
{
    struct opt_drive_request *q;

    if (opt->ndrives >= OPT_MAX_DRIVES)
        return err_set(err, "There are more than %d drives.", OPT_MAX_DRIVES);
    q = &opt->drives[opt->ndrives++];
    memset(q, 0, sizeof(*q));
    q->kind = kind;
    q->index = cdrom ? 2 : -1;
    q->drive.used = true;
    q->drive.cdrom = cdrom;
    memcpy(q->drive.path, opt->image, sizeof(q->drive.path));
    return true;
}

bool opts_guess(struct options *opt, struct err *err)
{
    static u8 const iso_magic[] = "CD001";
    u8 head[0x8806];
    struct stat st;
    size_t n;
    FILE *f;

    if (!opt->image[0])
        return true;
    f = fopen(opt->image, "rb");
    if (!f)
        return err_set(err, "Cannot open '%.300s': %s.", opt->image, strerror(errno));
    memset(head, 0, sizeof(head));
    n = fread(head, 1, sizeof(head), f);
    if (fstat(fileno(f), &st))
        st.st_size = 0, st.st_mode = 0;
    fclose(f);
    if (S_ISDIR(st.st_mode))
        return err_set(err,
                       "'%.300s' is a folder; name the image in it, or give the folder with -cdrom "
                       "or -drive file=fat:...",
                       opt->image);
    if (!memcmp(head, "QFI\xfb", 4))
        return guess_drive(opt, DRIVE_IDE, false, err);
    if (!memcmp(head + 0x202, "HdrS", 4) ||
        (!memcmp(head, "\177ELF", 4) && has_multiboot_header(head, n))) {
        if (opt->kernel[0])
            return err_set(
                err, "'%.300s' is a kernel, and -kernel names another one; leave one of them out.",
                opt->image);
        memcpy(opt->kernel, opt->image, sizeof(opt->kernel));
        return true;
    }
    if (!memcmp(head, "\177ELF", 4))
        return err_set(err,
                       "'%.300s' is an ELF file without a multiboot header; only multiboot kernels "
                       "can be started.",
                       opt->image);
    if (!memcmp(head + 0x8001, iso_magic, 5))
        return guess_drive(opt, DRIVE_IDE, true, err);
    if (is_floppy_size((u64)st.st_size))
        return guess_drive(opt, DRIVE_FLOPPY, false, err);
    if ((head[510] == 0x55 && head[511] == 0xaa) ||
        (S_ISREG(st.st_mode) && st.st_size >= (off_t)MIB))
        return guess_drive(opt, DRIVE_IDE, false, err);
    return err_set(err,
                   "'%.300s' is no disk, CD, floppy or kernel that can be recognised; say what it "
                   "is with -hda, "
                   "-cdrom, -fda or -kernel.",
                   opt->image);
}

bool opts_place_drives(struct options *opt, struct err *err)
{
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
