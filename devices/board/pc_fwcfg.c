/* What the firmware is told: memory, CPUs, boot order, option ROMs, tables (the fw_cfg items
 * SeaBIOS looks for). */
#include "devices/board/pc_int.h"

#include "devices/board/acpi.h"
#include "devices/board/smbios.h"
#include "devices/bus/fwcfg.h"
#include "devices/bus/pci.h"
#include "devices/core/bits.h"

#include <stdio.h>

enum { E820_RAM = 1, E820_ENTRY = 20 };

static void put_e820(u8 *e, u64 base, u64 len)
{
    st64(e, base);
    st64(e + 8, len);
    st32(e + 16, E820_RAM);
}

static void add_memory(struct pc *pc, struct dev *fw)
{
    u8 map[2 * E820_ENTRY];
    size_t n = E820_ENTRY;

    put_e820(map, 0, pc->low.size);
    if (pc->high.size) {
        put_e820(map + n, 4 * GIB, pc->high.size);
        n += E820_ENTRY;
    }
    fwcfg_file(fw, "etc/e820", map, n, true);
    fwcfg_set_num(fw, FWCFG_RAM_SIZE, pc->cfg.ram_size, 8);
}

static void add_states(struct dev *fw)
{
    /* Per sleep state: bit 7 says it exists, the low bits are its type. Only S0 and S5 do. */
    static const u8 states[6] = {0x80, 0, 0, 0x01, 0x02, 0x80};

    fwcfg_file(fw, "etc/system-states", states, sizeof states, true);
}

/* The paths that SeaBIOS has for a letter's devices. */
static size_t boot_paths(const struct pc *pc, char letter, char *to, size_t size)
{
    size_t n = 0;

    if (letter == 'a' || letter == 'b')
        return (size_t)snprintf(to, size, "/pci@i0cf8/isa@1/fdc@03f0/floppy@%d\n", letter - 'a');
    for (unsigned i = 0; i < PC_IDE && (letter == 'c' || letter == 'd'); i++) {
        if (pc->cfg.ide[i] && pc->cfg.ide[i]->cdrom == (letter == 'd') && n < size)
            n += (size_t)snprintf(to + n, size - n, "/pci@i0cf8/ide@1,1/drive@%u/disk@%u\n", i >> 1,
                                  i & 1);
    }
    for (unsigned slot = 3; slot < 32 && letter == 'n'; slot++) {
        if (pc->pci->fn[PCI_DEVFN(slot, 0)] && n < size)
            n += (size_t)snprintf(to + n, size - n, "/pci@i0cf8/ethernet@%x\n", slot);
    }
    return n;
}

/* -boot strict=on: the devices by name, and nothing after them. */
void pc_fwcfg_boot_order(struct pc *pc)
{
    char list[2048];
    size_t n = 0;

    if (!pc->cfg.boot_strict)
        return;
    for (const char *p = pc_boot_order(pc); *p && n < sizeof list - 8; p++)
        n = MIN(n + boot_paths(pc, *p, list + n, sizeof list - 8 - n), sizeof list - 8);
    memcpy(list + n, "HALT", 5);
    fwcfg_file(pc->parts->fwcfg, "bootorder", list, n + 5, true);
}

static void add_boot(struct pc *pc, struct dev *fw)
{
    u8 wait[4];

    fwcfg_set_num(fw, FWCFG_BOOT_MENU, pc->cfg.boot_menu, 2);
    if (pc->cfg.boot_menu_ms) {
        st16(wait, (u16)MIN(pc->cfg.boot_menu_ms, 65535u));
        fwcfg_file(fw, "etc/boot-menu-wait", wait, 2, true);
    }
    st32(wait, 0xffffffff); /* no restart when nothing boots */
    fwcfg_file(fw, "etc/boot-fail-wait", wait, 4, true);
}

