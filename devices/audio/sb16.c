/* Sound Blaster 16: ports, interrupts, life (Sound Blaster Series Hardware Programming Guide, chapter
 * 2 and appendix A). */
#include "devices/audio/sb16_int.h"

#include "devices/irq/i8237.h"

enum {
    P_MIXER_INDEX = 4,
    P_MIXER_DATA = 5,
    P_RESET = 6,
    P_FM8 = 8,
    P_READ = 0xa,
    P_WRITE = 0xc,
    P_STATUS = 0xe,
    P_ACK16 = 0xf,
};
enum { DATA_THERE = 0x80, UNUSED = 0x7f };

#define FIELDS_OF struct sb16_regs
static const struct field sb16_fields[] = {
    OPL3_FIELDS(opl),
    F(start, FT_U64, 0, "time of the first frame"),
    F(frames, FT_U64, 0, "frames since then"),
    F(direct_at, FT_U64, 0, "time of the last sample of software"),
    F(rate, FT_U32, 11025, "sample rate"),
    F(per, FT_U32, 1, "divisor of the rate"),
    F(len, FT_U32, 0, "bytes of a block"),
    F(left, FT_U32, 0, "bytes left of the block"),
    F(out.head, FT_U32, 0, "first byte to be read"),
    F(out.len, FT_U32, 0, "bytes to be read"),
    F(block, FT_U32, 0x800, "length of blocks"),
    FA(fifo, FT_U8, 0, "bytes to be read"),
    {"mixer", (u32)offsetof(FIELDS_OF, mixer), 256, FT_U8, 1, 0, "mixer registers", 1},
    F(index, FT_U8, 0, "mixer index"),
    F(cmd, FT_U8, 0, "command"),
    F(need, FT_U8, 0, "arguments to come"),
    F(nargs, FT_U8, 0, "arguments so far"),
    FA(arg, FT_U8, 0, "arguments"),
    F(in_reset, FT_U8, 0, "reset is held"),
    F(speaker, FT_U8, 0, "speaker switch"),
    F(test, FT_U8, 0, "test register"),
    F(midi, FT_U8, 0, "UART mode of the DSP"),
    F(id, FT_U8, 0xaa, "DMA identification"),
    F(id_count, FT_U8, 0, "identifications so far"),
    F(play, FT_U8, SB_IDLE, "what is played"),
    F(wide, FT_U8, 0, "16 bits"),
    F(sign, FT_U8, 0, "signed samples"),
    F(stereo, FT_U8, 0, "two channels"),
    F(autoinit, FT_U8, 0, "block after block"),
    F(ending, FT_U8, 0, "this block is the last"),
    F(paused, FT_U8, 0, "paused"),
    F(input, FT_U8, 0, "recording"),
    F(adpcm, FT_U8, 0, "kind of ADPCM"),
    F(want_ref, FT_U8, 0, "a reference byte comes"),
    F(ref, FT_U8, 0, "last sample of ADPCM"),
    F(step, FT_U8, 0, "step of ADPCM"),
    F(irqs, FT_U8, 0, "interrupts that wait"),
    F(tc, FT_U8, 0, "time constant"),
    F(by_tc, FT_U8, 0, "rate by time constant"),
    F(direct, FT_U8, 128, "sample of software"),
    F(mpu.uart, FT_U8, 0, "MPU-401 in UART mode"),
    F(mpu.ready, FT_U8, 0, "MPU-401 has data"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

static const struct prop sb16_props[] = {
    {"iobase", offsetof(struct sb16, base), PT_U32, 0x220, 0x220, 0x280, "first port"},
    {"irq", offsetof(struct sb16, irq), PT_U32, 5, 2, 10, "interrupt: 2, 5, 7 or 10"},
    {"dma", offsetof(struct sb16, dma8), PT_U32, 1, 0, 3, "channel of bytes"},
    {"dma16", offsetof(struct sb16, dma16), PT_U32, 5, 5, 7, "channel of words"},
    {"mpu", offsetof(struct sb16, mpu_base), PT_U32, 0x330, 0x300, 0x330, "ports of the MPU-401"},
    PROPS_END,
};

/* ---- interrupts: the mixer's register chooses the line ---- */

void sb16_update_irq(struct sb16 *s)
{
    bool on = s->r.irqs || s->r.mpu.ready;

    for (unsigned i = 0; i < SB_IRQS; i++)
        irq_set(&s->line[i], on && (s->r.mixer[0x80] & BIT(i)));
}

/* ---- ports ---- */

static u8 dsp_read(struct sb16 *s)
{
    return fifo_get(&s->r.out, s->r.fifo, SB_FIFO);
}

static u64 sb16_read(void *dev, u64 off, unsigned size)
{
    struct sb16 *s = dev;
    u8 v = 0xff;

    sb16_pcm_advance(s);
    switch (off) {
    case 0:
    case 1:
    case 2:
    case 3: return opl3_read(&s->opl, (unsigned)off);
    case P_FM8:
    case P_FM8 + 1: return opl3_read(&s->opl, (unsigned)off - P_FM8);
    case P_MIXER_INDEX: return s->r.index;
    case P_MIXER_DATA: return sb16_mixer_read(s);
    case P_READ: return dsp_read(s);
    case P_WRITE: return UNUSED; /* always ready for a command */
    case P_STATUS:
        v = s->r.out.len ? DATA_THERE | UNUSED : UNUSED;
        s->r.irqs &= (u8)~SB_IRQ8;
        break;
    case P_ACK16: s->r.irqs &= (u8)~SB_IRQ16; break;
    default: break;
    }
    sb16_update_irq(s);
    return v;
}

static void sb16_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct sb16 *s = dev;

    switch (off) {
    case 0:
    case 1:
    case 2:
    case 3: opl3_write(&s->opl, (unsigned)off, (u8)v); break;
    case P_FM8:
    case P_FM8 + 1: opl3_write(&s->opl, (unsigned)off - P_FM8, (u8)v); break;
    case P_MIXER_INDEX: s->r.index = (u8)v; break;
    case P_MIXER_DATA:
        sb16_mixer_write(s, (u8)v);
        sb16_update_irq(s);
        sb16_pcm_arm(s);
        break;
    case P_RESET:
        sb16_pcm_advance(s);
        if (v & 1) {
            sb16_dsp_reset(s);
        } else if (s->r.in_reset) {
            sb16_dsp_reset(s);
            fifo_put(&s->r.out, s->r.fifo, SB_FIFO, 0xaa);
        }
        s->r.in_reset = v & 1;
        break;
    case P_WRITE:
        if (!s->r.in_reset)
            sb16_dsp_write(s, (u8)v);
        break;
    default: break;
    }
}

static u64 fm_read(void *dev, u64 off, unsigned size)
{
    return opl3_read(&((struct sb16 *)dev)->opl, (unsigned)off);
}

static void fm_write(void *dev, u64 off, u64 v, unsigned size)
{
    opl3_write(&((struct sb16 *)dev)->opl, (unsigned)off, (u8)v);
}

static u64 mpu_read(void *dev, u64 off, unsigned size)
{
    struct sb16 *s = dev;
    u8 v = mpu401_read(&s->r.mpu, (unsigned)off);

    sb16_update_irq(s);
    return v;
}

static void mpu_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct sb16 *s = dev;

    mpu401_write(&s->r.mpu, (unsigned)off, (u8)v);
    sb16_update_irq(s);
}

