/* x87 arithmetic and comparison, with register, memory and integer operands (SDM vol. 1, 8.3.5
 * and 8.3.6). */
#include "cpu/exec/x87.h"
#include "cpu/fp/host_x87.h"

/* Inlined into every handler, so that the operation is known there. */
#define INLINE static inline __attribute__((always_inline))

typedef struct f80 binary_fn(struct fpenv *env, const struct f80 *a, const struct f80 *b);

/* The host's unit works on the registers in place. */
#define BINARY(name, op, x, y)                                                                     \
    INLINE struct f80 name(struct fpenv *env, const struct f80 *a, const struct f80 *b)            \
    {                                                                                              \
        struct f80 r;                                                                              \
        if (LIKELY(host_f80_##op(env, x, y, &r)))                                                  \
            return (struct f80){r.frac, r.se};                                                     \
        return f80_##op##_soft(env, *x, *y);                                                       \
    }

BINARY(add, add, a, b)
BINARY(sub, sub, a, b)
BINARY(sub_reversed, sub, b, a)
BINARY(mul, mul, a, b)
BINARY(div_by, div, a, b)
BINARY(div_reversed, div, b, a)

/* An operand from memory in the stack's format. `denormal`: it was one in its own format, which
 * widening hides. */
struct source {
    struct f80 v;
    bool denormal;
};

/* Starts the instruction, reads the operand and notes the pointers. */
INLINE struct source read_source(struct cpu *cpu, const struct insn *insn, bool integer)
{
    struct source s = {.denormal = false};
    u64 off, raw;
    x87_start(cpu);
    off = ea(cpu, insn);
    raw = insn->o[0].size == 8 ? mem_read(cpu, insn->seg, off, 8)
                               : mem_read(cpu, insn->seg, off, insn->o[0].size);
    x87_note_mem(cpu, insn, off);
    if (integer)
        s.v = f80_from_s64(sext(raw, insn->o[0].size * 8u));
    else if (insn->o[0].size == 4)
        s.v = f80_widen_f32((u32)raw, &s.denormal);
    else
        s.v = f80_widen_f64(raw, &s.denormal);
    return s;
}

/* Add the report that `s` was denormal: only exceptions found before it hide it, and when it traps
 * it hides the rest. */
INLINE void report_denormal(struct fpenv *env, struct source s, struct f80 other)
{
    enum f80_class c;
    if (LIKELY(!s.denormal))
        return;
    c = f80_classify(other);
    if (c == F80_NAN || c == F80_UNSUPPORTED || env->flags & (FP_IE | FP_ZE))
        return;
    env->flags |= FP_DE;
    if (env->unmasked & FP_DE) {
        env->flags = FP_DE;
        env->rounded_up = false;
    }
}

INLINE void arith_mem(struct cpu *cpu, const struct insn *insn, binary_fn *fn, bool integer)
{
    struct source s;
    struct fpenv env;
    struct f80 r;
    s = read_source(cpu, insn, integer);
    if (st_empty(cpu, 0)) {
        if (x87_stack_fault(cpu, false))
            st_set(cpu, 0, F80_INDEFINITE);
        return;
    }
    env = x87_env(cpu);
    r = fn(&env, &cpu->fpu.st[st_phys(cpu, 0)], &s.v);
    report_denormal(&env, s, st_get(cpu, 0));
    if (x87_report(cpu, &env))
        st_set(cpu, 0, r);
}

INLINE void arith(struct cpu *cpu, const struct insn *insn, binary_fn *fn, bool pop)
{
    unsigned d = insn->o[0].reg, s = insn->o[1].reg;
    struct fpenv env;
    struct f80 r = F80_INDEFINITE;
    bool deliver;
    if (insn->o[0].kind == OPND_MEM) {
        arith_mem(cpu, insn, fn, false);
        return;
    }
    x87_start(cpu);
    x87_note_code(cpu);
    if (st_empty(cpu, d) || st_empty(cpu, s)) {
        deliver = x87_stack_fault(cpu, false);
    } else {
        env = x87_env(cpu);
        r = fn(&env, &cpu->fpu.st[st_phys(cpu, d)], &cpu->fpu.st[st_phys(cpu, s)]);
        deliver = x87_report(cpu, &env);
    }
    if (!deliver)
        return;
    st_set(cpu, d, r);
    if (pop)
        st_pop(cpu);
}

#define ARITH(name, fn)                                                                            \
    void exec_F##name(struct cpu *cpu, const struct insn *insn)                                    \
    {                                                                                              \
        arith(cpu, insn, fn, false);                                                               \
    }                                                                                              \
    void exec_F##name##P(struct cpu *cpu, const struct insn *insn)                                 \
    {                                                                                              \
        arith(cpu, insn, fn, true);                                                                \
    }                                                                                              \
    void exec_FI##name(struct cpu *cpu, const struct insn *insn)                                   \
    {                                                                                              \
        arith_mem(cpu, insn, fn, true);                                                            \
    }

ARITH(ADD, add)
ARITH(SUB, sub)
ARITH(SUBR, sub_reversed)
ARITH(MUL, mul)
ARITH(DIV, div_by)
ARITH(DIVR, div_reversed)

/* ---- comparison ---- */
static u16 cc_of(enum fp_order o)
{
    static const u16 cc[] = {[FP_LESS] = SW_C0,
                             [FP_EQUAL] = SW_C3,
                             [FP_GREATER] = 0,
                             [FP_UNORDERED] = SW_C0 | SW_C2 | SW_C3};
    return cc[o];
}

INLINE void compare_mem(struct cpu *cpu, const struct insn *insn, bool integer, unsigned pops)
{
    struct fpenv env;
    struct source s;
    bool deliver;
    s = read_source(cpu, insn, integer);
    if (st_empty(cpu, 0)) {
        x87_set_cc(cpu, cc_of(FP_UNORDERED));
        deliver = x87_stack_fault(cpu, false);
    } else {
        env = x87_env(cpu);
        x87_set_cc(cpu, cc_of(f80_compare(&env, st_get(cpu, 0), s.v, false)));
        report_denormal(&env, s, st_get(cpu, 0));
        deliver = x87_report(cpu, &env);
    }
    if (deliver && pops)
        st_pop(cpu);
}

/* Compare ST(0) with ST(i). `quiet`: FUCOM; `eflags`: the order goes to EFLAGS. */
INLINE void compare(struct cpu *cpu, const struct insn *insn, unsigned i, bool quiet, bool eflags,
                    unsigned pops)
{
    /* ZF, PF, CF by order. */
    static const u8 flags[] = {
        [FP_LESS] = F_C, [FP_EQUAL] = F_Z, [FP_GREATER] = 0, [FP_UNORDERED] = F_Z | F_P | F_C};
    enum fp_order order = FP_UNORDERED;
    u16 c1 = eflags ? cpu->fpu.sw & SW_C1 : 0; /* the EFLAGS forms touch it for stack faults only */
    struct fpenv env;
    bool deliver;
    x87_begin(cpu, insn);
    if (st_empty(cpu, 0) || st_empty(cpu, i)) {
        deliver = x87_stack_fault(cpu, false);
    } else {
        cpu->fpu.sw |= c1;
        env = x87_env(cpu);
        order = f80_compare(&env, st_get(cpu, 0), st_get(cpu, i), quiet);
        deliver = x87_report(cpu, &env);
    }
    if (eflags)
        cpu_set_aflags(cpu, flags[order]);
    else
        x87_set_cc(cpu, cc_of(order));
    if (!deliver)
        return;
    while (pops--)
        st_pop(cpu);
}

void exec_FCOM(struct cpu *cpu, const struct insn *insn)
{
    if (insn->o[0].kind == OPND_MEM)
        compare_mem(cpu, insn, false, 0);
    else
        compare(cpu, insn, insn->o[0].reg, false, false, 0);
}

void exec_FCOMP(struct cpu *cpu, const struct insn *insn)
{
    if (insn->o[0].kind == OPND_MEM)
        compare_mem(cpu, insn, false, 1);
    else
        compare(cpu, insn, insn->o[0].reg, false, false, 1);
}

void exec_FCOMPP(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, 1, false, false, 2);
}

void exec_FUCOM(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, insn->o[0].reg, true, false, 0);
}

