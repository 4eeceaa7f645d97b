/* The debug console of Bochs (port 0xE9) and of SeaBIOS (port 0x402); a read gives 0xE9 so that
 * software can find it. */
#include "devices/char/debugcon.h"

enum { PRESENT = 0xe9 };

#define FIELDS_OF struct debugcon_regs
static const struct field debugcon_fields[] = {F(last, FT_U8, 0, "last byte written"), FIELDS_END};
#undef FIELDS_OF

static const struct prop debugcon_props[] = {
    {"base", offsetof(struct debugcon, base), PT_U32, 0xe9, 0, 0xffff, "port"}, PROPS_END};

static u64 debugcon_read(void *dev, u64 off, unsigned size)
{
    return PRESENT;
}

static void debugcon_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct debugcon *con = dev;

    con->r.last = (u8)v;
    chr_write(con->chr, &con->r.last, 1);
}

static const struct region_ops debugcon_ops = {debugcon_read, debugcon_write, 1, 1};

static bool debugcon_init(struct dev *dev, struct err *err)
{
    struct debugcon *con = (struct debugcon *)dev;

    con->io = (struct region){
        .name = dev->id, .base = con->base, .size = 1, .ops = &debugcon_ops, .dev = con};
    bus_map(dev->env.io, &con->io);
    return true;
}

const struct dev_class debugcon_class = {
    .name = "debugcon",
    .help = "debug console port",
    .size = sizeof(struct debugcon),
    .saved_at = offsetof(struct debugcon, r),
    .saved_size = sizeof(struct debugcon_regs),
    .version = 1,
    .fields = debugcon_fields,
    .props = debugcon_props,
    .init = debugcon_init,
};
