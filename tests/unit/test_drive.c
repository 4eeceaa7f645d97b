/* Drives over raw images: order and lateness of completions, bounds, overlay, locks, media change,
 * refused files; threads, full disks, limits. */
#include "frontend/host/drive.h"
#include "frontend/loop.h"

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

    strcpy(path, "/tmp/drive-test-XXXXXX");
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
    struct drive_options opt = {.path = b->path, .clock = &b->clock, .snapshot = snapshot};
    struct blk *blk = drive_open(&opt, &b->err);

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
    drive_close(blk);
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
    drive_close(blk); /* drops what waits */
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
    drive_close(blk);
    drive_close(second);
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
    struct drive_options opt;

    setup(&b);
    blk = open_disk(&b, false);
    opt = (struct drive_options){.path = b.path, .clock = &b.clock};
    ck_assert_ptr_null(drive_open(&opt, &b.err));
    ck_assert_ptr_nonnull(strstr(b.err.msg, "in use"));
    opt.read_only = true;
    ck_assert_ptr_null(drive_open(&opt, &b.err));
    drive_close(blk);
    blk = drive_open(&opt, &b.err);
    ck_assert_ptr_nonnull(blk);
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, 0, b.path, 16), EROFS);
    drive_close(blk);
    teardown(&b);
}
END_TEST

static int changes;
static void changed(void *arg) { changes++; }

START_TEST(test_media_change)
{
    struct bench b;
    struct drive_options opt;
    struct blk *blk;
    u8 got[512];

    setup(&b);
    opt = (struct drive_options){.clock = &b.clock, .cdrom = true};
    blk = drive_open(&opt, &b.err);
    ck_assert_uint_eq(blk->size, 0);
    ck_assert(blk->removable && blk->read_only && !blk->inserted);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 0, got, 512), ENOMEDIUM);
    blk->changed = changed;
    changes = 0;
    ck_assert(drive_change(blk, b.path, NULL, false, &b.err));
    ck_assert_int_eq(changes, 1);
    ck_assert_uint_eq(blk->size, 200704); /* whole CD sectors */
    ck_assert_uint_eq(blk->media_gen, 1);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 0, got, 512), 0);
    ck_assert_uint_eq(got[0], 0x11);
    blk->locked = true;
    ck_assert(!drive_change(blk, b.other, NULL, false, &b.err));
    ck_assert_str_eq(drive_path(blk), b.path);
    ck_assert(drive_change(blk, b.other, NULL, true, &b.err));
    ck_assert(!blk->locked);
    ck_assert(!drive_change(blk, "/nonexistent/x", NULL, false, &b.err)); /* the old medium stays */
    ck_assert_str_eq(drive_path(blk), b.other);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 0, got, 512), 0);
    ck_assert_uint_eq(got[0], 0x22);
    ck_assert(drive_change(blk, NULL, NULL, false, &b.err));
    ck_assert_uint_eq(blk->size, 0);
    ck_assert_ptr_null(drive_path(blk));
    drive_close(blk);
    blk = open_disk(&b, false);
    ck_assert(!drive_change(blk, NULL, NULL, true, &b.err)); /* a fixed disk */
    drive_close(blk);
    /* the same writable image again: its own lock is no obstacle */
    opt = (struct drive_options){.path = b.other, .clock = &b.clock, .removable = true};
    blk = drive_open(&opt, &b.err);
    ck_assert_msg(drive_change(blk, b.other, NULL, false, &b.err), "%s", b.err.msg);
    drive_close(blk);
    teardown(&b);
}
END_TEST

START_TEST(test_refused)
{
    struct bench b;
    struct drive_options opt;
    char empty[64];

    setup(&b);
    make_file(empty, 0, 0);
    opt = (struct drive_options){.path = "/nonexistent/x", .clock = &b.clock};
    ck_assert_ptr_null(drive_open(&opt, &b.err));
    ck_assert_ptr_nonnull(strstr(b.err.msg, "/nonexistent/x"));
    opt.path = "/tmp";
    opt.read_only = true;
    ck_assert_ptr_null(drive_open(&opt, &b.err));
    opt.path = empty;
    ck_assert_ptr_null(drive_open(&opt, &b.err));
    ck_assert_ptr_nonnull(strstr(b.err.msg, "empty"));
    opt.path = b.path;
    opt.max_size = 1000;
    ck_assert_ptr_null(drive_open(&opt, &b.err));
    unlink(empty);
    teardown(&b);
}
END_TEST

/* ---- threads ---- */

static u64 host_clock(void *arg) { return host_now(); }
static void no_kick(void *arg) {}

