/* Lab 6, test bench: random operations; the flags of the project's functions (cpu/flags.h) are what
 * must come out whenever somebody looks. */
#include "docs/labs/06-lazy-flags/lazy.h"

#include "cpu/flags.h"
#include "docs/labs/common/score.h"

static const char *const names[] = {"nothing yet", "add", "sub", "and/or/xor", "inc", "dec"};

static u32 rnd(u64 *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (u32)(*seed >> 16);
}

/* Small numbers, borders, anything. */
static u32 operand(u64 *seed, unsigned size)
{
    u32 r = rnd(seed), v = rnd(seed);

    v = r % 4 == 0 ? v & 0xff : r % 4 == 1 ? 0u - (v & 3) : r % 4 == 2 ? 0x80u << (v % 25) : v;
    return v & (u32)size_mask(size);
}

/* One random operation on both sides. */
static void operate(struct lazy *l, u32 *eager, u64 *seed, unsigned kind)
{
    unsigned size = 1u << rnd(seed) % 3;
    u32 mask = (u32)size_mask(size), a = operand(seed, size), b = operand(seed, size), r;

    switch (kind) {
    case LAZY_ADD:
        r = (a + b) & mask;
        *eager = flags_add(a, b, r, size);
        break;
    case LAZY_SUB:
        r = (a - b) & mask;
        *eager = flags_sub(a, b, r, size);
        break;
    case LAZY_LOGIC:
        r = rnd(seed) & 1 ? a & b : a ^ b;
        *eager = flags_logic(r, size);
        break;
    case LAZY_INC:
        b = 1;
        r = (a + 1) & mask;
        *eager = flags_inc(a, r, size, *eager);
        break;
    default:
        b = 1;
        r = (a - 1) & mask;
        *eager = flags_dec(a, r, size, *eager);
        break;
    }
    lazy_set(l, (enum lazy_kind)kind, size, a, b, r);
}

/* Random operations of `kinds`; *where says what differed. */
static bool try_flags(u32 kinds, char *where, size_t n)
{
    enum { STEPS = 300000 };
    struct lazy l = {0};
    u64 seed = 6;
    u32 eager = 0;

    lazy_set_known(&l, 0);
    for (u32 step = 0; step < STEPS; step++) {
        unsigned kind;

        do
            kind = LAZY_ADD + rnd(&seed) % 5;
        while (!(kinds & BIT(kind)));
        operate(&l, &eager, &seed, kind);
        /* Mostly nobody looks. */
        if (rnd(&seed) % 4 == 0 && lazy_flags(&l) != eager) {
            snprintf(where, n, "%s of %u bytes, %x and %x: flags %03x, not %03x", names[kind],
                     l.size, l.a, l.b, lazy_flags(&l), eager);
            return false;
        }
    }
    snprintf(where, n, "%u operations, the flags of about a quarter were asked for", (u32)STEPS);
    return true;
}

static bool try_conditions(char *where, size_t n)
{
    struct lazy l = {0};
    u64 seed = 7;
    u32 eager = 0;

    lazy_set_known(&l, 0);
    for (u32 step = 0; step < 100000; step++) {
        unsigned kind = LAZY_ADD + rnd(&seed) % 5;

        operate(&l, &eager, &seed, kind);
        for (unsigned cc = 0; cc < 16; cc++)
            if (lazy_condition(&l, cc) != flags_cc(eager, cc)) {
                snprintf(where, n, "condition %u behind %s of %x and %x", cc, names[kind], l.a,
                         l.b);
                return false;
            }
    }
    snprintf(where, n, "1600000 conditions");
    return true;
}

int main(void)
{
    struct score sc = {0, 0};
    char where[200];
    bool ok;

    ok = try_flags(BIT(LAZY_LOGIC), where, sizeof(where));
    score(&sc, ok, "logic alone: %s", where);
    ok = try_flags(BIT(LAZY_ADD), where, sizeof(where));
    score(&sc, ok, "sums: %s", where);
    ok = try_flags(BIT(LAZY_SUB), where, sizeof(where));
    score(&sc, ok, "differences: %s", where);
    ok = try_flags(BIT(LAZY_ADD) | BIT(LAZY_INC) | BIT(LAZY_DEC) | BIT(LAZY_LOGIC), where,
                   sizeof(where));
    score(&sc, ok, "INC and DEC keep CF: %s", where);
    ok = try_flags(~0u, where, sizeof(where));
    score(&sc, ok, "all kinds in turn: %s", where);
    ok = try_conditions(where, sizeof(where));
    score(&sc, ok, "all sixteen conditions: %s", where);
    return score_status(&sc);
}
