/* Plugging in: what a board offers a device that somebody adds to it with -device. */
#ifndef DEVICES_CORE_PLUG_H
#define DEVICES_CORE_PLUG_H

#include "devices/core/types.h"
#include "devices/core/irq.h"
#include "devices/core/ports.h"

struct dev;
struct err;
struct i8237;
struct pci_bus;
struct ram_space;
struct usb_bus;
struct vserial_bus;

enum plug_bus { PLUG_PCI, PLUG_ISA, PLUG_USB, PLUG_VSERIAL };
/* Which end of the host a device has behind it. */
enum plug_host { PLUG_NOTHING, PLUG_NET, PLUG_BLK, PLUG_CHR, PLUG_AUDIO, PLUG_SHARE };

/* One device's connections. Pointers stay valid until the machine is destroyed; those that its bus
 * or its kind of host does not call for are NULL. */
struct plug {
    struct pci_bus *pci; /* PCI: the bus and the place on it */
    u8 devfn;
    struct usb_bus **usb;    /* the first controller's ports: it puts them here itself */
    struct vserial_bus **vserial; /* the last controller's ports: it puts them here itself */
    struct ram_space *space; /* where memory behind a BAR comes from */
    const u8 *rom;           /* of its expansion ROM */
    size_t rom_len;          /* 0: none */
    /* a wire to ISA interrupt `n` that nobody else drives */
    struct irq (*isa_irq)(void *arg, unsigned n);
    void *arg;
    void (*watchdog)(void *arg); /* the guest has not fed it in time */
    struct i8237 *dma;
    struct net *net;
    struct blk *blk;
    struct chr *chr;
    struct audio_out *audio;
    struct share *share;
    struct entropy *entropy; /* NULL: numbers must follow from `seed` */
    u64 seed;
    u64 ram_size; /* of the machine, in bytes */
    /* the machine's people: a device that is one puts itself here */
    struct input_sink *keyboard;
    struct mouse_sink *mouse;
    struct tablet_sink *tablet;
    struct balloon_sink *balloon;
};

/* A kind of device that can be added: one row of devices/board/addons.def. */
struct plug_class {
    const char *driver; /* as -device names it */
    const struct dev_class *cls;
    enum plug_bus bus;
    enum plug_host host;
    /* Take what is wanted of the plug (copied by value); before the device is started, its
     * properties are set. */
    bool (*wire)(struct dev *dev, const struct plug *plug, struct err *err);
};

#endif
