/* POST codes at port 0x80 of the PC/AT, where the DMA page registers have a scratch byte that this
 * card overlays. */
#include "devices/char/post.h"

#define FIELDS_OF struct post_regs
static const struct field post_fields[] = {F(code, FT_U8, 0, "last progress code"), FIELDS_END};
#undef FIELDS_OF

static u64 post_read(void *dev, u64 off, unsigned size)
{
    return ((struct post *)dev)->r.code;
}

static void post_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct post *post = dev;

    post->r.code = (u8)v;
    if (post->changed)
        post->changed(post->arg, post->r.code);
}

static const struct region_ops post_ops = {post_read, post_write, 1, 1};

static bool post_init(struct dev *dev, struct err *err)
{
    struct post *post = (struct post *)dev;

    post->io =
        (struct region){.name = dev->id, .base = 0x80, .size = 1, .ops = &post_ops, .dev = post};
    bus_map(dev->env.io, &post->io);
    return true;
}

const struct dev_class post_class = {
    .name = "post",
    .help = "POST code port",
    .size = sizeof(struct post),
    .saved_at = offsetof(struct post, r),
    .saved_size = sizeof(struct post_regs),
    .version = 1,
    .fields = post_fields,
    .init = post_init,
};
