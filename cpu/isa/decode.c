/* The instruction decoder: prefixes, opcode maps, ModRM and SIB, operands (SDM vol. 2 ch. 2, app.
 * A).
 *
 * A decode is a walk through const tables: the prefix bytes and the opcode index enc_one, an escape
 * leads to the other maps, a group to ModRM. The entry found names the operation and its operands;
 * those are then made in order, which is also the order of their bytes. */
#include "cpu/isa/dec.h"

#include <string.h>

#define INSN_MAX 15

/* MOVD, PEXTRD and PINSRD become these with REX.W (EF_WNEXT). */
_Static_assert(OP_MOVQ == OP_MOVD + 1, "MOVQ follows MOVD");
_Static_assert(OP_PEXTRQ == OP_PEXTRD + 1, "PEXTRQ follows PEXTRD");
_Static_assert(OP_PINSRQ == OP_PINSRD + 1, "PINSRQ follows PINSRD");
_Static_assert(OP_UD == 0 && FEAT_BASE == 0, "row 0 means nothing special");

/* Takes `n` bytes as a signed number. */
static inline s64 fetch_signed(struct dec *d, unsigned n)
{
    u64 v = fetch(d, n);

    switch (n) {
    case 1: return (s8)v;
    case 2: return (s16)v;
    case 4: return (s32)v;
    default: return (s64)v;
    }
}

static inline u64 truncate(u64 v, unsigned bytes)
{
    return bytes >= 8 ? v : v & ((1ull << (8 * bytes)) - 1);
}

/* ---- ModRM ---- */

/* Effective address with 16-bit addressing: SDM table 2-1. */
static void address16(struct dec *d)
{
    static const u8 bases[8] = {REG_BX, REG_BX, REG_BP, REG_BP, REG_SI, REG_DI, REG_BP, REG_BX};
    static const u8 indexes[8] = {REG_SI,   REG_DI,   REG_SI,   REG_DI,
                                  REG_NONE, REG_NONE, REG_NONE, REG_NONE};
    struct insn *in = d->in;

    if (d->mod == 0 && d->rm == 6) {
        in->disp = fetch(d, 2);
        return;
    }
    in->base = bases[d->rm];
    in->index = indexes[d->rm];
    if (d->mod)
        in->disp = fetch_signed(d, d->mod);
}

/* Effective address with 32- and 64-bit addressing: SDM tables 2-2, 2-3 and 2-7. */
static void address32(struct dec *d)
{
    struct insn *in = d->in;
    u8 base = d->rm;

    if (base == 4) {
        u8 sib = fetch(d, 1);
        u8 index = (sib >> 3 & 7) | (d->rex & REX_X ? 8 : 0);

        base = sib & 7;
        if (index != 4) {
            in->index = index;
            in->scale = sib >> 6;
        }
    } else if (d->mod == 0 && base == 5) {
        in->disp = fetch_signed(d, 4);
        if (d->is64)
            in->base = REG_IP;
        return;
    }
    if (d->mod == 0 && base == 5)
        in->disp = fetch_signed(d, 4);
    else
        in->base = base | (d->rex & REX_B ? 8 : 0);
    if (d->mod)
        in->disp = fetch_signed(d, d->mod == 1 ? 1 : 4);
}

void dec_address(struct dec *d)
{
    struct insn *in = d->in;

    if (in->asz == 2) {
        address16(d);
        if (in->base == REG_NONE)
            in->disp = (u16)in->disp;
    } else {
        address32(d);
    }
    if (d->seg == SEG_NONE && (in->base == REG_BP || in->base == REG_SP))
        in->seg = SEG_SS;
}

/* ---- Operands ---- */

static inline void set(struct opnd *o, u8 kind, u8 reg, u8 size)
{
    o->kind = kind;
    o->reg = reg;
    o->size = size;
}

/* A general register: without REX the byte registers 4 to 7 are AH, CH, DH, BH. */
static inline void set_gpr(const struct dec *d, struct opnd *o, u8 reg, u8 size)
{
    if (size == 1 && !d->rex && reg >= 4)
        set(o, OPND_GPRH, reg - 4, 1);
    else
        set(o, OPND_GPR, reg, size);
}

/* A vector register: 32 bytes of it only VEX can name. */
static inline void set_vec(struct opnd *o, u8 reg, u8 size)
{
    set(o, size == 32 ? OPND_YMM : OPND_XMM, reg, size);
}

