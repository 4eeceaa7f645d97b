/* One virtual CPU: its architectural state and the entry points of the run loop (SDM vol. 1 ch. 3,
 * vol. 3 ch. 2). Translated code addresses the first members with short displacements: order
 * matters, see cpu/jit/README.md. */
#ifndef CPU_CPU_H
#define CPU_CPU_H

#include "cpu/fp/fp.h"
#include "cpu/isa/isa.h"
#include "cpu/unwind.h"
#include "devices/core/clock.h"
#include "devices/core/irq.h"
#include "devices/core/log.h"
#include "mmu/mmu.h"

/* EFLAGS beyond the arithmetic flags (F_*). */
enum {
    FL_ONE = 0x2,
    FL_TF = 0x100,
    FL_IF = 0x200,
    FL_DF = 0x400,
    FL_IOPL = 0x3000,
    FL_NT = 0x4000,
    FL_RF = 0x10000,
    FL_VM = 0x20000,
    FL_AC = 0x40000,
    FL_VIF = 0x80000,
    FL_VIP = 0x100000,
    FL_ID = 0x200000,
};
enum {
    CR0_PE = 1,
    CR0_MP = 2,
    CR0_EM = 4,
    CR0_TS = 8,
    CR0_ET = 16,
    CR0_NE = 32,
    CR0_WP = 0x10000,
    CR0_AM = 0x40000,
    CR0_NW = 0x20000000,
    CR0_CD = 0x40000000,
};
#define CR0_PG 0x80000000u
enum {
    CR4_VME = 1,
    CR4_PVI = 2,
    CR4_TSD = 4,
    CR4_DE = 8,
    CR4_PSE = 16,
    CR4_PAE = 32,
    CR4_MCE = 64,
    CR4_PGE = 128,
    CR4_PCE = 256,
    CR4_OSFXSR = 512,
    CR4_OSXMMEXCPT = 1024,
    CR4_UMIP = 2048,
    CR4_FSGSBASE = 0x10000,
    CR4_OSXSAVE = 0x40000,
    CR4_SMEP = 0x100000,
};
enum { EFER_SCE = 1, EFER_LME = 0x100, EFER_LMA = 0x400, EFER_NXE = 0x800 };

/* Exception vectors. */
enum {
    EXC_DE,
    EXC_DB,
    EXC_NMI,
    EXC_BP,
    EXC_OF,
    EXC_BR,
    EXC_UD,
    EXC_NM,
    EXC_DF,
    EXC_TS = 10,
    EXC_NP,
    EXC_SS,
    EXC_GP,
    EXC_PF,
    EXC_MF = 16,
    EXC_AC,
    EXC_MC,
    EXC_XM,
};

/* cpu.watch: DR7 enables a data breakpoint; a probe wants to see accesses. */
enum { WATCH_DR = 1, WATCH_PROBE = 2 };
enum { MXCSR_MASKS = 0x1f80 };
/* x87 status word (SDM vol. 1 section 8.1.3); its exceptions are FP_* of cpu/fp/fp.h. */
enum {
    SW_SF = 0x40, /* stack fault; beside FP_IE */
    SW_ES = 0x80, /* an unmasked exception is pending */
    SW_C0 = 0x100,
    SW_C1 = 0x200,
    SW_C2 = 0x400,
    SW_TOP = 0x3800,
    SW_C3 = 0x4000,
    SW_B = 0x8000, /* mirrors SW_ES */
    SW_CC = SW_C0 | SW_C1 | SW_C2 | SW_C3,
};

/* Descriptor attribute bits as cached: the descriptor's second doubleword masked with 0x00f0ff00.
 */
enum {
    DA_TYPE = 0xf00,
    DA_ACCESSED = 0x100,
    DA_WRITE = 0x200,
    DA_READ = 0x200,
    DA_EXPDOWN = 0x400,
    DA_CONFORM = 0x400,
    DA_CODE = 0x800,
    DA_S = 0x1000,
    DA_DPL = 0x6000,
    DA_P = 0x8000,
    DA_AVL = 0x100000,
    DA_L = 0x200000,
    DA_DB = 0x400000,
    DA_G = 0x800000,
};

/* A segment register with its hidden part. `end_r`/`end_w`: an access [off, off+size) is fine when
 * off + size <= end, for expand-up data; 0 sends every access to the full check in seg_check
 * (expand-down, null, no right). seg_update() in sys/seg.c recomputes both whenever the rest
 * changes. */
