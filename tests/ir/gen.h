/* Random IR blocks that pass the verifier. */
#ifndef TESTS_IR_GEN_H
#define TESTS_IR_GEN_H

#include "tests/ir/env.h"

enum { GEN_TEMPS = 10 };

/* What LDC reads. */
static const u8 gen_code[16] = {0x90, 0xff, 0x80, 0x01, 0x7f, 0xfe, 0x00, 0xc3,
                                0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};

/* A guest register or a temporary. */
static inline u8 gen_value(u64 *seed)
{
    u64 r = rnd(seed);
    return (u8)(r & 0x100 ? r % 8 : IR_T0 + (r >> 16) % GEN_TEMPS);
}

static inline s64 gen_imm(u64 *seed, unsigned type)
{
    u64 v = rnd_value(seed);
    return type == I64 || (rnd(seed) & 1) ? sext(v, type == I64 ? 32 : 8 * ir_bytes(type))
                                          : (s64)(v & size_mask(ir_bytes(type)));
}

/* One operation with all fields filled somehow: ir_check says whether it fits. */
static inline void gen_ins(u64 *seed, struct ir_ins *i, bool long_mode)
{
    const struct ir_op_info *info;
    u64 r = rnd(seed);
    do {
        i->op = (u8)(rnd(seed) % IR__COUNT);
        info = &ir_op_info[i->op];
    } while (info->attrs & IRA_EXIT || (i->op == IR_EXEC && rnd(seed) % 4) ||
             (i->op >= IR_VEC && i->op <= IR_VECS)); /* those need guest instructions */
    /* Moves and sums are what the folder works on. */
    if (r % 5 == 0)
        i->op = (r >> 8) % 3 == 0 ? IR_MOVI : (r >> 8) % 3 == 1 ? IR_MOV : IR_LEA;
    info = &ir_op_info[i->op];
    i->type = (u8)(rnd(seed) % (long_mode ? 4 : 3));
    if (rnd(seed) & 1)
        i->type = long_mode ? I64 : I32;
    i->dst = info->args[0] == '-' ? IR_NONE : gen_value(seed);
    i->a = info->args[1] == '-' ? IR_NONE : gen_value(seed);
    i->b = IR_NONE;
    i->imm = 0;
    i->flags_out = info->fout & IRF_ALL;
    if (rnd(seed) % 4 == 0)
        i->flags_out = 0;
    i->flags_live = 0;
    switch (info->args[2]) {
    case 'u': i->b = gen_value(seed); break;
    case 'd': i->b = (u8)(IR_T0 + rnd(seed) % GEN_TEMPS); break;
    case 'i':
        if (rnd(seed) & 1)
            i->b = gen_value(seed);
        else
            i->imm = gen_imm(seed, i->type);
        break;
    case 's': i->b = (u8)(rnd(seed) % SEG__COUNT); break;
    case 'c': i->b = (u8)(rnd(seed) & 15); break;
    }
    switch (i->op) {
    case IR_MOVI: i->imm = gen_imm(seed, i->type); break;
    case IR_LEA:
        if (rnd(seed) & 1)
            i->b = IR_NONE;
        else if (rnd(seed) % 8 == 0)
            i->a = IR_NONE;
        i->imm = (s64)((u64)(u32)sext(rnd_value(seed), 32) |
                       (i->b == IR_NONE ? 0 : (r >> 40 & 3) << 32));
        break;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROL:
    case IR_ROR:
    case IR_SHLD:
    case IR_SHRD:
        if (i->b == IR_NONE)
            i->imm = (s64)(1 + (r >> 40) % 31);
        break;
    case IR_SEG: i->imm = (s64)(1u << (r >> 40 & 3) | (r >> 50 & 1) << 8); break;
    case IR_LDC: i->imm = (s64)(uintptr_t)(gen_code + (r >> 40 & 7)); break;
    case IR_LDS:
    case IR_STS:
    case IR_ANDS:
    case IR_ORS:
        i->imm = (s64)(offsetof(struct cpu, xmm) + (r >> 40 & 15) * 8);
        if (i->op == IR_ANDS || i->op == IR_ORS)
            i->imm |= (s64)(rnd(seed) << 32);
        break;
    case IR_LD:
    case IR_LDZ:
    case IR_LDX:
    case IR_LDW:
    case IR_ST: i->imm = (s64)(r >> 40 & 0x3fff); break;
    case IR_STI: i->imm = (s64)((r >> 40 & 0x3fff) | rnd(seed) << 32); break;
    case IR_JCC:
    case IR_BRZ:
    case IR_BRNZ: i->imm = (s64)(r >> 40 & 0xffff); break;
    }
}

/* A block of up to `max` operations over GEN_TEMPS temporaries that ir_check accepts. */
static inline void gen_block(u64 *seed, struct ir_block *b, u32 max, bool long_mode)
{
    static const struct ir_ins end = {
        .op = IR_GOTO, .type = I32, .dst = IR_NONE, .a = IR_NONE, .b = IR_NONE, .imm = 0x77};
    memset(b, 0, sizeof(*b));
    b->ntemps = GEN_TEMPS;
    b->rip = 0x1000;
    b->long_mode = long_mode;
    b->nguest = 1;
    b->off[1] = 2;
    while (b->n + 1 < max) {
        struct ir_ins *i = &b->ins[b->n];
        gen_ins(seed, i, long_mode);
        i->at = (u8)(b->nguest - 1);
        b->ins[b->n + 1] = end;
        b->ins[b->n + 1].at = i->at;
        b->n += 2;
        if (!ir_check(b, NULL)) {
            b->n -= 2;
            if (rnd(seed) % 3 == 0 && b->nguest < IR_MAX_GUEST) {
                b->nguest++;
                b->off[b->nguest] = (u16)(b->off[b->nguest - 1] + 1 + rnd(seed) % 15);
            }
            continue;
        }
        b->n--;
    }
    b->ins[b->n] = end;
    b->ins[b->n++].at = (u8)(b->nguest - 1);
}

#endif
