/* The DSDT: PCI root with routing and windows, interrupt links, ISA devices, soft-off (ACPI 1.0b
 * chapters 6, 7, 16). */
#include "devices/board/acpi.h"

#include "devices/core/bits.h"
#include "devices/time/hpet.h"

enum { SLOTS = 32, PIN_SCI_SLOT = 1, SCI_GSI = 9 };
enum { RES_IO = 1, RES_BUS = 2 };

static const char *const links[4] = {"LNKA", "LNKB", "LNKC", "LNKD"};
static const char *const pirqs[4] = {"PRQA", "PRQB", "PRQC", "PRQD"};
static const u32 choices[] = {5, 10, 11};

/* Four pins of every slot, rotated as the board wires them; the power management function has its
 * own interrupt. */
static void routing(struct aml *a)
{
    unsigned slot, pin;

    aml_name(a, "_PRT");
    aml_package(a, (SLOTS - 1) * 4);
    for (slot = 1; slot < SLOTS; slot++) {
        for (pin = 0; pin < 4; pin++) {
            aml_package(a, 4);
            aml_int(a, (u64)slot << 16 | 0xffff);
            aml_int(a, pin);
            if (slot == PIN_SCI_SLOT && pin == 0) {
                aml_int(a, 0);
                aml_int(a, SCI_GSI);
            } else {
                aml_ref(a, links[(slot - 1 + pin) & 3]);
                aml_int(a, 0);
            }
            aml_end(a);
        }
    }
    aml_end(a);
}

static void windows(const struct acpi_config *cfg, struct aml *a)
{
    aml_name(a, "_CRS");
    aml_res_begin(a);
    aml_res_word(a, RES_BUS, 0, 0, 255);
    aml_res_io(a, 0xcf8, 1, 8);
    aml_res_word(a, RES_IO, 3, 0, 0xcf7);
    aml_res_word(a, RES_IO, 3, 0xd00, 0xffff);
    aml_res_memory(a, true, 0xa0000, 0xbffff);
    aml_res_memory(a, false, (u32)MAX(cfg->low_ram, (u64)0x80000000), 0xfebfffff);
    aml_res_end(a);
}

/* ---- interrupt links: the PIRQ routing registers of the ISA bridge ---- */

static void link_methods(struct aml *a, const char *prq)
{
    static const u32 none = 0;

    aml_method(a, "_STA", 0);
    aml_if(a);
    aml_op(a, AML_AND);
    aml_ref(a, prq);
    aml_int(a, 0x80);
    aml_int(a, 0);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x09);
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_int(a, 0x0b);
    aml_end(a);

    aml_method(a, "_DIS", 0);
    aml_op(a, AML_OR);
    aml_ref(a, prq);
    aml_int(a, 0x80);
    aml_ref(a, prq);
    aml_end(a);

    aml_name(a, "BUF_");
    aml_res_begin(a);
    aml_res_interrupt(a, &none, 1);
    aml_res_end(a);

    aml_method(a, "_CRS", 0);
    aml_op(a, AML_DWORD_FIELD);
    aml_ref(a, "BUF_");
    aml_int(a, 5);
    aml_ref(a, "IRQC");
    aml_op(a, AML_STORE);
    aml_int(a, 0);
    aml_ref(a, "IRQC");
    aml_if(a);
    aml_op(a, AML_LLESS);
    aml_ref(a, prq);
    aml_int(a, 0x80);
    aml_op(a, AML_STORE);
    aml_ref(a, prq);
    aml_ref(a, "IRQC");
    aml_end(a);
    aml_op(a, AML_RETURN);
    aml_ref(a, "BUF_");
    aml_end(a);

    aml_method(a, "_SRS", 1);
    aml_op(a, AML_DWORD_FIELD);
    aml_op(a, AML_ARG0);
    aml_int(a, 5);
    aml_ref(a, "IRQS");
    aml_op(a, AML_STORE);
    aml_ref(a, "IRQS");
    aml_ref(a, prq);
    aml_end(a);
}

static void irq_links(struct aml *a)
{
    unsigned i;

    for (i = 0; i < 4; i++) {
        aml_device(a, links[i]);
        aml_name(a, "_HID");
        aml_eisa(a, "PNP0C0F");
        aml_name_int(a, "_UID", i);
        aml_name(a, "_PRS");
        aml_res_begin(a);
        aml_res_interrupt(a, choices, ARRAY_LEN(choices));
        aml_res_end(a);
        link_methods(a, pirqs[i]);
        aml_end(a);
    }
}

/* ---- ISA devices ---- */

struct isa_device {
    const char *name, *hid;
    struct {
        u16 base;
        u8 len;
    } io[3];
    s8 irq, irq2, dma;
};