struct seg {
    u64 base;
    u64 end_r, end_w;
    u32 limit; /* in bytes, granularity applied */
    u32 attr;  /* DA_*; 0 with DA_P clear: unusable (null) */
    u16 sel;
};

struct dtable {
    u64 base;
    u16 limit;
};

/* Arithmetic flags in the two bytes that LAHF and SETO give, so that host code saves them with one
 * store. */
struct aflags {
    u8 of;    /* 0 or 1 */
    u8 szapc; /* EFLAGS bits 7..0: SF ZF AF PF CF; bits 1,3,5 are don't-care */
};

union xmm {
    u8 b[16];
    u16 w[8];
    u32 d[4];
    u64 q[2];
} LITTLE_ENDIAN_MEMBERS; /* the bytes are those of guest memory */

/* x87 and MMX state. `top` and tags are kept apart from SW/TW, which are assembled when read. */
struct fpu {
    struct f80 st[8]; /* physical registers R0..R7; MMX register i is st[i].frac */
    u16 cw, sw;       /* sw without TOP (bits 11..13 zero) */
    u8 top;
    u8 empty; /* bit i: R[i] is empty */
    u8 dbl;   /* bit i: R[i] is cpu->x87_dbl[i], st[i] is old */
    u8 ready; /* X87_*; both are 0 outside of translated code */
    u16 fop, fcs, fds;
    u64 fip, fdp;
};
/* What translated code that has no such unit wants to know of it at a glance. */
enum {
    X87_CONTROL = 0x0f, /* rounding and precision control; 0: to nearest, 53 bits */
    X87_PRECISION = 0x03, /* ... the latter of them */
    X87_WIDE = 0x01,    /* ... X87_CONTROL: to nearest, 64 bits */
    X87_NO_PE = 0x10,   /* FP_PE is clear: who rounds must say so */
    X87_AWAKE = 0x80,   /* all this is so */
};

/* Why cpu_run returned. */
enum cpu_exit {
    CPU_EXIT_BUDGET,   /* the instruction budget is used up or exit_request was set */
    CPU_EXIT_HALT,     /* HLT: nothing to do until an interrupt */
    CPU_EXIT_SHUTDOWN, /* triple fault */
    CPU_EXIT_DEBUG,    /* a stop point (cpu/sys/stop.h), which stop_last() names */
};
/* why cpu->unwind was gone to */
enum { CPU_UNWIND_EXCEPTION = 1, CPU_UNWIND_SHUTDOWN };
enum cpu_engine { ENGINE_EXEC, ENGINE_EVAL, ENGINE_JIT };

struct jit;
struct ran;
struct cpu_model;
struct cpu;

/* Where translated code continues for an EIP: a direct-mapped table that indirect jumps probe in
 * place (cpu/jit). A tag is EIP ^ jc_tag, whose upper bits (those that an EIP of the mode
 * has no use for) say which mode, address space and generation the entry belongs to. */
#ifdef CONFIG_JIT_A64
enum { CPU_GUESSES = 2048 }; /* as far as displacements reach */
#else
enum { CPU_GUESSES = 16384 }; /* a compiler has several thousand busy loads */
#endif
enum { CPU_HEATS = 1024, CPU_IDLES = 1 << 19 };
/* cpu.tally: instructions and blocks that were entered; exits by the jump table; returns by the
 * host's stack, and those that did not match */
enum { TALLY_INSNS, TALLY_BLOCKS, TALLY_TABLE, TALLY_PAIRED, TALLY_UNPAIRED, CPU_TALLIES };
/* JC_SPREAD: what jc_salt() adds */
enum { JC_BITS = 16, JC_SPREAD = 1 << 16, JC_SIZE = (1 << JC_BITS) + JC_SPREAD };
/* Modes begin at places of their own: a kernel's code runs in several, as processes differ in
 * their segments. */
static inline u32 jc_salt(u64 mode_key)
{
    return (u32)(mode_key * 0x9e3779b97f4a7c15ull >> 48);
}
/* Functions begin at multiples of 16: the lowest bits alone would use few entries. The lowest one of
 * all is left out: translated code has twice the index. */
