/* What -netdev, -nic, -net and -object filter-dump do to struct options, and the adapter that a
 * machine has when nothing is said about networks. */
#include "frontend/opts.h"

#include "frontend/net/netdev.h"

#include <string.h>
#include <strings.h>

/* Keys that every kind has besides its own. */
#define LIMIT_KEYS "rate-in,rate-out,frames-in,frames-out,burst"
#define HUB        "#hub"

struct kind_row {
    const char *name, *keys, *help;
};
static const struct kind_row kinds[] = {
#define KIND(sym, name, keys, help) {name, keys "," LIMIT_KEYS, help},
#include "frontend/net/kinds.def"
#undef KIND
};

enum { MAX_KEYS = 40 };

/* A comma list as an array of names that ends with NULL; `buf` holds them. */
static void split(const char *list, char *buf, size_t size, const char **names)
{
    size_t n = 0;

    snprintf(buf, size, "%s", list);
    for (char *p = buf; p && n < MAX_KEYS; n++) {
        names[n] = p;
        p = strchr(p, ',');
        if (p)
            *p++ = 0;
    }
    names[n] = NULL;
}

static bool among(const char *word, const char *const *names)
{
    for (; *names; names++) {
        if (!strcmp(*names, word))
            return true;
    }
    return false;
}

static const struct kind_row *find_kind(const char *flag, const char *word, struct err *err)
{
    const char *names[ARRAY_LEN(kinds) + 1] = {NULL};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (!strcmp(kinds[i].name, word))
            return &kinds[i];
        names[i] = kinds[i].name;
    }
#ifndef CONFIG_SLIRP
    if (!strcmp(word, "user")) {
        err_set(err,
                "This build has no user networking; install libslirp-dev and configure again.");
        return NULL;
    }
#endif
    opts_bad_value(flag, word, names, err);
    return NULL;
}

static struct opt_netdev *new_netdev(struct options *opt, const char *kind, const char *id,
                                     struct err *err)
{
    struct opt_netdev *d = &opt->netdevs[opt->nnetdevs];

    for (unsigned i = 0; i < opt->nnetdevs; i++) {
        if (!strcmp(opt->netdevs[i].id, id)) {
            err_set(err, "There are two networks with the id '%.60s'.", id);
            return NULL;
        }
    }
    if (opt->nnetdevs >= OPT_MAX_NETDEVS) {
        err_set(err, "There are more than %d networks.", OPT_MAX_NETDEVS);
        return NULL;
    }
    memset(d, 0, sizeof(*d));
    snprintf(d->kind, sizeof(d->kind), "%s", kind);
    if (!opts_copy(d->id, sizeof(d->id), id)) {
        err_set(err, "The id of a network has %zu characters at most.", sizeof(d->id) - 1);
        return NULL;
    }
    opt->nnetdevs++;
    return d;
}

/* Append "key=value" with its commas doubled. */
static bool add_prop(struct opt_netdev *d, const char *key, const char *v)
{
    size_t n = strlen(d->props);
    int k = snprintf(d->props + n, sizeof(d->props) - n, "%s%s=", n ? "," : "", key);

    if (k < 0 || n + (size_t)k >= sizeof(d->props))
        return false;
    for (n += (size_t)k; *v; v++) {
        if (n + 3 > sizeof(d->props))
            return false;
        d->props[n++] = *v;
        if (*v == ',')
            d->props[n++] = ',';
    }
    d->props[n] = 0;
    return true;
}

/* Properties of a kind; those that `other` takes are not its own. */
static bool read_props(struct opt_netdev *d, const char *flag, const struct kind_row *kind,
                       const char *rest, bool (*other)(void *arg, const char *key, const char *v),
                       void *arg, struct err *err)
{
    char key[64], v[OPT_PATH], buf[600];
    const char *names[MAX_KEYS + 1];
    bool has_key;

    split(kind->keys, buf, sizeof(buf), names);
    while (opts_next(&rest, key, sizeof(key), v, sizeof(v), &has_key)) {
        const char *k = has_key ? key : v, *value = has_key ? v : "on";

        if (other && other(arg, k, value))
            continue;
        if (!among(k, names))
            return opts_bad_key(flag, k, names, err);
        if (!add_prop(d, k, value))
            return err_set(err, "-%s has too many properties.", flag);
    }
    return true;
}

