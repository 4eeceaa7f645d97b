/* ES1370: registers, buffers by bus mastering, the codec's loudness (AudioPCI ES1370 specification;
 * AK4531 data sheet). Positions are functions of the clock. */
#include "devices/audio/es1370.h"

#include "devices/core/bits.h"

#include <math.h>
#include <string.h>

enum { DAC1, DAC2, ADC };
enum {
    R_CONTROL = 0x00,
    R_STATUS = 0x04,
    R_UART = 0x08,
    R_PAGE = 0x0c,
    R_CODEC = 0x10,
    R_SERIAL = 0x20,
    R_COUNT = 0x24, /* one each */
    R_FRAME = 0x30, /* address and size of two, by page */
    SIZE = 0x40,
};
enum { PAGE_DAC = 0xc, PAGE_ADC = 0xd };
enum { CT_DAC1 = 0x40, CT_SERR = 0x01 }; /* CT_DAC1 >> n: channel n runs */
enum { ST_INTR = 1u << 31, ST_DAC1 = 4 };
enum { CODEC_RESET = 0x16 };
enum { TICK_MS = 10, CHUNK = 1024, SOON_NS = 20000 };

static const struct pci_ident ident = {.vendor = 0x1274, .device = 0x5000, .class_code = 0x040100,
                                       .sub_vendor = 0x4942, .sub_id = 0x4c4c, .pin = 1};

#define FIELDS_OF struct es1370_regs
#define CHAN(i)                                                                                    \
    F(chan[i].start, FT_U64, 0, "time of the first frame"),                                        \
        F(chan[i].frames, FT_U64, 0, "frames since then"),                                         \
        F(chan[i].addr, FT_U32, 0, "buffer"), F(chan[i].pos, FT_U32, 0, "place in the buffer"),    \
        F(chan[i].rate, FT_U32, 0, "rate"), F(chan[i].size, FT_U16, 0, "size of the buffer"),      \
        F(chan[i].count, FT_U16, 0, "frames between interrupts"),                                  \
        F(chan[i].left, FT_U16, 0, "frames to the interrupt"),                                     \
        F(chan[i].ended, FT_U8, 0, "at the end"), F(chan[i].pad, FT_BYTES, 0, "unused")
static const struct field es1370_fields[] = {
    F(cfg, FT_BYTES, 0, "configuration space"),
    CHAN(0),
    CHAN(1),
    CHAN(2),
    F(control, FT_U32, CT_SERR, "control"),
    F(serial, FT_U32, 0, "serial interface"),
    F(page, FT_U32, 0, "memory page"),
    FA(codec, FT_U8, 0x80, "codec registers"),
    F(pending, FT_U8, 0, "interrupts"),
    F(pad, FT_BYTES, 0, "unused"),
    FIELDS_END,
};
#undef FIELDS_OF

/* ---- pure helpers ---- */

static unsigned frame_bytes(const struct es1370 *e, unsigned n)
{
    unsigned form = e->r.serial >> (2 * n) & 3;

    return (form & 2 ? 2u : 1u) << (form & 1);
}

static bool int_enabled(const struct es1370 *e, unsigned n)
{
    return e->r.serial & (0x100u << n);
}

static bool paused(const struct es1370 *e, unsigned n)
{
    return n != ADC && (e->r.serial & (0x800u << n));
}

static bool runs(const struct es1370 *e, unsigned n)
{
    return (e->r.control & ((u32)CT_DAC1 >> n)) && !paused(e, n) && !e->r.chan[n].ended &&
           pci_master(&e->pci);
}

static u32 rate_of(const struct es1370 *e, unsigned n)
{
    static const u32 fixed[4] = {5512, 11025, 22050, 44100};

    if (n == DAC1)
        return fixed[e->r.control >> 12 & 3];
    return 1411200 / ((e->r.control >> 16 & 0x1fff) + 2);
}

