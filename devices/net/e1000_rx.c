/* Receiving: filters, the ring of buffers, checksums and VLAN tags (Intel 317453 section 3.2). */
#include "devices/net/e1000_int.h"

enum { RX_JUMBO = 16384, RX_USUAL = 1522 };
enum {
    STAT_MPC = 0x4010,
    STAT_PRC64 = 0x405c,
    STAT_GPRC = 0x4074,
    STAT_BPRC = 0x4078,
    STAT_MPRC = 0x407c,
    STAT_GORC = 0x4088,
    STAT_RNBC = 0x40a0,
    STAT_ROC = 0x40ac,
    STAT_TOR = 0x40c0,
    STAT_TPR = 0x40d0
};

/* ---- filters ---- */

static bool multicast_bit(const struct e1000_regs *r, const u8 *addr)
{
    static const u8 shift[] = {4, 3, 2, 0};
    u32 hash = (u32)(addr[5] << 8 | addr[4]) >> shift[r->rctl >> 12 & 3] & 0xfff;

    return r->mta[hash >> 5] >> (hash & 31) & 1;
}

static bool own_address(const struct e1000_regs *r, const u8 *addr)
{
    for (unsigned i = 0; i < 32; i += 2) {
        if ((r->ra[i + 1] & RAH_AV) && r->ra[i] == ld32(addr) &&
            (r->ra[i + 1] & 0xffff) == ld16(addr + 4))
            return true;
    }
    return false;
}

static bool is_vlan(const struct e1000_regs *r, const u8 *frame, size_t n)
{
    return n >= ETH_HEADER + ETH_VLAN && (u32)(frame[12] << 8 | frame[13]) == (r->vet & 0xffff);
}

static bool wanted(const struct e1000_regs *r, const u8 *frame, size_t n)
{
    if ((r->rctl & RCTL_VFE) && is_vlan(r, frame, n)) {
        u32 id = (u32)(frame[14] << 8 | frame[15]) & 0xfff;

        if (!(r->vfta[id >> 5] >> (id & 31) & 1))
            return false;
    }
    if (nic_broadcast(frame))
        return r->rctl & (RCTL_BAM | RCTL_MPE | RCTL_UPE) || multicast_bit(r, frame);
    if (frame[0] & 1)
        return (r->rctl & RCTL_MPE) || own_address(r, frame) || multicast_bit(r, frame);
    return (r->rctl & RCTL_UPE) || own_address(r, frame);
}

/* ---- the ring ---- */

static u32 ring_count(const struct e1000_regs *r)
{
    return r->rdlen / DESC_SIZE;
}

static u32 buffer_size(const struct e1000_regs *r)
{
    u32 size = 2048u >> (r->rctl >> 16 & 3);

    return r->rctl & RCTL_BSEX ? MIN(size * 16, 16384u) : size;
}

/* How many descriptors the guest has given: none when head or tail lie outside the ring. */
static u32 available(const struct e1000_regs *r)
{
    u32 n = ring_count(r);

    if (!n || r->rdh >= n || r->rdt >= n)
        return 0;
    return r->rdt >= r->rdh ? r->rdt - r->rdh : n - r->rdh + r->rdt;
}

bool e1000_can_take(void *arg)
{
    struct e1000 *e = arg;
    const struct e1000_regs *r = &e->r;

    /* A receiver that is off, or has no cable, takes everything and forgets it, as a wire does. */
    if (!(r->rctl & RCTL_EN) || !pci_master(&e->fn) || r->link_down)
        return true;
    return available(r) * (u64)buffer_size(r) >= (r->rctl & RCTL_LPE ? RX_JUMBO : RX_USUAL);
}

struct rx_meta {
    u8 status, errors;
    u16 csum, special;
};

static struct rx_meta checksums(const struct e1000_regs *r, const u8 *p, size_t n)
{
    struct rx_meta m = {0};
    u32 start = r->rxcsum & 0xff;
    struct nic_csum c;

    if (!(r->rxcsum & (RXCSUM_IPOFL | RXCSUM_TUOFL))) {
        m.status = RXS_IXSM;
    } else {
        c = nic_check(p, n);
        if ((r->rxcsum & RXCSUM_IPOFL) && c.ip) {
            m.status |= RXS_IPCS;
            m.errors |= c.ip_ok ? 0 : RXE_IPE;
        }
        if ((r->rxcsum & RXCSUM_TUOFL) && c.l4) {
            m.status |= RXS_TCPCS;
            m.errors |= c.l4_ok ? 0 : RXE_TCPE;
        }
        if (!m.status)
            m.status = RXS_IXSM;
    }
    if (start && start < n) {
        u16 sum = nic_sum(0, p + start, n - start);

        m.csum = (u16)(sum >> 8 | sum << 8);
    }
    return m;
}

