/* The text form of IR blocks, printed and parsed from one table of operand formats (described in
 * README.md). */
#include "cpu/ir/shape.h"
#include "devices/core/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Operands in order, one letter each: d a b values; i: b or imm; c condition in b; s segment in b;
 * I: imm; L: sum of LEA; A: [a + imm]; T: [a + low half of imm]; S: s[imm]; F: s[low half of imm];
 * l: kind of access in b; V: the high half, signed; H: the high half; Z: size, and w for a write (SEG). Operations without
 * an entry take it from their row's args. */
static const char *const formats[IR__COUNT] = {
    [IR_MOVI] = "dI", [IR_LEA] = "dL",  [IR_LDS] = "dS",  [IR_STS] = "aS", [IR_ANDS] = "FH",
    [IR_ORS] = "FH",  [IR_SEG] = "asZ", [IR_LD] = "dA",   [IR_LDZ] = "dA", [IR_LDX] = "dA",
    [IR_ST] = "Ab",   [IR_STI] = "TV",  [IR_LDW] = "dAb", [IR_JCC] = "cI", [IR_BRZ] = "aI",
    [IR_BRNZ] = "aI", [IR_BRNI] = "aI", [IR_BAIL] = "aI", [IR_GOTO] = "I", [IR_CALL] = "I",
    [IR_VECL] = "Al", [IR_VECLF] = "Al", [IR_VECS] = "Al", [IR_LDC] = "dI",
};
static const char *const cc_names[16] = {
    "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g",
};
static const char *const seg_names[SEG__COUNT] = {"es", "cs", "ss", "ds", "fs", "gs"};
static const char *const access_names[IR_ACCESSES] = {"any", "aligned", "ten"};
static const char flag_letters[] = "CPAZSO";

/* The operand format of operation op in `buf` (4 bytes). */
static const char *format_of(unsigned op, char *buf)
{
    const char *args = ir_op_info[op].args;
    unsigned n = 0;
    if (formats[op])
        return formats[op];
    if (args[0] != '-')
        buf[n++] = 'd';
    if (args[1] != '-')
        buf[n++] = 'a';
    if (args[2] != '-')
        buf[n++] = args[2] == 'u' || args[2] == 'd' ? 'b' : args[2];
    buf[n] = 0;
    return buf;
}

/* ---- printing ---- */

struct out {
    char *p;
    size_t left;
};

PRINTF_LIKE(2, 3) static void put(struct out *o, const char *fmt, ...)
{
    va_list ap;
    int n;
    va_start(ap, fmt);
    n = vsnprintf(o->p, o->left, fmt, ap);
    va_end(ap);
    if (n > 0) {
        size_t step = MIN((size_t)n, o->left ? o->left - 1 : 0);
        o->p += step;
        o->left -= step;
    }
}

static void put_imm(struct out *o, s64 v)
{
    if (v < 0)
        put(o, "-0x%llx", 0ull - (unsigned long long)v);
    else
        put(o, "0x%llx", (unsigned long long)v);
}

static void put_value(struct out *o, unsigned v)
{
    if (v < IR_T0)
        put(o, "g%u", v);
    else if (v == IR_NONE)
        put(o, "none");
    else
        put(o, "t%u", v - IR_T0);
}

static void put_flags(struct out *o, const char *name, unsigned f)
{
    put(o, " %s=", name);
    if (f == IRF_ALL)
        put(o, "all");
    else if (!f)
        put(o, "-");
    else
        for (unsigned k = 0; k < 6; k++)
            if (f >> k & 1)
                put(o, "%c", flag_letters[k]);
}

static void put_disp(struct out *o, s64 disp)
{
    put(o, disp < 0 ? "-" : "+");
    put(o, "0x%llx", disp < 0 ? 0ull - (unsigned long long)disp : (unsigned long long)disp);
}

/* [a + b << scale + disp]; what is missing is left out. */
static void put_lea(struct out *o, const struct ir_ins *i)
{
    s32 disp = (s32)i->imm;
    put(o, "[");
    if (i->a != IR_NONE)
        put_value(o, i->a);
    if (i->b != IR_NONE) {
        put(o, "+");
        put_value(o, i->b);
    }
    if (i->imm >> 32)
        put(o, "<<%lld", (long long)(i->imm >> 32));
    put_disp(o, disp);
    put(o, "]");
}

