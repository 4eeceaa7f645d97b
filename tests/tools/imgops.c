/* Random operations on an image in a file and on a model of it: imgops IMAGE MODEL SEED STEPS. The
 * image is there already; MODEL, a raw file, is what it must hold afterwards, and MODEL.NAME what its
 * snapshot NAME must hold. Both are read before if MODEL is there. With "io" as fifth argument it
 * prints commands for qemu-io instead and changes the model only; "blocks" writes numbered blocks
 * until it is killed, "verify" looks for those up to number SEED (image_kill.sh). */
#include "tests/unit/image_fixture.h"

static bool load(struct model *m, const char *path)
{
    FILE *f = fopen(path, "rb");

    if (!f)
        return false;
    m->size = fread(m->disk, 1, MODEL_MAX, f);
    fclose(f);
    return true;
}

static bool store(const char *path, const u8 *p, u64 n)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && fwrite(p, 1, n, f) == n;

    return f && !fclose(f) && ok;
}

/* For qemu-io: writes and zeros that it spells. */
static void print_io(struct model *m, int steps)
{
    while (steps--) {
        u64 off, n, what = below(&m->seed, 10);
        unsigned char v = (unsigned char)(1 + below(&m->seed, 255));

        model_place(m, &off, &n);
        if (what < 7) {
            printf("write -P 0x%02x %llu %llu\n", v, (unsigned long long)off,
                   (unsigned long long)n);
            memset(m->disk + off, v, n);
        } else if (what < 9) {
            printf("write -z %llu %llu\n", (unsigned long long)off, (unsigned long long)n);
            memset(m->disk + off, 0, n);
        } else {
            printf("flush\n");
        }
    }
}

/* ---- for kill -9: blocks whose content follows from their number ---- */

enum { BLOCK = 24 * 512, BLOCKS = (3 << 20) / BLOCK };

static void block(u8 *p, u64 i)
{
    u64 s = i + 12345;

    for (unsigned k = 0; k < BLOCK / 8; k++) {
        u64 v = rnd(&s);

        memcpy(p + 8 * k, &v, 8);
    }
}

/* Write block after block, round and round; say which one is flushed. */
static int write_blocks(struct image *im)
{
    u8 p[BLOCK];

    for (u64 i = 0;; i++) {
        block(p, i);
        if (image_write(im, i % BLOCKS * BLOCK, p, BLOCK))
            return 1;
        if (i % 3)
            continue;
        if (image_flush(im))
            return 1;
        printf("%llu.\n", (unsigned long long)i);
        fflush(stdout);
    }
}

/* Block `last` and all before it are there, or later ones that were not flushed. */
static int verify_blocks(struct image *im, u64 last)
{
    u64 first = last >= BLOCKS ? last - BLOCKS + 1 : 0;
    u8 p[BLOCK], got[BLOCK];

    for (u64 i = first; i <= last; i++) {
        block(p, i);
        if (image_read(im, i % BLOCKS * BLOCK, got, BLOCK))
            return 1;
        if (!memcmp(p, got, BLOCK))
            continue;
        /* at most those up to the next flush, the last one of them in part */
        if (i + BLOCKS > last + 4)
            return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct model m;
    struct err err = {""};
    struct image *im;
    char path[4096];
    int steps = argc > 4 ? atoi(argv[4]) : 0;

    if (argc < 5) {
        fprintf(stderr, "usage: imgops IMAGE MODEL SEED STEPS [io]\n");
        return 2;
    }
    model_init(&m, strtoull(argv[3], NULL, 0), 1 << 20);
    if (argc > 5 && strcmp(argv[5], "io")) {
        bool verify = !strcmp(argv[5], "verify");

        im = image_open(argv[1], "qcow2", verify ? 0 : IMAGE_WRITE, &err);
        if (!im) {
            fprintf(stderr, "imgops: %s\n", err.msg);
            return 1;
        }
        return verify ? verify_blocks(im, strtoull(argv[3], NULL, 0)) : write_blocks(im);
    }
    if (!load(&m, argv[2]))
        m.size = 0;
    if (argc > 5) {
        print_io(&m, steps);
        return !store(argv[2], m.disk, m.size);
    }
    im = image_open(argv[1], "qcow2", IMAGE_WRITE, &err);
    if (!im) {
        fprintf(stderr, "imgops: %s\n", err.msg);
        return 1;
    }
    if (!m.size) { /* what is in it now */
        m.size = im->size;
        if (image_read(im, 0, m.disk, m.size))
            return 1;
    }
    m.snapshots = m.packs = true;
    m.resizes = !im->backing;
    m.v2 = true;
    while (steps-- > 0) {
        if (!model_step(&m, im, &err)) {
            fprintf(stderr, "imgops: %s\n", err.msg);
            return 1;
        }
    }
    if (image_close(im)) {
        fprintf(stderr, "imgops: the last writes failed\n");
        return 1;
    }
    for (unsigned i = 0; i < MODEL_SNAPS; i++) {
        snprintf(path, sizeof(path), "%s.%s", argv[2], m.snap[i].name);
        if (m.snap[i].used && !store(path, m.snap[i].disk, m.snap[i].size))
            return 1;
    }
    return !store(argv[2], m.disk, m.size);
}
