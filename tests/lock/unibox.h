/* One instruction at a time in libunicorn, in the state and over the memory of a lock_machine. */
#ifndef TESTS_LOCK_UNIBOX_H
#define TESTS_LOCK_UNIBOX_H

#include "tests/lock/machine.h"

/* What a step gives beside an exception's vector. */
enum {
    UNIBOX_FINE = -1,
    UNIBOX_NOWHERE = 256, /* physical memory that is not there */
    UNIBOX_FAILED = 257,  /* an error of the library */
};

struct unibox_state {
    u64 gpr[16], rip, cr0, cr2, cr3, cr4;
    u32 eflags;
    u16 sel[SEG__COUNT];
    u16 fcw, fsw;
    u8 st[8][10];  /* physical registers */
    u8 xmm[16][16];
};

struct unibox;
/* A box for code of 16, 32 or 64 bits. NULL with a sentence in why when there is no library. */
struct unibox *unibox_new(unsigned bits, char *why, size_t n);
void unibox_free(struct unibox *b);
/* Its memory, LOCK_RAM bytes. To be changed with unibox_memory only. */
const u8 *unibox_ram(const struct unibox *b);
/* Make its memory equal to `from`. */
void unibox_memory(struct unibox *b, const u8 *from);
/* Give it the registers of cpu; `world`: also tables, control registers and segments. */
void unibox_put(struct unibox *b, const struct cpu *cpu, bool world);
/* Run the instruction at linear address pc. The vector that it raised, or UNIBOX_*. The library may abort the process: what follows
 * the instruction is translated with it. */
int unibox_step(struct unibox *b, u64 pc);
void unibox_get(struct unibox *b, struct unibox_state *s);
/* The same view of ours. */
void unibox_ours(const struct cpu *cpu, struct unibox_state *s);

#endif
