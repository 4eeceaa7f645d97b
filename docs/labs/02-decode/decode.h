/* The decoder of lab 2: how long an instruction is and which operation it names, for 32-bit code
 * without prefixes and a part of the one-byte opcodes (SDM vol. 2 app. A, table A-2). */
#ifndef DOCS_LABS_02_DECODE_DECODE_H
#define DOCS_LABS_02_DECODE_DECODE_H

#include "cpu/isa/isa.h"
#include "devices/core/types.h"

/* What follows the opcode byte. */
enum {
    MODRM = 1,    /* a ModRM byte, with SIB and displacement as it says */
    IMM8 = 2,     /* one byte of immediate or relative address */
    IMM32 = 4,    /* four bytes of it */
    TEST_IMM8 = 8,   /* one, but for ModRM.reg 0 and 1 only (opcode F6) */
    TEST_IMM32 = 16, /* four, but for ModRM.reg 0 and 1 only (opcode F7) */
};

/* One row of the table; the index is the opcode byte. */
struct row {
    u16 op;           /* OP_*; OP_UD: not in this decoder; with a group: nothing */
    u8 has;           /* MODRM ... */
    const u16 *group; /* NULL, or eight operations by ModRM.reg */
};

struct lab_insn {
    u16 op;
    u8 len;
};

/* The student's table. */
extern const struct row lab_rows[256];
/* How many bytes ModRM, SIB and displacement take together; p is the ModRM byte. */
unsigned lab_modrm_length(const u8 *p);
/* Decode the instruction at p, of which 15 bytes may be read. False: the table has no row for
 * it. */
bool lab_decode(struct lab_insn *out, const u8 *p);

#endif
