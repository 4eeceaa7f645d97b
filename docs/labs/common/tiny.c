/* The tiny emulator: a thin layer over the machine of the instruction tests. */
#include "docs/labs/common/tiny.h"

#include "cpu/exec/exec.h"
#include "tests/insn/machine.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((u32)TINY_CODE == (u32)AT_CODE && (u32)TINY_DATA == (u32)AT_DATA,
               "the machine's places");
enum { LINE = 64 }; /* bytes of code_lines' unit */

bool tiny_decode(struct tiny *t, u32 eip, struct insn *out)
{
    t->decoded++;
    if (eip > RAM_BYTES - 15)
        return false;
    return decode(out, machine_mem(t->m, eip), 15, 32, t->cpu->feats) == DEC_OK;
}

void tiny_execute(struct tiny *t, const struct insn *insn)
{
    struct cpu *cpu = t->cpu;

    if (t->executed++ >= TINY_MOST)
        cpu_unwind(cpu, CPU_UNWIND_SHUTDOWN);
    cpu->eflags &= ~(u32)FL_RF; /* which an interrupted string instruction leaves behind */
    cpu->next_rip = (u32)(cpu->rip + insn->len);
    exec_table[insn->op](cpu, insn);
    cpu->rip = cpu->next_rip;
}

u32 tiny_eip(const struct tiny *t)
{
    return (u32)t->cpu->rip;
}

bool tiny_halted(const struct tiny *t)
{
    return t->cpu->halted;
}

bool tiny_ends_block(const struct insn *insn)
{
    return op_info[insn->op].attrs & (OPA_JUMP | OPA_END);
}

void tiny_look_up(struct tiny *t)
{
    t->looked_up++;
}

/* The hook of the memory: the page is one of the only RAM, which begins at 0. */
static void on_write(void *arg, u32 page, u32 off, u32 len)
{
    struct tiny *t = arg;

    if (t->wrote)
        t->wrote(t->arg, page * PAGE_SIZE + off, len);
}

void tiny_watch(struct tiny *t, u32 addr, u32 len)
{
    u32 end = addr + len;

    for (u32 at = addr; at < end; at = (at | (LINE - 1)) + 1) {
        u32 page = at / PAGE_SIZE;

        ram_code_added(&t->m->space, page, BIT64(at % PAGE_SIZE / LINE));
        mmu_protect_page(&t->cpu->mmu, page);
    }
}

void tiny_init(struct tiny *t, const void *code, size_t n)
{
    memset(t, 0, sizeof(*t));
    t->m = machine_new(NULL, ENGINE_EXEC);
    t->cpu = t->m->cpu;
    t->m->space.wrote = on_write;
    t->m->space.arg = t;
    machine_load(t->m, TINY_CODE, code, n);
    tiny_again(t);
}

void tiny_free(struct tiny *t)
{
    machine_free(t->m);
}

void tiny_again(struct tiny *t)
{
    machine_protected(t->m, 0, TINY_CODE);
}

/* Handlers unwind to here; the variables do not change in between. */
static __attribute__((noinline)) bool guarded(struct tiny *t, void (*run)(void *arg), void *arg)
{
    if (unwind_here(&t->cpu->unwind))
        return false;
    run(arg);
    return tiny_halted(t);
}

bool tiny_run(struct tiny *t, void (*run)(void *arg), void *arg)
{
    return guarded(t, run, arg);
}

bool tiny_reference(struct tiny *t)
{
    return cpu_run(t->cpu, ENGINE_EXEC, TINY_MOST) == CPU_EXIT_HALT;
}

bool tiny_equal(const struct tiny *a, const struct tiny *b)
{
    return !memcmp(a->cpu->gpr, b->cpu->gpr, sizeof(a->cpu->gpr)) && a->cpu->rip == b->cpu->rip &&
           cpu_eflags(a->cpu) == cpu_eflags(b->cpu) &&
           !memcmp(a->m->ram.host, b->m->ram.host, RAM_BYTES);
}

void tiny_load(struct tiny *t, u32 addr, const void *bytes, size_t n)
{
    machine_load(t->m, addr, bytes, n);
}

u32 tiny_ld32(const struct tiny *t, u32 addr)
{
    return machine_ld32(t->m, addr);
}

u32 tiny_reg(const struct tiny *t, unsigned reg)
{
    return (u32)t->cpu->gpr[reg & 15];
}
