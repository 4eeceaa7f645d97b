/* The state of emitting one block: where values live, where the guest's flags are, and the code put
 * off to the end. */
#ifndef CPU_JIT_X64_EM_H
#define CPU_JIT_X64_EM_H

#include "cpu/jit/backend.h"
#include "cpu/jit/x64/asm.h"

/* Fixed registers. The state pointer is biased so that the hot members have 8-bit displacements. */
enum {
    STATE = RBP,
    STATE_BIAS = 128,
    SCR = RAX, /* scratch of every template; flags are saved through it */
    SCR2 = R8, /* second scratch; site numbers for helpers */
    ADDR = R9, /* linear address of a memory template */
};
#define ST_OFF(member) ((s32)offsetof(struct cpu, member) - STATE_BIAS)
#define ST(member)     MEM(STATE, ST_OFF(member))
#define ST_AT(off)     MEM(STATE, (s32)(off)-STATE_BIAS)

/* Host register of guest register 0..7; 8..15 stay in memory. */
extern const u8 em_pin[8];

/* Where a value is: a host register, or memory at [STATE + disp]. */
struct loc {
    bool reg;
    u8 r;
    s32 disp;
};

/* Where the guest's arithmetic flags are: in memory (struct aflags), in the host's flags, or both
 * alike. */
enum flag_place { FLAGS_MEM = 1, FLAGS_HOST = 2, FLAGS_BOTH = 3 };
/* What makes of host flags the guest's where the manuals leave some open and processors differ
 * (cpu/ir/README.md). */
enum flag_mend {
    MEND_NONE,
    MEND_SHIFT, /* AF is to be set */
    MEND_MUL    /* SF, ZF, AF and PF are to be cleared; CF = OF */
};

enum cold_kind { COLD_PREPARE, COLD_SEG, COLD_EXIT, COLD_ENTRY, COLD_BAIL };
struct cold {
    u8 kind, at, write, size, reg; /* reg: the host register that holds the address or offset */
    u8 *from, *back;
    u64 arg;
};

struct em {
    struct as a;
    struct codebuf *buf;
    const struct be_stubs *stubs;
    const struct be_in *in;
    struct be_out *out;
    enum flag_place flags;
    enum flag_mend mend;    /* with FLAGS_HOST: what saving must put right */
    u8 live[IR_MAX_INS];    /* flags wanted behind each operation */
    u8 temp[IR_MAX_VALUE];  /* host register or 0x80 | slot of each temporary */
    u16 last[IR_MAX_VALUE]; /* index of the last operation that names it */
    u16 free_regs;          /* mask */
    u32 free_slots;
    u32 nexecs;
    u32 last_vec, last_x87; /* index behind the last vector and x87 operation */
    struct cold cold[IR_MAX_INS];
    u32 ncold;
};

struct loc em_loc(const struct em *e, u8 v);
/* Make the host's flags hold the guest's / make memory hold them; spoil: the host's flags are about
 * to be lost. */
void em_flags_load(struct em *e);
void em_flags_save(struct em *e);
void em_flags_spoil(struct em *e, bool wanted);
/* The host register that holds v, loaded into `scratch` when it lives in memory. */
unsigned em_use(struct em *e, u8 v, unsigned size, unsigned scratch);

/* mem.c: guest memory, segments, calls to exec */
void em_mem_op(struct em *e, const struct ir_ins *i);
void em_cold(struct em *e, enum cold_kind kind, const struct ir_ins *i, u8 *from, u8 *back,
             u64 arg);
void em_emit_cold(struct em *e);
/* The TLB probe for i's access: leaves the addend in SCR, gives the register with the linear address.
 * `access`: IR_ACCESS_*; what is not aligned as it should goes to exec. */
unsigned em_probe(struct em *e, const struct ir_ins *i, s32 imm, bool write, unsigned access);
/* vec.c: vector operations; the stubs that bring registers in and out */
void em_vector_op(struct em *e, const struct ir_ins *i, u8 live);
void em_vector_enter(struct em *e);
void em_x87_op(struct em *e, const struct ir_ins *i, u8 live);
void em_x87_enter(struct em *e);
void em_vector_stubs(struct codebuf *buf, struct as *a, struct be_stubs *stubs);
/* beside.c: the first part of a stub for stores of `size` bytes at ADDR that missed: returns with the
 * addend in SCR when no code is on these bytes, else goes on with all registers but SCR as they were */
void em_store_beside(struct as *a, unsigned size);
/* exit.c: ways out */
void em_exit_op(struct em *e, const struct ir_ins *i);
void em_direct_exit(struct em *e, u64 rip, unsigned at);
void em_side_exit(struct em *e, u8 *jcc, u64 rip, unsigned at);

#endif