static inline u8 rex_b(const struct dec *d, u8 reg)
{
    return d->rex & REX_B ? reg | 8 : reg;
}

static inline u8 rex_r(const struct dec *d, u8 reg)
{
    return d->rex & REX_R ? reg | 8 : reg;
}

void dec_modrm_operand(struct dec *d, struct opnd *o, enum am_class cls, u8 size, u8 memsize,
                       bool first)
{
    bool mem = d->mod != 3;
    u8 reg;

    switch (cls) {
    case AMC_RM:
        if (mem)
            set(o, OPND_MEM, 0, memsize);
        else
            set_gpr(d, o, rex_b(d, d->rm), size);
        return;
    case AMC_MEM:
        set(o, OPND_MEM, 0, memsize);
        if (!mem)
            undefined(d);
        return;
    case AMC_REG: set_gpr(d, o, rex_r(d, d->reg), size); return;
    case AMC_SREG: /* CS cannot be loaded, 6 and 7 are no segment registers */
        set(o, OPND_SEG, d->reg, 2);
        if (d->reg > SEG_GS || (first && d->reg == SEG_CS))
            undefined(d);
        return;
    case AMC_CREG: /* CR0, CR2, CR3, CR4 and CR8 exist */
        reg = rex_r(d, d->reg);
        set(o, OPND_CR, reg, size);
        if (reg != 0 && reg != 8 && (reg < 2 || reg > 4))
            undefined(d);
        return;
    case AMC_DREG:
        reg = rex_r(d, d->reg);
        set(o, OPND_DR, reg, size);
        if (reg > 7)
            undefined(d);
        return;
    case AMC_MMXREG: set(o, OPND_MMX, d->reg, 8); return;
    case AMC_MMXRM:
    case AMC_MMXONLY:
        if (!mem)
            set(o, OPND_MMX, d->rm, 8);
        else if (cls == AMC_MMXRM)
            set(o, OPND_MEM, 0, memsize);
        else
            undefined(d);
        return;
    case AMC_XMMREG: set_vec(o, rex_r(d, d->reg), size); return;
    case AMC_XMMRM:
    case AMC_XMMONLY:
        if (!mem)
            set_vec(o, rex_b(d, d->rm), size);
        else if (cls == AMC_XMMRM)
            set(o, OPND_MEM, 0, memsize);
        else
            undefined(d);
        return;
    default: set(o, OPND_ST, d->rm, 10); return;
    }
}

void dec_fixed_operand(struct dec *d, struct opnd *o, enum am_class cls, u8 size, u8 size2)
{
    struct insn *in = d->in;

    switch (cls) {
    case AMC_ONE:
        in->imm = 1;
        set(o, OPND_IMM, 0, 1);
        return;
    case AMC_OPREG: set_gpr(d, o, rex_b(d, d->opcode & 7), size); return;
    case AMC_RAX:
    case AMC_RCX:
    case AMC_RDX: set(o, OPND_GPR, REG_AX + (cls - AMC_RAX), size); return;
    case AMC_SEG0:
    case AMC_SEG1:
    case AMC_SEG2:
    case AMC_SEG3:
    case AMC_SEG4:
    case AMC_SEG5: set(o, OPND_SEG, cls - AMC_SEG0, 2); return;
    case AMC_XMMFIRST: set(o, OPND_XMM, 0, size); return;
    case AMC_STFIRST: set(o, OPND_ST, 0, 10); return;
    case AMC_IMM:
        in->imm = truncate(fetch_signed(d, size), size2);
        set(o, OPND_IMM, 0, size2);
        return;
    case AMC_IMM2:
        in->imm2 = fetch(d, 1);
        set(o, OPND_IMM2, 0, size);
        return;
    case AMC_REL:
        in->imm = fetch_signed(d, size);
        set(o, OPND_REL, 0, size2);
        return;
    case AMC_FAR:
        in->imm = fetch(d, size);
        in->imm2 = fetch(d, 2);
        set(o, OPND_FAR, 0, size + 2);
        return;
    case AMC_MOFFS: in->disp = fetch(d, in->asz); break;
    case AMC_STRSRC: in->base = REG_SI; break;
    case AMC_STRDST: /* no override reaches ES:rDI */
        in->base = REG_DI;
        in->seg = SEG_ES;
        break;
    default: in->base = REG_BX; break;
    }
    set(o, OPND_MEM, 0, size);
}

