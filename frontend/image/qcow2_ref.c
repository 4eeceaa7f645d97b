/* Reference counts of qcow2: reading, changing, allocating and giving back. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

u64 q_ref_load(const struct qcow2 *q, const u8 *p, u64 i)
{
    unsigned bits = 1u << q->rorder;

    switch (q->rorder) {
    case 0: case 1: case 2:
        return p[i * bits / 8] >> (i * bits % 8) & ((1u << bits) - 1);
    case 3: return p[i];
    case 4: return be16(p + 2 * i);
    case 5: return be32(p + 4 * i);
    default: return be64(p + 8 * i);
    }
}

void q_ref_store(const struct qcow2 *q, u8 *p, u64 i, u64 v)
{
    unsigned bits = 1u << q->rorder;

    switch (q->rorder) {
    case 0: case 1: case 2: {
        unsigned at = i * bits % 8, mask = ((1u << bits) - 1) << at;
        u8 *b = p + i * bits / 8;

        *b = (u8)((*b & ~mask) | ((unsigned)v << at & mask));
        break;
    }
    case 3: p[i] = (u8)v; break;
    case 4: put16(p + 2 * i, (u16)v); break;
    case 5: put32(p + 4 * i, (u32)v); break;
    default: put64(p + 8 * i, v); break;
    }
}

/* The table with the count of this cluster; *t is NULL when there is none. */
static int block_of(struct qcow2 *q, u64 cluster, struct q_table **t)
{
    u64 i = cluster >> q->ref_bits, off;

    *t = NULL;
    if (i >= q->reft_n)
        return 0;
    off = q->reft[i];
    if (!off)
        return 0;
    if (off & Q_REFT_RESERVED)
        return q_corrupt(q, "entry %llu of the reference count table has reserved bits set",
                         (unsigned long long)i);
    return q_get(q, off, Q_T_REF, t);
}

int q_ref_get(struct qcow2 *q, u64 cluster, u64 *v)
{
    struct q_table *t;
    int rc = block_of(q, cluster, &t);

    *v = !rc && t ? q_ref_load(q, t->data, cluster & ((1ull << q->ref_bits) - 1)) : 0;
    return rc;
}

int q_ref_set(struct qcow2 *q, u64 cluster, u64 v)
{
    struct q_table *t;
    int rc = block_of(q, cluster, &t);

    if (rc)
        return rc;
    if (!t)
        return q_corrupt(q, "cluster %llu is in use but has no reference count",
                         (unsigned long long)cluster);
    q_ref_store(q, t->data, cluster & ((1ull << q->ref_bits) - 1), v);
    t->dirty = true;
    if (!v)
        q->hint = MIN(q->hint, cluster);
    return 0;
}

int q_ref_add(struct qcow2 *q, u64 cluster, s64 delta)
{
    u64 v;
    int rc = q_ref_get(q, cluster, &v);

    if (rc)
        return rc;
    if (delta < 0 && v < (u64)-delta)
        return q_corrupt(q, "cluster %llu would have a negative reference count",
                         (unsigned long long)cluster);
    if (delta > 0 && v > q_ref_max(q) - (u64)delta)
        return EOVERFLOW;
    return q_ref_set(q, cluster, v + (u64)delta);
}

/* ---- a larger table of tables ---- */

/* Beyond what the table covers nothing is in use, so the new one goes there, with the counts for
 * itself in front of it. */
static int grow_reft(struct qcow2 *q)
{
    u64 per = 1ull << q->ref_bits, start = (u64)q->reft_n << q->ref_bits, blocks = 0, tables;
    u64 old_off = q->reft_off, old_clusters = q->reft_clusters, n, *reft;
    struct q_table *t;
    u8 header[12], *bytes;
    int rc = 0;

    do {
        blocks++;
        /* half as large again, so that this is rare */
        n = MAX(q->reft_n + blocks, q->reft_n + q->reft_n / 2);
        tables = q_clusters(q, n * 8);
    } while (blocks * per < blocks + tables);
    n = tables * q->csize / 8;
    if (n * 8 > Q_MAX_REFT)
        return EFBIG;
    reft = calloc(n, 8);
    bytes = calloc(n, 8);
    if (!reft || !bytes) {
        free(reft);
        free(bytes);
        return ENOMEM;
    }
    memcpy(reft, q->reft, q->reft_n * 8ull);
    for (u64 i = 0; i < blocks && !rc; i++) {
        u64 first = i * per;

        reft[q->reft_n + i] = (start + i) << q->cbits;
        rc = q_new(q, (start + i) << q->cbits, Q_T_REF, &t);
        for (u64 k = 0; k < per && !rc && first + k < blocks + tables; k++)
            q_ref_store(q, t->data, k, 1);
    }
    for (u64 i = 0; i < n; i++)
        put64(bytes + 8 * i, reft[i]);
    if (!rc)
        rc = file_put(q->f, (start + blocks) << q->cbits, bytes, n * 8);
    free(bytes);
    /* every table of counts, then the switch */
    for (t = q->oldest; t && !rc; t = t->newer) {
        if (t->kind == Q_T_REF && t->dirty) {
            rc = file_put(q->f, t->off, t->data, q->csize);
            t->dirty = rc != 0;
        }
    }
    if (!rc)
        rc = file_flush(q->f);
    put64(header, (start + blocks) << q->cbits);
    put32(header + 8, (u32)tables);
    if (!rc)
        rc = q_header_write(q, 48, header, 12);
    if (!rc)
        rc = file_flush(q->f);
    if (rc) {
        free(reft);
        return rc;
    }
    for (t = q->oldest; t; t = t->newer) {
        if (t->kind == Q_T_REF)
            t->fresh = false;
    }
    free(q->reft);
    q->reft = reft;
    q->reft_n = (u32)n;
    q->reft_off = (start + blocks) << q->cbits;
    q->reft_clusters = (u32)tables;
    q->reft_lo = q->reft_hi = 0;
    for (u64 i = 0; i < tables; i++)
        q_set_add(&q->meta, start + blocks + i, Q_IS_META);
    for (u64 i = 0; i < old_clusters; i++) {
        rc = q_ref_add(q, (old_off >> q->cbits) + i, -1);
        if (rc)
            return rc;
    }
    /* the old place is free: no longer to be kept from others */
    return q_meta_build(q, true, NULL) ? 0 : ENOMEM;
}

