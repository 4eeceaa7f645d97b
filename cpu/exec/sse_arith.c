/* Single and double precision arithmetic and comparison, packed and scalar (SDM vol.
 * 1, 10.4.1, 11.4.1, 12.3). */
#include "cpu/exec/sse.h"

/* The shape of an operation: format and number of lanes. */
struct shape {
    const struct fp_ieee *fmt;
    u8 lanes;
};

#define PS ((struct shape){&fp_single, 4})
#define SS ((struct shape){&fp_single, 1})
#define PD ((struct shape){&fp_double, 2})
#define SD ((struct shape){&fp_double, 1})

static u64 lane_get(struct shape s, const union xmm *v, unsigned i)
{
    return s.fmt == &fp_single ? v->d[i] : v->q[i];
}

static void lane_set(struct shape s, union xmm *v, unsigned i, u64 x)
{
    if (s.fmt == &fp_single)
        v->d[i] = (u32)x;
    else
        v->q[i] = x;
}

/* Four handlers for one operation. */
#define FOUR(op, driver, arg)                                                                      \
    void exec_##op##PS(struct cpu *cpu, const struct insn *insn)                                   \
    {                                                                                              \
        driver(cpu, insn, PS, arg);                                                                \
    }                                                                                              \
    void exec_##op##SS(struct cpu *cpu, const struct insn *insn)                                   \
    {                                                                                              \
        driver(cpu, insn, SS, arg);                                                                \
    }                                                                                              \
    void exec_##op##PD(struct cpu *cpu, const struct insn *insn)                                   \
    {                                                                                              \
        driver(cpu, insn, PD, arg);                                                                \
    }                                                                                              \
    void exec_##op##SD(struct cpu *cpu, const struct insn *insn)                                   \
    {                                                                                              \
        driver(cpu, insn, SD, arg);                                                                \
    }

/* ---- two operands ---- */
typedef u64 fp2_fn(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);

static void binary(struct cpu *cpu, const struct insn *insn, struct shape shape, fp2_fn *fn)
{
    struct fpenv env;
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++)
        lane_set(shape, &d, i, fn(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i)));
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, d);
}

FOUR(ADD, binary, ieee_add)
FOUR(SUB, binary, ieee_sub)
FOUR(MUL, binary, ieee_mul)
FOUR(DIV, binary, ieee_div)
FOUR(MIN, binary, ieee_min)
FOUR(MAX, binary, ieee_max)

/* ---- one operand ---- */
static void square_root(struct cpu *cpu, const struct insn *insn, struct shape shape, int unused)
{
    struct fpenv env;
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++)
        lane_set(shape, &d, i, ieee_sqrt(&env, shape.fmt, lane_get(shape, &s, i)));
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, d);
}

FOUR(SQRT, square_root, 0)

static void approximate(struct cpu *cpu, const struct insn *insn, unsigned lanes, u32 (*fn)(u32))
{
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    for (unsigned i = 0; i < lanes; i++)
        d.d[i] = fn(s.d[i]);
    vec_write(cpu, insn, 0, d);
}

void exec_RCPPS(struct cpu *cpu, const struct insn *insn)
{
    approximate(cpu, insn, 4, f32_rcp);
}

void exec_RCPSS(struct cpu *cpu, const struct insn *insn)
{
    approximate(cpu, insn, 1, f32_rcp);
}

void exec_RSQRTPS(struct cpu *cpu, const struct insn *insn)
{
    approximate(cpu, insn, 4, f32_rsqrt);
}

void exec_RSQRTSS(struct cpu *cpu, const struct insn *insn)
{
    approximate(cpu, insn, 1, f32_rsqrt);
}

/* ---- comparison ---- */
static void compare(struct cpu *cpu, const struct insn *insn, struct shape shape)
{
    struct fpenv env;
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++) {
        bool t = ieee_cmp(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i),
                          insn->imm & 7);
        lane_set(shape, &d, i, t ? ~0ull : 0);
    }
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, d);
}

void exec_CMPPS(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, PS);
}

void exec_CMPSS(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, SS);
}

void exec_CMPPD(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, PD);
}

void exec_CMPSD_X(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, SD);
}

