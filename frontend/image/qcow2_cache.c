/* Tables of qcow2 in memory, and the order in which they reach the file. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- sets of clusters ---- */

static size_t set_slot(const struct q_set *s, u64 cluster)
{
    size_t i = (size_t)((cluster * 0x9e3779b97f4a7c15ull) >> 32) & (s->room - 1);

    while (s->key[i] && s->key[i] != cluster + 1)
        i = (i + 1) & (s->room - 1);
    return i;
}

static bool set_grow(struct q_set *s)
{
    struct q_set old = *s;
    size_t room = old.room ? old.room * 2 : 256;

    s->key = calloc(room, sizeof(*s->key));
    s->kind = calloc(room, 1);
    if (!s->key || !s->kind) {
        free(s->key);
        free(s->kind);
        *s = old;
        return false;
    }
    s->room = room;
    for (size_t i = 0; i < old.room; i++) {
        if (old.key[i]) {
            size_t to = set_slot(s, old.key[i] - 1);

            s->key[to] = old.key[i];
            s->kind[to] = old.kind[i];
        }
    }
    free(old.key);
    free(old.kind);
    return true;
}

u8 q_set_add(struct q_set *s, u64 cluster, u8 kind)
{
    size_t i;
    u8 before;

    if (s->n * 2 >= s->room && !set_grow(s))
        return 0xff;
    i = set_slot(s, cluster);
    before = s->kind[i];
    s->n += !s->key[i];
    s->key[i] = cluster + 1;
    s->kind[i] |= kind;
    return before;
}

u8 q_set_get(const struct q_set *s, u64 cluster)
{
    return s->room ? s->kind[set_slot(s, cluster)] : 0;
}

void q_set_free(struct q_set *s)
{
    free(s->key);
    free(s->kind);
    memset(s, 0, sizeof(*s));
}

/* ---- tables ---- */

static struct q_table **bucket_of(struct qcow2 *q, u64 off)
{
    return &q->bucket[((off >> q->cbits) * 0x9e3779b97f4a7c15ull) >> 52 & (Q_BUCKETS - 1)];
}

static void unlink_age(struct qcow2 *q, struct q_table *t)
{
    *(t->newer ? &t->newer->older : &q->newest) = t->older;
    *(t->older ? &t->older->newer : &q->oldest) = t->newer;
}

static void make_newest(struct qcow2 *q, struct q_table *t)
{
    t->newer = NULL;
    t->older = q->newest;
    *(q->newest ? &q->newest->newer : &q->oldest) = t;
    q->newest = t;
}

static struct q_table *find(struct qcow2 *q, u64 off)
{
    struct q_table *t = *bucket_of(q, off);

    while (t && t->off != off)
        t = t->hash_next;
    return t;
}

static void drop(struct qcow2 *q, struct q_table *t)
{
    struct q_table **p = bucket_of(q, t->off);

    while (*p != t)
        p = &(*p)->hash_next;
    *p = t->hash_next;
    unlink_age(q, t);
    q->ntables--;
    free(t->data);
    free(t);
}

void q_forget(struct qcow2 *q, u64 off)
{
    struct q_table *t = find(q, off);

    if (t)
        drop(q, t);
}

void q_drop_all(struct qcow2 *q)
{
    while (q->oldest)
        drop(q, q->oldest);
}

/* Room for one more table. The few used last stay, since callers work with them. */
static int make_room(struct qcow2 *q)
{
    struct q_table *t, *next;
    int rc = 0;

    if (q->ntables < q->max_tables || q->syncing)
        return 0;
    for (int pass = 0; pass < 2; pass++) {
        for (t = q->oldest; t && q->ntables >= q->max_tables - q->max_tables / 4; t = next) {
            next = t->newer;
            if (!t->dirty && q->ntables > 8)
                drop(q, t);
        }
        if (q->ntables < q->max_tables)
            return 0;
        rc = q_sync(q, false);
        if (rc)
            return rc;
    }
    return 0;
}

static int add(struct qcow2 *q, u64 off, enum q_kind kind, struct q_table **out)
{
    int rc = make_room(q);
    struct q_table *t = rc ? NULL : calloc(1, sizeof(*t)), **b = bucket_of(q, off);

    if (rc)
        return rc;
    if (t)
        t->data = calloc(1, q->csize);
    if (!t || !t->data) {
        free(t);
        return ENOMEM;
    }
    t->off = off;
    t->kind = kind;
    t->hash_next = *b;
    *b = t;
    make_newest(q, t);
    q->ntables++;
    *out = t;
    return 0;
}

int q_get(struct qcow2 *q, u64 off, enum q_kind kind, struct q_table **out)
{
    struct q_table *t = find(q, off);
    int rc;

    if (t) {
        if (t->kind != kind)
            return q_corrupt(q, "the table at 0x%llx is named twice, for clusters and for counts",
                             (unsigned long long)off);
        if (t != q->newest) {
            unlink_age(q, t);
            make_newest(q, t);
        }
        *out = t;
        return 0;
    }
    if (off & (q->csize - 1) || off >= q->f->size)
        return q_corrupt(q, "a table of %s is said to be at 0x%llx, which is %s",
                         kind == Q_T_L2 ? "clusters (L2)" : "reference counts",
                         (unsigned long long)off,
                         off & (q->csize - 1) ? "not the start of a cluster"
                                              : "outside of the file");
    rc = add(q, off, kind, &t);
    if (rc)
        return rc;
    rc = file_get(q->f, off, t->data, q->csize);
    if (rc) {
        drop(q, t);
        return rc;
    }
    *out = t;
    return 0;
}

