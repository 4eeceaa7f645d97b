/* Single and double precision arithmetic of VEX instructions, packed and scalar (SDM vol. 1 section
 * 14.1). The flags of all lanes are gathered before anything is written; scalars take the rest of
 * their destination from the first source. */
#include "cpu/exec/avx.h"
#include "cpu/exec/sse_host.h"

/* The shape of an operation: format, and whether only the lowest lane counts. */
struct shape {
    const struct fp_ieee *fmt;
    bool scalar;
};

#define PS ((struct shape){&fp_single, false})
#define SS ((struct shape){&fp_single, true})
#define PD ((struct shape){&fp_double, false})
#define SD ((struct shape){&fp_double, true})

static inline unsigned lanes(struct shape s, const struct insn *insn)
{
    return s.scalar ? 1u : insn->vl / (s.fmt == &fp_single ? 4u : 8u);
}

static inline u64 lane_get(struct shape s, const union ymm *v, unsigned i)
{
    return s.fmt == &fp_single ? v->d[i & 7] : v->q[i & 3];
}

static inline void lane_set(struct shape s, union ymm *v, unsigned i, u64 x)
{
    if (s.fmt == &fp_single)
        v->d[i & 7] = (u32)x;
    else
        v->q[i & 3] = x;
}

/* Four handlers for one operation. */
#define FOUR(op, driver, arg)                                                                      \
    FORM(op##PS, driver, PS, arg)                                                                  \
    FORM(op##SS, driver, SS, arg)                                                                  \
    FORM(op##PD, driver, PD, arg)                                                                  \
    FORM(op##SD, driver, SD, arg)
#define FORM(op, driver, shape, arg)                                                               \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        driver(cpu, insn, shape, arg);                                                             \
    }

/* The same for operations that the host's SSE has too. */
#define FOUR_HOST(op, text, driver, arg)                                                           \
    FORM_HOST(op##PS, text "ps", driver, PS, arg)                                                  \
    FORM_HOST(op##SS, text "ss", driver, SS, arg)                                                  \
    FORM_HOST(op##PD, text "pd", driver, PD, arg)                                                  \
    FORM_HOST(op##SD, text "sd", driver, SD, arg)
#define FORM_HOST(op, text, driver, shape, arg)                                                    \
    VEC_HOST(host_##op, text " %[s], %[d]")                                                        \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        driver(cpu, insn, shape, arg, host_##op);                                                  \
    }

/* By the host, half by half: true when done. It does either both halves or none. */
static inline __attribute__((always_inline)) bool by_host(struct cpu *cpu, const struct insn *insn,
                                                          struct shape shape, union ymm *d,
                                                          const union ymm *s, host_vec_fn *host)
{
    if (!host(cpu, &d->h[0], &s->h[0]))
        return false;
    if (!shape.scalar && insn->vl == 32)
        host(cpu, &d->h[1], &s->h[1]);
    return true;
}

/* ---- two operands ---- */
typedef u64 fp2_fn(struct fpenv *env, const struct fp_ieee *f, u64 a, u64 b);

static inline __attribute__((always_inline)) void
binary(struct cpu *cpu, const struct insn *insn, struct shape shape, fp2_fn *fn, host_vec_fn *host)
{
    struct fpenv env;
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    d = ymm_get(cpu, insn->o[1].reg);
    if (UNLIKELY(!by_host(cpu, insn, shape, &d, &s, host))) {
        env = sse_env(cpu);
        for (unsigned i = 0; i < lanes(shape, insn); i++)
            lane_set(shape, &d, i,
                     fn(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i)));
        sse_report(cpu, &env);
    }
    avx_write(cpu, insn, &d);
}

FOUR_HOST(VADD, "add", binary, ieee_add)
FOUR_HOST(VSUB, "sub", binary, ieee_sub)
FOUR_HOST(VMUL, "mul", binary, ieee_mul)
FOUR_HOST(VDIV, "div", binary, ieee_div)
FOUR_HOST(VMIN, "min", binary, ieee_min)
FOUR_HOST(VMAX, "max", binary, ieee_max)

/* ---- one operand: the last; the rest of a scalar's destination is that of the first source ----
 */
static inline __attribute__((always_inline)) void square_root(struct cpu *cpu,
                                                              const struct insn *insn,
                                                              struct shape shape, int unused,
                                                              host_vec_fn *host)
{
    struct fpenv env;
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, insn->nopnd - 1u);
    d = ymm_get(cpu, insn->o[1].reg);
    if (UNLIKELY(!by_host(cpu, insn, shape, &d, &s, host))) {
        env = sse_env(cpu);
        for (unsigned i = 0; i < lanes(shape, insn); i++)
            lane_set(shape, &d, i, ieee_sqrt(&env, shape.fmt, lane_get(shape, &s, i)));
        sse_report(cpu, &env);
    }
    avx_write(cpu, insn, &d);
}

FOUR_HOST(VSQRT, "sqrt", square_root, 0)

static void approximate(struct cpu *cpu, const struct insn *insn, struct shape shape,
                        u32 (*fn)(u32))
{
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, insn->nopnd - 1u);
    d = ymm_get(cpu, insn->o[1].reg);
    for (unsigned i = 0; i < lanes(shape, insn); i++)
        d.d[i] = fn(s.d[i]);
    avx_write(cpu, insn, &d);
}

FORM(VRCPPS, approximate, PS, f32_rcp)
FORM(VRCPSS, approximate, SS, f32_rcp)
FORM(VRSQRTPS, approximate, PS, f32_rsqrt)
FORM(VRSQRTSS, approximate, SS, f32_rsqrt)

static void round_lanes(struct cpu *cpu, const struct insn *insn, struct shape shape, int unused)
{
    struct fpenv env;
    union ymm d, s;
    u8 mode;
    avx_begin(cpu);
    s = avx_read(cpu, insn, insn->nopnd - 2u);
    d = ymm_get(cpu, insn->o[1].reg);
    env = sse_env(cpu);
    mode = insn->imm & 4 ? env.round : insn->imm & 3;
    for (unsigned i = 0; i < lanes(shape, insn); i++)
        lane_set(shape, &d, i,
                 ieee_rndint(&env, shape.fmt, lane_get(shape, &s, i), mode, insn->imm & 8));
    sse_report(cpu, &env);
    avx_write(cpu, insn, &d);
}

FOUR(VROUND, round_lanes, 0)

/* ---- comparison: thirty-two predicates ---- */
static void compare(struct cpu *cpu, const struct insn *insn, struct shape shape, int unused)
{
    struct fpenv env;
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    d = ymm_get(cpu, insn->o[1].reg);
    env = sse_env(cpu);
    for (unsigned i = 0; i < lanes(shape, insn); i++) {
        bool t = ieee_cmp(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i),
                          insn->imm & 31);
        lane_set(shape, &d, i, t ? ~0ull : 0);
    }
    sse_report(cpu, &env);
    avx_write(cpu, insn, &d);
}

FORM(VCMPPS, compare, PS, 0)
FORM(VCMPSS, compare, SS, 0)
FORM(VCMPPD, compare, PD, 0)
FORM(VCMPSD_X, compare, SD, 0)

static void order(struct cpu *cpu, const struct insn *insn, struct shape shape, bool quiet)
{
    /* ZF, PF, CF by order; OF, SF and AF are cleared. */
    static const u8 flags[] = {
        [FP_LESS] = F_C, [FP_EQUAL] = F_Z, [FP_GREATER] = 0, [FP_UNORDERED] = F_Z | F_P | F_C};
    struct fpenv env;
    enum fp_order o;
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    d = ymm_get(cpu, insn->o[0].reg);
    env = sse_env(cpu);
    o = ieee_order(&env, shape.fmt, lane_get(shape, &d, 0), lane_get(shape, &s, 0), quiet);
    sse_report(cpu, &env);
    cpu_set_aflags(cpu, flags[o]);
}

FORM(VCOMISS, order, SS, false)
FORM(VCOMISD, order, SD, false)
FORM(VUCOMISS, order, SS, true)
FORM(VUCOMISD, order, SD, true)

/* ---- alternating and horizontal ---- */
static void add_sub(struct cpu *cpu, const struct insn *insn, struct shape shape, int unused)
{
    struct fpenv env;
    union ymm d, s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    d = ymm_get(cpu, insn->o[1].reg);
    env = sse_env(cpu);
    for (unsigned i = 0; i < lanes(shape, insn); i++) {
        fp2_fn *fn = i & 1 ? ieee_add : ieee_sub;
        lane_set(shape, &d, i, fn(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i)));
    }
    sse_report(cpu, &env);
    avx_write(cpu, insn, &d);
}

FORM(VADDSUBPS, add_sub, PS, 0)
FORM(VADDSUBPD, add_sub, PD, 0)

/* In each half: neighbours of the first source, then those of the second. */
static void horizontal(struct cpu *cpu, const struct insn *insn, struct shape shape, fp2_fn *fn)
{
    unsigned per_half = shape.fmt == &fp_single ? 4 : 2;
    struct fpenv env;
    union ymm d, s, r;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    d = ymm_get(cpu, insn->o[1].reg);
    env = sse_env(cpu);
    for (unsigned i = 0; i < lanes(shape, insn); i++) {
        unsigned in = i % per_half, base = i - in;
        const union ymm *from = in < per_half / 2 ? &d : &s;
        unsigned at = base + 2 * (in % (per_half / 2));
        lane_set(shape, &r, i,
                 fn(&env, shape.fmt, lane_get(shape, from, at), lane_get(shape, from, at + 1)));
    }
    sse_report(cpu, &env);
    avx_write(cpu, insn, &r);
}

FORM(VHADDPS, horizontal, PS, ieee_add)
FORM(VHADDPD, horizontal, PD, ieee_add)
FORM(VHSUBPS, horizontal, PS, ieee_sub)
FORM(VHSUBPD, horizontal, PD, ieee_sub)

/* Products of the lanes that imm[7:4] chooses, summed in pairs, to the lanes of imm[3:0], in each
 * half. Products and each level of sums report their exceptions in turn. */
static void dot_product(struct cpu *cpu, const struct insn *insn, struct shape shape, int unused)
{
    unsigned per_half = shape.fmt == &fp_single ? 4 : 2, n = lanes(shape, insn);
    struct fpenv env;
    union ymm d, s;
    u64 p[8] = {0}, high[2] = {0}, sum[2] = {0};
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    d = ymm_get(cpu, insn->o[1].reg);
    env = sse_env(cpu);
    for (unsigned i = 0; i < n; i++)
        if (insn->imm >> (4 + i % per_half) & 1)
            p[i & 7] = ieee_mul(&env, shape.fmt, lane_get(shape, &d, i), lane_get(shape, &s, i));
    sse_report(cpu, &env);
    for (unsigned h = 0; h < n / per_half; h++) {
        const u64 *q = &p[(h * per_half) & 7];
        sum[h & 1] = ieee_add(&env, shape.fmt, q[0], q[1]);
        if (per_half == 4)
            high[h & 1] = ieee_add(&env, shape.fmt, q[2], q[3]);
    }
    sse_report(cpu, &env);
    if (per_half == 4) {
        for (unsigned h = 0; h < n / per_half; h++)
            sum[h & 1] = ieee_add(&env, shape.fmt, sum[h & 1], high[h & 1]);
        sse_report(cpu, &env);
    }
    for (unsigned i = 0; i < n; i++)
        lane_set(shape, &d, i, insn->imm >> (i % per_half) & 1 ? sum[(i / per_half) & 1] : 0);
    avx_write(cpu, insn, &d);
}

FORM(VDPPS, dot_product, PS, 0)
FORM(VDPPD, dot_product, PD, 0)
