/* Power management registers, and the tables: placed by the loader's commands they must add up and
 * point to each other. */
#include "devices/board/acpi.h"
#include "devices/board/smbios.h"
#include "devices/bus/fwcfg.h"
#include "devices/bus/pci.h"
#include "devices/bus/piix4pm.h"
#include "tests/dev/rig.h"

enum { CFG = 0x80000b00, PM = 0x600 };

struct set {
    struct rig rig;
    struct pci_bus pci;
    struct dev *pm;
    struct probe sci;
    int smis, offs;
};

static void smi(void *arg) { ((struct set *)arg)->smis++; }
static void off(void *arg) { ((struct set *)arg)->offs++; }

static void cfg_write(struct set *s, u8 reg, u32 v, unsigned size)
{
    pci_cfg_write(&s->pci, CFG | (reg & 0xfcu), reg & 3, v, size);
}

static void setup(struct set *s)
{
    struct piix4pm_wiring w = {.smi = smi, .off = off, .arg = s};

    memset(s, 0, sizeof *s);
    rig_init(&s->rig);
    pci_bus_init(&s->pci, &s->rig.mem, &s->rig.io, NULL);
    irq_connect(&w.sci, probe_set, &s->sci, 9);
    s->pm = rig_new(&s->rig, &piix4pm_class, "pm");
    piix4pm_wire(s->pm, &s->pci, &w);
    rig_start(s->pm);
    cfg_write(s, 0x40, PM | 1, 4);
    cfg_write(s, 0x80, 1, 1);
}

static u16 in16(struct set *s, u16 port) { return (u16)bus_read(&s->rig.io, port, 2); }
static void out16(struct set *s, u16 port, u16 v) { bus_write(&s->rig.io, port, v, 2); }

START_TEST(test_timer)
{
    struct set s;
    u32 a, b;

    setup(&s);
    a = in32(&s.rig, PM + 8);
    rig_pass(&s.rig, 1000000);
    b = in32(&s.rig, PM + 8);
    ck_assert_uint_ge(b - a, 3579);
    ck_assert_uint_le(b - a, 3580);
    /* bit 23 toggles every 2.34 s */
    ck_assert_uint_eq(in16(&s, PM) & 1, 0);
    out8(&s.rig, 0xb2, 0xf1);
    ck_assert_uint_eq(in16(&s, PM + 4) & 1, 1);
    out16(&s, PM + 2, 1);
    rig_pass(&s.rig, 2400000000ull);
    ck_assert_int_eq(s.sci.level, 1);
    ck_assert_uint_eq(in16(&s, PM) & 1, 1);
    out16(&s, PM, 1);
    ck_assert_int_eq(s.sci.level, 0);
    rig_pass(&s.rig, 2400000000ull);
    ck_assert_int_eq(s.sci.level, 1);
    ck_assert_uint_le(in32(&s.rig, PM + 8), 0xffffff);
    rig_free(&s.rig);
}
END_TEST

/* The SMBus host: registers, the block buffer, and that nobody answers (data sheet, 11.5.3). */
START_TEST(test_smbus)
{
    enum { SMB = 0x700 };
    struct set s;

    setup(&s);
    cfg_write(&s, 0x90, SMB | 1, 4);
    cfg_write(&s, 0xd2, 1, 1);
    for (u16 r = 3; r < 7; r++) { /* command, address, two data */
        out8(&s.rig, SMB + r, (u8)(0xa0 + r));
        ck_assert_uint_eq(in8(&s.rig, SMB + r), 0xa0u + r);
    }
    in8(&s.rig, SMB + 2); /* rewinds the block buffer */
    for (unsigned i = 0; i < 40; i++)
        out8(&s.rig, SMB + 7, (u8)(i + 1));
    in8(&s.rig, SMB + 2);
    for (unsigned i = 0; i < 32; i++) /* it has 32 places: the last eight went over the first */
        ck_assert_uint_eq(in8(&s.rig, SMB + 7), i < 8 ? i + 33 : i + 1);
    out8(&s.rig, SMB + 8, 0xff), out8(&s.rig, SMB + 9, 0x5a);
    ck_assert_uint_eq(in8(&s.rig, SMB + 8), 0x0f); /* reserved bits are 0 */
    ck_assert_uint_eq(in8(&s.rig, SMB + 9), 0x5a);
    bus_write(&s.rig.io, SMB + 10, 0x1234, 2);
    ck_assert_uint_eq(in16(&s, SMB + 10), 0x1234);
    ck_assert_uint_eq(in8(&s.rig, SMB + 1) | in8(&s.rig, SMB + 14), 0);
    /* a transaction ends at once: device error, cleared by writing ones; START reads as 0 */
    out8(&s.rig, SMB, 0xff);
    out8(&s.rig, SMB + 2, 0x48);
    ck_assert_uint_eq(in8(&s.rig, SMB + 2), 0x08);
    ck_assert_uint_eq(in8(&s.rig, SMB), 4);
    rig_reload(s.pm);
    ck_assert_uint_eq(in8(&s.rig, SMB), 4);
    ck_assert_uint_eq(in8(&s.rig, SMB + 9), 0x5a);
    out8(&s.rig, SMB, 2);
    ck_assert_uint_eq(in8(&s.rig, SMB), 4);
    out8(&s.rig, SMB, 0x1e);
    ck_assert_uint_eq(in8(&s.rig, SMB), 0);
    cfg_write(&s, 0xd2, 0, 1); /* off: nothing there */
    ck_assert_uint_eq(in8(&s.rig, SMB + 9), 0xff);
    rig_free(&s.rig);
}
END_TEST

