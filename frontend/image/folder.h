/* A folder of the host as it is when it is opened, to be shown to a guest as a disk that is made up
 * while it is read. */
#ifndef FRONTEND_IMAGE_FOLDER_H
#define FRONTEND_IMAGE_FOLDER_H

#include "frontend/image/file.h"

enum { FOLDER_MAX = 65536, FOLDER_DEPTH = 32 };

struct folder_node {
    char *name;
    bool dir;
    u64 size; /* of a file */
    s64 mtime;
    struct folder_node *parent, **child;
    unsigned n, depth;
    /* the builder's */
    u64 first, clusters, second;
    char id[40];
    u32 number;
};
struct folder {
    int fd;
    struct folder_node *root;
    unsigned total;
};

/* Everything in the folder: regular files and folders; links and what cannot be read are left out.
 * NULL with *err. */
struct folder *folder_open(const char *path, struct err *err);
void folder_free(struct folder *f);
/* All nodes, parents first, level by level; malloc, `total` of them. */
struct folder_node **folder_list(const struct folder *f);

/* A file of such a disk; it owns the folder. Pieces are added in order of their places; what is
 * between them reads as zeros. Memory given belongs to it from then on. */
struct file *folder_file(struct folder *f);
bool folder_add_memory(struct file *file, u64 off, u8 *data, u64 n);
bool folder_add_node(struct file *file, u64 off, const struct folder_node *node);
void folder_set_size(struct file *file, u64 size);

/* UTF-8 to UTF-16; wrong bytes become '?'. Returns the units written, at most max. */
unsigned utf16(const char *s, u16 *to, unsigned max);

/* fat.c: "DIR" as a disk with one FAT16 partition, or as a floppy. iso.c: as a CD with Joliet. */
struct file *fat_open(const char *path, bool floppy, struct err *err);
struct file *iso_open(const char *path, struct err *err);

#endif
