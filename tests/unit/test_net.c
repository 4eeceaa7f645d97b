/* Networks of the host without a machine: limits, queues, hubs, sockets with their framing, capture
 * files, and libslirp's DHCP, ARP, TFTP and forwarding; bad settings and bad bytes. */
#define _GNU_SOURCE
#include "frontend/net/netdev.h"
#include "frontend/net/pcap.h"
#include "frontend/net/slirp.h"
#include "devices/core/bits.h"
#include "devices/net/nic.h"

#include <arpa/inet.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { KEPT = 300 };

/* An adapter that keeps what it gets, on a network of its own. */
struct end {
    struct netdev *d;
    bool full;
    unsigned got;
    size_t len[KEPT];
    u8 frame[KEPT][1600];
};

static struct loop loop;
static struct clock clk;
static struct netdevs all;
static u64 now;
static unsigned kicks;
static struct opt_netdev settings[8];
static unsigned nsettings;
static char dir[64];

static u64 read_clock(void *arg)
{
    return now;
}
static void kick(void *arg)
{
    kicks++;
}

static void setup(void)
{
    struct err err;

    now = 0, nsettings = 0;
    clock_init(&clk, read_clock, NULL);
    ck_assert(loop_init(&loop, kick, NULL, &err));
    netdevs_init(&all, &loop, &clk, NULL);
    strcpy(dir, "/tmp/test_net.XXXXXX");
    ck_assert(mkdtemp(dir) != NULL);
}

