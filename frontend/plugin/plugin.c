/* Loading plug-ins, and the way from the machine's hooks to theirs. */
#include "frontend/plugin/plugin.h"

#include "frontend/inside/blocks.h"
#include "frontend/opts.h"
#include "frontend/plugin/dragoman-plugin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ARGS = 32 };

struct plugin {
    struct dragoman_host host; /* first: what the plug-in hands back */
    void *handle;
    const struct dragoman_plugin *made;
    struct dragoman_hooks hooks;
    struct cpu *cpu;
    struct probe_hooks probe;
    struct blocks blocks;
    bool alone; /* instructions come outside of blocks */
};

/* ---- what a plug-in may ask ---- */
static const struct plugin *of_host(const struct dragoman_host *host)
{
    return (const struct plugin *)(const void *)host;
}

static uint64_t host_instructions(const struct dragoman_host *host)
{
    return cpu_icount(of_host(host)->cpu);
}

static size_t host_read(const struct dragoman_host *host, uint64_t address, void *to, size_t n)
{
    struct mmu *mmu = &of_host(host)->cpu->mmu;
    size_t done = 0;
    while (done < n) {
        size_t chunk = MIN(n - done, PAGE_SIZE - (size_t)((address + done) & PAGE_MASK));
        if (!mmu_peek(mmu, address + done, (u8 *)to + done, chunk))
            break;
        done += chunk;
    }
    return done;
}

/* ---- what it is told ---- */
static struct dragoman_block describe(struct plugin *p, const struct seen *s)
{
    return (struct dragoman_block){blocks_number(&p->blocks, s), s->b.la, s->b.nbytes, s->b.ninsns};
}

static void translated(struct plugin *p, const struct seen *s)
{
    struct dragoman_block block = describe(p, s);
    if (p->hooks.block_translated)
        p->hooks.block_translated(p->hooks.state, &block);
}

static void executed(struct plugin *p, const struct seen *s)
{
    struct dragoman_block block = describe(p, s);
    if (p->hooks.block_executed)
        p->hooks.block_executed(p->hooks.state, &block);
}

static void on_made(void *arg, const struct probe_block *b)
{
    struct plugin *p = arg;
    bool fresh;
    struct seen *s = blocks_made(&p->blocks, b, &fresh);
    if (fresh)
        translated(p, s);
}

static void on_run(void *arg, u32 id)
{
    struct plugin *p = arg;
    struct seen *s;
    p->alone = id == PROBE_ALONE;
    if (!p->alone && (s = blocks_find(&p->blocks, id)))
        executed(p, s);
}

static void on_insn(void *arg, u64 la, unsigned len, unsigned op)
{
    struct plugin *p = arg;
    struct dragoman_instruction insn = {la, len, op, op_info[op].name};
    if (p->alone && p->probe.block_run) {
        bool fresh;
        struct seen *s = blocks_alone(&p->blocks, la, len, &fresh);
        if (fresh)
            translated(p, s);
        if (s)
            executed(p, s);
    }
    if (p->hooks.instruction)
        p->hooks.instruction(p->hooks.state, &insn);
}

static void on_mem(void *arg, u64 la, u32 n, bool write)
{
    struct plugin *p = arg;
    p->hooks.memory(p->hooks.state, la, n, write);
}

static void on_io(void *arg, const struct probe_io *io)
{
    struct plugin *p = arg;
    struct dragoman_io out = {io->space, io->region, io->addr, io->v, io->size, io->write};
    p->hooks.io(p->hooks.state, &out);
}

static void on_intr(void *arg, unsigned vector, enum probe_intr kind, u64 la)
{
    struct plugin *p = arg;
    p->hooks.interrupt(p->hooks.state, vector, (enum dragoman_interrupt)kind, la);
}

static void set_probe(struct plugin *p)
{
    const struct dragoman_hooks *h = &p->hooks;
    bool blocks = h->block_executed;
    p->probe = (struct probe_hooks){
        .arg = p,
        .block_made = blocks || h->block_translated ? on_made : NULL,
        .block_run = blocks ? on_run : NULL,
        .insn = blocks || h->instruction ? on_insn : NULL,
        .mem = h->memory ? on_mem : NULL,
        .io = h->io ? on_io : NULL,
        .intr = h->interrupt ? on_intr : NULL,
    };
}

/* ---- life ---- */
/* Call its start with the arguments, which are cut apart in `text`. */
static bool start(struct plugin *p, const char *path, const char *args, struct err *err)
{
    char(*text)[OPT_TEXT] = calloc(MOST_ARGS, sizeof(*text)), key[64];
    const char *list[MOST_ARGS + 1] = {NULL}, *why;
    char value[OPT_TEXT];
    unsigned n = 0;
    bool has_key;
    if (!text)
        return err_set(err, "Out of memory.");
    while (opts_next(&args, key, sizeof(key), value, sizeof(value), &has_key)) {
        if (n == MOST_ARGS || (size_t)snprintf(text[n], sizeof(text[n]), "%s%s%s", key,
                                               has_key ? "=" : "", value) >= sizeof(text[n])) {
            free(text);
            return err_set(err, "Plug-in '%.200s' is given too many or too long arguments.", path);
        }
        list[n] = text[n];
        n++;
    }
    why = p->made->start(&p->host, list, &p->hooks);
    if (why)
        err_set(err, "Plug-in '%.200s': %.250s", path, why);
    free(text);
    return !why;
}

static void unload(struct plugin *p)
{
    if (p->handle)
        dlclose(p->handle);
    blocks_free(&p->blocks);
    free(p);
}

struct plugin *plugin_open(const char *path, const char *args, struct cpu *cpu, struct err *err)
{
    struct plugin *p = calloc(1, sizeof(*p));
    if (!p) {
        err_set(err, "Out of memory.");
        return NULL;
    }
    p->cpu = cpu;
    p->host = (struct dragoman_host){host_instructions, host_read};
    p->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!p->handle) {
        err_set(err, "Cannot load plug-in '%.200s': %.250s.", path, dlerror());
        unload(p);
        return NULL;
    }
    p->made = dlsym(p->handle, "dragoman_plugin");
    if (!p->made)
        err_set(err, "'%.300s' is no plug-in: it has no symbol 'dragoman_plugin'.", path);
    else if (p->made->version != DRAGOMAN_PLUGIN_VERSION || !p->made->start)
        err_set(err,
                "Plug-in '%.200s' is made for version %u of the interface, this is version %d; "
                "compile it again.",
                path, p->made->version, DRAGOMAN_PLUGIN_VERSION);
    else if (start(p, path, args, err)) {
        set_probe(p);
        return p;
    }
    unload(p);
    return NULL;
}

const struct probe_hooks *plugin_probe(const struct plugin *p)
{
    return &p->probe;
}

void plugin_close(struct plugin *p)
{
    if (!p)
        return;
    if (p->hooks.stop)
        p->hooks.stop(p->hooks.state);
    unload(p);
}
