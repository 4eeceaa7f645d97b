/* OPL3: operators, envelopes and channels, sample by sample. Levels are logarithms: the sine and
 * the power of two are tables of 256 as the chip has them, computed from their formulas (YMF262 data
 * sheet; YM3812 Application Manual). */
#include "devices/audio/opl3.h"

#include <math.h>

enum { QUIET = 511, LEVEL_MAX = 0x1fff, PHASE_MASK = (1 << 19) - 1 };
enum { R_FOUR = 0x104, R_NEW = 0x105, R_NTS = 0x08, R_RHYTHM = 0xbd };
enum { AM = 0x80, VIB = 0x40, EGT = 0x20, KSR = 0x10 };

void opl3_tables(struct opl3 *o)
{
    const double pi = 3.14159265358979323846;

    for (int i = 0; i < 256; i++) {
        o->logsin[i] = (u16)lrint(-log2(sin((i + 0.5) * pi / 512)) * 256);
        o->exp[i] = (u16)(lrint((exp2((255 - i) / 256.0) - 1) * 1024) + 1024);
    }
}

/* ---- where things are ---- */

/* Slot 0..35: in each bank of 18, groups of six with three first and three second operators. */
static unsigned slot_reg(unsigned slot, unsigned base)
{
    unsigned n = slot % 18;

    return base + n % 6 + n / 6 * 8 + (slot >= 18 ? 0x100 : 0);
}

static unsigned slot_channel(unsigned slot)
{
    unsigned n = slot % 18;

    return n / 6 * 3 + n % 3 + (slot >= 18 ? 9 : 0);
}

static unsigned channel_reg(unsigned ch, unsigned base)
{
    return base + ch % 9 + (ch >= 9 ? 0x100 : 0);
}

/* Of four operators the second two go by the first channel's frequency. */
static unsigned pitch_channel(const struct opl3_regs *r, unsigned ch)
{
    unsigned n = ch % 9, pair = n % 3 + (ch >= 9 ? 3 : 0);

    if (n >= 3 && n < 6 && (r->reg[R_NEW] & 1) && (r->reg[R_FOUR] & BIT(pair)))
        return ch - 3;
    return ch;
}

struct pitch {
    unsigned fnum, block;
};

static struct pitch slot_pitch(const struct opl3_regs *r, unsigned slot)
{
    unsigned ch = pitch_channel(r, slot_channel(slot));
    u8 high = r->reg[channel_reg(ch, 0xb0)];

    return (struct pitch){r->reg[channel_reg(ch, 0xa0)] | (high & 3u) << 8, high >> 2 & 7u};
}

/* ---- envelopes ---- */

void opl3_key(struct opl3 *o, unsigned slot, u8 by, bool on)
{
    struct opl3_regs *r = o->r;
    u8 old = r->key[slot];

    r->key[slot] = on ? old | by : old & (u8)~by;
    if (r->key[slot] && !old) {
        r->stage[slot] = OPL3_ATTACK;
        r->phase[slot] = 0;
    } else if (!r->key[slot] && old && r->stage[slot] != OPL3_OFF) {
        r->stage[slot] = OPL3_RELEASE;
    }
}

bool opl3_silent(const struct opl3 *o)
{
    for (unsigned i = 0; i < OPL3_SLOTS; i++) {
        if (o->r->stage[i] != OPL3_OFF)
            return false;
    }
    return true;
}

/* 0..63: four times the register's rate, and faster for high notes. */
static unsigned full_rate(const struct opl3_regs *r, unsigned slot, unsigned rate)
{
    struct pitch p = slot_pitch(r, slot);
    unsigned note = p.block << 1 | (p.fnum >> (r->reg[R_NTS] & 0x40 ? 8 : 9) & 1);
    unsigned all = 4 * rate + (note >> (r->reg[slot_reg(slot, 0x20)] & KSR ? 0 : 2));

    return rate ? MIN(all, 63u) : 0;
}

