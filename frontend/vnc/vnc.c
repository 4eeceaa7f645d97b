/* The VNC server: sockets and clients in the machine's loop, the picture copied where it differs.
 * libvncserver never gets a thread: it is called when a socket has something, and for each frame.
 */
#define _GNU_SOURCE
#include "frontend/vnc/vnc.h"

#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#ifdef CONFIG_VNC
#include "frontend/vnc/vnc_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_NS 33333333ull
/* How long a client may keep the machine waiting for room in its socket, ms. */
enum { CLIENT_WAIT_MS = 1000, TILE = 64 };

/* ---- picture ---- */

static bool new_size(struct vnc *v, u32 w, u32 h)
{
    u32 *pixels = calloc((size_t)w * h, sizeof(u32));
    u32 *old = v->pixels;

    if (!pixels)
        return false;
    v->pixels = pixels;
    v->w = w;
    v->h = h;
    rfbNewFramebuffer(v->rfb, (char *)pixels, (int)w, (int)h, 8, 3, 4);
    /* as 00RRGGBB words lie in memory */
    v->rfb->serverFormat.redShift = 16;
    v->rfb->serverFormat.greenShift = 8;
    v->rfb->serverFormat.blueShift = 0;
    for (unsigned i = 0; i < VNC_CLIENTS; i++) {
        if (v->client[i].rfb)
            rfbSetTranslateFunction(v->client[i].rfb);
    }
    free(old);
    return true;
}

/* Copy a row's tiles that differ; the stretch from the first to the last is marked by the caller.
 */
static bool copy_row(u32 *to, const u32 *from, u32 w, u32 *x0, u32 *x1)
{
    bool any = false;

    for (u32 x = 0; x < w; x += TILE) {
        size_t n = MIN((u32)TILE, w - x) * sizeof(u32);

        if (!memcmp(to + x, from + x, n))
            continue;
        memcpy(to + x, from + x, n);
        *x0 = any ? MIN(*x0, x) : MIN(*x0, x);
        *x1 = MAX(*x1, MIN(x + TILE, w));
        any = true;
    }
    return any;
}

static void picture(struct vnc *v)
{
    const struct surface *s = screen_look(&v->vm->screen);
    u32 y0 = v->view.y0, y1 = v->view.y1;

    v->view.y0 = v->view.y1 = 0;
    if (!s)
        return;
    if ((s->w != v->w || s->h != v->h) && !new_size(v, s->w, s->h))
        return;
    y1 = MIN(y1, v->h);
    for (u32 y = y0; y < y1;) {
        u32 x0 = ~0u, x1 = 0, first = y;

        /* bands of rows, so that changes far apart do not become one large rectangle */
        for (; y < y1 && y < first + 16; y++)
            copy_row(v->pixels + (size_t)y * v->w, s->pixels + (size_t)y * s->stride, v->w, &x0,
                     &x1);
        if (x0 < x1)
            rfbMarkRectAsModified(v->rfb, (int)x0, (int)first, (int)x1, (int)y);
    }
}

static void describe_peer(int fd, struct vnc_peer *p)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    memset(p, 0, sizeof(*p));
    if (getpeername(fd, (struct sockaddr *)&sa, &len))
        return;
    p->ipv6 = sa.ss_family == AF_INET6;
    getnameinfo((struct sockaddr *)&sa, len, p->host, sizeof(p->host), p->service,
                sizeof(p->service), NI_NUMERICHOST | NI_NUMERICSERV);
}

static void tell(struct vnc_client *c, enum vm_event_id id)
{
    const struct vnc *v = c->vnc;
    struct vnc_info info;
    char port[16];

    vnc_info(v, &info);
    snprintf(port, sizeof(port), "%u", info.port);
    vm_event(v->vm, id,
             (struct event_field[]){
                 {"server.host", EVENT_STR, 0, info.host},
                 {"server.service", EVENT_STR, 0, port},
                 {"server.family", EVENT_STR, 0, info.ipv6 ? "ipv6" : "ipv4"},
                 {"server.websocket", EVENT_BOOL, 0, NULL},
                 {"server.auth", EVENT_STR, 0, info.password ? "vnc" : "none"},
                 {"client.host", EVENT_STR, 0, c->peer.host},
                 {"client.service", EVENT_STR, 0, c->peer.service},
                 {"client.family", EVENT_STR, 0, c->peer.ipv6 ? "ipv6" : "ipv4"},
                 {"client.websocket", EVENT_BOOL, 0, NULL},
                 EVENT_END});
}

