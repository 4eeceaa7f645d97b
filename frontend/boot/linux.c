/* Lays out a Linux bzImage by the x86 boot protocol, 2.00 to 2.15 (the kernel's
 * Documentation/x86/boot.rst). */
#include "frontend/boot/boot.h"

#include <stdlib.h>
#include <string.h>

#include "devices/bus/fwcfg.h"
#include "devices/core/bits.h"

/* Offsets in the kernel's first sectors, all little-endian. */
enum {
    H_CMDLINE_MAGIC = 0x20, /* before 2.02 */
    H_CMDLINE_OFFSET = 0x22,
    H_SETUP_SECTS = 0x1f1,
    H_SYSSIZE = 0x1f4, /* in units of 16 bytes */
    H_VID_MODE = 0x1fa,
    H_BOOT_FLAG = 0x1fe,
    H_MAGIC = 0x202,
    H_VERSION = 0x206,
    H_TYPE_OF_LOADER = 0x210,
    H_LOADFLAGS = 0x211,
    H_RAMDISK_IMAGE = 0x218,
    H_RAMDISK_SIZE = 0x21c,
    H_HEAP_END_PTR = 0x224,
    H_CMD_LINE_PTR = 0x228,
    H_INITRD_ADDR_MAX = 0x22c,
    H_RELOCATABLE = 0x234,
    H_CMDLINE_SIZE = 0x238,
    H_PREF_ADDRESS = 0x258,
    H_INIT_SIZE = 0x260,
    H_END = 0x264,

    LOADED_HIGH = 0x01,
    CAN_USE_HEAP = 0x80,
    LOADER_UNDEFINED = 0xff, /* we have no number assigned */
    OLD_CMDLINE_MAGIC = 0xa33f,
};

/* Where things go; the first two as the protocol proposes for the two kinds of image. */
enum {
    REAL_HIGH = 0x10000, /* set-up code of a bzImage; the command line follows 64 KiB later */
    CMDLINE_HIGH = 0x20000,
    PROT_HIGH = 0x100000,
    REAL_LOW = 0x90000, /* the same for the old zImage, whose kernel itself is loaded low */
    CMDLINE_LOW = 0x9a000,
    PROT_LOW = 0x10000,
    SETUP_MAX = 0x8000, /* set-up code is never larger than 32 KiB */
    HEAP_GAP = 0x200,   /* between the end of the heap and the command line */
};

/* Firmware keeps its tables at the top of memory: nothing of ours goes there. */
#define TOP_RESERVED MIB
/* The highest address for a ramdisk when the kernel names none. */
#define OLD_INITRD_MAX 0x37ffffffu

/* What the header says. */
struct linux_header {
    u16 version;
    u32 setup_size, kernel_size; /* bytes in the file */
    u32 real, cmdline, prot;     /* guest addresses */
    u32 initrd_max;              /* last byte a ramdisk may occupy */
    u32 cmdline_max;             /* without the terminating zero */
    u64 kernel_end;              /* the decompressed kernel needs memory up to here */
};

bool boot_is_linux(const u8 *data, size_t len)
{
    return len >= H_VERSION + 2 && ld16(data + H_BOOT_FLAG) == 0xaa55 &&
           memcmp(data + H_MAGIC, "HdrS", 4) == 0;
}

