/* Turns the emulator's list of RAM ranges (fw_cfg file etc/e820) into an e820 map with the PC's
 * usual holes. */
#include "roms/boot/memmap.h"
#include "roms/lib/fwcfg.h"
#include "roms/lib/mem.h"

enum { E820_RAM = 1, E820_RESERVED = 2 };

/* Memory of the extended BIOS data area, from here to 640 KiB; the root table of ACPI is in it. */
enum { EBDA = 0x9fc00 };

static void add(struct memmap *m, u64 base, u64 end, u32 type)
{
    if (end <= base || m->n == MEMMAP_MAX)
        return;
    m->e[m->n].base = base;
    m->e[m->n].length = end - base;
    m->e[m->n].type = type;
    m->n++;
}

/* The file's entries are kept where memmap_finish finds them: in `e`, which it rewrites. */
void memmap_init(struct memmap *m)
{
    struct fw_file f;
    u64 ram = 0;

    memset(m, 0, sizeof(*m));
    if (fw_find("etc/e820", &f)) {
        m->n = f.size / sizeof(struct e820);
        if (m->n > MEMMAP_MAX - 8)
            m->n = MEMMAP_MAX - 8;
        fw_read(f.key, m->e, m->n * sizeof(struct e820));
    }
    if (m->n == 0) {
        if (fw_present())
            fw_read(FW_RAM_SIZE, &ram, sizeof(ram));
        add(m, 0, ram != 0 ? ram : 16 << 20, E820_RAM);
    }
    for (u32 i = 0; i < m->n; i++) {
        u64 end = m->e[i].base + m->e[i].length;

        if (m->e[i].type == E820_RAM && m->e[i].base < 0x100000 && end < 0x100000000ull)
            m->low_end = (u32)end;
    }
    m->tables = m->low_end;
}

void *memmap_take(struct memmap *m, u32 size, u32 align)
{
    m->tables = (m->tables - size) & ~(align - 1);
    return (void *)m->tables;
}

void memmap_finish(struct memmap *m)
{
    struct e820 in[MEMMAP_MAX];
    u32 n = m->n, tables = m->tables & ~0xfffu;

    memcpy(in, m->e, sizeof(in));
    m->n = 0;
    add(m, 0, EBDA, E820_RAM);
    add(m, EBDA, 0xa0000, E820_RESERVED);
    add(m, 0xf0000, 0x100000, E820_RESERVED);
    add(m, 0x100000, tables, E820_RAM);
    add(m, tables, m->low_end, E820_RESERVED);
    for (u32 i = 0; i < n; i++) {
        if (in[i].base >= 0x100000)
            add(m, in[i].base, in[i].base + in[i].length, in[i].type);
    }
}
