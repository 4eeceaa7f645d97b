/* ES1370: both DACs in every format, interrupts, positions, stop mode, the silent ADC, the codec. */
#include "devices/audio/es1370.h"
#include "tests/dev/rig.h"
#include "tests/dev/tone.h"

enum { IO = 0xc000, BUF = 0x20000, CFG = (int)0x80001800 };

struct card {
    struct rig rig;
    struct region ram;
    struct ear ear;
    struct pci_bus bus;
    struct es1370 *e;
    struct probe pirq;
};

static void set_pirq(void *arg, int pirq, int level)
{
    probe_set(&((struct card *)arg)->pirq, pirq, level);
}

static void config(struct card *c, unsigned reg, u32 v)
{
    pci_cfg_write(&c->bus, (u32)CFG | reg, 0, v, 4);
}

static void set_up(struct card *c)
{
    struct plug plug = {.pci = &c->bus, .devfn = PCI_DEVFN(3, 0), .audio = &c->ear.out};
    struct err err;

    memset(c, 0, sizeof(*c));
    rig_init(&c->rig);
    rig_map_ram(&c->rig, &c->ram);
    ear_init(&c->ear);
    pci_bus_init(&c->bus, &c->rig.mem, &c->rig.io, NULL);
    c->bus.set_pirq = set_pirq;
    c->bus.arg = c;
    c->e = rig_new(&c->rig, &es1370_class, "es1370");
    ck_assert(es1370_plug(&c->e->dev, &plug, &err));
    rig_start(c->e);
    ck_assert_uint_eq(pci_cfg_read(&c->bus, (u32)CFG, 0, 4), 0x50001274);
    config(c, 0x10, IO);
    config(c, 0x04, 5);
    c->rig.now = 3000000;
    for (u32 n = 0; n < 6; n++) /* loud */
        out32(&c->rig, IO + 0x10, n << 8 | (n < 2 ? 0 : 6));
}

static void tear_down(struct card *c)
{
    rig_free(&c->rig);
    ear_free(&c->ear);
}

static void fill(struct card *c, unsigned frames, unsigned periods, unsigned form)
{
    u8 *p = (u8 *)c->rig.ram.host + BUF;

    for (unsigned i = 0; i < frames; i++) {
        double v = sin(2 * 3.14159265358979 * periods * i / frames);

        for (unsigned k = 0; k <= (form & 1); k++) {
            if (form & 2)
                st16(p, (u16)lrint(v * 16000)), p += 2;
            else
                *p++ = (u8)(128 + lrint(v * 62.5));
        }
    }
}

START_TEST(dacs)
{
    struct card c;

    for (unsigned n = 0; n < 2; n++) {
        for (unsigned form = 0; form < 4; form++) {
            unsigned bytes = 4410u << (form & 1) << (form >> 1);
            const struct ear_voice *v = &c.ear.voice[n];

            set_up(&c);
            fill(&c, 4400, 88, form); /* 441 Hz at 22050 */
            bytes = bytes / 4410 * 4400;
            out32(&c.rig, IO + 0x0c, 0xc);
            out32(&c.rig, IO + 0x30 + 8 * (u16)n, BUF);
            out32(&c.rig, IO + 0x34 + 8 * (u16)n, bytes / 4 - 1);
            out32(&c.rig, IO + 0x24 + 4 * (u16)n, 2200 - 1);
            out32(&c.rig, IO + 0x20, 0x100u << n | form << (2 * n));
            out32(&c.rig, IO, (0x40u >> n) | 62u << 16 | 2 << 12);
            rig_pass(&c.rig, 99000000);
            ck_assert_int_eq(c.pirq.level, 0);
            rig_pass(&c.rig, 1000000);
            ck_assert_int_eq(c.pirq.level, 1);
            ck_assert_uint_eq(in32(&c.rig, IO + 4), 0x80000000u | 4u >> n);
            out32(&c.rig, IO + 0x20, form << (2 * n));
            ck_assert_int_eq(c.pirq.level, 0);
            out32(&c.rig, IO + 0x20, 0x100u << n | form << (2 * n));
            rig_pass(&c.rig, 100000000);
            ck_assert_int_eq(c.pirq.rises, 2);
            /* the place goes with the clock */
            ck_assert_uint_eq(in32(&c.rig, IO + 0x34 + 8 * (u16)n) >> 16,
                              (4410 % 4400) * (bytes / 4400) / 4);
            rig_reload(&c.e->dev);
            rig_pass(&c.rig, 400000000);
            ck_assert_uint_eq(v->rate, 22050);
            ck_assert_double_eq_tol(tone_peak(v->buf, v->n, v->rate, 420, 460, 0.5), 441, 1);
            ck_assert_double_eq_tol(tone_level(v->buf, v->n, v->rate, 441, 1), 16000, 800);
            /* pause */
            out32(&c.rig, IO + 0x20, 0x800u << n | form << (2 * n));
            ear_forget(&c.ear);
            rig_pass(&c.rig, 100000000);
            ck_assert_uint_eq(v->n, 0);
            tear_down(&c);
        }
    }
}
END_TEST

