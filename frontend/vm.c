/* The life of a machine: virtual time from the host's clock or from instructions, the run loop on
 * one thread, and what follows from resets, power-off and HLT. */
#define _GNU_SOURCE
#include "frontend/vm.h"

#include "cpu/jit/jit.h"
#include "cpu/sys/stop.h"
#include "frontend/audio/audio.h"
#include "frontend/curses/curses.h"
#include "frontend/fs/share.h"
#include "frontend/gdb/server.h"
#include "frontend/host/drive.h"
#include "frontend/monitor/monitor.h"
#include "frontend/replay/replay.h"
#include "frontend/reverse/reverse.h"
#include "frontend/sdl/sdl.h"
#include "frontend/state/savevm.h"
#include "frontend/state/verify.h"
#include "frontend/state/vmstate.h"
#include "frontend/vnc/vnc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Counted time looks at the host at least this often, in instructions. */
enum { COUNTED_SLICE = 1 << 20 };

struct cpu *vm_cpu(const struct vm *vm)
{
    return vm->pc ? vm->pc->cpu[0] : NULL;
}

/* ---- time ---- */

static u64 read_clock(void *arg)
{
    struct vm *vm = arg;

    if (vm_counted(vm))
        return (vm_cpu(vm) ? cpu_icount(vm_cpu(vm)) << vm->opt->icount_shift : 0) + vm->warp;
    return vm->running ? ticker_now(&vm->ticker) - vm->epoch : vm->frozen;
}

/* Host time of a virtual deadline; only for host-paced time. */
static u64 host_deadline(const struct vm *vm, u64 when)
{
    return when >= CLOCK_NEVER - vm->epoch ? LOOP_NEVER : when + vm->epoch;
}

static void kick(void *arg)
{
    struct vm *vm = arg;

    if (vm_cpu(vm))
        cpu_kick(vm_cpu(vm));
}

/* A device moved the earliest deadline while the CPU runs. */
static void deadline_moved(void *arg)
{
    struct vm *vm = arg;

    if (!vm->running || !vm_cpu(vm))
        return;
    if (vm_counted(vm))
        cpu_kick(vm_cpu(vm));
    else
        loop_sooner(&vm->loop, host_deadline(vm, clock_next(&vm->clock)));
}

/* The host's date in nanoseconds. */
static u64 wall_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (u64)t.tv_sec * NS_PER_SEC + (u64)t.tv_nsec;
}

/* The machine stands from now on. */
static void stand(struct vm *vm, const char *state)
{
    vm->state = reverse_is_lost(vm) ? "paused (internal-error)" : state;
    if (!vm->running)
        return;
    clock_awake(&vm->clock); /* a command may come while the processor sleeps */
    vm->frozen = clock_now(&vm->clock);
    vm->stopped_at = wall_now();
    vm->running = vm->step_pending = false;
    reverse_stopped(vm);
    gdb_server_stopped(vm->gdb, vm->debug_stop);
    vm->debug_stop = false;
}

void vm_stop(struct vm *vm, const char *state)
{
    bool ran = vm->running;

    stand(vm, state);
    if (ran)
        vm_event(vm, VM_EVENT_STOP, NULL);
}

void vm_cont(struct vm *vm)
{
    if (vm->running || reverse_lost(vm, NULL))
        return;
    /* The machine's date goes on with the host's while it stands, unless it is -rtc clock=vm;
     * counted time knows nothing of the host. */
    if (vm->pc && vm->stopped_at && !vm->opt->rtc_vm && !vm_counted(vm)) {
        vm->stood += MAX(wall_now(), vm->stopped_at) - vm->stopped_at;
        pc_rtc_skip(vm->pc, vm->stood - vm->stood % NS_PER_SEC);
        vm->stood %= NS_PER_SEC;
    }
    vm->stopped_at = 0;
    vm->epoch = ticker_now(&vm->ticker) - vm->frozen;
    vm->running = true;
    vm->state = "running";
    vm_event(vm, VM_EVENT_RESUME, NULL);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        drive_resume(vm_drive(vm, i));
}

