/* Folders as disks: a small reader of FAT and of ISO 9660 finds every file with its name and bytes;
 * links lead nowhere; what does not fit is refused. */
#define _GNU_SOURCE
#include "frontend/image/be.h"
#include "frontend/image/image.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static const char *at(const char *name)
{
    static char path[4][400];
    static unsigned k;

    k = (k + 1) % 4;
    snprintf(path[k], sizeof(path[k]), "%s/%s", dir, name);
    return path[k];
}

static void put(const char *name, size_t n)
{
    FILE *f = fopen(at(name), "wb");

    for (size_t i = 0; i < n; i++)
        fputc((int)(i * 7 + i / 251 + name[0]), f);
    fclose(f);
}

static void begin(void)
{
    strcpy(dir, "/tmp/folder-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    put("README.TXT", 100);
    put("a long name.text", 70000);
    put("a long name two.text", 1);
    put("empty", 0);
    ck_assert_int_eq(mkdir(at("sub folder"), 0755), 0);
    ck_assert_int_eq(mkdir(at("sub folder/DEEP"), 0755), 0);
    put("sub folder/DEEP/FILE.BIN", 5000);
    ck_assert_int_eq(symlink("/etc/passwd", at("link")), 0);
    ck_assert_int_eq(symlink("/etc", at("linkdir")), 0);
}

static void end(void)
{
    char cmd[128];

    snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    ck_assert_int_eq(system(cmd), 0);
}

static struct image *open_as(const char *kind)
{
    struct err err = {""};
    char path[128];
    struct image *im;

    snprintf(path, sizeof(path), "%s%s", kind, dir);
    im = image_open(path, NULL, 0, &err);
    ck_assert_msg(im != NULL, "%s", err.msg);
    return im;
}

static u8 *read_all(struct image *im)
{
    u8 *p = malloc(im->size + 1024);

    /* in pieces, so that reads begin and end anywhere */
    for (u64 off = 0; off < im->size; off += 1536)
        ck_assert_int_eq(image_read(im, off, p + off, MIN(1536, im->size - off)), 0);
    return p;
}

/* ---- FAT ---- */

struct fat {
    const u8 *v, *table, *root, *data;
    unsigned per, entries;
    bool f12;
};

static unsigned next_cluster(const struct fat *f, unsigned c)
{
    if (!f->f12)
        return ld16(f->table + 2 * c);
    return c & 1 ? ld16(f->table + c + c / 2) >> 4 : ld16(f->table + c + c / 2) & 0xfff;
}

/* The long name that lies in front of entry e, or its short one. */
static void entry_name(const u8 *e, const u8 *start, char *name)
{
    static const u8 place[13] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    unsigned n = 0;

    for (e -= 32; e >= start && e[11] == 15; e -= 32) {
        for (unsigned i = 0; i < 13 && ld16(e + place[i]); i++)
            name[n++] = (char)e[place[i]];
        if (e[0] & 0x40)
            break;
    }
    name[n] = 0;
}

static const u8 *find_in(const struct fat *f, const u8 *p, unsigned n, const char *name)
{
    for (const u8 *e = p; e < p + 32 * n && e[0]; e += 32) {
        char full[300], id[16];

        if (e[11] == 15 || e[11] & 8)
            continue;
        entry_name(e, p, full);
        snprintf(id, sizeof(id), "%.11s", (const char *)e);
        if (!strcmp(full, name) || (!*full && !strcmp(id, name)))
            return e;
    }
    return NULL;
}

static void check_file(const struct fat *f, const u8 *e, char first, size_t n)
{
    unsigned c = ld16(e + 26);

    ck_assert_uint_eq(ld32(e + 28), n);
    for (size_t i = 0; i < n; i++) {
        const u8 *p = f->data + (c - 2) * f->per * 512 + i % (f->per * 512);

        ck_assert_uint_ge(c, 2);
        ck_assert_uint_eq(*p, (u8)(i * 7 + i / 251 + first));
        if ((i + 1) % (f->per * 512) == 0)
            c = next_cluster(f, c);
    }
    if (n % (f->per * 512))
        ck_assert_uint_ge(next_cluster(f, c), f->f12 ? 0xff8 : 0xfff8);
}

START_TEST(test_fat)
{
    struct image *im;
    struct fat f;
    const u8 *e;
    u8 *p;

    begin();
    im = open_as(_i ? "fat:floppy:" : "fat:");
    p = read_all(im);
    f.f12 = _i;
    f.v = p;
    if (!_i) {
        ck_assert_uint_eq(ld16(p + 510), 0xaa55);
        ck_assert_uint_eq(im->size % (16 * 63 * 512), 0);
        f.v += ld32(p + 446 + 8) * 512;
    } else {
        ck_assert_uint_eq(im->size, 1474560);
    }
    ck_assert_uint_eq(ld16(f.v + 510), 0xaa55);
    f.per = f.v[13];
    f.table = f.v + 512;
    f.entries = ld16(f.v + 17);
    f.root = f.table + 2 * ld16(f.v + 22) * 512;
    f.data = f.root + f.entries * 32;
    ck_assert_mem_eq(f.table, f.table + ld16(f.v + 22) * 512, ld16(f.v + 22) * 512);
    e = find_in(&f, f.root, f.entries, "README  TXT");
    ck_assert_ptr_nonnull(e);
    check_file(&f, e, 'R', 100);
    e = find_in(&f, f.root, f.entries, "a long name.text");
    ck_assert_ptr_nonnull(e);
    check_file(&f, e, 'a', 70000);
    e = find_in(&f, f.root, f.entries, "a long name two.text");
    ck_assert_ptr_nonnull(e);
    check_file(&f, e, 'a', 1);
    e = find_in(&f, f.root, f.entries, "empty");
    ck_assert(e && !ld16(e + 26));
    ck_assert_ptr_null(find_in(&f, f.root, f.entries, "link"));
    ck_assert_ptr_null(find_in(&f, f.root, f.entries, "linkdir"));
    e = find_in(&f, f.root, f.entries, "sub folder");
    ck_assert(e && e[11] & 0x10);
    e = find_in(&f, f.data + (ld16(e + 26) - 2) * f.per * 512, f.per * 16, "DEEP       ");
    ck_assert_ptr_nonnull(e);
    e = find_in(&f, f.data + (ld16(e + 26) - 2) * f.per * 512, f.per * 16, "FILE    BIN");
    ck_assert_ptr_nonnull(e);
    check_file(&f, e, 's', 5000);
    free(p);
    image_close(im);
    end();
}
END_TEST

/* ---- ISO 9660 ---- */

static const u8 *iso_find(const u8 *p, const u8 *dir_record, const char *name, bool wide)
{
    const u8 *e = p + ld32(dir_record + 2) * 2048, *stop = e + ld32(dir_record + 10);

    ck_assert_uint_eq(ld32(dir_record + 2), be32(dir_record + 6));
    while (e < stop) {
        char got[128] = "";

        if (!e[0]) {
            e += 2048 - (e - p) % 2048;
            continue;
        }
        for (unsigned i = 0; i < e[32]; i += 1 + wide)
            got[i >> wide] = (char)e[33 + i + wide];
        if (!strcmp(got, name))
            return e;
        e += e[0];
    }
    return NULL;
}

START_TEST(test_iso)
{
    static const char *const names[2][4] = {
        {"README.TXT;1", "A_LONG_NAME.TEX;1", "SUB_FOLDER", "FILE.BIN;1"},
        {"README.TXT", "a long name.text", "sub folder", "FILE.BIN"}};
    struct image *im;
    const u8 *root, *e;
    u8 *p;

    begin();
    im = open_as("iso:");
    p = read_all(im);
    ck_assert_mem_eq(p + 18 * 2048, "\377CD001", 6);
    root = p + (16 + _i) * 2048 + 156;
    ck_assert_mem_eq(p + (16 + _i) * 2048 + 1, "CD001", 5);
    e = iso_find(p, root, names[_i][0], _i);
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(p[ld32(e + 2) * 2048 + 9], (u8)(9 * 7 + 'R'));
    e = iso_find(p, root, names[_i][1], _i);
    ck_assert(e && ld32(e + 10) == 70000);
    ck_assert_uint_eq(p[ld32(e + 2) * 2048 + 69999], (u8)(69999 * 7 + 69999 / 251 + 'a'));
    e = iso_find(p, root, names[_i][2], _i);
    ck_assert_ptr_nonnull(e);
    e = iso_find(p, e, "DEEP", _i);
    ck_assert_ptr_nonnull(e);
    e = iso_find(p, e, names[_i][3], _i);
    ck_assert(e && ld32(e + 10) == 5000);
    ck_assert_ptr_null(iso_find(p, root, "link", _i));
    ck_assert_ptr_null(iso_find(p, root, "LINK;1", _i));
    free(p);
    image_close(im);
    end();
}
END_TEST

/* ---- what changes under us, and what is refused ---- */

START_TEST(test_changes)
{
    struct image *im;
    u8 *p, *q;

    begin();
    im = open_as("iso:");
    p = read_all(im);
    ck_assert_int_eq(truncate(at("a long name.text"), 10), 0);
    unlink(at("README.TXT"));
    ck_assert_int_eq(symlink("/etc/passwd", at("README.TXT")), 0);
    ck_assert_int_eq(image_read(im, 0, p, 32768), 0); /* what was not touched */
    q = malloc(im->size);
    for (u64 off = 0; off < im->size; off += 2048) {
        int rc = image_read(im, off, q + off, 2048);

        ck_assert(rc == 0 || rc == EIO); /* the link is not followed */
        ck_assert(rc || !memmem(q + off, 2048, "root:", 5));
    }
    free(p);
    free(q);
    image_close(im);
    end();
}
END_TEST

START_TEST(test_refused)
{
    static const char *const rows[][2] = {
        {"fat:rw:/tmp", "rw:"},
        {"fat:/nonexistent/x", "/nonexistent/x"},
        {"iso:/nonexistent/x", "/nonexistent/x"},
        {"fat:/etc/passwd", "folder"},
    };
    struct err err = {""};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_ptr_null(image_open(rows[i][0], NULL, 0, &err));
        ck_assert_msg(strstr(err.msg, rows[i][1]) != NULL, "%s", err.msg);
    }
    begin();
    put("big", 4000000);
    ck_assert_ptr_null(image_open(strcat(strcpy((char[128]){0}, "fat:floppy:"), dir), NULL, 0, &err));
    ck_assert_ptr_nonnull(strstr(err.msg, "fit"));
    ck_assert_ptr_null(image_open(strcat(strcpy((char[128]){0}, "fat:"), dir), "qcow2", 0, &err));
    ck_assert_ptr_null(image_open(strcat(strcpy((char[128]){0}, "fat:"), dir), NULL, IMAGE_WRITE, &err));
    /* an image cannot name one */
    {
        struct image_create c = {.size = 1 << 20, .backing = "iso:/etc", .backing_format = "raw"};

        ck_assert(!image_create(at("x.qcow2"), "qcow2", &c, &err));
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("folder");
    TCase *tc = tcase_create("folder");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_fat, 0, 2);
    tcase_add_loop_test(tc, test_iso, 0, 2);
    tcase_add_test(tc, test_changes);
    tcase_add_test(tc, test_refused);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
