/* A folder as a FAT disk: a FAT16 partition, or a FAT12 floppy ("Microsoft FAT Specification"), with
 * long names. It is only read: what a guest writes stays in the memory of a snapshot. */
#include "frontend/image/folder.h"

#include "devices/core/bits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SECTOR = 512, ENTRY = 32, START = 63, HEADS = 16, TRACK = 63 };
enum { FAT16_MIN = 4200, FAT16_MAX = 65500 };
enum { ATTR_DIR = 0x10, ATTR_ARCHIVE = 0x20, ATTR_LONG = 0x0f, ATTR_LABEL = 8 };

struct fat {
    struct folder *folder;
    struct folder_node **node;
    bool floppy;
    u32 start, total;       /* sectors: in front of the volume, of it */
    u32 per, root_entries;  /* sectors of a cluster */
    u32 fat_sectors, clusters;
    u32 media, heads, track;
    u8 *table;
};

/* ---- names ---- */

static bool plain(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("$%'-_@~`!(){}^#&", c));
}

/* A name of 8 and 3 characters into id (11 characters); true when it says all. */
static bool short_name(const char *name, char *id)
{
    const char *dot = strrchr(name, '.');
    bool exact = dot != name;
    unsigned n = 0;

    memset(id, ' ', 11);
    id[11] = 0;
    if (dot == name)
        dot = NULL;
    for (const char *p = name; *p && p != dot; p++) {
        char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;

        exact &= c == *p && plain(c) && n < 8;
        if (c != ' ' && c != '.' && n < 8)
            id[n++] = plain(c) ? c : '_';
    }
    n = 0;
    for (const char *p = dot ? dot + 1 : ""; *p; p++) {
        char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;

        exact &= c == *p && plain(c) && n < 3;
        if (n < 3)
            id[8 + n++] = plain(c) ? c : '_';
    }
    if (id[0] == ' ')
        id[0] = '_', exact = false;
    return exact;
}

static bool taken(const struct folder_node *dir, unsigned upto, const char *id)
{
    for (unsigned i = 0; i < upto; i++) {
        if (!memcmp(dir->child[i]->id, id, 11))
            return true;
    }
    return false;
}

/* Names of a folder; number counts the entries that a name takes. */
static void name_children(struct folder_node *dir)
{
    for (unsigned i = 0; i < dir->n; i++) {
        struct folder_node *n = dir->child[i];
        u16 wide[256];
        bool exact = short_name(n->name, n->id);

        /* small folders get small numbers; in large ones trying all would take too long */
        for (unsigned k = i < 100 ? 1 : i + 1; taken(dir, i, n->id) && k < 1000000; k++) {
            char tail[12];
            int len = snprintf(tail, sizeof(tail), "~%u", k), base = 8 - len;

            while (base > 1 && n->id[base - 1] == ' ')
                base--;
            memset(n->id + base, ' ', (size_t)(8 - base));
            memcpy(n->id + base, tail, (size_t)len);
            exact = false;
        }
        n->number = exact ? 1 : 1 + (utf16(n->name, wide, 255) + 12) / 13;
    }
}

static u32 entries_of(const struct folder_node *dir)
{
    u32 n = dir->parent ? 2 : 1; /* "." and "..", or the label */

    for (unsigned i = 0; i < dir->n; i++)
        n += dir->child[i]->number;
    return n;
}

/* ---- folders ---- */

static void dos_time(s64 when, u8 *p)
{
    time_t t = (time_t)when;
    struct tm tm;

    if (!localtime_r(&t, &tm) || tm.tm_year < 80 || tm.tm_year > 207)
        return;
    st16(p, (u16)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2));
    st16(p + 2, (u16)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday));
}

static void put_entry(u8 *p, const char *id, u8 attr, u64 first, u64 size, s64 mtime)
{
    memcpy(p, id, 11);
    p[11] = attr;
    dos_time(mtime, p + 22);
    memcpy(p + 14, p + 22, 4);
    memcpy(p + 18, p + 24, 2);
    st16(p + 26, (u16)first);
    st32(p + 28, (u32)size);
}

/* A long name lies in front of its entry, last part first. */
static u8 *put_long(u8 *p, const struct folder_node *n)
{
    static const u8 at[13] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    u16 wide[256 + 13];
    unsigned len = utf16(n->name, wide, 255), parts = n->number - 1;
    u8 sum = 0;

    for (unsigned i = 0; i < 11; i++)
        sum = (u8)((sum & 1) << 7) + (sum >> 1) + (u8)n->id[i];
    for (unsigned part = parts; part; part--, p += ENTRY) {
        p[0] = (u8)(part | (part == parts ? 0x40 : 0));
        p[11] = ATTR_LONG;
        p[13] = sum;
        for (unsigned i = 0; i < 13; i++) {
            unsigned k = (part - 1) * 13 + i;

            st16(p + at[i], k < len ? wide[k] : k == len ? 0 : 0xffff);
        }
    }
    return p;
}

