/* virtio-serial: the controller, its control messages, and ports (VIRTIO 1.1, section 5.3). */
#include "devices/virtio/console.h"

#include "devices/core/bits.h"

enum { Q_CTL_IN = 2, Q_CTL_OUT = 3, QUEUES = 2 * VSERIAL_PORTS + 2, QUEUE_SIZE = 128 };
enum { CHUNK = 4096, BUDGET = 16, MSG_SIZE = 8, NAME_MAX_LEN = 63, ANY_NR = 99 };
#define F_MULTIPORT BIT64(1)
enum { C_DEVICE_READY, C_PORT_ADD, C_PORT_REMOVE, C_PORT_READY, C_CONSOLE, C_RESIZE, C_OPEN, C_NAME };
/* vport_regs.todo: in the order in which they are told */
enum { TELL_ADD = 1, TELL_CONSOLE = 2, TELL_NAME = 4, TELL_OPEN = 8, TELL_ALL = 15 };

#define FIELDS_OF struct virtio_serial_regs
static const struct field serial_fields[] = {
    VIRTIO_FIELDS,
    FIELDS_END,
};
#undef FIELDS_OF
#define FIELDS_OF struct vport_regs
static const struct field port_fields[] = {
    F(guest_open, FT_U8, 0, "a program of the guest has it open"),
    FK(host_closed, FT_U8, 0, "nobody is there at the host's end"),
    F(todo, FT_U8, 0, "what the driver has to be told"),
    F(pad, FT_U8, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop serial_props[] = {
    VIRTIO_PROPS(virtio_serial),
    PROPS_END,
};
static const struct prop port_props[] = {
    {"nr", offsetof(struct vport, nr), PT_U32, ANY_NR, 0, VSERIAL_PORTS - 1, "number of the port"},
    {"name", offsetof(struct vport, name), PT_STR, 0, 0, 0, "name that the guest sees"},
    PROPS_END,
};

static struct virtio_serial *of(struct virtio *v)
{
    return container_of(v, struct virtio_serial, v);
}

static unsigned in_queue(unsigned nr)
{
    return nr ? 2 * nr + 2 : 0;
}

/* The port that queue q belongs to, or NULL. */
static struct vport *port_of(struct virtio_serial *s, unsigned q)
{
    return s->bus.port[q < 2 ? 0 : (q - 2) / 2];
}

static unsigned serial_queues(struct virtio *v)
{
    return QUEUES;
}

static u16 serial_queue_size(struct virtio *v, unsigned q)
{
    return QUEUE_SIZE;
}

static u64 serial_features(struct virtio *v)
{
    return F_MULTIPORT;
}

static void serial_config(struct virtio *v, u8 *to)
{
    st32(to + 4, VSERIAL_PORTS);
}

/* ---- control messages ---- */

static bool tell(struct virtio_serial *s, u32 nr, u16 event, u16 value, const char *text)
{
    u8 m[MSG_SIZE + NAME_MAX_LEN];
    size_t n = MIN(strlen(text), (size_t)NAME_MAX_LEN);
    struct vq_elem e;

    if (!vq_pop(&s->v, Q_CTL_IN, &e))
        return false;
    st32(m, nr);
    st16(m + 4, event);
    st16(m + 6, value);
    memcpy(m + MSG_SIZE, text, n);
    vq_push(&s->v, Q_CTL_IN, e.head, (u32)vq_put(&s->v, &e, 0, m, MSG_SIZE + n));
    return true;
}

static bool tell_one(struct virtio_serial *s, struct vport *p)
{
    static const u16 events[] = {C_PORT_ADD, C_CONSOLE, C_NAME, C_OPEN};
    unsigned i = (unsigned)__builtin_ctz(p->r.todo);

    if (!tell(s, p->nr, events[i], BIT(i) != TELL_OPEN || !p->r.host_closed,
              BIT(i) == TELL_NAME ? p->name : ""))
        return false;
    p->r.todo &= (u8)~BIT(i);
    return true;
}

/* As much of what is to be told as the driver has room for. */
static void tell_all(struct virtio_serial *s)
{
    if (!virtio_has(&s->v, F_MULTIPORT))
        return;
    for (unsigned i = 0; i < VSERIAL_PORTS; i++) {
        struct vport *p = s->bus.port[i];

        while (p && p->r.todo) {
            if (!tell_one(s, p))
                return;
        }
    }
}

static void control(struct virtio_serial *s, const u8 *m)
{
    u32 nr = ld32(m);
    u16 event = ld16(m + 4), value = ld16(m + 6);
    struct vport *p = nr < VSERIAL_PORTS ? s->bus.port[nr] : NULL;

    if (event == C_DEVICE_READY) {
        for (unsigned i = 0; value && i < VSERIAL_PORTS; i++) {
            if (s->bus.port[i])
                s->bus.port[i]->r.todo = TELL_ADD;
        }
    }
    if (event == C_PORT_READY && p && value)
        p->r.todo |= (u8)((p->console ? TELL_CONSOLE : 0) | (p->name ? TELL_NAME : 0) | TELL_OPEN);
    if (event == C_OPEN && p) {
        p->r.guest_open = value != 0;
        if (p->r.guest_open && p->chr && p->chr->ready)
            p->chr->ready(p->chr);
    }
}

/* ---- bytes ---- */

static void out(struct virtio_serial *s, struct vport *p, const struct vq_elem *e)
{
    u8 buf[CHUNK];
    /* what one chain may give: more than any driver has in it */
    u64 len = MIN(e->out_len, (u64)BUDGET * CHUNK);

    for (u64 at = 0; p && at < len; at += CHUNK)
        chr_write(p->chr, buf,
                  vq_get(&s->v, e, at, buf, (size_t)MIN(len - at, (u64)CHUNK)));
}

static void take_control(struct virtio_serial *s, const struct vq_elem *e)
{
    u8 m[MSG_SIZE];

    if (vq_get(&s->v, e, 0, m, sizeof(m)) == sizeof(m))
        control(s, m);
}

static void serial_notify(struct virtio *v, unsigned q)
{
    struct virtio_serial *s = of(v);
    struct vport *p = port_of(s, q);
    struct vq_elem e;

    if (q == Q_CTL_IN) {
        tell_all(s);
        return;
    }
    if (!(q & 1)) { /* room for what comes from the host */
        if (p && p->chr && p->chr->ready)
            p->chr->ready(p->chr);
        return;
    }
    for (unsigned budget = BUDGET; vq_pop(v, q, &e); budget--) {
        if (q == Q_CTL_OUT)
            take_control(s, &e);
        else
            out(s, p, &e);
        vq_push(v, q, e.head, 0);
        if (budget == 1) {
            virtio_later(v, q);
            break;
        }
    }
    if (q == Q_CTL_OUT)
        tell_all(s);
}

/* Does anybody read? Consoles are read from the start. */
static bool listens(const struct vport *p)
{
    return p->r.guest_open || p->console || !virtio_has(&p->ctl->v, F_MULTIPORT);
}

static size_t port_room(void *arg)
{
    struct vport *p = arg;
    struct virtio *v = &p->ctl->v;
    struct vq_elem e;

    if (!listens(p) || !vq_pop(v, in_queue(p->nr), &e))
        return 0;
    vq_unpop(v, in_queue(p->nr), 1);
    return (size_t)MIN(e.in_len, (u64)CHUNK);
}

static void port_take(void *arg, const u8 *data, size_t n)
{
    struct vport *p = arg;
    struct virtio *v = &p->ctl->v;
    unsigned q = in_queue(p->nr);
    struct vq_elem e;

    while (n && vq_pop(v, q, &e)) {
        size_t k = vq_put(v, &e, 0, data, n);

        vq_push(v, q, e.head, (u32)k);
        data += k;
        n -= k;
    }
}

static void port_event(void *arg, int event)
{
    struct vport *p = arg;

    if (event != CHR_OPENED && event != CHR_CLOSED)
        return;
    p->r.host_closed = event == CHR_CLOSED;
    if (virtio_ready(&p->ctl->v) && (p->ctl->r.v.status & VIRTIO_ST_DRIVER_OK)) {
        p->r.todo |= TELL_OPEN;
        tell_all(p->ctl);
    }
}

/* ---- life of the controller ---- */

static void forget(struct virtio *v)
{
    for (unsigned i = 0; i < VSERIAL_PORTS; i++) {
        struct vport *p = of(v)->bus.port[i];

        if (p)
            p->r.todo = p->r.guest_open = 0;
    }
}

static const struct virtio_ops serial_ops = {
    .type = VIRTIO_CONSOLE,
    .pci_class = 0x078000,
    .config_len = 12,
    .queues = serial_queues,
    .queue_size = serial_queue_size,
    .features = serial_features,
    .notify = serial_notify,
    .config = serial_config,
    .reset = forget,
};

static bool serial_init(struct dev *dev, struct err *err)
{
    return virtio_init((struct virtio *)dev, &serial_ops, err);
}

static void serial_reset(struct dev *dev)
{
    virtio_reset((struct virtio *)dev);
}

static bool serial_loaded(struct dev *dev, struct err *err)
{
    return virtio_loaded((struct virtio *)dev, err);
}

static void serial_free(struct dev *dev)
{
    struct virtio_serial *s = (struct virtio_serial *)dev;

    memset(s->bus.port, 0, sizeof(s->bus.port)); /* they go, too */
    virtio_free(&s->v);
}

bool virtio_serial_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct virtio_serial *s = (struct virtio_serial *)dev;

    virtio_plug(&s->v, plug);
    s->bus.ctl = s;
    if (plug->vserial)
        *plug->vserial = &s->bus;
    return true;
}

/* ---- life of a port ---- */

static bool port_init(struct dev *dev, struct err *err)
{
    struct vport *p = (struct vport *)dev;
    struct vserial_bus *bus = &p->ctl->bus;
    u32 nr = p->nr;

    /* The first is the console of drivers that know one port only. */
    if (nr == ANY_NR) {
        for (nr = !p->console; nr < VSERIAL_PORTS && bus->port[nr];)
            nr++;
    }
    if (nr >= VSERIAL_PORTS)
        return err_set(err, "'%s': all %d ports of the controller are taken", dev->id,
                       VSERIAL_PORTS);
    if (bus->port[nr])
        return err_set(err, "'%s': port %u of the controller is taken", dev->id, nr);
    if (p->name && strlen(p->name) > NAME_MAX_LEN)
        return err_set(err, "'%s': the name is longer than %d characters", dev->id, NAME_MAX_LEN);
    p->nr = nr;
    bus->port[nr] = p;
    if (p->chr) {
        p->chr->can_take = port_room;
        p->chr->take = port_take;
        p->chr->event = port_event;
        p->chr->arg = p;
    }
    return true;
}

static bool port_loaded(struct dev *dev, struct err *err)
{
    struct vport *p = (struct vport *)dev;

    p->r.todo &= TELL_ALL;
    if (!p->name)
        p->r.todo &= (u8)~TELL_NAME;
    return true;
}

static bool port_plug(struct dev *dev, const struct plug *plug, bool console)
{
    struct vport *p = (struct vport *)dev;

    p->ctl = (*plug->vserial)->ctl;
    p->chr = plug->chr;
    p->console = console;
    return true;
}

bool virtconsole_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    return port_plug(dev, plug, true);
}