/* Does this ROM start a kernel given directly? Then it comes before every disk. */
static bool is_kernel_loader(const char *name)
{
    return !strncmp(name, "linuxboot", 9) || !strncmp(name, "multiboot", 9);
}

static bool add_roms(struct pc *pc, struct dev *fw, struct err *err)
{
    unsigned i;

    for (i = 0; i < pc->cfg.nroms && i < PC_MAX_ROMS; i++) {
        const struct pc_blob *rom = &pc->cfg.rom[i];
        char name[FWCFG_NAME_LEN], order[FWCFG_NAME_LEN + 8];

        if (snprintf(name, sizeof name, "genroms/%s", rom->name) >= (int)sizeof name ||
            !fwcfg_file(fw, name, rom->data, rom->len, false))
            return err_set(err, "the option ROM '%s' cannot be added: its name is too long",
                           rom->name);
        if (is_kernel_loader(rom->name)) {
            snprintf(order, sizeof order, "/rom@%s", name);
            fwcfg_file(fw, "bootorder", order, strlen(order) + 1, true);
        }
    }
    return true;
}

/* The numbered items of a direct kernel boot. */
static bool add_items(struct pc *pc, struct dev *fw, struct err *err)
{
    unsigned i;

    for (i = 0; i < pc->cfg.nitems && i < PC_MAX_ITEMS; i++) {
        const struct pc_item *it = &pc->cfg.item[i];

        if (!fwcfg_valid(it->key))
            return err_set(err, "there is no fw_cfg item %#x", it->key);
        fwcfg_set(fw, it->key, it->data, it->len, false);
    }
    return true;
}

static bool add_files(struct pc *pc, struct dev *fw, struct err *err)
{
    unsigned i;

    for (i = 0; i < pc->cfg.nfiles && i < PC_MAX_FILES; i++) {
        const struct pc_blob *f = &pc->cfg.file[i];

        if (!fwcfg_file(fw, f->name, f->data, f->len, false))
            return err_set(
                err, "the fw_cfg file '%s' cannot be added: its name is longer than %d characters",
                f->name, FWCFG_NAME_LEN - 1);
    }
    return true;
}

static void add_tables(struct pc *pc, struct dev *fw)
{
    struct smbios_config sc = {.cpus = pc->cfg.cpus, .ram = pc->cfg.ram_size, .uuid = pc->cfg.uuid,
                               .text = pc->cfg.smbios, .ntexts = pc->cfg.nsmbios};
    struct acpi_config ac = {
        .cpus = pc->cfg.cpus, .low_ram = pc->low.size, .apic = pc->parts->lapic[0] != NULL,
        .floppy = pc->parts->fdc != NULL, .keyboard = true,
        .hpet = !pc->cfg.no_hpet,
    };
    int i;

    for (i = 0; i < PC_SERIALS; i++)
        ac.serial[i] = pc->cfg.serial[i] != NULL;
    if (!pc->cfg.no_acpi)
        acpi_build(&ac, fw);
    smbios_build(&sc, fw);
}

bool pc_fwcfg_fill(struct pc *pc, struct err *err)
{
    struct dev *fw = pc->parts->fwcfg;

    add_memory(pc, fw);
    fwcfg_set_num(fw, FWCFG_NB_CPUS, pc->cfg.cpus, 2);
    fwcfg_set_num(fw, FWCFG_MAX_CPUS, pc->cfg.cpus, 2);
    fwcfg_set_num(fw, FWCFG_NOGRAPHIC, pc->cfg.vga == PC_VGA_NONE, 2);
    fwcfg_set_num(fw, FWCFG_IRQ0_OVERRIDE, 1, 4);
    if (pc->cfg.uuid)
        fwcfg_set(fw, FWCFG_UUID, pc->cfg.uuid, 16, true);
    add_states(fw);
    add_boot(pc, fw);
    pc_fwcfg_boot_order(pc);
    add_tables(pc, fw);
    return add_items(pc, fw, err) && add_roms(pc, fw, err) && add_files(pc, fw, err);
}
