/* Random instructions: an opcode from weighted ranges with a memory operand that points somewhere
 * interesting and any immediate, cut to length by the decoder; branches, pointer loads and stores
 * into the code are made by hand. */
#include "cpu/isa/isa.h"
#include "tests/lock/gen.h"

#include <string.h>

/* Opcodes lo..hi (0F xx: 0x1xx; 0F 38 xx: 0x2xx; 0F 3A xx: 0x3xx) and, when >= 0, the reg field. */
struct range {
    u16 weight, lo, hi;
    s8 reg;
};

static const struct range simple[] = {
    {60, 0x00, 0x03, -1},   {20, 0x04, 0x05, -1},   {30, 0x08, 0x0b, -1},   {6, 0x0c, 0x0d, -1},
    {30, 0x10, 0x13, -1},   {8, 0x14, 0x15, -1},    {30, 0x18, 0x1b, -1},   {8, 0x1c, 0x1d, -1},
    {30, 0x20, 0x23, -1},   {6, 0x24, 0x25, -1},    {30, 0x28, 0x2b, -1},   {6, 0x2c, 0x2d, -1},
    {30, 0x30, 0x33, -1},   {6, 0x34, 0x35, -1},    {30, 0x38, 0x3b, -1},   {6, 0x3c, 0x3d, -1},
    {50, 0x40, 0x4f, -1},   {40, 0x50, 0x5f, -1},   {10, 0x68, 0x68, -1},   {10, 0x6a, 0x6a, -1},
    {12, 0x69, 0x69, -1},   {12, 0x6b, 0x6b, -1},   {50, 0x80, 0x81, -1},   {50, 0x83, 0x83, -1},
    {20, 0x84, 0x85, -1},   {16, 0x86, 0x87, -1},   {90, 0x88, 0x8b, -1},   {20, 0x8d, 0x8d, -1},
    {6, 0x8f, 0x8f, 0},     {14, 0x90, 0x97, -1},   {6, 0x98, 0x99, -1},    {6, 0x9e, 0x9f, -1},
    {8, 0xa0, 0xa3, -1},    {6, 0xa8, 0xa9, -1},    {24, 0xb0, 0xbf, -1},   {40, 0xc0, 0xc1, -1},
    {20, 0xc6, 0xc7, 0},    {40, 0xd0, 0xd3, -1},   {4, 0xf5, 0xf5, -1},    {30, 0xf6, 0xf7, -1},
    {8, 0xf8, 0xf9, -1},    {4, 0xfc, 0xfd, -1},    {20, 0xfe, 0xff, 0},    {20, 0xfe, 0xff, 1},
    {8, 0xff, 0xff, 6},     {4, 0xc9, 0xc9, -1},    {30, 0x140, 0x14f, -1}, {24, 0x190, 0x19f, -1},
    {10, 0x1a3, 0x1a3, -1}, {8, 0x1a4, 0x1a5, -1},  {8, 0x1ab, 0x1ac, -1},  {6, 0x1ad, 0x1ad, -1},
    {12, 0x1af, 0x1af, -1}, {10, 0x1b3, 0x1b3, -1}, {30, 0x1b6, 0x1b7, -1}, {14, 0x1ba, 0x1ba, -1},
    {6, 0x1bb, 0x1bd, -1},  {30, 0x1be, 0x1bf, -1}, {8, 0x1c0, 0x1c1, -1},  {8, 0x1c8, 0x1cf, -1},
    {6, 0x1b0, 0x1b1, -1},
};

