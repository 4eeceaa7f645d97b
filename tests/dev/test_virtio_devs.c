/* virtio devices behind the transport by what the specification says of each: disk, balloon, serial
 * ports, shared folder (VIRTIO 1.1, chapter 5). */
#include "devices/virtio/balloon.h"
#include "devices/virtio/blk.h"
#include "devices/virtio/console.h"
#include "devices/virtio/p9.h"
#include "tests/dev/memblk.h"
#include "tests/dev/vdriver.h"

struct set {
    struct rig rig;
    struct region ram;
    struct vdriver d;
    struct plug plug;
};

static void setup(struct set *s)
{
    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    vd_bus(&s->d, &s->rig);
    s->plug = vd_plug(&s->d);
}

static void ram_put(struct set *s, u64 addr, const void *p, size_t n)
{
    bus_copy(&s->rig.mem, addr, (void *)(uintptr_t)p, n, true);
}

static void ram_get(struct set *s, u64 addr, void *p, size_t n)
{
    bus_copy(&s->rig.mem, addr, p, n, false);
}

/* ---- disk ---- */

enum { HDR = 0x80000, DATA = 0x81000, STATUS = 0x80800 };

struct disk {
    struct set s;
    struct memblk *m;
    struct virtio_blk *b;
};

static void disk_setup(struct disk *k, u64 features)
{
    setup(&k->s);
    k->m = memblk_new(&k->s.rig.clock, 1 << 20, 512);
    k->s.plug.blk = &k->m->blk;
    k->b = rig_new(&k->s.rig, &virtio_blk_class, "blk");
    ck_assert(prop_set(virtio_blk_class.props, k->b, "serial", "SERIAL7", NULL));
    virtio_blk_plug(&k->b->v.dev, &k->s.plug, NULL);
    rig_start(k->b);
    vd_begin(&k->s.d, features, 1);
}

static void disk_teardown(struct disk *k)
{
    rig_free(&k->s.rig);
    free(k->m->data);
    free(k->m);
}

/* A request with its header at HDR + 16 n; status at STATUS + n, 0xee until it has an answer. */
static void request(struct disk *k, unsigned n, u32 type, u64 sector, u64 data, u32 len, bool write)
{
    struct vd_buf b[3] = {{HDR + 16 * n, 16, false}, {data, len, write}, {STATUS + n, 1, true}};
    u8 h[16] = {0}, no = 0xee;

    st32(h, type);
    st64(h + 8, sector);
    ram_put(&k->s, HDR + 16 * n, h, 16);
    ram_put(&k->s, STATUS + n, &no, 1);
    if (!len)
        b[1] = b[2];
    vd_send(&k->s.d, 0, b, len ? 3 : 2);
}

static u8 status(struct disk *k, unsigned n)
{
    rig_pass(&k->s.rig, 1000000);
    return (u8)bus_read(&k->s.rig.mem, STATUS + n, 1);
}

START_TEST(disk_reads_and_writes)
{
    struct disk k;
    u8 buf[1024], text[512];
    u32 len;

    disk_setup(&k, ~0ull);
    ck_assert_uint_eq(vd_get(&k.s.d, 0x2000, 4), 2048);
    ck_assert_uint_eq(vd_get(&k.s.d, 0x2014, 4), 512);
    request(&k, 0, 0, 3, DATA, 1024, true);
    ck_assert_uint_eq(bus_read(&k.s.rig.mem, STATUS, 1), 0xee);
    ck_assert_uint_eq(status(&k, 0), 0);
    ck_assert(vd_done(&k.s.d, 0, NULL, &len));
    ck_assert_uint_eq(len, 1025);
    ram_get(&k.s, DATA, buf, sizeof(buf));
    ck_assert_mem_eq(buf, k.m->data + 3 * 512, sizeof(buf));
    memset(text, 0x5a, sizeof(text));
    ram_put(&k.s, DATA, text, sizeof(text));
    request(&k, 1, 1, 9, DATA, 512, false);
    ck_assert_uint_eq(status(&k, 1), 0);
    ck_assert(vd_done(&k.s.d, 0, NULL, &len));
    ck_assert_uint_eq(len, 1);
    ck_assert_mem_eq(k.m->data + 9 * 512, text, sizeof(text));
    ck_assert_uint_eq(k.m->flushes, 0);
    request(&k, 2, 4, 0, 0, 0, false);
    ck_assert_uint_eq(status(&k, 2), 0);
    ck_assert_uint_eq(k.m->flushes, 1);
    request(&k, 3, 8, 0, DATA, 20, true);
    ck_assert_uint_eq(status(&k, 3), 0);
    ram_get(&k.s, DATA, buf, 20);
    ck_assert_str_eq((char *)buf, "SERIAL7");
    disk_teardown(&k);
}
END_TEST

