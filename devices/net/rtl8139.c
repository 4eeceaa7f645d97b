/* Realtek RTL8139C+ fast Ethernet controller: registers, interrupts, EEPROM and timer (RTL8139C(L)+
 * data sheet). The link is one of 100 Mb/s, full duplex. */
#include "devices/net/rtl8139_int.h"

enum { IO_SIZE = 0x100, MEM_SIZE = 0x100 };
enum {
    EE_SELECT = 0x08,
    EE_CLOCK = 0x04,
    EE_IN = 0x02,
    EE_OUT = 0x01,
    EE_MODE = 0xc0,
    EE_PROGRAM = 0x80,
    EE_LOADING = 0x40
};
enum { TIMER_HZ = 33000000 };
enum { BMSR_UP = 0x782d, BMSR_DOWN = 0x7809, MSR_LINKB = 0x04, CSCR_LINK = 0x0008 };

#define FIELDS_OF struct rtl8139_regs
static const struct field rtl8139_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(reg, FT_BYTES, 0, "registers"),
    F(timer_start, FT_U64, 0, "when the timer was zero"),
    F(tx_ok, FT_U64, 0, "frames sent"),
    F(rx_ok, FT_U64, 0, "frames received"),
    F(rx_phys, FT_U64, 0, "frames to this address"),
    F(rx_bcast, FT_U64, 0, "broadcasts received"),
    F(rx_mcast, FT_U32, 0, "multicasts received"),
    F(missed, FT_U32, 0, "frames missed"),
    F(tx_len, FT_U32, 0, "packet: bytes so far"),
    F(rx_index, FT_U16, 0, "next receive descriptor"),
    F(tx_index, FT_U16, 0, "next transmit descriptor"),
    F(high_index, FT_U16, 0, "next transmit descriptor of high priority"),
    F(ee.bits, FT_U8, 0, "EEPROM: bits clocked"),
    F(ee.reading, FT_U8, 0, "EEPROM: a word comes out"),
    F(ee.in, FT_U16, 0, "EEPROM: command, then address"),
    F(ee.out, FT_U16, 0, "EEPROM: bits to come"),
    F(tx_drop, FT_U8, 0, "packet: too long"),
    F(tx_more, FT_U8, 0, "sending goes on"),
    F(tx_opts, FT_U32, 0, "packet: options"),
    FK(link_down, FT_U8, 0, "the cable is out"), /* no reset puts it in */
    F(pad, FT_BYTES, 0, "unused"),
    F(tx_buf, FT_BYTES, 0, "packet"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop rtl8139_props[] = {
    {"mac", offsetof(struct rtl8139, mac_text), PT_STR, 0, 0, 0, "address"},
    PROPS_END,
};

static const struct pci_ident rtl8139_ident = {
    .vendor = 0x10ec, .device = 0x8139, .class_code = 0x020000, .revision = 0x20, .pin = 1};

/* ---- interrupts ---- */

static void update_irq(struct rtl8139 *t)
{
    pci_set_intx(&t->fn, (rt_reg16(t, RT_ISR) & rt_reg16(t, RT_IMR)) != 0);
}

void rtl8139_cause(struct rtl8139 *t, u32 bits)
{
    st16(t->r.reg + RT_ISR, (u16)(rt_reg16(t, RT_ISR) | bits));
    update_irq(t);
}

/* ---- timer: a counter, and an interrupt when it reaches a value ---- */

static u32 timer_now(const struct rtl8139 *t)
{
    return (u32)muldiv64(clock_now(t->dev.env.clock) - t->r.timer_start, TIMER_HZ, NS_PER_SEC);
}

static void set_timer(struct rtl8139 *t)
{
    u32 at = rt_reg32(t, RT_TIMERINT);
    u64 when = t->r.timer_start + muldiv64(at, NS_PER_SEC, TIMER_HZ) + 1;

    if (at && when > clock_now(t->dev.env.clock))
        timer_set(&t->timer, when);
    else
        timer_cancel(&t->timer);
}

static void timer_due(void *arg, u64 now)
{
    rtl8139_cause(arg, INT_TIMEOUT);
}

static void tx_due(void *arg, u64 now)
{
    rtl8139_tx_poll(arg);
}

/* ---- reset ---- */

static void fill_eeprom(struct rtl8139 *t)
{
    u16 *w = t->eeprom;

    memset(w, 0, sizeof(t->eeprom));
    w[0] = 0x8129; /* how drivers know that it is programmed */
    w[1] = 0x10ec;
    w[2] = 0x8139;
    w[3] = 0x1af4;
    w[4] = 0x1100;
    w[5] = 0x2040; /* latency */
    for (unsigned i = 0; i < 3; i++)
        w[7 + i] = ld16(t->mac + 2 * i);
}

static void load_eeprom(struct rtl8139 *t)
{
    memcpy(t->r.reg + RT_IDR, t->mac, MAC_LEN);
    t->r.reg[RT_CONFIG1] = 0x0c; /* registers in both spaces */
    t->r.reg[RT_CONFIG3] = 0x01;
}

/* What the PHY and the media status say of the cable. */
static void show_link(struct rtl8139 *t)
{
    u8 *reg = t->r.reg;
    bool up = !t->r.link_down;

    st16(reg + RT_BMSR, up ? BMSR_UP : BMSR_DOWN);
    st16(reg + RT_ANLPAR, up ? 0x45e1 : 0);
    st16(reg + RT_ANER, up);
    st16(reg + RT_CSCR, (u16)((ld16(reg + RT_CSCR) & ~CSCR_LINK) | (up ? CSCR_LINK : 0)));
    reg[RT_MSR] = (u8)((reg[RT_MSR] & ~MSR_LINKB) | (up ? 0 : MSR_LINKB));
}

static void load_phy(struct rtl8139 *t)
{
    u8 *reg = t->r.reg;

    st16(reg + RT_BMCR, 0x3100);
    st16(reg + RT_ANAR, 0x05e1);
    st16(reg + RT_CSCR, 0x03c8);
    show_link(t);
}

static void set_link(void *arg, bool up)
{
    struct rtl8139 *t = arg;

    if (up == !t->r.link_down)
        return;
    t->r.link_down = !up;
    show_link(t);
    rtl8139_cause(t, INT_LINK);
    nic_ready(t->net);
}

static bool link_up(void *arg)
{
    return !((struct rtl8139 *)arg)->r.link_down;
}

/* What the reset bit of CR does: transmitter, receiver, interrupts; addresses and configuration
 * stay. */
static void soft_reset(struct rtl8139 *t)
{
    struct rtl8139_regs *r = &t->r;

    memset(r->reg + RT_TSD, 0, RT_CAPR - RT_TSD);
    memset(r->reg + RT_CAPR, 0, RT_TCTR - RT_CAPR);
    for (unsigned i = 0; i < 4; i++)
        st32(r->reg + RT_TSD + 4 * i, TSD_OWN);
    st16(r->reg + RT_CAPR, 0xfff0);
    st32(r->reg + RT_TIMERINT, 0);
    st16(r->reg + RT_MULINT, 0);
    st16(r->reg + RT_CPCR, 0);
    st64(r->reg + RT_RDSAR, 0);
    r->reg[RT_TPPOLL] = 0;
    r->rx_index = r->tx_index = r->high_index = 0;
    r->tx_len = r->tx_opts = 0;
    r->tx_drop = r->tx_more = 0;
    r->missed = 0;
    r->timer_start = clock_now(t->dev.env.clock);
    load_phy(t);
    timer_cancel(&t->timer);
    timer_cancel(&t->tx_timer);
    update_irq(t);
    nic_ready(t->net);
}

/* ---- reading ---- */

/* Own, aborted, underrun and finished of the four slots in one word. */
static u16 slots(const struct rtl8139 *t)
{
    u16 v = 0;

    for (unsigned i = 0; i < 4; i++) {
        u32 s = rt_reg32(t, RT_TSD + 4 * i);

        v |= (u16)((s & TSD_OWN ? 0x0001 : 0) << i | (s & BIT(30) ? 0x0010 : 0) << i |
                   (s & TSD_TUN ? 0x0100 : 0) << i | (s & TSD_TOK ? 0x1000 : 0) << i);
    }
    return v;
}

/* Bring those registers up to date that are computed. */
static void refresh(struct rtl8139 *t, unsigned off)
{
    struct rtl8139_regs *r = &t->r;
    u8 *reg = r->reg;

    switch (off & ~3u) {
    case RT_RBSTART + 4: /* CR is its last byte */
        reg[RT_CR] = (u8)((reg[RT_CR] & ~CR_EMPTY) | (rtl8139_rx_empty(t) ? CR_EMPTY : 0));
        break;
    case RT_TCR: st32(reg + RT_TCR, (rt_reg32(t, RT_TCR) & 0x030f07f1) | TCR_HWVER); break;
    case RT_TCTR: st32(reg + RT_TCTR, timer_now(t)); break;
    case RT_MPC: st32(reg + RT_MPC, r->missed); break;
    case RT_9346CR:
        reg[RT_9346CR] = (u8)((reg[RT_9346CR] & ~EE_OUT) | (eeprom93_out(&r->ee) ? EE_OUT : 0));
        break;
    case RT_TSADS: st16(reg + RT_TSADS, slots(t)); break;
    default: break;
    }
}

static u64 reg_read(void *dev, u64 off, unsigned size)
{
    struct rtl8139 *t = dev;

    refresh(t, (unsigned)off);
    return ld_le(t->r.reg + (off & (RT_SIZE - size)), size);
}

/* ---- writing ---- */

/* Bits of each byte that a write changes by itself. */
static u8 write_mask(const struct rtl8139 *t, unsigned off)
{
    bool config = (t->r.reg[RT_9346CR] & EE_MODE) == EE_MODE;

    switch (off) {
    case RT_CBR:
    case RT_CBR + 1:
    case RT_ISR:
    case RT_ISR + 1:
    case RT_TCTR:
    case RT_TCTR + 1:
    case RT_TCTR + 2:
    case RT_TCTR + 3:
    case RT_MPC:
    case RT_MPC + 1:
    case RT_MPC + 2:
    case RT_MPC + 3:
    case RT_RERID:
    case RT_TSADS:
    case RT_TSADS + 1:
    case RT_BMSR:
    case RT_BMSR + 1:
    case RT_ANLPAR:
    case RT_ANLPAR + 1:
    case RT_ANER:
    case RT_ANER + 1:
    case RT_CONFIG0: return 0;
    case RT_MSR: return 0xc0;
    case RT_CR: return CR_TE | CR_RE;
    case RT_9346CR: return EE_MODE | EE_SELECT | EE_CLOCK | EE_IN;
    case RT_CONFIG1:
    case RT_CONFIG3:
    case RT_CONFIG4: return config ? 0xff : 0;
    default: break;
    }
    /* Drivers tell relatives of this chip from it by registers that it has not. */
    return off < RT_SPARE || off == RT_CONFIG5 || off == RT_TPPOLL || off / 2 == RT_CPCR / 2 ||
                   (off >= RT_RDSAR && off <= RT_ETTHR)
               ? 0xff
               : 0;
}

static bool touches(unsigned off, unsigned size, unsigned reg, unsigned n)
{
    return off < reg + n && reg < off + size;
}

static void wrote_eeprom(struct rtl8139 *t, u8 old, u8 v)
{
    if ((v & EE_MODE) == EE_LOADING) {
        load_eeprom(t);
        t->r.reg[RT_9346CR] = 0;
    } else if ((v & EE_MODE) != EE_PROGRAM || !(v & EE_SELECT)) {
        eeprom93_deselect(&t->r.ee);
    } else if ((old & EE_SELECT) && !(old & EE_CLOCK) && (v & EE_CLOCK)) {
        eeprom93_clock(&t->r.ee, t->eeprom, v & EE_IN);
    }
}

static void wrote_command(struct rtl8139 *t, u8 old, u8 v, bool reset)
{
    if (reset) {
        soft_reset(t);
        t->r.reg[RT_CR] = 0;
        return;
    }
    if (!(old & CR_TE) && (v & CR_TE))
        t->r.tx_index = t->r.high_index = 0;
    if (!(old & CR_RE) && (v & CR_RE))
        t->r.rx_index = 0;
    nic_ready(t->net);
}

/* Slots, or in C+ mode the rings and the tallies that lie at the same place. */
static void wrote_tx(struct rtl8139 *t, unsigned off, unsigned size)
{
    u8 *reg = t->r.reg;

    if (rt_cplus_tx(t)) {
        if (touches(off, size, RT_TNPDS, 4))
            t->r.tx_index = 0;
        if (touches(off, size, RT_THPDS, 4))
            t->r.high_index = 0;
        if (touches(off, size, RT_DTCCR, 1) && (reg[RT_DTCCR] & 8)) {
            rtl8139_tallies(t, ld64(reg + RT_DTCCR));
            reg[RT_DTCCR] &= (u8)~8;
        }
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        /* the byte that holds OWN is what starts a slot */
        if (touches(off, size, RT_TSD + 4 * i + 1, 1) && !(rt_reg32(t, RT_TSD + 4 * i) & TSD_OWN))
            rtl8139_tx_slot(t, i);
    }
}

static void wrote_poll(struct rtl8139 *t)
{
    if (t->r.reg[RT_TPPOLL] & POLL_SW) {
        t->r.reg[RT_TPPOLL] &= (u8)~POLL_SW;
        rtl8139_cause(t, INT_SW);
    }
    if (!t->r.tx_more)
        rtl8139_tx_poll(t);
}

static void reg_write(void *dev, u64 at, u64 v, unsigned size)
{
    struct rtl8139 *t = dev;
    unsigned off = (unsigned)at & (RT_SIZE - size);
    u8 *reg = t->r.reg, old_cr = reg[RT_CR], old_ee = reg[RT_9346CR];
    bool reset = false;

    for (unsigned i = 0; i < size; i++) {
        u8 b = (u8)(v >> 8 * i), mask = write_mask(t, off + i);

        if (touches(off + i, 1, RT_ISR, 2))
            reg[off + i] &= (u8)~b;
        else
            reg[off + i] = (u8)((reg[off + i] & ~mask) | (b & mask));
        reset |= off + i == RT_CR && (b & CR_RST);
    }
    if (touches(off, size, RT_IMR, 4))
        update_irq(t);
    if (touches(off, size, RT_TSD, 0x20))
        wrote_tx(t, off, size);
    if (touches(off, size, RT_CR, 1))
        wrote_command(t, old_cr, reg[RT_CR], reset);
    if (touches(off, size, RT_CAPR, 2) || touches(off, size, RT_RCR, 4))
        nic_ready(t->net);
    if (touches(off, size, RT_9346CR, 1))
        wrote_eeprom(t, old_ee, reg[RT_9346CR]);
    if (touches(off, size, RT_MPC, 4))
        t->r.missed = 0;
    if (touches(off, size, RT_TCTR, 4))
        t->r.timer_start = clock_now(t->dev.env.clock), set_timer(t);
    if (touches(off, size, RT_TIMERINT, 4))
        set_timer(t);
    if (touches(off, size, RT_RDSAR, 4))
        t->r.rx_index = 0;
    if (touches(off, size, RT_BMCR, 2)) /* negotiation and reset are over at once */
        st16(reg + RT_BMCR, rt_reg16(t, RT_BMCR) & 0x7dff);
    if (touches(off, size, RT_TPPOLL, 1))
        wrote_poll(t);
}

static const struct region_ops reg_ops = {reg_read, reg_write, 1, 4};

static void cfg_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    struct rtl8139 *t = (struct rtl8139 *)fn->dev;

    if (off < PCI_STATUS && off + size > PCI_COMMAND)
        nic_ready(t->net);
}