/* Steps of 2 dB; the mixer's amplification above the input's own loudness is left out. */
static unsigned gain(const struct es1370 *e, unsigned n, unsigned side)
{
    u8 master = e->r.codec[side], own = e->r.codec[(n == DAC1 ? 4 : 2) + side];
    int down = (master & 31) + MAX(own & 31, 6) - 6;

    return (master | own) & 0x80 ? 0 : (unsigned)lrint(256 * exp2(-down / 3.0));
}

static u32 status(const struct es1370 *e)
{
    return e->r.pending | (e->r.pending ? ST_INTR : 0);
}

static void update_irq(struct es1370 *e)
{
    pci_set_intx(&e->pci, e->r.pending != 0);
}

/* ---- transfers ---- */

static u64 frame_ns(const struct es1370_chan *c, u64 frame)
{
    return c->start + muldiv64(frame, NS_PER_SEC, c->rate);
}

static void sound(struct es1370 *e, unsigned n, const u8 *p, size_t frames)
{
    unsigned form = e->r.serial >> (2 * n) & 3, width = form & 2 ? 2 : 1;
    s32 loud[2] = {(s32)gain(e, n, 0), (s32)gain(e, n, 1)};
    struct es1370_chan *c = &e->r.chan[n];
    s16 out[2 * CHUNK];

    for (size_t i = 0; i < frames; i++, p += width << (form & 1)) {
        for (unsigned s = 0; s < 2; s++) {
            const u8 *q = p + (form & 1 ? s * width : 0);
            s32 v = form & 2 ? (s16)ld16(q) : (*q - 128) * 256;

            out[2 * i + s] = (s16)(v * loud[s] / 256);
        }
    }
    audio_samples(e->voice[n], frame_ns(c, c->frames), out, frames, c->rate);
}

/* Move at most `due` frames, up to the next end of something; returns how many. */
static u32 transfer(struct es1370 *e, unsigned n, u32 due)
{
    struct es1370_chan *c = &e->r.chan[n];
    u32 size = frame_bytes(e, n), total = (c->size + 1u) * 4, frames;
    u8 buf[4 * CHUNK];

    c->pos = c->pos >= total ? 0 : c->pos & ~(size - 1);
    frames = MIN(MIN(due, (total - c->pos) / size), MIN(c->left + 1u, (u32)CHUNK));
    if (n == ADC)
        memset(buf, e->r.serial & 0x20 ? 0 : 0x80, frames * size);
    bus_copy(e->dev.env.mem, c->addr + c->pos, buf, frames * size, n == ADC);
    if (n != ADC)
        sound(e, n, buf, frames);
    c->pos += frames * size;
    if (c->pos >= total) {
        c->pos = 0;
        c->ended = e->r.serial >> (13 + n) & 1;
    }
    if (frames == c->left + 1u) {
        c->left = c->count;
        if (int_enabled(e, n))
            e->r.pending |= (u8)(ST_DAC1 >> n);
    } else {
        c->left = (u16)(c->left - frames);
    }
    c->frames += frames;
    return frames;
}

static void arm(struct es1370 *e)
{
    u64 when = CLOCK_NEVER, now = clock_now(e->dev.env.clock);

    for (unsigned n = 0; n < ES_CHANNELS; n++) {
        struct es1370_chan *c = &e->r.chan[n];
        u64 ahead = c->rate * (u64)TICK_MS / 1000 + 1;

        if (!c->rate)
            continue;
        if (int_enabled(e, n))
            ahead = MIN(ahead, c->left + 1ull);
        when = MIN(when, frame_ns(c, c->frames + ahead) + 1);
    }
    timer_set(&e->timer, when == CLOCK_NEVER ? when : MAX(when, now + SOON_NS));
}

