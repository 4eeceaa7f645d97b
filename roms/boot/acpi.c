/* The guest's side of the table loader: allocate, patch pointers, add checksums (QEMU's fw_cfg file
 * etc/table-loader). */
#include "roms/boot/acpi.h"
#include "roms/lib/fwcfg.h"
#include "roms/lib/mem.h"

enum { CMD_ALLOCATE = 1, CMD_ADD_POINTER = 2, CMD_ADD_CHECKSUM = 3, ZONE_FSEG = 2 };
enum { MAX_FILES = 8, RSDP_AREA = 0x9fc10, EBDA_SEGMENT = 0x9fc0 };

struct command {
    u32 kind;
    union {
        struct {
            char file[56];
            u32 align;
            u8 zone;
        } __attribute__((packed)) alloc;
        struct {
            char dest[56];
            char src[56];
            u32 offset;
            u8 size;
        } __attribute__((packed)) pointer;
        struct {
            char file[56];
            u32 offset, start, length;
        } __attribute__((packed)) checksum;
        u8 pad[124];
    } u;
} __attribute__((packed));

struct table {
    char name[56];
    u8 *at;
    u32 size;
};

struct install {
    struct table t[MAX_FILES];
    u32 n;
    u32 rsdp;
};

static struct table *find(struct install *in, const char *name)
{
    for (u32 i = 0; i < in->n; i++) {
        if (streq(in->t[i].name, name))
            return &in->t[i];
    }
    return NULL;
}

static void allocate(struct install *in, struct memmap *m, const struct command *c)
{
    struct table *t = &in->t[in->n];
    struct fw_file f;

    if (in->n == MAX_FILES || !fw_find(c->u.alloc.file, &f))
        return;
    memcpy(t->name, c->u.alloc.file, sizeof(t->name));
    t->size = f.size;
    if (c->u.alloc.zone == ZONE_FSEG) {
        /* The root pointer must lie where a kernel looks for it; the ROM's segment is read-only,
         * the first KiB of the extended BIOS data area is the other such place. */
        t->at = (u8 *)RSDP_AREA;
        in->rsdp = RSDP_AREA;
    } else {
        t->at = memmap_take(m, f.size, c->u.alloc.align < 16 ? 16 : c->u.alloc.align);
    }
    fw_read(f.key, t->at, f.size);
    in->n++;
}

static void add_pointer(struct install *in, const struct command *c)
{
    const struct table *dest = find(in, c->u.pointer.dest), *src = find(in, c->u.pointer.src);
    u64 v = 0;

    if (dest == NULL || src == NULL || c->u.pointer.size > 8 || c->u.pointer.offset > dest->size ||
        c->u.pointer.size > dest->size - c->u.pointer.offset)
        return;
    memcpy(&v, dest->at + c->u.pointer.offset, c->u.pointer.size);
    v += (u32)src->at;
    memcpy(dest->at + c->u.pointer.offset, &v, c->u.pointer.size);
}

static void add_checksum(struct install *in, const struct command *c)
{
    const struct table *t = find(in, c->u.checksum.file);
    u8 sum = 0;

    if (t == NULL || c->u.checksum.offset >= t->size || c->u.checksum.start > t->size ||
        c->u.checksum.length > t->size - c->u.checksum.start)
        return;
    for (u32 i = 0; i < c->u.checksum.length; i++)
        sum = (u8)(sum + t->at[c->u.checksum.start + i]);
    t->at[c->u.checksum.offset] = (u8)(t->at[c->u.checksum.offset] - sum);
}

u32 acpi_install(struct memmap *m)
{
    struct install in = {.n = 0, .rsdp = 0};
    struct command *list;
    struct fw_file f;

    if (!fw_find("etc/table-loader", &f) || f.size < sizeof(*list))
        return 0;
    list = memmap_take(m, f.size, 16);
    fw_read(f.key, list, f.size);
    *(volatile u16 *)0x40e = EBDA_SEGMENT;
    for (u32 i = 0; i < f.size / sizeof(*list); i++) {
        switch (list[i].kind) {
        case CMD_ALLOCATE: allocate(&in, m, &list[i]); break;
        case CMD_ADD_POINTER: add_pointer(&in, &list[i]); break;
        case CMD_ADD_CHECKSUM: add_checksum(&in, &list[i]); break;
        default: break;
        }
    }
    return in.rsdp;
}