/* ---- class ---- */

static bool rtl8139_init(struct dev *dev, struct err *err)
{
    struct rtl8139 *t = (struct rtl8139 *)dev;

    if (!nic_parse_mac(t->mac_text, t->mac, err) ||
        !nic_rom_init(&t->rom, &t->fn, "rtl8139.rom", &rtl8139_ident, err))
        return false;
    fill_eeprom(t);
    timer_init(&t->timer, dev->env.clock, timer_due, t, "rtl8139 timer");
    timer_init(&t->tx_timer, dev->env.clock, tx_due, t, "rtl8139 transmit");
    t->fn.bar[0] = (struct pci_bar){
        PCI_BAR_IO, IO_SIZE, {.name = "rtl8139.io", .ops = &reg_ops, .dev = t, .prio = 1}};
    t->fn.bar[1] = (struct pci_bar){
        PCI_BAR_MEM, MEM_SIZE, {.name = "rtl8139", .ops = &reg_ops, .dev = t, .prio = 1}};
    t->fn.wrote = cfg_wrote;
    pci_func_init(&t->fn, dev, t->r.cfg, &rtl8139_ident);
    if (t->net) {
        t->net->arg = t;
        t->net->can_take = rtl8139_can_take;
        t->net->take = rtl8139_take;
        t->net->set_link = set_link;
        t->net->link = link_up;
    }
    return true;
}

