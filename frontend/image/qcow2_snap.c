/* Internal snapshots of qcow2: a snapshot is a copy of the L1 table, and one more count for all
 * that it reaches. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SNAP_FIXED = 40, EXTRA_MAX = 1024, EXTRA_OURS = 24 };

/* ---- the table ---- */

void q_snap_free(struct qcow2 *q)
{
    for (u32 i = 0; i < q->nsnaps; i++)
        free(q->snap[i].extra);
    free(q->snap);
    q->snap = NULL;
    q->nsnaps = 0;
}

static bool bad_snap(struct qcow2 *q, u32 i, const char *what, struct err *err)
{
    return err_set(err, "the qcow2 image '%.200s' cannot be used: snapshot %u: %s", q->im->path, i,
                   what);
}

static void copy_text(char *to, size_t size, const u8 *from, size_t n)
{
    n = MIN(n, size - 1);
    memcpy(to, from, n);
    to[n] = 0;
}

/* One snapshot at p, of which `left` bytes are there; 0 when it is broken. */
static u64 parse(struct qcow2 *q, u32 i, const u8 *p, u64 left, struct err *err)
{
    struct q_snapshot *s = &q->snap[i];
    u32 extra, id, name;
    u64 n;

    if (left < SNAP_FIXED)
        return bad_snap(q, i, "the table of snapshots ends in it", err);
    s->l1_off = be64(p);
    s->l1_size = be32(p + 8);
    id = be16(p + 12);
    name = be16(p + 14);
    s->s.date = be32(p + 16);
    s->s.date_ns = be32(p + 20);
    s->s.clock = be64(p + 24);
    s->vm_size32 = be32(p + 32);
    extra = be32(p + 36);
    if (extra > EXTRA_MAX)
        return bad_snap(q, i, "extra_data_size is more than 1024", err);
    if (s->l1_size > Q_MAX_L1 / 8)
        return bad_snap(q, i, "l1_size is too large", err);
    n = (SNAP_FIXED + (u64)extra + id + name + 7) & ~7ull;
    if (n > left && SNAP_FIXED + (u64)extra + id + name > left)
        return bad_snap(q, i, "the table of snapshots ends in it", err);
    if (s->l1_off & (q->csize - 1) || s->l1_off > q->f->size ||
        s->l1_size * 8ull > q->f->size - s->l1_off)
        return bad_snap(q, i, "l1_table_offset is outside of the file or not the start of a cluster",
                        err);
    s->s.vm_size = extra >= 8 ? be64(p + 40) : s->vm_size32;
    s->s.disk_size = extra >= 16 ? be64(p + 48) : q->im->size;
    s->s.icount = extra >= 24 ? be64(p + 56) : ~0ull;
    if (s->s.disk_size > s->l1_size * q_l2_span(q))
        return bad_snap(q, i, "l1_size is too small for its size", err);
    s->extra = malloc(extra + 1);
    if (!s->extra)
        return bad_snap(q, i, "no memory", err);
    memcpy(s->extra, p + SNAP_FIXED, extra);
    s->extra_size = extra;
    copy_text(s->s.id, sizeof(s->s.id), p + SNAP_FIXED + extra, id);
    copy_text(s->s.name, sizeof(s->s.name), p + SNAP_FIXED + extra + id, name);
    return n;
}

