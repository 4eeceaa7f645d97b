/* XMSTEST.COM: address line 20 by every way there is, the high memory area, extended memory blocks
 * and the BIOS's own calls for extended memory. */
#include "roms/dos/lib/check.h"
#include "roms/dos/lib/trap.h"
#include "roms/lib/io.h"
#include "roms/lib/mem.h"

static u32 entry; /* the driver's, segment in the upper half */

/* Call the driver; AX of the result. */
static u16 xms(u8 function, struct cpu_regs *r)
{
    r->ah = function;
    cpu_far_call(entry, r);
    return r->ax;
}

static u16 xms_dx(u8 function, u16 dx)
{
    struct cpu_regs r = {.edx = dx};

    return xms(function, &r);
}

/* Does FFFF:0x510 (linear 0x100500) show what is at 0000:0x500? Changes neither for good. */
static bool wraps(void)
{
    u32 low = peek32(0, 0x500), high = peek32(0xffff, 0x510);
    bool w;

    poke32(0, 0x500, low ^ 0x5a5a5a5a);
    w = peek32(0xffff, 0x510) == (low ^ 0x5a5a5a5a);
    poke32(0, 0x500, low);
    return w && high == low;
}

static void kbc_wait(void)
{
    while ((inb(0x64) & 2) != 0)
        ;
}

static void kbc_output_port(u8 v)
{
    kbc_wait();
    outb(0x64, 0xd1);
    kbc_wait();
    outb(0x60, v);
    kbc_wait();
}

/* Command 0xD0: read the output port. */
static u8 kbc_read_output(void)
{
    u8 v;

    __asm__ volatile("cli");
    kbc_wait();
    outb(0x64, 0xd0);
    while ((inb(0x64) & 1) == 0)
        ;
    v = inb(0x60);
    __asm__ volatile("sti");
    return v;
}

static bool bios_a20(u8 function, u16 *ax)
{
    struct cpu_regs r = {.eax = 0x2400u | function};

    cpu_int(0x15, &r);
    *ax = r.ax;
    return (r.flags & FLAG_CF) == 0;
}

static const char *a20_ways(void)
{
    u16 ax;
    u32 i;

    poke32(0xffff, 0x510, ~peek32(0, 0x500));
    for (i = 0; i < 3; i++) {
        outb(0x92, inb(0x92) & 0xfc);
        CHECK(wraps(), "port 0x92 off");
        CHECK((inb(0x92) & 2) == 0, "port 0x92 reads off");
        outb(0x92, (inb(0x92) & 0xfe) | 2);
        CHECK(!wraps(), "port 0x92 on");
        CHECK((inb(0x92) & 2) != 0, "port 0x92 reads on");
    }
    kbc_output_port(0xdd);
    CHECK(wraps(), "keyboard controller off");
    CHECK((kbc_read_output() & 2) == 0, "keyboard controller reads off");
    kbc_output_port(0xdf);
    CHECK(!wraps(), "keyboard controller on");
    CHECK((kbc_read_output() & 2) != 0, "keyboard controller reads on");
    CHECK(bios_a20(0, &ax), "INT 15h AX=2400h");
    CHECK(wraps(), "BIOS off");
    CHECK(bios_a20(2, &ax) && (ax & 0xff) == 0, "BIOS says off");
    CHECK(bios_a20(1, &ax), "INT 15h AX=2401h");
    CHECK(!wraps(), "BIOS on");
    CHECK(bios_a20(2, &ax) && (ax & 0xff) == 1, "BIOS says on");
    return NULL;
}

/* The same code address leads to different code. */
static const char *a20_code(void)
{
    static const u8 one[] = {0xb8, 1, 0, 0xcb}, two[] = {0xb8, 2, 0, 0xcb}; /* mov $n, %ax; lret */
    struct cpu_regs r = {.eax = 0};
    u32 i;

    outb(0x92, (inb(0x92) & 0xfe) | 2);
    far_write(0, 0x500, one, 4);
    far_write(0xffff, 0x510, two, 4);
    for (i = 0; i < 20; i++) {
        outb(0x92, (inb(0x92) & 0xfe) | 2);
        cpu_far_call(0xffff0510, &r);
        CHECK_EQ(r.ax, 2, "code above 1 MiB");
        outb(0x92, inb(0x92) & 0xfc);
        cpu_far_call(0xffff0510, &r);
        CHECK_EQ(r.ax, 1, "code that wraps to 0000:0500");
    }
    outb(0x92, (inb(0x92) & 0xfe) | 2);
    return NULL;
}

