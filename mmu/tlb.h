/* The software TLB: its layout, which translated code reads directly, and the inline probe
 * (translator.md 5.5). */
#ifndef MMU_TLB_H
#define MMU_TLB_H

#include "devices/core/types.h"
#include "mmu/ram.h"

#ifndef TLB_BITS
#ifdef CONFIG_TORTURE
#define TLB_BITS 2
#else
#define TLB_BITS 14 /* reaches 64 MiB; what is not used costs nothing, not even in a flush */
#endif
#endif
#define TLB_SIZE (1u << TLB_BITS)

/* A tag is the page's linear address; any low bit set makes the fast compare fail and says why. */
enum {
    TLB_INVALID = 0xfff, /* with all other bits set too: no translation here */
    TLB_IO = 0x001,      /* translated, but not plain memory: the bus answers */
    TLB_CODE = 0x002,    /* stores: the page holds translated code, check its lines */
    TLB_DIRTY = 0x004,   /* stores: some dirty bit of the page is clear, set it first */
    TLB_WATCH = 0x008,   /* a watchpoint or data breakpoint lies on the page; fetch: note it */
};
#define TLB_NONE (~(u64)0)

/* 32 bytes: translated code computes its address as tlb + ((la >> 7) & ((TLB_SIZE - 1) << 5)). */
struct tlb_entry {
    u64 rd, wr, ex; /* tags for reads, writes and fetches */
    u64 addend;     /* memory: host address - linear address; TLB_IO: physical - linear */
};

/* Data beside code: stretches of pages with translated code that have none, by the 64-byte line
 * of an access that was made there. A write of n bytes at la may go ahead, to la + addend, when
 * la > below and la + n - 1 <= last. */
struct tlb_beside {
    u64 below, last, addend, pad;
};
enum { TLB_BESIDES = 32 };
static inline unsigned tlb_beside_index(u64 la)
{
    return (unsigned)(la >> 6) & (TLB_BESIDES - 1);
}

enum { TLB_RD, TLB_WR, TLB_EX };
enum { MMU_SUP, MMU_USER, MMU__MODES };

/* Beside each entry, what the fast path does not need. */
struct tlb_cold {
    u64 la, phys;    /* page addresses */
    struct ram *ram; /* where writes go, when the write tag is of memory: page ram_index of it */
    u32 ram_index;
    u32 page; /* id in the ram space of what reads and fetches see, or RAM_NO_PAGE */
    u8 global;
    u8 large; /* address bits within the page when it is larger than 4 KiB, else 0 */
    u8 used; /* BIT(k): listed in tlb.used[k] */
    u8 fetched; /* since it is used, code was fetched through this or a former translation here */
};
#define RAM_NO_PAGE 0xffffffffu

struct tlb {
    struct tlb_entry e[TLB_SIZE];
    struct tlb_cold cold[TLB_SIZE];
    /* Indexes of entries in use, those with global translations apart: a flush costs what was used
     * of what it drops. An entry that was one and became the other may be in both lists. */
    u32 nused[2];
    u16 used[2][TLB_SIZE];
};

/* Beside the tagged table, for translated code with 32-bit linear addresses: one table for each
 * mode and direction with an entry for every page, the addend where a plain access may go ahead
 * and 0 where it may not. It says what the tags say, is kept in step with them, and costs a probe
 * less. Indexes go beyond the last page: the alignment of an address is folded into the index
 * (translator.md 5.5), and what is there stays 0. */
enum { FLAT_PAGES = 1 << 20, FLAT_SPREAD = 16, FLAT_TABLES = 4 };
#define FLAT_TABLE_SIZE ((u64)FLAT_PAGES * FLAT_SPREAD * sizeof(u64))
/* Behind them, for 64-bit linear addresses: the same by the lower 32 bits of the address, with the
 * page's whole number to compare. One shift gives the index and another what is compared, and the
 * reach is that of all pages whose lower 32 bits differ. Kept in long mode only. */
enum { WIDE_RD, WIDE_WR, WIDE_ADDEND, WIDE_TABLES };
#define WIDE_TABLE_SIZE ((u64)FLAT_PAGES * sizeof(u64))
#define FLAT_SIZE       (FLAT_TABLES * FLAT_TABLE_SIZE)
#define FLAT_ALL        (FLAT_SIZE + 2 * WIDE_TABLES * WIDE_TABLE_SIZE)
#define WIDE_NONE       (~(u64)0) /* no page has this number */
struct flat_tables {
    u8 *base; /* FLAT_TABLES tables of FLAT_TABLE_SIZE bytes, then the wide ones; NULL: none */
};
static inline size_t flat_offset(int mode, bool write)
{
    return (size_t)((u64)(mode * 2 + write) * FLAT_TABLE_SIZE);
}
static inline size_t wide_offset(int mode, int table)
{
    return (size_t)(FLAT_SIZE + (u64)(mode * WIDE_TABLES + table) * WIDE_TABLE_SIZE);
}

static inline unsigned tlb_index(u64 la)
{
    return (unsigned)(la >> PAGE_BITS) & (TLB_SIZE - 1);
}

/* Does tag allow a plain access of `size` bytes at la, all within the page? */
static inline bool tlb_hit(u64 tag, u64 la, unsigned size)
{
    return ((la + size - 1) & ~(u64)PAGE_MASK) == tag;
}

#endif
