/* virtio-serial: a controller with up to eight ports, each a console or a channel of bytes (VIRTIO
 * 1.1, section 5.3). */
#ifndef DEVICES_VIRTIO_CONSOLE_H
#define DEVICES_VIRTIO_CONSOLE_H

#include "devices/virtio/virtio.h"

enum { VSERIAL_PORTS = 8 };

struct vport_regs {
    u8 guest_open, host_closed;
    u8 todo; /* what the driver has to be told */
    u8 pad;
};

struct virtio_serial;

/* One port: a device of its own, on the controller. */
struct vport {
    struct dev dev;
    struct vport_regs r;
    struct virtio_serial *ctl;
    struct chr *chr;
    bool console;
    u32 nr;     /* properties */
    char *name;
};

/* What a controller offers its ports. */
struct vserial_bus {
    struct virtio_serial *ctl;
    struct vport *port[VSERIAL_PORTS];
};

struct virtio_serial_regs {
    struct virtio_regs v;
};

struct virtio_serial {
    struct virtio v;
    struct virtio_serial_regs r;
    struct vserial_bus bus;
};

extern const struct dev_class virtio_serial_class, virtconsole_class, virtserialport_class;
bool virtio_serial_plug(struct dev *dev, const struct plug *plug, struct err *err);
bool virtconsole_plug(struct dev *dev, const struct plug *plug, struct err *err);
bool virtserialport_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