void exec_FUCOMP(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, insn->o[0].reg, true, false, 1);
}

void exec_FUCOMPP(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, 1, true, false, 2);
}

void exec_FICOM(struct cpu *cpu, const struct insn *insn)
{
    compare_mem(cpu, insn, true, 0);
}

void exec_FICOMP(struct cpu *cpu, const struct insn *insn)
{
    compare_mem(cpu, insn, true, 1);
}

void exec_FCOMI(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, insn->o[1].reg, false, true, 0);
}

void exec_FCOMIP(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, insn->o[1].reg, false, true, 1);
}

void exec_FUCOMI(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, insn->o[1].reg, true, true, 0);
}

void exec_FUCOMIP(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, insn->o[1].reg, true, true, 1);
}

void exec_FTST(struct cpu *cpu, const struct insn *insn)
{
    struct fpenv env;
    x87_begin(cpu, insn);
    if (st_empty(cpu, 0)) {
        x87_set_cc(cpu, cc_of(FP_UNORDERED));
        x87_stack_fault(cpu, false);
        return;
    }
    env = x87_env(cpu);
    x87_set_cc(cpu, cc_of(f80_compare(&env, st_get(cpu, 0), (struct f80){0, 0}, false)));
    x87_report(cpu, &env);
}

void exec_FXAM(struct cpu *cpu, const struct insn *insn)
{
    static const u16 cc[] = {
        [F80_UNSUPPORTED] = 0,     [F80_NAN] = SW_C0,  [F80_NORMAL] = SW_C2,
        [F80_INF] = SW_C2 | SW_C0, [F80_ZERO] = SW_C3, [F80_DENORMAL] = SW_C3 | SW_C2};
    x87_begin(cpu, insn);
    x87_set_cc(cpu, st_empty(cpu, 0) ? SW_C3 | SW_C0 : cc[f80_classify(st_get(cpu, 0))]);
    if (st_get(cpu, 0).se >> 15)
        cpu->fpu.sw |= SW_C1;
}

