/* Intel 82540EM gigabit Ethernet controller: registers, interrupts and statistics (Intel 317453,
 * chapter 13). */
#include "devices/net/e1000_int.h"

#include <stdlib.h>

enum { MEM_SIZE = 0x20000, IO_SIZE = 0x40, IO_ADDR = 0, IO_DATA = 4 };
enum { ITR_UNIT = 256, PBA_RESET = 0x00100030, CTRL_RESET = CTRL_FD | CTRL_SLU | CTRL_SPEED_1000 };
enum { TAIL_MASK = 0xffff, LEN_MASK = 0xfff80 };

#define FIELDS_OF struct e1000_regs
static const struct field e1000_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(ctrl, FT_U32, CTRL_RESET, "device control"),
    F(eecd, FT_U32, 0, "EEPROM control"),
    F(eerd, FT_U32, 0, "EEPROM read"),
    F(ctrl_ext, FT_U32, 0, "extended control"),
    F(fla, FT_U32, 0, "flash access"),
    F(mdic, FT_U32, 0, "MDI control"),
    F(fcal, FT_U32, 0, "flow control address, low"),
    F(fcah, FT_U32, 0, "flow control address, high"),
    F(fct, FT_U32, 0, "flow control type"),
    F(vet, FT_U32, 0x8100, "VLAN type"),
    F(icr, FT_U32, 0, "interrupt causes"),
    F(itr, FT_U32, 0, "interrupt throttling"),
    F(ims, FT_U32, 0, "interrupt mask"),
    F(rctl, FT_U32, 0, "receive control"),
    F(fcttv, FT_U32, 0, "flow control timer"),
    F(txcw, FT_U32, 0, "transmit configuration word"),
    F(rxcw, FT_U32, 0, "receive configuration word"),
    F(tctl, FT_U32, 0, "transmit control"),
    F(tipg, FT_U32, 0x00602008, "inter-packet gap"),
    F(aifs, FT_U32, 0, "adaptive spacing"),
    F(ledctl, FT_U32, 0x07068302, "LEDs"),
    F(pba, FT_U32, PBA_RESET, "packet buffer allocation"),
    F(fcrtl, FT_U32, 0, "flow control threshold, low"),
    F(fcrth, FT_U32, 0, "flow control threshold, high"),
    F(rdbal, FT_U32, 0, "receive ring, low"),
    F(rdbah, FT_U32, 0, "receive ring, high"),
    F(rdlen, FT_U32, 0, "receive ring length"),
    F(rdh, FT_U32, 0, "receive head"),
    F(rdt, FT_U32, 0, "receive tail"),
    F(rdtr, FT_U32, 0, "receive delay"),
    F(rxdctl, FT_U32, 0x01000000, "receive descriptor control"),
    F(radv, FT_U32, 0, "receive absolute delay"),
    F(rsrpd, FT_U32, 0, "small packet detect"),
    F(txdmac, FT_U32, 1, "transmit DMA control"),
    F(tdbal, FT_U32, 0, "transmit ring, low"),
    F(tdbah, FT_U32, 0, "transmit ring, high"),
    F(tdlen, FT_U32, 0, "transmit ring length"),
    F(tdh, FT_U32, 0, "transmit head"),
    F(tdt, FT_U32, 0, "transmit tail"),
    F(tidv, FT_U32, 0, "transmit delay"),
    F(txdctl, FT_U32, 0, "transmit descriptor control"),
    F(tadv, FT_U32, 0, "transmit absolute delay"),
    F(tspmt, FT_U32, 0x01000400, "segmentation pad and threshold"),
    F(rxcsum, FT_U32, 0, "receive checksums"),
    F(wuc, FT_U32, 0, "wake-up control"),
    F(wufc, FT_U32, 0, "wake-up filters"),
    F(wus, FT_U32, 0, "wake-up status"),
    F(manc, FT_U32, 0, "management control"),
    F(swsm, FT_U32, 0, "semaphore of software and firmware"),
    F(io_addr, FT_U32, 0, "register chosen at the I/O ports"),
    FA(mta, FT_U32, 0, "multicast table"),
    FA(vfta, FT_U32, 0, "VLAN table"),
    FA(ra, FT_U32, 0, "receive addresses"),
    FA(stats, FT_U32, 0, "statistics"),
    FA(phy, FT_U16, 0, "PHY registers"),
    F(ee.bits, FT_U8, 0, "EEPROM: bits clocked"),
    F(ee.reading, FT_U8, 0, "EEPROM: a word comes out"),
    F(ee.in, FT_U16, 0, "EEPROM: command, then address"),
    F(ee.out, FT_U16, 0, "EEPROM: bits to come"),
    F(next_irq, FT_U64, 0, "no interrupt before, by throttling"),
    F(hold, FT_U64, 0, "no interrupt before, by delays"),
    F(asserted, FT_U8, 0, "the interrupt is up"),
    F(tx_more, FT_U8, 0, "sending goes on"),
    F(tx_popts, FT_U8, 0, "packet: options"),
    F(tx_vle, FT_U8, 0, "packet: with a VLAN tag"),
    F(tx_drop, FT_U8, 0, "packet: too long"),
    F(tx_tse, FT_U8, 0, "packet: to be cut"),
    F(tx_special, FT_U16, 0, "packet: tag"),
    F(tx_len, FT_U32, 0, "packet: bytes so far"),
    F(ctx.ipcss, FT_U8, 0, "context: start of the IP sum"),
    F(ctx.ipcso, FT_U8, 0, "context: place of the IP sum"),
    F(ctx.tucss, FT_U8, 0, "context: start of the TCP or UDP sum"),
    F(ctx.tucso, FT_U8, 0, "context: place of the TCP or UDP sum"),
    F(ctx.tucmd, FT_U8, 0, "context: command"),
    F(ctx.hdrlen, FT_U8, 0, "context: length of the headers"),
    F(ctx.ipcse, FT_U16, 0, "context: end of the IP sum"),
    F(ctx.tucse, FT_U16, 0, "context: end of the TCP or UDP sum"),
    F(ctx.mss, FT_U16, 0, "context: payload of a segment"),
    FK(link_down, FT_U8, 0, "the cable is out"), /* no reset puts it in */
    F(pad, FT_U8, 0, "unused"),
    F(tx_buf, FT_BYTES, 0, "packet"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop e1000_props[] = {
    {"mac", offsetof(struct e1000, mac_text), PT_STR, 0, 0, 0, "address"},
    PROPS_END,
};

static const struct pci_ident e1000_ident = {
    .vendor = 0x8086, .device = 0x100e, .class_code = 0x020000, .revision = 3, .pin = 1};

/* ---- interrupts ---- */

static void update_irq(struct e1000 *e)
{
    struct e1000_regs *r = &e->r;
    u64 now, at;

    if (!(r->icr & r->ims)) {
        r->asserted = 0;
        r->hold = 0;
        timer_cancel(&e->irq_timer);
    } else if (!r->asserted) {
        now = clock_now(e->dev.env.clock);
        at = MAX(r->next_irq, r->hold);
        /* what a snapshot says about time is not believed: the longest delay is 67 ms */
        if (now >= at || at - now > NS_PER_SEC) {
            r->asserted = 1;
            r->next_irq = now + (u64)(r->itr & 0xffff) * ITR_UNIT;
            timer_cancel(&e->irq_timer);
        } else {
            timer_set(&e->irq_timer, at);
        }
    }
    pci_set_intx(&e->fn, r->asserted);
}

static void irq_due(void *arg, u64 now)
{
    update_irq(arg);
}

void e1000_cause(struct e1000 *e, u32 bits, u64 delay)
{
    struct e1000_regs *r = &e->r;

    if (bits & r->ims) {
        u64 until = delay ? clock_now(e->dev.env.clock) + delay : 0;

        r->hold = r->icr & r->ims ? MIN(r->hold, until) : until;
    }
    r->icr |= bits;
    update_irq(e);
}

static void tx_due(void *arg, u64 now)
{
    e1000_tx_run(arg);
}

/* ---- statistics: they stick at their ends, and reading clears ---- */

static u32 *stat_at(struct e1000 *e, u32 reg)
{
    return &e->r.stats[(reg - REG_STATS) / 4 % STAT_WORDS];
}

void e1000_count(struct e1000 *e, u32 reg, u64 n)
{
    u32 *at = stat_at(e, reg);

    *at = (u32)MIN(*at + n, 0xffffffffull);
}

void e1000_count64(struct e1000 *e, u32 reg, u64 n)
{
    u32 *lo = stat_at(e, reg), *hi = stat_at(e, reg + 4);
    u64 old = (u64)*hi << 32 | *lo, v = old + n < old ? ~0ull : old + n;

    *lo = (u32)v;
    *hi = (u32)(v >> 32);
}

void e1000_count_size(struct e1000 *e, u32 reg, size_t n)
{
    static const u16 upto[] = {64, 127, 255, 511, 1023};
    u32 i = 0;

    while (i < ARRAY_LEN(upto) && n > upto[i])
        i++;
    e1000_count(e, reg + 4 * i, 1);
}

static u32 stat_read(struct e1000 *e, u32 reg)
{
    u32 *at = stat_at(e, reg), v = *at;

    /* The low half of a pair stays until the high half is read. */
    if (reg != 0x4088 && reg != 0x4090 && reg != 0x40c0 && reg != 0x40c8)
        *at = 0;
    if (reg == 0x408c || reg == 0x4094 || reg == 0x40c4 || reg == 0x40cc)
        at[-1] = 0;
    return v;
}

/* ---- registers without side effects ---- */

struct plain {
    u16 reg, at;
    u32 mask;
};
#define PLAIN(reg, member, mask)                                                                   \
    {                                                                                              \
        reg, offsetof(struct e1000_regs, member), mask                                             \
    }
static const struct plain plain[] = {
    PLAIN(REG_CTRL_EXT, ctrl_ext, ~0u), PLAIN(REG_FLA, fla, 0xfu),
    PLAIN(REG_FCAL, fcal, ~0u),         PLAIN(REG_FCAH, fcah, 0xffff),
    PLAIN(REG_FCT, fct, 0xffff),        PLAIN(REG_VET, vet, 0xffff),
    PLAIN(REG_FCTTV, fcttv, 0xffff),    PLAIN(REG_TXCW, txcw, ~0u),
    PLAIN(REG_RXCW, rxcw, 0),           PLAIN(REG_TIPG, tipg, ~0u),
    PLAIN(REG_AIFS, aifs, 0xffff),      PLAIN(REG_LEDCTL, ledctl, ~0u),
    PLAIN(REG_PBA, pba, 0xffff),        PLAIN(REG_FCRTL, fcrtl, 0x8000fff8),
    PLAIN(REG_FCRTH, fcrth, 0xfff8),    PLAIN(REG_RDBAL, rdbal, ~0xfu),
    PLAIN(REG_RDBAH, rdbah, ~0u),       PLAIN(REG_RDTR, rdtr, 0xffff),
    PLAIN(REG_RXDCTL, rxdctl, ~0u),     PLAIN(REG_RADV, radv, 0xffff),
    PLAIN(REG_RSRPD, rsrpd, 0xfff),     PLAIN(REG_TXDMAC, txdmac, 1),
    PLAIN(REG_TDBAL, tdbal, ~0xfu),     PLAIN(REG_TDBAH, tdbah, ~0u),
    PLAIN(REG_TIDV, tidv, 0xffff),      PLAIN(REG_TXDCTL, txdctl, ~0u),
    PLAIN(REG_TADV, tadv, 0xffff),      PLAIN(REG_TSPMT, tspmt, ~0u),
    PLAIN(REG_RXCSUM, rxcsum, 0x7ff),   PLAIN(REG_WUC, wuc, 0xf),
    PLAIN(REG_WUFC, wufc, 0xf00ff),     PLAIN(REG_WUS, wus, 0),
    PLAIN(REG_MANC, manc, ~0u),         PLAIN(REG_EERD, eerd, 0),
    PLAIN(REG_MDIC, mdic, 0),           PLAIN(REG_RDLEN, rdlen, LEN_MASK),
    PLAIN(REG_RDH, rdh, 0xffff),        PLAIN(REG_RDT, rdt, 0xffff),
    PLAIN(REG_TDLEN, tdlen, LEN_MASK),  PLAIN(REG_TDH, tdh, 0xffff),
    PLAIN(REG_TDT, tdt, 0xffff),        PLAIN(REG_CTRL, ctrl, ~0u),
    PLAIN(REG_RCTL, rctl, 0x07ffffff),  PLAIN(REG_TCTL, tctl, 0x03ffffff),
    PLAIN(REG_ITR, itr, 0xffff),        PLAIN(REG_SWSM, swsm, 3),
};

static u32 *plain_at(struct e1000 *e, u32 reg, u32 *mask)
{
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (plain[i].reg == reg) {
            *mask = plain[i].mask;
            return (u32 *)(void *)((char *)&e->r + plain[i].at);
        }
    }
    return NULL;
}