/* Many requests on two drives, in threads: all end in order, and the bytes are right. */
START_TEST(test_threads)
{
    enum { N = 64 };
    struct bench b;
    struct loop loop;
    struct pool *pool = pool_new(2);
    struct blk_req req[2][N];
    static u8 buf[2][N][4096];
    int id[N];
    struct blk *blk[2];
    bool with_loop = _i;

    setup(&b);
    if (with_loop)
        clock_init(&b.clock, host_clock, NULL);
    ck_assert(loop_init(&loop, no_kick, NULL, &b.err));
    for (int k = 0; k < 2; k++) {
        struct drive_options opt = {.path = k ? b.other : b.path,
                                    .clock = &b.clock,
                                    .pool = pool,
                                    .loop = with_loop ? &loop : NULL};

        blk[k] = drive_open(&opt, &b.err);
        ck_assert_msg(blk[k] != NULL, "%s", b.err.msg);
    }
    norder = 0;
    for (int i = 0; i < N; i++) {
        id[i] = i;
        for (int k = 0; k < 2; k++) {
            memset(buf[k][i], i, 4096);
            req[k][i] = (struct blk_req){.op = i % 2 ? BLK_READ : BLK_WRITE,
                                         .off = k ? 0 : (u64)(i / 2) * 4096,
                                         .len = 4096,
                                         .buf = buf[k][i],
                                         .done = done,
                                         .status = -1,
                                         .arg = &id[i]};
            blk_submit(blk[k], &req[k][i]);
        }
    }
    blk_cancel(blk[0], &req[0][7]);
    ck_assert_int_eq(norder, 0);
    while (norder < 2 * N - 1) {
        if (with_loop) {
            loop_wait(&loop, clock_next(&b.clock));
            clock_run(&b.clock);
        } else {
            ck_assert_uint_ne(clock_next(&b.clock), CLOCK_NEVER);
            run(&b);
        }
    }
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 2; k++) {
            if (k == 0 && i == 7)
                continue;
            ck_assert_int_eq(req[k][i].status, 0);
            ck_assert_uint_eq(buf[k][i][100], i - i % 2);
        }
    }
    blk_submit(blk[0], &req[0][0]); /* closing waits for what runs */
    drive_close(blk[0]);
    drive_close(blk[1]);
    pool_free(pool);
    loop_free(&loop);
    clock_free(&b.clock);
    unlink(b.path);
    unlink(b.other);
}
END_TEST

/* ---- errors of the host ---- */

static int fail_with;
static const struct file_ops *real_ops;
static int failing_write(struct file *f, u64 off, const u8 *buf, size_t n)
{
    return fail_with ? fail_with : real_ops->write(f, off, buf, n);
}
static int failing_flush(struct file *f)
{
    return fail_with ? fail_with : real_ops->flush(f);
}

static int stops_seen;
static char stop_text[512];
static void stopped(void *arg, const char *why)
{
    stops_seen++;
    snprintf(stop_text, sizeof(stop_text), "%s", why);
}

static char failure[64]; /* what was told of the last one */
static void failed(void *arg, struct blk *blk, bool is_read, int error, const char *action)
{
    snprintf(failure, sizeof(failure), "%s %d %s", is_read ? "read" : "write", error, action);
}

static void break_file(struct blk *blk, struct file_ops *ops)
{
    struct image *im = (struct image *)drive_image(blk);

    real_ops = im->file->ops;
    *ops = *real_ops;
    ops->write = failing_write;
    ops->flush = failing_flush;
    im->file->ops = ops;
}

