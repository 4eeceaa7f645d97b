/* The Intel 82540EM gigabit adapter ("e1000") as a device that can be added. */
#ifndef DEVICES_NET_E1000_H
#define DEVICES_NET_E1000_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"

extern const struct dev_class e1000_class;
bool e1000_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