/* The table that `reg` is part of, or NULL. */
static u32 *table_at(struct e1000 *e, u32 reg)
{
    if (reg >= REG_MTA && reg < REG_MTA + sizeof(e->r.mta))
        return &e->r.mta[(reg - REG_MTA) / 4];
    if (reg >= REG_RA && reg < REG_RA + sizeof(e->r.ra))
        return &e->r.ra[(reg - REG_RA) / 4];
    if (reg >= REG_VFTA && reg < REG_VFTA + sizeof(e->r.vfta))
        return &e->r.vfta[(reg - REG_VFTA) / 4];
    return NULL;
}

/* ---- reset ---- */

/* What the reset bit of CTRL does: all but configuration space and the PHY. */
static void soft_reset(struct e1000 *e)
{
    struct e1000_regs *r = &e->r;
    u8 cfg[PCI_CFG_SIZE];
    u16 phy[32];
    u32 io_addr = r->io_addr;

    memcpy(cfg, r->cfg, sizeof(cfg));
    memcpy(phy, r->phy, sizeof(phy));
    fields_reset(e1000_fields, r, false);
    memcpy(r->cfg, cfg, sizeof(cfg));
    memcpy(r->phy, phy, sizeof(phy));
    r->io_addr = io_addr;
    r->ra[0] = ld32(e->mac);
    r->ra[1] = RAH_AV | ld16(e->mac + 4);
    timer_cancel(&e->tx_timer);
    update_irq(e);
    nic_ready(e->net);
}

