/* Values of options: sizes, switches, key=value lists, and the nearest name to a mistyped one. */
#include "frontend/opts.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_WORD = 32 };

/* How many letters must be changed, added, dropped or swapped to make b of a. */
static unsigned distance(const char *a, const char *b)
{
    unsigned na = (unsigned)strlen(a), nb = (unsigned)strlen(b);
    unsigned row[3][MAX_WORD + 1];

    if (na > MAX_WORD || nb > MAX_WORD)
        return MAX_WORD;
    for (unsigned j = 0; j <= nb; j++)
        row[1][j] = j;
    for (unsigned i = 1; i <= na; i++) {
        row[2][0] = i;
        for (unsigned j = 1; j <= nb; j++) {
            unsigned cost = tolower((u8)a[i - 1]) != tolower((u8)b[j - 1]);
            unsigned best = MIN(row[1][j] + 1, row[2][j - 1] + 1);

            best = MIN(best, row[1][j - 1] + cost);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = MIN(best, row[0][j - 2] + 1);
            row[2][j] = best;
        }
        memcpy(row[0], row[1], sizeof(row[0]));
        memcpy(row[1], row[2], sizeof(row[1]));
    }
    return row[1][nb];
}

const char *opts_nearest(const char *word, const char *const *names)
{
    const char *best = NULL;
    unsigned best_d = MAX_WORD;

    for (; *names; names++) {
        unsigned d = distance(word, *names);

        /* A beginning, or a part between dashes, counts as near: "gdb" for "gdbstub". */
        if (strlen(word) >= 3 &&
            (!strncasecmp(word, *names, strlen(word)) ||
             (strlen(*names) >= 3 && !strncasecmp(word, *names, strlen(*names)))))
            d = MIN(d, 1);
        if (d < best_d)
            best_d = d, best = *names;
    }
    return best_d <= MAX(1, strlen(word) / 2) ? best : NULL;
}

bool opts_size(const char *text, u64 unit, u64 *v)
{
    char *end;
    u64 n;

    if (!isdigit((u8)*text))
        return false;
    errno = 0;
    n = strtoull(text, &end, 0);
    if (errno)
        return false;
    switch (toupper((u8)*end)) {
    case 'B': unit = 1, end++; break;
    case 'K': unit = KIB, end++; break;
    case 'M': unit = MIB, end++; break;
    case 'G': unit = GIB, end++; break;
    case 'T': unit = GIB << 10, end++; break;
    }
    if (*end || (unit && n > ~0ull / unit))
        return false;
    *v = n * unit;
    return true;
}

bool opts_number(const char *text, u64 max, u64 *v)
{
    return opts_size(text, 1, v) && *v <= max;
}

bool opts_bool(const char *text, bool *v)
{
    static const char *const words[2][4] = {{"off", "no", "false", "n"},
                                            {"on", "yes", "true", "y"}};

    for (int b = 0; b < 2; b++) {
        for (int i = 0; i < 4; i++) {
            if (!strcmp(text, words[b][i])) {
                *v = b;
                return true;
            }
        }
    }
    return false;
}

bool opts_next(const char **p, char *key, size_t key_size, char *val, size_t val_size,
               bool *has_key)
{
    const char *s = *p;
    size_t n = 0, len = strcspn(s, "=,");

    if (!*s)
        return false;
    *has_key = s[len] == '=';
    key[0] = 0;
    if (*has_key) {
        n = MIN(len, key_size - 1);
        memcpy(key, s, n);
        key[n] = 0;
        s += len + 1;
    }
    for (n = 0; *s; s++) {
        if (*s == ',') {
            if (s[1] != ',')
                break;
            s++; /* two commas are one that belongs to the value */
        }
        if (n + 1 < val_size)
            val[n++] = *s;
    }
    val[n] = 0;
    *p = *s ? s + 1 : s;
    return true;
}

bool opts_copy(char *to, size_t size, const char *text)
{
    size_t n = strlen(text);

    if (n >= size)
        return false;
    memcpy(to, text, n + 1);
    return true;
}
