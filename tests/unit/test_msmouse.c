/* The serial mouse as a port and its guest see it: identification by power, packets, pacing. */
#include "frontend/host/chardev.h"

#include <check.h>
#include <string.h>

struct guest {
    u8 got[64];
    size_t n, room;
};

static size_t can_take(void *arg)
{
    return ((struct guest *)arg)->room;
}

static void take(void *arg, const u8 *data, size_t n)
{
    struct guest *g = arg;

    ck_assert_uint_le(g->n + n, sizeof(g->got));
    memcpy(g->got + g->n, data, n);
    g->n += n;
    g->room -= n;
}

struct rig {
    struct loop loop;
    struct guest guest;
    struct chardev *dev;
    struct chr_port port;
    struct mouse_sink mouse;
};

static void kick(void *arg) {}

static void start(struct rig *r)
{
    struct err err;

    memset(r, 0, sizeof(*r));
    ck_assert(loop_init(&r->loop, kick, NULL, &err));
    r->dev = chardev_open(&r->loop, "m", "msmouse", false, &err);
    ck_assert_ptr_nonnull(r->dev);
    ck_assert(r->dev->is_mouse);
    chr_port_init(&r->port);
    r->port.chr.can_take = can_take;
    r->port.chr.take = take;
    r->port.chr.arg = &r->guest;
    ck_assert(chr_port_connect(&r->port, r->dev));
    r->mouse = msmouse_sink(&r->dev->mouse);
    r->guest.room = 64;
}

static void end(struct rig *r)
{
    chardev_close(r->dev);
    loop_free(&r->loop);
}

static void expect(struct rig *r, const char *bytes, size_t n)
{
    ck_assert_uint_eq(r->guest.n, n);
    ck_assert_int_eq(memcmp(r->guest.got, bytes, n), 0);
    r->guest.n = 0;
}

START_TEST(identification)
{
    struct rig r;

    start(&r);
    r.mouse.move(r.mouse.dev, 5, 5, 0, 0); /* without power it is dead */
    expect(&r, "", 0);
    r.port.chr.ops->lines(&r.port.chr, true, false);
    expect(&r, "", 0);
    r.port.chr.ops->lines(&r.port.chr, true, true);
    expect(&r, "M3", 2);
    r.port.chr.ops->lines(&r.port.chr, true, true);
    expect(&r, "", 0);
    r.port.chr.ops->lines(&r.port.chr, true, false);
    r.port.chr.ops->lines(&r.port.chr, true, true);
    expect(&r, "M3", 2);
    end(&r);
}
END_TEST

START_TEST(packets)
{
    struct rig r;

    start(&r);
    r.port.chr.ops->lines(&r.port.chr, true, true);
    r.guest.n = 0;
    r.mouse.move(r.mouse.dev, 3, -2, 0, 1);
    expect(&r, "\x6c\x03\x3e", 3);
    r.mouse.move(r.mouse.dev, 0, 0, 0, 1); /* nothing new */
    expect(&r, "", 0);
    r.mouse.move(r.mouse.dev, 0, 0, 0, 2);
    expect(&r, "\x50\x00\x00", 3);
    r.mouse.move(r.mouse.dev, 0, 0, 0, 4);
    expect(&r, "\x40\x00\x00\x20", 4);
    r.mouse.move(r.mouse.dev, 0, 0, 0, 0);
    expect(&r, "\x40\x00\x00\x00", 4);
    r.mouse.move(r.mouse.dev, 130, -130, 0, 0);
    expect(&r, "\x49\x3f\x01\x4c\x03\x3d", 6);
    end(&r);
}
END_TEST

START_TEST(slow_guest)
{
    struct rig r;

    start(&r);
    r.port.chr.ops->lines(&r.port.chr, true, true);
    r.guest.n = r.guest.room = 0;
    for (u32 i = 0; i < 10000; i++)
        r.mouse.move(r.mouse.dev, 1, 0, 0, i & 1);
    expect(&r, "", 0);
    ck_assert_uint_le(r.port.len, 16); /* the rest is summed up, not queued */
    ck_assert_int_le(r.dev->mouse.dx, 4096);
    r.guest.room = 64;
    r.port.chr.ready(&r.port.chr);
    ck_assert_uint_gt(r.guest.n, 30);
    end(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("msmouse");
    TCase *tc = tcase_create("msmouse");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_add_test(tc, identification);
    tcase_add_test(tc, packets);
    tcase_add_test(tc, slow_guest);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
