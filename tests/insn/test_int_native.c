/* Integer instructions in registers against the host's own processor: random operands and flags,
 * undefined flags masked. */
#include "cpu/isa/isa.h"
#include "tests/insn/machine.h"

#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)

/* Registers that both sides load and store: EAX ECX EDX EBX ESI EDI, then flags. */
struct regs {
    u32 r[8]; /* by number; 4 and 5 unused */
    u64 flags;
};

static u8 *host_page;
static sigjmp_buf host_fault;

static void on_fpe(int sig)
{
    siglongjmp(host_fault, 1);
}

static void put(u8 **p, const void *bytes, size_t n)
{
    memcpy(*p, bytes, n);
    *p += n;
}

/* Host code: load, run the instruction, store. RDI (saved in R15) points to the registers. */
static void host_build(const u8 *insn, size_t n)
{
    static const u8 in[] = {
        0x53, 0x55, 0x41, 0x57,       /* push rbx; push rbp; push r15 */
        0x49, 0x89, 0xff,             /* mov r15, rdi */
        0x41, 0x8b, 0x07,             /* mov eax, [r15] */
        0x41, 0x8b, 0x4f, 0x04,       /* mov ecx, [r15+4] */
        0x41, 0x8b, 0x57, 0x08,       /* mov edx, [r15+8] */
        0x41, 0x8b, 0x5f, 0x0c,       /* mov ebx, [r15+12] */
        0x41, 0x8b, 0x77, 0x18,       /* mov esi, [r15+24] */
        0x41, 0x8b, 0x7f, 0x1c,       /* mov edi, [r15+28] */
        0x41, 0xff, 0x77, 0x20, 0x9d, /* push [r15+32]; popf */
    };
    static const u8 out[] = {
        0x9c, 0x41, 0x8f, 0x47, 0x20, /* pushf; pop [r15+32] */
        0x41, 0x89, 0x07, 0x41, 0x89, 0x4f, 0x04, 0x41, 0x89, 0x57, 0x08, 0x41, 0x89, 0x5f,
        0x0c, 0x41, 0x89, 0x77, 0x18, 0x41, 0x89, 0x7f, 0x1c, 0x41, 0x5f, 0x5d, 0x5b, 0xc3,
    };
    u8 *p = host_page;
    put(&p, in, sizeof(in));
    put(&p, insn, n);
    put(&p, out, sizeof(out));
}

static bool host_run(struct regs *regs)
{
    void (*f)(struct regs *);
    memcpy(&f, &host_page, sizeof(f));
    if (sigsetjmp(host_fault, 1))
        return false;
    f(regs);
    return true;
}

static u32 rng(u64 *s)
{
    *s = *s * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(*s >> 32);
}

/* Values that find carries and sign changes more often than plain random ones. */
static u32 operand(u64 *s)
{
    static const u32 nice[] = {0,      1,      2,          0x7f,       0x80,       0xff, 0x7fff,
                               0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x10, 0xf};
    u32 k = rng(s);
    if (k % 3 == 0)
        return nice[(k >> 8) % ARRAY_LEN(nice)];
    return k % 3 == 1 ? rng(s) & (0xffffffffu >> (k >> 8 & 31)) : rng(s);
}

static const u8 gpr_of[6] = {0, 1, 2, 3, 6, 7};

/* One encoding: opcode bytes; then ModRM with both registers random, or /digit; then immediate
 * bytes. */
struct form {
    const char *name;
    u8 n, op[3];
    s8 digit;  /* -1: reg is random; -2: no ModRM */
    u8 imm;    /* bytes; 0x80: of operand size */
    bool byte; /* 8-bit operation: byte registers */
    bool no16;
};
#define RR(name, op8)                                                                              \
    {name, 1, {op8}, -1, 0, true, true}, {name, 1, {op8 + 1}, -1, 0, false, false},                \
        {name, 1, {op8 + 2}, -1, 0, true, true},                                                   \
    {                                                                                              \
        name, 1, {op8 + 3}, -1, 0, false, false                                                    \
    }
#define G1F(name, d)                                                                               \
    {name, 1, {0x80}, d, 1, true, true}, {name, 1, {0x81}, d, 0x80, false, false},                 \
    {                                                                                              \
        name, 1, {0x83}, d, 1, false, false                                                        \
    }
