/* The Realtek RTL8139C+ as a device that can be added. */
#ifndef DEVICES_NET_RTL8139_H
#define DEVICES_NET_RTL8139_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"

extern const struct dev_class rtl8139_class;
bool rtl8139_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
