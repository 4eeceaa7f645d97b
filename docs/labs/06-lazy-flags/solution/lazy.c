/* Lab 6, reference solution: lazy flags. */
#include "docs/labs/06-lazy-flags/lazy.h"

/* The top bit of an operand, as 0 or 1. */
static u32 top(u32 v, unsigned size)
{
    return v >> (8 * size - 1) & 1;
}

/* SF, ZF and PF, which depend on the result alone. */
static u32 of_result(u32 r, unsigned size)
{
    u32 ones = r & 0xff;

    ones ^= ones >> 4;
    ones ^= ones >> 2;
    ones ^= ones >> 1;
    return (r == 0 ? F_Z : 0) | (top(r, size) ? F_S : 0) | (ones & 1 ? 0 : F_P);
}

/* CF of what was done before an INC or a DEC. */
static u32 carry(const struct lazy *l)
{
    switch (l->kind) {
    case LAZY_ADD: return l->r < l->a ? F_C : 0;
    case LAZY_SUB: return l->a < l->b ? F_C : 0;
    case LAZY_LOGIC: return 0;
    default: return l->known & F_C;
    }
}

void lazy_set(struct lazy *l, enum lazy_kind kind, unsigned size, u32 a, u32 b, u32 r)
{
    if (kind == LAZY_INC || kind == LAZY_DEC)
        l->known = carry(l);
    l->kind = (u8)kind;
    l->size = (u8)size;
    l->a = a;
    l->b = b;
    l->r = r;
}

u32 lazy_flags(const struct lazy *l)
{
    u32 a = l->a, b = l->b, r = l->r, f, over;

    if (l->kind == LAZY_KNOWN)
        return l->known;
    f = of_result(r, l->size) | carry(l);
    if (l->kind == LAZY_LOGIC)
        return f;
    over = l->kind == LAZY_ADD || l->kind == LAZY_INC ? ~(a ^ b) & (a ^ r) : (a ^ b) & (a ^ r);
    return f | ((a ^ b ^ r) & F_A) | (top(over, l->size) ? F_O : 0);
}

/* The operand as a signed number. */
static s32 as_signed(u32 v, unsigned size)
{
    return size == 1 ? (s8)v : size == 2 ? (s16)v : (s32)v;
}

/* Behind a comparison the operands themselves say it. */
static bool compared(const struct lazy *l, unsigned cc)
{
    s32 a = as_signed(l->a, l->size), b = as_signed(l->b, l->size);

    switch (cc & ~1u) {
    case CC_B: return l->a < l->b;
    case CC_E: return l->a == l->b;
    case CC_BE: return l->a <= l->b;
    case CC_L: return a < b;
    default: return a <= b;
    }
}

static bool by_flags(u32 f, unsigned cc)
{
    bool less = !(f & F_S) != !(f & F_O);

    switch (cc & ~1u) {
    case CC_O: return f & F_O;
    case CC_B: return f & F_C;
    case CC_E: return f & F_Z;
    case CC_BE: return f & (F_C | F_Z);
    case CC_S: return f & F_S;
    case CC_P: return f & F_P;
    case CC_L: return less;
    default: return less || (f & F_Z);
    }
}

bool lazy_condition(const struct lazy *l, unsigned cc)
{
    unsigned even = cc & ~1u;
    bool quick = l->kind == LAZY_SUB && even != CC_O && even != CC_S && even != CC_P;
    bool is = quick ? compared(l, even) : by_flags(lazy_flags(l), even);

    return is != (cc & 1);
}
