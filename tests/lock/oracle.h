/* The host processor as an oracle: what a case is, running it natively and in our engines, and
 * telling the results apart (tests/lock/README.md). Addresses are linear and the same on both
 * sides. */
#ifndef TESTS_LOCK_ORACLE_H
#define TESTS_LOCK_ORACLE_H

#include "cpu/cpu.h"
#include "devices/core/bits.h"

#include <stdio.h>

/* ---- the world both sides see ---- */
enum {
    ORA_CODE = 0x10000000, /* two pages, executable and read-only, filled with INT3; then nothing */
    ORA_CODE_SIZE = 0x2000,
    ORA_DATA = 0x10010000, /* two pages to read and write, one to read; nothing on either side */
    ORA_DATA_SIZE = 0x3000,
    ORA_RW_SIZE = 0x2000,
    ORA_FILL = 0xcc,  /* INT3: #BP says that control came there */
    ORA_LDT = 18,     /* descriptors */
    ORA_PATCH = 1024, /* bytes of memory a case may set */
    ORA_BYTES = 32,   /* bytes of code */
    ORA_MEM = 640,    /* changed bytes a result can hold */
};
/* Flags a case may set and a result is compared in. */
#define ORA_EFLAGS (F_ALL | FL_DF | FL_NT | FL_AC | FL_ID)

/* A descriptor of the LDT, in the fields that modify_ldt takes. */
struct ora_desc {
    u32 base, limit; /* limit in its units */
    u8 type; /* bits 1..3 of the type: 1 writable/readable, 2 expand-down/conforming, 4 code */
    bool big, pages, absent;
};
extern const struct ora_desc ora_ldt[ORA_LDT];
enum {
    ORA_CS32 = 0x0f,
    ORA_DS32 = 0x17,
    ORA_CS16 = 0x1f,
    ORA_GDT_CS32 = 0x23, /* the kernel's own */
    ORA_GDT_DS = 0x2b,
    ORA_GDT_CS64 = 0x33,
};
/* Linear base of what selector `sel` names; *limit gets the last valid offset, 0 when unusable. */
u32 ora_base(unsigned sel);
/* The pattern memory holds at first: byte `off` of the data pages. */
u8 ora_pattern(u32 off);

/* ---- a case ---- */
/* Register state. x87 and SSE are an FXSAVE64 image. */
struct ora_regs {
    u64 gpr[16], rip, flags; /* rip: offset in CS */
    u64 fsbase, gsbase;      /* 64-bit code only */
    u16 sel[SEG__COUNT];
    u8 fx[512] __attribute__((aligned(16)));
    u8 ymmh[16][16];
};

struct ora_case {
    struct ora_regs in;
    u64 seed; /* that it was made from */
    u8 mode;  /* 16, 32, 64 */
    bool amd; /* the host is AMD's */
    bool lma; /* 16- and 32-bit code: the guest runs it in compatibility mode */
    u8 ncode, code[ORA_BYTES];
    u16 op;       /* what our decoder says: enum op (OP_UD: rejected) */
    u16 row;      /* of the encoding tables */
    u32 patch_at; /* linear, within the writable pages */
    u16 npatch;
    u8 patch[ORA_PATCH];
};

enum ora_status {
    ORA_OK,      /* a fault or the filler ended it; see vector */
    ORA_TIMEOUT, /* it does not come to an end */
    ORA_LOST,    /* the helper died of it */
};

/* What came of a case. */
struct ora_out {
    struct ora_regs r;
    u64 cr2; /* of a page fault */
    u32 error;
    u8 status, vector;
    /* Writable memory that differs from what it was: [lo, hi) as offsets, 0, 0 if nothing. */
    u32 mem_lo, mem_hi;
    u64 mem_hash;
    u8 mem[ORA_MEM]; /* the first of these bytes */
};

/* ---- the host ---- */
struct ora_host;
enum { ORA_BATCH = 256 };
/* A helper process that runs cases natively. NULL with a sentence in why[] where that cannot be. */
struct ora_host *ora_host_new(char *why, size_t n);
void ora_host_free(struct ora_host *h);
/* The cases of the next batch, to be filled by the caller. */
struct ora_case *ora_host_cases(struct ora_host *h);
/* Start the first n of them; wait for them and give the results. */
void ora_host_start(struct ora_host *h, u32 n);
const struct ora_out *ora_host_wait(struct ora_host *h);
/* Which of our features this processor has, and whether it is AMD's. */
u64 ora_host_feats(void);
bool ora_host_amd(void);
/* Bytes of the memory at `off` in the XSAVE area that hold the upper halves of YMM; 0: no AVX. */
u32 ora_host_avx(void);

