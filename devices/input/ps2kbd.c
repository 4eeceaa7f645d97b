/* IBM PS/2 keyboard (IBM PS/2 Hardware Interface Technical Reference, keyboards: commands, scan
 * code sets, typematic rate). */
#include "devices/input/ps2kbd.h"
#include "devices/core/bits.h"
#include "devices/input/i8042.h"

#include <string.h>

enum { ACK = 0xfa, RESEND = 0xfe, BAT_OK = 0xaa, ECHO = 0xee };
enum { KEY_PAUSE = 0xe11d, KEY_PRINT = 0xe037 };
enum { DEFAULT_RATE = 0x2b };

#define FIELDS_OF struct ps2kbd_regs
static const struct field ps2kbd_fields[] = {
    F(repeat_at, FT_U64, CLOCK_NEVER, "time of the next repeat"),
    F(key.head, FT_U32, 0, "first scan code byte"),
    F(key.len, FT_U32, 0, "scan code bytes waiting"),
    F(reply.head, FT_U32, 0, "first answer"),
    F(reply.len, FT_U32, 0, "answers waiting"),
    F(keys, FT_BYTES, 0, "scan code bytes"),
    F(replies, FT_BYTES, 0, "answers"),
    F(down, FT_BYTES, 0, "keys held"),
    F(repeat_key, FT_U16, 0, "repeating key"),
    F(set, FT_U8, 2, "scan code set"),
    F(leds, FT_U8, 0, "lights"),
    F(rate, FT_U8, DEFAULT_RATE, "typematic rate and delay"),
    F(enabled, FT_U8, 1, "scanning"),
    F(command, FT_U8, 0, "command waiting for a parameter"),
    F(last, FT_U8, 0, "last byte sent"),
    FIELDS_END};
#undef FIELDS_OF

static void update_ready(struct ps2kbd *kbd)
{
    irq_set(&kbd->ready, kbd->r.key.len || kbd->r.reply.len);
}

static void answer(struct ps2kbd *kbd, u8 v)
{
    fifo_put(&kbd->r.reply, kbd->r.replies, PS2KBD_REPLIES, v);
}

/* ---- scan codes ---- */

/* The set 2 code of a set 1 code: the controller's table read backwards. F7 and SysRq have two, of
 * which the upper is the one that keyboards send. */
static u8 set2_of(u8 code)
{
    for (unsigned v = 0x84; v > 0; v--)
        if (i8042_translate((u8)v) == code)
            return (u8)v;
    return 0;
}

/* Queue a whole sequence or nothing: half a sequence would leave a key stuck. */
static void put_sequence(struct ps2kbd *kbd, const u8 *bytes, unsigned n)
{
    if (kbd->r.key.len + n > PS2KBD_KEYS)
        return;
    for (unsigned i = 0; i < n; i++)
        fifo_put(&kbd->r.key, kbd->r.keys, PS2KBD_KEYS, bytes[i]);
}

/* Append the bytes of one code in the present set to buf; returns how many (at most 3). */
static unsigned encode(const struct ps2kbd *kbd, u8 *buf, u8 code, bool extended, bool down)
{
    unsigned n = 0;

    if (extended)
        buf[n++] = 0xe0;
    if (kbd->r.set == 1) {
        buf[n++] = (u8)(code | (down ? 0 : 0x80));
        return n;
    }
    if (!down)
        buf[n++] = 0xf0;
    buf[n++] = set2_of(code);
    return n;
}

static void send_key(struct ps2kbd *kbd, u16 key, bool down)
{
    static const u8 pause1[] = {0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5};
    static const u8 pause2[] = {0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77};
    u8 buf[8];
    unsigned n = 0;

    if (key == KEY_PAUSE) {
        /* no release: both come with the press */
        if (down)
            put_sequence(kbd, kbd->r.set == 1 ? pause1 : pause2, kbd->r.set == 1 ? 6 : 8);
        return;
    }
    if (key == KEY_PRINT && down)
        n += encode(kbd, buf, 0x2a, true, true);
    n += encode(kbd, buf + n, key & 0x7f, key >> 8 == 0xe0, down);
    if (key == KEY_PRINT && !down)
        n += encode(kbd, buf + n, 0x2a, true, false);
    put_sequence(kbd, buf, n);
}