static void teardown(void)
{
    char cmd[100];

    netdevs_close(&all);
    loop_free(&loop);
    clock_free(&clk);
    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

static bool open_net(const char *kind, const char *id, const char *props, struct err *err)
{
    struct opt_netdev *o = &settings[nsettings++ % ARRAY_LEN(settings)];

    memset(o, 0, sizeof(*o));
    snprintf(o->kind, sizeof(o->kind), "%s", kind);
    snprintf(o->id, sizeof(o->id), "%s", id);
    snprintf(o->props, sizeof(o->props), "%s", props);
    return netdev_open(&all, o, err);
}

static bool end_can_take(void *arg)
{
    return !((struct end *)arg)->full;
}

static void end_take(void *arg, const u8 *frame, size_t n)
{
    struct end *e = arg;

    ck_assert_uint_eq(all.sending, 0); /* never inside somebody's send */
    ck_assert_uint_lt(e->got, KEPT);
    memcpy(e->frame[e->got], frame, MIN(n, sizeof(e->frame[0])));
    e->len[e->got++] = n;
}

static struct end *end_new(const char *id)
{
    struct end *e = calloc(1, sizeof(*e));

    e->d = netdev_find(&all, id);
    ck_assert(e->d != NULL);
    e->d->net.arg = e;
    e->d->net.can_take = end_can_take;
    e->d->net.take = end_take;
    return e;
}

static struct end *net_new(const char *kind, const char *id, const char *props)
{
    struct err err = {""};

    ck_assert_msg(open_net(kind, id, props, &err), "%s: %s", props, err.msg);
    return end_new(id);
}

static void send_frame(struct end *e, const void *frame, size_t n)
{
    e->d->net.ops->send(&e->d->net, frame, n);
}

/* Let the loop run for a while, or until the end has got `n`. */
static void settle(struct end *e, unsigned n)
{
    for (unsigned i = 0; i < 200 && (!e || e->got < n); i++) {
        loop_wait(&loop, host_now() + 5000000);
        now += 5000000;
        clock_run(&clk);
    }
}

static const u8 some[60] =
    "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56\x88\xb5 some bytes of a frame";

START_TEST(buckets)
{
    struct bucket b;
    u64 when;

    bucket_init(&b, 1000, 0, 500, 0);
    ck_assert(bucket_limits(&b));
    ck_assert(bucket_open(&b, 0, &when));
    bucket_take(&b, 1500); /* a debt of 1000 bytes: a second */
    ck_assert(!bucket_open(&b, 1, &when));
    ck_assert_uint_ge(when, 1000000000ull);
    ck_assert_uint_le(when, 1000000010ull);
    ck_assert(!bucket_open(&b, when - 100, &when));
    ck_assert(bucket_open(&b, when, &when));
    /* rests do not add up beyond the burst */
    ck_assert(bucket_open(&b, 1ull << 60, &when));
    ck_assert_int_eq(b.bytes, 500ll * 1000000000);
    bucket_init(&b, 0, 10, 0, 0);
    bucket_take(&b, 1), bucket_take(&b, 1);
    ck_assert(!bucket_open(&b, 0, &when));
    ck_assert_uint_eq(when, 100000001);
    bucket_init(&b, 0, 0, 0, 0);
    ck_assert(!bucket_limits(&b));
}
END_TEST

START_TEST(hub_and_queues)
{
    struct end *a = net_new("hubport", "a", "hubid=1"), *b = net_new("hubport", "b", "hubid=1"),
               *c = net_new("hubport", "c", "hubid=2");
    struct err err;
    u8 f[60];

    send_frame(a, some, 60);
    ck_assert_uint_eq(b->got, 0); /* not inside the send */
    ck_assert_uint_gt(kicks, 0);
    loop_dispatch(&loop);
    ck_assert_uint_eq(b->got, 1);
    ck_assert_mem_eq(b->frame[0], some, 60);
    ck_assert_uint_eq(a->got + c->got, 0);
    /* what is not taken waits in order, and comes when there is room */
    b->full = true;
    memcpy(f, some, 60);
    for (unsigned i = 0; i < 100; i++)
        f[20] = (u8)i, send_frame(a, f, 60);
    settle(NULL, 0);
    ck_assert_uint_eq(b->got, 1);
    ck_assert_uint_eq(b->d->in.frames, 100);
    b->full = false;
    b->d->net.ready(&b->d->net);
    loop_dispatch(&loop);
    ck_assert_uint_eq(b->got, 101);
    for (unsigned i = 0; i < 100; i++)
        ck_assert_uint_eq(b->frame[i + 1][20], i);
    /* not without end */
    b->full = true;
    for (unsigned i = 0; i < 5000; i++)
        send_frame(a, f, 60);
    ck_assert_uint_eq(b->d->in.frames, 4096);
    ck_assert_uint_eq(b->d->dropped, 904);
    ck_assert(!netdev_room(b->d));
    send_frame(a, f, 5); /* no frame */
    ck_assert(netdev_join(a->d, "x", &err));
    ck_assert(!netdev_join(a->d, "y", &err));
    free(a), free(b), free(c);
}
END_TEST

START_TEST(limits)
{
    struct end *a = net_new("hubport", "a", "hubid=0"),
               *b = net_new("hubport", "b", "hubid=0,rate-in=6000,burst=60"),
               *c = net_new("hubport", "c", "hubid=3,frames-out=10"),
               *e = net_new("hubport", "e", "hubid=3");
    u64 start;

    for (unsigned i = 0; i < 20; i++)
        send_frame(a, some, 60);
    loop_dispatch(&loop);
    start = now;
    while (b->got < 20 && now < 2000000000ull) {
        now += 1000000;
        clock_run(&clk);
        loop_dispatch(&loop);
    }
    /* 1200 bytes at 6000 a second */
    ck_assert_uint_ge(now - start, 170000000ull);
    ck_assert_uint_le(now - start, 230000000ull);
    start = now;
    for (unsigned i = 0; i < 11; i++)
        send_frame(c, some, 60);
    while (e->got < 11 && now - start < 3000000000ull) {
        now += 1000000;
        clock_run(&clk);
        loop_dispatch(&loop);
    }
    ck_assert_uint_ge(now - start, 850000000ull);
    ck_assert_uint_le(now - start, 1150000000ull);
    free(a), free(b), free(c), free(e);
}
END_TEST

/* Two ends that see one another, in both directions and with many frames. */
static void pair(struct end *a, struct end *b)
{
    u8 f[1514];

    memcpy(f, some, 60);
    for (size_t i = 60; i < sizeof(f); i++)
        f[i] = (u8)i;
    for (unsigned i = 0; i < 20; i++) /* until they have met */
        loop_wait(&loop, host_now() + 2000000);
    for (unsigned i = 0; i < 40; i++) {
        f[20] = (u8)i;
        send_frame(a, f, 60 + i * 37);
        if (i % 5 == 4) /* the host keeps ten datagrams of a Unix socket */
            loop_wait(&loop, host_now() + 1000000);
    }
    settle(b, 40);
    ck_assert_uint_eq(b->got, 40);
    for (unsigned i = 0; i < 40; i++) {
        ck_assert_uint_eq(b->len[i], 60 + i * 37);
        ck_assert_uint_eq(b->frame[i][20], i);
    }
    send_frame(b, some, 60);
    settle(a, 1);
    ck_assert_uint_eq(a->got, 1);
    ck_assert_mem_eq(a->frame[0], some, 60);
    free(a), free(b);
}

START_TEST(stream_unix)
{
    char server[200], client[200];
    struct end *a, *b;

    snprintf(server, sizeof(server), "server=on,addr.type=unix,addr.path=%s/s", dir);
    snprintf(client, sizeof(client), "server=off,addr.type=unix,addr.path=%s/s,reconnect=1", dir);
    b = net_new("stream", "b", client); /* nobody is there yet */
    a = net_new("stream", "a", server);
    settle(NULL, 0);
    pair(a, b);
}
END_TEST

static void free_port(char *to, size_t size)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert(!bind(fd, (struct sockaddr *)&sa, len) &&
              !getsockname(fd, (struct sockaddr *)&sa, &len));
    close(fd);
    snprintf(to, size, "%u", ntohs(sa.sin_port));
}

