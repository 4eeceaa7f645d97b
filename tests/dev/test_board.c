/* The wires of the board: between the vCPUs, their local APICs and the chipset, large memories, what
 * the firmware is told, ports that a configuration adds. No CPU runs. */
#include "devices/board/pc.h"

#include "cpu/cpu.h"
#include "devices/bus/fwcfg.h"
#include "devices/bus/pci.h"
#include "tests/dev/memblk.h"
#include "tests/dev/rig.h"

struct bench {
    u64 now;
    struct clock clock;
    struct pc *pc;
    struct pc_config cfg;
};

static u64 read_clock(void *arg)
{
    return ((struct bench *)arg)->now;
}

static void begin(struct bench *b, u64 ram)
{
    memset(b, 0, sizeof(*b));
    clock_init(&b->clock, read_clock, b);
    b->cfg = (struct pc_config){.ram_size = ram, .no_bios = true, .vga = PC_VGA_NONE, .clock = &b->clock};
}

static void create(struct bench *b)
{
    struct err err = {""};

    b->pc = pc_create(&b->cfg, &err);
    ck_assert_msg(b->pc != NULL, "%s", err.msg);
}

static void refused(struct bench *b, const char *part)
{
    struct err err = {""};

    ck_assert_ptr_null(pc_create(&b->cfg, &err));
    ck_assert_msg(strstr(err.msg, part) != NULL, "'%s' lacks '%s'", err.msg, part);
    clock_free(&b->clock);
}

static void end(struct bench *b)
{
    pc_destroy(b->pc);
    clock_free(&b->clock);
}

static void pass(struct bench *b, u64 ns)
{
    b->now += ns;
    clock_run(&b->clock);
}

static u8 in(struct bench *b, u16 port)
{
    return (u8)bus_read(&b->pc->io, port, 1);
}

static void out(struct bench *b, u16 port, u8 v)
{
    bus_write(&b->pc->io, port, v, 1);
}

static void config(struct bench *b, u8 devfn, u8 reg, u32 v, unsigned size)
{
    pci_cfg_write(b->pc->pci, 0x80000000u | (u32)devfn << 8 | (reg & 0xfc), reg & 3, v, size);
}

/* An APIC register of the vCPU at hand. */
static void apic(struct bench *b, u32 reg, u32 v)
{
    bus_write(&b->pc->mem, 0xfee00000u + reg, v, 4);
}

/* ---- CPUs ---- */

START_TEST(hooks)
{
    struct bench b;
    struct cpu_hooks *h;
    u64 v = 0;

    begin(&b, 16 * MIB);
    create(&b);
    h = &b.pc->cpu[0]->hooks;
    ck_assert(h->msr_read(h->arg, 0x1b, &v));
    ck_assert_uint_eq(v, 0xfee00900);
    ck_assert(!h->msr_read(h->arg, 0x12345, &v));
    ck_assert(!h->msr_write(h->arg, 0x1b, 1)); /* reserved bits */
    h->tpr_write(h->arg, 0x50);
    ck_assert_uint_eq(h->tpr_read(h->arg), 0x50);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xfee00080, 4), 0x50);
    b.now = NS_PER_SEC;
    ck_assert_uint_eq(h->tsc(h->arg), h->tsc_hz);
    end(&b);
}
END_TEST

