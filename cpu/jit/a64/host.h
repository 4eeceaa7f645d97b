/* What of the architecture's extensions the host's system says that programs may use. */
#ifndef CPU_JIT_A64_HOST_H
#define CPU_JIT_A64_HOST_H

#include "devices/core/types.h"

enum a64_feature { A64_FLAGM, A64_FLAGM2, A64_AES, A64_PMULL };

bool a64_host_has(enum a64_feature feature);

#endif