static void put_address(struct out *o, unsigned a, s64 disp)
{
    put(o, "[");
    put_value(o, a);
    put_disp(o, disp);
    put(o, "]");
}

static void put_operand(struct out *o, const struct ir_ins *i, char c)
{
    switch (c) {
    case 'd': put_value(o, i->dst); break;
    case 'a': put_value(o, i->a); break;
    case 'b': put_value(o, i->b); break;
    case 'i':
        if (i->b == IR_NONE)
            put_imm(o, i->imm);
        else
            put_value(o, i->b);
        break;
    case 'c': put(o, "%s", cc_names[i->b & 15]); break;
    case 's': put(o, "%s", i->b < SEG__COUNT ? seg_names[i->b] : "?"); break;
    case 'l': put(o, "%s", access_names[i->b % IR_ACCESSES]); break;
    case 'I': put_imm(o, i->imm); break;
    case 'L': put_lea(o, i); break;
    case 'A': put_address(o, i->a, i->imm); break;
    case 'T': put_address(o, i->a, (s32)i->imm); break;
    case 'S':
        put(o, "s[");
        put_imm(o, i->imm);
        put(o, "]");
        break;
    case 'F': put(o, "s[0x%x]", (u32)i->imm); break;
    case 'V': put_imm(o, i->imm >> 32); break;
    case 'H': put(o, "0x%x", (u32)((u64)i->imm >> 32)); break;
    case 'Z':
        put(o, "0x%llx%s", (unsigned long long)(i->imm & ~(s64)0x100), i->imm & 0x100 ? ", w" : "");
        break;
    }
}

static void put_ins(struct out *o, const struct ir_ins *i)
{
    char buf[4];
    const char *f = format_of(i->op, buf);
    put(o, "%3u: %s.%u", i->at, ir_op_info[i->op].name, 8 * ir_bytes(i->type));
    for (unsigned k = 0; f[k]; k++) {
        put(o, k ? ", " : " ");
        put_operand(o, i, f[k]);
    }
    if (i->flags_out | i->flags_live | (ir_op_info[i->op].fout & IRF_ALL)) {
        put(o, " ;");
        put_flags(o, "out", i->flags_out);
        put_flags(o, "live", i->flags_live);
    }
    put(o, "\n");
}

void ir_print(const struct ir_block *b, char *buf, size_t n)
{
    struct out o = {buf, n};
    if (!n)
        return;
    *buf = 0;
    put(&o, "block rip=0x%llx long=%d temps=%u off=", (unsigned long long)b->rip, b->long_mode,
        b->ntemps);
    for (u32 k = 0; k <= b->nguest && k <= IR_MAX_GUEST; k++)
        put(&o, "%s%d%s", k ? "," : "", b->off[k],
            k < b->nguest && b->jumped >> k & 1 ? "j" : "");
    put(&o, "\n");
    for (u32 k = 0; k < b->n && k < IR_MAX_INS; k++)
        put_ins(&o, &b->ins[k]);
}

/* ---- parsing ---- */

struct in {
    const char *p;
    unsigned line;
    struct err *err;
};

static bool bad(struct in *in, const char *what)
{
    int n = (int)strcspn(in->p, "\n");
    return err_set(in->err, "IR text, line %u: expected %s at \"%.*s\".", in->line, what,
                   MIN(n, 40), in->p);
}

static void skip(struct in *in)
{
    while (*in->p == ' ' || *in->p == '\t' || *in->p == '\r')
        in->p++;
}

/* Does the text go on with s? Then step over it. */
static bool take(struct in *in, const char *s)
{
    size_t n = strlen(s);
    skip(in);
    if (strncmp(in->p, s, n))
        return false;
    in->p += n;
    return true;
}