START_TEST(test_power)
{
    struct set s;

    setup(&s);
    out16(&s, PM + 2, 0x100);
    piix4pm_button(s.pm);
    ck_assert_int_eq(s.sci.level, 0); /* not yet in ACPI mode */
    out8(&s.rig, 0xb2, 0xf1);
    ck_assert_int_eq(s.sci.level, 1);
    out16(&s, PM, 0x100);
    ck_assert_int_eq(s.sci.level, 0);
    rig_reload(s.pm);
    out16(&s, PM + 4, 0x2000 | 5 << 10); /* no such sleep state */
    ck_assert_int_eq(s.offs, 0);
    out16(&s, PM + 4, 0x2001);
    ck_assert_int_eq(s.offs, 1);
    ck_assert_uint_eq(in16(&s, PM + 4) & 0x2000, 0);
    out8(&s.rig, PM + 5, 0x20); /* a byte access works too */
    ck_assert_int_eq(s.offs, 2);
    rig_free(&s.rig);
}
END_TEST

START_TEST(test_smi_and_places)
{
    struct set s;

    setup(&s);
    out8(&s.rig, 0xb3, 0x42);
    out8(&s.rig, 0xb2, 0x10);
    ck_assert_int_eq(s.smis, 0);
    cfg_write(&s, 0x58, 1 << 25, 4);
    out8(&s.rig, 0xb2, 0x10);
    ck_assert_int_eq(s.smis, 1);
    ck_assert_uint_eq(in8(&s.rig, 0xb3), 0x42);
    cfg_write(&s, 0x40, 0xb000, 4);
    ck_assert_uint_eq(in16(&s, PM + 4), 0xffff);
    ck_assert_uint_eq(in16(&s, 0xb004), 0);
    cfg_write(&s, 0x80, 0, 1);
    ck_assert_uint_eq(in16(&s, 0xb004), 0xffff);
    cfg_write(&s, 0x90, 0x700, 4);
    cfg_write(&s, 0xd2, 9, 1);
    out8(&s.rig, 0x702, 0x48); /* a transaction with nobody there */
    ck_assert_uint_eq(in8(&s.rig, 0x700), 4);
    out8(&s.rig, 0x700, 4);
    ck_assert_uint_eq(in8(&s.rig, 0x700), 0);
    rig_free(&s.rig);
}
END_TEST

/* ---- tables ---- */

enum { FILES = 8, PLACE = 0x07f00000 };

struct file {
    char name[56];
    u8 data[65536];
    u32 len, at;
};

struct install {
    struct file f[FILES];
    int n;
};


static void read_file(struct rig *rig, const char *name, u8 *buf, u32 *len)
{
    u8 e[64];
    u32 i, n, k;

    bus_write(&rig->io, 0x510, FWCFG_FILE_DIR, 2);
    for (i = 0; i < 4; i++)
        e[i] = in8(rig, 0x511);
    n = be32(e);
    *len = 0;
    for (i = 0; i < n; i++) {
        for (k = 0; k < 64; k++)
            e[k] = in8(rig, 0x511);
        if (strcmp((char *)e + 8, name))
            continue;
        *len = be32(e);
        ck_assert_uint_le(*len, 65536);
        bus_write(&rig->io, 0x510, (u16)(e[4] << 8 | e[5]), 2);
        for (k = 0; k < *len; k++)
            buf[k] = in8(rig, 0x511);
        return;
    }
    ck_abort_msg("no file %s", name);
}

static struct file *find(struct install *in, const u8 *name)
{
    int i;

