/* Reading and writing the log of a run. */
#define _GNU_SOURCE
#include "frontend/replay/log.h"
#include "devices/core/bits.h"

#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

#define MAGIC "DRGMRRLG"

/* Header: magic (8), version, length, then */
enum {
    H_VERSION = 8,
    H_LENGTH = 12,
    H_CONFIG = 16,
    H_ICOUNT = 24,
    H_CLOCK = 32,
    H_SEED = 40,
    H_RTC = 48,
    H_ZONE = 56,
    H_SHIFT = 64,
    H_FLAGS = 68,
    H_GIVEN = 72,
    H_CRC = 92,
};
/* Record: kind (1), port (1), zero (2), length (4), instruction (8), time (8), bytes, check sum
 * (4). */
enum { R_LEN = 4, R_ICOUNT = 8, R_CLOCK = 16 };

static u32 crc_of(u32 crc, const void *data, size_t n)
{
    return n ? (u32)crc32_z(crc, data, n) : crc;
}

/* ---- writing ---- */

bool rr_create(struct rr_writer *w, const char *path, const struct rr_head *head, struct err *err)
{
    u8 h[RR_HEADER] = {0};

    *w = (struct rr_writer){.f = fopen(path, "wb")};
    if (!w->f)
        return err_set(err, "Cannot write the log '%.300s': %s.", path, strerror(errno));
    memcpy(h, MAGIC, 8);
    st32(h + H_VERSION, RR_VERSION);
    st32(h + H_LENGTH, RR_HEADER);
    st64(h + H_CONFIG, head->config);
    st64(h + H_ICOUNT, head->icount);
    st64(h + H_CLOCK, head->clock);
    st64(h + H_SEED, head->seed);
    st64(h + H_RTC, (u64)head->rtc_base);
    st64(h + H_ZONE, (u64)head->rtc_zone);
    st32(h + H_SHIFT, head->shift);
    st32(h + H_FLAGS, head->flags);
    st64(h + H_GIVEN, head->given);
    st32(h + H_CRC, crc_of(0, h, H_CRC));
    w->failed = fwrite(h, sizeof(h), 1, w->f) != 1;
    w->at = sizeof(h);
    return true;
}

void rr_write(struct rr_writer *w, const struct rr_record *r)
{
    u8 h[RR_RECORD_HEAD] = {r->kind, r->port}, sum[4];

    st32(h + R_LEN, r->n);
    st64(h + R_ICOUNT, r->icount);
    st64(h + R_CLOCK, r->clock);
    st32(sum, crc_of(crc_of(0, h, sizeof(h)), r->data, r->n));
    if (fwrite(h, sizeof(h), 1, w->f) != 1 || (r->n && fwrite(r->data, r->n, 1, w->f) != 1) ||
        fwrite(sum, sizeof(sum), 1, w->f) != 1)
        w->failed = true;
    w->at += sizeof(h) + r->n + sizeof(sum);
}

void rr_flush(struct rr_writer *w)
{
    if (fflush(w->f))
        w->failed = true;
}

bool rr_finish(struct rr_writer *w)
{
    bool ok = true;

    if (w->f)
        ok = !fclose(w->f) && !w->failed;
    w->f = NULL;
    return ok;
}

/* ---- reading ---- */

bool rr_open(struct rr_reader *r, const char *path, u32 kinds, struct rr_head *head,
             struct err *err)
{
    u8 h[RR_HEADER];

    *r = (struct rr_reader){.f = fopen(path, "rb"), .kinds = kinds, .at = RR_HEADER};
    if (!r->f)
        return err_set(err, "Cannot read the log '%.300s': %s.", path, strerror(errno));
    if (fread(h, sizeof(h), 1, r->f) != 1 || memcmp(h, MAGIC, 8))
        return err_set(err, "'%.300s' is not the log of a run.", path);
    if (ld32(h + H_VERSION) != RR_VERSION)
        return err_set(err, "The log '%.300s' has version %u; this program knows version %u.", path,
                       ld32(h + H_VERSION), (u32)RR_VERSION);
    if (ld32(h + H_CRC) != crc_of(0, h, H_CRC) || ld32(h + H_LENGTH) != RR_HEADER)
        return err_set(err, "The log '%.300s' is damaged: the header's check sum is wrong.", path);
    r->r.data = malloc(RR_MAX_DATA);
    if (!r->r.data)
        return err_set(err, "No memory for the log.");
    *head = (struct rr_head){
        .config = ld64(h + H_CONFIG),
        .icount = ld64(h + H_ICOUNT),
        .clock = ld64(h + H_CLOCK),
        .seed = ld64(h + H_SEED),
        .rtc_base = (s64)ld64(h + H_RTC),
        .rtc_zone = (s64)ld64(h + H_ZONE),
        .shift = ld32(h + H_SHIFT),
        .flags = ld32(h + H_FLAGS),
        .given = ld64(h + H_GIVEN),
    };
    r->last = head->icount;
    return true;
}

/* The next record of any kind; false: none, or damaged. */
static bool read_one(struct rr_reader *r)
{
    u8 h[RR_RECORD_HEAD], sum[4];
    size_t got = fread(h, 1, sizeof(h), r->f);
    struct rr_record *x = &r->r;

    r->ended = true;
    if (!got)
        return false;
    r->bad = true;
    if (got < sizeof(h))
        return false;
    x->kind = h[0];
    x->port = h[1];
    x->n = ld32(h + R_LEN);
    x->icount = ld64(h + R_ICOUNT);
    x->clock = ld64(h + R_CLOCK);
    if (x->n > RR_MAX_DATA || x->kind >= RR__KINDS ||
        (x->n && fread(x->data, x->n, 1, r->f) != 1) || fread(sum, sizeof(sum), 1, r->f) != 1 ||
        ld32(sum) != crc_of(crc_of(0, h, sizeof(h)), x->data, x->n) || x->icount < r->last)
        return false;
    r->begin = r->at;
    r->at += sizeof(h) + x->n + sizeof(sum);
    r->last = x->icount;
    r->bad = r->ended = false;
    return true;
}

const struct rr_record *rr_peek(struct rr_reader *r)
{
    while (!r->have && !r->ended)
        r->have = read_one(r) && (r->kinds & BIT(r->r.kind));
    return r->have ? &r->r : NULL;
}

void rr_next(struct rr_reader *r)
{
    r->taken += r->have;
    r->have = false;
}

void rr_close(struct rr_reader *r)
{
    if (r->f)
        fclose(r->f);
    free(r->r.data);
    *r = (struct rr_reader){.ended = true};
}

struct rr_place rr_tell(struct rr_reader *r)
{
    bool have = rr_peek(r) != NULL;

    return (struct rr_place){have ? r->begin : r->at, r->taken, have ? r->r.icount : r->last};
}

void rr_seek(struct rr_reader *r, const struct rr_place *place)
{
    r->at = r->begin = place->at;
    r->taken = place->taken;
    r->last = place->last;
    r->have = r->ended = false;
    fflush(r->f); /* what was read ahead may be another thing by now */
    r->bad = fseeko(r->f, (off_t)place->at, SEEK_SET) != 0;
    r->ended = r->bad;
    clearerr(r->f);
}
