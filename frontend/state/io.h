/* A place for bytes that a snapshot lies in: a file, a part of a disk image, or memory. */
#ifndef FRONTEND_STATE_IO_H
#define FRONTEND_STATE_IO_H

#include "devices/core/err.h"
#include "devices/core/types.h"

struct state_io {
    /* 0, or an errno. Reads beyond the end fail with EIO. */
    int (*read)(struct state_io *io, u64 off, void *buf, size_t n);
    int (*write)(struct state_io *io, u64 off, const void *buf, size_t n);
    /* Let [off, off + n) lie at `at`, pages of memory, without reading it now; what is written there
     * stays in memory. False: not possible, nothing has changed. NULL: never. */
    bool (*map)(struct state_io *io, u64 off, void *at, size_t n);
    u64 size;         /* of what can be read */
    const char *name; /* for messages */
};

/* A file of the host. */
struct state_file {
    struct state_io io;
    int fd;
    char *path, *temp; /* temp: written under this name until it is published; NULL: reading */
};
/* Open for reading: regular files only. False with *err. */
bool state_file_open(struct state_file *f, const char *path, struct err *err);
/* From now on io.map works. The file must not change as long as what was mapped is in use. */
void state_file_allow_map(struct state_file *f);
/* A new file beside `path`. */
bool state_file_create(struct state_file *f, const char *path, struct err *err);
/* What was written becomes the file at `path`, durably and at once: who looks finds the old one or
 * all of the new one. Closes. False with *err: the old file is as it was. */
bool state_file_publish(struct state_file *f, struct err *err);
/* Close; a file that was not published goes away. */
void state_file_close(struct state_file *f);

/* Memory that grows; belongs to the caller (state_mem_free). */
struct state_mem {
    struct state_io io;
    u8 *data;
    size_t cap;
};
void state_mem_init(struct state_mem *m);
/* Look at bytes that stay the caller's. */
void state_mem_view(struct state_mem *m, const void *data, size_t n);
void state_mem_free(struct state_mem *m);

#endif
