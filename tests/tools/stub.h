/* A QEMU that stands still behind its gdb stub, steps when asked, and shows its registers and its
 * memory (GDB manual, appendix E "Remote Serial Protocol"). */
#ifndef TESTS_TOOLS_STUB_H
#define TESTS_TOOLS_STUB_H

#include "cpu/isa/isa.h"

#include <stddef.h>
#include <sys/types.h>

enum { STUB_RAM = 32 << 20, STUB_PACKET = 8192, STUB_REGS = 128 };

/* Registers by the number that `stub_set` takes. */
enum stub_reg {
    STUB_GPR,                 /* + REG_* */
    STUB_RIP = STUB_GPR + 16,
    STUB_FLAGS,
    STUB_SEG,                 /* + SEG_* */
    STUB_CR0 = STUB_SEG + SEG__COUNT,
    STUB_CR2,
    STUB_CR3,
    STUB_CR4,
    STUB_EFER,
    STUB_FCTRL,
    STUB_FSTAT,
    STUB_MXCSR,
    STUB_INTS,                /* those above are integers */
    STUB_ST = STUB_INTS,      /* + 0..7: the physical registers */
    STUB_XMM = STUB_ST + 8,   /* + 0..15 */
    STUB_COUNT = STUB_XMM + 16,
};
extern const char *const stub_reg_name[STUB_COUNT];

/* What both sides are compared in. */
struct stub_state {
    u64 r[STUB_INTS];
    u8 st[8][10];
    u8 xmm[16][16];
};

struct stub {
    int fd;
    pid_t pid;
    bool wide;       /* qemu-system-x86_64 */
    u8 *ram;         /* its memory, STUB_RAM bytes, shared with it */
    char dir[64];    /* temporary, holds the socket and the memory */
    struct {
        u16 at, size;    /* in the answer to "g", in bytes; size 0: not there */
        u8 number;       /* for "P" */
    } reg[STUB_COUNT];
    u64 packets;
    u32 n;           /* of buf: received and not yet used */
    char buf[STUB_PACKET];
    char answer[STUB_PACKET];
};

/* Start `qemu` stopped at its reset vector with the boot ROM `rom`. False with a sentence in why;
 * stub_stop is then not needed. */
bool stub_start(struct stub *s, const char *qemu, const char *rom, char *why, size_t n);
void stub_stop(struct stub *s);

/* These are false when QEMU does not answer within a few seconds. */
/* One instruction; of a repeated string instruction one iteration. */
bool stub_step(struct stub *s);
/* Run until linear address la is to be executed. */
bool stub_run_to(struct stub *s, u64 la);
bool stub_read(struct stub *s, struct stub_state *out);
/* Set register `reg`, of the given bytes (up to 16). Also false when QEMU refuses. */
bool stub_set(struct stub *s, unsigned reg, const void *bytes);
bool stub_set_int(struct stub *s, unsigned reg, u64 v);

#endif
