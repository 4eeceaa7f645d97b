/* Reading and writing the guest's bytes of a qcow2 image through its two levels of tables. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Clusters allocated at a time. */
enum { MAX_RUN = 512 };

/* ---- tables ---- */

static void l1_set(struct qcow2 *q, u32 i, u64 v)
{
    if (q->l1_lo == q->l1_hi)
        q->l1_lo = q->l1_hi = i;
    q->l1[i] = v;
    q->l1_lo = MIN(q->l1_lo, i);
    q->l1_hi = MAX(q->l1_hi, i + 1);
}

/* A table of our own, with what `old` has (0: nothing). */
static int own_l2(struct qcow2 *q, u32 i, u64 old, struct q_table **t)
{
    struct q_table *from = NULL;
    u64 off, n = 1;
    int rc = q_alloc(q, 1, &n, &off);

    if (rc)
        return rc;
    rc = q_new(q, off, Q_T_L2, t);
    if (!rc && old)
        rc = q_get(q, old, Q_T_L2, &from);
    if (!rc && from) {
        memcpy((*t)->data, from->data, q->csize);
        rc = q_free_later(q, old, 1);
    }
    if (rc) {
        q_forget(q, off);
        q_unalloc(q, off, 1);
        return rc;
    }
    l1_set(q, i, off | Q_COPIED);
    return 0;
}

int q_l2(struct qcow2 *q, u64 off, bool write, struct q_table **t)
{
    u64 i = off / q_l2_span(q), e, count;
    int rc;

    *t = NULL;
    if (i >= q->l1_size)
        return EIO;
    e = q->l1[i];
    if (e & Q_L1_RESERVED)
        return q_corrupt(q, "entry %llu of the L1 table has reserved bits set",
                         (unsigned long long)i);
    if (!(e & Q_OFFSET))
        return write ? own_l2(q, (u32)i, 0, t) : 0;
    if (!write || e & Q_COPIED)
        return q_get(q, e & Q_OFFSET, Q_T_L2, t);
    rc = q_ref_get(q, (e & Q_OFFSET) >> q->cbits, &count);
    if (rc || count != 1)
        return rc ? rc : own_l2(q, (u32)i, e & Q_OFFSET, t);
    l1_set(q, (u32)i, e | Q_COPIED);
    return q_get(q, e & Q_OFFSET, Q_T_L2, t);
}

/* What an entry says; MAP_DATA with the place of its data in *host, which is in the file. */
static int entry_kind(struct qcow2 *q, u64 e, u64 guest, enum image_map *kind, u64 *host)
{
    *host = 0;
    if (e & Q_PACKED) {
        *kind = MAP_DATA;
        return 0;
    }
    if (e & Q_ZERO && q->version >= 3) {
        *kind = MAP_ZERO;
        return 0;
    }
    *host = e & Q_OFFSET;
    *kind = *host ? MAP_DATA : MAP_NONE;
    if (!*host)
        return 0;
    if (*host & (q->csize - 1) || *host >= q->f->size)
        return q_corrupt(q, "the L2 entry of guest byte 0x%llx is 0x%llx, which is %s",
                         (unsigned long long)guest, (unsigned long long)e,
                         *host & (q->csize - 1) ? "not the start of a cluster"
                                                : "outside of the file");
    return 0;
}

static bool in_place(const struct qcow2 *q, u64 e)
{
    return e & Q_COPIED && e & Q_OFFSET && !(e & Q_PACKED) && !(e & Q_ZERO && q->version >= 3);
}

/* How many bytes from off on, at most n, are of one kind and lie side by side. For data, *entry is
 * that of the first cluster. */
static int extent(struct qcow2 *q, u64 off, u64 n, enum image_map *kind, u64 *host, u64 *run,
                  u64 *entry)
{
    u64 in = off & (q->csize - 1), span = q_l2_span(q), left = span - off % span;
    struct q_table *t;
    u32 i;
    int rc = q_l2(q, off, false, &t);

    *kind = MAP_NONE;
    *entry = *host = 0;
    *run = n = MIN(n, left);
    if (rc || !t)
        return rc;
    i = q_l2_index(q, off);
    *entry = be64(t->data + 8 * i);
    rc = entry_kind(q, *entry, off, kind, host);
    if (rc)
        return rc;
    *run = q->csize - in;
    for (u64 k = 1; *run < n && !(*entry & Q_PACKED); k++) {
        u64 e = be64(t->data + 8 * (i + k)), h;
        enum image_map more;

        if (e & Q_PACKED)
            break;
        rc = entry_kind(q, e, off + *run, &more, &h);
        if (rc)
            return rc;
        if (more != *kind || (*kind == MAP_DATA && h != *host + k * q->csize))
            break;
        *run += q->csize;
    }
    *run = MIN(*run, n);
    *host += *kind == MAP_DATA ? in : 0;
    return 0;
}

