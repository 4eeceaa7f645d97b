/* The watchdogs: times, feeding, stopping, the two stages and the lock of the 6300ESB, and what a
 * board does when one runs out. */
#include "devices/board/pc.h"
#include "devices/watchdog/i6300esb.h"
#include "devices/watchdog/ib700.h"
#include "tests/dev/rig.h"

#include <check.h>

#define MS 1000000ull
enum { MMIO = 0xe0000000, CFG = 0x80001800 };

static void bite(void *arg)
{
    ++*(int *)arg;
}

START_TEST(isa)
{
    struct rig rig;
    struct ib700 *w;
    struct err err;
    int bites = 0;
    struct plug plug = {.watchdog = bite, .arg = &bites};

    rig_init(&rig);
    w = rig_new(&rig, &ib700_class, "wd");
    ck_assert(ib700_plug(&w->dev, &plug, &err));
    rig_start(w);
    out8(&rig, 0x443, 0xe); /* two seconds */
    rig_pass(&rig, 1900 * MS);
    out8(&rig, 0x443, 0xf0 | 0xa); /* ten */
    rig_pass(&rig, 9900 * MS);
    rig_reload(&w->dev);
    ck_assert_int_eq(bites, 0);
    rig_pass(&rig, 200 * MS);
    ck_assert_int_eq(bites, 1);
    rig_pass(&rig, 100000 * MS);
    ck_assert_int_eq(bites, 1);
    out8(&rig, 0x443, 0), out8(&rig, 0x441, 0);
    rig_pass(&rig, 100000 * MS);
    ck_assert_int_eq(bites, 1);
    ck_assert_uint_eq(in8(&rig, 0x441), 0xff);
    rig_free(&rig);
}
END_TEST

struct esb {
    struct rig rig;
    struct pci_bus pci;
    struct i6300esb *w;
    int bites, level;
};

static void pirq(void *arg, int n, int level)
{
    ((struct esb *)arg)->level = level;
}

static void setup(struct esb *s)
{
    struct plug plug = {.watchdog = bite, .arg = &s->bites, .pci = &s->pci, .devfn = 0x18};
    struct err err;

    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    pci_bus_init(&s->pci, &s->rig.mem, &s->rig.io, NULL);
    s->pci.set_pirq = pirq, s->pci.arg = s;
    s->w = rig_new(&s->rig, &i6300esb_class, "wd");
    ck_assert(i6300esb_plug(&s->w->dev, &plug, &err));
    rig_start(s->w);
    pci_cfg_write(&s->pci, CFG | 0x10, 0, MMIO, 4);
    pci_cfg_write(&s->pci, CFG | 4, 0, 2, 2);
}

static void put(struct esb *s, u32 reg, u32 v)
{
    bus_write(&s->rig.mem, MMIO + 12, 0x80, 2);
    bus_write(&s->rig.mem, MMIO + 12, 0x86, 2);
    bus_write(&s->rig.mem, MMIO + reg, v, reg == 12 ? 2 : 4);
}

