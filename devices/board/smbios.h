/* SMBIOS structures for the firmware: what the machine calls itself, its CPUs and memory. */
#ifndef DEVICES_BOARD_SMBIOS_H
#define DEVICES_BOARD_SMBIOS_H

#include "devices/core/dev.h"

/* A text of -smbios that replaces the default. */
struct smbios_text {
    u8 type;
    char key[16], value[236];
};
enum { SMBIOS_TEXTS = 48 };

struct smbios_config {
    unsigned cpus;
    u64 ram;
    const u8 *uuid; /* 16 bytes, or NULL */
    const struct smbios_text *text;
    unsigned ntexts;
};

/* Can `key` of structure `type` be set? key NULL: anything of it. */
bool smbios_has(unsigned type, const char *key);

/* Add etc/smbios/smbios-tables and etc/smbios/smbios-anchor to the firmware configuration device.
 */
void smbios_build(const struct smbios_config *cfg, struct dev *fwcfg);

#endif
