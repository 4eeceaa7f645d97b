/* Checking a qcow2 image: everything that is in use is counted, compared with the counts in the
 * file, and those are mended. */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CLUSTERS = 1 << 28 };

struct walk {
    struct qcow2 *q;
    struct image_check *res;
    unsigned fix;
    u32 *count; /* per cluster of the file */
    u64 n;
    u8 *copy;
    bool rebuild; /* the counts cannot be mended where they are */
    struct q_set seen; /* L2 tables of the L1 table that is walked */
};

static void say(struct walk *w, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct walk *w, const char *fmt, ...)
{
    va_list ap;

    if (!w->res->out)
        return;
    va_start(ap, fmt);
    vfprintf(w->res->out, fmt, ap);
    va_end(ap);
}

/* Bytes that are in use; false when they are not all in the file. */
static bool use(struct walk *w, u64 off, u64 bytes)
{
    struct qcow2 *q = w->q;
    u64 first = off >> q->cbits, last = bytes ? (off + bytes - 1) >> q->cbits : first;

    if (!bytes)
        return true;
    if (off + bytes < off || last >= w->n)
        return false;
    for (u64 i = first; i <= last; i++) {
        if (w->count[i] < ~0u)
            w->count[i]++;
    }
    w->res->end = MAX(w->res->end, (last + 1) << q->cbits);
    return true;
}

static void error(struct walk *w, bool fixed)
{
    w->res->corruptions++;
    if (fixed)
        w->res->corruptions_fixed++;
}

/* An entry of a guest's cluster; true when it was changed. */
static bool check_entry(struct walk *w, u8 *p, u64 guest, bool active, u64 *next)
{
    struct qcow2 *q = w->q;
    u64 e = be64(p), off = e & Q_OFFSET, bytes;
    bool counts = active && guest < q->im->size, fix = w->fix & IMAGE_FIX_ERRORS;

    if (e & Q_PACKED) {
        q_packed_place(q, e, &off, &bytes);
        if (counts)
            w->res->allocated++, w->res->compressed++, w->res->fragmented++;
        if (off < q->f->size && use(w, off, MIN(bytes, q->f->size - off)))
            return false;
        say(w, "ERROR compressed cluster at guest offset 0x%llx is outside of the file\n",
            (unsigned long long)guest);
    } else if (!off) {
        return false;
    } else {
        if (counts && !(e & Q_ZERO && q->version >= 3)) {
            w->res->allocated++;
            w->res->fragmented += *next && off != *next;
            *next = off + q->csize;
        }
        if (!(off & (q->csize - 1)) && use(w, off, q->csize))
            return false;
        say(w, "ERROR cluster of guest offset 0x%llx: 0x%llx is %s\n", (unsigned long long)guest,
            (unsigned long long)off,
            off & (q->csize - 1) ? "not the start of a cluster" : "outside of the file");
    }
    error(w, fix);
    if (fix)
        put64(p, q->version >= 3 ? Q_ZERO : 0);
    return fix;
}

static int check_l2(struct walk *w, u64 off, u64 guest, bool active)
{
    struct qcow2 *q = w->q;
    struct q_table *t;
    bool changed = false;
    u64 next = 0;
    int rc = q_get(q, off, Q_T_L2, &t);

    if (rc)
        return rc;
    for (u32 k = 0; k < 1u << q->l2_bits; k++)
        changed |= check_entry(w, t->data + 8 * k, guest + ((u64)k << q->cbits), active, &next);
    t->dirty |= changed;
    return 0;
}

static int check_l1(struct walk *w, u64 *l1, u32 n, bool active)
{
    struct qcow2 *q = w->q;
    bool fix = active && w->fix & IMAGE_FIX_ERRORS;
    int rc = 0;

    q_set_free(&w->seen);
    for (u32 i = 0; i < n && !rc; i++) {
        u64 off = l1[i] & Q_OFFSET;
        u8 before;

        if (!off)
            continue;
        before = off & (q->csize - 1) ? 1 : q_set_add(&w->seen, off >> q->cbits, Q_IS_L2);
        if (before == 0xff)
            return ENOMEM;
        if (before || !use(w, off, q->csize)) {
            say(w, "ERROR L1 entry %u: 0x%llx is %s\n", i, (unsigned long long)off,
                off & (q->csize - 1) ? "not the start of a cluster"
                : before             ? "the table of another entry"
                                     : "outside of the file");
            error(w, fix);
            if (fix) {
                l1[i] = 0;
                q->l1_lo = 0;
                q->l1_hi = q->l1_size;
            }
            continue;
        }
        rc = check_l2(w, off, i * q_l2_span(q), active);
    }
    return rc;
}

