/* The window without a window system (SDL's dummy driver): size and shape, keys, both kinds of
 * pointer, capturing, pasting, pictures saved, the status line. Skipped in builds without SDL. */
#include "config.h"

#ifdef CONFIG_SDL
#include "frontend/sdl/sdl_int.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the guest's devices got. */
struct got {
    u32 nkeys;
    struct {
        u16 code;
        bool down;
    } key[64];
    int dx, dy, dz, moves;
    u32 buttons, x, y;
    bool tablet; /* the guest listens to it */
};

struct rig {
    struct vm vm;
    struct options opt;
    struct got got;
    char dir[64];
};

static void on_key(void *dev, u16 code, bool down)
{
    struct got *g = dev;

    if (g->nkeys < ARRAY_LEN(g->key)) {
        g->key[g->nkeys].code = code;
        g->key[g->nkeys].down = down;
        g->nkeys++;
    }
}

static void on_move(void *dev, int dx, int dy, int dz, u32 buttons)
{
    struct got *g = dev;

    g->moves++;
    g->dx += dx, g->dy += dy, g->dz += dz;
    g->buttons = buttons;
}

static void on_point(void *dev, u32 x, u32 y, int dz, u32 buttons)
{
    struct got *g = dev;

    g->x = x, g->y = y, g->dz += dz, g->buttons = buttons;
}

static bool on_wanted(void *dev)
{
    return ((struct got *)dev)->tablet;
}

/* A machine whose firmware is one jump to itself, stopped. */
static struct rig *start(const char *display)
{
    struct rig *r = calloc(1, sizeof(*r));
    char *argv[] = {"dragoman", "-m", "16", "-bios", NULL, "-display", (char *)display, "-serial",
                    "null", "-monitor", "none", "-S", NULL};
    char bios[80];
    u8 rom[65536] = {0};
    struct err err;
    FILE *f;

