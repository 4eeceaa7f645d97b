/* Sound from one rate to another: a windowed sinc at any fraction of an input frame. */
#ifndef FRONTEND_AUDIO_RESAMPLE_H
#define FRONTEND_AUDIO_RESAMPLE_H

#include "devices/core/types.h"

enum { RS_TAPS = 32, RS_PHASES = 64, RS_ROOM = 1024 };

struct resample {
    float kernel[RS_PHASES + 1][RS_TAPS];
    unsigned cut; /* what the kernel is for, in 64ths of half the input's rate; 0: none yet */
    float in[2 * RS_ROOM];
    size_t have; /* frames in `in` */
    double pos;  /* of the next output, in frames of `in` */
};

/* Begin anew: silence before the first frame, and the next output `offset` frames behind that. */
void resample_start(struct resample *r, u32 in_rate, u32 out_rate, double offset);
/* Take up to RS_ROOM / 2 frames. */
void resample_put(struct resample *r, const s16 *stereo, size_t frames);
/* The next output frame, `step` input frames before the one behind it; false: more input is needed. */
bool resample_get(struct resample *r, double step, s32 out[2]);
/* How many input frames lie between the next output and the end of the input. */
double resample_left(const struct resample *r);

#endif
