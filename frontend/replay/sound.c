/* Sound passes between devices and the host, unless it was heard before. */
#include "frontend/replay/replay_int.h"

static void samples(struct audio_voice *dev, u64 when, const s16 *stereo, size_t frames, u32 rate)
{
    struct rr_voice *v = container_of(dev, struct rr_voice, dev);

    if (!rr_quiet(v->rp))
        audio_samples(v->host, when, stereo, frames, rate);
}

static struct audio_voice *voice(struct audio_out *out, const char *name)
{
    struct rr_sound *s = container_of(out, struct rr_sound, dev);
    struct rr_voice *v = &s->voice[s->n];
    struct audio_voice *host = s->n < RR_VOICES ? audio_voice(s->host, name) : NULL;

    if (!host)
        return NULL;
    *v = (struct rr_voice){.dev = {.samples = samples}, .host = host, .rp = s->rp};
    s->n++;
    return &v->dev;
}

struct audio_out *rr_wrap_sound(struct replay *rp, unsigned index, struct audio_out *host)
{
    struct rr_sound *s = &rp->sound[index];

    if (!host)
        return NULL;
    s->dev = (struct audio_out){.voice = voice};
    s->host = host;
    s->rp = rp;
    return &s->dev;
}
