/* Bit tests, scans and counts (SDM vol. 1 section 7.3.7). Scans and counts clear the flags that the
 * manual leaves open. */
#include "cpu/exec/exec.h"
#include "cpu/flags.h"

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static inline u64 bit_apply(enum bit_op op, u64 v, u64 bit)
{
    switch (op) {
    case BIT_SET: return v | bit;
    case BIT_RESET: return v & ~bit;
    case BIT_COMPLEMENT: return v ^ bit;
    default: return v;
    }
}

/* A bit offset in a register reaches the whole memory around the operand; an immediate stays within
 * it. */
static inline void bit_op(struct cpu *cpu, const struct insn *insn, enum bit_op op)
{
    unsigned size = insn->o[0].size, bits = 8 * size;
    u64 n = opnd_read(cpu, insn, 1), v, bit, off = 0;
    bool mem = insn->o[0].kind == OPND_MEM;
    if (mem) {
        off = ea(cpu, insn);
        if (insn->o[1].kind == OPND_GPR)
            off = (off + (u64)((sext(n, bits) >> (size == 2   ? 4
                                                  : size == 4 ? 5
                                                              : 6)) *
                               (s64)size)) &
                  size_mask(insn->asz);
        v = op == BIT_TEST ? mem_read(cpu, insn->seg, off, size)
                           : mem_read_rmw(cpu, insn->seg, off, size);
    } else {
        v = opnd_read(cpu, insn, 0);
    }
    n &= bits - 1;
    bit = (u64)1 << n;
    if (op != BIT_TEST) {
        if (mem)
            mem_write(cpu, insn->seg, off, size, bit_apply(op, v, bit));
        else
            opnd_write(cpu, insn, 0, bit_apply(op, v, bit));
    }
    cpu->af.szapc = (u8)((cpu->af.szapc & ~F_C) | (v >> n & 1));
}

void exec_BT(struct cpu *cpu, const struct insn *insn)
{
    bit_op(cpu, insn, BIT_TEST);
}
void exec_BTS(struct cpu *cpu, const struct insn *insn)
{
    bit_op(cpu, insn, BIT_SET);
}
void exec_BTR(struct cpu *cpu, const struct insn *insn)
{
    bit_op(cpu, insn, BIT_RESET);
}
void exec_BTC(struct cpu *cpu, const struct insn *insn)
{
    bit_op(cpu, insn, BIT_COMPLEMENT);
}

static unsigned lowest(u64 v)
{
    return (unsigned)__builtin_ctzll(v);
}

static unsigned highest(u64 v)
{
    return 63 - (unsigned)__builtin_clzll(v);
}

/* A source of 0 leaves the destination as it was. */
void exec_BSF(struct cpu *cpu, const struct insn *insn)
{
    u64 v = opnd_read(cpu, insn, 1);
    if (v)
        opnd_write(cpu, insn, 0, lowest(v));
    cpu_set_aflags(cpu, v ? 0 : F_Z);
}

void exec_BSR(struct cpu *cpu, const struct insn *insn)
{
    u64 v = opnd_read(cpu, insn, 1);
    if (v)
        opnd_write(cpu, insn, 0, highest(v));
    cpu_set_aflags(cpu, v ? 0 : F_Z);
}

/* TZCNT, LZCNT: the result, and CF for a source of 0. */
static void put_count(struct cpu *cpu, const struct insn *insn, u64 count, bool zero_source)
{
    opnd_write(cpu, insn, 0, count);
    cpu_set_aflags(cpu, (zero_source ? F_C : 0) | (count ? 0 : F_Z));
}

void exec_TZCNT(struct cpu *cpu, const struct insn *insn)
{
    u64 v = opnd_read(cpu, insn, 1);
    put_count(cpu, insn, v ? lowest(v) : 8u * insn->o[0].size, !v);
}

void exec_LZCNT(struct cpu *cpu, const struct insn *insn)
{
    unsigned bits = 8u * insn->o[0].size;
    u64 v = opnd_read(cpu, insn, 1);
    put_count(cpu, insn, v ? bits - 1 - highest(v) : bits, !v);
}

void exec_POPCNT(struct cpu *cpu, const struct insn *insn)
{
    u64 v = opnd_read(cpu, insn, 1);
    opnd_write(cpu, insn, 0, (u64)__builtin_popcountll(v));
    cpu_set_aflags(cpu, v ? 0 : F_Z);
}

/* CRC-32C, polynomial 11EDC6F41H reflected, without inversions. */
void exec_CRC32(struct cpu *cpu, const struct insn *insn)
{
    u32 crc = (u32)opnd_read(cpu, insn, 0);
    u64 v = opnd_read(cpu, insn, 1);
    for (unsigned i = 0; i < insn->o[1].size; i++) {
        crc ^= (u32)(v >> (8 * i)) & 0xff;
        for (unsigned b = 0; b < 8; b++)
            crc = crc >> 1 ^ (0x82f63b78u & (0 - (crc & 1)));
    }
    opnd_write(cpu, insn, 0, crc);
}
