/* Integer arithmetic and its flags against a model in C that works bit by bit, for 8, 16 and 32
 * bits. */
#include "roms/test/lib/test.h"

enum {
    CF = 1,
    PF = 4,
    AF = 0x10,
    ZF = 0x40,
    SF = 0x80,
    OF = 0x800,
    ALL = CF | PF | AF | ZF | SF | OF
};

static const u32 values[] = {0,          1,          2,         0x0f,       0x10,       0x55,
                             0x7f,       0x80,       0x81,      0xff,       0x100,      0x7fff,
                             0x8000,     0xffff,     0x10000,   0x12345678, 0x7fffffff, 0x80000000,
                             0x80000001, 0xfffffffe, 0xffffffff};

struct result {
    u32 v, flags;
};

static u32 mask_of(u32 bits)
{
    return bits == 32 ? 0xffffffffu : (1u << bits) - 1;
}

static u32 szp(u32 v, u32 bits)
{
    u32 f = 0, ones = 0;

    for (u32 i = 0; i < 8; i++)
        ones += v >> i & 1;
    if ((ones & 1) == 0)
        f |= PF;
    if ((v & mask_of(bits)) == 0)
        f |= ZF;
    if ((v >> (bits - 1) & 1) != 0)
        f |= SF;
    return f;
}

/* A ripple-carry adder: the definition of all the flags. */
static struct result model_add(u32 a, u32 b, u32 carry, u32 bits)
{
    struct result r = {0, 0};
    u32 before_last = 0;

    for (u32 i = 0; i < bits; i++) {
        u32 x = a >> i & 1, y = b >> i & 1;

        r.v |= (x ^ y ^ carry) << i;
        before_last = carry;
        carry = (x & y) | (x & carry) | (y & carry);
        if (i == 3 && carry != 0)
            r.flags |= AF;
    }
    if (carry != 0)
        r.flags |= CF;
    if (carry != before_last)
        r.flags |= OF;
    r.flags |= szp(r.v, bits);
    return r;
}

/* Subtraction adds the complement; carry and half carry then mean "no borrow". */
static struct result model_sub(u32 a, u32 b, u32 borrow, u32 bits)
{
    struct result r = model_add(a, ~b & mask_of(bits), borrow ^ 1, bits);

    r.flags ^= CF | AF;
    return r;
}

#define BINARY(name, insn, suffix, type)                                                           \
    static struct result name(u32 a, u32 b, u32 flags)                                             \
    {                                                                                              \
        type v = (type)a, w = (type)b;                                                             \
        u32 f;                                                                                     \
        __asm__ volatile("push %2; popf; " insn suffix " %3, %0; pushf; pop %1"                    \
                         : "+q"(v), "=&r"(f)                                                       \
                         : "r"(flags | 2), "q"(w)                                                  \
                         : "cc");                                                                  \
        return (struct result){v, f};                                                              \
    }

#define UNARY(name, insn, suffix, type)                                                            \
    static struct result name(u32 a, u32 b, u32 flags)                                             \
    {                                                                                              \
        type v = (type)a;                                                                          \
        u32 f;                                                                                     \
        (void)b;                                                                                   \
        __asm__ volatile("push %2; popf; " insn suffix " %0; pushf; pop %1"                        \
                         : "+q"(v), "=&r"(f)                                                       \
                         : "r"(flags | 2)                                                          \
                         : "cc");                                                                  \
        return (struct result){v, f};                                                              \
    }

#define SHIFT(name, insn, suffix, type)                                                            \
    static struct result name(u32 a, u32 b, u32 flags)                                             \
    {                                                                                              \
        type v = (type)a;                                                                          \
        u32 f;                                                                                     \
        __asm__ volatile("push %2; popf; " insn suffix " %%cl, %0; pushf; pop %1"                  \
                         : "+q"(v), "=&r"(f)                                                       \
                         : "r"(flags | 2), "c"(b)                                                  \
                         : "cc");                                                                  \
        return (struct result){v, f};                                                              \
    }