/* Makes the operands of entry `a`; the address comes first, as its bytes do. */
static void operands(struct dec *d, const u8 *a, bool modrm)
{
    struct insn *in = d->in;
    unsigned i;

    if (modrm && d->mod != 3)
        dec_address(d);
    for (i = 0; i < 3 && a[i] != AM___; i++) {
        const struct am_info *am = &am_info[a[i]];
        u8 size = enc_size[am->size][d->szi];
        u8 size2 = enc_size[am->size2][d->szi];

        if (a[i] < AM_one)
            dec_modrm_operand(d, &in->o[i], am->cls, size, size2, i == 0);
        else
            dec_fixed_operand(d, &in->o[i], am->cls, size, size2);
    }
    in->nopnd = i;
}

/* ---- Opcodes ---- */

/* The operand size, from the prefixes and what the encoding says of 64-bit code. */
static inline void operand_size(struct dec *d, u8 flags)
{
    struct insn *in = d->in;

    if (d->rex & REX_W)
        d->szi = 2;
    else
        d->szi = (in->mode == 16) == d->osz;
    if (d->is64 && flags & (EF_D64 | EF_F64) && (flags & EF_F64 || d->szi))
        d->szi = 2;
    in->osz = 2u << d->szi;
}

/* The condition of Jcc, SETcc, CMOVcc (low bits of the opcode), FCMOVcc (escape and ModRM.reg). */
static u8 condition(const struct dec *d, enum op op)
{
    static const u8 fcmov[4] = {CC_B, CC_E, CC_BE, CC_P};

    if (op == OP_FCMOVCC)
        return fcmov[d->reg & 3] ^ (d->opcode & 1);
    return d->opcode & 15;
}

/* An operation the CPU lacks: TZCNT and LZCNT are then BSF and BSR behind an ignored prefix. */
static bool older_meaning(struct insn *in)
{
    if (in->op == OP_TZCNT) {
        in->op = OP_BSF;
        return true;
    }
    if (in->op == OP_LZCNT) {
        in->op = OP_BSR;
        return true;
    }
    return false;
}

/* Rules of single encodings (EF_CHECK). */
static void check(struct dec *d, u64 feats)
{
    struct insn *in = d->in;

    if (in->op == OP_XGETBV || in->op == OP_XSETBV) {
        if (d->osz || d->rep)
            undefined(d);
    } else if (in->op == OP_CMPXCHG8B) { /* CMPXCHG16B */
        if (in->osz == 8 && !(feats & FEAT_BIT(CX16)))
            undefined(d);
    } else if (d->rex & REX_B) { /* 90 is XCHG rAX,rAX without its effect */
        in->op = OP_XCHG;
        in->nopnd = 2;
        set(&in->o[0], OPND_GPR, REG_AX, in->osz);
        set(&in->o[1], OPND_GPR, 8, in->osz);
    } else if (d->rep == REP_E) {
        in->op = OP_PAUSE;
    }
}

/* Takes the prefixes and the first opcode byte. NULL: no byte left. */
static inline const struct enc *prefixes(struct dec *d)
{
    const struct enc *map = enc_one[d->is64];
    const struct enc *e;

    for (;;) {
        if (d->p == d->end) {
            d->err = DEC_SHORT;
            return NULL;
        }
        d->opcode = *d->p++;
        e = &map[d->opcode];
        if (LIKELY(e->kind != ENC_PREFIX) || e->op > PFX_REX)
            return e;
        switch (e->op) {
        case PFX_OSZ: d->osz = true; break;
        case PFX_ASZ: d->asz = true; break;
        case PFX_LOCK: d->lock = true; break;
        case PFX_REP: d->rep = d->opcode; break;
        case PFX_REX: d->rex = d->opcode; continue;
        default: /* ES, CS, SS and DS have no effect in 64-bit code */
            if (!d->is64 || e->op >= PFX_FS)
                d->seg = e->op;
            break;
        }
        d->rex = 0; /* REX counts only directly before the opcode */
    }
}

