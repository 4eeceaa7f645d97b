/* Opening what a machine needs of the host: firmware, kernels, images, character devices. */
#define _GNU_SOURCE
#include "frontend/vm.h"

#include "frontend/audio/audio.h"
#include "frontend/firmware.h"
#include "frontend/fs/share.h"
#include "frontend/gdb/server.h"
#include "frontend/host/drive.h"
#include "frontend/monitor/monitor.h"
#include "frontend/qmp/qmp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FLOPPY_MAX = 4 << 20, DRIVE_THREADS = 4 };

bool vm_own(struct vm *vm, void *p, struct err *err)
{
    if (vm->nblobs < VM_MAX_BLOBS) {
        vm->blobs[vm->nblobs++] = p;
        return true;
    }
    free(p);
    return err_set(err, "Too many files are given to the machine.");
}

/* ---- firmware ---- */

static bool load(struct vm *vm, const char *name, struct pc_blob *blob, bool quiet, struct err *err)
{
    size_t len;
    u8 *data = firmware_load(vm->opt, name, &len, quiet, err);

    if (!data)
        return false;
    if (!vm_own(vm, data, err))
        return false;
    *blob = (struct pc_blob){name, data, len};
    return true;
}

/* A BIOS can have any size of whole 64 KiB; smaller ones are for the top of a 64 KiB block. */
static bool check_bios(const struct vm *vm, struct err *err)
{
    size_t len = vm->cfg.bios.len;

    if (len >= 64 * KIB && len <= 16 * MIB && len % (64 * KIB) == 0)
        return true;
    return err_set(
        err,
        "Firmware '%.200s' has %zu bytes, but firmware has 64 KiB to 16 MiB in steps of 64 KiB.",
        vm->cfg.bios.name, len);
}

static bool open_bios(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;

    if (opt->bios[0])
        return load(vm, opt->bios, &vm->cfg.bios, false, err);
    if (opt->demo)
        return load(vm, "boot.bin", &vm->cfg.bios, false, err);
    if (load(vm, "bios-256k.bin", &vm->cfg.bios, true, err) ||
        load(vm, "bios.bin", &vm->cfg.bios, true, err))
        return true;
    /* A kernel needs no more than the built-in boot ROM. */
    if (opt->kernel[0] && load(vm, "boot.bin", &vm->cfg.bios, true, err))
        return true;
    return load(vm, "bios-256k.bin", &vm->cfg.bios, false, err);
}

static bool is_seabios(const struct pc_blob *b)
{
    return b->len >= 7 && memmem(b->data, b->len, "SeaBIOS", 7);
}

static bool open_blobs(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;
    struct pc_config *cfg = &vm->cfg;

    for (unsigned i = 0; i < opt->nfiles; i++) {
        const struct opt_blob *b = &opt->files[i];
        struct pc_blob *to = &cfg->file[cfg->nfiles++];

        if (b->path[0]) {
            size_t len;
            u8 *data = file_read(b->path, 64 * MIB, &len, err);

            if (!data || !vm_own(vm, data, err))
                return false;
            *to = (struct pc_blob){b->name, data, len};
        } else {
            *to = (struct pc_blob){b->name, (const u8 *)b->text, strlen(b->text)};
        }
    }
    for (unsigned i = 0; i < opt->nroms; i++) {
        size_t len;
        u8 *data = firmware_load(opt, opt->roms[i].path, &len, false, err);

        if (!data || !vm_own(vm, data, err))
            return false;
        cfg->rom[cfg->nroms++] = (struct pc_blob){opt->roms[i].name, data, len};
    }
    return true;
}

bool vm_open_firmware(struct vm *vm, struct err *err)
{
    static const u8 one[] = "1";
    struct options *opt = vm->opt;
    struct pc_config *cfg = &vm->cfg;

    if (!open_bios(vm, err) || !check_bios(vm, err) || !open_blobs(vm, err))
        return false;
    if (opt->vga != PC_VGA_NONE && is_seabios(&cfg->bios) &&
        !load(vm, opt->vga == PC_VGA_CIRRUS ? "vgabios-cirrus.bin" : "vgabios-stdvga.bin",
              &cfg->vga_bios, false, err))
        return false;
    /* With nobody to look at it, the demo tests itself, reports on the serial port, and powers off.
     */
    if (opt->demo && opt->show == SHOW_NONE && cfg->nfiles < PC_MAX_FILES)
        cfg->file[cfg->nfiles++] = (struct pc_blob){"opt/dragoman/selftest", one, 1};
    return true;
}

