/* What a file named without an option is, and what machine suits it: two tables. Nothing of it
 * needs more than the file's beginning, its size and its name. */
#include "frontend/opts.h"

#include "devices/core/bits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { HEAD = 0x8806, SECTOR = 512 };

/* What is known of the file. */
struct seen {
    const char *path;
    u8 head[HEAD]; /* zeroes behind the file's end */
    size_t n;
    u64 size;
    bool regular, folder;
};

/* ---- kinds ---- */

static bool ends_with(const struct seen *s, const char *suffix)
{
    size_t n = strlen(s->path), k = strlen(suffix);

    return n > k && !strcasecmp(s->path + n - k, suffix);
}

static bool is_folder(const struct seen *s)
{
    return s->folder;
}

/* Formats with a structure of their own go by the magic number; a raw disk, whose first bytes are
 * the guest's, never begins with one unless somebody wants to be taken for something else. */
static bool is_qcow2(const struct seen *s)
{
    return !memcmp(s->head, "QFI\xfb", 4);
}

static bool is_other_format(const struct seen *s)
{
    return (ends_with(s, ".vmdk") && !memcmp(s->head, "KDMV", 4)) ||
           (ends_with(s, ".vdi") && ld32(s->head + 0x40) == 0xbeda107f) ||
           (ends_with(s, ".vhd") && !memcmp(s->head, "conectix", 8));
}

static bool is_elf(const struct seen *s)
{
    return !memcmp(s->head, "\177ELF", 4);
}

static bool is_multiboot(const struct seen *s)
{
    for (size_t i = 0; is_elf(s) && i + 12 <= s->n && i < 8192; i += 4) {
        const u8 *p = s->head + i;

        if (ld32(p) == 0x1badb002 && (u32)(ld32(p) + ld32(p + 4) + ld32(p + 8)) == 0)
            return true;
    }
    return false;
}

static bool is_linux(const struct seen *s)
{
    return !memcmp(s->head + 0x202, "HdrS", 4);
}

static bool is_cd(const struct seen *s)
{
    return !memcmp(s->head + 0x8001, "CD001", 5);
}

static bool is_floppy(const struct seen *s)
{
    static const u16 kib[] = {160,  180,  320,  360,  640,  720,  800,  820,  830,
                              1040, 1120, 1200, 1440, 1476, 1494, 1600, 1680, 1722,
                              1743, 1760, 1840, 1920, 2880, 3200, 3520, 3840};

    for (size_t i = 0; i < ARRAY_LEN(kib); i++) {
        if (s->size == kib[i] * KIB)
            return true;
    }
    return false;
}

static bool is_disk(const struct seen *s)
{
    return (s->head[510] == 0x55 && s->head[511] == 0xaa) || (s->regular && s->size >= MIB);
}

enum action { AS_KERNEL, AS_CD, AS_FLOPPY, AS_DISK, REFUSED };

struct kind {
    const char *name;
    bool (*is)(const struct seen *s);
    enum action action;
    const char *advice; /* REFUSED: the rest of the sentence */
};

/* The first row that fits counts. */
static const struct kind kinds[] = {
    {"folder", is_folder, REFUSED,
     "is a folder; name the image in it, or give the folder with -cdrom or -drive file=fat:..."},
    {"qcow2 disk", is_qcow2, AS_DISK, NULL},
    {"disk of another program", is_other_format, AS_DISK, NULL},
    {"Linux kernel", is_linux, AS_KERNEL, NULL},
    {"multiboot kernel", is_multiboot, AS_KERNEL, NULL},
    {"program", is_elf, REFUSED,
     "is an ELF file without a multiboot header; only multiboot kernels can be started."},
    {"CD", is_cd, AS_CD, NULL},
    {"floppy", is_floppy, AS_FLOPPY, NULL},
    {"disk", is_disk, AS_DISK, NULL},
};

/* ---- machines ---- */

/* What systems were made for, where the command line does not say otherwise: memory, a sound card
 * and a network adapter that they have drivers for. */
struct machine {
    const char *name;
    u8 types[12];       /* of partitions (0 ends the list) */
    const char *oem[6]; /* how the boot sector names its maker */
    u32 ram_mib;
    const char *sound, *nic; /* NULL: none; the machine's usual one */
};