START_TEST(other_ways)
{
    struct card c;

    set_up(&c);
    /* DAC1 has four rates; stop mode ends with the buffer */
    fill(&c, 4000, 100, 0);
    out8(&c.rig, IO + 0x0c, 0xc);
    out32(&c.rig, IO + 0x30, BUF), out32(&c.rig, IO + 0x34, 999);
    out32(&c.rig, IO + 0x20, 0x2000);
    out32(&c.rig, IO, 0x40 | 1 << 12);
    rig_pass(&c.rig, NS_PER_SEC);
    ck_assert_uint_eq(c.ear.voice[0].n, 4000);
    ck_assert_uint_eq(c.ear.voice[0].rate, 11025);
    ck_assert(!timer_pending(&c.e->timer));
    /* muted */
    out32(&c.rig, IO + 0x10, 0x0080);
    out32(&c.rig, IO, 0), out32(&c.rig, IO + 0x20, 0), out32(&c.rig, IO, 0x40 | 1 << 12);
    ear_forget(&c.ear);
    rig_pass(&c.rig, 100000000);
    ck_assert_double_lt(tone_level(c.ear.voice[0].buf, c.ear.voice[0].n, 11025, 275.6, 0), 1);
    ck_assert_double_gt(tone_level(c.ear.voice[0].buf, c.ear.voice[0].n, 11025, 275.6, 1), 10000);
    /* no bus mastering: nothing moves */
    config(&c, 4, 1);
    ear_forget(&c.ear);
    rig_pass(&c.rig, 100000000);
    ck_assert_uint_eq(c.ear.voice[0].n, 0);
    config(&c, 4, 5);
    rig_pass(&c.rig, 100000000);
    ck_assert_uint_gt(c.ear.voice[0].n, 900);
    /* the codec's reset */
    out32(&c.rig, IO + 0x10, 0x1600);
    ck_assert_uint_eq(c.e->r.codec[3], 0x80);
    /* recording writes silence */
    out32(&c.rig, IO, 0);
    memset((u8 *)c.rig.ram.host + BUF, 7, 4096);
    out32(&c.rig, IO + 0x0c, 0xd);
    out32(&c.rig, IO + 0x30, BUF), out32(&c.rig, IO + 0x34, 1023);
    ck_assert_uint_eq(in32(&c.rig, IO + 0x30), BUF);
    out32(&c.rig, IO + 0x2c, 99);
    out32(&c.rig, IO + 0x20, 0x430);
    out32(&c.rig, IO, 0x10 | 30u << 16);
    rig_pass(&c.rig, 100000000);
    ck_assert_uint_eq(mem32(&c.rig, BUF + 4092), 0);
    ck_assert_uint_eq(in32(&c.rig, IO + 4), 0x80000001u);
    ck_assert_uint_eq(in32(&c.rig, IO + 0x2c) & 0xffff, 99);
    /* a halt of the host; a page without registers; registers that are not there */
    c.rig.now += 5 * NS_PER_SEC;
    clock_run(&c.rig.clock);
    out32(&c.rig, IO + 0x0c, 0);
    out32(&c.rig, IO + 0x30, 1);
    ck_assert_uint_eq(in32(&c.rig, IO + 0x30), 0);
    ck_assert_uint_eq(in32(&c.rig, IO + 0x80), 0);
    ck_assert_uint_eq(in32(&c.rig, IO + 0x20), 0x430);
    ck_assert_uint_eq(in32(&c.rig, IO + 0x0c), 0);
    ck_assert_uint_eq(in32(&c.rig, IO), 0x10 | 30u << 16);
    tear_down(&c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {dacs, other_ways, NULL};

    return rig_main("es1370", tests);
}