/* By how much an envelope moves in this sample: the low two bits of the rate spread steps over
 * eight turns, the high four say how often turns come. */
static unsigned env_step(u32 count, unsigned rate)
{
    static const u8 turns[4] = {0xaa, 0xba, 0xee, 0xfe}; /* bit n: turn n has its step */
    unsigned high = rate >> 2, shift = high < 12 ? 12 - high : 0, extra;

    if (rate < 4 || (count & (BIT(shift) - 1)))
        return 0;
    extra = turns[rate & 3] >> (count >> shift & 7) & 1;
    if (high < 12)
        return extra;
    if (high == 15)
        return 8;
    if ((rate & 3) == 0)
        extra = 0;
    else if ((rate & 3) == 1)
        extra = (count & 3) == 3;
    else
        extra = (rate & 3) == 2 ? count & 1 : (count & 3) != 0;
    return (1 + extra) << (high - 12);
}

static void decay_to(struct opl3_regs *r, unsigned slot, unsigned rate, unsigned limit, u8 then)
{
    unsigned env = r->env[slot] + env_step(r->count, full_rate(r, slot, rate));

    r->env[slot] = (u16)MIN(env, (unsigned)QUIET);
    if (r->env[slot] >= limit)
        r->stage[slot] = then;
}

static void envelope(struct opl3_regs *r, unsigned slot)
{
    u8 ad = r->reg[slot_reg(slot, 0x60)], sr = r->reg[slot_reg(slot, 0x80)];
    unsigned level = sr >> 4 == 15 ? 31 : sr >> 4, rate;

    switch (r->stage[slot]) {
    case OPL3_ATTACK:
        rate = full_rate(r, slot, ad >> 4);
        if (rate >= 60)
            r->env[slot] = 0;
        else
            r->env[slot] = (u16)(r->env[slot] -
                                 ((r->env[slot] + 1) * env_step(r->count, rate) + 7) / 8);
        if (r->env[slot] == 0 || r->env[slot] > QUIET) {
            r->env[slot] = 0;
            r->stage[slot] = OPL3_DECAY;
        }
        break;
    case OPL3_DECAY: decay_to(r, slot, ad & 15, MIN(level << 4, 511u), OPL3_SUSTAIN); break;
    case OPL3_SUSTAIN:
        if (!(r->reg[slot_reg(slot, 0x20)] & EGT))
            decay_to(r, slot, sr & 15, QUIET, OPL3_OFF);
        break;
    case OPL3_RELEASE: decay_to(r, slot, sr & 15, QUIET, OPL3_OFF); break;
    default: break;
    }
}

/* Attenuation that grows with the note: 8/log2 steps of 3/8 dB for a fnum, 24 for an octave at most,
 * rounded up as the chip's table is. */
static unsigned key_scale(const struct opl3_regs *r, unsigned slot)
{
    static const u8 steps[16] = {0, 32, 40, 45, 48, 51, 53, 55, 56, 58, 59, 60, 61, 62, 63, 64};
    static const u8 shift[4] = {8, 1, 2, 0};
    struct pitch p = slot_pitch(r, slot);
    int v = steps[p.fnum >> 6] * 4 - (int)(8 - p.block) * 32;

    return v < 0 ? 0 : (unsigned)v >> shift[r->reg[slot_reg(slot, 0x40)] >> 6];
}

static unsigned tremolo(const struct opl3_regs *r)
{
    unsigned at = r->count / 64 % 210;

    return (at < 105 ? at : 210 - at) >> (r->reg[R_RHYTHM] & 0x80 ? 2 : 4);
}

static unsigned attenuation(const struct opl3_regs *r, unsigned slot)
{
    unsigned v = r->env[slot] + ((r->reg[slot_reg(slot, 0x40)] & 63u) << 2) + key_scale(r, slot);

    if (r->reg[slot_reg(slot, 0x20)] & AM)
        v += tremolo(r);
    return MIN(v, (unsigned)QUIET);
}

