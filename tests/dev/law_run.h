/* One device under random operations for test_laws.c: registers it has more often than holes, time,
 * memory that it may be told to read, its configuration space, and what only its class knows. */
#ifndef TESTS_DEV_LAW_RUN_H
#define TESTS_DEV_LAW_RUN_H

#include "tests/dev/classes.h"

/* Regions this large have holes: of them, registers that answer are looked for first. */
enum { LAW_SMALL = 256, LAW_PROBED = 0x20000, LAW_HOT = 4096 };

struct law_reg {
    struct bus *bus;
    u64 addr;
};

struct run {
    struct rig rig;
    struct region ram;
    struct law law;
    const struct law_class *row;
    u64 seed;
    struct law_reg hot[LAW_HOT];
    unsigned hots;
};

static inline u32 rnd(struct run *run)
{
    run->seed = run->seed * 6364136223846793005ull + 1442695040888963407ull;
    return (u32)(run->seed >> 32);
}

static inline void law_hot(struct run *run, struct bus *bus, u64 addr)
{
    if (run->hots < LAW_HOT)
        run->hot[run->hots++] = (struct law_reg){bus, addr};
}

/* Does a register at `addr` hold something, or take something? */
static inline bool law_answers(struct bus *bus, u64 addr)
{
    u32 before = (u32)bus_read(bus, addr, 4), after;

    if (before && ~before)
        return true;
    bus_write(bus, addr, 0xa5a5a5a5, 4);
    after = (u32)bus_read(bus, addr, 4);
    bus_write(bus, addr, before, 4);
    return before != after;
}

/* Note where the device's registers are. Reads and writes all over it: to be followed by a reset. */
static inline void law_probe(struct run *run, struct bus *bus)
{
    for (u32 i = 0; i < bus->n; i++) {
        u64 base = bus->regions[i]->base, size = bus->regions[i]->size;
        bool small = size <= LAW_SMALL;

        if (bus->regions[i]->ram)
            continue;
        for (u64 off = 0; off < MIN(size, (u64)LAW_PROBED); off += small ? 1 : 4) {
            if (small || law_answers(bus, base + off))
                law_hot(run, bus, base + off);
            if (i >= bus->n || bus->regions[i]->base != base) /* it moved what is being probed */
                return;
        }
    }
}

static inline void run_init(struct run *run, int i)
{
    memset(run, 0, sizeof(*run));
    run->row = &law_classes[i];
    run->seed = (u64)i * 977 + 5;
    rig_init(&run->rig);
    rig_map_ram(&run->rig, &run->ram);
    run->law.rig = &run->rig;
    run->row->construct(&run->law);
    law_map(&run->law);
    law_probe(run, &run->rig.io);
    law_probe(run, &run->rig.mem);
    dev_reset(run->law.dev);
    law_map(&run->law);
}

static inline void run_free(struct run *run)
{
    rig_free(&run->rig);
    free(run->law.extra);
}

/* Run events until none is due: a device whose timer stays in the past would keep a machine busy
 * for ever. */
static inline void settle(struct run *run)
{
    int budget = 100;

    while (clock_next(&run->rig.clock) <= run->rig.now) {
        clock_run(&run->rig.clock);
        ck_assert_msg(budget--, "%s: a timer is always due", run->row->cls->name);
    }
}

/* Values that registers care about more often than chance would give them; among them addresses in
 * RAM, across its end and at the end of the address space. */
static inline u64 value(struct run *run)
{
    u32 r = rnd(run);

    switch (r & 15) {
    case 0:
    case 1: return 0;
    case 2:
    case 3: return ~0ull;
    case 4:
    case 5: return BIT64(r >> 8 & 63);
    case 6:
    case 7: return r >> 8 & 0xff;
    case 8: return r >> 8 & 0xffff0;
    case 9: return 0xffff0 + (r >> 8 & 0xff);
    case 10: return 0xffffffc0 + (r >> 8 & 0x3f);
    default: return (u64)rnd(run) << 32 | rnd(run);
    }
}

static inline void access_at(struct run *run, struct bus *bus, u64 addr)
{
    u32 r = rnd(run);
    unsigned size = 1u << (r & 3);

    if (r & 0x70)
        addr &= ~(u64)(size - 1);
    if (r & 8)
        bus_write(bus, addr, value(run), size);
    else
        bus_read(bus, addr, size);
}

/* Anywhere in what is mapped, and a little before it. */
static inline void access_bus(struct run *run, struct bus *bus)
{
    u32 r = rnd(run);
    struct region *region;

    if (!bus->n)
        return;
    region = bus->regions[(r >> 4) % bus->n];
    access_at(run, bus,
              region->base + (rnd(run) % MIN(region->size, (u64)LAW_PROBED)) -
                  (r >> 16 & 7 ? 0 : 2));
}

static inline void access_hot(struct run *run)
{
    if (run->hots) {
        const struct law_reg *reg = &run->hot[rnd(run) % run->hots];

        access_at(run, reg->bus, reg->addr);
    } else {
        access_bus(run, &run->rig.io);
    }
}

/* Its configuration space; what that moves or turns off is put back soon. */
static inline void access_config(struct run *run)
{
    struct law *law = &run->law;
    u32 r = rnd(run), addr = law->cfg | (r & 0xfc);
    unsigned size = 1u << (r >> 8) % 3, off = r >> 16 & 3 & ~(size - 1);

    if (!law->pci || r >> 30) {
        law_map(law);
        return;
    }
    if (r & 0x1000)
        pci_cfg_write(law->pci, addr, off, (u32)value(run), size);
    else
        pci_cfg_read(law->pci, addr, off, size);
}

/* The CPU sleeps for at most `ns`. */
static inline void law_sleep(struct run *run, u64 ns)
{
    u64 until = MIN(clock_sleep(&run->rig.clock), run->rig.now + ns);

    run->rig.now = MAX(until, run->rig.now);
    clock_awake(&run->rig.clock);
}

static inline void operate(struct run *run)
{
    u32 r = rnd(run);

    switch (r & 15) {
    case 0: run->rig.now += rnd(run) >> (r >> 8 & 0xff ? 6 + (r >> 16) % 26 : 0); break;
    case 1:
        if (r & 0x10)
            law_sleep(run, r >> 8 & 0xffffff);
        else
            run->rig.now += r >> 8 & 0xffff;
        break;
    case 2: access_bus(run, &run->rig.mem); break;
    case 3: access_bus(run, &run->rig.io); break;
    case 4:
        if (!(r & 0xf0))
            access_config(run);
        else
            bus_write(&run->rig.mem, r >> 8 & (r & 0x80 ? 0xfff : 0xfffff), value(run), 8);
        break;
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
        if (run->row->stimulate)
            run->row->stimulate(&run->law, rnd(run));
        else
            access_hot(run);
        break;
    default: access_hot(run); break;
    }
    if (run->rig.now >> 60)
        run->rig.now = 0;
    if ((r & 14) == 0)
        clock_run(&run->rig.clock);
}

#endif
