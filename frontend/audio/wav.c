/* Sound to a file in the form of RIFF WAVE, PCM (Multimedia Programming Interface and Data
 * Specifications 1.0). The file begins with the first sound; pauses are holes in it. */
#include "frontend/audio/audio.h"
#include "frontend/audio/mixer.h"

#include "devices/core/bits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 44, FRAME = 4 };
/* Sizes in the header have 32 bits. */
#define MAX_FRAMES ((0xffffffffull - HEAD) / FRAME)

struct wav {
    struct audio_sink sink;
    FILE *f;
    char *path;
    u32 rate;
    u64 frames, told; /* told: as many as the header says */
    bool begun, full;
};

static void write_head(struct wav *w)
{
    u32 bytes = (u32)(w->frames * FRAME);
    u8 h[HEAD] = "RIFF....WAVEfmt ";

    memcpy(h + 36, "data", 4);
    st32(h + 4, bytes + HEAD - 8);
    st32(h + 16, 16);
    st16(h + 20, 1);
    st16(h + 22, 2);
    st32(h + 24, w->rate);
    st32(h + 28, w->rate * FRAME);
    st16(h + 32, FRAME);
    st16(h + 34, 16);
    st32(h + 40, bytes);
    if (fseeko(w->f, 0, SEEK_SET) || fwrite(h, HEAD, 1, w->f) != 1)
        w->full = true;
    fseeko(w->f, (off_t)(HEAD + w->frames * FRAME), SEEK_SET);
    w->told = w->frames;
}

/* Is there room for n more? A file that is full or that the host cannot write stays as it is. */
static bool room(struct wav *w, u64 n)
{
    if (!w->full && w->frames + n > MAX_FRAMES)
        w->full = true;
    if (w->full && w->frames)
        fprintf(stderr, "dragoman: no more sound is written to '%s'\n", w->path), w->frames = 0;
    return !w->full;
}

static void wav_frames(struct audio_sink *sink, const s16 *stereo, size_t n)
{
    struct wav *w = container_of(sink, struct wav, sink);
    u8 buf[FRAME * 256];

    for (size_t i = 0; !w->begun && i < 2 * n; i++)
        w->begun = stereo[i] != 0;
    if (!w->begun)
        return;
    while (n && room(w, n)) {
        size_t k = MIN(n, sizeof(buf) / FRAME);

        for (size_t i = 0; i < 2 * k; i++)
            st16(buf + 2 * i, (u16)stereo[i]);
        if (fwrite(buf, FRAME, k, w->f) != k)
            w->full = true;
        else
            w->frames += k;
        stereo += 2 * k;
        n -= k;
    }
    /* a program that is killed leaves a file that plays nevertheless */
    if (!w->full && w->frames - w->told >= w->rate)
        write_head(w);
}

static void wav_silence(struct audio_sink *sink, u64 n)
{
    struct wav *w = container_of(sink, struct wav, sink);

    if (!w->begun || n > MAX_FRAMES || !room(w, n))
        return;
    w->frames += n;
    fseeko(w->f, (off_t)(HEAD + w->frames * FRAME), SEEK_SET);
}

struct audio_sink *wav_open(const char *path, u32 rate, struct err *err)
{
    struct wav *w = calloc(1, sizeof(*w));

    if (!w || !(w->path = strdup(path))) {
        free(w);
        err_set(err, "There is no memory for sound.");
        return NULL;
    }
    w->f = fopen(path, "wb");
    if (!w->f) {
        err_set(err, "Cannot write '%.300s': %s.", path, strerror(errno));
        free(w->path);
        free(w);
        return NULL;
    }
    w->rate = rate;
    w->sink = (struct audio_sink){wav_frames, wav_silence, NULL};
    write_head(w);
    return &w->sink;
}

void wav_close(struct audio_sink *sink)
{
    struct wav *w = container_of(sink, struct wav, sink);

    if (!w->full)
        write_head(w);
    if (fclose(w->f))
        fprintf(stderr, "dragoman: cannot write '%s': %s\n", w->path, strerror(errno));
    free(w->path);
    free(w);
}

const char *wav_path(const struct audio_sink *sink, u64 *frames)
{
    const struct wav *w = container_of(sink, struct wav, sink);

    *frames = w->frames;
    return w->path;
}
