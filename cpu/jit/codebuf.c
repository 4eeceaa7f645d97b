/* Memory for translated code: a memfd mapped twice, writable and executable (W^X without
 * switching). */
#define _GNU_SOURCE
#include "cpu/jit/codebuf.h"
#include "devices/core/err.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

bool codebuf_init(struct codebuf *buf, size_t size, struct err *err)
{
    int fd = memfd_create("dragoman-code", MFD_CLOEXEC);
    void *rw = MAP_FAILED, *rx = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
        rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    if (rw == MAP_FAILED || rx == MAP_FAILED) {
        err_set(err,
                "the host gives no executable memory for translated code (%s); guests run in the "
                "interpreter",
                strerror(errno));
        if (rw != MAP_FAILED)
            munmap(rw, size);
        if (rx != MAP_FAILED)
            munmap(rx, size);
        if (fd >= 0)
            close(fd);
        return false;
    }
    close(fd);
    *buf = (struct codebuf){rw, rx, size};
    return true;
}

void codebuf_free(struct codebuf *buf)
{
    if (!buf->rw)
        return;
    munmap(buf->rw, buf->size);
    munmap((void *)(uintptr_t)buf->rx, buf->size);
    *buf = (struct codebuf){0};
}
