/* A digest of much memory in little time: four lanes of multiplications that do not wait for each
 * other, so that memory is read as fast as it comes. It tells runs apart that differ by accident; it
 * is no check sum against people. */
#include "frontend/replay/replay_int.h"

#include "devices/core/bits.h"

#define MULTIPLIER 0x9e3779b97f4a7c15ull

enum { LANES = 4 };

static u64 mix(u64 h, u64 v)
{
    h = (h ^ v) * MULTIPLIER;
    return h ^ h >> 29;
}

u32 rr_digest(u32 seed, const u8 *p, u64 n)
{
    u64 lane[LANES] = {seed, 1, 2, 3}, h = n;

    for (; n >= 8 * LANES; n -= 8 * LANES, p += 8 * LANES)
        for (unsigned i = 0; i < LANES; i++)
            lane[i] = mix(lane[i], ld64(p + 8 * i));
    for (; n; n--, p++)
        lane[0] = mix(lane[0], *p);
    for (unsigned i = 0; i < LANES; i++)
        h = mix(h, lane[i]);
    return (u32)(h ^ h >> 32);
}
