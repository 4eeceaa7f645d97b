/* Disk images: format drivers behind one interface, over a file (file.h), with backing files. An
 * image is used by one thread at a time. Functions return 0 or a positive errno where they move
 * data, and true or false with a sentence in *err where they set something up. */
#ifndef FRONTEND_IMAGE_IMAGE_H
#define FRONTEND_IMAGE_IMAGE_H

#include "frontend/image/file.h"

#include <stdio.h>

enum {
    IMAGE_WRITE = 1,
    IMAGE_NO_BACKING = 2, /* do not open the backing file: what it holds reads as zeros */
    IMAGE_NO_LOCK = 4,
    IMAGE_GUESS = 8,  /* believe the first bytes: for looking only, never for a guest's disk */
    IMAGE_REPAIR = 16, /* open what is broken as far as it can be looked at */
    IMAGE_QUIET = 32,  /* damage found later is not told on standard error */
};

enum image_map {
    MAP_NONE, /* not in this image: the backing file's, or zeros */
    MAP_ZERO, /* reads as zeros, whatever lies behind */
    MAP_DATA,
};

struct image;

struct image_create {
    u64 size;
    const char *backing, *backing_format; /* NULL: none */
    u64 cluster_size;                     /* 0: the format's own choice */
    unsigned version;                     /* qcow2: 2 or 3; 0: 3 */
    unsigned refcount_bits;               /* qcow2; 0: 16 */
    bool lazy, zstd;                      /* qcow2 */
    bool fixed;                           /* VHD, VDI: all at its place from the start */
};

enum { IMAGE_FIX_LEAKS = 1, IMAGE_FIX_ERRORS = 2 };
struct image_check {
    u64 corruptions, leaks, check_errors;
    u64 corruptions_fixed, leaks_fixed;
    u64 total, allocated, fragmented, compressed; /* clusters */
    u64 end;                                      /* behind the last cluster in use */
    FILE *out;                                    /* a line per finding; NULL: none */
};

struct image_snapshot {
    char id[32], name[256];
    u32 date, date_ns; /* since 1970 */
    u64 clock;         /* virtual ns */
    u64 vm_size, disk_size, icount;
};
struct image_snapshots {
    struct image_snapshot *v;
    unsigned n;
};

struct image_info {
    u64 cluster_size; /* 0: the format has none */
    char compat[8], compression[8], subformat[32];
    unsigned refcount_bits;
    bool lazy, dirty, corrupt, extended, compressed_only, qcow2;
};

struct image_driver {
    const char *name;
    const char *const *ends; /* of file names */
    const char *const *keys; /* of -o, that create knows; NULL: cannot create */
    bool grows;              /* create makes an image of no size, resize then gives it one */
    bool (*probe)(struct file *f);
    bool (*open)(struct image *im, struct err *err);
    int (*close)(struct image *im); /* brings everything to the file when writable */
    int (*read)(struct image *im, u64 off, u8 *buf, size_t n);
    int (*write)(struct image *im, u64 off, const u8 *buf, size_t n); /* NULL: read only */
    int (*write_packed)(struct image *im, u64 off, const u8 *buf, size_t n);
    int (*zero)(struct image *im, u64 off, u64 n);    /* NULL: written */
    int (*discard)(struct image *im, u64 off, u64 n); /* NULL: nothing happens */
    int (*empty)(struct image *im);                   /* nothing is in it any more */
    int (*flush)(struct image *im);
    /* What the bytes from off on are, and how many alike; at most n. */
    int (*map)(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind);
    bool (*create)(struct file *f, const char *path, const struct image_create *c,
                   struct err *err);
    bool (*check)(struct image *im, unsigned fix, struct image_check *res, struct err *err);
    bool (*resize)(struct image *im, u64 size, bool shrink, struct err *err);
    bool (*snap_list)(struct image *im, struct image_snapshots *list, struct err *err);
    bool (*snap_create)(struct image *im, const char *name, struct err *err);
    bool (*snap_apply)(struct image *im, const char *name, struct err *err);
    bool (*snap_delete)(struct image *im, const char *name, struct err *err);
    /* The state of a machine, beside the disk: written to the disk as it is now, a snapshot takes it
     * along (as->vm_size bytes; name, clock and icount are used, too), then it is dropped. */
    int (*vm_write)(struct image *im, u64 off, const void *buf, size_t n);
    bool (*vm_keep)(struct image *im, const struct image_snapshot *as, struct err *err);
    void (*vm_drop)(struct image *im, u64 n);
    int (*vm_read)(struct image *im, const char *name, u64 off, void *buf, size_t n);
    void (*info)(struct image *im, struct image_info *info);
};

struct image {
    const struct image_driver *drv;
    struct file *file;
    struct image *backing;
    char *path;
    char *backing_name, *backing_format; /* as the header has them; NULL: none */
    u64 size;                            /* as the guest sees it */
    bool writable;
    unsigned flags, depth;
    void *priv; /* the driver's */
};

extern const struct image_driver image_raw, image_qcow2, image_vpc, image_vmdk, image_vdi,
    image_memory;
/* Those that can be named, NULL at the end. */
extern const struct image_driver *const image_drivers[];
const struct image_driver *image_driver_by_name(const char *name);

/* Open the image at `path` and its backing files. Without a format the name tells it; a file that
 * begins like another format than it is named after is refused, since a guest can write such a
 * beginning. */
struct image *image_open(const char *path, const char *format, unsigned flags, struct err *err);
/* Does the path name a folder as a disk: fat:DIR, fat:floppy:DIR or iso:DIR? Those are only read. */
bool image_is_folder(const char *path);
/* The same over an opened file, which belongs to the image from now on, also when this fails. */
struct image *image_open_file(struct file *f, const char *path, const char *format, unsigned flags,
                              unsigned depth, struct err *err);
/* Make an image. Refused when the format cannot be created or does not know the options. */
bool image_create(const char *path, const char *format, const struct image_create *c,
                  struct err *err);
/* Read the text of -o into *c, whose strings then lie in `room`. */
bool image_options(struct image_create *c, const char *format, const char *text, char *room,
                   size_t size, struct err *err);
/* 0, or the errno of the last writes: then not all is in the file. */
int image_close(struct image *im);

int image_read(struct image *im, u64 off, void *buf, size_t n);
int image_write(struct image *im, u64 off, const void *buf, size_t n);
int image_write_packed(struct image *im, u64 off, const void *buf, size_t n);
int image_zero(struct image *im, u64 off, u64 n);
int image_discard(struct image *im, u64 off, u64 n);
int image_flush(struct image *im);
int image_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind);
/* As image_map, through the backing files: MAP_NONE does not come back. */
int image_map_all(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind);
/* Read from the backing file; zeros where it ends or when there is none. */
int image_read_backing(struct image *im, u64 off, u8 *buf, size_t n);
/* Write everything that differs from the backing file into it, and empty this one. */
bool image_commit(struct image *im, struct err *err);
/* Where the backing file lies, seen from here; malloc, NULL without memory. */
char *image_backing_path(const char *path, const char *backing);
/* An empty image in memory over `backing`, which it owns from now on; NULL without memory. */
struct image *image_memory_over(struct image *backing);
/* The same without owning it: image_memory_drop lets go of it, and of what was written. */
void image_memory_drop(struct image *over);
bool image_all_zero(const u8 *p, size_t n);

#endif
