/* The PC of 1996-2000 (i440FX + PIIX3) as one struct: what it is made from, what it holds, and how
 * it is driven. */
#ifndef DEVICES_BOARD_PC_H
#define DEVICES_BOARD_PC_H

#include "devices/core/types.h"
#include "devices/core/clock.h"
#include "devices/core/dev.h"
#include "devices/core/err.h"
#include "devices/core/irq.h"
#include "devices/core/log.h"
#include "devices/core/plug.h"
#include "devices/core/ports.h"
#include "mmu/bus.h"
#include "mmu/ram.h"

enum {
    PC_MAX_CPUS = 16,
    PC_FLOPPIES = 2,
    PC_IDE = 4, /* 0: primary master, 1: primary slave, 2: secondary master, 3: secondary slave */
    PC_SERIALS = 4,
    PC_MAX_ROMS = 8,
    PC_MAX_FILES = 16,
    PC_MAX_ITEMS = 16,
    PC_MAX_ADDONS = 24,
};

/* RAM below 4 GiB ends here at the latest; what is above goes to 4 GiB and up. */
#define PC_LOWMEM_MAX (3584 * MIB)
/* The most RAM pc_create accepts. */
#define PC_RAM_MAX (64 * GIB)

/* Bytes that somebody else owns: they must stay until pc_destroy. */
struct pc_blob {
    const char *name; /* of an option ROM or a fw_cfg file; else only for messages */
    const u8 *data;
    size_t len;       /* 0: absent */
};

/* A numbered fw_cfg item (devices/bus/fwcfg.h); the bytes belong to somebody else and must stay
 * until pc_destroy. */
struct pc_item {
    u16 key;
    const u8 *data;
    size_t len;
};

/* A device that is added to those every machine has. Of the host's ends only the one that its
 * driver asks for is set. */
struct pc_addon {
    const char *driver;  /* a row of devices/board/addons.def */
    const char *id;      /* NULL: made up */
    const char *props;   /* "name=value,..." (",," is a comma); NULL: none */
    int devfn;           /* its place on the PCI bus; -1: the next free one */
    const u8 *rom;       /* PCI: its expansion ROM */
    size_t rom_len;
    struct net *net;
    struct blk *blk;
    struct chr *chr;
    struct audio_out *audio;
    struct share *share;
};

enum pc_watchdog {
    PC_WD_RESET,
    PC_WD_SHUTDOWN, /* press the power button */
    PC_WD_POWEROFF,
    PC_WD_PAUSE,
    PC_WD_DEBUG, /* a line in the log and no more */
    PC_WD_NONE,
    PC_WD_NMI,
};

struct smbios_text;

enum pc_vga { PC_VGA_STD, PC_VGA_CIRRUS, PC_VGA_NONE };

/* What the machine asks of the program around it. The handlers are called from inside device code
 * in the middle of an instruction: they may note something and make the run loop leave, and must
 * not call back into the machine. */
struct pc_hooks {
    void *arg;
    void (*event)(void *arg); /* pc_take_event has something to say; may be NULL */
};

/* Everything a machine is made from; zero-initialise, fill in, pc_create. All pointers stay valid
 * until pc_destroy. */
struct pc_config {
    u64 ram_size;                /* bytes, a multiple of 4 KiB, at least 1 MiB; 0: 128 MiB */
    unsigned cpus;               /* 0: one */
    u64 cpu_seed;                /* of random numbers that guests see (RDRAND) */
    struct entropy *entropy;     /* the host's, for devices; NULL: theirs follow from cpu_seed */
    const char *cpu_model;       /* NULL: the default model; may carry ",+feat,-feat" */
    struct clock *clock;         /* the machine's virtual clock, made by the caller; required */
    struct log *log;             /* may be NULL */
    struct pc_hooks hooks;

    struct pc_blob bios;         /* required unless no_bios; 64 KiB..16 MiB, a multiple of 64 KiB */
    struct pc_blob vga_bios;     /* option ROM of the display adapter (its PCI ROM BAR) */
    bool no_bios;                /* start with no firmware at all: tests without ROMs */
    struct pc_blob rom[PC_MAX_ROMS]; /* further option ROMs, run by the firmware; name such as
                                        "linuxboot.bin" */
    unsigned nroms;
    struct pc_blob file[PC_MAX_FILES]; /* extra fw_cfg files (-fw_cfg name=...,file=...) */
    unsigned nfiles;

    struct blk *fd[PC_FLOPPIES]; /* NULL: no such drive; size 0: a drive with nothing in it */
    struct blk *ide[PC_IDE];     /* blk.cdrom tells a CD drive from a disk */
    struct chr *serial[PC_SERIALS]; /* NULL: no such port */
    struct chr *debugcon;        /* port 0xE9; NULL: absent */
    u16 debugcon_port;           /* 0: 0xE9; 0x402 is where SeaBIOS writes its messages */
    struct audio_out *audio;     /* for the speaker; may be NULL */
    struct pc_addon addon[PC_MAX_ADDONS];
    unsigned naddons;
    enum pc_vga vga;
    u32 vga_mem;                 /* bytes of display memory; 0: 16 MiB */

