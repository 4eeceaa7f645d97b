/* The audiodevs of a machine: a mixer each, with a driver behind it and any number of files that
 * listen in. */
#ifndef FRONTEND_AUDIO_AUDIO_H
#define FRONTEND_AUDIO_AUDIO_H

#include "devices/core/clock.h"
#include "devices/core/ports.h"
#include "frontend/opts.h"

#include <stdio.h>

struct audio;
struct audio_sink;
struct loop;

/* Open what the options name. NULL with *err. */
struct audio *audio_open(const struct options *opt, struct clock *clock, struct loop *loop,
                         struct err *err);
/* Write out what is mixed, close; NULL is fine. After the devices are gone. */
void audio_close(struct audio *audio);
/* What devices on the audiodev `id` are given; NULL: there is none. */
struct audio_out *audio_find(struct audio *audio, const char *id);

/* Begin to write what `id` ("": the only one) plays to a file. */
bool audio_capture(struct audio *audio, const char *path, const char *id, struct err *err);
bool audio_capture_stop(struct audio *audio, u64 index, struct err *err);
/* The file of capture `index` and its frames so far; NULL behind the last. */
const char *audio_capture_path(const struct audio *audio, unsigned index, u64 *frames);

/* wav.c: 16-bit stereo PCM in a file. */
struct audio_sink *wav_open(const char *path, u32 rate, struct err *err);
void wav_close(struct audio_sink *sink);
const char *wav_path(const struct audio_sink *sink, u64 *frames);

/* sdl_audio.c: the host's loudspeakers. */
struct audio_sink *sdl_audio_open(struct loop *loop, u32 rate, struct err *err);
void sdl_audio_close(struct audio_sink *sink);

#endif
