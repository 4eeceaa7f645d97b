/* The 8042 with keyboard and mouse through ports 0x60 and 0x64. */
#include "devices/input/i8042.h"
#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"
#include "tests/dev/rig.h"

struct setup {
    struct rig rig;
    struct i8042 *kbc;
    struct ps2kbd *kbd;
    struct ps2mouse *mouse;
    struct probe irq1, irq12, a20, reset;
};

static void setup(struct setup *s)
{
    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    s->kbc = rig_new(&s->rig, &i8042_class, "kbc");
    s->kbd = rig_new(&s->rig, &ps2kbd_class, "kbd");
    s->mouse = rig_new(&s->rig, &ps2mouse_class, "mouse");
    s->kbc->port[I8042_KBD] = ps2kbd_port(s->kbd);
    s->kbc->port[I8042_AUX] = ps2mouse_port(s->mouse);
    irq_connect(&s->kbd->ready, i8042_set_ready, s->kbc, I8042_KBD);
    irq_connect(&s->mouse->ready, i8042_set_ready, s->kbc, I8042_AUX);
    irq_connect(&s->kbc->irq1, probe_set, &s->irq1, 0);
    irq_connect(&s->kbc->irq12, probe_set, &s->irq12, 0);
    irq_connect(&s->kbc->a20, probe_set, &s->a20, 0);
    irq_connect(&s->kbc->reset, probe_set, &s->reset, 0);
    for (struct dev *dev = s->rig.devs.first; dev; dev = dev->next)
        rig_start(dev);
}

static void cmd(struct setup *s, u8 v)
{
    out8(&s->rig, 0x64, v);
}
static void data(struct setup *s, u8 v)
{
    out8(&s->rig, 0x60, v);
}
static u8 status(struct setup *s)
{
    return in8(&s->rig, 0x64);
}

/* The next byte within 10 ms, or -1. */
static int next(struct setup *s)
{
    for (int i = 0; i < 1000 && !(status(s) & 1); i++)
        rig_pass(&s->rig, 10000);
    return status(s) & 1 ? in8(&s->rig, 0x60) : -1;
}

/* The bytes that come are exactly those of `want` (a list ended by -1). */
static void expect_list(struct setup *s, const int *want)
{
    for (unsigned i = 0; want[i] >= 0; i++) {
        int got = next(s);

        ck_assert_msg(got == want[i], "byte %u: got %x, want %x", i, (unsigned)got,
                      (unsigned)want[i]);
    }
    ck_assert_int_eq(next(s), -1);
}
#define expect(s, ...) expect_list(s, (const int[]){__VA_ARGS__, -1})

static void key(struct setup *s, u16 code, bool down)
{
    ps2kbd_key(s->kbd, code, down);
}

START_TEST(controller)
{
    struct setup s;

    setup(&s);
    cmd(&s, 0xaa);
    ck_assert_uint_eq(status(&s), 0x1d);
    expect(&s, 0x55);
    cmd(&s, 0xab);
    expect(&s, 0);
    cmd(&s, 0xa9);
    expect(&s, 0);
    cmd(&s, 0x60), data(&s, 0x47);
    cmd(&s, 0x20);
    expect(&s, 0x47);
    cmd(&s, 0xad);
    cmd(&s, 0xa7);
    cmd(&s, 0x20);
    expect(&s, 0x77);
    cmd(&s, 0xae);
    cmd(&s, 0xa8);
    cmd(&s, 0x20);
    expect(&s, 0x47);
    cmd(&s, 0x65), data(&s, 0x5a);
    cmd(&s, 0x25);
    expect(&s, 0x5a);
    cmd(&s, 0xd2), data(&s, 0x33);
    ck_assert_uint_eq(status(&s) & 0x21, 0x01);
    expect(&s, 0x33);
    cmd(&s, 0xd3), data(&s, 0x44);
    ck_assert_uint_eq(status(&s) & 0x21, 0x21);
    expect(&s, 0x44);
    cmd(&s, 0x99); /* unknown */
    ck_assert_int_eq(next(&s), -1);
    for (int i = 0; i < 40; i++)
        cmd(&s, 0x20); /* more replies than there is room for */
    rig_free(&s.rig);
}
END_TEST

START_TEST(a20_and_reset)
{
    struct setup s;

    setup(&s);
    ck_assert_int_eq(s.a20.level, 1);
    cmd(&s, 0xdd);
    ck_assert_int_eq(s.a20.level, 0);
    cmd(&s, 0xdf);
    ck_assert_int_eq(s.a20.level, 1);
    cmd(&s, 0xd1), data(&s, 0xdd);
    ck_assert_int_eq(s.a20.level, 0);
    cmd(&s, 0xd0);
    ck_assert_uint_eq((unsigned)next(&s), 0xcd); /* unused pins and idle lines high */
    ck_assert_int_eq(s.reset.rises, 0);
    cmd(&s, 0xfe);
    ck_assert_int_eq(s.reset.rises, 1);
    ck_assert_int_eq(s.reset.level, 0);
    cmd(&s, 0xff); /* pulses nothing */
    ck_assert_int_eq(s.reset.rises, 1);
    cmd(&s, 0xd1), data(&s, 0xfe);
    ck_assert_int_eq(s.reset.rises, 2);
    rig_free(&s.rig);
}
END_TEST

