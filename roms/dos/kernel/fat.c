/* The FAT12 file system of the floppy (Microsoft FAT specification, sections 3 to 6): the table is
 * kept in memory, the root directory is read and written through the track buffer. */
#include "roms/dos/kernel/kernel.h"
#include "roms/lib/mem.h"

enum {
    FAT_START = 1,
    FAT_SECTORS = 9,
    ROOT_START = 19,
    ROOT_ENTRIES = 224,
    DATA_START = 33,
    CLUSTERS = 2880 - DATA_START,
    END_MARK = 0xfff,
    PER_SECTOR = SECTOR / 32,
};

static struct {
    u8 table[FAT_SECTORS * SECTOR];
    bool dirty[FAT_SECTORS];
} fat;

bool fat_init(void)
{
    u32 i;

    for (i = 0; i < FAT_SECTORS; i++) {
        u8 *s = disk_read(FAT_START + i);

        if (s == NULL)
            return false;
        memcpy(fat.table + i * SECTOR, s, SECTOR);
        fat.dirty[i] = false;
    }
    return true;
}

static bool valid(u16 cluster)
{
    return cluster >= 2 && cluster < CLUSTERS + 2;
}

/* Two 12-bit entries share three bytes. */
u16 fat_next(u16 cluster)
{
    u32 at = cluster + cluster / 2u;
    u16 v;

    if (!valid(cluster))
        return END_MARK;
    v = (u16)(fat.table[at] | fat.table[at + 1] << 8);
    return cluster & 1 ? v >> 4 : v & 0xfff;
}

static void set(u16 cluster, u16 value)
{
    u32 at = cluster + cluster / 2u;
    u16 v = (u16)(fat.table[at] | fat.table[at + 1] << 8);

    v = cluster & 1 ? (u16)((v & 0x000f) | value << 4) : (u16)((v & 0xf000) | value);
    fat.table[at] = (u8)v;
    fat.table[at + 1] = (u8)(v >> 8);
    fat.dirty[at / SECTOR] = true;
    fat.dirty[(at + 1) / SECTOR] = true;
}

u16 fat_extend(u16 after)
{
    u16 c;

    for (c = 2; c < CLUSTERS + 2; c++) {
        if (fat_next(c) == 0) {
            set(c, END_MARK);
            if (after != 0)
                set(after, c);
            return c;
        }
    }
    return 0;
}

void fat_free_chain(u16 cluster)
{
    while (valid(cluster)) {
        u16 next = fat_next(cluster);

        set(cluster, 0);
        cluster = next;
    }
}

void fat_cut(u16 cluster)
{
    if (valid(cluster)) {
        fat_free_chain(fat_next(cluster));
        set(cluster, END_MARK);
    }
}

u32 fat_free_clusters(void)
{
    u32 n = 0;
    u16 c;

    for (c = 2; c < CLUSTERS + 2; c++)
        n += fat_next(c) == 0;
    return n;
}

/* Both copies of the table. */
bool fat_flush(void)
{
    u32 i;

    for (i = 0; i < FAT_SECTORS; i++) {
        const u8 *s = fat.table + i * SECTOR;

        if (!fat.dirty[i])
            continue;
        if (!disk_write(FAT_START + i, s) || !disk_write(FAT_START + FAT_SECTORS + i, s))
            return false;
        fat.dirty[i] = false;
    }
    return true;
}

u32 fat_sector(u16 cluster)
{
    return DATA_START + cluster - 2u;
}

bool fat_is_end(u16 cluster)
{
    return !valid(cluster);
}

static u8 upper(char c)
{
    return (u8)(c >= 'a' && c <= 'z' ? c - 32 : c);
}

bool fat_name(u8 *out, const char *path)
{
    u32 o = 0, end = 8;

    if (path[0] != 0 && path[1] == ':') {
        if (upper(path[0]) != 'A')
            return false;
        path += 2;
    }
    if (*path == '\\' || *path == '/')
        path++;
    memset(out, ' ', 11);
    for (; *path != 0; path++) {
        if (*path == '\\' || *path == '/')
            return false;
        if (*path == '.') {
            o = 8;
            end = 11;
        } else if (*path == '*') {
            while (o < end)
                out[o++] = '?';
        } else if (o < end) {
            out[o++] = upper(*path);
        }
    }
    return out[0] != ' ';
}

bool dir_get(u32 index, struct dirent *e)
{
    u8 *s;

    if (index >= ROOT_ENTRIES)
        return false;
    s = disk_read(ROOT_START + index / PER_SECTOR);
    if (s == NULL)
        return false;
    memcpy(e, s + index % PER_SECTOR * sizeof(*e), sizeof(*e));
    return e->name[0] != 0;
}

bool dir_put(u32 index, const struct dirent *e)
{
    u32 lba = ROOT_START + index / PER_SECTOR;
    u8 *s = disk_read(lba);

    if (s == NULL)
        return false;
    memcpy(s + index % PER_SECTOR * sizeof(*e), e, sizeof(*e));
    return disk_write(lba, s);
}

bool dir_find(const u8 *name, u32 *index, struct dirent *e)
{
    u32 i, k;

    for (i = *index; dir_get(i, e); i++) {
        if (e->name[0] == 0xe5 || (e->attr & 0x08) != 0)
            continue;
        for (k = 0; k < 11 && (name[k] == '?' || name[k] == e->name[k]); k++)
            ;
        if (k == 11) {
            *index = i;
            return true;
        }
    }
    return false;
}

int dir_free(void)
{
    struct dirent e;
    u32 i;

    for (i = 0; i < ROOT_ENTRIES; i++) {
        if (!dir_get(i, &e) || e.name[0] == 0xe5)
            return (int)i;
    }
    return -1;
}
