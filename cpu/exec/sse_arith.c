/* Single and double precision arithmetic and comparison, packed and scalar (SDM vol.
 * 1, 10.4.1, 11.4.1, 12.3). */
#include "cpu/exec/sse_host.h"
#include "cpu/fp/hard.h"

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

/* The same for operations that the host has too, in host_OP. */
#define FOUR_HOST(op, text, driver, arg)                                                           \
    FORM_HOST(op##PS, text "ps", driver, PS, arg)                                                  \
    FORM_HOST(op##SS, text "ss", driver, SS, arg)                                                  \
    FORM_HOST(op##PD, text "pd", driver, PD, arg)                                                  \
    FORM_HOST(op##SD, text "sd", driver, SD, arg)

#define FORM_HOST(op, text, driver, shape, arg)                                                    \
    SSE_HOST(op, text " %[s], %[d]")                                                               \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        driver(cpu, insn, shape, arg, host_##op);                                                  \
    }

/* ---- two operands ---- */
typedef u64 fp2_fn(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);

/* The host's arithmetic on all lanes of register *d; false, with *d untouched, where the host will
 * not do. Lanes are read and written one by one: a host waits when it reads more than was written
 * at once. */
static inline __attribute__((always_inline)) bool hard_lanes(struct shape shape, enum hard_op op,
                                                             union xmm *d, const union xmm *s)
{
    u32 w[4];
    u64 r[2];
    if (shape.fmt == &fp_single) {
        for (unsigned i = 0; i < shape.lanes; i++)
            if (!hard_binary32(op, d->d[i], s->d[i], &w[i]))
                return false;
        for (unsigned i = 0; i < shape.lanes; i++)
            d->d[i] = w[i];
    } else {
        for (unsigned i = 0; i < shape.lanes; i++)
            if (!hard_binary64(op, d->q[i], s->q[i], &r[i]))
                return false;
        for (unsigned i = 0; i < shape.lanes; i++)
            d->q[i] = r[i];
    }
    return true;
}

/* The second operand: of scalars only the lane that counts. */
static inline union xmm arith_source(struct cpu *cpu, const struct insn *insn, struct shape shape)
{
    const struct opnd *o = &insn->o[1];
    union xmm v;
    if (shape.lanes > 1)
        return vec_read(cpu, insn, 1);
    v.q[0] = o->kind == OPND_XMM ? cpu->xmm[o->reg & 15].q[0] : opnd_read(cpu, insn, 1);
    v.q[1] = 0;
    return v;
}

/* An operation in exact arithmetic and on the host. */
struct arith {
    fp2_fn *fn;
    enum hard_op hard;
};

static inline __attribute__((always_inline)) void
binary(struct cpu *cpu, const struct insn *insn, struct shape shape, struct arith op, host_fn *host)
{
    struct fpenv env;
    union xmm d, s;
    sse_begin(cpu);
    s = arith_source(cpu, insn, shape);
    /* One lane is faster without a look at the host's flags. */
    if (LIKELY((shape.lanes == 1 || !SSE_HOST_OPS) && hard_mxcsr(cpu->mxcsr) &&
               hard_lanes(shape, op.hard, &cpu->xmm[insn->o[0].reg & 15], &s)))
        return;
    if (LIKELY(host(cpu, insn->o[0].reg, &s)))
        return;
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++)
        lane_set(shape, &d, i,
                 op.fn(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i)));
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, d);
}

#define ARITH(fn, hard) ((struct arith){fn, hard})
FOUR_HOST(ADD, "add", binary, ARITH(ieee_add, HARD_ADD))
FOUR_HOST(SUB, "sub", binary, ARITH(ieee_sub, HARD_SUB))
FOUR_HOST(MUL, "mul", binary, ARITH(ieee_mul, HARD_MUL))
FOUR_HOST(DIV, "div", binary, ARITH(ieee_div, HARD_DIV))
FOUR_HOST(MIN, "min", binary, ARITH(ieee_min, HARD_MIN))
FOUR_HOST(MAX, "max", binary, ARITH(ieee_max, HARD_MAX))

/* ---- one operand ---- */
static inline bool hard_sqrt(struct shape shape, union xmm *d, const union xmm *s)
{
    u32 w;
    u64 r;
    if (shape.fmt == &fp_single) {
        if (!hard_sqrt32(s->d[0], &w))
            return false;
        d->d[0] = w;
    } else {
        if (!hard_sqrt64(s->q[0], &r))
            return false;
        d->q[0] = r;
    }
    return true;
}

static inline __attribute__((always_inline)) void
square_root(struct cpu *cpu, const struct insn *insn, struct shape shape, int unused, host_fn *host)
{
    struct fpenv env;
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    d = vec_read(cpu, insn, 0);
    if (hard_mxcsr(cpu->mxcsr) && shape.lanes == 1 && hard_sqrt(shape, &d, &s)) {
        vec_write(cpu, insn, 0, d);
        return;
    }
    if (LIKELY(host(cpu, insn->o[0].reg, &s)))
        return;
    env = sse_env(cpu);
    for (unsigned i = 0; i < shape.lanes; i++)
        lane_set(shape, &d, i, ieee_sqrt(&env, shape.fmt, lane_get(shape, &s, i)));
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, d);
}

