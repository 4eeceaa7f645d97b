/* Receiving: into the ring buffer of the RTL8139, or through descriptors in C+ mode. */
#include "devices/net/rtl8139_int.h"

enum { RXS_OK = 0x0001, RXS_BROADCAST = 0x2000, RXS_PHYSICAL = 0x4000, RXS_MULTICAST = 0x8000 };
enum { RX_HEADER = 4, RX_FRAME = ETH_MAX + ETH_VLAN, MAX_DESCS = 16 };
/* C+: bits of the first word that tell what came. */
#define CPR_MULTICAST BIT(26)
#define CPR_PHYSICAL  BIT(25)
#define CPR_BROADCAST BIT(24)
#define CPR_IPF       BIT(15)
#define CPR_UDPF      BIT(14)
#define CPR_TCPF      BIT(13)
enum { CPR_PID_SHIFT = 16, PID_TCP = 1, PID_UDP = 2, PID_IP = 3, CPR_BUF = 0x1fff };

static u32 ring_size(const struct rtl8139 *t)
{
    return 8192u << (rt_reg32(t, RT_RCR) >> 11 & 3);
}

/* Where the guest reads: CAPR is 16 bytes behind that. */
static u32 read_at(const struct rtl8139 *t)
{
    return (rt_reg16(t, RT_CAPR) + 16u) & (ring_size(t) - 1) & ~3u;
}

static u32 write_at(const struct rtl8139 *t)
{
    return rt_reg16(t, RT_CBR) & (ring_size(t) - 1) & ~3u;
}

bool rtl8139_rx_empty(const struct rtl8139 *t)
{
    return read_at(t) == write_at(t);
}

static u32 ring_free(const struct rtl8139 *t)
{
    u32 size = ring_size(t), room = (read_at(t) - write_at(t)) & (size - 1);

    return room ? room : size;
}

/* Header, frame and CRC, in whole words. */
static u32 ring_need(size_t n)
{
    return (u32)(n + RX_HEADER + ETH_FCS + 3) & ~3u;
}

/* ---- C+ descriptors ---- */

static u64 rx_desc_at(const struct rtl8139 *t, u32 index)
{
    return (ld64(t->r.reg + RT_RDSAR) & ~0xffull) + (u64)index * RT_DESC;
}

/* How many bytes the descriptors that the guest has given take, up to `want`. */
static u32 desc_room(struct rtl8139 *t, u32 want)
{
    u32 room = 0, index = t->r.rx_index;

    for (unsigned i = 0; i < MAX_DESCS && room < want; i++) {
        u8 d[4];
        u32 w;

        bus_copy(t->dev.env.mem, rx_desc_at(t, index), d, sizeof(d), false);
        w = ld32(d);
        if (!(w & CPD_OWN))
            break;
        room += w & CPR_BUF;
        index = w & CPD_EOR ? 0 : index + 1;
    }
    return room;
}

static u32 check_bits(const u8 *frame, size_t n)
{
    struct nic_csum c = nic_check(frame, n);
    u32 v = 0;

    if (!c.ip)
        return 0;
    v |= (c.l4 ? c.tcp ? PID_TCP : PID_UDP : PID_IP) << CPR_PID_SHIFT;
    v |= c.ip_ok ? 0 : CPR_IPF;
    if (c.l4 && !c.l4_ok)
        v |= c.tcp ? CPR_TCPF : CPR_UDPF;
    return v;
}

/* The n bytes at p (with the CRC), whose kind `bits` tells, into one descriptor after another. */
static void fill_descs(struct rtl8139 *t, const u8 *p, size_t n, u32 bits, u32 tag)
{
    size_t at = 0;

    for (unsigned i = 0; i < MAX_DESCS && at < n; i++) {
        u64 place = rx_desc_at(t, t->r.rx_index);
        u8 d[RT_DESC];
        u32 w, len;

        bus_copy(t->dev.env.mem, place, d, sizeof(d), false);
        w = ld32(d);
        if (!(w & CPD_OWN))
            break; /* taken back meanwhile */
        len = (u32)MIN((size_t)(w & CPR_BUF), n - at);
        bus_copy(t->dev.env.mem, ld64(d + 8), (void *)(p + at), len, true);
        st32(d, (w & CPD_EOR) | bits | (at ? 0 : CPD_FS) | (at + len == n ? CPD_LS : 0) |
                    (u32)(at + len == n ? n : len));
        st32(d + 4, tag);
        bus_copy(t->dev.env.mem, place, d, 8, true);
        at += len;
        t->r.rx_index = w & CPD_EOR ? 0 : (u16)(t->r.rx_index + 1);
    }
}

static void overflow(struct rtl8139 *t)
{
    t->r.missed = (t->r.missed + 1) & 0xffffff;
    rtl8139_cause(t, INT_RXOVW);
}

