/* Fuzz target: bytes as an image of each format. The first byte chooses the format and how it is
 * opened; for qcow2 the rest patches a small image that is right, or is the file itself. Whatever
 * opens is read, mapped, checked, written, repaired. */
#include "frontend/image/image.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

enum { PATCH_QCOW2 = 64 };

/* A small image with data, a snapshot and a compressed cluster. */
static struct file *good_qcow2(void)
{
    static u8 *data;
    static size_t size;
    struct image_create c = {.size = 1 << 20, .cluster_size = 512, .refcount_bits = 16};
    u8 buf[4096];
    u8 *copy;

    if (!data) {
        struct file *f = file_memory(NULL, 0);
        struct image *im;

        memset(buf, 0x33, sizeof(buf));
        if (!image_qcow2.create(f, "f", &c, NULL))
            abort();
        im = image_open_file(f, "f", "qcow2", IMAGE_WRITE, 0, NULL);
        if (!im || !im->drv->resize(im, 1 << 20, false, NULL) || image_write(im, 0, buf, 4096) ||
            !im->drv->snap_create(im, "a", NULL) || image_write(im, 512, buf, 512) ||
            image_write_packed(im, 8192, buf, 512) || image_flush(im))
            abort();
        size = (size_t)f->size;
        data = malloc(size);
        memcpy(data, file_memory_data(f), size);
        image_close(im);
    }
    copy = malloc(size);
    memcpy(copy, data, size);
    return file_memory(copy, size);
}

/* Patches: where (2 bytes), how many (1 byte), bytes. */
static struct file *patched(const u8 *p, size_t n)
{
    struct file *f = good_qcow2();

    while (n > 3) {
        u64 at = (u64)p[0] | (u64)p[1] << 8;
        size_t len = p[2] & 15;

        p += 3;
        n -= 3;
        len = len < n ? len : n;
        if (at + len <= f->size)
            file_put(f, at, p, len);
        p += len;
        n -= len;
    }
    return f;
}

static void use(struct image *im)
{
    static u8 buf[1 << 16];
    struct image_info info = {0};
    struct image_snapshots snaps = {NULL, 0};
    struct image_check res = {0};
    u64 run;
    enum image_map kind;

    if (im->drv->info)
        im->drv->info(im, &info);
    for (u64 off = 0, n = 0; off < im->size && n < 40; off += run, n++) {
        if (image_map_all(im, off, im->size - off, &run, &kind) || !run)
            break;
        image_read(im, off, buf, (size_t)(run < sizeof(buf) ? run : sizeof(buf)));
    }
    if (im->drv->snap_list && im->drv->snap_list(im, &snaps, NULL))
        free(snaps.v);
    if (im->drv->check && im->file->size < 1 << 24)
        im->drv->check(im, im->writable ? IMAGE_FIX_LEAKS | IMAGE_FIX_ERRORS : 0, &res, NULL);
    if (!im->writable || im->size < 8192 || im->size > 1ull << 40)
        return;
    memset(buf, 0x77, 4096);
    image_write(im, 512, buf, 2048);
    image_zero(im, 1024, 512);
    image_discard(im, 0, 4096);
    image_flush(im);
    if (im->drv->snap_create) {
        im->drv->snap_create(im, "b", NULL);
        im->drv->snap_apply(im, "a", NULL);
        image_write(im, 0, buf, 512);
        im->drv->snap_delete(im, "a", NULL);
        im->drv->resize(im, im->size / 2, true, NULL);
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t n)
{
    static const char *const formats[] = {"qcow2", "vpc", "vmdk", "vdi"};
    static const unsigned how[] = {0, IMAGE_WRITE, IMAGE_REPAIR, IMAGE_REPAIR | IMAGE_WRITE};
    struct file *f;
    struct image *im;
    unsigned flags;
    u8 *copy;

    if (!n)
        return 0;
    flags = how[data[0] >> 4 & 3] | IMAGE_NO_BACKING | IMAGE_QUIET;
    if (data[0] & PATCH_QCOW2) {
        f = patched(data + 1, n - 1);
    } else {
        copy = malloc(n);
        memcpy(copy, data + 1, n - 1);
        f = file_memory(copy, n - 1);
    }
    im = image_open_file(f, "/nonexistent/f", formats[data[0] & PATCH_QCOW2 ? 0 : data[0] & 3],
                         data[0] & 3 && !(data[0] & PATCH_QCOW2) ? flags & ~(unsigned)IMAGE_WRITE
                                                                 : flags,
                         0, NULL);
    if (im) {
        use(im);
        image_close(im);
    }
    return 0;
}
