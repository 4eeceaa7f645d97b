/* NE2000: a DP8390 network interface controller, its buffer memory and the two ports around it
 * (National Semiconductor DP8390D data sheet; Realtek RTL8029AS data sheet). */
#include "devices/net/ne2000_int.h"

enum {
    CR_STOP = 0x01,
    CR_START = 0x02,
    CR_TXP = 0x04,
    CR_RD = 0x38,
    CR_RD_READ = 0x08,
    CR_RD_WRITE = 0x10,
    CR_RD_ABORT = 0x20
};
enum {
    ISR_RX = 0x01,
    ISR_TX = 0x02,
    ISR_RXE = 0x04,
    ISR_TXE = 0x08,
    ISR_OVW = 0x10,
    ISR_CNT = 0x20,
    ISR_RDC = 0x40,
    ISR_RST = 0x80
};
enum { RCR_BROADCAST = 0x04, RCR_MULTICAST = 0x08, RCR_ALL = 0x10, RCR_MONITOR = 0x20 };
enum {
    RSR_OK = 0x01,
    RSR_GROUP = 0x20,
    TSR_OK = 0x01,
    DCR_WORDS = 0x01,
    DCR_NORMAL = 0x08,
    TCR_LOOP = 0x06
};
enum { DATA_PORT = 0x10, RESET_PORT = 0x18, RX_HEADER = 4, PAGE = 256 };

#define FIELDS_OF struct ne2000_regs
const struct field ne2000_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(cr, FT_U8, CR_STOP | CR_RD_ABORT, "command"),
    F(pstart, FT_U8, 0, "first page of the receive ring"),
    F(pstop, FT_U8, 0, "page behind it"),
    F(bnry, FT_U8, 0, "last page that was read"),
    F(tpsr, FT_U8, 0, "page to be sent"),
    F(tsr, FT_U8, 0, "transmit status"),
    F(isr, FT_U8, ISR_RST, "interrupt status"),
    F(imr, FT_U8, 0, "interrupt mask"),
    F(rcr, FT_U8, 0, "receive configuration"),
    F(tcr, FT_U8, 0, "transmit configuration"),
    F(dcr, FT_U8, 0, "data configuration"),
    F(rsr, FT_U8, 0, "receive status"),
    F(curr, FT_U8, 0, "page that is received to"),
    F(missed, FT_U8, 0, "frames missed"),
    FA(par, FT_U8, 0, "physical address"),
    FA(mar, FT_U8, 0, "multicast table"),
    F(tbcr, FT_U16, 0, "bytes to be sent"),
    F(rsar, FT_U16, 0, "remote DMA: start"),
    F(rbcr, FT_U16, 0, "remote DMA: bytes"),
    F(crda, FT_U16, 0, "remote DMA: place"),
    F(eecr, FT_U8, 0, "EEPROM command"),
    FK(link_down, FT_U8, 0, "the cable is out"), /* no reset puts it in */
    F(pad, FT_BYTES, 0, "unused"),
    FK(mem, FT_BYTES, 0, "buffer memory"), /* a reset leaves it as it is */
    FIELDS_END,
};
#undef FIELDS_OF

static void update_irq(struct ne2000 *n)
{
    int level = (n->r.isr & n->r.imr & 0x7f) != 0;

    if (n->pci)
        pci_set_intx(&n->fn, level);
    else
        irq_set(&n->out, level);
}

/* ---- memory as the chip sees it: the address PROM, the buffer ---- */

static u8 *mem_at(struct ne2000 *n, u16 addr)
{
    return addr >= NE_MEM_START && addr < NE_MEM_END ? &n->r.mem[addr - NE_MEM_START] : NULL;
}

static u8 mem_read(struct ne2000 *n, u16 addr)
{
    const u8 *p = mem_at(n, addr);

    if (p)
        return *p;
    /* each byte of the PROM twice; "WW" tells 16-bit cards */
    if (addr < 2 * MAC_LEN)
        return n->mac[addr / 2];
    return addr >= 28 && addr < 32 ? 0x57 : addr < 32 ? 0 : 0xff;
}

static void mem_write(struct ne2000 *n, u16 addr, u8 v)
{
    u8 *p = mem_at(n, addr);

    if (p)
        *p = v;
}

/* ---- remote DMA: the data port ---- */

static void dma_step(struct ne2000 *n)
{
    struct ne2000_regs *r = &n->r;

    if (++r->crda == r->pstop << 8)
        r->crda = (u16)(r->pstart << 8);
    if (r->rbcr && !--r->rbcr) {
        r->isr |= ISR_RDC;
        update_irq(n);
    }
}