/* A shorter interval holds for the one that runs, too. */
static void write_itr(struct e1000 *e, u32 v)
{
    e->r.itr = v;
    e->r.next_irq = MIN(e->r.next_irq, clock_now(e->dev.env.clock) + (u64)v * ITR_UNIT);
    update_irq(e);
}

/* ---- accesses ---- */

static u64 mem_read(void *dev, u64 off, unsigned size)
{
    struct e1000 *e = dev;
    struct e1000_regs *r = &e->r;
    u32 reg = (u32)off & ~3u, mask, v, *p;

    switch (reg) {
    case REG_STATUS:
        return STATUS_FD | (r->link_down ? 0 : STATUS_LU) | STATUS_SPEED_1000 | STATUS_ASDV_1000;
    case REG_EECD: return e1000_eecd_read(e);
    case REG_ICR:
        v = r->icr;
        r->icr = 0;
        update_irq(e);
        return v;
    case REG_IMS: return r->ims;
    default: break;
    }
    if (reg >= REG_STATS && reg < REG_STATS + sizeof(r->stats))
        return stat_read(e, reg);
    p = table_at(e, reg);
    if (!p)
        p = plain_at(e, reg, &mask);
    return p ? *p : 0;
}

static void mem_write(void *dev, u64 off, u64 val, unsigned size)
{
    struct e1000 *e = dev;
    struct e1000_regs *r = &e->r;
    u32 reg = (u32)off, v = (u32)val, mask, *p;

    switch (reg) {
    case REG_TDT:
        r->tdt = v & TAIL_MASK;
        if (!r->tx_more)
            e1000_tx_run(e);
        return;
    case REG_RDT:
        r->rdt = v & TAIL_MASK;
        nic_ready(e->net);
        return;
    case REG_ICR: r->icr &= ~v, update_irq(e); return;
    case REG_ICS: e1000_cause(e, v & ICR_ALL, 0); return;
    case REG_IMS: r->ims |= v & ICR_ALL, update_irq(e); return;
    case REG_IMC: r->ims &= ~v, update_irq(e); return;
    case REG_CTRL:
        if (v & CTRL_PHY_RST)
            e1000_phy_reset(e);
        r->ctrl = v & ~(u32)(CTRL_RST | CTRL_PHY_RST);
        if (v & CTRL_RST)
            soft_reset(e);
        return;
    case REG_ITR: write_itr(e, v & 0xffff); return;
    case REG_EECD: e1000_eecd_write(e, v); return;
    case REG_EERD: e1000_eerd_write(e, v); return;
    case REG_MDIC: e1000_mdic_write(e, v); return;
    default: break;
    }
    p = table_at(e, reg);
    if (p) {
        *p = v;
        return;
    }
    p = plain_at(e, reg, &mask);
    if (!p)
        return;
    *p = v & mask;
    if (reg == REG_TCTL && !r->tx_more)
        e1000_tx_run(e);
    if (reg == REG_RCTL)
        nic_ready(e->net);
}