/* FERR# is IRQ 13 until port F0h is written; the wire goes through both 8259s. */
START_TEST(coprocessor_error)
{
    static const u16 init[][2] = {{0x20, 0x11}, {0x21, 0x08}, {0x21, 4}, {0x21, 1}, {0xa0, 0x11},
                                  {0xa1, 0x70}, {0xa1, 2},    {0xa1, 1}, {0x21, 0}, {0xa1, 0}};
    struct bench b;
    struct cpu_hooks *h;

    begin(&b, 16 * MIB);
    create(&b);
    h = &b.pc->cpu[0]->hooks;
    for (unsigned i = 0; i < ARRAY_LEN(init); i++)
        out(&b, init[i][0], (u8)init[i][1]);
    out(&b, 0xa0, 0x0a);
    h->ferr(h->arg, 1);
    ck_assert_uint_eq(in(&b, 0xa0) & 0x20, 0x20);
    out(&b, 0xa0, 0x0c); /* served by a poll */
    ck_assert_uint_eq(in(&b, 0xa0), 0x85);
    out(&b, 0xa0, 0x20);
    out(&b, 0xa0, 0x0a);
    h->ferr(h->arg, 0);
    h->ferr(h->arg, 1); /* the chipset has held it: no edge */
    ck_assert_uint_eq(in(&b, 0xa0) & 0x20, 0);
    ck_assert_uint_eq(in(&b, 0xf0), 0xff);
    out(&b, 0xf0, 0);
    h->ferr(h->arg, 1);
    ck_assert_uint_eq(in(&b, 0xa0) & 0x20, 0x20);
    end(&b);
}
END_TEST

START_TEST(system_management)
{
    struct bench b;
    struct cpu_hooks *h;

    begin(&b, 16 * MIB);
    create(&b);
    h = &b.pc->cpu[0]->hooks;
    config(&b, 0, 0x72, 0x0a, 1); /* SMRAM at A0000h, closed */
    bus_write(&b.pc->mem, 0xa8000, 0x77, 1);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xa8000, 1), 0xff);
    h->smi_ack(h->arg, 1);
    bus_write(&b.pc->mem, 0xa8000, 0x77, 1);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xa8000, 1), 0x77);
    h->smi_ack(h->arg, 0);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xa8000, 1), 0xff);
    /* a write to the APM control port, where that is to be an SMI */
    out(&b, 0xb2, 0x12);
    ck_assert(!b.pc->cpu[0]->smi_pending);
    config(&b, PCI_DEVFN(1, 3), 0x5b, 2, 1);
    out(&b, 0xb2, 0x12);
    ck_assert(b.pc->cpu[0]->smi_pending);
    end(&b);
}
END_TEST

/* Interrupt messages of every kind, from PCI devices and between processors (SDM vol. 3, 11.6, 11.11). */
START_TEST(messages)
{
    enum { SMI = 0x200, NMI = 0x400, INIT = 0x500, STARTUP = 0x600, ASSERT = 0x4000, CPU1 = 1 << 24 };
    struct bench b;
    struct cpu *cpu[2];

    begin(&b, 16 * MIB);
    b.cfg.cpus = 2;
    create(&b);
    cpu[0] = b.pc->cpu[0], cpu[1] = b.pc->cpu[1];
    ck_assert(!cpu[0]->halted && cpu[1]->halted);
    b.pc->pci->msi(b.pc->pci->msi_arg, 0xfee00000, NMI);
    ck_assert(cpu[0]->nmi_pending && !cpu[1]->nmi_pending);
    b.pc->pci->msi(b.pc->pci->msi_arg, 0xfee01000, SMI);
    ck_assert(cpu[1]->smi_pending && !cpu[0]->smi_pending);
    /* a start-up without INIT before it wakes nobody twice */
    apic(&b, 0x310, CPU1), apic(&b, 0x300, ASSERT | INIT);
    ck_assert(cpu[1]->halted);
    apic(&b, 0x310, CPU1), apic(&b, 0x300, ASSERT | STARTUP | 0x9a);
    ck_assert(!cpu[1]->halted);
    ck_assert_uint_eq(cpu[1]->seg[SEG_CS].base, 0x9a000);
    ck_assert_uint_eq(cpu[1]->rip, 0);
    apic(&b, 0x310, CPU1), apic(&b, 0x300, ASSERT | STARTUP | 0x55);
    ck_assert_uint_eq(cpu[1]->seg[SEG_CS].base, 0x9a000);
    /* INIT to oneself waits for the instruction's end; from the other it is there at once */
    apic(&b, 0x310, 0), apic(&b, 0x300, ASSERT | INIT);
    ck_assert(cpu[0]->init_pending);
    cpu[0]->init_pending = false;
    cpu[0]->rip = 0x1234;
    pc_select_cpu(b.pc, 1);
    apic(&b, 0x310, 0), apic(&b, 0x300, ASSERT | INIT);
    ck_assert(!cpu[0]->init_pending && !cpu[0]->halted);
    ck_assert_uint_eq(cpu[0]->rip, 0xfff0);
    pc_nmi(b.pc);
    ck_assert(cpu[0]->nmi_pending);
    end(&b);
}
END_TEST

