/* Which clusters of a qcow2 file are metadata, so that nothing else is put there, and the L1 table
 * as a whole. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Bytes from off on are metadata of this name. */
static bool mark(struct qcow2 *q, u64 off, u64 bytes, u8 kind, bool tolerant, const char *what,
                 struct err *err)
{
    u64 n = q_clusters(q, bytes);

    if (!n)
        return true;
    if (off & (q->csize - 1) || off > q->f->size || (bytes > q->f->size - off && kind == Q_IS_META)) {
        if (tolerant)
            return true;
        return err_set(err, "'%.200s': the %s at 0x%llx (%llu bytes) is %s", q->im->path, what,
                       (unsigned long long)off, (unsigned long long)bytes,
                       off & (q->csize - 1) ? "not at the start of a cluster"
                                            : "outside of the file");
    }
    for (u64 i = 0; i < n; i++) {
        u8 before = q_set_add(&q->meta, (off >> q->cbits) + i, kind);

        if (before == 0xff)
            return err_set(err, "no memory");
        /* L2 tables may be shared: by snapshots */
        if (before && !tolerant && !(kind == Q_IS_L2 && before == Q_IS_L2))
            return err_set(err, "'%.200s': the %s at 0x%llx overlaps other metadata", q->im->path,
                           what, (unsigned long long)off);
    }
    return true;
}

static bool mark_l2s(struct qcow2 *q, const u64 *l1, u32 n, bool tolerant, struct err *err)
{
    for (u32 i = 0; i < n; i++) {
        if (l1[i] & Q_OFFSET && (l1[i] & Q_OFFSET) < q->f->size &&
            !mark(q, l1[i] & Q_OFFSET, q->csize, Q_IS_L2, tolerant, "L2 table", err))
            return false;
    }
    return true;
}

int q_load_l1(struct qcow2 *q, u64 off, u32 n, u64 **l1)
{
    u64 *v = calloc((size_t)n + 1, 8);
    int rc = v ? file_get(q->f, off, v, n * 8ull) : ENOMEM;

    if (rc) {
        free(v);
        return rc;
    }
    for (u32 i = 0; i < n; i++)
        v[i] = be64(&v[i]);
    *l1 = v;
    return 0;
}

static bool mark_snapshots(struct qcow2 *q, bool tolerant, struct err *err)
{
    for (u32 i = 0; i < q->nsnaps; i++) {
        const struct q_snapshot *s = &q->snap[i];
        bool ok = mark(q, s->l1_off, s->l1_size * 8ull, Q_IS_META, tolerant,
                       "L1 table of a snapshot", err);
        u64 *l1;

        if (!ok)
            return false;
        if (s->l1_off & (q->csize - 1) || q_load_l1(q, s->l1_off, s->l1_size, &l1))
            continue;
        ok = mark_l2s(q, l1, s->l1_size, tolerant, err);
        free(l1);
        if (!ok)
            return false;
    }
    return true;
}

bool q_meta_build(struct qcow2 *q, bool tolerant, struct err *err)
{
    q_set_free(&q->meta);
    if (!mark(q, 0, q->csize, Q_IS_META, tolerant, "header", err) ||
        !mark(q, q->l1_off, q->l1_size * 8ull, Q_IS_META, tolerant, "L1 table", err) ||
        !mark(q, q->reft_off, (u64)q->reft_clusters << q->cbits, Q_IS_META, tolerant,
              "table of reference counts", err) ||
        !mark(q, q->snap_off, q->snap_bytes, Q_IS_META, tolerant, "table of snapshots", err))
        return false;
    for (u32 i = 0; i < q->reft_n; i++) {
        u64 off = q->reft[i];
        struct q_table *t = NULL;

        if (!off)
            continue;
        /* one that is not in the file yet is in memory */
        for (t = q->oldest; t && t->off != off && off >= q->f->size; t = t->newer)
            ;
        if (off >= q->f->size && t) {
            if (q_set_add(&q->meta, off >> q->cbits, Q_IS_META) == 0xff)
                return err_set(err, "no memory");
        } else if (!mark(q, off, 1, Q_IS_META, tolerant, "block of reference counts", err)) {
            return false;
        }
    }
    if (!mark_l2s(q, q->l1, q->l1_size, tolerant, err) || !mark_snapshots(q, tolerant, err))
        return false;
    for (struct q_table *t = q->oldest; t; t = t->newer) {
        if (t->fresh && q_set_add(&q->meta, t->off >> q->cbits,
                                  t->kind == Q_T_L2 ? Q_IS_L2 : Q_IS_META) == 0xff)
            return err_set(err, "no memory");
    }
    return true;
}

int q_replace_l1(struct qcow2 *q, u64 *l1, u32 n, u64 size)
{
    u64 clusters = MAX(q_clusters(q, n * 8ull), 1ull), off, old_off = q->l1_off;
    u64 old_clusters = q_clusters(q, q->l1_size * 8ull);
    u8 header[24] = {0}, *bytes = calloc(clusters, q->csize);
    int rc = bytes ? q_alloc(q, clusters, &clusters, &off) : ENOMEM;

    for (u32 i = 0; i < n && !rc; i++)
        put64(bytes + 8 * i, l1[i]);
    if (!rc)
        rc = file_put(q->f, off, bytes, clusters << q->cbits);
    if (!rc) /* the counts and what the new table names, before the switch */
        rc = q_sync(q, false);
    if (!rc)
        rc = file_flush(q->f);
    put64(header, size); /* and no encryption */
    put32(header + 12, n);
    put64(header + 16, rc ? 0 : off);
    if (!rc) /* size, l1_size and l1_table_offset lie in one sector */
        rc = q_header_write(q, 24, header, 24);
    if (!rc)
        rc = file_flush(q->f);
    free(bytes);
    if (rc) {
        free(l1);
        return rc;
    }
    free(q->l1);
    q->l1 = l1;
    q->l1_size = n;
    q->l1_off = off;
    q->l1_lo = q->l1_hi = 0;
    q->im->size = size;
    return old_clusters ? q_free_later(q, old_off, old_clusters) : 0;
}
