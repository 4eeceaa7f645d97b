/* The host code of one sequence of guest instructions, as text that is the same on every run. */
#ifndef TESTS_GOLDEN_GOLDEN_H
#define TESTS_GOLDEN_GOLDEN_H

#include "cpu/jit/block.h"
#include "tests/insn/machine.h"

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
};
/* Append the sequence's entry: guest instructions, host instructions, their numbers. */
void golden_print(struct golden_text *t, const struct golden_seq *s, const struct golden_code *c,
                  struct golden_count *n);

#endif
