/* The command line as data: what the options asked for, before anything is opened or built. */
#ifndef FRONTEND_OPTS_H
#define FRONTEND_OPTS_H

#include "cpu/jit/codebuf.h"
#include "devices/board/pc.h"
#include "devices/board/smbios.h"
#include "devices/core/err.h"

#include <stdio.h>

#define DRAGOMAN_VERSION "0.1"

enum opt_id {
#define OPT(id, flag, arg, section, help) OPT_##id,
#include "frontend/opts.def"
#undef OPT
    OPT__COUNT
};
enum opt_section {
    SEC_STD,
    SEC_DISK,
    SEC_BOOT,
    SEC_SHOW,
    SEC_CHAR,
    SEC_NET,
    SEC_TIME,
    SEC_DEBUG,
    SEC_HIDDEN,
    SEC__COUNT
};

struct opt_row {
    const char *flag, *arg; /* without dashes; arg NULL: takes none */
    enum opt_section section;
    const char *help;
};
extern const struct opt_row opt_rows[OPT__COUNT];

enum {
    OPT_TEXT = 1024,
    OPT_PATH = 4096,
    OPT_MAX_CHARDEVS = 16,
    OPT_MAX_MONITORS = 4,
    OPT_MAX_DIRS = 8,
    OPT_MAX_DRIVES = 12,
    OPT_MAX_GLOBALS = 16,
    OPT_MAX_AUDIODEVS = 4,
    OPT_MAX_FSDEVS = 8,
    OPT_MAX_NETDEVS = 16,
    OPT_MAX_DUMPS = 8,
    OPT_MAX_PLUGINS = 8,
};

/* A drive as asked for: where it is plugged in and what is in it. */
struct opt_drive {
    bool used;
    char path[OPT_PATH]; /* "": nothing in it */
    char id[64];
    char format[16];     /* "": as the name says */
    bool cdrom, snapshot, read_only, discard;
    int werror, rerror;  /* enum drive_error of frontend/host/drive.h */
    u64 iops, bps;       /* 0: no limit */
};

/* A drive of -drive whose place is not known until all options are read. */
struct opt_drive_request {
    struct opt_drive drive;
    enum { DRIVE_IDE, DRIVE_FLOPPY, DRIVE_NONE, DRIVE_VIRTIO, DRIVE_ADDON /* of one of the addons */ } kind;
    int index; /* -1: the next free one */
};

struct opt_chardev {
    char id[64];
    char spec[OPT_PATH]; /* in the form of -serial: "unix:path", "file:path" ... */
    bool mux;
};

struct opt_audiodev {
    char id[64];
    enum opt_audio_driver {
        AUDIO_NONE,
        AUDIO_WAV,
        AUDIO_SDL,
        AUDIO_BY_DISPLAY /* of guessed machines: SDL's when there is a window, else silence */
    } driver;
    char path[OPT_PATH]; /* of a wav file */
    u32 rate;            /* Hz */
};

struct opt_blob {
    char name[64];
    char path[OPT_PATH]; /* "": `text` is the content */
    char text[OPT_TEXT];
};

/* A device of the board's table (devices/board/addons.def) as -device asked for it. */
struct opt_addon {
    char driver[32], id[64];
    char host[OPT_PATH];  /* the id of its netdev, audiodev or fsdev, or a character device as of -serial */
    int drive;            /* its place in options.drives; -1: none */
    int devfn;            /* -1: anywhere */
    char rom[OPT_PATH];   /* of its expansion ROM; "": the usual one, if there is one */
    bool no_rom;
    char props[OPT_TEXT]; /* the rest, as pc_addon.props */
};
/* A folder that guests mount: -fsdev, -virtfs. */
struct opt_fsdev {
    char id[64], path[OPT_PATH];
    bool mapped, read_only;
};
/* A network of -netdev, -nic or -net, of a kind of frontend/net/kinds.def. */
struct opt_netdev {
    char id[64], kind[16];
    char props[2 * OPT_PATH]; /* "key=value,...", whose keys the kind knows */
};
/* -object filter-dump: what passes a netdev goes to a file. */
struct opt_dump {
    char id[64], netdev[64], path[OPT_PATH];
    u32 max_len;
};
struct opt_plugin {
    char path[OPT_PATH], args[OPT_TEXT]; /* args: "key=value,..." */
};
/* dragoman trace */
struct opt_trace {
    char path[OPT_PATH]; /* "": no trace */
    u32 blocks;          /* so many of the hottest are shown */
    u64 insns;           /* so many instructions are run; 0: until the machine ends */
};
struct opt_global {
    char driver[32], name[64], value[256];
};

