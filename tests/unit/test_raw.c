/* Raw images: order and lateness of completions, bounds, overlay, locks, media change, refused
 * files. */
#include "frontend/host/raw.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bench {
    u64 now;
    struct clock clock;
    char path[64], other[64];
    struct err err;
};

static u64 read_clock(void *arg) { return ((struct bench *)arg)->now; }

static void make_file(char *path, size_t size, u8 fill)
{
    int fd;
    u8 *data = malloc(size + 1);

    strcpy(path, "/tmp/raw-test-XXXXXX");
    fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    memset(data, fill, size);
    ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
    close(fd);
    free(data);
}

static void setup(struct bench *b)
{
    memset(b, 0, sizeof *b);
    clock_init(&b->clock, read_clock, b);
    make_file(b->path, 200000, 0x11);
    make_file(b->other, 4096, 0x22);
}

static void teardown(struct bench *b)
{
    clock_free(&b->clock);
    unlink(b->path);
    unlink(b->other);
}

static struct blk *open_disk(struct bench *b, bool snapshot)
{
    struct raw_options opt = {.path = b->path, .clock = &b->clock, .snapshot = snapshot};
    struct blk *blk = raw_open(&opt, &b->err);

    ck_assert_msg(blk != NULL, "%s", b->err.msg);
    return blk;
}

static int order[8], norder;

static void done(struct blk_req *req)
{
    order[norder++ & 7] = *(int *)req->arg;
}

static void run(struct bench *b)
{
    int i;

    for (i = 0; i < 1000 && clock_next(&b->clock) != CLOCK_NEVER; i++) {
        b->now = clock_next(&b->clock);
        clock_run(&b->clock);
    }
}

static int io(struct bench *b, struct blk *blk, enum blk_op op, u64 off, void *buf, size_t len)
{
    static int id = 1;
    struct blk_req req = {
        .op = op, .off = off, .len = len, .buf = buf, .done = done, .arg = &id, .status = -1};

    norder = 0;
    blk_submit(blk, &req);
    ck_assert_int_eq(norder, 0); /* never at once */
    run(b);
    ck_assert_int_eq(norder, 1);
    return req.status;
}

START_TEST(test_read_write)
{
    struct bench b;
    struct blk *blk;
    u8 buf[1024], got[1024];
    FILE *f;

    setup(&b);
    blk = open_disk(&b, false);
    ck_assert_uint_eq(blk->size, 200192); /* whole sectors */
    ck_assert(blk->inserted);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 199680, got, 512), 0);
    ck_assert_uint_eq(got[319], 0x11);
    ck_assert_uint_eq(got[320], 0); /* behind the file's end */
    memset(buf, 0x77, sizeof buf);
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, 1000, buf, 1024), 0);
    ck_assert_int_eq(io(&b, blk, BLK_FLUSH, 0, NULL, 0), 0);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 1000, got, 1024), 0);
    ck_assert_mem_eq(buf, got, 1024);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 200192, got, 512), EIO);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 200000, got, 512), EIO);
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, ~0ull - 100, got, 512), EIO);
    raw_close(blk);
    f = fopen(b.path, "rb");
    fseek(f, 1023, SEEK_SET);
    ck_assert_int_eq(fgetc(f), 0x77);
    fclose(f);
    teardown(&b);
}
END_TEST

START_TEST(test_order_and_cancel)
{
    struct bench b;
    struct blk *blk;
    struct blk_req req[4];
    int id[4] = {0, 1, 2, 3}, i;
    u8 buf[4][512];

    setup(&b);
    blk = open_disk(&b, false);
    for (i = 0; i < 4; i++)
        req[i] = (struct blk_req){.op = BLK_READ,
                                  .off = (u64)i * 512,
                                  .len = 512,
                                  .buf = buf[i],
                                  .done = done,
                                  .arg = &id[i]};
    norder = 0;
    for (i = 0; i < 4; i++)
        blk_submit(blk, &req[i]);
    blk_cancel(blk, &req[1]);
    blk_cancel(blk, &req[3]);
    blk_submit(blk, &req[1]); /* to the end of the queue */
    run(&b);
    ck_assert_int_eq(norder, 3);
    ck_assert_int_eq(order[0], 0);
    ck_assert_int_eq(order[1], 2);
    ck_assert_int_eq(order[2], 1);
    blk_submit(blk, &req[0]);
    raw_close(blk); /* drops what waits */
    ck_assert_int_eq(norder, 3);
    ck_assert_uint_eq(clock_next(&b.clock), CLOCK_NEVER);
    teardown(&b);
}
END_TEST

