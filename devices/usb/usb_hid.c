/* USB keyboard, mouse and tablet: events queue up and each poll of the interrupt endpoint takes one
 * report (HID 1.11 chapters 7 and 8, appendix B). */
#include "devices/usb/usb_hid.h"

#include "devices/core/bits.h"

enum {
    GET_REPORT = 1,
    GET_IDLE = 2,
    GET_PROTOCOL = 3,
    SET_REPORT = 9,
    SET_IDLE = 10,
    SET_PROTOCOL = 11
};
enum { DESC_HID = 0x21, DESC_REPORT = 0x22, HID_DESC_AT = 18, HID_DESC_LEN = 9 };
enum { FIRST_MODIFIER = 0xe0, MODIFIERS = 8, ROLL_OVER = 1, TABLET_MAX = 0x7fff };
#define CLAMP(v, lo, hi) MIN(MAX(v, lo), hi)
#define IDLE_NS          4000000ull

#define FIELDS_OF struct usb_hid_regs
#define EVENT_ROWS(m, help)                                                                        \
    F(m.x, FT_U32, 0, help ": x"), F(m.y, FT_U32, 0, help ": y"), F(m.z, FT_U32, 0, help ": z"),   \
        F(m.buttons, FT_U32, 0, help ": buttons")
#define FOUR_EVENTS(n)                                                                             \
    EVENT_ROWS(event[n], "event"), EVENT_ROWS(event[n + 1], "event"),                              \
        EVENT_ROWS(event[n + 2], "event"), EVENT_ROWS(event[n + 3], "event")
