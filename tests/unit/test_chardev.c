/* Character devices of the host: ring buffers, datagrams, clients that connect again, files, ptys.
 */
#include "frontend/host/chardev.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct user {
    struct chardev_user u;
    char text[256];
    size_t n;
    int opened, closed, fd, drained;
};

static struct loop loop;
static struct err err;

static size_t room(void *arg)
{
    return 128;
}
static void input(void *arg, const u8 *data, size_t n)
{
    struct user *u = arg;

    memcpy(u->text + u->n, data, MIN(n, sizeof(u->text) - 1 - u->n));
    u->n += MIN(n, sizeof(u->text) - 1 - u->n);
}
static void event(void *arg, int e)
{
    struct user *u = arg;

    u->opened += e == CHR_OPENED;
    u->closed += e == CHR_CLOSED;
}
static void take_fd(void *arg, int fd)
{
    ((struct user *)arg)->fd = fd;
}
static void drained(void *arg)
{
    ((struct user *)arg)->drained++;
}
static void kick(void *arg) {}

static struct chardev *open_dev(const char *spec, struct user *u)
{
    struct chardev *dev = chardev_open(&loop, "c", spec, false, &err);

    ck_assert_msg(dev != NULL, "%s: %s", spec, err.msg);
    memset(u, 0, sizeof(*u));
    u->u = (struct chardev_user){.room = room, .input = input, .event = event, .arg = u};
    ck_assert(chardev_attach(dev, &u->u));
    return dev;
}

static void refused(const char *spec, const char *part)
{
    ck_assert_msg(!chardev_open(&loop, "c", spec, false, &err), "%s", spec);
    ck_assert_msg(strstr(err.msg, part) != NULL, "%s: %s", spec, err.msg);
}

static void pass(int ms)
{
    u64 end = host_now() + (u64)ms * 1000000;

    while (host_now() < end)
        loop_wait(&loop, end);
}

START_TEST(ringbuf)
{
    struct user u;
    struct chardev *dev = open_dev("ringbuf:16", &u);
    u8 b[32];

    chardev_send(dev, (const u8 *)"hello", 5);
    ck_assert_uint_eq(chardev_ring_read(dev, b, 3), 3);
    ck_assert_mem_eq(b, "hel", 3);
    chardev_send(dev, (const u8 *)"0123456789abcdefgh", 18);
    ck_assert_uint_eq(chardev_ring_read(dev, b, 32), 16);
    ck_assert_mem_eq(b, "23456789abcdefgh", 16);
    ck_assert_uint_eq(chardev_ring_read(dev, b, 32), 0);
    ck_assert(chardev_ring_write(dev, (const u8 *)"in", 2));
    ck_assert_str_eq(u.text, "in");
    chardev_close(dev);
    refused("ringbuf:3", "16 bytes");
    refused("ringbuf:99999999", "16 MiB");
}
END_TEST

START_TEST(datagrams)
{
    struct sockaddr_in sa = {.sin_family = AF_INET}, from;
    socklen_t len = sizeof(sa), flen = sizeof(from);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct user u;
    struct chardev *dev;
    char spec[64], b[16];

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert(!bind(fd, (struct sockaddr *)&sa, len));
    ck_assert(!getsockname(fd, (struct sockaddr *)&sa, &len));
    snprintf(spec, sizeof(spec), "udp:127.0.0.1:%d@:0", ntohs(sa.sin_port));
    dev = open_dev(spec, &u);
    chardev_send(dev, (const u8 *)"ping", 4);
    ck_assert_int_eq(recvfrom(fd, b, sizeof(b), 0, (struct sockaddr *)&from, &flen), 4);
    ck_assert_mem_eq(b, "ping", 4);
    sendto(fd, "", 0, 0, (struct sockaddr *)&from, flen); /* empty: no end */
    sendto(fd, "pong", 4, 0, (struct sockaddr *)&from, flen);
    pass(50);
    ck_assert_str_eq(u.text, "pong");
    ck_assert_int_eq(u.closed, 0);
    close(fd); /* nobody listens: no end either */
    chardev_send(dev, (const u8 *)"ping", 4);
    pass(50);
    chardev_send(dev, (const u8 *)"ping", 4);
    ck_assert_int_eq(u.closed, 0);
    chardev_close(dev);
    refused("udp:127.0.0.1", "host:port");
    refused("udp:127.0.0.1:99999", "host:port");
    refused("udp:192.0.2.1:9", "this host only");
    refused("udp::9@x:y", "host:port");
}
END_TEST

START_TEST(reconnect)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char spec[200], b[8] = "";
    struct user u;
    struct chardev *dev;
    int fd, peer;

    snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/test_chardev.%d", (int)getpid());
    snprintf(spec, sizeof(spec), "unix:%s,reconnect=1", sa.sun_path);
    dev = open_dev(spec, &u); /* nobody there yet */
    chardev_send(dev, (const u8 *)"lost", 4);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)) && !listen(fd, 1));
    pass(1200);
    ck_assert_int_eq(u.opened, 1);
    peer = accept(fd, NULL, NULL);
    chardev_send(dev, (const u8 *)"one", 3);
    ck_assert_int_eq(read(peer, b, sizeof(b)), 3);
    close(peer);
    pass(100);
    ck_assert_int_eq(u.closed, 1);
    pass(1200);
    ck_assert_int_eq(u.opened, 2);
    peer = accept(fd, NULL, NULL);
    ck_assert_int_eq(write(peer, "two", 3), 3);
    pass(50);
    ck_assert_str_eq(u.text, "two");
    close(peer);
    close(fd);
    unlink(sa.sun_path);
    chardev_close(dev);
    snprintf(spec, sizeof(spec), "unix:%s", sa.sun_path);
    refused(spec, "Cannot connect");
    refused("unix:/tmp/x,colour=red", "reconnect");
}
END_TEST

