/* The host code of one sequence of guest instructions, as text that is the same on every run. */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include "cpu/jit/block.h"
#include "tests/insn/machine.h"

#ifdef CONFIG_CAPSTONE
#include <capstone/capstone.h>
#endif

/* One record of macros.s. */
struct golden_seq {
    unsigned mode; /* 16, 32 or 64 */
    const char *name;
    const u8 *code;
    unsigned len;
};

/* Text that grows; memory that runs out ends the program (it is a test). */
struct golden_text {
    char *p;
    size_t len, room;
};
void text_add(struct golden_text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What was emitted. */
struct golden_code {
    struct machine *m;
    const struct block *b; /* NULL: nothing is translated here, exec runs it */
    const u8 *host;        /* all code of the block, out-of-line parts included */
    u32 size;
    u64 rip;
};

/* Translate the block at the sequence's start on a machine of its own; machine_free(c->m) at the
 * end. False when the host has no translator. */
bool golden_emit(const struct golden_seq *s, struct golden_code *c);
/* Numbers of instructions: the guest's, the host's up to the first JMP, all of the host's, and
 * calls of the interpreter among them. */
struct golden_count {
    u32 guest, host, all, exec;
    u32 probes; /* of `host` those that find where memory is; AArch64 only */
};
/* Append the sequence's entry: guest instructions, host instructions, their numbers. */
void golden_print(struct golden_text *t, const struct golden_seq *s, const struct golden_code *c,
                  struct golden_count *n);

/* host.c: the host code alone. */
void golden_print_host(struct golden_text *t, const struct golden_code *c, struct golden_count *n);

/* names.c: the member of struct cpu at a distance from its begin; the stub at an address. */
void golden_state_name(char *out, size_t n, s64 off);
void golden_stub_name(const struct be_stubs *s, char *out, size_t n, u64 at);

enum { GOLDEN_LINE = 256 };

#ifdef CONFIG_CAPSTONE
/* host_x64.c or host_a64.c: what Capstone is told, and how its answers are read. */
struct golden_host {
    cs_arch arch;
    cs_mode mode;
    bool (*leaves)(const cs_insn *insn); /* goes elsewhere for certain: the straight way ends */
    u64 (*target)(csh cs, const cs_insn *insn); /* of a direct branch or call; else 0 */
    /* Of insn[at] among n: names for numbers, in place; does it look where memory is? */
    void (*operands)(const cs_insn *insn, u32 n, u32 at, char *text, size_t room);
    bool (*probe)(const cs_insn *insn, u32 n, u32 at);
    /* NULL, or: what Capstone does not know, data between instructions included, is words of 4
     * bytes that this names */
    void (*word)(u32 word, char *text, size_t room);
};
extern const struct golden_host golden_host;
#endif

#endif
