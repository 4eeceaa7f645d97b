/* One virtual machine of the program: the PC, its clock, the files and characters of the host
 * behind it, and its life. */
#ifndef FRONTEND_VM_H
#define FRONTEND_VM_H

#include "cpu/cpu.h"
#include "devices/board/pc.h"
#include "frontend/boot/boot.h"
#include "frontend/event.h"
#include "frontend/host/chardev.h"
#include "frontend/keyboard/keyboard.h"
#include "frontend/inside/inside.h"
#include "frontend/loop.h"
#include "frontend/net/netdev.h"
#include "frontend/opts.h"
#include "frontend/pointer.h"
#include "frontend/screen.h"
#include "frontend/statehash.h"
#include "frontend/ticker.h"

enum {
    VM_MAX_BLOBS = 32,
    VM_MAX_CHARDEVS = 24,
    VM_KEYS = 128,
    VM_FDS = 8,
    VM_DRIVES = PC_FLOPPIES + PC_IDE + PC_MAX_ADDONS,
};

struct audio;
struct gdb_server;
struct monitor;
struct qmp;
struct pool;
struct sdl;
struct vnc;
struct curses;

/* Keys that sendkey has yet to press and release, at virtual times. */
struct vm_key {
    u64 when;
    u16 code;
    bool down;
};

struct vm {
    struct options *opt;
    struct log log;
    struct insight inside;
    FILE *log_file; /* of -D; NULL: none */
    struct clock clock;
    struct loop loop;
    struct ticker ticker; /* host time as the machine sees it */
    struct state_hash hash;
    struct replay *replay; /* records or replays; NULL: neither */
    struct verify *verify; /* checks the snapshot that memory is mapped from; NULL: done, or none */
    bool loop_ready, clock_ready, nets_ready;
    struct pc *pc;
    struct pc_config cfg;
    enum cpu_engine engine;

    void *blobs[VM_MAX_BLOBS]; /* bytes that cfg points to */
    unsigned nblobs;
    struct boot_image boot;
    struct pool *pool; /* of threads, for the drives */
    struct blk *fd[PC_FLOPPIES], *ide[PC_IDE];
    struct chardev *chardevs[VM_MAX_CHARDEVS];
    unsigned nchardevs;
    struct chr_port serial[PC_SERIALS], debugcon;
    struct chr_port addon_port[PC_MAX_ADDONS]; /* of addons with characters behind them */
    struct blk *addon_blk[PC_MAX_ADDONS];      /* of those with a drive; NULL: others */
    struct share *addon_share[PC_MAX_ADDONS];  /* of those with a folder */
    struct entropy entropy;
    struct monitor *monitors[OPT_MAX_MONITORS + 1];
    unsigned nmonitors;
    struct qmp *qmp[OPT_MAX_MONITORS]; /* monitors of the machine protocol */
    unsigned nqmp;
    struct event_sink *sinks; /* who listens to vm_event */
    struct vm_watch watch;
    struct netdevs nets;
    struct screen screen;
    struct keyboard keyboard; /* for those who know characters, not keys */
    struct pointer pointer;
    struct sdl *sdl;
    struct audio *audio;
    struct vnc *vnc;
    struct gdb_server *gdb;
    struct curses *curses;
    struct loop_src signals;

    /* life */
    bool running, quit, event_pending;
    const char *state; /* "running", "paused", "shutdown" ... for info status */
    int status;        /* what main returns */
    bool ended_by_guest;
    const char *ended_by; /* the reason that SHUTDOWN gives; NULL: somebody at this host */
    struct {
        char name[64]; /* "": free */
        int fd;
    } fds[VM_FDS]; /* descriptors that clients of the machine protocol gave names */
    long thread;   /* the host's number of the thread that runs the machine */

    /* a debugger's: the machine stops for a stop point; it is to run one instruction and to stop,
     * without interrupts if `quiet`; where that step began */
    bool debug_stop, step_pending, step_quiet;
    u64 step_at, step_rip, step_base;
    u32 stop_ids;            /* given out by the monitor so far */
    struct reverse *reverse; /* what the machine can go back by; NULL: it cannot */

    /* time */
    u64 epoch;             /* host time of virtual time 0, while running */
    u64 frozen;            /* virtual time while stopped */
    u64 stopped_at, stood; /* host date of vm_stop; time stood that the RTC was not told of */
    u64 run_to;            /* counted mode: stop when so many instructions are executed; 0: never */
    u64 warp;              /* counted mode: virtual ns that passed in HLT */

    struct timer key_timer;
    struct vm_key keys[VM_KEYS];
    unsigned nkeys;
    u32 mouse_buttons;      /* as the monitor set them */
    u32 tablet_x, tablet_y; /* the same: of struct tablet_sink */

    /* speed, for the title */
    u64 speed_icount, speed_at;
    u32 mips;
};

