/* FADT, MADT, RSDT and RSDP, and the firmware's commands for placing them (ACPI 1.0b chapter 5;
 * QEMU's table-loader file). */
#include "devices/board/acpi.h"

#include "devices/board/pc_int.h"
#include "devices/bus/fwcfg.h"
#include "devices/bus/piix4pm.h"
#include "devices/core/bits.h"
#include "devices/time/hpet.h"

#include <stdlib.h>

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE "etc/acpi/rsdp"

enum { HEADER = 36, SUM_OFF = 9, FACS_SIZE = 64, FADT_SIZE = 116, RSDP_SIZE = 20 };
enum { CMD_ALLOCATE = 1, CMD_POINTER = 2, CMD_CHECKSUM = 3, CMD_SIZE = 128, NAME_LEN = 56 };
enum { ZONE_HIGH = 1, ZONE_FSEG = 2 };

struct build {
    struct aml t;      /* the tables */
    struct aml loader; /* the commands */
};

/* ---- commands ---- */

static void put_name(u8 *p, const char *name)
{
    memcpy(p, name, MIN(strlen(name), (size_t)NAME_LEN - 1));
}

static void cmd_allocate(struct build *b, const char *file, u32 align, u8 zone)
{
    u8 c[CMD_SIZE] = {CMD_ALLOCATE};

    put_name(c + 4, file);
    st32(c + 60, align);
    c[64] = zone;
    aml_bytes(&b->loader, c, sizeof c);
}

/* The four bytes at `off` of `file` hold an offset into the tables: add where those were put. */
static void cmd_pointer(struct build *b, const char *file, u32 off)
{
    u8 c[CMD_SIZE] = {CMD_POINTER};

    put_name(c + 4, file);
    put_name(c + 60, TABLES_FILE);
    st32(c + 116, off);
    c[120] = 4;
    aml_bytes(&b->loader, c, sizeof c);
}

static void cmd_checksum(struct build *b, const char *file, u32 at, u32 start, u32 len)
{
    u8 c[CMD_SIZE] = {CMD_CHECKSUM};

    put_name(c + 4, file);
    st32(c + 60, at);
    st32(c + 64, start);
    st32(c + 68, len);
    aml_bytes(&b->loader, c, sizeof c);
}

/* ---- tables ---- */

static u32 table_begin(struct build *b, const char *sig, u8 revision)
{
    u32 at = (u32)b->t.len;
    u8 h[HEADER] = {0};

    memcpy(h, sig, 4);
    h[8] = revision;
    memcpy(h + 10, "DRAGON", 6);
    memcpy(h + 16, "DRGNPC  ", 8);
    st32(h + 24, 1);
    memcpy(h + 28, "DRGN", 4);
    st32(h + 32, 1);
    aml_bytes(&b->t, h, sizeof h);
    return at;
}

static void table_end(struct build *b, u32 at)
{
    u32 len = (u32)b->t.len - at;

    st32(b->t.data + at + 4, len);
    cmd_checksum(b, TABLES_FILE, at + SUM_OFF, at, len);
}

static u32 make_facs(struct build *b)
{
    u32 at = (u32)b->t.len;
    u8 f[FACS_SIZE] = {'F', 'A', 'C', 'S', FACS_SIZE};

    aml_bytes(&b->t, f, sizeof f);
    return at;
}

static u32 make_dsdt(struct build *b, const struct acpi_config *cfg)
{
    u32 at = table_begin(b, "DSDT", 1);
    struct aml body = {0};

    acpi_dsdt(cfg, &body);
    aml_bytes(&b->t, body.data, body.len);
    aml_free(&body);
    table_end(b, at);
    return at;
}

static u32 make_fadt(struct build *b, u32 facs, u32 dsdt)
{
    u32 at = table_begin(b, "FACP", 1);
    u8 f[FADT_SIZE] = {0};

    st32(f + 36, facs);
    st32(f + 40, dsdt);
    f[44] = 1;                      /* multiple APICs */
    st16(f + 46, PIIX4_SCI_IRQ);
    st32(f + 48, 0xb2);             /* SMI command port */
    f[52] = 0xf1;                   /* ... what to write there for ACPI on and off */
    f[53] = 0xf0;
    st32(f + 56, PIIX4_PM_BASE);
    st32(f + 64, PIIX4_PM_BASE + 4);
    st32(f + 76, PIIX4_PM_BASE + 8);
    st32(f + 80, PIIX4_PM_BASE + 12);
    f[88] = 4;
    f[89] = 2;
    f[91] = 4;
    f[92] = 4;
    st16(f + 96, 0xfff);            /* no C2, no C3 */
    st16(f + 98, 0xfff);
    f[108] = 0x32;                  /* century byte of the RTC */
    st32(f + 112, 1 << 0 | 1 << 2 | 1 << 5); /* WBINVD works, C1, no sleep button */
    aml_bytes(&b->t, f + HEADER, sizeof f - HEADER);
    cmd_pointer(b, TABLES_FILE, at + 36);
    cmd_pointer(b, TABLES_FILE, at + 40);
    table_end(b, at);
    return at;
}

