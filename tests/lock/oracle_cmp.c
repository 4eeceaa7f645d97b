/* Telling two results of an oracle case apart; the one table of what may differ, with reasons. */
#include "tests/lock/oracle_rules.h"

#include <stdarg.h>
#include <string.h>

static void say(struct ora_verdict *v, const char *format, ...)
{
    size_t n = strlen(v->text);
    va_list ap;
    v->same = false;
    va_start(ap, format);
    vsnprintf(v->text + n, sizeof(v->text) - n, format, ap);
    va_end(ap);
}

/* A byte of the writable memory after the case. */
static u8 byte_after(const struct ora_case *c, const struct ora_out *o, u32 off)
{
    u32 patched = c->patch_at - ORA_DATA;
    if (off >= o->mem_lo && off < o->mem_hi && off - o->mem_lo < ORA_MEM)
        return o->mem[off - o->mem_lo];
    return c->npatch && off >= patched && off - patched < c->npatch ? c->patch[off - patched]
                                                                    : ora_pattern(off);
}

static void compare_memory(const struct ora_case *c, const struct ora_out *h,
                           const struct ora_out *g, const struct ora_rule *r, struct ora_verdict *v)
{
    u32 lo, hi, skipped = 0;
    if (r && r->kind == RULE_PARTIAL && h->r.rip == c->in.rip)
        return;
    if (h->mem_lo == g->mem_lo && h->mem_hi == g->mem_hi && h->mem_hash == g->mem_hash)
        return;
    lo = h->mem_hi && g->mem_hi ? MIN(h->mem_lo, g->mem_lo) : h->mem_lo + g->mem_lo;
    hi = MAX(h->mem_hi, g->mem_hi);
    for (u32 i = lo; i < hi; i++)
        if (byte_after(c, h, i) != byte_after(c, g, i)) {
            if (r && ora_rule_skips(r, c, ORA_DATA + i)) {
                skipped++;
                continue;
            }
            say(v, " [%x] %02x/%02x (%x-%x, %x-%x)", ORA_DATA + i, byte_after(c, h, i),
                byte_after(c, g, i), h->mem_lo, h->mem_hi, g->mem_lo, g->mem_hi);
            return;
        }
    if (skipped)
        v->excused = r->why;
    else if (h->mem_hi - h->mem_lo > ORA_MEM || g->mem_hi - g->mem_lo > ORA_MEM)
        say(v, " memory (%x-%x, %x-%x)", h->mem_lo, h->mem_hi, g->mem_lo, g->mem_hi);
}

static void compare_end(const struct ora_case *c, const struct ora_out *h, const struct ora_out *g,
                        const struct ora_rule *r, struct ora_verdict *v)
{
    u32 mask = ~0u;
    if (h->vector != g->vector) {
        say(v, " vector %u/%u (rip %llx/%llx)", h->vector, g->vector, (unsigned long long)h->r.rip,
            (unsigned long long)g->r.rip);
        return;
    }
    if (h->r.rip != g->r.rip)
        say(v, " rip %llx/%llx", (unsigned long long)h->r.rip, (unsigned long long)g->r.rip);
    if (h->vector == EXC_PF) {
        /* The kernel hides what is mapped in its half. */
        if (h->cr2 >= 0x7ffffffff000ull)
            mask = ~1u;
        if (h->cr2 != g->cr2 && ((r && r->kind == RULE_PARTIAL && (v->excused = r->why)) ||
                                 (v->excused = ora_order(c))))
            return;
        if (h->cr2 != g->cr2)
            say(v, " cr2 %llx/%llx", (unsigned long long)h->cr2, (unsigned long long)g->cr2);
    }
    if ((h->error ^ g->error) & mask)
        say(v, " error %x/%x", h->error, g->error);
}

