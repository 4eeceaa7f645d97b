/* The PC machine's life: checking the configuration, building, resetting, events for the run loop,
 * taking it apart. */
#include "devices/board/pc_int.h"

#include "devices/bus/piix4pm.h"

#include <stdlib.h>

#define MEM_SPACE BIT64(40)
#define IO_SPACE  0x10000ull
#define RAM_DEFAULT (128 * MIB)

static bool check_config(struct pc_config *cfg, struct err *err)
{
    if (!cfg->clock)
        return err_set(err, "the machine needs a clock");
    if (!cfg->ram_size)
        cfg->ram_size = RAM_DEFAULT;
    if (!cfg->cpus)
        cfg->cpus = 1;
    if (cfg->ram_size < MIB || cfg->ram_size > PC_RAM_MAX || cfg->ram_size % PAGE_SIZE)
        return err_set(
            err,
            "the machine can have 1 MiB to %llu GiB of memory in steps of 4 KiB, not %llu bytes",
            (unsigned long long)(PC_RAM_MAX / GIB), (unsigned long long)cfg->ram_size);
    if (cfg->cpus > PC_MAX_CPUS)
        return err_set(err, "the machine can have up to %d CPUs, not %u", PC_MAX_CPUS, cfg->cpus);
    return true;
}

static bool build(struct pc *pc, struct err *err)
{
    bus_init(&pc->mem, "memory", MEM_SPACE, pc->log);
    bus_init(&pc->io, "io", IO_SPACE, pc->log);
    dev_list_init(&pc->devs);
    pc->env = (struct dev_env){&pc->mem, &pc->io, pc->clock, pc->log};
    pc->a20 = true;
    if (!pc_memory_create(pc, err) || !pc_cpus_create(pc, err) || !pc_irq_create(pc, err) ||
        !pc_devices_create(pc, err))
        return false;
    pc_cmos_fill(pc);
    return pc_fwcfg_fill(pc, err);
}

struct pc *pc_create(const struct pc_config *cfg, struct err *err)
{
    struct pc *pc = calloc(1, sizeof *pc);
    struct pc_parts *parts = calloc(1, sizeof *parts);

    if (!pc || !parts) {
        free(pc);
        free(parts);
        err_set(err, "no memory for the machine");
        return NULL;
    }
    pc->parts = parts;
    pc->cfg = *cfg;
    pc->clock = cfg->clock;
    pc->log = cfg->log;
    if (!check_config(&pc->cfg, err)) {
        free(parts);
        free(pc);
        return NULL;
    }
    if (!build(pc, err)) {
        pc_destroy(pc);
        return NULL;
    }
    pc_reset(pc);
    pc->made = true;
    return pc;
}

void pc_destroy(struct pc *pc)
{
    if (!pc)
        return;
    pc->mem.changed = NULL;
    dev_list_free(&pc->devs);
    pc_cpus_destroy(pc);
    bus_free(&pc->mem);
    bus_free(&pc->io);
    pc_memory_destroy(pc);
    free(pc->parts);
    free(pc);
}

void pc_reset(struct pc *pc)
{
    log_line(pc->log, LOGA_RESET, "machine reset");
    if (pc->cfg.boot_once && pc->made && !pc->was_reset) {
        pc->was_reset = true;
        pc_cmos_boot_order(pc);
        pc_fwcfg_boot_order(pc);
    }
    bus_begin(&pc->mem);
    bus_begin(&pc->io);
    dev_list_reset(&pc->devs);
    bus_commit(&pc->io);
    bus_commit(&pc->mem);
    pc_cpus_reset(pc);
    pc->pending = (struct pc_event){PC_EV_NONE, 0, NULL};
}

void pc_request(struct pc *pc, enum pc_event_kind kind, int status, const char *reason)
{
    if (pc->pending.kind == PC_EV_NONE)
        pc->pending = (struct pc_event){kind, status, reason};
    pc_kick(pc);
    if (pc->cfg.hooks.event)
        pc->cfg.hooks.event(pc->cfg.hooks.arg);
}

struct pc_event pc_take_event(struct pc *pc)
{
    struct pc_event ev = pc->pending;

    pc->pending = (struct pc_event){PC_EV_NONE, 0, NULL};
    return ev;
}

bool pc_powerdown(struct pc *pc)
{
    if (!pc->parts->pm)
        return false;
    piix4pm_button(pc->parts->pm);
    return true;
}

void pc_rtc_skip(struct pc *pc, u64 ns)
{
    mc146818_skip(pc->parts->rtc, ns);
}

s64 pc_rtc_offset(const struct pc *pc)
{
    return mc146818_offset(pc->parts->rtc);
}

void pc_watchdog_bites(void *arg)
{
    struct pc *pc = arg;

    log_line(pc->log, LOGA_RESET, "the watchdog was not fed");
    pc->watchdog_bites++;
    switch (pc->cfg.watchdog) {
    case PC_WD_RESET: pc_request(pc, PC_EV_RESET, 0, "watchdog"); break;
    case PC_WD_SHUTDOWN: pc_powerdown(pc); break;
    case PC_WD_POWEROFF: pc_request(pc, PC_EV_POWEROFF, 0, "watchdog"); break;
    case PC_WD_PAUSE: pc_request(pc, PC_EV_PAUSE, 0, "watchdog"); break;
    case PC_WD_NMI: pc_nmi(pc); break;
    case PC_WD_DEBUG:
    case PC_WD_NONE: break;
    }
}

void pc_nmi(struct pc *pc)
{
    cpu_nmi(pc->cpu[0]);
}
