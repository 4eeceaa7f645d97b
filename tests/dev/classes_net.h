/* Network adapters for the laws of tests/dev/test_laws.c: on a bus of their own, rings in RAM,
 * frames from outside. */
#ifndef TESTS_DEV_CLASSES_NET_H
#define TESTS_DEV_CLASSES_NET_H

#include "devices/net/e1000.h"
#include "devices/net/ne2000.h"
#include "devices/net/rtl8139.h"
#include "devices/net/virtio_net.h"

enum { LAW_NIC_MEM = 0xe0000000u, LAW_NIC_IO = 0xc000, LAW_NIC_CFG = 0x80001800u };

/* The bus and the host's end, in one allocation that outlives the device. */
struct law_nic {
    struct pci_bus bus;
    struct net net;
    u64 sent;
    struct irq wire;
};

static void law_nic_send(struct net *net, const u8 *frame, size_t n)
{
    struct law_nic *h = container_of(net, struct law_nic, net);

    ck_assert_uint_ge(n, 14);
    ck_assert_uint_le(n, 66048);
    h->sent += frame[0] + frame[n - 1];
}

static const struct net_ops law_nic_ops = {law_nic_send};

static void law_nic_ready(struct net *net) {}

static struct irq law_nic_irq(void *arg, unsigned n)
{
    return (struct irq){0};
}

static void law_nic_new(struct law *law, const struct dev_class *cls,
                        bool (*plug_in)(struct dev *, const struct plug *, struct err *))
{
    struct law_nic *h = law->extra = calloc(1, sizeof(*h));
    struct dev *dev = law_new(law, cls);
    struct plug plug = {.pci = &h->bus, .devfn = 0x18, .net = &h->net, .isa_irq = law_nic_irq};
    struct err err = {""};

    h->net.ops = &law_nic_ops;
    h->net.ready = law_nic_ready;
    h->net.max_frame = 65000;
    pci_bus_init(&h->bus, &law->rig->mem, &law->rig->io, NULL);
    law->pci = &h->bus;
    law->cfg = LAW_NIC_CFG;
    ck_assert_msg(plug_in(dev, &plug, &err), "%s", err.msg);
    rig_start(dev);
}

/* Headers of IPv4 or IPv6 with TCP or UDP for a frame of n bytes, right or nearly so. */
static void law_nic_headers(u8 *frame, size_t n, u32 r)
{
    size_t ip = 14;

    memset(frame, (int)(r >> 3), n);
    memcpy(frame, r & 0x20 ? "\xff\xff\xff\xff\xff\xff" : "\x52\x54\x00\x12\x34\x56", 6);
    if (n < 80)
        return;
    if (r & 0x40) {
        memcpy(frame + 12, "\x81\x00\x00\x01", 4);
        ip += 4;
    }
    be16_put(frame + ip - 2, r & 0x80 ? 0x86dd : 0x0800);
    if (r & 0x80) {
        frame[ip] = 0x60;
        be16_put(frame + ip + 4, (u16)(n - ip - 40));
        frame[ip + 6] = r & 0x100 ? 6 : 17;
        ip += 40;
    } else {
        frame[ip] = r & 0xe00 ? 0x45 : (u8)(r >> 12);
        be16_put(frame + ip + 2, (u16)(r & 0x7000 ? n - ip : r >> 16));
        be16_put(frame + ip + 6, r & 0x8000 ? 0 : (u16)(r >> 16));
        frame[ip + 9] = r & 0x100 ? 6 : 17;
        ip += 20;
    }
    be16_put(frame + ip + 4, (u16)(n - ip)); /* of UDP: its length */
    frame[ip + 12] = r & 0x70000 ? 0x50 : (u8)(r >> 20);
}

