/* DOSTEST.COM: the DOS kernel itself: files, memory, programs, overlays, resident programs. */
#include "roms/dos/lib/check.h"
#include "roms/lib/mem.h"

enum { BIG = 3000 };

static const char *version_and_vectors(void)
{
    struct cpu_regs r = {.eax = 0x3000};
    u32 old = get_vector(0x61);

    cpu_int(0x21, &r);
    CHECK_EQ(r.al, 5, "version");
    r.eax = 0x2561;
    r.edx = 0x1234;
    cpu_int(0x21, &r);
    CHECK_EQ(get_vector(0x61), far_of((void *)0x1234), "set vector");
    r.eax = 0x3561;
    cpu_int(0x21, &r);
    CHECK_EQ(r.es, own_seg(), "get vector: segment");
    CHECK_EQ(r.bx, 0x1234, "get vector: offset");
    set_vector(0x61, old);
    r.eax = 0xff00;
    cpu_int(0x21, &r);
    CHECK_EQ(r.al, 0, "unknown function");
    return NULL;
}

static const char *date_and_time(void)
{
    struct cpu_regs r = {.eax = 0x2c00};
    u16 year;
    u8 month, day;

    CHECK(dos_date(&year, &month, &day), "year");
    CHECK(month >= 1 && month <= 12 && day >= 1 && day <= 31, "month or day");
    cpu_int(0x21, &r);
    CHECK(r.ch < 24 && r.cl < 60 && r.dh < 60, "time");
    return NULL;
}

static u8 pattern(u32 i)
{
    return (u8)(i * 7 + i / 256);
}

static const char *files(void)
{
    static u8 buf[BIG];
    int h = dos_create("a:\\test.dat"), i;

    CHECK(h >= 4, "create: first free handle");
    for (i = 0; i < BIG; i++)
        buf[i] = pattern((u32)i);
    CHECK_EQ(dos_write(h, buf, BIG), BIG, "write");
    CHECK_EQ(dos_seek(h, 1, 0), BIG, "position");
    CHECK_EQ(dos_seek(h, 0, 700), 700, "seek");
    CHECK_EQ(dos_write(h, "overwritten", 11), 11, "write inside");
    CHECK_EQ(dos_close(h), 0, "close");
    CHECK_EQ(dos_close(h), -6, "close twice");
    h = dos_open("TEST.DAT", 0);
    CHECK(h >= 4, "open");
    CHECK_EQ(dos_write(h, buf, 1), -5, "write to a file open for reading");
    memset(buf, 0, sizeof(buf));
    CHECK_EQ(dos_read(h, buf, 1000), 1000, "read");
    CHECK_EQ(dos_read(h, buf + 1000, BIG), BIG - 1000, "read to the end");
    CHECK_EQ(dos_read(h, buf, 10), 0, "read at the end");
    CHECK_EQ(dos_seek(h, 2, -5), BIG - 5, "seek from the end");
    dos_close(h);
    for (i = 0; i < BIG; i++) {
        if (i < 700 || i >= 711)
            CHECK_EQ(buf[i], pattern((u32)i), "contents");
    }
    CHECK_EQ(memcmp(buf + 700, "overwritten", 11), 0, "contents written inside");
    /* Cut it, and look at the size that the directory has. */
    h = dos_open("test.dat", 2);
    dos_seek(h, 0, 600);
    CHECK_EQ(dos_write(h, buf, 0), 0, "truncate");
    dos_close(h);
    h = dos_open("test.dat", 0);
    CHECK_EQ(dos_seek(h, 2, 0), 600, "size after truncation");
    dos_close(h);
    CHECK_EQ(dos_delete("test.dat"), 0, "delete");
    CHECK_EQ(dos_open("test.dat", 0), -2, "open a deleted file");
    return NULL;
}

static const char *find_first(void)
{
    u8 dta[64];
    struct cpu_regs r = {.eax = 0x1a00, .edx = (u32)dta};
    u32 n = 0;

    cpu_int(0x21, &r);
    r.eax = 0x4e00;
    r.ecx = 0;
    r.edx = (u32) "*.sys";
    cpu_int(0x21, &r);
    CHECK((r.flags & FLAG_CF) == 0, "nothing found");
    CHECK(same_text((const char *)dta + 30, "KERNEL.SYS"), "name");
    for (; (r.flags & FLAG_CF) == 0 && n < 300; n++) {
        r.eax = 0x4f00;
        cpu_int(0x21, &r);
    }
    CHECK_EQ(n, 1, "number of *.SYS files");
    CHECK_EQ(r.ax, 18, "no more files");
    return NULL;
}

