/* VMware's absolute pointer (open-vm-tools, backdoor_def.h and vmmouse_defs.h: port 5658, command in
 * CX): a queue of words that the guest's driver reads when its PS/2 mouse reports something. */
#include "devices/input/vmmouse.h"

#include "devices/core/bits.h"

#define MAGIC      0x564d5868u
#define VERSION_ID 0x3442554au
#define READ_ID    0x45414552u
#define DISABLE    0x000000f5u
#define RELATIVE   0x4c455252u
#define ABSOLUTE   0x53424152u
#define STATUS_BAD 0xffff0000u

enum { PORT = 0x5658 };
enum { CMD_VERSION = 10, CMD_RAM_SIZE = 20, CMD_DATA = 39, CMD_STATUS = 40, CMD_COMMAND = 41 };
enum { BUTTON_LEFT = 0x20, BUTTON_RIGHT = 0x10, BUTTON_MIDDLE = 0x08 };
enum { PACKET = 4, PRODUCT_VERSION = 6, PRODUCT_TYPE = 2 };

#define FIELDS_OF struct vmmouse_regs
static const struct field vmmouse_fields[] = {
    F(head, FT_U32, 0, "first word waiting"),
    F(len, FT_U32, 0, "words waiting"),
    FA(queue, FT_U32, 0, "words for the guest"),
    F(enabled, FT_U32, 0, "the guest's driver is there"),
    F(absolute, FT_U32, 0, "places are asked for"),
    F(error, FT_U32, 0, "a question was wrong"),
    F(last_x, FT_U32, 0, "place last told"),
    F(last_y, FT_U32, 0, "place last told"),
    F(last_buttons, FT_U32, 0, "buttons last told"),
    FIELDS_END};
#undef FIELDS_OF

static void put(struct vmmouse *m, u32 v)
{
    struct vmmouse_regs *r = &m->r;

    r->queue[(r->head + r->len++) % VMMOUSE_QUEUE] = v;
}

/* ---- from the host ---- */

static void point(void *dev, u32 x, u32 y, int dz, u32 buttons)
{
    struct vmmouse *m = dev;
    struct vmmouse_regs *r = &m->r;
    u32 b = (buttons & 1 ? BUTTON_LEFT : 0) | (buttons & 2 ? BUTTON_RIGHT : 0) |
            (buttons & 4 ? BUTTON_MIDDLE : 0);

    if (!r->enabled || !r->absolute)
        return;
    x = MIN(x, 32767u) * 65535u / 32767u;
    y = MIN(y, 32767u) * 65535u / 32767u;
    if (x == r->last_x && y == r->last_y && b == r->last_buttons && !dz)
        return;
    /* A guest that does not read keeps what it has; the next report has the place again. */
    if (r->len + PACKET <= VMMOUSE_QUEUE) {
        r->last_x = x;
        r->last_y = y;
        r->last_buttons = b;
        put(m, b);
        put(m, x);
        put(m, y);
        put(m, (u32)dz);
    }
    if (m->wiring.nudge.move) {
        m->left = !m->left;
        m->wiring.nudge.move(m->wiring.nudge.dev, m->left ? -1 : 1, 0, 0, 0);
    }
}

static bool wanted(void *dev)
{
    const struct vmmouse *m = dev;

    return m->r.enabled && m->r.absolute;
}

struct tablet_sink vmmouse_sink(struct vmmouse *m)
{
    return (struct tablet_sink){m, point, wanted};
}

/* ---- from the guest ---- */

static u32 get(struct vmmouse *m, enum vmmouse_reg reg)
{
    return m->wiring.get(m->wiring.arg, reg);
}

static void set(struct vmmouse *m, enum vmmouse_reg reg, u32 v)
{
    m->wiring.set(m->wiring.arg, reg, v);
}

static void command(struct vmmouse *m, u32 what)
{
    struct vmmouse_regs *r = &m->r;

    switch (what) {
    case READ_ID:
        r->head = r->len = r->error = 0;
        r->enabled = 1;
        put(m, VERSION_ID);
        break;
    case DISABLE:
        r->head = r->len = r->enabled = r->absolute = 0;
        r->error = 1; /* as the interface has it: not there until the identification is read again */
        break;
    case RELATIVE: r->absolute = 0; break;
    case ABSOLUTE:
        r->absolute = 1;
        r->last_x = r->last_y = ~0u;
        break;
    }
}

/* `n` words in EAX, EBX, ECX, EDX; the first is what the port gives. */
static u32 data(struct vmmouse *m, u32 n)
{
    struct vmmouse_regs *r = &m->r;
    u32 first = 0;

    if (!n || n > VMMOUSE_REGS || n > r->len) {
        r->error = 1;
        r->head = r->len = 0;
        return 0;
    }
    for (u32 i = 0; i < n; i++) {
        u32 v = r->queue[r->head];

        r->head = (r->head + 1) % VMMOUSE_QUEUE;
        r->len--;
        if (i == 0)
            first = v;
        else
            set(m, (enum vmmouse_reg)i, v);
    }
    return first;
}

static u64 port_read(void *dev, u64 off, unsigned size)
{
    struct vmmouse *m = dev;

    if (off || size != 4 || get(m, VMMOUSE_EAX) != MAGIC)
        return size_mask(size);
    switch (get(m, VMMOUSE_ECX) & 0xffff) {
    case CMD_VERSION:
        set(m, VMMOUSE_EBX, MAGIC);
        set(m, VMMOUSE_ECX, PRODUCT_TYPE);
        return PRODUCT_VERSION;
    case CMD_RAM_SIZE: set(m, VMMOUSE_EBX, 0x1177); return (u32)m->wiring.ram_size;
    case CMD_DATA: return data(m, get(m, VMMOUSE_EBX));
    case CMD_STATUS: return m->r.error || !m->r.enabled ? STATUS_BAD : m->r.len;
    case CMD_COMMAND: command(m, get(m, VMMOUSE_EBX)); return get(m, VMMOUSE_EAX);
    default: return 0xffffffffu;
    }
}

static void port_write(void *dev, u64 off, u64 val, unsigned size) {}

static const struct region_ops port_ops = {port_read, port_write, 1, 4};

/* ---- life ---- */

static bool vmmouse_init(struct dev *dev, struct err *err)
{
    struct vmmouse *m = (struct vmmouse *)dev;

    m->io = (struct region){.name = "vmmouse", .base = PORT, .size = 4, .ops = &port_ops, .dev = m};
    bus_map(dev->env.io, &m->io);
    return true;
}

static bool vmmouse_loaded(struct dev *dev, struct err *err)
{
    struct vmmouse_regs *r = &((struct vmmouse *)dev)->r;

    if (r->head < VMMOUSE_QUEUE && r->len <= VMMOUSE_QUEUE && r->enabled < 2 && r->absolute < 2 &&
        r->error < 2)
        return true;
    return err_set(err, "The saved state of '%s' holds values that it cannot have; the snapshot is "
                        "damaged.", dev->id);
}

static void vmmouse_free(struct dev *dev)
{
    bus_unmap(dev->env.io, &((struct vmmouse *)dev)->io);
}

const struct dev_class vmmouse_class = {
    .name = "vmmouse",
    .help = "VMware's absolute pointer at port 5658",
    .size = sizeof(struct vmmouse),
    .saved_at = offsetof(struct vmmouse, r),
    .saved_size = sizeof(struct vmmouse_regs),
    .version = 1,
    .fields = vmmouse_fields,
    .init = vmmouse_init,
    .loaded = vmmouse_loaded,
    .free = vmmouse_free,
};
