/* Giving the operands of a random instruction a meaning: addresses in and around the data pages,
 * contents of memory and stack, selectors, branch targets, counts. */
#include "tests/lock/oracle_gen.h"

#include <string.h>

static unsigned seg_of(const struct ora_case *c, unsigned seg)
{
    return c->in.sel[seg < SEG__COUNT ? seg : SEG_DS];
}

/* Linear base of a segment register. */
static u64 base_of(const struct ora_case *c, unsigned seg)
{
    if (c->mode == 64)
        return seg == SEG_FS ? c->in.fsbase : seg == SEG_GS ? c->in.gsbase : 0;
    return ora_base(seg_of(c, seg));
}

static bool stack16(const struct ora_case *c)
{
    unsigned sel = c->in.sel[SEG_SS];
    return c->mode != 64 && (sel & 4) && sel >> 3 < ORA_LDT && !ora_ldt[sel >> 3].big;
}

/* A linear address for an operand of `size` bytes; 0: leave it to chance. */
static u64 target(u64 *s, u32 size)
{
    u32 r = ora_below(s, 100), n = MAX(size, 1u);
    if (r < 60)
        return ORA_DATA + 64 * (4 + ora_below(s, 100)) +
               (ora_chance(s, 30) ? 16 * ora_below(s, 4) : 0);
    if (r < 72)
        return ORA_DATA + 0x80 + ora_below(s, 0x1d00);
    if (r < 79)
        return ORA_DATA + 0x1000 - ora_below(s, n + 1);
    if (r < 82)
        return ORA_DATA + 0x2000 - ora_below(s, n + 1);
    if (r < 85)
        return ORA_DATA + 0x2000 + ora_below(s, 0xf00);
    if (r < 88)
        return ORA_DATA + 0x3000 - ora_below(s, n + 1);
    if (r < 91)
        return ORA_DATA - ora_below(s, n + 1);
    if (r < 93)
        return ORA_DATA + 0x3000 + ora_below(s, 0x1000);
    if (r < 95)
        return ORA_CODE + ora_below(s, ORA_CODE_SIZE);
    return 0;
}

/* Set the low `bytes` of a register. */
static void set_low(u64 *r, u32 bytes, u64 v)
{
    u64 mask = bytes >= 8 ? ~0ull : BIT64(8 * bytes) - 1;
    *r = (*r & ~mask) | (v & mask);
}

/* Segments that 16-bit addresses of the data pages can be formed in. */
static void near_segment(struct ora_case *c, unsigned seg, u64 *s)
{
    static const u8 near[] = {0x27, 0x2f, 0x8f, 0x27, 0x8f, 0x3f};
    if (c->mode != 64 && seg < SEG__COUNT && seg != SEG_CS && ora_base(c->in.sel[seg]) < 0x10000 &&
        ora_chance(s, 90))
        c->in.sel[seg] = near[ora_below(s, ARRAY_LEN(near))];
}

/* The offset that reaches linear `la` in the segment; now and then one at the segment's end
 * instead. */
static u64 offset_for(const struct ora_case *c, unsigned seg, u64 la, u32 size, u64 *s)
{
    unsigned sel = seg_of(c, seg);
    if (c->mode != 64 && (sel & 4) && sel >> 3 < ORA_LDT && ora_chance(s, 4)) {
        const struct ora_desc *t = &ora_ldt[sel >> 3];
        return (t->pages ? t->limit << 12 | 0xfff : t->limit) - ora_below(s, size + 3u) + 1;
    }
    la -= base_of(c, seg);
    return c->mode == 64 ? la : (u32)la;
}