/* The deadline of the APIC's timer is a value of the TSC. */
START_TEST(deadline)
{
    struct bench b;
    struct cpu_hooks *h;

    begin(&b, 16 * MIB);
    create(&b);
    h = &b.pc->cpu[0]->hooks;
    apic(&b, 0xf0, 0x1ff);
    apic(&b, 0x320, 0x40000 | 0x33);
    ck_assert(h->msr_write(h->arg, 0x6e0, h->tsc(h->arg) + 5000));
    pass(&b, 4000);
    ck_assert_uint_eq(b.pc->cpu[0]->intr, 0);
    pass(&b, 1000);
    ck_assert_uint_eq(b.pc->cpu[0]->intr, 1);
    ck_assert_int_eq(h->intr_ack(h->arg), 0x33);
    /* one that is long past comes at once; 0 takes it back */
    ck_assert(h->msr_write(h->arg, 0x6e0, 1));
    pass(&b, 1);
    ck_assert_uint_eq(b.pc->cpu[0]->intr, 0); /* the first is still in service */
    ck_assert(h->msr_write(h->arg, 0x6e0, 0));
    end(&b);
}
END_TEST

START_TEST(cleaned_pages)
{
    struct bench b;

    begin(&b, 16 * MIB);
    b.cfg.cpus = 2;
    create(&b);
    bus_write(&b.pc->mem, 0x5000, 1, 4);
    ck_assert(ram_test_clear_dirty(&b.pc->low, 5, DIRTY_DISPLAY));
    ck_assert(!ram_test_clear_dirty(&b.pc->low, 5, DIRTY_DISPLAY));
    bus_write(&b.pc->mem, 0x5000, 2, 4); /* seen again: no fast way around was left */
    ck_assert(ram_test_clear_dirty(&b.pc->low, 5, DIRTY_DISPLAY));
    end(&b);
}
END_TEST

START_TEST(without_apic)
{
    struct bench b;

    begin(&b, 16 * MIB);
    b.cfg.cpu_model = "486";
    b.cfg.cpus = 2;
    refused(&b, "no local APIC");
    begin(&b, 16 * MIB);
    b.cfg.cpu_model = "486";
    create(&b);
    ck_assert(!b.pc->cpu[0]->hooks.msr_read(b.pc->cpu[0]->hooks.arg, 0x1b, &b.now));
    ck_assert_uint_eq(b.pc->cpu[0]->hooks.tpr_read(b.pc->cpu[0]->hooks.arg), 0);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 0xfee00030, 4), 0xffffffff);
    end(&b);
}
END_TEST

/* The port of VMware's pointer answers in the registers of the CPU. */
START_TEST(vmware_port)
{
    struct bench b;

    begin(&b, 16 * MIB);
    create(&b);
    b.pc->cpu[0]->gpr[0] = 0x564d5868;
    b.pc->cpu[0]->gpr[1] = 10;
    bus_read(&b.pc->io, 0x5658, 4);
    ck_assert_uint_eq(b.pc->cpu[0]->gpr[3], 0x564d5868);
    end(&b);
}
END_TEST

/* ---- memory and firmware ---- */

/* The bytes of a file, at most n; how many it has, or -1. */
static int file(struct bench *b, const char *name, u8 *to, unsigned n)
{
    u8 e[64];
    u32 count, size = 0;
    u16 key = 0;

    bus_write(&b->pc->io, 0x510, FWCFG_FILE_DIR, 2);
    for (unsigned i = 0; i < 4; i++)
        e[i] = in(b, 0x511);
    for (count = be32(e); count && !key; count--) {
        for (unsigned i = 0; i < 64; i++)
            e[i] = in(b, 0x511);
        if (!strcmp((char *)e + 8, name))
            key = be16(e + 4), size = be32(e);
    }
    if (!key)
        return -1;
    bus_write(&b->pc->io, 0x510, key, 2);
    for (unsigned i = 0; i < MIN(size, n); i++)
        to[i] = in(b, 0x511);
    return (int)size;
}

