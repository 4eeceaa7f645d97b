/* Each code is a sign and a magnitude; the step doubles after the largest one and halves after zero
 * (Sound Blaster Series Hardware Programming Guide, chapter 6, "ADPCM"). */
#include "devices/audio/sb_adpcm.h"

static const struct {
    u8 samples, bits, most, steps;
} kinds[SB_ADPCM_KINDS] = {
    [SB_ADPCM_NONE] = {1, 0, 0, 0},
    [SB_ADPCM_4] = {2, 4, 5, 3},
    [SB_ADPCM_26] = {3, 3, 3, 4},
    [SB_ADPCM_2] = {4, 2, 1, 5},
};

unsigned sb_adpcm_samples(enum sb_adpcm kind)
{
    return kinds[kind].samples;
}

static u8 decode(enum sb_adpcm kind, unsigned code, u8 *ref, u8 *step)
{
    unsigned half = 1u << (kinds[kind].bits - 1), mag = code & (half - 1);
    int by = (int)((2 * mag + 1) << MIN(*step, kinds[kind].steps) >> 1);
    int v = *ref + (code & half ? -by : by);

    if (mag >= kinds[kind].most && *step < kinds[kind].steps)
        ++*step;
    else if (!mag && *step)
        --*step;
    return *ref = (u8)(v < 0 ? 0 : v > 255 ? 255 : v);
}

void sb_adpcm_unpack(enum sb_adpcm kind, u8 byte, u8 *ref, u8 *step, u8 out[4])
{
    switch (kind) {
    case SB_ADPCM_4:
        out[0] = decode(kind, byte >> 4, ref, step);
        out[1] = decode(kind, byte & 15, ref, step);
        break;
    case SB_ADPCM_26: /* the third has two bits: its magnitude is even */
        out[0] = decode(kind, byte >> 5, ref, step);
        out[1] = decode(kind, byte >> 2 & 7, ref, step);
        out[2] = decode(kind, (byte & 3u) << 1, ref, step);
        break;
    case SB_ADPCM_2:
        for (int i = 0; i < 4; i++)
            out[i] = decode(kind, byte >> (6 - 2 * i) & 3, ref, step);
        break;
    default: out[0] = byte; break;
    }
}
