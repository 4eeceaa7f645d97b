/* What each option does to struct options: machine, boot, time and debugging. */
#include "frontend/opts.h"

#include "devices/core/log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

opt_fn *const opt_fns[OPT__COUNT] = {
#define OPT(id, flag, arg, section, help) opt_set_##id,
#include "frontend/opts.def"
#undef OPT
};

/* "a, b or c" */
static void join(char *buf, size_t size, const char *const *names)
{
    size_t n = 0;

    buf[0] = 0;
    for (; *names; names++) {
        int k = snprintf(buf + n, size - n, "%s%s", n ? names[1] ? ", " : " or " : "", *names);
        if (k < 0 || n + (size_t)k >= size)
            return;
        n += (size_t)k;
    }
}

bool opts_bad_value(const char *flag, const char *val, const char *const *names, struct err *err)
{
    const char *near = opts_nearest(val, names);
    char list[300];

    join(list, sizeof(list), names);
    if (near)
        return err_set(
            err, "Value '%.80s' of -%s is not known; the nearest that is is '%s' (known: %s).", val,
            flag, near, list);
    return err_set(err, "Value '%.80s' of -%s is not known; it can be %s.", val, flag, list);
}

bool opts_bad_key(const char *flag, const char *key, const char *const *names, struct err *err)
{
    const char *near = opts_nearest(key, names);
    char list[300];

    join(list, sizeof(list), names);
    if (near)
        return err_set(err, "-%s has no property '%.80s'; the nearest it has is '%s' (it has %s).",
                       flag, key, near, list);
    return err_set(err, "-%s has no property '%.80s'; it has %s.", flag, key, list);
}

static bool bad_switch(const char *flag, const char *key, const char *val, struct err *err)
{
    return err_set(err, "Property '%s' of -%s is 'on' or 'off', not '%.80s'.", key, flag, val);
}

static bool copy_value(const char *flag, char *to, size_t size, const char *val, struct err *err)
{
    if (opts_copy(to, size, val))
        return true;
    return err_set(err, "The value of -%s is longer than %zu characters.", flag, size - 1);
}

static bool ask_list(struct options *opt, const char *what)
{
    opt->start = START_LIST;
    return opts_copy(opt->list, sizeof(opt->list), what);
}

/* ---- what to print ---- */

bool opt_set_HELP(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->start = START_HELP;
    return true;
}

bool opt_set_H(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->start = START_HELP;
    return true;
}

bool opt_set_VERSION(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->start = START_VERSION;
    return true;
}

bool opt_set_PRINT_MAN(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->start = START_MAN;
    return true;
}

bool opt_set_PRINT_COMPLETION(struct options *opt, const char *flag, const char *val,
                              struct err *err)
{
    static const char *const shells[] = {"bash", "zsh", "fish", NULL};

    for (int i = 0; shells[i]; i++) {
        if (!strcmp(val, shells[i])) {
            opt->start = START_COMPLETION;
            return opts_copy(opt->list, sizeof(opt->list), val);
        }
    }
    return opts_bad_value(flag, val, shells, err);
}

/* ---- machine ---- */

static bool set_accel(const char *flag, const char *val, struct err *err)
{
    /* A list of alternatives, as in kvm:tcg: any that we have will do. */
    const char *p = val;

    for (;;) {
        size_t n = strcspn(p, ":");

        if (n == 3 && !memcmp(p, "tcg", 3))
            return true;
        if (!p[n])
            break;
        p += n + 1;
    }
    return err_set(
        err, "Accelerator '%.80s' of -%s is not there: guest code is always translated; use 'tcg'.",
        val, flag);
}