static const struct range rest[] = {
    {6, 0x06, 0x07, -1},    {4, 0x0e, 0x0e, -1},    {4, 0x16, 0x17, -1},    {6, 0x1e, 0x1f, -1},
    {4, 0x27, 0x27, -1},    {4, 0x2f, 0x2f, -1},    {4, 0x37, 0x37, -1},    {4, 0x3f, 0x3f, -1},
    {12, 0x60, 0x61, -1},   {5, 0x62, 0x63, -1},    {4, 0x6c, 0x6f, -1},    {10, 0x8c, 0x8c, -1},
    {14, 0x8e, 0x8e, -1},   {3, 0x9a, 0x9b, -1},    {24, 0x9c, 0x9d, -1},   {50, 0xa4, 0xa7, -1},
    {50, 0xaa, 0xaf, -1},   {6, 0xc4, 0xc5, -1},    {6, 0xc8, 0xc8, -1},    {6, 0xc2, 0xc3, -1},
    {4, 0xca, 0xcb, -1},    {5, 0xcc, 0xce, -1},    {5, 0xcf, 0xcf, -1},    {6, 0xd4, 0xd7, -1},
    {30, 0xd8, 0xdf, -1},   {8, 0xe4, 0xe7, -1},    {3, 0xea, 0xea, -1},    {8, 0xec, 0xef, -1},
    {2, 0xf1, 0xf1, -1},    {1, 0xf4, 0xf4, -1},    {14, 0xfa, 0xfb, -1},   {6, 0xff, 0xff, -1},
    {10, 0xff, 0xff, 6},    {3, 0xff, 0xff, 3},     {3, 0xff, 0xff, 5},     {6, 0x100, 0x103, -1},
    {4, 0x106, 0x106, -1},  {2, 0x108, 0x109, -1},  {24, 0x110, 0x117, -1}, {4, 0x118, 0x11f, -1},
    {6, 0x120, 0x123, -1},  {10, 0x128, 0x12f, -1}, {6, 0x130, 0x135, -1},  {30, 0x150, 0x17f, -1},
    {6, 0x1a0, 0x1a2, -1},  {6, 0x1a8, 0x1aa, -1},  {8, 0x1ae, 0x1ae, -1},  {5, 0x1b2, 0x1b2, -1},
    {5, 0x1b4, 0x1b5, -1},  {4, 0x1b8, 0x1b9, -1},  {12, 0x1c2, 0x1c6, -1}, {6, 0x1c7, 0x1c7, -1},
    {30, 0x1d0, 0x1ff, -1}, {8, 0x200, 0x2ff, -1},  {6, 0x300, 0x3ff, -1},  {6, 0x00, 0xff, -1},
    {6, 0x100, 0x1ff, -1},  {30, 0xf6, 0xf7, -1},
};

/* x87, MMX and SSE: one register file is another's. */
static const struct range units[] = {
    {40, 0xd8, 0xdf, -1},   {6, 0x9b, 0x9b, -1},    {30, 0x160, 0x16b, -1}, {40, 0x16e, 0x173, -1},
    {10, 0x174, 0x176, -1}, {6, 0x177, 0x177, -1},  {30, 0x17e, 0x17f, -1}, {60, 0x1d1, 0x1fe, -1},
    {8, 0x1c4, 0x1c6, -1},  {8, 0x12a, 0x12d, -1},  {6, 0x110, 0x117, -1},  {6, 0x128, 0x12f, -1},
    {6, 0x150, 0x15f, -1},  {6, 0x200, 0x20b, -1},  {3, 0x21c, 0x21e, -1},  {3, 0x30f, 0x30f, -1},
    {3, 0x1ae, 0x1ae, -1},
};

static const struct range *choose(const struct range *r, u32 n, u64 *s)
{
    u32 sum = 0, k;
    for (u32 i = 0; i < n; i++)
        sum += r[i].weight;
    k = lock_below(s, sum);
    while (k >= r->weight)
        k -= r++->weight;
    return r;
}

