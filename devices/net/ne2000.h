/* NE2000 network adapters: on the ISA bus, and as PCI function (RTL8029). */
#ifndef DEVICES_NET_NE2000_H
#define DEVICES_NET_NE2000_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"

extern const struct dev_class ne2k_isa_class, ne2k_pci_class;
bool ne2k_isa_plug(struct dev *dev, const struct plug *plug, struct err *err);
bool ne2k_pci_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
