/* Intel 8237A DMA controllers as the PIIX3 has them (data sheets 231466 and 290550 chapter 2.5.1:
 * no memory-to-memory). */
#include "devices/irq/i8237.h"
#include "devices/core/bits.h"

#include <string.h>

enum { CMD_DISABLE = 0x04 };
enum {
    MODE_TYPE = 0x0c, /* 0 verify, 4 to memory, 8 from memory */
    MODE_TO_MEM = 0x04,
    MODE_FROM_MEM = 0x08,
    MODE_AUTO = 0x10,
    MODE_DOWN = 0x20,
    MODE_CASCADE = 0xc0,
};
enum { CASCADE_CHAN = 4 };

/* Which page register serves each channel (offset from port 0x80). */
static const u8 page_of[8] = {0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa};

#define FIELDS_OF struct i8237_regs
/* One row per channel member keeps the saved form free of the struct's layout. */
#define CHAN(i)                                                                                    \
    F(chan[i].base_addr, FT_U16, 0, "base address"),                                               \
        F(chan[i].base_count, FT_U16, 0, "base count"),                                            \
        F(chan[i].addr, FT_U16, 0, "current address"),                                             \
        F(chan[i].count, FT_U16, 0, "current count"), F(chan[i].mode, FT_U8, 0, "mode"),           \
        F(chan[i].pad, FT_BYTES, 0, "unused")
static const struct field i8237_fields[] = {CHAN(0),
                                            CHAN(1),
                                            CHAN(2),
                                            CHAN(3),
                                            CHAN(4),
                                            CHAN(5),
                                            CHAN(6),
                                            CHAN(7),
                                            F(page, FT_BYTES, 0, "page registers"),
                                            FA(command, FT_U8, 0, "command"),
                                            FA(status, FT_U8, 0, "terminal counts"),
                                            FA(request, FT_U8, 0, "software requests"),
                                            FK(dreq, FT_U8, 0, "request inputs"),
                                            FA(mask, FT_U8, 0x0f, "masked channels"),
                                            FA(high, FT_U8, 0, "byte flip-flop"),
                                            F(pad, FT_BYTES, 0, "unused"),
                                            FIELDS_END};
#undef FIELDS_OF

void i8237_set_dreq(void *sink, int n, int level)
{
    struct i8237 *dma = sink;

    dma->r.dreq = (u8)bits_put(dma->r.dreq, (unsigned)n & 7, 1, !!level);
}

static bool open_channel(const struct i8237 *dma, unsigned ch)
{
    unsigned c = ch >> 2;

    return !(dma->r.command[c] & CMD_DISABLE) && !(dma->r.mask[c] & BIT(ch & 3));
}

bool i8237_ready(const struct i8237 *dma, unsigned ch)
{
    ch &= 7;
    if (ch == CASCADE_CHAN || !open_channel(dma, ch))
        return false;
    /* the byte controller hangs on channel 4 of the word controller */
    return ch > CASCADE_CHAN || open_channel(dma, CASCADE_CHAN);
}

static void terminal_count(struct i8237 *dma, unsigned ch)
{
    struct i8237_chan *chan = &dma->r.chan[ch];

    dma->r.status[ch >> 2] |= (u8)BIT(ch & 3);
    dma->r.request[ch >> 2] &= (u8)~BIT(ch & 3);
    if (chan->mode & MODE_AUTO) {
        chan->addr = chan->base_addr;
        chan->count = chan->base_count;
    } else {
        dma->r.mask[ch >> 2] |= (u8)BIT(ch & 3);
    }
}

