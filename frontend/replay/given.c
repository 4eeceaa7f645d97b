/* A digest of what a machine is given to begin with besides its disks: firmware, ROMs, kernel,
 * initrd, command line, fw_cfg files. */
#include "frontend/replay/replay_int.h"

#include "devices/board/pc.h"

#include <string.h>

static u32 blob(u32 h, const char *name, const u8 *data, size_t n)
{
    h = name ? rr_digest(h, (const u8 *)name, strlen(name)) : h;
    return n ? rr_digest(h, data, n) : h;
}

u64 rr_given(const struct pc_config *cfg)
{
    u32 rom = 0, item = 0;

    rom = blob(rom, NULL, cfg->bios.data, cfg->bios.len);
    rom = blob(rom, NULL, cfg->vga_bios.data, cfg->vga_bios.len);
    for (unsigned i = 0; i < MIN(cfg->nroms, (unsigned)PC_MAX_ROMS); i++)
        rom = blob(rom, cfg->rom[i].name, cfg->rom[i].data, cfg->rom[i].len);
    for (unsigned i = 0; i < MIN(cfg->naddons, (unsigned)PC_MAX_ADDONS); i++)
        rom = blob(rom, cfg->addon[i].driver, cfg->addon[i].rom, cfg->addon[i].rom_len);
    for (unsigned i = 0; i < MIN(cfg->nitems, (unsigned)PC_MAX_ITEMS); i++)
        item = blob(item + cfg->item[i].key, NULL, cfg->item[i].data, cfg->item[i].len);
    for (unsigned i = 0; i < MIN(cfg->nfiles, (unsigned)PC_MAX_FILES); i++)
        item = blob(item, cfg->file[i].name, cfg->file[i].data, cfg->file[i].len);
    return (u64)item << 32 | rom;
}
