/* The default control pipe of every USB device: stages of a transfer, standard requests,
 * descriptors (USB 1.1 sections 8.5.2 and 9.4). */
#include "devices/usb/usb.h"

#include "devices/core/bits.h"

enum { ST_IDLE, ST_DATA_IN, ST_DATA_OUT, ST_STATUS, ST_STALLED };
enum { DESC_DEVICE = 1, DESC_CONFIG = 2, DESC_STRING = 3 };
enum { FEATURE_HALT = 0, FEATURE_WAKE = 1 };
enum { STATUS_WAKE = 2, CONFIG_ATTR_AT = 7, ATTR_SELF = 0x40 };

bool usb_attach(struct usb_bus *bus, struct usb_dev *u, struct err *err)
{
    for (unsigned i = 0; i < USB_PORTS; i++) {
        if (bus->port[i])
            continue;
        bus->port[i] = u;
        u->bus = bus;
        u->port = i;
        bus->changed(bus->hc, i);
        return true;
    }
    return err_set(err, "all %d ports of the USB controller are taken", USB_PORTS);
}

void usb_reset(struct usb_dev *u)
{
    memset(u->r, 0, sizeof(*u->r));
    if (u->ops->reset)
        u->ops->reset(u);
}

void usb_loaded(struct usb_dev *u)
{
    struct usb_regs *r = u->r;

    r->addr &= 0x7f;
    r->new_addr &= 0x7f;
    r->config = r->config != 0;
    r->wake = r->wake != 0;
    r->len = MIN(r->len, (u16)USB_BUF);
    r->pos = MIN(r->pos, r->len);
    if (r->stage > ST_STALLED)
        r->stage = ST_IDLE;
}

void usb_wake(struct usb_dev *u)
{
    if (u->bus && u->r->config && u->r->wake)
        u->bus->wake(u->bus->hc, u->port);
}

/* ---- standard requests ---- */

static int string_descriptor(struct usb_dev *u, unsigned n, u8 *buf)
{
    static const u8 languages[] = {4, DESC_STRING, 0x09, 0x04};
    const char *const *s = u->ops->strings;
    size_t len;

    if (!n) {
        memcpy(buf, languages, sizeof(languages));
        return sizeof(languages);
    }
    while (*s && --n)
        s++;
    if (!*s)
        return USB_STALL;
    len = MIN(strlen(*s), (size_t)100);
    buf[0] = (u8)(2 + 2 * len);
    buf[1] = DESC_STRING;
    for (size_t i = 0; i < len; i++)
        st16(buf + 2 + 2 * i, (u8)(*s)[i]);
    return buf[0];
}

static int get_descriptor(struct usb_dev *u, const struct usb_setup *s, u8 *buf)
{
    switch (s->value >> 8) {
    case DESC_DEVICE: memcpy(buf, u->ops->device, 18); return 18;
    case DESC_CONFIG: memcpy(buf, u->ops->config, u->ops->config_len); return u->ops->config_len;
    case DESC_STRING: return string_descriptor(u, s->value & 0xff, buf);
    default: return USB_STALL;
    }
}

static u16 *halts(struct usb_dev *u, u16 index)
{
    return index & USB_DIR_IN ? &u->r->halt_in : &u->r->halt_out;
}

static int get_status(struct usb_dev *u, const struct usb_setup *s, u8 *buf)
{
    u16 v = 0;

    if ((s->type & USB_RECIPIENT) == USB_TO_DEVICE)
        v = (u16)((u->ops->config[CONFIG_ATTR_AT] & ATTR_SELF ? 1 : 0) |
                  (u->r->wake ? STATUS_WAKE : 0));
    else if ((s->type & USB_RECIPIENT) == USB_TO_ENDPOINT)
        v = *halts(u, s->index) >> (s->index & 15) & 1;
    st16(buf, v);
    return 2;
}

static int feature(struct usb_dev *u, const struct usb_setup *s, bool on)
{
    u8 to = s->type & USB_RECIPIENT;

    if (to == USB_TO_DEVICE && s->value == FEATURE_WAKE) {
        u->r->wake = on;
        return 0;
    }
    if (to != USB_TO_ENDPOINT || s->value != FEATURE_HALT)
        return USB_STALL;
    if (s->index & 15)
        *halts(u, s->index) = (u16)bits_put(*halts(u, s->index), s->index & 15, 1, on);
    return 0;
}

