/* Intel 8042 keyboard controller with PS/2 firmware (IBM PS/2 Hardware Interface Technical
 * Reference, keyboard and auxiliary device controller). */
#include "devices/input/i8042.h"

#include <string.h>

enum { STS_OBF = 0x01, STS_SYS = 0x04, STS_CMD = 0x08, STS_UNLOCKED = 0x10, STS_AUX = 0x20 };
enum {
    CB_IRQ1 = 0x01,
    CB_IRQ12 = 0x02,
    CB_SYS = 0x04,
    CB_KBD_OFF = 0x10,
    CB_AUX_OFF = 0x20,
    CB_XLATE = 0x40
};
enum { OUT_NO_RESET = 0x01, OUT_A20 = 0x02, OUT_IRQ1 = 0x10, OUT_IRQ12 = 0x20, OUT_IDLE = 0xcc };
enum { SRC_KBD, SRC_AUX, SRC_SELF };

/* A byte takes most of a millisecond on the real wire. It must take some time, since the interrupt
 * line has to drop between two bytes and old software reads port 0x60 twice; more would only slow
 * typing down. */
enum { BYTE_NS = 50000 };

#define FIELDS_OF struct i8042_regs
static const struct field i8042_fields[] = {
    F(next, FT_U64, 0, "time of the next device byte"),
    F(ram, FT_BYTES, 0, "controller memory"),
    F(replies, FT_BYTES, 0, "controller bytes"),
    F(reply_aux, FT_BYTES, 0, "which of them are mouse bytes"),
    F(reply.head, FT_U32, 0, "first controller byte"),
    F(reply.len, FT_U32, 0, "controller bytes waiting"),
    F(out, FT_U8, 0, "output buffer"),
    F(full, FT_U8, 0, "output buffer full"),
    F(source, FT_U8, 0, "source of the output"),
    F(command, FT_U8, 0, "command waiting for a parameter"),
    F(last_was_command, FT_U8, 0, "last write was a command"),
    F(system, FT_U8, 0, "self-test passed"),
    F(a20, FT_U8, 1, "A20 gate"),
    F(release, FT_U8, 0, "release prefix seen"),
    FK(ready[0], FT_U8, 0, "the keyboard has a byte"),
    FK(ready[1], FT_U8, 0, "the mouse has a byte"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END};
#undef FIELDS_OF

/* Set 2 to set 1, as the controller's firmware holds it for 0x00..0x7f; above, only 0x83 and 0x84
 * change. */
static const u8 set1_of[128] = {
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
};

u8 i8042_translate(u8 v)
{
    if (v < 0x80)
        return set1_of[v];
    return v == 0x83 ? 0x41 : v == 0x84 ? 0x54 : v;
}

static void update_irq(struct i8042 *kbc)
{
    bool aux = kbc->r.full && kbc->r.source == SRC_AUX, kbd = kbc->r.full && !aux;

    irq_set(&kbc->irq1, kbd && (kbc->r.ram[0] & CB_IRQ1));
    irq_set(&kbc->irq12, aux && (kbc->r.ram[0] & CB_IRQ12));
    irq_set(&kbc->a20, kbc->r.a20);
}

/* ---- bytes to the host ---- */

static void deliver(struct i8042 *kbc, u8 v, u8 source)
{
    kbc->r.out = v;
    kbc->r.source = source;
    kbc->r.full = 1;
}

/* The byte of the keyboard after translation; false: it was swallowed (the release prefix). */
static bool from_keyboard(struct i8042 *kbc, u8 *v)
{
    if (!(kbc->r.ram[0] & CB_XLATE))
        return true;
    if (*v == 0xf0) {
        kbc->r.release = 1;
        return false;
    }
    *v = (u8)(i8042_translate(*v) | (kbc->r.release ? 0x80 : 0));
    kbc->r.release = 0;
    return true;
}

static bool port_ready(const struct i8042 *kbc, unsigned n)
{
    return kbc->port[n].take && kbc->r.ready[n] && !(kbc->r.ram[0] & (n ? CB_AUX_OFF : CB_KBD_OFF));
}

/* Take one byte from a device if one may come now. */
static void poll_devices(struct i8042 *kbc)
{
    for (unsigned n = I8042_KBD; n <= I8042_AUX && !kbc->r.full; n++) {
        int v;
        u8 byte;

        if (!port_ready(kbc, n))
            continue;
        v = kbc->port[n].take(kbc->port[n].dev);
        if (v < 0)
            continue;
        byte = (u8)v;
        if (n == I8042_AUX)
            deliver(kbc, byte, SRC_AUX);
        else if (from_keyboard(kbc, &byte))
            deliver(kbc, byte, SRC_KBD);
    }
}

/* Fill the output buffer: with a reply of the controller at once, with a device's byte when its
 * time has come. */
static void refill(struct i8042 *kbc)
{
    struct i8042_regs *r = &kbc->r;
    u64 now = clock_now(kbc->dev.env.clock);

    if (!r->full && r->reply.len) {
        bool aux = r->reply_aux[r->reply.head % I8042_REPLIES];

        deliver(kbc, fifo_get(&r->reply, r->replies, I8042_REPLIES), aux ? SRC_AUX : SRC_SELF);
    }
    if (!r->full && now >= r->next)
        poll_devices(kbc);
    if (!r->full && (port_ready(kbc, I8042_KBD) || port_ready(kbc, I8042_AUX))) {
        if (r->next <= now)
            r->next = now + BYTE_NS; /* a swallowed prefix: the next byte needs its time, too */
        timer_set(&kbc->timer, r->next);
    } else {
        timer_cancel(&kbc->timer);
    }
    update_irq(kbc);
}

static void byte_arrives(void *arg, u64 now)
{
    refill(arg);
}

void i8042_set_ready(void *sink, int n, int level)
{
    struct i8042 *kbc = sink;
    u64 soon = clock_now(kbc->dev.env.clock) + BYTE_NS;

    kbc->r.ready[n & 1] = !!level;
    /* Only note it: the device is in the middle of something, perhaps of take(). */
    if (level && !kbc->r.full && !timer_pending(&kbc->timer)) {
        kbc->r.next = MAX(kbc->r.next, soon);
        timer_set(&kbc->timer, kbc->r.next);
    }
}

static void reply(struct i8042 *kbc, u8 v, bool aux)
{
    struct fifo_state *f = &kbc->r.reply;

    if (f->len < I8042_REPLIES)
        kbc->r.reply_aux[(f->head + f->len) % I8042_REPLIES] = aux;
    if (!fifo_put(f, kbc->r.replies, I8042_REPLIES, v))
        log_guest_error(kbc->dev.env.log, kbc->dev.id, "a controller reply is lost");
}

/* ---- commands ---- */

static u8 output_port(const struct i8042 *kbc)
{
    /* The unused pins and the idle keyboard's clock and data read as 1. A BIOS that takes the reply for
     * a key must see a release. */
    return (u8)(OUT_IDLE | OUT_NO_RESET | (kbc->r.a20 ? OUT_A20 : 0) | (kbc->irq1.level ? OUT_IRQ1 : 0) |
                (kbc->irq12.level ? OUT_IRQ12 : 0));
}

static void pulse_reset(struct i8042 *kbc)
{
    irq_set(&kbc->reset, 1);
    irq_set(&kbc->reset, 0);
}

static void write_output_port(struct i8042 *kbc, u8 v)
{
    kbc->r.a20 = !!(v & OUT_A20);
    if (!(v & OUT_NO_RESET))
        pulse_reset(kbc);
}

static void set_command_byte(struct i8042 *kbc, u8 v)
{
    kbc->r.ram[0] = v;
    kbc->r.system = !!(v & CB_SYS);
}

static void self_test(struct i8042 *kbc)
{
    kbc->r.full = 0;
    kbc->r.reply = (struct fifo_state){0};
    kbc->r.release = 0;
    kbc->r.ram[0] |= CB_SYS;
    kbc->r.system = 1;
    reply(kbc, 0x55, false);
}

static void do_command(struct i8042 *kbc, u8 cmd)
{
    u8 *cb = &kbc->r.ram[0];

    kbc->r.command = 0;
    if (cmd >= 0x20 && cmd <= 0x3f) {
        reply(kbc, kbc->r.ram[cmd & 0x1f], false);
        return;
    }
    if (cmd >= 0x60 && cmd <= 0x7f) {
        kbc->r.command = cmd;
        return;
    }
    switch (cmd) {
    case 0xa1: reply(kbc, 0, false); break;    /* firmware version */
    case 0xa4: reply(kbc, 0xf1, false); break; /* no password */
    case 0xa7: *cb |= CB_AUX_OFF; break;
    case 0xa8: *cb &= (u8)~CB_AUX_OFF; break;
    case 0xa9: /* test the mouse lines; 0: fine */
    case 0xab: reply(kbc, 0, false); break;
    case 0xaa: self_test(kbc); break;
    case 0xad: *cb |= CB_KBD_OFF; break;
    case 0xae: *cb &= (u8)~CB_KBD_OFF; break;
    case 0xc0: reply(kbc, 0x80, false); break; /* input port: keyboard not locked */
    case 0xd0: reply(kbc, output_port(kbc), false); break;
    case 0xd1:
    case 0xd2:
    case 0xd3:
    case 0xd4: kbc->r.command = cmd; break;
    case 0xdd: kbc->r.a20 = 0; break;
    case 0xdf: kbc->r.a20 = 1; break;
    case 0xe0: reply(kbc, 0, false); break; /* test inputs: both clocks low */
    default:
        if (cmd >= 0xf0) {
            if (!(cmd & OUT_NO_RESET)) /* pulses the lines whose bits are clear */
                pulse_reset(kbc);
        } else {
            log_guest_error(kbc->dev.env.log, kbc->dev.id, "unknown command 0x%02x", cmd);
        }
        break;
    }
}

static void send_to(struct i8042 *kbc, unsigned n, u8 v)
{
    kbc->r.ram[0] &= (u8) ~(n ? CB_AUX_OFF : CB_KBD_OFF); /* talking to a device opens its port */
    if (kbc->port[n].write)
        kbc->port[n].write(kbc->port[n].dev, v);
    else
        reply(kbc, 0xfe,
              n == I8042_AUX); /* nobody answers: the controller reports a time-out as "resend" */
}

static void do_parameter(struct i8042 *kbc, u8 cmd, u8 v)
{
    switch (cmd) {
    case 0x60: set_command_byte(kbc, v); break;
    case 0xd1: write_output_port(kbc, v); break;
    case 0xd2: reply(kbc, v, false); break;
    case 0xd3: reply(kbc, v, true); break;
    case 0xd4: send_to(kbc, I8042_AUX, v); break;
    default: kbc->r.ram[cmd & 0x1f] = v; break;
    }
}

/* ---- registers ---- */

static u64 data_read(void *dev, u64 off, unsigned size)
{
    struct i8042 *kbc = dev;
    u8 v = kbc->r.out;

    if (kbc->r.full) {
        kbc->r.full = 0;
        kbc->r.next = clock_now(kbc->dev.env.clock) + BYTE_NS;
        update_irq(kbc); /* the line drops even when a reply of the controller follows at once */
        refill(kbc);
    }
    return v;
}

static void data_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i8042 *kbc = dev;
    u8 cmd = kbc->r.command;

    kbc->r.command = 0;
    kbc->r.last_was_command = 0;
    if (cmd)
        do_parameter(kbc, cmd, (u8)v);
    else
        send_to(kbc, I8042_KBD, (u8)v);
    refill(kbc);
}

