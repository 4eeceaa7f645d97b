/* Intel 82093AA I/O APIC (data sheet 290566). */
#include "devices/irq/ioapic.h"
#include "devices/core/bits.h"

enum { REG_SELECT = 0x00, REG_WINDOW = 0x10 };
enum { IND_ID = 0, IND_VERSION = 1, IND_ARB = 2, IND_REDIR = 0x10 };
enum { VERSION = (IOAPIC_PINS - 1) << 16 | 0x11 };
enum {
    RED_LOGICAL = BIT(11),
    RED_STATUS = BIT(12),
    RED_REMOTE_IRR = BIT(14),
    RED_LEVEL = BIT(15),
    RED_MASKED = BIT(16),
};
/* What can be written: the destination, and the low half without delivery status and remote IRR. */
#define RED_WRITABLE (0xff00000000000000ull | 0x1afffull)

#define FIELDS_OF struct ioapic_regs
static const struct field ioapic_fields[] = {FA(redir, FT_U64, RED_MASKED, "redirection table"),
                                             FK(lines, FT_U32, 0, "level of the inputs"),
                                             F(id, FT_U32, 0, "identification"),
                                             F(select, FT_U32, 0, "register selected"),
                                             F(pad, FT_U32, 0, "unused"),
                                             FIELDS_END};
#undef FIELDS_OF

static void send(struct ioapic *io, unsigned pin)
{
    u64 red = io->r.redir[pin];
    struct apic_msg msg = {.dest = (u8)(red >> 56),
                           .vector = (u8)red,
                           .mode = red >> 8 & 7,
                           .logical = red & RED_LOGICAL,
                           .level = red & RED_LEVEL};

    if (io->bus)
        apic_deliver(io->bus, &msg);
}

/* A level-triggered input asks until its remote IRR says that a processor has taken it. */
static void service_level(struct ioapic *io, unsigned pin)
{
    u64 *red = &io->r.redir[pin];

    if (!(io->r.lines & BIT(pin)) || !(*red & RED_LEVEL) || (*red & (RED_MASKED | RED_REMOTE_IRR)))
        return;
    *red |= RED_REMOTE_IRR;
    send(io, pin);
}

void ioapic_set_irq(void *sink, int n, int level)
{
    struct ioapic *io = sink;
    unsigned pin = (unsigned)n;
    bool rose;

    if (pin >= IOAPIC_PINS)
        return;
    rose = level && !(io->r.lines & BIT(pin));
    io->r.lines = (u32)bits_put(io->r.lines, pin, 1, !!level);
    if (io->r.redir[pin] & RED_LEVEL)
        service_level(io, pin);
    else if (rose && !(io->r.redir[pin] & RED_MASKED))
        send(io, pin); /* an edge on a masked pin is lost (3.2.4, interrupt mask) */
}

/* A processor ended the service of a level-triggered vector. */
static void eoi(void *arg, u8 vector)
{
    struct ioapic *io = arg;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
        u64 *red = &io->r.redir[pin];

        if ((u8)*red != vector || !(*red & RED_LEVEL))
            continue;
        *red &= ~(u64)RED_REMOTE_IRR;
        service_level(io, pin);
    }
}

static u32 window_read(const struct ioapic *io)
{
    unsigned reg = io->r.select & 0xff, pin = (reg - IND_REDIR) / 2;

    switch (reg) {
    case IND_ID:
    case IND_ARB: return io->r.id;
    case IND_VERSION: return VERSION;
    default: break;
    }
    if (reg < IND_REDIR || pin >= IOAPIC_PINS)
        return 0;
    return (u32)(io->r.redir[pin] >> (reg & 1 ? 32 : 0));
}

static void window_write(struct ioapic *io, u32 v)
{
    unsigned reg = io->r.select & 0xff, pin = (reg - IND_REDIR) / 2;
    u64 *red, writable;

    if (reg == IND_ID)
        io->r.id = v & 0x0f000000;
    if (reg < IND_REDIR || pin >= IOAPIC_PINS)
        return;
    red = &io->r.redir[pin];
    writable = RED_WRITABLE & (reg & 1 ? 0xffffffff00000000ull : 0xffffffffull);
    *red = (*red & ~writable) | (((u64)v << (reg & 1 ? 32 : 0)) & writable);
    if (!(*red & RED_LEVEL))
        *red &= ~(u64)RED_REMOTE_IRR;
    service_level(io, pin);
}

static u64 ioapic_read(void *dev, u64 off, unsigned size)
{
    struct ioapic *io = dev;

    switch (off) {
    case REG_SELECT: return io->r.select;
    case REG_WINDOW: return window_read(io);
    default: return 0;
    }
}

static void ioapic_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct ioapic *io = dev;

    if (off == REG_SELECT)
        io->r.select = v & 0xff;
    else if (off == REG_WINDOW)
        window_write(io, (u32)v);
}

static const struct region_ops ioapic_ops = {ioapic_read, ioapic_write, 4, 4};

static bool ioapic_init(struct dev *dev, struct err *err)
{
    struct ioapic *io = (struct ioapic *)dev;

    if (io->bus) {
        io->bus->eoi = eoi;
        io->bus->eoi_arg = io;
    }
    io->mmio = (struct region){.name = dev->id,
                               .base = IOAPIC_BASE,
                               .size = 4096,
                               .ops = &ioapic_ops,
                               .dev = io,
                               .prio = 8};
    bus_map(dev->env.mem, &io->mmio);
    return true;
}

static bool ioapic_loaded(struct dev *dev, struct err *err)
{
    struct ioapic *io = (struct ioapic *)dev;

    for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
        if (io->r.redir[pin] & ~(RED_WRITABLE | RED_REMOTE_IRR))
            return err_set(err, "%s: the saved redirection of pin %u is impossible", dev->id, pin);
    io->r.lines &= BIT(IOAPIC_PINS) - 1;
    io->r.select &= 0xff;
    return true;
}

const struct dev_class ioapic_class = {
    .name = "ioapic",
    .help = "82093AA I/O APIC",
    .size = sizeof(struct ioapic),
    .saved_at = offsetof(struct ioapic, r),
    .saved_size = sizeof(struct ioapic_regs),
    .version = 1,
    .fields = ioapic_fields,
    .init = ioapic_init,
    .loaded = ioapic_loaded,
};