static bool parse(struct linux_header *h, const struct boot_file *f, struct err *err)
{
    const u8 *d = f->data;
    u64 need, syssize;
    bool high;

    memset(h, 0, sizeof(*h));
    if (!boot_is_linux(d, f->len))
        return err_set(err, "%s is no Linux kernel (bzImage)", f->name);
    h->version = ld16(d + H_VERSION);
    if (h->version < 0x200)
        return err_set(err, "%s speaks a boot protocol older than 2.00; use a newer kernel",
                       f->name);
    h->setup_size = (d[H_SETUP_SECTS] == 0 ? 4u : d[H_SETUP_SECTS]) * 512u + 512u;
    if (h->setup_size > SETUP_MAX)
        return err_set(err, "%s is damaged: its header claims %u bytes of set-up code", f->name,
                       h->setup_size);
    if (f->len < H_END || f->len <= h->setup_size)
        return err_set(
            err, "%s is truncated: it ends inside the set-up code; copy the kernel again", f->name);
    if (f->len - h->setup_size > 0x40000000u)
        return err_set(err, "%s is too large for a kernel", f->name);
    h->kernel_size = (u32)(f->len - h->setup_size);
    /* Before 2.04 only the low 16 bits are the size. */
    syssize = (u64)(h->version >= 0x204 ? ld32(d + H_SYSSIZE) : ld16(d + H_SYSSIZE)) * 16;
    need = h->setup_size + syssize;
    /* The last paragraph may be partial. */
    if ((u64)f->len + 15 < need)
        return err_set(err, "%s is truncated: it has %zu of %llu bytes; copy the kernel again",
                       f->name, f->len, (unsigned long long)need);
    high = (d[H_LOADFLAGS] & LOADED_HIGH) != 0;
    h->real = high ? REAL_HIGH : REAL_LOW;
    h->cmdline = high ? CMDLINE_HIGH : CMDLINE_LOW;
    h->prot = high ? PROT_HIGH : PROT_LOW;
    if (!high && h->kernel_size > REAL_LOW - PROT_LOW)
        return err_set(err, "%s is damaged: a kernel loaded below 1 MiB has %u bytes", f->name,
                       h->kernel_size);
    h->initrd_max = h->version >= 0x203 ? ld32(d + H_INITRD_ADDR_MAX) : OLD_INITRD_MAX;
    h->cmdline_max = h->version >= 0x206 ? ld32(d + H_CMDLINE_SIZE) : 255;
    h->kernel_end = (u64)h->prot + h->kernel_size;
    if (h->version >= 0x20a) {
        u64 at = h->prot;

        /* A relocatable kernel moves up to the address it prefers before it decompresses itself. */
        if (ld64(d + H_PREF_ADDRESS) > at)
            at = ld64(d + H_PREF_ADDRESS);
        if (at > 0xffffffffu)
            return err_set(err,
                           "%s wants to run above 4 GiB, which this way of starting it cannot do",
                           f->name);
        h->kernel_end = MAX(h->kernel_end, at + ld32(d + H_INIT_SIZE));
    }
    return true;
}

/* The number after vga= on the command line, as the set-up code wants it; 0xffff ("normal") without
 * one. */
static u16 video_mode(const char *cmdline)
{
    const char *p = strstr(cmdline, "vga=");

    if (p == NULL || (p != cmdline && p[-1] != ' '))
        return 0xffff;
    p += 4;
    if (strncmp(p, "ask", 3) == 0)
        return 0xfffd;
    if (strncmp(p, "ext", 3) == 0)
        return 0xfffe;
    if (*p >= '0' && *p <= '9')
        return (u16)strtoul(p, NULL, 0);
    return 0xffff;
}

/* Choose where the ramdisk goes: as high as kernel and memory allow. */
static bool place_initrd(const struct linux_header *h, const struct boot_input *in, u32 *addr,
                         struct err *err)
{
    u64 top = MIN(in->ram_size, PC_LOWMEM_MAX), room;
    const struct boot_file *f = &in->module[0];

    top = top > TOP_RESERVED ? top - TOP_RESERVED : 0;
    if (h->kernel_end > top)
        return err_set(
            err, "%s needs %llu MiB of memory and the machine has %llu; give more with -m",
            in->kernel.name, (unsigned long long)((h->kernel_end + TOP_RESERVED + MIB - 1) / MIB),
            (unsigned long long)(in->ram_size / MIB));
    *addr = 0;
    if (in->nmodules == 0)
        return true;
    if (f->len == 0)
        return err_set(err, "the initial ramdisk %s is empty", f->name);
    top = MIN(top, (u64)h->initrd_max + 1);
    room = top > h->kernel_end ? top - h->kernel_end : 0;
    if (((f->len + 0xfff) & ~(u64)0xfff) > room)
        return err_set(err,
                       "the initial ramdisk %s (%llu MiB) does not fit beside the kernel in %llu "
                       "MiB of memory; "
                       "give more with -m",
                       f->name, (unsigned long long)((f->len + MIB - 1) / MIB),
                       (unsigned long long)(in->ram_size / MIB));
    *addr = (u32)((top - f->len) & ~(u64)0xfff);
    return true;
}