void vm_set_clock(struct vm *vm, u64 now, u64 icount)
{
    vm->frozen = now;
    if (vm_counted(vm))
        vm->warp = now - (icount << vm->opt->icount_shift); /* may wrap: only the sum counts */
}

void vm_state_loaded(struct vm *vm)
{
    vm->event_pending = vm->pc->pending.kind != PC_EV_NONE;
    vm->hash.last = vm->speed_icount = cpu_icount(vm_cpu(vm));
    vm->stopped_at = vm->stood = 0;
}

static void tell_reason(struct vm *vm, enum vm_event_id id, bool guest, const char *reason)
{
    if (replay_past(vm))
        return; /* it was told when it happened */
    vm_event(vm, id,
             (struct event_field[]){
                 {"guest", EVENT_BOOL, guest, NULL}, {"reason", EVENT_STR, 0, reason}, EVENT_END});
}

void vm_reset(struct vm *vm, const char *reason)
{
    pc_reset(vm->pc);
    if (!strcmp(vm->state, "shutdown"))
        vm_stop(vm, "paused");
    tell_reason(vm, VM_EVENT_RESET, false, reason);
}

bool vm_powerdown(struct vm *vm)
{
    if (!pc_powerdown(vm->pc))
        return false;
    vm_event(vm, VM_EVENT_POWERDOWN, NULL);
    return true;
}

bool vm_watchdog(struct vm *vm, const char *action, struct err *err)
{
    if (!opt_set_WATCHDOG_ACTION(vm->opt, "watchdog_action", action, err))
        return false;
    vm->pc->cfg.watchdog = vm->opt->watchdog;
    return true;
}

void vm_quit(struct vm *vm, int status)
{
    if (!vm->quit)
        vm->status = status;
    vm->quit = true;
}

u32 vm_speed(struct vm *vm)
{
    u64 now = host_now(), n = vm_cpu(vm) ? cpu_icount(vm_cpu(vm)) : 0;

    if (now - vm->speed_at >= 500000000ull) {
        vm->mips = (u32)((n - vm->speed_icount) * 1000 / (now - vm->speed_at));
        vm->speed_at = now;
        vm->speed_icount = n;
    }
    return vm->mips;
}

/* ---- sendkey ---- */

static void key_fire(void *arg, u64 now)
{
    struct vm *vm = arg;
    unsigned n = 0;

    while (n < vm->nkeys && vm->keys[n].when <= now) {
        if (vm->pc->keyboard.key)
            vm->pc->keyboard.key(vm->pc->keyboard.dev, vm->keys[n].code, vm->keys[n].down);
        n++;
    }
    memmove(vm->keys, vm->keys + n, (vm->nkeys - n) * sizeof(vm->keys[0]));
    vm->nkeys -= n;
    if (vm->nkeys)
        timer_set(&vm->key_timer, vm->keys[0].when);
}

bool vm_send_keys(struct vm *vm, const u16 *codes, unsigned n, u32 hold_ms)
{
    u64 at = vm->nkeys ? vm->keys[vm->nkeys - 1].when + 10000000 : clock_now(&vm->clock);

    if (vm->nkeys + 2 * n > VM_KEYS)
        return false;
    for (unsigned i = 0; i < n; i++)
        vm->keys[vm->nkeys++] = (struct vm_key){at, codes[i], true};
    for (unsigned i = n; i-- > 0;)
        vm->keys[vm->nkeys++] = (struct vm_key){at + hold_ms * 1000000ull, codes[i], false};
    timer_set(&vm->key_timer, vm->keys[0].when);
    return true;
}

/* ---- events ---- */

static void on_event(void *arg)
{
    struct vm *vm = arg;

    vm->event_pending = true;
    kick(vm);
}

