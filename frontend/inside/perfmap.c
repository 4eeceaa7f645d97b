/* The perf map (Linux, tools/perf/Documentation/jit-interface.txt): lines of "address size name" in
 * hexadecimal. When code memory is used again the file is written anew with what is there. */
#include "frontend/inside/perfmap.h"

#include "frontend/inside/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct perfmap {
    struct probe_hooks probe;
    struct code_names names;
    FILE *out;
    char path[64];
    bool bad;
};

static void put(void *arg, const struct code_name *e)
{
    struct perfmap *m = arg;
    if (fprintf(m->out, "%llx %x guest:%llx\n", (unsigned long long)e->host, e->size,
                (unsigned long long)e->la) < 0)
        m->bad = true;
}

static void anew(void *arg)
{
    struct perfmap *m = arg;
    if (fflush(m->out) || ftruncate(fileno(m->out), 0))
        m->bad = true;
    rewind(m->out);
}

static void on_made(void *arg, const struct probe_block *b)
{
    code_names_made(&((struct perfmap *)arg)->names, b);
}

static void on_dropped(void *arg, u32 id)
{
    code_names_dropped(&((struct perfmap *)arg)->names, id);
}

struct perfmap *perfmap_open(struct err *err)
{
    struct perfmap *m = calloc(1, sizeof(*m));
    int fd;
    if (!m) {
        err_set(err, "Out of memory.");
        return NULL;
    }
    snprintf(m->path, sizeof(m->path), "/tmp/perf-%ld.map", (long)getpid());
    unlink(m->path); /* of a process that had this number; perf wants the file to be our own */
    fd = open(m->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    m->out = fd < 0 ? NULL : fdopen(fd, "w");
    if (!m->out) {
        err_set(err, "Cannot write '%s': %s.", m->path, strerror(errno));
        if (fd >= 0)
            close(fd);
        free(m);
        return NULL;
    }
    m->names = (struct code_names){.put = put, .anew = anew, .arg = m};
    m->probe = (struct probe_hooks){.arg = m, .block_made = on_made, .block_dropped = on_dropped};
    return m;
}

const struct probe_hooks *perfmap_probe(const struct perfmap *m)
{
    return &m->probe;
}

bool perfmap_close(struct perfmap *m)
{
    bool ok;
    if (!m)
        return true;
    ok = !m->bad && !m->names.bad && !ferror(m->out);
    if (fclose(m->out))
        ok = false;
    if (!ok)
        fprintf(stderr, "dragoman: not all of '%s' could be written\n", m->path);
    if (!m->names.n)
        unlink(m->path); /* nothing ran */
    code_names_free(&m->names);
    free(m);
    return ok;
}
