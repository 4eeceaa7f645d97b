/* What libunicorn 2.0 does otherwise, as rules for comparing. */
#ifndef TESTS_LOCK_UNIRULES_H
#define TESTS_LOCK_UNIRULES_H

#include "devices/core/bits.h"
#include "tests/lock/unibox.h"

enum {
    UNI_GPR = 1,
    UNI_RIP = 2,
    UNI_FLAGS = 4,
    UNI_SEL = 8,
    UNI_CR = 16,
    UNI_X87 = 32,
    UNI_SSE = 64,
    UNI_MEM = 128,
    UNI_FAULT = 256,
    UNI_CR2 = 512,
    UNI_ALL = 1023,
};

struct uni_step {
    struct insn in;
    bool decoded, lock; /* lock: F0 among the first bytes */
    unsigned bits;
    u64 la;
    u8 bytes[16];
    struct unibox_state before, ours, theirs;
    int vector, their_vector;
    u32 error, diff, flags;
    u32 mem_at;
    u8 mem_ours, mem_theirs;
};

enum { UNI_RULES_MAX = 96, UNI_ANY = 0xffff };
struct uni_rule {
    u16 op;    /* enum op or UNI_ANY */
    u16 diff;  /* what it explains; 0: the operation is never run */
    bool (*when)(const struct uni_step *st);
    const char *why;
};
extern const struct uni_rule uni_rules[];
extern const unsigned uni_nrules;
/* Is the operation left out? */
bool uni_excluded(const struct uni_step *st);
/* The rule for what differs, -1: none. */
int uni_excuse(const struct uni_step *st);

#endif
