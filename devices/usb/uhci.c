/* UHCI: registers, ports, interrupts and the frame timer (Universal Host Controller Interface 1.1
 * chapter 2; 82371SB data sheet section 2.6). */
#include "devices/usb/uhci.h"

#include "devices/core/bits.h"

enum {
    R_CMD = 0,
    R_STS = 2,
    R_INTR = 4,
    R_FRAME = 6,
    R_BASE = 8,
    R_SOF = 12,
    R_PORT = 16,
    IO_SIZE = 32
};
enum { CMD_RUN = 1, CMD_RESET = 2, CMD_BUS_RESET = 4, CMD_SUSPEND = 8, CMD_RESUME = 0x10 };
enum { STS_CLEARED = 0x1f };
enum { INTR_ERROR = 1, INTR_RESUME = 2, INTR_DONE = 4, INTR_SHORT = 8 };
enum {
    PORT_CONNECTED = UHCI_PORT_CONNECTED,
    PORT_CONNECT_CHANGE = 2,
    PORT_ENABLED = UHCI_PORT_ENABLED,
    PORT_ENABLE_CHANGE = 8,
    PORT_DPLUS = 0x10,
    PORT_RESUME = 0x40,
    PORT_ONE = 0x80,
    PORT_RESET = 0x200,
    PORT_SUSPENDED = UHCI_PORT_SUSPENDED,
    PORT_CHANGES = PORT_CONNECT_CHANGE | PORT_ENABLE_CHANGE,
    PORT_WRITABLE = PORT_ENABLED | PORT_RESUME | PORT_RESET | PORT_SUSPENDED,
};
enum { CFG_RELEASE = 0x60, CFG_LEGACY = 0xc0 };
#define FRAME_NS 1000000ull
/* Frames made up for in one go when the host was late; further ones are skipped. */
enum { CATCH_UP = 8 };

