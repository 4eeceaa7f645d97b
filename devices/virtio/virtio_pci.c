/* The PCI function of a virtio device: identity, capabilities, BARs, the window in configuration
 * space (VIRTIO 1.1, sections 4.1.2 to 4.1.5). */
#include "devices/virtio/virtio_int.h"

enum { VENDOR = 0x1af4, DEVICE_LEGACY = 0x1000, DEVICE_MODERN = 0x1040, LEGACY_SIZE = 128 };
enum { BAR_LEGACY = 0, BAR_MSIX = 1, BAR_MODERN = 4 };
enum { CAP_ID_VENDOR = 9, CAP_ID_MSIX = 0x11 };
enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_ISR = 3, CFG_DEVICE = 4, CFG_WINDOW = 5 };

/* Devices of before version 1 by type: their PCI ids are in the order of their first drivers. */
static u16 legacy_id(u16 type)
{
    static const u8 id[] = {[VIRTIO_NET] = 0,     [VIRTIO_BLK] = 1, [VIRTIO_BALLOON] = 2,
                            [VIRTIO_CONSOLE] = 3, [VIRTIO_RNG] = 5, [VIRTIO_9P] = 9};

    return (u16)(DEVICE_LEGACY + (type < ARRAY_LEN(id) ? id[type] : type));
}

void virtio_pci_update(struct virtio *v)
{
    pci_set_intx(&v->fn, v->r->isr && !virtio_msix_on(v));
}

/* ---- capabilities ---- */

static void vendor_cap(u8 *cap, u8 next, u8 len, u8 kind, u32 off, u32 size)
{
    cap[0] = CAP_ID_VENDOR;
    cap[1] = next;
    cap[2] = len;
    cap[3] = kind;
    if (kind == CFG_WINDOW)
        return; /* the rest is the driver's */
    cap[4] = BAR_MODERN;
    memset(cap + 5, 0, 3);
    st32(cap + 8, off);
    st32(cap + 12, size);
}

/* The bytes that no driver changes. */
static void put_caps(struct virtio *v)
{
    u8 *cfg = v->r->cfg;
    unsigned n = v->ops->queues(v), first = v->no_modern ? 0 : CAP_COMMON;

    if (virtio_has_msix(v)) {
        cfg[CAP_MSIX] = CAP_ID_MSIX;
        cfg[CAP_MSIX + 1] = (u8)first;
        cfg[CAP_MSIX + 2] = (u8)(virtio_vectors(v) - 1);
        cfg[CAP_MSIX + 3] &= 0xc0;
        st32(cfg + CAP_MSIX + 4, BAR_MSIX);
        st32(cfg + CAP_MSIX + 8, MSIX_PBA | BAR_MSIX);
        first = CAP_MSIX;
    }
    if (!v->no_modern) {
        vendor_cap(cfg + CAP_COMMON, CAP_ISR, 16, CFG_COMMON, MODERN_COMMON, MODERN_COMMON_LEN);
        vendor_cap(cfg + CAP_ISR, CAP_DEVICE, 16, CFG_ISR, MODERN_ISR, 1);
        vendor_cap(cfg + CAP_DEVICE, CAP_NOTIFY, 16, CFG_DEVICE, MODERN_DEVICE,
                   MODERN_NOTIFY - MODERN_DEVICE);
        vendor_cap(cfg + CAP_NOTIFY, CAP_WINDOW, 20, CFG_NOTIFY, MODERN_NOTIFY, NOTIFY_STEP * n);
        st32(cfg + CAP_NOTIFY + 16, NOTIFY_STEP);
        vendor_cap(cfg + CAP_WINDOW, 0, 20, CFG_WINDOW, 0, 0);
    }
    cfg[PCI_CAP_PTR] = (u8)first;
    cfg[PCI_STATUS] = (u8)((cfg[PCI_STATUS] & ~PCI_STATUS_CAPS) | (first ? PCI_STATUS_CAPS : 0));
}

