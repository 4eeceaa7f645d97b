/* SSE4.2 string comparison (SDM vol. 2, 4.1: the imm8 control byte). */
#include "cpu/exec/avx.h"

enum { AGG_ANY, AGG_RANGES, AGG_EACH, AGG_ORDERED };

/* A string operand: elements as integers, and how many are valid. */
struct str {
    s32 e[16];
    int len;
};

static s32 element(const union xmm *v, u64 imm, unsigned i)
{
    switch (imm & 3) {
    case 0: return v->b[i];
    case 1: return v->w[i];
    case 2: return (s8)v->b[i];
    default: return (s16)v->w[i];
    }
}

/* `explicit_len`: that many elements, at most a register full; INT64_MAX asks for the first zero
 * instead. */
static void unpack(struct str *out, const union xmm *v, u64 imm, s64 explicit_len)
{
    int n = imm & 1 ? 8 : 16;
    out->len = -1;
    for (int i = 0; i < n; i++) {
        out->e[i] = element(v, imm, (unsigned)i);
        if (!out->e[i] && out->len < 0)
            out->len = i;
    }
    if (out->len < 0)
        out->len = n;
    if (explicit_len != INT64_MAX) {
        u64 mag = explicit_len < 0 ? 0 - (u64)explicit_len : (u64)explicit_len;
        out->len = mag > (u64)n ? n : (int)mag;
    }
}

static u32 match_any(const struct str *a, const struct str *b)
{
    u32 r = 0;
    for (int j = 0; j < b->len; j++)
        for (int i = 0; i < a->len; i++)
            if (a->e[i] == b->e[j])
                r |= BIT(j);
    return r;
}

/* a holds pairs of bounds; an odd one out takes part in nothing. */
static u32 match_ranges(const struct str *a, const struct str *b)
{
    u32 r = 0;
    for (int j = 0; j < b->len; j++)
        for (int i = 0; i + 1 < a->len; i += 2)
            if (b->e[j] >= a->e[i] && b->e[j] <= a->e[i + 1])
                r |= BIT(j);
    return r;
}

static u32 match_each(const struct str *a, const struct str *b, int n)
{
    u32 r = 0;
    for (int j = 0; j < n; j++) {
        bool va = j < a->len, vb = j < b->len;
        if (va && vb ? a->e[j] == b->e[j] : va == vb)
            r |= BIT(j);
    }
    return r;
}

/* a as a substring of b, possibly cut off by the end of the register. */
static u32 match_ordered(const struct str *a, const struct str *b, int n)
{
    u32 r = 0;
    for (int j = 0; j < n; j++) {
        bool all = true;
        for (int i = 0; i < a->len && i + j < n; i++)
            if (i + j >= b->len || a->e[i] != b->e[i + j])
                all = false;
        if (all)
            r |= BIT(j);
    }
    return r;
}

/* The comparison: the result mask, and the flags into the CPU. */
static u32 compare(struct cpu *cpu, const struct insn *insn, bool explicit_len)
{
    u64 imm = insn->imm;
    int n = imm & 1 ? 8 : 16;
    s64 la = INT64_MAX, lb = INT64_MAX;
    u32 all = (u32)BIT(n) - 1, r, f = 0;
    struct str a, b;
    union xmm va, vb;
    sse_avx_begin(cpu, insn);
    /* String operands need no alignment, unless it is checked for all. */
    if (insn->o[1].kind == OPND_MEM)
        mem_check_align(cpu, insn->seg, ea(cpu, insn), 16, false);
    vb = insn->o[1].kind == OPND_MEM ? vec_load(cpu, insn->seg, ea(cpu, insn))
                                     : vec_read(cpu, insn, 1);
    va = vec_read(cpu, insn, 0);
    if (explicit_len) {
        la = insn->osz == 8 ? (s64)cpu->gpr[REG_AX] : (s32)cpu->gpr[REG_AX];
        lb = insn->osz == 8 ? (s64)cpu->gpr[REG_DX] : (s32)cpu->gpr[REG_DX];
        la = la == INT64_MAX ? la - 1 : la;
        lb = lb == INT64_MAX ? lb - 1 : lb;
    }
    unpack(&a, &va, imm, la);
    unpack(&b, &vb, imm, lb);
    switch (imm >> 2 & 3) {
    case AGG_ANY: r = match_any(&a, &b); break;
    case AGG_RANGES: r = match_ranges(&a, &b); break;
    case AGG_EACH: r = match_each(&a, &b, n); break;
    default: r = match_ordered(&a, &b, n); break;
    }
    if (imm & 0x10)
        r ^= imm & 0x20 ? (u32)BIT(b.len) - 1 : all;
    if (r)
        f |= F_C;
    if (b.len < n)
        f |= F_Z;
    if (a.len < n)
        f |= F_S;
    if (r & 1)
        f |= F_O;
    cpu_set_aflags(cpu, f);
    return r;
}

static void give_index(struct cpu *cpu, const struct insn *insn, u32 r)
{
    u32 n = insn->imm & 1 ? 8 : 16;
    if (r)
        n = insn->imm & 0x40 ? 31 - (u32)__builtin_clz(r) : (u32)__builtin_ctz(r);
    reg_write(cpu, REG_CX, 4, n);
}

static void give_mask(struct cpu *cpu, const struct insn *insn, u32 r)
{
    union xmm v = {.q = {0, 0}};
    if (!(insn->imm & 0x40))
        v.q[0] = r;
    else if (insn->imm & 1)
        for (unsigned i = 0; i < 8; i++)
            v.w[i] = r >> i & 1 ? 0xffff : 0;
    else
        for (unsigned i = 0; i < 16; i++)
            v.b[i] = r >> i & 1 ? 0xff : 0;
    cpu->xmm[0] = v;
    if (insn->vl)
        xmm_set(cpu, 0, v);
}

#define STRINGS(op, give, explicit_len)                                                            \
    void exec_##op(struct cpu *cpu, const struct insn *insn)                                       \
    {                                                                                              \
        give(cpu, insn, compare(cpu, insn, explicit_len));                                         \
    }                                                                                              \
    void exec_V##op(struct cpu *cpu, const struct insn *insn)                                      \
    {                                                                                              \
        give(cpu, insn, compare(cpu, insn, explicit_len));                                         \
    }

STRINGS(PCMPESTRI, give_index, true)
STRINGS(PCMPISTRI, give_index, false)
STRINGS(PCMPESTRM, give_mask, true)
STRINGS(PCMPISTRM, give_mask, false)
