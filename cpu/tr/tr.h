/* From guest instructions to IR: one tr_ function per operation that is worth it; the others call
 * exec_ from the block. */
#ifndef CPU_TR_TR_H
#define CPU_TR_TR_H

#include "cpu/cpu.h"
#include "cpu/ir/ir.h"
#include "cpu/isa/isa.h"

/* Operations switched off by --no-tr: they call exec_. */
struct tr_config {
    u8 off[(OP__COUNT + 7) / 8];
    u32 max_guest; /* instructions per block at most; 0: the default */
    bool brief;    /* few conditional jumps in a block: its end may never be reached */
    bool follow;   /* go on behind direct jumps, calls and their returns within the page */
    u8 loops;      /* so many rounds of a short loop in one block; 0: its end is the loop's */
    u8 loop_insns; /* ... with so many instructions at most */
    const u8 *vec; /* mask of vector operations that the back end has; NULL: none */
    bool no_x87;   /* ... but no x87 operations here; MMX all the same */
    bool x87_leaves; /* ... x87 operations may be left to exec as they run */
    bool x87_no_ten; /* ... then none with ten bytes */
};

/* What came of one block. Its code lies in one part, or in several when jumps were followed. */
enum { TR_PARTS = 6, TR_HOLES = 16 };
struct tr_result {
    struct ir_block *ir;
    u32 nbytes, nparts;
    struct {
        s32 lo, hi; /* from the block's start */
    } parts[TR_PARTS];
    struct {
        s32 lo, hi, at; /* of the instruction that begins at `at` */
    } holes[TR_HOLES];  /* bytes that are read when the block runs, and only then */
    u32 nholes;
    struct insn insns[IR_MAX_GUEST]; /* decoded instructions, by index */
    bool cut;       /* `brief` made it shorter */
    bool exec_only; /* the first instruction cannot be translated at all (fetch fault, decode fault,
                       ...): run exec */
};

/* Translate from linear address la / EIP cpu->rip in the CPU's present mode. `page` bytes:
 * code[0..len) to the page's end; `next`: how many bytes of the following page may be used for a
 * crossing last instruction (0: none) appended behind them. */
struct tr_source {
    const u8 *code;
    u32 len;        /* bytes to the end of the page */
    u32 before;     /* bytes from the beginning of the page to `code` */
    const u8 *more; /* the bytes of the next page, or NULL */
    u32 more_len;
    const u64 *soft; /* NULL, or a bit for each byte of the page: the fields of an instruction that
                        begins there are to be read when it runs */
    const u64 *stops; /* NULL, or a bit for each byte of the page: an instruction that begins there
                         is left to exec */
};
void tr_block(const struct cpu *cpu, const struct tr_config *config, const struct tr_source *src,
              struct tr_result *out);

/* Where an instruction, whose bytes are at p, has its immediate and its displacement, each of n
 * bytes; n is 0 when there is none that could be read at run time. */
struct tr_fields {
    u8 imm_at, imm_n, disp_at, disp_n;
};
void tr_fields(struct tr_fields *f, const struct insn *insn, const u8 *p, u64 feats);

/* Parse "adc,shl,..." into config->off. False with a sentence for an unknown name. */
struct err;
bool tr_parse_off(const char *list, struct tr_config *config, struct err *err);

#endif