/* The window: registers of BAR 4 for those who cannot map it (section 4.1.4.7). False when it shows
 * nothing. */
static bool window(const struct virtio *v, u32 *off, u32 *size)
{
    const u8 *cap = v->r->cfg + CAP_WINDOW;

    *off = ld32(cap + 8);
    *size = ld32(cap + 12);
    return cap[4] == BAR_MODERN && (*size == 1 || *size == 2 || *size == 4) &&
           !(*off & (*size - 1)) && *off < MODERN_SIZE;
}

static bool touches_data(const struct virtio *v, unsigned off, unsigned size)
{
    return !v->no_modern && off < WINDOW_DATA + 4 && off + size > WINDOW_DATA;
}

static void reading(struct pci_func *fn, unsigned off, unsigned size)
{
    struct virtio *v = container_of(fn, struct virtio, fn);
    u32 at, n;

    if (touches_data(v, off, size) && window(v, &at, &n))
        st_le(v->r->cfg + WINDOW_DATA, n, virtio_modern_ops.read(v, at, n));
}

static void wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    struct virtio *v = container_of(fn, struct virtio, fn);
    u32 at, n;

    if (touches_data(v, off, size) && window(v, &at, &n))
        virtio_modern_ops.write(v, at, ld_le(v->r->cfg + WINDOW_DATA, n), n);
    if (off < CAP_MSIX + 4 && off + size > CAP_MSIX)
        virtio_msix_control(v);
    /* What was told while it was not allowed to reach memory is looked at now. */
    if (off <= PCI_COMMAND && pci_master(fn)) {
        for (unsigned q = 0; q < v->ops->queues(v); q++) {
            if (v->r->q_enabled[q])
                virtio_later(v, q);
        }
    }
}

/* ---- life ---- */

static void set_bar(struct virtio *v, unsigned i, enum pci_bar_kind kind, u32 size,
                    const struct region_ops *ops)
{
    v->fn.bar[i] = (struct pci_bar){
        .kind = kind, .size = size, .region = {.name = v->dev.id, .ops = ops, .dev = v}};
}

void virtio_pci_init(struct virtio *v)
{
    u8 *wmask = v->fn.wmask;

    v->ident = (struct pci_ident){
        .vendor = VENDOR,
        .device = v->no_legacy ? (u16)(DEVICE_MODERN + v->ops->type) : legacy_id(v->ops->type),
        .class_code = v->ops->pci_class,
        .revision = v->no_legacy,
        .sub_vendor = VENDOR,
        .sub_id = v->no_legacy ? 0x1100 : v->ops->type,
        .pin = 1,
    };
    if (!v->no_legacy)
        set_bar(v, BAR_LEGACY, PCI_BAR_IO, LEGACY_SIZE, &virtio_legacy_ops);
    if (virtio_has_msix(v))
        set_bar(v, BAR_MSIX, PCI_BAR_MEM, MSIX_BAR_SIZE, &virtio_msix_ops);
    if (!v->no_modern)
        set_bar(v, BAR_MODERN, PCI_BAR_MEM, MODERN_SIZE, &virtio_modern_ops);
    v->fn.reading = reading;
    v->fn.wrote = wrote;
    pci_func_init(&v->fn, &v->dev, v->r->cfg, &v->ident);
    memset(wmask + 0x40, 0, PCI_CFG_SIZE - 0x40);
    if (virtio_has_msix(v))
        wmask[CAP_MSIX + 3] = 0xc0;
    if (!v->no_modern) {
        wmask[CAP_WINDOW + 4] = 0xff;
        memset(wmask + CAP_WINDOW + 8, 0xff, 12);
    }
}

void virtio_pci_reset(struct virtio *v)
{
    pci_func_reset(&v->fn);
    put_caps(v);
    virtio_pci_update(v);
}

void virtio_pci_loaded(struct virtio *v)
{
    put_caps(v);
    pci_func_loaded(&v->fn);
    v->r->msix_pending &= BIT(virtio_vectors(v)) - 1;
    virtio_pci_update(v);
}