/* Registers and displacement such that the memory operand of `in` lies at `la`. */
static void aim_operand(struct ora_case *c, struct ora_draft *d, const struct insn *in, u64 la,
                        u32 size, u64 *s)
{
    u64 *r = c->in.gpr, off = offset_for(c, in->seg, la, size, s), have = (u64)in->disp;
    bool index = in->index < 16 && !in->vsib;
    if (in->op == OP_XLAT)
        have = r[REG_AX] & 0xff;
    if (index && in->index != in->base) {
        if (ora_chance(s, 50))
            set_low(&r[in->index], in->asz, ora_below(s, 64));
        have += r[in->index] << in->scale;
    }
    if (in->base == REG_IP) {
        u64 disp = la - (c->in.rip + in->len);
        for (u32 i = 0; i < d->disp_size; i++)
            d->b[d->disp_at + i] = (u8)(disp >> 8 * i);
    } else if (in->base < 16) {
        if (index && in->index == in->base)
            off = (off - (u64)in->disp) / (1 + BIT64(in->scale)) + have;
        set_low(&r[in->base], in->asz, off - have);
    } else if (d->disp_size == in->asz || d->disp_size == 4) {
        u64 disp = off - (have - (u64)in->disp);
        for (u32 i = 0; i < d->disp_size; i++)
            d->b[d->disp_at + i] = (u8)(disp >> 8 * i);
    } else if (index) {
        set_low(&r[in->index], in->asz, (off - (u64)in->disp) >> in->scale);
    } else if (in->len > in->asz) { /* moffs: the last bytes */
        for (u32 i = 0; i < in->asz; i++)
            d->b[in->len - in->asz + i] = (u8)(off >> 8 * i);
    }
}

/* Let memory at `la` hold n bytes at p, if it can be written and nothing else is to be there. */
static void poke(struct ora_case *c, u64 la, const void *p, u32 n)
{
    u64 lo = MAX(la, (u64)ORA_DATA), hi = MIN(la + n, (u64)ORA_DATA + ORA_RW_SIZE);
    u32 at;
    if (lo >= hi || la < ORA_DATA - 4096 || la > ORA_DATA + ORA_DATA_SIZE)
        return;
    if (!c->npatch) {
        c->patch_at = (u32)lo;
        c->npatch = 0;
    }
    if (lo < c->patch_at || lo > c->patch_at + c->npatch || hi - c->patch_at > ORA_PATCH)
        return;
    at = (u32)lo - c->patch_at;
    memcpy(c->patch + at, (const u8 *)p + (lo - la), hi - lo);
    c->npatch = (u16)MAX(c->npatch, at + (u32)(hi - lo));
}

static u16 selector(const struct ora_case *c, u64 *s)
{
    static const u8 gdt[] = {0x0b, 0x10, 0x13, 0x18, 0x1b, 0x20, 0x23, 0x28, 0x2b,
                             0x2a, 0x40, 0x43, 0x50, 0x53, 0x60, 0x83, 0x88};
    switch (ora_below(s, 8)) {
    case 0: return (u16)ora_below(s, 4);
    case 1: return gdt[ora_below(s, ARRAY_LEN(gdt))];
    case 2: return (u16)(ora_below(s, ORA_LDT + 3) << 3 | 4 | ora_below(s, 4));
    case 3: return c->mode == 64 && ora_chance(s, 50) ? ORA_GDT_CS64 : ORA_DS32;
    default: return (u16)(ora_below(s, ORA_LDT) << 3 | 7);
    }
}

static u16 code_selector(const struct ora_case *c, enum op op, u64 *s)
{
    static const u8 list[] = {ORA_CS32, ORA_CS32, ORA_CS16, ORA_CS16,    0x67,
                              0x57,     0x6f,     0x77,     ORA_GDT_CS32};
    /* A call from compatibility mode would push with an upper half of RSP that nobody defines. */
    if (c->lma && ora_chance(s, 20) && (c->mode == 64 || op != OP_CALLF))
        return ORA_GDT_CS64;
    return ora_chance(s, op == OP_CALLF ? 15 : 25) ? selector(c, s)
                                                   : list[ora_below(s, ARRAY_LEN(list))];
}

