/* Facts about the host as macOS gives them, for syntax checks (../macos.sh). */
#ifndef TESTS_TOOLS_MACOS_SYS_SYSCTL_H
#define TESTS_TOOLS_MACOS_SYS_SYSCTL_H

#include <sys/types.h>

int sysctlbyname(const char *name, void *old, size_t *old_size, void *value, size_t size);

#endif