static void isa_device(struct aml *a, const struct isa_device *d, unsigned uid)
{
    unsigned i;

    aml_device(a, d->name);
    aml_name(a, "_HID");
    aml_eisa(a, d->hid);
    if (uid)
        aml_name_int(a, "_UID", uid);
    aml_name_int(a, "_STA", 0x0f);
    aml_name(a, "_CRS");
    aml_res_begin(a);
    for (i = 0; i < ARRAY_LEN(d->io); i++)
        if (d->io[i].len)
            aml_res_io(a, d->io[i].base, 1, d->io[i].len);
    if (d->irq >= 0)
        aml_res_irq(a, (unsigned)d->irq);
    if (d->dma >= 0)
        aml_res_dma(a, (unsigned)d->dma);
    aml_res_end(a);
    aml_end(a);
}

static void isa_devices(const struct acpi_config *cfg, struct aml *a)
{
    static const struct isa_device always[] = {
        {"PIC_", "PNP0000", {{0x20, 2}, {0xa0, 2}, {0x4d0, 2}}, 2, -1, -1},
        {"DMAC", "PNP0200", {{0x00, 16}, {0x80, 16}, {0xc0, 32}}, -1, -1, 4},
        {"TMR_", "PNP0100", {{0x40, 4}, {0}, {0}}, 0, -1, -1},
        {"RTC_", "PNP0B00", {{0x70, 2}, {0}, {0}}, 8, -1, -1},
        {"SPKR", "PNP0800", {{0x61, 1}, {0}, {0}}, -1, -1, -1},
        {"FPU_", "PNP0C04", {{0xf0, 16}, {0}, {0}}, 13, -1, -1},
    };
    static const struct isa_device keyboard = {"KBD_", "PNP0303", {{0x60, 1}, {0x64, 1}, {0}},
                                               1,      -1,        -1};
    static const struct isa_device mouse = {"MOU_", "PNP0F13", {{0}, {0}, {0}}, 12, -1, -1};
    static const struct isa_device floppy = {"FDC0", "PNP0700", {{0x3f2, 4}, {0x3f7, 1}, {0}},
                                             6,      -1,        2};
    static const struct isa_device com[4] = {
        {"COM1", "PNP0501", {{0x3f8, 8}, {0}, {0}}, 4, -1, -1},
        {"COM2", "PNP0501", {{0x2f8, 8}, {0}, {0}}, 3, -1, -1},
        {"COM3", "PNP0501", {{0x3e8, 8}, {0}, {0}}, 4, -1, -1},
        {"COM4", "PNP0501", {{0x2e8, 8}, {0}, {0}}, 3, -1, -1},
    };
    unsigned i;

    for (i = 0; i < ARRAY_LEN(always); i++)
        isa_device(a, &always[i], 0);
    if (cfg->keyboard) {
        isa_device(a, &keyboard, 0);
        isa_device(a, &mouse, 0);
    }
    if (cfg->floppy)
        isa_device(a, &floppy, 0);
    for (i = 0; i < 4; i++)
        if (cfg->serial[i])
            isa_device(a, &com[i], i + 1);
}

static void hpet(struct aml *a)
{
    aml_device(a, "HPET");
    aml_name(a, "_HID");
    aml_eisa(a, "PNP0103");
    aml_name_int(a, "_UID", 0);
    aml_name_int(a, "_STA", 0x0f);
    aml_name(a, "_CRS");
    aml_res_begin(a);
    aml_res_fixed(a, (u32)HPET_BASE, HPET_SIZE);
    aml_res_end(a);
    aml_end(a);
}

static void processors(const struct acpi_config *cfg, struct aml *a)
{
    unsigned i;

    aml_scope(a, "\\_PR_");
    for (i = 0; i < cfg->cpus; i++) {
        char name[5] = {'C', 'P', (char)('0' + i / 10), (char)('0' + i % 10), 0};
        u8 body[6] = {(u8)i, 0, 0, 0, 0, 0};
        u8 len = (u8)(1 + 4 + sizeof body);

        aml_u16(a, 0x835b); /* Processor: id, no register block */
        aml_u8(a, len);
        aml_ref(a, name);
        aml_bytes(a, body, sizeof body);
    }
    aml_end(a);
}

void acpi_dsdt(const struct acpi_config *cfg, struct aml *a)
{
    static const char *const s5 = "\\_S5_";
    int i;

    aml_scope(a, "\\_SB_");
    aml_device(a, "PCI0");
    aml_name(a, "_HID");
    aml_eisa(a, "PNP0A03");
    aml_name_int(a, "_ADR", 0);
    aml_name_int(a, "_UID", 0);
    windows(cfg, a);
    routing(a);

    aml_device(a, "ISA_");
    aml_name_int(a, "_ADR", 0x10000);
    aml_pci_region(a, "PRQR", 0x60, 4);
    isa_devices(cfg, a);
    aml_end(a);
    aml_end(a);

    /* The field is declared beside the links, so that its names need no path. */
    aml_scope(a, "\\_SB_");
    aml_byte_field(a, "PCI0ISA_PRQR", pirqs, 4);
    irq_links(a);
    if (cfg->hpet)
        hpet(a);
    aml_end(a);
    aml_end(a);

    processors(cfg, a);

    aml_name(a, s5);
    aml_package(a, 4);
    for (i = 0; i < 4; i++)
        aml_int(a, 0);
    aml_end(a);
}
