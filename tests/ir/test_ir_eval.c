/* The evaluator: every operation against its definition in plain C, and against the host's own
 * instructions on x86-64. */
#include "tests/ir/env.h"

#include <check.h>
#include <stdio.h>

static struct env *env;

static void setup(void)
{
    env = env_new();
}

static void teardown(void)
{
    env_free(env);
}

/* One operation on g0 (dst), g1 (a), g2 (b). */
static void run_op(unsigned op, unsigned type, bool by_imm, u64 d, u64 a, u64 b, u32 *flags, u64 *r)
{
    static struct ir_block blk;
    const char *args = ir_op_info[op].args;
    struct outcome out;
    struct err err;
    blk.n = 2;
    blk.nguest = 1;
    blk.off[1] = 3;
    blk.rip = 0x100;
    blk.ins[0] = (struct ir_ins){
        .op = (u8)op,
        .type = (u8)type,
        .dst = args[0] == '-' ? IR_NONE : 0,
        .a = args[1] == '-' ? IR_NONE : 1,
        .b = IR_NONE,
        .flags_out = ir_op_info[op].fout & IRF_ALL,
    };
    if (by_imm)
        blk.ins[0].imm = (s64)b;
    else if (args[2] != '-')
        blk.ins[0].b = args[2] == 'c' ? (u8)b : 2;
    blk.ins[1] = (struct ir_ins){
        .op = IR_GOTO, .type = I32, .dst = IR_NONE, .a = IR_NONE, .b = IR_NONE, .imm = 0x103};
    if (!ir_check(&blk, &err))
        ck_abort_msg("%s", err.msg);
    env->cpu.gpr[0] = d;
    env->cpu.gpr[1] = a;
    env->cpu.gpr[2] = b;
    cpu_set_aflags(&env->cpu, *flags);
    env_run(env, &blk, NULL, &out);
    if (out.left != LEFT_NEXT || out.done != 1 || out.rip != 0x103)
        ck_abort_msg("%s leaves the block", ir_op_info[op].name);
    *flags = out.aflags;
    *r = out.gpr[0];
}

#ifdef __x86_64__
/* What a register holds after a result of `type`. */
static u64 merged(u64 d, unsigned type, u64 r)
{
    u64 mask = size_mask(ir_bytes(type));
    return type >= I32 ? r & mask : (d & ~mask) | (r & mask);
}

typedef u64 host_fn(u64 a, u64 b, u64 *flags);

/* dst in rax, b in rcx; flags in and out through the stack. */
#define HOST(name, text)                                                                           \
    static u64 name(u64 a, u64 b, u64 *flags)                                                      \
    {                                                                                              \
        u64 f = *flags | 0x202;                                                                    \
        __asm__ volatile("push %1; popf; " text "; pushf; pop %1"                                  \
                         : "+a"(a), "+r"(f)                                                        \
                         : "c"(b)                                                                  \
                         : "cc", "memory");                                                        \
        *flags = f & F_ALL;                                                                        \
        return a;                                                                                  \
    }
