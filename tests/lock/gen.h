/* Random programs: the machine state they start in, the memory around them and their instructions
 * (tests/lock/README.md). */
#ifndef TESTS_LOCK_GEN_H
#define TESTS_LOCK_GEN_H

#include "tests/lock/machine.h"

/* Physical places; linear ones are the same but for the aliases. */
enum {
    LOCK_GDT = 0x1000,
    LOCK_IDT = 0x2000,
    LOCK_TSS = 0x3000,
    LOCK_HANDLERS = 0x4000,
    LOCK_TABLE =
        0x4400, /* where to go on behind each byte of the program: u16 offsets from its start */
    LOCK_PAGING = 0x5000, /* directory, table; PAE: pointers, directory, table; five pages */
    LOCK_PML4 = 0x8000,   /* ... of which the fourth is the top level of 64-bit worlds */
    LOCK_CODE = 0x10000,
    LOCK_CODE2 = 0x18000,  /* another version of the two code pages, for remapping */
    LOCK_DATA = 0x20000,
    LOCK_DATA_SIZE = 0x8000,
    LOCK_STACK = 0x30000,
    LOCK_STACK_SIZE = 0x8000,
    LOCK_SMM = 0x38000,    /* the handler of system management interrupts: SMBASE + 8000h */
    LOCK_STACK0 = 0x3a000, /* top of the stack of level 0 */
    LOCK_ALIAS = 0x80000,  /* with paging: the code and data pages once more */
    LOCK_LARGE = 0x400000, /* with PSE: everything once more */
};

enum lock_kind {
    LOCK_FLAT32, /* flat, level 0 */
    LOCK_USER32, /* flat, level 3 */
    LOCK_SEG32,  /* 32-bit code, odd data and stack segments, level 0 or 3 */
    LOCK_LONG,   /* 64-bit code, level 0 or 3 (long.c, insn64.c) */
    LOCK_PM16,   /* 16-bit protected mode */
    LOCK_REAL,
    LOCK_V86,
    LOCK_KINDS
};
enum lock_paging { PAGING_OFF, PAGING_32, PAGING_PAE, PAGINGS };

enum { LOCK_MAX_INSNS = 64, LOCK_MAX_CODE = 900 };

/* What of an instruction depends on where another one lies. */
enum lock_fix {
    FIX_NONE,
    FIX_REL8,
    FIX_REL16,
    FIX_REL32,
    FIX_OFF16,
    FIX_OFF32,
    FIX_LIN32,
    FIX_OFF64,
    FIX_RIP32 /* a displacement from RIP to the target's bytes */
};

struct lock_insn {
    u8 bytes[24];
    u8 len;
    u8 fix, fix_at; /* what is filled in at bytes[fix_at] */
    u8 target;      /* instruction number; == n: the end */
    s8 add;         /* FIX_OFF*, FIX_LIN32: bytes behind the target's start */
};

struct lock_prog {
    u64 seed;
    enum lock_kind kind;
    enum lock_paging paging;
    bool wp, pse, user;
    u8 bits;       /* 16, 32 or 64 */
    u64 start;     /* EIP of the program */
    u32 code_base; /* base of its code segment */
    u32 code_at;   /* where its bytes are in memory */
    u64 gpr[16], eflags;
    u16 sel[SEG__COUNT];
    u64 base[SEG__COUNT];
    u32 limit[SEG__COUNT];
    struct lock_insn insns[LOCK_MAX_INSNS];
    u32 n;
    u32 budget;    /* instructions to run at most */
    u32 irq_every; /* an interrupt at about every so many instructions; 0: none */
    bool outside;  /* between slices devices write memory, and A20 moves */
    bool simple;   /* only moves, arithmetic, stack and branches in flat memory */
    bool units;    /* most instructions are x87, MMX and SSE ones */
    u64 feats;
    /* laid out */
    u8 code[LOCK_MAX_CODE + 32];
    u16 at[LOCK_MAX_INSNS + 1];
    u32 code_len;
    u8 image[LOCK_RAM];
};

struct lock_options {
    u32 kinds; /* mask of kinds; 0: all */
    bool simple, units, no_units, patching;
};

/* Random numbers: a state that moves (splitmix64). */
u64 lock_rnd(u64 *s);
static inline u32 lock_below(u64 *s, u32 n)
{
    return (u32)(lock_rnd(s) >> 33) % n;
}
static inline bool lock_chance(u64 *s, u32 percent)
{
    return lock_below(s, 100) < percent;
}

/* Make the program of a seed for a CPU with `feats`. */
void lock_gen(struct lock_prog *p, u64 seed, u64 feats, const struct lock_options *options);
/* Place the instructions: code, at, and the memory image. After a change of insns call it again. */
void lock_layout(struct lock_prog *p);
/* Instruction k becomes NOPs of the same length. */
void lock_drop(struct lock_prog *p, u32 k);
/* Make a program of n given bytes; the first few choose mode, paging and registers. */
void lock_gen_raw(struct lock_prog *p, const u8 *bytes, size_t n, u64 feats);
/* Put a freshly reset machine into the program's starting state. */
void lock_enter(const struct lock_prog *p, struct lock_machine *m);

/* insn.c: append one random instruction (or a few that belong together). */
void lock_gen_insn(struct lock_prog *p, u64 *s);
/* patching.c: the instructions of a program that patches itself in a loop */
void lock_gen_patching(struct lock_prog *p, u64 *s);
/* No program may make data its page tables: lock_flush() is what loads CR3. */
static inline bool lock_loads_cr3(const struct insn *insn)
{
    return insn->op == OP_MOVCR && insn->o[0].kind == OPND_CR && insn->o[0].reg == 3;
}
/* An empty instruction behind the others; is there room for n more? n low bytes of v behind i's. */
struct lock_insn *lock_next(struct lock_prog *p);
bool lock_room(const struct lock_prog *p, u32 n);
void lock_put(struct lock_insn *i, u64 v, unsigned bytes);
/* A linear address below 4 GiB worth touching; an immediate; a branch's target. */
u32 lock_place(const struct lock_prog *p, u64 *s);
u32 lock_immediate(u64 *s);
void lock_flush(const struct lock_prog *p, struct lock_insn *i);
u8 lock_target(const struct lock_prog *p, u64 *s, bool near);
/* The opcode of a random instruction, with the ModRM reg field that it asks for or -1 (`plain`:
 * from the translator's daily bread; otherwise from all the rest). In a program of `units` it is
 * most often one of x87, MMX or SSE instructions. */
unsigned lock_opcode(const struct lock_prog *p, u64 *s, bool plain, int *reg);
/* insn64.c: the same for 64-bit code. False: nothing came of it, another one is to be tried. */
bool lock_gen_insn64(struct lock_prog *p, u64 *s, u32 k);
/* image.c */
/* Map linear page `la` (one of the program's or of its data) to its other version, or back, in the
 * page tables of m. True when the entry is global. */
bool lock_remap(const struct lock_prog *p, struct lock_machine *m, u32 la);
void lock_choose(struct lock_prog *p, u64 *s);
/* long.c: what 64-bit worlds have of their own, each called from its namesake in image.c. */
void lock_choose64(struct lock_prog *p, u64 *s);
void lock_image64(struct lock_prog *p);
void lock_enter64(const struct lock_prog *p, struct cpu *cpu);
void lock_segments64(const struct lock_prog *p, struct cpu *cpu);
/* Where 64-bit worlds see the first 2 MiB once more, as linear addresses. */
enum { LOCK_VIEWS = 4 };
extern const u64 lock_views[LOCK_VIEWS];
void lock_image(struct lock_prog *p);

#endif
