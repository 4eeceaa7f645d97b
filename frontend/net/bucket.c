/* Token buckets in virtual time. */
#include "frontend/net/bucket.h"

#define UNIT 1000000000ll
/* The most that a bucket holds: keeps the sums below 2^63. */
#define BURST_MAX (1ull << 32)

void bucket_init(struct bucket *b, u64 bytes_rate, u64 frames_rate, u64 burst, u64 now)
{
    *b = (struct bucket){.bytes_rate = bytes_rate, .frames_rate = frames_rate, .last = now};
    b->bytes_burst = MIN(burst ? burst : MAX(bytes_rate / 10, 2048ull), BURST_MAX);
    b->frames_burst = MIN(MAX(frames_rate / 10, 1ull), BURST_MAX);
    b->bytes = (s64)b->bytes_burst * UNIT;
    b->frames = (s64)b->frames_burst * UNIT;
}

/* Tokens after dt ns. */
static s64 refill(s64 have, u64 rate, u64 burst, u64 dt)
{
    __int128 v = have + (__int128)rate * dt;

    return v > (__int128)burst * UNIT ? (s64)burst * UNIT : (s64)v;
}

/* How long until there are some again. */
static u64 wait_for(s64 have, u64 rate)
{
    return have > 0 || !rate ? 0 : (u64)-have / rate + 1;
}

bool bucket_open(struct bucket *b, u64 now, u64 *when)
{
    u64 dt = now > b->last ? now - b->last : 0, wait;

    b->last = now;
    if (b->bytes_rate)
        b->bytes = refill(b->bytes, b->bytes_rate, b->bytes_burst, dt);
    if (b->frames_rate)
        b->frames = refill(b->frames, b->frames_rate, b->frames_burst, dt);
    wait = wait_for(b->bytes, b->bytes_rate);
    if (wait_for(b->frames, b->frames_rate) > wait)
        wait = wait_for(b->frames, b->frames_rate);
    *when = now + wait;
    return !wait;
}

void bucket_take(struct bucket *b, size_t n)
{
    if (b->bytes_rate)
        b->bytes -= (s64)MIN(n, (size_t)BURST_MAX) * UNIT;
    if (b->frames_rate)
        b->frames -= UNIT;
}
