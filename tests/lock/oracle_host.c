/* Native runs: a helper process loads the state of a case, jumps into it and takes what the signal
 * that ends it says (SDM vol. 2 XRSTOR, IRET; Linux signal frames, modify_ldt(2)). */
#define _GNU_SOURCE
#include "tests/lock/oracle.h"

#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && !defined(__SANITIZE_ADDRESS__) &&                 \
    !defined(CONFIG_SAN)

#include <asm/ldt.h>
#include <cpuid.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { TICK_MS = 8, STUCK_MS = 8000, ALT_STACK = 65536, BANKS = 2 };

struct bank {
    volatile u32 n, cur;
    struct ora_case cases[ORA_BATCH];
    struct ora_out outs[ORA_BATCH];
};

/* The page in front of the trampoline; offsets are known to the assembly below. */
struct slots {
    u64 gpr[16];
    u64 flags, fsbase, gsbase; /* 0x80 */
    u16 ds, es, fs, gs;        /* 0x98 */
    u16 ss, pad[3];            /* 0xa0 */
    u64 target;                /* 0xa8: offset; selector at 0xac for far jumps */
    void *xsave;               /* 0xb0 */
    u64 long_mode;             /* 0xb8 */
    u64 rsp, host_fsbase;      /* 0xc0 */
    void *handler, *self;      /* 0xd0 */
    u16 ods, oes, ofs, ogs;    /* 0xe0 */
    u64 ofsbase, ogsbase;      /* 0xe8 */
    u64 use_xrstor;            /* 0xf8 */
};
_Static_assert(offsetof(struct slots, target) == 0xa8 && offsetof(struct slots, ods) == 0xe0 &&
                   offsetof(struct slots, use_xrstor) == 0xf8,
               "the trampoline counts on these");

/* Copied behind the page of slots, which it reaches relative to RIP. Everything is loaded before
 * the final jump; IRETQ to the next instruction serialises behind the writing of code and loads the
 * flags. */
__asm__(".pushsection .text\n"
        ".balign 16\n"
        "ora_blob:\n.set S, ora_blob - 4096\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        "mov %rsp, S+0xc0(%rip)\n"
        "ora_blob_load:\n"
        "mov S+0xb0(%rip), %rcx\n"
        "cmpl $0, S+0xf8(%rip)\n je 1f\n"
        "mov $7, %eax\n xor %edx, %edx\n xrstor64 (%rcx)\n jmp 2f\n"
        "1: fxrstor64 (%rcx)\n"
        "2: movw S+0x98(%rip), %ds\n movw S+0x9a(%rip), %es\n"
        "movw S+0x9c(%rip), %fs\n movw S+0x9e(%rip), %gs\n"
        "mov %rsp, %rax\n mov %ss, %ecx\n push %rcx\n push %rax\n pushq S+0x80(%rip)\n"
        "mov %cs, %ecx\n push %rcx\n lea 4f(%rip), %rcx\n"
        "cmpl $0, S+0xb8(%rip)\n je 3f\n"
        "mov S+0x88(%rip), %rax\n wrfsbase %rax\n mov S+0x90(%rip), %rax\n wrgsbase %rax\n"
        "lea 5f(%rip), %rcx\n"
        "3: push %rcx\n iretq\n"
        ".macro ora_gprs\n"
        "mov S+0x00(%rip), %rax\n mov S+0x08(%rip), %rcx\n mov S+0x10(%rip), %rdx\n"
        "mov S+0x18(%rip), %rbx\n mov S+0x28(%rip), %rbp\n mov S+0x30(%rip), %rsi\n"
        "mov S+0x38(%rip), %rdi\n mov S+0x40(%rip), %r8\n mov S+0x48(%rip), %r9\n"
        "mov S+0x50(%rip), %r10\n mov S+0x58(%rip), %r11\n mov S+0x60(%rip), %r12\n"
        "mov S+0x68(%rip), %r13\n mov S+0x70(%rip), %r14\n mov S+0x78(%rip), %r15\n"
        "movw S+0xa0(%rip), %ss\n mov S+0x20(%rip), %rsp\n"
        ".endm\n"
        "4: ora_gprs\n ljmpl *S+0xa8(%rip)\n"
        "5: ora_gprs\n jmp *S+0xa8(%rip)\n"
        /* A signal: AC and NT off, the thread's own FS back, on to C. */
        "ora_blob_signal:\n"
        "pushfq\n andq $~0x44400, (%rsp)\n popfq\n"
        "movw %ds, S+0xe0(%rip)\n movw %es, S+0xe2(%rip)\n movw %fs, S+0xe4(%rip)\n"
        "movw %gs, S+0xe6(%rip)\n"
        "rdfsbase %rax\n mov %rax, S+0xe8(%rip)\n rdgsbase %rax\n mov %rax, S+0xf0(%rip)\n"
        "mov S+0xc8(%rip), %rax\n wrfsbase %rax\n"
        "mov S+0xd8(%rip), %rcx\n jmp *S+0xd0(%rip)\n"
        "ora_blob_leave:\n"
        "mov S+0xc0(%rip), %rsp\n"
        "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n cld\n ret\n"
        "ora_blob_end:\n"
        ".popsection\n");
