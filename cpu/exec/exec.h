/* What every exec_ handler uses: operands, flags and the stack. A handler reads its operands,
 * computes, and writes guest state only after its last possible fault; the run loop then commits
 * next_rip. */
#ifndef CPU_EXEC_EXEC_H
#define CPU_EXEC_EXEC_H

#include "cpu/cpu.h"
#include "cpu/isa/isa.h"
#include "cpu/mem.h"
#include "devices/core/bits.h"

typedef void exec_fn(struct cpu *cpu, const struct insn *insn);

/* exec_table[op]; every operation has a handler (exec_UD raises #UD for those that a CPU model
 * never decodes). */
extern exec_fn *const exec_table[OP__COUNT];

#define OP(id, text, reads, writes, undef, attrs, feat)                                            \
    void exec_##id(struct cpu *cpu, const struct insn *insn);
#include "cpu/isa/ops.def"
#undef OP

/* ---- registers ---- */
static inline u64 reg_read(const struct cpu *cpu, unsigned reg, unsigned size)
{
    return cpu->gpr[reg & 15] & size_mask(size);
}

/* 1- and 2-byte writes keep the rest of the register, 4-byte writes clear the upper half. */
static inline void reg_write(struct cpu *cpu, unsigned reg, unsigned size, u64 v)
{
    u64 *r = &cpu->gpr[reg & 15];
    switch (size) {
    case 1: *r = (*r & ~(u64)0xff) | (u8)v; break;
    case 2: *r = (*r & ~(u64)0xffff) | (u16)v; break;
    case 4: *r = (u32)v; break;
    default: *r = v; break;
    }
}

/* ---- effective address: the offset of the memory operand, cut to the address size ---- */
static inline u64 ea(const struct cpu *cpu, const struct insn *insn)
{
    u64 a = (u64)insn->disp;
    if (insn->base < 16)
        a += cpu->gpr[insn->base];
    else if (insn->base == REG_IP)
        a += cpu->next_rip;
    if (insn->index < 16)
        a += cpu->gpr[insn->index] << insn->scale;
    return a & size_mask(insn->asz);
}

/* ---- operands GPR, GPRH, MEM, IMM ---- */
static inline u64 opnd_read(struct cpu *cpu, const struct insn *insn, unsigned i)
{
    const struct opnd *o = &insn->o[i];
    switch (o->kind) {
    case OPND_GPR: return reg_read(cpu, o->reg, o->size);
    case OPND_GPRH: return cpu->gpr[o->reg & 3] >> 8 & 0xff;
    case OPND_MEM: return mem_read(cpu, insn->seg, ea(cpu, insn), o->size);
    default: return o->size ? insn->imm & size_mask(o->size) : insn->imm;
    }
}

static inline void opnd_write(struct cpu *cpu, const struct insn *insn, unsigned i, u64 v)
{
    const struct opnd *o = &insn->o[i];
    switch (o->kind) {
    case OPND_GPR: reg_write(cpu, o->reg, o->size, v); break;
    case OPND_GPRH:
        cpu->gpr[o->reg & 3] = (cpu->gpr[o->reg & 3] & ~(u64)0xff00) | (v & 0xff) << 8;
        break;
    case OPND_MEM: mem_write(cpu, insn->seg, ea(cpu, insn), o->size, v); break;
    }
}

/* Read a destination that will be written: for memory the write is checked first. */
static inline u64 opnd_read_rmw(struct cpu *cpu, const struct insn *insn, unsigned i)
{
    if (insn->o[i].kind == OPND_MEM)
        return mem_read_rmw(cpu, insn->seg, ea(cpu, insn), insn->o[i].size);
    return opnd_read(cpu, insn, i);
}

/* ---- stack: width of SP is cpu->stack_bits ---- */
static inline u64 sp_mask(const struct cpu *cpu)
{
    return cpu->stack_bits == 16 ? 0xffff : cpu->stack_bits == 32 ? 0xffffffffu : ~(u64)0;
}
static inline u64 sp_get(const struct cpu *cpu)
{
    return cpu->gpr[REG_SP] & sp_mask(cpu);
}
static inline void sp_set(struct cpu *cpu, u64 v)
{
    reg_write(cpu, REG_SP, cpu->stack_bits / 8u, v);
}
/* Write v at the new top and move SP: the only commit of a plain push. */
static inline void push(struct cpu *cpu, unsigned size, u64 v)
{
    u64 sp = (sp_get(cpu) - size) & sp_mask(cpu);
    mem_write(cpu, SEG_SS, sp, size, v);
    sp_set(cpu, sp);
}
/* Read `size` bytes `at` bytes above the top, without moving SP. */
static inline u64 stack_read(struct cpu *cpu, unsigned at, unsigned size)
{
    return mem_read(cpu, SEG_SS, (sp_get(cpu) + at) & sp_mask(cpu), size);
}
static inline void pop_commit(struct cpu *cpu, unsigned bytes)
{
    sp_set(cpu, sp_get(cpu) + bytes);
}

/* ---- branches ---- */
/* Continue at offset `target` (cut to the operand size by the caller) of CS: checks the limit
 * (#GP(0)), commits nothing but next_rip. */
static inline void branch(struct cpu *cpu, u64 target)
{
    if (UNLIKELY(cpu->code_bits != 64 && target > cpu->seg[SEG_CS].limit))
        cpu_raise_err(cpu, EXC_GP, 0);
    if (UNLIKELY(cpu->code_bits == 64 && !cpu_canonical(target)))
        cpu_raise_err(cpu, EXC_GP, 0);
    cpu->next_rip = target;
}

/* #GP(0) unless CPL is 0. */
static inline void need_cpl0(struct cpu *cpu)
{
    if (UNLIKELY(cpu->cpl))
        cpu_raise_err(cpu, EXC_GP, 0);
}

#endif