static int walk_all(struct walk *w)
{
    struct qcow2 *q = w->q;
    int rc;

    use(w, 0, q->csize);
    if (!use(w, q->l1_off, q->l1_size * 8ull) || !use(w, q->snap_off, q->snap_bytes))
        error(w, false);
    rc = check_l1(w, q->l1, q->l1_size, true);
    for (u32 i = 0; i < q->nsnaps && !rc; i++) {
        u64 *l1;

        if (!use(w, q->snap[i].l1_off, q->snap[i].l1_size * 8ull))
            error(w, false);
        rc = q_load_l1(q, q->snap[i].l1_off, q->snap[i].l1_size, &l1);
        if (!rc) {
            rc = check_l1(w, l1, q->snap[i].l1_size, false);
            free(l1);
        }
    }
    return rc;
}

/* The tables of counts themselves. */
static void walk_counts(struct walk *w)
{
    struct qcow2 *q = w->q;

    if (!q->reft_n || q->reft_off & (q->csize - 1) ||
        !use(w, q->reft_off, (u64)q->reft_clusters << q->cbits)) {
        say(w, "ERROR the table of reference counts is outside of the file\n");
        error(w, w->fix & IMAGE_FIX_ERRORS);
        w->rebuild = true;
        return;
    }
    for (u32 i = 0; i < q->reft_n; i++) {
        u64 off = q->reft[i];

        if (!off)
            continue;
        if (!(off & (q->csize - 1)) && use(w, off, q->csize) && w->count[off >> q->cbits] == 1)
            continue;
        say(w, "ERROR refcount block %u at 0x%llx is %s\n", i, (unsigned long long)off,
            off & (q->csize - 1)     ? "not the start of a cluster"
            : off >> q->cbits >= w->n ? "outside of the file"
                                     : "in use for something else");
        error(w, w->fix & IMAGE_FIX_ERRORS);
        w->rebuild = true;
        q->reft[i] = w->fix & IMAGE_FIX_ERRORS ? 0 : off;
    }
}

static int compare(struct walk *w)
{
    struct qcow2 *q = w->q;
    int rc = 0;

    for (u64 i = 0; i < w->n && !rc; i++) {
        bool leak, fix;
        u64 v;

        rc = q_ref_get(q, i, &v);
        if (rc == EIO) { /* told already */
            rc = 0;
            continue;
        }
        if (rc || v == w->count[i])
            continue;
        leak = v > w->count[i];
        fix = w->fix & (leak ? IMAGE_FIX_LEAKS : IMAGE_FIX_ERRORS);
        say(w, "%s cluster %llu refcount=%llu reference=%u\n",
            fix ? "Repairing" : leak ? "Leaked" : "ERROR", (unsigned long long)i,
            (unsigned long long)v, w->count[i]);
        if (leak)
            w->res->leaks++, w->res->leaks_fixed += fix;
        else
            error(w, fix);
        if (!fix || w->rebuild)
            continue;
        if (i >> q->ref_bits >= q->reft_n || !q->reft[i >> q->ref_bits])
            w->rebuild = true;
        else
            rc = q_ref_set(q, i, w->count[i]);
    }
    return rc;
}

/* New tables of counts behind everything else; the old ones are no longer in use. */
static int rebuild(struct walk *w)
{
    struct qcow2 *q = w->q;
    u64 per = 1ull << q->ref_bits, blocks = 1, tables = 1, bytes, start = w->n;
    u8 header[12], *block = NULL, *table = NULL;
    int rc = 0;

    while (blocks * per < start + blocks + tables || tables * q->csize / 8 < blocks) {
        blocks = (start + blocks + tables + per - 1) / per;
        tables = q_clusters(q, blocks * 8);
    }
    bytes = tables << q->cbits;
    if (bytes > Q_MAX_REFT)
        return EFBIG;
    table = calloc(1, bytes);
    block = malloc(q->csize);
    for (u64 b = 0; table && block && b < blocks && !rc; b++) {
        memset(block, 0, q->csize);
        for (u64 k = 0; k < per && b * per + k < start + blocks + tables; k++) {
            u64 i = b * per + k, v = i < start ? w->count[i] : 1;

            if (v > q_ref_max(q))
                rc = EOVERFLOW;
            q_ref_store(q, block, k, v);
        }
        put64(table + 8 * b, (start + b) << q->cbits);
        if (!rc)
            rc = file_put(q->f, (start + b) << q->cbits, block, q->csize);
    }
    if (!table || !block)
        rc = ENOMEM;
    if (!rc)
        rc = file_put(q->f, (start + blocks) << q->cbits, table, bytes);
    if (!rc)
        rc = file_flush(q->f);
    put64(header, (start + blocks) << q->cbits);
    put32(header + 8, (u32)tables);
    if (!rc)
        rc = q_header_write(q, 48, header, 12);
    if (!rc)
        rc = file_flush(q->f);
    free(block);
    free(table);
    if (rc)
        return rc;
    q_drop_all(q);
    free(q->reft);
    q->reft = NULL;
    q->reft_off = (start + blocks) << q->cbits;
    q->reft_clusters = (u32)tables;
    q->reft_n = (u32)(bytes / 8);
    q->reft_lo = q->reft_hi = 0;
    w->res->end = (start + blocks + tables) << q->cbits;
    return q_load_l1(q, q->reft_off, q->reft_n, &q->reft);
}

