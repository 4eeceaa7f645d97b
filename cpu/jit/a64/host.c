/* Extensions of the host's processor: Linux says them as bits of AT_HWCAP (elf_hwcaps in the kernel's
 * documentation), macOS as sysctl hw.optional.arm. Elsewhere none is assumed. */
#include "cpu/jit/a64/host.h"

#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

bool a64_host_has(enum a64_feature feature)
{
#if defined(__linux__)
    switch (feature) {
    case A64_FLAGM: return getauxval(AT_HWCAP) >> 27 & 1;
    case A64_FLAGM2: return getauxval(AT_HWCAP2) >> 7 & 1;
    case A64_AES: return getauxval(AT_HWCAP) >> 3 & 1;
    case A64_PMULL: return getauxval(AT_HWCAP) >> 4 & 1;
    }
    return false;
#elif defined(__APPLE__)
    static const char *const names[] = {
        [A64_FLAGM] = "hw.optional.arm.FEAT_FlagM",
        [A64_FLAGM2] = "hw.optional.arm.FEAT_FlagM2",
        [A64_AES] = "hw.optional.arm.FEAT_AES",
        [A64_PMULL] = "hw.optional.arm.FEAT_PMULL",
    };
    int has = 0;
    size_t size = sizeof(has);
    return !sysctlbyname(names[feature], &has, &size, NULL, 0) && has;
#else
    return false;
#endif
}
