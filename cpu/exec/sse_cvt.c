/* Conversions among single, double and integers, in XMM, MMX and general registers (SDM vol.
 * 1, 11.6.3 and figure 11-8). */
#include "cpu/exec/sse.h"
#include "cpu/fp/hard.h"

/* Element forms. */
enum form { F32, F64, INT32 };

static u64 element(enum form f, const union xmm *v, unsigned i)
{
    return f == F64 ? v->q[i] : v->d[i];
}

static u64 convert(struct fpenv *env, enum form from, enum form to, u64 x, bool trunc)
{
    const struct fp_ieee *ffrom = from == F64 ? &fp_double : &fp_single,
                         *fto = to == F64 ? &fp_double : &fp_single;
    if (from == INT32)
        return ieee_from_s64(env, fto, (s32)x);
    if (to == INT32)
        return (u32)ieee_to_int(env, ffrom, x, 32, trunc);
    return to == F64 ? f64_from_f32(env, (u32)x) : f32_from_f64(env, x);
}

/* Convert `n` elements of the source. The destination's other bits become zero, or stay with
 * `keep`. */
static void packed(struct cpu *cpu, const struct insn *insn, enum form from, enum form to,
                   unsigned n, bool trunc, bool keep)
{
    union xmm s, r = {.q = {0, 0}};
    bool mmx = uses_mmx(insn);
    struct fpenv env;
    sse_begin(cpu);
    if (mmx)
        mmx_begin(cpu);
    s = vec_read(cpu, insn, 1);
    env = sse_env(cpu);
    if (keep)
        r = vec_read(cpu, insn, 0);
    for (unsigned i = 0; i < n; i++) {
        u64 v = convert(&env, from, to, element(from, &s, i), trunc);
        if (to == F64)
            r.q[i] = v;
        else
            r.d[i] = (u32)v;
    }
    sse_report(cpu, &env);
    if (mmx)
        mmx_commit(cpu);
    vec_write(cpu, insn, 0, r);
}

#define PACKED(op, from, to, n, trunc, keep)                                                       \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        packed(cpu, insn, from, to, n, trunc, keep);                                               \
    }

PACKED(CVTPS2PD, F32, F64, 2, false, false)
PACKED(CVTPD2PS, F64, F32, 2, false, false)
PACKED(CVTDQ2PS, INT32, F32, 4, false, false)
PACKED(CVTDQ2PD, INT32, F64, 2, false, false)
PACKED(CVTPS2DQ, F32, INT32, 4, false, false)
PACKED(CVTTPS2DQ, F32, INT32, 4, true, false)
PACKED(CVTPD2DQ, F64, INT32, 2, false, false)
PACKED(CVTTPD2DQ, F64, INT32, 2, true, false)
PACKED(CVTPS2PI, F32, INT32, 2, false, false)
PACKED(CVTTPS2PI, F32, INT32, 2, true, false)
PACKED(CVTPD2PI, F64, INT32, 2, false, false)
PACKED(CVTTPD2PI, F64, INT32, 2, true, false)
PACKED(CVTPI2PS, INT32, F32, 2, false, true)
PACKED(CVTPI2PD, INT32, F64, 2, false, false)
PACKED(CVTSS2SD, F32, F64, 1, false, true)
PACKED(CVTSD2SS, F64, F32, 1, false, true)

/* ---- general registers ---- */
static void from_int(struct cpu *cpu, const struct insn *insn, const struct fp_ieee *f)
{
    struct fpenv env;
    u64 v;
    sse_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    if (HARD_FLOAT && f == &fp_double && insn->o[1].size == 4) { /* always exact */
        cpu->xmm[insn->o[0].reg & 15].q[0] = hard_u64((double)(s32)v);
        return;
    }
    env = sse_env(cpu);
    v = ieee_from_s64(&env, f, sext(v, insn->o[1].size * 8u));
    sse_report(cpu, &env);
    if (f == &fp_single)
        cpu->xmm[insn->o[0].reg & 15].d[0] = (u32)v;
    else
        cpu->xmm[insn->o[0].reg & 15].q[0] = v;
}

void exec_CVTSI2SS(struct cpu *cpu, const struct insn *insn)
{
    from_int(cpu, insn, &fp_single);
}

void exec_CVTSI2SD(struct cpu *cpu, const struct insn *insn)
{
    from_int(cpu, insn, &fp_double);
}

static void to_int(struct cpu *cpu, const struct insn *insn, const struct fp_ieee *f, bool trunc)
{
    struct fpenv env;
    union xmm s;
    s64 v;
    sse_begin(cpu);
    s = vec_read(cpu, insn, 1);
    if (trunc && f == &fp_double && insn->o[0].size == 4) {
        s32 i;
        if (hard_trunc64(s.q[0], cpu->mxcsr & FP_PE && !(~cpu->mxcsr & FP_PE << 7), &i)) {
            opnd_write(cpu, insn, 0, (u32)i);
            return;
        }
    }
    env = sse_env(cpu);
    v = ieee_to_int(&env, f, f == &fp_single ? s.d[0] : s.q[0], insn->o[0].size * 8u, trunc);
    sse_report(cpu, &env);
    opnd_write(cpu, insn, 0, (u64)v);
}

void exec_CVTSS2SI(struct cpu *cpu, const struct insn *insn)
{
    to_int(cpu, insn, &fp_single, false);
}

void exec_CVTTSS2SI(struct cpu *cpu, const struct insn *insn)
{
    to_int(cpu, insn, &fp_single, true);
}

void exec_CVTSD2SI(struct cpu *cpu, const struct insn *insn)
{
    to_int(cpu, insn, &fp_double, false);
}

void exec_CVTTSD2SI(struct cpu *cpu, const struct insn *insn)
{
    to_int(cpu, insn, &fp_double, true);
}
