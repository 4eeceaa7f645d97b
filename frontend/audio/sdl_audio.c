/* Sound by SDL2: a host-time timer keeps its queue filled with the stretched stream. */
#include "frontend/audio/audio.h"
#include "frontend/audio/mixer.h"
#include "frontend/audio/stretch.h"

#ifdef CONFIG_SDL
#include "frontend/loop.h"

#include <SDL.h>
#include <stdlib.h>
#include <string.h>

enum { TICK_NS = 10000000, QUEUE_MS = 40, FRAME = 4, BLOCK = 512 };

struct sdl_audio {
    struct audio_sink sink;
    struct loop *loop;
    struct loop_timer timer;
    SDL_AudioDeviceID dev;
    u32 rate;
    struct stretch stretch;
};

static void fill(void *arg)
{
    struct sdl_audio *a = arg;
    u32 want = a->rate * QUEUE_MS / 1000, have = SDL_GetQueuedAudioSize(a->dev) / FRAME;
    s16 out[2 * BLOCK];
    bool any = have != 0;

    while (have < want) {
        u32 n = MIN(want - have, (u32)BLOCK);

        any |= stretch_get(&a->stretch, out, n);
        SDL_QueueAudio(a->dev, out, n * FRAME);
        have += n;
    }
    /* silence needs no timer: what comes next sets it again */
    a->timer.when = any ? host_now() + TICK_NS : LOOP_NEVER;
}

static void sdl_frames(struct audio_sink *sink, const s16 *stereo, size_t n)
{
    struct sdl_audio *a = container_of(sink, struct sdl_audio, sink);

    stretch_put(&a->stretch, stereo, n);
    if (a->timer.when == LOOP_NEVER) {
        a->timer.when = host_now() + TICK_NS;
        loop_sooner(a->loop, a->timer.when);
    }
}

static void sdl_silence(struct audio_sink *sink, u64 n) {}

struct audio_sink *sdl_audio_open(struct loop *loop, u32 rate, struct err *err)
{
    SDL_AudioSpec want = {
        .freq = (int)rate, .format = AUDIO_S16SYS, .channels = 2, .samples = 512};
    struct sdl_audio *a = calloc(1, sizeof(*a));

    if (!a) {
        err_set(err, "There is no memory for sound.");
        return NULL;
    }
    if (SDL_InitSubSystem(SDL_INIT_AUDIO) < 0 ||
        !(a->dev = SDL_OpenAudioDevice(NULL, 0, &want, NULL, 0))) {
        err_set(err, "-audiodev sdl: the host's sound cannot be opened: %s; use wav or none.",
                SDL_GetError());
        free(a);
        return NULL;
    }
    a->loop = loop;
    a->rate = rate;
    stretch_init(&a->stretch, rate);
    a->sink = (struct audio_sink){sdl_frames, sdl_silence, NULL};
    a->timer = (struct loop_timer){LOOP_NEVER, fill, a, NULL};
    loop_timer_add(loop, &a->timer);
    SDL_PauseAudioDevice(a->dev, 0);
    return &a->sink;
}

void sdl_audio_close(struct audio_sink *sink)
{
    struct sdl_audio *a = container_of(sink, struct sdl_audio, sink);

    loop_timer_remove(a->loop, &a->timer);
    SDL_CloseAudioDevice(a->dev);
    SDL_QuitSubSystem(SDL_INIT_AUDIO);
    free(a);
}

#else

struct audio_sink *sdl_audio_open(struct loop *loop, u32 rate, struct err *err)
{
    err_set(err, "This build has no SDL; install libsdl2-dev and configure again, or use "
                 "-audiodev wav or none.");
    return NULL;
}

void sdl_audio_close(struct audio_sink *sink) {}
#endif