START_TEST(keys_translated)
{
    struct setup s;

    setup(&s);
    for (unsigned code = 1; code <= 0x58; code++) {
        if (code >= 0x55 && code != 0x56 && code < 0x57)
            continue; /* no such key */
        key(&s, (u16)code, true), key(&s, (u16)code, false);
        expect(&s, (int)code, (int)code | 0x80);
    }
    key(&s, 0xe048, true), key(&s, 0xe048, false);
    expect(&s, 0xe0, 0x48, 0xe0, 0xc8);
    key(&s, 0xe11d, true), key(&s, 0xe11d, false);
    expect(&s, 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5);
    key(&s, 0xe037, true), key(&s, 0xe037, false);
    expect(&s, 0xe0, 0x2a, 0xe0, 0x37, 0xe0, 0xb7, 0xe0, 0xaa);
    rig_free(&s.rig);
}
END_TEST

START_TEST(keys_in_both_sets)
{
    struct setup s;

    setup(&s);
    cmd(&s, 0x60), data(&s, 0x03); /* no translation */
    key(&s, 0x1e, true), key(&s, 0x1e, false);
    expect(&s, 0x1c, 0xf0, 0x1c);
    key(&s, 0x41, true), key(&s, 0x41, false); /* F7 */
    expect(&s, 0x83, 0xf0, 0x83);
    key(&s, 0xe04b, true), key(&s, 0xe04b, false);
    expect(&s, 0xe0, 0x6b, 0xe0, 0xf0, 0x6b);
    key(&s, 0xe11d, true);
    expect(&s, 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77);
    data(&s, 0xf0), data(&s, 1);
    expect(&s, 0xfa, 0xfa);
    key(&s, 0x1e, true), key(&s, 0x1e, false);
    expect(&s, 0x1e, 0x9e);
    data(&s, 0xf0), data(&s, 0);
    expect(&s, 0xfa, 0xfa, 1);
    data(&s, 0xf0), data(&s, 9);
    expect(&s, 0xfa, 0xfe);
    key(&s, 0x7777, true); /* no such keys */
    key(&s, 0, true);
    key(&s, 0xe080, true);
    ck_assert_int_eq(next(&s), -1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(keyboard_commands)
{
    struct setup s;

    setup(&s);
    data(&s, 0xff);
    expect(&s, 0xfa, 0xaa);
    data(&s, 0xf2);
    expect(&s, 0xfa, 0xab, 0x41); /* 0x83 as the controller translates it */
    data(&s, 0xee);
    expect(&s, 0xee);
    data(&s, 0xed), data(&s, 5);
    expect(&s, 0xfa, 0xfa);
    ck_assert_uint_eq(s.kbd->r.leds, 5);
    data(&s, 0xed), data(&s, 0xf4); /* a command instead of the parameter */
    expect(&s, 0xfa, 0xfa);
    ck_assert_uint_eq(s.kbd->r.leds, 5);
    data(&s, 0xf5);
    expect(&s, 0xfa);
    key(&s, 0x1e, true), key(&s, 0x1e, false);
    ck_assert_int_eq(next(&s), -1);
    data(&s, 0xf4);
    expect(&s, 0xfa);
    data(&s, 0x12);
    expect(&s, 0xfe);
    data(&s, 0xf3), data(&s, 0x20);
    expect(&s, 0xfa, 0xfa);
    ck_assert_uint_eq(s.kbd->r.rate, 0x20);
    key(&s, 0x1f, true);
    expect(&s, 0x1f);
    data(&s, 0xfe);
    expect(&s, 0x1f);
    rig_free(&s.rig);
}
END_TEST

START_TEST(answers_go_first_and_overflow_is_whole)
{
    struct setup s;
    int c, makes = 0, breaks = 0;

    setup(&s);
    key(&s, 0x1e, true);
    key(&s, 0x1e, false);
    data(&s, 0xee);
    expect(&s, 0xee, 0x1e, 0x9e);
    cmd(&s, 0x60), data(&s, 0x03);
    for (int i = 0; i < 100; i++)
        key(&s, 0xe048, true), key(&s, 0xe048, false);
    while ((c = next(&s)) >= 0) {
        ck_assert_int_eq(c, 0xe0);
        c = next(&s);
        if (c == 0xf0) {
            breaks++;
            c = next(&s);
        } else {
            makes++;
        }
        ck_assert_int_eq(c, 0x75);
    }
    ck_assert_int_ge(makes, 10);
    ck_assert_int_ge(breaks, 10);
    rig_free(&s.rig);
}
END_TEST

START_TEST(typematic)
{
    struct setup s;
    int n = 0, c;

    setup(&s);
    key(&s, 0x1e, true);
    key(&s, 0x1e, true); /* the host's own repeat is not ours */
    expect(&s, 0x1e);
    rig_pass(&s.rig, 450000000);
    ck_assert_uint_eq(status(&s) & 1, 0);
    for (u64 end = s.rig.now + NS_PER_SEC; s.rig.now < end;)
        if ((c = next(&s)) >= 0) {
            ck_assert_int_eq(c, 0x1e);
            n++;
        }
    ck_assert_int_ge(n, 10); /* 10.9 a second */
    ck_assert_int_le(n, 12);
    key(&s, 0x1f, true); /* the last one pressed repeats */
    expect(&s, 0x1f);
    rig_pass(&s.rig, 700000000);
    ck_assert_int_eq(next(&s), 0x1f);
    key(&s, 0x1f, false);
    while ((c = next(&s)) != 0x9f)
        ck_assert_int_eq(c, 0x1f);
    rig_pass(&s.rig, 5 * NS_PER_SEC);
    ck_assert_int_eq(next(&s), -1);
    /* nobody reads: repeats do not pile up */
    key(&s, 0x20, true);
    rig_pass(&s.rig, 60 * NS_PER_SEC);
    ck_assert_uint_le(s.kbd->r.key.len, 20);
    rig_free(&s.rig);
}
END_TEST

START_TEST(interrupt_per_byte)
{
    struct setup s;

    setup(&s);
    for (int i = 0; i < 3; i++)
        key(&s, 0x1e, true), key(&s, 0x1e, false);
    for (int i = 0; i < 6; i++) {
        rig_pass(&s.rig, 10000000);
        ck_assert_int_eq(s.irq1.level, 1);
        ck_assert_int_eq(s.irq1.rises, i + 1);
        in8(&s.rig, 0x60);
        ck_assert_int_eq(s.irq1.level, 0); /* so that the next byte makes an edge */
        ck_assert_uint_eq(in8(&s.rig, 0x60),
                          i & 1 ? 0x9e : 0x1e); /* reading twice gives the same */
    }
    cmd(&s, 0x60), data(&s, 0x42); /* keyboard interrupt off */
    key(&s, 0x1e, true);
    rig_pass(&s.rig, 10000000);
    ck_assert_int_eq(s.irq1.level, 0);
    ck_assert_uint_eq(status(&s) & 1, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(disabled_port_holds_bytes)
{
    struct setup s;

    setup(&s);
    cmd(&s, 0xad);
    key(&s, 0x1e, true);
    ck_assert_int_eq(next(&s), -1);
    cmd(&s, 0xae);
    expect(&s, 0x1e);
    cmd(&s, 0xad);
    data(&s, 0xee); /* talking to it opens the port */
    expect(&s, 0xee);
    rig_free(&s.rig);
}
END_TEST

static void aux(struct setup *s, u8 v)
{
    cmd(s, 0xd4);
    data(s, v);
}

START_TEST(mouse_commands)
{
    struct setup s;

    setup(&s);
    aux(&s, 0xff);
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.irq12.level, 1);
    ck_assert_uint_eq(status(&s) & 0x21, 0x21);
    expect(&s, 0xfa, 0xaa, 0x00);
    aux(&s, 0xf2);
    expect(&s, 0xfa, 0);
    aux(&s, 0xe8), aux(&s, 3);
    expect(&s, 0xfa); /* the second command drops the first answer if nobody has read it */
    aux(&s, 0xf3);
    expect(&s, 0xfa);
    aux(&s, 40);
    expect(&s, 0xfa);
    aux(&s, 0xe7);
    expect(&s, 0xfa);
    aux(&s, 0xe9);
    expect(&s, 0xfa, 0x10, 3, 40);
    aux(&s, 0xf3);
    expect(&s, 0xfa);
    aux(&s, 0);
    expect(&s, 0xfe);
    aux(&s, 60);
    expect(&s, 0xfa);
    aux(&s, 0xee);
    expect(&s, 0xfa);
    aux(&s, 0x55); /* echo */
    expect(&s, 0x55);
    aux(&s, 0xec);
    expect(&s, 0xfa);
    aux(&s, 0x77);
    expect(&s, 0xfe);
    rig_free(&s.rig);
}
END_TEST

START_TEST(mouse_packets)
{
    struct setup s;

    setup(&s);
    ps2mouse_move(s.mouse, 5, 5, 0, 0); /* nobody listens */
    ck_assert_int_eq(next(&s), -1);
    aux(&s, 0xf4);
    expect(&s, 0xfa);
    ps2mouse_move(s.mouse, 5, 7, 0, 1); /* right, down */
    expect(&s, 0x29, 0x05, 0xf9);
    ps2mouse_move(s.mouse, -1, -2, 1, 6);
    expect(&s, 0x1e, 0xff, 0x02);
    ps2mouse_move(s.mouse, 600, 0, 0, 0); /* more than a packet holds */
    expect(&s, 0x08, 255, 0, 0x08, 255, 0, 0x08, 90, 0);
    ps2mouse_move(s.mouse, 0, 0, 0, 0);
    ck_assert_int_eq(next(&s), -1);
    ps2mouse_move(s.mouse, 0x7fffffff, -0x7fffffff - 1, 0x7fffffff, ~0u);
    ck_assert_int_ge(next(&s), 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(mouse_rate_limits)
{
    struct setup s;
    int bytes = 0;

    setup(&s);
    aux(&s, 0xf3);
    next(&s);
    aux(&s, 20);
    next(&s);
    aux(&s, 0xf4);
    next(&s);
    for (u64 end = s.rig.now + NS_PER_SEC; s.rig.now < end; rig_pass(&s.rig, 100000)) {
        ps2mouse_move(s.mouse, 1, 0, 0, 0);
        if (status(&s) & 1) {
            in8(&s.rig, 0x60);
            bytes++;
        }
    }
    ck_assert_int_ge(bytes, 3 * 18);
    ck_assert_int_le(bytes, 3 * 21);
    rig_free(&s.rig);
}
END_TEST

START_TEST(mouse_wheel)
{
    static const u8 knock[] = {200, 100, 80};
    struct setup s;

    setup(&s);
    for (int i = 0; i < 3; i++) {
        aux(&s, 0xf3);
        expect(&s, 0xfa);
        aux(&s, knock[i]);
        expect(&s, 0xfa);
    }
    aux(&s, 0xf2);
    expect(&s, 0xfa, 3);
    aux(&s, 0xf4);
    expect(&s, 0xfa);
    ps2mouse_move(s.mouse, 0, 0, -1, 0);
    expect(&s, 0x08, 0, 0, 0xff);
    aux(&s, 0xf0); /* remote: only when asked */
    expect(&s, 0xfa);
    ps2mouse_move(s.mouse, 3, 0, 0, 0);
    ck_assert_int_eq(next(&s), -1);
    aux(&s, 0xeb);
    expect(&s, 0xfa, 0x08, 3, 0, 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(no_device)
{
    struct setup s;

    setup(&s);
    s.kbc->port[I8042_AUX] = (struct ps2_dev){0};
    aux(&s, 0xf2);
    expect(&s, 0xfe);
    rig_free(&s.rig);
}
END_TEST

START_TEST(state)
{
    struct setup s;
    struct snap snap = {0};
    struct err err;

    setup(&s);
    key(&s, 0x1e, true);
    key(&s, 0x1f, true);
    rig_pass(&s.rig, 60000);
    dev_save(&s.kbc->dev, &snap);
    dev_save(&s.kbd->dev, &snap);
    dev_save(&s.mouse->dev, &snap);
    expect(&s, 0x1e, 0x1f);
    dev_list_reset(&s.rig.devs);
    for (struct dev *dev = s.rig.devs.first; dev; dev = dev->next)
        ck_assert(dev_load(dev, &snap, &err));
    ck_assert_int_eq(s.irq1.level, 1);
    expect(&s, 0x1e, 0x1f);
    rig_pass(&s.rig, NS_PER_SEC);
    ck_assert_int_eq(next(&s), 0x1f); /* repeats after loading, too */
    snap_free(&snap);
    rig_reload(&s.kbc->dev);
    rig_reload(&s.kbd->dev);
    rig_reload(&s.mouse->dev);
    s.kbd->r.key.len = 1000;
    dev_save(&s.kbd->dev, &snap);
    ck_assert(!dev_load(&s.kbd->dev, &snap, &err));
    snap_free(&snap);
    s.mouse->r.rate = 0;
    dev_save(&s.mouse->dev, &snap);
    ck_assert(!dev_load(&s.mouse->dev, &snap, &err));
    snap_free(&snap);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {controller,
                                  a20_and_reset,
                                  keys_translated,
                                  keys_in_both_sets,
                                  keyboard_commands,
                                  answers_go_first_and_overflow_is_whole,
                                  typematic,
                                  interrupt_per_byte,
                                  disabled_port_holds_bytes,
                                  mouse_commands,
                                  mouse_packets,
                                  mouse_rate_limits,
                                  mouse_wheel,
                                  no_device,
                                  state,
                                  NULL};

    return rig_main("i8042", tests);
}