bool q_snap_load(struct qcow2 *q, u32 n, u64 off, struct err *err)
{
    u64 at = 0, entries = 0, room;
    u8 *p;
    bool ok = true;

    q->snap_off = q->snap_bytes = 0;
    if (!n)
        return true;
    if (n > Q_MAX_SNAPSHOTS)
        return err_set(err, "the qcow2 image '%.200s' cannot be used: nb_snapshots is %u, but at "
                            "most %u are allowed",
                       q->im->path, n, Q_MAX_SNAPSHOTS);
    if (off & (q->csize - 1) || off >= q->f->size)
        return err_set(err, "the qcow2 image '%.200s' cannot be used: snapshots_offset is 0x%llx, "
                            "which is outside of the file or not the start of a cluster",
                       q->im->path, (unsigned long long)off);
    room = MIN(q->f->size - off, (u64)Q_MAX_SNAP_TABLE);
    /* A table takes no more than its snapshots can. */
    room = MIN(room, (u64)n * (SNAP_FIXED + EXTRA_MAX + 2 * 65536 + 8));
    p = malloc(room);
    q->snap = calloc(n, sizeof(*q->snap));
    if (!p || !q->snap || file_get(q->f, off, p, room)) {
        free(p);
        return err_set(err, "the snapshots of '%.200s' cannot be read", q->im->path);
    }
    for (u32 i = 0; i < n && ok; i++) {
        u64 len = parse(q, i, p + at, room - at, err);

        q->nsnaps = i + 1;
        ok = len != 0;
        entries += q->snap[i].l1_size;
        at = MIN(at + len, room);
        if (ok && entries > Q_MAX_SNAP_L1)
            ok = bad_snap(q, i, "the L1 tables of all snapshots are too large together", err);
    }
    free(p);
    q->snap_off = off;
    q->snap_bytes = at;
    return ok;
}

/* Write a table of these snapshots to a new place and let the header name it, durably. */
static int store(struct qcow2 *q, const struct q_snapshot *snap, u32 n)
{
    u64 bytes = 0, at = 0, clusters, off = 0, old = q->snap_off, old_bytes = q->snap_bytes;
    u8 header[12], *p;
    int rc = 0;

    for (u32 i = 0; i < n; i++)
        bytes += (SNAP_FIXED + MAX(snap[i].extra_size, (u32)EXTRA_OURS) + strlen(snap[i].s.id) +
                  strlen(snap[i].s.name) + 7) & ~7ull;
    clusters = q_clusters(q, bytes);
    p = calloc(MAX(clusters, 1ull), q->csize);
    if (!p)
        return ENOMEM;
    for (u32 i = 0; i < n; i++) {
        const struct q_snapshot *s = &snap[i];
        u32 extra = MAX(s->extra_size, (u32)EXTRA_OURS);
        u8 *e = p + at;

        be64_put(e, s->l1_off);
        be32_put(e + 8, s->l1_size);
        be16_put(e + 12, (u16)strlen(s->s.id));
        be16_put(e + 14, (u16)strlen(s->s.name));
        be32_put(e + 16, s->s.date);
        be32_put(e + 20, s->s.date_ns);
        be64_put(e + 24, s->s.clock);
        be32_put(e + 32, s->vm_size32);
        be32_put(e + 36, extra);
        if (s->extra_size)
            memcpy(e + SNAP_FIXED, s->extra, s->extra_size);
        be64_put(e + 40, s->s.vm_size);
        be64_put(e + 48, s->s.disk_size);
        be64_put(e + 56, s->s.icount);
        memcpy(e + SNAP_FIXED + extra, s->s.id, strlen(s->s.id));
        memcpy(e + SNAP_FIXED + extra + strlen(s->s.id), s->s.name, strlen(s->s.name));
        at += (SNAP_FIXED + extra + strlen(s->s.id) + strlen(s->s.name) + 7) & ~7ull;
    }
    if (clusters)
        rc = q_alloc(q, clusters, &clusters, &off);
    if (!rc && clusters)
        rc = file_put(q->f, off, p, clusters << q->cbits);
    free(p);
    if (!rc)
        rc = q_sync(q, false);
    if (!rc)
        rc = file_flush(q->f);
    be32_put(header, n);
    be64_put(header + 4, off);
    if (!rc)
        rc = q_header_write(q, 60, header, 12);
    if (!rc)
        rc = file_flush(q->f);
    if (rc)
        return rc;
    q->snap_off = off;
    q->snap_bytes = bytes;
    return old_bytes ? q_free_later(q, old, q_clusters(q, old_bytes)) : 0;
}