static bool set_machine(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const names[] = {"pc", "pc-i440fx", "none", NULL};
    static const char *const keys[] = {"type",   "accel",           "acpi",      "hpet", "usb",
                                       "vmport", "dump-guest-core", "mem-merge", "pcspk-audiodev", NULL};
    char key[64], v[128];
    bool has_key, on;

    if (!strcmp(val, "help"))
        return ask_list(opt, "machine");
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!has_key || !strcmp(key, "type")) {
            opt->no_machine = !strcmp(v, "none");
            if (!opt->no_machine && strcmp(v, "pc") && strncmp(v, "pc-i440fx", 9))
                return opts_bad_value(flag, v, names, err);
            continue;
        }
        if (!strcmp(key, "accel")) {
            if (!set_accel(flag, v, err))
                return false;
            continue;
        }
        if (!strcmp(key, "pcspk-audiodev")) {
            if (!opts_copy(opt->pcspk_audiodev, sizeof(opt->pcspk_audiodev), v))
                return err_set(err, "The id in -%s is too long.", flag);
            continue;
        }
        for (int i = 2; keys[i] && strcmp(key, keys[i]); i++) {
            if (!keys[i + 1])
                return opts_bad_key(flag, key, keys, err);
        }
        if (!opts_bool(v, &on))
            return bad_switch(flag, key, v, err);
        if (!strcmp(key, "acpi"))
            opt->no_acpi = !on;
        else if (!strcmp(key, "hpet"))
            opt->no_hpet = !on;
        else if (!strcmp(key, "usb"))
            opt->usb = on;
        else if (!strcmp(key, "vmport"))
            opt->no_vmport = !on;
        else if (on)
            return err_set(err, "Property '%s=on' of -%s is not supported yet; leave it out.", key,
                           flag);
    }
    return true;
}

bool opt_set_MACHINE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return set_machine(opt, flag, val, err);
}

bool opt_set_M_(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return set_machine(opt, flag, val, err);
}

bool opt_set_ACCEL(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"accel", "thread", NULL};
    char key[64], v[128];
    bool has_key;

    if (!strcmp(val, "help"))
        return ask_list(opt, "accel");
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!has_key || !strcmp(key, "accel")) {
            if (!set_accel(flag, v, err))
                return false;
        } else if (strcmp(key, "thread")) {
            return opts_bad_key(flag, key, keys, err);
        } else if (strcmp(v, "single")) {
            return err_set(
                err, "Property 'thread' of -accel is 'single', not '%.80s': there is one CPU.", v);
        }
    }
    return true;
}

bool opt_set_CPU(struct options *opt, const char *flag, const char *val, struct err *err)
{
    if (!strcmp(val, "help"))
        return ask_list(opt, "cpu");
    return copy_value(flag, opt->cpu, sizeof(opt->cpu), val, err);
}

bool opt_set_SMP(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"cpus", "sockets", "cores", "threads", "maxcpus", NULL};
    char key[64], v[64];
    bool has_key;
    u64 n;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        bool known = !has_key;

        for (int i = 0; keys[i] && !known; i++)
            known = !strcmp(key, keys[i]);
        if (!known)
            return opts_bad_key(flag, key, keys, err);
        if (!opts_number(v, 255, &n) || !n)
            return err_set(err, "-smp takes a number of CPUs, not '%.80s'.", v);
        if (n != 1)
            return err_set(err, "-smp %u: one CPU is all there is so far; use -smp 1.",
                           (unsigned)n);
    }
    return true;
}

bool opt_set_M(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"size", NULL};
    char key[64], v[64];
    bool has_key;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (has_key && strcmp(key, "size"))
            return opts_bad_key(flag, key, keys, err);
        if (!opts_size(v, MIB, &opt->ram_size))
            return err_set(err, "-m takes an amount of memory such as 256 or 1G, not '%.80s'.", v);
        opt->have_ram = true;
        opt->ram_size &= ~4095ull;
        if (opt->ram_size < MIB)
            return err_set(err, "-m %.60s is less than the 1 MiB that a PC needs.", v);
        if (opt->ram_size > PC_RAM_MAX)
            return err_set(err, "-m %.60s is more than the %u GiB that can be given.", v,
                           (unsigned)(PC_RAM_MAX / GIB));
    }
    return true;
}

bool opt_set_NAME(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"guest", "process", "debug-threads", NULL};
    char key[64], v[256];
    bool has_key;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (has_key && strcmp(key, "guest")) {
            if (strcmp(key, "process") && strcmp(key, "debug-threads"))
                return opts_bad_key(flag, key, keys, err);
            continue;
        }
        if (!copy_value(flag, opt->name, sizeof(opt->name), v, err))
            return false;
    }
    return true;
}

