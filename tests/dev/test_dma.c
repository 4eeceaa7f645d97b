/* The DMA controllers: registers, transfers both ways, page limits, auto-initialisation, verify,
 * decrement, words. */
#include "devices/irq/i8237.h"
#include "tests/dev/rig.h"

struct setup {
    struct rig rig;
    struct region ram;
    struct i8237 *dma;
};

static void setup(struct setup *s)
{
    memset(s, 0, sizeof(*s));
    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    s->dma = rig_new(&s->rig, &i8237_class, "dma");
    rig_start(s->dma);
    out8(&s->rig, 0xda, 0); /* the cascade channel open, as set-up code leaves it */
    out8(&s->rig, 0xd6, 0xc0);
    out8(&s->rig, 0xd4, 0);
}

/* Program byte channel 2 as a floppy driver does. */
static void floppy(struct setup *s, u8 mode, u8 page, u16 addr, u16 count)
{
    out8(&s->rig, 0x0a, 6);
    out8(&s->rig, 0x0c, 0);
    out8(&s->rig, 0x0b, (u8)(mode | 2));
    out8(&s->rig, 0x04, (u8)addr), out8(&s->rig, 0x04, (u8)(addr >> 8));
    out8(&s->rig, 0x05, (u8)count), out8(&s->rig, 0x05, (u8)(count >> 8));
    out8(&s->rig, 0x81, page);
    out8(&s->rig, 0x0a, 2);
}

static u16 word(struct setup *s, u16 port)
{
    u8 low = in8(&s->rig, port);

    return (u16)(low | in8(&s->rig, port) << 8);
}

START_TEST(to_memory)
{
    struct setup s;
    u8 buf[512];
    bool tc;

    setup(&s);
    for (unsigned i = 0; i < 512; i++)
        buf[i] = (u8)(i * 7);
    floppy(&s, 0x44, 1, 0x2000, 511);
    ck_assert(i8237_ready(s.dma, 2));
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 100, true, &tc), 100);
    ck_assert(!tc);
    out8(&s.rig, 0x0c, 0);
    ck_assert_uint_eq(word(&s, 0x04), 0x2064);
    ck_assert_uint_eq(word(&s, 0x05), 411);
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf + 100, 1000, true, &tc), 412);
    ck_assert(tc);
    ck_assert_mem_eq(s.rig.ram.host + 0x12000, buf, 512);
    ck_assert(!i8237_ready(s.dma, 2)); /* masked at the end */
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 1, true, &tc), 0);
    ck_assert_uint_eq(in8(&s.rig, 0x08), 0x04);
    ck_assert_uint_eq(in8(&s.rig, 0x08), 0);
    ck_assert_uint_eq(in8(&s.rig, 0x0f) & 0xf, 0xf);
    ck_assert(ram_test_clear_dirty(&s.rig.ram, 0x12, DIRTY_SNAP));
    rig_free(&s.rig);
}
END_TEST

START_TEST(from_memory_and_direction)
{
    struct setup s;
    u8 buf[16] = {0};
    bool tc;

    setup(&s);
    memset(s.rig.ram.host + 0x3fff8, 0x5a, 8);
    memset(s.rig.ram.host + 0x30000, 0xa5, 8);
    floppy(&s, 0x48, 3, 0xfff8, 15);
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 16, true, &tc), 0); /* the wrong way */
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 16, false, &tc), 16);
    ck_assert_uint_eq(buf[7], 0x5a);
    ck_assert_uint_eq(buf[8], 0xa5); /* wraps within its 64 KiB */
    ck_assert(tc);
    rig_free(&s.rig);
}
END_TEST

START_TEST(verify_moves_nothing)
{
    struct setup s;
    u8 buf[16];
    bool tc;

    setup(&s);
    memset(buf, 1, sizeof(buf));
    floppy(&s, 0x40, 0, 0x500, 15);
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 16, true, &tc), 16);
    ck_assert(tc);
    ck_assert_uint_eq(s.rig.ram.host[0x500], 0);
    rig_free(&s.rig);
}
END_TEST

START_TEST(auto_init)
{
    struct setup s;
    u8 buf[48];
    bool tc;

    setup(&s);
    memset(buf, 3, sizeof(buf));
    floppy(&s, 0x54, 0, 0x600, 15);
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 48, true, &tc), 16);
    ck_assert(tc);
    ck_assert(i8237_ready(s.dma, 2));
    out8(&s.rig, 0x0c, 0);
    ck_assert_uint_eq(word(&s, 0x04), 0x600);
    ck_assert_uint_eq(word(&s, 0x05), 15);
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 8, true, &tc), 8);
    ck_assert(!tc);
    rig_free(&s.rig);
}
END_TEST

