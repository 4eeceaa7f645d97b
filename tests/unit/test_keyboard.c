/* Symbols and text as key presses: layouts, modifiers that are put right, what is held, pasted text;
 * pointers as places and as steps; one picture for several viewers. */
#include "frontend/keyboard/keyboard.h"
#include "frontend/keyboard/keysym.h"
#include "frontend/pointer.h"
#include "frontend/screen.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rig {
    struct clock clock;
    struct keyboard k;
    struct input_sink sink;
    u64 now;
    char log[4096]; /* "+1e -1e ..." */
};

static u64 now(void *arg)
{
    return ((struct rig *)arg)->now;
}

static void on_key(void *dev, u16 code, bool down)
{
    struct rig *r = dev;
    size_t n = strlen(r->log);

    snprintf(r->log + n, sizeof(r->log) - n, "%c%x ", down ? '+' : '-', code);
}

static void start(struct rig *r, const char *layout)
{
    memset(r, 0, sizeof(*r));
    clock_init(&r->clock, now, r);
    r->sink = (struct input_sink){r, on_key};
    keyboard_init(&r->k, &r->sink, &r->clock, layout_find(layout));
}

static void end(struct rig *r)
{
    keyboard_free(&r->k);
    clock_free(&r->clock);
}

static void expect(struct rig *r, const char *log)
{
    ck_assert_str_eq(r->log, log);
    r->log[0] = 0;
}

static void tap(struct rig *r, u32 sym)
{
    keyboard_sym(&r->k, sym, true);
    keyboard_sym(&r->k, sym, false);
}

START_TEST(layouts)
{
    struct stroke s;

    ck_assert_ptr_null(layout_find("xx"));
    for (u32 i = 0; layout_names[i]; i++) {
        const struct layout *l = layout_find(layout_names[i]);

        ck_assert_ptr_nonnull(l);
        for (u32 c = 'a'; c <= 'z'; c++) {
            ck_assert_msg(layout_stroke(l, c, &s), "%s: no %c", layout_names[i], (int)c);
            ck_assert(!s.shift && !s.altgr);
            ck_assert(layout_stroke(l, c - 32, &s) && s.shift);
        }
        for (u32 c = '0'; c <= '9'; c++)
            ck_assert(layout_stroke(l, c, &s));
        ck_assert(layout_stroke(l, ' ', &s) && s.code == 0x39);
        ck_assert(layout_stroke(l, '\n', &s) && s.code == 0x1c);
        ck_assert(!layout_stroke(l, 0x4e00, &s));
    }
    for (u32 c = 0x20; c < 0x7f; c++)
        ck_assert_msg(layout_stroke(layout_find("en-us"), c, &s), "no %c", (int)c);
    ck_assert(layout_stroke(layout_find("de"), 'z', &s) && s.code == 0x15);
    ck_assert(layout_stroke(layout_find("de"), '@', &s) && s.code == 0x10 && s.altgr);
    ck_assert(layout_stroke(layout_find("fr"), '1', &s) && s.code == 0x02 && s.shift);
}
END_TEST

START_TEST(symbols)
{
    struct rig r;

    start(&r, "en-us");
    tap(&r, 'a');
    expect(&r, "+1e -1e ");
    tap(&r, 0xff0d);
    expect(&r, "+1c -1c ");
    tap(&r, 0xffbe + 11);
    tap(&r, 0xff52);
    expect(&r, "+58 -58 +e048 -e048 ");
    tap(&r, 0xffe5); /* caps lock is in the symbols */
    tap(&r, 0x12345);
    expect(&r, "");
    ck_assert_uint_eq(keysym_character(0x010020ac), 0x20ac);
    ck_assert_uint_eq(keysym_character(0x20ac), 0x20ac);
    ck_assert_uint_eq(keysym_character(0xff0d), 0);
    keyboard_sym(&r.k, 'b', true);
    keyboard_sym(&r.k, 'b', true); /* the client repeats: the guest does that itself */
    keyboard_sym(&r.k, 0xffe1, true);
    expect(&r, "+30 +2a ");
    keyboard_release(&r.k);
    expect(&r, "-2a -30 ");
    for (u32 i = 0; i < 100; i++)
        keyboard_sym(&r.k, 0x21 + i % 90, true);
    ck_assert_uint_le(r.k.nheld, KEYBOARD_HELD);
    end(&r);
}
END_TEST

START_TEST(modifiers)
{
    struct rig r;

    start(&r, "en-us");
    tap(&r, 'A'); /* a client whose shift is not ours, as with caps lock */
    expect(&r, "+2a +1e -2a -1e ");
    keyboard_sym(&r.k, 0xffe1, true);
    tap(&r, 'A');
    expect(&r, "+2a +1e -1e ");
    tap(&r, 'a');
    expect(&r, "-2a +1e +2a -1e ");
    keyboard_sym(&r.k, 0xffe1, false);
    expect(&r, "-2a ");
    keyboard_sym(&r.k, 0xffe3, true); /* a command is a key, not a character */
    tap(&r, 'C');
    expect(&r, "+1d +2e -2e ");
    keyboard_sym(&r.k, 0xffe3, false);
    end(&r);
    start(&r, "de");
    tap(&r, '@');
    expect(&r, "+e038 +10 -e038 -10 ");
    end(&r);
}
END_TEST

