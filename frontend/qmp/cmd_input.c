/* Commands about people's ends: keys, pointers, pictures, passwords. */
#include "frontend/qmp/qmp_int.h"

#ifdef CONFIG_JANSSON
#include "frontend/keys.h"
#include "frontend/png.h"
#include "frontend/vnc/vnc.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_KEYS = 16, MAX_HOLD_MS = 60000, MAX_EVENTS = 256, ABS_MAX = 32767 };

/* ---- keys ---- */

/* {"type": "qcode", "data": name} or {"type": "number", "data": set-1 code}, whose bit 7 stands for
 * the prefix e0. 0 after qmp_fail. */
static u16 key_code(struct qmp_session *s, json_t *key)
{
    const char *type = json_string_value(json_object_get(key, "type"));
    json_t *data = json_object_get(key, "data");
    const char *name = json_string_value(data);
    char text[16];
    u16 code = 0;
    s64 n;

    if (type && !strcmp(type, "qcode") && name) {
        code = key_by_name(name, strlen(name));
        if (!code)
            qmp_fail(s, "There is no key '%.60s'.", name);
    } else if (type && !strcmp(type, "number") && json_is_integer(data)) {
        n = (s64)json_integer_value(data);
        snprintf(text, sizeof(text), "0x%x",
                 n & 0x80 ? 0xe000u | (u32)(n & 0x7f) : (u32)(n & 0x7f));
        code = n > 0 && n < 0x100 ? key_by_name(text, strlen(text)) : 0;
        if (!code)
            qmp_fail(s, "There is no key %lld.", (long long)n);
    } else {
        qmp_fail(s, "A key is {\"type\": \"qcode\", \"data\": name}, or of type number");
    }
    return code;
}

json_t *qmp_SEND_KEY(struct qmp_session *s, json_t *args)
{
    json_t *list = json_object_get(args, "keys"), *key;
    s64 hold = qmp_number(args, "hold-time", 100);
    u16 codes[MAX_KEYS];
    unsigned n = 0;
    size_t i;

    if (json_array_size(list) > MAX_KEYS)
        return qmp_fail(s, "More than %d keys at once are too many.", MAX_KEYS);
    if (hold < 0 || hold > MAX_HOLD_MS)
        return qmp_fail(s, "Parameter 'hold-time' is 0 to %d milliseconds", MAX_HOLD_MS);
    json_array_foreach(list, i, key)
    {
        codes[n] = key_code(s, key);
        if (!codes[n++])
            return NULL;
    }
    if (!vm_send_keys(s->vm, codes, n, (u32)hold))
        return qmp_fail(s, "Too many keys wait to be pressed already.");
    return json_object();
}

/* ---- input-send-event ---- */

/* What several events of one command add up to. */
struct moves {
    int dx, dy, dz;
    s64 x, y; /* -1: not moved */
    u32 buttons;
    bool any;
};

static bool is_word(json_t *v, const char *word)
{
    return json_is_string(v) && !strcmp(json_string_value(v), word);
}

static bool button(struct qmp_session *s, struct moves *m, json_t *data, bool down)
{
    json_t *b = json_object_get(data, "button");
    u32 bit = is_word(b, "left") ? 1 : is_word(b, "right") ? 2 : is_word(b, "middle") ? 4 : 0;

    m->any = true;
    if (is_word(b, "wheel-up") || is_word(b, "wheel-down")) {
        if (down)
            m->dz += is_word(b, "wheel-up") ? -1 : 1;
        return true;
    }
    if (!bit)
        return qmp_fail(s, "A button is left, middle, right, wheel-up or wheel-down");
    m->buttons = down ? m->buttons | bit : m->buttons & ~bit;
    return true;
}

static bool axis(struct qmp_session *s, struct moves *m, json_t *data, bool absolute)
{
    json_t *which = json_object_get(data, "axis"), *value = json_object_get(data, "value");
    s64 v = (s64)json_integer_value(value);

    m->any = true;
    if (!json_is_integer(value) || (!is_word(which, "x") && !is_word(which, "y")))
        return qmp_fail(s, "A movement has an axis, x or y, and a value");
    if (absolute ? v < 0 || v > ABS_MAX : v < -ABS_MAX || v > ABS_MAX)
        return qmp_fail(s, "A movement's value is at most %d", ABS_MAX);
    if (absolute)
        *(is_word(which, "x") ? &m->x : &m->y) = v;
    else
        *(is_word(which, "x") ? &m->dx : &m->dy) = (int)v;
    return true;
}