u32 q_snap_find(const struct qcow2 *q, const char *name)
{
    for (u32 i = 0; i < q->nsnaps; i++) {
        if (!strcmp(q->snap[i].s.name, name))
            return i;
    }
    for (u32 i = 0; i < q->nsnaps; i++) {
        if (!strcmp(q->snap[i].s.id, name))
            return i;
    }
    return q->nsnaps;
}

/* ---- counts ---- */

/* `budget` bounds the changes made (~0: all); it goes down by each. */
static int count_clusters(struct qcow2 *q, u64 off, u64 n, s64 delta, u64 *budget)
{
    for (u64 i = 0; i < n && *budget; i++) {
        u64 cluster = (off >> q->cbits) + i;
        int rc = q_ref_add(q, cluster, delta);

        if (rc)
            return rc;
        --*budget;
    }
    return 0;
}

static int count_entry(struct qcow2 *q, u64 e, s64 delta, u64 *budget)
{
    u64 off, bytes;

    if (e & Q_PACKED) {
        q_packed_place(q, e, &off, &bytes);
        if (off >= q->f->size)
            return q_corrupt(q, "a compressed cluster is said to be at 0x%llx, outside of the file",
                             (unsigned long long)off);
        bytes = MIN(bytes, q->f->size - off);
        return count_clusters(q, off, ((off + bytes - 1) >> q->cbits) - (off >> q->cbits) + 1,
                              delta, budget);
    }
    if (!(e & Q_OFFSET))
        return 0;
    if (e & Q_OFFSET & (q->csize - 1))
        return q_corrupt(q, "an L2 entry is 0x%llx, which is not the start of a cluster",
                         (unsigned long long)e);
    return count_clusters(q, e & Q_OFFSET, 1, delta, budget);
}

static int count_tree(struct qcow2 *q, const u64 *l1, u32 n, s64 delta, u64 *budget)
{
    u8 *copy = malloc(q->csize);
    int rc = copy ? 0 : ENOMEM;

    for (u32 i = 0; i < n && !rc && *budget; i++) {
        u64 off = l1[i] & Q_OFFSET, left;
        struct q_table *t;

        if (!off)
            continue;
        rc = q_get(q, off, Q_T_L2, &t);
        if (rc)
            break;
        memcpy(copy, t->data, q->csize);
        for (u32 k = 0; k < 1u << q->l2_bits && !rc && *budget; k++)
            rc = count_entry(q, be64(copy + 8 * k), delta, budget);
        if (!rc)
            rc = count_clusters(q, off, 1, delta, budget);
        if (!rc && delta < 0 && !q_ref_get(q, off >> q->cbits, &left) && !left)
            q_forget(q, off);
    }
    free(copy);
    return rc;
}

int q_count_l1(struct qcow2 *q, const u64 *l1, u32 n, s64 delta)
{
    u64 budget = ~0ull, undo;
    int rc = count_tree(q, l1, n, delta, &budget);

    q->unpacked_entry = 0;
    q->pack_off = q->pack_end = 0;
    if (rc && delta > 0) {
        undo = ~0ull - budget;
        count_tree(q, l1, n, -delta, &undo);
    }
    return rc;
}

static u64 with_flag(struct qcow2 *q, u64 e, u64 off, int *rc)
{
    u64 count;

    *rc = q_ref_get(q, off >> q->cbits, &count);
    return count == 1 ? e | Q_COPIED : e & ~Q_COPIED;
}

