/* Fields of a block's code that depend on whose it is: noted by back ends, and how much each grows in a
 * copy for another block (clone.c). */
#include "cpu/jit/backend.h"

_Static_assert(BE_FIX_JUMP < 1 << (32 - BE_FIX_AT), "kinds");

void be_fix_more(struct be_out *out, u32 word)
{
    if (out->nfixes == BE_FIXES) {
        out->fixed = true;
        return;
    }
    out->fixes[out->nfixes++] = word;
}

void be_fix(struct be_out *out, enum be_fix kind, const u8 *at)
{
    u32 off = (u32)(at - out->code);
    if (off >> BE_FIX_AT)
        out->fixed = true;
    be_fix_more(out, off | (u32)kind << BE_FIX_AT);
}

u64 be_fix_change(const struct be_copy *c, u32 *n)
{
    u32 salt = (c->salt - c->old_salt) * (u32)sizeof(struct jc_entry);
    u64 old;
    switch (c->fixes[*n] >> BE_FIX_AT) {
    case BE_FIX_OUT: return (u64)(c->from - c->to);
    case BE_FIX_SITE: return SITE(c->id, 0) - SITE(c->old_id, 0);
    case BE_FIX_HEAT:
        return (c->id % CPU_HEATS - c->old_id % CPU_HEATS) * (u32)sizeof(s32);
    case BE_FIX_RAN: return c->ran - c->old_ran;
    case BE_FIX_EXEC: return c->execs - c->old_execs;
    case BE_FIX_EIP: return c->rip - c->old_rip;
    case BE_FIX_SALT: return salt;
    case BE_FIX_JUMP:
        if (c->rip == c->old_rip) {
            ++*n;
            return salt;
        }
        /* EIPs of 32 bits */
        old = (u32)(c->old_rip + c->fixes[++*n]);
        return salt + (jc_index((u32)(old + (c->rip - c->old_rip)), 0) - jc_index(old, 0)) *
                          (u32)sizeof(struct jc_entry);
    }
    return 0;
}
