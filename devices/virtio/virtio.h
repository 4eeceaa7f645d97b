/* What every virtio device is made of: status and features, split virtqueues, configuration space,
 * over a PCI function of the transitional kind (Virtual I/O Device (VIRTIO) 1.1; README.md). */
#ifndef DEVICES_VIRTIO_VIRTIO_H
#define DEVICES_VIRTIO_VIRTIO_H

#include "devices/bus/pci.h"
#include "devices/core/dev.h"
#include "devices/core/plug.h"

enum {
    VIRTIO_QUEUES = 18,                  /* the most that a device has */
    VIRTIO_VECTORS = VIRTIO_QUEUES + 1,  /* MSI-X: one a queue, one for the configuration */
    VIRTIO_CONFIG = 64,                  /* bytes of the largest device configuration */
    VQ_SIZE_MAX = 1024,                  /* entries of the largest queue */
    VQ_SEGS = 256,                       /* pieces of the longest chain that is taken */
};

/* Device types (section 5). */
enum {
    VIRTIO_NET = 1,
    VIRTIO_BLK = 2,
    VIRTIO_CONSOLE = 3,
    VIRTIO_RNG = 4,
    VIRTIO_BALLOON = 5,
    VIRTIO_9P = 9,
};
/* Device status (section 2.1). */
enum {
    VIRTIO_ST_ACKNOWLEDGE = 1,
    VIRTIO_ST_DRIVER = 2,
    VIRTIO_ST_DRIVER_OK = 4,
    VIRTIO_ST_FEATURES_OK = 8,
    VIRTIO_ST_NEEDS_RESET = 0x40,
    VIRTIO_ST_FAILED = 0x80,
};
/* Feature bits that belong to no device (section 6). */
#define VIRTIO_F_ANY_LAYOUT    BIT64(27)
#define VIRTIO_F_INDIRECT_DESC BIT64(28)
#define VIRTIO_F_EVENT_IDX     BIT64(29)
#define VIRTIO_F_VERSION_1     BIT64(32)

/* Saved; the first member of each device's saved struct, called v (VIRTIO_FIELDS). */
struct virtio_regs {
    u64 features; /* that the driver accepted */
    u64 q_desc[VIRTIO_QUEUES], q_avail[VIRTIO_QUEUES], q_used[VIRTIO_QUEUES];
    u32 device_select, driver_select; /* which half of the feature bits is seen */
    u32 later;        /* queues that the timer looks at again */
    u32 msix_pending; /* a bit per vector */
    u16 q_size[VIRTIO_QUEUES], q_vector[VIRTIO_QUEUES];
    u16 q_last[VIRTIO_QUEUES]; /* the next available entry to be taken */
    u16 q_idx[VIRTIO_QUEUES];  /* the next used entry to be written */
    u16 config_vector, select;
    u8 q_enabled[VIRTIO_QUEUES];
    u8 status, isr, config_gen;
    u8 broken; /* the driver broke the rules: nothing until it resets the device */
    u8 refused; /* halves (bits) of the features that the driver wants although not offered */
    u8 pad[5];
    u8 msix[VIRTIO_VECTORS * 16];
    u8 cfg[PCI_CFG_SIZE];
};

struct virtio;

/* One kind of device. */
struct virtio_ops {
    u16 type;      /* VIRTIO_* */
    u32 pci_class; /* 24 bits */
    u8 config_len; /* at most VIRTIO_CONFIG */
    /* How many queues (constant from start on), and the entries of each: a power of two. */
    unsigned (*queues)(struct virtio *v);
    u16 (*queue_size)(struct virtio *v, unsigned q);
    /* Feature bits of the device that are offered, without those of section 6. */
    u64 (*features)(struct virtio *v);
    /* The driver has put something into queue q: take at most a budget of chains, virtio_later for
     * the rest. */
    void (*notify)(struct virtio *v, unsigned q);
    /* The device's configuration: all config_len bytes. May be NULL. */
    void (*config)(struct virtio *v, u8 *to);
    /* The driver wrote size (1, 2 or 4) bytes at off; may be NULL: read-only. */
    void (*config_write)(struct virtio *v, unsigned off, u32 val, unsigned size);
    /* Forget everything that is under way (cancel requests of the host); may be NULL. */
    void (*reset)(struct virtio *v);
    /* The status register changed (not to 0); may be NULL. */
    void (*status)(struct virtio *v);
};

/* The instance of every virtio device begins with this. */
struct virtio {
    struct dev dev;
    struct pci_func fn;
    struct pci_ident ident;
    const struct virtio_ops *ops;
    struct virtio_regs *r;
    struct timer timer;
    u32 generation; /* counts resets and loads: what was begun in another one is stale */
    /* properties */
    bool indirect, event_idx, no_legacy, no_modern;
};

