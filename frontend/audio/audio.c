/* Opening and closing audiodevs and captures. */
#include "frontend/audio/audio.h"

#include "frontend/audio/mixer.h"

#include <stdlib.h>
#include <string.h>

enum { CAPTURES = 8 };

struct audiodev {
    const struct opt_audiodev *opt;
    struct mixer mixer;
    struct audio_sink *driver; /* NULL: none */
};

struct audio {
    struct audiodev *dev[OPT_MAX_AUDIODEVS];
    unsigned n;
    struct capture {
        struct audio_sink *sink;
        struct audiodev *dev;
    } capture[CAPTURES];
    unsigned ncaptures;
};

static bool open_driver(struct audiodev *d, enum opt_show show, struct loop *loop, struct err *err)
{
    struct err why;

    switch (d->opt->driver) {
    case AUDIO_WAV: d->driver = wav_open(d->opt->path, d->opt->rate, err); break;
    case AUDIO_SDL: d->driver = sdl_audio_open(loop, d->opt->rate, err); break;
    case AUDIO_BY_DISPLAY:
        if (show == SHOW_SDL)
            d->driver = sdl_audio_open(loop, d->opt->rate, &why);
        if (!d->driver)
            return true; /* nobody asked for sound */
        break;
    case AUDIO_NONE: return true;
    }
    if (!d->driver)
        return false;
    mixer_add_sink(&d->mixer, d->driver);
    return true;
}

struct audio *audio_open(const struct options *opt, struct clock *clock, struct loop *loop,
                         struct err *err)
{
    struct audio *audio = calloc(1, sizeof(*audio));

    if (!audio) {
        err_set(err, "There is no memory for sound.");
        return NULL;
    }
    for (unsigned i = 0; i < opt->naudiodevs; i++) {
        struct audiodev *d = calloc(1, sizeof(*d));

        if (!d) {
            err_set(err, "There is no memory for sound.");
            audio_close(audio);
            return NULL;
        }
        d->opt = &opt->audiodevs[i];
        mixer_init(&d->mixer, clock, d->opt->rate);
        audio->dev[audio->n++] = d;
        if (!open_driver(d, opt->show, loop, err)) {
            audio_close(audio);
            return NULL;
        }
    }
    return audio;
}

static void close_capture(struct audio *audio, unsigned i)
{
    struct capture *c = &audio->capture[i];

    mixer_remove_sink(&c->dev->mixer, c->sink);
    wav_close(c->sink);
    memmove(c, c + 1, (--audio->ncaptures - i) * sizeof(*c));
}

void audio_close(struct audio *audio)
{
    if (!audio)
        return;
    for (unsigned i = 0; i < audio->n; i++)
        mixer_flush(&audio->dev[i]->mixer);
    while (audio->ncaptures)
        close_capture(audio, 0);
    for (unsigned i = 0; i < audio->n; i++) {
        struct audiodev *d = audio->dev[i];

        if (d->driver && d->opt->driver == AUDIO_WAV)
            wav_close(d->driver);
        if (d->driver && d->opt->driver != AUDIO_WAV)
            sdl_audio_close(d->driver);
        timer_cancel(&d->mixer.timer);
        free(d);
    }
    free(audio);
}

static struct audiodev *find(struct audio *audio, const char *id)
{
    for (unsigned i = 0; i < audio->n; i++) {
        if (!strcmp(audio->dev[i]->opt->id, id))
            return audio->dev[i];
    }
    return NULL;
}

struct audio_out *audio_find(struct audio *audio, const char *id)
{
    struct audiodev *d = find(audio, id);

    return d ? &d->mixer.out : NULL;
}

bool audio_capture(struct audio *audio, const char *path, const char *id, struct err *err)
{
    struct audiodev *d = *id ? find(audio, id) : audio->n == 1 ? audio->dev[0] : NULL;
    struct audio_sink *sink;

    if (!d)
        return *id          ? err_set(err, "There is no audiodev '%.60s'.", id)
               : !audio->n  ? err_set(err, "The machine has no audiodev.")
                            : err_set(err, "There are several audiodevs: name one.");
    if (audio->ncaptures >= CAPTURES)
        return err_set(err, "There are %d captures already.", CAPTURES);
    sink = wav_open(path, d->opt->rate, err);
    if (!sink)
        return false;
    mixer_add_sink(&d->mixer, sink);
    audio->capture[audio->ncaptures++] = (struct capture){sink, d};
    return true;
}

bool audio_capture_stop(struct audio *audio, u64 index, struct err *err)
{
    if (index >= audio->ncaptures)
        return err_set(err, "There is no such capture; 'info capture' lists them.");
    close_capture(audio, (unsigned)index);
    return true;
}

const char *audio_capture_path(const struct audio *audio, unsigned index, u64 *frames)
{
    return index < audio->ncaptures ? wav_path(audio->capture[index].sink, frames) : NULL;
}
