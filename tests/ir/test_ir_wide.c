/* What the evaluator makes of multiplications and divisions with AX and DX, double shifts, scans
 * and counts, against plain definitions: products by long multiplication, quotients by their
 * proof, bits one at a time. */
#include "tests/ir/env.h"

#include <check.h>

static struct env *env;
static struct outcome out;

static void setup(void)
{
    env = env_new();
    ck_assert(env != NULL);
}
static void teardown(void)
{
    env_free(env);
}

/* One operation, dst in EBX, a in ESI, b in EDI where they are values. */
static void run(unsigned op, unsigned type, bool by_imm, s64 imm)
{
    struct ir_block b = {.n = 2, .rip = 0x1000, .nguest = 1, .off = {0, 3}, .long_mode = true};
    const char *args = ir_op_info[op].args;
    struct err err = {{0}};
    b.ins[0] = (struct ir_ins){
        .op = (u8)op,
        .type = (u8)type,
        .dst = args[0] == '-' ? IR_NONE : REG_BX,
        .a = REG_SI,
        .b = args[2] == 'i' && !by_imm ? REG_DI : IR_NONE,
        .imm = by_imm ? imm : 0,
        .flags_out = ir_op_info[op].fout & IRF_ALL,
    };
    b.ins[1] = (struct ir_ins){
        .op = IR_GOTO, .type = I32, .dst = IR_NONE, .a = IR_NONE, .b = IR_NONE, .imm = 0x1003};
    if (!ir_check(&b, &err))
        ck_abort_msg("%s", err.msg);
    env->cpu.code_bits = 64;
    env_run(env, &b, NULL, &out);
}

static u64 cut(u64 v, unsigned bits)
{
    return bits == 64 ? v : v & (BIT64(bits) - 1);
}

/* The two halves of a register pair as MUL and DIV have them. */
static u64 low(const u64 *gpr, unsigned bits)
{
    return cut(gpr[REG_AX], bits);
}
static u64 high(const u64 *gpr, unsigned bits)
{
    return bits == 8 ? gpr[REG_AX] >> 8 & 0xff : cut(gpr[REG_DX], bits);
}

/* lo and hi of a * b, 32 bits at a time. */
static void long_multiply(u64 a, u64 b, u64 *lo, u64 *hi)
{
    u64 p0 = (u32)a * (u64)(u32)b, p1 = (a >> 32) * (u32)b, p2 = (u32)a * (b >> 32),
        mid = (p0 >> 32) + (u32)p1 + (u32)p2;
    *lo = mid << 32 | (u32)p0;
    *hi = (a >> 32) * (b >> 32) + (p1 >> 32) + (p2 >> 32) + (mid >> 32);
}

/* What narrow operations must leave of AX and DX. */
static void rest_is_kept(const u64 *old, unsigned bits)
{
    unsigned kept = bits == 8 ? 16 : bits;
    for (unsigned r = 0; r < 16; r++)
        if (r != REG_AX && r != REG_DX)
            ck_assert_uint_eq(out.gpr[r], old[r]);
    if (bits == 32) {
        ck_assert_uint_eq(out.gpr[REG_AX] >> 32 | out.gpr[REG_DX] >> 32, 0);
    } else if (bits < 32) {
        ck_assert_uint_eq(out.gpr[REG_AX] >> kept, old[REG_AX] >> kept);
        ck_assert_uint_eq(out.gpr[REG_DX] >> (bits == 8 ? 0 : 16),
                          old[REG_DX] >> (bits == 8 ? 0 : 16));
    }
}

static void fill(u64 *seed, u64 *old)
{
    for (unsigned r = 0; r < 16; r++)
        old[r] = env->cpu.gpr[r] = rnd_value(seed);
    cpu_set_aflags(&env->cpu, (u32)rnd(seed) & F_ALL);
}

START_TEST(products)
{
    u64 seed = 11, old[16];
    for (int n = 0; n < 40000; n++) {
        unsigned type = (unsigned)n & 3, bits = 8u << type;
        bool sign = n & 4, upper;
        u64 a, b, lo, hi;
        fill(&seed, old);
        a = sign ? (u64)sext(old[REG_SI], bits) : cut(old[REG_SI], bits);
        b = sign ? (u64)sext(old[REG_AX], bits) : cut(old[REG_AX], bits);
        long_multiply(a, b, &lo, &hi);
        if (sign) /* two's complement: take off what the signs stood for */
            hi -= ((s64)a < 0 ? b : 0) + ((s64)b < 0 ? a : 0);
        if (bits < 64) {
            hi = cut(lo >> bits, bits);
            lo = cut(lo, bits);
        }
        upper = sign ? hi != cut((u64)(sext(lo, bits) >> 63), bits) : hi != 0;
        run(sign ? IR_MULS : IR_MULU, type, false, 0);
        ck_assert_int_eq(out.left, LEFT_NEXT);
        ck_assert_uint_eq(low(out.gpr, bits), lo);
        ck_assert_uint_eq(high(out.gpr, bits), hi);
        ck_assert_uint_eq(out.aflags, upper ? F_C | F_O : 0);
        rest_is_kept(old, bits);
    }
}
END_TEST

