/* A small x86-64 assembler: prefixes, opcode, ModRM, SIB and displacement (SDM vol. 2 ch. 2). */
#include "cpu/jit/x64/asm.h"

/* 66, REX and the opcode. `byte_reg`, `byte_rm`: that operand is a byte register, so 4..7 need a
 * REX to mean SPL..DIL. */
static void head(struct as *a, unsigned opc, unsigned size, unsigned reg, unsigned index,
                 unsigned rm, bool byte_reg, bool byte_rm)
{
    unsigned rex =
        (size == 8 ? 8 : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (rm >> 3 & 1);
    if (size == 2)
        as8(a, 0x66);
    if (rex || (byte_reg && reg >= 4) || (byte_rm && rm >= 4))
        as8(a, (u8)(0x40 | rex));
    if (opc > 0xffff) {
        as8(a, 0x0f);
        as8(a, (u8)(opc >> 8));
    } else if (opc > 0xff) {
        as8(a, 0x0f);
    }
    as8(a, (u8)opc);
}

void as_rr(struct as *a, unsigned opc, unsigned size, unsigned reg, unsigned rm)
{
    head(a, opc, size, reg, 0, rm, size == 1, size == 1);
    as8(a, (u8)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

void as_rr8(struct as *a, unsigned opc, unsigned size, unsigned reg, unsigned rm)
{
    head(a, opc, size, reg, 0, rm, false, true);
    as8(a, (u8)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

static void modrm_mem(struct as *a, unsigned reg, struct mem m)
{
    unsigned mod = m.disp == 0 && (m.base & 7) != RBP ? 0 : m.disp == (s8)m.disp ? 1 : 2;
    if (m.base == NOREG) { /* absolute with index: always a 32-bit displacement */
        as8(a, (u8)((reg & 7) << 3 | 4));
        as8(a, (u8)(m.scale << 6 | (m.index & 7) << 3 | 5));
        as32(a, (u32)m.disp);
        return;
    }
    if (m.index != NOREG || (m.base & 7) == RSP) {
        unsigned index = m.index == NOREG ? 4 : m.index & 7u;
        as8(a, (u8)(mod << 6 | (reg & 7) << 3 | 4));
        as8(a, (u8)(m.scale << 6 | index << 3 | (m.base & 7)));
    } else {
        as8(a, (u8)(mod << 6 | (reg & 7) << 3 | (m.base & 7)));
    }
    if (mod == 1)
        as8(a, (u8)m.disp);
    else if (mod == 2)
        as32(a, (u32)m.disp);
}

static void rm_sized(struct as *a, unsigned opc, unsigned size, unsigned reg, struct mem m,
                     bool byte_reg)
{
    head(a, opc, size, reg, m.index == NOREG ? 0 : m.index, m.base == NOREG ? 0 : m.base, byte_reg,
         false);
    modrm_mem(a, reg, m);
}

void as_rm(struct as *a, unsigned opc, unsigned size, unsigned reg, struct mem m)
{
    rm_sized(a, opc, size, reg, m, size == 1);
}

static void vec_head(struct as *a, u32 code, bool w, unsigned reg, unsigned index, unsigned rm)
{
    unsigned rex = (w ? 8u : 0u) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | (rm >> 3 & 1);
    if (code >> 16)
        as8(a, (u8)(code >> 16));
    if (rex)
        as8(a, (u8)(0x40 | rex));
    as8(a, 0x0f);
    if ((code >> 8 & 0xff) > 1)
        as8(a, (code >> 8 & 0xff) == 2 ? 0x38 : 0x3a);
    as8(a, (u8)code);
}

void as_vec_rr(struct as *a, u32 code, bool w, unsigned reg, unsigned rm)
{
    vec_head(a, code, w, reg, 0, rm);
    as8(a, (u8)(0xc0 | (reg & 7) << 3 | (rm & 7)));
}

void as_vec_rm(struct as *a, u32 code, bool w, unsigned reg, struct mem m)
{
    vec_head(a, code, w, reg, m.index == NOREG ? 0 : m.index, m.base);
    modrm_mem(a, reg, m);
}

void as_modrm(struct as *a, unsigned reg, struct mem m)
{
    modrm_mem(a, reg, m);
}

void as_lea(struct as *a, unsigned size, unsigned reg, struct mem m)
{
    rm_sized(a, 0x8d, size, reg, m, false);
}

static void imm_sized(struct as *a, unsigned size, s32 imm)
{
    if (size == 1) {
        as8(a, (u8)imm);
    } else if (size == 2) {
        as8(a, (u8)imm);
        as8(a, (u8)(imm >> 8));
    } else {
        as32(a, (u32)imm);
    }
}

void as_alu_ri(struct as *a, unsigned n, unsigned size, unsigned reg, s32 imm)
{
    bool small = imm == (s8)imm;
    head(a, size == 1 ? 0x80 : small ? 0x83 : 0x81, size, 0, 0, reg, false, size == 1);
    as8(a, (u8)(0xc0 | n << 3 | (reg & 7)));
    imm_sized(a, size == 1 || small ? 1 : size, imm);
}

void as_alu_mi(struct as *a, unsigned n, unsigned size, struct mem m, s32 imm)
{
    bool small = imm == (s8)imm;
    rm_sized(a, size == 1 ? 0x80 : small ? 0x83 : 0x81, size, n, m, false);
    imm_sized(a, size == 1 || small ? 1 : size, imm);
}

void as_mov_ri(struct as *a, unsigned reg, u64 imm)
{
    if (imm <= 0xffffffffu) {
        if (reg >= 8)
            as8(a, 0x41);
        as8(a, (u8)(0xb8 + (reg & 7)));
        as32(a, (u32)imm);
    } else if ((s64)imm == (s32)imm) {
        head(a, 0xc7, 8, 0, 0, reg, false, false);
        as8(a, (u8)(0xc0 | (reg & 7)));
        as32(a, (u32)imm);
    } else {
        as8(a, (u8)(0x48 | (reg >> 3)));
        as8(a, (u8)(0xb8 + (reg & 7)));
        as64(a, imm);
    }
}

void as_mov_mi(struct as *a, unsigned size, struct mem m, s32 imm)
{
    rm_sized(a, size == 1 ? 0xc6 : 0xc7, size, 0, m, false);
    imm_sized(a, size, imm);
}
