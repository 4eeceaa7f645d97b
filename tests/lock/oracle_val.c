/* Values that find mistakes: edges of integers and floats, and the register state of oracle cases.
 */
#include "tests/lock/oracle.h"
#include "cpu/exec/x87.h"

#include <string.h>

u64 ora_rnd(u64 *s)
{
    u64 z = *s += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

u32 ora_below(u64 *s, u32 n)
{
    return (u32)((ora_rnd(s) >> 32) * n >> 32);
}

bool ora_chance(u64 *s, u32 percent)
{
    return ora_below(s, 100) < percent;
}

static u64 integer(u64 *s)
{
    static const u64 edge[] = {0,
                               1,
                               2,
                               0x7f,
                               0x80,
                               0xff,
                               0x7fff,
                               0x8000,
                               0xffff,
                               0x7fffffff,
                               0x80000000,
                               0xffffffff,
                               0x7fffffffffffffff,
                               0x8000000000000000,
                               0xffffffffffffffff,
                               0x00007fffffffffff,
                               0xffff800000000000,
                               0x8080808080808080,
                               0x0f0f0f0f0f0f0f0f,
                               10,
                               0x99,
                               0x10};
    switch (ora_below(s, 5)) {
    case 0: return edge[ora_below(s, ARRAY_LEN(edge))];
    case 1: return ora_rnd(s) >> ora_below(s, 64);
    case 2: return ~(ora_rnd(s) >> ora_below(s, 64));
    case 3: return edge[ora_below(s, ARRAY_LEN(edge))] + ora_below(s, 5) - 2;
    default: return ora_rnd(s);
    }
}

/* A binary float with `e` exponent and `f` fraction bits. */
static u64 binary(u64 *s, unsigned e, unsigned f)
{
    u64 frac = ora_rnd(s) & (BIT64(f) - 1), max = BIT64(e) - 1, bias = max >> 1, ex;
    u64 sign = ora_chance(s, 50) ? BIT64(e + f) : 0;
    switch (ora_below(s, 14)) {
    case 0: return sign;                                                       /* zero */
    case 1: return sign | max << f;                                            /* infinity */
    case 2: return sign | max << f | BIT64(f - 1) | (frac >> ora_below(s, f)); /* quiet NaN */
    case 3: return sign | max << f | ((frac >> 1 >> ora_below(s, f)) | 1);     /* signalling NaN */
    case 4: return sign | (frac >> ora_below(s, f));                           /* denormal */
    case 5: return sign | (u64)(1 + ora_below(s, 4)) << f | frac;              /* small */
    case 6: return sign | (max - 1 - ora_below(s, 3)) << f | frac;             /* large */
    case 7: return sign | bias << f;                                           /* one */
    case 8: ex = bias + ora_below(s, 70); break;
    case 9: return sign | (bias + ora_below(s, 64)) << f | (frac & ~(BIT64(ora_below(s, f)) - 1));
    case 10: ex = bias + 28 + ora_below(s, 8); break;
    case 11: ex = bias - 8 + ora_below(s, 16); break;
    default: ex = ora_below(s, (u32)max); break;
    }
    if (ora_chance(s, 20))
        frac = ora_chance(s, 50) ? BIT64(f) - 1 : 0;
    return sign | (ex < max ? ex : max - 1) << f | frac;
}

static void extended(u64 *s, u8 *p)
{
    u64 frac = ora_rnd(s) | BIT64(63);
    u16 sign = ora_chance(s, 50) ? 0x8000 : 0, ex;
    switch (ora_below(s, 18)) {
    case 0: frac = 0, ex = 0; break;
    case 1: frac = BIT64(63), ex = 0x7fff; break;
    case 2: frac |= BIT64(62), ex = 0x7fff; break;
    case 3: frac &= ~BIT64(62), ex = 0x7fff; break;
    case 4: frac = ora_rnd(s) >> (1 + ora_below(s, 62)), ex = 0; break;
    case 5: ex = 0; break; /* pseudo-denormal */
    case 6: frac = ora_rnd(s) >> 1, ex = (u16)(1 + ora_below(s, 0x7ffe)); break; /* unnormal */
    case 7:
        frac = ora_rnd(s) >> 1 >> ora_below(s, 64), ex = 0x7fff;
        break; /* pseudo-NaN, -infinity */
    case 8: frac = BIT64(63), ex = 0x3fff; break;
    case 9: ex = (u16)(1 + ora_below(s, 3)); break;
    case 10: ex = (u16)(0x7ffe - ora_below(s, 3)); break;
    case 11: frac &= ~(BIT64(ora_below(s, 63)) - 1), ex = (u16)(0x3fff + ora_below(s, 65)); break;
    case 12: ex = (u16)(0x3fff - 70 + ora_below(s, 140)); break;
    case 13: ex = (u16)(0x3fff - 4 + ora_below(s, 8)); break;
    case 14: ex = (u16)(0x3fff + 60 + ora_below(s, 8)); break;
    case 15: /* around single and double limits */
        ex = (u16)(0x3fff + (ora_chance(s, 50) ? -126 : 127) + (s32)ora_below(s, 5) - 2);
        break;
    case 16:
        ex = (u16)(0x3fff + (ora_chance(s, 50) ? -1022 : 1023) + (s32)ora_below(s, 5) - 2);
        break;
    default: ex = (u16)(1 + ora_below(s, 0x7ffe)); break;
    }
    if (ora_chance(s, 15) && ex && ex < 0x7fff)
        frac = ora_chance(s, 50) ? ~0ull : BIT64(63) | ora_below(s, 4);
    st64(p, frac);
    st16(p + 8, sign | ex);
}

/* 16 bytes of lanes of one kind. */
static void lanes(u64 *s, u8 *p)
{
    switch (ora_below(s, 6)) {
    case 0:
    case 1:
        for (unsigned i = 0; i < 4; i++)
            st32(p + 4 * i, (u32)binary(s, 8, 23));
        return;
    case 2:
    case 3:
        st64(p, binary(s, 11, 52));
        st64(p + 8, binary(s, 11, 52));
        return;
    case 4:
        for (unsigned i = 0; i < 8; i++)
            st16(p + 2 * i, (u16)integer(s));
        return;
    default:
        st64(p, integer(s));
        st64(p + 8, integer(s));
        return;
    }
}

/* Bytes of what memory operands may hold. */
void ora_make_operand(u64 *s, u8 *p, u32 n)
{
    u8 b[32];
    for (u32 i = 0; i < n; i += 16) {
        lanes(s, b);
        if (ora_chance(s, 25))
            extended(s, b);
        if (ora_chance(s, 8)) /* packed decimal */
            for (unsigned k = 0; k < 10; k++)
                b[k] = (u8)(ora_below(s, 10) << 4 | ora_below(s, ora_chance(s, 95) ? 10 : 16));
        memcpy(p + i, b, MIN(16u, n - i));
    }
}

static u32 make_mxcsr(u64 *s)
{
    u32 v = 0x1f80;
    if (ora_chance(s, 50))
        return v;
    if (ora_chance(s, 40))
        v = ora_rnd(s) & 0x1f80;
    v |= (u32)ora_rnd(s) & 0x6000;
    if (ora_chance(s, 30))
        v |= (u32)ora_rnd(s) & 0x8040;
    if (ora_chance(s, 30))
        v |= (u32)ora_rnd(s) & 0x3f;
    return v;
}

static void make_x87(u8 *fx, u64 *s)
{
    u16 cw = 0x37f, sw = 0;
    if (ora_chance(s, 50))
        cw = (u16)((cw & ~0xf00u) | (ora_rnd(s) & 0xf00));
    if (ora_chance(s, 25))
        cw = (u16)((cw & ~0x3fu) | (ora_rnd(s) & 0x3f));
    if (ora_chance(s, 5))
        cw ^= 0x1000;
    sw = (u16)(ora_rnd(s) & 0x7f00);
    if (ora_chance(s, 20))
        sw |= (u16)(ora_rnd(s) & 0x7f);
    if (ora_chance(s, 85)) /* mostly nothing pending */
        sw &= (u16)(~0x3fu | cw);
    if (sw & ~cw & FP_ALL)
        sw |= SW_ES | SW_B;
    st16(fx, cw);
    st16(fx + 2, sw);
    fx[4] = (u8)(ora_chance(s, 65) ? 0xff : ora_chance(s, 30) ? 0 : ora_rnd(s));
    st16(fx + 6, (u16)(ora_rnd(s) & 0x7ff));
    st32(fx + 8, (u32)ora_rnd(s));
    st32(fx + 16, (u32)ora_rnd(s));
    for (unsigned i = 0; i < 8; i++) {
        extended(s, fx + 32 + 16 * i);
        if (ora_chance(s, 10)) { /* as MMX leaves them */
            st64(fx + 32 + 16 * i, integer(s));
            st16(fx + 40 + 16 * i, 0xffff);
        }
    }
}

u64 ora_integer(u64 *s)
{
    return integer(s);
}

void ora_make_state(struct ora_case *c, u64 *s)
{
    struct ora_regs *r = &c->in;
    memset(r, 0, sizeof(*r));
    for (unsigned i = 0; i < 16; i++)
        r->gpr[i] = integer(s);
    if (c->mode != 64)
        for (unsigned i = 0; i < 16; i++)
            r->gpr[i] = i < 8 ? (u32)r->gpr[i] : 0;
    r->flags = ora_rnd(s) & F_ALL;
    if (ora_chance(s, 12))
        r->flags |= FL_DF;
    if (ora_chance(s, 3))
        r->flags |= FL_AC;
    if (ora_chance(s, 3))
        r->flags |= FL_NT;
    if (ora_chance(s, 10))
        r->flags |= FL_ID;
    make_x87(r->fx, s);
    st32(r->fx + 24, make_mxcsr(s));
    for (unsigned i = 0; i < (c->mode == 64 ? 16u : 8u); i++)
        lanes(s, r->fx + 160 + 16 * i);
    if (ora_chance(s, 60))
        for (unsigned i = 0; i < (c->mode == 64 ? 16u : 8u); i++)
            lanes(s, r->ymmh[i]);
}