/* One descriptor: part [at, at + len) of what is received. */
static void fill(struct e1000 *e, const u8 *p, size_t len, const struct rx_meta *m, bool last)
{
    struct e1000_regs *r = &e->r;
    u64 addr = ((u64)r->rdbah << 32 | r->rdbal) + (u64)r->rdh * DESC_SIZE;
    u8 d[DESC_SIZE];
    u64 buffer;

    bus_copy(e->dev.env.mem, addr, d, sizeof(d), false);
    buffer = ld64(d);
    if (buffer)
        bus_copy(e->dev.env.mem, buffer, (void *)p, len, true);
    memset(d + 8, 0, 8);
    st16(d + 8, (u16)len);
    st16(d + 10, m->csum);
    d[12] = (u8)(m->status | RXS_DD | (last ? RXS_EOP : 0));
    d[13] = m->errors;
    st16(d + 14, m->special);
    bus_copy(e->dev.env.mem, addr + 8, d + 8, 8, true);
    if (++r->rdh >= ring_count(r))
        r->rdh = 0;
}

static void count(struct e1000 *e, const u8 *frame, size_t n)
{
    e1000_count(e, STAT_TPR, 1);
    e1000_count64(e, STAT_TOR, n + ETH_FCS);
    e1000_count(e, STAT_GPRC, 1);
    e1000_count64(e, STAT_GORC, n + ETH_FCS);
    e1000_count_size(e, STAT_PRC64, n + ETH_FCS);
    if (nic_broadcast(frame))
        e1000_count(e, STAT_BPRC, 1);
    else if (frame[0] & 1)
        e1000_count(e, STAT_MPRC, 1);
}

static void store(struct e1000 *e, u8 *p, size_t n)
{
    struct e1000_regs *r = &e->r;
    u32 room = available(r), size = buffer_size(r), ring = ring_count(r), left;
    struct rx_meta m = checksums(r, p, n);
    size_t fcs = r->rctl & RCTL_SECRC ? 0 : ETH_FCS;

    count(e, p, n);
    if ((r->ctrl & CTRL_VME) && is_vlan(r, p, n)) {
        m.status |= RXS_VP;
        m.special = (u16)(p[14] << 8 | p[15]);
        memmove(p + ETH_VLAN, p, 12);
        p += ETH_VLAN;
        n -= ETH_VLAN;
    }
    n += fcs; /* the bytes behind are zero: nobody looks at them */
    if (room * (u64)size < n) {
        e1000_count(e, STAT_MPC, 1);
        e1000_count(e, STAT_RNBC, 1);
        e1000_cause(e, ICR_RXO, 0);
        return;
    }
    for (size_t at = 0; at < n; at += size)
        fill(e, p + at, MIN(n - at, (size_t)size), &m, at + size >= n);
    left = available(r);
    /* few are left: a half, a quarter or an eighth of the ring */
    if (left <= ring >> ((r->rctl >> 8 & 3) + 1))
        e1000_cause(e, ICR_RXT0 | ICR_RXDMT0, 0);
    else
        e1000_cause(e, ICR_RXT0, MIN(r->rdtr & 0xffff, r->radv ? r->radv & 0xffff : 0xffff) * 1024);
}

void e1000_receive(struct e1000 *e, const u8 *frame, size_t n)
{
    struct e1000_regs *r = &e->r;
    u8 buf[RX_JUMBO + 64];
    size_t padded = MAX(n, (size_t)ETH_MIN);

    if (!(r->rctl & RCTL_EN) || !pci_master(&e->fn) || n < ETH_HEADER)
        return;
    if (n > RX_JUMBO - ETH_FCS || (n > RX_USUAL - ETH_FCS && !(r->rctl & RCTL_LPE))) {
        e1000_count(e, STAT_ROC, 1);
        return;
    }
    if (!wanted(r, frame, n))
        return;
    memcpy(buf, frame, n);
    memset(buf + n, 0, padded - n + ETH_FCS);
    store(e, buf, padded);
}

void e1000_take(void *arg, const u8 *frame, size_t n)
{
    struct e1000 *e = arg;

    if (!e->r.link_down)
        e1000_receive(e, frame, n);
}
