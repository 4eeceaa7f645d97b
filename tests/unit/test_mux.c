/* The Ctrl-A keys, and character devices end to end: flow control, sharing, sockets, ptys, files.
 */
#include "frontend/host/chardev.h"
#include "frontend/term/mux.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

START_TEST(keys)
{
    struct mux m = {.n = 2};

    ck_assert_int_eq(mux_key(&m, 'a'), MUX_BYTE);
    ck_assert_int_eq(mux_key(&m, 1), MUX_NONE);
    ck_assert_int_eq(mux_key(&m, 1), MUX_BYTE); /* Ctrl-A twice is Ctrl-A */
    ck_assert_int_eq(mux_key(&m, 'x'), MUX_BYTE);
    mux_key(&m, 1);
    ck_assert_int_eq(mux_key(&m, 'x'), MUX_QUIT);
    mux_key(&m, 1);
    ck_assert_int_eq(mux_key(&m, 'h'), MUX_HELP);
    mux_key(&m, 1);
    ck_assert_int_eq(mux_key(&m, 'b'), MUX_BREAK);
    ck_assert_uint_eq(m.focus, 0);
    mux_key(&m, 1);
    ck_assert_int_eq(mux_key(&m, 'c'), MUX_SWITCH);
    ck_assert_uint_eq(m.focus, 1);
    mux_key(&m, 1), mux_key(&m, 'c');
    ck_assert_uint_eq(m.focus, 0);
    mux_key(&m, 1);
    ck_assert_int_eq(mux_key(&m, 'q'), MUX_NONE); /* unknown: swallowed, and the escape is over */
    ck_assert_int_eq(mux_key(&m, 'x'), MUX_BYTE);
    m.n = 1;
    mux_key(&m, 1), mux_key(&m, 'c');
    ck_assert_uint_eq(m.focus, 0);
}
END_TEST

/* A device with a few bytes of room. */
struct sink {
    struct chr_port port;
    u8 got[65536];
    size_t n, room;
    int events[8];
    unsigned nevents;
};

static size_t sink_room(void *arg)
{
    return ((struct sink *)arg)->room;
}

static void sink_take(void *arg, const u8 *data, size_t n)
{
    struct sink *s = arg;

    ck_assert_uint_le(n, s->room);
    ck_assert_uint_le(s->n + n, sizeof(s->got));
    memcpy(s->got + s->n, data, n);
    s->n += n;
    s->room -= n;
}

static void sink_event(void *arg, int event)
{
    struct sink *s = arg;

    if (s->nevents < ARRAY_LEN(s->events))
        s->events[s->nevents++] = event;
}

static struct sink *sink_new(size_t room)
{
    struct sink *s = calloc(1, sizeof(*s));

    chr_port_init(&s->port);
    s->port.chr.can_take = sink_room;
    s->port.chr.take = sink_take;
    s->port.chr.event = sink_event;
    s->port.chr.arg = s;
    s->room = room;
    return s;
}

static void no_kick(void *arg) {}

static void spin(struct loop *loop)
{
    for (int i = 0; i < 20; i++)
        loop_wait(loop, host_now() + 1000000);
}

struct rig {
    struct loop loop;
    char dir[64], path[128];
    struct err err;
};

