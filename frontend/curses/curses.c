/* The text screen in a terminal: characters of code page 437 in Unicode, colours, blinking, cursor;
 * keys as characters in the layout of -k. In graphic modes it says so. */
#define _GNU_SOURCE
#include "frontend/curses/curses.h"

#include "config.h"

#ifdef CONFIG_CURSES
#define NCURSES_WIDECHAR 1
#include "frontend/png.h"
#include "frontend/vm.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRAME_NS 40000000ull
enum { KEY_ESC = 27, KEY_PREFIX = 0x1d /* Ctrl+] */, ESC_WAIT_MS = 25 };

struct curses {
    struct vm *vm;
    WINDOW *screen;
    struct loop_src input;
    struct loop_timer frame;
    struct text_screen now, shown;
    u32 w, h;         /* of the graphic mode that was told; 0: none */
    bool drawn;       /* `shown` is what the terminal has */
    bool prefix, esc; /* the last key was one of these */
};

/* ---- picture ---- */

/* The VGA's colours count blue first, a terminal's red. */
static short color_of(u32 vga)
{
    return (short)((vga & 1) << 2 | (vga & 2) | (vga >> 2 & 1));
}

static void make_colors(void)
{
    short bright = COLORS >= 16 ? 8 : 0;

    start_color();
    for (u32 bg = 0; bg < 8; bg++) {
        for (u32 fg = 0; fg < 16; fg++) {
            int pair = (int)(1 + bg * 16 + fg);

            if (pair < COLOR_PAIRS)
                init_pair((short)pair, (short)(color_of(fg & 7) | (fg & 8 ? bright : 0)),
                          color_of(bg));
        }
    }
}

static void draw_cell(u32 x, u32 y, u16 cell)
{
    u32 attr = cell >> 8, fg = attr & 15, bg = attr >> 4 & 7;
    wchar_t text[2] = {(wchar_t)textdump_char((u8)cell), 0};
    attr_t style = (attr & 0x80 ? A_BLINK : 0) | (COLORS < 16 && (fg & 8) ? A_BOLD : 0);
    short pair = (short)(1 + bg * 16 + fg);
    cchar_t c;

    setcchar(&c, text, style, pair < COLOR_PAIRS ? pair : 0, NULL);
    mvadd_wch((int)y, (int)x, &c);
}

static void draw_text(struct curses *c)
{
    u32 cols = MIN(c->now.cols, (u32)MAX(COLS, 0)), rows = MIN(c->now.rows, (u32)MAX(LINES, 0));
    bool all = !c->drawn || c->w || c->shown.cols != c->now.cols || c->shown.rows != c->now.rows;

    if (all)
        erase();
    for (u32 y = 0; y < rows; y++) {
        for (u32 x = 0; x < cols; x++) {
            u32 i = y * c->now.cols + x;

            if (all || c->now.cells[i] != c->shown.cells[i])
                draw_cell(x, y, c->now.cells[i]);
        }
    }
    if (c->now.cursor_on && c->now.cursor_x < cols && c->now.cursor_y < rows) {
        curs_set(1);
        move((int)c->now.cursor_y, (int)c->now.cursor_x);
    } else {
        curs_set(0);
    }
    c->shown = c->now;
    c->w = c->h = 0;
    c->drawn = true;
    refresh();
}

static void say_graphics(struct curses *c)
{
    const struct surface *s = screen_look(&c->vm->screen);
    char text[80];

    if (!s || (c->drawn && c->w == s->w && c->h == s->h))
        return;
    c->w = s->w;
    c->h = s->h;
    c->drawn = true;
    snprintf(text, sizeof(text), "graphic mode, %ux%u points", s->w, s->h);
    erase();
    curs_set(0);
    mvaddstr(MAX(LINES / 2, 0), MAX((COLS - (int)strlen(text)) / 2, 0), text);
    refresh();
}

/* ---- keys ---- */

static const struct {
    int key;
    u16 code;
} special[] = {
    {KEY_UP, 0xe048},    {KEY_DOWN, 0xe050},  {KEY_LEFT, 0xe04b},  {KEY_RIGHT, 0xe04d},
    {KEY_HOME, 0xe047},  {KEY_END, 0xe04f},   {KEY_PPAGE, 0xe049}, {KEY_NPAGE, 0xe051},
    {KEY_IC, 0xe052},    {KEY_DC, 0xe053},    {KEY_BACKSPACE, 0x0e}, {KEY_ENTER, 0xe01c},
    {KEY_A1, 0x47},      {KEY_A3, 0x49},      {KEY_B2, 0x4c},      {KEY_C1, 0x4f},
    {KEY_C3, 0x51},      {0x7f, 0x0e},
};

static void tap_code(struct curses *c, u16 code, bool shift, bool alt)
{
    struct keyboard *k = &c->vm->keyboard;

    if (alt)
        keyboard_code(k, 0x38, true);
    if (shift)
        keyboard_code(k, 0x2a, true);
    keyboard_code(k, code, true);
    keyboard_code(k, code, false);
    if (shift)
        keyboard_code(k, 0x2a, false);
    if (alt)
        keyboard_code(k, 0x38, false);
}

