/* USB keyboard, mouse and tablet (Device Class Definition for HID 1.11). */
#ifndef DEVICES_USB_USB_HID_H
#define DEVICES_USB_USB_HID_H

#include "devices/usb/usb.h"

enum { HID_EVENTS = 32, HID_KEYS = 16 };

/* Movement and buttons at one time (mouse: x, y are ways; tablet: places); or a key: its usage in
 * x, whether it is down in buttons. */
struct hid_event {
    s32 x, y, z;
    u32 buttons;
};

struct usb_hid_regs {
    struct usb_regs usb;
    struct hid_event event[HID_EVENTS]; /* those that wait, from `head` */
    struct hid_event last;              /* what was reported last */
    u32 head, count;
    u64 sent_at;       /* ns of the last report, for the idle rate */
    u8 keys[HID_KEYS]; /* usages that are down, in order */
    u8 nkeys, modifiers, leds;
    u8 protocol; /* 1: report, 0: boot */
    u8 idle;     /* in 4 ms; 0: report only what changed */
    u8 changed;  /* `last` or the keys were not reported yet */
    u8 pad[2];
};

enum hid_kind { HID_KEYBOARD, HID_MOUSE, HID_TABLET };

struct usb_hid {
    struct dev dev;
    struct usb_hid_regs r;
    enum hid_kind kind;
    struct usb_dev usb;
    struct usb_bus *bus;
    /* who had the people before: what the guest does not take goes there */
    struct input_sink old_keyboard;
    struct mouse_sink old_mouse;
};

extern const struct dev_class usb_kbd_class, usb_mouse_class, usb_tablet_class;
bool usb_hid_plug(struct dev *dev, const struct plug *plug, struct err *err);

/* usb_hid_desc.c */
extern const struct usb_ops usb_kbd_desc, usb_mouse_desc, usb_tablet_desc;
/* usb_hid.c: their functions (struct usb_ops). */
int usb_hid_data(struct usb_dev *u, enum usb_pid pid, unsigned ep, u8 *buf, u16 len);
u64 usb_hid_quiet(struct usb_dev *u, enum usb_pid pid, unsigned ep);
int usb_hid_control(struct usb_dev *u, const struct usb_setup *s, u8 *buf, u16 room);
void usb_hid_bus_reset(struct usb_dev *u);
/* The report descriptor. */
const u8 *usb_hid_report(enum hid_kind kind, u16 *len);
/* The HID usage of a set-1 code with 0xe000 for extended ones; 0: none. */
u8 usb_hid_usage(u16 key);

#endif
