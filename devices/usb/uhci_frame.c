/* One frame of the UHCI schedule: the frame list's entry, queue heads and transfer descriptors
 * (UHCI 1.1 chapter 3). Everything is read from guest memory once, copied and bounded. */
#include "devices/usb/uhci.h"

#include "devices/core/bits.h"

enum { LINK_END = 1, LINK_QH = 2, LINK_DEPTH = 4 };
enum {
    TD_TIMEOUT = 1u << 18,
    TD_NAK = 1u << 19,
    TD_BABBLE = 1u << 20,
    TD_STALLED = 1u << 22,
    TD_ACTIVE = 1u << 23,
    TD_IOC = 1u << 24,
    TD_ERRORS_AT = 27,
    TD_SHORT = 1u << 29,
    TD_STATUS = 0x7fu << 16,
};
/* Descriptors looked at in a frame, and bytes that fit into its millisecond. */
enum { FRAME_STEPS = 256, FRAME_BYTES = 1280 };

struct td {
    u32 link, ctrl, token, buffer;
};
struct qh {
    u32 link, element;
};

/* What a descriptor came to. */
enum outcome {
    TD_DONE,
    TD_LEFT /* go on with the next queue */,
    TD_BROKEN /* the controller stops */
};

static void get(struct uhci *hc, u32 addr, u32 *words, unsigned n)
{
    u8 b[16];

    bus_copy(hc->dev.env.mem, addr & ~15u, b, 4 * n, false);
    for (unsigned i = 0; i < n; i++)
        words[i] = ld32(b + 4 * i);
}

static void put(struct uhci *hc, u32 addr, u32 v)
{
    u8 b[4];

    st32(b, v);
    bus_copy(hc->dev.env.mem, addr, b, 4, true);
}

static struct usb_dev *find(struct uhci *hc, u8 addr)
{
    for (unsigned i = 0; i < USB_PORTS; i++) {
        struct usb_dev *u = hc->bus.port[i];

        if (u && (hc->r.port[i] & UHCI_PORT_ENABLED) && !(hc->r.port[i] & UHCI_PORT_SUSPENDED) &&
            u->r->addr == addr)
            return u;
    }
    return NULL;
}

/* The device does not answer: one of the tries that the descriptor allows is gone. */
static enum outcome no_answer(struct uhci *hc, struct td *td)
{
    unsigned tries = td->ctrl >> TD_ERRORS_AT & 3;

    td->ctrl |= TD_TIMEOUT;
    if (!tries)
        return TD_LEFT; /* none counted: for ever */
    td->ctrl = (u32)bits_put(td->ctrl, TD_ERRORS_AT, 2, tries - 1);
    if (tries > 1)
        return TD_LEFT;
    td->ctrl = (td->ctrl | TD_STALLED) & ~TD_ACTIVE;
    hc->r.sts |= UHCI_STS_ERROR;
    return TD_LEFT;
}

static enum outcome failed(struct uhci *hc, struct td *td, u32 bits)
{
    td->ctrl = (td->ctrl | bits | TD_STALLED) & ~TD_ACTIVE;
    hc->r.sts |= UHCI_STS_ERROR;
    if (td->ctrl & TD_IOC) {
        hc->r.sts |= UHCI_STS_INT;
        hc->r.cause |= UHCI_CAUSE_IOC;
    }
    return TD_LEFT;
}

static enum outcome moved(struct uhci *hc, struct td *td, unsigned n, unsigned len, bool queued)
{
    bool in = (td->token & 0xff) == USB_IN;

    td->ctrl &= ~(u32)(TD_ACTIVE | 0x7ff);
    td->ctrl |= (n - 1) & 0x7ff;
    if (td->ctrl & TD_IOC) {
        hc->r.sts |= UHCI_STS_INT;
        hc->r.cause |= UHCI_CAUSE_IOC;
    }
    if (in && n < len && (td->ctrl & TD_SHORT) && queued) {
        hc->r.sts |= UHCI_STS_INT;
        hc->r.cause |= UHCI_CAUSE_SHORT;
        return TD_LEFT;
    }
    return TD_DONE;
}

/* Carry out one descriptor; its control word is written back by the caller. */
static enum outcome transact(struct uhci *hc, struct td *td, bool queued, unsigned *bytes)
{
    u8 pid = (u8)td->token, buf[USB_PACKET_MAX];
    unsigned len = ((td->token >> 21) + 1) & 0x7ff;
    struct usb_dev *u;
    int n;

