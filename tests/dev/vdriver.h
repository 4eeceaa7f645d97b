/* The other side of a virtio device for tests: a driver over its registers of version 1 or of before,
 * with queues in the rig's RAM. */
#ifndef TESTS_DEV_VDRIVER_H
#define TESTS_DEV_VDRIVER_H

#include "devices/virtio/virtio.h"
#include "tests/dev/rig.h"

enum { VD_IO = 0xc000, VD_MEM = 0xe0000000u, VD_MSIX = 0xe0010000u, VD_QUEUE = 64 };
#define VD_CFG(devfn) (0x80000000u | (u32)(devfn) << 8)

struct vdriver {
    struct rig *rig;
    struct pci_bus bus;
    struct region ram;
    u8 devfn;
    bool modern;
    u64 msi_addr;
    u32 msi_data, msis;
    int intx;
    u64 features;
    /* queue q lies at 0x10000 + q * 0x4000: descriptors, available, used; buffers behind all */
    u16 avail[VIRTIO_QUEUES], used[VIRTIO_QUEUES], next[VIRTIO_QUEUES];
};

static inline u64 vd_desc(unsigned q) { return 0x10000 + q * 0x2000; }
static inline u64 vd_avail(unsigned q) { return vd_desc(q) + 16 * VD_QUEUE; }
static inline u64 vd_used(unsigned q) { return vd_desc(q) + 0x1000; }

static inline void vd_msi(void *arg, u64 addr, u32 data)
{
    struct vdriver *d = arg;

    d->msi_addr = addr;
    d->msi_data = data;
    d->msis++;
}

static inline void vd_pirq(void *arg, int pirq, int level)
{
    ((struct vdriver *)arg)->intx = level;
}

static inline void vd_cfg(struct vdriver *d, unsigned reg, u32 v, unsigned size)
{
    pci_cfg_write(&d->bus, VD_CFG(d->devfn) | (reg & 0xfc), reg & 3, v, size);
}

static inline u32 vd_cfg_get(struct vdriver *d, unsigned reg, unsigned size)
{
    return pci_cfg_read(&d->bus, VD_CFG(d->devfn) | (reg & 0xfc), reg & 3, size);
}

/* BARs where the tests expect them. */
static inline void vd_map(struct vdriver *d)
{
    vd_cfg(d, PCI_BAR0, VD_IO, 4);
    vd_cfg(d, PCI_BAR0 + 4, VD_MSIX, 4);
    vd_cfg(d, PCI_BAR0 + 16, VD_MEM, 4);
    vd_cfg(d, PCI_COMMAND, PCI_CMD_IO | PCI_CMD_MEM | PCI_CMD_MASTER, 2);
}

/* A bus in the rig, for devices to be plugged into. */
static inline void vd_bus(struct vdriver *d, struct rig *rig)
{
    memset(d, 0, sizeof(*d));
    d->rig = rig;
    pci_bus_init(&d->bus, &rig->mem, &rig->io, NULL);
    d->bus.msi = vd_msi;
    d->bus.set_pirq = vd_pirq;
    d->bus.arg = d->bus.msi_arg = d;
    d->devfn = PCI_DEVFN(3, 0);
}

static inline struct plug vd_plug(struct vdriver *d)
{
    return (struct plug){.pci = &d->bus, .devfn = d->devfn, .seed = 7, .ram_size = MIB};
}

static inline u32 vd_get(struct vdriver *d, unsigned off, unsigned size)
{
    return (u32)bus_read(&d->rig->mem, VD_MEM + off, size);
}
static inline void vd_set(struct vdriver *d, unsigned off, u32 v, unsigned size)
{
    bus_write(&d->rig->mem, VD_MEM + off, v, size);
}
static inline u32 vd_io(struct vdriver *d, unsigned off, unsigned size)
{
    return (u32)bus_read(&d->rig->io, VD_IO + off, size);
}
static inline void vd_io_set(struct vdriver *d, unsigned off, u32 v, unsigned size)
{
    bus_write(&d->rig->io, VD_IO + off, v, size);
}

