/* A VNC client for tests (RFC 6143, raw encoding), plain or in a WebSocket (RFC 6455):
 *
 *   rfbclient [-w] [-p PASSWORD] PORT ACTION...
 *
 *   shot FILE      a whole new picture as a binary PPM
 *   change MS      wait for a change of the picture, at most so long; fails without one
 *   type TEXT      each character pressed and released
 *   key SYM        an X key symbol (hexadecimal) pressed and released; down SYM, up SYM: one of both
 *   point X,Y,B    the pointer, with a mask of buttons
 *   cut TEXT       the client's clipboard
 *   paste          print the server's clipboard when it comes, at most two seconds
 *   raw HEX        these bytes as they are, for bad input
 *   sleep MS
 *   size           print width and height
 *
 * Exit 0: all done; 1: something failed, and what; 3: the server refused the password. */
#include "tests/tools/rfb_des.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_SIDE = 8192 };

struct client {
    int fd, ws;
    unsigned char *frame; /* of the WebSocket message that is being read */
    size_t frame_left;
    unsigned w, h;
    unsigned char *rgb;
    int changed;
};

static void die(const char *why)
{
    fprintf(stderr, "rfbclient: %s\n", why);
    exit(1);
}

static void read_all(int fd, void *to, size_t n)
{
    unsigned char *p = to;

    while (n) {
        struct pollfd f = {fd, POLLIN, 0};
        ssize_t k;

        if (poll(&f, 1, 40000) <= 0)
            die("the server says nothing");
        k = read(fd, p, n);
        if (k <= 0)
            die("the server closed the connection");
        p += k;
        n -= (size_t)k;
    }
}

static void write_all(int fd, const void *from, size_t n)
{
    const unsigned char *p = from;

    while (n) {
        ssize_t k = write(fd, p, n);

        if (k <= 0)
            die("cannot write to the server");
        p += k;
        n -= (size_t)k;
    }
}

static void next_frame(struct client *c)
{
    unsigned char h[8];
    int op;

    do {
        read_all(c->fd, h, 2);
        op = h[0] & 15;
        c->frame_left = h[1] & 127;
        if (h[1] & 128)
            die("a server's WebSocket frames must not be masked");
        if (c->frame_left == 126) {
            read_all(c->fd, h, 2);
            c->frame_left = (size_t)h[0] << 8 | h[1];
        } else if (c->frame_left == 127) {
            read_all(c->fd, h, 8);
            c->frame_left = 0;
            for (int i = 0; i < 8; i++)
                c->frame_left = c->frame_left << 8 | h[i];
        }
        if (op == 8)
            die("the server closed the WebSocket");
    } while (!c->frame_left);
}

static void get(struct client *c, void *to, size_t n)
{
    unsigned char *p = to;

    if (!c->ws) {
        read_all(c->fd, p, n);
        return;
    }
    while (n) {
        size_t k;

        if (!c->frame_left)
            next_frame(c);
        k = n < c->frame_left ? n : c->frame_left;
        read_all(c->fd, p, k);
        c->frame_left -= k;
        p += k;
        n -= k;
    }
}

static void put(struct client *c, const void *from, size_t n)
{
    static const unsigned char mask[4] = {0x12, 0x34, 0x56, 0x78};
    const unsigned char *p = from;
    unsigned char frame[8 + 65536] = {0x82};
    size_t at = 2;

    if (!c->ws) {
        write_all(c->fd, from, n);
        return;
    }
    if (n > 65535)
        die("too much at once");
    if (n > 125) {
        frame[1] = 0x80 | 126;
        frame[at++] = (unsigned char)(n >> 8);
        frame[at++] = (unsigned char)n;
    } else {
        frame[1] = (unsigned char)(0x80 | n);
    }
    memcpy(frame + at, mask, 4);
    at += 4;
    for (size_t i = 0; i < n; i++)
        frame[at++] = p[i] ^ mask[i & 3];
    write_all(c->fd, frame, at);
}

static unsigned get16(struct client *c)
{
    unsigned char b[2];

    get(c, b, 2);
    return (unsigned)b[0] << 8 | b[1];
}

static unsigned get32(struct client *c)
{
    unsigned high = get16(c);

    return high << 16 | get16(c);
}

