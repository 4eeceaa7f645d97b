/* Direct kernel boot, host side: what is laid out for good kernels, and the sentence for every kind
 * of bad one. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "devices/bus/fwcfg.h"
#include "frontend/boot/boot.h"

enum { SETUP = 5 * 512, PROT = 4096, LINUX_LEN = SETUP + PROT };

static void put16(u8 *p, u32 v)
{
    p[0] = (u8)v;
    p[1] = (u8)(v >> 8);
}

static void put32(u8 *p, u32 v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

static u32 get32(const u8 *p)
{
    return p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24;
}

/* A bzImage of protocol 2.12 as far as a loader can see. */
static void make_linux(u8 *k)
{
    memset(k, 0, LINUX_LEN);
    memset(k + SETUP, 0x90, PROT);
    k[0x1f1] = 4;
    put32(k + 0x1f4, PROT / 16);
    put16(k + 0x1fe, 0xaa55);
    memcpy(k + 0x202, "HdrS", 4);
    put16(k + 0x206, 0x20c);
    k[0x211] = 1;
    put32(k + 0x214, 0x100000);
    put32(k + 0x22c, 0x7fffffff);
    put32(k + 0x238, 2047);
    put32(k + 0x258, 0x1000000);
    put32(k + 0x260, 0x800000);
}

static struct boot_input linux_input(const u8 *k)
{
    struct boot_input in = {
        .kernel = {"vmlinuz", k, LINUX_LEN}, .cmdline = "console=ttyS0", .ram_size = 64 * MIB};

    return in;
}

static const struct pc_item *item(const struct boot_image *b, u16 key)
{
    for (unsigned i = 0; i < b->nitems; i++) {
        if (b->item[i].key == key)
            return &b->item[i];
    }
    return NULL;
}

static u32 number(const struct boot_image *b, u16 key)
{
    const struct pc_item *it = item(b, key);

    ck_assert_ptr_nonnull(it);
    ck_assert_uint_eq(it->len, 4);
    return get32(it->data);
}

static void must_fail(const struct boot_input *in, const char *word)
{
    struct boot_image b;
    struct err err = {""};

    ck_assert(!boot_layout(&b, in, &err));
    ck_assert_msg(strstr(err.msg, word) != NULL, "\"%s\" does not say \"%s\"", err.msg, word);
    ck_assert_uint_eq(b.nitems, 0);
    ck_assert_uint_eq(b.nowned, 0);
}

START_TEST(linux_plain)
{
    u8 k[LINUX_LEN];
    struct boot_input in = linux_input(k);
    struct boot_image b;
    struct err err;
    const u8 *setup;

    make_linux(k);
    ck_assert(boot_layout(&b, &in, &err));
    ck_assert_int_eq(b.kind, BOOT_LINUX);
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_ADDR), 0x100000);
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_SIZE), PROT);
    ck_assert_uint_eq(item(&b, FWCFG_KERNEL_DATA)->data[0], 0x90);
    ck_assert_uint_eq(number(&b, FWCFG_SETUP_SIZE), SETUP);
    ck_assert_str_eq((const char *)item(&b, FWCFG_CMDLINE_DATA)->data, "console=ttyS0");
    ck_assert_uint_eq(number(&b, FWCFG_CMDLINE_SIZE), 14);
    ck_assert_ptr_null(item(&b, FWCFG_INITRD_DATA));
    setup = item(&b, FWCFG_SETUP_DATA)->data;
    ck_assert_uint_eq(get32(setup + 0x228), number(&b, FWCFG_CMDLINE_ADDR));
    ck_assert_uint_eq(setup[0x210], 0xff);
    ck_assert_uint_eq(setup[0x211], 0x81);
    ck_assert_uint_eq(get32(setup + 0x218), 0);
    /* The heap ends below the command line. */
    ck_assert_uint_le((get32(setup + 0x224) & 0xffff) + 0x200 + number(&b, FWCFG_SETUP_ADDR),
                      number(&b, FWCFG_CMDLINE_ADDR));
    ck_assert_uint_eq(get32(setup + 0x1fa) & 0xffff, 0xffff);
    boot_free(&b);
}
END_TEST

