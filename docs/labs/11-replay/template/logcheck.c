/* Lab 11: walk from record to record. This believes everything. The places to change say HOLE. */
#include "docs/labs/11-replay/logcheck.h"

#include "devices/core/bits.h"

#include <zlib.h>

/* zlib's CRC-32 of n bytes. */
static u32 crc(const u8 *p, size_t n)
{
    return (u32)crc32_z(0, p, n);
}

/* How long the record at p is, of which n bytes are there; 0: it is damaged. */
static size_t record_size(const u8 *p, size_t n, u64 last)
{
    size_t payload;

    if (n < LOG_HEAD + 4)
        return 0;
    payload = ld32(p + 4);
    /* HOLE 1: the length may be anything: compare it with what there is before it is used. Then the
     * kind, the instruction, the check sum. */
    return LOG_HEAD + payload + 4;
}

struct verdict log_check(const u8 *log, size_t n)
{
    struct verdict v = {.at = LOG_HEADER};

    /* HOLE 2: the header's check sum. */
    (void)crc;
    if (n < LOG_HEADER)
        return (struct verdict){.sound = false};
    v.last = ld64(log + 24);
    while (v.at < n) {
        size_t size = record_size(log + v.at, n - v.at, v.last);

        if (!size)
            return v;
        v.last = ld64(log + v.at + 8);
        v.at += size;
        v.records++;
    }
    v.sound = true;
    return v;
}
