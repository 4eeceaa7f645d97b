/* What USB keyboard, mouse and tablet say of themselves, and the usages of keys (USB 1.1
 * section 9.6; HID 1.11 section 6.2 and appendix B; HID Usage Tables 1.12 chapter 10). */
#include "devices/usb/usb_hid.h"

enum { VENDOR = 0x0627, PRODUCT = 0x0001 };

/* ---- report descriptors ---- */

static const u8 keyboard_report[] = {
    0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, /* generic desktop, keyboard, application */
    0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7, /* the eight modifiers, a bit each */
    0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02, 0x75, 0x08, 0x95,
    0x01, 0x81, 0x01, /* a byte that is kept free */
    0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x75, 0x01, 0x95, 0x05, 0x91, 0x02,       /* five lamps */
    0x75, 0x03, 0x95, 0x01, 0x91, 0x01, 0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, /* six keys */
    0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x95, 0x06, 0x81, 0x00, 0xc0,
};

/* Three buttons, five bits of nothing. */
#define BUTTONS                                                                                    \
    0x05, 0x09, 0x19, 0x01, 0x29, 0x03, 0x15, 0x00, 0x25, 0x01, 0x95, 0x03, 0x75, 0x01, 0x81,      \
        0x02, 0x95, 0x01, 0x75, 0x05, 0x81, 0x01

static const u8 mouse_report[] = {
    0x05,    0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, /* mouse, pointer */
    BUTTONS, 0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x09, 0x38,       /* x, y, wheel */
    0x15,    0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x03, 0x81, 0x06, /* relative */
    0xc0,    0xc0,
};

static const u8 tablet_report[] = {
    0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, BUTTONS,
    0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x15, 0x00, 0x26, 0xff, 0x7f, /* 0 to 32767 */
    0x35, 0x00, 0x46, 0xff, 0x7f, 0x75, 0x10, 0x95, 0x02, 0x81, 0x02,
    0x05, 0x01, 0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x35, 0x00, 0x45,
    0x00, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06, 0xc0, 0xc0,
};

const u8 *usb_hid_report(enum hid_kind kind, u16 *len)
{
    switch (kind) {
    case HID_KEYBOARD: *len = sizeof(keyboard_report); return keyboard_report;
    case HID_MOUSE: *len = sizeof(mouse_report); return mouse_report;
    default: *len = sizeof(tablet_report); return tablet_report;
    }
}

/* ---- device and configuration ---- */

static const u8 device_desc[18] = {
    18,
    1,
    0x10,
    0x01,
    0,
    0,
    0,
    8, /* USB 1.1, class told by the interface, 8 bytes a packet */
    VENDOR & 0xff,
    VENDOR >> 8,
    PRODUCT & 0xff,
    PRODUCT >> 8,
    0,
    0,
    1,
    2,
    3,
    1,
};

/* One interface with its HID descriptor and one interrupt endpoint. */
#define CONFIG(sub, protocol, report, packet, interval)                                            \
    {                                                                                              \
        9, 2, 34, 0, 1, 1, 0, 0xa0, 50, /* remote wake-up, 100 mA */                               \
            9, 4, 0, 0, 1, 3, sub, protocol, 0, 9, 0x21, 0x11, 0x01, 0, 1, 0x22, sizeof(report),   \
            0, 7, 5, 0x81, 3, packet, 0, interval,                                                 \
    }
static const u8 keyboard_config[] = CONFIG(1, 1, keyboard_report, 8, 10);
static const u8 mouse_config[] = CONFIG(1, 2, mouse_report, 4, 10);
static const u8 tablet_config[] = CONFIG(0, 0, tablet_report, 8, 4);

static const char *const keyboard_names[] = {"Dragoman", "USB Keyboard", "1", NULL};
static const char *const mouse_names[] = {"Dragoman", "USB Mouse", "1", NULL};
static const char *const tablet_names[] = {"Dragoman", "USB Tablet", "1", NULL};