START_TEST(linux_initrd)
{
    static u8 initrd[5000];
    u8 k[LINUX_LEN];
    struct boot_input in = linux_input(k);
    struct boot_image b;
    struct err err;
    u32 at;

    make_linux(k);
    in.module[0] = (struct boot_file){"initrd", initrd, sizeof(initrd)};
    in.nmodules = 1;
    ck_assert(boot_layout(&b, &in, &err));
    at = number(&b, FWCFG_INITRD_ADDR);
    ck_assert_uint_eq(at & 0xfff, 0);
    ck_assert_uint_le(at + sizeof(initrd), 63 * MIB);
    ck_assert_uint_ge(at, 0x1800000);
    ck_assert_uint_eq(get32(item(&b, FWCFG_SETUP_DATA)->data + 0x218), at);
    ck_assert_uint_eq(get32(item(&b, FWCFG_SETUP_DATA)->data + 0x21c), sizeof(initrd));
    boot_free(&b);

    /* A kernel's own limit wins over the size of memory. */
    put32(k + 0x22c, 0x1ffffff);
    ck_assert(boot_layout(&b, &in, &err));
    ck_assert_uint_le(number(&b, FWCFG_INITRD_ADDR) + sizeof(initrd), 0x2000000);
    boot_free(&b);
    put32(k + 0x22c, 0x17fffff);
    must_fail(&in, "does not fit");
    /* More memory than fits below 4 GiB: the ramdisk stays below the hole. */
    put32(k + 0x22c, 0xffffffff);
    in.ram_size = 8 * GIB;
    ck_assert(boot_layout(&b, &in, &err));
    ck_assert_uint_le(number(&b, FWCFG_INITRD_ADDR) + sizeof(initrd), PC_LOWMEM_MAX - MIB);
    boot_free(&b);
    in.module[0].len = 0;
    must_fail(&in, "empty");
}
END_TEST

START_TEST(linux_memory)
{
    u8 k[LINUX_LEN];
    struct boot_input in = linux_input(k);
    struct boot_image b;
    struct err err;

    make_linux(k);
    in.ram_size = 24 * MIB;
    must_fail(&in, "give more with -m");
    in.ram_size = 25 * MIB;
    ck_assert(boot_layout(&b, &in, &err));
    boot_free(&b);
    in.ram_size = 0;
    must_fail(&in, "memory");
    in.ram_size = 4 * GIB;
    put32(k + 0x260, 0xffffffff);
    must_fail(&in, "memory");
    put32(k + 0x25c, 1);
    must_fail(&in, "above 4 GiB");
}
END_TEST

START_TEST(linux_truncated)
{
    u8 k[LINUX_LEN];
    struct boot_input in = linux_input(k);

    make_linux(k);
    /* Every length: a sentence, and no byte read past the end (the sanitizers watch a copy of
     * exactly that size). */
    for (size_t n = 0; n + 16 < LINUX_LEN; n += n < 0x300 ? 1 : 97) {
        u8 *cut = malloc(n != 0 ? n : 1);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, k, n);
        in.kernel.data = cut;
        in.kernel.len = n;
        must_fail(&in, n < 0x208 ? "neither" : "truncated");
        free(cut);
    }
}
END_TEST

START_TEST(linux_header)
{
    u8 k[LINUX_LEN];
    struct boot_input in = linux_input(k);
    char line[3000];
    struct boot_image b;
    struct err err;

    make_linux(k);
    k[0x1f1] = 255;
    must_fail(&in, "damaged");
    make_linux(k);
    put16(k + 0x206, 0x1ff);
    must_fail(&in, "older");
    make_linux(k);
    put32(k + 0x1f4, 0xffffffff);
    must_fail(&in, "truncated");
    make_linux(k);
    memset(line, 'x', sizeof(line));
    line[2047] = 0;
    in.cmdline = line;
    ck_assert(boot_layout(&b, &in, &err));
    boot_free(&b);
    line[2047] = 'x';
    line[2048] = 0;
    must_fail(&in, "-append");
    in.cmdline = "quiet vga=0x318 x";
    ck_assert(boot_layout(&b, &in, &err));
    ck_assert_uint_eq(get32(item(&b, FWCFG_SETUP_DATA)->data + 0x1fa) & 0xffff, 0x318);
    boot_free(&b);
    in.cmdline = NULL;
    in.nmodules = 2;
    must_fail(&in, "one initial ramdisk");
}
END_TEST

/* Protocol 2.00: loaded low, and the command line found through a magic number. */
START_TEST(linux_old)
{
    u8 k[LINUX_LEN];
    struct boot_input in = linux_input(k);
    struct boot_image b;
    struct err err;
    const u8 *setup;

    make_linux(k);
    put16(k + 0x206, 0x200);
    k[0x211] = 0;
    ck_assert(boot_layout(&b, &in, &err));
    setup = item(&b, FWCFG_SETUP_DATA)->data;
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_ADDR), 0x10000);
    ck_assert_uint_eq(get32(setup + 0x20) & 0xffff, 0xa33f);
    ck_assert_uint_eq(number(&b, FWCFG_SETUP_ADDR) + (get32(setup + 0x20) >> 16),
                      number(&b, FWCFG_CMDLINE_ADDR));
    ck_assert_uint_eq(setup[0x211], 0);
    boot_free(&b);
}
END_TEST

