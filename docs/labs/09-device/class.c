/* Lab 9: what the device is made of, as tables; every device of the project has these
 * (devices/README.md, "The form of a device file"). */
#include "docs/labs/09-device/counter.h"

#define FIELDS_OF struct counter_regs
static const struct field counter_fields[] = {
    F(begun, FT_U64, 0, "when COUNT was 0, in ns"),
    F(limit, FT_U32, 1000, "microseconds until it goes round"),
    F(control, FT_U16, 0, "CONTROL_*"),
    F(status, FT_U16, 0, "STATUS_*"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop counter_props[] = {
    {"iobase", offsetof(struct counter, iobase), PT_U32, 0x5c0, 0, 0xfff0, "first port"},
    {"irq", offsetof(struct counter, line), PT_U32, 5, 3, 7, "ISA interrupt"},
    PROPS_END,
};

bool counter_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct counter *c = (struct counter *)dev;

    c->irq = plug->isa_irq(plug->arg, c->line);
    return true;
}

const struct dev_class counter_class = {
    .name = "lab-counter",
    .help = "microsecond counter of lab 9",
    .size = sizeof(struct counter),
    .saved_at = offsetof(struct counter, r),
    .saved_size = sizeof(struct counter_regs),
    .version = 1,
    .fields = counter_fields,
    .props = counter_props,
    .init = counter_init,
    .reset = counter_reset,
    .loaded = counter_loaded,
};