static void advance(struct es1370 *e)
{
    u64 now = clock_now(e->dev.env.clock);

    for (unsigned n = 0; n < ES_CHANNELS; n++) {
        struct es1370_chan *c = &e->r.chan[n];
        u64 due;

        if (!c->rate || now < c->start)
            continue;
        due = muldiv64(now - c->start, c->rate, NS_PER_SEC);
        due = due > c->frames ? due - c->frames : 0;
        if (due > c->rate) { /* what is a second late was lost */
            c->start = now;
            c->frames = 0;
            due = c->rate / 100;
        }
        while (due && runs(e, n))
            due -= transfer(e, n, (u32)due);
        if (!runs(e, n))
            c->rate = 0;
    }
    update_irq(e);
}

/* After a register that starts, stops or paces channels: those whose pace changed begin anew. */
static void pace(struct es1370 *e)
{
    for (unsigned n = 0; n < ES_CHANNELS; n++) {
        struct es1370_chan *c = &e->r.chan[n];
        u32 rate = runs(e, n) ? rate_of(e, n) : 0;

        if (rate == c->rate)
            continue;
        c->rate = rate;
        c->start = clock_now(e->dev.env.clock);
        c->frames = 0;
    }
    arm(e);
}

static void tick(void *arg, u64 now)
{
    struct es1370 *e = arg;

    advance(e);
    arm(e);
}

/* ---- registers: 32 bits, in parts of any size ---- */

/* The channel whose buffer registers are at `off` on this page; -1: none. */
static int buffer_at(const struct es1370 *e, unsigned off)
{
    if (e->r.page == PAGE_DAC)
        return off < R_FRAME + 8 ? DAC1 : DAC2;
    return e->r.page == PAGE_ADC && off < R_FRAME + 8 ? ADC : -1;
}

static u32 reg_read(struct es1370 *e, unsigned off)
{
    const struct es1370_chan *c;
    int n;

    switch (off) {
    case R_CONTROL: return e->r.control;
    case R_STATUS: return status(e);
    case R_PAGE: return e->r.page;
    case R_SERIAL: return e->r.serial;
    case R_COUNT:
    case R_COUNT + 4:
    case R_COUNT + 8:
        c = &e->r.chan[(off - R_COUNT) / 4];
        return c->count | (u32)c->left << 16;
    default: break;
    }
    n = off >= R_FRAME && off < SIZE ? buffer_at(e, off) : -1;
    if (n < 0)
        return 0;
    c = &e->r.chan[n];
    return off & 4 ? c->size | c->pos >> 2 << 16 : c->addr;
}

static void write_serial(struct es1370 *e, u32 v)
{
    e->r.serial = v & 0x7fffff;
    for (unsigned n = 0; n < ES_CHANNELS; n++) {
        if (!int_enabled(e, n)) /* this is how an interrupt is acknowledged */
            e->r.pending &= (u8) ~(ST_DAC1 >> n);
    }
}

static void write_codec(struct es1370 *e, u32 v)
{
    unsigned n = v >> 8 & 0x1f;

    if (n == CODEC_RESET && !(v & 1))
        memset(e->r.codec, 0x80, sizeof(e->r.codec));
    e->r.codec[n] = (u8)v;
}

static void reg_write(struct es1370 *e, unsigned off, u32 v)
{
    u32 started = v & ~e->r.control;
    struct es1370_chan *c;
    int n;

    switch (off) {
    case R_CONTROL:
        e->r.control = v;
        for (unsigned k = 0; k < ES_CHANNELS; k++) {
            if (!(started & ((u32)CT_DAC1 >> k)))
                continue;
            e->r.chan[k].left = e->r.chan[k].count;
            e->r.chan[k].ended = 0;
        }
        return;
    case R_PAGE: e->r.page = v & 15; return;
    case R_CODEC: write_codec(e, v); return;
    case R_SERIAL: write_serial(e, v); return;
    case R_COUNT:
    case R_COUNT + 4:
    case R_COUNT + 8:
        c = &e->r.chan[(off - R_COUNT) / 4];
        c->count = c->left = (u16)v;
        return;
    default: break;
    }
    n = off >= R_FRAME && off < SIZE ? buffer_at(e, off) : -1;
    if (n < 0)
        return;
    c = &e->r.chan[n];
    if (off & 4) {
        c->size = (u16)v;
        c->pos = (v >> 16) * 4;
    } else {
        c->addr = v & ~3u;
        c->pos = 0;
    }
}

