/* The physical map of the PC: RAM below and above 4 GiB, the hole at 0xA0000, firmware at the top
 * and below 1 MiB. */
#include "devices/board/pc_int.h"

#include <string.h>

enum { VGA_HOLE = 0xa0000, ONE_MIB = 0x100000, ALIAS_MAX = 0x20000 };

static bool create_ram(struct pc *pc, struct err *err)
{
    struct pc_parts *p = pc->parts;
    u64 size = pc->cfg.ram_size, low = size, high = 0;

    /* With RAM up to the hole a round 3 GiB stay below it, as firmware expects when placing PCI
     * windows. */
    if (size >= PC_LOWMEM_MAX) {
        low = 3 * GIB;
        high = size - low;
    }
    if (!ram_init(&pc->low, &pc->space, low, err))
        return false;
    if (high && !ram_init(&pc->high, &pc->space, high, err))
        return false;
    p->ram_low = (struct region){.name = "ram", .size = VGA_HOLE, .ram = &pc->low};
    bus_map(&pc->mem, &p->ram_low);
    if (low > ONE_MIB) {
        p->ram_ext = (struct region){.name = "ram",
                                     .base = ONE_MIB,
                                     .size = low - ONE_MIB,
                                     .ram = &pc->low,
                                     .ram_off = ONE_MIB};
        bus_map(&pc->mem, &p->ram_ext);
    }
    if (high) {
        p->ram_high =
            (struct region){.name = "ram-high", .base = 4 * GIB, .size = high, .ram = &pc->high};
        bus_map(&pc->mem, &p->ram_high);
    }
    return true;
}

static bool create_bios(struct pc *pc, struct err *err)
{
    struct pc_parts *p = pc->parts;
    size_t len = pc->cfg.bios.len;
    u64 alias = MIN(len, (size_t)ALIAS_MAX);

    if (!len && pc->cfg.no_bios)
        return true;
    if (len < 64 * KIB || len > 16 * MIB || len % (64 * KIB))
        return err_set(
            err, "the firmware image has %zu bytes; it must be a multiple of 64 KiB up to 16 MiB",
            len);
    if (!ram_init(&pc->bios_rom, &pc->space, len, err))
        return false;
    memcpy(pc->bios_rom.host, pc->cfg.bios.data, len);
    p->bios_top = (struct region){.name = "bios",
                                  .base = 4 * GIB - len,
                                  .size = len,
                                  .ram = &pc->bios_rom,
                                  .dirs = REGION_READ,
                                  .prio = 1};
    p->bios_alias = (struct region){.name = "bios-low",
                                    .base = ONE_MIB - alias,
                                    .size = alias,
                                    .ram = &pc->bios_rom,
                                    .ram_off = len - alias,
                                    .dirs = REGION_READ,
                                    .prio = 1};
    bus_map(&pc->mem, &p->bios_top);
    bus_map(&pc->mem, &p->bios_alias);
    return true;
}

bool pc_memory_create(struct pc *pc, struct err *err)
{
    bool ok;

    bus_begin(&pc->mem);
    ok = create_ram(pc, err) && create_bios(pc, err);
    bus_commit(&pc->mem);
    return ok;
}

void pc_memory_destroy(struct pc *pc)
{
    ram_free(&pc->low);
    ram_free(&pc->high);
    ram_free(&pc->bios_rom);
    ram_space_free(&pc->space);
}
