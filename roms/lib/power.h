/* The ways a ROM can end the machine. */
#ifndef ROMS_LIB_POWER_H
#define ROMS_LIB_POWER_H

#include "devices/core/types.h"

/* I/O ports given to the PIIX4 power management function when the firmware has not placed it
 * elsewhere. */
enum { PM_BASE = 0x600 };

/* Give the power management function its ports. Returns the base in use, 0 when there is no such
 * chip. */
u16 pm_enable(void);
/* Soft power-off (ACPI S5): the emulator ends with status 0. Returns only when the machine cannot
 * do it. */
void power_off(void);
/* Write to the exit device: the emulator ends with status v*2+1. */
void exit_device(u8 v);

#endif
