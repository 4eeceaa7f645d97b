/* The virtio transport by its smallest device: capabilities, features, both sets of registers, queues,
 * interrupts, and drivers that break the rules (VIRTIO 1.1, chapters 2 to 4). */
#include "devices/virtio/rng.h"
#include "tests/dev/vdriver.h"

struct set {
    struct rig rig;
    struct region ram;
    struct vdriver d;
    struct virtio_rng *rng;
};

static void setup_with(struct set *s, const char *props)
{
    struct plug plug;
    struct err err = {""};

    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    vd_bus(&s->d, &s->rig);
    plug = vd_plug(&s->d);
    s->rng = rig_new(&s->rig, &virtio_rng_class, "rng");
    ck_assert(props_set(virtio_rng_class.props, s->rng, props, &err));
    ck_assert(virtio_rng_plug(&s->rng->v.dev, &plug, NULL));
    rig_start(s->rng);
    vd_map(&s->d);
}

static void setup(struct set *s)
{
    setup_with(s, NULL);
}

static void teardown(struct set *s)
{
    rig_free(&s->rig);
}

static const struct vd_buf one_buf = {0x80000, 32, true};

static u64 word(struct set *s, u64 addr)
{
    return bus_read(&s->rig.mem, addr, 8);
}

START_TEST(identity)
{
    struct set s;
    unsigned cap, kinds = 0, n = 0;

    setup(&s);
    ck_assert_uint_eq(vd_cfg_get(&s.d, 0, 4), 0x10051af4);
    ck_assert_uint_eq(vd_cfg_get(&s.d, 0x2c, 4), 0x00041af4);
    ck_assert_uint_eq(vd_cfg_get(&s.d, 8, 1), 0);
    ck_assert(vd_cfg_get(&s.d, 6, 2) & PCI_STATUS_CAPS);
    for (cap = vd_cfg_get(&s.d, 0x34, 1); cap && n < 10; cap = vd_cfg_get(&s.d, cap + 1, 1), n++) {
        if (vd_cfg_get(&s.d, cap, 1) == 9)
            kinds |= BIT(vd_cfg_get(&s.d, cap + 3, 1));
    }
    ck_assert_uint_eq(n, 6);
    ck_assert_uint_eq(kinds, 0x3e);
    teardown(&s);
    setup_with(&s, "disable-legacy=on");
    ck_assert_uint_eq(vd_cfg_get(&s.d, 0, 4), 0x10441af4);
    ck_assert_uint_eq(vd_cfg_get(&s.d, 8, 1), 1);
    vd_cfg(&s.d, PCI_BAR0, ~0u, 4);
    ck_assert_uint_eq(vd_cfg_get(&s.d, PCI_BAR0, 4), 0);
    teardown(&s);
    setup_with(&s, "disable-modern=on");
    ck_assert_uint_eq(vd_cfg_get(&s.d, 0x41, 1), 0);
    ck_assert_uint_eq(vd_get(&s.d, 18, 2), 0xffff);
    teardown(&s);
}
END_TEST

START_TEST(no_interface_left)
{
    struct rig rig;
    struct err err = {""};
    struct virtio_rng *rng;

    rig_init(&rig);
    rng = rig_new(&rig, &virtio_rng_class, "rng");
    rng->v.no_legacy = rng->v.no_modern = true;
    ck_assert(!dev_start(&rng->v.dev, &err));
    ck_assert(strstr(err.msg, "disable-modern"));
    rig_free(&rig);
}
END_TEST