/* Build everything that `opt` asks for. *opt must stay as long as the machine. False with *err;
 * vm_destroy then still has to be called. */
bool vm_create(struct vm *vm, struct options *opt, struct err *err);
/* Run until the machine ends; returns the process's exit status. */
int vm_run(struct vm *vm);
void vm_destroy(struct vm *vm);

/* For monitors and windows; between instructions only. */
void vm_stop(struct vm *vm, const char *state);
void vm_cont(struct vm *vm);
void vm_quit(struct vm *vm, int status);
/* The reset and the power button; `reason` is what RESET gives. False: there is no power button. */
void vm_reset(struct vm *vm, const char *reason);
bool vm_powerdown(struct vm *vm);
/* What follows when a watchdog is not fed, by its name (opts_watchdog_names). */
bool vm_watchdog(struct vm *vm, const char *action, struct err *err);
/* Press these keys (set-1 codes) together for hold_ms of virtual time, after those that are still
 * to be pressed. */
bool vm_send_keys(struct vm *vm, const u16 *codes, unsigned n, u32 hold_ms);
/* Million guest instructions per second, measured since the last call that was at least half a
 * second ago. */
u32 vm_speed(struct vm *vm);
/* Run one instruction and tell the debugger: at once and with time standing still, unless `timers`
 * or the processor sleeps. `irqs`: interrupts may come. */
void vm_step(struct vm *vm, bool irqs, bool timers);
struct cpu *vm_cpu(const struct vm *vm);
/* Is time counted in instructions (-icount)? */
static inline bool vm_counted(const struct vm *vm)
{
    return vm->opt->icount_shift >= 0;
}
/* Counted time only: run until `icount` instructions have been executed and stop there, between two
 * of them. False: the machine ended or stopped before. */
bool vm_run_to(struct vm *vm, u64 icount);
/* Counted time only: once around without the host, at most to `until`, which lies ahead. */
void vm_pass(struct vm *vm, u64 until);
/* For snapshots, while the machine stands: it is this virtual time, with so many instructions
 * executed; and all of the state is another one. */
void vm_set_clock(struct vm *vm, u64 now, u64 icount);
void vm_state_loaded(struct vm *vm);
/* vm_drives.c: drives in the order that info block lists them, by numbers below VM_DRIVES: the
 * drive, NULL when the machine has none there, and its name: the id of -drive, else that of its
 * place. */
struct blk *vm_drive(const struct vm *vm, unsigned i);
const char *vm_drive_name(const struct vm *vm, unsigned i);
/* The number of the drive or place with this id or name of a place, or -1. */
int vm_find_drive(const struct vm *vm, const char *name);

/* vm_memory.c: n bytes at a linear or physical address without any effect on the guest; false when
 * there is no memory. */
bool vm_peek(struct vm *vm, bool physical, u64 addr, void *buf, size_t n);
/* Write `size` bytes of memory to a file. False with *err; then there is no file. */
bool vm_save_memory(struct vm *vm, bool physical, u64 addr, u64 size, const char *path,
                    struct err *err);
/* vm.c, vm_step.c: the CPU ran and came back for this reason; true: not because it sleeps. A step
 * of the run loop. */
bool vm_ran(struct vm *vm, enum cpu_exit why);
enum cpu_exit vm_step_run(struct vm *vm);
/* Is the step over, that is not another run of the same string instruction left? */
bool vm_step_done(const struct vm *vm);

/* vm_build.c: the parts of vm_create and vm_destroy that open and close things of the host. */
bool vm_open_firmware(struct vm *vm, struct err *err);
bool vm_open_kernel(struct vm *vm, struct err *err);
bool vm_open_drives(struct vm *vm, struct err *err);
bool vm_add_devices(struct vm *vm, struct err *err);
/* vm_net.c: networks, and what of them and of boot ROMs belongs to addon number i; capture files.
 */
bool vm_open_networks(struct vm *vm, struct err *err);
bool vm_wire_network(struct vm *vm, unsigned i, struct err *err);
bool vm_open_dumps(struct vm *vm, struct err *err);
/* vm_build.c: bytes the machine keeps until its end; false when there are too many of them. */
bool vm_own(struct vm *vm, void *p, struct err *err);
bool vm_open_chardevs(struct vm *vm, struct err *err);
/* vm_engine.c: those who look inside, for whom the engine may have to be another; then the engine.
 */
bool vm_open_inside(struct vm *vm, struct err *err);
bool vm_start_engine(struct vm *vm, struct err *err);
bool vm_open_gdb(struct vm *vm, struct err *err);
void vm_close_all(struct vm *vm);
/* vm_display.c: where -display and the absence of a display leave the picture, the serial port and
 * the monitor; fills in opt. */
bool vm_choose_display(struct options *opt, struct err *err);
/* With -machine none: refuse what there is nothing to be put into. */
bool vm_check_none(struct options *opt, struct err *err);

#endif
