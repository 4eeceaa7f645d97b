/* Power management function 8086:7113 (82371AB PIIX4 data sheet, Intel 290562; ACPI 1.0b chapter
 * 4): PM1, timer, GPE. */
#include "devices/bus/piix4pm.h"

#include "devices/bus/smbus.h"
#include "devices/core/bits.h"

enum {
    REG_PMBASE = 0x40,
    REG_DEVACTB = 0x58,
    REG_PMREGMISC = 0x80,
    REG_SMBBASE = 0x90,
    REG_SMBHSTCFG = 0xd2,
    DEVACTB_APMC = 0x02, /* in DEVACTB's fourth byte: writing the APM control port gives an SMI */
};
/* Offsets from PMBASE. */
enum {
    PM_STS = 0x00,
    PM_EN = 0x02,
    PM_CNT = 0x04,
    PM_TMR = 0x08,
    PM_GPSTS = 0x0c,
    PM_GPEN = 0x0e,
    PM_GLBSTS = 0x18,
    PM_GLBEN = 0x20,
    PM_GLBCTL = 0x28,
    PM_DEVCTL = 0x2c,
    PM_SIZE = 0x40,
};
enum {
    STS_TMR = 1,
    STS_BM = 0x10,
    STS_GBL = 0x20,
    STS_PWRBTN = 0x100,
    STS_RTC = 0x400,
    STS_WAK = 0x8000
};
enum { STS_ALL = STS_TMR | STS_BM | STS_GBL | STS_PWRBTN | STS_RTC | STS_WAK };
enum { EN_ALL = STS_TMR | STS_GBL | STS_PWRBTN | STS_RTC };
enum { CNT_SCI = 1, CNT_SLP_TYP = 0x1c00, CNT_SLP_EN = 0x2000 };
enum { PORT_APM = 0xb2, APM_ACPI_ON = 0xf1, APM_ACPI_OFF = 0xf0 };
enum { PM_TIMER_HZ = 3579545, TMR_HALF = 1 << 23 };

struct piix4pm_regs {
    u8 cfg[PCI_CFG_SIZE];
    u16 sts, en, cnt, gpsts, gpen;
    u8 apmc, apms;
    u32 glbsts, glben, glbctl, devctl, pad;
    u64 overflow; /* tick count at which TMR_STS becomes set next */
    struct smbus_regs smb;
};

struct piix4pm {
    struct dev dev;
    struct piix4pm_regs r;
    struct pci_func fn;
    struct piix4pm_wiring w;
    struct region pm_io, smb_io, apm_io;
    struct timer timer;
};

