/* A client of the machine protocol for scripts: sends lines and shows what comes back.
 *
 *     qmpclient SOCKET [STEP...]
 *
 * A step is a request (sent as it is, then its answer is waited for: a line with "return" or
 * "error"), `wait:TEXT` (until a line with that text came, from the last step on), `raw:BYTES`
 * (sent with printf's \n, \t, \\ and \xHH, nothing is waited for), `fd:FILE:REQUEST` (sent with a
 * descriptor of the file), `sleep:MS` or `eof` (until the other end closes). Every line that comes
 * is printed. Status 1 when an answer takes longer than 20 seconds, 2 for wrong usage. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_S = 20, LINE = 4 << 20 };

struct client {
    int fd;
    char *line; /* what came of the next line */
    size_t len;
    char *seen; /* the lines since the last step began, the first of them only when they are many */
    size_t nseen;
    bool closed;
};

static int die(const char *what)
{
    fprintf(stderr, "qmpclient: %s: %s\n", what, strerror(errno));
    return 2;
}

static bool connect_to(struct client *c, const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(sa.sun_path))
        return false;
    memcpy(sa.sun_path, path, strlen(path) + 1);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    for (int i = 0; i < 100; i++) { /* the other end may just be starting */
        if (!connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)))
            return true;
        usleep(100000);
    }
    return false;
}

/* The next line into c->line, printed; false: none came in time. */
static bool next_line(struct client *c)
{
    time_t end = time(NULL) + WAIT_S;
    char ch;

    c->len = 0;
    while (time(NULL) <= end) {
        struct pollfd p = {c->fd, POLLIN, 0};
        ssize_t n;

        if (poll(&p, 1, 1000) <= 0)
            continue;
        n = read(c->fd, &ch, 1);
        if (n <= 0) {
            c->closed = true;
            return false;
        }
        if (ch == '\n') {
            c->line[c->len] = 0;
            printf("%s\n", c->line);
            if (c->nseen + c->len < LINE) {
                memcpy(c->seen + c->nseen, c->line, c->len + 1);
                c->nseen += c->len;
            }
            return true;
        }
        if (ch != '\r' && c->len + 1 < LINE)
            c->line[c->len++] = ch;
    }
    return false;
}

/* Lines until one has `a` or `b`. */
static bool wait_for(struct client *c, const char *a, const char *b)
{
    while (next_line(c)) {
        if (strstr(c->line, a) || (b && strstr(c->line, b)))
            return true;
    }
    return false;
}

static bool wait_answer(struct client *c)
{
    return wait_for(c, "\"return\"", "\"error\"");
}

static void put(struct client *c, const char *text, size_t n)
{
    while (n) {
        ssize_t k = send(c->fd, text, n, MSG_NOSIGNAL);

        if (k <= 0)
            return;
        text += k;
        n -= (size_t)k;
    }
}

static void put_raw(struct client *c, const char *text)
{
    for (; *text; text++) {
        char hex[3] = {0}, ch = *text;

        if (ch == '\\' && text[1]) {
            text++;
            ch = *text == 'n' ? '\n' : *text == 't' ? '\t' : *text;
            if (*text == 'x' && text[1] && text[2]) {
                memcpy(hex, text + 1, 2);
                ch = (char)strtoul(hex, NULL, 16);
                text += 2;
            }
        }
        put(c, &ch, 1);
    }
}

static bool put_fd(struct client *c, const char *step)
{
    const char *colon = strchr(step, ':');
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    char path[4096];
    int fd;

    if (!colon)
        return false;
    snprintf(path, sizeof(path), "%.*s", (int)(colon - step), step);
    fd = open(path, O_RDONLY);
    if (fd < 0)
        return false;
    struct iovec iov = {(char *)colon + 1, strlen(colon + 1)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control.room,
                         .msg_controllen = sizeof(control.room)};

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    sendmsg(c->fd, &msg, MSG_NOSIGNAL);
    close(fd);
    return wait_answer(c);
}

static bool step(struct client *c, const char *s)
{
    if (!strncmp(s, "wait:", 5))
        return strstr(c->seen, s + 5) || wait_for(c, s + 5, NULL);
    c->nseen = 0;
    c->seen[0] = 0;
    if (!strncmp(s, "raw:", 4)) {
        put_raw(c, s + 4);
        return true;
    }
    if (!strncmp(s, "fd:", 3))
        return put_fd(c, s + 3);
    if (!strncmp(s, "sleep:", 6)) {
        usleep((useconds_t)strtoul(s + 6, NULL, 10) * 1000);
        return true;
    }
    if (!strcmp(s, "eof")) {
        while (next_line(c))
            continue;
        return c->closed;
    }
    put(c, s, strlen(s));
    put(c, "\r\n", 2);
    return wait_answer(c);
}

int main(int argc, char **argv)
{
    struct client c = {.line = malloc(LINE), .seen = calloc(1, LINE)};

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc < 2 || !c.line || !c.seen)
        return 2;
    if (!connect_to(&c, argv[1]))
        return die(argv[1]);
    if (!wait_for(&c, "\"QMP\"", NULL))
        return 1;
    for (int i = 2; i < argc; i++) {
        if (!step(&c, argv[i])) {
            fprintf(stderr, "qmpclient: nothing came for '%s'\n", argv[i]);
            return 1;
        }
    }
    return 0;
}
