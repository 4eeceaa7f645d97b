/* The parts of the Sound Blaster 16; private to this folder. */
#ifndef DEVICES_AUDIO_SB16_INT_H
#define DEVICES_AUDIO_SB16_INT_H

#include "devices/audio/mpu401.h"
#include "devices/audio/opl3.h"
#include "devices/audio/sb16.h"
#include "devices/audio/sb_adpcm.h"
#include "devices/core/fifo.h"
#include "mmu/bus.h"

struct i8237;

enum { SB_FIFO = 64, SB_IRQS = 4 };
enum sb_play { SB_IDLE, SB_DMA, SB_SILENCE };
/* Bits of the mixer's interrupt status register. */
enum { SB_IRQ8 = 1, SB_IRQ16 = 2, SB_IRQ_MPU = 4 };

struct sb16_regs {
    struct opl3_regs opl;
    u64 start;    /* ns at which `frames` was 0 */
    u64 frames;   /* since then */
    u64 direct_at; /* ns of the last sample that software gave */
    u32 rate, per; /* frames per second: rate / per */
    u32 len, left; /* bytes of a block, of the present one still to come */
    struct fifo_state out;
    u32 block; /* bytes of blocks, as set by command 48h */
    u8 fifo[SB_FIFO];
    u8 mixer[256], index;
    u8 cmd, need, nargs, arg[3]; /* a command that waits for arguments */
    u8 in_reset, speaker, test, midi;
    u8 id, id_count; /* DMA identification */
    u8 play, wide, sign, stereo, autoinit, ending, paused, input;
    u8 adpcm, want_ref, ref, step;
    u8 irqs; /* that are not acknowledged */
    u8 tc;   /* time constant */
    u8 by_tc; /* the rate comes from it */
    u8 direct; /* the last sample of software */
    struct mpu401_regs mpu;
    u8 pad[5];
};

struct sb16 {
    struct dev dev;
    struct sb16_regs r;
    u32 base, irq, dma8, dma16, mpu_base, version;
    struct i8237 *dma;
    struct irq line[SB_IRQS]; /* 9, 5, 7, 10 */
    struct audio_voice *voice, *direct_voice;
    struct opl3 opl;
    struct timer timer; /* the end of a block, or some samples */
    struct region io, fm, mpu_io;
};

/* sb16.c */
void sb16_update_irq(struct sb16 *s);

/* sb16_mixer.c */
void sb16_mixer_power_on(struct sb16 *s); /* what jumpers and drivers chose: interrupt and channels */
void sb16_mixer_reset(struct sb16 *s);
u8 sb16_mixer_read(struct sb16 *s);
void sb16_mixer_write(struct sb16 *s, u8 v);
void sb16_mixer_apply(struct sb16 *s);
/* Loudness of the voice, left or right: 256 is full. */
unsigned sb16_voice_gain(const struct sb16 *s, unsigned side);
/* The DMA channel that 8- or 16-bit samples come by; 8: none. */
unsigned sb16_channel(const struct sb16 *s, bool wide);

/* sb16_dsp.c */
void sb16_dsp_reset(struct sb16 *s);
void sb16_dsp_write(struct sb16 *s, u8 v);

/* sb16_pcm.c */
void sb16_pcm_init(struct sb16 *s);
void sb16_pcm_advance(struct sb16 *s); /* bring the transfer up to now */
void sb16_pcm_start(struct sb16 *s, u32 bytes); /* of a block; the format is in r */
void sb16_pcm_stop(struct sb16 *s);
void sb16_pcm_pause(struct sb16 *s, bool on);
void sb16_pcm_rate(struct sb16 *s, u32 rate, u32 per);
void sb16_pcm_direct(struct sb16 *s, u8 v);
void sb16_pcm_arm(struct sb16 *s);

#endif
