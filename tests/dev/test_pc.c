/* The whole PC without running its CPU: memory map, wiring of interrupts, configuration bytes,
 * events, reset. */
#include "devices/board/pc.h"

#include "cpu/cpu.h"
#include "devices/core/bits.h"
#include "tests/dev/memblk.h"

#include <check.h>
#include <stdlib.h>

struct bench {
    u64 now;
    struct clock clock;
    struct pc *pc;
    u8 *bios;
    struct pc_config cfg;
    struct memblk *disk, *fd;
    int events;
};

static u64 read_clock(void *arg) { return ((struct bench *)arg)->now; }
static void event(void *arg) { ((struct bench *)arg)->events++; }

static void create(struct bench *b, u64 ram)
{
    struct err err = {""};

    memset(b, 0, sizeof *b);
    clock_init(&b->clock, read_clock, b);
    b->bios = malloc(128 * KIB);
    memset(b->bios, 0xb1, 128 * KIB);
    b->bios[128 * KIB - 16] = 0xea;
    b->disk = memblk_new(&b->clock, 8 * MIB, 512);
    b->fd = memblk_new(&b->clock, 1474560, 512);
    b->cfg = (struct pc_config){.ram_size = ram,
                                .clock = &b->clock,
                                .hooks = {b, event},
                                .bios = {"test", b->bios, 128 * KIB},
                                .vga = PC_VGA_STD,
                                .ide = {&b->disk->blk},
                                .fd = {&b->fd->blk},
                                .boot = "dca"};
    b->pc = pc_create(&b->cfg, &err);
    ck_assert_msg(b->pc != NULL, "%s", err.msg);
}

static void destroy(struct bench *b)
{
    pc_destroy(b->pc);
    memblk_free(b->disk);
    memblk_free(b->fd);
    clock_free(&b->clock);
    free(b->bios);
}

static u8 cmos(struct bench *b, u8 reg)
{
    bus_write(&b->pc->io, 0x70, reg, 1);
    return (u8)bus_read(&b->pc->io, 0x71, 1);
}

static void pci_write(struct bench *b, u8 devfn, u8 reg, u32 v, unsigned size)
{
    bus_write(&b->pc->io, 0xcf8, 0x80000000u | (u32)devfn << 8 | (reg & 0xfc), 4);
    bus_write(&b->pc->io, 0xcfc + (reg & 3), v, size);
}

START_TEST(test_memory_map)
{
    struct bench b;

    create(&b, 64 * MIB);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xfffffff0, 1), 0xea);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xffff0, 1), 0xea);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xe0000, 1), 0xb1);
    bus_write(&b.pc->mem, 0xe0000, 0, 1);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xe0000, 1), 0xb1);
    bus_write(&b.pc->mem, 0x9fffe, 0x12345678, 2);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0x9fffe, 2), 0x5678);
    bus_write(&b.pc->mem, 64 * MIB - 4, 0xcafe, 4);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 64 * MIB - 4, 4), 0xcafe);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 64 * MIB, 4), 0xffffffff);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xc0000, 4), 0xffffffff);
    /* shadow: copy the firmware into RAM under itself */
    pci_write(&b, 0, 0x59, 0x20, 1);
    bus_write(&b.pc->mem, 0xffff0, 0x42, 1);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xffff0, 1), 0xea);
    pci_write(&b, 0, 0x59, 0x30, 1);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xffff0, 1), 0x42);
    pc_reset(b.pc);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xffff0, 1), 0xea);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 64 * MIB - 4, 4), 0xcafe); /* RAM keeps its contents */
    destroy(&b);
}
END_TEST

START_TEST(test_cmos)
{
    struct bench b;

    create(&b, 64 * MIB);
    ck_assert_uint_eq(cmos(&b, 0x34) | cmos(&b, 0x35) << 8, 48 * 16);
    ck_assert_uint_eq(cmos(&b, 0x30) | cmos(&b, 0x31) << 8, 64512);
    ck_assert_uint_eq(cmos(&b, 0x10), 0x40);
    ck_assert_uint_eq(cmos(&b, 0x14), 0x07);
    ck_assert_uint_eq(cmos(&b, 0x12), 0xf0);
    ck_assert_uint_eq(cmos(&b, 0x3d), 0x23); /* CD, disk; then floppy */
    ck_assert_uint_eq(cmos(&b, 0x38) & 0xf0, 0x10);
    ck_assert_uint_eq(cmos(&b, 0x5f), 0);
    destroy(&b);
}
END_TEST