/* The first word of *val, and past it. */
static void first_word(const char **val, char *word, size_t size)
{
    size_t n = strcspn(*val, ",");

    snprintf(word, size, "%.*s", (int)MIN(n, size - 1), *val);
    *val += n + ((*val)[n] == ',');
}

static bool ask_list(struct options *opt)
{
    opt->start = START_LIST;
    return opts_copy(opt->list, sizeof(opt->list), "netdev");
}

/* ---- -netdev ---- */

static bool take_id(void *arg, const char *key, const char *v)
{
    char *id = arg;

    if (strcmp(key, "id"))
        return false;
    snprintf(id, 64, "%.63s", v);
    return true;
}

bool opt_set_NETDEV(struct options *opt, const char *flag, const char *val, struct err *err)
{
    char word[32], id[64] = "";
    struct opt_netdev read = {.id = ""}, *d;
    const struct kind_row *kind;

    opt->have_net = true;
    first_word(&val, word, sizeof(word));
    if (!strcmp(word, "help"))
        return ask_list(opt);
    kind = find_kind(flag, word, err);
    if (!kind || !read_props(&read, flag, kind, val, take_id, id, err))
        return false;
    if (!id[0])
        return err_set(err, "-netdev needs id=.");
    d = new_netdev(opt, kind->name, id, err);
    if (d)
        memcpy(d->props, read.props, sizeof(d->props));
    return d != NULL;
}

/* ---- adapters of -nic and -net ---- */

struct nic {
    char model[32], mac[32], id[64], addr[16], netdev[64];
};

static bool take_nic(void *arg, const char *key, const char *v)
{
    struct nic *n = arg;
    const struct {
        const char *key;
        char *to;
        size_t size;
    } rows[] = {{"model", n->model, sizeof(n->model)}, {"mac", n->mac, sizeof(n->mac)},
                {"macaddr", n->mac, sizeof(n->mac)},   {"id", n->id, sizeof(n->id)},
                {"addr", n->addr, sizeof(n->addr)},    {"netdev", n->netdev, sizeof(n->netdev)}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!strcmp(rows[i].key, key)) {
            snprintf(rows[i].to, rows[i].size, "%s", v);
            return true;
        }
    }
    return false;
}

/* The driver that a model's name stands for; NULL: none. */
static const char *model_driver(const char *model)
{
    static const char *const others[][2] = {
        {"virtio", "virtio-net-pci"}, {"virtio-net", "virtio-net-pci"}, {"e1000-82540em", "e1000"}};
    const struct plug_class *c;

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (!strcmp(others[i][0], model))
            model = others[i][1];
    }
    c = pc_addon_class(model);
    return c && c->host == PLUG_NET ? c->driver : NULL;
}

static bool bad_model(const char *flag, const char *model, struct err *err)
{
    const char *names[20];
    size_t n = 0;

    for (const struct plug_class *c = pc_addon_classes; c->driver && n < ARRAY_LEN(names) - 1;
         c++) {
        if (c->host == PLUG_NET)
            names[n++] = c->driver;
    }
    names[n] = NULL;
    return opts_bad_value(flag, model, names, err);
}

static struct opt_addon *new_nic(struct options *opt, const char *flag, const struct nic *n,
                                 struct err *err)
{
    const char *driver = model_driver(n->model[0] ? n->model : "e1000");
    struct opt_addon *a;

    if (!driver) {
        bad_model(flag, n->model, err);
        return NULL;
    }
    a = opts_new_addon(opt, driver, err);
    if (!a)
        return NULL;
    memcpy(a->id, n->id, sizeof(a->id));
    if (n->addr[0]) {
        u64 slot;

        if (pc_addon_class(driver)->bus != PLUG_PCI || !opts_number(n->addr, 31, &slot)) {
            err_set(err, "-%s: addr is a slot of the PCI bus from 0 to 0x1f, not '%.15s'.", flag,
                    n->addr);
            return NULL;
        }
        a->devfn = (int)slot << 3;
    }
    if (n->mac[0] && !opts_addon_prop(a, "mac", n->mac)) {
        err_set(err, "-%s has too many properties.", flag);
        return NULL;
    }
    return a;
}

