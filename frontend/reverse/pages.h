/* Pages as they were at several moments, and sets of page numbers: plain data, of memories and of
 * disks alike. A moment is a number (serial); later moments have larger ones. */
#ifndef FRONTEND_REVERSE_PAGES_H
#define FRONTEND_REVERSE_PAGES_H

#include "devices/core/types.h"

enum { HIST_PAGE = 4096 };

/* What page `key` was from moment `serial` on, until that of the next newer version. */
struct page_version {
    u64 key, serial;
    struct page_version *older;
    const u8 *data; /* NULL: as in the older version; without one: zeros */
};
/* The versions of one moment: the pages that changed, or may have, since the moment before. */
struct page_list {
    struct page_version **v;
    u32 n, cap;
};

struct pages {
    struct page_version **slot; /* by hash of key: the newest version of it */
    u32 n, cap;
    u64 bytes; /* of memory in use */
    bool lost; /* the host had no memory once: what is here has holes */
};

/* Page `key` has these bytes at moment `serial`, which belongs to `list` (NULL: it is never
 * forgotten); no version of that moment may be there. */
void pages_put(struct pages *p, struct page_list *list, u64 key, u64 serial, const u8 *data);
/* The bytes at a moment; NULL: nothing is known of that page. */
const u8 *pages_find(const struct pages *p, u64 key, u64 serial);
/* The moment of `list` is forgotten: what is needed goes over to the next one, `serial` and `next`.
 */
void pages_merge(struct pages *p, struct page_list *list, struct page_list *next, u64 serial);
/* Forget everything. */
void pages_clear(struct pages *p);
void page_list_free(struct page_list *list);

/* A set of numbers. `all`: each is in it. */
struct numset {
    u64 *slot; /* number + 1 */
    u32 n, cap;
    bool all;
};
/* True: it is new. Without memory the set becomes `all`. */
bool numset_add(struct numset *s, u64 v);
bool numset_has(const struct numset *s, u64 v);
void numset_join(struct numset *s, const struct numset *more);
/* Empty it, keeping its room. */
void numset_empty(struct numset *s);
void numset_free(struct numset *s);

#endif