/* Unsigned: quotient * divisor + remainder is the dividend, the remainder is smaller than the
 * divisor, and both fit; that is all there is to it. Flags stay. */
START_TEST(quotients)
{
    u64 seed = 12, old[16], lo, hi, d, q, r;
    unsigned done = 0, refused = 0;
    for (int n = 0; n < 60000; n++) {
        unsigned type = (unsigned)n & 3, bits = 8u << type;
        u32 flags;
        fill(&seed, old);
        if (n & 4) { /* often small enough */
            env->cpu.gpr[REG_DX] = old[REG_DX] = cut(old[REG_DX], bits) >> (rnd(&seed) % bits);
            if (bits == 8)
                env->cpu.gpr[REG_AX] = old[REG_AX] >>= rnd(&seed) % 8;
        }
        flags = cpu_aflags(&env->cpu);
        d = cut(old[REG_SI], bits);
        run(IR_DIVU, type, false, 0);
        ck_assert_uint_eq(out.aflags, flags);
        if (high(old, bits) >= d) {
            ck_assert_int_eq(out.left, LEFT_BAIL);
            ck_assert_mem_eq(out.gpr, old, sizeof(old));
            refused++;
            continue;
        }
        ck_assert_int_eq(out.left, LEFT_NEXT);
        q = low(out.gpr, bits);
        r = high(out.gpr, bits);
        long_multiply(q, d, &lo, &hi);
        ck_assert_uint_lt(r, d);
        hi += lo + r < lo;
        lo += r;
        if (bits < 64) {
            ck_assert_uint_eq(lo, high(old, bits) << bits | low(old, bits));
        } else {
            ck_assert_uint_eq(lo, old[REG_AX]);
            ck_assert_uint_eq(hi, old[REG_DX]);
        }
        rest_is_kept(old, bits);
        done++;
    }
    ck_assert_uint_gt(done, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

/* Signed, up to 32 bits in 64-bit arithmetic, which has no special case there. */
START_TEST(signed_quotients)
{
    u64 seed = 13, old[16];
    unsigned done = 0, refused = 0;
    for (int n = 0; n < 60000; n++) {
        unsigned type = (unsigned)n % 3, bits = 8u << type;
        s64 dividend, d, q;
        fill(&seed, old);
        if (n & 4) {
            env->cpu.gpr[REG_DX] = old[REG_DX] = old[REG_AX] >> (bits - 1) & 1 ? ~(u64)0 : 0;
            if (bits == 8)
                env->cpu.gpr[REG_AX] = old[REG_AX] = (u64)(s64)(s8)old[REG_AX];
        }
        d = sext(old[REG_SI], bits);
        dividend = sext(high(old, bits) << bits | low(old, bits), 2 * bits);
        run(IR_DIVS, type, false, 0);
        if (d && !(dividend == INT64_MIN && d == -1)) {
            q = dividend / d;
            if (q == sext((u64)q, bits)) {
                ck_assert_int_eq(out.left, LEFT_NEXT);
                ck_assert_uint_eq(low(out.gpr, bits), cut((u64)q, bits));
                ck_assert_uint_eq(high(out.gpr, bits), cut((u64)(dividend % d), bits));
                rest_is_kept(old, bits);
                done++;
                continue;
            }
        }
        ck_assert_int_eq(out.left, LEFT_BAIL);
        ck_assert_mem_eq(out.gpr, old, sizeof(old));
        refused++;
    }
    ck_assert_uint_gt(done, 1000);
    ck_assert_uint_gt(refused, 1000);
}
END_TEST

/* Bit by bit: SHLD takes the top bit of a, in order; C is what went out last. */
START_TEST(double_shifts)
{
    u64 seed = 14, old[16];
    for (int n = 0; n < 40000; n++) {
        unsigned type = n & 1 ? I64 : I32, bits = 8u << type, count;
        bool left = n & 2, by_imm = n & 4;
        u32 flags, carry = 0;
        u64 v, from;
        fill(&seed, old);
        count = (unsigned)(by_imm ? 1 + rnd(&seed) % (bits - 1) : old[REG_DI] & (bits - 1));
        flags = cpu_aflags(&env->cpu);
        v = cut(old[REG_BX], bits);
        from = cut(old[REG_SI], bits);
        for (unsigned k = 0; k < count; k++) {
            carry = (u32)(left ? v >> (bits - 1) : v) & 1;
            if (left) {
                v = cut(v << 1 | from >> (bits - 1), bits);
                from = cut(from << 1, bits);
            } else {
                v = v >> 1 | (from & 1) << (bits - 1);
                from >>= 1;
            }
        }
        run(left ? IR_SHLD : IR_SHRD, type, by_imm, count);
        ck_assert_uint_eq(out.gpr[REG_BX], v);
        if (!count) {
            ck_assert_uint_eq(out.aflags, flags);
        } else {
            ck_assert_uint_eq(out.aflags & F_C, carry);
            ck_assert_uint_eq(!!(out.aflags & F_Z), !v);
            ck_assert_uint_eq(!!(out.aflags & F_S), v >> (bits - 1));
            ck_assert(out.aflags & F_A);
        }
    }
}
END_TEST

START_TEST(scans)
{
    u64 seed = 15, old[16];
    for (int n = 0; n < 40000; n++) {
        unsigned type = I16 + (unsigned)n % 3, bits = 8u << type, lowest = bits, highest = bits,
                 ones = 0;
        u64 a, mask = size_mask(ir_bytes(type)), want;
        for (unsigned op = IR_BSF; op <= IR_POPCNT; op++) {
            fill(&seed, old);
            a = n % 7 ? cut(old[REG_SI], bits) : 0;
            env->cpu.gpr[REG_SI] = (old[REG_SI] & ~mask) | a;
            lowest = highest = bits;
            ones = 0;
            for (unsigned k = 0; k < bits; k++)
                if (a >> k & 1) {
                    lowest = ones++ ? lowest : k;
                    highest = k;
                }
            run(op, type, false, 0);
            want = op == IR_BSF     ? lowest
                   : op == IR_BSR   ? highest
                   : op == IR_TZCNT ? lowest
                   : op == IR_LZCNT ? (a ? bits - 1 - highest : bits)
                                    : ones;
            if (!a && op <= IR_BSR)
                ck_assert_uint_eq(out.gpr[REG_BX], old[REG_BX]);
            else if (bits == 16)
                ck_assert_uint_eq(out.gpr[REG_BX], (old[REG_BX] & ~mask) | want);
            else
                ck_assert_uint_eq(out.gpr[REG_BX], want);
            if (op == IR_TZCNT || op == IR_LZCNT)
                ck_assert_uint_eq(out.aflags, (a ? 0 : F_C) | (want ? 0 : F_Z));
            else
                ck_assert_uint_eq(out.aflags, a ? 0 : F_Z);
        }
    }
}
END_TEST

/* SAHF leaves O alone. */
START_TEST(flags_without_overflow)
{
    static struct ir_block b;
    for (u32 f = 0; f < 0x100; f++)
        for (u32 o = 0; o <= F_O; o += F_O) {
            ck_assert(env_parse(&b, "block rip=0x1000 long=0 temps=0 off=0,1\n"
                                    "  0: setf.32 g3 ; out=CPAZS\n"
                                    "  0: goto.32 0x1001\n"));
            env->cpu.gpr[REG_BX] = f | (o ? 0 : F_O);
            cpu_set_aflags(&env->cpu, o);
            env_run(env, &b, NULL, &out);
            ck_assert_uint_eq(out.aflags, (f & F_SZAPC) | o);
        }
}
END_TEST

/* What they read and write beside their operands keeps the passes from dropping it. */
START_TEST(passes_know_what_is_implied)
{
    static struct ir_block b;
    ck_assert(env_parse(&b, "block rip=0x1000 long=0 temps=1 off=0,1,2,3,4\n"
                            "  0: mov.32 t0, g0\n"
                            "  0: movi.32 g0, 0x7\n"
                            "  1: mulu.32 g3\n"
                            "  2: mov.32 g1, t0\n"
                            "  3: goto.32 0x1004\n"));
    env->cpu.gpr[REG_AX] = 100;
    env->cpu.gpr[REG_BX] = 3;
    ir_optimise(&b, ~0u);
    env_run(env, &b, NULL, &out);
    ck_assert_uint_eq(out.gpr[REG_AX], 21);
    ck_assert_uint_eq(out.gpr[REG_CX], 100);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ir wide");
    TCase *t = tcase_create("wide");
    SRunner *r;
    int failed;
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, products);
    tcase_add_test(t, quotients);
    tcase_add_test(t, signed_quotients);
    tcase_add_test(t, double_shifts);
    tcase_add_test(t, scans);
    tcase_add_test(t, flags_without_overflow);
    tcase_add_test(t, passes_know_what_is_implied);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