static const struct region_ops mem_ops = {mem_read, mem_write, 4, 4};

/* The same registers through an address and a data port. */
static u64 io_read(void *dev, u64 off, unsigned size)
{
    struct e1000 *e = dev;

    switch (off) {
    case IO_ADDR: return e->r.io_addr;
    case IO_DATA: return e->r.io_addr < MEM_SIZE ? mem_read(e, e->r.io_addr & ~3u, 4) : 0;
    default: return 0;
    }
}

static void io_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct e1000 *e = dev;

    if (off == IO_ADDR)
        e->r.io_addr = (u32)v;
    else if (off == IO_DATA && e->r.io_addr < MEM_SIZE)
        mem_write(e, e->r.io_addr & ~3u, v, 4);
}

static const struct region_ops io_ops = {io_read, io_write, 4, 4};

static void cfg_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    struct e1000 *e = (struct e1000 *)fn->dev;

    if (off < PCI_STATUS && off + size > PCI_COMMAND) {
        if (!e->r.tx_more)
            e1000_tx_run(e);
        nic_ready(e->net);
    }
}

/* ---- the cable ---- */

static void set_link(void *arg, bool up)
{
    struct e1000 *e = arg;

    if (up == !e->r.link_down)
        return;
    e->r.link_down = !up;
    e1000_phy_link(e);
    e1000_cause(e, ICR_LSC, 0);
    /* what was queued without a link goes out now */
    if (up && !e->r.tx_more)
        e1000_tx_run(e);
    nic_ready(e->net);
}

