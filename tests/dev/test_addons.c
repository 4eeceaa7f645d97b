/* Devices that are added to a machine: the parallel port by itself, and the board's table with its
 * places, wires and refusals. */
#include "devices/board/pc.h"
#include "devices/bus/pci.h"
#include "devices/char/exitdev.h"
#include "devices/char/lpt.h"
#include "tests/dev/rig.h"

#include <check.h>
#include <string.h>

struct paper {
    struct chr chr;
    char text[64];
    size_t n;
};

static void print(struct chr *chr, const u8 *data, size_t n)
{
    struct paper *p = container_of(chr, struct paper, chr);

    while (n-- && p->n < sizeof(p->text) - 1)
        p->text[p->n++] = (char)*data++;
}

static const struct chr_ops paper_ops = {print};

/* As the BIOS prints: wait until not busy, put the byte, pulse STROBE. */
static void print_byte(struct bus *io, u16 base, u8 c)
{
    ck_assert(bus_read(io, base + 1, 1) & 0x80);
    bus_write(io, base, c, 1);
    bus_write(io, base + 2, 0x0d, 1);
    bus_write(io, base + 2, 0x0c, 1);
}

START_TEST(parallel_port)
{
    struct rig rig;
    struct paper paper = {.chr = {.ops = &paper_ops}};
    struct plug plug = {.chr = &paper.chr, .isa_irq = NULL};
    struct lpt *l;

    rig_init(&rig);
    l = rig_new(&rig, &lpt_class, "lpt");
    l->chr = plug.chr;
    rig_start(l);
    print_byte(&rig.io, 0x378, 'O');
    print_byte(&rig.io, 0x378, 'K');
    ck_assert_mem_eq(paper.text, "OK", 2);
    ck_assert_uint_eq(paper.n, 2);
    /* the acknowledge is seen once; selected, paper, no error */
    ck_assert_uint_eq(in8(&rig, 0x379), 0x9f);
    ck_assert_uint_eq(in8(&rig, 0x379), 0xdf);
    /* holding STROBE prints nothing more; without INIT nothing is printed */
    out8(&rig, 0x37a, 0x0d), out8(&rig, 0x37a, 0x0d);
    ck_assert_uint_eq(paper.n, 3);
    out8(&rig, 0x37a, 0), out8(&rig, 0x37a, 1);
    ck_assert_uint_eq(paper.n, 3);
    /* the data register reads back, or floats in the input direction */
    out8(&rig, 0x378, 0x5a);
    ck_assert_uint_eq(in8(&rig, 0x378), 0x5a);
    out8(&rig, 0x37a, 0x2c);
    ck_assert_uint_eq(in8(&rig, 0x378), 0xff);
    ck_assert_uint_eq(in8(&rig, 0x37a), 0xec);
    rig_free(&rig);
}
END_TEST

START_TEST(parallel_port_reloads)
{
    struct probe irq = {0};
    struct rig rig;
    struct lpt *l;

    rig_init(&rig);
    l = rig_new(&rig, &lpt_class, "lpt");
    irq_connect(&l->out, probe_set, &irq, 7);
    rig_start(l);
    out8(&rig, 0x378, 0x77);
    out8(&rig, 0x37a, 0x1d), out8(&rig, 0x37a, 0x1c); /* a byte, with the interrupt on */
    ck_assert_int_eq(irq.level, 1);
    rig_reload(&l->dev);
    ck_assert_int_eq(irq.level, 1);
    ck_assert_uint_eq(in8(&rig, 0x378), 0x77);
    ck_assert_uint_eq(in8(&rig, 0x37a), 0xdc);
    in8(&rig, 0x379);
    ck_assert_int_eq(irq.level, 0);
    ck_assert_uint_eq(in8(&rig, 0x37b), 0xff); /* the fourth port has no register */
    rig_free(&rig);
}
END_TEST

static void leave(void *arg, int status)
{
    *(int *)arg = status;
}

START_TEST(exit_port)
{
    struct exitdev *ex;
    struct rig rig;
    int status = -1;

    rig_init(&rig);
    ex = rig_new(&rig, &exitdev_class, "exit");
    ex->exit = leave;
    ex->arg = &status;
    rig_start(ex);
    ck_assert_uint_eq(in32(&rig, 0x501), 0);
    out8(&rig, 0x501, 0x21);
    ck_assert_int_eq(status, 0x43);
    out32(&rig, 0x501, 0xffffff80);
    ck_assert_int_eq(status, 1);
    out8(&rig, 0x505, 3);
    ck_assert_int_eq(status, 1);
    rig_free(&rig);
}
END_TEST

static u64 no_time(void *arg)
{
    return 0;
}

/* A machine with these additions; NULL with *err. */
static struct pc *machine(struct clock *clock, const struct pc_addon *addon, unsigned n,
                          struct err *err)
{
    struct pc_config cfg = {.ram_size = MIB, .no_bios = true, .vga = PC_VGA_NONE};
    struct pc *pc;

