/* Conversions among single, double and integers, in XMM, MMX and general registers (SDM vol.
 * 1, 11.6.3 and figure 11-8). */
#include "cpu/exec/sse_cvt.h"
#include "cpu/exec/sse_host.h"
#include "cpu/fp/hard.h"

/* Convert `n` elements of the source. The destination's other bits become zero, or stay with
 * `keep`. */
static inline __attribute__((always_inline)) void packed(struct cpu *cpu, const struct insn *insn,
                                                         enum form from, enum form to, unsigned n,
                                                         bool trunc, bool keep, host_fn *host)
{
    union xmm s, r = {.q = {0, 0}};
    bool mmx = uses_mmx(insn);
    struct fpenv env;
    sse_begin(cpu);
    if (mmx)
        mmx_begin(cpu);
    s = vec_read(cpu, insn, 1);
    if (host && LIKELY(host(cpu, insn->o[0].reg, &s)))
        return;
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
    if (mmx) /* also when an exception follows */
        mmx_commit(cpu);
    sse_report(cpu, &env);
    vec_write(cpu, insn, 0, r);
}

#define PACKED(op, from, to, n, trunc, keep)                                                       \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        packed(cpu, insn, from, to, n, trunc, keep, NULL);                                         \
    }

/* The host has these too; with MMX operands there is the soft form only. */
#define PACKED_HOST(op, text, from, to, n, trunc, keep)                                            \
    SSE_HOST(op, text " %[s], %[d]")                                                               \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        packed(cpu, insn, from, to, n, trunc, keep, host_##op);                                    \
    }

PACKED_HOST(CVTPS2PD, "cvtps2pd", F32, F64, 2, false, false)
PACKED_HOST(CVTPD2PS, "cvtpd2ps", F64, F32, 2, false, false)
PACKED_HOST(CVTDQ2PS, "cvtdq2ps", INT32, F32, 4, false, false)
PACKED_HOST(CVTDQ2PD, "cvtdq2pd", INT32, F64, 2, false, false)
PACKED_HOST(CVTPS2DQ, "cvtps2dq", F32, INT32, 4, false, false)
PACKED_HOST(CVTTPS2DQ, "cvttps2dq", F32, INT32, 4, true, false)
PACKED_HOST(CVTPD2DQ, "cvtpd2dq", F64, INT32, 2, false, false)
PACKED_HOST(CVTTPD2DQ, "cvttpd2dq", F64, INT32, 2, true, false)
PACKED(CVTPS2PI, F32, INT32, 2, false, false)
PACKED(CVTTPS2PI, F32, INT32, 2, true, false)
PACKED(CVTPD2PI, F64, INT32, 2, false, false)
PACKED(CVTTPD2PI, F64, INT32, 2, true, false)
PACKED(CVTPI2PS, INT32, F32, 2, false, true)
PACKED(CVTPI2PD, INT32, F64, 2, false, false)
PACKED_HOST(CVTSS2SD, "cvtss2sd", F32, F64, 1, false, true)
PACKED_HOST(CVTSD2SS, "cvtsd2ss", F64, F32, 1, false, true)

/* ---- general registers ---- */
static inline __attribute__((always_inline)) void
from_int(struct cpu *cpu, const struct insn *insn, const struct fp_ieee *f,
         bool (*host)(struct cpu *, unsigned, s64))
{
    struct fpenv env;
    u64 v;
    sse_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    if (HARD_FLOAT && f == &fp_double && insn->o[1].size == 4) { /* always exact */
        cpu->xmm[insn->o[0].reg & 15].q[0] = hard_u64((double)(s32)v);
        return;
    }
    if (LIKELY(host(cpu, insn->o[0].reg, sext(v, insn->o[1].size * 8u))))
        return;
    env = sse_env(cpu);
    v = ieee_from_s64(&env, f, sext(v, insn->o[1].size * 8u));
    sse_report(cpu, &env);
    if (f == &fp_single)
        cpu->xmm[insn->o[0].reg & 15].d[0] = (u32)v;
    else
        cpu->xmm[insn->o[0].reg & 15].q[0] = v;
}

#define FROM_INT(op, text, fmt)                                                                    \
    SSE_HOST_FROM_INT(op, text)                                                                    \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        from_int(cpu, insn, fmt, host_##op);                                                       \
    }

FROM_INT(CVTSI2SS, "cvtsi2ssq", &fp_single)
FROM_INT(CVTSI2SD, "cvtsi2sdq", &fp_double)

static inline __attribute__((always_inline)) void
to_int(struct cpu *cpu, const struct insn *insn, const struct fp_ieee *f, bool trunc,
       bool (*host)(struct cpu *, unsigned, const union xmm *, u64 *))
{
    struct fpenv env;
    union xmm s;
    u64 r;
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
    if (LIKELY(host(cpu, insn->o[0].size, &s, &r))) {
        opnd_write(cpu, insn, 0, r);
        return;
    }
    env = sse_env(cpu);
    v = ieee_to_int(&env, f, f == &fp_single ? s.d[0] : s.q[0], insn->o[0].size * 8u, trunc);
    sse_report(cpu, &env);
    opnd_write(cpu, insn, 0, (u64)v);
}

#define TO_INT(op, text, fmt, trunc)                                                               \
    SSE_HOST_TO_INT(op, text)                                                                      \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        to_int(cpu, insn, fmt, trunc, host_##op);                                                  \
    }

TO_INT(CVTSS2SI, "cvtss2si", &fp_single, false)
TO_INT(CVTTSS2SI, "cvttss2si", &fp_single, true)
TO_INT(CVTSD2SI, "cvtsd2si", &fp_double, false)
TO_INT(CVTTSD2SI, "cvttsd2si", &fp_double, true)