int q_fix_copied(struct qcow2 *q)
{
    u64 *flags = malloc(q->csize);
    int rc = flags ? 0 : ENOMEM;

    for (u32 i = 0; i < q->l1_size && !rc; i++) {
        u64 off = q->l1[i] & Q_OFFSET, e;
        struct q_table *t;
        bool changed = false;

        if (!off)
            continue;
        e = with_flag(q, q->l1[i], off, &rc);
        if (e != q->l1[i]) {
            q->l1[i] = e;
            if (q->l1_lo == q->l1_hi)
                q->l1_lo = i;
            q->l1_lo = MIN(q->l1_lo, i);
            q->l1_hi = i + 1;
        }
        if (!rc)
            rc = q_get(q, off, Q_T_L2, &t);
        if (rc)
            break;
        memcpy(flags, t->data, q->csize);
        for (u32 k = 0; k < 1u << q->l2_bits && !rc; k++) {
            u64 old = be64((u8 *)flags + 8 * k);

            if (old & Q_PACKED || !(old & Q_OFFSET))
                continue;
            e = with_flag(q, old, old & Q_OFFSET, &rc);
            changed |= e != old;
            be64_put((u8 *)flags + 8 * k, e);
        }
        if (!rc && changed)
            rc = q_get(q, off, Q_T_L2, &t);
        if (!rc && changed) {
            memcpy(t->data, flags, q->csize);
            t->dirty = true;
        }
    }
    free(flags);
    return rc;
}

/* ---- what can be asked for ---- */

static bool result(struct qcow2 *q, int rc, const char *what, struct err *err)
{
    if (!rc && !q_meta_build(q, true, NULL))
        rc = ENOMEM;
    return !rc || err_set(err, "cannot %s the snapshot of '%.200s': %s", what, q->im->path,
                          rc == EOVERFLOW ? "a cluster has as many references as its count can hold"
                                          : strerror(rc));
}

bool q_snap_list(struct image *im, struct image_snapshots *list, struct err *err)
{
    struct qcow2 *q = im->priv;

    list->v = calloc(q->nsnaps + 1, sizeof(*list->v));
    if (!list->v)
        return err_set(err, "no memory");
    for (u32 i = 0; i < q->nsnaps; i++)
        list->v[i] = q->snap[i].s;
    list->n = q->nsnaps;
    return true;
}

/* A copy of an L1 table in the file, at a place of its own. */
static int copy_l1(struct qcow2 *q, u64 *off)
{
    u64 clusters = MAX(q_clusters(q, q->l1_size * 8ull), 1ull);
    u8 *p = calloc(clusters, q->csize);
    int rc = p ? q_alloc(q, clusters, &clusters, off) : ENOMEM;

    for (u32 i = 0; i < q->l1_size && !rc; i++)
        be64_put(p + 8 * i, q->l1[i] & ~Q_COPIED);
    if (!rc)
        rc = file_put(q->f, *off, p, clusters << q->cbits);
    free(p);
    return rc;
}

static void name_new(struct qcow2 *q, struct q_snapshot *s, const struct image_snapshot *as)
{
    struct timespec now;
    unsigned long id = 0;

    for (u32 i = 0; i < q->nsnaps; i++)
        id = MAX(id, strtoul(q->snap[i].s.id, NULL, 10));
    snprintf(s->s.id, sizeof(s->s.id), "%lu", id + 1);
    memcpy(s->s.name, as->name, sizeof(s->s.name));
    s->s.clock = as->clock;
    s->s.vm_size = as->vm_size;
    s->vm_size32 = (u32)MIN(as->vm_size, (u64)UINT32_MAX);
    clock_gettime(CLOCK_REALTIME, &now);
    s->s.date = (u32)now.tv_sec;
    s->s.date_ns = (u32)now.tv_nsec;
    s->s.disk_size = q->im->size;
    s->s.icount = as->icount;
    s->l1_size = q->l1_size;
}

bool q_snap_create(struct image *im, const char *name, struct err *err)
{
    struct image_snapshot as = {.icount = ~0ull};

    if (!*name || strlen(name) >= sizeof(as.name))
        return err_set(err, "a snapshot's name has 1 to 255 characters");
    memcpy(as.name, name, strlen(name));
    return q_vm_keep(im, &as, err);
}

