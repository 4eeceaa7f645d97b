/* The DSP's commands, version 4.05 with those of the versions before it (Sound Blaster Series
 * Hardware Programming Guide, chapter 6). */
#include "devices/audio/sb16_int.h"

#include "devices/irq/i8237.h"

#include <string.h>

enum { VERSION_MAJOR = 4, VERSION_MINOR = 5, READY = 0xaa };
enum { MIN_RATE = 5000, MAX_RATE = 44100 };
enum { M_OUTPUT_OLD = 0x0e, OUT_STEREO = 2 };

static void put(struct sb16 *s, u8 v)
{
    fifo_put(&s->r.out, s->r.fifo, SB_FIFO, v);
}

void sb16_dsp_reset(struct sb16 *s)
{
    sb16_pcm_stop(s);
    s->r.out = (struct fifo_state){0};
    s->r.cmd = s->r.need = s->r.nargs = 0;
    s->r.speaker = s->r.midi = 0;
    s->r.id = 0xaa;
    s->r.id_count = 0;
    s->r.autoinit = s->r.input = s->r.adpcm = s->r.want_ref = 0;
    s->r.wide = s->r.sign = s->r.stereo = 0;
    s->r.irqs = 0;
    s->r.rate = 11025;
    s->r.per = 1;
    s->r.by_tc = 0;
    s->r.block = 0x800;
    sb16_update_irq(s);
}

/* ---- playing ---- */

/* Commands of DSPs before version 4: bytes, and two channels when the mixer's old switch says so. */
static void start_old(struct sb16 *s, enum sb_adpcm kind, bool ref, bool autoinit, bool input,
                      u32 len)
{
    sb16_pcm_advance(s);
    s->r.play = SB_DMA;
    s->r.wide = s->r.sign = 0;
    s->r.stereo = !kind && !input && (s->r.mixer[M_OUTPUT_OLD] & OUT_STEREO);
    s->r.autoinit = autoinit;
    s->r.input = input;
    s->r.adpcm = (u8)kind;
    s->r.want_ref = ref;
    if (s->r.by_tc) {
        s->r.rate = 1000000;
        s->r.per = (256u - s->r.tc) << s->r.stereo;
    }
    sb16_pcm_start(s, len);
}

/* Bx and Cx: bit 3 input, bit 2 auto-initialised; mode bit 5 stereo, bit 4 signed. */
static void start_new(struct sb16 *s, u8 cmd, const u8 *arg)
{
    u32 len = (arg[1] | (u32)arg[2] << 8) + 1;

    sb16_pcm_advance(s);
    s->r.play = SB_DMA;
    s->r.wide = (cmd & 0xf0) == 0xb0;
    s->r.input = cmd >> 3 & 1;
    s->r.autoinit = cmd >> 2 & 1;
    s->r.stereo = arg[0] >> 5 & 1;
    s->r.sign = arg[0] >> 4 & 1;
    s->r.adpcm = s->r.want_ref = 0;
    if (s->r.by_tc) {
        s->r.rate = 1000000;
        s->r.per = (256u - s->r.tc) << s->r.stereo;
    }
    sb16_pcm_start(s, len << s->r.wide);
}

static void silence(struct sb16 *s, u32 len)
{
    sb16_pcm_advance(s);
    s->r.play = SB_SILENCE;
    s->r.wide = s->r.stereo = s->r.adpcm = s->r.autoinit = s->r.input = 0;
    sb16_pcm_start(s, len);
}

static void set_rate(struct sb16 *s, u32 rate)
{
    sb16_pcm_advance(s);
    s->r.by_tc = 0;
    sb16_pcm_rate(s, MAX(MIN(rate, (u32)MAX_RATE), (u32)MIN_RATE), 1);
}

static void set_time_constant(struct sb16 *s, u8 tc)
{
    sb16_pcm_advance(s);
    s->r.tc = MIN(tc, 0xe9); /* 43478 Hz, the most that the chip does */
    s->r.by_tc = 1;
    sb16_pcm_rate(s, 1000000, 256u - s->r.tc);
}

/* ---- the card says who it is ---- */

/* A number that only this chip gives is written by DMA: each bit of the argument adds to a sum in one
 * of four ways. */
static void identify_by_dma(struct sb16 *s, u8 v)
{
    static const s16 add[4][9] = {
        {0x01, -0x02, -0x04, 0x08, -0x10, 0x20, 0x40, -0x80, -106},
        {-0x01, 0x02, -0x04, 0x08, 0x10, -0x20, 0x40, -0x80, 165},
        {-0x01, 0x02, 0x04, -0x08, 0x10, -0x20, -0x40, 0x80, -151},
        {0x01, -0x02, 0x04, -0x08, -0x10, 0x20, -0x40, 0x80, 90},
    };
    const s16 *row = add[s->r.id_count++ & 3];
    unsigned ch = sb16_channel(s, false);

    for (unsigned i = 0; i < 8; i++) {
        if (v & BIT(i))
            s->r.id = (u8)(s->r.id + row[i]);
    }
    s->r.id = (u8)(s->r.id + row[8]);
    if (s->dma && ch < 8)
        i8237_transfer(s->dma, ch, &s->r.id, 1, true, NULL);
}

static void copyright(struct sb16 *s)
{
    static const char text[] = "COPYRIGHT (C) CREATIVE TECHNOLOGY LTD, 1992.";

    s->r.out = (struct fifo_state){0};
    for (size_t i = 0; i < sizeof(text); i++)
        put(s, (u8)text[i]);
}

/* ---- commands ---- */