    if (len > FRAME_BYTES || (pid != USB_IN && pid != USB_OUT && pid != USB_SETUP)) {
        hc->r.sts |= UHCI_STS_PROCESS;
        return TD_BROKEN;
    }
    td->ctrl &= ~TD_STATUS;
    u = find(hc, td->token >> 8 & 0x7f);
    if (!u)
        return no_answer(hc, td);
    if (pid != USB_IN)
        bus_copy(hc->dev.env.mem, td->buffer, buf, len, false);
    n = usb_packet(u, (enum usb_pid)pid, td->token >> 15 & 15, buf, (u16)len);
    if (n == USB_NAK) {
        td->ctrl |= TD_NAK;
        return TD_LEFT;
    }
    if (n == USB_STALL)
        return failed(hc, td, 0);
    if (n < 0 || (unsigned)n > len)
        return failed(hc, td, TD_BABBLE);
    *bytes += (unsigned)n;
    if (pid == USB_IN)
        bus_copy(hc->dev.env.mem, td->buffer, buf, (size_t)n, true);
    return moved(hc, td, (unsigned)n, len, queued);
}

/* Until when would this descriptor be left as it is? Only one that was answered so before is. */
static u64 td_quiet(struct uhci *hc, const struct td *td)
{
    struct usb_dev *u = find(hc, td->token >> 8 & 0x7f);
    u8 pid = (u8)td->token;

    if ((pid != USB_IN && pid != USB_OUT) || (((td->token >> 21) + 1) & 0x7ff) > FRAME_BYTES)
        return 0;
    if (!u) /* and its tries are not counted */
        return (td->ctrl & (TD_STATUS | 3u << TD_ERRORS_AT)) == TD_TIMEOUT ? CLOCK_NEVER : 0;
    return (td->ctrl & TD_STATUS) == TD_NAK ? usb_quiet(u, (enum usb_pid)pid, td->token >> 15 & 15) : 0;
}

/* A schedule whose queues are linked in a circle is walked again only as long as that moves
 * something. The queue head to come back to moves on at doubling distances, so that a circle is
 * found wherever it begins. */
struct walk {
    bool look;            /* change nothing: find out until when that would be so */
    u64 quiet;            /* ... which is this; 0: something would change */
    u32 mark;             /* a queue head that was visited */
    unsigned bytes;       /* moved in this frame */
    unsigned at_mark;     /* ... when it was */
    unsigned seen, limit; /* visits, and how many before the mark moves */
};

static enum outcome do_td(struct uhci *hc, u32 addr, struct td *td, bool queued, struct walk *w)
{
    enum outcome o;
    u32 was, words[4];

    get(hc, addr, words, 4);
    *td = (struct td){words[0], words[1], words[2], words[3]};
    if (!(td->ctrl & TD_ACTIVE))
        return TD_LEFT;
    if (w->look) {
        w->quiet = MIN(w->quiet, td_quiet(hc, td));
        return w->quiet ? TD_LEFT : TD_BROKEN;
    }
    was = td->ctrl;
    o = transact(hc, td, queued, &w->bytes);
    if (td->ctrl != was)
        put(hc, (addr & ~15u) + 4, td->ctrl);
    return o;
}

static bool again(struct walk *w, u32 addr)
{
    if (w->seen && addr == w->mark) {
        if (w->bytes == w->at_mark)
            return false;
        w->at_mark = w->bytes;
    }
    if (w->seen++ == w->limit) {
        w->mark = addr;
        w->at_mark = w->bytes;
        w->limit = 2 * w->limit + 1;
    }
    return true;
}

static void walk_frame(struct uhci *hc, u16 frame, struct walk *w)
{
    u32 link, words[2];

    bus_copy(hc->dev.env.mem, hc->r.base + 4 * (frame & 0x3ff), words, 4, false);
    link = ld32(words);
    for (unsigned steps = 0; !(link & LINK_END) && steps < FRAME_STEPS; steps++) {
        struct td td;
        struct qh qh;
        u32 at = link & ~15u;
        enum outcome o;

        if (w->bytes >= FRAME_BYTES)
            return;
        if (!(link & LINK_QH)) {
            if (do_td(hc, at, &td, false, w) == TD_BROKEN)
                return;
            link = td.link;
            continue;
        }
        if (!again(w, at))
            return;
        get(hc, at, words, 2);
        qh = (struct qh){words[0], words[1]};
        link = qh.link;
        if (qh.element & LINK_END)
            continue;
        if (qh.element & LINK_QH) {
            link = qh.element;
            continue;
        }
        do {
            o = do_td(hc, qh.element, &td, true, w);
            if (o == TD_BROKEN)
                return;
            if (o == TD_DONE) {
                qh.element = td.link;
                put(hc, at + 4, qh.element);
            }
        } while (o == TD_DONE && (td.link & LINK_DEPTH) && !(td.link & (LINK_END | LINK_QH)) &&
                 ++steps < FRAME_STEPS && w->bytes < FRAME_BYTES);
    }
}

void uhci_frame(struct uhci *hc)
{
    struct walk w = {.look = false};

    walk_frame(hc, hc->r.frame, &w);
}

u64 uhci_frame_quiet(struct uhci *hc, u16 frame)
{
    struct walk w = {.look = true, .quiet = CLOCK_NEVER};

    walk_frame(hc, frame, &w);
    return w.quiet;
}