static const struct machine machines[] = {
    {"DOS or Windows 9x",
     {0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e},
     {"MSDOS", "MSWIN", "FRDOS", "FREEDOS", "IBM  ", "DRDOS"},
     64,
     "sb16",
     "ne2k_isa"},
    {"Windows NT or OS/2", {0x07}, {"NTFS"}, 256, NULL, NULL},
    {"Linux", {0x83, 0x82, 0x8e}, {"mkfs.fat", "SYSLINUX"}, 256, NULL, NULL},
    {"BSD", {0xa5, 0xa6, 0xa9}, {NULL}, 256, NULL, NULL},
};

static bool fits(const struct machine *m, const u8 *sector)
{
    for (size_t i = 0; i < ARRAY_LEN(m->oem) && m->oem[i]; i++) {
        if (!memcmp(sector + 3, m->oem[i], strlen(m->oem[i])))
            return true;
    }
    if (sector[510] != 0x55 || sector[511] != 0xaa)
        return false;
    for (unsigned p = 0; p < 4; p++) {
        const u8 *entry = sector + 446 + 16 * p;

        /* A boot sector without a table has code there: only what looks like entries counts. */
        if ((entry[0] & 0x7f) || !entry[4])
            continue;
        for (size_t i = 0; i < ARRAY_LEN(m->types) && m->types[i]; i++) {
            if (entry[4] == m->types[i])
                return true;
        }
    }
    return false;
}

static bool suit_machine(struct options *opt, const struct seen *s, const char *kind,
                         struct err *err)
{
    for (size_t i = 0; i < ARRAY_LEN(machines); i++) {
        const struct machine *m = &machines[i];
        unsigned before = opt->naddons;

        if (!fits(m, s->head))
            continue;
        if (!opt->have_ram)
            opt->ram_size = m->ram_mib * MIB;
        opt->default_nic = m->nic;
        if (m->sound && !opt->nodefaults && !opts_default_sound(opt, m->sound, err))
            return false;
        snprintf(opt->guessed, sizeof(opt->guessed), "a %s of %s, with %u MiB%s%s", kind, m->name,
                 (unsigned)(opt->ram_size / MIB), opt->naddons > before ? ", " : "",
                 opt->naddons > before ? m->sound : "");
        return true;
    }
    snprintf(opt->guessed, sizeof(opt->guessed), "a %s", kind);
    return true;
}

/* ---- what follows ---- */

/* Put the image into a drive by the rules of -drive. */
static bool into_drive(struct options *opt, enum action action, struct err *err)
{
    struct opt_drive_request *q = opts_new_drive(opt, err);

    if (!q)
        return false;
    opt->ndrives++;
    q->kind = action == AS_FLOPPY ? DRIVE_FLOPPY : DRIVE_IDE;
    q->index = action == AS_CD ? 2 : -1;
    q->drive.cdrom = action == AS_CD;
    memcpy(q->drive.path, opt->image, sizeof(q->drive.path));
    return true;
}

static bool act(struct options *opt, const struct kind *k, const struct seen *s, struct err *err)
{
    if (k->action == REFUSED)
        return err_set(err, "'%.300s' %s", opt->image, k->advice);
    if (k->action != AS_KERNEL)
        return into_drive(opt, k->action, err) && suit_machine(opt, s, k->name, err);
    if (opt->kernel[0])
        return err_set(
            err, "'%.300s' is a kernel, and -kernel names another one; leave one of them out.",
            opt->image);
    memcpy(opt->kernel, opt->image, sizeof(opt->kernel));
    snprintf(opt->guessed, sizeof(opt->guessed), "a %s", k->name);
    return true;
}

static bool look(struct seen *s, const char *path, struct err *err)
{
    struct stat st;
    FILE *f = fopen(path, "rb");

    memset(s, 0, sizeof(*s));
    s->path = path;
    if (!f)
        return err_set(err, "Cannot open '%.300s': %s.", path, strerror(errno));
    s->n = fread(s->head, 1, HEAD, f);
    if (!fstat(fileno(f), &st)) {
        s->size = (u64)st.st_size;
        s->regular = S_ISREG(st.st_mode);
        s->folder = S_ISDIR(st.st_mode);
    }
    fclose(f);
    return true;
}

bool opts_guess(struct options *opt, struct err *err)
{
    struct seen s;

    if (!opt->image[0])
        return true;
    if (!look(&s, opt->image, err))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].is(&s))
            return act(opt, &kinds[i], &s, err);
    }
    return err_set(err,
                   "'%.300s' is no disk, CD, floppy or kernel that can be recognised; say what it "
                   "is with -hda, "
                   "-cdrom, -fda or -kernel.",
                   opt->image);
}