START_TEST(pci)
{
    struct esb s;

    setup(&s);
    ck_assert_uint_eq(pci_cfg_read(&s.pci, CFG, 0, 4), 0x25ab8086);
    ck_assert_uint_eq(mem32(&s.rig, MMIO), 0xfffff);
    mem32_set(&s.rig, MMIO, 5); /* locked */
    ck_assert_uint_eq(mem32(&s.rig, MMIO), 0xfffff);
    put(&s, 0, 1017), put(&s, 4, 2034); /* about one and two seconds */
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 4), 2034);
    rig_pass(&s.rig, 10000 * MS);
    ck_assert_int_eq(s.bites, 0);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 2, 1);
    rig_pass(&s.rig, 900 * MS);
    put(&s, 12, 0x100); /* fed */
    rig_pass(&s.rig, 900 * MS);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 8), 0);
    rig_pass(&s.rig, 200 * MS);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 8), 1);
    ck_assert_int_eq(s.level, 1);
    rig_reload(&s.w->dev);
    bus_write(&s.rig.mem, MMIO + 8, 1, 4);
    ck_assert_int_eq(s.level, 0);
    rig_pass(&s.rig, 2000 * MS);
    ck_assert_int_eq(s.bites, 1);
    dev_reset(&s.w->dev);
    pci_cfg_write(&s.pci, CFG | 0x10, 0, MMIO, 4);
    pci_cfg_write(&s.pci, CFG | 4, 0, 2, 2);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 12), 0x200); /* it tells of it after the reset */
    put(&s, 12, 0x200);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 12), 0);
    /* enabled and locked, it cannot be stopped */
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 3, 1);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 0, 1);
    ck_assert_uint_eq(pci_cfg_read(&s.pci, CFG | 0x68, 0, 1), 3);
    /* no interrupt, no reset, microseconds */
    pci_cfg_write(&s.pci, CFG | 0x60, 0, 0x27, 2);
    put(&s, 0, 100), put(&s, 4, 100), put(&s, 12, 0x100);
    rig_pass(&s.rig, 1 * MS);
    ck_assert_int_eq(s.level, 0);
    ck_assert_int_eq(s.bites, 1);
    rig_free(&s.rig);
    setup(&s);
    /* running freely: over and over by the second count, with no interrupt and no reset */
    put(&s, 0, 9), put(&s, 4, 2034);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 6, 1);
    ck_assert_uint_gt(clock_next(&s.rig.clock), s.rig.now + 1990 * MS);
    rig_pass(&s.rig, 10000 * MS);
    ck_assert_int_eq(s.level, 0);
    ck_assert_int_eq(s.bites, 0);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 8) | mem32(&s.rig, MMIO + 12), 0);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 0, 1);
    ck_assert_uint_eq(clock_next(&s.rig.clock), CLOCK_NEVER);
    rig_free(&s.rig);
}
END_TEST

/* Every register by the data sheet: what is reserved reads as 0, what is locked stays. */
START_TEST(registers)
{
    struct esb s;

    setup(&s);
    for (u32 reg = 0x40; reg < 0x100; reg += 4)
        pci_cfg_write(&s.pci, CFG | reg, 0, reg == 0x68 ? 0xfffffffc : ~0u, 4);
    for (u32 reg = 0x40; reg < 0x100; reg += 4)
        ck_assert_uint_eq(pci_cfg_read(&s.pci, CFG | reg, 0, 4), reg == 0x60 ? 0x27 : reg == 0x68 ? 4 : 0);
    ck_assert_uint_eq(clock_next(&s.rig.clock), CLOCK_NEVER);
    /* 20 bits of each count, whole or by halves; each write needs its own key */
    put(&s, 0, 0xffffffff);
    ck_assert_uint_eq(mem32(&s.rig, MMIO), 0xfffff);
    put(&s, 4, 0x12345);
    mem32_set(&s.rig, MMIO + 4, 0x54321);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 4), 0x12345);
    bus_write(&s.rig.mem, MMIO + 12, 0x80, 2), bus_write(&s.rig.mem, MMIO + 12, 0x86, 2);
    bus_write(&s.rig.mem, MMIO + 6, 0xfff7, 2);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 4), 0x72345);
    /* half a key, or its parts the wrong way round, open nothing */
    bus_write(&s.rig.mem, MMIO + 12, 0x86, 2), bus_write(&s.rig.mem, MMIO + 12, 0x80, 2);
    mem32_set(&s.rig, MMIO, 1);
    ck_assert_uint_eq(mem32(&s.rig, MMIO), 0xfffff);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 12), 0);
    /* the status bit is cleared by a one only, and no other bit is there */
    dev_reset(&s.w->dev);
    pci_cfg_write(&s.pci, CFG | 0x10, 0, MMIO, 4);
    pci_cfg_write(&s.pci, CFG | 4, 0, 2, 2);
    put(&s, 0, 0), put(&s, 4, 2034);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 2, 1);
    rig_pass(&s.rig, 2 * MS);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 8), 1);
    mem32_set(&s.rig, MMIO + 8, 0xfffffffe);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 8), 1);
    mem32_set(&s.rig, MMIO + 8, 1);
    ck_assert_uint_eq(mem32(&s.rig, MMIO + 8), 0);
    /* run out, and enabled still: only a 0 before the 1 starts it again */
    rig_pass(&s.rig, 3000 * MS);
    ck_assert_int_eq(s.bites, 1);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 2, 1);
    ck_assert_uint_eq(clock_next(&s.rig.clock), CLOCK_NEVER);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 0, 1);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 2, 1);
    ck_assert_uint_ne(clock_next(&s.rig.clock), CLOCK_NEVER);
    /* locked: all three bits, until the reset, over a snapshot too */
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 3, 1);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 4, 1);
    ck_assert_uint_eq(pci_cfg_read(&s.pci, CFG | 0x68, 0, 1), 3);
    rig_reload(&s.w->dev);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 0, 4);
    ck_assert_uint_eq(pci_cfg_read(&s.pci, CFG | 0x68, 0, 1), 3);
    dev_reset(&s.w->dev);
    pci_cfg_write(&s.pci, CFG | 0x68, 0, 4, 1);
    ck_assert_uint_eq(pci_cfg_read(&s.pci, CFG | 0x68, 0, 1), 4);
    ck_assert_uint_eq(clock_next(&s.rig.clock), CLOCK_NEVER);
    rig_free(&s.rig);
}
END_TEST