/* How many bytes of memory an access moves: a word in word mode, however narrow it is, and a byte
 * else; 32 bits are two words. */
static unsigned dma_size(const struct ne2000 *n, unsigned size)
{
    return size == 4 ? 4 : n->r.dcr & DCR_WORDS ? 2 : 1;
}

static u32 data_read(struct ne2000 *n, unsigned size)
{
    unsigned len = dma_size(n, size);
    u32 v = 0;

    if ((n->r.cr & CR_RD) != CR_RD_READ)
        return 0xffffffff;
    for (unsigned i = 0; i < len && n->r.rbcr; i++) {
        v |= (u32)mem_read(n, n->r.crda) << 8 * i;
        dma_step(n);
    }
    return v;
}

static void data_write(struct ne2000 *n, u32 v, unsigned size)
{
    unsigned len = dma_size(n, size);

    if ((n->r.cr & CR_RD) != CR_RD_WRITE)
        return;
    for (unsigned i = 0; i < len && n->r.rbcr; i++) {
        mem_write(n, n->r.crda, (u8)(v >> 8 * i));
        dma_step(n);
    }
}

/* ---- sending ---- */

static void transmit(struct ne2000 *n)
{
    struct ne2000_regs *r = &n->r;
    u16 at = (u16)(r->tpsr << 8);
    u8 frame[2048];
    size_t len = MIN((size_t)r->tbcr, sizeof(frame));

    for (size_t i = 0; i < len; i++)
        frame[i] = mem_read(n, (u16)(at + i));
    /* in loopback nothing leaves the chip, nor enters the ring */
    if (len >= ETH_HEADER && !(r->tcr & TCR_LOOP) && !r->link_down)
        nic_send(n->net, frame, len);
    r->tsr = TSR_OK;
    r->isr |= ISR_TX;
    r->cr &= (u8)~CR_TXP;
}

/* ---- receiving ---- */

static bool wanted(const struct ne2000_regs *r, const u8 *addr)
{
    u32 hash;

    if (nic_broadcast(addr))
        return r->rcr & (RCR_BROADCAST | RCR_ALL);
    if (addr[0] & 1) {
        hash = nic_crc(addr, MAC_LEN) >> 26;
        return (r->rcr & RCR_MULTICAST) && (r->mar[hash >> 3] >> (hash & 7) & 1);
    }
    return (r->rcr & RCR_ALL) || !memcmp(addr, r->par, MAC_LEN);
}

static bool ring_valid(const struct ne2000_regs *r)
{
    return r->pstart >= NE_MEM_START >> 8 && r->pstart < r->pstop && r->pstop <= NE_MEM_END >> 8 &&
           r->curr >= r->pstart && r->curr < r->pstop;
}

/* Pages free between what comes in and what was read: at least one stays so. */
static unsigned free_pages(const struct ne2000_regs *r)
{
    unsigned ring = (unsigned)(r->pstop - r->pstart);
    /* Drivers write "one before the next frame" without wrapping it. */
    unsigned read = r->bnry < r->pstart || r->bnry >= r->pstop ? r->pstop - 1u : r->bnry;

    return read > r->curr ? read - r->curr : ring - (r->curr - read);
}

/* Are there frames that the guest has not read? */
static bool unread(const struct ne2000_regs *r)
{
    unsigned next = r->bnry + 1u;

    if (next < r->pstart || next >= r->pstop)
        next = r->pstart;
    return r->curr != next && r->curr != r->bnry;
}

static bool on(const struct ne2000_regs *r)
{
    return !(r->cr & CR_STOP) && !(r->rcr & RCR_MONITOR) && ring_valid(r) && !(r->tcr & TCR_LOOP);
}

static bool can_take(void *arg)
{
    struct ne2000 *n = arg;

    return !on(&n->r) || n->r.link_down ||
           free_pages(&n->r) > (RX_HEADER + ETH_MAX + ETH_VLAN + ETH_FCS + PAGE - 1) / PAGE;
}

static void put(struct ne2000_regs *r, u16 *at, const u8 *p, size_t len)
{
    while (len) {
        size_t room = (size_t)(r->pstop << 8) - *at, chunk = MIN(room, len);

        memcpy(&r->mem[*at - NE_MEM_START], p, chunk);
        p += chunk;
        len -= chunk;
        *at = (u16)(chunk == room ? r->pstart << 8 : *at + (int)chunk);
    }
}

