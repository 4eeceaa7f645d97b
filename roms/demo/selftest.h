/* Runs every demonstration and says how it went. */
#ifndef ROMS_DEMO_SELFTEST_H
#define ROMS_DEMO_SELFTEST_H

#include "devices/core/types.h"

/* Prints "ok NAME" or "FAIL NAME" for each; returns the number of failures. */
u32 selftest_run(void);

#endif