/* A table of counts for this cluster, which is free: the table takes the cluster itself. */
static int add_block(struct qcow2 *q, u64 cluster)
{
    u64 i = cluster >> q->ref_bits;
    struct q_table *t;
    int rc;

    if (i >= q->reft_n)
        return grow_reft(q);
    rc = q_new(q, cluster << q->cbits, Q_T_REF, &t);
    if (rc)
        return rc;
    q_ref_store(q, t->data, cluster & ((1ull << q->ref_bits) - 1), 1);
    if (q->reft_lo == q->reft_hi)
        q->reft_lo = q->reft_hi = (u32)i;
    q->reft[i] = cluster << q->cbits;
    q->reft_lo = MIN(q->reft_lo, (u32)i);
    q->reft_hi = MAX(q->reft_hi, (u32)i + 1);
    return 0;
}

/* ---- allocating ---- */

int q_alloc(struct qcow2 *q, u64 n_min, u64 *n, u64 *off)
{
    u64 at = q->hint, run = 0, first = 0, limit = (u64)INT64_MAX >> q->cbits;
    bool hint_moves = true;
    int rc;

    while (run < *n) {
        struct q_table *t;
        u64 v;

        if (at >= limit)
            return EFBIG;
        rc = block_of(q, at, &t);
        if (rc)
            return rc;
        if (!t) {
            if (run >= n_min)
                break;
            if (q_set_get(&q->meta, at))
                return q_corrupt(q, "cluster %llu holds metadata but has no reference count",
                                 (unsigned long long)at);
            rc = add_block(q, at);
            if (rc)
                return rc;
            /* it took the cluster, or the table grew and it is looked at again */
            run = 0;
            continue;
        }
        v = q_ref_load(q, t->data, at & ((1ull << q->ref_bits) - 1));
        if (v) {
            if (run >= n_min)
                break;
            run = 0;
            at++;
            continue;
        }
        if (hint_moves) {
            q->hint = at;
            hint_moves = false;
        }
        if (q_set_get(&q->meta, at))
            return q_corrupt(q, "cluster %llu holds metadata but has no reference count",
                             (unsigned long long)at);
        if (!run++)
            first = at;
        at++;
    }
    for (u64 i = 0; i < run; i++) {
        rc = q_ref_set(q, first + i, 1);
        if (rc) {
            q_unalloc(q, first << q->cbits, i);
            return rc;
        }
    }
    if (first == q->hint)
        q->hint = first + run;
    *n = run;
    *off = first << q->cbits;
    return 0;
}

void q_unalloc(struct qcow2 *q, u64 off, u64 n)
{
    for (u64 i = 0; i < n; i++)
        q_ref_set(q, (off >> q->cbits) + i, 0);
}

/* ---- giving back ---- */

int q_free_later(struct qcow2 *q, u64 off, u64 n)
{
    while (n--) {
        if (q->nlater == q->later_room) {
            size_t room = q->later_room ? q->later_room * 2 : 64;
            u64 *p = realloc(q->later, room * sizeof(*p));

            if (!p)
                return ENOMEM;
            q->later = p;
            q->later_room = room;
        }
        q->later[q->nlater++] = off >> q->cbits;
        off += q->csize;
    }
    return 0;
}

void q_packed_place(const struct qcow2 *q, u64 entry, u64 *off, u64 *bytes)
{
    unsigned x = 62 - (q->cbits - 8);

    *off = entry & ((1ull << x) - 1);
    *bytes = (((entry & (Q_PACKED - 1)) >> x) + 1) * 512 - (*off & 511);
}

int q_free_entry(struct qcow2 *q, u64 entry)
{
    u64 off, bytes;

    if (entry & Q_PACKED) {
        q_packed_place(q, entry, &off, &bytes);
        if (off >= q->f->size)
            return q_corrupt(q, "a compressed cluster is said to be at 0x%llx, outside of the file",
                             (unsigned long long)off);
        bytes = MIN(bytes, q->f->size - off);
        q->unpacked_entry = 0;
        return q_free_later(q, off & ~(q->csize - 1),
                            ((off + bytes - 1) >> q->cbits) - (off >> q->cbits) + 1);
    }
    return entry & Q_OFFSET ? q_free_later(q, entry & Q_OFFSET, 1) : 0;
}

int q_apply_frees(struct qcow2 *q)
{
    int rc = 0;

    while (q->nlater && !rc) {
        u64 cluster = q->later[q->nlater - 1], v;

        rc = q_ref_get(q, cluster, &v);
        if (!rc && !v)
            rc = q_corrupt(q, "cluster %llu is in use but its reference count is 0",
                           (unsigned long long)cluster);
        if (!rc)
            rc = q_ref_set(q, cluster, v - 1);
        if (rc)
            break;
        q->nlater--;
        if (v == 1) {
            /* nothing leads here any more, not in the file either */
            q_forget(q, cluster << q->cbits);
            if (cluster == q->pack_off >> q->cbits)
                q->pack_off = q->pack_end = 0;
            file_punch(q->f, cluster << q->cbits, q->csize);
        }
    }
    return rc;
}
