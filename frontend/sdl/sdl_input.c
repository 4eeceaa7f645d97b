/* What the user does in the window: keys, those meant for the window itself, mouse, clipboard. */
#include "config.h"

#ifdef CONFIG_SDL
#include "frontend/sdl/sdl_int.h"

#include "frontend/png.h"
#include "frontend/sdl/keymap.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

static void grab(struct sdl *s, bool on)
{
    s->grabbed = on;
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowGrab(s->window, on ? SDL_TRUE : SDL_FALSE);
    if (on)
        sdl_say(s, "MOUSE CAPTURED - Ctrl+Alt+G frees it");
    sdl_title(s);
}

static void send_key(struct sdl *s, u32 scancode, bool down)
{
    struct input_sink *k = &s->vm->pc->keyboard;
    u16 code = keymap_set1(scancode);

    if (!code || scancode >= ARRAY_LEN(s->down) || !k->key)
        return;
    if (!down && !s->down[scancode]) /* it was pressed for the window */
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

static void screenshot(struct sdl *s)
{
    time_t now = time(NULL);
    struct tm tm;
    struct err err;
    char name[64];

    localtime_r(&now, &tm);
    strftime(name, sizeof(name), "dragoman-%Y%m%d-%H%M%S.png", &tm);
    for (int i = 1; !access(name, F_OK) && i < 100; i++)
        snprintf(name + strlen("dragoman-20000101-000000"), 16, "-%d.png", i);
    screen_look(&s->vm->screen);
    if (screendump(&s->vm->pc->display, name, &err))
        sdl_say(s, "picture saved as %s", name);
    else
        sdl_say(s, "%.90s", err.msg);
}

static void paste(struct sdl *s)
{
    char *text = SDL_GetClipboardText();
    size_t n = text ? strlen(text) : 0;

    if (!n)
        sdl_say(s, "the clipboard holds no text");
    else if (keyboard_paste(&s->vm->keyboard, text, n) < n)
        sdl_say(s, "that is more text than can be typed at once");
    SDL_free(text);
}

static void full_screen(struct sdl *s)
{
    s->full_screen = !s->full_screen;
    SDL_SetWindowFullscreen(s->window, s->full_screen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    if (s->full_screen)
        sdl_say(s, "Ctrl+Alt+F leaves the full screen");
    s->exposed = true;
}

static bool hot_key(struct sdl *s, const SDL_KeyboardEvent *e)
{
    if (!(e->keysym.mod & KMOD_CTRL) || !(e->keysym.mod & KMOD_ALT))
        return false;
    switch (e->keysym.scancode) {
    case SDL_SCANCODE_G:
    case SDL_SCANCODE_F:
    case SDL_SCANCODE_S:
    case SDL_SCANCODE_V:
    case SDL_SCANCODE_E:
    case SDL_SCANCODE_U: break;
    default: return false;
    }
    release_keys(s); /* before text is typed: Ctrl and Alt are down in the guest */
    switch (e->keysym.scancode) {
    case SDL_SCANCODE_G: grab(s, !s->grabbed); break;
    case SDL_SCANCODE_F: full_screen(s); break;
    case SDL_SCANCODE_S: screenshot(s); break;
    case SDL_SCANCODE_V: paste(s); break;
    case SDL_SCANCODE_E:
        s->exact = !s->exact;
        s->exposed = true;
        sdl_say(s, s->exact ? "points are shown as they are" : "the picture is scaled smoothly");
        break;
    default: sdl_natural_size(s); break;
    }
    return true;
}

static bool inside(const struct sdl *s, int x, int y)
{
    return x >= s->shown.x && x < s->shown.x + s->shown.w && y >= s->shown.y &&
           y < s->shown.y + s->shown.h;
}

/* The host's pointer is at (x, y) of the window; the guest knows places. */
static void send_place(struct sdl *s, int x, int y, int dz)
{
    if (!s->shown.w || !s->shown.h || !s->w)
        return;
    pointer_at(&s->vm->pointer, (int)((s64)(x - s->shown.x) * s->w / s->shown.w),
               (int)((s64)(y - s->shown.y) * s->h / s->shown.h), s->w, s->h, dz, s->buttons);
}

static void motion(struct sdl *s, const SDL_MouseMotionEvent *e)
{
    if (pointer_absolute(&s->vm->pointer)) {
        /* The guest draws a pointer of its own there. */
        SDL_ShowCursor(inside(s, e->x, e->y) ? SDL_DISABLE : SDL_ENABLE);
        send_place(s, e->x, e->y, 0);
    } else if (s->grabbed) {
        pointer_by(&s->vm->pointer, e->xrel, e->yrel, 0, s->buttons);
    }
}

static void button(struct sdl *s, const SDL_MouseButtonEvent *e)
{
    u32 bit = e->button == SDL_BUTTON_LEFT     ? 1
              : e->button == SDL_BUTTON_RIGHT  ? 2
              : e->button == SDL_BUTTON_MIDDLE ? 4
                                               : 0;
    bool absolute = pointer_absolute(&s->vm->pointer);

    if (!absolute && !s->grabbed) {
        if (e->state == SDL_PRESSED && bit == 1)
            grab(s, true);
        return;
    }
    s->buttons = e->state == SDL_PRESSED ? s->buttons | bit : s->buttons & ~bit;
    if (absolute)
        send_place(s, e->x, e->y, 0);
    else
        pointer_by(&s->vm->pointer, 0, 0, 0, s->buttons);
}

static void wheel(struct sdl *s, int dz)
{
    int x, y;

    if (pointer_absolute(&s->vm->pointer)) {
        SDL_GetMouseState(&x, &y);
        send_place(s, x, y, dz);
    } else if (s->grabbed) {
        pointer_by(&s->vm->pointer, 0, 0, dz, s->buttons);
    }
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

void sdl_events(struct sdl *s)
{
    SDL_Event e;

    while (SDL_PollEvent(&e)) {
        switch (e.type) {
        case SDL_QUIT: vm_quit(s->vm, 0); break;
        case SDL_WINDOWEVENT: window_event(s, &e.window); break;
        case SDL_KEYDOWN:
            /* the guest's keyboard repeats by itself */
            if (!e.key.repeat && !hot_key(s, &e.key))
                send_key(s, e.key.keysym.scancode, true);
            break;
        case SDL_KEYUP: send_key(s, e.key.keysym.scancode, false); break;
        case SDL_MOUSEMOTION: motion(s, &e.motion); break;
        case SDL_MOUSEWHEEL: wheel(s, -e.wheel.y); break;
        case SDL_MOUSEBUTTONDOWN:
        case SDL_MOUSEBUTTONUP: button(s, &e.button); break;
        }
    }
    if (s->grabbed && pointer_absolute(&s->vm->pointer)) /* it does not take capturing any more */
        grab(s, false);
}

#endif
