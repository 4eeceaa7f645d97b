/* The file of recorded vectors. A head (magic, vendor, number of vectors, size), then, compressed by zlib, the states and
 * the vectors; all numbers little-endian:
 *
 *   states    VEC_STATES times: x87 registers (8 of 10 bytes), XMM (16 of 16), upper halves (16 of 16)
 *   vector    u8 mode (0: 16 bits, 1: 32, 2: 64) | 4 in a long-mode machine | 8 memory | 16 memory out of the state
 *             u8 state, u8 length and bytes of the instruction
 *             registers that differ from the state: list
 *             memory set before: u16 offset, u16 length, then u8 register of the state, or the bytes
 *             u8 vector of what ended it, u16 its error code
 *             registers that differ from before (RIP: from behind the INT3 when that ended it): list
 *             memory that changed: u16 offset, u16 length, bytes
 *   list      x87 registers by their place in the unit; u8 how many, each: u8 register (ora_field()), u8 length without leading zeros, bytes */
#include "tests/lock/vectors.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { HEAD = 16, IS_LMA = 4, HAS_MEMORY = 8, OUT_OF_STATE = 16, REGS_AT_X87 = 32, RAW_MOST = 64 << 20 };
static const char magic[4] = {'D', 'v', 'e', '1'};

/* ---- bytes ---- */
static void put(struct vectors *v, const void *p, size_t n)
{
    if (v->size + n > v->room) {
        size_t room = MAX(2 * v->room, v->size + n + 65536);
        u8 *more = realloc(v->p, room);
        if (!more) {
            v->bad = true;
            return;
        }
        v->p = more;
        v->room = room;
    }
    memcpy(v->p + v->size, p, n);
    v->size += n;
}

static void put8(struct vectors *v, u32 x)
{
    u8 b = (u8)x;
    put(v, &b, 1);
}

static void put16(struct vectors *v, u32 x)
{
    u8 b[2];
    st16(b, (u16)x);
    put(v, b, 2);
}

static void get(struct vectors *v, void *p, size_t n)
{
    if (n > v->size - v->at) {
        v->bad = true;
        v->at = v->size;
    }
    if (v->bad) {
        memset(p, 0, n);
        return;
    }
    memcpy(p, v->p + v->at, n);
    v->at += n;
}

static u32 get8(struct vectors *v)
{
    u8 b;
    get(v, &b, 1);
    return b;
}

/* A length, at most that. */
static u32 limited(struct vectors *v, u32 n, u32 most)
{
    v->bad |= n > most;
    return MIN(n, most);
}

static u32 get16(struct vectors *v)
{
    u8 b[2];
    get(v, b, 2);
    return ld16(b);
}

/* ---- registers ---- */
void vectors_turn(struct ora_regs *r, bool to_stack)
{
    u32 top = ld16(r->fx + 2) >> 11 & 7;
    u8 was[128];
    memcpy(was, r->fx + REGS_AT_X87, 128);
    for (u32 i = 0; i < 8; i++) {
        u32 unit = (i + top) & 7;
        memcpy(r->fx + REGS_AT_X87 + 16 * (to_stack ? i : unit), was + 16 * (to_stack ? unit : i), 16);
    }
}

/* Registers of r that differ from `was`, both with x87 registers as they are in the unit: a push or pop moves none. */
static void put_list(struct vectors *v, struct ora_regs *r, struct ora_regs *was)
{
    size_t count_at = v->size;
    u32 count = 0;
    put8(v, 0);
    for (u32 i = 0; i < ORA_FIELDS; i++) {
        struct ora_field a = ora_field(r, i), b = ora_field(was, i);
        u8 bytes[ORA_FIELD_BYTES];
        u32 n = a.size;
        if (!memcmp(a.p, b.p, a.size))
            continue;
        ora_field_get(&a, bytes);
        while (n && !bytes[n - 1])
            n--;
        put8(v, i);
        put8(v, n);
        put(v, bytes, n);
        count++;
    }
    if (!v->bad)
        v->p[count_at] = (u8)count;
}

static void get_list(struct vectors *v, struct ora_regs *r)
{
    for (u32 count = get8(v); count; count--) {
        u32 i = get8(v), n = get8(v);
        u8 bytes[ORA_FIELD_BYTES] = {0};
        struct ora_field f;
        if (i >= ORA_FIELDS || n > ORA_FIELD_BYTES) {
            v->bad = true;
            return;
        }
        get(v, bytes, n);
        f = ora_field(r, i);
        ora_field_set(&f, bytes);
    }
}

