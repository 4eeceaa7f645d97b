/* The mixer CT1745, its older registers as views of the new ones, and the registers that choose
 * interrupt and DMA (Sound Blaster Series Hardware Programming Guide, chapter 4). */
#include "devices/audio/sb16_int.h"

#include <math.h>
#include <string.h>

enum {
    M_RESET = 0x00,
    M_VOICE_OLD = 0x04,
    M_MIC_OLD = 0x0a,
    M_OUTPUT_OLD = 0x0e,
    M_MASTER_OLD = 0x22,
    M_FM_OLD = 0x26,
    M_CD_OLD = 0x28,
    M_LINE_OLD = 0x2e,
    M_MASTER = 0x30,
    M_VOICE = 0x32,
    M_FM = 0x34,
    M_CD = 0x36,
    M_LINE = 0x38,
    M_MIC = 0x3a,
    M_SPEAKER = 0x3b,
    M_OUTPUTS = 0x3c,
    M_TREBLE = 0x44,
    M_LAST = 0x47,
    M_IRQ = 0x80,
    M_DMA = 0x81,
    M_STATUS = 0x82,
};

/* The register pair that an old register is a view of; 0: none. */
static u8 view_of(u8 n)
{
    switch (n) {
    case M_VOICE_OLD: return M_VOICE;
    case M_MASTER_OLD: return M_MASTER;
    case M_FM_OLD: return M_FM;
    case M_CD_OLD: return M_CD;
    case M_LINE_OLD: return M_LINE;
    default: return 0;
    }
}

void sb16_mixer_power_on(struct sb16 *s)
{
    static const u8 irqs[SB_IRQS] = {2, 5, 7, 10};
    u8 irq = 0;

    for (unsigned i = 0; i < SB_IRQS; i++) {
        if (irqs[i] == s->irq || (!i && s->irq == 9))
            irq = (u8)BIT(i);
    }
    s->r.mixer[M_IRQ] = irq;
    s->r.mixer[M_DMA] = (u8)(BIT(s->dma8) | (s->dma16 > 4 ? BIT(s->dma16) : 0));
}

void sb16_mixer_reset(struct sb16 *s)
{
    u8 irq = s->r.mixer[M_IRQ], dma = s->r.mixer[M_DMA];

    memset(s->r.mixer, 0, sizeof(s->r.mixer));
    memset(s->r.mixer + M_MASTER, 24 << 3, 6);
    s->r.mixer[M_OUTPUTS] = 0x1f;
    s->r.mixer[0x3d] = 0x15;
    s->r.mixer[0x3e] = 0x0b;
    memset(s->r.mixer + M_TREBLE, 0x80, 4);
    s->r.mixer[M_IRQ] = irq;
    s->r.mixer[M_DMA] = dma;
    sb16_mixer_apply(s);
}

/* Steps of 2 dB. What a card does above the loudness it starts with is left out: its amplifier's
 * headroom is not there, and would be noise. */
static double level(u8 v)
{
    int n = v >> 3;

    return n ? exp2((MIN(n, 24) - 24) / 3.0) : 0;
}

static u16 gain(const struct sb16 *s, u8 source, unsigned side)
{
    return (u16)lrint(256 * level(s->r.mixer[M_MASTER + side]) *
                      level(s->r.mixer[source + side]));
}

unsigned sb16_voice_gain(const struct sb16 *s, unsigned side)
{
    return gain(s, M_VOICE, side);
}

void sb16_mixer_apply(struct sb16 *s)
{
    opl3_gain(&s->opl, gain(s, M_FM, 0), gain(s, M_FM, 1));
}

unsigned sb16_channel(const struct sb16 *s, bool wide)
{
    u8 dma = s->r.mixer[M_DMA];

    for (unsigned ch = 5; wide && ch < 8; ch++) {
        if (dma & BIT(ch))
            return ch;
    }
    /* words go by a channel of bytes when no other is chosen */
    for (unsigned ch = 0; ch < 4; ch++) {
        if ((dma & BIT(ch)) && ch != 2)
            return ch;
    }
    return 8;
}

u8 sb16_mixer_read(struct sb16 *s)
{
    u8 n = s->r.index, pair = view_of(n);

    if (pair)
        return (u8)((s->r.mixer[pair] & 0xf0) | s->r.mixer[pair + 1] >> 4);
    switch (n) {
    case M_MIC_OLD: return s->r.mixer[M_MIC] >> 5;
    case M_STATUS: return (u8)(s->r.irqs | (s->r.mpu.ready ? SB_IRQ_MPU : 0));
    default: return s->r.mixer[n];
    }
}

/* The bits of a register that exist. */
static u8 mask_of(u8 n)
{
    if (n >= M_MASTER && n <= M_MIC)
        return 0xf8;
    if (n == M_SPEAKER || (n >= 0x3f && n <= 0x42))
        return 0xc0;
    if (n >= M_TREBLE && n <= M_LAST)
        return 0xf0;
    switch (n) {
    case M_OUTPUTS: return 0x1f;
    case 0x3d:
    case 0x3e: return 0x7f;
    case 0x43: return 0x01;
    case M_IRQ: return 0x0f;
    case M_DMA: return 0xeb;
    case M_STATUS: return 0;
    default: return 0xff;
    }
}

void sb16_mixer_write(struct sb16 *s, u8 v)
{
    u8 n = s->r.index, pair = view_of(n);

    sb16_pcm_advance(s);
    if (n == M_RESET) {
        sb16_mixer_reset(s);
    } else if (pair) {
        s->r.mixer[pair] = v & 0xf0;
        s->r.mixer[pair + 1] = (u8)(v << 4);
    } else if (n == M_MIC_OLD) {
        s->r.mixer[M_MIC] = (u8)(v << 5);
    } else {
        s->r.mixer[n] = v & mask_of(n);
    }
    sb16_mixer_apply(s);
}