#define FIELDS_OF struct piix4pm_regs
static const struct field piix4pm_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    F(sts, FT_U16, 0, "PM1 status"),
    F(en, FT_U16, 0, "PM1 enable"),
    F(cnt, FT_U16, 0, "PM1 control"),
    F(gpsts, FT_U16, 0, "general purpose event status"),
    F(gpen, FT_U16, 0, "general purpose event enable"),
    F(apmc, FT_U8, 0, "APM control"),
    F(apms, FT_U8, 0, "APM status"),
    F(glbsts, FT_U32, 0, "global status"),
    F(glben, FT_U32, 0, "global enable"),
    F(glbctl, FT_U32, 0, "global control"),
    F(devctl, FT_U32, 0, "device control"),
    F(pad, FT_U32, 0, "unused"),
    F(overflow, FT_U64, TMR_HALF, "timer tick of the next overflow"),
    F(smb, FT_BYTES, 0, "SMBus host"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct pci_ident piix4pm_ident = {
    .vendor = 0x8086, .device = 0x7113, .class_code = 0x068000, .revision = 3, .pin = 1,
};

/* ---- timer and SCI ---- */

static u64 ticks_now(struct piix4pm *p)
{
    return muldiv64(clock_now(p->dev.env.clock), PM_TIMER_HZ, NS_PER_SEC);
}

/* The first tick after `t` at which bit 23 changes. */
static u64 next_overflow(u64 t)
{
    return (t + TMR_HALF) & ~(u64)(TMR_HALF - 1);
}

static void update_sci(struct piix4pm *p)
{
    struct piix4pm_regs *r = &p->r;
    bool on;

    if (ticks_now(p) >= r->overflow)
        r->sts |= STS_TMR;
    on = (r->cnt & CNT_SCI) && ((r->sts & r->en & EN_ALL) || (r->gpsts & r->gpen));
    irq_set(&p->w.sci, on);
    /* The timer is needed only when its interrupt is: the status bit is otherwise found by looking.
     */
    if ((r->en & STS_TMR) && !(r->sts & STS_TMR))
        timer_set(&p->timer, muldiv64(r->overflow, NS_PER_SEC, PM_TIMER_HZ) + 1);
    else
        timer_cancel(&p->timer);
}

static void timer_fired(void *arg, u64 now)
{
    update_sci(arg);
}

void piix4pm_button(struct dev *dev)
{
    struct piix4pm *p = (struct piix4pm *)dev;

    p->r.sts |= STS_PWRBTN;
    update_sci(p);
}

/* ---- PM register block ---- */

static void write_cnt(struct piix4pm *p, u16 v)
{
    p->r.cnt = v & (CNT_SCI | 2 | CNT_SLP_TYP);
    if (!(v & CNT_SLP_EN))
        return;
    /* Sleep type 0 is soft-off in the DSDT that goes with this machine; no other type is offered
     * there. */
    if ((v & CNT_SLP_TYP) == 0 && p->w.off)
        p->w.off(p->w.arg);
    else if (v & CNT_SLP_TYP)
        log_guest_error(p->dev.env.log, p->dev.id, "sleep type %d is not supported", v >> 10 & 7);
}

/* The byte register `off` of the block as the guest sees it. */
static u64 pm_read(void *dev, u64 off, unsigned size)
{
    struct piix4pm *p = dev;
    struct piix4pm_regs *r = &p->r;
    u8 view[PM_SIZE] = {0};

    update_sci(p);
    st16(view + PM_STS, r->sts);
    st16(view + PM_EN, r->en);
    st16(view + PM_CNT, r->cnt);
    st32(view + PM_TMR, (u32)ticks_now(p) & 0xffffff);
    st16(view + PM_GPSTS, r->gpsts);
    st16(view + PM_GPEN, r->gpen);
    st32(view + PM_GLBSTS, r->glbsts);
    st32(view + PM_GLBEN, r->glben);
    st32(view + PM_GLBCTL, r->glbctl);
    st32(view + PM_DEVCTL, r->devctl);
    return ld_le(view + (off & (PM_SIZE - 1)), size);
}

static void clear_sts(struct piix4pm *p, u16 bits)
{
    struct piix4pm_regs *r = &p->r;

    if (bits & STS_TMR) {
        u64 now = ticks_now(p);

        if (now >= r->overflow)
            r->overflow = next_overflow(now);
    }
    r->sts = (u16)(r->sts & ~(bits & STS_ALL));
}

/* One byte of a 16- or 32-bit register, where the others keep their value. */
static u32 merge(u32 old, u64 off, u8 v)
{
    return (u32)bits_put(old, 8 * (unsigned)(off & 3), 8, v);
}

static void pm_write_byte(struct piix4pm *p, u64 off, u8 v)
{
    struct piix4pm_regs *r = &p->r;
    u16 v16 = (u16)(v << 8 * (off & 1));

    switch (off & ~1ull) {
    case PM_STS: clear_sts(p, v16); break;
    case PM_EN: r->en = (u16)bits_put(r->en, 8 * (off & 1), 8, v) & EN_ALL; break;
    case PM_CNT:
        write_cnt(p, (u16)(bits_put(r->cnt, 8 * (off & 1), 8, v) &
                           (off & 1 ? 0xffff : 0xffff & ~CNT_SLP_EN)));
        break;
    case PM_GPSTS: r->gpsts = (u16)(r->gpsts & ~v16); break;
    case PM_GPEN: r->gpen = (u16)bits_put(r->gpen, 8 * (off & 1), 8, v); break;
    case PM_GLBSTS:
    case PM_GLBSTS + 2: r->glbsts &= ~merge(0, off, v); break;
    case PM_GLBEN:
    case PM_GLBEN + 2: r->glben = merge(r->glben, off, v); break;
    case PM_GLBCTL:
    case PM_GLBCTL + 2: r->glbctl = merge(r->glbctl, off, v); break;
    case PM_DEVCTL:
    case PM_DEVCTL + 2: r->devctl = merge(r->devctl, off, v); break;
    default: break;
    }
}

static void pm_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct piix4pm *p = dev;
    unsigned i;

    /* A word to the control register acts once, so that sleep type and enable arrive together. */
    if (off == PM_CNT && size >= 2)
        write_cnt(p, (u16)v);
    else
        for (i = 0; i < size; i++)
            pm_write_byte(p, off + i, (u8)(v >> 8 * i));
    update_sci(p);
}

