/* qcow2 against a model: random operations over every kind of image, checked by its own rules; full
 * disks, failing flushes, and what is refused. */
#include "devices/core/bits.h"
#include "frontend/image/image.h"
#include "tests/unit/image_fixture.h"

#include <check.h>

/* Random operations per series, and series; QCOW2_SERIES makes it longer. */
enum { STEPS = 60, SERIES = 60 };

static struct image *open_disk(struct disk *d, unsigned flags, struct err *err)
{
    return image_open_file(disk_file(d), "disk.qcow2", "qcow2", flags | IMAGE_QUIET, 0, err);
}

static void make(struct disk *d, const struct image_create *c)
{
    struct err err = {""};
    struct file *f = disk_file(d);
    struct image *im;

    ck_assert_msg(image_qcow2.create(f, "disk.qcow2", c, &err), "%s", err.msg);
    im = image_open_file(f, "disk.qcow2", "qcow2", IMAGE_WRITE | IMAGE_NO_BACKING, 0, &err);
    ck_assert_msg(im != NULL, "%s", err.msg);
    ck_assert_msg(im->drv->resize(im, c->size, false, &err), "%s", err.msg);
    ck_assert_int_eq(image_close(im), 0);
}

static void check_clean(struct disk *d, bool leaks_too, u64 seed)
{
    struct err err = {""};
    struct image *im = open_disk(d, IMAGE_REPAIR, &err);
    struct image_check res = {.out = stdout};

    ck_assert_msg(im != NULL, "seed %llu: %s", (unsigned long long)seed, err.msg);
    ck_assert_msg(im->drv->check(im, 0, &res, &err), "%s", err.msg);
    ck_assert_msg(!res.corruptions && (!leaks_too || !res.leaks), "seed %llu: %llu errors, %llu leaks",
                  (unsigned long long)seed, (unsigned long long)res.corruptions,
                  (unsigned long long)res.leaks);
    image_close(im);
}

static void series(u64 seed)
{
    struct disk d = {0};
    struct model m;
    struct image_create c;
    struct err err = {""};
    struct image *im;
    u64 bad;

    model_init(&m, seed, 1 << 20);
    m.snapshots = m.resizes = m.packs = true;
    model_options(&m, &c);
    make(&d, &c);
    im = open_disk(&d, IMAGE_WRITE, &err);
    ck_assert_msg(im != NULL, "seed %llu: %s", (unsigned long long)seed, err.msg);
    for (int i = 0; i < STEPS; i++) {
        ck_assert_msg(model_step(&m, im, &err), "seed %llu step %d: %s", (unsigned long long)seed, i,
                      err.msg);
        if (below(&m.seed, 20))
            continue;
        ck_assert_int_eq(image_close(im), 0);
        check_clean(&d, true, seed);
        im = open_disk(&d, IMAGE_WRITE, &err);
        ck_assert_msg(im != NULL, "seed %llu: %s", (unsigned long long)seed, err.msg);
    }
    bad = model_compare(&m, im);
    ck_assert_msg(bad == ~0ull, "seed %llu: byte 0x%llx differs", (unsigned long long)seed,
                  (unsigned long long)bad);
    ck_assert_int_eq(image_close(im), 0);
    check_clean(&d, true, seed);
    model_free(&m);
    disk_free(&d);
}

START_TEST(test_model)
{
    const char *n = getenv("QCOW2_SERIES"), *first = getenv("QCOW2_SEED");
    u64 start = first ? strtoull(first, NULL, 0) : 1;

    for (u64 i = 0; i < (n ? strtoull(n, NULL, 0) : SERIES); i++)
        series(start + i);
}
END_TEST