START_TEST(numbers)
{
    struct set s;
    u16 head;
    u32 len;
    u64 first;

    setup(&s);
    vd_begin(&s.d, ~0ull, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 15);
    ck_assert_uint_eq(vd_get(&s.d, 18, 2), 1);
    ck_assert(s.d.features & VIRTIO_F_EVENT_IDX);
    ck_assert(s.d.features & VIRTIO_F_INDIRECT_DESC);
    head = vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_int_eq(s.d.intx, 1);
    ck_assert(vd_done(&s.d, 0, &head, &len));
    ck_assert_uint_eq(head, 0);
    ck_assert_uint_eq(len, 32);
    ck_assert(word(&s, 0x80000) && word(&s, 0x80008) && word(&s, 0x80000) != word(&s, 0x80008));
    ck_assert_uint_eq(vd_get(&s.d, 0x1000, 1), 1);
    ck_assert_int_eq(s.d.intx, 0);
    ck_assert_uint_eq(vd_get(&s.d, 0x1000, 1), 0);
    /* The same seed, the same numbers. */
    first = word(&s, 0x80000);
    dev_reset(&s.rng->v.dev);
    vd_begin(&s.d, 0, 1);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_uint_eq(word(&s, 0x80000), first);
    teardown(&s);
}
END_TEST

static void sevens(void *arg, void *buf, size_t n)
{
    memset(buf, 7, n);
}

START_TEST(host_numbers)
{
    struct set s;
    struct entropy e = {sevens, NULL};

    setup(&s);
    s.rng->entropy = &e;
    vd_begin(&s.d, 0, 1);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_uint_eq(word(&s, 0x80000), 0x0707070707070707ull);
    ck_assert_uint_eq(word(&s, 0x80020), 0);
    teardown(&s);
}
END_TEST

START_TEST(features_refused)
{
    struct set s;

    setup(&s);
    vd_set(&s.d, 20, 3, 1);
    /* without VERSION_1 */
    vd_set(&s.d, 8, 0, 4), vd_set(&s.d, 12, 0, 4);
    vd_set(&s.d, 20, 11, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 3);
    /* one that is not offered */
    vd_set(&s.d, 12, BIT(5), 4);
    vd_set(&s.d, 8, 1, 4), vd_set(&s.d, 12, 1, 4);
    vd_set(&s.d, 20, 11, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 3);
    vd_set(&s.d, 8, 0, 4), vd_set(&s.d, 12, 0, 4);
    vd_set(&s.d, 20, 11, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 11);
    /* and now they stay */
    vd_set(&s.d, 12, BIT(29), 4);
    ck_assert_uint_eq(vd_get(&s.d, 12, 4), 0);
    vd_set(&s.d, 8, 2, 4);
    ck_assert_uint_eq(vd_get(&s.d, 12, 4), 0);
    teardown(&s);
}
END_TEST

START_TEST(queue_registers)
{
    struct set s;

    setup(&s);
    ck_assert_uint_eq(vd_get(&s.d, 24, 2), 8);
    vd_set(&s.d, 24, 16, 2);
    ck_assert_uint_eq(vd_get(&s.d, 24, 2), 8);
    vd_set(&s.d, 24, 3, 2);
    ck_assert_uint_eq(vd_get(&s.d, 24, 2), 8);
    vd_set(&s.d, 24, 4, 2);
    ck_assert_uint_eq(vd_get(&s.d, 24, 2), 4);
    vd_set(&s.d, 32, 0x12345000, 4), vd_set(&s.d, 36, 0x9, 4);
    ck_assert_uint_eq(vd_get(&s.d, 32, 4), 0x12345000);
    ck_assert_uint_eq(vd_get(&s.d, 36, 4), 9);
    vd_set(&s.d, 26, 1, 2);
    ck_assert_uint_eq(vd_get(&s.d, 26, 2), 1);
    vd_set(&s.d, 26, 2, 2); /* there is none */
    ck_assert_uint_eq(vd_get(&s.d, 26, 2), 0xffff);
    vd_set(&s.d, 28, 1, 2);
    vd_set(&s.d, 24, 2, 2);
    ck_assert_uint_eq(vd_get(&s.d, 24, 2), 4);
    /* a queue that does not exist */
    vd_set(&s.d, 22, 1, 2);
    ck_assert_uint_eq(vd_get(&s.d, 24, 2), 0);
    vd_set(&s.d, 24, 4, 2);
    vd_set(&s.d, 22, 0xffff, 2);
    vd_set(&s.d, 28, 1, 2);
    ck_assert_uint_eq(vd_get(&s.d, 28, 2), 0);
    teardown(&s);
}
END_TEST

