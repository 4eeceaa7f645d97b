/* Properties: defaults, parsing from text, and freeing. */
#include "devices/core/prop.h"
#include "devices/core/err.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void put_number(const struct prop *row, void *base, u64 v)
{
    char *at = (char *)base + row->off;

    switch (row->type) {
    case PT_U32: *(u32 *)(void *)at = (u32)v; break;
    case PT_U64: *(u64 *)(void *)at = v; break;
    case PT_BOOL: *(bool *)(void *)at = v != 0; break;
    default: break;
    }
}

static char **str_at(const struct prop *row, void *base)
{
    return (char **)(void *)((char *)base + row->off);
}

void props_default(const struct prop *rows, void *base)
{
    for (; rows && rows->type != PT_END; rows++) {
        if (rows->type == PT_STR)
            *str_at(rows, base) = NULL;
        else
            put_number(rows, base, rows->def);
    }
}

void props_free(const struct prop *rows, void *base)
{
    for (; rows && rows->type != PT_END; rows++) {
        if (rows->type != PT_STR)
            continue;
        free(*str_at(rows, base));
        *str_at(rows, base) = NULL;
    }
}

static bool parse_bool(const char *s, u64 *v)
{
    static const char *const words[] = {"off", "on", "no", "yes", "false", "true", "0", "1"};

    for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
        if (!strcmp(s, words[i])) {
            *v = i & 1;
            return true;
        }
    }
    return false;
}

static unsigned suffix_shift(char c)
{
    switch (c) {
    case 'k':
    case 'K': return 10;
    case 'm':
    case 'M': return 20;
    case 'g':
    case 'G': return 30;
    default: return 0;
    }
}

static bool parse_number(const char *s, u64 *v)
{
    unsigned shift;
    char *end;
    u64 n;

    if (*s < '0' || *s > '9')
        return false; /* strtoull would take a sign and blanks */
    errno = 0;
    n = strtoull(s, &end, s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10);
    if (errno || end == s)
        return false;
    shift = suffix_shift(*end);
    if (shift)
        end++;
    if (*end || (shift && n >> (64 - shift)))
        return false;
    *v = n << shift;
    return true;
}

bool prop_set(const struct prop *rows, void *base, const char *name, const char *value,
              struct err *err)
{
    u64 v = 0;

    while (rows && rows->type != PT_END && strcmp(rows->name, name))
        rows++;
    if (!rows || rows->type == PT_END)
        return err_set(err, "there is no property '%.80s'", name);
    switch (rows->type) {
    case PT_STR: {
        char *copy = strdup(value);

        if (!copy)
            return err_set(err, "no memory for property '%s'", name);
        free(*str_at(rows, base));
        *str_at(rows, base) = copy;
        return true;
    }
    case PT_BOOL:
        if (!parse_bool(value, &v))
            return err_set(err, "property '%s' is 'on' or 'off', not '%.80s'", name, value);
        break;
    default:
        if (!parse_number(value, &v) || v < rows->min || v > rows->max)
            return err_set(err, "property '%s' is a number from %llu to %llu, not '%.80s'", name,
                           (unsigned long long)rows->min, (unsigned long long)rows->max, value);
        break;
    }
    put_number(rows, base, v);
    return true;
}

/* The text up to the next single comma; false at the end. */
static bool next_part(const char **p, char *to, size_t size)
{
    const char *s = *p;
    size_t n = 0;

    if (!*s)
        return false;
    for (; *s && (*s != ',' || s[1] == ','); s++) {
        if (*s == ',')
            s++;
        if (n + 1 < size)
            to[n++] = *s;
    }
    to[n] = 0;
    *p = *s ? s + 1 : s;
    return true;
}

bool props_set(const struct prop *rows, void *base, const char *text, struct err *err)
{
    char part[4200];

    while (text && next_part(&text, part, sizeof(part))) {
        char *eq = strchr(part, '=');

        if (eq)
            *eq = 0;
        if (!prop_set(rows, base, part, eq ? eq + 1 : "on", err))
            return false;
    }
    return true;
}
