/* Memory that guests execute from and write to: host pages with dirty bits and the hook that keeps
 * translated code true. */
#ifndef MMU_RAM_H
#define MMU_RAM_H

#include "devices/core/types.h"

#define PAGE_BITS 12
#define PAGE_SIZE 4096u
#define PAGE_MASK 4095u

struct err;

/* Who wants to know of writes: each has a bit per page that a write sets and the client clears. */
enum { DIRTY_DISPLAY = 1, DIRTY_SNAP = 2, DIRTY_ALL = 3 };

/* A stretch of a page, [lo, hi), on lines with translated code but not part of it: data beside
 * code. */
struct ram_gap {
    u32 page, lo, hi, pad;
};
enum { RAM_GAPS = 16 };
static inline u32 ram_gap_of(u32 page, u32 off)
{
    return (page ^ off >> 6) % RAM_GAPS;
}

/* What all memories of a machine share: page numbering for the code map, hooks of the MMU. */
struct ram_space {
    u32 next_page; /* the page id the next ram_init will start at */
    /* Translated code exists on some 64-byte lines of page `page`: code_lines[page] has a bit per
     * line; a write to a set line must call wrote() before or after the bytes change. Grown by
     * ram_init. */
    u64 *code_lines;
    u32 npages;
    /* bytes that had translated code were written */
    void (*wrote)(void *arg, u32 page, u32 off, u32 len);
    /* Is one of these bytes part of translated code? If not, the free stretch around them is made
     * to end within [*lo, *hi). NULL: yes to all on a marked line. */
    bool (*covered)(void *arg, u32 page, u32 off, u32 len, u32 *lo, u32 *hi);
    struct ram *first; /* all memories, in the order they were made */
    struct ram_gap gap[RAM_GAPS]; /* what `covered` found of late; void for a page with new code */
    /* a dirty bit was cleared: fast write paths to the page must be dropped */
    void (*cleaned)(void *arg, u32 page);
    void *arg;
};

struct ram {
    struct ram_space *space;
    u8 *host;  /* page-aligned, guard pages on both sides */
    u64 size;  /* bytes, a multiple of PAGE_SIZE */
    u32 page0; /* id of its first page in the space */
    u8 *dirty; /* one byte per page: DIRTY_* bits */
    u8 *area;  /* the mapping with its guards */
    bool pieces; /* host_map_file was used on parts of it */
    struct ram *next;
};

/* Allocate `size` zeroed bytes (rounded up to pages). False with *err when the host has no room. */
bool ram_init(struct ram *ram, struct ram_space *space, u64 size, struct err *err);
void ram_free(struct ram *ram);
void ram_space_free(struct ram_space *space);

/* Lines of `page` have translated code now. */
void ram_code_added(struct ram_space *space, u32 page, u64 lines);
/* Is there translated code on these bytes, all within the page? */
bool ram_code_at(struct ram_space *space, u32 page, u32 off, u32 len);
/* The same, and if there is none a stretch without around them, [*lo, *hi). */
bool ram_free_at(struct ram_space *space, u32 page, u32 off, u32 len, u32 *lo, u32 *hi);
/* [off, off+len) of `ram` was or will be written by something else than the fast path: set dirty
 * bits, tell the owner of translated code. */
void ram_wrote(struct ram *ram, u64 off, u64 len);
/* The same for bytes within one page that is below `size`: mostly there is nothing to be told. */
static inline void ram_wrote_within(struct ram *ram, u64 off, u32 len)
{
    u64 page = off >> PAGE_BITS;
    if (ram->dirty[page] != DIRTY_ALL || ram->space->code_lines[ram->page0 + page])
        ram_wrote(ram, off, len);
}
/* [off, off+len), whole pages, is not needed: the host takes it back, and it reads as zeros. */
void ram_discard(struct ram *ram, u64 off, u64 len);
/* All bytes change at once, to those of `from` (ram->size of them, mapped by host_map); `from` has the
 * old ones then. */
void ram_exchange(struct ram *ram, u8 *from);
/* Was page `page` (index in this ram) written since the client last asked? Clears its bit. */
bool ram_test_clear_dirty(struct ram *ram, u32 page, u8 client);

#endif
