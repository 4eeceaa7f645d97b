/* What the options about picture and keyboard do to struct options: -display, -vnc, -vga, -k. */
#include "frontend/opts.h"

#include "frontend/keyboard/layout.h"
#include "frontend/vnc/vnc.h"

#include <string.h>

/* ---- VNC ---- */

/* "host:n" or ":n": the display's number, behind the last colon. */
static bool vnc_address(struct opt_vnc *v, const char *text, struct err *err)
{
    const char *colon = strrchr(text, ':');
    size_t n = colon ? (size_t)(colon - text) : 0;
    u64 number;

    if (!colon || !opts_number(colon + 1, VNC_MAX_DISPLAY, &number))
        return err_set(err, "-vnc takes host:n, the display n being at TCP port %u+n, not '%.80s'.",
                       VNC_PORT, text);
    if (n >= sizeof(v->host))
        return err_set(err, "The host name of -vnc is longer than %zu characters.",
                       sizeof(v->host) - 1);
    if (n > 2 && text[0] == '[' && text[n - 1] == ']') /* an IPv6 address */
        text++, n -= 2;
    memcpy(v->host, text, n);
    v->host[n] = 0;
    v->display = (u32)number;
    return true;
}

static bool vnc_property(struct opt_vnc *v, const char *key, const char *val, struct err *err)
{
    static const char *const keys[] = {"password", "password-file", "websocket", "to", "share", NULL};
    bool on;
    u64 n;

    if (!strcmp(key, "password")) {
        if (!opts_bool(val, &v->password))
            return err_set(err, "Property 'password' of -vnc is 'on' or 'off', not '%.60s'; the "
                                "password is in password-file or set in the monitor.", val);
        return true;
    }
    if (!strcmp(key, "password-file")) {
        v->password = true;
        return opts_copy(v->password_file, sizeof(v->password_file), val) ||
               err_set(err, "The name of -vnc's password-file is too long.");
    }
    if (!strcmp(key, "websocket")) {
        if (opts_bool(val, &on))
            v->websocket = on ? VNC_WS_DEFAULT : 0;
        else if (opts_number(val, 65535, &n) && n)
            v->websocket = (u32)n;
        else
            return err_set(err, "Property 'websocket' of -vnc is on, off or a TCP port, not '%.60s'.",
                           val);
        return true;
    }
    if (!strcmp(key, "to")) {
        if (!opts_number(val, VNC_MAX_DISPLAY, &n) || n < v->display)
            return err_set(err, "Property 'to' of -vnc is the last display to try, not '%.60s'.", val);
        v->to = (u32)n;
        return true;
    }
    if (!strcmp(key, "share")) {
        if (!strcmp(val, "allow-exclusive") || !strcmp(val, "force-shared") || !strcmp(val, "ignore"))
            return true;
        return err_set(err, "Property 'share' of -vnc is allow-exclusive, force-shared or ignore, "
                            "not '%.60s'.", val);
    }
    return opts_bad_key("vnc", key, keys, err);
}

static bool set_vnc(struct options *opt, const char *val, struct err *err)
{
    struct opt_vnc *v = &opt->vnc;
    char key[64], text[OPT_PATH];
    bool has_key, first = true;

    memset(v, 0, sizeof(*v));
    if (!strcmp(val, "none"))
        return true;
    while (opts_next(&val, key, sizeof(key), text, sizeof(text), &has_key)) {
        if (first) {
            if (!vnc_address(v, has_key ? key : text, err))
                return false;
        } else if (!vnc_property(v, has_key ? key : text, has_key ? text : "on", err)) {
            return false;
        }
        first = false;
    }
    if (first)
        return err_set(err, "-vnc takes host:n, as in 127.0.0.1:0.");
    if (v->websocket == VNC_WS_DEFAULT)
        v->websocket = VNC_WS_PORT + v->display;
    v->on = true;
    return true;
}

bool opt_set_VNC(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return set_vnc(opt, val, err);
}

/* ---- display ---- */

static bool sdl_property(struct options *opt, const char *key, const char *val, struct err *err)
{
    static const char *const keys[] = {"scale", "full-screen", "aspect", "status", NULL};
    static const char *const scales[] = {"smooth", "exact", NULL};
    bool *to = !strcmp(key, "full-screen") ? &opt->full_screen
               : !strcmp(key, "aspect")    ? &opt->square
               : !strcmp(key, "status")    ? &opt->no_status
                                           : NULL;
    bool on;

    if (!strcmp(key, "scale")) {
        if (strcmp(val, "smooth") && strcmp(val, "exact"))
            return opts_bad_value("display sdl,scale", val, scales, err);
        opt->exact = !strcmp(val, "exact");
        return true;
    }
    if (!to)
        return opts_bad_key("display sdl", key, keys, err);
    if (!opts_bool(val, &on))
        return err_set(err, "Property '%s' of -display sdl is 'on' or 'off', not '%.60s'.", key, val);
    *to = to == &opt->full_screen ? on : !on;
    return true;
}

bool opt_set_DISPLAY(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const names[] = {"sdl", "curses", "vnc", "none", "headless", NULL};
    const char *rest = val + strcspn(val, ",");
    char name[32], key[64], text[64];
    bool has_key;

    if (!strncmp(val, "vnc=", 4)) {
        opt->show = SHOW_NONE;
        return set_vnc(opt, val + 4, err);
    }
    snprintf(name, sizeof(name), "%.*s", (int)MIN((size_t)(rest - val), sizeof(name) - 1), val);
    if (!strcmp(name, "sdl"))
        opt->show = SHOW_SDL;
    else if (!strcmp(name, "curses"))
        opt->show = SHOW_CURSES;
    else if (!strcmp(name, "none") || !strcmp(name, "headless"))
        opt->show = SHOW_NONE;
    else if (!strcmp(name, "vnc"))
        return err_set(err, "-display vnc takes an address, as in vnc=127.0.0.1:0.");
    else
        return opts_bad_value(flag, name, names, err);
    if (*rest == ',')
        rest++;
    while (opts_next(&rest, key, sizeof(key), text, sizeof(text), &has_key)) {
        if (opt->show != SHOW_SDL)
            return err_set(err, "-display %s has no properties.", name);
        if (!sdl_property(opt, has_key ? key : text, has_key ? text : "on", err))
            return false;
    }
    return true;
}

bool opt_set_NOGRAPHIC(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->show = SHOW_NOGRAPHIC;
    return true;
}

bool opt_set_VGA(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const names[] = {"std", "cirrus", "none", NULL};

    if (!strcmp(val, "std"))
        opt->vga = PC_VGA_STD;
    else if (!strcmp(val, "cirrus"))
        opt->vga = PC_VGA_CIRRUS;
    else if (!strcmp(val, "none"))
        opt->vga = PC_VGA_NONE;
    else
        return opts_bad_value(flag, val, names, err);
    return true;
}

bool opt_set_FULL_SCREEN(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->full_screen = true;
    return true;
}

bool opt_set_K(struct options *opt, const char *flag, const char *val, struct err *err)
{
    if (!layout_find(val))
        return opts_bad_value(flag, val, layout_names, err);
    return opts_copy(opt->layout, sizeof(opt->layout), val);
}
