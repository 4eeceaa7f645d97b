/* Integer kernels: plain arithmetic, recursion, sorting, an interpreter, a sieve, indirect calls,
 * flag chains, SHA-256. */
#include "tests/bench/bare/bare.h"

enum {
    SORTED = 16384,
    SIEVED = 65536,
    FIB = 20,
    FIB_CALLS = 21891, /* calls that fib(20) makes */
    PROGRAM_LOOPS = 256,
    PROGRAM_OPS = 7,
    SHA_BYTES = 4096,
};

static void alu(u32 n)
{
    u32 a = 1, b = 2, c = 3, d = 4;

    for (; n != 0; n--) {
        for (u32 i = 0; i < 64; i++) {
            __asm__ volatile("addl %1, %0\n\txorl %2, %1\n\tsubl %3, %2\n\tleal 5(%3,%0,2), %3\n\t"
                             "roll $3, %0\n\tandl $0x7fffffff, %1\n\torl $1, %2\n\tshrl $1, %3\n\t"
                             "addl %3, %0\n\timull $3, %1, %1\n\tsubl %0, %2\n\tnotl %3\n\t"
                             "movl %0, %1\n\tnegl %2\n\taddl $7, %3\n\txorl %2, %0"
                             : "+r"(a), "+r"(b), "+r"(c), "+r"(d)
                             :
                             : "cc");
        }
    }
    bare_sink = a ^ b ^ c ^ d;
}

/* Built without sibling calls, and not inlined into itself: one call is one CALL. */
static __attribute__((noinline)) u32 fib_of(u32 n)
{
    return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2);
}

static void fib(u32 n)
{
    for (; n != 0; n--)
        bare_sink = fib_of(FIB);
}

static u32 *sort_area(void)
{
    return (u32 *)AREA;
}

static void swap(u32 *a, u32 *b)
{
    u32 t = *a;

    *a = *b;
    *b = t;
}

static void quick(u32 *a, s32 lo, s32 hi)
{
    while (lo < hi) {
        u32 pivot = a[(lo + hi) / 2];
        s32 i = lo, j = hi;

        while (i <= j) {
            while (a[i] < pivot)
                i++;
            while (a[j] > pivot)
                j--;
            if (i <= j)
                swap(&a[i++], &a[j--]);
        }
        quick(a, lo, j);
        lo = i;
    }
}

static void sort(u32 n)
{
    u32 x = 1, *a = sort_area();

    for (; n != 0; n--) {
        for (u32 i = 0; i < SORTED; i++)
            a[i] = x = bare_random(x);
        quick(a, 0, SORTED - 1);
    }
    bare_sink = a[0];
}

/* A byte-code machine with a stack: a loop of seven instructions, dispatched by computed goto. */
static void interp(u32 n)
{
    enum { PUSH, ADD, XOR, DUP, DROP, LOOP, END };
    static const void *const go[] = {&&push, &&add, &&xor, &&dup, &&drop, &&loop, &&end};
    static const u8 program[] = {PUSH, 3, ADD, DUP, XOR, PUSH, 9, DROP, LOOP, END};
    u32 stack[16];

    for (; n != 0; n--) {
        const u8 *pc = program;
        u32 *sp = stack, count = PROGRAM_LOOPS;

        *sp = 1;
        goto *go[*pc++];
    push:
        *++sp = *pc++;
        goto *go[*pc++];
    add:
        sp--;
        sp[0] += sp[1];
        goto *go[*pc++];
    dup:
        sp[1] = sp[0];
        sp++;
        goto *go[*pc++];
        xor : sp--;
        sp[0] = (sp[0] ^ sp[1]) + count;
        goto *go[*pc++];
    drop:
        sp--;
        goto *go[*pc++];
    loop:
        if (--count != 0)
            pc = program;
        goto *go[*pc++];
    end:
        bare_sink = *sp;
    }
}

/* The same machine with a switch, as most interpreters are written: one indirect jump for all. */
static void interp_switch(u32 n)
{
    enum { PUSH, ADD, XOR, DUP, DROP, LOOP, END };
    static const u8 program[] = {PUSH, 3, ADD, DUP, XOR, PUSH, 9, DROP, LOOP, END};
    u32 stack[16];

    for (; n != 0; n--) {
        const u8 *pc = program;
        u32 *sp = stack, count = PROGRAM_LOOPS;
        bool done = false;

        *sp = 1;
        while (!done) {
            switch (*pc++) {
            case PUSH: *++sp = *pc++; break;
            case ADD:
                sp--;
                sp[0] += sp[1];
                break;
            case DUP:
                sp[1] = sp[0];
                sp++;
                break;
            case XOR:
                sp--;
                sp[0] = (sp[0] ^ sp[1]) + count;
                break;
            case DROP: sp--; break;
            case LOOP:
                if (--count != 0)
                    pc = program;
                break;
            default: done = true; break;
            }
        }
        bare_sink = *sp;
    }
}

static void sieve(u32 n)
{
    u8 *composite = (u8 *)AREA;
    u32 primes = 0;

    for (; n != 0; n--) {
        for (u32 i = 2; i < SIEVED; i++)
            composite[i] = 0;
        for (u32 i = 2; i < SIEVED; i++) {
            if (composite[i] != 0)
                continue;
            primes++;
            for (u32 j = i + i; j < SIEVED; j += i)
                composite[j] = 1;
        }
    }
    bare_sink = primes;
}