START_TEST(large_memory)
{
    struct bench b;
    u8 map[200];
    u64 high = 0;
    int n;

    begin(&b, 5 * GIB);
    create(&b);
    bus_write(&b.pc->mem, 3 * GIB - 8, 0x11223344, 4);
    bus_write(&b.pc->mem, 4 * GIB + 2 * GIB - 8, 0x55667788, 4);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 3 * GIB - 8, 4), 0x11223344);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 6 * GIB - 8, 4), 0x55667788);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 3 * GIB, 4), 0xffffffff);
    ck_assert_uint_eq(bus_read(&b.pc->mem, 6 * GIB, 4), 0xffffffff);
    n = file(&b, "etc/e820", map, sizeof(map));
    ck_assert_int_gt(n, 0);
    for (int i = 0; i + 20 <= n; i += 20)
        if (ld64(map + i) == 4 * GIB)
            high = ld64(map + i + 8);
    ck_assert_uint_eq(high, 2 * GIB);
    end(&b);
}
END_TEST

START_TEST(firmware)
{
    static const u8 uuid[16] = "0123456789abcde", rom[512] = {0x55, 0xaa, 1};
    struct memblk *disk, *cd;
    struct bench b;
    u8 t[600];
    int n;

    begin(&b, 16 * MIB);
    disk = memblk_new(&b.clock, MIB, 512);
    cd = memblk_new(&b.clock, MIB, 2048);
    cd->blk.cdrom = true;
    b.cfg.ide[0] = &disk->blk;
    b.cfg.ide[3] = &cd->blk;
    b.cfg.uuid = uuid;
    b.cfg.boot = "dnca";
    b.cfg.boot_strict = true;
    b.cfg.boot_menu = true;
    b.cfg.boot_menu_ms = 70000;
    b.cfg.addon[0] = (struct pc_addon){.driver = "virtio-rng-pci", .devfn = PCI_DEVFN(7, 0)};
    b.cfg.naddons = 1;
    b.cfg.rom[0] = (struct pc_blob){"some.bin", rom, sizeof(rom)};
    b.cfg.nroms = 1;
    b.cfg.file[0] = (struct pc_blob){"opt/mine", (const u8 *)"text", 4};
    b.cfg.nfiles = 1;
    b.cfg.item[0] = (struct pc_item){FWCFG_CMDLINE_DATA, (const u8 *)"quiet", 6};
    b.cfg.nitems = 1;
    create(&b);
    memset(t, 0, sizeof(t));
    n = file(&b, "bootorder", t, sizeof(t));
    ck_assert_int_gt(n, 0);
    ck_assert_str_eq((char *)t, "/pci@i0cf8/ide@1,1/drive@1/disk@1\n/pci@i0cf8/ethernet@7\n"
                                "/pci@i0cf8/ide@1,1/drive@0/disk@0\n/pci@i0cf8/isa@1/fdc@03f0/floppy@0\nHALT");
    ck_assert_int_eq(file(&b, "etc/boot-menu-wait", t, 2), 2);
    ck_assert_uint_eq(ld16(t), 65535); /* as long as it can be told */
    ck_assert_int_eq(file(&b, "genroms/some.bin", t, 4), 512);
    ck_assert_mem_eq(t, rom, 4);
    ck_assert_int_eq(file(&b, "opt/mine", t, 4), 4);
    ck_assert_mem_eq(t, "text", 4);
    bus_write(&b.pc->io, 0x510, FWCFG_UUID, 2);
    for (int i = 0; i < 16; i++)
        ck_assert_uint_eq(in(&b, 0x511), uuid[i]);
    bus_write(&b.pc->io, 0x510, FWCFG_CMDLINE_DATA, 2);
    ck_assert_uint_eq(in(&b, 0x511), 'q');
    end(&b);
    memblk_free(disk);
    memblk_free(cd);
}
END_TEST