#define FIELDS_OF struct uhci_regs
static const struct field uhci_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(frame_at, FT_U64, CLOCK_NEVER, "time of the next frame"),
    F(base, FT_U32, 0, "frame list base"),
    F(cmd, FT_U16, 0, "command"),
    F(sts, FT_U16, UHCI_STS_HALTED, "status"),
    F(intr, FT_U16, 0, "interrupt enable"),
    F(frame, FT_U16, 0, "frame number"),
    FA(port, FT_U16, 0, "port status and control"),
    F(sof, FT_U8, 0x40, "start of frame modify"),
    F(cause, FT_U8, 0, "cause of the interrupt status"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct pci_ident uhci_ident = {
    .vendor = 0x8086,
    .device = 0x7020,
    .class_code = 0x0c0300,
    .revision = 1,
    .pin = 4,
};

static void update_irq(struct uhci *hc)
{
    const struct uhci_regs *r = &hc->r;
    bool on = (r->sts & (UHCI_STS_HOST | UHCI_STS_PROCESS)) ||
              ((r->sts & UHCI_STS_ERROR) && (r->intr & INTR_ERROR)) ||
              ((r->sts & UHCI_STS_RESUME) && (r->intr & INTR_RESUME)) ||
              ((r->sts & UHCI_STS_INT) && (r->cause & UHCI_CAUSE_IOC) && (r->intr & INTR_DONE)) ||
              ((r->sts & UHCI_STS_INT) && (r->cause & UHCI_CAUSE_SHORT) && (r->intr & INTR_SHORT));

    pci_set_intx(&hc->fn, on);
}

/* ---- frames ---- */

static void arm(struct uhci *hc)
{
    if (hc->r.frame_at == CLOCK_NEVER)
        timer_cancel(&hc->timer);
    else
        timer_set(&hc->timer, hc->r.frame_at);
}

static void halt(struct uhci *hc)
{
    hc->r.cmd &= (u16)~CMD_RUN;
    hc->r.sts |= UHCI_STS_HALTED;
    hc->r.frame_at = CLOCK_NEVER;
}

/* Frames that begin at `now` or before. */
static u64 frames_due(const struct uhci *hc, u64 now)
{
    return now >= hc->r.frame_at ? (now - hc->r.frame_at) / FRAME_NS + 1 : 0;
}

/* The frames up to `now` that were known to change nothing, in one step. */
static void skip_quiet(struct uhci *hc, u64 now)
{
    u64 n;

    if (hc->quiet_till > hc->r.frame_at) {
        n = MIN(frames_due(hc, now), (hc->quiet_till - hc->r.frame_at - 1) / FRAME_NS + 1);
        hc->r.frame = (u16)((hc->r.frame + n) & 0x7ff);
        hc->r.frame_at += n * FRAME_NS;
    }
    hc->quiet_till = 0;
}

/* The CPU sleeps: which is the first frame that changes something? Memory and devices stay as they are
 * until then, so that an entry of the frame list seen once needs no second look. */
static u64 rest(void *arg, u64 until)
{
    enum { LIST = 1024, ENTRIES = 16 };
    struct uhci *hc = arg;
    u32 entry[ENTRIES];
    u64 quiet[ENTRIES], t = hc->r.frame_at, least = CLOCK_NEVER;
    unsigned n = 0, i, k;

    if (!until) {
        if (hc->quiet_till) {
            skip_quiet(hc, clock_now(hc->dev.env.clock));
            arm(hc);
        }
        return 0;
    }
    if (!pci_master(&hc->fn)) /* no list can be read */
        return hc->quiet_till = CLOCK_NEVER;
    for (k = 0; k < LIST && t < until; k++, t += FRAME_NS) {
        u16 frame = (u16)((hc->r.frame + k) & 0x7ff);
        u8 b[4];

        bus_copy(hc->dev.env.mem, hc->r.base + 4 * (frame & 0x3ff), b, 4, false);
        for (i = 0; i < n && entry[i] != ld32(b); i++)
            ;
        if (i == n) {
            i = n < ENTRIES ? n++ : n - 1;
            entry[i] = ld32(b);
            quiet[i] = uhci_frame_quiet(hc, frame);
        }
        if (t >= quiet[i])
            return hc->quiet_till = t;
        least = MIN(least, quiet[i]);
    }
    /* Each entry of the list was met; or only those of some frames, and the others are not known. */
    return hc->quiet_till = k == LIST ? least : MIN(least, t);
}

static void frames(void *arg, u64 now)
{
    struct uhci *hc = arg;
    u64 due = frames_due(hc, now);

    for (u64 i = 0; i < MIN(due, (u64)CATCH_UP) && (hc->r.cmd & CMD_RUN); i++) {
        /* Without bus mastering no list can be read, but time goes on. */
        if (pci_master(&hc->fn))
            uhci_frame(hc);
        hc->r.frame = (hc->r.frame + 1) & 0x7ff;
        if (hc->r.sts & UHCI_STS_PROCESS)
            halt(hc);
    }
    if (hc->r.cmd & CMD_RUN) {
        if (due > CATCH_UP)
            hc->r.frame = (u16)((hc->r.frame + due - CATCH_UP) & 0x7ff);
        hc->r.frame_at += due * FRAME_NS;
    }
    arm(hc);
    update_irq(hc);
}

/* ---- ports ---- */

static void reset_devices(struct uhci *hc)
{
    for (unsigned i = 0; i < USB_PORTS; i++) {
        if (hc->bus.port[i])
            usb_reset(hc->bus.port[i]);
    }
}

/* Ports show what is plugged in, as after power-on. */
static void fresh_ports(struct uhci *hc)
{
    for (unsigned i = 0; i < USB_PORTS; i++)
        hc->r.port[i] = hc->bus.port[i] ? PORT_CONNECTED | PORT_CONNECT_CHANGE : 0;
}

static void plugged(void *arg, unsigned port)
{
    struct uhci *hc = arg;

    hc->r.port[port] |= PORT_CONNECTED | PORT_CONNECT_CHANGE;
}

static void woken(void *arg, unsigned port)
{
    struct uhci *hc = arg;

    if (!(hc->r.cmd & CMD_SUSPEND) && !(hc->r.port[port] & PORT_SUSPENDED))
        return;
    hc->r.port[port] |= PORT_RESUME;
    hc->r.sts |= UHCI_STS_RESUME;
    update_irq(hc);
}

static void write_port(struct uhci *hc, unsigned n, u16 v)
{
    u16 old = hc->r.port[n], now;

    now = (u16)((old & ~PORT_WRITABLE & ~(v & PORT_CHANGES)) | (v & PORT_WRITABLE));
    if (!(now & PORT_CONNECTED))
        now &= (u16)~PORT_ENABLED;
    if (now & PORT_RESET) {
        now &= (u16) ~(PORT_ENABLED | PORT_SUSPENDED);
        if (!(old & PORT_RESET) && hc->bus.port[n])
            usb_reset(hc->bus.port[n]);
    }
    /* The end of the resume signal is the end of the suspension. */
    if ((old & PORT_RESUME) && !(now & PORT_RESUME))
        now &= (u16)~PORT_SUSPENDED;
    hc->r.port[n] = now;
}

static u16 read_port(const struct uhci *hc, unsigned n)
{
    u16 v = hc->r.port[n] | PORT_ONE;

    /* line state: D+ is pulled up by a full-speed device */
    return v & PORT_CONNECTED ? v | PORT_DPLUS : v;
}

/* ---- registers ---- */

static void controller_reset(struct uhci *hc)
{
    reset_devices(hc);
    hc->r.cmd = hc->r.intr = hc->r.frame = 0;
    hc->r.sts = UHCI_STS_HALTED;
    hc->r.base = 0;
    hc->r.sof = 0x40;
    hc->r.cause = 0;
    hc->r.frame_at = CLOCK_NEVER;
    fresh_ports(hc);
}

static void write_cmd(struct uhci *hc, u16 v)
{
    u16 old = hc->r.cmd;

    if (v & CMD_RESET) {
        controller_reset(hc);
        return;
    }
    if ((v & CMD_BUS_RESET) && !(old & CMD_BUS_RESET)) {
        reset_devices(hc);
        fresh_ports(hc);
    }
    hc->r.cmd = v & 0xff;
    if ((v & CMD_RUN) && hc->r.frame_at == CLOCK_NEVER) {
        hc->r.sts &= (u16)~UHCI_STS_HALTED;
        hc->r.frame_at = clock_now(hc->dev.env.clock) + FRAME_NS;
    } else if (!(v & CMD_RUN)) {
        halt(hc);
    }
}

static u64 uhci_read(void *dev, u64 off, unsigned size)
{
    struct uhci *hc = dev;
    u8 view[IO_SIZE];

    memset(view, 0xff, sizeof(view));
    st16(view + R_CMD, hc->r.cmd);
    st16(view + R_STS, hc->r.sts);
    st16(view + R_INTR, hc->r.intr);
    st16(view + R_FRAME, hc->r.frame);
    st32(view + R_BASE, hc->r.base);
    view[R_SOF] = hc->r.sof;
    for (unsigned i = 0; i < USB_PORTS; i++)
        st16(view + R_PORT + 2 * i, read_port(hc, i));
    return ld_le(view + (off & (IO_SIZE - size)), size);
}

static void write16(struct uhci *hc, unsigned off, u16 v)
{
    switch (off) {
    case R_CMD: write_cmd(hc, v); break;
    case R_STS:
        hc->r.sts &= (u16) ~(v & STS_CLEARED);
        if (v & UHCI_STS_INT)
            hc->r.cause = 0;
        break;
    case R_INTR: hc->r.intr = v & 15; break;
    case R_FRAME:
        if (!(hc->r.cmd & CMD_RUN))
            hc->r.frame = v & 0x7ff;
        break;
    case R_BASE: hc->r.base = (hc->r.base & 0xffff0000u) | (v & 0xf000u); break;
    case R_BASE + 2: hc->r.base = (hc->r.base & 0xffffu) | (u32)v << 16; break;
    case R_PORT:
    case R_PORT + 2: write_port(hc, (off - R_PORT) / 2, v); break;
    default: break;
    }
}

static void uhci_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct uhci *hc = dev;

    if (size == 1) {
        if (off == R_SOF)
            hc->r.sof = v & 0x7f;
        else if (off == R_STS || off == R_CMD || off == R_INTR)
            write16(hc, (unsigned)off, (u16)v);
    } else {
        for (unsigned i = 0; i < size; i += 2) {
            if (off + i == R_SOF)
                hc->r.sof = v >> 8 * i & 0x7f;
            write16(hc, (unsigned)off + i, (u16)(v >> 8 * i));
        }
    }
    arm(hc);
    update_irq(hc);
}