enum { ELF_LEN = 0x2000, MB_AT = 0x1000 };

/* A multiboot ELF: one segment of 0x1000 bytes in the file and 0x3000 in memory, at virtual
 * 0xC0100000. */
static void make_elf(u8 *k)
{
    memset(k, 0, ELF_LEN);
    memcpy(k, "\177ELF\1\1\1", 7);
    put16(k + 16, 2);
    put16(k + 18, 3);
    put32(k + 24, 0xc0100040);
    put32(k + 28, 52);
    put16(k + 42, 32);
    put16(k + 44, 1);
    put32(k + 52, 1);
    put32(k + 56, MB_AT);
    put32(k + 60, 0xc0100000);
    put32(k + 64, 0x100000);
    put32(k + 68, 0x1000);
    put32(k + 72, 0x3000);
    put32(k + MB_AT, 0x1badb002);
    put32(k + MB_AT + 4, 3);
    put32(k + MB_AT + 8, 0u - 0x1badb002u - 3);
    k[MB_AT + 0x40] = 0xf4;
}

static struct boot_input elf_input(const u8 *k)
{
    struct boot_input in = {
        .kernel = {"kernel.elf", k, ELF_LEN}, .cmdline = "a b", .ram_size = 16 * MIB};

    return in;
}

START_TEST(multiboot_elf)
{
    static const u8 one[] = "first", two[] = "second";
    u8 k[ELF_LEN];
    struct boot_input in = elf_input(k);
    const u8 *mbi, *image;
    struct boot_image b;
    struct err err;
    u32 mods, base;

    make_elf(k);
    in.module[0] = (struct boot_file){"one x=1", one, sizeof(one)};
    in.module[1] = (struct boot_file){"two", two, sizeof(two)};
    in.nmodules = 2;
    ck_assert(boot_layout(&b, &in, &err));
    ck_assert_int_eq(b.kind, BOOT_MULTIBOOT);
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_ADDR), 0x100000);
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_ENTRY), 0x100040);
    image = item(&b, FWCFG_KERNEL_DATA)->data;
    ck_assert_uint_eq(image[0x40], 0xf4);
    ck_assert_uint_eq(image[0x2fff], 0);
    mbi = item(&b, FWCFG_INITRD_DATA)->data;
    base = number(&b, FWCFG_INITRD_ADDR);
    ck_assert_uint_eq(get32(mbi) & 0x20c, 0x20c);
    ck_assert_str_eq((const char *)mbi + get32(mbi + 16) - base, "kernel.elf a b");
    ck_assert_uint_eq(get32(mbi + 20), 2);
    mods = get32(mbi + 24) - base;
    ck_assert_uint_eq(get32(mbi + mods), 0x103000);
    ck_assert_uint_eq(get32(mbi + mods + 4), 0x103000 + sizeof(one));
    ck_assert_str_eq((const char *)mbi + get32(mbi + mods + 8) - base, "one x=1");
    ck_assert_uint_eq(get32(mbi + mods + 16), 0x104000);
    ck_assert_str_eq((const char *)image + 0x4000, "second");
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_SIZE), 0x4000 + sizeof(two));
    boot_free(&b);
}
END_TEST

START_TEST(multiboot_plain)
{
    u8 k[ELF_LEN] = {0};
    struct boot_input in = elf_input(k);
    struct boot_image b;
    struct err err;
    u32 flags = 0x10003;

    put32(k + 16, 0x1badb002);
    put32(k + 20, flags);
    put32(k + 24, 0u - 0x1badb002u - flags);
    put32(k + 28, 0x200010); /* this header's address */
    put32(k + 32, 0x200000); /* load */
    put32(k + 36, 0);        /* all of the file */
    put32(k + 40, 0x204000); /* end of zeroed memory */
    put32(k + 44, 0x200080); /* entry */
    ck_assert(boot_layout(&b, &in, &err));
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_ADDR), 0x200000);
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_SIZE), 0x4000);
    ck_assert_uint_eq(number(&b, FWCFG_KERNEL_ENTRY), 0x200080);
    boot_free(&b);
    put32(k + 36, 0x200000 + ELF_LEN + 1);
    must_fail(&in, "truncated");
    put32(k + 36, 0x1fffff);
    must_fail(&in, "truncated");
    put32(k + 36, 0);
    put32(k + 28, 0x200020);
    must_fail(&in, "damaged");
    put32(k + 28, 0x200010);
    put32(k + 40, 0x200001);
    must_fail(&in, "damaged");
    in.kernel.len = 40;
    must_fail(&in, "truncated");
}
END_TEST

