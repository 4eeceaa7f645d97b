/* qcow2 images, versions 2 and 3: opening, the header, closing. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXT_END = 0, EXT_BACKING_FORMAT = 0xe2792aca };
enum { CACHE_BYTES = 16 << 20 };

/* ---- the header ---- */

int q_header_write(struct qcow2 *q, u32 at, const void *bytes, u32 n)
{
    return file_put(q->f, at, bytes, n);
}

int q_incompat(struct qcow2 *q, u64 set, u64 clear)
{
    u64 to = (q->incompat | set) & ~clear;
    u8 b[8];
    int rc;

    if (q->version < 3 || to == q->incompat)
        return 0;
    be64_put(b, to);
    rc = q_header_write(q, 72, b, 8);
    if (!rc)
        rc = file_flush(q->f);
    if (!rc)
        q->incompat = to;
    return rc;
}

int q_corrupt(struct qcow2 *q, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (q->broken || q->im->flags & IMAGE_REPAIR)
        return EIO;
    if (!(q->im->flags & IMAGE_QUIET))
        fprintf(stderr, "dragoman: the image '%.300s' is damaged: %s%s\n", q->im->path, text,
                q->im->writable ? "; it is not written any more ('dragoman image check' says more)"
                                : "");
    if (q->im->writable)
        q_incompat(q, Q_CORRUPT, 0);
    q->broken = q->im->writable;
    return EIO;
}

static bool probe(struct file *f)
{
    u8 b[8];

    return f->size >= 8 && !file_get(f, 0, b, 8) && be32(b) == Q_MAGIC &&
           (be32(b + 4) == 2 || be32(b + 4) == 3);
}

static bool bad(struct image *im, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);
static bool bad(struct image *im, struct err *err, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return err_set(err, "the qcow2 image '%.200s' cannot be used: %s", im->path, text);
}

static bool check_features(struct qcow2 *q, struct err *err)
{
    struct image *im = q->im;

    if (q->incompat & Q_EXT_DATA)
        return bad(im, err, "its data is in another file (incompatible feature bit 2)");
    if (q->incompat & Q_EXT_L2)
        return bad(im, err, "it has extended L2 entries (incompatible feature bit 4)");
    for (unsigned i = 5; i < 64; i++) {
        if (q->incompat >> i & 1)
            return bad(im, err, "it needs a feature that is not known (incompatible feature bit %u)",
                       i);
    }
    if (q->incompat & Q_CORRUPT && im->writable && !(im->flags & IMAGE_REPAIR))
        return bad(im, err, "it is marked corrupt: open it read-only, or repair it with 'dragoman "
                            "image check -r all'");
    if (q->compression && !(q->incompat & Q_COMP_TYPE))
        return bad(im, err, "it has compression type %u without incompatible feature bit 3",
                   q->compression);
    if (q->compression > 1)
        return bad(im, err, "its compression type is %u, but 0 (zlib) and 1 (zstd) are known",
                   q->compression);
    if (q->compression && !q_have_zstd())
        return bad(im, err, "it is compressed with zstd, which this build has not (libzstd-dev)");
    return true;
}

static bool read_header(struct qcow2 *q, u8 *h, struct err *err)
{
    struct image *im = q->im;
    u64 size;

    if (q->f->size < Q_V2_HEADER || file_get(q->f, 0, h, Q_V3_HEADER + 8) || be32(h) != Q_MAGIC)
        return bad(im, err, "it does not begin with 'QFI' and 0xfb");
    q->version = be32(h + 4);
    if (q->version != 2 && q->version != 3)
        return bad(im, err, "its version is %u, but 2 and 3 are known", q->version);
    q->cbits = be32(h + 20);
    if (q->cbits < 9 || q->cbits > 21)
        return bad(im, err, "cluster_bits is %u, but 9 to 21 are allowed", q->cbits);
    q->csize = 1ull << q->cbits;
    if (be32(h + 32))
        return bad(im, err, "it is encrypted (crypt_method is %u)", be32(h + 32));
    q->rorder = 4;
    q->header_len = Q_V2_HEADER;
    if (q->version == 3) {
        q->incompat = be64(h + 72);
        q->compat = be64(h + 80);
        q->autoclear = be64(h + 88);
        q->rorder = be32(h + 96);
        q->header_len = be32(h + 100);
        if (q->header_len < Q_V3_HEADER || q->header_len > q->csize)
            return bad(im, err, "header_length is %u, but 104 to %llu are allowed", q->header_len,
                       (unsigned long long)q->csize);
        q->compression = q->header_len > Q_V3_HEADER ? h[104] : 0;
        if (q->rorder > 6)
            return bad(im, err, "refcount_order is %u, but at most 6 is allowed", q->rorder);
        if (!check_features(q, err))
            return false;
    }
    q->l2_bits = q->cbits - 3;
    q->ref_bits = q->cbits + 3 - q->rorder;
    size = im->size = be64(h + 24);
    if (size > INT64_MAX >> 1)
        return bad(im, err, "its size is %llu bytes", (unsigned long long)size);
    q->l1_size = be32(h + 36);
    q->l1_off = be64(h + 40);
    q->reft_off = be64(h + 48);
    q->reft_clusters = be32(h + 56);
    if (q->l1_size > Q_MAX_L1 / 8)
        return bad(im, err, "l1_size is %u, but at most %u entries are allowed", q->l1_size,
                   Q_MAX_L1 / 8);
    if (q->l1_size < (size + q_l2_span(q) - 1) / q_l2_span(q))
        return bad(im, err, "l1_size is %u, too small for its size of %llu bytes", q->l1_size,
                   (unsigned long long)size);
    if (q->reft_clusters > (u32)Q_MAX_REFT >> q->cbits)
        return bad(im, err, "refcount_table_clusters is %u, but at most %u are allowed",
                   q->reft_clusters, (u32)(Q_MAX_REFT >> q->cbits));
    return true;
}