/* A ROM that starts a kernel comes before every disk. */
START_TEST(kernel_loader)
{
    static const u8 rom[512] = {0x55, 0xaa, 1};
    struct bench b;
    u8 t[100] = {0};

    begin(&b, 16 * MIB);
    b.cfg.rom[0] = (struct pc_blob){"linuxboot.bin", rom, sizeof(rom)};
    b.cfg.nroms = 1;
    create(&b);
    ck_assert_int_gt(file(&b, "bootorder", t, sizeof(t) - 1), 0);
    ck_assert_str_eq((char *)t, "/rom@genroms/linuxboot.bin");
    end(&b);
}
END_TEST

START_TEST(firmware_refuses)
{
    static const char longer[] = "a/name/that/is/longer/than/the/fifty-five/characters/there/are";
    struct bench b;

    begin(&b, 16 * MIB);
    b.cfg.rom[0] = (struct pc_blob){longer, (const u8 *)longer, 4};
    b.cfg.nroms = 1;
    refused(&b, "option ROM");
    begin(&b, 16 * MIB);
    b.cfg.file[0] = (struct pc_blob){longer, (const u8 *)longer, 4};
    b.cfg.nfiles = 1;
    refused(&b, "55 characters");
    begin(&b, 16 * MIB);
    b.cfg.item[0] = (struct pc_item){0x7000, (const u8 *)longer, 4};
    b.cfg.nitems = 1;
    refused(&b, "0x7000");
}
END_TEST

/* ---- ports ---- */

struct line {
    struct chr chr;
    char text[16];
    size_t n;
};

static void keep(struct chr *chr, const u8 *data, size_t n)
{
    struct line *l = container_of(chr, struct line, chr);

    while (n-- && l->n < sizeof(l->text) - 1)
        l->text[l->n++] = (char)*data++;
}

static void no_samples(struct audio_voice *voice, u64 when, const s16 *stereo, size_t frames, u32 rate)
{
    ck_assert_uint_gt(rate, 0);
}

static struct audio_voice *one_voice(struct audio_out *out, const char *name)
{
    static struct audio_voice voice = {.samples = no_samples};

    return &voice;
}

START_TEST(ports)
{
    static const struct chr_ops ops = {keep};
    struct line com[PC_SERIALS] = {{.n = 0}}, debug = {.chr = {.ops = &ops}};
    static const u16 base[] = {0x3f8, 0x2f8, 0x3e8, 0x2e8};
    struct audio_out audio = {one_voice};
    struct bench b;

    begin(&b, 16 * MIB);
    for (unsigned i = 0; i < PC_SERIALS; i++) {
        com[i].chr.ops = &ops;
        b.cfg.serial[i] = &com[i].chr;
    }
    b.cfg.debugcon = &debug.chr;
    b.cfg.debugcon_port = 0x402;
    b.cfg.audio = &audio;
    create(&b);
    for (unsigned i = 0; i < PC_SERIALS; i++)
        out(&b, base[i], (u8)('a' + i));
    out(&b, 0x402, 'D');
    pass(&b, 100000000);
    for (unsigned i = 0; i < PC_SERIALS; i++) {
        ck_assert_uint_eq(com[i].n, 1);
        ck_assert_int_eq(com[i].text[0], 'a' + (int)i);
    }
    ck_assert_str_eq(debug.text, "D");
    ck_assert_uint_eq(in(&b, 0x402), 0xe9); /* somebody is there */
    /* the speaker: its port shows the second counter's output */
    out(&b, 0x43, 0xb6), out(&b, 0x42, 0), out(&b, 0x42, 1);
    out(&b, 0x61, 3);
    ck_assert_uint_eq(in(&b, 0x61) & 3, 3);
    pass(&b, 1000000);
    out(&b, 0x61, 0);
    end(&b);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {hooks,         coprocessor_error, system_management, messages, deadline,
                                  cleaned_pages, without_apic,      vmware_port,       large_memory, firmware,
                                  kernel_loader, firmware_refuses,  ports,             NULL};

    return rig_main("board", tests);
}
