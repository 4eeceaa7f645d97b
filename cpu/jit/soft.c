/* Which instructions of the guest have immediates that are patched again and again (cpu/tr/soft.c):
 * marks by place, and the bytes of blocks that are therefore not theirs. */
#include "cpu/jit/block.h"

static struct soft_page *slot_of(struct jit *jit, u32 page)
{
    return &jit->soft[(page * 0x9e3779b1u) >> (32 - SOFT_BITS)];
}

const u64 *soft_marks(struct jit *jit, u32 page)
{
    const struct soft_page *s = slot_of(jit, page);
    return s->page == page && s->any && !(jit->config.off & JIT_OFF(SOFT)) ? s->marks : NULL;
}

void soft_init(struct jit *jit)
{
    for (u32 i = 0; i < SOFT_PAGES; i++)
        jit->soft[i].page = RAM_NO_PAGE;
}

static bool in_hole(const struct block *b, u32 off)
{
    for (u32 k = 0; k < b->nholes; k++)
        if (off >= b->holes[k].lo && off < b->holes[k].hi)
            return true;
    return false;
}

bool soft_only(const struct block *b, u32 page, u32 first, u32 end)
{
    if (!b->nholes || page != b->page0)
        return false;
    while (first < end && in_hole(b, first))
        first++;
    return first == end;
}

const struct part *soft_hole(const struct block *b, u32 page, u32 off, u32 len)
{
    if (page == b->page0)
        for (u32 k = 0; k < b->nholes; k++)
            if (off >= b->holes[k].lo && off + len <= b->holes[k].hi)
                return &b->holes[k];
    return NULL;
}

/* The bytes from `at` on as they were translated, and how many of them. */
static const u8 *bytes_at(const struct block *b, u32 at, u32 *len)
{
    const u8 *p = b->bytes;
    for (u32 k = 0; p && k < b->nparts; k++) {
        u32 lo = b->parts[k].lo, hi = b->parts[k].hi;
        if (at >= lo && at < hi) {
            *len = hi - at;
            return p + (at - lo);
        }
        p += hi - lo;
    }
    return NULL;
}

/* The instruction of b with the byte `off`: its place; -1: none. */
static s32 insn_at(const struct block *b, u32 off)
{
    s32 best = -1;
    for (u32 i = 0; i < b->nguest; i++) {
        s32 at = (s32)b->off + b->insn_off[i];
        if (at <= (s32)off && at > best)
            best = at;
    }
    return best;
}

bool soft_note(struct jit *jit, const struct block *b, u32 page, u32 off, u32 len)
{
    unsigned bits = b->mode_key & MK_CODE64 ? 64 : b->mode_key & MK_CODE32 ? 32 : 16;
    struct soft_page *s = slot_of(jit, page);
    s32 at = page == b->page0 && len <= 8 ? insn_at(b, off) : -1;
    struct tr_fields f;
    struct insn insn;
    const u8 *p;
    u64 bit;
    u32 n, from, to;
    if (at < 0 || jit->config.off & JIT_OFF(SOFT) || !(p = bytes_at(b, (u32)at, &n)) ||
        decode(&insn, p, MIN(n, 15u), bits, jit->cpu->feats) != DEC_OK)
        return false;
    from = off - (u32)at;
    to = from + len;
    if (to > insn.len || (u32)at + insn.len > PAGE_SIZE)
        return false;
    tr_fields(&f, &insn, p, jit->cpu->feats);
    if (!((f.imm_n && from >= f.imm_at) ||
          (f.disp_n && from >= f.disp_at &&
           (to <= f.disp_at + f.disp_n || (f.imm_n && f.disp_at + f.disp_n == f.imm_at)))))
        return false;
    if (s->page != page)
        *s = (struct soft_page){.page = page};
    bit = BIT64(at & 63);
    if (!(s->once[at / 64] & bit)) {
        s->once[at / 64] |= bit;
        return false;
    }
    if (s->marks[at / 64] & bit)
        return false;
    s->marks[at / 64] |= bit;
    s->any = true;
    jit->stats.softened++;
    return true;
}
