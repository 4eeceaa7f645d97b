/* Threads with what macOS adds for translated code, for syntax checks (macos.sh). */
#ifndef TESTS_TOOLS_MACOS_PTHREAD_H
#define TESTS_TOOLS_MACOS_PTHREAD_H

#include <sys/types.h>

void pthread_jit_write_protect_np(int protect);

#endif
