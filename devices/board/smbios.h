/* SMBIOS structures for the firmware: what the machine calls itself, its CPUs and memory. */
#ifndef DEVICES_BOARD_SMBIOS_H
#define DEVICES_BOARD_SMBIOS_H

#include "devices/core/dev.h"

struct smbios_config {
    unsigned cpus;
    u64 ram;
    const u8 *uuid; /* 16 bytes, or NULL */
};

/* Add etc/smbios/smbios-tables and etc/smbios/smbios-anchor to the firmware configuration device.
 */
void smbios_build(const struct smbios_config *cfg, struct dev *fwcfg);

#endif
