/* Sending: legacy and extended descriptors, checksum insertion, TCP segmentation, VLAN tags (Intel
 * 317453 section 3.3 to 3.5). */
#include "devices/net/e1000_int.h"

#include "devices/core/bits.h"

/* What one go may do before the rest waits for the next event (reliability.md D4). */
enum { TX_DESCS = 256, TX_BYTES = 65536 };
enum { DTYP_CONTEXT = 0, DTYP_DATA = 1 };
enum {
    STAT_GPTC = 0x4080,
    STAT_GOTC = 0x4090,
    STAT_TOT = 0x40c8,
    STAT_TPT = 0x40d4,
    STAT_PTC64 = 0x40d8,
    STAT_MPTC = 0x40f0,
    STAT_BPTC = 0x40f4,
    STAT_TSCTC = 0x40f8
};

/* The sum of [start, end] (end 0: to the end of the frame) goes to `at`. */
static void insert_sum(u8 *p, size_t n, size_t start, size_t at, size_t end, u32 more)
{
    size_t stop = end && end < n ? end + 1 : n;
    u16 sum;

    if (start >= stop || at + 2 > n)
        return;
    sum = (u16)~nic_sum(more, p + start, stop - start);
    be16_put(p + at, sum);
}

/* ---- frames ---- */

static bool looped_back(const struct e1000 *e)
{
    return (e->r.rctl & RCTL_LBM) == RCTL_LBM || e1000_phy_loopback(e);
}

static void count(struct e1000 *e, const u8 *p, size_t n)
{
    e1000_count(e, STAT_TPT, 1);
    e1000_count(e, STAT_GPTC, 1);
    e1000_count64(e, STAT_TOT, n + ETH_FCS);
    e1000_count64(e, STAT_GOTC, n + ETH_FCS);
    e1000_count_size(e, STAT_PTC64, n + ETH_FCS);
    if (nic_broadcast(p))
        e1000_count(e, STAT_BPTC, 1);
    else if (p[0] & 1)
        e1000_count(e, STAT_MPTC, 1);
}

/* The n bytes at p, with four bytes of room before them. */
static void frame_out(struct e1000 *e, u8 *p, size_t n)
{
    struct e1000_regs *r = &e->r;

    if (n < ETH_HEADER)
        return;
    if (r->tx_vle && (r->ctrl & CTRL_VME)) {
        memmove(p - ETH_VLAN, p, 12);
        p -= ETH_VLAN;
        n += ETH_VLAN;
        be16_put(p + 12, (u16)r->vet);
        be16_put(p + 14, r->tx_special);
    }
    count(e, p, n);
    if (!looped_back(e)) {
        nic_send(e->net, p, n);
    } else if (!e->receiving) {
        e->receiving = true;
        if (e1000_can_take(e))
            e1000_receive(e, p, n);
        e->receiving = false;
    }
}

/* What changes in the headers of one piece: [hdr][payload of len bytes], `at` bytes into the whole.
 */
static void fix_headers(const struct e1000_context *c, u8 *p, size_t hdr, size_t len, size_t at,
                        unsigned nth, bool last)
{
    size_t n = hdr + len;

    if (c->ipcss + 6u <= hdr) {
        if (c->tucmd & 2) { /* IPv4: length and identification */
            be16_put(p + c->ipcss + 2, (u16)(n - c->ipcss));
            be16_put(p + c->ipcss + 4, (u16)(be16(p + c->ipcss + 4) + nth));
        } else if (n >= c->ipcss + 40u) {
            be16_put(p + c->ipcss + 4, (u16)(n - c->ipcss - 40));
        }
    }
    if ((c->tucmd & 1) && c->tucss + 14u <= hdr) {
        u8 *tcp = p + c->tucss;
        u32 seq = be32(tcp + 4) + (u32)at;

        be16_put(tcp + 4, (u16)(seq >> 16));
        be16_put(tcp + 6, (u16)seq);
        if (!last)
            tcp[13] &= (u8)~9; /* FIN and PSH belong to the last one */
    } else if (!(c->tucmd & 1) && c->tucss + 6u <= hdr) {
        be16_put(p + c->tucss + 4, (u16)(n - c->tucss));
    }
}

static void sums(const struct e1000_regs *r, u8 *p, size_t n, u32 length)
{
    const struct e1000_context *c = &r->ctx;

    /* the inner sum first: what is around it does not cover it */
    if (r->tx_popts & POPTS_TXSM)
        insert_sum(p, n, c->tucss, c->tucso, c->tucse, length);
    if (r->tx_popts & POPTS_IXSM)
        insert_sum(p, n, c->ipcss, c->ipcso, c->ipcse, 0);
}

/* Cut the packet at p (room for a tag before it) into frames; each one's headers are put in front
 * of its payload, over what has gone out already. A host that takes more than a wire does gets
 * several segments as one. */
