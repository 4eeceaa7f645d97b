/* The registers of before version 1, in I/O space (VIRTIO 1.1, section 4.1.4.8). */
#include "devices/virtio/virtio_int.h"

enum {
    L_DEVICE_FEATURES = 0,
    L_DRIVER_FEATURES = 4,
    L_QUEUE_PFN = 8,
    L_QUEUE_SIZE = 12,
    L_QUEUE_SELECT = 14,
    L_QUEUE_NOTIFY = 16,
    L_STATUS = 18,
    L_ISR = 19,
    L_CONFIG_VECTOR = 20, /* these two only while MSI-X is on */
    L_QUEUE_VECTOR = 22,
    L_END = 20,
    L_END_MSIX = 24,
};

static unsigned config_at(const struct virtio *v)
{
    return virtio_msix_on(v) ? L_END_MSIX : L_END;
}

static bool selected(const struct virtio *v)
{
    return v->r->select < v->ops->queues((struct virtio *)v);
}

static u8 take_isr(struct virtio *v)
{
    u8 isr = v->r->isr;

    v->r->isr = 0;
    virtio_pci_update(v);
    return isr;
}

static u32 reg_read(struct virtio *v, unsigned off)
{
    struct virtio_regs *r = v->r;

    switch (off) {
    case L_DEVICE_FEATURES: return (u32)virtio_offer(v, false);
    case L_DRIVER_FEATURES: return (u32)r->features;
    case L_QUEUE_PFN: return selected(v) ? (u32)(r->q_desc[r->select] >> PAGE_BITS) : 0;
    case L_QUEUE_SIZE: return selected(v) ? r->q_size[r->select] : 0;
    case L_QUEUE_SELECT: return r->select;
    case L_STATUS: return r->status;
    case L_ISR: return take_isr(v);
    case L_CONFIG_VECTOR: return r->config_vector;
    case L_QUEUE_VECTOR: return selected(v) ? r->q_vector[r->select] : NO_VECTOR;
    default: return 0;
    }
}

static u64 legacy_read(void *dev, u64 off, unsigned size)
{
    struct virtio *v = dev;
    unsigned base = config_at(v);

    if (off >= base)
        return virtio_config_read(v, (unsigned)off - base, size);
    if (off < L_QUEUE_SIZE && (off & 3)) /* a part of a register */
        return reg_read(v, (unsigned)off & ~3u) >> 8 * (off & 3);
    return reg_read(v, (unsigned)off);
}

/* One page number places all three parts (section 2.6.2). */
static void place_queue(struct virtio *v, u32 pfn)
{
    struct virtio_regs *r = v->r;
    unsigned q = r->select;

    if (!pfn) {
        virtio_driver_reset(v);
        return;
    }
    if (!selected(v) || virtio_has(v, VIRTIO_F_VERSION_1))
        return;
    r->q_size[q] = v->ops->queue_size(v, q);
    r->q_desc[q] = (u64)pfn << PAGE_BITS;
    r->q_avail[q] = r->q_desc[q] + 16 * (u64)r->q_size[q];
    r->q_used[q] = (r->q_avail[q] + 6 + 2 * (u64)r->q_size[q] + PAGE_MASK) & ~(u64)PAGE_MASK;
    r->q_last[q] = r->q_idx[q] = 0;
    r->q_enabled[q] = 1;
}

static u16 vector(const struct virtio *v, u64 n)
{
    return n < virtio_vectors(v) ? (u16)n : (u16)NO_VECTOR;
}

static void legacy_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct virtio *v = dev;
    struct virtio_regs *r = v->r;
    unsigned base = config_at(v);

    if (off >= base) {
        virtio_config_write(v, (unsigned)off - base, (u32)val, size);
        return;
    }
    switch (off) {
    case L_DRIVER_FEATURES:
        if (size == 4)
            r->features = val & virtio_offer(v, false);
        break;
    case L_QUEUE_PFN:
        if (size == 4)
            place_queue(v, (u32)val);
        break;
    case L_QUEUE_SELECT: r->select = (u16)val; break;
    case L_QUEUE_NOTIFY: virtio_notify(v, (unsigned)val & 0xffff); break;
    case L_STATUS: virtio_set_status(v, (u8)val); break;
    case L_CONFIG_VECTOR: r->config_vector = vector(v, val); break;
    case L_QUEUE_VECTOR:
        if (selected(v))
            r->q_vector[r->select] = vector(v, val);
        break;
    default: break;
    }
}

const struct region_ops virtio_legacy_ops = {legacy_read, legacy_write, 1, 4};