/* The name of the backing file and the header's extensions. */
static bool read_names(struct qcow2 *q, const u8 *h, struct err *err)
{
    struct image *im = q->im;
    u64 name_off = be64(h + 8), end = name_off ? name_off : q->csize, at = q->header_len;
    u32 name_len = be32(h + 16);

    if (name_off && (name_len > 1023 || name_len == 0 || name_off > q->csize - name_len))
        return bad(im, err, "backing_file_offset is %llu and backing_file_size %u, which is %s",
                   (unsigned long long)name_off, name_len,
                   name_len > 1023 ? "too long a name" : "outside of the first cluster");
    if (name_off) {
        im->backing_name = calloc(1, name_len + 1);
        if (!im->backing_name)
            return bad(im, err, "no memory");
        if (file_get(q->f, name_off, im->backing_name, name_len))
            return bad(im, err, "its header cannot be read");
        if (strlen(im->backing_name) != name_len)
            return bad(im, err, "the name of its backing file has a zero byte in it");
    }
    while (at + 8 <= end) {
        u8 e[8];
        u32 type, len;

        if (file_get(q->f, at, e, 8))
            return bad(im, err, "its header cannot be read");
        type = be32(e);
        len = be32(e + 4);
        at += 8;
        if (type == EXT_END)
            break;
        if (len > end - at)
            return bad(im, err, "the length of header extension 0x%x is %u, which is outside of "
                                "the header",
                       type, len);
        if (type == EXT_BACKING_FORMAT && len && len < 64 && name_off && !im->backing_format) {
            im->backing_format = calloc(1, len + 1);
            if (!im->backing_format || file_get(q->f, at, im->backing_format, len))
                return bad(im, err, "its header cannot be read");
        }
        at += (len + 7) & ~7u;
    }
    return true;
}

static bool load_tables(struct qcow2 *q, struct err *err)
{
    struct image *im = q->im;
    u64 reft_bytes = (u64)q->reft_clusters << q->cbits;

    if (q->l1_size && (q->l1_off & (q->csize - 1) || q->l1_off > q->f->size ||
                       q->l1_size * 8ull > q->f->size - q->l1_off))
        return bad(im, err, "l1_table_offset is 0x%llx, which is %s", (unsigned long long)q->l1_off,
                   q->l1_off & (q->csize - 1) ? "not the start of a cluster"
                                              : "outside of the file");
    if (!(im->flags & IMAGE_REPAIR) && (q->reft_off & (q->csize - 1) || q->reft_off > q->f->size ||
                                        reft_bytes > q->f->size - q->reft_off || !reft_bytes))
        return bad(im, err, "refcount_table_offset is 0x%llx with %u clusters, which is %s",
                   (unsigned long long)q->reft_off, q->reft_clusters,
                   q->reft_off & (q->csize - 1) ? "not the start of a cluster"
                                                : "outside of the file");
    q->reft_n = (u32)(reft_bytes / 8);
    if (q_load_l1(q, q->l1_off, q->l1_size, &q->l1) ||
        q_load_l1(q, q->reft_off & ~(q->csize - 1), q->reft_n, &q->reft))
        return bad(im, err, "its tables cannot be read");
    return true;
}

