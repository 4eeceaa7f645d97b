/* Recursive descent over the monitor's expressions, and value formats. */
#include "frontend/monitor/expr.h"

#include "devices/core/bits.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 64, MAX_COUNT = 65536 };

struct parser {
    const char *p;
    bool spaces;
    unsigned depth;
    expr_reg_fn *reg;
    void *arg;
    struct err *err;
};

static bool binary(struct parser *s, unsigned level, u64 *v);

static void skip(struct parser *s)
{
    while (s->spaces && isspace((u8)*s->p))
        s->p++;
}

static bool reg_value(struct parser *s, u64 *v)
{
    char name[32];
    size_t n = 0;

    for (s->p++; isalnum((u8)*s->p) || *s->p == '_' || *s->p == '.'; s->p++) {
        if (n + 1 < sizeof(name))
            name[n++] = *s->p;
    }
    name[n] = 0;
    if (s->reg && s->reg(s->arg, name, v))
        return true;
    return err_set(s->err, "There is no register '$%s'.", name);
}

static bool primary(struct parser *s, u64 *v)
{
    char *end;
    bool spaces = s->spaces;

    skip(s);
    switch (*s->p) {
    case '(':
        s->p++;
        s->spaces = true;
        if (!binary(s, 0, v))
            return false;
        skip(s);
        s->spaces = spaces;
        if (*s->p != ')')
            return err_set(s->err, "A ')' is missing.");
        s->p++;
        return true;
    case '$': return reg_value(s, v);
    case '\'':
        if (!s->p[1] || s->p[2] != '\'')
            return err_set(s->err, "A character is written as 'c'.");
        *v = (u8)s->p[1];
        s->p += 3;
        return true;
    }
    if (!isdigit((u8)*s->p))
        return err_set(s->err, "A number or $register is expected%s%.20s%s.",
                       *s->p ? ", not '" : "", s->p, *s->p ? "'" : "");
    *v = strtoull(s->p, &end, 0);
    s->p = end;
    if (isalnum((u8)*s->p))
        return err_set(s->err, "'%.20s' does not belong in a number.", s->p);
    return true;
}

static bool unary(struct parser *s, u64 *v)
{
    skip(s);
    if (*s->p != '-' && *s->p != '~' && *s->p != '+')
        return primary(s, v);
    if (++s->depth > MAX_DEPTH)
        return err_set(s->err, "The expression is nested too deeply.");
    char op = *s->p++;
    if (!unary(s, v))
        return false;
    s->depth--;
    *v = op == '-' ? -*v : op == '~' ? ~*v : *v;
    return true;
}

static bool apply(struct parser *s, char op, u64 *v, u64 w)
{
    switch (op) {
    case '|': *v |= w; break;
    case '^': *v ^= w; break;
    case '&': *v &= w; break;
    case '+': *v += w; break;
    case '-': *v -= w; break;
    case '*': *v *= w; break;
    default:
        if (!w)
            return err_set(s->err, "Division by zero.");
        *v = op == '/' ? *v / w : *v % w;
        break;
    }
    return true;
}

/* Operators of one level of precedence, from the loosest. */
static bool binary(struct parser *s, unsigned level, u64 *v)
{
    static const char *const ops[] = {"|", "^", "&", "+-", "*/%"};
    u64 w;

    if (level == ARRAY_LEN(ops))
        return unary(s, v);
    if (level == 0 && ++s->depth > MAX_DEPTH)
        return err_set(s->err, "The expression is nested too deeply.");
    if (!binary(s, level + 1, v))
        return false;
    for (;;) {
        skip(s);
        if (!*s->p || !strchr(ops[level], *s->p))
            break;
        char op = *s->p++;
        if (!binary(s, level + 1, &w) || !apply(s, op, v, w))
            return false;
    }
    if (level == 0)
        s->depth--;
    return true;
}

bool expr_eval(const char **text, bool spaces, expr_reg_fn *reg, void *arg, u64 *v, struct err *err)
{
    struct parser s = {*text, spaces, 0, reg, arg, err};

    while (isspace((u8)*s.p))
        s.p++;
    if (!binary(&s, 0, v))
        return false;
    *text = s.p;
    return true;
}

bool fmt_parse(const char **text, struct fmt *fmt, struct err *err)
{
    const char *p = *text;
    unsigned long n;
    char *end;

    while (isspace((u8)*p))
        p++;
    if (*p != '/')
        return true;
    p++;
    if (isdigit((u8)*p)) {
        n = strtoul(p, &end, 10);
        if (n > MAX_COUNT)
            return err_set(err, "The count in '/fmt' is more than %d.", MAX_COUNT);
        fmt->count = (u32)n;
        p = end;
    }
    for (; *p && !isspace((u8)*p); p++) {
        switch (*p) {
        case 'x':
        case 'd':
        case 'u':
        case 'o':
        case 'c':
        case 'i': fmt->format = *p; break;
        case 'b': fmt->size = 1; break;
        case 'h': fmt->size = 2; break;
        case 'w': fmt->size = 4; break;
        case 'g': fmt->size = 8; break;
        default:
            return err_set(
                err, "'/fmt' is a count, one of x d u o c i, and one of b h w g; not '%c'.", *p);
        }
    }
    if (fmt->format == 'c' && p[-1] == 'c')
        fmt->size = 1;
    *text = p;
    return true;
}

char *fmt_value(char *buf, size_t n, u64 v, const struct fmt *fmt)
{
    u32 bits = fmt->size * 8;

    v &= size_mask(fmt->size);
    switch (fmt->format) {
    case 'd': snprintf(buf, n, "%*lld", (int)(bits / 3 + 1), (long long)sext(v, bits)); break;
    case 'u': snprintf(buf, n, "%*llu", (int)(bits / 3), (unsigned long long)v); break;
    case 'o': snprintf(buf, n, "0%0*llo", (int)((bits + 2) / 3), (unsigned long long)v); break;
    case 'c':
        snprintf(buf, n, isprint((int)(v & 0xff)) ? "'%c'" : "'\\x%02x'", (int)(v & 0xff));
        break;
    default: snprintf(buf, n, "0x%0*llx", (int)(fmt->size * 2), (unsigned long long)v); break;
    }
    return buf;
}
