/* The calls every kind of file shares: bounds, zeros behind the end, and what follows from a failed
 * flush. */
#include "frontend/image/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int file_get(struct file *f, u64 off, void *buf, size_t n)
{
    size_t in = off >= f->size ? 0 : (size_t)MIN((u64)n, f->size - off);
    int rc = in ? f->ops->read(f, off, buf, in) : 0;

    memset((u8 *)buf + in, 0, n - in);
    return rc;
}

int file_put(struct file *f, u64 off, const void *buf, size_t n)
{
    int rc;

    if (!f->writable)
        return EROFS;
    if (f->poisoned)
        return EIO;
    if (off > INT64_MAX - n || (f->fixed && (off > f->size || n > f->size - off)))
        return f->fixed ? ENOSPC : EFBIG;
    rc = n ? f->ops->write(f, off, buf, n) : 0;
    if (!rc && n)
        f->size = MAX(f->size, off + n);
    return rc;
}

int file_flush(struct file *f)
{
    int rc;

    if (!f->writable)
        return 0;
    if (f->poisoned)
        return EIO;
    rc = f->ops->flush(f);
    if (rc)
        f->poisoned = true;
    return rc;
}

int file_truncate(struct file *f, u64 size)
{
    int rc;

    if (!f->writable)
        return EROFS;
    if (f->poisoned)
        return EIO;
    if (size == f->size)
        return 0;
    if (f->fixed || !f->ops->truncate)
        return size < f->size ? 0 : ENOSPC;
    if (size > INT64_MAX)
        return EFBIG;
    rc = f->ops->truncate(f, size);
    if (!rc)
        f->size = size;
    return rc;
}

int file_punch(struct file *f, u64 off, u64 n)
{
    if (!f->writable)
        return EROFS;
    if (f->poisoned)
        return EIO;
    if (!f->ops->punch || off >= f->size)
        return ENOTSUP;
    return f->ops->punch(f, off, MIN(n, f->size - off));
}

u64 file_run(struct file *f, u64 off, u64 n, bool *hole)
{
    if (off >= f->size) {
        *hole = true;
        return n;
    }
    *hole = false;
    n = MIN(n, f->size - off);
    return f->ops->run ? f->ops->run(f, off, n, hole) : n;
}

void file_close(struct file *f)
{
    if (f)
        f->ops->close(f);
}

/* ---- memory ---- */

enum { MEMORY_MAX = 1 << 30 };

struct memory {
    struct file f;
    u8 *data;
    size_t room;
};

static int memory_read(struct file *f, u64 off, u8 *buf, size_t n)
{
    memcpy(buf, container_of(f, struct memory, f)->data + off, n);
    return 0;
}

static int memory_room(struct memory *m, u64 size)
{
    size_t room;
    u8 *p;

    if (size <= m->room)
        return 0;
    if (size > MEMORY_MAX)
        return ENOSPC;
    room = (size_t)MAX(size, (u64)m->room * 2);
    p = realloc(m->data, room);
    if (!p)
        return ENOMEM;
    memset(p + m->room, 0, room - m->room);
    m->data = p;
    m->room = room;
    return 0;
}

static int memory_write(struct file *f, u64 off, const u8 *buf, size_t n)
{
    struct memory *m = container_of(f, struct memory, f);
    int rc = memory_room(m, off + n);

    if (!rc)
        memcpy(m->data + off, buf, n);
    return rc;
}

static int memory_flush(struct file *f)
{
    return 0;
}

static int memory_truncate(struct file *f, u64 size)
{
    struct memory *m = container_of(f, struct memory, f);
    int rc = memory_room(m, size);

    if (!rc && size < f->size)
        memset(m->data + size, 0, f->size - size);
    return rc;
}

static int memory_punch(struct file *f, u64 off, u64 n)
{
    memset(container_of(f, struct memory, f)->data + off, 0, n);
    return 0;
}

static void memory_close(struct file *f)
{
    struct memory *m = container_of(f, struct memory, f);

    free(m->data);
    free(m);
}

static const struct file_ops memory_ops = {
    .read = memory_read,
    .write = memory_write,
    .flush = memory_flush,
    .truncate = memory_truncate,
    .punch = memory_punch,
    .close = memory_close,
};

struct file *file_memory(u8 *data, size_t n)
{
    struct memory *m = calloc(1, sizeof(*m));

    if (!m)
        return NULL;
    m->f = (struct file){.ops = &memory_ops, .size = n, .writable = true};
    m->data = data;
    m->room = n;
    return &m->f;
}

const u8 *file_memory_data(const struct file *f)
{
    return container_of(f, const struct memory, f)->data;
}
