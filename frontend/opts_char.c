/* What the options about character devices do to struct options. */
#include "frontend/opts.h"

#include <string.h>

static const char *const dev_names[] = {"stdio",         "mon:stdio",  "file:path", "unix:path",
                                        "tcp:host:port", "udp:host:port", "ringbuf", "pipe:path",
                                        "pty", "null", "msmouse",
                                        "none",          "chardev:id", NULL};

bool opts_check_dev(const char *flag, const char *val, struct err *err)
{
    static const char *const plain[] = {"stdio", "pty", "null", "none", "vc", "ringbuf", "msmouse", NULL};
    static const char *const with_path[] = {"file:", "unix:", "tcp:",     "udp:",
                                            "pipe:", "chardev:", "ringbuf:", NULL};
    const char *v = !strncmp(val, "mon:", 4) ? val + 4 : val;
    char word[64];

    for (int i = 0; plain[i]; i++) {
        if (!strcmp(v, plain[i]))
            return true;
    }
    for (int i = 0; with_path[i]; i++) {
        size_t n = strlen(with_path[i]);

        if (!strncmp(v, with_path[i], n))
            return v[n] ||
                   err_set(err, "'%s' of -%s lacks what comes behind the colon.", val, flag);
    }
    snprintf(word, sizeof(word), "%.60s", val);
    return opts_bad_value(flag, word, dev_names, err);
}

bool opt_set_SERIAL(struct options *opt, const char *flag, const char *val, struct err *err)
{
    if (!opts_check_dev(flag, val, err))
        return false;
    if (opt->nserial >= PC_SERIALS)
        return err_set(err, "There are %d serial ports at most.", PC_SERIALS);
    return opts_copy(opt->serial[opt->nserial++], OPT_PATH, val) ||
           err_set(err, "The value of -serial is too long.");
}

bool opt_set_DEBUGCON(struct options *opt, const char *flag, const char *val, struct err *err)
{
    if (!opts_check_dev(flag, val, err))
        return false;
    return opts_copy(opt->debugcon, sizeof(opt->debugcon), val) ||
           err_set(err, "The value of -debugcon is too long.");
}

static bool add_monitor(struct options *opt, const char *val, struct err *err)
{
    if (opt->nmonitors >= OPT_MAX_MONITORS)
        return err_set(err, "There are %d monitors at most.", OPT_MAX_MONITORS);
    return opts_copy(opt->monitor[opt->nmonitors++], OPT_PATH, val) ||
           err_set(err, "The value of -monitor is too long.");
}

bool opt_set_MONITOR(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return opts_check_dev(flag, val, err) && add_monitor(opt, val, err);
}

static bool add_qmp(struct options *opt, const char *val, bool pretty, struct err *err)
{
    struct opt_qmp *q = &opt->qmp[opt->nqmp];

    if (opt->nqmp >= OPT_MAX_MONITORS)
        return err_set(err, "There are %d monitors of the machine protocol at most.",
                       OPT_MAX_MONITORS);
    if (!strncmp(val, "mon:", 4) || !strcmp(val, "vc"))
        return err_set(err, "-qmp has a character device for itself, not '%.60s'.", val);
    opt->nqmp++;
    q->pretty = pretty;
    return opts_copy(q->dev, sizeof(q->dev), val) ||
           err_set(err, "The value of -qmp is too long.");
}

bool opt_set_QMP(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return opts_check_dev(flag, val, err) && add_qmp(opt, val, false, err);
}

bool opt_set_QMP_PRETTY(struct options *opt, const char *flag, const char *val, struct err *err)
{
    return opts_check_dev(flag, val, err) && add_qmp(opt, val, true, err);
}

bool opt_set_MON(struct options *opt, const char *flag, const char *val, struct err *err)
{
    static const char *const keys[] = {"chardev", "mode", "pretty", "id", NULL};
    static const char *const modes[] = {"readline", "control", NULL};
    char key[64], v[64], spec[80] = "";
    bool has_key, control = false, pretty = false;

    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!has_key || !strcmp(key, "chardev"))
            snprintf(spec, sizeof(spec), "chardev:%s", v);
        else if (!strcmp(key, "mode")) {
            control = !strcmp(v, "control");
            if (!control && strcmp(v, "readline"))
                return opts_bad_value("mon mode", v, modes, err);
        } else if (!strcmp(key, "pretty")) {
            if (!opts_bool(v, &pretty))
                return err_set(err, "-mon pretty is on or off, not '%.60s'.", v);
        } else if (strcmp(key, "id")) { /* a monitor is known by its chardev */
            return opts_bad_key(flag, key, keys, err);
        }
    }
    if (!spec[0])
        return err_set(err, "-mon needs chardev= with the id of a -chardev.");
    if (control)
        return add_qmp(opt, spec, pretty, err);
    if (pretty)
        return err_set(err, "-mon pretty=on is for mode=control.");
    return add_monitor(opt, spec, err);
}

