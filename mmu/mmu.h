/* Guest memory as a CPU sees it: linear addresses through paging to RAM or the bus. One struct mmu
 * per virtual CPU; it never reads CPU state (its mode is pushed to it) and never long-jumps (SDM
 * vol. 3 ch. 4). */
#ifndef MMU_MMU_H
#define MMU_MMU_H

#include "devices/core/types.h"
#include "devices/core/bits.h"
#include "devices/core/log.h"
#include "mmu/bus.h"
#include "mmu/ram.h"
#include "mmu/tlb.h"

struct mmu_mode {
    u64 cr3;
    u32 cr0, cr4, efer;
};

/* A page fault: the linear address (for CR2) and the #PF error code. */
struct mmu_fault {
    u64 addr;
    u32 error;
};

/* Plain memory that linear addresses reach as they are while paging is off, for reads by translated
 * code: in window 0 below 640 KiB, in window 1 from 1 MiB on. Up to MMU_RAW_SPAN bytes may be read at
 * base + la when la, less MMU_RAW_HIGH in window 1, is below `size`. */
enum { MMU_RAWS = 2, MMU_RAW_HIGH = 0x100000, MMU_RAW_SPAN = 512 };
struct mmu_raw {
    u64 base; /* host address - linear address; never 0, which in the flat tables says that there is none */
    u32 size; /* 0: closed */
};

struct mmu {
    struct tlb tlb[MMU__MODES]; /* first: translated code addresses it */
    struct flat_tables flat; /* of the translator, which makes it */
    struct mmu_raw raw[MMU_RAWS]; /* open: paging and watchpoints are off, A20 is open */
    struct tlb_beside beside[MMU__MODES][TLB_BESIDES]; /* for translated code */
    bool besides; /* there are any */
    struct mmu_mode mode;
    u64 pdpte[4];  /* PAE: loaded with CR3 */
    u64 phys_mask; /* physical address bits of the CPU model */
    u64 a20_mask;  /* ~BIT(20) while the A20 gate is closed */
    bool gib_pages; /* PS is allowed in a PDPTE of long mode; else that bit is reserved */
    /* The memory last found on the bus for reads and for writes: saves the search of the map. Void
     * after a change of it. */
    struct mmu_window {
        u64 start, len; /* physical */
        struct region *region;
    } window[2];
    /* By page of the ram space: which entries may have a write tag without TLB_CODE or without
     * TLB_DIRTY (WRITABLE_* in mmu.c). */
    u32 *writable;
    u32 nwritable;
    bool writable_lost; /* the host had no memory for it once: pages beyond nwritable may have any */
    u64 large_lo, large_hi; /* linear range in which large pages were entered: INVLPG there drops
                               them whole */
    u32 gen; /* counts flushes and invalidations of what code was fetched through: caches of
                virtual-to-code links compare it */
    /* The same for translations marked global under CR4.PGE: CR3 writes and INVLPG outside of where
     * any was entered leave it. */
    u32 gen_global;
    u64 global_lo, global_hi;
    struct bus *mem;
    struct ram_space *space;
    struct log *log;
    u64 refills, flushes, slow; /* counters */
    /* watch.h */
    const struct mmu_watch *watch;
    u32 nwatch;
    void (*seen)(void *arg, u64 la, unsigned size, bool write);
    void *seen_arg;
    const struct mmu_notes *notes; /* see mmu_note; NULL: nobody wants it */
};

void mmu_init(struct mmu *mmu, struct bus *mem, struct ram_space *space, struct log *log);
void mmu_free(struct mmu *mmu);

/* Push a new mode; flushes what the change makes stale (CR3 writes keep global entries when
 * CR4.PGE). In PAE mode the four PDPTEs are loaded; false when one has reserved bits set (#GP in
 * the caller, nothing changed). */
bool mmu_set_mode(struct mmu *mmu, const struct mmu_mode *mode, bool cr3_written);
void mmu_set_a20(struct mmu *mmu, bool open);
void mmu_flush(struct mmu *mmu, bool global);
void mmu_invlpg(struct mmu *mmu, u64 la);
/* Drop fast write paths to a page of the ram space (its dirty bit was cleared or code was
 * translated on it). */
void mmu_protect_page(struct mmu *mmu, u32 page);

/* Where writes beside translated code may go ahead is open again: code was added, or what they go
 * through may have changed. */
void mmu_forget_besides(struct mmu *mmu);

/* raw.c: close both windows; open that of physical address phys, whose memory was just found for
 * reads while paging is off, if what it asks for is so. */
void mmu_raw_close(struct mmu *mmu);
void mmu_raw_open(struct mmu *mmu, u64 phys);

/* Accesses of 1, 2, 4 or 8 bytes in mode `m` (MMU_SUP or MMU_USER), any alignment. False: *fault
 * holds the #PF and nothing was read or written (both pages of a crossing access are checked before
 * any byte moves). */