static inline u32 jc_index(u64 rip, u64 mode_key)
{
    return (u32)((rip ^ rip >> 4) >> 1 & (BIT(JC_BITS) - 1)) + jc_salt(mode_key);
}
/* Side by side: a program with much code has few of them in the host's caches. */
struct jc_entry {
    u64 tag;
    const void *host;
};
#define JC_NO_TAG (~(u64)0) /* no EIP gives this: generations start at 1 */

/* The interrupt controller as the CPU sees it, and other wires out of the CPU; set by the board. */
struct cpu_hooks {
    void *arg;
    int (*intr_ack)(void *arg); /* INTA: the vector, or -1 when it went away */
    bool (*msr_read)(void *arg, u32 msr,
                     u64 *v); /* board MSRs (APIC base, TSC deadline); false: not ours */
    bool (*msr_write)(void *arg, u32 msr, u64 v);
    u8 (*tpr_read)(void *arg); /* CR8 */
    void (*tpr_write)(void *arg, u8 v);
    void (*ferr)(void *arg, int level);     /* FERR# to IRQ 13 when CR0.NE = 0 */
    u64 (*tsc)(void *arg);                  /* time-stamp counter before TSC_ADJUST */
    u32 tsc_hz;     /* how fast that counts; 0: a thousand million a second */
    u64 wall;       /* seconds since 1970 when it was 0 */
    u32 crystal_hz; /* what the TSC and the local APIC's timer both count, for CPUID; 0: unsaid */
    void (*smi_ack)(void *arg, int in_smm); /* SMRAM opens/closes */
};

struct cpu {
    /* --- hot: addressed by translated code --- */
    u64 gpr[16];
    u64 rip;          /* offset in CS of the instruction being executed, or of the next one between
                         instructions */
    struct aflags af; /* arithmetic flags; the rest is in eflags */
    u8 vec_live; /* translated code has the XMM registers and MXCSR in the host's: 0 none, 1 eight, 2
                    all sixteen, 3 all sixteen with their upper halves; what is here is old then. 0 outside of translated code */
    u8 x87_live; /* the same of the x87 registers and words */
    u32 eflags;       /* FL_* only: arithmetic bits are zero here. DF is here. */
    s32 budget;       /* instructions left before cpu_run must return (counted mode) */
    u32 x87_site; /* translated code: which x87 instruction ran last, its place not yet in fpu; 0: none */
    u32 pad0;
    u32 exit_request; /* != 0: leave translated code at the next poll; set from anywhere (atomic) */
    /* Translated code: temporaries that found no host register. They and gpr[] are written and read all the time:
     * some processors look for a load's store by the lowest 11 bits of its address, and wait where two agree. */
    u64 slots[32];
    struct seg seg[SEG__COUNT];
    union xmm xmm[16] __attribute__((aligned(16)));
    struct fpu fpu;
    u64 x87_dbl[8]; /* translated code: x87 registers as doubles */
    u64 x87_last[2]; /* ... operands of the last operation, by which */
    u8 x87_c1;       /* ... C1 is made when somebody asks (cpu/jit/x87.h) */
    u32 mxcsr;
    u32 host_mxcsr; /* for code that is not the guest's */
    union xmm ymmh[16] __attribute__((aligned(16))); /* upper halves of the YMM registers */

    /* --- execution --- */
    u64 next_rip;     /* during exec: where the next instruction is; branches write it */
    u8 cpl;           /* 3 in V86 mode */
    u8 code_bits;     /* 16, 32, 64: mode of CS */
    u8 stack_bits;    /* 16, 32, 64: SS.B (64 in long mode) */
    u8 mmu_mode;      /* MMU_USER when cpl == 3 */
    bool align_check; /* CR0.AM, EFLAGS.AC and CPL 3: misaligned accesses raise #AC */
    u8 watch;         /* WATCH_*: every access is told to mem_seen() */
    bool in_smm, nmi_blocked;
    bool smm_nmi; /* nmi_blocked as it was when SMM was entered */
    /* Eight bytes that cpu_waits() reads as one: whatever may come between two instructions. They
     * are written only when they change: a wide load waits for narrow stores in front of it.
     * shadow: interrupts are held off for one instruction: behind STI (with IF newly set), MOV SS,
     * POP SS. */
    bool shadow __attribute__((aligned(8)));
    bool shadow_ss; /* ... and debug traps too (MOV SS, POP SS) */
    bool halted;
    bool smi_pending, nmi_pending, init_pending;
    u8 intr; /* level of the INTR wire */
    u8 waits_end;
    u8 seg_open;  /* the same for MK_OPEN(s) */
    u8 seg_flat;  /* bit s: seg[s] is flat for MK_FLAT(s) outside of 64-bit code; seg_update() keeps it */
    /* the descriptor that seg[] was loaded from, of level 3 and in the GDT, to see that a load of the
     * same selector changes nothing; 0: unknown */
    u64 seg_raw[SEG__COUNT];
    u32 seg_mode; /* PE and VM that seg[].end_r/end_w were computed for */
    u8 stop_on;      /* which kinds of stop points there are (cpu/sys/stop.h) */
    bool stop_noted; /* one was met by the instruction that runs */
    bool quiet;      /* a debugger steps: interrupts and the like wait */
    u64 mode_key; /* what a translation depends on beside its bytes; cpu_update_mode() recomputes */