START_TEST(socket_tcp)
{
    char port[16], listen_at[64], connect_to[64];
    struct end *a;

    free_port(port, sizeof(port));
    snprintf(listen_at, sizeof(listen_at), "listen=:%s", port);
    snprintf(connect_to, sizeof(connect_to), "connect=127.0.0.1:%s", port);
    a = net_new("socket", "a", listen_at);
    pair(a, net_new("socket", "b", connect_to));
}
END_TEST

START_TEST(dgram_both)
{
    char p1[16], p2[16], one[300], two[300];
    struct end *a;

    free_port(p1, sizeof(p1)), free_port(p2, sizeof(p2));
    snprintf(one, sizeof(one), "udp=127.0.0.1:%s,localaddr=127.0.0.1:%s", p1, p2);
    snprintf(two, sizeof(two),
             "local.type=inet,local.port=%s,remote.type=inet,remote.host=127.0.0.1,remote.port=%s",
             p1, p2);
    a = net_new("socket", "a", one);
    pair(a, net_new("dgram", "b", two));
    snprintf(one, sizeof(one), "local.type=unix,local.path=%s/1,remote.type=unix,remote.path=%s/2",
             dir, dir);
    snprintf(two, sizeof(two), "local.type=unix,local.path=%s/2,remote.type=unix,remote.path=%s/1",
             dir, dir);
    a = net_new("dgram", "c", one);
    pair(a, net_new("dgram", "d", two));
}
END_TEST

/* A peer that sends nonsense is cut off; bytes that come one by one are put together. */
START_TEST(stream_framing)
{
    int fds[2];
    char props[64];
    struct end *a;
    u8 msg[64] = {0, 0, 0, 60};

    ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    snprintf(props, sizeof(props), "addr.type=fd,addr.str=%d", fds[0]);
    a = net_new("stream", "a", props);
    memcpy(msg + 4, some, 60);
    for (unsigned i = 0; i < 64; i++) {
        ck_assert_int_eq(write(fds[1], msg + i, 1), 1);
        loop_wait(&loop, host_now() + 1000000);
    }
    ck_assert_uint_eq(a->got, 1);
    ck_assert_mem_eq(a->frame[0], some, 60);
    /* the queue is full: it stops reading, and goes on later */
    a->full = true;
    for (unsigned i = 0; i < 6000; i++) {
        if (send(fds[1], msg, 64, MSG_DONTWAIT) != 64)
            break;
        loop_wait(&loop, host_now());
    }
    ck_assert_uint_eq(a->d->dropped, 0);
    ck_assert_uint_ge(a->d->in.frames, 2048);
    ck_assert(!netdev_room(a->d));
    a->d->net.take = NULL;
    netdevs_close(&all);
    ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    snprintf(props, sizeof(props), "fd=%d", fds[0]);
    free(a);
    a = net_new("socket", "b", props);
    ck_assert_int_eq(write(fds[1], "\xff\xff\xff\xff", 4), 4);
    settle(NULL, 0);
    ck_assert_int_eq(recv(fds[1], msg, 1, MSG_DONTWAIT), 0);
    send_frame(a, some, 60);
    free(a);
}
END_TEST

