/* Lab 11, test bench: bench LOG SCRATCH: the log as it is, cut and with single bits flipped, by the
 * student's function and by the reader of the project (frontend/replay/log.h). */
#include "docs/labs/11-replay/logcheck.h"

#include "docs/labs/common/score.h"
#include "frontend/replay/log.h"

#include <stdlib.h>
#include <string.h>

enum { LOG_MOST = 64 << 20 };

/* What our own reader says of these bytes, which are written to `scratch` for it. */
static struct verdict reference(const char *scratch, const u8 *log, size_t n)
{
    struct verdict v = {.sound = false};
    struct rr_head head;
    struct rr_reader r;
    FILE *f = fopen(scratch, "wb");

    if (!f || fwrite(log, 1, n, f) != n || fclose(f)) {
        perror(scratch);
        exit(2);
    }
    if (!rr_open(&r, scratch, ~0u, &head, NULL)) {
        rr_close(&r);
        return v;
    }
    while (rr_peek(&r))
        rr_next(&r);
    v = (struct verdict){!r.bad, (u32)r.taken, r.at, r.last};
    rr_close(&r);
    return v;
}

static bool same(struct verdict a, struct verdict b)
{
    return a.sound == b.sound && a.records == b.records && a.at == b.at && a.last == b.last;
}

static u8 *load(const char *path, size_t *n)
{
    u8 *log = malloc(LOG_MOST);
    FILE *f = fopen(path, "rb");

    *n = log && f ? fread(log, 1, LOG_MOST, f) : 0;
    if (f)
        fclose(f);
    if (!*n) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(2);
    }
    return log;
}

/* Flip one bit at a time; the first place where the two differ, or n. */
static size_t try_flips(const char *scratch, u8 *log, size_t n, u32 *tried)
{
    u64 seed = 11;

    for (*tried = 0; *tried < 400; ++*tried) {
        size_t at;
        u8 bit;
        bool ok;

        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        at = (size_t)((seed >> 20) % n);
        bit = (u8)(1u << (seed >> 60 & 7));
        log[at] ^= bit;
        ok = same(log_check(log, n), reference(scratch, log, n));
        log[at] ^= bit;
        if (!ok)
            return at;
    }
    return n;
}

int main(int argc, char **argv)
{
    struct score sc = {0, 0};
    struct verdict v, want;
    size_t n, at, cut;
    u32 tried;
    u8 *log, huge[4];

    if (argc != 3)
        return 2;
    log = load(argv[1], &n);
    v = log_check(log, n);
    score(&sc, v.sound && same(v, reference(argv[2], log, n)),
          "the log as it is: sound, %u records, the last one at instruction %llu", v.records,
          (unsigned long long)v.last);
    cut = n - n / 3;
    score(&sc, same(log_check(log, cut), reference(argv[2], log, cut)),
          "the log without its last third");
    /* A length that is far too large, in the first record. */
    want = reference(argv[2], log, n);
    memcpy(huge, log + LOG_HEADER + 4, 4);
    memset(log + LOG_HEADER + 4, 0xff, 4);
    v = log_check(log, n);
    score(&sc, want.sound && !v.sound && v.at == LOG_HEADER && v.records == 0,
          "a record that claims four thousand million bytes");
    memcpy(log + LOG_HEADER + 4, huge, 4);
    at = try_flips(argv[2], log, n, &tried);
    score(&sc, at == n,
          at == n ? "%u flipped bits: the same record and instruction as dragoman says"
                  : "flipped bit number %u: dragoman says another record",
          tried);
    free(log);
    return score_status(&sc);
}