static void order(struct cpu *cpu, const struct insn *insn, struct shape shape, bool quiet)
{
    /* ZF, PF, CF by order; OF, SF and AF are cleared. */
    static const u8 flags[] = {
        [FP_LESS] = F_C, [FP_EQUAL] = F_Z, [FP_GREATER] = 0, [FP_UNORDERED] = F_Z | F_P | F_C};
    struct fpenv env;
    enum fp_order o;
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    o = ieee_order(&env, shape.fmt, lane_get(shape, &d, 0), lane_get(shape, &s, 0), quiet);
    sse_report(cpu, &env);
    cpu_set_aflags(cpu, flags[o]);
}

void exec_COMISS(struct cpu *cpu, const struct insn *insn)
{
    order(cpu, insn, SS, false);
}

void exec_COMISD(struct cpu *cpu, const struct insn *insn)
{
    order(cpu, insn, SD, false);
}

void exec_UCOMISS(struct cpu *cpu, const struct insn *insn)
{
    order(cpu, insn, SS, true);
}

void exec_UCOMISD(struct cpu *cpu, const struct insn *insn)
{
    order(cpu, insn, SD, true);
}

/* ---- SSE3: alternating and horizontal ---- */
static void add_sub(struct cpu *cpu, const struct insn *insn, struct shape shape)
{
    struct fpenv env;
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++) {
        fp2_fn *fn = i & 1 ? ieee_add : ieee_sub;
        lane_set(shape, &d, i, fn(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i)));
    }
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, d);
}

void exec_ADDSUBPS(struct cpu *cpu, const struct insn *insn)
{
    add_sub(cpu, insn, PS);
}

void exec_ADDSUBPD(struct cpu *cpu, const struct insn *insn)
{
    add_sub(cpu, insn, PD);
}

static void horizontal(struct cpu *cpu, const struct insn *insn, struct shape shape, fp2_fn *fn)
{
    unsigned half = shape.lanes / 2u;
    struct fpenv env;
    union xmm d, s, r;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++) {
        const union xmm *from = i < half ? &d : &s;
        unsigned at = 2 * (i % half);
        lane_set(shape, &r, i,
                 fn(&env, shape.fmt, lane_get(shape, from, at), lane_get(shape, from, at + 1)));
    }
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, r);
}

void exec_HADDPS(struct cpu *cpu, const struct insn *insn)
{
    horizontal(cpu, insn, PS, ieee_add);
}

void exec_HADDPD(struct cpu *cpu, const struct insn *insn)
{
    horizontal(cpu, insn, PD, ieee_add);
}

void exec_HSUBPS(struct cpu *cpu, const struct insn *insn)
{
    horizontal(cpu, insn, PS, ieee_sub);
}

void exec_HSUBPD(struct cpu *cpu, const struct insn *insn)
{
    horizontal(cpu, insn, PD, ieee_sub);
}

/* ---- SSE4.1: rounding and dot products ---- */
static void round_lanes(struct cpu *cpu, const struct insn *insn, struct shape shape, int unused)
{
    struct fpenv env;
    union xmm d, s;
    u8 mode;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    mode = insn->imm & 4 ? env.round : insn->imm & 3;
    for (unsigned i = 0; i < shape.lanes; i++)
        lane_set(shape, &d, i,
                 ieee_rndint(&env, shape.fmt, lane_get(shape, &s, i), mode, insn->imm & 8));
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, d);
}

FOUR(ROUND, round_lanes, 0)

/* Products of the lanes that imm[7:4] chooses, summed in pairs, to the lanes of imm[3:0]. Products
 * and each level of sums report their exceptions in turn, as separate instructions would. */
static void dot_product(struct cpu *cpu, const struct insn *insn, struct shape shape)
{
    struct fpenv env;
    union xmm d, s;
    u64 p[4] = {0, 0, 0, 0}, sum;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++)
        if (insn->imm >> (4 + i) & 1)
            p[i] = ieee_mul(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i));
    sse_report(cpu, &env);
    sum = ieee_add(&env, shape.fmt, p[0], p[1]);
    if (shape.lanes == 4) {
        u64 high = ieee_add(&env, shape.fmt, p[2], p[3]);
        sse_report(cpu, &env);
        sum = ieee_add(&env, shape.fmt, sum, high);
    }
    sse_report(cpu, &env);
    for (unsigned i = 0; i < shape.lanes; i++)
        lane_set(shape, &d, i, insn->imm >> i & 1 ? sum : 0);
    vec_write(cpu, insn, 0, d);
}

void exec_DPPS(struct cpu *cpu, const struct insn *insn)
{
    dot_product(cpu, insn, PS);
}

void exec_DPPD(struct cpu *cpu, const struct insn *insn)
{
    dot_product(cpu, insn, PD);
}