static void dump_registers(struct vm *vm, const char *why)
{
    char buf[4096];

    fprintf(stderr, "dragoman: %s\n%s\n", why, cpu_dump(vm_cpu(vm), buf, sizeof(buf)));
}

/* The guest has ended itself. */
static void guest_ends(struct vm *vm, int status, const char *reason)
{
    if (reverse_busy(vm))
        return; /* it did not stop the machine for good then */
    if (vm->opt->no_shutdown) {
        tell_reason(vm, VM_EVENT_SHUTDOWN, true, reason);
        vm_stop(vm, "shutdown");
        return;
    }
    vm->ended_by_guest = true;
    vm->ended_by = reason;
    vm_quit(vm, status);
}

static void guest_reset(struct vm *vm, const char *reason, bool triple_fault)
{
    log_line(&vm->log, LOGA_RESET, "reset: %s", reason);
    if (vm->opt->no_reboot) {
        if (triple_fault)
            dump_registers(vm, "the guest's processor shut down (triple fault); not rebooting "
                               "because of -no-reboot");
        guest_ends(vm, triple_fault, "guest-reset");
        return;
    }
    pc_reset(vm->pc);
    tell_reason(vm, VM_EVENT_RESET, true, "guest-reset");
}

static void handle_event(struct vm *vm)
{
    struct pc_event ev;

    vm->event_pending = false;
    ev = pc_take_event(vm->pc);
    switch (ev.kind) {
    case PC_EV_NONE: break;
    case PC_EV_RESET:
        guest_reset(vm, ev.reason, ev.reason && !strcmp(ev.reason, "triple fault"));
        break;
    case PC_EV_POWEROFF:
        log_line(&vm->log, LOGA_RESET, "power off: %s", ev.reason);
        guest_ends(vm, 0, "guest-shutdown");
        break;
    case PC_EV_EXIT:
        if (reverse_busy(vm))
            break;
        vm->ended_by_guest = true;
        vm->ended_by = "guest-shutdown";
        vm_quit(vm, ev.status);
        break;
    case PC_EV_PAUSE:
        if (!reverse_busy(vm))
            vm_stop(vm, "paused (watchdog)");
        break;
    case PC_EV_DEBUG:
        if (!reverse_busy(vm))
            vm_stop(vm, "paused (debug)");
        break;
    }
}

/* ---- the loop ---- */

/* Wait for `next` at the latest. In counted time the wait is what moves the clock on. */
static void doze(struct vm *vm, u64 next)
{
    u64 now = clock_now(&vm->clock), start;

    if (next <= now)
        return;
    if (!vm_counted(vm)) {
        loop_wait(&vm->loop, host_deadline(vm, next));
        return;
    }
    if (replaying(vm)) {
        next = MIN(next, replay_wake(vm));
        if (next > now && next != CLOCK_NEVER)
            vm->warp += next - now;
        else if (next == CLOCK_NEVER)
            replay_stuck(vm);
        loop_wait(&vm->loop, 0);
        return;
    }
    if (next == CLOCK_NEVER) {
        loop_wait(&vm->loop, LOOP_NEVER);
        return;
    }
    if (!vm->opt->icount_sleep) {
        loop_wait(&vm->loop, 0);
        next = MIN(next, clock_sleep(&vm->clock)); /* what came from the host may wake it sooner */
        vm->warp += MAX(next, now) - now;
        return;
    }
    start = host_now();
    loop_wait(&vm->loop, start + (next - now));
    vm->warp += MIN(next - now, host_now() - start);
}

/* Sleep until something can wake the CPU. */
static void idle(struct vm *vm)
{
    if (vm->event_pending || vm->quit || replay_waits(vm))
        return;
    doze(vm, clock_sleep(&vm->clock));
    clock_awake(&vm->clock);
}