/* ---- APM ports 0xB2 and 0xB3 ---- */

static u64 apm_read(void *dev, u64 off, unsigned size)
{
    struct piix4pm *p = dev;

    return off ? p->r.apms : p->r.apmc;
}

static void apm_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct piix4pm *p = dev;

    if (off) {
        p->r.apms = (u8)v;
        return;
    }
    p->r.apmc = (u8)v;
    /* The commands that the FADT names switch the SCI without firmware's help, as no SMI handler
     * here does it. */
    if (v == APM_ACPI_ON || v == APM_ACPI_OFF) {
        p->r.cnt = (u16)((p->r.cnt & ~CNT_SCI) | (v == APM_ACPI_ON ? CNT_SCI : 0));
        update_sci(p);
        return;
    }
    if ((p->r.cfg[REG_DEVACTB + 3] & DEVACTB_APMC) && p->w.smi)
        p->w.smi(p->w.arg);
}

/* ---- SMBus ---- */

static u64 smb_io_read(void *dev, u64 off, unsigned size)
{
    return smbus_read(&((struct piix4pm *)dev)->r.smb, (unsigned)off);
}

static void smb_io_write(void *dev, u64 off, u64 v, unsigned size)
{
    smbus_write(&((struct piix4pm *)dev)->r.smb, (unsigned)off, (u8)v);
}

static const struct region_ops pm_ops = {pm_read, pm_write, 1, 4};
static const struct region_ops apm_ops = {apm_read, apm_write, 1, 1};
static const struct region_ops smb_ops = {smb_io_read, smb_io_write, 1, 1};

/* ---- placement ---- */

static void place(struct piix4pm *p, struct region *region, bool on, u32 base)
{
    struct bus *io = p->dev.env.io;

    if (on == region->mapped && (!on || region->base == base))
        return;
    bus_begin(io);
    bus_unmap(io, region);
    region->base = base;
    if (on)
        bus_map(io, region);
    bus_commit(io);
}

static void update_places(struct piix4pm *p)
{
    u32 pm = ld32(p->r.cfg + REG_PMBASE) & 0xffc0, smb = ld32(p->r.cfg + REG_SMBBASE) & 0xfff0;

    place(p, &p->pm_io, (p->r.cfg[REG_PMREGMISC] & 1) && pm, pm);
    place(p, &p->smb_io, (p->r.cfg[REG_SMBHSTCFG] & 1) && smb, smb);
}

static void cfg_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    update_places(container_of(fn, struct piix4pm, fn));
}

/* ---- life ---- */

void piix4pm_wire(struct dev *dev, struct pci_bus *bus, const struct piix4pm_wiring *wiring)
{
    struct piix4pm *p = (struct piix4pm *)dev;

    p->fn.bus = bus;
    p->w = *wiring;
}