    for (i = 0; i < in->n; i++)
        if (!strcmp(in->f[i].name, (const char *)name))
            return &in->f[i];
    ck_abort_msg("command names a file that was not allocated");
    return NULL;
}

/* What firmware does with the commands. */
static void install(struct rig *rig, struct install *in)
{
    static u8 cmds[65536];
    u32 len, at, i;

    read_file(rig, "etc/table-loader", cmds, &len);
    ck_assert_uint_eq(len % 128, 0);
    for (at = 0; at < len; at += 128) {
        const u8 *c = cmds + at;
        struct file *f;

        switch (ld32(c)) {
        case 1:
            f = &in->f[in->n++];
            memcpy(f->name, c + 4, 56);
            read_file(rig, f->name, f->data, &f->len);
            f->at = PLACE + 0x20000 * (u32)in->n;
            break;
        case 2:
            f = find(in, c + 4);
            ck_assert_uint_le(ld32(c + 116) + 4, f->len);
            ck_assert_uint_lt(ld32(f->data + ld32(c + 116)), find(in, c + 60)->len);
            st32(f->data + ld32(c + 116), ld32(f->data + ld32(c + 116)) + find(in, c + 60)->at);
            break;
        case 3: {
            u8 sum = 0;

            f = find(in, c + 4);
            ck_assert_uint_le(ld32(c + 64) + ld32(c + 68), f->len);
            f->data[ld32(c + 60)] = 0;
            for (i = 0; i < ld32(c + 68); i++)
                sum = (u8)(sum + f->data[ld32(c + 64) + i]);
            f->data[ld32(c + 60)] = (u8)-sum;
            break;
        }
        default: ck_abort_msg("unknown command");
        }
    }
}

static const u8 *at(struct install *in, u32 addr)
{
    int i;

    for (i = 0; i < in->n; i++)
        if (addr >= in->f[i].at && addr < in->f[i].at + in->f[i].len)
            return in->f[i].data + (addr - in->f[i].at);
    ck_abort_msg("pointer to nowhere");
    return NULL;
}

static const u8 *check_table(const u8 *t, const char *sig)
{
    u8 sum = 0;
    u32 i;

    ck_assert_mem_eq(t, sig, 4);
    for (i = 0; i < ld32(t + 4); i++)
        sum = (u8)(sum + t[i]);
    ck_assert_uint_eq(sum, 0);
    return t;
}

START_TEST(test_tables)
{
    struct acpi_config cfg = {.cpus = 3,
                              .low_ram = 128 * MIB,
                              .apic = true,
                              .serial = {true},
                              .floppy = true,
                              .keyboard = true};
    struct install *in = calloc(1, sizeof *in);
    const u8 *rsdt, *fadt, *madt, *p;
    struct rig rig;
    struct dev *fw;
    unsigned cpus = 0, overrides = 0;

    rig_init(&rig);
    fw = rig_new(&rig, &fwcfg_class, "fwcfg");
    rig_start(fw);
    acpi_build(&cfg, fw);
    install(&rig, in);
    ck_assert_mem_eq(in->f[0].data, "RSD PTR ", 8);
    rsdt = check_table(at(in, ld32(in->f[0].data + 16)), "RSDT");
    ck_assert_uint_eq(ld32(rsdt + 4), 36 + 8);
    fadt = check_table(at(in, ld32(rsdt + 36)), "FACP");
    check_table(at(in, ld32(fadt + 40)), "DSDT");
    ck_assert_mem_eq(at(in, ld32(fadt + 36)), "FACS", 4);
    ck_assert_uint_eq(ld32(fadt + 36) & 63, 0);
    ck_assert_uint_eq(ld32(fadt + 76), PM + 8);
    madt = check_table(at(in, ld32(rsdt + 40)), "APIC");
    for (p = madt + 44; p < madt + ld32(madt + 4); p += p[1]) {
        ck_assert_uint_ge(p[1], 2);
        cpus += p[0] == 0;
        overrides += p[0] == 2;
    }
    ck_assert_uint_eq(cpus, 3);
    ck_assert_uint_eq(overrides, 5);
    rig_free(&rig);
    free(in);
}
END_TEST

START_TEST(test_aml_lengths)
{
    static const unsigned sizes[] = {0,  1,   50,   58,   59,   60,   61,
                                     62, 100, 4000, 4085, 4090, 4095, 70000};
    size_t k;

    for (k = 0; k < ARRAY_LEN(sizes); k++) {
        struct aml a = {0};
        u32 len, n, i;

        aml_scope(&a, "ABCD");
        for (i = 0; i < sizes[k]; i++)
            aml_u8(&a, 0xa3);
        aml_end(&a);
        n = a.data[1] >> 6;
        len = n ? a.data[1] & 15 : a.data[1] & 63;
        for (i = 0; i < n; i++)
            len |= (u32)a.data[2 + i] << (4 + 8 * i);
        ck_assert_uint_eq(len, a.len - 1);
        ck_assert_mem_eq(a.data + 2 + n, "ABCD", 4);
        aml_free(&a);
    }
}
END_TEST