static u32 budget(struct vm *vm)
{
    u64 next, now, insns, most = COUNTED_SLICE;
    int shift = vm->opt->icount_shift;

    if (!vm_counted(vm))
        return 0x7fffffff;
    next = clock_next(&vm->clock);
    now = clock_now(&vm->clock);
    most = replay_limit(vm, most);
    most = vm->run_to ? MIN(vm->run_to - cpu_icount(vm_cpu(vm)), most) : most;
    if (next == CLOCK_NEVER)
        return state_hash_limit(&vm->hash, vm_cpu(vm), (u32)most);
    insns = next <= now ? 1 : (next - now + (1ull << shift) - 1) >> shift;
    return state_hash_limit(&vm->hash, vm_cpu(vm), (u32)MIN(insns, most));
}

bool vm_ran(struct vm *vm, enum cpu_exit why)
{
    if (why == CPU_EXIT_SHUTDOWN)
        guest_reset(vm, "triple fault", true);
    if (why == CPU_EXIT_DEBUG && !reverse_met(vm, stop_last(vm_cpu(vm)))) {
        monitor_notice(vm, stop_last(vm_cpu(vm)));
        vm->debug_stop = vm->running;
        vm_stop(vm, "paused (debug)");
    }
    return why != CPU_EXIT_HALT;
}

static void run_cpu(struct vm *vm)
{
    struct cpu *cpu = vm_cpu(vm);
    u64 deadline = vm_counted(vm) ? LOOP_NEVER : host_deadline(vm, clock_next(&vm->clock));
    enum cpu_exit why;
    bool steps = vm->step_pending;

    loop_arm(&vm->loop, deadline);
    if (steps)
        why = vm_step_run(vm);
    else
        why = cpu_run(cpu, vm->engine, budget(vm));
    if (!replay_past(vm))
        state_hash_note(&vm->hash, cpu, &vm->pc->low);
    replay_ran(vm);
    loop_disarm(&vm->loop);
    if (!vm_ran(vm, why)) {
        idle(vm);
    } else if (steps && vm->running && vm_step_done(vm)) {
        vm->debug_stop = true;
        vm_stop(vm, "paused (debug)");
    }
}

/* Once around: what is due, what the host has, what the machine asks for, instructions. */
static void turn(struct vm *vm)
{
    if (vm->running && reverse_busy(vm)) {
        loop_wait(&vm->loop, 0);
        if (vm->running && reverse_busy(vm) && !vm->quit)
            reverse_work(vm);
        return;
    }
    if (vm->running) {
        reverse_turn(vm);
        if (!vm->running)
            return;
    }
    if (!vm->running || !vm->pc) {
        loop_wait(&vm->loop, LOOP_NEVER);
    } else {
        clock_run(&vm->clock);
        loop_dispatch(&vm->loop);
        if (vm->running)
            replay_point(vm);
    }
    if (reverse_busy(vm))
        return; /* somebody has just asked for it */
    if (vm->event_pending)
        handle_event(vm);
    if (vm->running && !vm->quit && vm->pc)
        run_cpu(vm);
    vm_look(vm);
    if (vm->event_pending)
        handle_event(vm);
}

void vm_pass(struct vm *vm, u64 until)
{
    vm->run_to = until;
    clock_run(&vm->clock);
    replay_point(vm);
    if (vm->event_pending)
        handle_event(vm);
    if (vm->running && !vm->quit)
        run_cpu(vm);
    if (vm->event_pending)
        handle_event(vm);
    vm->run_to = 0;
}

bool vm_run_to(struct vm *vm, u64 icount)
{
    vm_cont(vm);
    vm->run_to = icount;
    while (!vm->quit && vm->running && cpu_icount(vm_cpu(vm)) < icount)
        turn(vm);
    vm->run_to = 0;
    vm_stop(vm, "paused");
    return cpu_icount(vm_cpu(vm)) >= icount;
}

