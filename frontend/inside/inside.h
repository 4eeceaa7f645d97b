/* Everybody who looks inside the running machine, behind its one set of hooks
 * (devices/core/probe.h). */
#ifndef FRONTEND_INSIDE_INSIDE_H
#define FRONTEND_INSIDE_INSIDE_H

#include "cpu/cpu.h"
#include "devices/core/err.h"

struct options;
struct plugin;
struct gdbjit;
struct perfmap;
struct timeline;
struct trace;

enum { INSIDE_MOST = 12 };
struct insight {
    struct cpu *cpu;
    struct log *log;
    struct probe_hooks all; /* what the machine calls: each hook that anybody has */
    const struct probe_hooks *each[INSIDE_MOST]; /* [n] */
    unsigned n;
    struct plugin *plugins[INSIDE_MOST];
    unsigned nplugins;
    struct perfmap *perfmap;
    struct gdbjit *gdbjit;
    struct timeline *timeline;
    struct trace *trace;
};
/* Who ends the machine when a trace has seen enough. */
struct inside_end {
    void (*end)(void *arg);
    void *arg;
};

/* Open what the options ask for and hang it on the log, whose areas are set. False with *err. */
bool inside_open(struct insight *in, const struct options *opt, struct cpu *cpu, struct log *log,
                 const struct inside_end *end, struct err *err);
/* Must the guest run by instructions (jit_config.seen)? Does anybody look at blocks as they run? */
bool inside_steps(const struct insight *in);
bool inside_blocks(const struct insight *in);
/* Write and close everything; before the CPU goes. False: a file could not be written, which is
 * said on standard error. */
bool inside_close(struct insight *in);

#endif