START_TEST(disk_ranges)
{
    struct disk k;
    u8 r[32] = {0};

    disk_setup(&k, ~0ull);
    st64(r, 8), st32(r + 8, 2), st32(r + 12, 1);
    st64(r + 16, 20), st32(r + 24, 600);
    ram_put(&k.s, DATA, r, 32);
    request(&k, 0, 13, 0, DATA, 32, false);
    ck_assert_uint_eq(status(&k, 0), 0);
    ck_assert_uint_eq(k.m->data[8 * 512 + 5], 0);
    ck_assert_uint_eq(k.m->data[10 * 512 - 1], 0);
    ck_assert_uint_ne(k.m->data[10 * 512 + 5], 0);
    ck_assert_uint_eq(k.m->data[620 * 512 - 1], 0);
    ck_assert_uint_eq(k.m->writes, 3);
    /* discard takes no flag */
    request(&k, 1, 11, 0, DATA, 32, false);
    ck_assert_uint_eq(status(&k, 1), 2);
    request(&k, 2, 11, 0, DATA + 16, 16, false);
    ck_assert_uint_eq(status(&k, 2), 0);
    st64(r, 2047);
    st32(r + 12, 0);
    ram_put(&k.s, DATA, r, 16);
    request(&k, 3, 11, 0, DATA, 16, false); /* beyond the end */
    ck_assert_uint_eq(status(&k, 3), 1);
    request(&k, 4, 11, 0, DATA, 15, false);
    ck_assert_uint_eq(status(&k, 4), 2);
    st32(r + 8, 0);
    ram_put(&k.s, DATA, r, 16);
    request(&k, 5, 11, 0, DATA, 16, false); /* of nothing */
    ck_assert_uint_eq(status(&k, 5), 0);
    disk_teardown(&k);
}
END_TEST

static const struct {
    u32 type;
    u64 sector;
    u32 len;
    bool write;
    u8 status;
} bad[] = {
    {0, 2048, 512, true, 1},          {0, ~0ull, 512, true, 1},  {0, 0, 100, true, 1},
    {0, 0x80000000000000ull, 512, true, 1}, {1, 2047, 1024, false, 1}, {1, 0, 513, false, 1},
    {77, 0, 512, true, 2},            {0, 0, 512, false, 0},     {0, 0, 0x1000000, true, 1},
};

START_TEST(disk_refuses)
{
    struct disk k;

    disk_setup(&k, ~0ull);
    request(&k, 0, bad[_i].type, bad[_i].sector, DATA, bad[_i].len, bad[_i].write);
    ck_assert_uint_eq(status(&k, 0), bad[_i].status);
    ck_assert_uint_eq(k.m->writes, 0);
    disk_teardown(&k);
}
END_TEST

START_TEST(disk_rules)
{
    struct disk k;
    struct vd_buf one = {STATUS, 1, true};

    disk_setup(&k, 0);
    /* without the flush feature a write is safe when it is answered */
    request(&k, 0, 1, 0, DATA, 512, false);
    ck_assert_uint_eq(status(&k, 0), 0);
    ck_assert_uint_eq(k.m->flushes, 1);
    k.m->fail = 5;
    request(&k, 1, 0, 0, DATA, 512, true);
    ck_assert_uint_eq(status(&k, 1), 1);
    k.m->fail = 0;
    k.m->blk.read_only = true;
    request(&k, 2, 1, 0, DATA, 512, false);
    ck_assert_uint_eq(status(&k, 2), 1);
    request(&k, 3, 13, 0, DATA, 16, false);
    ck_assert_uint_eq(status(&k, 3), 1);
    vd_send(&k.s.d, 0, &one, 1);
    ck_assert_uint_eq(vd_get(&k.s.d, 20, 1) & 0x40, 0x40);
    disk_teardown(&k);
}
END_TEST

