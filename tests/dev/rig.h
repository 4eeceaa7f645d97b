/* A machine without a CPU for device tests: two buses, a clock that is set by hand, and wires that
 * remember. */
#ifndef TESTS_DEV_RIG_H
#define TESTS_DEV_RIG_H

#include "devices/core/bits.h"
#include "devices/core/dev.h"
#include "mmu/bus.h"
#include "mmu/ram.h"

#include "tests/dev/suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

struct rig {
    u64 now;
    struct clock clock;
    struct bus mem, io;
    struct ram_space space;
    struct ram ram;
    struct dev_list devs;
    struct dev_env env;
};

/* The end of a wire: its level and how often it went up. */
struct probe {
    int level, rises, falls, n;
};

static inline u64 rig_read_clock(void *arg)
{
    return ((struct rig *)arg)->now;
}

static inline void rig_init(struct rig *rig)
{
    struct err err;

    memset(rig, 0, sizeof(*rig));
    clock_init(&rig->clock, rig_read_clock, rig);
    bus_init(&rig->mem, "mem", (u64)1 << 36, NULL);
    bus_init(&rig->io, "io", 0x10000, NULL);
    dev_list_init(&rig->devs);
    ck_assert(ram_init(&rig->ram, &rig->space, MIB, &err));
    rig->env = (struct dev_env){.mem = &rig->mem, .io = &rig->io, .clock = &rig->clock};
}

static inline void rig_free(struct rig *rig)
{
    dev_list_free(&rig->devs);
    bus_free(&rig->mem);
    bus_free(&rig->io);
    clock_free(&rig->clock);
    ram_free(&rig->ram);
    ram_space_free(&rig->space);
}

/* Put the megabyte of RAM at 0. */
static inline void rig_map_ram(struct rig *rig, struct region *region)
{
    *region = (struct region){.name = "ram", .size = rig->ram.size, .ram = &rig->ram, .prio = -8};
    bus_map(&rig->mem, region);
}

static inline void *rig_new(struct rig *rig, const struct dev_class *cls, const char *id)
{
    return dev_new(&rig->devs, cls, id, &rig->env);
}

static inline void rig_start(void *dev)
{
    struct err err = {""};

    ck_assert_msg(dev_start(dev, &err), "%s", err.msg);
    dev_reset(dev);
}

/* Let time pass, with each event at its own time. */
static inline void rig_pass(struct rig *rig, u64 ns)
{
    u64 until = rig->now + ns;

    while (clock_next(&rig->clock) <= until) {
        rig->now = MAX(rig->now, clock_next(&rig->clock));
        clock_run(&rig->clock);
    }
    rig->now = until;
}

static inline u8 in8(struct rig *rig, u16 port)
{
    return (u8)bus_read(&rig->io, port, 1);
}
static inline void out8(struct rig *rig, u16 port, u8 v)
{
    bus_write(&rig->io, port, v, 1);
}
static inline u32 in32(struct rig *rig, u16 port)
{
    return (u32)bus_read(&rig->io, port, 4);
}
static inline void out32(struct rig *rig, u16 port, u32 v)
{
    bus_write(&rig->io, port, v, 4);
}
static inline u32 mem32(struct rig *rig, u64 addr)
{
    return (u32)bus_read(&rig->mem, addr, 4);
}
static inline void mem32_set(struct rig *rig, u64 addr, u32 v)
{
    bus_write(&rig->mem, addr, v, 4);
}

static inline void probe_set(void *sink, int n, int level)
{
    struct probe *p = sink;

    if (level && !p->level)
        p->rises++;
    if (!level && p->level)
        p->falls++;
    p->level = level;
    p->n = n;
}

/* Save `dev`, spoil it by a reset, load it again: the state must be the same to the byte. */
static inline void rig_reload(struct dev *dev)
{
    struct snap a = {0}, b = {0};
    struct err err = {""};

    dev_save(dev, &a);
    dev_reset(dev);
    ck_assert_msg(dev_load(dev, &a, &err), "%s", err.msg);
    dev_save(dev, &b);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_mem_eq(a.data, b.data, a.len);
    snap_free(&a);
    snap_free(&b);
}

#endif
