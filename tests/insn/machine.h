/* A machine for instruction tests: RAM, a recording I/O bus and one CPU of any engine, with a flat
 * protected mode whose exception handlers each halt at an address of their own. */
#ifndef TESTS_INSN_MACHINE_H
#define TESTS_INSN_MACHINE_H

#include "cpu/cpu.h"

enum {
    RAM_BYTES = 4 << 20,
    /* places */
    AT_GDT = 0x1000,
    AT_IDT = 0x2000,
    AT_LDT = 0x3000,
    AT_TSS = 0x4000,
    AT_TSS2 = 0x6000,
    AT_HANDLERS = 0x8000,
    AT_CODE = 0x10000,
    AT_STACK0 = 0x22000,
    AT_STACK3 = 0x34000,
    AT_DATA = 0x40000,
    AT_PAGES = 0x100000,
    /* selectors of machine_protected() */
    SEL_CODE0 = 0x08,
    SEL_DATA0 = 0x10,
    SEL_CODE3 = 0x1b,
    SEL_DATA3 = 0x23,
    SEL_TSS = 0x28,
    SEL_TSS2 = 0x30,
    SEL_LDT = 0x38,
    SEL_FREE = 0x40, /* from here on the test's own */
};

struct machine {
    struct cpu *cpu;
    struct ram_space space;
    struct ram ram;
    struct region ram_region, io_region;
    struct bus mem, io;
    enum cpu_engine engine;
    int vector;    /* what the next interrupt acknowledge gives */
    u32 io_writes; /* port accesses */
    u32 io_reads;
    u64 io_last; /* value of the last OUT; IN gives port * 0x01010101 + reads */
    u16 io_port;
};

/* For machine_new(): the translator with code that stays cold, so that decoded instructions run. */
enum { ENGINE_COLD = ENGINE_JIT + 1 };

/* A powered-on machine. `model` as for -cpu; machine_free() releases it. */
struct machine *machine_new(const char *model, int engine);
void machine_free(struct machine *m);

/* Bytes of guest memory at physical address addr. */
u8 *machine_mem(struct machine *m, u32 addr);
void machine_load(struct machine *m, u32 addr, const void *bytes, size_t n);
/* Little-endian words. */
void machine_load16(struct machine *m, u32 addr, const u16 *words, size_t n);

/* Put the CPU into real mode with all segments 0 and SP 0x7000, about to run `addr` (below 64 KiB).
 */
void machine_real(struct machine *m, u32 addr);
/* Put the CPU into flat 32-bit protected mode at privilege level cpl (0 or 3), about to run `addr`:
 * tables, TSS and handlers are written, interrupts off. */
void machine_protected(struct machine *m, unsigned cpl, u32 addr);
/* Write descriptor `sel` (GDT, or LDT when TI is set): attributes as DA_*, the limit in its units
 * (granularity is not applied). */
void machine_desc(struct machine *m, unsigned sel, u32 base, u32 limit, u32 attr);
/* A gate in the GDT or LDT; `params` as in the descriptor. attr: type << 8 | DPL << 13 | DA_P. */
void machine_gate(struct machine *m, unsigned sel, unsigned target, u32 off, u32 attr,
                  unsigned params);
void machine_idt_gate(struct machine *m, unsigned vector, unsigned target, u32 off, u32 attr);
/* Identity-map the first 4 MiB with user, writable pages; machine_page() changes one entry; then
 * turn paging on. */
void machine_paging(struct machine *m);
void machine_page(struct machine *m, u32 la, u32 pte);

/* Run until HLT, shutdown or `insns` instructions. */
enum cpu_exit machine_run(struct machine *m, u32 insns);
/* The vector whose handler halted the CPU, or -1. */
int machine_vector(const struct machine *m);
/* Doubleword i of the handler's stack (0: error code or EIP). */
u32 machine_frame(struct machine *m, unsigned i);
u32 machine_ld32(struct machine *m, u32 addr);
u16 machine_ld16(struct machine *m, u32 addr);
void machine_st32(struct machine *m, u32 addr, u32 v);

/* Guest code assembled with the test program: GUEST(name, 32, "mov eax, 1\n hlt") in Intel syntax,
 * loaded with machine_code(m, addr, name). Position: assembled for address 0, so branches must be
 * relative. On hosts that are no x86 tests/tools/guest_code.sh has an x86 assembler make an object
 * of it (GUEST_EXTRACT, GUEST_OBJECT); GUEST_CODE is 0 where there is none. */
#if defined(__x86_64__)
#define GUEST_CODE 1
#define GUEST(name, bits, text)                                                                    \
    __asm__(".pushsection .rodata\n.code" #bits "\n.intel_syntax noprefix\n" #name                 \
            "_begin:\n" text "\n" #name "_end:\n.att_syntax\n.code64\n.popsection\n");             \
    extern const unsigned char name##_begin[], name##_end[]
#elif defined(GUEST_EXTRACT)
#define GUEST_CODE 1
#define GUEST(name, bits, text)                                                                    \
    __asm__("\n#<GUEST\n.code" #bits "\n.globl " #name "_begin, " #name "_end\n" #name              \
            "_begin:\n" text "\n" #name "_end:\n#>GUEST\n");                                       \
    extern const unsigned char name##_begin[], name##_end[]
#elif defined(GUEST_OBJECT)
#define GUEST_CODE 1
#define GUEST(name, bits, text) extern const unsigned char name##_begin[], name##_end[]
#else
#define GUEST_CODE 0
#endif
#define machine_code(m, addr, name)                                                                \
    machine_load(m, addr, name##_begin, (size_t)(name##_end - name##_begin))

#endif
