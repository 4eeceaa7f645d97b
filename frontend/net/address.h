/* Addresses of sockets that networks use: of this host only. */
#ifndef FRONTEND_NET_ADDRESS_H
#define FRONTEND_NET_ADDRESS_H

#include "frontend/net/netdev.h"

#include <sys/socket.h>
#include <sys/un.h>

struct net_address {
    union {
        struct sockaddr any;
        struct sockaddr_un un;
        struct sockaddr_storage room;
    };
    socklen_t len;  /* 0: none was given */
    int fd;         /* of type fd: the socket itself; else -1 */
    char text[130]; /* for people */
};

/* "host:port", where the host is this one. False with *err naming `what`. */
bool net_address_inet(const char *what, const char *text, struct net_address *a, struct err *err);
/* The properties NAME.type, NAME.path, NAME.host, NAME.port and NAME.str of a netdev. */
bool net_address_props(const struct netdev *d, const char *name, struct net_address *a,
                       struct err *err);

#endif
