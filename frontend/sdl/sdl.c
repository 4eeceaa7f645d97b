/* The window. Events and pictures are handled from a host-time timer of the machine's loop, on the
 * machine's thread. */
#include "frontend/sdl/sdl.h"

#ifdef CONFIG_SDL
#include "frontend/sdl/keymap.h"
#include "frontend/vm.h"

#include <SDL.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_NS 16666667ull
#define TITLE_NS 500000000ull

struct sdl {
    struct vm *vm;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture;
    u32 w, h; /* of the texture */
    bool grabbed, full_screen;
    bool exposed;   /* the window needs its picture again although nothing in it changed */
    bool down[512]; /* keys the guest believes to be pressed, by SDL scan code */
    u32 buttons;
    u64 title_at;
    struct loop_timer frame;
};

static void set_title(struct sdl *s)
{
    const struct vm *vm = s->vm;
    char title[256];

    snprintf(title, sizeof(title), "Dragoman%s%s - %s", vm->opt->name[0] ? " " : "", vm->opt->name,
             vm->running ? "" : vm->state);
    if (vm->running)
        snprintf(title + strlen(title), sizeof(title) - strlen(title), "%u MIPS", vm_speed(s->vm));
    snprintf(title + strlen(title), sizeof(title) - strlen(title),
             s->grabbed ? " - Ctrl+Alt+G frees the mouse"
                        : " - click or Ctrl+Alt+G takes the mouse");
    SDL_SetWindowTitle(s->window, title);
    s->title_at = host_now() + TITLE_NS;
}

static void grab(struct sdl *s, bool on)
{
    s->grabbed = on;
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowGrab(s->window, on ? SDL_TRUE : SDL_FALSE);
    set_title(s);
}

static void send_key(struct sdl *s, u32 scancode, bool down)
{
    struct input_sink *k = &s->vm->pc->keyboard;
    u16 code = keymap_set1(scancode);

    if (!code || scancode >= ARRAY_LEN(s->down) || !k->key)
        return;
    s->down[scancode] = down;
    k->key(k->dev, code, down);
}

/* Keys that were down when the window lost the keyboard would stay down in the guest. */
static void release_keys(struct sdl *s)
{
    for (u32 i = 0; i < ARRAY_LEN(s->down); i++) {
        if (s->down[i])
            send_key(s, i, false);
    }
}

static bool hot_key(struct sdl *s, const SDL_KeyboardEvent *e)
{
    if ((e->keysym.mod & (KMOD_CTRL | KMOD_ALT)) == 0 || !(e->keysym.mod & KMOD_CTRL) ||
        !(e->keysym.mod & KMOD_ALT))
        return false;
    switch (e->keysym.scancode) {
    case SDL_SCANCODE_G: grab(s, !s->grabbed); break;
    case SDL_SCANCODE_F:
        s->full_screen = !s->full_screen;
        SDL_SetWindowFullscreen(s->window, s->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
        break;
    default: return false;
    }
    release_keys(s);
    return true;
}

static void send_mouse(struct sdl *s, int dx, int dy, int dz)
{
    struct mouse_sink *m = &s->vm->pc->mouse;

    if (s->grabbed && m->move)
        m->move(m->dev, dx, dy, dz, s->buttons);
}

static void button(struct sdl *s, const SDL_MouseButtonEvent *e)
{
    u32 bit = e->button == SDL_BUTTON_LEFT     ? 1
              : e->button == SDL_BUTTON_RIGHT  ? 2
              : e->button == SDL_BUTTON_MIDDLE ? 4
                                               : 0;

    if (!s->grabbed) {
        if (e->state == SDL_PRESSED && bit == 1)
            grab(s, true);
        return;
    }
    s->buttons = e->state == SDL_PRESSED ? s->buttons | bit : s->buttons & ~bit;
    send_mouse(s, 0, 0, 0);
}

static void window_event(struct sdl *s, const SDL_WindowEvent *e)
{
    if (e->event == SDL_WINDOWEVENT_EXPOSED || e->event == SDL_WINDOWEVENT_SIZE_CHANGED)
        s->exposed = true;
    if (e->event == SDL_WINDOWEVENT_FOCUS_LOST) {
        release_keys(s);
        if (s->grabbed)
            grab(s, false);
    }
}

static void events(struct sdl *s)
{
    SDL_Event e;

    while (SDL_PollEvent(&e)) {
        switch (e.type) {
        case SDL_QUIT: vm_quit(s->vm, 0); break;
        case SDL_WINDOWEVENT: window_event(s, &e.window); break;
        case SDL_KEYDOWN:
            if (e.key.repeat || !hot_key(s, &e.key)) {
                if (!e.key.repeat) /* the guest's keyboard repeats by itself */
                    send_key(s, e.key.keysym.scancode, true);
            }
            break;
        case SDL_KEYUP: send_key(s, e.key.keysym.scancode, false); break;
        case SDL_MOUSEMOTION: send_mouse(s, e.motion.xrel, e.motion.yrel, 0); break;
        case SDL_MOUSEWHEEL: send_mouse(s, 0, 0, -e.wheel.y); break;
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP: button(s, &e.button); break;
        }
    }
}

/* A monitor of the time shows every mode at 4:3 up to 1024 wide, square pixels above that. */
static void shape(u32 w, u32 h, u32 *sw, u32 *sh)
{
    *sw = w;
    *sh = w <= 1024 ? w * 3 / 4 : h;
    if (*sh < h)
        *sh = h, *sw = w <= 1024 ? h * 4 / 3 : w;
}

static bool new_texture(struct sdl *s, u32 w, u32 h)
{
    u32 sw, sh;

    if (s->texture)
        SDL_DestroyTexture(s->texture);
    s->texture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_XRGB8888,
                                   SDL_TEXTUREACCESS_STREAMING, (int)w, (int)h);
    if (!s->texture)
        return false;
    s->w = w;
    s->h = h;
    shape(w, h, &sw, &sh);
    SDL_RenderSetLogicalSize(s->renderer, (int)sw, (int)sh);
    if (!s->full_screen)
        SDL_SetWindowSize(s->window, (int)sw, (int)sh);
    return true;
}