static bool prepare_writing(struct qcow2 *q, struct err *err)
{
    struct image_check res = {0};
    u8 zero[8] = {0};

    if (q->autoclear && q->version == 3) {
        if (q_header_write(q, 88, zero, 8) || file_flush(q->f))
            return bad(q->im, err, "its header cannot be written");
        q->autoclear = 0;
    }
    if (!(q->incompat & Q_DIRTY) || q->im->flags & IMAGE_REPAIR)
        return true;
    if (!q_check(q->im, IMAGE_FIX_ERRORS | IMAGE_FIX_LEAKS, &res, err))
        return false;
    return res.corruptions == res.corruptions_fixed ||
           bad(q->im, err, "it was not closed and could not be repaired");
}

static bool q_open(struct image *im, struct err *err)
{
    struct qcow2 *q = calloc(1, sizeof(*q));
    u8 h[Q_V3_HEADER + 8];

    if (!q)
        return err_set(err, "no memory");
    im->priv = q;
    q->im = im;
    q->f = im->file;
    if (!read_header(q, h, err) || !read_names(q, h, err) || !load_tables(q, err))
        return false;
    q->max_tables = (u32)MAX(CACHE_BYTES >> q->cbits, 24);
    if (!q_snap_load(q, be32(h + 60), be64(h + 64), err))
        return false;
    if (!q_meta_build(q, im->flags & IMAGE_REPAIR, err))
        return false;
    return !im->writable || prepare_writing(q, err);
}

static int q_close(struct image *im)
{
    struct qcow2 *q = im->priv;
    int rc = 0;

    if (!q)
        return 0;
    if (im->writable && !q->broken) {
        rc = q_sync(q, true);
        /* whole clusters, as others expect of the last one */
        if (!rc && !q->f->fixed)
            rc = file_truncate(q->f, (q->f->size + q->csize - 1) & ~(q->csize - 1));
    }
    q_drop_all(q);
    q_set_free(&q->meta);
    q_snap_free(q);
    free(q->l1);
    free(q->reft);
    free(q->later);
    free(q->unpacked);
    free(q->packed);
    free(q->scratch);
    free(q);
    im->priv = NULL;
    return rc;
}

static int q_flush(struct image *im)
{
    return q_sync(im->priv, false);
}

/* A new, empty L1 table: the whole content is given back behind it. */
static int q_empty(struct image *im)
{
    struct qcow2 *q = im->priv;
    u64 *old, *l1 = calloc((size_t)q->l1_size + 1, 8);
    u32 n = q->l1_size;
    int rc = l1 ? q_sync(q, false) : ENOMEM;

    old = calloc((size_t)n + 1, 8);
    if (old)
        memcpy(old, q->l1, n * 8ull);
    else
        rc = ENOMEM;
    if (rc) {
        free(l1);
        free(old);
        return rc;
    }
    rc = q_replace_l1(q, l1, n, im->size);
    if (!rc)
        rc = q_count_l1(q, old, n, -1);
    free(old);
    if (!rc)
        rc = q_sync(q, false);
    if (!rc && !q_meta_build(q, true, NULL))
        rc = ENOMEM;
    return rc;
}

static void q_info(struct image *im, struct image_info *info)
{
    const struct qcow2 *q = im->priv;

    info->qcow2 = true;
    info->cluster_size = q->csize;
    info->refcount_bits = 1u << q->rorder;
    info->lazy = q->compat & Q_LAZY;
    info->dirty = q->incompat & Q_DIRTY;
    info->corrupt = q->incompat & Q_CORRUPT;
    snprintf(info->compat, sizeof(info->compat), "%s", q->version == 2 ? "0.10" : "1.1");
    snprintf(info->compression, sizeof(info->compression), "%s", q->compression ? "zstd" : "zlib");
}

static const char *const ends[] = {"qcow2", NULL};
static const char *const keys[] = {"size",          "backing_file",     "backing_fmt",
                                   "cluster_size",  "compat",           "lazy_refcounts",
                                   "refcount_bits", "compression_type", NULL};

const struct image_driver image_qcow2 = {
    .name = "qcow2",
    .ends = ends,
    .keys = keys,
    .grows = true,
    .probe = probe,
    .open = q_open,
    .close = q_close,
    .read = q_read,
    .write = q_write,
    .write_packed = q_write_packed,
    .zero = q_zero,
    .discard = q_discard,
    .empty = q_empty,
    .flush = q_flush,
    .map = q_map,
    .create = q_create,
    .check = q_check,
    .resize = q_resize,
    .snap_list = q_snap_list,
    .snap_create = q_snap_create,
    .snap_apply = q_snap_apply,
    .snap_delete = q_snap_delete,
    .vm_write = q_vm_write,
    .vm_keep = q_vm_keep,
    .vm_drop = q_vm_drop,
    .vm_read = q_vm_read,
    .info = q_info,
};
