/* The window: picture, size and life. Events and pictures are handled from a host-time timer of the
 * machine's loop, on the machine's thread. */
#include "frontend/sdl/sdl.h"

#include "config.h"

#ifdef CONFIG_SDL
#include "frontend/sdl/sdl_int.h"

#include <stdlib.h>
#include <string.h>

#define FRAME_NS 16666667ull
#define TITLE_NS 500000000ull

void sdl_title(struct sdl *s)
{
    const struct vm *vm = s->vm;
    char title[256];

    snprintf(title, sizeof(title), "Dragoman%s%s - %s", vm->opt->name[0] ? " " : "", vm->opt->name,
             vm->running ? "" : vm->state);
    if (vm->running)
        snprintf(title + strlen(title), sizeof(title) - strlen(title), "%u MIPS", vm_speed(s->vm));
    if (!pointer_absolute(&s->vm->pointer))
        snprintf(title + strlen(title), sizeof(title) - strlen(title),
                 s->grabbed ? " - Ctrl+Alt+G frees the mouse"
                            : " - click or Ctrl+Alt+G takes the mouse");
    SDL_SetWindowTitle(s->window, title);
    s->title_at = host_now() + TITLE_NS;
}

/* A monitor of the time shows every mode at 4:3 up to 1024 wide, square pixels above that. */
static void shape(const struct sdl *s, u32 w, u32 h, u32 *sw, u32 *sh)
{
    bool wide = w > 1024 || s->square || s->exact;

    *sw = w;
    *sh = wide ? h : w * 3 / 4;
    if (*sh < h)
        *sh = h, *sw = h * 4 / 3;
}

void sdl_natural_size(struct sdl *s)
{
    u32 w, h;

    if (!s->w || s->full_screen)
        return;
    shape(s, s->w, s->h, &w, &h);
    SDL_SetWindowSize(s->window, (int)w, (int)h + sdl_bar_height(s));
}

/* Where the picture goes in a window of that size: as large as fits in its shape; pixel-exact ones
 * in a whole multiple of their size, when that fits at all. */
static void place(struct sdl *s, int width, int height)
{
    u32 w, h;
    s64 by_w, by_h;

    height -= sdl_bar_height(s);
    width = MAX(width, 1);
    height = MAX(height, 1);
    shape(s, s->w, s->h, &w, &h);
    if (s->exact && (u32)width >= w && (u32)height >= h) {
        u32 n = MIN((u32)width / w, (u32)height / h);

        s->shown.w = (int)(w * n);
        s->shown.h = (int)(h * n);
    } else {
        by_w = (s64)width * h / w;
        by_h = (s64)height * w / h;
        s->shown.w = by_w <= height ? width : (int)by_h;
        s->shown.h = by_w <= height ? (int)by_w : height;
    }
    s->shown.x = (width - s->shown.w) / 2;
    s->shown.y = (height - s->shown.h) / 2;
}

static bool new_texture(struct sdl *s, u32 w, u32 h)
{
    if (s->texture)
        SDL_DestroyTexture(s->texture);
    s->texture = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_XRGB8888,
                                   SDL_TEXTUREACCESS_STREAMING, (int)w, (int)h);
    if (!s->texture)
        return false;
    s->w = w;
    s->h = h;
    sdl_natural_size(s);
    return true;
}

/* Bring the texture up to date; true: something changed. */
static bool upload(struct sdl *s)
{
    const struct surface *f = screen_look(&s->vm->screen);
    u32 y0 = s->view.y0, y1 = s->view.y1;
    SDL_Rect r;

    if (!f)
        return false;
    if (!s->texture || s->w != f->w || s->h != f->h) {
        if (!new_texture(s, f->w, f->h))
            return false;
        y0 = 0;
        y1 = f->h;
    }
    s->view.y0 = s->view.y1 = 0;
    y1 = MIN(y1, f->h);
    if (y0 >= y1)
        return false;
    r = (SDL_Rect){0, (int)y0, (int)f->w, (int)(y1 - y0)};
    SDL_UpdateTexture(s->texture, &r, f->pixels + (size_t)y0 * f->stride,
                      (int)(f->stride * sizeof(u32)));
    return true;
}

static void picture(struct sdl *s)
{
    bool changed = upload(s);
    int w, h;

    if (SDL_GetRendererOutputSize(s->renderer, &w, &h))
        return;
    changed = sdl_bar_update(s, w) || changed || s->exposed;
    if (!changed || !s->texture)
        return;
    s->exposed = false;
    place(s, w, h);
    SDL_SetTextureScaleMode(s->texture, s->exact ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, 255);
    SDL_RenderClear(s->renderer);
    SDL_RenderCopy(s->renderer, s->texture, NULL, &s->shown);
    sdl_bar_draw(s, w, h);
    SDL_RenderPresent(s->renderer);
}

static void frame(void *arg)
{
    struct sdl *s = arg;

    sdl_events(s);
    picture(s);
    if (host_now() >= s->title_at)
        sdl_title(s);
    s->frame.when = host_now() + FRAME_NS;
}

bool sdl_usable(void)
{
    const char *wayland = getenv("WAYLAND_DISPLAY"), *x = getenv("DISPLAY");
    bool ok;

    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    /* Only those that show it to somebody: SDL would go on to drivers that draw into memory. The
     * environment's SDL_VIDEODRIVER goes before. */
    SDL_SetHint(SDL_HINT_VIDEODRIVER, !wayland || !*wayland ? "x11"
                                      : x && *x            ? "x11,wayland"
                                                           : "wayland");
    ok = !SDL_Init(SDL_INIT_VIDEO);
    if (ok)
        SDL_QuitSubSystem(SDL_INIT_VIDEO);
    return ok;
}

struct sdl *sdl_open(struct vm *vm, struct err *err)
{
    const struct options *opt = vm->opt;
    struct sdl *s = calloc(1, sizeof(*s));

    if (!s) {
        err_set(err, "Out of memory for the window.");
        return NULL;
    }
    s->vm = vm;
    s->exact = opt->exact;
    s->square = opt->square;
    s->no_bar = opt->no_status;
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    if (SDL_Init(SDL_INIT_VIDEO)) {
        err_set(err, "Cannot open a display: %s; use -nographic or -display none.", SDL_GetError());
        free(s);
        return NULL;
    }
    s->window = SDL_CreateWindow(
        "Dragoman", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, 720, 540 + sdl_bar_height(s),
        SDL_WINDOW_RESIZABLE | (opt->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0));
    s->full_screen = opt->full_screen;
    if (s->window)
        s->renderer = SDL_CreateRenderer(s->window, -1, 0);
    if (!s->renderer) {
        err_set(err, "Cannot open a window: %s; use -nographic or -display none.", SDL_GetError());
        sdl_close(s);
        return NULL;
    }
    screen_add(&vm->screen, &s->view);
    s->frame = (struct loop_timer){host_now(), frame, s, NULL};
    loop_timer_add(&vm->loop, &s->frame);
    sdl_title(s);
    return s;
}

void sdl_close(struct sdl *s)
{
    if (!s)
        return;
    loop_timer_remove(&s->vm->loop, &s->frame);
    screen_remove(&s->vm->screen, &s->view);
    if (s->bar)
        SDL_DestroyTexture(s->bar);
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

bool sdl_usable(void)
{
    return false;
}

struct sdl *sdl_open(struct vm *vm, struct err *err)
{
    err_set(err, "This build has no SDL window; install libsdl2-dev and configure again, or use "
                 "-nographic.");
    return NULL;
}

void sdl_close(struct sdl *s) {}

#endif
