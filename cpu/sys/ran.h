/* A set of linear addresses that code ran at, in lines of 16 bytes: compilers begin functions at
 * multiples of that. */
#ifndef CPU_SYS_RAN_H
#define CPU_SYS_RAN_H

#include "devices/core/types.h"

enum { RAN_LINE = 16, RAN_WORDS = 4 }; /* a page's lines fill so many words */

struct ran_page {
    u64 page; /* number + 1; 0: free */
    u64 lines[RAN_WORDS];
};

/* What is in it: lines of pages, and lines of which nothing is known but the offset in the page:
 * those may be in any page of the set. All zero: empty. */
struct ran {
    struct ran_page *slot; /* by hash of the number */
    u32 n, cap;
    bool pages;         /* every page is in the set */
    bool all;           /* every line of every page is */
    u64 any[RAN_WORDS]; /* lines in whichever page */
};

/* Each of the following may put more into the set than it is told to, where memory is short: never
 * less. */
/* The page of la; all pages. */
void ran_page(struct ran *r, u64 la);
void ran_pages(struct ran *r);
/* The line of la; lines of its page; lines at these offsets in whichever page. */
void ran_line(struct ran *r, u64 la);
void ran_lines(struct ran *r, u64 la, const u64 lines[RAN_WORDS]);
void ran_any(struct ran *r, const u64 lines[RAN_WORDS]);
void ran_join(struct ran *r, const struct ran *more);
/* May code have run at la? */
bool ran_at(const struct ran *r, u64 la);
/* Empty it, keeping its room. */
void ran_empty(struct ran *r);
void ran_free(struct ran *r);
/* Bytes of memory. */
u64 ran_bytes(const struct ran *r);

/* Mark the lines of the bytes [first, end) of a page. */
void ran_mark(u64 lines[RAN_WORDS], u32 first, u32 end);

#endif