static void rtl8139_reset(struct dev *dev)
{
    struct rtl8139 *t = (struct rtl8139 *)dev;

    pci_func_reset(&t->fn);
    load_eeprom(t);
    soft_reset(t);
}

static bool rtl8139_loaded(struct dev *dev, struct err *err)
{
    struct rtl8139 *t = (struct rtl8139 *)dev;
    struct rtl8139_regs *r = &t->r;

    if (r->tx_len > RT_TX_ROOM - ETH_VLAN)
        return err_set(err, "%s: a packet of %u bytes is being sent", dev->id, r->tx_len);
    r->tx_more = r->tx_more != 0;
    r->link_down = r->link_down != 0;
    r->missed &= 0xffffff;
    eeprom93_check(&r->ee);
    pci_func_loaded(&t->fn);
    set_timer(t);
    timer_cancel(&t->tx_timer);
    if (r->tx_more)
        timer_set(&t->tx_timer, clock_now(dev->env.clock));
    update_irq(t);
    nic_ready(t->net);
    return true;
}

static void rtl8139_free(struct dev *dev)
{
    struct rtl8139 *t = (struct rtl8139 *)dev;

    pci_func_free(&t->fn);
    if (t->net)
        nic_leave(t->net);
    nic_rom_free(&t->rom);
}

bool rtl8139_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct rtl8139 *t = (struct rtl8139 *)dev;

    t->fn.bus = plug->pci;
    t->fn.devfn = plug->devfn;
    t->net = plug->net;
    nic_rom_wire(&t->rom, plug);
    return true;
}

const struct dev_class rtl8139_class = {
    .name = "rtl8139",
    .help = "Realtek RTL8139C+, 100 Mb/s Ethernet",
    .size = sizeof(struct rtl8139),
    .saved_at = offsetof(struct rtl8139, r),
    .saved_size = sizeof(struct rtl8139_regs),
    .version = 1,
    .fields = rtl8139_fields,
    .props = rtl8139_props,
    .init = rtl8139_init,
    .reset = rtl8139_reset,
    .loaded = rtl8139_loaded,
    .free = rtl8139_free,
};