    clock_init(clock, no_time, NULL);
    cfg.clock = clock;
    memcpy(cfg.addon, addon, n * sizeof(*addon));
    cfg.naddons = n;
    pc = pc_create(&cfg, err);
    if (!pc)
        clock_free(clock);
    return pc;
}

START_TEST(in_a_machine)
{
    struct paper paper = {.chr = {.ops = &paper_ops}};
    struct pc_addon a = {
        .driver = "isa-parallel", .props = "iobase=0x278,irq=5", .devfn = -1, .chr = &paper.chr};
    struct clock clock;
    struct err err;
    struct pc *pc = machine(&clock, &a, 1, &err);

    ck_assert_msg(pc != NULL, "%s", err.msg);
    /* its interrupt reaches the 8259: edge on line 5 */
    bus_write(&pc->io, 0x20, 0x11, 1);
    bus_write(&pc->io, 0x21, 8, 1), bus_write(&pc->io, 0x21, 4, 1), bus_write(&pc->io, 0x21, 1, 1);
    bus_write(&pc->io, 0x21, 0, 1);
    print_byte(&pc->io, 0x278, 'x');
    bus_write(&pc->io, 0x20, 0x0a, 1);
    ck_assert_uint_eq(bus_read(&pc->io, 0x20, 1) & 0x20, 0);
    bus_write(&pc->io, 0x27a, 0x1c, 1);
    ck_assert_uint_eq(bus_read(&pc->io, 0x20, 1) & 0x20, 0x20);
    ck_assert_uint_eq(paper.n, 1);
    pc_destroy(pc);
    clock_free(&clock);
}
END_TEST

static void refused(struct pc_addon a, const char *part)
{
    struct clock clock;
    struct err err;
    struct pc *pc = machine(&clock, &a, 1, &err);

    ck_assert_msg(!pc, "accepted: %s", a.driver);
    ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' lacks '%s'", err.msg, part);
}

START_TEST(refusals)
{
    struct paper paper = {.chr = {.ops = &paper_ops}};

    refused((struct pc_addon){.driver = "warp-drive", .devfn = -1}, "'warp-drive'");
    refused((struct pc_addon){.driver = "isa-parallel", .devfn = -1}, "chardev=");
    refused((struct pc_addon){.driver = "isa-parallel", .devfn = -1, .chr = &paper.chr,
                              .props = "irq=99"}, "'irq'");
    refused((struct pc_addon){.driver = "isa-parallel", .devfn = -1, .chr = &paper.chr,
                              .props = "irk"}, "'irk'");
    refused((struct pc_addon){.driver = "isa-parallel", .devfn = -1, .chr = &paper.chr,
                              .id = "pit"}, "'pit'");
}
END_TEST

/* Where PCI devices go: the slot that is named, else the next free one; a controller before what hangs
 * on it, whatever the order. */
START_TEST(places)
{
    const struct pc_addon a[] = {
        {.driver = "usb-kbd", .devfn = -1},
        {.driver = "i6300esb", .devfn = -1},
        {.driver = "virtio-rng-pci", .devfn = PCI_DEVFN(4, 0)},
        {.driver = "piix3-usb-uhci", .devfn = -1},
        {.driver = "piix3-usb-uhci", .devfn = -1, .id = "second"},
    };
    struct clock clock;
    struct err err;
    struct pc *pc = machine(&clock, a, ARRAY_LEN(a), &err);

    ck_assert_msg(pc != NULL, "%s", err.msg);
    ck_assert_uint_eq(pci_cfg_read(pc->pci, 0x80000000 | PCI_DEVFN(4, 0) << 8, 0, 2), 0x1af4);
    ck_assert_uint_eq(pci_cfg_read(pc->pci, 0x80000000 | PCI_DEVFN(1, 2) << 8, 0, 4), 0x70208086);
    ck_assert_ptr_nonnull(dev_find(&pc->devs, "second"));
    ck_assert_ptr_nonnull(pc->keyboard.key);
    pc_destroy(pc);
    clock_free(&clock);
    refused((struct pc_addon){.driver = "i6300esb", .devfn = 9}, "slot from 0");
    refused((struct pc_addon){.driver = "i6300esb", .devfn = 0x300}, "slot from 0");
    refused((struct pc_addon){.driver = "i6300esb", .devfn = PCI_DEVFN(1, 0)}, "slot 0x1 ");
    refused((struct pc_addon){.driver = "usb-mouse", .devfn = -1}, "USB controller");
    refused((struct pc_addon){.driver = "virtserialport", .devfn = -1,
                              .chr = &(struct chr){.ops = &paper_ops}}, "virtio-serial-pci");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {parallel_port, parallel_port_reloads, exit_port, in_a_machine,
                                  refusals,      places,                NULL};

    return rig_main("addons", tests);
}
