/* VMware's absolute pointer as its driver uses it: who is there, places, buttons and wheel, wrong
 * questions, a queue that nobody reads. */
#include "devices/input/vmmouse.h"

#include "tests/dev/rig.h"

enum { VERSION = 10, RAM_SIZE = 20, DATA = 39, STATUS = 40, COMMAND = 41 };
#define READ_ID  0x45414552u
#define ABSOLUTE 0x53424152u
#define RELATIVE 0x4c455252u
#define DISABLE  0xf5u

struct driver {
    struct rig rig;
    struct vmmouse *m;
    struct tablet_sink sink;
    u32 reg[VMMOUSE_REGS];
    int nudges, sum;
};

static u32 get(void *arg, enum vmmouse_reg reg)
{
    return ((struct driver *)arg)->reg[reg];
}

static void set(void *arg, enum vmmouse_reg reg, u32 v)
{
    ((struct driver *)arg)->reg[reg] = v;
}

static void nudge(void *dev, int dx, int dy, int dz, u32 buttons)
{
    struct driver *d = dev;

    d->nudges++;
    d->sum += dx;
    ck_assert_int_eq(dy | dz, 0);
}

static void start(struct driver *d)
{
    memset(d, 0, sizeof(*d));
    rig_init(&d->rig);
    d->m = rig_new(&d->rig, &vmmouse_class, "vmmouse");
    d->m->wiring = (struct vmmouse_wiring){get, set, d, {d, nudge}, 64 * MIB};
    rig_start(d->m);
    d->sink = vmmouse_sink(d->m);
}

/* IN EAX, DX with these registers. */
static u32 ask(struct driver *d, u32 command, u32 ebx)
{
    d->reg[VMMOUSE_EAX] = 0x564d5868;
    d->reg[VMMOUSE_EBX] = ebx;
    d->reg[VMMOUSE_ECX] = command;
    d->reg[VMMOUSE_EDX] = 0x5658;
    return d->reg[VMMOUSE_EAX] = in32(&d->rig, 0x5658);
}

static void enable(struct driver *d)
{
    ask(d, COMMAND, READ_ID);
    ck_assert_uint_eq(ask(d, STATUS, 0), 1);
    ck_assert_uint_eq(ask(d, DATA, 1), 0x3442554a);
    ask(d, COMMAND, ABSOLUTE);
}

START_TEST(who_is_there)
{
    struct driver d;

    start(&d);
    ck_assert_uint_eq(ask(&d, VERSION, 0), 6);
    ck_assert_uint_eq(d.reg[VMMOUSE_EBX], 0x564d5868);
    ck_assert_uint_eq(ask(&d, RAM_SIZE, 0), 64 * MIB);
    ck_assert_uint_eq(ask(&d, 77, 0), 0xffffffff);
    d.reg[VMMOUSE_EAX] = 1; /* not the word */
    ck_assert_uint_eq(in32(&d.rig, 0x5658), 0xffffffff);
    d.reg[VMMOUSE_EAX] = 0x564d5868;
    ck_assert_uint_eq(in8(&d.rig, 0x5658), 0xff);
    out32(&d.rig, 0x5658, 1);
    ck_assert(!d.sink.wanted(d.sink.dev));
    ck_assert_uint_eq(ask(&d, STATUS, 0), 0xffff0000);
    rig_free(&d.rig);
}
END_TEST

START_TEST(places)
{
    struct driver d;

    start(&d);
    d.sink.point(d.sink.dev, 1, 1, 0, 0); /* nobody listens */
    enable(&d);
    ck_assert(d.sink.wanted(d.sink.dev));
    ck_assert_uint_eq(ask(&d, STATUS, 0), 0);
    d.sink.point(d.sink.dev, 32767, 16384, -1, 1);
    ck_assert_int_eq(d.nudges, 1);
    ck_assert_uint_eq(ask(&d, STATUS, 0), 4);
    ck_assert_uint_eq(ask(&d, DATA, 4), 0x20);
    ck_assert_uint_eq(d.reg[VMMOUSE_EBX], 65535);
    ck_assert_uint_eq(d.reg[VMMOUSE_ECX], 32768);
    ck_assert_uint_eq(d.reg[VMMOUSE_EDX], 0xffffffff);
    d.sink.point(d.sink.dev, 32767, 16384, 0, 1); /* the same again: nothing */
    ck_assert_uint_eq(ask(&d, STATUS, 0), 0);
    d.sink.point(d.sink.dev, 99999, 0, 0, 6);
    ck_assert_uint_eq(ask(&d, DATA, 4), 0x18);
    ck_assert_uint_eq(d.reg[VMMOUSE_EBX], 65535);
    ck_assert_int_eq(d.nudges, 2);
    ck_assert_int_eq(d.sum, 0); /* the other mouse stays where it is */
    ask(&d, COMMAND, RELATIVE);
    ck_assert(!d.sink.wanted(d.sink.dev));
    ask(&d, COMMAND, ABSOLUTE);
    d.sink.point(d.sink.dev, 5, 5, 0, 0);
    rig_reload(&d.m->dev);
    ck_assert_uint_eq(ask(&d, STATUS, 0), 4);
    ask(&d, COMMAND, DISABLE);
    ck_assert_uint_eq(ask(&d, STATUS, 0), 0xffff0000);
    rig_free(&d.rig);
}
END_TEST

START_TEST(bad_questions)
{
    static const u32 counts[] = {0, 5, 6, 100, 0xffffffff, 3};
    struct driver d;

    start(&d);
    for (u32 i = 0; i < ARRAY_LEN(counts); i++) {
        enable(&d);
        d.sink.point(d.sink.dev, i, 7, 0, 0);
        if (counts[i] == 3)
            ask(&d, DATA, 2);
        ck_assert_uint_eq(ask(&d, DATA, counts[i]), 0);
        ck_assert_uint_eq(ask(&d, STATUS, 0), 0xffff0000);
    }
    enable(&d); /* asked anew it is well again */
    for (u32 i = 0; i < 10000; i++)
        d.sink.point(d.sink.dev, i & 32767, i & 255, 1, i & 7);
    ck_assert_uint_eq(ask(&d, STATUS, 0), VMMOUSE_QUEUE);
    for (u32 i = 0; i < VMMOUSE_QUEUE / 4; i++)
        ask(&d, DATA, 4);
    ck_assert_uint_eq(ask(&d, STATUS, 0), 0);
    rig_free(&d.rig);
}
END_TEST

START_TEST(damaged_state)
{
    struct driver d;
    struct snap a = {0};
    struct err err;

    start(&d);
    d.m->r.head = VMMOUSE_QUEUE;
    dev_save(&d.m->dev, &a);
    ck_assert(!dev_load(&d.m->dev, &a, &err));
    snap_free(&a);
    rig_free(&d.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {who_is_there, places, bad_questions, damaged_state, NULL};

    return rig_main("vmmouse", tests);
}