#define G2F(name, d)                                                                               \
    {name, 1, {0xc0}, d, 1, true, true}, {name, 1, {0xc1}, d, 1, false, false},                    \
        {name, 1, {0xd0}, d, 0, true, true}, {name, 1, {0xd1}, d, 0, false, false},                \
        {name, 1, {0xd2}, d, 0, true, true},                                                       \
    {                                                                                              \
        name, 1, {0xd3}, d, 0, false, false                                                        \
    }
#define G3F(name, d)                                                                               \
    {name, 1, {0xf6}, d, 0, true, true},                                                           \
    {                                                                                              \
        name, 1, {0xf7}, d, 0, false, false                                                        \
    }
static const struct form forms[] = {
    RR("add", 0x00),
    RR("or", 0x08),
    RR("adc", 0x10),
    RR("sbb", 0x18),
    RR("and", 0x20),
    RR("sub", 0x28),
    RR("xor", 0x30),
    RR("cmp", 0x38),
    G1F("add", 0),
    G1F("or", 1),
    G1F("adc", 2),
    G1F("sbb", 3),
    G1F("and", 4),
    G1F("sub", 5),
    G1F("xor", 6),
    G1F("cmp", 7),
    G2F("rol", 0),
    G2F("ror", 1),
    G2F("rcl", 2),
    G2F("rcr", 3),
    G2F("shl", 4),
    G2F("shr", 5),
    G2F("sar", 7),
    G3F("not", 2),
    G3F("neg", 3),
    G3F("mul", 4),
    G3F("imul", 5),
    G3F("div", 6),
    G3F("idiv", 7),
    {"inc", 1, {0xfe}, 0, 0, true, true},
    {"inc", 1, {0xff}, 0, 0, false, false},
    {"dec", 1, {0xfe}, 1, 0, true, true},
    {"dec", 1, {0xff}, 1, 0, false, false},
    {"test", 1, {0x84}, -1, 0, true, true},
    {"test", 1, {0x85}, -1, 0, false, false},
    {"xchg", 1, {0x86}, -1, 0, true, true},
    {"xchg", 1, {0x87}, -1, 0, false, false},
    {"mov", 1, {0x88}, -1, 0, true, true},
    {"mov", 1, {0x8b}, -1, 0, false, false},
    {"imul2", 2, {0x0f, 0xaf}, -1, 0, false, false},
    {"imul3", 1, {0x69}, -1, 0x80, false, false},
    {"imul3", 1, {0x6b}, -1, 1, false, false},
    {"shld", 2, {0x0f, 0xa4}, -1, 1, false, false},
    {"shld", 2, {0x0f, 0xa5}, -1, 0, false, false},
    {"shrd", 2, {0x0f, 0xac}, -1, 1, false, false},
    {"shrd", 2, {0x0f, 0xad}, -1, 0, false, false},
    {"bt", 2, {0x0f, 0xa3}, -1, 0, false, false},
    {"bts", 2, {0x0f, 0xab}, -1, 0, false, false},
    {"btr", 2, {0x0f, 0xb3}, -1, 0, false, false},
    {"btc", 2, {0x0f, 0xbb}, -1, 0, false, false},
    {"bt", 2, {0x0f, 0xba}, 4, 1, false, false},
    {"bts", 2, {0x0f, 0xba}, 5, 1, false, false},
    {"bsf", 2, {0x0f, 0xbc}, -1, 0, false, false},
    {"bsr", 2, {0x0f, 0xbd}, -1, 0, false, false},
    {"cmpxchg", 2, {0x0f, 0xb0}, -1, 0, true, true},
    {"cmpxchg", 2, {0x0f, 0xb1}, -1, 0, false, false},
    {"xadd", 2, {0x0f, 0xc0}, -1, 0, true, true},
    {"xadd", 2, {0x0f, 0xc1}, -1, 0, false, false},
    {"movzx", 2, {0x0f, 0xb6}, -1, 0, true, false},
    {"movzx", 2, {0x0f, 0xb7}, -1, 0, false, false},
    {"movsx", 2, {0x0f, 0xbe}, -1, 0, true, false},
    {"movsx", 2, {0x0f, 0xbf}, -1, 0, false, false},
    {"popcnt", 3, {0xf3, 0x0f, 0xb8}, -1, 0, false, true},
    {"crc32", 3, {0xf2, 0x0f, 0x38}, -3, 0, false, true},
    {"cwde", 1, {0x98}, -2, 0, false, false},
    {"cdq", 1, {0x99}, -2, 0, false, false},
    {"lahf", 1, {0x9f}, -2, 0, false, true},
    {"sahf", 1, {0x9e}, -2, 0, false, true},
    {"cmc", 1, {0xf5}, -2, 0, false, true},
    {"clc", 1, {0xf8}, -2, 0, false, true},
    {"stc", 1, {0xf9}, -2, 0, false, true},
    {"bswap", 2, {0x0f, 0xcb}, -2, 0, false, true},
};
enum { NFORMS = ARRAY_LEN(forms), ROUNDS = 600 };

