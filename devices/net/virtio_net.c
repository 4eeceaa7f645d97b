/* virtio-net: a queue of buffers for each direction, one of commands that set filters (VIRTIO 1.1, section 5.1). The host
 * gets whole frames with their sums: no work on them is left to it. */
#include "devices/net/virtio_net.h"

#include "devices/core/bits.h"

enum { RXQ, TXQ, CTRLQ, QUEUES };
enum { QUEUE_SIZE = 256, CTRL_SIZE = 64, TX_CHAINS = 256, TX_BYTES = 65536, RX_CHAINS = 64, CTRL_CHAINS = 64 };
enum { HDR_OLD = 10, HDR = 12, HDR_BUFFERS = 10, HDR_VALID = 2, CONFIG_LEN = 8, LINK_UP = 1 };
enum { CLASS_RX, CLASS_MAC, CLASS_VLAN, MAC_TABLE = 0, MAC_SET = 1, ACK_OK = 0, ACK_ERROR = 1 };
enum { PROMISC, ALL_MULTI, ALL_UNI, NO_MULTI, NO_UNI, NO_BCAST };
#define F_GUEST_CSUM    BIT64(1)
#define F_MAC           BIT64(5)
#define F_MRG_RXBUF     BIT64(15)
#define F_STATUS        BIT64(16)
#define F_CTRL_VQ       BIT64(17)
#define F_CTRL_RX       BIT64(18)
#define F_CTRL_VLAN     BIT64(19)
#define F_CTRL_RX_EXTRA BIT64(20)
#define F_CTRL_MAC      BIT64(23)

