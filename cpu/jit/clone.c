/* Blocks from other blocks: the same bytes at the same place of memory seen at another EIP (a
 * library lies elsewhere in each process), or in a mode that differs in what the block does not
 * look at (segments for threads). The code is copied and the fields that depend on the block are
 * changed. */
#include "cpu/jit/block.h"
#include "devices/core/err.h"

/* Bits of the mode key that matter only to blocks that look at them. */
#define MODE_OPTIONAL (MK_SEGS | MK_VEC | MK_X87 | MK_AVX)

/* The marks of a place that make its blocks differ. */
static u8 effort_at(const struct jit *jit, u32 page, u32 off)
{
    return (u8)(jit_marked(jit->busy, page, off) | jit_marked(jit->loose, page, off) << 1 |
                jit_marked(jit->unsteady, page, off) << 2);
}

/* Never 0. */
static u64 key_of(u32 page, u32 off, bool plain)
{
    return (u64)page << 32 | off << 2 | plain << 1 | 1;
}

static struct donor *donor_of(struct jit *jit, u32 page, u32 off, bool plain)
{
    return &jit->donors[jit_place(page, off) ^ plain];
}

void clone_offer(struct jit *jit, struct block *b)
{
    bool plain = (b->mode_key & MK_PLAIN) != 0;
    if (!b->fixes)
        return;
    b->effort = effort_at(jit, b->page0, b->off);
    *donor_of(jit, b->page0, b->off, plain) =
        (struct donor){key_of(b->page0, b->off, plain), b};
}

void clone_keep(struct jit *jit, struct block *b, const struct be_out *out)
{
    if (out->fixed || b->page1 != RAM_NO_PAGE || b->nholes || jit->config.off & JIT_OFF(CLONES))
        return;
    b->fixes = arena_get(&jit->region->arena, out->nfixes * sizeof(u32));
    if (!b->fixes)
        return;
    memcpy(b->fixes, out->fixes, out->nfixes * sizeof(u32));
    b->nfixes = (u16)out->nfixes;
    b->mode_open = MODE_OPTIONAL & ~jit->ir.mode_used;
    b->eip_open = !out->fixed_eip && (b->mode_key & (MK_PG | MK_CODE)) == (MK_PG | MK_CODE32) &&
                  (b->rip & PAGE_MASK) == b->off;
}

void clone_drop(struct jit *jit, u32 region)
{
    for (u32 i = 0; i < HOT_SIZE; i++)
        if (jit->donors[i].key && jit->donors[i].block->id >> REGION_ID_BITS == region)
            jit->donors[i] = (struct donor){0};
}

static bool fits(struct jit *jit, const struct block *b, u32 page, u32 off, u64 mode_key)
{
    u64 rip = jit->cpu->rip;
    return !b->dead && !b->retired && !((b->mode_key ^ mode_key) & ~b->mode_open) &&
           (mode_key & MK_PG) &&
           (b->rip == rip || (b->eip_open && (rip & PAGE_MASK) == off)) &&
           b->effort == effort_at(jit, page, off);
}

/* Exits of a copy: nothing is linked. */
static bool copy_links(struct jit *jit, struct block *b, const struct block *from)
{
    b->nlinks = from->nlinks;
    if (!b->nlinks)
        return true;
    b->links = arena_get(&jit->region->arena, b->nlinks * sizeof(struct link));
    if (!b->links)
        return false;
    for (u32 i = 0; i < b->nlinks; i++) {
        struct link *x = &b->links[i];
        *x = from->links[i];
        x->from = b->id;
        x->target = 0;
        x->rip += b->rip - from->rip;
        if (!(b->mode_key & MK_CODE64))
            x->rip = (u32)x->rip;
        block_unpatch(jit, b, x);
    }
    return true;
}

static bool copy_execs(struct jit *jit, struct block *b, const struct block *from)
{
    b->nexecs = from->nexecs;
    if (!b->nexecs)
        return true;
    b->execs = arena_get(&jit->region->arena, b->nexecs * sizeof(*b->execs));
    if (!b->execs)
        return false;
    memcpy(b->execs, from->execs, b->nexecs * sizeof(*b->execs));
    for (u32 i = 0; i < b->nexecs; i++) {
        struct be_exec *x = &b->execs[i];
        x->rip += b->rip - from->rip;
        x->next += b->rip - from->rip;
        if (!(b->mode_key & MK_CODE64))
            x->next = (u32)x->next;
        x->dead = &b->dead;
        x->mode_key = b->mode_key & ~MK_PLAIN;
    }
    return true;
}

static bool copy_bytes(struct jit *jit, void *to, const void *from, size_t n)
{
    void **p = to;
    if (from && !(*p = arena_get(&jit->region->arena, n)))
        return false;
    if (from)
        memcpy(*p, from, n);
    return true;
}

