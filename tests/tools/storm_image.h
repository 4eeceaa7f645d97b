/* The world in which insnstorm runs instructions: tables for every mode in the first pages of
 * memory, and a processor put into each mode (SDM vol. 3 chapters 3 to 9). */
#ifndef TESTS_TOOLS_STORM_IMAGE_H
#define TESTS_TOOLS_STORM_IMAGE_H

#include "cpu/cpu.h"

enum {
    STORM_IMAGE = 0xc000, /* bytes of tables at 0 */
    STORM_CODE = 0x10000,
    STORM_STACK = 0xf000,
};

enum storm_mode {
    STORM_REAL,
    STORM_V86,
    STORM_PM16,
    STORM_PM32,
    STORM_PM32_USER,
    STORM_PAGED,
    STORM_PAGED_USER,
    STORM_COMPAT,
    STORM_LONG,
    STORM_LONG_USER,
    STORM_MODES
};

/* Fill image[STORM_IMAGE]. */
void storm_image(u8 *image);
/* Put cpu into `mode`, about to run the code at linear address `at`; everything but the general
 * registers, x87 and SSE. */
void storm_mode_set(struct cpu *cpu, enum storm_mode mode, u32 at);
unsigned storm_bits(enum storm_mode mode);
/* CR3 as storm_mode_set() leaves it. */
u32 storm_cr3(enum storm_mode mode);
/* Did the run end in an exception's handler? */
bool storm_faulted(const struct cpu *cpu);

#endif