/* An offset in the code segment `base` begins. */
static u64 code_offset(u64 base, u64 *s)
{
    if (ora_chance(s, 8))
        return ora_integer(s);
    return (u32)(ORA_CODE + ora_below(s, ORA_CODE_SIZE) - base);
}

static u32 put(u8 *b, u32 n, u32 size, u64 v)
{
    for (u32 i = 0; i < size; i++)
        b[n + i] = (u8)(v >> 8 * i);
    return n + size;
}

/* ---- the stack ---- */
static void aim_stack(struct ora_case *c, const struct insn *in, u64 *s)
{
    u64 la = ORA_DATA + 0x400 + 8 * ora_below(s, 0x300), off;
    u32 r = ora_below(s, 100), osz = in->osz, n = 0, width = stack16(c) ? 2 : c->mode == 64 ? 8 : 4;
    u16 cs = code_selector(c, in->op, s);
    u8 b[64];
    if (r < 5)
        la += ora_below(s, 8);
    else if (r < 10)
        la = ORA_DATA + ora_below(s, 40);
    else if (r < 14)
        la = ORA_DATA + 0x1000 - 20 + ora_below(s, 40);
    else if (r < 18)
        la = ORA_DATA + 0x2000 - 20 + ora_below(s, 40);
    if (width == 2)
        near_segment(c, SEG_SS, s);
    off = offset_for(c, SEG_SS, la, 8, s);
    set_low(&c->in.gpr[REG_SP], width, off);
    if ((in->op == OP_LEAVE || in->op == OP_ENTER) && ora_chance(s, 90))
        set_low(&c->in.gpr[REG_BP], width, off + 8 * ora_below(s, 16));
    if (in->op == OP_LEAVE && ora_chance(s, 90))
        la = base_of(c, SEG_SS) + (width == 2 ? (u16)c->in.gpr[REG_BP] : c->in.gpr[REG_BP]);
    switch (in->op) {
    case OP_RET: n = put(b, n, osz, code_offset(base_of(c, SEG_CS), s)); break;
    case OP_RETF:
    case OP_IRET:
        n = put(b, n, osz, code_offset(ora_base(cs), s));
        n = put(b, n, osz, cs | (ora_rnd(s) & 0xffff0000));
        if (in->op == OP_IRET) {
            n = put(b, n, osz, (ora_rnd(s) & 0xffffffff) & ~(u64)FL_TF);
            c->in.flags &= ~(u64)(c->lma ? 0 : FL_NT);
            n = put(b, n, osz, ora_integer(s));
            n = put(b, n, osz, ora_chance(s, 50) ? ORA_DS32 : selector(c, s));
        }
        break;
    case OP_POPSEG: n = put(b, n, osz, selector(c, s) | (ora_rnd(s) & 0xffff0000)); break;
    case OP_POPF: n = put(b, n, osz, ora_rnd(s) & ~(u64)FL_TF); break;
    default: ora_make_operand(s, b, n = 48); break;
    }
    if (!c->npatch)
        poke(c, la, b, n);
}

/* ---- memory contents ---- */
static u32 image_size(const struct insn *in)
{
    switch (in->op) {
    case OP_FNSAVE:
    case OP_FRSTOR: return in->osz == 2 ? 94 : 108;
    case OP_FNSTENV:
    case OP_FLDENV: return in->osz == 2 ? 14 : 28;
    case OP_FXSAVE:
    case OP_FXRSTOR: return 512;
    case OP_XSAVE:
    case OP_XSAVEOPT:
    case OP_XSAVEC:
    case OP_XRSTOR: return 832;
    default: return 64;
    }
}

