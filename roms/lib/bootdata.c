/* Copies the direct-boot items of fw_cfg to guest memory; the host has chosen and checked every
 * address. */
#include "roms/lib/bootdata.h"
#include "roms/lib/fwcfg.h"

static void load(u16 key, u32 addr, u32 size)
{
    if (addr != 0 && size != 0)
        fw_read(key, (void *)addr, size);
}

bool bootdata_load(struct bootdata *b)
{
    u32 cmdline_size;

    if (!fw_present())
        return false;
    b->kernel_size = fw_u32(FW_KERNEL_SIZE);
    if (b->kernel_size == 0)
        return false;
    b->kernel = fw_u32(FW_KERNEL_ADDR);
    b->entry = fw_u32(FW_KERNEL_ENTRY);
    b->setup = fw_u32(FW_SETUP_ADDR);
    b->setup_size = fw_u32(FW_SETUP_SIZE);
    b->initrd = fw_u32(FW_INITRD_ADDR);
    b->initrd_size = fw_u32(FW_INITRD_SIZE);
    b->cmdline = fw_u32(FW_CMDLINE_ADDR);
    cmdline_size = fw_u32(FW_CMDLINE_SIZE);
    load(FW_KERNEL_DATA, b->kernel, b->kernel_size);
    load(FW_INITRD_DATA, b->initrd, b->initrd_size);
    load(FW_CMDLINE_DATA, b->cmdline, cmdline_size);
    load(FW_SETUP_DATA, b->setup, b->setup_size);
    return true;
}
