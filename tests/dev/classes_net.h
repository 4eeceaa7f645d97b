/* Network adapters for the laws of tests/dev/test_laws.c: on a bus of their own, rings in RAM,
 * frames from outside. */
#ifndef TESTS_DEV_CLASSES_NET_H
#define TESTS_DEV_CLASSES_NET_H

#include "devices/net/e1000.h"
#include "devices/net/ne2000.h"
#include "devices/net/rtl8139.h"

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

static struct law_nic *law_nic_new(struct law *law, const struct dev_class *cls,
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
    ck_assert_msg(plug_in(dev, &plug, &err), "%s", err.msg);
    rig_start(dev);
    return h;
}

static void law_nic_map(struct law_nic *h, u32 bar0, u32 bar1)
{
    pci_cfg_write(&h->bus, LAW_NIC_CFG + 0x10, 0, bar0, 4);
    pci_cfg_write(&h->bus, LAW_NIC_CFG + 0x14, 0, bar1, 4);
    pci_cfg_write(&h->bus, LAW_NIC_CFG + 4, 0, 7, 2);
}

static void law_nic_frame(struct law *law, u32 r)
{
    struct law_nic *h = law->extra;
    u8 frame[9100];
    size_t n = 14 + (r >> 8) % (r & 0x10000 ? 9000 : 1500);

    if (!h->net.take)
        return;
    memset(frame, (int)(r >> 3), sizeof(frame));
    memcpy(frame, r & 0x20 ? "\xff\xff\xff\xff\xff\xff" : "\x52\x54\x00\x12\x34\x56", 6);
    memcpy(frame + 12, r & 0x40 ? "\x08\x00\x45" : "\x81\x00\x00", 3);
    if (h->net.can_take(h->net.arg) || r & 0x80)
        h->net.take(h->net.arg, frame, n);
}

static void law_e1000(struct law *law)
{
    law_nic_map(law_nic_new(law, &e1000_class, e1000_plug), LAW_NIC_MEM, LAW_NIC_IO);
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
    } else if ((r & 15) == 1) { /* a descriptor in the ring */
        u32 at = (r & 0x10 ? 0x10000u : 0x20000u) + (r >> 8 & 0x3f) * 16;

        bus_write(&law->rig->mem, at, r >> 4 & 0xfffff, 8);
        bus_write(&law->rig->mem, at + 8, (r << 3 & 0xffff) | (r * 40503u & 0xff000000), 4);
        bus_write(&law->rig->mem, at + 12, r * 48271u, 4);
    } else if ((r & 0xff) == 2) {
        law_nic_map(law->extra, LAW_NIC_MEM, LAW_NIC_IO);
    } else {
        bus_write(&law->rig->mem, LAW_NIC_MEM + regs[i][0], regs[i][1] == 6 ? r & 0x40000000 : v,
                  4);
    }
}

static void law_rtl8139(struct law *law)
{
    law_nic_map(law_nic_new(law, &rtl8139_class, rtl8139_plug), LAW_NIC_IO, LAW_NIC_MEM);
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
    } else if ((r & 15) == 1) {
        u32 at = (r & 0x10 ? 0x10000u : 0x20000u) + (r >> 8 & 0x1f) * 16;

        bus_write(&law->rig->mem, at, (r * 40503u & 0xffffffff) | 0x80000000u, 4);
        bus_write(&law->rig->mem, at + 8, r >> 4 & 0xfffff, 8);
    } else if ((r & 0xff) == 2) {
        law_nic_map(law->extra, LAW_NIC_IO, LAW_NIC_MEM);
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
    law_nic_map(law_nic_new(law, &ne2k_pci_class, ne2k_pci_plug), LAW_NIC_IO, 0);
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
    else if ((r & 0xff) == 2 && base == LAW_NIC_IO)
        law_nic_map(law->extra, LAW_NIC_IO, 0);
    else
        bus_write(&law->rig->io, base + set[i].off, set[i].v, 1);
}

#define LAW_NIC_CLASSES                                                                            \
    {&e1000_class, law_e1000, law_e1000_poke}, {&rtl8139_class, law_rtl8139, law_rtl8139_poke},    \
        {&ne2k_isa_class, law_ne2k_isa, law_ne2k_poke},                                            \
    {                                                                                              \
        &ne2k_pci_class, law_ne2k_pci, law_ne2k_poke                                               \
    }

#endif