extern const u8 ora_blob[], ora_blob_load[], ora_blob_signal[], ora_blob_leave[], ora_blob_end[];

struct ora_host {
    struct bank *bank; /* shared; BANKS of them */
    u32 filling;       /* the bank that ora_host_cases() gives */
    int to[2], from[2];
    pid_t pid;
    /* of the helper only */
    struct bank *now;
    struct slots *slots;
    u8 *tramp, *code, *pattern;
    u8 *xsave; /* what XRSTOR loads */
    void (*enter)(void);
    volatile u32 armed, ticks;
    u32 avx;
};

/* ---- what this processor is ---- */
bool ora_host_amd(void)
{
    u32 a, b, c, d;
    __cpuid(0, a, b, c, d);
    return b == 0x68747541;
}

u32 ora_host_avx(void)
{
    u32 a, b, c, d, lo, hi;
    __cpuid(1, a, b, c, d);
    if (!(c & BIT(27)) || !(c & BIT(28)))
        return 0;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    if ((lo & 6) != 6)
        return 0;
    __cpuid_count(13, 2, a, b, c, d);
    return b;
}

u64 ora_host_feats(void)
{
    static const struct {
        u32 leaf;
        u8 reg, bit;
    } row[FEAT__COUNT] = {
#define FEAT(id, name, leaf, reg, bit) {leaf, reg, bit},
#include "cpu/isa/feat.def"
#undef FEAT
    };
    u64 feats = FEAT_BIT(BASE);
    for (u32 f = 1; f < FEAT__COUNT; f++) {
        u32 r[4] = {0};
        if ((u32)__get_cpuid_max(row[f].leaf & 0x80000000u, NULL) < row[f].leaf)
            continue;
        __cpuid_count(row[f].leaf, 0, r[0], r[1], r[2], r[3]);
        if (r[row[f].reg] >> row[f].bit & 1)
            feats |= BIT64(f);
    }
    return feats;
}

/* ---- the helper ---- */
static void put_code(struct ora_host *h, const struct ora_case *c, bool put)
{
    u32 at = (u32)((c->mode == 64 ? 0 : ora_base(c->in.sel[SEG_CS])) + c->in.rip) - ORA_CODE;
    for (u32 i = 0; i < c->ncode && at + i < ORA_CODE_SIZE; i++)
        h->code[at + i] = put ? c->code[i] : ORA_FILL;
}

static void prepare(struct ora_host *h, const struct ora_case *c)
{
    struct slots *s = h->slots;
    u8 *x = h->xsave;
    if (c->npatch)
        memcpy((void *)(uintptr_t)c->patch_at, c->patch, c->npatch);
    put_code(h, c, true);
    memcpy(s->gpr, c->in.gpr, sizeof(s->gpr));
    s->flags = c->in.flags | 0x202;
    s->fsbase = c->in.fsbase;
    s->gsbase = c->in.gsbase;
    s->ds = c->in.sel[SEG_DS];
    s->es = c->in.sel[SEG_ES];
    s->fs = c->in.sel[SEG_FS];
    s->gs = c->in.sel[SEG_GS];
    s->ss = c->in.sel[SEG_SS];
    s->long_mode = c->mode == 64;
    s->target = c->mode == 64 ? c->in.rip : (u32)c->in.rip | (u64)c->in.sel[SEG_CS] << 32;
    memcpy(x, c->in.fx, 416);
    st64(x + 512, h->avx ? 7 : 3);
    if (h->avx)
        memcpy(x + h->avx, c->in.ymmh, sizeof(c->in.ymmh));
}