int q_read(struct image *im, u64 off, u8 *buf, size_t n)
{
    struct qcow2 *q = im->priv;

    while (n) {
        enum image_map kind;
        u64 host, run, entry;
        int rc = extent(q, off, n, &kind, &host, &run, &entry);

        if (rc)
            return rc;
        if (kind == MAP_ZERO) {
            memset(buf, 0, run);
        } else if (kind == MAP_NONE) {
            rc = image_read_backing(im, off, buf, run);
        } else if (entry & Q_PACKED) {
            rc = q_unpack(q, entry);
            if (!rc)
                memcpy(buf, q->unpacked + (off & (q->csize - 1)), run);
        } else {
            rc = file_get(q->f, host, buf, run);
        }
        if (rc)
            return rc;
        off += run;
        buf += run;
        n -= run;
    }
    return 0;
}

int q_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind)
{
    u64 host, entry, more, total = 0;
    enum image_map k;
    int rc;

    do {
        rc = extent(im->priv, off + total, n - total, &k, &host, &more, &entry);
        if (rc || (total && k != *kind))
            break;
        *kind = k;
        total += more;
    } while (total < n);
    *run = total;
    return total ? 0 : rc;
}

/* ---- writing ---- */

/* No data goes where metadata lies, whatever an entry says. */
static int check_target(struct qcow2 *q, u64 host, u64 clusters)
{
    for (u64 i = 0; i < clusters; i++) {
        if (q_set_get(&q->meta, (host >> q->cbits) + i))
            return q_corrupt(q, "the data cluster at 0x%llx overlaps metadata",
                             (unsigned long long)(host + (i << q->cbits)));
    }
    return 0;
}

/* Clusters from entry i on that can be written where they are, side by side. */
static u64 count_in_place(struct qcow2 *q, const struct q_table *t, u32 i, u64 max)
{
    u64 first = be64(t->data + 8 * i), k = 1;

    while (k < max) {
        u64 e = be64(t->data + 8 * (i + k));

        if (!in_place(q, e) || (e & Q_OFFSET) != (first & Q_OFFSET) + (k << q->cbits))
            break;
        k++;
    }
    return k;
}

/* Part of a cluster that is new at `host`: the rest is what the guest had there before. */
static int write_partial(struct qcow2 *q, u64 host, u64 guest, const u8 *buf, size_t n, u64 entry)
{
    u64 in = guest & (q->csize - 1), start = guest - in;
    bool nothing = !(entry & Q_PACKED) && ((entry & Q_ZERO && q->version >= 3) ||
                                           (!(entry & Q_OFFSET) && (!q->im->backing ||
                                            start >= q->im->backing->size)));
    u64 valid = MIN(q->csize, q->im->size - start);
    int rc;

    if (nothing && host >= q->f->size)
        return file_put(q->f, host + in, buf, n);
    if (!q->scratch && !(q->scratch = malloc(q->csize)))
        return ENOMEM;
    memset(q->scratch + valid, 0, q->csize - valid);
    rc = q_read(q->im, start, q->scratch, valid);
    if (rc)
        return rc;
    memcpy(q->scratch + in, buf, n);
    return file_put(q->f, host, q->scratch, q->csize);
}

/* Write n bytes, which lie in `clusters` clusters, to new clusters at host. */
static int write_new(struct qcow2 *q, u64 host, u64 off, const u8 *buf, size_t n, const u64 *old)
{
    for (u64 k = 0; n; k++) {
        u64 in = off & (q->csize - 1);
        size_t part = (size_t)MIN((u64)n, q->csize - in);
        int rc;

        if (part < q->csize) {
            rc = write_partial(q, host + (k << q->cbits), off, buf, part, old[k]);
        } else {
            part = n & ~(size_t)(q->csize - 1);
            rc = file_put(q->f, host + (k << q->cbits), buf, part);
            k += (part >> q->cbits) - 1;
        }
        if (rc)
            return rc;
        off += part;
        buf += part;
        n -= part;
    }
    return 0;
}

/* The clusters from guest byte off on (at most n bytes, of one L2 table) get new places. *done is
 * how many bytes were written. */
static int write_moved(struct qcow2 *q, u64 off, const u8 *buf, size_t n, u64 l2_off, size_t *done)
{
    u32 i = q_l2_index(q, off), first = i;
    u64 in = off & (q->csize - 1), want = MIN(q_clusters(q, in + n), (u64)MAX_RUN), k = 0, host;
    u64 old[MAX_RUN];
    struct q_table *t;
    int rc = q_get(q, l2_off, Q_T_L2, &t);

    if (rc)
        return rc;
    while (k < want && !in_place(q, be64(t->data + 8 * (i + k)))) {
        old[k] = be64(t->data + 8 * (i + k));
        k++;
    }
    rc = q_alloc(q, 1, &k, &host);
    if (rc)
        return rc;
    *done = (size_t)MIN((u64)n, (k << q->cbits) - in);
    rc = write_new(q, host, off, buf, *done, old);
    if (!rc)
        rc = q_get(q, l2_off, Q_T_L2, &t);
    if (rc) {
        q_unalloc(q, host, k);
        return rc;
    }
    for (u64 j = 0; j < k && !rc; j++) {
        put64(t->data + 8 * (first + j), (host + (j << q->cbits)) | Q_COPIED);
        rc = q_free_entry(q, old[j]);
    }
    t->dirty = true;
    return rc;
}