START_TEST(multiboot_bad)
{
    u8 k[ELF_LEN];
    struct boot_input in = elf_input(k);
    char line[40000];

    make_elf(k);
    k[4] = 2;
    must_fail(&in, "32-bit");
    make_elf(k);
    put32(k + 28, 0xfffffff0);
    must_fail(&in, "truncated");
    make_elf(k);
    put16(k + 44, 0xffff);
    must_fail(&in, "truncated");
    make_elf(k);
    put32(k + 68, 0x3000);
    must_fail(&in, "truncated");
    make_elf(k);
    put32(k + 56, 0xfffff000);
    must_fail(&in, "truncated");
    make_elf(k);
    put32(k + 64, 0x7c00);
    must_fail(&in, "below 1 MiB");
    make_elf(k);
    put32(k + 72, 0xffffffff);
    must_fail(&in, "give more with -m");
    make_elf(k);
    put32(k + 24, 0x50);
    must_fail(&in, "outside");
    make_elf(k);
    put32(k + 52, 2);
    must_fail(&in, "nothing to load");
    make_elf(k);
    put32(k + MB_AT + 4, 0x103);
    put32(k + MB_AT + 8, 0u - 0x1badb002u - 0x103);
    must_fail(&in, "features");
    make_elf(k);
    memset(line, 'y', sizeof(line));
    line[sizeof(line) - 1] = 0;
    in.cmdline = line;
    must_fail(&in, "too long");
}
END_TEST

START_TEST(multiboot_truncated)
{
    u8 k[ELF_LEN];
    struct boot_input in = elf_input(k);

    make_elf(k);
    for (size_t n = 0; n < ELF_LEN; n += n < 200 ? 1 : 61) {
        u8 *cut = malloc(n != 0 ? n : 1);

        ck_assert_ptr_nonnull(cut);
        memcpy(cut, k, n);
        in.kernel.data = cut;
        in.kernel.len = n;
        must_fail(&in, n < MB_AT + 12 ? "neither" : "truncated");
        free(cut);
    }
}
END_TEST

/* Random damage to good headers: no crash, and an image only within the machine's memory. */
START_TEST(random_damage)
{
    u8 k[ELF_LEN];
    u32 seed = 12345;

    for (int round = 0; round < 20000; round++) {
        struct boot_input in;
        struct boot_image b;
        struct err err;

        if ((round & 1) != 0) {
            make_linux(k);
            in = linux_input(k);
        } else {
            make_elf(k);
            in = elf_input(k);
        }
        for (int i = 0; i < 6; i++) {
            u32 at;

            seed = seed * 1664525 + 1013904223;
            at = (seed >> 8) % ((round & 1) != 0 ? 0x270 : 88);
            k[(round & 2) != 0 && at < 32 ? MB_AT + at : at] = (u8)(seed >> 24);
        }
        if (boot_layout(&b, &in, &err)) {
            u64 end = (u64)number(&b, FWCFG_KERNEL_ADDR) + number(&b, FWCFG_KERNEL_SIZE);

            ck_assert_uint_le(end, in.ram_size);
            boot_free(&b);
        }
    }
}
END_TEST

START_TEST(files)
{
    struct boot_image b;
    struct pc_config cfg;
    struct err err = {""};
    char name[] = "/tmp/test_loader.XXXXXX";
    u8 k[LINUX_LEN];
    int fd = mkstemp(name);
    FILE *f;

    ck_assert_int_ge(fd, 0);
    f = fdopen(fd, "wb");
    make_linux(k);
    ck_assert_uint_eq(fwrite(k, 1, sizeof(k), f), sizeof(k));
    fclose(f);
    ck_assert(boot_files(&b, name, name, "quiet", 64 * MIB, &err));
    memset(&cfg, 0, sizeof(cfg));
    boot_apply(&b, &cfg);
    ck_assert_uint_eq(cfg.nitems, 12);
    ck_assert_str_eq(boot_rom(b.kind), "linuxboot.bin");
    boot_free(&b);
    ck_assert(!boot_files(&b, name, "/nonexistent/initrd", NULL, 64 * MIB, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "/nonexistent/initrd"));
    ck_assert(!boot_files(&b, "/nonexistent/kernel", NULL, NULL, 64 * MIB, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "cannot open"));
    ck_assert(!boot_files(&b, "/tmp", NULL, NULL, 64 * MIB, &err));
    remove(name);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("loader");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, linux_plain);
    tcase_add_test(tc, linux_initrd);
    tcase_add_test(tc, linux_memory);
    tcase_add_test(tc, linux_truncated);
    tcase_add_test(tc, linux_header);
    tcase_add_test(tc, linux_old);
    tcase_add_test(tc, multiboot_elf);
    tcase_add_test(tc, multiboot_plain);
    tcase_add_test(tc, multiboot_bad);
    tcase_add_test(tc, multiboot_truncated);
    tcase_add_test(tc, random_damage);
    tcase_add_test(tc, files);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
