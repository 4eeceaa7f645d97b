/* Bit manipulation and multi-precision addition: BMI1, BMI2, ADX (SDM vol. 1 sections 5.1.16 and
 * 5.1.17). AF and PF, and of BEXTR SF, are left open by the manual: they are cleared, but for ANDN's, which are AND's. */
#include "cpu/exec/exec.h"
#include "cpu/flags.h"

/* VEX encodings of general-register instructions do not exist in real and V86 mode. */
static void vex_begin(struct cpu *cpu)
{
    if (UNLIKELY(!cpu_pm(cpu)))
        cpu_raise(cpu, EXC_UD);
}

/* ZF and SF of a result, and CF. */
static void put_flags(struct cpu *cpu, u64 r, unsigned size, bool carry, bool sign)
{
    cpu_set_aflags(cpu,
                   (r ? 0 : F_Z) | (carry ? F_C : 0) | (sign && r >> (8 * size - 1) & 1 ? F_S : 0));
}

void exec_ANDN(struct cpu *cpu, const struct insn *insn)
{
    u64 r;
    vex_begin(cpu);
    r = ~opnd_read(cpu, insn, 1) & opnd_read(cpu, insn, 2);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags_logic(r, insn->osz)); /* as AND: PF, left open, is the parity */
}

void exec_BEXTR(struct cpu *cpu, const struct insn *insn)
{
    u64 v, control;
    unsigned start, len;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    control = opnd_read(cpu, insn, 2);
    start = control & 0xff;
    len = control >> 8 & 0xff;
    v = start < 64 ? v >> start : 0;
    if (len < 64)
        v &= BIT64(len) - 1;
    opnd_write(cpu, insn, 0, v);
    put_flags(cpu, v, insn->osz, false, false);
}

void exec_BLSI(struct cpu *cpu, const struct insn *insn)
{
    u64 v, r;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    r = v & (0 - v);
    opnd_write(cpu, insn, 0, r);
    put_flags(cpu, r, insn->osz, v, true);
}

void exec_BLSMSK(struct cpu *cpu, const struct insn *insn)
{
    u64 v, r;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    r = (v ^ (v - 1)) & size_mask(insn->osz);
    opnd_write(cpu, insn, 0, r);
    put_flags(cpu, r, insn->osz, !v, true);
}

void exec_BLSR(struct cpu *cpu, const struct insn *insn)
{
    u64 v, r;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    r = v & (v - 1);
    opnd_write(cpu, insn, 0, r);
    put_flags(cpu, r, insn->osz, !v, true);
}

void exec_BZHI(struct cpu *cpu, const struct insn *insn)
{
    unsigned bits = 8u * insn->osz, n;
    u64 v;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    n = opnd_read(cpu, insn, 2) & 0xff;
    if (n < bits)
        v &= BIT64(n) - 1;
    opnd_write(cpu, insn, 0, v);
    put_flags(cpu, v, insn->osz, n > bits - 1, true);
}

/* The high half goes to the first operand, last: it wins when both are one register. */
void exec_MULX(struct cpu *cpu, const struct insn *insn)
{
    u64 v, d, lo, hi;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 2);
    d = reg_read(cpu, REG_DX, insn->osz);
    if (insn->osz == 8) {
        __extension__ unsigned __int128 p = (unsigned __int128)v * d;
        lo = (u64)p;
        hi = (u64)(p >> 64);
    } else {
        lo = (u32)(v * d);
        hi = v * d >> 32;
    }
    opnd_write(cpu, insn, 1, lo);
    opnd_write(cpu, insn, 0, hi);
}

void exec_PDEP(struct cpu *cpu, const struct insn *insn)
{
    u64 v, mask, r = 0;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    for (mask = opnd_read(cpu, insn, 2); mask; mask &= mask - 1, v >>= 1)
        if (v & 1)
            r |= mask & (0 - mask);
    opnd_write(cpu, insn, 0, r);
}

void exec_PEXT(struct cpu *cpu, const struct insn *insn)
{
    u64 v, mask, r = 0, bit = 1;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    for (mask = opnd_read(cpu, insn, 2); mask; mask &= mask - 1, bit <<= 1)
        if (v & mask & (0 - mask))
            r |= bit;
    opnd_write(cpu, insn, 0, r);
}

void exec_RORX(struct cpu *cpu, const struct insn *insn)
{
    unsigned bits = 8u * insn->osz, n = insn->imm & (bits - 1);
    u64 v;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    if (n)
        v = v >> n | v << (bits - n);
    opnd_write(cpu, insn, 0, v);
}

void exec_SARX(struct cpu *cpu, const struct insn *insn)
{
    unsigned bits = 8u * insn->osz;
    u64 v;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    opnd_write(cpu, insn, 0, (u64)(sext(v, bits) >> (opnd_read(cpu, insn, 2) & (bits - 1))));
}

void exec_SHLX(struct cpu *cpu, const struct insn *insn)
{
    u64 v;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    opnd_write(cpu, insn, 0, v << (opnd_read(cpu, insn, 2) & (8u * insn->osz - 1)));
}

void exec_SHRX(struct cpu *cpu, const struct insn *insn)
{
    u64 v;
    vex_begin(cpu);
    v = opnd_read(cpu, insn, 1);
    opnd_write(cpu, insn, 0, v >> (opnd_read(cpu, insn, 2) & (8u * insn->osz - 1)));
}

/* ADCX and ADOX add with a carry of their own and leave every other flag alone. */
static bool add_carry(struct cpu *cpu, const struct insn *insn, bool carry)
{
    u64 a = opnd_read(cpu, insn, 0), b = opnd_read(cpu, insn, 1), mask = size_mask(insn->o[0].size);
    u64 r = (a + b + carry) & mask;
    opnd_write(cpu, insn, 0, r);
    return r < a || (carry && r == a);
}

void exec_ADCX(struct cpu *cpu, const struct insn *insn)
{
    bool carry = add_carry(cpu, insn, cpu->af.szapc & F_C);
    cpu->af.szapc = (u8)((cpu->af.szapc & ~F_C) | carry);
}

void exec_ADOX(struct cpu *cpu, const struct insn *insn)
{
    cpu->af.of = add_carry(cpu, insn, cpu->af.of);
}
