/* Samples of the Sound Blaster 16: by DMA at the DSP's rate, by software one at a time, silence.
 * What is due is computed from the clock; events come at ends of blocks and every 10 ms. */
#include "devices/audio/sb16_int.h"

#include "devices/core/bits.h"
#include "devices/irq/i8237.h"

enum { TICK_MS = 10, RETRY_NS = 1000000, CHUNK = 1024, DIRECT_RATE = 192000 };

/* Bytes that are heard at once, and frames that they last. */
static unsigned unit_bytes(const struct sb16 *s)
{
    return s->r.adpcm ? 1 : (s->r.wide ? 2u : 1u) << s->r.stereo;
}

static unsigned unit_frames(const struct sb16 *s)
{
    return sb_adpcm_samples((enum sb_adpcm)s->r.adpcm);
}

static u32 hz(const struct sb16 *s)
{
    return (s->r.rate + s->r.per / 2) / s->r.per;
}

static u64 frame_ns(const struct sb16 *s, u64 frame)
{
    return s->r.start + muldiv64(frame, NS_PER_SEC * s->r.per, s->r.rate);
}

static void restart(struct sb16 *s)
{
    s->r.start = clock_now(s->dev.env.clock);
    s->r.frames = 0;
}

static bool running(const struct sb16 *s)
{
    return s->r.play && !s->r.paused;
}

void sb16_pcm_arm(struct sb16 *s)
{
    unsigned ch = sb16_channel(s, s->r.wide);
    u64 units, tick;

    if (s->dma && ch < 8)
        i8237_set_dreq(s->dma, (int)ch, s->r.play == SB_DMA && !s->r.paused);
    if (!running(s)) {
        timer_cancel(&s->timer);
        return;
    }
    units = (s->r.left + unit_bytes(s) - 1) / unit_bytes(s);
    tick = (u64)hz(s) * TICK_MS / 1000 / unit_frames(s) + 1;
    timer_set(&s->timer,
              frame_ns(s, s->r.frames + MIN(units, tick) * unit_frames(s)) + 1);
}

/* ---- what is heard ---- */

static void sound(struct sb16 *s, const u8 *p, size_t units)
{
    unsigned size = unit_bytes(s), per = unit_frames(s), width = s->r.wide ? 2 : 1;
    s32 gain[2] = {(s32)sb16_voice_gain(s, 0), (s32)sb16_voice_gain(s, 1)};
    s16 out[2 * 4 * CHUNK];
    size_t n = 0;

    for (size_t i = 0; i < units; i++, p += size) {
        u8 part[4];

        if (s->r.adpcm)
            sb_adpcm_unpack((enum sb_adpcm)s->r.adpcm, *p, &s->r.ref, &s->r.step, part);
        for (unsigned k = 0; k < per; k++, n++) {
            for (unsigned c = 0; c < 2; c++) {
                const u8 *q = p + (s->r.stereo ? c * width : 0);
                s32 v;

                if (s->r.adpcm)
                    v = (part[k] - 128) * 256;
                else if (s->r.wide)
                    v = s->r.sign ? (s16)ld16(q) : ld16(q) - 32768;
                else
                    v = (s->r.sign ? (s8)*q : *q - 128) * 256;
                out[2 * n + c] = (s16)(v * gain[c] / 256);
            }
        }
    }
    audio_samples(s->voice, frame_ns(s, s->r.frames), out, n, hz(s));
}

/* ---- transfers ---- */

static void block_done(struct sb16 *s)
{
    s->r.irqs |= s->r.wide ? SB_IRQ16 : SB_IRQ8;
    if (s->r.play == SB_DMA && s->r.autoinit && !s->r.ending) {
        s->r.left = s->r.len;
        return;
    }
    s->r.play = SB_IDLE;
    s->r.ending = 0;
}