    /* --- system registers --- */
    u32 cr0, cr4;
    u64 cr2, cr3, efer, cr8;
    u64 xcr0;
    u64 random; /* state of RDRAND and RDSEED; not reset */
    struct seg ldt, tr;
    struct dtable gdt, idt;
    u64 dr[8];
    u64 sysenter_cs, sysenter_esp, sysenter_eip;
    u64 star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
    u64 tsc_offset, pat, mtrr_def, mtrr_fix[11], mtrr_var[16], misc_enable, mcg_status, ucode_rev;
    u64 kvm_time, kvm_wall; /* the MSRs of sys/kvmclock.c */
    u32 kvm_version;
    u32 smbase;

    /* --- exception in flight --- */
    struct unwind unwind; /* cpu_raise() comes back to the run loop */
    u8 unwind_why;
    u8 exc_vector, exc_soft;
    bool exc_has_error;
    u32 exc_error;
    u64 db_pending; /* DR6 bits to deliver as #DB after this instruction (single step, data and I/O
                       breakpoints) */

    /* --- things around it --- */
    struct bus *io;
    struct clock *clock;
    struct log *log;
    struct cpu_hooks hooks;
    const struct cpu_model *model;
    u64 feats;       /* FEAT_BIT mask */
    u32 index;       /* which virtual CPU */
    struct jit *jit; /* translations; NULL: interpreter only */
    void *icache;    /* exec's cache of decoded instructions */
    struct stops *stops; /* NULL: there never was a stop point */
    u64 icount;      /* instructions executed before the running cpu_run */
    u32 run_budget;  /* what the running cpu_run was given */
    s32 ahead; /* instructions that translated code has charged to the budget but not yet executed
                */
    u64 jc_tag;
    u64 host_rsp, host_limit; /* translated code: the stack at its entry, the last place for pairs */
    s32 loose_left; /* translated code: so many accesses not aligned until one is looked at */
    s32 guess_left; /* ... and so many wrong guesses */
    u64 tally[CPU_TALLIES]; /* translated code: what it counts when it is asked to */
    u64 guess[CPU_GUESSES]; /* translated code: the addend that an access found last; never 0 */
    struct mmu mmu; /* large: what is in front of it is near the registers, for hosts with short offsets */
    struct jc_entry jc[JC_SIZE]; /* the jump table */
    u32 jc_page[JC_SIZE]; /* the page that this code was made of, RAM_NO_PAGE for two */
    s32 heat[CPU_HEATS]; /* translated code: how often a block runs before it is made anew */
    u64 stat_exc[32], stat_intr;
    struct ran *ran;    /* where it is noted which code runs (cpu/sys/ran.h); NULL: nowhere */
    u64 ran_line;       /* ... what the interpreter noted last: linear address / RAN_LINE */
    u8 idle[CPU_IDLES]; /* translated code: 0 where a block ran since somebody looked
                           (cpu/jit/ran.c) */
};

/* ---- life ---- */
struct cpu_config {
    struct bus *mem, *io;
    struct ram_space *space;
    struct clock *clock;
    struct log *log;
    const char *model; /* "pentium3", "qemu32,+sse2,-mmx"; NULL: the default */
    u32 index;
    u64 seed; /* of RDRAND; the same seed gives the same numbers */
};
struct err;
struct cpu *cpu_new(const struct cpu_config *config, struct err *err);
void cpu_free(struct cpu *cpu);
void cpu_reset(struct cpu *cpu);       /* power-on/RESET state (SDM vol. 3 table 9-1) */
void cpu_init_signal(struct cpu *cpu); /* INIT: as reset, keeps FPU, MTRRs, caches */