/* ---- typematic ---- */

static u64 repeat_delay(const struct ps2kbd *kbd)
{
    return ((kbd->r.rate >> 5 & 3) + 1) * (NS_PER_SEC / 4);
}

/* Period (8 + A) * 2^B * 4.17 ms. */
static u64 repeat_period(const struct ps2kbd *kbd)
{
    return ((u64)(8 + (kbd->r.rate & 7)) << (kbd->r.rate >> 3 & 3)) * 4170000;
}

static void set_repeat(struct ps2kbd *kbd, u64 when)
{
    kbd->r.repeat_at = when;
    timer_set(&kbd->timer, when);
}

static void repeat(void *arg, u64 now)
{
    struct ps2kbd *kbd = arg;

    /* a guest that does not read gets no pile of repeats */
    if (kbd->r.enabled && kbd->r.key.len < PS2KBD_KEYS / 4)
        send_key(kbd, kbd->r.repeat_key, true);
    set_repeat(kbd, now + repeat_period(kbd));
    update_ready(kbd);
}

static bool known_key(u16 key)
{
    u8 code = key & 0xff;

    if (key == KEY_PAUSE)
        return true;
    return (key >> 8 == 0 || key >> 8 == 0xe0) && code && code < 0x80 && set2_of(code);
}

void ps2kbd_key(void *dev, u16 key, bool down)
{
    struct ps2kbd *kbd = dev;
    unsigned slot = (key & 0x7f) | (key >> 8 ? 0x80 : 0);
    u8 *held = &kbd->r.down[slot / 8], bit = (u8)BIT(slot % 8);

    if (!known_key(key) || !!(*held & bit) == down)
        return;
    *held = (u8)(down ? *held | bit : *held & ~bit);
    if (kbd->r.enabled)
        send_key(kbd, key, down);
    if (down && key != KEY_PAUSE) {
        kbd->r.repeat_key = key;
        set_repeat(kbd, clock_now(kbd->dev.env.clock) + repeat_delay(kbd));
    } else if (!down && key == kbd->r.repeat_key) {
        set_repeat(kbd, CLOCK_NEVER);
    }
    update_ready(kbd);
}

/* ---- commands ---- */

static void set_leds(struct ps2kbd *kbd, u8 leds)
{
    kbd->r.leds = leds & 7;
    if (kbd->leds)
        kbd->leds(kbd->leds_arg, kbd->r.leds);
}

static void defaults(struct ps2kbd *kbd)
{
    kbd->r.rate = DEFAULT_RATE;
    kbd->r.set = 2;
    kbd->r.key = (struct fifo_state){0};
    set_repeat(kbd, CLOCK_NEVER);
}

static void do_parameter(struct ps2kbd *kbd, u8 cmd, u8 v)
{
    switch (cmd) {
    case 0xed: set_leds(kbd, v); break;
    case 0xf3: kbd->r.rate = v; break;
    case 0xf0:
        if (v > 2) {
            answer(kbd, RESEND);
            return;
        }
        answer(kbd, ACK);
        if (v)
            kbd->r.set = v;
        else
            answer(kbd, kbd->r.set);
        return;
    default: break; /* settings of single keys in set 3, which has no effect in sets 1 and 2 */
    }
    answer(kbd, ACK);
}

static void reset_command(struct ps2kbd *kbd)
{
    kbd->r.reply = (struct fifo_state){0};
    answer(kbd, ACK);
    defaults(kbd);
    kbd->r.enabled = 1;
    set_leds(kbd, 0);
    answer(kbd, BAT_OK);
}

