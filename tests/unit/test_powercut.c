/* Power cuts: random work on an image whose writes are recorded; at many places power is cut: of what
 * was written since the last flush any part may have reached the disk, in any order, torn at
 * sectors. The image must open and check without errors, and every flushed byte must be there. */
#include "tests/unit/image_fixture.h"

#include <check.h>

/* POWER_CUTS=10000 for the whole run. */
enum { CUTS_PER_SERIES = 25, CUTS = 500, STEPS = 40 };

/* What the guest wrote, in the order of the log. */
struct guest_write {
    size_t at; /* events before it */
    u64 off, n;
    u8 *data; /* NULL: zeros */
};
struct guest_flush {
    size_t at; /* events before its end */
    unsigned writes;
    u8 *disk;
};
struct story {
    struct disk d;
    struct model m;
    u8 *start; /* the file before the first event */
    u64 start_size;
    struct guest_write w[STEPS + 1];
    struct guest_flush f[STEPS + 1];
    unsigned nw, nf;
};

static void note_flush(struct story *s)
{
    struct guest_flush *f = &s->f[s->nf++];

    f->at = s->d.nev;
    f->writes = s->nw;
    f->disk = malloc(s->m.size);
    memcpy(f->disk, s->m.disk, s->m.size);
}

static void note_write(struct story *s, u64 off, u64 n, const u8 *data)
{
    struct guest_write *w = &s->w[s->nw++];

    *w = (struct guest_write){s->d.nev, off, n, NULL};
    if (data) {
        w->data = malloc(n);
        memcpy(w->data, data, n);
        memcpy(s->m.disk + off, data, n);
    } else {
        memset(s->m.disk + off, 0, n);
    }
}

/* The guest's work, with snapshots between that must not lose anything either. */
static void live(struct story *s, struct image *im)
{
    struct err err = {""};

    for (int i = 0; i < STEPS; i++) {
        u64 off, n, what = below(&s->m.seed, 20);

        model_place(&s->m, &off, &n);
        if (what < 11) {
            model_fill(&s->m, n);
            note_write(s, off, n, s->m.buf);
            ck_assert_int_eq(image_write(im, off, s->m.buf, n), 0);
        } else if (what < 14) {
            note_write(s, off, n, NULL);
            ck_assert_int_eq(image_zero(im, off, n), 0);
        } else if (what < 18) {
            ck_assert_int_eq(image_flush(im), 0);
            note_flush(s);
        } else if (s->m.snapshots) {
            unsigned k = (unsigned)below(&s->m.seed, MODEL_SNAPS);

            if (!s->m.snap[k].used) {
                snprintf(s->m.snap[k].name, sizeof(s->m.snap[k].name), "s%u", s->m.names++);
                ck_assert_msg(im->drv->snap_create(im, s->m.snap[k].name, &err), "%s", err.msg);
            } else {
                ck_assert_msg(im->drv->snap_delete(im, s->m.snap[k].name, &err), "%s", err.msg);
            }
            s->m.snap[k].used = !s->m.snap[k].used;
            note_flush(s); /* a snapshot is durable, and all before it */
        }
    }
}

/* One sector of an event, if it is chosen. */
static void tear(struct disk *to, const struct disk_event *e, u64 *seed)
{
    unsigned how = (unsigned)below(seed, 4);

    if (how == 0)
        return;
    if (how < 3 || e->what != DISK_WRITE) {
        disk_apply(to, e);
        return;
    }
    for (u64 at = 0; at < e->n;) {
        u64 n = MIN(512 - (e->off + at) % 512, e->n - at);
        struct disk_event part = {DISK_WRITE, e->off + at, n, e->data + at};

        if (below(seed, 2))
            disk_apply(to, &part);
        at += n;
    }
}

/* The file as a cut in front of event `at` may leave it. */
static void cut(const struct story *s, size_t at, struct disk *to, u64 *seed)
{
    size_t flushed = 0, n = 0, order[4096];

    for (size_t i = 0; i < at; i++) {
        if (s->d.ev[i].what == DISK_FLUSH)
            flushed = i;
    }
    disk_room(to, s->start_size);
    memcpy(to->data, s->start, s->start_size);
    to->size = s->start_size;
    for (size_t i = 0; i < flushed; i++)
        disk_apply(to, &s->d.ev[i]);
    for (size_t i = flushed; i < at && n < ARRAY_LEN(order); i++)
        order[n++] = i;
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)below(seed, i), t = order[i - 1];

        order[i - 1] = order[j];
        order[j] = t;
    }
    for (size_t i = 0; i < n; i++)
        tear(to, &s->d.ev[order[i]], seed);
}

