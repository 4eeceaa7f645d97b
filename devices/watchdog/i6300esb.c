/* The watchdog of the 6300ESB: two stages of a 20-bit down counter; the first may interrupt, the
 * second resets (Intel 6300ESB I/O Controller Hub data sheet, chapter 16). */
#include "devices/watchdog/i6300esb.h"

#include "devices/core/bits.h"

enum { CFG_CONFIG = 0x60, CFG_LOCK = 0x68 };
enum { CONFIG_INT = 3, CONFIG_FAST = 4, CONFIG_NO_RESET = 0x20 };
enum { INT_PIN = 0 };
enum { LOCK_LOCKED = 1, LOCK_ENABLE = 2, LOCK_FREE = 4 };
enum { R_PRELOAD1 = 0, R_PRELOAD2 = 4, R_STATUS = 8, R_RELOAD = 12, MMIO_SIZE = 16 };
enum { RELOAD_NOW = 0x100, RELOAD_TIMEOUT = 0x200 };
enum { PRELOAD_MASK = 0xfffff };
#define ESB_HZ 33333333ull

#define FIELDS_OF struct i6300esb_regs
static const struct field i6300esb_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(deadline, FT_U64, CLOCK_NEVER, "end of this stage"),
    FA(preload, FT_U32, PRELOAD_MASK, "counts of the two stages"),
    F(stage, FT_U8, 0, "stage"),
    F(unlock, FT_U8, 0, "steps of the unlocking sequence seen"),
    F(fired, FT_U8, 0, "interrupt of the first stage"),
    FK(timed_out, FT_U8, 0, "the second stage ended"),
    F(on, FT_U8, 0, "it was enabled"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct pci_ident i6300esb_ident = {
    .vendor = 0x8086,
    .device = 0x25ab,
    .class_code = 0x088000,
    .revision = 2,
    .pin = 1,
};

static bool enabled(const struct i6300esb *w)
{
    return w->r.cfg[CFG_LOCK] & LOCK_ENABLE;
}

static void update_irq(struct i6300esb *w)
{
    pci_set_intx(&w->fn, w->r.fired && (w->r.cfg[CFG_CONFIG] & CONFIG_INT) == INT_PIN);
}

static void arm(struct i6300esb *w)
{
    if (w->r.deadline == CLOCK_NEVER)
        timer_cancel(&w->timer);
    else
        timer_set(&w->timer, w->r.deadline);
}

/* The counter runs at the PCI clock over 2^15, or 2^5 (register at 0x60, bit 2). */
static void begin_stage(struct i6300esb *w, u8 stage)
{
    unsigned shift = w->r.cfg[CFG_CONFIG] & CONFIG_FAST ? 5 : 15;
    u64 ticks = (u64)(w->r.preload[stage] + 1) << shift;

    w->r.stage = stage;
    w->r.deadline = clock_now(w->dev.env.clock) + muldiv64(ticks, NS_PER_SEC, ESB_HZ);
    arm(w);
}

/* From the start: running freely there is no first stage. */
static void begin(struct i6300esb *w)
{
    begin_stage(w, w->r.cfg[CFG_LOCK] & LOCK_FREE ? 1 : 0);
}

static void stop(struct i6300esb *w)
{
    w->r.deadline = CLOCK_NEVER;
    arm(w);
}

static void stage_ended(void *arg, u64 now)
{
    struct i6300esb *w = arg;
    bool freely = w->r.cfg[CFG_LOCK] & LOCK_FREE;

    w->r.deadline = CLOCK_NEVER;
    if (freely) { /* only the output toggles, on which nothing hangs */
        begin(w);
    } else if (w->r.stage == 0) {
        w->r.fired = 1;
        begin_stage(w, 1);
    } else {
        w->r.timed_out = 1;
        if (!(w->r.cfg[CFG_CONFIG] & CONFIG_NO_RESET) && w->expired)
            w->expired(w->arg);
    }
    update_irq(w);
}

/* ---- registers ---- */

static u64 esb_read(void *dev, u64 off, unsigned size)
{
    struct i6300esb *w = dev;
    u8 view[MMIO_SIZE] = {0};

    st32(view + R_PRELOAD1, w->r.preload[0]);
    st32(view + R_PRELOAD2, w->r.preload[1]);
    st32(view + R_STATUS, w->r.fired);
    st32(view + R_RELOAD, w->r.timed_out ? RELOAD_TIMEOUT : 0);
    return ld_le(view + (off & (MMIO_SIZE - size)), size);
}

/* Registers are written once each behind 0x80 and 0x86 to the reload register. */
static void esb_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct i6300esb *w = dev;
    bool reload = off == R_RELOAD;

    if (reload && v == 0x80) {
        w->r.unlock = 1;
        return;
    }
    if (reload && v == 0x86 && w->r.unlock == 1) {
        w->r.unlock = 2;
        return;
    }
    if (off == R_STATUS) {
        w->r.fired &= (u8) ~(v & 1);
        update_irq(w);
        return;
    }
    if (w->r.unlock != 2)
        return;
    w->r.unlock = 0;
    if (off < R_STATUS) {
        u32 *preload = &w->r.preload[off / 4];

        *preload = (u32)bits_put(*preload, (unsigned)(off & 3) * 8, size * 8, v) & PRELOAD_MASK;
    } else if (off == R_RELOAD) {
        if (v & RELOAD_TIMEOUT)
            w->r.timed_out = 0;
        if ((v & RELOAD_NOW) && enabled(w))
            begin(w);
    }
}