static unsigned arguments(u8 cmd)
{
    if (cmd >= 0xb0 && cmd <= 0xcf)
        return 3;
    switch (cmd) {
    case 0x05:
    case 0x0e:
    case 0x14:
    case 0x15:
    case 0x16:
    case 0x17:
    case 0x24:
    case 0x41:
    case 0x42:
    case 0x48:
    case 0x74:
    case 0x75:
    case 0x76:
    case 0x77:
    case 0x80: return 2;
    case 0x04:
    case 0x0f:
    case 0x10:
    case 0x38:
    case 0x40:
    case 0xe0:
    case 0xe2:
    case 0xe4: return 1;
    default: return 0;
    }
}

/* Those that play. False: another one. */
static bool play_command(struct sb16 *s, u8 cmd, const u8 *arg)
{
    u32 len = (arg[0] | (u32)arg[1] << 8) + 1;

    if (cmd >= 0xb0 && cmd <= 0xcf) {
        start_new(s, cmd, arg);
        return true;
    }
    switch (cmd) {
    case 0x10: sb16_pcm_direct(s, arg[0]); break;
    case 0x14:
    case 0x15: start_old(s, SB_ADPCM_NONE, false, false, false, len); break;
    case 0x91: start_old(s, SB_ADPCM_NONE, false, false, false, s->r.block); break;
    case 0x1c:
    case 0x90: start_old(s, SB_ADPCM_NONE, false, true, false, s->r.block); break;
    case 0x24: start_old(s, SB_ADPCM_NONE, false, false, true, len); break;
    case 0x99: start_old(s, SB_ADPCM_NONE, false, false, true, s->r.block); break;
    case 0x2c:
    case 0x98: start_old(s, SB_ADPCM_NONE, false, true, true, s->r.block); break;
    case 0x16:
    case 0x17: start_old(s, SB_ADPCM_2, cmd & 1, false, false, len); break;
    case 0x74:
    case 0x75: start_old(s, SB_ADPCM_4, cmd & 1, false, false, len); break;
    case 0x76:
    case 0x77: start_old(s, SB_ADPCM_26, cmd & 1, false, false, len); break;
    case 0x1f: start_old(s, SB_ADPCM_2, true, true, false, s->r.block); break;
    case 0x7d: start_old(s, SB_ADPCM_4, true, true, false, s->r.block); break;
    case 0x7f: start_old(s, SB_ADPCM_26, true, true, false, s->r.block); break;
    case 0x80: silence(s, len); break;
    default: return false;
    }
    return true;
}

static void control_command(struct sb16 *s, u8 cmd, const u8 *arg)
{
    switch (cmd) {
    case 0x40: set_time_constant(s, arg[0]); break;
    case 0x41:
    case 0x42: set_rate(s, (u32)arg[0] << 8 | arg[1]); break;
    case 0x48: s->r.block = (arg[0] | (u32)arg[1] << 8) + 1; break;
    case 0x45:
    case 0x47: /* go on with auto-initialised blocks */
        sb16_pcm_advance(s);
        s->r.ending = 0;
        break;
    case 0xd9:
    case 0xda:
        sb16_pcm_advance(s);
        s->r.ending = s->r.play == SB_DMA;
        break;
    case 0xd0:
    case 0xd5:
        sb16_pcm_advance(s);
        sb16_pcm_pause(s, true);
        break;
    case 0xd4:
    case 0xd6: sb16_pcm_pause(s, false); break;
    case 0xd1: s->r.speaker = 1; break; /* version 4 has no such switch, but remembers */
    case 0xd3: s->r.speaker = 0; break;
    case 0xf2: s->r.irqs |= SB_IRQ8; break;
    case 0xf3: s->r.irqs |= SB_IRQ16; break;
    case 0x34:
    case 0x35:
    case 0x36:
    case 0x37: s->r.midi = 1; break;
    default: break;
    }
    sb16_update_irq(s);
}

static void query_command(struct sb16 *s, u8 cmd, const u8 *arg)
{
    switch (cmd) {
    case 0x0f: put(s, 0xff); break; /* a register of the signal processor that is not there */
    case 0x20: put(s, 0x80); break;
    case 0xd8: put(s, s->r.speaker ? 0xff : 0); break;
    case 0xe0: put(s, (u8)~arg[0]); break;
    case 0xe1:
        s->r.out = (struct fifo_state){0};
        put(s, VERSION_MAJOR);
        put(s, VERSION_MINOR);
        break;
    case 0xe2: identify_by_dma(s, arg[0]); break;
    case 0xe3: copyright(s); break;
    case 0xe4: s->r.test = arg[0]; break;
    case 0xe8: put(s, s->r.test); break;
    case 0xf8:
    case 0xfb:
    case 0xfc: put(s, 0); break;
    case 0xfd: put(s, cmd); break;
    default: break;
    }
}

static void execute(struct sb16 *s)
{
    u8 cmd = s->r.cmd;

    if (play_command(s, cmd, s->r.arg))
        return;
    control_command(s, cmd, s->r.arg);
    query_command(s, cmd, s->r.arg);
}

void sb16_dsp_write(struct sb16 *s, u8 v)
{
    if (s->r.midi)
        return; /* a byte for an instrument; only a reset ends it */
    if (!s->r.need) {
        s->r.cmd = v;
        s->r.nargs = 0;
        memset(s->r.arg, 0, sizeof(s->r.arg));
        s->r.need = (u8)arguments(v);
    } else {
        s->r.arg[s->r.nargs++ % 3] = v;
        s->r.need--;
    }
    if (!s->r.need)
        execute(s);
}