START_TEST(test_snapshot)
{
    struct bench b;
    struct blk *blk, *second;
    u8 buf[100000], got[100000];
    FILE *f;
    size_t i;

    setup(&b);
    blk = open_disk(&b, true);
    second = open_disk(&b, true); /* readers share */
    for (i = 0; i < sizeof buf; i++)
        buf[i] = (u8)(i * 7);
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, 60000, buf, sizeof buf), 0); /* over chunk borders */
    ck_assert_int_eq(io(&b, blk, BLK_FLUSH, 0, NULL, 0), 0);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 60000, got, sizeof got), 0);
    ck_assert_mem_eq(buf, got, sizeof got);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 59000, got, 2000), 0);
    ck_assert_uint_eq(got[999], 0x11);
    ck_assert_mem_eq(got + 1000, buf, 1000);
    ck_assert_int_eq(io(&b, second, BLK_READ, 60000, got, 512), 0);
    ck_assert_uint_eq(got[100], 0x11);
    raw_close(blk);
    raw_close(second);
    f = fopen(b.path, "rb");
    for (i = 0; i < 200000; i++)
        ck_assert_int_eq(fgetc(f), 0x11);
    fclose(f);
    teardown(&b);
}
END_TEST

START_TEST(test_lock)
{
    struct bench b;
    struct blk *blk;
    struct raw_options opt;

    setup(&b);
    blk = open_disk(&b, false);
    opt = (struct raw_options){.path = b.path, .clock = &b.clock};
    ck_assert_ptr_null(raw_open(&opt, &b.err));
    ck_assert_ptr_nonnull(strstr(b.err.msg, "in use"));
    opt.read_only = true;
    ck_assert_ptr_null(raw_open(&opt, &b.err));
    raw_close(blk);
    blk = raw_open(&opt, &b.err);
    ck_assert_ptr_nonnull(blk);
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, 0, b.path, 16), EROFS);
    raw_close(blk);
    teardown(&b);
}
END_TEST

static int changes;
static void changed(void *arg) { changes++; }

START_TEST(test_media_change)
{
    struct bench b;
    struct raw_options opt;
    struct blk *blk;
    u8 got[512];

    setup(&b);
    opt = (struct raw_options){.clock = &b.clock, .cdrom = true};
    blk = raw_open(&opt, &b.err);
    ck_assert_uint_eq(blk->size, 0);
    ck_assert(blk->removable && blk->read_only && !blk->inserted);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 0, got, 512), ENOMEDIUM);
    blk->changed = changed;
    changes = 0;
    ck_assert(raw_change(blk, b.path, false, &b.err));
    ck_assert_int_eq(changes, 1);
    ck_assert_uint_eq(blk->size, 200704); /* whole CD sectors */
    ck_assert_uint_eq(blk->media_gen, 1);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 0, got, 512), 0);
    ck_assert_uint_eq(got[0], 0x11);
    blk->locked = true;
    ck_assert(!raw_change(blk, b.other, false, &b.err));
    ck_assert_str_eq(raw_path(blk), b.path);
    ck_assert(raw_change(blk, b.other, true, &b.err));
    ck_assert(!blk->locked);
    ck_assert(!raw_change(blk, "/nonexistent/x", false, &b.err)); /* the old medium stays */
    ck_assert_str_eq(raw_path(blk), b.other);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 0, got, 512), 0);
    ck_assert_uint_eq(got[0], 0x22);
    ck_assert(raw_change(blk, NULL, false, &b.err));
    ck_assert_uint_eq(blk->size, 0);
    ck_assert_ptr_null(raw_path(blk));
    raw_close(blk);
    blk = open_disk(&b, false);
    ck_assert(!raw_change(blk, NULL, true, &b.err)); /* a fixed disk */
    raw_close(blk);
    /* the same writable image again: its own lock is no obstacle */
    opt = (struct raw_options){.path = b.other, .clock = &b.clock, .removable = true};
    blk = raw_open(&opt, &b.err);
    ck_assert_msg(raw_change(blk, b.other, false, &b.err), "%s", b.err.msg);
    raw_close(blk);
    teardown(&b);
}
END_TEST

START_TEST(test_refused)
{
    struct bench b;
    struct raw_options opt;
    char empty[64];

    setup(&b);
    make_file(empty, 0, 0);
    opt = (struct raw_options){.path = "/nonexistent/x", .clock = &b.clock};
    ck_assert_ptr_null(raw_open(&opt, &b.err));
    ck_assert_ptr_nonnull(strstr(b.err.msg, "/nonexistent/x"));
    opt.path = "/tmp";
    opt.read_only = true;
    ck_assert_ptr_null(raw_open(&opt, &b.err));
    opt.path = empty;
    ck_assert_ptr_null(raw_open(&opt, &b.err));
    ck_assert_ptr_nonnull(strstr(b.err.msg, "empty"));
    opt.path = b.path;
    opt.max_size = 1000;
    ck_assert_ptr_null(raw_open(&opt, &b.err));
    unlink(empty);
    teardown(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raw");
    TCase *tc = tcase_create("raw");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, test_read_write);
    tcase_add_test(tc, test_order_and_cancel);
    tcase_add_test(tc, test_snapshot);
    tcase_add_test(tc, test_lock);
    tcase_add_test(tc, test_media_change);
    tcase_add_test(tc, test_refused);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
