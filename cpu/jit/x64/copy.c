/* Code that is copied for another block: where its fields are that depend on the block, and how
 * each becomes the other's. */
#include "cpu/jit/x64/em.h"

void em_fix(struct em *e, enum be_fix kind, u32 back)
{
    be_fix(e->out, kind, e->a.p - back);
}

void em_call_stub(struct em *e, const u8 *stub)
{
    as_call_to(&e->a, codebuf_rw(e->buf, stub));
    em_fix(e, BE_FIX_OUT, 4);
}

void em_jmp_stub(struct em *e, const u8 *stub)
{
    as_jmp_to(&e->a, codebuf_rw(e->buf, stub));
    em_fix(e, BE_FIX_OUT, 4);
}

void em_site(struct em *e, u32 at)
{
    as_mov_ri(&e->a, SCR2, SITE(e->in->block_id, at));
    em_fix(e, BE_FIX_SITE, 4);
}

void em_exec_record(struct em *e, u64 record)
{
    const u8 *p = e->a.p;
    as_mov_ri(&e->a, SCR2, record);
    em_fix(e, BE_FIX_EXEC, 8);
    e->out->fixed |= e->a.p - p != 10;
}

void em_eip(struct em *e, unsigned r, u64 rip)
{
    as_mov_ri(&e->a, r, rip);
    if (!e->in->ir->long_mode)
        em_fix(e, BE_FIX_EIP, 4);
}

u32 be_record_field(void)
{
    return sizeof(u64);
}

void be_copy_block(const struct be_copy *c)
{
    memcpy(c->to, c->from, c->size);
    for (u32 n = 0; n < c->nfixes; n++) {
        u8 *p = c->to + (c->fixes[n] & (BIT(BE_FIX_AT) - 1));
        bool record = c->fixes[n] >> BE_FIX_AT == BE_FIX_EXEC;
        u64 more = be_fix_change(c, &n);
        if (record)
            st64(p, ld64(p) + more);
        else
            st32(p, ld32(p) + (u32)more);
    }
}

void be_patch(struct codebuf *buf, u8 *rel, const u8 *to)
{
    codebuf_write(buf, rel, 4);
    st32(rel, (u32)(s32)(to - (codebuf_rx(buf, rel) + 4)));
}