/* As drivers of before version 1 do it: one page number, I/O ports. */
START_TEST(legacy)
{
    struct set s;
    const u64 base = 0x20000, avail = base + 8 * 16, used = base + 0x1000;

    setup(&s);
    ck_assert_uint_eq(vd_io(&s.d, 0, 4), 0x38000000);
    vd_io_set(&s.d, 18, 3, 1);
    vd_io_set(&s.d, 4, 0, 4);
    vd_io_set(&s.d, 14, 0, 2);
    ck_assert_uint_eq(vd_io(&s.d, 12, 2), 8);
    vd_io_set(&s.d, 8, (u32)(base >> 12), 4);
    ck_assert_uint_eq(vd_io(&s.d, 8, 4), base >> 12);
    ck_assert_uint_eq(vd_io(&s.d, 9, 1), 0);
    vd_io_set(&s.d, 18, 7, 1);
    bus_write(&s.rig.mem, base, 0x80000, 8);
    bus_write(&s.rig.mem, base + 8, 16, 4);
    bus_write(&s.rig.mem, base + 12, 2, 4);
    bus_write(&s.rig.mem, avail + 2, 1, 2);
    vd_io_set(&s.d, 16, 0, 2);
    ck_assert_uint_eq(bus_read(&s.rig.mem, used + 2, 2), 1);
    ck_assert_uint_eq(bus_read(&s.rig.mem, used + 8, 4), 16);
    ck_assert_int_eq(s.d.intx, 1);
    ck_assert_uint_eq(vd_io(&s.d, 19, 1), 1);
    ck_assert_int_eq(s.d.intx, 0);
    /* a queue that does not exist; page 0 is a reset */
    vd_io_set(&s.d, 14, 3, 2);
    ck_assert_uint_eq(vd_io(&s.d, 12, 2), 0);
    ck_assert_uint_eq(vd_io(&s.d, 8, 4), 0);
    vd_io_set(&s.d, 8, 77, 4);
    vd_io_set(&s.d, 8, 0, 4);
    ck_assert_uint_eq(vd_io(&s.d, 18, 1), 0);
    /* with MSI-X on, two vectors lie before the configuration */
    vd_cfg(&s.d, 0x43, 0x80, 1);
    vd_io_set(&s.d, 20, 1, 2), vd_io_set(&s.d, 22, 9, 2);
    ck_assert_uint_eq(vd_io(&s.d, 20, 4), 1);
    ck_assert_uint_eq(vd_io(&s.d, 20, 2), 1);
    ck_assert_uint_eq(vd_io(&s.d, 22, 2), 0xffff);
    vd_io_set(&s.d, 30, 1, 4);
    ck_assert_uint_eq(vd_io(&s.d, 30, 1), 0);
    teardown(&s);
}
END_TEST

START_TEST(messages)
{
    struct set s;

    setup(&s);
    ck_assert_uint_eq(vd_cfg_get(&s.d, 0x42, 2), 1);
    vd_cfg(&s.d, 0x42, 0xc000, 2); /* on, all masked */
    vd_begin(&s.d, 0, 1);
    vd_set(&s.d, 26, 1, 2);
    vd_set(&s.d, 16, 0, 2);
    mem32_set(&s.rig, VD_MSIX + 16, 0xfee01000);
    mem32_set(&s.rig, VD_MSIX + 24, 0x4041);
    mem32_set(&s.rig, VD_MSIX + 28, 0);
    mem32_set(&s.rig, VD_MSIX + 64, 0x1234); /* behind the table */
    ck_assert_uint_eq(mem32(&s.rig, VD_MSIX + 24), 0x4041);
    ck_assert_uint_eq(mem32(&s.rig, VD_MSIX + 64), 0);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_uint_eq(s.d.msis, 0);
    ck_assert_uint_eq(mem32(&s.rig, VD_MSIX + 0x800), 2);
    vd_cfg(&s.d, 0x42, 0x8000, 2);
    ck_assert_uint_eq(s.d.msis, 1);
    ck_assert_uint_eq(s.d.msi_addr, 0xfee01000);
    ck_assert_uint_eq(s.d.msi_data, 0x4041);
    ck_assert_uint_eq(mem32(&s.rig, VD_MSIX + 0x800), 0);
    ck_assert_int_eq(s.d.intx, 0);
    /* one entry masked */
    mem32_set(&s.rig, VD_MSIX + 28, 1);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_uint_eq(s.d.msis, 1);
    mem32_set(&s.rig, VD_MSIX + 28, 0);
    ck_assert_uint_eq(s.d.msis, 2);
    /* messages to memory are not sent */
    mem32_set(&s.rig, VD_MSIX + 16, 0x80000);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_uint_eq(s.d.msis, 2);
    rig_reload(&s.rng->v.dev);
    teardown(&s);
}
END_TEST

