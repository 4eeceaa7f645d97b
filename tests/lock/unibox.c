/* libunicorn behind the few calls that the test needs; without the library, calls that say so. */
#include "tests/lock/unibox.h"
#include "devices/core/bits.h"

#include <stdlib.h>

void unibox_ours(const struct cpu *cpu, struct unibox_state *s)
{
    memset(s, 0, sizeof(*s));
    memcpy(s->gpr, cpu->gpr, sizeof(s->gpr));
    s->rip = cpu->rip;
    s->eflags = cpu_eflags(cpu);
    for (unsigned i = 0; i < SEG__COUNT; i++)
        s->sel[i] = cpu->seg[i].sel;
    s->cr0 = cpu->cr0, s->cr2 = cpu->cr2, s->cr3 = cpu->cr3, s->cr4 = cpu->cr4;
    s->fcw = cpu->fpu.cw;
    s->fsw = (u16)(cpu->fpu.sw | cpu->fpu.top << 11);
    for (unsigned i = 0; i < 8; i++) {
        st64(s->st[i], cpu->fpu.st[i].frac);
        st16(s->st[i] + 8, cpu->fpu.st[i].se);
    }
    for (unsigned i = 0; i < 16; i++)
        for (unsigned k = 0; k < 2; k++)
            st64(s->xmm[i] + 8 * k, cpu->xmm[i].q[k]);
}

#ifdef CONFIG_UNICORN
#include <sys/mman.h>
#include <unicorn/unicorn.h>

struct unibox {
    uc_engine *uc;
    uc_hook hook;
    u8 *ram;
    unsigned bits;
    int vector;
};

static const int gprs[16] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP,
    UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
};
static const int gprs32[8] = {
    UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX, UC_X86_REG_EBX,
    UC_X86_REG_ESP, UC_X86_REG_EBP, UC_X86_REG_ESI, UC_X86_REG_EDI,
};
static const int segs[SEG__COUNT] = {UC_X86_REG_ES, UC_X86_REG_CS, UC_X86_REG_SS,
                                     UC_X86_REG_DS, UC_X86_REG_FS, UC_X86_REG_GS};

static void raised(uc_engine *uc, uint32_t vector, void *arg)
{
    struct unibox *b = arg;
    if (b->vector == UNIBOX_FINE)
        b->vector = (int)(vector & 0xff);
    uc_emu_stop(uc);
}

struct unibox *unibox_new(unsigned bits, char *why, size_t n)
{
    struct unibox *b = calloc(1, sizeof(*b));
    uc_mode mode = bits == 64 ? UC_MODE_64 : bits == 32 ? UC_MODE_32 : UC_MODE_16;
    if (!b)
        return NULL;
    b->bits = bits;
    b->ram = mmap(NULL, LOCK_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->ram == MAP_FAILED || uc_open(UC_ARCH_X86, mode, &b->uc)) {
        snprintf(why, n, "libunicorn does not start");
        b->uc = NULL;
        unibox_free(b);
        return NULL;
    }
    uc_ctl_set_cpu_model(b->uc, UC_CPU_X86_BROADWELL);
    if (uc_mem_map_ptr(b->uc, 0, LOCK_RAM, UC_PROT_ALL, b->ram) ||
        uc_hook_add(b->uc, &b->hook, UC_HOOK_INTR, (void *)raised, b, (uint64_t)1, (uint64_t)0)) {
        snprintf(why, n, "libunicorn refuses our memory");
        unibox_free(b);
        return NULL;
    }
    return b;
}

void unibox_free(struct unibox *b)
{
    if (!b)
        return;
    if (b->uc)
        uc_close(b->uc);
    if (b->ram != MAP_FAILED)
        munmap(b->ram, LOCK_RAM);
    free(b);
}

const u8 *unibox_ram(const struct unibox *b)
{
    return b->ram;
}

void unibox_memory(struct unibox *b, const u8 *from, bool all)
{
    for (u32 i = 0; i < LOCK_RAM; i += 64)
        if (memcmp(b->ram + i, from + i, 64))
            uc_mem_write(b->uc, i, from + i, 64);
    if (all)
        uc_ctl_flush_tlb(b->uc);
}

static void put_world(struct unibox *b, const struct cpu *cpu)
{
    uc_x86_mmr gdt = {.base = cpu->gdt.base, .limit = cpu->gdt.limit}, idt = {.base = cpu->idt.base, .limit = cpu->idt.limit};
    uc_x86_msr efer = {.rid = 0xc0000080, .value = cpu->efer & ~(u64)EFER_LMA};
    u64 cr0 = cpu->cr0, cr3 = cpu->cr3, cr4 = cpu->cr4;
    uc_reg_write(b->uc, UC_X86_REG_GDTR, &gdt);
    uc_reg_write(b->uc, UC_X86_REG_IDTR, &idt);
    uc_reg_write(b->uc, UC_X86_REG_CR4, &cr4);
    if (b->bits == 64)
        uc_reg_write(b->uc, UC_X86_REG_MSR, &efer);
    uc_reg_write(b->uc, UC_X86_REG_CR3, &cr3);
    uc_reg_write(b->uc, UC_X86_REG_CR0, &cr0);
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        u64 sel = cpu->seg[i].sel;
        uc_reg_write(b->uc, segs[i], &sel);
    }
    if (b->bits == 64) {
        u64 fs = cpu->seg[SEG_FS].base, gs = cpu->seg[SEG_GS].base;
        uc_reg_write(b->uc, UC_X86_REG_FS_BASE, &fs);
        uc_reg_write(b->uc, UC_X86_REG_GS_BASE, &gs);
    }
}

