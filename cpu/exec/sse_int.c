/* Packed integer arithmetic, logic and comparison in MMX, XMM and YMM registers (SDM vol. 1, 9.4,
 * 11.4.2 and 14.6). */
#include "cpu/exec/avx.h"

/* A handler for an operation on lanes `lane` (b, w, d, q), read as `type`: a and b are the lanes of
 * both operands. */
#define LANES(op, lane, type, expr)                                                                \
    LANE_FN v_##op(union xmm *dst, const union xmm *src, unsigned n)                               \
    {                                                                                              \
        for (unsigned i = 0; i < n / sizeof(dst->lane[0]); i++) {                                  \
            type a = (type)dst->lane[i], b = (type)src->lane[i];                                   \
            dst->lane[i] = (__typeof__(dst->lane[0]))(expr);                                       \
        }                                                                                          \
    }                                                                                              \
    VEX_OP(op, v_##op)

LANES(PADDB, b, u8, a + b)
LANES(PADDW, w, u16, a + b)
LANES(PADDD, d, u32, a + b)
LANES(PADDQ, q, u64, a + b)
LANES(PADDSB, b, s8, clamp(a + b, INT8_MIN, INT8_MAX))
LANES(PADDSW, w, s16, clamp(a + b, INT16_MIN, INT16_MAX))
LANES(PADDUSB, b, u8, clamp(a + b, 0, UINT8_MAX))
LANES(PADDUSW, w, u16, clamp(a + b, 0, UINT16_MAX))
LANES(PSUBB, b, u8, a - b)
LANES(PSUBW, w, u16, a - b)
LANES(PSUBD, d, u32, a - b)
LANES(PSUBQ, q, u64, a - b)
LANES(PSUBSB, b, s8, clamp(a - b, INT8_MIN, INT8_MAX))
LANES(PSUBSW, w, s16, clamp(a - b, INT16_MIN, INT16_MAX))
LANES(PSUBUSB, b, u8, clamp(a - b, 0, UINT8_MAX))
LANES(PSUBUSW, w, u16, clamp(a - b, 0, UINT16_MAX))

LANES(PAND, q, u64, (a & b))
LANES(PANDN, q, u64, (~a & b))
LANES(POR, q, u64, a | b)
LANES(PXOR, q, u64, a ^ b)
LANES(ANDPS, q, u64, (a & b))
LANES(ANDPD, q, u64, (a & b))
LANES(ANDNPS, q, u64, (~a & b))
LANES(ANDNPD, q, u64, (~a & b))
LANES(ORPS, q, u64, a | b)
LANES(ORPD, q, u64, a | b)
LANES(XORPS, q, u64, a ^ b)
LANES(XORPD, q, u64, a ^ b)

LANES(PCMPEQB, b, u8, a == b ? 0xff : 0)
LANES(PCMPEQW, w, u16, a == b ? 0xffff : 0)
LANES(PCMPEQD, d, u32, a == b ? ~0u : 0)
LANES(PCMPEQQ, q, u64, a == b ? ~0ull : 0)
LANES(PCMPGTB, b, s8, a > b ? 0xff : 0)
LANES(PCMPGTW, w, s16, a > b ? 0xffff : 0)
LANES(PCMPGTD, d, s32, a > b ? ~0u : 0)
LANES(PCMPGTQ, q, s64, a > b ? ~0ull : 0)

LANES(PAVGB, b, u8, (a + b + 1) >> 1)
LANES(PAVGW, w, u16, (a + b + 1) >> 1)
LANES(PMAXUB, b, u8, MAX(a, b))
LANES(PMINUB, b, u8, MIN(a, b))
LANES(PMAXSW, w, s16, MAX(a, b))
LANES(PMINSW, w, s16, MIN(a, b))
LANES(PMAXSB, b, s8, MAX(a, b))
LANES(PMINSB, b, s8, MIN(a, b))
LANES(PMAXUW, w, u16, MAX(a, b))
LANES(PMINUW, w, u16, MIN(a, b))
LANES(PMAXSD, d, s32, MAX(a, b))
LANES(PMINSD, d, s32, MIN(a, b))
LANES(PMAXUD, d, u32, MAX(a, b))
LANES(PMINUD, d, u32, MIN(a, b))

LANES(PMULLW, w, u16, (u32)a *b)
LANES(PMULHW, w, s16, (s32)a *b >> 16)
LANES(PMULHUW, w, u16, (u32)a *b >> 16)
LANES(PMULHRSW, w, s16, (((s32)a * b >> 14) + 1) >> 1)
LANES(PMULLD, d, u32, (u64)a *b)
LANES(PMULUDQ, q, u64, (a & 0xffffffff) * (b & 0xffffffff))
LANES(PMULDQ, q, s64, (s64)(s32)a *(s32)b)

LANES(PSIGNB, b, s8, b < 0 ? -a : b ? a : 0)
LANES(PSIGNW, w, s16, b < 0 ? -a : b ? a : 0)
LANES(PSIGND, d, s32, b < 0 ? -(s64)a : b ? a : 0)
LANES(PABSB, b, s8, (a = b) < 0 ? -a : a)
LANES(PABSW, w, s16, (a = b) < 0 ? -a : a)
LANES(PABSD, d, s32, (a = b) < 0 ? -(s64)a : a)

/* ---- sums of products and of differences ---- */
LANE_FN madd_words(union xmm *d, const union xmm *s, unsigned n)
{
    for (unsigned i = 0; i < n / 4; i++) {
        u32 lo = (u32)((s32)(s16)d->w[2 * i] * (s16)s->w[2 * i]);
        u32 hi = (u32)((s32)(s16)d->w[2 * i + 1] * (s16)s->w[2 * i + 1]);
        d->d[i] = lo + hi;
    }
}
VEX_OP(PMADDWD, madd_words)

LANE_FN madd_bytes(union xmm *d, const union xmm *s, unsigned n)
{
    for (unsigned i = 0; i < n / 2; i++) {
        s32 sum = d->b[2 * i] * (s8)s->b[2 * i] + d->b[2 * i + 1] * (s8)s->b[2 * i + 1];
        d->w[i] = (u16)clamp(sum, INT16_MIN, INT16_MAX);
    }
}
VEX_OP(PMADDUBSW, madd_bytes)

LANE_FN sum_differences(union xmm *d, const union xmm *s, unsigned n)
{
    for (unsigned half = 0; half < n; half += 8) {
        u32 sum = 0;
        for (unsigned i = half; i < half + 8; i++)
            sum += (u32)(d->b[i] > s->b[i] ? d->b[i] - s->b[i] : s->b[i] - d->b[i]);
        d->q[half / 8] = sum;
    }
}
VEX_OP(PSADBW, sum_differences)

/* ---- horizontal addition: neighbours of the destination, then those of the source ---- */
#define HORIZONTAL(op, lane, type, expr)                                                           \
    LANE_FN h_##op(union xmm *dst, const union xmm *src, unsigned n)                               \
    {                                                                                              \
        unsigned half = n / sizeof(dst->lane[0]) / 2;                                              \
        union xmm r = *dst;                                                                        \
        for (unsigned i = 0; i < 2 * half; i++) {                                                  \
            const union xmm *from = i < half ? dst : src;                                          \
            unsigned at = 2 * (i % half);                                                          \
            type a = (type)from->lane[at], b = (type)from->lane[at + 1];                           \
            r.lane[i] = (__typeof__(r.lane[0]))(expr);                                             \
        }                                                                                          \
        *dst = r;                                                                                  \
    }                                                                                              \
    VEX_OP(op, h_##op)

HORIZONTAL(PHADDW, w, u16, a + b)
HORIZONTAL(PHADDD, d, u32, a + b)
HORIZONTAL(PHADDSW, w, s16, clamp(a + b, INT16_MIN, INT16_MAX))
HORIZONTAL(PHSUBW, w, u16, a - b)
HORIZONTAL(PHSUBD, d, u32, a - b)
HORIZONTAL(PHSUBSW, w, s16, clamp(a - b, INT16_MIN, INT16_MAX))

/* ---- shifts: the count is an immediate or the low quadword of the source ---- */
enum shift { SHIFT_LEFT, SHIFT_RIGHT, SHIFT_ARITH };

static u64 shift_lane(u64 v, unsigned bits, enum shift how, u64 count)
{
    if (how == SHIFT_ARITH)
        return (u64)(sext(v, bits) >> MIN(count, bits - 1));
    if (count >= bits)
        return 0;
    return how == SHIFT_LEFT ? v << count : v >> count;
}

/* `n` bytes of lanes. */
static inline __attribute__((always_inline)) void
shift_lanes(union xmm *d, unsigned n, unsigned bits, enum shift how, u64 count)
{
    for (unsigned i = 0; i < n * 8 / bits; i++) {
        switch (bits) {
        case 16: d->w[i] = (u16)shift_lane(d->w[i], 16, how, count); break;
        case 32: d->d[i] = (u32)shift_lane(d->d[i], 32, how, count); break;
        default: d->q[i] = shift_lane(d->q[i], 64, how, count); break;
        }
    }
}

static inline __attribute__((always_inline)) void shift(struct cpu *cpu, const struct insn *insn,
                                                        unsigned bits, enum shift how)
{
    union xmm d;
    u64 count;
    simd_begin(cpu, insn);
    count = insn->o[1].kind == OPND_IMM ? (u8)insn->imm : vec_read(cpu, insn, 1).q[0];
    d = vec_read(cpu, insn, 0);
    shift_lanes(&d, vec_bytes(insn), bits, how, count);
    if (uses_mmx(insn))
        mmx_commit(cpu);
    vec_write(cpu, insn, 0, d);
}

static inline __attribute__((always_inline)) void
avx_shift(struct cpu *cpu, const struct insn *insn, unsigned bits, enum shift how)
{
    union ymm d;
    u64 count;
    avx_begin(cpu);
    count = insn->o[2].kind == OPND_IMM ? (u8)insn->imm : avx_read(cpu, insn, 2).q[0];
    d = ymm_get(cpu, insn->o[1].reg);
    shift_lanes(&d.h[0], 16, bits, how, count);
    shift_lanes(&d.h[1], 16, bits, how, count);
    avx_write(cpu, insn, &d);
}

#define SHIFT(op, bits, how)                                                                       \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        shift(cpu, insn, bits, how);                                                               \
    }                                                                                              \
    void exec_V##op(struct cpu *cpu, const struct insn *insn)                                      \
    {                                                                                              \
        avx_shift(cpu, insn, bits, how);                                                           \
    }

SHIFT(PSLLW, 16, SHIFT_LEFT)
SHIFT(PSLLD, 32, SHIFT_LEFT)
SHIFT(PSLLQ, 64, SHIFT_LEFT)
SHIFT(PSRLW, 16, SHIFT_RIGHT)
SHIFT(PSRLD, 32, SHIFT_RIGHT)
SHIFT(PSRLQ, 64, SHIFT_RIGHT)
SHIFT(PSRAW, 16, SHIFT_ARITH)
SHIFT(PSRAD, 32, SHIFT_ARITH)

/* AVX2: each lane by the lane of the second source. */
#define SHIFT_EACH(op, lane, bits, how)                                                            \
    LANE_FN each_##op(union xmm *d, const union xmm *s, unsigned n)                                \
    {                                                                                              \
        for (unsigned i = 0; i < n * 8 / (bits); i++)                                              \
            d->lane[i] = (__typeof__(d->lane[0]))shift_lane(d->lane[i], bits, how, s->lane[i]);    \
    }                                                                                              \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        avx_op(cpu, insn, each_##op);                                                              \
    }

SHIFT_EACH(VPSLLVD, d, 32, SHIFT_LEFT)
SHIFT_EACH(VPSLLVQ, q, 64, SHIFT_LEFT)
SHIFT_EACH(VPSRLVD, d, 32, SHIFT_RIGHT)
SHIFT_EACH(VPSRLVQ, q, 64, SHIFT_RIGHT)
SHIFT_EACH(VPSRAVD, d, 32, SHIFT_ARITH)

/* ---- shifts of sixteen bytes by bytes ---- */
static void bytes_left(union xmm *d, const union xmm *s, unsigned imm)
{
    unsigned n = MIN(imm, 16u);
    union xmm r = {.q = {0, 0}};
    memcpy(r.b + n, s->b, 16 - n);
    *d = r;
}

static void bytes_right(union xmm *d, const union xmm *s, unsigned imm)
{
    unsigned n = MIN(imm, 16u);
    union xmm r = {.q = {0, 0}};
    memcpy(r.b, s->b + n, 16 - n);
    *d = r;
}

/* The SSE forms have one register, which is also the source. */
static void shift_bytes(struct cpu *cpu, const struct insn *insn, imm_fn *fn)
{
    union xmm *d = &cpu->xmm[insn->o[0].reg & 15];
    sse_begin(cpu);
    fn(d, d, (u8)insn->imm);
}

void exec_PSLLDQ(struct cpu *cpu, const struct insn *insn)
{
    shift_bytes(cpu, insn, bytes_left);
}

void exec_PSRLDQ(struct cpu *cpu, const struct insn *insn)
{
    shift_bytes(cpu, insn, bytes_right);
}

AVX_IMM_OP(VPSLLDQ, bytes_left, 0)
AVX_IMM_OP(VPSRLDQ, bytes_right, 0)

void exec_PMOVMSKB(struct cpu *cpu, const struct insn *insn)
{
    u32 mask = 0;
    union xmm s;
    simd_begin(cpu, insn);
    s = vec_read(cpu, insn, 1);
    for (unsigned i = 0; i < vec_bytes(insn); i++)
        mask |= (u32)(s.b[i] >> 7) << i;
    if (uses_mmx(insn))
        mmx_commit(cpu);
    opnd_write(cpu, insn, 0, mask);
}

void exec_VPMOVMSKB(struct cpu *cpu, const struct insn *insn)
{
    u32 mask = 0;
    union ymm s;
    avx_begin(cpu);
    s = avx_read(cpu, insn, 1);
    for (unsigned i = 0; i < insn->vl; i++)
        mask |= (u32)(s.b[i] >> 7) << i;
    opnd_write(cpu, insn, 0, mask);
}
