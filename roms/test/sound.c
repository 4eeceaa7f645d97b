/* Plays 440 Hz by the speaker, by a Sound Blaster 16's DMA and by its OPL3, one second and a half
 * each, for who listens outside. A machine without the card has nothing to test. */
#include "roms/test/lib/test.h"

enum { DSP = 0x220, RATE = 22050, FRAMES = 4410 /* 88 periods */, BUFFER = 0x40000 };

static u64 now(void)
{
    u64 t;

    __asm__ volatile("rdtsc" : "=A"(t));
    return t;
}

/* The counter's unit is the nanosecond. */
static void wait_ms(u32 ms)
{
    u64 until = now() + ms * 1000000ull;

    while (now() < until)
        continue;
}

static void speaker(void)
{
    outb(0x43, 0xb6);
    outb(0x42, 2712 & 0xff);
    outb(0x42, 2712 >> 8);
    outb(0x61, inb(0x61) | 3);
    wait_ms(1500);
    outb(0x61, inb(0x61) & ~3u);
}

static bool dsp_read(u8 *v)
{
    for (u32 i = 0; i < 10000; i++) {
        if (inb(DSP + 0xe) & 0x80) {
            *v = inb(DSP + 0xa);
            return true;
        }
    }
    return false;
}

static void dsp_write(u8 v)
{
    while (inb(DSP + 0xc) & 0x80)
        continue;
    outb(DSP + 0xc, v);
}

static bool dsp_reset(void)
{
    u8 v = 0;

    outb(DSP + 6, 1);
    wait_ms(1);
    outb(DSP + 6, 0);
    return dsp_read(&v) && v == 0xaa;
}

static s16 sine(u32 n)
{
    double x = 6.283185307179586 * 88 * n / FRAMES, v;

    __asm__("fsin" : "=t"(v) : "0"(x));
    return (s16)(v * 12000);
}

static void dma(void)
{
    s16 *buffer = (s16 *)BUFFER;
    u32 interrupts = 0;
    u64 until;

    for (u32 i = 0; i < FRAMES; i++)
        buffer[i] = sine(i);
    outb(0xd4, 5);
    outb(0xd8, 0);
    outb(0xd6, 0x59); /* channel 5, from memory, over and over */
    outb(0xc4, 0);
    outb(0xc4, 0);
    outb(0xc6, (FRAMES - 1) & 0xff);
    outb(0xc6, (FRAMES - 1) >> 8);
    outb(0x8b, BUFFER >> 16);
    outb(0xd6, 0xc0);
    outb(0xd4, 0);
    outb(0xd4, 1);
    dsp_write(0x41);
    dsp_write(RATE >> 8);
    dsp_write(RATE & 0xff);
    dsp_write(0xb6);
    dsp_write(0x10);
    dsp_write((FRAMES / 2 - 1) & 0xff);
    dsp_write((FRAMES / 2 - 1) >> 8);
    until = now() + 1500000000ull;
    while (now() < until) {
        outb(DSP + 4, 0x82);
        if (inb(DSP + 5) & 2) {
            inb(DSP + 0xf);
            interrupts++;
        }
    }
    dsp_write(0xd5);
    CHECK(interrupts > 2);
    CHECK(dsp_reset());
}

static void fm_write(u8 n, u8 v)
{
    outb(0x388, n);
    outb(0x389, v);
}

static void fm(void)
{
    fm_write(4, 0x60);
    fm_write(4, 0x80);
    CHECK_EQ(inb(0x388), 0);
    fm_write(2, 0xff);
    fm_write(4, 0x21);
    wait_ms(1);
    CHECK_EQ(inb(0x388), 0xc0);
    fm_write(4, 0x60);
    fm_write(4, 0x80);
    fm_write(0x60, 0); /* the first operator stays silent */
    fm_write(0x23, 0x21);
    fm_write(0x43, 0);
    fm_write(0x63, 0xf0);
    fm_write(0x83, 0x0f);
    fm_write(0xa0, 580 & 0xff); /* 580 * 49716 / 2^16 = 440 Hz */
    fm_write(0xb0, 0x20 | 4 << 2 | 580 >> 8);
    wait_ms(1500);
    fm_write(0xb0, 4 << 2 | 580 >> 8);
}

void run_test(void)
{
    if (!dsp_reset())
        return;
    __asm__ volatile("fninit");
    speaker();
    wait_ms(300);
    dma();
    wait_ms(300);
    fm();
    wait_ms(300);
}
