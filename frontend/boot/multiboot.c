/* Lays out a multiboot kernel and its modules (Multiboot Specification 0.6.96; ELF: System V ABI,
 * Intel386 supplement). */
#include "frontend/boot/boot.h"

#include <string.h>

#include "devices/bus/fwcfg.h"
#include "devices/core/bits.h"

enum {
    MB_SEARCH = 8192, /* the header lies in the first 8 KiB, on a multiple of 4 */
    MB_HEADER = 12,
    MB_HEADER_FULL = 32, /* with the address fields */
    MB_ADDRESSES = 1 << 16,
    MB_UNKNOWN = 0xfff8, /* requirements we do not know; bits 0..2 are met or harmless */

    /* The information structure and what hangs on it, in low memory that no kernel is loaded to. */
    MBI_ADDR = 0x10000,
    MBI_SIZE = 0x8000,
    MBI_MMAP = 0x100, /* room for the memory map, which the boot ROM fills in */
    MBI_MODULES = 0x900,
    MBI_STRINGS = 0xa00,

    MBI_FLAG_CMDLINE = 1 << 2,
    MBI_FLAG_MODULES = 1 << 3,
    MBI_FLAG_NAME = 1 << 9,

    ELF_HEADER = 52,
    ELF_PHDR = 32,
    PT_LOAD = 1,

    PAGE = 4096,
};

#define MB_MAGIC 0x1badb002u
/* Kernel and modules start here at the lowest: below are the firmware, the boot ROMs and the
 * information structure. */
#define LOAD_MIN     0x100000u
#define TOP_RESERVED MIB

/* Offset of the header; -1 when there is none. */
static s64 find_header(const u8 *d, size_t len)
{
    for (size_t i = 0; i + MB_HEADER <= len && i + MB_HEADER <= MB_SEARCH; i += 4) {
        if (ld32(d + i) == MB_MAGIC && ld32(d + i) + ld32(d + i + 4) + ld32(d + i + 8) == 0)
            return (s64)i;
    }
    return -1;
}

bool boot_is_multiboot(const u8 *data, size_t len)
{
    return find_header(data, len) >= 0;
}

/* Where the kernel goes. */
struct layout {
    u32 low;   /* first address */
    u64 high;  /* one past the last, of kernel, bss and then modules */
    u64 limit; /* memory ends here */
    u32 entry;
    u8 *image; /* bytes from low to high */
};

/* May [addr, addr+size) be loaded? Extends the layout. */
static bool cover(struct layout *l, const char *name, u32 addr, u32 size, struct err *err)
{
    u64 end = (u64)addr + size;

    if (size == 0)
        return true;
    if (addr < LOAD_MIN)
        return err_set(err, "%s wants to be loaded at 0x%x; below 1 MiB is the firmware's", name,
                       addr);
    if (end > l->limit)
        return err_set(
            err, "%s needs memory up to 0x%llx and the machine ends at 0x%llx; give more with -m",
            name, (unsigned long long)end, (unsigned long long)l->limit);
    if (l->high == 0) {
        l->low = addr;
        l->high = end;
    } else {
        l->low = MIN(l->low, addr);
        l->high = MAX(l->high, end);
    }
    return true;
}

struct elf_segment {
    u32 offset, vaddr, paddr, filesz, memsz;
};

/* Read program header `n`; false when it is not one to load. */
static bool segment(const struct boot_file *f, u32 n, struct elf_segment *s)
{
    const u8 *p = f->data + ld32(f->data + 28) + (size_t)n * ld16(f->data + 42);

    s->offset = ld32(p + 4);
    s->vaddr = ld32(p + 8);
    s->paddr = ld32(p + 12);
    s->filesz = ld32(p + 16);
    s->memsz = ld32(p + 20);
    return ld32(p) == PT_LOAD && s->memsz != 0;
}

static bool check_elf(const struct boot_file *f, struct err *err)
{
    const u8 *d = f->data;
    u64 table;

    if (f->len < ELF_HEADER || memcmp(d, "\177ELF", 4) != 0)
        return err_set(err, "%s has a multiboot header without load addresses and is no ELF file",
                       f->name);
    if (d[4] != 1 || d[5] != 1 || ld16(d + 18) != 3)
        return err_set(err, "%s is not a 32-bit x86 ELF file; a multiboot kernel has to be one",
                       f->name);
    if (ld16(d + 44) == 0 || ld16(d + 42) < ELF_PHDR)
        return err_set(
            err,
            "%s has no program headers, so nothing says where to load it; link it as an executable",
            f->name);
    table = (u64)ld32(d + 28) + (u64)ld16(d + 44) * ld16(d + 42);
    if (table > f->len)
        return err_set(err, "%s is truncated: its program headers lie outside of the file",
                       f->name);
    return true;
}