static u32 leaf0(u32 x)
{
    return x + 1;
}

static u32 leaf1(u32 x)
{
    return x * 3;
}

static u32 leaf2(u32 x)
{
    return x ^ 7;
}

static u32 leaf3(u32 x)
{
    return x - 9;
}

static void indirect(u32 n)
{
    static u32 (*const volatile table[4])(u32) = {leaf0, leaf1, leaf2, leaf3};
    u32 x = 1, s = 0;

    for (u32 i = n * 64; i != 0; i--) {
        x = bare_random(x);
        s = table[x >> 30](s);
    }
    bare_sink = s;
}

/* Calls of a function that does nothing, from four places in turn: the return is what varies. */
static __attribute__((noinline)) void nothing(void)
{
    __asm__ volatile("");
}

static void call_ret(u32 n)
{
    for (; n != 0; n--) {
        for (u32 i = 0; i < 16; i++) {
            nothing();
            nothing();
            nothing();
            nothing();
        }
    }
}

/* Jumps through a register around a ring of four places. */
static void jump_ring(u32 n)
{
    for (n *= 16; n != 0; n--) {
        __asm__ volatile("movl $1f, %%eax\n\tjmp *%%eax\n1:\tmovl $2f, %%eax\n\tjmp *%%eax\n"
                         "2:\tmovl $3f, %%eax\n\tjmp *%%eax\n3:\tmovl $4f, %%eax\n\t"
                         "jmp *%%eax\n4:"
                         :
                         :
                         : "eax");
    }
}

/* Carries through adc, rcl and setc, as in arithmetic on long numbers. */
static void flags(u32 n)
{
    u32 a = 1, b = 0x9e3779b9, c = 0, d = 5;

    for (u32 i = n * 64; i != 0; i--) {
        __asm__ volatile("addl %1, %0\n\tadcl $0, %2\n\trcll $1, %3\n\tsetc %b2\n\tsbbl %0, "
                         "%1\n\tadcl %3, %2\n\t"
                         "cmovc %0, %3\n\trcrl $1, %1\n\tincl %3\n\tadcl %1, %0"
                         : "+q"(a), "+q"(b), "+q"(c), "+q"(d)
                         :
                         : "cc");
    }
    bare_sink = a ^ b ^ c ^ d;
}

/* SHA-256 (FIPS 180-4, section 6.2): rotations and additions on eight live words. */
static u32 sha_k[64];

static u32 ror(u32 v, unsigned n)
{
    return v >> n | v << (32 - n);
}

/* The constants do not matter for the time: any will do that no compiler knows. */
static void sha_prepare(void)
{
    u32 x = 0x428a2f98;

    for (u32 i = 0; i < ARRAY_LEN(sha_k); i++)
        sha_k[i] = x = bare_random(x);
}

static void sha_block(u32 h[8], const u32 *in)
{
    u32 w[64], v[8];

    for (u32 i = 0; i < 16; i++)
        w[i] = __builtin_bswap32(in[i]);
    for (u32 i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
    for (u32 i = 0; i < 8; i++)
        v[i] = h[i];
    for (u32 i = 0; i < 64; i++) {
        u32 t1 = v[7] + (ror(v[4], 6) ^ ror(v[4], 11) ^ ror(v[4], 25)) +
                 ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
        u32 t2 = (ror(v[0], 2) ^ ror(v[0], 13) ^ ror(v[0], 22)) +
                 ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

        v[7] = v[6];
        v[6] = v[5];
        v[5] = v[4];
        v[4] = v[3] + t1;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = v[0];
        v[0] = t1 + t2;
    }
    for (u32 i = 0; i < 8; i++)
        h[i] += v[i];
}

static void sha(u32 n)
{
    const u32 *in = (const u32 *)AREA;
    u32 h[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    for (; n != 0; n--) {
        for (u32 i = 0; i < SHA_BYTES / 4; i += 16)
            sha_block(h, in + i);
    }
    bare_sink = h[0];
}

const struct kernel cpu_kernels[] = {
    {"alu", "Mop/s", alu, 64 * 16, 1000000, NULL, false},
    {"fib", "call/s", fib, FIB_CALLS, 1, NULL, false},
    {"qsort", "elem/s", sort, SORTED, 1, NULL, false},
    {"interp", "op/s", interp, PROGRAM_LOOPS *PROGRAM_OPS, 1, NULL, false},
    {"interp_switch", "op/s", interp_switch, PROGRAM_LOOPS *PROGRAM_OPS, 1, NULL, false},
    {"sieve", "num/s", sieve, SIEVED, 1, NULL, false},
    {"indirect", "call/s", indirect, 64, 1, NULL, false},
    {"call_ret", "call/s", call_ret, 64, 1, NULL, false},
    {"jump_ring", "jump/s", jump_ring, 64, 1, NULL, false},
    {"flags", "Mop/s", flags, 64 * 10, 1000000, NULL, false},
    {"sha256", "MB/s", sha, SHA_BYTES, 1000000, sha_prepare, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