bool vm_open_kernel(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;
    struct pc_config *cfg = &vm->cfg;

    if (!opt->kernel[0])
        return true;
    if (!boot_files(&vm->boot, opt->kernel, opt->initrd[0] ? opt->initrd : NULL, opt->append,
                    opt->ram_size, err))
        return false;
    boot_apply(&vm->boot, cfg);
    if (!is_seabios(&cfg->bios)) /* the built-in boot ROM starts kernels by itself */
        return true;
    if (cfg->nroms >= PC_MAX_ROMS)
        return err_set(err, "There are too many option ROMs for -kernel to add its own.");
    return load(vm, boot_rom(vm->boot.kind), &cfg->rom[cfg->nroms++], false, err);
}

/* ---- drives ---- */

/* A drive's error of the host stops the machine. */
static void drive_stopped(void *arg, const char *why)
{
    fprintf(stderr, "dragoman: %s\n", why);
    vm_stop(arg, "paused (io-error)");
}

static void drive_failed(void *arg, struct blk *blk, bool read, int error, const char *action)
{
    struct vm *vm = arg;
    const char *name = "";

    for (unsigned i = 0; i < VM_DRIVES; i++) {
        if (vm_drive(vm, i) == blk)
            name = vm_drive_name(vm, i);
    }
    vm_event(vm, VM_EVENT_BLOCK_IO_ERROR,
             (struct event_field[]){{"device", EVENT_STR, 0, name},
                                    {"node-name", EVENT_STR, 0, name},
                                    {"operation", EVENT_STR, 0, read ? "read" : "write"},
                                    {"action", EVENT_STR, 0, action},
                                    {"nospace", EVENT_BOOL, error == ENOSPC, NULL},
                                    {"reason", EVENT_STR, 0, strerror(error)},
                                    EVENT_END});
}

static bool open_drive(struct vm *vm, const struct opt_drive *d, bool floppy, struct blk **blk,
                       struct err *err)
{
    struct drive_options drive = {
        .path = d->path[0] ? d->path : NULL,
        .format = d->format[0] ? d->format : NULL,
        .clock = &vm->clock,
        .pool = vm->pool,
        .loop = vm_counted(vm) ? NULL : &vm->loop,
        .read_only = d->read_only || d->cdrom,
        .snapshot = d->snapshot && !d->cdrom,
        .cdrom = d->cdrom,
        .removable = d->cdrom || floppy,
        .discard = d->discard,
        .max_size = floppy ? FLOPPY_MAX : 0,
        .iops = d->iops,
        .bps = d->bps,
        .werror = (enum drive_error)d->werror,
        .rerror = (enum drive_error)d->rerror,
        .stop = drive_stopped,
        .failed = drive_failed,
        .stop_arg = vm,
    };

    *blk = drive_open(&drive, err);
    return *blk != NULL;
}

bool vm_open_drives(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;
    struct opt_drive empty_cd = {.used = true, .cdrom = true}, empty_fd = {.used = true};

    vm->pool = pool_new(DRIVE_THREADS);
    if (!vm->pool)
        return err_set(err, "Out of memory.");
    /* As PCs are sold: a floppy drive and a CD drive, empty until something is put in. */
    if (!opt->nodefaults && !opt->demo) {
        if (!opt->fd[0].used)
            opt->fd[0] = empty_fd;
        if (!opt->ide[2].used)
            opt->ide[2] = empty_cd;
    }
    for (unsigned i = 0; i < PC_FLOPPIES; i++) {
        if (opt->fd[i].used && !open_drive(vm, &opt->fd[i], true, &vm->fd[i], err))
            return false;
        vm->cfg.fd[i] = vm->fd[i];
    }
    for (unsigned i = 0; i < PC_IDE; i++) {
        if (opt->ide[i].used && !open_drive(vm, &opt->ide[i], false, &vm->ide[i], err))
            return false;
        vm->cfg.ide[i] = vm->ide[i];
    }
    return true;
}

/* ---- what -device adds ---- */