/* A linear address worth touching. */
u32 lock_place(const struct lock_prog *p, u64 *s)
{
    u32 k = lock_below(s, 100), page = lock_below(s, LOCK_DATA_SIZE >> PAGE_BITS) << PAGE_BITS;
    if (p->simple)
        return LOCK_DATA + lock_below(s, LOCK_DATA_SIZE - 64);
    if (k < 50)
        return LOCK_DATA + lock_below(s, LOCK_DATA_SIZE);
    if (k < 65)
        return LOCK_DATA + page - lock_below(s, 8);
    if (k < 72)
        return p->code_at + lock_below(s, 300);
    if (k < 78)
        return p->paging ? LOCK_ALIAS + lock_below(s, 0x10000) : LOCK_DATA + page;
    if (k < 80)
        return p->paging ? LOCK_ALIAS + (p->code_at & 0x1fff) + lock_below(s, 200)
                         : LOCK_CODE + 0x1ff8;
    if (k < 83)
        return LOCK_MMIO + lock_below(s, PAGE_SIZE);
    if (k < 85)
        return LOCK_LARGE + LOCK_DATA + lock_below(s, LOCK_DATA_SIZE);
    if (k < 86)
        return 0x100000 + LOCK_DATA + lock_below(s, LOCK_DATA_SIZE);
    if (k < 87)
        return LOCK_GDT + lock_below(s, 0xa0);
    if (k < 89)
        return 0u - lock_below(s, 16);
    if (k < 91)
        return (u32)lock_rnd(s);
    if (k < 95)
        return LOCK_STACK + lock_below(s, LOCK_STACK_SIZE);
    return LOCK_DATA + page + lock_below(s, 16);
}

/* An offset in segment seg that reaches an interesting place, or the segment's end. */
static u32 offset(const struct lock_prog *p, unsigned seg, u64 *s)
{
    if (!p->simple && p->limit[seg] != ~0u && lock_chance(s, 10))
        return p->limit[seg] - lock_below(s, 5) + 1;
    return lock_place(p, s) - (u32)p->base[seg];
}

/* ---- appending ---- */
struct lock_insn *lock_next(struct lock_prog *p)
{
    struct lock_insn *i = &p->insns[p->n++];
    memset(i, 0, sizeof(*i));
    return i;
}

bool lock_room(const struct lock_prog *p, u32 n)
{
    return p->n + n <= LOCK_MAX_INSNS;
}

void lock_put(struct lock_insn *i, u64 v, unsigned bytes)
{
    while (bytes--) {
        i->bytes[i->len++] = (u8)v;
        v >>= 8;
    }
}

u32 lock_immediate(u64 *s)
{
    u32 k = lock_below(s, 8);
    return k < 3   ? (u32)lock_rnd(s)
           : k < 5 ? lock_below(s, 40)
           : k < 6 ? 0u - lock_below(s, 4)
           : k < 7 ? 1u << lock_below(s, 32)
                   : 0x7fffffffu + lock_below(s, 2);
}

/* ---- operands ---- */
static void modrm_mem16(const struct lock_prog *p, struct lock_insn *i, unsigned reg, u64 *s)
{
    unsigned rm = lock_below(s, 8), k = lock_below(s, 10);
    if (k < 4) { /* absolute */
        lock_put(i, reg << 3 | 6, 1);
        lock_put(i, offset(p, SEG_DS, s), 2);
    } else if (k < 7) {
        lock_put(i, 0x40 | reg << 3 | (rm < 4 ? rm + 4 : rm), 1);
        lock_put(i, lock_below(s, 64) - 32, 1);
    } else if (k < 9) {
        lock_put(i, 0x80 | reg << 3 | rm, 1);
        lock_put(i, lock_chance(s, 50) ? lock_below(s, 64) : offset(p, SEG_DS, s), 2);
    } else {
        lock_put(i, reg << 3 | (rm == 6 ? 7 : rm), 1);
    }
}

