/* What a fuzz target is: the function that libFuzzer, or driver.c where that is missing, calls with
 * any bytes. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "devices/core/types.h"

#include <stdio.h>

/* Run the target on data[n]. Returns 0; aborts when something is wrong. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t n);

#endif