static void put_dir(u8 *p, const struct folder_node *dir)
{
    if (dir->parent) {
        put_entry(p, ".          ", ATTR_DIR, dir->first, 0, dir->mtime);
        put_entry(p + ENTRY, "..         ", ATTR_DIR, dir->parent->first, 0, dir->mtime);
        p += 2 * ENTRY;
    } else {
        put_entry(p, "DRAGOMAN   ", ATTR_LABEL, 0, 0, 0);
        p += ENTRY;
    }
    for (unsigned i = 0; i < dir->n; i++) {
        const struct folder_node *n = dir->child[i];

        p = put_long(p, n);
        put_entry(p, n->id, n->dir ? ATTR_DIR : ATTR_ARCHIVE, n->first, n->size, n->mtime);
        p += ENTRY;
    }
}

/* ---- the volume ---- */

static u64 bytes_of(const struct folder_node *n)
{
    return n->dir ? (u64)entries_of(n) * ENTRY : n->size;
}

/* Clusters that all takes, with so many sectors each. */
static u64 need(const struct fat *f, u32 per)
{
    u64 n = 0;

    for (unsigned i = 1; i < f->folder->total; i++)
        n += (bytes_of(f->node[i]) + per * SECTOR - 1) / (per * SECTOR);
    return n;
}

static bool plan_floppy(struct fat *f, struct err *err)
{
    static const struct {
        u32 total, per, root, fat, media, track;
    } sizes[] = {{2880, 1, 224, 9, 0xf0, 18}, {5760, 2, 240, 9, 0xf0, 36}};

    f->heads = 2;
    for (unsigned i = 0; i < 2; i++) {
        u32 data = sizes[i].total - 1 - 2 * sizes[i].fat - sizes[i].root / 16;

        if (need(f, sizes[i].per) > data / sizes[i].per ||
            entries_of(f->folder->root) > sizes[i].root)
            continue;
        f->total = sizes[i].total;
        f->per = sizes[i].per;
        f->root_entries = sizes[i].root;
        f->fat_sectors = sizes[i].fat;
        f->clusters = data / sizes[i].per;
        f->media = sizes[i].media;
        f->track = sizes[i].track;
        return true;
    }
    return err_set(err, "the folder does not fit on a floppy of 2.88 MB");
}

static bool plan_disk(struct fat *f, struct err *err)
{
    u64 n = 0;

    f->heads = HEADS;
    f->track = TRACK;
    f->start = START;
    f->media = 0xf8;
    f->root_entries = MAX((entries_of(f->folder->root) + 15) & ~15u, 512u);
    for (f->per = 4; f->per <= 64; f->per *= 2) {
        n = need(f, f->per);
        n += n / 8 + 512; /* room that the guest sees as free */
        if (n <= FAT16_MAX)
            break;
    }
    if (f->per > 64 || f->root_entries > 65520)
        return err_set(err, "the folder is larger than a FAT16 disk can be (2 GiB)");
    f->clusters = (u32)MAX(n, (u64)FAT16_MIN);
    f->fat_sectors = ((f->clusters + 2) * 2 + SECTOR - 1) / SECTOR;
    f->total = 1 + 2 * f->fat_sectors + f->root_entries / 16 + f->clusters * f->per;
    return true;
}

static void set_link(struct fat *f, u32 i, u32 to)
{
    u8 *p = f->table;

    if (!f->floppy) {
        st16(p + 2 * i, (u16)to);
        return;
    }
    p += i + i / 2;
    if (i & 1)
        st16(p, (u16)((ld16(p) & 0xf) | to << 4));
    else
        st16(p, (u16)((ld16(p) & 0xf000) | (to & 0xfff)));
}

static void chain_all(struct fat *f)
{
    u32 at = 2, end = f->floppy ? 0xfff : 0xffff;

    set_link(f, 0, (f->floppy ? 0xf00 : 0xff00) | f->media);
    set_link(f, 1, end);
    for (unsigned i = 1; i < f->folder->total; i++) {
        struct folder_node *n = f->node[i];

        n->clusters = (bytes_of(n) + f->per * SECTOR - 1) / (f->per * SECTOR);
        n->first = n->clusters ? at : 0;
        for (u64 k = 1; k < n->clusters; k++, at++)
            set_link(f, at, at + 1);
        if (n->clusters)
            set_link(f, at++, end);
    }
}

