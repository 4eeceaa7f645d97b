/* Saving and loading the machine without its memory: what the board itself holds, processors, then
 * devices in the order they were made. */
#include "cpu/state.h"
#include "devices/board/pc_int.h"

enum { STATE_VERSION = 1, IRQ_FERR = 13 };

struct saved {
    u32 event, event_status, current;
    u8 wait_sipi[PC_MAX_CPUS];
    u8 a20, was_reset, ferr, pad;
};

#define FIELDS_OF struct saved
static const struct field rows[] = {
    F(event, FT_U32, 0, "what waits for the run loop"),
    F(event_status, FT_U32, 0, "with this exit status"),
    F(current, FT_U32, 0, "the processor that runs"),
    FA(wait_sipi, FT_U8, 0, "processors that wait for a start-up message"),
    F(a20, FT_U8, 1, "address line 20 is open"),
    F(was_reset, FT_U8, 0, "reset since power-on"),
    F(ferr, FT_U8, 0, "level of FERR#"),
    F(pad, FT_U8, 0, "zero"),
    FIELDS_END,
};
#undef FIELDS_OF

static void save_board(struct pc *pc, struct snap *snap)
{
    struct pc_parts *p = pc->parts;
    struct saved s = {
        .event = pc->pending.kind,
        .event_status = (u32)pc->pending.status,
        .current = p->apic.current,
        .a20 = pc->a20,
        .was_reset = pc->was_reset,
        .ferr = p->gsi[IRQ_FERR].sources >> IRQ_CPU & 1,
    };

    for (unsigned i = 0; i < PC_MAX_CPUS; i++)
        s.wait_sipi[i] = p->port[i].wait_sipi;
    snap_save_fields(snap, "board", "pc", STATE_VERSION, rows, &s);
}

static void put_board(struct pc *pc, const struct saved *s)
{
    struct irq ferr = pc_irq_wire(pc, IRQ_FERR, IRQ_CPU);

    for (unsigned i = 0; i < PC_MAX_CPUS; i++)
        pc->parts->port[i].wait_sipi = s->wait_sipi[i];
    pc->parts->apic.current = s->current;
    pc->pending = (struct pc_event){(enum pc_event_kind)s->event, (int)s->event_status,
                                    s->event ? "asked for before the snapshot" : NULL};
    ferr.level = !s->ferr; /* a repeat would be dropped */
    irq_set(&ferr, s->ferr);
    pc_set_a20(pc, s->a20);
    if (s->was_reset && !pc->was_reset && pc->cfg.boot_once) {
        pc->was_reset = true;
        pc_fwcfg_boot_order(pc);
    }
    pc->was_reset = s->was_reset;
}

static bool load_board(struct pc *pc, struct snap *snap, struct saved *s, struct err *err)
{
    if (!snap_load_fields(snap, "board", "pc", STATE_VERSION, rows, s, err))
        return false;
    for (unsigned i = 0; i < PC_MAX_CPUS; i++)
        if (s->wait_sipi[i] > 1)
            return err_set(err, "the snapshot has a state of the board that cannot be: wait_sipi");
    if (s->event > PC_EV_PAUSE || s->current >= pc->ncpus || s->a20 > 1 || s->was_reset > 1 ||
        s->ferr > 1)
        return err_set(err, "the snapshot has a state of the board that cannot be: %s",
                       s->event > PC_EV_PAUSE    ? "event"
                       : s->current >= pc->ncpus ? "current"
                                                 : "a20, was_reset or ferr");
    return true;
}

void pc_save_part(struct pc *pc, unsigned i, struct snap *snap)
{
    struct dev *dev = pc->devs.first;

    if (!i) {
        save_board(pc, snap);
        return;
    }
    if (i <= pc->ncpus) {
        cpu_save(pc->cpu[i - 1], snap);
        return;
    }
    for (i -= pc->ncpus + 1; i && dev; i--)
        dev = dev->next;
    if (dev)
        dev_save(dev, snap);
}

const char *pc_part_name(const struct pc *pc, unsigned i)
{
    const struct dev *dev = pc->devs.first;

    if (!i)
        return "board";
    if (i <= pc->ncpus)
        return "cpu";
    for (i -= pc->ncpus + 1; i && dev; i--)
        dev = dev->next;
    return dev ? dev->id : NULL;
}

bool pc_load(struct pc *pc, struct snap *snap, struct err *err)
{
    struct saved board = {0};

    if (!load_board(pc, snap, &board, err))
        return false;
    for (unsigned i = 0; i < pc->ncpus; i++)
        if (!cpu_load(pc->cpu[i], snap, err))
            return false;
    put_board(pc, &board);
    for (struct dev *dev = pc->devs.first; dev; dev = dev->next)
        if (!dev_load(dev, snap, err))
            return false;
    return snap->pos == snap->len ||
           err_set(err, "the snapshot has more devices than this machine");
}