/* A disk that runs full in the middle: what was not acknowledged may be missing, all else stays. */
START_TEST(test_full_disk)
{
    struct image_create c = {.size = 1 << 20, .cluster_size = 4096};
    struct disk d = {0};
    struct err err = {""};
    struct image *im;
    u8 buf[65536], got[65536];
    u64 ok = 0;
    int rc;

    make(&d, &c);
    im = open_disk(&d, IMAGE_WRITE, &err);
    d.limit = 300000;
    memset(buf, 0x5a, sizeof(buf));
    while (!(rc = image_write(im, ok, buf, sizeof(buf))))
        ok += sizeof(buf);
    ck_assert_int_eq(rc, ENOSPC);
    ck_assert_int_eq(image_write(im, ok, buf, sizeof(buf)), ENOSPC);
    d.limit = 0; /* room again: the same request goes through */
    ck_assert_int_eq(image_write(im, ok, buf, sizeof(buf)), 0);
    ok += sizeof(buf);
    ck_assert_int_eq(image_flush(im), 0);
    for (u64 off = 0; off < ok; off += sizeof(buf)) {
        ck_assert_int_eq(image_read(im, off, got, sizeof(got)), 0);
        ck_assert_mem_eq(buf, got, sizeof(buf));
    }
    ck_assert_int_eq(image_close(im), 0);
    check_clean(&d, true, 0);
    disk_free(&d);
}
END_TEST

/* A flush that failed has failed for good. */
START_TEST(test_failed_flush)
{
    struct image_create c = {.size = 1 << 20};
    struct disk d = {0};
    struct err err = {""};
    struct image *im;
    u8 buf[512] = {1};

    make(&d, &c);
    im = open_disk(&d, IMAGE_WRITE, &err);
    ck_assert_int_eq(image_write(im, 0, buf, sizeof(buf)), 0);
    d.bad_flush = true;
    ck_assert_int_eq(image_flush(im), EIO);
    d.bad_flush = false;
    ck_assert_int_eq(image_flush(im), EIO);
    ck_assert_int_eq(image_write(im, 0, buf, sizeof(buf)), EIO);
    ck_assert_int_eq(image_read(im, 0, buf, sizeof(buf)), 0);
    ck_assert_int_ne(image_close(im), 0);
    check_clean(&d, false, 0);
    disk_free(&d);
}
END_TEST

/* Lost without closing: counts are mended at the next opening. */
START_TEST(test_lazy_repair)
{
    struct image_create c = {.size = 1 << 20, .lazy = true, .cluster_size = 4096};
    struct disk d = {0}, copy = {0};
    struct err err = {""};
    struct image *im;
    struct image_info info = {0};
    u8 buf[8192], got[8192];

    make(&d, &c);
    im = open_disk(&d, IMAGE_WRITE, &err);
    memset(buf, 0x77, sizeof(buf));
    for (int i = 0; i < 40; i++)
        ck_assert_int_eq(image_write(im, (u64)i * 10240, buf, sizeof(buf)), 0);
    ck_assert_int_eq(image_flush(im), 0);
    copy.data = malloc(d.room);
    memcpy(copy.data, d.data, d.room);
    copy.size = d.size;
    copy.room = d.room;
    image_close(im);
    check_clean(&d, true, 0);
    im = open_disk(&copy, IMAGE_NO_BACKING, &err);
    im->drv->info(im, &info);
    ck_assert(info.dirty && info.lazy);
    image_close(im);
    im = open_disk(&copy, IMAGE_WRITE, &err);
    ck_assert_msg(im != NULL, "%s", err.msg);
    ck_assert_int_eq(image_read(im, 10240 * 39, got, sizeof(got)), 0);
    ck_assert_mem_eq(buf, got, sizeof(got));
    image_close(im);
    check_clean(&copy, true, 0);
    disk_free(&d);
    disk_free(&copy);
}
END_TEST

/* ---- what is refused ---- */

struct hostile {
    unsigned at, bytes;
    u64 v;
    const char *word; /* of the sentence */
};
static const struct hostile hostile[] = {
    {0, 4, 0x12345678, "begin"},
    {4, 4, 4, "version"},
    {4, 4, 1, "version"},
    {8, 8, ~0ull, "backing_file_offset"},
    {20, 4, 8, "cluster_bits"},
    {20, 4, 22, "cluster_bits"},
    {20, 4, ~0u, "cluster_bits"},
    {24, 8, ~0ull, "size"},
    {24, 8, 1ull << 50, "l1_size"},
    {32, 4, 1, "crypt_method"},
    {36, 4, ~0u, "l1_size"},
    {36, 4, 1 << 22, "l1_table_offset"},
    {36, 4, 0, "l1_size"},
    {40, 8, 512, "l1_table_offset"},
    {40, 8, 1ull << 40, "l1_table_offset"},
    {40, 8, 65536, "overlaps"},
    {40, 8, 0, "overlaps"},
    {48, 8, 1ull << 62, "refcount_table_offset"},
    {48, 8, 100, "refcount_table_offset"},
    {48, 8, 131072, "block of reference counts"},
    {56, 4, ~0u, "refcount_table_clusters"},
    {56, 4, 0, "refcount_table_offset"},
    {60, 4, ~0u, "nb_snapshots"},
    {60, 4, 1, "snapshot"},
    {72, 8, 4, "bit 2"},
    {72, 8, 16, "bit 4"},
    {72, 8, 1ull << 37, "bit 37"},
    {72, 8, 2, "corrupt"},
    {96, 4, 7, "refcount_order"},
    {100, 4, 3, "header_length"},
    {100, 4, 1 << 30, "header_length"},
    {104, 1, 1, "compression type"},
    {116, 4, 0x7fffffff, "extension"},
};

