/* One virtual CPU in flat 32-bit protected mode with a little memory, for running single
 * instructions through exec; and the host running the same bytes. Guest memory operands are [edi],
 * the host's [rdi]. */
#ifndef TESTS_UNIT_SIMD_FIXTURE_H
#define TESTS_UNIT_SIMD_FIXTURE_H

#include "cpu/cpu.h"
#include "cpu/exec/exec.h"
#include "cpu/exec/sse.h"
#include "cpu/exec/x87.h"
#include "cpu/sys/seg.h"
#include "devices/core/err.h"
#include "mmu/bus.h"
#include "mmu/ram.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA = 0x4000, CODE = 0x2000, DATA_SIZE = 512 };

struct fixture {
    struct ram_space space;
    struct ram ram;
    struct region region;
    struct bus mem, io;
    struct cpu *cpu;
    int ferr; /* last level of FERR#, -1: not touched */
};

static inline void fixture_ferr(void *arg, int level)
{
    ((struct fixture *)arg)->ferr = level;
}

static inline void fixture_open(struct fixture *f)
{
    struct err err;
    struct cpu_config config = {.mem = &f->mem, .io = &f->io, .space = &f->space};
    struct cpu *cpu;
    memset(f, 0, sizeof(*f));
    f->ferr = -1;
    bus_init(&f->mem, "memory", 1ull << 32, NULL);
    bus_init(&f->io, "ports", 65536, NULL);
    ck_assert(ram_init(&f->ram, &f->space, 65536, &err));
    f->region = (struct region){.name = "ram", .size = 65536, .ram = &f->ram};
    bus_map(&f->mem, &f->region);
    cpu = f->cpu = cpu_new(&config, &err);
    ck_assert(cpu);
    cpu->feats = ~0ull;
    cpu->hooks.arg = f;
    cpu->hooks.ferr = fixture_ferr;
    cpu->cr0 = CR0_PE | CR0_NE | CR0_ET;
    cpu->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    cpu->eflags = 0;
    for (unsigned s = 0; s < SEG__COUNT; s++) {
        u32 type = s == SEG_CS ? DA_CODE | DA_READ : DA_WRITE;
        cpu->seg[s] = (struct seg){.limit = ~0u,
                                   .attr = DA_P | DA_S | DA_DB | DA_G | DA_ACCESSED | type,
                                   .sel = (u16)(8 + 8 * s)};
        seg_update(cpu, s);
    }
    cpu_update_mode(cpu);
    x87_init(cpu);
    cpu->mxcsr = MXCSR_INIT;
}

static inline void fixture_close(struct fixture *f)
{
    cpu_free(f->cpu);
    bus_free(&f->mem);
    bus_free(&f->io);
    ram_free(&f->ram);
    ram_space_free(&f->space);
}

/* Execute the instruction in `code`. The vector it raised, or -1. */
static inline int run_insn(struct fixture *f, const u8 *code, unsigned n)
{
    struct cpu *cpu = f->cpu;
    struct insn insn;
    memcpy(f->ram.host + CODE, code, n);
    ck_assert_int_eq(decode(&insn, code, n, cpu->code_bits, cpu->feats), DEC_OK);
    cpu->rip = CODE;
    cpu->next_rip = CODE + insn.len;
    if (unwind_here(&cpu->unwind))
        return cpu->exc_vector;
    exec_table[insn.op](cpu, &insn);
    return -1;
}

#define RUN(f, ...) run_insn(f, (const u8[]){__VA_ARGS__}, sizeof((const u8[]){__VA_ARGS__}))

/* The data that [edi] points at. */
static inline u8 *data(struct fixture *f)
{
    f->cpu->gpr[REG_DI] = DATA;
    return f->ram.host + DATA;
}

#ifdef __x86_64__

#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

/* A page of code the host executes, and where its signals come back to. */
struct host {
    u8 *page;
};

static sigjmp_buf host_trap;
static volatile u32 host_trap_mxcsr;
static volatile int host_trap_sig, host_trap_armed;

static inline void host_signal(int sig, siginfo_t *info, void *ctx)
{
    const u8 *fx = (const u8 *)((ucontext_t *)ctx)->uc_mcontext.fpregs;
    u32 v;
    if (!host_trap_armed) { /* a crash of the test itself */
        signal(sig, SIG_DFL);
        return;
    }
    host_trap_armed = 0;
    memcpy(&v, fx + 24, 4); /* MXCSR of the interrupted code */
    host_trap_mxcsr = v;
    host_trap_sig = sig;
    siglongjmp(host_trap, 1);
}

static inline void host_open(struct host *h)
{
    struct sigaction sa = {.sa_sigaction = host_signal, .sa_flags = SA_SIGINFO};
    h->page =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(h->page != MAP_FAILED);
    sigaction(SIGFPE, &sa, NULL);
    sigaction(SIGILL, &sa, NULL);
    sigaction(SIGSEGV, &sa, NULL);
}

static inline void host_close(struct host *h)
{
    munmap(h->page, 4096);
}

static inline void host_code(struct host *h, const u8 *code, unsigned n)
{
    memcpy(h->page, code, n);
    h->page[n] = 0xc3; /* ret */
}

/* EAX, ECX, EDX, EBX and flags around an instruction. */
struct host_regs {
    u64 a, c, d, b, flags;
};

/* Run the code page with [rdi] = mem between `load` and `save`, which take the state at rsi. False:
 * a signal came. */
#define HOST_RUN(name, load, save)                                                                 \
    static inline bool name(struct host *h, void *state, void *mem, struct host_regs *r)           \
    {                                                                                              \
        void *page = h->page;                                                                      \
        if (sigsetjmp(host_trap, 1))                                                               \
            return false;                                                                          \
        host_trap_armed = 1;                                                                       \
        __asm__ volatile("leaq -256(%%rsp), %%rsp\n pushq %%rbp\n pushq %%r12\n"                   \
                         "movq %%rax, %%r12\n movq %%rdx, %%rbp\n" load "\n"                       \
                         "pushq 32(%%r12)\n popfq\n movq (%%r12), %%rax\n movq 8(%%r12), %%rcx\n"  \
                         "movq 16(%%r12), %%rdx\n movq 24(%%r12), %%rbx\n call *%%rbp\n"           \
                         "movq %%rax, (%%r12)\n movq %%rcx, 8(%%r12)\n movq %%rdx, 16(%%r12)\n"    \
                         "movq %%rbx, 24(%%r12)\n pushfq\n popq 32(%%r12)\n cld\n" save "\n"       \
                         "popq %%r12\n popq %%rbp\n leaq 256(%%rsp), %%rsp\n"                      \
                         : "+S"(state), "+D"(mem), "+a"(r), "+d"(page)                             \
                         :                                                                         \
                         : "rcx", "rbx", "r8", "r9", "r10", "r11", "memory", "cc");                \
        host_trap_armed = 0;                                                                       \
        return true;                                                                               \
    }

#endif
#endif