static void tell_let_in(struct vnc *v)
{
    for (unsigned i = 0; i < VNC_CLIENTS; i++) {
        struct vnc_client *c = &v->client[i];

        if (!c->rfb || c->let_in || c->rfb->state != RFB_NORMAL)
            continue;
        c->let_in = true;
        tell(c, VM_EVENT_VNC_INITIALIZED);
    }
}

static void frame(void *arg)
{
    struct vnc *v = arg;

    if (v->nclients) {
        picture(v);
        rfbProcessEvents(v->rfb, 0);
        tell_let_in(v);
    }
    v->frame.when = v->nclients ? host_now() + FRAME_NS : LOOP_NEVER;
}

/* ---- clients ---- */

static void client_ready(void *arg, short revents)
{
    struct vnc_client *c = arg;

    rfbProcessEvents(c->vnc->rfb, 0);
}

static void client_gone(rfbClientPtr cl)
{
    struct vnc_client *c = cl->clientData;

    if (!c)
        return;
    loop_remove(&c->vnc->vm->loop, &c->src);
    keyboard_release(&c->vnc->vm->keyboard);
    tell(c, VM_EVENT_VNC_DISCONNECTED);
    c->rfb = NULL;
    c->vnc->nclients--;
    cl->clientData = NULL;
}

static enum rfbNewClientAction client_new(rfbClientPtr cl)
{
    struct vnc *v = cl->screen->screenData;

    for (unsigned i = 0; i < VNC_CLIENTS; i++) {
        struct vnc_client *c = &v->client[i];

        if (c->rfb)
            continue;
        *c = (struct vnc_client){.vnc = v, .src = {cl->sock, POLLIN, client_ready, c}, .rfb = cl};
        describe_peer(cl->sock, &c->peer);
        loop_add(&v->vm->loop, &c->src);
        cl->clientData = c;
        cl->clientGoneHook = client_gone;
        v->nclients++;
        v->frame.when = host_now();
        tell(c, VM_EVENT_VNC_CONNECTED);
        return RFB_CLIENT_ACCEPT;
    }
    return RFB_CLIENT_REFUSE;
}

static rfbBool check_password(rfbClientPtr cl, const char *response, int len)
{
    struct vnc *v = cl->screen->screenData;
    u8 want[CHALLENGESIZE];

    memcpy(want, cl->authChallenge, sizeof(want));
    if (!v->password[0] || len != CHALLENGESIZE || (v->expires && time(NULL) >= v->expires))
        return FALSE;
    rfbEncryptBytes(want, v->password);
    return memcmp(want, response, sizeof(want)) == 0;
}

static void accept_client(void *arg, short revents)
{
    struct vnc_listener *l = arg;
    int fd = accept4(l->src.fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return;
    if (l->vnc->nclients == VNC_CLIENTS) {
        close(fd);
        return;
    }
    /* A WebSocket client is known by the HTTP request that it starts with. */
    rfbNewClient(l->vnc->rfb, fd);
}

/* ---- listening ---- */

static bool listen_on(struct vnc *v, const struct addrinfo *a, u32 port, bool websocket)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    struct vnc_listener *l = v->listener;

    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, a->ai_addr, a->ai_addrlen) || listen(fd, 4)) {
        int e = errno;
        close(fd);
        errno = e;
        return false;
    }
    while (l < v->listener + VNC_LISTENERS && l->src.fd >= 0)
        l++;
    if (l == v->listener + VNC_LISTENERS) {
        close(fd);
        return true; /* more addresses than anybody needs */
    }
    *l = (struct vnc_listener){v, {fd, POLLIN, accept_client, l}, port, websocket};
    loop_add(&v->vm->loop, &l->src);
    return true;
}

