/* Integer arithmetic and logic with two operands or one (SDM vol. 1 section 7.3.2 and 7.3.3). */
#include "cpu/exec/exec.h"
#include "cpu/flags.h"

enum alu { ADD, ADC, SUB, SBB, AND, OR, XOR };

/* The result of a op b; *flags goes from the old flags to the new ones. */
static inline u64 compute(enum alu op, u64 a, u64 b, unsigned size, u32 *flags)
{
    u64 carry = *flags & F_C;
    u64 mask = size_mask(size);
    u64 r;
    switch (op) {
    case ADD: r = (a + b) & mask; break;
    case ADC: r = (a + b + carry) & mask; break;
    case SUB: r = (a - b) & mask; break;
    case SBB: r = (a - b - carry) & mask; break;
    case AND: r = a & b; break;
    case OR: r = a | b; break;
    default: r = a ^ b; break;
    }
    if (op == ADD || op == ADC)
        *flags = flags_add(a, b, r, size);
    else if (op == SUB || op == SBB)
        *flags = flags_sub(a, b, r, size);
    else
        *flags = flags_logic(r, size);
    return r;
}

/* o[0] = o[0] op o[1] */
static inline void binary(struct cpu *cpu, const struct insn *insn, enum alu op)
{
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u64 b = opnd_read(cpu, insn, 1);
    u32 flags = cpu_aflags(cpu);
    u64 r = compute(op, a, b, insn->o[0].size, &flags);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags);
}

/* Flags of o[0] op o[1] only. */
static inline void compare(struct cpu *cpu, const struct insn *insn, enum alu op)
{
    u64 a = opnd_read(cpu, insn, 0);
    u64 b = opnd_read(cpu, insn, 1);
    u32 flags = 0;
    compute(op, a, b, insn->o[0].size, &flags);
    cpu_set_aflags(cpu, flags);
}

void exec_ADD(struct cpu *cpu, const struct insn *insn)
{
    binary(cpu, insn, ADD);
}
void exec_ADC(struct cpu *cpu, const struct insn *insn)
{
    binary(cpu, insn, ADC);
}
void exec_SUB(struct cpu *cpu, const struct insn *insn)
{
    binary(cpu, insn, SUB);
}
void exec_SBB(struct cpu *cpu, const struct insn *insn)
{
    binary(cpu, insn, SBB);
}
void exec_AND(struct cpu *cpu, const struct insn *insn)
{
    binary(cpu, insn, AND);
}
void exec_OR(struct cpu *cpu, const struct insn *insn)
{
    binary(cpu, insn, OR);
}
void exec_XOR(struct cpu *cpu, const struct insn *insn)
{
    binary(cpu, insn, XOR);
}
void exec_CMP(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, SUB);
}
void exec_TEST(struct cpu *cpu, const struct insn *insn)
{
    compare(cpu, insn, AND);
}

void exec_NOT(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, ~opnd_read_rmw(cpu, insn, 0));
}

void exec_NEG(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size;
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u64 r = (0 - a) & size_mask(size);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags_sub(0, a, r, size));
}

void exec_INC(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size;
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u64 r = (a + 1) & size_mask(size);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags_inc(a, r, size, cpu_aflags(cpu)));
}

void exec_DEC(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size;
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u64 r = (a - 1) & size_mask(size);
    opnd_write(cpu, insn, 0, r);
    cpu_set_aflags(cpu, flags_dec(a, r, size, cpu_aflags(cpu)));
}

void exec_XADD(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size;
    u64 a = opnd_read_rmw(cpu, insn, 0);
    u64 b = opnd_read(cpu, insn, 1);
    u64 r = (a + b) & size_mask(size);
    /* The register first: when both are the same, the sum wins. */
    if (insn->o[0].kind == OPND_MEM) {
        opnd_write(cpu, insn, 0, r);
        opnd_write(cpu, insn, 1, a);
    } else {
        opnd_write(cpu, insn, 1, a);
        opnd_write(cpu, insn, 0, r);
    }
    cpu_set_aflags(cpu, flags_add(a, b, r, size));
}

/* The destination is written whether or not the comparison succeeds, so it must be writable. */
void exec_CMPXCHG(struct cpu *cpu, const struct insn *insn)
{
    unsigned size = insn->o[0].size;
    u64 dst = opnd_read_rmw(cpu, insn, 0);
    u64 acc = reg_read(cpu, REG_AX, size);
    u64 diff = (acc - dst) & size_mask(size);
    if (!diff) {
        opnd_write(cpu, insn, 0, opnd_read(cpu, insn, 1));
    } else {
        if (insn->o[0].kind == OPND_MEM) /* a register keeps its upper half */
            opnd_write(cpu, insn, 0, dst);
        reg_write(cpu, REG_AX, size, dst);
    }
    cpu_set_aflags(cpu, flags_sub(acc, dst, diff, size));
}

void exec_CMPXCHG8B(struct cpu *cpu, const struct insn *insn)
{
    unsigned half = insn->osz == 8 ? 8 : 4;
    u64 off = ea(cpu, insn), next = (off + half) & size_mask(insn->asz);
    u64 lo, hi;
    bool equal;
    if (half == 8 && (mem_address(cpu, insn->seg, off) & 15))
        cpu_raise_err(cpu, EXC_GP, 0);
    mem_check_align(cpu, insn->seg, off, 2 * half, true);
    if (off + 2 * half > cpu->seg[insn->seg].end_w) /* the segment as a whole, before paging */
        seg_check(cpu, insn->seg, off, 2 * half, true);
    mem_check_write(cpu, insn->seg, off, half);
    mem_check_write(cpu, insn->seg, next, half);
    lo = mem_read(cpu, insn->seg, off, half);
    hi = mem_read(cpu, insn->seg, next, half);
    equal = lo == reg_read(cpu, REG_AX, half) && hi == reg_read(cpu, REG_DX, half);
    mem_write(cpu, insn->seg, off, half, equal ? reg_read(cpu, REG_BX, half) : lo);
    mem_write(cpu, insn->seg, next, half, equal ? reg_read(cpu, REG_CX, half) : hi);
    if (!equal) {
        reg_write(cpu, REG_AX, half, lo);
        reg_write(cpu, REG_DX, half, hi);
    }
    cpu_set_aflags(cpu, (cpu_aflags(cpu) & ~(u32)F_Z) | (equal ? F_Z : 0));
}

void exec_CMC(struct cpu *cpu, const struct insn *insn)
{
    cpu->af.szapc ^= F_C;
}
void exec_CLC(struct cpu *cpu, const struct insn *insn)
{
    cpu->af.szapc &= (u8)~F_C;
}
void exec_STC(struct cpu *cpu, const struct insn *insn)
{
    cpu->af.szapc |= F_C;
}