static bool layout_elf(struct layout *l, const struct boot_file *f, struct err *err)
{
    u32 count, entry;
    struct elf_segment s;

    if (!check_elf(f, err))
        return false;
    count = ld16(f->data + 44);
    entry = ld32(f->data + 24);
    l->entry = entry;
    for (u32 i = 0; i < count; i++) {
        if (!segment(f, i, &s))
            continue;
        if (s.filesz > s.memsz || (u64)s.offset + s.filesz > f->len)
            return err_set(err, "%s is truncated: segment %u lies outside of the file", f->name, i);
        if (!cover(l, f->name, s.paddr, s.memsz, err))
            return false;
        /* The entry point is a virtual address; paging is off when it is used. */
        if (entry >= s.vaddr && entry - s.vaddr < s.memsz)
            l->entry = entry - s.vaddr + s.paddr;
    }
    return true;
}

static void copy_elf(struct layout *l, const struct boot_file *f)
{
    struct elf_segment s;

    for (u32 i = 0; i < ld16(f->data + 44); i++) {
        if (segment(f, i, &s))
            memcpy(l->image + (s.paddr - l->low), f->data + s.offset, s.filesz);
    }
}

/* The address fields of the header: a plain image without ELF. */
struct plain {
    u32 offset, load, size, bss_end;
};

static bool layout_plain(struct layout *l, struct plain *p, const struct boot_file *f, u32 at,
                         struct err *err)
{
    const u8 *h = f->data + at;
    u32 header = ld32(h + 12), load_end = ld32(h + 20);

    p->load = ld32(h + 16);
    p->bss_end = ld32(h + 24);
    l->entry = ld32(h + 28);
    if (p->load > header || header - p->load > at)
        return err_set(
            err, "%s is damaged: its multiboot header names addresses that do not fit together",
            f->name);
    p->offset = at - (header - p->load);
    p->size = load_end != 0 ? load_end - p->load : (u32)(f->len - p->offset);
    if ((load_end != 0 && load_end < p->load) || p->size > f->len - p->offset)
        return err_set(err, "%s is truncated: its multiboot header names %u bytes to load", f->name,
                       p->size);
    if (p->bss_end != 0 && p->bss_end < p->load + p->size)
        return err_set(err, "%s is damaged: its zeroed memory ends before its code", f->name);
    return cover(l, f->name, p->load, p->bss_end != 0 ? p->bss_end - p->load : p->size, err);
}

/* The information structure while it is built: a page of fields and a heap of strings. */
struct mbi {
    u8 *p;
    u32 used;
};

/* Store a string made of two parts with a space between; returns its guest address, 0 when there is
 * no room. */
static u32 put_string(struct mbi *m, const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b), n = na + (nb != 0 ? nb + 1 : 0) + 1;
    u32 at = m->used;

    if (n > MBI_SIZE - m->used)
        return 0;
    memcpy(m->p + at, a, na);
    if (nb != 0) {
        m->p[at + na] = ' ';
        memcpy(m->p + at + na + 1, b, nb);
    }
    m->used += (u32)n;
    return MBI_ADDR + at;
}

static bool fill_mbi(struct mbi *m, const struct boot_input *in, const u32 *module_at,
                     struct err *err)
{
    u32 line = put_string(m, in->kernel.name, in->cmdline != NULL ? in->cmdline : "");
    u32 name = put_string(m, "Dragoman", "");

    for (u32 i = 0; i < in->nmodules; i++) {
        u8 *e = m->p + MBI_MODULES + 16 * i;
        u32 s = put_string(m, in->module[i].name, "");

        st32(e, module_at[i]);
        st32(e + 4, module_at[i] + (u32)in->module[i].len);
        st32(e + 8, s);
        if (s == 0)
            line = 0;
    }
    if (line == 0 || name == 0)
        return err_set(err, "the command lines of the kernel and its modules are too long together "
                            "(-append, -initrd)");
    st32(m->p, MBI_FLAG_CMDLINE | MBI_FLAG_NAME | (in->nmodules != 0 ? MBI_FLAG_MODULES : 0));
    st32(m->p + 16, line);
    st32(m->p + 20, in->nmodules);
    st32(m->p + 24, MBI_ADDR + MBI_MODULES);
    st32(m->p + 48, MBI_ADDR + MBI_MMAP);
    st32(m->p + 64, name);
    return true;
}