/* Move up to `units`; returns how many the guest's DMA gave or took. */
static size_t transfer(struct sb16 *s, size_t units)
{
    unsigned size = unit_bytes(s), ch = sb16_channel(s, s->r.wide);
    u8 buf[4 * CHUNK];
    size_t n = MIN(units * size, (size_t)s->r.left), got = 0;
    bool skip = s->r.want_ref;

    if (s->r.play == SB_SILENCE) {
        got = n;
    } else if (s->r.input) {
        for (size_t i = 0; i < n; i++) /* nobody sings: the middle of the range */
            buf[i] = s->r.sign ? 0 : s->r.wide && !(i & 1) ? 0 : 0x80;
        got = ch < 8 && s->dma ? i8237_transfer(s->dma, ch, buf, n, true, NULL) : 0;
    } else if (ch < 8 && s->dma) {
        got = i8237_transfer(s->dma, ch, buf, n, false, NULL);
        if (skip && got) { /* the first byte of ADPCM is a sample as it is */
            s->r.ref = buf[0];
            s->r.step = 0;
            s->r.want_ref = 0;
        }
        if (got / size > skip)
            sound(s, buf + skip, got / size - skip);
    }
    s->r.left -= (u32)got;
    return (got + size - 1) / size;
}

void sb16_pcm_advance(struct sb16 *s)
{
    u64 now = clock_now(s->dev.env.clock), due, per = unit_frames(s);
    u64 limit = 4 * (u64)hz(s);

    if (!running(s) || now < s->r.start)
        return;
    due = muldiv64(now - s->r.start, s->r.rate, NS_PER_SEC * s->r.per);
    due = due > s->r.frames ? due - s->r.frames : 0;
    if (due > limit) { /* what is seconds late was lost */
        restart(s);
        due = limit / 4;
    }
    while (due >= per && running(s)) {
        size_t got = transfer(s, (size_t)MIN(due / per, (u64)CHUNK));

        if (!got) { /* the channel is not open yet: the DSP waits for it */
            restart(s);
            sb16_update_irq(s);
            sb16_pcm_arm(s);
            timer_set(&s->timer, now + RETRY_NS);
            return;
        }
        s->r.frames += got * per;
        due -= MIN(due, got * per);
        if (!s->r.left)
            block_done(s);
    }
    sb16_update_irq(s);
    sb16_pcm_arm(s);
}

static void tick(void *arg, u64 now)
{
    struct sb16 *s = arg;

    sb16_pcm_advance(s);
}

void sb16_pcm_init(struct sb16 *s)
{
    timer_init(&s->timer, s->dev.env.clock, tick, s, "sb16");
}

void sb16_pcm_start(struct sb16 *s, u32 bytes)
{
    s->r.len = s->r.left = bytes;
    s->r.paused = s->r.ending = 0;
    restart(s);
    sb16_pcm_arm(s);
}

void sb16_pcm_stop(struct sb16 *s)
{
    s->r.play = SB_IDLE;
    s->r.paused = s->r.ending = 0;
    sb16_pcm_arm(s);
}

void sb16_pcm_pause(struct sb16 *s, bool on)
{
    if (!s->r.play || !!s->r.paused == on)
        return;
    s->r.paused = on;
    restart(s);
    sb16_pcm_arm(s);
}

void sb16_pcm_rate(struct sb16 *s, u32 rate, u32 per)
{
    restart(s);
    s->r.rate = rate;
    s->r.per = per;
    sb16_pcm_arm(s);
}

/* A sample of software lasts until the next one, at most 20 ms. */
void sb16_pcm_direct(struct sb16 *s, u8 v)
{
    u64 now = clock_now(s->dev.env.clock), from, to;
    s16 out[2 * CHUNK];

    from = muldiv64(s->r.direct_at, DIRECT_RATE, NS_PER_SEC);
    to = muldiv64(now, DIRECT_RATE, NS_PER_SEC);
    if (to - from > DIRECT_RATE / 50)
        from = to;
    while (from < to) {
        size_t n = (size_t)MIN(to - from, (u64)CHUNK);

        for (size_t i = 0; i < 2 * n; i++)
            out[i] = (s16)((s->r.direct - 128) * (s32)sb16_voice_gain(s, i & 1));
        audio_samples(s->direct_voice, muldiv64(from, NS_PER_SEC, DIRECT_RATE), out, n,
                      DIRECT_RATE);
        from += n;
    }
    s->r.direct_at = now;
    s->r.direct = v;
}