/* Images that FXRSTOR, XRSTOR, FRSTOR and FLDENV take. */
static void state_image(const struct ora_case *c, const struct insn *in, u64 la,
                        struct ora_case *out, u64 *s)
{
    struct ora_case t = {.mode = c->mode};
    u8 b[ORA_PATCH] = {0};
    u32 n = image_size(in);
    ora_make_state(&t, s);
    if (in->op == OP_FXRSTOR || in->op == OP_XRSTOR) {
        memcpy(b, t.in.fx, 512);
        st32(b + 28, (u32)ora_rnd(s));
        if (ora_chance(s, 10))
            st32(b + 24, (u32)ora_rnd(s));
        st64(b + 512, ora_rnd(s) & (ora_chance(s, 90) ? 7 : 0xf));
        if (ora_chance(s, 6))
            b[512 + 8 + ora_below(s, 56)] = 1;
        memcpy(b + 576, t.in.ymmh, 256);
    } else {
        u32 w = in->osz == 2 ? 2 : 4;
        put(b, 0, 2, ld16(t.in.fx));
        put(b, w, 2, ld16(t.in.fx + 2));
        put(b, 2 * w, 2, ora_rnd(s));
        for (u32 i = 3; i < 7; i++)
            put(b, i * w, w, ora_rnd(s));
        for (u32 i = 0; i < 8; i++)
            memcpy(b + 7 * w + 10 * i, t.in.fx + 32 + 16 * i, 10);
    }
    poke(out, la, b, n);
}

static void fill_operand(struct ora_case *c, const struct insn *in, u64 la, u32 size, u64 *s)
{
    u8 b[128];
    u32 n = MIN(MAX(size, 16u), 64u);
    ora_make_operand(s, b, n);
    switch (in->op) {
    case OP_FXRSTOR:
    case OP_XRSTOR:
    case OP_FRSTOR:
    case OP_FLDENV: state_image(c, in, la, c, s); return;
    case OP_LDMXCSR:
    case OP_VLDMXCSR:
        if (ora_chance(s, 80))
            put(b, 0, 4, ora_rnd(s) & 0xffff);
        break;
    case OP_JMPF:
    case OP_CALLF: {
        u16 cs = code_selector(c, in->op, s);
        put(b, put(b, 0, in->osz, code_offset(ora_base(cs), s)), 2, cs);
        break;
    }
    case OP_JMP:
    case OP_CALL: put(b, 0, in->osz, code_offset(base_of(c, SEG_CS), s)); break;
    case OP_LDS:
    case OP_LES:
    case OP_LSS:
    case OP_LFS:
    case OP_LGS: put(b, in->osz, 2, selector(c, s)); break;
    case OP_MOVSEG:
    case OP_LAR:
    case OP_LSL:
    case OP_VERR:
    case OP_VERW: put(b, 0, 2, selector(c, s)); break;
    case OP_CMPXCHG:
        if (ora_chance(s, 50))
            put(b, 0, 8, c->in.gpr[REG_AX]);
        break;
    case OP_CMPXCHG8B:
        if (ora_chance(s, 60)) {
            u32 w = in->osz == 8 ? 8 : 4;
            put(b, put(b, 0, w, c->in.gpr[REG_AX]), w, c->in.gpr[REG_DX]);
        }
        break;
    default: break;
    }
    if (in->base == REG_DI && op_info[in->op].attrs & OPA_REP && ora_chance(s, 60))
        memset(b, b[0], n); /* runs for SCAS */
    poke(c, la, b, n);
}

/* ---- operands ---- */
static void aim_string(struct ora_case *c, const struct insn *in, u64 *s)
{
    u32 size = in->o[0].size * (in->rep ? 4 : 1);
    u64 di = target(s, size), si = target(s, size);
    if (in->asz == 2) {
        near_segment(c, SEG_ES, s);
        near_segment(c, in->seg, s);
    }
    if (di)
        set_low(&c->in.gpr[REG_DI], in->asz, offset_for(c, SEG_ES, di, size, s));
    if (si)
        set_low(&c->in.gpr[REG_SI], in->asz,
                offset_for(c, in->base == REG_DI ? (unsigned)SEG_DS : in->seg, si, size, s));
    if (in->rep && ora_chance(s, 92))
        set_low(&c->in.gpr[REG_CX], in->asz, ora_below(s, ora_chance(s, 90) ? 12 : 600));
    fill_operand(c, in, di ? di : si, size, s);
}