static bool listen_port(struct vnc *v, u32 port, bool websocket, struct err *err)
{
    const char *host = v->vm->opt->vnc.host;
    struct addrinfo hint = {.ai_family = host[0] ? AF_UNSPEC : AF_INET,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list;
    char service[16];
    bool any = false;
    int rc;

    snprintf(service, sizeof(service), "%u", port);
    rc = getaddrinfo(host[0] ? host : "127.0.0.1", service, &hint, &list);
    if (rc)
        return err_set(err, "-vnc: there is no host '%.60s': %s.", host, gai_strerror(rc));
    errno = EADDRNOTAVAIL;
    for (const struct addrinfo *a = list; a; a = a->ai_next)
        any = listen_on(v, a, port, websocket) || any;
    freeaddrinfo(list);
    return any || err_set(err, "-vnc: cannot listen at port %u of '%.60s': %s.", port,
                          host[0] ? host : "127.0.0.1", strerror(errno));
}

static bool listen_all(struct vnc *v, struct err *err)
{
    const struct opt_vnc *o = &v->vm->opt->vnc;
    u32 last = MAX(o->to, o->display);

    for (v->display = o->display;; v->display++) {
        if (listen_port(v, VNC_PORT + v->display, false, err))
            break;
        if (v->display >= last)
            return false;
    }
    return !o->websocket || listen_port(v, o->websocket, true, err);
}

/* ---- passwords ---- */

bool vnc_set_password(struct vnc *v, const char *password, struct err *err)
{
    if (!v)
        return err_set(err, "There is no VNC server.");
    if (!v->need_password)
        return err_set(err, "The VNC server asks for no password; -vnc ...,password=on makes it.");
    if (strlen(password) > VNC_PASSWORD)
        return err_set(err, "A VNC password has at most %d characters.", VNC_PASSWORD);
    snprintf(v->password, sizeof(v->password), "%s", password);
    return true;
}

bool vnc_expire_password(struct vnc *v, s64 when, struct err *err)
{
    if (!v)
        return err_set(err, "There is no VNC server.");
    v->expires = when;
    return true;
}

static bool read_password(struct vnc *v, const char *path, struct err *err)
{
    char line[256];
    FILE *f = fopen(path, "r");

    if (!f)
        return err_set(err, "Cannot read the password file '%.200s': %s.", path, strerror(errno));
    line[0] = 0;
    if (fgets(line, sizeof(line), f))
        line[strcspn(line, "\r\n")] = 0;
    fclose(f);
    if (!line[0])
        return err_set(err, "The password file '%.200s' has no password in its first line.", path);
    return vnc_set_password(v, line, err);
}

/* ---- life ---- */

/* The library's opinions are nobody's business; its errors end connections, which shows. */
static void quiet(const char *format, ...) {}

struct vnc *vnc_open(struct vm *vm, struct err *err)
{
    const struct opt_vnc *o = &vm->opt->vnc;
    struct vnc *v = calloc(1, sizeof(*v));

    if (!v) {
        err_set(err, "Out of memory for the VNC server.");
        return NULL;
    }
    v->vm = vm;
    for (unsigned i = 0; i < VNC_LISTENERS; i++)
        v->listener[i].src.fd = -1;
    v->need_password = o->password;
    rfbLog = rfbErr = quiet;
    v->rfb = rfbGetScreen(NULL, NULL, 640, 480, 8, 3, 4);
    if (!v->rfb) {
        err_set(err, "Out of memory for the VNC server.");
        vnc_close(v);
        return NULL;
    }
    v->rfb->screenData = v;
    v->rfb->desktopName = vm->opt->name[0] ? vm->opt->name : "Dragoman";
    v->rfb->port = v->rfb->ipv6port = 0; /* sockets are ours */
    v->rfb->alwaysShared = TRUE;
    v->rfb->deferUpdateTime = 0;
    v->rfb->maxClientWait = CLIENT_WAIT_MS;
    v->rfb->cursor = NULL;
    v->rfb->newClientHook = client_new;
    if (v->need_password) {
        v->rfb->authPasswdData = v; /* any: there is a password */
        v->rfb->passwordCheck = check_password;
    }
    vnc_input_init(v);
    screen_add(&vm->screen, &v->view);
    v->frame = (struct loop_timer){LOOP_NEVER, frame, v, NULL};
    loop_timer_add(&vm->loop, &v->frame);
    if ((o->password_file[0] && !read_password(v, o->password_file, err)) ||
        !new_size(v, 640, 480) || !listen_all(v, err)) {
        vnc_close(v);
        return NULL;
    }
    rfbInitServer(v->rfb);
    return v;
}

void vnc_close(struct vnc *v)
{
    if (!v)
        return;
    if (v->rfb) {
        for (unsigned i = 0; i < VNC_CLIENTS; i++) {
            if (v->client[i].rfb)
                rfbCloseClient(v->client[i].rfb);
        }
        rfbProcessEvents(v->rfb, 0);
        for (unsigned i = 0; i < VNC_CLIENTS; i++) {
            if (v->client[i].rfb)
                rfbClientConnectionGone(v->client[i].rfb);
        }
        v->rfb->frameBuffer = NULL;
        rfbScreenCleanup(v->rfb);
    }
    for (unsigned i = 0; i < VNC_LISTENERS; i++) {
        if (v->listener[i].src.fd < 0)
            continue;
        loop_remove(&v->vm->loop, &v->listener[i].src);
        close(v->listener[i].src.fd);
    }
    loop_timer_remove(&v->vm->loop, &v->frame);
    screen_remove(&v->vm->screen, &v->view);
    free(v->pixels);
    free(v->clip);
    free(v);
}

void vnc_info(const struct vnc *v, struct vnc_info *info)
{
    const char *host = v->vm->opt->vnc.host;

    memset(info, 0, sizeof(*info));
    snprintf(info->host, sizeof(info->host), "%s", host[0] ? host : "127.0.0.1");
    info->port = VNC_PORT + v->display;
    info->ipv6 = strchr(info->host, ':') != NULL;
    info->password = v->need_password;
    for (unsigned i = 0; i < VNC_CLIENTS; i++) {
        if (v->client[i].rfb)
            info->client[info->nclients++] = v->client[i].peer;
    }
}

void vnc_describe(const struct vnc *v, char *text, size_t size)
{
    size_t at = 0;

    if (!v) {
        snprintf(text, size, "Server: disabled\n");
        return;
    }
    for (unsigned i = 0; i < VNC_LISTENERS && at < size; i++) {
        const struct vnc_listener *l = &v->listener[i];

        if (l->src.fd >= 0)
            at += (size_t)snprintf(text + at, size - at, "Server: %s:%u (%s)\n",
                                   v->vm->opt->vnc.host[0] ? v->vm->opt->vnc.host : "127.0.0.1",
                                   l->port, l->websocket ? "WebSocket" : "RFB");
    }
    if (at < size)
        at += (size_t)snprintf(text + at, size - at, "  Auth: %s\n",
                               v->need_password ? "vnc" : "none");
    for (unsigned i = 0; i < VNC_CLIENTS && at < size; i++) {
        if (v->client[i].rfb)
            at += (size_t)snprintf(text + at, size - at, "Client: %s\n", v->client[i].rfb->host);
    }
}

#else

struct vnc *vnc_open(struct vm *vm, struct err *err)
{
    err_set(err, "This build has no VNC server; install libvncserver-dev and configure again.");
    return NULL;
}

void vnc_close(struct vnc *v) {}

bool vnc_set_password(struct vnc *v, const char *password, struct err *err)
{
    return err_set(err, "There is no VNC server.");
}

bool vnc_expire_password(struct vnc *v, s64 when, struct err *err)
{
    return err_set(err, "There is no VNC server.");
}

void vnc_info(const struct vnc *v, struct vnc_info *info)
{
    memset(info, 0, sizeof(*info));
}

void vnc_describe(const struct vnc *v, char *text, size_t size)
{
    snprintf(text, size, "Server: disabled\n");
}

#endif