/* The key and the answer to it are those of RFC 6455's example. */
static void shake_hands(struct client *c)
{
    static const char ask[] = "GET /websockify HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                              "Origin: http://127.0.0.1\r\nSec-WebSocket-Protocol: binary\r\n"
                              "Sec-WebSocket-Version: 13\r\n\r\n";
    char answer[2048];
    size_t n = 0;

    write_all(c->fd, ask, sizeof(ask) - 1);
    while (n < sizeof(answer) - 1) {
        read_all(c->fd, answer + n++, 1);
        answer[n] = 0;
        if (n >= 4 && !strcmp(answer + n - 4, "\r\n\r\n"))
            break;
    }
    if (strncmp(answer, "HTTP/1.1 101", 12) || !strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        die("no WebSocket there");
    c->ws = 1;
}

static void log_in(struct client *c, const char *password)
{
    char version[13] = {0};
    unsigned char types[256], n, type = 0;
    unsigned result;

    get(c, version, 12);
    if (strncmp(version, "RFB 003.", 8))
        die("not an RFB server");
    put(c, "RFB 003.008\n", 12);
    get(c, &n, 1);
    if (!n)
        die("the server offers no way in");
    get(c, types, n);
    for (int i = 0; i < n; i++) {
        if (types[i] == (password ? 2 : 1))
            type = types[i];
    }
    if (!type) {
        fprintf(stderr, "rfbclient: the server wants %s password\n", password ? "no" : "a");
        exit(3);
    }
    put(c, &type, 1);
    if (type == 2) {
        unsigned char challenge[16], answer[16], key[8] = {0};

        memcpy(key, password, strlen(password) < 8 ? strlen(password) : 8);
        get(c, challenge, 16);
        rfb_des(key, challenge, answer);
        rfb_des(key, challenge + 8, answer + 8);
        put(c, answer, 16);
    }
    result = get32(c);
    if (result) {
        fprintf(stderr, "rfbclient: the server refused the password\n");
        exit(3);
    }
}

static void new_size(struct client *c, unsigned w, unsigned h)
{
    if (!w || !h || w > MAX_SIDE || h > MAX_SIDE)
        die("a picture of no possible size");
    free(c->rgb);
    c->w = w;
    c->h = h;
    c->rgb = calloc((size_t)w * h, 3);
    if (!c->rgb)
        die("out of memory");
}

static void start(struct client *c)
{
    /* 32 bits, red in the third byte; raw, and new sizes told */
    static const unsigned char format[20] = {0,   0, 0,   0,  32, 24, 0, 1, 0, 255,
                                             0, 255, 0, 255, 16,  8, 0, 0, 0, 0};
    static const unsigned char encodings[12] = {2,    0,    0,    2,    0, 0, 0, 0,
                                                0xff, 0xff, 0xff, 0x21};
    unsigned char skip[16], share = 1;
    char name[256];
    unsigned n, w;

    put(c, &share, 1);
    w = get16(c);
    new_size(c, w, get16(c));
    get(c, skip, 16);
    n = get32(c);
    if (n >= sizeof(name))
        die("a name that is too long");
    get(c, name, n);
    put(c, format, sizeof(format));
    put(c, encodings, sizeof(encodings));
}

static void ask(struct client *c, int changes)
{
    unsigned char m[10] = {3, (unsigned char)changes, 0, 0, 0, 0, (unsigned char)(c->w >> 8),
                           (unsigned char)c->w, (unsigned char)(c->h >> 8), (unsigned char)c->h};

    put(c, m, sizeof(m));
}

/* 1: a rectangle of points; 0: a new size. */
static int rectangle(struct client *c)
{
    unsigned x = get16(c), y = get16(c), w = get16(c), h = get16(c);
    int encoding = (int)get32(c);
    unsigned char line[MAX_SIDE * 4];

    if (encoding == -223) {
        new_size(c, w, h);
        return 0;
    }
    if (encoding != 0)
        die("an encoding that was not asked for");
    if (x + w > c->w || y + h > c->h)
        die("a rectangle outside of the picture");
    for (unsigned j = 0; j < h; j++) {
        get(c, line, (size_t)w * 4);
        for (unsigned i = 0; i < w; i++) {
            unsigned char *to = c->rgb + ((size_t)(y + j) * c->w + x + i) * 3;

            to[0] = line[4 * i + 2];
            to[1] = line[4 * i + 1];
            to[2] = line[4 * i];
        }
    }
    c->changed = 1;
    return 1;
}

/* One message of the server; `clip`: print its clipboard. Returns its type, or -1 for a new size. */
static int message(struct client *c, int clip)
{
    unsigned char type, pad[3];
    unsigned n;
    int resized = 0;

    get(c, &type, 1);
    switch (type) {
    case 0:
        get(c, pad, 1);
        n = get16(c);
        for (unsigned i = 0; i < n; i++)
            resized |= !rectangle(c);
        return resized ? -1 : 0;
    case 2: break; /* bell */
    case 3:
        get(c, pad, 3);
        n = get32(c);
        while (n--) {
            get(c, pad, 1);
            if (clip)
                putchar(pad[0]);
        }
        break;
    default: die("a message of an unknown kind");
    }
    return type;
}

static int wait_input(struct client *c, int ms)
{
    struct pollfd f = {c->fd, POLLIN, 0};

    return c->frame_left || poll(&f, 1, ms) > 0;
}

/* A whole picture in its final size: a new size is followed by a new request. */
static void whole(struct client *c)
{
    int got;

    ask(c, 1);
    while (wait_input(c, 150)) /* what is on its way, a new size above all */
        message(c, 0);
    do {
        ask(c, 0);
        while ((got = message(c, 0)) > 0) {
        }
    } while (got < 0);
}

static void shot(struct client *c, const char *path)
{
    FILE *f;

    whole(c);
    f = fopen(path, "wb");
    if (!f)
        die("cannot write the picture");
    fprintf(f, "P6\n%u %u\n255\n", c->w, c->h);
    fwrite(c->rgb, 3, (size_t)c->w * c->h, f);
    if (fclose(f))
        die("cannot write the picture");
}

static void change(struct client *c, int ms)
{
    c->changed = 0;
    ask(c, 1);
    while (!c->changed) {
        if (!wait_input(c, ms))
            die("the picture does not change");
        if (message(c, 0) < 0)
            ask(c, 1);
    }
}

static void key(struct client *c, unsigned sym, int down)
{
    unsigned char m[8] = {4, (unsigned char)down, 0, 0, (unsigned char)(sym >> 24),
                          (unsigned char)(sym >> 16), (unsigned char)(sym >> 8), (unsigned char)sym};

    put(c, m, sizeof(m));
}

static void pause_ms(int ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000l};

    nanosleep(&t, NULL);
}

