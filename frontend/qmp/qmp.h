/* The machine protocol: JSON requests on a character device, answers and events. */
#ifndef FRONTEND_QMP_QMP_H
#define FRONTEND_QMP_QMP_H

#include "devices/core/err.h"
#include "frontend/host/chardev.h"

struct vm;
struct qmp;

/* A monitor on `dev`; `pretty`: answers are indented. NULL with *err when the device is taken, or
 * this build has no JSON library. */
struct qmp *qmp_new(struct vm *vm, struct chardev *dev, bool pretty, struct err *err);
void qmp_free(struct qmp *q);

#endif