/* -nic: a network and its adapter in one. */
bool opt_set_NIC(struct options *opt, const char *flag, const char *val, struct err *err)
{
    const char *rest = val;
    char word[32], id[64];
    struct nic n = {.model = ""};
    const struct kind_row *kind;
    struct opt_addon *a;
    struct opt_netdev *d;

    first_word(&rest, word, sizeof(word));
    if (strchr(word, '=')) { /* -nic model=...: with user networking */
        rest = val;
        snprintf(word, sizeof(word), "user");
    }
    opt->have_net = true;
    if (!strcmp(word, "none"))
        return true;
    if (!strcmp(word, "help"))
        return ask_list(opt);
    if (model_driver(word)) {
        snprintf(n.model, sizeof(n.model), "%s", word);
        snprintf(word, sizeof(word), "user");
    }
    kind = find_kind(flag, word, err);
    if (!kind)
        return false;
    snprintf(id, sizeof(id), "net%u", opt->nnetdevs);
    d = new_netdev(opt, kind->name, id, err);
    if (!d || !read_props(d, flag, kind, rest, take_nic, &n, err))
        return false;
    if (n.netdev[0])
        return err_set(
            err, "-nic makes a network of its own; -device %s,netdev=%s uses one that is there.",
            n.model[0] ? n.model : "e1000", n.netdev);
    a = new_nic(opt, flag, &n, err);
    return a && opts_copy(a->host, sizeof(a->host), id);
}

/* -net nic and -net user|tap|socket: all of them on one hub, number 0. */
bool opt_set_NET(struct options *opt, const char *flag, const char *val, struct err *err)
{
    char word[32], id[64];
    struct nic n = {.model = ""};
    const struct kind_row *kind;
    const struct kind_row none = {"nic", "", ""};
    struct opt_addon *a;
    struct opt_netdev *d, scratch = {.id = ""};

    opt->have_net = true;
    first_word(&val, word, sizeof(word));
    if (!strcmp(word, "none"))
        return true;
    if (!strcmp(word, "help"))
        return ask_list(opt);
    if (!strcmp(word, "nic")) {
        if (!read_props(&scratch, "net nic", &none, val, take_nic, &n, err))
            return false;
        a = new_nic(opt, flag, &n, err);
        if (!a)
            return false;
        if (n.netdev[0])
            return opts_copy(a->host, sizeof(a->host), n.netdev);
        opt->nlegacy++;
        return opts_copy(a->host, sizeof(a->host), HUB);
    }
    kind = find_kind(flag, word, err);
    if (!kind)
        return false;
    snprintf(id, sizeof(id), HUB "net%u", opt->ncables);
    d = new_netdev(opt, kind->name, id, err);
    if (!d)
        return false;
    opt->ncables++;
    return read_props(d, flag, kind, val, take_id, id, err);
}

/* ---- -object filter-dump ---- */

bool opts_object_dump(struct options *opt, const char *rest, struct err *err)
{
    static const char *const keys[] = {"id", "netdev", "file", "maxlen", NULL};
    struct opt_dump *d = &opt->dumps[opt->ndumps];
    char key[64], v[OPT_PATH];
    bool has_key, ok = true;
    u64 n;

    if (opt->ndumps >= OPT_MAX_DUMPS)
        return err_set(err, "There are more than %d capture files.", OPT_MAX_DUMPS);
    *d = (struct opt_dump){.max_len = 65536};
    while (ok && opts_next(&rest, key, sizeof(key), v, sizeof(v), &has_key)) {
        if (!strcmp(key, "id"))
            ok = opts_copy(d->id, sizeof(d->id), v);
        else if (!strcmp(key, "netdev"))
            ok = opts_copy(d->netdev, sizeof(d->netdev), v);
        else if (!strcmp(key, "file"))
            ok = opts_copy(d->path, sizeof(d->path), v);
        else if (strcmp(key, "maxlen"))
            return opts_bad_key("object filter-dump", has_key ? key : v, keys, err);
        else if (!opts_number(v, 1 << 20, &n) || !n)
            return err_set(err, "-object filter-dump: maxlen is a number of bytes, not '%.60s'.",
                           v);
        else
            d->max_len = (u32)n;
    }
    if (!ok)
        return err_set(err, "-object filter-dump: %s is too long.", key);
    if (!d->netdev[0] || !d->path[0])
        return err_set(err, "-object filter-dump needs netdev= and file=.");
    opt->ndumps++;
    return true;
}