bool virtserialport_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    return port_plug(dev, plug, false);
}

const struct dev_class virtio_serial_class = {
    .name = "virtio-serial",
    .help = "controller of virtconsole and virtserialport",
    .size = sizeof(struct virtio_serial),
    .saved_at = offsetof(struct virtio_serial, r),
    .saved_size = sizeof(struct virtio_serial_regs),
    .version = 1,
    .fields = serial_fields,
    .props = serial_props,
    .init = serial_init,
    .reset = serial_reset,
    .loaded = serial_loaded,
    .free = serial_free,
};

#define PORT_CLASS(cls, nm, text)                                                                  \
    const struct dev_class cls = {                                                                 \
        .name = nm,                                                                                \
        .help = text,                                                                              \
        .size = sizeof(struct vport),                                                              \
        .saved_at = offsetof(struct vport, r),                                                     \
        .saved_size = sizeof(struct vport_regs),                                                   \
        .version = 1,                                                                              \
        .fields = port_fields,                                                                     \
        .props = port_props,                                                                       \
        .init = port_init,                                                                         \
        .loaded = port_loaded,                                                                     \
    }

PORT_CLASS(virtconsole_class, "virtconsole", "console on a virtio-serial controller");
PORT_CLASS(virtserialport_class, "virtserialport", "named channel on a virtio-serial controller");