FOUR_HOST(SQRT, "sqrt", square_root, 0)

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
static inline __attribute__((always_inline)) void
compare(struct cpu *cpu, const struct insn *insn, struct shape shape,
        bool (*host)(struct cpu *, const struct insn *, const union xmm *))
{
    struct fpenv env;
    union xmm d, s;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    if (LIKELY(host(cpu, insn, &s)))
        return;
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

/* The predicate is part of the host's instruction. */
#define CMP(op, text, shape)                                                                       \
    SSE_HOST(op##0, text " $0, %[s], %[d]")                                                        \
    SSE_HOST(op##1, text " $1, %[s], %[d]")                                                        \
    SSE_HOST(op##2, text " $2, %[s], %[d]")                                                        \
    SSE_HOST(op##3, text " $3, %[s], %[d]")                                                        \
    SSE_HOST(op##4, text " $4, %[s], %[d]")                                                        \
    SSE_HOST(op##5, text " $5, %[s], %[d]")                                                        \
    SSE_HOST(op##6, text " $6, %[s], %[d]")                                                        \
    SSE_HOST(op##7, text " $7, %[s], %[d]")                                                        \
    static inline bool host_##op(struct cpu *cpu, const struct insn *insn, const union xmm *s)     \
    {                                                                                              \
        unsigned reg = insn->o[0].reg;                                                             \
        switch (insn->imm & 7) {                                                                   \
        case 0: return host_##op##0(cpu, reg, s);                                                  \
        case 1: return host_##op##1(cpu, reg, s);                                                  \
        case 2: return host_##op##2(cpu, reg, s);                                                  \
        case 3: return host_##op##3(cpu, reg, s);                                                  \
        case 4: return host_##op##4(cpu, reg, s);                                                  \
        case 5: return host_##op##5(cpu, reg, s);                                                  \
        case 6: return host_##op##6(cpu, reg, s);                                                  \
        default: return host_##op##7(cpu, reg, s);                                                 \
        }                                                                                          \
    }                                                                                              \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        compare(cpu, insn, shape, host_##op);                                                      \
    }

CMP(CMPPS, "cmpps", PS)
CMP(CMPSS, "cmpss", SS)
CMP(CMPPD, "cmppd", PD)
CMP(CMPSD_X, "cmpsd", SD)

static inline __attribute__((always_inline)) void
order(struct cpu *cpu, const struct insn *insn, struct shape shape, bool quiet, host_fn *host)
{
    /* ZF, PF, CF by order; OF, SF and AF are cleared. */
    static const u8 flags[] = {
        [FP_LESS] = F_C, [FP_EQUAL] = F_Z, [FP_GREATER] = 0, [FP_UNORDERED] = F_Z | F_P | F_C};
    struct fpenv env;
    enum fp_order o;
    union xmm d, s;
    sse_begin(cpu);
    s = arith_source(cpu, insn, shape);
    if (shape.fmt == &fp_double && HARD_FLOAT && hard_plain64(cpu->xmm[insn->o[0].reg & 15].q[0]) &&
        hard_plain64(s.q[0])) {
        double x = hard_f64(cpu->xmm[insn->o[0].reg & 15].q[0]), y = hard_f64(s.q[0]);
        cpu_set_aflags(cpu, flags[x < y ? FP_LESS : x == y ? FP_EQUAL : FP_GREATER]);
        return;
    }
    if (LIKELY(host(cpu, insn->o[0].reg, &s)))
        return;
    d = vec_read(cpu, insn, 0);
    env = sse_env(cpu);
    o = ieee_order(&env, shape.fmt, lane_get(shape, &d, 0), lane_get(shape, &s, 0), quiet);
    sse_report(cpu, &env);
    cpu_set_aflags(cpu, flags[o]);
}

#define ORDER(op, text, shape, quiet)                                                              \
    SSE_HOST_ORDER(op, text)                                                                       \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        order(cpu, insn, shape, quiet, host_##op);                                                 \
    }

ORDER(COMISS, "comiss", SS, false)
ORDER(COMISD, "comisd", SD, false)
ORDER(UCOMISS, "ucomiss", SS, true)
ORDER(UCOMISD, "ucomisd", SD, true)

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