#define FIELDS_OF struct virtio_net_regs
static const struct field vnet_fields[] = {
    VIRTIO_FIELDS,
    FA(vlan, FT_U32, 0, "tags that are let in"),
    FA(mac, FT_U8, 0, "address"),
    FA(rx, FT_U8, 0, "what is let in besides"),
    F(uni, FT_U8, 0, "addresses of adapters in the table"),
    F(multi, FT_U8, 0, "addresses of groups in the table"),
    F(uni_over, FT_U8, 0, "too many addresses of adapters"),
    F(multi_over, FT_U8, 0, "too many addresses of groups"),
    FA(table, FT_U8, 0, "addresses"),
    FK(link_down, FT_U8, 0, "the cable is out"), /* no reset puts it in */
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop vnet_props[] = {
    VIRTIO_PROPS(virtio_net),
    {"mac", offsetof(struct virtio_net, mac_text), PT_STR, 0, 0, 0, "address"},
    PROPS_END,
};

static struct virtio_net *vnet_of(struct virtio *v)
{
    return container_of(v, struct virtio_net, v);
}

static unsigned vnet_queues(struct virtio *v)
{
    return QUEUES;
}

static u16 vnet_queue_size(struct virtio *v, unsigned q)
{
    return q == CTRLQ ? CTRL_SIZE : QUEUE_SIZE;
}

static u64 vnet_features(struct virtio *v)
{
    return F_GUEST_CSUM | F_MAC | F_MRG_RXBUF | F_STATUS | F_CTRL_VQ | F_CTRL_RX | F_CTRL_VLAN | F_CTRL_RX_EXTRA |
           F_CTRL_MAC;
}

/* The header before each frame has the number of buffers only where that is agreed on. */
static size_t header_size(const struct virtio *v)
{
    return v->r->features & (F_MRG_RXBUF | VIRTIO_F_VERSION_1) ? HDR : HDR_OLD;
}

/* ---- sending ---- */

static void transmit(struct virtio_net *n)
{
    struct virtio *v = &n->v;
    size_t skip = header_size(v), bytes = 0;
    unsigned done = 0;
    struct vq_elem e;

    while (done < TX_CHAINS && bytes < TX_BYTES && vq_pop(v, TXQ, &e)) {
        if (e.out_len >= skip + ETH_HEADER && e.out_len - skip <= sizeof(n->buf)) {
            size_t len = vq_get(v, &e, skip, n->buf, sizeof(n->buf));

            if (!n->r.link_down)
                nic_send(n->net, n->buf, len);
            bytes += len;
        }
        vq_fill(v, TXQ, done++, e.head, 0);
    }
    if (done)
        vq_flush(v, TXQ, done);
    if (vq_pending(v, TXQ))
        virtio_later(v, TXQ);
}

/* ---- receiving ---- */

static bool in_table(const struct virtio_net_regs *r, const u8 *addr, unsigned from, unsigned count)
{
    for (unsigned i = from; i < from + count; i++) {
        if (!memcmp(r->table + i * MAC_LEN, addr, MAC_LEN))
            return true;
    }
    return false;
}

static bool wanted(struct virtio_net *n, const u8 *f, size_t len)
{
    const struct virtio_net_regs *r = &n->r;

    if (virtio_has(&n->v, F_CTRL_VLAN) && f[12] == 0x81 && !f[13] && len >= ETH_HEADER + ETH_VLAN) {
        u32 id = (u32)(f[14] << 8 | f[15]) & 0xfff;

        if (!(r->vlan[id >> 5] >> (id & 31) & 1))
            return false;
    }
    if (r->rx[PROMISC])
        return true;
    if (nic_broadcast(f))
        return !r->rx[NO_BCAST];
    if (f[0] & 1)
        return !r->rx[NO_MULTI] && (r->rx[ALL_MULTI] || r->multi_over || in_table(r, f, r->uni, r->multi));
    return !r->rx[NO_UNI] &&
           (r->rx[ALL_UNI] || r->uni_over || !memcmp(f, r->mac, MAC_LEN) || in_table(r, f, 0, r->uni));
}

static bool vnet_can_take(void *arg)
{
    struct virtio_net *n = arg;

    return !virtio_ready(&n->v) || n->r.link_down || vq_pending(&n->v, RXQ);
}

static void vnet_take(void *arg, const u8 *frame, size_t len)
{
    struct virtio_net *n = arg;
    struct virtio *v = &n->v;
    size_t head = header_size(v), total = head + len, at = 0;
    struct vq_elem first, e;
    unsigned count = 0;
    u8 buffers[2];

    if (!virtio_ready(v) || n->r.link_down || len < ETH_HEADER || len > sizeof(n->buf) - HDR ||
        !wanted(n, frame, len))
        return;
    memset(n->buf, 0, HDR);
    if (virtio_has(v, F_GUEST_CSUM) && nic_check(frame, len).l4_ok)
        n->buf[0] = HDR_VALID;
    memcpy(n->buf + head, frame, len);
    while (at < total && count < RX_CHAINS && vq_pop(v, RXQ, &e)) {
        size_t k = vq_put(v, &e, 0, n->buf + at, total - at);

        if (!count)
            first = e;
        at += k;
        vq_fill(v, RXQ, count++, e.head, (u32)k);
        if (!virtio_has(v, F_MRG_RXBUF) || k < head)
            break;
    }
    if (at < total) { /* what is there is too little for it */
        vq_unpop(v, RXQ, count);
        return;
    }
    if (head == HDR) {
        st16(buffers, (u16)count);
        vq_put(v, &first, HDR_BUFFERS, buffers, sizeof(buffers));
    }
    vq_flush(v, RXQ, count);
}

/* ---- commands ---- */

/* Two lists, each a count and its addresses. */
static bool set_table(struct virtio_net *n, const struct vq_elem *e)
{
    struct virtio_net_regs *r = &n->r;
    u64 at = 2;

    r->uni = r->multi = r->uni_over = r->multi_over = 0;
    for (unsigned list = 0; list < 2; list++) {
        u8 count[4];
        u32 k, room = VNET_TABLE - (list ? r->uni : 0u);

        if (vq_get(&n->v, e, at, count, sizeof(count)) != sizeof(count))
            return false;
        k = ld32(count);
        at += sizeof(count);
        if ((u64)k * MAC_LEN > e->out_len - at)
            return false;
        if (k > room)
            *(list ? &r->multi_over : &r->uni_over) = 1;
        else if (vq_get(&n->v, e, at, r->table + (list ? r->uni * MAC_LEN : 0), (size_t)k * MAC_LEN) == k * MAC_LEN)
            *(list ? &r->multi : &r->uni) = (u8)k;
        at += (u64)k * MAC_LEN;
    }
    return true;
}

static bool command(struct virtio_net *n, const struct vq_elem *e)
{
    u8 b[2 + MAC_LEN];
    size_t len = vq_get(&n->v, e, 0, b, sizeof(b));
    u32 id;

    if (len < 3)
        return false;
    switch (b[0]) {
    case CLASS_RX:
        if (b[1] > NO_BCAST)
            return false;
        n->r.rx[b[1]] = b[2] != 0;
        return true;
    case CLASS_MAC:
        if (b[1] == MAC_TABLE)
            return set_table(n, e);
        if (b[1] != MAC_SET || len != sizeof(b))
            return false;
        memcpy(n->r.mac, b + 2, MAC_LEN);
        return true;
    case CLASS_VLAN:
        id = ld16(b + 2);
        if (b[1] > 1 || len < 4 || id > 0xfff)
            return false;
        n->r.vlan[id >> 5] = (u32)bits_put(n->r.vlan[id >> 5], id & 31, 1, !b[1]);
        return true;
    default: return false;
    }
}

static void control(struct virtio_net *n)
{
    struct vq_elem e;
    u8 ack;

    for (unsigned i = 0; i < CTRL_CHAINS && vq_pop(&n->v, CTRLQ, &e); i++) {
        ack = command(n, &e) ? ACK_OK : ACK_ERROR;
        vq_push(&n->v, CTRLQ, e.head, (u32)vq_put(&n->v, &e, 0, &ack, 1));
    }
    if (vq_pending(&n->v, CTRLQ))
        virtio_later(&n->v, CTRLQ);
}

static void vnet_notify(struct virtio *v, unsigned q)
{
    struct virtio_net *n = vnet_of(v);

    if (q == TXQ)
        transmit(n);
    else if (q == CTRLQ)
        control(n);
    else
        nic_ready(n->net);
}

/* ---- the rest ---- */

static void vnet_config(struct virtio *v, u8 *to)
{
    memcpy(to, vnet_of(v)->r.mac, MAC_LEN);
    st16(to + MAC_LEN, vnet_of(v)->r.link_down ? 0 : LINK_UP);
}

/* Before version 1 the address is set by writing it here. */
static void vnet_config_write(struct virtio *v, unsigned off, u32 val, unsigned size)
{
    if (virtio_has(v, VIRTIO_F_VERSION_1))
        return;
    for (unsigned i = 0; i < size && off + i < MAC_LEN; i++)
        vnet_of(v)->r.mac[off + i] = (u8)(val >> 8 * i);
}

static void vnet_forget(struct virtio *v)
{
    struct virtio_net *n = vnet_of(v);
    struct virtio_net_regs *r = &n->r;

    memcpy(r->mac, n->mac, MAC_LEN);
    memset(r->vlan, 0, sizeof(r->vlan));
    memset(r->rx, 0, sizeof(r->rx));
    r->rx[PROMISC] = 1; /* until a driver says what it wants */
    r->uni = r->multi = r->uni_over = r->multi_over = 0;
    memset(r->table, 0, sizeof(r->table));
    nic_ready(n->net);
}

static void vnet_status(struct virtio *v)
{
    struct virtio_net *n = vnet_of(v);

    if ((v->r->status & VIRTIO_ST_DRIVER_OK) && virtio_has(v, F_CTRL_RX))
        n->r.rx[PROMISC] = 0;
    nic_ready(n->net);
}

static void set_link(void *arg, bool up)
{
    struct virtio_net *n = arg;

    if (up == !n->r.link_down)
        return;
    n->r.link_down = !up;
    virtio_config_changed(&n->v);
    nic_ready(n->net);
}

static bool link_up(void *arg)
{
    return !((struct virtio_net *)arg)->r.link_down;
}

static const struct virtio_ops vnet_ops = {
    .type = VIRTIO_NET,
    .pci_class = 0x020000,
    .config_len = CONFIG_LEN,
    .queues = vnet_queues,
    .queue_size = vnet_queue_size,
    .features = vnet_features,
    .notify = vnet_notify,
    .config = vnet_config,
    .config_write = vnet_config_write,
    .reset = vnet_forget,
    .status = vnet_status,
};

static bool vnet_init(struct dev *dev, struct err *err)
{
    static const struct pci_ident rom_ident = {.vendor = 0x1af4, .device = 0x1000};
    struct virtio_net *n = (struct virtio_net *)dev;

    if (!nic_parse_mac(n->mac_text, n->mac, err) ||
        !nic_rom_init(&n->rom, &n->v.fn, "virtio-net.rom", &rom_ident, err))
        return false;
    if (n->net) {
        n->net->arg = n;
        n->net->can_take = vnet_can_take;
        n->net->take = vnet_take;
        n->net->set_link = set_link;
        n->net->link = link_up;
    }
    return virtio_init(&n->v, &vnet_ops, err);
}

static void vnet_reset(struct dev *dev)
{
    struct virtio_net *n = (struct virtio_net *)dev;

    virtio_reset(&n->v);
    vnet_forget(&n->v);
}

static bool vnet_loaded(struct dev *dev, struct err *err)
{
    struct virtio_net *n = (struct virtio_net *)dev;

    if (n->r.uni + n->r.multi > VNET_TABLE)
        return err_set(err, "%s: the table holds %u addresses", dev->id, n->r.uni + n->r.multi);
    n->r.link_down = n->r.link_down != 0;
    if (!virtio_loaded(&n->v, err))
        return false;
    nic_ready(n->net);
    return true;
}

static void vnet_free(struct dev *dev)
{
    struct virtio_net *n = (struct virtio_net *)dev;

    virtio_free(&n->v);
    if (n->net)
        nic_leave(n->net);
    nic_rom_free(&n->rom);
}

bool virtio_net_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct virtio_net *n = (struct virtio_net *)dev;

    virtio_plug(&n->v, plug);
    n->net = plug->net;
    nic_rom_wire(&n->rom, plug);
    return true;
}

const struct dev_class virtio_net_class = {
    .name = "virtio-net",
    .help = "network adapter for guests that know virtio",
    .size = sizeof(struct virtio_net),
    .saved_at = offsetof(struct virtio_net, r),
    .saved_size = sizeof(struct virtio_net_regs),
    .version = 2,
    .fields = vnet_fields,
    .props = vnet_props,
    .init = vnet_init,
    .reset = vnet_reset,
    .loaded = vnet_loaded,
    .free = vnet_free,
};
