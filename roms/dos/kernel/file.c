/* Open files: the system's table behind the handles of all programs. Files live in the root
 * directory; CON and AUX are the two devices. */
#include "roms/dos/kernel/kernel.h"
#include "roms/lib/mem.h"
#include "roms/lib/serial.h"

enum { SLOTS = 16, SLOT_CON = 0, SLOT_AUX = 1, ATTR_READONLY = 1, DATE = 40 << 9 | 1 << 5 | 1 };
enum kind { KIND_FREE, KIND_CON, KIND_AUX, KIND_FILE };

struct slot {
    u8 kind, refs, mode;
    bool dirty;
    u16 dir_index;
    u16 first;
    u32 size, pos;
    u16 date, time;
    /* Where the last access was: sectors are mostly read in order. */
    u16 cluster;
    u32 cluster_index;
};

static struct {
    struct slot slot[SLOTS];
    u8 bounce[SECTOR];
} files;

void file_init(void)
{
    memset(&files, 0, sizeof(files));
    files.slot[SLOT_CON] = (struct slot){.kind = KIND_CON, .refs = 1, .mode = 2};
    files.slot[SLOT_AUX] = (struct slot){.kind = KIND_AUX, .refs = 1, .mode = 2};
}

static struct slot *get(int slot)
{
    if (slot < 0 || slot >= SLOTS || files.slot[slot].kind == KIND_FREE)
        return NULL;
    return &files.slot[slot];
}

static int free_slot(void)
{
    int i;

    for (i = 2; i < SLOTS; i++) {
        if (files.slot[i].kind == KIND_FREE)
            return i;
    }
    return -ERR_HANDLES;
}

static int device(const u8 *name)
{
    if (memcmp(name, "CON     ", 8) == 0)
        return SLOT_CON;
    if (memcmp(name, "AUX     ", 8) == 0)
        return SLOT_AUX;
    return -1;
}

static bool has_wildcard(const u8 *name)
{
    u32 i;

    for (i = 0; i < 11; i++) {
        if (name[i] == '?')
            return true;
    }
    return false;
}

static int take(u32 index, const struct dirent *e, u8 mode)
{
    int n = free_slot();

    if (n >= 0) {
        files.slot[n] = (struct slot){.kind = KIND_FILE,
                                      .refs = 1,
                                      .mode = mode,
                                      .dir_index = (u16)index,
                                      .first = e->cluster,
                                      .size = e->size,
                                      .date = e->date,
                                      .time = e->time};
    }
    return n;
}

int file_open(const char *path, u8 mode)
{
    struct dirent e;
    u8 name[11];
    u32 index = 0;
    int dev;

    if (!fat_name(name, path))
        return -ERR_PATH;
    dev = device(name);
    if (dev >= 0) {
        file_addref(dev);
        return dev;
    }
    if (!dir_find(name, &index, &e))
        return -ERR_NOT_FOUND;
    if ((mode & 3) != 0 && (e.attr & ATTR_READONLY) != 0)
        return -ERR_ACCESS;
    return take(index, &e, mode & 3);
}

int file_create(const char *path, u8 attr, bool must_be_new)
{
    struct dirent e;
    u8 name[11];
    u32 index = 0;

    if (!fat_name(name, path) || has_wildcard(name))
        return -ERR_PATH;
    if (device(name) >= 0)
        return file_open(path, 2);
    if (dir_find(name, &index, &e)) {
        if (must_be_new)
            return -ERR_EXISTS;
        fat_free_chain(e.cluster);
    } else {
        int n = dir_free();

        if (n < 0)
            return -ERR_ACCESS;
        index = (u32)n;
        memset(&e, 0, sizeof(e));
        memcpy(e.name, name, 11);
    }
    e.attr = attr;
    e.size = 0;
    e.cluster = 0;
    e.date = DATE;
    e.time = 0;
    if (!dir_put(index, &e) || !fat_flush())
        return -ERR_ACCESS;
    return take(index, &e, 2);
}

void file_addref(int slot)
{
    struct slot *s = get(slot);

    if (s != NULL)
        s->refs++;
}

/* What changed goes to the directory and the table. */
static bool flush(struct slot *s)
{
    struct dirent e;

    if (!s->dirty)
        return true;
    if (!dir_get(s->dir_index, &e))
        return false;
    e.size = s->size;
    e.cluster = s->first;
    e.date = s->date;
    e.time = s->time;
    s->dirty = false;
    return dir_put(s->dir_index, &e) && fat_flush();
}

int file_close(int slot)
{
    struct slot *s = get(slot);
    bool ok = true;

    if (s == NULL)
        return -ERR_HANDLE;
    if (s->kind != KIND_FILE)
        return 0;
    s->refs--;
    if (s->refs == 0) {
        ok = flush(s);
        s->kind = KIND_FREE;
    }
    return ok ? 0 : -ERR_ACCESS;
}

/* The cluster that holds byte `pos`; 0 when the chain ends before and `grow` is not set. */
static u16 locate(struct slot *s, u32 pos, bool grow)
{
    u32 want = pos / SECTOR, i = 0;
    u16 c = s->first;

    if (c == 0) {
        c = grow ? fat_extend(0) : 0;
        if (c == 0)
            return 0;
        s->first = c;
        s->dirty = true;
        s->cluster = 0;
    }
    if (s->cluster != 0 && s->cluster_index <= want) {
        c = s->cluster;
        i = s->cluster_index;
    }
    for (; i < want; i++) {
        u16 next = fat_next(c);

        if (fat_is_end(next)) {
            next = grow ? fat_extend(c) : 0;
            if (next == 0)
                return 0;
        }
        c = next;
    }
    s->cluster = c;
    s->cluster_index = want;
    return c;
}

