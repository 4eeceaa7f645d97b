/* Constants of a block that depend on whose it is, in forms of fixed length, and code that is copied for
 * another block. */
#include "cpu/jit/a64/em.h"

/* Halfwords of a constant of 32 bits and of an address of the host's. */
enum { WORD = 2, ADDRESS = 3 };

static void fixed(struct em *e, enum be_fix kind, unsigned r, u64 v, unsigned parts)
{
    be_fix(e->out, kind, e->a.p);
    for (unsigned k = 0; k < parts; k++) /* movz, movk */
        as32(&e->a, (k ? 0xf2800000u : 0xd2800000u) | k << 21 | (u32)(v >> (16 * k) & 0xffff) << 5 | r);
    e->out->fixed |= v >> (16 * parts) != 0;
}

void em_call_stub(struct em *e, const u8 *stub)
{
    as_bl_to(&e->a, codebuf_rw(e->buf, stub));
}

void em_jmp_stub(struct em *e, const u8 *stub)
{
    as_b_to(&e->a, codebuf_rw(e->buf, stub));
}

void em_site(struct em *e, u32 at)
{
    fixed(e, BE_FIX_SITE, SCR2, SITE(e->in->block_id, at), WORD);
}

void em_exec_record(struct em *e, u64 record)
{
    fixed(e, BE_FIX_EXEC, SCR2, record, ADDRESS);
}

void em_heat(struct em *e, unsigned r)
{
    fixed(e, BE_FIX_HEAT, r, offsetof(struct cpu, heat) + sizeof(s32) * (e->in->block_id % CPU_HEATS),
          WORD);
}

void em_ran(struct em *e)
{
    fixed(e, BE_FIX_RAN, SCR3, e->in->ran, WORD);
    as_mem_reg(&e->a, A_STORE, 1, XZR, STATE, SCR3, false, false);
}

void em_eip(struct em *e, unsigned r, u64 rip)
{
    if (e->in->ir->long_mode || e->in->link_any) /* no copy has another EIP */
        as_mov_imm(&e->a, r, rip);
    else
        fixed(e, BE_FIX_EIP, r, (u32)rip, WORD);
}

void em_table_place(struct em *e, unsigned r, bool constant, u64 rip)
{
    u64 at = offsetof(struct cpu, jc) + e->in->jc_salt * sizeof(struct jc_entry);
    if (!constant) {
        fixed(e, BE_FIX_SALT, r, at, WORD);
        return;
    }
    fixed(e, BE_FIX_JUMP, r, at + (jc_index(rip, 0) - jc_salt(0)) * sizeof(struct jc_entry), WORD);
    be_fix_more(e->out, (u32)(rip - e->in->ir->rip));
}

u32 be_record_field(void)
{
    return 4 * ADDRESS;
}

static void add(u8 *p, u64 n, unsigned parts)
{
    u64 v = n;
    for (unsigned k = 0; k < parts; k++)
        v += (u64)(ld32(p + 4 * k) >> 5 & 0xffff) << (16 * k);
    for (unsigned k = 0; k < parts; k++)
        st32(p + 4 * k, (ld32(p + 4 * k) & ~(0xffffu << 5)) | (u32)(v >> (16 * k) & 0xffff) << 5);
}

/* B and BL to what is no part of the block go where the block's own went. */
static void branches_out(const struct be_copy *c)
{
    s64 moved = (c->from - c->to) / 4, size = c->size / 4;
    for (s64 n = 0; n < size; n++) {
        u32 word = ld32(c->to + 4 * n);
        s64 far = (s32)(word << 6) >> 6;
        if ((word & 0x7c000000) == 0x14000000 && (n + far < 0 || n + far >= size))
            st32(c->to + 4 * n, (word & 0xfc000000) | ((u32)(far + moved) & 0x3ffffff));
    }
}

void be_copy_block(const struct be_copy *c)
{
    const u8 *at = codebuf_rx(c->buf, c->to);
    memcpy(c->to, c->from, c->size);
    branches_out(c);
    for (u32 n = 0; n < c->nfixes; n++) {
        u8 *p = c->to + (c->fixes[n] & (BIT(BE_FIX_AT) - 1));
        bool record = c->fixes[n] >> BE_FIX_AT == BE_FIX_EXEC;
        add(p, be_fix_change(c, &n), record ? ADDRESS : WORD);
    }
    __builtin___clear_cache((char *)(uintptr_t)at, (char *)(uintptr_t)(at + c->size));
}
