/* Where the bytes of an image lie: a file of the host, memory, or a server; one owner at a time.
 * All calls may block; one thread at a time uses a file. Functions return 0 or a positive errno. */
#ifndef FRONTEND_IMAGE_FILE_H
#define FRONTEND_IMAGE_FILE_H

#include "devices/core/err.h"
#include "devices/core/types.h"

struct file;
struct file_ops {
    /* within [0, size) only; file_get adds the zeros behind it */
    int (*read)(struct file *f, u64 off, u8 *buf, size_t n);
    int (*write)(struct file *f, u64 off, const u8 *buf, size_t n); /* grows the file */
    int (*flush)(struct file *f);
    int (*truncate)(struct file *f, u64 size);
    /* The bytes read as zeros from now on, and take no room if that can be had. NULL: cannot. */
    int (*punch)(struct file *f, u64 off, u64 n);
    /* How many of the n bytes from off on are alike: a hole, or data. NULL: all data. */
    u64 (*run)(struct file *f, u64 off, u64 n, bool *hole);
    void (*close)(struct file *f);
};
struct file {
    const struct file_ops *ops;
    u64 size;
    bool writable;
    bool fixed;    /* cannot grow: a block device, a server */
    bool poisoned; /* a flush failed: what was acknowledged may be lost, so nothing more is */
    u64 dev, ino;  /* what it is on the host, to find cycles; ino 0: nothing of the kind */
};

enum {
    FILE_WRITE = 1,
    FILE_CREATE = 2, /* make it, or empty it once it is ours; with FILE_WRITE */
    FILE_NOLOCK = 4, /* read although another program may write it */
};

/* Open a file of the host and lock it: exclusively to write, shared to read. NULL with *err. */
struct file *file_open(const char *path, unsigned flags, struct err *err);
/* A file in memory that takes over `data` (malloc, may be NULL); for tests and small images. */
struct file *file_memory(u8 *data, size_t n);
const u8 *file_memory_data(const struct file *f);
void file_close(struct file *f);

/* Bytes behind the end read as zeros. */
int file_get(struct file *f, u64 off, void *buf, size_t n);
int file_put(struct file *f, u64 off, const void *buf, size_t n);
/* Everything written before is durable when it returns 0. A failure is for good: the host forgets
 * failed pages, so that a second try would succeed without the data being safe. */
int file_flush(struct file *f);
int file_truncate(struct file *f, u64 size);
int file_punch(struct file *f, u64 off, u64 n);
u64 file_run(struct file *f, u64 off, u64 n, bool *hole);
/* Give the lock up, so that the same path can be opened again before this is closed. */
void file_unlock(struct file *f);
/* Bytes that the file takes on the host's disk; 0 when that is not known. */
u64 file_allocated(struct file *f);

#endif
