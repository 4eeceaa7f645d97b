/* Making oracle cases: the bytes of an instruction from a row of the encoding tables, or from
 * nothing; then oracle_aim.c gives its operands a meaning. */
#include "tests/lock/oracle_gen.h"
#include "cpu/isa/enc.h"

#include <string.h>

static u8 pick(u64 *s, const u8 *from, u32 n)
{
    return from[ora_below(s, n)];
}
#define PICK(s, list) pick(s, list, ARRAY_LEN(list))

static void segments(struct ora_case *c, u64 *s)
{
    static const u8 cs32[] = {ORA_CS32, ORA_CS32, ORA_CS32, ORA_CS32, 0x67, 0x57, ORA_GDT_CS32};
    static const u8 cs16[] = {ORA_CS16, ORA_CS16, ORA_CS16, 0x6f};
    static const u8 ss32[] = {0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17,
                              0x2b, 0x47, 0x5f, 0x7f, 0x87, 0x27, 0x2f, 0x3f, 0x8f};
    static const u8 ss16[] = {0x27, 0x2f, 0x8f, 0x27, 0x2f, 0x8f, 0x3f, 0x17, 0x47};
    static const u8 data[] = {0x17, 0x17, 0x17, 0x2b, 0x27, 0x2f, 0x37, 0x3f, 0x47,
                              0x5f, 0x7f, 0x87, 0x8f, 0x0f, 0x1f, 0x67, 0x00, 0x03};
    static const u8 data16[] = {0x27, 0x2f, 0x8f};
    static const u8 data64[] = {0, 0, 0x2b, 0x17, 0x27, 0x0f};
    u16 *sel = c->in.sel;
    for (unsigned i = 0; i < SEG__COUNT; i++)
        if (c->mode == 64)
            sel[i] = PICK(s, data64);
        else if (c->mode == 32)
            sel[i] = ora_chance(s, 70) ? ORA_DS32 : PICK(s, data);
        else
            sel[i] = ora_chance(s, 70) ? PICK(s, data16) : PICK(s, data);
    sel[SEG_CS] = c->mode == 64 ? ORA_GDT_CS64 : c->mode == 32 ? PICK(s, cs32) : PICK(s, cs16);
    sel[SEG_SS] = c->mode == 64 ? ORA_GDT_DS : c->mode == 32 ? PICK(s, ss32) : PICK(s, ss16);
    if (c->mode == 64) {
        c->in.fsbase = ORA_DATA + ora_below(s, 0x800);
        c->in.gsbase = ora_chance(s, 80) ? ORA_DATA + ora_below(s, 0x800) : ora_rnd(s) >> 18;
    } else if (sel[SEG_CS] == ORA_GDT_CS32 || ora_chance(s, 20)) {
        sel[SEG_SS] = sel[SEG_SS] == 0x17 ? ORA_GDT_DS : sel[SEG_SS];
    }
}

static void byte(struct ora_draft *d, u8 v)
{
    if (d->n < sizeof(d->b))
        d->b[d->n++] = v;
}

