/* The command line of dragoman image, and what its commands share. */
#include "frontend/tool/tool.h"

#include "frontend/opts.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static const struct command {
    const char *name;
    const char *letters; /* of the options it takes */
    unsigned min, max;   /* arguments */
    tool_fn *fn;
    const char *usage, *help;
} commands[] = {
    {"create", "foFbqu", 1, 2, tool_create, "[-f format] [-o options] [-b file -F format] file [size]",
     "make an image"},
    {"info", "fUJB", 1, 1, tool_info, "[-f format] [--output=json] [--backing-chain] file",
     "say what an image is"},
    {"check", "frUJq", 1, 1, tool_check, "[-f format] [-r leaks|all] [--output=json] file",
     "look for errors and repair them"},
    {"convert", "fOocbFpqUnl", 2, 2, tool_convert,
     "[-f format] [-O format] [-o options] [-c] [-b file -F format] from to", "copy into a new image"},
    {"resize", "fqS", 2, 2, tool_resize, "[-f format] [--shrink] file [+|-]size", "change the size"},
    {"snapshot", "fUqL", 1, 1, tool_snapshot, "-l | -c name | -a name | -d name file",
     "snapshots inside an image: list, create, apply, delete"},
    {"commit", "fqp", 1, 1, tool_commit, "[-f format] file",
     "write what differs into the backing file"},
    {"compare", "fFUqp", 2, 2, tool_compare, "[-f format] [-F format] a b",
     "do two images hold the same?"},
    {"map", "fUJ", 1, 1, tool_map, "[-f format] [--output=json] file", "where there is data"},
};

static const struct option longs[] = {
    {"output", required_argument, NULL, 'J'}, {"backing-chain", no_argument, NULL, 'B'},
    {"force-share", no_argument, NULL, 'U'},  {"shrink", no_argument, NULL, 'S'},
    {"repair", required_argument, NULL, 'r'}, {"help", no_argument, NULL, 'h'},
    {"list", no_argument, NULL, 'l'},         {"quiet", no_argument, NULL, 'q'},
    {NULL, 0, NULL, 0},
};

int tool_fail(struct tool *t)
{
    fprintf(stderr, "dragoman image: %s\n", t->err.msg[0] ? t->err.msg : "It did not work.");
    return 1;
}

struct image *tool_open(struct tool *t, unsigned i, unsigned flags)
{
    return image_open(t->args[i], t->format, flags | (t->unlocked ? IMAGE_NO_LOCK : 0), &t->err);
}

const char *tool_size(u64 n, char *buf, size_t size)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double v = (double)n;
    unsigned i = 0;

    while (v >= 1000 && i < 6) { /* three digits are shown */
        v /= 1024;
        i++;
    }
    snprintf(buf, size, "%.3g %s", v, units[i]);
    return buf;
}

bool tool_number(const char *text, u64 *v)
{
    static const char units[] = "bkmgtpe";
    size_t n = strlen(text);
    const char *u = n ? strchr(units, text[n - 1] | 0x20) : NULL;
    char *end;
    double d = strtod(text, &end);

    if (opts_size(text, 1, v))
        return true;
    if (!u || !*u || end != text + n - 1 || *text < '0' || *text > '9')
        return false;
    for (; u != units; u--)
        d *= 1024;
    if (d >= 9e18)
        return false;
    *v = (u64)d;
    return true;
}

void print_json_string(const char *s)
{
    putchar('"');
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static int usage(FILE *f)
{
    fprintf(f, "usage: dragoman image command [option...] file...\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(f, "  %-9s %s\n            %s\n", commands[i].name, commands[i].usage,
                commands[i].help);
    fprintf(f, "formats: raw qcow2; to read: vpc (VHD) vmdk vdi\n"
               "-o of qcow2: cluster_size=n, compat=0.10|1.1, lazy_refcounts=on|off, refcount_bits=n,\n"
               "             compression_type=zlib|zstd\n");
    return f == stdout ? 0 : 1;
}

/* One option. */
static bool option(struct tool *t, const struct command *cmd, int c, const char *v)
{
    switch (c) {
    case 'f': t->format = v; break;
    case 'O': t->out_format = v; break;
    case 'o': t->options = v; break;
    case 'b': t->backing = v; break;
    case 'F': t->backing_format = v; break;
    case 'c':
        t->packed = true;
        break;
    case 'q': t->quiet = true; break;
    case 'p': t->progress = true; break;
    case 'U': t->unlocked = true; break;
    case 'n': t->no_create = true; break;
    case 'u': t->unsafe = true; break;
    case 'S': t->shrink = true; break;
    case 'B': t->chain = true; break;
    case 'J':
        if (strcmp(v, "json") && strcmp(v, "human"))
            return err_set(&t->err, "--output is human or json, not '%.60s'", v);
        t->json = !strcmp(v, "json");
        break;
    case 'r':
        if (strcmp(v, "leaks") && strcmp(v, "all"))
            return err_set(&t->err, "-r is leaks or all, not '%.60s'", v);
        t->fix = IMAGE_FIX_LEAKS | (!strcmp(v, "all") ? IMAGE_FIX_ERRORS : 0);
        break;
    default: return err_set(&t->err, "'image %s' has no such option", cmd->name);
    }
    return true;
}

/* The letters that getopt is to know, with colons; those of snapshot differ. */
static void letters(const struct command *cmd, char *s)
{
    if (strchr(cmd->letters, 'L')) {
        strcpy(s, "f:Uqlc:a:d:h");
        return;
    }
    for (const char *p = cmd->letters; *p; p++) {
        if (*p >= 'A' && strchr("JBS", *p))
            continue;
        *s++ = *p;
        if (strchr("fOobFrl", *p))
            *s++ = ':';
    }
    strcpy(s, "h");
}

static bool parse(struct tool *t, const struct command *cmd)
{
    char known[64];
    int c;

    letters(cmd, known);
    optind = 1;
    while ((c = getopt_long(t->argc, t->argv, known, longs, NULL)) != -1) {
        if (c == '?')
            return err_set(&t->err, "usage: dragoman image %s %s", cmd->name, cmd->usage);
        if (c == 'h') {
            printf("usage: dragoman image %s %s\n", cmd->name, cmd->usage);
            exit(0);
        }
        if (strchr(cmd->letters, 'L') && strchr("lcad", c)) {
            if (t->snap_op)
                return err_set(&t->err, "only one of -l, -c, -a and -d can be given");
            t->snap_op = (char)c;
            t->snapshot = optarg;
            continue;
        }
        if (c == 'l') {
            t->snapshot = optarg;
            continue;
        }
        if (!strchr(cmd->letters, c))
            return err_set(&t->err, "'image %s' has no such option", cmd->name);
        if (!option(t, cmd, c, optarg))
            return false;
    }
    for (; optind < t->argc; optind++) {
        if (t->nargs >= cmd->max)
            return err_set(&t->err, "'%.100s' is one argument too many", t->argv[optind]);
        t->args[t->nargs++] = t->argv[optind];
    }
    return t->nargs >= cmd->min ||
           err_set(&t->err, "usage: dragoman image %s %s", cmd->name, cmd->usage);
}

int image_tool(int argc, char **argv)
{
    struct tool t = {.argc = argc - 1, .argv = argv + 1};

    if (argc < 2)
        return usage(stderr);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return usage(stdout);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(argv[1], commands[i].name))
            continue;
        return parse(&t, &commands[i]) ? commands[i].fn(&t) : tool_fail(&t);
    }
    fprintf(stderr, "dragoman image: there is no command '%.60s'\n", argv[1]);
    return usage(stderr);
}