/* Walk the chain: its end is the end of memory, as INT 12h has it. */
static const char *walk_chain(void)
{
    struct cpu_regs r = {.eax = 0x5200};
    u16 seg;
    u32 n = 0;

    cpu_int(0x21, &r);
    seg = peek16(r.es, (u16)(r.bx - 2));
    while (peek8(seg, 0) == 'M' && n++ < 100)
        seg = (u16)(seg + peek16(seg, 3) + 1);
    CHECK_EQ(peek8(seg, 0), 'Z', "last block");
    cpu_int(0x12, &r);
    CHECK_EQ(seg + peek16(seg, 3) + 1, r.ax * 64, "end of memory");
    return NULL;
}

static const char *memory(void)
{
    u16 largest, after, a, b, c;

    CHECK_EQ(dos_alloc(0xffff, &largest), 0, "more than there is");
    a = dos_alloc(0x100, NULL);
    b = dos_alloc(0x100, NULL);
    c = dos_alloc(0x100, NULL);
    CHECK(a != 0 && b == a + 0x101 && c == b + 0x101, "three blocks in a row");
    CHECK_EQ(peek16((u16)(a - 1), 1), own_seg(), "owner");
    CHECK_EQ(dos_free(b), 0, "free");
    CHECK_EQ(dos_resize(a, 0x200, NULL), 0, "grow into the hole");
    CHECK_EQ(dos_resize(a, 0x202, &after), -8, "grow over the next block");
    CHECK_EQ(after, 0x201, "room there is");
    CHECK_EQ(dos_resize(a, 0x10, NULL), 0, "shrink");
    CHECK_EQ(dos_free(a), 0, "free a");
    CHECK_EQ(dos_free(c), 0, "free c");
    CHECK_EQ(dos_free((u16)(a + 3)), -9, "free what is no block");
    dos_alloc(0xffff, &after);
    CHECK_EQ(after, largest, "all is back");
    return walk_chain();
}

static const char *programs(void)
{
    u16 before, after;

    dos_alloc(0xffff, &before);
    CHECK_EQ(dos_exec("CHILD.COM", "A"), 'A', "exit code");
    CHECK_EQ(dos_exec("CHILD.COM", "q"), 0, "end by INT 20h");
    CHECK_EQ(dos_exec("CHILD.COM", "r"), 0, "end by RET");
    CHECK_EQ(dos_exec("REL_EXE.EXE", ""), 0x42, "relocated EXE");
    CHECK_EQ(dos_exec("NOTHERE.COM", ""), -2, "a file that is not there");
    CHECK_EQ(dos_exec("PACKED.COM", ""), 0, "program that unpacks itself");
    dos_alloc(0xffff, &after);
    CHECK_EQ(after, before, "memory of ended programs");
    return NULL;
}

static const char *overlay(void)
{
    u16 seg = dos_alloc(0x100, NULL);
    struct {
        u16 seg, factor;
    } block = {seg, seg};
    struct cpu_regs r = {.eax = 0x4b03, .edx = (u32) "PART_OVL.OVL", .ebx = (u32)&block};

    cpu_int(0x21, &r);
    CHECK((r.flags & FLAG_CF) == 0, "load");
    r.eax = 0x1000;
    r.ebx = 0x0234;
    cpu_far_call((u32)seg << 16, &r);
    CHECK_EQ(r.ax, seg, "where it runs");
    CHECK_EQ(r.dx, 0x1234, "what it computes");
    CHECK_EQ(peek8(seg, 1500), 0x90, "its last sector");
    dos_free(seg);
    return NULL;
}

int main(void);

int main(void)
{
    static const struct test tests[] = {
        {"dos-vectors", version_and_vectors},
        {"dos-date", date_and_time},
        {"dos-files", files},
        {"dos-find", find_first},
        {"dos-memory", memory},
        {"dos-exec", programs},
        {"dos-overlay", overlay},
    };

    dos_shrink();
    return run_tests(tests, ARRAY_LEN(tests));
}
