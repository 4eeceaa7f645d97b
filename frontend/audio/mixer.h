/* Sums the voices of devices, each stamped with virtual time, into one stream of frames on the grid
 * of virtual time, and hands it to sinks: a sound card, files. */
#ifndef FRONTEND_AUDIO_MIXER_H
#define FRONTEND_AUDIO_MIXER_H

#include "devices/core/clock.h"
#include "devices/core/ports.h"
#include "frontend/audio/resample.h"

enum { MIX_VOICES = 16, MIX_RING = 1 << 15 /* frames */ };

/* Somebody who takes the mixed stream. */
struct audio_sink {
    void (*frames)(struct audio_sink *sink, const s16 *stereo, size_t n);
    void (*silence)(struct audio_sink *sink, u64 n); /* so many frames of nothing */
    struct audio_sink *next;
};

struct mixer;
struct mixer_voice {
    struct audio_voice base;
    struct mixer *mixer;
    char name[32];
    struct resample rs;
    u32 rate;  /* of the input; 0: silent */
    u64 next;  /* virtual time at which the next chunk is expected */
    u64 frame; /* the next output frame */
    double step;
};

struct mixer {
    struct audio_out out; /* what devices are given */
    u32 rate;
    struct clock *clock;
    struct timer timer;
    bool active;
    u64 done; /* frames that were handed to the sinks, from virtual time 0 */
    u64 end;  /* behind the last frame that a voice gave */
    struct mixer_voice voice[MIX_VOICES];
    unsigned nvoices;
    struct audio_sink *sinks;
    s32 ring[2 * MIX_RING];
};

void mixer_init(struct mixer *m, struct clock *clock, u32 rate);
/* Hand out what is mixed already. */
void mixer_flush(struct mixer *m);
void mixer_add_sink(struct mixer *m, struct audio_sink *sink);
void mixer_remove_sink(struct mixer *m, struct audio_sink *sink);

#endif