static u64 status_read(void *dev, u64 off, unsigned size)
{
    struct i8042 *kbc = dev;
    u8 v = STS_UNLOCKED;

    if (kbc->r.full)
        v |= kbc->r.source == SRC_AUX ? STS_OBF | STS_AUX : STS_OBF;
    if (kbc->r.system)
        v |= STS_SYS;
    if (kbc->r.last_was_command)
        v |= STS_CMD;
    return v;
}

static void command_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i8042 *kbc = dev;

    kbc->r.last_was_command = 1;
    do_command(kbc, (u8)v);
    refill(kbc);
}

static const struct region_ops data_ops = {data_read, data_write, 1, 1};
static const struct region_ops cmd_ops = {status_read, command_write, 1, 1};

/* ---- life ---- */

static bool i8042_init(struct dev *dev, struct err *err)
{
    struct i8042 *kbc = (struct i8042 *)dev;

    timer_init(&kbc->timer, dev->env.clock, byte_arrives, kbc, "i8042");
    kbc->data_io = (struct region){
        .name = "i8042-data", .base = 0x60, .size = 1, .ops = &data_ops, .dev = kbc};
    kbc->cmd_io =
        (struct region){.name = "i8042-cmd", .base = 0x64, .size = 1, .ops = &cmd_ops, .dev = kbc};
    bus_map(dev->env.io, &kbc->data_io);
    bus_map(dev->env.io, &kbc->cmd_io);
    return true;
}