static void picture(struct sdl *s)
{
    struct display *d = &s->vm->pc->display;
    const struct surface *f = d->update(d->dev, false);
    u32 y0 = f->dirty_y0, y1 = f->dirty_y1;

    if (!f->pixels)
        return;
    if (!s->texture || s->w != f->w || s->h != f->h) {
        if (!new_texture(s, f->w, f->h))
            return;
        y0 = 0;
        y1 = f->h;
    }
    if (y0 == y1 && !s->exposed)
        return;
    s->exposed = false;
    if (y0 < y1) {
        SDL_Rect r = {0, (int)y0, (int)f->w, (int)(y1 - y0)};
        SDL_UpdateTexture(s->texture, &r, f->pixels + (size_t)y0 * f->stride,
                          (int)(f->stride * sizeof(u32)));
    }
    SDL_RenderClear(s->renderer);
    SDL_RenderCopy(s->renderer, s->texture, NULL, NULL);
    SDL_RenderPresent(s->renderer);
}

static void frame(void *arg)
{
    struct sdl *s = arg;

    events(s);
    picture(s);
    if (host_now() >= s->title_at)
        set_title(s);
    s->frame.when = host_now() + FRAME_NS;
}

struct sdl *sdl_open(struct vm *vm, struct err *err)
{
    struct sdl *s = calloc(1, sizeof(*s));

    if (!s) {
        err_set(err, "Out of memory for the window.");
        return NULL;
    }
    s->vm = vm;
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    if (SDL_Init(SDL_INIT_VIDEO)) {
        err_set(err, "Cannot open a display: %s; use -nographic or -display none.", SDL_GetError());
        free(s);
        return NULL;
    }
    s->window = SDL_CreateWindow(
        "Dragoman", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 720, 540,
        SDL_WINDOW_RESIZABLE | (vm->opt->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0));
    s->full_screen = vm->opt->full_screen;
    if (s->window)
        s->renderer = SDL_CreateRenderer(s->window, -1, 0);
    if (!s->renderer) {
        err_set(err, "Cannot open a window: %s; use -nographic or -display none.", SDL_GetError());
        sdl_close(s);
        return NULL;
    }
    s->frame = (struct loop_timer){host_now(), frame, s, NULL};
    loop_timer_add(&vm->loop, &s->frame);
    set_title(s);
    return s;
}

void sdl_close(struct sdl *s)
{
    if (!s)
        return;
    loop_timer_remove(&s->vm->loop, &s->frame);
    if (s->texture)
        SDL_DestroyTexture(s->texture);
    if (s->renderer)
        SDL_DestroyRenderer(s->renderer);
    if (s->window)
        SDL_DestroyWindow(s->window);
    SDL_Quit();
    free(s);
}

#else

struct sdl *sdl_open(struct vm *vm, struct err *err)
{
    err_set(err, "This build has no SDL window; install libsdl2-dev and configure again, or use "
                 "-nographic.");
    return NULL;
}

void sdl_close(struct sdl *s) {}

#endif
