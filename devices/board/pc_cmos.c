/* Configuration bytes in CMOS memory as SeaBIOS reads them on this machine (the PC/AT map and the
 * additions of QEMU's). */
#include "devices/board/pc_int.h"

enum {
    CMOS_FLOPPY = 0x10,
    CMOS_DISKS = 0x12,
    CMOS_EQUIPMENT = 0x14,
    CMOS_BASE_KB = 0x15,
    CMOS_EXT_KB = 0x17,
    CMOS_DISK_C = 0x19,
    CMOS_EXT_KB2 = 0x30,
    CMOS_ABOVE_16M = 0x34,
    CMOS_BOOT2 = 0x38,
    CMOS_TRANSLATION = 0x39,
    CMOS_BOOT1 = 0x3d,
    CMOS_ABOVE_4G = 0x5b,
    CMOS_CPUS = 0x5f,
};

static void poke16(struct pc *pc, unsigned reg, u64 v)
{
    mc146818_poke(pc->parts->rtc, reg, (u8)v);
    mc146818_poke(pc->parts->rtc, reg + 1, (u8)(v >> 8));
}

static void fill_memory(struct pc *pc)
{
    u64 low = pc->low.size, high = pc->high.size / (64 * KIB);
    u64 ext = MIN((low > MIB ? low - MIB : 0) / KIB, 65535ull);
    u64 above = low > 16 * MIB ? MIN((low - 16 * MIB) / (64 * KIB), 65535ull) : 0;

    poke16(pc, CMOS_BASE_KB, MIN(low / KIB, 640ull));
    poke16(pc, CMOS_EXT_KB, ext);
    poke16(pc, CMOS_EXT_KB2, ext);
    poke16(pc, CMOS_ABOVE_16M, above);
    poke16(pc, CMOS_ABOVE_4G, high);
    mc146818_poke(pc->parts->rtc, CMOS_ABOVE_4G + 2, (u8)(high >> 16));
}

/* The drive type a medium asks for; a drive with nothing in it is the common 1.44 MB one. */
static u8 floppy_type(const struct blk *blk)
{
    if (!blk)
        return 0;
    if (blk->size > 1474560 + 512 * 36 * 6) /* more than the over-formatted 3.5" HD disks hold */
        return 5;
    return blk->size == 1228800 ? 2 : 4;
}

static void fill_floppies(struct pc *pc)
{
    u8 a = floppy_type(pc->cfg.fd[0]), b = floppy_type(pc->cfg.fd[1]);
    u8 equipment = 0x06; /* x87, PS/2 mouse */

    if (a || b)
        equipment |= (u8)(a && b ? 0x41 : 0x01);
    mc146818_poke(pc->parts->rtc, CMOS_FLOPPY, (u8)(a << 4 | b));
    mc146818_poke(pc->parts->rtc, CMOS_EQUIPMENT, equipment);
}

/* Types 47 and the geometry of the first two disks. */
static void fill_disk(struct pc *pc, unsigned n, const struct blk *blk)
{
    unsigned at = CMOS_DISK_C + 2 + 9 * n;
    u64 cyls = MIN(blk->size / (512 * 16 * 63), 16383ull);

    mc146818_poke(pc->parts->rtc, CMOS_DISK_C + n, 47);
    poke16(pc, at, cyls);
    mc146818_poke(pc->parts->rtc, at + 2, 16);
    poke16(pc, at + 3, 0xffff);
    mc146818_poke(pc->parts->rtc, at + 5, 0xc8);
    poke16(pc, at + 6, cyls);
    mc146818_poke(pc->parts->rtc, at + 8, 63);
}

static void fill_disks(struct pc *pc)
{
    u8 types = 0, translation = 0;
    unsigned i;

    for (i = 0; i < PC_IDE; i++) {
        const struct blk *blk = pc->cfg.ide[i];
        u64 cyls;

        if (!blk || blk->cdrom)
            continue;
        if (i < 2) {
            types |= (u8)(0xf0 >> 4 * i);
            fill_disk(pc, i, blk);
        }
        cyls = blk->size / (512 * 16 * 63);
        /* 0: none, 1: LBA, 2: large */
        translation |= (u8)((cyls <= 1024 ? 0 : cyls * 16 <= 131072 ? 2 : 1) << 2 * i);
    }
    mc146818_poke(pc->parts->rtc, CMOS_DISKS, types);
    mc146818_poke(pc->parts->rtc, CMOS_TRANSLATION, translation);
}

const char *pc_boot_order(const struct pc *pc)
{
    if (pc->cfg.boot_once && !pc->was_reset)
        return pc->cfg.boot_once;
    return pc->cfg.boot ? pc->cfg.boot : "cad";
}

void pc_cmos_boot_order(struct pc *pc)
{
    static const char letters[] = "acdn"; /* codes 1.. */
    const char *order = pc_boot_order(pc);
    u8 code[3] = {0};
    unsigned n = 0;

    for (; *order && n < 3; order++) {
        const char *at = strchr(letters, *order);

        if (at)
            code[n++] = (u8)(at - letters + 1);
    }
    mc146818_poke(pc->parts->rtc, CMOS_BOOT1, (u8)(code[1] << 4 | code[0]));
    mc146818_poke(pc->parts->rtc, CMOS_BOOT2, (u8)(code[2] << 4 | (pc->cfg.no_fd_check ? 1 : 0)));
}

void pc_cmos_fill(struct pc *pc)
{
    fill_memory(pc);
    fill_floppies(pc);
    fill_disks(pc);
    pc_cmos_boot_order(pc);
    mc146818_poke(pc->parts->rtc, CMOS_CPUS, (u8)(pc->cfg.cpus - 1));
}
