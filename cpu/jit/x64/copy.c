/* Code that is copied for another block: where its fields are that depend on the block, and how
 * each becomes the other's. */
#include "cpu/jit/x64/em.h"

_Static_assert(BE_FIX_JUMP < 1 << (32 - BE_FIX_AT), "kinds");

void em_fix_more(struct em *e, u32 word)
{
    if (e->out->nfixes == BE_FIXES) {
        e->out->fixed = true;
        return;
    }
    e->out->fixes[e->out->nfixes++] = word;
}

void em_fix(struct em *e, enum be_fix kind, u32 back)
{
    u32 at = (u32)(e->a.p - e->out->code) - back;
    if (at >> BE_FIX_AT)
        e->out->fixed = true;
    em_fix_more(e, at | (u32)kind << BE_FIX_AT);
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

static void add32(u8 *p, u32 v)
{
    st32(p, ld32(p) + v);
}

void be_copy_block(const struct be_copy *c)
{
    u32 salt = (c->salt - c->old_salt) * (u32)sizeof(u64);
    memcpy(c->to, c->from, c->size);
    for (u32 n = 0; n < c->nfixes; n++) {
        u8 *p = c->to + (c->fixes[n] & (BIT(BE_FIX_AT) - 1));
        u64 old;
        switch (c->fixes[n] >> BE_FIX_AT) {
        case BE_FIX_OUT: add32(p, (u32)(c->from - c->to)); break;
        case BE_FIX_SITE: add32(p, SITE(c->id, 0) - SITE(c->old_id, 0)); break;
        case BE_FIX_HEAT:
            add32(p, (c->id % CPU_HEATS - c->old_id % CPU_HEATS) * (u32)sizeof(s32));
            break;
        case BE_FIX_EXEC: st64(p, ld64(p) + (c->execs - c->old_execs)); break;
        case BE_FIX_EIP: add32(p, (u32)(c->rip - c->old_rip)); break;
        case BE_FIX_SALT: add32(p, salt); break;
        case BE_FIX_JUMP:
            if (c->rip == c->old_rip) {
                n++;
                add32(p, salt);
                break;
            }
            /* EIPs of 32 bits */
            old = (u32)(c->old_rip + c->fixes[++n]);
            add32(p, salt + (jc_index((u32)(old + (c->rip - c->old_rip)), 0) - jc_index(old, 0)) *
                                (u32)sizeof(u64));
            break;
        }
    }
}

void be_patch(struct codebuf *buf, u8 *rel, const u8 *to)
{
    codebuf_write(buf, rel, 4);
    st32(rel, (u32)(s32)(to - (codebuf_rx(buf, rel) + 4)));
}