/* Run the case at `cur`, or go back to wait for the next batch. Does not return: leaves through the
 * trampoline. */
NORETURN static void go_on(struct ora_host *h)
{
    void (*to)(void);
    if (h->now->cur >= h->now->n) {
        h->armed = 0;
        to = (void (*)(void))(uintptr_t)(h->tramp + (ora_blob_leave - ora_blob));
    } else {
        prepare(h, &h->now->cases[h->now->cur]);
        to = (void (*)(void))(uintptr_t)(h->tramp + (ora_blob_load - ora_blob));
        h->armed = 1;
    }
    to();
    __builtin_unreachable();
}

static void collect(struct ora_host *h, const struct ora_case *c, struct ora_out *o,
                    const ucontext_t *u)
{
    static const u8 from[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};
    const greg_t *g = u->uc_mcontext.gregs;
    const u8 *fx = (const u8 *)u->uc_mcontext.fpregs;
    const struct slots *s = h->slots;
    for (u32 i = 0; i < 16; i++)
        o->r.gpr[i] = (u64)g[from[i]];
    o->r.rip = (u64)g[REG_RIP];
    o->r.flags = (u64)g[REG_EFL];
    o->r.fsbase = s->ofsbase;
    o->r.gsbase = s->ogsbase;
    o->r.sel[SEG_CS] = (u16)g[REG_CSGSFS];
    o->r.sel[SEG_SS] = (u16)((u64)g[REG_CSGSFS] >> 48);
    o->r.sel[SEG_DS] = s->ods;
    o->r.sel[SEG_ES] = s->oes;
    o->r.sel[SEG_FS] = s->ofs;
    o->r.sel[SEG_GS] = s->ogs;
    memcpy(o->r.fx, fx, 416);
    memset(o->r.fx + 416, 0, 96);
    if (h->avx && ld32(fx + 464) == 0x46505853)
        memcpy(o->r.ymmh, fx + h->avx, sizeof(o->r.ymmh));
    else
        memset(o->r.ymmh, 0, sizeof(o->r.ymmh));
    o->vector = (u8)g[REG_TRAPNO];
    o->error = (u32)g[REG_ERR];
    o->cr2 = o->vector == EXC_PF ? (u64)g[REG_CR2] : 0;
    o->status = ORA_OK;
    ora_mem_collect(c, (u8 *)(uintptr_t)ORA_DATA, h->pattern, o);
}

/* Entered from the trampoline on the signal stack. */
static void on_signal(int sig, siginfo_t *info, void *context, struct ora_host *h)
{
    const ucontext_t *u = context;
    struct bank *b = h->now;
    u64 rip = (u64)u->uc_mcontext.gregs[REG_RIP];
    if (!h->armed) {
        if (sig == SIGVTALRM)
            return;
        _exit(98);
    }
    if (sig == SIGVTALRM) {
        collect(h, &b->cases[b->cur], &b->outs[b->cur], u);
        if (++h->ticks < 2)
            go_on(h);
        b->outs[b->cur].status = ORA_TIMEOUT;
    } else if (rip - (u64)(uintptr_t)h->tramp < PAGE_SIZE) {
        /* The state could not be loaded. What memory was given goes all the same. */
        ora_mem_collect(&b->cases[b->cur], (u8 *)(uintptr_t)ORA_DATA, h->pattern, &b->outs[b->cur]);
        b->outs[b->cur].status = ORA_LOST;
    } else {
        collect(h, &b->cases[b->cur], &b->outs[b->cur], u);
    }
    put_code(h, &b->cases[b->cur], false);
    h->ticks = 0;
    b->cur++;
    go_on(h);
}

static bool map_at(u64 at, size_t size, int prot, int fd, off_t off)
{
    int flags = MAP_FIXED_NOREPLACE | (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED);
    return mmap((void *)(uintptr_t)at, size, prot, flags, fd, off) == (void *)(uintptr_t)at;
}

