/* What the files of the bare-metal benchmark share: the table of kernels, the memory map, and the
 * clock. */
#ifndef TESTS_BENCH_BARE_BARE_H
#define TESTS_BENCH_BARE_BARE_H

#include "devices/core/types.h"
#include "roms/lib/io.h"

/*
 * Memory as the kernels find it: everything below MAPPED is mapped to itself in 4 KiB pages that
 * ring 3 may use. The two big areas are 32 MiB apart so that a direct-mapped table of translations
 * puts both into the same slots.
 */
enum {
    MAPPED = 128 << 20,
    AREA = 16 << 20, /* first work area */
    AREA_SIZE = 32 << 20,
    AREA_ALIAS = AREA + AREA_SIZE, /* second one, at the distance that hurts */
    CODE_AREA = 96 << 20,          /* where code is written at run time */
    PAGE = 4096,
    PTE_RWU = 7,
};

/* One kernel: `run` repeats its loop n times, each repetition does `per` things of kind `unit`;
 * shown divided by `div`. */
struct kernel {
    const char *name;
    const char *unit;
    void (*run)(u32 n);
    u32 per;
    u32 div;
    void (*prepare)(void); /* outside the measured time; NULL when there is nothing to do */
    bool sse2;             /* needs SSE2 */
};

/* The tables of the files; each ends with a NULL name. Those of sys.c need ring 0. */
extern const struct kernel core_kernels[];
extern const struct kernel records_kernels[];
extern const struct kernel cpu_kernels[];
extern const struct kernel op_kernels[];
extern const struct kernel mem_kernels[];
extern const struct kernel copy_kernels[];
extern const struct kernel x87_kernels[];
extern const struct kernel sse2_kernels[];
extern const struct kernel code_kernels[];
extern const struct kernel sys_kernels[];
#define BARE_TABLES                                                                                \
    core_kernels, records_kernels, cpu_kernels, op_kernels, mem_kernels, copy_kernels, x87_kernels,            \
        sse2_kernels, code_kernels

/* Page table entry of an address below MAPPED. */
volatile u32 *bare_pte(u32 address);
/* Point the descriptor of a vector at an entry; ring 3 may call it when `user`. */
void bare_gate(u32 vector, void (*entry)(void), bool user);
/* Results go here so that no compiler can leave the work out. */
extern volatile u32 bare_sink;

/* A linear congruential step: the same numbers on every machine. */
static inline u32 bare_random(u32 x)
{
    return x * 1664525u + 1013904223u;
}

#endif
