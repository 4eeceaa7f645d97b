/* Sound for a host whose clock is not the guest's: what comes irregularly and too slowly is stretched
 * until it lasts, with a ratio that changes slowly. */
#ifndef FRONTEND_AUDIO_STRETCH_H
#define FRONTEND_AUDIO_STRETCH_H

#include "devices/core/types.h"

enum { STRETCH_ROOM = 1 << 15 /* frames */ };

struct stretch {
    u32 rate;
    u64 in, put_before; /* frames that came; of them before the last get */
    u64 idle;           /* frames that went since something came */
    double pos;         /* of the next output, counted as `in` is */
    double flow;        /* frames that come for each one that goes, on average */
    double fill;        /* what is stored, on average */
    bool playing;
    float fade;         /* loudness: rises after a pause */
    float last[2];
    s16 ring[2 * STRETCH_ROOM];
};

void stretch_init(struct stretch *s, u32 rate);
void stretch_put(struct stretch *s, const s16 *stereo, size_t n);
/* Fill `out` with n frames. False when there was nothing left and all of it is silence. */
bool stretch_get(struct stretch *s, s16 *out, size_t n);

#endif