static void do_command(struct ps2kbd *kbd, u8 cmd)
{
    switch (cmd) {
    case 0xed:
    case 0xf0:
    case 0xf3:
    case 0xfb:
    case 0xfc:
    case 0xfd:
        kbd->r.command = cmd;
        answer(kbd, ACK);
        break;
    case 0xee: answer(kbd, ECHO); break;
    case 0xf2:
        answer(kbd, ACK);
        answer(kbd, 0xab);
        answer(kbd, 0x83);
        break;
    case 0xf4:
        kbd->r.enabled = 1;
        kbd->r.key = (struct fifo_state){0};
        answer(kbd, ACK);
        break;
    case 0xf5:
        kbd->r.enabled = 0;
        defaults(kbd);
        answer(kbd, ACK);
        break;
    case 0xf6:
        defaults(kbd);
        answer(kbd, ACK);
        break;
    case 0xf7:
    case 0xf8:
    case 0xf9:
    case 0xfa: answer(kbd, ACK); break;
    case 0xfe: answer(kbd, kbd->r.last); break;
    case 0xff: reset_command(kbd); break;
    default: answer(kbd, RESEND); break;
    }
}

static void kbd_write(void *dev, u8 v)
{
    struct ps2kbd *kbd = dev;
    u8 cmd = kbd->r.command;

    kbd->r.command = 0;
    if (cmd && v < 0x80)
        do_parameter(kbd, cmd, v);
    else
        do_command(kbd, v); /* a new command instead of a parameter */
    update_ready(kbd);
}

static int kbd_take(void *dev)
{
    struct ps2kbd *kbd = dev;

    if (kbd->r.reply.len)
        kbd->r.last = fifo_get(&kbd->r.reply, kbd->r.replies, PS2KBD_REPLIES);
    else if (kbd->r.key.len)
        kbd->r.last = fifo_get(&kbd->r.key, kbd->r.keys, PS2KBD_KEYS);
    else
        return -1;
    update_ready(kbd);
    return kbd->r.last;
}

struct ps2_dev ps2kbd_port(struct ps2kbd *kbd)
{
    return (struct ps2_dev){kbd, kbd_write, kbd_take};
}

struct input_sink ps2kbd_sink(struct ps2kbd *kbd)
{
    return (struct input_sink){kbd, ps2kbd_key};
}

/* ---- life ---- */

static bool ps2kbd_init(struct dev *dev, struct err *err)
{
    struct ps2kbd *kbd = (struct ps2kbd *)dev;

    timer_init(&kbd->timer, dev->env.clock, repeat, kbd, "typematic");
    return true;
}

static void ps2kbd_reset(struct dev *dev)
{
    struct ps2kbd *kbd = (struct ps2kbd *)dev;

    timer_cancel(&kbd->timer);
    set_leds(kbd, 0);
    update_ready(kbd);
}

static bool ps2kbd_loaded(struct dev *dev, struct err *err)
{
    struct ps2kbd *kbd = (struct ps2kbd *)dev;
    struct ps2kbd_regs *r = &kbd->r;

    if (!fifo_valid(&r->key, PS2KBD_KEYS) || !fifo_valid(&r->reply, PS2KBD_REPLIES) || r->set < 1 ||
        r->set > 2)
        return err_set(err, "%s: the saved queues or scan code set are impossible", dev->id);
    if (r->repeat_at != CLOCK_NEVER && !known_key(r->repeat_key))
        return err_set(err, "%s: the saved repeating key does not exist", dev->id);
    timer_set(&kbd->timer, r->repeat_at);
    set_leds(kbd, r->leds);
    update_ready(kbd);
    return true;
}

const struct dev_class ps2kbd_class = {
    .name = "ps2-kbd",
    .help = "PS/2 keyboard",
    .size = sizeof(struct ps2kbd),
    .saved_at = offsetof(struct ps2kbd, r),
    .saved_size = sizeof(struct ps2kbd_regs),
    .version = 1,
    .fields = ps2kbd_fields,
    .init = ps2kbd_init,
    .reset = ps2kbd_reset,
    .loaded = ps2kbd_loaded,
};
