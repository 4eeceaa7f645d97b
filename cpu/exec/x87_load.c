/* x87 data transfer: loads, stores, constants, exchange, conditional moves, stack management (SDM
 * vol. 1, 8.3.3, 8.3.4). */
#include "cpu/exec/x87.h"

/* ---- loads ---- */
void exec_FLD(struct cpu *cpu, const struct insn *insn)
{
    struct fpenv env;
    struct f80 v;
    u8 m[10];
    u64 off, raw;
    x87_start(cpu);
    if (insn->o[0].kind == OPND_ST) {
        x87_note(cpu, insn);
        if (!st_empty(cpu, insn->o[0].reg))
            x87_push(cpu, st_get(cpu, insn->o[0].reg));
        else if (x87_stack_fault(cpu, false))
            st_push(cpu, F80_INDEFINITE);
        return;
    }
    if (insn->o[0].size == 10) {
        mem_check_align(cpu, insn->seg, ea(cpu, insn), 8, false);
        mem_read_bytes(cpu, insn->seg, ea(cpu, insn), m, 10);
        x87_note(cpu, insn);
        x87_push(cpu, f80_load(m));
        return;
    }
    off = ea(cpu, insn);
    raw = insn->o[0].size == 4 ? mem_read(cpu, insn->seg, off, 4) : mem_read(cpu, insn->seg, off, 8);
    x87_note_mem(cpu, insn, off);
    env = x87_env(cpu);
    if (!st_empty(cpu, 7)) {
        x87_push(cpu, F80_INDEFINITE);
        return;
    }
    v = insn->o[0].size == 4 ? f80_from_f32(&env, (u32)raw) : f80_from_f64(&env, raw);
    /* A denormal is pushed even when its report traps. */
    if (x87_report(cpu, &env) || !(env.flags & FP_IE))
        st_push(cpu, v);
}

void exec_FILD(struct cpu *cpu, const struct insn *insn)
{
    u64 raw;
    x87_start(cpu);
    raw = opnd_read(cpu, insn, 0);
    x87_note(cpu, insn);
    x87_push(cpu, f80_from_s64(sext(raw, insn->o[0].size * 8u)));
}

void exec_FBLD(struct cpu *cpu, const struct insn *insn)
{
    u8 m[10];
    x87_start(cpu);
    mem_check_align(cpu, insn->seg, ea(cpu, insn), 8, false);
    mem_read_bytes(cpu, insn->seg, ea(cpu, insn), m, 10);
    x87_note(cpu, insn);
    x87_push(cpu, f80_from_bcd(m));
}

static void load_const(struct cpu *cpu, const struct insn *insn, enum f80_const c)
{
    struct fpenv env;
    x87_begin(cpu, insn);
    env = x87_env(cpu);
    x87_push(cpu, f80_const(&env, c));
}

void exec_FLD1(struct cpu *cpu, const struct insn *insn)
{
    load_const(cpu, insn, F80_1);
}

void exec_FLDL2T(struct cpu *cpu, const struct insn *insn)
{
    load_const(cpu, insn, F80_L2T);
}

void exec_FLDL2E(struct cpu *cpu, const struct insn *insn)
{
    load_const(cpu, insn, F80_L2E);
}

void exec_FLDPI(struct cpu *cpu, const struct insn *insn)
{
    load_const(cpu, insn, F80_PI);
}

void exec_FLDLG2(struct cpu *cpu, const struct insn *insn)
{
    load_const(cpu, insn, F80_LG2);
}

void exec_FLDLN2(struct cpu *cpu, const struct insn *insn)
{
    load_const(cpu, insn, F80_LN2);
}

void exec_FLDZ(struct cpu *cpu, const struct insn *insn)
{
    load_const(cpu, insn, F80_0);
}

/* ---- stores ---- */
enum store_form { STORE_FLOAT, STORE_INT, STORE_TRUNC, STORE_BCD };

/* The memory image of v in the form and size of the operand. */
static void image_of(struct fpenv *env, struct f80 v, enum store_form form, unsigned size, u8 m[10])
{
    switch (form) {
    case STORE_BCD: f80_to_bcd(env, v, m); return;
    case STORE_INT:
    case STORE_TRUNC:
        st_le(m, size, (u64)f80_to_int(env, v, size * 8, form == STORE_TRUNC));
        return;
    default: break;
    }
    if (size == 4)
        st32(m, f80_to_f32(env, v));
    else if (size == 8)
        st64(m, f80_to_f64(env, v));
    else
        f80_store(m, v);
}

/* Store ST(0) to memory: the write comes before anything of the FPU changes, and does not happen
 * when a trap suppresses it. */
