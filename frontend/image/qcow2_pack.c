/* Compressed clusters of qcow2: raw deflate (RFC 1951) with a window of 4 KiB, or Zstandard frames. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#ifdef CONFIG_ZSTD
#include <zstd.h>
#endif

bool q_have_zstd(void)
{
#ifdef CONFIG_ZSTD
    return true;
#else
    return false;
#endif
}

/* ---- reading: exactly one cluster comes out, whatever the bytes promise ---- */

static int unpack_zlib(const u8 *in, size_t n, u8 *out, size_t size)
{
    z_stream z = {0};
    int rc;

    if (inflateInit2(&z, -15) != Z_OK)
        return ENOMEM;
    z.next_in = (u8 *)in;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)size;
    rc = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    /* bytes of the next cluster may follow */
    return (rc == Z_STREAM_END || rc == Z_BUF_ERROR) && !z.avail_out ? 0 : EIO;
}

static int unpack_zstd(const u8 *in, size_t n, u8 *out, size_t size)
{
#ifdef CONFIG_ZSTD
    ZSTD_DCtx *ctx = ZSTD_createDCtx();
    ZSTD_inBuffer ib = {in, n, 0};
    ZSTD_outBuffer ob = {out, size, 0};
    int rc = 0;

    if (!ctx)
        return ENOMEM;
    while (!rc && ob.pos < size) {
        size_t in_pos = ib.pos, out_pos = ob.pos, left = ZSTD_decompressStream(ctx, &ob, &ib);

        if (ZSTD_isError(left) || (ib.pos == in_pos && ob.pos == out_pos) ||
            (left == 0 && ob.pos < size))
            rc = EIO;
    }
    ZSTD_freeDCtx(ctx);
    return rc;
#else
    return ENOTSUP;
#endif
}

static bool buffers(struct qcow2 *q)
{
    if (!q->unpacked)
        q->unpacked = malloc(q->csize);
    if (!q->packed)
        q->packed = malloc(2 * q->csize + 1024);
    return q->unpacked && q->packed;
}

int q_unpack(struct qcow2 *q, u64 entry)
{
    u64 off, n;
    int rc;

    if (q->unpacked_entry == entry)
        return 0;
    if (!buffers(q))
        return ENOMEM;
    q_packed_place(q, entry, &off, &n);
    if (off >= q->f->size)
        return q_corrupt(q, "a compressed cluster is said to be at 0x%llx, outside of the file",
                         (unsigned long long)off);
    n = MIN(n, 2 * q->csize + 512);
    rc = file_get(q->f, off, q->packed, n);
    if (rc)
        return rc;
    q->unpacked_entry = 0;
    rc = q->compression ? unpack_zstd(q->packed, n, q->unpacked, q->csize)
                        : unpack_zlib(q->packed, n, q->unpacked, q->csize);
    if (rc == EIO)
        return q_corrupt(q, "the compressed cluster at 0x%llx does not hold a whole cluster",
                         (unsigned long long)off);
    if (!rc)
        q->unpacked_entry = entry;
    return rc;
}

/* ---- writing ---- */

/* Into q->packed; 0 when it does not get smaller. */
static size_t pack(struct qcow2 *q, const u8 *in)
{
    if (q->compression) {
#ifdef CONFIG_ZSTD
        size_t n = ZSTD_compress(q->packed, q->csize - 1, in, q->csize, 3);

        return ZSTD_isError(n) ? 0 : n;
#else
        return 0;
#endif
    } else {
        z_stream z = {0};
        size_t n = 0;

        if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY) != Z_OK)
            return 0;
        z.next_in = (u8 *)in;
        z.avail_in = (uInt)q->csize;
        z.next_out = q->packed;
        z.avail_out = (uInt)q->csize - 1;
        if (deflate(&z, Z_FINISH) == Z_STREAM_END)
            n = q->csize - 1 - z.avail_out;
        deflateEnd(&z);
        return n;
    }
}

/* A place for n bytes: behind the last ones if that goes. Every cluster touched counts once more. */
static int place(struct qcow2 *q, size_t n, u64 *off)
{
    u64 one = 1, next;
    int rc;

    if (q->pack_end - q->pack_off >= n && q->pack_end) {
        rc = q_ref_add(q, q->pack_off >> q->cbits, 1);
        if (!rc) {
            *off = q->pack_off;
            q->pack_off += n;
            if (q->pack_off == q->pack_end)
                q->pack_off = q->pack_end = 0;
            return 0;
        }
        if (rc != EOVERFLOW)
            return rc;
        q->pack_off = q->pack_end = 0;
    }
    rc = q_alloc(q, 1, &one, &next);
    if (rc)
        return rc;
    if (q->pack_end && next == q->pack_end &&
        !q_ref_add(q, q->pack_off >> q->cbits, 1)) {
        *off = q->pack_off;
        q->pack_off += n;
    } else {
        *off = next;
        q->pack_off = next + n;
    }
    q->pack_end = next + q->csize;
    return 0;
}

int q_write_packed(struct image *im, u64 off, const u8 *buf, size_t n)
{
    struct qcow2 *q = im->priv;
    const u8 *in = buf;
    struct q_table *t;
    u64 at, sectors, old;
    size_t size;
    int rc;

    if (off & (q->csize - 1) || n > q->csize || (n < q->csize && off + n != im->size))
        return EINVAL;
    if (q->broken)
        return EIO;
    if (!buffers(q))
        return ENOMEM;
    if (n < q->csize) {
        memcpy(q->unpacked, buf, n);
        memset(q->unpacked + n, 0, q->csize - n);
        in = q->unpacked;
    }
    q->unpacked_entry = 0;
    size = pack(q, in);
    if (!size)
        return q_write(im, off, buf, n);
    rc = place(q, size, &at);
    if (!rc && at >> (62 - (q->cbits - 8)))
        rc = EFBIG;
    if (!rc)
        rc = file_put(q->f, at, q->packed, size);
    if (!rc)
        rc = q_l2(q, off, true, &t);
    if (rc)
        return rc; /* what was counted is a leak, which a check gives back */
    q->data_written = true;
    sectors = ((at + size - 1) >> 9) - (at >> 9);
    old = be64(t->data + 8 * q_l2_index(q, off));
    put64(t->data + 8 * q_l2_index(q, off), Q_PACKED | sectors << (62 - (q->cbits - 8)) | at);
    t->dirty = true;
    return q_free_entry(q, old);
}
