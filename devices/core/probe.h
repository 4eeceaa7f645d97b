/* Hooks for whoever looks inside a running machine: plug-ins, the trace, the perf map, the
 * timeline. They hang on the log, which every part has; without one they cost a test that the log
 * needs anyway. */
#ifndef DEVICES_CORE_PROBE_H
#define DEVICES_CORE_PROBE_H

#include "devices/core/types.h"

/* A translated block. `id` is its number until it is dropped; `host` is NULL without host code. */
struct probe_block {
    u32 id, page, off; /* page: of guest memory, as mmu/ram.h counts them; off: in it */
    u64 la;            /* linear address of its first instruction */
    u32 nbytes, ninsns, host_size;
    const void *host;
};

enum probe_intr { PROBE_INTERRUPT, PROBE_EXCEPTION, PROBE_SOFTWARE };

/* A register access of a device: at `off` of its region, which is at `addr` of `space` ("io",
 * "memory"). */
struct probe_io {
    const char *space, *region;
    u64 addr, off, v;
    unsigned size;
    bool write;
};

/* A walk of the page tables: entry i of `n`, `size` bytes, lay at at[i] and was e[i] before the walk
 * set bits in it. In PAE mode the first level is a register of the processor and has no address (~0).
 */
struct probe_walk {
    u64 la, cr3, at[4], e[4];
    u64 phys;  /* of the page of 4 KiB, when there is no fault */
    u8 n, size, large; /* large: address bits within a page larger than 4 KiB, or 0 */
    u8 access;         /* 0 read, 1 write, 2 execute */
    bool user, fault;
    u32 error; /* of the page fault */
};

/* Any member may be NULL but `arg`, which every hook gets. Hooks must not change the machine. */
struct probe_hooks {
    void *arg;
    u32 areas; /* log areas (BIT(LOGA_x)) whose lines `line` wants */
    void (*line)(void *arg, unsigned area, const char *text);
    /* Blocks enter and leave the tables. A block that was overwritten is `rewritten` and dropped;
     * it may enter again with the same number when its bytes come back. */
    void (*block_made)(void *arg, const struct probe_block *b);
    void (*block_dropped)(void *arg, u32 id);
    void (*rewritten)(void *arg, u32 id, u32 page, u32 off, u32 len);
    /* Block `id` is entered; PROBE_ALONE: instructions outside of blocks follow, each by itself.
     * With this hook or `insn` or `mem` guest code runs instruction by instruction. */
    void (*block_run)(void *arg, u32 id);
    /* The instruction at la is about to run: `op` is its enum op_id. A repeated string instruction
     * comes once for each run of elements, as the instruction count has it. */
    void (*insn)(void *arg, u64 la, unsigned len, unsigned op);
    /* An operand or a stack frame is accessed: n bytes at la. Runs of a string are one access. */
    void (*mem)(void *arg, u64 la, u32 n, bool write);
    void (*io)(void *arg, const struct probe_io *io);
    void (*dma)(void *arg, u64 addr, u64 n, bool to_guest);
    /* la: the instruction that is interrupted, or that comes behind the one that asked for it */
    void (*intr)(void *arg, unsigned vector, enum probe_intr kind, u64 la);
    /* The tables were walked for an access, and it may, or it faults. */
    void (*walk)(void *arg, const struct probe_walk *w);
    /* A page walk filled an entry of the TLB. */
    void (*fill)(void *arg, u64 la, u64 phys, bool user, unsigned access);
};
enum { PROBE_ALONE = 0xffffffffu };

#endif