/* Flags that the row leaves open, less those that the operands settle. */
static u32 open_flags(const struct ora_case *c, const struct insn *in)
{
    u32 undef = op_info[c->op].undef;
    unsigned count;
    switch (c->op) {
    case OP_ROL:
    case OP_ROR:
    case OP_RCL:
    case OP_RCR:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR:
        count = in->o[1].kind == OPND_IMM ? (unsigned)in->imm : (unsigned)c->in.gpr[REG_CX];
        break;
    case OP_SHLD:
    case OP_SHRD:
        count = in->o[2].kind == OPND_IMM ? (unsigned)in->imm : (unsigned)c->in.gpr[REG_CX];
        break;
    default: return undef;
    }
    count &= in->o[0].size == 8 ? 63 : 31;
    if (!count)
        return 0;
    return count == 1 ? undef & ~(u32)F_O : undef;
}

static void compare_registers(const struct ora_case *c, const struct ora_out *h,
                              const struct ora_out *g, const struct insn *in,
                              const struct ora_rule *r, struct ora_verdict *v)
{
    static const char *const seg[] = {"es", "cs", "ss", "ds", "fs", "gs"};
    /* Outside of 64-bit code upper halves are nobody's. */
    u64 mask = c->mode == 64 && h->r.sel[SEG_CS] == ORA_GDT_CS64 ? ~0ull : 0xffffffff, d;
    u32 open = h->r.rip != c->in.rip ? open_flags(c, in) : 0, f;
    for (unsigned i = 0; i < (c->mode == 64 ? 16u : 8u); i++) {
        /* Into 64-bit code: with which width SP moved is open, too. */
        if (!((h->r.gpr[i] ^ g->r.gpr[i]) & mask) ||
            (i == REG_SP && c->mode != 64 && h->r.sel[SEG_CS] == ORA_GDT_CS64))
            continue;
        if (r && ora_rule_gpr(r, c, in, i, h, g))
            v->excused = r->why;
        else
            say(v, " r%u %llx/%llx", i, (unsigned long long)(h->r.gpr[i] & mask),
                (unsigned long long)(g->r.gpr[i] & mask));
    }
    f = (u32)(h->r.flags ^ g->r.flags) & ORA_EFLAGS;
    v->masked = f & open;
    f &= ~open;
    if (f && r && r->kind == RULE_FLAGS && !(f & ~r->mask))
        v->excused = r->why;
    else if (f)
        say(v, " flags %llx/%llx (%x)", (unsigned long long)h->r.flags & ORA_EFLAGS,
            (unsigned long long)g->r.flags & ORA_EFLAGS, f);
    for (unsigned i = 0; i < SEG__COUNT; i++)
        /* The return from the host's kernel makes null selectors 0. */
        if (h->r.sel[i] != g->r.sel[i] && (h->r.sel[i] > 3 || g->r.sel[i] > 3))
            say(v, " %s %x/%x", seg[i], h->r.sel[i], g->r.sel[i]);
    d = (h->r.fsbase ^ g->r.fsbase) & mask;
    if (d && h->r.sel[SEG_FS] > 3)
        say(v, " fs.base %llx/%llx", (unsigned long long)h->r.fsbase,
            (unsigned long long)g->r.fsbase);
    d = (h->r.gsbase ^ g->r.gsbase) & mask;
    if (d && h->r.sel[SEG_GS] > 3)
        say(v, " gs.base %llx/%llx", (unsigned long long)h->r.gsbase,
            (unsigned long long)g->r.gsbase);
}

