/* Opening the host side of a character device from its description; used by chardev.c only. */
#ifndef FRONTEND_HOST_CHARDEV_OPEN_H
#define FRONTEND_HOST_CHARDEV_OPEN_H

#include "frontend/host/chardev.h"

/* Fill the descriptors, flags and label of a fresh device. */
bool chardev_open_spec(struct chardev *dev, const char *spec, struct err *err);

#endif
