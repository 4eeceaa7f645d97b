/* What every test ROM uses: checks, traps that can be provoked and looked at, and descriptor tables
 * to play with. */
#ifndef ROMS_TEST_LIB_TEST_H
#define ROMS_TEST_LIB_TEST_H

#include "devices/core/types.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

/* Stop with "FAIL line N" on port 0xE9 and exit code 3 when the condition does not hold. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            test_fail(__LINE__);                                                                   \
    } while (0)

/* The same for equality of two numbers; says both. */
#define CHECK_EQ(got, want) test_eq(__LINE__, (u32)(got), (u32)(want))

enum {
    VEC_DE = 0,
    VEC_DB = 1,
    VEC_BP = 3,
    VEC_OF = 4,
    VEC_BR = 5,
    VEC_UD = 6,
    VEC_NM = 7,
    VEC_DF = 8,
    VEC_TS = 10,
    VEC_NP = 11,
    VEC_SS = 12,
    VEC_GP = 13,
    VEC_PF = 14,
    VEC_MF = 16,
    VEC_AC = 17,
    VEC_IRQ0 = 0x20,
    VEC_USER = 0x80, /* may be called from ring 3; handled like any other */
    VEC_COUNT = 0x90,
};
#define TRAP_NONE 0xffffffffu

/* Selectors of the GDT that test_main() loads; those from SEL_FREE on are empty, for the test to
 * fill. */
enum {
    SEL_CODE = 0x08,
    SEL_DATA = 0x10,
    SEL_CODE3 = 0x1b,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_FREE = 0x30,
    GDT_SIZE = 32,
};

/* Access bytes of descriptors. */
enum {
    ACC_CODE = 0x9b,
    ACC_DATA = 0x93,
    ACC_DATA_RO = 0x91,
    ACC_DATA_DOWN = 0x97,
    ACC_CODE_XO = 0x99,
    ACC_CODE_CONFORMING = 0x9f,
    ACC_TSS32 = 0x89,
    ACC_TSS16 = 0x81,
    ACC_LDT = 0x82,
    ACC_CALL_GATE = 0x8c,
    ACC_CALL_GATE16 = 0x84,
    ACC_TASK_GATE = 0x85,
    ACC_INT_GATE = 0x8e,
    ACC_TRAP_GATE = 0x8f,
    ACC_DPL3 = 0x60,
};
/* The upper four bits of the limit's byte: granularity and size. */
enum { SEG_16 = 0x0, SEG_32 = 0x4, SEG_PAGES = 0x8 };

/* The stack of a handler. user_esp and what follows is there only after a change of rings or from
 * V86 mode. */
struct frame {
    u32 gs, fs, es, ds;
    u32 edi, esi, ebp, esp, ebx, edx, ecx, eax;
    u32 vector, error;
    u32 eip, cs, eflags;
    u32 user_esp, user_ss;
    u32 v86_es, v86_ds, v86_fs, v86_gs;
};

/* What the last trap looked like. */
struct trap {
    struct frame f;
    u32 cr2;
    u32 count; /* traps since the start */
};
extern struct trap last;

struct tss32 {
    u32 link, esp0, ss0, esp1, ss1, esp2, ss2, cr3, eip, eflags;
    u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
    u32 es, cs, ss, ds, fs, gs, ldt;
    u16 trap, iomap;
    u8 bitmap[0x80];
};
extern struct tss32 main_tss;
extern u64 gdt[GDT_SIZE];
extern u64 idt[VEC_COUNT];

/* The test itself: every ROM has its own. Returning from it means that all is well. */
void run_test(void);

__attribute__((noreturn)) void test_fail(int line);
void test_eq(int line, u32 got, u32 want);

/* Run fn; TRAP_NONE when it returns, else the vector of the first trap without a hook. `last` has
 * the details. */
u32 trap_run(void (*fn)(void));
/* Let `hook` deal with that vector: it may change the frame, and returning from it resumes. NULL:
 * back to trap_run. */
void trap_hook(u32 vector, void (*hook)(struct frame *f));
/* End trap_run from inside a hook. */
__attribute__((noreturn)) void trap_unwind(u32 vector);
/* Run fn in ring 3 on a stack of its own until it traps (`int $VEC_USER` when all is well); returns
 * the vector. */
u32 user_run(void (*fn)(void));
__attribute__((noreturn)) void enter_user(void (*fn)(void), u32 esp);

/* Build a segment descriptor, a gate, or a descriptor of a system segment. */
u64 make_segment(u32 base, u32 limit, u8 access, u8 flags);
u64 make_gate(u16 selector, u32 offset, u8 access, u8 params);
/* Put a descriptor into the GDT. */
void set_gdt(u16 selector, u64 descriptor);
/* Point an IDT entry at its usual handler through a gate with that access byte. */
void set_gate(u32 vector, u8 access);

/* One 4 KiB page table that maps the first 4 MiB to themselves, for ring 3 too, and paging on (with
 * WP). */
void paging_on(void);
void paging_off(void);
/* The page table entry for an address below 4 MiB, and one below 8 MiB in a second table that
 * starts empty. */
volatile u32 *pte(u32 address);
extern volatile u32 page_directory[1024];
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80, PTE_G = 0x100 };

/* Message on port 0xE9. */
void say(const char *s);
void say_hex(u32 v);

#endif
