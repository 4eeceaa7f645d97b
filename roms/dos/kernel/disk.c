/* Sectors of the boot floppy through INT 13h. One track is kept in memory: reading it whole costs
 * one turn of the disk, reading its sectors one by one would cost eighteen. */
#include "roms/dos/kernel/kernel.h"
#include "roms/dos/lib/int.h"
#include "roms/lib/mem.h"

enum { SPT = 18, HEADS = 2, RETRIES = 3 };

/* Below 0x10000 in memory (kernel at 0x800, this offset below 0xf800): DMA cannot cross that line.
 */
static struct {
    u16 track; /* cylinder * 2 + head, plus 1 so that zeroed memory means none */
    u8 data[SPT * SECTOR];
    u8 out[SECTOR];
} disk;

static bool transfer(u8 command, u16 track, u32 sector, u8 count, const u8 *buf)
{
    u32 i;

    for (i = 0; i < RETRIES; i++) {
        struct cpu_regs r = {.ax = (u16)(command << 8 | count)};

        r.bx = (u16)(u32)buf;
        r.cx = (u16)((track / HEADS) << 8 | (sector + 1));
        r.dx = (u16)((track % HEADS) << 8 | boot_drive);
        cpu_int(0x13, &r);
        if ((r.flags & FLAG_CF) == 0)
            return true;
        r.ax = 0; /* reset */
        r.dx = boot_drive;
        cpu_int(0x13, &r);
    }
    return false;
}

u8 *disk_read(u32 lba)
{
    u16 track = (u16)(lba / SPT);

    if (disk.track != track + 1) {
        disk.track = 0;
        if (!transfer(2, track, 0, SPT, disk.data))
            return NULL;
        disk.track = (u16)(track + 1);
    }
    return disk.data + lba % SPT * SECTOR;
}

bool disk_write(u32 lba, const u8 *data)
{
    u16 track = (u16)(lba / SPT);

    memcpy(disk.out, data, SECTOR);
    if (disk.track == track + 1)
        memcpy(disk.data + lba % SPT * SECTOR, data, SECTOR);
    return transfer(3, track, lba % SPT, 1, disk.out);
}
