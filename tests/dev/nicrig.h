/* A network adapter on a bus of its own with RAM and a host that keeps what is sent. */
#ifndef TESTS_DEV_NICRIG_H
#define TESTS_DEV_NICRIG_H

#include "devices/net/nic.h"
#include "tests/dev/rig.h"

enum { NIC_MEM = 0xe0000000u, NIC_IO = 0xc000, NIC_KEPT = 80 };

struct nicrig {
    struct rig rig;
    struct region ram;
    struct pci_bus bus;
    struct net net;
    struct probe probe;
    struct dev *dev;
    unsigned sent, ready;
    u8 frame[NIC_KEPT][66000];
    size_t len[NIC_KEPT];
    int pirq[4];
};

static inline void nicrig_send(struct net *net, const u8 *frame, size_t n)
{
    struct nicrig *t = container_of(net, struct nicrig, net);

    ck_assert_uint_lt(t->sent, NIC_KEPT);
    ck_assert_uint_le(n, sizeof(t->frame[0]));
    memcpy(t->frame[t->sent], frame, n);
    t->len[t->sent++] = n;
}

static inline void nicrig_ready(struct net *net)
{
    container_of(net, struct nicrig, net)->ready++;
}

static inline struct irq nicrig_irq(void *arg, unsigned n)
{
    struct irq irq;

    irq_connect(&irq, probe_set, arg, (int)n);
    return irq;
}

static inline void nicrig_pirq(void *arg, int n, int level)
{
    ((struct nicrig *)arg)->pirq[n] = level;
}

static const struct net_ops nicrig_ops = {nicrig_send};

static inline struct nicrig *nicrig_new(const struct dev_class *cls,
                                        bool (*plug_in)(struct dev *, const struct plug *,
                                                        struct err *),
                                        const char *props, u32 bar0, u32 bar1)
{
    struct nicrig *t = calloc(1, sizeof(*t));
    struct plug plug = {
        .pci = &t->bus, .devfn = 0x18, .net = &t->net, .isa_irq = nicrig_irq, .arg = &t->probe};
    struct err err = {""};

    rig_init(&t->rig);
    rig_map_ram(&t->rig, &t->ram);
    pci_bus_init(&t->bus, &t->rig.mem, &t->rig.io, NULL);
    t->bus.set_pirq = nicrig_pirq;
    t->bus.arg = t;
    t->net.ops = &nicrig_ops;
    t->net.ready = nicrig_ready;
    t->dev = rig_new(&t->rig, cls, "nic");
    plug.space = &t->rig.space;
    ck_assert_msg(props_set(cls->props, t->dev, props, &err), "%s", err.msg);
    ck_assert(plug_in(t->dev, &plug, &err));
    rig_start(t->dev);
    if (t->bus.fn[0x18]) {
        pci_cfg_write(&t->bus, 0x80001810u, 0, bar0, 4);
        pci_cfg_write(&t->bus, 0x80001814u, 0, bar1, 4);
        pci_cfg_write(&t->bus, 0x80001804u, 0, 7, 2);
    }
    return t;
}

static inline void nicrig_free(struct nicrig *t)
{
    rig_free(&t->rig);
    free(t);
}

/* The level of INTA of slot 3, or of the ISA wire. */
static inline int nicrig_level(const struct nicrig *t)
{
    return t->probe.level || t->pirq[0] || t->pirq[1] || t->pirq[2] || t->pirq[3];
}

static inline void ram_put(struct nicrig *t, u64 at, const void *p, size_t n)
{
    bus_copy(&t->rig.mem, at, (void *)p, n, true);
}

static inline void nic_take(struct nicrig *t, const u8 *frame, size_t n)
{
    t->net.take(t->net.arg, frame, n);
}
static inline bool nic_can_take(struct nicrig *t)
{
    return t->net.can_take(t->net.arg);
}

static inline void nic_link(struct nicrig *t, bool up)
{
    t->net.set_link(t->net.arg, up);
    ck_assert(t->net.link(t->net.arg) == up);
}

static inline void be_put(u8 *p, unsigned v)
{
    p[0] = (u8)(v >> 8), p[1] = (u8)v;
}
static inline unsigned be_get(const u8 *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* A frame for 52:54:00:12:34:56 with `n` bytes in all. */
static inline void make_frame(u8 *f, size_t n, const char *to)
{
    memset(f, 0, n);
    memcpy(f, to, 6);
    memcpy(f + 6, "\x02\x00\x00\x00\x00\x01", 6);
    be_put(f + 12, 0x88b5);
    for (size_t i = 14; i < n; i++)
        f[i] = (u8)(i * 7);
}
#define MAC_OWN "\x52\x54\x00\x12\x34\x56"
#define MAC_ALL "\xff\xff\xff\xff\xff\xff"

/* An IPv4 frame with TCP (proto 6) or UDP and `data` bytes behind the headers; its sums are right.
 * Returns its length. */
static inline size_t make_ip(u8 *f, unsigned proto, size_t data)
{
    size_t head = proto == 6 ? 20 : 8, n = 14 + 20 + head + data;
    u8 *ip = f + 14, *l4 = f + 34;

    make_frame(f, n, MAC_OWN);
    be_put(f + 12, 0x0800);
    memset(ip, 0, 20 + head);
    ip[0] = 0x45, ip[8] = 64, ip[9] = (u8)proto;
    be_put(ip + 2, (unsigned)(n - 14));
    be_put(ip + 4, 0x1000);
    memcpy(ip + 12, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8);
    be_put(ip + 10, (u16)~nic_sum(0, ip, 20));
    be_put(l4, 1000), be_put(l4 + 2, 80);
    if (proto == 6) {
        be_put(l4 + 6, 0x2000);
        l4[12] = 0x50, l4[13] = 0x19;
        be_put(l4 + 16, (u16)~nic_sum((u32)nic_sum(0, ip + 12, 8) + proto + (u32)(head + data), l4,
                                      head + data));
    } else {
        be_put(l4 + 4, (unsigned)(head + data));
        be_put(l4 + 6, (u16)~nic_sum((u32)nic_sum(0, ip + 12, 8) + proto + (u32)(head + data), l4,
                                     head + data));
    }
    return n;
}

#endif