/* A flag against the count in the file. Where only one reference is there, or the flag is missing, a
 * wrong one does no harm; that is what a power cut may leave. */
static int check_flag(struct walk *w, u64 e, const char *table, u64 i)
{
    u64 off = e & Q_OFFSET, v;
    int rc = q_ref_get(w->q, off >> w->q->cbits, &v);

    if (rc || (v == 1) == !!(e & Q_COPIED))
        return rc;
    if (e & Q_COPIED && off >> w->q->cbits < w->n && w->count[off >> w->q->cbits] > 1) {
        say(w, "ERROR flag 'copied' of %s entry %llu (0x%llx): refcount=%llu\n", table,
            (unsigned long long)i, (unsigned long long)e, (unsigned long long)v);
        error(w, false);
    } else {
        say(w, "Stale flag 'copied' of %s entry %llu (0x%llx): refcount=%llu\n", table,
            (unsigned long long)i, (unsigned long long)e, (unsigned long long)v);
        w->res->leaks++;
    }
    return 0;
}

/* Flags that do not fit the counts. */
static int check_flags(struct walk *w)
{
    struct qcow2 *q = w->q;
    int rc = 0;

    if (w->fix)
        return q_fix_copied(q);
    for (u32 i = 0; i < q->l1_size && !rc; i++) {
        u64 off = q->l1[i] & Q_OFFSET;
        struct q_table *t;

        if (!off || off & (q->csize - 1) || off >= q->f->size)
            continue;
        rc = check_flag(w, q->l1[i], "L1", i);
        if (!rc)
            rc = q_get(q, off, Q_T_L2, &t);
        if (!rc)
            memcpy(w->copy, t->data, q->csize);
        for (u32 k = 0; k < 1u << q->l2_bits && !rc; k++) {
            u64 e = be64(w->copy + 8 * k);

            if (!(e & Q_PACKED) && e & Q_OFFSET)
                rc = check_flag(w, e, "L2", ((u64)i << q->l2_bits) + k);
        }
    }
    return rc == EIO ? 0 : rc;
}

static int check_all(struct walk *w)
{
    struct qcow2 *q = w->q;
    int rc = walk_all(w);

    if (!rc && !(w->fix & IMAGE_FIX_ERRORS))
        walk_counts(w);
    else if (!rc) {
        u32 *before = malloc(w->n * sizeof(*before));

        if (!before)
            return ENOMEM;
        memcpy(before, w->count, w->n * sizeof(*before));
        walk_counts(w);
        rc = compare(w);
        if (!rc && w->rebuild) {
            /* what was changed in other tables first: those in memory go */
            memcpy(w->count, before, w->n * sizeof(*before));
            for (struct q_table *t = q->oldest; t && !rc; t = t->newer) {
                if (t->dirty && t->kind == Q_T_L2)
                    rc = file_put(q->f, t->off, t->data, q->csize);
            }
            if (!rc)
                rc = rebuild(w);
        }
        free(before);
        return rc ? rc : check_flags(w);
    }
    if (!rc)
        rc = compare(w);
    return rc ? rc : check_flags(w);
}

bool q_check(struct image *im, unsigned fix, struct image_check *res, struct err *err)
{
    struct qcow2 *q = im->priv;
    struct walk w = {.q = q, .res = res, .fix = fix};
    int rc = im->writable ? q_sync(q, false) : 0;

    w.n = q_clusters(q, q->f->size);
    res->total = q_clusters(q, im->size);
    if (w.n > MAX_CLUSTERS)
        return err_set(err, "'%.200s' has %llu clusters, too many to check", im->path,
                       (unsigned long long)w.n);
    w.count = calloc(w.n + 1, sizeof(*w.count));
    w.copy = malloc(q->csize);
    if (!w.count || !w.copy)
        rc = ENOMEM;
    if (!rc)
        rc = check_all(&w);
    q->hint = 0;
    q->unpacked_entry = 0;
    if (!rc && fix) {
        rc = q_sync(q, true);
        if (!rc && !q_meta_build(q, true, NULL))
            rc = ENOMEM;
        if (!rc && res->corruptions == res->corruptions_fixed && fix & IMAGE_FIX_ERRORS)
            rc = q_incompat(q, 0, Q_DIRTY | Q_CORRUPT);
    }
    q_set_free(&w.seen);
    free(w.count);
    free(w.copy);
    if (!rc)
        return true;
    res->check_errors++;
    return err_set(err, "cannot check '%.200s': %s", im->path, strerror(rc));
}
