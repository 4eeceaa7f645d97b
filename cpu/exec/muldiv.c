/* Multiplication and division (SDM vol. 2 "MUL", "IMUL", "DIV", "IDIV"). DIV and IDIV leave the
 * flags alone; #DE comes before anything is written. */
#include "cpu/exec/exec.h"
#include "cpu/flags.h"

/* rDX:rAX, or AX for bytes. */
static void put_product(struct cpu *cpu, unsigned size, u64 lo, u64 hi)
{
    if (size == 1) {
        reg_write(cpu, REG_AX, 2, (hi & 0xff) << 8 | (lo & 0xff));
        return;
    }
    reg_write(cpu, REG_AX, size, lo);
    reg_write(cpu, REG_DX, size, hi);
}

void exec_MUL(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size, bits = 8 * size;
    unsigned __int128 p = (unsigned __int128)opnd_read(cpu, insn, 0) * reg_read(cpu, REG_AX, size);
    u64 lo = (u64)p & size_mask(size), hi = (u64)(p >> bits) & size_mask(size);
    put_product(cpu, size, lo, hi);
    cpu_set_aflags(cpu, flags_mul(hi != 0));
}

void exec_IMUL(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size, bits = 8 * size;
    u64 a = insn->nopnd == 1 ? reg_read(cpu, REG_AX, size)
                             : opnd_read(cpu, insn, insn->nopnd == 3 ? 1 : 0);
    u64 b = opnd_read(cpu, insn, insn->nopnd == 1 ? 0 : insn->nopnd - 1u);
    __int128 p = (__int128)sext(a, bits) * sext(b, bits);
    u64 lo = (u64)p & size_mask(size), hi = (u64)(p >> bits) & size_mask(size);
    bool upper = (__int128)sext(lo, bits) != p;
    if (insn->nopnd == 1)
        put_product(cpu, size, lo, hi);
    else
        opnd_write(cpu, insn, 0, lo);
    cpu_set_aflags(cpu, flags_mul(upper));
}

static unsigned __int128 dividend(const struct cpu *cpu, unsigned size)
{
    if (size == 1)
        return reg_read(cpu, REG_AX, 2);
    return (unsigned __int128)reg_read(cpu, REG_DX, size) << (8 * size) |
           reg_read(cpu, REG_AX, size);
}

void exec_DIV(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size;
    u64 d = opnd_read(cpu, insn, 0);
    unsigned __int128 n = dividend(cpu, size), q;
    if (!d)
        cpu_raise(cpu, EXC_DE);
    q = n / d;
    if (q > size_mask(size))
        cpu_raise(cpu, EXC_DE);
    put_product(cpu, size, (u64)q, (u64)(n % d));
}

void exec_IDIV(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size, bits = 8 * size;
    s64 d = sext(opnd_read(cpu, insn, 0), bits);
    __int128 n, q;
    unsigned shift = 128 - 2 * bits;
    if (!d)
        cpu_raise(cpu, EXC_DE);
    n = (__int128)(dividend(cpu, size) << shift) >> shift;
    /* The most negative dividend over -1 has no quotient in 128 bits either. */
    if (bits == 64 && d == -1 && n == (__int128)((unsigned __int128)1 << 127))
        cpu_raise(cpu, EXC_DE);
    q = n / d;
    if ((__int128)sext((u64)q & size_mask(size), bits) != q)
        cpu_raise(cpu, EXC_DE);
    put_product(cpu, size, (u64)q, (u64)(n % d));
}
