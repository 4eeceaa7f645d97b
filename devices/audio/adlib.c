/* An AdLib card with the later chip: four ports from 0x388 (YMF262 data sheet, "Bus control"). */
#include "devices/audio/adlib.h"

#include "devices/audio/opl3.h"
#include "mmu/bus.h"

struct adlib {
    struct dev dev;
    struct opl3_regs r;
    u32 base;
    struct region io;
    struct opl3 opl;
};

#define FIELDS_OF struct { struct opl3_regs opl; }
static const struct field adlib_fields[] = {OPL3_FIELDS(opl), FIELDS_END};
#undef FIELDS_OF

static const struct prop adlib_props[] = {
    {"iobase", offsetof(struct adlib, base), PT_U32, 0x388, 0x100, 0xfffc, "first port"},
    PROPS_END,
};

static u64 adlib_read(void *dev, u64 off, unsigned size)
{
    return opl3_read(&((struct adlib *)dev)->opl, (unsigned)off);
}

static void adlib_write(void *dev, u64 off, u64 v, unsigned size)
{
    opl3_write(&((struct adlib *)dev)->opl, (unsigned)off, (u8)v);
}

static const struct region_ops adlib_ops = {adlib_read, adlib_write, 1, 1};

static bool adlib_init(struct dev *dev, struct err *err)
{
    struct adlib *a = (struct adlib *)dev;

    opl3_init(&a->opl, &a->r, dev->env.clock, dev->id);
    a->io = (struct region){
        .name = dev->id, .base = a->base, .size = 4, .ops = &adlib_ops, .dev = a};
    bus_map(dev->env.io, &a->io);
    return true;
}

static void adlib_reset(struct dev *dev)
{
    opl3_reset(&((struct adlib *)dev)->opl);
}

static void adlib_saving(struct dev *dev)
{
    opl3_saving(&((struct adlib *)dev)->opl);
}

static bool adlib_loaded(struct dev *dev, struct err *err)
{
    opl3_loaded(&((struct adlib *)dev)->opl);
    return true;
}

bool adlib_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    ((struct adlib *)dev)->opl.voice = audio_voice(plug->audio, dev->id);
    return true;
}

const struct dev_class adlib_class = {
    .name = "adlib",
    .help = "AdLib card with an OPL3: audiodev=id",
    .size = sizeof(struct adlib),
    .saved_at = offsetof(struct adlib, r),
    .saved_size = sizeof(struct opl3_regs),
    .version = 1,
    .fields = adlib_fields,
    .props = adlib_props,
    .init = adlib_init,
    .reset = adlib_reset,
    .saving = adlib_saving,
    .loaded = adlib_loaded,
};
