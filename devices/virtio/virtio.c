/* Status, features and configuration of a virtio device, whatever the registers it is reached by
 * (VIRTIO 1.1, chapters 2 and 3). */
#include "devices/virtio/virtio_int.h"

#define COMMON_FEATURES (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

u64 virtio_offer(struct virtio *v, bool modern)
{
    u64 f = v->ops->features(v);

    if (v->indirect)
        f |= VIRTIO_F_INDIRECT_DESC;
    if (v->event_idx)
        f |= VIRTIO_F_EVENT_IDX;
    return modern ? f | VIRTIO_F_VERSION_1 : (f | VIRTIO_F_ANY_LAYOUT) & 0xffffffff;
}

bool virtio_ready(const struct virtio *v)
{
    /* Drivers of before version 1 may use queues before they say so. */
    return !v->r->broken && pci_master(&v->fn) &&
           ((v->r->status & VIRTIO_ST_DRIVER_OK) || !(v->r->features & VIRTIO_F_VERSION_1));
}

void virtio_interrupt(struct virtio *v, u8 cause, u16 vector)
{
    if (virtio_msix_on(v)) {
        virtio_msix_send(v, vector);
        return;
    }
    v->r->isr |= cause;
    virtio_pci_update(v);
}

void virtio_config_changed(struct virtio *v)
{
    v->r->config_gen++;
    if (v->r->status & VIRTIO_ST_DRIVER)
        virtio_interrupt(v, ISR_CONFIG, v->r->config_vector);
}

void virtio_broken(struct virtio *v, const char *what)
{
    if (v->r->broken)
        return;
    log_guest_error(v->dev.env.log, v->dev.id, "%s", what);
    v->r->broken = 1;
    if (v->r->features & VIRTIO_F_VERSION_1) {
        v->r->status |= VIRTIO_ST_NEEDS_RESET;
        virtio_config_changed(v);
    }
}

/* ---- queues that are told of ---- */

void virtio_notify(struct virtio *v, unsigned q)
{
    if (q < v->ops->queues(v) && v->r->q_enabled[q] && virtio_ready(v))
        v->ops->notify(v, q);
}

void virtio_later(struct virtio *v, unsigned q)
{
    v->r->later |= BIT(q);
    if (!timer_pending(&v->timer))
        timer_set(&v->timer, clock_now(v->dev.env.clock));
}

static void fire(void *arg, u64 now)
{
    struct virtio *v = arg;
    u32 queues = v->r->later;

    v->r->later = 0;
    for (unsigned q = 0; q < VIRTIO_QUEUES; q++) {
        if (queues & BIT(q))
            virtio_notify(v, q);
    }
}

/* ---- status ---- */

/* What a driver's reset and the machine's have in common. */
static void forget(struct virtio *v)
{
    v->generation++;
    timer_cancel(&v->timer);
    if (v->ops->reset)
        v->ops->reset(v);
    for (unsigned q = 0; q < v->ops->queues(v); q++)
        v->r->q_size[q] = v->ops->queue_size(v, q);
}

void virtio_driver_reset(struct virtio *v)
{
    struct virtio_regs *r = v->r;

    /* All but the PCI function, whose configuration and vectors stay. */
    r->features = 0;
    r->device_select = r->driver_select = r->later = 0;
    r->config_vector = NO_VECTOR;
    r->select = 0;
    r->status = r->isr = r->config_gen = r->broken = r->refused = 0;
    for (unsigned q = 0; q < VIRTIO_QUEUES; q++) {
        r->q_desc[q] = r->q_avail[q] = r->q_used[q] = 0;
        r->q_size[q] = r->q_last[q] = r->q_idx[q] = 0;
        r->q_vector[q] = NO_VECTOR;
        r->q_enabled[q] = 0;
    }
    forget(v);
    virtio_pci_update(v);
}

void virtio_set_status(struct virtio *v, u8 status)
{
    u8 old = v->r->status;

    if (!status) {
        virtio_driver_reset(v);
        return;
    }
    if ((status & ~old & VIRTIO_ST_FEATURES_OK) &&
        (v->r->refused || !virtio_has(v, VIRTIO_F_VERSION_1)))
        status &= (u8)~VIRTIO_ST_FEATURES_OK;
    v->r->status = status | (old & VIRTIO_ST_NEEDS_RESET);
    /* Some drivers tell of what is in their queues before they say that they are ready. */
    for (unsigned q = 0; status & ~old & VIRTIO_ST_DRIVER_OK && q < v->ops->queues(v); q++) {
        if (v->r->q_enabled[q])
            virtio_later(v, q);
    }
    if (v->ops->status)
        v->ops->status(v);
}

/* ---- configuration ---- */

u32 virtio_config_read(struct virtio *v, unsigned off, unsigned size)
{
    u8 buf[VIRTIO_CONFIG] = {0};

    if (off + size > v->ops->config_len || !v->ops->config)
        return 0;
    v->ops->config(v, buf);
    return (u32)ld_le(buf + off, size);
}

void virtio_config_write(struct virtio *v, unsigned off, u32 val, unsigned size)
{
    if (off + size <= v->ops->config_len && v->ops->config_write)
        v->ops->config_write(v, off, val, size);
}

/* ---- life ---- */

void virtio_plug(struct virtio *v, const struct plug *plug)
{
    v->fn.bus = plug->pci;
    v->fn.devfn = plug->devfn;
}

bool virtio_init(struct virtio *v, const struct virtio_ops *ops, struct err *err)
{
    if (v->no_legacy && v->no_modern)
        return err_set(err, "disable-legacy and disable-modern leave '%s' with no interface",
                       v->dev.id);
    v->ops = ops;
    v->r = dev_saved(&v->dev);
    timer_init(&v->timer, v->dev.env.clock, fire, v, "virtio");
    virtio_pci_init(v);
    return true;
}

void virtio_reset(struct virtio *v)
{
    forget(v);
    virtio_pci_reset(v);
}

bool virtio_loaded(struct virtio *v, struct err *err)
{
    struct virtio_regs *r = v->r;
    unsigned n = v->ops->queues(v);

    v->generation++;
    timer_cancel(&v->timer);
    r->features &= virtio_offer(v, true) | VIRTIO_F_ANY_LAYOUT;
    r->later &= BIT(n) - 1;
    for (unsigned q = 0; q < VIRTIO_QUEUES; q++) {
        u16 max = q < n ? v->ops->queue_size(v, q) : 0;

        if (r->q_size[q] > max || (r->q_size[q] & (r->q_size[q] - 1)))
            return err_set(err, "queue %u of '%s' cannot have %u entries", q, v->dev.id,
                           r->q_size[q]);
        r->q_enabled[q] = r->q_enabled[q] != 0 && q < n;
    }
    r->isr &= ISR_QUEUE | ISR_CONFIG;
    r->broken = r->broken != 0;
    r->refused &= 3;
    virtio_pci_loaded(v);
    if (r->later)
        timer_set(&v->timer, clock_now(v->dev.env.clock));
    return true;
}

void virtio_free(struct virtio *v)
{
    if (!v->ops)
        return;
    v->generation++;
    if (v->ops->reset)
        v->ops->reset(v);
    pci_func_free(&v->fn);
}