/* Assemble the form with random registers and immediates; SETcc and CMOVcc come on top with random
 * conditions. */
static size_t assemble(const struct form *f, u64 *s, u8 *out)
{
    size_t n = 0;
    bool wide16 = !f->no16 && (rng(s) & 1);
    unsigned imm = f->imm == 0x80 ? (wide16 ? 2 : 4) : f->imm;
    if (wide16)
        out[n++] = 0x66;
    for (unsigned i = 0; i < f->n; i++)
        out[n++] = f->op[i];
    if (f->digit == -3)
        out[n++] = 0xf1;
    if (f->digit != -2) {
        bool ext = out[n - 1] == 0xb6 ||
                   out[n - 1] == 0xbe; /* MOVZX, MOVSX: a wide destination, a byte source */
        unsigned rm = f->byte ? rng(s) & 7 : gpr_of[rng(s) % 6];
        unsigned reg = f->byte && !(f->n == 2 && ext) ? rng(s) & 7 : gpr_of[rng(s) % 6];
        if (f->digit >= 0)
            reg = (unsigned)f->digit;
        out[n++] = (u8)(0xc0 | reg << 3 | rm);
    }
    for (unsigned i = 0; i < imm; i++)
        out[n++] = (u8)(i ? rng(s) >> 7 : operand(s));
    return n;
}

static struct machine *m;

static void setup(void)
{
    struct sigaction sa = {.sa_handler = on_fpe};
    sigaction(SIGFPE, &sa, NULL);
    host_page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(host_page, MAP_FAILED);
}

/* Which flags to compare after the instruction at `bytes`. */
static u32 flag_mask(const struct insn *in, const struct regs *before)
{
    u32 undef = op_info[in->op].undef;
    unsigned count = 0;
    switch (in->op) {
    case OP_ROL:
    case OP_ROR:
    case OP_RCL:
    case OP_RCR:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR: count = in->o[1].kind == OPND_IMM ? (unsigned)in->imm : before->r[REG_CX]; break;
    case OP_SHLD:
    case OP_SHRD:
        count = in->o[2].kind == OPND_IMM ? (unsigned)in->imm : before->r[REG_CX];
        if ((count & 31) > 8u * in->o[0].size) /* nothing is defined then */
            return 0;
        break;
    default: return F_ALL & ~undef;
    }
    count &= 31;
    if (!count)
        return F_ALL;
    if (count == 1)
        undef &= ~(u32)F_O;
    /* Counts beyond the operand of a shift leave CF undefined too. */
    if ((in->op == OP_SHL || in->op == OP_SHR) && count >= 8u * in->o[0].size)
        undef |= F_C;
    return F_ALL & ~undef;
}

/* 16-bit double shifts by more than 16 are left open, and vendors differ: bits of the source or of
 * the destination follow. */
static bool open_result(const struct insn *in, const struct regs *before)
{
    unsigned count = in->o[2].kind == OPND_IMM ? (unsigned)in->imm : before->r[REG_CX];
    return (in->op == OP_SHLD || in->op == OP_SHRD) && in->osz == 2 && (count & 31) > 16;
}