#define SIZES(kind, name)                                                                          \
    kind(name##8, #name, "b", u8) kind(name##16, #name, "w", u16) kind(name##32, #name, "l", u32)
SIZES(BINARY, add)
SIZES(BINARY, adc)
SIZES(BINARY, sub)
SIZES(BINARY, sbb)
SIZES(BINARY, cmp)
SIZES(BINARY, and)
SIZES(BINARY, or)
SIZES(BINARY, xor)
SIZES(BINARY, test)
SIZES(UNARY, inc)
SIZES(UNARY, dec)
SIZES(UNARY, neg)
SIZES(UNARY, not )
SIZES(SHIFT, shl)
SIZES(SHIFT, shr)
SIZES(SHIFT, sar)
SIZES(SHIFT, rol)
SIZES(SHIFT, ror)
SIZES(SHIFT, rcl)
SIZES(SHIFT, rcr)

typedef struct result op_fn(u32 a, u32 b, u32 flags);

static void compare(int line, struct result got, struct result want, u32 flags)
{
    test_eq(line, got.v, want.v);
    test_eq(line, got.flags & flags, want.flags & flags);
}

static void arithmetic(u32 a, u32 b, u32 carry, u32 i)
{
    static op_fn *const fn[3][7] = {{add8, adc8, sub8, sbb8, cmp8, inc8, dec8},
                                    {add16, adc16, sub16, sbb16, cmp16, inc16, dec16},
                                    {add32, adc32, sub32, sbb32, cmp32, inc32, dec32}};
    static op_fn *const neg[3] = {neg8, neg16, neg32}, *const complement[3] = {not8, not16, not32};
    u32 bits = 8u << i, m = mask_of(bits), in = carry != 0 ? ALL : 0;
    struct result r;

    a &= m;
    b &= m;
    compare(__LINE__, fn[i][0](a, b, in), model_add(a, b, 0, bits), ALL);
    compare(__LINE__, fn[i][1](a, b, in), model_add(a, b, carry, bits), ALL);
    compare(__LINE__, fn[i][2](a, b, in), model_sub(a, b, 0, bits), ALL);
    compare(__LINE__, fn[i][3](a, b, in), model_sub(a, b, carry, bits), ALL);
    r = model_sub(a, b, 0, bits);
    r.v = a;
    compare(__LINE__, fn[i][4](a, b, in), r, ALL);
    /* INC and DEC leave the carry alone. */
    r = model_add(a, 1, 0, bits);
    r.flags = (r.flags & ~(u32)CF) | (in & CF);
    compare(__LINE__, fn[i][5](a, 0, in), r, ALL);
    r = model_sub(a, 1, 0, bits);
    r.flags = (r.flags & ~(u32)CF) | (in & CF);
    compare(__LINE__, fn[i][6](a, 0, in), r, ALL);
    compare(__LINE__, neg[i](a, 0, in), model_sub(0, a, 0, bits), ALL);
    r = (struct result){~a & m, in};
    compare(__LINE__, complement[i](a, 0, in), r, ALL);
}

static void logic(u32 a, u32 b, u32 i)
{
    static op_fn *const fn[3][4] = {
        {and8, or8, xor8, test8}, {and16, or16, xor16, test16}, {and32, or32, xor32, test32}};
    u32 bits = 8u << i, m = mask_of(bits), flags = ALL & ~(u32)AF;
    u32 want[4];

    a &= m;
    b &= m;
    want[0] = a & b;
    want[1] = a | b;
    want[2] = a ^ b;
    want[3] = a & b;
    for (u32 k = 0; k < 4; k++) {
        struct result r = {k == 3 ? a : want[k], szp(want[k], bits)};

        compare(__LINE__, fn[i][k](a, b, ALL), r, flags);
    }
}

/* One bit at a time, as the manual's pseudo code does it. */
static struct result model_shift(u32 kind, u32 a, u32 count, u32 flags, u32 bits)
{
    u32 m = mask_of(bits), top = bits - 1, c = flags & CF, v = a & m, n = count & 31;
    struct result r;

    for (u32 i = 0; i < n; i++) {
        u32 low = v & 1, high = v >> top & 1;

        switch (kind) {
        case 0:
            c = high;
            v = v << 1 & m;
            break;
        case 1:
            c = low;
            v >>= 1;
            break;
        case 2:
            c = low;
            v = v >> 1 | high << top;
            break;
        case 3:
            c = high;
            v = (v << 1 & m) | high;
            break;
        case 4:
            c = low;
            v = v >> 1 | low << top;
            break;
        case 5:
            v = (v << 1 & m) | c;
            c = high;
            break;
        default:
            v = v >> 1 | c << top;
            c = low;
            break;
        }
    }
    r.v = v;
    r.flags = c;
    if (n == 1) {
        u32 high = v >> top & 1, next = v >> (top - 1) & 1, was = a >> top & 1;

        /* Overflow is defined for single shifts only. */
        if (kind == 0 || kind == 3 || kind == 5)
            r.flags |= (high ^ c) != 0 ? OF : 0;
        else if (kind == 1)
            r.flags |= was != 0 ? OF : 0;
        else if (kind != 2)
            r.flags |= (high ^ next) != 0 ? OF : 0;
    }
    return r;
}

static void shifts(u32 a, u32 i)
{
    static op_fn *const fn[3][7] = {{shl8, shr8, sar8, rol8, ror8, rcl8, rcr8},
                                    {shl16, shr16, sar16, rol16, ror16, rcl16, rcr16},
                                    {shl32, shr32, sar32, rol32, ror32, rcl32, rcr32}};
    u32 bits = 8u << i, m = mask_of(bits);

    for (u32 kind = 0; kind < 7; kind++) {
        for (u32 count = 0; count < 36; count++) {
            struct result got = fn[i][kind](a & m, count, CF),
                          want = model_shift(kind, a, count, CF, bits);
            u32 n = count & 31, flags = CF;

            if (n == 1)
                flags |= OF;
            /* The carry of SHL and SHR is undefined once everything has been shifted out. */
            if (kind < 2 && n > bits)
                flags = 0;
            if (kind < 3 && n != 0) {
                want.flags |= szp(want.v, bits);
                flags |= SF | ZF | PF;
            }
            compare(__LINE__, got, want, flags);
        }
    }
}

static void multiply(u32 a, u32 b)
{
    u32 lo, hi, f, lo2 = 0, hi2 = 0;
    s32 q, r;

    __asm__ volatile("mull %4; pushf; pop %2"
                     : "=a"(lo), "=d"(hi), "=r"(f)
                     : "a"(a), "r"(b)
                     : "cc");
    /* Schoolbook multiplication with additions only. */
    for (u32 i = 0; i < 32; i++) {
        if ((b >> i & 1) != 0) {
            u32 add_lo = a << i, add_hi = i == 0 ? 0 : a >> (32 - i);

            lo2 += add_lo;
            hi2 += add_hi + (lo2 < add_lo);
        }
    }
    CHECK_EQ(lo, lo2);
    CHECK_EQ(hi, hi2);
    CHECK_EQ(f & (CF | OF), hi2 != 0 ? CF | OF : 0);
    if (b != 0 && hi2 < b) {
        u32 dividend_hi = hi2, quotient, rest;

        __asm__ volatile("divl %4"
                         : "=a"(quotient), "=d"(rest)
                         : "0"(lo2), "1"(dividend_hi), "r"(b)
                         : "cc");
        CHECK_EQ(quotient, a);
        CHECK_EQ(rest, 0);
    }
    __asm__ volatile("imull %3, %0; pushf; pop %1" : "=r"(lo), "=r"(f) : "0"(a), "r"(b) : "cc");
    CHECK_EQ(lo, lo2);
    if ((s32)b != 0 && !(a == 0x80000000u && b == 0xffffffffu)) {
        __asm__ volatile("cltd; idivl %3" : "=a"(q), "=&d"(r) : "0"(a), "r"(b) : "cc");
        CHECK_EQ((u32)q * b + (u32)r, a);
        CHECK(r == 0 || (r < 0) == ((s32)a < 0));
    }
}

static void divide_overflow(void)
{
    __asm__ volatile("mov $2, %%edx; xor %%eax, %%eax; mov $2, %%ecx; divl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

static void divide_most_negative(void)
{
    __asm__ volatile("mov $0x80000000, %%eax; cltd; mov $-1, %%ecx; idivl %%ecx"
                     :
                     :
                     : "eax", "ecx", "edx");
}

static void aam_zero(void)
{
    __asm__ volatile(".byte 0xd4, 0x00" : : : "eax");
}

static void decimal(void)
{
    u32 a = 0x0038, f;

    __asm__ volatile("add $0x45, %%al; daa; pushf; pop %1" : "+a"(a), "=r"(f) : : "cc");
    CHECK_EQ(a & 0xff, 0x83);
    CHECK_EQ(f & (CF | AF), AF);
    a = 0x0099;
    __asm__ volatile("add $0x01, %%al; daa; pushf; pop %1" : "+a"(a), "=r"(f) : : "cc");
    CHECK_EQ(a & 0xff, 0x00);
    CHECK_EQ(f & CF, CF);
    a = 0x0047;
    __asm__ volatile("sub $0x28, %%al; das" : "+a"(a) : : "cc");
    CHECK_EQ(a & 0xff, 0x19);
    a = 0x0208;
    __asm__ volatile("add $0x05, %%al; aaa" : "+a"(a) : : "cc");
    CHECK_EQ(a & 0xffff, 0x0303);
    a = 63;
    __asm__ volatile("aam" : "+a"(a) : : "cc");
    CHECK_EQ(a & 0xffff, 0x0603);
    __asm__ volatile("aad" : "+a"(a) : : "cc");
    CHECK_EQ(a & 0xffff, 63);
}

static void bits(void)
{
    u32 v, f, r;
    u32 field[4] = {0, 0, 0, 0};

    __asm__ volatile("bsf %2, %0; pushf; pop %1" : "=r"(v), "=r"(f) : "r"(0x00180000) : "cc");
    CHECK_EQ(v, 19);
    CHECK_EQ(f & ZF, 0);
    __asm__ volatile("bsr %2, %0; pushf; pop %1" : "=r"(v), "=r"(f) : "r"(0x00180000) : "cc");
    CHECK_EQ(v, 20);
    __asm__ volatile("bsf %1, %%ecx; pushf; pop %0" : "=r"(f) : "r"(0) : "cc", "ecx");
    CHECK_EQ(f & ZF, ZF);
    /* A bit string in memory: the offset is signed and reaches beyond the operand. */
    __asm__ volatile("btsl %2, %1; pushf; pop %0"
                     : "=r"(f), "+m"(field[1])
                     : "r"(70)
                     : "cc", "memory");
    CHECK_EQ(f & CF, 0);
    CHECK_EQ(field[3], 1u << 6);
    __asm__ volatile("btcl %2, %1; pushf; pop %0"
                     : "=r"(f), "+m"(field[1])
                     : "r"(-1)
                     : "cc", "memory");
    CHECK_EQ(field[0], 0x80000000u);
    __asm__ volatile("btrl %2, %1; pushf; pop %0"
                     : "=r"(f), "+m"(field[1])
                     : "r"(70)
                     : "cc", "memory");
    CHECK_EQ(f & CF, CF);
    CHECK_EQ(field[3], 0);
    v = 0x12345678;
    __asm__ volatile("shld $8, %1, %0" : "+r"(v) : "r"(0xabcdef01) : "cc");
    CHECK_EQ(v, 0x345678ab);
    v = 0x12345678;
    __asm__ volatile("shrd %%cl, %1, %0" : "+r"(v) : "r"(0xabcdef01), "c"(36) : "cc");
    CHECK_EQ(v, 0x11234567);
    v = 0x11223344;
    __asm__ volatile("bswap %0" : "+r"(v));
    CHECK_EQ(v, 0x44332211);
    v = 5;
    r = 7;
    __asm__ volatile("xadd %0, %1" : "+r"(v), "+r"(r) : : "cc");
    CHECK_EQ(v, 7);
    CHECK_EQ(r, 12);
    v = 12;
    __asm__ volatile("cmpxchg %2, %0; pushf; pop %1" : "+r"(r), "=r"(f) : "r"(99), "a"(v) : "cc");
    CHECK_EQ(r, 99);
    CHECK_EQ(f & ZF, ZF);
}

/* Every condition code against the flags that define it. */
static void conditions(void)
{
    for (u32 n = 0; n < 32; n++) {
        u32 f = 2 | ((n & 1) != 0 ? CF : 0) | ((n & 2) != 0 ? PF : 0) | ((n & 4) != 0 ? ZF : 0) |
                ((n & 8) != 0 ? SF : 0) | ((n & 16) != 0 ? OF : 0);
        bool c = n & 1, p = n & 2, z = n & 4, s = n & 8, o = n & 16;
        bool want[8] = {o, c, z, c || z, s, p, s != o, z || s != o};
        u8 got[16];

        __asm__ volatile("push %0; popf\n\t"
                         "seto 0(%1); setno 1(%1); setb 2(%1); setae 3(%1)\n\t"
                         "sete 4(%1); setne 5(%1); setbe 6(%1); seta 7(%1)\n\t"
                         "sets 8(%1); setns 9(%1); setp 10(%1); setnp 11(%1)\n\t"
                         "setl 12(%1); setge 13(%1); setle 14(%1); setg 15(%1)"
                         :
                         : "r"(f), "r"(got)
                         : "cc", "memory");
        for (u32 i = 0; i < 16; i++)
            CHECK_EQ(got[i], want[i / 2] ^ (i & 1));
    }
}

void run_test(void)
{
    for (u32 i = 0; i < ARRAY_LEN(values); i++) {
        for (u32 k = 0; k < ARRAY_LEN(values); k++) {
            for (u32 size = 0; size < 3; size++) {
                arithmetic(values[i], values[k], 0, size);
                arithmetic(values[i], values[k], 1, size);
                logic(values[i], values[k], size);
            }
            multiply(values[i], values[k]);
        }
        for (u32 size = 0; size < 3; size++)
            shifts(values[i], size);
    }
    CHECK_EQ(trap_run(divide_overflow), VEC_DE);
    CHECK_EQ(trap_run(divide_most_negative), VEC_DE);
    CHECK_EQ(trap_run(aam_zero), VEC_DE);
    decimal();
    bits();
    conditions();
}
