/* The chips of the PC: created, wired to each other, started. */
#include "devices/board/pc_int.h"

#include "devices/bus/fwcfg.h"
#include "devices/bus/i440fx.h"
#include "devices/bus/piix3.h"
#include "devices/bus/piix4pm.h"
#include "devices/char/debugcon.h"
#include "devices/char/exitdev.h"
#include "devices/char/post.h"
#include "devices/char/uart16550.h"
#include "devices/disk/fdc.h"
#include "devices/disk/ide.h"
#include "devices/input/i8042.h"
#include "devices/input/ps2kbd.h"
#include "devices/input/ps2mouse.h"
#include "devices/input/vmmouse.h"
#include "devices/video/cirrus.h"

#include <stdio.h>

enum { IRQ_TIMER = 0, IRQ_KBD = 1, IRQ_FDC = 6, IRQ_RTC = 8, IRQ_MOUSE = 12, IRQ_IDE = 14 };
enum { EXIT_PORT = 0x501, DEBUG_PORT = 0xe9 };
/* The RTC of a machine that was not told the time: 2000-01-01 00:00:00 UTC. */
#define RTC_EPOCH 946684800ll

struct dev *pc_dev(struct pc *pc, const struct dev_class *cls, const char *id)
{
    return dev_new(&pc->devs, cls, id, &pc->env);
}

/* ---- requests of devices ---- */

static void want_reset(void *arg, const char *why)
{
    pc_request(arg, PC_EV_RESET, 0, why);
}

static void kbd_reset(void *sink, int n, int level)
{
    if (level)
        pc_request(sink, PC_EV_RESET, 0, "keyboard controller");
}

static void want_off(void *arg)
{
    pc_request(arg, PC_EV_POWEROFF, 0, "ACPI power-off");
}

static void want_exit(void *arg, int status)
{
    pc_request(arg, PC_EV_EXIT, status, "exit device");
}

static void raise_smi(void *arg)
{
    struct pc *pc = arg;

    cpu_smi(pc->cpu[0]);
}

static void a20_changed(void *arg, int open)
{
    pc_set_a20(arg, open);
}

/* ---- chipset ---- */

static bool create_bridges(struct pc *pc, struct err *err)
{
    struct pc_parts *p = pc->parts;
    struct piix3_wiring w = {.a20 = a20_changed, .reset = want_reset, .arg = pc};
    unsigned i;

    p->i440fx = pc_dev(pc, &i440fx_class, "i440fx");
    i440fx_wire(p->i440fx, &pc->low);
    pc->pci = i440fx_bus(p->i440fx);
    if (!dev_start(p->i440fx, err))
        return false;

    p->piix3 = pc_dev(pc, &piix3_class, "piix3");
    for (i = 0; i < 16; i++)
        w.isa[i] = pc_irq_wire(pc, i, IRQ_PCI);
    piix3_wire(p->piix3, pc->pci, &w);
    i440fx_connect_rcr(p->i440fx, piix3_rcr_read, piix3_rcr_write, p->piix3);
    return dev_start(p->piix3, err);
}

static bool create_pm(struct pc *pc, struct err *err)
{
    struct piix4pm_wiring w = {
        .smi = raise_smi, .off = want_off, .arg = pc, .no_smm = pc->cfg.no_smm};

    if (pc->cfg.no_acpi)
        return true;
    w.sci = pc_irq_wire(pc, PIIX4_SCI_IRQ, IRQ_ISA);
    pc->parts->pm = pc_dev(pc, &piix4pm_class, "pm");
    piix4pm_wire(pc->parts->pm, pc->pci, &w);
    return dev_start(pc->parts->pm, err);
}