const struct usb_ops usb_kbd_desc = {.device = device_desc,
                                     .config = keyboard_config,
                                     .config_len = sizeof(keyboard_config),
                                     .strings = keyboard_names,
                                     .control = usb_hid_control,
                                     .data = usb_hid_data,
                                     .quiet = usb_hid_quiet,
                                     .reset = usb_hid_bus_reset};
const struct usb_ops usb_mouse_desc = {.device = device_desc,
                                       .config = mouse_config,
                                       .config_len = sizeof(mouse_config),
                                       .strings = mouse_names,
                                       .control = usb_hid_control,
                                       .data = usb_hid_data,
                                       .quiet = usb_hid_quiet,
                                       .reset = usb_hid_bus_reset};
const struct usb_ops usb_tablet_desc = {.device = device_desc,
                                        .config = tablet_config,
                                        .config_len = sizeof(tablet_config),
                                        .strings = tablet_names,
                                        .control = usb_hid_control,
                                        .data = usb_hid_data,
                                        .quiet = usb_hid_quiet,
                                        .reset = usb_hid_bus_reset};

/* ---- keys ---- */

static const u8 plain[0x59] = {
    0,
    0x29,
    0x1e,
    0x1f,
    0x20,
    0x21,
    0x22,
    0x23,
    0x24,
    0x25,
    0x26,
    0x27,
    0x2d,
    0x2e,
    0x2a,
    0x2b,
    /* 0x10: q */
    0x14,
    0x1a,
    0x08,
    0x15,
    0x17,
    0x1c,
    0x18,
    0x0c,
    0x12,
    0x13,
    0x2f,
    0x30,
    0x28,
    0xe0,
    0x04,
    0x16,
    /* 0x20: d */
    0x07,
    0x09,
    0x0a,
    0x0b,
    0x0d,
    0x0e,
    0x0f,
    0x33,
    0x34,
    0x35,
    0xe1,
    0x31,
    0x1d,
    0x1b,
    0x06,
    0x19,
    /* 0x30: b */
    0x05,
    0x11,
    0x10,
    0x36,
    0x37,
    0x38,
    0xe5,
    0x55,
    0xe2,
    0x2c,
    0x39,
    0x3a,
    0x3b,
    0x3c,
    0x3d,
    0x3e,
    /* 0x40: F6 */
    0x3f,
    0x40,
    0x41,
    0x42,
    0x43,
    0x53,
    0x47,
    0x5f,
    0x60,
    0x61,
    0x56,
    0x5c,
    0x5d,
    0x5e,
    0x57,
    0x59,
    /* 0x50: keypad 2 */
    0x5a,
    0x5b,
    0x62,
    0x63,
    0x46,
    0,
    0x64,
    0x44,
    0x45,
};

u8 usb_hid_usage(u16 key)
{
    static const struct {
        u8 code, usage;
    } extended[] = {
        {0x1c, 0x58}, {0x1d, 0xe4}, {0x35, 0x54}, {0x37, 0x46}, {0x38, 0xe6}, {0x46, 0x48},
        {0x47, 0x4a}, {0x48, 0x52}, {0x49, 0x4b}, {0x4b, 0x50}, {0x4d, 0x4f}, {0x4f, 0x4d},
        {0x50, 0x51}, {0x51, 0x4e}, {0x52, 0x49}, {0x53, 0x4c}, {0x5b, 0xe3}, {0x5c, 0xe7},
        {0x5d, 0x65}, {0x20, 0x7f}, {0x2e, 0x81}, {0x30, 0x80}, {0x5e, 0x66},
    };

    if (key < sizeof(plain))
        return plain[key];
    if (key == 0xe11d)
        return 0x48; /* Pause */
    if (key >> 8 != 0xe0)
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(extended); i++) {
        if (extended[i].code == (key & 0xff))
            return extended[i].usage;
    }
    return 0;
}
