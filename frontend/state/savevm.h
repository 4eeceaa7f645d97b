/* Snapshots of the machine together with its disks, kept inside qcow2 images under a name. */
#ifndef FRONTEND_STATE_SAVEVM_H
#define FRONTEND_STATE_SAVEVM_H

#include "devices/core/err.h"
#include "frontend/image/image.h"

struct vm;

/* Every disk that can be written gets a snapshot `name`; that of the first qcow2 image has the
 * state of the machine with it, and is made last: before, there is no snapshot. NULL: a name from
 * the date. False with a sentence: nothing is left behind. */
bool savevm(struct vm *vm, const char *name, struct err *err);
/* Machine and disks go back. False with a sentence: all are as they were. */
bool loadvm(struct vm *vm, const char *name, struct err *err);
bool delvm(struct vm *vm, const char *name, struct err *err);
/* Those that loadvm can go back to; list->v is the caller's to free. */
bool listvm(struct vm *vm, struct image_snapshots *list, struct err *err);

#endif
