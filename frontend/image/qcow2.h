/* The parts of the qcow2 driver among themselves (QEMU's docs/interop/qcow2.txt describes the
 * format). Metadata is kept in memory and written in an order in which every moment's file is right
 * or has leaks: counts go up before they are needed, pointers come next, counts go down last. */
#ifndef FRONTEND_IMAGE_QCOW2_H
#define FRONTEND_IMAGE_QCOW2_H

#include "devices/core/bits.h"
#include "frontend/image/image.h"

#define Q_COPIED (1ull << 63) /* its count is exactly one: may be written in place */
#define Q_PACKED (1ull << 62) /* a compressed cluster */
#define Q_ZERO   1ull         /* version 3: reads as zeros */
#define Q_OFFSET 0x00fffffffffffe00ull
#define Q_L1_RESERVED   0x7f000000000001ffull
#define Q_REFT_RESERVED 0x1ffull

enum {
    Q_MAGIC = 0x514649fb,
    Q_V2_HEADER = 72,
    Q_V3_HEADER = 104,
    Q_MAX_L1 = 32 << 20, /* bytes */
    Q_MAX_REFT = 8 << 20,
    Q_MAX_SNAPSHOTS = 65536,
    Q_MAX_SNAP_TABLE = 64 << 20,
    Q_MAX_SNAP_L1 = 1 << 24, /* entries of all snapshots together */
};
enum { Q_DIRTY = 1, Q_CORRUPT = 2, Q_EXT_DATA = 4, Q_COMP_TYPE = 8, Q_EXT_L2 = 16 };
enum { Q_LAZY = 1 };
enum q_kind { Q_T_L2 = 1, Q_T_REF = 2 };

/* A table of one cluster, as it is in the file. */
struct q_table {
    u64 off;
    u8 *data;
    enum q_kind kind;
    bool dirty;
    bool fresh; /* nothing in the file points to it yet */
    struct q_table *hash_next, *older, *newer;
};

/* A set of cluster numbers with the kinds of metadata that lie there. */
struct q_set {
    u64 *key; /* number + 1; 0: empty */
    u8 *kind;
    size_t n, room;
};
enum { Q_IS_META = 1, Q_IS_L2 = 2 };

struct q_snapshot {
    struct image_snapshot s;
    u64 l1_off;
    u32 l1_size;
    u32 vm_size32;
    u8 *extra; /* as in the file */
    u32 extra_size;
};

enum { Q_BUCKETS = 4096 };
struct qcow2 {
    struct image *im;
    struct file *f;
    u32 version, cbits, rorder, header_len;
    u64 csize;
    u64 incompat, compat, autoclear;
    u8 compression; /* 0 zlib, 1 zstd */
    u32 l2_bits;    /* log2 of entries of an L2 table */
    u32 ref_bits;   /* log2 of counts in a table of counts */

    u64 *l1, l1_off;
    u32 l1_size;
    u32 l1_lo, l1_hi; /* entries to be written; equal: none */
    u64 *reft, reft_off;
    u32 reft_n, reft_clusters;
    u32 reft_lo, reft_hi;

    struct q_snapshot *snap;
    u32 nsnaps;
    u64 snap_off, snap_bytes;

    struct q_table *bucket[Q_BUCKETS], *newest, *oldest;
    u32 ntables, max_tables;
    struct q_set meta;

    u64 *later; /* clusters whose count goes down once no pointer to them is in the file */
    size_t nlater, later_room;
    u64 hint;  /* no free cluster before this one */
    bool data_written; /* since the last flush */
    bool dirty_bit;    /* is set in the file */
    bool broken;       /* found corrupt: no more writes */
    bool syncing;

    u64 pack_off, pack_end; /* where the next compressed cluster goes, if it fits */
    u64 unpacked_entry;     /* which compressed cluster `unpacked` holds; 0: none */
    u8 *unpacked, *scratch, *packed;
};

static inline u64 q_clusters(const struct qcow2 *q, u64 bytes)
{
    return (bytes >> q->cbits) + !!(bytes & (q->csize - 1));
}
static inline u64 q_l2_span(const struct qcow2 *q) /* guest bytes of one L2 table */
{
    return q->csize << q->l2_bits;
}