START_TEST(test_events)
{
    struct bench b;
    struct pc_event ev;

    create(&b, 16 * MIB);
    ck_assert_int_eq(pc_take_event(b.pc).kind, PC_EV_NONE);
    bus_write(&b.pc->io, 0xcf9, 6, 1);
    bus_write(&b.pc->io, 0x501, 7, 1); /* the first event stays */
    ev = pc_take_event(b.pc);
    ck_assert_int_eq(ev.kind, PC_EV_RESET);
    ck_assert_str_eq(ev.reason, "port 0xcf9");
    ck_assert_int_gt(b.events, 0);
    pc_reset(b.pc);
    bus_write(&b.pc->io, 0x501, 7, 1);
    ev = pc_take_event(b.pc);
    ck_assert_int_eq(ev.kind, PC_EV_EXIT);
    ck_assert_int_eq(ev.status, 15);
    bus_write(&b.pc->io, 0x64, 0xfe, 1);
    ck_assert_int_eq(pc_take_event(b.pc).kind, PC_EV_RESET);
    /* power-off as a guest does it */
    pci_write(&b, 0x0b, 0x40, 0x601, 4);
    pci_write(&b, 0x0b, 0x80, 1, 1);
    bus_write(&b.pc->io, 0x604, 0x2000, 2);
    ck_assert_int_eq(pc_take_event(b.pc).kind, PC_EV_POWEROFF);
    ck_assert(pc_powerdown(b.pc));
    destroy(&b);
}
END_TEST

/* Disk interrupt through the slave 8259 to the CPU's pin. */
START_TEST(test_interrupt_path)
{
    static const u16 init[][2] = {{0x20, 0x11}, {0x21, 0x08}, {0x21, 4}, {0x21, 1}, {0xa0, 0x11},
                                  {0xa1, 0x70}, {0xa1, 2},    {0xa1, 1}, {0x21, 0}, {0xa1, 0}};
    struct bench b;
    size_t i;

    create(&b, 16 * MIB);
    for (i = 0; i < ARRAY_LEN(init); i++)
        bus_write(&b.pc->io, init[i][0], init[i][1], 1);
    bus_write(&b.pc->io, 0x21, 0xfb, 1); /* nothing but the slave */
    bus_write(&b.pc->io, 0xa1, 0xbf, 1); /* nothing but the disk */
    ck_assert_uint_eq(b.pc->cpu[0]->intr, 0);
    bus_write(&b.pc->io, 0x1f6, 0xe0, 1);
    bus_write(&b.pc->io, 0x1f7, 0xec, 1);
    ck_assert_uint_eq(b.pc->cpu[0]->intr, 1);
    ck_assert_int_eq(b.pc->cpu[0]->hooks.intr_ack(b.pc->cpu[0]->hooks.arg), 0x76);
    ck_assert_uint_eq(b.pc->cpu[0]->intr, 0);
    destroy(&b);
}
END_TEST

START_TEST(test_a20)
{
    struct bench b;

    create(&b, 16 * MIB);
    ck_assert(b.pc->a20);
    bus_write(&b.pc->io, 0x92, 0, 1);
    ck_assert(!b.pc->a20);
    bus_write(&b.pc->io, 0x64, 0xd1, 1); /* keyboard controller: output port with the gate open */
    bus_write(&b.pc->io, 0x60, 0xdd, 1); /* it was open there: no edge */
    bus_write(&b.pc->io, 0x64, 0xd1, 1);
    bus_write(&b.pc->io, 0x60, 0xdf, 1);
    ck_assert(b.pc->a20);
    bus_write(&b.pc->io, 0x92, 0, 1);
    pc_reset(b.pc);
    ck_assert(b.pc->a20);
    destroy(&b);
}
END_TEST

START_TEST(test_refused)
{
    struct clock clock;
    struct bench b = {.now = 0};
    struct pc_config cfg;
    struct err err;
    u8 *rom = calloc(1, 100000);

    clock_init(&clock, read_clock, &b);
    cfg = (struct pc_config){.clock = &clock, .bios = {"odd", rom, 100000}};
    ck_assert_ptr_null(pc_create(&cfg, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "64 KiB"));
    cfg.bios.len = 65536;
    cfg.ram_size = 12345;
    ck_assert_ptr_null(pc_create(&cfg, &err));
    cfg.ram_size = 0;
    cfg.cpus = 100;
    ck_assert_ptr_null(pc_create(&cfg, &err));
    cfg.cpus = 1;
    cfg.cpu_model = "no-such-model";
    ck_assert_ptr_null(pc_create(&cfg, &err));
    cfg.cpu_model = NULL;
    clock_free(&clock);
    free(rom);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pc");
    TCase *tc = tcase_create("pc");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, test_memory_map);
    tcase_add_test(tc, test_cmos);
    tcase_add_test(tc, test_events);
    tcase_add_test(tc, test_interrupt_path);
    tcase_add_test(tc, test_a20);
    tcase_add_test(tc, test_refused);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
