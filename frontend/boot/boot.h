/* Direct kernel boot, host side: checks a kernel file and lays out what the boot ROMs copy into the
 * guest. */
#ifndef FRONTEND_BOOT_BOOT_H
#define FRONTEND_BOOT_BOOT_H

#include "devices/board/pc.h"
#include "devices/core/err.h"
#include "devices/core/types.h"

enum { BOOT_MAX_MODULES = 16 };

enum boot_kind { BOOT_LINUX, BOOT_MULTIBOOT };

/* A file in memory. `name` goes into messages and, for multiboot, into the command lines. */
struct boot_file {
    const char *name;
    const u8 *data;
    size_t len;
};

/* Everything a direct boot starts from. */
struct boot_input {
    struct boot_file kernel;
    struct boot_file module[BOOT_MAX_MODULES]; /* Linux: the initial ramdisk, at most one */
    unsigned nmodules;
    const char *cmdline; /* NULL: "" */
    u64 ram_size;        /* bytes of the machine's memory */
};

/* What came of it: numbered fw_cfg items, ready for pc_config. */
struct boot_image {
    enum boot_kind kind;
    struct pc_item item[PC_MAX_ITEMS];
    unsigned nitems;
    void *owned[PC_MAX_ITEMS + 2 * BOOT_MAX_MODULES + 8]; /* freed by boot_free */
    unsigned nowned;
};

/* Does the file carry the header of a Linux kernel, of a multiboot kernel? Looks no further than
 * the header. */
bool boot_is_linux(const u8 *data, size_t len);
bool boot_is_multiboot(const u8 *data, size_t len);

/* Lay out one kind of kernel. False with a sentence in *err when the file is not usable or memory
 * is too small; *out is then empty. The input's bytes must stay as long as the image is used. */
bool boot_linux(struct boot_image *out, const struct boot_input *in, struct err *err);
bool boot_multiboot(struct boot_image *out, const struct boot_input *in, struct err *err);

/* Whichever of the two the kernel is. */
bool boot_layout(struct boot_image *out, const struct boot_input *in, struct err *err);

/* The whole way from the command line: read `kernel` and `initrd` (NULL: none; for multiboot a list
 * of "file arguments" separated by commas) and lay them out. `ram_size` in bytes. Everything read
 * is kept in *out. */
bool boot_files(struct boot_image *out, const char *kernel, const char *initrd, const char *cmdline,
                u64 ram_size, struct err *err);

/* Put the items into a machine's configuration; *image must outlive the machine. */
void boot_apply(const struct boot_image *image, struct pc_config *cfg);

/* The option ROM that starts this kind of kernel under a BIOS: a file name under roms/. */
const char *boot_rom(enum boot_kind kind);

void boot_free(struct boot_image *image);

/* For the two loaders: add an item. A number is stored as four little-endian bytes. False when
 * memory runs out. */
bool boot_add(struct boot_image *image, u16 key, const u8 *data, size_t len);
bool boot_add_number(struct boot_image *image, u16 key, u32 v);
/* Zeroed memory that boot_free releases; NULL when there is none. */
void *boot_alloc(struct boot_image *image, size_t len);

#endif