bool q_vm_keep(struct image *im, const struct image_snapshot *as, struct err *err)
{
    struct qcow2 *q = im->priv;
    const char *name = as->name;
    struct q_snapshot *snap;
    int rc;

    if (q_snap_find(q, name) < q->nsnaps)
        return err_set(err, "'%.200s' has a snapshot '%.100s' already", im->path, name);
    if (q->nsnaps >= Q_MAX_SNAPSHOTS)
        return err_set(err, "'%.200s' has as many snapshots as can be", im->path);
    snap = realloc(q->snap, (q->nsnaps + 1) * sizeof(*snap));
    if (!snap)
        return err_set(err, "no memory");
    q->snap = snap;
    snap += q->nsnaps;
    memset(snap, 0, sizeof(*snap));
    name_new(q, snap, as);
    rc = q_sync(q, false);
    if (!rc)
        rc = q_count_l1(q, q->l1, q->l1_size, 1);
    if (!rc)
        rc = q_fix_copied(q);
    if (!rc)
        rc = copy_l1(q, &snap->l1_off);
    if (!rc) /* counts and flags are durable before the header names the snapshot */
        rc = store(q, q->snap, q->nsnaps + 1);
    if (!rc)
        q->nsnaps++;
    if (!rc)
        rc = q_sync(q, true);
    return result(q, rc, "create", err);
}

bool q_snap_apply(struct image *im, const char *name, struct err *err)
{
    struct qcow2 *q = im->priv;
    u32 i = q_snap_find(q, name), n, old_n = q->l1_size;
    u64 *l1 = NULL, *snap_l1 = NULL, *old = NULL, size;
    int rc;

    if (i == q->nsnaps)
        return err_set(err, "'%.200s' has no snapshot '%.100s'", im->path, name);
    size = q->snap[i].s.disk_size;
    n = MAX(q->snap[i].l1_size, (u32)((size + q_l2_span(q) - 1) / q_l2_span(q)));
    l1 = calloc((size_t)n + 1, 8);
    old = calloc((size_t)old_n + 1, 8);
    rc = l1 && old ? q_sync(q, true) : ENOMEM;
    if (!rc)
        rc = q_load_l1(q, q->snap[i].l1_off, q->snap[i].l1_size, &snap_l1);
    if (!rc)
        rc = q_count_l1(q, snap_l1, q->snap[i].l1_size, 1);
    if (!rc) {
        memcpy(old, q->l1, old_n * 8ull);
        for (u32 k = 0; k < q->snap[i].l1_size; k++)
            l1[k] = snap_l1[k] & Q_OFFSET;
        rc = q_replace_l1(q, l1, n, size);
        l1 = NULL;
        if (!rc)
            rc = q_count_l1(q, old, old_n, -1);
    }
    free(l1);
    free(old);
    free(snap_l1);
    if (!rc)
        rc = q_fix_copied(q);
    if (!rc)
        rc = q_sync(q, true);
    return result(q, rc, "apply", err);
}

bool q_snap_delete(struct image *im, const char *name, struct err *err)
{
    struct qcow2 *q = im->priv;
    u32 i = q_snap_find(q, name);
    struct q_snapshot s;
    u64 *l1 = NULL;
    int rc;

    if (i == q->nsnaps)
        return err_set(err, "'%.200s' has no snapshot '%.100s'", im->path, name);
    rc = q_sync(q, true);
    if (!rc)
        rc = q_load_l1(q, q->snap[i].l1_off, q->snap[i].l1_size, &l1);
    if (rc)
        return result(q, rc, "delete", err);
    s = q->snap[i];
    memmove(&q->snap[i], &q->snap[i + 1], (q->nsnaps - i - 1) * sizeof(s));
    rc = store(q, q->snap, q->nsnaps - 1);
    if (rc) {
        memmove(&q->snap[i + 1], &q->snap[i], (q->nsnaps - i - 1) * sizeof(s));
        q->snap[i] = s;
        free(l1);
        return result(q, rc, "delete", err);
    }
    q->nsnaps--;
    free(s.extra);
    rc = q_count_l1(q, l1, s.l1_size, -1);
    free(l1);
    if (!rc && s.l1_size)
        rc = q_free_later(q, s.l1_off, q_clusters(q, s.l1_size * 8ull));
    if (!rc)
        rc = q_fix_copied(q);
    if (!rc)
        rc = q_sync(q, true);
    return result(q, rc, "delete", err);
}