/* Several under way; saved and loaded; cancelled by a reset. */
START_TEST(disk_under_way)
{
    struct disk k;
    unsigned n = 0;

    disk_setup(&k, ~0ull);
    for (unsigned i = 0; i < 10; i++)
        request(&k, i, 0, i, DATA + 512 * i, 512, true);
    ck_assert_uint_eq(k.b->r.busy, 10);
    rig_reload(&k.b->v.dev);
    ck_assert_uint_eq(k.b->r.busy, 10);
    ck_assert_uint_eq(k.m->cancels, 10);
    /* the reload reset the function's configuration on its way, and loading brought it back */
    ck_assert_uint_eq(status(&k, 9), 0);
    while (vd_done(&k.s.d, 0, NULL, NULL))
        n++;
    ck_assert_uint_eq(n, 10);
    request(&k, 0, 0, 0, DATA, 512, true);
    vd_set(&k.s.d, 20, 0, 1);
    ck_assert_uint_eq(k.b->r.busy, 0);
    ck_assert_uint_eq(status(&k, 0), 0xee);
    /* write cache by the driver's choice */
    vd_begin(&k.s.d, ~0ull, 1);
    ck_assert_uint_eq(vd_get(&k.s.d, 0x2020, 1), 1);
    vd_set(&k.s.d, 0x2020, 0, 1);
    ck_assert_uint_eq(vd_get(&k.s.d, 0x2020, 1), 0);
    k.m->blk.changed(k.m->blk.changed_arg);
    ck_assert_uint_eq(vd_get(&k.s.d, 0x1000, 1), 2);
    disk_teardown(&k);
}
END_TEST

START_TEST(disk_not_cd)
{
    struct disk k;
    struct err err = {""};

    setup(&k.s);
    k.m = memblk_new(&k.s.rig.clock, 1 << 20, 512);
    k.m->blk.cdrom = true;
    k.s.plug.blk = &k.m->blk;
    k.b = rig_new(&k.s.rig, &virtio_blk_class, "blk");
    virtio_blk_plug(&k.b->v.dev, &k.s.plug, NULL);
    ck_assert(!dev_start(&k.b->v.dev, &err));
    ck_assert(strstr(err.msg, "ide-cd"));
    disk_teardown(&k);
}
END_TEST

/* ---- balloon ---- */

START_TEST(balloon)
{
    struct set s;
    struct balloon_sink sink = {NULL, NULL, NULL};
    struct balloon_info info;
    struct virtio_balloon *b, *two;
    static const u32 numbers[] = {0x90, 0x91, 0x92, 0xa5, 0xa4, 0x12345678, 0x90};
    u8 pages[sizeof(numbers)];
    struct vd_buf buf = {0x80000, sizeof(pages), false}, stats = {0x81000, 20, false};
    struct err err = {""};
    u8 st[20];
    u16 head;

    setup(&s);
    s.plug.balloon = &sink;
    b = rig_new(&s.rig, &virtio_balloon_class, "balloon");
    ck_assert(virtio_balloon_plug(&b->v.dev, &s.plug, &err));
    two = rig_new(&s.rig, &virtio_balloon_class, "two");
    ck_assert(!virtio_balloon_plug(&two->v.dev, &s.plug, &err));
    rig_start(b);
    vd_begin(&s.d, ~0ull, 3);
    sink.set(sink.dev, MIB - 16384);
    ck_assert_uint_eq(vd_get(&s.d, 0x1000, 1), 2);
    ck_assert_uint_eq(vd_get(&s.d, 0x2000, 4), 4);
    memset(s.rig.ram.host + 0x90000, 0xab, 0x20000);
    for (unsigned k = 0; k < ARRAY_LEN(numbers); k++)
        st32(pages + 4 * k, numbers[k]);
    ram_put(&s, 0x80000, pages, sizeof(pages));
    vd_send(&s.d, 0, &buf, 1);
    ck_assert(vd_done(&s.d, 0, &head, NULL));
    ck_assert_uint_eq(s.rig.ram.host[0x90000], 0);
    ck_assert_uint_eq(s.rig.ram.host[0x92fff], 0);
    ck_assert_uint_eq(s.rig.ram.host[0x93000], 0xab);
    ck_assert_uint_eq(s.rig.ram.host[0xa4000], 0);
    ck_assert_uint_eq(s.rig.ram.host[0xa6000], 0xab);
    vd_send(&s.d, 1, &buf, 1);
    ck_assert(vd_done(&s.d, 1, NULL, NULL));
    vd_set(&s.d, 0x2004, 4, 4);
    st16(st, 4), st64(st + 2, 12345);
    st16(st + 10, 99), st64(st + 12, 1);
    ram_put(&s, 0x81000, st, sizeof(st));
    vd_send(&s.d, 2, &stats, 1);
    ck_assert(!vd_done(&s.d, 2, NULL, NULL));
    rig_reload(&b->v.dev);
    sink.info(sink.dev, &info);
    ck_assert_uint_eq(info.actual, MIB - 16384);
    ck_assert_uint_eq(info.target, MIB - 16384);
    ck_assert(info.driver);
    ck_assert_int_eq(info.stat[4], 12345);
    ck_assert_int_eq(info.stat[5], -1);
    ck_assert(vd_done(&s.d, 2, NULL, NULL));
    rig_free(&s.rig);
}
END_TEST