/* Rows for the field table; `v` is the name of the struct virtio_regs in FIELDS_OF. */
#define VIRTIO_FIELDS                                                                              \
    F(v.features, FT_U64, 0, "features that the driver accepted"),                                 \
        FA(v.q_desc, FT_U64, 0, "descriptor table of each queue"),                                 \
        FA(v.q_avail, FT_U64, 0, "available ring of each queue"),                                  \
        FA(v.q_used, FT_U64, 0, "used ring of each queue"),                                        \
        F(v.device_select, FT_U32, 0, "half of the device's features that is seen"),               \
        F(v.driver_select, FT_U32, 0, "half of the driver's features that is seen"),               \
        F(v.later, FT_U32, 0, "queues that are looked at again"),                                  \
        F(v.msix_pending, FT_U32, 0, "vectors with a message held back"),                          \
        FA(v.q_size, FT_U16, 0, "entries of each queue"),                                          \
        FA(v.q_vector, FT_U16, 0xffff, "vector of each queue"),                                    \
        FA(v.q_last, FT_U16, 0, "next available entry of each queue"),                             \
        FA(v.q_idx, FT_U16, 0, "next used entry of each queue"),                                   \
        F(v.config_vector, FT_U16, 0xffff, "vector of configuration changes"),                     \
        F(v.select, FT_U16, 0, "queue that the registers show"),                                   \
        FA(v.q_enabled, FT_U8, 0, "is each queue in use"),                                         \
        F(v.status, FT_U8, 0, "device status"), F(v.isr, FT_U8, 0, "interrupt status"),            \
        F(v.config_gen, FT_U8, 0, "configuration generation"),                                     \
        F(v.broken, FT_U8, 0, "the driver broke the rules"),                                       \
        F(v.refused, FT_U8, 0, "halves with features wanted that are not offered"),                \
        F(v.pad, FT_BYTES, 0, "unused"), F(v.msix, FT_BYTES, 0, "MSI-X table"),                    \
        F(v.cfg, FT_BYTES, 0, "configuration space")
/* Rows for the property table of `struct type`, whose struct virtio is called v. */
#define VIRTIO_PROPS(type)                                                                         \
    {"indirect_desc", offsetof(struct type, v.indirect), PT_BOOL, 1, 0, 1,                         \
     "offer indirect descriptors"},                                                                \
        {"event_idx", offsetof(struct type, v.event_idx), PT_BOOL, 1, 0, 1,                        \
         "offer event indexes"},                                                                   \
        {"disable-legacy", offsetof(struct type, v.no_legacy), PT_BOOL, 0, 0, 1,                   \
         "leave out the interface of before version 1"},                                           \
    {                                                                                              \
        "disable-modern", offsetof(struct type, v.no_modern), PT_BOOL, 0, 0, 1,                    \
            "leave out the interface of version 1"                                                 \
    }

/* For the class's wire function: the place on the PCI bus. */
void virtio_plug(struct virtio *v, const struct plug *plug);
/* From the class's init, reset, loaded and free. virtio_reset calls ops->reset. */
bool virtio_init(struct virtio *v, const struct virtio_ops *ops, struct err *err);
void virtio_reset(struct virtio *v);
bool virtio_loaded(struct virtio *v, struct err *err);
void virtio_free(struct virtio *v);

/* Has the driver accepted all of these features? */
static inline bool virtio_has(const struct virtio *v, u64 features)
{
    return (v->r->features & features) == features;
}
/* Is the driver ready for queues to be served? */
bool virtio_ready(const struct virtio *v);
/* The configuration changed: tell the driver. */
void virtio_config_changed(struct virtio *v);
/* ops->notify for queue q again, soon, between instructions. */
void virtio_later(struct virtio *v, unsigned q);
/* The driver broke the rules: DEVICE_NEEDS_RESET, and no queue moves until it does so. */
void virtio_broken(struct virtio *v, const char *what);

/* ---- queues (vq.c) ---- */

/* A chain of descriptors, copied: first `nout` pieces that the device reads, then `nin` that it
 * writes. */
struct vq_seg {
    u64 addr;
    u32 len, pad;
};
struct vq_elem {
    u16 head, nout, nin, pad;
    u64 out_len, in_len;
    struct vq_seg seg[VQ_SEGS];
};

/* Are there chains to be taken? */
bool vq_pending(struct virtio *v, unsigned q);
/* Take the next chain. False when there is none, or the driver broke the rules. */
bool vq_pop(struct virtio *v, unsigned q, struct vq_elem *e);
/* Put back the chains taken last, n of them: they are taken again later. */
void vq_unpop(struct virtio *v, unsigned q, unsigned n);
/* Follow the chain that starts at `head` once more, as after loading; false when it is not whole. */
bool vq_again(struct virtio *v, unsigned q, u16 head, struct vq_elem *e);
/* Copy from what the device reads, starting `off` bytes into it; gives the bytes there were. */
size_t vq_get(struct virtio *v, const struct vq_elem *e, u64 off, void *buf, size_t n);
/* Copy into what the device writes. */
size_t vq_put(struct virtio *v, const struct vq_elem *e, u64 off, const void *buf, size_t n);
/* The chain is done, and the device wrote `len` bytes: hand it back, and interrupt if wanted. */
void vq_push(struct virtio *v, unsigned q, u16 head, u32 len);
/* The same for several that must be seen at once: fill number i from 0 on, then show n. */
void vq_fill(struct virtio *v, unsigned q, unsigned i, u16 head, u32 len);
void vq_flush(struct virtio *v, unsigned q, unsigned n);
/* Does the device want to be told of new chains? Only a hint to the driver. */
void vq_want(struct virtio *v, unsigned q, bool want);

#endif
