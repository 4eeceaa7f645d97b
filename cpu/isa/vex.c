/* Instructions with a VEX prefix: the second half of the decoder (SDM vol. 2 section 2.3, app. A).
 *
 * Two bytes (C5) or three (C4) hold REX, the mandatory prefix, the opcode map, the vector length
 * and one more register operand. What follows is ModRM, SIB and immediates as everywhere. Real and
 * V86 mode have no VEX; the operations find that out when they run. */
#include "cpu/isa/dec.h"

_Static_assert(OP_VMOVQ == OP_VMOVD + 1, "VMOVQ follows VMOVD");
_Static_assert(OP_VPEXTRQ == OP_VPEXTRD + 1, "VPEXTRQ follows VPEXTRD");
_Static_assert(OP_VPINSRQ == OP_VPINSRD + 1, "VPINSRQ follows VPINSRD");
_Static_assert(OP_VZEROALL == OP_VZEROUPPER + 1, "VZEROALL follows VZEROUPPER");

/* Bytes that an operand size means, of the operand size or of the vector length. */
static u8 size_of(const struct dec *d, u8 size)
{
    u8 vl = d->in->vl;

    switch (size) {
    case SZ_X: return vl;
    case SZ_Xh: return vl / 2;
    case SZ_Xq: return vl / 4;
    case SZ_Xe: return vl / 8;
    case SZ_Xdup: return vl == 16 ? 8 : 32;
    default: return enc_size[size][d->szi];
    }
}

static void set_reg(struct opnd *o, u8 kind, u8 reg, u8 size)
{
    o->kind = kind;
    o->reg = reg;
    o->size = size;
}

static u8 vec_kind(u8 size)
{
    return size == 32 ? OPND_YMM : OPND_XMM;
}

/* Outside 64-bit code there are eight registers, and the highest bit of a number is ignored. */
static u8 registers(const struct dec *d)
{
    return d->is64 ? 15 : 7;
}

/* Memory whose index is a vector register: SIB is required, and index 4 is a register like any. */
static void vsib(struct dec *d, struct opnd *o, u8 index_size, u8 size)
{
    struct insn *in = d->in;
    u8 sib = d->p < d->end ? *d->p : 0;

    set_reg(o, OPND_MEM, 0, size);
    if (d->mod == 3 || d->rm != 4 || in->asz == 2) {
        undefined(d);
        return;
    }
    dec_address(d);
    in->index = (sib >> 3 & 7) | (d->rex & REX_X ? 8 : 0);
    in->scale = sib >> 6;
    in->vsib = index_size;
}

/* Makes the operands; the address comes first, as its bytes do. */
static void operands(struct dec *d, const u8 *a, bool modrm)
{
    struct insn *in = d->in;
    unsigned i;

    if (modrm && d->mod != 3 && am_info[a[1]].cls != AMC_VSIB)
        dec_address(d);
    for (i = 0; i < 4 && a[i] != AM___; i++) {
        const struct am_info *am = &am_info[a[i]];
        struct opnd *o = &in->o[i];
        u8 size = size_of(d, am->size), size2 = size_of(d, am->size2);

        switch (am->cls) {
        case AMC_VVVV:
            d->vvvv_used = true;
            set_reg(o, vec_kind(size), d->vvvv & registers(d), size);
            break;
        case AMC_VVVVGPR:
            d->vvvv_used = true;
            set_reg(o, OPND_GPR, d->vvvv & registers(d), size);
            break;
        case AMC_VSIB: vsib(d, o, size, size2); break;
        case AMC_IS4:
            in->imm = fetch(d, 1);
            set_reg(o, vec_kind(size), in->imm >> 4 & registers(d), size);
            break;
        default:
            if (a[i] < AM_one)
                dec_modrm_operand(d, o, am->cls, size, size2, i == 0);
            else
                dec_fixed_operand(d, o, am->cls, size, size2);
            break;
        }
    }
    in->nopnd = i;
}

/* Destination, index and mask of a gather are three registers. */
static bool gather_overlap(const struct insn *in)
{
    u8 d = in->o[0].reg, m = in->o[2].reg;

    return d == m || d == in->index || m == in->index;
}

/* The bytes of the prefix itself: the opcode map (0: none there), the mandatory prefix, W. */
static unsigned prefix(struct dec *d, unsigned *mand, bool *w)
{
    static const u8 pp[4] = {ENC_NP, ENC_66, ENC_F3, ENC_F2};
    unsigned map = 1;
    u8 b, last;

    if (d->lock || d->osz || d->rep || d->rex)
        undefined(d);
    b = fetch(d, 1);
    d->rex = b & 0x80 ? 0 : REX_R;
    *w = false;
    last = b;
    if (d->opcode == 0xc4) {
        map = b & 31;
        d->rex |= (b & 0x40 ? 0 : REX_X) | (b & 0x20 ? 0 : REX_B);
        last = fetch(d, 1);
        *w = last & 0x80;
    }
    d->vvvv = ~last >> 3 & 15;
    if (!d->is64)
        d->rex = 0;
    d->in->vl = last & 4 ? 32 : 16;
    *mand = pp[last & 3];
    return map <= 3 ? map : 0;
}

/* Does the length field suit, and are the features there? */
static bool allowed(const struct insn *in, const struct enc_vex *e, u64 feats)
{
    const struct op_info *info = &op_info[in->op];
    bool wide = in->vl == 32;

    if ((e->len == VL_128 && wide) || (e->len == VL_256 && !wide))
        return false;
    feats |= FEAT_BIT(BASE);
    if (e->len == VL_2 && wide && !(feats & FEAT_BIT(AVX2)))
        return false;
    return feats >> info->feat & feats >> e->feat & 1;
}

void dec_vex(struct dec *d, u64 feats)
{
    struct insn *in = d->in;
    const struct enc_vex *e;
    unsigned mand, map;
    bool w, modrm = false;

    map = prefix(d, &mand, &w);
    if (d->err)
        return;
    if (!map) {
        undefined(d);
        return;
    }
    d->opcode = fetch(d, 1);
    if (d->err)
        return;
    e = &enc_vex[map - 1][mand][w][d->opcode];
    if (e->kind == ENC_GROUP) {
        fetch_modrm(d);
        modrm = true;
        e = &enc_vex_group[e->op][d->mod == 3][d->reg];
    }
    if (d->err)
        return;
    if (e->kind != ENC_OP) {
        undefined(d);
        return;
    }
    if (!modrm && e->a[0] != AM___) {
        fetch_modrm(d);
        modrm = true;
    }
    in->op = e->op;
    in->vex = (u16)(d->opcode | (map - 1) << 8 | mand << 10 | (unsigned)w << 12 |
                    (modrm ? d->reg : 0u) << 13);
    d->szi = w && d->is64 ? 2 : 1;
    in->osz = d->szi == 2 ? 8 : 4;
    if ((e->flags & EF_WNEXT && d->szi == 2) || (e->flags & EF_LNEXT && in->vl == 32))
        in->op++;
    if (e->len == VL_lig)
        in->vl = 16;
    operands(d, e->a, modrm);
    if (e->flags & EF_CHECK && w && !d->is64) /* PEXTRQ and PINSRQ; others ignore W there */
        undefined(d);
    if ((!d->vvvv_used && d->vvvv) || !allowed(in, e, feats) || (in->vsib && gather_overlap(in)))
        undefined(d);
}