START_TEST(taps)
{
    struct rig r;

    start(&r, "en-us");
    ck_assert(keyboard_tap(&r.k, 'c', true, false));
    expect(&r, "+1d +2e -2e -1d ");
    ck_assert(keyboard_tap(&r.k, 'X', false, true));
    expect(&r, "+38 +2a +2d -2d -2a -38 ");
    ck_assert(!keyboard_tap(&r.k, 0x4e00, false, false));
    end(&r);
}
END_TEST

START_TEST(paste)
{
    static const char text[] = "a\r\nB\x01\xc3\xa4\xe4\xff\t";
    struct rig r;

    start(&r, "de");
    ck_assert_uint_eq(keyboard_paste(&r.k, text, sizeof(text) - 1), sizeof(text) - 1);
    for (u32 i = 0; i < 100; i++) {
        r.now += 10000000;
        clock_run(&r.clock);
    }
    expect(&r, "+1e -1e +1c -1c +2a +30 -30 -2a +28 -28 +f -f ");
    ck_assert(!timer_pending(&r.k.timer));
    {
        char *big = calloc(1, 200000);

        memset(big, 'x', 200000);
        ck_assert_uint_lt(keyboard_paste(&r.k, big, 200000), 200000);
        ck_assert_uint_eq(keyboard_paste(&r.k, big, 10), 0);
        free(big);
    }
    end(&r);
}
END_TEST

/* ---- pointer ---- */

struct places {
    u32 x, y, buttons;
    int dx, dy, dz;
    bool wanted;
};

static void on_point(void *dev, u32 x, u32 y, int dz, u32 buttons)
{
    struct places *p = dev;

    p->x = x, p->y = y, p->dz = dz, p->buttons = buttons;
}

static bool on_wanted(void *dev)
{
    return ((struct places *)dev)->wanted;
}

static void on_move(void *dev, int dx, int dy, int dz, u32 buttons)
{
    struct places *p = dev;

    p->dx = dx, p->dy = dy, p->dz = dz, p->buttons = buttons;
}

START_TEST(pointers)
{
    static struct pc pc;
    struct places got = {0};
    struct pointer p = {.pc = &pc};

    pointer_at(&p, 1, 1, 10, 10, 0, 0); /* nobody is there */
    ck_assert(!pointer_absolute(&p));
    pc.mouse = (struct mouse_sink){&got, on_move};
    pointer_at(&p, 11, 5, 640, 480, 1, 3);
    ck_assert_int_eq(got.dx, 10);
    ck_assert_int_eq(got.dy, 4);
    ck_assert_int_eq(got.dz, 1);
    ck_assert_uint_eq(got.buttons, 3);
    pc.tablet = (struct tablet_sink){&got, on_point, on_wanted};
    ck_assert(!pointer_absolute(&p));
    got.wanted = true;
    ck_assert(pointer_absolute(&p));
    pointer_at(&p, 639, 0, 640, 480, 0, 0);
    ck_assert_uint_eq(got.x, 32767);
    ck_assert_uint_eq(got.y, 0);
    pointer_at(&p, -50, 9999, 640, 480, 0, 0);
    ck_assert_uint_eq(got.x, 0);
    ck_assert_uint_eq(got.y, 32767);
    pointer_at(&p, 0, 0, 1, 0, 0, 0);
    pc.tablet.wanted = NULL;
    ck_assert(pointer_absolute(&p));
}
END_TEST

/* ---- screen ---- */

static const struct surface *draw(void *dev, bool full)
{
    return dev;
}

START_TEST(viewers)
{
    u32 pixels[100];
    struct surface f = {pixels, 10, 10, 10, 0, 0, 1};
    struct display d = {&f, draw, NULL}, none = {NULL, NULL, NULL};
    struct screen s = {.display = &d};
    struct screen_view a = {0}, b = {0};

    screen_add(&s, &a);
    screen_add(&s, &b);
    ck_assert_ptr_eq(screen_look(&s), &f);
    ck_assert(a.y0 == 0 && a.y1 == 10 && b.y1 == 10); /* a new picture is shown whole */
    a.y0 = a.y1 = 0;
    b.y0 = b.y1 = 0;
    f.dirty_y0 = 3, f.dirty_y1 = 4;
    screen_look(&s);
    f.dirty_y0 = 7, f.dirty_y1 = 9;
    a.y0 = a.y1 = 0; /* this one has shown the first change, the other not */
    screen_look(&s);
    ck_assert(a.y0 == 7 && a.y1 == 9);
    ck_assert(b.y0 == 3 && b.y1 == 9);
    screen_remove(&s, &a);
    screen_remove(&s, &b);
    screen_remove(&s, &b);
    ck_assert_ptr_null(s.views);
    s.display = &none;
    ck_assert_ptr_null(screen_look(&s));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {layouts, symbols, modifiers, taps, paste, pointers, viewers, NULL};
    Suite *suite = suite_create("keyboard");
    TCase *tc = tcase_create("keyboard");
    SRunner *sr = srunner_create(suite);
    int failed;

    for (u32 i = 0; tests[i]; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