static void rig_init(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    strcpy(r->dir, "/tmp/dragoman-mux-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(r->dir));
    snprintf(r->path, sizeof(r->path), "%s/s", r->dir);
    ck_assert(loop_init(&r->loop, no_kick, NULL, &r->err));
}

static void rig_free(struct rig *r)
{
    loop_free(&r->loop);
    unlink(r->path);
    ck_assert_int_eq(rmdir(r->dir), 0); /* nothing else is left behind */
}

static int dial(const char *path)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    strncpy(sa.sun_path, path, sizeof(sa.sun_path) - 1);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

START_TEST(socket_flow)
{
    struct rig r;
    struct sink *s = sink_new(3);
    struct chardev *dev;
    struct stat st;
    char spec[160], buf[16];
    int fd;

    rig_init(&r);
    snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", r.path);
    dev = chardev_open(&r.loop, "c", spec, false, &r.err);
    ck_assert_msg(dev != NULL, "%s", r.err.msg);
    ck_assert_int_eq(stat(r.path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 077, 0); /* nobody else may own the guest */
    ck_assert(chr_port_connect(&s->port, dev));
    ck_assert(!chr_port_connect(&s->port, dev));    /* not shared */
    chr_write(&s->port.chr, (const u8 *)"lost", 4); /* nobody is there: dropped, no trouble */
    fd = dial(r.path);
    spin(&r.loop);
    ck_assert_int_eq(s->events[0], CHR_OPENED);
    ck_assert_int_eq(write(fd, "abcdef", 6), 6);
    spin(&r.loop);
    ck_assert_uint_eq(s->n, 3);
    s->room = 100;
    s->port.chr.ready(&s->port.chr);
    spin(&r.loop);
    ck_assert_uint_eq(s->n, 6);
    ck_assert_int_eq(memcmp(s->got, "abcdef", 6), 0);
    chr_write(&s->port.chr, (const u8 *)"hello", 5);
    ck_assert_int_eq(read(fd, buf, sizeof(buf)), 5);
    /* gone, and somebody new */
    close(fd);
    spin(&r.loop);
    ck_assert_int_eq(s->events[1], CHR_CLOSED);
    fd = dial(r.path);
    spin(&r.loop);
    ck_assert_int_eq(s->events[2], CHR_OPENED);
    ck_assert_int_eq(write(fd, "!", 1), 1);
    spin(&r.loop);
    ck_assert_uint_eq(s->got[6], '!');
    close(fd);
    chardev_close(dev);
    rig_free(&r);
    free(s);
}
END_TEST

/* A reader that never reads must not stop the machine, and what fits in a megabyte is kept for it.
 */
START_TEST(slow_reader)
{
    struct rig r;
    struct sink *s = sink_new(0);
    struct chardev *dev;
    char spec[160];
    u8 block[4096];
    u64 start;
    int fd;

    rig_init(&r);
    memset(block, 'x', sizeof(block));
    snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", r.path);
    dev = chardev_open(&r.loop, "c", spec, false, &r.err);
    chr_port_connect(&s->port, dev);
    fd = dial(r.path);
    spin(&r.loop);
    start = host_now();
    for (int i = 0; i < 1000; i++)
        chr_write(&s->port.chr, block, sizeof(block));
    ck_assert_uint_lt(host_now() - start, 2000000000ull);
    ck_assert_uint_gt(dev->dropped, 0);
    ck_assert_uint_gt(dev->olen, 500000);
    close(fd);
    spin(&r.loop);
    chardev_close(dev);
    rig_free(&r);
    free(s);
}
END_TEST

static void set_quit(void *arg)
{
    *(bool *)arg = true;
}

START_TEST(shared)
{
    struct rig r;
    struct sink *a = sink_new(1000), *b = sink_new(1000);
    struct chardev *dev;
    char spec[160], buf[1024];
    bool quit = false;
    ssize_t n;
    int fd;

    rig_init(&r);
    snprintf(spec, sizeof(spec), "unix:%s,server=on,wait=off", r.path);
    dev = chardev_open(&r.loop, "c", spec, true, &r.err);
    dev->hooks = (struct chardev_hooks){&quit, set_quit, NULL};
    ck_assert(chr_port_connect(&a->port, dev));
    ck_assert(chr_port_connect(&b->port, dev));
    fd = dial(r.path);
    spin(&r.loop);
    ck_assert_int_eq(write(fd,
                           "1\x01"
                           "c2\x01\x01\x01"
                           "b\x01"
                           "c3\x01h",
                           13),
                     13);
    spin(&r.loop);
    ck_assert_uint_eq(a->n, 2);
    ck_assert_int_eq(memcmp(a->got, "13", 2), 0);
    ck_assert_uint_eq(b->n, 2);
    ck_assert_int_eq(memcmp(b->got, "2\x01", 2), 0);
    ck_assert_int_eq(b->events[b->nevents - 1], CHR_BREAK);
    n = read(fd, buf, sizeof(buf) - 1);
    ck_assert_int_gt(n, 20);
    buf[n] = 0;
    ck_assert_ptr_nonnull(strstr(buf, "Ctrl-A x"));
    ck_assert(!quit);
    /* the keys work although the device does not listen */
    a->room = 0;
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(write(fd, memset(buf, 'z', 1000), 1000), 1000);
    ck_assert_int_eq(write(fd, buf, 1000), 1000);
    ck_assert_int_eq(write(fd, buf, 1000), 1000);
    ck_assert_int_eq(write(fd, "\x01x", 2), 2);
    spin(&r.loop);
    ck_assert(quit);
    close(fd);
    chardev_close(dev);
    rig_free(&r);
    free(a);
    free(b);
}
END_TEST

START_TEST(file_and_pty)
{
    struct rig r;
    struct sink *s = sink_new(100), *p = sink_new(100);
    struct chardev *dev;
    char spec[160], buf[64];
    int fd;

    rig_init(&r);
    snprintf(spec, sizeof(spec), "file:%s", r.path);
    dev = chardev_open(&r.loop, "f", spec, false, &r.err);
    chr_port_connect(&s->port, dev);
    chr_write(&s->port.chr, (const u8 *)"line\n", 5);
    fd = open(r.path, O_RDONLY);
    ck_assert_int_eq(read(fd, buf, sizeof(buf)), 5); /* at once, so that a crash loses nothing */
    close(fd);
    chardev_close(dev);
    dev = chardev_open(&r.loop, "p", "pty", false, &r.err);
    ck_assert_ptr_nonnull(dev);
    chr_port_connect(&p->port, dev);
    fd = open(dev->label + 4, O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "key\r", 4), 4);
    spin(&r.loop);
    ck_assert_uint_eq(p->n, 4);
    if (isatty(fd)) { /* not under every emulator of a host: the terminal then waits for whole lines */
        chr_write(&p->port.chr, (const u8 *)"out", 3);
        ck_assert_int_eq(read(fd, buf, sizeof(buf)), 3);
    }
    close(fd);
    chardev_close(dev);
    rig_free(&r);
    free(s);
    free(p);
}
END_TEST

START_TEST(refused)
{
    static const char *const specs[][2] = {{"file:/nonexistent/x", "/nonexistent/x"},
                                           {"unix:/nonexistent/x", "server=on"},
                                           {"tcp:10.0.0.1:99,server=on", "127.0.0.1"},
                                           {"tcp:127.0.0.1:0,server=on", "port"},
                                           {"tcp:nothing", "port"},
                                           {"unix:/tmp/x,sever=on", "sever"},
                                           {"pipe:/nonexistent/p", "mkfifo"},
                                           {"smoke", "'smoke'"}};
    struct rig r;

    rig_init(&r);
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        ck_assert_ptr_null(chardev_open(&r.loop, "x", specs[i][0], false, &r.err));
        ck_assert_msg(strstr(r.err.msg, specs[i][1]), "%s: %s", specs[i][0], r.err.msg);
    }
    rig_free(&r);
}
END_TEST