static void law_net_frame(struct net *net, u32 r)
{
    u8 frame[9100];
    size_t n = 14 + (r >> 8) % (r & 0x10000 ? 9000 : 1500);

    if (!net->take)
        return;
    law_nic_headers(frame, n, r * 2654435761u);
    if (net->can_take(net->arg) || r & 0x80)
        net->take(net->arg, frame, n);
}

static void law_nic_frame(struct law *law, u32 r)
{
    law_net_frame(&((struct law_nic *)law->extra)->net, r);
}

/* A frame at 32 KiB for the adapter to send. */
static u32 law_nic_out(struct law *law, u32 r)
{
    u8 frame[4096];
    u32 n = r & 1 ? 1514 : 80 + (r >> 4) % (sizeof(frame) - 80);

    law_nic_headers(frame, n, r);
    bus_copy(&law->rig->mem, 0x8000, frame, n, true);
    return n;
}

static void law_e1000(struct law *law)
{
    law_nic_new(law, &e1000_class, e1000_plug);
    law->bar[0] = LAW_NIC_MEM;
    law->bar[1] = LAW_NIC_IO;
}

/* A ring full of a context and a frame that it is for (manual section 3.3): sums and segments. */
static void law_e1000_send(struct law *law, u32 r)
{
    struct bus *mem = &law->rig->mem;
    u32 n = law_nic_out(law, r), ip = 14 + (r >> 6 & 1) * 4, l4 = ip + (r & 0x80 ? 40 : 20);
    u8 cmd = (u8)(0x20 | (r & 0x100 ? 1 : 0) | (r & 0x80 ? 0 : 2) | (r & 2 ? 4 : 0) | (r & 4 ? 8 : 0));
    u8 d[32] = {(u8)ip, (u8)(ip + 10), 0, 0, (u8)l4, (u8)(l4 + (r & 0x100 ? 16 : 6))};

    st32(d + 8, (n - l4 - 20) | (u32)cmd << 24);
    d[13] = (u8)(l4 + (r & 0x100 ? 20 : 8));
    st16(d + 14, r & 0x38 ? 100 + (r >> 20) : r >> 28);
    st64(d + 16, 0x8000);
    st32(d + 24, n | 0x100000 | (u32)((cmd & 0x2c) | 1 | (r & 0x40 ? 0 : 0x40)) << 24);
    d[29] = r >> 28 & 3;
    for (unsigned i = 0; i < 32; i++)
        bus_copy(mem, 0x10000 + 32 * i, d, sizeof(d), true);
    bus_write(mem, LAW_NIC_MEM + 0x400, 0x8, 4);
    bus_write(mem, LAW_NIC_MEM + 0x3800, 0x10000, 4);
    bus_write(mem, LAW_NIC_MEM + 0x3808, 0x400, 4);
    bus_write(mem, LAW_NIC_MEM + 0x3818, r >> 8 & 63, 4);
    bus_write(mem, LAW_NIC_MEM + 0x400, 0xa, 4);
}

/* Rings at 64 KiB and 128 KiB in RAM; now and then anywhere. */
static void law_e1000_poke(struct law *law, u32 r)
{
    static const u16 regs[][2] = {{0x100, 0},  {0x400, 0},  {0x3800, 1}, {0x2800, 2}, {0x3808, 3},
                                  {0x2808, 3}, {0x3818, 4}, {0x2818, 4}, {0x3818, 4}, {0xd0, 5},
                                  {0xc4, 5},   {0xc8, 5},   {0x5000, 5}, {0x20, 5},   {0x10, 5},
                                  {0, 6},      {0x2820, 5}, {0x3820, 5}};
    unsigned i = (r >> 4) % ARRAY_LEN(regs);
    static const u32 fixed[] = {0x0400801a, 0x10000, 0x20000, 0x400};
    u32 v = regs[i][1] < 4 ? fixed[regs[i][1]] : regs[i][1] == 4 ? r >> 12 & 0x3f : r * 2654435761u;

    if ((r & 3) == 0) {
        law_nic_frame(law, r >> 2);
    } else if ((r & 0x7f) == 2) {
        law_e1000_send(law, r * 2654435761u);
    } else if ((r & 15) == 1) { /* a descriptor in the ring */
        u32 at = (r & 0x10 ? 0x10000u : 0x20000u) + (r >> 8 & 0x3f) * 16;

        bus_write(&law->rig->mem, at, r >> 4 & 0xfffff, 8);
        bus_write(&law->rig->mem, at + 8, (r << 3 & 0xffff) | (r * 40503u & 0xff000000), 4);
        bus_write(&law->rig->mem, at + 12, r * 48271u, 4);
    } else {
        bus_write(&law->rig->mem, LAW_NIC_MEM + regs[i][0], regs[i][1] == 6 ? r & 0x40000000 : v,
                  4);
    }
}