static const struct region_ops uhci_ops = {uhci_read, uhci_write, 1, 4};

/* ---- life ---- */

static bool uhci_init(struct dev *dev, struct err *err)
{
    struct uhci *hc = (struct uhci *)dev;

    timer_init(&hc->timer, dev->env.clock, frames, hc, "uhci");
    timer_rests(&hc->timer, rest);
    hc->bus.changed = plugged;
    hc->bus.wake = woken;
    hc->bus.hc = hc;
    hc->fn.bar[4] = (struct pci_bar){.kind = PCI_BAR_IO,
                                     .size = IO_SIZE,
                                     .region = {.name = dev->id, .ops = &uhci_ops, .dev = hc}};
    pci_func_init(&hc->fn, dev, hc->r.cfg, &uhci_ident);
    st16(hc->fn.wmask + CFG_LEGACY, 0x20bf); /* keyboard emulation: kept, without effect */
    return true;
}

static void uhci_reset(struct dev *dev)
{
    struct uhci *hc = (struct uhci *)dev;

    pci_func_reset(&hc->fn);
    hc->r.cfg[CFG_RELEASE] = 0x10;
    st16(hc->r.cfg + CFG_LEGACY, 0x2000);
    controller_reset(hc);
    arm(hc);
    update_irq(hc);
}