/* The parts of one -chardev as they are found. */
struct parts {
    char id[64], path[OPT_PATH], host[64], port[16], localaddr[64], localport[16], size[16];
    char reconnect[16], fd[16];
    bool mux, server, wait;
};

static bool chardev_key(struct parts *p, const char *key, const char *v, struct err *err)
{
    static const char *const keys[] = {"id",        "path",      "host", "port", "server",    "wait", "mux",
                                       "localaddr", "localport", "size", "signal", "reconnect",
                                       "fd",        NULL};
    const struct {
        const char *key;
        char *to;
        size_t size;
    } texts[] = {{"localaddr", p->localaddr, sizeof(p->localaddr)},
                 {"localport", p->localport, sizeof(p->localport)},
                 {"size", p->size, sizeof(p->size)},
                 {"reconnect", p->reconnect, sizeof(p->reconnect)},
                 {"fd", p->fd, sizeof(p->fd)}};
    u64 number;
    static const struct {
        const char *key;
        size_t at;
    } bools[] = {{"mux", offsetof(struct parts, mux)},
                 {"server", offsetof(struct parts, server)},
                 {"wait", offsetof(struct parts, wait)}};
    bool dummy, ok = true;

    for (size_t i = 0; i < ARRAY_LEN(bools); i++) {
        if (!strcmp(key, bools[i].key))
            return opts_bool(v, (bool *)((char *)p + bools[i].at)) ||
                   err_set(err, "-chardev %s is on or off, not '%.60s'.", key, v);
    }
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(key, texts[i].key))
            continue;
        if (i > 0 && !opts_size(v, 1, &number))
            return err_set(err, "-chardev %s is a number, not '%.60s'.", key, v);
        return opts_copy(texts[i].to, texts[i].size, v) ||
               err_set(err, "-chardev %s is too long.", key);
    }
    if (!strcmp(key, "id"))
        ok = opts_copy(p->id, sizeof(p->id), v);
    else if (!strcmp(key, "path"))
        ok = opts_copy(p->path, sizeof(p->path), v);
    else if (!strcmp(key, "host"))
        ok = opts_copy(p->host, sizeof(p->host), v);
    else if (!strcmp(key, "port"))
        ok = opts_copy(p->port, sizeof(p->port), v);
    else if (!strcmp(key, "signal"))
        return opts_bool(v, &dummy) ||
               err_set(err, "-chardev signal is on or off, not '%.60s'.", v);
    else
        return opts_bad_key("chardev", key, keys, err);
    return ok || err_set(err, "-chardev %s is too long.", key);
}

static bool chardev_spec(struct opt_chardev *c, const char *backend, const struct parts *p,
                         struct err *err)
{
    static const char *const backends[] = {"stdio", "null", "pty",     "file",    "socket",
                                           "pipe",  "udp",  "ringbuf", "msmouse", NULL};
    int n = 0;
    u64 bytes = 65536;

