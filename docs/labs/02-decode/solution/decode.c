/* Lab 2, reference solution: a table of the opcodes and one function that walks it. */
#include "docs/labs/02-decode/decode.h"

static const u16 group1[8] = {OP_ADD, OP_OR, OP_ADC, OP_SBB, OP_AND, OP_SUB, OP_XOR, OP_CMP};
static const u16 group3[8] = {OP_TEST, OP_TEST, OP_NOT, OP_NEG, OP_MUL, OP_IMUL, OP_DIV, OP_IDIV};
static const u16 group4[8] = {OP_INC, OP_DEC};
static const u16 group5[8] = {OP_INC, OP_DEC, OP_CALL, OP_UD, OP_JMP, OP_UD, OP_PUSH, OP_UD};

/* The six forms that each arithmetic operation begins with. */
#define ARITH(first, op)                                                                           \
    [first] = {op, MODRM, NULL}, [first + 1] = {op, MODRM, NULL},                                  \
    [first + 2] = {op, MODRM, NULL}, [first + 3] = {op, MODRM, NULL},                              \
    [first + 4] = {op, IMM8, NULL}, [first + 5] = {op, IMM32, NULL}

const struct row lab_rows[256] = {
    ARITH(0x00, OP_ADD),
    ARITH(0x08, OP_OR),
    ARITH(0x10, OP_ADC),
    ARITH(0x18, OP_SBB),
    ARITH(0x20, OP_AND),
    ARITH(0x28, OP_SUB),
    ARITH(0x30, OP_XOR),
    ARITH(0x38, OP_CMP),
    [0x40 ... 0x47] = {OP_INC, 0, NULL},
    [0x48 ... 0x4f] = {OP_DEC, 0, NULL},
    [0x50 ... 0x57] = {OP_PUSH, 0, NULL},
    [0x58 ... 0x5f] = {OP_POP, 0, NULL},
    [0x68] = {OP_PUSH, IMM32, NULL},
    [0x6a] = {OP_PUSH, IMM8, NULL},
    [0x70 ... 0x7f] = {OP_JCC, IMM8, NULL},
    [0x80] = {0, MODRM | IMM8, group1},
    [0x81] = {0, MODRM | IMM32, group1},
    [0x83] = {0, MODRM | IMM8, group1},
    [0x84 ... 0x85] = {OP_TEST, MODRM, NULL},
    [0x88 ... 0x8b] = {OP_MOV, MODRM, NULL},
    [0x8d] = {OP_LEA, MODRM, NULL},
    [0x90] = {OP_NOP, 0, NULL},
    [0xa8] = {OP_TEST, IMM8, NULL},
    [0xa9] = {OP_TEST, IMM32, NULL},
    [0xb0 ... 0xb7] = {OP_MOV, IMM8, NULL},
    [0xb8 ... 0xbf] = {OP_MOV, IMM32, NULL},
    [0xc3] = {OP_RET, 0, NULL},
    [0xc6] = {OP_MOV, MODRM | IMM8, NULL},
    [0xc7] = {OP_MOV, MODRM | IMM32, NULL},
    [0xe8] = {OP_CALL, IMM32, NULL},
    [0xe9] = {OP_JMP, IMM32, NULL},
    [0xeb] = {OP_JMP, IMM8, NULL},
    [0xf4] = {OP_HLT, 0, NULL},
    [0xf6] = {0, MODRM | TEST_IMM8, group3},
    [0xf7] = {0, MODRM | TEST_IMM32, group3},
    [0xfe] = {0, MODRM, group4},
    [0xff] = {0, MODRM, group5},
};

unsigned lab_modrm_length(const u8 *p)
{
    unsigned mod = p[0] >> 6, base = p[0] & 7, n = 1;

    if (mod == 3)
        return n; /* a register */
    if (base == 4) {
        base = p[1] & 7; /* of the SIB byte */
        n++;
    }
    if (mod == 1)
        return n + 1;
    if (mod == 2 || base == 5) /* without mod, base 5 is no register but an address */
        return n + 4;
    return n;
}

bool lab_decode(struct lab_insn *out, const u8 *p)
{
    const struct row *row = &lab_rows[p[0]];
    unsigned reg = p[1] >> 3 & 7, n = 1;

    out->op = row->group ? row->group[reg] : row->op;
    if (out->op == OP_UD)
        return false;
    if (row->has & MODRM)
        n += lab_modrm_length(p + 1);
    if (row->has & IMM8 || (row->has & TEST_IMM8 && reg < 2))
        n += 1;
    if (row->has & IMM32 || (row->has & TEST_IMM32 && reg < 2))
        n += 4;
    out->len = (u8)n;
    return true;
}