static const char *hma(void)
{
    static u8 buf[256];
    u32 i;

    CHECK_EQ(xms_dx(1, 0xffff), 1, "request");
    CHECK_EQ(xms_dx(1, 0xffff), 0, "request twice");
    CHECK_EQ(xms_dx(3, 0), 1, "global enable");
    CHECK_EQ(xms_dx(7, 0), 1, "query: on");
    for (i = 0; i < 0xfff0; i += 0x101)
        poke8(0xffff, 0x10 + i, (u8)i);
    for (i = 0; i < 0xfff0; i += 0x101)
        CHECK_EQ(peek8(0xffff, 0x10 + i), i & 0xff, "contents");
    CHECK_EQ(xms_dx(5, 0), 1, "local enable");
    CHECK_EQ(xms_dx(5, 0), 1, "local enable, nested");
    CHECK_EQ(xms_dx(4, 0), 0, "global disable while enabled locally");
    CHECK_EQ(xms_dx(6, 0), 0, "local disable: still on");
    CHECK_EQ(xms_dx(7, 0), 1, "query: still on");
    CHECK_EQ(xms_dx(6, 0), 1, "last local disable");
    CHECK_EQ(xms_dx(7, 0), 0, "query: off");
    CHECK(wraps(), "wraps when off");
    CHECK_EQ(xms_dx(3, 0), 1, "global enable again");
    far_read(buf, 0xffff, 0x10 + 0x4040, 1);
    CHECK_EQ(buf[0], 0x40, "contents kept while off");
    CHECK_EQ(xms_dx(2, 0), 1, "release");
    CHECK_EQ(xms_dx(2, 0), 0, "release twice");
    xms_dx(4, 0);
    return NULL;
}

struct move {
    u32 length;
    u16 source;
    u32 source_offset;
    u16 dest;
    u32 dest_offset;
} PACKED;

/* Function 0Bh; 0 or the error. */
static u8 move(u32 length, u16 source, u32 source_offset, u16 dest, u32 dest_offset)
{
    static struct move m;
    struct cpu_regs r = {.esi = (u32)&m};

    m = (struct move){length, source, source_offset, dest, dest_offset};
    return xms(0x0b, &r) == 1 ? 0 : r.bl;
}

