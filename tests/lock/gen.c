/* A program of a seed: choices, instructions, and where they lie. */
#include "tests/lock/gen.h"

#include <string.h>

u64 lock_rnd(u64 *s)
{
    u64 z = *s += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static enum lock_kind choose_kind(u64 *s, u32 mask, u64 feats)
{
    enum lock_kind kind;
    if (!(feats & FEAT_BIT(LM)) && mask != BIT(LOCK_LONG))
        mask &= ~BIT(LOCK_LONG);
    do
        kind = (enum lock_kind)lock_below(s, LOCK_KINDS);
    while (!(mask >> kind & 1));
    return kind;
}

/* Choices that do not depend on instructions; what is set in *p beforehand stays. */
static void choose_world(struct lock_prog *p, u64 *s)
{
    if (p->kind == LOCK_LONG)
        p->paging = PAGING_PAE; /* with one level more */
    else if (!p->simple && p->kind != LOCK_REAL)
        p->paging = (enum lock_paging)lock_below(s, PAGINGS);
    if (p->paging == PAGING_PAE && !(p->feats & FEAT_BIT(PAE)))
        p->paging = PAGING_32;
    p->wp = lock_chance(s, 50);
    p->pse = (p->feats & FEAT_BIT(PSE)) && lock_chance(s, 40);
    p->budget = 40 + lock_below(s, 260);
    p->irq_every = lock_chance(s, 20) ? 1 + lock_below(s, 60) : 0;
    p->outside = lock_chance(s, 15);
    lock_choose(p, s);
}

void lock_gen(struct lock_prog *p, u64 seed, u64 feats, const struct lock_options *options)
{
    u64 s = seed, u = seed ^ 0x7e57, v = seed ^ 0xc0de;
    u32 want;
    memset(p, 0, offsetof(struct lock_prog, code));
    p->seed = seed;
    p->feats = feats;
    p->simple = options->simple || lock_chance(&s, 15);
    p->units = options->units || (!options->no_units && lock_chance(&u, 8));
    p->kind = choose_kind(&s,
                          options->kinds    ? options->kinds
                          : options->simple ? BIT(LOCK_FLAT32)
                                            : ~0u,
                          feats);
    choose_world(p, &s);
    if (options->patching || lock_chance(&v, 5)) {
        lock_gen_patching(p, &s);
        lock_layout(p);
        return;
    }
    want = 4 + lock_below(&s, lock_chance(&s, 50) ? 20 : LOCK_MAX_INSNS - 4);
    while (p->n < want)
        lock_gen_insn(p, &s);
    lock_layout(p);
}

void lock_gen_raw(struct lock_prog *p, const u8 *bytes, size_t n, u64 feats)
{
    enum { HEAD = 4, CHUNK = 12 };
    u64 s = 0;
    memset(p, 0, offsetof(struct lock_prog, code));
    for (size_t i = 0; i < MIN(n, (size_t)HEAD); i++)
        s = s << 8 | bytes[i];
    p->seed = s;
    p->feats = feats;
    p->kind = choose_kind(&s, ~0u, feats);
    choose_world(p, &s);
    for (size_t i = HEAD; i < n && p->n < LOCK_MAX_INSNS; i += CHUNK) {
        struct lock_insn *insn = &p->insns[p->n++];
        insn->len = (u8)MIN(n - i, (size_t)CHUNK);
        memcpy(insn->bytes, bytes + i, insn->len);
    }
    lock_layout(p);
}

static void fix(const struct lock_prog *p, const struct lock_insn *i, u32 at, u8 *bytes)
{
    u32 target = p->at[MIN((u32)i->target, p->n)], rel = target - (at + i->len);
    u64 to = p->start + target + (u64)(s64)i->add;
    u32 eip = (u32)(p->start + target);
    u8 *q = bytes + i->fix_at;
    switch (i->fix) {
    case FIX_REL8:
        if (rel + 128 > 255)
            memset(bytes, 0x90, i->len);
        else
            *q = (u8)rel;
        break;
    case FIX_REL16: st16(q, (u16)rel); break;
    case FIX_REL32: st32(q, rel); break;
    case FIX_OFF16: st16(q, (u16)(eip + (u32)(s32)i->add)); break;
    case FIX_OFF32: st32(q, eip + (u32)(s32)i->add); break;
    case FIX_LIN32: st32(q, p->code_at + target + (u32)(s32)i->add); break;
    case FIX_OFF64: st64(q, to); break;
    case FIX_RIP32: st32(q, rel + (u32)(s32)i->add); break;
    }
}

void lock_layout(struct lock_prog *p)
{
    u32 at = 0;
    for (u32 k = 0; k < p->n; k++) {
        if (at + p->insns[k].len > LOCK_MAX_CODE) {
            p->n = k;
            break;
        }
        p->at[k] = (u16)at;
        at += p->insns[k].len;
    }
    p->at[p->n] = (u16)at;
    memset(p->code, 0x90, sizeof(p->code));
    for (u32 k = 0; k < p->n; k++) {
        u8 *bytes = p->code + p->at[k];
        memcpy(bytes, p->insns[k].bytes, p->insns[k].len);
        fix(p, &p->insns[k], p->at[k], bytes);
    }
    p->code[at] = 0xf4;
    p->code_len = at + 1;
    lock_image(p);
}

void lock_drop(struct lock_prog *p, u32 k)
{
    struct lock_insn *i = &p->insns[k];
    memset(i->bytes, 0x90, i->len);
    i->fix = FIX_NONE;
}
