/* The status line below the picture: speed, lights of disks and network, what frees the mouse. */
#include "config.h"

#ifdef CONFIG_SDL
#include "frontend/sdl/sdl_int.h"

#include "devices/core/glyphs.h"

#include <stdarg.h>
#include <string.h>

enum { SCALE = 2, CELL = 6 * SCALE, TOP = (SDL_BAR - 8 * SCALE) / 2 };
#define LIGHT_NS   120000000ull
#define MESSAGE_NS 4000000000ull
#define BACK       0x202020u
#define TEXT       0xc0c0c0u
#define DIM        0x505050u
#define DISK_COLOR 0xff9020u
#define NET_COLOR  0x40c0ffu

int sdl_bar_height(const struct sdl *s)
{
    return s->no_bar || s->full_screen ? 0 : SDL_BAR;
}

void sdl_say(struct sdl *s, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    vsnprintf(s->message, sizeof(s->message), format, ap);
    va_end(ap);
    s->message_until = host_now() + MESSAGE_NS;
}

/* One line of text into a picture of `w` points; returns where it ends. */
static int put_text(u32 *px, int w, int x, const char *text, u32 color)
{
    for (; *text; text++, x += CELL) {
        u8 c = (u8)*text;

        if (c < 32 || c > 126 || x + CELL > w || x < 0)
            continue;
        for (int y = 0; y < 8 * SCALE; y++) {
            u8 row = glyphs_5x8[c - 32][y / SCALE];

            for (int i = 0; i < 5 * SCALE; i++) {
                if (row & (0x10 >> (i / SCALE)))
                    px[(TOP + y) * w + x + i] = color;
            }
        }
    }
    return x;
}

static void count_activity(struct sdl *s, u64 now)
{
    u64 net = 0;
    u32 disk = 0;

    for (unsigned i = 0; i < VM_DRIVES; i++) {
        const struct blk *b = vm_drive(s->vm, i);
        disk += b ? b->requests : 0;
    }
    if (disk != s->disk_seen)
        s->disk_lit = now + LIGHT_NS;
    s->disk_seen = disk;
    for (const struct netdev *d = s->vm->nets.first; d; d = d->next)
        net += d->frames_in + d->frames_out;
    if (net != s->net_seen)
        s->net_lit = now + LIGHT_NS;
    s->net_seen = net;
}

static const char *hint(const struct sdl *s, u64 now)
{
    if (now < s->message_until)
        return s->message;
    if (s->grabbed)
        return "MOUSE CAPTURED - Ctrl+Alt+G frees it";
    return pointer_absolute(&s->vm->pointer) ? "" : "click to capture the mouse";
}

static u32 hash(u32 h, const char *text)
{
    for (; *text; text++)
        h = (h ^ (u8)*text) * 16777619u;
    return h;
}

bool sdl_bar_update(struct sdl *s, int width)
{
    u64 now = host_now();
    u32 *px, state;
    void *bits;
    char left[32];
    int x, pitch;

    count_activity(s, now);
    if (s->vm->running)
        snprintf(left, sizeof(left), "%5u MIPS", vm_speed(s->vm));
    else
        snprintf(left, sizeof(left), "%s", s->vm->state);
    width = MIN(MAX(width, 64), SDL_BAR_ROOM);
    state =
        hash(hash(2166136261u + (now < s->disk_lit) + 2 * (now < s->net_lit), left), hint(s, now));
    if (s->bar && s->bar_w == width && state == s->bar_state)
        return false;
    if (!s->bar || s->bar_w != width) {
        if (s->bar)
            SDL_DestroyTexture(s->bar);
        s->bar = SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_XRGB8888,
                                   SDL_TEXTUREACCESS_STREAMING, width, SDL_BAR);
        s->bar_w = width;
    }
    if (!s->bar || SDL_LockTexture(s->bar, NULL, &bits, &pitch) || pitch != width * 4)
        return false;
    s->bar_state = state;
    px = bits;
    for (int i = 0; i < width * SDL_BAR; i++)
        px[i] = BACK;
    x = put_text(px, width, CELL, left, TEXT) + 2 * CELL;
    x = put_text(px, width, x, "DISK", now < s->disk_lit ? DISK_COLOR : DIM) + CELL;
    x = put_text(px, width, x, "NET", now < s->net_lit ? NET_COLOR : DIM) + 2 * CELL;
    put_text(px, width, x, hint(s, now), TEXT);
    SDL_UnlockTexture(s->bar);
    return true;
}

void sdl_bar_draw(struct sdl *s, int width, int height)
{
    SDL_Rect to = {0, height - SDL_BAR, s->bar_w, SDL_BAR};

    if (s->bar && (sdl_bar_height(s) || host_now() < s->message_until))
        SDL_RenderCopy(s->renderer, s->bar, NULL, &to);
}

#endif