static void uhci_saving(struct dev *dev)
{
    rest(dev, 0);
}

static bool uhci_loaded(struct dev *dev, struct err *err)
{
    struct uhci *hc = (struct uhci *)dev;
    struct uhci_regs *r = &hc->r;
    u64 now = clock_now(dev->env.clock);

    hc->quiet_till = 0;
    r->cmd &= 0xff & ~CMD_RESET;
    r->sts &= STS_CLEARED | UHCI_STS_HALTED;
    r->intr &= 15;
    r->frame &= 0x7ff;
    r->base &= ~0xfffu;
    r->sof &= 0x7f;
    r->cause &= UHCI_CAUSE_IOC | UHCI_CAUSE_SHORT;
    for (unsigned i = 0; i < USB_PORTS; i++) {
        r->port[i] &= PORT_WRITABLE | PORT_CHANGES;
        if (hc->bus.port[i])
            r->port[i] |= PORT_CONNECTED;
        else
            r->port[i] &= (u16)~PORT_ENABLED;
    }
    if (!(r->cmd & CMD_RUN)) {
        halt(hc);
    } else {
        r->sts &= (u16)~UHCI_STS_HALTED;
        r->frame_at = MIN(r->frame_at, now + FRAME_NS);
    }
    pci_func_loaded(&hc->fn);
    arm(hc);
    update_irq(hc);
    return true;
}

static void uhci_free(struct dev *dev)
{
    struct uhci *hc = (struct uhci *)dev;

    timer_cancel(&hc->timer);
    pci_func_free(&hc->fn);
}

bool uhci_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct uhci *hc = (struct uhci *)dev;

    hc->fn.bus = plug->pci;
    hc->fn.devfn = plug->devfn;
    if (!*plug->usb)
        *plug->usb = &hc->bus;
    return true;
}

const struct dev_class uhci_class = {
    .name = "uhci",
    .help = "USB controller of the PIIX3",
    .size = sizeof(struct uhci),
    .saved_at = offsetof(struct uhci, r),
    .saved_size = sizeof(struct uhci_regs),
    .version = 1,
    .fields = uhci_fields,
    .init = uhci_init,
    .reset = uhci_reset,
    .saving = uhci_saving,
    .loaded = uhci_loaded,
    .free = uhci_free,
};