int vm_run(struct vm *vm)
{
    vm->thread = syscall(SYS_gettid);
    if (!vm->opt->stopped)
        vm_cont(vm);
    while (!vm->quit)
        turn(vm);
    tell_reason(vm, VM_EVENT_SHUTDOWN, vm->ended_by_guest, vm->ended_by ? vm->ended_by : "host-ui");
    gdb_server_exited(vm->gdb, vm->status);
    stand(vm, "shutdown");
    reverse_end(vm);
    replay_finish(vm);
    return vm->status;
}

/* ---- building ---- */

static void on_signal(void *arg, short revents)
{
    struct vm *vm = arg;
    struct signalfd_siginfo info;

    if (read(vm->signals.fd, &info, sizeof(info)) != sizeof(info))
        return;
    vm->ended_by = vm->ended_by ? vm->ended_by : "host-signal";
    vm_quit(vm, 0);
}

static bool catch_signals(struct vm *vm, struct err *err)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        return err_set(err, "Cannot watch for signals: %s.", strerror(errno));
    vm->signals = (struct loop_src){fd, POLLIN, on_signal, vm};
    loop_add(&vm->loop, &vm->signals);
    return true;
}

static bool open_log(struct vm *vm, struct err *err)
{
    vm->log.mask = vm->opt->log_mask;
    vm->log.out = stderr;
    if (!log_parse_ranges(&vm->log, vm->opt->dfilter, err))
        return false;
    if (!vm->opt->log_file[0])
        return true;
    vm->log_file = fopen(vm->opt->log_file, "w");
    if (!vm->log_file)
        return err_set(err, "Cannot write the log '%.300s': %s.", vm->opt->log_file,
                       strerror(errno));
    vm->log.out = vm->log_file;
    return true;
}

static void set_rtc(struct vm *vm)
{
    time_t now = time(NULL);
    struct tm tm;

    vm->cfg.rtc_host = true;
    switch (vm->opt->rtc) {
    case RTC_DATE: vm->cfg.rtc_base = vm->opt->rtc_base; break;
    case RTC_LOCAL:
        localtime_r(&now, &tm);
        vm->cfg.rtc_base = (s64)now + tm.tm_gmtoff;
        vm->cfg.rtc_zone = tm.tm_gmtoff;
        break;
    case RTC_UTC:
        vm->cfg.rtc_base = now;
        /* The host's date would make two counted runs differ. */
        if (vm_counted(vm))
            vm->cfg.rtc_base = 0, vm->cfg.rtc_host = false;
        break;
    }
}

/* More memory than the host has would be given at first and killed later. */
static bool check_memory(const struct options *opt, struct err *err)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    u64 have = pages > 0 && size > 0 ? (u64)pages * (u64)size : ~0ull;

    if (opt->ram_size <= have)
        return true;
    return err_set(err, "-m asks for %llu MiB, but this host has %llu MiB; give less.",
                   (unsigned long long)(opt->ram_size / MIB), (unsigned long long)(have / MIB));
}

/* At most a page at a time, so the host does not stop half-way. */
static void random_bytes(void *arg, void *buf, size_t n)
{
    u8 *p = buf;

    for (ssize_t got; n && (got = getrandom(p, MIN(n, (size_t)256), 0)) > 0; n -= (size_t)got)
        p += got;
    memset(p, 0, n);
}

