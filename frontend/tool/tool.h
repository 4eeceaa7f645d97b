/* dragoman image: what can be done with images without a machine, in the words of qemu-img. */
#ifndef FRONTEND_TOOL_TOOL_H
#define FRONTEND_TOOL_TOOL_H

#include "frontend/image/image.h"

/* The command line behind "dragoman"; argv[0] is "image". Returns the exit status. */
int image_tool(int argc, char **argv);

/* ---- among the files of this folder ---- */
struct tool {
    int argc;
    char **argv; /* argv[0] is the command */
    /* common options */
    const char *format, *out_format, *options, *backing, *backing_format, *snapshot, *cache;
    char snap_op; /* l c a d; 0: none */
    bool json, packed, quiet, progress, shrink, unlocked, chain, no_create, unsafe;
    unsigned fix;
    const char *args[8]; /* those without a dash */
    unsigned nargs;
    struct err err;
};
typedef int tool_fn(struct tool *t);
tool_fn tool_create, tool_convert, tool_resize, tool_commit, tool_compare, tool_info, tool_check,
    tool_snapshot, tool_map;

/* Print the sentence in t->err; returns 1. */
int tool_fail(struct tool *t);
/* Open args[i] in format -f. */
struct image *tool_open(struct tool *t, unsigned i, unsigned flags);
/* "10 GiB" */
const char *tool_size(u64 n, char *buf, size_t size);
bool tool_number(const char *text, u64 *v);
/* A table for people. */
void tool_print_snapshots(FILE *f, const struct image_snapshots *list);
void print_json_string(const char *s);

#endif
