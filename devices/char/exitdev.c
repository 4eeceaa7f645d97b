/* Debug-exit port in the manner of QEMU's isa-debug-exit: 4 ports, the status is (value << 1) | 1
 * and so never 0. */
#include "devices/char/exitdev.h"

#define FIELDS_OF struct exitdev_regs
static const struct field exitdev_fields[] = {F(value, FT_U32, 0, "last value written"),
                                              FIELDS_END};
#undef FIELDS_OF

static const struct prop exitdev_props[] = {
    {"base", offsetof(struct exitdev, base), PT_U32, 0x501, 0, 0xfffc, "first port"}, PROPS_END};

static u64 exitdev_read(void *dev, u64 off, unsigned size)
{
    return 0;
}

static void exitdev_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct exitdev *ex = dev;

    ex->r.value = (u32)v;
    if (ex->exit)
        ex->exit(ex->arg, (int)((ex->r.value << 1 | 1) & 0xff));
}

static const struct region_ops exitdev_ops = {exitdev_read, exitdev_write, 1, 4};

static bool exitdev_init(struct dev *dev, struct err *err)
{
    struct exitdev *ex = (struct exitdev *)dev;

    ex->io = (struct region){
        .name = dev->id, .base = ex->base, .size = 4, .ops = &exitdev_ops, .dev = ex};
    bus_map(dev->env.io, &ex->io);
    return true;
}

const struct dev_class exitdev_class = {
    .name = "exit",
    .help = "exit device",
    .size = sizeof(struct exitdev),
    .saved_at = offsetof(struct exitdev, r),
    .saved_size = sizeof(struct exitdev_regs),
    .version = 1,
    .fields = exitdev_fields,
    .props = exitdev_props,
    .init = exitdev_init,
};