/* The host's disk runs full: the machine stops, nothing is lost, and it goes on. */
START_TEST(test_full)
{
    struct bench b;
    struct pool *pool = _i ? pool_new(1) : NULL;
    struct drive_options opt;
    struct blk *blk;
    struct file_ops ops;
    u8 buf[512] = {9}, got[512];
    int id = 1;
    struct blk_req req = {.op = BLK_WRITE, .len = 512, .buf = buf, .done = done, .arg = &id},
                   second = {.op = BLK_READ, .len = 512, .buf = got, .done = done, .arg = &id};

    setup(&b);
    opt = (struct drive_options){.path = b.path, .clock = &b.clock, .pool = pool, .stop = stopped};
    blk = drive_open(&opt, &b.err);
    break_file(blk, &ops);
    fail_with = ENOSPC;
    stops_seen = norder = 0;
    blk_submit(blk, &req);
    blk_submit(blk, &second);
    run(&b);
    ck_assert_int_eq(stops_seen, 1);
    ck_assert_int_eq(norder, 0);
    ck_assert_ptr_nonnull(strstr(stop_text, "full"));
    drive_resume(blk); /* still full */
    run(&b);
    ck_assert_int_eq(stops_seen, 2);
    fail_with = 0;
    drive_resume(blk);
    run(&b);
    ck_assert_int_eq(norder, 2);
    ck_assert_int_eq(req.status, 0);
    ck_assert_uint_eq(got[0], 9); /* the one behind it waited */
    fail_with = EIO; /* reported */
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, 0, buf, 512), EIO);
    fail_with = ENOSPC; /* a guest that gives up */
    blk_submit(blk, &req);
    run(&b);
    ck_assert_int_eq(stops_seen, 3);
    blk_cancel(blk, &req);
    fail_with = 0;
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, 0, buf, 512), 0);
    fail_with = ENOSPC; /* a flush that failed has failed for good, whatever it says */
    ck_assert_int_eq(io(&b, blk, BLK_FLUSH, 0, NULL, 0), ENOSPC);
    fail_with = 0;
    ck_assert_int_eq(io(&b, blk, BLK_FLUSH, 0, NULL, 0), EIO);
    ck_assert_int_eq(io(&b, blk, BLK_WRITE, 0, buf, 512), EIO);
    ck_assert_int_eq(io(&b, blk, BLK_READ, 0, got, 512), 0);
    ck_assert_int_eq(stops_seen, 3);
    ck_assert(!drive_close(blk));
    pool_free(pool);
    teardown(&b);
}
END_TEST

START_TEST(test_policies)
{
    static const struct {
        enum drive_error how;
        int error, stops, status;
        const char *action;
    } rows[] = {
        {DRIVE_ERR_REPORT, ENOSPC, 0, ENOSPC, "report"}, {DRIVE_ERR_IGNORE, EIO, 0, 0, "ignore"},
        {DRIVE_ERR_STOP, EIO, 1, -1, "stop"},            {DRIVE_ERR_ENOSPC, EIO, 0, EIO, "report"},
        {DRIVE_ERR_ENOSPC, ENOSPC, 1, -1, "stop"},
    };
    char want[64];
    struct bench b;
    struct drive_options opt;
    struct blk *blk;
    struct file_ops ops;
    u8 buf[512] = {9};
    int id = 1;
    struct blk_req req = {
        .op = BLK_WRITE, .len = 512, .buf = buf, .done = done, .arg = &id, .status = -1};

    setup(&b);
    opt = (struct drive_options){
        .path = b.path, .clock = &b.clock, .stop = stopped, .failed = failed,
        .werror = rows[_i].how};
    blk = drive_open(&opt, &b.err);
    break_file(blk, &ops);
    fail_with = rows[_i].error;
    stops_seen = 0;
    blk_submit(blk, &req);
    run(&b);
    ck_assert_int_eq(stops_seen, rows[_i].stops);
    ck_assert_int_eq(req.status, rows[_i].status);
    snprintf(want, sizeof(want), "write %d %s", rows[_i].error, rows[_i].action);
    ck_assert_str_eq(failure, want);
    fail_with = 0;
    drive_close(blk);
    teardown(&b);
}
END_TEST

/* So many requests, so many bytes a second, in virtual time. */
START_TEST(test_limits)
{
    struct bench b;
    struct drive_options opt;
    struct blk *blk;
    u8 buf[4096] = {0};
    u64 start;

    setup(&b);
    opt = (struct drive_options){
        .path = b.path, .clock = &b.clock, .iops = _i ? 0 : 100, .bps = _i ? 409600 : 0};
    blk = drive_open(&opt, &b.err);
    start = b.now;
    for (int i = 0; i < 60; i++)
        ck_assert_int_eq(io(&b, blk, BLK_WRITE, 0, buf, sizeof(buf)), 0);
    ck_assert_uint_ge(b.now - start, 490000000u); /* 600 ms less the burst */
    ck_assert_uint_le(b.now - start, 650000000u);
    drive_close(blk);
    teardown(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("drive");
    TCase *tc = tcase_create("drive");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, test_read_write);
    tcase_add_test(tc, test_order_and_cancel);
    tcase_add_test(tc, test_snapshot);
    tcase_add_test(tc, test_lock);
    tcase_add_test(tc, test_media_change);
    tcase_add_test(tc, test_refused);
    tcase_add_loop_test(tc, test_threads, 0, 2);
    tcase_add_loop_test(tc, test_full, 0, 2);
    tcase_add_loop_test(tc, test_policies, 0, 5);
    tcase_add_loop_test(tc, test_limits, 0, 2);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