static int standard(struct usb_dev *u, const struct usb_setup *s, u8 *buf)
{
    switch (s->request) {
    case USB_GET_STATUS: return get_status(u, s, buf);
    case USB_CLEAR_FEATURE: return feature(u, s, false);
    case USB_SET_FEATURE: return feature(u, s, true);
    case USB_SET_ADDRESS: u->r->new_addr = s->value & 0x7f; return 0;
    case USB_GET_DESCRIPTOR: return get_descriptor(u, s, buf);
    case USB_GET_CONFIGURATION: buf[0] = u->r->config; return 1;
    case USB_SET_CONFIGURATION:
        if (s->value > 1)
            return USB_STALL;
        u->r->config = (u8)s->value;
        u->r->halt_in = u->r->halt_out = 0;
        return 0;
    case USB_GET_INTERFACE: buf[0] = 0; return 1;
    case USB_SET_INTERFACE: return s->value ? USB_STALL : 0;
    default: return USB_STALL;
    }
}

/* ---- stages ---- */

static struct usb_setup parse(const u8 *p)
{
    return (struct usb_setup){p[0], p[1], ld16(p + 2), ld16(p + 4), ld16(p + 6)};
}

static int request(struct usb_dev *u)
{
    struct usb_setup s = parse(u->r->setup);
    int n = USB_STALL;

    if (!(s.type & USB_TYPE))
        n = standard(u, &s, u->r->buf);
    if (n == USB_STALL)
        n = u->ops->control(u, &s, u->r->buf, USB_BUF);
    return MIN(n, USB_BUF);
}

static int on_setup(struct usb_dev *u, const u8 *buf, u16 len)
{
    struct usb_regs *r = u->r;
    struct usb_setup s;
    int n;

    if (len != 8)
        return USB_STALL;
    memcpy(r->setup, buf, 8);
    s = parse(buf);
    r->pos = r->len = 0;
    memset(r->buf, 0, sizeof(r->buf));
    if (!(s.type & USB_DIR_IN) && s.length) {
        r->len = s.length;
        r->stage = s.length <= USB_BUF ? ST_DATA_OUT : ST_STALLED;
        r->len = MIN(r->len, (u16)USB_BUF);
        return 8;
    }
    n = request(u);
    r->stage = n < 0 ? ST_STALLED : s.type & USB_DIR_IN ? ST_DATA_IN : ST_STATUS;
    r->len = n < 0 ? 0 : MIN((u16)n, s.length);
    return 8;
}

static int on_in(struct usb_dev *u, u8 *buf, u16 len)
{
    struct usb_regs *r = u->r;
    u16 n;

    switch (r->stage) {
    case ST_DATA_IN:
        n = MIN(len, (u16)(r->len - r->pos));
        memcpy(buf, r->buf + r->pos, n);
        r->pos = (u16)(r->pos + n);
        return n;
    case ST_DATA_OUT: /* the data is here: the request can be done */
        r->stage = r->pos == r->len && request(u) >= 0 ? ST_STATUS : ST_STALLED;
        if (r->stage == ST_STALLED)
            return USB_STALL;
        /* fallthrough */
    case ST_STATUS:
        if (r->new_addr) {
            r->addr = r->new_addr;
            r->new_addr = 0;
        } else if (r->setup[1] == USB_SET_ADDRESS && !r->setup[0]) {
            r->addr = 0;
        }
        r->stage = ST_IDLE;
        return 0;
    default: return USB_STALL;
    }
}

static int on_out(struct usb_dev *u, const u8 *buf, u16 len)
{
    struct usb_regs *r = u->r;
    u16 n;

    switch (r->stage) {
    case ST_DATA_OUT:
        n = MIN(len, (u16)(r->len - r->pos));
        memcpy(r->buf + r->pos, buf, n);
        r->pos = (u16)(r->pos + n);
        return len;
    case ST_DATA_IN: r->stage = ST_IDLE; return 0; /* the status stage of an IN request */
    default: return USB_STALL;
    }
}

int usb_packet(struct usb_dev *u, enum usb_pid pid, unsigned ep, u8 *buf, u16 len)
{
    u16 *halted = pid == USB_IN ? &u->r->halt_in : &u->r->halt_out;
    int n;

    ep &= 15;
    if (!ep && pid == USB_SETUP)
        return on_setup(u, buf, len);
    if (!ep)
        return pid == USB_IN ? on_in(u, buf, len) : on_out(u, buf, len);
    if (pid == USB_SETUP || !u->r->config || (*halted >> ep & 1))
        return USB_STALL;
    n = u->ops->data(u, pid, ep, buf, len);
    if (n == USB_STALL)
        *halted |= (u16)(1u << ep);
    return n;
}

u64 usb_quiet(struct usb_dev *u, enum usb_pid pid, unsigned ep)
{
    u16 halted = pid == USB_IN ? u->r->halt_in : u->r->halt_out;

    ep &= 15;
    if (!ep || pid == USB_SETUP || !u->r->config || (halted >> ep & 1) || !u->ops->quiet)
        return 0;
    return u->ops->quiet(u, pid, ep);
}
