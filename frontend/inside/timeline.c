/* Trace events in JSON ("Trace Event Format": X complete, i instant, M metadata; times in µs): a
 * row for each region of registers, for DMA and for interrupts. Accesses of one register in a row
 * are one event with a count. */
#include "frontend/inside/timeline.h"

#include "frontend/inside/json.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 256, NAME = 48, TAIL = 4096 };
enum { ROW_INTR = 1, ROW_DMA, ROW_OTHERS, ROW_FIRST };

/* Accesses that may become one event. */
struct same {
    bool any, write;
    unsigned row, size;
    u64 addr, off, first_v, v, count, from, to;
};
struct timeline {
    struct probe_hooks probe;
    struct cpu *cpu;
    FILE *out;
    char path[1024];
    u64 size, written; /* bytes; the tail is not counted */
    u64 events, left_out;
    char names[ROWS][NAME];
    unsigned nrows;
    struct same io;
};

static void put(struct timeline *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void put(struct timeline *t, const char *fmt, ...)
{
    va_list ap;
    int n;
    va_start(ap, fmt);
    n = vfprintf(t->out, fmt, ap);
    va_end(ap);
    t->written += n > 0 ? (u64)n : 0;
}

/* Begin an event; false: there is no room for one more. */
static bool begin(struct timeline *t)
{
    enum { MOST = 512 }; /* bytes of an event */
    if (t->size < t->written + MOST + TAIL) {
        t->left_out++;
        return false;
    }
    if (t->events++)
        put(t, ",\n");
    return true;
}

static void put_time(struct timeline *t, const char *key, u64 ns)
{
    put(t, ",\"%s\":%llu.%03u", key, (unsigned long long)(ns / 1000), (unsigned)(ns % 1000));
}

static void name_row(struct timeline *t, unsigned row, const char *name)
{
    if (!begin(t))
        return;
    put(t, "{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":", row);
    json_text(t->out, name);
    t->written += NAME * 6;
    put(t, "}}");
}

/* The row of a region; its name is the guest's business only as far as it maps regions. */
static unsigned row_of(struct timeline *t, const char *name)
{
    for (unsigned i = ROW_FIRST; i < t->nrows; i++)
        if (!strncmp(t->names[i], name, NAME - 1))
            return i;
    if (t->nrows == ROWS)
        return ROW_OTHERS;
    snprintf(t->names[t->nrows], NAME, "%s", name);
    name_row(t, t->nrows, t->names[t->nrows]);
    return t->nrows++;
}

static void flush(struct timeline *t)
{
    const struct same *s = &t->io;
    if (!s->any)
        return;
    t->io.any = false;
    if (!begin(t))
        return;
    put(t, "{\"ph\":\"X\",\"pid\":1,\"tid\":%u", s->row);
    put_time(t, "ts", s->from);
    put_time(t, "dur", s->to - s->from);
    put(t,
        ",\"name\":\"%s +%llx\",\"args\":{\"address\":\"0x%llx\",\"size\":%u,\"value\":\"0x%llx\"",
        s->write ? "write" : "read", (unsigned long long)s->off, (unsigned long long)s->addr,
        s->size, (unsigned long long)s->first_v);
    if (s->count > 1)
        put(t, ",\"last\":\"0x%llx\",\"count\":%llu", (unsigned long long)s->v,
            (unsigned long long)s->count);
    put(t, "}}");
}

static void on_io(void *arg, const struct probe_io *io)
{
    struct timeline *t = arg;
    struct same *s = &t->io;
    unsigned row = row_of(t, io->region);
    u64 now = clock_now(t->cpu->clock);
    if (s->any && s->row == row && s->addr == io->addr && s->size == io->size &&
        s->write == io->write) {
        s->v = io->v;
        s->count++;
        s->to = now;
        return;
    }
    flush(t);
    *s =
        (struct same){true, io->write, row, io->size, io->addr, io->off, io->v, io->v, 1, now, now};
}

static void on_dma(void *arg, u64 addr, u64 n, bool to_guest)
{
    struct timeline *t = arg;
    flush(t);
    if (!begin(t))
        return;
    put(t, "{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":%d", ROW_DMA);
    put_time(t, "ts", clock_now(t->cpu->clock));
    put(t, ",\"name\":\"%s\",\"args\":{\"address\":\"0x%llx\",\"bytes\":%llu}}",
        to_guest ? "to memory" : "from memory", (unsigned long long)addr, (unsigned long long)n);
}

static void on_intr(void *arg, unsigned vector, enum probe_intr kind, u64 la)
{
    static const char *const kinds[] = {"interrupt", "exception", "software"};
    struct timeline *t = arg;
    flush(t);
    if (!begin(t))
        return;
    put(t, "{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":%d", ROW_INTR);
    put_time(t, "ts", clock_now(t->cpu->clock));
    put(t, ",\"name\":\"%s %02x\",\"args\":{\"at\":\"0x%llx\"}}", kinds[kind], vector,
        (unsigned long long)la);
}

struct timeline *timeline_open(const char *path, u64 size, struct cpu *cpu, struct err *err)
{
    struct timeline *t = calloc(1, sizeof(*t));
    if (!t) {
        err_set(err, "Out of memory.");
        return NULL;
    }
    t->out = fopen(path, "w");
    if (!t->out) {
        err_set(err, "Cannot write the timeline '%.300s': %s.", path, strerror(errno));
        free(t);
        return NULL;
    }
    snprintf(t->path, sizeof(t->path), "%s", path);
    t->cpu = cpu;
    t->size = size;
    t->nrows = ROW_FIRST;
    put(t, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n");
    name_row(t, ROW_INTR, "interrupts");
    name_row(t, ROW_DMA, "DMA");
    name_row(t, ROW_OTHERS, "other regions");
    t->probe = (struct probe_hooks){.arg = t, .io = on_io, .dma = on_dma, .intr = on_intr};
    return t;
}

const struct probe_hooks *timeline_probe(const struct timeline *t)
{
    return &t->probe;
}

bool timeline_close(struct timeline *t)
{
    bool ok;
    if (!t)
        return true;
    flush(t);
    put(t,
        "\n],\"otherData\":{\"program\":\"dragoman\",\"events\":\"%llu\",\"left out\":\"%llu\"}}\n",
        (unsigned long long)t->events, (unsigned long long)t->left_out);
    ok = !ferror(t->out);
    if (fclose(t->out))
        ok = false;
    if (!ok)
        fprintf(stderr, "dragoman: not all of '%s' could be written\n", t->path);
    if (t->left_out)
        fprintf(stderr, "dragoman: '%s' is full: %llu events are left out\n", t->path,
                (unsigned long long)t->left_out);
    free(t);
    return ok;
}