static int con_read(u16 seg, u16 off, u16 n)
{
    char line[128];
    u32 len;

    len = con_line(line, sizeof(line) - 2);
    con_puts("\n");
    line[len] = '\r';
    line[len + 1] = '\n';
    len = MIN(len + 2, n);
    far_write(seg, off, line, len);
    return (int)len;
}

int file_read(int slot, u16 seg, u16 off, u16 n)
{
    struct slot *s = get(slot);
    u32 done = 0;

    if (s == NULL)
        return -ERR_HANDLE;
    if (s->kind == KIND_CON)
        return con_read(seg, off, n);
    if (s->kind == KIND_AUX)
        return 0;
    if (s->mode == 1)
        return -ERR_ACCESS;
    while (done < n && s->pos < s->size) {
        u32 in = s->pos % SECTOR, part = MIN(SECTOR - in, (u32)n - done);
        u16 c = locate(s, s->pos, false);
        const u8 *data;

        part = MIN(part, s->size - s->pos);
        data = c != 0 ? disk_read(fat_sector(c)) : NULL;
        if (data == NULL)
            return -ERR_ACCESS;
        far_write(seg, (u16)(off + done), data + in, part);
        done += part;
        s->pos += part;
    }
    return (int)done;
}

static int dev_write(struct slot *s, u16 seg, u16 off, u16 n)
{
    u32 i;

    for (i = 0; i < n; i++) {
        char c = (char)peek8(seg, (u16)(off + i));

        if (s->kind == KIND_CON)
            con_put(c);
        else
            serial_putc(c);
    }
    return n;
}

/* Writing nothing makes the file end here. */
static int truncate(struct slot *s)
{
    u16 c;

    if (s->pos == 0) {
        fat_free_chain(s->first);
        s->first = 0;
    } else if (s->pos < s->size) {
        c = locate(s, s->pos - 1, false);
        fat_cut(c);
    }
    s->size = s->pos;
    s->cluster = 0;
    s->dirty = true;
    return 0;
}

int file_write(int slot, u16 seg, u16 off, u16 n)
{
    struct slot *s = get(slot);
    u32 done = 0;

    if (s == NULL)
        return -ERR_HANDLE;
    if (s->kind != KIND_FILE)
        return dev_write(s, seg, off, n);
    if (s->mode == 0)
        return -ERR_ACCESS;
    if (n == 0)
        return truncate(s);
    while (done < n) {
        u32 in = s->pos % SECTOR, part = MIN(SECTOR - in, (u32)n - done);
        u16 c = locate(s, s->pos, true);
        u8 *old;

        if (c == 0)
            break; /* the disk is full: the caller sees a short count */
        if (part < SECTOR) {
            old = disk_read(fat_sector(c));
            if (old == NULL)
                return -ERR_ACCESS;
            memcpy(files.bounce, old, SECTOR);
        }
        far_read(files.bounce + in, seg, (u16)(off + done), part);
        if (!disk_write(fat_sector(c), files.bounce))
            return -ERR_ACCESS;
        done += part;
        s->pos += part;
        s->size = MAX(s->size, s->pos);
        s->dirty = true;
    }
    return (int)done;
}

int file_seek(int slot, u8 whence, u32 offset, u32 *position)
{
    struct slot *s = get(slot);

    if (s == NULL)
        return -ERR_HANDLE;
    if (whence > 2)
        return -ERR_FUNCTION;
    if (whence == 1)
        offset += s->pos;
    else if (whence == 2)
        offset += s->size;
    s->pos = offset;
    *position = offset;
    return 0;
}

int file_info(int slot, u16 *info)
{
    struct slot *s = get(slot);

    if (s == NULL)
        return -ERR_HANDLE;
    if (s->kind == KIND_CON)
        *info = 0x80d3; /* a character device, standard input and output */
    else if (s->kind == KIND_AUX)
        *info = 0x80c0;
    else
        *info = s->dirty ? 0 : 0x40; /* drive A, not written yet */
    return 0;
}

int file_delete(const char *path)
{
    struct dirent e;
    u8 name[11];
    u32 index = 0;

    if (!fat_name(name, path) || has_wildcard(name))
        return -ERR_PATH;
    if (!dir_find(name, &index, &e))
        return -ERR_NOT_FOUND;
    if ((e.attr & ATTR_READONLY) != 0)
        return -ERR_ACCESS;
    fat_free_chain(e.cluster);
    e.name[0] = 0xe5;
    return dir_put(index, &e) && fat_flush() ? 0 : -ERR_ACCESS;
}

int file_rename(const char *from, const char *to)
{
    struct dirent e, other;
    u8 a[11], b[11];
    u32 index = 0, second = 0;

    if (!fat_name(a, from) || !fat_name(b, to) || has_wildcard(b))
        return -ERR_PATH;
    if (!dir_find(a, &index, &e))
        return -ERR_NOT_FOUND;
    if (dir_find(b, &second, &other))
        return -ERR_ACCESS;
    memcpy(e.name, b, 11);
    return dir_put(index, &e) ? 0 : -ERR_ACCESS;
}

void file_date(int slot, bool set, u16 *date, u16 *time)
{
    struct slot *s = get(slot);

    if (s == NULL)
        return;
    if (set) {
        s->date = *date;
        s->time = *time;
        s->dirty = true;
    }
    *date = s->date;
    *time = s->time;
}