/* ---- phases ---- */

static u32 phase_step(const struct opl3_regs *r, unsigned slot)
{
    static const u8 twice[16] = {1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 20, 24, 24, 30, 30};
    struct pitch p = slot_pitch(r, slot);
    u8 flags = r->reg[slot_reg(slot, 0x20)];
    int fnum = (int)p.fnum;

    if (flags & VIB) {
        int by = fnum >> 7 & 7;

        if (!(r->vibrato & 3))
            by = 0;
        else if (r->vibrato & 1)
            by >>= 1;
        by >>= r->reg[R_RHYTHM] & 0x40 ? 0 : 1;
        fnum += r->vibrato & 4 ? -by : by;
    }
    return (((u32)fnum << p.block >> 1) * twice[flags & 15]) >> 1;
}

/* ---- operators ---- */

/* Logarithm of the wave's value at a phase of ten bits, LEVEL_MAX where it is 0; *negative tells its
 * sign. */
static unsigned wave(const struct opl3 *o, unsigned form, unsigned ph, bool *negative)
{
    unsigned twice = ph << 1 & 0x3ff;

    *negative = ph & 0x200;
    switch (form) {
    case 0: break;
    case 1:
        if (ph & 0x200)
            return LEVEL_MAX;
        break;
    case 2: *negative = false; break;
    case 3:
        *negative = false;
        if (ph & 0x100)
            return LEVEL_MAX;
        break;
    case 4:
    case 5:
        *negative = form == 4 && (ph & 0x100);
        if (ph & 0x200)
            return LEVEL_MAX;
        ph = twice;
        break;
    case 6: return 0;
    default: return (ph & 0x200 ? ~ph & 0x1ff : ph & 0x1ff) << 3;
    }
    return o->logsin[ph & 0x100 ? ~ph & 0xff : ph & 0xff];
}

/* One operator at a phase of ten bits. */
static s32 operate(struct opl3 *o, unsigned slot, unsigned ph)
{
    struct opl3_regs *r = o->r;
    unsigned form = r->reg[slot_reg(slot, 0xe0)] & (r->reg[R_NEW] & 1 ? 7 : 3), level;
    bool negative;
    s32 v;

    level = wave(o, form, ph & 0x3ff, &negative) + (attenuation(r, slot) << 3);
    level = MIN(level, (unsigned)LEVEL_MAX);
    v = o->exp[level & 0xff] << 1 >> (level >> 8);
    v = negative ? -v : v;
    r->out[2 * slot + 1] = r->out[2 * slot];
    r->out[2 * slot] = (u16)v;
    return v;
}

static s32 play(struct opl3 *o, unsigned slot, s32 modulation)
{
    if (o->r->stage[slot] == OPL3_OFF) {
        o->r->out[2 * slot + 1] = o->r->out[2 * slot] = 0;
        return 0;
    }
    return operate(o, slot, (o->r->phase[slot] >> 9) + (u32)modulation);
}

static s32 play_first(struct opl3 *o, unsigned slot, unsigned ch)
{
    unsigned fb = o->r->reg[channel_reg(ch, 0xc0)] >> 1 & 7;
    s32 sum = (s16)o->r->out[2 * slot] + (s16)o->r->out[2 * slot + 1];

    return play(o, slot, fb ? sum >> (9 - fb) : 0);
}

/* ---- channels ---- */

static s32 channel_two(struct opl3 *o, unsigned slot, unsigned ch)
{
    s32 first = play_first(o, slot, ch);

    if (o->r->reg[channel_reg(ch, 0xc0)] & 1)
        return first + play(o, slot + 3, 0);
    return play(o, slot + 3, first);
}

