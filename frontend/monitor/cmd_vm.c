/* Monitor commands that act on the machine: run state, input, pictures, logging. */
#include "frontend/monitor/monitor.h"

#include "frontend/keys.h"
#include "frontend/png.h"
#include "frontend/reverse/reverse.h"
#include "frontend/vnc/vnc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool cmd_HELP(struct monitor *m, const char *args)
{
    char word[64];

    if (mon_word(&args, word, sizeof(word))) {
        const struct mon_row *r = mon_find(mon_commands, word, strlen(word));

        if (!r)
            return err_set(&m->err, "There is no command '%s'.", word);
        mon_printf(m, "%s %s -- %s\n", r->names, r->args, r->help);
        return true;
    }
    for (const struct mon_row *r = mon_commands; r->names; r++)
        mon_printf(m, "%s%s%s -- %s\n", r->names, *r->args ? " " : "", r->args, r->help);
    return true;
}

bool cmd_INFO(struct monitor *m, const char *args)
{
    const struct mon_row *r;
    char word[64];

    if (!mon_word(&args, word, sizeof(word))) {
        for (r = mon_infos; r->names; r++)
            mon_printf(m, "info %s -- %s\n", r->names, r->help);
        return true;
    }
    r = mon_find(mon_infos, word, strlen(word));
    if (!r)
        return err_set(&m->err, "There is no 'info %s'; 'info' lists what there is.", word);
    if (!m->vm->pc && r->fn != info_STATUS && r->fn != info_VERSION && r->fn != info_NAME &&
        r->fn != info_UUID && r->fn != info_CHARDEV && r->fn != info_HISTORY)
        return err_set(&m->err, "There is no machine (-machine none).");
    return r->fn(m, args);
}

/* ---- run state ---- */

bool cmd_STOP(struct monitor *m, const char *args)
{
    vm_stop(m->vm, "paused");
    return true;
}

bool cmd_CONT(struct monitor *m, const char *args)
{
    if (!strcmp(m->vm->state, "shutdown"))
        return err_set(&m->err, "The machine is shut down; 'system_reset' starts it again.");
    if (reverse_lost(m->vm, &m->err))
        return false;
    vm_cont(m->vm);
    return true;
}

bool cmd_RESET(struct monitor *m, const char *args)
{
    vm_reset(m->vm, "host-qmp-system-reset");
    return true;
}

bool cmd_POWERDOWN(struct monitor *m, const char *args)
{
    return vm_powerdown(m->vm) ||
           err_set(&m->err, "The machine has no power button, since ACPI is off.");
}

bool cmd_NMI(struct monitor *m, const char *args)
{
    pc_nmi(m->vm->pc);
    return true;
}

bool cmd_QUIT(struct monitor *m, const char *args)
{
    m->vm->ended_by = "host-qmp-quit";
    vm_quit(m->vm, 0);
    return true;
}

/* ---- input ---- */

bool cmd_SENDKEY(struct monitor *m, const char *args)
{
    char word[256];
    u16 codes[16];
    unsigned n = 0;
    u64 hold = 100;

    if (!mon_word(&args, word, sizeof(word)))
        return err_set(&m->err, "sendkey takes keys such as ctrl-alt-delete.");
    for (const char *p = word; *p;) {
        size_t len = strcspn(p, "-");
        u16 code = key_by_name(p, len);

        if (!code)
            return err_set(&m->err, "There is no key '%.*s'.", (int)MIN(len, (size_t)60), p);
        if (n == ARRAY_LEN(codes))
            return err_set(&m->err, "More than %zu keys at once are too many.", ARRAY_LEN(codes));
        codes[n++] = code;
        p += len + (p[len] == '-');
    }
    args += strspn(args, " \t");
    if (*args && (!mon_number(m, &args, &hold) || hold > 60000))
        return err_set(&m->err, "The time to hold keys is a number of milliseconds up to 60000.");
    return vm_send_keys(m->vm, codes, n, (u32)hold) ||
           err_set(&m->err, "Too many keys wait to be pressed already.");
}