/* ---- running ---- */
/* Run until the budget of `insns` instructions is used up, exit_request is set, or something else
 * ends it. Delivers interrupts. Never longjmps out. *(cpu->icount) advances by the instructions
 * executed. */
enum cpu_exit cpu_run(struct cpu *cpu, enum cpu_engine engine, u32 insns);
/* Go to cpu->unwind. */
NORETURN static inline void cpu_unwind(struct cpu *cpu, unsigned why)
{
    cpu->unwind_why = (u8)why;
    unwind_to(&cpu->unwind);
}
/* Behind a return to cpu->unwind: the instruction count and the x87 state are put right. */
void cpu_unwound(struct cpu *cpu);
/* Ask a running cpu_run to return soon; may be called from a signal handler or another thread. */
enum {
    EXIT_RETURN = 1,
    EXIT_RECHECK = 2,
    EXIT_STOP = 4
}; /* bits of exit_request: return from cpu_run; look for events anew; a stop point was met */
static inline void cpu_kick(struct cpu *cpu)
{
    __atomic_fetch_or(&cpu->exit_request, EXIT_RETURN, __ATOMIC_RELEASE);
}
/* Something changed that the run loop must look at before the next instruction; for the CPU's own
 * thread. */
static inline void cpu_recheck(struct cpu *cpu)
{
    __atomic_fetch_or(&cpu->exit_request, EXIT_RECHECK, __ATOMIC_RELEASE);
}
/* Instructions executed until now, also right within a device access made by a running instruction.
 */
u64 cpu_icount(const struct cpu *cpu);
/* Is there any of what can come between two instructions, beside exit_request? 0: nothing. The INTR wire
 * means nothing while IF is clear: a guest may leave it so for long. */
static inline u64 cpu_waits(const struct cpu *cpu)
{
    enum { AT = offsetof(struct cpu, intr) - offsetof(struct cpu, shadow) };
    static const u8 intr[8] = {[AT] = 0xff};
    u64 v, wire;
    _Static_assert(offsetof(struct cpu, waits_end) - offsetof(struct cpu, shadow) == 7, "one word");
    memcpy(&v, &cpu->shadow, sizeof(v));
    memcpy(&wire, intr, sizeof(wire));
    return cpu->eflags & FL_IF ? v : v & ~wire;
}
/* Input wires: level of INTR; edges of NMI, SMI, INIT. Each also kicks the CPU out of translated
 * code. */
void cpu_set_intr(struct cpu *cpu, int level);
void cpu_nmi(struct cpu *cpu);
void cpu_smi(struct cpu *cpu);
void cpu_set_a20(struct cpu *cpu, bool open);

/* ---- flags ---- */
u32 cpu_eflags(const struct cpu *cpu);       /* all of EFLAGS as pushed */
void cpu_set_eflags(struct cpu *cpu, u32 v); /* all of EFLAGS, no privilege rules; bit 1 forced */
static inline u32 cpu_aflags(const struct cpu *cpu)
{
    return (cpu->af.szapc & (u32)F_SZAPC) | (u32)cpu->af.of << 11;
}
static inline void cpu_set_aflags(struct cpu *cpu, u32 f)
{
    cpu->af.of = f >> 11 & 1;
    cpu->af.szapc = (u8)(f & F_SZAPC);
}
bool cpu_cc(const struct cpu *cpu, unsigned cc); /* is condition CC_* true? */

/* ---- exceptions: leave the instruction, nothing of it is committed ---- */
NORETURN void cpu_raise(struct cpu *cpu, unsigned vector);                /* without error code */
NORETURN void cpu_raise_err(struct cpu *cpu, unsigned vector, u32 error); /* with error code */
NORETURN void cpu_raise_pf(struct cpu *cpu,
                           const struct mmu_fault *fault); /* sets CR2 at delivery */