static const struct region_ops sb16_ops = {sb16_read, sb16_write, 1, 1};
static const struct region_ops fm_ops = {fm_read, fm_write, 1, 1};
static const struct region_ops mpu_ops = {mpu_read, mpu_write, 1, 1};

/* The counter of a DMA channel is about to be read. */
static void dma_looked_at(void *arg)
{
    sb16_pcm_advance(arg);
}

/* ---- life ---- */

static bool check(const struct sb16 *s, struct err *err)
{
    if ((s->base & 0x1f) || s->base > 0x280)
        return err_set(err, "sb16: property 'iobase' is 0x220, 0x240, 0x260 or 0x280");
    if (s->irq != 2 && s->irq != 5 && s->irq != 7 && s->irq != 9 && s->irq != 10)
        return err_set(err, "sb16: property 'irq' is 2, 5, 7 or 10");
    if (s->dma8 == 2)
        return err_set(err, "sb16: property 'dma' is 0, 1 or 3");
    return (s->mpu_base == 0x300 || s->mpu_base == 0x330) ||
           err_set(err, "sb16: property 'mpu' is 0x300 or 0x330");
}

static bool sb16_init(struct dev *dev, struct err *err)
{
    struct sb16 *s = (struct sb16 *)dev;

    if (!check(s, err))
        return false;
    opl3_init(&s->opl, &s->r.opl, dev->env.clock, dev->id);
    sb16_pcm_init(s);
    sb16_mixer_power_on(s);
    s->io = (struct region){
        .name = dev->id, .base = s->base, .size = 16, .ops = &sb16_ops, .dev = s};
    s->fm = (struct region){.name = "sb16-fm", .base = 0x388, .size = 4, .ops = &fm_ops, .dev = s};
    s->mpu_io = (struct region){
        .name = "sb16-mpu", .base = s->mpu_base, .size = 2, .ops = &mpu_ops, .dev = s};
    bus_map(dev->env.io, &s->io);
    bus_map(dev->env.io, &s->fm);
    bus_map(dev->env.io, &s->mpu_io);
    return true;
}