static bool open_share(struct vm *vm, unsigned i, struct err *err)
{
    const struct opt_fsdev *f = opts_fsdev(vm->opt, vm->opt->addons[i].host);
    struct share_options o;

    if (!f)
        return err_set(err, "There is no -fsdev with the id '%.60s'.", vm->opt->addons[i].host);
    o = (struct share_options){.path = f->path, .read_only = f->read_only, .mapped = f->mapped};
    vm->addon_share[i] = share_open(&o, err);
    return vm->addon_share[i] != NULL;
}

bool vm_add_devices(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;

    if (!opts_add_usb(opt, err) || !opts_apply_globals(opt, err) || !vm_open_networks(vm, err))
        return false;
    vm->audio = audio_open(opt, &vm->clock, &vm->loop, err);
    if (!vm->audio)
        return false;
    if (opt->pcspk_audiodev[0])
        vm->cfg.audio = audio_find(vm->audio, opt->pcspk_audiodev);
    for (unsigned i = 0; i < opt->naddons; i++) {
        const struct opt_addon *a = &opt->addons[i];
        struct pc_addon *to = &vm->cfg.addon[i];

        to->driver = a->driver;
        to->id = a->id[0] ? a->id : NULL;
        to->props = a->props;
        to->devfn = a->devfn;
        if (pc_addon_class(a->driver)->host == PLUG_CHR && a->host[0])
            to->chr = &vm->addon_port[i].chr;
        if (pc_addon_class(a->driver)->host == PLUG_AUDIO && a->host[0])
            to->audio = audio_find(vm->audio, a->host);
        if (a->drive >= 0) {
            if (!open_drive(vm, &opt->drives[a->drive].drive, false, &vm->addon_blk[i], err))
                return false;
            to->blk = vm->addon_blk[i];
        }
        if (pc_addon_class(a->driver)->host == PLUG_SHARE && a->host[0]) {
            if (!open_share(vm, i, err))
                return false;
            to->share = vm->addon_share[i];
        }
        if (!vm_wire_network(vm, i, err))
            return false;
    }
    vm->cfg.naddons = opt->naddons;
    return true;
}

bool vm_check_none(struct options *opt, struct err *err)
{
    if (!opt->no_machine)
        return true;
    if (opt->image[0] || opt->demo || opt->ndrives || opt->naddons || opt->kernel[0] ||
        opt->bios[0] || opt->gdb[0] || opt->vnc.on || opt->show == SHOW_SDL ||
        opt->show == SHOW_CURSES)
        return err_set(err, "-machine none has nothing but monitors: no drives, devices, kernels, "
                            "displays or debuggers.");
    opt->nserial = 0;
    return true;
}

/* ---- character devices ---- */

static void hook_quit(void *arg)
{
    vm_quit(arg, 0);
}

static struct chardev *new_chardev(struct vm *vm, const char *id, const char *spec, bool mux,
                                   struct err *err)
{
    struct chardev *dev;

    if (vm->nchardevs >= VM_MAX_CHARDEVS) {
        err_set(err, "There are more than %d character devices.", VM_MAX_CHARDEVS);
        return NULL;
    }
    for (unsigned i = 0; i < vm->nchardevs; i++) {
        if (vm->chardevs[i]->is_stdio && !strcmp(spec, "stdio")) {
            err_set(err, "Standard input and output can be used once only; share them with "
                         "mon:stdio or -chardev "
                         "stdio,mux=on.");
            return NULL;
        }
    }
    dev = chardev_open(&vm->loop, id, spec, mux, err);
    if (!dev)
        return NULL;
    dev->hooks = (struct chardev_hooks){vm, hook_quit, NULL};
    return vm->chardevs[vm->nchardevs++] = dev;
}

static bool add_monitor(struct vm *vm, struct chardev *dev, struct err *err)
{
    struct monitor *m;

    if (vm->nmonitors >= ARRAY_LEN(vm->monitors))
        return err_set(err, "There are too many monitors.");
    m = monitor_new(vm, dev, err);
    if (!m)
        return false;
    vm->monitors[vm->nmonitors++] = m;
    return true;
}

/* The device that `spec` names, opened if need be; *mon is set for mon:... NULL with *err, or for
 * "none" without. */
static struct chardev *find_chardev(struct vm *vm, const char *id, const char *spec, bool *mon,
                                    struct err *err)
{
    *mon = !strncmp(spec, "mon:", 4);
    if (*mon)
        spec += 4;
    if (!strncmp(spec, "chardev:", 8)) {
        for (unsigned i = 0; i < vm->nchardevs; i++) {
            if (!strcmp(vm->chardevs[i]->id, spec + 8))
                return vm->chardevs[i];
        }
        err_set(err, "There is no -chardev with the id '%.60s'.", spec + 8);
        return NULL;
    }
    return new_chardev(vm, id, spec, *mon, err);
}

