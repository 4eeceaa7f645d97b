/* The state of a machine in a qcow2 image: bytes behind the end of the disk, as guest clusters that
 * a snapshot takes along and the disk then lets go (qcow2 specification, "Snapshots"). */
#include "frontend/image/qcow2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The first byte behind the disk that has an L2 table of its own. */
static u64 begin(const struct qcow2 *q, u64 disk_size)
{
    return (disk_size + q_l2_span(q) - 1) / q_l2_span(q) * q_l2_span(q);
}

/* Room in the L1 table for all below `end`, and more, as each move of it costs flushes. */
static int grow(struct qcow2 *q, u64 end)
{
    u64 need = (end + q_l2_span(q) - 1) / q_l2_span(q), n = need + 64 - need % 64;
    u64 *l1;
    int rc;

    if (need <= q->l1_size)
        return 0;
    if (n > Q_MAX_L1 / 8)
        return EFBIG;
    l1 = calloc(n, 8);
    if (!l1)
        return ENOMEM;
    memcpy(l1, q->l1, q->l1_size * 8ull);
    rc = q_replace_l1(q, l1, (u32)n, q->im->size);
    return rc || q_meta_build(q, true, NULL) ? rc : ENOMEM;
}

int q_vm_write(struct image *im, u64 off, const void *buf, size_t n)
{
    struct qcow2 *q = im->priv;
    u64 at = begin(q, im->size) + off;
    int rc = grow(q, at + n);

    return rc ? rc : q_write(im, at, buf, n);
}

void q_vm_drop(struct image *im, u64 n)
{
    struct qcow2 *q = im->priv;
    u64 at = begin(q, im->size), room = q->l1_size * q_l2_span(q);

    /* What is left of it after a failure is lost room, which check finds. */
    if (at < room && n && !q_discard(im, at, MIN((n + q->csize - 1) & ~(q->csize - 1), room - at)))
        q_sync(q, true);
}

int q_vm_read(struct image *im, const char *name, u64 off, void *buf, size_t n)
{
    struct qcow2 *q = im->priv;
    u32 i = q_snap_find(q, name), own_size = q->l1_size;
    u64 *own = q->l1, *l1 = NULL, at;
    int rc;

    if (i == q->nsnaps)
        return ENOENT;
    if (off > q->snap[i].s.vm_size || n > q->snap[i].s.vm_size - off)
        return EIO;
    at = begin(q, q->snap[i].s.disk_size) + off;
    if (at + n > q->snap[i].l1_size * q_l2_span(q))
        return EIO;
    rc = q_load_l1(q, q->snap[i].l1_off, q->snap[i].l1_size, &l1);
    if (rc)
        return rc;
    /* The snapshot's table instead of the disk's, for a look. */
    q->l1 = l1;
    q->l1_size = q->snap[i].l1_size;
    rc = q_read(im, at, buf, n);
    q->l1 = own;
    q->l1_size = own_size;
    free(l1);
    return rc;
}