START_TEST(downwards)
{
    struct setup s;
    u8 buf[4] = {1, 2, 3, 4};

    setup(&s);
    floppy(&s, 0x64, 2, 1, 3);
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 4, true, NULL), 4);
    ck_assert_uint_eq(s.rig.ram.host[0x20001], 1);
    ck_assert_uint_eq(s.rig.ram.host[0x20000], 2);
    ck_assert_uint_eq(s.rig.ram.host[0x2ffff], 3);
    ck_assert_uint_eq(s.rig.ram.host[0x2fffe], 4);
    rig_free(&s.rig);
}
END_TEST

START_TEST(words)
{
    struct setup s;
    u8 buf[9] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    bool tc;

    setup(&s);
    out8(&s.rig, 0xd8, 0);
    out8(&s.rig, 0xd6, 0x45); /* channel 5, to memory */
    out8(&s.rig, 0xc4, 0x00), out8(&s.rig, 0xc4, 0x90);
    out8(&s.rig, 0xc6, 3), out8(&s.rig, 0xc6, 0);
    out8(&s.rig, 0x8b, 0x05); /* the lowest bit of the page does not count */
    out8(&s.rig, 0xd4, 1);
    ck_assert_uint_eq(i8237_transfer(s.dma, 5, buf, 5, true, &tc), 4); /* whole words only */
    ck_assert_uint_eq(i8237_transfer(s.dma, 5, buf + 4, 4, true, &tc), 4);
    ck_assert(tc);
    ck_assert_mem_eq(s.rig.ram.host + 0x52000, buf, 8);
    ck_assert_uint_eq(in8(&s.rig, 0xd0), 2);
    rig_free(&s.rig);
}
END_TEST

START_TEST(gates)
{
    struct setup s;
    u8 buf[4];

    setup(&s);
    floppy(&s, 0x44, 0, 0, 100);
    out8(&s.rig, 0x08, 4); /* controller off */
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 4, true, NULL), 0);
    out8(&s.rig, 0x08, 0);
    out8(&s.rig, 0xd4, 4); /* cascade masked */
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 4, true, NULL), 0);
    out8(&s.rig, 0xd4, 0);
    ck_assert_uint_eq(i8237_transfer(s.dma, 2, buf, 4, true, NULL), 4);
    ck_assert_uint_eq(i8237_transfer(s.dma, 4, buf, 4, true, NULL),
                      0); /* the cascade is no channel */
    ck_assert_uint_eq(i8237_transfer(s.dma, 99, buf, 4, true, NULL), 0);
    out8(&s.rig, 0x0d, 0); /* master clear masks all */
    ck_assert(!i8237_ready(s.dma, 2));
    out8(&s.rig, 0x0e, 0);
    ck_assert(i8237_ready(s.dma, 2));
    out8(&s.rig, 0x0f, 0x4);
    ck_assert(!i8237_ready(s.dma, 2));
    rig_free(&s.rig);
}
END_TEST

START_TEST(requests_and_pages)
{
    struct setup s;

    setup(&s);
    i8237_set_dreq(s.dma, 2, 1);
    i8237_set_dreq(s.dma, 6, 1);
    out8(&s.rig, 0x09, 5);
    ck_assert_uint_eq(in8(&s.rig, 0x08), 0x60);
    ck_assert_uint_eq(in8(&s.rig, 0xd0), 0x40);
    i8237_set_dreq(s.dma, 2, 0);
    out8(&s.rig, 0x09, 1);
    ck_assert_uint_eq(in8(&s.rig, 0x08), 0);
    for (u16 port = 0x80; port < 0x90; port++)
        out8(&s.rig, port, (u8)port);
    for (u16 port = 0x80; port < 0x90; port++)
        ck_assert_uint_eq(in8(&s.rig, port), (u8)port);
    out8(&s.rig, 0x0c, 0); /* the flip-flop starts with the low byte */
    out8(&s.rig, 0x00, 0x34);
    out8(&s.rig, 0x0c, 0);
    out8(&s.rig, 0x00, 0x35);
    out8(&s.rig, 0x00, 0x12);
    ck_assert_uint_eq(word(&s, 0x00), 0x1235);
    rig_free(&s.rig);
}
END_TEST

START_TEST(state)
{
    struct setup s;
    struct snap snap = {0};
    struct err err;
    u8 buf[10];

    setup(&s);
    floppy(&s, 0x54, 1, 0x1234, 0x100);
    i8237_transfer(s.dma, 2, buf, 10, true, NULL);
    rig_reload(&s.dma->dev);
    out8(&s.rig, 0x0c, 0);
    ck_assert_uint_eq(word(&s, 0x04), 0x123e);
    s.dma->r.mask[0] = 0x77;
    dev_save(&s.dma->dev, &snap);
    ck_assert(!dev_load(&s.dma->dev, &snap, &err));
    snap_free(&snap);
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {to_memory,
                                  from_memory_and_direction,
                                  verify_moves_nothing,
                                  auto_init,
                                  downwards,
                                  words,
                                  gates,
                                  requests_and_pages,
                                  state,
                                  NULL};

    return rig_main("dma", tests);
}