/* The copy of the set-up code with the fields a loader has to fill in. */
static void fix_header(u8 *setup, const struct linux_header *h, const char *cmdline, u32 initrd,
                       u32 initrd_size)
{
    st16(setup + H_VID_MODE, video_mode(cmdline));
    setup[H_TYPE_OF_LOADER] = LOADER_UNDEFINED;
    st32(setup + H_RAMDISK_IMAGE, initrd);
    st32(setup + H_RAMDISK_SIZE, initrd_size);
    if (h->version >= 0x201) {
        setup[H_LOADFLAGS] |= CAN_USE_HEAP;
        st16(setup + H_HEAP_END_PTR, (u16)(h->cmdline - h->real - HEAP_GAP));
    }
    if (h->version >= 0x202) {
        st32(setup + H_CMD_LINE_PTR, h->cmdline);
    } else {
        st16(setup + H_CMDLINE_MAGIC, OLD_CMDLINE_MAGIC);
        st16(setup + H_CMDLINE_OFFSET, (u16)(h->cmdline - h->real));
    }
}

bool boot_linux(struct boot_image *out, const struct boot_input *in, struct err *err)
{
    const char *cmdline = in->cmdline != NULL ? in->cmdline : "";
    size_t cmdline_len = strlen(cmdline);
    struct linux_header h;
    u32 initrd = 0, initrd_size;
    u8 *setup, *line;
    bool ok;

    memset(out, 0, sizeof(*out));
    out->kind = BOOT_LINUX;
    if (!parse(&h, &in->kernel, err))
        return false;
    if (in->nmodules > 1)
        return err_set(err, "a Linux kernel takes one initial ramdisk, not %u", in->nmodules);
    if (cmdline_len > h.cmdline_max)
        return err_set(err, "the kernel command line (-append) has %zu bytes; this kernel takes %u",
                       cmdline_len, h.cmdline_max);
    if (!place_initrd(&h, in, &initrd, err))
        return false;
    initrd_size = in->nmodules != 0 ? (u32)in->module[0].len : 0;
    setup = boot_alloc(out, h.setup_size);
    line = boot_alloc(out, cmdline_len + 1);
    if (setup == NULL || line == NULL) {
        boot_free(out);
        return err_set(err, "out of memory");
    }
    memcpy(setup, in->kernel.data, h.setup_size);
    memcpy(line, cmdline, cmdline_len);
    fix_header(setup, &h, cmdline, initrd, initrd_size);
    ok = boot_add_number(out, FWCFG_KERNEL_ADDR, h.prot) &&
         boot_add_number(out, FWCFG_KERNEL_SIZE, h.kernel_size) &&
         boot_add(out, FWCFG_KERNEL_DATA, in->kernel.data + h.setup_size, h.kernel_size) &&
         boot_add_number(out, FWCFG_CMDLINE_ADDR, h.cmdline) &&
         boot_add_number(out, FWCFG_CMDLINE_SIZE, (u32)cmdline_len + 1) &&
         boot_add(out, FWCFG_CMDLINE_DATA, line, cmdline_len + 1) &&
         boot_add_number(out, FWCFG_SETUP_ADDR, h.real) &&
         boot_add_number(out, FWCFG_SETUP_SIZE, h.setup_size) &&
         boot_add(out, FWCFG_SETUP_DATA, setup, h.setup_size);
    if (ok && initrd_size != 0)
        ok = boot_add_number(out, FWCFG_INITRD_ADDR, initrd) &&
             boot_add_number(out, FWCFG_INITRD_SIZE, initrd_size) &&
             boot_add(out, FWCFG_INITRD_DATA, in->module[0].data, initrd_size);
    if (!ok) {
        boot_free(out);
        return err_set(err, "out of memory");
    }
    return true;
}
