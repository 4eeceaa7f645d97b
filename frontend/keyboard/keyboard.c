/* Symbols and text as key presses. */
#include "frontend/keyboard/keyboard.h"

#include "frontend/keyboard/keysym.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODE_SHIFT = 0x2a,
    CODE_SHIFT_R = 0x36,
    CODE_CTRL = 0x1d,
    CODE_ALT = 0x38,
    CODE_ALTGR = 0xe038,
    CODE_CAPS = 0x3a,
    STROKE_NS = 10000000, /* down, and up again */
};

static void send(struct keyboard *k, u16 code, bool down)
{
    if (k->sink->key)
        k->sink->key(k->sink->dev, code, down);
}

void keyboard_code(struct keyboard *k, u16 code, bool down)
{
    send(k, code, down);
}

static bool held_code(const struct keyboard *k, u16 code)
{
    for (unsigned i = 0; i < k->nheld; i++) {
        if (k->held[i].code == code)
            return true;
    }
    return false;
}

bool keyboard_holds(const struct keyboard *k, u32 sym, u32 other)
{
    for (unsigned i = 0; i < k->nheld; i++) {
        if (k->held[i].sym == sym || k->held[i].sym == other)
            return true;
    }
    return false;
}

/* Put a modifier up or down although its own key is not touched; and back. */
static void modifier(struct keyboard *k, u16 code, bool is, bool want)
{
    if (is != want)
        send(k, code, want);
}

static void press_character(struct keyboard *k, const struct stroke *s)
{
    bool left = held_code(k, CODE_SHIFT), right = held_code(k, CODE_SHIFT_R);
    bool altgr = held_code(k, CODE_ALTGR);

    /* With these it is a command, whose key matters and not its character. */
    if (held_code(k, CODE_CTRL) || held_code(k, CODE_ALT) || held_code(k, 0xe01d)) {
        send(k, s->code, true);
        return;
    }
    if (s->shift) {
        modifier(k, CODE_SHIFT, left || right, true);
    } else {
        modifier(k, CODE_SHIFT, left, false);
        modifier(k, CODE_SHIFT_R, right, false);
    }
    modifier(k, CODE_ALTGR, altgr, s->altgr);
    send(k, s->code, true);
    modifier(k, CODE_ALTGR, s->altgr, altgr);
    if (s->shift) {
        modifier(k, CODE_SHIFT, true, left || right);
    } else {
        modifier(k, CODE_SHIFT, false, left);
        modifier(k, CODE_SHIFT_R, false, right);
    }
}

static void release_sym(struct keyboard *k, u32 sym)
{
    for (unsigned i = 0; i < k->nheld; i++) {
        if (k->held[i].sym == sym) {
            send(k, k->held[i].code, false);
            k->held[i] = k->held[--k->nheld];
            return;
        }
    }
}

void keyboard_sym(struct keyboard *k, u32 sym, bool down)
{
    u32 character = keysym_character(sym);
    struct stroke s = {keysym_code(sym), false, false};

    if (!down) {
        release_sym(k, sym);
        return;
    }
    /* Symbols come with the client's Caps Lock already in them. */
    if (s.code == CODE_CAPS || (!s.code && !layout_stroke(k->layout, character, &s)))
        return;
    if (keyboard_holds(k, sym, sym)) { /* repeated by the client: the guest's keyboard does that */
        return;
    }
    if (k->nheld == KEYBOARD_HELD)
        release_sym(k, k->held[0].sym);
    if (keysym_code(sym))
        send(k, s.code, true);
    else
        press_character(k, &s);
    k->held[k->nheld++] = (struct held_key){sym, s.code};
}

void keyboard_release(struct keyboard *k)
{
    while (k->nheld)
        release_sym(k, k->held[k->nheld - 1].sym);
}

static void modifiers(struct keyboard *k, const struct stroke *s, bool down)
{
    if (s->shift)
        send(k, CODE_SHIFT, down);
    if (s->altgr)
        send(k, CODE_ALTGR, down);
}

bool keyboard_tap(struct keyboard *k, u32 character, bool ctrl, bool alt)
{
    struct stroke s;

    if (!layout_stroke(k->layout, character, &s))
        return false;
    if (ctrl)
        send(k, CODE_CTRL, true);
    if (alt)
        send(k, CODE_ALT, true);
    modifiers(k, &s, true);
    send(k, s.code, true);
    send(k, s.code, false);
    modifiers(k, &s, false);
    if (alt)
        send(k, CODE_ALT, false);
    if (ctrl)
        send(k, CODE_CTRL, false);
    return true;
}

/* ---- pasted text ---- */

/* The next character of UTF-8 text; bytes that are none are skipped. */
static u32 next_character(const char *text, size_t len, size_t *at)
{
    u8 c = (u8)text[(*at)++];
    u32 more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0, v;

    if (c < 0x80)
        return c;
    if (!more || *at + more > len)
        return 0;
    v = c & (0x3fu >> more);
    for (u32 i = 0; i < more; i++) {
        if (((u8)text[*at + i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | ((u8)text[*at + i] & 0x3f);
    }
    *at += more;
    return v;
}

static void paste_fire(void *arg, u64 now)
{
    struct keyboard *k = arg;

    if (k->down) {
        send(k, k->down, false);
        modifiers(k, &k->with, false);
        k->down = 0;
        timer_set(&k->timer, now + STROKE_NS);
        return;
    }
    while (k->at < k->len) {
        u32 c = next_character(k->text, k->len, &k->at);

        if (c == '\r') /* "\r\n" is one line end */
            c = k->at < k->len && k->text[k->at] == '\n' ? 0 : '\n';
        if ((c < 0x20 && c != '\n' && c != '\t') || !layout_stroke(k->layout, c, &k->with))
            continue;
        k->down = k->with.code;
        modifiers(k, &k->with, true);
        send(k, k->down, true);
        timer_set(&k->timer, now + STROKE_NS);
        return;
    }
    k->len = k->at = 0;
}

size_t keyboard_paste(struct keyboard *k, const char *text, size_t len)
{
    size_t room;

    if (!k->text && !(k->text = malloc(KEYBOARD_PASTE)))
        return 0;
    room = KEYBOARD_PASTE - k->len;
    len = MIN(len, room);
    memcpy(k->text + k->len, text, len);
    k->len += len;
    if (len && !timer_pending(&k->timer))
        timer_set(&k->timer, clock_now(k->timer.clock));
    return len;
}

void keyboard_init(struct keyboard *k, const struct input_sink *sink, struct clock *clock,
                   const struct layout *layout)
{
    memset(k, 0, sizeof(*k));
    k->sink = sink;
    k->layout = layout;
    timer_init(&k->timer, clock, paste_fire, k, "paste");
}

void keyboard_free(struct keyboard *k)
{
    free(k->text);
    k->text = NULL;
}
