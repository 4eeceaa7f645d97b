/* A small x86-64 assembler: emits one instruction per call into a bounded buffer (SDM vol. 2 ch.
 * 2). */
#ifndef CPU_JIT_X64_ASM_H
#define CPU_JIT_X64_ASM_H

#include "devices/core/bits.h"
#include "devices/core/types.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15, NOREG = 0xff };

/* The code being written. `p` never passes `end`: what does not fit is dropped and `full` is set,
 * so callers check once. */
struct as {
    u8 *p, *end;
    bool full;
    u8 lost[4]; /* where a displacement is patched that did not fit */
};

/* A memory operand [base + index << scale + disp]; index NOREG for none. */
struct mem {
    u8 base, index, scale;
    s32 disp;
};
#define MEM(b, d)        ((struct mem){(b), NOREG, 0, (s32)(d)})
#define MEMX(b, i, s, d) ((struct mem){(b), (i), (s), (s32)(d)})

static inline void as8(struct as *a, u8 v)
{
    if (UNLIKELY(a->p >= a->end)) {
        a->full = true;
        return;
    }
    *a->p++ = v;
}
static inline void as32(struct as *a, u32 v)
{
    if (UNLIKELY(a->end - a->p < 4)) {
        a->full = true;
        return;
    }
    st32(a->p, v);
    a->p += 4;
}
static inline void as64(struct as *a, u64 v)
{
    as32(a, (u32)v);
    as32(a, (u32)(v >> 32));
}

/* `size` is 1, 2, 4 or 8 bytes throughout. Opcodes above 0xff are 0F xx. */
void as_rr(struct as *a, unsigned opc, unsigned size, unsigned reg, unsigned rm);
void as_rm(struct as *a, unsigned opc, unsigned size, unsigned reg, struct mem m);
/* As above where byte registers are involved only on one side (MOVZX, SETcc): `bytes` says that rm
 * is a byte register. */
void as_rr8(struct as *a, unsigned opc, unsigned size, unsigned reg, unsigned rm);
/* Vector instructions: `code` is prefix << 16 | map << 8 | opcode; map 1: 0F, 2: 0F 38, 3: 0F 3A. */
void as_vec_rr(struct as *a, u32 code, bool w, unsigned reg, unsigned rm);
void as_vec_rm(struct as *a, u32 code, bool w, unsigned reg, struct mem m);
/* ModRM, SIB and displacement alone, behind a prefix and opcode of the caller's. */
void as_modrm(struct as *a, unsigned reg, struct mem m);
/* Immediate group: opcode 81/83/80 form of operation n (ADD 0, OR 1, ... CMP 7). */
void as_alu_ri(struct as *a, unsigned n, unsigned size, unsigned reg, s32 imm);
void as_alu_mi(struct as *a, unsigned n, unsigned size, struct mem m, s32 imm);
void as_mov_ri(struct as *a, unsigned reg, u64 imm); /* shortest form that gives the 64-bit value */
void as_mov_mi(struct as *a, unsigned size, struct mem m, s32 imm);
void as_lea(struct as *a, unsigned size, unsigned reg, struct mem m);

/* Register moves and loads by name. */
static inline void as_mov_rr(struct as *a, unsigned size, unsigned dst, unsigned src)
{
    as_rr(a, size == 1 ? 0x88 : 0x89, size, src, dst);
}
static inline void as_load(struct as *a, unsigned size, unsigned dst, struct mem m)
{
    as_rm(a, size == 1 ? 0x8a : 0x8b, size, dst, m);
}
static inline void as_store(struct as *a, unsigned size, unsigned src, struct mem m)
{
    as_rm(a, size == 1 ? 0x88 : 0x89, size, src, m);
}

/* Room for one instruction, or NULL. Its bytes are put through a pointer of the caller's, one after
 * another: through `p` in memory each would wait for the one before. */
static inline u8 *as_begin(struct as *a)
{
    if (UNLIKELY(a->end - a->p < 16)) {
        a->full = true;
        return NULL;
    }
    return a->p;
}

/* Branches: emit with an unknown displacement, give the place of the rel32 back; as_patch fills it
 * later. */
static inline u8 *as_jmp(struct as *a)
{
    u8 *p = as_begin(a);
    if (UNLIKELY(!p))
        return a->lost;
    p[0] = 0xe9;
    st32(p + 1, 0);
    a->p = p + 5;
    return p + 1;
}
static inline u8 *as_jcc(struct as *a, unsigned cc)
{
    u8 *p = as_begin(a);
    if (UNLIKELY(!p))
        return a->lost;
    p[0] = 0x0f;
    p[1] = (u8)(0x80 + cc);
    st32(p + 2, 0);
    a->p = p + 6;
    return p + 2;
}
static inline void as_patch(u8 *rel, const u8 *target)
{
    st32(rel, (u32)(s32)(target - (rel + 4)));
}
static inline void as_jmp_to(struct as *a, const u8 *target)
{
    as_patch(as_jmp(a), target);
}
static inline void as_push(struct as *a, unsigned r)
{
    if (r >= 8)
        as8(a, 0x41);
    as8(a, (u8)(0x50 + (r & 7)));
}
static inline void as_pop(struct as *a, unsigned r)
{
    if (r >= 8)
        as8(a, 0x41);
    as8(a, (u8)(0x58 + (r & 7)));
}
static inline void as_call_to(struct as *a, const u8 *target)
{
    u8 *p = as_begin(a);
    if (UNLIKELY(!p))
        return;
    p[0] = 0xe8;
    as_patch(p + 1, target);
    a->p = p + 5;
}

#endif
