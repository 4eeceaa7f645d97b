/* The test machine: memory, a device that answers with what it was asked and when, and the wires to
 * the CPU. */
#include "tests/lock/machine.h"
#include "devices/core/err.h"

#include <stdlib.h>
#include <string.h>

static u64 mix(u64 h, u64 v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

/* When the device is accessed is part of what it says: engines must agree on the instruction count
 * in the middle of blocks. */
static u64 dev_stamp(struct lock_machine *m, u64 off, unsigned size)
{
    return mix(mix(++m->dev_count, m->exact ? cpu_icount(m->cpu) : 0), off << 8 | size);
}

static u64 dev_read(void *dev, u64 off, unsigned size)
{
    struct lock_machine *m = dev;
    return dev_stamp(m, off, size);
}

static void dev_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct lock_machine *m = dev;
    m->dev_hash = mix(m->dev_hash, v ^ dev_stamp(m, off, size));
    if ((off & 0xff0) == 0x20)
        lock_machine_irq(m, (u8)(0x30 + (v & 15)));
}

static const struct region_ops dev_ops = {dev_read, dev_write, 1, 4};

static int intr_ack(void *arg)
{
    struct lock_machine *m = arg;
    cpu_set_intr(m->cpu, 0);
    return m->vector;
}

static u64 tsc(void *arg)
{
    struct lock_machine *m = arg;
    return m->exact ? cpu_icount(m->cpu) * 3 : ++m->dev_count;
}

static void page_wrote(void *arg, u32 page, u32 off, u32 len)
{
    struct lock_machine *m = arg;
    jit_wrote(m->cpu, page, off, len);
}

static bool page_covered(void *arg, u32 page, u32 off, u32 len, u32 *lo, u32 *hi)
{
    struct lock_machine *m = arg;
    return jit_covers(m->cpu, page, off, len, lo, hi);
}

static void page_cleaned(void *arg, u32 page)
{
    struct lock_machine *m = arg;
    mmu_protect_page(&m->cpu->mmu, page);
}

static bool give_translator(struct lock_machine *m, struct err *err)
{
    struct jit_config config = {
        .counted = true, .eager = true, .passes = ~0u, .code_size = 2 * MIB};
    return m->engine == ENGINE_EXEC || jit_new(m->cpu, &config, err);
}

struct lock_machine *lock_machine_new(const char *model, enum cpu_engine engine)
{
    struct lock_machine *m = calloc(1, sizeof(*m));
    struct cpu_config config = {.model = model};
    struct err err = {{0}};
    if (!m)
        return NULL;
    m->engine = engine;
    m->exact = true;
    bus_init(&m->mem, "memory", BIT64(40), NULL);
    bus_init(&m->io, "ports", 0x10000, NULL);
    config.mem = &m->mem, config.io = &m->io, config.space = &m->space;
    if (!ram_init(&m->ram, &m->space, LOCK_RAM, &err) || !(m->cpu = cpu_new(&config, &err)) ||
        !give_translator(m, &err)) {
        fprintf(stderr, "%s\n", err.msg);
        lock_machine_free(m);
        return NULL;
    }
    m->ram_region = (struct region){.name = "ram", .size = LOCK_RAM, .ram = &m->ram};
    m->mmio_region = (struct region){.name = "device",
                                     .base = LOCK_MMIO,
                                     .size = PAGE_SIZE,
                                     .ops = &dev_ops,
                                     .dev = m,
                                     .prio = 1};
    m->io_region = (struct region){.name = "ports", .size = 0x10000, .ops = &dev_ops, .dev = m};
    bus_map(&m->mem, &m->ram_region);
    bus_map(&m->mem, &m->mmio_region);
    bus_map(&m->io, &m->io_region);
    m->space.wrote = page_wrote;
    m->space.covered = page_covered;
    m->space.cleaned = page_cleaned;
    m->space.arg = m;
    m->cpu->hooks.arg = m;
    m->cpu->hooks.intr_ack = intr_ack;
    m->cpu->hooks.tsc = tsc;
    return m;
}

void lock_machine_free(struct lock_machine *m)
{
    if (!m)
        return;
    if (m->cpu)
        jit_free(m->cpu);
    m->space.wrote = NULL;
    m->space.covered = NULL;
    m->space.cleaned = NULL;
    cpu_free(m->cpu);
    bus_free(&m->mem);
    bus_free(&m->io);
    ram_free(&m->ram);
    ram_space_free(&m->space);
    ran_free(&m->ran);
    free(m);
}

void lock_machine_reset(struct lock_machine *m, const u8 *image)
{
    struct cpu *cpu = m->cpu;
    memcpy(m->ram.host, image, LOCK_RAM);
    ram_wrote(&m->ram, 0, LOCK_RAM);
    cpu_reset(cpu);
    cpu->icount = 0;
    cpu_set_a20(cpu, true);
    cpu->exit_request = 0;
    cpu->intr = 0;
    cpu->random = 0; /* a reset keeps it */
    m->dev_hash = m->dev_count = 0;
}

void lock_machine_irq(struct lock_machine *m, u8 vector)
{
    m->vector = vector;
    cpu_set_intr(m->cpu, 1);
}