static u32 kicks;

static void count_kick(void *arg)
{
    __atomic_fetch_add(&kicks, 1, __ATOMIC_SEQ_CST);
}

static void ignore(void *arg, short revents) {}

static bool kicked_within(u64 ns, u32 from)
{
    u64 end = host_now() + ns;

    while (host_now() < end) {
        if (__atomic_load_n(&kicks, __ATOMIC_SEQ_CST) != from)
            return true;
        usleep(100);
    }
    return false;
}

/* The helper thread interrupts a busy CPU for deadlines and descriptors, again if the first kick
 * was lost, and only then. */
START_TEST(kicker)
{
    struct loop loop;
    struct loop_src src;
    struct err err;
    int fds[2];
    u32 n;

    ck_assert(loop_init(&loop, count_kick, NULL, &err));
    loop_arm(&loop, host_now() + 5000000);
    ck_assert(kicked_within(1000000000, 0));
    n = kicks;
    ck_assert(kicked_within(1000000000, n)); /* repeated */
    loop_disarm(&loop);
    usleep(3000);
    n = kicks;
    ck_assert(!kicked_within(20000000, n));
    loop_arm(&loop, LOOP_NEVER);
    ck_assert(!kicked_within(20000000, n));
    loop_sooner(&loop, host_now() + 1000000);
    ck_assert(kicked_within(1000000000, n));
    loop_disarm(&loop);
    usleep(3000);
    n = kicks;
    ck_assert_int_eq(pipe(fds), 0);
    src = (struct loop_src){fds[0], POLLIN, ignore, NULL};
    loop_add(&loop, &src);
    loop_arm(&loop, LOOP_NEVER);
    ck_assert(!kicked_within(20000000, n));
    ck_assert_int_eq(write(fds[1], "x", 1), 1);
    ck_assert(kicked_within(1000000000, n));
    loop_disarm(&loop);
    loop_remove(&loop, &src);
    loop_free(&loop);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mux");
    TCase *tc = tcase_create("mux");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, keys);
    tcase_add_test(tc, socket_flow);
    tcase_add_test(tc, slow_reader);
    tcase_add_test(tc, shared);
    tcase_add_test(tc, file_and_pty);
    tcase_add_test(tc, refused);
    tcase_add_test(tc, kicker);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