static bool expect(struct in *in, const char *s)
{
    return take(in, s) || bad(in, s);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool get_u64(struct in *in, u64 *v)
{
    char *end;
    skip(in);
    if (!is_digit(*in->p))
        return bad(in, "a number");
    *v = strtoull(in->p, &end, 0);
    in->p = end;
    return true;
}

static bool get_imm(struct in *in, s64 *v)
{
    bool neg = take(in, "-");
    u64 u;
    if (!get_u64(in, &u))
        return false;
    *v = (s64)(neg ? 0 - u : u);
    return true;
}

/* A number below `limit` after sign or not. */
static bool get_small(struct in *in, u64 limit, u64 *v)
{
    return get_u64(in, v) && (*v < limit || bad(in, "a smaller number"));
}

static bool get_value(struct in *in, u8 *v)
{
    u64 n;
    bool temp;
    skip(in);
    if (!strncmp(in->p, "none", 4)) {
        in->p += 4;
        *v = IR_NONE;
        return true;
    }
    temp = *in->p == 't';
    if ((*in->p != 'g' && !temp) || !is_digit(in->p[1]))
        return bad(in, "a value (g0.., t0..)");
    in->p++;
    n = strtoull(in->p, (char **)&in->p, 10);
    if (n >= (temp ? IR_MAX_VALUE - IR_T0 : IR_T0))
        return bad(in, "a value in range");
    *v = (u8)(temp ? n + IR_T0 : n);
    return true;
}

/* A word of letters out of `names`; its index. */
static bool get_name(struct in *in, const char *const *names, unsigned count, u8 *v)
{
    size_t n;
    skip(in);
    n = strspn(in->p, "abcdefghijklmnopqrstuvwxyz");
    for (unsigned k = 0; k < count; k++)
        if (strlen(names[k]) == n && !strncmp(names[k], in->p, n)) {
            in->p += n;
            *v = (u8)k;
            return true;
        }
    return bad(in, "a condition or segment");
}

static bool get_disp(struct in *in, s64 *v)
{
    *v = 0;
    skip(in);
    if (take(in, "+"))
        return get_imm(in, v);
    return *in->p != '-' || get_imm(in, v);
}

static bool fits_s32(s64 v)
{
    return v == (s32)v;
}

static bool get_lea(struct in *in, struct ir_ins *i)
{
    u64 scale = 0;
    s64 disp;
    if (!expect(in, "["))
        return false;
    skip(in);
    if ((*in->p == 'g' || *in->p == 't') && !get_value(in, &i->a))
        return false;
    if (in->p[0] == '+' && (in->p[1] == 'g' || in->p[1] == 't')) {
        in->p++;
        if (!get_value(in, &i->b))
            return false;
    }
    if (take(in, "<<") && !get_small(in, 4, &scale))
        return false;
    if (!get_disp(in, &disp))
        return false;
    if (!fits_s32(disp))
        return bad(in, "a displacement of 32 bits");
    i->imm = (s64)(scale << 32 | (u32)disp);
    return expect(in, "]");
}

static bool get_address(struct in *in, struct ir_ins *i)
{
    return expect(in, "[") && get_value(in, &i->a) && get_disp(in, &i->imm) && expect(in, "]");
}

static bool get_state(struct in *in, struct ir_ins *i)
{
    return expect(in, "s[") && get_imm(in, &i->imm) && expect(in, "]");
}

/* The second half of an immediate of two. */
static bool get_high(struct in *in, struct ir_ins *i)
{
    s64 v;
    if (!get_imm(in, &v))
        return false;
    i->imm = (s64)((u64)(u32)i->imm | (u64)v << 32);
    return true;
}

static bool get_operand(struct in *in, struct ir_ins *i, char c)
{
    u64 size;
    switch (c) {
    case 'd': return get_value(in, &i->dst);
    case 'a': return get_value(in, &i->a);
    case 'b': return get_value(in, &i->b);
    case 'i':
        skip(in);
        return *in->p == 'g' || *in->p == 't' ? get_value(in, &i->b) : get_imm(in, &i->imm);
    case 'c': return get_name(in, cc_names, 16, &i->b);
    case 's': return get_name(in, seg_names, SEG__COUNT, &i->b);
    case 'l': return get_name(in, access_names, IR_ACCESSES, &i->b);
    case 'I': return get_imm(in, &i->imm);
    case 'L': return get_lea(in, i);
    case 'A':
    case 'T': return get_address(in, i);
    case 'S':
    case 'F': return get_state(in, i);
    case 'V':
    case 'H': return get_high(in, i);
    default:
        if (!get_u64(in, &size))
            return false;
        if (take(in, ",") && !expect(in, "w"))
            return false;
        i->imm = (s64)(size | (in->p[-1] == 'w' ? 0x100 : 0));
        return true;
    }
}

static bool get_flags(struct in *in, u8 *f)
{
    *f = 0;
    if (take(in, "all")) {
        *f = IRF_ALL;
        return true;
    }
    if (take(in, "-"))
        return true;
    for (const char *at; *in->p && (at = strchr(flag_letters, *in->p)); in->p++)
        *f |= (u8)(1u << (at - flag_letters));
    return *f || bad(in, "flags (all, - or some of CPAZSO)");
}

static bool get_type(struct in *in, u8 *type)
{
    u64 bits;
    if (!expect(in, ".") || !get_u64(in, &bits))
        return false;
    for (u8 t = I8; t <= I128; t++)
        if (bits == 8 * ir_bytes(t)) {
            *type = t;
            return true;
        }
    return bad(in, "8, 16, 32, 64 or 128");
}

static bool get_op(struct in *in, u8 *op)
{
    size_t n;
    skip(in);
    n = strspn(in->p, "abcdefghijklmnopqrstuvwxyz0123456789");
    for (unsigned k = 0; k < IR__COUNT; k++)
        if (strlen(ir_op_info[k].name) == n && !strncmp(ir_op_info[k].name, in->p, n)) {
            in->p += n;
            *op = (u8)k;
            return true;
        }
    return bad(in, "an operation");
}

static bool get_ins(struct in *in, struct ir_ins *i)
{
    char buf[4];
    const char *f;
    u64 at;
    *i = (struct ir_ins){.dst = IR_NONE, .a = IR_NONE, .b = IR_NONE};
    if (!get_small(in, IR_MAX_GUEST, &at) || !expect(in, ":") || !get_op(in, &i->op) ||
        !get_type(in, &i->type))
        return false;
    i->at = (u8)at;
    i->flags_out = ir_op_info[i->op].fout & IRF_ALL;
    f = format_of(i->op, buf);
    for (unsigned k = 0; f[k]; k++)
        if ((k && !expect(in, ",")) || !get_operand(in, i, f[k]))
            return false;
    if (take(in, ";")) {
        if (take(in, "out=") && !get_flags(in, &i->flags_out))
            return false;
        if (take(in, "live=") && !get_flags(in, &i->flags_live))
            return false;
    }
    skip(in);
    return !*in->p || *in->p == '\n' || bad(in, "the end of the line");
}

static bool get_header(struct in *in, struct ir_block *b)
{
    u64 is_long, temps, off;
    bool minus;
    if (!expect(in, "rip=") || !get_u64(in, &b->rip) || !expect(in, "long=") ||
        !get_small(in, 2, &is_long) || !expect(in, "temps=") ||
        !get_small(in, IR_MAX_VALUE - IR_T0 + 1, &temps) || !expect(in, "off="))
        return false;
    b->long_mode = is_long;
    b->ntemps = (u32)temps;
    for (u32 k = 0;; k++) {
        if (k > IR_MAX_GUEST)
            return bad(in, "fewer guest instructions");
        minus = take(in, "-");
        if (!get_small(in, 32768, &off))
            return false;
        b->off[k] = (s16)(minus ? -(s64)off : (s64)off);
        if (take(in, "j") && k < IR_MAX_GUEST)
            b->jumped |= BIT64(k);
        b->nguest = k;
        if (!take(in, ","))
            break;
    }
    skip(in);
    return !*in->p || *in->p == '\n' || bad(in, "the end of the line");
}

bool ir_parse(struct ir_block *b, const char *text, struct err *err)
{
    struct in in = {text, 1, err};
    bool header = false;
    memset(b, 0, sizeof(*b));
    for (; *in.p; in.line++) {
        skip(&in);
        if (*in.p == '#') {
            in.p += strcspn(in.p, "\n");
        } else if (*in.p && *in.p != '\n') {
            if (!header) {
                if (!expect(&in, "block") || !get_header(&in, b))
                    return false;
                header = true;
            } else if (b->n == IR_MAX_INS) {
                return bad(&in, "fewer operations");
            } else if (!get_ins(&in, &b->ins[b->n])) {
                return false;
            } else {
                b->n++;
            }
        }
        if (*in.p == '\n')
            in.p++;
    }
    return header || bad(&in, "a block line");
}