static void put_boot(const struct fat *f, u8 *p)
{
    /* jmp to: int 18h, nothing to start here; then for ever hlt */
    static const u8 code[] = {0xcd, 0x18, 0xf4, 0xeb, 0xfd};

    memcpy(p, "\xeb\x3c\x90" "DRAGOMAN", 11);
    st16(p + 11, SECTOR);
    p[13] = (u8)f->per;
    st16(p + 14, 1);
    p[16] = 2;
    st16(p + 17, (u16)f->root_entries);
    st16(p + 19, (u16)(f->total < 65536 ? f->total : 0));
    p[21] = (u8)f->media;
    st16(p + 22, (u16)f->fat_sectors);
    st16(p + 24, (u16)f->track);
    st16(p + 26, (u16)f->heads);
    st32(p + 28, f->start);
    st32(p + 32, f->total < 65536 ? 0 : f->total);
    p[36] = f->floppy ? 0 : 0x80;
    p[38] = 0x29;
    st32(p + 39, 0xd7a60a7e);
    memcpy(p + 43, "DRAGOMAN   ", 11);
    memcpy(p + 54, f->floppy ? "FAT12   " : "FAT16   ", 8);
    memcpy(p + 62, code, sizeof(code));
    st16(p + 510, 0xaa55);
}

static void put_chs(u8 *p, u32 lba)
{
    u32 cyl = lba / (HEADS * TRACK);

    if (cyl > 1023)
        cyl = 1023;
    p[0] = (u8)(lba / TRACK % HEADS);
    p[1] = (u8)((lba % TRACK + 1) | (cyl >> 8 << 6));
    p[2] = (u8)cyl;
}

static u8 *new_mbr(const struct fat *f)
{
    u8 *p = calloc(1, SECTOR), *e = p ? p + 446 : NULL;

    if (!p)
        return NULL;
    memcpy(p, "\xcd\x18\xf4\xeb\xfd", 5);
    put_chs(e + 1, f->start);
    e[4] = f->total < 65536 ? 0x04 : 0x06;
    put_chs(e + 5, f->start + f->total - 1);
    st32(e + 8, f->start);
    st32(e + 12, f->total);
    st16(p + 510, 0xaa55);
    return p;
}

static bool build(struct fat *f, struct file *file)
{
    u64 base = (u64)f->start * SECTOR, root = (1 + 2 * (u64)f->fat_sectors) * SECTOR;
    u64 data = root + (u64)f->root_entries * ENTRY;
    u8 *head = calloc(1, data);
    bool ok = head && (f->floppy || folder_add_memory(file, 0, new_mbr(f), SECTOR));

    f->table = calloc(1, (u64)f->fat_sectors * SECTOR + 4);
    if (!ok || !f->table) {
        free(head);
        return false;
    }
    chain_all(f);
    put_boot(f, head);
    memcpy(head + SECTOR, f->table, (u64)f->fat_sectors * SECTOR);
    memcpy(head + SECTOR + (u64)f->fat_sectors * SECTOR, f->table, (u64)f->fat_sectors * SECTOR);
    put_dir(head + root, f->folder->root);
    ok = folder_add_memory(file, base, head, data);
    for (unsigned i = 1; ok && i < f->folder->total; i++) {
        struct folder_node *n = f->node[i];
        u64 at = base + data + (n->first - 2) * f->per * SECTOR;
        u8 *p;

        if (!n->dir) {
            ok = folder_add_node(file, at, n);
            continue;
        }
        p = calloc(n->clusters, (size_t)f->per * SECTOR);
        if (p)
            put_dir(p, n);
        ok = folder_add_memory(file, at, p, n->clusters * f->per * SECTOR);
    }
    /* whole cylinders, as the geometry says */
    folder_set_size(file, f->floppy ? (u64)f->total * SECTOR
                                    : (base + (u64)f->total * SECTOR + HEADS * TRACK * SECTOR - 1) /
                                          (HEADS * TRACK * SECTOR) * (HEADS * TRACK * SECTOR));
    return ok;
}

struct file *fat_open(const char *path, bool floppy, struct err *err)
{
    struct fat f = {.floppy = floppy};
    struct file *file;
    bool ok;

    f.folder = folder_open(path, err);
    if (!f.folder)
        return NULL;
    file = folder_file(f.folder);
    f.node = file ? folder_list(f.folder) : NULL;
    if (!file || !f.node) {
        err_set(err, "no memory");
        if (file)
            file_close(file);
        else
            folder_free(f.folder);
        return NULL;
    }
    for (unsigned i = 0; i < f.folder->total; i++)
        name_children(f.node[i]);
    ok = floppy ? plan_floppy(&f, err) : plan_disk(&f, err);
    if (ok && !build(&f, file))
        ok = err_set(err, "no memory");
    free(f.node);
    free(f.table);
    if (ok)
        return file;
    file_close(file);
    return NULL;
}
