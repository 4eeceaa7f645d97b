/* A mixed integer program as small processors are judged by: a linked list searched, reversed and
 * sorted, small matrices, a scanner of numbers written as a state machine, and a CRC over all. */
#include "tests/bench/bare/bare.h"

enum { NODES = 96, ORDER = 12, TEXT = 512, FINDS = 8, STATES = 7 };

struct item {
    s16 value, place;
};

struct node {
    struct node *next;
    struct item *item;
};

struct work {
    struct item items[NODES];
    struct node nodes[NODES];
    struct node *head;
    s16 a[ORDER][ORDER], b[ORDER][ORDER];
    s32 c[ORDER][ORDER];
    char text[TEXT + 1];
};

static struct work *work(void)
{
    return (struct work *)AREA;
}

/* CRC-16 with the polynomial x^16 + x^15 + x^2 + 1, lowest bit first, a bit at a time. */
static u16 crc_byte(u16 crc, u8 v)
{
    crc ^= v;
    for (unsigned i = 0; i < 8; i++)
        crc = crc & 1 ? (u16)(crc >> 1 ^ 0xa001) : (u16)(crc >> 1);
    return crc;
}

static __attribute__((noinline)) u16 crc_word(u16 crc, u32 v)
{
    for (unsigned i = 0; i < 4; i++, v >>= 8)
        crc = crc_byte(crc, (u8)v);
    return crc;
}

/* ---- the list ---- */

typedef s32 order_fn(const struct item *a, const struct item *b);

static s32 by_value(const struct item *a, const struct item *b)
{
    return a->value - b->value;
}

static s32 by_place(const struct item *a, const struct item *b)
{
    return a->place - b->place;
}

static __attribute__((noinline)) struct node *find_value(struct node *at, s16 value)
{
    while (at != NULL && at->item->value != value)
        at = at->next;
    return at;
}

static __attribute__((noinline)) struct node *reverse(struct node *at)
{
    struct node *done = NULL;

    while (at != NULL) {
        struct node *next = at->next;

        at->next = done;
        done = at;
        at = next;
    }
    return done;
}

static struct node *merge(struct node *a, struct node *b, order_fn *order)
{
    struct node *head = NULL, **tail = &head;

    while (a != NULL && b != NULL) {
        struct node **from = order(a->item, b->item) <= 0 ? &a : &b;

        *tail = *from;
        tail = &(*from)->next;
        *from = (*from)->next;
    }
    *tail = a != NULL ? a : b;
    return head;
}

/* Every second node to the other half, both sorted, both merged. */
static __attribute__((noinline)) struct node *sorted(struct node *list, order_fn *order)
{
    struct node *half[2] = {NULL, NULL};

    if (list == NULL || list->next == NULL)
        return list;
    for (unsigned i = 0; list != NULL; i ^= 1) {
        struct node *next = list->next;

        list->next = half[i];
        half[i] = list;
        list = next;
    }
    return merge(sorted(half[0], order), sorted(half[1], order), order);
}

static u16 list_step(u16 crc, u32 seed)
{
    struct work *w = work();

    for (u32 i = 0; i < FINDS; i++) {
        struct node *hit = find_value(w->head, (s16)((seed + i * 13) & 127));

        crc = crc_word(crc, hit != NULL ? (u32)hit->item->place : i);
        w->head = reverse(w->head);
    }
    w->head = sorted(w->head, by_value);
    crc = crc_word(crc, (u32)w->head->item->value);
    w->head = sorted(w->head, by_place);
    return crc_word(crc, (u32)w->head->item->value);
}

/* ---- the matrices ---- */

static __attribute__((noinline)) void product(struct work *w, unsigned shift)
{
    for (unsigned i = 0; i < ORDER; i++) {
        for (unsigned j = 0; j < ORDER; j++) {
            s32 sum = 0;

            for (unsigned k = 0; k < ORDER; k++)
                sum += w->a[i][k] * w->b[k][j] >> shift;
            w->c[i][j] = sum;
        }
    }
}

static __attribute__((noinline)) void add_constant(struct work *w, s16 v)
{
    for (unsigned i = 0; i < ORDER; i++) {
        for (unsigned j = 0; j < ORDER; j++)
            w->a[i][j] = (s16)(w->a[i][j] + v);
    }
}

/* Rises and falls of the result, with a limit at which the sum starts over. */
static __attribute__((noinline)) u32 weigh(const struct work *w, s32 limit)
{
    s32 last = 0, sum = 0;
    u32 r = 0;

    for (unsigned i = 0; i < ORDER; i++) {
        for (unsigned j = 0; j < ORDER; j++) {
            s32 v = w->c[i][j];

            sum += v;
            if (sum > limit) {
                r += 10;
                sum = 0;
            } else {
                r += v > last;
            }
            last = v;
        }
    }
    return r;
}

static u16 matrix_step(u16 crc, u32 seed)
{
    struct work *w = work();
    s16 v = (s16)(seed & 15);

    add_constant(w, v);
    product(w, 0);
    crc = crc_word(crc, weigh(w, 5000));
    product(w, 3);
    crc = crc_word(crc, weigh(w, 700));
    add_constant(w, (s16)-v);
    return crc;
}