static inline __attribute__((always_inline)) void
store(struct cpu *cpu, const struct insn *insn, enum store_form form, bool pop)
{
    unsigned size = insn->o[0].size;
    u64 off = ea(cpu, insn);
    struct fpenv env, quiet = {0};
    bool deliver;
    u8 m[10];
    x87_start(cpu);
    env = x87_env(cpu);
    if (st_empty(cpu, 0)) {
        image_of(&quiet, F80_INDEFINITE, form, size, m);
        deliver = !(env.unmasked & FP_IE);
    } else {
        image_of(&env, st_get(cpu, 0), form, size, m);
        deliver = !(env.flags & env.unmasked & ~FP_PE);
    }
    if (size == 10)
        mem_check_align(cpu, insn->seg, off, 8, true);
    if (deliver) {
        if (size == 10)
            mem_write_bytes(cpu, insn->seg, off, m, 10);
        else if (size == 8)
            mem_write(cpu, insn->seg, off, 8, ld64(m));
        else
            mem_write(cpu, insn->seg, off, size, ld_le(m, size));
    }
    if (!deliver) /* the memory is checked all the same */
        mem_check_write(cpu, insn->seg, off, size);
    x87_note_mem(cpu, insn, off);
    if (st_empty(cpu, 0))
        x87_stack_fault(cpu, false);
    else
        x87_report(cpu, &env);
    if (deliver && pop)
        st_pop(cpu);
}

static void store_reg(struct cpu *cpu, const struct insn *insn, bool pop)
{
    x87_begin(cpu, insn);
    if (!st_empty(cpu, 0))
        st_set(cpu, insn->o[0].reg, st_get(cpu, 0));
    else if (x87_stack_fault(cpu, false))
        st_set(cpu, insn->o[0].reg, F80_INDEFINITE);
    else
        return;
    if (pop)
        st_pop(cpu);
}

void exec_FST(struct cpu *cpu, const struct insn *insn)
{
    if (insn->o[0].kind == OPND_ST)
        store_reg(cpu, insn, false);
    else
        store(cpu, insn, STORE_FLOAT, false);
}

void exec_FSTP(struct cpu *cpu, const struct insn *insn)
{
    if (insn->o[0].kind == OPND_ST)
        store_reg(cpu, insn, true);
    else
        store(cpu, insn, STORE_FLOAT, true);
}

/* D9 D8+i, an alias that no manual gives: an empty ST(0) is popped without report. */
void exec_FSTPNCE(struct cpu *cpu, const struct insn *insn)
{
    unsigned i = insn->o[0].reg;
    x87_begin(cpu, insn);
    if (!st_empty(cpu, 0))
        st_set(cpu, i, st_get(cpu, 0));
    st_pop(cpu);
}

void exec_FIST(struct cpu *cpu, const struct insn *insn)
{
    store(cpu, insn, STORE_INT, false);
}

void exec_FISTP(struct cpu *cpu, const struct insn *insn)
{
    store(cpu, insn, STORE_INT, true);
}

void exec_FISTTP(struct cpu *cpu, const struct insn *insn)
{
    store(cpu, insn, STORE_TRUNC, true);
}

void exec_FBSTP(struct cpu *cpu, const struct insn *insn)
{
    store(cpu, insn, STORE_BCD, true);
}

/* ---- moves within the stack ---- */
void exec_FXCH(struct cpu *cpu, const struct insn *insn)
{
    unsigned i = insn->o[0].reg;
    struct f80 a, b;
    x87_begin(cpu, insn);
    a = st_get(cpu, 0);
    b = st_get(cpu, i);
    if (st_empty(cpu, 0) || st_empty(cpu, i)) {
        if (!x87_stack_fault(cpu, false))
            return;
        if (st_empty(cpu, 0))
            a = F80_INDEFINITE;
        if (st_empty(cpu, i))
            b = F80_INDEFINITE;
    }
    st_set(cpu, 0, b);
    st_set(cpu, i, a);
}

void exec_FCMOVCC(struct cpu *cpu, const struct insn *insn)
{
    unsigned i = insn->o[1].reg;
    u16 c1 = cpu->fpu.sw & SW_C1;
    x87_begin(cpu, insn);
    if (st_empty(cpu, 0) || st_empty(cpu, i)) {
        if (x87_stack_fault(cpu, false))
            st_set(cpu, 0, F80_INDEFINITE);
        return;
    }
    cpu->fpu.sw |= c1; /* only the stack fault touches it */
    if (cpu_cc(cpu, insn->cc))
        st_set(cpu, 0, st_get(cpu, i));
}

void exec_FFREE(struct cpu *cpu, const struct insn *insn)
{
    x87_begin(cpu, insn);
    st_free(cpu, insn->o[0].reg);
}

void exec_FFREEP(struct cpu *cpu, const struct insn *insn)
{
    x87_begin(cpu, insn);
    st_free(cpu, insn->o[0].reg);
    st_pop(cpu);
}

void exec_FINCSTP(struct cpu *cpu, const struct insn *insn)
{
    x87_begin(cpu, insn);
    cpu->fpu.top = (cpu->fpu.top + 1) & 7;
}

void exec_FDECSTP(struct cpu *cpu, const struct insn *insn)
{
    x87_begin(cpu, insn);
    cpu->fpu.top = (cpu->fpu.top - 1) & 7;
}
