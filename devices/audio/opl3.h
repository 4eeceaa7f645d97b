/* Yamaha YMF262 (OPL3), the FM synthesizer of Sound Blaster and AdLib cards: 18 channels, embedded in
 * the card's instance. */
#ifndef DEVICES_AUDIO_OPL3_H
#define DEVICES_AUDIO_OPL3_H

#include "devices/core/dev.h"
#include "devices/core/ports.h"

/* The chip's clock of 14.31818 MHz, a sample every 288. */
enum { OPL3_RATE = 49716, OPL3_SLOTS = 36, OPL3_CHANNELS = 18 };

/* Saved with the card: OPL3_FIELDS in its table. */
struct opl3_regs {
    u8 reg[512]; /* as written */
    u64 timer_start[2]; /* ns; timers are functions of the time since */
    u32 phase[OPL3_SLOTS]; /* 10.9 bits */
    u32 noise, count, vibrato;
    u16 env[OPL3_SLOTS]; /* attenuation, 0..511 */
    u16 out[2 * OPL3_SLOTS]; /* the last two outputs, signed */
    u8 stage[OPL3_SLOTS];    /* enum opl3_stage */
    u8 key[OPL3_SLOTS];      /* 1: by the channel, 2: by the rhythm register */
    u8 index[2];             /* register that the data ports reach, low bits and bank */
    u8 flags;                /* timers that ran over before they were started anew */
    u8 pad[9];
};
enum opl3_stage { OPL3_OFF, OPL3_ATTACK, OPL3_DECAY, OPL3_SUSTAIN, OPL3_RELEASE };

#define OPL3_FIELDS(m)                                                                             \
    FA(m.reg, FT_U8, 0, "FM registers"), FA(m.timer_start, FT_U64, 0, "start of the FM timers"),   \
        FA(m.phase, FT_U32, 0, "phases"), F(m.noise, FT_U32, 1, "noise"),                          \
        F(m.count, FT_U32, 0, "samples so far"), F(m.vibrato, FT_U32, 0, "vibrato"),               \
        FA(m.env, FT_U16, 511, "attenuations"), FA(m.out, FT_U16, 0, "outputs"),                   \
        FA(m.stage, FT_U8, 0, "envelope stages"), FA(m.key, FT_U8, 0, "keys"),                     \
        FA(m.index, FT_U8, 0, "FM register index"), F(m.flags, FT_U8, 0, "FM timer flags"),        \
        F(m.pad, FT_BYTES, 0, "unused")

struct opl3 {
    struct opl3_regs *r;
    struct clock *clock;
    struct audio_voice *voice;
    u16 gain[2]; /* 256: full, left and right */
    struct timer timer;
    bool sounding;
    u64 frame;       /* the next one to make */
    u16 logsin[256]; /* -log2 of the first quarter of a sine, 256 to the octave */
    u16 exp[256];    /* 2^(1 - i/256), 1024 to the octave */
};

/* From the card's init. */
void opl3_init(struct opl3 *o, struct opl3_regs *r, struct clock *clock, const char *name);
/* From the card's reset, saving and loaded. */
void opl3_reset(struct opl3 *o);
void opl3_saving(struct opl3 *o);
void opl3_loaded(struct opl3 *o);
/* The four ports: index and data of both banks; reads give the status. */
u8 opl3_read(struct opl3 *o, unsigned port);
void opl3_write(struct opl3 *o, unsigned port, u8 v);
/* The card's mixer sets how loud it is; what was made before keeps the loudness it had. */
void opl3_gain(struct opl3 *o, u16 left, u16 right);

/* opl3_synth.c */
void opl3_tables(struct opl3 *o);
/* The next sample of all channels. */
void opl3_sample(struct opl3 *o, s32 out[2]);
void opl3_key(struct opl3 *o, unsigned slot, u8 by, bool on);
/* Is no operator audible? */
bool opl3_silent(const struct opl3 *o);

#endif
