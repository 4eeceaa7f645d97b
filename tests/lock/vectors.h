/* Recorded vectors: what a host processor made of x87, MMX, SSE and AVX instructions, in a file that any host can compare
 * our engines with (tests/lock/README.md, "Vectors"). */
#ifndef TESTS_LOCK_VECTORS_H
#define TESTS_LOCK_VECTORS_H

#include "tests/lock/oracle.h"

enum {
    VEC_STATES = 64,   /* sets of register values that vectors begin with */
    VEC_MEM_MOST = 64, /* bytes of an operand in memory that come out of such a set */
};

/* A file being read or made: the numbers of its head, and the bytes behind it. */
struct vectors {
    bool amd; /* the recording host */
    u32 n;    /* vectors */
    struct ora_regs *state;
    u8 *p;
    size_t size, room, at;
    bool bad; /* reading went over the end; writing had no memory */
};

/* Read a file. False with a sentence in why[]. */
bool vectors_load(struct vectors *v, const char *path, char *why, size_t n);
/* The next vector, of v->n; false when the file is cut. */
bool vectors_next(struct vectors *v, struct ora_case *c, struct ora_out *want);
void vectors_free(struct vectors *v);

/* Begin a file with these states, of which the vector registers and x87 registers count. */
bool vectors_new(struct vectors *v, const struct ora_regs *states, bool amd);
/* x87 registers of r from where they are in the unit to their order in the stack (to_stack), or back. */
void vectors_turn(struct ora_regs *r, bool to_stack);
/* Set everything in c->in that belongs to state k or is plain, x87 registers as in the unit: where a vector starts from. */
void vectors_plain(const struct vectors *v, u32 k, struct ora_case *c);
/* The memory operand's bytes when they are those of state k from register `from` on: c->patch. */
void vectors_memory(const struct vectors *v, u32 k, u32 from, struct ora_case *c);
/* Append a vector that starts from state k; from: as given to vectors_memory(), -1: c->patch is its own. */
void vectors_put(struct vectors *v, u32 k, s32 from, const struct ora_case *c,
                 const struct ora_out *out);
bool vectors_save(const struct vectors *v, const char *path);

#endif