static bool load_ldt(void)
{
    for (u32 i = 1; i < ORA_LDT; i++) {
        const struct ora_desc *t = &ora_ldt[i];
        struct user_desc d = {.entry_number = i,
                              .base_addr = t->base,
                              .limit = t->limit,
                              .seg_32bit = t->big,
                              .contents = t->type >> 1,
                              .read_exec_only = !(t->type & 1),
                              .limit_in_pages = t->pages,
                              .seg_not_present = t->absent,
                              .useable = 0};
        if (syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)))
            return false;
    }
    return true;
}

/* From here on the helper may do nothing but talk to its parent: programs under test issue no calls
 * that get through. */
static void lock_in(void)
{
#define LET(nr)                                                                                    \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    static struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        LET(SYS_read),
        LET(SYS_write),
        LET(SYS_exit_group),
        LET(SYS_rt_sigreturn),
        LET(SYS_restart_syscall),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL),
    };
    struct sock_fprog prog = {ARRAY_LEN(filter), filter};
    if (!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static bool helper_memory(struct ora_host *h)
{
    int fd = memfd_create("code", 0);
    if (fd < 0 || ftruncate(fd, ORA_CODE_SIZE) ||
        !map_at(ORA_CODE, ORA_CODE_SIZE, PROT_READ | PROT_EXEC, fd, 0) ||
        !map_at(ORA_DATA, ORA_DATA_SIZE, PROT_READ | PROT_WRITE, -1, 0))
        return false;
    h->code = mmap(NULL, ORA_CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    h->slots = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    h->pattern = malloc(ORA_DATA_SIZE);
    h->xsave = aligned_alloc(64, 8192);
    if (h->code == MAP_FAILED || (void *)h->slots == MAP_FAILED || !h->pattern || !h->xsave)
        return false;
    memset(h->xsave, 0, 8192);
    memset(h->code, ORA_FILL, ORA_CODE_SIZE);
    for (u32 i = 0; i < ORA_DATA_SIZE; i++)
        h->pattern[i] = ora_pattern(i);
    memcpy((void *)(uintptr_t)ORA_DATA, h->pattern, ORA_DATA_SIZE);
    return !mprotect((void *)(uintptr_t)(ORA_DATA + ORA_RW_SIZE), ORA_DATA_SIZE - ORA_RW_SIZE,
                     PROT_READ);
}

static bool helper_signals(struct ora_host *h)
{
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGVTALRM};
    struct itimerval tick = {{0, TICK_MS * 1000}, {0, TICK_MS * 1000}};
    stack_t alt = {.ss_size = ALT_STACK, .ss_sp = malloc(ALT_STACK)};
    if (!alt.ss_sp || sigaltstack(&alt, NULL))
        return false;
    for (u32 i = 0; i < ARRAY_LEN(sigs); i++) {
        struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};
        u8 *at = h->tramp + (ora_blob_signal - ora_blob);
        memcpy(&sa.sa_sigaction, &at, sizeof(at));
        if (sigaction(sigs[i], &sa, NULL))
            return false;
    }
    return !setitimer(ITIMER_VIRTUAL, &tick, NULL);
}

NORETURN static void helper(struct ora_host *h)
{
    char which;
    cpu_set_t first;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* The number of the processor stands in a descriptor that programs can read (LSL). */
    CPU_ZERO(&first);
    CPU_SET(0, &first);
    sched_setaffinity(0, sizeof(first), &first);
    close(h->to[1]);
    close(h->from[0]);
    if (!helper_memory(h) || !load_ldt())
        _exit(97);
    h->tramp = (u8 *)h->slots + PAGE_SIZE;
    memcpy(h->tramp, ora_blob, (size_t)(ora_blob_end - ora_blob));
    memcpy(&h->enter, &h->tramp, sizeof(h->tramp));
    h->avx = ora_host_avx();
    h->slots->use_xrstor = h->avx != 0;
    h->slots->xsave = h->xsave;
    h->slots->self = h;
    __asm__("rdfsbase %0" : "=r"(h->slots->host_fsbase));
    {
        void (*f)(int, siginfo_t *, void *, struct ora_host *) = on_signal;
        memcpy(&h->slots->handler, &f, sizeof(f));
    }
    if (!helper_signals(h))
        _exit(97);
    lock_in();
    which = 'r';
    while (write(h->from[1], &which, 1) == 1 && read(h->to[0], &which, 1) == 1) {
        h->now = &h->bank[which & 1];
        if (h->now->cur < h->now->n) {
            /* The first case is entered from here, the others from the handler of the one before.
             */
            prepare(h, &h->now->cases[h->now->cur]);
            h->ticks = 0;
            h->armed = 1;
            h->enter();
            h->armed = 0;
        }
    }
    _exit(0);
}

