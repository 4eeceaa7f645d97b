/* IBM PS/2 mouse (IBM PS/2 Hardware Interface Technical Reference, auxiliary device) with the
 * Microsoft wheel extension. */
#include "devices/input/ps2mouse.h"

#include <string.h>

enum { ACK = 0xfa, BAT_OK = 0xaa, RESEND = 0xfe };
enum { MOVE_MAX = 1 << 16 }; /* what a guest that never reads can pile up */

#define FIELDS_OF struct ps2mouse_regs
static const struct field ps2mouse_fields[] = {
    F(next, FT_U64, 0, "time of the next packet"),
    F(out.head, FT_U32, 0, "first byte waiting"),
    F(out.len, FT_U32, 0, "bytes waiting"),
    F(queue, FT_BYTES, 0, "bytes to the host"),
    F(dx, FT_U32, 0, "unreported movement right"),
    F(dy, FT_U32, 0, "unreported movement up"),
    F(dz, FT_U32, 0, "unreported movement of the wheel"),
    F(buttons, FT_U8, 0, "buttons now"),
    F(reported, FT_U8, 0, "buttons last reported"),
    F(id, FT_U8, 0, "identification"),
    F(rate, FT_U8, 100, "samples per second"),
    F(resolution, FT_U8, 2, "resolution"),
    F(scaling, FT_U8, 0, "scaling 2:1"),
    F(streaming, FT_U8, 0, "reporting enabled"),
    F(remote, FT_U8, 0, "remote mode"),
    F(wrap, FT_U8, 0, "wrap mode"),
    F(command, FT_U8, 0, "command waiting for a parameter"),
    FA(knock, FT_U8, 0, "last sample rates"),
    F(last, FT_U8, 0, "last byte sent"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END};
#undef FIELDS_OF

static void put(struct ps2mouse *mouse, u8 v)
{
    fifo_put(&mouse->r.out, mouse->r.queue, PS2MOUSE_QUEUE, v);
}

static bool has_news(const struct ps2mouse *mouse)
{
    return mouse->r.dx || mouse->r.dy || (mouse->r.dz && mouse->r.id) ||
           mouse->r.buttons != mouse->r.reported;
}

/* Take as much of a movement as fits [lo, hi]; the rest stays for the next packet. */
static int draw(u32 *left, int lo, int hi)
{
    int v = (s32)*left;

    v = MAX(lo, MIN(hi, v));
    *left -= (u32)v;
    return v;
}

static void put_packet(struct ps2mouse *mouse)
{
    struct ps2mouse_regs *r = &mouse->r;
    int dx = draw(&r->dx, -255, 255), dy = draw(&r->dy, -255, 255), dz = draw(&r->dz, -8, 7);

    put(mouse, (u8)(0x08 | (r->buttons & 7) | (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0)));
    put(mouse, (u8)dx);
    put(mouse, (u8)dy);
    if (r->id == 3)
        put(mouse, (u8)dz);
    else if (r->id == 4)
        put(mouse, (u8)((dz & 0x0f) | (r->buttons & 0x18) << 1));
    r->reported = r->buttons;
}

static bool may_stream(const struct ps2mouse *mouse)
{
    return mouse->r.streaming && !mouse->r.remote && !mouse->r.wrap;
}

/* Report if there is something, the host has taken the last packet and a sample period has passed.
 */
static void stream(struct ps2mouse *mouse)
{
    u64 now = clock_now(mouse->dev.env.clock);

    if (!may_stream(mouse) || mouse->r.out.len || !has_news(mouse)) {
        timer_cancel(&mouse->timer);
    } else if (now >= mouse->r.next) {
        put_packet(mouse);
        mouse->r.next = now + NS_PER_SEC / mouse->r.rate;
    }
    if (may_stream(mouse) && !mouse->r.out.len && has_news(mouse))
        timer_set(&mouse->timer, mouse->r.next);
    irq_set(&mouse->ready, mouse->r.out.len);
}

static void sample(void *arg, u64 now)
{
    stream(arg);
}

static void add(u32 *sum, int v)
{
    s64 total = (s64)(s32)*sum + v;

    *sum = (u32)(s32)MAX(-MOVE_MAX, MIN(MOVE_MAX, total));
}

void ps2mouse_move(void *dev, int dx, int dy, int dz, u32 buttons)
{
    struct ps2mouse *mouse = dev;

    if (!may_stream(mouse) && !mouse->r.remote) {
        mouse->r.buttons = buttons & 0x1f;
        return; /* movement while nobody listens is not kept */
    }
    add(&mouse->r.dx, dx);
    add(&mouse->r.dy, -MAX(-MOVE_MAX, MIN(MOVE_MAX, dy)));
    add(&mouse->r.dz, dz);
    mouse->r.buttons = buttons & 0x1f;
    stream(mouse);
}

/* ---- commands ---- */

static void forget(struct ps2mouse *mouse)
{
    mouse->r.dx = mouse->r.dy = mouse->r.dz = 0;
    mouse->r.reported = mouse->r.buttons;
}

static void defaults(struct ps2mouse *mouse)
{
    mouse->r.rate = 100;
    mouse->r.resolution = 2;
    mouse->r.scaling = mouse->r.streaming = mouse->r.remote = mouse->r.wrap = 0;
    forget(mouse);
}

/* The rates 200, 100, 80 turn the wheel on; 200, 200, 80 then the side buttons. */
static void set_rate(struct ps2mouse *mouse, u8 v)
{
    struct ps2mouse_regs *r = &mouse->r;

    if (r->knock[0] == 200 && r->knock[1] == 100 && v == 80)
        r->id = 3;
    else if (r->knock[0] == 200 && r->knock[1] == 200 && v == 80 && r->id == 3)
        r->id = 4;
    r->knock[0] = r->knock[1];
    r->knock[1] = v;
    r->rate = v;
}

static void put_status(struct ps2mouse *mouse)
{
    const struct ps2mouse_regs *r = &mouse->r;
    u8 b = r->buttons;

    put(mouse, (u8)(r->remote << 6 | r->streaming << 5 | r->scaling << 4 | (b & 1) << 2 |
                    (b >> 2 & 1) << 1 | (b >> 1 & 1)));
    put(mouse, r->resolution);
    put(mouse, r->rate);
}

static void do_parameter(struct ps2mouse *mouse, u8 cmd, u8 v)
{
    if ((cmd == 0xe8 && v > 3) || (cmd == 0xf3 && (v < 10 || v > 200))) {
        put(mouse, RESEND);
        mouse->r.command = cmd; /* once more */
        return;
    }
    if (cmd == 0xe8)
        mouse->r.resolution = v;
    else
        set_rate(mouse, v);
    put(mouse, ACK);
}

static void do_command(struct ps2mouse *mouse, u8 cmd)
{
    struct ps2mouse_regs *r = &mouse->r;

    if (cmd == 0xfe) {
        put(mouse, r->last);
        return;
    }
    put(mouse, ACK);
    switch (cmd) {
    case 0xe6: r->scaling = 0; break;
    case 0xe7: r->scaling = 1; break;
    case 0xe8:
    case 0xf3: r->command = cmd; break;
    case 0xe9: put_status(mouse); break;
    case 0xea: r->remote = 0; break;
    case 0xeb: put_packet(mouse); break;
    case 0xec: r->wrap = 0; break;
    case 0xee: r->wrap = 1; break;
    case 0xf0: r->remote = 1; break;
    case 0xf2: put(mouse, r->id); break;
    case 0xf4:
        r->streaming = 1;
        forget(mouse);
        break;
    case 0xf5: r->streaming = 0; break;
    case 0xf6: defaults(mouse); break;
    case 0xff:
        defaults(mouse);
        r->id = 0;
        put(mouse, BAT_OK);
        put(mouse, 0);
        break;
    default:
        r->out.len = 0;
        put(mouse, RESEND);
        break;
    }
}

static void mouse_write(void *dev, u8 v)
{
    struct ps2mouse *mouse = dev;
    u8 cmd = mouse->r.command;

    mouse->r.command = 0;
    mouse->r.out = (struct fifo_state){0}; /* a command drops what was under way */
    if (mouse->r.wrap && v != 0xff && v != 0xec)
        put(mouse, v);
    else if (cmd)
        do_parameter(mouse, cmd, v);
    else
        do_command(mouse, v);
    stream(mouse);
}

static int mouse_take(void *dev)
{
    struct ps2mouse *mouse = dev;

    if (!mouse->r.out.len)
        return -1;
    mouse->r.last = fifo_get(&mouse->r.out, mouse->r.queue, PS2MOUSE_QUEUE);
    stream(mouse);
    return mouse->r.last;
}

struct ps2_dev ps2mouse_port(struct ps2mouse *mouse)
{
    return (struct ps2_dev){mouse, mouse_write, mouse_take};
}

struct mouse_sink ps2mouse_sink(struct ps2mouse *mouse)
{
    return (struct mouse_sink){mouse, ps2mouse_move};
}

/* ---- life ---- */

static bool ps2mouse_init(struct dev *dev, struct err *err)
{
    struct ps2mouse *mouse = (struct ps2mouse *)dev;

    timer_init(&mouse->timer, dev->env.clock, sample, mouse, "mouse");
    return true;
}

static void ps2mouse_reset(struct dev *dev)
{
    struct ps2mouse *mouse = (struct ps2mouse *)dev;

    timer_cancel(&mouse->timer);
    irq_set(&mouse->ready, 0);
}

static bool ps2mouse_loaded(struct dev *dev, struct err *err)
{
    struct ps2mouse *mouse = (struct ps2mouse *)dev;
    struct ps2mouse_regs *r = &mouse->r;

    if (!fifo_valid(&r->out, PS2MOUSE_QUEUE) || r->rate < 10 || r->rate > 200 ||
        (r->id != 0 && r->id != 3 && r->id != 4))
        return err_set(err, "%s: the saved queue, rate or identification is impossible", dev->id);
    r->resolution &= 3;
    r->remote = !!r->remote;
    r->streaming = !!r->streaming;
    r->scaling = !!r->scaling;
    if (may_stream(mouse) && !r->out.len && has_news(mouse))
        timer_set(&mouse->timer, r->next);
    else
        timer_cancel(&mouse->timer);
    irq_set(&mouse->ready, r->out.len);
    return true;
}

const struct dev_class ps2mouse_class = {
    .name = "ps2-mouse",
    .help = "PS/2 mouse with a wheel",
    .size = sizeof(struct ps2mouse),
    .saved_at = offsetof(struct ps2mouse, r),
    .saved_size = sizeof(struct ps2mouse_regs),
    .version = 1,
    .fields = ps2mouse_fields,
    .init = ps2mouse_init,
    .reset = ps2mouse_reset,
    .loaded = ps2mouse_loaded,
};
