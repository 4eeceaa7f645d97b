/* x87 scaling, remainders, extraction and transcendental functions on the stack (SDM vol. 1, 8.3.5
 * to 8.3.9). */
#include "cpu/exec/x87.h"

/* ---- two operands in ST(0) and ST(1), result in ST(0) ---- */
void exec_FSCALE(struct cpu *cpu, const struct insn *insn)
{
    struct fpenv env;
    struct f80 r;
    x87_begin(cpu, insn);
    if (st_empty(cpu, 0) || st_empty(cpu, 1)) {
        if (x87_stack_fault(cpu, false))
            st_set(cpu, 0, F80_INDEFINITE);
        return;
    }
    env = x87_env(cpu);
    r = f80_scale(&env, st_get(cpu, 0), st_get(cpu, 1));
    if (x87_report(cpu, &env))
        st_set(cpu, 0, r);
}

static void remainder_op(struct cpu *cpu, const struct insn *insn, bool nearest)
{
    struct f80_quotient q;
    struct fpenv env;
    struct f80 r;
    x87_begin(cpu, insn);
    cpu->fpu.sw &= (u16)~SW_C2;
    if (st_empty(cpu, 0) || st_empty(cpu, 1)) {
        if (x87_stack_fault(cpu, false))
            st_set(cpu, 0, F80_INDEFINITE);
        return;
    }
    env = x87_env(cpu);
    r = f80_rem(&env, st_get(cpu, 0), st_get(cpu, 1), nearest, &q);
    env.rounded_up = q.q & 1; /* C1 is a quotient bit here */
    if (!x87_report(cpu, &env))
        return;
    if (f80_classify(r) != F80_NAN)
        x87_set_cc(cpu,
                   (u16)((q.q & 4 ? SW_C0 : 0) | (q.q & 2 ? SW_C3 : 0) | (q.partial ? SW_C2 : 0)));
    st_set(cpu, 0, r);
}

void exec_FPREM(struct cpu *cpu, const struct insn *insn)
{
    remainder_op(cpu, insn, false);
}

void exec_FPREM1(struct cpu *cpu, const struct insn *insn)
{
    remainder_op(cpu, insn, true);
}

/* ---- two operands, result in ST(1), pop ---- */
typedef struct f80 two_fn(struct fpenv *env, struct f80 st0, struct f80 st1);

static struct f80 atan2_of(struct fpenv *env, struct f80 x, struct f80 y)
{
    return f80_atan2(env, y, x);
}

static void two_to_one(struct cpu *cpu, const struct insn *insn, two_fn *fn)
{
    struct f80 r = F80_INDEFINITE;
    struct fpenv env;
    bool deliver;
    x87_begin(cpu, insn);
    if (st_empty(cpu, 0) || st_empty(cpu, 1)) {
        deliver = x87_stack_fault(cpu, false);
    } else {
        env = x87_env(cpu);
        r = fn(&env, st_get(cpu, 0), st_get(cpu, 1));
        deliver = x87_report(cpu, &env);
    }
    if (!deliver)
        return;
    st_set(cpu, 1, r);
    st_pop(cpu);
}

void exec_FYL2X(struct cpu *cpu, const struct insn *insn)
{
    two_to_one(cpu, insn, f80_yl2x);
}

void exec_FYL2XP1(struct cpu *cpu, const struct insn *insn)
{
    two_to_one(cpu, insn, f80_yl2xp1);
}

void exec_FPATAN(struct cpu *cpu, const struct insn *insn)
{
    two_to_one(cpu, insn, atan2_of);
}

/* ---- angles ---- */
typedef bool angle_fn(struct fpenv *env, struct f80 x, struct f80 *r);

static void angle(struct cpu *cpu, const struct insn *insn, angle_fn *fn)
{
    struct fpenv env;
    struct f80 r;
    x87_begin(cpu, insn);
    cpu->fpu.sw &= (u16)~SW_C2;
    if (st_empty(cpu, 0)) {
        if (x87_stack_fault(cpu, false))
            st_set(cpu, 0, F80_INDEFINITE);
        return;
    }
    env = x87_env(cpu);
    if (!fn(&env, st_get(cpu, 0), &r))
        cpu->fpu.sw |= SW_C2;
    else if (x87_report(cpu, &env))
        st_set(cpu, 0, r);
}

void exec_FSIN(struct cpu *cpu, const struct insn *insn)
{
    angle(cpu, insn, f80_sin);
}

void exec_FCOS(struct cpu *cpu, const struct insn *insn)
{
    angle(cpu, insn, f80_cos);
}

/* ---- one operand, two results: ST(0) is replaced and the second pushed ---- */
/* Both a missing operand and a missing place for the second result are stack faults: true when
 * there was one. */
static bool one_to_two_fault(struct cpu *cpu)
{
    bool underflow = st_empty(cpu, 0);
    if (!underflow && st_empty(cpu, 7))
        return false;
    if (x87_stack_fault(cpu, !underflow)) {
        st_set(cpu, 0, F80_INDEFINITE);
        st_push(cpu, F80_INDEFINITE);
    }
    return true;
}

void exec_FSINCOS(struct cpu *cpu, const struct insn *insn)
{
    struct fpenv env;
    struct f80 s, c;
    x87_begin(cpu, insn);
    cpu->fpu.sw &= (u16)~SW_C2;
    if (one_to_two_fault(cpu))
        return;
    env = x87_env(cpu);
    if (!f80_sincos(&env, st_get(cpu, 0), &s, &c)) {
        cpu->fpu.sw |= SW_C2;
    } else if (x87_report(cpu, &env)) {
        st_set(cpu, 0, s);
        st_push(cpu, c);
    }
}

void exec_FPTAN(struct cpu *cpu, const struct insn *insn)
{
    struct fpenv env;
    struct f80 t;
    x87_begin(cpu, insn);
    cpu->fpu.sw &= (u16)~SW_C2;
    if (one_to_two_fault(cpu))
        return;
    env = x87_env(cpu);
    if (!f80_tan(&env, st_get(cpu, 0), &t)) {
        cpu->fpu.sw |= SW_C2;
    } else if (x87_report(cpu, &env)) {
        st_set(cpu, 0, t);
        /* The 1.0 that is pushed becomes the NaN when there is no tangent. */
        st_push(cpu, f80_classify(t) == F80_NAN ? t : f80_const(&env, F80_1));
    }
}

void exec_FXTRACT(struct cpu *cpu, const struct insn *insn)
{
    struct f80 significand, exponent;
    struct fpenv env;
    x87_begin(cpu, insn);
    if (one_to_two_fault(cpu))
        return;
    env = x87_env(cpu);
    significand = f80_xtract(&env, st_get(cpu, 0), &exponent);
    if (x87_report(cpu, &env)) {
        st_set(cpu, 0, exponent);
        st_push(cpu, significand);
    }
}
