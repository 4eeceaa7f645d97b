/* The machine of the instruction tests in long mode: 4-level paging, 64-bit tables, handlers that
 * halt (SDM vol. 3 sections 4.5, 5.8 and 6.14). */
#ifndef TESTS_INSN_LONG_H
#define TESTS_INSN_LONG_H

#include "tests/insn/suite.h"

/* Page tables: 4 MiB are mapped one to one, and once more from LONG_HIGH on, by the same leaves. */
enum {
    LONG_PML4 = AT_PAGES,
    LONG_PDPT = AT_PAGES + 0x1000,
    LONG_PD = AT_PAGES + 0x2000,
    LONG_PT = AT_PAGES + 0x3000, /* two tables */
    LONG_PDPT_HIGH = AT_PAGES + 0x5000,
    /* selectors; SEL_CODE0, SEL_DATA0, SEL_CODE3 and SEL_DATA3 are the same, the code 64-bit */
    SEL_TSS64 = 0x28, /* 16 bytes each */
    SEL_LDT64 = 0x38,
    SEL_COMPAT0 = 0x48,
    SEL_COMPAT3 = 0x53,
    SEL_LONG_FREE = 0x58,
    /* attributes */
    LONG_USED = DA_P | DA_S | DA_ACCESSED,
    LONG_CODE = LONG_USED | DA_CODE | DA_READ | DA_G | DA_L,
    LONG_COMPAT = LONG_USED | DA_CODE | DA_READ | DA_G | DA_DB,
    LONG_DATA = LONG_USED | DA_WRITE | DA_G | DA_DB,
    LONG_INT = DA_P | SYS_INT32 << 8,
    LONG_TRAP = DA_P | SYS_TRAP32 << 8,
    LONG_CALL = DA_P | SYS_CALL32 << 8,
    /* page table bits */
    PTE_RW = 7, /* present, writable, user */
};
#define LONG_HIGH 0xffffffff80000000ull
#define PTE_NX    BIT64(63)
/* The first address of neither half. */
#define NOT_CANONICAL 0x0000800000000000ull

/* 64-bit mode at privilege level cpl (0 or 3), about to run `addr`: everything is written anew,
 * interrupts off, EFER.SCE and NXE set. machine_compat() has a 32-bit code segment instead. */
void machine_long(struct machine *m, unsigned cpl, u32 addr);
void machine_compat(struct machine *m, unsigned cpl, u32 addr);
/* A 16-byte descriptor, call gate or interrupt gate; attributes as for machine_desc(). */
void long_desc(struct machine *m, unsigned sel, u64 base, u32 limit, u32 attr);
void long_gate(struct machine *m, unsigned sel, unsigned target, u64 off, u32 attr);
void long_idt_gate(struct machine *m, unsigned vector, unsigned target, u64 off, u32 attr,
                   unsigned ist);
/* Change the leaf of a page below 4 MiB, or any table entry, and flush the TLB. */
void long_page(struct machine *m, u32 la, u64 pte);
void long_entry(struct machine *m, u32 at, u64 entry);
u64 machine_ld64(struct machine *m, u32 addr);
void machine_st64(struct machine *m, u32 addr, u64 v);
/* Quadword i of the handler's stack (0: error code or RIP). */
u64 long_frame(struct machine *m, unsigned i);

/* Write code that was assembled for 64-bit or compatibility mode and start there. */
#define LONG(m, cpl, name)   (machine_long(m, cpl, AT_CODE), machine_code(m, AT_CODE, name))
#define COMPAT(m, cpl, name) (machine_compat(m, cpl, AT_CODE), machine_code(m, AT_CODE, name))
/* Where instructions follow one another: offset of the end of `name`. */
#define LENGTH(name) ((u64)(name##_end - name##_begin))

/* The machine stopped in the handler of `vec`, without an error code and with one. */
#define expect_vector(m, vec) ck_assert_int_eq(machine_vector(m), (vec))
#define expect_code(m, vec, err)                                                                   \
    do {                                                                                           \
        ck_assert_int_eq(machine_vector(m), (vec));                                                \
        ck_assert_uint_eq(long_frame(m, 0), (u64)(err));                                           \
    } while (0)
/* ... and the instruction that faulted was at `at`. */
#define expect_fault(m, vec, err, at)                                                              \
    do {                                                                                           \
        expect_code(m, vec, err);                                                                  \
        ck_assert_uint_eq(long_frame(m, 1), (u64)(at));                                            \
    } while (0)

#endif