static void take(void *arg, const u8 *frame, size_t len)
{
    static const u8 zeros[ETH_MIN];
    struct ne2000 *n = arg;
    struct ne2000_regs *r = &n->r;
    size_t size = MAX(len, (size_t)ETH_MIN);
    unsigned pages = (unsigned)(size + RX_HEADER + ETH_FCS + PAGE - 1) / PAGE, next;
    u8 header[RX_HEADER];
    u16 at;

    if (!on(r) || r->link_down || len < ETH_HEADER || len > ETH_MAX + ETH_VLAN || !wanted(r, frame))
        return;
    if (free_pages(r) <= pages) {
        r->isr |= ISR_OVW;
        r->missed = (u8)MIN(r->missed + 1, 255);
        if (r->missed & 0x80)
            r->isr |= ISR_CNT;
        update_irq(n);
        return;
    }
    next = r->curr + pages;
    if (next >= r->pstop)
        next -= (unsigned)(r->pstop - r->pstart);
    r->rsr = (u8)(RSR_OK | (frame[0] & 1 ? RSR_GROUP : 0));
    header[0] = r->rsr;
    header[1] = (u8)next;
    st16(header + 2, (u16)(size + RX_HEADER));
    at = (u16)(r->curr << 8);
    put(r, &at, header, sizeof(header));
    put(r, &at, frame, len);
    put(r, &at, zeros, size - len);
    r->curr = (u8)next;
    r->isr |= ISR_RX;
    update_irq(n);
}

/* ---- registers ---- */

static void write_command(struct ne2000 *n, u8 v)
{
    struct ne2000_regs *r = &n->r;

    if (v & CR_STOP) {
        r->cr = v & (u8)~CR_TXP;
        r->isr |= ISR_RST;
        update_irq(n);
        return;
    }
    r->cr = v;
    r->isr &= (u8)~ISR_RST;
    if (((v & CR_RD) == CR_RD_READ || (v & CR_RD) == CR_RD_WRITE) && !r->rbcr)
        r->isr |= ISR_RDC; /* nothing to move is done at once */
    if (v & CR_TXP)
        transmit(n);
    update_irq(n);
    nic_ready(n->net);
}

static u8 page0_read(struct ne2000 *n, unsigned off)
{
    struct ne2000_regs *r = &n->r;
    u8 v;

    switch (off) {
    case 0x1: return 0; /* the local DMA's place: at the start of a page */
    case 0x2: return r->curr;
    case 0x3: return r->bnry;
    case 0x4: return r->tsr;
    case 0x7: return r->isr;
    case 0x8: return (u8)r->crda;
    case 0x9: return (u8)(r->crda >> 8);
    case 0xa: return n->pci ? 0x50 : 0xff;
    case 0xb: return n->pci ? 0x43 : 0xff;
    case 0xc: return r->rsr;
    case 0xf:
        v = r->missed;
        r->missed = 0;
        return v;
    default: return 0;
    }
}

static void page0_write(struct ne2000 *n, unsigned off, u8 v)
{
    struct ne2000_regs *r = &n->r;

    switch (off) {
    case 0x1: r->pstart = v; break;
    case 0x2: r->pstop = v; break;
    case 0x3:
        r->bnry = v;
        nic_ready(n->net);
        break;
    case 0x4: r->tpsr = v; break;
    case 0x5: r->tbcr = (u16)((r->tbcr & 0xff00) | v); break;
    case 0x6: r->tbcr = (u16)((r->tbcr & 0xff) | v << 8); break;
    case 0x7:
        r->isr &= (u8) ~(v & 0x7f);
        /* On a wire of 10 Mb/s the next frame tells a driver that looked away too early (Linux'
         * stops after ten) of those still in the ring. Here there may be no next frame: the ring is
         * full. */
        if (on(r) && unread(r))
            r->isr |= ISR_RX;
        update_irq(n);
        break;
    case 0x8: r->crda = r->rsar = (u16)((r->rsar & 0xff00) | v); break;
    case 0x9: r->crda = r->rsar = (u16)((r->rsar & 0xff) | v << 8); break;
    case 0xa: r->rbcr = (u16)((r->rbcr & 0xff00) | v); break;
    case 0xb: r->rbcr = (u16)((r->rbcr & 0xff) | v << 8); break;
    case 0xc: r->rcr = v; break;
    case 0xd: r->tcr = v; break;
    case 0xe: r->dcr = v; break;
    case 0xf:
        r->imr = v & 0x7f;
        update_irq(n);
        break;
    default: break;
    }
}

