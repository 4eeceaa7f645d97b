/* The machine's drives under one numbering: floppies, IDE, then those of addons (virtio, USB); and
 * the names that the monitor knows them by. */
#include "frontend/vm.h"

#include <string.h>

enum { FIRST_IDE = PC_FLOPPIES, FIRST_ADDON = PC_FLOPPIES + PC_IDE };

struct blk *vm_drive(const struct vm *vm, unsigned i)
{
    if (i < FIRST_IDE)
        return vm->fd[i];
    if (i < FIRST_ADDON)
        return vm->ide[i - FIRST_IDE];
    return i < VM_DRIVES ? vm->addon_blk[i - FIRST_ADDON] : NULL;
}

/* What the command line says about number i; NULL: no drive can be there. */
static const struct opt_drive *asked_for(const struct vm *vm, unsigned i)
{
    const struct options *opt = vm->opt;
    const struct opt_addon *a = opt->addons + (i - FIRST_ADDON);

    if (i < FIRST_IDE)
        return &opt->fd[i];
    if (i < FIRST_ADDON)
        return &opt->ide[i - FIRST_IDE];
    if (i - FIRST_ADDON >= opt->naddons || a->drive < 0)
        return NULL;
    return &opt->drives[a->drive].drive;
}

/* The name of a place that needs no id: by what is in it, the third of IDE being meant for a CD. */
static const char *place_name(const struct vm *vm, unsigned i)
{
    static const char *const floppies[PC_FLOPPIES] = {"floppy0", "floppy1"};
    static const char *const disks[PC_IDE] = {"ide0-hd0", "ide0-hd1", "ide1-hd0", "ide1-hd1"};
    static const char *const cds[PC_IDE] = {"ide0-cd0", "ide0-cd1", "ide1-cd0", "ide1-cd1"};
    const struct opt_drive *d;

    if (i < FIRST_IDE)
        return floppies[i];
    if (i >= FIRST_ADDON)
        return "";
    d = &vm->opt->ide[i - FIRST_IDE];
    return d->cdrom || (!d->used && i - FIRST_IDE == 2) ? cds[i - FIRST_IDE] : disks[i - FIRST_IDE];
}

const char *vm_drive_name(const struct vm *vm, unsigned i)
{
    const struct opt_drive *d = asked_for(vm, i);

    return d && d->id[0] ? d->id : place_name(vm, i);
}

int vm_find_drive(const struct vm *vm, const char *name)
{
    for (unsigned i = 0; *name && i < VM_DRIVES; i++) {
        if (!strcmp(name, vm_drive_name(vm, i)))
            return (int)i;
    }
    for (unsigned i = 0; *name && i < FIRST_ADDON; i++) {
        if (!strcmp(name, place_name(vm, i)))
            return (int)i;
    }
    return -1;
}