/* What is the same in both; with memory of its own, as regions go one by one. */
static bool copy_facts(struct jit *jit, struct block *b, const struct block *from)
{
    u32 nbytes = 0;
    for (u32 k = 0; k < from->nparts; k++)
        nbytes += (u32)(from->parts[k].hi - from->parts[k].lo);
    b->nbytes = from->nbytes;
    memcpy(b->parts, from->parts, sizeof(b->parts));
    b->nparts = from->nparts;
    b->nguest = from->nguest;
    b->flags_dead = from->flags_dead;
    b->flags_unwanted = from->flags_unwanted;
    b->host_size = from->host_size;
    b->guess_first = from->guess_first;
    b->nfixes = from->nfixes;
    b->mode_open = from->mode_open;
    b->eip_open = from->eip_open;
    if (from->id >> REGION_ID_BITS == b->id >> REGION_ID_BITS) {
        b->bytes = from->bytes;
        b->insn_off = from->insn_off;
        b->fixes = from->fixes;
        return true;
    }
    return copy_bytes(jit, &b->bytes, from->bytes, nbytes) &&
           copy_bytes(jit, &b->insn_off, from->insn_off, (from->nguest + 1u) * sizeof(s16)) &&
           copy_bytes(jit, &b->fixes, from->fixes, from->nfixes * sizeof(u32));
}

struct block *clone_make(struct jit *jit, u32 page, u32 off, bool plain)
{
    u64 mode_key = jit->cpu->mode_key | (plain ? MK_PLAIN : 0);
    const struct donor *donor = donor_of(jit, page, off, plain);
    const struct block *from = donor->block;
    struct block *b;
    struct be_copy copy;
    bool linked;
    s64 moved;
    if (donor->key != key_of(page, off, plain) || !fits(jit, from, page, off, mode_key) ||
        (size_t)(jit->region->end - jit->code_p) < from->host_size + 16u)
        return NULL;
    b = block_new(jit, page, off, plain, jit_now());
    if (!b || !copy_execs(jit, b, from) || !copy_facts(jit, b, from))
        return NULL;
    copy = (struct be_copy){
        .buf = &jit->buf,
        .from = codebuf_rw(&jit->buf, from->code),
        .to = jit->code_p,
        .size = from->host_size,
        .fixes = from->fixes,
        .nfixes = from->nfixes,
        .id = b->id,
        .old_id = from->id,
        .rip = b->rip,
        .old_rip = from->rip,
        .execs = (u64)(uintptr_t)b->execs,
        .old_execs = (u64)(uintptr_t)from->execs,
        .salt = jc_salt(mode_key & ~MK_PLAIN),
        .old_salt = jc_salt(from->mode_key & ~MK_PLAIN),
        .ran = jit_idle_at(b->id),
        .old_ran = jit_idle_at(from->id),
    };
    codebuf_begin(&jit->buf);
    codebuf_write(&jit->buf, copy.to, copy.size);
    be_copy_block(&copy);
    moved = copy.to - copy.from;
    b->code = from->code + moved;
    b->host = (const u8 *)from->host + moved;
    b->forward = from->forward;
    b->inner = from->inner;
    linked = copy_links(jit, b, from);
    codebuf_end(&jit->buf);
    if (!linked)
        return NULL;
    jit->code_p += from->host_size + (-(uintptr_t)(copy.to + from->host_size) & 15);
    jit->stats.clones++;
    return b;
}

#ifdef CONFIG_DEBUG
static bool same_exit(const struct link *x, const struct link *y)
{
    return x->rip == y->rip && x->rel == y->rel && x->unlinked == y->unlinked &&
           x->skip == y->skip && x->keep == y->keep && x->poll == y->poll &&
           x->poll_rel == y->poll_rel && x->looked == y->looked && x->polled == y->polled &&
           x->twin == y->twin;
}

void clone_check(struct jit *jit, const struct block *copy, const u8 *code, const struct block *b)
{
    const u8 *now = codebuf_rw(&jit->buf, b->code);
    bool same;
    /* How far a block goes may depend on bytes that are none of its own. */
    if (copy->nparts != b->nparts || memcmp(copy->parts, b->parts, b->nparts * sizeof(*b->parts)))
        return;
    same = copy->host_size == b->host_size && copy->code == b->code && copy->host == b->host &&
           copy->forward == b->forward && copy->inner == b->inner && copy->nlinks == b->nlinks &&
           copy->nexecs == b->nexecs;
    for (u32 i = 0; same && i < b->nlinks; i++) {
        block_unpatch(jit, b, &b->links[i]);
        same = same_exit(&copy->links[i], &b->links[i]);
    }
    for (u32 i = 0; same && i < b->nexecs; i++)
        same = copy->execs[i].rip == b->execs[i].rip && copy->execs[i].next == b->execs[i].next;
    for (u32 i = 0, n = 0; same && i < b->host_size; i++) {
        while (n < b->nfixes && (b->fixes[n] >> BE_FIX_AT) != BE_FIX_EXEC)
            n += 1 + (b->fixes[n] >> BE_FIX_AT == BE_FIX_JUMP);
        if (n < b->nfixes && i == (b->fixes[n] & (BIT(BE_FIX_AT) - 1))) { /* other records */
            i += be_record_field() - 1;
            n++;
        } else {
            same = code[i] == now[i];
        }
    }
    if (!same)
        BUG("the copy for %llx is not what would have been translated",
            (unsigned long long)b->rip);
}
#endif
