/* Memory as macOS declares it, as far as anything here uses it: for syntax checks (../macos.sh). */
#ifndef TESTS_TOOLS_MACOS_SYS_MMAN_H
#define TESTS_TOOLS_MACOS_SYS_MMAN_H

#include <sys/types.h>

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED    1
#define MAP_PRIVATE   2
#define MAP_NORESERVE 0x40
#define MAP_JIT       0x800
#define MAP_ANON      0x1000
#define MAP_FAILED    ((void *)-1)

void *mmap(void *wish, size_t size, int prot, int flags, int fd, off_t off);
int munmap(void *p, size_t size);
int mprotect(void *p, size_t size, int prot);
int madvise(void *p, size_t size, int advice);

#endif
