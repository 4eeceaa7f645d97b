/* Universal Serial Bus 1.1: ports of a controller, devices with their default control pipe (USB 1.1
 * chapters 8 and 9). */
#ifndef DEVICES_USB_USB_H
#define DEVICES_USB_USB_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"

enum usb_pid { USB_IN = 0x69, USB_OUT = 0xe1, USB_SETUP = 0x2d };
/* What a transaction ends with, when not a count of bytes. */
enum usb_result { USB_NAK = -1, USB_STALL = -2, USB_BABBLE = -3 };
enum { USB_PORTS = 2, USB_BUF = 256, USB_PACKET_MAX = 1280 };

/* bRequest and bmRequestType (USB 1.1 tables 9-2, 9-3). */
enum {
    USB_GET_STATUS = 0,
    USB_CLEAR_FEATURE = 1,
    USB_SET_FEATURE = 3,
    USB_SET_ADDRESS = 5,
    USB_GET_DESCRIPTOR = 6,
    USB_GET_CONFIGURATION = 8,
    USB_SET_CONFIGURATION = 9,
    USB_GET_INTERFACE = 10,
    USB_SET_INTERFACE = 11,
};
enum { USB_DIR_IN = 0x80, USB_TYPE = 0x60, USB_CLASS = 0x20, USB_RECIPIENT = 0x1f };
enum { USB_TO_DEVICE, USB_TO_INTERFACE, USB_TO_ENDPOINT };

struct usb_setup {
    u8 type, request;
    u16 value, index, length;
};

/* Saved: the part of every device's state that the default pipe needs. */
struct usb_regs {
    u8 addr, new_addr; /* new_addr: valid from the end of the request that set it */
    u8 config;         /* 0: not configured */
    u8 stage;          /* of the control transfer */
    u8 setup[8];
    u16 pos, len;
    u16 halt_in, halt_out; /* a bit per endpoint */
    u8 wake;               /* remote wake-up is allowed */
    u8 pad[3];
    u8 buf[USB_BUF];
};
#define USB_ROWS                                                                                   \
    F(usb.addr, FT_U8, 0, "address"), F(usb.new_addr, FT_U8, 0, "address to be"),                  \
        F(usb.config, FT_U8, 0, "configuration"), F(usb.stage, FT_U8, 0, "control stage"),         \
        F(usb.setup, FT_BYTES, 0, "request"), F(usb.pos, FT_U16, 0, "bytes moved"),                \
        F(usb.len, FT_U16, 0, "bytes to move"), F(usb.halt_in, FT_U16, 0, "halted IN endpoints"),  \
        F(usb.halt_out, FT_U16, 0, "halted OUT endpoints"),                                        \
        F(usb.wake, FT_U8, 0, "remote wake-up"), F(usb.pad, FT_BYTES, 0, "unused"),                \
        F(usb.buf, FT_BYTES, 0, "data of the request")

struct usb_dev;

struct usb_ops {
    const u8 *device; /* descriptors */
    const u8 *config;
    u16 config_len;
    const char *const *strings; /* from index 1 up, NULL-ended */
    /* Further descriptors by type, and requests of class and interface. IN: fill at most `room`
     * bytes of buf and say how many; OUT: take s->length bytes of buf, 0. Else USB_STALL. */
    int (*control)(struct usb_dev *u, const struct usb_setup *s, u8 *buf, u16 room);
    /* A transaction of another endpoint: bytes moved or an usb_result. */
    int (*data)(struct usb_dev *u, enum usb_pid pid, unsigned ep, u8 *buf, u16 len);
    void (*reset)(struct usb_dev *u); /* by the bus; may be NULL */
    /* Until when would data answer such a transaction with USB_NAK and change nothing, if nothing comes
     * from outside? 0: not now. NULL: never. */
    u64 (*quiet)(struct usb_dev *u, enum usb_pid pid, unsigned ep);
};

/* Embedded in a device; r points into its saved state. */
struct usb_dev {
    const struct usb_ops *ops;
    struct usb_regs *r;
    struct usb_bus *bus;
    unsigned port;
};

/* The ports of a controller. */
struct usb_bus {
    struct usb_dev *port[USB_PORTS];
    void (*changed)(void *hc, unsigned port); /* something was plugged in */
    void (*wake)(void *hc, unsigned port);    /* a sleeping device wants to be heard */
    void *hc;
};

/* Put a device on the first free port. */
bool usb_attach(struct usb_bus *bus, struct usb_dev *u, struct err *err);
/* One transaction with the device: bytes moved (IN: at most len) or an usb_result. */
int usb_packet(struct usb_dev *u, enum usb_pid pid, unsigned ep, u8 *buf, u16 len);
/* Until when would usb_packet give USB_NAK and change nothing, if nothing comes from outside? 0: not now. */
u64 usb_quiet(struct usb_dev *u, enum usb_pid pid, unsigned ep);
/* The bus was reset: address 0, not configured. */
void usb_reset(struct usb_dev *u);
/* From a device's loaded. */
void usb_loaded(struct usb_dev *u);
/* Something happened on a device whose guest may have let it sleep. */
void usb_wake(struct usb_dev *u);

#endif