/* Give each module a page-aligned place after the kernel. */
static bool place_modules(struct layout *l, const struct boot_input *in, u32 *at, struct err *err)
{
    for (u32 i = 0; i < in->nmodules; i++) {
        u64 addr = (l->high + PAGE - 1) & ~(u64)(PAGE - 1);

        if (addr + in->module[i].len > l->limit)
            return err_set(err, "module %s does not fit into memory; give more with -m",
                           in->module[i].name);
        at[i] = (u32)addr;
        l->high = addr + in->module[i].len;
    }
    return true;
}

static bool add_items(struct boot_image *out, const struct layout *l, const struct mbi *m)
{
    u32 size = (u32)(l->high - l->low);

    return boot_add_number(out, FWCFG_KERNEL_ADDR, l->low) &&
           boot_add_number(out, FWCFG_KERNEL_SIZE, size) &&
           boot_add_number(out, FWCFG_KERNEL_ENTRY, l->entry) &&
           boot_add(out, FWCFG_KERNEL_DATA, l->image, size) &&
           boot_add_number(out, FWCFG_INITRD_ADDR, MBI_ADDR) &&
           boot_add_number(out, FWCFG_INITRD_SIZE, MBI_SIZE) &&
           boot_add(out, FWCFG_INITRD_DATA, m->p, MBI_SIZE);
}

static bool build(struct boot_image *out, const struct boot_input *in, struct err *err)
{
    const struct boot_file *f = &in->kernel;
    u32 module_at[BOOT_MAX_MODULES] = {0}, flags, at;
    s64 header = find_header(f->data, f->len);
    struct mbi m = {.used = MBI_STRINGS};
    struct layout l = {.low = 0};
    struct plain plain = {.size = 0};
    bool plain_image;

    if (header < 0)
        return err_set(err, "%s has no multiboot header", f->name);
    at = (u32)header;
    flags = ld32(f->data + at + 4);
    if ((flags & MB_UNKNOWN) != 0)
        return err_set(err, "%s requires multiboot features (flags 0x%x) that do not exist here",
                       f->name, flags);
    if (in->nmodules > BOOT_MAX_MODULES)
        return err_set(err, "more than %d modules in -initrd", (int)BOOT_MAX_MODULES);
    l.limit = MIN(in->ram_size, PC_LOWMEM_MAX);
    l.limit = l.limit > TOP_RESERVED ? l.limit - TOP_RESERVED : 0;
    plain_image = (flags & MB_ADDRESSES) != 0;
    if (plain_image && f->len - at < MB_HEADER_FULL)
        return err_set(err, "%s is truncated: it ends inside its multiboot header", f->name);
    if (plain_image ? !layout_plain(&l, &plain, f, at, err) : !layout_elf(&l, f, err))
        return false;
    if (l.high == 0)
        return err_set(err, "%s has nothing to load", f->name);
    if (l.entry < l.low || l.entry >= l.high)
        return err_set(err, "%s starts at 0x%x, which is outside of what it loads", f->name,
                       l.entry);
    if (!place_modules(&l, in, module_at, err))
        return false;
    l.image = boot_alloc(out, (size_t)(l.high - l.low));
    m.p = boot_alloc(out, MBI_SIZE);
    if (l.image == NULL || m.p == NULL)
        return err_set(err, "out of memory");
    if (plain_image)
        memcpy(l.image + (plain.load - l.low), f->data + plain.offset, plain.size);
    else
        copy_elf(&l, f);
    for (u32 i = 0; i < in->nmodules; i++) {
        if (in->module[i].len != 0)
            memcpy(l.image + (module_at[i] - l.low), in->module[i].data, in->module[i].len);
    }
    if (!fill_mbi(&m, in, module_at, err))
        return false;
    return add_items(out, &l, &m) || err_set(err, "out of memory");
}

bool boot_multiboot(struct boot_image *out, const struct boot_input *in, struct err *err)
{
    memset(out, 0, sizeof(*out));
    out->kind = BOOT_MULTIBOOT;
    if (build(out, in, err))
        return true;
    boot_free(out);
    return false;
}
