/* Page tables: the first megabyte as it is for V86 mode, the page frame and the high memory area as
 * they are mapped at the moment, the monitor itself, and two windows through which it reaches all
 * other memory. */
#include "roms/dos/monitor/monitor.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

enum {
    PAGE = 4096,
    ENTRIES = 1024,
    V86_END = 0x110000,
    WINDOW_SRC = ENTRIES - 2,
    WINDOW_DST = ENTRIES - 1
};

static u32 directory[ENTRIES] __attribute__((aligned(4096)));
static u32 low[ENTRIES] __attribute__((aligned(4096)));
static u32 heap[ENTRIES] __attribute__((aligned(4096)));
static u32 own[ENTRIES] __attribute__((aligned(4096)));

/* Physical address of something in the monitor. */
static u32 own_phys(const void *p)
{
    return (u32)p - MONITOR_BASE + mon.info.phys;
}

void pages_init(void)
{
    u32 i;

    /* Only V86 addresses are for ring 3; EMM.COM's way out needs the rest of the first 4 MiB not at
     * all, but a table costs the same full or empty. */
    for (i = 0; i < ENTRIES; i++)
        low[i] = i * PAGE | PTE_P | PTE_W | (i * PAGE < V86_END ? PTE_U : 0u);
    for (i = 0; i < MONITOR_SIZE / PAGE; i++)
        own[i] = (mon.info.phys + i * PAGE) | PTE_P | PTE_W;
    directory[0] = own_phys(low) | PTE_P | PTE_W | PTE_U;
    directory[1] = own_phys(heap) | PTE_P | PTE_W | PTE_U;
    directory[MONITOR_BASE >> 22] = own_phys(own) | PTE_P | PTE_W;
    write_cr3(own_phys(directory));
}

void page_map(u32 linear, u32 phys, u32 flags)
{
    low[linear / PAGE % ENTRIES] = (phys & ~(PAGE - 1u)) | flags;
    invlpg((void *)linear);
}

void page_map_heap(u32 linear, u32 phys, u32 flags)
{
    heap[linear / PAGE % ENTRIES] = (phys & ~(PAGE - 1u)) | flags;
    invlpg((void *)linear);
}

u32 page_phys(u32 linear)
{
    if (linear >= V86_END)
        return linear;
    return (low[linear / PAGE] & ~(PAGE - 1u)) | linear % PAGE;
}

static u8 *window(u32 slot, u32 phys)
{
    u8 *at = (u8 *)(MONITOR_BASE + slot * PAGE);

    own[slot] = (phys & ~(PAGE - 1u)) | PTE_P | PTE_W;
    invlpg(at);
    return at + phys % PAGE;
}

void phys_copy(u32 dst, u32 src, u32 n)
{
    while (n > 0) {
        u32 part = MIN(n, MIN(PAGE - dst % PAGE, PAGE - src % PAGE));

        memcpy(window(WINDOW_DST, dst), window(WINDOW_SRC, src), part);
        dst += part;
        src += part;
        n -= part;
    }
}
