/* The 16550A through its ports: interrupts and their order, fifos, time-out, loop-back, modem
 * lines, break, timing; and the small character devices. */
#include "devices/char/debugcon.h"
#include "devices/char/exitdev.h"
#include "devices/char/post.h"
#include "devices/char/uart16550.h"
#include "tests/dev/rig.h"

enum { BASE = 0x3f8 };

struct setup {
    struct rig rig;
    struct uart16550 *u;
    struct chr chr;
    struct probe irq;
    u8 sent[256];
    unsigned nsent;
    int ready;
};

static struct setup *of(struct chr *chr)
{
    return container_of(chr, struct setup, chr);
}

static void host_write(struct chr *chr, const u8 *data, size_t n)
{
    while (n--)
        of(chr)->sent[of(chr)->nsent++ & 0xff] = *data++;
}
static void host_ready(struct chr *chr)
{
    of(chr)->ready++;
}
static const struct chr_ops host_ops = {host_write};

static void setup_as(struct setup *s, bool realtime)
{
    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    s->u = rig_new(&s->rig, &uart16550_class, "com1");
    s->chr.ops = &host_ops;
    s->chr.ready = host_ready;
    s->u->chr = &s->chr;
    s->u->realtime = realtime;
    irq_connect(&s->u->out, probe_set, &s->irq, 4);
    rig_start(s->u);
    out8(&s->rig, BASE + 4, 0x08);
}

static u8 get(struct setup *s, unsigned reg)
{
    return in8(&s->rig, (u16)(BASE + reg));
}
static void put(struct setup *s, unsigned reg, u8 v)
{
    out8(&s->rig, (u16)(BASE + reg), v);
}
static void type(struct setup *s, const char *text)
{
    size_t n = strlen(text);

    ck_assert_uint_ge(s->chr.can_take(s->chr.arg), n);
    s->chr.take(s->chr.arg, (const u8 *)text, n);
}

START_TEST(registers)
{
    struct setup s;

    setup_as(&s, false);
    ck_assert_uint_eq(get(&s, 5), 0x60);
    ck_assert_uint_eq(get(&s, 2), 0x01);
    ck_assert_uint_eq(get(&s, 6), 0xb0);
    put(&s, 7, 0xa5);
    ck_assert_uint_eq(get(&s, 7), 0xa5);
    put(&s, 1, 0xff);
    ck_assert_uint_eq(get(&s, 1), 0x0f);
    put(&s, 3, 0x83);
    put(&s, 0, 0x34), put(&s, 1, 0x12);
    ck_assert_uint_eq(get(&s, 0), 0x34);
    ck_assert_uint_eq(get(&s, 1), 0x12);
    put(&s, 3, 0x03);
    ck_assert_uint_eq(get(&s, 1), 0x0f);
    ck_assert_uint_eq(s.u->r.divisor, 0x1234);
    put(&s, 4, 0xff);
    ck_assert_uint_eq(get(&s, 4), 0x1f);
    put(&s, 2, 0xc1);
    ck_assert_uint_eq(get(&s, 2) & 0xc0, 0xc0);
    put(&s, 2, 0);
    ck_assert_uint_eq(get(&s, 2) & 0xc0, 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(transmit)
{
    struct setup s;

    setup_as(&s, false);
    put(&s, 1, 0x02);
    ck_assert_int_eq(s.irq.level, 1); /* empty when the interrupt is enabled */
    ck_assert_uint_eq(get(&s, 2), 0x02);
    ck_assert_int_eq(s.irq.level, 0); /* reading IIR takes it */
    put(&s, 0, 'x');
    ck_assert_uint_eq(s.sent[0], 'x');
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0);
    rig_pass(&s.rig, 100000);
    ck_assert_int_eq(s.irq.level, 1);
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0x60);
    put(&s, 0, 'y'); /* writing takes it, too */
    ck_assert_int_eq(s.irq.level, 0);
    /* polling without events running */
    s.rig.now += 100000;
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0x60);
    put(&s, 2, 1);
    for (int i = 0; i < 16; i++)
        put(&s, 0, (u8)i);
    ck_assert_uint_eq(s.nsent, 18);
    rig_free(&s.rig);
}
END_TEST

START_TEST(transmit_in_real_time)
{
    struct setup s;

    setup_as(&s, true);
    put(&s, 3, 0x83), put(&s, 0, 12), put(&s, 1, 0),
        put(&s, 3, 0x03); /* 9600 8N1: 1.04 ms a character */
    put(&s, 0, 'a');
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0x20); /* in the shift register already */
    put(&s, 0, 'b');
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0);
    rig_pass(&s.rig, 1000000);
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0);
    rig_pass(&s.rig, 50000);
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0x20);
    ck_assert_uint_eq(s.nsent, 2);
    rig_pass(&s.rig, 1100000);
    ck_assert_uint_eq(get(&s, 5) & 0x60, 0x60);
    put(&s, 2, 1);
    put(&s, 1, 2);
    get(&s, 2);
    for (int i = 0; i < 16; i++)
        put(&s, 0, (u8)('A' + i));
    rig_pass(&s.rig, 15 * 1041666 - 200000);
    ck_assert_uint_eq(s.irq.level, 0);
    rig_pass(&s.rig, 400000);
    ck_assert_int_eq(s.irq.level, 1);
    ck_assert_uint_eq(s.nsent, 18);
    rig_free(&s.rig);
}
END_TEST