static bool create_timers(struct pc *pc, struct err *err)
{
    struct pc_parts *p = pc->parts;

    p->dma = (struct i8237 *)pc_dev(pc, &i8237_class, "dma");
    p->pit = (struct i8254 *)pc_dev(pc, &i8254_class, "pit");
    pc_irq_connect(pc, &p->pit->out0, IRQ_TIMER, IRQ_ISA);
    p->rtc = (struct mc146818 *)pc_dev(pc, &mc146818_class, "rtc");
    pc_irq_connect(pc, &p->rtc->out, IRQ_RTC, IRQ_ISA);
    p->rtc->base = (u64)(pc->cfg.rtc_base || pc->cfg.rtc_host ? pc->cfg.rtc_base : RTC_EPOCH);
    for (unsigned i = 0; i < pc->ncpus; i++)
        pc->cpu[i]->hooks.wall = p->rtc->base - (u64)pc->cfg.rtc_zone;
    return dev_start(&p->dma->dev, err) && dev_start(&p->pit->dev, err) &&
           dev_start(&p->rtc->dev, err);
}

/* ---- people ---- */

static bool create_input(struct pc *pc, struct err *err)
{
    struct i8042 *kbc = (struct i8042 *)pc_dev(pc, &i8042_class, "kbc");
    struct ps2kbd *kbd = (struct ps2kbd *)pc_dev(pc, &ps2kbd_class, "keyboard");
    struct ps2mouse *mouse = (struct ps2mouse *)pc_dev(pc, &ps2mouse_class, "mouse");

    pc->parts->kbc = &kbc->dev;
    pc_irq_connect(pc, &kbc->irq1, IRQ_KBD, IRQ_ISA);
    pc_irq_connect(pc, &kbc->irq12, IRQ_MOUSE, IRQ_ISA);
    irq_connect(&kbc->a20, piix3_kbd_a20, pc->parts->piix3, 0);
    irq_connect(&kbc->reset, kbd_reset, pc, 0);
    kbc->port[I8042_KBD] = ps2kbd_port(kbd);
    kbc->port[I8042_AUX] = ps2mouse_port(mouse);
    irq_connect(&kbd->ready, i8042_set_ready, kbc, I8042_KBD);
    irq_connect(&mouse->ready, i8042_set_ready, kbc, I8042_AUX);
    pc->keyboard = ps2kbd_sink(kbd);
    pc->mouse = ps2mouse_sink(mouse);
    return dev_start(&kbc->dev, err) && dev_start(&kbd->dev, err) && dev_start(&mouse->dev, err);
}

/* The port answers in the registers of the processor that reads it. There is one that runs devices'
 * handlers at a time, so it is the one that is running. */
static const u8 vmmouse_regs[VMMOUSE_REGS] = {REG_AX, REG_BX, REG_CX, REG_DX};

static u32 get_reg(void *arg, enum vmmouse_reg reg)
{
    return (u32)((struct pc *)arg)->cpu[0]->gpr[vmmouse_regs[reg]];
}

static void set_reg(void *arg, enum vmmouse_reg reg, u32 v)
{
    ((struct pc *)arg)->cpu[0]->gpr[vmmouse_regs[reg]] = v;
}

static bool create_vmmouse(struct pc *pc, struct err *err)
{
    struct vmmouse *m;

    if (pc->cfg.no_vmport)
        return true;
    m = (struct vmmouse *)pc_dev(pc, &vmmouse_class, "vmmouse");
    m->wiring = (struct vmmouse_wiring){get_reg, set_reg, pc, pc->mouse, pc->cfg.ram_size};
    pc->tablet = vmmouse_sink(m);
    return dev_start(&m->dev, err);
}

static bool create_display(struct pc *pc, struct err *err)
{
    struct vga_wiring w = {
        .space = &pc->space, .vram = pc->cfg.vga_mem, .pci = pc->pci, .devfn = PCI_DEVFN(2, 0),
        .rom = pc->cfg.vga_bios.data, .rom_len = pc->cfg.vga_bios.len,
    };

    if (pc->cfg.vga == PC_VGA_NONE)
        return true;
    pc->parts->vga = pc_dev(pc, pc->cfg.vga == PC_VGA_CIRRUS ? &cirrus_class : &vga_class, "vga");
    vga_wire(pc->parts->vga, &w);
    if (!dev_start(pc->parts->vga, err))
        return false;
    pc->display = *vga_display(pc->parts->vga);
    return true;
}

