/* The state of a whole machine: saved between instructions, loaded into a machine that is built
 * alike, in this process or another. */
#ifndef FRONTEND_STATE_VMSTATE_H
#define FRONTEND_STATE_VMSTATE_H

#include "frontend/state/format.h"

struct vm;

/* Write the state. The machine stands meanwhile, and requests that run in threads of the host end
 * first. It is not changed by this. */
bool vm_state_save(struct vm *vm, struct state_io *io, enum sf_pack pack, struct err *err);
/* The machine goes on from the state in `io`. False with a sentence: it is damaged, of another
 * machine or of another medium; the machine is as it was. */
bool vm_state_load(struct vm *vm, struct state_io *io, struct err *err);

/* What has to happen with the state: `change` when all of it is checked and before devices are
 * given theirs; `undo` when the machine goes back to what it was after that. */
struct vm_state_disks {
    bool (*change)(void *arg, struct err *err);
    void (*undo)(void *arg);
    void *arg;
};
bool vm_state_load_with(struct vm *vm, struct state_io *io, const struct vm_state_disks *disks,
                        struct err *err);

/* The same to and from a file, which is there whole or not at all. */
bool vm_state_save_file(struct vm *vm, const char *path, enum sf_pack pack, struct err *err);
bool vm_state_load_file(struct vm *vm, const char *path, struct err *err);
/* From a file made with SF_PACK_PAGES: memory is read as the guest touches it, and checked meanwhile
 * (verify.h). The file must not change as long as the machine lives. */
bool vm_state_map_file(struct vm *vm, const char *path, struct err *err);

#endif
