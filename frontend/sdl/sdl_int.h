/* Inside the window: its state, and the calls between picture, input and status line. */
#ifndef FRONTEND_SDL_SDL_INT_H
#define FRONTEND_SDL_SDL_INT_H

#include "frontend/sdl/sdl.h"

#include "frontend/vm.h"

#include <SDL.h>

enum { SDL_BAR = 20, SDL_BAR_ROOM = 4096, SDL_MESSAGE = 96 };

struct sdl {
    struct vm *vm;
    SDL_Window *window;
    SDL_Renderer *renderer;
    SDL_Texture *texture, *bar;
    struct screen_view view;
    u32 w, h;       /* of the texture */
    SDL_Rect shown; /* where the picture is in the window */
    bool grabbed, full_screen, exact, square, no_bar;
    bool exposed;   /* the window needs its picture again although nothing in it changed */
    bool down[512]; /* keys the guest believes to be pressed, by SDL scan code */
    u32 buttons;
    u64 title_at;
    struct loop_timer frame;
    /* status line */
    char message[SDL_MESSAGE]; /* shown instead of the hint until `message_until` */
    u64 message_until;
    u32 disk_seen;
    u64 net_seen;
    u64 disk_lit, net_lit; /* until when */
    int bar_w;             /* of its texture */
    u32 bar_state;         /* a hash of what it shows */
};

/* sdl.c */
void sdl_title(struct sdl *s);
/* Fit the window to the picture at its own size. */
void sdl_natural_size(struct sdl *s);

/* sdl_input.c: take what happened since the last frame. */
void sdl_events(struct sdl *s);

/* sdl_status.c */
/* Height of the line at the bottom of the window, 0: hidden. */
int sdl_bar_height(const struct sdl *s);
/* Say something for some seconds. */
void sdl_say(struct sdl *s, const char *format, ...) PRINTF_LIKE(2, 3);
/* Bring the line up to date; true: it looks different now. */
bool sdl_bar_update(struct sdl *s, int width);
/* Draw it at the bottom of the window; in full screen only while there is a message. */
void sdl_bar_draw(struct sdl *s, int width, int height);

#endif
