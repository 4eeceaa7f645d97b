/* Sending: the four slots of the RTL8139, or rings of descriptors with checksums, segmentation and
 * tags in C+ mode. */
#include "devices/net/rtl8139_int.h"

#include "devices/core/bits.h"

enum { TX_DESCS = 256, TX_BYTES = 65536, HEADERS_MAX = 14 + 60 + 60 };
enum {
    CPT_IPCS = BIT(18),
    CPT_UDPCS = BIT(17),
    CPT_TCPCS = BIT(16),
    MSS_SHIFT = 16,
    MSS_MASK = 0x7ff
};
enum { PROTO_TCP = 6, PROTO_UDP = 17, TALLY_SIZE = 64 };

/* The n bytes at p, with four bytes of room before them. */
static void frame_out(struct rtl8139 *t, u8 *p, size_t n, u32 tag)
{
    if (n < ETH_HEADER)
        return;
    if (tag & CPD_TAG) {
        memmove(p - ETH_VLAN, p, 12);
        p -= ETH_VLAN;
        n += ETH_VLAN;
        be16_put(p + 12, 0x8100);
        st16(p + 14, (u16)tag); /* in the wire's order */
    }
    t->r.tx_ok++;
    if ((rt_reg32(t, RT_TCR) & TCR_LOOP) != TCR_LOOP) {
        if (!t->r.link_down)
            nic_send(t->net, p, n);
    } else if (!t->receiving) {
        t->receiving = true;
        rtl8139_receive(t, p, n);
        t->receiving = false;
    }
}

/* ---- slots ---- */

void rtl8139_tx_slot(struct rtl8139 *t, unsigned slot)
{
    u8 *status = t->r.reg + RT_TSD + 4 * slot, *buf = t->r.tx_buf + ETH_VLAN;
    u32 v = ld32(status), len = v & TSD_SIZE;

    if (!(t->r.reg[RT_CR] & CR_TE) || !pci_master(&t->fn))
        return;
    bus_copy(t->dev.env.mem, rt_reg32(t, RT_TSAD + 4 * slot), buf, len, false);
    frame_out(t, buf, len, 0);
    st32(status, (v & (TSD_SIZE | 0x3f0000)) | TSD_OWN | TSD_TOK);
    rtl8139_cause(t, INT_TOK);
}

/* ---- C+: checksums and segments ---- */

/* Where the parts of an IPv4 packet begin; false: it is none, or damaged. */
struct parts {
    size_t ip, l4, payload, end;
    u8 proto;
};

static bool find_parts(const u8 *p, size_t n, struct parts *s)
{
    size_t at = ETH_HEADER, head;

    if (n >= ETH_HEADER + ETH_VLAN && be16(p + 12) == 0x8100)
        at += ETH_VLAN;
    if (n < at + 20 || be16(p + at - 2) != 0x0800 || p[at] >> 4 != 4)
        return false;
    head = 4u * (p[at] & 0xf);
    s->ip = at;
    s->l4 = at + head;
    s->end = at + be16(p + at + 2);
    s->proto = p[at + 9];
    return head >= 20 && s->l4 <= s->end && s->end <= n;
}

static void ip_sum(u8 *p, const struct parts *s)
{
    be16_put(p + s->ip + 10, 0);
    be16_put(p + s->ip + 10, (u16)~nic_sum(0, p + s->ip, s->l4 - s->ip));
}

static void l4_sum(u8 *p, const struct parts *s, size_t at, u8 proto)
{
    size_t len = s->end - s->l4;
    u16 sum;

    if (s->proto != proto || len < at + 2)
        return;
    be16_put(p + s->l4 + at, 0);
    sum = (u16)~nic_sum((u32)nic_sum(0, p + s->ip + 12, 8) + proto + (u32)len, p + s->l4, len);
    be16_put(p + s->l4 + at, sum || proto == PROTO_TCP ? sum : 0xffff);
}

static void sums(u8 *p, size_t n, u32 opts)
{
    struct parts s;

    if (!(opts & (CPT_IPCS | CPT_UDPCS | CPT_TCPCS)) || !find_parts(p, n, &s))
        return;
    if (opts & CPT_TCPCS)
        l4_sum(p, &s, 16, PROTO_TCP);
    if (opts & CPT_UDPCS)
        l4_sum(p, &s, 6, PROTO_UDP);
    if (opts & CPT_IPCS)
        ip_sum(p, &s);
}

/* One TCP packet as several: each one's headers go in front of its payload, over what has gone out.
 */