enum opt_show { SHOW_DEFAULT, SHOW_SDL, SHOW_CURSES, SHOW_NONE, SHOW_NOGRAPHIC };
/* -vnc */
struct opt_vnc {
    bool on, password;
    char host[64];     /* "": this host alone */
    u32 display, to;   /* the first and the last number to try; to 0: only the first */
    u32 websocket;     /* TCP port, 0: none of its own */
    char password_file[OPT_PATH];
};
enum opt_gdb_arch { GDB_ARCH_CPU, GDB_ARCH_I386, GDB_ARCH_X86_64 };
enum opt_engine { OPT_ENGINE_DEFAULT = -1 };
enum opt_start { START_RUN, START_HELP, START_VERSION, START_MAN, START_COMPLETION, START_LIST };

/* -icount rr= */
enum rr_mode { RR_OFF, RR_RECORD, RR_REPLAY };
/* -icount reverse=; AUTO: with a debugger's stub */
enum opt_reverse { REVERSE_AUTO, REVERSE_OFF, REVERSE_ON };

struct options {
    enum opt_start start;
    char list[32]; /* START_LIST: of what; START_COMPLETION: the shell */
    u64 ram_size;
    unsigned cpus;
    char cpu[256], name[64];
    bool have_uuid;
    u8 uuid[16];
    bool nodefaults, snapshot;
    struct opt_drive fd[PC_FLOPPIES], ide[PC_IDE];
    struct opt_drive_request drives[OPT_MAX_DRIVES];
    unsigned ndrives;
    struct opt_addon addons[PC_MAX_ADDONS];
    unsigned naddons;
    struct opt_fsdev fsdevs[OPT_MAX_FSDEVS];
    unsigned nfsdevs;
    struct opt_global globals[OPT_MAX_GLOBALS];
    unsigned nglobals;
    char boot[8], boot_once[8];
    bool boot_strict;
    struct smbios_text smbios[SMBIOS_TEXTS];
    unsigned nsmbios;
    enum pc_watchdog watchdog;
    bool rtc_vm, rtc_slew;
    struct opt_netdev netdevs[OPT_MAX_NETDEVS];
    unsigned nnetdevs;
    struct opt_dump dumps[OPT_MAX_DUMPS];
    unsigned ndumps;
    bool have_net;             /* -netdev, -nic or -net was given: no network by default */
    const char *default_nic;   /* its adapter, as -nic model= has it; NULL: e1000 */
    unsigned nlegacy, ncables; /* of -net: adapters (whose host is "#hub"), and what is behind */
    bool boot_menu, no_fd_check;
    u32 boot_menu_ms;
    char kernel[OPT_PATH], initrd[OPT_PATH], bios[OPT_PATH], append[4 * OPT_TEXT];
    bool have_append, demo;
    char dirs[OPT_MAX_DIRS][OPT_PATH];
    unsigned ndirs;
    struct opt_blob files[PC_MAX_FILES], roms[PC_MAX_ROMS];
    unsigned nfiles, nroms;
    bool no_acpi, no_hpet, no_vmport, usb;
    enum opt_show show;
    bool full_screen;
    bool exact, square, no_status; /* of the window: scaling, aspect, status line */
    struct opt_vnc vnc;
    char layout[16]; /* of -k; "": the default */
    const char *notice; /* no display was found: what took its place, to be told; else NULL */
    enum pc_vga vga;
    u32 vga_mem;
    char serial[PC_SERIALS][OPT_PATH]; /* "": not given */
    unsigned nserial;
    char debugcon[OPT_PATH];
    char monitor[OPT_MAX_MONITORS][OPT_PATH];
    unsigned nmonitors;
    struct opt_qmp {
        char dev[OPT_PATH]; /* as of -monitor */
        bool pretty;
    } qmp[OPT_MAX_MONITORS];
    unsigned nqmp;
    struct opt_chardev chardevs[OPT_MAX_CHARDEVS];
    unsigned nchardevs;
    struct opt_audiodev audiodevs[OPT_MAX_AUDIODEVS];
    unsigned naudiodevs;
    char pcspk_audiodev[64]; /* "": not given */
    s64 rtc_base; /* seconds since 1970, when rtc is RTC_DATE */
    enum { RTC_UTC, RTC_LOCAL, RTC_DATE } rtc;
    int icount_shift; /* -1: host-paced */
    bool icount_sleep;
    enum rr_mode rr;
    char rr_file[OPT_PATH], rr_snapshot[256]; /* "": none */
    enum opt_reverse reverse;
    u64 reverse_mem; /* bytes */
    bool seeded; /* -seed was given */
    u64 seed;
    bool stopped, no_reboot, no_shutdown;
    char loadvm[256], incoming[OPT_PATH]; /* "": start from power-on */
    bool incoming_map;                    /* the file's memory is mapped */
    bool daemonize;
    bool no_machine; /* -machine none: only monitors */
    char pidfile[OPT_PATH];
    u32 log_mask;
    char log_file[OPT_PATH];
    char dfilter[OPT_TEXT];
    char state_hash[OPT_PATH]; /* "": off */
    char gdb[OPT_PATH]; /* "": no stub */
    bool gdb_linear;
    enum opt_gdb_arch gdb_arch;
    int engine;                /* enum cpu_engine, or OPT_ENGINE_DEFAULT */
    char no_tr[OPT_TEXT];
    char jit_off[OPT_TEXT];
    enum codebuf_way jit_map;
    bool jit_count;
    struct opt_plugin plugins[OPT_MAX_PLUGINS];
    unsigned nplugins;
    bool perfmap, jit_gdb;
    char timeline[OPT_PATH]; /* "": off */
    u64 timeline_size;       /* bytes at most */
    struct opt_trace trace;
    bool exitdev; /* -device isa-debug-exit: at its own port */
    u16 exit_port;
    bool have_ram;     /* -m was given */
    char guessed[160]; /* what opts_guess found, to be told; "": nothing was guessed */
    char image[OPT_PATH]; /* the argument without a dash, whose kind is to be guessed */
};