static void sb16_reset(struct dev *dev)
{
    struct sb16 *s = (struct sb16 *)dev;

    opl3_reset(&s->opl);
    sb16_mixer_power_on(s);
    sb16_dsp_reset(s);
    sb16_mixer_reset(s);
    sb16_update_irq(s);
}

static void sb16_saving(struct dev *dev)
{
    struct sb16 *s = (struct sb16 *)dev;

    sb16_pcm_advance(s);
    opl3_saving(&s->opl);
}

static bool sb16_loaded(struct dev *dev, struct err *err)
{
    struct sb16 *s = (struct sb16 *)dev;
    struct sb16_regs *r = &s->r;

    if (!fifo_valid(&r->out, SB_FIFO) || r->need > 3 || r->play > SB_SILENCE ||
        r->adpcm >= SB_ADPCM_KINDS || !r->rate || r->rate > 1000000 || !r->per || r->per > 512 ||
        r->rate / r->per < 1000 || r->left > 0x20000 || r->len > 0x20000)
        return err_set(err, "%s: the saved state is impossible", dev->id);
    if (r->play && (!r->left || (r->play == SB_DMA && !r->len)))
        return err_set(err, "%s: a saved transfer has no length", dev->id);
    r->wide &= 1;
    r->sign &= 1;
    r->stereo &= 1;
    r->want_ref &= 1;
    r->irqs &= SB_IRQ8 | SB_IRQ16;
    r->block = r->block ? MIN(r->block, 0x10000u) : 1;
    r->tc = MIN(r->tc, 0xe9);
    /* a place far from now would be hours of sound */
    if (r->start > clock_now(dev->env.clock) || r->frames > BIT64(40)) {
        r->start = clock_now(dev->env.clock);
        r->frames = 0;
    }
    opl3_loaded(&s->opl);
    sb16_mixer_apply(s);
    sb16_pcm_arm(s);
    sb16_update_irq(s);
    return true;
}

bool sb16_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    static const u8 irqs[SB_IRQS] = {9, 5, 7, 10};
    struct sb16 *s = (struct sb16 *)dev;

    for (unsigned i = 0; i < SB_IRQS; i++)
        s->line[i] = plug->isa_irq(plug->arg, irqs[i]);
    s->dma = plug->dma;
    if (s->dma)
        i8237_watch(s->dma, dma_looked_at, s);
    s->voice = audio_voice(plug->audio, "pcm");
    s->direct_voice = audio_voice(plug->audio, "direct");
    s->opl.voice = audio_voice(plug->audio, "fm");
    return true;
}

const struct dev_class sb16_class = {
    .name = "sb16",
    .help = "Sound Blaster 16 with OPL3 and MPU-401: audiodev=id",
    .size = sizeof(struct sb16),
    .saved_at = offsetof(struct sb16, r),
    .saved_size = sizeof(struct sb16_regs),
    .version = 1,
    .fields = sb16_fields,
    .props = sb16_props,
    .init = sb16_init,
    .reset = sb16_reset,
    .saving = sb16_saving,
    .loaded = sb16_loaded,
};
