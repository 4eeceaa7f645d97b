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

#if __has_include(<unicorn/unicorn.h>)
#include <dlfcn.h>
#include <sys/mman.h>
#include <unicorn/unicorn.h>

/* The library is not linked: it calls functions of its own by names that we have, too (cpu_reset), and would
 * find ours. */
struct library {
    void *handle;
    __typeof__(uc_open) *open;
    __typeof__(uc_close) *close;
    __typeof__(uc_ctl) *ctl;
    __typeof__(uc_mem_map_ptr) *map;
    __typeof__(uc_hook_add) *hook;
    __typeof__(uc_reg_read) *get;
    __typeof__(uc_reg_write) *put;
    __typeof__(uc_emu_start) *start;
    __typeof__(uc_emu_stop) *stop;
};

struct unibox {
    struct library lib;
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

static bool load(struct library *l)
{
    static const char *const names[] = {"uc_open", "uc_close", "uc_ctl", "uc_mem_map_ptr",
                                        "uc_hook_add", "uc_reg_read", "uc_reg_write", "uc_emu_start", "uc_emu_stop"};
    void **to = (void **)&l->open;
    l->handle = dlopen("libunicorn.so.2", RTLD_NOW | RTLD_LOCAL);
    for (unsigned i = 0; l->handle && i < ARRAY_LEN(names); i++)
        if (!(to[i] = dlsym(l->handle, names[i])))
            return false;
    return l->handle;
}

static void raised(uc_engine *uc, uint32_t vector, void *arg)
{
    struct unibox *b = arg;
    if (b->vector == UNIBOX_FINE)
        b->vector = (int)(vector & 0xff);
    b->lib.stop(uc);
}

struct unibox *unibox_new(unsigned bits, char *why, size_t n)
{
    struct unibox *b = calloc(1, sizeof(*b));
    uc_mode mode = bits == 64 ? UC_MODE_64 : bits == 32 ? UC_MODE_32 : UC_MODE_16;
    if (!b)
        return NULL;
    b->bits = bits;
    b->ram = mmap(NULL, LOCK_RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (b->ram == MAP_FAILED || !load(&b->lib) || b->lib.open(UC_ARCH_X86, mode, &b->uc)) {
        snprintf(why, n, "libunicorn.so.2 does not start");
        b->uc = NULL;
        unibox_free(b);
        return NULL;
    }
    b->lib.ctl(b->uc, UC_CTL_WRITE(UC_CTL_CPU_MODEL, 1), UC_CPU_X86_BROADWELL);
    if (b->lib.map(b->uc, 0, LOCK_RAM, UC_PROT_ALL, b->ram) ||
        b->lib.hook(b->uc, &b->hook, UC_HOOK_INTR, (void *)raised, b, (uint64_t)1, (uint64_t)0)) {
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
        b->lib.close(b->uc);
    if (b->ram != MAP_FAILED)
        munmap(b->ram, LOCK_RAM);
    if (b->lib.handle)
        dlclose(b->lib.handle);
    free(b);
}

const u8 *unibox_ram(const struct unibox *b)
{
    return b->ram;
}

void unibox_memory(struct unibox *b, const u8 *from)
{
    for (u32 i = 0; i < LOCK_RAM; i += 64)
        if (memcmp(b->ram + i, from + i, 64)) {
            memcpy(b->ram + i, from + i, 64);
            b->lib.ctl(b->uc, UC_CTL_WRITE(UC_CTL_TB_REMOVE_CACHE, 2), (uint64_t)i, (uint64_t)i + 64);
        }
}

static void put_world(struct unibox *b, const struct cpu *cpu)
{
    uc_x86_mmr gdt = {.base = cpu->gdt.base, .limit = cpu->gdt.limit}, idt = {.base = cpu->idt.base, .limit = cpu->idt.limit};
    uc_x86_msr efer = {.rid = 0xc0000080, .value = cpu->efer & ~(u64)EFER_LMA};
    u64 cr0 = cpu->cr0, cr3 = cpu->cr3, cr4 = cpu->cr4;
    /* It finds nothing behind page tables: 64-bit code runs without them, where they map one to one. */
    if (b->bits == 64) {
        cr0 &= ~(u64)CR0_PG;
        cr3 = 0;
    }
    b->lib.put(b->uc, UC_X86_REG_GDTR, &gdt);
    b->lib.put(b->uc, UC_X86_REG_IDTR, &idt);
    b->lib.put(b->uc, UC_X86_REG_CR4, &cr4);
    if (b->bits == 64)
        b->lib.put(b->uc, UC_X86_REG_MSR, &efer);
    b->lib.put(b->uc, UC_X86_REG_CR3, &cr3);
    b->lib.put(b->uc, UC_X86_REG_CR0, &cr0);
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        u64 sel = cpu->seg[i].sel;
        b->lib.put(b->uc, segs[i], &sel);
    }
    if (b->bits == 64) {
        u64 fs = cpu->seg[SEG_FS].base, gs = cpu->seg[SEG_GS].base;
        b->lib.put(b->uc, UC_X86_REG_FS_BASE, &fs);
        b->lib.put(b->uc, UC_X86_REG_GS_BASE, &gs);
    }
}

void unibox_put(struct unibox *b, const struct cpu *cpu, bool world)
{
    struct unibox_state s;
    u64 flags;
    u16 tags = 0;
    unibox_ours(cpu, &s);
    if (world)
        put_world(b, cpu);
    for (unsigned i = 0; i < (b->bits == 64 ? 16u : 8u); i++)
        b->lib.put(b->uc, b->bits == 64 ? gprs[i] : gprs32[i], &s.gpr[i]);
    flags = s.eflags;
    b->lib.put(b->uc, UC_X86_REG_EFLAGS, &flags);
    b->lib.put(b->uc, UC_X86_REG_FPCW, &s.fcw);
    b->lib.put(b->uc, UC_X86_REG_FPSW, &s.fsw);
    for (unsigned i = 0; i < 8; i++) {
        b->lib.put(b->uc, UC_X86_REG_FP0 + (int)i, s.st[i]);
        tags |= (u16)((cpu->fpu.empty >> i & 1 ? 3u : 0u) << 2 * i);
    }
    b->lib.put(b->uc, UC_X86_REG_FPTAG, &tags);
    for (unsigned i = 0; i < (b->bits == 64 ? 16u : 8u); i++)
        b->lib.put(b->uc, UC_X86_REG_XMM0 + (int)i, s.xmm[i]);
    b->lib.put(b->uc, UC_X86_REG_MXCSR, &cpu->mxcsr);
}

int unibox_step(struct unibox *b, u64 pc)
{
    uc_err err;
    b->vector = UNIBOX_FINE;
    err = b->lib.start(b->uc, pc, ~(u64)0, 0, 1);
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
        b->lib.get(b->uc, b->bits == 64 ? gprs[i] : gprs32[i], &s->gpr[i]);
    b->lib.get(b->uc, b->bits == 64 ? UC_X86_REG_RIP : UC_X86_REG_EIP, &s->rip);
    v = 0;
    b->lib.get(b->uc, UC_X86_REG_EFLAGS, &v);
    s->eflags = (u32)v;
    for (unsigned i = 0; i < SEG__COUNT; i++) {
        v = 0;
        b->lib.get(b->uc, segs[i], &v);
        s->sel[i] = (u16)v;
    }
    /* Stopped between instructions it gives a linear address. */
    if (b->bits == 16 && b->vector == UNIBOX_FINE && s->rip > 0xffff)
        s->rip = (u32)(s->rip - s->sel[SEG_CS] * 16u);
    b->lib.get(b->uc, UC_X86_REG_CR0, &s->cr0);
    b->lib.get(b->uc, UC_X86_REG_CR2, &s->cr2);
    b->lib.get(b->uc, UC_X86_REG_CR3, &s->cr3);
    b->lib.get(b->uc, UC_X86_REG_CR4, &s->cr4);
    b->lib.get(b->uc, UC_X86_REG_FPCW, &s->fcw);
    b->lib.get(b->uc, UC_X86_REG_FPSW, &s->fsw);
    for (unsigned i = 0; i < 8; i++)
        b->lib.get(b->uc, UC_X86_REG_FP0 + (int)i, s->st[i]);
    for (unsigned i = 0; i < (b->bits == 64 ? 16u : 8u); i++)
        b->lib.get(b->uc, UC_X86_REG_XMM0 + (int)i, s->xmm[i]);
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

void unibox_memory(struct unibox *b, const u8 *from)
{
}

void unibox_put(struct unibox *b, const struct cpu *cpu, bool world)
{
}

int unibox_step(struct unibox *b, u64 pc)
{
    return UNIBOX_FAILED;
}

void unibox_get(struct unibox *b, struct unibox_state *s)
{
}
#endif
