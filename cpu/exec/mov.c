/* Data movement between registers and memory (SDM vol. 1 section 7.3.1). */
#include "cpu/exec/exec.h"
#include "cpu/sys/seg.h"

void exec_MOV(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, opnd_read(cpu, insn, 1));
}

void exec_MOVNTI(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, opnd_read(cpu, insn, 1));
}

void exec_MOVZX(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, opnd_read(cpu, insn, 1));
}

static void move_signed(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, (u64)sext(opnd_read(cpu, insn, 1), 8u * insn->o[1].size));
}

void exec_MOVSX(struct cpu *cpu, const struct insn *insn)
{
    move_signed(cpu, insn);
}
void exec_MOVSXD(struct cpu *cpu, const struct insn *insn)
{
    move_signed(cpu, insn);
}

/* Loading SS holds off interrupts and debug traps until the next instruction is through, so that a
 * program can load the stack pointer too. */
static void load_seg(struct cpu *cpu, unsigned s, unsigned sel)
{
    seg_load(cpu, s, sel);
    if (s == SEG_SS)
        cpu->shadow = cpu->shadow_ss = true;
}

void exec_MOVSEG(struct cpu *cpu, const struct insn *insn)
{
    if (insn->o[0].kind != OPND_SEG) {
        opnd_write(cpu, insn, 0, cpu->seg[insn->o[1].reg].sel);
        return;
    }
    if (insn->o[0].reg == SEG_CS)
        cpu_raise(cpu, EXC_UD);
    load_seg(cpu, insn->o[0].reg, (u16)opnd_read(cpu, insn, 1));
}

void exec_LEA(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, ea(cpu, insn));
}

void exec_XCHG(struct cpu *cpu, const struct insn *insn)
{
    /* Memory is written first, where the write was checked already. */
    unsigned mem = insn->o[1].kind == OPND_MEM ? 1 : 0;
    u64 a = opnd_read_rmw(cpu, insn, mem);
    u64 b = opnd_read(cpu, insn, 1 - mem);
    opnd_write(cpu, insn, mem, b);
    opnd_write(cpu, insn, 1 - mem, a);
}

void exec_BSWAP(struct cpu *cpu, const struct insn *insn)
{
    u64 v = reg_read(cpu, insn->o[0].reg, insn->o[0].size);
    switch (insn->o[0].size) {
    case 2: v = 0; break; /* undefined by the manual; processors give 0 */
    case 4: v = __builtin_bswap32((u32)v); break;
    default: v = __builtin_bswap64(v); break;
    }
    opnd_write(cpu, insn, 0, v);
}

void exec_MOVBE(struct cpu *cpu, const struct insn *insn)
{
    u64 v = opnd_read(cpu, insn, 1);
    opnd_write(cpu, insn, 0, __builtin_bswap64(v) >> (64 - 8 * insn->o[0].size));
}

/* CBW, CWDE, CDQE */
void exec_CBW(struct cpu *cpu, const struct insn *insn)
{
    unsigned half = insn->osz / 2u;
    reg_write(cpu, REG_AX, insn->osz, (u64)sext(reg_read(cpu, REG_AX, half), 8 * half));
}

/* CWD, CDQ, CQO */
void exec_CWD(struct cpu *cpu, const struct insn *insn)
{
    bool negative = reg_read(cpu, REG_AX, insn->osz) >> (8 * insn->osz - 1);
    reg_write(cpu, REG_DX, insn->osz, negative ? ~(u64)0 : 0);
}

void exec_XLAT(struct cpu *cpu, const struct insn *insn)
{
    u64 off = (reg_read(cpu, REG_BX, insn->asz) + reg_read(cpu, REG_AX, 1)) & size_mask(insn->asz);
    reg_write(cpu, REG_AX, 1, mem_read(cpu, insn->seg, off, 1));
}

void exec_LAHF(struct cpu *cpu, const struct insn *insn)
{
    u64 ah = (cpu_aflags(cpu) & 0xff) | FL_ONE;
    cpu->gpr[REG_AX] = (cpu->gpr[REG_AX] & ~(u64)0xff00) | ah << 8;
}

void exec_SAHF(struct cpu *cpu, const struct insn *insn)
{
    u32 ah = cpu->gpr[REG_AX] >> 8 & 0xff;
    cpu_set_aflags(cpu, (cpu_aflags(cpu) & F_O) | (ah & F_SZAPC));
}

void exec_SALC(struct cpu *cpu, const struct insn *insn)
{
    reg_write(cpu, REG_AX, 1, cpu_aflags(cpu) & F_C ? 0xff : 0);
}

void exec_SETCC(struct cpu *cpu, const struct insn *insn)
{
    opnd_write(cpu, insn, 0, cpu_cc(cpu, insn->cc));
}

/* The source is read, and a 32-bit destination zero-extended, even when the condition is false. */
void exec_CMOVCC(struct cpu *cpu, const struct insn *insn)
{
    u64 v = opnd_read(cpu, insn, 1);
    if (!cpu_cc(cpu, insn->cc))
        v = opnd_read(cpu, insn, 0);
    opnd_write(cpu, insn, 0, v);
}

/* ---- far pointers ---- */

static void load_far(struct cpu *cpu, const struct insn *insn, unsigned s)
{
    u64 at = ea(cpu, insn);
    u64 off = mem_read(cpu, insn->seg, at, insn->osz);
    unsigned sel = (unsigned)mem_read(cpu, insn->seg, (at + insn->osz) & size_mask(insn->asz), 2);
    seg_load(cpu, s, sel);
    opnd_write(cpu, insn, 0, off);
}

void exec_LDS(struct cpu *cpu, const struct insn *insn)
{
    load_far(cpu, insn, SEG_DS);
}
void exec_LES(struct cpu *cpu, const struct insn *insn)
{
    load_far(cpu, insn, SEG_ES);
}
void exec_LSS(struct cpu *cpu, const struct insn *insn)
{
    load_far(cpu, insn, SEG_SS);
}
void exec_LFS(struct cpu *cpu, const struct insn *insn)
{
    load_far(cpu, insn, SEG_FS);
}
void exec_LGS(struct cpu *cpu, const struct insn *insn)
{
    load_far(cpu, insn, SEG_GS);
}