START_TEST(capture)
{
    char path[100];
    struct end *a = net_new("hubport", "a", "hubid=0");
    struct err err;
    u8 b[200];
    FILE *f;

    snprintf(path, sizeof(path), "%s/dump", dir);
    a->d->dump[0] = pcap_open(path, 32, 1700000000ull * 1000000000, &err);
    ck_assert(a->d->dump[0] != NULL);
    now = 1500000000;
    send_frame(a, some, 60);
    netdev_deliver(a->d, some, 20);
    f = fopen(path, "rb");
    ck_assert_uint_eq(fread(b, 1, sizeof(b), f), 24 + 16 + 32 + 16 + 20);
    fclose(f);
    ck_assert_uint_eq(*(u32 *)(void *)b, 0xa1b2c3d4);
    ck_assert_uint_eq(((u32 *)(void *)b)[5], 1);
    ck_assert_uint_eq(((u32 *)(void *)b)[6], 1700000001);
    ck_assert_uint_eq(((u32 *)(void *)b)[7], 500000);
    ck_assert_uint_eq(((u32 *)(void *)b)[8], 32);
    ck_assert_uint_eq(((u32 *)(void *)b)[9], 60);
    ck_assert(!pcap_open("/nonexistent/x", 1, 0, &err));
    free(a);
}
END_TEST

START_TEST(bad_settings)
{
    static const char *const rows[][3] = {
        {"warp", "", "'warp'"},
        {"stream", "", "addr.type"},
        {"stream", "addr.type=warp", "'warp'"},
        {"stream", "addr.type=unix", "path"},
        {"stream", "addr.type=inet,addr.host=10.1.1.1,addr.port=1", "this host only"},
        {"stream", "addr.type=inet,addr.port=0", "port"},
        {"stream", "addr.type=inet,addr.port=70000", "port"},
        {"stream", "addr.type=unix,addr.path=/nonexistent/x", "cannot connect"},
        {"stream", "server=on,addr.type=unix,addr.path=/nonexistent/x", "cannot listen"},
        {"stream", "server=on,reconnect=1,addr.type=unix,addr.path=/nonexistent/x", "reconnect"},
        {"stream", "server=maybe", "server"},
        {"stream", "addr.type=fd,addr.str=x", "number"},
        {"stream", "addr.type=fd,addr.str=999", "no socket"},
        {"socket", "", "one of"},
        {"socket", "listen=:1,connect=:2", "one of"},
        {"socket", "listen=8.8.8.8:1", "this host only"},
        {"socket", "listen=1", "host:port"},
        {"socket", "udp=:1000", "localaddr"},
        {"socket", "fd=999", "not open"},
        {"dgram", "", "local.type"},
        {"dgram", "local.type=unix,local.path=/nonexistent/x,remote.type=inet,remote.port=1",
         "same kind"},
        {"dgram", "local.type=unix,local.path=/nonexistent/x,remote.type=unix,remote.path=/y",
         "cannot use"},
        {"tap", "script=/etc/x", "scripts"},
        {"tap", "fd=999", "999"},
        {"tap", "ifname=averyveryverylongname", "longer"},
        {"tap", "ifname=no/such", "cannot be used"},
        {"hubport", "hubid=x", "hubid"},
        {"hubport", "hubid=0,netdev=nobody", "'nobody'"},
        {"hubport", "hubid=0,rate-in=x", "rate-in"},
#ifdef CONFIG_SLIRP
        {"user", "net=10.0.2.0/33", "net is"},
        {"user", "net=10.0.2.0/255.0.255.0", "net is"},
        {"user", "net=x", "net is"},
        {"user", "host=1.2.3.4", "within"},
        {"user", "dns=10.0.2.2", "different"},
        {"user", "dhcpstart=x", "dhcpstart"},
        {"user", "restrict=x", "restrict"},
        {"user", "ipv4=off,ipv6=off", "one of"},
        {"user", "ipv6-net=x", "ipv6-net"},
        {"user", "ipv6-host=x", "ipv6-host"},
        {"user", "tftp=/nonexistent", "tftp"},
        {"user", "hostfwd=x", "hostfwd is"},
        {"user", "hostfwd=tcp::x-:1", "hostfwd is"},
        {"user", "hostfwd=sctp::1-:1", "hostfwd is"},
        {"user", "hostfwd=tcp:1.2.3:1-:1", "hostfwd is"},
        {"user", "hostfwd=tcp::1-:70000", "hostfwd is"},
        {"user", "hostfwd=tcp:203.0.113.1:1234-:1", "cannot be forwarded"},
        {"user", "guestfwd=x", "guestfwd is"},
        {"user", "guestfwd=tcp:1.2.3.4:80-unix:/x", "guestfwd"},
#endif
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct err err = {""};

        ck_assert_msg(!open_net(rows[i][0], "x", rows[i][1], &err), "'%s,%s' was accepted",
                      rows[i][0], rows[i][1]);
        ck_assert_msg(strstr(err.msg, rows[i][2]), "'%s,%s': '%s'", rows[i][0], rows[i][1],
                      err.msg);
        netdevs_close(&all);
    }
}
END_TEST