static s32 channel_four(struct opl3 *o, unsigned slot, unsigned ch)
{
    unsigned form = (o->r->reg[channel_reg(ch, 0xc0)] & 1u) << 1 |
                    (o->r->reg[channel_reg(ch + 3, 0xc0)] & 1u);
    s32 a = play_first(o, slot, ch), b, c;

    b = play(o, slot + 3, form & 2 ? 0 : a);
    switch (form) {
    case 0: return play(o, slot + 9, play(o, slot + 6, b));
    case 1: return b + play(o, slot + 9, play(o, slot + 6, 0));
    case 2: return a + play(o, slot + 9, play(o, slot + 6, b));
    default:
        c = play(o, slot + 6, b);
        return a + c + play(o, slot + 9, 0);
    }
}

static s32 drum(struct opl3 *o, unsigned slot, unsigned ph)
{
    return o->r->stage[slot] == OPL3_OFF ? 0 : 2 * operate(o, slot, ph);
}

static unsigned bit(u32 v, unsigned n)
{
    return v >> n & 1;
}

/* Channels 6 to 8 of the first bank as five drums; hi-hat, snare and cymbal mix bits of two phases
 * and noise. */
static s32 rhythm(struct opl3 *o, unsigned ch)
{
    struct opl3_regs *r = o->r;
    u32 hat = r->phase[13] >> 9, cymbal = r->phase[17] >> 9;
    unsigned noise = r->noise & 1;
    unsigned mix = (bit(hat, 2) ^ bit(hat, 7)) | (bit(hat, 3) ^ bit(cymbal, 5)) |
                   (bit(cymbal, 3) ^ bit(cymbal, 5));

    if (ch == 6) {
        s32 first = play_first(o, 12, 6);

        return 2 * play(o, 15, r->reg[0xc6] & 1 ? 0 : first);
    }
    if (ch == 7)
        return drum(o, 13, mix << 9 | (mix ^ noise ? 0xd0u : 0x34u)) +
               drum(o, 16, bit(hat, 8) << 9 | (bit(hat, 8) ^ noise) << 8);
    return drum(o, 14, r->phase[14] >> 9) + drum(o, 17, mix << 9 | 0x80u);
}

static s32 channel(struct opl3 *o, unsigned ch)
{
    static const u8 first[9] = {0, 1, 2, 6, 7, 8, 12, 13, 14};
    const struct opl3_regs *r = o->r;
    unsigned slot = first[ch % 9] + (ch >= 9 ? 18u : 0), pair = ch % 3 + (ch >= 9 ? 3 : 0);

    if (ch % 9 < 6 && (r->reg[R_NEW] & 1) && (r->reg[R_FOUR] & BIT(pair)))
        return ch % 9 < 3 ? channel_four(o, slot, ch) : 0;
    if (ch >= 6 && ch <= 8 && (r->reg[R_RHYTHM] & 0x20))
        return rhythm(o, ch);
    if (o->r->stage[slot] == OPL3_OFF && o->r->stage[slot + 3] == OPL3_OFF)
        return 0;
    return channel_two(o, slot, ch);
}

void opl3_sample(struct opl3 *o, s32 out[2])
{
    struct opl3_regs *r = o->r;

    out[0] = out[1] = 0;
    for (unsigned ch = 0; ch < OPL3_CHANNELS; ch++) {
        u8 sides = r->reg[R_NEW] & 1 ? r->reg[channel_reg(ch, 0xc0)] >> 4 & 3 : 3;
        s32 v = channel(o, ch);

        out[0] += sides & 1 ? v : 0;
        out[1] += sides & 2 ? v : 0;
    }
    for (unsigned s = 0; s < OPL3_SLOTS; s++) {
        /* the hi-hat's and the cymbal's phases are heard through others, too */
        if (r->stage[s] == OPL3_OFF && s != 13 && s != 17)
            continue;
        envelope(r, s);
        r->phase[s] = (r->phase[s] + phase_step(r, s)) & PHASE_MASK;
    }
    r->count++;
    if (!(r->count & 1023))
        r->vibrato = (r->vibrato + 1) & 7;
    r->noise = r->noise >> 1 | ((r->noise ^ r->noise >> 14) & 1) << 22;
}
