/* A decode in progress: what decode.c and vex.c share (SDM vol. 2 ch. 2). Private to the decoder.
 */
#ifndef CPU_ISA_DEC_H
#define CPU_ISA_DEC_H

#include "cpu/isa/enc.h"

enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

struct dec {
    const u8 *p, *end; /* next byte, end of what may be read */
    struct insn *in;
    enum dec_result err; /* DEC_OK, DEC_UD; DEC_SHORT also stands for DEC_LONG until the end */
    bool is64;
    bool osz, asz, lock; /* prefixes seen */
    u8 rep;
    u8 seg; /* override or SEG_NONE */
    u8 rex;
    u8 opcode;       /* last opcode byte */
    u8 mod, reg, rm; /* of ModRM, without the REX bits */
    u8 szi;          /* operand size as index of enc_size: 0 1 2 */
    u8 vvvv;         /* VEX: the register operand of the prefix */
    bool vvvv_used;
};

/* Takes `n` (1, 2, 4 or 8) bytes of the code, little-endian. */
static inline u64 fetch(struct dec *d, unsigned n)
{
    const u8 *p = d->p;
    u64 v = 0;

    if ((size_t)(d->end - p) < n) {
        d->err = DEC_SHORT;
        d->p = d->end;
        return 0;
    }
    d->p = p + n;
    switch (n) {
    case 1: return p[0];
    case 2: return p[0] | (u32)p[1] << 8;
    case 8: v = (u64)p[7] << 56 | (u64)p[6] << 48 | (u64)p[5] << 40 | (u64)p[4] << 32; break;
    default: break;
    }
    return v | (u32)p[3] << 24 | (u32)p[2] << 16 | (u32)p[1] << 8 | p[0];
}

/* #UD, unless the bytes run out first: that fault comes before. */
static inline void undefined(struct dec *d)
{
    if (!d->err)
        d->err = DEC_UD;
}

static inline void fetch_modrm(struct dec *d)
{
    u8 b = fetch(d, 1);

    d->mod = b >> 6;
    d->reg = b >> 3 & 7;
    d->rm = b & 7;
}

/* Operands that ModRM says, of `size` bytes in a register and `memsize` in memory. `first`: it is
 * the destination. */
void dec_modrm_operand(struct dec *d, struct opnd *o, enum am_class cls, u8 size, u8 memsize,
                       bool first);
/* Immediates and everything that follows from the opcode alone. */
void dec_fixed_operand(struct dec *d, struct opnd *o, enum am_class cls, u8 size, u8 size2);
/* The memory operand of ModRM; the bytes behind ModRM are taken here. */
void dec_address(struct dec *d);

/* The rest of an instruction whose VEX prefix begins with the byte taken last (C4 or C5); vex.c. */
void dec_vex(struct dec *d, u64 feats);

#endif