#ifdef CONFIG_SLIRP

/* ---- user networking: a guest by hand ---- */

static void be(u8 *p, unsigned v)
{
    p[0] = (u8)(v >> 8), p[1] = (u8)v;
}

/* UDP from the guest's `port`, behind Ethernet and IPv4 headers. */
static void udp(struct end *e, const char *from, const char *to, unsigned sport, unsigned dport,
                const void *data, size_t n)
{
    u8 f[1500] = "\x52\x55\x0a\x00\x02\x02\x52\x54\x00\x12\x34\x56\x08\x00\x45";

    f[22] = 64, f[23] = 17;
    be(f + 16, (unsigned)(28 + n));
    inet_pton(AF_INET, from, f + 26), inet_pton(AF_INET, to, f + 30);
    be(f + 24, (u16)~nic_sum(0, f + 14, 20));
    be(f + 34, sport), be(f + 36, dport), be(f + 38, (unsigned)(8 + n));
    memcpy(f + 42, data, n);
    send_frame(e, f, MAX(42 + n, 60u));
}

/* The frame that the guest got which has UDP to that port, or NULL. */
static const u8 *got_udp(const struct end *e, unsigned port)
{
    for (unsigned i = 0; i < e->got; i++) {
        const u8 *f = e->frame[i];

        if (f[12] == 8 && !f[13] && f[23] == 17 && (unsigned)(f[36] << 8 | f[37]) == port)
            return f;
    }
    return NULL;
}

static void arp(struct end *e, const char *ip)
{
    u8 f[60] =
        "\xff\xff\xff\xff\xff\xff\x52\x54\x00\x12\x34\x56\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01"
        "\x52\x54\x00\x12\x34\x56\x0a\x00\x02\x0f";

    inet_pton(AF_INET, ip, f + 38);
    send_frame(e, f, 60);
}

START_TEST(user_dhcp_arp_tftp)
{
    u8 dhcp[300] = {1, 1, 6, 0, 1, 2, 3, 4};
    char props[300], path[100];
    const u8 *f;
    struct end *e;
    FILE *file;

    snprintf(path, sizeof(path), "%s/boot.0", dir);
    file = fopen(path, "w");
    fputs("a file by TFTP", file);
    fclose(file);
    snprintf(props, sizeof(props),
             "tftp=%s,bootfile=/boot.0,dhcpstart=10.0.2.20,hostname=guest,domainname=example.org,"
             "dnssearch=example.org,dnssearch=example.com",
             dir);
    e = net_new("user", "u", props);
    memcpy(dhcp + 28, "\x52\x54\x00\x12\x34\x56", 6);
    memcpy(dhcp + 236, "\x63\x82\x53\x63\x35\x01\x01\xff", 8);
    udp(e, "0.0.0.0", "255.255.255.255", 68, 67, dhcp, sizeof(dhcp));
    settle(e, 1);
    f = got_udp(e, 68);
    ck_assert_msg(f != NULL, "no answer by DHCP among %u frames", e->got);
    ck_assert_mem_eq(f + 42 + 16, "\x0a\x00\x02\x14", 4);
    ck_assert_str_eq((const char *)f + 42 + 108, "/boot.0");
    ck_assert_msg(memmem(f + 42, e->len[0] - 42, "guest", 5) != NULL, "no host name");
    e->got = 0;
    arp(e, "10.0.2.2");
    settle(e, 1);
    ck_assert_uint_eq(e->got, 1);
    ck_assert_mem_eq(e->frame[0] + 28, "\x0a\x00\x02\x02", 4);
    e->got = 0;
    udp(e, "10.0.2.15", "10.0.2.2", 3000, 69, "\0\1boot.0\0octet\0", 15);
    settle(e, 1);
    f = got_udp(e, 3000);
    ck_assert(f != NULL);
    ck_assert_mem_eq(f + 42, "\0\3\0\1a file by TFTP", 18);
    e->got = 0;
    udp(e, "10.0.2.15", "10.0.2.2", 3001, 69, "\0\1../../etc/passwd\0octet\0", 25);
    settle(e, 1);
    f = got_udp(e, 3001);
    ck_assert(f != NULL && f[43] == 5); /* an error */
    free(e);
}
END_TEST