START_TEST(event_index)
{
    struct set s;

    setup(&s);
    vd_begin(&s.d, VIRTIO_F_EVENT_IDX, 1);
    /* told when entry 2 is used, not before */
    bus_write(&s.rig.mem, vd_avail(0) + 4 + 16, 2, 2);
    vd_send(&s.d, 0, &one_buf, 1);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_int_eq(s.d.intx, 0);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_int_eq(s.d.intx, 1);
    /* the device says how far it has come */
    ck_assert_uint_eq(bus_read(&s.rig.mem, vd_used(0) + 4 + 64, 2), 3);
    vq_want(&s.rng->v, 0, false);
    ck_assert_uint_eq(bus_read(&s.rig.mem, vd_used(0) + 4 + 64, 2), 0xfffa);
    vq_want(&s.rng->v, 0, true);
    ck_assert_uint_eq(bus_read(&s.rig.mem, vd_used(0) + 4 + 64, 2), 3);
    /* without it: a flag */
    vd_begin(&s.d, 0, 1);
    vq_want(&s.rng->v, 0, false);
    ck_assert_uint_eq(bus_read(&s.rig.mem, vd_used(0), 2), 1);
    vd_get(&s.d, 0x1000, 1);
    bus_write(&s.rig.mem, vd_avail(0), 1, 2);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert_int_eq(s.d.intx, 0);
    teardown(&s);
}
END_TEST

/* Several used entries shown at once, and chains put back. */
START_TEST(batches)
{
    struct set s;
    static struct vq_elem a, b;
    struct virtio *v;

    setup(&s);
    v = &s.rng->v;
    vd_begin(&s.d, 0, 1);
    vd_add(&s.d, 0, &one_buf, 1);
    vd_add(&s.d, 0, &one_buf, 1);
    ck_assert(vq_pending(v, 0));
    ck_assert(vq_pop(v, 0, &a) && vq_pop(v, 0, &b) && !vq_pop(v, 0, &b));
    vq_unpop(v, 0, 1);
    ck_assert(vq_pop(v, 0, &b));
    ck_assert_uint_eq(b.head, 1);
    vq_fill(v, 0, 0, a.head, 5);
    vq_fill(v, 0, 1, b.head, 6);
    ck_assert(!vd_done(&s.d, 0, NULL, NULL));
    vq_flush(v, 0, 2);
    ck_assert(vd_done(&s.d, 0, NULL, NULL) && vd_done(&s.d, 0, NULL, NULL));
    ck_assert(!vq_pending(v, 5) && !vq_pending(v, 99));
    teardown(&s);
}
END_TEST

