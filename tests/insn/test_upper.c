/* Dense 64-bit code that uses R8 to R15, accesses off few bases and flags all at once: what the
 * translator keeps in registers must be true wherever it can be seen. Random programs, on every
 * engine as on exec; UPPER_CASES=n runs n of them, a difference names its seed. */
#include "tests/insn/long.h"

#if GUEST_CODE

enum {
    FIRST_PAGE = AT_DATA,
    SECOND_PAGE = AT_DATA + PAGE_SIZE, /* missing in some cases */
    STACK = AT_DATA + 0x800,
    COUNTER = 0x50000, /* runs of the program that are left */
    LENGTH_MOST = 150,
    SEEN_FROM = AT_STACK0 - 0x1000,
    SEEN_TO = 0x51000
};

struct program {
    u64 state;
    u8 code[2048];
    u32 n;
};

static u32 next(struct program *p)
{
    p->state ^= p->state << 13;
    p->state ^= p->state >> 7;
    p->state ^= p->state << 17;
    return (u32)(p->state >> 11);
}

static u32 below(struct program *p, u32 n)
{
    return next(p) % n;
}

static void put(struct program *p, unsigned byte)
{
    p->code[p->n++] = (u8)byte;
}

/* A register for data: not RSP, RBX and R11, which are bases, and often one of the upper ones. */
static unsigned data_reg(struct program *p)
{
    unsigned r;
    do
        r = below(p, 3) ? 8 + below(p, 8) : below(p, 8);
    while (r == REG_SP || r == REG_BX || r == 11);
    return r;
}

/* Prefixes and opcode; `size` 1, 2, 4 or 8, `opc` as for operands wider than a byte. */
static void head(struct program *p, unsigned size, unsigned opc, unsigned reg, unsigned index,
                 unsigned rm)
{
    if (size == 2)
        put(p, 0x66);
    put(p, 0x40 | (size == 8 ? 8 : 0) | (reg >> 3) << 2 | (index >> 3) << 1 | rm >> 3);
    if (opc > 0xff)
        put(p, 0x0f);
    put(p, opc);
}

