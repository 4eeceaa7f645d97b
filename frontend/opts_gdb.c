/* What -gdb and -s do to struct options. */
#include "frontend/opts.h"

#include <string.h>

/* One part that is the stub's own, not the device's. False with *err: it is wrong. */
static bool own_part(struct options *opt, const char *part, bool *own, struct err *err)
{
    static const char *const pcs[] = {"offset", "linear", NULL};
    static const char *const archs[] = {"i386", "x86-64", NULL};

    *own = true;
    if (!strncmp(part, "pc=", 3)) {
        opt->gdb_linear = !strcmp(part + 3, pcs[1]);
        return opt->gdb_linear || !strcmp(part + 3, pcs[0]) ||
               opts_bad_value("gdb pc", part + 3, pcs, err);
    }
    if (!strncmp(part, "arch=", 5)) {
        opt->gdb_arch = strcmp(part + 5, archs[0]) ? GDB_ARCH_X86_64 : GDB_ARCH_I386;
        return !strcmp(part + 5, archs[0]) || !strcmp(part + 5, archs[1]) ||
               opts_bad_value("gdb arch", part + 5, archs, err);
    }
    *own = false;
    return true;
}

bool opt_set_GDB(struct options *opt, const char *flag, const char *val, struct err *err)
{
    char dev[OPT_PATH] = "";
    bool socket = !strncmp(val, "tcp:", 4) || !strncmp(val, "unix:", 5), wait = false, own;
    size_t at = 0;

    while (*val) {
        char part[OPT_PATH];
        size_t n = strcspn(val, ",");

        if (n >= sizeof(part))
            return err_set(err, "The value of -gdb is too long.");
        memcpy(part, val, n);
        part[n] = 0;
        val += n + (val[n] == ',');
        if (!own_part(opt, part, &own, err))
            return false;
        /* Scripts give these to sockets; a stub's is always a server, and the reply is sent at
         * once. */
        if (own || (socket && (!strcmp(part, "nodelay") || !strcmp(part, "nodelay=on"))))
            continue;
        wait |= !strncmp(part, "wait", 4) || !strcmp(part, "nowait");
        if (at + n + 2 >= sizeof(dev))
            return err_set(err, "The value of -gdb is too long.");
        if (at)
            dev[at++] = ',';
        memcpy(dev + at, part, n + 1);
        at += n;
    }
    if (!strcmp(dev, "none")) {
        opt->gdb[0] = 0;
        return true;
    }
    if (!opts_check_dev(flag, dev, err))
        return false;
    return (opts_copy(opt->gdb, sizeof(opt->gdb), dev) &&
            (!socket || (strlen(dev) + 24 < sizeof(opt->gdb) && strcat(opt->gdb, ",server=on") &&
                         (wait || strcat(opt->gdb, ",wait=off"))))) ||
           err_set(err, "The value of -gdb is too long.");
}

bool opt_set_S(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return opt_set_GDB(opt, "gdb", "tcp::1234", err);
}