START_TEST(indirect)
{
    struct set s;
    const struct vd_buf table = {0x70000, 48, false};
    u32 len;

    setup(&s);
    vd_begin(&s.d, VIRTIO_F_INDIRECT_DESC, 1);
    for (u64 i = 0; i < 3; i++) {
        bus_write(&s.rig.mem, 0x70000 + 16 * i, 0x80000 + 64 * i, 8);
        bus_write(&s.rig.mem, 0x70008 + 16 * i, 8, 4);
        bus_write(&s.rig.mem, 0x7000c + 16 * i, i < 2 ? 3 : 2, 2);
        bus_write(&s.rig.mem, 0x7000e + 16 * i, i + 1, 2);
    }
    vd_add(&s.d, 0, &table, 1);
    bus_write(&s.rig.mem, vd_desc(0) + 12, 4, 2);
    vd_kick(&s.d, 0);
    ck_assert(vd_done(&s.d, 0, NULL, &len));
    ck_assert_uint_eq(len, 24);
    ck_assert(word(&s, 0x80080) && !word(&s, 0x80008));
    teardown(&s);
}
END_TEST

/* What drivers must not do: one change each to a chain that is well formed. */
static const struct {
    const char *what;
    u64 at; /* from the queue's start; 64 bits are written in `size` bytes */
    u64 v;
    unsigned size;
} hostile[] = {
    {"next is outside the table", 14, 64, 2},
    {"next goes round", 14, 0, 2},
    {"indirect within a chain goes on", 12, 5, 2},
    {"an indirect table with no entries", 16 + 12, 4, 2},
    {"a buffer that wraps", 0, ~0ull - 4, 8},
    {"head outside the table", 16 * 8 + 4, 8, 2},
    {"ahead by more than the ring", 16 * 8 + 2, 100, 2},
};

START_TEST(rules_broken)
{
    struct set s;
    const struct vd_buf bufs[2] = {{0x80000, 16, true}, {0x80100, 16, true}};

    setup(&s);
    vd_begin(&s.d, VIRTIO_F_INDIRECT_DESC, 1);
    vd_set(&s.d, 22, 0, 2);
    vd_add(&s.d, 0, bufs, 2);
    /* the ring is as small as the device's queue, so it begins behind eight descriptors here */
    if (hostile[_i].at >= 16 * 8)
        bus_write(&s.rig.mem, vd_avail(0) + (hostile[_i].at - 16 * 8), hostile[_i].v,
                  hostile[_i].size);
    else
        bus_write(&s.rig.mem, vd_desc(0) + hostile[_i].at, hostile[_i].v, hostile[_i].size);
    if (hostile[_i].at == 16 + 12)
        bus_write(&s.rig.mem, vd_desc(0) + 16 + 8, 0, 4);
    vd_kick(&s.d, 0);
    ck_assert_msg(vd_get(&s.d, 20, 1) == (15 | 0x40), "%s: status %x", hostile[_i].what,
                  vd_get(&s.d, 20, 1));
    ck_assert_uint_eq(vd_get(&s.d, 0x1000, 1) & 2, 2);
    ck_assert(!vd_done(&s.d, 0, NULL, NULL));
    /* nothing moves until the reset, and then all does */
    vd_kick(&s.d, 0);
    vd_set(&s.d, 20, 15, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 15 | 0x40);
    vd_begin(&s.d, 0, 1);
    vd_send(&s.d, 0, bufs, 2);
    ck_assert(vd_done(&s.d, 0, NULL, NULL));
    teardown(&s);
}
END_TEST

/* Chains and rings outside of memory move nothing; without bus mastering nothing is looked at. */
START_TEST(not_memory)
{
    struct set s;
    struct vd_buf regs = {VD_MEM, 64, true};
    u32 len;

    setup(&s);
    vd_begin(&s.d, 0, 1);
    vd_send(&s.d, 0, &regs, 1);
    ck_assert(vd_done(&s.d, 0, NULL, &len));
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 15);
    vd_cfg(&s.d, PCI_COMMAND, 3, 2);
    vd_send(&s.d, 0, &one_buf, 1);
    ck_assert(!vd_done(&s.d, 0, NULL, NULL));
    vd_cfg(&s.d, PCI_COMMAND, 7, 2);
    rig_pass(&s.rig, 1000);
    ck_assert(vd_done(&s.d, 0, NULL, NULL));
    teardown(&s);
}
END_TEST