static u64 read_time(void *arg)
{
    return *(u64 *)arg;
}

START_TEST(actions)
{
    static const struct {
        enum pc_watchdog action;
        enum pc_event_kind kind;
    } t[] = {{PC_WD_RESET, PC_EV_RESET}, {PC_WD_POWEROFF, PC_EV_POWEROFF},
             {PC_WD_PAUSE, PC_EV_PAUSE}, {PC_WD_NONE, PC_EV_NONE},
             {PC_WD_DEBUG, PC_EV_NONE},  {PC_WD_SHUTDOWN, PC_EV_NONE},
             {PC_WD_NMI, PC_EV_NONE}};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        u64 now = 0;
        struct clock clock;
        struct pc_config cfg = {.ram_size = MIB,
                                .no_bios = true,
                                .vga = PC_VGA_NONE,
                                .clock = &clock,
                                .watchdog = t[i].action,
                                .naddons = 1};
        struct err err;
        struct pc *pc;

        cfg.addon[0] = (struct pc_addon){.driver = "ib700", .devfn = -1};
        clock_init(&clock, read_time, &now);
        pc = pc_create(&cfg, &err);
        ck_assert_msg(pc != NULL, "%s", err.msg);
        bus_write(&pc->io, 0x443, 0xe, 1);
        now = 3 * NS_PER_SEC;
        clock_run(&clock);
        ck_assert_int_eq(pc_take_event(pc).kind, t[i].kind);
        pc_destroy(pc);
        clock_free(&clock);
    }
}
END_TEST

START_TEST(boot_once)
{
    u64 now = 0;
    struct clock clock;
    struct pc_config cfg = {.ram_size = MIB,
                            .no_bios = true,
                            .vga = PC_VGA_NONE,
                            .clock = &clock,
                            .boot = "cd",
                            .boot_once = "dn",
                            .boot_strict = true};
    struct err err;
    struct pc *pc;

    clock_init(&clock, read_time, &now);
    pc = pc_create(&cfg, &err);
    ck_assert_msg(pc != NULL, "%s", err.msg);
    bus_write(&pc->io, 0x70, 0x3d, 1);
    ck_assert_uint_eq(bus_read(&pc->io, 0x71, 1), 0x43);
    pc_reset(pc);
    bus_write(&pc->io, 0x70, 0x3d, 1);
    ck_assert_uint_eq(bus_read(&pc->io, 0x71, 1), 0x32);
    pc_reset(pc);
    bus_write(&pc->io, 0x70, 0x3d, 1);
    ck_assert_uint_eq(bus_read(&pc->io, 0x71, 1), 0x32);
    /* the date goes on with the host's */
    bus_write(&pc->io, 0x70, 4, 1);
    ck_assert_uint_eq(bus_read(&pc->io, 0x71, 1), 0);
    pc_rtc_skip(pc, 7200 * NS_PER_SEC);
    ck_assert_uint_eq(bus_read(&pc->io, 0x71, 1), 2);
    pc_destroy(pc);
    clock_free(&clock);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {isa, pci, registers, actions, boot_once, NULL};

    return rig_main("watchdog", tests);
}
