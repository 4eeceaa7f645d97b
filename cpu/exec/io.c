/* Ports: IN, OUT, INS, OUTS (SDM vol. 1 chapter 17). */
#include "cpu/exec/string.h"
#include "cpu/sys/ctrl.h"
#include "cpu/sys/debug.h"
#include "cpu/sys/stop.h"

static u64 port_read(struct cpu *cpu, u16 port, unsigned size)
{
    debug_io(cpu, port, size);
    if (UNLIKELY(cpu->stop_on & STOP_ON_IO))
        stop_io(cpu, port, size, false);
    return bus_read(cpu->io, port, size) & size_mask(size);
}

static void port_write(struct cpu *cpu, u16 port, unsigned size, u64 v)
{
    debug_io(cpu, port, size);
    if (UNLIKELY(cpu->stop_on & STOP_ON_IO))
        stop_io(cpu, port, size, true);
    bus_write(cpu->io, port, v, size);
}

void exec_IN(struct cpu *cpu, const struct insn *insn)
{
    u16 port = (u16)opnd_read(cpu, insn, 1);
    unsigned size = insn->o[0].size;
    if (insn->o[1].kind == OPND_IMM)
        port &= 0xff;
    ctrl_check_io(cpu, port, size);
    reg_write(cpu, REG_AX, size, port_read(cpu, port, size));
}

void exec_OUT(struct cpu *cpu, const struct insn *insn)
{
    u16 port = (u16)opnd_read(cpu, insn, 0);
    unsigned size = insn->o[1].size;
    if (insn->o[0].kind == OPND_IMM)
        port &= 0xff;
    ctrl_check_io(cpu, port, size);
    port_write(cpu, port, size, reg_read(cpu, REG_AX, size));
}

/* A count of 0 asks for nothing, not even for permission. A breakpoint on a port is reported behind
 * the element that hit it. */
static void port_string_begin(struct cpu *cpu, const struct insn *insn, u16 port, struct run *r)
{
    string_begin(cpu, insn, r);
    if (!r->n)
        return;
    ctrl_check_io(cpu, port, insn->o[0].size);
    if (cpu->mode_key & MK_DEBUG)
        r->n = 1;
}

/* The destination is checked before the port is read: reading has effects that could not be taken
 * back. */
void exec_INS(struct cpu *cpu, const struct insn *insn)
{
    u16 port = (u16)cpu->gpr[REG_DX];
    struct run r;
    port_string_begin(cpu, insn, port, &r);
    if (!r.n)
        return;
    string_limit(cpu, insn, &r, SEG_ES, REG_DI, true);
    for (u32 i = 0; i < r.n; i++) {
        u64 off = reg_read(cpu, REG_DI, insn->asz);
        mem_check_write(cpu, SEG_ES, off, r.size);
        mem_write(cpu, SEG_ES, off, r.size, port_read(cpu, port, r.size));
        string_step(cpu, insn, &r, REG_DI, 1);
        string_count(cpu, insn, 1);
        if (string_stops(cpu, i + 1 < r.n))
            break;
    }
    string_end(cpu, insn);
}

void exec_OUTS(struct cpu *cpu, const struct insn *insn)
{
    u16 port = (u16)cpu->gpr[REG_DX];
    struct run r;
    port_string_begin(cpu, insn, port, &r);
    if (!r.n)
        return;
    string_limit(cpu, insn, &r, insn->seg, REG_SI, false);
    for (u32 i = 0; i < r.n; i++) {
        u64 v = mem_read(cpu, insn->seg, reg_read(cpu, REG_SI, insn->asz), r.size);
        port_write(cpu, port, r.size, v);
        string_step(cpu, insn, &r, REG_SI, 1);
        string_count(cpu, insn, 1);
        if (string_stops(cpu, i + 1 < r.n))
            break;
    }
    string_end(cpu, insn);
}