/* The window in configuration space reaches the registers of BAR 4. */
START_TEST(window)
{
    struct set s;

    setup(&s);
    vd_cfg(&s.d, 0x98 + 4, 4, 1);
    vd_cfg(&s.d, 0x98 + 8, 20, 4);
    vd_cfg(&s.d, 0x98 + 12, 1, 4);
    vd_cfg(&s.d, 0x98 + 16, 3, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 3);
    ck_assert_uint_eq(vd_cfg_get(&s.d, 0x98 + 16, 1), 3);
    vd_cfg(&s.d, 0x98 + 12, 3, 4); /* no such size */
    vd_cfg(&s.d, 0x98 + 16, 7, 4);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 3);
    vd_cfg(&s.d, 0x98 + 12, 4, 4);
    vd_cfg(&s.d, 0x98 + 8, 0xfffffffc, 4);
    vd_cfg(&s.d, 0x98 + 16, 7, 4);
    ck_assert_uint_eq(vd_cfg_get(&s.d, 0x98 + 16, 4), 7);
    teardown(&s);
}
END_TEST

START_TEST(many_at_once)
{
    struct set s;
    unsigned n = 0;

    setup(&s);
    vd_begin(&s.d, 0, 1);
    for (unsigned i = 0; i < 8; i++)
        vd_add(&s.d, 0, &one_buf, 1);
    vd_kick(&s.d, 0);
    while (vd_done(&s.d, 0, NULL, NULL))
        n++;
    ck_assert_uint_eq(n, 8);
    virtio_later(&s.rng->v, 0);
    vd_add(&s.d, 0, &one_buf, 1);
    rig_reload(&s.rng->v.dev);
    rig_pass(&s.rig, 1000);
    ck_assert(vd_done(&s.d, 0, NULL, NULL));
    teardown(&s);
}
END_TEST

/* Snapshots with queues that cannot be are refused. */
START_TEST(bad_snapshot)
{
    struct set s;
    struct snap snap = {0};
    struct err err = {""};

    setup(&s);
    s.rng->r.v.q_size[0] = 512;
    dev_save(&s.rng->v.dev, &snap);
    ck_assert(!dev_load(&s.rng->v.dev, &snap, &err));
    ck_assert(strstr(err.msg, "512"));
    snap_free(&snap);
    teardown(&s);
}
END_TEST

/* What is not offered is never on, refused at the end, and the same after a snapshot (section 2.2). */
START_TEST(features_not_offered)
{
    struct set s;

    setup(&s);
    vd_map(&s.d);
    vd_set(&s.d, 20, 3, 1);
    vd_set(&s.d, 8, 1, 4), vd_set(&s.d, 12, 0xff, 4); /* version 1 and others */
    vd_set(&s.d, 8, 0, 4), vd_set(&s.d, 12, 0, 4);
    vd_set(&s.d, 8, 1, 4);
    ck_assert_uint_eq(vd_get(&s.d, 12, 4), 1);
    rig_reload(&s.rng->v.dev);
    vd_set(&s.d, 20, 11, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 3);
    vd_set(&s.d, 12, 1, 4); /* without the others it is agreed */
    vd_set(&s.d, 20, 11, 1);
    ck_assert_uint_eq(vd_get(&s.d, 20, 1), 11);
    teardown(&s);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("virtio");
    TCase *tc = tcase_create("virtio");
    SRunner *runner = srunner_create(suite);
    const TTest *const tests[] = {identity, no_interface_left, numbers, host_numbers,
                                  features_refused, queue_registers, legacy, messages, event_index,
                                  batches, indirect, not_memory, window, many_at_once,
                                  bad_snapshot, features_not_offered};
    int failed;

    for (size_t i = 0; i < ARRAY_LEN(tests); i++)
        tcase_add_test(tc, tests[i]);
    tcase_add_loop_test(tc, rules_broken, 0, (int)ARRAY_LEN(hostile));
    suite_add_tcase(suite, tc);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
