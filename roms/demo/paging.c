/* Two-level page tables with 4 KiB pages (Intel SDM volume 3, section 4.3). */
#include "roms/demo/paging.h"
#include "roms/demo/intr.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

enum {
    P = 1,    /* present */
    RW = 2,   /* writable */
    A = 0x20, /* accessed: set by the processor */
    D = 0x40, /* dirty: set by the processor on a write */
    PAGE = 4096,
};

#define CR0_WP (1u << 16)
#define CR0_PG (1u << 31)

/* 1 GiB up: far from anything that the identity mapping covers. */
#define WINDOW   0x40000000u
#define ALIAS_1  (WINDOW + 0 * PAGE)
#define ALIAS_2  (WINDOW + 1 * PAGE)
#define CONSTANT (WINDOW + 2 * PAGE)
#define MISSING  (WINDOW + 3 * PAGE)

static struct {
    u32 directory[1024] __attribute__((aligned(PAGE)));
    u32 low[1024]
        __attribute__((aligned(PAGE))); /* the first 4 MiB, each address mapped to itself */
    u32 window[1024] __attribute__((aligned(PAGE)));
    u8 shared[PAGE] __attribute__((aligned(PAGE)));
    u8 fresh[PAGE] __attribute__((aligned(PAGE)));
    struct paging_result *result;
} paging;

static volatile u32 *at(u32 address)
{
    return (volatile u32 *)address;
}

static void page_fault(struct regs *r)
{
    u32 address = read_cr2();

    if (address >= MISSING && address < MISSING + PAGE) {
        paging.result->fault_address = address;
        paging.result->fault_error = r->error;
        paging.window[3] = (u32)paging.fresh | P | RW;
    } else if (address >= CONSTANT && address < CONSTANT + PAGE) {
        paging.result->read_only = r->error == (P | RW);
        paging.window[2] |= RW;
        invlpg(at(address));
    }
    /* Returning runs the faulting instruction again, which now succeeds. */
}

static void build_tables(void)
{
    memset(paging.directory, 0, sizeof(paging.directory));
    memset(paging.window, 0, sizeof(paging.window));
    for (u32 i = 0; i < 1024; i++)
        paging.low[i] = i * PAGE | P | RW;
    paging.window[0] = (u32)paging.shared | P | RW;
    paging.window[1] = (u32)paging.shared | P | RW;
    paging.window[2] = (u32)paging.shared | P;
    paging.directory[0] = (u32)paging.low | P | RW;
    paging.directory[WINDOW >> 22] = (u32)paging.window | P | RW;
}

void paging_demo(struct paging_result *out)
{
    memset(out, 0, sizeof(*out));
    paging.result = out;
    build_tables();
    intr_handle(VEC_PAGE_FAULT, page_fault);
    write_cr3((u32)paging.directory);
    /* WP makes the processor obey read-only pages in ring 0 too. */
    write_cr0(read_cr0() | CR0_PG | CR0_WP);

    *at(ALIAS_1) = 0x600dcafe;
    out->alias = *at(ALIAS_2) == 0x600dcafe && *(volatile u32 *)paging.shared == 0x600dcafe;
    out->accessed = (paging.window[0] & (A | D)) == (A | D) && (paging.window[1] & (A | D)) == A;
    *at(CONSTANT + 8) = 1;
    *at(MISSING + 0x123) = 0x12345678;
    out->demand = *(volatile u32 *)(paging.fresh + 0x123) == 0x12345678;

    write_cr0(read_cr0() & ~(CR0_PG | CR0_WP));
    write_cr3(0);
    intr_handle(VEC_PAGE_FAULT, NULL);
}