static void aim_memory(struct ora_case *c, struct ora_draft *d, const struct insn *in, u32 size,
                       u64 *s)
{
    bool image = !size && !(op_info[in->op].attrs & OPA_NOMEM);
    u32 real = image ? image_size(in) : size;
    u64 la = target(s, real);
    if (image && ora_chance(s, 85))
        la = ORA_DATA + 64 * (2 + ora_below(s, 100));
    if (in->asz == 2)
        near_segment(c, in->seg, s);
    if (!la)
        return;
    aim_operand(c, d, in, la, real, s);
    if (c->mode == 64 && in->base == REG_IP && in->asz == 4)
        return;
    fill_operand(c, in, la, real, s);
}

static u64 *reg_of(struct ora_case *c, const struct opnd *o)
{
    return &c->in.gpr[o->reg & 15];
}

/* Register operands that mean something. */
static void aim_registers(struct ora_case *c, const struct insn *in, u64 *s)
{
    u64 *r = c->in.gpr;
    const struct opnd *o = in->o;
    switch (in->op) {
    case OP_MOVSEG:
    case OP_LAR:
    case OP_LSL:
        if (o[1].kind == OPND_GPR && ora_chance(s, 90))
            set_low(reg_of(c, &o[1]), 2, selector(c, s));
        break;
    case OP_VERR:
    case OP_VERW:
    case OP_ARPL:
        if (o[0].kind == OPND_GPR && ora_chance(s, 90))
            set_low(reg_of(c, &o[0]), 2, selector(c, s));
        break;
    case OP_JMP:
    case OP_CALL:
        if (o[0].kind == OPND_GPR)
            set_low(reg_of(c, &o[0]), o[0].size, code_offset(base_of(c, SEG_CS), s));
        break;
    case OP_DIV:
    case OP_IDIV: /* most quotients should fit */
        if (ora_chance(s, 70))
            r[REG_DX] = ora_chance(s, 50)                   ? 0
                        : in->osz == 8 && in->op == OP_IDIV ? ~0ull
                                                            : ora_below(s, 4);
        if (ora_chance(s, 40))
            set_low(&r[REG_AX], 2, ora_rnd(s) >> 8 & 0x3ff);
        break;
    case OP_CMPXCHG:
        if (o[0].kind == OPND_GPR && ora_chance(s, 50))
            *reg_of(c, &o[0]) = r[REG_AX];
        break;
    case OP_BT:
    case OP_BTS:
    case OP_BTR:
    case OP_BTC:
        if (o[1].kind == OPND_GPR && o[0].kind == OPND_MEM && o[1].reg != in->base &&
            ora_chance(s, 85))
            set_low(reg_of(c, &o[1]), in->osz, (u64)ora_below(s, 2000) - 1000);
        break;
    case OP_LOOP:
    case OP_LOOPE:
    case OP_LOOPNE:
    case OP_JCXZ:
        if (ora_chance(s, 50))
            set_low(&r[REG_CX], in->asz, ora_below(s, 3));
        break;
    case OP_PCMPESTRI:
    case OP_PCMPESTRM:
        if (ora_chance(s, 80)) {
            r[REG_AX] = (u64)ora_below(s, 40) - 20;
            r[REG_DX] = (u64)ora_below(s, 40) - 20;
        }
        break;
    case OP_XGETBV: r[REG_CX] = ora_below(s, 3); break;
    case OP_WRFSBASE:
    case OP_WRGSBASE:
        if (ora_chance(s, 70))
            *reg_of(c, &o[0]) &= 0x7fffffffffff;
        break;
    case OP_XSAVE:
    case OP_XSAVEC:
    case OP_XSAVEOPT:
    case OP_XRSTOR:
        set_low(&r[REG_AX], 4, ora_below(s, 8));
        r[REG_DX] = 0;
        break;
    default: break;
    }
    if (in->vsib) /* small indexes into the data */
        for (u32 i = 0; i < 8; i++) {
            u8 *lane = i < 4 ? c->in.fx + 160 + 16 * (in->index & 15) + 4 * i
                             : c->in.ymmh[in->index & 15] + 4 * (i - 4);
            st32(lane, ora_chance(s, 90) && !(i & 1) ? ora_below(s, 64)
                       : ora_chance(s, 90)           ? 0
                                                     : ~0u);
        }
}