void opts_print_netdevs(FILE *f)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        fprintf(f, "%-20s %s\n%-20s %s\n", kinds[i].name, kinds[i].help, "", kinds[i].keys);
}

/* ---- when all is read ---- */

/* One adapter and one network of -net are joined directly; more meet on a hub. */
static bool join_legacy(struct options *opt, struct err *err)
{
    unsigned cables = opt->ncables, port = 0;
    char id[64], props[100];

    if (opt->nlegacy == 1 && cables == 1) {
        for (unsigned i = 0; i < opt->naddons; i++) {
            if (!strcmp(opt->addons[i].host, HUB))
                snprintf(opt->addons[i].host, sizeof(opt->addons[i].host), HUB "net0");
        }
        return true;
    }
    for (unsigned i = 0; i < opt->naddons + cables; i++) {
        struct opt_addon *a = i < opt->naddons ? &opt->addons[i] : NULL;
        struct opt_netdev *d;

        if (a && strcmp(a->host, HUB))
            continue;
        snprintf(id, sizeof(id), "hub0port%u", port++);
        d = new_netdev(opt, "hubport", id, err);
        if (!d)
            return false;
        snprintf(props, sizeof(props), a ? "hubid=0" : "hubid=0,netdev=" HUB "net%u",
                 i - opt->naddons);
        memcpy(d->props, props, strlen(props) + 1);
        if (a)
            memcpy(a->host, id, sizeof(id));
    }
    return true;
}

static bool mac_used(const struct options *opt, const char *mac)
{
    for (unsigned i = 0; i < opt->naddons; i++) {
        const char *at = strstr(opt->addons[i].props, "mac=");

        if (at && !strncasecmp(at + 4, mac, strlen(mac)))
            return true;
    }
    return false;
}

static bool has_mac(const struct opt_addon *a)
{
    return !strncmp(a->props, "mac=", 4) || strstr(a->props, ",mac=");
}

/* 52:54:00:12:34:56 and up, leaving out those that are given. */
static bool number_macs(struct options *opt, struct err *err)
{
    unsigned next = 0x56;
    char mac[32];

    for (unsigned i = 0; i < opt->naddons; i++) {
        struct opt_addon *a = &opt->addons[i];
        const struct plug_class *c = pc_addon_class(a->driver);

        if (!c || c->host != PLUG_NET || has_mac(a))
            continue;
        do
            snprintf(mac, sizeof(mac), "52:54:00:12:34:%02x", next++ & 0xff);
        while (mac_used(opt, mac));
        if (!opts_addon_prop(a, "mac", mac))
            return err_set(err, "-device %s has too many properties.", a->driver);
    }
    return true;
}

#ifdef CONFIG_SLIRP
/* The network of who says nothing about networks. */
static bool default_net(struct options *opt, struct err *err)
{
    size_t n = strlen(opt->guessed);
    char nic[64];

    /* Counted time promises equal runs, and what comes from the host's network is never equal. */
    if (opt->have_net || opt->nodefaults || opt->no_machine || opt->demo || opt->icount_shift >= 0 ||
        opt->naddons >= PC_MAX_ADDONS || opt->nnetdevs >= OPT_MAX_NETDEVS)
        return true;
    snprintf(nic, sizeof(nic), "user%s%s", opt->default_nic ? ",model=" : "",
             opt->default_nic ? opt->default_nic : "");
    if (opt->default_nic)
        snprintf(opt->guessed + n, sizeof(opt->guessed) - n, ", %s", opt->default_nic);
    return opt_set_NIC(opt, "nic", nic, err);
}
#endif

bool opts_finish_net(struct options *opt, struct err *err)
{
#ifdef CONFIG_SLIRP
    if (!default_net(opt, err))
        return false;
#endif
    return join_legacy(opt, err) && number_macs(opt, err);
}
