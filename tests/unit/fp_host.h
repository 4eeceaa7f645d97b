/* Running one x87 instruction on the host, for the tests that compare with it. */
#ifndef TESTS_UNIT_FP_HOST_H
#define TESTS_UNIT_FP_HOST_H

#include "cpu/fp/fp.h"

enum { C0 = 0x100, C1 = 0x200, C2 = 0x400, C3 = 0x4000, CONDS = C0 | C1 | C2 | C3 };

/* What an operation leaves: the two top registers, memory, flags and condition codes. */
struct result {
    struct f80 r0, r1;
    u8 mem[16];
    u16 sw;
};

typedef void host_fn(u16 cw, struct f80 a, struct f80 b, struct result *r);
typedef void soft_fn(struct fpenv *env, struct f80 a, struct f80 b, struct result *r);

/* Operands are loaded (which never faults), the control word set, the operation run, and the state
 * read without waiting so that an unmasked exception is seen but not taken. */
#define HOST(name, op)                                                                             \
    static void host_##name(u16 cw, struct f80 a, struct f80 b, struct result *r)                  \
    {                                                                                              \
        static const u16 plain = 0x37f;                                                            \
        __asm__ volatile(                                                                          \
            "fninit\n fldt %[b]\n fldt %[a]\n fldcw %[cw]\n" op "\n fnstsw %[sw]\n fnclex\n"       \
            "fldcw %[plain]\n fstpt %[r0]\n fstpt %[r1]\n fninit\n"                                \
            : [r0] "=m"(r->r0), [r1] "=m"(r->r1), [sw] "=m"(r->sw), [mem] "+m"(r->mem)             \
            : [a] "m"(a), [b] "m"(b), [cw] "m"(cw), [plain] "m"(plain));                           \
    }

static inline bool same_f80(struct f80 a, struct f80 b)
{
    return a.frac == b.frac && a.se == b.se;
}

#endif