    setenv("SDL_VIDEODRIVER", "dummy", 1);
    strcpy(r->dir, "/tmp/test_sdl.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    snprintf(bios, sizeof(bios), "%s/bios", r->dir);
    rom[0xfff0] = 0xeb, rom[0xfff1] = 0xfe;
    f = fopen(bios, "wb");
    ck_assert_uint_eq(fwrite(rom, 1, sizeof(rom), f), sizeof(rom));
    fclose(f);
    argv[4] = bios;
    ck_assert_msg(opts_parse(&r->opt, 12, argv, &err), "%s", err.msg);
    ck_assert_msg(vm_create(&r->vm, &r->opt, &err), "%s", err.msg);
    ck_assert_ptr_nonnull(r->vm.sdl);
    r->vm.pc->keyboard = (struct input_sink){&r->got, on_key};
    r->vm.pc->mouse = (struct mouse_sink){&r->got, on_move};
    r->vm.pc->tablet = (struct tablet_sink){&r->got, on_point, on_wanted};
    unlink(bios);
    return r;
}

static void end(struct rig *r)
{
    vm_destroy(&r->vm);
    rmdir(r->dir);
    free(r);
}

static void frame(struct rig *r)
{
    r->vm.sdl->frame.fire(r->vm.sdl->frame.arg);
}

static void press(struct rig *r, SDL_Scancode code, u16 mod, bool down)
{
    SDL_Event e = {.type = down ? SDL_KEYDOWN : SDL_KEYUP};

    e.key.keysym.scancode = code;
    e.key.keysym.mod = mod;
    SDL_PushEvent(&e);
    frame(r);
}

static void hot_key(struct rig *r, SDL_Scancode code)
{
    press(r, code, KMOD_LCTRL | KMOD_LALT, true);
    press(r, code, 0, false);
}

static void mouse_to(struct rig *r, int x, int y, int dx, int dy)
{
    SDL_Event e = {.type = SDL_MOUSEMOTION};

    e.motion.x = x, e.motion.y = y, e.motion.xrel = dx, e.motion.yrel = dy;
    SDL_PushEvent(&e);
    frame(r);
}

static void click(struct rig *r, int x, int y, int button, bool down)
{
    SDL_Event e = {.type = down ? SDL_MOUSEBUTTONDOWN : SDL_MOUSEBUTTONUP};

    e.button.button = (u8)button;
    e.button.state = down ? SDL_PRESSED : SDL_RELEASED;
    e.button.x = x, e.button.y = y;
    SDL_PushEvent(&e);
    frame(r);
}

START_TEST(keys)
{
    struct rig *r = start("sdl");

    frame(r);
    press(r, SDL_SCANCODE_A, 0, true);
    press(r, SDL_SCANCODE_A, 0, false);
    ck_assert_uint_eq(r->got.nkeys, 2);
    ck_assert_uint_eq(r->got.key[0].code, 0x1e);
    ck_assert(r->got.key[0].down && !r->got.key[1].down);
    /* keys that are down are released when the window loses the keyboard */
    press(r, SDL_SCANCODE_LSHIFT, 0, true);
    {
        SDL_Event e = {.type = SDL_WINDOWEVENT};

        e.window.event = SDL_WINDOWEVENT_FOCUS_LOST;
        SDL_PushEvent(&e);
        frame(r);
    }
    ck_assert_uint_eq(r->got.nkeys, 4);
    ck_assert_uint_eq(r->got.key[3].code, 0x2a);
    ck_assert(!r->got.key[3].down);
    end(r);
}
END_TEST

START_TEST(relative_pointer)
{
    struct rig *r = start("sdl");

    frame(r);
    mouse_to(r, 10, 10, 5, 5); /* not captured: the guest hears nothing */
    ck_assert_int_eq(r->got.moves, 0);
    click(r, 10, 10, SDL_BUTTON_LEFT, true);
    ck_assert(r->vm.sdl->grabbed);
    ck_assert_ptr_nonnull(strstr(r->vm.sdl->message, "CAPTURED"));
    ck_assert_ptr_nonnull(strstr(SDL_GetWindowTitle(r->vm.sdl->window), "frees the mouse"));
    mouse_to(r, 10, 10, 7, -3);
    ck_assert_int_eq(r->got.dx, 7);
    ck_assert_int_eq(r->got.dy, -3);
    click(r, 10, 10, SDL_BUTTON_RIGHT, true);
    ck_assert_uint_eq(r->got.buttons, 2);
    {
        SDL_Event e = {.type = SDL_MOUSEWHEEL};

        e.wheel.y = 2;
        SDL_PushEvent(&e);
        frame(r);
    }
    ck_assert_int_eq(r->got.dz, -2);
    hot_key(r, SDL_SCANCODE_G);
    ck_assert(!r->vm.sdl->grabbed);
    end(r);
}
END_TEST

START_TEST(absolute_pointer)
{
    struct rig *r = start("sdl");
    struct sdl *s;

    r->got.tablet = true;
    frame(r);
    s = r->vm.sdl;
    mouse_to(r, s->shown.x + s->shown.w / 2, s->shown.y + s->shown.h / 2, 1, 1);
    ck_assert_uint_ge(r->got.x, 16300);
    ck_assert_uint_le(r->got.x, 16500);
    ck_assert_uint_ge(r->got.y, 16300);
    ck_assert_uint_le(r->got.y, 16500);
    click(r, 5000, 5000, SDL_BUTTON_LEFT, true); /* outside: at the edge */
    ck_assert(!s->grabbed);
    ck_assert_uint_eq(r->got.x, 32767);
    ck_assert_uint_eq(r->got.buttons, 1);
    s->title_at = 0;
    frame(r);
    ck_assert_ptr_null(strstr(SDL_GetWindowTitle(s->window), "takes the mouse"));
    /* captured, and then the guest begins to listen */
    r->got.tablet = false;
    click(r, 10, 10, SDL_BUTTON_LEFT, true);
    ck_assert(s->grabbed);
    r->got.tablet = true;
    frame(r);
    ck_assert(!s->grabbed);
    end(r);
}
END_TEST

START_TEST(shapes)
{
    struct rig *r = start("sdl");
    struct sdl *s = r->vm.sdl;
    int w, h;

    frame(r); /* nothing is set up: 640x480 */
    SDL_GetWindowSize(s->window, &w, &h);
    ck_assert_int_eq(w, 640);
    ck_assert_int_eq(h, 480 + SDL_BAR);
    ck_assert_int_eq(s->shown.w, 640);
    SDL_SetWindowSize(s->window, 1000, 480 + SDL_BAR);
    s->exposed = true;
    frame(r);
    ck_assert_int_eq(s->shown.w, 640); /* 4:3 between black bars */
    ck_assert_int_eq(s->shown.x, 180);
    SDL_SetWindowSize(s->window, 1500, 1000 + SDL_BAR);
    s->exposed = true;
    frame(r);
    ck_assert_int_eq(s->shown.h, 1000);
    hot_key(r, SDL_SCANCODE_E); /* whole multiples */
    ck_assert(s->exact);
    s->exposed = true;
    frame(r);
    ck_assert_int_eq(s->shown.w, 1280);
    ck_assert_int_eq(s->shown.h, 960);
    SDL_SetWindowSize(s->window, 400, 300);
    s->exposed = true;
    frame(r);
    ck_assert_int_le(s->shown.w, 400); /* smaller than it is: scaled after all */
    hot_key(r, SDL_SCANCODE_U);
    SDL_GetWindowSize(s->window, &w, &h);
    ck_assert_int_eq(w, 640);
    hot_key(r, SDL_SCANCODE_F);
    ck_assert(s->full_screen);
    ck_assert_int_eq(sdl_bar_height(s), 0);
    hot_key(r, SDL_SCANCODE_F);
    ck_assert(!s->full_screen);
    end(r);
}
END_TEST

START_TEST(status_line)
{
    struct rig *r = start("sdl,scale=exact,aspect=off");
    struct sdl *s = r->vm.sdl;
    u32 was;

    ck_assert(s->exact && s->square);
    frame(r);
    was = s->bar_state;
    frame(r);
    ck_assert_uint_eq(s->bar_state, was);
    r->vm.ide[2]->requests++; /* a light goes on */
    frame(r);
    ck_assert_uint_ne(s->bar_state, was);
    was = s->bar_state;
    sdl_say(s, "hello");
    frame(r);
    ck_assert_uint_ne(s->bar_state, was);
    end(r);
    r = start("sdl,status=off");
    frame(r);
    ck_assert_int_eq(sdl_bar_height(r->vm.sdl), 0);
    end(r);
}
END_TEST

START_TEST(screenshot_and_paste)
{
    struct rig *r = start("sdl");
    char path[300];
    struct stat st;

    frame(r);
    ck_assert_int_eq(chdir(r->dir), 0);
    hot_key(r, SDL_SCANCODE_S);
    ck_assert_ptr_nonnull(strstr(r->vm.sdl->message, "picture saved as dragoman-"));
    snprintf(path, sizeof(path), "%s/%s", r->dir,
             strstr(r->vm.sdl->message, "dragoman-"));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_gt(st.st_size, 100);
    unlink(path);
    ck_assert_int_eq(chdir("/"), 0);
    SDL_SetClipboardText("aB");
    r->got.nkeys = 0;
    vm_cont(&r->vm); /* typing takes the machine's time */
    hot_key(r, SDL_SCANCODE_V);
    for (u32 i = 0; i < 200 && r->got.nkeys < 6; i++) {
        clock_run(&r->vm.clock);
        usleep(5000);
    }
    ck_assert_uint_eq(r->got.nkeys, 6);
    ck_assert_uint_eq(r->got.key[0].code, 0x1e);
    ck_assert_uint_eq(r->got.key[2].code, 0x2a);
    ck_assert_uint_eq(r->got.key[3].code, 0x30);
    SDL_SetClipboardText("");
    hot_key(r, SDL_SCANCODE_V);
    ck_assert_ptr_nonnull(strstr(r->vm.sdl->message, "no text"));
    end(r);
}
END_TEST

START_TEST(closing)
{
    struct rig *r = start("sdl");
    SDL_Event e = {.type = SDL_QUIT};

    SDL_PushEvent(&e);
    frame(r);
    ck_assert(r->vm.quit);
    end(r);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {keys, relative_pointer, absolute_pointer, shapes, status_line,
                                  screenshot_and_paste, closing, NULL};
    Suite *suite = suite_create("sdl");
    TCase *tc = tcase_create("sdl");
    SRunner *sr = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    for (u32 i = 0; tests[i]; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

#else

int main(void)
{
    return 0;
}

#endif
