/* What VNC clients do: keys, pointer, wheel, clipboard. Runs on the machine's thread, inside
 * rfbProcessEvents. */
#include "config.h"

#ifdef CONFIG_VNC
#include "frontend/vnc/vnc_int.h"

#include "frontend/png.h"

#include <stdlib.h>
#include <string.h>

enum {
    SYM_CTRL_L = 0xffe3,
    SYM_CTRL_R = 0xffe4,
    SYM_ALT_L = 0xffe9,
    SYM_ALT_R = 0xffea,
    RFB_LEFT = 1,
    RFB_MIDDLE = 2,
    RFB_RIGHT = 4,
    RFB_WHEEL_UP = 8,
    RFB_WHEEL_DOWN = 16,
};

static struct vnc *of_client(rfbClientPtr cl)
{
    return cl->screen->screenData;
}

/* The guest's text screen becomes the clients' clipboard. */
static void copy_screen(struct vnc *v)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    bool ok;

    if (!f)
        return;
    ok = textdump(&v->vm->pc->display, f);
    if (!fclose(f) && ok)
        rfbSendServerCutText(v->rfb, text, (int)n);
    free(text);
}

/* Ctrl+Alt+V types the client's clipboard, Ctrl+Alt+C gives it the text screen. */
static bool hot_key(struct vnc *v, u32 sym)
{
    struct keyboard *k = &v->vm->keyboard;

    if (!keyboard_holds(k, SYM_CTRL_L, SYM_CTRL_R) || !keyboard_holds(k, SYM_ALT_L, SYM_ALT_R))
        return false;
    if (sym == 'v' || sym == 'V') {
        keyboard_release(k);
        keyboard_paste(k, v->clip, v->clip_len);
        return true;
    }
    if (sym == 'c' || sym == 'C') {
        copy_screen(v);
        return true;
    }
    return false;
}

static void key(rfbBool down, rfbKeySym sym, rfbClientPtr cl)
{
    struct vnc *v = of_client(cl);

    if (down && hot_key(v, sym))
        return;
    keyboard_sym(&v->vm->keyboard, sym, down);
}

static void release_all(rfbClientPtr cl)
{
    keyboard_release(&of_client(cl)->vm->keyboard);
}

static void pointer(int mask, int x, int y, rfbClientPtr cl)
{
    struct vnc *v = of_client(cl);
    struct vnc_client *c = cl->clientData;
    u32 buttons = (mask & RFB_LEFT ? 1 : 0) | (mask & RFB_RIGHT ? 2 : 0) | (mask & RFB_MIDDLE ? 4 : 0);
    u32 pressed = c ? (u32)mask & ~c->buttons : (u32)mask;
    /* each step of the wheel is a press of a button of its own */
    int dz = (pressed & RFB_WHEEL_DOWN ? 1 : 0) - (pressed & RFB_WHEEL_UP ? 1 : 0);

    if (c)
        c->buttons = (u32)mask;
    pointer_at(&v->vm->pointer, x, y, v->w, v->h, dz, buttons);
}

static void keep_clip(struct vnc *v, char *text, size_t n)
{
    free(v->clip);
    v->clip = text;
    v->clip_len = text ? n : 0;
}

static void cut_text_utf8(char *str, int len, rfbClientPtr cl)
{
    size_t n = MIN((size_t)MAX(len, 0), (size_t)VNC_CLIP);
    char *text = malloc(n + 1);

    if (text)
        memcpy(text, str, n);
    keep_clip(of_client(cl), text, n);
}

/* Older clients send Latin-1. */
static void cut_text(char *str, int len, rfbClientPtr cl)
{
    size_t n = MIN((size_t)MAX(len, 0), (size_t)VNC_CLIP), at = 0;
    char *text = malloc(2 * n + 1);

    for (size_t i = 0; text && i < n; i++) {
        u8 c = (u8)str[i];

        if (c >= 0x80)
            text[at++] = (char)(0xc0 | c >> 6);
        text[at++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    keep_clip(of_client(cl), text, at);
}

void vnc_input_init(struct vnc *v)
{
    v->rfb->kbdAddEvent = key;
    v->rfb->kbdReleaseAllKeys = release_all;
    v->rfb->ptrAddEvent = pointer;
    v->rfb->setXCutText = cut_text;
    v->rfb->setXCutTextUTF8 = cut_text_utf8;
}

#endif