/* Move `units` (which neither pass the count nor wrap the address) between buf and memory. */
static void move(struct i8237 *dma, unsigned ch, u8 *buf, unsigned units, bool to_mem)
{
    struct i8237_chan *chan = &dma->r.chan[ch];
    unsigned wide = ch >= CASCADE_CHAN, size = 1u << wide;
    u32 page = dma->r.page[page_of[ch]];
    u32 base = (wide ? page & 0xfe : page) << 16;
    bool down = chan->mode & MODE_DOWN;

    if (!(chan->mode & MODE_TYPE)) {
        /* verify: only counts */
    } else if (!down) {
        bus_copy(dma->dev.env.mem, base + ((u32)chan->addr << wide), buf, (size_t)units << wide,
                 to_mem);
    } else {
        for (unsigned i = 0; i < units; i++)
            bus_copy(dma->dev.env.mem, base + ((u32)(u16)(chan->addr - i) << wide),
                     buf + (i << wide), size, to_mem);
    }
    chan->addr = (u16)(down ? chan->addr - units : chan->addr + units);
    chan->count = (u16)(chan->count - units);
}

static bool direction_fits(const struct i8237_chan *chan, bool to_mem)
{
    switch (chan->mode & MODE_TYPE) {
    case 0: return true;
    case MODE_TO_MEM: return to_mem;
    case MODE_FROM_MEM: return !to_mem;
    default: return false;
    }
}

size_t i8237_transfer(struct i8237 *dma, unsigned ch, void *buf, size_t n, bool to_mem, bool *tc)
{
    struct i8237_chan *chan = &dma->r.chan[ch & 7];
    unsigned wide = (ch & 7) >= CASCADE_CHAN;
    size_t left = n >> wide, done = 0;

    ch &= 7;
    if (tc)
        *tc = false;
    if (!direction_fits(chan, to_mem) || (chan->mode & MODE_CASCADE) == MODE_CASCADE)
        return 0;
    while (left && i8237_ready(dma, ch)) {
        u32 room = chan->mode & MODE_DOWN ? (u32)chan->addr + 1 : 0x10000u - chan->addr;
        u32 units = (u32)MIN(left, (size_t)MIN(room, (u32)chan->count + 1));
        bool last = units == (u32)chan->count + 1;

        move(dma, ch, (u8 *)buf + (done << wide), units, to_mem);
        done += units;
        left -= units;
        if (last) {
            terminal_count(dma, ch);
            if (tc)
                *tc = true;
            break; /* the peripheral looks at its end before it goes on into an auto-initialised
                      buffer */
        }
    }
    return done << wide;
}

/* ---- registers ---- */

static u8 flip(struct i8237 *dma, unsigned c)
{
    dma->r.high[c] ^= 1;
    return dma->r.high[c] ^ 1;
}

static void put_half(u16 *reg, bool high, u8 v)
{
    *reg = (u16)bits_put(*reg, high ? 8 : 0, 8, v);
}

static void master_clear(struct i8237 *dma, unsigned c)
{
    dma->r.command[c] = dma->r.status[c] = dma->r.request[c] = dma->r.high[c] = 0;
    dma->r.mask[c] = 0x0f;
}

void i8237_watch(struct i8237 *dma, void (*looked_at)(void *arg), void *arg)
{
    for (unsigned i = 0; i < I8237_WATCHERS; i++) {
        if (!dma->watch[i].looked_at) {
            dma->watch[i].looked_at = looked_at;
            dma->watch[i].arg = arg;
            return;
        }
    }
}

static u8 chip_read(struct i8237 *dma, unsigned c, unsigned reg)
{
    struct i8237_chan *chan = &dma->r.chan[4 * c + reg / 2 % 4];
    u8 v;

    /* not between the two bytes of a count */
    for (unsigned i = 0; reg <= 8 && !dma->r.high[c] && i < I8237_WATCHERS; i++) {
        if (dma->watch[i].looked_at)
            dma->watch[i].looked_at(dma->watch[i].arg);
    }

    if (reg < 8) {
        u16 word = reg & 1 ? chan->count : chan->addr;

        return (u8)(flip(dma, c) ? word >> 8 : word);
    }
    switch (reg) {
    case 8:
        v = (u8)(dma->r.status[c] | (((dma->r.dreq >> (4 * c)) & 0xf) | dma->r.request[c]) << 4);
        dma->r.status[c] = 0;
        return v;
    case 0xf: return dma->r.mask[c] | 0xf0;
    default: return 0; /* the temporary register, which nothing fills */
    }
}