static void compare_fpu(const struct ora_case *c, const struct ora_out *h, const struct ora_out *g,
                        const struct ora_rule *r, struct ora_verdict *v)
{
    const u8 *a = h->r.fx, *b = g->r.fx;
    u16 sw = 0;
    if (!memcmp(a, b, 416) || (r && r->kind == RULE_PARTIAL && h->r.rip == c->in.rip))
        return;
    if (r && r->kind == RULE_ULP)
        sw = (u16)r->mask;
    if (ld16(a) != ld16(b))
        say(v, " cw %x/%x", ld16(a), ld16(b));
    if ((ld16(a + 2) ^ ld16(b + 2)) & ~sw)
        say(v, " sw %x/%x", ld16(a + 2), ld16(b + 2));
    if (a[4] != b[4])
        say(v, " tags %x/%x", a[4], b[4]);
    if (ld16(a + 6) != ld16(b + 6) && !ora_pointer_excused(c, h, ld16(a + 6), v))
        say(v, " fop %x/%x", ld16(a + 6), ld16(b + 6));
    if (ld64(a + 8) != ld64(b + 8) && !ora_pointer_excused(c, h, ld64(a + 8), v))
        say(v, " fip %llx/%llx", (unsigned long long)ld64(a + 8), (unsigned long long)ld64(b + 8));
    if (ld64(a + 16) != ld64(b + 16) && !ora_pointer_excused(c, h, ld64(a + 16), v))
        say(v, " fdp %llx/%llx", (unsigned long long)ld64(a + 16),
            (unsigned long long)ld64(b + 16));
    if (ld32(a + 24) != ld32(b + 24))
        say(v, " mxcsr %x/%x", ld32(a + 24), ld32(b + 24));
    for (unsigned i = 0; i < 8; i++) {
        const u8 *x = a + 32 + 16 * i, *y = b + 32 + 16 * i;
        if (!memcmp(x, y, 10))
            continue;
        if (r && r->kind == RULE_ULP && ora_ulp_close(x, y))
            v->excused = r->why;
        else
            say(v, " st%u %04x.%016llx/%04x.%016llx", i, ld16(x + 8), (unsigned long long)ld64(x),
                ld16(y + 8), (unsigned long long)ld64(y));
    }
}

static void compare_vectors(const struct ora_case *c, const struct ora_out *h,
                            const struct ora_out *g, const struct ora_rule *r,
                            struct ora_verdict *v)
{
    for (unsigned i = 0; i < 32; i++) {
        const u8 *x = i < 16 ? h->r.fx + 160 + 16 * i : h->r.ymmh[i - 16];
        const u8 *y = i < 16 ? g->r.fx + 160 + 16 * i : g->r.ymmh[i - 16];
        if (!memcmp(x, y, 16) || (c->mode != 64 && (i & 8)))
            continue;
        if (r && r->kind == RULE_APPROX && ora_approx_close(x, y))
            v->excused = r->why;
        else
            say(v, " %s%u %016llx%016llx/%016llx%016llx", i < 16 ? "xmm" : "ymmh", i & 15,
                (unsigned long long)ld64(x + 8), (unsigned long long)ld64(x),
                (unsigned long long)ld64(y + 8), (unsigned long long)ld64(y));
    }
}

static void compare_all(const struct ora_case *c, const struct ora_out *h, const struct ora_out *g,
                        struct ora_verdict *v)
{
    const struct ora_rule *r = ora_rule(c, h);
    struct insn in;
    memset(v, 0, offsetof(struct ora_verdict, text) + 1);
    v->same = true;
    if (r && r->kind >= RULE_VENDOR) {
        v->excused = r->why;
        return;
    }
    if (g->vector == EXC_UD && g->r.rip == c->in.rip &&
        (h->status || h->vector != EXC_UD || h->r.rip != g->r.rip) && (v->excused = ora_foreign(c)))
        return;
    if (h->status != ORA_OK || g->status != ORA_OK) {
        if (h->status != g->status)
            say(v, " status %u/%u", h->status, g->status);
        return;
    }
    if ((h->vector != g->vector || h->r.rip != g->r.rip) && (v->excused = ora_end_excused(c, h, g)))
        return;
    if (decode(&in, c->code, MIN((u32)c->ncode, 15u), c->mode, ~0ull) != DEC_OK)
        memset(&in, 0, sizeof(in));
    compare_end(c, h, g, r, v);
    if (r && r->kind == RULE_VALUES && v->same) {
        v->excused = r->why;
        return;
    }
    compare_registers(c, h, g, &in, r, v);
    compare_fpu(c, h, g, r, v);
    compare_vectors(c, h, g, r, v);
    compare_memory(c, h, g, r, v);
}

void ora_compare(const struct ora_case *c, const struct ora_out *h, const struct ora_out *g,
                 struct ora_verdict *v)
{
    const char *why;
    compare_all(c, h, g, v);
    if (v->same || !(why = ora_call_excused(c, h, g)))
        return;
    v->same = true;
    v->excused = why;
    v->text[0] = 0;
}