/* F1 to F12, with Shift as F13 to F24. */
static bool function_key(struct curses *c, int n, bool alt)
{
    bool shift = n > 12;

    if (n < 1 || n > 24)
        return false;
    n -= shift ? 12 : 0;
    tap_code(c, (u16)(n <= 10 ? 0x3a + n : 0x57 + n - 11), shift, alt);
    return true;
}

static void special_key(struct curses *c, int key, bool alt)
{
    if (key >= KEY_F(1) && key <= KEY_F(24)) {
        function_key(c, key - KEY_F(0), alt);
        return;
    }
    if (key == KEY_BTAB) {
        tap_code(c, 0x0f, true, alt);
        return;
    }
    for (u32 i = 0; i < ARRAY_LEN(special); i++) {
        if (special[i].key == key)
            tap_code(c, special[i].code, false, alt);
    }
}

static void character(struct curses *c, u32 ch, bool alt)
{
    struct keyboard *k = &c->vm->keyboard;

    if (ch == 0x7f)
        special_key(c, 0x7f, alt);
    else if (ch == '\r' || ch == '\n' || ch == '\t' || ch == 8)
        keyboard_tap(k, ch, false, alt);
    else if (ch == 0)
        keyboard_tap(k, ' ', true, alt);
    else if (ch < 27)
        keyboard_tap(k, 'a' + ch - 1, true, alt);
    else if (ch < 0x20)
        keyboard_tap(k, '[' + ch - 27, true, alt);
    else
        keyboard_tap(k, ch, false, alt);
}

/* What follows Ctrl+]: for this program, not for the guest. */
static void command(struct curses *c, u32 ch)
{
    switch (ch) {
    case 'q': vm_quit(c->vm, 0); break;
    case 'r':
        c->drawn = false;
        clearok(c->screen, TRUE);
        break;
    case 'd': {
        static const u16 codes[] = {0x1d, 0x38, 0xe053};
        vm_send_keys(c->vm, codes, 3, 100);
        break;
    }
    case KEY_PREFIX: character(c, KEY_PREFIX, false); break;
    }
}

/* A lone Esc is known by nothing coming behind it: it is sent with the next frame. */
static void input(void *arg, short revents)
{
    struct curses *c = arg;
    wint_t ch;
    int kind;

    while ((kind = get_wch(&ch)) != ERR) {
        bool alt = c->esc;

        c->esc = false;
        if (kind == KEY_CODE_YES && ch == KEY_RESIZE) {
            c->drawn = false;
        } else if (c->prefix) {
            c->prefix = false;
            if (kind != KEY_CODE_YES)
                command(c, (u32)ch);
        } else if (kind == KEY_CODE_YES) {
            special_key(c, (int)ch, alt);
        } else if (ch == KEY_PREFIX) {
            c->prefix = true;
        } else if (ch == KEY_ESC && !alt) {
            c->esc = true;
        } else {
            character(c, (u32)ch, alt);
        }
    }
    if (revents & (POLLHUP | POLLERR))
        vm_quit(c->vm, 0);
}

static void frame(void *arg)
{
    struct curses *c = arg;
    const struct display *d = &c->vm->pc->display;

    if (c->esc) {
        c->esc = false;
        keyboard_tap(&c->vm->keyboard, KEY_ESC, false, false);
    }
    if (!d->text || !d->text(d->dev, &c->now))
        say_graphics(c);
    else if (!c->drawn || c->w || memcmp(&c->now, &c->shown, sizeof(c->now)))
        draw_text(c);
    c->frame.when = host_now() + FRAME_NS;
}

/* ---- life ---- */

struct curses *curses_open(struct vm *vm, struct err *err)
{
    struct curses *c = calloc(1, sizeof(*c));

    if (!c) {
        err_set(err, "Out of memory for the terminal.");
        return NULL;
    }
    c->vm = vm;
    setlocale(LC_CTYPE, "");
    set_escdelay(ESC_WAIT_MS);
    if (!newterm(NULL, stdout, stdin)) {
        err_set(err, "This terminal (TERM) is not one that ncurses knows; use -nographic.");
        free(c);
        return NULL;
    }
    c->screen = stdscr;
    raw();
    noecho();
    nonl();
    keypad(c->screen, TRUE);
    nodelay(c->screen, TRUE);
    if (has_colors())
        make_colors();
    c->input = (struct loop_src){STDIN_FILENO, POLLIN, input, c};
    loop_add(&vm->loop, &c->input);
    c->frame = (struct loop_timer){host_now(), frame, c, NULL};
    loop_timer_add(&vm->loop, &c->frame);
    return c;
}

void curses_close(struct curses *c)
{
    if (!c)
        return;
    loop_remove(&c->vm->loop, &c->input);
    loop_timer_remove(&c->vm->loop, &c->frame);
    endwin();
    free(c);
}

#else

struct curses *curses_open(struct vm *vm, struct err *err)
{
    err_set(err, "This build has no curses screen; install libncurses-dev and configure again.");
    return NULL;
}

void curses_close(struct curses *c) {}

#endif