static void i8042_reset(struct dev *dev)
{
    struct i8042 *kbc = (struct i8042 *)dev;

    kbc->r.ram[0] = CB_IRQ1 | CB_IRQ12 | CB_XLATE; /* as a board's firmware expects to find it */
    refill(kbc);
}

static bool i8042_loaded(struct dev *dev, struct err *err)
{
    struct i8042 *kbc = (struct i8042 *)dev;
    struct i8042_regs *r = &kbc->r;

    if (!fifo_valid(&r->reply, I8042_REPLIES) || r->source > SRC_SELF)
        return err_set(err, "%s: the saved output state is impossible", dev->id);
    r->full = !!r->full;
    r->a20 = !!r->a20;
    r->ready[0] = !!r->ready[0];
    r->ready[1] = !!r->ready[1];
    timer_cancel(&kbc->timer);
    if (!r->full && (port_ready(kbc, I8042_KBD) || port_ready(kbc, I8042_AUX)))
        timer_set(&kbc->timer, r->next);
    update_irq(kbc);
    return true;
}

const struct dev_class i8042_class = {
    .name = "i8042",
    .help = "keyboard controller",
    .size = sizeof(struct i8042),
    .saved_at = offsetof(struct i8042, r),
    .saved_size = sizeof(struct i8042_regs),
    .version = 1,
    .fields = i8042_fields,
    .init = i8042_init,
    .reset = i8042_reset,
    .loaded = i8042_loaded,
};
