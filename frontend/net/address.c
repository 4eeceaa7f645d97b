/* Parsing of socket addresses. Frames carry no authentication, so TCP and UDP stay on this host. */
#include "frontend/net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static bool set_inet(const char *what, const char *host, const char *port, struct net_address *a,
                     struct err *err)
{
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&a->room;
    u64 n;

    if (host[0] && strcmp(host, "127.0.0.1") && strcmp(host, "localhost"))
        return err_set(err, "%s is for this host only: use 127.0.0.1, not '%.60s'.", what, host);
    if (!opts_number(port, 65535, &n) || !n)
        return err_set(err, "%s needs a port from 1 to 65535, not '%.60s'.", what, port);
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((u16)n)};
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a->len = sizeof(*in);
    snprintf(a->text, sizeof(a->text), "127.0.0.1:%u", (unsigned)n);
    return true;
}

static bool set_unix(const char *what, const char *path, struct net_address *a, struct err *err)
{
    if (!path[0] || strlen(path) >= sizeof(a->un.sun_path))
        return err_set(err, "%s needs a path of 1 to %zu characters.", what,
                       sizeof(a->un.sun_path) - 1);
    a->un.sun_family = AF_UNIX;
    memcpy(a->un.sun_path, path, strlen(path) + 1);
    a->len = sizeof(a->un);
    snprintf(a->text, sizeof(a->text), "unix:%s", path);
    return true;
}

static bool set_fd(const char *what, const char *text, struct net_address *a, struct err *err)
{
    int type = 0;
    socklen_t len = sizeof(type);
    u64 n;

    if (!opts_number(text, 65535, &n))
        return err_set(err, "%s: a descriptor is a number, not '%.60s'.", what, text);
    if (getsockopt((int)n, SOL_SOCKET, SO_TYPE, &type, &len))
        return err_set(err, "%s: descriptor %u is no socket: %s.", what, (unsigned)n,
                       strerror(errno));
    a->fd = (int)n;
    snprintf(a->text, sizeof(a->text), "fd:%u", (unsigned)n);
    return true;
}

bool net_address_inet(const char *what, const char *text, struct net_address *a, struct err *err)
{
    const char *colon = strrchr(text, ':');
    char host[64];

    *a = (struct net_address){.fd = -1};
    if (!colon || (size_t)(colon - text) >= sizeof(host))
        return err_set(err, "%s is host:port, not '%.60s'.", what, text);
    snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
    return set_inet(what, host, colon + 1, a, err);
}

/* NAME.PART of the properties; "" when it is not there. */
static const char *get(const struct netdev *d, const char *name, const char *part, char *buf,
                       size_t size)
{
    char key[40];

    snprintf(key, sizeof(key), "%s.%s", name, part);
    if (!netdev_prop(d, key, 0, buf, size))
        buf[0] = 0;
    return buf;
}

bool net_address_props(const struct netdev *d, const char *name, struct net_address *a,
                       struct err *err)
{
    char type[16], a1[OPT_TEXT], a2[64], what[80];

    *a = (struct net_address){.fd = -1};
    snprintf(what, sizeof(what), "-netdev %s: %s", d->kind->name, name);
    get(d, name, "type", type, sizeof(type));
    if (!type[0])
        return true;
    if (!strcmp(type, "unix"))
        return set_unix(what, get(d, name, "path", a1, sizeof(a1)), a, err);
    if (!strcmp(type, "fd"))
        return set_fd(what, get(d, name, "str", a1, sizeof(a1)), a, err);
    if (!strcmp(type, "inet")) {
        get(d, name, "host", a1, sizeof(a1));
        return set_inet(what, a1, get(d, name, "port", a2, sizeof(a2)), a, err);
    }
    return err_set(err, "%s.type is unix, inet or fd, not '%.16s'.", what, type);
}