START_TEST(test_hostile_header)
{
    struct image_create c = {.size = 8 << 20};
    const struct hostile *h = &hostile[_i];
    struct disk d = {0};
    struct err err = {""};
    struct image *im;

    make(&d, &c);
    for (unsigned i = 0; i < h->bytes; i++)
        d.data[h->at + i] = (u8)(h->v >> 8 * (h->bytes - 1 - i));
    if (h->at == 116)
        d.data[112] = 1;
    im = open_disk(&d, IMAGE_WRITE, &err);
    ck_assert_msg(!im, "byte %u", h->at);
    ck_assert_msg(strstr(err.msg, h->word) != NULL, "byte %u: %s", h->at, err.msg);
    disk_free(&d);
}
END_TEST

/* Tables that lead out of the file, into metadata, or nowhere whole. */
START_TEST(test_hostile_tables)
{
    static const u64 entry[] = {
        1ull << 63 | 1ull << 40,  /* outside of the file */
        1ull << 63 | 0x10200,     /* not at a cluster */
        1ull << 63 | 0x10000,     /* the table of counts */
        1ull << 62 | 0x3fffffff,  /* compressed, outside */
        1ull << 62 | 3,           /* compressed: no such stream */
        1ull << 62 | 0x3fffull << 48 | 0x30000,
    };
    struct image_create c = {.size = 8 << 20};
    struct disk d = {0};
    struct err err = {""};
    struct image *im;
    u8 buf[512] = {1};
    u64 l1, l2;

    make(&d, &c);
    im = open_disk(&d, IMAGE_WRITE, &err);
    ck_assert_int_eq(image_write(im, 0, buf, 512), 0);
    image_close(im);
    l1 = be64(d.data + 40);
    l2 = be64(d.data + l1) & 0xfffffffffffe00ull;
    be64_put(d.data + l2, entry[_i]);
    im = open_disk(&d, IMAGE_WRITE, &err);
    ck_assert_msg(im != NULL, "%s", err.msg);
    if (_i == 2)
        ck_assert_int_eq(image_write(im, 0, buf, 512), EIO);
    else
        ck_assert_int_eq(image_read(im, 0, buf, 512), EIO);
    ck_assert_int_eq(image_write(im, 65536, buf, 512), EIO); /* marked, and no longer written */
    image_close(im);
    ck_assert_uint_eq(be64(d.data + 72), 2);
    ck_assert_ptr_null(open_disk(&d, IMAGE_WRITE, &err));
    im = open_disk(&d, IMAGE_WRITE | IMAGE_REPAIR, &err);
    ck_assert_msg(im != NULL, "%s", err.msg);
    if (_i < 4) {
        struct image_check res = {0};

        ck_assert_msg(im->drv->check(im, IMAGE_FIX_ERRORS | IMAGE_FIX_LEAKS, &res, &err), "%s",
                      err.msg);
        ck_assert_uint_gt(res.corruptions, 0);
        ck_assert_uint_eq(res.corruptions, res.corruptions_fixed);
        image_close(im);
        check_clean(&d, true, 0);
    } else {
        image_close(im);
    }
    disk_free(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("qcow2");
    TCase *tc = tcase_create("qcow2");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, test_model);
    tcase_add_test(tc, test_full_disk);
    tcase_add_test(tc, test_failed_flush);
    tcase_add_test(tc, test_lazy_repair);
    tcase_add_loop_test(tc, test_hostile_header, 0, (int)ARRAY_LEN(hostile));
    tcase_add_loop_test(tc, test_hostile_tables, 0, 6);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
