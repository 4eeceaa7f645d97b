/* The perf map (Linux, tools/perf/Documentation/jit-interface.txt): lines of "address size name" in
 * hexadecimal. A dropped block keeps its line, for it has samples, until its code memory is used
 * again; the file is then written anew with what is there. */
#include "frontend/inside/perfmap.h"

#include "frontend/inside/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 1 << 24 };
struct entry {
    u64 host, la;
    u32 size, id;
    bool dropped;
};
struct perfmap {
    struct probe_hooks probe;
    FILE *out;
    char path[64];
    struct entry *list;
    u32 n, cap;
    struct map by_id; /* the last entry of each number, + 1 */
    u64 top;          /* the end of the highest code since the file was written anew */
    bool bad;
};

static void put(struct perfmap *m, const struct entry *e)
{
    if (fprintf(m->out, "%llx %x guest:%llx\n", (unsigned long long)e->host, e->size,
                (unsigned long long)e->la) < 0)
        m->bad = true;
}

static void note(struct perfmap *m, u32 i)
{
    u64 *at = map_get(&m->by_id, m->list[i].id, MOST);
    if (at)
        *at = i + 1;
}

/* Code memory begins to be used again, in the order of addresses: dropped blocks go. */
static void write_anew(struct perfmap *m)
{
    u32 n = 0;
    map_free(&m->by_id);
    if (fflush(m->out) || ftruncate(fileno(m->out), 0))
        m->bad = true;
    rewind(m->out);
    for (u32 i = 0; i < m->n; i++) {
        if (m->list[i].dropped)
            continue;
        m->list[n] = m->list[i];
        note(m, n);
        put(m, &m->list[n++]);
    }
    m->n = n;
}

static void on_made(void *arg, const struct probe_block *b)
{
    struct perfmap *m = arg;
    struct entry e = {(uintptr_t)b->host, b->la, b->host_size, b->id, false};
    u64 *at = map_find(&m->by_id, b->id);
    struct entry *old = at ? &m->list[*at - 1] : NULL;
    if (!b->host)
        return;
    if (old && old->host == e.host && old->la == e.la) { /* it came back */
        old->dropped = false;
        return;
    }
    if (e.host < m->top)
        write_anew(m);
    m->top = e.host + e.size;
    if (m->n == m->cap) {
        u32 cap = m->cap ? 2 * m->cap : 4096;
        struct entry *list = cap <= MOST ? realloc(m->list, cap * sizeof(*list)) : NULL;
        if (!list) {
            m->bad = true;
            return;
        }
        m->list = list;
        m->cap = cap;
    }
    m->list[m->n] = e;
    note(m, m->n++);
    put(m, &e);
}

static void on_dropped(void *arg, u32 id)
{
    struct perfmap *m = arg;
    u64 *at = map_find(&m->by_id, id);
    if (at)
        m->list[*at - 1].dropped = true;
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
    ok = !m->bad && !ferror(m->out);
    if (fclose(m->out))
        ok = false;
    if (!ok)
        fprintf(stderr, "dragoman: not all of '%s' could be written\n", m->path);
    if (!m->n)
        unlink(m->path); /* nothing ran */
    map_free(&m->by_id);
    free(m->list);
    free(m);
    return ok;
}