/* ---- mode ---- */
/* Bits of mode_key: what a translation assumes of the machine beside the bytes of its code. */
enum {
    MK_CODE = 0x3, /* code size: 0: 16, 1: 32, 2: 64 */
    MK_CODE32 = 0x1,
    MK_CODE64 = 0x2,
    MK_STACK = 0xc, /* stack pointer width: 0: 16, 4: 32, 8: 64 */
    MK_STACK32 = 0x4,
    MK_STACK64 = 0x8,
    MK_PE = 0x10,
    MK_VM = 0x20,
    MK_CPL3 = 0x40,       /* accesses use MMU_USER */
    MK_TF = 0x80,         /* single step: run one instruction at a time */
    MK_LIMIT = 0x1000,    /* EIP may run into the limit of CS before it wraps: use exec */
    MK_AC = 0x2000,       /* misaligned accesses raise #AC */
    MK_PG = 0x8000,       /* paging is on: links across pages need a check */
    MK_DEBUG = 0x4000,    /* a breakpoint register is enabled: use exec */
    MK_VEC = 0x800000, /* vector operations neither fault nor trap but for their memory operands */
    MK_X87 = 0x1000000, /* x87 operations neither fault nor trap but for their memory operands */
    MK_AVX = 0x2000000, /* MK_VEC, and operations with VEX prefixes are allowed */
    MK_RING12 = 0x4000000, /* CPL 1 or 2 */
    MK_FLAT_ES = 0x10000, /* MK_FLAT(s): base 0, readable and writable (CS: readable) up to 4 GiB:
                             no check, no add */
    MK_FLAT_CS = 0x20000,
    MK_FLAT_SS = 0x40000,
    MK_FLAT_DS = 0x80000,
    MK_FLAT_FS = 0x100000,
    MK_FLAT_GS = 0x200000,
};
#define MK_FLAT(s) ((u64)MK_FLAT_ES << (s))
/* Some base, but readable and writable up to 4 GiB: no check where the offset is known. */
#define MK_OPEN(s) (BIT64(32) << (s))
#define MK_SEGS ((MK_FLAT(SEG__COUNT) - MK_FLAT_ES) | (MK_OPEN(SEG__COUNT) - MK_OPEN(SEG_ES)))
/* What mode_key says of segments: MK_SEGS of it. In 64-bit code all but FS and GS are flat; those
 * have a base that changes with every task. */
static inline u64 cpu_seg_key(const struct cpu *cpu)
{
    if (cpu->code_bits == 64)
        return (u64)(BIT(SEG_FS) - 1) * MK_FLAT_ES;
    return cpu->seg_flat * MK_FLAT(SEG_ES) + cpu->seg_open * MK_OPEN(SEG_ES);
}
/* Recompute cpl-derived state, code_bits, stack_bits, mode_key; call after any change of CS, SS,
 * CR0, CR4, EFER, EFLAGS.VM or data segments. Pushing the paging mode to the MMU is cr_* code's
 * business (sys/ctrl.c). */
void cpu_update_mode(struct cpu *cpu);
/* The same when nothing changed but CS, SS, the CPL and EFLAGS without VM: transfers of control in
 * protected mode. */
void cpu_update_transfer(struct cpu *cpu);
static inline bool cpu_pe(const struct cpu *cpu)
{
    return cpu->cr0 & CR0_PE;
}
static inline bool cpu_v86(const struct cpu *cpu)
{
    return cpu->eflags & FL_VM;
}
static inline bool cpu_real(const struct cpu *cpu)
{
    return !(cpu->cr0 & CR0_PE);
}
static inline bool cpu_pm(const struct cpu *cpu)
{
    return cpu_pe(cpu) && !cpu_v86(cpu);
}
static inline bool cpu_lma(const struct cpu *cpu)
{
    return cpu->efer & EFER_LMA;
}
/* Is la an address that 48 bits of linear address space have (SDM vol. 1, 3.3.7.1)? */
static inline bool cpu_canonical(u64 la)
{
    return (u64)((s64)(la << 16) >> 16) == la;
}
static inline bool cpu_long(const struct cpu *cpu)
{
    return cpu->code_bits == 64;
}
static inline bool cpu_has(const struct cpu *cpu, enum feat f)
{
    return cpu->feats >> f & 1;
}
static inline unsigned cpu_iopl(const struct cpu *cpu)
{
    return cpu->eflags >> 12 & 3;
}

/* One-line-per-fact dump of the registers for people, into buf. */
char *cpu_dump(const struct cpu *cpu, char *buf, size_t n);
/* A 64-bit hash of the architectural state (registers and, if `memory`, all RAM of the space). */
u64 cpu_hash(const struct cpu *cpu);

#endif