static const char *blocks(void)
{
    static u32 out[1024], in[1024];
    struct cpu_regs r = {.eax = 0};
    u16 a, b, before;
    u32 i, where;

    xms(8, &r);
    before = r.dx;
    CHECK(before >= 1024, "at least a mebibyte");
    r.edx = 300;
    CHECK_EQ(xms(9, &r), 1, "allocate");
    a = r.dx;
    r.edx = 64;
    CHECK_EQ(xms(9, &r), 1, "allocate another");
    b = r.dx;
    xms(8, &r);
    CHECK_EQ(r.dx, before - 364, "free memory");
    for (i = 0; i < 1024; i++)
        out[i] = i * 0x01010101 + 0x12345;
    for (i = 0; i < 8; i++)
        CHECK_EQ(move(4096, 0, far_of(out), a, i * 0x9000 + 0x123), 0, "move up");
    CHECK_EQ(move(0x8000, a, 0x9123, b, 2), 0, "move between blocks");
    CHECK_EQ(move(4094, b, 2, 0, far_of(in)), 0, "move down");
    CHECK_EQ(memcmp(in, out, 4094), 0, "contents");
    memset(in, 0, sizeof(in));
    CHECK_EQ(move(4096, a, 7 * 0x9000 + 0x123, 0, far_of(in)), 0, "move the last down");
    CHECK_EQ(memcmp(in, out, 4096), 0, "contents of the last");
    CHECK_EQ(move(3, 0, far_of(out), a, 0), 0xa7, "odd length");
    CHECK_EQ(move(16, 0, far_of(out), b, 0xfff8), 0xa6, "beyond the end");
    CHECK_EQ(move(16, 77, 0, b, 0), 0xa3, "no such handle");
    r.edx = a;
    CHECK_EQ(xms(0x0c, &r), 1, "lock");
    where = (u32)r.dx << 16 | r.bx;
    CHECK(where >= 0x110000, "address");
    CHECK_EQ(xms_dx(0x0a, a), 0, "free a locked block");
    r.edx = a;
    xms(0x0e, &r);
    CHECK_EQ(r.bh, 1, "lock count");
    CHECK_EQ(r.dx, 300, "size");
    /* The BIOS reaches the same memory at that address. */
    {
        static u8 table[64];

        *(u32 *)(table + 16) = 0x0000ffff | where << 16;
        *(u32 *)(table + 20) = (where >> 16 & 0xff) | 0x9300 | (where & 0xff000000);
        *(u32 *)(table + 24) = 0x0000ffff | (own_seg() * 16u + (u32)in) << 16;
        *(u32 *)(table + 28) = ((own_seg() * 16u + (u32)in) >> 16 & 0xff) | 0x9300;
        memset(in, 0, sizeof(in));
        r.esi = (u32)table;
        r.ecx = 2048;
        r.eax = 0x8700;
        cpu_int(0x15, &r);
        CHECK((r.flags & FLAG_CF) == 0, "INT 15h AH=87h");
        CHECK_EQ(memcmp((u8 *)in + 0x123, out, 4096 - 0x123), 0, "what INT 15h AH=87h fetched");
    }
    CHECK_EQ(xms_dx(0x0d, a), 1, "unlock");
    CHECK_EQ(xms_dx(0x0d, a), 0, "unlock twice");
    r.edx = a;
    r.ebx = 100;
    CHECK_EQ(xms(0x0f, &r), 1, "shrink");
    r.edx = b;
    r.ebx = 128;
    CHECK_EQ(xms(0x0f, &r), 1, "grow");
    CHECK_EQ(xms_dx(0x0a, a), 1, "free");
    CHECK_EQ(xms_dx(0x0a, a), 0, "free twice");
    CHECK_EQ(xms_dx(0x0a, b), 1, "free the other");
    xms(8, &r);
    CHECK_EQ(r.dx, before, "all is back");
    return NULL;
}

/* The three calls must tell one story. */
static const char *bios_sizes(void)
{
    struct {
        u32 base, base_high, size, size_high, type;
    } e;
    struct cpu_regs r = {.ebx = 0};
    u32 extended = 0, conventional = 0, i;

    for (i = 0; i < 64; i++) {
        r.eax = 0xe820;
        r.edx = 0x534d4150;
        r.ecx = sizeof(e);
        r.edi = (u32)&e;
        cpu_int(0x15, &r);
        CHECK((r.flags & FLAG_CF) == 0 && r.eax == 0x534d4150, "E820");
        if (e.type == 1 && e.base == 0)
            conventional = e.size;
        if (e.type == 1 && e.base == 0x100000)
            extended = e.size >> 10;
        if (r.ebx == 0)
            break;
    }
    r.eax = 0xe801;
    cpu_int(0x15, &r);
    CHECK((r.flags & FLAG_CF) == 0, "E801");
    /* Some BIOSes forget here what their ACPI tables take from the top. */
    CHECK(r.ax + r.bx * 64u >= extended && r.ax + r.bx * 64u <= extended + 256,
          "E801 against E820");
    cpu_int(0x12, &r);
    /* Whole pages only, in some BIOSes' maps. */
    CHECK(r.ax - (conventional >> 10) < 4, "INT 12h against E820");
    r.eax = 0x8800;
    cpu_int(0x15, &r);
    CHECK_EQ(r.ax, 0, "AH=88h: the driver has it all");
    return NULL;
}

int main(void);

int main(void)
{
    static const struct test tests[] = {
        {"xms-a20-ways", a20_ways}, {"xms-a20-code", a20_code}, {"xms-hma", hma},
        {"xms-blocks", blocks},     {"xms-sizes", bios_sizes},
    };
    struct cpu_regs r = {.eax = 0x4300};

    dos_shrink();
    cpu_int(0x2f, &r);
    if (r.al != 0x80) {
        print("xms: FAIL no driver\n");
        return 1;
    }
    r.eax = 0x4310;
    cpu_int(0x2f, &r);
    entry = (u32)r.es << 16 | r.bx;
    return run_tests(tests, ARRAY_LEN(tests));
}