void unibox_put(struct unibox *b, const struct cpu *cpu, bool world)
{
    struct unibox_state s;
    u64 flags, rip;
    u16 tags = 0;
    unibox_ours(cpu, &s);
    if (world)
        put_world(b, cpu);
    for (unsigned i = 0; i < (b->bits == 64 ? 16u : 8u); i++)
        uc_reg_write(b->uc, b->bits == 64 ? gprs[i] : gprs32[i], &s.gpr[i]);
    flags = s.eflags;
    rip = s.rip;
    uc_reg_write(b->uc, UC_X86_REG_EFLAGS, &flags);
    uc_reg_write(b->uc, b->bits == 64 ? UC_X86_REG_RIP : UC_X86_REG_EIP, &rip);
    uc_reg_write(b->uc, UC_X86_REG_FPCW, &s.fcw);
    uc_reg_write(b->uc, UC_X86_REG_FPSW, &s.fsw);
    for (unsigned i = 0; i < 8; i++) {
        uc_reg_write(b->uc, UC_X86_REG_FP0 + (int)i, s.st[i]);
        tags |= (u16)((cpu->fpu.empty >> i & 1 ? 3u : 0u) << 2 * i);
    }
    uc_reg_write(b->uc, UC_X86_REG_FPTAG, &tags);
    for (unsigned i = 0; i < (b->bits == 64 ? 16u : 8u); i++)
        uc_reg_write(b->uc, UC_X86_REG_XMM0 + (int)i, s.xmm[i]);
    uc_reg_write(b->uc, UC_X86_REG_MXCSR, &cpu->mxcsr);
}

int unibox_step(struct unibox *b)
{
    u64 pc = 0, cs = 0;
    uc_err err;
    b->vector = UNIBOX_FINE;
    uc_reg_read(b->uc, b->bits == 64 ? UC_X86_REG_RIP : UC_X86_REG_EIP, &pc);
    if (b->bits == 16) {
        uc_reg_read(b->uc, UC_X86_REG_CS, &cs);
        pc = (pc & 0xffff) + (cs & 0xffff) * 16;
    }
    err = uc_emu_start(b->uc, pc, ~(u64)0, 0, 1);
    if (b->vector != UNIBOX_FINE)
        return b->vector;
    switch (err) {
    case UC_ERR_OK: return UNIBOX_FINE;
    case UC_ERR_INSN_INVALID: return EXC_UD;
    case UC_ERR_READ_UNMAPPED:
    case UC_ERR_WRITE_UNMAPPED:
    case UC_ERR_FETCH_UNMAPPED: return UNIBOX_NOWHERE;
    default: return UNIBOX_FAILED;
    }
}

void unibox_get(struct unibox *b, struct unibox_state *s)
{
    u64 v;
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < (b->bits == 64 ? 16u : 8u); i++)
        uc_reg_read(b->uc, b->bits == 64 ? gprs[i] : gprs32[i], &s->gpr[i]);
    uc_reg_read(b->uc, b->bits == 64 ? UC_X86_REG_RIP : UC_X86_REG_EIP, &s->rip);
    v = 0;
    uc_reg_read(b->uc, UC_X86_REG_EFLAGS, &v);
    s->eflags = (u32)v;
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        v = 0;
        uc_reg_read(b->uc, segs[i], &v);
        s->sel[i] = (u16)v;
    }
    uc_reg_read(b->uc, UC_X86_REG_CR0, &s->cr0);
    uc_reg_read(b->uc, UC_X86_REG_CR2, &s->cr2);
    uc_reg_read(b->uc, UC_X86_REG_CR3, &s->cr3);
    uc_reg_read(b->uc, UC_X86_REG_CR4, &s->cr4);
    uc_reg_read(b->uc, UC_X86_REG_FPCW, &s->fcw);
    uc_reg_read(b->uc, UC_X86_REG_FPSW, &s->fsw);
    for (unsigned i = 0; i < 8; i++)
        uc_reg_read(b->uc, UC_X86_REG_FP0 + (int)i, s->st[i]);
    for (unsigned i = 0; i < (b->bits == 64 ? 16u : 8u); i++)
        uc_reg_read(b->uc, UC_X86_REG_XMM0 + (int)i, s->xmm[i]);
}

#else
struct unibox *unibox_new(unsigned bits, char *why, size_t n)
{
    snprintf(why, n, "libunicorn is not there (package libunicorn-dev)");
    return NULL;
}

void unibox_free(struct unibox *b)
{
}

const u8 *unibox_ram(const struct unibox *b)
{
    return NULL;
}

void unibox_memory(struct unibox *b, const u8 *from, bool all)
{
}

void unibox_put(struct unibox *b, const struct cpu *cpu, bool world)
{
}

int unibox_step(struct unibox *b)
{
    return UNIBOX_FAILED;
}

void unibox_get(struct unibox *b, struct unibox_state *s)
{
}
#endif