static u64 es1370_read(void *dev, u64 off, unsigned size)
{
    struct es1370 *e = dev;

    advance(e);
    return reg_read(e, (unsigned)off & ~3u) >> (8 * (off & 3)) & size_mask(size);
}

static void es1370_write(void *dev, u64 off, u64 v, unsigned size)
{
    struct es1370 *e = dev;
    unsigned at = (unsigned)off & ~3u, shift = 8 * (off & 3);

    advance(e);
    if (size < 4)
        v = bits_put(reg_read(e, at), shift, 8 * size, v);
    reg_write(e, at, (u32)v);
    update_irq(e);
    pace(e);
}

static const struct region_ops es1370_ops = {es1370_read, es1370_write, 1, 4};

/* Bus mastering was switched. */
static void config_wrote(struct pci_func *fn, unsigned off, unsigned size)
{
    struct es1370 *e = (struct es1370 *)fn->dev;

    advance(e);
    pace(e);
}

/* ---- life ---- */

static bool es1370_init(struct dev *dev, struct err *err)
{
    struct es1370 *e = (struct es1370 *)dev;

    timer_init(&e->timer, dev->env.clock, tick, e, "es1370");
    e->pci.bar[0] = (struct pci_bar){
        PCI_BAR_IO, 256, {.name = "es1370", .ops = &es1370_ops, .dev = e, .prio = 1}};
    e->pci.wrote = config_wrote;
    pci_func_init(&e->pci, dev, e->r.cfg, &ident);
    return true;
}

static void es1370_reset(struct dev *dev)
{
    struct es1370 *e = (struct es1370 *)dev;

    pci_func_reset(&e->pci);
    timer_cancel(&e->timer);
    update_irq(e);
}

static void es1370_saving(struct dev *dev)
{
    advance((struct es1370 *)dev);
}

static bool es1370_loaded(struct dev *dev, struct err *err)
{
    struct es1370 *e = (struct es1370 *)dev;

    pci_func_loaded(&e->pci);
    e->r.serial &= 0x7fffff;
    e->r.page &= 15;
    e->r.pending &= 7;
    for (unsigned n = 0; n < ES_CHANNELS; n++) {
        struct es1370_chan *c = &e->r.chan[n];

        c->addr &= ~3u;
        c->pos &= 0x3ffff; /* transfers bring it into the buffer */
        c->ended &= 1;
        if (!c->rate)
            continue;
        c->rate = runs(e, n) ? rate_of(e, n) : 0;
        if (c->start > clock_now(dev->env.clock) || c->frames > BIT64(40)) {
            c->start = clock_now(dev->env.clock);
            c->frames = 0;
        }
    }
    arm(e);
    update_irq(e);
    return true;
}

static void es1370_free(struct dev *dev)
{
    pci_func_free(&((struct es1370 *)dev)->pci);
}

bool es1370_plug(struct dev *dev, const struct plug *plug, struct err *err)
{
    struct es1370 *e = (struct es1370 *)dev;

    e->pci.bus = plug->pci;
    e->pci.devfn = plug->devfn;
    e->voice[DAC1] = audio_voice(plug->audio, "dac1");
    e->voice[DAC2] = audio_voice(plug->audio, "dac2");
    return true;
}

const struct dev_class es1370_class = {
    .name = "es1370",
    .help = "Ensoniq AudioPCI: audiodev=id",
    .size = sizeof(struct es1370),
    .saved_at = offsetof(struct es1370, r),
    .saved_size = sizeof(struct es1370_regs),
    .version = 1,
    .fields = es1370_fields,
    .init = es1370_init,
    .reset = es1370_reset,
    .saving = es1370_saving,
    .loaded = es1370_loaded,
    .free = es1370_free,
};