static bool link_up(void *arg)
{
    return !((struct e1000 *)arg)->r.link_down;
}

/* ---- class ---- */

static bool e1000_init(struct dev *dev, struct err *err)
{
    struct e1000 *e = (struct e1000 *)dev;

    if (!nic_parse_mac(e->mac_text, e->mac, err) ||
        !nic_rom_init(&e->rom, &e->fn, "e1000.rom", &e1000_ident, err))
        return false;
    e1000_eeprom_fill(e);
    timer_init(&e->irq_timer, dev->env.clock, irq_due, e, "e1000 interrupt");
    timer_init(&e->tx_timer, dev->env.clock, tx_due, e, "e1000 transmit");
    e->fn.bar[0] = (struct pci_bar){
        PCI_BAR_MEM, MEM_SIZE, {.name = "e1000", .ops = &mem_ops, .dev = e, .prio = 1}};
    e->fn.bar[1] = (struct pci_bar){
        PCI_BAR_IO, IO_SIZE, {.name = "e1000.io", .ops = &io_ops, .dev = e, .prio = 1}};
    e->fn.wrote = cfg_wrote;
    pci_func_init(&e->fn, dev, e->r.cfg, &e1000_ident);
    if (e->net) {
        e->net->arg = e;
        e->net->can_take = e1000_can_take;
        e->net->take = e1000_take;
        e->net->set_link = set_link;
        e->net->link = link_up;
    }
    return true;
}

static void e1000_reset(struct dev *dev)
{
    struct e1000 *e = (struct e1000 *)dev;

    pci_func_reset(&e->fn);
    e1000_phy_reset(e);
    soft_reset(e);
}

static bool e1000_loaded(struct dev *dev, struct err *err)
{
    struct e1000 *e = (struct e1000 *)dev;
    struct e1000_regs *r = &e->r;

    r->rdlen &= LEN_MASK, r->tdlen &= LEN_MASK;
    r->rdh &= TAIL_MASK, r->rdt &= TAIL_MASK, r->tdh &= TAIL_MASK, r->tdt &= TAIL_MASK;
    r->icr &= ICR_ALL, r->ims &= ICR_ALL;
    r->asserted = r->asserted && (r->icr & r->ims);
    r->tx_more = r->tx_more != 0;
    r->link_down = r->link_down != 0;
    if (r->tx_len > TX_ROOM - ETH_VLAN)
        return err_set(err, "%s: a packet of %u bytes is being sent", dev->id, r->tx_len);
    eeprom93_check(&r->ee);
    pci_func_loaded(&e->fn);
    timer_cancel(&e->tx_timer);
    if (r->tx_more)
        timer_set(&e->tx_timer, clock_now(dev->env.clock));
    update_irq(e);
    nic_ready(e->net);
    return true;
}

static void e1000_free(struct dev *dev)
{
    struct e1000 *e = (struct e1000 *)dev;

    if (e->fn.bus)
        pci_func_free(&e->fn);
    if (e->net)
        nic_leave(e->net);
    nic_rom_free(&e->rom);
}

bool e1000_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct e1000 *e = (struct e1000 *)dev;

    e->fn.bus = plug->pci;
    e->fn.devfn = plug->devfn;
    e->net = plug->net;
    nic_rom_wire(&e->rom, plug);
    return true;
}

const struct dev_class e1000_class = {
    .name = "e1000",
    .help = "Intel 82540EM gigabit Ethernet",
    .size = sizeof(struct e1000),
    .saved_at = offsetof(struct e1000, r),
    .saved_size = sizeof(struct e1000_regs),
    .version = 1,
    .fields = e1000_fields,
    .props = e1000_props,
    .init = e1000_init,
    .reset = e1000_reset,
    .loaded = e1000_loaded,
    .free = e1000_free,
};
