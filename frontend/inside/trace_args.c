/* The command line of dragoman trace. */
#include "frontend/inside/trace.h"

#include <string.h>

enum { BLOCKS = 200, BLOCKS_SHOWN = 2000, INSNS = 20000000 };

void trace_usage(FILE *f)
{
    fprintf(f,
            "usage: dragoman trace [-o page.html] [-blocks n] [-insns n] -- MACHINE OPTIONS\n"
            "Runs a machine, watches it, and writes a page that shows its code and what it did.\n"
            "  -o file     where the page goes (trace.html)\n"
            "  -blocks n   show the n hottest blocks (%d; at most %d)\n"
            "  -insns n    end after n instructions (%d; 0: when the machine does)\n"
            "With -icount among the machine's options all counts are the same each time.\n",
            BLOCKS, BLOCKS_SHOWN, INSNS);
}

int trace_args(struct opt_trace *opt, int argc, char **argv, struct err *err)
{
    static const char *const names[] = {"-o", "-blocks", "-insns", "-help", NULL};
    u64 n;
    *opt = (struct opt_trace){.path = "trace.html", .blocks = BLOCKS, .insns = INSNS};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i] + (argv[i][0] == '-' && argv[i][1] == '-' && argv[i][2]);
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(name, "--"))
            return i;
        if (!strcmp(name, "-help") || !strcmp(name, "-h"))
            return -1;
        if (strcmp(name, "-o") && strcmp(name, "-blocks") && strcmp(name, "-insns")) {
            const char *near = opts_nearest(name, names);
            err_set(
                err,
                "'%.60s' is no option of 'dragoman trace'%s%s; the machine's options follow behind "
                "'--'.",
                argv[i], near ? "; nearest: " : "", near ? near : "");
            return 0;
        }
        if (!value) {
            err_set(err, "%s needs a value.", name);
            return 0;
        }
        i++;
        if (!strcmp(name, "-o")) {
            if (!value[0] || !opts_copy(opt->path, sizeof(opt->path), value)) {
                err_set(err, "-o needs the name of a file.");
                return 0;
            }
        } else if (!strcmp(name, "-blocks")) {
            if (!opts_number(value, BLOCKS_SHOWN, &n) || !n) {
                err_set(err, "-blocks is a number from 1 to %d, not '%.60s'.", BLOCKS_SHOWN, value);
                return 0;
            }
            opt->blocks = (u32)n;
        } else if (!opts_number(value, (u64)1 << 62, &opt->insns)) {
            err_set(err, "-insns is a number of instructions, not '%.60s'.", value);
            return 0;
        }
    }
    err_set(err,
            "The machine's options are missing: dragoman trace [-o page.html] -- MACHINE OPTIONS.");
    return 0;
}