/* Follows the escapes 0F, 0F 38, 0F 3A. */
static const struct enc *escape(struct dec *d)
{
    unsigned mand = d->osz ? ENC_66 : ENC_NP;
    const struct enc *e;

    if (d->rep) /* F2 and F3 win over 66, the last of them over the other */
        mand = d->rep == REP_NE ? ENC_F2 : ENC_F3;
    d->opcode = fetch(d, 1);
    e = &enc_0f[mand][d->opcode];
    if (e->kind != ENC_PREFIX || d->err)
        return e;
    d->opcode = fetch(d, 1);
    return e->op == PFX_ESC38 ? &enc_0f38[mand][d->opcode] : &enc_0f3a[mand][d->opcode];
}

static enum dec_result finish(struct dec *d, const u8 *start, enum dec_result result)
{
    size_t len = d->p - start;

    d->in->len = len;
    if (result == DEC_UD)
        d->in->op = OP_UD;
    if (result == DEC_SHORT && len >= INSN_MAX)
        return DEC_LONG;
    return result;
}

enum dec_result decode(struct insn *out, const u8 *p, unsigned avail, unsigned bits, u64 feats)
{
    struct dec d = {
        .p = p,
        .end = p + MIN(avail, INSN_MAX),
        .in = out,
        .is64 = bits == 64,
        .seg = SEG_NONE,
    };
    const struct enc *e;
    const struct op_info *info;
    const u8 *a;
    bool modrm = false;

    memset(out, 0, sizeof(*out));
    out->mode = bits;
    out->base = out->index = REG_NONE;
    e = prefixes(&d);
    if (!e)
        return finish(&d, p, DEC_SHORT);
    out->asz = d.is64 ? (d.asz ? 4 : 8) : (bits == 16) == d.asz ? 4 : 2;
    out->seg = d.seg == SEG_NONE ? SEG_DS : d.seg;

    if (e->kind == ENC_PREFIX) {
        if (e->op == PFX_VEX) {
            dec_vex(&d, feats);
            return finish(&d, p, d.err);
        }
        if (e->op == PFX_X87) {
            fetch_modrm(&d);
            modrm = true;
            out->imm2 = (u16)((d.opcode & 7) << 8 | d.mod << 6 | d.reg << 3 | d.rm);
            e = d.mod == 3 ? &enc_x87_reg[d.opcode & 7][d.reg][d.rm]
                           : &enc_x87_mem[d.opcode & 7][d.reg];
        } else {
            e = escape(&d);
        }
    }
    a = e->a;
    if (e->kind == ENC_GROUP) {
        fetch_modrm(&d);
        modrm = true;
        e = &enc_group[e->op][d.mod == 3][d.reg];
        if (e->kind == ENC_PREFIX) { /* what was taken as ModRM is the second byte of VEX */
            d.p--;
            dec_vex(&d, feats);
            return finish(&d, p, d.err);
        }
        if (e->kind == ENC_RM)
            e = &enc_rm[e->op][d.rm];
        if (e->a[0] != AM___)
            a = e->a;
    }
    if (UNLIKELY(d.err))
        return finish(&d, p, d.err);
    if (UNLIKELY(e->kind != ENC_OP))
        return finish(&d, p, DEC_UD);
    if (!modrm && a[0] != AM___ && a[0] < AM_one) {
        fetch_modrm(&d);
        modrm = true;
        if (e->flags & EF_REGFORM)
            d.mod = 3;
    }

    out->op = e->op;
    operand_size(&d, e->flags);
    operands(&d, a, modrm);
    if (e->flags & EF_CC)
        out->cc = condition(&d, out->op);
    if (e->flags & EF_WNEXT && d.rex & REX_W)
        out->op++;
    if (out->op == OP_PREFETCH)
        out->imm = d.opcode == 0x18 ? d.reg : 8 + d.reg;
    if (e->flags & EF_CHECK)
        check(&d, feats);

    info = &op_info[out->op];
    feats |= FEAT_BIT(BASE);
    if (UNLIKELY(!(feats >> info->feat & feats >> e->feat & 1)) && !older_meaning(out))
        undefined(&d);
    if (info->attrs & OPA_ONLY64 && !d.is64)
        undefined(&d);
    if (info->attrs & OPA_REP)
        out->rep = d.rep;
    if (UNLIKELY(d.lock)) {
        out->lock = true;
        if (!(info->attrs & OPA_LOCK) || out->o[0].kind != OPND_MEM)
            undefined(&d);
    }
    return finish(&d, p, d.err);
}
