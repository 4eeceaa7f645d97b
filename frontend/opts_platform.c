/* What -smbios, -action and -usb do to struct options. */
#include "frontend/opts.h"

#include <string.h>

/* ---- what follows ---- */

const char *const opts_watchdog_names[] = {"reset", "shutdown", "poweroff",   "pause",
                                           "debug", "none",     "inject-nmi", NULL};

static bool set_watchdog(struct options *opt, const char *flag, const char *v, struct err *err)
{
    for (int i = 0; opts_watchdog_names[i]; i++) {
        if (!strcmp(v, opts_watchdog_names[i])) {
            opt->watchdog = (enum pc_watchdog)i;
            return true;
        }
    }
    return opts_bad_value(flag, v, opts_watchdog_names, err);
}

bool opt_set_WATCHDOG_ACTION(struct options *opt, const char *flag, const char *val,
                             struct err *err)
{
    return set_watchdog(opt, flag, val, err);
}

bool opt_set_ACTION(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"reboot", "shutdown", "watchdog", NULL};
    static const char *const reboots[] = {"reset", "shutdown", NULL};
    static const char *const shutdowns[] = {"poweroff", "pause", NULL};
    char key[64], v[64];
    bool has_key;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!strcmp(key, "watchdog")) {
            if (!set_watchdog(opt, "action watchdog", v, err))
                return false;
        } else if (!strcmp(key, "reboot")) {
            if (strcmp(v, "reset") && strcmp(v, "shutdown"))
                return opts_bad_value("action reboot", v, reboots, err);
            opt->no_reboot = v[0] == 's';
        } else if (!strcmp(key, "shutdown")) {
            if (strcmp(v, "poweroff") && strcmp(v, "pause"))
                return opts_bad_value("action shutdown", v, shutdowns, err);
            opt->no_shutdown = v[1] == 'a';
        } else {
            return opts_bad_key(flag, has_key ? key : v, keys, err);
        }
    }
    return true;
}

/* ---- SMBIOS ---- */

static bool add_text(struct options *opt, u64 type, const char *key, const char *v, struct err *err)
{
    struct smbios_text *t = &opt->smbios[opt->nsmbios];

    if (!smbios_has((unsigned)type, key))
        return err_set(err, "-smbios type=%u has no field '%.60s'.", (unsigned)type, key);
    if (opt->nsmbios >= SMBIOS_TEXTS)
        return err_set(err, "-smbios can give %d fields at most.", SMBIOS_TEXTS);
    t->type = (u8)type;
    if (!opts_copy(t->key, sizeof(t->key), key) || !opts_copy(t->value, sizeof(t->value), v))
        return err_set(err, "The value of -smbios %s is longer than %zu characters.", key,
                       sizeof(t->value) - 1);
    opt->nsmbios++;
    return true;
}

bool opt_set_SMBIOS(struct options *opt, const char *flag, const char *val, struct err *err)
{
    char key[64], v[OPT_TEXT];
    bool has_key;
    u64 type = 256;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!strcmp(key, "type")) {
            if (!opts_number(v, 255, &type) || !smbios_has((unsigned)type, NULL))
                return err_set(err, "-smbios type is 0, 1, 2, 3, 4, 11 or 17, not '%.60s'.", v);
        } else if (type > 255) {
            return err_set(err, "-smbios begins with type=, such as type=1,serial=123.");
        } else if (type == 1 && !strcmp(key, "uuid")) {
            if (!opt_set_UUID(opt, "smbios uuid", v, err))
                return false;
        } else if (!add_text(opt, type, has_key ? key : v, v, err)) {
            return false;
        }
    }
    return type < 256 || err_set(err, "-smbios begins with type=, such as type=1,serial=123.");
}

/* ---- USB ---- */

bool opt_set_USB(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->usb = true;
    return true;
}

bool opt_set_USBDEVICE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const struct {
        const char *name, *driver;
    } kinds[] = {{"tablet", "usb-tablet"}, {"mouse", "usb-mouse"}, {"keyboard", "usb-kbd"}};
    static const char *const names[] = {"tablet", "mouse", "keyboard", NULL};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!strcmp(val, kinds[i].name)) {
            opt->usb = true;
            return opts_new_addon(opt, kinds[i].driver, err) != NULL;
        }
    }
    return opts_bad_value(flag, val, names, err);
}

bool opts_add_usb(struct options *opt, struct err *err)
{
    for (unsigned i = 0; i < opt->naddons; i++) {
        if (!strcmp(opt->addons[i].driver, "piix3-usb-uhci"))
            return true;
    }
    return !opt->usb || opts_new_addon(opt, "piix3-usb-uhci", err) != NULL;
}