/* ---- states ---- */
static void put_state(struct vectors *v, const struct ora_regs *r)
{
    for (u32 i = 0; i < 8; i++)
        put(v, r->fx + REGS_AT_X87 + 16 * i, 10);
    put(v, r->fx + 160, 256);
    put(v, r->ymmh, 256);
}

static void get_state(struct vectors *v, struct ora_regs *r)
{
    for (u32 i = 0; i < 8; i++)
        get(v, r->fx + REGS_AT_X87 + 16 * i, 10);
    get(v, r->fx + 160, 256);
    get(v, r->ymmh, 256);
}

void vectors_plain(const struct vectors *v, u32 k, struct ora_case *c)
{
    u16 data = c->mode == 64 ? 0 : c->mode == 32 ? ORA_DS32 : 0x27;
    struct ora_regs *r = &c->in;
    *r = v->state[k % VEC_STATES];
    for (u32 s = 0; s < SEG__COUNT; s++)
        r->sel[s] = data;
    r->sel[SEG_CS] = c->mode == 64 ? ORA_GDT_CS64 : c->mode == 32 ? ORA_CS32 : ORA_CS16;
    r->sel[SEG_SS] = c->mode == 64 ? ORA_GDT_DS : data;
    r->rip = ORA_CODE + 0x100 - (c->mode == 64 ? 0 : ora_base(r->sel[SEG_CS]));
    r->flags = FL_ONE;
    st16(r->fx, 0x37f);
    st32(r->fx + 24, 0x1f80);
}

void vectors_memory(const struct vectors *v, u32 k, u32 from, struct ora_case *c)
{
    const struct ora_regs *r = &v->state[k % VEC_STATES];
    u32 n = MIN((u32)c->npatch, (u32)VEC_MEM_MOST);
    /* Registers 0 to 15: XMM and those behind; 16 to 23: x87. */
    for (u32 i = 0; i < n; i++)
        c->patch[i] = from < 16 ? r->fx[160 + (16 * from + i) % 256]
                                : r->fx[REGS_AT_X87 + 16 * ((from + i / 10) & 7) + i % 10];
}

/* ---- vectors ---- */
/* Most run on to the INT3 behind them. */
static void expected_end(struct ora_regs *r, u32 ncode, u8 vector)
{
    if (vector == EXC_BP)
        r->rip += ncode + 1;
}

void vectors_put(struct vectors *v, u32 k, s32 from, const struct ora_case *c,
                 const struct ora_out *out)
{
    struct ora_case plain = *c;
    struct ora_regs in = c->in, after = out->r;
    u32 n = out->mem_hi - out->mem_lo;
    vectors_plain(v, k, &plain);
    vectors_turn(&in, false);
    vectors_turn(&after, false);
    in.flags = (in.flags & ORA_EFLAGS) | FL_ONE;
    after.flags = (after.flags & ORA_EFLAGS) | FL_ONE;
    put8(v, (c->mode == 64 ? 2u : c->mode == 32) | (c->lma ? IS_LMA : 0u) |
                (c->npatch ? HAS_MEMORY : 0u) | (from >= 0 ? OUT_OF_STATE : 0u));
    put8(v, k);
    put8(v, c->ncode);
    put(v, c->code, c->ncode);
    put_list(v, &in, &plain.in);
    if (c->npatch) {
        put16(v, c->patch_at - ORA_DATA);
        put16(v, c->npatch);
        if (from >= 0)
            put8(v, (u32)from);
        else
            put(v, c->patch, c->npatch);
    }
    put8(v, out->vector);
    put16(v, out->error);
    expected_end(&in, c->ncode, out->vector);
    put_list(v, &after, &in);
    put16(v, out->mem_lo);
    put16(v, n);
    put(v, out->mem, n);
    v->n++;
}