static void fill_config(struct vm *vm)
{
    struct options *opt = vm->opt;
    struct pc_config *cfg = &vm->cfg;

    cfg->ram_size = opt->ram_size;
    cfg->cpus = opt->cpus;
    cfg->cpu_seed = opt->seed;
    /* Counted time promises equal runs; others must not all see the same numbers. */
    if (!opt->seeded && opt->icount_shift < 0) {
        if (getrandom(&cfg->cpu_seed, sizeof(cfg->cpu_seed), 0) < 0)
            cfg->cpu_seed = host_now() ^ (u64)getpid() << 32;
        vm->entropy = (struct entropy){random_bytes, NULL};
        cfg->entropy = &vm->entropy;
    }
    cfg->cpu_model = opt->cpu[0] ? opt->cpu : NULL;
    cfg->clock = &vm->clock;
    cfg->log = &vm->log;
    cfg->hooks = (struct pc_hooks){vm, on_event};
    cfg->vga = opt->vga;
    cfg->vga_mem = opt->vga_mem;
    cfg->boot = opt->boot[0] ? opt->boot : NULL;
    cfg->boot_once = opt->boot_once[0] ? opt->boot_once : NULL;
    cfg->boot_strict = opt->boot_strict;
    cfg->smbios = opt->smbios;
    cfg->nsmbios = opt->nsmbios;
    cfg->watchdog = opt->watchdog;
    cfg->rtc_slew = opt->rtc_slew;
    cfg->boot_menu = opt->boot_menu;
    cfg->boot_menu_ms = opt->boot_menu_ms;
    cfg->no_vmport = opt->no_vmport;
    cfg->no_acpi = opt->no_acpi;
    cfg->no_hpet = opt->no_hpet;
    cfg->no_fd_check = opt->no_fd_check;
    cfg->no_exitdev = !opt->exitdev && !opt->demo;
    cfg->exit_port = opt->exit_port;
    cfg->uuid = opt->have_uuid ? opt->uuid : NULL;
    set_rtc(vm);
}

static bool write_pidfile(struct vm *vm, struct err *err)
{
    FILE *f;
    bool ok;

    if (!vm->opt->pidfile[0])
        return true;
    f = fopen(vm->opt->pidfile, "w");
    if (!f)
        return err_set(err, "Cannot write the process id to '%.300s': %s.", vm->opt->pidfile,
                       strerror(errno));
    ok = fprintf(f, "%ld\n", (long)getpid()) > 0;
    if (fclose(f) || !ok)
        return err_set(err, "Cannot write the process id to '%.300s': %s.", vm->opt->pidfile,
                       strerror(errno));
    return true;
}

/* Everything that shows the picture and takes keys. */
static bool open_displays(struct vm *vm, struct err *err)
{
    const struct options *opt = vm->opt;

    vm->screen.display = &vm->pc->display;
    vm->pointer.pc = vm->pc;
    keyboard_init(&vm->keyboard, &vm->pc->keyboard, &vm->clock,
                  layout_find(opt->layout[0] ? opt->layout : layout_names[0]));
    if (opt->show == SHOW_SDL && vm->pc->display.update && !(vm->sdl = sdl_open(vm, err)))
        return false;
    if (opt->show == SHOW_CURSES && vm->pc->display.update && !(vm->curses = curses_open(vm, err)))
        return false;
    return !opt->vnc.on || (vm->vnc = vnc_open(vm, err));
}