#define HOST2(name)                                                                                \
    HOST(host_##name##8, #name "b %%cl, %%al")                                                     \
    HOST(host_##name##16, #name "w %%cx, %%ax")                                                    \
    HOST(host_##name##32, #name "l %%ecx, %%eax")                                                  \
    HOST(host_##name##64, #name "q %%rcx, %%rax")
#define HOST1(name)                                                                                \
    HOST(host_##name##8, #name "b %%al")                                                           \
    HOST(host_##name##16, #name "w %%ax")                                                          \
    HOST(host_##name##32, #name "l %%eax")                                                         \
    HOST(host_##name##64, #name "q %%rax")
#define HOST_SHIFT(name)                                                                           \
    HOST(host_##name##8, #name "b %%cl, %%al")                                                     \
    HOST(host_##name##16, #name "w %%cl, %%ax")                                                    \
    HOST(host_##name##32, #name "l %%cl, %%eax")                                                   \
    HOST(host_##name##64, #name "q %%cl, %%rax")
#define HOST_WIDE(name)                                                                            \
    HOST(host_##name##16, #name "w %%cx, %%ax")                                                    \
    HOST(host_##name##32, #name "l %%ecx, %%eax")                                                  \
    HOST(host_##name##64, #name "q %%rcx, %%rax")
HOST2(add)
HOST2(or) HOST2(adc) HOST2(sbb) HOST2(and) HOST2(sub) HOST2(xor) HOST2(cmp) HOST2(test) HOST1(inc)
    HOST1(dec) HOST1(neg) HOST1(not ) HOST_SHIFT(shl) HOST_SHIFT(shr) HOST_SHIFT(sar)
        HOST_SHIFT(rol) HOST_SHIFT(ror) HOST_WIDE(imul) HOST_WIDE(bt) HOST_WIDE(bts) HOST_WIDE(btr)
            HOST_WIDE(btc)

#define ROW(OP, name)                                                                              \
    {                                                                                              \
        OP,                                                                                        \
        {                                                                                          \
            host_##name##8, host_##name##16, host_##name##32, host_##name##64                      \
        }                                                                                          \
    }
#define ROW_WIDE(OP, name)                                                                         \
    {                                                                                              \
        OP,                                                                                        \
        {                                                                                          \
            NULL, host_##name##16, host_##name##32, host_##name##64                                \
        }                                                                                          \
    }
                static const struct {
    u8 op;
    host_fn *fn[4];
} host_rows[] = {
    ROW(IR_ADD, add),      ROW(IR_OR, or),        ROW(IR_ADC, adc),        ROW(IR_SBB, sbb),
    ROW(IR_AND, and),      ROW(IR_SUB, sub),      ROW(IR_XOR, xor),        ROW(IR_CMP, cmp),
    ROW(IR_TEST, test),    ROW(IR_INC, inc),      ROW(IR_DEC, dec),        ROW(IR_NEG, neg),
    ROW(IR_NOT, not ),     ROW(IR_SHL, shl),      ROW(IR_SHR, shr),        ROW(IR_SAR, sar),
    ROW(IR_ROL, rol),      ROW(IR_ROR, ror),      ROW_WIDE(IR_IMUL, imul), ROW_WIDE(IR_BT, bt),
    ROW_WIDE(IR_BTS, bts), ROW_WIDE(IR_BTR, btr), ROW_WIDE(IR_BTC, btc),
};

static bool is_shift(unsigned op)
{
    return op == IR_SHL || op == IR_SHR || op == IR_SAR;
}

static bool is_bit_test(unsigned op)
{
    return op == IR_BT || op == IR_BTS || op == IR_BTR || op == IR_BTC;
}

/* Flags that hosts may give differently (SDM: undefined); README.md says what the IR has there. */
static u32 open_flags(unsigned op, unsigned type, u64 count)
{
    unsigned bits = 8 * ir_bytes(type);
    count &= type == I64 ? 63 : 31;
    if (op == IR_AND || op == IR_OR || op == IR_XOR || op == IR_TEST)
        return F_A;
    if (op == IR_IMUL)
        return F_S | F_Z | F_A | F_P;
    if (is_shift(op))
        return !count ? 0
                      : F_A | (count != 1 ? (u32)F_O : 0) |
                            (count >= bits && op != IR_SAR ? (u32)F_C : 0);
    if (op == IR_ROL || op == IR_ROR)
        return count > 1 ? (u32)F_O : 0;
    if (is_bit_test(op))
        return F_O | F_S | F_A | F_P;
    return 0;
}

START_TEST(like_the_host)
{
    unsigned op = host_rows[_i].op;
    const char *args = ir_op_info[op].args;
    bool shift = is_shift(op) || op == IR_ROL || op == IR_ROR;
    u64 seed = 1234567 + (u64)_i;
    for (unsigned type = I8; type <= I64; type++) {
        host_fn *fn = host_rows[_i].fn[type];
        unsigned bits = 8 * ir_bytes(type);
        for (int n = 0; fn && n < 20000; n++) {
            u64 a = rnd_value(&seed), b = rnd_value(&seed), d = rnd_value(&seed), r, got,
                host_flags;
            u32 old = (u32)rnd(&seed) & F_ALL, flags = old, open = open_flags(op, type, b);
            bool by_imm = args[2] == 'i' && (rnd(&seed) & 1);
            u64 arg = b;
            if (by_imm && shift)
                by_imm = (b & 31) != 0, arg = b & 31, b = by_imm ? arg : b;
            else if (by_imm && is_bit_test(op))
                arg = b & (bits - 1);
            else if (by_imm)
                b = arg = (u64)sext(b, (unsigned)MIN(bits, 32u));
            open = open_flags(op, type, b);
            host_flags = old;
            r = fn(a, b, &host_flags);
            run_op(op, type, by_imm, d, a, by_imm ? arg : b, &flags, &got);
            /* Plain comparisons: the library's own cost more than the runs. */
            if (got != (args[0] == '-' ? d : merged(d, type, r)))
                ck_abort_msg("%s.%u a=%llx b=%llx: %llx, host %llx", ir_op_info[op].name, bits,
                             (unsigned long long)a, (unsigned long long)b, (unsigned long long)got,
                             (unsigned long long)r);
            if ((flags ^ (u32)host_flags) & ~open)
                ck_abort_msg("%s.%u a=%llx b=%llx: flags %x, host %llx, before %x",
                             ir_op_info[op].name, bits, (unsigned long long)a,
                             (unsigned long long)b, flags, (unsigned long long)host_flags, old);
        }
    }
}
END_TEST
#endif

/* The choices where the manual leaves flags open, on any host. */
START_TEST(open_flags_are_chosen)
{
    static const u8 shifts[] = {IR_SHL, IR_SHR, IR_SAR};
    u64 seed = 5, r;
    for (int n = 0; n < 20000; n++) {
        u64 a = rnd_value(&seed), b = rnd_value(&seed);
        u32 old = (u32)rnd(&seed) & F_ALL, f = old;
        unsigned type = (unsigned)(rnd(&seed) & 3);
        run_op(IR_XOR, type, false, 0, a, b, &f, &r);
        ck_assert(!(f & F_A));
        f = old;
        run_op(shifts[n % 3], type, false, 0, a, b, &f, &r);
        if (b & (type == I64 ? 63 : 31))
            ck_assert(f & F_A);
        else
            ck_assert_uint_eq(f, old);
        f = old;
        run_op(IR_IMUL, MAX(type, I16), false, 0, a, b, &f, &r);
        ck_assert_uint_eq(f & (F_S | F_Z | F_A | F_P), 0);
        f = old;
        run_op(IR_BTC, MAX(type, I16), false, 0, a, b, &f, &r);
        ck_assert_uint_eq(f & ~F_C, old & ~F_C);
    }
}
END_TEST

START_TEST(moves)
{
    const u64 d = 0xdddddddddddddddd, a = 0x1122334455e688f7;
    static const struct {
        u8 op, type;
        u64 r;
    } rows[] = {
        {IR_MOV, I8, 0xddddddddddddddf7},
        {IR_MOV, I16, 0xdddddddddddd88f7},
        {IR_MOV, I32, 0x55e688f7},
        {IR_MOV, I64, 0x1122334455e688f7},
        {IR_ZX8, I16, 0xdddddddddddd00f7},
        {IR_ZX8, I32, 0xf7},
        {IR_ZX16, I32, 0x88f7},
        {IR_SX8, I16, 0xddddddddddddfff7},
        {IR_SX8, I32, 0xfffffff7},
        {IR_SX16, I32, 0xffff88f7},
        {IR_SX16, I64, 0xffffffffffff88f7},
        {IR_SX32, I64, 0x55e688f7},
        {IR_GETH, I32, 0x88},
        {IR_GETH, I8, 0xdddddddddddddd88},
        {IR_SETH, I8, 0xddddddddddddf7dd},
        {IR_BSWAP, I32, 0xf788e655},
        {IR_BSWAP, I64, 0xf788e65544332211},
    };
    for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
        u32 f = F_C | F_O;
        u64 r;
        run_op(rows[n].op, rows[n].type, false, d, a, 0, &f, &r);
        ck_assert_msg(r == rows[n].r, "row %zu: %llx", n, (unsigned long long)r);
        ck_assert_uint_eq(f, F_C | F_O);
    }
}
END_TEST

/* Run `text` with g0.. = the given ones; the block's own rip. */
static void run_text(const char *text, const struct insn *const *insns, struct outcome *out)
{
    static struct ir_block b;
    ck_assert(env_parse(&b, text));
    env->cpu.rip = b.rip;
    env_run(env, &b, insns, out);
}

START_TEST(conditions)
{
    for (u32 f = 0; f < 64; f++)
        for (unsigned cc = 0; cc < 16; cc++) {
            u32 eflags = ir_flags_unpack((u8)f);
            bool c = eflags & F_C, z = eflags & F_Z, s = eflags & F_S, o = eflags & F_O,
                 p = eflags & F_P;
            const bool truth[8] = {o, c, z, c || z, s, p, s != o, z || s != o};
            bool t = truth[cc / 2] != (cc & 1);
            u64 r;
            u32 g = eflags;
            ck_assert_uint_eq(ir_flags_pack(eflags), f);
            run_op(IR_SETCC, I8, false, 0x5555, 0, cc, &g, &r);
            ck_assert_uint_eq(r, 0x5500 | t);
            run_op(IR_CMOV, I32, false, 0xaaaaaaaa55555555, 0x123456789, cc, &g, &r);
            ck_assert_uint_eq(r, t ? 0x23456789 : 0x55555555);
            run_op(IR_CMOV, I16, false, 0xaaaaaaaa55555555, 0x123456789, cc, &g, &r);
            ck_assert_uint_eq(r, t ? 0xaaaaaaaa55556789 : 0xaaaaaaaa55555555);
            /* A condition depends on no flag but those that ir_cc_flags says. */
            g = eflags ^ (ir_flags_unpack((u8)~ir_cc_flags(cc)) & F_ALL);
            run_op(IR_SETCC, I8, false, 0, 0, cc, &g, &r);
            ck_assert_uint_eq(r, t);
        }
}
END_TEST

START_TEST(flag_moves)
{
    struct outcome out;
    cpu_set_aflags(&env->cpu, F_Z);
    run_text("block rip=0 long=0 temps=1 off=0,1\n0: stc.8\n0: getf.32 g0\n0: cmc.8\n0: getf.32 "
             "g1\n0: movi.32 g2, 0x8d5\n"
             "0: setf.32 g2\n0: clc.8\n0: goto.32 1\n",
             NULL, &out);
    ck_assert_uint_eq(out.gpr[0], F_Z | F_C);
    ck_assert_uint_eq(out.gpr[1], F_Z);
    ck_assert_uint_eq(out.aflags, F_ALL & ~F_C);
    /* Flags that an operation does not write are nobody's business. */
    cpu_set_aflags(&env->cpu, F_C | F_O);
    run_text(
        "block rip=0 long=0 temps=0 off=0,1\n0: xor.32 g0, g0, g0 ; out=Z live=-\n0: goto.32 1\n",
        NULL, &out);
    ck_assert_uint_eq(out.aflags, F_C | F_O | F_Z);
}
END_TEST

START_TEST(sums)
{
    struct outcome out;
    env->cpu.gpr[3] = 0xfffffff0;
    env->cpu.gpr[6] = 0x8001;
    env->cpu.gpr[1] = 0xaaaa1111;
    run_text("block rip=0 long=0 temps=1 off=0,1\n0: lea.32 g0, [g3+g6<<2+0x7]\n0: lea.16 g1, "
             "[g3+g6-0x1]\n"
             "0: lea.16 t0, [g6+g6+0x0]\n0: mov.32 g2, t0\n0: lea.64 g4, [g3+g6-0x1]\n0: lea.32 "
             "g5, [-0x1]\n"
             "0: lea.32 g7, [+g6<<3+0x0]\n0: goto.32 1\n",
             NULL, &out);
    ck_assert_uint_eq(out.gpr[0], 0x1fffb);
    ck_assert_uint_eq(out.gpr[1], 0xaaaa7ff0);
    ck_assert_uint_eq(out.gpr[2], 2);
    ck_assert_uint_eq(out.gpr[4], 0x100007ff0);
    ck_assert_uint_eq(out.gpr[5], 0xffffffff);
    ck_assert_uint_eq(out.gpr[7], 0x40008);
}
END_TEST

/* Members are read and written in the host's byte order. */
START_TEST(state_members)
{
    struct outcome out;
    char text[512];
    u16 w, written;
    u32 d;
    env->cpu.xmm[1].q[0] = 0x1122334455667788;
    env->cpu.eflags = FL_DF | FL_IF;
    env->cpu.gpr[0] = env->cpu.gpr[1] = ~(u64)0;
    snprintf(text, sizeof(text),
             "block rip=0 long=0 temps=1 off=0,1\n0: lds.16 g0, s[0x%zx]\n0: lds.32 g1, "
             "s[0x%zx]\n0: lds.8 t0, s[0x%zx]\n"
             "0: mov.32 g2, t0\n0: sts.16 g2, s[0x%zx]\n0: ands.32 s[0x%zx], 0x%x\n0: ors.32 "
             "s[0x%zx], 0x%x\n0: goto.32 1\n",
             offsetof(struct cpu, xmm[1]), offsetof(struct cpu, xmm[1]),
             offsetof(struct cpu, xmm[1]), offsetof(struct cpu, xmm[2]),
             offsetof(struct cpu, eflags), ~(u32)FL_DF, offsetof(struct cpu, eflags), FL_NT);
    run_text(text, NULL, &out);
    memcpy(&w, &env->cpu.xmm[1], 2);
    memcpy(&d, &env->cpu.xmm[1], 4);
    memcpy(&written, &env->cpu.xmm[2], 2);
    ck_assert_uint_eq(out.gpr[0], 0xffffffffffff0000 | w);
    ck_assert_uint_eq(out.gpr[1], d);
    ck_assert_uint_eq(out.gpr[2], 0x88);
    ck_assert_uint_eq(written, 0x88);
    ck_assert_uint_eq(out.eflags, FL_IF | FL_NT);
}
END_TEST

START_TEST(memory)
{
    struct outcome out;
    u8 *ram = env->ram.host;
    st64(ram + 0x100, 0x8899aabbccddeeff);
    st32(ram + 0xffe, 0x12345678); /* across pages */
    env->cpu.gpr[3] = 0x100;
    env->cpu.gpr[5] = 0xffffff00;
    env->cpu.gpr[0] = env->cpu.gpr[6] = ~(u64)0;
    run_text("block rip=0 long=0 temps=3 off=0,1,2,3,4,5,6,7\n0: ld.8 g0, [g3+0x1]\n1: ldz.16 g1, "
             "[g3+0x0]\n2: ldx.8 g2, [g3+0x7]\n"
             "3: ld.32 g4, [g5+0x10fe]\n4: st.16 [g3+0x2000], g4\n5: sti.32 [g3+0x1ffe], -0x2\n"
             "6: ldw.8 t0, [g3+0x0], t1\n6: add.8 t2, t0, 0x2\n6: stw.8 t2, t1\n6: goto.32 7\n",
             NULL, &out);
    ck_assert_int_eq(out.left, LEFT_NEXT);
    ck_assert_uint_eq(out.gpr[0], 0xffffffffffffffee);
    ck_assert_uint_eq(out.gpr[1], 0xeeff);
    ck_assert_uint_eq(out.gpr[2], 0xffffff88);
    ck_assert_uint_eq(out.gpr[4], 0x12345678);
    ck_assert_uint_eq(ld32(ram + 0x20fe), 0xfffffffe);
    ck_assert_uint_eq(ld64(ram + 0x100), 0x8899aabbccddee01);
    ck_assert(out.aflags & F_C);
    ck_assert_int_eq(out.done, 7);
    ck_assert_uint_eq(out.rip, 7);
}
END_TEST

START_TEST(devices_bail_out)
{
    static const char *const ops[] = {
        "1: ld.32 g0, [g3+0x0]",      "1: st.32 [g3+0x0], g1",   "1: sti.8 [g3+0x0], 0x1",
        "1: ldw.32 t0, [g3+0x0], t1", "1: ld.32 g0, [g3+0xffe]", "1: ldx.8 g0, [g3+0xfff]",
    };
    for (size_t n = 0; n < ARRAY_LEN(ops); n++) {
        struct outcome out;
        char text[256];
        env->cpu.gpr[3] = ENV_DEVICE;
        env->cpu.gpr[0] = 1;
        env->cpu.gpr[2] = 5;
        snprintf(text, sizeof(text),
                 "block rip=0x40 long=0 temps=2 off=0,3,6\n0: inc.32 g2, g2\n%s\n1: goto.32 0\n",
                 ops[n]);
        run_text(text, NULL, &out);
        ck_assert_int_eq(out.left, LEFT_BAIL);
        ck_assert_uint_eq(out.rip, 0x43);
        ck_assert_int_eq(out.done, 1);
        ck_assert_uint_eq(out.gpr[0], 1);
        ck_assert_uint_eq(out.gpr[2], 6);
    }
    ck_assert_uint_eq(env->dev_reads + env->dev_writes, 0);
}
END_TEST

static void count_wrote(void *arg, u32 page, u32 off, u32 len)
{
    ++*(u32 *)arg;
}

START_TEST(stores_to_code_bail_out)
{
    struct outcome out;
    u32 wrote = 0;
    static const char text[] =
        "block rip=0 long=0 temps=0 off=0,3\n0: st.32 [g3+0x0], g1\n0: goto.32 3\n";
    env->space.wrote = count_wrote;
    env->space.arg = &wrote;
    env->space.code_lines[env->ram.page0 + 1] = BIT64(2);
    env->cpu.gpr[1] = 0x55aa55aa;
    env->cpu.gpr[3] = 0x1080;
    run_text(text, NULL, &out);
    ck_assert_int_eq(out.left, LEFT_BAIL);
    ck_assert_uint_eq(out.rip, 0);
    ck_assert_int_eq(out.done, 0);
    ck_assert_uint_eq(ld32(env->ram.host + 0x1080), 0);
    env->cpu.gpr[3] = 0x107d; /* the last byte reaches the line */
    run_text(text, NULL, &out);
    ck_assert_int_eq(out.left, LEFT_BAIL);
    env->cpu.gpr[3] = 0x10c0; /* the next line holds no code */
    run_text(text, NULL, &out);
    ck_assert_int_eq(out.left, LEFT_NEXT);
    ck_assert_uint_eq(ld32(env->ram.host + 0x10c0), 0x55aa55aa);
    ck_assert_uint_eq(wrote, 0);
}
END_TEST

/* Page 9 is not present, page 10 is read-only; the directory is at 0x4000. */
static void enable_paging(void)
{
    struct mmu_mode mode = {.cr3 = 0x4000, .cr0 = CR0_PE | CR0_PG | CR0_WP};
    st32(env->ram.host + 0x4000, 0x5003);
    for (u32 p = 0; p < 16; p++)
        st32(env->ram.host + 0x5000 + 4 * p, p << 12 | (p == 9 ? 0 : p == 10 ? 1 : 3));
    ck_assert(mmu_set_mode(&env->cpu.mmu, &mode, true));
}

START_TEST(page_faults)
{
    static const struct {
        const char *op;
        u64 addr;
        u32 error;
    } rows[] = {
        {"ld.32 g0, [g3+0x0]", 0x9000, 0},     {"st.32 [g3+0x4], g1", 0x9004, 2},
        {"ld.16 g0, [g3-0x1]", 0x9000, 0},     {"ldw.32 t0, [g3+0x1000], t1", 0xa000, 3},
        {"sti.32 [g3+0xffe], 0x1", 0x9ffe, 2},
    };
    enable_paging();
    for (size_t n = 0; n < ARRAY_LEN(rows); n++) {
        struct outcome out;
        char text[256];
        env->cpu.gpr[3] = 0x9000;
        env->cpu.gpr[0] = 1;
        snprintf(
            text, sizeof(text),
            "block rip=0x40 long=0 temps=2 off=0,3,6,7\n0: clc.8\n1: clc.8\n2: %s\n2: goto.32 0\n",
            rows[n].op);
        run_text(text, NULL, &out);
        ck_assert_int_eq(out.left, -1);
        ck_assert_int_eq(out.vector, EXC_PF);
        ck_assert_uint_eq(out.rip, 0x46);
        ck_assert_int_eq(out.done, 2);
        ck_assert_int_eq((s32)out.ahead, -2);
        ck_assert_uint_eq(out.gpr[0], 1);
        ck_assert_msg(env->cpu.cr2 == rows[n].addr, "row %zu: %llx", n,
                      (unsigned long long)env->cpu.cr2);
        ck_assert_msg(env->cpu.exc_error == rows[n].error, "row %zu: %x", n, env->cpu.exc_error);
    }
}
END_TEST

START_TEST(segments)
{
    struct outcome out;
    static const char text[] = "block rip=0x40 long=0 temps=0 off=0,3,6\n0: clc.8\n1: seg.32 g3, "
                               "es, 0x4, w\n1: goto.32 0\n";
    env->cpu.gpr[3] = 0xfffc | 5ull << 32; /* the upper half does not count */
    run_text(text, NULL, &out);
    ck_assert_int_eq(out.left, LEFT_NEXT);
    env->cpu.gpr[3] = 0xfffd;
    run_text(text, NULL, &out);
    ck_assert_int_eq(out.left, -1);
    ck_assert_int_eq(out.vector, EXC_GP);
    ck_assert_uint_eq(out.rip, 0x43);
    ck_assert_int_eq(out.done, 1);
    env->cpu.gpr[3] = 0;
    env->cpu.seg[SEG_ES].end_w = 0; /* the short way says no, and the long one too */
    env->cpu.seg[SEG_ES].attr &= ~(u32)DA_P;
    run_text(text, NULL, &out);
    ck_assert_int_eq(out.left, -1);
}
END_TEST

START_TEST(ways_out)
{
    struct outcome out;
    cpu_set_aflags(&env->cpu, F_Z);
    env->cpu.gpr[1] = 0x30000;
    run_text("block rip=0x40 long=0 temps=0 off=0,2,4\n0: jcc.32 ne, 0x100\n1: jcc.32 e, 0x200\n1: "
             "goto.32 0x44\n",
             NULL, &out);
    ck_assert_uint_eq(out.rip, 0x200);
    ck_assert_int_eq(out.done, 2);
    run_text("block rip=0x40 long=0 temps=0 off=0,2,4\n0: brz.16 g1, 0x100\n1: goto.32 0x44\n",
             NULL, &out);
    ck_assert_uint_eq(out.rip, 0x100);
    ck_assert_int_eq(out.done, 1);
    run_text("block rip=0x40 long=0 temps=0 off=0,2,4\n0: brz.32 g1, 0x100\n1: brnz.32 g1, "
             "0x300\n1: goto.32 0x44\n",
             NULL, &out);
    ck_assert_uint_eq(out.rip, 0x300);
    run_text("block rip=0x40 long=0 temps=0 off=0,2,4\n0: brnz.16 g1, 0x100\n1: gotoi.32 g1\n",
             NULL, &out);
    ck_assert_uint_eq(out.rip, 0x30000);
}
END_TEST

START_TEST(exec_and_go_on)
{
    struct insn swap = {.op = OP_BSWAP, .len = 2, .osz = 4, .nopnd = 1, .o = {{OPND_GPR, 1, 4}}};
    struct insn jump = {
        .op = OP_JMP, .len = 2, .osz = 4, .nopnd = 1, .o = {{OPND_REL, 0, 4}}, .imm = 0x10};
    const struct insn *insns[3] = {&swap, &swap, &jump};
    static const char text[] = "block rip=0x40 long=0 temps=1 off=0,2,4,6\n0: movi.32 t0, 0x7\n0: "
                               "exec.32\n1: mov.32 g2, g1\n1: mov.32 g4, t0\n"
                               "2: exec.32\n2: goto.32 0x9999\n";
    struct outcome out;
    env->cpu.gpr[1] = 0x11223344;
    run_text(text, insns, &out);
    ck_assert_int_eq(out.left, LEFT_NEXT);
    ck_assert_uint_eq(out.gpr[2], 0x44332211);
    ck_assert_uint_eq(out.gpr[4], 7);
    ck_assert_uint_eq(out.rip, 0x56); /* the jump leaves by itself */
    ck_assert_int_eq(out.done, 3);
    /* Somebody wants the run loop. */
    env->cpu.exit_request = 1;
    run_text(text, insns, &out);
    ck_assert_uint_eq(out.rip, 0x42);
    ck_assert_int_eq(out.done, 1);
    env->cpu.exit_request = 0;
    env->cpu.db_pending = 1;
    run_text(text, insns, &out);
    ck_assert_int_eq(out.done, 1);
    env->cpu.db_pending = 0;
    run_text("block rip=0x40 long=0 temps=0 off=0,2\n0: execx.32\n", insns, &out);
    ck_assert_uint_eq(out.rip, 0x42);
    ck_assert_int_eq(out.done, 1);
}
END_TEST

START_TEST(exec_stops_for_the_block)
{
    struct insn swap = {.op = OP_BSWAP, .len = 2, .osz = 4, .nopnd = 1, .o = {{OPND_GPR, 1, 4}}};
    const struct insn *insns[2] = {&swap, &swap};
    static struct ir_block b;
    bool stop = false;
    struct ir_run run = {.stop = &stop};
    ck_assert(
        env_parse(&b, "block rip=0x40 long=0 temps=0 off=0,2,4\n0: exec.32\n1: goto.32 0x9999\n"));
    ck_assert_int_eq(ir_eval(&env->cpu, &b, insns, &run), LEFT_NEXT);
    ck_assert_uint_eq(env->cpu.rip, 0x9999);
    stop = true;
    ck_assert_int_eq(ir_eval(&env->cpu, &b, insns, &run), LEFT_NEXT);
    ck_assert_uint_eq(env->cpu.rip, 0x42);
    ck_assert_int_eq(run.done, 1);
}
END_TEST

START_TEST(instruction_pointers_wrap)
{
    struct outcome out;
    env->cpu.code_bits = 16;
    env->cpu.gpr[3] = ENV_DEVICE;
    run_text("block rip=0xffff long=0 temps=0 off=0,2,4\n0: clc.8\n1: ld.32 g0, [g3+0x0]\n1: "
             "goto.32 0\n",
             NULL, &out);
    ck_assert_int_eq(out.left, LEFT_BAIL);
    ck_assert_uint_eq(out.rip, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ir eval");
    TCase *t = tcase_create("eval");
    SRunner *r;
    int failed;
    tcase_add_checked_fixture(t, setup, teardown);
#ifdef __x86_64__
    tcase_add_loop_test(t, like_the_host, 0, (int)ARRAY_LEN(host_rows));
#endif
    tcase_add_test(t, open_flags_are_chosen);
    tcase_add_test(t, moves);
    tcase_add_test(t, conditions);
    tcase_add_test(t, flag_moves);
    tcase_add_test(t, sums);
    tcase_add_test(t, state_members);
    tcase_add_test(t, memory);
    tcase_add_test(t, devices_bail_out);
    tcase_add_test(t, stores_to_code_bail_out);
    tcase_add_test(t, page_faults);
    tcase_add_test(t, segments);
    tcase_add_test(t, ways_out);
    tcase_add_test(t, exec_and_go_on);
    tcase_add_test(t, exec_stops_for_the_block);
    tcase_add_test(t, instruction_pointers_wrap);
    tcase_set_timeout(t, 30);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
