/* Memory for translated code in two ways: a memfd mapped twice, writable and executable (W^X
 * without switching), or one mapping whose pages are switched by mprotect (mprotect(2)) or, with
 * MAP_JIT, by thread (pthread_jit_write_protect_np(3) of macOS). */
#define _GNU_SOURCE
#include "cpu/jit/codebuf.h"
#include "devices/core/err.h"
#include "devices/core/hostmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __APPLE__
#include <pthread.h>
#endif

#define REST "guests run in the interpreter"

bool codebuf_parse_way(const char *text, enum codebuf_way *way, struct err *err)
{
    static const char *const names[] = {
        [CODEBUF_AUTO] = "auto", [CODEBUF_DUAL] = "dual", [CODEBUF_SINGLE] = "single", [CODEBUF_NONE] = "none"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (!strcmp(text, names[i])) {
            *way = (enum codebuf_way)i;
            return true;
        }
    return err_set(err, "Code memory cannot be '%.100s': auto, dual, single or none.", text);
}

unsigned codebuf_tries(enum codebuf_way way, enum codebuf_way tries[CODEBUF_TRIES])
{
    const char *wish = getenv("DRAGOMAN_JIT_MAP");
    if (way == CODEBUF_AUTO && wish && !codebuf_parse_way(wish, &way, NULL))
        way = CODEBUF_NONE;
    tries[0] = way == CODEBUF_AUTO ? CODEBUF_DUAL : way;
    tries[1] = CODEBUF_SINGLE;
#ifdef __APPLE__
    tries[0] = way == CODEBUF_AUTO ? CODEBUF_SINGLE : way;
    return 1;
#endif
    return way == CODEBUF_AUTO ? 2 : 1;
}

static bool refused(struct err *err)
{
    return err_set(err, "the host gives no executable memory for translated code (%s); " REST,
                   strerror(errno));
}

static bool map_dual(struct codebuf *buf, struct err *err)
{
    void *rw = MAP_FAILED, *rx = MAP_FAILED;
    int fd = -1;
#ifdef MFD_CLOEXEC
    fd = memfd_create("dragoman-code", MFD_CLOEXEC);
#else
    errno = ENOSYS;
#endif
    if (fd >= 0 && ftruncate(fd, (off_t)buf->size) == 0) {
        rw = mmap(NULL, buf->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rx = mmap(NULL, buf->size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    if (rw == MAP_FAILED || rx == MAP_FAILED) {
        refused(err);
        if (rw != MAP_FAILED)
            munmap(rw, buf->size);
        if (rx != MAP_FAILED)
            munmap(rx, buf->size);
        if (fd >= 0)
            close(fd);
        return false;
    }
    close(fd);
    buf->rw = rw;
    buf->rx = rx;
    return true;
}

#if defined __APPLE__ && defined MAP_JIT
/* The system asks the program for com.apple.security.cs.allow-jit (frontend/dragoman.entitlements). */
static bool map_single(struct codebuf *buf, struct err *err)
{
    void *p = mmap(NULL, buf->size, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANON | MAP_JIT, -1, 0);
    if (p == MAP_FAILED)
        return refused(err);
    buf->rw = p;
    buf->rx = p;
    buf->page = 0;
    return true;
}

static void thread_writes(bool writes)
{
    pthread_jit_write_protect_np(!writes);
}
#else
/* Executable at once, and again after it was writable: some hosts allow the first only. */
static bool map_single(struct codebuf *buf, struct err *err)
{
    u8 *p = host_map(NULL, buf->size, 0, HOST_RW);
    if (!p || !host_protect(p, buf->size, HOST_RX) || !host_protect(p, buf->size, HOST_RW) ||
        !host_protect(p, buf->size, HOST_RX)) {
        refused(err);
        host_unmap(p, buf->size);
        return false;
    }
    buf->rw = p;
    buf->rx = p;
    return true;
}

static void thread_writes(bool writes)
{
}
#endif

bool codebuf_init(struct codebuf *buf, size_t size, enum codebuf_way way, struct err *err)
{
    size_t page = host_page();
    *buf = (struct codebuf){.way = way};
    if (!page)
        return err_set(err, "the size of the host's pages is not known; " REST);
    buf->size = size & ~(page - 1);
    if (way == CODEBUF_DUAL)
        return map_dual(buf, err);
    buf->page = page;
    if (way == CODEBUF_SINGLE)
        return map_single(buf, err);
    errno = EACCES;
    return refused(err);
}

void codebuf_free(struct codebuf *buf)
{
    if (!buf->rw)
        return;
    munmap(buf->rw, buf->size);
    if (buf->rx != buf->rw)
        munmap((void *)(uintptr_t)buf->rx, buf->size);
    *buf = (struct codebuf){0};
}

void codebuf_begin_(struct codebuf *buf)
{
    if (!buf->writers++ && !buf->page)
        thread_writes(true);
}

/* What worked when the program started may be refused now for want of memory for the list of pages;
 * the whole, which needs no list, is never. Without the right to run code, or to take back what is
 * void, nothing can go on. */
static void protect(struct codebuf *buf, u8 *lo, u8 *hi, enum host_access access)
{
    if (!host_protect(lo, (size_t)(hi - lo), access) &&
        !host_protect(buf->rw, buf->size, access))
        BUG("the host does not change its pages of translated code any more: %s", strerror(errno));
}

void codebuf_write_(struct codebuf *buf, u8 *p, size_t n)
{
    u8 *lo = p - ((uintptr_t)p & (buf->page - 1)), *hi = p + n, *end = buf->rw + buf->size;
    hi += -(uintptr_t)hi & (buf->page - 1);
    if (hi > end)
        hi = end;
    if (!buf->writers)
        BUG("translated code is written while it may run");
    if (!buf->lo) {
        buf->lo = lo;
        buf->hi = hi;
        protect(buf, lo, hi, HOST_RW);
        return;
    }
    /* One range for all that is written. */
    if (lo < buf->lo) {
        protect(buf, lo, buf->lo, HOST_RW);
        buf->lo = lo;
    }
    if (hi > buf->hi) {
        protect(buf, buf->hi, hi, HOST_RW);
        buf->hi = hi;
    }
}

void codebuf_end_(struct codebuf *buf)
{
    if (--buf->writers)
        return;
    if (!buf->page)
        thread_writes(false);
    if (buf->lo)
        protect(buf, buf->lo, buf->hi, HOST_RX);
    buf->lo = buf->hi = NULL;
}

void codebuf_thread_(void)
{
    thread_writes(false);
}