START_TEST(test_smbios)
{
    struct smbios_config cfg = {.cpus = 2, .ram = 256 * MIB};
    static u8 t[65536], e[65536];
    struct rig rig;
    struct dev *fw;
    u32 len, n, at_ = 0, count = 0;

    rig_init(&rig);
    fw = rig_new(&rig, &fwcfg_class, "fwcfg");
    rig_start(fw);
    smbios_build(&cfg, fw);
    read_file(&rig, "etc/smbios/smbios-anchor", e, &n);
    read_file(&rig, "etc/smbios/smbios-tables", t, &len);
    ck_assert_uint_eq(n, 31);
    ck_assert_mem_eq(e, "_SM_", 4);
    ck_assert_uint_eq(ld16(e + 22), len);
    while (at_ < len) {
        u8 type = t[at_];

        ck_assert_uint_ge(t[at_ + 1], 4);
        at_ += t[at_ + 1];
        while (t[at_] || t[at_ + 1])
            at_++;
        at_ += 2;
        count++;
        if (type == 127)
            break;
    }
    ck_assert_uint_eq(at_, len);
    ck_assert_uint_eq(count, ld16(e + 28));
    rig_free(&rig);
}
END_TEST

/* Number `n` of the strings behind the structure of `type`. */
static const char *smbios_string(const u8 *t, u32 len, u8 type, unsigned off)
{
    for (u32 at = 0; at + 4 < len;) {
        const u8 *s = t + at;
        const char *p = (const char *)s + s[1];
        unsigned n = off ? s[off] : 0;

        for (unsigned i = 1; s[0] == type && i < n; i++)
            p += strlen(p) + 1;
        if (s[0] == type)
            return n ? p : "";
        at += s[1];
        while (t[at] || t[at + 1])
            at++;
        at += 2;
    }
    return NULL;
}

START_TEST(test_smbios_texts)
{
    static const struct smbios_text text[] = {
        {0, "vendor", "Test BIOS"},  {0, "release", "3.7"},   {1, "manufacturer", "Acme"},
        {1, "serial", "S/N 1"},      {1, "serial", "S/N 2"},  {1, "sku", "K"},
        {2, "product", "Board"},     {3, "asset", "tag"},     {4, "sock_pfx", "Socket"},
        {11, "value", "one"},        {11, "value", "two"},    {17, "manufacturer", "Chips"},
        {17, "speed", "133"},
    };
    struct smbios_config cfg = {.cpus = 2, .ram = 256 * MIB, .text = text,
                                .ntexts = ARRAY_LEN(text)};
    static const struct {
        u8 type, off;
        const char *want;
    } want[] = {
        {0, 4, "Test BIOS"}, {0, 5, "1"},      {1, 4, "Acme"},    {1, 7, "S/N 2"},
        {1, 0x19, "K"},      {1, 0x1a, ""},    {2, 5, "Board"},   {3, 8, "tag"},
        {3, 4, "Dragoman"},  {4, 4, "Socket0"}, {17, 0x10, "DIMM 0"}, {17, 0x17, "Chips"},
    };
    static u8 t[65536];
    struct rig rig;
    struct dev *fw;
    u32 len;

    rig_init(&rig);
    fw = rig_new(&rig, &fwcfg_class, "fwcfg");
    rig_start(fw);
    smbios_build(&cfg, fw);
    read_file(&rig, "etc/smbios/smbios-tables", t, &len);
    ck_assert_uint_eq(t[0], 0);
    ck_assert_uint_eq(t[20], 3);
    ck_assert_uint_eq(t[21], 7);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        ck_assert_str_eq(smbios_string(t, len, want[i].type, want[i].off), want[i].want);
    ck_assert_str_eq(smbios_string(t, len, 11, 4), "two");
    ck_assert(smbios_has(1, "family") && smbios_has(3, NULL));
    ck_assert(!smbios_has(1, "family ") && !smbios_has(9, NULL) && !smbios_has(300, NULL));
    rig_free(&rig);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_timer, test_smbus,  test_power,       test_smi_and_places,
                                  test_tables, test_aml_lengths, test_smbios, test_smbios_texts,
                                  NULL};

    return rig_main("acpi", tests);
}