static void segment(struct rtl8139 *t, u8 *p, size_t n, u32 mss, u32 tag)
{
    struct parts s;
    u8 head[HEADERS_MAX];
    size_t hdr, data, step = mss, max = t->net ? t->net->max_frame : 0;

    if (!mss || !find_parts(p, n, &s) || s.proto != PROTO_TCP || s.end - s.l4 < 20)
        return;
    hdr = s.l4 + 4u * (p[s.l4 + 12] >> 4);
    if (hdr > s.end || hdr < s.l4 + 20 || hdr > sizeof(head))
        return;
    data = s.end - hdr;
    if (MIN(max, (size_t)65535) > hdr + 2 * step)
        step = (MIN(max, (size_t)65535) - hdr) / step * step;
    memcpy(head, p, hdr);
    for (size_t at = 0, nth = 0; at < data || !at; at += step, nth++) {
        size_t len = MIN(step, data - at);
        u8 *f = p + at, *tcp = f + s.l4;
        u32 seq;

        memcpy(f, head, hdr);
        be16_put(f + s.ip + 2, (u16)(hdr + len - s.ip));
        be16_put(f + s.ip + 4, (u16)(be16(f + s.ip + 4) + nth));
        seq = ((u32)be16(tcp + 4) << 16 | be16(tcp + 6)) + (u32)at;
        be16_put(tcp + 4, (u16)(seq >> 16));
        be16_put(tcp + 6, (u16)seq);
        if (at + len < data)
            tcp[13] &= (u8)~9; /* FIN and PSH belong to the last one */
        sums(f, hdr + len, CPT_IPCS | CPT_TCPCS);
        frame_out(t, f, hdr + len, tag);
    }
}

static void packet_out(struct rtl8139 *t, u32 tag)
{
    struct rtl8139_regs *r = &t->r;
    u8 *p = r->tx_buf + ETH_VLAN;

    if (r->tx_drop) {
        rtl8139_cause(t, INT_TER);
    } else if (r->tx_opts & CPD_LGS) {
        segment(t, p, r->tx_len, r->tx_opts >> MSS_SHIFT & MSS_MASK, tag);
    } else {
        sums(p, r->tx_len, r->tx_opts);
        frame_out(t, p, r->tx_len, tag);
    }
    r->tx_len = 0;
    r->tx_drop = 0;
}

/* ---- C+: rings ---- */

/* One descriptor; false: the guest has given no more. */
static bool do_desc(struct rtl8139 *t, u64 base, u16 *index, u32 *bytes)
{
    struct rtl8139_regs *r = &t->r;
    u64 place = base + (u64)*index * RT_DESC;
    u8 d[RT_DESC];
    u32 w, len;

    bus_copy(t->dev.env.mem, place, d, sizeof(d), false);
    w = ld32(d);
    if (!(w & CPD_OWN))
        return false;
    len = w & 0xffff;
    if (w & CPD_FS) {
        r->tx_opts = w;
        r->tx_len = 0;
        r->tx_drop = 0;
    }
    if (r->tx_len + len > RT_TX_ROOM - ETH_VLAN) {
        r->tx_drop = 1;
    } else {
        bus_copy(t->dev.env.mem, ld64(d + 8), r->tx_buf + ETH_VLAN + r->tx_len, len, false);
        r->tx_len += len;
    }
    *bytes += len;
    st32(d, w & ~CPD_OWN);
    if (w & CPD_LS)
        packet_out(t, ld32(d + 4));
    bus_copy(t->dev.env.mem, place, d, 4, true);
    *index = w & CPD_EOR ? 0 : (u16)(*index + 1);
    return true;
}

/* False: the budget is used up. */
static bool do_ring(struct rtl8139 *t, unsigned base_reg, u16 *index, unsigned *n, u32 *bytes)
{
    u64 base = ld64(t->r.reg + base_reg) & ~0xffull;
    unsigned before = *n;

    while (*n < TX_DESCS && *bytes < TX_BYTES) {
        if (!do_desc(t, base, index, bytes)) {
            if (*n > before)
                rtl8139_cause(t, INT_TOK | INT_TDU);
            return true;
        }
        ++*n;
    }
    rtl8139_cause(t, INT_TOK);
    return false;
}

void rtl8139_tx_poll(struct rtl8139 *t)
{
    struct rtl8139_regs *r = &t->r;
    u8 *poll = r->reg + RT_TPPOLL;
    unsigned n = 0;
    u32 bytes = 0;

    r->tx_more = 0;
    if (!rt_cplus_tx(t) || !(r->reg[RT_CR] & CR_TE) || !pci_master(&t->fn))
        return;
    if ((*poll & POLL_HIGH) && do_ring(t, RT_THPDS, &r->high_index, &n, &bytes))
        *poll &= (u8)~POLL_HIGH;
    if (!(*poll & POLL_HIGH) && (*poll & POLL_NORMAL) &&
        do_ring(t, RT_TNPDS, &r->tx_index, &n, &bytes))
        *poll &= (u8)~POLL_NORMAL;
    if (*poll & (POLL_HIGH | POLL_NORMAL)) {
        r->tx_more = 1;
        timer_set(&t->tx_timer, clock_now(t->dev.env.clock) + 1);
    }
}

/* ---- tallies ---- */

void rtl8139_tallies(struct rtl8139 *t, u64 addr)
{
    u8 b[TALLY_SIZE] = {0};

    st64(b, t->r.tx_ok);
    st64(b + 8, t->r.rx_ok);
    st16(b + 28, (u16)t->r.missed);
    st64(b + 40, t->r.rx_phys);
    st64(b + 48, t->r.rx_bcast);
    st32(b + 56, t->r.rx_mcast);
    if (pci_master(&t->fn))
        bus_copy(t->dev.env.mem, addr & ~0x3full, b, sizeof(b), true);
}
