/* National PC16550D UART (data sheet TL/C/8652), clocked at 1.8432 MHz. */
#include "devices/char/uart16550.h"

enum { REG_DATA, REG_IER, REG_IIR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };
enum { IER_RX = 0x01, IER_THRE = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08 };
enum {
    IIR_NONE = 0x01,
    IIR_MODEM = 0x00,
    IIR_THRE = 0x02,
    IIR_RX = 0x04,
    IIR_LINE = 0x06,
    IIR_TIMEOUT = 0x0c,
    IIR_FIFO = 0xc0
};
enum { FCR_ON = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, FCR_KEPT = 0xc9 };
enum { LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10 };
enum {
    LSR_DATA = 0x01,
    LSR_OVERRUN = 0x02,
    LSR_BREAK = 0x10,
    LSR_THRE = 0x20,
    LSR_EMPTY = 0x40,
    LSR_FIFO_ERROR = 0x80
};
enum { LSR_ERRORS = 0x1e };
enum { MSR_TERI = 0x04, MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };

/* Without real time: long enough to be seen as an event of its own, short enough never to be waited
 * for. */
enum { TX_NS = 2000, RX_TIMEOUT_NS = 20000 };

#define FIELDS_OF struct uart16550_regs
static const struct field uart16550_fields[] = {
    F(tx_done, FT_U64, CLOCK_NEVER, "time the transmitter is empty"),
    F(rx_timeout, FT_U64, CLOCK_NEVER, "time of the receiver time-out"),
    F(rx.head, FT_U32, 0, "first character received"),
    F(rx.len, FT_U32, 0, "characters received"),
    F(tx.head, FT_U32, 0, "first character to send"),
    F(tx.len, FT_U32, 0, "characters to send"),
    F(rx_data, FT_BYTES, 0, "receive fifo"),
    F(rx_error, FT_BYTES, 0, "errors of the characters"),
    F(tx_data, FT_BYTES, 0, "transmit fifo"),
    F(divisor, FT_U16, 12, "baud rate divisor"),
    F(ier, FT_U8, 0, "interrupt enable"),
    F(fcr, FT_U8, 0, "fifo control"),
    F(lcr, FT_U8, 0, "line control"),
    F(mcr, FT_U8, 0, "modem control"),
    F(scr, FT_U8, 0, "scratch"),
    F(lsr_overrun, FT_U8, 0, "overrun"),
    F(msr_delta, FT_U8, 0, "changes of the modem lines"),
    FK(lines, FT_U8, 0, "modem lines"),
    F(thre_pending, FT_U8, 0, "transmitter interrupt"),
    F(timed_out, FT_U8, 0, "receiver time-out"),
    F(rbr, FT_U8, 0, "last character read"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END};
#undef FIELDS_OF

static const struct prop uart16550_props[] = {
    {"base", offsetof(struct uart16550, base), PT_U32, 0x3f8, 0, 0xfff8, "first port"},
    {"realtime", offsetof(struct uart16550, realtime), PT_BOOL, 0, 0, 1,
     "send at the speed that is set"},
    PROPS_END};

/* ---- pure helpers ---- */

static u32 depth(const struct uart16550 *u)
{
    return u->r.fcr & FCR_ON ? UART_FIFO : 1;
}

static u32 trigger(const struct uart16550 *u)
{
    static const u8 levels[] = {1, 4, 8, 14};

    return u->r.fcr & FCR_ON ? levels[u->r.fcr >> 6] : 1;
}

/* ns that one character takes on the wire. */
static u64 char_ns(const struct uart16550 *u)
{
    u64 bits = 1 + 5 + (u->r.lcr & 3) + !!(u->r.lcr & 0x08) + (u->r.lcr & 0x04 ? 2 : 1);

    return muldiv64(bits * 16 * (u->r.divisor ? u->r.divisor : 65536), NS_PER_SEC, 1843200);
}

static u8 lsr(const struct uart16550 *u)
{
    const struct uart16550_regs *r = &u->r;
    u8 v = r->lsr_overrun;

    if (r->rx.len)
        v |= LSR_DATA | r->rx_error[r->rx.head % UART_FIFO];
    if (!r->tx.len)
        v |= u->realtime || r->tx_done == CLOCK_NEVER ? LSR_THRE : 0;
    if (!r->tx.len && r->tx_done == CLOCK_NEVER)
        v |= LSR_EMPTY;
    for (u32 i = 0; i < r->rx.len && (r->fcr & FCR_ON); i++)
        if (r->rx_error[(r->rx.head + i) % UART_FIFO])
            v |= LSR_FIFO_ERROR;
    return v;
}

/* The modem inputs: the wires, or our own outputs in loop-back. */
static u8 modem_lines(const struct uart16550 *u)
{
    u8 mcr = u->r.mcr;

    if (!(mcr & MCR_LOOP))
        return u->r.lines;
    return (u8)((mcr & MCR_RTS ? MSR_CTS : 0) | (mcr & MCR_DTR ? MSR_DSR : 0) |
                (mcr & MCR_OUT1 ? MSR_RI : 0) | (mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static u8 iir(const struct uart16550 *u)
{
    const struct uart16550_regs *r = &u->r;

    if ((r->ier & IER_LINE) && (lsr(u) & LSR_ERRORS))
        return IIR_LINE;
    if ((r->ier & IER_RX) && r->rx.len >= trigger(u))
        return IIR_RX;
    if ((r->ier & IER_RX) && r->timed_out)
        return IIR_TIMEOUT;
    if ((r->ier & IER_THRE) && r->thre_pending)
        return IIR_THRE;
    if ((r->ier & IER_MODEM) && r->msr_delta)
        return IIR_MODEM;
    return IIR_NONE;
}

/* On a PC, OUT2 opens the way to the interrupt controller. */
static void update_irq(struct uart16550 *u)
{
    irq_set(&u->out, iir(u) != IIR_NONE && (u->r.mcr & MCR_OUT2));
}

/* ---- receiver ---- */

static void set_rx_timeout(struct uart16550 *u)
{
    u64 now = clock_now(u->dev.env.clock);

    u->r.timed_out = 0;
    u->r.rx_timeout = CLOCK_NEVER;
    if ((u->r.fcr & FCR_ON) && u->r.rx.len)
        u->r.rx_timeout = now + (u->realtime ? 4 * char_ns(u) : RX_TIMEOUT_NS);
    timer_set(&u->rx_timer, u->r.rx_timeout);
}

static void receive(struct uart16550 *u, u8 v, u8 error)
{
    struct uart16550_regs *r = &u->r;

    if (r->rx.len >= depth(u)) {
        r->lsr_overrun = LSR_OVERRUN;
        if (r->fcr & FCR_ON)
            return; /* the character in the shift register is overwritten */
        r->rx.len = 0;
    }
    r->rx_error[(r->rx.head + r->rx.len) % UART_FIFO] = error;
    fifo_put(&r->rx, r->rx_data, UART_FIFO, v);
    set_rx_timeout(u);
}

static void rx_timed_out(void *arg, u64 now)
{
    struct uart16550 *u = arg;

    u->r.rx_timeout = CLOCK_NEVER;
    u->r.timed_out = u->r.rx.len != 0;
    update_irq(u);
}

static size_t can_take(void *arg)
{
    struct uart16550 *u = arg;

    if ((u->r.mcr & MCR_LOOP) || u->r.rx.len >= depth(u))
        return 0;
    return depth(u) - u->r.rx.len;
}

static void take(void *arg, const u8 *data, size_t n)
{
    struct uart16550 *u = arg;

    for (size_t i = 0; i < n && !(u->r.mcr & MCR_LOOP); i++)
        receive(u, data[i], 0);
    update_irq(u);
}

/* Note changes of the modem inputs from what they were. */
static void modem_changed(struct uart16550 *u, u8 was)
{
    u8 now = modem_lines(u), changed = was ^ now;

    u->r.msr_delta |= (changed & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4;
    if ((was & MSR_RI) && !(now & MSR_RI))
        u->r.msr_delta |= MSR_TERI; /* only the trailing edge counts */
}

static void chr_event(void *arg, int event)
{
    struct uart16550 *u = arg;
    u8 was = modem_lines(u);

    switch (event) {
    case CHR_BREAK:
        if (!(u->r.mcr & MCR_LOOP))
            receive(u, 0, LSR_BREAK);
        break;
    case CHR_OPENED: u->r.lines = MSR_CTS | MSR_DSR | MSR_DCD; break;
    case CHR_CLOSED: u->r.lines = 0; break;
    default: break;
    }
    modem_changed(u, was);
    update_irq(u);
}

static void tell_room(struct uart16550 *u)
{
    if (u->chr && u->chr->ready && can_take(u))
        u->chr->ready(u->chr);
}

static u8 read_data(struct uart16550 *u)
{
    struct uart16550_regs *r = &u->r;

    if (r->rx.len) {
        r->rbr = fifo_get(&r->rx, r->rx_data, UART_FIFO);
        set_rx_timeout(u);
        update_irq(u);
        tell_room(u);
    }
    return r->rbr;
}

/* ---- transmitter ---- */

static void send(struct uart16550 *u, u8 v)
{
    if (u->r.mcr & MCR_LOOP)
        receive(u, v, 0);
    else
        chr_write(u->chr, &v, 1);
}

static void tx_busy(struct uart16550 *u, u64 until)
{
    u->r.tx_done = until;
    timer_set(&u->tx_timer, until);
}

/* A character has left the shift register (or, without real time, all have). */
static void tx_finished(struct uart16550 *u, u64 now)
{
    struct uart16550_regs *r = &u->r;

    tx_busy(u, CLOCK_NEVER);
    if (!u->realtime) {
        r->thre_pending = 1;
        return;
    }
    if (!r->tx.len)
        return;
    send(u, fifo_get(&r->tx, r->tx_data, UART_FIFO));
    if (!r->tx.len)
        r->thre_pending = 1;
    tx_busy(u, now + char_ns(u));
}

static void tx_fired(void *arg, u64 now)
{
    tx_finished(arg, now);
    update_irq(arg);
}

/* Polling software is answered from the clock, so that it does not depend on when events run. */
static void catch_up(struct uart16550 *u)
{
    u64 now = clock_now(u->dev.env.clock);

    if (u->r.tx_done <= now)
        tx_finished(u, now);
    if (u->r.rx_timeout <= now) {
        timer_cancel(&u->rx_timer);
        rx_timed_out(u, now);
    }
}

static void write_data(struct uart16550 *u, u8 v)
{
    struct uart16550_regs *r = &u->r;
    u64 now = clock_now(u->dev.env.clock);

    r->thre_pending = 0;
    if (!u->realtime) {
        send(u, v);
        tx_busy(u, now + TX_NS);
        return;
    }
    if (r->tx.len >= depth(u))
        r->tx.len--; /* the last one is overwritten */
    fifo_put(&r->tx, r->tx_data, UART_FIFO, v);
    if (r->tx_done == CLOCK_NEVER)
        tx_finished(u, now);
}

/* ---- registers ---- */

static void write_ier(struct uart16550 *u, u8 v)
{
    bool thre_on = (v & IER_THRE) && !(u->r.ier & IER_THRE);

    u->r.ier = v & 0x0f;
    if (thre_on && (lsr(u) & LSR_THRE))
        u->r.thre_pending = 1;
}

static void write_fcr(struct uart16550 *u, u8 v)
{
    bool toggled = (v ^ u->r.fcr) & FCR_ON;

    if (toggled || (v & FCR_CLEAR_RX)) {
        u->r.rx = (struct fifo_state){0};
        u->r.timed_out = 0;
    }
    if (toggled || (v & FCR_CLEAR_TX))
        u->r.tx = (struct fifo_state){0};
    u->r.fcr = v & FCR_ON ? v & FCR_KEPT : 0;
    set_rx_timeout(u);
    tell_room(u);
}

static void write_lcr(struct uart16550 *u, u8 v)
{
    bool starts_break = (v & LCR_BREAK) && !(u->r.lcr & LCR_BREAK);

    u->r.lcr = v;
    if (starts_break && (u->r.mcr & MCR_LOOP))
        receive(u, 0, LSR_BREAK);
}

static u8 read_iir(struct uart16550 *u)
{
    u8 v = iir(u);

    if (v == IIR_THRE)
        u->r.thre_pending = 0;
    return v | (u->r.fcr & FCR_ON ? IIR_FIFO : 0);
}

static u8 read_lsr(struct uart16550 *u)
{
    u8 v = lsr(u);

    u->r.lsr_overrun = 0;
    u->r.rx_error[u->r.rx.head % UART_FIFO] = 0;
    return v;
}

static u8 reg_read(struct uart16550 *u, unsigned reg)
{
    bool dlab = u->r.lcr & LCR_DLAB;
    u8 v;

    switch (reg) {
    case REG_DATA: return dlab ? (u8)u->r.divisor : read_data(u);
    case REG_IER: return dlab ? (u8)(u->r.divisor >> 8) : u->r.ier;
    case REG_IIR: return read_iir(u);
    case REG_LCR: return u->r.lcr;
    case REG_MCR: return u->r.mcr;
    case REG_LSR: return read_lsr(u);
    case REG_MSR:
        v = modem_lines(u) | u->r.msr_delta;
        u->r.msr_delta = 0;
        return v;
    default: return u->r.scr;
    }
}

static void reg_write(struct uart16550 *u, unsigned reg, u8 v)
{
    bool dlab = u->r.lcr & LCR_DLAB;
    u8 was;

    switch (reg) {
    case REG_DATA:
        if (dlab)
            u->r.divisor = (u16)((u->r.divisor & 0xff00) | v);
        else
            write_data(u, v);
        break;
    case REG_IER:
        if (dlab)
            u->r.divisor = (u16)((u->r.divisor & 0xff) | v << 8);
        else
            write_ier(u, v);
        break;
    case REG_IIR: write_fcr(u, v); break;
    case REG_LCR: write_lcr(u, v); break;
    case REG_MCR:
        was = modem_lines(u);
        u->r.mcr = v & 0x1f;
        modem_changed(u, was);
        if (u->chr && u->chr->ops && u->chr->ops->lines)
            u->chr->ops->lines(u->chr, v & MCR_DTR, v & MCR_RTS);
        tell_room(u);
        break;
    case REG_SCR: u->r.scr = v; break;
    default: break; /* LSR and MSR are for factory tests */
    }
}

static u64 uart_read(void *dev, u64 off, unsigned size)
{
    struct uart16550 *u = dev;
    u8 v;

    catch_up(u);
    v = reg_read(u, off & 7);
    update_irq(u);
    return v;
}

static void uart_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct uart16550 *u = dev;

    catch_up(u);
    reg_write(u, off & 7, (u8)v);
    update_irq(u);
}

static const struct region_ops uart_ops = {uart_read, uart_write, 1, 1};

/* ---- life ---- */

static bool uart16550_init(struct dev *dev, struct err *err)
{
    struct uart16550 *u = (struct uart16550 *)dev;

    timer_init(&u->tx_timer, dev->env.clock, tx_fired, u, "uart-tx");
    timer_init(&u->rx_timer, dev->env.clock, rx_timed_out, u, "uart-rx");
    u->io =
        (struct region){.name = dev->id, .base = u->base, .size = 8, .ops = &uart_ops, .dev = u};
    bus_map(dev->env.io, &u->io);
    if (u->chr) {
        u->chr->can_take = can_take;
        u->chr->take = take;
        u->chr->event = chr_event;
        u->chr->arg = u;
        u->r.lines = MSR_CTS | MSR_DSR | MSR_DCD;
    }
    return true;
}

static void uart16550_reset(struct dev *dev)
{
    struct uart16550 *u = (struct uart16550 *)dev;

    timer_cancel(&u->tx_timer);
    timer_cancel(&u->rx_timer);
    update_irq(u);
    tell_room(u);
}

static bool uart16550_loaded(struct dev *dev, struct err *err)
{
    struct uart16550 *u = (struct uart16550 *)dev;
    struct uart16550_regs *r = &u->r;

    if (!fifo_valid(&r->rx, UART_FIFO) || !fifo_valid(&r->tx, UART_FIFO))
        return err_set(err, "%s: the saved fifos are impossible", dev->id);
    for (unsigned i = 0; i < UART_FIFO; i++)
        r->rx_error[i] &= LSR_ERRORS;
    r->lsr_overrun &= LSR_OVERRUN;
    r->lines &= 0xf0;
    r->msr_delta &= 0x0f;
    timer_set(&u->tx_timer, r->tx_done);
    timer_set(&u->rx_timer, r->rx_timeout);
    update_irq(u);
    return true;
}

const struct dev_class uart16550_class = {
    .name = "uart16550",
    .help = "16550A serial port",
    .size = sizeof(struct uart16550),
    .saved_at = offsetof(struct uart16550, r),
    .saved_size = sizeof(struct uart16550_regs),
    .version = 1,
    .fields = uart16550_fields,
    .props = uart16550_props,
    .init = uart16550_init,
    .reset = uart16550_reset,
    .loaded = uart16550_loaded,
};
