/* The BIOS service that cannot work in V86 mode: moving memory above 1 MiB (INT 15h AH=87h). */
#include "roms/dos/monitor/monitor.h"

/* Base address in one of the caller's descriptors. */
static u32 base_of(const u8 *d)
{
    return d[2] | (u32)d[3] << 8 | (u32)d[4] << 16 | (u32)d[7] << 24;
}

void bios_move(struct frame *f)
{
    const u8 *table = (const u8 *)((f->v_es & 0xffff) * 16 + (f->esi & 0xffff));
    u32 src = base_of(table + 16), dst = base_of(table + 24), n = (f->ecx & 0xffff) * 2;

    /* Pages of V86 memory may be mapped anywhere, so no run goes over one's end. */
    while (n > 0) {
        u32 part = MIN(n, MIN(4096 - src % 4096, 4096 - dst % 4096));

        phys_copy(page_phys(dst), page_phys(src), part);
        src += part;
        dst += part;
        n -= part;
    }
    f->eax &= 0xffff00ff;
    f->eflags = (f->eflags & ~(u32)EF_CF) | EF_ZF;
}