static const struct region_ops esb_ops = {esb_read, esb_write, 2, 4};

static void cfg_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    struct i6300esb *w = container_of(fn, struct i6300esb, fn);
    u8 *lock = &w->r.cfg[CFG_LOCK];

    update_irq(w);
    if (off > CFG_LOCK || off + size <= CFG_LOCK)
        return;
    /* Locked, it can be neither stopped nor unlocked but by a reset. */
    if (*lock & LOCK_LOCKED)
        fn->wmask[CFG_LOCK] = 0;
    if (!enabled(w))
        stop(w);
    else if (!w->r.on)
        begin(w);
    w->r.on = enabled(w);
}

/* ---- life ---- */

static void set_masks(struct i6300esb *w)
{
    memset(w->fn.wmask + 0x40, 0, PCI_CFG_SIZE - 0x40); /* reserved but for two bytes */
    w->fn.wmask[CFG_CONFIG] = CONFIG_INT | CONFIG_FAST | CONFIG_NO_RESET;
    w->fn.wmask[CFG_LOCK] =
        w->r.cfg[CFG_LOCK] & LOCK_LOCKED ? 0 : LOCK_LOCKED | LOCK_ENABLE | LOCK_FREE;
}

static bool i6300esb_init(struct dev *dev, struct err *err)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    timer_init(&w->timer, dev->env.clock, stage_ended, w, "i6300esb");
    w->fn.bar[0] = (struct pci_bar){.kind = PCI_BAR_MEM,
                                    .size = MMIO_SIZE,
                                    .region = {.name = dev->id, .ops = &esb_ops, .dev = w}};
    w->fn.wrote = cfg_wrote;
    pci_func_init(&w->fn, dev, w->r.cfg, &i6300esb_ident);
    set_masks(w);
    return true;
}

static void i6300esb_reset(struct dev *dev)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    pci_func_reset(&w->fn);
    set_masks(w);
    arm(w);
    update_irq(w);
}

static bool i6300esb_loaded(struct dev *dev, struct err *err)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    w->r.preload[0] &= PRELOAD_MASK;
    w->r.preload[1] &= PRELOAD_MASK;
    w->r.stage &= 1;
    w->r.unlock = MIN(w->r.unlock, 2);
    w->r.fired = w->r.fired != 0;
    w->r.timed_out = w->r.timed_out != 0;
    w->r.cfg[CFG_CONFIG] &= CONFIG_INT | CONFIG_FAST | CONFIG_NO_RESET;
    w->r.cfg[CFG_LOCK] &= LOCK_LOCKED | LOCK_ENABLE | LOCK_FREE;
    pci_func_loaded(&w->fn);
    set_masks(w);
    w->r.on = enabled(w);
    if (!enabled(w))
        w->r.deadline = CLOCK_NEVER;
    arm(w);
    update_irq(w);
    return true;
}

static void i6300esb_free(struct dev *dev)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    timer_cancel(&w->timer);
    pci_func_free(&w->fn);
}

bool i6300esb_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct i6300esb *w = (struct i6300esb *)dev;

    w->fn.bus = plug->pci;
    w->fn.devfn = plug->devfn;
    w->expired = plug->watchdog;
    w->arg = plug->arg;
    return true;
}

const struct dev_class i6300esb_class = {
    .name = "i6300esb",
    .help = "PCI watchdog",
    .size = sizeof(struct i6300esb),
    .saved_at = offsetof(struct i6300esb, r),
    .saved_size = sizeof(struct i6300esb_regs),
    .version = 1,
    .fields = i6300esb_fields,
    .init = i6300esb_init,
    .reset = i6300esb_reset,
    .loaded = i6300esb_loaded,
    .free = i6300esb_free,
};
