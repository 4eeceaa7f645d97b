/* Makes the machine that a sequence is translated for, and translates it. */
#include "tests/golden/golden.h"
#include "devices/core/err.h"
#include "tests/insn/long.h"

enum {
    JUMP_SELF = 0xfeeb, /* where a sequence falls out of its end */
    HLT = 0xf4          /* ... and what lies around it: nothing that a block would follow */
};

/* Vector and x87 instructions are translated where they cannot trap. */
static void quiet_units(struct cpu *cpu)
{
    cpu->cr0 = (cpu->cr0 & ~(u32)(CR0_EM | CR0_TS)) | CR0_NE | CR0_MP;
    cpu->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu->fpu.cw = 0x37f;
    cpu->fpu.empty = 0xff;
    cpu->mxcsr = MXCSR_MASKS;
    cpu_update_mode(cpu);
}

bool golden_emit(const struct golden_seq *s, struct golden_code *c)
{
    static const struct jit_config config = {.eager = true, .passes = ~0u, .code_size = 4 * MIB};
    struct machine *m = machine_new("qemu64", ENGINE_EXEC);
    struct cpu *cpu = m->cpu;
    struct mmu_fault fault;
    struct err err = {{0}};
    const u8 *from, *code, *data;
    u32 len, page, at = AT_CODE;
    u8 end[2] = {JUMP_SELF & 0xff, JUMP_SELF >> 8}, around[2 * PAGE_SIZE];
    *c = (struct golden_code){.m = m};
    if (s->mode == 64)
        machine_long(m, 3, at);
    else if (s->mode == 32)
        machine_protected(m, 3, at);
    else
        machine_real(m, at = 0x7000);
    if (s->mode == 32)
        machine_paging(m);
    quiet_units(cpu);
    memset(around, HLT, sizeof(around));
    machine_load(m, at & ~(u32)PAGE_MASK, around, s->mode == 16 ? PAGE_SIZE : sizeof(around));
    machine_load(m, at, s->code, s->len);
    machine_load(m, at + s->len, end, sizeof(end));
    if (!jit_new(cpu, &config, &err)) {
        machine_free(m);
        return false;
    }
    from = cpu->jit->code_p;
    c->rip = cpu->rip;
    /* What follows may be on the next page, which has to be mapped, as it is while a program runs.
     */
    data =
        mmu_fetch(&cpu->mmu, cpu->mmu_mode, jit_la(cpu, cpu->rip) + PAGE_SIZE, &len, &page, &fault);
    code = mmu_fetch(&cpu->mmu, cpu->mmu_mode, jit_la(cpu, cpu->rip), &len, &page, &fault);
    if (code && data)
        c->b = block_translate(cpu->jit, page, (u32)jit_la(cpu, cpu->rip) & PAGE_MASK, code, false, false);
    if (c->b) {
        c->host = codebuf_rx(&cpu->jit->buf, from);
        c->size = c->b->host_size;
    }
    return true;
}
