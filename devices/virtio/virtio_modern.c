/* The registers of version 1, in memory: common, interrupt status, device, notification (VIRTIO
 * 1.1, section 4.1.4). */
#include "devices/virtio/virtio_int.h"

enum {
    C_DEVICE_SELECT = 0,
    C_DEVICE_FEATURES = 4,
    C_DRIVER_SELECT = 8,
    C_DRIVER_FEATURES = 12,
    C_CONFIG_VECTOR = 16,
    C_QUEUES = 18,
    C_STATUS = 20,
    C_GENERATION = 21,
    C_QUEUE_SELECT = 22,
    C_QUEUE_SIZE = 24,
    C_QUEUE_VECTOR = 26,
    C_QUEUE_ENABLE = 28,
    C_QUEUE_NOTIFY_OFF = 30,
    C_QUEUE_DESC = 32,
    C_QUEUE_AVAIL = 40,
    C_QUEUE_USED = 48,
};

static bool selected(struct virtio *v)
{
    return v->r->select < v->ops->queues(v);
}

static u32 half(u64 bits, u32 select)
{
    return select > 1 ? 0 : (u32)(bits >> 32 * select);
}

/* The common registers as they stand in memory. */
static void common_image(struct virtio *v, u8 *b)
{
    const struct virtio_regs *r = v->r;

    memset(b, 0, MODERN_COMMON_LEN);
    st32(b + C_DEVICE_SELECT, r->device_select);
    st32(b + C_DEVICE_FEATURES, half(virtio_offer(v, true), r->device_select));
    st32(b + C_DRIVER_SELECT, r->driver_select);
    st32(b + C_DRIVER_FEATURES, half(r->features, r->driver_select));
    st16(b + C_CONFIG_VECTOR, r->config_vector);
    st16(b + C_QUEUES, (u16)v->ops->queues(v));
    b[C_STATUS] = r->status;
    b[C_GENERATION] = r->config_gen;
    st16(b + C_QUEUE_SELECT, r->select);
    if (!selected(v))
        return;
    st16(b + C_QUEUE_SIZE, r->q_size[r->select]);
    st16(b + C_QUEUE_VECTOR, r->q_vector[r->select]);
    st16(b + C_QUEUE_ENABLE, r->q_enabled[r->select]);
    st16(b + C_QUEUE_NOTIFY_OFF, r->select);
    st64(b + C_QUEUE_DESC, r->q_desc[r->select]);
    st64(b + C_QUEUE_AVAIL, r->q_avail[r->select]);
    st64(b + C_QUEUE_USED, r->q_used[r->select]);
}

static u64 modern_read(void *dev, u64 off, unsigned size)
{
    struct virtio *v = dev;
    u8 image[MODERN_COMMON_LEN], isr;

    if (off + size <= MODERN_COMMON_LEN) {
        common_image(v, image);
        return ld_le(image + off, size);
    }
    if (off == MODERN_ISR) {
        isr = v->r->isr;
        v->r->isr = 0;
        virtio_pci_update(v);
        return isr;
    }
    if (off >= MODERN_DEVICE && off < MODERN_NOTIFY)
        return virtio_config_read(v, (unsigned)(off - MODERN_DEVICE), size);
    return 0;
}

static void accept_features(struct virtio *v, u32 val)
{
    struct virtio_regs *r = v->r;
    u32 offered;

    if (r->driver_select > 1 || (r->status & VIRTIO_ST_FEATURES_OK))
        return;
    /* What is not offered is never on; the driver learns so when it says that it is done. */
    offered = half(virtio_offer(v, true), r->driver_select);
    r->features = bits_put(r->features, 32 * r->driver_select, 32, val & offered);
    r->refused = (u8)bits_put(r->refused, r->driver_select, 1, (val & ~offered) != 0);
}

static void queue_write(struct virtio *v, unsigned off, u32 val, unsigned size)
{
    struct virtio_regs *r = v->r;
    unsigned q = r->select;
    u64 *const at[] = {&r->q_desc[q], &r->q_avail[q], &r->q_used[q]};

    /* Once in use it moves no more. */
    if (off == C_QUEUE_VECTOR) {
        r->q_vector[q] = val < virtio_vectors(v) ? (u16)val : (u16)NO_VECTOR;
        return;
    }
    if (r->q_enabled[q])
        return;
    if (off == C_QUEUE_SIZE) {
        if (val && val <= v->ops->queue_size(v, q) && !(val & (val - 1)))
            r->q_size[q] = (u16)val;
        else
            log_guest_error(v->dev.env.log, v->dev.id, "queue %u cannot have %u entries", q, val);
    } else if (off == C_QUEUE_ENABLE) {
        if (val == 1)
            r->q_enabled[q] = 1;
    } else if (off >= C_QUEUE_DESC && size == 4) {
        u64 *addr = at[(off - C_QUEUE_DESC) / 8];

        *addr = bits_put(*addr, off & 4 ? 32 : 0, 32, val);
    }
}

static void common_write(struct virtio *v, unsigned off, u32 val, unsigned size)
{
    struct virtio_regs *r = v->r;

    switch (off) {
    case C_DEVICE_SELECT: r->device_select = val; break;
    case C_DRIVER_SELECT: r->driver_select = val; break;
    case C_DRIVER_FEATURES: accept_features(v, val); break;
    case C_CONFIG_VECTOR:
        r->config_vector = val < virtio_vectors(v) ? (u16)val : (u16)NO_VECTOR;
        break;
    case C_STATUS: virtio_set_status(v, (u8)val); break;
    case C_QUEUE_SELECT: r->select = (u16)val; break;
    default:
        if (off >= C_QUEUE_SIZE && selected(v))
            queue_write(v, off, val, size);
        break;
    }
}

static void modern_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct virtio *v = dev;

    if (off + size <= MODERN_COMMON_LEN)
        common_write(v, (unsigned)off, (u32)val, size);
    else if (off >= MODERN_NOTIFY)
        virtio_notify(v, (unsigned)(off - MODERN_NOTIFY) / NOTIFY_STEP);
    else if (off >= MODERN_DEVICE)
        virtio_config_write(v, (unsigned)(off - MODERN_DEVICE), (u32)val, size);
}

const struct region_ops virtio_modern_ops = {modern_read, modern_write, 1, 4};