static void take_cplus(struct rtl8139 *t, u8 *p, size_t n, u32 kind)
{
    u32 bits = (kind & RXS_BROADCAST ? CPR_BROADCAST : 0) |
               (kind & RXS_PHYSICAL ? CPR_PHYSICAL : 0) |
               (kind & RXS_MULTICAST ? CPR_MULTICAST : 0);
    u32 tag = 0;

    if (rt_reg16(t, RT_CPCR) & CP_RXSUM)
        bits |= check_bits(p, n);
    if ((rt_reg16(t, RT_CPCR) & CP_RXVLAN) && p[12] == 0x81 && !p[13]) {
        tag = CPD_TAVA | ld16(p + 14); /* in the wire's order */
        memmove(p + ETH_VLAN, p, 12);
        p += ETH_VLAN;
        n -= ETH_VLAN;
    }
    n += ETH_FCS;
    if (desc_room(t, (u32)n) < n) {
        overflow(t);
        return;
    }
    fill_descs(t, p, n, bits, tag);
    rtl8139_cause(t, INT_ROK);
}

/* ---- the ring buffer ---- */

static void put(struct rtl8139 *t, u32 *at, const void *p, u32 len)
{
    u32 size = ring_size(t), base = rt_reg32(t, RT_RBSTART);
    /* With WRAP the end of a frame lies behind the ring, but not behind one of 64 KiB. */
    bool split = !(rt_reg32(t, RT_RCR) & RCR_WRAP) || size == 65536;
    u32 first = split && *at < size ? MIN(len, size - *at) : len;

    bus_copy(t->dev.env.mem, (u64)base + *at, (void *)p, first, true);
    if (len > first)
        bus_copy(t->dev.env.mem, base, (u8 *)p + first, len - first, true);
    *at += len;
    if (split)
        *at &= size - 1;
}

static void take_ring(struct rtl8139 *t, u8 *p, size_t n, u32 kind)
{
    u32 need = ring_need(n), at = write_at(t), end = at;
    u8 header[RX_HEADER];

    if (need >= ring_free(t)) {
        overflow(t);
        return;
    }
    st16(header, (u16)(RXS_OK | kind));
    st16(header + 2, (u16)(n + ETH_FCS));
    put(t, &end, header, sizeof(header));
    put(t, &end, p, (u32)n + ETH_FCS);
    st16(t->r.reg + RT_CBR, (u16)((at + need) & (ring_size(t) - 1)));
    rtl8139_cause(t, INT_ROK);
}

/* ---- both ---- */

/* RXS_* of a frame that is let in; 0: it is not. */
static u32 filter(const struct rtl8139 *t, const u8 *addr)
{
    u32 rcr = rt_reg32(t, RT_RCR), hash;

    if (nic_broadcast(addr))
        return rcr & (RCR_AB | RCR_AAP) ? RXS_BROADCAST : 0;
    if (addr[0] & 1) {
        hash = nic_crc(addr, MAC_LEN) >> 26;
        return (rcr & RCR_AAP) ||
                       ((rcr & RCR_AM) && (t->r.reg[RT_MAR + (hash >> 3)] >> (hash & 7) & 1))
                   ? RXS_MULTICAST
                   : 0;
    }
    if ((rcr & RCR_APM) && !memcmp(addr, t->r.reg + RT_IDR, MAC_LEN))
        return RXS_PHYSICAL;
    return rcr & RCR_AAP ? RXS_OK : 0;
}

static bool receiving(const struct rtl8139 *t)
{
    return (t->r.reg[RT_CR] & CR_RE) && pci_master(&t->fn);
}

bool rtl8139_can_take(void *arg)
{
    struct rtl8139 *t = arg;

    if (!receiving(t) || t->r.link_down)
        return true;
    if (rt_cplus_rx(t))
        return desc_room(t, RX_FRAME + ETH_FCS) >= RX_FRAME + ETH_FCS;
    return ring_free(t) > ring_need(RX_FRAME);
}

void rtl8139_receive(struct rtl8139 *t, const u8 *frame, size_t n)
{
    u8 buf[RX_FRAME + 64];
    u32 kind;

    if (!receiving(t) || n < ETH_HEADER || n > RX_FRAME)
        return;
    kind = filter(t, frame);
    if (!kind)
        return;
    memcpy(buf, frame, n);
    memset(buf + n, 0, sizeof(buf) - n);
    n = MAX(n, (size_t)ETH_MIN);
    t->r.rx_ok++;
    t->r.rx_phys += (kind & RXS_PHYSICAL) != 0;
    t->r.rx_bcast += (kind & RXS_BROADCAST) != 0;
    t->r.rx_mcast += (kind & RXS_MULTICAST) != 0;
    if (rt_cplus_rx(t))
        take_cplus(t, buf, n, kind);
    else
        take_ring(t, buf, n, kind);
}

void rtl8139_take(void *arg, const u8 *frame, size_t n)
{
    struct rtl8139 *t = arg;

    if (!t->r.link_down)
        rtl8139_receive(t, frame, n);
}