/* ---- the parent ---- */
static bool answered(struct ora_host *h)
{
    struct pollfd p = {.fd = h->from[0], .events = POLLIN};
    char c;
    int n;
    do
        n = poll(&p, 1, STUCK_MS);
    while (n < 0 && errno == EINTR);
    return n == 1 && read(h->from[0], &c, 1) == 1;
}

static void stop(struct ora_host *h)
{
    if (h->pid <= 0)
        return;
    kill(h->pid, SIGKILL);
    waitpid(h->pid, NULL, 0);
    close(h->to[1]);
    close(h->from[0]);
    h->pid = 0;
}

static bool spawn(struct ora_host *h)
{
    if (pipe(h->to) || pipe(h->from))
        return false;
    fflush(NULL);
    h->pid = fork();
    if (!h->pid)
        helper(h);
    close(h->to[0]);
    close(h->from[1]);
    return h->pid > 0 && answered(h);
}

struct ora_host *ora_host_new(char *why, size_t n)
{
    struct ora_host *h = calloc(1, sizeof(*h));
    if (!(getauxval(AT_HWCAP2) & 2)) {
        snprintf(why, n, "the host's kernel does not let programs write FS.base");
        free(h);
        return NULL;
    }
    if (h)
        h->bank = mmap(NULL, sizeof(struct bank) * BANKS, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!h || h->bank == MAP_FAILED || !spawn(h)) {
        snprintf(why, n, "the host does not let programs make segments (modify_ldt)");
        ora_host_free(h);
        return NULL;
    }
    return h;
}

void ora_host_free(struct ora_host *h)
{
    if (!h)
        return;
    stop(h);
    if (h->bank && h->bank != MAP_FAILED)
        munmap(h->bank, sizeof(struct bank) * BANKS);
    free(h);
}

struct ora_case *ora_host_cases(struct ora_host *h)
{
    return h->bank[h->filling].cases;
}

void ora_host_start(struct ora_host *h, u32 n)
{
    char which = (char)h->filling;
    h->bank[h->filling].n = n;
    h->bank[h->filling].cur = 0;
    h->filling ^= 1;
    if (write(h->to[1], &which, 1) != 1)
        return; /* seen when waiting */
}

const struct ora_out *ora_host_wait(struct ora_host *h)
{
    u32 running = h->filling ^ 1;
    struct bank *b = &h->bank[running];
    while (!answered(h) || b->cur < b->n) {
        char which = (char)running;
        stop(h);
        if (b->cur < b->n)
            b->outs[b->cur++].status = ORA_LOST;
        if (!spawn(h) || write(h->to[1], &which, 1) != 1) {
            for (; b->cur < b->n; b->cur++)
                b->outs[b->cur].status = ORA_LOST;
            break;
        }
    }
    return b->outs;
}

#else

struct ora_host *ora_host_new(char *why, size_t n)
{
    snprintf(why, n, "this is not an x86-64 Linux host, or the build is one with sanitizers");
    return NULL;
}
void ora_host_free(struct ora_host *h) {}
struct ora_case *ora_host_cases(struct ora_host *h)
{
    return NULL;
}
void ora_host_start(struct ora_host *h, u32 n) {}
const struct ora_out *ora_host_wait(struct ora_host *h)
{
    return NULL;
}
u64 ora_host_feats(void)
{
    return ~0ull;
}
bool ora_host_amd(void)
{
    return false;
}
u32 ora_host_avx(void)
{
    return 0;
}
#endif
