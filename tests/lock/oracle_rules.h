/* What processors may do differently, as rules for comparing. */
#ifndef TESTS_LOCK_ORACLE_RULES_H
#define TESTS_LOCK_ORACLE_RULES_H

#include "tests/lock/oracle.h"

enum ora_rule_kind {
    RULE_NOT_RUN, /* never run natively */
    RULE_VALUES,  /* how it ends is compared, what it gives is not */
    RULE_ULP,     /* x87 results may be off by two units in the last place (one on either side) */
    RULE_APPROX,  /* single-precision lanes may be off by 2 * 1.5 * 2^-12 of their value */
    RULE_FLAGS,   /* flags of `mask` are not compared */
    RULE_IMAGE,   /* bytes of the stored image: ora_rule_skips() */
    RULE_DEST,    /* the destination register, bits of `mask`: ora_rule_gpr() */
    RULE_ORDER,   /* faults that compete, and their CR2 */
    RULE_PARTIAL, /* on a fault: general registers and memory */
    RULE_VENDOR,  /* nothing is compared */
    RULE_SHORT,   /* ... behind prefix 66 in 64-bit code */
    RULE_WIDE,    /* ... with REX.W */
    RULE_REP,     /* ... behind prefix F2 or F3 */
    RULE_NOP0D,   /* ... for 0F 0D with a register */
    RULE_COUNT0,  /* ... with REP and a count of 0 */
    RULE_SHIFT16, /* ... with an operand of 16 bits and a count above 16 */
};
enum { RULE_ALL, RULE_AMD, RULE_INTEL };

struct ora_rule {
    u16 op;
    u8 kind, vendor;
    u32 mask;
    const char *why;
};

/* The rule for a case, NULL if it must be the same in all. */
const struct ora_rule *ora_rule(const struct ora_case *c, const struct ora_out *host);
/* Does the rule except this byte of memory, this register? */
bool ora_rule_skips(const struct ora_rule *r, const struct ora_case *c, u32 la);
bool ora_rule_gpr(const struct ora_rule *r, const struct ora_case *c, const struct insn *in,
                  unsigned reg, const struct ora_out *h, const struct ora_out *g);
/* x87 instruction and data pointers: excepted for this case? Sets v->excused. */
bool ora_pointer_excused(const struct ora_case *c, const struct ora_out *h, u64 value,
                         struct ora_verdict *v);
/* Do host and guest end in ways that are both right? The reason, or NULL. */
const char *ora_end_excused(const struct ora_case *c, const struct ora_out *h,
                            const struct ora_out *g);
/* A far call between 64-bit code and compatibility mode whose return address went elsewhere: the
 * reason, or NULL. */
const char *ora_call_excused(const struct ora_case *c, const struct ora_out *h,
                             const struct ora_out *g);
/* Why the order of faults and CR2 are not compared for this operation, or NULL. */
const char *ora_order(const struct ora_case *c);
bool ora_ulp_close(const u8 *a, const u8 *b);
bool ora_approx_close(const u8 *a, const u8 *b);
/* The feature of the host that gives the bytes of c a meaning which our CPUs do not claim; NULL:
 * none. */
const char *ora_foreign(const struct ora_case *c);

#endif