bool vectors_next(struct vectors *v, struct ora_case *c, struct ora_out *want)
{
    u32 what = get8(v), k = get8(v), n;
    struct insn in;
    memset(c, 0, sizeof(*c));
    memset(want, 0, sizeof(*want));
    c->amd = v->amd;
    c->mode = (u8[]){16, 32, 64, 64}[what & 3];
    c->lma = what & IS_LMA;
    c->ncode = (u8)limited(v, get8(v), ORA_BYTES);
    get(v, c->code, c->ncode);
    vectors_plain(v, k, c);
    get_list(v, &c->in);
    want->r = c->in;
    vectors_turn(&c->in, true);
    if (what & HAS_MEMORY) {
        n = get16(v);
        c->npatch = (u16)limited(v, get16(v), ORA_PATCH);
        if (n + c->npatch > ORA_RW_SIZE)
            v->bad = true;
        c->patch_at = ORA_DATA + n;
        if (what & OUT_OF_STATE)
            vectors_memory(v, k, get8(v), c);
        else
            get(v, c->patch, c->npatch);
    }
    want->vector = (u8)get8(v);
    want->error = get16(v);
    expected_end(&want->r, c->ncode, want->vector);
    get_list(v, &want->r);
    vectors_turn(&want->r, true);
    want->mem_lo = get16(v);
    n = limited(v, get16(v), ORA_MEM);
    want->mem_hi = want->mem_lo + n;
    get(v, want->mem, n);
    if (n)
        want->mem_hash = ora_mem_hash(want->mem, n);
    c->op = decode(&in, c->code, MIN((u32)c->ncode, 15u), c->mode, ~0ull) == DEC_OK ? in.op : OP_UD;
    return !v->bad;
}

/* ---- files ---- */
bool vectors_new(struct vectors *v, const struct ora_regs *states, bool amd)
{
    memset(v, 0, sizeof(*v));
    v->amd = amd;
    v->state = calloc(VEC_STATES, sizeof(*v->state));
    if (!v->state)
        return false;
    for (u32 i = 0; i < VEC_STATES; i++)
        put_state(v, &states[i]);
    for (u32 i = 0; i < VEC_STATES; i++)
        get_state(v, &v->state[i]);
    return !v->bad;
}

bool vectors_save(const struct vectors *v, const char *path)
{
    uLongf n = compressBound(v->size);
    u8 head[HEAD] = {0}, *p = malloc(n);
    FILE *f;
    bool ok;
    if (!p || v->bad || compress2(p, &n, v->p, v->size, 9) != Z_OK || !(f = fopen(path, "wb"))) {
        free(p);
        return false;
    }
    memcpy(head, magic, 4);
    head[4] = v->amd;
    st32(head + 8, v->n);
    st32(head + 12, (u32)v->size);
    ok = fwrite(head, 1, HEAD, f) == HEAD && fwrite(p, 1, n, f) == n;
    free(p);
    return !fclose(f) && ok;
}

/* What is behind the head, as one block. */
static u8 *read_rest(FILE *f, size_t *n)
{
    u8 *p = NULL, *more;
    size_t room = 0, got;
    *n = 0;
    do {
        more = realloc(p, room += 1 << 18);
        if (!more)
            break;
        p = more;
        got = fread(p + *n, 1, room - *n, f);
        *n += got;
    } while (got && room < RAW_MOST);
    return p;
}

bool vectors_load(struct vectors *v, const char *path, char *why, size_t n)
{
    FILE *f = fopen(path, "rb");
    u8 head[HEAD] = {0}, *p = NULL;
    size_t packed = 0;
    uLongf size;
    memset(v, 0, sizeof(*v));
    if (f && fread(head, 1, HEAD, f) == HEAD)
        p = read_rest(f, &packed);
    if (f)
        fclose(f);
    size = ld32(head + 12);
    if (p && !memcmp(head, magic, 4) && size <= RAW_MOST)
        v->p = malloc(size ? size : 1);
    v->state = calloc(VEC_STATES, sizeof(*v->state));
    if (!v->p || !v->state || uncompress(v->p, &size, p, packed) != Z_OK) {
        snprintf(why, n, "%s: no file of vectors", path);
        free(p);
        vectors_free(v);
        return false;
    }
    free(p);
    v->size = size;
    v->amd = head[4];
    v->n = ld32(head + 8);
    for (u32 i = 0; i < VEC_STATES; i++)
        get_state(v, &v->state[i]);
    return true;
}

void vectors_free(struct vectors *v)
{
    free(v->p);
    free(v->state);
    memset(v, 0, sizeof(*v));
}