int q_write(struct image *im, u64 off, const u8 *buf, size_t n)
{
    struct qcow2 *q = im->priv;

    if (q->broken)
        return EIO;
    while (n) {
        u64 span = q_l2_span(q), in = off & (q->csize - 1);
        size_t part = (size_t)MIN((u64)n, span - off % span);
        struct q_table *t;
        int rc = q_l2(q, off, true, &t);
        u64 e;

        if (rc)
            return rc;
        e = be64(t->data + 8 * q_l2_index(q, off));
        q->data_written = true;
        if (in_place(q, e)) {
            u64 k = count_in_place(q, t, q_l2_index(q, off), q_clusters(q, in + part));
            enum image_map kind;
            u64 host;

            part = (size_t)MIN((u64)part, (k << q->cbits) - in);
            rc = entry_kind(q, e, off, &kind, &host);
            if (!rc)
                rc = check_target(q, host, k);
            if (!rc)
                rc = file_put(q->f, host + in, buf, part);
        } else {
            rc = write_moved(q, off, buf, part, t->off, &part);
        }
        if (rc)
            return rc;
        off += part;
        buf += part;
        n -= part;
    }
    return 0;
}

/* ---- zeros and discards ---- */

/* Whole clusters lose their data and read as zeros. Version 2 cannot hide its backing file: there
 * nothing happens. */
static int drop_clusters(struct qcow2 *q, u64 off, u64 n)
{
    while (n) {
        u64 span = q_l2_span(q), part = MIN(n, span - off % span);
        bool backed = q->im->backing_name && (!q->im->backing || off < q->im->backing->size);
        struct q_table *t;
        int rc = q_l2(q, off, false, &t);

        if (rc)
            return rc;
        if (t || backed) {
            rc = q_l2(q, off, true, &t);
            if (rc)
                return rc;
            for (u64 k = 0; k < part >> q->cbits; k++) {
                u8 *p = t->data + 8 * (q_l2_index(q, off) + k);
                u64 e = be64(p), to = backed && q->version >= 3 ? Q_ZERO : 0;

                if (e == to || (backed && q->version < 3))
                    continue;
                put64(p, to);
                t->dirty = true;
                rc = q_free_entry(q, e);
                if (rc)
                    return rc;
            }
        }
        off += part;
        n -= part;
    }
    return 0;
}

int q_discard(struct image *im, u64 off, u64 n)
{
    struct qcow2 *q = im->priv;
    u64 from = (off + q->csize - 1) & ~(q->csize - 1), to = (off + n) & ~(q->csize - 1);

    if (q->broken)
        return EIO;
    if (off + n == im->size)
        to = (im->size + q->csize - 1) & ~(q->csize - 1);
    return from < to ? drop_clusters(q, from, to - from) : 0;
}

/* Zeros that have to be written, unless they are there. */
static int zero_part(struct qcow2 *q, u64 off, u64 n)
{
    static const u8 zeros[4096];
    int rc = 0;

    while (n && !rc) {
        u64 run;
        enum image_map kind;

        rc = q_map(q->im, off, n, &run, &kind);
        if (!rc && (kind == MAP_ZERO || (kind == MAP_NONE && !q->im->backing_name))) {
            off += run;
            n -= run;
            continue;
        }
        run = MIN(n, (u64)sizeof(zeros));
        if (!rc)
            rc = q_write(q->im, off, zeros, run);
        off += run;
        n -= run;
    }
    return rc;
}

int q_zero(struct image *im, u64 off, u64 n)
{
    struct qcow2 *q = im->priv;
    u64 from = (off + q->csize - 1) & ~(q->csize - 1), to = (off + n) & ~(q->csize - 1);
    int rc = 0;

    if (q->broken)
        return EIO;
    if (off + n == im->size)
        to = (im->size + q->csize - 1) & ~(q->csize - 1);
    if (from >= to || (q->version < 3 && im->backing_name))
        return zero_part(q, off, n);
    if (from > off)
        rc = zero_part(q, off, from - off);
    if (!rc)
        rc = drop_clusters(q, from, to - from);
    if (!rc && to < off + n)
        rc = zero_part(q, to, off + n - to);
    return rc;
}
