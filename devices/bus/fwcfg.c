/* Firmware configuration device: selector and data ports, and the DMA interface (QEMU's
 * docs/specs/fw_cfg interface). */
#include "devices/bus/fwcfg.h"

#include "devices/core/bits.h"

#include <stdlib.h>

enum { PORT_SELECT = 0x510, PORT_DMA = 0x514 };
enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };
enum { ITEMS = FWCFG_FIRST_FILE + FWCFG_MAX_FILES, LOCALS = 8, DIR_ENTRY = 64 };
enum { PAD_LIMIT = 1 << 20 }; /* zeros past an item's end that one DMA command may ask for */

struct fwcfg_item {
    u8 *data;
    size_t len;
    bool own;
};

struct fwcfg_regs {
    u64 dma_addr;
    u32 off;
    u16 key, pad;
};

struct fwcfg {
    struct dev dev;
    struct fwcfg_regs r;
    struct fwcfg_item item[ITEMS], local[LOCALS];
    char name[FWCFG_MAX_FILES][FWCFG_NAME_LEN];
    unsigned nfiles;
    struct region ports, dma;
};

#define FIELDS_OF struct fwcfg_regs
static const struct field fwcfg_fields[] = {
    F(dma_addr, FT_U64, 0, "address of the DMA command"),
    F(off, FT_U32, 0, "place in the selected item"),
    F(key, FT_U16, 0, "selected item"),
    F(pad, FT_U16, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct fwcfg_item nothing;

/* ---- items ---- */

static struct fwcfg_item *find_item(struct fwcfg *f, u16 key)
{
    if (key < ITEMS)
        return &f->item[key];
    if (key >= FWCFG_LOCAL && key < FWCFG_LOCAL + LOCALS)
        return &f->local[key - FWCFG_LOCAL];
    return NULL;
}

static const struct fwcfg_item *selected(struct fwcfg *f)
{
    const struct fwcfg_item *item = find_item(f, f->r.key);

    return item ? item : &nothing;
}

static void item_set(struct fwcfg_item *item, const void *data, size_t len, bool copy)
{
    u8 *bytes = (u8 *)(uintptr_t)data;

    if (copy) {
        bytes = malloc(len ? len : 1);
        if (!bytes)
            BUG("no memory for %zu bytes of firmware configuration", len);
        if (len)
            memcpy(bytes, data, len);
    }
    if (item->own)
        free(item->data);
    *item = (struct fwcfg_item){bytes, len, copy};
}

bool fwcfg_valid(u16 key)
{
    return key < FWCFG_FIRST_FILE || (key >= FWCFG_LOCAL && key < FWCFG_LOCAL + LOCALS);
}

void fwcfg_set(struct dev *dev, u16 key, const void *data, size_t len, bool copy)
{
    struct fwcfg_item *item = find_item((struct fwcfg *)dev, key);

    if (!item)
        BUG("no firmware configuration item %#x", key);
    item_set(item, data, len, copy);
}

void fwcfg_set_num(struct dev *dev, u16 key, u64 v, unsigned size)
{
    u8 b[8];

    st_le(b, size, v);
    fwcfg_set(dev, key, b, size, true);
}

static void st32_be(u8 *p, u32 v)
{
    st32(p, __builtin_bswap32(v));
}

/* The directory: a count, then {size, key, reserved, name} each, numbers big-endian. */
static void make_dir(struct fwcfg *f)
{
    size_t len = 4 + (size_t)f->nfiles * DIR_ENTRY;
    u8 *dir = calloc(1, len);
    unsigned i;

    if (!dir)
        BUG("no memory for the file directory");
    st32_be(dir, f->nfiles);
    for (i = 0; i < f->nfiles; i++) {
        u8 *e = dir + 4 + i * DIR_ENTRY;

        st32_be(e, (u32)f->item[FWCFG_FIRST_FILE + i].len);
        st32_be(e + 4, (FWCFG_FIRST_FILE + i) << 16);
        memcpy(e + 8, f->name[i], FWCFG_NAME_LEN);
    }
    item_set(&f->item[FWCFG_FILE_DIR], dir, len, true);
    free(dir);
}

bool fwcfg_file(struct dev *dev, const char *name, const void *data, size_t len, bool copy)
{
    struct fwcfg *f = (struct fwcfg *)dev;
    unsigned i;

    if (strlen(name) >= FWCFG_NAME_LEN)
        return false;
    for (i = 0; i < f->nfiles; i++)
        if (!strcmp(f->name[i], name))
            break;
    if (i == FWCFG_MAX_FILES)
        return false;
    if (i == f->nfiles) {
        memset(f->name[i], 0, FWCFG_NAME_LEN);
        memcpy(f->name[i], name, strlen(name));
        f->nfiles++;
    }
    item_set(&f->item[FWCFG_FIRST_FILE + i], data, len, copy);
    make_dir(f);
    return true;
}

/* ---- selector and data ports ---- */

static void select_item(struct fwcfg *f, u16 key)
{
    /* Bit 14 asks for writing through the data port, which nothing uses any more. */
    f->r.key = key & 0xbfff;
    f->r.off = 0;
}

static u64 data_read(void *dev, u64 off, unsigned size)
{
    struct fwcfg *f = dev;
    const struct fwcfg_item *item = selected(f);

    if (size != 1 || off != 1 || f->r.off >= item->len)
        return 0;
    return item->data[f->r.off++];
}

static void select_write(void *dev, u64 off, u64 v, unsigned size)
{
    if (size == 2 && off == 0)
        select_item(dev, (u16)v);
}

/* ---- DMA ---- */

/* Move `len` bytes of the selected item to guest memory, zeros behind its end. False: the length is
 * unreasonable. */
static bool dma_read(struct fwcfg *f, u64 addr, u32 len)
{
    static const u8 zeros[4096];
    const struct fwcfg_item *item = selected(f);
    size_t have = f->r.off < item->len ? MIN((size_t)len, item->len - f->r.off) : 0;
    u32 pad = len - (u32)have;

    if (pad > PAD_LIMIT)
        return false;
    if (have)
        bus_copy(f->dev.env.mem, addr, item->data + f->r.off, have, true);
    f->r.off += (u32)have;
    addr += have;
    while (pad) {
        u32 n = MIN(pad, (u32)sizeof zeros);

        bus_copy(f->dev.env.mem, addr, (void *)(uintptr_t)zeros, n, true);
        addr += n;
        pad -= n;
    }
    return true;
}

static void dma_run(struct fwcfg *f)
{
    u64 at = f->r.dma_addr;
    u8 cmd[16], result[4];
    u32 control, len;
    u64 addr;
    bool ok = true;

    bus_copy(f->dev.env.mem, at, cmd, sizeof cmd, false);
    control = __builtin_bswap32(ld32(cmd));
    len = __builtin_bswap32(ld32(cmd + 4));
    addr = __builtin_bswap64(ld64(cmd + 8));
    if (control & DMA_SELECT)
        select_item(f, (u16)(control >> 16));
    if (control & DMA_READ)
        ok = dma_read(f, addr, len);
    else if (control & DMA_WRITE)
        ok = false; /* no item can be written */
    else if (control & DMA_SKIP)
        f->r.off = (u32)MIN((u64)f->r.off + len, (u64)selected(f)->len);
    if (!ok)
        log_guest_error(f->dev.env.log, f->dev.id, "DMA command %#x of %u bytes refused", control,
                        len);
    st32_be(result, ok ? 0 : DMA_ERROR);
    bus_copy(f->dev.env.mem, at, result, sizeof result, true);
    f->r.dma_addr = 0;
}

static u64 dma_port_read(void *dev, u64 off, unsigned size)
{
    static const u8 signature[8] = {'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G'};

    return ld_le(signature + (off & 7), size);
}

static void dma_port_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct fwcfg *f = dev;

    if (size != 4)
        return;
    if (off == 0) {
        f->r.dma_addr = (u64)__builtin_bswap32((u32)v) << 32;
    } else if (off == 4) {
        f->r.dma_addr |= __builtin_bswap32((u32)v);
        dma_run(f);
    }
}

static const struct region_ops port_ops = {data_read, select_write, 1, 2};
static const struct region_ops dma_ops = {dma_port_read, dma_port_write, 1, 4};

/* ---- life ---- */

static bool fwcfg_init(struct dev *dev, struct err *err)
{
    struct fwcfg *f = (struct fwcfg *)dev;

    fwcfg_set(dev, FWCFG_SIGNATURE, "QEMU", 4, true);
    fwcfg_set_num(dev, FWCFG_ID, 3, 4); /* traditional and DMA interface */
    make_dir(f);
    f->ports = (struct region){
        .name = "fwcfg", .base = PORT_SELECT, .size = 2, .ops = &port_ops, .dev = f};
    f->dma = (struct region){
        .name = "fwcfg-dma", .base = PORT_DMA, .size = 8, .ops = &dma_ops, .dev = f};
    bus_map(dev->env.io, &f->ports);
    bus_map(dev->env.io, &f->dma);
    return true;
}

static void fwcfg_free(struct dev *dev)
{
    struct fwcfg *f = (struct fwcfg *)dev;
    int i;

    bus_unmap(dev->env.io, &f->ports);
    bus_unmap(dev->env.io, &f->dma);
    for (i = 0; i < ITEMS; i++)
        if (f->item[i].own)
            free(f->item[i].data);
    for (i = 0; i < LOCALS; i++)
        if (f->local[i].own)
            free(f->local[i].data);
}

const struct dev_class fwcfg_class = {
    .name = "fwcfg", .help = "firmware configuration", .size = sizeof(struct fwcfg),
    .saved_at = offsetof(struct fwcfg, r), .saved_size = sizeof(struct fwcfg_regs), .version = 1,
    .fields = fwcfg_fields, .init = fwcfg_init, .free = fwcfg_free,
};
