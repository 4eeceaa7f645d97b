/* What back ends share of a block's exits. */
#include "cpu/jit/backend.h"

/* Chipsets switch between ROM and RAM in the last 384 KiB of the first megabyte: what lies there
 * must be looked up. */
static bool remapped(u32 la)
{
    return la >= 0xa0000 && la < 0x100000;
}

bool be_linkable(const struct be_in *in, u64 rip)
{
    s64 off = (s64)in->off + (s64)(rip - in->ir->rip);
    if (in->link_none)
        return false;
    if (off >= 0 && off < (s64)PAGE_SIZE)
        return true;
    return in->link_any && !remapped((u32)(in->base + rip));
}

struct be_exit *be_new_exit(struct be_out *out, u64 rip)
{
    struct be_exit *x;
    if (out->nexits >= ARRAY_LEN(out->exits))
        return NULL;
    x = &out->exits[out->nexits++];
    *x = (struct be_exit){.rip = rip};
    return x;
}