    if (!strcmp(backend, "stdio") || !strcmp(backend, "null") || !strcmp(backend, "pty") ||
        !strcmp(backend, "msmouse")) {
        n = snprintf(c->spec, sizeof(c->spec), "%s", backend);
    } else if (!strcmp(backend, "file") || !strcmp(backend, "pipe")) {
        if (!p->path[0])
            return err_set(err, "-chardev %s needs path=.", backend);
        n = snprintf(c->spec, sizeof(c->spec), "%s:%s", backend, p->path);
    } else if (!strcmp(backend, "socket")) {
        const char *tail = !p->server ? "" : p->wait ? ",server=on" : ",server=on,wait=off";

        char again[40] = "";

        if (p->reconnect[0])
            snprintf(again, sizeof(again), ",reconnect=%s", p->reconnect);
        if (p->server && p->reconnect[0])
            return err_set(err, "-chardev reconnect is for clients: leave server=on out.");
        if (!p->server)
            tail = again;
        if (p->fd[0] && (p->path[0] || p->port[0] || p->reconnect[0]))
            return err_set(err, "-chardev socket,fd= is open: it has no path, port or reconnect.");
        if (p->fd[0])
            n = snprintf(c->spec, sizeof(c->spec), "fd:%s", p->fd);
        else if (p->path[0])
            n = snprintf(c->spec, sizeof(c->spec), "unix:%s%s", p->path, tail);
        else if (p->port[0])
            n = snprintf(c->spec, sizeof(c->spec), "tcp:%s:%s%s",
                         p->host[0] ? p->host : "127.0.0.1", p->port, tail);
        else
            return err_set(err, "-chardev socket needs path=, port= or fd=.");
    } else if (!strcmp(backend, "udp")) {
        if (!p->port[0])
            return err_set(err, "-chardev udp needs port=.");
        n = snprintf(c->spec, sizeof(c->spec), "udp:%s:%s@%s:%s", p->host, p->port, p->localaddr,
                     p->localport[0] ? p->localport : "0");
    } else if (!strcmp(backend, "ringbuf")) {
        if (p->size[0] && (!opts_size(p->size, 1, &bytes) || bytes > 16 * MIB || bytes < 16))
            return err_set(err, "-chardev ringbuf has a size of 16 bytes to 16M, not '%s'.",
                           p->size);
        n = snprintf(c->spec, sizeof(c->spec), "ringbuf:%llu", (unsigned long long)bytes);
    } else {
        return opts_bad_value("chardev", backend, backends, err);
    }
    return (size_t)n < sizeof(c->spec) || err_set(err, "-chardev path is too long.");
}

bool opt_set_CHARDEV(struct options *opt, const char *flag, const char *val, struct err *err)
{
    struct opt_chardev *c = &opt->chardevs[opt->nchardevs];
    struct parts p = {.wait = true};
    char key[64], v[OPT_PATH], backend[32];
    bool has_key;
    size_t n = strcspn(val, ",");

    if (opt->nchardevs >= OPT_MAX_CHARDEVS)
        return err_set(err, "There are more than %d chardevs.", OPT_MAX_CHARDEVS);
    snprintf(backend, sizeof(backend), "%.*s", (int)MIN(n, sizeof(backend) - 1), val);
    val += n + (val[n] == ',');
    while (opts_next(&val, key, sizeof(key), v, sizeof(v), &has_key)) {
        /* "server" alone is "server=on"; "nowait" is "wait=off" */
        bool off = !has_key && !strcmp(v, "nowait");

        if (!chardev_key(&p,
                         has_key ? key
                         : off   ? "wait"
                                 : v,
                         has_key ? v
                         : off   ? "off"
                                 : "on",
                         err))
            return false;
    }
    if (!chardev_spec(c, backend, &p, err))
        return false;
    if (!p.id[0])
        return err_set(err, "-chardev needs id=.");
    for (unsigned i = 0; i < opt->nchardevs; i++) {
        if (!strcmp(opt->chardevs[i].id, p.id))
            return err_set(err, "Two -chardev options have the id '%s'.", p.id);
    }
    memcpy(c->id, p.id, sizeof(c->id));
    c->mux = p.mux;
    opt->nchardevs++;
    return true;
}

static bool chardev_exists(const struct options *opt, const char *spec, struct err *err)
{
    if (!strncmp(spec, "mon:", 4))
        spec += 4;
    if (strncmp(spec, "chardev:", 8))
        return true;
    for (unsigned i = 0; i < opt->nchardevs; i++) {
        if (!strcmp(opt->chardevs[i].id, spec + 8))
            return true;
    }
    return err_set(err, "There is no -chardev with the id '%.60s'.", spec + 8);
}

bool opts_check_chardevs(const struct options *opt, struct err *err)
{
    for (unsigned i = 0; i < opt->nserial; i++) {
        if (!chardev_exists(opt, opt->serial[i], err))
            return false;
    }
    for (unsigned i = 0; i < opt->nmonitors; i++) {
        if (!chardev_exists(opt, opt->monitor[i], err))
            return false;
    }
    for (unsigned i = 0; i < opt->nqmp; i++) {
        if (!chardev_exists(opt, opt->qmp[i].dev, err))
            return false;
    }
    for (unsigned i = 0; i < opt->naddons; i++) {
        if (!chardev_exists(opt, opt->addons[i].host, err))
            return false;
    }
    return chardev_exists(opt, opt->debugcon, err);
}
