/* The local APIC, where there is one. */
#ifndef ROMS_LIB_APIC_H
#define ROMS_LIB_APIC_H

#include "devices/core/types.h"

/* A local APIC starts with all its inputs masked. Make it transparent: the interrupt controllers'
 * line on LINT0 as it comes ("ExtINT"), NMI on LINT1. Nothing happens on a processor without one.
 */
void apic_transparent(void);

#endif