/* ---- our engines ---- */
struct ora_guest;
struct ora_guest *ora_guest_new(enum cpu_engine engine, bool lma, u64 feats);
void ora_guest_free(struct ora_guest *g);
/* Blocks that its translator has made. */
u64 ora_guest_blocks(const struct ora_guest *g);
void ora_guest_run(struct ora_guest *g, const struct ora_case *c, struct ora_out *out);
u64 ora_guest_feats(const struct ora_guest *g);

/* ---- memory, for both sides ---- */
/* Compare ram[ORA_RW_SIZE] with what case c started from, fill the mem fields of out, and put the
 * pattern back. */
void ora_mem_collect(const struct ora_case *c, u8 *ram, const u8 *pattern, struct ora_out *out);
/* mem_hash of n changed bytes. */
u64 ora_mem_hash(const u8 *p, u32 n);

/* ---- making cases ---- */
struct ora_row {
    u8 table, mand, opcode, reg, rm; /* reg, rm: 0xff if not part of it */
    bool regform, modrm;             /* regform: ModRM.mod 3 of a group */
    bool is64, no64;                 /* exists in 64-bit code only; not in it */
    bool vex;                        /* VEX encoding: w and len count */
    u8 w, len;
    u16 op;
};
struct ora_rows {
    u32 n;
    bool amd, avx; /* the host */
    struct ora_row *row;
};
/* All places of the encoding tables that hold an operation. False: no memory. */
bool ora_rows_make(struct ora_rows *r);
void ora_rows_free(struct ora_rows *r);
u64 ora_rnd(u64 *s);
u32 ora_below(u64 *s, u32 n);
bool ora_chance(u64 *s, u32 percent);
/* The case of `seed`, for a CPU with `feats`. */
void ora_make(struct ora_case *c, u64 seed, const struct ora_rows *rows, u64 feats);
/* Random registers, FPU and vector state for code of c->mode (before operands are aimed). */
void ora_make_state(struct ora_case *c, u64 *s);
/* An integer that is often an edge; n bytes of memory as operands may find them. */
u64 ora_integer(u64 *s);
void ora_make_operand(u64 *s, u8 *p, u32 n);
/* Is c safe and meaningful to run on the host? *why gets the reason if not. */
bool ora_may_run(const struct ora_case *c, const char **why);

/* ---- comparing ---- */
struct ora_verdict {
    bool same;
    const char *excused; /* a rule of the table made it same */
    u32 masked;          /* flags that were undefined and did differ */
    char text[400];      /* what differs */
};
void ora_compare(const struct ora_case *c, const struct ora_out *host, const struct ora_out *guest,
                 struct ora_verdict *v);
/* Print the table of excused differences, one line each. */
void ora_rules_print(FILE *f);
/* Is this operation compared in all it does (by a rule of the table: not)? */
bool ora_op_compared(enum op op);

/* ---- registers as bytes ---- */
enum { ORA_FIELD_RIP = 16, ORA_FIELD_X87 = 26, ORA_FIELDS = 73, ORA_FIELD_BYTES = 16 };
struct ora_field {
    u8 *p;
    u32 size;
    bool number; /* in the host's byte order */
};
/* Register i < ORA_FIELDS of r, and its name. */
struct ora_field ora_field(struct ora_regs *r, u32 i);
void ora_field_name(u32 i, char *name, size_t n);
/* Its bytes, the least significant first. */
void ora_field_get(const struct ora_field *f, u8 *bytes);
void ora_field_set(const struct ora_field *f, const u8 *bytes);

/* ---- regression files ---- */
bool ora_write(FILE *f, const struct ora_case *c, const struct ora_out *want, const char *note);
bool ora_read(FILE *f, struct ora_case *c, struct ora_out *want, char *err, size_t n);
/* A readable account of c and both results. */
void ora_explain(FILE *f, const struct ora_case *c, const struct ora_out *host,
                 const struct ora_out *guest, const char *engine);

/* ---- series ---- */
struct ora_series {
    u64 seed, count;
    const char *cases_dir; /* where differences are written; NULL: nowhere */
    u64 most;              /* differences after which to stop */
    bool quiet;
    bool no_jit;
    s32 only_op; /* -1: all */
    /* results */
    u64 ran, timeouts, skipped, excused, differ, jit_ran;
    u64 by_op_done[OP__COUNT]; /* cases that got past the instruction, natively */
    u64 by_op[OP__COUNT], by_op_differ[OP__COUNT], by_row[8192];
    u32 masked[OP__COUNT];
    double seconds;
};
/* Run a series against the host. False: the host cannot (a sentence is printed). */
bool ora_series(struct ora_series *s, FILE *out);

#endif
