/* From one set of hooks to many, and the options that ask for them. */
#include "frontend/inside/inside.h"

#include "frontend/inside/gdbjit.h"
#include "frontend/inside/perfmap.h"
#include "frontend/inside/timeline.h"
#include "frontend/inside/trace.h"
#include "frontend/opts.h"
#include "frontend/plugin/plugin.h"

/* Call `hook` of each that has it. */
#define EACH(hook, ...)                                                                            \
    const struct insight *in = arg;                                                                 \
    for (unsigned i = 0; i < in->n; i++)                                                           \
        if (in->each[i]->hook)                                                                     \
    in->each[i]->hook(in->each[i]->arg, __VA_ARGS__)

static void all_line(void *arg, unsigned area, const char *text)
{
    const struct insight *in = arg;
    for (unsigned i = 0; i < in->n; i++)
        if (in->each[i]->line && in->each[i]->areas & BIT(area))
            in->each[i]->line(in->each[i]->arg, area, text);
}

static void all_block_made(void *arg, const struct probe_block *b)
{
    EACH(block_made, b);
}

static void all_block_dropped(void *arg, u32 id)
{
    EACH(block_dropped, id);
}

static void all_rewritten(void *arg, u32 id, u32 page, u32 off, u32 len)
{
    EACH(rewritten, id, page, off, len);
}

static void all_block_run(void *arg, u32 id)
{
    EACH(block_run, id);
}

static void all_insn(void *arg, u64 la, unsigned len, unsigned op)
{
    EACH(insn, la, len, op);
}

static void all_mem(void *arg, u64 la, u32 n, bool write)
{
    EACH(mem, la, n, write);
}

static void all_io(void *arg, const struct probe_io *io)
{
    EACH(io, io);
}

static void all_dma(void *arg, u64 addr, u64 n, bool to_guest)
{
    EACH(dma, addr, n, to_guest);
}

static void all_intr(void *arg, unsigned vector, enum probe_intr kind, u64 la)
{
    EACH(intr, vector, kind, la);
}

static void all_walk(void *arg, const struct probe_walk *w)
{
    EACH(walk, w);
}

static void all_fill(void *arg, u64 la, u64 phys, bool user, unsigned access)
{
    EACH(fill, la, phys, user, access);
}

/* One more; its hooks are set in `all`. */
static void add(struct insight *in, const struct probe_hooks *p)
{
    in->each[in->n++] = p;
    in->all.areas |= p->areas;
#define TAKE(hook)                                                                                 \
    if (p->hook)                                                                                   \
    in->all.hook = all_##hook
    TAKE(line);
    TAKE(block_made);
    TAKE(block_dropped);
    TAKE(rewritten);
    TAKE(block_run);
    TAKE(insn);
    TAKE(mem);
    TAKE(io);
    TAKE(dma);
    TAKE(intr);
    TAKE(walk);
    TAKE(fill);
#undef TAKE
}

bool inside_open(struct insight *in, const struct options *opt, struct cpu *cpu, struct log *log,
                 const struct inside_end *end, struct err *err)
{
    _Static_assert(OPT_MAX_PLUGINS + 4 <= INSIDE_MOST, "room for all");
    in->cpu = cpu;
    in->log = log;
    in->all.arg = in;
    for (unsigned i = 0; i < opt->nplugins; i++) {
        struct plugin *p = plugin_open(opt->plugins[i].path, opt->plugins[i].args, cpu, err);
        if (!p)
            return false;
        in->plugins[in->nplugins++] = p;
        add(in, plugin_probe(p));
    }
    if (opt->perfmap) {
        if (!(in->perfmap = perfmap_open(err)))
            return false;
        add(in, perfmap_probe(in->perfmap));
    }
    if (opt->jit_gdb) {
        if (!(in->gdbjit = gdbjit_open(cpu, err)))
            return false;
        add(in, gdbjit_probe(in->gdbjit));
    }
    if (opt->timeline[0]) {
        if (!(in->timeline = timeline_open(opt->timeline, opt->timeline_size, cpu, err)))
            return false;
        add(in, timeline_probe(in->timeline));
    }
    if (opt->trace.path[0]) {
        if (!(in->trace = trace_open(&opt->trace, cpu, end, err)))
            return false;
        add(in, trace_probe(in->trace));
    }
    if (in->n) {
        log_attach(log, &in->all);
        if (in->all.mem)
            cpu->watch |= WATCH_PROBE;
    }
    return true;
}

bool inside_blocks(const struct insight *in)
{
    return in->all.block_run;
}

bool inside_steps(const struct insight *in)
{
    return in->all.block_run || in->all.insn || in->all.mem;
}

bool inside_close(struct insight *in)
{
    bool ok = true;
    if (in->log)
        log_attach(in->log, NULL);
    if (in->cpu)
        in->cpu->watch &= (u8)~WATCH_PROBE;
    for (unsigned i = 0; i < in->nplugins; i++)
        plugin_close(in->plugins[i]);
    ok &= perfmap_close(in->perfmap);
    ok &= gdbjit_close(in->gdbjit);
    ok &= timeline_close(in->timeline);
    ok &= trace_close(in->trace);
    *in = (struct insight){0};
    return ok;
}