/* Read the command line. False with a sentence in *err naming what is wrong and the nearest thing
 * that is right. Opens and writes nothing (the argument without a dash is read to guess its kind by
 * opts_guess, later). */
bool opts_parse(struct options *opt, int argc, char **argv, struct err *err);

/* guess.c: look at opt->image, turn it into a drive or a kernel, and fit the machine to it. */
bool opts_guess(struct options *opt, struct err *err);
/* Give every requested drive its place on a controller. */
bool opts_place_drives(struct options *opt, struct err *err);

/* The controller that -usb asks for, unless one was added by hand. */
bool opts_add_usb(struct options *opt, struct err *err);

/* Put the properties of -global in front of the devices' own. */
bool opts_apply_globals(struct options *opt, struct err *err);

/* opts_fs.c: the -fsdev called `id`; NULL: there is none. */
const struct opt_fsdev *opts_fsdev(const struct options *opt, const char *id);
/* opts_net.c: the default network adapter, what -net joins, and an address for each adapter. */
bool opts_finish_net(struct options *opt, struct err *err);
void opts_print_netdevs(FILE *f);
/* What is behind "filter-dump," of -object. */
bool opts_object_dump(struct options *opt, const char *rest, struct err *err);
/* Append "key=value" to the device's properties, with commas doubled. */
bool opts_addon_prop(struct opt_addon *a, const char *key, const char *value);