static void modrm_mem32(const struct lock_prog *p, struct lock_insn *i, unsigned reg, u64 *s)
{
    static const u8 bases[] = {REG_BX, REG_BP, REG_SI, REG_DI};
    unsigned k = lock_below(s, 20), base = bases[lock_below(s, 4)];
    if (k < 6) {
        lock_put(i, reg << 3 | 5, 1);
        lock_put(i, offset(p, SEG_DS, s), 4);
    } else if (k < 12) {
        lock_put(i, 0x40 | reg << 3 | base, 1);
        lock_put(i, lock_below(s, 64) - 32, 1);
    } else if (k < 13) {
        lock_put(i, 0x80 | reg << 3 | base, 1);
        lock_put(i, lock_below(s, 6000) - 3000, 4);
    } else if (k < 14) {
        lock_put(i, (base == REG_BP ? 0x40 : 0) | reg << 3 | base, 1);
        if (base == REG_BP)
            lock_put(i, 0, 1);
    } else if (k < 16) { /* base + ecx * scale + disp8 */
        lock_put(i, 0x44 | reg << 3, 1);
        lock_put(i, lock_below(s, 4) << 6 | REG_CX << 3 | base, 1);
        lock_put(i, lock_below(s, 32), 1);
    } else if (k < 18) { /* no base: ecx * scale + disp32; ESP as base */
        lock_put(i, reg << 3 | 4, 1);
        lock_put(i, lock_below(s, 4) << 6 | REG_CX << 3 | 5, 1);
        lock_put(i, offset(p, SEG_DS, s), 4);
    } else if (k < 19) {
        lock_put(i, 0x44 | reg << 3, 1);
        lock_put(i, 0x24, 1);
        lock_put(i, lock_below(s, 5) * 4, 1);
    } else { /* anything goes */
        lock_put(i, lock_below(s, 3) << 6 | reg << 3 | lock_below(s, 8), 1);
        lock_put(i, (u32)lock_rnd(s), 4);
    }
}

