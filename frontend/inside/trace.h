/* dragoman trace: a machine is run and watched, and a page of HTML is written of what was seen. */
#ifndef FRONTEND_INSIDE_TRACE_H
#define FRONTEND_INSIDE_TRACE_H

#include "frontend/inside/blocks.h"
#include "frontend/inside/inside.h"
#include "frontend/opts.h"

#include <stdio.h>

/* *opt must stay. NULL with *err when the page cannot be written. */
struct trace *trace_open(const struct opt_trace *opt, struct cpu *cpu, const struct inside_end *end,
                         struct err *err);
const struct probe_hooks *trace_probe(const struct trace *t);
/* Write the page. False, and a line on standard error, when not all could be written. */
bool trace_close(struct trace *t);

/* trace_args.c: what is between argv[0], "trace", and "--". The place of the "--", which can stand
 * for argv[0] of the machine's options; 0 with *err; -1 when help is asked for. */
int trace_args(struct opt_trace *opt, int argc, char **argv, struct err *err);
void trace_usage(FILE *f);

/* ---- among the files of this folder ---- */
/* How a block was left. */
enum trace_exit {
    TX_NEXT,  /* the code behind it is next */
    TX_TAKEN, /* a conditional jump was taken */
    TX_JUMP,  /* JMP, and other ends of a block that go elsewhere */
    TX_CALL,
    TX_RETURN,
    TX_INTERRUPT, /* something was delivered */
    TX_EXCEPTION,
    TX_SOFTWARE,
    TX__COUNT
};
/* Where in the file of texts a kind of text of a block is. */
enum trace_text { TT_GUEST, TT_IR, TT_FOLD, TT_DCE, TT_HOST, TT__COUNT };
struct trace_where {
    u64 at;
    u32 n;
};
/* Counted in each span of instructions. */
enum trace_plot {
    TP_BLOCKS,
    TP_REWRITTEN,
    TP_FILLS,
    TP_IO,
    TP_INTERRUPTS,
    TP_EXCEPTIONS,
    TP__COUNT
};
enum { SPANS = 256, TRACE_PAGES = 1 << 18, TRACE_EDGES = 1 << 20 };
struct trace_page {
    u64 accesses, fills, rewritten;
    u64 walks, faults; /* of the page tables, for this page */
    u32 walk[2];       /* the last of either, + 1 */
};
/* What is sorted: something's place, and what it is sorted by. */
struct trace_rank {
    u64 by, key;
};
struct trace {
    const struct opt_trace *opt;
    struct cpu *cpu;
    struct inside_end end;
    struct probe_hooks probe;
    FILE *out;
    FILE *texts; /* without a name */
    u64 texts_n;
    struct blocks blocks;
    struct trace_where (*where)[TT__COUNT]; /* [where_cap], by block */
    u32 where_cap;
    struct trace_where pending[TT__COUNT]; /* of the block that is being translated */
    u32 newest;                            /* the block that was made last, + 1 */
    u32 last;                              /* the block that runs, + 1; 0: none */
    u64 last_end;                          /* where its code ends */
    unsigned last_op;                      /* the operation that ran last */
    enum trace_exit cause;                 /* of what was delivered; TX_NEXT: nothing */
    bool alone;
    u64 insns;
    struct map edges;   /* from << 32 | to -> times */
    struct map page_at; /* linear page -> its place in pages + 1 */
    struct trace_page *pages;
    u32 npages, pages_cap;
    struct probe_walk *walks;
    u32 nwalks, walks_cap;
    u64 exits[TX__COUNT];
    u64 span; /* instructions of one */
    u64 plot[TP__COUNT][SPANS];
    u64 lost; /* edges, pages and texts that found no room */
};
/* trace.c: what is kept of a linear address's page; NULL: no room */
struct trace_page *trace_page_of(struct trace *t, u64 la);
/* trace_walk.c; r: pages, [n], most interesting first */
void trace_note_walk(struct trace *t, const struct probe_walk *w);
void trace_write_walks(struct trace *t, const struct trace_rank *r, u32 n);
/* trace_page.c */
void trace_write_page(struct trace *t);

#endif