static void segment(struct e1000 *e, u8 *p, size_t n)
{
    const struct e1000_context *c = &e->r.ctx;
    size_t hdr = c->hdrlen, step = c->mss,
           max = e->net && e->net->max_frame ? e->net->max_frame : 0;
    u8 head[TX_HEADER_MAX];
    unsigned nth = 0;

    if (!step || hdr < ETH_HEADER || n <= hdr) {
        log_guest_error(e->dev.env.log, e->dev.id, "segmentation with header %zu, size %zu of %zu",
                        hdr, step, n);
        return;
    }
    max = MIN(max, (size_t)65535);
    if (max > hdr + 2 * step && !looped_back(e))
        step = (max - hdr) / step * step;
    memcpy(head, p, hdr);
    for (size_t at = 0; at < n - hdr; at += step, nth++) {
        size_t len = MIN(step, n - hdr - at);
        u8 *frame = p + at;

        memcpy(frame, head, hdr);
        fix_headers(c, frame, hdr, len, at, nth, at + len == n - hdr);
        sums(&e->r, frame, hdr + len, (u32)(hdr + len - c->tucss) & 0xffff);
        frame_out(e, frame, hdr + len);
    }
    e1000_count(e, STAT_TSCTC, 1);
}

static void packet_out(struct e1000 *e)
{
    struct e1000_regs *r = &e->r;
    u8 *p = r->tx_buf + ETH_VLAN;

    if (!r->tx_drop && r->tx_tse)
        segment(e, p, r->tx_len);
    else if (!r->tx_drop)
        sums(r, p, r->tx_len, 0), frame_out(e, p, r->tx_len);
    r->tx_len = 0;
    r->tx_drop = r->tx_tse = r->tx_vle = r->tx_popts = 0;
}

/* ---- descriptors ---- */

static void gather(struct e1000 *e, u64 addr, u32 len)
{
    struct e1000_regs *r = &e->r;

    if (r->tx_len + ETH_VLAN + (u64)len > TX_ROOM) {
        r->tx_drop = 1;
        return;
    }
    bus_copy(e->dev.env.mem, addr, r->tx_buf + ETH_VLAN + r->tx_len, len, false);
    r->tx_len += len;
}

static void load_context(struct e1000_regs *r, const u8 *d)
{
    r->ctx = (struct e1000_context){.ipcss = d[0],
                                    .ipcso = d[1],
                                    .ipcse = ld16(d + 2),
                                    .tucss = d[4],
                                    .tucso = d[5],
                                    .tucse = ld16(d + 6),
                                    .tucmd = d[11],
                                    .hdrlen = d[13],
                                    .mss = ld16(d + 14)};
}

/* The bytes of data that the descriptor stood for. */
static u32 do_desc(struct e1000 *e, const u8 *d)
{
    struct e1000_regs *r = &e->r;
    u32 cmd = ld32(d + 8), len;
    bool first = !r->tx_len && !r->tx_drop;

    if (cmd & TXC_DEXT) {
        if ((cmd >> 20 & 0xf) == DTYP_CONTEXT) {
            load_context(r, d);
            return 0;
        }
        len = cmd & 0xfffff;
        if (first) {
            r->tx_popts = d[13];
            r->tx_tse = !!(cmd & TXC_TSE);
        }
    } else {
        len = cmd & 0xffff;
    }
    gather(e, ld64(d), len);
    if (!(cmd & TXC_EOP))
        return len;
    r->tx_vle = !!(cmd & TXC_VLE);
    r->tx_special = ld16(d + 14);
    if (!(cmd & TXC_DEXT)) {
        r->tx_popts = r->tx_tse = 0;
        if ((cmd & TXC_IC) && !r->tx_drop) {
            u8 css = d[13], cso = d[10];

            insert_sum(r->tx_buf + ETH_VLAN, r->tx_len, css, cso, 0, 0);
        }
    }
    packet_out(e);
    return len;
}

void e1000_tx_run(struct e1000 *e)
{
    struct e1000_regs *r = &e->r;
    u64 base = (u64)r->tdbah << 32 | r->tdbal, delay = ~0ull;
    u32 ring = r->tdlen / DESC_SIZE, causes = 0, bytes = 0, n = 0;

    r->tx_more = 0;
    if (!(r->tctl & TCTL_EN) || !pci_master(&e->fn) || r->tdh >= ring || r->tdt >= ring)
        return;
    /* Without a link the controller fetches nothing; the driver resets it, or the link comes back.
     */
    if (r->link_down && !looped_back(e))
        return;
    while (r->tdh != r->tdt) {
        u64 at = base + (u64)r->tdh * DESC_SIZE;
        u8 d[DESC_SIZE];

        if (n++ >= TX_DESCS || bytes >= TX_BYTES) {
            r->tx_more = 1;
            timer_set(&e->tx_timer, clock_now(e->dev.env.clock) + 1);
            break;
        }
        bus_copy(e->dev.env.mem, at, d, sizeof(d), false);
        bytes += do_desc(e, d);
        if (ld32(d + 8) & (TXC_RS | TXC_RPS)) {
            d[12] |= TXS_DD;
            bus_copy(e->dev.env.mem, at + 12, d + 12, 1, true);
            causes |= ICR_TXDW;
            if (!(ld32(d + 8) & TXC_IDE))
                delay = 0;
            else
                delay = MIN(delay, (u64)(r->tidv & 0xffff) * 1024);
        }
        if (++r->tdh >= ring)
            r->tdh = 0;
    }
    if (r->tdh == r->tdt)
        causes |= ICR_TXQE;
    e1000_cause(e, causes, delay == ~0ull ? 0 : delay);
}