bool vm_create(struct vm *vm, struct options *opt, struct err *err)
{
    memset(vm, 0, sizeof(*vm));
    vm->opt = opt;
    vm->state = "prelaunch";
    vm->speed_at = host_now();
    for (unsigned i = 0; i < PC_SERIALS; i++)
        chr_port_init(&vm->serial[i]);
    chr_port_init(&vm->debugcon);
    for (unsigned i = 0; i < PC_MAX_ADDONS; i++)
        chr_port_init(&vm->addon_port[i]);
    clock_init(&vm->clock, read_clock, vm);
    vm->clock.moved = deadline_moved;
    vm->clock.moved_arg = vm;
    vm->clock_ready = true;
    timer_init(&vm->key_timer, &vm->clock, key_fire, vm, "sendkey");
    fill_config(vm);
    /* Whatever can be refused is looked at before the first thing is written. */
    if (!check_memory(opt, err) ||
        !state_hash_open(&vm->hash, opt->state_hash, vm_counted(vm), err) ||
        !vm_choose_display(opt, err) || !vm_check_none(opt, err))
        return false;
    if (!opt->no_machine && (!vm_open_firmware(vm, err) || !vm_open_kernel(vm, err)))
        return false;
    ticker_init(&vm->ticker);
    if (!loop_init(&vm->loop, kick, vm, err))
        return false;
    vm->loop_ready = true;
    if (!catch_signals(vm, err))
        return false;
    if (opt->no_machine)
        return open_log(vm, err) && vm_open_chardevs(vm, err) && write_pidfile(vm, err);
    if (!vm_open_drives(vm, err) || !vm_add_devices(vm, err) || !replay_open(vm, err))
        return false;
    for (unsigned i = 0; i < opt->nserial; i++)
        vm->cfg.serial[i] = strcmp(opt->serial[i], "none") ? &vm->serial[i].chr : NULL;
    vm->cfg.debugcon = opt->debugcon[0] ? &vm->debugcon.chr : NULL;
    if (!replay_wrap_ports(vm, err))
        return false;
    vm->pc = pc_create(&vm->cfg, err);
    if (!vm->pc || !open_log(vm, err) || !vm_open_inside(vm, err) || !vm_start_engine(vm, err))
        return false;
    if (!vm_open_chardevs(vm, err) || !vm_open_gdb(vm, err) || !vm_open_dumps(vm, err))
        return false;
    if (!open_displays(vm, err))
        return false;
    if ((opt->loadvm[0] && !loadvm(vm, opt->loadvm, err)) ||
        (opt->incoming[0] &&
         !(opt->incoming_map ? vm_state_map_file : vm_state_load_file)(vm, opt->incoming, err)))
        return false;
    if (opt->rr_snapshot[0] && !(opt->rr == RR_RECORD ? savevm(vm, opt->rr_snapshot, err)
                                                      : loadvm(vm, opt->rr_snapshot, err)))
        return false;
    if (!replay_start(vm, err) || !reverse_start(vm, err))
        return false;
    if (!write_pidfile(vm, err))
        return false;
    if (opt->guessed[0] && isatty(STDERR_FILENO))
        fprintf(stderr, "dragoman: '%s' is %s\r\n", opt->image, opt->guessed);
    if (opt->notice)
        fprintf(stderr, "dragoman: %s\r\n", opt->notice);
    return true;
}

void vm_destroy(struct vm *vm)
{
    bool ok = true;

    verify_end(vm);
    inside_close(&vm->inside);
    state_hash_close(&vm->hash);
    reverse_free(vm);
    if (!replay_close(vm))
        fprintf(stderr, "dragoman: not all of the log could be written\n");
    sdl_close(vm->sdl);
    curses_close(vm->curses);
    vnc_close(vm->vnc);
    keyboard_free(&vm->keyboard);
    vm_close_all(vm);
    gdb_server_free(vm->gdb);
    vm->gdb = NULL;
    if (vm->pc) {
        if (vm_cpu(vm)->jit)
            jit_free(vm_cpu(vm));
        pc_destroy(vm->pc);
    }
    audio_close(vm->audio);
    if (vm->nets_ready)
        netdevs_close(&vm->nets);
    for (unsigned i = 0; i < VM_DRIVES; i++)
        ok &= drive_close(vm_drive(vm, i));
    for (unsigned i = 0; i < PC_MAX_ADDONS; i++)
        share_close(vm->addon_share[i]);
    if (!ok)
        fprintf(stderr, "dragoman: the last writes to an image failed; not all is in it\n");
    pool_free(vm->pool);
    boot_free(&vm->boot);
    for (unsigned i = 0; i < vm->nblobs; i++)
        free(vm->blobs[i]);
    if (vm->loop_ready) {
        if (vm->signals.fd > 0)
            close(vm->signals.fd);
        loop_free(&vm->loop);
    }
    if (vm->clock_ready)
        clock_free(&vm->clock);
    if (vm->log_file)
        fclose(vm->log_file);
    if (vm->opt->pidfile[0] && vm->state && !strcmp(vm->state, "shutdown"))
        unlink(vm->opt->pidfile);
}