/* UDP through the translator to a socket of this host and back, and from the host through a
 * forwarded port. */
START_TEST(user_udp)
{
    struct sockaddr_in sa = {.sin_family = AF_INET}, peer;
    socklen_t len = sizeof(sa);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    char rule[64], port[16], props[100], buf[16];
    struct err err = {""};
    struct end *e;
    char *text;

    free_port(port, sizeof(port));
    snprintf(props, sizeof(props), "hostfwd=udp::%s-10.0.2.15:7", port);
    e = net_new("user", "u", props);
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert(!bind(fd, (struct sockaddr *)&sa, len) &&
              !getsockname(fd, (struct sockaddr *)&sa, &len));
    arp(e, "10.0.2.2");
    udp(e, "10.0.2.15", "10.0.2.2", 4000, ntohs(sa.sin_port), "hello", 5);
    settle(NULL, 0);
    len = sizeof(peer);
    ck_assert_int_eq(recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&peer, &len),
                     5);
    ck_assert_int_eq(sendto(fd, "there", 5, 0, (struct sockaddr *)&peer, len), 5);
    settle(NULL, 0);
    ck_assert(got_udp(e, 4000) != NULL);
    ck_assert_mem_eq(got_udp(e, 4000) + 42, "there", 5);
    peer.sin_port = htons((u16)atoi(port));
    peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(sendto(fd, "echo?", 5, 0, (struct sockaddr *)&peer, sizeof(peer)), 5);
    settle(NULL, 0);
    ck_assert(got_udp(e, 7) != NULL);
    text = slirp_connections(e->d);
    ck_assert(strstr(text, "HOST_FORWARD") != NULL);
    free(text);
    snprintf(rule, sizeof(rule), "udp::%s", port);
    ck_assert_msg(slirp_unforward(e->d, rule, &err), "%s", err.msg);
    ck_assert(!slirp_unforward(e->d, rule, &err));
    ck_assert(!slirp_unforward(e->d, "x", &err));
    close(fd);
    free(e);
}
END_TEST

/* Whatever a guest sends, the host stays: random frames with plausible heads. */
START_TEST(user_hostile)
{
    struct end *e = net_new("user", "u", "restrict=on");
    u64 seed = 7;
    u8 f[600];

    for (unsigned i = 0; i < 20000; i++) {
        size_t n = 14 + (seed >> 40) % 580;

        for (size_t k = 0; k < n; k++) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            f[k] = (u8)(seed >> 56);
        }
        memcpy(f + 12,
               seed & 0x100   ? "\x08\x00\x45"
               : seed & 0x200 ? "\x86\xdd\x60"
                              : "\x08\x06\x00",
               3);
        if (f[12] == 8 && !f[13] && n > 34)
            be(f + 16, (unsigned)(n - 14)), be(f + 20, 0), be(f + 24, 0),
                be(f + 24, (u16)~nic_sum(0, f + 14, 20));
        send_frame(e, f, n);
        e->got = 0;
        if (i % 64 == 0)
            loop_dispatch(&loop);
        e->got = 0;
    }
    free(e);
}
END_TEST
#endif

/* The host does not make the guest's timers late to save power: 50 us are a fifth of what an adapter
 * waits between interrupts. */
START_TEST(wakes_in_time)
{
#ifdef PR_GET_TIMERSLACK
    ck_assert_int_le(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 1000);
#endif
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        wakes_in_time,
        buckets,
        hub_and_queues,
        limits,
        stream_unix,
        socket_tcp,
        dgram_both,
        stream_framing,
        capture,
        bad_settings,
#ifdef CONFIG_SLIRP
        user_dhcp_arp_tftp,
        user_udp,
        user_hostile,
#endif
    };
    Suite *suite = suite_create("net");
    TCase *tc = tcase_create("net");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
