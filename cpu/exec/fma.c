/* Fused multiply-add: FMA3 (SDM vol. 1 section 14.5). One rounding, and the flags of that.
 *
 * The digits of the mnemonic say which operands are multiplied and which is added: 132 is
 * o[0] * o[2] + o[1], 213 is o[1] * o[0] + o[2], 231 is o[1] * o[2] + o[0]. */
#include "cpu/exec/avx.h"

enum order { ORDER_132, ORDER_213, ORDER_231 };
/* What is negated in the lanes: the product, the addend; the addend of even or of odd lanes only.
 */
enum sign { NEG_PRODUCT = 1, NEG_ADDEND = 2, NEG_EVEN = 4, NEG_ODD = 8 };

struct shape {
    const struct fp_ieee *fmt;
    bool scalar;
};

#define PS ((struct shape){&fp_single, false})
#define SS ((struct shape){&fp_single, true})
#define PD ((struct shape){&fp_double, false})
#define SD ((struct shape){&fp_double, true})

static inline u64 lane(struct shape s, const union ymm *v, unsigned i)
{
    return s.fmt == &fp_single ? v->d[i & 7] : v->q[i & 3];
}

static inline __attribute__((always_inline)) void
fused(struct cpu *cpu, const struct insn *insn, struct shape shape, enum order order, unsigned sign)
{
    unsigned size = shape.fmt == &fp_single ? 4 : 8, n = shape.scalar ? 1u : insn->vl / size;
    const union ymm *x, *y, *z;
    union ymm v[3], r;
    struct fpenv env;
    avx_begin(cpu);
    v[2] = avx_read(cpu, insn, 2);
    v[1] = ymm_get(cpu, insn->o[1].reg);
    v[0] = ymm_get(cpu, insn->o[0].reg);
    x = order == ORDER_132 ? &v[0] : &v[1];
    y = order == ORDER_213 ? &v[0] : &v[2];
    z = &v[order == ORDER_132 ? 1 : order == ORDER_213 ? 2 : 0];
    r = v[0];
    env = sse_env(cpu);
    for (unsigned i = 0; i < n; i++) {
        bool minus = sign & (NEG_ADDEND | (i & 1 ? NEG_ODD : NEG_EVEN));
        u64 f = ieee_fma(&env, shape.fmt, lane(shape, x, i), lane(shape, y, i), lane(shape, z, i),
                         sign & NEG_PRODUCT, minus);
        if (size == 4)
            r.d[i & 7] = (u32)f;
        else
            r.q[i & 3] = f;
    }
    sse_report(cpu, &env);
    avx_write(cpu, insn, &r);
}

#define FORM(op, shape, order, sign)                                                               \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        fused(cpu, insn, shape, order, sign);                                                      \
    }
#define PAIR(op, order, sign)                                                                      \
    FORM(op##PS, PS, order, sign)                                                                  \
    FORM(op##PD, PD, order, sign)
#define FOUR(op, order, sign)                                                                      \
    PAIR(op, order, sign)                                                                          \
    FORM(op##SS, SS, order, sign)                                                                  \
    FORM(op##SD, SD, order, sign)
#define ORDERS(what, op, sign)                                                                     \
    what(op##132, ORDER_132, sign) what(op##213, ORDER_213, sign) what(op##231, ORDER_231, sign)

ORDERS(FOUR, VFMADD, 0)
ORDERS(FOUR, VFMSUB, NEG_ADDEND)
ORDERS(FOUR, VFNMADD, NEG_PRODUCT)
ORDERS(FOUR, VFNMSUB, NEG_PRODUCT | NEG_ADDEND)
ORDERS(PAIR, VFMADDSUB, NEG_EVEN)
ORDERS(PAIR, VFMSUBADD, NEG_ODD)