static void prefixes(struct ora_draft *d, const struct ora_case *c, const struct ora_row *r, u64 *s)
{
    static const u8 seg[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    static const u8 mand[] = {0, 0x66, 0xf3, 0xf2};
    u8 p[20];
    u32 n = 0;
    bool simd = r && r->table && op_info[r->op].attrs & (OPA_SSE | OPA_MMX | OPA_AVX);
    if (ora_chance(s, simd ? 3 : 25) && !(r && r->mand == ENC_66))
        p[n++] = 0x66;
    if (ora_chance(s, 18))
        p[n++] = 0x67;
    if (ora_chance(s, 20))
        p[n++] = PICK(s, seg);
    if (ora_chance(s, r && (op_info[r->op].attrs & OPA_REP || r->opcode == 0x90) ? 60
                      : simd                                                     ? 2
                                                                                 : 6))
        p[n++] = ora_chance(s, 50) ? 0xf2 : 0xf3;
    if (ora_chance(s, r && op_info[r->op].attrs & OPA_LOCK ? 20 : 4))
        p[n++] = 0xf0;
    if (ora_chance(s, 1)) /* towards the limit of 15 bytes */
        for (u32 k = ora_below(s, 12); k && n < sizeof(p) - 2; k--)
            p[n++] = PICK(s, seg);
    for (u32 i = n; i > 1; i--) {
        u32 k = ora_below(s, i);
        u8 t = p[k];
        p[k] = p[i - 1];
        p[i - 1] = t;
    }
    for (u32 i = 0; i < n; i++)
        byte(d, p[i]);
    if (r && !r->vex && mand[r->mand])
        byte(d, mand[r->mand]);
    if (c->mode == 64 && !(r && r->vex) && ora_chance(s, 55))
        byte(d, (u8)(0x40 | ora_below(s, 16)));
}

static void displacement(struct ora_draft *d, u64 *s, u32 n)
{
    u64 v = ora_chance(s, 50) ? ora_below(s, 256) : ora_integer(s);
    d->disp_at = d->n;
    d->disp_size = (u8)n;
    for (u32 i = 0; i < n; i++)
        byte(d, (u8)(v >> 8 * i));
}

static void modrm(struct ora_draft *d, const struct ora_case *c, const struct ora_row *r, u64 *s)
{
    bool asz = false;
    u32 mod, reg = r->reg != 0xff ? r->reg : ora_below(s, 8), rm = ora_below(s, 8), a;
    for (u32 i = 0; i < d->n; i++)
        asz |= d->b[i] == 0x67;
    a = c->mode == 64 ? (asz ? 32 : 64) : (c->mode == 16) == asz ? 32 : 16;
    if (r->reg != 0xff)
        mod = r->regform ? 3 : ora_below(s, 3);
    else
        mod = ora_chance(s, 45) ? 3 : ora_below(s, 3);
    if (r->rm != 0xff)
        rm = r->rm;
    byte(d, (u8)(mod << 6 | reg << 3 | rm));
    if (mod == 3)
        return;
    if (a == 16) {
        if (mod || rm == 6)
            displacement(d, s, mod == 1 ? 1 : 2);
        return;
    }
    if (rm == 4) {
        u32 base = ora_below(s, 8);
        byte(d, (u8)(ora_below(s, 32) << 3 | base));
        if (mod || base == 5)
            displacement(d, s, mod == 1 ? 1 : 4);
    } else if (mod || rm == 5) {
        displacement(d, s, mod == 1 ? 1 : 4);
    }
}

static void vex(struct ora_draft *d, const struct ora_case *c, const struct ora_row *r, u64 *s)
{
    static const u8 mand[] = {0, 1, 2, 3};
    bool three = r->table != 1 || r->w || c->mode == 64 || ora_chance(s, 30);
    u32 vvvv = ora_below(s, 16), l = r->len == VL_128 ? 0 : r->len == VL_256 ? 1 : ora_below(s, 2);
    if (c->mode != 64)
        vvvv &= 7;
    if (ora_chance(s, op_info[r->op].attrs & OPA_STORE ? 90 : 10))
        vvvv = 0;
    if (ora_chance(s, 3))
        l ^= 1;
    if (!three) {
        byte(d, 0xc5);
        byte(d, (u8)(0x80 | (~vvvv & 15) << 3 | l << 2 | mand[r->mand]));
    } else {
        u32 rxb = c->mode == 64 ? ora_below(s, 8) : 7;
        byte(d, 0xc4);
        byte(d, (u8)(rxb << 5 | r->table));
        byte(d, (u8)((u32)r->w << 7 | (~vvvv & 15) << 3 | l << 2 | mand[r->mand]));
    }
    byte(d, r->opcode);
    modrm(d, c, r, s);
}

static void from_row(struct ora_draft *d, const struct ora_case *c, const struct ora_row *r, u64 *s)
{
    prefixes(d, c, r, s);
    if (r->vex) {
        vex(d, c, r, s);
    } else {
        if (r->table)
            byte(d, 0x0f);
        if (r->table >= 2)
            byte(d, r->table == 2 ? 0x38 : 0x3a);
        byte(d, r->opcode);
        if (r->modrm)
            modrm(d, c, r, s);
    }
}

static void from_noise(struct ora_draft *d, const struct ora_case *c, u64 *s)
{
    prefixes(d, c, NULL, s);
    switch (ora_below(s, 4)) {
    case 0: byte(d, 0x0f); break;
    case 1:
        byte(d, 0x0f);
        byte(d, ora_chance(s, 50) ? 0x38 : 0x3a);
        break;
    case 2: byte(d, ora_chance(s, 50) ? 0xc5 : (u8)ora_rnd(s)); break;
    }
}

/* Immediates, and what follows an instruction that is none. */
static void tail(struct ora_draft *d, u64 *s)
{
    while (d->n < 20) {
        u64 v = ora_integer(s);
        for (u32 i = 0; i < 8; i++)
            byte(d, (u8)(v >> 8 * i));
    }
}

/* Bytes that must not run here at any place: calls of the kernel and of the hypervisor, waiting. */
static bool forbidden(const u8 *b, u32 n)
{
    for (u32 i = 0; i + 1 < n; i++) {
        if (b[i] == 0xcd && b[i + 1] == 0x80)
            return true;
        if (b[i] == 0x0f && (b[i + 1] == 0x05 || b[i + 1] == 0x34))
            return true;
        if (b[i] == 0x0f && b[i + 1] == 0x01 && i + 2 < n &&
            (b[i + 2] == 0xc1 || b[i + 2] == 0xd9 || b[i + 2] == 0xfa || b[i + 2] == 0xfb))
            return true;
    }
    return false;
}

void ora_place(struct ora_case *c, u64 *s)
{
    u32 lin = ORA_CODE + 0x100 + ora_below(s, 0xd00);
    if (ora_chance(s, 4))
        lin = ORA_CODE + 0x1000 - ora_below(s, c->ncode + 1u);
    else if (ora_chance(s, 3))
        lin = ORA_CODE + ORA_CODE_SIZE - 1 - ora_below(s, c->ncode + 1u);
    c->in.rip = c->mode == 64 ? lin : lin - ora_base(c->in.sel[SEG_CS]);
}

void ora_make(struct ora_case *c, u64 seed, const struct ora_rows *rows, u64 feats)
{
    u64 state = seed * 0xd1342543de82ef95ull, *s = &state;
    const struct ora_row *r = &rows->row[seed % rows->n];
    struct ora_draft d;
    struct insn insn;
    enum dec_result res;
    bool noise = ora_chance(s, 12);
    memset(c, 0, offsetof(struct ora_case, patch));
    c->seed = seed;
    c->row = (u16)(seed % rows->n);
    c->mode = r->is64 && !noise ? 64 : (u8[]){16, 32, 32, 64, 64}[ora_below(s, 5)];
    if (r->no64 && c->mode == 64 && ora_chance(s, 80))
        c->mode = ora_chance(s, 50) ? 32 : 16;
    c->lma = c->mode == 64 || ora_chance(s, 25);
    c->amd = rows->amd;
    ora_make_state(c, s);
    if (c->amd && !(ld16(c->in.fx + 2) & 0x80)) /* x87 pointers would not be loaded */
        memset(c->in.fx + 6, 0, 18);
    if (!rows->avx)
        memset(c->in.ymmh, 0, sizeof(c->in.ymmh));
    segments(c, s);
    for (u32 tries = 0;; tries++) {
        memset(&d, 0, sizeof(d));
        if (noise)
            from_noise(&d, c, s);
        else
            from_row(&d, c, r, s);
        tail(&d, s);
        res = decode(&insn, d.b, 15, c->mode, feats);
        c->ncode = res == DEC_OK ? insn.len : 15 + (res == DEC_LONG);
        if (forbidden(d.b, c->ncode) && tries < 10)
            continue;
        /* Invalid encodings are worth some of the cases, not most. */
        if (res == DEC_OK || tries > 20 || ora_chance(s, noise ? 60 : 12))
            break;
    }
    c->op = res == DEC_OK ? insn.op : OP_UD;
    ora_place(c, s);
    if (res == DEC_OK)
        ora_aim(c, &d, &insn, feats, s);
    if (forbidden(d.b, c->ncode)) {
        c->op = OP_UD;
        c->ncode = 2;
        d.b[0] = 0x0f;
        d.b[1] = 0x0b;
    }
    memcpy(c->code, d.b, c->ncode);
}
