/* Direct kernel boot: reading the files, telling the kinds apart, and the list of items that both
 * kinds produce. */
#include "frontend/boot/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No kernel or ramdisk is larger; a bound keeps a mistaken name from filling memory. */
#define MAX_FILE (1 * GIB)

void *boot_alloc(struct boot_image *image, size_t len)
{
    void *p;

    if (image->nowned == ARRAY_LEN(image->owned))
        return NULL;
    p = calloc(1, len != 0 ? len : 1);
    if (p != NULL)
        image->owned[image->nowned++] = p;
    return p;
}

void boot_free(struct boot_image *image)
{
    for (unsigned i = 0; i < image->nowned; i++)
        free(image->owned[i]);
    memset(image, 0, sizeof(*image));
}

bool boot_add(struct boot_image *image, u16 key, const u8 *data, size_t len)
{
    struct pc_item *it;

    if (image->nitems == PC_MAX_ITEMS)
        return false;
    it = &image->item[image->nitems++];
    it->key = key;
    it->data = data;
    it->len = len;
    return true;
}

bool boot_add_number(struct boot_image *image, u16 key, u32 v)
{
    u8 *p = boot_alloc(image, 4);

    if (p == NULL)
        return false;
    for (unsigned i = 0; i < 4; i++)
        p[i] = (u8)(v >> (8 * i));
    return boot_add(image, key, p, 4);
}

bool boot_layout(struct boot_image *out, const struct boot_input *in, struct err *err)
{
    memset(out, 0, sizeof(*out));
    if (boot_is_linux(in->kernel.data, in->kernel.len))
        return boot_linux(out, in, err);
    if (boot_is_multiboot(in->kernel.data, in->kernel.len))
        return boot_multiboot(out, in, err);
    return err_set(err,
                   "%s is neither a Linux kernel (bzImage) nor a multiboot kernel; -kernel starts "
                   "no other kind",
                   in->kernel.name);
}

static bool read_file(struct boot_image *image, struct boot_file *f, struct err *err)
{
    FILE *fp = fopen(f->name, "rb");
    u8 *data;
    long size;

    if (fp == NULL)
        return err_set(err, "cannot open %s: %s", f->name, strerror(errno));
    if (fseek(fp, 0, SEEK_END) != 0 || (size = ftell(fp)) < 0 || fseek(fp, 0, SEEK_SET) != 0) {
        fclose(fp);
        return err_set(err, "cannot read %s: not a plain file", f->name);
    }
    if ((u64)size > MAX_FILE) {
        fclose(fp);
        return err_set(err, "%s is larger than 1 GiB: no kernel or initial ramdisk", f->name);
    }
    data = boot_alloc(image, (size_t)size);
    if (data == NULL) {
        fclose(fp);
        return err_set(err, "out of memory while reading %s", f->name);
    }
    if (fread(data, 1, (size_t)size, fp) != (size_t)size) {
        fclose(fp);
        return err_set(err, "cannot read %s to its end", f->name);
    }
    fclose(fp);
    f->data = data;
    f->len = (size_t)size;
    return true;
}

/* Split "a args,b args" at the commas; the pieces become names (with arguments) of modules. */
static bool split_modules(struct boot_image *image, struct boot_input *in, const char *list,
                          bool multiboot, struct err *err)
{
    char *copy, *p;

    if (list == NULL || list[0] == 0)
        return true;
    copy = boot_alloc(image, strlen(list) + 1);
    if (copy == NULL)
        return err_set(err, "out of memory");
    strcpy(copy, list);
    for (p = copy; p != NULL;) {
        char *comma = multiboot ? strchr(p, ',') : NULL;

        if (comma != NULL)
            *comma++ = 0;
        if (in->nmodules == BOOT_MAX_MODULES)
            return err_set(err, "more than %d modules in -initrd", (int)BOOT_MAX_MODULES);
        in->module[in->nmodules++].name = p;
        p = comma;
    }
    return true;
}

/* A module's name may be followed by arguments, which are no part of the file's name. */
static bool read_module(struct boot_image *image, struct boot_file *m, bool multiboot,
                        struct err *err)
{
    struct boot_file f = *m;
    const char *space = multiboot ? strchr(m->name, ' ') : NULL;

    if (space != NULL) {
        char *path = boot_alloc(image, (size_t)(space - m->name) + 1);

        if (path == NULL)
            return err_set(err, "out of memory");
        memcpy(path, m->name, (size_t)(space - m->name));
        f.name = path;
    }
    if (!read_file(image, &f, err))
        return false;
    m->data = f.data;
    m->len = f.len;
    return true;
}

/* Hand over what `from` owns, so that both live and die together. */
static bool adopt(struct boot_image *to, struct boot_image *from)
{
    if (to->nowned + from->nowned > ARRAY_LEN(to->owned))
        return false;
    for (unsigned i = 0; i < from->nowned; i++)
        to->owned[to->nowned++] = from->owned[i];
    from->nowned = 0;
    return true;
}

bool boot_files(struct boot_image *out, const char *kernel, const char *initrd, const char *cmdline,
                u64 ram_size, struct err *err)
{
    struct boot_input in = {.kernel = {.name = kernel}, .cmdline = cmdline, .ram_size = ram_size};
    struct boot_image files = {.nowned = 0};
    bool multiboot, ok;

    memset(out, 0, sizeof(*out));
    ok = read_file(&files, &in.kernel, err);
    multiboot = ok && !boot_is_linux(in.kernel.data, in.kernel.len);
    ok = ok && split_modules(&files, &in, initrd, multiboot, err);
    for (unsigned i = 0; ok && i < in.nmodules; i++)
        ok = read_module(&files, &in.module[i], multiboot, err);
    ok = ok && boot_layout(out, &in, err);
    if (ok && !adopt(out, &files))
        ok = err_set(err, "too many modules in -initrd");
    boot_free(&files);
    if (!ok)
        boot_free(out);
    return ok;
}

void boot_apply(const struct boot_image *image, struct pc_config *cfg)
{
    memcpy(cfg->item, image->item, sizeof(cfg->item));
    cfg->nitems = image->nitems;
}

const char *boot_rom(enum boot_kind kind)
{
    return kind == BOOT_LINUX ? "linuxboot.bin" : "multiboot.bin";
}