START_TEST(files_and_ptys)
{
    char path[64], spec[80], b[8] = "", *name;
    struct user u;
    struct chardev *dev;
    int fd;

    snprintf(path, sizeof(path), "/tmp/test_chardev_file.%d", (int)getpid());
    snprintf(spec, sizeof(spec), "file:%s", path);
    dev = open_dev(spec, &u);
    chardev_send(dev, (const u8 *)"text", 4);
    chardev_close(dev);
    fd = open(path, O_RDONLY);
    ck_assert_int_eq(read(fd, b, sizeof(b)), 4);
    close(fd);
    unlink(path);
    refused("file:/nonexistent/file", "Cannot write");

    dev = open_dev("pty", &u);
    name = dev->label + 4;
    fd = open(name, O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "abc", 3), 3);
    pass(50);
    ck_assert_str_eq(u.text, "abc");
    if (isatty(fd)) { /* not under every emulator of a host: the terminal then waits for whole lines */
        chardev_send(dev, (const u8 *)"xyz", 3);
        ck_assert_int_eq(read(fd, b, sizeof(b)), 3);
    }
    close(fd);
    chardev_close(dev);
}
END_TEST

/* A byte with a descriptor of /dev/null along with it. */
static void send_fd(int to)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {{0}};
    struct iovec iov = {(void *)"!", 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
                         .msg_controllen = sizeof(control.room)};
    int fd = open("/dev/null", O_RDWR);

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
    ck_assert_int_eq(sendmsg(to, &msg, 0), 1);
    close(fd);
}

START_TEST(inherited)
{
    static char big[300000];
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    char spec[32], b[8] = "";
    struct user u;
    struct chardev *dev;
    size_t got = 0;
    int ends[2], fd;

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    snprintf(spec, sizeof(spec), "fd:%d", ends[0]);
    dev = open_dev(spec, &u);
    u.u.take_fd = take_fd;
    u.u.drained = drained;
    ck_assert_int_eq(write(ends[1], "abc", 3), 3);
    send_fd(ends[1]);
    pass(50);
    ck_assert_str_eq(u.text, "abc!");
    ck_assert_int_gt(u.fd, 2);
    ck_assert(fcntl(u.fd, F_GETFD) & FD_CLOEXEC);
    close(u.fd);
    u.u.take_fd = NULL; /* nobody wants it: it is closed */
    u.fd = 0;
    send_fd(ends[1]);
    pass(20);
    ck_assert_int_eq(u.fd, 0);
    ck_assert_str_eq(u.text, "abc!!");
    /* more than the socket holds is kept, and it is told when all is out */
    chardev_send(dev, (const u8 *)big, sizeof(big));
    ck_assert_int_eq(u.drained, 0);
    for (int i = 0; i < 1000 && got < sizeof(big); i++) {
        ssize_t k = recv(ends[1], big, sizeof(big), MSG_DONTWAIT);

        got += k > 0 ? (size_t)k : 0;
        pass(1);
    }
    ck_assert_uint_eq(got, sizeof(big));
    ck_assert_int_gt(u.drained, 0);
    close(ends[1]);
    pass(20);
    ck_assert_int_eq(u.closed, 1);
    chardev_close(dev);

    /* one that listens */
    snprintf(sa.sun_path, sizeof(sa.sun_path), "/tmp/test_chardev.%d", (int)getpid());
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert(!bind(fd, (struct sockaddr *)&sa, sizeof(sa)) && !listen(fd, 1));
    snprintf(spec, sizeof(spec), "fd:%d", fd);
    dev = open_dev(spec, &u);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert(!connect(fd, (struct sockaddr *)&sa, sizeof(sa)));
    pass(50);
    ck_assert_int_eq(u.opened, 1);
    chardev_send(dev, (const u8 *)"hi", 2);
    ck_assert_int_eq(read(fd, b, sizeof(b)), 2);
    close(fd);
    chardev_close(dev);
    unlink(sa.sun_path);
    refused("fd:0", "number of an open socket");
    refused("fd:x", "number of an open socket");
    refused("fd:9999", "no stream socket");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("chardev");
    TCase *tc = tcase_create("chardev");
    SRunner *sr;
    int failed;

    if (!loop_init(&loop, kick, NULL, &err))
        return 1;
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, ringbuf);
    tcase_add_test(tc, datagrams);
    tcase_add_test(tc, reconnect);
    tcase_add_test(tc, files_and_ptys);
    tcase_add_test(tc, inherited);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_set_fork_status(sr, CK_NOFORK); /* the loop has a thread */
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    loop_free(&loop);
    return failed != 0;
}