bool opt_set_UUID(struct options *opt, const char *flag, const char *val, struct err *err)
{
    unsigned n = 0;
    const char *p = val;

    for (; *p && n < 32; p++) {
        unsigned d;

        if (*p == '-')
            continue;
        if (!isxdigit((u8)*p))
            break;
        d = isdigit((u8)*p) ? (unsigned)(*p - '0') : (unsigned)(tolower((u8)*p) - 'a' + 10);
        opt->uuid[n / 2] = (u8)(opt->uuid[n / 2] << 4 | d);
        n++;
    }
    if (*p || n != 32)
        return err_set(err, "-uuid takes 32 hexadecimal digits as in 8-4-4-4-12, not '%.80s'.",
                       val);
    opt->have_uuid = true;
    return true;
}

bool opt_set_NODEFAULTS(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->nodefaults = true;
    if (opt->show == SHOW_DEFAULT && opt->vga == PC_VGA_STD)
        opt->vga = PC_VGA_NONE;
    return true;
}

bool opt_set_NO_USER_CONFIG(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return true; /* true by itself: no such file is read */
}

/* ---- boot ---- */

static bool boot_letters(const char *flag, const char *v, char *to, size_t size, struct err *err)
{
    if (strspn(v, "abcdn") != strlen(v) || !*v)
        return err_set(err,
                       "-%s takes letters out of a, b (floppy), c (disk), d (CD) and n (network), "
                       "not '%.80s'.",
                       flag, v);
    return copy_value(flag, to, size, v, err);
}

bool opt_set_BOOT(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"order", "once", "menu", "splash-time", "strict", NULL};
    char key[64], v[64];
    bool has_key, on;
    u64 n;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!has_key || !strcmp(key, "order") || !strcmp(key, "once")) {
            char *to = !strcmp(key, "once") ? opt->boot_once : opt->boot;

            if (!boot_letters(flag, v, to, sizeof(opt->boot), err))
                return false;
        } else if (!strcmp(key, "menu") || !strcmp(key, "strict")) {
            if (!opts_bool(v, &on))
                return bad_switch(flag, key, v, err);
            if (key[0] == 'm')
                opt->boot_menu = on;
            else
                opt->boot_strict = on;
        } else if (!strcmp(key, "splash-time")) {
            if (!opts_number(v, 65535, &n))
                return err_set(err,
                               "-boot splash-time takes milliseconds up to 65535, not '%.80s'.", v);
            opt->boot_menu_ms = (u32)n;
        } else {
            return opts_bad_key(flag, key, keys, err);
        }
    }
    return true;
}

bool opt_set_KERNEL(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->kernel, sizeof(opt->kernel), val, err);
}

bool opt_set_INITRD(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->initrd, sizeof(opt->initrd), val, err);
}

bool opt_set_APPEND(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->have_append = true;
    return copy_value(flag, opt->append, sizeof(opt->append), val, err);
}

bool opt_set_BIOS(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->bios, sizeof(opt->bios), val, err);
}

bool opt_set_L(struct options *opt, const char *flag, const char *val, struct err *err)
{
    if (opt->ndirs >= OPT_MAX_DIRS)
        return err_set(err, "-L can be given %d times at most.", OPT_MAX_DIRS);
    return copy_value(flag, opt->dirs[opt->ndirs++], OPT_PATH, val, err);
}

bool opt_set_FW_CFG(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"name", "file", "string", NULL};
    struct opt_blob *b = &opt->files[opt->nfiles];
    char key[64], v[OPT_PATH];
    bool has_key;

    if (opt->nfiles >= PC_MAX_FILES)
        return err_set(err, "-fw_cfg can be given %d times at most.", PC_MAX_FILES);
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        bool ok;

        if (!has_key || !strcmp(key, "name"))
            ok = copy_value(flag, b->name, 56, v, err);
        else if (!strcmp(key, "file"))
            ok = copy_value(flag, b->path, sizeof(b->path), v, err);
        else if (!strcmp(key, "string"))
            ok = copy_value(flag, b->text, sizeof(b->text), v, err);
        else
            ok = opts_bad_key(flag, key, keys, err);
        if (!ok)
            return false;
    }
    if (!b->name[0] || !!b->path[0] == !!b->text[0])
        return err_set(err, "-fw_cfg needs name= and one of file= and string=.");
    opt->nfiles++;
    return true;
}