START_TEST(receive_single)
{
    struct setup s;

    setup_as(&s, false);
    ck_assert_uint_eq(s.chr.can_take(s.chr.arg), 1);
    put(&s, 1, 1);
    type(&s, "q");
    ck_assert_int_eq(s.irq.level, 1);
    ck_assert_uint_eq(get(&s, 2), 0x04);
    ck_assert_uint_eq(get(&s, 5) & 1, 1);
    ck_assert_uint_eq(s.chr.can_take(s.chr.arg), 0);
    s.ready = 0;
    ck_assert_uint_eq(get(&s, 0), 'q');
    ck_assert_int_eq(s.ready, 1);
    ck_assert_int_eq(s.irq.level, 0);
    ck_assert_uint_eq(get(&s, 0), 'q'); /* the holding register keeps it */
    /* overrun of the one character */
    type(&s, "1");
    s.chr.take(s.chr.arg, (const u8 *)"2", 1);
    ck_assert_uint_eq(get(&s, 5) & 3, 3);
    ck_assert_uint_eq(get(&s, 5) & 3, 1);
    ck_assert_uint_eq(get(&s, 0), '2');
    rig_free(&s.rig);
}
END_TEST

START_TEST(receive_fifo)
{
    struct setup s;

    setup_as(&s, false);
    put(&s, 2, 0x81); /* trigger at 8 */
    put(&s, 1, 1);
    type(&s, "1234567");
    ck_assert_int_eq(s.irq.level, 0);
    type(&s, "8");
    ck_assert_int_eq(s.irq.level, 1);
    ck_assert_uint_eq(get(&s, 2), 0xc4);
    ck_assert_uint_eq(get(&s, 0), '1');
    ck_assert_int_eq(s.irq.level, 0);
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.irq.level, 1); /* time-out */
    ck_assert_uint_eq(get(&s, 2), 0xcc);
    ck_assert_uint_eq(get(&s, 2), 0xcc);
    ck_assert_uint_eq(get(&s, 0), '2');
    ck_assert_int_eq(s.irq.level, 0);
    for (int i = 3; i <= 8; i++)
        ck_assert_uint_eq(get(&s, 0), '0' + i);
    rig_pass(&s.rig, 1000000);
    ck_assert_int_eq(s.irq.level, 0);
    type(&s, "0123456789abcdef");
    ck_assert_uint_eq(s.chr.can_take(s.chr.arg), 0);
    s.chr.take(s.chr.arg, (const u8 *)"gh", 2);
    ck_assert_uint_eq(get(&s, 5) & 2, 2);
    for (int i = 0; i < 16; i++)
        ck_assert_uint_eq(get(&s, 0), "0123456789abcdef"[i]);
    ck_assert_uint_eq(get(&s, 5) & 1, 0);
    type(&s, "abc");
    put(&s, 2, 0x83); /* clear the receiver */
    ck_assert_uint_eq(get(&s, 5) & 1, 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(priorities)
{
    struct setup s;

    setup_as(&s, false);
    put(&s, 1, 0x0f);
    s.chr.event(s.chr.arg, CHR_CLOSED);
    s.chr.event(s.chr.arg, CHR_BREAK);
    ck_assert_uint_eq(get(&s, 2), 0x06);
    ck_assert_uint_eq(get(&s, 5) & 0x11, 0x11);
    ck_assert_uint_eq(get(&s, 2), 0x04);
    ck_assert_uint_eq(get(&s, 0), 0);
    ck_assert_uint_eq(get(&s, 2), 0x02);
    ck_assert_uint_eq(get(&s, 2), 0x00);
    ck_assert_uint_eq(get(&s, 6), 0x0b);
    ck_assert_uint_eq(get(&s, 2), 0x01);
    ck_assert_int_eq(s.irq.level, 0);
    s.chr.event(s.chr.arg, CHR_OPENED);
    ck_assert_uint_eq(get(&s, 6), 0xbb);
    ck_assert_uint_eq(get(&s, 6), 0xb0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(fifo_errors)
{
    struct setup s;

    setup_as(&s, false);
    put(&s, 2, 1);
    type(&s, "a");
    s.chr.event(s.chr.arg, CHR_BREAK);
    type(&s, "b");
    ck_assert_uint_eq(get(&s, 5), 0xe1); /* an error is somewhere in the fifo, not on top */
    ck_assert_uint_eq(get(&s, 0), 'a');
    ck_assert_uint_eq(get(&s, 5), 0xf1);
    ck_assert_uint_eq(get(&s, 5), 0x61);
    ck_assert_uint_eq(get(&s, 0), 0);
    ck_assert_uint_eq(get(&s, 0), 'b');
    rig_free(&s.rig);
}
END_TEST

START_TEST(loopback)
{
    struct setup s;

    setup_as(&s, false);
    put(&s, 4, 0x1a); /* loop, OUT2, RTS */
    ck_assert_uint_eq(get(&s, 6) & 0xf0, 0x90);
    put(&s, 4, 0x15);
    ck_assert_uint_eq(get(&s, 6), 0x6b | 0x00);
    put(&s, 4, 0x11);
    ck_assert_uint_eq(get(&s, 6), 0x24); /* trailing edge of RI */
    ck_assert_uint_eq(s.chr.can_take(s.chr.arg), 0);
    put(&s, 0, 'z');
    ck_assert_uint_eq(s.nsent, 0);
    ck_assert_uint_eq(get(&s, 0), 'z');
    put(&s, 3, 0x43); /* a break comes back as one */
    ck_assert_uint_eq(get(&s, 5) & 0x11, 0x11);
    rig_free(&s.rig);
}
END_TEST

START_TEST(out2_gates_the_line)
{
    struct setup s;

    setup_as(&s, false);
    put(&s, 4, 0);
    put(&s, 1, 2);
    ck_assert_int_eq(s.irq.level, 0);
    put(&s, 4, 8);
    ck_assert_int_eq(s.irq.level, 1);
    rig_free(&s.rig);
}
END_TEST

START_TEST(no_backend)
{
    struct rig rig;
    struct uart16550 *u;

    rig_init(&rig);
    u = rig_new(&rig, &uart16550_class, "com1");
    rig_start(u);
    out8(&rig, BASE, 'x');
    ck_assert_uint_eq(in8(&rig, BASE + 6), 0);
    rig_free(&rig);
}
END_TEST

START_TEST(state)
{
    struct setup s;
    struct snap snap = {0};
    struct err err;

    setup_as(&s, true);
    put(&s, 2, 0x41);
    put(&s, 1, 0x0f);
    type(&s, "abc");
    put(&s, 0, '1'), put(&s, 0, '2');
    dev_save(&s.u->dev, &snap);
    rig_reload(&s.u->dev);
    rig_pass(&s.rig, 1000000000);
    ck_assert_uint_eq(s.nsent, 2);
    ck_assert_uint_eq(get(&s, 2), 0xcc);
    s.u->r.rx.head = 77;
    snap_free(&snap);
    dev_save(&s.u->dev, &snap);
    ck_assert(!dev_load(&s.u->dev, &snap, &err));
    ck_assert_uint_eq(s.u->r.rx.head, 0);
    snap_free(&snap);
    rig_free(&s.rig);
}
END_TEST

/* ---- the small ones ---- */

static int exit_status;
static void note_exit(void *arg, int status)
{
    exit_status = status;
}
static void note_post(void *arg, u8 code)
{
    *(u8 *)arg = code;
}

START_TEST(small_devices)
{
    struct setup s;
    struct debugcon *con;
    struct post *post;
    struct exitdev *ex;
    u8 code = 0;

    setup_as(&s, false);
    con = rig_new(&s.rig, &debugcon_class, "debugcon");
    con->chr = &s.chr;
    rig_start(con);
    post = rig_new(&s.rig, &post_class, "post");
    post->changed = note_post;
    post->arg = &code;
    rig_start(post);
    ex = rig_new(&s.rig, &exitdev_class, "exit");
    ex->exit = note_exit;
    rig_start(ex);
    ck_assert_uint_eq(in8(&s.rig, 0xe9), 0xe9);
    out8(&s.rig, 0xe9, 'h'), out8(&s.rig, 0xe9, 'i');
    ck_assert_mem_eq(s.sent, "hi", 2);
    out8(&s.rig, 0x80, 0x42);
    ck_assert_uint_eq(code, 0x42);
    ck_assert_uint_eq(in8(&s.rig, 0x80), 0x42);
    out8(&s.rig, 0x501, 0);
    ck_assert_int_eq(exit_status, 1);
    out32(&s.rig, 0x501, 0x10);
    ck_assert_int_eq(exit_status, 0x21);
    out32(&s.rig, 0x501, 0xffffffff);
    ck_assert_int_eq(exit_status, 0xff);
    ex->exit = NULL;
    out8(&s.rig, 0x501, 1);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        registers,   transmit, transmit_in_real_time, receive_single, receive_fifo, priorities,
        fifo_errors, loopback, out2_gates_the_line,   no_backend,     state,        small_devices,
        NULL};

    return rig_main("uart", tests);
}
