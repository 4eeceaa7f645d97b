/* The host's end of network tests, on loopback only and for a bounded time: serves a pattern by
 * HTTP, or fetches it and looks at every byte.
 *
 *   netpeer serve PORTFILE SECONDS   GET /N gives N MiB; the port is written to PORTFILE
 *   netpeer fetch PORT PATH MIB TIMES   prints the rate in MB/s; status 1 when a byte is wrong */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CHUNK = 1 << 20 };

static unsigned char pattern[CHUNK];

static void make_pattern(void)
{
    for (unsigned i = 0; i < CHUNK; i++)
        pattern[i] = (unsigned char)(i * 7 + (i >> 8) * 13);
}

static int send_all(int fd, const void *p, size_t n)
{
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

        if (k <= 0)
            return -1;
        p = (const char *)p + k;
        n -= (size_t)k;
    }
    return 0;
}

/* The request's head, up to the empty line. */
static int read_head(int fd, char *buf, size_t size)
{
    size_t n = 0;

    while (n + 1 < size) {
        if (recv(fd, buf + n, 1, 0) != 1)
            return -1;
        buf[++n] = 0;
        if (n >= 4 && !strcmp(buf + n - 4, "\r\n\r\n"))
            return 0;
    }
    return -1;
}

static void *serve_one(void *arg)
{
    int fd = (int)(intptr_t)arg;
    char head[4096], line[128];
    unsigned mib = 1;

    if (!read_head(fd, head, sizeof(head))) {
        sscanf(head, "GET /%u", &mib);
        snprintf(line, sizeof(line), "HTTP/1.0 200 OK\r\nContent-Length: %llu\r\n\r\n",
                 (unsigned long long)mib * CHUNK);
        if (!send_all(fd, line, strlen(line))) {
            while (mib-- && !send_all(fd, pattern, CHUNK))
                continue;
        }
    }
    close(fd);
    return NULL;
}

static int serve(const char *port_file, unsigned seconds)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    FILE *f;

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) || listen(fd, 8) ||
        getsockname(fd, (struct sockaddr *)&sa, &len) || !(f = fopen(port_file, "w"))) {
        perror("netpeer");
        return 1;
    }
    fprintf(f, "%u\n", ntohs(sa.sin_port));
    fclose(f);
    alarm(seconds);
    for (;;) {
        int c = accept(fd, NULL, NULL);
        pthread_t t;

        if (c >= 0 && !pthread_create(&t, NULL, serve_one, (void *)(intptr_t)c))
            pthread_detach(t);
    }
}

/* One file of mib MiB; 0: all bytes are right. */
static int fetch_one(unsigned port, const char *path, unsigned mib)
{
    static unsigned char buf[CHUNK];
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    unsigned long long want = (unsigned long long)mib * CHUNK, at = 0;
    char head[4096];
    ssize_t n;

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
        perror("netpeer: connect");
        return 1;
    }
    snprintf(head, sizeof(head), "GET %s HTTP/1.0\r\n\r\n", path);
    if (send_all(fd, head, strlen(head)) || read_head(fd, head, sizeof(head)) ||
        !strstr(head, " 200 ")) {
        fprintf(stderr, "netpeer: no file: %.60s\n", head);
        return 1;
    }
    while ((n = recv(fd, buf, sizeof(buf), 0)) > 0) {
        for (ssize_t i = 0; i < n; i++) {
            if (buf[i] != pattern[(at + (unsigned long long)i) % CHUNK]) {
                fprintf(stderr, "netpeer: byte %llu is wrong\n", at + (unsigned long long)i);
                return 1;
            }
        }
        at += (unsigned long long)n;
    }
    close(fd);
    if (at != want)
        fprintf(stderr, "netpeer: %llu bytes, not %llu\n", at, want);
    return at != want;
}

int main(int argc, char **argv)
{
    struct timespec a, b;
    double s;

    make_pattern();
    if (argc == 4 && !strcmp(argv[1], "serve"))
        return serve(argv[2], (unsigned)atoi(argv[3]));
    if (argc != 6 || strcmp(argv[1], "fetch")) {
        fprintf(stderr, "netpeer serve PORTFILE SECONDS | fetch PORT PATH MIB TIMES\n");
        return 2;
    }
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < atoi(argv[5]); i++) {
        if (fetch_one((unsigned)atoi(argv[2]), argv[3], (unsigned)atoi(argv[4])))
            return 1;
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
    printf("%.1f MB/s\n", atof(argv[4]) * atof(argv[5]) * CHUNK / 1e6 / s);
    return 0;
}