static bool connect_port(struct vm *vm, struct chr_port *port, const char *id, const char *spec,
                         struct err *err)
{
    struct chardev *dev;
    bool mon;

    if (!spec[0] || !strcmp(spec, "none"))
        return true;
    dev = find_chardev(vm, id, spec, &mon, err);
    if (!dev)
        return false;
    if (!chr_port_connect(port, dev))
        return err_set(err, "Character device '%s' is used twice; give it mux=on to share it.",
                       dev->id);
    return !mon || add_monitor(vm, dev, err);
}

static bool open_monitors(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;
    struct chardev *dev;
    char id[32];
    bool mon;

    for (unsigned i = 0; i < opt->nmonitors; i++) {
        if (!strcmp(opt->monitor[i], "none") || !strcmp(opt->monitor[i], "null"))
            continue;
        snprintf(id, sizeof(id), "monitor%u", i);
        dev = find_chardev(vm, id, opt->monitor[i], &mon, err);
        if (!dev || !add_monitor(vm, dev, err))
            return false;
    }
    for (unsigned i = 0; i < opt->nqmp; i++) {
        if (!strcmp(opt->qmp[i].dev, "none"))
            continue;
        snprintf(id, sizeof(id), "qmp%u", i);
        dev = find_chardev(vm, id, opt->qmp[i].dev, &mon, err);
        if (!dev || !(vm->qmp[vm->nqmp] = qmp_new(vm, dev, opt->qmp[i].pretty, err)))
            return false;
        vm->nqmp++;
    }
    return true;
}

bool vm_open_chardevs(struct vm *vm, struct err *err)
{
    struct options *opt = vm->opt;
    char id[32];

    for (unsigned i = 0; i < opt->nchardevs; i++) {
        if (!new_chardev(vm, opt->chardevs[i].id, opt->chardevs[i].spec, opt->chardevs[i].mux, err))
            return false;
    }
    if (opt->no_machine)
        return open_monitors(vm, err);
    for (unsigned i = 0; i < opt->nserial; i++) {
        snprintf(id, sizeof(id), "serial%u", i);
        if (!connect_port(vm, &vm->serial[i], id, opt->serial[i], err))
            return false;
        /* whoever gives the machine a serial mouse wants it to be the one that moves */
        if (vm->serial[i].user.dev && vm->serial[i].user.dev->is_mouse)
            vm->pc->mouse = msmouse_sink(&vm->serial[i].user.dev->mouse);
    }
    if (!connect_port(vm, &vm->debugcon, "debugcon", opt->debugcon, err))
        return false;
    for (unsigned i = 0; i < opt->naddons; i++) {
        const struct opt_addon *a = &opt->addons[i];

        if (!vm->cfg.addon[i].chr)
            continue;
        snprintf(id, sizeof(id), "addon%u", i);
        if (!connect_port(vm, &vm->addon_port[i], a->id[0] ? a->id : id, a->host, err))
            return false;
    }
    return open_monitors(vm, err);
}

bool vm_open_gdb(struct vm *vm, struct err *err)
{
    struct chardev *dev;
    bool mon;

    if (!vm->opt->gdb[0])
        return true;
    dev = find_chardev(vm, "gdb", vm->opt->gdb, &mon, err);
    if (!dev)
        return false;
    if (mon)
        return err_set(err, "-gdb cannot share its device with a monitor: leave out 'mon:'.");
    vm->gdb = gdb_server_new(vm, dev, err);
    return vm->gdb != NULL;
}

void vm_close_all(struct vm *vm)
{
    for (unsigned i = 0; i < vm->nchardevs; i++)
        chardev_close(vm->chardevs[i]);
    vm->nchardevs = 0;
    for (unsigned i = 0; i < vm->nmonitors; i++)
        monitor_free(vm->monitors[i]);
    vm->nmonitors = 0;
    for (unsigned i = 0; i < vm->nqmp; i++)
        qmp_free(vm->qmp[i]);
    for (unsigned i = 0; i < VM_FDS; i++) {
        if (vm->fds[i].name[0])
            close(vm->fds[i].fd);
    }
    vm->nqmp = 0;
}