static const struct field usb_hid_fields[] = {
    USB_ROWS,
    FOUR_EVENTS(0),
    FOUR_EVENTS(4),
    FOUR_EVENTS(8),
    FOUR_EVENTS(12),
    FOUR_EVENTS(16),
    FOUR_EVENTS(20),
    FOUR_EVENTS(24),
    FOUR_EVENTS(28),
    EVENT_ROWS(last, "last report"),
    F(head, FT_U32, 0, "first event"),
    F(count, FT_U32, 0, "events that wait"),
    F(sent_at, FT_U64, 0, "time of the last report"),
    F(keys, FT_BYTES, 0, "keys that are down"),
    F(nkeys, FT_U8, 0, "how many"),
    F(modifiers, FT_U8, 0, "modifiers that are down"),
    F(leds, FT_U8, 0, "lamps"),
    F(protocol, FT_U8, 1, "report or boot protocol"),
    F(idle, FT_U8, 0, "idle rate"),
    F(changed, FT_U8, 0, "state to report"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

/* ---- events in ---- */

static struct hid_event *newest(struct usb_hid_regs *r)
{
    return r->count ? &r->event[(r->head + r->count - 1) % HID_EVENTS] : NULL;
}

/* False when there is no room. */
static bool queue(struct usb_hid *h, struct hid_event e)
{
    struct usb_hid_regs *r = &h->r;

    if (r->count >= HID_EVENTS)
        return false;
    r->event[(r->head + r->count++) % HID_EVENTS] = e;
    usb_wake(&h->usb);
    return true;
}

static bool listening(const struct usb_hid *h)
{
    return h->r.usb.config;
}

static void on_key(void *dev, u16 key, bool down)
{
    struct usb_hid *h = dev;
    u8 usage = usb_hid_usage(key);

    if (!listening(h)) {
        if (h->old_keyboard.key)
            h->old_keyboard.key(h->old_keyboard.dev, key, down);
        return;
    }
    if (usage)
        queue(h, (struct hid_event){.x = usage, .buttons = down});
}

/* Movements between two polls become one; a change of buttons is an event of its own. */
static void on_move(void *dev, int dx, int dy, int dz, u32 buttons)
{
    struct usb_hid *h = dev;
    struct hid_event *e = newest(&h->r);

    if (!listening(h)) {
        if (h->old_mouse.move)
            h->old_mouse.move(h->old_mouse.dev, dx, dy, dz, buttons);
        return;
    }
    buttons &= 7;
    dx = CLAMP(dx, -32768, 32767);
    dy = CLAMP(dy, -32768, 32767);
    dz = CLAMP(dz, -128, 127);
    if (e && e->buttons == buttons) {
        e->x = CLAMP(e->x + dx, -32768, 32767);
        e->y = CLAMP(e->y + dy, -32768, 32767);
        e->z = CLAMP(e->z + dz, -128, 127);
        usb_wake(&h->usb);
        return;
    }
    queue(h, (struct hid_event){dx, dy, dz, buttons});
}

static void on_point(void *dev, u32 x, u32 y, int dz, u32 buttons)
{
    struct usb_hid *h = dev;
    struct hid_event *e = newest(&h->r);
    struct hid_event now = {(s32)MIN(x, (u32)TABLET_MAX), (s32)MIN(y, (u32)TABLET_MAX),
                            CLAMP(dz, -128, 127), buttons & 7};

    if (!listening(h))
        return;
    if (e && e->buttons == now.buttons && (e->z == 0) == (now.z == 0)) {
        now.z = CLAMP(e->z + now.z, -128, 127);
        *e = now;
        usb_wake(&h->usb);
        return;
    }
    queue(h, now);
}

static bool tablet_wanted(void *dev)
{
    return listening(dev);
}

/* ---- reports ---- */

static void apply_key(struct usb_hid_regs *r, u8 usage, bool down)
{
    unsigned i;

    if (usage >= FIRST_MODIFIER && usage < FIRST_MODIFIER + MODIFIERS) {
        r->modifiers = (u8)bits_put(r->modifiers, usage - FIRST_MODIFIER, 1, down);
        return;
    }
    for (i = 0; i < r->nkeys && r->keys[i] != usage; i++)
        ;
    if (down && i == r->nkeys && i < HID_KEYS) {
        r->keys[r->nkeys++] = usage;
    } else if (!down && i < r->nkeys) {
        memmove(r->keys + i, r->keys + i + 1, r->nkeys - i - 1u);
        r->nkeys--;
    }
}

/* Bring the next event into the state that is reported. What a byte does not hold of a movement is
 * left for the next report. */
static void next_event(struct usb_hid *h)
{
    struct usb_hid_regs *r = &h->r;
    struct hid_event *e;

    if (!r->count)
        return;
    e = &r->event[r->head];
    r->changed = 1;
    r->last = *e;
    if (h->kind == HID_KEYBOARD) {
        apply_key(r, (u8)e->x, e->buttons);
    } else if (h->kind == HID_MOUSE) {
        r->last.x = CLAMP(e->x, -127, 127);
        r->last.y = CLAMP(e->y, -127, 127);
        r->last.z = CLAMP(e->z, -127, 127);
        e->x -= r->last.x;
        e->y -= r->last.y;
        e->z -= r->last.z;
        if (e->x || e->y || e->z)
            return;
    } else {
        r->last.z = CLAMP(e->z, -127, 127);
    }
    r->head = (r->head + 1) % HID_EVENTS;
    r->count--;
}

static u16 keyboard_report(const struct usb_hid_regs *r, u8 *b)
{
    memset(b, 0, 8);
    b[0] = r->modifiers;
    if (r->nkeys > 6)
        memset(b + 2, ROLL_OVER, 6);
    else
        memcpy(b + 2, r->keys, r->nkeys);
    return 8;
}

static u16 pointer_report(const struct usb_hid *h, u8 *b)
{
    const struct hid_event *e = &h->r.last;

    b[0] = (u8)e->buttons;
    if (h->kind == HID_TABLET) {
        st16(b + 1, (u16)e->x);
        st16(b + 3, (u16)e->y);
        b[5] = (u8)-e->z; /* away from the user is up */
        return 6;
    }
    b[1] = (u8)e->x;
    b[2] = (u8)e->y;
    b[3] = (u8)-e->z;
    return h->r.protocol ? 4 : 3;
}

/* The state as the report says it; a relative movement is told once. */
static u16 report(struct usb_hid *h, u8 *b)
{
    u16 n = h->kind == HID_KEYBOARD ? keyboard_report(&h->r, b) : pointer_report(h, b);

    h->r.changed = 0;
    h->r.sent_at = clock_now(h->dev.env.clock);
    h->r.last.z = 0;
    if (h->kind == HID_MOUSE)
        h->r.last.x = h->r.last.y = 0;
    return n;
}

int usb_hid_data(struct usb_dev *u, enum usb_pid pid, unsigned ep, u8 *buf, u16 len)
{
    struct usb_hid *h = container_of(u, struct usb_hid, usb);
    u64 now = clock_now(h->dev.env.clock);
    u8 b[8];
    u16 n;

    if (pid != USB_IN || ep != 1)
        return USB_STALL;
    next_event(h);
    if (!h->r.changed && (!h->r.idle || now - h->r.sent_at < h->r.idle * IDLE_NS))
        return USB_NAK;
    n = report(h, b);
    n = MIN(n, len);
    memcpy(buf, b, n);
    return n;
}

u64 usb_hid_quiet(struct usb_dev *u, enum usb_pid pid, unsigned ep)
{
    const struct usb_hid *h = container_of(u, struct usb_hid, usb);

    if (pid != USB_IN || ep != 1 || h->r.changed || h->r.count)
        return 0;
    return h->r.idle ? h->r.sent_at + h->r.idle * IDLE_NS : CLOCK_NEVER;
}

/* ---- requests ---- */

static int hid_descriptor(struct usb_hid *h, u8 type, u8 *buf, u16 room)
{
    u16 len = HID_DESC_LEN;
    const u8 *d = h->usb.ops->config + HID_DESC_AT;

    if (type == DESC_REPORT)
        d = usb_hid_report(h->kind, &len);
    else if (type != DESC_HID)
        return USB_STALL;
    len = MIN(len, room);
    memcpy(buf, d, len);
    return len;
}

int usb_hid_control(struct usb_dev *u, const struct usb_setup *s, u8 *buf, u16 room)
{
    struct usb_hid *h = container_of(u, struct usb_hid, usb);

    if ((s->type & USB_RECIPIENT) != USB_TO_INTERFACE)
        return USB_STALL;
    if (!(s->type & USB_TYPE))
        return s->request == USB_GET_DESCRIPTOR ? hid_descriptor(h, s->value >> 8, buf, room)
                                                : USB_STALL;
    if ((s->type & USB_TYPE) != USB_CLASS)
        return USB_STALL;
    switch (s->request) {
    case GET_REPORT: return report(h, buf);
    case GET_IDLE: buf[0] = h->r.idle; return 1;
    case GET_PROTOCOL: buf[0] = h->r.protocol; return 1;
    case SET_REPORT:
        if (h->kind != HID_KEYBOARD || s->length < 1)
            return USB_STALL;
        h->r.leds = buf[0] & 0x1f;
        return 0;
    case SET_IDLE: h->r.idle = (u8)(s->value >> 8); return 0;
    case SET_PROTOCOL: h->r.protocol = s->value & 1; return 0;
    default: return USB_STALL;
    }
}

void usb_hid_bus_reset(struct usb_dev *u)
{
    struct usb_hid *h = container_of(u, struct usb_hid, usb);

    h->r.head = h->r.count = 0;
    h->r.nkeys = h->r.modifiers = h->r.leds = h->r.idle = h->r.changed = 0;
    memset(h->r.keys, 0, sizeof(h->r.keys));
    h->r.protocol = 1;
}

/* ---- life ---- */

static const struct usb_ops *ops_of(enum hid_kind kind)
{
    return kind == HID_KEYBOARD ? &usb_kbd_desc
           : kind == HID_MOUSE  ? &usb_mouse_desc
                                : &usb_tablet_desc;
}

static bool hid_init(struct dev *dev, struct err *err)
{
    struct usb_hid *h = (struct usb_hid *)dev;

    h->kind = dev->cls == &usb_kbd_class     ? HID_KEYBOARD
              : dev->cls == &usb_mouse_class ? HID_MOUSE
                                             : HID_TABLET;
    h->usb.ops = ops_of(h->kind);
    h->usb.r = &h->r.usb;
    return !h->bus || usb_attach(h->bus, &h->usb, err);
}

static bool hid_loaded(struct dev *dev, struct err *err)
{
    struct usb_hid *h = (struct usb_hid *)dev;
    struct usb_hid_regs *r = &h->r;

    usb_loaded(&h->usb);
    if (r->head >= HID_EVENTS || r->count > HID_EVENTS || r->nkeys > HID_KEYS)
        return err_set(err, "%s: the saved queue of events is impossible", dev->id);
    for (unsigned i = 0; i < HID_EVENTS; i++) {
        struct hid_event *e = &r->event[i];

        e->x = CLAMP(e->x, -32768, 32767);
        e->y = CLAMP(e->y, -32768, 32767);
        e->z = CLAMP(e->z, -128, 127);
        e->buttons &= 7;
    }
    r->last.z = CLAMP(r->last.z, -128, 127);
    r->protocol &= 1;
    r->changed = r->changed != 0;
    return true;
}

bool usb_hid_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct usb_hid *h = (struct usb_hid *)dev;

    h->bus = *plug->usb;
    if (dev->cls == &usb_kbd_class) {
        h->old_keyboard = *plug->keyboard;
        *plug->keyboard = (struct input_sink){h, on_key};
    } else if (dev->cls == &usb_mouse_class) {
        h->old_mouse = *plug->mouse;
        *plug->mouse = (struct mouse_sink){h, on_move};
    } else {
        *plug->tablet = (struct tablet_sink){h, on_point, tablet_wanted};
    }
    return true;
}

#define HID_CLASS(id, text)                                                                        \
    {                                                                                              \
        .name = id, .help = text, .size = sizeof(struct usb_hid),                                  \
        .saved_at = offsetof(struct usb_hid, r), .saved_size = sizeof(struct usb_hid_regs),        \
        .version = 1, .fields = usb_hid_fields, .init = hid_init, .loaded = hid_loaded,            \
    }
const struct dev_class usb_kbd_class = HID_CLASS("usb-kbd", "USB keyboard");
const struct dev_class usb_mouse_class = HID_CLASS("usb-mouse", "USB mouse");
const struct dev_class usb_tablet_class = HID_CLASS("usb-tablet", "USB tablet: absolute pointer");
