/* Looks into the log of a recorded run, and damages copies of it in ways whose effect is known.
 *
 * rrlog list LOG                  a line per record: place, bytes, kind, port, instruction, ns, bytes of
 *                                 payload
 * rrlog flip LOG OUT BYTE BIT     a copy with a flipped bit; prints the instruction of the last record
 *                                 in front of it
 * rrlog seal LOG OUT KIND N BYTE  a copy where the lowest bit of a byte of the payload of record N of a
 *                                 kind (from 0; -1 the last) is flipped and the check sum is right;
 *                                 prints the record's instruction */
#include "devices/core/bits.h"
#include "frontend/replay/log.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

static const char *const kinds[RR__KINDS] = {
    [RR_END] = "end",       [RR_CHR] = "chr",         [RR_CHR_EVENT] = "event",
    [RR_NET] = "net",       [RR_KEY] = "key",         [RR_MOUSE] = "mouse",
    [RR_TABLET] = "tablet", [RR_BALLOON] = "balloon", [RR_COMMAND] = "command",
    [RR_SAVED] = "saved",   [RR_DIGEST] = "digest",   [RR_DATA] = "data",
};

static int sorry(const char *what, const char *name)
{
    fprintf(stderr, "rrlog: %s '%s'\n", what, name);
    return 1;
}

static u8 *read_file(const char *name, size_t *n)
{
    FILE *f = fopen(name, "rb");
    u8 *p = NULL;
    long size;

    if (f && !fseek(f, 0, SEEK_END) && (size = ftell(f)) > 0 && !fseek(f, 0, SEEK_SET) &&
        (p = malloc((size_t)size)) != NULL) {
        *n = (size_t)size;
        if (fread(p, 1, *n, f) != *n)
            free(p), p = NULL;
    }
    if (f)
        fclose(f);
    return p;
}

static int write_file(const char *name, const u8 *p, size_t n)
{
    FILE *f = fopen(name, "wb");
    bool ok = f && fwrite(p, 1, n, f) == n;

    if (f && fclose(f))
        ok = false;
    return ok ? 0 : sorry("cannot write", name);
}

static int list(const char *name)
{
    const struct rr_record *x;
    struct rr_reader r;
    struct rr_head head;
    struct err err;
    u64 at = RR_HEADER;

    if (!rr_open(&r, name, ~0u, &head, &err))
        return sorry(err.msg, name);
    while ((x = rr_peek(&r)) != NULL) {
        printf("%llu %llu %s %u %llu %llu %u\n", (unsigned long long)at,
               (unsigned long long)(r.at - at), kinds[x->kind], x->port,
               (unsigned long long)x->icount, (unsigned long long)x->clock, x->n);
        at = r.at;
        rr_next(&r);
    }
    if (r.bad)
        printf("%llu damaged\n", (unsigned long long)at);
    rr_close(&r);
    return 0;
}

static int flip(const char *name, const char *out, u64 byte, unsigned bit)
{
    struct rr_reader r;
    struct rr_head head;
    struct err err;
    u64 last;
    size_t n;
    u8 *p = read_file(name, &n);

    if (!p || byte >= n)
        return sorry("cannot read, or it is too short:", name);
    if (!rr_open(&r, name, ~0u, &head, &err))
        return sorry(err.msg, name);
    last = head.icount;
    while (rr_peek(&r) && r.at <= byte) {
        last = r.r.icount;
        rr_next(&r);
    }
    rr_close(&r);
    p[byte] ^= (u8)BIT(bit & 7);
    printf("%llu\n", (unsigned long long)last);
    return write_file(out, p, n);
}

static int seal(const char *name, const char *out, const char *kind, long nth, u64 byte)
{
    struct rr_reader r;
    struct rr_head head;
    struct err err;
    u64 at = RR_HEADER, found = 0, icount = 0;
    u32 len = 0;
    size_t n;
    u8 *p = read_file(name, &n);

    if (!p || !rr_open(&r, name, ~0u, &head, &err))
        return sorry("cannot read", name);
    while (rr_peek(&r)) {
        if (!strcmp(kinds[r.r.kind], kind) && r.r.n > byte && nth-- <= 0) {
            found = at;
            icount = r.r.icount;
            len = r.r.n;
            if (nth == -1)
                break;
        }
        at = r.at;
        rr_next(&r);
    }
    rr_close(&r);
    if (!found)
        return sorry("no such record in", name);
    p[found + RR_RECORD_HEAD + byte] ^= 1;
    st32(p + found + RR_RECORD_HEAD + len, (u32)crc32_z(0, p + found, RR_RECORD_HEAD + len));
    printf("%llu\n", (unsigned long long)icount);
    return write_file(out, p, n);
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "list"))
        return list(argv[2]);
    if (argc == 6 && !strcmp(argv[1], "flip"))
        return flip(argv[2], argv[3], strtoull(argv[4], NULL, 0), (unsigned)atoi(argv[5]));
    if (argc == 7 && !strcmp(argv[1], "seal"))
        return seal(argv[2], argv[3], argv[4], atol(argv[5]), strtoull(argv[6], NULL, 0));
    fprintf(stderr, "usage: rrlog list LOG | flip LOG OUT BYTE BIT | seal LOG OUT KIND N BYTE\n");
    return 2;
}