/* qcow2.c */
/* Note that the image is damaged: it is marked so, and not written any more. Returns EIO. */
int q_corrupt(struct qcow2 *q, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Write `n` bytes of the header. */
int q_header_write(struct qcow2 *q, u32 at, const void *bytes, u32 n);
/* Set and clear bits of "incompatible features" in the file, durably. */
int q_incompat(struct qcow2 *q, u64 set, u64 clear);

/* qcow2_cache.c */
int q_get(struct qcow2 *q, u64 off, enum q_kind kind, struct q_table **t);
/* A table at a place that is newly allocated, zeroed. */
int q_new(struct qcow2 *q, u64 off, enum q_kind kind, struct q_table **t);
void q_forget(struct qcow2 *q, u64 off);
void q_drop_all(struct qcow2 *q);
/* Bring metadata to the file in order; with `last`, counts that went down too, and the dirty bit is
 * cleared. */
int q_sync(struct qcow2 *q, bool last);
u8 q_set_add(struct q_set *s, u64 cluster, u8 kind); /* returns the kinds before, 0xff: no memory */
u8 q_set_get(const struct q_set *s, u64 cluster);
void q_set_free(struct q_set *s);

/* qcow2_ref.c */
int q_ref_get(struct qcow2 *q, u64 cluster, u64 *v);
int q_ref_set(struct qcow2 *q, u64 cluster, u64 v);
int q_ref_add(struct qcow2 *q, u64 cluster, s64 delta);
static inline u64 q_ref_max(const struct qcow2 *q)
{
    return q->rorder == 6 ? ~0ull : (1ull << (1u << q->rorder)) - 1;
}
/* The table of tables of counts is the one of `tables` clusters at `cluster` from now on: what it is
 * made of is written; the switch itself comes between two flushes. The caller puts q->reft and reft_n. An
 * errno when the old one still holds. */
int q_ref_switch(struct qcow2 *q, u64 cluster, u64 tables);
u64 q_ref_load(const struct qcow2 *q, const u8 *block, u64 i);
void q_ref_store(const struct qcow2 *q, u8 *block, u64 i, u64 v);
/* `n` clusters side by side, counted once; with n_min less than n, as many as are there. */
int q_alloc(struct qcow2 *q, u64 n_min, u64 *n, u64 *off);
/* Undo an allocation that nothing has ever pointed to. */
void q_unalloc(struct qcow2 *q, u64 off, u64 n);
/* Count down once the pointers in the file are gone. */
int q_free_later(struct qcow2 *q, u64 off, u64 n);
int q_free_entry(struct qcow2 *q, u64 entry);
int q_apply_frees(struct qcow2 *q);
/* Where the bytes of a compressed cluster lie: first cluster, number of clusters. */
void q_packed_place(const struct qcow2 *q, u64 entry, u64 *off, u64 *bytes);

/* qcow2_data.c */
int q_read(struct image *im, u64 off, u8 *buf, size_t n);
int q_write(struct image *im, u64 off, const u8 *buf, size_t n);
int q_zero(struct image *im, u64 off, u64 n);
int q_discard(struct image *im, u64 off, u64 n);
int q_map(struct image *im, u64 off, u64 n, u64 *run, enum image_map *kind);
/* The L2 table of this guest byte; *t is NULL when there is none and `write` is false. For writing
 * it is the active disk's own. */
int q_l2(struct qcow2 *q, u64 off, bool write, struct q_table **t);
static inline u32 q_l2_index(const struct qcow2 *q, u64 off)
{
    return (u32)(off >> q->cbits) & ((1u << q->l2_bits) - 1);
}

/* qcow2_pack.c */
int q_unpack(struct qcow2 *q, u64 entry); /* into q->unpacked */
int q_write_packed(struct image *im, u64 off, const u8 *buf, size_t n);
bool q_have_zstd(void);

/* qcow2_snap.c */
bool q_snap_load(struct qcow2 *q, u32 n, u64 off, struct err *err);
void q_snap_free(struct qcow2 *q);
bool q_snap_list(struct image *im, struct image_snapshots *list, struct err *err);
bool q_snap_create(struct image *im, const char *name, struct err *err);
bool q_snap_apply(struct image *im, const char *name, struct err *err);
u32 q_snap_find(const struct qcow2 *q, const char *name); /* q->nsnaps: there is none */
bool q_snap_delete(struct image *im, const char *name, struct err *err);
/* Set Q_COPIED everywhere in the active disk as the counts say. */
int q_fix_copied(struct qcow2 *q);
/* Add delta to the count of everything an L1 table reaches, itself not. */
int q_count_l1(struct qcow2 *q, const u64 *l1, u32 n, s64 delta);

/* qcow2_vmstate.c */
int q_vm_write(struct image *im, u64 off, const void *buf, size_t n);
bool q_vm_keep(struct image *im, const struct image_snapshot *as, struct err *err);
void q_vm_drop(struct image *im, u64 n);
int q_vm_read(struct image *im, const char *name, u64 off, void *buf, size_t n);

/* qcow2_meta.c: which clusters are metadata */
bool q_meta_build(struct qcow2 *q, bool tolerant, struct err *err);
int q_load_l1(struct qcow2 *q, u64 off, u32 n, u64 **l1);
/* Use `l1` (malloc, n entries; taken over) as the active table, at a new place, for a disk of this
 * size; the old place is given back. */
int q_replace_l1(struct qcow2 *q, u64 *l1, u32 n, u64 size);

/* qcow2_check.c, qcow2_create.c */
bool q_check(struct image *im, unsigned fix, struct image_check *res, struct err *err);
bool q_create(struct file *f, const char *path, const struct image_create *c, struct err *err);
bool q_resize(struct image *im, u64 size, bool shrink, struct err *err);

#endif