static void law_rtl8139(struct law *law)
{
    law_nic_new(law, &rtl8139_class, rtl8139_plug);
    law->bar[0] = LAW_NIC_IO;
    law->bar[1] = LAW_NIC_MEM;
}

/* Frames whose sums and segments are the adapter's (C+ descriptors), or one by the old registers. */
static void law_rtl8139_send(struct law *law, u32 r)
{
    struct bus *mem = &law->rig->mem, *io = &law->rig->io;
    u32 n = law_nic_out(law, r);
    u32 opts = 0xb0000000u | (r & 2 ? 0x08000000 | (r >> 8 & 0x7ff) << 16 : (r >> 8 & 7) << 16);
    u32 tag = r & 0x10 ? 0x20000 | r >> 16 : 0;

    bus_write(io, LAW_NIC_IO + 0x37, 0x0c, 1);
    if (!(r & 4)) {
        bus_write(io, LAW_NIC_IO + 0x20, 0x8000, 4);
        bus_write(io, LAW_NIC_IO + 0x10, n & 0x1fff, 4);
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        bus_write(mem, 0x20000 + 16 * i, opts | n | (i == 3 ? 0x40000000 : 0), 4);
        bus_write(mem, 0x20004 + 16 * i, tag, 4);
        bus_write(mem, 0x20008 + 16 * i, 0x8000, 8);
    }
    bus_write(io, LAW_NIC_IO + 0xe0, 1, 2);
    bus_write(io, LAW_NIC_IO + 0x20, 0x20000, 4);
    bus_write(io, LAW_NIC_IO + 0x24, 0, 4);
    bus_write(io, LAW_NIC_IO + 0xd9, 0x40, 1);
}

static void law_rtl8139_poke(struct law *law, u32 r)
{
    static const struct {
        u8 off, size;
        u32 v;
    } set[] = {{0x37, 1, 0x0c},  {0x44, 4, 0x180f}, {0x44, 4, 0x8f},    {0x30, 4, 0x30000},
               {0xe0, 2, 0x63},  {0xe0, 2, 0},      {0xe4, 4, 0x10000}, {0x20, 4, 0x20000},
               {0xd9, 1, 0x40},  {0x3c, 2, 0xffff}, {0x10, 4, 0x100},   {0x14, 4, 0x1fff},
               {0x38, 2, 0x100}, {0x50, 1, 0xc0},   {0x54, 4, 0x1000}};
    unsigned i = (r >> 4) % ARRAY_LEN(set);

    if ((r & 3) == 0) {
        law_nic_frame(law, r >> 2);
    } else if ((r & 0x1f) == 2) {
        law_rtl8139_send(law, r * 2654435761u);
    } else if ((r & 15) == 1) {
        u32 at = (r & 0x10 ? 0x10000u : 0x20000u) + (r >> 8 & 0x1f) * 16;

        bus_write(&law->rig->mem, at, (r * 40503u & 0xffffffff) | 0x80000000u, 4);
        bus_write(&law->rig->mem, at + 8, r >> 4 & 0xfffff, 8);
    } else {
        bus_write(&law->rig->io, LAW_NIC_IO + set[i].off, set[i].v, set[i].size);
    }
}