/* ---- serial ports ---- */

struct line {
    struct chr chr;
    char text[64];
    size_t n;
    unsigned ready;
};

static void line_write(struct chr *chr, const u8 *data, size_t n)
{
    struct line *l = container_of(chr, struct line, chr);

    while (n-- && l->n < sizeof(l->text))
        l->text[l->n++] = (char)*data++;
}

static void line_ready(struct chr *chr)
{
    container_of(chr, struct line, chr)->ready++;
}

static const struct chr_ops line_ops = {line_write};

/* The next message of the controller: event in the low half, value in the high. */
static u32 message(struct set *s, u32 *port)
{
    struct vd_buf room = {0x90000, 64, true};

    vd_send(&s->d, 2, &room, 1);
    if (!vd_done(&s->d, 2, NULL, NULL))
        return ~0u;
    *port = mem32(&s->rig, 0x90000);
    return mem32(&s->rig, 0x90004);
}

static void tell(struct set *s, u32 port, u16 event, u16 value)
{
    struct vd_buf msg = {0x91000, 8, false};

    mem32_set(&s->rig, 0x91000, port);
    mem32_set(&s->rig, 0x91004, event | (u32)value << 16);
    vd_send(&s->d, 3, &msg, 1);
}

START_TEST(serial_ports)
{
    struct set s;
    struct line con = {.chr = {.ops = &line_ops, .ready = line_ready}}, chan = con;
    struct vserial_bus *bus = NULL;
    struct virtio_serial *ctl;
    struct vport *p, *q, *extra;
    struct vd_buf text = {0x92000, 5, false}, room = {0x93000, 16, true};
    struct err err = {""};
    u32 port = 0, len;
    char got[17] = "";

    setup(&s);
    s.plug.vserial = &bus;
    ctl = rig_new(&s.rig, &virtio_serial_class, "ctl");
    virtio_serial_plug(&ctl->v.dev, &s.plug, NULL);
    rig_start(ctl);
    p = rig_new(&s.rig, &virtconsole_class, "con");
    s.plug.chr = &con.chr;
    virtconsole_plug(&p->dev, &s.plug, NULL);
    rig_start(p);
    q = rig_new(&s.rig, &virtserialport_class, "chan");
    s.plug.chr = &chan.chr;
    virtserialport_plug(&q->dev, &s.plug, NULL);
    ck_assert(prop_set(virtserialport_class.props, q, "name", "org.x", NULL));
    rig_start(q);
    ck_assert_uint_eq(p->nr, 0);
    ck_assert_uint_eq(q->nr, 1);
    extra = rig_new(&s.rig, &virtserialport_class, "extra");
    virtserialport_plug(&extra->dev, &s.plug, NULL);
    extra->nr = 1;
    ck_assert(!dev_start(&extra->dev, &err));
    ck_assert(strstr(err.msg, "taken"));
    q->chr->arg = q;

    vd_begin(&s.d, ~0ull, 6);
    ck_assert_uint_eq(vd_get(&s.d, 0x2004, 4), 8);
    tell(&s, 0, 0, 1);
    ck_assert_uint_eq(message(&s, &port), 1 | 1 << 16);
    ck_assert_uint_eq(port, 0);
    ck_assert_uint_eq(message(&s, &port), 1 | 1 << 16);
    ck_assert_uint_eq(port, 1);
    ck_assert_uint_eq(message(&s, &port), ~0u);
    s.d.used[2] = s.d.avail[2] - 1; /* that room is used by what comes next */
    tell(&s, 1, 3, 1);
    ck_assert(vd_done(&s.d, 2, NULL, NULL));
    ck_assert_uint_eq(mem32(&s.rig, 0x90004), 7 | 1 << 16);
    ram_get(&s, 0x90008, got, 5);
    ck_assert_str_eq(got, "org.x");
    ck_assert_uint_eq(message(&s, &port), 6 | 1 << 16);
    tell(&s, 0, 3, 1);
    ck_assert_uint_eq(message(&s, &port), 4 | 1 << 16);
    ck_assert_uint_eq(message(&s, &port), 6 | 1 << 16);
    tell(&s, 77, 3, 1); /* no such port */
    tell(&s, 0, 99, 1);

    ram_put(&s, 0x92000, "hello", 5);
    vd_send(&s.d, 1, &text, 1);
    vd_send(&s.d, 5, &text, 1);
    ck_assert_mem_eq(con.text, "hello", 5);
    ck_assert_mem_eq(chan.text, "hello", 5);
    /* from the host: a channel takes bytes when a program has it open, a console at once */
    ck_assert_uint_eq(con.chr.can_take(con.chr.arg), 0);
    vd_send(&s.d, 0, &room, 1);
    ck_assert_uint_eq(con.ready, 1);
    ck_assert_uint_eq(con.chr.can_take(con.chr.arg), 16);
    con.chr.take(con.chr.arg, (const u8 *)"abc", 3);
    ck_assert(vd_done(&s.d, 0, NULL, &len));
    ck_assert_uint_eq(len, 3);
    ram_get(&s, 0x93000, got, 3);
    ck_assert_mem_eq(got, "abc", 3);
    vd_send(&s.d, 4, &room, 1);
    ck_assert_uint_eq(q->chr->can_take(q), 0);
    tell(&s, 1, 6, 1);
    ck_assert_uint_eq(q->chr->can_take(q), 16);
    /* the host's end goes away */
    q->chr->event(q, CHR_CLOSED);
    ck_assert_uint_eq(message(&s, &port), 6);
    q->chr->event(q, CHR_BREAK);
    rig_reload(&ctl->v.dev);
    rig_reload(&q->dev);
    rig_free(&s.rig);
}
END_TEST