bool opt_set_OPTION_ROM(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct opt_blob *b = &opt->roms[opt->nroms];

    if (opt->nroms >= PC_MAX_ROMS)
        return err_set(err, "-option-rom can be given %d times at most.", PC_MAX_ROMS);
    opt->nroms++;
    snprintf(b->name, sizeof(b->name), "rom%u.bin", opt->nroms);
    return copy_value(flag, b->path, sizeof(b->path), val, err);
}

bool opt_set_NO_FD_BOOTCHK(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->no_fd_check = true;
    return true;
}

bool opt_set_NO_ACPI(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->no_acpi = true;
    return true;
}

bool opt_set_NO_HPET(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->no_hpet = true;
    return true;
}

/* ---- time and life ---- */

/* YYYY-MM-DD or YYYY-MM-DDThh:mm:ss as seconds since 1970. */
static bool parse_date(const char *v, s64 *secs)
{
    struct tm tm = {0};
    char end, sep;
    int n = sscanf(v, "%4d-%2d-%2d%c%2d:%2d:%2d%c", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &sep,
                   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end);

    if ((n != 3 && (n != 7 || sep != 'T')) || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59 || tm.tm_year < 1900)
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon--;
    *secs = timegm(&tm);
    return true;
}

bool opt_set_RTC(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"base", "clock", "driftfix", NULL};
    static const char *const clocks[] = {"host", "rt", "vm", NULL};
    static const char *const fixes[] = {"none", "slew", NULL};
    char key[64], v[64];
    bool has_key;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!strcmp(key, "base")) {
            if (!strcmp(v, "utc"))
                opt->rtc = RTC_UTC;
            else if (!strcmp(v, "localtime"))
                opt->rtc = RTC_LOCAL;
            else if (parse_date(v, &opt->rtc_base))
                opt->rtc = RTC_DATE;
            else
                return err_set(err,
                               "-rtc base is utc, localtime or a date such as 2000-01-31T12:00:00, "
                               "not '%.60s'.",
                               v);
        } else if (!strcmp(key, "clock")) {
            if (strcmp(v, "host") && strcmp(v, "vm") && strcmp(v, "rt"))
                return opts_bad_value("rtc clock", v, clocks, err);
            opt->rtc_vm = !strcmp(v, "vm");
        } else if (!strcmp(key, "driftfix")) {
            if (strcmp(v, "none") && strcmp(v, "slew"))
                return opts_bad_value("rtc driftfix", v, fixes, err);
            opt->rtc_slew = v[0] == 's';
        } else {
            return opts_bad_key(flag, key, keys, err);
        }
    }
    return true;
}

/* on, off, or how much memory what is remembered may take. */
static bool set_reverse(struct options *opt, const char *v, struct err *err)
{
    bool on;

    if (opts_bool(v, &on)) {
        opt->reverse = on ? REVERSE_ON : REVERSE_OFF;
        return true;
    }
    opt->reverse = REVERSE_ON;
    return (opts_size(v, MIB, &opt->reverse_mem) && opt->reverse_mem >= 16 * MIB) ||
           err_set(err, "-icount reverse is on, off or a size of 16M or more, not '%.60s'.", v);
}

