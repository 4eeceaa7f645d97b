/* Conversions by VEX instructions among single, double, half and integers (SDM vol. 1
 * sections 11.6.3 and 14.4). */
#include "cpu/exec/avx.h"
#include "cpu/exec/sse_cvt.h"

static unsigned form_bytes(enum form f)
{
    return f == F64 ? 8 : 4;
}

/* As many elements as the wider form has in the vector. What the result does not fill is zero. */
static void packed(struct cpu *cpu, const struct insn *insn, enum form from, enum form to,
                   bool trunc)
{
    unsigned n = insn->vl / MAX(form_bytes(from), form_bytes(to));
    union ymm s, r = {.q = {0, 0, 0, 0}};
    struct fpenv env;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    env = sse_env(cpu);
    for (unsigned i = 0; i < n; i++) {
        u64 v = convert(&env, from, to, from == F64 ? s.q[i] : s.d[i], trunc);
        if (to == F64)
            r.q[i] = v;
        else
            r.d[i] = (u32)v;
    }
    sse_report(cpu, &env);
    ymm_set(cpu, insn->o[0].reg, &r);
}

#define PACKED(op, from, to, trunc)                                                                \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        packed(cpu, insn, from, to, trunc);                                                        \
    }

PACKED(VCVTPS2PD, F32, F64, false)
PACKED(VCVTPD2PS, F64, F32, false)
PACKED(VCVTDQ2PS, INT32, F32, false)
PACKED(VCVTDQ2PD, INT32, F64, false)
PACKED(VCVTPS2DQ, F32, INT32, false)
PACKED(VCVTTPS2DQ, F32, INT32, true)
PACKED(VCVTPD2DQ, F64, INT32, false)
PACKED(VCVTTPD2DQ, F64, INT32, true)

/* ---- scalars: the rest is that of the first source ---- */
static void put_scalar(struct cpu *cpu, const struct insn *insn, enum form to, u64 v)
{
    union xmm d = cpu->xmm[insn->o[1].reg & 15];
    if (to == F64)
        d.q[0] = v;
    else
        d.d[0] = (u32)v;
    xmm_set(cpu, insn->o[0].reg, d);
}

static void scalar(struct cpu *cpu, const struct insn *insn, enum form from, enum form to)
{
    struct fpenv env;
    union ymm s;
    u64 v;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 2);
    env = sse_env(cpu);
    v = convert(&env, from, to, element(from, &s.h[0], 0), false);
    sse_report(cpu, &env);
    put_scalar(cpu, insn, to, v);
}

void exec_VCVTSS2SD(struct cpu *cpu, const struct insn *insn)
{
    scalar(cpu, insn, F32, F64);
}

void exec_VCVTSD2SS(struct cpu *cpu, const struct insn *insn)
{
    scalar(cpu, insn, F64, F32);
}

/* ---- general registers ---- */
static void from_int(struct cpu *cpu, const struct insn *insn, enum form to)
{
    struct fpenv env;
    u64 v;
    avx_begin(cpu);
    v = opnd_read(cpu, insn, 2);
    env = sse_env(cpu);
    v = ieee_from_s64(&env, to == F64 ? &fp_double : &fp_single, sext(v, insn->o[2].size * 8u));
    sse_report(cpu, &env);
    put_scalar(cpu, insn, to, v);
}

void exec_VCVTSI2SS(struct cpu *cpu, const struct insn *insn)
{
    from_int(cpu, insn, F32);
}

void exec_VCVTSI2SD(struct cpu *cpu, const struct insn *insn)
{
    from_int(cpu, insn, F64);
}

static void to_int(struct cpu *cpu, const struct insn *insn, enum form from, bool trunc)
{
    struct fpenv env;
    union ymm s;
    s64 v;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    env = sse_env(cpu);
    v = ieee_to_int(&env, from == F64 ? &fp_double : &fp_single, element(from, &s.h[0], 0),
                    insn->o[0].size * 8u, trunc);
    sse_report(cpu, &env);
    opnd_write(cpu, insn, 0, (u64)v);
}

#define TO_INT(op, from, trunc)                                                                    \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        to_int(cpu, insn, from, trunc);                                                            \
    }

TO_INT(VCVTSS2SI, F32, false)
TO_INT(VCVTTSS2SI, F32, true)
TO_INT(VCVTSD2SI, F64, false)
TO_INT(VCVTTSD2SI, F64, true)

/* ---- half precision: F16C. DAZ does not reach halves, FTZ does not reach these at all. ---- */
void exec_VCVTPH2PS(struct cpu *cpu, const struct insn *insn)
{
    union ymm s, r = {.q = {0, 0, 0, 0}};
    struct fpenv env;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    env = sse_env(cpu);
    for (unsigned i = 0; i < insn->vl / 4u; i++)
        r.d[i] = f32_from_f16(&env, s.w[i]);
    sse_report(cpu, &env);
    avx_write(cpu, insn, &r);
}

void exec_VCVTPS2PH(struct cpu *cpu, const struct insn *insn)
{
    union ymm s, r = {.q = {0, 0, 0, 0}};
    struct fpenv env;
    u64 off = 0;
    avx_begin(cpu);
    s = ymm_get(cpu, insn->o[1].reg);
    env = sse_env(cpu);
    if (!(insn->imm & 4))
        env.round = insn->imm & 3;
    if (insn->o[0].kind == OPND_MEM) {
        off = ea(cpu, insn);
        mem_check_write(cpu, insn->seg, off, insn->o[0].size);
        if (insn->vl == 32) /* nothing of the store may fault once MXCSR has changed */
            vec_check_ac(cpu, mem_linear(cpu, insn->seg, off, 16, true));
    }
    for (unsigned i = 0; i < insn->vl / 4u; i++)
        r.w[i] = f16_from_f32(&env, s.d[i]);
    sse_report(cpu, &env);
    if (insn->o[0].kind != OPND_MEM)
        xmm_set(cpu, insn->o[0].reg, r.h[0]);
    else if (insn->vl == 32)
        vec_store(cpu, insn->seg, off, r.h[0]);
    else
        mem_write(cpu, insn->seg, off, 8, r.q[0]);
}