static void chip_write(struct i8237 *dma, unsigned c, unsigned reg, u8 v)
{
    struct i8237_chan *chan = &dma->r.chan[4 * c + reg / 2 % 4];
    u8 bit = (u8)BIT(v & 3);

    if (reg < 8) {
        bool high = flip(dma, c);

        put_half(reg & 1 ? &chan->base_count : &chan->base_addr, high, v);
        put_half(reg & 1 ? &chan->count : &chan->addr, high, v);
        return;
    }
    switch (reg) {
    case 0x8:
        dma->r.command[c] = v;
        if (v & 1)
            log_guest_error(dma->dev.env.log, dma->dev.id,
                            "memory-to-memory DMA does not exist here");
        break;
    case 0x9:
        dma->r.request[c] = (u8)(v & 4 ? dma->r.request[c] | bit : dma->r.request[c] & ~bit);
        break;
    case 0xa: dma->r.mask[c] = (u8)(v & 4 ? dma->r.mask[c] | bit : dma->r.mask[c] & ~bit); break;
    case 0xb: dma->r.chan[4 * c + (v & 3)].mode = v & 0xfc; break;
    case 0xc: dma->r.high[c] = 0; break;
    case 0xd: master_clear(dma, c); break;
    case 0xe: dma->r.mask[c] = 0; break;
    case 0xf: dma->r.mask[c] = v & 0xf; break;
    default: break;
    }
}

static u64 bytes_read(void *dev, u64 off, unsigned size)
{
    return chip_read(dev, 0, off & 0xf);
}
static void bytes_write(void *dev, u64 off, u64 v, unsigned size)
{
    chip_write(dev, 0, off & 0xf, (u8)v);
}
static u64 words_read(void *dev, u64 off, unsigned size)
{
    return chip_read(dev, 1, off >> 1 & 0xf);
}
static void words_write(void *dev, u64 off, u64 v, unsigned size)
{
    chip_write(dev, 1, off >> 1 & 0xf, (u8)v);
}

static u64 page_read(void *dev, u64 off, unsigned size)
{
    return ((struct i8237 *)dev)->r.page[off & 0xf];
}

static void page_write(void *dev, u64 off, u64 v, unsigned size)
{
    ((struct i8237 *)dev)->r.page[off & 0xf] = (u8)v;
}

static const struct region_ops bytes_ops = {bytes_read, bytes_write, 1, 1};
static const struct region_ops words_ops = {words_read, words_write, 1, 1};
static const struct region_ops page_ops = {page_read, page_write, 1, 1};

static bool i8237_init(struct dev *dev, struct err *err)
{
    struct i8237 *dma = (struct i8237 *)dev;

    dma->io[0] =
        (struct region){.name = "dma1", .base = 0x00, .size = 16, .ops = &bytes_ops, .dev = dma};
    dma->io[1] =
        (struct region){.name = "dma2", .base = 0xc0, .size = 32, .ops = &words_ops, .dev = dma};
    /* below the boards' other users of this range, such as port 0x92 and the POST port */
    dma->io[2] = (struct region){
        .name = "dma-page", .base = 0x80, .size = 16, .ops = &page_ops, .dev = dma, .prio = -1};
    for (unsigned i = 0; i < 3; i++)
        bus_map(dev->env.io, &dma->io[i]);
    return true;
}

static bool i8237_loaded(struct dev *dev, struct err *err)
{
    struct i8237_regs *r = &((struct i8237 *)dev)->r;

    for (unsigned c = 0; c < 2; c++)
        if (r->mask[c] > 0xf || r->high[c] > 1 || r->status[c] > 0xf || r->request[c] > 0xf)
            return err_set(err, "%s: a saved register is impossible", dev->id);
    return true;
}

const struct dev_class i8237_class = {
    .name = "i8237",
    .help = "8237A DMA controllers",
    .size = sizeof(struct i8237),
    .saved_at = offsetof(struct i8237, r),
    .saved_size = sizeof(struct i8237_regs),
    .version = 1,
    .fields = i8237_fields,
    .init = i8237_init,
    .loaded = i8237_loaded,
};
