/* A small x86-64 assembler: prefixes, opcode, ModRM, SIB and displacement (SDM vol. 2 ch. 2). */
#include "cpu/jit/x64/asm.h"

/* 66, REX and the opcode at p; what is behind them. `byte_reg`, `byte_rm`: that operand is a byte
 * register, so 4..7 need a REX to mean SPL..DIL. */
static inline u8 *head(u8 *p, unsigned opc, unsigned size, unsigned reg, unsigned index,
                       unsigned rm, bool byte_reg, bool byte_rm)
{
    unsigned rex =
        (size == 8 ? 8 : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (rm >> 3 & 1);
    if (size == 2)
        *p++ = 0x66;
    if (rex || (byte_reg && reg >= 4) || (byte_rm && rm >= 4))
        *p++ = (u8)(0x40 | rex);
    if (opc > 0xff) {
        *p++ = 0x0f;
        if (opc > 0xffff)
            *p++ = (u8)(opc >> 8);
    }
    *p++ = (u8)opc;
    return p;
}

static inline u8 *put32(u8 *p, u32 v)
{
    st32(p, v);
    return p + 4;
}

static inline u8 *imm_sized(u8 *p, unsigned size, s32 imm)
{
    if (size >= 4)
        return put32(p, (u32)imm);
    *p++ = (u8)imm;
    if (size == 2)
        *p++ = (u8)(imm >> 8);
    return p;
}

static inline u8 *modrm_reg(u8 *p, unsigned reg, unsigned rm)
{
    *p++ = (u8)(0xc0 | (reg & 7) << 3 | (rm & 7));
    return p;
}

static inline u8 *modrm_mem(u8 *p, unsigned reg, struct mem m)
{
    unsigned mod = m.disp == 0 && (m.base & 7) != RBP ? 0 : m.disp == (s8)m.disp ? 1 : 2;
    reg = (reg & 7) << 3;
    if (m.base == NOREG) { /* absolute with index: always a 32-bit displacement */
        *p++ = (u8)(reg | 4);
        *p++ = (u8)(m.scale << 6 | (m.index & 7) << 3 | 5);
        return put32(p, (u32)m.disp);
    }
    if (m.index != NOREG || (m.base & 7) == RSP) {
        unsigned index = m.index == NOREG ? 4 : m.index & 7u;
        *p++ = (u8)(mod << 6 | reg | 4);
        *p++ = (u8)(m.scale << 6 | index << 3 | (m.base & 7));
    } else {
        *p++ = (u8)(mod << 6 | reg | (m.base & 7));
    }
    if (mod == 2)
        return put32(p, (u32)m.disp);
    *p = (u8)m.disp; /* overwritten when there is none */
    return p + mod;
}

static inline u8 *rm_sized(u8 *p, unsigned opc, unsigned size, unsigned reg, struct mem m,
                           bool byte_reg)
{
    p = head(p, opc, size, reg, m.index == NOREG ? 0 : m.index, m.base == NOREG ? 0 : m.base,
             byte_reg, false);
    return modrm_mem(p, reg, m);
}

void as_rr(struct as *a, unsigned opc, unsigned size, unsigned reg, unsigned rm)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = modrm_reg(head(p, opc, size, reg, 0, rm, size == 1, size == 1), reg, rm);
}

void as_rr8(struct as *a, unsigned opc, unsigned size, unsigned reg, unsigned rm)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = modrm_reg(head(p, opc, size, reg, 0, rm, false, true), reg, rm);
}

void as_rm(struct as *a, unsigned opc, unsigned size, unsigned reg, struct mem m)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = rm_sized(p, opc, size, reg, m, size == 1);
}

static u8 *vec_head(u8 *p, u32 code, bool w, unsigned reg, unsigned index, unsigned rm)
{
    unsigned rex = (w ? 8u : 0u) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (rm >> 3 & 1);
    if (code >> 16)
        *p++ = (u8)(code >> 16);
    if (rex)
        *p++ = (u8)(0x40 | rex);
    *p++ = 0x0f;
    if ((code >> 8 & 0xff) > 1)
        *p++ = (code >> 8 & 0xff) == 2 ? 0x38 : 0x3a;
    *p++ = (u8)code;
    return p;
}

void as_vec_rr(struct as *a, u32 code, bool w, unsigned reg, unsigned rm)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = modrm_reg(vec_head(p, code, w, reg, 0, rm), reg, rm);
}

void as_vec_rm(struct as *a, u32 code, bool w, unsigned reg, struct mem m)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = modrm_mem(vec_head(p, code, w, reg, m.index == NOREG ? 0 : m.index, m.base), reg, m);
}

void as_modrm(struct as *a, unsigned reg, struct mem m)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = modrm_mem(p, reg, m);
}

void as_lea(struct as *a, unsigned size, unsigned reg, struct mem m)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = rm_sized(p, 0x8d, size, reg, m, false);
}

void as_alu_ri(struct as *a, unsigned n, unsigned size, unsigned reg, s32 imm)
{
    bool small = imm == (s8)imm;
    u8 *p = as_begin(a);
    if (!p)
        return;
    p = head(p, size == 1 ? 0x80 : small ? 0x83 : 0x81, size, 0, 0, reg, false, size == 1);
    p = modrm_reg(p, n, reg);
    a->p = imm_sized(p, size == 1 || small ? 1 : size, imm);
}

void as_alu_mi(struct as *a, unsigned n, unsigned size, struct mem m, s32 imm)
{
    bool small = imm == (s8)imm;
    u8 *p = as_begin(a);
    if (!p)
        return;
    p = rm_sized(p, size == 1 ? 0x80 : small ? 0x83 : 0x81, size, n, m, false);
    a->p = imm_sized(p, size == 1 || small ? 1 : size, imm);
}

void as_mov_ri(struct as *a, unsigned reg, u64 imm)
{
    u8 *p = as_begin(a);
    if (!p)
        return;
    if (imm <= 0xffffffffu) {
        if (reg >= 8)
            *p++ = 0x41;
        *p++ = (u8)(0xb8 + (reg & 7));
        p = put32(p, (u32)imm);
    } else if ((s64)imm == (s32)imm) {
        p = modrm_reg(head(p, 0xc7, 8, 0, 0, reg, false, false), 0, reg);
        p = put32(p, (u32)imm);
    } else {
        *p++ = (u8)(0x48 | (reg >> 3));
        *p++ = (u8)(0xb8 + (reg & 7));
        st64(p, imm);
        p += 8;
    }
    a->p = p;
}

void as_mov_mi(struct as *a, unsigned size, struct mem m, s32 imm)
{
    u8 *p = as_begin(a);
    if (p)
        a->p = imm_sized(rm_sized(p, size == 1 ? 0xc6 : 0xc7, size, 0, m, false), size, imm);
}