bool cmd_MOUSE_MOVE(struct monitor *m, const char *args)
{
    struct mouse_sink *mouse = &m->vm->pc->mouse;
    u64 dx, dy, dz = 0;

    if (!mon_number(m, &args, &dx) || !mon_number(m, &args, &dy))
        return false;
    args += strspn(args, " \t");
    if (*args && !mon_number(m, &args, &dz))
        return false;
    if (!mouse->move)
        return err_set(&m->err, "The machine has no mouse.");
    mouse->move(mouse->dev, (int)(s64)dx, (int)(s64)dy, (int)(s64)dz, m->vm->mouse_buttons);
    return true;
}

bool cmd_MOUSE_BUTTON(struct monitor *m, const char *args)
{
    struct mouse_sink *mouse = &m->vm->pc->mouse;
    u64 state;

    if (!mon_number(m, &args, &state))
        return false;
    if (!mouse->move)
        return err_set(&m->err, "The machine has no mouse.");
    m->vm->mouse_buttons = (u32)state & 7;
    mouse->move(mouse->dev, 0, 0, 0, m->vm->mouse_buttons);
    return true;
}

bool cmd_PASTE(struct monitor *m, const char *args)
{
    size_t n;

    args += *args == ' '; /* the one behind the command is not part of the text */
    n = strlen(args);

    if (!m->vm->pc->keyboard.key)
        return err_set(&m->err, "The machine has no keyboard.");
    if (!n)
        return err_set(&m->err, "paste takes the text to be typed.");
    return keyboard_paste(&m->vm->keyboard, args, n) == n ||
           err_set(&m->err, "That is more text than can wait to be typed.");
}

bool cmd_SET_PASSWORD(struct monitor *m, const char *args)
{
    char what[16], word[64];

    if (!mon_word(&args, what, sizeof(what)) || strcmp(what, "vnc") ||
        !mon_word(&args, word, sizeof(word)))
        return err_set(&m->err, "set_password takes 'vnc' and the password.");
    return vnc_set_password(m->vm->vnc, word, &m->err);
}

bool cmd_WATCHDOG_ACTION(struct monitor *m, const char *args)
{
    char word[32];

    if (!mon_word(&args, word, sizeof(word)))
        return err_set(&m->err, "watchdog_action takes what is to follow.");
    return vm_watchdog(m->vm, word, &m->err);
}

/* ---- pictures and logs ---- */

bool cmd_SCREENDUMP(struct monitor *m, const char *args)
{
    char path[OPT_PATH];

    if (!mon_word(&args, path, sizeof(path)))
        return err_set(&m->err, "screendump takes the name of a file.");
    screen_look(&m->vm->screen); /* what changed is for the windows, too */
    return screendump(&m->vm->pc->display, path, &m->err);
}

bool cmd_TEXTDUMP(struct monitor *m, const char *args)
{
    char path[OPT_PATH], *text = NULL;
    size_t n = 0;
    bool to_file = mon_word(&args, path, sizeof(path)), ok;
    FILE *f = to_file ? fopen(path, "w") : open_memstream(&text, &n);

    if (!f)
        return err_set(&m->err, "Cannot write '%.300s': %s.", to_file ? path : "", strerror(errno));
    ok = textdump(&m->vm->pc->display, f);
    if (fclose(f))
        ok = false;
    if (ok && !to_file)
        mon_write(m, text, n);
    free(text);
    if (!ok && to_file)
        remove(path);
    return ok || err_set(&m->err, "The screen is not in a text mode.");
}

bool cmd_LOG(struct monitor *m, const char *args)
{
    char word[256];
    u32 mask = 0;

    if (!mon_word(&args, word, sizeof(word)))
        return err_set(&m->err, "log takes areas as -d does, or none.");
    if (strcmp(word, "none") && !log_parse(word, &mask, &m->err))
        return false;
    m->vm->log.mask = mask;
    return true;
}