static void set_masks(struct piix4pm *p)
{
    st32(p->fn.wmask + REG_PMBASE, 0xffc0);
    st32(p->fn.wmask + REG_SMBBASE, 0xfff0);
    p->fn.wmask[PCI_COMMAND] = PCI_CMD_IO;
    p->fn.wmask[PCI_COMMAND + 1] = 0;
}

static bool piix4pm_init(struct dev *dev, struct err *err)
{
    struct piix4pm *p = (struct piix4pm *)dev;

    p->fn.devfn = PCI_DEVFN(1, 3);
    p->fn.wrote = cfg_wrote;
    pci_func_init(&p->fn, dev, p->r.cfg, &piix4pm_ident);
    set_masks(p);
    timer_init(&p->timer, dev->env.clock, timer_fired, p, "pm-timer");
    p->pm_io = (struct region){.name = "pm", .size = PM_SIZE, .ops = &pm_ops, .dev = p};
    p->smb_io = (struct region){.name = "smbus", .size = SMBUS_PORTS, .ops = &smb_ops, .dev = p};
    p->apm_io =
        (struct region){.name = "apm", .base = PORT_APM, .size = 2, .ops = &apm_ops, .dev = p};
    bus_map(dev->env.io, &p->apm_io);
    return true;
}

static void piix4pm_reset(struct dev *dev)
{
    struct piix4pm *p = (struct piix4pm *)dev;
    u8 *cfg = p->r.cfg;

    pci_func_reset(&p->fn);
    memset(cfg + 0x40, 0, sizeof p->r.cfg - 0x40);
    st16(cfg + PCI_STATUS, PCI_STATUS_MEDIUM | 0x80);
    st32(cfg + REG_PMBASE, 1);
    cfg[REG_DEVACTB + 3] = p->w.no_smm ? DEVACTB_APMC : 0;
    cfg[0x5f] = 0x10;
    cfg[0x63] = 0x60;
    st32(cfg + REG_SMBBASE, 1);
    p->r.overflow = next_overflow(ticks_now(p));
    update_places(p);
    update_sci(p);
}

/* The timer's status bit is otherwise found when somebody looks. */
static void piix4pm_saving(struct dev *dev)
{
    update_sci((struct piix4pm *)dev);
}

static bool piix4pm_loaded(struct dev *dev, struct err *err)
{
    struct piix4pm *p = (struct piix4pm *)dev;

    p->r.sts &= STS_ALL;
    p->r.en &= EN_ALL;
    p->r.cnt &= CNT_SCI | 2 | CNT_SLP_TYP;
    /* A far deadline from an untrusted file would only mute the timer; one period is the most there
     * can be. */
    if (p->r.overflow > next_overflow(ticks_now(p)))
        p->r.overflow = next_overflow(ticks_now(p));
    smbus_loaded(&p->r.smb);
    pci_func_loaded(&p->fn);
    update_places(p);
    update_sci(p);
    return true;
}

static void piix4pm_free(struct dev *dev)
{
    struct piix4pm *p = (struct piix4pm *)dev;

    timer_cancel(&p->timer);
    bus_unmap(dev->env.io, &p->pm_io);
    bus_unmap(dev->env.io, &p->smb_io);
    bus_unmap(dev->env.io, &p->apm_io);
    pci_func_free(&p->fn);
}

const struct dev_class piix4pm_class = {
    .name = "piix4pm",
    .help = "PIIX4 power management",
    .size = sizeof(struct piix4pm),
    .saved_at = offsetof(struct piix4pm, r),
    .saved_size = sizeof(struct piix4pm_regs),
    .version = 1,
    .fields = piix4pm_fields,
    .init = piix4pm_init,
    .reset = piix4pm_reset,
    .saving = piix4pm_saving,
    .loaded = piix4pm_loaded,
    .free = piix4pm_free,
};