bool mmu_read_slow(struct mmu *mmu, int m, u64 la, unsigned size, u64 *v, struct mmu_fault *fault);
bool mmu_write_slow(struct mmu *mmu, int m, u64 la, unsigned size, u64 v, struct mmu_fault *fault);
/* For translated code's slow path: make the translation present and say whether a plain access may
 * go ahead. MMU_PLAIN: an mmu_read/mmu_write of that size now reaches plain memory without
 * translated code on the bytes; MMU_SPECIAL: devices or translated code are involved, let exec do
 * the whole instruction; MMU_FAULT: *fault holds the #PF. */
enum mmu_place { MMU_PLAIN, MMU_SPECIAL, MMU_FAULT };
enum mmu_place mmu_prepare(struct mmu *mmu, int m, u64 la, unsigned size, int access,
                           struct mmu_fault *fault);
/* Would a write of size bytes (any number below a page) succeed? Sets A/D bits as the write would.
 */
bool mmu_check_write(struct mmu *mmu, int m, u64 la, unsigned size, struct mmu_fault *fault);
bool mmu_check_read(struct mmu *mmu, int m, u64 la, unsigned size, struct mmu_fault *fault);

/* Host address of [la, la+*len) as plain memory for reading (TLB_RD) or writing (TLB_WR): *len is
 * cut at the page end. NULL with fault->error == ~0: not plain memory (use single accesses); NULL
 * otherwise: page fault. A caller that writes through it must be done before any other access, and
 * writes to pages with translated code are given as "not plain". */
u8 *mmu_span(struct mmu *mmu, int m, u64 la, int access, u32 *len, struct mmu_fault *fault);

/* Is the page of la in the TLB of mode m, with a global translation? */
static inline bool mmu_is_global(const struct mmu *mmu, int m, u64 la)
{
    const struct tlb_cold *c = &mmu->tlb[m].cold[tlb_index(la)];
    return c->used && c->global && !((c->la ^ la) & ~(u64)PAGE_MASK);
}

/* Code fetch: host address of the byte at la with *len bytes to the page end, and the page id +
 * offset in the ram space
 * (*page = RAM_NO_PAGE when the code is not in memory: fetch with mmu_fetch_io byte by byte). NULL:
 * page fault. */
const u8 *mmu_fetch(struct mmu *mmu, int m, u64 la, u32 *len, u32 *page, struct mmu_fault *fault);
/* Up to n bytes of code at la, crossing pages, from any kind of memory. Returns how many (n, or
 * those before a page fault that *fault describes). */
unsigned mmu_fetch_bytes(struct mmu *mmu, int m, u64 la, u8 *buf, unsigned n,
                         struct mmu_fault *fault);

/* From now on, until this is called again, `notes` (which must stay; NULL: nobody) is told at least
 * once of every linear page that is written or that code runs in; perhaps of some more. Whoever
 * calls this clears a dirty bit of all pages at the same moment (ram_test_clear_dirty). It costs only
 * what is slow anyway. */
struct mmu_notes {
    void (*write)(void *arg, u64 page_la);
    void (*fetch)(void *arg, u64 page_la); /* ~0: in any, paging is off */
    void *arg;
};
void mmu_note(struct mmu *mmu, const struct mmu_notes *notes);

/* The translations that the TLB holds are part of what a guest can tell, as on real processors:
 * saved for a machine that goes on in this process (tlb_state.c). Loading drops those that there
 * are. False: the bytes are not what mmu_tlb_save wrote; the TLB is empty then. */
struct snap;
void mmu_tlb_save(const struct mmu *mmu, struct snap *snap);
bool mmu_tlb_load(struct mmu *mmu, struct snap *snap);

/* Debugger's view: no A/D bits, no TLB fill, no device registers. False where nothing is mapped.
 * A poke writes what is read there, ROMs too, whatever the rights of the page; translated code
 * learns of it. */
bool mmu_peek(struct mmu *mmu, u64 la, void *buf, size_t n);
bool mmu_poke(struct mmu *mmu, u64 la, const void *buf, size_t n);
/* The same with physical addresses. */
bool mmu_peek_phys(struct mmu *mmu, u64 phys, void *buf, size_t n);
bool mmu_poke_phys(struct mmu *mmu, u64 phys, const void *buf, size_t n);
/* Physical address of la without side effects, ~0 if not mapped. */
u64 mmu_translate(struct mmu *mmu, u64 la);

static inline bool mmu_read(struct mmu *mmu, int m, u64 la, unsigned size, u64 *v,
                            struct mmu_fault *fault)
{
    const struct tlb_entry *e = &mmu->tlb[m].e[tlb_index(la)];
    if (LIKELY(tlb_hit(e->rd, la, size))) {
        const u8 *p = (const u8 *)(uintptr_t)(la + e->addend);
        *v = size == 1 ? *p : size == 4 ? ld32(p) : ld_le(p, size);
        return true;
    }
    return mmu_read_slow(mmu, m, la, size, v, fault);
}

static inline bool mmu_write(struct mmu *mmu, int m, u64 la, unsigned size, u64 v,
                             struct mmu_fault *fault)
{
    const struct tlb_entry *e = &mmu->tlb[m].e[tlb_index(la)];
    if (LIKELY(tlb_hit(e->wr, la, size))) {
        st_le((void *)(uintptr_t)(la + e->addend), size, v);
        return true;
    }
    return mmu_write_slow(mmu, m, la, size, v, fault);
}

#endif