static void registers(struct program *p, unsigned size, unsigned opc, unsigned reg, unsigned rm)
{
    head(p, size, opc, reg, 0, rm);
    put(p, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static void memory(struct program *p, unsigned size, unsigned opc, unsigned reg)
{
    static const u8 bases[] = {REG_SP, REG_SP, REG_BX, 11};
    unsigned base = bases[below(p, 4)];
    head(p, size, opc, reg, 0, base);
    put(p, 0x40 | (reg & 7) << 3 | (base & 7));
    if (base == REG_SP)
        put(p, 0x24);
    put(p, below(p, 2) ? below(p, 8) * 8 : below(p, 64));
}

static unsigned some_size(struct program *p)
{
    static const u8 sizes[] = {8, 8, 8, 4, 4, 4, 2, 1};
    return sizes[below(p, 8)];
}

static void instruction(struct program *p)
{
    static const u16 alu[] = {0x01, 0x09, 0x11, 0x19, 0x21, 0x29, 0x31, 0x39, 0x85, 0x89, 0x89};
    unsigned size = some_size(p), byte = size == 1, r = data_reg(p), s = data_reg(p);
    switch (below(p, 24)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: registers(p, size, alu[below(p, 11)] - byte, s, r); break;
    case 5:
    case 6:
    case 7: memory(p, size, (alu[below(p, 8)] | 2) - byte, r); break;
    case 8: memory(p, size, alu[below(p, 11)] - byte, r); break;
    case 9: memory(p, size, 0x89 - byte, r); break;
    case 10: memory(p, size, 0x8b - byte, r); break;
    case 11: /* shifts and rotations */
        registers(p, size, 0xc1 - byte, below(p, 2) * 4 + below(p, 2), r);
        put(p, below(p, 40));
        break;
    case 12: registers(p, size, 0xd3 - byte, 4 + below(p, 4), r); break;
    case 13: registers(p, size, 0xf7 - byte, 2 + below(p, 2), r); break;
    case 14: registers(p, size, 0xff - byte, below(p, 2), r); break;
    case 15:
        head(p, below(p, 2) ? 8 : 4, 0x1c8 + (r & 7), 0, 0, r); /* bswap */
        break;
    case 16: /* lea r, [s + index * scale + disp8] */
        head(p, below(p, 2) ? 8 : 4, 0x8d, r, 15, s);
        put(p, 0x44 | (r & 7) << 3);
        put(p, below(p, 4) << 6 | 7 << 3 | (s & 7));
        put(p, below(p, 256));
        break;
    case 17: registers(p, size < 4 ? 4 : size, below(p, 2) ? 0x1b6 : 0x1be, r, s); break;
    case 18: registers(p, 1, 0x190 + below(p, 16), 0, r); break;
    case 19: registers(p, size < 4 ? 4 : size, 0x140 + below(p, 16), r, s); break;
    case 20: registers(p, size < 4 ? 4 : size, 0x1af, r, s); break;
    case 21: /* xadd, bsf, shld, a division that may fault */
        switch (below(p, 8)) {
        case 0: registers(p, 1, 0xf6, 6, r); break;
        case 1:
            registers(p, size < 4 ? 4 : size, 0x1a4, s, r);
            put(p, below(p, 32));
            break;
        case 2:
        case 3: registers(p, size < 2 ? 4 : size, 0x1bc + below(p, 2), r, s); break;
        default: registers(p, size, 0x1c1 - byte, s, r); break;
        }
        break;
    case 22: /* push, pop: the stack stays near */
        head(p, 4, 0x50 + (r & 7), 0, 0, r);
        head(p, 4, 0x58 + (s & 7), 0, 0, s);
        break;
    default: /* a jump over the next one, or a step of a base */
        if (below(p, 3)) {
            u32 at;
            put(p, 0x70 + below(p, 16));
            put(p, 0);
            at = p->n;
            registers(p, size, 0x01 - byte, s, r);
            p->code[at - 1] = (u8)(p->n - at);
        } else {
            registers(p, 8, 0x83, 0, below(p, 2) ? 11 : REG_BX);
            put(p, below(p, 24));
        }
        break;
    }
}

static void make(struct program *p, u64 seed)
{
    static const u8 again[] = {0xff, 0x0c, 0x25, 0, 0, 5, 0, 0x0f, 0x85}; /* dec [COUNTER]; jnz */
    u32 length;
    p->state = seed * 0x9e3779b97f4a7c15ull | 1;
    p->n = 0;
    for (unsigned k = 0; k < 8; k++)
        next(p);
    length = 10 + below(p, LENGTH_MOST);
    while (length--)
        instruction(p);
    for (u32 k = 0; k < sizeof(again); k++)
        put(p, again[k]);
    st32(p->code + p->n, 0u - (p->n + 4));
    p->n += 4;
    put(p, 0xf4);
}

static void start(struct machine *m, const struct program *p, u64 seed)
{
    struct program values = {.state = seed | 1};
    machine_long(m, seed & 1 ? 3 : 0, AT_CODE);
    for (u32 at = SEEN_FROM; at < SEEN_TO; at += 4)
        machine_st32(m, at, next(&values));
    machine_st32(m, COUNTER, 3);
    machine_load(m, AT_CODE, p->code, p->n);
    if (seed & 2)
        long_page(m, SECOND_PAGE, 0);
    for (unsigned r = 0; r < 16; r++)
        m->cpu->gpr[r] = (u64)next(&values) << 32 | next(&values);
    m->cpu->gpr[REG_SP] = STACK;
    m->cpu->gpr[REG_BX] = FIRST_PAGE + (seed & 4 ? 0x100 : PAGE_SIZE - 0x60);
    m->cpu->gpr[11] = (seed & 8 ? FIRST_PAGE : LONG_HIGH + FIRST_PAGE) + 0x400;
    machine_run(m, 4000);
}

static bool same(struct machine *a, struct machine *b, u64 seed)
{
    for (unsigned r = 0; r < 16; r++)
        if (a->cpu->gpr[r] != b->cpu->gpr[r]) {
            printf("seed %llu: register %u is %llx, should be %llx\n", (unsigned long long)seed, r,
                   (unsigned long long)b->cpu->gpr[r], (unsigned long long)a->cpu->gpr[r]);
            return false;
        }
    if (a->cpu->rip != b->cpu->rip || cpu_eflags(a->cpu) != cpu_eflags(b->cpu) ||
        a->cpu->cr2 != b->cpu->cr2 ||
        memcmp(machine_mem(a, SEEN_FROM), machine_mem(b, SEEN_FROM), SEEN_TO - SEEN_FROM)) {
        printf("seed %llu: flags, EIP, CR2 or memory differ\n", (unsigned long long)seed);
        return false;
    }
    return true;
}

START_TEST(random_programs)
{
    struct machine *good = machine_new("qemu64", ENGINE_EXEC),
                   *m = machine_new("qemu64", _i);
    const char *asked = getenv("UPPER_CASES"), *from = getenv("UPPER_SEED");
    u64 cases = asked ? strtoull(asked, NULL, 0) : 1500, first = from ? strtoull(from, NULL, 0) : 1;
    for (u64 seed = first; seed < first + cases; seed++) {
        struct program p;
        make(&p, seed);
        start(good, &p, seed);
        start(m, &p, seed);
        ck_assert(same(good, m, seed));
    }
    machine_free(good);
    machine_free(m);
}
END_TEST

/* A RET to what lies below all pairs of calls and returns (cpu/jit/x64/stack.c). */
GUEST(far_return, 64, "mov rax, 0xffffffff80000001\n push rax\n ret");

START_TEST(return_to_the_last)
{
    struct machine *m = machine_new("qemu64", _i);
    LONG(m, 0, far_return);
    m->cpu->gpr[REG_SP] = STACK;
    machine_st32(m, 0, 0x9090f490); /* at that address plus 1: HLT */
    machine_run(m, 100);
    ck_assert_uint_eq(m->cpu->rip, 0xffffffff80000002ull);
    ck_assert_uint_eq(m->cpu->gpr[REG_SP], STACK);
    machine_free(m);
}
END_TEST

SUITE_MAIN("upper", random_programs, return_to_the_last)

#else
int main(void)
{
    puts("upper: no x86 assembler for the guest code; nothing tested");
    return 0;
}
#endif