int q_new(struct qcow2 *q, u64 off, enum q_kind kind, struct q_table **out)
{
    int rc;

    q_forget(q, off);
    rc = add(q, off, kind, out);
    if (rc)
        return rc;
    (*out)->dirty = (*out)->fresh = true;
    if (q_set_add(&q->meta, off >> q->cbits, kind == Q_T_L2 ? Q_IS_L2 : Q_IS_META) == 0xff)
        return ENOMEM;
    return 0;
}

/* ---- writing in order ---- */

static int write_table(struct qcow2 *q, struct q_table *t)
{
    int rc = file_put(q->f, t->off, t->data, q->csize);

    if (!rc)
        t->dirty = false;
    return rc;
}

/* Tables of one kind that are fresh, or that are not. */
static int write_tables(struct qcow2 *q, enum q_kind kind, bool fresh, bool *any)
{
    int rc = 0;

    for (struct q_table *t = q->oldest; t && !rc; t = t->newer) {
        if (t->kind == kind && t->dirty && t->fresh == fresh) {
            rc = write_table(q, t);
            *any = true;
        }
    }
    return rc;
}

static void linked(struct qcow2 *q, enum q_kind kind)
{
    for (struct q_table *t = q->oldest; t; t = t->newer) {
        if (t->kind == kind)
            t->fresh = false;
    }
}

/* Entries lo to hi of a table that is kept in the host's order, in whole sectors. */
static int write_entries(struct qcow2 *q, u64 off, const u64 *v, u32 n, u32 *lo, u32 *hi)
{
    u32 a = *lo & ~63u, b = MIN((*hi + 63) & ~63u, n);
    u8 buf[512];
    int rc = 0;

    for (u32 i = a; i < b && !rc; i += 64) {
        u32 k = MIN(64u, n - i);

        for (u32 j = 0; j < k; j++)
            put64(buf + 8 * j, v[i + j]);
        rc = file_put(q->f, off + 8ull * i, buf, 8 * k);
    }
    if (!rc)
        *lo = *hi = 0;
    return rc;
}

/* Tables of counts: first those that nothing points to, then the pointers and the others. */
static int sync_counts(struct qcow2 *q)
{
    bool fresh = false, any = false;
    int rc = write_tables(q, Q_T_REF, true, &fresh);

    if (!rc && fresh)
        rc = file_flush(q->f);
    if (!rc && q->reft_lo != q->reft_hi)
        rc = write_entries(q, q->reft_off, q->reft, q->reft_n, &q->reft_lo, &q->reft_hi);
    if (rc)
        return rc;
    linked(q, Q_T_REF);
    return write_tables(q, Q_T_REF, false, &any);
}

static bool pointers_dirty(const struct qcow2 *q)
{
    if (q->l1_lo != q->l1_hi)
        return true;
    for (const struct q_table *t = q->oldest; t; t = t->newer) {
        if (t->kind == Q_T_L2 && t->dirty)
            return true;
    }
    return false;
}

static bool counts_dirty(const struct qcow2 *q)
{
    if (q->reft_lo != q->reft_hi)
        return true;
    for (const struct q_table *t = q->oldest; t; t = t->newer) {
        if (t->kind == Q_T_REF && t->dirty)
            return true;
    }
    return false;
}

static int sync_pointers(struct qcow2 *q)
{
    bool any = false;
    int rc = write_tables(q, Q_T_L2, true, &any);

    /* data, counts and new tables, before anything leads to them */
    if (!rc)
        rc = file_flush(q->f);
    if (!rc)
        rc = write_tables(q, Q_T_L2, false, &any);
    if (!rc && q->l1_lo != q->l1_hi)
        rc = write_entries(q, q->l1_off, q->l1, q->l1_size, &q->l1_lo, &q->l1_hi);
    if (!rc)
        rc = file_flush(q->f);
    if (!rc)
        linked(q, Q_T_L2);
    return rc;
}

static int sync_once(struct qcow2 *q, bool last)
{
    bool lazy = q->compat & Q_LAZY && !last, pointers = pointers_dirty(q);
    int rc = 0;

    if (lazy && (pointers || counts_dirty(q)) && !q->dirty_bit) {
        rc = q_incompat(q, Q_DIRTY, 0);
        q->dirty_bit = !rc;
    }
    if (!rc && !lazy && counts_dirty(q))
        rc = sync_counts(q);
    if (rc)
        return rc;
    if (pointers)
        rc = sync_pointers(q);
    else if (q->data_written || last)
        rc = file_flush(q->f);
    if (!rc)
        q->data_written = false;
    return rc ? rc : q_apply_frees(q);
}

int q_sync(struct qcow2 *q, bool last)
{
    int rc;

    if (q->broken)
        return EIO;
    q->syncing = true;
    rc = sync_once(q, last);
    /* What was freed counts less only now. */
    if (!rc && last && counts_dirty(q))
        rc = sync_once(q, last);
    if (!rc && last && q->dirty_bit) {
        rc = file_flush(q->f);
        if (!rc)
            rc = q_incompat(q, 0, Q_DIRTY);
        q->dirty_bit = rc != 0;
    }
    q->syncing = false;
    return rc;
}
