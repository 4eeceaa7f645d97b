/* Monitor commands about networks: what there is, cables, and ports forwarded to the
 * guest. */
#include "frontend/monitor/monitor.h"

#include "frontend/net/slirp.h"

#include <stdlib.h>
#include <string.h>

bool info_NETWORK(struct monitor *m, const char *args)
{
    const struct netdevs *all = &m->vm->nets;
    char text[200];

    if (!all->first)
        mon_printf(m, "There is no network.\n");
    for (const struct netdev *d = all->first; d; d = d->next) {
        text[0] = 0;
        d->kind->describe(d, text, sizeof(text));
        mon_printf(m, "%s: type=%s,%s\n", d->id, d->kind->name, text);
        mon_printf(m,
                   "  %s%s: %llu frames (%llu bytes) to the guest, %llu (%llu) from it, %llu "
                   "dropped, %zu wait%s\n",
                   d->user[0] ? "used by " : "nobody uses it", d->user,
                   (unsigned long long)d->frames_in, (unsigned long long)d->bytes_in,
                   (unsigned long long)d->frames_out, (unsigned long long)d->bytes_out,
                   (unsigned long long)d->dropped, d->in.frames,
                   d->net.link && !d->net.link(d->net.arg) ? ", link down" : "");
    }
    return true;
}

bool cmd_SET_LINK(struct monitor *m, const char *args)
{
    char name[MON_LINE], word[8] = "";
    struct netdev *d;

    if (!mon_word(&args, name, sizeof(name)) || !mon_word(&args, word, sizeof(word)) ||
        (strcmp(word, "on") && strcmp(word, "off")))
        return err_set(&m->err,
                       "The command takes the name of a network or adapter, and on or off.");
    d = netdev_with_link(&m->vm->nets, name, &m->err);
    if (d)
        d->net.set_link(d->net.arg, !strcmp(word, "on"));
    return d != NULL;
}

#ifdef CONFIG_SLIRP
static bool is_user(const struct netdev *d)
{
    return !strcmp(d->kind->name, "user");
}

bool info_USERNET(struct monitor *m, const char *args)
{
    for (const struct netdev *d = m->vm->nets.first; d; d = d->next) {
        char *text;

        if (!is_user(d))
            continue;
        mon_printf(m, "%s:\n", d->id);
        text = slirp_connections(d);
        if (text)
            mon_write(m, text, strlen(text));
        free(text);
    }
    return true;
}

/* "[id] rule": the network, or the first of kind user, and the rule. */
static struct netdev *network(struct monitor *m, const char **args, char *rule, size_t size)
{
    char word[MON_LINE];
    struct netdev *d = m->vm->nets.first;

    if (!mon_word(args, rule, size))
        return NULL;
    if (mon_word(args, word, sizeof(word))) {
        d = netdev_find(&m->vm->nets, rule);
        if (!opts_copy(rule, size, word))
            return NULL;
        return d && is_user(d) ? d : NULL;
    }
    while (d && !is_user(d))
        d = d->next;
    return d;
}

static bool forward(struct monitor *m, const char *args,
                    bool (*fn)(struct netdev *, const char *, struct err *))
{
    char rule[MON_LINE] = "";
    struct netdev *d = network(m, &args, rule, sizeof(rule));

    if (!d)
        return err_set(
            &m->err,
            "The command takes [id] [tcp|udp]:[address]:port..., with the id of a network of "
            "kind user.");
    return fn(d, rule, &m->err);
}

bool cmd_HOSTFWD_ADD(struct monitor *m, const char *args)
{
    return forward(m, args, slirp_forward);
}

bool cmd_HOSTFWD_REMOVE(struct monitor *m, const char *args)
{
    return forward(m, args, slirp_unforward);
}
#else
static bool no_user_net(struct monitor *m)
{
    return err_set(&m->err, "This build has no user networking.");
}

bool info_USERNET(struct monitor *m, const char *args)
{
    return no_user_net(m);
}

bool cmd_HOSTFWD_ADD(struct monitor *m, const char *args)
{
    return no_user_net(m);
}

bool cmd_HOSTFWD_REMOVE(struct monitor *m, const char *args)
{
    return no_user_net(m);
}
#endif
