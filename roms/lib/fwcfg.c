/* The guest's side of the firmware configuration device, port and DMA interface (QEMU
 * docs/specs/fw_cfg). */
#include "roms/lib/fwcfg.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

enum {
    PORT_SELECT = 0x510,
    PORT_DATA = 0x511,
    PORT_DMA_HIGH = 0x514,
    PORT_DMA_LOW = 0x518,

    ID_DMA = 1u << 1,

    DMA_ERROR = 1u << 0,
    DMA_READ = 1u << 1,
    DMA_SELECT = 1u << 3,
};

/* All fields big-endian. */
struct fw_dma {
    u32 control;
    u32 length;
    u32 addr_high, addr_low;
};

struct fw_dir_entry {
    u32 size; /* big-endian */
    u16 key;  /* big-endian */
    u16 reserved;
    char name[56];
};

static u32 swap32(u32 v)
{
    return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

static void read_ports(u16 key, void *dst, u32 n)
{
    outw(PORT_SELECT, key);
    insb(PORT_DATA, dst, n);
}

bool fw_present(void)
{
    char sig[4];

    read_ports(FW_SIGNATURE, sig, sizeof(sig));
    return memcmp(sig, "QEMU", 4) == 0;
}

static bool has_dma(void)
{
    u32 id = 0;

    read_ports(FW_ID, &id, sizeof(id));
    return (id & ID_DMA) != 0;
}

static bool read_dma(u16 key, void *dst, u32 n)
{
    volatile struct fw_dma d;

    d.control = swap32((u32)key << 16 | DMA_SELECT | DMA_READ);
    d.length = swap32(n);
    d.addr_high = 0;
    d.addr_low = swap32((u32)dst);
    outl(PORT_DMA_HIGH, 0);
    __asm__ volatile("" : : : "memory");
    /* Writing the low half of the descriptor's address starts the transfer. */
    outl(PORT_DMA_LOW, swap32((u32)&d));
    while ((swap32(d.control) & ~(u32)DMA_ERROR) != 0)
        __asm__ volatile("pause" : : : "memory");
    return (swap32(d.control) & DMA_ERROR) == 0;
}

void fw_read(u16 key, void *dst, u32 n)
{
    /* A short item is not worth a descriptor. */
    if (n > 256 && has_dma() && read_dma(key, dst, n))
        return;
    read_ports(key, dst, n);
}

u32 fw_u32(u16 key)
{
    u32 v = 0;

    read_ports(key, &v, sizeof(v));
    return v;
}

bool fw_find(const char *name, struct fw_file *f)
{
    u32 count = 0;

    if (!fw_present())
        return false;
    read_ports(FW_FILE_DIR, &count, sizeof(count));
    count = swap32(count);
    /* The directory is one item: after the count its entries follow at the same port. */
    for (u32 i = 0; i < count && i < 4096; i++) {
        struct fw_dir_entry e;

        insb(PORT_DATA, &e, sizeof(e));
        e.name[sizeof(e.name) - 1] = 0;
        if (streq(e.name, name)) {
            f->size = swap32(e.size);
            f->key = (u16)(e.key >> 8 | e.key << 8);
            return true;
        }
    }
    return false;
}