/* Check one event, and (really) do it as far as it is a key. */
static bool input_event(struct qmp_session *s, struct moves *m, json_t *e, bool really)
{
    json_t *type = json_object_get(e, "type"), *data = json_object_get(e, "data");
    json_t *down = json_object_get(data, "down");
    struct input_sink *k = &s->vm->pc->keyboard;
    u16 code;

    if (is_word(type, "rel") || is_word(type, "abs"))
        return axis(s, m, data, is_word(type, "abs"));
    if (!json_is_boolean(down))
        return qmp_fail(s,
                        "An event is of type key, btn, rel or abs and has data; keys and buttons "
                        "have down");
    if (is_word(type, "btn"))
        return button(s, m, data, json_is_true(down));
    if (!is_word(type, "key"))
        return qmp_fail(s, "An event's type is key, btn, rel or abs");
    code = key_code(s, json_object_get(data, "key"));
    if (!code)
        return false;
    if (really && k->key)
        k->key(k->dev, code, json_is_true(down));
    return true;
}

static void move(struct vm *vm, const struct moves *m)
{
    struct mouse_sink *mouse = &vm->pc->mouse;
    struct tablet_sink *tablet = &vm->pc->tablet;

    vm->mouse_buttons = m->buttons;
    if (tablet->point && (m->x >= 0 || m->y >= 0 || pointer_absolute(&vm->pointer))) {
        vm->tablet_x = m->x >= 0 ? (u32)m->x : vm->tablet_x;
        vm->tablet_y = m->y >= 0 ? (u32)m->y : vm->tablet_y;
        tablet->point(tablet->dev, vm->tablet_x, vm->tablet_y, m->dz, m->buttons);
    } else if (mouse->move) {
        mouse->move(mouse->dev, m->dx, m->dy, m->dz, m->buttons);
    }
}

json_t *qmp_INPUT_SEND_EVENT(struct qmp_session *s, json_t *args)
{
    json_t *list = json_object_get(args, "events"), *e;
    size_t i;

    if (json_array_size(list) > MAX_EVENTS)
        return qmp_fail(s, "More than %d events at once are too many.", MAX_EVENTS);
    for (int really = 0; really < 2; really++) { /* all of them or none */
        struct moves m = {.x = -1, .y = -1, .buttons = s->vm->mouse_buttons};

        json_array_foreach(list, i, e)
        {
            if (!input_event(s, &m, e, really))
                return NULL;
        }
        if (really && m.any)
            move(s->vm, &m);
    }
    return json_object();
}

/* ---- pictures ---- */

json_t *qmp_SCREENDUMP(struct qmp_session *s, json_t *args)
{
    const char *format = qmp_string(args, "format");

    screen_look(&s->vm->screen); /* what changed is for the windows, too */
    return qmp_done(s, screendump_as(&s->vm->pc->display, qmp_string(args, "filename"),
                                     format && !strcmp(format, "png"), &s->err));
}

/* ---- passwords ---- */

json_t *qmp_SET_PASSWORD(struct qmp_session *s, json_t *args)
{
    return qmp_done(s, vnc_set_password(s->vm->vnc, qmp_string(args, "password"), &s->err));
}

json_t *qmp_CHANGE_VNC_PASSWORD(struct qmp_session *s, json_t *args)
{
    return qmp_SET_PASSWORD(s, args);
}

json_t *qmp_EXPIRE_PASSWORD(struct qmp_session *s, json_t *args)
{
    const char *when = qmp_string(args, "time");
    bool later = when[0] == '+';
    u64 n = 0;
    s64 date = 0, now = (s64)time(NULL);

    if (!strcmp(when, "now"))
        date = now;
    else if (strcmp(when, "never")) {
        if (!opts_number(when + later, 1ull << 40, &n))
            return qmp_fail(s, "Parameter 'time' is now, never, +seconds or seconds since 1970");
        date = MAX((s64)n + (later ? now : 0), (s64)1);
    }
    return qmp_done(s, vnc_expire_password(s->vm->vnc, date, &s->err));
}
#endif