/* For options that stand for a -drive or a -device. NULL with *err when there are too many; what is
 * returned is cleared and free to be filled. opts_new_drive leaves ndrives to the caller. */
struct opt_drive_request *opts_new_drive(struct options *opt, struct err *err);
struct opt_addon *opts_new_addon(struct options *opt, const char *driver, struct err *err);

/* opts_device.c: what -device takes beside the board's table: devices that every machine has. */
enum { OPT_OWN_DEVICES = 7 };
extern const char *const opts_own_devices[OPT_OWN_DEVICES];

/* opts_platform.c: names of enum pc_watchdog, in its order; ends with NULL. */
extern const char *const opts_watchdog_names[];

/* opts_arg.c: values. */
/* The name in the NULL-ended `names` nearest to `word`, or NULL when none is near. */
const char *opts_nearest(const char *word, const char *const *names);
/* A size: decimal or 0x, with suffix K, M, G, T; without one it counts `unit` bytes. */
bool opts_size(const char *text, u64 unit, u64 *v);
bool opts_number(const char *text, u64 max, u64 *v);
/* on/off/yes/no/true/false. */
bool opts_bool(const char *text, bool *v);
/* Split "key=value,key=value" at *p (",," is a comma): false at the end. A part without "=" gives
 * an empty key and *has_key false. Parts longer than the buffers are cut. */
bool opts_next(const char **p, char *key, size_t key_size, char *val, size_t val_size,
               bool *has_key);
/* Copy text into a fixed buffer; false when it does not fit. */
bool opts_copy(char *to, size_t size, const char *text);

/* opts_set.c, opts_show.c, opts_drive.c, opts_device.c, opts_char.c: one function opt_set_ID per
 * option; `val` is "" for options without an argument. */
typedef bool opt_fn(struct options *opt, const char *flag, const char *val, struct err *err);
#define OPT(id, flag, arg, section, help) opt_fn opt_set_##id;
#include "frontend/opts.def"
#undef OPT
extern opt_fn *const opt_fns[OPT__COUNT];

/* "Value 'x' of -flag is not known; nearest: y", or the list of what is. Always false. */
bool opts_bad_value(const char *flag, const char *val, const char *const *names, struct err *err);
/* "-flag has no property 'x'; ..." Always false. */
bool opts_bad_key(const char *flag, const char *key, const char *const *names, struct err *err);
/* opts_char.c: is this what -serial and -monitor take? Checks names of -chardev later. */
bool opts_check_dev(const char *flag, const char *val, struct err *err);
/* Every chardev that is named exists. */
bool opts_check_chardevs(const struct options *opt, struct err *err);

/* opts_audio.c: a sound device (a driver of the board's table) for a machine that was given none,
 * and an audiodev for it and the speaker unless there is one. False with *err when there is no room. */
bool opts_default_sound(struct options *opt, const char *driver, struct err *err);
/* Every audiodev that is named exists; a device without one takes the only one. */
bool opts_check_audiodevs(struct options *opt, struct err *err);

/* opts_help.c */
void opts_print_help(FILE *f);
void opts_print_man(FILE *f);
bool opts_print_completion(FILE *f, const char *shell);
bool opts_print_list(FILE *f, const char *what);

/* Can the machine go back? */
static inline bool reverse_wanted(const struct options *opt)
{
    bool debugged = opt->gdb[0] && opt->cpus <= 1;

    return opt->icount_shift >= 0 &&
           (opt->reverse == REVERSE_ON || (opt->reverse == REVERSE_AUTO && debugged));
}

#endif