/* ---- any instruction ---- */
static unsigned prefixes(const struct lock_prog *p, struct lock_insn *i, u64 *s, bool string)
{
    static const u8 segs[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
    unsigned asz = p->bits;
    if (lock_chance(s, string ? 60 : 2))
        lock_put(i, lock_chance(s, 60) ? 0xf3 : 0xf2, 1);
    if (lock_chance(s, p->simple && p->bits == 32 ? 12 : p->bits == 16 ? 30 : 15))
        lock_put(i, 0x66, 1);
    if (lock_chance(s, p->simple ? 1 : p->bits == 16 ? 12 : 4)) {
        lock_put(i, 0x67, 1);
        asz ^= 48;
    }
    if (!p->simple && lock_chance(s, 8))
        lock_put(i, segs[lock_below(s, 6)], 1);
    if (lock_chance(s, 1))
        lock_put(i, 0xf0, 1);
    return asz;
}

unsigned lock_opcode(const struct lock_prog *p, u64 *s, bool plain, int *reg)
{
    const struct range *r = p->units && lock_chance(s, 75) ? choose(units, ARRAY_LEN(units), s)
                            : plain                        ? choose(simple, ARRAY_LEN(simple), s)
                                                           : choose(rest, ARRAY_LEN(rest), s);
    *reg = r->reg;
    return r->lo + lock_below(s, r->hi - r->lo + 1u);
}

static bool try_any(struct lock_prog *p, u64 *s, bool is_simple)
{
    int want;
    unsigned opc = lock_opcode(p, s, is_simple, &want), asz, reg;
    struct lock_insn i = {0};
    struct insn dec;
    bool string = opc < 0x100 && ((opc >= 0xa4 && opc <= 0xa7) || (opc >= 0xaa && opc <= 0xaf) ||
                                  (opc >= 0x6c && opc <= 0x6f));
    enum dec_result res;
    asz = prefixes(p, &i, s, string);
    if (opc >= 0x150 && opc < 0x380 && opc != 0x1a2 && lock_chance(s, 40))
        lock_put(&i, lock_chance(s, 50) ? 0x66 : lock_chance(s, 50) ? 0xf2 : 0xf3, 1);
    if (opc >= 0x100)
        lock_put(&i, 0x0f, 1);
    if (opc >= 0x200)
        lock_put(&i, opc >= 0x300 ? 0x3a : 0x38, 1);
    lock_put(&i, opc, 1);
    reg = want >= 0 ? (unsigned)want : lock_below(s, 8);
    if (reg == REG_SP && want < 0 && lock_chance(s, 70))
        reg = lock_below(s, 8);
    if ((opc >= 0x40 && opc < 0x60) || (opc >= 0x90 && opc < 0xa0) || (opc >= 0xa0 && opc < 0xa4)) {
        lock_put(&i, offset(p, SEG_DS, s), 4);
    } else if (lock_chance(s, 45)) {
        unsigned rm = lock_below(s, 8);
        lock_put(&i, 0xc0 | reg << 3 | (rm == REG_SP && lock_chance(s, 70) ? REG_AX : rm), 1);
    } else if (asz == 16) {
        modrm_mem16(p, &i, reg, s);
    } else {
        modrm_mem32(p, &i, reg, s);
    }
    lock_put(&i, lock_immediate(s), 4);
    lock_put(&i, lock_immediate(s), 4);
    if (i.len > 24)
        return false;
    res = decode(&dec, i.bytes, MIN((unsigned)i.len, 15u), p->bits, p->feats);
    if (res == DEC_UD ? !lock_chance(s, 3) || p->simple : res != DEC_OK)
        return false;
    if (res == DEC_OK && dec.op == OP_HLT && !lock_chance(s, 10))
        return false;
    if (res == DEC_OK && lock_loads_cr3(&dec))
        return false;
    i.len = res == DEC_OK ? dec.len : (u8)MIN((unsigned)i.len, 6u);
    *lock_next(p) = i;
    return true;
}

/* ---- by hand ---- */
/* mov r32, imm: a pointer. */
static void pointer(struct lock_prog *p, u64 *s)
{
    static const u8 regs[] = {REG_BX, REG_BP, REG_SI, REG_DI, REG_DI, REG_SI};
    struct lock_insn *i = lock_next(p);
    unsigned r = regs[lock_below(s, ARRAY_LEN(regs))], seg = r == REG_BP ? SEG_SS
                                                             : r == REG_DI && lock_chance(s, 50)
                                                                 ? SEG_ES
                                                                 : SEG_DS;
    bool narrow = p->bits == 16 && lock_chance(s, 90);
    if (p->bits == 16 && !narrow)
        lock_put(i, 0x66, 1);
    lock_put(i, 0xb8 + r, 1);
    lock_put(i, offset(p, seg, s), narrow ? 2 : 4);
}

static void count(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i = lock_next(p);
    lock_put(i, 0xb9, 1);
    lock_put(i, lock_chance(s, 10) ? 0x2000 : lock_below(s, 12), p->bits == 16 ? 2 : 4);
}

u8 lock_target(const struct lock_prog *p, u64 *s, bool near)
{
    u32 span = near ? 7 : 24, t = p->n + lock_below(s, span) - (lock_chance(s, 30) ? span - 2 : 0);
    return (u8)((s32)t < 0 ? 0 : MIN(t, (u32)LOCK_MAX_INSNS));
}

static void branch(struct lock_prog *p, u64 *s)
{
    unsigned k = lock_below(s, 100);
    u8 target;
    struct lock_insn *i;
    bool wide = lock_chance(s, p->simple ? 0 : 4);
    unsigned bytes = (p->bits == 32) ^ wide ? 4 : 2;
    target = lock_target(p, s, k < 60);
    i = lock_next(p);
    i->target = target;
    if (wide)
        lock_put(i, 0x66, 1);
    if (k < 45) {
        lock_put(i, 0x70 + lock_below(s, 16), 1);
    } else if (k < 57) {
        if (lock_chance(s, 15))
            lock_put(i, 0x67, 1);
        lock_put(i, 0xe0 + lock_below(s, 4), 1);
    } else if (k < 60) {
        lock_put(i, 0xeb, 1);
    } else if (k < 75) {
        lock_put(i, 0x0f, 1);
        lock_put(i, 0x80 + lock_below(s, 16), 1);
    } else if (k < 80) {
        lock_put(i, 0xe9, 1);
    } else {
        lock_put(i, 0xe8, 1);
    }
    i->fix_at = i->len;
    i->fix = k < 60 ? FIX_REL8 : bytes == 4 ? FIX_REL32 : FIX_REL16;
    lock_put(i, 0, k < 60 ? 1 : bytes);
}

/* mov eax, target; jmp/call eax, or push target; ret. */
static void indirect(struct lock_prog *p, u64 *s)
{
    bool w = p->bits == 32, push = lock_chance(s, 40);
    struct lock_insn *i = lock_next(p);
    i->target = lock_target(p, s, false);
    lock_put(i, push ? 0x68 : 0xb8, 1);
    i->fix_at = i->len;
    i->fix = w ? FIX_OFF32 : FIX_OFF16;
    lock_put(i, 0, w ? 4 : 2);
    i = lock_next(p);
    if (push) {
        lock_put(i, 0xc3, 1);
    } else {
        lock_put(i, 0xff, 1);
        lock_put(i, lock_chance(s, 50) ? 0xe0 : 0xd0, 1);
    }
}

/* Change a byte of the code: mov byte [place], imm through DS (flat), FS (real modes) or the alias.
 */
static void patch(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i = lock_next(p);
    bool real = p->kind >= LOCK_REAL;
    static const u8 nops[] = {0x90, 0x40, 0x41, 0xf8, 0xf9, 0xf5, 0x98, 0x43};
    i->target = lock_target(p, s, true);
    i->add = (s8)lock_below(s, 4);
    if (real)
        lock_put(i, 0x64, 1);
    lock_put(i, 0xc6, 1);
    lock_put(i, real ? 0x06 : p->bits == 16 ? 0x06 : 0x05, 1);
    i->fix_at = i->len;
    i->fix = p->bits == 16 ? FIX_OFF16 : FIX_LIN32;
    lock_put(i, 0, p->bits == 16 ? 2 : 4);
    lock_put(i, lock_chance(s, 70) ? nops[lock_below(s, ARRAY_LEN(nops))] : (u32)lock_rnd(s), 1);
}

/* mov ax, selector; mov sreg, ax — or a far jump to itself. */
static void selector(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i = lock_next(p);
    unsigned sreg = lock_below(s, 6);
    u32 sel = p->kind >= LOCK_REAL ? LOCK_DATA / 16 + lock_below(s, 0x800)
                                   : lock_below(s, 0x14) << 3 |
                                         (lock_chance(s, 70) ? p->user * 3u : lock_below(s, 4));
    if (p->bits == 32)
        lock_put(i, 0x66, 1);
    lock_put(i, 0xb8, 1);
    lock_put(i, sel, 2);
    i = lock_next(p);
    lock_put(i, 0x8e, 1);
    lock_put(i, 0xc0 | (sreg == SEG_CS || (sreg == SEG_SS && lock_chance(s, 60)) ? SEG_ES : sreg) << 3,
        1);
}

/* A far jump or call to code that is the same, or has a nearer limit, or the other size. */
static void far_jump(struct lock_prog *p, u64 *s)
{
    static const u16 pm[] = {0x08, 0x1b, 0x30, 0x6b, 0xa0, 0xab, 0x58};
    struct lock_insn *i = lock_next(p);
    bool real = p->kind >= LOCK_REAL;
    i->target = lock_target(p, s, false);
    lock_put(i, lock_chance(s, 60) ? 0xea : 0x9a, 1);
    i->fix_at = i->len;
    i->fix = p->bits == 32 ? FIX_OFF32 : FIX_OFF16;
    lock_put(i, 0, p->bits / 8u);
    lock_put(i,
        real                 ? LOCK_CODE / 16
        : lock_chance(s, 40) ? p->sel[SEG_CS]
                             : pm[lock_below(s, ARRAY_LEN(pm))],
        2);
}

/* mov eax, cr0; xor eax, bit; mov cr0, eax — and other things of level 0. */
static void control(struct lock_prog *p, u64 *s)
{
    static const u32 bits[] = {CR0_WP, CR0_TS, CR0_AM, CR0_PG, CR0_WP, CR0_EM, CR0_MP};
    struct lock_insn *i;
    u32 bit = bits[lock_below(s, ARRAY_LEN(bits))];
    if (bit == CR0_PG && !p->paging)
        bit = CR0_WP;
    i = lock_next(p);
    lock_put(i, 0xc0200f, 3);
    i = lock_next(p);
    if (p->bits == 16)
        lock_put(i, 0x66, 1);
    lock_put(i, 0x35, 1);
    lock_put(i, bit, 4);
    i = lock_next(p);
    lock_put(i, 0xc0220f, 3);
}

/* Load CR3 with what it holds. NOPs in front catch what patch() writes: no program may make data its
 * page tables. */
void lock_flush(const struct lock_prog *p, struct lock_insn *i)
{
    lock_put(i, 0x90909090, 4);
    if (p->bits == 16)
        lock_put(i, 0x66, 1);
    lock_put(i, 0xb8, 1);
    lock_put(i, p->kind == LOCK_LONG ? LOCK_PML4 : LOCK_PAGING, 4);
    lock_put(i, 0xd8220f, 3);
}

static void flush(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i;
    i = lock_next(p);
    if (lock_chance(s, 50)) {
        lock_flush(p, i);
    } else {
        lock_put(i, 0x3b010f, 3); /* invlpg [ebx] / [bp+di] */
    }
}

/* A breakpoint register and DR7; or flags with TF, AC, NT or others. */
static void debug(struct lock_prog *p, u64 *s)
{
    unsigned n = lock_below(s, 4), kind = lock_below(s, 4);
    u8 wide = p->bits == 16 ? 0x66 : 0;
    struct lock_insn *i;
    if (lock_chance(s, 40)) {
        i = lock_next(p);
        if (wide)
            lock_put(i, wide, 1);
        lock_put(i, 0x68, 1);
        lock_put(i,
            (u32)lock_rnd(s) & (F_ALL | FL_TF | FL_IF | FL_DF | FL_NT | FL_AC | FL_IOPL | FL_RF) &
                ~(lock_chance(s, 50) ? 0u : (u32)FL_TF),
            4);
        i = lock_next(p);
        if (wide)
            lock_put(i, wide, 1);
        lock_put(i, 0x9d, 1);
        return;
    }
    i = lock_next(p);
    if (wide)
        lock_put(i, wide, 1);
    lock_put(i, 0xb8, 1);
    lock_put(i, lock_place(p, s), 4);
    lock_put(i, 0x230f | (0xc0 | n << 3) << 16, 3); /* mov dr[n], eax */
    i = lock_next(p);
    if (wide)
        lock_put(i, wide, 1);
    lock_put(i, 0xb8, 1);
    lock_put(i,
        0x400 | (lock_chance(s, 85) ? 1u : 0u) << (2 * n) | kind << (16 + 4 * n) |
            lock_below(s, 4) << (18 + 4 * n),
        4);
    lock_put(i, 0xf8230f, 3); /* mov dr7, eax */
}

/* Port 20h..2fh of the device: an interrupt right behind this instruction. */
static void interrupt(struct lock_prog *p, u64 *s)
{
    struct lock_insn *i = lock_next(p);
    lock_put(i, 0xe6, 1);
    lock_put(i, 0x20 + lock_below(s, 16), 1);
    if (lock_chance(s, 50) && lock_room(p, 1)) {
        i = lock_next(p);
        lock_put(i, 0xfb, 1);
    }
}

void lock_gen_insn(struct lock_prog *p, u64 *s)
{
    u32 k = lock_below(s, 1000);
    if (p->bits == 64) {
        while (!lock_gen_insn64(p, s, k))
            ;
    } else if (!lock_room(p, 4)) {
        while (!try_any(p, s, true))
            ;
    } else if (k < 90) {
        pointer(p, s);
    } else if (k < 200) {
        branch(p, s);
    } else if (k < 225) {
        indirect(p, s);
    } else if (k < 245) {
        count(p, s);
    } else if (p->simple || k < 800) {
        while (!try_any(p, s, true))
            ;
    } else if (k < 825) {
        patch(p, s);
    } else if (k < 845) {
        selector(p, s);
    } else if (k < 852) {
        far_jump(p, s);
    } else if (k < 857) {
        control(p, s);
    } else if (k < 863) {
        flush(p, s);
    } else if (k < 872) {
        interrupt(p, s);
    } else if (k < 880) {
        debug(p, s);
    } else {
        while (!try_any(p, s, false))
            ;
    }
}