    const char *boot;            /* as -boot order=: a floppy, c disk, d CD, n network; NULL: "cad" */
    const char *boot_once;       /* the order up to the first reset; NULL: the same */
    bool boot_strict;            /* let the firmware try nothing that `boot` does not name */
    bool boot_menu;              /* let the firmware show its boot menu */
    u32 boot_menu_ms;            /* how long; 0: the firmware's default */
    struct pc_item item[PC_MAX_ITEMS]; /* of a direct kernel boot, as frontend/boot prepares them
                                          (boot_apply) */
    unsigned nitems;

    s64 rtc_base; /* seconds since 1970 that the RTC shows at machine start (already local if
                     wanted) */
    s64 rtc_zone;                /* so many seconds of it are the time zone's */
    bool rtc_host;               /* rtc_base is not given: take 2000-01-01 00:00:00 when false */
    bool no_vmport; /* leave out VMware's port with the absolute pointer */
    bool no_acpi, no_hpet, no_fd_check;
    bool no_smm;                 /* firmware is told not to set up system management mode */
    bool no_exitdev;             /* leave out the exit device */
    u16 exit_port;               /* of the exit device; 0: 0x501 */
    const u8 *uuid;              /* 16 bytes for SMBIOS, or NULL */
    const struct smbios_text *smbios; /* texts of its structures (devices/board/smbios.h) */
    unsigned nsmbios;
    bool rtc_slew;               /* give the guest the ticks of the RTC that it was too slow for */
    enum pc_watchdog watchdog;   /* what follows when a watchdog is not fed */
};

/* What happened, for the run loop to act on between instructions. */
enum pc_event_kind { PC_EV_NONE, PC_EV_RESET, PC_EV_POWEROFF, PC_EV_EXIT, PC_EV_DEBUG, PC_EV_PAUSE };
struct pc_event {
    enum pc_event_kind kind;
    int status;         /* PC_EV_EXIT: the process's exit status */
    const char *reason; /* one short phrase: "port 0xcf9", "triple fault", ... */
};

/* The parts, for those who look inside (monitor, tests); any may be NULL when the configuration
 * leaves it out. */
struct cpu;
struct mmu;
struct pci_bus;
struct pc_parts;

struct pc {
    struct pc_config cfg;
    struct clock *clock;
    struct log *log;
    struct bus mem, io;          /* physical memory and I/O ports */
    struct ram_space space;
    struct ram low, high;        /* RAM below and above 4 GiB */
    struct ram bios_rom;
    struct dev_list devs;
    struct dev_env env;
    struct pci_bus *pci;

    struct cpu *cpu[PC_MAX_CPUS];
    unsigned ncpus;

    struct display display;      /* update == NULL: no display adapter */
    struct input_sink keyboard;  /* key == NULL: none */
    struct mouse_sink mouse;
    struct tablet_sink tablet;   /* point == NULL: none */
    struct balloon_sink balloon; /* set == NULL: none */

    bool made, was_reset;        /* reset since it was made: -boot once= is over */
    bool a20;                    /* the address line as it is now */
    u32 watchdog_bites;          /* how often a watchdog was not fed */
    struct pc_event pending;
    struct pc_parts *parts;      /* private to devices/board */
};

/* The kinds of devices that pc_config.addon can name; the last row has no driver. */
extern const struct plug_class pc_addon_classes[];
/* The row of `driver`, or NULL. */
const struct plug_class *pc_addon_class(const char *driver);

/* Build a machine. NULL with a sentence in *err (what is wrong and how to mend it) on failure;
 * nothing is left behind. The machine is reset and ready to run. */
struct pc *pc_create(const struct pc_config *cfg, struct err *err);
void pc_destroy(struct pc *pc);

/* The reset button: every device and vCPU to its reset state; RAM keeps its contents. Never from
 * inside a handler: use pc_request there. */
void pc_reset(struct pc *pc);

/* Ask for an event from anywhere (also inside handlers); the first one wins until it is taken.
 * `reason` is a literal. */
void pc_request(struct pc *pc, enum pc_event_kind kind, int status, const char *reason);

/* The pending event, which is then cleared; PC_EV_NONE if there is none. The run loop calls it
 * after cpu_run returns; on PC_EV_RESET it calls pc_reset (or ends, with -no-reboot). */
struct pc_event pc_take_event(struct pc *pc);

/* Press the power button (ACPI): the guest is asked to shut down. False when ACPI is off. */
bool pc_powerdown(struct pc *pc);

/* With several vCPUs the run loop says which one runs next, before cpu_run: its local APIC's
 * registers are what it sees. */
void pc_select_cpu(struct pc *pc, unsigned index);

/* `ns` of host time went by while the machine stood still: its date goes on. */
void pc_rtc_skip(struct pc *pc, u64 ns);

/* How far the guest has moved the date from what it would be by itself, in seconds. */
s64 pc_rtc_offset(const struct pc *pc);

/* Pulse the NMI line of vCPU 0. */
void pc_nmi(struct pc *pc);

/* The state of everything but memory, between instructions, as parts: the board, processors,
 * devices. What part number i is called; NULL: there are no more. */
const char *pc_part_name(const struct pc *pc, unsigned i);
/* Append the section of part number i. */
void pc_save_part(struct pc *pc, unsigned i, struct snap *snap);
/* Load all parts, saved one after another by a machine that is built alike. Memory comes before
 * this: devices and paging look at it. False with *err: the machine is in no state to go on, and
 * must be given another one. */
bool pc_load(struct pc *pc, struct snap *snap, struct err *err);

#endif