bool opt_set_ICOUNT(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"shift",  "sleep",      "align",   "rr",
                                       "rrfile", "rrsnapshot", "reverse", NULL};
    char key[64], v[OPT_PATH];
    bool has_key, on;
    u64 n;

    opt->icount_shift = 3;
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!has_key || !strcmp(key, "shift")) {
            if (!strcmp(v, "auto"))
                continue;
            if (!opts_number(v, 10, &n))
                return err_set(err, "-icount shift takes 0 to 10 or auto, not '%.60s'.", v);
            opt->icount_shift = (int)n;
        } else if (!strcmp(key, "sleep") || !strcmp(key, "align")) {
            if (!opts_bool(v, &on))
                return bad_switch(flag, key, v, err);
            if (key[0] == 's')
                opt->icount_sleep = on;
            else if (on)
                return err_set(err, "-icount align=on is not supported; leave it out.");
        } else if (!strcmp(key, "rr")) {
            opt->rr = !strcmp(v, "record") ? RR_RECORD : !strcmp(v, "replay") ? RR_REPLAY : RR_OFF;
            if (opt->rr == RR_OFF)
                return err_set(err, "-icount rr is record or replay, not '%.60s'.", v);
        } else if (!strcmp(key, "rrfile")) {
            if (!opts_copy(opt->rr_file, sizeof(opt->rr_file), v))
                return err_set(err, "-icount rrfile is too long.");
        } else if (!strcmp(key, "rrsnapshot")) {
            if (!opts_copy(opt->rr_snapshot, sizeof(opt->rr_snapshot), v))
                return err_set(err, "-icount rrsnapshot is too long.");
        } else if (!strcmp(key, "reverse")) {
            if (!set_reverse(opt, v, err))
                return false;
        } else {
            return opts_bad_key(flag, key, keys, err);
        }
    }
    if ((opt->rr != RR_OFF) != !!opt->rr_file[0] || (opt->rr_snapshot[0] && opt->rr == RR_OFF))
        return err_set(err, "-icount rr=record or rr=replay goes with rrfile=, the name of the log.");
    return true;
}

bool opt_set_SEED(struct options *opt, const char *flag, const char *val, struct err *err)
{
    if (!opts_number(val, ~(u64)0, &opt->seed))
        return err_set(err, "-seed takes a number, not '%.60s'.", val);
    opt->seeded = true;
    return true;
}

bool opt_set_LOADVM(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->loadvm, sizeof(opt->loadvm), val, err);
}

bool opt_set_INCOMING(struct options *opt, const char *flag, const char *val, struct err *err)
{
    size_t n = strcspn(val, ":") + 1;

    opt->incoming_map = !strncmp(val, "map:", 4);
    if ((strncmp(val, "file:", 5) && !opt->incoming_map) || !val[n])
        return err_set(err, "-incoming takes file: or map: and the name of a file, not '%.100s'.",
                       val);
    return copy_value(flag, opt->incoming, sizeof(opt->incoming), val + n, err);
}

bool opt_set_S_(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->stopped = true;
    return true;
}

bool opt_set_NO_REBOOT(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->no_reboot = true;
    return true;
}

bool opt_set_NO_SHUTDOWN(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->no_shutdown = true;
    return true;
}

bool opt_set_DAEMONIZE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->daemonize = true;
    return true;
}

bool opt_set_PIDFILE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->pidfile, sizeof(opt->pidfile), val, err);
}

/* ---- debugging ---- */

bool opt_set_D(struct options *opt, const char *flag, const char *val, struct err *err)
{
    u32 mask;

    if (!strcmp(val, "help") || !strcmp(val, "?"))
        return ask_list(opt, "d");
    if (!log_parse(val, &mask, err))
        return false;
    opt->log_mask |= mask;
    return true;
}

bool opt_set_D_(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->log_file, sizeof(opt->log_file), val, err);
}

bool opt_set_DFILTER(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct log log;

    return log_parse_ranges(&log, val, err) &&
           copy_value(flag, opt->dfilter, sizeof(opt->dfilter), val, err);
}

bool opt_set_ENGINE(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const names[] = {"exec", "eval", "jit", NULL};

    for (int i = 0; names[i]; i++) {
        if (!strcmp(val, names[i])) {
            opt->engine = i; /* in the order of enum cpu_engine */
            return true;
        }
    }
    return opts_bad_value(flag, val, names, err);
}

bool opt_set_NO_TR(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->no_tr, sizeof(opt->no_tr), val, err);
}

bool opt_set_JIT_OFF(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->jit_off, sizeof(opt->jit_off), val, err);
}

bool opt_set_JIT_MAP(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return codebuf_parse_way(val, &opt->jit_map, err);
}

bool opt_set_JIT_COUNT(struct options *opt, const char *flag, const char *val, struct err *err)
{
    opt->jit_count = true;
    return true;
}

bool opt_set_STATE_HASH(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return copy_value(flag, opt->state_hash, sizeof(opt->state_hash), val, err);
}