static void one(const struct form *f, u64 *s)
{
    struct regs a = {{0}, 0}, b;
    struct insn in;
    u8 bytes[16];
    size_t n = assemble(f, s, bytes);
    bool host_ok, guest_ok;
    u32 mask;
    for (unsigned i = 0; i < 6; i++)
        a.r[gpr_of[i]] = operand(s);
    if (!strcmp(f->name, "idiv") || !strcmp(f->name, "div")) {
        /* Most quotients should fit. */
        a.r[REG_DX] &= rng(s) & 0xf;
        a.r[REG_AX] >>= rng(s) & 15;
    }
    a.flags = (rng(s) & F_ALL) | 0x202;
    bytes[n] = 0xf4;
    ck_assert_int_eq(decode(&in, bytes, 15, 32, m->cpu->feats), DEC_OK);
    ck_assert_uint_eq(in.len, n);

    machine_protected(m, 0, AT_CODE);
    machine_load(m, AT_CODE, bytes, n + 1);
    for (unsigned i = 0; i < 6; i++)
        m->cpu->gpr[gpr_of[i]] = a.r[gpr_of[i]];
    cpu_set_eflags(m->cpu, (u32)a.flags & F_ALL);
    machine_run(m, 10);
    guest_ok = machine_vector(m) != EXC_DE;

    host_build(bytes, n);
    mask = flag_mask(&in, &a);
    b = a;
    host_ok = host_run(&b);
    if (host_ok != guest_ok)
        ck_abort_msg("%s: host %s, guest %s", f->name, host_ok ? "runs" : "faults",
                     guest_ok ? "runs" : "faults");
    if (!host_ok || open_result(&in, &a))
        return;
    for (unsigned i = 0; i < 6; i++) {
        unsigned r = gpr_of[i];
        if (b.r[r] != (u32)m->cpu->gpr[r])
            ck_abort_msg(
                "%s %02x %02x %02x %02x: register %u is %08x, host has %08x (was %08x; ecx %08x)",
                f->name, bytes[0], bytes[1], bytes[2], bytes[3], r, (u32)m->cpu->gpr[r], b.r[r],
                a.r[r], a.r[1]);
    }
    if (((u32)b.flags ^ cpu_aflags(m->cpu)) & mask)
        ck_abort_msg("%s %02x %02x %02x %02x: flags %03x, host %03x, mask %03x (eax %08x ecx %08x)",
                     f->name, bytes[0], bytes[1], bytes[2], bytes[3], cpu_aflags(m->cpu),
                     (u32)b.flags & F_ALL, mask, a.r[0], a.r[1]);
}

static void run_all(int engine, unsigned rounds)
{
    u64 s = 12345;
    m = machine_new("max", engine);
    for (unsigned f = 0; f < NFORMS; f++)
        for (unsigned i = 0; i < rounds; i++)
            one(&forms[f], &s);
    machine_free(m);
}

START_TEST(native_exec)
{
    run_all(ENGINE_EXEC, ROUNDS);
}
END_TEST

START_TEST(native_eval)
{
    run_all(ENGINE_EVAL, ROUNDS / 4);
}
END_TEST

START_TEST(native_jit)
{
    run_all(ENGINE_JIT, ROUNDS / 4);
}
END_TEST

/* SETcc and CMOVcc under all flags. */
START_TEST(conditions)
{
    m = machine_new("max", ENGINE_EXEC);
    for (unsigned cc = 0; cc < 16; cc++) {
        for (unsigned k = 0; k < 64; k++) {
            u8 bytes[] = {0x0f, (u8)(0x90 + cc), 0xc0, 0x0f, (u8)(0x40 + cc), 0xca,
                          0xf4}; /* setcc al; cmovcc ecx, edx */
            struct regs a = {{0x12345678, 1, 2, 3, 0, 0, 6, 7}, 0x202}, b;
            a.flags |= (k & 1 ? F_C : 0) | (k & 2 ? F_P : 0) | (k & 4 ? F_A : 0) |
                       (k & 8 ? F_Z : 0) | (k & 16 ? F_S : 0) | (k & 32 ? F_O : 0);
            b = a;
            host_build(bytes, 6);
            ck_assert(host_run(&b));
            machine_protected(m, 0, AT_CODE);
            machine_load(m, AT_CODE, bytes, sizeof(bytes));
            for (unsigned i = 0; i < 4; i++)
                m->cpu->gpr[i] = a.r[i];
            cpu_set_eflags(m->cpu, (u32)a.flags & F_ALL);
            machine_run(m, 10);
            ck_assert_uint_eq((u32)m->cpu->gpr[0], b.r[0]);
            ck_assert_uint_eq((u32)m->cpu->gpr[1], b.r[1]);
        }
    }
    machine_free(m);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("int_native");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, native_exec);
    tcase_add_test(t, native_eval);
    tcase_add_test(t, native_jit);
    tcase_add_test(t, conditions);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *r = srunner_create(suite());
    int failed;
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}

#else
int main(void)
{
    puts("int_native: needs an x86-64 host; nothing tested");
    return 0;
}
#endif