/* ---- serial ports and the like ---- */

static bool create_serial(struct pc *pc, struct err *err)
{
    static const u16 base[PC_SERIALS] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    static const u8 irq[PC_SERIALS] = {4, 3, 4, 3};
    unsigned i;

    for (i = 0; i < PC_SERIALS; i++) {
        struct uart16550 *uart;
        char id[16];

        if (!pc->cfg.serial[i])
            continue;
        snprintf(id, sizeof id, "serial%u", i);
        uart = (struct uart16550 *)pc_dev(pc, &uart16550_class, id);
        uart->base = base[i];
        uart->chr = pc->cfg.serial[i];
        /* Two ports share a line: the second pair counts as another source. */
        pc_irq_connect(pc, &uart->out, irq[i], i < 2 ? IRQ_ISA : IRQ_ISA2);
        if (!dev_start(&uart->dev, err))
            return false;
    }
    return true;
}

static bool create_debug(struct pc *pc, struct err *err)
{
    struct dev *post = pc_dev(pc, &post_class, "post");

    if (!dev_start(post, err))
        return false;
    if (pc->cfg.debugcon) {
        struct debugcon *con = (struct debugcon *)pc_dev(pc, &debugcon_class, "debugcon");

        con->base = pc->cfg.debugcon_port ? pc->cfg.debugcon_port : DEBUG_PORT;
        con->chr = pc->cfg.debugcon;
        if (!dev_start(&con->dev, err))
            return false;
    }
    if (!pc->cfg.no_exitdev) {
        struct exitdev *ex = (struct exitdev *)pc_dev(pc, &exitdev_class, "exit");

        ex->base = pc->cfg.exit_port ? pc->cfg.exit_port : EXIT_PORT;
        ex->exit = want_exit;
        ex->arg = pc;
        if (!dev_start(&ex->dev, err))
            return false;
    }
    return true;
}

/* ---- disks ---- */

static bool create_disks(struct pc *pc, struct err *err)
{
    struct pc_parts *p = pc->parts;
    struct ide_wiring iw = {
        .irq = {pc_irq_wire(pc, IRQ_IDE, IRQ_ISA), pc_irq_wire(pc, IRQ_IDE + 1, IRQ_ISA)}};
    struct fdc_wiring fw = {.irq = pc_irq_wire(pc, IRQ_FDC, IRQ_ISA), .dma = p->dma,
                            .drive = {pc->cfg.fd[0], pc->cfg.fd[1]}};
    unsigned i;

    for (i = 0; i < PC_IDE; i++)
        iw.drive[i] = pc->cfg.ide[i];
    p->ide = pc_dev(pc, &ide_class, "ide");
    ide_wire(p->ide, pc->pci, &iw);
    if (!dev_start(p->ide, err))
        return false;
    p->fdc = pc_dev(pc, &fdc_class, "fdc");
    fdc_wire(p->fdc, &fw);
    return dev_start(p->fdc, err);
}

bool pc_devices_create(struct pc *pc, struct err *err)
{
    struct pc_parts *p = pc->parts;

    if (!create_bridges(pc, err) || !create_timers(pc, err) || !create_input(pc, err) ||
        !create_vmmouse(pc, err) ||
        !create_display(pc, err) || !create_serial(pc, err) || !create_debug(pc, err) ||
        !create_disks(pc, err) || !create_pm(pc, err) || !pc_addons_create(pc, err))
        return false;
    p->fwcfg = pc_dev(pc, &fwcfg_class, "fwcfg");
    return dev_start(p->fwcfg, err);
}