static void cut(struct client *c, const char *text)
{
    unsigned char m[8 + 4096] = {6};
    size_t n = strlen(text);

    if (n > 4096)
        die("too much text");
    m[6] = (unsigned char)(n >> 8);
    m[7] = (unsigned char)n;
    memcpy(m + 8, text, n);
    put(c, m, 8 + n);
}

static void raw(struct client *c, const char *hex)
{
    unsigned char b[1024];
    unsigned v;
    size_t n = 0;

    for (; n < sizeof(b) && sscanf(hex, "%2x", &v) == 1; hex += 2)
        b[n++] = (unsigned char)v;
    put(c, b, n);
}

static void type(struct client *c, const char *text)
{
    for (; *text; text++) {
        unsigned sym = *text == '\n' ? 0xff0d : (unsigned char)*text;

        key(c, sym, 1);
        key(c, sym, 0);
        pause_ms(30);
    }
}

static void act(struct client *c, const char *what, const char *arg)
{
    unsigned x, y, b;

    if (!strcmp(what, "shot"))
        shot(c, arg);
    else if (!strcmp(what, "change"))
        change(c, atoi(arg));
    else if (!strcmp(what, "type"))
        type(c, arg);
    else if (!strcmp(what, "cut"))
        cut(c, arg);
    else if (!strcmp(what, "raw"))
        raw(c, arg);
    else if (!strcmp(what, "sleep"))
        pause_ms(atoi(arg));
    else if (!strcmp(what, "down") || !strcmp(what, "up"))
        key(c, (unsigned)strtoul(arg, NULL, 16), !strcmp(what, "down"));
    else if (!strcmp(what, "key")) {
        key(c, (unsigned)strtoul(arg, NULL, 16), 1);
        key(c, (unsigned)strtoul(arg, NULL, 16), 0);
    } else if (!strcmp(what, "point") && sscanf(arg, "%u,%u,%u", &x, &y, &b) == 3) {
        unsigned char m[6] = {5, (unsigned char)b, (unsigned char)(x >> 8), (unsigned char)x,
                              (unsigned char)(y >> 8), (unsigned char)y};
        put(c, m, sizeof(m));
    } else {
        die("an unknown action");
    }
}

int main(int argc, char **argv)
{
    struct client c = {.fd = -1};
    struct sockaddr_in a = {.sin_family = AF_INET};
    const char *password = NULL;
    int ws = 0, opt;

    while ((opt = getopt(argc, argv, "+wp:")) != -1) {
        if (opt == 'w')
            ws = 1;
        else if (opt == 'p')
            password = optarg;
        else
            die("usage: rfbclient [-w] [-p PASSWORD] PORT ACTION...");
    }
    if (optind >= argc)
        die("which port?");
    a.sin_port = htons((unsigned short)atoi(argv[optind++]));
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c.fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c.fd < 0 || connect(c.fd, (struct sockaddr *)&a, sizeof(a)))
        die("nobody listens there");
    if (ws)
        shake_hands(&c);
    log_in(&c, password);
    start(&c);
    while (optind < argc) {
        const char *what = argv[optind++];

        if (!strcmp(what, "size")) {
            whole(&c);
            printf("%u %u\n", c.w, c.h);
        } else if (!strcmp(what, "paste")) {
            ask(&c, 1);
            while (wait_input(&c, 2000) && message(&c, 1) != 3) {
            }
        } else if (optind < argc) {
            act(&c, what, argv[optind++]);
        } else {
            die("an action without its argument");
        }
    }
    close(c.fd);
    free(c.rgb);
    return 0;
}
