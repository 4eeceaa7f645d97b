/* A program of small procedures as system software has them: a store of parts whose records are
 * copied and linked, strings compared and copied, enumerations, arguments by reference, arrays. */
#include "tests/bench/bare/bare.h"

enum { NAME = 32, PARTS = 8, SHELVES = 12, MONTHS = 6, ROUND = 8 };

/* Calls are what is measured: nothing here is inlined, as across files of a real program. */
#define PROCEDURE static __attribute__((noinline))

enum kind { BOLT, NUT, WASHER, PLATE, SCRAP, KINDS };

struct part {
    struct part *next;
    enum kind kind;
    s32 stock, price;
    char name[NAME];
};

struct store {
    struct part parts[PARTS];
    struct part *oldest;
    struct part sample;
    s32 shelf[SHELVES];
    s32 sold[KINDS][MONTHS];
    s32 cash;
    char initial;
};

static struct store *store(void)
{
    return (struct store *)AREA;
}

PROCEDURE s32 compare(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return (u8)*a - (u8)*b;
}

PROCEDURE char *copy(char *to, const char *from)
{
    char *p = to;

    while ((*p++ = *from++) != 0) {
    }
    return to;
}

PROCEDURE bool is_initial(char c)
{
    return c == store()->initial;
}

PROCEDURE enum kind replacement(enum kind k, bool cheap)
{
    switch (k) {
    case BOLT: return cheap ? NUT : PLATE;
    case NUT: return WASHER;
    case WASHER: return cheap ? BOLT : NUT;
    case PLATE: return BOLT;
    default: return k;
    }
}

PROCEDURE void charge(s32 pieces, s32 price, s32 *account)
{
    *account += pieces * price - (pieces > 3);
}

/* Sell from one part; what the shelves hold moves along. */
PROCEDURE void sell(struct part *p, s32 pieces, u32 month)
{
    struct store *s = store();
    u32 at = (u32)p->kind + 4;

    p->stock -= pieces;
    s->shelf[at] = p->stock;
    s->shelf[at + 1] = s->shelf[at] >> 1;
    s->sold[p->kind][month] += pieces;
    charge(pieces, p->price, &s->cash);
}

/* The oldest part's record becomes the sample's with another kind, and goes to the end. */
PROCEDURE void renew(struct part **oldest)
{
    struct part *p = *oldest, *next = p->next, *before = p;

    while (before->next != p)
        before = before->next;
    *p = store()->sample;
    p->next = next;
    p->kind = replacement(before->kind, p->price < before->price);
    *oldest = next;
}

PROCEDURE struct part *look_up(struct part *ring, const char *name)
{
    struct part *p = ring;

    do {
        if (is_initial(p->name[0]) && compare(p->name, name) == 0)
            return p;
        p = p->next;
    } while (p != ring);
    return NULL;
}

PROCEDURE s32 month_end(u32 month)
{
    s32 total = 0;

    for (u32 k = 0; k < KINDS; k++) {
        total += store()->sold[k][month] * (s32)(k + 1);
        store()->sold[k][month] = 0;
    }
    return total;
}

static void records_prepare(void)
{
    static const char *const names[] = {"bolt, hexagonal, 8 by 40",
                                        "bolt, hexagonal, 8 by 60",
                                        "bolt, round head, 5 by 20",
                                        "nut, 8",
                                        "washer, 8, zinc",
                                        "plate, 200 by 300",
                                        "plate, 200",
                                        "rest"};
    struct store *s = store();

    for (u32 i = 0; i < sizeof(*s) / 4; i++)
        ((u32 *)s)[i] = 0;
    for (u32 i = 0; i < PARTS; i++) {
        struct part *p = &s->parts[i];

        *p = (struct part){&s->parts[(i + 1) % PARTS], i % SCRAP, 100, (s32)(7 * i + 3), ""};
        copy(p->name, names[i]);
    }
    s->sample = s->parts[1];
    s->oldest = s->parts;
    s->initial = 'b';
}

static void records(u32 n)
{
    struct store *s = store();
    char wanted[NAME];
    s32 total = 0;

    for (; n != 0; n--) {
        struct part *p;
        u32 month = n % MONTHS;

        copy(wanted, n & 1 ? "bolt, hexagonal, 8 by 60" : "bolt, round head, 5 by 20");
        p = look_up(s->oldest, wanted);
        if (p == NULL)
            p = s->oldest;
        for (s32 pieces = 1; pieces < 4; pieces++)
            sell(p, pieces, month);
        if (p->kind == SCRAP || p->stock < 0) {
            p->stock = 100;
            p->kind = replacement(WASHER, is_initial(wanted[n & 3]));
        }
        renew(&s->oldest);
        if (month == 0)
            total += month_end(5) / 3;
    }
    bare_sink = (u32)(total + s->cash);
}

/* Strings alone, short and long. */
static void strings(u32 n)
{
    static const char *const words[ROUND] = {"mov",
                                             "movsb",
                                             "the quick brown fox",
                                             "a",
                                             "translation",
                                             "translator",
                                             "0123456789abcdef0123456789abcde",
                                             ""};
    char buffer[NAME * 2];
    s32 s = 0;

    for (; n != 0; n--) {
        for (u32 i = 0; i < ROUND; i++) {
            copy(buffer, words[i]);
            s += compare(buffer, words[(i + n) % ROUND]);
        }
    }
    bare_sink = (u32)s;
}

const struct kernel records_kernels[] = {
    {"records", "iter/s", records, 1, 1, records_prepare, false},
    {"strings", "word/s", strings, ROUND, 1, NULL, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