/* ---- shared folder ---- */

static size_t echo_serve(struct share *share, const u8 *msg, size_t n, u8 *out, size_t room)
{
    memcpy(out, msg, MIN(n, room));
    return MIN(n, room);
}

static unsigned resets;

static void echo_reset(struct share *share)
{
    resets++;
}

START_TEST(shared_folder)
{
    static const struct share_ops ops = {echo_serve, echo_reset};
    struct share share = {&ops};
    struct set s;
    struct virtio_p9 *p;
    struct vd_buf b[2] = {{0x80000, 8, false}, {0x81000, 64, true}};
    struct err err = {""};
    unsigned before;
    u32 len;

    setup(&s);
    s.plug.share = &share;
    p = rig_new(&s.rig, &virtio_p9_class, "p9");
    virtio_p9_plug(&p->v.dev, &s.plug, NULL);
    ck_assert(!dev_start(&p->v.dev, &err));
    ck_assert(strstr(err.msg, "mount_tag="));
    ck_assert(prop_set(virtio_p9_class.props, p, "mount_tag", "host", NULL));
    rig_start(p);
    vd_begin(&s.d, ~0ull, 1);
    ck_assert_uint_eq(vd_get(&s.d, 0x2000, 2), 4);
    ck_assert_uint_eq(vd_get(&s.d, 0x2002, 1), 'h');
    ram_put(&s, 0x80000, "message!", 8);
    vd_send(&s.d, 0, b, 2);
    ck_assert(vd_done(&s.d, 0, NULL, &len));
    ck_assert_uint_eq(len, 8);
    ck_assert_uint_eq(bus_read(&s.rig.mem, 0x81000, 1), 'm');
    b[0].len = 0x100000; /* longer than any message */
    vd_send(&s.d, 0, b, 2);
    ck_assert(vd_done(&s.d, 0, NULL, &len));
    ck_assert_uint_eq(len, 0);
    before = resets;
    vd_set(&s.d, 20, 0, 1);
    ck_assert_uint_eq(resets, before + 1);
    rig_reload(&p->v.dev);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("virtio_devs");
    TCase *tc = tcase_create("virtio_devs");
    SRunner *runner = srunner_create(suite);
    const TTest *const tests[] = {disk_reads_and_writes, disk_ranges, disk_rules, disk_under_way,
                                  disk_not_cd, balloon, serial_ports, shared_folder};
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_test(tc, tests[i]);
    tcase_add_loop_test(tc, disk_refuses, 0, (int)ARRAY_LEN(bad));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