/* ---- one operand ---- */
typedef struct f80 unary_fn(struct fpenv *env, struct f80 a);

INLINE void unary(struct cpu *cpu, const struct insn *insn, unary_fn *fn)
{
    struct fpenv env;
    struct f80 r = F80_INDEFINITE;
    x87_begin(cpu, insn);
    if (st_empty(cpu, 0)) {
        if (x87_stack_fault(cpu, false))
            st_set(cpu, 0, r);
        return;
    }
    env = x87_env(cpu);
    r = fn(&env, st_get(cpu, 0));
    if (x87_report(cpu, &env))
        st_set(cpu, 0, r);
}

INLINE struct f80 chs(struct fpenv *env, struct f80 a)
{
    return f80_chs(a);
}

INLINE struct f80 absolute(struct fpenv *env, struct f80 a)
{
    return f80_abs(a);
}

void exec_FCHS(struct cpu *cpu, const struct insn *insn)
{
    unary(cpu, insn, chs);
}

void exec_FABS(struct cpu *cpu, const struct insn *insn)
{
    unary(cpu, insn, absolute);
}

void exec_FSQRT(struct cpu *cpu, const struct insn *insn)
{
    unary(cpu, insn, f80_sqrt);
}

void exec_FRNDINT(struct cpu *cpu, const struct insn *insn)
{
    unary(cpu, insn, f80_rndint);
}

void exec_F2XM1(struct cpu *cpu, const struct insn *insn)
{
    unary(cpu, insn, f80_2xm1);
}
