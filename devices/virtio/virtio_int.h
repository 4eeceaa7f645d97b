/* Between the files of the virtio transport. */
#ifndef DEVICES_VIRTIO_VIRTIO_INT_H
#define DEVICES_VIRTIO_VIRTIO_INT_H

#include "devices/core/bits.h"
#include "devices/virtio/virtio.h"

enum { ISR_QUEUE = 1, ISR_CONFIG = 2 };
enum { NO_VECTOR = 0xffff };

/* virtio.c */
/* Features that are offered through the interface of version 1, or the one before. */
u64 virtio_offer(struct virtio *v, bool modern);
void virtio_set_status(struct virtio *v, u8 status);
void virtio_driver_reset(struct virtio *v);
void virtio_notify(struct virtio *v, unsigned q);
u32 virtio_config_read(struct virtio *v, unsigned off, unsigned size);
void virtio_config_write(struct virtio *v, unsigned off, u32 val, unsigned size);
/* Interrupt for a cause, by message or by the wire. */
void virtio_interrupt(struct virtio *v, u8 cause, u16 vector);

/* virtio_pci.c */
void virtio_pci_init(struct virtio *v);
void virtio_pci_reset(struct virtio *v);
void virtio_pci_loaded(struct virtio *v);
void virtio_pci_update(struct virtio *v); /* the level of the wire */

/* virtio_legacy.c */
extern const struct region_ops virtio_legacy_ops;
/* virtio_modern.c */
enum { MODERN_COMMON = 0, MODERN_ISR = 0x1000, MODERN_DEVICE = 0x2000, MODERN_NOTIFY = 0x3000 };
enum { MODERN_SIZE = 0x4000, MODERN_COMMON_LEN = 56, NOTIFY_STEP = 4 };
extern const struct region_ops virtio_modern_ops;

/* virtio_msix.c */
enum { MSIX_PBA = 0x800, MSIX_BAR_SIZE = 0x1000 };
bool virtio_has_msix(const struct virtio *v);
bool virtio_msix_on(const struct virtio *v);
unsigned virtio_vectors(const struct virtio *v);
void virtio_msix_send(struct virtio *v, u16 vector);
void virtio_msix_control(struct virtio *v); /* the capability was written */
extern const struct region_ops virtio_msix_ops;

/* Where capabilities are in configuration space. */
enum { CAP_MSIX = 0x40, CAP_COMMON = 0x50, CAP_ISR = 0x60, CAP_DEVICE = 0x70, CAP_NOTIFY = 0x80 };
enum { CAP_WINDOW = 0x98, WINDOW_DATA = CAP_WINDOW + 16 };

#endif