static void law_ne2k_isa(struct law *law)
{
    law_nic_new(law, &ne2k_isa_class, ne2k_isa_plug);
    law_wire(law, &((struct law_nic *)law->extra)->wire);
}

static void law_ne2k_pci(struct law *law)
{
    law_nic_new(law, &ne2k_pci_class, ne2k_pci_plug);
    law->bar[0] = LAW_NIC_IO;
}

static void law_ne2k_poke(struct law *law, u32 r)
{
    static const struct {
        u8 off, v;
    } set[] = {{0, 0x22}, {1, 0x46},    {2, 0x80}, {3, 0x46}, {0x0e, 0x49}, {0x0c, 0x1c},
               {0x0d, 0}, {0, 0x62},    {7, 0x47}, {0, 0x26}, {0x0b, 1},    {0, 0x0a},
               {0, 0x12}, {0x0f, 0x3f}, {4, 0x40}, {6, 1}};
    u32 base = law->dev->cls == &ne2k_isa_class ? 0x300 : LAW_NIC_IO;
    unsigned i = (r >> 4) % ARRAY_LEN(set);

    if ((r & 3) == 0)
        law_nic_frame(law, r >> 2);
    else if ((r & 3) == 1)
        bus_read(&law->rig->io, base + 0x10, 4);
    else
        bus_write(&law->rig->io, base + set[i].off, set[i].v, 1);
}

static void law_vnet_send(struct net *net, const u8 *frame, size_t n)
{
    ck_assert_uint_ge(n, 14);
    ck_assert_uint_le(n, 66048);
}

static const struct net_ops law_vnet_ops = {law_vnet_send};

/* A driver that offers buffers and gives commands; frames from outside. */
static void law_virtio_net_poke(struct law *law, u32 r)
{
    struct law_virtio *all = law->extra;
    struct bus *mem = &law->rig->mem;
    u32 at = r >> 8 & 0xfff0;

    switch (r & 7) {
    case 0:
    case 1: law_net_frame(&all->net, r >> 3); break;
    case 2: vd_send(&all->d, 0, &(struct vd_buf){0x80000 + at, r & 0x80 ? 2048 : r >> 20, true}, 1); break;
    case 3: /* class, command, then small numbers */
        bus_write(mem, 0x40000, (r >> 4 & 3) | (r >> 6 & 7) << 8 | (r >> 9 & 0xf) << 16, 8);
        bus_write(mem, 0x40006, r >> 13 & 3, 8);
        vd_send(&all->d, 2,
                (struct vd_buf[]){{0x40000, r & 0x10000000 ? 100 : r >> 24 & 15, false}, {0x50000, 1, true}},
                2);
        break;
    case 4: vd_send(&all->d, 1, &(struct vd_buf){at, r & 0x80 ? 1526 : r >> 20, false}, 1); break;
    default: law_virtio_poke(law, r >> 3); break;
    }
}

static void law_virtio_net(struct law *law)
{
    struct virtio_net *n = law_new(law, &virtio_net_class);
    struct vdriver *d = law_virtio(law);
    struct law_virtio *all = law->extra;
    struct plug plug = vd_plug(d);

    all->net.ops = &law_vnet_ops;
    all->net.ready = law_nic_ready;
    plug.net = &all->net;

    virtio_net_plug(&n->v.dev, &plug, NULL);
    rig_start(n);
}

/* clang-format off */
#define LAW_NIC_CLASSES \
    {&e1000_class, law_e1000, law_e1000_poke}, {&rtl8139_class, law_rtl8139, law_rtl8139_poke}, \
    {&ne2k_isa_class, law_ne2k_isa, law_ne2k_poke}, {&ne2k_pci_class, law_ne2k_pci, law_ne2k_poke}, \
    {&virtio_net_class, law_virtio_net, law_virtio_net_poke}
/* clang-format on */

#endif