/* Parts of the instruction's own bytes: targets, far pointers, the operands of ENTER. */
static void aim_bytes(struct ora_case *c, struct ora_draft *d, const struct insn *in, u64 *s)
{
    if (in->o[0].kind == OPND_REL && ora_chance(s, 60)) {
        u32 n = in->o[0].size, size = d->b[in->len - 2] == 0xeb || in->op == OP_LOOP ||
                                              in->op == OP_LOOPE || in->op == OP_LOOPNE ||
                                              in->op == OP_JCXZ
                                          ? 1
                                          : MIN(n, 4u);
        u64 rel = code_offset(base_of(c, SEG_CS), s) - (c->in.rip + in->len);
        if (in->op == OP_JCC && (d->b[in->len - 2] & 0xf0) == 0x70)
            size = 1;
        if (in->len > size)
            put(d->b, in->len - size, size, size == 1 ? rel & 0x7f : rel);
    } else if (in->o[0].kind == OPND_FAR) {
        u16 cs = code_selector(c, in->op, s);
        put(d->b, in->len - 2u, 2, cs);
        put(d->b, in->len - 2u - MIN((u32)in->osz, 4u), MIN((u32)in->osz, 4u),
            code_offset(ora_base(cs), s));
    } else if (in->op == OP_ENTER && ora_chance(s, 80)) {
        put(d->b, in->len - 3u, 2, ora_below(s, 256));
        d->b[in->len - 1] = (u8)ora_below(s, ora_chance(s, 80) ? 5 : 40);
    }
    /* A jump to itself never ends. */
    if (in->o[0].kind == OPND_REL && in->len >= 2 && (u8)-d->b[in->len - 1] <= in->len)
        d->b[in->len - 1] ^= 0x40;
}

void ora_aim(struct ora_case *c, struct ora_draft *d, const struct insn *in, u64 feats, u64 *s)
{
    struct insn again;
    const struct op_info *info = &op_info[in->op];
    bool memory = false;
    for (u32 i = 0; i < in->nopnd; i++)
        memory |= in->o[i].kind == OPND_MEM;
    aim_bytes(c, d, in, s);
    aim_registers(c, in, s);
    if (info->attrs & OPA_REP) {
        aim_string(c, in, s);
    } else if (memory) {
        for (u32 i = 0; i < in->nopnd; i++)
            if (in->o[i].kind == OPND_MEM)
                aim_memory(c, d, in, in->o[i].size, s);
    } else if (in->op == OP_MASKMOVQ || in->op == OP_MASKMOVDQU) {
        u64 la = target(s, 16);
        if (in->asz == 2)
            near_segment(c, in->seg, s);
        set_low(&c->in.gpr[REG_DI], in->asz, offset_for(c, in->seg, la, 16, s));
    }
    if (in->base != REG_SP || !memory)
        aim_stack(c, in, s);
    /* What was put into the bytes may not have changed what they are. */
    if (decode(&again, d->b, 15, c->mode, feats) == DEC_OK) {
        c->op = again.op;
        c->ncode = MAX(c->ncode, again.len);
    } else {
        c->op = OP_UD;
    }
}
