/* Message-signalled interrupts of a virtio function: table, pending bits, masks (PCI 3.0, section
 * 6.8.2). */
#include "devices/virtio/virtio_int.h"

enum { CTL_MASK = 0x40, CTL_ENABLE = 0x80 }; /* the high byte of message control */
enum { ENTRY = 16, ENTRY_DATA = 8, ENTRY_CONTROL = 12 };

bool virtio_has_msix(const struct virtio *v)
{
    return v->fn.bus && v->fn.bus->msi;
}

unsigned virtio_vectors(const struct virtio *v)
{
    return virtio_has_msix(v) ? v->ops->queues((struct virtio *)v) + 1 : 0;
}

bool virtio_msix_on(const struct virtio *v)
{
    return virtio_has_msix(v) && (v->r->cfg[CAP_MSIX + 3] & CTL_ENABLE);
}

static bool masked(const struct virtio *v, unsigned vector)
{
    return (v->r->cfg[CAP_MSIX + 3] & CTL_MASK) ||
           (v->r->msix[vector * ENTRY + ENTRY_CONTROL] & 1);
}

static void send(struct virtio *v, unsigned vector)
{
    const u8 *e = v->r->msix + vector * ENTRY;
    u64 addr = ld64(e);

    /* A message is a write; only the local APICs are told of one, memory is not for it. */
    if (pci_master(&v->fn) && (addr & ~(u64)0xfffff) == 0xfee00000)
        v->fn.bus->msi(v->fn.bus->msi_arg, addr, ld32(e + ENTRY_DATA));
}

void virtio_msix_send(struct virtio *v, u16 vector)
{
    if (vector >= virtio_vectors(v))
        return;
    if (masked(v, vector))
        v->r->msix_pending |= BIT(vector);
    else
        send(v, vector);
}

/* What was held back and is so no more. */
static void release(struct virtio *v)
{
    if (!virtio_msix_on(v))
        return;
    for (unsigned i = 0; i < virtio_vectors(v); i++) {
        if (!(v->r->msix_pending & BIT(i)) || masked(v, i))
            continue;
        v->r->msix_pending &= ~BIT(i);
        send(v, i);
    }
}

void virtio_msix_control(struct virtio *v)
{
    release(v);
    virtio_pci_update(v);
}

static u64 msix_read(void *dev, u64 off, unsigned size)
{
    struct virtio *v = dev;

    if (off + size <= virtio_vectors(v) * ENTRY)
        return ld_le(v->r->msix + off, size);
    return off == MSIX_PBA ? v->r->msix_pending : 0;
}

static void msix_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct virtio *v = dev;

    if (off + size > virtio_vectors(v) * ENTRY)
        return;
    st_le(v->r->msix + off, size, val);
    release(v);
}

const struct region_ops virtio_msix_ops = {msix_read, msix_write, 4, 4};