/* Every sector is as the last flush left it, or as a write since then. */
static void check_bytes(const struct story *s, size_t at, const u8 *got, u64 id)
{
    const struct guest_flush *f = NULL;

    for (unsigned i = 0; i < s->nf && s->f[i].at <= at; i++)
        f = &s->f[i];
    for (u64 off = 0; f && off < s->m.size; off += 512) {
        bool ok = !memcmp(got + off, f->disk + off, 512);

        for (unsigned i = f->writes; i < s->nw && s->w[i].at <= at && !ok; i++) {
            const struct guest_write *w = &s->w[i];

            if (off < w->off || off + 512 > w->off + w->n)
                continue;
            ok = w->data ? !memcmp(got + off, w->data + off - w->off, 512)
                         : image_all_zero(got + off, 512);
        }
        ck_assert_msg(ok, "story %llu, cut at event %zu: the flushed sector at 0x%llx is lost",
                      (unsigned long long)id, at, (unsigned long long)off);
    }
}

static void check_cut(const struct story *s, size_t at, u64 id, u64 *seed)
{
    struct disk d = {0};
    struct err err = {""};
    struct image_check res = {0};
    struct image *im;
    u8 *got = malloc(s->m.size);

    cut(s, at, &d, seed);
    im = image_open_file(disk_file(&d), "disk.qcow2", "qcow2", IMAGE_WRITE, 0, &err);
    ck_assert_msg(im != NULL, "story %llu, cut at event %zu: %s", (unsigned long long)id, at, err.msg);
    ck_assert_msg(im->drv->check(im, 0, &res, &err), "%s", err.msg);
    ck_assert_msg(!res.corruptions, "story %llu, cut at event %zu: %llu errors", (unsigned long long)id,
                  at, (unsigned long long)res.corruptions);
    ck_assert_int_eq(image_read(im, 0, got, s->m.size), 0);
    check_bytes(s, at, got, id);
    image_close(im);
    disk_free(&d);
    free(got);
}

static void story(u64 id)
{
    struct story *s = calloc(1, sizeof(*s));
    struct image_create c;
    struct err err = {""};
    struct file *f;
    struct image *im;

    model_init(&s->m, id, 1 << 20);
    model_options(&s->m, &c);
    s->m.snapshots = id % 2;
    f = disk_file(&s->d);
    ck_assert_msg(image_qcow2.create(f, "disk.qcow2", &c, &err), "%s", err.msg);
    im = image_open_file(f, "disk.qcow2", "qcow2", IMAGE_WRITE, 0, &err);
    ck_assert(im && im->drv->resize(im, c.size, false, &err));
    s->start = malloc(s->d.size);
    s->start_size = s->d.size;
    memcpy(s->start, s->d.data, s->d.size);
    s->d.log = true;
    note_flush(s);
    live(s, im);
    image_close(im);
    for (int i = 0; i < CUTS_PER_SERIES; i++)
        check_cut(s, (size_t)below(&s->m.seed, s->d.nev + 1), id, &s->m.seed);
    for (unsigned i = 0; i < s->nw; i++)
        free(s->w[i].data);
    for (unsigned i = 0; i < s->nf; i++)
        free(s->f[i].disk);
    disk_free(&s->d);
    model_free(&s->m);
    free(s->start);
    free(s);
}

START_TEST(test_power_cuts)
{
    const char *n = getenv("POWER_CUTS"), *first = getenv("POWER_SEED");
    u64 cuts = n ? strtoull(n, NULL, 0) : CUTS;

    for (u64 i = 0; i < cuts / CUTS_PER_SERIES; i++)
        story(i + (first ? strtoull(first, NULL, 0) : 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("powercut");
    TCase *tc = tcase_create("powercut");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc, 1800);
    tcase_add_test(tc, test_power_cuts);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