/* Put queue q where vd_desc and so on say; entries: VD_QUEUE or the device's fewer. */
static inline void vd_queue(struct vdriver *d, unsigned q)
{
    d->avail[q] = d->used[q] = d->next[q] = 0;
    for (u64 a = vd_desc(q); a < vd_desc(q) + 0x2000; a += 8)
        bus_write(&d->rig->mem, a, 0, 8);
    vd_set(d, 22, q, 2);
    if (vd_get(d, 24, 2) > VD_QUEUE)
        vd_set(d, 24, VD_QUEUE, 2);
    vd_set(d, 32, (u32)vd_desc(q), 4), vd_set(d, 36, 0, 4);
    vd_set(d, 40, (u32)vd_avail(q), 4), vd_set(d, 44, 0, 4);
    vd_set(d, 48, (u32)vd_used(q), 4), vd_set(d, 52, 0, 4);
    vd_set(d, 28, 1, 2);
}

/* Reset, negotiate `features` (of those offered), set up n queues, DRIVER_OK. */
static inline void vd_begin(struct vdriver *d, u64 features, unsigned n)
{
    u64 offered;

    vd_map(d);
    vd_set(d, 20, 0, 1);
    vd_set(d, 20, 3, 1);
    vd_set(d, 0, 0, 4);
    offered = vd_get(d, 4, 4);
    vd_set(d, 0, 1, 4);
    offered |= (u64)vd_get(d, 4, 4) << 32;
    d->features = offered & (features | VIRTIO_F_VERSION_1);
    vd_set(d, 8, 0, 4), vd_set(d, 12, (u32)d->features, 4);
    vd_set(d, 8, 1, 4), vd_set(d, 12, (u32)(d->features >> 32), 4);
    vd_set(d, 20, 11, 1);
    for (unsigned q = 0; q < n; q++)
        vd_queue(d, q);
    vd_set(d, 20, 15, 1);
}

struct vd_buf {
    u64 addr;
    u32 len;
    bool write;
};

static inline u16 vd_size(struct vdriver *d, unsigned q)
{
    vd_set(d, 22, q, 2);
    return (u16)MAX(vd_get(d, 24, 2), 1);
}

/* Offer a chain of n buffers; gives its head. The device is not told. */
static inline u16 vd_add(struct vdriver *d, unsigned q, const struct vd_buf *b, unsigned n)
{
    u16 size = vd_size(d, q), head = d->next[q] % size;

    for (unsigned i = 0; i < n; i++) {
        u64 at = vd_desc(q) + 16 * (u64)(d->next[q]++ % size);

        bus_write(&d->rig->mem, at, b[i].addr, 8);
        bus_write(&d->rig->mem, at + 8, b[i].len, 4);
        bus_write(&d->rig->mem, at + 12, (b[i].write ? 2 : 0) | (i + 1 < n), 2);
        bus_write(&d->rig->mem, at + 14, d->next[q] % size, 2);
    }
    bus_write(&d->rig->mem, vd_avail(q) + 4 + 2 * (u64)(d->avail[q]++ % size), head, 2);
    bus_write(&d->rig->mem, vd_avail(q) + 2, d->avail[q], 2);
    return head;
}

static inline void vd_kick(struct vdriver *d, unsigned q)
{
    vd_set(d, 0x3000 + 4 * q, q, 2);
}

static inline u16 vd_send(struct vdriver *d, unsigned q, const struct vd_buf *b, unsigned n)
{
    u16 head = vd_add(d, q, b, n);

    vd_kick(d, q);
    return head;
}

/* The next used entry: false when there is none. */
static inline bool vd_done(struct vdriver *d, unsigned q, u16 *head, u32 *len)
{
    u64 at = vd_used(q) + 4 + 8 * (u64)(d->used[q] % vd_size(d, q));

    if ((u16)bus_read(&d->rig->mem, vd_used(q) + 2, 2) == d->used[q])
        return false;
    d->used[q]++;
    if (head)
        *head = (u16)bus_read(&d->rig->mem, at, 4);
    if (len)
        *len = (u32)bus_read(&d->rig->mem, at + 4, 4);
    return true;
}

#endif