/* ---- the scanner ---- */

enum state { S_START, S_SIGN, S_WHOLE, S_FRACTION, S_EXPONENT, S_POWER, S_WRONG };

static inline bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static enum state scan_one(const char **text, u32 changes[STATES])
{
    enum state s = S_START;
    const char *p = *text;

    for (; *p != 0 && *p != ','; p++) {
        enum state was = s;
        char c = *p;

        switch (s) {
        case S_START:
            s = digit(c)               ? S_WHOLE
                : c == '+' || c == '-' ? S_SIGN
                : c == '.'             ? S_FRACTION
                                       : S_WRONG;
            break;
        case S_SIGN: s = digit(c) ? S_WHOLE : c == '.' ? S_FRACTION : S_WRONG; break;
        case S_WHOLE:
            s = digit(c) ? S_WHOLE : c == '.' ? S_FRACTION : c == 'e' ? S_EXPONENT : S_WRONG;
            break;
        case S_FRACTION: s = digit(c) ? S_FRACTION : c == 'e' ? S_EXPONENT : S_WRONG; break;
        case S_EXPONENT: s = digit(c) || c == '-' || c == '+' ? S_POWER : S_WRONG; break;
        case S_POWER: s = digit(c) ? S_POWER : S_WRONG; break;
        case S_WRONG: break;
        }
        if (s != was)
            changes[was]++;
        if (s == S_WRONG)
            break;
    }
    while (*p != 0 && *p != ',')
        p++;
    *text = p + (*p == ',');
    return s;
}

static u16 scan_step(u16 crc, u32 seed)
{
    struct work *w = work();
    u32 ends[STATES] = {0}, changes[STATES] = {0};
    const char *p = w->text;
    u32 at = seed % TEXT;
    char was = w->text[at];

    if (was != ',')
        w->text[at] = (char)(was ^ 1);
    while (*p != 0)
        ends[scan_one(&p, changes)]++;
    w->text[at] = was;
    for (unsigned i = 0; i < STATES; i++)
        crc = crc_word(crc, ends[i] << 16 | changes[i]);
    return crc;
}

/* ---- the kernels ---- */

static void core_prepare(void)
{
    static const char *const words[] = {"5012",     "-874",     "+122",     "35.54400", ".1234500",
                                        "-110.700", "+0.64400", "5.500e+3", "-.123e-2", "-87e+832",
                                        "+0.6e-12", "T0.3e-1F", "-T.T++Tq", "1T3.4e4z"};
    struct work *w = work();
    u32 x = 1, n = 0;

    w->head = NULL;
    for (u32 i = NODES; i-- > 0;) {
        x = bare_random(x);
        w->items[i] = (struct item){(s16)(x >> 25), (s16)i};
        /* Neighbours in the list are not neighbours in memory. */
        w->nodes[i * 5 % NODES] = (struct node){w->head, &w->items[i]};
        w->head = &w->nodes[i * 5 % NODES];
    }
    for (u32 i = 0; i < ORDER * ORDER; i++) {
        x = bare_random(x);
        w->a[i / ORDER][i % ORDER] = (s16)(x >> 26);
        w->b[i / ORDER][i % ORDER] = (s16)(x >> 20 & 31);
    }
    while (n < TEXT) {
        const char *p;

        x = bare_random(x);
        for (p = words[(x >> 16) % ARRAY_LEN(words)]; *p != 0 && n < TEXT; p++)
            w->text[n++] = *p;
        if (n < TEXT)
            w->text[n++] = ',';
    }
    w->text[TEXT] = 0;
}

static void core_list(u32 n)
{
    u16 crc = 0;

    for (; n != 0; n--)
        crc = list_step(crc, n);
    bare_sink = crc;
}

static void core_matrix(u32 n)
{
    u16 crc = 0;

    for (; n != 0; n--)
        crc = matrix_step(crc, n);
    bare_sink = crc;
}

static void core_state(u32 n)
{
    u16 crc = 0;

    for (; n != 0; n--)
        crc = scan_step(crc, n);
    bare_sink = crc;
}

static void core_crc(u32 n)
{
    const u32 *p = (const u32 *)AREA;
    u16 crc = 0;

    for (; n != 0; n--) {
        for (u32 i = 0; i < 256; i++)
            crc = crc_word(crc, p[i]);
    }
    bare_sink = crc;
}

static void core(u32 n)
{
    u16 crc = 0;

    for (; n != 0; n--) {
        crc = list_step(crc, n);
        crc = matrix_step(crc, crc);
        crc = scan_step(crc, crc);
        crc = list_step(crc, crc);
    }
    bare_sink = crc;
}

const struct kernel core_kernels[] = {
    {"core", "iter/s", core, 1, 1, core_prepare, false},
    {"core_list", "iter/s", core_list, 1, 1, core_prepare, false},
    {"core_matrix", "iter/s", core_matrix, 1, 1, core_prepare, false},
    {"core_state", "iter/s", core_state, 1, 1, core_prepare, false},
    {"core_crc", "byte/s", core_crc, 1024, 1, core_prepare, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