static void madt_override(struct build *b, u8 source, u32 gsi, u16 flags)
{
    u8 e[10] = {2, 10, 0, source};

    st32(e + 4, gsi);
    st16(e + 8, flags);
    aml_bytes(&b->t, e, sizeof e);
}

static u32 make_madt(struct build *b, const struct acpi_config *cfg)
{
    static const u8 level[] = {5, 9, 10, 11};
    u32 at = table_begin(b, "APIC", 1);
    u8 ioapic[12] = {1, 12}, nmi[6] = {4, 6, 0xff, 0, 0, 1};
    unsigned i;

    aml_u32(&b->t, (u32)APIC_DEFAULT_BASE);
    aml_u32(&b->t, 1); /* there are 8259s too */
    for (i = 0; i < cfg->cpus; i++) {
        u8 e[8] = {0, 8, (u8)i, (u8)i, 1};

        aml_bytes(&b->t, e, sizeof e);
    }
    st32(ioapic + 4, (u32)IOAPIC_BASE);
    aml_bytes(&b->t, ioapic, sizeof ioapic);
    madt_override(b, 0, 2, 0);
    for (i = 0; i < ARRAY_LEN(level); i++)
        madt_override(b, level[i], level[i], 0x0d); /* active high, level */
    aml_bytes(&b->t, nmi, sizeof nmi);
    table_end(b, at);
    return at;
}

/* IA-PC HPET 1.0a section 3.2.4. */
static u32 make_hpet(struct build *b)
{
    u32 at = table_begin(b, "HPET", 1);
    u8 h[56 - HEADER] = {0};

    st32(h, HPET_ID);
    h[5] = 64; /* in memory, 64 bits */
    st64(h + 8, HPET_BASE);
    st16(h + 17, 100); /* ticks between interrupts that are not lost */
    aml_bytes(&b->t, h, sizeof h);
    table_end(b, at);
    return at;
}

static u32 make_rsdt(struct build *b, const u32 *tables, unsigned n)
{
    u32 at = table_begin(b, "RSDT", 1);
    unsigned i;

    for (i = 0; i < n; i++) {
        cmd_pointer(b, TABLES_FILE, (u32)b->t.len);
        aml_u32(&b->t, tables[i]);
    }
    table_end(b, at);
    return at;
}

void acpi_build(const struct acpi_config *cfg, struct dev *fwcfg)
{
    struct build b = {0};
    u8 rsdp[RSDP_SIZE] = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ', 0, 'D', 'R', 'A', 'G', 'O', 'N'};
    u32 tables[3], n = 0, facs, dsdt, rsdt;

    cmd_allocate(&b, RSDP_FILE, 16, ZONE_FSEG);
    cmd_allocate(&b, TABLES_FILE, 64, ZONE_HIGH);
    facs = make_facs(&b);
    dsdt = make_dsdt(&b, cfg);
    tables[n++] = make_fadt(&b, facs, dsdt);
    if (cfg->apic)
        tables[n++] = make_madt(&b, cfg);
    if (cfg->hpet)
        tables[n++] = make_hpet(&b);
    rsdt = make_rsdt(&b, tables, n);
    st32(rsdp + 16, rsdt);
    cmd_pointer(&b, RSDP_FILE, 16);
    cmd_checksum(&b, RSDP_FILE, 8, 0, RSDP_SIZE);

    fwcfg_file(fwcfg, RSDP_FILE, rsdp, sizeof rsdp, true);
    fwcfg_file(fwcfg, TABLES_FILE, b.t.data, b.t.len, true);
    fwcfg_file(fwcfg, "etc/table-loader", b.loader.data, b.loader.len, true);
    aml_free(&b.t);
    aml_free(&b.loader);
}
