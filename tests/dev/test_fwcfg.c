/* Firmware configuration device: selector and data ports, directory, DMA with good and hostile
 * commands. */
#include "devices/bus/fwcfg.h"
#include "tests/dev/rig.h"

enum { SEL = 0x510, DATA = 0x511, DMA_HI = 0x514, DMA_LO = 0x518, CMD_AT = 0x1000 };

struct set {
    struct rig rig;
    struct region ram;
    struct dev *fw;
};

static void setup(struct set *s)
{
    memset(s, 0, sizeof *s);
    rig_init(&s->rig);
    rig_map_ram(&s->rig, &s->ram);
    s->fw = rig_new(&s->rig, &fwcfg_class, "fwcfg");
    rig_start(s->fw);
}

static void pick(struct set *s, u16 key) { bus_write(&s->rig.io, SEL, key, 2); }


static void read_bytes(struct set *s, u8 *buf, unsigned n)
{
    unsigned i;

    for (i = 0; i < n; i++)
        buf[i] = in8(&s->rig, DATA);
}

/* Key and size of a file by name; 0: none. */
static u16 find(struct set *s, const char *name, u32 *size)
{
    u8 e[64];
    u32 n, i;

    pick(s, FWCFG_FILE_DIR);
    read_bytes(s, e, 4);
    n = be32(e);
    for (i = 0; i < n; i++) {
        read_bytes(s, e, 64);
        if (strcmp((char *)e + 8, name))
            continue;
        *size = be32(e);
        return (u16)(e[4] << 8 | e[5]);
    }
    return 0;
}

static u32 dma(struct set *s, u32 control, u32 len, u64 addr)
{
    u8 *c = s->rig.ram.host + CMD_AT;

    st32(c, __builtin_bswap32(control));
    st32(c + 4, __builtin_bswap32(len));
    st64(c + 8, __builtin_bswap64(addr));
    out32(&s->rig, DMA_HI, 0);
    out32(&s->rig, DMA_LO, __builtin_bswap32(CMD_AT));
    return be32(c);
}

START_TEST(test_ports)
{
    struct set s;
    u8 b[8];

    setup(&s);
    pick(&s, FWCFG_SIGNATURE);
    read_bytes(&s, b, 6);
    ck_assert_mem_eq(b, "QEMU\0\0", 6); /* zeros behind the end */
    pick(&s, FWCFG_ID);
    ck_assert_uint_eq(in8(&s.rig, DATA), 3);
    fwcfg_set_num(s.fw, FWCFG_NB_CPUS, 0x1234, 2);
    pick(&s, FWCFG_NB_CPUS);
    read_bytes(&s, b, 2);
    ck_assert_uint_eq(ld16(b), 0x1234);
    pick(&s, 0x3fff);
    ck_assert_uint_eq(in8(&s.rig, DATA), 0);
    pick(&s, FWCFG_LOCAL + 7);
    ck_assert_uint_eq(in8(&s.rig, DATA), 0);
    rig_reload(s.fw);
    rig_free(&s.rig);
}
END_TEST

START_TEST(test_files)
{
    struct set s;
    u32 size = 0;
    u8 b[16];
    u16 key;
    int i;

    setup(&s);
    ck_assert(fwcfg_file(s.fw, "etc/one", "first", 5, true));
    ck_assert(fwcfg_file(s.fw, "opt/two", "second", 6, false));
    ck_assert(fwcfg_file(s.fw, "etc/one", "replaced", 8, true));
    key = find(&s, "etc/one", &size);
    ck_assert_uint_ge(key, 0x20);
    ck_assert_uint_eq(size, 8);
    pick(&s, key);
    read_bytes(&s, b, 8);
    ck_assert_mem_eq(b, "replaced", 8);
    ck_assert_uint_ne(find(&s, "opt/two", &size), key);
    ck_assert_uint_eq(find(&s, "none", &size), 0);
    ck_assert(!fwcfg_file(s.fw, "a-name-that-is-longer-than-the-fifty-five-characters-there-are",
                          "", 0, true));
    for (i = 0; i < 100; i++) {
        char name[16] = {'f', (char)('0' + i / 10), (char)('0' + i % 10)};

        if (!fwcfg_file(s.fw, name, "x", 1, true))
            break;
    }
    ck_assert_int_eq(i, FWCFG_MAX_FILES - 2);
    rig_free(&s.rig);
}
END_TEST

START_TEST(test_dma)
{
    struct set s;
    u8 data[5000];
    int i;

    setup(&s);
    for (i = 0; i < (int)sizeof data; i++)
        data[i] = (u8)(i * 3);
    ck_assert_uint_eq(in32(&s.rig, DMA_HI), 0x554d4551);
    ck_assert_uint_eq(in32(&s.rig, DMA_LO), 0x47464320);
    fwcfg_set(s.fw, FWCFG_KERNEL_DATA, data, sizeof data, false);
    ck_assert_uint_eq(dma(&s, (u32)FWCFG_KERNEL_DATA << 16 | 8 | 2, 1000, 0x20000), 0);
    ck_assert_mem_eq(s.rig.ram.host + 0x20000, data, 1000);
    ck_assert_uint_eq(dma(&s, 4, 500, 0), 0); /* skip */
    memset(s.rig.ram.host + 0x30000, 0xff, 8192);
    ck_assert_uint_eq(dma(&s, 2, 4000, 0x30000), 0); /* goes on, and past the end */
    ck_assert_mem_eq(s.rig.ram.host + 0x30000, data + 1500, 3500);
    ck_assert_uint_eq(s.rig.ram.host[0x30000 + 3999], 0);
    ck_assert_uint_eq(s.rig.ram.host[0x30000 + 4000], 0xff);
    rig_free(&s.rig);
}
END_TEST

START_TEST(test_dma_hostile)
{
    struct set s;

    setup(&s);
    ck_assert_uint_eq(dma(&s, (u32)FWCFG_SIGNATURE << 16 | 8 | 2, 0xffffffff, 0x20000),
                      1);                          /* far too long */
    ck_assert_uint_eq(dma(&s, 16, 4, 0x20000), 1); /* nothing can be written */
    ck_assert_uint_eq(dma(&s, 4, 0xffffffff, 0), 0);
    ck_assert_uint_eq(in8(&s.rig, DATA), 0);
    ck_assert_uint_eq(dma(&s, (u32)FWCFG_SIGNATURE << 16 | 8 | 2, 4, 0xfffffffffffffffeull), 0);
    ck_assert_uint_eq(dma(&s, (u32)FWCFG_SIGNATURE << 16 | 8 | 2, 16, CMD_AT),
                      0); /* over the command itself */
    out32(&s.rig, DMA_HI, 0xffffffff);
    out32(&s.rig, DMA_LO, 0xffffffff);
    pick(&s, FWCFG_SIGNATURE);
    ck_assert_uint_eq(in8(&s.rig, DATA), 'Q');
    rig_free(&s.rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_ports, test_files, test_dma, test_dma_hostile, NULL};

    return rig_main("fwcfg", tests);
}