static u8 page1_read(const struct ne2000_regs *r, unsigned off)
{
    return off <= 6 ? r->par[off - 1] : off == 7 ? r->curr : r->mar[off - 8];
}

static void page1_write(struct ne2000 *n, unsigned off, u8 v)
{
    struct ne2000_regs *r = &n->r;

    if (off <= 6)
        r->par[off - 1] = v;
    else if (off == 7)
        r->curr = v;
    else
        r->mar[off - 8] = v;
}

static u8 page2_read(const struct ne2000_regs *r, unsigned off)
{
    switch (off) {
    case 0x1: return r->pstart;
    case 0x2: return r->pstop;
    case 0x4: return r->tpsr;
    case 0xc: return (u8)(r->rcr | 0xc0);
    case 0xd: return (u8)(r->tcr | 0xe0);
    case 0xe: return (u8)(r->dcr | 0x80);
    case 0xf: return (u8)(r->imr | 0x80);
    default: return 0;
    }
}

/* The RTL8029's own page: full duplex off, no boot ROM chosen, 10BASE-T. */
static u8 page3_read(const struct ne2000 *n, unsigned off)
{
    if (!n->pci)
        return 0xff;
    switch (off) {
    case 0x1: return n->r.eecr;
    case 0x3: return 0x00;
    case 0x5: return 0x40;
    case 0x6: return 0x40;
    default: return 0;
    }
}

static u8 reg_read(struct ne2000 *n, unsigned off)
{
    if (off == 0)
        return n->r.cr;
    switch (n->r.cr >> 6) {
    case 0: return page0_read(n, off);
    case 1: return page1_read(&n->r, off);
    case 2: return page2_read(&n->r, off);
    default: return page3_read(n, off);
    }
}

static u64 io_read(void *dev, u64 off, unsigned size)
{
    struct ne2000 *n = dev;
    u32 v = 0;

    off &= NE_PORTS - 1;
    if (off >= RESET_PORT) {
        ne2000_core_reset(n);
        return 0;
    }
    if (off >= DATA_PORT)
        return data_read(n, size);
    for (unsigned i = 0; i < size; i++)
        v |= (u32)reg_read(n, (unsigned)off + i) << 8 * i;
    return v;
}

static void reg_write(struct ne2000 *n, unsigned off, u8 v)
{
    if (off == 0)
        write_command(n, v);
    else if (n->r.cr >> 6 == 0)
        page0_write(n, off, v);
    else if (n->r.cr >> 6 == 1)
        page1_write(n, off, v);
    else if (n->r.cr >> 6 == 3 && off == 1)
        n->r.eecr = v & 0xc0;
}

static void io_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct ne2000 *n = dev;

    off &= NE_PORTS - 1;
    if (off >= RESET_PORT)
        return; /* reading it resets; writing ends that */
    if (off >= DATA_PORT) {
        data_write(n, (u32)v, size);
        return;
    }
    for (unsigned i = 0; i < size; i++)
        reg_write(n, (unsigned)off + i, (u8)(v >> 8 * i));
}

const struct region_ops ne2000_ops = {io_read, io_write, 1, 4};

/* ---- for the two classes ---- */

/* The chip does not know of its cable: frames stop. */
static void set_link(void *arg, bool up)
{
    struct ne2000 *n = arg;

    n->r.link_down = !up;
    nic_ready(n->net);
}

static bool link_up(void *arg)
{
    return !((struct ne2000 *)arg)->r.link_down;
}

bool ne2000_core_init(struct ne2000 *n, struct err *err)
{
    if (!nic_parse_mac(n->mac_text, n->mac, err))
        return false;
    if (n->net) {
        n->net->arg = n;
        n->net->can_take = can_take;
        n->net->take = take;
        n->net->set_link = set_link;
        n->net->link = link_up;
    }
    return true;
}

void ne2000_core_reset(struct ne2000 *n)
{
    u8 cfg[PCI_CFG_SIZE];

    /* configuration space is not the chip's to reset */
    memcpy(cfg, n->r.cfg, sizeof(cfg));
    fields_reset(ne2000_fields, &n->r, false);
    memcpy(n->r.cfg, cfg, sizeof(cfg));
    memcpy(n->r.par, n->mac, MAC_LEN);
    update_irq(n);
    nic_ready(n->net);
}

void ne2000_core_loaded(struct ne2000 *n)
{
    n->r.imr &= 0x7f;
    n->r.link_down = n->r.link_down != 0;
    update_irq(n);
    nic_ready(n->net);
}

void ne2000_core_free(struct ne2000 *n)
{
    if (n->net)
        nic_leave(n->net);
}
